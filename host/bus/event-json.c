/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-json.c: writes what a GVariant holds as JSON.
 *
 * Strings may come from the box: a log that is shown on a terminal obeys nothing in it, and it
 * stays valid JSON whatever the locale (security rule 13, text from the box).
 */
#include "event-json.h"

#include <time.h>

#include "json-value.h"
#include "osh-text.h"
#include "payload-json.h"

static void append_value(GString *line, GVariant *value);

static void
append_members(GString *line, GVariant *value)
{
    gsize n = g_variant_n_children(value);

    g_string_append_c(line, '[');
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

        if (i > 0)
            g_string_append_c(line, ',');
        append_value(line, child);
    }
    g_string_append_c(line, ']');
}

static void
append_dictionary(GString *line, GVariant *value)
{
    gsize n = g_variant_n_children(value);

    g_string_append_c(line, '{');
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(value, i);
        g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) item = g_variant_get_child_value(entry, 1);

        if (i > 0)
            g_string_append_c(line, ',');
        append_value(line, key);
        g_string_append_c(line, ':');
        append_value(line, item);
    }
    g_string_append_c(line, '}');
}

static void
append_variant(GString *line, GVariant *value)
{
    g_autoptr(GVariant) inner = g_variant_get_variant(value);

    append_value(line, inner);
}

static void
append_value(GString *line, GVariant *value)
{
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
        osh_text_append_json(line, g_variant_get_string(value, NULL));
        break;
    case G_VARIANT_CLASS_BOOLEAN:
        osh_json_append_boolean(line, g_variant_get_boolean(value));
        break;
    case G_VARIANT_CLASS_BYTE:
        osh_json_append_unsigned(line, g_variant_get_byte(value));
        break;
    case G_VARIANT_CLASS_UINT16:
        osh_json_append_unsigned(line, g_variant_get_uint16(value));
        break;
    case G_VARIANT_CLASS_UINT32:
        osh_json_append_unsigned(line, g_variant_get_uint32(value));
        break;
    case G_VARIANT_CLASS_UINT64:
        osh_json_append_unsigned(line, g_variant_get_uint64(value));
        break;
    case G_VARIANT_CLASS_INT16:
        osh_json_append_signed(line, g_variant_get_int16(value));
        break;
    case G_VARIANT_CLASS_INT32:
        osh_json_append_signed(line, g_variant_get_int32(value));
        break;
    case G_VARIANT_CLASS_INT64:
        osh_json_append_signed(line, g_variant_get_int64(value));
        break;
    case G_VARIANT_CLASS_HANDLE:
        osh_json_append_signed(line, g_variant_get_handle(value));
        break;
    case G_VARIANT_CLASS_DOUBLE:
        osh_json_append_double(line, g_variant_get_double(value));
        break;
    case G_VARIANT_CLASS_VARIANT:
        append_variant(line, value);
        break;
    case G_VARIANT_CLASS_ARRAY:
        if (g_str_has_prefix(g_variant_get_type_string(value), "a{s"))
            append_dictionary(line, value);
        else
            append_members(line, value);
        break;
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
        append_members(line, value);
        break;
    }
}

static void
append_time(GString *line, gint64 real_time)
{
    time_t seconds = real_time / G_USEC_PER_SEC;
    struct tm at = {.tm_mday = 1};

    gmtime_r(&seconds, &at);
    g_string_append_c(line, '"');
    osh_json_append_padded(line, (guint64)at.tm_year + 1900, 4);
    g_string_append_c(line, '-');
    osh_json_append_padded(line, (guint64)at.tm_mon + 1, 2);
    g_string_append_c(line, '-');
    osh_json_append_padded(line, (guint64)at.tm_mday, 2);
    g_string_append_c(line, 'T');
    osh_json_append_padded(line, (guint64)at.tm_hour, 2);
    g_string_append_c(line, ':');
    osh_json_append_padded(line, (guint64)at.tm_min, 2);
    g_string_append_c(line, ':');
    osh_json_append_padded(line, (guint64)at.tm_sec, 2);
    g_string_append_c(line, '.');
    osh_json_append_padded(line, (guint64)(real_time % G_USEC_PER_SEC), 6);
    g_string_append(line, "Z\"");
}

void
osh_event_append_json(GString *line, const OshEvent *event)
{
    g_string_append(line, "{\"id\":\"e");
    osh_json_append_unsigned(line, event->id);
    g_string_append(line, "\",\"sequence\":");
    osh_json_append_unsigned(line, event->sequence);
    g_string_append(line, ",\"time\":");
    append_time(line, event->real_time);
    g_string_append(line, ",\"topic\":");
    osh_text_append_json(line, event->topic);
    g_string_append(line, ",\"source\":");
    osh_text_append_json(line, event->source);
    g_string_append(line, ",\"count\":");
    osh_json_append_unsigned(line, event->count);
    g_string_append(line, ",\"process\":");
    osh_json_append_unsigned(line, event->process_key & G_MAXUINT32);
    g_string_append(line, ",\"correlation\":");
    osh_json_append_unsigned(line, event->correlation);
    g_string_append(line, ",\"payload\":");
    if (!osh_payload_append_json(line, event->payload))
        append_value(line, event->payload);
    g_string_append_c(line, '}');
}
