/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-config.c: what the command line and the configuration ask of a run. [main]; no state.
 */
#include "run-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

OshConfig *
osh_run_load_config(const OshOptions *options, GError **error)
{
    g_autoptr(OshConfig) config = osh_config_new();

    if (options->config != NULL && !osh_config_load(config, options->config, error))
        return NULL;
    for (guint i = 0; i < options->settings->len; i++)
        if (!osh_config_set(config, g_ptr_array_index(options->settings, i), error))
            return NULL;
    for (guint i = 0; i < options->enable->len; i++)
        osh_config_enable(config, g_ptr_array_index(options->enable, i), TRUE, "--enable");
    for (guint i = 0; i < options->disable->len; i++)
        osh_config_enable(config, g_ptr_array_index(options->disable, i), FALSE, "--disable");
    return g_steal_pointer(&config);
}

GPtrArray *
osh_run_allow_degraded(const OshOptions *options, const OshConfig *config)
{
    GPtrArray *allowed = g_ptr_array_new();
    GVariant *configured = osh_config_host(config, "allow-degraded");

    for (guint i = 0; i < options->allow_degraded->len; i++)
        g_ptr_array_add(allowed, g_ptr_array_index(options->allow_degraded, i));
    for (gsize i = 0; configured != NULL && i < g_variant_n_children(configured); i++) {
        const char *name;

        g_variant_get_child(configured, i, "&s", &name);
        g_ptr_array_add(allowed, (gpointer)name);
    }
    g_ptr_array_add(allowed, NULL);
    return allowed;
}

char *
osh_run_find_workdir(const char *given, GError **error)
{
    g_autofree char *copy = NULL;
    char *real = realpath(given != NULL ? given : ".", NULL);

    if (real == NULL || !g_file_test(real, G_FILE_TEST_IS_DIR))
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND, "the working directory %s: %s",
                    given != NULL ? given : "(the current one)",
                    real == NULL ? g_strerror(errno) : "is not a directory");
    else
        copy = g_strdup(real);
    free(real);
    return g_steal_pointer(&copy);
}

gint64
osh_run_setting(const OshRun *run, const char *key, gint64 fallback)
{
    return osh_config_host_integer(run->config, key, fallback);
}

const char *
osh_run_text(const OshRun *run, const char *key, const char *option)
{
    return osh_config_host_text(run->config, key, option);
}

const char *
osh_run_policy_path(const OshRun *run)
{
    const char *path = osh_run_text(run, "policy", run->options->policy);

    return g_strcmp0(path, "-") != 0 ? path : NULL;
}

gboolean
osh_run_policy_is_given(const OshRun *run)
{
    return osh_run_text(run, "policy", run->options->policy) != NULL;
}

gboolean
osh_run_is_quiet(const OshRun *run)
{
    GVariant *value = osh_config_host(run->config, "quiet");

    return run->options->quiet || (value != NULL && g_variant_get_boolean(value));
}
