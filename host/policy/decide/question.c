/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question.c: facts to a checked question.
 *
 * Facts come from plugins and from recordings, so nothing about them is trusted: a repeated fact or
 * one of the wrong type makes the whole question undecidable, which the caller turns into a denial.
 * Allocates nothing; any thread.
 */
#include "question.h"

#include <string.h>

typedef enum {
    FACT_HOST,
    FACT_PORT,
    FACT_BINARY,
    FACT_ANCESTORS,
    FACT_CMDLINE,
    FACT_IDENTITY,
    FACT_METHOD,
    FACT_PATH,
    FACT_QUERY,
    FACT_PROTOCOL,
    FACT_COMMAND,
    FACT_OPERATIONS,
    FACT_GRAPHQL_CONTROL,
    FACT_GRAPHQL_ERROR,
    FACT_CALLS,
    FACT_RESPONSE,
    FACT_RECEIVE_STREAM,
    FACT_LISTED,
    FACT_JSONRPC_ERROR,
    FACT_MCP_VERSION,
    N_FACTS,
} FactNumber;

static const struct {
    const char *name;
    OshFactType type;
} fact_table[N_FACTS] = {
    [FACT_HOST] = {OSH_FACT_NETWORK_HOST, OSH_FACT_STRING},
    [FACT_PORT] = {OSH_FACT_NETWORK_PORT, OSH_FACT_INTEGER},
    [FACT_BINARY] = {OSH_FACT_PROCESS_BINARY, OSH_FACT_STRING},
    [FACT_ANCESTORS] = {OSH_FACT_PROCESS_ANCESTORS, OSH_FACT_STRINGS},
    [FACT_CMDLINE] = {OSH_FACT_PROCESS_CMDLINE, OSH_FACT_STRINGS},
    [FACT_IDENTITY] = {OSH_FACT_PROCESS_IDENTITY, OSH_FACT_STRING},
    [FACT_METHOD] = {OSH_FACT_REQUEST_METHOD, OSH_FACT_STRING},
    [FACT_PATH] = {OSH_FACT_REQUEST_PATH, OSH_FACT_STRING},
    [FACT_QUERY] = {OSH_FACT_REQUEST_QUERY, OSH_FACT_RECORDS},
    [FACT_PROTOCOL] = {OSH_FACT_REQUEST_PROTOCOL, OSH_FACT_STRING},
    [FACT_COMMAND] = {OSH_FACT_SQL_COMMAND, OSH_FACT_STRING},
    [FACT_OPERATIONS] = {OSH_FACT_GRAPHQL_OPERATIONS, OSH_FACT_RECORDS},
    [FACT_GRAPHQL_CONTROL] = {OSH_FACT_GRAPHQL_CONTROL, OSH_FACT_STRING},
    [FACT_GRAPHQL_ERROR] = {OSH_FACT_GRAPHQL_ERROR, OSH_FACT_STRING},
    [FACT_CALLS] = {OSH_FACT_JSONRPC_CALLS, OSH_FACT_RECORDS},
    [FACT_RESPONSE] = {OSH_FACT_JSONRPC_RESPONSE, OSH_FACT_BOOLEAN},
    [FACT_RECEIVE_STREAM] = {OSH_FACT_JSONRPC_RECEIVE_STREAM, OSH_FACT_BOOLEAN},
    [FACT_LISTED] = {OSH_FACT_JSONRPC_LISTED, OSH_FACT_BOOLEAN},
    [FACT_JSONRPC_ERROR] = {OSH_FACT_JSONRPC_ERROR, OSH_FACT_STRING},
    [FACT_MCP_VERSION] = {OSH_FACT_MCP_VERSION, OSH_FACT_STRING},
};

/* First and last name to compare with, by first letter: a decision reads its facts on every use. */
static gint
fact_number(const char *name)
{
    guint from;
    guint to;

    switch (name[0]) {
    case 'n':
        from = FACT_HOST;
        to = FACT_PORT;
        break;
    case 'p':
        from = FACT_BINARY;
        to = FACT_IDENTITY;
        break;
    case 'r':
        from = FACT_METHOD;
        to = FACT_PROTOCOL;
        break;
    case 's':
        from = to = FACT_COMMAND;
        break;
    case 'g':
        from = FACT_OPERATIONS;
        to = FACT_GRAPHQL_ERROR;
        break;
    case 'j':
        from = FACT_CALLS;
        to = FACT_JSONRPC_ERROR;
        break;
    case 'm':
        from = to = FACT_MCP_VERSION;
        break;
    default:
        return -1;
    }
    for (guint i = from; i <= to; i++)
        if (strcmp(fact_table[i].name, name) == 0)
            return (gint)i;
    return -1;
}

/* What is about JSON-RPC and MCP; the revision alone says nothing about a message yet. */
static void
store_rpc(OshPolicyQuestion *question, FactNumber number, const OshFact *fact)
{
    question->has_jsonrpc |= number != FACT_MCP_VERSION;
    if (number == FACT_CALLS) {
        question->calls = fact->value.records;
        question->n_calls = fact->count;
    } else if (number == FACT_RESPONSE) {
        question->has_response = fact->value.boolean;
    } else if (number == FACT_RECEIVE_STREAM) {
        question->receive_stream = fact->value.boolean;
    } else if (number == FACT_LISTED) {
        question->is_listed = fact->value.boolean;
    } else if (number == FACT_JSONRPC_ERROR) {
        question->jsonrpc_error = fact->value.string;
        question->has_jsonrpc_error = fact->value.string.length > 0;
    } else {
        question->mcp_version =
            osh_mcp_revision_parse(fact->value.string.data, (gssize)fact->value.string.length);
        question->has_mcp_version = TRUE;
    }
}

static const char *
store(OshPolicyQuestion *question, FactNumber number, const OshFact *fact)
{
    switch (number) {
    case FACT_HOST:
        question->asked_host = fact->value.string;
        break;
    case FACT_PORT:
        if (fact->value.integer < 1 || fact->value.integer > G_MAXUINT16)
            return "network.port is not a port";
        question->port = (guint)fact->value.integer;
        break;
    case FACT_BINARY:
        question->binary = fact->value.string;
        break;
    case FACT_ANCESTORS:
        question->ancestors = fact->value.strings;
        question->n_ancestors = fact->count;
        break;
    case FACT_CMDLINE:
        question->cmdline = fact->value.strings;
        question->n_cmdline = fact->count;
        break;
    case FACT_IDENTITY:
        question->relaxed = osh_policy_span_equal_fold(fact->value.string, "relaxed");
        break;
    case FACT_METHOD:
        question->method = fact->value.string;
        break;
    case FACT_PATH:
        question->path = fact->value.string;
        question->has_path = TRUE;
        break;
    case FACT_QUERY:
        question->query = fact->value.records;
        question->n_query = fact->count;
        break;
    case FACT_PROTOCOL:
        question->protocol = fact->value.string;
        question->has_protocol = TRUE;
        break;
    case FACT_COMMAND:
        question->command = fact->value.string;
        question->has_command = TRUE;
        break;
    case FACT_OPERATIONS:
        question->operations = fact->value.records;
        question->n_operations = fact->count;
        question->has_operations = TRUE;
        question->has_graphql = TRUE;
        break;
    case FACT_GRAPHQL_CONTROL:
        question->has_graphql_control = fact->value.string.length > 0;
        question->has_graphql = TRUE;
        break;
    case FACT_GRAPHQL_ERROR:
        question->graphql_error = fact->value.string;
        question->has_graphql_error = fact->value.string.length > 0;
        question->has_graphql = TRUE;
        break;
    case FACT_CALLS:
    case FACT_RESPONSE:
    case FACT_RECEIVE_STREAM:
    case FACT_LISTED:
    case FACT_JSONRPC_ERROR:
    case FACT_MCP_VERSION:
        store_rpc(question, number, fact);
        break;
    case N_FACTS:
    default:
        break;
    }
    return NULL;
}

/* Whether the fact is about a message, not about the connection or the process. */
static gboolean
is_about_a_message(const char *name)
{
    return strncmp(name, "network.", 8) != 0 && strncmp(name, "process.", 8) != 0;
}

const char *
osh_policy_question_read(const OshFacts *facts, OshPolicyQuestion *ret_question)
{
    OshPolicyQuestion *question = ret_question;

    memset(question, 0, sizeof(*question));
    question->facts = facts->facts;
    question->n_facts = facts->n_facts;
    for (gsize i = 0; i < facts->n_facts; i++) {
        const OshFact *fact = &facts->facts[i];
        gint number = fact_number(fact->name);
        const char *problem;

        if (number < 0) {
            question->is_request |= is_about_a_message(fact->name);
            continue;
        }
        if ((question->seen >> number) & 1)
            return "a fact is given twice";
        if (fact->type != (guint32)fact_table[number].type)
            return "a fact has the wrong type";
        question->seen |= G_GUINT64_CONSTANT(1) << number;
        problem = store(question, (FactNumber)number, fact);
        if (problem != NULL)
            return problem;
    }
    if (!(question->seen & (1u << FACT_HOST)) || question->port == 0)
        return "missing network.host or network.port";
    if (!(question->seen & (1u << FACT_BINARY)) && !question->relaxed)
        return "missing process.binary";
    question->is_request |= (question->seen >> FACT_METHOD) != 0;
    if (question->asked_host.length > OSH_POLICY_MAX_HOST)
        return "the host name is too long";
    question->host_length = question->asked_host.length;
    for (gsize i = 0; i < question->host_length; i++)
        question->host[i] = g_ascii_tolower(question->asked_host.data[i]);
    return NULL;
}

const OshFact *
osh_policy_record_find(const OshFactRecord *record, const char *name, OshFactType type)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == (guint32)type && strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

gboolean
osh_policy_span_equal_fold(OshSpan span, const char *text)
{
    for (gsize i = 0; i < span.length; i++)
        if (text[i] == '\0' || g_ascii_tolower(span.data[i]) != g_ascii_tolower(text[i]))
            return FALSE;
    return text[span.length] == '\0';
}

OshPolicyAnswer
osh_policy_pattern_matches(const OshPolicyPattern *pattern, OshSpan value)
{
    if (pattern->glob == NULL)
        return OSH_POLICY_UNKNOWN;
    switch (osh_glob_match(pattern->glob, value.data, value.length)) {
    case OSH_GLOB_MATCHED:
        return OSH_POLICY_YES;
    case OSH_GLOB_DIFFERENT:
        return OSH_POLICY_NO;
    case OSH_GLOB_INVALID:
    default:
        return OSH_POLICY_UNKNOWN;
    }
}

OshPolicyAnswer
osh_policy_matcher_matches(const OshPolicyMatcher *matcher, OshSpan value)
{
    OshPolicyAnswer answer = osh_policy_fold_none(OSH_POLICY_FOLD_ANY);

    for (guint i = 0; i < matcher->n_patterns; i++)
        if (osh_policy_fold_add(OSH_POLICY_FOLD_ANY, &answer,
                                osh_policy_pattern_matches(matcher->patterns[i], value)))
            break;
    return answer;
}

OshPolicyAnswer
osh_policy_values_match(const OshPolicyMatcher *matcher, const OshSpan *values, guint length,
                        gboolean all)
{
    const OshPolicyFold fold = OSH_POLICY_FOLD_OF_VALUES(all);
    OshPolicyAnswer answer = length > 0 ? osh_policy_fold_none(fold) : OSH_POLICY_NO;

    for (guint i = 0; i < length; i++)
        if (osh_policy_fold_add(fold, &answer, osh_policy_matcher_matches(matcher, values[i])))
            break;
    return answer;
}

const OshFact *
osh_policy_query_values(const OshPolicyQuestion *question, const OshPolicyKeyMatcher *matcher)
{
    for (guint i = 0; i < question->n_query; i++) {
        const OshFact *key = osh_policy_record_find(&question->query[i], "key", OSH_FACT_STRING);

        if (key != NULL && key->value.string.length == matcher->key_length &&
            memcmp(key->value.string.data, matcher->key, matcher->key_length) == 0)
            return osh_policy_record_find(&question->query[i], "values", OSH_FACT_STRINGS);
    }
    return NULL;
}
