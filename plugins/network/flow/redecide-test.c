/* SPDX-License-Identifier: Apache-2.0 */
/* After a reload: what is no longer allowed ends, by a reset or in words, and nothing else does. */
#include "network-fixture.h"
#include "redecide.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define N_MANY 100

static void
reload(OshFixture *fixture)
{
    fixture->policy.generation++;
    osh_redecide(&fixture->part);
    osh_fixture_settle(fixture);
}

static void
assert_echoes(OshFixture *fixture, int client, int upstream)
{
    osh_fixture_send(client, "up");
    osh_fixture_expect(fixture, upstream, "up");
    osh_fixture_send(upstream, "down");
    osh_fixture_expect(fixture, client, "down");
}

static void
assert_closed_event(const OshFixture *fixture, const char *reason)
{
    g_autofree char *text = osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_CLOSED), 4);

    g_assert_cmpstr(text, ==, reason);
}

static void
test_exactly_what_is_denied_is_cut(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port, other_port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int other = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &other_port);
    int cut[3][2], kept[3][2];

    osh_fixture_start(fixture);
    for (guint i = 0; i < 3; i++) {
        cut[i][0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &cut[i][1]);
        kept[i][0] =
            osh_fixture_tunnel(fixture, OSH_FIXTURE_PUBLIC, other_port, other, &kept[i][1]);
    }
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    reload(fixture);
    for (guint i = 0; i < 3; i++) {
        /* An end in good order could be taken for the end of what was sent. */
        osh_fixture_expect_reset(fixture, cut[i][0]);
        osh_fixture_expect_reset(fixture, cut[i][1]);
        assert_echoes(fixture, kept[i][0], kept[i][1]);
    }
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_CLOSED), ==, 3);
    g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 3);
    assert_closed_event(fixture, "policy changed");
    for (guint i = 0; i < 3; i++) {
        close(cut[i][0]);
        close(cut[i][1]);
        close(kept[i][0]);
        close(kept[i][1]);
    }
    close(server);
    close(other);
    osh_fixture_free(fixture);
}

typedef void (*Change)(OshFixturePolicy *policy);

static void
change_nothing(OshFixturePolicy *policy)
{
    (void)policy;
}

static void
change_tls(OshFixturePolicy *policy)
{
    policy->tls = OSH_TLS_SKIP;
}

static void
change_protocol(OshFixturePolicy *policy)
{
    policy->protocol = "tcp";
}

static void
change_credentials(OshFixturePolicy *policy)
{
    policy->handling = 99;
}

static void
change_addresses(OshFixturePolicy *policy)
{
    policy->allowed[0] = (OshCidr){osh_fixture_address(OSH_FIXTURE_PUBLIC), 128};
    policy->n_allowed = 1;
}

static void
change_to_inspection(OshFixturePolicy *policy)
{
    policy->action = OSH_ACTION_INSPECT;
}

static void
change_to_the_same_addresses(OshFixturePolicy *policy)
{
    policy->allowed[0] = (OshCidr){osh_fixture_address("10.77.0.0"), 96 + 24};
    policy->n_allowed = 1;
}

static void
change_to_no_protocol(OshFixturePolicy *policy)
{
    policy->protocol = "";
}

static const struct {
    const char *sentence;
    Change change;
    const char *why;      /* NULL where the tunnel stays */
    const char *decision; /* that is recorded */
} changes[] = {
    {"a-policy-that-says-the-same-cuts-nothing", change_nothing, NULL, NULL},
    {"another-tls-mode-cuts", change_tls, "the policy changed: another TLS mode holds",
     "6 connect"},
    {"another-protocol-cuts", change_protocol, "the policy changed: another protocol holds",
     "6 connect"},
    {"other-credentials-cut", change_credentials, "the policy changed: another credentials holds",
     "6 connect"},
    {"an-address-no-longer-allowed-cuts", change_addresses,
     "the policy changed: 10.77.0.2 resolves to address outside allowed_ips, 10.77.0.2",
     "4 connect"},
    {"what-would-be-inspected-now-is-cut", change_to_inspection,
     "the policy changed: ", "6 connect"},
    {"an-address-still-allowed-stays", change_to_the_same_addresses, NULL, NULL},
    {"no-protocol-is-no-other-protocol", change_to_no_protocol, NULL, NULL},
};

/* What a connection was opened with is what it is compared with. */
static void
test_the_same_handling_cuts_nothing(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    change_tls(&fixture->policy);
    change_protocol(&fixture->policy);
    change_credentials(&fixture->policy);
    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    reload(fixture);
    g_assert_cmpuint(osh_fixture_first(fixture, OSH_STEP_TUNNEL)->generation, ==, 2);
    assert_echoes(fixture, client, upstream);
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

static void
test_change(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    fixture->policy.recording = TRUE;
    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    changes[i].change(&fixture->policy);
    reload(fixture);
    g_assert_cmpuint(fixture->decisions->len, ==, changes[i].why != NULL ? 2 : 1);
    if (changes[i].why == NULL) {
        assert_echoes(fixture, client, upstream);
        g_assert_cmpuint(osh_fixture_count(fixture, OSH_FIXTURE_DENIED), ==, 0);
    } else {
        g_autofree char *reason =
            osh_fixture_text(osh_fixture_last(fixture, OSH_FIXTURE_DENIED), 6);

        g_assert_true(g_str_has_prefix(reason, changes[i].why));
        g_assert_cmpstr(fixture->decisions->pdata[1], ==, changes[i].decision);
        osh_fixture_expect_reset(fixture, client);
        osh_fixture_expect_reset(fixture, upstream);
    }
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* What is not open yet is refused in words: nothing was sent that could be taken for whole. */
static void
test_a_dial_is_refused_in_words(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int *silent, client;

    close(osh_fixture_serve(OSH_FIXTURE_OTHER, &port));
    silent = osh_fixture_fill(OSH_FIXTURE_OTHER, port);
    osh_fixture_start(fixture);
    client = osh_fixture_connect(fixture, OSH_FIXTURE_OTHER, port);
    OSH_WAIT_FOR(fixture, osh_fixture_first(fixture, OSH_STEP_DIAL) != NULL);
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    reload(fixture);
    osh_fixture_expect_status(fixture, client, "403");
    osh_fixture_unfill(silent);
    osh_fixture_free(fixture);
}

static void
test_the_tick_notices_a_reload_that_was_not_announced(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream;

    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    fixture->policy.generation++;
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    osh_fixture_advance(fixture, 300 * G_TIME_SPAN_MILLISECOND);
    osh_fixture_expect_reset(fixture, client);
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

/* More than one slice: nothing is left out, and a second reload meanwhile is heard of too. */
static void
test_many_tunnels_are_all_decided(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port, other_port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int other = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &other_port);
    int ends[N_MANY][2];

    osh_fixture_start(fixture);
    for (guint i = 0; i < N_MANY; i++)
        ends[i][0] =
            i % 2 == 0
                ? osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &ends[i][1])
                : osh_fixture_tunnel(fixture, OSH_FIXTURE_PUBLIC, other_port, other, &ends[i][1]);
    fixture->policy.generation++;
    osh_redecide(&fixture->part);
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    reload(fixture);
    osh_fixture_advance(fixture, 300 * G_TIME_SPAN_MILLISECOND);
    g_assert_cmpuint(fixture->part.steps[OSH_STEP_TUNNEL].length, ==, N_MANY / 2);
    g_assert_cmpuint(fixture->part.redecided, ==, 3);
    for (guint i = 0; i < N_MANY; i++) {
        if (i % 2 == 0)
            osh_fixture_expect_reset(fixture, ends[i][0]);
        else
            assert_echoes(fixture, ends[i][0], ends[i][1]);
        close(ends[i][0]);
        close(ends[i][1]);
    }
    close(server);
    close(other);
    osh_fixture_free(fixture);
}

/* A slice begins at the front of the list again. */
static void
test_those_behind_one_that_is_decided_are_decided(void)
{
    OshFixture *fixture = osh_fixture_new();
    guint16 port, other_port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int other = osh_fixture_serve(OSH_FIXTURE_PUBLIC, &other_port);
    int kept[2], cut[2];

    osh_fixture_start(fixture);
    kept[0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_PUBLIC, other_port, other, &kept[1]);
    cut[0] = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &cut[1]);
    osh_fixture_first(fixture, OSH_STEP_TUNNEL)->generation = 2;
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    reload(fixture);
    osh_fixture_expect_reset(fixture, cut[0]);
    assert_echoes(fixture, kept[0], kept[1]);
    for (guint i = 0; i < 2; i++) {
        close(kept[i]);
        close(cut[i]);
    }
    close(server);
    close(other);
    osh_fixture_free(fixture);
}

/* Bytes that were already on their way to the reader are no reason to wait. */
static void
test_a_choked_tunnel_is_cut_too(void)
{
    OshFixture *fixture = osh_fixture_new();
    g_autofree char *much = g_strnfill(65536, 'm');
    guint16 port;
    int server = osh_fixture_serve(OSH_FIXTURE_OTHER, &port);
    int client, upstream, error_number;
    g_autofree char *got = NULL;

    osh_fixture_start(fixture);
    client = osh_fixture_tunnel(fixture, OSH_FIXTURE_OTHER, port, server, &upstream);
    while (send(client, much, 65536, MSG_DONTWAIT) > 0)
        osh_fixture_settle(fixture);
    fixture->policy.denied = OSH_FIXTURE_OTHER;
    reload(fixture);
    osh_fixture_expect_reset(fixture, client);
    got = osh_fixture_read_all(fixture, upstream, &error_number);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    close(client);
    close(upstream);
    close(server);
    osh_fixture_free(fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autofree char *path = g_strdup_printf("/network/redecide/%s", changes[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_change);
    }
    g_test_add_func("/network/redecide/the-same-handling-cuts-nothing",
                    test_the_same_handling_cuts_nothing);
    g_test_add_func("/network/redecide/exactly-what-is-denied-is-cut-by-resets-on-both-sides",
                    test_exactly_what_is_denied_is_cut);
    g_test_add_func("/network/redecide/a-connection-being-dialled-is-refused-in-words",
                    test_a_dial_is_refused_in_words);
    g_test_add_func("/network/redecide/the-tick-notices-a-reload-that-was-not-announced",
                    test_the_tick_notices_a_reload_that_was_not_announced);
    g_test_add_func("/network/redecide/many-tunnels-are-all-decided",
                    test_many_tunnels_are_all_decided);
    g_test_add_func("/network/redecide/those-behind-one-that-is-decided-are-decided",
                    test_those_behind_one_that_is_decided_are_decided);
    g_test_add_func("/network/redecide/a-choked-tunnel-is-cut-too",
                    test_a_choked_tunnel_is_cut_too);
    return g_test_run();
}
