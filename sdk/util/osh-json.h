/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-json.h: strict JSON (RFC 8259) from untrusted bytes, read by jansson.
 *
 * Whoever judges a text and whoever acts on it must read the same out of it. So everything that two
 * JSON readers are known to read differently is refused: a member name that occurs twice in one
 * object, at any depth; NUL, as a byte and as \u0000; bytes that are not UTF-8, a byte order mark,
 * and halves of surrogate pairs; anything but blanks behind the value; numbers that are not finite.
 * osh_json_confusable() finds what only some readers take for the same: member names that differ in
 * letter case alone.
 *
 * The text is looked over once before jansson reads it, so depth, number of values and NUL are
 * decided without an allocation: jansson itself skips a NUL that stands behind a number or a word.
 *
 * Functions are [any]; a value that was loaded belongs to one thread at a time. It needs jansson:
 * dependency `openshell-json-1`.
 *
 * |[<!-- language="C" -->
 * OshJsonProblem problem;
 * json_t *value = osh_json_load(body, &(OshJsonLimits){.max_bytes = limit}, &problem);
 *
 * if (value == NULL)
 *     refuse(osh_json_problem_words(problem));
 * ...
 * json_decref(value);
 * ]|
 */
#pragma once

#include <jansson.h>

#include "openshell/fact.h"

G_BEGIN_DECLS

/**
 * OshJsonProblem: why a text was refused.
 * @OSH_JSON_OK: it was not
 * @OSH_JSON_TOO_LONG: more than max_bytes
 * @OSH_JSON_TOO_DEEP: arrays and objects inside each other, more than max_depth
 * @OSH_JSON_TOO_MANY: more than max_values
 * @OSH_JSON_NUL: a NUL byte, or \u0000 in a string
 * @OSH_JSON_NOT_UTF8: a byte sequence that is not UTF-8
 * @OSH_JSON_DUPLICATE: a member name twice in one object
 * @OSH_JSON_NUMBER: a number that a double cannot hold, or an integer of more than 64 bits unless
 *   %OSH_JSON_LARGE_INTEGERS
 * @OSH_JSON_SYNTAX: not one JSON value, or something behind it
 */
typedef enum {
    OSH_JSON_OK = 0,
    OSH_JSON_TOO_LONG,
    OSH_JSON_TOO_DEEP,
    OSH_JSON_TOO_MANY,
    OSH_JSON_NUL,
    OSH_JSON_NOT_UTF8,
    OSH_JSON_DUPLICATE,
    OSH_JSON_NUMBER,
    OSH_JSON_SYNTAX,
} OshJsonProblem;

/**
 * OshJsonFlags:
 * @OSH_JSON_LARGE_INTEGERS: an integer of more than 64 bits is read as the nearest double, as
 *   JavaScript does; every integer of such a text is then a JSON_REAL
 */
typedef enum {
    OSH_JSON_LARGE_INTEGERS = 1 << 0,
} OshJsonFlags;

/** OSH_JSON_MAX_DEPTH: the depth where a caller names none. */
#define OSH_JSON_MAX_DEPTH 64
/** OSH_JSON_MAX_VALUES: the number of values where a caller names none. */
#define OSH_JSON_MAX_VALUES 100000
/** OSH_JSON_MAX_BYTES: the length where a caller names none. */
#define OSH_JSON_MAX_BYTES (16 * 1024 * 1024)

/**
 * OshJsonLimits:
 * @max_bytes: length of the text; 0 for %OSH_JSON_MAX_BYTES
 * @max_depth: arrays and objects inside each other, the outermost is 1; 0 for %OSH_JSON_MAX_DEPTH,
 *   and never more than 1024
 * @max_values: elements and members of all arrays and objects; 0 for %OSH_JSON_MAX_VALUES. A value
 *   costs up to 300 bytes of memory
 * @flags: #OshJsonFlags
 */
typedef struct {
    gsize max_bytes;
    guint max_depth;
    guint max_values;
    guint flags;
} OshJsonLimits;

/**
 * osh_json_load: [any]
 * @text: the whole text, borrowed for the call
 * @limits: (nullable): NULL for the limits above
 * @ret_problem: (out) (nullable): %OSH_JSON_OK, or why not
 *
 * A value of any type is taken; the caller looks whether it is the object that it needs.
 *
 * Returns: (transfer full) (nullable): the value, freed with json_decref()
 */
json_t *osh_json_load(OshSpan text, const OshJsonLimits *limits, OshJsonProblem *ret_problem);

/** osh_json_problem_words: [any] Returns: (transfer none): words for a message, without a byte of
 * the text: `a member name twice in one object`. */
const char *osh_json_problem_words(OshJsonProblem problem);

/** osh_json_text: [any] Returns: the bytes of a string, borrowed from @value; an empty span with
 * NULL data when @value is NULL or no string. */
OshSpan osh_json_text(const json_t *value);

/**
 * osh_json_confusable: [any]
 * @object: (nullable): an object; of any other value the answer is NULL
 * @known: (array zero-terminated=1): the member names that the reader of the object uses
 *
 * Some readers take `Method` for `method` (Go's encoding/json does, and for it also the Kelvin sign
 * is a k), others do not. Such a member is found whether the known one is there as well or not.
 *
 * Returns: (transfer none) (nullable): the name of @known that some member of @object differs from
 *   in letter case alone
 */
const char *osh_json_confusable(const json_t *object, const char *const *known);

/**
 * osh_json_names_collide: [any]
 * @object: (nullable): an object; of any other value the answer is FALSE
 *
 * For an object whose names are not known beforehand.
 *
 * Returns: whether two names of members of @object differ in letter case alone
 */
gboolean osh_json_names_collide(const json_t *object);

G_END_DECLS
