/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-json.c: writes what a GVariant holds as JSON.
 *
 * Strings may come from the box: a log that is shown on a terminal obeys nothing in it, and it
 * stays valid JSON whatever the locale (security rule 13, text from the box).
 */
#include "event-json.h"

#include "osh-text.h"

static void append_value(GString *line, GVariant *value);

static void
append_number(GString *line, GVariant *value)
{
    g_autofree char *text = NULL;
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE)) {
        double number = g_variant_get_double(value);

        /* JSON has neither infinities nor NaN. */
        if (number - number != 0)
            g_string_append(line, "null");
        else
            g_string_append(line, g_ascii_dtostr(buffer, sizeof(buffer), number));
        return;
    }
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTE)) {
        g_string_append_printf(line, "%u", g_variant_get_byte(value));
        return;
    }
    text = g_variant_print(value, FALSE);
    g_string_append(line, text);
}

static gboolean
is_dictionary(GVariant *value)
{
    return g_variant_is_of_type(value, G_VARIANT_TYPE("a{s*}"));
}

static void
append_container(GString *line, GVariant *value)
{
    gboolean dictionary = is_dictionary(value);
    gsize n = g_variant_n_children(value);

    g_string_append_c(line, dictionary ? '{' : '[');
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);

        if (i > 0)
            g_string_append_c(line, ',');
        if (dictionary) {
            g_autoptr(GVariant) key = g_variant_get_child_value(child, 0);
            g_autoptr(GVariant) item = g_variant_get_child_value(child, 1);

            append_value(line, key);
            g_string_append_c(line, ':');
            append_value(line, item);
        } else {
            append_value(line, child);
        }
    }
    g_string_append_c(line, dictionary ? '}' : ']');
}

static void
append_value(GString *line, GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        osh_text_append_json(line, g_variant_get_string(value, NULL));
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)) {
        g_string_append(line, g_variant_get_boolean(value) ? "true" : "false");
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARIANT)) {
        g_autoptr(GVariant) inner = g_variant_get_variant(value);

        append_value(line, inner);
    } else if (g_variant_is_container(value)) {
        append_container(line, value);
    } else {
        append_number(line, value);
    }
}

static void
append_time(GString *line, gint64 real_time)
{
    g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc(real_time / G_USEC_PER_SEC);
    g_autofree char *text = g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S");

    g_string_append_printf(line, "\"%s.%06uZ\"", text, (guint)(real_time % G_USEC_PER_SEC));
}

void
osh_event_append_json(GString *line, const OshEvent *event)
{
    g_string_append_printf(line,
                           "{\"id\":\"e%" G_GUINT64_FORMAT "\",\"sequence\":%" G_GUINT64_FORMAT,
                           event->id, event->sequence);
    g_string_append(line, ",\"time\":");
    append_time(line, event->real_time);
    g_string_append(line, ",\"topic\":");
    osh_text_append_json(line, event->topic);
    g_string_append(line, ",\"source\":");
    osh_text_append_json(line, event->source);
    g_string_append_printf(line, ",\"count\":%u,\"process\":%" G_GUINT64_FORMAT, event->count,
                           event->process_key & G_MAXUINT32);
    g_string_append_printf(
        line, ",\"correlation\":%" G_GUINT64_FORMAT ",\"payload\":", event->correlation);
    append_value(line, event->payload);
    g_string_append_c(line, '}');
}
