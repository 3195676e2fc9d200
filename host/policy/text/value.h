/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h: a tree of scalars, lists and mappings that can be changed; what a draft is made of.
 *
 * A tree has one owner and one thread at a time. Whatever a mapping or list holds belongs to it.
 */
#pragma once

#include "document.h"

G_BEGIN_DECLS

/**
 * OshValueKind:
 * @OSH_VALUE_STRING: text, also when it looks like something else
 * @OSH_VALUE_PLAIN: a number, true, false or null, by its text
 * @OSH_VALUE_LIST: values in order
 * @OSH_VALUE_MAPPING: values by key; the order is kept but means nothing
 */
typedef enum {
    OSH_VALUE_STRING,
    OSH_VALUE_PLAIN,
    OSH_VALUE_LIST,
    OSH_VALUE_MAPPING,
} OshValueKind;

typedef struct _OshValue OshValue;

/** osh_value_string: Returns: (transfer full): @text as a string. */
OshValue *osh_value_string(const char *text);

/** osh_value_integer: Returns: (transfer full): @number. */
OshValue *osh_value_integer(guint64 number);

/** osh_value_boolean: Returns: (transfer full): true or false. */
OshValue *osh_value_boolean(gboolean truth);

/** osh_value_list: Returns: (transfer full): an empty list. */
OshValue *osh_value_list(void);

/** osh_value_mapping: Returns: (transfer full): an empty mapping. */
OshValue *osh_value_mapping(void);

/**
 * osh_value_from_yaml:
 * @node: part of a document
 *
 * Integers and booleans become their usual spelling; nothing at all becomes null.
 *
 * Returns: (transfer full): the same as a tree of its own
 */
OshValue *osh_value_from_yaml(const OshYamlNode *node);

/** osh_value_free: @value: (nullable) (transfer full): frees the tree. */
void osh_value_free(OshValue *value);

/** osh_value_copy: Returns: (transfer full): a deep copy, marks included. */
OshValue *osh_value_copy(const OshValue *value);

/** osh_value_equal: Returns: TRUE when both say the same; the order of keys and marks do not
 * count. */
gboolean osh_value_equal(const OshValue *left, const OshValue *right);

/** osh_value_kind: Returns: the kind of @value. */
OshValueKind osh_value_kind(const OshValue *value);

/** osh_value_text: Returns: (transfer none): text of a scalar, "" for a list or mapping. */
const char *osh_value_text(const OshValue *value);

/** osh_value_length: Returns: number of values in a list or mapping. */
guint osh_value_length(const OshValue *value);

/** osh_value_item: Returns: (transfer none): value @index of a list or mapping. */
OshValue *osh_value_item(const OshValue *value, guint index);

/** osh_value_key: Returns: (transfer none): key @index of a mapping. */
const char *osh_value_key(const OshValue *mapping, guint index);

/** osh_value_find: Returns: (transfer none) (nullable): member @key of @mapping (nullable). */
OshValue *osh_value_find(const OshValue *mapping, const char *key);

/** osh_value_find_text: Returns: (transfer none): text of scalar @key, "" when there is none. */
const char *osh_value_find_text(const OshValue *mapping, const char *key);

/** osh_value_find_flag: Returns: boolean @key, or @fallback. */
gboolean osh_value_find_flag(const OshValue *mapping, const char *key, gboolean fallback);

/** osh_value_find_integer: Returns: whole number @key, or @fallback. */
guint64 osh_value_find_integer(const OshValue *mapping, const char *key, guint64 fallback);

/** osh_value_append: @item: (transfer full): becomes the last of @list. Returns: @item. */
OshValue *osh_value_append(OshValue *list, OshValue *item);

/** osh_value_set: @item: (transfer full): becomes member @key, replacing what was. Returns:
 * @item. */
OshValue *osh_value_set(OshValue *mapping, const char *key, OshValue *item);

/** osh_value_set_text: sets member @key to the string @text. */
void osh_value_set_text(OshValue *mapping, const char *key, const char *text);

/** osh_value_ensure_list: Returns: (transfer none): list @key, made when it is missing. */
OshValue *osh_value_ensure_list(OshValue *mapping, const char *key);

/** osh_value_ensure_mapping: Returns: (transfer none): mapping @key, made when it is missing. */
OshValue *osh_value_ensure_mapping(OshValue *mapping, const char *key);

/** osh_value_remove: removes member @key; nothing happens when there is none. */
void osh_value_remove(OshValue *mapping, const char *key);

/** osh_value_remove_at: removes value @index of a list or mapping. */
void osh_value_remove_at(OshValue *value, guint index);

/** osh_value_is_proposed: Returns: TRUE when a proposal made this and no person declared it. */
gboolean osh_value_is_proposed(const OshValue *value);

/** osh_value_set_proposed: marks @value as made by a proposal, or clears the mark. */
void osh_value_set_proposed(OshValue *value, gboolean proposed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshValue, osh_value_free)

G_END_DECLS
