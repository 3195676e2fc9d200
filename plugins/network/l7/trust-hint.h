/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust-hint.h: what has a program trust the certificate authority of the run. [any], pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_trust_hint:
 * @binary: path of the program; "" when it is not known
 * @of_box: it finds the files of the run
 *
 * Returns: (transfer full): what to do, in words that begin like "set CURL_CA_BUNDLE"
 */
char *osh_trust_hint(const char *binary, gboolean of_box);

/** osh_trust_is_judged_late: Returns: whether @binary finishes the handshake before it looks at the
 * certificate, so that one which ends the connection then may have refused it. */
gboolean osh_trust_is_judged_late(const char *binary);

G_END_DECLS
