/* SPDX-License-Identifier: Apache-2.0 */
/* The leg of a client, against clients that are plain OpenSSL. */
#include "tls-fixture.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME "api.example.com"

static OshTlsEngine *
engine_new(void)
{
    g_autoptr(GError) error = NULL;
    OshTlsEngine *engine = osh_tls_engine_new(NULL, &error);

    g_assert_no_error(error);
    return engine;
}

/* Opens a link of a client that trusts @engine, or somebody else, to a session for @name. */
static void
open_link(TlsLink *link, OshTlsEngine *engine, const char *name, int version)
{
    SSL_CTX *context = tls_client_context(osh_tls_engine_authority_pem(engine));

    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    tls_link_open(link, 0);
    tls_link_peer(link, context, name);
    tls_link_serve(link, engine, name, NULL);
    SSL_CTX_free(context);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void
test_a_client_that_trusts(void)
{
    static const char *const names[] = {
        NAME,
        "localhost",
        "under_score.example.com",
        "10.77.0.1",
        "2001:db8::1",
        "a-label-that-is-quite-long-by-itself.and-another-one-that-follows-it.example.com",
    };
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++)
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
            TlsLink link;

            open_link(&link, engine, names[i], versions[v]);
            tls_link_shake(&link);
            g_assert_cmpstr(osh_tls_session_failure(link.session)->text, ==, "");
            g_assert_cmpint(link.result, ==, OSH_TLS_DONE);
            g_assert_true(link.peer_open);
            g_assert_cmpint(SSL_get_verify_result(link.peer), ==, X509_V_OK);
            g_assert_cmpint(sk_X509_num(SSL_get_peer_cert_chain(link.peer)), ==, 2);
            g_assert_cmpstr(osh_tls_session_version(link.session), ==,
                            v == 0 ? "TLSv1.2" : "TLSv1.3");
            tls_link_echo(&link);
            g_assert_false(osh_tls_session_is_resumed(link.session));
            tls_link_close(&link);
        }
    g_assert_cmpuint(osh_tls_engine_leaves_minted(engine), ==, G_N_ELEMENTS(names));
}

static void
test_a_name_that_is_none(void)
{
    static const char *const names[] = {"", "*.example.com", "a,DNS:b.example.com", "a b",
                                        "fe80::1%eth0"};
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        const OshTlsServerLeg leg = {.name = names[i]};
        OshTlsFailure failure;

        g_assert_null(osh_tls_session_new_server(engine, -1, &leg, &failure));
        g_assert_cmpint(failure.kind, ==, OSH_TLS_FAILURE_LOCAL);
        g_assert_nonnull(strstr(failure.text, "no certificate"));
    }
}

static void
test_a_client_that_does_not_trust(void)
{
    g_autoptr(OshTlsEngine) engine = engine_new();
    g_autoptr(OshTlsEngine) other = engine_new();

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++) {
        SSL_CTX *context = tls_client_context(osh_tls_engine_authority_pem(other));
        const OshTlsFailure *failure;
        TlsLink link;

        SSL_CTX_set_max_proto_version(context, versions[v]);
        tls_link_open(&link, 0);
        tls_link_peer(&link, context, NAME);
        tls_link_serve(&link, engine, NAME, NULL);
        tls_link_shake(&link);
        failure = osh_tls_session_failure(link.session);
        g_assert_cmpint(link.result, ==, OSH_TLS_FAILED);
        g_assert_cmpint(failure->kind, ==, OSH_TLS_FAILURE_CERTIFICATE_REFUSED);
        g_assert_cmpint(failure->alert, ==, 48);
        g_assert_true(failure->alert_received);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
        g_assert_cmpint(osh_tls_session_shutdown(link.session), ==, OSH_TLS_DONE);
        tls_link_close(&link);
        SSL_CTX_free(context);
    }
}

/* 42 and 46 are what Go and Java send; 45 blames a clock, not the authority. */
static void
test_alerts_after_the_certificate(void)
{
    static const struct {
        guint8 alert;
        OshTlsFailureKind kind;
    } rows[] = {{42, OSH_TLS_FAILURE_CERTIFICATE_REFUSED},
                {46, OSH_TLS_FAILURE_CERTIFICATE_REFUSED},
                {48, OSH_TLS_FAILURE_CERTIFICATE_REFUSED},
                {45, OSH_TLS_FAILURE_PROTOCOL},
                {80, OSH_TLS_FAILURE_PROTOCOL}};
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const guint8 record[] = {21, 3, 3, 0, 2, 2, rows[i].alert};
        TlsLink link;

        open_link(&link, engine, NAME, TLS1_2_VERSION);
        g_assert_cmpint(SSL_do_handshake(link.peer), ==, -1);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
        g_assert_cmpint(send(link.theirs, record, sizeof record, 0), ==, sizeof record);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
        g_assert_cmpint(osh_tls_session_failure(link.session)->kind, ==, rows[i].kind);
        g_assert_cmpint(osh_tls_session_failure(link.session)->alert, ==, rows[i].alert);
        ERR_clear_error();
        tls_link_close(&link);
    }
}

static void
test_a_client_that_goes_in_the_handshake(void)
{
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++)
        for (guint seen = 0; seen < 2; seen++) {
            TlsLink link;

            open_link(&link, engine, NAME, versions[v]);
            if (seen == 1) {
                g_assert_cmpint(SSL_do_handshake(link.peer), ==, -1);
                g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_WANT_READ);
            }
            close(link.theirs);
            link.theirs = -1;
            g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
            g_assert_cmpint(osh_tls_session_failure(link.session)->kind, ==,
                            seen == 1 ? OSH_TLS_FAILURE_CERTIFICATE_REFUSED : OSH_TLS_FAILURE_LOST);
            g_assert_cmpint(osh_tls_session_failure(link.session)->alert, ==, -1);
            ERR_clear_error();
            tls_link_close(&link);
        }
}

static void
test_a_client_that_looks_at_it_after_the_handshake(void)
{
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint i = 0; i < 3; i++) {
        char buffer[64];
        gsize length;
        TlsLink link;

        open_link(&link, engine, NAME, TLS1_3_VERSION);
        tls_link_shake(&link);
        g_assert_false(osh_tls_session_ended_unused(link.session));
        if (i == 2)
            tls_link_echo(&link);
        if (i > 0)
            SSL_shutdown(link.peer);
        close(link.theirs);
        link.theirs = -1;
        g_assert_cmpint(osh_tls_session_read(link.session, buffer, sizeof buffer, &length), ==,
                        i > 0 ? OSH_TLS_END : OSH_TLS_FAILED);
        g_assert_cmpint(osh_tls_session_ended_unused(link.session), ==, i < 2);
        tls_link_close(&link);
    }
}

static void
test_protocols(void)
{
    static const struct {
        const char *wanted;
        const char *offer;
        const char *got; /* (nullable): fails */
    } rows[] = {
        {"http/1.1", "\x02h2\x08http/1.1", "http/1.1"},
        {"h2", "\x02h2\x08http/1.1", "h2"},
        {"http/1.1", "\x08http/1.1", "http/1.1"},
        {"http/1.1", "", ""},
        {NULL, "\x02h2\x08http/1.1", ""},
        {NULL, "", ""},
        {"http/1.1", "\x02h2", NULL},
        {"http/1.1", "\x09http/1.10\x08http/1.0", NULL},
        {"h2", "\x08http/1.1", NULL},
    };
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++)
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
            SSL_CTX *context = tls_client_context(NULL);
            const OshTlsFailure *failure;
            OshSpan protocol;
            TlsLink link;

            SSL_CTX_set_max_proto_version(context, versions[v]);
            SSL_CTX_set_alpn_protos(context, (const guint8 *)rows[i].offer,
                                    (guint)strlen(rows[i].offer));
            tls_link_open(&link, 0);
            tls_link_peer(&link, context, NAME);
            tls_link_serve(&link, engine, NAME, rows[i].wanted);
            tls_link_shake(&link);
            failure = osh_tls_session_failure(link.session);
            protocol = osh_tls_session_protocol(link.session);
            if (rows[i].got != NULL) {
                g_assert_cmpstr(failure->text, ==, "");
                g_assert_cmpmem(protocol.data, protocol.length, rows[i].got, strlen(rows[i].got));
            } else {
                g_assert_cmpint(failure->kind, ==, OSH_TLS_FAILURE_NO_PROTOCOL);
                g_assert_cmpint(failure->alert, ==, 120);
                g_assert_false(failure->alert_received);
                g_assert_true(link.peer_failed);
            }
            tls_link_close(&link);
            SSL_CTX_free(context);
        }
}

static void
test_what_is_no_tls(void)
{
    const OshSpan texts[] = {
        OSH_SPAN_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        OSH_SPAN_LITERAL("\x16\x03\x01\x00\x05\x01\x02\x03\x04\x05"),
        OSH_SPAN_LITERAL("SSH-2.0-OpenSSH_9.2\r\n"),
    };
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        TlsLink link;

        tls_link_open(&link, 0);
        tls_link_serve(&link, engine, NAME, NULL);
        g_assert_cmpint(send(link.theirs, texts[i].data, texts[i].length, 0), ==,
                        (gssize)texts[i].length);
        shutdown(link.theirs, SHUT_WR);
        g_assert_cmpint(osh_tls_session_handshake(link.session), ==, OSH_TLS_FAILED);
        g_assert_cmpint(osh_tls_session_failure(link.session)->kind, ==, OSH_TLS_FAILURE_PROTOCOL);
        g_assert_null(strstr(osh_tls_session_failure(link.session)->text, "GET"));
        tls_link_close(&link);
    }
}

static void
test_an_old_client(void)
{
    g_autoptr(OshTlsEngine) engine = engine_new();
    SSL_CTX *context = tls_client_context(NULL);
    TlsLink link;

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    tls_link_open(&link, 0);
    tls_link_peer(&link, context, NAME);
    tls_link_serve(&link, engine, NAME, NULL);
    tls_link_shake(&link);
    g_assert_cmpint(osh_tls_session_failure(link.session)->kind, ==, OSH_TLS_FAILURE_PROTOCOL);
    g_assert_cmpint(osh_tls_session_failure(link.session)->alert, ==, 70);
    tls_link_close(&link);
    SSL_CTX_free(context);
}

/* Each split of the ClientHello between what was read before and what is in the socket. */
static void
test_prefix(void)
{
    g_autoptr(OshTlsEngine) engine = engine_new();
    gsize whole = 1;

    for (gsize split = 0; split <= whole; split++) {
        char prefix[4096];
        const OshTlsServerLeg leg = {.name = NAME, .prefix = {prefix, split}};
        OshTlsFailure failure;
        TlsLink link;

        open_link(&link, engine, NAME, TLS1_3_VERSION);
        osh_tls_session_free(link.session);
        g_assert_cmpint(SSL_do_handshake(link.peer), ==, -1);
        ERR_clear_error();
        whole = (gsize)recv(link.ours, prefix, sizeof prefix, MSG_PEEK);
        g_assert_cmpuint(whole, <, sizeof prefix);
        if (split > 0)
            g_assert_cmpint(recv(link.ours, prefix, split, 0), ==, (gssize)split);
        link.session = osh_tls_session_new_server(engine, link.ours, &leg, &failure);
        memset(prefix, 0, sizeof prefix);
        tls_link_shake(&link);
        g_assert_cmpint(link.result, ==, OSH_TLS_DONE);
        tls_link_echo(&link);
        tls_link_close(&link);
    }
    g_assert_cmpuint(whole, >, 100);
}

static void
test_resumption(void)
{
    static const char *const names[] = {NAME, NAME, "other.example.com"};
    g_autoptr(OshTlsEngine) engine = engine_new();

    for (guint v = 0; v < G_N_ELEMENTS(versions); v++) {
        SSL_SESSION *session = NULL;

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
            TlsLink link;

            open_link(&link, engine, names[i], versions[v]);
            if (session != NULL)
                SSL_set_session(link.peer, session);
            tls_link_shake(&link);
            g_assert_cmpint(link.result, ==, OSH_TLS_DONE);
            tls_link_echo(&link);
            g_assert_cmpint(osh_tls_session_is_resumed(link.session), ==, i == 1);
            g_assert_cmpint(SSL_session_reused(link.peer), ==, i == 1);
            SSL_SESSION_free(session);
            SSL_shutdown(link.peer);
            session = SSL_get1_session(link.peer);
            tls_link_close(&link);
        }
        SSL_SESSION_free(session);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/tls/a client that trusts the authority gets a certificate for the "
                    "name, with its chain",
                    test_a_client_that_trusts);
    g_test_add_func("/network/tls/what is no name gets no certificate", test_a_name_that_is_none);
    g_test_add_func("/network/tls/a client that does not trust the authority is told from others",
                    test_a_client_that_does_not_trust);
    g_test_add_func("/network/tls/alerts 42, 46 and 48 refuse the certificate, others do not",
                    test_alerts_after_the_certificate);
    g_test_add_func("/network/tls/a close right behind our certificate refuses it, an earlier one "
                    "does not",
                    test_a_client_that_goes_in_the_handshake);
    g_test_add_func("/network/tls/a client that finishes and leaves without a byte is told of",
                    test_a_client_that_looks_at_it_after_the_handshake);
    g_test_add_func("/network/tls/the one protocol is selected, or the handshake fails by "
                    "no_application_protocol",
                    test_protocols);
    g_test_add_func("/network/tls/what is no TLS is a protocol error", test_what_is_no_tls);
    g_test_add_func("/network/tls/TLS 1.1 is refused", test_an_old_client);
    g_test_add_func("/network/tls/bytes that were read before come first, wherever they end",
                    test_prefix);
    g_test_add_func("/network/tls/a client resumes its session for the same name and for no other",
                    test_resumption);
    return g_test_run();
}
