/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of messages: what an inspector finds decides, and placeholders in it are replaced. In the
 * protocol of these tests a line is "HEAD CONTENT", and the content may be empty.
 */
#include "content-fixture.h"
#include "credential-mock.h"
#include "inspected.h"

#include <openshell/ext/draft/content-inspector.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FOUND "content.word"

static struct {
    CredentialMock mock;
    /* The inspector. */
    OshInterface inspector;
    const char *open_error;
    guint pending; /* so many feeds are answered so */
    gboolean wakes_inside;
    gboolean wants_more;
    gboolean done_early;
    gboolean finds_nothing;
    guint refuses_with; /* a status */
    guint n_open;
    guint n_feeds;
    GString *fed;
    gboolean last;
    char *media_type;
    char *head;
    OshCallback wake;
    gpointer wake_data;
    OshFact found;
    /* The policy. */
    guint64 limit;
    gboolean audit;
    gboolean rewrites;
} test;

/* --- The inspector -----------------------------------------------------------------------------
 */

static gpointer
inspector_open(gpointer instance, const OshInspectionRequest *request, GError **error)
{
    (void)instance;
    g_assert_cmpstr(request->inspector, ==, "mock");
    g_assert_cmpuint(request->limit, ==, test.limit);
    if (test.open_error != NULL) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, test.open_error);
        return NULL;
    }
    g_free(test.media_type);
    test.media_type = g_strdup(request->media_type);
    g_free(test.head);
    g_assert_cmpstr(request->head.facts[2].name, ==, OSH_FACT_REQUEST_CONTENT_TYPE);
    test.head = g_strndup(request->head.facts[1].value.string.data,
                          request->head.facts[1].value.string.length);
    test.wake = request->wake;
    test.wake_data = request->wake_data;
    test.n_open++;
    return &test;
}

static OshInspection
inspector_feed(gpointer inspection, OshSpan bytes, gboolean last)
{
    g_assert_true(inspection == &test);
    test.n_feeds++;
    test.last = last;
    if (bytes.length > 0)
        g_string_append_len(test.fed, bytes.data, (gssize)bytes.length);
    if (test.wakes_inside)
        test.wake(test.wake_data);
    if (test.pending > 0) {
        test.pending--;
        return OSH_INSPECTION_PENDING;
    }
    return (last && !test.wants_more) || test.done_early ? OSH_INSPECTION_DONE
                                                         : OSH_INSPECTION_MORE;
}

static OshFacts
inspector_facts(gpointer inspection)
{
    const OshFacts none = {NULL, 0};

    (void)inspection;
    if (test.finds_nothing)
        return none;
    test.found = (OshFact)OSH_FACT_STRING_INIT(
        FOUND, osh_span(strstr(test.fed->str, "bad") != NULL ? "bad" : "good"));
    return (OshFacts){&test.found, 1};
}

static void
inspector_close(gpointer inspection)
{
    g_assert_true(inspection == &test);
    test.n_open--;
    g_string_truncate(test.fed, 0);
}

static const OshInspectionRefusal *
inspector_refusal(gpointer inspection, const OshInspectionDenial *denial)
{
    static OshInspectionRefusal refusal = {.struct_size = sizeof refusal, .media_type = "a/b"};

    g_assert_true(inspection == &test && denial->event != 0);
    g_assert_true(denial->by_policy == !test.finds_nothing);
    refusal.status = test.refuses_with;
    refusal.body = osh_span(denial->reason);
    return test.refuses_with != 0 ? &refusal : NULL;
}

static const OshContentInspectorInterface inspector_vtable = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .open = inspector_open,
    .feed = inspector_feed,
    .facts = inspector_facts,
    .close = inspector_close,
    .refusal = inspector_refusal,
};

/* --- The policy --------------------------------------------------------------------------------
 */

static gboolean
states(const OshFacts *facts, const char *name, const char *value)
{
    for (gsize i = 0; i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name))
            return value == NULL || strncmp(facts->facts[i].value.string.data, value,
                                            facts->facts[i].value.string.length) == 0;
    return FALSE;
}

static void
judge_content(const OshFacts *facts, OshVerdict *verdict)
{
    if (!states(facts, OSH_FACT_REQUEST_METHOD, NULL) || test.limit == 0)
        return;
    verdict->audit = test.audit;
    if (states(facts, FOUND, "bad")) {
        verdict->action = OSH_ACTION_DENY;
        verdict->reason = g_strdup("the word is bad");
    } else if (!states(facts, FOUND, NULL)) {
        verdict->action = OSH_ACTION_INSPECT;
        verdict->inspector = "mock";
        verdict->inspect_limit = test.limit;
        verdict->inspect_limit_name = "some_key";
    }
}

static GVariant *
option(const char *name)
{
    return test.rewrites && g_str_equal(name, "request_body_credential_rewrite")
               ? g_variant_ref_sink(g_variant_new_boolean(TRUE))
               : NULL;
}

static void
begin_with(L7World *world, L7Feed feed)
{
    memset(&test, 0, sizeof test);
    test.limit = 1000;
    test.fed = g_string_new(NULL);
    l7_world_new(world);
    credential_mock_begin(&test.mock, world);
    test.inspector = (OshInterface){"mock", &inspector_vtable, NULL};
    g_hash_table_insert(test.mock.providers.inspectors, (gpointer) "mock", &test.inspector);
    content_begin(world, feed);
    world->fixture->policy.judge = judge_content;
    world->fixture->policy.option = option;
    l7_world_open(world);
}

static void
begin(L7World *world)
{
    begin_with(world, content_feed);
}

static void
end(L7World *world)
{
    l7_assert_nowhere(world, test.mock.secret);
    l7_world_close(world);
    g_assert_cmpuint(test.n_open, ==, 0);
    credential_mock_end(&test.mock);
    content_end();
    g_string_free(test.fed, TRUE);
    g_free(test.media_type);
    g_free(test.head);
}

/* --- Inspected ---------------------------------------------------------------------------------
 */

static void
test_what_an_inspector_finds_decides(void)
{
    L7World world;

    begin(&world);
    osh_fixture_send(world.client, "one good\n");
    osh_fixture_expect(world.fixture, world.upstream, "one good\n");
    g_assert_cmpstr(test.media_type, ==, "application/json");
    g_assert_cmpstr(test.head, ==, "one ");
    g_assert_cmpuint(content.limit_told, ==, 1000);
    g_assert_cmpuint(content.answer.content, ==, 5);
    g_assert_cmpuint(content.answer.disposition, ==, OSH_L7_UNTOUCHED);
    g_assert_nonnull(strstr(world.fixture->asked->str, FOUND "=good"));
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    osh_fixture_send(world.client, "two bad\n");
    osh_fixture_expect(world.fixture, world.client, "no: the word is bad\n");
    g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 1);
    l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, "the word is bad");
    end(&world);
}

static void
test_content_may_come_in_parts_or_be_empty(void)
{
    static const char *const lines[] = {"a 123456789 good\n", "b \n", "c\n"};

    for (guint parts = 1; parts < 5; parts++)
        for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
            L7World world;

            begin(&world);
            content.n_parts = parts;
            osh_fixture_send(world.client, lines[i]);
            osh_fixture_expect(world.fixture, world.upstream, lines[i]);
            g_assert_cmpuint(test.n_feeds, ==, parts);
            g_assert_true(test.last);
            end(&world);
        }
}

static void
test_the_parts_that_an_inspector_needs_are_enough(void)
{
    L7World world;

    begin(&world);
    content.n_parts = 4;
    test.done_early = TRUE;
    osh_fixture_send(world.client, "a 12345678\n");
    osh_fixture_expect(world.fixture, world.upstream, "a 12345678\n");
    g_assert_cmpuint(test.n_feeds, ==, 1);
    g_assert_cmpuint(content.answer.settled, ==, 2);
    end(&world);
}

static void
test_an_inspector_may_take_its_time(void)
{
    for (guint inside = 0; inside < 2; inside++) {
        L7World world;

        begin(&world);
        test.pending = 2;
        test.wakes_inside = inside != 0;
        osh_fixture_send(world.client, "one good\n");
        osh_fixture_settle(world.fixture);
        if (!inside) {
            g_assert_cmpuint(test.n_feeds, ==, 1);
            test.wake(test.wake_data);
            /* Never inside the call of the one that wakes. */
            g_assert_cmpuint(test.n_feeds, ==, 1);
            osh_fixture_settle(world.fixture);
            g_assert_cmpuint(test.n_feeds, ==, 2);
            test.wake(test.wake_data);
        }
        osh_fixture_expect(world.fixture, world.upstream, "one good\n");
        g_assert_cmpuint(test.n_feeds, ==, 3);
        end(&world);
    }
}

static void
test_an_inspector_that_never_wakes_refuses_the_message(void)
{
    L7World world;

    begin(&world);
    test.pending = 1;
    osh_fixture_send(world.client, "one good\n");
    osh_fixture_settle(world.fixture);
    osh_fixture_advance(world.fixture, 11 * G_TIME_SPAN_SECOND);
    osh_fixture_expect(world.fixture, world.client, "no: no answer came in time\n");
    end(&world);
}

static void
test_a_client_that_is_gone_closes_the_inspection(void)
{
    L7World world;

    begin(&world);
    test.pending = 1;
    osh_fixture_send(world.client, "one good\n");
    OSH_WAIT_FOR(world.fixture, test.n_open == 1);
    osh_fixture_reset(world.client);
    world.client = -1;
    osh_fixture_expect_reset(world.fixture, world.upstream);
    g_assert_cmpuint(test.n_open, ==, 0);
    end(&world);
}

static const struct {
    const char *sentence;
    const char *reason;
    const char *line;
    gboolean opens_not;
    gboolean wants_more;
    gboolean finds_nothing;
    gboolean missing;
    gboolean pending;
    guint64 limit;
} refusals[] = {
    {.sentence = "an-inspector-that-does-not-open", .opens_not = TRUE, .reason = "cannot be read"},
    {.sentence = "an-inspector-that-wants-more-than-there-is",
     .wants_more = TRUE,
     .reason = "wants more than there is"},
    {.sentence = "an-inspector-that-wants-more-in-the-end",
     .wants_more = TRUE,
     .pending = TRUE,
     .reason = "wants more than there is"},
    {.sentence = "an-inspector-that-finds-nothing",
     .finds_nothing = TRUE,
     .reason = "found nothing by which"},
    {.sentence = "an-inspector-that-nobody-is",
     .missing = TRUE,
     .reason = "no plugin of this run inspects mock"},
    {.sentence = "content-beyond-the-limit",
     .limit = 4,
     .line = "one 12345\n",
     .reason = "larger than may be inspected: 4 bytes, see some_key"},
};

/* A hard denial, where the policy only audits too. */
static void
test_refusal(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);

    for (guint audit = 0; audit < 2; audit++) {
        g_autoptr(GString) expected = g_string_new(NULL);
        L7World world;

        begin(&world);
        test.audit = audit != 0;
        test.open_error = refusals[row].opens_not ? "the content cannot be read" : NULL;
        test.wants_more = refusals[row].wants_more;
        test.finds_nothing = refusals[row].finds_nothing;
        test.pending = refusals[row].pending;
        test.wakes_inside = refusals[row].pending;
        if (refusals[row].limit != 0)
            test.limit = refusals[row].limit;
        if (refusals[row].missing)
            g_hash_table_remove_all(test.mock.providers.inspectors);
        osh_fixture_send(world.client,
                         refusals[row].line != NULL ? refusals[row].line : "one good\n");
        OSH_WAIT_FOR(world.fixture, osh_fixture_count(world.fixture, OSH_FIXTURE_L7_DENIED) == 1);
        l7_assert_says(&world, OSH_FIXTURE_L7_DENIED, refusals[row].reason);
        g_assert_cmpuint(osh_fixture_count(world.fixture, OSH_FIXTURE_L7_ALLOWED), ==, 0);
        g_assert_cmpuint(world.fixture->warnings, ==, 0);
        g_assert_cmpuint(content.status, ==, refusals[row].limit != 0 ? 413 : 403);
        if (refusals[row].limit != 0)
            g_assert_cmpstr(content.told, ==, "content_too_large some_key none");
        end(&world);
    }
}

static void
test_content_at_the_limit_is_inspected(void)
{
    L7World world;

    begin(&world);
    test.limit = 4;
    osh_fixture_send(world.client, "one 1234\n");
    osh_fixture_expect(world.fixture, world.upstream, "one 1234\n");
    end(&world);
}

static void
test_an_inspector_may_have_words_for_the_client(void)
{
    static const guint statuses[] = {200, 599, 0, 100, 600};

    for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++) {
        L7World world;

        begin(&world);
        test.refuses_with = statuses[i];
        osh_fixture_send(world.client, "one bad\n");
        osh_fixture_expect(world.fixture, world.client, "no: the word is bad\n");
        g_assert_cmpstr(content.told, ==,
                        i < 2 ? "(null) some_key the word is bad" : "(null) some_key none");
        end(&world);
    }
}

static void
test_what_was_found_may_be_audited(void)
{
    L7World world;

    begin(&world);
    test.audit = TRUE;
    osh_fixture_send(world.client, "one bad\n");
    osh_fixture_expect(world.fixture, world.upstream, "one bad\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "the word is bad");
    end(&world);
}

static void
test_a_reload_between_the_answer_and_the_content(void)
{
    L7World world;

    begin(&world);
    content.n_parts = 2;
    test.pending = 1;
    osh_fixture_send(world.client, "one 12good\n");
    OSH_WAIT_FOR(world.fixture, test.n_feeds == 1);
    world.fixture->policy.generation++;
    osh_fixture_advance(world.fixture, G_TIME_SPAN_SECOND);
    g_assert_cmpuint(world.session->answers, ==, 1);
    test.wake(test.wake_data);
    osh_fixture_expect(world.fixture, world.upstream, "one 12good\n");
    l7_assert_says(&world, OSH_FIXTURE_L7_ALLOWED, "'the rule', 2, ");
    end(&world);
}

static void
test_content_that_fills_the_window_fits(void)
{
    enum { LENGTH = 200 * 1024 };
    g_autofree char *text = g_strnfill(LENGTH, 'g');
    g_autofree char *line = g_strdup_printf("one %s\n", text);
    L7World world;
    gsize at = 0;

    begin(&world);
    test.limit = LENGTH;
    while (at < strlen(line)) {
        ssize_t n = send(world.client, line + at, strlen(line) - at, MSG_DONTWAIT);

        at += n > 0 ? (gsize)n : 0;
        osh_fixture_turn(world.fixture, 1);
    }
    osh_fixture_expect(world.fixture, world.upstream, line);
    end(&world);
}

/* --- Misuse ------------------------------------------------------------------------------------
 */

static void
assert_blamed(L7World *world, const char *rule)
{
    g_autofree char *got = NULL;
    g_autofree char *told = NULL;
    int error_number;

    got = osh_fixture_read_all(world->fixture, world->upstream, &error_number);
    g_assert_cmpstr(got, ==, "");
    told = osh_fixture_read_all(world->fixture, world->client, &error_number);
    g_assert_cmpstr(told, ==, "");
    g_assert_cmpint(error_number, ==, ECONNRESET);
    g_assert_cmpuint(world->fixture->warnings, ==, 1);
    l7_assert_says(world, OSH_FIXTURE_L7_DENIED, rule);
}

static void
test_content_after_the_final_answer(void)
{
    L7World world;

    begin(&world);
    content.goes_on = TRUE;
    osh_fixture_send(world.client, "one good\n");
    assert_blamed(&world, "(content: ");
    end(&world);
}

static gsize
feed_another_number(L7World *world, const OshL7Input *input, OshL7Action *actions,
                    gint64 *ret_deadline)
{
    gsize n = content_feed(world, input, actions, ret_deadline);

    if (actions[0].type == OSH_L7_CONTENT)
        content.content++;
    return n;
}

static void
test_another_content_before_the_first_has_ended(void)
{
    L7World world;

    begin_with(&world, feed_another_number);
    content.n_parts = 2;
    osh_fixture_send(world.client, "one good\n");
    assert_blamed(&world, "(content: ");
    end(&world);
}

/* --- Placeholders in content -------------------------------------------------------------------
 */

static void
begin_rewriting(L7World *world)
{
    begin(world);
    test.limit = 0;
    test.rewrites = TRUE;
}

static void
test_placeholders_in_content_are_replaced(void)
{
    for (guint i = 0; i < 8; i++) {
        L7World world;

        begin_rewriting(&world);
        content.n_parts = 1 + i % 2 * 2;
        content.in_ranges = (i & 2) != 0;
        content.masks = (i & 4) != 0;
        osh_fixture_send(world.client, "one aPLACEHOLDERb\n");
        osh_fixture_expect(world.fixture, world.upstream,
                           content.masks ? "one AS\023CRETB\n" : "one as3cretb\n");
        g_assert_cmpuint(test.mock.contexts, ==, 1u << OSH_SLOT_JSON);
        g_assert_cmpuint(content.answer.length, ==, strlen("as3cretb"));
        g_assert_cmpuint(content.answer.settled, ==, 0);
        g_assert_cmpint(test.mock.n_leases, ==, 0);
        end(&world);
    }
}

static void
test_content_without_placeholders_is_untouched(void)
{
    L7World world;

    begin_rewriting(&world);
    osh_fixture_send(world.client, "one two\n");
    osh_fixture_expect(world.fixture, world.upstream, "one two\n");
    g_assert_cmpuint(content.answer.disposition, ==, OSH_L7_UNTOUCHED);
    g_assert_cmpuint(content.answer.settled, ==, 3);
    end(&world);
}

static void
test_content_with_what_may_not_go_out_is_refused(void)
{
    L7World world;

    begin_rewriting(&world);
    osh_fixture_send(world.client, "one FORBIDDEN\n");
    osh_fixture_expect(world.fixture, world.client, "no: the credential is not for this place\n");
    g_assert_cmpuint(content.answer.disposition, ==, OSH_L7_REFUSED);
    end(&world);
}

static void
test_what_is_inspected_is_rewritten_too(void)
{
    for (guint early = 0; early < 2; early++) {
        L7World world;

        begin_rewriting(&world);
        test.limit = 100;
        content.n_parts = 2;
        test.done_early = early != 0;
        osh_fixture_send(world.client, "one good PLACEHOLDER\n");
        osh_fixture_expect(world.fixture, world.upstream, "one good s3cret\n");
        g_assert_cmpuint(test.n_feeds, ==, early ? 1 : 2);
        end(&world);
    }
}

static void
test_content_never_goes_to_the_client(void)
{
    L7World world;

    begin_rewriting(&world);
    content.to_client = TRUE;
    osh_fixture_send(world.client, "one PLACEHOLDER\n");
    assert_blamed(&world, "(handle: ");
    g_assert_cmpuint(test.mock.n_read, ==, 0);
    end(&world);
}

static void
revoke_when_answered(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    content_resume(session, now, message, answer);
    test.mock.is_revoked = TRUE;
}

static void
test_content_whose_credential_was_revoked_is_not_sent(void)
{
    g_autofree char *got = NULL;
    int error_number;
    L7World world;

    begin_rewriting(&world);
    world.vtable.resume = revoke_when_answered;
    osh_fixture_send(world.client, "one PLACEHOLDER\n");
    got = osh_fixture_read_all(world.fixture, world.upstream, &error_number);
    g_assert_cmpstr(got, ==, "");
    l7_assert_says(&world, OSH_FIXTURE_FAILED, "revoked before it was used");
    end(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function) g_test_add_func("/network/inspected/" sentence, function)
    ADD("what-an-inspector-finds-decides", test_what_an_inspector_finds_decides);
    ADD("content-may-come-in-parts-or-be-empty", test_content_may_come_in_parts_or_be_empty);
    ADD("the-parts-that-an-inspector-needs-are-enough",
        test_the_parts_that_an_inspector_needs_are_enough);
    ADD("an-inspector-may-take-its-time", test_an_inspector_may_take_its_time);
    ADD("an-inspector-that-never-wakes-refuses-the-message",
        test_an_inspector_that_never_wakes_refuses_the_message);
    ADD("a-client-that-is-gone-closes-the-inspection",
        test_a_client_that_is_gone_closes_the_inspection);
    ADD("content-at-the-limit-is-inspected", test_content_at_the_limit_is_inspected);
    ADD("an-inspector-may-have-words-for-the-client",
        test_an_inspector_may_have_words_for_the_client);
    ADD("what-was-found-may-be-audited", test_what_was_found_may_be_audited);
    ADD("a-reload-between-the-answer-and-the-content",
        test_a_reload_between_the_answer_and_the_content);
    ADD("content-that-fills-the-window-fits", test_content_that_fills_the_window_fits);
    ADD("content-after-the-final-answer", test_content_after_the_final_answer);
    ADD("another-content-before-the-first-has-ended",
        test_another_content_before_the_first_has_ended);
    ADD("placeholders-in-content-are-replaced", test_placeholders_in_content_are_replaced);
    ADD("content-without-placeholders-is-untouched",
        test_content_without_placeholders_is_untouched);
    ADD("content-with-what-may-not-go-out-is-refused",
        test_content_with_what_may_not_go_out_is_refused);
    ADD("what-is-inspected-is-rewritten-too", test_what_is_inspected_is_rewritten_too);
    ADD("content-never-goes-to-the-client", test_content_never_goes_to_the_client);
    ADD("content-whose-credential-was-revoked-is-not-sent",
        test_content_whose_credential_was_revoked_is_not_sent);
    for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/network/inspected/%s", refusals[i].sentence);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_refusal);
    }
    return g_test_run();
}
