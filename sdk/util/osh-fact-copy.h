/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-fact-copy.h: facts that outlive the call that stated them, all in one piece of memory that
 * serves the next facts too.
 */
#pragma once

#include "openshell/fact.h"

G_BEGIN_DECLS

/**
 * OshFactCopy: zero it before the first use. One thread at a time.
 * @facts: the copy; no facts before the first use
 * @memory: what it points into
 * @size: of @memory
 */
typedef struct {
    OshFacts facts;
    guint8 *memory;
    gsize size;
} OshFactCopy;

/** osh_fact_copy_set: @copy becomes a deep copy of @facts, which may not be of @copy itself. Needs
 * memory only where these facts are larger than any before. */
void osh_fact_copy_set(OshFactCopy *copy, const OshFacts *facts);

/** osh_fact_copy_clear: frees the memory; @copy has no facts then, and may be used again. */
void osh_fact_copy_clear(OshFactCopy *copy);

G_END_DECLS
