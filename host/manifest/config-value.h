/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config-value.h: the types that a configuration key may have, and how their text is read.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshConfigType:
 * @OSH_CONFIG_STRING: s: any text
 * @OSH_CONFIG_PATH: s: an absolute path
 * @OSH_CONFIG_INTEGER: x: decimal, a sign allowed
 * @OSH_CONFIG_BOOLEAN: b: true or false, nothing else
 * @OSH_CONFIG_STRINGS: as: separated by ';', a last one ignored, blanks around each removed
 */
typedef enum {
    OSH_CONFIG_STRING = 1,
    OSH_CONFIG_PATH,
    OSH_CONFIG_INTEGER,
    OSH_CONFIG_BOOLEAN,
    OSH_CONFIG_STRINGS,
} OshConfigType;

/**
 * osh_config_type_from_name:
 *
 * Returns: the type called @name, or 0
 */
OshConfigType osh_config_type_from_name(const char *name);

/** osh_config_type_name: Returns: (transfer none): the name of @type as manifests write it. */
const char *osh_config_type_name(OshConfigType type);

/**
 * osh_config_value_parse:
 * @type: what the key is
 * @text: what was written
 * @error: return location; the message says what was expected and not where
 *
 * Returns: (transfer full) (nullable): the value, not floating
 */
GVariant *osh_config_value_parse(OshConfigType type, const char *text, GError **error);

/**
 * OshConfigLimits:
 * @has_min: whether @min holds
 * @has_max: whether @max holds
 * @min: smallest integer
 * @max: largest integer
 * @choices: (array zero-terminated=1) (nullable): the only strings; NULL means: any
 *
 * What a value must satisfy beyond its type.
 */
typedef struct {
    gboolean has_min;
    gboolean has_max;
    gint64 min;
    gint64 max;
    char **choices;
} OshConfigLimits;

/** osh_config_limits_clear: frees what @limits holds, not @limits. */
void osh_config_limits_clear(OshConfigLimits *limits);

/**
 * osh_config_limits_check:
 * @value: of any type of the grammar
 * @error: return location; the message says what was expected and not where
 *
 * Returns: whether @value satisfies @limits; of strings, whether each does
 */
gboolean osh_config_limits_check(const OshConfigLimits *limits, GVariant *value, GError **error);

/**
 * osh_config_limits_describe:
 *
 * Returns: (transfer full): " 1..3600", " up to 9", " from 1", " a|b" or "", as it stands behind
 * the name of a type
 */
char *osh_config_limits_describe(const OshConfigLimits *limits);

/**
 * osh_config_split_list:
 *
 * Returns: (transfer full) (array zero-terminated=1) (nullable): the parts of a list, NULL when
 *   one of them is empty
 */
char **osh_config_split_list(const char *text);

G_END_DECLS
