/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.c: libyaml events to a tree, strictly.
 *
 * Runs on the loading thread. A policy defines a security boundary, so everything in YAML that lets
 * one text mean two things (anchors, aliases, tags, merge keys, duplicate keys, several documents)
 * is refused rather than interpreted. Depth, size and the number of nodes have limits, those of
 * OpenShell where it has one; they count mappings, lists, scalars and keys.
 */
#include "document.h"

#include <string.h>
#include <yaml.h>

#define MAX_DEPTH       64
#define MAX_NODES       100000
#define MAX_ENTRIES     10000
#define MAX_SCALAR      65536
#define MAX_SCALARS     (4 * 1024 * 1024)
#define MAX_PATH        1024
#define MAX_LINEAR_KEYS 12

typedef struct {
    yaml_parser_t parser;
    OshArena *arena;
    OshPolicyDiagnostics *diagnostics;
    const char *text;
    gsize length;
    guint n_nodes;
    gsize scalar_bytes; /* of all scalars and keys so far */
    gboolean failed;
} Reader;

/* What people call the policy that @node is in, when that is not its key. */
static const char *
display_name(const OshYamlNode *node)
{
    const OshYamlNode *name;

    while (node != NULL && node->parent != NULL && node->parent->parent != NULL &&
           node->parent->parent->parent != NULL)
        node = node->parent;
    if (node == NULL || node->parent == NULL || node->parent->key == NULL ||
        strcmp(node->parent->key, "network_policies") != 0)
        return NULL;
    name = osh_yaml_find(node, "name");
    return name != NULL && name->kind == OSH_YAML_SCALAR && name->length > 0 &&
                   strcmp(name->text, node->key) != 0
               ? name->text
               : NULL;
}

/* @path: (transfer full) */
static void
add(OshPolicyDiagnostics *diagnostics, OshPolicySeverity severity, const OshYamlNode *node,
    char *path, char *suggestion, const char *format, va_list arguments)
{
    const char *name = display_name(node);
    char *message = g_strdup_vprintf(format, arguments);

    if (name != NULL) {
        g_autofree char *bare = message;

        message = g_strdup_printf("policy '%.100s': %s", name, bare);
    }
    osh_policy_diagnostics_add(diagnostics, severity, node != NULL ? node->line : 0,
                               node != NULL ? node->column : 0, path, message, suggestion);
}

void
osh_yaml_error(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, node, osh_yaml_path(node), NULL, format,
        arguments);
    va_end(arguments);
}

void
osh_yaml_warning(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, const char *format,
                 ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, OSH_POLICY_DIAGNOSTIC_WARNING, node, osh_yaml_path(node), NULL, format,
        arguments);
    va_end(arguments);
}

void
osh_yaml_warning_hint(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, char *suggestion,
                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, OSH_POLICY_DIAGNOSTIC_WARNING, node, osh_yaml_path(node), suggestion, format,
        arguments);
    va_end(arguments);
}

void
osh_yaml_error_hint(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, char *suggestion,
                    const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, node, osh_yaml_path(node), suggestion, format,
        arguments);
    va_end(arguments);
}

void
osh_yaml_error_at(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node, const char *key,
                  const char *format, ...)
{
    const OshYamlNode *member = osh_yaml_find(node, key);
    g_autofree char *path = osh_yaml_path(node);
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, member != NULL ? member : node,
        g_strdup_printf("%s.%s", path, key), NULL, format, arguments);
    va_end(arguments);
}

void
osh_yaml_wrong_port(OshPolicyDiagnostics *diagnostics, const OshYamlNode *node)
{
    g_autofree char *found = osh_yaml_describe(node);

    if (node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_INTEGER)
        osh_yaml_error(diagnostics, node, "expected a port between 1 and 65535");
    else
        osh_yaml_error(diagnostics, node, "expected a port between 1 and 65535, found %s", found);
}

static void
append_path(GString *path, const OshYamlNode *node)
{
    guint index = 0;

    if (node == NULL || node->parent == NULL)
        return;
    append_path(path, node->parent);
    if (node->key != NULL) {
        g_string_append_printf(path, "%s%s", path->len > 0 ? "." : "", node->key);
        return;
    }
    for (const OshYamlNode *other = node->parent->first; other != node; other = other->next)
        index++;
    g_string_append_printf(path, "[%u]", index);
}

char *
osh_yaml_path(const OshYamlNode *node)
{
    GString *path = g_string_new(NULL);

    append_path(path, node);
    if (path->len > MAX_PATH) {
        const char *end = g_utf8_find_prev_char(path->str, path->str + MAX_PATH - 2);

        g_string_truncate(path, (gsize)(end - path->str));
        g_string_append(path, "...");
    }
    return g_string_free(path, FALSE);
}

const OshYamlNode *
osh_yaml_find(const OshYamlNode *node, const char *key)
{
    if (node == NULL || node->kind != OSH_YAML_MAPPING)
        return NULL;
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

static gboolean
is_number(const char *text, gboolean *ret_float)
{
    const char *p = text + (*text == '-' || *text == '+');
    gboolean digits = FALSE;
    gboolean has_point = FALSE;

    if (g_ascii_strcasecmp(p, ".inf") == 0 || g_ascii_strcasecmp(text, ".nan") == 0) {
        *ret_float = TRUE;
        return TRUE;
    }
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'o') && p[2] != '\0') {
        *ret_float = FALSE;
        return strspn(p + 2, p[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567") == strlen(p + 2);
    }
    for (; *p != '\0'; p++) {
        if (g_ascii_isdigit(*p)) {
            digits = TRUE;
        } else if (*p == '.' && !has_point) {
            has_point = TRUE;
        } else if ((*p == 'e' || *p == 'E') && digits) {
            p++;
            p += *p == '-' || *p == '+';
            *ret_float = TRUE;
            return *p != '\0' && strspn(p, "0123456789") == strlen(p);
        } else {
            return FALSE;
        }
    }
    *ret_float = has_point;
    return digits;
}

OshYamlScalarType
osh_yaml_scalar_type(const OshYamlNode *node)
{
    static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    gboolean is_float = FALSE;

    if (!node->plain)
        return OSH_YAML_STRING;
    for (gsize i = 0; i < G_N_ELEMENTS(booleans); i++)
        if (strcmp(node->text, booleans[i]) == 0)
            return OSH_YAML_BOOLEAN;
    for (gsize i = 0; i < G_N_ELEMENTS(nulls); i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return OSH_YAML_NULL;
    if (is_number(node->text, &is_float))
        return is_float ? OSH_YAML_FLOAT : OSH_YAML_INTEGER;
    return OSH_YAML_STRING;
}

gboolean
osh_yaml_is_empty(const OshYamlNode *node)
{
    return node->kind == OSH_YAML_SCALAR && node->plain && node->length == 0;
}

gboolean
osh_yaml_is_null(const OshYamlNode *node)
{
    return node->kind == OSH_YAML_SCALAR && osh_yaml_scalar_type(node) == OSH_YAML_NULL;
}

gboolean
osh_yaml_integer(const OshYamlNode *node, guint64 *ret_value)
{
    const char *text = node->text;
    guint base = 10;
    char *end = NULL;
    guint64 value;

    if (node->kind != OSH_YAML_SCALAR || osh_yaml_scalar_type(node) != OSH_YAML_INTEGER ||
        text[0] == '-')
        return FALSE;
    text += text[0] == '+';
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
        base = text[1] == 'x' ? 16 : 8;
        text += 2;
    }
    errno = 0;
    value = g_ascii_strtoull(text, &end, base);
    if (errno != 0 || *end != '\0')
        return FALSE;
    *ret_value = value;
    return TRUE;
}

char *
osh_yaml_describe(const OshYamlNode *node)
{
    static const char *const names[] = {"a string", "an integer", "a number", "a boolean", "null"};

    if (node->kind == OSH_YAML_MAPPING)
        return g_strdup("a mapping");
    if (node->kind == OSH_YAML_SEQUENCE)
        return g_strdup("a list");
    if (osh_yaml_is_empty(node))
        return g_strdup("nothing");
    return g_strdup(names[osh_yaml_scalar_type(node)]);
}

static void
refuse(Reader *reader, yaml_mark_t mark, char *message)
{
    osh_policy_diagnostics_add(reader->diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR,
                               (guint)mark.line + 1, (guint)mark.column + 1, NULL, message, NULL);
    reader->failed = TRUE;
}

/* What cannot be decoded is found ahead of what is parsed, and told by its offset alone. */
static yaml_mark_t
mark_of_offset(const Reader *reader)
{
    yaml_mark_t mark = {0};

    for (gsize i = 0; i < reader->length && i < reader->parser.problem_offset; i++) {
        mark.column += ((guchar)reader->text[i] & 0xc0) != 0x80;
        if (reader->text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static gboolean
next_event(Reader *reader, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&reader->parser, ret_event))
        return TRUE;
    refuse(reader,
           reader->parser.error == YAML_READER_ERROR ? mark_of_offset(reader)
                                                     : reader->parser.problem_mark,
           g_strdup_printf("not valid YAML: %s",
                           reader->parser.problem != NULL ? reader->parser.problem : "unreadable"));
    return FALSE;
}

static void
count_node(Reader *reader, yaml_mark_t mark)
{
    if (!reader->failed && ++reader->n_nodes > MAX_NODES)
        refuse(reader, mark,
               g_strdup_printf("the policy is too large: it has more than %d keys and values",
                               MAX_NODES));
}

static OshYamlNode *
node_new(Reader *reader, OshYamlKind kind, const OshYamlNode *parent, const yaml_event_t *event)
{
    OshYamlNode *node = osh_arena_take(reader->arena, sizeof(*node));

    node->kind = (guint8)kind;
    node->parent = parent;
    node->line = (guint32)event->start_mark.line + 1;
    node->column = (guint32)event->start_mark.column + 1;
    count_node(reader, event->start_mark);
    return node;
}

static gboolean
check_properties(Reader *reader, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;

    switch ((int)event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    case YAML_ALIAS_EVENT:
        refuse(reader, event->start_mark, g_strdup("YAML aliases are not allowed in a policy"));
        return FALSE;
    default:
        refuse(reader, event->start_mark, g_strdup("a value is missing"));
        return FALSE;
    }
    if (anchor != NULL)
        refuse(reader, event->start_mark, g_strdup("YAML anchors are not allowed in a policy"));
    else if (tag != NULL)
        refuse(reader, event->start_mark, g_strdup("YAML tags are not allowed in a policy"));
    return anchor == NULL && tag == NULL;
}

static const char *
copy_scalar(Reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    gsize length = event->data.scalar.length;

    if (length > MAX_SCALAR) {
        refuse(reader, event->start_mark, g_strdup("the value is longer than 65536 bytes"));
        return NULL;
    }
    reader->scalar_bytes += length;
    if (reader->scalar_bytes > MAX_SCALARS) {
        refuse(reader, event->start_mark, g_strdup("the policy is too large: its values together"));
        return NULL;
    }
    for (gsize i = 0; i < length; i++) {
        if ((guchar)text[i] < 0x20 || text[i] == 0x7f) {
            refuse(reader, event->start_mark,
                   g_strdup("control characters are not allowed in a policy"));
            return NULL;
        }
    }
    return osh_arena_copy(reader->arena, text, length);
}

static const OshYamlNode *read_node(Reader *reader, const OshYamlNode *parent, yaml_event_t *event,
                                    guint depth);

static void
check_duplicate(Reader *reader, const OshYamlNode *mapping, GHashTable **keys, const char *key,
                yaml_mark_t mark)
{
    const OshYamlNode *earlier = NULL;

    if (mapping->length < MAX_LINEAR_KEYS) {
        earlier = osh_yaml_find(mapping, key);
    } else {
        if (*keys == NULL) {
            *keys = g_hash_table_new(g_str_hash, g_str_equal);
            for (const OshYamlNode *child = mapping->first; child != NULL; child = child->next)
                g_hash_table_insert(*keys, (gpointer)child->key, (gpointer)child);
        }
        earlier = g_hash_table_lookup(*keys, key);
    }
    if (earlier != NULL)
        refuse(reader, mark,
               g_strdup_printf("duplicate key '%.100s' (first used on line %u)", key,
                               earlier->key_line));
}

/* A merge key would bring in keys that do not stand here. */
static const char *
read_key(Reader *reader, const yaml_event_t *event)
{
    const char *key;

    if (event->type != YAML_SCALAR_EVENT)
        refuse(reader, event->start_mark, g_strdup("a key must be a plain word"));
    if (reader->failed || !check_properties(reader, event))
        return NULL;
    count_node(reader, event->start_mark);
    key = copy_scalar(reader, event);
    if (key != NULL && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        strcmp(key, "<<") == 0)
        refuse(reader, event->start_mark, g_strdup("YAML merge keys are not allowed in a policy"));
    return reader->failed ? NULL : key;
}

static void
check_entries(Reader *reader, const OshYamlNode *node, yaml_mark_t mark)
{
    if (node->length == MAX_ENTRIES)
        refuse(reader, mark,
               g_strdup_printf("a %s of more than %d entries is not allowed in a policy",
                               node->kind == OSH_YAML_MAPPING ? "mapping" : "list", MAX_ENTRIES));
}

static void
read_mapping(Reader *reader, OshYamlNode *mapping, guint depth)
{
    g_autoptr(GHashTable) keys = NULL;
    const OshYamlNode **tail = &mapping->first;

    while (!reader->failed) {
        yaml_event_t event;
        yaml_mark_t mark;
        const char *key;
        OshYamlNode *child;

        if (!next_event(reader, &event))
            return;
        mark = event.start_mark;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return;
        }
        check_entries(reader, mapping, mark);
        key = read_key(reader, &event);
        yaml_event_delete(&event);
        if (key == NULL || !next_event(reader, &event))
            return;
        check_duplicate(reader, mapping, &keys, key, mark);
        child = (OshYamlNode *)read_node(reader, mapping, &event, depth);
        if (child == NULL)
            return;
        child->key = key;
        child->key_line = (guint32)mark.line + 1;
        child->key_column = (guint16)MIN(mark.column + 1, G_MAXUINT16);
        *tail = child;
        tail = &child->next;
        mapping->length++;
        if (keys != NULL)
            g_hash_table_insert(keys, (gpointer)key, child);
    }
}

static void
read_sequence(Reader *reader, OshYamlNode *sequence, guint depth)
{
    const OshYamlNode **tail = &sequence->first;

    while (!reader->failed) {
        yaml_event_t event;
        OshYamlNode *child;

        if (!next_event(reader, &event))
            return;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return;
        }
        check_entries(reader, sequence, event.start_mark);
        child = (OshYamlNode *)read_node(reader, sequence, &event, depth);
        if (child == NULL)
            return;
        *tail = child;
        tail = &child->next;
        sequence->length++;
    }
}

/* Consumes @event. */
static const OshYamlNode *
read_node(Reader *reader, const OshYamlNode *parent, yaml_event_t *event, guint depth)
{
    OshYamlNode *node = NULL;

    if (depth >= MAX_DEPTH && event->type != YAML_SCALAR_EVENT)
        refuse(reader, event->start_mark,
               g_strdup_printf("the policy is nested too deeply: more than %d levels", MAX_DEPTH));
    if (reader->failed || !check_properties(reader, event)) {
        yaml_event_delete(event);
        return NULL;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        node = node_new(reader, OSH_YAML_SCALAR, parent, event);
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        node->length = (guint32)event->data.scalar.length;
        node->text = copy_scalar(reader, event);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        node = node_new(reader, OSH_YAML_SEQUENCE, parent, event);
        read_sequence(reader, node, depth + 1);
    } else {
        node = node_new(reader, OSH_YAML_MAPPING, parent, event);
        read_mapping(reader, node, depth + 1);
    }
    yaml_event_delete(event);
    return reader->failed ? NULL : node;
}

static const OshYamlNode *
read_document(Reader *reader)
{
    const OshYamlNode *root = NULL;
    yaml_event_t event;

    if (!next_event(reader, &event)) /* stream start */
        return NULL;
    yaml_event_delete(&event);
    if (!next_event(reader, &event))
        return NULL;
    if (event.type == YAML_STREAM_END_EVENT) {
        refuse(reader, event.start_mark, g_strdup("the policy is empty"));
        yaml_event_delete(&event);
        return NULL;
    }
    yaml_event_delete(&event); /* document start */
    if (!next_event(reader, &event))
        return NULL;
    root = read_node(reader, NULL, &event, 0);
    if (root == NULL || !next_event(reader, &event)) /* document end */
        return NULL;
    yaml_event_delete(&event);
    if (!next_event(reader, &event))
        return NULL;
    if (event.type != YAML_STREAM_END_EVENT)
        refuse(reader, event.start_mark, g_strdup("a policy is a single YAML document"));
    yaml_event_delete(&event);
    return root;
}

/* Looked at before the parser, which would take UTF-16 as well, and a NUL as one more character. */
static gboolean
is_utf8(Reader *reader)
{
    const char *end = NULL;

    if (g_utf8_validate_len(reader->text, reader->length, &end))
        return TRUE;
    reader->parser.problem_offset = (size_t)(end - reader->text);
    refuse(reader, mark_of_offset(reader),
           g_strdup(*end == '\0' ? "control characters are not allowed in a policy"
                                 : "not valid UTF-8"));
    return FALSE;
}

const OshYamlNode *
osh_yaml_parse(OshArena *arena, const char *text, gsize length, OshPolicyDiagnostics *diagnostics)
{
    Reader reader = {.arena = arena, .diagnostics = diagnostics, .text = text, .length = length};
    const OshYamlNode *root;

    if (!yaml_parser_initialize(&reader.parser)) {
        osh_policy_diagnostics_add(diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, 0, 0, NULL,
                                   g_strdup("out of memory"), NULL);
        return NULL;
    }
    if (!is_utf8(&reader)) {
        yaml_parser_delete(&reader.parser);
        return NULL;
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    root = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    if (reader.failed)
        return NULL;
    if (root->kind != OSH_YAML_MAPPING) {
        g_autofree char *found = osh_yaml_describe(root);

        osh_yaml_error(diagnostics, root, "a policy is a mapping, found %s", found);
        return NULL;
    }
    return root;
}
