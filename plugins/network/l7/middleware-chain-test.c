/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Middlewares of the policy: asked in their order about the whole content of a message, with what
 * the one before left; what they change is inspected and decided again, and no secret reaches them.
 */
#include "content-fixture.h"
#include "credential-mock.h"
#include "middleware-chain.h"

#include <openshell/ext/draft/content-inspector.h>
#include <openshell/ext/draft/middleware.h>

#include <string.h>
#include <unistd.h>

#define FOUND "content.word"

/* What one middleware does. */
typedef struct {
    OshMiddlewareOutcome outcome;
    const char *replacement;
    const char *code;
    gboolean waits;
    gboolean blocks;    /* for longer than it may */
    gboolean elsewhere; /* answers on a thread of its own */
} Deed;

static struct {
    CredentialMock mock;
    OshInterface inspector;
    OshInterface provider;
    OshPolicyMiddleware entries[3];
    Deed deeds[3]; /* by the first letter of the implementation, from a */
    GString *seen; /* "NAME:CONTENT " of each evaluation */
    char *operation;
    OshMiddlewareFunc done;
    gpointer done_data;
    guint n_cancelled;
    GString *fed;
    gboolean inspects;
    gboolean rewrites;
    gboolean unjudged;
} test;

/* --- The plugins -------------------------------------------------------------------------------
 */

typedef struct {
    OshMiddlewareFunc done;
    gpointer data;
} Elsewhere;

static gpointer
answer_elsewhere(gpointer data)
{
    const Elsewhere *said = data;

    said->done(OSH_MIDDLEWARE_ALLOW, NULL, NULL, said->data);
    return NULL;
}

static void
middleware_evaluate(gpointer instance, const char *implementation,
                    const OshMiddlewareRequest *request, OshMiddlewareFunc done, gpointer data)
{
    const Deed *deed = &test.deeds[implementation[0] - 'a'];

    g_assert_true(instance == &test);
    g_string_append_printf(test.seen, "%s:%.*s ", implementation, (int)request->content.length,
                           request->content.data);
    g_free(test.operation);
    test.operation = g_strdup(request->operation);
    if (deed->blocks)
        g_usleep(30 * 1000);
    if (deed->elsewhere) {
        const Elsewhere said = {done, data};

        g_thread_join(g_thread_new("elsewhere", answer_elsewhere, (gpointer)&said));
    } else if (deed->waits) {
        test.done = done;
        test.done_data = data;
    } else {
        g_autoptr(GBytes) bytes =
            deed->replacement != NULL
                ? g_bytes_new_static(deed->replacement, strlen(deed->replacement))
                : NULL;

        done(deed->outcome, deed->code, bytes, data);
    }
}

static void
middleware_cancel(gpointer instance, gpointer data)
{
    (void)instance;
    g_assert_true(test.done_data == NULL || data == test.done_data);
    test.done = NULL;
    test.n_cancelled++;
}

static const OshMiddlewareInterface middleware_vtable = {
    .struct_size = sizeof(OshMiddlewareInterface),
    .evaluate = middleware_evaluate,
    .cancel = middleware_cancel,
};

static gpointer
inspector_open(gpointer instance, const OshInspectionRequest *request, GError **error)
{
    (void)request;
    (void)error;
    g_string_truncate(test.fed, 0);
    return instance;
}

static OshInspection
inspector_feed(gpointer inspection, OshSpan bytes, gboolean last)
{
    (void)inspection;
    g_string_append_len(test.fed, bytes.data, (gssize)bytes.length);
    return last ? OSH_INSPECTION_DONE : OSH_INSPECTION_MORE;
}

static OshFacts
inspector_facts(gpointer inspection)
{
    static OshFact found;

    (void)inspection;
    found = (OshFact)OSH_FACT_STRING_INIT(
        FOUND, osh_span(strstr(test.fed->str, "bad") != NULL ? "bad" : "good"));
    return (OshFacts){&found, 1};
}

static void
inspector_close(gpointer inspection)
{
    (void)inspection;
}

static const OshContentInspectorInterface inspector_vtable = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .open = inspector_open,
    .feed = inspector_feed,
    .facts = inspector_facts,
    .close = inspector_close,
};

/* --- The world ---------------------------------------------------------------------------------
 */

static const OshFact *
find(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name))
            return &facts->facts[i];
    return NULL;
}

static void
judge(const OshFacts *facts, OshVerdict *verdict)
{
    const OshFact *found = find(facts, FOUND);

    verdict->unjudged = test.unjudged;
    if (find(facts, OSH_FACT_REQUEST_METHOD) == NULL)
        return;
    if (test.unjudged) {
        verdict->action = OSH_ACTION_DENY;
        verdict->reason = g_strdup("no endpoint has rules about messages");
        return;
    }
    if (!test.inspects)
        return;
    if (found == NULL) {
        verdict->action = OSH_ACTION_INSPECT;
        verdict->inspector = "mock";
        verdict->inspect_limit = 100;
    } else if (strncmp(found->value.string.data, "bad", 3) == 0) {
        verdict->action = OSH_ACTION_DENY;
        verdict->reason = g_strdup("the word is bad");
    }
}

static GVariant *
option(const char *name)
{
    return test.rewrites && g_str_equal(name, "request_body_credential_rewrite")
               ? g_variant_ref_sink(g_variant_new_boolean(TRUE))
               : NULL;
}

/* @names: implementation and name of each entry, one letter. */
static void
set_entries(L7World *world, const char *names)
{
    static const char *const words[] = {"a", "b", "c"};

    for (guint i = 0; names[i] != '\0'; i++) {
        const char *word = words[names[i] - 'a'];

        test.entries[i] = (OshPolicyMiddleware){
            .struct_size = sizeof(OshPolicyMiddleware),
            .name = word,
            .implementation = word,
            .fingerprint = (guint64)names[i],
        };
    }
    world->fixture->policy.middlewares = test.entries;
    world->fixture->policy.n_middlewares = (guint)strlen(names);
}

static void
begin(L7World *world, const char *names)
{
    static const char *const words[] = {"a", "b", "c"};

    memset(&test, 0, sizeof test);
    test.seen = g_string_new(NULL);
    test.fed = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(test.deeds); i++)
        test.deeds[i].outcome = OSH_MIDDLEWARE_ALLOW;
    l7_world_new(world);
    credential_mock_begin(&test.mock, world);
    test.inspector = (OshInterface){"mock", &inspector_vtable, &test};
    test.provider = (OshInterface){"mock", &middleware_vtable, &test};
    g_hash_table_insert(test.mock.providers.inspectors, (gpointer) "mock", &test.inspector);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        g_hash_table_insert(test.mock.providers.middlewares, (gpointer)words[i], &test.provider);
    set_entries(world, names);
    content_begin(world, content_feed);
    world->fixture->policy.judge = judge;
    world->fixture->policy.option = option;
}

static void
end(L7World *world)
{
    l7_assert_nowhere(world, test.mock.secret);
    l7_world_close(world);
    credential_mock_end(&test.mock);
    content_end();
    g_string_free(test.seen, TRUE);
    g_string_free(test.fed, TRUE);
    g_free(test.operation);
}

static void
answer(OshMiddlewareOutcome outcome, const char *code)
{
    OshMiddlewareFunc done = test.done;

    g_assert_true(done != NULL);
    test.done = NULL;
    done(outcome, code, NULL, test.done_data);
}

/* --- Sentences ---------------------------------------------------------------------------------
 */

static void
test_each_sees_what_the_one_before_left(void)
{
    L7World world;

    begin(&world, "abc");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = "first"};
    test.deeds[2] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = "third and last"};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.upstream, "one third and last\n");
    g_assert_cmpstr(test.seen->str, ==, "a:said b:first c:first ");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "a changed it; c changed it");
    end(&world);
}

static void
test_what_nobody_changes_goes_on_as_it_is(void)
{
    L7World world;

    begin(&world, "ab");
    content.n_parts = 3;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one 123456789\n");
    osh_fixture_expect(world.fixture, world.upstream, "one 123456789\n");
    g_assert_cmpstr(test.seen->str, ==, "a:123456789 b:123456789 ");
    osh_fixture_send(world.client, "none\n");
    osh_fixture_expect(world.fixture, world.upstream, "none\n");
    g_assert_cmpstr(test.seen->str, ==, "a:123456789 b:123456789 a: b: ");
    g_assert_cmpstr(test.operation, ==, "message");
    end(&world);
}

static void
test_a_denial_is_told_with_the_words_of_a_machine(void)
{
    L7World world;

    begin(&world, "ab");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_DENY, .code = "has_card_number"};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client,
                       "no: middleware a denies it (has_card_number)\n");
    g_assert_cmpstr(test.seen->str, ==, "a:said ");
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "middleware a denies it (has_card_number)");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
    end(&world);
}

static void
test_free_text_of_a_middleware_is_shown_to_nobody(void)
{
    L7World world;

    begin(&world, "a");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_DENY, .code = "Your Card is 4111"};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware a denies it\n");
    l7_assert_nowhere(&world, "4111");
    end(&world);
}

static void
test_one_that_fails_refuses_the_message_unless_it_may_be_passed_over(void)
{
    for (guint open = 0; open < 2; open++) {
        L7World world;

        begin(&world, "ab");
        test.entries[0].fail_open = open != 0;
        test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_FAILED, .code = "down"};
        l7_world_open(&world);
        osh_fixture_send(world.client, "one said\n");
        if (open != 0) {
            osh_fixture_expect(world.fixture, world.upstream, "one said\n");
            l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "a failed and was passed over (down)");
            g_assert_cmpstr(test.seen->str, ==, "a:said b:said ");
        } else {
            osh_fixture_expect(world.fixture, world.client, "no: middleware a failed (down)\n");
            g_assert_cmpstr(test.seen->str, ==, "a:said ");
        }
        end(&world);
    }
}

static void
test_one_without_a_provider_has_failed(void)
{
    L7World world;

    begin(&world, "b");
    g_hash_table_remove(test.mock.providers.middlewares, "b");
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware b failed (unavailable)\n");
    end(&world);
}

static void
test_a_replacement_that_is_none_or_too_large_has_failed(void)
{
    g_autofree char *large = g_strnfill(OSH_MIDDLEWARE_CONTENT_MAX + 1, 'x');
    L7World world;

    begin(&world, "a");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware a failed\n");
    test.deeds[0].replacement = large;
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client,
                       "no: middleware a failed (replacement_too_large)\n");
    end(&world);
}

static void
test_one_may_take_its_time_but_not_too_much(void)
{
    L7World world;

    begin(&world, "ab");
    test.deeds[0].waits = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    OSH_WAIT_FOR(world.fixture, test.done != NULL);
    osh_fixture_settle(world.fixture);
    g_assert_cmpstr(test.seen->str, ==, "a:said ");
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 1);
    answer(OSH_MIDDLEWARE_ALLOW, NULL);
    osh_fixture_expect(world.fixture, world.upstream, "one said\n");
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 0);
    osh_fixture_send(world.client, "two said\n");
    OSH_WAIT_FOR(world.fixture, test.done != NULL);
    osh_fixture_advance(world.fixture, 510 * G_TIME_SPAN_MILLISECOND);
    osh_fixture_expect(world.fixture, world.client, "no: middleware a failed (timeout)\n");
    g_assert_cmpuint(test.n_cancelled, ==, 1);
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 0);
    end(&world);
}

static void
test_one_that_blocks_for_too_long_has_failed_whatever_it_says(void)
{
    L7World world;

    begin(&world, "a");
    world.fixture->network.config.middleware_timeout = 10 * G_TIME_SPAN_MILLISECOND;
    test.deeds[0].blocks = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware a failed (timeout)\n");
    end(&world);
}

static void
test_an_answer_on_another_thread_is_not_used(void)
{
    L7World world;

    begin(&world, "a");
    test.deeds[0].elsewhere = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    OSH_WAIT_FOR(world.fixture, world.fixture->part.open_middlewares == 1);
    osh_fixture_settle(world.fixture);
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
    osh_fixture_advance(world.fixture, 510 * G_TIME_SPAN_MILLISECOND);
    osh_fixture_expect(world.fixture, world.client, "no: middleware a failed (timeout)\n");
    g_assert_cmpuint(world.fixture->warnings, >, 0);
    end(&world);
}

static void
test_a_client_that_is_gone_withdraws_the_question(void)
{
    L7World world;

    begin(&world, "a");
    test.deeds[0].waits = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    OSH_WAIT_FOR(world.fixture, test.done != NULL);
    osh_fixture_reset(world.client);
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_cmpuint(test.n_cancelled, ==, 1);
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 0);
    end(&world);
}

static void
test_what_is_changed_is_inspected_and_decided_again(void)
{
    L7World world;

    begin(&world, "ab");
    test.inspects = TRUE;
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = "bad"};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one good\n");
    osh_fixture_expect(world.fixture, world.client, "no: the word is bad\n");
    /* The second was not asked about what the policy denies. */
    g_assert_cmpstr(test.seen->str, ==, "a:good ");
    test.deeds[0].replacement = "good too";
    osh_fixture_send(world.client, "two good\n");
    osh_fixture_expect(world.fixture, world.upstream, "two good too\n");
    g_assert_cmpstr(test.seen->str, ==, "a:good a:good b:good too ");
    g_assert_cmpstr(test.fed->str, ==, "good too");
    end(&world);
}

static void
test_what_policy_denies_is_shown_to_no_middleware(void)
{
    L7World world;

    begin(&world, "a");
    test.inspects = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one bad\n");
    osh_fixture_expect(world.fixture, world.client, "no: the word is bad\n");
    g_assert_cmpstr(test.seen->str, ==, "");
    end(&world);
}

static void
test_a_change_that_is_larger_than_may_be_inspected_is_refused(void)
{
    g_autofree char *large = g_strnfill(101, 'x');
    L7World world;

    begin(&world, "a");
    test.inspects = TRUE;
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = large};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one good\n");
    osh_fixture_expect(world.fixture, world.client,
                       "no: a middleware left more than may be inspected: 100 bytes\n");
    end(&world);
}

static void
test_placeholders_are_replaced_behind_the_last(void)
{
    L7World world;

    begin(&world, "ab");
    test.rewrites = TRUE;
    test.deeds[0] =
        (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = "now " MOCK_PLACEHOLDER};
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.upstream, "one now s3cret\n");
    g_assert_cmpstr(test.seen->str, ==, "a:said b:now " MOCK_PLACEHOLDER " ");
    end(&world);
}

static const char *megabyte;

/* Marks five times a megabyte, which is more than a middleware gets. */
static gsize
feed_large(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    gsize n = content_feed(world, input, actions, ret_deadline);

    if (n == 1 && actions[0].type == OSH_L7_CONTENT) {
        actions[0].offset = actions[0].length = 0;
        actions[0].u.content.bytes = (OshSpan){megabyte, 1024 * 1024};
    }
    return n;
}

static void
test_content_beyond_the_limit_is_passed_over_or_refused(void)
{
    g_autofree char *filled = g_strnfill(1024 * 1024, 'x');

    megabyte = filled;
    for (guint open = 0; open < 2; open++) {
        L7World world;

        begin(&world, "ab");
        test.entries[0].fail_open = TRUE;
        test.entries[1].fail_open = open != 0;
        world.feed = feed_large;
        content.n_parts = 5;
        l7_world_open(&world);
        osh_fixture_send(world.client, "one said\n");
        if (open != 0) {
            osh_fixture_expect(world.fixture, world.upstream, "one said\n");
            l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED,
                           "a was passed over (over_limit); b was passed over (over_limit)");
        } else {
            osh_fixture_expect(world.fixture, world.client,
                               "no: middleware b cannot see content of that size (over_limit): at "
                               "most 4194304 bytes\n");
        }
        g_assert_cmpstr(test.seen->str, ==, "");
        end(&world);
    }
}

static gsize
feed_coded(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    static const OshFact coding =
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_CONTENT_ENCODING, OSH_SPAN_INIT("gzip"));
    gsize n = content_feed(world, input, actions, ret_deadline);

    if (n == 1 && actions[0].type == OSH_L7_CONTENT && actions[0].u.content.facts.n_facts > 0)
        actions[0].u.content.facts = (OshFacts){&coding, 1};
    return n;
}

/* Whether it fails says nothing about that. */
static void
test_encoded_content_is_shown_to_no_middleware(void)
{
    for (guint allow = 0; allow < 2; allow++) {
        L7World world;

        begin(&world, "ab");
        test.entries[0].allow_uninspectable = TRUE;
        test.entries[1].allow_uninspectable = allow != 0;
        test.entries[1].fail_open = allow == 0;
        world.feed = feed_coded;
        content.n_parts = 3;
        l7_world_open(&world);
        osh_fixture_send(world.client, "one 123456789\n");
        if (allow != 0) {
            osh_fixture_expect(world.fixture, world.upstream, "one 123456789\n");
            l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED,
                           "a was passed over (encoded); b was passed over (encoded)");
        } else {
            osh_fixture_expect(world.fixture, world.client,
                               "no: middleware b cannot read the content (encoded)\n");
        }
        g_assert_cmpstr(test.seen->str, ==, "");
        end(&world);
    }
}

/* What reads the coding is an inspector's own matter; a placeholder is looked for all the same. */
static void
test_encoded_content_is_inspected_all_the_same(void)
{
    L7World world;

    begin(&world, "a");
    test.inspects = TRUE;
    test.rewrites = TRUE;
    test.entries[0].allow_uninspectable = TRUE;
    world.feed = feed_coded;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one bad\n");
    osh_fixture_expect(world.fixture, world.client, "no: the word is bad\n");
    osh_fixture_send(world.client, "two now " MOCK_PLACEHOLDER "\n");
    osh_fixture_expect(world.fixture, world.upstream, "two now s3cret\n");
    g_assert_cmpstr(test.seen->str, ==, "");
    end(&world);
}

static void
test_what_has_to_be_inspected_is_never_passed_over(void)
{
    g_autofree char *large = g_strnfill(120, 'x');
    g_autofree char *line = g_strdup_printf("one %s\n", large);
    L7World world;

    begin(&world, "a");
    test.inspects = TRUE;
    test.entries[0].fail_open = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, line);
    osh_fixture_expect(world.fixture, world.client,
                       "no: its content is larger than may be inspected: 100 bytes\n");
    g_assert_cmpstr(test.seen->str, ==, "");
    end(&world);
}

static void
test_a_new_policy_begins_again_with_what_was_said(void)
{
    L7World world;

    begin(&world, "ab");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_REPLACE, .replacement = "changed"};
    test.deeds[1].waits = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    OSH_WAIT_FOR(world.fixture, test.done != NULL);
    set_entries(&world, "c");
    world.fixture->policy.generation++;
    answer(OSH_MIDDLEWARE_ALLOW, NULL);
    osh_fixture_expect(world.fixture, world.upstream, "one said\n");
    g_assert_cmpstr(test.seen->str, ==, "a:said b:changed c:said ");
    end(&world);
}

static void
test_messages_that_no_endpoint_judges_are_seen_all_the_same(void)
{
    L7World world;

    begin(&world, "a");
    test.unjudged = TRUE;
    l7_world_open(&world);
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.upstream, "one said\n");
    test.deeds[0] = (Deed){.outcome = OSH_MIDDLEWARE_DENY};
    osh_fixture_send(world.client, "two said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware a denies it\n");
    g_assert_cmpstr(test.seen->str, ==, "a:said a:said ");
    end(&world);
}

/* Of all messages of the shard together. */
static void
test_one_question_more_than_may_be_open_is_told_to_come_later(void)
{
    L7World world;

    begin(&world, "a");
    l7_world_open(&world);
    world.fixture->part.open_middlewares = 96;
    osh_fixture_send(world.client, "one said\n");
    osh_fixture_expect(world.fixture, world.client, "no: middleware a failed (busy)\n");
    g_assert_cmpuint(content.status, ==, 503);
    g_assert_cmpstr(test.seen->str, ==, "");
    world.fixture->part.open_middlewares = 95;
    osh_fixture_send(world.client, "two said\n");
    osh_fixture_expect(world.fixture, world.upstream, "two said\n");
    g_assert_cmpuint(world.fixture->part.open_middlewares, ==, 95);
    world.fixture->part.open_middlewares = 0;
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/middleware-chain/each-sees-what-the-one-before-left",
                    test_each_sees_what_the_one_before_left);
    g_test_add_func("/network/middleware-chain/what-nobody-changes-goes-on-as-it-is",
                    test_what_nobody_changes_goes_on_as_it_is);
    g_test_add_func("/network/middleware-chain/a-denial-is-told-with-the-words-of-a-machine",
                    test_a_denial_is_told_with_the_words_of_a_machine);
    g_test_add_func("/network/middleware-chain/free-text-of-a-middleware-is-shown-to-nobody",
                    test_free_text_of_a_middleware_is_shown_to_nobody);
    g_test_add_func("/network/middleware-chain/"
                    "one-that-fails-refuses-the-message-unless-it-may-be-passed-over",
                    test_one_that_fails_refuses_the_message_unless_it_may_be_passed_over);
    g_test_add_func("/network/middleware-chain/one-without-a-provider-has-failed",
                    test_one_without_a_provider_has_failed);
    g_test_add_func("/network/middleware-chain/a-replacement-that-is-none-or-too-large-has-failed",
                    test_a_replacement_that_is_none_or_too_large_has_failed);
    g_test_add_func("/network/middleware-chain/one-may-take-its-time-but-not-too-much",
                    test_one_may_take_its_time_but_not_too_much);
    g_test_add_func("/network/middleware-chain/"
                    "one-that-blocks-for-too-long-has-failed-whatever-it-says",
                    test_one_that_blocks_for_too_long_has_failed_whatever_it_says);
    g_test_add_func("/network/middleware-chain/an-answer-on-another-thread-is-not-used",
                    test_an_answer_on_another_thread_is_not_used);
    g_test_add_func("/network/middleware-chain/a-client-that-is-gone-withdraws-the-question",
                    test_a_client_that_is_gone_withdraws_the_question);
    g_test_add_func("/network/middleware-chain/what-is-changed-is-inspected-and-decided-again",
                    test_what_is_changed_is_inspected_and_decided_again);
    g_test_add_func("/network/middleware-chain/what-policy-denies-is-shown-to-no-middleware",
                    test_what_policy_denies_is_shown_to_no_middleware);
    g_test_add_func(
        "/network/middleware-chain/a-change-that-is-larger-than-may-be-inspected-is-refused",
        test_a_change_that_is_larger_than_may_be_inspected_is_refused);
    g_test_add_func("/network/middleware-chain/placeholders-are-replaced-behind-the-last",
                    test_placeholders_are_replaced_behind_the_last);
    g_test_add_func("/network/middleware-chain/content-beyond-the-limit-is-passed-over-or-refused",
                    test_content_beyond_the_limit_is_passed_over_or_refused);
    g_test_add_func("/network/middleware-chain/encoded-content-is-shown-to-no-middleware",
                    test_encoded_content_is_shown_to_no_middleware);
    g_test_add_func("/network/middleware-chain/encoded-content-is-inspected-all-the-same",
                    test_encoded_content_is_inspected_all_the_same);
    g_test_add_func("/network/middleware-chain/what-has-to-be-inspected-is-never-passed-over",
                    test_what_has_to_be_inspected_is_never_passed_over);
    g_test_add_func("/network/middleware-chain/a-new-policy-begins-again-with-what-was-said",
                    test_a_new_policy_begins_again_with_what_was_said);
    g_test_add_func(
        "/network/middleware-chain/messages-that-no-endpoint-judges-are-seen-all-the-same",
        test_messages_that_no_endpoint_judges_are_seen_all_the_same);
    g_test_add_func("/network/middleware-chain/"
                    "one-question-more-than-may-be-open-is-told-to-come-later",
                    test_one_question_more_than_may_be_open_is_told_to_come_later);
    return g_test_run();
}
