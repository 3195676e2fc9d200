/* SPDX-License-Identifier: Apache-2.0 */
/* osh-glob-private.h: the compiled form, shared by the parser and the matcher. Not installed. */
#pragma once

#include "osh-glob.h"

/* Each pattern byte makes at most two positions. */
#define OSH_GLOB_MAX_WORDS (2 * OSH_GLOB_MAX_PATTERN / 64 + 1)

typedef enum {
    OSH_GLOB_POSITION_BYTE,   /* exactly one byte */
    OSH_GLOB_POSITION_ANY,    /* every byte */
    OSH_GLOB_POSITION_INSIDE, /* every byte but the separator */
    OSH_GLOB_POSITION_SET,    /* a byte set */
} OshGlobPositionKind;

typedef struct {
    guint8 kind;
    guint8 byte;
    guint16 set;
} OshGlobPosition;

typedef struct {
    guint64 bits[4];
} OshGlobSet;

typedef enum {
    OSH_GLOB_SHAPE_AUTOMATON,
    OSH_GLOB_SHAPE_LITERAL, /* @text */
    OSH_GLOB_SHAPE_STAR,    /* prefix, a run without the separator, suffix */
    OSH_GLOB_SHAPE_DEEP,    /* prefix, anything, suffix */
} OshGlobShape;

struct _OshGlob {
    OshGlobShape shape;
    char separator;
    gboolean matches_empty;
    char *text; /* fixed bytes of the simple shapes: prefix, then suffix */
    gsize text_length;
    gsize prefix_length;
    guint n_positions;
    guint n_sets;
    guint words;
    OshGlobPosition *positions;
    OshGlobSet *sets;
    guint64 *follow; /* rows of @words: the first set, the last set, then one row a position */
};
