/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a plan for the init of a box: the struct of the request, then what it refers to. */
#pragma once

#include <glib.h>

#include "init/protocol.h"

G_BEGIN_DECLS

typedef struct {
    GByteArray *bytes;
} OshBoxPlanWriter;

/**
 * osh_box_plan_begin:
 * @head_size: size of the request's struct, which is left free at the start
 * @expected: what will be added, about
 */
void osh_box_plan_begin(OshBoxPlanWriter *writer, gsize head_size, gsize expected);

/**
 * osh_box_plan_clear:
 *
 * Frees what the writer holds; the writer may be all zeros.
 */
void osh_box_plan_clear(OshBoxPlanWriter *writer);

/**
 * osh_box_seal_memory:
 * @fd: (transfer full): a memory file that allows seals, or -1 with errno set
 * @bytes: what goes into it
 * @size: how many
 *
 * Returns: (transfer full): @fd, whose content cannot be changed any more, or a negative errno
 */
int osh_box_seal_memory(int fd, const void *bytes, gsize size);

/**
 * osh_box_plan_string:
 * @text: (nullable): a string
 *
 * Returns: its offset, 0 for %NULL
 */
guint32 osh_box_plan_string(OshBoxPlanWriter *writer, const char *text);

/**
 * osh_box_plan_bytes:
 *
 * Returns: where the copy of @bytes stands
 */
struct osh_init_span osh_box_plan_bytes(OshBoxPlanWriter *writer, const void *bytes, gsize size);

/**
 * osh_box_plan_table:
 * @elements: (nullable) (array length=count): structs of @element bytes, %NULL when @count is 0
 *
 * Returns: where the copy of the array stands
 */
struct osh_init_table osh_box_plan_table(OshBoxPlanWriter *writer, const void *elements,
                                         gsize element, gsize count);

/**
 * osh_box_plan_strings:
 * @strings: (nullable) (array zero-terminated=1): an argument list or environment
 *
 * Returns: a table of offsets with the closing 0 that init turns into a NULL
 */
struct osh_init_table osh_box_plan_strings(OshBoxPlanWriter *writer, const char *const *strings);

/**
 * osh_box_plan_finish:
 * @head: the request's struct, complete but for its first member
 * @head_size: as at the beginning
 * @request: whose plan it is
 *
 * Returns: a sealed memfd with the plan, or -1 with @error set
 */
int osh_box_plan_finish(OshBoxPlanWriter *writer, struct osh_init_plan *head, gsize head_size,
                        enum osh_init_request_type request, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshBoxPlanWriter, osh_box_plan_clear)

G_END_DECLS
