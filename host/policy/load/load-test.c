/* SPDX-License-Identifier: Apache-2.0 */
/* load-test.c: what the loader refuses and how it says so. */
#include "policy.h"

#include <string.h>
#include <unistd.h>

#define POLICY(endpoint)                                                                           \
    "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n      - " endpoint                       \
    "\n    binaries: [{ path: /b }]\n"

static const struct {
    const char *sentence;
    const char *text;
    guint flags;
    const char *messages; /* the whole output */
} broken[] = {
    {"yaml", "version: [\n", 0,
     "p.yaml:2:1: error: not valid YAML: did not find expected node content\n"},
    {"empty", "", 0, "p.yaml:1:1: error: the policy is empty\n"},
    {"no mapping", "- 1\n", 0, "p.yaml:1:1: error: a policy is a mapping, found a list\n"},
    {"anchor", "version: &a 1\n", 0,
     "p.yaml:1:10: error: YAML anchors are not allowed in a policy\n"},
    {"alias", "version: *a\n", 0, "p.yaml:1:10: error: YAML aliases are not allowed in a policy\n"},
    {"tag", "version: !!int 1\n", 0, "p.yaml:1:10: error: YAML tags are not allowed in a policy\n"},
    {"duplicate key", "version: 1\nversion: 1\n", 0,
     "p.yaml:2:1: error: duplicate key 'version' (first used on line 1)\n"},
    {"two documents", "version: 1\n---\nversion: 1\n", 0,
     "p.yaml:2:1: error: a policy is a single YAML document\n"},
    {"no version", "landlock: {}\n", 0,
     "p.yaml:1:1: error: missing key 'version' (begin with version: 1)\n"},
    {"misspelt key", "version: 1\nnetwork_polices: {}\n", 0,
     "p.yaml:2:1: error: network_polices: unknown key 'network_polices' (did you mean "
     "'network_policies'?)\n"},
    {"misspelt endpoint key", POLICY("{ hots: a.test, port: 1 }"), 0,
     "p.yaml:5:9: error: network_policies.p.endpoints[0]: endpoint host must not be empty unless "
     "allowed_ips is given (name a host, or list allowed_ips)\n"
     "p.yaml:5:11: error: network_policies.p.endpoints[0].hots: unknown key 'hots' (did you mean "
     "'host'?)\n"},
    {"port too large", POLICY("{ host: a.test, port: 65536 }"), 0,
     "p.yaml:5:31: error: network_policies.p.endpoints[0].port: 65536 is more than the largest "
     "allowed 65535\n"},
    {"port as a string", POLICY("{ host: a.test, port: \"443\" }"), 0,
     "p.yaml:5:31: error: network_policies.p.endpoints[0].port: expected a whole number, found a "
     "string\n"},
    {"number as a string", "version: 1\nprocess: { run_as_user: 1000 }\n", 0,
     "p.yaml:2:25: error: process.run_as_user: expected a string, found an integer (put it in "
     "quotes)\n"},
    {"relative path", "version: 1\nfilesystem_policy: { read_only: [usr] }\n", 0,
     "p.yaml:2:34: error: filesystem_policy.read_only[0]: path 'usr' must be absolute\n"},
    {"blocked address", POLICY("{ host: a.test, port: 1, allowed_ips: [127.0.0.1] }"), 0,
     "p.yaml:5:48: error: network_policies.p.endpoints[0].allowed_ips[0]: '127.0.0.1' overlaps "
     "loopback, link-local or unspecified addresses, which are always blocked\n"},
    {"not enforced protocol",
     POLICY("{ host: a.test, port: 1, protocol: rest, access: full, "
            "enforcement: enforce }"),
     OSH_POLICY_LOAD_ENFORCEABLE,
     "p.yaml:5:44: error: network_policies.p.endpoints[0].protocol: protocol rest is not enforced "
     "yet\n"
     "p.yaml:5:58: error: network_policies.p.endpoints[0].access: access is not enforced yet\n"},
    {"not enforced rewrite", POLICY("{ host: a.test, port: 1, signing_region: x }"),
     OSH_POLICY_LOAD_ENFORCEABLE,
     "p.yaml:5:50: error: network_policies.p.endpoints[0].signing_region: signing_region is not "
     "enforced yet\n"},
};

static void
test_broken(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autofree char *messages = NULL;

    g_assert_null(osh_policy_load(&(OshPolicyLoadRequest){.text = broken[row].text,
                                                          .length = strlen(broken[row].text),
                                                          .file_name = "p.yaml",
                                                          .generation = 1,
                                                          .flags = broken[row].flags},
                                  diagnostics));
    messages = osh_policy_diagnostics_format(diagnostics);
    g_assert_cmpstr(messages, ==, broken[row].messages);
}

static void
test_static_part(void)
{
    const char text[] = "version: 1\n"
                        "filesystem_policy: { read_only: [/usr//lib/./x/], read_write: [/tmp] }\n"
                        "landlock: { compatibility: hard_requirement }\n"
                        "process: { run_as_user: sandbox, run_as_group: \"\" }\n";
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = text,
                                                .length = strlen(text),
                                                .file_name = "p.yaml",
                                                .generation = 3,
                                                .flags = OSH_POLICY_LOAD_ENFORCEABLE},
                        diagnostics);
    const OshPolicyFixed *fixed;

    g_assert_nonnull(policy);
    fixed = osh_policy_fixed(policy);
    g_assert_cmpstr(fixed->read_only[0], ==, "/usr/lib/x");
    g_assert_null(fixed->read_only[1]);
    g_assert_cmpstr(fixed->read_write[0], ==, "/tmp");
    g_assert_false(fixed->include_workdir);
    g_assert_cmpint(fixed->landlock, ==, OSH_POLICY_HARD_REQUIREMENT);
    g_assert_cmpstr(fixed->run_as_user, ==, "sandbox");
    g_assert_null(fixed->run_as_group);
    g_assert_cmpuint(osh_policy_generation(policy), ==, 3);
    g_assert_cmpuint(strlen(osh_policy_sha256(policy)), ==, 64);
}

static void
test_unreadable_files(void)
{
    static const char *const paths[] = {"/nonexistent/p.yaml", "/", "/dev/null"};

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();

        g_assert_null(osh_policy_load(&(OshPolicyLoadRequest){.path = paths[i], .generation = 1},
                                      diagnostics));
        g_assert_cmpuint(osh_policy_diagnostics_n_errors(diagnostics), ==, 1);
    }
}

static gboolean
allows(const OshPolicySnapshot *policy, const char *binary)
{
    OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_NETWORK_HOST, OSH_SPAN_LITERAL("a.test")),
        OSH_FACT_INTEGER_INIT(OSH_FACT_NETWORK_PORT, 1),
        OSH_FACT_STRING_INIT(OSH_FACT_PROCESS_BINARY, osh_span(binary)),
    };
    OshFacts all = {facts, G_N_ELEMENTS(facts)};
    g_auto(OshPolicyVerdict) verdict;

    osh_policy_decide(policy, &all, &verdict);
    return verdict.action == OSH_POLICY_ALLOW;
}

static void
test_links_of_binaries(void)
{
    g_autofree char *directory = g_dir_make_tmp("osh-policy-XXXXXX", NULL);
    g_autofree char *tool = g_build_filename(directory, "tool1.2", NULL);
    g_autofree char *middle = g_build_filename(directory, "tool1", NULL);
    g_autofree char *name = g_build_filename(directory, "tool", NULL);
    g_autofree char *loop = g_build_filename(directory, "loop", NULL);
    g_autofree char *text = g_strdup_printf("version: 1\nnetwork_policies: { p: { endpoints: [{ "
                                            "host: a.test, port: 1 }], binaries: [{ path: %s }, { "
                                            "path: %s }] } }\n",
                                            name, loop);

    g_assert_true(g_file_set_contents(tool, "", 0, NULL));
    g_assert_cmpint(symlink("tool1.2", middle), ==, 0);
    g_assert_cmpint(symlink(middle, name), ==, 0);
    g_assert_cmpint(symlink("loop", loop), ==, 0);
    for (guint resolve = 0; resolve < 2; resolve++) {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
        g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
            &(OshPolicyLoadRequest){.text = text,
                                    .length = strlen(text),
                                    .file_name = "p.yaml",
                                    .generation = 1,
                                    .flags = resolve == 1 ? OSH_POLICY_RESOLVE_LINKS : 0},
            diagnostics);

        g_assert_nonnull(policy);
        g_assert_true(allows(policy, name));
        g_assert_cmpint(allows(policy, tool), ==, resolve == 1);
        g_assert_false(allows(policy, middle));
    }
    unlink(name);
    unlink(middle);
    unlink(tool);
    unlink(loop);
    rmdir(directory);
}

static void
test_switched_off_options(void)
{
    const char text[] = POLICY("{ host: a.test, port: 1, allow_encoded_slash: false, tls: skip }");
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy =
        osh_policy_load(&(OshPolicyLoadRequest){.text = text,
                                                .length = strlen(text),
                                                .file_name = "p.yaml",
                                                .generation = 3,
                                                .flags = OSH_POLICY_LOAD_ENFORCEABLE},
                        diagnostics);

    g_assert_nonnull(policy);
}

static void
assert_refused(const char *text, gsize length, const char *message)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = length, .file_name = "p.yaml", .generation = 1},
        diagnostics);
    g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

    g_assert_null(policy);
    g_assert_cmpstr(messages, ==, message);
}

/* OpenShell reads UTF-8 alone; an editor may still write a byte order mark. */
static void
test_encodings(void)
{
    static const char wide[] = "\xff\xfev\0e\0r\0s\0i\0o\0n\0:\0 \0"
                               "1\0\n";
    static const char marked[] = "\xef\xbb\xbfversion: 1\n";
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = marked, .length = strlen(marked), .file_name = "p.yaml", .generation = 1},
        diagnostics);

    g_assert_nonnull(policy);
    assert_refused(wide, sizeof(wide), "p.yaml:1:1: error: not valid UTF-8\n");
}

static void
test_place_of_bad_bytes(void)
{
    static const char control[] = "version: 1\n# \xc3\xa4\xc3\xb6 \x1b[31m\n";
    static const char octet[] = "version: 1\n\nname: \xc3(\n";

    assert_refused(control, strlen(control),
                   "p.yaml:2:6: error: not valid YAML: control characters are not allowed\n");
    assert_refused(octet, strlen(octet), "p.yaml:3:7: error: not valid UTF-8\n");
}

/* Every second one differs, and no path says by its text that it cannot meet another. */
static char *
many_paths(guint length)
{
    GString *text = g_string_new("version: 1\nnetwork_policies:\n  p:\n    endpoints:\n");

    for (guint i = 0; i < length; i++)
        g_string_append_printf(text,
                               "      - { host: a.test, port: 1, protocol: rest, access: full, "
                               "enforcement: %s, path: \"/%06u*x\" }\n",
                               i % 2 ? "enforce" : "audit", i);
    g_string_append(text, "    binaries: [{ path: /b }]\n");
    return g_string_free(text, FALSE);
}

static void
test_too_many_paths(void)
{
    g_autofree char *few = many_paths(500);
    g_autofree char *many = many_paths(7000);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = few, .length = strlen(few), .file_name = "few.yaml", .generation = 1},
        diagnostics);
    g_autofree char *messages = NULL;

    g_assert_nonnull(policy);
    g_assert_null(osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = many, .length = strlen(many), .file_name = "many.yaml", .generation = 1},
        diagnostics));
    messages = osh_policy_diagnostics_format(diagnostics);
    g_assert_nonnull(strstr(messages, "too many endpoints overlap to tell"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *path = g_strdup_printf("/load/broken/%s", broken[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_broken);
    }
    g_test_add_func("/load/the static part is read", test_static_part);
    g_test_add_func("/load/a file that cannot be read is an error", test_unreadable_files);
    g_test_add_func("/load/a linked binary also stands for its target", test_links_of_binaries);
    g_test_add_func("/load/an option that is off asks for nothing", test_switched_off_options);
    g_test_add_func("/load/a policy is UTF-8 and no other encoding", test_encodings);
    g_test_add_func("/load/bytes that are no text are told by line and column",
                    test_place_of_bad_bytes);
    g_test_add_func("/load/paths without number are refused, not compared for ever",
                    test_too_many_paths);
    return g_test_run();
}
