/* SPDX-License-Identifier: Apache-2.0 */
/* content-fixture.c: the protocol of content-fixture.h. Of one test at a time. */
#include "content-fixture.h"

#include <string.h>

ContentSession content;

void
content_resume(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer)
{
    L7Session *lines = ((L7World *)session)->session;

    content.action = answer->action;
    content.limit_told = answer->inspect_limit;
    content.n_contents = (guint)answer->n_contents;
    content.status = answer->status;
    g_free(content.told);
    content.told = g_strdup_printf("%s %s %.*s", answer->error, answer->limit_name,
                                   answer->refusal != NULL ? (int)answer->refusal->body.length : 4,
                                   answer->refusal != NULL ? answer->refusal->body.data : "none");
    if (answer->n_contents > 0)
        content.answer = answer->contents[0];
    if (answer->action == OSH_ACTION_INSPECT) {
        g_assert_cmpuint(message, ==, lines->message);
        lines->answers++;
        return;
    }
    content.resume(session, now, message, answer);
}

/* The next part of the content between @start and @end in the window. */
static gsize
mark(const L7Session *session, OshL7Action *action, gsize start, gsize end)
{
    gsize length = end - start;
    gsize part = content.n_parts > 0 ? length / content.n_parts : 0;
    gsize from = start + content.marked * part;
    static const OshFact fact =
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_CONTENT_TYPE, OSH_SPAN_INIT("application/json"));
    gboolean last = content.marked + 1 >= content.n_parts;

    *action = (OshL7Action){
        .type = OSH_L7_CONTENT,
        .flags = OSH_L7_PAUSES | (last ? OSH_L7_LAST : 0),
        .message = session->message,
        .offset = from,
        .length = last ? end - from : part,
        .u.content = {.content = content.content, .media_type = "application/json"},
    };
    if (content.marked == 0)
        action->u.content.facts = (OshFacts){&fact, 1};
    content.marked++;
    return 1;
}

static gsize
send_replaced(L7Session *session, OshL7Action *actions, gsize start, gsize length)
{
    OshL7Piece whole = {.type = OSH_L7_PIECE_CONTENT,
                        .content = content.answer.handle,
                        .length = content.answer.length};
    gsize n = 0;

    content.pieces[n++] = (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = 0, .length = start};
    if (content.masks) {
        whole.has_mask = 1;
        memset(whole.mask, 0x20, 4);
    }
    content.pieces[n++] = whole;
    if (content.in_ranges) {
        content.pieces[n - 1].length = 3;
        content.pieces[n] = whole;
        content.pieces[n].offset = 3;
        content.pieces[n++].length = content.answer.length - 3;
    }
    content.pieces[n++] =
        (OshL7Piece){.type = OSH_L7_PIECE_WINDOW, .offset = length - 1, .length = 1};
    actions[0] = (OshL7Action){.type = content.to_client ? OSH_L7_EMIT : OSH_L7_REPLACE,
                               .direction = OSH_SERVER_TO_CLIENT,
                               .message = session->message,
                               .length = length,
                               .u.send = {content.pieces, n}};
    actions[1] = (OshL7Action){.type = OSH_L7_DONE, .message = session->message};
    session->state = L7_NOT_ASKED;
    return 2;
}

gsize
content_feed(L7World *world, const OshL7Input *input, OshL7Action *actions, gint64 *ret_deadline)
{
    L7Session *session = world->session;
    const char *newline = NULL;
    const char *space;
    gsize start;
    gsize length;

    if (input->direction == OSH_CLIENT_TO_SERVER && input->window.length > 0)
        newline = memchr(input->window.data, '\n', input->window.length);
    if (newline == NULL)
        return l7_lines_feed(world, input, actions, ret_deadline);
    length = (gsize)(newline - input->window.data) + 1;
    space = memchr(input->window.data, ' ', length);
    start = space != NULL ? (gsize)(space - input->window.data) + 1 : length - 1;
    if (session->state == L7_NOT_ASKED) {
        content.marked = 0;
        content.action = OSH_ACTION_DENY;
        l7_ask(session, actions, (OshSpan){input->window.data, start});
        return 1;
    }
    if (session->state == L7_ASKED || (content.goes_on && session->state == L7_ALLOWED)) {
        g_assert_true(content.goes_on || content.action == OSH_ACTION_INSPECT);
        return mark(session, actions, start, length - 1);
    }
    if (session->state == L7_ALLOWED && content.n_contents > 0 &&
        content.answer.disposition == OSH_L7_REPLACED)
        return send_replaced(session, actions, start, length);
    return l7_lines_feed(world, input, actions, ret_deadline);
}

void
content_begin(L7World *world, L7Feed feed)
{
    memset(&content, 0, sizeof content);
    content.n_parts = 1;
    content.content = 5;
    world->feed = feed;
    content.resume = world->vtable.resume;
    world->vtable.resume = content_resume;
}

void
content_end(void)
{
    g_clear_pointer(&content.told, g_free);
}
