/* SPDX-License-Identifier: Apache-2.0 */
/* writer-test.c: what a draft writes, and that it reads back as itself. */
#include "draft.h"

#include <string.h>

static char **directories;

static OshDraft *
read_draft(const char *text)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicyProtocolTable) protocols = osh_policy_protocol_table_new();
    OshDraft *draft;

    osh_policy_protocol_add_fact(
        osh_policy_protocol_table_add(protocols, "demo", "tcp", "com.example.demo", NULL),
        "demo.bytes", "integer", FALSE, NULL, NULL, NULL);
    draft = osh_draft_read(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "p.yaml", .protocols = protocols},
        diagnostics);
    if (draft == NULL)
        g_test_message("%s", osh_policy_diagnostics_format(diagnostics));
    g_assert_nonnull(draft);
    return draft;
}

static char *
write_draft(const OshDraft *draft)
{
    g_autoptr(GError) error = NULL;
    char *text = osh_draft_write(draft, &error);

    g_assert_no_error(error);
    return text;
}

/* As a person wrote it, and as it comes out. */
static const struct {
    const char *sentence;
    const char *text;
    const char *written;
} rows[] = {
    {"keys in the order of the guide",
     "network_policies:\n  p:\n    binaries: [{path: /b}]\n    endpoints:\n      - port: 443\n"
     "        host: a.test\nprocess: {run_as_user: sandbox}\nversion: 1\n",
     "version: 1\n"
     "process:\n"
     "  run_as_user: sandbox\n"
     "network_policies:\n"
     "  p:\n"
     "    endpoints:\n"
     "    - host: a.test\n"
     "      port: 443\n"
     "    binaries:\n"
     "    - path: /b\n"},
    {"rules on one line, globs quoted only where YAML asks for it",
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n      - host: '*.a.test'\n"
     "        ports: [443, 80]\n        protocol: rest\n        enforcement: enforce\n"
     "        rules:\n          - allow:\n              path: '/v1/**'\n              method: GET\n"
     "          - allow:\n              method: '*'\n              path: '/a\\*'\n"
     "        deny_rules:\n          - path: '/{a,b}'\n            method: POST\n"
     "            query: {x: {any: [1.0x, y]}}\n    binaries: [{path: /b}]\n",
     "version: 1\n"
     "network_policies:\n"
     "  p:\n"
     "    endpoints:\n"
     "    - host: \"*.a.test\"\n"
     "      ports: [443, 80]\n"
     "      protocol: rest\n"
     "      enforcement: enforce\n"
     "      rules:\n"
     "      - allow: {method: GET, path: /v1/**}\n"
     "      - allow: {method: \"*\", path: '/a\\*'}\n"
     "      deny_rules:\n"
     "      - {method: POST, path: \"/{a,b}\", query: {x: {any: [\"1.0x\", \"y\"]}}}\n"
     "    binaries:\n"
     "    - path: /b\n"},
    {"numbers and truths as they are, words that look like them in quotes",
     "version: 0x1\nprocess: {run_as_user: \"1000\", run_as_group: \"1000\"}\n"
     "filesystem_policy: {include_workdir: True, read_only: [/usr, /lib]}\n"
     "network_policies:\n  \"null\": {name: \"yes\"}\n  \"1\": {name: \"1e3\"}\n",
     "version: 1\n"
     "filesystem_policy:\n"
     "  include_workdir: true\n"
     "  read_only: [/usr, /lib]\n"
     "process:\n"
     "  run_as_user: \"1000\"\n"
     "  run_as_group: \"1000\"\n"
     "network_policies:\n"
     "  \"null\":\n"
     "    name: \"yes\"\n"
     "  \"1\":\n"
     "    name: \"1e3\"\n"},
    {"nothing that could move a terminal",
     "version: 1\nnetwork_policies:\n  p: {name: \"b\xc3\xbc \xe2\x80\xae\"}\n",
     "version: 1\nnetwork_policies:\n  p:\n    name: \"b\\xFC \\u202E\"\n"},
    {"addresses and networks without quotes",
     "version: 1\nnetwork_policies:\n  p:\n    endpoints: [{host: 10.0.0.1, port: 1, allowed_ips: "
     "['10.0.0.0/24', '10.0.1.2', 'fd00::/16']}]\n    binaries: [{path: /b, harness: true}]\n",
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n"
     "    - host: 10.0.0.1\n      port: 1\n"
     "      allowed_ips: [10.0.0.0/24, 10.0.1.2, \"fd00::/16\"]\n"
     "    binaries:\n    - path: /b\n"},
    {"a present section stays present",
     "version: 1\nfilesystem_policy: {}\nnetwork_policies:\n  p: {}\n",
     "version: 1\nfilesystem_policy: {}\nnetwork_policies:\n  p: {}\n"},
    {"a binary is a mapping, however it is written",
     "version: 1\nnetwork_policies:\n  p: {endpoints: [{host: a.test, port: 1}], binaries: [/b, "
     "{path: /c}]}\n",
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - host: a.test\n      port: 1\n"
     "    binaries:\n    - path: /b\n    - path: /c\n"},
    {"the configuration of a middleware, whatever it holds",
     "version: 1\nnetwork_middlewares:\n  m:\n    middleware: x\n    endpoints: {include: "
     "[a.test]}\n"
     "    on_error: fail_open\n    config: {a: , b: ~, c: -1.50, d: \"-1\", e: [{f: g}]}\n",
     "version: 1\nnetwork_middlewares:\n  m:\n    middleware: x\n    on_error: fail_open\n"
     "    endpoints:\n      include: [a.test]\n    config:\n      a: null\n      b: null\n"
     "      c: -1.50\n      d: \"-1\"\n      e:\n      - {f: g}\n"},
    {"limits of a plugin's fact as numbers, the smaller one first",
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n      - host: a.test\n"
     "        port: 1\n        protocol: demo\n        enforcement: enforce\n"
     "        rules: [{allow: {bytes: {max: 1048576, min: -16}}}, {allow: {bytes: 5}}]\n"
     "        deny_rules: [{bytes: {max: 0}}]\n    binaries: [{path: /b}]\n",
     "version: 1\n"
     "network_policies:\n"
     "  p:\n"
     "    endpoints:\n"
     "    - host: a.test\n"
     "      port: 1\n"
     "      protocol: demo\n"
     "      enforcement: enforce\n"
     "      rules:\n"
     "      - allow: {bytes: {min: -16, max: 1048576}}\n"
     "      - allow: {bytes: 5}\n"
     "      deny_rules:\n"
     "      - {bytes: {max: 0}}\n"
     "    binaries:\n"
     "    - path: /b\n"},
};

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshDraft) draft = read_draft(rows[row].text);
    g_autofree char *written = write_draft(draft);
    g_autoptr(OshDraft) again = NULL;

    g_assert_cmpstr(written, ==, rows[row].written);
    again = read_draft(written);
    g_assert_true(osh_draft_equal(draft, again));
}

static void
check_file(const char *path)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft = osh_draft_read(&(OshPolicyLoadRequest){.path = path}, diagnostics);
    g_autoptr(OshDraft) again = NULL;
    g_autofree char *written = NULL;
    g_autofree char *twice = NULL;

    if (draft == NULL)
        return; /* the corpus has broken ones too */
    written = write_draft(draft);
    again = read_draft(written);
    if (!osh_draft_equal(draft, again))
        g_error("%s does not read back as itself", path);
    twice = write_draft(again);
    g_assert_cmpstr(written, ==, twice);
}

static void
test_files(void)
{
    guint n_files = 0;

    for (guint i = 0; directories[i] != NULL; i++) {
        g_autoptr(GDir) directory = g_dir_open(directories[i], 0, NULL);
        const char *name;

        g_assert_nonnull(directory);
        while ((name = g_dir_read_name(directory)) != NULL) {
            g_autofree char *path = g_build_filename(directories[i], name, NULL);

            check_file(path);
            n_files++;
        }
    }
    g_assert_cmpuint(n_files, >, 40);
}

/* Every string of these pieces, as a value and as a key. */
static void
test_every_string(void)
{
    static const char *const pieces[] = {
        "",
        "a",
        "y",
        "null",
        "1",
        "0x1",
        ":",
        "#",
        "-",
        "?",
        " ",
        "'",
        "\"",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "{",
        "]",
        "\\",
        "\xc3\xa9",
        ".",
        "~",
        "=",
        "<<",
        "_",
        "0",
        "e1",
        "true",
        "Off",
        "1:30",
        "+",
        "/",
        "\xe2\x80\xa8",
        "$",
        ";",
        "()",
        "...",
        "--",
        "no",
        "2001-01-01",
        "\xf0\x9f\x98\x80",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(OshDraft) draft = osh_draft_new();
        OshValue *policies = osh_value_ensure_mapping(osh_draft_root(draft), "network_policies");
        g_autoptr(OshDraft) again = NULL;
        g_autofree char *written = NULL;

        for (gsize k = 0; k < G_N_ELEMENTS(pieces); k++) {
            for (gsize m = 0; m < G_N_ELEMENTS(pieces); m++) {
                g_autofree char *text = g_strconcat(pieces[i], pieces[k], pieces[m], NULL);
                OshValue *policy = osh_value_mapping();

                osh_value_set_text(policy, "name", text);
                if (osh_value_find(policies, text) == NULL)
                    osh_value_set(policies, text, policy);
                else
                    osh_value_free(policy);
            }
        }
        written = write_draft(draft); /* compares already */
        again = read_draft(written);
        g_assert_true(osh_draft_equal(draft, again));
    }
}

static void
test_unwritable(void)
{
    static const char *const texts[] = {"a\nb", "a\x1b[31m", "\xff\xfe"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(OshDraft) draft = osh_draft_new();
        g_autoptr(GError) error = NULL;

        osh_value_set_text(osh_draft_add_policy(draft, "p"), "name", texts[i]);
        g_assert_null(osh_draft_write(draft, &error));
        g_assert_true(g_str_has_prefix(error->message, "a value cannot be written as YAML: "));
    }
}

static void
test_builders(void)
{
    g_autoptr(OshDraft) draft = osh_draft_new();
    OshValue *policy = osh_draft_add_policy(draft, "api");
    OshValue *endpoint = osh_draft_add_endpoint(policy, "api.example.com", 443);
    g_autofree char *written = NULL;

    osh_value_set_text(endpoint, "protocol", "rest");
    osh_value_set_text(endpoint, "enforcement", "enforce");
    osh_draft_add_rule(endpoint, "GET", "/v1/**");
    osh_draft_add_deny_rule(endpoint, "GET", "/v1/secret");
    osh_draft_add_binary(policy, "/usr/bin/curl");
    osh_draft_add_binary(policy, "/usr/bin/curl");
    written = write_draft(draft);
    g_assert_cmpstr(written, ==,
                    "version: 1\nnetwork_policies:\n  api:\n    endpoints:\n"
                    "    - host: api.example.com\n      port: 443\n      protocol: rest\n"
                    "      enforcement: enforce\n      rules:\n"
                    "      - allow: {method: GET, path: /v1/**}\n      deny_rules:\n"
                    "      - {method: GET, path: /v1/secret}\n    binaries:\n"
                    "    - path: /usr/bin/curl\n");
}

static void
test_ports(void)
{
    g_autoptr(OshDraft) draft = read_draft(
        "version: 1\nnetwork_policies:\n  p:\n    endpoints: [{host: a.test, port: 1, ports: [443, "
        "80, 443]}, {host: b.test, port: 9}]\n    binaries: [{path: /b}]\n");
    OshValue *endpoints = osh_draft_endpoints(osh_draft_policy(draft, "p"));
    OshValue *first = osh_value_item(endpoints, 0);
    g_autoptr(GArray) many = osh_draft_ports(first);
    g_autoptr(GArray) one = osh_draft_ports(osh_value_item(endpoints, 1));

    g_assert_cmpuint(many->len, ==, 2);
    g_assert_cmpuint(g_array_index(many, guint16, 0), ==, 80);
    g_assert_cmpuint(g_array_index(many, guint16, 1), ==, 443);
    osh_draft_set_ports(first, one);
    g_assert_cmpuint(osh_value_find_integer(first, "port", 0), ==, 9);
    g_assert_null(osh_value_find(first, "ports"));
    osh_draft_set_ports(first, many);
    g_assert_null(osh_value_find(first, "port"));
    g_assert_cmpuint(osh_value_length(osh_value_find(first, "ports")), ==, 2);
}

static void
test_copy(void)
{
    g_autoptr(OshDraft) draft = osh_draft_new();
    OshValue *endpoint = osh_draft_add_endpoint(osh_draft_add_policy(draft, "p"), "a.test", 443);
    g_autoptr(OshDraft) copy = NULL;
    OshValue *copied;

    osh_value_set_proposed(endpoint, TRUE);
    copy = osh_draft_copy(draft);
    g_assert_true(osh_draft_equal(draft, copy));
    copied = osh_value_item(osh_draft_endpoints(osh_draft_policy(copy, "p")), 0);
    g_assert_true(osh_value_is_proposed(copied));
    osh_value_set_text(copied, "host", "b.test");
    g_assert_cmpstr(osh_value_find_text(endpoint, "host"), ==, "a.test");
    g_assert_false(osh_draft_equal(draft, copy));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directories = argv + 1;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/writer/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/writer/every policy file reads back as itself", test_files);
    g_test_add_func("/writer/every string reads back as itself", test_every_string);
    g_test_add_func("/writer/what a policy may not hold is not written", test_unwritable);
    g_test_add_func("/draft/a policy is built from nothing", test_builders);
    g_test_add_func("/draft/ports are read and written either way", test_ports);
    g_test_add_func("/draft/a copy shares nothing and keeps the marks", test_copy);
    return g_test_run();
}
