/* SPDX-License-Identifier: Apache-2.0 */
/* question.h: the facts of one decision, read once and checked. Private to host/policy. */
#pragma once

#include "answer.h"
#include "model.h"

#define OSH_POLICY_MAX_HOST      255
#define OSH_POLICY_CACHED_IMAGES 16

/*
 * Everything is borrowed from the caller's facts. A request fact that is absent has a NULL pointer
 * or a FALSE flag.
 */
typedef struct {
    char host[OSH_POLICY_MAX_HOST + 1]; /* lower case */
    gsize host_length;
    OshSpan asked_host; /* as given */
    guint port;
    OshSpan binary;
    const OshSpan *ancestors;
    guint n_ancestors;
    const OshSpan *cmdline;
    guint n_cmdline;
    gboolean relaxed;
    gboolean is_request;
    OshSpan method;
    OshSpan path;
    gboolean has_path;
    const OshFactRecord *query;
    guint n_query;
    OshSpan command;
    gboolean has_command;
    const OshFactRecord *operations;
    guint n_operations;
    gboolean has_operations; /* also a list of none */
    gboolean has_graphql;
    gboolean has_graphql_control; /* a text of a WebSocket that asks for no operation */
    OshSpan graphql_error;
    gboolean has_graphql_error;
    const OshFactRecord *calls;
    guint n_calls;
    gboolean has_jsonrpc;
    gboolean has_response;
    gboolean receive_stream;
    gboolean is_listed; /* a tool that nobody calls yet */
    OshSpan jsonrpc_error;
    gboolean has_jsonrpc_error;
    guint mcp_version; /* an OshMcpRevision; 0 for an unknown name */
    gboolean has_mcp_version;
    OshSpan protocol; /* of the message, as the driver states it */
    gboolean has_protocol;
    const OshFact *facts; /* all of them, those of plugins too */
    gsize n_facts;
    guint64 seen; /* which facts were given */
} OshPolicyQuestion;

/**
 * osh_policy_question_read:
 *
 * Returns: NULL, or why the facts cannot be decided upon
 */
const char *osh_policy_question_read(const OshFacts *facts, OshPolicyQuestion *ret_question);

/** osh_policy_record_find: Returns: (nullable): the fact @name of type @type in @record. */
const OshFact *osh_policy_record_find(const OshFactRecord *record, const char *name,
                                      OshFactType type);

/* Why MCP itself rules a message out, whatever the rules of an endpoint say. */
typedef enum {
    OSH_POLICY_MCP_FITS,
    OSH_POLICY_MCP_VERSION,     /* the endpoint does not accept its revision */
    OSH_POLICY_MCP_BATCH,       /* a batch, which only one revision has, or one too long */
    OSH_POLICY_MCP_RESPONSE,    /* an answer, which clients without a session do not send */
    OSH_POLICY_MCP_STREAM,      /* no POST, which is all that there is without a session */
    OSH_POLICY_MCP_METHOD,      /* its revision does not have the method */
    OSH_POLICY_MCP_SERVER_ONLY, /* only a server sends the method */
} OshPolicyMcpFit;

/* What all matching endpoints together say about a request. */
typedef struct {
    OshPolicyAnswer allowed;
    OshPolicyAnswer denied;
    const OshPolicyRule *allow_rule;
    const OshPolicyRule *deny_rule;
    const OshPolicyRule *query_rule; /* an allow rule that only the query does not match */
    guint n_unmatched_keys;          /* of its query */
    gboolean graphql_refused;     /* meant for a GraphQL endpoint, without facts about operations */
    const OshFactRecord *refused; /* the GraphQL operation that is not allowed */
    gboolean response_refused;
    OshPolicyMcpFit mcp;                      /* by the endpoint that the request is meant for */
    const OshPolicyEndpoint *judged_by_facts; /* of a plugin's protocol */
} OshPolicyRequestAnswer;

/**
 * osh_policy_request_judge: adds what @endpoint says about the request to @answer.
 * @call: (nullable): the JSON-RPC call in question
 */
void osh_policy_request_judge(const OshPolicyQuestion *question, const OshFactRecord *call,
                              const OshPolicyEndpoint *endpoint, OshPolicyRequestAnswer *answer);

/**
 * osh_policy_rule_has_method:
 *
 * Returns: whether @rule of HTTP names @method; a rule for GET names HEAD as well, and what the
 *   server says on the WebSocket that it opens
 */
gboolean osh_policy_rule_has_method(const OshPolicyRule *rule, OshSpan method);

/** osh_policy_graphql_judge: the part of it about GraphQL operations. */
void osh_policy_graphql_judge(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                              OshPolicyRequestAnswer *answer);

/** osh_policy_graphql_unregistered: Returns: TRUE when @endpoint does not know some operation. */
gboolean osh_policy_graphql_unregistered(const OshPolicyQuestion *question,
                                         const OshPolicyEndpoint *endpoint);

/** osh_policy_rpc_judge: the part of it about JSON-RPC and MCP. */
void osh_policy_rpc_judge(const OshPolicyQuestion *question, const OshFactRecord *call,
                          const OshPolicyEndpoint *endpoint, OshPolicyRequestAnswer *answer);

/**
 * osh_policy_mcp_fit:
 * @call: (nullable): the call in question
 * @endpoint: an endpoint of protocol mcp
 *
 * Returns: whether the message and this call are in a revision that @endpoint accepts, or why not
 */
OshPolicyMcpFit osh_policy_mcp_fit(const OshPolicyQuestion *question, const OshFactRecord *call,
                                   const OshPolicyEndpoint *endpoint);

/** osh_policy_mcp_rule_is_exact: Returns: TRUE when @rule names one method, without a pattern. */
gboolean osh_policy_mcp_rule_is_exact(const OshPolicyRule *rule);

/** osh_policy_call_method: Returns: the method of @call (nullable); empty when it has none. */
OshSpan osh_policy_call_method(const OshFactRecord *call);

/** osh_policy_call_tool: Returns: (nullable): the tool that @call (nullable) calls. */
const OshFact *osh_policy_call_tool(const OshFactRecord *call);

/** osh_policy_facts_judge: the part of it about facts of a plugin's protocol. */
void osh_policy_facts_judge(const OshPolicyQuestion *question, const OshPolicyEndpoint *endpoint,
                            OshPolicyRequestAnswer *answer);

/**
 * osh_policy_fact_matches:
 * @all: an allow rule asks, so every value has to match; a deny rule is content with one
 *
 * Returns: whether the fact of @matcher matches
 */
OshPolicyAnswer osh_policy_fact_matches(const OshPolicyQuestion *question,
                                        const OshPolicyFactMatcher *matcher, gboolean all);

/** osh_policy_arguments_match: Returns: whether `mcp_arguments` of @rule match those of @call. */
OshPolicyAnswer osh_policy_arguments_match(const OshPolicyRule *rule, const OshFactRecord *call,
                                           gboolean all);

/** osh_policy_entry_has_binary: Returns: whether @entry lists the exact path of number @id. */
gboolean osh_policy_entry_has_binary(const OshPolicyEntry *entry, guint32 id);

/** osh_policy_pattern_matches: Returns: whether @value matches; unknown when it cannot be told. */
OshPolicyAnswer osh_policy_pattern_matches(const OshPolicyPattern *pattern, OshSpan value);

/** osh_policy_matcher_matches: Returns: whether any glob of @matcher matches @value. */
OshPolicyAnswer osh_policy_matcher_matches(const OshPolicyMatcher *matcher, OshSpan value);

/**
 * osh_policy_values_match:
 * @values: (array length=length): of one fact
 * @all: as osh_policy_fact_matches()
 *
 * Returns: whether @matcher matches them; no values at all match neither an allow nor a deny rule
 */
OshPolicyAnswer osh_policy_values_match(const OshPolicyMatcher *matcher, const OshSpan *values,
                                        guint length, gboolean all);

/** osh_policy_note_allow: an allow rule answered @matched. */
void osh_policy_note_allow(OshPolicyRequestAnswer *answer, OshPolicyAnswer matched,
                           const OshPolicyRule *rule);

/** osh_policy_note_deny: a deny rule answered @matched. */
void osh_policy_note_deny(OshPolicyRequestAnswer *answer, OshPolicyAnswer matched,
                          const OshPolicyRule *rule);

/** osh_policy_path_selects: Returns: TRUE when @endpoint is meant for requests of @path. */
gboolean osh_policy_path_selects(const OshPolicyEndpointMatch *match, const char *pattern,
                                 OshSpan path);

/**
 * OshPolicySelectorKind: how an endpoint's path selects requests.
 * @OSH_POLICY_SELECT_ALL: every request
 * @OSH_POLICY_SELECT_BELOW: what stands before the last slash and two stars, and all below it
 * @OSH_POLICY_SELECT_GLOB: a glob in which `*` crosses slashes
 */
typedef enum {
    OSH_POLICY_SELECT_ALL,
    OSH_POLICY_SELECT_BELOW,
    OSH_POLICY_SELECT_GLOB,
} OshPolicySelectorKind;

/** osh_policy_selector_kind: Returns: how @pattern, the path of an endpoint, selects. */
OshPolicySelectorKind osh_policy_selector_kind(const char *pattern);

/** osh_policy_selector_matches: Returns: whether @pattern selects @path; compiles it anew. */
gboolean osh_policy_selector_matches(const char *pattern, OshSpan path);

/** osh_policy_span_equal_fold: Returns: TRUE when equal but for ASCII letter case. */
gboolean osh_policy_span_equal_fold(OshSpan span, const char *text);

/**
 * osh_policy_query_key_matches:
 * @all: as osh_policy_fact_matches()
 *
 * Returns: whether the values that the request has for the query key of @key match
 */
OshPolicyAnswer osh_policy_query_key_matches(const OshPolicyQuestion *question,
                                             const OshPolicyKeyMatcher *key, gboolean all);

/** osh_policy_query_values: Returns: (nullable): the values of the query key of @matcher. */
const OshFact *osh_policy_query_values(const OshPolicyQuestion *question,
                                       const OshPolicyKeyMatcher *matcher);
