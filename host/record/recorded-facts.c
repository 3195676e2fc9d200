/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorded-facts.c: from JSON to the facts that were decided upon.
 *
 * [any], pure but for the arena. Reads bytes that may come from anywhere: every size is bounded and
 * whatever is not exactly as record-row.c writes it is an error. It must never make up a value for
 * one that was withheld: that becomes a NUL byte, which no glob can judge, and is noted.
 */
#include "recorded-facts.h"

#include <string.h>

#define MAX_FACTS  64
#define MAX_ITEMS  4096
#define MAX_NAME   64
#define MAX_NESTED 6

typedef struct {
    OshArena *arena;
    OshRecordedDecision *row;
    const char *problem;
} Reader;

static gboolean
fail(Reader *reader, const char *problem)
{
    if (reader->problem == NULL)
        reader->problem = problem;
    return FALSE;
}

static gboolean
is_name(const char *name)
{
    gsize length = strlen(name);

    if (length == 0 || length > MAX_NAME)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(name[i]) && strchr("._-", name[i]) == NULL)
            return FALSE;
    return TRUE;
}

/* Returns: the only member of @value if it is called @name. */
static json_t *
only_member(json_t *value, const char *name)
{
    return json_is_object(value) && json_object_size(value) == 1 ? json_object_get(value, name)
                                                                 : NULL;
}

static gboolean
read_hex(Reader *reader, const char *hex, OshSpan *ret_span)
{
    gsize length = strlen(hex);
    char *bytes = osh_arena_take(reader->arena, length / 2 + 1);

    for (gsize i = 0; i < length; i += 2) {
        gint high = g_ascii_xdigit_value(hex[i]);
        gint low = high >= 0 ? g_ascii_xdigit_value(hex[i + 1]) : -1;

        if (low < 0)
            return fail(reader, "\"hex\" is not pairs of hexadecimal digits");
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *ret_span = (OshSpan){bytes, length / 2};
    return TRUE;
}

/* Compared with globs alone, which can judge no NUL; everything else is compared in other ways. */
static gboolean
is_content(const char *fact, const char *field)
{
    return (field != NULL && (strcmp(field, "values") == 0 || strcmp(field, "value") == 0)) ||
           g_str_has_suffix(fact, ".error");
}

static void
note_withheld(Reader *reader, const char *fact, const char *field)
{
    if (is_content(fact, field))
        reader->row->withholds_content = TRUE;
    else if (osh_recorded_is_connection_fact(fact))
        reader->row->withholds_connection = TRUE;
    else
        reader->row->withholds_request = TRUE;
}

static gboolean read_string(Reader *reader, json_t *value, const char *fact, const char *field,
                            OshSpan *ret_span);

static gboolean
read_segments(Reader *reader, json_t *segments, const char *fact, OshSpan *ret_span)
{
    g_autoptr(GString) path = g_string_new(NULL);
    gsize n = json_array_size(segments);

    for (gsize i = 0; i < n; i++) {
        json_t *segment = json_array_get(segments, i);
        OshSpan text;

        if (only_member(segment, "segments") != NULL)
            return fail(reader, "\"segments\" in \"segments\"");
        if (!read_string(reader, segment, fact, NULL, &text))
            return FALSE;
        if (i > 0)
            g_string_append_c(path, '/');
        g_string_append_len(path, text.data, (gssize)text.length);
    }
    *ret_span = (OshSpan){osh_arena_copy(reader->arena, path->str, path->len), path->len};
    return TRUE;
}

static gboolean
read_string(Reader *reader, json_t *value, const char *fact, const char *field, OshSpan *ret_span)
{
    json_t *member;

    if (json_is_string(value)) {
        gsize length = json_string_length(value);

        *ret_span =
            (OshSpan){osh_arena_copy(reader->arena, json_string_value(value), length), length};
        return TRUE;
    }
    if (json_is_true(only_member(value, "withheld"))) {
        note_withheld(reader, fact, field);
        *ret_span = (OshSpan){"\0", 1};
        return TRUE;
    }
    member = only_member(value, "hex");
    if (json_is_string(member))
        return read_hex(reader, json_string_value(member), ret_span);
    member = only_member(value, "segments");
    if (json_is_array(member))
        return read_segments(reader, member, fact, ret_span);
    return fail(reader, "a fact is none of string, whole number, true, false, list, \"hex\", "
                        "\"segments\", \"withheld\" and \"records\"");
}

static gboolean read_fact(Reader *reader, const char *name, json_t *value, const char *fact,
                          guint depth, OshFact *ret_fact);

/* Members of an object as facts. */
static gboolean
read_members(Reader *reader, json_t *object, const char *fact, guint depth,
             const OshFact **ret_facts, gsize *ret_n)
{
    gsize n = json_object_size(object);
    OshFact *facts = osh_arena_new_array(reader->arena, OshFact, n);
    const char *name;
    json_t *value;
    gsize i = 0;

    if (n > MAX_FACTS)
        return fail(reader, "more than 64 facts");
    json_object_foreach(object, name, value)
    {
        if (!is_name(name))
            return fail(reader, "a fact's name is not letters, digits, dots, - and _");
        if (!read_fact(reader, name, value, fact, depth, &facts[i++]))
            return FALSE;
    }
    *ret_facts = facts;
    *ret_n = n;
    return TRUE;
}

static gboolean
read_records(Reader *reader, json_t *array, const char *fact, guint depth, OshFact *ret_fact)
{
    gsize n = json_array_size(array);
    OshFactRecord *records = osh_arena_new_array(reader->arena, OshFactRecord, n);

    if (n > MAX_ITEMS || depth == 0)
        return fail(reader, "too many records, or too deep in each other");
    for (gsize i = 0; i < n; i++) {
        json_t *item = json_array_get(array, i);

        if (!json_is_object(item))
            return fail(reader, "a record is not an object");
        if (!read_members(reader, item, fact, depth - 1, &records[i].fields, &records[i].n_fields))
            return FALSE;
    }
    ret_fact->type = OSH_FACT_RECORDS;
    ret_fact->count = (guint32)n;
    ret_fact->value.records = records;
    return TRUE;
}

static gboolean
read_list(Reader *reader, json_t *array, const char *fact, const char *field, OshFact *ret_fact)
{
    gsize n = json_array_size(array);
    OshSpan *spans = osh_arena_new_array(reader->arena, OshSpan, n);

    if (n > MAX_ITEMS)
        return fail(reader, "a list of more than 4096 strings");
    for (gsize i = 0; i < n; i++)
        if (!read_string(reader, json_array_get(array, i), fact, field, &spans[i]))
            return FALSE;
    ret_fact->type = OSH_FACT_STRINGS;
    ret_fact->count = (guint32)n;
    ret_fact->value.strings = spans;
    return TRUE;
}

/* @fact: of which @name is a field, or NULL when it is a fact itself. */
static gboolean
read_fact(Reader *reader, const char *name, json_t *value, const char *fact, guint depth,
          OshFact *ret_fact)
{
    const char *field = fact != NULL ? name : NULL;
    const char *whole = fact != NULL ? fact : name;

    ret_fact->name = osh_arena_copy(reader->arena, name, strlen(name));
    if (json_is_integer(value)) {
        ret_fact->type = OSH_FACT_INTEGER;
        ret_fact->value.integer = json_integer_value(value);
        return TRUE;
    }
    if (json_is_boolean(value)) {
        ret_fact->type = OSH_FACT_BOOLEAN;
        ret_fact->value.boolean = json_is_true(value);
        return TRUE;
    }
    if (json_is_array(value))
        return read_list(reader, value, whole, field, ret_fact);
    if (json_is_array(only_member(value, "records")))
        return read_records(reader, only_member(value, "records"), whole, depth, ret_fact);
    ret_fact->type = OSH_FACT_STRING;
    return read_string(reader, value, whole, field, &ret_fact->value.string);
}

const char *
osh_recorded_facts_read(json_t *object, OshArena *arena, OshRecordedDecision *row)
{
    Reader reader = {arena, row, NULL};

    if (!json_is_object(object))
        return "\"facts\" is not an object";
    read_members(&reader, object, NULL, MAX_NESTED, &row->facts.facts, &row->facts.n_facts);
    return reader.problem;
}
