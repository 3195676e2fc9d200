# SPDX-License-Identifier: Apache-2.0
"""Mistakes in what plugins share: events, HTTP/1, authorities, addresses, buffers, text."""

TESTS = "osh-http1-head"
U = "sdk/util/"
C = "sdk/include/openshell/event-codec.h"
EVENT = "sdk-event"
ROWS = [
    # buffers
    (U + "osh-buffer.c", "if (pool->in_use >= pool->limit)", "if (pool->in_use > pool->limit)", "osh-buffer"),
    (U + "osh-buffer.c", "explicit_bzero(buffer->bytes, buffer->capacity);", "explicit_bzero(buffer->bytes, buffer->end);", "osh-buffer"),
    (U + "osh-buffer.c", "        pool->idle--;\n", "", "osh-buffer"),
    (U + "osh-buffer.c", "if (pool->idle >= pool->keep_idle) {", "if (pool->idle > pool->keep_idle) {", "osh-buffer"),
    (U + "osh-buffer.c", "buffer->end -= buffer->start;\n", "", "osh-buffer"),
    (U + "osh-buffer.c", "if (buffer->start == buffer->end) {", "if (FALSE) {", "osh-buffer"),
    (U + "osh-buffer.c", "buffer->end == buffer->capacity && buffer->start > 0", "buffer->start > 0", "osh-buffer"),
    (U + "osh-buffer.c", "    pool->idle = 0;\n", "", "osh-buffer"),
    # events
    (C, "if (g_utf8_validate(text, -1, &end) && end - text <= OSH_EVENT_TEXT_MAX)",
     "if (g_utf8_validate(text, -1, &end))", EVENT),
    (C, "    while (((guchar)valid[at] & 0xc0) == 0x80)\n            at--;", "", EVENT),
    (C, "if (length > OSH_EVENT_TEXT_MAX || strlen(valid) > OSH_EVENT_TEXT_MAX) {",
     "if (length > OSH_EVENT_TEXT_MAX) {", EVENT),
    (C, "    if (member->flag != 0)\n        return G_STRUCT_MEMBER(gboolean, event, member->flag);\n", "", EVENT),
    (C, "    g_variant_get_data(payload);\n", "", EVENT),
    (C, "if (g_variant_is_of_type(value, (const GVariantType *)member->type))", "if (TRUE)", EVENT),
    (C, "(seen & (1u << i)) == 0", "TRUE", EVENT),
    (C, "if (osh_event_find_key(layout, entry) == layout->n_members)", "if (TRUE)", EVENT),
    (C, "if (g_variant_is_of_type(more, G_VARIANT_TYPE_VARDICT)) {", "if (TRUE) {", EVENT),
    (C, "texts[i] != NULL && i < OSH_EVENT_STRINGS_MAX", "texts[i] != NULL", EVENT),
    (C, "n = MIN(g_variant_n_children(value), (gsize)OSH_EVENT_STRINGS_MAX);",
     "n = g_variant_n_children(value);", EVENT),
    # heads
    (U + "osh-http1-head.c", "if (head->chunked && head->has_content_length)\n        return OSH_HTTP1_ERROR_BOTH_LENGTHS;", "", "osh-http1-head"),
    (U + "osh-http1-head.c", "if (head->chunked && head->minor_version == 0)", "if (FALSE)", "osh-http1-head"),
    (U + "osh-http1-head.c", "head->has_content_length && head->content_length != number", "FALSE", "osh-http1-head"),
    (U + "osh-http1-head.c", "if (head->chunked || length != 7 ||", "if (length != 7 ||", "osh-http1-head"),
    (U + "osh-http1-head.c", "if (length == 0 || length > 18)", "if (length > 18)", "osh-http1-head"),
    (U + "osh-http1-head.c", "memchr(space + 1, ' ', length) != NULL ||", "", "osh-http1-head"),
    (U + "osh-http1-head.c", "option_is(option, length, \"content-length\") ||", "", "osh-http1-head"),
    (U + "osh-http1-head.c", "if (head->n_fields == head->max_fields)", "if (head->n_fields > head->max_fields)", "osh-http1-head"),
    (U + "osh-http1-head.c", "head->n_hosts++ == 0)\n            head->host = head->n_fields - 1;", "++head->n_hosts)\n            head->host = head->n_fields - 1;", "osh-http1-head network-host-claim"),
    (U + "osh-http1-head.c", "if (head->n_hosts > 1)\n        return OSH_HTTP1_ERROR_SEVERAL_HOSTS;", "", "osh-http1-head"),
    (U + "osh-http1-head.c", "head->line_high && !g_utf8_validate_len(", "FALSE && !g_utf8_validate_len(", "osh-http1-head"),
    (U + "osh-http1-head.c", "gsize end = MIN(size, head->max_size);", "gsize end = size;", "osh-http1-head"),
    (U + "osh-http1-head.c", "after != NULL ? (gsize)(after - head->fields) + 1 : 0", "after != NULL ? (gsize)(after - head->fields) : 0", "osh-http1-head"),
    (U + "osh-http1-head.c", "osh_http1_head_init(head, head->kind, head->max_size, head->fields, head->max_fields);", "head->size = 0; head->scanned = 0; head->line_start = 0;", "osh-http1-head"),
    (U + "osh-http1-grammar.c", "if (name == 0 || name == length || line[name] != ':')", "if (name == length || line[name] != ':')", "osh-http1-head"),
    (U + "osh-http1-grammar.c", "while (end > start && is_blank(line[end - 1]))\n        end--;", "", "osh-http1-head"),
    # bodies
    (U + "osh-http1-body.c", "if (at == 15)", "if (at == 17)", "osh-http1-body"),
    (U + "osh-http1-body.c", "if (size < 2)\n        return OSH_HTTP1_BODY_NEED_MORE;", "if (size < 1)\n        return OSH_HTTP1_BODY_NEED_MORE;", "osh-http1-body"),
    (U + "osh-http1-body.c", "    body->scanned = body->trailer_start;\n", "", "osh-http1-body"),
    (U + "osh-http1-body.c", "if (body->framing != OSH_HTTP1_FRAMING_UNTIL_CLOSE)\n        return reject", "if (body->framing == OSH_HTTP1_FRAMING_CHUNKED)\n        return reject", "osh-http1-body"),
    (U + "osh-http1-body.c", '    "trailer",\n', "", "osh-http1-body"),
    (U + "osh-http1-body.c", '    "expect",\n', "", "osh-http1-body"),
    (U + "osh-http1-body.c", "(gsize)body->trailer_start + OSH_HTTP1_TRAILERS_SIZE", "G_MAXUINT32", "osh-http1-body"),
    (U + "osh-http1-body.c", "size < body->remaining ? size : (gsize)body->remaining", "size", "osh-http1-body"),
    (U + "osh-http1-body.c", "body->content_total += take;", "body->content_total = take;", "osh-http1-body"),
    (U + "osh-http1-body.c", "size & 15", "size % 15", "osh-http1-body"),
    (U + "osh-http1-body.c", "if (body->error != OSH_HTTP1_ERROR_NONE)\n        return OSH_HTTP1_BODY_REJECTED;\n    if (body->phase == PHASE_COMPLETE)\n        return OSH_HTTP1_BODY_COMPLETE;\n    if (body->phase == PHASE_CONTENT)", "if (body->phase == PHASE_COMPLETE)\n        return OSH_HTTP1_BODY_COMPLETE;\n    if (body->phase == PHASE_CONTENT)", "osh-http1-body"),
    # authorities
    (U + "osh-authority.c", "if (length > 1 && text[length - 1] == '.')\n        length--;", "", "osh-authority"),
    (U + "osh-authority.c", "lower[i] = g_ascii_tolower(text[i]);", "lower[i] = text[i];", "osh-authority"),
    (U + "osh-authority.c", "if (number && inet_pton(AF_INET, lower, &address) != 1)", "if (FALSE)", "osh-authority"),
    (U + "osh-authority.c", "if (port == 0 || port > G_MAXUINT16)", "if (port > G_MAXUINT16)", "osh-authority"),
    (U + "osh-authority.c", "length > 63 ? OSH_AUTHORITY_LONG_LABEL", "length > 64 ? OSH_AUTHORITY_LONG_LABEL", "osh-authority"),
    (U + "osh-authority.c", "if (label[0] == '-')\n        return OSH_AUTHORITY_BAD_CHARACTER;", "", "osh-authority"),
    (U + "osh-authority.c", "if (memchr(text, '@', length) != NULL)\n        return OSH_AUTHORITY_USERINFO;", "", "osh-authority"),
    (U + "osh-authority.c", "if (left_length != right_length)\n        return FALSE;", "left_length = MIN(left_length, right_length);", "osh-authority"),
    (U + "osh-authority.c", "parsed.scheme == OSH_URI_HTTPS ? 443 : 80", "80", "osh-authority"),
    (U + "osh-authority.c", "text[end] != '/' && text[end] != '?'", "text[end] != '/'", "osh-authority"),
    (U + "osh-authority.c", "length >= OSH_HOST_SIZE ? OSH_AUTHORITY_LONG_NAME", "length > OSH_HOST_SIZE ? OSH_AUTHORITY_LONG_NAME", "osh-authority"),
    (U + "osh-authority.c", "if (length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X')) {", "if (FALSE) {", "osh-authority"),
    # addresses
    (U + "osh-address-class.c", "{16, {0x20, 0x02}, {2, 3, 4, 5}, 0},", "", "osh-address-class"),
    (U + "osh-address-class.c", "AT_THE_END, 0xff},", "AT_THE_END, 0},", "osh-address-class"),
    (U + "osh-address-class.c", "{6, 7, 9, 10}, {7, 9, 10, 11},", "{6, 7, 8, 9}, {7, 8, 9, 10},", "osh-address-class"),
    (U + "osh-address-class.c", "if (inner.bytes[0] == 0 || inner.bytes[0] >= 224)\n            continue;", "", "osh-address-class"),
    (U + "osh-address-class.c", "return n_unicast > 0 ? found : OSH_ADDRESS_ALWAYS_BLOCKED;", "return found;", "osh-address-class"),
    (U + "osh-address-class.c", "(bytes[8] & 0xfc) == 0 &&", "bytes[8] == 0 &&", "osh-address-class"),
    (U + "osh-address-class.c", "overlaps_embedded(range, special, nat64_prefix)", "FALSE", "osh-address-class"),
    (U + "osh-address-class.c", "(slash[1] == '0' && slash[2] != '\\0') ||", "", "osh-address-class"),
    (U + "osh-address-class.c", "range.address.bytes[bit / 8] &= (guint8) ~(0x80 >> (bit % 8));", ";", "osh-address-class"),
    (U + "osh-address-class.c", "port == 2380 ||", "", "osh-address-class osh-destination"),
    # the destination
    (U + "osh-destination.c", "if (class == OSH_ADDRESS_ALWAYS_BLOCKED)", "if (class == OSH_ADDRESS_ALWAYS_BLOCKED && request->n_allowed == 0)", "osh-destination"),
    (U + "osh-destination.c", "request->exact_declared_host || class == OSH_ADDRESS_PUBLIC", "TRUE", "osh-destination"),
    (U + "osh-destination.c", "for (gsize i = 0; i < n_addresses; i++) {\n        const char *problem", "for (gsize i = 0; i < MIN(n_addresses, 1); i++) {\n        const char *problem", "osh-destination"),
    (U + "osh-destination.c", "guint8 mask = (guint8)(0xff00u >> rest);", "guint8 mask = 0xff;", "osh-destination"),
    (U + "osh-destination.c", "if (osh_address_port_is_control_plane(request->port))", "if (FALSE)", "osh-destination"),
    # patterns of hosts
    (U + "osh-host-pattern.c", "used[0] = 0;\n        if (!alive)", "if (!alive)", "osh-host-pattern"),
    (U + "osh-host-pattern.c", "length >= sizeof(lower)", "FALSE", "osh-host-pattern"),
    (U + "osh-host-pattern.c", "lower[i] = g_ascii_tolower(host[i]);", "lower[i] = host[i];", "osh-host-pattern"),
    # paths of requests
    (U + "osh-request-path.c", "size > OSH_REQUEST_PATH_MAX", "size > OSH_REQUEST_PATH_MAX + 1", "osh-request-path vectors-extra"),
    # text
    (U + "osh-text.c", "byte >= 0x20 && byte < 0x7f && byte != '\\\\')", "byte >= 0x20 && byte != 0x7f && byte != '\\\\')", "osh-text"),
    (U + "osh-text.c", "shown < OSH_TEXT_MAX", "TRUE", "osh-text"),
    (U + "osh-text.c", "g_strcmp0(back, text) == 0 ?", "TRUE ?", "osh-text"),
    (U + "osh-text.c", "if (*at < 0x20 || *at >= 0x7f)\n            return NULL;", "", "osh-text"),
    (U + "osh-suggest.c", "guint best_distance = length <= 4 ? 2 : 3;", "guint best_distance = 3;", "osh-suggest"),
    (U + "osh-suggest.c", "if (candidate_length > WORD_MAX)\n            continue;", "", "osh-suggest"),
]
UNNOTICED = {
    (U + "osh-text.c", "g_strcmp0(back, text) == 0 ?"):
        "a second look at what GLib's own quoting gave: no text is known for which it fails",
}
