/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload-json.c: writes the payload of an event as JSON, straight from its serialised bytes
 * (GVariant Specification 1.0). To make a GVariant of each member costs several times as much.
 *
 * It reads what an event is made of, each size and offset checked, and leaves everything else to
 * event-json.c: other types, and bytes that are not as GVariant writes them.
 */
#include "payload-json.h"

#include "json-value.h"
#include "osh-text.h"

#include <string.h>

/* Bytes that are one value. */
typedef struct {
    const guint8 *data;
    gsize size;
} Bytes;

/* How wide the framing offsets of a container of @size bytes are. */
static gsize
offset_width(gsize size)
{
    return size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
}

/* Little-endian. The caller has checked that it lies inside. */
static gsize
read_offset(const guint8 *at, gsize width)
{
    guint64 offset = 0;

    for (gsize i = width; i-- > 0;)
        offset = offset << 8 | at[i];
    return (gsize)offset;
}

static gsize
align(gsize at, gsize size)
{
    return (at + size - 1) & ~(size - 1);
}

/* Returns: how long a value of type @type is, and how it is aligned; 0 for other types. */
static gsize
fixed_size(char type)
{
    switch (type) {
    case 'b':
    case 'y':
        return 1;
    case 'n':
    case 'q':
        return 2;
    case 'i':
    case 'u':
        return 4;
    case 'x':
    case 't':
    case 'd':
        return 8;
    default:
        return 0;
    }
}

static void
append_fixed(GString *line, char type, const guint8 *data)
{
    union {
        gint16 n;
        guint16 q;
        gint32 i;
        guint32 u;
        gint64 x;
        guint64 t;
        double d;
    } value;

    memcpy(&value, data, fixed_size(type));
    switch (type) {
    case 'b':
        osh_json_append_boolean(line, data[0] != 0);
        break;
    case 'y':
        osh_json_append_unsigned(line, data[0]);
        break;
    case 'n':
        osh_json_append_signed(line, value.n);
        break;
    case 'q':
        osh_json_append_unsigned(line, value.q);
        break;
    case 'i':
        osh_json_append_signed(line, value.i);
        break;
    case 'u':
        osh_json_append_unsigned(line, value.u);
        break;
    case 'x':
        osh_json_append_signed(line, value.x);
        break;
    case 't':
        osh_json_append_unsigned(line, value.t);
        break;
    default:
        osh_json_append_double(line, value.d);
        break;
    }
}

/* A string ends with the only NUL in it. */
static gboolean
append_string(GString *line, Bytes bytes)
{
    if (bytes.size == 0 || memchr(bytes.data, '\0', bytes.size) != bytes.data + bytes.size - 1)
        return FALSE;
    osh_text_append_json(line, (const char *)bytes.data);
    return TRUE;
}

/*
 * Of an array whose elements have no fixed size: their framing offsets stand behind them.
 *
 * Returns: FALSE when it is not one; @ret_n: how many elements, @ret_ends: where the offsets are
 */
static gboolean
array_open(Bytes array, gsize *ret_n, gsize *ret_ends)
{
    gsize width = offset_width(array.size);

    *ret_n = 0;
    *ret_ends = 0;
    if (array.size == 0)
        return TRUE;
    *ret_ends = read_offset(array.data + array.size - width, width);
    if (*ret_ends >= array.size || (array.size - *ret_ends) % width != 0)
        return FALSE;
    *ret_n = (array.size - *ret_ends) / width;
    return TRUE;
}

/* Returns: FALSE when element @i does not lie behind the one before, which ends at @at. */
static gboolean
array_element(Bytes array, gsize ends, gsize i, gsize alignment, gsize *at, Bytes *ret_element)
{
    gsize width = offset_width(array.size);
    gsize from = align(*at, alignment);
    gsize to = read_offset(array.data + ends + i * width, width);

    if (to < from || to > ends)
        return FALSE;
    *ret_element = (Bytes){array.data + from, to - from};
    *at = to;
    return TRUE;
}

/* @brackets: the two that JSON puts around it; @append: writes one element. */
static gboolean
append_array(GString *line, Bytes array, gsize alignment, const char *brackets,
             gboolean (*append)(GString *line, Bytes element))
{
    gsize n;
    gsize ends;
    gsize at = 0;

    if (!array_open(array, &n, &ends))
        return FALSE;
    g_string_append_c(line, brackets[0]);
    for (gsize i = 0; i < n; i++) {
        Bytes element;

        if (i > 0)
            g_string_append_c(line, ',');
        if (!array_element(array, ends, i, alignment, &at, &element) || !append(line, element))
            return FALSE;
    }
    g_string_append_c(line, brackets[1]);
    return TRUE;
}

/* A variant is its value, a NUL and its type. */
static gboolean
append_variant(GString *line, Bytes variant)
{
    const guint8 *nul = variant.size > 0 ? memrchr(variant.data, '\0', variant.size) : NULL;
    const char *type;
    Bytes value;
    gsize type_length;

    if (nul == NULL)
        return FALSE;
    type = (const char *)nul + 1;
    value = (Bytes){variant.data, (gsize)(nul - variant.data)};
    type_length = variant.size - value.size - 1;
    if (type_length == 2 && memcmp(type, "as", 2) == 0)
        return append_array(line, value, 1, "[]", append_string);
    if (type_length != 1)
        return FALSE;
    if (type[0] == 's')
        return append_string(line, value);
    if (fixed_size(type[0]) == 0 || fixed_size(type[0]) != value.size)
        return FALSE;
    append_fixed(line, type[0], value.data);
    return TRUE;
}

/* An entry {sv}: the offset of the key's end stands last. */
static gboolean
append_entry(GString *line, Bytes entry)
{
    gsize width = offset_width(entry.size);
    gsize key_end;
    gsize value_from;

    if (entry.size < width)
        return FALSE;
    key_end = read_offset(entry.data + entry.size - width, width);
    if (key_end > entry.size - width)
        return FALSE;
    value_from = align(key_end, 8);
    if (value_from > entry.size - width || !append_string(line, (Bytes){entry.data, key_end}))
        return FALSE;
    g_string_append_c(line, ':');
    return append_variant(line, (Bytes){entry.data + value_from, entry.size - width - value_from});
}

/* Returns: how many strings stand in front of the details, or -1 when the type is another one. */
static gssize
count_strings(const char *type)
{
    gssize n = 0;

    if (type[0] != '(')
        return -1;
    for (type++; fixed_size(type[0]) != 0 || type[0] == 's'; type++)
        n += type[0] == 's';
    return g_str_equal(type, "a{sv})") ? n : -1;
}

static gboolean
append_tuple(GString *line, const char *type, gsize n_strings, Bytes tuple)
{
    gsize width = offset_width(tuple.size);
    gsize at = 0;
    gsize end;

    if (tuple.size < width * n_strings)
        return FALSE;
    end = tuple.size - width * n_strings;
    g_string_append_c(line, '[');
    for (type++; type[0] != 'a'; type++) {
        gsize size = fixed_size(type[0]);
        gsize from = size != 0 ? align(at, size) : at;

        if (size == 0) {
            /* Of the first one the offset is the last. */
            at = read_offset(tuple.data + end + width * --n_strings, width);
            if (at < from || at > end ||
                !append_string(line, (Bytes){tuple.data + from, at - from}))
                return FALSE;
        } else {
            at = from + size;
            if (at > end)
                return FALSE;
            append_fixed(line, type[0], tuple.data + from);
        }
        g_string_append_c(line, ',');
    }
    at = align(at, 8);
    if (at > end || !append_array(line, (Bytes){tuple.data + at, end - at}, 8, "{}", append_entry))
        return FALSE;
    g_string_append_c(line, ']');
    return TRUE;
}

gboolean
osh_payload_append_json(GString *line, GVariant *payload)
{
    const char *type = g_variant_get_type_string(payload);
    gssize n_strings = count_strings(type);
    gsize before = line->len;

    if (n_strings < 0)
        return FALSE;
    if (append_tuple(line, type, (gsize)n_strings,
                     (Bytes){g_variant_get_data(payload), g_variant_get_size(payload)}))
        return TRUE;
    g_string_truncate(line, before);
    return FALSE;
}
