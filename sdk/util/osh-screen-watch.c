/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-screen-watch.c: ECMA-48 private modes 47, 1047 and 1049, set (h) and reset (l), alone or in a
 * list, as xterm has them: ESC [ ? 1049 h. Also a full reset, ESC c. A machine of a few states that
 * reads bytes from the box: it keeps nothing of them and cannot be made to keep more.
 */
#include "osh-screen-watch.h"

#define ESCAPE 0x1b

enum { PLAIN, AFTER_ESCAPE, AFTER_BRACKET, IN_NUMBERS };

static gboolean
is_alternate_screen(guint number)
{
    return number == 47 || number == 1047 || number == 1049;
}

static void
number_byte(OshScreenWatch *watch, char byte)
{
    if (byte >= '0' && byte <= '9') {
        watch->number = MIN(watch->number * 10 + (guint)(byte - '0'), 10000);
        return;
    }
    watch->selects |= is_alternate_screen(watch->number);
    watch->number = 0;
    if (byte == ';')
        return;
    if (watch->selects && (byte == 'h' || byte == 'l'))
        watch->alternate = byte == 'h';
    watch->stage = PLAIN;
}

void
osh_screen_watch(OshScreenWatch *watch, const char *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if (bytes[i] == ESCAPE) {
            watch->stage = AFTER_ESCAPE;
            continue;
        }
        switch (watch->stage) {
        case AFTER_ESCAPE:
            watch->alternate &= bytes[i] != 'c';
            watch->stage = bytes[i] == '[' ? AFTER_BRACKET : PLAIN;
            break;
        case AFTER_BRACKET:
            watch->stage = bytes[i] == '?' ? IN_NUMBERS : PLAIN;
            watch->number = 0;
            watch->selects = FALSE;
            break;
        case IN_NUMBERS:
            number_byte(watch, bytes[i]);
            break;
        default:
            break;
        }
    }
}
