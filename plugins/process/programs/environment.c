/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.c: builds a program's environment from nothing, by an allow-list.
 *
 * Later layers win: the host's own (allow-listed), what the config passes on, the launch's
 * additions, the box's contributions. The proxy and certificate variables are contributions, so
 * neither a user nor a session can point a program past them. LD_* is refused everywhere: it loads
 * code into programs that the policy names by their path. Any thread; no state. It never reads
 * the environment by itself: the caller hands it in.
 */
#include "environment.h"

#include <string.h>

static const char *const passed_names[] = {
    "PATH", "TERM", "COLORTERM", "LANG", "LANGUAGE", "LC_*", "TZ", "NO_COLOR", NULL,
};

/* They hold or lead to what only the supervisor may use. */
static const char *const supervisor_names[] = {
    "OPENSHELL_SANDBOX_TOKEN",
    "OPENSHELL_SANDBOX_TOKEN_FILE",
    "OPENSHELL_K8S_SA_TOKEN_FILE",
    "OPENSHELL_PROVIDER_SPIFFE_WORKLOAD_API_SOCKET",
    "OPENSHELL_OCI_IMAGE_USER",
    "OPENSHELL_SANDBOX_UID",
    "OPENSHELL_SANDBOX_GID",
    "OPENSHELL_TLS_CA",
    "OPENSHELL_TLS_CERT",
    "OPENSHELL_TLS_KEY",
    "OPENSHELL_NETWORK_RUNTIME_CAPABILITIES",
    NULL,
};

#define DEFAULT_PATH  "/usr/local/bin:/usr/bin:/bin"
#define OWN_PREFIX    "OPENSHELL_"
#define LOADER_PREFIX "LD_"

GQuark
osh_environment_error_quark(void)
{
    return g_quark_from_static_string("openshell-environment-error");
}

static gboolean
name_is_valid(const char *name, gsize length)
{
    if (length == 0 || g_ascii_isdigit(name[0]))
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(name[i]) && name[i] != '_')
            return FALSE;
    return TRUE;
}

static gboolean
check_name(const char *name, const char *where, GError **error)
{
    if (!name_is_valid(name, strlen(name))) {
        g_set_error(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_INVALID,
                    "%s: \"%s\" is not the name of an environment variable", where, name);
        return FALSE;
    }
    if (g_str_has_prefix(name, LOADER_PREFIX)) {
        g_set_error(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_REFUSED,
                    "%s: %s would load code into every program of the box, and is refused", where,
                    name);
        return FALSE;
    }
    if (g_strv_contains(supervisor_names, name)) {
        g_set_error(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_REFUSED,
                    "%s: %s belongs to the supervisor alone, and is refused", where, name);
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_user_name(const char *name, const char *where, GError **error)
{
    if (!check_name(name, where, error))
        return FALSE;
    if (g_str_has_prefix(name, OWN_PREFIX)) {
        g_set_error(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_REFUSED,
                    "%s: %s: names that begin with " OWN_PREFIX " are set by the host alone", where,
                    name);
        return FALSE;
    }
    return TRUE;
}

static gboolean
pattern_matches(const char *pattern, const char *name)
{
    gsize length = strlen(pattern);

    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, name, length - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static gboolean
is_listed(const char *const *patterns, const char *name)
{
    for (gsize i = 0; patterns != NULL && patterns[i] != NULL; i++)
        if (pattern_matches(patterns[i], name))
            return TRUE;
    return FALSE;
}

/* What a pattern catches by its star is filtered silently; a name spelt out is an error. */
static void
add_host_variables(GHashTable *table, const OshEnvironmentRequest *request)
{
    for (gsize i = 0; request->host != NULL && request->host[i] != NULL; i++) {
        const char *equals = strchr(request->host[i], '=');
        g_autofree char *name = NULL;

        if (equals == NULL)
            continue;
        name = g_strndup(request->host[i], (gsize)(equals - request->host[i]));
        if (!is_listed(passed_names, name) && !is_listed(request->pass, name))
            continue;
        if (check_user_name(name, "", NULL))
            g_hash_table_insert(table, g_steal_pointer(&name), g_strdup(equals + 1));
    }
}

static gboolean
check_pass_list(const char *const *pass, GError **error)
{
    for (gsize i = 0; pass != NULL && pass[i] != NULL; i++) {
        gsize length = strlen(pass[i]);
        g_autofree char *stem = g_strdup(pass[i]);

        if (length == 1 && stem[0] == '*') {
            g_set_error_literal(
                error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_REFUSED,
                "process.pass-environment: \"*\" would pass every secret of the host's "
                "environment; name the variables");
            return FALSE;
        }
        if (length > 1 && stem[length - 1] == '*')
            stem[length - 1] = '\0';
        if (!check_user_name(stem, "process.pass-environment", error))
            return FALSE;
    }
    return TRUE;
}

static void
set(GHashTable *table, const char *name, const char *value)
{
    g_hash_table_insert(table, g_strdup(name), g_strdup(value));
}

static gboolean
add_additions(GHashTable *table, const char *const *additions, GError **error)
{
    for (gsize i = 0; additions != NULL && additions[i] != NULL; i++) {
        const char *equals = strchr(additions[i], '=');
        g_autofree char *name = NULL;

        if (equals == NULL) {
            g_set_error_literal(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_INVALID,
                                "an addition to the environment has no \"=\"");
            return FALSE;
        }
        name = g_strndup(additions[i], (gsize)(equals - additions[i]));
        if (!check_user_name(name, "additions to the environment", error))
            return FALSE;
        g_hash_table_insert(table, g_steal_pointer(&name), g_strdup(equals + 1));
    }
    return TRUE;
}

static gboolean
is_set(const char *const *variables, const char *name)
{
    gsize length = strlen(name);

    for (gsize i = 0; variables != NULL && variables[i] != NULL; i++)
        if (strncmp(variables[i], name, length) == 0 && variables[i][length] == '=')
            return TRUE;
    return FALSE;
}

/* A variable that pass-environment names is not given another value without an error. */
static gboolean
check_not_passed(const OshEnvironmentRequest *request, const char *name, GError **error)
{
    if (request->pass == NULL || !g_strv_contains(request->pass, name) ||
        !is_set(request->host, name))
        return TRUE;
    g_set_error(error, OSH_ENVIRONMENT_ERROR, OSH_ENVIRONMENT_ERROR_REFUSED,
                "process.pass-environment: %s is set by the box itself, so that programs find its "
                "proxy and certificates: leave it out",
                name);
    return FALSE;
}

static gint
compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GStrv
to_strings(GHashTable *table)
{
    GPtrArray *strings = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer name, value;

    g_hash_table_iter_init(&iterator, table);
    while (g_hash_table_iter_next(&iterator, &name, &value))
        g_ptr_array_add(strings, g_strconcat(name, "=", value, NULL));
    g_ptr_array_sort(strings, compare_strings);
    g_ptr_array_add(strings, NULL);
    return (GStrv)g_ptr_array_free(strings, FALSE);
}

GStrv
osh_environment_new(const OshEnvironmentRequest *request, GError **error)
{
    g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    if (!check_pass_list(request->pass, error))
        return NULL;
    set(table, "PATH", DEFAULT_PATH);
    set(table, "HOME", request->identity->home);
    set(table, "USER", request->identity->user);
    set(table, "LOGNAME", request->identity->user);
    set(table, "SHELL", request->identity->shell);
    add_host_variables(table, request);
    if (!add_additions(table, request->additions, error))
        return NULL;
    set(table, "OPENSHELL_SANDBOX", "1");
    for (gsize i = 0; i < request->n_contributions; i++) {
        if (!check_name(request->contributions[i].name, "a contribution to the environment", error))
            return NULL;
        if (!check_not_passed(request, request->contributions[i].name, error))
            return NULL;
        set(table, request->contributions[i].name, request->contributions[i].value);
    }
    return to_strings(table);
}
