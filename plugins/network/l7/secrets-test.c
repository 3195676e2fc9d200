/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and injections: what the credential provider gives stands on the wire towards the server,
 * and nowhere else. In the protocol of these tests a line is "NAME:VALUE", and VALUE is a slot.
 */
#include "credential-mock.h"
#include "driver-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How the session of a test uses what it was given. */
typedef enum {
    USE_PLAIN,
    USE_MASKED,
    USE_TWICE,
    USE_TO_CLIENT,
    USE_IN_FRAMING,
    USE_IN_ANOTHER,
    USE_AFTER_DONE,
    USE_HALF_BEFORE,
} Use;

static struct {
    CredentialMock mock;
    Use use;
    gboolean by_bytes;
    guint32 context;
    guint n_slots;
    guint n_cancelled;
    OshL7SlotAnswer slot;
    OshLease *kept;
    guint64 kept_length;
    guint n_edits;
    OshL7Edit edits[4];
    gsize at;
    OshL7Piece pieces[4];
    void (*resume)(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);
} test;

static void
resume_slots(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    g_assert_cmpuint(answer->n_slots, ==, test.n_slots);
    if (answer->n_slots > 0)
        test.slot = answer->slots[0];
    test.n_edits = (guint)answer->n_edits;
    g_assert_cmpuint(answer->n_edits, <=, G_N_ELEMENTS(test.edits));
    if (answer->n_edits > 0)
        memcpy(test.edits, answer->edits, answer->n_edits * sizeof test.edits[0]);
    test.resume(session, now, message, answer);
}

static void
cancel_slots(gpointer session, gint64 now, guint64 message)
{
    (void)now;
    g_assert_cmpuint(((L7World *)session)->session->message, ==, message);
    ((L7World *)session)->session->state = L7_NOT_ASKED;
    test.n_cancelled++;
}

/* SLOT and ASK of the line that the window begins with. */
static gsize
ask_with_slot(L7World *world, const OshL7Input *input, OshL7Action *actions, gsize length)
{
    L7Session *session = world->session;
    const char *colon = memchr(input->window.data, ':', length);

    if (colon == NULL) {
        test.n_slots = 0;
        l7_ask(session, actions, (OshSpan){input->window.data, length - 1});
        return 1;
    }
    test.n_slots = 1;
    test.at = (gsize)(colon - input->window.data) + 1;
    l7_ask(session, &actions[1], (OshSpan){input->window.data, test.at - 1});
    actions[0] = (OshL7Action){
        .type = OSH_L7_SLOT,
        .message = session->message,
        .offset = test.at,
        .length = length - 1 - test.at,
        .u.slot = {.slot = 77, .context = test.context},
    };
    if (test.by_bytes) {
        actions[0].u.slot.bytes = (OshSpan){input->window.data + test.at, length - 1 - test.at};
        actions[0].offset = actions[0].length = 0;
    }
    return 2;
}

static OshL7Piece
window_piece(gsize offset, gsize length)
{
    return (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = offset, .length = length};
}

/* What becomes of the line of @length bytes that was allowed, with the lease in it. */
static gsize
use_lease(L7World *world, OshL7Action *actions, gsize length)
{
    static const guint8 key[4] = {1, 2, 3, 4};
    L7Session *session = world->session;
    guint64 message = session->message;
    OshL7Piece lease = {.type = OSH_L7_PIECE_LEASE, .lease = test.slot.lease};
    gsize n = 0;

    test.pieces[0] = window_piece(0, test.at);
    test.pieces[1] = lease;
    test.pieces[2] = window_piece(length - 1, 1);
    if (test.use == USE_MASKED) {
        test.pieces[1].has_mask = 1;
        test.pieces[1].mask_phase = 3;
        memcpy(test.pieces[1].mask, key, 4);
    } else if (test.use == USE_TWICE) {
        test.pieces[2] = lease;
        test.pieces[3] = window_piece(length - 1, 1);
    }
    if (test.use == USE_AFTER_DONE)
        actions[n++] = (OshL7Action){.type = OSH_L7_DONE, .message = message};
    if (test.use == USE_IN_ANOTHER && test.kept == NULL) {
        test.kept = test.slot.lease;
        actions[n++] = (OshL7Action){.type = OSH_L7_DROP, .message = message, .length = length};
        session->state = L7_NOT_ASKED;
        return n;
    }
    if (test.use == USE_IN_ANOTHER)
        test.pieces[1].lease = test.kept;
    actions[n] = (OshL7Action){
        .type = OSH_L7_REPLACE,
        .message = message,
        .length = length,
        .u.send = {test.pieces, test.use == USE_TWICE ? 4 : 3},
    };
    if (test.use == USE_TO_CLIENT) {
        actions[n].type = OSH_L7_EMIT;
        actions[n].direction = OSH_SERVER_TO_CLIENT;
    } else if (test.use == USE_IN_FRAMING) {
        actions[n].flags = OSH_L7_FRAMING;
        actions[n].message = 0;
    }
    n++;
    actions[n++] = (OshL7Action){.type = OSH_L7_DONE, .message = message, .u.done.status = 7};
    session->state = L7_NOT_ASKED;
    return n;
}

static gsize
feed_slots(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;
    const char *end = NULL;
    gsize length;

    if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0)
        end = memchr(input->window.data, '\n', input->window.length);
    if (end == NULL)
        return l7_lines_feed(world, input, actions, ret_deadline);
    length = (gsize)(end - input->window.data) + 1;
    if (input->reset)
        return 0;
    if (session->state == L7_NOT_ASKED)
        return ask_with_slot(world, input, actions, length);
    if (session->state == L7_ALLOWED && test.n_slots > 0 &&
        test.slot.disposition == OSH_L7_REPLACED) {
        g_assert_cmpuint(test.slot.slot, ==, 77);
        if (test.use == USE_HALF_BEFORE && test.at > 0) {
            actions[0] =
                (OshL7Action){.type = OSH_L7_PASS, .message = session->message, .length = test.at};
            test.at = 0;
            return 1;
        }
        return use_lease(world, actions, length);
    }
    return l7_lines_feed(world, input, actions, ret_deadline);
}

static void
begin_with(L7World *world, L7Feed feed)
{
    memset(&test, 0, sizeof test);
    test.context = OSH_SLOT_HEADER;
    l7_world_new(world);
    credential_mock_begin(&test.mock, world);
    world->feed = feed;
    test.resume = world->vtable.resume;
    world->vtable.resume = resume_slots;
    world->vtable.cancel = cancel_slots;
    world->fixture->policy.credentials = TRUE;
}

static void
begin(L7World *world)
{
    begin_with(world, feed_slots);
    l7_world_open(world);
}

static void
end(L7World *world)
{
    l7_assert_nowhere(world, test.mock.secret);
    l7_world_close(world);
    credential_mock_end(&test.mock);
}

/* --- What goes out -----------------------------------------------------------------------------
 */

static void
test_a_slot_becomes_the_secret_on_the_wire_alone(void)
{
    for (guint by_bytes = 0; by_bytes < 2; by_bytes++) {
        L7World world;

        begin_with(&world, feed_slots);
        world.fixture->policy.recording = TRUE;
        l7_world_open(&world);
        test.by_bytes = by_bytes != 0;
        osh_fixture_send(world.client, "key:Bearer PLACEHOLDER\n");
        osh_fixture_expect(world.fixture, world.upstream, "key:Bearer s3cret\n");
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
        g_assert_cmpuint(test.mock.contexts, ==, 1u << OSH_SLOT_HEADER);
        /* The endpoint is the one that was dialled; a connection in clear is told as that. */
        g_assert_cmpstr(test.mock.host, ==, OSH_FIXTURE_OTHER);
        g_assert_cmpuint(test.mock.last.port, ==, world.port);
        g_assert_false(test.mock.last.verified_tls);
        g_assert_cmpstr(test.mock.path, ==, "key");
        g_assert_cmpuint(test.mock.last.generation, ==, 1);
        /* The message has ended, and everything was given back. */
        g_assert_cmpint(test.mock.n_leases, ==, 0);
        g_assert_cmpint(test.mock.n_sets, ==, 0);
        end(&world);
    }
}

static void
test_a_secret_may_be_masked(void)
{
    L7World world;

    begin(&world);
    test.use = USE_MASKED;
    test.mock.secret = "abcde";
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    /* The phase is 3: the bytes of the key are 4 1 2 3 4. */
    osh_fixture_expect(world.fixture, world.upstream, "key:ecaga\n");
    end(&world);
}

static void
test_a_lease_may_be_sent_twice_in_its_message(void)
{
    L7World world;

    begin(&world);
    test.use = USE_TWICE;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_expect(world.fixture, world.upstream, "key:s3crets3cret\n");
    end(&world);
}

/* Masked with a phase, over many reads of the lease and many writes of the socket. */
static void
test_a_long_secret_passes_a_slow_server_whole(void)
{
    enum { LENGTH = 200001 };
    g_autofree char *secret = g_malloc(LENGTH + 1);
    g_autoptr(GString) expected = g_string_new("key:");
    g_autofree char *got = NULL;
    int error_number;
    OshConnection *connection;
    OshLeg *leg;
    L7World world;

    for (gsize i = 0; i < LENGTH; i++)
        secret[i] = (char)('a' + (i * 7 + i / 251) % 26);
    secret[LENGTH] = '\0';
    begin(&world);
    test.mock.secret = secret;
    osh_fixture_send(world.client, "hello\n");
    osh_fixture_expect(world.fixture, world.upstream, "hello\n");
    connection = osh_fixture_first(world.fixture, OSH_STEP_INSPECT);
    l7_small_buffers(world.upstream);
    l7_small_buffers(connection->upstream_fd);
    leg = &connection->driver->sides[OSH_SERVER_TO_CLIENT].leg;
    test.use = USE_MASKED;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    OSH_WAIT_FOR(world.fixture, osh_leg_left(leg) > 0);
    /* What waits is known as a secret, and so wiped. */
    g_assert_true(leg->is_secret);
    shutdown(world.client, SHUT_WR);
    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    for (gsize i = 0; i < LENGTH; i++)
        g_string_append_c(expected, (char)(secret[i] ^ (char)((3 + i) % 4 + 1)));
    g_string_append_c(expected, '\n');
    g_assert_cmpint(error_number, ==, 0);
    g_assert_cmpstr(got, ==, expected->str);
    end(&world);
}

static void
test_a_slot_without_placeholder_is_untouched(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "key:nothing\n");
    osh_fixture_expect(world.fixture, world.upstream, "key:nothing\n");
    g_assert_cmpuint(test.slot.disposition, ==, OSH_L7_UNTOUCHED);
    g_assert_cmpuint(test.slot.slot, ==, 77);
    end(&world);
}

static void
test_without_a_provider_slots_are_untouched(void)
{
    L7World world;

    begin_with(&world, feed_slots);
    world.fixture->network.providers = NULL;
    l7_world_open(&world);
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_expect(world.fixture, world.upstream, "key:PLACEHOLDER\n");
    g_assert_cmpuint(test.slot.disposition, ==, OSH_L7_UNTOUCHED);
    end(&world);
}

static void
test_a_refused_slot_refuses_the_message(void)
{
    for (guint audit = 0; audit < 2; audit++) {
        L7World world;

        begin_with(&world, feed_slots);
        /* Whoever only audits forwards no credential to a wrong place. */
        if (audit)
            world.fixture->policy.audit = TRUE;
        l7_world_open(&world);
        if (audit)
            world.fixture->policy.action = OSH_ACTION_DENY;
        osh_fixture_send(world.client, "key:FORBIDDEN\n");
        osh_fixture_expect(world.fixture, world.client,
                           "no: the credential is not for this place\n");
        g_assert_cmpuint(test.slot.disposition, ==, OSH_L7_REFUSED);
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "not for this place");
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
        world.fixture->policy.action = OSH_ACTION_ALLOW;
        osh_fixture_send(world.client, "next:PLACEHOLDER\n");
        osh_fixture_expect(world.fixture, world.upstream, "next:s3cret\n");
        end(&world);
    }
}

static void
test_a_message_that_the_policy_refuses_asks_for_no_credential(void)
{
    L7World world;

    begin(&world);
    osh_fixture_settle(world.fixture);
    world.fixture->policy.action = OSH_ACTION_DENY;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_expect(world.fixture, world.client, "no: the test denies it\n");
    g_assert_cmpuint(test.mock.n_prepared, ==, 0);
    g_assert_cmpuint(test.slot.disposition, ==, OSH_L7_REFUSED);
    end(&world);
}

static void
test_injections_become_edits(void)
{
    L7World world;

    begin(&world);
    test.mock.injections = 2;
    osh_fixture_send(world.client, "plain\n");
    osh_fixture_expect(world.fixture, world.upstream, "plain\n");
    g_assert_cmpuint(test.n_edits, ==, 2);
    g_assert_cmpstr(test.edits[0].name, ==, "Authorization");
    g_assert_null(test.edits[0].value);
    g_assert_nonnull(test.edits[0].lease);
    g_assert_cmpuint(test.edits[0].length, ==, strlen(test.mock.secret));
    g_assert_cmpint(test.mock.n_leases, ==, 0);
    end(&world);
}

static void
test_too_many_injections_refuse_the_message(void)
{
    L7World world;

    begin(&world);
    test.mock.injections = 17;
    osh_fixture_send(world.client, "plain\n");
    osh_fixture_expect(world.fixture, world.client, "no: the endpoint has too many credentials\n");
    g_assert_cmpuint(test.n_edits, ==, 0);
    end(&world);
}

static void
test_an_endpoint_without_credentials_prepares_nothing(void)
{
    L7World world;

    begin(&world);
    world.fixture->policy.credentials = FALSE;
    osh_fixture_send(world.client, "plain\n");
    osh_fixture_expect(world.fixture, world.upstream, "plain\n");
    g_assert_cmpuint(test.mock.n_prepared, ==, 0);
    end(&world);
}

/* --- Waiting -----------------------------------------------------------------------------------
 */

static void
test_a_message_waits_for_its_credentials(void)
{
    L7World world;

    begin(&world);
    test.mock.defers = TRUE;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(world.session->answers, ==, 0);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
    osh_fixture_advance(world.fixture, 9 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.session->answers, ==, 0);
    /* The server may speak meanwhile. */
    osh_fixture_send(world.upstream, "tick\n");
    osh_fixture_expect(world.fixture, world.client, "tick\n");
    credential_mock_answer(&test.mock);
    osh_fixture_expect(world.fixture, world.upstream, "key:s3cret\n");
    g_assert_cmpuint(test.mock.n_prepared, ==, 1);
    end(&world);
}

static void
test_credentials_that_cannot_be_had_refuse_the_message(void)
{
    for (guint defers = 0; defers < 2; defers++) {
        L7World world;

        begin(&world);
        test.mock.defers = defers != 0;
        test.mock.error = "the token could not be fetched";
        osh_fixture_send(world.client, "key:PLACEHOLDER\n");
        osh_fixture_settle(world.fixture);
        if (defers)
            credential_mock_answer(&test.mock);
        osh_fixture_expect(world.fixture, world.client, "no: the token could not be fetched\n");
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "could not be fetched");
        end(&world);
    }
}

static void
test_a_provider_that_never_answers_refuses_the_message(void)
{
    L7World world;

    begin(&world);
    test.mock.defers = TRUE;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 11 * G_TIME_SPAN_SECOND);
    osh_fixture_expect(world.fixture, world.client, "no: no answer came in time\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "'limit'");
    /* The message has ended, and nobody waits any more. */
    g_assert_cmpuint(test.mock.n_cancelled, ==, 1);
    test.mock.defers = FALSE;
    osh_fixture_send(world.client, "next:PLACEHOLDER\n");
    osh_fixture_expect(world.fixture, world.upstream, "next:s3cret\n");
    end(&world);
}

static void
test_a_client_that_is_gone_cancels(void)
{
    for (guint can = 0; can < 2; can++) {
        L7World world;

        begin_with(&world, feed_slots);
        if (!can)
            world.vtable.cancel = NULL;
        l7_world_open(&world);
        test.mock.defers = TRUE;
        osh_fixture_send(world.client, "key:PLACEHOLDER\n");
        osh_fixture_settle(world.fixture);
        osh_fixture_reset(world.client);
        world.client = -1;
        osh_fixture_expect_reset(world.fixture, world.upstream);
        g_assert_cmpuint(test.n_cancelled, ==, can);
        g_assert_cmpuint(test.mock.n_cancelled, ==, 1);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
        l7_assert_closed(&world, "reset");
        end(&world);
    }
}

static void
test_the_host_may_stop_while_credentials_are_prepared(void)
{
    L7World world;

    begin(&world);
    test.mock.defers = TRUE;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_stop(world.fixture);
    g_assert_cmpuint(test.mock.n_cancelled, ==, 1);
    end(&world);
}

static void
deny_messages(const OshFacts *facts, OshVerdict *verdict)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, OSH_FACT_REQUEST_METHOD)) {
            verdict->action = OSH_ACTION_DENY;
            verdict->reason = g_strdup("the newest policy denies it");
        }
}

static void
test_a_message_that_waits_is_decided_by_the_newest_policy(void)
{
    for (guint denied = 0; denied < 2; denied++) {
        L7World world;

        begin(&world);
        test.mock.defers = TRUE;
        osh_fixture_send(world.client, "key:PLACEHOLDER\n");
        osh_fixture_settle(world.fixture);
        world.fixture->policy.judge = denied ? deny_messages : NULL;
        world.fixture->policy.generation++;
        osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
        if (denied) {
            osh_fixture_expect(world.fixture, world.client, "no: the newest policy denies it\n");
            g_assert_cmpuint(test.mock.n_cancelled, ==, 1);
            end(&world);
            continue;
        }
        credential_mock_answer(&test.mock);
        /* They were prepared for another policy: they are prepared anew. */
        osh_fixture_settle(world.fixture);
        g_assert_cmpuint(test.mock.n_prepared, ==, 2);
        g_assert_cmpuint(test.mock.last.generation, ==, 2);
        credential_mock_answer(&test.mock);
        osh_fixture_expect(world.fixture, world.upstream, "key:s3cret\n");
        end(&world);
    }
}

/* A provider that answers inside its call, while a reload is carried out. */
static void
test_a_reload_while_a_message_waits_may_prepare_at_once(void)
{
    L7World world;

    begin(&world);
    test.mock.defers = TRUE;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    world.fixture->room = 0;
    credential_mock_answer(&test.mock);
    osh_fixture_settle(world.fixture);
    /* It waits for capacity now; the new policy has its credentials prepared anew. */
    test.mock.defers = FALSE;
    world.fixture->room = 1;
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    osh_fixture_expect(world.fixture, world.upstream, "key:s3cret\n");
    g_assert_cmpuint(test.mock.n_prepared, ==, 2);
    end(&world);
}

/* --- Revoked -----------------------------------------------------------------------------------
 */

static void
revoke_when_answered(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    resume_slots(session, now, message, answer);
    test.mock.is_revoked = TRUE;
}

static void
test_what_was_revoked_before_its_first_byte_sends_nothing(void)
{
    for (guint use = 0; use < 2; use++) {
        g_autofree char *got = NULL;
        int error_number;
        L7World world;

        begin_with(&world, feed_slots);
        world.vtable.resume = revoke_when_answered;
        l7_world_open(&world);
        test.use = use ? USE_HALF_BEFORE : USE_PLAIN;
        osh_fixture_send(world.client, "key:PLACEHOLDER\n");
        got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
        g_assert_cmpstr(got, ==, "");
        g_assert_cmpint(error_number, ==, ECONNRESET);
        osh_fixture_expect_reset(world.fixture, world.client);
        l7_assert_says(&world, OSH_FIXTURE_FAILED, "revoked before it was used");
        end(&world);
    }
}

static void
test_what_is_revoked_while_it_is_written_is_cut_by_a_reset(void)
{
    enum { LENGTH = 10000 };
    g_autofree char *secret = g_strnfill(LENGTH, 's');
    g_autofree char *got = NULL;
    int error_number;
    L7World world;

    begin(&world);
    test.mock.secret = secret;
    test.mock.revoked_after = LENGTH / 2;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpuint(strlen(got), <, LENGTH);
    g_assert_cmpint(error_number, ==, ECONNRESET);
    osh_fixture_expect_reset(world.fixture, world.client);
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "revoked while it was used");
    end(&world);
}

/* --- Misuse ------------------------------------------------------------------------------------
 */

static const struct {
    const char *sentence;
    Use use;
    const char *rule;
} misuses[] = {
    {"a-lease-towards-the-client", USE_TO_CLIENT, "(lease: "},
    {"a-lease-in-framing", USE_IN_FRAMING, "(framing: "},
    {"a-lease-of-another-message", USE_IN_ANOTHER, "(lease: "},
    {"a-lease-of-a-message-that-has-ended", USE_AFTER_DONE, "(open: "},
};

static void
test_misuse(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    g_autofree char *got = NULL;
    g_autofree char *told = NULL;
    int error_number;
    L7World world;

    begin(&world);
    test.use = misuses[row].use;
    osh_fixture_send(world.client, "key:PLACEHOLDER\n");
    osh_fixture_settle(world.fixture);
    if (misuses[row].use == USE_IN_ANOTHER)
        osh_fixture_send(world.client, "other:PLACEHOLDER\n");
    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpstr(got, ==, "");
    told = osh_fixture_read_all(world.fixture, world.client, &error_number);
    g_assert_cmpstr(told, ==, "");
    g_assert_cmpint(error_number, ==, ECONNRESET);
    g_assert_cmpuint(test.mock.n_read, <=, 1);
    g_assert_cmpuint(world.fixture->warnings, ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, misuses[row].rule);
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/secrets/" sentence, function)
    ADD("a-slot-becomes-the-secret-on-the-wire-alone",
        test_a_slot_becomes_the_secret_on_the_wire_alone);
    ADD("a-secret-may-be-masked", test_a_secret_may_be_masked);
    ADD("a-lease-may-be-sent-twice-in-its-message", test_a_lease_may_be_sent_twice_in_its_message);
    ADD("a-long-secret-passes-a-slow-server-whole", test_a_long_secret_passes_a_slow_server_whole);
    ADD("a-slot-without-placeholder-is-untouched", test_a_slot_without_placeholder_is_untouched);
    ADD("without-a-provider-slots-are-untouched", test_without_a_provider_slots_are_untouched);
    ADD("a-refused-slot-refuses-the-message", test_a_refused_slot_refuses_the_message);
    ADD("a-message-that-the-policy-refuses-asks-for-no-credential",
        test_a_message_that_the_policy_refuses_asks_for_no_credential);
    ADD("injections-become-edits", test_injections_become_edits);
    ADD("too-many-injections-refuse-the-message", test_too_many_injections_refuse_the_message);
    ADD("an-endpoint-without-credentials-prepares-nothing",
        test_an_endpoint_without_credentials_prepares_nothing);
    ADD("a-message-waits-for-its-credentials", test_a_message_waits_for_its_credentials);
    ADD("credentials-that-cannot-be-had-refuse-the-message",
        test_credentials_that_cannot_be_had_refuse_the_message);
    ADD("a-provider-that-never-answers-refuses-the-message",
        test_a_provider_that_never_answers_refuses_the_message);
    ADD("a-client-that-is-gone-cancels", test_a_client_that_is_gone_cancels);
    ADD("the-host-may-stop-while-credentials-are-prepared",
        test_the_host_may_stop_while_credentials_are_prepared);
    ADD("a-message-that-waits-is-decided-by-the-newest-policy",
        test_a_message_that_waits_is_decided_by_the_newest_policy);
    ADD("a-reload-while-a-message-waits-may-prepare-at-once",
        test_a_reload_while_a_message_waits_may_prepare_at_once);
    ADD("what-was-revoked-before-its-first-byte-sends-nothing",
        test_what_was_revoked_before_its_first_byte_sends_nothing);
    ADD("what-is-revoked-while-it-is-written-is-cut-by-a-reset",
        test_what_is_revoked_while_it_is_written_is_cut_by_a_reset);
    for (guint i = 0; i < G_N_ELEMENTS(misuses); i++) {
        g_autofree char *path = g_strdup_printf("/network/secrets/%s", misuses[i].sentence);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_misuse);
    }
    return g_test_run();
}
