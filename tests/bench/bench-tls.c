/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-tls.c: what the TLS engine costs on one processor.
 *
 * Leaf certificates made, handshakes of both legs with each other (both sides are counted, so one
 * leg is about half), full and resumed, and bytes through one connection.
 */
#include "tls-session.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LEAVES     1000
#define HANDSHAKES 500
#define MEBIBYTES  256

/* Not the time that others took from us. */
static double
processor_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct {
    int fds[2];
    OshTlsSession *client;
    OshTlsSession *server;
} Pair;

static void
pair_open(Pair *pair, OshTlsEngine *client, OshTlsEngine *server, guint16 port)
{
    const OshTlsServerLeg serve = {.name = "api.example.com", .protocol = "http/1.1"};
    static const char *const offer[] = {"http/1.1", NULL};
    const OshTlsClientLeg ask = {.name = "api.example.com", .port = port, .protocols = offer};
    const OshSpan byte = OSH_SPAN_LITERAL("x");
    OshTlsResult results[2] = {OSH_TLS_WANT_READ, OSH_TLS_WANT_READ};
    OshTlsFailure failure;
    char got;
    gsize n;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair->fds) != 0)
        g_error("no socket pair");
    pair->client = osh_tls_session_new_client(client, pair->fds[0], &ask, &failure);
    pair->server = osh_tls_session_new_server(server, pair->fds[1], &serve, &failure);
    while (results[0] != OSH_TLS_DONE || results[1] != OSH_TLS_DONE) {
        results[0] = osh_tls_session_handshake(pair->client);
        results[1] = osh_tls_session_handshake(pair->server);
        if (results[0] == OSH_TLS_FAILED || results[1] == OSH_TLS_FAILED)
            g_error("%s", osh_tls_session_failure(pair->client)->text);
    }
    /* With it comes the ticket. */
    if (osh_tls_session_write(pair->server, &byte, 1, &n) != OSH_TLS_DONE ||
        osh_tls_session_read(pair->client, &got, 1, &n) != OSH_TLS_DONE)
        g_error("no byte");
}

static void
pair_close(Pair *pair)
{
    osh_tls_session_free(pair->client);
    osh_tls_session_free(pair->server);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

static void
measure_leaves(OshTlsEngine *engine)
{
    double start = processor_seconds();

    for (guint i = 0; i < LEAVES; i++) {
        g_autofree char *name = g_strdup_printf("host%u.example.com", i);
        const OshTlsServerLeg leg = {.name = name};
        OshTlsFailure failure;

        osh_tls_session_free(osh_tls_session_new_server(engine, -1, &leg, &failure));
    }
    printf("leaf made, with its session: %.0f us\n", (processor_seconds() - start) / LEAVES * 1e6);
}

static void
measure_handshakes(OshTlsEngine *client, OshTlsEngine *server, gboolean resumed)
{
    double start = processor_seconds();
    guint seen = 0;

    for (guint i = 0; i < HANDSHAKES; i++) {
        Pair pair;

        pair_open(&pair, client, server, resumed ? 1 : (guint16)(1000 + i));
        seen += osh_tls_session_is_resumed(pair.client);
        pair_close(&pair);
    }
    printf("handshake, %s, both sides: %.0f us (%u of %u resumed)\n", resumed ? "resumed" : "full",
           (processor_seconds() - start) / HANDSHAKES * 1e6, seen, HANDSHAKES);
}

static void
measure_bytes(OshTlsEngine *client, OshTlsEngine *server)
{
    static char out[OSH_TLS_RECORD], in[OSH_TLS_RECORD];
    const OshSpan piece = {out, sizeof out};
    double start = processor_seconds();
    guint64 got = 0;
    Pair pair;

    pair_open(&pair, client, server, 443);
    while (got < (guint64)MEBIBYTES << 20) {
        gsize n;

        (void)osh_tls_session_write(pair.server, &piece, 1, &n);
        while (osh_tls_session_read(pair.client, in, sizeof in, &n) == OSH_TLS_DONE)
            got += n;
    }
    printf("bytes, written and read: %.2f GiB/s\n",
           (double)got / (1 << 30) / (processor_seconds() - start));
    pair_close(&pair);
}

int
main(void)
{
    g_autofree char *folder = g_dir_make_tmp("osh-bench-tls-XXXXXX", NULL);
    g_autofree char *roots = g_build_filename(folder, "ca.pem", NULL);
    g_autoptr(OshTlsEngine) server = osh_tls_engine_new(NULL, NULL);
    const OshTlsSettings settings = {.upstream_roots = roots};
    g_autoptr(OshTlsEngine) client = osh_tls_engine_new(&settings, NULL);
    g_autoptr(OshTlsEngine) system_roots = osh_tls_engine_new(NULL, NULL);
    double start;

    g_file_set_contents(roots, osh_tls_engine_authority_pem(server), -1, NULL);
    if (!osh_tls_engine_prepare_upstream(client, NULL))
        g_error("no roots");
    g_unlink(roots);
    g_rmdir(folder);
    start = processor_seconds();
    if (osh_tls_engine_prepare_upstream(system_roots, NULL))
        printf("roots of the system read: %.1f ms\n", (processor_seconds() - start) * 1e3);
    measure_leaves(server);
    measure_handshakes(client, server, FALSE);
    measure_handshakes(client, server, TRUE);
    measure_bytes(client, server);
    return 0;
}
