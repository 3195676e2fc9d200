/* SPDX-License-Identifier: Apache-2.0 */
/* document.h: a YAML file as a tree that remembers where everything stands. */
#pragma once

#include "arena.h"
#include "diagnostics.h"

typedef enum {
    OSH_YAML_SCALAR,
    OSH_YAML_SEQUENCE,
    OSH_YAML_MAPPING,
} OshYamlKind;

typedef struct _OshYamlNode OshYamlNode;

/*
 * A member of a mapping carries its key. @plain: the scalar was not quoted, so it may stand for a
 * number, a boolean or null.
 */
struct _OshYamlNode {
    const OshYamlNode *parent;
    const OshYamlNode *next;
    const char *key;
    union {
        const char *text;
        const OshYamlNode *first;
    };
    guint32 length; /* bytes of the scalar, or number of children */
    guint32 line;
    guint32 column;
    guint32 key_line;
    guint16 key_column;
    guint8 kind;
    guint8 plain;
};

typedef enum {
    OSH_YAML_STRING,
    OSH_YAML_INTEGER,
    OSH_YAML_FLOAT,
    OSH_YAML_BOOLEAN,
    OSH_YAML_NULL,
} OshYamlScalarType;

/**
 * osh_yaml_parse:
 * @arena: where the tree goes
 * @text: (array length=length): the file
 * @diagnostics: gets every error
 *
 * Refuses anchors, aliases, tags, merge keys, duplicate and non-scalar keys, several documents,
 * what is not UTF-8, control characters, and anything too deep or too large.
 *
 * Returns: (transfer none) (nullable): the root mapping, or NULL when the text cannot be read
 */
const OshYamlNode *osh_yaml_parse(OshArena *arena, const char *text, gsize length,
                                  OshPolicyDiagnostics *diagnostics);

/** osh_yaml_find: Returns: (nullable): the member @key of mapping @node (NULL is allowed). */
const OshYamlNode *osh_yaml_find(const OshYamlNode *node, const char *key);

/** osh_yaml_path: Returns: (transfer full): where @node is, in words. */
char *osh_yaml_path(const OshYamlNode *node);

/** osh_yaml_scalar_type: Returns: what an unquoted scalar stands for. */
OshYamlScalarType osh_yaml_scalar_type(const OshYamlNode *node);

/** osh_yaml_is_empty: Returns: TRUE for a key with nothing after it. */
gboolean osh_yaml_is_empty(const OshYamlNode *node);

/** osh_yaml_is_null: Returns: TRUE for that, and for an unquoted null. */
gboolean osh_yaml_is_null(const OshYamlNode *node);

/** osh_yaml_integer: Returns: FALSE when @node is no unquoted non-negative integer. */
gboolean osh_yaml_integer(const OshYamlNode *node, guint64 *ret_value);

/** osh_yaml_describe: Returns: (transfer full): what @node is, for "found …"; never its value. */
char *osh_yaml_describe(const OshYamlNode *node);

/** osh_yaml_wrong_port: adds an error about @node, which is no port. */
void osh_yaml_wrong_port(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node);

/** osh_yaml_error: adds an error at @node. */
void osh_yaml_error(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, const char *format,
                    ...) G_GNUC_PRINTF(3, 4);

/** osh_yaml_warning: adds a warning at @node. */
void osh_yaml_warning(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node,
                      const char *format, ...) G_GNUC_PRINTF(3, 4);

/** osh_yaml_error_at: adds an error about member @key of @node, which may be missing. */
void osh_yaml_error_at(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, const char *key,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

/** osh_yaml_warning_hint: adds a warning at @node with (transfer full) @suggestion. */
void osh_yaml_warning_hint(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node,
                           char *suggestion, const char *format, ...) G_GNUC_PRINTF(4, 5);

/** osh_yaml_error_hint: adds an error at @node with (transfer full) @suggestion. */
void osh_yaml_error_hint(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node,
                         char *suggestion, const char *format, ...) G_GNUC_PRINTF(4, 5);
