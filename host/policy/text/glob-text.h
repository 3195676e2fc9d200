/* SPDX-License-Identifier: Apache-2.0 */
/* glob-text.h: text that is to be matched as it is, in a glob. */
#pragma once

#include <glib.h>

/** OSH_GLOB_SYNTAX: the characters that a glob takes for something else than themselves. */
#define OSH_GLOB_SYNTAX "*?[]{}\\"

/** osh_glob_append_literal: appends to @glob what matches the @length bytes of @text alone. */
void osh_glob_append_literal(GString *glob, const char *text, gsize length);
