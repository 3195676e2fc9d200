/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn-row.c: from one recorded decision to what a policy has to allow.
 *
 * Pure; any thread. Everything in a row came from a box, so whatever would mean more in a policy
 * than it was (a star in a name, a path with a NUL) is left to a person. It must never learn what
 * an address check, an unclear identity or a hard denial refused, nor anything that the ceiling is
 * not certain to allow.
 */
#include "learn-row.h"

#include <string.h>

#include "glob-text.h"
#include "learn-ceiling.h"
#include "model.h"
#include "osh-destination.h"
#include "osh-mcp.h"
#include "replay.h"
#include "row-words.h"
#include "schema-protocol.h"

static const char *
refused_then(const OshRecordedDecision *row)
{
    if (strcmp(row->layer, "dns") == 0)
        return "only its name was looked up";
    switch (row->outcome) {
    case OSH_DECISION_ALLOWED:
    case OSH_DECISION_AUDITED:
        return NULL;
    case OSH_DECISION_DENIED_POLICY:
        return "the policy of that run refused it: record with --audit to learn it";
    case OSH_DECISION_DENIED_DESTINATION:
        return "an address was refused: to allow it, write its host or allowed_ips into the policy "
               "yourself";
    case OSH_DECISION_DENIED_IDENTITY:
        return "the program could not be identified";
    case OSH_DECISION_DENIED_HARD:
        break;
    }
    return "it is refused whatever a policy says";
}

char *
osh_learn_row_host(const OshRecordedDecision *row)
{
    g_autofree char *host = osh_row_host(row);
    gsize length = strlen(host);

    if (length == 0 || length > 253 || strstr(host, "..") != NULL || host[0] == '.' ||
        host[length - 1] == '.')
        return NULL;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(host[i]) && strchr(".-_:", host[i]) == NULL)
            return NULL;
    return g_ascii_strdown(host, -1);
}

/* A path in a policy that means itself alone. */
static gboolean
is_plain_path(const char *path)
{
    gsize length = strlen(path);

    if (path[0] != '/' || length > 1024 || strpbrk(path, OSH_GLOB_SYNTAX) != NULL)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (path[i] < 0x20 || path[i] == 0x7f)
            return FALSE;
    return strstr(path, "//") == NULL && strstr(path, "/../") == NULL &&
           strstr(path, "/./") == NULL;
}

static void
add_image(GPtrArray *images, OshSpan span)
{
    g_autofree char *path = g_strndup(span.data, span.length);

    if (strlen(path) == span.length && is_plain_path(path) && g_utf8_validate(path, -1, NULL))
        g_ptr_array_add(images, g_steal_pointer(&path));
}

static gboolean
is_relaxed(const OshRecordedDecision *row)
{
    const OshFact *identity = osh_recorded_fact(row, OSH_FACT_PROCESS_IDENTITY, OSH_FACT_STRING);

    return identity != NULL && identity->value.string.length == 7 &&
           memcmp(identity->value.string.data, "relaxed", 7) == 0;
}

static GPtrArray *
images_of(const OshRecordedDecision *row)
{
    GPtrArray *images = g_ptr_array_new_with_free_func(g_free);
    const OshFact *binary = osh_recorded_fact(row, OSH_FACT_PROCESS_BINARY, OSH_FACT_STRING);
    const OshFact *ancestors = osh_recorded_fact(row, OSH_FACT_PROCESS_ANCESTORS, OSH_FACT_STRINGS);

    if (is_relaxed(row)) {
        g_ptr_array_add(images, g_strdup("/**"));
        return images;
    }
    if (binary != NULL)
        add_image(images, binary->value.string);
    /* An ancestor must not stand in for a program that cannot be named. */
    if (images->len == 0)
        return images;
    for (guint i = 0; ancestors != NULL && i < ancestors->count; i++)
        add_image(images, ancestors->value.strings[i]);
    return images;
}

/* Text of a fact as a glob that means itself. Returns: (transfer full) (nullable). */
static char *
literal_text(const OshFact *fact)
{
    const OshSpan span = fact != NULL ? fact->value.string : (OshSpan){"", 0};

    if (span.length == 0 || span.length > 256)
        return NULL;
    for (gsize i = 0; i < span.length; i++)
        if (!g_ascii_isalnum(span.data[i]) && strchr("_-./$:", span.data[i]) == NULL)
            return NULL;
    return g_strndup(span.data, span.length);
}

static const OshFact *
field(const OshFactRecord *record, const char *name, OshFactType type)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == (guint32)type && strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Returns: FALSE when a policy cannot say it. */
static gboolean
read_operation(const OshFactRecord *record, OshLearnRule *rule)
{
    const OshFact *fields = field(record, "fields", OSH_FACT_STRINGS);
    const OshFact *name = field(record, "name", OSH_FACT_STRING);
    const OshFact *persisted = field(record, "persisted", OSH_FACT_BOOLEAN);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

    rule->type = literal_text(field(record, "type", OSH_FACT_STRING));
    if (rule->type == NULL || (persisted != NULL && persisted->value.boolean))
        return FALSE;
    if (name != NULL && name->value.string.length > 0 && (rule->name = literal_text(name)) == NULL)
        return FALSE;
    for (guint i = 0; fields != NULL && i < fields->count; i++) {
        const OshFact one = OSH_FACT_STRING_INIT("field", fields->value.strings[i]);
        char *text = literal_text(&one);

        if (text == NULL)
            return FALSE;
        g_ptr_array_add(texts, text);
    }
    if (texts->len == 0)
        return TRUE;
    g_ptr_array_sort(texts, compare_texts);
    for (guint i = 1; i < texts->len;)
        if (strcmp(g_ptr_array_index(texts, i - 1), g_ptr_array_index(texts, i)) == 0)
            g_ptr_array_remove_index(texts, i);
        else
            i++;
    g_ptr_array_add(texts, NULL);
    rule->fields = g_strdupv((char **)texts->pdata);
    return TRUE;
}

static const OshFact *
tool_of(const OshFactRecord *call)
{
    const OshFact *params = field(call, "params", OSH_FACT_RECORDS);
    const OshFact *tool = NULL;

    for (guint i = 0; params != NULL && i < params->count; i++) {
        const OshFact *key = field(&params->value.records[i], "key", OSH_FACT_STRING);

        if (key == NULL || key->value.string.length != 4 ||
            memcmp(key->value.string.data, "name", 4) != 0)
            continue;
        if (tool != NULL)
            return NULL; /* which of them? */
        tool = field(&params->value.records[i], "value", OSH_FACT_STRING);
    }
    return tool;
}

static gboolean
read_call(const OshFactRecord *record, OshLearnRule *rule)
{
    rule->method = literal_text(field(record, "method", OSH_FACT_STRING));
    if (rule->method == NULL)
        return FALSE;
    if (rule->kind == OSH_LEARN_MCP && strcmp(rule->method, OSH_POLICY_TOOL_CALL) == 0)
        rule->tool = literal_text(tool_of(record));
    return rule->kind != OSH_LEARN_MCP || strcmp(rule->method, OSH_POLICY_TOOL_CALL) != 0 ||
           rule->tool != NULL;
}

static gboolean
read_records(const OshFact *fact, OshLearnKind kind, const char *scope, GPtrArray *seen)
{
    for (guint i = 0; i < fact->count; i++) {
        g_autoptr(OshLearnRule) rule = osh_learn_rule_new(kind, scope);
        const OshFactRecord *record = &fact->value.records[i];

        if (!(kind == OSH_LEARN_GRAPHQL ? read_operation(record, rule) : read_call(record, rule)))
            return FALSE;
        g_ptr_array_add(seen, osh_learn_rule_finish(g_steal_pointer(&rule)));
    }
    return fact->count > 0;
}

/* MCP says so in its methods; without them a call is JSON-RPC. */
static OshLearnKind
rpc_kind(const OshRecordedDecision *row, const OshFact *calls)
{
    static const char *const prefixes[] = {"initialize",      "ping",           "tools/",
                                           "resources/",      "prompts/",       "logging/",
                                           "tasks/",          "notifications/", "subscriptions/",
                                           "server/discover", "completion/"};

    if (row->protocol[0] != '\0')
        return strcmp(row->protocol, "mcp") == 0 ? OSH_LEARN_MCP : OSH_LEARN_JSONRPC;
    for (guint i = 0; i < calls->count; i++) {
        const OshFact *method = field(&calls->value.records[i], "method", OSH_FACT_STRING);

        for (gsize k = 0; method != NULL && k < G_N_ELEMENTS(prefixes); k++)
            if (method->value.string.length >= strlen(prefixes[k]) &&
                memcmp(method->value.string.data, prefixes[k], strlen(prefixes[k])) == 0)
                return OSH_LEARN_MCP;
    }
    return OSH_LEARN_JSONRPC;
}

/* What is written down accepts the default revision alone. */
static gboolean
is_default_mcp(const OshRecordedDecision *row, const OshFact *calls)
{
    const OshFact *version = osh_recorded_fact(row, OSH_FACT_MCP_VERSION, OSH_FACT_STRING);

    if (version != NULL &&
        osh_mcp_revision_parse(version->value.string.data, (gssize)version->value.string.length) !=
            OSH_MCP_REVISION_DEFAULT)
        return FALSE;
    for (guint i = 0; i < calls->count; i++) {
        const OshFact *method = field(&calls->value.records[i], "method", OSH_FACT_STRING);
        OshSpan name = method != NULL ? method->value.string : (OshSpan){"", 0};
        guint revisions;
        OshMcpMethodClass kind = osh_mcp_method_class(name.data, (gssize)name.length, &revisions);

        if (kind == OSH_MCP_METHOD_SERVER_ONLY ||
            (kind == OSH_MCP_METHOD_CORE && !(revisions & OSH_MCP_REVISION_DEFAULT)))
            return FALSE;
    }
    return calls->count == 1;
}

static gboolean
read_http(const OshFact *method, const OshFact *path, GPtrArray *seen)
{
    g_autoptr(OshLearnRule) rule = osh_learn_rule_new(OSH_LEARN_REST, NULL);

    rule->method = literal_text(method);
    rule->pattern = osh_learn_pattern_new(path->value.string.data, path->value.string.length);
    if (rule->method == NULL || rule->pattern == NULL)
        return FALSE;
    if (strcmp(rule->method, "WEBSOCKET_TEXT") == 0) {
        rule->kind = OSH_LEARN_WEBSOCKET;
        rule->scope = g_strdup(rule->pattern->text);
        if (rule->pattern->plain == NULL)
            return FALSE;
    }
    g_ptr_array_add(seen, osh_learn_rule_finish(g_steal_pointer(&rule)));
    return TRUE;
}

/* Returns: FALSE when the request is something that rules cannot say. */
static gboolean
read_request(const OshRecordedDecision *row, GPtrArray *seen)
{
    const OshFact *operations =
        osh_recorded_fact(row, OSH_FACT_GRAPHQL_OPERATIONS, OSH_FACT_RECORDS);
    const OshFact *calls = osh_recorded_fact(row, OSH_FACT_JSONRPC_CALLS, OSH_FACT_RECORDS);
    const OshFact *method = osh_recorded_fact(row, OSH_FACT_REQUEST_METHOD, OSH_FACT_STRING);
    const OshFact *path = osh_recorded_fact(row, OSH_FACT_REQUEST_PATH, OSH_FACT_STRING);
    g_autoptr(OshLearnPattern) scope = NULL;

    if (row->omits || path == NULL ||
        osh_recorded_fact(row, OSH_FACT_GRAPHQL_CONTROL, OSH_FACT_STRING) != NULL ||
        osh_recorded_fact(row, OSH_FACT_GRAPHQL_ERROR, OSH_FACT_STRING) != NULL ||
        osh_recorded_fact(row, OSH_FACT_JSONRPC_ERROR, OSH_FACT_STRING) != NULL ||
        osh_recorded_fact(row, OSH_FACT_SQL_COMMAND, OSH_FACT_STRING) != NULL)
        return FALSE;
    scope = osh_learn_pattern_new(path->value.string.data, path->value.string.length);
    if (scope == NULL)
        return FALSE;
    if ((operations != NULL || calls != NULL) && scope->plain == NULL)
        return FALSE;
    if (operations != NULL)
        return read_records(operations, OSH_LEARN_GRAPHQL, scope->text, seen);
    if (calls != NULL && rpc_kind(row, calls) == OSH_LEARN_MCP && !is_default_mcp(row, calls))
        return FALSE;
    if (calls != NULL)
        return read_records(calls, rpc_kind(row, calls), scope->text, seen);
    if (osh_recorded_fact(row, OSH_FACT_JSONRPC_RECEIVE_STREAM, OSH_FACT_BOOLEAN) != NULL ||
        osh_recorded_fact(row, OSH_FACT_JSONRPC_RESPONSE, OSH_FACT_BOOLEAN) != NULL)
        return FALSE;
    return method != NULL && read_http(method, path, seen);
}

static gboolean
addresses_pass(const OshRecordedDecision *row, const char *host, const OshLearnCeiling *ceiling)
{
    const OshPolicyEndpoint *selected = ceiling->verdict.selected;
    const OshDestinationRequest request = {
        .host = host,
        .port = (guint16)osh_row_port(row),
        .exact_declared_host = ceiling->verdict.exact_declared_host,
        .allowed = selected != NULL ? selected->allowed_cidrs : NULL,
        .n_allowed = selected != NULL ? selected->n_allowed_ips : 0,
    };

    return osh_destination_check(&request, row->addresses, row->n_addresses, NULL, NULL);
}

/* Which of its images a policy can name without exceeding the ceiling, the program itself first. */
static const char *
choose_image(const OshLearnOptions *options, const OshRecordedDecision *row, const char *host,
             OshLearnRow *learned, OshLearnCeiling *ret_ceiling)
{
    for (guint i = 0; i < learned->images->len; i++) {
        const char *image = g_ptr_array_index(learned->images, i);

        osh_learn_ceiling_ask(options->ceiling, host, osh_row_port(row), image, ret_ceiling);
        if (ret_ceiling->allows) {
            learned->grant = g_strdup(image);
            return NULL;
        }
        osh_learn_ceiling_clear(ret_ceiling);
        if (options->ceiling == NULL)
            break;
    }
    return "the ceiling does not allow it";
}

/* A GET may be the beginning of a WebSocket, which its ceiling then says. */
static gboolean
is_inside(const OshLearnCeiling *ceiling, OshLearnRule *rule)
{
    if (osh_learn_ceiling_allows_rule(ceiling, rule))
        return TRUE;
    if (rule->kind != OSH_LEARN_REST || strcmp(rule->method, "GET") != 0 ||
        rule->pattern->plain == NULL)
        return FALSE;
    osh_learn_rule_scope(rule, OSH_LEARN_WEBSOCKET, rule->pattern->text);
    return osh_learn_ceiling_allows_rule(ceiling, rule);
}

static const char *
check_against(const OshLearnOptions *options, const OshRecordedDecision *row, const char *host,
              OshLearnRow *learned)
{
    g_auto(OshLearnCeiling) ceiling = {0};
    const char *problem = choose_image(options, row, host, learned, &ceiling);

    if (problem != NULL)
        return problem;
    if (options->ceiling != NULL && !addresses_pass(row, host, &ceiling))
        return "the ceiling refuses an address of it";
    if (!ceiling.is_inspected && !options->requests && row->protocol[0] == '\0')
        return NULL;
    if (!osh_replay_has_request(row))
        return ceiling.is_inspected && row->protocol[0] == '\0'
                   ? "the ceiling judges its requests, and none of them is recorded"
                   : NULL;
    if (!read_request(row, learned->seen))
        return "no rule can express the request";
    for (guint i = 0; i < learned->seen->len; i++)
        if (!is_inside(&ceiling, g_ptr_array_index(learned->seen, i)))
            return "it cannot be proven that the ceiling allows it";
    return NULL;
}

/* What a plugin's messages may be, and within which limits, no recording tells. */
static gboolean
is_of_plugin(const OshRecordedDecision *row)
{
    const OshFact *fact = osh_recorded_fact(row, OSH_FACT_REQUEST_PROTOCOL, OSH_FACT_STRING);
    g_autofree char *stated =
        fact != NULL ? g_strndup(fact->value.string.data, fact->value.string.length) : NULL;

    return osh_schema_protocol_find(row->protocol) == OSH_POLICY_PROTOCOL_PLUGIN ||
           (stated != NULL && osh_schema_protocol_find(stated) == OSH_POLICY_PROTOCOL_PLUGIN);
}

OshLearnRow *
osh_learn_row_read(const OshLearnOptions *options, const OshRecordedDecision *row,
                   const char **ret_reason)
{
    g_autoptr(OshLearnRow) learned = g_new0(OshLearnRow, 1);
    g_autofree char *host = osh_learn_row_host(row);

    learned->row = row;
    learned->images = images_of(row);
    learned->seen = g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_rule_free);
    *ret_reason = refused_then(row);
    if (*ret_reason == NULL && row->withholds_connection)
        *ret_reason = "the program or the host is withheld from the recording";
    if (*ret_reason == NULL && (host == NULL || osh_row_port(row) == 0))
        *ret_reason = "its host is no name that a policy can have";
    if (*ret_reason == NULL && learned->images->len == 0)
        *ret_reason = "its program is no path that a policy can have";
    if (*ret_reason == NULL && is_of_plugin(row))
        *ret_reason = "its protocol is a plugin's, and rules for such protocols are not learned";
    if (*ret_reason == NULL)
        *ret_reason = check_against(options, row, host, learned);
    return *ret_reason == NULL ? g_steal_pointer(&learned) : NULL;
}
