/* SPDX-License-Identifier: Apache-2.0 */
/* verb-help.h: the --help of the verbs whose words the host itself reads. */
#pragma once

#include "options.h"

G_BEGIN_DECLS

/** osh_verb_help: Returns: (transfer none): what @verb does, and how it is written. */
const char *osh_verb_help(OshVerb verb);

/** osh_verb_help_attach: Returns: (transfer none): the same for attach. */
const char *osh_verb_help_attach(void);

G_END_DECLS
