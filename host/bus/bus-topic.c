/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-topic.c: the topics of the bus, and who may publish which. Declared on [main]; what a
 * publisher was given never changes afterwards and is read by any thread without a lock.
 */
#include "bus-private.h"

#include <string.h>

static gboolean
topic_name_is_valid(const char *name)
{
    const char *slash = strrchr(name, '/');

    if (slash == NULL || slash == name || slash[1] == '\0' || strlen(name) > 255)
        return FALSE;
    for (const char *c = slash + 1; *c != '\0'; c++) {
        if (!g_ascii_isdigit(*c))
            return FALSE;
    }
    for (const char *c = name; c < slash; c++) {
        if (!g_ascii_isalnum(*c) && strchr(".-_", *c) == NULL)
            return FALSE;
    }
    return TRUE;
}

/* The key of a retained value is hashed, so the first member must be of a basic type. */
static gboolean
topic_type_is_valid(const char *text, gboolean keyed)
{
    const GVariantType *type;
    const GVariantType *member;
    const GVariantType *last = NULL;

    if (!g_variant_type_string_is_valid(text))
        return FALSE;
    type = G_VARIANT_TYPE(text);
    if (!g_variant_type_is_tuple(type) || !g_variant_type_is_definite(type))
        return FALSE;
    member = g_variant_type_first(type);
    if (keyed && (member == NULL || !g_variant_type_is_basic(member)))
        return FALSE;
    for (; member != NULL; member = g_variant_type_next(member))
        last = member;
    return last != NULL && g_variant_type_equal(last, G_VARIANT_TYPE_VARDICT);
}

static gboolean
topic_check(OshBus *bus, const OshTopicDeclaration *declaration, GError **error)
{
    const OshBusTopic *ends;

    if (declaration->name == NULL || !topic_name_is_valid(declaration->name)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "topic “%s” is not a name that ends in “/” and a number",
                    declaration->name != NULL ? declaration->name : "");
        return FALSE;
    }
    if (osh_bus_find_topic(bus, declaration->name) != NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_BUSY, "topic “%s” is declared twice",
                    declaration->name);
        return FALSE;
    }
    if (declaration->type == NULL ||
        !topic_type_is_valid(declaration->type,
                             declaration->retained || declaration->ends != NULL)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "type “%s” of topic “%s” is not a tuple that ends in a{sv} and, where values "
                    "are retained or ended, begins with a basic type",
                    declaration->type != NULL ? declaration->type : "", declaration->name);
        return FALSE;
    }
    if (declaration->event_class < OSH_EVENT_LOSSLESS ||
        declaration->event_class > OSH_EVENT_SAMPLED) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "topic “%s” has no delivery class",
                    declaration->name);
        return FALSE;
    }
    if (declaration->ends != NULL) {
        ends = osh_bus_find_topic(bus, declaration->ends);
        if (ends == NULL || !ends->retained ||
            !g_variant_type_equal(g_variant_type_first(ends->type),
                                  g_variant_type_first(G_VARIANT_TYPE(declaration->type)))) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                        "topic “%s” ends “%s”, which is not a retained topic with the same key",
                        declaration->name, declaration->ends);
            return FALSE;
        }
    }
    if (bus->n_topics + 1 >= OSH_BUS_MAX_TOPICS) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FULL,
                    "no capacity for topic “%s”: the bus holds %u topics", declaration->name,
                    OSH_BUS_MAX_TOPICS);
        return FALSE;
    }
    return TRUE;
}

OshBusTopic *
osh_bus_find_topic(OshBus *bus, const char *name)
{
    for (guint i = 1; i <= bus->n_topics; i++) {
        if (g_str_equal(bus->topics[i]->name, name))
            return bus->topics[i];
    }
    return NULL;
}

gboolean
osh_bus_declare_topic(OshBus *bus, const OshTopicDeclaration *declaration, GError **error)
{
    OshBusTopic *topic;

    g_return_val_if_fail(osh_bus_on_main(bus), FALSE);

    if (!topic_check(bus, declaration, error))
        return FALSE;
    topic = g_new0(OshBusTopic, 1);
    topic->id = ++bus->n_topics;
    topic->name = g_strdup(declaration->name);
    topic->quark = g_quark_from_string(declaration->name);
    topic->event_class = declaration->event_class;
    topic->retained = declaration->retained;
    if (declaration->ends != NULL)
        topic->ends = osh_bus_find_topic(bus, declaration->ends);
    topic->live = g_variant_ref_sink(
        g_variant_new_from_data(G_VARIANT_TYPE(declaration->type), NULL, 0, TRUE, NULL, NULL));
    topic->type = g_variant_get_type(topic->live);
    topic->subscriptions = g_ptr_array_new();
    if (topic->retained)
        topic->values =
            g_hash_table_new_full(g_variant_hash, g_variant_equal, (GDestroyNotify)g_variant_unref,
                                  (GDestroyNotify)osh_bus_node_unref);
    if (topic->event_class == OSH_EVENT_DENIAL)
        topic->overflow = osh_bus_overflow_new();
    bus->topics[topic->id] = topic;
    osh_bus_topic_match(bus, topic);
    return TRUE;
}

void
osh_bus_topic_free(OshBusTopic *topic)
{
    g_clear_pointer(&topic->values, g_hash_table_unref);
    g_clear_pointer(&topic->overflow, osh_bus_overflow_free);
    g_ptr_array_unref(topic->subscriptions);
    g_variant_unref(topic->live);
    g_free(topic->name);
    g_free(topic);
}

gboolean
osh_bus_declare_own_topics(OshBus *bus, GError **error)
{
#define DECLARATION(SYMBOL, symbol, Struct, class, retained, ends)                                 \
    {OSH_TOPIC_##SYMBOL, OSH_EVENT_TYPE(SYMBOL), OSH_EVENT_##class, retained, ends},
    static const OshTopicDeclaration own[] = {OSH_EVENT_TOPICS(DECLARATION)};
#undef DECLARATION

    for (gsize i = 0; i < G_N_ELEMENTS(own); i++) {
        if (!osh_bus_declare_topic(bus, &own[i], error))
            return FALSE;
    }
    return TRUE;
}

OshBusPublisher *
osh_bus_publisher_new(OshBus *bus, const char *plugin_id, const char *const *topics, GError **error)
{
    OshBusPublisher *publisher;

    g_return_val_if_fail(osh_bus_on_main(bus), NULL);

    publisher = g_new0(OshBusPublisher, 1);
    publisher->bus = bus;
    for (; topics != NULL && *topics != NULL; topics++) {
        const OshBusTopic *topic = osh_bus_find_topic(bus, *topics);

        if (topic == NULL) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                        "plugin “%s” publishes the unknown topic “%s”", plugin_id, *topics);
            g_free(publisher);
            return NULL;
        }
        publisher->topics[topic->id / 32] |= 1u << (topic->id % 32);
    }
    publisher->plugin_id = g_strdup(plugin_id);
    g_ptr_array_add(bus->publishers, publisher);
    return publisher;
}

void
osh_bus_publisher_free(OshBusPublisher *publisher)
{
    g_free(publisher->plugin_id);
    g_free(publisher);
}

OshBusTopic *
osh_bus_publisher_topic(OshBusPublisher *publisher, OshTopic topic)
{
    if (topic == 0 || topic >= OSH_BUS_MAX_TOPICS ||
        (publisher->topics[topic / 32] & (1u << (topic % 32))) == 0)
        return NULL;
    return publisher->bus->topics[topic];
}

OshTopic
osh_bus_topic(OshBusPublisher *publisher, const char *name)
{
    for (OshTopic i = 1; i < OSH_BUS_MAX_TOPICS; i++) {
        const OshBusTopic *topic = osh_bus_publisher_topic(publisher, i);

        if (topic != NULL && g_str_equal(topic->name, name))
            return i;
    }
    return 0;
}

gboolean
osh_bus_topic_wanted(OshBusPublisher *publisher, OshTopic id)
{
    OshBus *bus = publisher->bus;
    const OshBusTopic *topic = osh_bus_publisher_topic(publisher, id);

    if (topic == NULL)
        return FALSE;
    return topic->retained || atomic_load_explicit(&topic->wanted, memory_order_relaxed) > 0 ||
           atomic_load_explicit(&bus->n_sinks, memory_order_relaxed) > 0 ||
           g_signal_has_handler_pending(bus, osh_bus_signal(), topic->quark, FALSE);
}
