/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts in the L7 harness: copied, because a session's own are gone when it is called again, and
 * printed for the records. Belongs to the test's thread; decides nothing.
 */
#include <string.h>

#include "osh-l7-run.h"

static gpointer
keep(OshL7FactsCopy *copy, gconstpointer bytes, gsize size)
{
    gpointer kept = g_malloc(size + 1);

    if (size > 0)
        memcpy(kept, bytes, size);
    ((char *)kept)[size] = '\0';
    g_ptr_array_add(copy->memory, kept);
    return kept;
}

static OshSpan
keep_span(OshL7FactsCopy *copy, OshSpan span)
{
    return (OshSpan){keep(copy, span.data, span.length), span.length};
}

static OshFact *keep_facts(OshL7FactsCopy *copy, const OshFact *facts, gsize n_facts);

static void
keep_value(OshL7FactsCopy *copy, OshFact *fact)
{
    OshSpan *strings;
    OshFactRecord *records;

    if (fact->type == OSH_FACT_STRING)
        fact->value.string = keep_span(copy, fact->value.string);
    if (fact->type == OSH_FACT_STRINGS) {
        strings = keep(copy, fact->value.strings, fact->count * sizeof(OshSpan));
        for (guint32 i = 0; i < fact->count; i++)
            strings[i] = keep_span(copy, strings[i]);
        fact->value.strings = strings;
    }
    if (fact->type == OSH_FACT_RECORDS) {
        records = keep(copy, fact->value.records, fact->count * sizeof(OshFactRecord));
        for (guint32 i = 0; i < fact->count; i++)
            records[i].fields = keep_facts(copy, records[i].fields, records[i].n_fields);
        fact->value.records = records;
    }
}

static OshFact *
keep_facts(OshL7FactsCopy *copy, const OshFact *facts, gsize n_facts)
{
    OshFact *kept = keep(copy, facts, n_facts * sizeof(OshFact));

    for (gsize i = 0; i < n_facts; i++) {
        kept[i].name = keep(copy, facts[i].name, strlen(facts[i].name));
        keep_value(copy, &kept[i]);
    }
    return kept;
}

OshL7FactsCopy *
osh_l7_facts_copy(const OshFacts *facts)
{
    OshL7FactsCopy *copy = g_new0(OshL7FactsCopy, 1);

    copy->memory = g_ptr_array_new_with_free_func(g_free);
    copy->n_facts = facts->n_facts;
    copy->facts = keep_facts(copy, facts->facts, facts->n_facts);
    return copy;
}

void
osh_l7_facts_copy_free(OshL7FactsCopy *copy)
{
    if (copy == NULL)
        return;
    g_ptr_array_unref(copy->memory);
    g_free(copy);
}

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
osh_l7_fact_text(const OshL7FactsCopy *facts, const char *name)
{
    for (gsize i = 0; facts != NULL && name != NULL && i < facts->n_facts; i++)
        if (g_str_equal(facts->facts[i].name, name)) {
            GString *text = g_string_new(NULL);

            print_value(text, &facts->facts[i]);
            return g_string_free(text, FALSE);
        }
    return NULL;
}
