/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.c: one content of a response: what it lists is asked of the policy, and what the policy
 * allows stays in it. [shard]. It must never let a list go on that it has not looked into: content
 * that could hold one in any reading is read, and content that cannot be read does not go on.
 */
#include <string.h>

#include "response.h"

struct _JsonrpcResponse {
    GString *content; /* a copy of it */
    GString *out;     /* what goes on in its place */
    GPtrArray *tools; /* (element-type utf8): that the policy is asked about, in order */
    gboolean is_event;
    gboolean is_json;  /* it says so */
    gboolean is_plain; /* holds no list */
    JsonrpcFacts question;
    const gboolean *allowed;
    gsize n_allowed;
    gsize next;
};

JsonrpcResponse *
jsonrpc_response_new(void)
{
    JsonrpcResponse *response = g_new0(JsonrpcResponse, 1);

    response->content = g_string_new(NULL);
    response->out = g_string_new(NULL);
    response->tools = g_ptr_array_new_with_free_func(g_free);
    jsonrpc_facts_init(&response->question);
    return response;
}

void
jsonrpc_response_free(JsonrpcResponse *response)
{
    if (response == NULL)
        return;
    g_string_free(response->content, TRUE);
    g_string_free(response->out, TRUE);
    g_ptr_array_unref(response->tools);
    jsonrpc_facts_clear(&response->question);
    g_free(response);
}

/* Whether some reader could find a member `tools` in it: by its letters in either case, or by an
 * escape sequence. The last letter may be another that folds to it. */
static gboolean
may_hold_list(OshSpan content)
{
    for (gsize i = 0; i < content.length; i++) {
        gsize left = content.length - i;

        if (content.data[i] == '\\' && left > 1 && content.data[i + 1] == 'u')
            return TRUE;
        if ((content.data[i] == 't' || content.data[i] == 'T') && left >= 4 &&
            g_ascii_strncasecmp(content.data + i, "tool", 4) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
collect_tool(gpointer data, OshSpan name)
{
    JsonrpcResponse *response = data;

    g_ptr_array_add(response->tools, g_strndup(name.data, name.length));
    return TRUE;
}

/* The filter meets the tools in the order in which they were asked about. */
static gboolean
is_allowed(gpointer data, OshSpan name)
{
    JsonrpcResponse *response = data;

    (void)name;
    return response->next < response->n_allowed && response->allowed[response->next++];
}

static JsonrpcAnswer
filter_event(JsonrpcResponse *response, const JsonrpcAnswerRules *rules,
             JsonrpcAnswerReport *report)
{
    JsonrpcEvents *events = jsonrpc_events_new(rules, report);
    gboolean is_whole = jsonrpc_events_feed(
        events, (OshSpan){response->content->str, response->content->len}, response->out);

    jsonrpc_events_free(events);
    if (!is_whole)
        return JSONRPC_ANSWER_UNREADABLE;
    return g_string_equal(response->content, response->out) ? JSONRPC_ANSWER_SAME
                                                            : JSONRPC_ANSWER_CHANGED;
}

static JsonrpcAnswer
filter(JsonrpcResponse *response, const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report)
{
    JsonrpcAnswer answer;

    g_string_truncate(response->out, 0);
    if (response->is_plain)
        return JSONRPC_ANSWER_SAME;
    if (response->is_event)
        return filter_event(response, rules, report);
    answer = jsonrpc_answer_filter((OshSpan){response->content->str, response->content->len}, rules,
                                   report, response->out);
    /* A page of a gateway, for example: no client of MCP reads a message in it. */
    if (answer == JSONRPC_ANSWER_UNREADABLE && !response->is_json)
        return JSONRPC_ANSWER_SAME;
    return answer;
}

gsize
jsonrpc_response_begin(JsonrpcResponse *response, const OshInspectedResponse *content)
{
    const JsonrpcAnswerRules rules = {.allows_tool = collect_tool, .data = response};
    JsonrpcAnswerReport report;

    g_string_truncate(response->content, 0);
    g_string_append_len(response->content, content->content.data, (gssize)content->content.length);
    g_ptr_array_set_size(response->tools, 0);
    response->is_event = content->is_event;
    response->is_json = g_str_has_suffix(content->media_type, "json");
    response->is_plain = content->content.length == 0 || !may_hold_list(content->content);
    jsonrpc_answer_report_init(&report);
    (void)filter(response, &rules, &report);
    jsonrpc_answer_report_clear(&report);
    return response->tools->len;
}

OshFacts
jsonrpc_response_question(JsonrpcResponse *response, gsize index, guint revision)
{
    const char *tool = g_ptr_array_index(response->tools, index);
    JsonrpcFacts *facts = &response->question;
    OshFact *param;
    OshFact *call;
    OshFactRecord *records;
    OshFact fact;

    jsonrpc_facts_clear(facts);
    jsonrpc_facts_init(facts);
    param = jsonrpc_facts_take(facts, 2 * sizeof *param);
    call = jsonrpc_facts_take(facts, 2 * sizeof *call);
    records = jsonrpc_facts_take(facts, 2 * sizeof *records);
    param[0] = (OshFact)OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("name"));
    param[1] = (OshFact)OSH_FACT_STRING_INIT("value", osh_span(tool));
    records[0] = (OshFactRecord){param, 2};
    call[0] = (OshFact)OSH_FACT_STRING_INIT("method", OSH_SPAN_LITERAL("tools/call"));
    call[1] = (OshFact)OSH_FACT_RECORDS_INIT("params", &records[0], 1);
    records[1] = (OshFactRecord){call, 2};
    fact = (OshFact)OSH_FACT_RECORDS_INIT(OSH_FACT_JSONRPC_CALLS, &records[1], 1);
    g_array_append_val(facts->facts, fact);
    fact = (OshFact)OSH_FACT_BOOLEAN_INIT(OSH_FACT_JSONRPC_LISTED, TRUE);
    g_array_append_val(facts->facts, fact);
    if (revision != 0) {
        fact = (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_MCP_VERSION,
                                             osh_span(osh_mcp_revision_name(revision)));
        g_array_append_val(facts->facts, fact);
    }
    return (OshFacts){(const OshFact *)(gconstpointer)facts->facts->data, facts->facts->len};
}

void
jsonrpc_response_end(JsonrpcResponse *response, const gboolean *allowed, gsize n,
                     const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report,
                     OshResponseResult *ret_result)
{
    JsonrpcAnswerRules asked = *rules;

    asked.allows_tool = is_allowed;
    asked.data = response;
    response->allowed = allowed;
    response->n_allowed = n;
    response->next = 0;
    switch (filter(response, &asked, report)) {
    case JSONRPC_ANSWER_SAME:
        ret_result->outcome = OSH_RESPONSE_PASS;
        break;
    case JSONRPC_ANSWER_CHANGED:
        ret_result->outcome = OSH_RESPONSE_REPLACE;
        ret_result->content = (OshSpan){response->out->str, response->out->len};
        break;
    case JSONRPC_ANSWER_UNREADABLE:
    default:
        ret_result->outcome = OSH_RESPONSE_REFUSE;
        ret_result->reason = "the server's answer cannot be read as JSON-RPC, and may list tools";
        break;
    }
    response->allowed = NULL;
}
