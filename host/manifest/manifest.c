/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a manifest: key-file groups into a checked #OshManifest. Pure, any thread.
 *
 * The text comes from a file that nobody has vouched for yet, so nothing here may trust it; what is
 * unknown is an error, because a key that is silently ignored is a promise silently broken.
 */
#include "manifest.h"

#include <string.h>

#include "key-file.h"
#include "manifest-reader.h"
#include "openshell/ext/process-launcher.h"
#include "openshell/plugin.h"

#define GROUPS_MAX 512

static void
topic_free(gpointer data)
{
    OshManifestTopic *topic = data;

    g_free(topic->name);
    g_free(topic->type);
    g_free(topic->ends);
    g_free(topic);
}

static void
protocol_free(gpointer data)
{
    OshManifestProtocol *protocol = data;

    g_free(protocol->name);
    g_free(protocol->carrier);
    g_strfreev(protocol->alpn);
    g_free(protocol->action);
    g_free(protocol->target);
    g_ptr_array_unref(protocol->options);
    g_free(protocol);
}

static void
fact_free(gpointer data)
{
    OshManifestFact *fact = data;

    g_free(fact->name);
    g_free(fact->protocol);
    g_free(fact->type);
    g_free(fact->separator);
    g_strfreev(fact->fields);
    g_strfreev(fact->values);
    g_free(fact);
}

void
osh_manifest_free(OshManifest *manifest)
{
    if (manifest == NULL)
        return;
    g_free(manifest->text);
    g_free(manifest->id);
    g_free(manifest->version);
    g_free(manifest->summary);
    g_free(manifest->license);
    g_free(manifest->role);
    g_strfreev(manifest->provides);
    g_strfreev(manifest->requires);
    g_strfreev(manifest->wants);
    g_strfreev(manifest->publishes);
    g_strfreev(manifest->middleware);
    g_ptr_array_unref(manifest->topics);
    g_ptr_array_unref(manifest->config_keys);
    g_ptr_array_unref(manifest->protocols);
    g_ptr_array_unref(manifest->facts);
    g_free(manifest);
}

gboolean
osh_manifest_provides(const OshManifest *manifest, const char *interface_id)
{
    return g_strv_contains((const char *const *)manifest->provides, interface_id);
}

gboolean
osh_manifest_uses(const OshManifest *manifest, const char *interface_id)
{
    return g_strv_contains((const char *const *)manifest->requires, interface_id) ||
           g_strv_contains((const char *const *)manifest->wants, interface_id);
}

gboolean
osh_role_is_known(const char *word)
{
    return g_str_equal(word, OSH_ROLE_PROCESS) || g_str_equal(word, OSH_ROLE_NETWORK);
}

const OshManifestConfigKey *
osh_manifest_config_key(const OshManifest *manifest, const char *key)
{
    for (guint i = 0; i < manifest->config_keys->len; i++) {
        const OshManifestConfigKey *declared = g_ptr_array_index(manifest->config_keys, i);

        if (g_str_equal(declared->key, key))
            return declared;
    }
    return NULL;
}

gboolean
osh_manifest_id_is_valid(const char *id)
{
    return osh_manifest_dotted_words(id, strlen(id), "-", OSH_MANIFEST_ID_MAX) &&
           !g_str_equal(id, "host");
}

static const char *
event_topic_type(const char *name)
{
    static const struct {
        const char *name;
        const char *type;
    } known[] = {
#define ROW(SYMBOL, symbol, Struct, class, retained, ends)                                         \
    {OSH_TOPIC_##SYMBOL, OSH_EVENT_TYPE(SYMBOL)},
        OSH_EVENT_TOPICS(ROW)
#undef ROW
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].name, name))
            return known[i].type;
    return NULL;
}

static gboolean
is_event_topic(const char *name)
{
    return event_topic_type(name) != NULL;
}

static gboolean
read_version(const OshManifestReader *reader, const OshKeyFileEntry *entry, guint parts,
             guint *ret_numbers)
{
    g_auto(GStrv) words = g_strsplit(entry->value, ".", -1);
    guint64 number = 0;

    for (guint i = 0; i < parts; i++) {
        if (g_strv_length(words) != parts ||
            !g_ascii_string_to_unsigned(words[i], 10, 0, 65535, &number, NULL)) {
            osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                                   "%s=%s is not %u numbers with dots between", entry->key,
                                   entry->value, parts);
            return FALSE;
        }
        ret_numbers[i] = (guint)number;
    }
    return TRUE;
}

static gboolean
read_identity(const OshManifestReader *reader, const OshKeyFileGroup *group)
{
    OshManifest *manifest = reader->manifest;
    const OshKeyFileEntry *id = osh_manifest_need(reader, group, "id");
    const OshKeyFileEntry *version =
        id != NULL ? osh_manifest_need(reader, group, "version") : NULL;
    const OshKeyFileEntry *abi = version != NULL ? osh_manifest_need(reader, group, "abi") : NULL;
    const OshKeyFileEntry *summary =
        abi != NULL ? osh_manifest_need(reader, group, "summary") : NULL;
    const OshKeyFileEntry *license =
        summary != NULL ? osh_manifest_need(reader, group, "license") : NULL;
    guint numbers[3];

    if (license == NULL)
        return FALSE;
    if (!osh_manifest_id_is_valid(id->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, id->line,
                               "id=%s is not a plugin id: one word, or reverse DNS, of a-z, 0-9 "
                               "and '-', at most %d long",
                               id->value, OSH_MANIFEST_ID_MAX);
        return FALSE;
    }
    if (!read_version(reader, version, 3, numbers) || !read_version(reader, abi, 2, numbers))
        return FALSE;
    manifest->abi_major = numbers[0];
    manifest->abi_minor = numbers[1];
    manifest->id = g_strdup(id->value);
    manifest->version = g_strdup(version->value);
    manifest->summary = g_strdup(summary->value);
    manifest->license = g_strdup(license->value);
    return TRUE;
}

/* That of process is played by providing what it consists of. */
static gboolean
read_role(const OshManifestReader *reader, const OshKeyFileGroup *group)
{
    static const char *const declared[] = {OSH_ROLE_NETWORK, NULL};
    OshManifest *manifest = reader->manifest;
    const char *role = NULL;

    if (osh_key_file_group_get(group, "role") != NULL) {
        role = osh_manifest_read_choice(reader, group, "role", declared, TRUE);
        if (role == NULL)
            return FALSE;
    } else if (osh_manifest_provides(manifest, OSH_INTERFACE_PROCESS_LAUNCHER)) {
        role = OSH_ROLE_PROCESS;
    }
    manifest->role = g_strdup(role);
    return TRUE;
}

/* As the policy writes it, for example `openshell/regex`. */
static gboolean
is_middleware_name(const char *text)
{
    gsize length = strlen(text);

    return length > 0 && length <= OSH_MANIFEST_NAME_MAX && text[0] != '/' &&
           text[length - 1] != '/' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_./") == length;
}

static gboolean
read_plugin(const OshManifestReader *reader, const OshKeyFileGroup *group)
{
    static const char *const known[] = {"id",       "version",    "abi",   "summary",   "license",
                                        "provides", "requires",   "wants", "publishes", "isolation",
                                        "role",     "middleware", NULL};
    static const char *const isolations[] = {"in-process", "worker-capable", NULL};
    static const char interface_shape[] = "an interface id such as openshell.shard/1";
    OshManifest *manifest = reader->manifest;
    const char *isolation;

    if (!osh_manifest_reject_unknown_keys(reader, group, known) || !read_identity(reader, group))
        return FALSE;
    isolation = osh_manifest_read_choice(reader, group, "isolation", isolations, FALSE);
    if (isolation == NULL)
        return FALSE;
    manifest->worker_capable = g_str_equal(isolation, "worker-capable");
    return osh_manifest_read_list(reader, group, "provides", osh_manifest_is_revisioned_name,
                                  interface_shape, &manifest->provides) &&
           osh_manifest_read_list(reader, group, "requires", osh_manifest_is_revisioned_name,
                                  interface_shape, &manifest->requires) &&
           osh_manifest_read_list(reader, group, "wants", osh_manifest_is_revisioned_name,
                                  interface_shape, &manifest->wants) &&
           osh_manifest_read_list(
               reader, group, "publishes", is_event_topic,
               "a topic of openshell/event.h; one of your own goes into a [topic] group",
               &manifest->publishes) &&
           osh_manifest_read_list(reader, group, "middleware", is_middleware_name,
                                  "a name such as example/redact", &manifest->middleware) &&
           read_role(reader, group);
}

static gboolean
tuple_may_be_a_topic(const char *type)
{
    const GVariantType *item = NULL;
    const GVariantType *last = NULL;

    if (!g_variant_type_string_is_valid(type) || !g_variant_type_is_tuple(G_VARIANT_TYPE(type)) ||
        !g_variant_type_is_definite(G_VARIANT_TYPE(type)))
        return FALSE;
    for (item = g_variant_type_first(G_VARIANT_TYPE(type)); item != NULL;
         item = g_variant_type_next(item))
        last = item;
    return last != NULL && g_variant_type_equal(last, G_VARIANT_TYPE_VARDICT);
}

static gboolean
read_topic(const OshManifestReader *reader, const OshKeyFileGroup *group, const char *name)
{
    static const char *const known[] = {"type", "class", "retained", "ends", NULL};
    static const char *const classes[] = {"lossless", "denial", "sampled", NULL};
    static const OshEventClass class_values[] = {OSH_EVENT_LOSSLESS, OSH_EVENT_DENIAL,
                                                 OSH_EVENT_SAMPLED};
    g_autofree char *prefix = g_strconcat(reader->manifest->id, ".", NULL);
    const OshKeyFileEntry *type;
    const OshKeyFileEntry *ends;
    const char *class_name;
    gboolean retained = FALSE;
    OshManifestTopic *topic;

    if (!osh_manifest_reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!osh_manifest_is_revisioned_name(name) || !g_str_has_prefix(name, prefix)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "topic '%s' must be named %sWORDS/REVISION", name, prefix);
        return FALSE;
    }
    type = osh_manifest_need(reader, group, "type");
    if (type == NULL)
        return FALSE;
    if (!tuple_may_be_a_topic(type->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, type->line,
                               "type=%s is not a GVariant tuple that ends in a{sv}", type->value);
        return FALSE;
    }
    class_name = osh_manifest_read_choice(reader, group, "class", classes, TRUE);
    if (class_name == NULL || !osh_manifest_read_boolean(reader, group, "retained", &retained))
        return FALSE;
    ends = osh_key_file_group_get(group, "ends");
    if (retained && g_variant_type_n_items(G_VARIANT_TYPE(type->value)) < 2) {
        osh_key_file_set_error(reader->error, reader->key_file, type->line,
                               "a retained topic needs a first member as its key");
        return FALSE;
    }
    topic = g_new0(OshManifestTopic, 1);
    topic->name = g_strdup(name);
    topic->type = g_strdup(type->value);
    topic->retained = retained;
    topic->ends = ends != NULL ? g_strdup(ends->value) : NULL;
    for (gsize i = 0; classes[i] != NULL; i++)
        if (g_str_equal(classes[i], class_name))
            topic->event_class = class_values[i];
    g_ptr_array_add(reader->manifest->topics, topic);
    return TRUE;
}

static gboolean
read_group(const OshManifestReader *reader, const OshKeyFileGroup *group)
{
    static const struct {
        const char *prefix;
        gboolean (*read)(const OshManifestReader *, const OshKeyFileGroup *, const char *);
    } kinds[] = {
        {"topic ", read_topic},
        {"config ", osh_manifest_read_config_key},
        {"protocol ", osh_manifest_read_protocol},
        {"fact ", osh_manifest_read_fact},
        {"option ", osh_manifest_read_option},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(group->name, kinds[i].prefix))
            return kinds[i].read(reader, group, group->name + strlen(kinds[i].prefix));
    osh_key_file_set_error(reader->error, reader->key_file, group->line,
                           "unknown manifest group [%s]: expected [topic NAME], [config KEY], "
                           "[protocol NAME], [fact NAME] or [option NAME]",
                           group->name);
    return FALSE;
}

static gboolean
is_known_retained(const OshManifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->topics->len; i++) {
        const OshManifestTopic *topic = g_ptr_array_index(manifest->topics, i);

        if (g_str_equal(topic->name, name))
            return topic->retained;
    }
    return FALSE;
}

/* A topic may end one that is declared below it, so this comes last. */
static gboolean
check_ends(const OshManifestReader *reader)
{
    for (guint i = 0; i < reader->manifest->topics->len; i++) {
        const OshManifestTopic *topic = g_ptr_array_index(reader->manifest->topics, i);

        if (topic->ends != NULL && !is_known_retained(reader->manifest, topic->ends)) {
            osh_key_file_set_error(reader->error, reader->key_file, 1,
                                   "topic %s ends %s, which is no retained topic of this plugin",
                                   topic->name, topic->ends);
            return FALSE;
        }
    }
    return TRUE;
}

static OshManifest *
manifest_new(void)
{
    OshManifest *manifest = g_new0(OshManifest, 1);

    manifest->provides = g_new0(char *, 1);
    manifest->requires = g_new0(char *, 1);
    manifest->wants = g_new0(char *, 1);
    manifest->publishes = g_new0(char *, 1);
    manifest->middleware = g_new0(char *, 1);
    manifest->topics = g_ptr_array_new_with_free_func(topic_free);
    manifest->config_keys =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_manifest_config_key_free);
    manifest->protocols = g_ptr_array_new_with_free_func(protocol_free);
    manifest->facts = g_ptr_array_new_with_free_func(fact_free);
    return manifest;
}

OshManifest *
osh_manifest_parse(const char *name, const char *text, gsize length, GError **error)
{
    g_autoptr(OshManifest) manifest = NULL;
    g_autoptr(OshKeyFile) key_file = NULL;
    const OshKeyFileGroup *first;
    OshManifestReader reader;

    if (length > OSH_PLUGIN_MANIFEST_MAX) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: manifest longer than %d bytes", name,
                    OSH_PLUGIN_MANIFEST_MAX);
        return NULL;
    }
    key_file = osh_key_file_parse(name, text, length, error);
    if (key_file == NULL)
        return NULL;
    manifest = manifest_new();
    manifest->text = g_strndup(text, length);
    reader = (OshManifestReader){key_file, manifest, error};
    first = key_file->groups->len > 0 ? g_ptr_array_index(key_file->groups, 0) : NULL;
    if (first == NULL || !g_str_equal(first->name, "plugin")) {
        osh_key_file_set_error(error, key_file, 1, "a manifest starts with the group [plugin]");
        return NULL;
    }
    if (key_file->groups->len > GROUPS_MAX) {
        osh_key_file_set_error(error, key_file, 1, "more than %d groups", GROUPS_MAX);
        return NULL;
    }
    if (!read_plugin(&reader, first))
        return NULL;
    for (guint i = 1; i < key_file->groups->len; i++)
        if (!read_group(&reader, g_ptr_array_index(key_file->groups, i)))
            return NULL;
    if (!check_ends(&reader) || !osh_manifest_check_protocols(&reader))
        return NULL;
    return g_steal_pointer(&manifest);
}
