/* SPDX-License-Identifier: Apache-2.0 */
/* osh-glob-private.h: tokens and the compiled form, shared by the osh-glob-*.c. Not installed. */
#pragma once

#include "osh-glob.h"

/* Braces deeper than this do not compile: the parser is recursive. */
#define OSH_GLOB_MAX_NESTING 64

/* A pattern byte makes at most three bytes of translated pattern, each of those four steps. */
#define OSH_GLOB_MAX_STEPS (12 * OSH_GLOB_MAX_PATTERN + 8)

typedef struct {
    guint64 bits[4];
} OshGlobSet;

typedef enum {
    OSH_GLOB_TOKEN_BYTE,          /* exactly one byte */
    OSH_GLOB_TOKEN_ONE,           /* one byte that is no slash */
    OSH_GLOB_TOKEN_SET,           /* one byte of a set, a slash too */
    OSH_GLOB_TOKEN_RUN,           /* any bytes but slashes */
    OSH_GLOB_TOKEN_DEEP_FIRST,    /* nothing, a slash, or anything that ends in one */
    OSH_GLOB_TOKEN_DEEP_LAST,     /* a slash and anything */
    OSH_GLOB_TOKEN_DEEP_BETWEEN,  /* a slash, or two with anything between them */
    OSH_GLOB_TOKEN_ALTERNATIVES,  /* one of @branches */
    OSH_GLOB_TOKEN_EVERYTHING,    /* any bytes */
    OSH_GLOB_TOKEN_ANY,           /* one byte */
    OSH_GLOB_TOKEN_DEEP_OPTIONAL, /* nothing, or anything that ends in a slash */
} OshGlobTokenKind;

typedef struct {
    guint8 kind;
    guint8 byte;
    guint16 set;         /* number in the array of sets */
    GPtrArray *branches; /* of GArray of OshGlobToken */
} OshGlobToken;

typedef enum {
    OSH_GLOB_STEP_BYTE,   /* these four take one byte and go to the next step */
    OSH_GLOB_STEP_ANY,    /* every byte */
    OSH_GLOB_STEP_INSIDE, /* every byte but a slash */
    OSH_GLOB_STEP_SET,
    OSH_GLOB_STEP_SPLIT, /* goes to the next step and to @target */
    OSH_GLOB_STEP_JUMP,  /* goes to @target */
    OSH_GLOB_STEP_ACCEPT,
} OshGlobStepKind;

typedef struct {
    guint8 kind;
    guint8 byte;
    guint16 target; /* a step, or the number of a set */
} OshGlobStep;

typedef enum {
    OSH_GLOB_SHAPE_AUTOMATON,
    OSH_GLOB_SHAPE_LITERAL, /* @text */
    OSH_GLOB_SHAPE_STAR,    /* prefix, a run without the separator, suffix */
    OSH_GLOB_SHAPE_DEEP,    /* prefix, anything, suffix */
} OshGlobShape;

/*
 * The automaton reads the translated value: with another separator than the slash, every separator
 * stands as "/", itself, "/", and every slash as NUL.
 */
struct _OshGlob {
    OshGlobShape shape;
    char separator;
    char *text; /* fixed bytes of the simple shapes, not translated: prefix, then suffix */
    gsize text_length;
    gsize prefix_length;
    OshGlobStep *steps; /* the last one accepts */
    OshGlobSet *sets;
    guint n_steps;
    guint n_sets;
    /*
     * With at most 64 steps that take a byte: what can come first, and after each of them, as a bit
     * for each; @accepting are those after which the value may end.
     */
    guint64 *follow;
    guint64 accepting;
    guint8 *takers; /* the step of each bit */
    guint n_takers;
    gboolean accepts_empty;
};

/**
 * osh_glob_parse: reads @pattern with the rules of @separator.
 * @sets: (element-type OshGlobSet): gets the character classes
 *
 * Returns: (transfer full) (nullable) (element-type OshGlobToken): tokens, or NULL with @error
 */
GArray *osh_glob_parse(const char *pattern, char separator, GArray *sets, GError **error);

/** osh_glob_tokens_free: frees what osh_glob_parse() returned, or one branch of it. */
void osh_glob_tokens_free(gpointer tokens);

/** osh_glob_accepts: Returns: whether @step takes @byte. */
static inline gboolean
osh_glob_accepts(const OshGlob *glob, const OshGlobStep *step, guchar byte)
{
    switch (step->kind) {
    case OSH_GLOB_STEP_BYTE:
        return byte == step->byte;
    case OSH_GLOB_STEP_ANY:
        return TRUE;
    case OSH_GLOB_STEP_INSIDE:
        return byte != '/';
    case OSH_GLOB_STEP_SET:
        return (glob->sets[step->target].bits[byte >> 6] >> (byte & 63)) & 1;
    default:
        return FALSE;
    }
}
