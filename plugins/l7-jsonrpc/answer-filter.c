/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer-filter.c: messages of a server, one document at a time. [any]. A document that is not
 * changed goes on byte for byte. It must never let one go on that cannot be read: a client might
 * read a list in it.
 */
#include <string.h>

#include "server-answer.h"

void
jsonrpc_answer_report_init(JsonrpcAnswerReport *report)
{
    *report = (JsonrpcAnswerReport){
        .hidden = g_ptr_array_new_with_free_func(g_free),
        .changed = g_ptr_array_new_with_free_func(g_free),
        .requests = g_ptr_array_new_with_free_func(g_free),
    };
}

void
jsonrpc_answer_report_clear(JsonrpcAnswerReport *report)
{
    g_ptr_array_unref(report->hidden);
    g_ptr_array_unref(report->changed);
    g_ptr_array_unref(report->requests);
}

static void
note(GPtrArray *names, guint *count, OshSpan name)
{
    *count += 1;
    if (names->len < JSONRPC_MAX_REPORTED)
        g_ptr_array_add(names, g_strndup(name.data, name.length));
}

/* Whether the tool may stay in the list. */
static gboolean
keeps_tool(const json_t *tool, const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report)
{
    OshSpan name = osh_json_text(json_object_get(tool, "name"));
    JsonrpcPin pin;

    /* What has no name cannot be called, and nobody knows what a client makes of it. */
    if (name.data == NULL ||
        (rules->allows_tool != NULL && !rules->allows_tool(rules->data, name))) {
        note(report->hidden, &report->n_hidden, name.data != NULL ? name : OSH_SPAN_LITERAL(""));
        return FALSE;
    }
    if (rules->pins == NULL || rules->pinning == JSONRPC_PINS_OFF)
        return TRUE;
    pin = jsonrpc_pins_check(rules->pins, rules->server, name, tool);
    if (pin == JSONRPC_PIN_NEW || pin == JSONRPC_PIN_SAME)
        return TRUE;
    note(report->changed, &report->n_changed, name);
    return rules->pinning != JSONRPC_PINS_REFUSE;
}

static gboolean
filter_tools(json_t *tools, const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report)
{
    gsize n = json_array_size(tools);
    gsize kept = 0;

    for (gsize i = 0; i < n; i++) {
        json_t *tool = json_array_get(tools, i);

        if (!keeps_tool(tool, rules, report))
            continue;
        /* Moved to the front, so that a long list costs no more than its length. */
        if (kept != i)
            json_array_set(tools, kept, tool);
        kept++;
    }
    for (gsize i = n; i > kept; i--)
        json_array_remove(tools, i - 1);
    return kept < n;
}

/* FALSE: not a message. */
static gboolean
filter_message(json_t *message, const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report,
               gboolean *ret_changed)
{
    static const char *const known[] = {"jsonrpc", "method", "id", "result", "error", NULL};
    static const char *const known_of_result[] = {"tools", NULL};
    OshSpan method = osh_json_text(json_object_get(message, "method"));
    json_t *result = json_object_get(message, "result");
    json_t *tools = json_object_get(result, "tools");

    if (!json_is_object(message) || osh_json_confusable(message, known) != NULL ||
        osh_json_confusable(result, known_of_result) != NULL)
        return FALSE;
    if (method.data != NULL && json_object_get(message, "id") != NULL)
        note(report->requests, &report->n_requests, method);
    if (json_is_array(tools))
        *ret_changed |= filter_tools(tools, rules, report);
    return TRUE;
}

static gboolean
filter_value(json_t *value, const JsonrpcAnswerRules *rules, JsonrpcAnswerReport *report,
             gboolean *ret_changed)
{
    if (!json_is_array(value))
        return filter_message(value, rules, report, ret_changed);
    for (gsize i = 0; i < json_array_size(value); i++)
        if (!filter_message(json_array_get(value, i), rules, report, ret_changed))
            return FALSE;
    return TRUE;
}

JsonrpcAnswer
jsonrpc_answer_filter(OshSpan document, const JsonrpcAnswerRules *rules,
                      JsonrpcAnswerReport *report, GString *ret_document)
{
    const OshJsonLimits limits = {.max_bytes = JSONRPC_ANSWER_MAX,
                                  .flags = OSH_JSON_LARGE_INTEGERS};
    json_t *value = osh_json_load(document, &limits, NULL);
    JsonrpcAnswer answer = JSONRPC_ANSWER_UNREADABLE;
    gboolean changed = FALSE;

    if (value != NULL && filter_value(value, rules, report, &changed)) {
        answer = changed ? JSONRPC_ANSWER_CHANGED : JSONRPC_ANSWER_SAME;
        if (changed) {
            char *text = json_dumps(value, JSON_COMPACT);

            g_string_append(ret_document, text);
            free(text);
        }
    }
    json_decref(value);
    return answer;
}
