/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-retained.c: the last value of each key of a retained topic, for those who come late. [main].
 */
#include "bus-private.h"

void
osh_bus_retain(OshBus *bus, OshBusNode *node)
{
    OshBusTopic *topic = node->topic;
    g_autoptr(GVariant) key = NULL;

    if (topic->ends == NULL && !topic->retained)
        return;
    key = g_variant_get_child_value(node->event.payload, 0);
    if (topic->ends != NULL)
        g_hash_table_remove(topic->ends->values, key);
    if (!topic->retained)
        return;
    if (g_hash_table_size(topic->values) >= bus->limits.retained &&
        !g_hash_table_contains(topic->values, key)) {
        osh_bus_refuse(node->publisher, topic, "retains more values than there is capacity for");
        return;
    }
    osh_bus_node_ref(node);
    g_hash_table_replace(topic->values, g_steal_pointer(&key), node);
}

static gint
node_compare(gconstpointer a, gconstpointer b)
{
    const OshBusNode *one = *(OshBusNode *const *)a;
    const OshBusNode *two = *(OshBusNode *const *)b;

    return one->event.sequence < two->event.sequence ? -1 : 1;
}

GPtrArray *
osh_bus_retained(OshBus *bus, OshBusTopicFilter is_wanted, gconstpointer data)
{
    GPtrArray *nodes = g_ptr_array_new_with_free_func((GDestroyNotify)osh_bus_node_unref);

    for (guint i = 1; i <= bus->n_topics; i++) {
        const OshBusTopic *topic = bus->topics[i];
        GHashTableIter iter;
        gpointer value;

        if (!topic->retained || (is_wanted != NULL && !is_wanted(topic, data)))
            continue;
        g_hash_table_iter_init(&iter, topic->values);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            osh_bus_node_ref(value);
            g_ptr_array_add(nodes, value);
        }
    }
    g_ptr_array_sort(nodes, node_compare);
    return nodes;
}
