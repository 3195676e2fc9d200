/* SPDX-License-Identifier: Apache-2.0 */
/* limits-test.c: how much the loader reads, how deep, and how much it says about it. */
#include "model.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define MIDDLEWARE                                                                                 \
    "version: 1\nnetwork_middlewares:\n  m:\n    middleware: x\n    endpoints: {include: "         \
    "[a.test]}\n    config: "
#define SECRET "s3cr3t-of-somebody"

/* Returns: (transfer full): what is said of @text; empty when it loads without a word. */
static char *
said_of(const char *text, gsize length)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = length, .file_name = "p.yaml", .generation = 1},
        diagnostics);
    char *said = osh_policy_diagnostics_format(diagnostics);

    g_assert_cmpint(policy == NULL, ==, osh_policy_diagnostics_n_errors(diagnostics) > 0);
    return said;
}

static void
expect_said(const GString *text, const char *expected)
{
    g_autofree char *said = said_of(text->str, text->len);

    if (*expected == '\0')
        g_assert_cmpstr(said, ==, "");
    else if (strstr(said, expected) == NULL)
        g_error("'%s' is not in %.300s", expected, said);
}

static void
test_depth(void)
{
    /* the root, the middlewares, the middleware and its configuration are four */
    for (guint levels = 64; levels <= 65; levels++) {
        g_autoptr(GString) text = g_string_new(MIDDLEWARE "{a: ");

        for (guint i = 4; i < levels; i++)
            g_string_append(text, i % 2 ? "{a: " : "[");
        g_string_append(text, "1");
        for (guint i = levels; i-- > 4;)
            g_string_append(text, i % 2 ? "}" : "]");
        g_string_append(text, "}\n");
        expect_said(text, levels == 64 ? "" : "nested too deeply: more than 64 levels");
    }
}

static void
test_entries(void)
{
    for (guint kind = 0; kind < 2; kind++) {
        for (guint length = 10000; length <= 10001; length++) {
            g_autoptr(GString) text = g_string_new(MIDDLEWARE);

            g_string_append(text, kind == 0 ? "{" : "{a: [");
            for (guint i = 0; i < length; i++)
                g_string_append_printf(text, kind == 0 ? "k%u: 1, " : "%u, ", i);
            g_string_append(text, kind == 0 ? "}\n" : "]}\n");
            expect_said(text, length == 10000 ? "" : "of more than 10000 entries");
        }
    }
}

static void
test_nodes(void)
{
    g_autoptr(GString) text = g_string_new(MIDDLEWARE "\n");

    for (guint i = 0; i < 12; i++) {
        g_string_append_printf(text, "      k%u: [", i);
        for (guint k = 0; k < 9000; k++)
            g_string_append(text, "1, ");
        g_string_append(text, "]\n");
    }
    expect_said(text, "more than 100000 keys and values");
}

static void
test_size(void)
{
    g_autoptr(GString) text = g_string_new("version: 1\n#");
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "osh-policy-size.yaml", NULL);
    gsize start = text->len;

    g_string_set_size(text, 4 * 1024 * 1024);
    memset(text->str + start, '.', text->len - start);
    expect_said(text, "");
    g_string_append_c(text, '.');
    expect_said(text, "larger than 4 MiB");
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    {
        g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
        g_autoptr(OshPolicySnapshot) policy =
            osh_policy_load(&(OshPolicyLoadRequest){.path = path, .generation = 1}, diagnostics);
        g_autofree char *said = osh_policy_diagnostics_format(diagnostics);

        g_assert_null(policy);
        g_assert_nonnull(strstr(said, "larger than 4 MiB, which no policy is"));
    }
    g_unlink(path);
}

static void
test_scalars(void)
{
    for (guint length = 65536; length <= 65537; length++) {
        g_autoptr(GString) one = g_string_new(MIDDLEWARE "{a: ");

        for (guint i = 0; i < length; i++)
            g_string_append_c(one, 'a');
        g_string_append(one, "}\n");
        expect_said(one, length == 65536 ? "" : "the value is longer than 65536 bytes");
    }
}

/* An escape of two bytes stands for three, so a file can hold more than it is long. */
static void
test_scalars_together(void)
{
    g_autoptr(GString) text = g_string_new(MIDDLEWARE "\n");

    for (guint i = 0; i < 75; i++) {
        g_string_append_printf(text, "      k%u: \"", i);
        for (guint k = 0; k < 20000; k++)
            g_string_append(text, "\\L");
        g_string_append(text, "\"\n");
    }
    g_assert_cmpuint(text->len, <, 4 * 1024 * 1024);
    expect_said(text, "the policy is too large: its values together");
}

static void
test_fifo(void)
{
    g_autofree char *folder = g_dir_make_tmp("osh-policy-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "p.yaml", NULL);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    gint64 start = g_get_monotonic_time();
    g_autofree char *said = NULL;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    g_assert_null(
        osh_policy_load(&(OshPolicyLoadRequest){.path = path, .generation = 1}, diagnostics));
    said = osh_policy_diagnostics_format(diagnostics);
    g_assert_nonnull(strstr(said, "not a regular file"));
    g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
    g_unlink(path);
    g_rmdir(folder);
}

/* A value of a wrong type may be a secret, and messages are printed, logged and sent. */
static void
test_no_values(void)
{
    static const char *const texts[] = {
        "version: " SECRET "\n",
        "version: 1\nprocess: {run_as_user: {" SECRET ": 1}}\n",
        "version: 1\nprocess: [" SECRET "]\n",
        "version: 1\nlandlock: " SECRET "\n",
        "version: 1\nfilesystem_policy: {read_only: " SECRET "}\n",
        "version: 1\nfilesystem_policy: {include_workdir: " SECRET "}\n",
        "version: 1\nnetwork_policies: {p: " SECRET "}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [" SECRET "]}}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [{host: a.test, port: " SECRET "}]}}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [{host: a.test, ports: [" SECRET "]}]}}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [{host: a.test, port: 1, "
        "allow_encoded_slash: " SECRET "}]}}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [{host: a.test, port: 1, mcp: " SECRET
        "}]}}\n",
        "version: 1\nnetwork_policies: {p: {endpoints: [{host: a.test, port: 1, rules: " SECRET
        "}]}}\n",
        MIDDLEWARE SECRET "\n",
        SECRET "\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *said = said_of(texts[i], strlen(texts[i]));
        g_autofree char *path = g_strconcat(SECRET, ": unknown key", NULL);

        g_assert_nonnull(strstr(said, ": error: "));
        if (strstr(said, SECRET) != NULL && strstr(said, path) == NULL)
            g_error("%s says %s", texts[i], said);
    }
}

/* Every line of @said is short, and text to its end. */
static void
expect_bounded(const char *said, gsize longest)
{
    g_auto(GStrv) lines = g_strsplit(said, "\n", -1);

    g_assert_true(g_utf8_validate(said, -1, NULL));
    for (guint i = 0; lines[i] != NULL; i++)
        if (strlen(lines[i]) > longest)
            g_error("%" G_GSIZE_FORMAT " bytes: %.200s...", strlen(lines[i]), lines[i]);
}

static void
test_bounded_messages(void)
{
    g_autoptr(GString) word = g_string_new(NULL);
    g_autofree char *policies = NULL;
    g_autofree char *keys = NULL;
    g_autofree char *said = NULL;

    for (guint i = 0; i < 20000; i++)
        g_string_append(word, "\xc3\xa9");
    policies = g_strdup_printf(
        "version: 1\nlandlock: {compatibility: %s}\nprocess: {run_as_user: %s}\n"
        "filesystem_policy: {read_only: [%s]}\n"
        "network_policies: {p: {endpoints: [{host: \"%s*\", port: 1, tls: %s, protocol: %s, "
        "credential_signing: %s, allowed_ips: [%s], enforcement: %s, path: %s}]}}\n",
        word->str, word->str, word->str, word->str, word->str, word->str, word->str, word->str,
        word->str, word->str);
    said = said_of(policies, strlen(policies));
    g_assert_nonnull(strstr(said, "unknown compatibility"));
    expect_bounded(said, 1200);
    g_free(said);
    g_string_truncate(word, 1000); /* a key has at most 1024 characters */
    keys = g_strdup_printf("version: 1\nnetwork_policies:\n  %s%s:\n    future: 1\n", word->str,
                           word->str);
    said = said_of(keys, strlen(keys));
    g_assert_nonnull(strstr(said, "...: unknown key 'future'"));
    expect_bounded(said, 1200);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limits/64 levels are read and 65 are not", test_depth);
    g_test_add_func("/limits/10000 entries are read and 10001 are not", test_entries);
    g_test_add_func("/limits/more than 100000 keys and values are refused", test_nodes);
    g_test_add_func("/limits/4 MiB are read and a byte more is not", test_size);
    g_test_add_func("/limits/a value of more than 64 KiB is refused", test_scalars);
    g_test_add_func("/limits/values that grow past 4 MiB are refused", test_scalars_together);
    g_test_add_func("/limits/a pipe as a file is refused at once", test_fifo);
    g_test_add_func("/limits/a value of the wrong kind is not repeated", test_no_values);
    g_test_add_func("/limits/what is said stays short, whatever the file holds",
                    test_bounded_messages);
    return g_test_run();
}
