/* SPDX-License-Identifier: Apache-2.0 */
/* A plan of the host in init's memory: every access to it is checked against its size. */
#pragma once

#include "protocol.h"
#include <stddef.h>

struct osh_plan {
    uint8_t *bytes; /* private: writing to it stays with us */
    uint32_t size;
};

/* Maps the plan for @request, which must be at least @least bytes. Returns: 0 or a negative errno
 */
int osh_plan_map(struct osh_plan *plan, int fd, uint32_t request, size_t least);

void osh_plan_unmap(struct osh_plan *plan);

/* Returns: (nullable): the string at @offset, %NULL when it is none or does not end in the plan */
const char *osh_plan_string(const struct osh_plan *plan, uint32_t offset);

/* Returns: (nullable): the table, %NULL when it does not lie in the plan or is not aligned */
void *osh_plan_table(const struct osh_plan *plan, struct osh_init_table table, size_t element);

/* Returns: (nullable): the bytes, %NULL when they do not lie in the plan */
const void *osh_plan_span(const struct osh_plan *plan, struct osh_init_span span);
