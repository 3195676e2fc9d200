/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the content of a response, which a message has beside the content of its request. */
#include "osh-l7-ledger.h"

typedef struct {
    OshL7Ledger ledger;
    OshL7LedgerEntry *entry;
} Fixture;

/* Message 1 is open and allowed, and content of its response may be marked. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    const OshL7Action ask = {.type = OSH_L7_ASK, .message = 1};
    const gsize capacity[2] = {100, 100};

    (void)data;
    osh_l7_ledger_init(&fixture->ledger, NULL);
    osh_l7_ledger_begin_list(&fixture->ledger, OSH_CLIENT_TO_SERVER, osh_span("abc"), capacity);
    fixture->entry = osh_l7_ledger_take(&fixture->ledger, &ask);
    fixture->entry->question = FALSE;
    fixture->entry->judgement = OSH_L7_JUDGEMENT_ALLOWED;
    fixture->entry->responds = TRUE;
    osh_l7_ledger_begin_list(&fixture->ledger, OSH_SERVER_TO_CLIENT, osh_span("abc"), capacity);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_ledger_clear(&fixture->ledger);
}

static OshL7Action
content_of(guint64 number)
{
    return (OshL7Action){.type = OSH_L7_CONTENT,
                         .flags = OSH_L7_PAUSES | OSH_L7_LAST,
                         .message = 1,
                         .length = 3,
                         .u.content = {.content = number, .media_type = ""}};
}

static void
assert_rule(Fixture *fixture, const OshL7Action *action, OshL7Rule rule)
{
    OshL7Rule broken = osh_l7_ledger_check(&fixture->ledger, action, 0, 1);

    g_test_message("%s", fixture->ledger.detail);
    g_assert_cmpstr(osh_l7_rule_name(broken), ==, osh_l7_rule_name(rule));
}

static void
test_numbers(Fixture *fixture, gconstpointer data)
{
    OshL7Action action = content_of(2);

    (void)data;
    assert_rule(fixture, &action, OSH_L7_N_RULES);
    osh_l7_ledger_take(&fixture->ledger, &action);
    assert_rule(fixture, &action, OSH_L7_RULE_QUESTION);
    fixture->entry->question = FALSE;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
    action.u.content.content = 1;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
    action.u.content.content = 3;
    assert_rule(fixture, &action, OSH_L7_N_RULES);
    /* The content of its request is another matter. */
    g_assert_false(fixture->entry->has_content);
}

static void
test_shape(Fixture *fixture, gconstpointer data)
{
    OshL7Action action = content_of(1);

    (void)data;
    action.flags = OSH_L7_PAUSES;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
    action = content_of(1);
    action.u.content.media_type = NULL;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
    action = content_of(1);
    action.length = 4;
    assert_rule(fixture, &action, OSH_L7_RULE_RANGE);
    action = content_of(1);
    fixture->entry->responds = FALSE;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
    fixture->entry->responds = TRUE;
    fixture->entry->judgement = OSH_L7_JUDGEMENT_INSPECT;
    assert_rule(fixture, &action, OSH_L7_RULE_CONTENT);
}

/* A handle goes where its content was to go, for it may hold what a lease stands for. */
static void
test_handles(Fixture *fixture, gconstpointer data)
{
    OshContent *handles[] = {(OshContent *)&handles[0], (OshContent *)&handles[1]};
    OshL7Piece piece = {.type = OSH_L7_PIECE_CONTENT, .length = 2};
    OshL7Action action = {.type = OSH_L7_EMIT, .message = 1, .u.send = {&piece, 1}};

    (void)data;
    osh_l7_ledger_grant(fixture->entry, handles[0], 2);
    osh_l7_ledger_grant_response(fixture->entry, handles[1], 2);
    for (guint direction = 0; direction < 2; direction++)
        for (guint i = 0; i < 2; i++) {
            action.direction = direction;
            piece.content = handles[i];
            assert_rule(fixture, &action, direction == i ? OSH_L7_N_RULES : OSH_L7_RULE_HANDLE);
        }
    /* One object for one content after the other has the length of the last. */
    action.direction = OSH_SERVER_TO_CLIENT;
    osh_l7_ledger_grant_response(fixture->entry, handles[1], 1);
    assert_rule(fixture, &action, OSH_L7_RULE_RANGE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(sentence, function)                                                                    \
    g_test_add("/util/l7-ledger/" sentence, Fixture, NULL, set_up, function, tear_down)
    ADD("contents-of-a-response-are-numbered-upwards", test_numbers);
    ADD("a-content-of-a-response-is-whole-and-asked-for", test_shape);
    ADD("a-handle-goes-where-its-content-was-to-go", test_handles);
    return g_test_run();
}
