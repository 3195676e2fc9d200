/* SPDX-License-Identifier: Apache-2.0 */
/* comments.h: finds what a draft cannot keep. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_yaml_first_comment: [any]
 * @text: (array length=length): a policy file that the loader accepts
 *
 * Returns: the 1-based line of the first comment, or 0 when there is none
 */
guint osh_yaml_first_comment(const char *text, gsize length);

G_END_DECLS
