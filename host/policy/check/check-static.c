/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-static.c: safety of version, filesystem and process sections.
 *
 * Runs on the loading thread, after the sections were read and before anything is expanded.
 */
#include "schema.h"

#include <string.h>

#define MAX_PATHS       256
#define MAX_PATH_LENGTH 4096
#define MAX_ID          G_GUINT64_CONSTANT(4294967294)

static gboolean
has_parent_component(const char *path)
{
    const char *p = path;

    while ((p = strstr(p, "..")) != NULL) {
        if ((p == path || p[-1] == '/') && (p[2] == '\0' || p[2] == '/'))
            return TRUE;
        p += 2;
    }
    return FALSE;
}

static void
check_path(OshPolicyLoader *loader, const OshYamlNode *node, gboolean writable)
{
    const char *path = node->text;

    if (node->kind != OSH_YAML_SCALAR)
        return;
    if (node->length > MAX_PATH_LENGTH) {
        osh_yaml_error(loader->diagnostics, node, "path exceeds the maximum length (%u > %d)",
                       node->length, MAX_PATH_LENGTH);
        return;
    }
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0'))
        osh_yaml_error(loader->diagnostics, node,
                       "path '%s' must be absolute; ~ is not expanded: write %s%s", path,
                       g_get_home_dir(), path + 1);
    else if (path[0] != '/')
        osh_yaml_error(loader->diagnostics, node, "path '%s' must be absolute", path);
    if (has_parent_component(path))
        osh_yaml_error(loader->diagnostics, node, "path '%s' must not contain the traversal '..'",
                       path);
    if (writable && strspn(path, "/.") == strlen(path) && !has_parent_component(path))
        osh_yaml_error(loader->diagnostics, node,
                       "read-write path '%s' is overly broad: it makes the whole system writable",
                       path);
}

static guint
check_paths(OshPolicyLoader *loader, const OshYamlNode *section, const char *key, gboolean writable)
{
    const OshYamlNode *list = osh_yaml_find(section, key);

    if (list == NULL || list->kind != OSH_YAML_SEQUENCE)
        return 0;
    for (const OshYamlNode *child = list->first; child != NULL; child = child->next)
        check_path(loader, child, writable);
    return list->length;
}

static void
check_identity(OshPolicyLoader *loader, const OshYamlNode *section, const char *key)
{
    const OshYamlNode *node = osh_yaml_find(section, key);
    guint64 id;

    if (node == NULL || node->kind != OSH_YAML_SCALAR || node->length == 0 ||
        osh_yaml_scalar_type(node) != OSH_YAML_STRING || strcmp(node->text, "sandbox") == 0)
        return;
    if (g_ascii_isdigit(node->text[0]) &&
        g_ascii_string_to_unsigned(node->text, 10, 1, MAX_ID, &id, NULL))
        return;
    osh_yaml_error(loader->diagnostics, node,
                   "%s must be 'sandbox' or a numeric id from 1 to 4294967294, got '%s'", key,
                   node->text);
}

static void
check_version(OshPolicyLoader *loader)
{
    const OshYamlNode *version = osh_yaml_find(loader->root, "version");
    gboolean fragment = (loader->request->flags & OSH_POLICY_LOAD_FRAGMENT) != 0 &&
                        osh_yaml_find(loader->root, "preset") != NULL;
    guint64 number = 0;

    if (version == NULL && !fragment)
        osh_yaml_error_hint(loader->diagnostics, loader->root, g_strdup("begin with version: 1"),
                            "missing key 'version'");
    if (version != NULL && (!osh_yaml_integer(version, &number) || number != 1))
        osh_yaml_error_hint(loader->diagnostics, version, g_strdup("write version: 1"),
                            "unsupported policy version: it must be the integer 1");
}

void
osh_schema_check_static(OshPolicyLoader *loader)
{
    const OshYamlNode *section = osh_yaml_find(loader->root, "filesystem_policy");
    guint n_paths;

    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_PARSE);
    check_version(loader);
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_SAFETY);
    n_paths = check_paths(loader, section, "read_only", FALSE) +
              check_paths(loader, section, "read_write", TRUE);
    if (n_paths > MAX_PATHS)
        osh_yaml_error(loader->diagnostics, section, "too many filesystem paths (%u > %d)", n_paths,
                       MAX_PATHS);
    section = osh_yaml_find(loader->root, "process");
    check_identity(loader, section, "run_as_user");
    check_identity(loader, section, "run_as_group");
    osh_policy_diagnostics_set_stages(loader->diagnostics, OSH_POLICY_STAGE_PARSE);
}
