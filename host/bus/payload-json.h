/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload-json.h: the payload of an event as JSON, from its bytes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * osh_payload_append_json:
 * @line: what it is appended to; as before on failure
 * @payload: of an event
 *
 * Returns: FALSE where it is not a tuple of plain values, strings and one a{sv} of the same and of
 *   lists of strings, or not in normal form
 */
gboolean osh_payload_append_json(GString *line, GVariant *payload);

G_END_DECLS
