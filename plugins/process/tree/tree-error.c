/* SPDX-License-Identifier: Apache-2.0 */
/* tree-error.c: the error domain of the files that plan a tree. [any]; no state. */
#include "tree-error.h"

G_DEFINE_QUARK(osh - tree - error - quark, osh_tree_error)
