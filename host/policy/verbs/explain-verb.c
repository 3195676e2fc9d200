/* SPDX-License-Identifier: Apache-2.0 */
/* explain-verb.c: `explain`: the command line of osh_policy_explain(). Main thread. */
#include "explain.h"
#include "program-path.h"
#include "verb-words.h"
#include "verbs.h"

#include "osh-destination.h"

#include <stdio.h>
#include <string.h>

#define EXPLAIN_FLAGS (OSH_POLICY_RESOLVE_LINKS | OSH_POLICY_CHECK_PROGRAMS)
#define USAGE         "explain POLICY [METHOD] URL --binary PATH [--ancestor PATH]... (see --help)"

typedef struct {
    gboolean json;
    gboolean websocket_text;
    char *binary;
    GStrv ancestors;
    GStrv addresses;
    GStrv operations;
    char *rpc_method;
    char *mcp_version;
    char *mcp_tool;
    GStrv mcp_arguments;
    char *sql;
    GStrv facts;
    GStrv directories;
    GStrv words;
} Options;

static void
options_clear(Options *options)
{
    g_free(options->binary);
    g_strfreev(options->ancestors);
    g_strfreev(options->addresses);
    g_strfreev(options->operations);
    g_free(options->rpc_method);
    g_free(options->mcp_version);
    g_free(options->mcp_tool);
    g_strfreev(options->mcp_arguments);
    g_free(options->sql);
    g_strfreev(options->facts);
    g_strfreev(options->directories);
    g_strfreev(options->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* As a connection is judged: by the file that runs. What is not here is taken as it is written. */
static void
resolve_program(char **path, GPtrArray *notes)
{
    g_auto(OshProgramPath) program = {0};
    char *note;

    if (*path == NULL || !osh_program_path_find(*path, &program))
        return;
    note = osh_program_path_note(*path, &program);
    if (note == NULL)
        return;
    g_ptr_array_add(notes, note);
    g_free(*path);
    *path = g_strdup(program.path);
}

/* Binaries of what came close that stand for no process here. */
static void
note_binaries(OshPolicyExplanation *explanation, OshPolicyDiagnostics *diagnostics)
{
    for (guint i = 0; i < explanation->near->len; i++) {
        const OshPolicyNear *near = g_ptr_array_index(explanation->near, i);
        g_autofree char *place =
            g_strdup_printf("network_policies.%s.binaries[", near->endpoint->policy_name);

        for (guint k = 0; k < osh_policy_diagnostics_length(diagnostics); k++) {
            const OshPolicyDiagnostic *warning = osh_policy_diagnostics_get(diagnostics, k);
            g_autofree char *text = NULL;

            if (warning->path == NULL || !g_str_has_prefix(warning->path, place) ||
                warning->suggestion == NULL)
                continue;
            text = g_strdup_printf("line %u: %s; %s", warning->line, warning->message,
                                   warning->suggestion);
            if (!g_ptr_array_find_with_equal_func(explanation->notes, text, g_str_equal, NULL))
                g_ptr_array_add(explanation->notes, g_steal_pointer(&text));
        }
    }
}

static OshPolicyAsk
ask_of(const Options *options, guint n_words)
{
    return (OshPolicyAsk){
        .method = options->websocket_text ? "WEBSOCKET_TEXT"
                  : n_words == 3          ? options->words[1]
                                          : NULL,
        .target = options->words[n_words - 1],
        .binary = options->binary,
        .ancestors = (const char *const *)options->ancestors,
        .addresses = (const char *const *)options->addresses,
        .operations = (const char *const *)options->operations,
        .rpc_method = options->rpc_method,
        .mcp_version = options->mcp_version,
        .mcp_tool = options->mcp_tool,
        .mcp_arguments = (const char *const *)options->mcp_arguments,
        .sql_command = options->sql,
        .facts = (const char *const *)options->facts,
    };
}

static int
explain_words(Options *options, guint n_words, OshPolicyProtocolTable *protocols)
{
    const char *file = options->words[0];
    gboolean from_stdin = strcmp(file, "-") == 0;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(GString) text = osh_policy_read_file(from_stdin ? NULL : file, diagnostics);
    g_autoptr(OshPolicySnapshot) policy =
        text != NULL
            ? osh_policy_load(
                  &(OshPolicyLoadRequest){.protocols = protocols,
                                          .text = text->str,
                                          .length = text->len,
                                          .file_name = from_stdin ? "(standard input)" : file,
                                          .generation = 1,
                                          .flags = EXPLAIN_FLAGS},
                  diagnostics)
            : NULL;
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    OshPolicyAsk ask;
    g_auto(OshPolicyExplanation) explanation = {0};
    g_autofree char *answer = NULL;
    g_autoptr(GError) error = NULL;

    resolve_program(&options->binary, notes);
    for (gsize i = 0; options->ancestors != NULL && options->ancestors[i] != NULL; i++)
        resolve_program(&options->ancestors[i], notes);
    ask = ask_of(options, n_words);
    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        fputs(messages, stderr);
        return OSH_VERB_ASKED_WRONGLY;
    }
    if (!osh_policy_explain(policy, text, &ask, &explanation, &error))
        return osh_verb_usage("explain", error->message, USAGE);
    for (guint i = 0; i < notes->len; i++)
        g_ptr_array_add(explanation.notes, g_strdup(g_ptr_array_index(notes, i)));
    note_binaries(&explanation, diagnostics);
    answer = options->json ? osh_policy_explanation_json(&explanation, policy)
                           : osh_policy_explanation_text(&explanation, policy);
    fputs(answer, stdout);
    if (options->json)
        fputc('\n', stdout);
    return explanation.allowed ? 0 : 1;
}

static const char *
wrong_use(const Options *options, guint n_words)
{
    struct in6_addr address;

    if (n_words < 2 || n_words > 3)
        return "name a policy and a URL";
    if (options->binary == NULL)
        return "name the process with --binary";
    if (options->binary[0] != '/')
        return "--binary needs the full path of the program";
    for (gsize i = 0; options->ancestors != NULL && options->ancestors[i] != NULL; i++)
        if (options->ancestors[i][0] != '/')
            return "--ancestor needs the full path of the program";
    if (options->websocket_text && n_words == 3)
        return "--websocket-text is a method of its own";
    for (gsize i = 0; options->addresses != NULL && options->addresses[i] != NULL; i++)
        if (!osh_address_mapped_parse(options->addresses[i], &address))
            return "--address needs an IP address";
    return NULL;
}

int
osh_verb_explain(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    g_auto(Options) options = {0};
    const GOptionEntry entries[] = {
        {"binary", 0, 0, G_OPTION_ARG_FILENAME, &options.binary, "Executable of the process",
         "PATH"},
        {"ancestor", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.ancestors,
         "Executable of a parent, nearest first; repeatable", "PATH"},
        {"address", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.addresses,
         "An address that the host resolves to; repeatable", "IP"},
        {"graphql-operation", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.operations,
         "A GraphQL operation; repeatable", "TYPE[:NAME[:FIELD,FIELD]]"},
        {"rpc-method", 0, 0, G_OPTION_ARG_STRING, &options.rpc_method,
         "Method of a JSON-RPC or MCP call", "METHOD"},
        {"mcp-version", 0, 0, G_OPTION_ARG_STRING, &options.mcp_version,
         "Revision of MCP of the request", "DATE"},
        {"mcp-tool", 0, 0, G_OPTION_ARG_STRING, &options.mcp_tool, "Tool of an MCP call", "NAME"},
        {"mcp-argument", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.mcp_arguments,
         "Argument of the tool, its name a dotted path; repeatable", "NAME=VALUE"},
        {"websocket-text", 0, 0, G_OPTION_ARG_NONE, &options.websocket_text,
         "A text message of an open WebSocket", NULL},
        {"sql", 0, 0, G_OPTION_ARG_STRING, &options.sql, "A SQL command", "COMMAND"},
        {"fact", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.facts,
         "A fact of a plugin's protocol; each use adds to a list, [] is the empty list, a record "
         "is {FIELD: VALUE}; "
         "repeatable",
         "NAME=VALUE"},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.directories,
         "Folder of plugins whose protocols the policy names; repeatable", "DIR"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "One JSON object", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.words, NULL,
         "POLICY [METHOD] URL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;
    const char *problem;
    guint n_words;

    if (!osh_verb_parse("explain", "- what a policy decides, why, and what would change it",
                        "URL is https://HOST[:PORT][/PATH[?QUERY]] (also http, wss, ws) or "
                        "HOST:PORT; POLICY may be -.\n"
                        "Exit code 0 when allowed, 1 when denied, 125 for a usage error or the "
                        "policy does not load.",
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    n_words = options.words != NULL ? g_strv_length(options.words) : 0;
    problem = wrong_use(&options, n_words);
    if (problem != NULL)
        return osh_verb_usage("explain", problem, USAGE);
    protocols = find_protocols((const char *const *)options.directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("explain", error->message, NULL);
    return explain_words(&options, n_words, protocols);
}
