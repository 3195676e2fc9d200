/* SPDX-License-Identifier: Apache-2.0 */
/* intercept-fixture.c: both peers of an inspected connection. The test's own thread. */
#include "intercept-fixture.h"

#include "fixture-resolver.h"

#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

Peer
peer_new(SSL_CTX *context, int fd, gboolean serves)
{
    Peer peer = {.ssl = SSL_new(context)};

    SSL_set_fd(peer.ssl, fd);
    if (serves) {
        SSL_set_accept_state(peer.ssl);
    } else {
        SSL_set_connect_state(peer.ssl);
        SSL_set_tlsext_host_name(peer.ssl, NAME);
        SSL_set1_host(peer.ssl, NAME);
    }
    SSL_CTX_free(context);
    return peer;
}

gboolean
peer_waits(const Peer *peer, int value)
{
    int error = SSL_get_error(peer->ssl, value);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

gboolean
peer_shake(Peer *peer)
{
    int value;

    if (peer->is_open || peer->has_failed)
        return TRUE;
    ERR_clear_error();
    value = SSL_do_handshake(peer->ssl);
    peer->is_open = value == 1;
    peer->has_failed = value != 1 && !peer_waits(peer, value);
    ERR_clear_error();
    return peer->is_open || peer->has_failed;
}

void
legs_new(Legs *legs)
{
    static const char *const addresses[] = {OSH_FIXTURE_OTHER, NULL};
    static const TlsSpec root = {.common_name = "Root of the test", .is_authority = TRUE};
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = NULL;
    OshTlsSettings settings = {0};

    *legs = (Legs){0};
    tls_folder_open(&legs->folder);
    legs->root = tls_pair_new(NULL, &root);
    pem = tls_certificate_text(legs->root.certificate);
    settings.upstream_roots = tls_folder_write(&legs->folder, "roots.pem", pem, 0644);
    legs->engine = osh_tls_engine_new(&settings, &error);
    g_assert_no_error(error);
    legs->interceptor = (OshInterceptor){.tls = &osh_tls_module_v1, .engine = legs->engine};
    l7_world_new(&legs->world);
    legs->world.host = NAME;
    legs->world.names[0] = (char *)"http/1.1";
    legs->world.protocol.is_http = TRUE;
    legs->world.fixture->network.interceptor = &legs->interceptor;
    osh_fixture_resolve_to(addresses);
}

void
legs_open(Legs *legs, const char *name, const TlsPair *issuer)
{
    g_autofree char *names =
        g_strdup_printf(g_hostname_is_ip_address(name) ? "IP:%s" : "DNS:%s", name);
    const TlsSpec spec = {.common_name = "x", .names = names};
    TlsPair pair = tls_pair_new(issuer != NULL ? issuer : &legs->root, &spec);

    g_assert_true(osh_tls_engine_prepare_upstream(legs->engine, NULL));
    l7_world_open(&legs->world);
    legs->client = peer_new(tls_client_context(osh_tls_engine_authority_pem(legs->engine)),
                            legs->world.client, FALSE);
    legs->server = peer_new(tls_server_context(&pair, NULL), legs->world.upstream, TRUE);
    tls_pair_clear(&pair);
}

gboolean
legs_idle(const Legs *legs)
{
    return legs->world.fixture->network.n_connections == 0;
}

void
legs_shake(Legs *legs)
{
    OSH_WAIT_FOR(legs->world.fixture, (peer_shake(&legs->server), peer_shake(&legs->client)));
}

void
legs_again(Legs *legs)
{
    g_clear_pointer(&legs->client.ssl, SSL_free);
    g_clear_pointer(&legs->server.ssl, SSL_free);
    close(legs->world.client);
    close(legs->world.upstream);
    legs->client = legs->server = (Peer){0};
    OSH_WAIT_FOR(legs->world.fixture, legs_idle(legs));
    legs->world.client = osh_fixture_tunnel(legs->world.fixture, legs->world.host, legs->world.port,
                                            legs->world.server, &legs->world.upstream);
}

void
legs_begin(Legs *legs)
{
    legs_new(legs);
    legs_open(legs, NAME, NULL);
    legs_shake(legs);
    g_assert_true(legs->client.is_open);
    g_assert_true(legs->server.is_open);
}

void
legs_close(Legs *legs)
{
    g_clear_pointer(&legs->client.ssl, SSL_free);
    g_clear_pointer(&legs->server.ssl, SSL_free);
    l7_world_close(&legs->world);
    osh_tls_engine_free(legs->engine);
    tls_pair_clear(&legs->root);
    tls_folder_close(&legs->folder);
}

void
peer_say(const Peer *peer, const char *text)
{
    g_assert_cmpint(SSL_write(peer->ssl, text, (int)strlen(text)), ==, strlen(text));
}

gboolean
peer_hear(const Peer *peer, GString *got, gsize length, int *ret_error)
{
    char bytes[4096];
    int n;

    ERR_clear_error();
    n = SSL_read(peer->ssl, bytes, sizeof bytes);
    if (n > 0)
        g_string_append_len(got, bytes, n);
    else if (!peer_waits(peer, n))
        *ret_error = SSL_get_error(peer->ssl, n);
    ERR_clear_error();
    return got->len >= length || *ret_error != 0;
}

void
legs_expect(Legs *legs, const Peer *peer, const char *text)
{
    g_autoptr(GString) got = g_string_new(NULL);
    int error = 0;

    OSH_WAIT_FOR(legs->world.fixture, peer_hear(peer, got, strlen(text), &error));
    g_assert_cmpstr(got->str, ==, text);
}

char *
legs_read_all(Legs *legs, const Peer *peer, int *ret_error)
{
    g_autoptr(GString) got = g_string_new(NULL);

    *ret_error = 0;
    OSH_WAIT_FOR(legs->world.fixture, peer_hear(peer, got, G_MAXSIZE, ret_error));
    return g_string_free(g_steal_pointer(&got), FALSE);
}
