/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record-row.c: one decision as JSON, for docs/recording.md.
 *
 * [any]: runs on the thread that decided, and only while a recording is wanted. Every string comes
 * from the box: what may be written is decided in record-redact.c, how in osh-text. It must never
 * write a reason: its words repeat what was asked.
 */
#include "record-row.h"

#include "osh-destination.h"
#include "osh-text.h"
#include "record-redact.h"

#include <string.h>

#define WITHHELD "{\"withheld\":true}"

const char *
osh_record_outcome_name(guint32 outcome)
{
    switch ((OshDecisionOutcome)outcome) {
    case OSH_DECISION_ALLOWED:
        return "allowed";
    case OSH_DECISION_AUDITED:
        return "audited";
    case OSH_DECISION_DENIED_POLICY:
        return "denied-policy";
    case OSH_DECISION_DENIED_DESTINATION:
        return "denied-destination";
    case OSH_DECISION_DENIED_IDENTITY:
        return "denied-identity";
    case OSH_DECISION_DENIED_HARD:
        break;
    }
    return "denied-hard";
}

/* What is no text is written by its bytes, so that it can be asked again exactly. */
static void
append_string(GString *text, OshSpan span)
{
    if (g_utf8_validate(span.data, (gssize)span.length, NULL)) {
        g_autofree char *copy = g_strndup(span.data, span.length);

        osh_text_append_json(text, copy);
        return;
    }
    g_string_append(text, "{\"hex\":\"");
    for (gsize i = 0; i < span.length; i++)
        g_string_append_printf(text, "%02x", (guchar)span.data[i]);
    g_string_append(text, "\"}");
}

static void
append_checked(GString *text, OshSpan span)
{
    if (osh_record_bears_placeholder(span))
        g_string_append(text, WITHHELD);
    else
        append_string(text, span);
}

static void
append_segments(GString *text, OshSpan path)
{
    const char *at = path.data;
    const char *end = path.data + path.length;

    g_string_append(text, "{\"segments\":[");
    for (;;) {
        const char *slash = memchr(at, '/', (gsize)(end - at));
        const char *stop = slash != NULL ? slash : end;

        append_checked(text, (OshSpan){at, (gsize)(stop - at)});
        if (slash == NULL)
            break;
        g_string_append_c(text, ',');
        at = slash + 1;
    }
    g_string_append(text, "]}");
}

static void
append_handled(GString *text, OshSpan span, OshRecordHandling handling)
{
    switch (handling) {
    case OSH_RECORD_PLAIN:
    case OSH_RECORD_ARGUMENT:
        append_checked(text, span);
        return;
    case OSH_RECORD_PATH:
        if (osh_record_bears_placeholder(span))
            append_segments(text, span);
        else
            append_string(text, span);
        return;
    case OSH_RECORD_WITHHELD:
        break;
    }
    g_string_append(text, WITHHELD);
}

static void
append_strings(GString *text, const OshFact *fact, OshRecordHandling handling)
{
    const char *separator = "";

    g_string_append_c(text, '[');
    for (guint i = 0; i < fact->count; i++) {
        if (handling == OSH_RECORD_ARGUMENT && !osh_record_is_argument(fact->value.strings[i]))
            continue;
        g_string_append(text, separator);
        append_handled(text, fact->value.strings[i], handling);
        separator = ",";
    }
    g_string_append_c(text, ']');
}

static void append_value(GString *text, const char *name, const OshFact *fact,
                         OshRecordHandling handling);

static OshSpan
record_key(const OshFactRecord *record)
{
    for (gsize i = 0; i < record->n_fields; i++)
        if (record->fields[i].type == OSH_FACT_STRING && strcmp(record->fields[i].name, "key") == 0)
            return record->fields[i].value.string;
    return (OshSpan){"", 0};
}

static void
append_record(GString *text, const char *name, const OshFactRecord *record, OshRecordHandling kept)
{
    OshSpan key = record_key(record);

    g_string_append_c(text, '{');
    for (gsize i = 0; i < record->n_fields; i++) {
        const OshFact *field = &record->fields[i];
        OshRecordHandling handling = kept;

        if (i > 0)
            g_string_append_c(text, ',');
        osh_record_handling(name, field->name, key, &handling);
        osh_text_append_json(text, field->name);
        g_string_append_c(text, ':');
        append_value(text, name, field, handling);
    }
    g_string_append_c(text, '}');
}

static void
append_value(GString *text, const char *name, const OshFact *fact, OshRecordHandling handling)
{
    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING:
        append_handled(text, fact->value.string, handling);
        return;
    case OSH_FACT_INTEGER:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, fact->value.integer);
        return;
    case OSH_FACT_BOOLEAN:
        g_string_append(text, fact->value.boolean ? "true" : "false");
        return;
    case OSH_FACT_STRINGS:
        append_strings(text, fact, handling);
        return;
    case OSH_FACT_RECORDS:
        g_string_append(text, "{\"records\":[");
        for (guint i = 0; i < fact->count; i++) {
            if (i > 0)
                g_string_append_c(text, ',');
            append_record(text, name, &fact->value.records[i], handling);
        }
        g_string_append(text, "]}");
        return;
    }
    g_string_append(text, WITHHELD);
}

static gboolean
is_known_type(guint32 type)
{
    return type >= OSH_FACT_STRING && type <= OSH_FACT_RECORDS;
}

static gboolean
is_repeated(const OshFacts *facts, gsize index)
{
    for (gsize i = 0; i < index; i++)
        if (strcmp(facts->facts[i].name, facts->facts[index].name) == 0)
            return TRUE;
    return FALSE;
}

static void
append_facts(GString *text, const OshFacts *facts, GHashTable *plain_facts)
{
    g_autoptr(GString) omitted = g_string_new(NULL);
    const char *separator = "";

    g_string_append(text, ",\"facts\":{");
    for (gsize i = 0; i < facts->n_facts; i++) {
        const OshFact *fact = &facts->facts[i];
        OshRecordHandling handling = OSH_RECORD_PLAIN;

        if (is_repeated(facts, i) || !is_known_type(fact->type) ||
            (!osh_record_handling(fact->name, NULL, (OshSpan){"", 0}, &handling) &&
             (plain_facts == NULL || !g_hash_table_contains(plain_facts, fact->name)))) {
            if (omitted->len > 0)
                g_string_append_c(omitted, ',');
            osh_text_append_json(omitted, fact->name);
            continue;
        }
        g_string_append(text, separator);
        osh_text_append_json(text, fact->name);
        g_string_append_c(text, ':');
        append_value(text, fact->name, fact, handling);
        separator = ",";
    }
    g_string_append_c(text, '}');
    if (omitted->len > 0)
        g_string_append_printf(text, ",\"omitted\":[%s]", omitted->str);
}

static void
append_name(GString *text, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    g_string_append_printf(text, ",\"%s\":", name);
    append_checked(text, osh_span(value));
}

static void
append_verdict(GString *text, const OshVerdict *verdict)
{
    const char *action = verdict->action == OSH_ACTION_ALLOW     ? "allow"
                         : verdict->action == OSH_ACTION_INSPECT ? "inspect"
                                                                 : "deny";

    g_string_append_printf(text,
                           ",\"verdict\":{\"action\":\"%s\",\"generation\":%" G_GUINT64_FORMAT,
                           action, verdict->generation);
    append_name(text, "policy", verdict->policy);
    append_name(text, "rule", verdict->rule);
    append_name(text, "protocol", verdict->protocol);
    if (verdict->audit)
        g_string_append(text, ",\"audit\":true");
    g_string_append_c(text, '}');
}

void
osh_record_row_append(GString *text, const OshDecision *decision, GHashTable *plain_facts)
{
    g_string_append_printf(
        text, "\"outcome\":\"%s\",\"layer\":", osh_record_outcome_name(decision->outcome));
    osh_text_append_json(text, decision->layer != NULL ? decision->layer : "");
    append_facts(text, decision->facts, plain_facts);
    if (decision->verdict != NULL)
        append_verdict(text, decision->verdict);
    if (decision->n_addresses == 0)
        return;
    g_string_append(text, ",\"addresses\":[");
    for (gsize i = 0; i < decision->n_addresses; i++) {
        g_autofree char *address = osh_address_text(&decision->addresses[i]);

        g_string_append_printf(text, "%s\"%s\"", i > 0 ? "," : "", address);
    }
    g_string_append_c(text, ']');
}
