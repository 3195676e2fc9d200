/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c: the four functions that a compiler may call on its own even in a freestanding program,
 * and the few string helpers of init. Plain loops: none of them is worth more.
 */
#include "memory.h"

void *
memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;

    for (size_t i = 0; i < size; i++)
        target[i] = source[i];
    return to;
}

void *
memmove(void *to, const void *from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;

    if (target <= source)
        return memcpy(to, from, size);
    for (size_t i = size; i > 0; i--)
        target[i - 1] = source[i - 1];
    return to;
}

void *
memset(void *at, int value, size_t size)
{
    uint8_t *target = at;

    for (size_t i = 0; i < size; i++)
        target[i] = (uint8_t)value;
    return at;
}

int
memcmp(const void *one, const void *other, size_t size)
{
    const uint8_t *a = one;
    const uint8_t *b = other;

    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

size_t
osh_text_length(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

const char *
osh_text_find(const char *text, char wanted)
{
    for (; *text != '\0'; text++) {
        if (*text == wanted)
            return text;
    }
    return NULL;
}

size_t
osh_text_copy(char *to, size_t capacity, const char *from)
{
    size_t length = 0;

    while (length + 1 < capacity && from[length] != '\0') {
        to[length] = from[length];
        length++;
    }
    to[length] = '\0';
    return length;
}
