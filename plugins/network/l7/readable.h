/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.h: whether content is text that a middleware can look into as it is. [any]
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/**
 * osh_readable_obstacle:
 * @coding: Content-Encoding of it; empty where there is none
 * @type: Content-Type of it with its parameters, likewise
 *
 * Returns: (nullable): why it cannot be looked into, a word for programs; %NULL where it can
 */
const char *osh_readable_obstacle(OshSpan coding, OshSpan type);

G_END_DECLS
