/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-screen-watch.h: finds out, in what a program writes to its terminal, whether it has switched
 * to the alternate screen. Plain functions; one state for each terminal. Not installed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshScreenWatch: all zeros is the start.
 * @alternate: the alternate screen is shown
 * @stage: how much of a sequence was seen
 * @number: its number so far
 * @selects: one of its numbers is that of the alternate screen
 */
typedef struct {
    gboolean alternate;
    guint stage;
    guint number;
    gboolean selects;
} OshScreenWatch;

/** osh_screen_watch: @bytes: (array length=length): what was written; may end within a sequence. */
void osh_screen_watch(OshScreenWatch *watch, const char *bytes, gsize length);

G_END_DECLS
