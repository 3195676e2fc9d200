/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-binaries.c: binaries of a policy that a program in the box could replace.
 *
 * Such a program gives itself whatever the policy gives to the binary. Looked at is where paths
 * lead on this machine: every component on the way, symbolic links included, must lie outside of
 * what the box can write. Of two grants around a path the inner one holds, as in the box, where a
 * read-only grant inside a writable one is a mount that cannot be moved away. Only reads; runs on
 * the loading thread.
 */
#include "normalise.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINK_HOPS 40

typedef struct {
    char *written; /* as the policy or the working folder has it */
    char *real;    /* without symbolic links */
    gboolean writable;
} Grant;

static void
grant_clear(gpointer data)
{
    Grant *grant = data;

    g_free(grant->written);
    g_free(grant->real);
}

static void
add_grant(GArray *grants, const char *path, gboolean writable)
{
    char *real = realpath(path, NULL);
    Grant grant = {.writable = writable};

    /* A path that does not exist protects nothing: a program may create and write it later. */
    if (real == NULL && !writable)
        return;
    grant.written = g_strdup(path);
    grant.real = g_strdup(real != NULL ? real : path);
    free(real);
    g_array_append_val(grants, grant);
}

/* What a box can write, and what is read-only inside it. Its /tmp is its own, and empty. */
static GArray *
find_grants(const OshPolicyFixed *fixed)
{
    GArray *grants = g_array_new(FALSE, FALSE, sizeof(Grant));
    g_autofree char *workdir = g_get_current_dir();

    g_array_set_clear_func(grants, grant_clear);
    add_grant(grants, "/tmp", TRUE);
    for (guint i = 0; fixed->read_only[i] != NULL; i++)
        if (strcmp(fixed->read_only[i], "/tmp") != 0)
            add_grant(grants, fixed->read_only[i], FALSE);
    for (guint i = 0; fixed->read_write[i] != NULL; i++)
        add_grant(grants, fixed->read_write[i], TRUE);
    if (fixed->include_workdir && strcmp(workdir, "/") != 0)
        add_grant(grants, workdir, TRUE);
    return grants;
}

static gboolean
covers(const char *folder, const char *path)
{
    gsize length = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return TRUE;
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/*
 * @path holds no links; a folder with a read-only grant below it is a mount point in the box, as
 * every grant is. Returns: (nullable): the grant by which the box can put something else there.
 */
static const Grant *
find_writable(const GArray *grants, const char *path, gboolean is_folder)
{
    const Grant *inner = NULL;

    for (guint i = 0; i < grants->len; i++) {
        const Grant *grant = &g_array_index(grants, Grant, i);
        gsize length = strlen(grant->real);

        if (is_folder && covers(path, grant->real) &&
            (!grant->writable || strcmp(path, grant->real) == 0))
            return NULL;
        if (!covers(grant->real, path))
            continue;
        if (inner == NULL || length > strlen(inner->real) ||
            (length == strlen(inner->real) && grant->writable))
            inner = grant;
    }
    return inner != NULL && inner->writable ? inner : NULL;
}

/*
 * What stands in place of a link, or of "..": the first @length bytes of @path hold no links, so
 * that going up from there is a matter of text.
 */
static char *
join(const char *path, gsize length, const char *target, const char *rest)
{
    g_autofree char *folder = g_strndup(path, length);

    if (target[0] == '/')
        return g_strconcat(target, rest, NULL);
    if (strcmp(target, "..") == 0) {
        g_autofree char *above = g_build_filename(folder, "..", NULL);
        g_autofree char *parent = osh_policy_normalise_path(above, TRUE);

        return g_strconcat(parent, rest, NULL);
    }
    return g_strconcat(folder, target, rest, NULL);
}

/*
 * Follows @path as the kernel does. Returns: (nullable): the grant by which the box can write
 * something on the way; *ret_place, (transfer full), is what.
 */
static const Grant *
find_replaceable(const GArray *grants, const char *path, char **ret_place)
{
    g_autofree char *rest = osh_policy_normalise_path(path, FALSE);
    gsize at = 1;
    guint hops = 0;

    while (rest[at - 1] == '/' && rest[at] != '\0') {
        gsize end = at + strcspn(rest + at, "/");
        g_autofree char *prefix = g_strndup(rest, end);
        const Grant *grant = find_writable(grants, prefix, rest[end] == '/');
        g_autofree char *target = NULL;
        g_autofree char *joined = NULL;

        if (grant != NULL) {
            *ret_place = g_steal_pointer(&prefix);
            return grant;
        }
        target = strcmp(prefix + at, "..") == 0 ? g_strdup("..") : g_file_read_link(prefix, NULL);
        if (target == NULL) {
            at = rest[end] == '/' ? end + 1 : end;
            continue;
        }
        if (++hops > MAX_LINK_HOPS)
            return NULL;
        joined = join(rest, at, target, rest + end);
        g_free(rest);
        rest = osh_policy_normalise_path(joined, FALSE);
        at = 1;
    }
    return NULL;
}

static gboolean
is_deep(const char *part)
{
    return strcmp(part, "**") == 0;
}

/* One component more: @used[i] says that the first i parts of the pattern are used up. */
static void
step_below(const GStrv pattern, guint n_parts, const char *component, guint8 *used)
{
    guint8 before = 0;

    for (guint i = 0; i <= n_parts; i++) {
        guint8 here = used[i];

        used[i] = here && i < n_parts && is_deep(pattern[i]);
        if (before && !is_deep(pattern[i - 1])) {
            g_autoptr(OshGlob) glob = osh_glob_new(pattern[i - 1], '/', NULL);

            /* Braces over a slash were split: as if it matched. */
            used[i] |= glob == NULL ||
                       osh_glob_match(glob, component, strlen(component)) == OSH_GLOB_MATCHED;
        }
        if (i > 0 && used[i - 1] && is_deep(pattern[i - 1]))
            used[i] = 1;
        before = here;
    }
}

/* Whether something at or below @folder can match @text, a glob. */
static gboolean
reaches_below(const char *text, const char *folder)
{
    g_auto(GStrv) pattern = g_strsplit(*text == '/' ? text + 1 : text, "/", -1);
    g_auto(GStrv) components = g_strsplit(folder + 1, "/", -1);
    guint n_parts = g_strv_length(pattern);
    g_autofree guint8 *used = g_malloc0((gsize)n_parts + 1);

    for (guint i = 0; i == 0 || (i <= n_parts && is_deep(pattern[i - 1])); i++)
        used[i] = 1;
    for (guint k = 0; components[k] != NULL && *components[k] != '\0'; k++)
        step_below(pattern, n_parts, components[k], used);
    for (guint i = 0; i <= n_parts; i++)
        if (used[i])
            return TRUE;
    return FALSE;
}

static void
check_pattern(OshPolicyLoader *loader, const OshYamlNode *node, const GArray *grants)
{
    for (guint i = 0; i < grants->len; i++) {
        const Grant *grant = &g_array_index(grants, Grant, i);

        if (!grant->writable ||
            (!reaches_below(node->text, grant->real) && !reaches_below(node->text, grant->written)))
            continue;
        osh_yaml_warning_hint(loader->diagnostics, node,
                              g_strdup("name the programs one by one, or a folder that no "
                                       "read-write grant reaches"),
                              "'%s' also matches programs that the box itself can make, below the "
                              "writable %s: each of them then has what this policy allows",
                              node->text, grant->written);
        return;
    }
}

static void
check_binary(OshPolicyLoader *loader, const OshYamlNode *node, const GArray *grants)
{
    g_autofree char *place = NULL;
    const Grant *grant = find_replaceable(grants, node->text, &place);

    if (grant == NULL)
        return;
    osh_yaml_warning_hint(loader->diagnostics, node,
                          g_strdup("keep the program where the box cannot write, or list its "
                                   "folder in read_only"),
                          "the box can replace '%s' and then has what this policy allows: %s lies "
                          "in the writable %s",
                          node->text, place, grant->written);
}

void
osh_schema_check_binaries(OshPolicyLoader *loader)
{
    const OshPolicySnapshot *snapshot = loader->snapshot;
    g_autoptr(GArray) grants = find_grants(&snapshot->fixed);

    for (guint i = 0; i < snapshot->n_policies; i++) {
        const OshYamlNode *list = osh_yaml_find(snapshot->policies[i].source, "binaries");

        /* A policy for any program allows a replaced one as well: that needs no warning. */
        if (snapshot->policies[i].any_binary || list == NULL || list->kind != OSH_YAML_SEQUENCE)
            continue;
        for (const OshYamlNode *child = list->first; child != NULL; child = child->next) {
            const OshYamlNode *path = osh_yaml_find(child, "path");

            if (path == NULL || path->kind != OSH_YAML_SCALAR)
                continue;
            if (strchr(path->text, '*') != NULL)
                check_pattern(loader, path, grants);
            else if (path->text[0] == '/')
                check_binary(loader, path, grants);
        }
    }
}
