/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-value.h: single values as JSON.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** osh_json_append_padded: appends @number with zeros in front, up to @width digits. */
void osh_json_append_padded(GString *line, guint64 number, guint width);

/** osh_json_append_unsigned: appends @number. */
void osh_json_append_unsigned(GString *line, guint64 number);

/** osh_json_append_signed: appends @number. */
void osh_json_append_signed(GString *line, gint64 number);

/** osh_json_append_double: appends @number, or null where JSON has no such number. */
void osh_json_append_double(GString *line, double number);

/** osh_json_append_boolean: appends @truth. */
void osh_json_append_boolean(GString *line, gboolean truth);

G_END_DECLS
