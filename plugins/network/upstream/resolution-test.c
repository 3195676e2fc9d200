/* SPDX-License-Identifier: Apache-2.0 */
/* A name's addresses: in which order, how often looked up, all of them checked, and pinned. */
#include "resolution.h"

#include "fixture-resolver.h"
#include "network-fixture.h"

#include <string.h>
#include <unistd.h>

#define NAME "many.test"

typedef struct {
    guint called;
    OshAddressList *addresses;
    char *problem;
} Result;

static void
result_take(OshAddressList *addresses, const char *problem, gpointer data)
{
    Result *result = data;

    result->called++;
    result->addresses = addresses;
    result->problem = g_strdup(problem);
    g_assert_true((addresses == NULL) == (problem != NULL));
}

static void
result_clear(Result *result)
{
    g_free(result->addresses);
    g_free(result->problem);
}

static void
look_up(const char *const *addresses, Result *result)
{
    OshFixture *fixture = osh_fixture_new();

    *result = (Result){0};
    osh_fixture_resolve_to(addresses);
    g_assert_nonnull(osh_resolution_begin(&fixture->network, NAME, result_take, result));
    g_assert_cmpuint(result->called, ==, 0);
    osh_fixture_turn(fixture, 0);
    g_assert_cmpuint(result->called, ==, 1);
    osh_fixture_free(fixture);
}

static void
assert_list(const OshAddressList *list, const char *const *expected)
{
    g_assert_cmpuint(list->length, ==, g_strv_length((char **)expected));
    for (guint i = 0; i < list->length; i++) {
        const struct in6_addr address = osh_fixture_address(expected[i]);

        g_assert_cmpmem(&list->at[i], sizeof list->at[i], &address, sizeof address);
    }
}

static const struct {
    const char *sentence;
    const char *given[20];
    const char *list[20];
} orders[] = {
    {"one-family-keeps-its-order",
     {"192.0.2.1", "192.0.2.2", "192.0.2.3"},
     {"192.0.2.1", "192.0.2.2", "192.0.2.3"}},
    {"families-take-turns-from-the-preferred-ipv6",
     {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"},
     {"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"}},
    {"families-take-turns-from-the-preferred-ipv4",
     {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"},
     {"192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.3"}},
    {"only-ipv6-addresses-are-addresses", {"2001:db8::1"}, {"2001:db8::1"}},
    {"seventeen-addresses-are-sixteen",
     {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7",
      "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13",
      "192.0.2.14", "192.0.2.15", "192.0.2.16", "192.0.2.17"},
     {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7",
      "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13",
      "192.0.2.14", "192.0.2.15", "192.0.2.16"}},
};

static void
test_order(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    Result result;

    look_up(orders[i].given, &result);
    assert_list(result.addresses, orders[i].list);
    g_assert_cmpstr(osh_fixture_looked_up(), ==, NAME);
    result_clear(&result);
}

static void
test_a_name_without_addresses_says_why(void)
{
    static const char *const none[] = {NULL};
    Result result;

    look_up(NULL, &result);
    g_assert_cmpstr(result.problem, ==, "Name or service not known");
    result_clear(&result);
    look_up(none, &result);
    g_assert_nonnull(result.problem);
    result_clear(&result);
}

static void
test_a_cancelled_look_up_is_not_heard_of(void)
{
    static const char *const one[] = {"192.0.2.1", NULL};
    OshFixture *fixture = osh_fixture_new();
    Result result = {0};
    OshResolution *resolution;

    osh_fixture_resolve_to(one);
    resolution = osh_resolution_begin(&fixture->network, NAME, result_take, &result);
    osh_resolution_cancel(resolution);
    osh_resolution_cancel(NULL);
    osh_fixture_turn(fixture, 0);
    g_assert_cmpuint(result.called, ==, 0);
    osh_fixture_free(fixture);
}

static void
test_literals_are_themselves(void)
{
    static const char *const literals[] = {"192.0.2.7", "2001:db8::7"};

    for (gsize i = 0; i < G_N_ELEMENTS(literals); i++) {
        g_autofree OshAddressList *list = osh_resolution_literal(literals[i]);
        const char *const expected[] = {literals[i], NULL};

        assert_list(list, expected);
    }
}

static void
test_too_many_look_ups_are_a_502(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *text = NULL;
    int client;

    fixture->worker_full = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, 80);
    osh_fixture_expect_status(fixture, client, "502");
    text = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_FAILED), 4);
    g_assert_cmpstr(text, ==, "too many names are being looked up");
    osh_fixture_free(fixture);
}

static void
test_a_hanging_resolver_is_a_504_in_time(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    g_autofree char *stage = NULL;
    int client;

    fixture->worker_hangs = TRUE;
    osh_fixture_resolve_to(one);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_RESOLVE) != NULL);
    osh_fixture_advance(fixture, 9 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_FAILED), ==, 0);
    osh_fixture_advance(fixture, 2 * G_TIME_SPAN_SECOND);
    stage = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_FAILED), 1);
    g_assert_cmpstr(stage, ==, "timeout");
    osh_fixture_expect_status(fixture, client, "504");
    /* An answer that comes after all concerns nobody. */
    fixture->worker_hangs = FALSE;
    osh_fixture_settle(fixture);
    g_assert_false(osh_fixture_pending(server));
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_a_client_that_goes_ends_the_look_up(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    OshFixture *fixture = osh_fixture_new();

    fixture->worker_hangs = TRUE;
    osh_fixture_resolve_to(one);
    osh_fixture_start(fixture);

    int client = osh_fixture_connect(fixture, NAME, 80);

    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_RESOLVE) != NULL);
    osh_fixture_reset(client);
    osh_fixture_settle(fixture);
    g_assert_cmpint(fixture->network.n_connections, ==, 0);
    fixture->worker_hangs = FALSE;
    osh_fixture_settle(fixture);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
    osh_fixture_free(fixture);
}

/* A look-up tells a name server which name a program asked for. */
static void
test_a_denied_name_is_not_looked_up(void)
{
    OshFixture *fixture = osh_fixture_new();

    fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_n_lookups();
    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, NAME, 80), "403");
    g_assert_cmpuint(osh_fixture_n_lookups(), ==, 0);
    osh_fixture_free(fixture);
}

static void
test_a_policy_that_changes_meanwhile_refuses(void)
{
    static const char *const one[] = {OSH_FIXTURE_OTHER, NULL};
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client;

    fixture->worker_hangs = TRUE;
    osh_fixture_resolve_to(one);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, NAME, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_RESOLVE) != NULL);
    fixture->policy.generation++;
    fixture->policy.denied = NAME;
    fixture->worker_hangs = FALSE;
    osh_fixture_expect_status(fixture, client, "403");
    g_assert_false(osh_fixture_pending(server));
    close(server);
    osh_fixture_free(fixture);
}

static const struct {
    const char *sentence;
    const char *given[4];
    gboolean exact;
    const char *network;
    const char *refused; /* NULL where the connection is made */
} checks[] = {
    {"a-public-name-is-reached", {OSH_FIXTURE_PUBLIC}, FALSE, NULL, NULL},
    {"one-private-address-among-public-ones-refuses-all",
     {OSH_FIXTURE_PUBLIC, "192.31.196.8", OSH_FIXTURE_OTHER},
     FALSE,
     NULL,
     OSH_FIXTURE_OTHER},
    {"a-private-ipv6-address-among-public-ones-refuses-all",
     {OSH_FIXTURE_PUBLIC, OSH_FIXTURE_ADDRESS6},
     FALSE,
     NULL,
     OSH_FIXTURE_ADDRESS6},
    {"a-loopback-address-is-refused-although-declared",
     {OSH_FIXTURE_PUBLIC, "127.0.0.1"},
     TRUE,
     NULL,
     "127.0.0.1"},
    {"a-metadata-address-is-refused-although-declared",
     {"169.254.169.254"},
     TRUE,
     NULL,
     "169.254.169.254"},
    {"an-address-outside-allowed-ips-refuses-all",
     {OSH_FIXTURE_PUBLIC, OSH_FIXTURE_OTHER},
     TRUE,
     OSH_FIXTURE_PUBLIC,
     OSH_FIXTURE_OTHER},
    {"addresses-inside-allowed-ips-are-reached",
     {OSH_FIXTURE_PUBLIC},
     FALSE,
     OSH_FIXTURE_PUBLIC,
     NULL},
};

static void
set_network(OshFixture *fixture, const char *network)
{
    if (network == NULL)
        return;
    fixture->policy.allowed[0] = (OshCidr){osh_fixture_address(network), 128};
    fixture->policy.n_allowed = 1;
}

static void
test_check(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &port);
    int client, upstream;

    fixture->policy.exact = checks[i].exact;
    fixture->policy.recording = TRUE;
    set_network(fixture, checks[i].network);
    osh_fixture_resolve_to(checks[i].given);
    osh_fixture_n_lookups();
    osh_fixture_start(fixture);
    if (checks[i].refused == NULL) {
        client = osh_fixture_tunnel(fixture, NAME, port, server, &upstream);
        close(upstream);
        close(client);
        g_assert_cmpstr(fixture->decisions->pdata[0], ==, "1 connect");
    } else {
        client = osh_fixture_connect(fixture, NAME, port);
        osh_fixture_expect_status(fixture, client, "403");
        g_assert_false(osh_fixture_pending(server));
        g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_ALLOWED), ==, 0);
        g_assert_cmpstr(fixture->decisions->pdata[0], ==, "4 connect");

        const OshFixtureEvent *event = osh_fixture_last(fixture, OSH_FIXTURE_DENIED);
        g_autofree char *layer = osh_fixture_text(event, 1);
        g_autofree char *extra = osh_fixture_text(event, 8);

        g_assert_cmpstr(layer, ==, "destination");
        g_assert_nonnull(strstr(extra, checks[i].refused));
    }
    g_assert_cmpuint(fixture->decisions->len, ==, 1);
    /* Never a second answer that could be another one. */
    g_assert_cmpuint(osh_fixture_n_lookups(), ==, 1);
    close(server);
    osh_fixture_free(fixture);
}

/* What audit lets through was named by nobody, so an address that is not public stays refused. */
static void
test_an_audited_literal_must_be_public(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server, client, upstream;

    server = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &port);
    fixture->policy.action = OSH_ACTION_DENY;
    fixture->policy.audit = TRUE;
    fixture->policy.recording = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    osh_fixture_expect_status(fixture, client, "403");
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_PUBLIC, port, server, &upstream);
    g_assert_cmpstr(fixture->decisions->pdata[0], ==, "4 connect");
    g_assert_cmpstr(fixture->decisions->pdata[1], ==, "2 connect");
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_what_needs_inspection_is_refused(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *reason = NULL;
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);

    fixture->policy.action = OSH_ACTION_INSPECT;
    osh_fixture_start(fixture);
    osh_fixture_expect_status(fixture, osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port),
                              "403");
    reason = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 6);
    g_assert_nonnull(strstr(reason, "content inspected"));
    g_assert_false(osh_fixture_pending(server));
    close(server);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_autofree char *path = g_strdup_printf("/network/resolution/%s", orders[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_order);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        g_autofree char *path = g_strdup_printf("/network/destination/%s", checks[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_check);
    }
    g_test_add_func("/network/resolution/a-name-without-addresses-says-why",
                    test_a_name_without_addresses_says_why);
    g_test_add_func("/network/resolution/a-cancelled-look-up-is-not-heard-of",
                    test_a_cancelled_look_up_is_not_heard_of);
    g_test_add_func("/network/resolution/literals-are-themselves", test_literals_are_themselves);
    g_test_add_func("/network/resolution/too-many-look-ups-are-a-502",
                    test_too_many_look_ups_are_a_502);
    g_test_add_func("/network/resolution/a-hanging-resolver-is-a-504-in-time",
                    test_a_hanging_resolver_is_a_504_in_time);
    g_test_add_func("/network/resolution/a-client-that-goes-ends-the-look-up",
                    test_a_client_that_goes_ends_the_look_up);
    g_test_add_func("/network/resolution/a-denied-name-is-not-looked-up",
                    test_a_denied_name_is_not_looked_up);
    g_test_add_func("/network/resolution/a-policy-that-changes-meanwhile-refuses",
                    test_a_policy_that_changes_meanwhile_refuses);
    g_test_add_func("/network/destination/an-audited-literal-must-be-public",
                    test_an_audited_literal_must_be_public);
    g_test_add_func("/network/destination/what-needs-inspection-is-refused",
                    test_what_needs_inspection_is_refused);
    return g_test_run();
}
