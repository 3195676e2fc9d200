/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of events of an MCP server. The first byte is the size of pieces. What goes on is the
 * same however the stream is split, and what went on goes on unchanged a second time.
 */
#include <string.h>

#include "server-answer.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static gboolean
allows_short(gpointer data, OshSpan name)
{
    (void)data;
    return name.length < 5;
}

static GString *
pass(OshSpan text, gsize piece)
{
    static const JsonrpcAnswerRules rules = {.allows_tool = allows_short, .server = "s"};
    GString *out = g_string_new(NULL);
    JsonrpcAnswerReport report;
    JsonrpcEvents *events;

    jsonrpc_answer_report_init(&report);
    events = jsonrpc_events_new(&rules, &report);
    for (gsize at = 0; at < text.length; at += piece)
        g_assert(jsonrpc_events_feed(events,
                                     (OshSpan){text.data + at, MIN(piece, text.length - at)}, out));
    jsonrpc_events_free(events);
    jsonrpc_answer_report_clear(&report);
    return out;
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    OshSpan text = {size > 1 ? (const char *)data + 1 : "", size > 1 ? size - 1 : 0};
    g_autoptr(GString) whole = pass(text, MAX(text.length, 1));
    g_autoptr(GString) pieces = pass(text, size > 0 ? 1 + data[0] : 1);
    g_autoptr(GString) again = pass((OshSpan){whole->str, whole->len}, MAX(whole->len, 1));

    g_assert(whole->len == pieces->len && memcmp(whole->str, pieces->str, whole->len) == 0);
    g_assert(whole->len == again->len && memcmp(whole->str, again->str, whole->len) == 0);
    return 0;
}
