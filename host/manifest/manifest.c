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
#include "openshell/plugin.h"
#include "osh-suggest.h"

#define ID_MAX          64
#define DOTTED_NAME_MAX 128
#define GROUPS_MAX      512

typedef struct {
    const OshKeyFile *key_file;
    OshManifest *manifest;
    GError **error;
} Reader;

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
config_key_free(gpointer data)
{
    OshManifestConfigKey *key = data;

    g_free(key->key);
    g_clear_pointer(&key->default_value, g_variant_unref);
    g_free(key->help);
    g_free(key);
}

static void
protocol_free(gpointer data)
{
    OshManifestProtocol *protocol = data;

    g_free(protocol->name);
    g_free(protocol->carrier);
    g_strfreev(protocol->alpn);
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
    g_free(fact);
}

void
osh_manifest_free(OshManifest *manifest)
{
    if (manifest == NULL)
        return;
    g_free(manifest->id);
    g_free(manifest->version);
    g_free(manifest->summary);
    g_free(manifest->license);
    g_strfreev(manifest->provides);
    g_strfreev(manifest->requires);
    g_strfreev(manifest->wants);
    g_strfreev(manifest->publishes);
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

/* Words of a-z, 0-9 and the characters of @extra, joined by dots; each starts with a letter or a
 * digit, the first with a letter. */
static gboolean
dotted_words(const char *text, gsize length, const char *extra, gsize maximum)
{
    gboolean word_starts = TRUE;

    if (length == 0 || length > maximum || !g_ascii_islower(text[0]))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (text[i] == '.') {
            if (word_starts)
                return FALSE;
            word_starts = TRUE;
        } else if (g_ascii_islower(text[i]) || g_ascii_isdigit(text[i])) {
            word_starts = FALSE;
        } else if (word_starts || strchr(extra, text[i]) == NULL) {
            return FALSE;
        }
    }
    return !word_starts;
}

gboolean
osh_manifest_id_is_valid(const char *id)
{
    return dotted_words(id, strlen(id), "-", ID_MAX) && !g_str_equal(id, "host");
}

/* "openshell.shard/1": dotted words and a revision from 1. */
static gboolean
revisioned_name(const char *text)
{
    const char *slash = strchr(text, '/');
    guint64 revision;

    return slash != NULL && dotted_words(text, (gsize)(slash - text), "-_", DOTTED_NAME_MAX) &&
           slash[1] != '0' && g_ascii_string_to_unsigned(slash + 1, 10, 1, 9999, &revision, NULL);
}

static gboolean
reject_unknown_keys(const Reader *reader, const OshKeyFileGroup *group, const char *const *known)
{
    for (guint i = 0; i < group->entries->len; i++) {
        const OshKeyFileEntry *entry = g_ptr_array_index(group->entries, i);
        g_autofree char *suggestion = NULL;

        if (g_strv_contains(known, entry->key))
            continue;
        suggestion = osh_suggest_clause(entry->key, known);
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "unknown manifest key '%s' in [%s]%s", entry->key, group->name,
                               suggestion);
        return FALSE;
    }
    return TRUE;
}

/* The value of a key that must be there and say something, or %NULL with the error set. */
static const OshKeyFileEntry *
need(const Reader *reader, const OshKeyFileGroup *group, const char *key)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);

    if (entry != NULL && entry->value[0] != '\0')
        return entry;
    osh_key_file_set_error(reader->error, reader->key_file, group->line,
                           "[%s] needs %s=", group->name, key);
    return NULL;
}

static gboolean
read_list(const Reader *reader, const OshKeyFileGroup *group, const char *key,
          gboolean (*is_valid)(const char *), const char *shape, char ***ret_list)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);
    g_auto(GStrv) list = NULL;

    if (entry == NULL)
        return TRUE;
    list = osh_config_split_list(entry->value);
    if (list == NULL) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "%s= has an empty element", key);
        return FALSE;
    }
    for (gsize i = 0; list[i] != NULL; i++) {
        if (!is_valid(list[i])) {
            osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                                   "%s=: '%s' is not %s", key, list[i], shape);
            return FALSE;
        }
        for (gsize j = 0; j < i; j++) {
            if (g_str_equal(list[i], list[j])) {
                osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                                       "%s= names %s twice", key, list[i]);
                return FALSE;
            }
        }
    }
    g_strfreev(*ret_list);
    *ret_list = g_steal_pointer(&list);
    return TRUE;
}

static gboolean
read_boolean(const Reader *reader, const OshKeyFileGroup *group, const char *key,
             gboolean *ret_value)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);

    if (entry == NULL)
        return TRUE;
    if (!g_str_equal(entry->value, "true") && !g_str_equal(entry->value, "false")) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "%s= must be true or false", key);
        return FALSE;
    }
    *ret_value = entry->value[0] == 't';
    return TRUE;
}

/* One of the words of @choices; the first is the default where @required is not set. */
static const char *
read_choice(const Reader *reader, const OshKeyFileGroup *group, const char *key,
            const char *const *choices, gboolean required)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);
    g_autofree char *words = NULL;

    if (entry == NULL && !required)
        return choices[0];
    if (entry == NULL) {
        need(reader, group, key);
        return NULL;
    }
    for (gsize i = 0; choices[i] != NULL; i++)
        if (g_str_equal(choices[i], entry->value))
            return choices[i];
    words = g_strjoinv(", ", (char **)choices);
    osh_key_file_set_error(reader->error, reader->key_file, entry->line, "%s=%s must be one of: %s",
                           key, entry->value, words);
    return NULL;
}

static const char *
event_topic_type(const char *name)
{
    static const struct {
        const char *name;
        const char *type;
    } known[] = {
#define ROW(symbol, topic, type, class, retained, ends) {topic, type},
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
read_version(const Reader *reader, const OshKeyFileEntry *entry, guint parts, guint *ret_numbers)
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
read_identity(const Reader *reader, const OshKeyFileGroup *group)
{
    OshManifest *manifest = reader->manifest;
    const OshKeyFileEntry *id = need(reader, group, "id");
    const OshKeyFileEntry *version = id != NULL ? need(reader, group, "version") : NULL;
    const OshKeyFileEntry *abi = version != NULL ? need(reader, group, "abi") : NULL;
    const OshKeyFileEntry *summary = abi != NULL ? need(reader, group, "summary") : NULL;
    const OshKeyFileEntry *license = summary != NULL ? need(reader, group, "license") : NULL;
    guint numbers[3];

    if (license == NULL)
        return FALSE;
    if (!osh_manifest_id_is_valid(id->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, id->line,
                               "id=%s is not a plugin id: one word, or reverse DNS, of a-z, 0-9 "
                               "and '-', at most %d long",
                               id->value, ID_MAX);
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

static gboolean
read_plugin(const Reader *reader, const OshKeyFileGroup *group)
{
    static const char *const known[] = {"id",        "version",   "abi",      "summary",
                                        "license",   "provides",  "requires", "wants",
                                        "publishes", "isolation", NULL};
    static const char *const isolations[] = {"in-process", "worker-capable", NULL};
    static const char interface_shape[] = "an interface id such as openshell.shard/1";
    OshManifest *manifest = reader->manifest;
    const char *isolation;

    if (!reject_unknown_keys(reader, group, known) || !read_identity(reader, group))
        return FALSE;
    isolation = read_choice(reader, group, "isolation", isolations, FALSE);
    if (isolation == NULL)
        return FALSE;
    manifest->worker_capable = g_str_equal(isolation, "worker-capable");
    return read_list(reader, group, "provides", revisioned_name, interface_shape,
                     &manifest->provides) &&
           read_list(reader, group, "requires", revisioned_name, interface_shape,
                     &manifest->requires) &&
           read_list(reader, group, "wants", revisioned_name, interface_shape, &manifest->wants) &&
           read_list(reader, group, "publishes", is_event_topic,
                     "a topic of openshell/event.h; one of your own goes into a [topic] group",
                     &manifest->publishes);
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
read_topic(const Reader *reader, const OshKeyFileGroup *group, const char *name)
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

    if (!reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!revisioned_name(name) || !g_str_has_prefix(name, prefix)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "topic '%s' must be named %sWORDS/REVISION", name, prefix);
        return FALSE;
    }
    type = need(reader, group, "type");
    if (type == NULL)
        return FALSE;
    if (!tuple_may_be_a_topic(type->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, type->line,
                               "type=%s is not a GVariant tuple that ends in a{sv}", type->value);
        return FALSE;
    }
    class_name = read_choice(reader, group, "class", classes, TRUE);
    if (class_name == NULL || !read_boolean(reader, group, "retained", &retained))
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
read_config_key(const Reader *reader, const OshKeyFileGroup *group, const char *name)
{
    static const char *const known[] = {"type", "default", "help", NULL};
    static const char *const reserved[] = {"enabled", "required", NULL};
    g_autoptr(GError) parse_error = NULL;
    g_autoptr(GVariant) default_value = NULL;
    const OshKeyFileEntry *type;
    const OshKeyFileEntry *entry;
    OshManifestConfigKey *key;

    if (!reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!dotted_words(name, strlen(name), "-_", ID_MAX) || g_strv_contains(reserved, name)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a configuration key", name);
        return FALSE;
    }
    type = need(reader, group, "type");
    if (type == NULL)
        return FALSE;
    if (osh_config_type_from_name(type->value) == 0) {
        osh_key_file_set_error(reader->error, reader->key_file, type->line,
                               "type=%s must be one of: string, path, integer, boolean, strings",
                               type->value);
        return FALSE;
    }
    entry = osh_key_file_group_get(group, "default");
    if (entry != NULL) {
        default_value = osh_config_value_parse(osh_config_type_from_name(type->value), entry->value,
                                               &parse_error);
        if (default_value == NULL) {
            osh_key_file_set_error(reader->error, reader->key_file, entry->line, "default=: %s",
                                   parse_error->message);
            return FALSE;
        }
    }
    key = g_new0(OshManifestConfigKey, 1);
    key->key = g_strdup(name);
    key->type = osh_config_type_from_name(type->value);
    key->default_value = g_steal_pointer(&default_value);
    entry = osh_key_file_group_get(group, "help");
    key->help = entry != NULL ? g_strdup(entry->value) : NULL;
    g_ptr_array_add(reader->manifest->config_keys, key);
    return TRUE;
}

static gboolean
is_alpn_name(const char *name)
{
    return strlen(name) <= 255;
}

static gboolean
read_protocol(const Reader *reader, const OshKeyFileGroup *group, const char *name)
{
    static const char *const known[] = {"carrier", "alpn", "server-speaks-first", NULL};
    static const char *const carriers[] = {"tcp", "http", "websocket", NULL};
    g_auto(GStrv) alpn = g_new0(char *, 1);
    gboolean speaks_first = FALSE;
    OshManifestProtocol *protocol;
    const char *carrier;

    if (!reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!dotted_words(name, strlen(name), "-_", ID_MAX)) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a protocol", name);
        return FALSE;
    }
    carrier = read_choice(reader, group, "carrier", carriers, TRUE);
    if (carrier == NULL || !read_list(reader, group, "alpn", is_alpn_name, "an ALPN name", &alpn) ||
        !read_boolean(reader, group, "server-speaks-first", &speaks_first))
        return FALSE;
    protocol = g_new0(OshManifestProtocol, 1);
    protocol->name = g_strdup(name);
    protocol->carrier = g_strdup(carrier);
    protocol->alpn = g_steal_pointer(&alpn);
    protocol->server_speaks_first = speaks_first;
    g_ptr_array_add(reader->manifest->protocols, protocol);
    return TRUE;
}

static gboolean
has_protocol(const OshManifest *manifest, const char *name)
{
    for (guint i = 0; i < manifest->protocols->len; i++) {
        const OshManifestProtocol *protocol = g_ptr_array_index(manifest->protocols, i);

        if (g_str_equal(protocol->name, name))
            return TRUE;
    }
    return FALSE;
}

/* NAME or NAME:TYPE */
static gboolean
is_field(const char *text)
{
    static const char *const types[] = {"string", "integer", "boolean", "strings", NULL};
    const char *colon = strchr(text, ':');
    gsize length = colon != NULL ? (gsize)(colon - text) : strlen(text);

    return dotted_words(text, length, "-_", ID_MAX) && memchr(text, '.', length) == NULL &&
           (colon == NULL || g_strv_contains(types, colon + 1));
}

/* What a glob has no other meaning for. */
static gboolean
is_separator(const char *text)
{
    return text[0] != '\0' && text[1] == '\0' && g_ascii_isgraph(text[0]) &&
           strchr("*?[]{}\\", text[0]) == NULL;
}

static gboolean
read_fact_fields(const Reader *reader, const OshKeyFileGroup *group, const char *type,
                 char ***ret_fields)
{
    const OshKeyFileEntry *fields = osh_key_file_group_get(group, "fields");

    if (!read_list(reader, group, "fields", is_field,
                   "NAME or NAME:TYPE, TYPE one of string, integer, boolean, strings", ret_fields))
        return FALSE;
    if (fields == NULL || g_str_equal(type, "records"))
        return TRUE;
    osh_key_file_set_error(reader->error, reader->key_file, fields->line,
                           "only a fact of type=records has fields=");
    return FALSE;
}

static gboolean
read_fact(const Reader *reader, const OshKeyFileGroup *group, const char *name)
{
    static const char *const known[] = {"protocol",  "type",   "sensitivity",
                                        "separator", "fields", NULL};
    static const char *const fact_types[] = {"string",  "integer", "boolean",
                                             "strings", "records", NULL};
    static const char *const sensitivities[] = {"public", "sensitive", NULL};
    const OshKeyFileEntry *protocol;
    const OshKeyFileEntry *separator;
    g_auto(GStrv) fields = g_new0(char *, 1);
    const char *type;
    const char *sensitivity;
    OshManifestFact *fact;

    if (!reject_unknown_keys(reader, group, known))
        return FALSE;
    if (!dotted_words(name, strlen(name), "-_", DOTTED_NAME_MAX) ||
        g_str_has_prefix(name, "network.") || g_str_has_prefix(name, "process.")) {
        osh_key_file_set_error(reader->error, reader->key_file, group->line,
                               "'%s' cannot name a fact", name);
        return FALSE;
    }
    protocol = need(reader, group, "protocol");
    if (protocol == NULL)
        return FALSE;
    if (!has_protocol(reader->manifest, protocol->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, protocol->line,
                               "protocol=%s has no [protocol %s] group above", protocol->value,
                               protocol->value);
        return FALSE;
    }
    type = read_choice(reader, group, "type", fact_types, TRUE);
    sensitivity =
        type != NULL ? read_choice(reader, group, "sensitivity", sensitivities, FALSE) : NULL;
    if (sensitivity == NULL)
        return FALSE;
    separator = osh_key_file_group_get(group, "separator");
    if (separator != NULL && !is_separator(separator->value)) {
        osh_key_file_set_error(reader->error, reader->key_file, separator->line,
                               "separator= must be one ASCII character that globs do not use");
        return FALSE;
    }
    if (!read_fact_fields(reader, group, type, &fields))
        return FALSE;
    fact = g_new0(OshManifestFact, 1);
    fact->name = g_strdup(name);
    fact->protocol = g_strdup(protocol->value);
    fact->type = g_strdup(type);
    fact->sensitive = g_str_equal(sensitivity, "sensitive");
    fact->fields = g_steal_pointer(&fields);
    fact->separator = separator != NULL ? g_strdup(separator->value) : NULL;
    g_ptr_array_add(reader->manifest->facts, fact);
    return TRUE;
}

static gboolean
read_group(const Reader *reader, const OshKeyFileGroup *group)
{
    static const struct {
        const char *prefix;
        gboolean (*read)(const Reader *, const OshKeyFileGroup *, const char *);
    } kinds[] = {
        {"topic ", read_topic},
        {"config ", read_config_key},
        {"protocol ", read_protocol},
        {"fact ", read_fact},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(group->name, kinds[i].prefix))
            return kinds[i].read(reader, group, group->name + strlen(kinds[i].prefix));
    osh_key_file_set_error(reader->error, reader->key_file, group->line,
                           "unknown manifest group [%s]: expected [topic NAME], [config KEY], "
                           "[protocol NAME] or [fact NAME]",
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
check_ends(const Reader *reader)
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
    manifest->topics = g_ptr_array_new_with_free_func(topic_free);
    manifest->config_keys = g_ptr_array_new_with_free_func(config_key_free);
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
    Reader reader;

    if (length > OSH_PLUGIN_MANIFEST_MAX) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: manifest longer than %d bytes", name,
                    OSH_PLUGIN_MANIFEST_MAX);
        return NULL;
    }
    key_file = osh_key_file_parse(name, text, length, error);
    if (key_file == NULL)
        return NULL;
    manifest = manifest_new();
    reader = (Reader){key_file, manifest, error};
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
    if (!check_ends(&reader))
        return NULL;
    return g_steal_pointer(&manifest);
}
