/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.c: a draft as the YAML that a person would write.
 *
 * Any thread, nothing shared. Quotes whatever some version of YAML could take for something else,
 * escapes all but printable ASCII, and gives nothing out that does not read back as the same
 * values: text that came from a box must not become another policy, or control a terminal.
 */
#include "draft.h"
#include "endpoint-key.h"

#include <string.h>
#include <yaml.h>

#include <arpa/inet.h>

/* A list or mapping stays on one line up to about this width. */
#define LINE_WIDTH 92
/* root, network_policies, policy, list, endpoint: what is below may stand on one line */
#define FLOW_DEPTH 5

G_DEFINE_QUARK(osh - draft - error - quark, osh_draft_error)

typedef struct {
    yaml_emitter_t emitter;
    GString *text;
    GPtrArray *key_order; /* NULL-terminated */
    gboolean failed;
} Writer;

/* The order in which the guide shows them; the keys of an endpoint follow, then all others. */
static const char *const first_keys[] = {"version",
                                         "filesystem_policy",
                                         "landlock",
                                         "process",
                                         "network_policies",
                                         "network_middlewares",
                                         "include_workdir",
                                         "read_only",
                                         "read_write",
                                         "name",
                                         "middleware",
                                         "order",
                                         "on_error",
                                         "endpoints",
                                         "binaries",
                                         "min",
                                         "max",
                                         NULL};

/* The order within a rule, where `path` follows `method`. */
static const char *const rule_key_order[] = {"method",         "path",           "command", "query",
                                             "operation_type", "operation_name", "fields",  "tool",
                                             "params",         "mcp_arguments",  NULL};

/* Returns: (transfer full): @first_keys and the keys of an endpoint that have a place */
static GPtrArray *
collect_key_order(void)
{
    GPtrArray *order = g_ptr_array_new();
    guint before = 0;

    for (gsize i = 0; first_keys[i] != NULL; i++)
        g_ptr_array_add(order, (gpointer)first_keys[i]);
    while (before < order->len) {
        const guint place = order->len - (guint)(G_N_ELEMENTS(first_keys) - 1) + 1;
        const OshEndpointKey *key;

        before = order->len;
        for (guint i = 0; (key = osh_endpoint_key_at(i)) != NULL; i++)
            if (key->written == place)
                g_ptr_array_add(order, (gpointer)key->name);
    }
    g_ptr_array_add(order, NULL);
    return order;
}

static int
append_bytes(void *data, unsigned char *bytes, size_t length)
{
    g_string_append_len(data, (const char *)bytes, (gssize)length);
    return 1;
}

/* Takes over what @initialised and @event hold. */
static void
emit(Writer *writer, int initialised, yaml_event_t *event)
{
    if (!initialised || (!writer->failed && !yaml_emitter_emit(&writer->emitter, event)))
        writer->failed = TRUE;
    else if (writer->failed)
        yaml_event_delete(event);
}

/* Words that one version of YAML or another reads as a boolean or null. */
static gboolean
is_special_word(const char *text)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",   "on",
                                        "off", "true", "false", "null", NULL};

    for (gsize i = 0; words[i] != NULL; i++)
        if (g_ascii_strcasecmp(text, words[i]) == 0)
            return TRUE;
    return FALSE;
}

/* Whether @text means the same everywhere without quotes. */
static gboolean
is_safe_plain(const char *text)
{
    struct in_addr address;
    gboolean after_space = FALSE;

    if (!g_ascii_isalpha(text[0]) && text[0] != '/' && text[0] != '_') {
        /* some readers take it for a number, unless it is an address or a network */
        if (!g_ascii_isdigit(text[0]) ||
            (inet_pton(AF_INET, text, &address) != 1 && strchr(text, '/') == NULL))
            return FALSE;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ' ') {
            if (after_space || p[1] == '\0')
                return FALSE;
            after_space = TRUE;
            continue;
        }
        if (!g_ascii_isalnum(*p) && strchr("_/.*+-@$;()", *p) == NULL)
            return FALSE;
        if (after_space && !g_ascii_isalnum(*p) && *p != '/' && *p != '(')
            return FALSE;
        after_space = FALSE;
    }
    return !is_special_word(text);
}

static yaml_scalar_style_t
string_style(const char *text)
{
    if (is_safe_plain(text))
        return YAML_PLAIN_SCALAR_STYLE;
    /* a glob with a backslash reads better where it is no escape */
    if (strpbrk(text, "\\\"") != NULL)
        return YAML_SINGLE_QUOTED_SCALAR_STYLE;
    return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
}

static void
write_scalar(Writer *writer, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    int initialised = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                                   (int)strlen(text), 1, 1, style);

    emit(writer, initialised, &event);
}

/* About how long @value is on one line, or G_MAXUINT when it has to be spread out. */
static guint
line_width(const OshValue *value)
{
    guint width = 2;

    if (osh_value_kind(value) == OSH_VALUE_PLAIN)
        return (guint)strlen(osh_value_text(value));
    if (osh_value_kind(value) == OSH_VALUE_STRING)
        return (guint)strlen(osh_value_text(value)) +
               (is_safe_plain(osh_value_text(value)) ? 0 : 2);
    for (guint i = 0; i < osh_value_length(value); i++) {
        guint inner = line_width(osh_value_item(value, i));

        if (osh_value_kind(value) == OSH_VALUE_MAPPING)
            width += (guint)strlen(osh_value_key(value, i)) + 2;
        if (inner > LINE_WIDTH || (width += inner + 2) > LINE_WIDTH)
            return G_MAXUINT;
    }
    return width;
}

static gboolean
holds_only_scalars(const OshValue *list)
{
    for (guint i = 0; i < osh_value_length(list); i++)
        if (osh_value_kind(osh_value_item(list, i)) > OSH_VALUE_PLAIN)
            return FALSE;
    return TRUE;
}

/* Whether @value, a list or mapping that begins at @column, stands on one line. */
static gboolean
is_one_line(const OshValue *value, guint depth, guint column)
{
    guint width = line_width(value);

    if (width > LINE_WIDTH || width + column > LINE_WIDTH)
        return FALSE;
    if (osh_value_kind(value) == OSH_VALUE_LIST)
        return holds_only_scalars(value);
    /* `- allow: { ... }` keeps its first word outside */
    return depth >= FLOW_DEPTH && osh_value_find(value, "allow") == NULL;
}

static void write_value(Writer *writer, const OshValue *value, guint depth, guint column,
                        gboolean flow);

static void
write_list(Writer *writer, const OshValue *list, guint depth, guint column, gboolean flow)
{
    yaml_event_t event;
    gboolean one_line = flow || is_one_line(list, depth, column);

    emit(writer,
         yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                              one_line ? YAML_FLOW_SEQUENCE_STYLE
                                                       : YAML_BLOCK_SEQUENCE_STYLE),
         &event);
    for (guint i = 0; i < osh_value_length(list); i++)
        write_value(writer, osh_value_item(list, i), depth + 1, 2 * depth + 2, one_line);
    emit(writer, yaml_sequence_end_event_initialize(&event), &event);
}

static void
write_member(Writer *writer, const OshValue *mapping, guint index, guint depth, gboolean flow)
{
    const char *key = osh_value_key(mapping, index);
    /* about two columns a level */
    guint column = 2 * depth + (guint)MIN(strlen(key), LINE_WIDTH) + 2;

    write_scalar(writer, key, string_style(key));
    write_value(writer, osh_value_item(mapping, index), depth + 1, column, flow);
}

static gboolean
is_rule(const OshValue *mapping)
{
    return osh_value_find(mapping, "method") != NULL || osh_value_find(mapping, "tool") != NULL ||
           osh_value_find(mapping, "operation_type") != NULL;
}

static void
write_mapping(Writer *writer, const OshValue *mapping, guint depth, guint column, gboolean flow)
{
    yaml_event_t event;
    gboolean one_line = flow || is_one_line(mapping, depth, column);
    const char *const *order =
        is_rule(mapping) ? rule_key_order : (const char *const *)(gpointer)writer->key_order->pdata;
    guint length = osh_value_length(mapping);

    emit(writer,
         yaml_mapping_start_event_initialize(
             &event, NULL, NULL, 1, one_line ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE),
         &event);
    for (gsize k = 0; order[k] != NULL; k++)
        for (guint i = 0; i < length; i++)
            if (strcmp(osh_value_key(mapping, i), order[k]) == 0)
                write_member(writer, mapping, i, depth, one_line);
    for (guint i = 0; i < length; i++)
        if (!g_strv_contains(order, osh_value_key(mapping, i)))
            write_member(writer, mapping, i, depth, one_line);
    emit(writer, yaml_mapping_end_event_initialize(&event), &event);
}

static void
write_value(Writer *writer, const OshValue *value, guint depth, guint column, gboolean flow)
{
    switch (osh_value_kind(value)) {
    case OSH_VALUE_LIST:
        write_list(writer, value, depth, column, flow);
        return;
    case OSH_VALUE_MAPPING:
        write_mapping(writer, value, depth, column, flow);
        return;
    case OSH_VALUE_PLAIN:
        write_scalar(writer, osh_value_text(value), YAML_PLAIN_SCALAR_STYLE);
        return;
    case OSH_VALUE_STRING:
    default:
        write_scalar(writer, osh_value_text(value), string_style(osh_value_text(value)));
        return;
    }
}

static gboolean
write_document(Writer *writer, const OshValue *root)
{
    yaml_event_t event;

    if (!yaml_emitter_initialize(&writer->emitter))
        return FALSE;
    yaml_emitter_set_output(&writer->emitter, append_bytes, writer->text);
    yaml_emitter_set_width(&writer->emitter, -1);
    yaml_emitter_set_unicode(&writer->emitter, 0);
    emit(writer, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
    emit(writer, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event);
    write_value(writer, root, 0, 0, FALSE);
    emit(writer, yaml_document_end_event_initialize(&event, 1), &event);
    emit(writer, yaml_stream_end_event_initialize(&event), &event);
    yaml_emitter_flush(&writer->emitter);
    yaml_emitter_delete(&writer->emitter);
    return !writer->failed;
}

static gboolean
reads_back(const OshValue *root, const char *text, gsize length, GError **error)
{
    g_autoptr(OshArena) arena = osh_arena_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    const OshYamlNode *node = osh_yaml_parse(arena, text, length, diagnostics);
    g_autoptr(OshValue) again = node != NULL ? osh_value_from_yaml(node) : NULL;

    if (again != NULL && osh_value_equal(root, again))
        return TRUE;
    g_set_error(error, OSH_DRAFT_ERROR, OSH_DRAFT_ERROR_VALUE,
                "a value cannot be written as YAML: %s",
                osh_policy_diagnostics_length(diagnostics) > 0
                    ? osh_policy_diagnostics_get(diagnostics, 0)->message
                    : "it would read back as another one");
    return FALSE;
}

char *
osh_draft_write(const OshDraft *draft, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GPtrArray) key_order = collect_key_order();
    Writer writer = {.text = text, .key_order = key_order};

    if (!write_document(&writer, osh_draft_root(draft))) {
        g_set_error_literal(error, OSH_DRAFT_ERROR, OSH_DRAFT_ERROR_VALUE,
                            "a value cannot be written as YAML: it is not valid UTF-8");
        return NULL;
    }
    if (!reads_back(osh_draft_root(draft), text->str, text->len, error))
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}
