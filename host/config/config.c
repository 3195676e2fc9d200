/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration. [main]. It must never let a setting pass that nobody will look at: a typing
 * error in a file that restrains programs is otherwise found by the program.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "auto-fd.h"
#include "key-file.h"
#include "openshell/host.h"
#include "osh-suggest.h"
#include "osh-text.h"

/* One value with the place it was written at, "host.conf:12" or "--set". */
typedef struct {
    char *key;
    char *text;
    char *origin;
} Setting;

typedef struct {
    char *origin;
    OshTristate enabled;
    OshTristate required;
    GPtrArray *settings;
} PluginSettings;

struct _OshConfig {
    GHashTable *host;
    GHashTable *plugins;
    GPtrArray *assignments;
};

static const struct {
    const char *key;
    OshConfigType type;
    gint64 minimum;
    gint64 maximum;
} host_keys[] = {
    {"policy", OSH_CONFIG_PATH, 0, 0},
    {"policy-posture", OSH_CONFIG_STRING, 0, 0},
    {"plugin-dirs", OSH_CONFIG_STRINGS, 0, 0},
    {"events", OSH_CONFIG_PATH, 0, 0},
    {"record", OSH_CONFIG_PATH, 0, 0},
    {"workdir", OSH_CONFIG_PATH, 0, 0},
    {"allow-degraded", OSH_CONFIG_STRINGS, 0, 0},
    {"quiet", OSH_CONFIG_BOOLEAN, 0, 0},
    {"timeout", OSH_CONFIG_INTEGER, 0, 31536000},
    {"shards", OSH_CONFIG_INTEGER, 0, 256},
    {"start-timeout", OSH_CONFIG_INTEGER, 1, 3600},
    {"stop-timeout", OSH_CONFIG_INTEGER, 1, 3600},
};

static void
setting_free(gpointer data)
{
    Setting *setting = data;

    g_free(setting->key);
    g_free(setting->text);
    g_free(setting->origin);
    g_free(setting);
}

static void
plugin_settings_free(gpointer data)
{
    PluginSettings *settings = data;

    g_free(settings->origin);
    g_ptr_array_unref(settings->settings);
    g_free(settings);
}

OshConfig *
osh_config_new(void)
{
    OshConfig *config = g_new0(OshConfig, 1);

    config->host =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
    config->plugins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, plugin_settings_free);
    config->assignments = g_ptr_array_new_with_free_func(setting_free);
    return config;
}

void
osh_config_free(OshConfig *config)
{
    if (config == NULL)
        return;
    g_hash_table_unref(config->host);
    g_hash_table_unref(config->plugins);
    g_ptr_array_unref(config->assignments);
    g_free(config);
}

static PluginSettings *
settings_for(OshConfig *config, const char *id, const char *origin)
{
    PluginSettings *settings = g_hash_table_lookup(config->plugins, id);

    if (settings == NULL) {
        settings = g_new0(PluginSettings, 1);
        settings->origin = g_strdup(origin);
        settings->enabled = OSH_UNSET;
        settings->required = OSH_UNSET;
        settings->settings = g_ptr_array_new_with_free_func(setting_free);
        g_hash_table_insert(config->plugins, g_strdup(id), settings);
    }
    return settings;
}

/* A later setting of the same key replaces the earlier one: the command line comes last. */
static void
add_setting(PluginSettings *settings, const char *key, const char *text, const char *origin)
{
    Setting *setting = g_new0(Setting, 1);

    for (guint i = 0; i < settings->settings->len; i++) {
        const Setting *old = g_ptr_array_index(settings->settings, i);

        if (g_str_equal(old->key, key)) {
            g_ptr_array_remove_index(settings->settings, i);
            break;
        }
    }
    setting->key = g_strdup(key);
    setting->text = g_strdup(text);
    setting->origin = g_strdup(origin);
    g_ptr_array_add(settings->settings, setting);
}

static gboolean
set_switch(PluginSettings *settings, const char *key, const char *text, const char *origin,
           GError **error)
{
    g_autoptr(GVariant) value = osh_config_value_parse(OSH_CONFIG_BOOLEAN, text, error);
    OshTristate state;

    if (value == NULL) {
        g_prefix_error(error, "%s: %s: ", origin, key);
        return FALSE;
    }
    state = g_variant_get_boolean(value) ? OSH_TRUE : OSH_FALSE;
    if (g_str_equal(key, "enabled"))
        settings->enabled = state;
    else
        settings->required = state;
    return TRUE;
}

static gboolean
set_plugin_key(PluginSettings *settings, const char *key, const char *text, const char *origin,
               GError **error)
{
    if (g_str_equal(key, "enabled") || g_str_equal(key, "required"))
        return set_switch(settings, key, text, origin, error);
    add_setting(settings, key, text, origin);
    return TRUE;
}

static gboolean
read_host_entry(OshConfig *config, const OshKeyFile *key_file, const OshKeyFileEntry *entry,
                GError **error)
{
    const char *names[G_N_ELEMENTS(host_keys) + 1] = {NULL};
    g_autofree char *suggestion = NULL;
    g_autofree char *known = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(host_keys); i++) {
        g_autoptr(GVariant) value = NULL;

        names[i] = host_keys[i].key;
        if (!g_str_equal(host_keys[i].key, entry->key))
            continue;
        value = osh_config_value_parse(host_keys[i].type, entry->value, error);
        if (value == NULL) {
            g_prefix_error(error, "%s:%u: %s: ", key_file->name, entry->line, entry->key);
            return FALSE;
        }
        if (host_keys[i].type == OSH_CONFIG_INTEGER &&
            (g_variant_get_int64(value) < host_keys[i].minimum ||
             g_variant_get_int64(value) > host_keys[i].maximum)) {
            osh_key_file_set_error(error, key_file, entry->line,
                                   "%s: expected %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                                   entry->key, host_keys[i].minimum, host_keys[i].maximum);
            return FALSE;
        }
        g_hash_table_insert(config->host, g_strdup(entry->key), g_steal_pointer(&value));
        return TRUE;
    }
    suggestion = osh_suggest_clause(entry->key, names);
    known = suggestion[0] == '\0' ? g_strjoinv(", ", (char **)names) : g_strdup("");
    osh_key_file_set_error(error, key_file, entry->line, "unknown key '%s' in [host]%s%s%s",
                           entry->key, suggestion, known[0] != '\0' ? "; known here: " : "", known);
    return FALSE;
}

static gboolean
read_plugin_group(OshConfig *config, const OshKeyFile *key_file, const OshKeyFileGroup *group,
                  const char *id, GError **error)
{
    g_autofree char *origin = g_strdup_printf("%s:%u", key_file->name, group->line);
    PluginSettings *settings;

    if (!osh_manifest_id_is_valid(id)) {
        osh_key_file_set_error(error, key_file, group->line, "'%s' is not a plugin id", id);
        return FALSE;
    }
    settings = settings_for(config, id, origin);
    for (guint i = 0; i < group->entries->len; i++) {
        const OshKeyFileEntry *entry = g_ptr_array_index(group->entries, i);
        g_autofree char *place = g_strdup_printf("%s:%u", key_file->name, entry->line);

        if (!set_plugin_key(settings, entry->key, entry->value, place, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
osh_config_parse(OshConfig *config, const char *name, const char *text, gsize length,
                 GError **error)
{
    g_autoptr(OshKeyFile) key_file = osh_key_file_parse(name, text, length, error);

    if (key_file == NULL)
        return FALSE;
    for (guint i = 0; i < key_file->groups->len; i++) {
        const OshKeyFileGroup *group = g_ptr_array_index(key_file->groups, i);

        if (g_str_has_prefix(group->name, "plugin ")) {
            if (!read_plugin_group(config, key_file, group, group->name + strlen("plugin "), error))
                return FALSE;
            continue;
        }
        if (!g_str_equal(group->name, "host")) {
            osh_key_file_set_error(error, key_file, group->line,
                                   "unknown group [%s]: expected [host] or [plugin ID]",
                                   group->name);
            return FALSE;
        }
        for (guint j = 0; j < group->entries->len; j++)
            if (!read_host_entry(config, key_file, g_ptr_array_index(group->entries, j), error))
                return FALSE;
    }
    return TRUE;
}

gboolean
osh_config_load(OshConfig *config, const char *path, GError **error)
{
    osh_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *text = NULL;
    gsize length = 0;
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND, "cannot read configuration %s: %s", path,
                    g_strerror(errno));
        return FALSE;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "cannot read configuration %s: it is not a regular file", path);
        return FALSE;
    }
    text = g_malloc(OSH_KEY_FILE_MAX + 1);
    while (length <= OSH_KEY_FILE_MAX) {
        ssize_t got = read(fd, text + length, OSH_KEY_FILE_MAX + 1 - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot read configuration %s: %s",
                        path, g_strerror(errno));
            return FALSE;
        }
        if (got == 0)
            break;
        length += (gsize)got;
    }
    return osh_config_parse(config, path, text, length, error);
}

/* Who repeats an option to lengthen a list would otherwise never learn what was lost. */
static void
warn_of_repetition(const OshConfig *config, const char *key)
{
    for (guint i = 0; i < config->assignments->len; i++) {
        g_autoptr(GString) line = NULL;

        if (!g_str_equal(((const Setting *)g_ptr_array_index(config->assignments, i))->key, key))
            continue;
        line = g_string_new("openshell: --set ");
        osh_text_append_terminal(line, key);
        g_printerr("%s is given twice: only the last value counts; a list is one value, its words "
                   "separated by ';', in quotes for the shell: --set 'KEY=A;B'\n",
                   line->str);
        return;
    }
}

gboolean
osh_config_set(OshConfig *config, const char *assignment, GError **error)
{
    const char *equals = strchr(assignment, '=');
    g_autofree char *name =
        equals != NULL ? g_strndup(assignment, (gsize)(equals - assignment)) : NULL;
    Setting *setting;

    if (name == NULL || strchr(name, '.') == NULL || name[0] == '.' ||
        name[strlen(name) - 1] == '.') {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "--set %s: expected --set ID.KEY=VALUE",
                    assignment);
        return FALSE;
    }
    warn_of_repetition(config, name);
    setting = g_new0(Setting, 1);
    setting->key = g_steal_pointer(&name);
    setting->text = g_strdup(equals + 1);
    setting->origin = g_strdup("--set");
    g_ptr_array_add(config->assignments, setting);
    return TRUE;
}

void
osh_config_enable(OshConfig *config, const char *id, gboolean enabled, const char *origin)
{
    settings_for(config, id, origin)->enabled = enabled ? OSH_TRUE : OSH_FALSE;
}

/* Returns: (nullable): the plugin with that id, or else the one that plays the role of that name */
static const OshManifest *
find_manifest(const GPtrArray *manifests, const char *id)
{
    const OshManifest *player = NULL;

    for (guint i = 0; i < manifests->len; i++) {
        const OshManifest *manifest = g_ptr_array_index(manifests, i);

        if (g_str_equal(manifest->id, id))
            return manifest;
        if (player == NULL && g_strcmp0(manifest->role, id) == 0)
            player = manifest;
    }
    return player;
}

static gboolean
refuse_unknown_plugin(const GPtrArray *manifests, const char *id, const char *origin,
                      GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_autofree char *suggestion = NULL;

    for (guint i = 0; i < manifests->len; i++)
        g_ptr_array_add(ids, ((const OshManifest *)g_ptr_array_index(manifests, i))->id);
    g_ptr_array_add(ids, NULL);
    suggestion = osh_suggest_clause(id, (const char *const *)ids->pdata);
    g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                "%s: no plugin with the id '%s' was found%s ('openshell-host plugins' lists them)",
                origin, id, suggestion);
    return FALSE;
}

/* Splits "ID.key" at the last dot that leaves the id of a plugin. */
static gboolean
assign(OshConfig *config, const GPtrArray *manifests, const Setting *assignment, GError **error)
{
    g_autofree char *id = g_strdup(assignment->key);
    char *dot;

    while ((dot = strrchr(id, '.')) != NULL) {
        const OshManifest *manifest;

        *dot = '\0';
        manifest = find_manifest(manifests, id);
        if (manifest != NULL)
            return set_plugin_key(settings_for(config, manifest->id, assignment->origin),
                                  assignment->key + strlen(id) + 1, assignment->text,
                                  assignment->origin, error);
    }
    g_free(id);
    id = g_strndup(assignment->key, (gsize)(strrchr(assignment->key, '.') - assignment->key));
    return refuse_unknown_plugin(manifests, id, assignment->origin, error);
}

static gboolean
check_keys(const PluginSettings *settings, const OshManifest *manifest, GError **error)
{
    for (guint i = 0; i < settings->settings->len; i++) {
        const Setting *setting = g_ptr_array_index(settings->settings, i);
        g_autoptr(GPtrArray) keys = NULL;
        g_autofree char *suggestion = NULL;

        if (osh_manifest_config_key(manifest, setting->key) != NULL)
            continue;
        keys = g_ptr_array_new();
        g_ptr_array_add(keys, (gpointer) "enabled");
        g_ptr_array_add(keys, (gpointer) "required");
        for (guint j = 0; j < manifest->config_keys->len; j++)
            g_ptr_array_add(
                keys,
                ((const OshManifestConfigKey *)g_ptr_array_index(manifest->config_keys, j))->key);
        g_ptr_array_add(keys, NULL);
        suggestion = osh_suggest_clause(setting->key, (const char *const *)keys->pdata);
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s: plugin %s has no key '%s'%s ('openshell-host plugins inspect %s' lists "
                    "them)",
                    setting->origin, manifest->id, setting->key, suggestion, manifest->id);
        return FALSE;
    }
    return TRUE;
}

static const Setting *
find_setting(const PluginSettings *settings, const char *key)
{
    for (guint i = 0; settings != NULL && i < settings->settings->len; i++) {
        const Setting *setting = g_ptr_array_index(settings->settings, i);

        if (g_str_equal(setting->key, key))
            return setting;
    }
    return NULL;
}

static void
copy_settings(PluginSettings *settings, const PluginSettings *said)
{
    if (settings->required == OSH_UNSET)
        settings->required = said->required;
    for (guint i = 0; i < said->settings->len; i++) {
        const Setting *setting = g_ptr_array_index(said->settings, i);

        if (find_setting(settings, setting->key) == NULL)
            add_setting(settings, setting->key, setting->text, setting->origin);
    }
}

/* What was said of a role is said of the plugin that plays it, and of each that could instead when
 * the role is not wanted. What was said of a plugin by its own id stands. */
static void
move_role(OshConfig *config, const GPtrArray *manifests, const char *role)
{
    PluginSettings *said = g_hash_table_lookup(config->plugins, role);
    const OshManifest *first = find_manifest(manifests, role);

    if (said == NULL || first == NULL || g_str_equal(first->id, role))
        return;
    copy_settings(settings_for(config, first->id, said->origin), said);
    for (guint i = 0; i < manifests->len; i++) {
        const OshManifest *manifest = g_ptr_array_index(manifests, i);
        PluginSettings *settings;

        if (g_strcmp0(manifest->role, role) != 0)
            continue;
        settings = settings_for(config, manifest->id, said->origin);
        if (settings->enabled == OSH_UNSET)
            settings->enabled = said->enabled;
    }
    g_hash_table_remove(config->plugins, role);
}

gboolean
osh_config_check(OshConfig *config, const GPtrArray *manifests, GError **error)
{
    GHashTableIter iterator;
    gpointer id;
    gpointer value;

    move_role(config, manifests, OSH_ROLE_PROCESS);
    move_role(config, manifests, OSH_ROLE_NETWORK);
    for (guint i = 0; i < config->assignments->len; i++)
        if (!assign(config, manifests, g_ptr_array_index(config->assignments, i), error))
            return FALSE;
    g_ptr_array_set_size(config->assignments, 0);
    g_hash_table_iter_init(&iterator, config->plugins);
    while (g_hash_table_iter_next(&iterator, &id, &value)) {
        const OshManifest *manifest = find_manifest(manifests, id);
        const PluginSettings *settings = value;

        if (manifest == NULL && settings->enabled == OSH_FALSE && osh_role_is_known(id))
            continue;
        if (manifest == NULL)
            return refuse_unknown_plugin(manifests, id, settings->origin, error);
        if (!check_keys(settings, manifest, error))
            return FALSE;
    }
    return TRUE;
}

OshTristate
osh_config_enabled(const OshConfig *config, const char *id)
{
    const PluginSettings *settings = g_hash_table_lookup(config->plugins, id);

    return settings != NULL ? settings->enabled : OSH_UNSET;
}

OshTristate
osh_config_required(const OshConfig *config, const char *id)
{
    const PluginSettings *settings = g_hash_table_lookup(config->plugins, id);

    return settings != NULL ? settings->required : OSH_UNSET;
}

GVariant *
osh_config_for_plugin(const OshConfig *config, const OshManifest *manifest, GError **error)
{
    const PluginSettings *settings = g_hash_table_lookup(config->plugins, manifest->id);
    g_auto(GVariantDict) dict;

    g_variant_dict_init(&dict, NULL);
    for (guint i = 0; i < manifest->config_keys->len; i++) {
        const OshManifestConfigKey *key = g_ptr_array_index(manifest->config_keys, i);
        const Setting *setting = find_setting(settings, key->key);
        g_autoptr(GVariant) value = NULL;

        if (setting != NULL) {
            value = osh_manifest_config_key_parse(key, setting->text, error);
            if (value == NULL) {
                g_prefix_error(error, "%s: %s of plugin %s: ", setting->origin, key->key,
                               manifest->id);
                return NULL;
            }
        } else if (key->default_value != NULL) {
            value = g_variant_ref(key->default_value);
        }
        if (value != NULL)
            g_variant_dict_insert_value(&dict, key->key, value);
    }
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

GVariant *
osh_config_host(const OshConfig *config, const char *key)
{
    return g_hash_table_lookup(config->host, key);
}

const char *
osh_config_host_text(const OshConfig *config, const char *key, const char *option)
{
    GVariant *value = option == NULL ? osh_config_host(config, key) : NULL;

    return value != NULL ? g_variant_get_string(value, NULL) : option;
}

gint64
osh_config_host_integer(const OshConfig *config, const char *key, gint64 fallback)
{
    GVariant *value = osh_config_host(config, key);

    return value != NULL ? g_variant_get_int64(value) : fallback;
}
