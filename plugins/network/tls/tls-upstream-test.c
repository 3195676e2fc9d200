/* SPDX-License-Identifier: Apache-2.0 */
/* The leg of an upstream, against servers that are plain OpenSSL. */
#include "tls-fixture.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "api.example.com"
#define DAY  (24 * 3600L)

/* An authority that the engine trusts, and servers of it. */
typedef struct {
    TlsFolder folder;
    TlsPair root;
    OshTlsEngine *engine;
} World;

static void
world_open_with(World *world, OshTlsSettings *settings)
{
    static const TlsSpec root = {.common_name = "Root of the test", .is_authority = TRUE};
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = NULL;

    tls_folder_open(&world->folder);
    world->root = tls_pair_new(NULL, &root);
    pem = tls_certificate_text(world->root.certificate);
    settings->upstream_roots = tls_folder_write(&world->folder, "roots.pem", pem, 0644);
    world->engine = osh_tls_engine_new(settings, &error);
    g_assert_no_error(error);
    g_assert_false(osh_tls_engine_upstream_is_ready(world->engine));
    g_assert_true(osh_tls_engine_prepare_upstream(world->engine, &error));
    g_assert_no_error(error);
    g_assert_true(osh_tls_engine_upstream_is_ready(world->engine));
}

static void
world_open(World *world)
{
    OshTlsSettings settings = {0};

    world_open_with(world, &settings);
}

static void
world_close(World *world)
{
    osh_tls_engine_free(world->engine);
    tls_pair_clear(&world->root);
    tls_folder_close(&world->folder);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* Opens a link to a server of @spec; a handshake has been tried. */
static void
world_ask(World *world, TlsLink *link, const TlsSpec *spec, const OshTlsClientLeg *leg, int version)
{
    TlsPair pair = tls_pair_new(&world->root, spec);
    SSL_CTX *context = tls_server_context(&pair, &world->root);

    SSL_CTX_set_max_proto_version(context, version);
    tls_link_open(link, 0);
    tls_link_peer(link, context, NULL);
    tls_link_ask(link, world->engine, leg);
    tls_link_shake(link);
    SSL_CTX_free(context);
    tls_pair_clear(&pair);
}

/* Every failure says what to do about it. */
static void
assert_says(const OshTlsFailure *failure, const char *what, const char *hint)
{
    g_test_message("%s", failure->text);
    g_assert_nonnull(strstr(failure->text, what));
    g_assert_nonnull(strstr(failure->text, hint));
    g_assert_cmpuint(strlen(failure->text) + 1, <, sizeof failure->text);
}

static void
test_names(void)
{
    static const struct {
        const char *name;
        const char *common_name;
        const char *names; /* (nullable) */
        gboolean fits;
    } rows[] = {
        {NAME, "x", "DNS:api.example.com", TRUE},
        {NAME, "x", "DNS:other.example.com,DNS:API.example.com", TRUE},
        {NAME, "x", "DNS:*.example.com", TRUE},
        {"10.77.0.1", "x", "IP:10.77.0.1", TRUE},
        {"2001:db8::1", "x", "IP:2001:db8::1", TRUE},
        {NAME, "x", "DNS:other.example.com", FALSE},
        {NAME, NAME, NULL, FALSE},
        {NAME, NAME, "DNS:other.example.com", FALSE},
        {NAME, "x", "DNS:*.com", FALSE},
        {NAME, "x", "DNS:a*.example.com", FALSE},
        {NAME, "x", "DNS:*pi.example.com", FALSE},
        {"deep.api.example.com", "x", "DNS:*.example.com", FALSE},
        {"10.77.0.1", "x", "DNS:10.77.0.1", FALSE},
        {"10.77.0.1", "10.77.0.1", "IP:10.77.0.2", FALSE},
        {"2001:db8::1", "x", "IP:2001:db8::2", FALSE},
    };
    World world;

    world_open(&world);
    for (guint v = 0; v < G_N_ELEMENTS(versions); v++)
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
            const TlsSpec spec = {.common_name = rows[i].common_name, .names = rows[i].names};
            const OshTlsClientLeg leg = {.name = rows[i].name, .port = 443};
            const OshTlsFailure *failure;
            TlsLink link;

            world_ask(&world, &link, &spec, &leg, versions[v]);
            failure = osh_tls_session_failure(link.session);
            g_test_message("%s, certificate for %s: %s", rows[i].name, rows[i].names,
                           failure->text);
            g_assert_cmpint(failure->kind, ==,
                            rows[i].fits ? OSH_TLS_FAILURE_NONE
                                         : OSH_TLS_FAILURE_UPSTREAM_WRONG_NAME);
            if (rows[i].fits)
                tls_link_echo(&link);
            else
                assert_says(failure, rows[i].name, "by a name that it is for");
            tls_link_close(&link);
        }
    world_close(&world);
}

static void
test_certificates_that_are_not_valid(void)
{
    static const struct {
        TlsSpec spec;
        OshTlsFailureKind kind;
        const char *text;
        const char *hint;
    } rows[] = {
        {{.names = "DNS:" NAME, .from = -9 * DAY, .until = -1},
         OSH_TLS_FAILURE_UPSTREAM_EXPIRED,
         "has expired",
         "clock of this machine"},
        {{.names = "DNS:" NAME, .from = DAY, .until = 9 * DAY},
         OSH_TLS_FAILURE_UPSTREAM_EXPIRED,
         "not valid yet",
         "clock of this machine"},
        {{.names = "DNS:" NAME, .usage = "clientAuth"},
         OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED,
         "purpose",
         "tls: skip"},
    };
    const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    World world;

    world_open(&world);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        TlsSpec spec = rows[i].spec;
        const OshTlsFailure *failure;
        TlsLink link;

        spec.common_name = "x";
        world_ask(&world, &link, &spec, &leg, TLS1_3_VERSION);
        failure = osh_tls_session_failure(link.session);
        g_assert_cmpint(failure->kind, ==, rows[i].kind);
        assert_says(failure, rows[i].text, rows[i].hint);
        g_assert_false(failure->alert_received);
        tls_link_close(&link);
    }
    world_close(&world);
}

static void
test_authorities_that_are_not_trusted(void)
{
    static const TlsSpec other = {.common_name = "Another root", .is_authority = TRUE};
    static const TlsSpec server = {.common_name = "x", .names = "DNS:" NAME};
    const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    TlsPair root = tls_pair_new(NULL, &other);
    World world;

    world_open(&world);
    for (guint i = 0; i < 3; i++) {
        TlsPair pair = tls_pair_new(i == 0 ? NULL : &root, &server);
        SSL_CTX *context = tls_server_context(&pair, i == 2 ? &root : NULL);
        const OshTlsFailure *failure;
        TlsLink link;

        tls_link_open(&link, 0);
        tls_link_peer(&link, context, NULL);
        tls_link_ask(&link, world.engine, &leg);
        tls_link_shake(&link);
        failure = osh_tls_session_failure(link.session);
        g_assert_cmpint(failure->kind, ==, OSH_TLS_FAILURE_UPSTREAM_UNTRUSTED);
        g_assert_true(strstr(failure->text, "self-signed") != NULL ||
                      strstr(failure->text, "issuer certificate") != NULL);
        assert_says(failure, "not valid", "network.upstream-ca");
        g_assert_cmpint(failure->alert, ==, 48);
        g_assert_true(link.peer_failed);
        tls_link_close(&link);
        SSL_CTX_free(context);
        tls_pair_clear(&pair);
    }
    tls_pair_clear(&root);
    world_close(&world);
}

static int
choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                const unsigned char *offer, unsigned int length, void *data)
{
    const char *wanted = data;

    (void)ssl;
    return SSL_select_next_proto((unsigned char **)(guintptr)ret_name, ret_length,
                                 (const guint8 *)wanted, (guint)strlen(wanted), offer,
                                 length) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
test_protocols(void)
{
    static const char *const both[] = {"h2", "http/1.1", NULL};
    static const char *const one[] = {"http/1.1", NULL};
    static const char *const none[] = {NULL};
    static const struct {
        const char *const *offer;
        const char *server; /* (nullable): knows no ALPN */
        const char *got;    /* (nullable): fails */
    } rows[] = {
        {both, "\x02h2", "h2"}, {both, "\x08http/1.1", "http/1.1"}, {one, "\x02h2", NULL},
        {one, NULL, ""},        {none, "\x08http/1.1", ""},         {NULL, "\x08http/1.1", ""},
    };
    const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
    World world;

    world_open(&world);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshTlsClientLeg leg = {.name = NAME, .port = 443, .protocols = rows[i].offer};
        TlsPair pair = tls_pair_new(&world.root, &spec);
        SSL_CTX *context = tls_server_context(&pair, NULL);
        const OshTlsFailure *failure;
        OshSpan protocol;
        TlsLink link;

        if (rows[i].server != NULL)
            SSL_CTX_set_alpn_select_cb(context, choose_protocol, (gpointer)rows[i].server);
        tls_link_open(&link, 0);
        tls_link_peer(&link, context, NULL);
        tls_link_ask(&link, world.engine, &leg);
        tls_link_shake(&link);
        failure = osh_tls_session_failure(link.session);
        protocol = osh_tls_session_protocol(link.session);
        if (rows[i].got != NULL) {
            g_assert_cmpstr(failure->text, ==, "");
            g_assert_cmpmem(protocol.data, protocol.length, rows[i].got, strlen(rows[i].got));
        } else {
            g_assert_cmpint(failure->kind, ==, OSH_TLS_FAILURE_NO_PROTOCOL);
            g_assert_cmpint(failure->alert, ==, 120);
            g_assert_true(failure->alert_received);
        }
        tls_link_close(&link);
        SSL_CTX_free(context);
        tls_pair_clear(&pair);
    }
    world_close(&world);
}

static void
test_a_server_that_fails(void)
{
    static const char *const answers[] = {"", "HTTP/1.1 400 Bad Request\r\n\r\n",
                                          "\x15\x03\x03\x00\x02\x02\x28"};
    static const OshTlsFailureKind kinds[] = {OSH_TLS_FAILURE_LOST, OSH_TLS_FAILURE_PROTOCOL,
                                              OSH_TLS_FAILURE_PROTOCOL};
    const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    World world;

    world_open(&world);
    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        gsize length = i == 2 ? 7 : strlen(answers[i]);
        char hello[4096];
        TlsLink link;

        tls_link_open(&link, 0);
        tls_link_ask(&link, world.engine, &leg);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
        g_assert_cmpint(read(link.theirs, hello, sizeof hello), >, 0);
        g_assert_cmpint(write(link.theirs, answers[i], length), ==, (gssize)length);
        close(link.theirs);
        link.theirs = -1;
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
        g_assert_cmpint(osh_tls_session_failure(link.session)->kind, ==, kinds[i]);
        g_assert_cmpint(osh_tls_session_failure(link.session)->alert == 40, ==, i == 2);
        tls_link_close(&link);
    }
    world_close(&world);
}

/* Several connections with one server: whether each resumes. */
static void
resume_in_turn(World *world, SSL_CTX *context, const OshTlsClientLeg *legs, const gboolean *resumed,
               gsize n)
{
    for (gsize i = 0; i < n; i++) {
        TlsLink link;

        tls_link_open(&link, 0);
        tls_link_peer(&link, context, NULL);
        tls_link_ask(&link, world->engine, &legs[i]);
        tls_link_shake(&link);
        g_assert_cmpstr(osh_tls_session_failure(link.session)->text, ==, "");
        tls_link_echo(&link);
        g_test_message("%s:%u: %i", legs[i].name, legs[i].port,
                       osh_tls_session_is_resumed(link.session));
        g_assert_cmpint(osh_tls_session_is_resumed(link.session), ==, resumed[i]);
        tls_link_close(&link);
    }
}

static void
test_resumption(void)
{
    static const char *const http[] = {"http/1.1", NULL};
    static const OshTlsClientLeg legs[] = {
        {.name = NAME, .port = 443},
        {.name = NAME, .port = 443},
        {.name = NAME, .port = 443},
        {.name = "other.example.com", .port = 443},
        {.name = NAME, .port = 8443},
        {.name = NAME, .port = 443, .protocols = http},
        {.name = NAME, .port = 443, .client_certificate = TRUE},
        {.name = "other.example.com", .port = 443},
        {.name = NAME, .port = 443},
    };
    static const gboolean resumed[] = {FALSE, TRUE, TRUE, FALSE, FALSE, FALSE, FALSE, TRUE, TRUE};
    const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME ",DNS:other.example.com"};

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++) {
        World world;
        TlsPair pair;
        SSL_CTX *context;

        world_open(&world);
        pair = tls_pair_new(&world.root, &spec);
        context = tls_server_context(&pair, NULL);
        SSL_CTX_set_max_proto_version(context, versions[v]);
        resume_in_turn(&world, context, legs, resumed, G_N_ELEMENTS(legs));
        SSL_CTX_free(context);
        tls_pair_clear(&pair);
        world_close(&world);
    }
}

/* A ticket of TLS 1.3 is used once; a server that gives none later is met anew. */
static void
test_tickets_are_used_once(void)
{
    static const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
    World world;
    TlsPair pair;
    SSL_CTX *context;

    world_open(&world);
    pair = tls_pair_new(&world.root, &spec);
    context = tls_server_context(&pair, NULL);
    for (guint i = 0; i < 4; i++) {
        const gboolean resumed = i == 1 || i == 2;

        /* Two at first; OpenSSL gives one to a client that resumes, unless it is told 0. */
        SSL_CTX_set_num_tickets(context, i == 0 ? 2 : 0);
        resume_in_turn(&world, context, &leg, &resumed, 1);
    }
    SSL_CTX_free(context);
    tls_pair_clear(&pair);
    world_close(&world);
}

static void
test_client_certificate(void)
{
    static const TlsSpec user = {.common_name = "user", .usage = "clientAuth"};
    const TlsSpec spec = {.common_name = "x", .names = "DNS:" NAME};
    OshTlsSettings settings = {0};
    TlsPair own = tls_pair_new(NULL, &user);
    g_autofree char *certificate = tls_certificate_text(own.certificate);
    g_autofree char *key = tls_key_text(own.key, NULL);
    TlsFolder files;
    World world;

    tls_folder_open(&files);
    settings.client_certificate = tls_folder_write(&files, "user.pem", certificate, 0644);
    settings.client_key = tls_folder_write(&files, "user.key", key, 0600);
    world_open_with(&world, &settings);
    for (guint i = 0; i < 2; i++) {
        const OshTlsClientLeg leg = {.name = NAME, .port = 443, .client_certificate = i == 1};
        TlsPair pair = tls_pair_new(&world.root, &spec);
        SSL_CTX *context = tls_server_context(&pair, NULL);
        X509 *seen;
        TlsLink link;

        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), own.certificate);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        tls_link_open(&link, 0);
        tls_link_peer(&link, context, NULL);
        tls_link_ask(&link, world.engine, &leg);
        tls_link_shake(&link);
        seen = SSL_get1_peer_certificate(link.peer);
        if (i == 1) {
            g_assert_cmpint(X509_cmp(seen, own.certificate), ==, 0);
            tls_link_echo(&link);
        } else {
            char buffer[16];
            gsize length;

            /* In TLS 1.3 the client has finished by then. */
            g_assert_null(seen);
            g_assert_cmpint(tls_link_read(&link, buffer, sizeof buffer, &length), ==,
                            OSH_TLS_FAILED);
            g_assert_cmpint(osh_tls_session_failure(link.session)->alert, ==, 116);
            assert_says(osh_tls_session_failure(link.session), "wants a client certificate",
                        "network.client-certificate-hosts");
        }
        X509_free(seen);
        tls_link_close(&link);
        SSL_CTX_free(context);
        tls_pair_clear(&pair);
    }
    world_close(&world);
    tls_folder_close(&files);
    tls_pair_clear(&own);
}

static void
test_servers_that_are_none_of_tls(void)
{
    static const struct {
        const char *says; /* (nullable): it ends the connection */
        const char *text;
        const char *hint;
    } rows[] = {
        {"220 mail.example.com ESMTP\r\n", "TLS with the server failed", "speak TLS on this port"},
        {NULL, "ended the connection during the TLS handshake", "speak TLS on this port"},
        {"\x15\x03\x03\x00\x02\x02\x28", "alert 40", "network.client-certificate"},
        {"\x15\x03\x03\x00\x02\x02\x46", "alert 70", "tls: skip"},
        {"\x15\x03\x03\x00\x02\x02\x70", "alert 112", "no server for this name"},
        {"\x15\x03\x03\x00\x02\x02\x2a", "alert 42", "network.client-certificate"},
        {"\x15\x03\x03\x00\x02\x02\x50", "alert 80", "tls: skip"},
    };
    const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    World world;

    world_open(&world);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize length = rows[i].says == NULL        ? 0
                       : rows[i].says[0] == '\x15' ? 7
                                                   : strlen(rows[i].says);
        TlsLink link;

        tls_link_open(&link, 0);
        tls_link_ask(&link, world.engine, &leg);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
        if (length > 0)
            g_assert_cmpint(write(link.theirs, rows[i].says, length), ==, length);
        else
            shutdown(link.theirs, SHUT_WR);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
        assert_says(osh_tls_session_failure(link.session), rows[i].text, rows[i].hint);
        tls_link_close(&link);
    }
    world_close(&world);
}

static void
test_not_prepared(void)
{
    g_autoptr(OshTlsEngine) engine = osh_tls_engine_new(NULL, NULL);
    const OshTlsClientLeg leg = {.name = NAME, .port = 443};
    OshTlsFailure failure;

    g_assert_null(osh_tls_session_new_client(engine, -1, &leg, &failure));
    g_assert_cmpint(failure.kind, ==, OSH_TLS_FAILURE_LOCAL);
    g_assert_nonnull(strstr(failure.text, "not loaded"));
}

/* The two legs of one connection, both ours. */
static void
test_both_legs_are_ours(void)
{
    static const char *const offer[] = {"h2", "http/1.1", NULL};
    const OshTlsClientLeg leg = {.name = NAME, .port = 443, .protocols = offer};
    g_autoptr(OshTlsEngine) server = osh_tls_engine_new(NULL, NULL);
    g_autoptr(OshTlsEngine) client = NULL;
    OshTlsSettings settings = {0};
    TlsFolder folder;

    tls_folder_open(&folder);
    settings.upstream_roots =
        tls_folder_write(&folder, "ca.pem", osh_tls_engine_authority_pem(server), 0644);
    client = osh_tls_engine_new(&settings, NULL);
    g_assert_true(osh_tls_engine_prepare_upstream(client, NULL));
    for (guint i = 0; i < 3; i++) {
        const OshTlsServerLeg serve = {.name = NAME, .protocol = "http/1.1"};
        OshTlsResult results[2] = {OSH_TLS_WANT_READ, OSH_TLS_WANT_READ};
        const OshSpan piece = OSH_SPAN_LITERAL("x");
        OshTlsSession *far;
        OshTlsFailure failure;
        char byte;
        TlsLink link;
        gsize n;

        tls_link_open(&link, 0);
        tls_link_ask(&link, client, &leg);
        far = osh_tls_session_new_server(server, link.theirs, &serve, &failure);
        for (guint k = 0; k < 20; k++) {
            results[0] = osh_tls_session_handshake(link.session);
            results[1] = osh_tls_session_handshake(far);
        }
        g_assert_cmpint(results[0], ==, OSH_TLS_DONE);
        g_assert_cmpint(results[1], ==, OSH_TLS_DONE);
        g_assert_cmpuint(osh_tls_session_protocol(link.session).length, ==, 8);
        g_assert_cmpint(osh_tls_session_write(far, &piece, 1, &n), ==, OSH_TLS_DONE);
        g_assert_cmpint(osh_tls_session_read(link.session, &byte, 1, &n), ==, OSH_TLS_DONE);
        g_assert_cmpint(osh_tls_session_is_resumed(far), ==, i > 0);
        osh_tls_session_free(far);
        tls_link_close(&link);
    }
    tls_folder_close(&folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/tls-upstream/a certificate has to be for the name", test_names);
    g_test_add_func("/network/tls-upstream/a certificate has to be valid now and for servers",
                    test_certificates_that_are_not_valid);
    g_test_add_func("/network/tls-upstream/a certificate has to lead to a root",
                    test_authorities_that_are_not_trusted);
    g_test_add_func("/network/tls-upstream/the server chooses one of the protocols that it is "
                    "offered",
                    test_protocols);
    g_test_add_func("/network/tls-upstream/a server that goes, alerts or speaks no TLS",
                    test_a_server_that_fails);
    g_test_add_func("/network/tls-upstream/a session is resumed for the same name, port and offer",
                    test_resumption);
    g_test_add_func("/network/tls-upstream/a ticket of TLS 1.3 is used once",
                    test_tickets_are_used_once);
    g_test_add_func("/network/tls-upstream/a client certificate is shown where it is to be",
                    test_client_certificate);
    g_test_add_func(
        "/network/tls-upstream/a server that speaks no TLS with us is told of with what "
        "to do",
        test_servers_that_are_none_of_tls);
    g_test_add_func("/network/tls-upstream/without roots there is no session", test_not_prepared);
    g_test_add_func("/network/tls-upstream/both legs fit each other", test_both_legs_are_ours);
    return g_test_run();
}
