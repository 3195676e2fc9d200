/* SPDX-License-Identifier: Apache-2.0 */
/*
 * params.c: params as records of a name and a text, as OSH_FACT_JSONRPC_CALLS has them. [shard].
 * The depth of a value is what osh-json.h allows; the number of records and the length of their
 * names are bounded here. It must never leave a scalar out: a deny rule could not see it.
 */
#include <math.h>
#include <string.h>

#include "jsonrpc.h"

/* 2^53: beyond it not every integer is a double, and readers begin to disagree. */
#define EXACT 9007199254740992.0

typedef struct {
    GString *name; /* of the value that is looked at */
    GArray
        *pairs; /* OshSpan name and text, in turn; a text without data for a record without one */
    guint *budget;
    gsize *names;
    JsonrpcFacts *facts;
    JsonrpcProblem problem;
} Walk;

static const JsonrpcProblem collision = {JSONRPC_INVALID_MESSAGE,
                                         "two names in params differ in letter case alone"};

/* The shortest text that reads back as @number, without what %g puts into an exponent. */
static void
shortest_text(double number, char *ret_text)
{
    char digits[JSONRPC_NUMBER_SIZE];
    char *exponent;
    char format[8];

    for (int precision = 1; precision <= 17; precision++) {
        g_snprintf(format, sizeof format, "%%.%dg", precision);
        g_ascii_formatd(digits, sizeof digits, format, number);
        if (g_ascii_strtod(digits, NULL) == number)
            break;
    }
    exponent = strchr(digits, 'e');
    if (exponent == NULL) {
        g_strlcpy(ret_text, digits, JSONRPC_NUMBER_SIZE);
        return;
    }
    *exponent++ = '\0';
    g_snprintf(ret_text, JSONRPC_NUMBER_SIZE, "%se%" G_GINT64_FORMAT, digits,
               g_ascii_strtoll(exponent, NULL, 10));
}

void
jsonrpc_number_text(const json_t *number, char ret_text[JSONRPC_NUMBER_SIZE])
{
    double value = json_number_value(number);

    if (value >= -EXACT && value <= EXACT && value == floor(value))
        g_snprintf(ret_text, JSONRPC_NUMBER_SIZE, "%" G_GINT64_FORMAT, (gint64)value);
    else
        shortest_text(value, ret_text);
}

static void
add_record(Walk *walk, OshSpan text)
{
    OshSpan name = {NULL, walk->name->len};

    if (*walk->budget == 0 || walk->name->len > *walk->names) {
        walk->problem = (JsonrpcProblem){JSONRPC_INVALID_MESSAGE, "params of too many values"};
        return;
    }
    *walk->budget -= 1;
    *walk->names -= walk->name->len;
    /* Elements of an array follow each other under one name. */
    if (walk->pairs->len > 0) {
        const OshSpan *last = &g_array_index(walk->pairs, OshSpan, walk->pairs->len - 2);

        if (last->length == name.length && memcmp(last->data, walk->name->str, name.length) == 0)
            name.data = last->data;
    }
    if (name.data == NULL)
        name.data =
            g_string_chunk_insert_len(walk->facts->texts, walk->name->str, (gssize)walk->name->len);
    g_array_append_val(walk->pairs, name);
    g_array_append_val(walk->pairs, text);
}

static void
add_scalar(Walk *walk, const json_t *value)
{
    char digits[JSONRPC_NUMBER_SIZE];

    if (json_is_string(value)) {
        add_record(walk, osh_json_text(value));
    } else if (json_is_number(value)) {
        jsonrpc_number_text(value, digits);
        add_record(walk, osh_span(g_string_chunk_insert(walk->facts->texts, digits)));
    } else {
        add_record(walk, json_is_true(value)    ? OSH_SPAN_LITERAL("true")
                         : json_is_false(value) ? OSH_SPAN_LITERAL("false")
                                                : OSH_SPAN_LITERAL("null"));
    }
}

static void walk_value(Walk *walk, const json_t *value);

/* Of the outermost object a name is the member's alone; below it stands behind a dot, so that an
 * empty name cannot make one of the outermost. */
static void
walk_object(Walk *walk, const json_t *object, gboolean is_outermost)
{
    gsize length = walk->name->len;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        if (walk->problem.kind != JSONRPC_FINE)
            return;
        if (!is_outermost)
            g_string_append_c(walk->name, '.');
        g_string_append(walk->name, name);
        walk_value(walk, value);
        g_string_truncate(walk->name, length);
    }
}

static void
walk_value(Walk *walk, const json_t *value)
{
    const OshSpan none = {NULL, 0};
    json_t *element;
    gsize i;

    if (osh_json_names_collide(value)) {
        walk->problem = collision;
    } else if (json_is_object(value) && json_object_size(value) > 0) {
        walk_object(walk, value, FALSE);
    } else if (json_is_array(value) && json_array_size(value) > 0) {
        json_array_foreach(value, i, element)
        {
            if (walk->problem.kind != JSONRPC_FINE)
                return;
            walk_value(walk, element);
        }
    } else if (json_is_object(value) || json_is_array(value)) {
        add_record(walk, none);
    } else {
        add_scalar(walk, value);
    }
}

static void
make_records(const Walk *walk, OshFact *ret_fact)
{
    gsize n = walk->pairs->len / 2;
    OshFact *fields = jsonrpc_facts_take(walk->facts, 2 * n * sizeof *fields);
    OshFactRecord *records = jsonrpc_facts_take(walk->facts, n * sizeof *records);

    for (gsize i = 0; i < n; i++) {
        OshSpan text = g_array_index(walk->pairs, OshSpan, 2 * i + 1);

        fields[2 * i] =
            (OshFact)OSH_FACT_STRING_INIT("key", g_array_index(walk->pairs, OshSpan, 2 * i));
        fields[2 * i + 1] = (OshFact)OSH_FACT_STRING_INIT("value", text);
        records[i] = (OshFactRecord){&fields[2 * i], text.data != NULL ? 2 : 1};
    }
    *ret_fact = (OshFact)OSH_FACT_RECORDS_INIT("params", records, n);
}

JsonrpcProblem
jsonrpc_params_records(const json_t *params, guint *budget, gsize *names, JsonrpcFacts *facts,
                       OshFact *ret_fact)
{
    g_autoptr(GString) name = g_string_new(NULL);
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(OshSpan));
    Walk walk = {name, pairs, budget, names, facts, {JSONRPC_FINE, NULL}};

    if (osh_json_names_collide(params))
        walk.problem = collision;
    else if (json_is_object(params))
        walk_object(&walk, params, TRUE);
    make_records(&walk, ret_fact);
    return walk.problem;
}
