/* SPDX-License-Identifier: Apache-2.0 */
/* java-presence.h: whether a program of the box may be Java's. Any thread; no state. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_java_is_here:
 * @environment: (array zero-terminated=1): NAME=VALUE of whoever runs the host
 *
 * Looks where packages, tool chains and PATH have Java, and at JAVA_HOME, which is what to set for
 * one that lies elsewhere.
 *
 * Returns: whether there is one
 */
gboolean osh_java_is_here(const char *const *environment);

G_END_DECLS
