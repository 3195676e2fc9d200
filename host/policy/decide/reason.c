/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason.c: the words of a denial.
 *
 * Runs only when the answer is no, so it may allocate. What comes from the box is put in with its
 * control characters escaped. Any thread.
 */
#include "reason.h"

#include <string.h>

#define MAX_CLAUSES 64
#define MAX_SHOWN   4096

/* @quote: (nullable): characters that are escaped as well */
static void
append_bytes(GString *text, OshSpan span, const char *quote)
{
    const char *end = span.data + MIN(span.length, MAX_SHOWN);

    for (const char *at = span.data; at < end;) {
        gunichar character = g_utf8_get_char_validated(at, end - at);
        guchar byte = (guchar)*at;
        gsize length = character >= 0x80 ? (gsize)(g_utf8_next_char(at) - at) : 1;

        /* A path may hold any byte; an event holds UTF-8 alone. */
        if (character == (gunichar)-1 || character == (gunichar)-2 || byte < 0x20 || byte == 0x7f ||
            (quote != NULL && strchr(quote, byte) != NULL)) {
            g_string_append_printf(text, "\\x%02x", byte);
            length = 1;
        } else {
            g_string_append_len(text, at, (gssize)length);
        }
        at += length;
    }
    if (span.length > MAX_SHOWN)
        g_string_append(text, "...");
}

void
osh_policy_append_span(GString *text, OshSpan span)
{
    append_bytes(text, span, NULL);
}

/* Text without blanks, quotes and brackets cannot be taken for a part of the message. */
static gboolean
is_plain(OshSpan span)
{
    for (gsize i = 0; i < span.length; i++)
        if (!g_ascii_isgraph(span.data[i]) || strchr("'\"\\(),;", span.data[i]) != NULL)
            return FALSE;
    return TRUE;
}

/*
 * A path that the box has chosen. In quotes no quote of its own may end them early, and outside of
 * quotes nothing but a plain path stands, so that it cannot read like the words around it.
 */
static void
append_path(GString *text, OshSpan span, gboolean quoted)
{
    gboolean quotes = !quoted && !is_plain(span);

    if (quotes)
        g_string_append_c(text, '\'');
    append_bytes(text, span, "'\\");
    if (quotes)
        g_string_append_c(text, '\'');
}

static void
append_list(GString *text, const OshSpan *spans, guint count, const char *separator)
{
    for (guint i = 0; i < count && text->len < 4 * MAX_SHOWN; i++) {
        if (i > 0)
            g_string_append(text, separator);
        append_path(text, spans[i], FALSE);
    }
}

typedef struct {
    const OshPolicySnapshot *snapshot;
    GArray *policies;
} Misses;

static gboolean
note_policy(guint endpoint, gboolean exact, gpointer data)
{
    Misses *misses = data;

    (void)exact;
    g_array_append_val(misses->policies, misses->snapshot->endpoints[endpoint].policy_index);
    return TRUE;
}

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
    guint left = *(const guint *)a;
    guint right = *(const guint *)b;

    return left < right ? -1 : left > right;
}

static void
append_miss(GString *text, const OshPolicyQuestion *question, const char *policy)
{
    g_string_append(text, "binary '");
    append_path(text, question->binary, TRUE);
    g_string_append_printf(text, "' not allowed in policy '%s' (ancestors: [", policy);
    append_list(text, question->ancestors, question->n_ancestors, " -> ");
    g_string_append(text, "], cmdline: [");
    append_list(text, question->cmdline, question->n_cmdline, ", ");
    g_string_append(text,
                    "]). SYMLINK HINT: a process is known by the file it really runs; where the "
                    "policy names a symbolic link, write what 'readlink -f LINK' prints instead");
}

char *
osh_policy_network_reason(const OshPolicySnapshot *snapshot, const OshPolicyQuestion *question)
{
    g_autoptr(GArray) policies = g_array_new(FALSE, FALSE, sizeof(guint));
    Misses misses = {snapshot, policies};
    GString *text;
    guint clauses = 0;

    if (snapshot->n_policies == 0)
        return g_strdup("network connections not allowed by policy");
    text = g_string_new(NULL);
    osh_policy_index_walk(snapshot, question->host, question->host_length, question->port,
                          note_policy, &misses);
    if (policies->len == 0) {
        g_string_append(text, "endpoint ");
        append_path(text, question->asked_host, FALSE);
        g_string_append_printf(text, ":%u is not allowed by any policy", question->port);
        return g_string_free(text, FALSE);
    }
    g_array_sort(policies, compare_numbers);
    for (guint i = 0; i < policies->len; i++) {
        guint policy = g_array_index(policies, guint, i);

        if (i > 0 && policy == g_array_index(policies, guint, i - 1))
            continue;
        if (clauses == MAX_CLAUSES) {
            g_string_append(text, "; and more policies that do not name it");
            break;
        }
        if (clauses++ > 0)
            g_string_append(text, "; ");
        append_miss(text, question, snapshot->policies[policy].name);
    }
    return g_string_free(text, FALSE);
}

static void
append_request(GString *text, const OshPolicyQuestion *question)
{
    if (question->has_command && question->method.length == 0) {
        g_string_append(text, "command ");
        osh_policy_append_span(text, question->command);
        return;
    }
    osh_policy_append_span(text, question->method);
    g_string_append_c(text, ' ');
    osh_policy_append_span(text, question->path);
}

#define SHOWN_FIELDS 6
#define SHOWN_BYTES  64

/* A name that the box has chosen; what is no name is left out. */
static void
append_name(GString *text, const char *before, OshSpan name)
{
    if (name.length == 0 || name.length > SHOWN_BYTES || !is_plain(name))
        return;
    g_string_append(text, before);
    osh_policy_append_span(text, name);
}

/* What was asked for: its type, its name, the fields at its root. */
static void
append_operation(GString *text, const OshFactRecord *operation)
{
    static const char *const words[] = {"type", "name"};
    const OshFact *fields = osh_policy_record_find(operation, "fields", OSH_FACT_STRINGS);
    guint n = fields != NULL ? fields->count : 0;
    gsize start = text->len;

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        const OshFact *word = osh_policy_record_find(operation, words[i], OSH_FACT_STRING);

        if (word != NULL)
            append_name(text, " ", word->value.string);
    }
    for (guint i = 0; i < MIN(n, SHOWN_FIELDS); i++)
        append_name(text, i == 0 ? " of " : ", ", fields->value.strings[i]);
    if (n > SHOWN_FIELDS)
        g_string_append_printf(text, " and %u more", n - SHOWN_FIELDS);
    if (text->len > start)
        g_string_insert_c(text, (gssize)start, ':');
}

/* OpenShell's own reasons, word for word. */
static void
append_request_reason(GString *text, const OshPolicyQuestion *question,
                      const OshPolicyRequestAnswer *answer, const OshPolicyVerdict *verdict)
{
    const OshPolicyEndpoint *first = verdict->n_endpoints > 0 ? verdict->endpoints[0] : NULL;
    gboolean denied = answer->denied == OSH_POLICY_YES;

    if (first != NULL && osh_policy_graphql_unregistered(question, first)) {
        g_string_append(text, "GraphQL persisted query is not registered");
    } else if (question->n_operations > 0) {
        g_string_append_printf(text, "GraphQL operation %s",
                               denied ? "blocked by endpoint policy" : "not permitted by policy");
        append_operation(text, answer->refused != NULL ? answer->refused : question->operations);
        if (denied && answer->deny_rule != NULL)
            g_string_append(text, ": deny rule");
        osh_policy_append_deny_rule(text, denied ? answer->deny_rule : NULL);
    } else if (question->has_response && first != NULL &&
               first->protocol == OSH_POLICY_PROTOCOL_JSONRPC) {
        g_string_append(text, "JSON-RPC response frames are not permitted from client to server");
    } else if (question->has_response) {
        g_string_append(text, "request denied by policy");
    } else {
        append_request(text, question);
        g_string_append(text, denied ? " blocked by deny rule" : " not permitted by policy");
        osh_policy_append_deny_rule(text, denied ? answer->deny_rule : NULL);
    }
}

static void
append_versions(GString *text, guint versions)
{
    const char *separator = "";

    for (guint i = 0; i < OSH_MCP_REVISIONS; i++) {
        if (!(versions & osh_mcp_revision_at(i)))
            continue;
        g_string_append_printf(text, "%s%s", separator,
                               osh_mcp_revision_name(osh_mcp_revision_at(i)));
        separator = ", ";
    }
}

static void
append_mcp_fit(GString *text, OshPolicyMcpFit fit, OshSpan method, guint versions)
{
    switch (fit) {
    case OSH_POLICY_MCP_VERSION:
        g_string_append(text, ": the endpoint does not accept the MCP revision of the request; it "
                              "accepts ");
        append_versions(text, versions);
        break;
    case OSH_POLICY_MCP_BATCH:
        g_string_append_printf(text, ": only MCP 2025-03-26 has batches, of at most %d messages",
                               OSH_MCP_MAX_BATCH);
        break;
    case OSH_POLICY_MCP_RESPONSE:
        g_string_append(text, ": clients of MCP 2026-07-28 send no responses");
        break;
    case OSH_POLICY_MCP_STREAM:
        g_string_append(text, ": MCP 2026-07-28 has POST requests alone");
        break;
    case OSH_POLICY_MCP_METHOD:
        g_string_append(text, ": MCP ");
        append_versions(text, versions);
        g_string_append(text, " has no method '");
        osh_policy_append_span(text, method);
        g_string_append(text, "', and no rule can allow it");
        break;
    case OSH_POLICY_MCP_SERVER_ONLY:
        g_string_append(text, ": only an MCP server sends '");
        osh_policy_append_span(text, method);
        g_string_append_c(text, '\'');
        break;
    case OSH_POLICY_MCP_FITS:
    default:
        break;
    }
}

/* Which call of a message it is; of its params the name of a tool alone is shown. */
static void
append_call(GString *text, const OshFactRecord *call)
{
    OshSpan method = osh_policy_call_method(call);
    const OshFact *tool = osh_policy_call_tool(call);

    g_string_append(text, ": the call is '");
    osh_policy_append_span(text, method);
    if (tool != NULL) {
        g_string_append(text, "' of the tool '");
        osh_policy_append_span(text, tool->value.string);
    }
    g_string_append_c(text, '\'');
}

/* What stands in the way of a JSON-RPC message besides the rules. */
static void
append_mcp_reason(GString *text, const OshPolicyQuestion *question,
                  const OshPolicyRequestAnswer *answer, const OshFactRecord *call,
                  const OshPolicyVerdict *verdict)
{
    const OshPolicyEndpoint *selected = verdict->selected;
    OshSpan method = osh_policy_call_method(call);

    if (answer->mcp != OSH_POLICY_MCP_FITS) {
        guint versions = selected->mcp_versions;

        if (question->has_mcp_version && (versions & question->mcp_version) != 0)
            versions &= question->mcp_version;
        append_mcp_fit(text, answer->mcp, method, versions);
    } else if (selected != NULL && selected->protocol == OSH_POLICY_PROTOCOL_MCP &&
               answer->denied == OSH_POLICY_NO && method.length > 0 &&
               osh_mcp_method_class(method.data, (gssize)method.length, NULL) ==
                   OSH_MCP_METHOD_EXTENSION) {
        g_string_append(text, ": '");
        osh_policy_append_span(text, method);
        g_string_append(text, "' is no method of MCP itself; a rule with exactly this method "
                              "allows it");
    } else if (method.length > 0 && !question->has_response) {
        append_call(text, call);
    }
}

char *
osh_policy_request_reason(const OshPolicyQuestion *question, const OshPolicyRequestAnswer *answer,
                          const OshFactRecord *call, const OshPolicyVerdict *verdict)
{
    GString *text = g_string_new(NULL);

    if (question->has_graphql_error) {
        g_string_append(text, "GraphQL request rejected: ");
        osh_policy_append_span(text, question->graphql_error);
        return g_string_free(text, FALSE);
    }
    if (verdict->action == OSH_POLICY_ERROR)
        g_string_append(text, "policy evaluation failed (a broken glob or a NUL byte): ");
    if (answer->judged_by_facts != NULL) {
        osh_policy_append_facts_reason(text, question, answer);
        return g_string_free(text, FALSE);
    }
    append_request_reason(text, question, answer, verdict);
    if (question->has_jsonrpc_error) {
        g_string_append(text, ": JSON-RPC message rejected: ");
        osh_policy_append_span(text, question->jsonrpc_error);
    } else if (verdict->policy_name == NULL) {
        g_string_append(text, ": no policy lets this process reach ");
        append_path(text, question->asked_host, FALSE);
        g_string_append_printf(text, ":%u", question->port);
    } else {
        append_mcp_reason(text, question, answer, call, verdict);
        osh_policy_append_query_reason(text, question, answer);
    }
    return g_string_free(text, FALSE);
}

char *
osh_policy_encoded_slash_reason(const OshPolicyEndpoint *selected)
{
    return g_strdup_printf("the path holds an encoded slash; that needs allow_encoded_slash: true "
                           "in %s",
                           selected != NULL ? selected->label : "the endpoint");
}
