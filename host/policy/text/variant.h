/* SPDX-License-Identifier: Apache-2.0 */
/* variant.h: a part of a document as a GVariant, for a plugin that reads it. */
#pragma once

#include "document.h"

G_BEGIN_DECLS

/**
 * osh_yaml_to_variant:
 * @node: a scalar, a list or a mapping
 *
 * Text becomes s, a whole number x (s where it does not fit), another number d, true and false b,
 * a list av, a mapping a{sv}. Members that stand for nothing (null) are left out of both.
 *
 * Returns: (transfer full) (nullable): the value, its reference sunk; %NULL for null
 */
GVariant *osh_yaml_to_variant(const OshYamlNode *node);

G_END_DECLS
