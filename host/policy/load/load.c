/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c: the one way from policy text to a snapshot.
 *
 * Read, check, expand, index; every step reports what it finds and the next one still runs, so that
 * one load shows all errors of a file. A snapshot comes out only when there was none. May run on
 * any thread; nothing is shared until it returns.
 */
#include "normalise.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
set_sha256(OshPolicySnapshot *snapshot, const char *text, gsize length)
{
    g_autofree char *digest =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);

    g_strlcpy(snapshot->sha256, digest, sizeof(snapshot->sha256));
}

static const char *const *
read_paths(OshPolicyLoader *loader, const OshYamlNode *mapping, const char *key)
{
    guint length;
    const char *const *paths = osh_schema_strings(loader, mapping, key, &length);
    const char **normalised =
        osh_arena_new_array(loader->snapshot->arena, const char *, length + 1);

    for (guint i = 0; i < length; i++) {
        g_autofree char *path = osh_policy_normalise_path(paths[i], FALSE);

        normalised[i] = osh_arena_copy(loader->snapshot->arena, path, strlen(path));
    }
    return normalised;
}

static const OshYamlNode *
section(OshPolicyLoader *loader, const char *name, const char *const *keys)
{
    const OshYamlNode *node = osh_yaml_find(loader->root, name);
    const OshYamlNode *mapping = node != NULL ? osh_schema_mapping(loader, node) : NULL;

    if (mapping != NULL && keys != NULL)
        osh_schema_keys(loader, mapping, keys);
    return mapping;
}

static void
read_static(OshPolicyLoader *loader)
{
    static const char *const none[] = {NULL};
    static const char *const filesystem_keys[] = {"include_workdir", "read_only", "read_write",
                                                  NULL};
    static const char *const landlock_keys[] = {"compatibility", NULL};
    static const char *const landlock_words[] = {"best_effort", "hard_requirement", NULL};
    static const char *const process_keys[] = {"run_as_user", "run_as_group", NULL};
    OshPolicyFixed *fixed = &loader->snapshot->fixed;
    const OshYamlNode *mapping;
    const char *text;

    fixed->version = 1;
    fixed->read_only = none;
    fixed->read_write = none;
    fixed->include_workdir = TRUE;
    mapping = section(loader, "filesystem_policy", filesystem_keys);
    if (mapping != NULL) {
        /* as in OpenShell: a section that is present and does not say it means FALSE */
        fixed->include_workdir = osh_schema_boolean(loader, mapping, "include_workdir", FALSE);
        fixed->read_only = read_paths(loader, mapping, "read_only");
        fixed->read_write = read_paths(loader, mapping, "read_write");
    }
    mapping = section(loader, "landlock", landlock_keys);
    if (mapping != NULL) {
        text = osh_schema_word(loader, mapping, "compatibility", landlock_words);
        if (g_strcmp0(text, "hard_requirement") == 0)
            fixed->landlock = OSH_POLICY_HARD_REQUIREMENT;
    }
    mapping = section(loader, "process", process_keys);
    if (mapping != NULL) {
        text = osh_schema_string(loader, mapping, "run_as_user");
        fixed->run_as_user = text != NULL && *text != '\0' ? text : NULL;
        text = osh_schema_string(loader, mapping, "run_as_group");
        fixed->run_as_group = text != NULL && *text != '\0' ? text : NULL;
    }
}

/* What a plugin sees of it; the file is named so that a box can protect it. */
static void
publish_static(OshPolicySnapshot *snapshot)
{
    snapshot->static_part = (OshPolicyStatic){
        .struct_size = sizeof(OshPolicyStatic),
        .hard_requirement = snapshot->fixed.landlock == OSH_POLICY_HARD_REQUIREMENT,
        .include_workdir = snapshot->fixed.include_workdir,
        .read_only = snapshot->fixed.read_only,
        .read_write = snapshot->fixed.read_write,
        .run_as_user = snapshot->fixed.run_as_user,
        .run_as_group = snapshot->fixed.run_as_group,
        .source_path = snapshot->file_name,
    };
}

/* Checks `preset`, which describes a fragment; nothing of it is kept. */
static void
read_preset(OshPolicyLoader *loader)
{
    const OshYamlNode *preset = osh_yaml_find(loader->root, "preset");
    const OshYamlNode *mapping = preset != NULL ? osh_schema_mapping(loader, preset) : NULL;

    if (mapping == NULL)
        return;
    osh_schema_string(loader, mapping, "name");
    osh_schema_string(loader, mapping, "description");
    for (const OshYamlNode *child = loader->root->first; child != NULL; child = child->next)
        if (strcmp(child->key, "filesystem_policy") == 0 || strcmp(child->key, "landlock") == 0 ||
            strcmp(child->key, "process") == 0)
            osh_yaml_error(loader->diagnostics, child,
                           "a fragment adds network_policies and network_middlewares only");
}

static void
read_everything(OshPolicyLoader *loader)
{
    static const char *const keys[] = {
        "preset",  "version",          "filesystem_policy",   "landlock",
        "process", "network_policies", "network_middlewares", NULL};
    gboolean fragment = (loader->request->flags & OSH_POLICY_LOAD_FRAGMENT) != 0;
    OshPolicySnapshot *snapshot = loader->snapshot;
    const OshYamlNode *mapping;

    osh_schema_keys(loader, loader->root, fragment ? keys : keys + 1);
    if (fragment)
        read_preset(loader);
    read_static(loader);
    publish_static(snapshot);
    osh_schema_check_static(loader);
    mapping = section(loader, "network_policies", NULL);
    if (mapping != NULL)
        osh_schema_read_policies(loader, mapping);
    snapshot->n_endpoints = loader->endpoints->len;
    snapshot->endpoints =
        osh_arena_new_array(snapshot->arena, OshPolicyEndpoint, snapshot->n_endpoints);
    for (guint i = 0; i < loader->endpoints->len; i++) {
        const OshPolicyEndpoint *endpoint = &g_array_index(loader->endpoints, OshPolicyEndpoint, i);

        osh_schema_check_endpoint(loader, endpoint);
        osh_schema_check_inspection(loader, endpoint);
        if (endpoint->protocol == OSH_POLICY_PROTOCOL_JSONRPC ||
            endpoint->protocol == OSH_POLICY_PROTOCOL_MCP)
            osh_schema_check_rpc(loader, endpoint);
    }
}

static gboolean
matchers_broken(const OshPolicyKeyMatcher *matchers, guint length)
{
    for (guint i = 0; i < length; i++)
        for (guint k = 0; k < matchers[i].matcher.n_patterns; k++)
            if (matchers[i].matcher.patterns[k]->glob == NULL)
                return TRUE;
    return FALSE;
}

static gboolean
is_broken(const OshPolicyRule *rule)
{
    gboolean broken = (rule->path != NULL && rule->path->glob == NULL) ||
                      (rule->method_pattern != NULL && rule->method_pattern->glob == NULL) ||
                      (rule->operation_name != NULL && rule->operation_name->glob == NULL) ||
                      matchers_broken(rule->query, rule->n_query) ||
                      matchers_broken(rule->params, rule->n_params);

    broken |= matchers_broken(rule->arguments, rule->n_arguments);
    for (guint i = 0; i < rule->n_fields; i++)
        broken |= rule->fields[i]->glob == NULL;
    return broken;
}

/* What every endpoint's request rules need to know about all of them. */
static void
finish_endpoints(OshPolicyLoader *loader)
{
    OshPolicySnapshot *snapshot = loader->snapshot;

    for (guint i = 0; i < snapshot->n_endpoints; i++) {
        OshPolicyEndpointMatch *match = (OshPolicyEndpointMatch *)snapshot->endpoints[i].match;

        for (guint k = 0; k < match->n_rules; k++)
            match->has_broken_pattern |= is_broken(&match->rules[k]);
        for (guint k = 0; k < match->n_rules; k++)
            for (guint p = 0; p < match->rules[k].n_params; p++)
                match->has_tool_rules |= strcmp(match->rules[k].params[p].key, "name") == 0;
        for (guint k = 0; k < match->n_rules; k++)
            match->has_tool_rules |= match->rules[k].n_arguments > 0;
        match->source = NULL;
    }
    for (guint i = 0; i < snapshot->n_policies; i++)
        snapshot->policies[i].source = NULL;
}

/* Returns: how many errors it has found */
static guint
check_portable(OshPolicyLoader *loader)
{
    guint before = osh_policy_diagnostics_n_errors(loader->diagnostics);

    osh_schema_check_openshell(loader);
    return osh_policy_diagnostics_n_errors(loader->diagnostics) - before;
}

static void
load_document(OshPolicyLoader *loader)
{
    OshPolicySnapshot *snapshot = loader->snapshot;
    const OshYamlNode *middlewares;
    guint errors = osh_policy_diagnostics_n_errors(loader->diagnostics);
    gboolean enforceable;

    read_everything(loader);
    middlewares = section(loader, "network_middlewares", NULL);
    if (middlewares != NULL)
        osh_schema_read_middlewares(loader, middlewares);
    snapshot->static_part.inspects = middlewares != NULL && middlewares->length > 0;
    osh_schema_expand_presets(loader);
    if (snapshot->n_endpoints > 0)
        memcpy(snapshot->endpoints, loader->endpoints->data,
               snapshot->n_endpoints * sizeof(OshPolicyEndpoint));
    for (guint i = 0; i < snapshot->n_endpoints; i++)
        snapshot->static_part.inspects |= osh_policy_endpoint_inspects(&snapshot->endpoints[i]);
    enforceable = osh_schema_check_enforceable(loader);
    /* What OpenShell would not take is no hindrance to a run. */
    if (loader->request->flags & OSH_POLICY_LOAD_OPENSHELL)
        errors += check_portable(loader);
    if (loader->request->flags & OSH_POLICY_CHECK_WRITABLE)
        osh_schema_check_binaries(loader);
    if (loader->request->flags & OSH_POLICY_CHECK_PROGRAMS)
        osh_schema_check_programs(loader);
    snapshot->index = osh_policy_index_build(snapshot);
    osh_schema_check_ambiguity(loader);
    osh_schema_check_neighbours(loader);
    finish_endpoints(loader);
    if (loader->request->ret_enforceable != NULL)
        *loader->request->ret_enforceable =
            enforceable && osh_policy_diagnostics_n_errors(loader->diagnostics) == errors;
}

static OshPolicySnapshot *
load_text(const OshPolicyLoadRequest *request, const char *text, gsize length,
          OshPolicyDiagnostics *diagnostics)
{
    const char *name = request->file_name != NULL ? request->file_name : request->path;
    g_autoptr(OshPolicySnapshot) snapshot = osh_policy_snapshot_new(name, request->generation);
    g_autoptr(OshArena) arena = osh_arena_new();
    g_autoptr(GArray) endpoints = g_array_new(FALSE, TRUE, sizeof(OshPolicyEndpoint));
    g_autoptr(GPtrArray) preset_rules = g_ptr_array_new_with_free_func(g_free);
    OshPolicyLoader loader = {snapshot, diagnostics, NULL, request, endpoints, preset_rules};
    guint errors_before = osh_policy_diagnostics_n_errors(diagnostics);

    if (request->protocols != NULL)
        snapshot->protocols = osh_policy_protocol_table_ref(request->protocols);
    osh_policy_diagnostics_set_file(diagnostics, name);
    if (length > OSH_POLICY_MAX_FILE) {
        osh_policy_diagnostics_add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, 0, 0, NULL,
                                   g_strdup("the policy is larger than 4 MiB"), NULL);
        return NULL;
    }
    set_sha256(snapshot, text, length);
    loader.root = osh_yaml_parse(arena, text, length, diagnostics);
    if (loader.root == NULL)
        return NULL;
    load_document(&loader);
    if (osh_policy_diagnostics_n_errors(diagnostics) > errors_before)
        return NULL;
    return g_steal_pointer(&snapshot);
}

OshPolicySnapshot *
osh_policy_load(const OshPolicyLoadRequest *request, OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GString) text = NULL;

    if (request->ret_enforceable != NULL)
        *request->ret_enforceable = FALSE;
    if (request->path == NULL)
        return load_text(request, request->text, request->length, diagnostics);
    text = osh_policy_read_file(request->path, diagnostics);
    return text != NULL ? load_text(request, text->str, text->len, diagnostics) : NULL;
}

static gboolean
read_descriptor(int fd, GString *text)
{
    char buffer[65536];

    for (;;) {
        gssize count = read(fd, buffer, sizeof(buffer));

        if (count == 0)
            return TRUE;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return FALSE;
        g_string_append_len(text, buffer, count);
        if (text->len > OSH_POLICY_MAX_FILE) {
            errno = EFBIG;
            return FALSE;
        }
    }
}

/* A FIFO or device could block or never end; standard input alone may be a pipe. */
static gboolean
is_regular(int fd, int *ret_failure)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        *ret_failure = errno;
    else if (S_ISDIR(status.st_mode))
        *ret_failure = EISDIR;
    else if (!S_ISREG(status.st_mode))
        *ret_failure = ENOTSUP;
    return *ret_failure == 0;
}

GString *
osh_policy_read_file(const char *path, OshPolicyDiagnostics *diagnostics)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int fd = path == NULL ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int failure = 0;

    if (fd < 0 || ((path == NULL || is_regular(fd, &failure)) && !read_descriptor(fd, text)))
        failure = errno;
    if (fd >= 0 && path != NULL)
        close(fd);
    if (failure != 0) {
        osh_policy_diagnostics_set_file(diagnostics, path != NULL ? path : "(standard input)");
        osh_policy_diagnostics_add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, 0, 0, NULL,
                                   failure == ENOTSUP ? g_strdup("not a regular file")
                                   : failure == EFBIG
                                       ? g_strdup_printf("larger than %d MiB, which no policy is",
                                                         OSH_POLICY_MAX_FILE >> 20)
                                       : g_strdup_printf("cannot be read: %s", g_strerror(failure)),
                                   NULL);
        return NULL;
    }
    return g_steal_pointer(&text);
}

OshPolicySnapshot *
osh_policy_default(void)
{
    static const char *const read_only[] = {"/usr",   "/bin", "/sbin", "/lib",
                                            "/lib64", "/etc", "/opt",  NULL};
    static const char *const read_write[] = {NULL};
    OshPolicySnapshot *snapshot = osh_policy_snapshot_new("(no policy)", 0);

    set_sha256(snapshot, "", 0);
    snapshot->fixed.version = 1;
    snapshot->fixed.read_only = read_only;
    snapshot->fixed.read_write = read_write;
    snapshot->fixed.include_workdir = TRUE;
    snapshot->fixed.private_tmp = TRUE;
    publish_static(snapshot);
    snapshot->static_part.source_path = NULL;
    snapshot->index = osh_policy_index_build(snapshot);
    return snapshot;
}
