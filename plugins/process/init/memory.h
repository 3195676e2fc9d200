/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and text for a program without a C library. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *at, int value, size_t size);
int memcmp(const void *one, const void *other, size_t size);

size_t osh_text_length(const char *text);

/* Returns: (nullable): the first @wanted in @text */
const char *osh_text_find(const char *text, char wanted);

/* Copies what fits in @capacity with its closing NUL. Returns: the length of the copy */
size_t osh_text_copy(char *to, size_t capacity, const char *from);
