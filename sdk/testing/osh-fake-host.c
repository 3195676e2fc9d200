/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of a plugin's unit test. It belongs to the test's thread, which stands for every thread
 * of the contract; it must never start one, nor deliver anything on its own: the test says when.
 *
 * What a plugin may not do aborts with g_error(), so that the test that did it fails where it did.
 */
#include <string.h>

#include "openshell/event-box.h"
#include "openshell/event-credential.h"
#include "openshell/event-host.h"
#include "openshell/event-l7.h"
#include "openshell/event-network.h"
#include "openshell/event-policy.h"
#include "openshell/event-process.h"
#include "openshell/plugin.h"
#include "osh-fake-host.h"

typedef struct {
    char *name;
    char *type;
    gboolean lossless;
} Topic;

typedef struct {
    guint64 id;
    char *pattern;
    OshEventFunc callback;
    gpointer data;
    GDestroyNotify destroy;
} Subscription;

typedef struct {
    OshCallback callback;
    gpointer data;
    GDestroyNotify destroy;
} Call;

typedef struct {
    char *id;
    OshInterface interface;
} Provided;

struct _OshFakeHost {
    OshHost table;
    char *plugin_id;
    GPtrArray *topics; /* of Topic; an OshTopic is the index from 1 */
    GHashTable *config_values;
    GVariant *config;
    GPtrArray *interfaces;    /* of Provided */
    GHashTable *manifests;    /* id → text */
    GPtrArray *subscriptions; /* of Subscription */
    GPtrArray *published;     /* of OshFakePublication */
    GPtrArray *logs;
    GPtrArray *faults;
    GQueue invoked; /* of Call */
    GQueue waiting; /* of Call, for capacity */
    GHashTable *reservations;
    guint capacity;
    gboolean unwanted;
    guint64 last_id;
};

static void
topic_free(gpointer data)
{
    Topic *topic = data;

    g_free(topic->name);
    g_free(topic->type);
    g_free(topic);
}

static void
subscription_free(gpointer data)
{
    Subscription *subscription = data;

    if (subscription->destroy != NULL)
        subscription->destroy(subscription->data);
    g_free(subscription->pattern);
    g_free(subscription);
}

static void
publication_free(gpointer data)
{
    OshFakePublication *publication = data;

    g_free(publication->topic);
    g_free(publication->collapse_key);
    g_variant_unref(publication->payload);
    g_free(publication);
}

static void
provided_free(gpointer data)
{
    Provided *provided = data;

    g_free(provided->id);
    g_free(provided);
}

static const Topic *
find_topic(const OshFakeHost *host, OshTopic topic)
{
    if (topic == 0 || topic > host->topics->len)
        g_error("a topic was used that the manifest does not name");
    return g_ptr_array_index(host->topics, topic - 1);
}

static gboolean
host_get_interface(gpointer handle, const char *id, OshInterface *ret_interface)
{
    OshFakeHost *host = handle;

    for (guint i = 0; i < host->interfaces->len; i++) {
        const Provided *provided = g_ptr_array_index(host->interfaces, i);

        if (g_str_equal(provided->id, id)) {
            *ret_interface = provided->interface;
            return TRUE;
        }
    }
    return FALSE;
}

static const char *
host_manifest(gpointer handle, const char *plugin_id)
{
    OshFakeHost *host = handle;

    return g_hash_table_lookup(host->manifests, plugin_id);
}

static gsize
host_find_interfaces(gpointer handle, const char *id, OshInterface *ret_interfaces, gsize capacity)
{
    OshFakeHost *host = handle;
    gsize n = 0;

    for (guint i = 0; i < host->interfaces->len; i++) {
        const Provided *provided = g_ptr_array_index(host->interfaces, i);

        if (!g_str_equal(provided->id, id))
            continue;
        if (n < capacity)
            ret_interfaces[n] = provided->interface;
        n++;
    }
    return n;
}

static OshTopic
host_topic(gpointer handle, const char *name)
{
    OshFakeHost *host = handle;

    for (guint i = 0; i < host->topics->len; i++) {
        const Topic *topic = g_ptr_array_index(host->topics, i);

        if (g_str_equal(topic->name, name))
            return i + 1;
    }
    return 0;
}

static gboolean
host_topic_wanted(gpointer handle, OshTopic topic)
{
    OshFakeHost *host = handle;

    find_topic(host, topic);
    return !host->unwanted;
}

static guint64
host_reserve(gpointer handle, OshTopic topic, guint64 process_key)
{
    OshFakeHost *host = handle;
    guint64 *reservation;

    (void)process_key;
    if (!find_topic(host, topic)->lossless)
        g_error("a reservation of a topic that is not lossless");
    if (host->capacity == 0)
        return 0;
    if (host->capacity != G_MAXUINT)
        host->capacity--;
    reservation = g_new(guint64, 1);
    *reservation = ++host->last_id;
    g_hash_table_add(host->reservations, reservation);
    return *reservation;
}

static void
run_calls(GQueue *calls)
{
    GQueue now = *calls;
    Call *call;

    g_queue_init(calls);
    while ((call = g_queue_pop_head(&now)) != NULL) {
        call->callback(call->data);
        if (call->destroy != NULL)
            call->destroy(call->data);
        g_free(call);
    }
}

static void
host_unreserve(gpointer handle, guint64 reservation)
{
    OshFakeHost *host = handle;

    if (!g_hash_table_remove(host->reservations, &reservation))
        g_error("a reservation was given back that is not there");
    if (host->capacity != G_MAXUINT)
        osh_fake_host_set_capacity(host, host->capacity + 1);
}

static void
push_call(GQueue *calls, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    Call *call = g_new0(Call, 1);

    call->callback = callback;
    call->data = data;
    call->destroy = destroy;
    g_queue_push_tail(calls, call);
}

static void
host_on_capacity(gpointer handle, OshTopic topic, OshCallback callback, gpointer data)
{
    OshFakeHost *host = handle;

    find_topic(host, topic);
    push_call(&host->waiting, callback, data, NULL);
}

static guint64
host_publish(gpointer handle, const OshPublication *publication)
{
    OshFakeHost *host = handle;
    const Topic *topic = find_topic(host, publication->topic);
    OshFakePublication *kept = g_new0(OshFakePublication, 1);

    kept->topic = g_strdup(topic->name);
    kept->payload = g_variant_take_ref(publication->payload);
    kept->reservation = publication->reservation;
    kept->process_key = publication->process_key;
    kept->correlation = publication->correlation;
    kept->collapse_key = g_strdup(publication->collapse_key);
    if (!g_variant_is_of_type(kept->payload, G_VARIANT_TYPE(topic->type)))
        g_error("%s was published as %s and not as %s", topic->name,
                g_variant_get_type_string(kept->payload), topic->type);
    if (kept->reservation != 0 && !g_hash_table_remove(host->reservations, &kept->reservation))
        g_error("a reservation was spent that is not there");
    g_ptr_array_add(host->published, kept);
    return ++host->last_id;
}

static guint64
host_subscribe(gpointer handle, const char *pattern, OshEventFunc callback, gpointer data,
               GDestroyNotify destroy)
{
    OshFakeHost *host = handle;
    Subscription *subscription = g_new0(Subscription, 1);

    subscription->id = ++host->last_id;
    subscription->pattern = g_strdup(pattern);
    subscription->callback = callback;
    subscription->data = data;
    subscription->destroy = destroy;
    g_ptr_array_add(host->subscriptions, subscription);
    return subscription->id;
}

static void
host_unsubscribe(gpointer handle, guint64 id)
{
    OshFakeHost *host = handle;

    for (guint i = 0; i < host->subscriptions->len; i++) {
        const Subscription *subscription = g_ptr_array_index(host->subscriptions, i);

        if (subscription->id == id) {
            g_ptr_array_remove_index(host->subscriptions, i);
            return;
        }
    }
    g_error("a subscription was ended that is not there");
}

static GVariant *
host_config(gpointer handle)
{
    OshFakeHost *host = handle;
    GVariantBuilder builder;
    GHashTableIter iter;
    gpointer key, value;

    if (host->config == NULL) {
        g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
        g_hash_table_iter_init(&iter, host->config_values);
        while (g_hash_table_iter_next(&iter, &key, &value))
            g_variant_builder_add(&builder, "{sv}", key, value);
        host->config = g_variant_ref_sink(g_variant_builder_end(&builder));
    }
    return host->config;
}

static void
host_log(gpointer handle, GLogLevelFlags level, const char *message)
{
    OshFakeHost *host = handle;

    (void)level;
    if (strchr(message, '\n') != NULL)
        g_error("a line was logged with a newline in it: %s", message);
    g_ptr_array_add(host->logs, g_strdup(message));
}

static void
host_invoke(gpointer handle, OshCallback callback, gpointer data, GDestroyNotify destroy)
{
    OshFakeHost *host = handle;

    push_call(&host->invoked, callback, data, destroy);
}

static void
host_fault(gpointer handle, OshFaultSeverity severity, const GError *error)
{
    OshFakeHost *host = handle;

    (void)severity;
    g_ptr_array_add(host->faults, g_strdup(error->message));
}

static void
add_topic(OshFakeHost *host, const char *name, const char *type, gboolean lossless)
{
    Topic *topic = g_new0(Topic, 1);

    topic->name = g_strdup(name);
    topic->type = g_strdup(type);
    topic->lossless = lossless;
    g_ptr_array_add(host->topics, topic);
}

/* Topics of event.h that the manifest says it publishes. */
static void
add_host_topics(OshFakeHost *host, GKeyFile *file)
{
    static const struct {
        const char *name;
        const char *type;
        OshEventClass delivery;
    } rows[] = {
#define ROW(SYMBOL, symbol, Struct, topic_class, retained, ends)                                   \
    {OSH_TOPIC_##SYMBOL, OSH_EVENT_TYPE(SYMBOL), OSH_EVENT_##topic_class},
        OSH_EVENT_TOPICS(ROW)
#undef ROW
    };
    g_auto(GStrv) names = g_key_file_get_string_list(file, "plugin", "publishes", NULL, NULL);

    for (guint i = 0; names != NULL && names[i] != NULL; i++)
        for (gsize k = 0; k < G_N_ELEMENTS(rows); k++)
            if (g_str_equal(names[i], rows[k].name))
                add_topic(host, names[i], rows[k].type, rows[k].delivery == OSH_EVENT_LOSSLESS);
}

static GVariant *
default_value(GKeyFile *file, const char *group)
{
    g_autofree char *type = g_key_file_get_string(file, group, "type", NULL);

    if (type == NULL || !g_key_file_has_key(file, group, "default", NULL))
        return NULL;
    if (g_str_equal(type, "integer"))
        return g_variant_new_int64(g_key_file_get_int64(file, group, "default", NULL));
    if (g_str_equal(type, "boolean"))
        return g_variant_new_boolean(g_key_file_get_boolean(file, group, "default", NULL));
    if (g_str_equal(type, "strings")) {
        g_auto(GStrv) list = g_key_file_get_string_list(file, group, "default", NULL, NULL);

        return g_variant_new_strv((const char *const *)list, -1);
    }
    return g_variant_new_take_string(g_key_file_get_string(file, group, "default", NULL));
}

static void
read_manifest(OshFakeHost *host, const char *manifest)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) groups = NULL;

    if (!g_key_file_load_from_data(file, manifest, (gsize)-1, G_KEY_FILE_NONE, &error))
        g_error("the manifest cannot be read: %s", error->message);
    host->plugin_id = g_key_file_get_string(file, "plugin", "id", &error);
    if (host->plugin_id == NULL)
        g_error("the manifest has no id: %s", error->message);
    add_host_topics(host, file);
    groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL; i++) {
        if (g_str_has_prefix(groups[i], "topic ")) {
            g_autofree char *type = g_key_file_get_string(file, groups[i], "type", NULL);
            g_autofree char *delivery = g_key_file_get_string(file, groups[i], "class", NULL);

            add_topic(host, groups[i] + strlen("topic "), type,
                      g_strcmp0(delivery, "lossless") == 0);
        } else if (g_str_has_prefix(groups[i], "config ")) {
            GVariant *value = default_value(file, groups[i]);

            if (value != NULL)
                osh_fake_host_set_config(host, groups[i] + strlen("config "), value);
        }
    }
}

OshFakeHost *
osh_fake_host_new(const char *manifest)
{
    OshFakeHost *host = g_new0(OshFakeHost, 1);

    host->topics = g_ptr_array_new_with_free_func(topic_free);
    host->config_values =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
    host->interfaces = g_ptr_array_new_with_free_func(provided_free);
    host->subscriptions = g_ptr_array_new_with_free_func(subscription_free);
    host->published = g_ptr_array_new_with_free_func(publication_free);
    host->logs = g_ptr_array_new_with_free_func(g_free);
    host->faults = g_ptr_array_new_with_free_func(g_free);
    host->reservations = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    host->capacity = G_MAXUINT;
    g_queue_init(&host->invoked);
    g_queue_init(&host->waiting);
    host->manifests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    read_manifest(host, manifest);
    osh_fake_host_add_manifest(host, host->plugin_id, manifest);
    host->table = (OshHost){
        .struct_size = sizeof(OshHost),
        .abi_major = OSH_ABI_MAJOR,
        .abi_minor = OSH_ABI_MINOR,
        .version = "0.0.0",
        .plugin_id = host->plugin_id,
        .handle = host,
        .get_interface = host_get_interface,
        .find_interfaces = host_find_interfaces,
        .topic = host_topic,
        .topic_wanted = host_topic_wanted,
        .reserve = host_reserve,
        .unreserve = host_unreserve,
        .on_capacity = host_on_capacity,
        .publish = host_publish,
        .subscribe = host_subscribe,
        .unsubscribe = host_unsubscribe,
        .config = host_config,
        .log = host_log,
        .invoke = host_invoke,
        .fault = host_fault,
        .manifest = host_manifest,
    };
    return host;
}

static void
free_calls(GQueue *calls)
{
    Call *call;

    while ((call = g_queue_pop_head(calls)) != NULL) {
        if (call->destroy != NULL)
            call->destroy(call->data);
        g_free(call);
    }
}

void
osh_fake_host_free(OshFakeHost *host)
{
    if (host == NULL)
        return;
    if (g_hash_table_size(host->reservations) > 0)
        g_error("%u reservations were neither spent nor given back",
                g_hash_table_size(host->reservations));
    free_calls(&host->invoked);
    free_calls(&host->waiting);
    g_ptr_array_unref(host->topics);
    g_hash_table_unref(host->config_values);
    g_clear_pointer(&host->config, g_variant_unref);
    g_ptr_array_unref(host->interfaces);
    g_hash_table_unref(host->manifests);
    g_ptr_array_unref(host->subscriptions);
    g_ptr_array_unref(host->published);
    g_ptr_array_unref(host->logs);
    g_ptr_array_unref(host->faults);
    g_hash_table_unref(host->reservations);
    g_free(host->plugin_id);
    g_free(host);
}

const OshHost *
osh_fake_host_table(OshFakeHost *host)
{
    return &host->table;
}

void
osh_fake_host_add_manifest(OshFakeHost *host, const char *plugin_id, const char *manifest)
{
    g_hash_table_replace(host->manifests, g_strdup(plugin_id), g_strdup(manifest));
}

void
osh_fake_host_set_config(OshFakeHost *host, const char *key, GVariant *value)
{
    if (host->config != NULL)
        g_error("the configuration was read already");
    g_hash_table_replace(host->config_values, g_strdup(key), g_variant_ref_sink(value));
}

void
osh_fake_host_add_interface(OshFakeHost *host, const char *id, OshInterface interface)
{
    Provided *provided = g_new0(Provided, 1);

    provided->id = g_strdup(id);
    provided->interface = interface;
    g_ptr_array_add(host->interfaces, provided);
}

static gboolean
pattern_matches(const char *pattern, const char *topic)
{
    gsize length = strlen(pattern);

    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, topic, length - 1) == 0;
    return g_str_equal(pattern, topic);
}

void
osh_fake_host_emit(OshFakeHost *host, const char *topic, GVariant *payload)
{
    g_autoptr(GVariant) kept = g_variant_ref_sink(payload);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    OshEvent event = {.struct_size = sizeof(OshEvent),
                      .count = 1,
                      .topic = topic,
                      .source = "test",
                      .id = ++host->last_id,
                      .sequence = host->last_id,
                      .payload = kept};

    for (guint i = 0; i < host->subscriptions->len; i++) {
        const Subscription *subscription = g_ptr_array_index(host->subscriptions, i);

        if (pattern_matches(subscription->pattern, topic))
            g_array_append_val(ids, subscription->id);
    }
    /* A callback may end any subscription, so each is looked for again. */
    for (guint i = 0; i < ids->len; i++)
        for (guint k = 0; k < host->subscriptions->len; k++) {
            const Subscription *subscription = g_ptr_array_index(host->subscriptions, k);

            if (subscription->id == g_array_index(ids, guint64, i)) {
                subscription->callback(&event, subscription->data);
                break;
            }
        }
}

void
osh_fake_host_set_capacity(OshFakeHost *host, guint capacity)
{
    gboolean more = capacity > host->capacity;

    host->capacity = capacity;
    if (more)
        run_calls(&host->waiting);
}

void
osh_fake_host_set_unwanted(OshFakeHost *host, gboolean unwanted)
{
    host->unwanted = unwanted;
}

guint
osh_fake_host_run_invoked(OshFakeHost *host)
{
    guint n = 0;

    while (host->invoked.length > 0) {
        n += host->invoked.length;
        run_calls(&host->invoked);
    }
    return n;
}

guint
osh_fake_host_n_published(const OshFakeHost *host)
{
    return host->published->len;
}

const OshFakePublication *
osh_fake_host_published(const OshFakeHost *host, guint index)
{
    g_assert(index < host->published->len);
    return g_ptr_array_index(host->published, index);
}

guint
osh_fake_host_n_logs(const OshFakeHost *host)
{
    return host->logs->len;
}

const char *
osh_fake_host_log(const OshFakeHost *host, guint index)
{
    g_assert(index < host->logs->len);
    return g_ptr_array_index(host->logs, index);
}

guint
osh_fake_host_n_faults(const OshFakeHost *host)
{
    return host->faults->len;
}

const char *
osh_fake_host_fault(const OshFakeHost *host, guint index)
{
    g_assert(index < host->faults->len);
    return g_ptr_array_index(host->faults, index);
}

guint
osh_fake_host_n_subscriptions(const OshFakeHost *host)
{
    return host->subscriptions->len;
}
