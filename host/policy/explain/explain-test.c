/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain-test.c: what `explain` says, word for word.
 *
 * testdata/explanations.txt holds questions as they are typed and the whole answer, so that a
 * person can read what they would be told.
 */
#include "explain.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *table;

static OshPolicyProtocolTable *
find_protocols(const char *const *directories, GError **error)
{
    static const char *const fields[] = {"name", "args:strings", "count:integer", NULL};
    static const char *const commands[] = {"GET", "SET", "DEL", NULL};
    OshPolicyProtocolTable *protocols = osh_policy_protocol_table_new();
    OshPolicyProtocolDecl *demo =
        osh_policy_protocol_table_add(protocols, "demo", "tcp", "com.example.demo", error);

    (void)directories;
    osh_policy_protocol_add_fact(demo, "demo.command", "string", FALSE, NULL, NULL, error);
    osh_policy_protocol_declare_values(demo, "demo.command", commands, error);
    osh_policy_protocol_add_fact(demo, "demo.key", "strings", FALSE, ":", NULL, error);
    osh_policy_protocol_add_fact(demo, "demo.database", "integer", FALSE, NULL, NULL, error);
    osh_policy_protocol_add_fact(demo, "demo.readonly", "boolean", FALSE, NULL, NULL, error);
    osh_policy_protocol_add_fact(demo, "demo.user", "string", TRUE, NULL, NULL, error);
    osh_policy_protocol_add_fact(demo, "demo.calls", "records", FALSE, NULL, fields, error);
    return protocols;
}

/* What the verb writes to @stream, and then its exit code. */
static char *
run_verb(int argc, char **argv)
{
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    int file = g_file_open_tmp("osh-explain-XXXXXX", &path, NULL);
    int out = dup(STDOUT_FILENO);
    int err = dup(STDERR_FILENO);
    int code;

    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    code = osh_verb_explain(argc, argv, find_protocols);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(file);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    return g_strdup_printf("%sexit code %d\n", text, code);
}

static void
test_row(gconstpointer data)
{
    g_auto(GStrv) lines = g_strsplit(data, "\n", 3);
    g_auto(GStrv) words = NULL;
    g_autofree char *line = g_strdup_printf("explain explained.yaml %s", lines[1]);
    g_autofree char *answer = NULL;
    int argc;

    g_assert_true(g_shell_parse_argv(line, &argc, &words, NULL));
    answer = run_verb(argc, words);
    g_assert_cmpstr(answer, ==, lines[2]);
}

static OshPolicySnapshot *
load(GString *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

    g_string_assign(text, "version: 1\nnetwork_policies:\n  p:\n    endpoints: [{ host: a.test, "
                          "port: 443 }]\n    binaries: [{ path: /b }]\n");
    return osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text->str, .length = text->len, .file_name = "p.yaml", .generation = 1},
        diagnostics);
}

/* Values that are no host, binary, method or path of a kind that YAML or a glob could not twist. */
static void
test_odd_values(void)
{
    static const struct {
        const char *method;
        const char *target;
        const char *binary;
    } odd[] = {
        {NULL, "other.test:443", "/usr/bin/a\"b"},
        {NULL, "other.test:443", "relative"},
        {NULL, "other.test:443", "/usr/bin/*"},
        {NULL, "other.test:443", "/a\nb"},
        {NULL, "other.test:443", "/usr/bin/[a]"},
        {NULL, "oth\"er.test:443", "/b"},
        {NULL, "*.test:443", "/b"},
        {NULL, "a..test:443", "/b"},
        {NULL, "other.test\n  x: y:443", "/b"},
        {"G T", "https://other.test/x", "/b"},
        {"GET, path: \"/**\"", "https://other.test/x", "/b"},
    };
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(OshPolicySnapshot) policy = load(text);

    for (gsize i = 0; i < G_N_ELEMENTS(odd); i++) {
        const OshPolicyAsk ask = {
            .method = odd[i].method, .target = odd[i].target, .binary = odd[i].binary};
        g_auto(OshPolicyExplanation) explanation = {0};

        g_assert_true(osh_policy_explain(policy, text, &ask, &explanation, NULL));
        g_assert_false(explanation.allowed);
        g_test_message("%s", odd[i].target);
        g_assert_null(explanation.change_yaml);
    }
}

/* A path is a literal in the suggested rule, whatever it looks like as a glob. */
static void
test_literal_path(void)
{
    const OshPolicyAsk ask = {
        .method = "GET", .target = "https://other.test/a*/{x}", .binary = "/b"};
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(OshPolicySnapshot) policy = load(text);
    g_auto(OshPolicyExplanation) explanation = {0};

    g_assert_true(osh_policy_explain(policy, text, &ask, &explanation, NULL));
    g_assert_nonnull(strstr(explanation.change_yaml, "/a\\*/%7Bx%7D"));
}

static void
test_wrong_targets(void)
{
    static const char *const targets[] = {"example.com", "https://", "https://a.test:0/",
                                          "https://u@a.test/", "https://[::1/"};
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(OshPolicySnapshot) policy = load(text);

    for (gsize i = 0; i < G_N_ELEMENTS(targets); i++) {
        const OshPolicyAsk ask = {.target = targets[i], .binary = "/b"};
        g_autoptr(GError) error = NULL;
        OshPolicyExplanation explanation = {0};

        g_assert_false(osh_policy_explain(policy, text, &ask, &explanation, &error));
        g_assert_nonnull(error);
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = NULL;
    g_auto(GStrv) rows = NULL;

    g_test_init(&argc, &argv, NULL);
    if (argc < 2 || !g_file_get_contents(argv[1], &table, NULL, &error))
        g_error("no table: %s", error != NULL ? error->message : "name it as the argument");
    directory = g_path_get_dirname(argv[1]);
    g_assert_cmpint(chdir(directory), ==, 0);
    rows = g_strsplit(table, "=== ", -1);
    for (guint i = 1; rows[i] != NULL; i++) {
        g_autofree char *sentence = g_strndup(rows[i], strcspn(rows[i], "\n"));
        g_autofree char *path = g_strdup_printf("/explain/%s", sentence);

        g_test_add_data_func(path, rows[i], test_row);
    }
    g_assert_cmpuint(g_strv_length(rows), >, 30);
    g_free(table);
    g_test_add_func("/explain/nothing is suggested from odd values", test_odd_values);
    g_test_add_func("/explain/a suggested path is a literal", test_literal_path);
    g_test_add_func("/explain/a question that cannot be understood is an error",
                    test_wrong_targets);
    return g_test_run();
}
