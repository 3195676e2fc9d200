/* SPDX-License-Identifier: Apache-2.0 */
/* policy-verb-test.c: `policy`, as it is called from the command line. */
#include "verbs.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLICY                                                                                     \
    "network_policies:\n  p:\n    binaries: [{path: /b}]\n    endpoints: [{port: 443, host: "      \
    "a.test}]\nversion: 1\n"

#define FRAGMENT(name, host, binaries)                                                             \
    "preset: {name: " name ", description: \"what it is for\"}\nnetwork_policies:\n  " name        \
    ":\n    endpoints: [{host: " host ", port: 1}]\n    binaries: " binaries "\n"

typedef struct {
    const char *sentence;
    const char *files[9];
    const char *words[9];
    int status;
    const char *output;
    const char *complaint; /* with a `?` in it, a pattern */
} Row;

static const Row rows[] = {
    {"format writes the policy evenly",
     {"p.yaml", POLICY},
     {"format", "p.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - host: a.test\n      port: 443\n"
     "    binaries:\n    - path: /b\n",
     ""},
    {"format does not lose a comment",
     {"p.yaml", "version: 1 # why\n"},
     {"format", "p.yaml"},
     1,
     "",
     "p.yaml:1: error: a comment would be lost; --drop-comments gives them up\n"},
    {"format loses a comment when it may",
     {"p.yaml", "version: 1 # why\n"},
     {"format", "--drop-comments", "p.yaml"},
     0,
     "version: 1\n",
     ""},
    {"format refuses what does not load",
     {"p.yaml", "version: x\n"},
     {"format", "p.yaml"},
     1,
     "",
     "p.yaml:1:10: error: version: unsupported policy version: it must be the integer 1 (write "
     "version: 1)\n"},
    {"format wants one file",
     {NULL},
     {"format"},
     125,
     "",
     "policy format: name one file\nwrite: policy format [--drop-comments] [--plugin-dir DIR]... "
     "FILE\n"},
    {"merge prints the policy and says what may surprise",
     {"p.yaml", "# mine\n" POLICY, "o.yaml",
      "operations:\n  - add_rule: { rule_name: new, rule: { endpoints: [{ host: b.test, port: 1 "
      "}], "
      "binaries: [{ path: /c }] } }\n  - remove_rule: { rule_name: nobody }\n"},
     {"merge", "p.yaml", "o.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - host: a.test\n      port: 443\n"
     "    binaries:\n    - path: /b\n  new:\n    endpoints:\n    - host: b.test\n      port: 1\n"
     "    binaries:\n    - path: /c\n",
     "warning: p.yaml:1: comments are not in the result\n"
     "warning: operation 2: there is no policy 'nobody' to remove\n"},
    {"merge says when nothing changes",
     {"p.yaml", "version: 1\n", "o.yaml", "operations: [{ remove_rule: { rule_name: p } }]\n"},
     {"merge", "p.yaml", "o.yaml"},
     0,
     "version: 1\n",
     "warning: operation 1: there is no policy 'p' to remove\nwarning: nothing changes\n"},
    {"merge prints nothing when an operation cannot be done",
     {"p.yaml", POLICY, "o.yaml",
      "operations: [{ add_deny_rules: { host: a.test, port: 443, deny_rules: [{ method: GET }] } "
      "}]\n"},
     {"merge", "p.yaml", "o.yaml"},
     1,
     "",
     "error: operation 1: a.test:443 is not inspected: it has no protocol\n"},
    {"merge prints nothing that would not load",
     {"p.yaml", POLICY, "o.yaml",
      "operations: [{ add_rule: { rule_name: new, rule: { endpoints: [{ host: a.test, port: 443, "
      "tls: "
      "skip }], binaries: [{ path: /c }] } } }]\n"},
     {"merge", "p.yaml", "o.yaml"},
     1,
     "",
     "warning: policy 'new' stays apart from 'p': ?*merged policy:*error:*ambiguous*"},
    {"merge of a proposal says what a file cannot",
     {"p.yaml", "version: 1\n", "o.yaml",
      "{ \"intent_summary\": \"x\", \"operations\": [{ \"addRule\": { \"ruleName\": \"new\", "
      "\"rule\": { \"endpoints\": [{ \"host\": \"b.test\", \"port\": 1 }], \"binaries\": [{ "
      "\"path\": \"/c\" }] } } }] }\n"},
     {"merge", "--proposed", "p.yaml", "o.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  new:\n    endpoints:\n    - host: b.test\n      port: 1\n"
     "    binaries:\n    - path: /c\n",
     "warning: a policy file does not say what was proposed: to put it into force is to declare "
     "all of it, private addresses of exactly named hosts included\n"},
    {"nothing from a file moves the terminal",
     {"p.yaml", "version: 1\n", "o.yaml",
      "operations: [{ remove_rule: { rule_name: \"\\u009b31m\" } }]\n"},
     {"merge", "p.yaml", "o.yaml"},
     0,
     "version: 1\n",
     "warning: operation 1: there is no policy '\\u{9b}31m' to remove\n"
     "warning: nothing changes\n"},
    {"covers tells what is granted",
     {"p.yaml", POLICY, "o.yaml",
      "operations:\n  - add_rule: { rule_name: new, rule: { endpoints: [{ host: a.test, port: 443 "
      "}], "
      "binaries: [{ path: /b }] } }\n  - add_rule: { rule_name: more, rule: { endpoints: [{ host: "
      "a.test, port: 443 }], binaries: [{ path: /c }] } }\n"},
     {"covers", "p.yaml", "o.yaml"},
     1,
     "new: granted\nmore: not granted\n",
     ""},
    {"compose adds the layers of providers",
     {"p.yaml", POLICY, "x.yaml",
      "version: 1\nnetwork_policies:\n  any:\n    endpoints: [{ host: b.test, port: 1 }]\n    "
      "binaries: [{ path: /c }]\n"},
     {"compose", "p.yaml", "--provider", "X=x.yaml", "--provider=x=x.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - host: a.test\n      port: 443\n"
     "    binaries:\n    - path: /b\n  provider_x:\n    endpoints:\n    - host: b.test\n      "
     "port: 1\n    binaries:\n    - path: /c\n  provider_x_2:\n    endpoints:\n    - host: "
     "b.test\n      port: 1\n    binaries:\n    - path: /c\n",
     ""},
    {"compose makes a policy of a fragment alone",
     {"f.yaml", FRAGMENT("one", "b.test", "[/c, {path: /d}]")},
     {"compose", "f.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  one:\n    endpoints:\n    - host: b.test\n      port: 1\n"
     "    binaries:\n    - path: /c\n    - path: /d\n",
     ""},
    {"compose adds fragments to a policy, each part once",
     {"p.yaml", "landlock: {compatibility: hard_requirement}\n" POLICY, "f.yaml",
      FRAGMENT("one", "b.test", "[/c]"), "g.yaml", FRAGMENT("two", "c.test", "[/c]")},
     {"compose", "p.yaml", "f.yaml", "g.yaml", "f.yaml", "p.yaml"},
     0,
     "version: 1\nlandlock:\n  compatibility: hard_requirement\nnetwork_policies:\n  p:\n    "
     "endpoints:\n    - host: a.test\n      port: 443\n    binaries:\n    - path: /b\n  one:\n    "
     "endpoints:\n    - host: b.test\n      port: 1\n    binaries:\n    - path: /c\n  two:\n    "
     "endpoints:\n    - host: c.test\n      port: 1\n    binaries:\n    - path: /c\n",
     ""},
    {"compose refuses one name for two things, and says where they differ",
     {"f.yaml", FRAGMENT("one", "b.test", "[/c]"), "g.yaml", FRAGMENT("one", "c.test", "[/c]")},
     {"compose", "f.yaml", "g.yaml"},
     1,
     "",
     "error: g.yaml: network_policies.one is not what f.yaml has: they differ in "
     "network_policies.one.endpoints[0].host; rename one of them, or let the later one replace it "
     "with --replace\n"},
    {"compose refuses two boxes",
     {"p.yaml", "version: 1\nfilesystem_policy: {read_only: [/usr]}\n", "q.yaml",
      "version: 1\nfilesystem_policy: {read_only: [/usr, /lib]}\n"},
     {"compose", "p.yaml", "q.yaml"},
     1,
     "",
     "error: q.yaml: filesystem_policy is not what p.yaml has: they differ in "
     "filesystem_policy.read_only[1]; ?*"},
    {"compose replaces when it may, and says what",
     {"f.yaml", FRAGMENT("one", "b.test", "[/c]"), "g.yaml", FRAGMENT("one", "c.test", "[/c]")},
     {"compose", "--replace", "f.yaml", "g.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  one:\n    endpoints:\n    - host: c.test\n      port: 1\n"
     "    binaries:\n    - path: /c\n",
     "warning: network_policies.one of g.yaml replaces that of f.yaml\n"},
    {"compose drops what means nothing",
     {"f.yaml", "preset: {name: x}\nnetwork_policies:\n  p: {endpoints: [{host: a.test, port: 1, "
                "tls: terminate}], binaries: [{path: /b, harness: true}]}\n"},
     {"compose", "f.yaml"},
     0,
     "version: 1\nnetwork_policies:\n  p:\n    endpoints:\n    - host: a.test\n      port: 1\n    "
     "binaries:\n    - path: /b\n",
     ""},
    {"compose prints nothing that is ambiguous, and says what is from where",
     {"p.yaml", POLICY, "f.yaml",
      "preset: {name: x}\nnetwork_policies:\n  q: {endpoints: [{host: a.test, port: 443, tls: "
      "skip}], binaries: [/c]}\n"},
     {"compose", "p.yaml", "f.yaml"},
     1,
     "",
     "composed policy:?*error:*ambiguous*note: policy 'p' is from p.yaml\nnote: policy 'q' is from "
     "f.yaml\n"},
    {"a fragment does not change the box",
     {"f.yaml", "preset: {name: x}\nprocess: {run_as_user: sandbox}\n"},
     {"compose", "f.yaml"},
     1,
     "",
     "f.yaml:2:10: error: process: a fragment adds network_policies and network_middlewares "
     "only\n"},
    {"nor its files, whatever else it has",
     {"f.yaml", "preset: {name: x}\nfilesystem_policy: {read_write: [/home]}\nlandlock: {}\n"
                "version: 1\n"},
     {"compose", "f.yaml"},
     1,
     "",
     "f.yaml:2:20: error: filesystem_policy: a fragment adds network_policies and "
     "network_middlewares only\nf.yaml:3:11: error: landlock: a fragment adds network_policies and "
     "network_middlewares only\n"},
    {"a header is a mapping",
     {"f.yaml", "preset: npm\nnetwork_policies: {}\n"},
     {"compose", "f.yaml"},
     1,
     "",
     "f.yaml:1:9: error: preset: expected a mapping, found a string\n"},
    {"a policy without version is no fragment",
     {"f.yaml", "network_policies: {}\n"},
     {"compose", "f.yaml"},
     1,
     "",
     "f.yaml:1:1: error: missing key 'version' (begin with version: 1)\n"},
    {"a fragment is no policy",
     {"f.yaml", "preset: {name: x}\nversion: 1\n"},
     {"format", "f.yaml"},
     1,
     "",
     "f.yaml:1:1: error: preset: unknown key 'preset' (a file with 'preset' is a fragment of a "
     "policy: openshell-host policy compose POLICY FILE...)\n"},
    {"a provider does not change the box",
     {"p.yaml", POLICY, "x.yaml", "version: 1\nfilesystem_policy: { read_write: [/home] }\n"},
     {"compose", "p.yaml", "--provider", "X=x.yaml"},
     1,
     "",
     "error: x.yaml: a provider adds network_policies only, not filesystem_policy\n"},
    {"a provider may be a fragment",
     {"p.yaml", "version: 1\n", "x.yaml",
      "preset: {name: x}\nnetwork_policies:\n  a:\n    endpoints: [{host: a.test, port: 1}]\n"
      "    binaries: [{path: /bin/a}]\n"},
     {"compose", "p.yaml", "--provider", "X=x.yaml"},
     0,
     "?*provider_x:*a.test*",
     ""},
    {"an unknown word is answered with the table",
     {NULL},
     {"frmat"},
     125,
     "",
     "policy: there is no such verb; write one of\n?*openshell-host policy format*"},
};

static void
redirect(int fd, const char *name)
{
    int file = g_open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || dup2(file, fd) < 0)
        _exit(99);
}

static OshPolicyProtocolTable *
no_plugins(const char *const *directories, GError **error)
{
    (void)directories;
    (void)error;
    return osh_policy_protocol_table_new();
}

/* Runs `policy WORDS...` in a process of its own, in the current folder. */
static int
run_verb(const char *const *words)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    int status = 0;
    pid_t child;

    g_ptr_array_add(arguments, (gpointer) "policy");
    for (gsize i = 0; words[i] != NULL; i++)
        g_ptr_array_add(arguments, (gpointer)words[i]);
    g_ptr_array_add(arguments, NULL);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        redirect(STDOUT_FILENO, "stdout");
        redirect(STDERR_FILENO, "stderr");
        status = osh_verb_policy((int)arguments->len - 1, (char **)arguments->pdata, no_plugins);
        fflush(NULL);
        _exit(status);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
assert_file(const char *name, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(name, &text, NULL, NULL));
    if (strchr(expected, '?') == NULL)
        g_assert_cmpstr(text, ==, expected);
    else if (!g_pattern_match_simple(expected, text))
        g_error("%s is\n%s", name, text);
    g_unlink(name);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *folder = g_dir_make_tmp("osh-policy-verb-XXXXXX", NULL);

    g_assert_cmpint(g_chdir(folder), ==, 0);
    for (gsize i = 0; row->files[i] != NULL; i += 2)
        g_assert_true(g_file_set_contents(row->files[i], row->files[i + 1], -1, NULL));
    g_assert_cmpint(run_verb(row->words), ==, row->status);
    assert_file("stderr", row->complaint);
    assert_file("stdout", row->output);
    for (gsize i = 0; row->files[i] != NULL; i += 2)
        g_unlink(row->files[i]);
    g_assert_cmpint(g_chdir("/"), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/policy-verb/%s", rows[i].sentence);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
