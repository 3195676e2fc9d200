/* SPDX-License-Identifier: Apache-2.0 */
/* remove-tree-test-support.h: what several tests need at their end. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** osh_test_remove_tree: removes @path and what lies below it; symbolic links are not followed. */
void osh_test_remove_tree(const char *path);

G_END_DECLS
