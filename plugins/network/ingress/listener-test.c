/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error of accept means and what is done about it, and what a refusal looks like on the
 * wire.
 */
#include "listener.h"

#include "accept-error.h"
#include "explicit-request.h"
#include "http-answer.h"
#include "network-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
test_classes(void)
{
    static const struct {
        int error_number;
        OshAcceptClass class;
    } rows[] = {
        {EAGAIN, OSH_ACCEPT_EMPTY},      {EMFILE, OSH_ACCEPT_RESOURCE},
        {ENFILE, OSH_ACCEPT_RESOURCE},   {ENOBUFS, OSH_ACCEPT_RESOURCE},
        {ENOMEM, OSH_ACCEPT_RESOURCE},   {ECONNABORTED, OSH_ACCEPT_TRANSIENT},
        {EPROTO, OSH_ACCEPT_TRANSIENT},  {ENETDOWN, OSH_ACCEPT_TRANSIENT},
        {EBADF, OSH_ACCEPT_TERMINAL},    {EINVAL, OSH_ACCEPT_TERMINAL},
        {ENOTSOCK, OSH_ACCEPT_TERMINAL}, {EPERM, OSH_ACCEPT_UNKNOWN},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(osh_accept_classify(rows[i].error_number), ==, rows[i].class);
}

static void
test_backoff(void)
{
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 1), ==, 100000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 2), ==, 200000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 6), ==, 3200000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 7), ==, 5000000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_RESOURCE, 1000000), ==, 5000000);
    g_assert_cmpint(osh_accept_backoff(OSH_ACCEPT_TRANSIENT, 9), ==, 100000);
}

static void
test_json(void)
{
    const OshRefusal refusal = {
        .layer = "connect",
        .outcome = OSH_DECISION_DENIED_POLICY,
        .status = 403,
        .reason = "r\x01",
    };
    g_autoptr(GString) reply = osh_http_answer_new(&refusal, "a \"b\"\n\\", 14);
    const char *body = strstr(reply->str, "\r\n\r\n");
    g_autofree char *length = NULL;

    g_assert_nonnull(body);
    body += 4;
    g_assert_cmpstr(body, ==,
                    "{\"error\":\"policy_denied\",\"detail\":\"a \\\"b\\\"\\u000a\\\\\","
                    "\"reason\":\"r\\u0001\",\"layer\":\"connect\",\"id\":\"e14\"}\n");
    length = g_strdup_printf("\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n", strlen(body));
    g_assert_nonnull(strstr(reply->str, length));
    g_assert_true(g_str_has_prefix(reply->str, "HTTP/1.1 403 Forbidden\r\n"));
}

#define FEW 64 /* more than a test has open */

static struct rlimit limit_before;
static int plugs[FEW];
static guint n_plugs;

static void
limit_descriptors(rlim_t n)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit_before);
    limit = (struct rlimit){n, limit_before.rlim_max};
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

/* From here on the process can open nothing more. */
static void
exhaust_descriptors(void)
{
    int fd;

    limit_descriptors(FEW);
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        plugs[n_plugs++] = fd;
}

static void
free_descriptors(void)
{
    while (n_plugs > 0)
        close(plugs[--n_plugs]);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit_before), ==, 0);
}

static void
test_without_descriptors_a_client_gets_an_answer(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int open_before, upstream, refused[5], later;

    osh_fixture_start(fixture);
    open_before = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
        refused[i] = osh_fixture_client(fixture);
    exhaust_descriptors();
    /* None waits for another, and all are one warning. */
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
        osh_fixture_expect_status(fixture, refused[i], "503");
    g_assert_cmpuint(fixture->warnings, ==, 1);
    /* What is open stays open. */
    osh_fixture_send(open_before, "still");
    osh_fixture_expect(fixture, upstream, "still");
    free_descriptors();
    later = osh_fixture_client(fixture);
    osh_fixture_send(later, "GET / HTTP/1.1\r\n\r\n");
    osh_fixture_expect_status(fixture, later, "400");
    g_assert_cmpuint(fixture->faults, ==, 0);
    close(open_before);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* Another thread may take the descriptor that was given up for an answer. */
static void
test_a_spare_descriptor_that_was_lost_is_replaced(void)
{
    OshFixture *fixture = osh_fixture_new();
    int first, second;

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    first = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    limit_descriptors(3);
    osh_fixture_settle(fixture);
    free_descriptors();
    osh_fixture_advance(fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect_status(fixture, first, "403");
    OSH_WAIT_FOR(fixture, fixture->network.n_connections == 0);
    second = osh_fixture_client(fixture);
    exhaust_descriptors();
    osh_fixture_advance(fixture, G_TIME_SPAN_SECOND);
    free_descriptors();
    osh_fixture_expect_status(fixture, second, "503");
    osh_fixture_free(fixture);
}

static void
test_without_descriptors_the_shard_does_not_spin(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint busy = 0;
    int waiting[3];

    osh_fixture_start(fixture);
    for (guint i = 0; i < 3; i++)
        waiting[i] = osh_fixture_client(fixture);
    exhaust_descriptors();
    for (guint i = 0; i < 50; i++)
        busy += osh_fake_shard_turn(fixture->shard, 1) > 0;
    free_descriptors();
    g_assert_cmpuint(busy, <, 10);
    for (guint i = 0; i < 3; i++)
        close(waiting[i]);
    osh_fixture_free(fixture);
}

static void
test_a_listener_that_cannot_work_is_a_fault(void)
{
    OshFixture *fixture = osh_fixture_new();

    osh_fixture_start(fixture);
    shutdown(((OshListener *)fixture->network.listeners->pdata[0])->fd, SHUT_RDWR);
    osh_fixture_settle(fixture);
    g_assert_cmpuint(fixture->faults, ==, 1);
    g_assert_cmpuint(osh_fake_shard_n_watches(fixture->shard), ==, 0);
    osh_fixture_free(fixture);
}

/* More at once than one wake-up takes. */
static void
test_each_of_many_clients_is_served(void)
{
    OshFixture *fixture = osh_fixture_new();
    int clients[100];

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_start(fixture);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++)
        clients[i] = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, 80);
    for (gsize i = 0; i < G_N_ELEMENTS(clients); i++)
        osh_fixture_expect_status(fixture, clients[i], "403");
    osh_fixture_free(fixture);
}

static const struct {
    const char *text;
    gboolean valid;
} addresses[] = {
    {"10.77.0.1:0", FALSE},    {"10.77.0.1:65536", FALSE}, {"10.77.0.1", FALSE},
    {"10.77.0.1:", FALSE},     {":3128", FALSE},           {"fd77::1:3128", FALSE},
    {"[fd77::1]", FALSE},      {"[10.77.0.1]:1", FALSE},   {"localhost:3128", FALSE},
    {"10.77.0.1:31x", FALSE},  {"10.77.0.1: 80", FALSE},   {"", FALSE},
    {"10.77.0.1:34567", TRUE}, {"[fd77::1]:34567", TRUE},
};

static void
test_addresses_to_listen_on(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
        OshFixture *fixture = osh_fixture_new();
        g_autoptr(GError) error = NULL;
        OshListener *listener = osh_listener_bind(&fixture->network, &osh_transport_connect,
                                                  "listen", addresses[i].text, &error);

        if (addresses[i].valid) {
            g_assert_no_error(error);
            g_assert_cmpuint(listener->port, ==, 34567);
            osh_listener_free(listener);
        } else {
            g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
            g_assert_null(listener);
        }
        osh_fixture_free(fixture);
    }
}

static void
test_a_port_that_is_taken_is_said(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autoptr(GError) error = NULL;
    guint16 port;
    int holder = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    g_autofree char *text = g_strdup_printf(OSH_FIXTURE_OTHER ":%u", port);

    g_assert_null(
        osh_listener_bind(&fixture->network, &osh_transport_connect, "listen", text, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_BUSY);
    g_assert_nonnull(strstr(error->message, text));
    close(holder);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listener/an-error-of-accept-has-its-class", test_classes);
    g_test_add_func("/listener/the-pause-doubles-up-to-five-seconds", test_backoff);
    g_test_add_func("/reply/a-refusal-is-escaped-json-of-exact-length", test_json);
    g_test_add_func("/listener/without-descriptors-a-client-gets-a-503-and-the-rest-goes-on",
                    test_without_descriptors_a_client_gets_an_answer);
    g_test_add_func("/listener/a-spare-descriptor-that-was-lost-is-replaced",
                    test_a_spare_descriptor_that_was_lost_is_replaced);
    g_test_add_func("/listener/without-descriptors-the-shard-does-not-spin",
                    test_without_descriptors_the_shard_does_not_spin);
    g_test_add_func("/listener/a-listener-that-cannot-work-is-a-fault",
                    test_a_listener_that_cannot_work_is_a_fault);
    g_test_add_func("/listener/each-of-many-clients-is-served",
                    test_each_of_many_clients_is_served);
    g_test_add_func("/listener/what-is-no-address-and-port-is-not-listened-on",
                    test_addresses_to_listen_on);
    g_test_add_func("/listener/a-port-that-is-taken-is-said", test_a_port_that_is_taken_is_said);
    return g_test_run();
}
