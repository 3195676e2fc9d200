/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contributions.c: asks every launch-contributor once and refuses what cannot be had by both.
 *
 * [main]. The first refusal is remembered and reported, whatever the contributor makes of it.
 */
#include "contributions.h"

#include <string.h>

struct _OshContributionSet {
    GArray *variables; /* OshContributedVariable, strings owned */
    GArray *files;     /* OshContributedFile, strings and content owned */
    OshContributions view;
    const char *provider; /* who is being asked */
    GError *refusal;
};

static void
variable_clear(gpointer data)
{
    OshContributedVariable *variable = data;

    g_free((char *)variable->name);
    g_free((char *)variable->value);
}

static void
file_clear(gpointer data)
{
    OshContributedFile *file = data;

    g_free((char *)file->path);
    g_free((char *)file->content);
}

static gboolean
refuse(OshContributionSet *set, const char *what, const char *name, const char *why)
{
    if (set->refusal == NULL)
        set->refusal = g_error_new(OSH_ERROR, OSH_ERROR_INVALID,
                                   "plugin %s cannot put the %s %s into the box: %s", set->provider,
                                   what, name, why);
    return FALSE;
}

static gboolean
refuse_taken(OshContributionSet *set, const char *what, const char *name, const char *by)
{
    g_autofree char *why = g_strdup_printf("plugin %s does so already", by);

    return refuse(set, what, name, why);
}

static gboolean
variable_name_is_valid(const char *name)
{
    if (name[0] == '\0' || g_ascii_isdigit(name[0]))
        return FALSE;
    for (; *name != '\0'; name++)
        if (!g_ascii_isalnum(*name) && *name != '_')
            return FALSE;
    return TRUE;
}

static gboolean
set_variable(gpointer handle, const char *name, const char *value)
{
    OshContributionSet *set = handle;
    OshContributedVariable variable = {NULL, NULL, set->provider};

    if (!variable_name_is_valid(name))
        return refuse(set, "variable", name, "it is not a variable name");
    if (g_str_has_prefix(name, "LD_"))
        return refuse(set, "variable", name, "LD_* changes what is executed");
    for (guint i = 0; i < set->variables->len; i++) {
        const OshContributedVariable *other =
            &g_array_index(set->variables, OshContributedVariable, i);

        if (g_str_equal(other->name, name))
            return refuse_taken(set, "variable", name, other->provider);
    }
    variable.name = g_strdup(name);
    variable.value = g_strdup(value);
    g_array_append_val(set->variables, variable);
    return TRUE;
}

static gboolean
path_is_canonical(const char *path)
{
    g_autofree char *canonical =
        g_path_is_absolute(path) ? g_canonicalize_filename(path, "/") : NULL;

    return g_strcmp0(canonical, path) == 0 && !g_str_equal(path, "/");
}

static gboolean
add_file(gpointer handle, const char *path, const char *content, gsize length, guint32 mode)
{
    OshContributionSet *set = handle;
    OshContributedFile file = {NULL, NULL, length, mode & 0555, set->provider};

    if (!path_is_canonical(path))
        return refuse(set, "file", path, "its path is not absolute and canonical");
    for (guint i = 0; i < set->files->len; i++) {
        const OshContributedFile *other = &g_array_index(set->files, OshContributedFile, i);

        if (g_str_equal(other->path, path))
            return refuse_taken(set, "file", path, other->provider);
    }
    file.path = g_strdup(path);
    file.content = g_memdup2(content, length);
    g_array_append_val(set->files, file);
    return TRUE;
}

static gboolean
ask(OshContributionSet *set, const OshInterface *contributor, const OshBoxInfo *box, GError **error)
{
    OshContributionBuilder builder = {
        .struct_size = sizeof(OshContributionBuilder),
        .handle = set,
        .set_variable = set_variable,
        .add_file = add_file,
    };
    g_autoptr(GError) cause = NULL;

    set->provider = contributor->provider;
    if (!osh_launch_contributor_contribute(contributor, box, &builder, &cause)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    "plugin %s failed to contribute to the box: %s", contributor->provider,
                    cause != NULL ? cause->message : "it did not say why");
        return FALSE;
    }
    if (set->refusal != NULL) {
        g_propagate_error(error, g_steal_pointer(&set->refusal));
        return FALSE;
    }
    return TRUE;
}

OshContributionSet *
osh_contributions_gather(OshRegistry *registry, const OshBoxInfo *box, GError **error)
{
    g_autoptr(OshContributionSet) set = g_new0(OshContributionSet, 1);
    gsize n = osh_registry_find_interfaces(registry, OSH_INTERFACE_LAUNCH_CONTRIBUTOR, NULL, 0);
    g_autofree OshInterface *contributors = g_new0(OshInterface, n + 1);

    set->variables = g_array_new(FALSE, FALSE, sizeof(OshContributedVariable));
    set->files = g_array_new(FALSE, FALSE, sizeof(OshContributedFile));
    g_array_set_clear_func(set->variables, variable_clear);
    g_array_set_clear_func(set->files, file_clear);
    osh_registry_find_interfaces(registry, OSH_INTERFACE_LAUNCH_CONTRIBUTOR, contributors, n);
    for (gsize i = 0; i < n; i++)
        if (!ask(set, &contributors[i], box, error))
            return NULL;
    set->view = (OshContributions){
        (OshContributedVariable *)(gpointer)set->variables->data, set->variables->len,
        (OshContributedFile *)(gpointer)set->files->data, set->files->len};
    return g_steal_pointer(&set);
}

const OshContributions *
osh_contributions_get(OshContributionSet *set)
{
    return &set->view;
}

void
osh_contributions_free(OshContributionSet *set)
{
    if (set == NULL)
        return;
    g_array_unref(set->variables);
    g_array_unref(set->files);
    g_clear_error(&set->refusal);
    g_free(set);
}
