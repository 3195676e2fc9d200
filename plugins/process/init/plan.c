/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c: maps a plan and takes strings and tables out of it. The host is trusted, so this guards
 * against its bugs, not against an attacker: a plan that does not check is refused as a whole.
 */
#include "plan.h"

#include "memory.h"
#include "syscalls.h"

int
osh_plan_map(struct osh_plan *plan, int fd, uint32_t request, size_t least)
{
    long size = CALL(lseek, fd, 0, OSH_SEEK_END);
    long address;
    struct osh_init_plan *head;

    if (size < 0)
        return (int)size;
    if ((size_t)size < least || (size_t)size > OSH_INIT_MAX_PLAN)
        return -EMSGSIZE;

    address = CALL(mmap, 0, size, OSH_PROT_READ | OSH_PROT_WRITE, OSH_MAP_PRIVATE, fd, 0);
    if (address < 0 && address > -4096)
        return (int)address;

    plan->bytes = (uint8_t *)address;
    plan->size = (uint32_t)size;
    head = (struct osh_init_plan *)address;
    if (head->magic != OSH_INIT_MAGIC || head->version != OSH_INIT_VERSION ||
        head->size != plan->size || head->request != request) {
        osh_plan_unmap(plan);
        return -EBADMSG;
    }
    return 0;
}

void
osh_plan_unmap(struct osh_plan *plan)
{
    CALL(munmap, plan->bytes, plan->size);
    plan->bytes = NULL;
    plan->size = 0;
}

const char *
osh_plan_string(const struct osh_plan *plan, uint32_t offset)
{
    if (offset == 0)
        return NULL;
    for (uint32_t end = offset; end < plan->size; end++) {
        if (plan->bytes[end] == '\0')
            return (const char *)plan->bytes + offset;
    }
    return NULL;
}

void *
osh_plan_table(const struct osh_plan *plan, struct osh_init_table table, size_t element)
{
    uint64_t end = (uint64_t)table.offset + (uint64_t)table.count * element;

    if (table.offset % 8 != 0 || end > plan->size)
        return NULL;
    return plan->bytes + table.offset;
}

const void *
osh_plan_span(const struct osh_plan *plan, struct osh_init_span span)
{
    if ((uint64_t)span.offset + span.size > plan->size)
        return NULL;
    return plan->bytes + span.offset;
}
