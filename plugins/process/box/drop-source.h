/* SPDX-License-Identifier: Apache-2.0 */
/* drop-source.h: gives up a source of a main loop. [any]: the thread of its context. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_drop_source:
 * @source: (inout) (nullable): destroyed, given up and set to %NULL
 */
static inline void
osh_drop_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

G_END_DECLS
