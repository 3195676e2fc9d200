/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-fact-copy.c: first how much memory the facts need, then the copy. Both passes walk the facts
 * by the same functions, so that they cannot differ.
 */
#include "osh-fact-copy.h"

#include <string.h>

#define ALIGNMENT 8u

/* Without @memory only @used is counted. */
typedef struct {
    guint8 *memory;
    gsize used;
} Arena;

static gpointer
arena_keep(Arena *arena, gconstpointer bytes, gsize size)
{
    guint8 *kept = arena->memory != NULL ? arena->memory + arena->used : NULL;

    if (kept != NULL && size > 0)
        memcpy(kept, bytes, size);
    arena->used += (size + ALIGNMENT - 1) & ~(gsize)(ALIGNMENT - 1);
    return kept;
}

static OshSpan
keep_span(Arena *arena, OshSpan span)
{
    return (OshSpan){arena_keep(arena, span.data, span.length), span.length};
}

static OshFact *keep_facts(Arena *arena, const OshFact *facts, gsize n_facts);

static void
keep_strings(Arena *arena, const OshFact *fact, OshFact *kept)
{
    OshSpan *strings =
        arena_keep(arena, fact->value.strings, fact->count * sizeof fact->value.strings[0]);

    for (guint32 i = 0; i < fact->count; i++) {
        OshSpan span = keep_span(arena, fact->value.strings[i]);

        if (strings != NULL)
            strings[i] = span;
    }
    if (kept != NULL)
        kept->value.strings = strings;
}

static void
keep_records(Arena *arena, const OshFact *fact, OshFact *kept)
{
    OshFactRecord *records =
        arena_keep(arena, fact->value.records, fact->count * sizeof fact->value.records[0]);

    for (guint32 i = 0; i < fact->count; i++) {
        const OshFactRecord *record = &fact->value.records[i];
        OshFact *fields = keep_facts(arena, record->fields, record->n_fields);

        if (records != NULL)
            records[i].fields = fields;
    }
    if (kept != NULL)
        kept->value.records = records;
}

/* @kept: (nullable): what the copy of @fact is in. */
static void
keep_value(Arena *arena, const OshFact *fact, OshFact *kept)
{
    switch ((OshFactType)fact->type) {
    case OSH_FACT_STRING: {
        OshSpan span = keep_span(arena, fact->value.string);

        if (kept != NULL)
            kept->value.string = span;
        break;
    }
    case OSH_FACT_STRINGS:
        keep_strings(arena, fact, kept);
        break;
    case OSH_FACT_RECORDS:
        keep_records(arena, fact, kept);
        break;
    case OSH_FACT_INTEGER:
    case OSH_FACT_BOOLEAN:
    default:
        break;
    }
}

static OshFact *
keep_facts(Arena *arena, const OshFact *facts, gsize n_facts)
{
    OshFact *kept = arena_keep(arena, facts, n_facts * sizeof facts[0]);

    for (gsize i = 0; i < n_facts; i++) {
        const char *name = facts[i].name != NULL
                               ? arena_keep(arena, facts[i].name, strlen(facts[i].name) + 1)
                               : NULL;

        if (kept != NULL)
            kept[i].name = name;
        keep_value(arena, &facts[i], kept != NULL ? &kept[i] : NULL);
    }
    return kept;
}

void
osh_fact_copy_set(OshFactCopy *copy, const OshFacts *facts)
{
    Arena arena = {NULL, 0};

    (void)keep_facts(&arena, facts->facts, facts->n_facts);
    if (arena.used > copy->size) {
        g_free(copy->memory);
        copy->size = MAX(arena.used, 1024);
        copy->memory = g_malloc(copy->size);
    }
    arena = (Arena){copy->memory, 0};
    copy->facts = (OshFacts){NULL, facts->n_facts};
    if (facts->n_facts > 0)
        copy->facts.facts = keep_facts(&arena, facts->facts, facts->n_facts);
}

void
osh_fact_copy_clear(OshFactCopy *copy)
{
    g_free(copy->memory);
    *copy = (OshFactCopy){{NULL, 0}, NULL, 0};
}
