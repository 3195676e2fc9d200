/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.c: the tree that a draft is made of.
 *
 * One owner, one thread at a time. It knows YAML's scalars but nothing of policies, and it never
 * shares a part between two trees.
 */
#include "value.h"

#include <string.h>

struct _OshValue {
    OshValueKind kind;
    gboolean proposed;
    char *text;       /* of a scalar */
    GPtrArray *items; /* of a list or mapping */
    GPtrArray *keys;  /* of a mapping */
};

static OshValue *
value_new(OshValueKind kind, const char *text)
{
    OshValue *value = g_new0(OshValue, 1);

    value->kind = kind;
    if (text != NULL)
        value->text = g_strdup(text);
    else
        value->items = g_ptr_array_new_with_free_func((GDestroyNotify)osh_value_free);
    if (kind == OSH_VALUE_MAPPING)
        value->keys = g_ptr_array_new_with_free_func(g_free);
    return value;
}

OshValue *
osh_value_string(const char *text)
{
    return value_new(OSH_VALUE_STRING, text);
}

OshValue *
osh_value_integer(guint64 number)
{
    char text[24];

    g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, number);
    return value_new(OSH_VALUE_PLAIN, text);
}

OshValue *
osh_value_boolean(gboolean truth)
{
    return value_new(OSH_VALUE_PLAIN, truth ? "true" : "false");
}

OshValue *
osh_value_list(void)
{
    return value_new(OSH_VALUE_LIST, NULL);
}

OshValue *
osh_value_mapping(void)
{
    return value_new(OSH_VALUE_MAPPING, NULL);
}

static OshValue *
scalar_from_yaml(const OshYamlNode *node)
{
    guint64 number;

    switch (osh_yaml_scalar_type(node)) {
    case OSH_YAML_BOOLEAN:
        return osh_value_boolean(g_ascii_tolower(node->text[0]) == 't');
    case OSH_YAML_NULL:
        return value_new(OSH_VALUE_PLAIN, "null");
    case OSH_YAML_INTEGER:
        return osh_yaml_integer(node, &number) ? osh_value_integer(number)
                                               : value_new(OSH_VALUE_PLAIN, node->text);
    case OSH_YAML_FLOAT:
        return value_new(OSH_VALUE_PLAIN, node->text);
    case OSH_YAML_STRING:
    default:
        return osh_value_string(node->text);
    }
}

OshValue *
osh_value_from_yaml(const OshYamlNode *node)
{
    OshValue *value;

    if (node->kind == OSH_YAML_SCALAR)
        return scalar_from_yaml(node);
    value = node->kind == OSH_YAML_SEQUENCE ? osh_value_list() : osh_value_mapping();
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next) {
        if (value->keys != NULL)
            g_ptr_array_add(value->keys, g_strdup(child->key));
        g_ptr_array_add(value->items, osh_value_from_yaml(child));
    }
    return value;
}

void
osh_value_free(OshValue *value)
{
    if (value == NULL)
        return;
    g_free(value->text);
    g_clear_pointer(&value->items, g_ptr_array_unref);
    g_clear_pointer(&value->keys, g_ptr_array_unref);
    g_free(value);
}

OshValue *
osh_value_copy(const OshValue *value)
{
    OshValue *copy = value_new(value->kind, value->text);

    copy->proposed = value->proposed;
    for (guint i = 0; i < osh_value_length(value); i++) {
        if (copy->keys != NULL)
            g_ptr_array_add(copy->keys, g_strdup(osh_value_key(value, i)));
        g_ptr_array_add(copy->items, osh_value_copy(osh_value_item(value, i)));
    }
    return copy;
}

gboolean
osh_value_equal(const OshValue *left, const OshValue *right)
{
    guint length = osh_value_length(left);

    if (left->kind != right->kind || length != osh_value_length(right) ||
        g_strcmp0(left->text, right->text) != 0)
        return FALSE;
    for (guint i = 0; i < length; i++) {
        const OshValue *other = osh_value_item(right, i);

        /* keys mostly stand in the same place */
        if (left->keys != NULL && strcmp(osh_value_key(left, i), osh_value_key(right, i)) != 0)
            other = osh_value_find(right, osh_value_key(left, i));
        if (other == NULL || !osh_value_equal(osh_value_item(left, i), other))
            return FALSE;
    }
    return TRUE;
}

OshValueKind
osh_value_kind(const OshValue *value)
{
    return value->kind;
}

const char *
osh_value_text(const OshValue *value)
{
    return value->text != NULL ? value->text : "";
}

guint
osh_value_length(const OshValue *value)
{
    return value->items != NULL ? value->items->len : 0;
}

OshValue *
osh_value_item(const OshValue *value, guint index)
{
    return g_ptr_array_index(value->items, index);
}

const char *
osh_value_key(const OshValue *mapping, guint index)
{
    return g_ptr_array_index(mapping->keys, index);
}

static gboolean
find_index(const OshValue *mapping, const char *key, guint *ret_index)
{
    if (mapping == NULL || mapping->keys == NULL)
        return FALSE;
    for (guint i = 0; i < mapping->keys->len; i++) {
        if (strcmp(osh_value_key(mapping, i), key) == 0) {
            *ret_index = i;
            return TRUE;
        }
    }
    return FALSE;
}

OshValue *
osh_value_find(const OshValue *mapping, const char *key)
{
    guint index;

    return find_index(mapping, key, &index) ? osh_value_item(mapping, index) : NULL;
}

const char *
osh_value_find_text(const OshValue *mapping, const char *key)
{
    const OshValue *value = osh_value_find(mapping, key);

    return value != NULL ? osh_value_text(value) : "";
}

gboolean
osh_value_find_flag(const OshValue *mapping, const char *key, gboolean fallback)
{
    const OshValue *value = osh_value_find(mapping, key);

    return value != NULL && value->kind == OSH_VALUE_PLAIN ? strcmp(value->text, "true") == 0
                                                           : fallback;
}

guint64
osh_value_find_integer(const OshValue *mapping, const char *key, guint64 fallback)
{
    const OshValue *value = osh_value_find(mapping, key);
    guint64 number;

    if (value == NULL || value->kind != OSH_VALUE_PLAIN ||
        !g_ascii_string_to_unsigned(value->text, 10, 0, G_MAXUINT64, &number, NULL))
        return fallback;
    return number;
}

OshValue *
osh_value_append(OshValue *list, OshValue *item)
{
    g_ptr_array_add(list->items, item);
    return item;
}

OshValue *
osh_value_set(OshValue *mapping, const char *key, OshValue *item)
{
    guint index;

    if (find_index(mapping, key, &index)) {
        osh_value_free(osh_value_item(mapping, index));
        mapping->items->pdata[index] = item;
        return item;
    }
    g_ptr_array_add(mapping->keys, g_strdup(key));
    g_ptr_array_add(mapping->items, item);
    return item;
}

void
osh_value_set_text(OshValue *mapping, const char *key, const char *text)
{
    osh_value_set(mapping, key, osh_value_string(text));
}

static OshValue *
ensure(OshValue *mapping, const char *key, OshValueKind kind)
{
    OshValue *value = osh_value_find(mapping, key);

    if (value != NULL && value->kind == kind)
        return value;
    return osh_value_set(mapping, key, value_new(kind, NULL));
}

OshValue *
osh_value_ensure_list(OshValue *mapping, const char *key)
{
    return ensure(mapping, key, OSH_VALUE_LIST);
}

OshValue *
osh_value_ensure_mapping(OshValue *mapping, const char *key)
{
    return ensure(mapping, key, OSH_VALUE_MAPPING);
}

void
osh_value_remove_at(OshValue *value, guint index)
{
    if (value->keys != NULL)
        g_ptr_array_remove_index(value->keys, index);
    g_ptr_array_remove_index(value->items, index);
}

void
osh_value_remove(OshValue *mapping, const char *key)
{
    guint index;

    if (find_index(mapping, key, &index))
        osh_value_remove_at(mapping, index);
}

gboolean
osh_value_is_proposed(const OshValue *value)
{
    return value->proposed;
}

void
osh_value_set_proposed(OshValue *value, gboolean proposed)
{
    value->proposed = proposed;
}
