/* SPDX-License-Identifier: Apache-2.0 */
/* When a run has an authority, with the module that the plugin loads. */
#include "run-authority.h"

#include <string.h>

/* The snapshot is the static part itself. */
static OshPolicySnapshot *
policy_current(gpointer instance)
{
    return instance;
}

static const OshPolicyStatic *
policy_static_part(gpointer instance, const OshPolicySnapshot *snapshot)
{
    (void)instance;
    return (const OshPolicyStatic *)snapshot;
}

static const OshPolicyInterface vtable = {
    .struct_size = sizeof(OshPolicyInterface),
    .current = policy_current,
    .static_part = policy_static_part,
};

static gboolean
libcrypto_runs_here(void)
{
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    gboolean found = FALSE;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++)
        found |= strstr(lines[i], "libcrypto") != NULL && strstr(lines[i], " r-xp ") != NULL;
    return found;
}

static gboolean
libcrypto_is_mapped(void)
{
    g_autofree char *maps = NULL;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    return strstr(maps, "libcrypto") != NULL && strstr(maps, "libssl") != NULL &&
           strstr(maps, "openshell-network-tls.module") != NULL;
}

/* In this order: what is loaded stays loaded. */
static void
test_none_without_a_need(void)
{
    OshPolicyStatic part = {.struct_size = sizeof part};
    const OshInterface policy = {"test", &vtable, &part};
    OshRunAuthority authority = {0};

    osh_run_authority_choose(&authority, FALSE, &policy);
    g_assert_true(osh_run_authority_make(&authority, NULL));
    g_assert_null(osh_run_authority_pem(&authority));
    g_assert_false(libcrypto_is_mapped());
    osh_run_authority_clear(&authority);
}

static void
test_files_are_held_before_they_are_loaded(void)
{
    OshPolicyStatic part = {.struct_size = sizeof part, .inspects = TRUE};
    const OshInterface policy = {"test", &vtable, &part};
    OshRunAuthority authority = {0};

    osh_run_authority_choose(&authority, FALSE, &policy);
    g_assert_true(libcrypto_is_mapped());
    g_assert_false(libcrypto_runs_here());
    osh_run_authority_clear(&authority);
    g_assert_false(libcrypto_is_mapped());
}

static void
test_made_where_it_can_be_needed(void)
{
    OshPolicyStatic part = {.struct_size = sizeof part};
    const OshInterface policy = {"test", &vtable, &part};

    for (guint i = 0; i < 2; i++) {
        OshRunAuthority authority = {0};
        g_autoptr(GError) error = NULL;

        part.inspects = i == 0;
        osh_run_authority_choose(&authority, i == 1, &policy);
        osh_run_authority_make(&authority, &error);
        g_assert_no_error(error);
        g_assert_true(
            g_str_has_prefix(osh_run_authority_pem(&authority), "-----BEGIN CERTIFICATE-----"));
        g_assert_true(libcrypto_runs_here());
        /* Programs trust it: nothing to say, whatever the policy becomes. */
        part.inspects = TRUE;
        g_assert_null(osh_run_authority_policy_changed(&authority, &policy));
        osh_run_authority_clear(&authority);
    }
}

/* The host's own variable, as other programs on it have it. */
static void
test_roots_of_the_host(void)
{
    static const char *const files[] = {"", "/nonexistent/roots.pem"};

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        OshPolicyStatic part = {.struct_size = sizeof part, .inspects = TRUE};
        const OshInterface policy = {"test", &vtable, &part};
        OshRunAuthority authority = {0};
        g_autoptr(GError) error = NULL;
        gboolean prepared;

        g_setenv("SSL_CERT_FILE", files[i], TRUE);
        osh_run_authority_choose(&authority, FALSE, &policy);
        g_assert_true(osh_run_authority_make(&authority, NULL));
        prepared = authority.functions->engine_prepare_upstream(authority.engine, &error);
        g_assert_true(prepared == authority.functions->engine_upstream_is_ready(authority.engine));
        /* Whether the machine has roots is another matter. */
        if (i == 1) {
            g_assert_false(prepared);
            g_assert_nonnull(strstr(error->message, "(SSL_CERT_FILE): cannot use /nonexistent"));
        }
        osh_run_authority_clear(&authority);
        g_unsetenv("SSL_CERT_FILE");
    }
}

static void
test_a_policy_that_comes_too_late(void)
{
    OshPolicyStatic part = {.struct_size = sizeof part};
    const OshInterface policy = {"test", &vtable, &part};
    OshRunAuthority authority = {0};

    osh_run_authority_choose(&authority, FALSE, &policy);
    g_assert_null(osh_run_authority_policy_changed(&authority, &policy));
    part.inspects = TRUE;
    g_assert_nonnull(
        strstr(osh_run_authority_policy_changed(&authority, &policy), "needs a restart"));
    g_assert_null(osh_run_authority_policy_changed(&authority, &policy));
    part.inspects = FALSE;
    g_assert_null(osh_run_authority_policy_changed(&authority, &policy));
    part.inspects = TRUE;
    g_assert_nonnull(
        strstr(osh_run_authority_policy_changed(&authority, &policy), "network.tls=always"));
    osh_run_authority_clear(&authority);
}

static void
test_what_is_missing_is_named(void)
{
    OshRunAuthority authority = {.wanted = TRUE};
    g_autoptr(GError) error = NULL;

    authority.libcrypto = osh_lazy_library_find("libosh-none.so.9");
    authority.libssl = osh_lazy_library_find("libosh-none.so.10");
    authority.module = osh_lazy_library_beside((gconstpointer)&vtable, "none.module");
    g_assert_false(osh_run_authority_make(&authority, &error));
    g_assert_nonnull(strstr(error->message, "cannot load libosh-none.so.9"));
    g_clear_error(&error);
    g_assert_null(osh_lazy_library_symbol(authority.module, "x", &error));
    g_assert_nonnull(strstr(error->message, "none.module: No such file"));
    osh_run_authority_clear(&authority);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/run-authority/none-without-a-need", test_none_without_a_need);
    g_test_add_func("/network/run-authority/files-are-held-before-they-are-loaded",
                    test_files_are_held_before_they_are_loaded);
    g_test_add_func("/network/run-authority/made-where-it-can-be-needed",
                    test_made_where_it_can_be_needed);
    g_test_add_func("/network/run-authority/servers-are-verified-by-the-roots-of-the-host",
                    test_roots_of_the_host);
    g_test_add_func("/network/run-authority/a-policy-that-comes-too-late-is-told-of",
                    test_a_policy_that_comes_too_late);
    g_test_add_func("/network/run-authority/what-is-missing-is-named",
                    test_what_is_missing_is_named);
    return g_test_run();
}
