/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-policy-explain.c: any bytes as a policy, some of whose protocols a plugin brings, and its
 * last comment as the URL that is asked about.
 *
 * An explanation must answer as the engine does, print nothing that a terminal obeys, and suggest
 * nothing but printable ASCII.
 */
#include "explain.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static OshPolicyProtocolTable *
declared(void)
{
    static const char *const fields[] = {"name", "args:strings", NULL};
    static const char *const commands[] = {"GET", "SET", NULL};
    OshPolicyProtocolTable *table = osh_policy_protocol_table_new();
    OshPolicyProtocolDecl *demo = osh_policy_protocol_table_add(table, "demo", "tcp", "x", NULL);

    osh_policy_protocol_add_fact(demo, "demo.command", "string", FALSE, NULL, NULL, NULL);
    osh_policy_protocol_declare_values(demo, "demo.command", commands, NULL);
    osh_policy_protocol_add_fact(demo, "demo.key", "strings", FALSE, ":", NULL, NULL);
    osh_policy_protocol_add_fact(demo, "demo.database", "integer", TRUE, NULL, NULL, NULL);
    osh_policy_protocol_add_fact(demo, "demo.calls", "records", FALSE, NULL, fields, NULL);
    return table;
}

static void
check_printable(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        abort();
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        if (*p != '\n' && !g_unichar_isprint(g_utf8_get_char(p)))
            abort();
}

static void
explain(const OshPolicySnapshot *policy, const GString *text, const OshPolicyAsk *ask)
{
    g_auto(OshPolicyExplanation) explanation = {0};
    g_autofree char *words = NULL;
    g_autofree char *json = NULL;

    if (!osh_policy_explain(policy, text, ask, &explanation, NULL))
        return;
    if (explanation.allowed != (explanation.reason == NULL))
        abort();
    if (explanation.allowed && explanation.change_yaml != NULL)
        abort();
    words = osh_policy_explanation_text(&explanation, policy);
    check_printable(words);
    json = osh_policy_explanation_json(&explanation, policy);
    for (const char *p = json; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            abort();
    for (const char *p = explanation.change_yaml; p != NULL && *p != '\0'; p++)
        if (*p != '\n' && !g_ascii_isprint(*p))
            abort();
}

static void
ask_all(const OshPolicySnapshot *policy, const GString *text, const char *target)
{
    static const char *const operations[] = {"query:Get:viewer,a.b", NULL};
    static const char *const arguments[] = {"path=/w/*", "a.b=1", NULL};
    static const char *const facts[] = {"command=GET", "key=a:b", "key=c", "calls={name: x}", NULL};
    static const char *const addresses[] = {"10.0.0.1", NULL};
    const OshPolicyAsk asks[] = {
        {.target = target, .binary = "/usr/bin/gh"},
        {.target = target, .binary = "/b", .method = "POST", .addresses = addresses},
        {.target = target, .binary = "/b", .operations = operations},
        {.target = target, .binary = "/b", .mcp_tool = "read", .mcp_arguments = arguments},
        {.target = target, .binary = "/b", .rpc_method = "tasks/get", .mcp_version = "2025-06-18"},
        {.target = target, .binary = "/b", .facts = facts},
        {.target = target, .binary = "/b", .sql_command = "SELECT"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(asks); i++)
        explain(policy, text, &asks[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(OshPolicyProtocolTable) table = declared();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = g_string_new_len((const char *)data, (gssize)size);
    const char *comment = g_strrstr(text->str, "\n# ");
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.protocols = table,
                                                .text = text->str,
                                                .length = text->len,
                                                .file_name = "fuzz.yaml",
                                                .generation = 1,
                                                .flags = OSH_POLICY_LOAD_OPENSHELL},
                        diagnostics);

    if (policy == NULL)
        policy = osh_policy_load(&(OshPolicyLoadRequest){.protocols = table,
                                                         .text = text->str,
                                                         .length = text->len,
                                                         .file_name = "fuzz.yaml",
                                                         .generation = 1},
                                 diagnostics);
    if (policy != NULL) {
        g_autofree char *target = comment != NULL
                                      ? g_strndup(comment + 3, strcspn(comment + 3, "\n"))
                                      : g_strdup("https://api.github.com/a/../b?c=d");

        ask_all(policy, text, target);
    }
    return 0;
}
