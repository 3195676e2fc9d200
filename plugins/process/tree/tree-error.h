/* SPDX-License-Identifier: Apache-2.0 */
/* tree-error.h: why the tree of a box cannot be planned or made ready. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define OSH_TREE_ERROR (osh_tree_error_quark())
GQuark osh_tree_error_quark(void);

typedef enum {
    OSH_TREE_ERROR_FAILED,
    OSH_TREE_ERROR_INVALID, /* what the policy or the configuration asks for cannot be had */
    OSH_TREE_ERROR_CHANGED, /* a file that the plan found is gone by now: a new plan may work */
} OshTreeError;

G_END_DECLS
