/* SPDX-License-Identifier: Apache-2.0 */
/* facts-test.c: protocols that plugins declare, from the file to the decision. */
#include "policy.h"

#include <string.h>

static OshPolicyProtocolTable *
declared(void)
{
    static const char *const fields[] = {"name", "args:strings", "count:integer", NULL};
    OshPolicyProtocolTable *table = osh_policy_protocol_table_new();
    OshPolicyProtocolDecl *demo =
        osh_policy_protocol_table_add(table, "demo", "tcp", "com.example.demo", NULL);
    OshPolicyProtocolDecl *web =
        osh_policy_protocol_table_add(table, "demo-http", "http", "com.example.demo", NULL);
    const struct {
        const char *name;
        const char *type;
        const char *separator;
    } facts[] = {{"demo.command", "string", NULL},   {"demo.key", "strings", ":"},
                 {"demo.database", "integer", NULL}, {"demo.readonly", "boolean", NULL},
                 {"demo.user", "string", NULL},      {"demo.mode", "string", NULL}};
    static const char *const modes[] = {"read", "write", "admin:all", NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++)
        g_assert_true(osh_policy_protocol_add_fact(demo, facts[i].name, facts[i].type,
                                                   strcmp(facts[i].name, "demo.user") == 0,
                                                   facts[i].separator, NULL, NULL));
    g_assert_true(
        osh_policy_protocol_add_fact(demo, "demo.calls", "records", FALSE, NULL, fields, NULL));
    g_assert_true(
        osh_policy_protocol_add_fact(demo, "demo.log", "records", FALSE, NULL, fields, NULL));
    g_assert_true(osh_policy_protocol_declare_values(demo, "demo.mode", modes, NULL));
    g_assert_true(
        osh_policy_protocol_add_fact(web, "demo-http.verb", "string", FALSE, NULL, NULL, NULL));
    return table;
}

static OshPolicySnapshot *
load(const char *endpoint, guint flags, char **ret_messages)
{
    g_autoptr(OshPolicyProtocolTable) table = declared();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *text =
        g_strdup_printf("version: 1\nnetwork_policies:\n  p:\n    endpoints:\n      - %s\n"
                        "    binaries: [{ path: /b }]\n",
                        endpoint);
    OshPolicySnapshot *policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = table,
                                                                        .text = text,
                                                                        .length = strlen(text),
                                                                        .file_name = "p.yaml",
                                                                        .generation = 1,
                                                                        .flags = flags},
                                                diagnostics);

    *ret_messages = osh_policy_diagnostics_format(diagnostics);
    return policy;
}

#define DEMO(rest) "{ host: a.test, port: 1, protocol: demo, enforcement: enforce, " rest " }"
#define IN         ": error: network_policies.p.endpoints[0]"

/* --- What the loader says ------------------------------------------------------------------------
 */

static const struct {
    const char *sentence;
    const char *endpoint;
    const char *messages; /* behind the place; "" loads */
} loads[] = {
    {"short and full names are the same fact",
     DEMO("rules: [{ allow: { command: GET, demo.key: \"a:*\" } }]"), ""},
    {"numbers and booleans may stand unquoted",
     DEMO("rules: [{ allow: { database: 3, readonly: true } }]"), ""},
    {"access full is every message", DEMO("access: full"), ""},
    {"records name their fields", DEMO("rules: [{ allow: { calls: { name: { any: [a, b] } } } }]"),
     ""},
    {"an HTTP carrier has paths",
     "{ host: a.test, port: 1, path: /x, protocol: demo-http, enforcement: enforce, access: full }",
     ""},
    {"an undeclared fact is named with the nearest one",
     DEMO("rules: [{ allow: { comand: GET } }]"),
     IN ".rules[0].allow: protocol demo states no fact 'comand' (did you mean "
        "'command'?)\n"},
    {"a fact of OpenShell's rules is none of a plugin's",
     DEMO("rules: [{ allow: { method: GET } }]"),
     IN ".rules[0].allow: protocol demo states no fact 'method' (known here: command, "
        "key, database, readonly, user, mode, calls, log)\n"},
    {"a fact is named once", DEMO("rules: [{ allow: { command: GET, demo.command: SET } }]"),
     IN ".rules[0].allow.demo.command: demo.command is named twice in this rule\n"},
    {"an unknown field is named", DEMO("rules: [{ allow: { calls: { nam: x } } }]"),
     IN ".rules[0].allow.calls: unknown field 'nam' of demo.calls (did you mean "
        "'name'?)\n"},
    {"records are not a glob", DEMO("rules: [{ allow: { calls: x } }]"),
     IN ".rules[0].allow.calls: demo.calls is a list of records: name their fields (write "
        "calls: { FIELD: glob })\n"},
    {"a number that can never match is an error", DEMO("rules: [{ allow: { database: \"007\" } }]"),
     IN ".rules[0].allow.database: '007' can never match (numbers are compared as plain "
        "decimal text, like 42 or -1)\n"},
    {"a boolean is true or false", DEMO("rules: [{ allow: { readonly: yes } }]"),
     IN ".rules[0].allow.readonly: expected true or false, found 'yes'\n"},
    {"a string is not a number", DEMO("rules: [{ allow: { command: 5 } }]"),
     IN ".rules[0].allow.command: expected a string, found an integer (put it in "
        "quotes)\n"},
    {"a broken glob is an error", DEMO("rules: [{ allow: { command: \"[a\" } }]"),
     IN ".rules[0].allow.command: an unclosed '[' in '[a'\n"},
    {"an empty any is an error", DEMO("rules: [{ allow: { command: { any: [] } } }]"),
     IN ".rules[0].allow.command.any: any must list at least one glob\n"},
    {"a number has a least and a largest value",
     DEMO("rules: [{ allow: { database: { min: -1, max: 9223372036854775807 } } }]"), ""},
    {"one limit is enough", DEMO("access: full, deny_rules: [{ database: { min: 100 } }]"), ""},
    {"a field of a record has limits", DEMO("rules: [{ allow: { calls: { count: { max: 3 } } } }]"),
     ""},
    {"limits that no number fits are an error",
     DEMO("rules: [{ allow: { database: { min: 5, max: 4 } } }]"),
     IN ".rules[0].allow.database: min 5 is more than max 4: no number can match\n"},
    {"a limit is not text", DEMO("rules: [{ allow: { database: { max: \"5\" } } }]"),
     IN ".rules[0].allow.database.max: expected a whole number, found a string\n"},
    {"a limit is a whole number", DEMO("rules: [{ allow: { database: { max: 1.5 } } }]"),
     IN ".rules[0].allow.database.max: expected a whole number, found a number\n"},
    {"a limit is written in decimal", DEMO("rules: [{ allow: { database: { max: 0x10 } } }]"),
     IN ".rules[0].allow.database.max: '0x10' is no limit (write it in plain decimal, like 42 or "
        "-1, within 64 bits)\n"},
    {"a limit fits into 64 bits",
     DEMO("rules: [{ allow: { database: { max: 9223372036854775808 } } }]"),
     IN ".rules[0].allow.database.max: '9223372036854775808' is no limit (write it in plain "
        "decimal, like 42 or -1, within 64 bits)\n"},
    {"a misspelt limit is named", DEMO("rules: [{ allow: { database: { min: 1, mx: 4 } } }]"),
     IN ".rules[0].allow.database.mx: unknown key 'mx' (did you mean 'max'?)\n"},
    {"limits stand beside no list", DEMO("rules: [{ allow: { database: { any: [1], max: 4 } } }]"),
     IN ".rules[0].allow.database.any: any cannot stand beside min and max\n"},
    {"text has no limits", DEMO("rules: [{ allow: { command: { max: 4 } } }]"),
     IN ".rules[0].allow.command.max: max is for facts that are whole numbers, and this one is "
        "not\n"},
    {"a list of texts has no limits", DEMO("rules: [{ allow: { key: { min: 1 } } }]"),
     IN ".rules[0].allow.key.min: min is for facts that are whole numbers, and this one is not\n"},
    {"a number is no list", DEMO("rules: [{ allow: { database: [1] } }]"),
     IN ".rules[0].allow.database: expected a number, a glob, {any: [globs]} or {min: N, max: N}, "
        "found a list\n"},
    {"a value of the vocabulary may be named", DEMO("rules: [{ allow: { mode: read } }]"), ""},
    {"a glob that matches a value of the vocabulary may be named",
     DEMO("rules: [{ allow: { mode: { any: [\"admin:*\", \"*\"] } } }]"), ""},
    {"a value outside the vocabulary is an error with the nearest one",
     DEMO("rules: [{ allow: { mode: wirte } }]"),
     IN
     ".rules[0].allow.mode: 'wirte' is no value that the fact can have (did you mean 'write'?)\n"},
    {"a value unlike any of the vocabulary gets the list of them",
     DEMO("access: full, deny_rules: [{ mode: { any: [read, DELETE] } }]"),
     IN
     ".deny_rules[0].mode.any[1]: 'DELETE' is no value that the fact can have (known here: read, "
     "write, admin:all)\n"},
    {"a glob that matches nothing of the vocabulary is an error",
     DEMO("rules: [{ allow: { mode: \"r?\" } }]"),
     IN ".rules[0].allow.mode: 'r?' matches no value that the fact can have (known here: read, "
        "write, admin:all)\n"},
    {"an allow rule without facts is an error", DEMO("rules: [{ allow: {} }]"),
     IN ".rules[0].allow: this allow rule names no fact of protocol demo (name facts; for "
        "every message write access: full)\n"},
    {"a deny rule without facts is an error", DEMO("access: full, deny_rules: [{}]"),
     IN ".deny_rules[0]: this deny rule names no fact of protocol demo (name facts; for "
        "every message write access: full)\n"},
    {"presets mean nothing to a plugin", DEMO("access: read-only"),
     IN ".access: access: read-only means nothing for protocol demo (list rules about its "
        "facts, or write access: full)\n"},
    {"what is about HTTP is refused over TCP", DEMO("access: full, path: /x"),
     IN ".path: path is about HTTP, and protocol demo is carried by tcp\n"},
    {"an unknown protocol names those of plugins",
     "{ host: a.test, port: 1, protocol: smtp, enforcement: enforce, access: full }",
     IN ".protocol: unknown protocol 'smtp' (known: tcp, rest, websocket, graphql, sql, "
        "json-rpc, mcp, and by plugins: demo, demo-http)\n"},
    {"a misspelt protocol of a plugin is found",
     "{ host: a.test, port: 1, protocol: demo-htp, enforcement: enforce, access: full }",
     IN ".protocol: unknown protocol 'demo-htp' (did you mean 'demo-http'?)\n"},
};

static void
test_load(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autofree char *messages = NULL;
    g_autoptr(OshPolicySnapshot) policy = load(loads[row].endpoint, 0, &messages);

    if (policy == NULL)
        g_assert_true(g_str_has_prefix(messages, "p.yaml:5:"));
    g_assert_cmpstr(policy != NULL ? messages : strstr(messages, ": error"), ==,
                    loads[row].messages);
    g_assert_cmpint(policy != NULL, ==, *loads[row].messages == '\0');
}

static void
test_not_enforced(void)
{
    g_autofree char *messages = NULL;

    g_assert_null(load(DEMO("access: full"), OSH_POLICY_LOAD_ENFORCEABLE, &messages));
    g_assert_nonnull(strstr(messages, "protocol demo is not enforced yet"));
}

static void
test_disabled_plugin(void)
{
    const char text[] = "version: 1\nnetwork_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                        "protocol: x, enforcement: enforce, access: full }], binaries: [{ path: "
                        "/b }] } }\n";
    g_autoptr(OshPolicyProtocolTable) table = osh_policy_protocol_table_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *messages = NULL;

    osh_policy_protocol_table_add(table, "x", "tcp", "com.example.x", NULL)->unusable =
        g_strdup("it is disabled");
    g_assert_null(osh_policy_load(
        &(OshPolicyLoadRequest){.protocols = table,
                                .text = text,
                                .length = strlen(text),
                                .file_name = "p.yaml",
                                .generation = 1,
                                .flags = OSH_POLICY_LOAD_ENFORCEABLE | OSH_POLICY_ENFORCES_PLUGINS},
        diagnostics));
    messages = osh_policy_diagnostics_format(diagnostics);
    g_assert_nonnull(strstr(messages, "com.example.x, which is not used: it is disabled"));
}

static void
test_declarations(void)
{
    static const struct {
        const char *fact;
        const char *values[3];
        const char *problem;
    } vocabularies[] = {
        {"p.other", {"a"}, "not declared"},
        {"p.n", {"1"}, "only a string or strings"},
        {"p.s", {NULL}, "at least one value"},
        {"p.s", {"a", "a"}, "named twice"},
    };
    g_autoptr(OshPolicyProtocolTable) table = declared();
    g_autoptr(GError) error = NULL;
    OshPolicyProtocolDecl *protocol;

    g_assert_null(osh_policy_protocol_table_add(table, "demo", "tcp", "other", &error));
    g_assert_nonnull(strstr(error->message, "already declared by plugin com.example.demo"));
    g_clear_error(&error);
    protocol = osh_policy_protocol_table_add(table, "p", "tcp", "other", NULL);
    g_assert_false(osh_policy_protocol_add_fact(protocol, "process.binary", "string", FALSE, NULL,
                                                NULL, &error));
    g_clear_error(&error);
    g_assert_true(osh_policy_protocol_add_fact(protocol, "p.s", "string", FALSE, NULL, NULL, NULL));
    g_assert_true(
        osh_policy_protocol_add_fact(protocol, "p.n", "integer", FALSE, NULL, NULL, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(vocabularies); i++) {
        g_assert_false(osh_policy_protocol_declare_values(protocol, vocabularies[i].fact,
                                                          vocabularies[i].values, &error));
        g_assert_nonnull(strstr(error->message, vocabularies[i].problem));
        g_clear_error(&error);
    }
    /* a short name that another fact has belongs to that one */
    g_assert_true(osh_policy_protocol_add_fact(protocol, "p.a", "string", FALSE, NULL, NULL, NULL));
    g_assert_cmpstr(osh_policy_protocol_find_fact(protocol, "a")->name, ==, "p.a");
    g_assert_true(osh_policy_protocol_add_fact(protocol, "a", "integer", FALSE, NULL, NULL, NULL));
    g_assert_cmpstr(osh_policy_protocol_find_fact(protocol, "a")->name, ==, "a");
}

/* --- What is decided ----------------------------------------------------------------------------
 */

typedef struct {
    const char *name; /* of the call; NULL: the field is absent */
    const char *args[3];
    gint64 count;
} Call;

typedef struct {
    const char *sentence;
    const char *rules;
    const char *command;
    const char *keys[4];
    gint64 database; /* -1: absent */
    gint readonly;   /* -1: absent */
    Call calls[3];   /* ends at a call without args[0] and name */
    const char *protocol;
    OshPolicyAction action;
    const char *reason; /* what it contains */
} Row;

#define ABSENT .database = -1, .readonly = -1

static const Row rows[] = {
    {"a glob without separator crosses everything", "rules: [{ allow: { command: \"G*\" } }]",
     "GET a.b/c:d", .action = OSH_POLICY_ALLOW, ABSENT},
    {"a declared separator stops a star", "rules: [{ allow: { key: \"user:*\" } }]",
     .keys = {"user:1:x"}, .action = OSH_POLICY_DENY, ABSENT, .reason = "differs in key"},
    {"every value of a list has to be allowed", "rules: [{ allow: { key: \"user:*\" } }]",
     .keys = {"user:1", "user:2", "admin:1"}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "demo message not permitted by policy: key=[user:1, user:2, admin:1]"},
    {"a list whose values all match is allowed", "rules: [{ allow: { key: \"user:*\" } }]",
     .keys = {"user:1", "user:2"}, .action = OSH_POLICY_ALLOW, ABSENT},
    {"one value of a list is enough to deny", "access: full, deny_rules: [{ key: \"admin:*\" }]",
     .keys = {"user:1", "admin:1"}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "demo message blocked by deny rule 'key=admin:*': key=[user:1, admin:1]"},
    {"an empty list is allowed by no rule about it", "rules: [{ allow: { key: \"**\" } }]", "PING",
     .keys = {""}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "differs in key, which is an empty list"},
    {"an empty list is denied by no rule about it",
     "access: full, deny_rules: [{ key: \"admin:*\" }]", "PING", .keys = {""},
     .action = OSH_POLICY_ALLOW, ABSENT},
    {"an absent fact is allowed by no rule", "rules: [{ allow: { command: \"*\", key: \"**\" } }]",
     "PING", .action = OSH_POLICY_DENY, ABSENT, .reason = "differs in key, which is absent"},
    {"an absent fact is denied by every rule", "access: full, deny_rules: [{ key: \"admin:*\" }]",
     "PING", .action = OSH_POLICY_DENY, ABSENT, .reason = "blocked by deny rule"},
    {"every fact of a rule has to match", "rules: [{ allow: { command: GET, database: 3 } }]",
     "GET", .database = 4, .readonly = -1, .action = OSH_POLICY_DENY,
     .reason = "database=4; the nearest rule 'command=GET database=3' differs in database"},
    {"an integer is compared as decimal text",
     "rules: [{ allow: { database: { any: [3, \"1?\"] } } }]", .database = 12, .readonly = -1,
     .action = OSH_POLICY_ALLOW},
    {"a number at its largest value is allowed",
     "rules: [{ allow: { database: { min: 3, max: 12 } } }]", .database = 12, .readonly = -1,
     .action = OSH_POLICY_ALLOW},
    {"a number at its least value is allowed",
     "rules: [{ allow: { database: { min: 3, max: 12 } } }]", .database = 3, .readonly = -1,
     .action = OSH_POLICY_ALLOW},
    {"a number above its largest value is allowed by no rule",
     "rules: [{ allow: { database: { min: 3, max: 12 } } }]", .database = 13, .readonly = -1,
     .action = OSH_POLICY_DENY,
     .reason = "database=13; the nearest rule 'database=3..12' differs in database"},
    {"a number below its least value is allowed by no rule",
     "rules: [{ allow: { database: { min: 3 } } }]", .database = 2, .readonly = -1,
     .action = OSH_POLICY_DENY, .reason = "the nearest rule 'database>=3' differs in database"},
    {"a number within the limits of a deny rule is denied",
     "access: full, deny_rules: [{ database: { max: 12 } }]", .database = 12, .readonly = -1,
     .action = OSH_POLICY_DENY, .reason = "blocked by deny rule 'database<=12'"},
    {"a number outside the limits of a deny rule is not denied",
     "access: full, deny_rules: [{ database: { max: 12 } }]", .database = 13, .readonly = -1,
     .action = OSH_POLICY_ALLOW},
    {"an absent number is within no limits of an allow rule",
     "rules: [{ allow: { database: { min: -9223372036854775808 } } }]", "PING",
     .action = OSH_POLICY_DENY, ABSENT, .reason = "differs in database, which is absent"},
    {"an absent number is denied by every limit",
     "access: full, deny_rules: [{ database: { min: 100 } }]", "PING", .action = OSH_POLICY_DENY,
     ABSENT, .reason = "blocked by deny rule 'database>=100'"},
    {"each record has to be within the limits",
     "rules: [{ allow: { calls: { count: { max: 3 } } } }]",
     .calls = {{"a", {"x"}, 3}, {"b", {"x"}, 4}}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "the nearest rule 'calls.count<=3' differs in calls"},
    {"records within the limits are allowed",
     "rules: [{ allow: { calls: { count: { max: 3 } } } }]",
     .calls = {{"a", {"x"}, 3}, {"b", {"x"}, -4}}, .action = OSH_POLICY_ALLOW, ABSENT},
    {"a boolean is compared as true or false", "rules: [{ allow: { readonly: true } }]",
     .database = -1, .readonly = 1, .action = OSH_POLICY_ALLOW},
    {"false is not true", "rules: [{ allow: { readonly: true } }]", .database = -1, .readonly = 0,
     .action = OSH_POLICY_DENY, .reason = "readonly=false"},
    {"deny beats allow",
     "rules: [{ allow: { command: \"*\" } }], deny_rules: [{ command: FLUSH* }]", "FLUSHALL",
     .action = OSH_POLICY_DENY, ABSENT, .reason = "blocked by deny rule 'command=FLUSH*'"},
    {"full allows a message that states something", "access: full", "ANY",
     .action = OSH_POLICY_ALLOW, ABSENT},
    {"full allows a message that the driver says is one", "access: full", .protocol = "demo",
     .action = OSH_POLICY_ALLOW, ABSENT},
    {"full allows no message of another protocol", "access: full", "GET", .protocol = "rest",
     .action = OSH_POLICY_DENY, ABSENT},
    {"each record may be allowed by another rule",
     "rules: [{ allow: { calls: { name: a } } }, { allow: { calls: { name: b } } }]",
     .calls = {{"a", {"x"}, 0}, {"b", {"x"}, 0}}, .action = OSH_POLICY_ALLOW, ABSENT},
    {"one record that no rule allows denies all",
     "rules: [{ allow: { calls: { name: a } } }, { allow: { calls: { name: b } } }]",
     .calls = {{"a", {"x"}, 0}, {"c", {"x"}, 0}}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "calls=(2 records)"},
    {"the fields of a rule are about the same record",
     "access: full, deny_rules: [{ calls: { name: a, args: \"rm*\" } }]",
     .calls = {{"a", {"ls"}, 0}, {"b", {"rm -rf"}, 0}}, .action = OSH_POLICY_ALLOW, ABSENT},
    {"any record that a deny rule matches denies",
     "access: full, deny_rules: [{ calls: { name: a, args: \"rm*\" } }]",
     .calls = {{"b", {"ls"}, 0}, {"a", {"ls", "rm -rf"}, 0}}, .action = OSH_POLICY_DENY, ABSENT,
     .reason = "blocked by deny rule 'calls.name=a calls.args=rm*'"},
    {"an absent field is allowed by no rule", "rules: [{ allow: { calls: { name: \"*\" } } }]",
     .calls = {{NULL, {"x"}, 0}}, .action = OSH_POLICY_DENY, ABSENT},
    {"an absent field is denied by every rule",
     "access: full, deny_rules: [{ calls: { name: secret } }]", .calls = {{NULL, {"x"}, 0}},
     .action = OSH_POLICY_DENY, ABSENT},
    {"a NUL in a value cannot be judged", "rules: [{ allow: { command: \"*\" } }]", "NUL",
     .action = OSH_POLICY_ERROR, ABSENT, .reason = "policy evaluation failed"},
};

static guint
add_calls(const Row *row, OshFactRecord *records, OshFact (*fields)[3], OshSpan (*args)[3])
{
    guint length = 0;

    for (; length < 3 && (row->calls[length].name != NULL || row->calls[length].args[0] != NULL);
         length++) {
        const Call *call = &row->calls[length];
        guint n_fields = 0;
        guint n_args = 0;

        for (; n_args < 3 && call->args[n_args] != NULL; n_args++)
            args[length][n_args] = osh_span(call->args[n_args]);
        if (call->name != NULL)
            fields[length][n_fields++] =
                (OshFact)OSH_FACT_STRING_INIT("name", osh_span(call->name));
        fields[length][n_fields++] = (OshFact)OSH_FACT_STRINGS_INIT("args", args[length], n_args);
        fields[length][n_fields++] = (OshFact)OSH_FACT_INTEGER_INIT("count", call->count);
        records[length] = (OshFactRecord){fields[length], n_fields};
    }
    return length;
}

static void
ask(const OshPolicySnapshot *policy, const Row *row, OshPolicyVerdict *ret_verdict)
{
    OshFactRecord records[3];
    OshFact fields[3][3];
    OshSpan args[3][3];
    OshSpan keys[4];
    guint n_keys = 0;
    OshFact facts[10] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
    };
    OshFacts all = {facts, 3};

    if (row->protocol != NULL)
        facts[all.n_facts++] =
            (OshFact)OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PROTOCOL, osh_span(row->protocol));
    if (row->command != NULL)
        facts[all.n_facts++] = (OshFact)OSH_FACT_STRING_INIT(
            "demo.command",
            strcmp(row->command, "NUL") == 0 ? ((OshSpan){"a\0b", 3}) : osh_span(row->command));
    for (; n_keys < 4 && row->keys[n_keys] != NULL && row->keys[n_keys][0] != '\0'; n_keys++)
        keys[n_keys] = osh_span(row->keys[n_keys]);
    if (row->keys[0] != NULL)
        facts[all.n_facts++] = (OshFact)OSH_FACT_STRINGS_INIT("demo.key", keys, n_keys);
    if (row->database >= 0)
        facts[all.n_facts++] = (OshFact)OSH_FACT_INTEGER_INIT("demo.database", row->database);
    if (row->readonly >= 0)
        facts[all.n_facts++] = (OshFact)OSH_FACT_BOOLEAN_INIT("demo.readonly", row->readonly);
    if (row->calls[0].name != NULL || row->calls[0].args[0] != NULL)
        facts[all.n_facts++] = (OshFact)OSH_FACT_RECORDS_INIT(
            "demo.calls", records, add_calls(row, records, fields, args));
    osh_policy_decide(policy, &all, ret_verdict);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *endpoint = g_strdup_printf(
        "{ host: a.test, port: 1, protocol: demo, enforcement: enforce, %s }", row->rules);
    g_autofree char *messages = NULL;
    g_autoptr(OshPolicySnapshot) policy = load(endpoint, 0, &messages);
    g_auto(OshPolicyVerdict) verdict;

    g_assert_cmpstr(messages, ==, "");
    ask(policy, row, &verdict);
    g_test_message("%s", verdict.reason != NULL ? verdict.reason : "allowed");
    g_assert_cmpint(verdict.action, ==, row->action);
    g_assert_cmpint(verdict.hard, ==, row->action == OSH_POLICY_ERROR);
    if (row->reason != NULL && strstr(verdict.reason, row->reason) == NULL)
        g_error("'%s' is missing in '%s'", row->reason, verdict.reason);
}

static void
decide(const char *rules, const OshFact *facts, gsize n_facts, OshPolicyVerdict *ret_verdict)
{
    g_autofree char *endpoint = g_strdup_printf(
        "{ host: a.test, port: 1, protocol: demo, enforcement: enforce, %s }", rules);
    g_autofree char *messages = NULL;
    g_autoptr(OshPolicySnapshot) policy = load(endpoint, 0, &messages);
    OshFact all[8] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, OSH_SPAN_LITERAL("/b")),
    };

    g_assert_cmpstr(messages, ==, "");
    for (gsize i = 0; i < n_facts; i++)
        all[3 + i] = facts[i];
    osh_policy_decide(policy, &(OshFacts){all, 3 + n_facts}, ret_verdict);
    /* what is borrowed goes with the snapshot */
    ret_verdict->rule = NULL;
}

static void
test_wrong_facts(void)
{
    const OshFact wrong_type[] = {OSH_FACT_INTEGER_INIT("demo.command", 1)};
    const OshFact twice[] = {OSH_FACT_STRING_INIT("demo.command", OSH_SPAN_LITERAL("GET")),
                             OSH_FACT_STRING_INIT("demo.command", OSH_SPAN_LITERAL("SET"))};
    const OshFact unknown[] = {OSH_FACT_STRING_INIT("demo.other", OSH_SPAN_LITERAL("GET"))};
    OshPolicyVerdict verdict;

    decide("access: full", wrong_type, 1, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ERROR);
    g_assert_true(verdict.hard);
    osh_policy_verdict_clear(&verdict);
    decide("access: full", twice, 2, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ERROR);
    osh_policy_verdict_clear(&verdict);
    /* no declared fact was stated, and no driver said that the message is of the protocol */
    decide("access: full", unknown, 1, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    osh_policy_verdict_clear(&verdict);
}

static void
test_two_lists_of_records(void)
{
    const OshFact a[] = {OSH_FACT_STRING_INIT("name", OSH_SPAN_LITERAL("a"))};
    const OshFact b[] = {OSH_FACT_STRING_INIT("name", OSH_SPAN_LITERAL("b"))};
    const OshFactRecord both[] = {{a, 1}, {b, 1}};
    const OshFact facts[] = {OSH_FACT_RECORDS_INIT("demo.calls", both, 2),
                             OSH_FACT_RECORDS_INIT("demo.log", both, 2)};
    OshPolicyVerdict verdict;

    /* a list that no rule names needs no rule */
    decide("rules: [{ allow: { calls: { name: a } } }, { allow: { calls: { name: b } } }]", facts,
           2, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ALLOW);
    osh_policy_verdict_clear(&verdict);
    /* no rule allows one record of the second list */
    decide("rules: [{ allow: { calls: { name: a } } }, { allow: { calls: { name: b } } }, { allow: "
           "{ log: { name: a } } }]",
           facts, 2, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    osh_policy_verdict_clear(&verdict);
}

/* A name of the schema means what OpenShell means by it, whatever a plugin declares. */
static void
test_schema_name(void)
{
    const char text[] = "version: 1\nnetwork_policies: { p: { endpoints: [{ host: a.test, port: 1, "
                        "protocol: rest, enforcement: enforce, rules: [{ allow: { method: GET, "
                        "path: /x } }] }], binaries: [{ path: /b }] } }\n";
    g_autoptr(OshPolicyProtocolTable) table = osh_policy_protocol_table_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = NULL;

    osh_policy_protocol_table_add(table, "rest", "tcp", "com.example.x", NULL);
    policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = table,
                                                     .text = text,
                                                     .length = strlen(text),
                                                     .file_name = "p.yaml",
                                                     .generation = 1},
                             diagnostics);
    g_assert_nonnull(policy);
    g_assert_cmpint(osh_policy_endpoint(policy, 0)->protocol, ==, OSH_POLICY_PROTOCOL_REST);
}

static void
test_sensitive(void)
{
    const OshFact facts[] = {OSH_FACT_STRING_INIT("demo.command", OSH_SPAN_LITERAL("A\nB")),
                             OSH_FACT_STRING_INIT("demo.user", OSH_SPAN_LITERAL("hunter2"))};
    OshPolicyVerdict verdict;

    decide("rules: [{ allow: { user: root } }]", facts, 2, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_DENY);
    g_assert_null(strstr(verdict.reason, "hunter2"));
    g_assert_nonnull(strstr(verdict.reason, "command=A\\x0aB user=(sensitive)"));
    osh_policy_verdict_clear(&verdict);
}

static void
test_connection(void)
{
    OshPolicyVerdict verdict;

    decide("rules: [{ allow: { command: GET } }]", NULL, 0, &verdict);
    g_assert_cmpint(verdict.action, ==, OSH_POLICY_ALLOW);
    osh_policy_verdict_clear(&verdict);
}

static void
test_ambiguity(void)
{
    static const struct {
        const char *beside; /* the protocol demo, over TCP */
        gboolean loads;
    } cases[] = {
        {"{ host: a.test, port: 1 }", TRUE},
        {"{ host: a.test, port: 2, protocol: rest, enforcement: enforce, access: full }", TRUE},
        {"{ host: a.test, port: 1, protocol: demo, enforcement: enforce, access: full }", TRUE},
        {"{ host: a.test, port: 1, protocol: tcp }", FALSE},
        {"{ host: a.test, port: 1, path: /x, protocol: rest, enforcement: enforce, access: full }",
         FALSE},
        {"{ host: a.test, port: 1, protocol: demo-http, enforcement: enforce, access: full }",
         FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *endpoints =
            g_strdup_printf("%s\n      - %s", DEMO("access: full"), cases[i].beside);
        g_autofree char *messages = NULL;
        g_autoptr(OshPolicySnapshot) policy = load(endpoints, 0, &messages);

        g_test_message("%s%s", cases[i].beside, messages);
        g_assert_cmpint(policy != NULL, ==, cases[i].loads);
        if (!cases[i].loads)
            g_assert_nonnull(strstr(messages, "ambiguous"));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(loads); i++) {
        g_autofree char *path = g_strdup_printf("/facts/load/%s", loads[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_load);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/facts/decide/%s", rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/facts/a run refuses what nothing drives yet", test_not_enforced);
    g_test_add_func("/facts/a run refuses the protocol of a disabled plugin", test_disabled_plugin);
    g_test_add_func("/facts/the first declaration stays and the host's own facts are not for sale",
                    test_declarations);
    g_test_add_func("/facts/a fact of the wrong type or given twice is a hard denial",
                    test_wrong_facts);
    g_test_add_func("/facts/lists of records are judged one by one", test_two_lists_of_records);
    g_test_add_func("/facts/a plugin cannot take a name of the schema", test_schema_name);
    g_test_add_func("/facts/a reason escapes values and leaves out sensitive ones", test_sensitive);
    g_test_add_func("/facts/a connection is decided without facts", test_connection);
    g_test_add_func("/facts/endpoints are told apart by the protocol's name and carrier",
                    test_ambiguity);
    return g_test_run();
}
