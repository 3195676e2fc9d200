/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h: header fields between a plugin and HTTP/1. [shard]
 */
#pragma once

#include <openshell/ext/draft/virtual-host.h>

#include "osh-http1-head.h"

G_BEGIN_DECLS

/** OSH_VIRTUAL_FIELDS: fields of a request, which a session may have added to. */
#define OSH_VIRTUAL_FIELDS 128
/** OSH_VIRTUAL_ANSWER_FIELDS: fields that a plugin may give an answer; framing comes with them. */
#define OSH_VIRTUAL_ANSWER_FIELDS (OSH_HTTP1_DEFAULT_FIELDS - 4)
/** OSH_VIRTUAL_ANSWER_HEAD: bytes of them, with the status line; likewise. */
#define OSH_VIRTUAL_ANSWER_HEAD (OSH_HTTP1_INSPECTED_HEAD_SIZE - 64)
/** OSH_UPSTREAM_FIELDS: fields of a response to a forward, to which a plugin may add some. */
#define OSH_UPSTREAM_FIELDS (OSH_VIRTUAL_ANSWER_FIELDS - 8)
/** OSH_UPSTREAM_HEAD: bytes of its head; likewise. */
#define OSH_UPSTREAM_HEAD (OSH_VIRTUAL_ANSWER_HEAD - 1024)

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
 * @ret_fields: (out caller-allocates) (array length=OSH_VIRTUAL_FIELDS): what a plugin is told
 *
 * Framing is left out, and what a Connection option names (RFC 9110 section 7.6.1).
 *
 * Returns: how many
 */
gsize osh_field_list(const OshHttp1Head *head, const guint8 *window, gboolean drops_host,
                     OshHttpField *ret_fields);

G_END_DECLS
