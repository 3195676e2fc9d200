/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts in the L7 harness, printed for the records. Belongs to the test's thread; decides nothing.
 */
#include "osh-l7-run.h"

static void
print_span(GString *text, OshSpan span)
{
    for (gsize i = 0; i < span.length; i++) {
        guchar byte = (guchar)span.data[i];

        if (byte < 0x20 || byte >= 0x7f || byte == '\\')
            g_string_append_printf(text, "\\x%02x", byte);
        else
            g_string_append_c(text, (char)byte);
    }
}

static void
print_value(GString *text, const OshFact *fact)
{
    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        print_span(text, fact->value.string);
        break;
    case OSH_FACT_INTEGER:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, fact->value.integer);
        break;
    case OSH_FACT_BOOLEAN:
        g_string_append(text, fact->value.boolean ? "true" : "false");
        break;
    case OSH_FACT_STRINGS:
        g_string_append_c(text, '[');
        for (guint32 i = 0; i < fact->count; i++) {
            g_string_append(text, i > 0 ? " " : "");
            print_span(text, fact->value.strings[i]);
        }
        g_string_append_c(text, ']');
        break;
    case OSH_FACT_RECORDS:
        g_string_append_c(text, '[');
        for (guint32 i = 0; i < fact->count; i++) {
            g_string_append(text, i > 0 ? " {" : "{");
            osh_l7_facts_print(text, fact->value.records[i].fields,
                               fact->value.records[i].n_fields);
            g_string_append_c(text, '}');
        }
        g_string_append_c(text, ']');
        break;
    default:
        g_string_append_c(text, '?');
    }
}

void
osh_l7_facts_print(GString *text, const OshFact *facts, gsize n_facts)
{
    for (gsize i = 0; i < n_facts; i++) {
        g_string_append_printf(text, "%s%s=", i > 0 ? " " : "", facts[i].name);
        print_value(text, &facts[i]);
    }
}

char *
osh_l7_fact_text(const OshFacts *facts, const char *name)
{
    for (gsize i = 0; name != NULL && i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name)) {
            GString *text = g_string_new(NULL);

            print_value(text, &facts->facts[i]);
            return g_string_free(text, FALSE);
        }
    return NULL;
}
