/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h: header fields between a plugin and HTTP/1. [shard]
 */
#pragma once

#include <openshell/ext/draft/virtual-host.h>

#include "osh-http1-head.h"

G_BEGIN_DECLS

/** OSH_VIRTUAL_FIELDS: fields of one head. */
#define OSH_VIRTUAL_FIELDS 128

/** osh_field_is_framing: Returns: whether a field of this name is made by the data plane alone:
 * what frames a message, and what belongs to one hop (RFC 9110 section 7.6.1). */
gboolean osh_field_is_framing(OshSpan name);

/**
 * osh_field_append:
 * @text: (inout): gets "NAME: VALUE\r\n"
 * @field: of a plugin
 *
 * Returns: (transfer none) (nullable): why not, in words; @text is as it was then
 */
const char *osh_field_append(GString *text, const OshHttpField *field);

/** osh_field_is_token: Returns: whether @text is a token (RFC 9110 section 5.6.2). */
gboolean osh_field_is_token(OshSpan text);

/**
 * osh_field_list:
 * @head: complete, in @window
 * @drops_host: without Host, Expect and what only a server is told
 * @ret_fields: (out caller-allocates) (array length=OSH_VIRTUAL_FIELDS): those that a plugin is
 * told
 *
 * Returns: how many
 */
gsize osh_field_list(const OshHttp1Head *head, const guint8 *window, gboolean drops_host,
                     OshHttpField *ret_fields);

G_END_DECLS
