# SPDX-License-Identifier: Apache-2.0
"""Mistakes in how HTTP/1 is read, in one spelling of a path, and in l7-rest: each rule of the parser
is disabled once, and a named test fails. And in what sessions are told and offered."""

U = "sdk/util/"
HEAD, BODY, GRAMMAR, PATH = (U + "osh-http1-head.c", U + "osh-http1-body.c",
                             U + "osh-http1-grammar.c", U + "osh-request-path.c")
LINE = U + "osh-http1-grammar.h"
R = "plugins/l7-rest/"
D = "plugins/network/l7/"
DRIVER, PLUGIN = "network-driver", "osh-l7-plugin"
TESTS = "osh-http1-head"
HEADS, BODIES, PATHS = "osh-http1-head", "osh-http1-body", "osh-request-path"
SESSION, RESPONSE, ANSWER, CORPUS = ("l7-rest-session", "l7-rest-response", "l7-rest-answer",
                                     "l7-rest-corpus")
ROWS = [
    # the request line
    (HEAD, "if (memcmp(bytes, \"HTTP/1.\", 7) != 0 || (bytes[7] != '0' && bytes[7] != '1'))",
     "if (memcmp(bytes, \"HTTP/\", 5) != 0)", HEADS),
    (HEAD, "if (method < length && line[method] != ' ' && line[method] != '\\t')\n"
     "        return OSH_HTTP1_ERROR_BAD_METHOD;\n",
     "while (method < length && line[method] != ' ')\n        method++;\n", HEADS),
    (HEAD, "if (space == NULL || space == target)", "if (space == NULL)", HEADS + " " + CORPUS),
    (HEAD, "memchr(target, '\\t', target_length + 1 + length) != NULL", "FALSE", HEADS),
    (HEAD, "if (length != 8 || !parse_version(head, space + 1))",
     "if (length < 8 || !parse_version(head, space + 1))", HEADS),
    # the status line
    (HEAD, "length < 12 || line[8] != ' ' ||", "length < 12 ||", HEADS),
    (HEAD, "(length > 12 && line[12] != ' ') ||", "", HEADS),
    (HEAD, "line[9] < '1' ||", "line[9] < '0' ||", HEADS),
    (HEAD, "line[9] > '5' ||", "line[9] > '9' ||", HEADS),
    # where a message ends
    (HEAD, "if (!g_ascii_isdigit(value[i]))\n            return OSH_HTTP1_ERROR_BAD_CONTENT_LENGTH;\n",
     "", HEADS),
    (HEAD, "length == 0 || length > 18", "length == 0", HEADS),
    (HEAD, "length != 7 || !osh_http1_name_equals(value, \"chunked\", 7)",
     "length < 7 || !osh_http1_name_equals(value + length - 7, \"chunked\", 7)", HEADS),
    # Connection
    (HEAD, "    if (length == 0)\n        return OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION;\n", "", HEADS),
    (HEAD, "        if (!osh_http1_is_token_character(option[i]))\n"
     "            return OSH_HTTP1_ERROR_BAD_CONNECTION_OPTION;\n", "            ;\n", HEADS),
    (HEAD, "option_is(option, length, \"host\") ||", "", HEADS),
    (HEAD, "|| option_is(option, length, \"content-length\") ||", "||", HEADS),
    (HEAD, "        option_is(option, length, \"transfer-encoding\"))", "        FALSE)", HEADS),
    (HEAD, "head->connection_close |= option_is(option, length, \"close\");", "", HEADS),
    # the Host, fields by name, the size of it all
    (HEAD, "return head->minor_version == 0 ? OSH_HTTP1_ERROR_NONE : OSH_HTTP1_ERROR_NO_HOST;",
     "return OSH_HTTP1_ERROR_NONE;", HEADS),
    (HEAD, "OSH_AUTHORITY_OK)\n        return OSH_HTTP1_ERROR_BAD_HOST;", "OSH_AUTHORITY_OK)\n"
     "        return OSH_HTTP1_ERROR_NONE;", HEADS),
    (HEAD, "if (more && end == head->max_size)", "if (FALSE)", HEADS),
    (HEAD, "head->line_high && head->kind == OSH_HTTP1_REQUEST &&", "head->line_high &&", HEADS),
    (HEAD, "        head->line_high = FALSE;\n", "", HEADS),
    (HEAD, "if (end - start == field->name.length &&", "if (", HEADS),
    # the end of a line, and a line of a field
    (LINE, "    if (bytes[at] == '\\n')\n        return OSH_HTTP1_ERROR_BARE_LF;\n", "", HEADS),
    (LINE, "    if (bytes[at] != '\\r')\n        return OSH_HTTP1_ERROR_CONTROL_BYTE;\n", "", HEADS),
    (LINE, "return bytes[at + 1] == '\\n' ? OSH_HTTP1_ERROR_NONE : OSH_HTTP1_ERROR_BARE_CR;",
     "return OSH_HTTP1_ERROR_NONE;", HEADS),
    (GRAMMAR, "if (length > 0 && is_blank(line[0]))", "if (FALSE)", HEADS),
    (GRAMMAR, "    if (memchr(line, ':', length) == NULL)\n        return OSH_HTTP1_ERROR_NO_COLON;\n", "",
     HEADS),
    (GRAMMAR, "    if (after > at && line[after] == ':')\n"
     "        return OSH_HTTP1_ERROR_SPACE_BEFORE_COLON;\n", "", HEADS),
    (GRAMMAR, "    while (start < end && is_blank(line[start]))\n        start++;\n", "", HEADS),
    # chunks
    (BODY, "if (at == 0 || (at < length && line[at] != ';'))", "if (at == 0)", BODIES),
    (BODY, "if (at == 0 || (", "if ((", BODIES),
    (BODY, "    if (!check_extensions(line, at, length))\n"
     "        return OSH_HTTP1_ERROR_BAD_CHUNK_EXTENSION;\n", "", BODIES),
    (BODY, "        if (line[at] != ';')\n            return FALSE;\n", "", BODIES),
    (BODY, "        at = skip_token(line, name, length);\n        if (at == name)\n            return FALSE;\n"
     "        if (at == length", "        at = skip_token(line, name, length);\n        if (at == length",
     BODIES),
    (BODY, "            if (!skip_quoted(line, &at, length))\n                return FALSE;\n",
     "            skip_quoted(line, &at, length);\n", BODIES),
    (BODY, "    if (body->high && !g_utf8_validate_len((const char *)window, end, NULL))\n"
     "        return reject(body, OSH_HTTP1_ERROR_NOT_UTF8);\n", "", BODIES),
    (BODY, "(size >= 1 && window[0] != '\\r') || ", "", BODIES),
    (BODY, " || (size >= 2 && window[1] != '\\n')", "", BODIES),
    (BODY, "size, body->line_limit,", "size, 4096,", BODIES),
    (BODY, "return end == limit ? reject(body, too_long) : OSH_HTTP1_BODY_NEED_MORE;",
     "return OSH_HTTP1_BODY_NEED_MORE;", BODIES),
    # trailers
    (BODY, "            return OSH_HTTP1_ERROR_FORBIDDEN_TRAILER;", "            break;", BODIES),
    *[(BODY, f'    "{name}",\n', "", BODIES) for name in (
        "authorization", "cache-control", "connection", "content-encoding", "content-length",
        "content-range", "content-type", "cookie", "host", "keep-alive", "max-forwards",
        "proxy-authenticate", "proxy-authorization", "proxy-connection", "range", "set-cookie", "te",
        "transfer-encoding", "upgrade", "www-authenticate")],
    # one spelling of a path
    (PATH, "        if (byte < 0x20 || byte == 0x7f)\n            return OSH_REQUEST_PATH_CONTROL_BYTE;\n"
     "        if (byte >= 0x80)", "        if (byte >= 0x80)", PATHS),
    (PATH, "        if (byte >= 0x80)\n            return OSH_REQUEST_PATH_NON_ASCII;\n", "", PATHS),
    (PATH, "memchr(target, '#', length) != NULL ? OSH_REQUEST_PATH_FRAGMENT", "FALSE ? "
     "OSH_REQUEST_PATH_FRAGMENT", PATHS),
    (PATH, "        if (high < 0 || low < 0)\n            return OSH_REQUEST_PATH_BAD_PERCENT;\n", "", PATHS),
    (PATH, "if (byte == '/' && !(flags & OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH))", "if (FALSE)", PATHS),
    (PATH, "        if (byte < 0x20 || byte == 0x7f)\n            return OSH_REQUEST_PATH_CONTROL_BYTE;\n"
     "        g_string", "        g_string", PATHS),
    (PATH, "byte == '/' ? SLASH_MARKER : (char)byte", "(char)byte", PATHS),
    (PATH, "        if (parameters != NULL)\n            length = (gsize)(parameters - segment);\n", "",
     PATHS),
    (PATH, "        last = last && (length == 0 || is_dots(segment, length));\n",
     "        last = last && length == 0;\n", PATHS),
    (PATH, "} else if (length > 0 && !is_dots(segment, length)) {", "} else if (length > 0) {", PATHS),
    (PATH, "    if (size > 0 && *path != '/')\n        return OSH_REQUEST_PATH_MALFORMED;\n", "", PATHS),
    (PATH, "if (p == end || !g_ascii_isalpha(*p))", "if (p == end)", PATHS + " vectors-cases vectors-extra"),
    # a session: what is asked about, and what leaves
    (R + "request.c", "strcmp(authority.host, session->host) == 0 && authority.port == session->port;",
     "strcmp(authority.host, session->host) == 0;", SESSION),
    (R + "request.c", "strcmp(authority.host, session->host) == 0 && authority.port", "authority.port",
     SESSION),
    (R + "request.c", "session->secure ? 443 : 80, &authority) ==", "session->port, &authority) ==", SESSION),
    (R + "request.c", "(session->request.n_hosts == 0 && !session->may_retarget) ||", "", SESSION),
    (R + "request.c", "if (problem != OSH_HTTP1_ERROR_NONE)", "if (FALSE)", SESSION),
    (R + "request.c", "    if (g_str_equal(session->method->str, \"TRACE\"))", "    if (FALSE)", SESSION),
    (R + "request.c", "if (head->connection_upgrade ||\n", "if (\n", SESSION),
    (R + "request.c", "        osh_http1_head_find(head, (const guint8 *)window, \"upgrade\", NULL) != NULL)",
     "        FALSE)", SESSION),
    (R + "request.c", "    if (!is_expectation_known(head, window))", "    if (FALSE)", SESSION),
    (R + "request.c", "    add_query_fact(session);\n", "", SESSION),
    (R + "request.c", "    session->closes = !osh_http1_head_keep_alive(head);\n", "", SESSION),
    (R + "request.c", "session->query->n_keys = 0;", ";", SESSION),
    (R + "request.c", "    \"connection\",       ", "    ", SESSION),
    (R + "request.c", "\"http2-settings\",      ", "", SESSION),
    (R + "request.c", "\"keep-alive\", \"proxy-authenticate\",", "\"proxy-authenticate\",", SESSION),
    (R + "request.c", "\"proxy-connection\", ", "", SESSION),
    (R + "request.c", "\"proxy-authorization\", ", "", SESSION),
    (R + "request.c", "\"te\",         ", "", SESSION),
    (R + "request.c", "osh_http1_head_find(head, (const guint8 *)window, \"content-length\", NULL) != field)",
     "FALSE)", SESSION),
    (R + "request.c", "    return osh_http1_head_nominates(head, (const guint8 *)window, field);",
     "    return FALSE;", SESSION),
    (R + "request.c", "    if (!has_via)\n", "    if (TRUE)\n", SESSION),
    (R + "request.c", "add_bytes(session, session->target->str, session->target->len);",
     "add_window(session, head->target.offset, head->target.length);", SESSION),
    (R + "request.c", "    const char *end = memchr(target.data, '?', target.length);\n",
     "    const char *end = NULL;\n", ANSWER),
    (R + "request.c", "target.length == 0 || target.data[0] != '/'", "target.length == 0", ANSWER),
    (R + "request.c", "too_large ? 431 : 400", "400", SESSION),
    (R + "request.c", "    if (!has_hop_field(head, window))\n        return FALSE;\n", "    return FALSE;\n",
     RESPONSE),
    (R + "query.c", "if (query->n_values == REST_QUERY_VALUES ||", "if (FALSE ||", SESSION),
    (R + "query.c", "        if (at == REST_QUERY_KEYS)\n            return FALSE;\n", "", SESSION),
    (R + "query.c", "        if (high < 0 || low < 0)\n            return FALSE;\n", "", SESSION),
    (R + "query.c", "from[i] == '+' ? ' ' : from[i]", "from[i]", SESSION),
    (R + "query.c", "    return g_utf8_validate_len(query->text->str + start, ret_span->length, NULL);",
     "    return TRUE;", SESSION),
    # a session: its stages
    (R + "session.c", "    if (session->closes || session->is_over)\n", "    if (FALSE)\n", SESSION),
    (R + "session.c", "    osh_http1_head_reset(&session->response);\n", "", SESSION),
    (R + "session.c", "    session->n_interim = 0;\n", "", RESPONSE),
    (R + "session.c", "    if (list->capacity[OSH_SERVER_TO_CLIENT] == 0 || list_is_full(session, 3))",
     "    if (list_is_full(session, 3))", ANSWER),
    (R + "session.c", "    deny->u.deny.facts = (OshFacts){session->facts, session->n_facts};\n"
     "    deny->u.deny.ret_event", "    deny->u.deny.ret_event", ANSWER),
    (R + "session.c", "    deny->u.deny.ret_event = &session->event;\n", "", ANSWER),
    (R + "session.c", "    session->stage = REST_SENT;\n    return session->has_response == REST_RESPONSE_ENDED",
     "    session->stage = REST_SENT;\n    return FALSE", RESPONSE),
    (R + "session.c", "    if (!session->allows_encoded_slash &&\n", "    if (FALSE &&\n", SESSION),
    (R + "session.c", "    if (session->is_beyond) {", "    if (FALSE) {", ANSWER),
    (R + "answer.c", "status == 403 ? \"policy_denied\" : \"request_refused\"", "\"policy_denied\"", ANSWER),
    (R + "session.c", "    if (drop_request_body(session) || session->is_over || list->input->eof) {",
     "    if (drop_request_body(session) || session->is_over) {", RESPONSE),
    (R + "session.c", "    if (drop_request_body(session) || session->is_over || list->input->eof) {",
     "    if (drop_request_body(session) || list->input->eof) {", RESPONSE),
    (R + "session.c", "            osh_l7_list_drop(&session->list, session->message, step.release);",
     "            osh_l7_list_pass(&session->list, session->message, step.release);", RESPONSE),
    (R + "response.c", "    if (session->status == 101)\n", "    if (FALSE)\n", RESPONSE),
    (R + "response.c", "++session->n_interim > session->limits.interim_responses", "FALSE", SESSION),
    (R + "response.c", "(session->response.chunked || session->response.content_length > 0)", "FALSE",
     RESPONSE),
    (R + "response.c", "(session->status < 200 || session->status == 204) &&",
     "session->status == 204 &&", RESPONSE),
    (R + "response.c", "    if (osh_l7_list_window(list).length > 0)\n        return osh_l7_list_fail(list, surplus);",
     "", RESPONSE),
    (R + "response.c", "    if (session->closes)\n        session->stage = REST_LINGER;\n", "", RESPONSE),
    (R + "response.c", "    if (session->has_response == REST_RESPONSE_ENDED)\n        session->stage = "
     "REST_LINGER;\n", "", RESPONSE),
    (R + "response.c", "framing == OSH_HTTP1_FRAMING_UNTIL_CLOSE ||", "", RESPONSE),
    (R + "response.c", "                      !osh_http1_head_keep_alive(&session->response);",
     "                      FALSE;", RESPONSE),
    (R + "response.c", "osh_http1_response_framing(&session->response, session->was_head, FALSE);",
     "osh_http1_response_framing(&session->response, FALSE, FALSE);", RESPONSE),
    (R + "response.c", "    if (session->request.minor_version == 0)\n", "    if (FALSE)\n", SESSION),
    (R + "response.c", "        else if (!list->input->reset &&\n", "        else if (\n", RESPONSE),
    (R + "answer.c", "        if (byte == '\"' || byte == '\\\\')", "        if (FALSE)", ANSWER),
    (R + "answer.c", "        else if (byte < 0x20 || byte == 0x7f)", "        else if (FALSE)", ANSWER),
    (R + "answer.c", "*at >= 0x20 && *at < 0x7f ? *at : '?'", "*at", ANSWER),
    (R + "answer.c", "    if (!session->was_head)\n", "", ANSWER),
    (R + "answer.c", "    g_string_append(answer, \"Connection: close\\r\\n\\r\\n\");",
     "    g_string_append(answer, \"\\r\\n\");", ANSWER),
    (R + "answer.c", "    if (binary != NULL && binary[0] != '\\0')", "    if (FALSE)", ANSWER),
    (R + "answer.c", "    if (event != 0)", "    if (FALSE)", ANSWER),
    (R + "answer.c", "append_json(body, \"protocol\", session->protocol);\n    append_request(session, body, "
     "answer->binary);", "append_request(session, body, answer->binary);", ANSWER),
    (R + "plugin.c", "    session->is_over = session->is_over || session->stage == REST_LINGER;\n", "", RESPONSE),
    (R + "plugin.c", "g_variant_lookup(answer->options, name, \"b\", &value) && value",
     "g_variant_lookup(answer->options, name, \"b\", &value)", ANSWER),
    (R + "plugin.c", "(guint32)MIN(session->limits.head_size, window)", "session->limits.head_size", SESSION),
    # what the driver tells a session for its words
    (D + "carry.c", "        *action->u.deny.ret_event = event;\n", "        ;\n", DRIVER),
    (D + "ask.c", "        .binary = osh_audit_binary(driver->connection),\n", "", DRIVER),
    (D + "ask.c", "        .options = message->options,\n", "", DRIVER),
    (D + "ask.c", "    if (driver->options != NULL && driver->options_of == verdict->endpoint &&\n",
     "    if (FALSE &&\n", DRIVER),
    # what authors of sessions are offered
    (U + "osh-l7-plugin.h", "            vtable->cancel = openshell_session_cancel; ", "            ; ", PLUGIN),
    (U + "osh-l7-plugin.h", "            vtable->probe = openshell_session_probe; ", "            ; ", PLUGIN),
    (U + "osh-l7-plugin.h", "        return openshell_session_functions.protocols != NULL ",
     "        return FALSE ", PLUGIN),
    (U + "osh-reply-queue.c", "push(queue, ENTRY_SERVER, message, 0)->tag = tag;",
     "push(queue, ENTRY_SERVER, message, 0);", "osh-reply-queue"),
    (U + "osh-line-reader.c", "    *reader = (OshLineReader)OSH_LINE_READER_INIT(line_cap, line_flags);",
     "    reader->cap = line_cap;\n    reader->flags = line_flags;", "osh-line-reader"),
    (U + "osh-line-reader.c", "(span.length == 0 || g_ascii_strncasecmp(span.data, text, span.length) == 0)",
     "(span.length == 0 || memcmp(span.data, text, span.length) == 0)", "osh-line-reader"),
    # the policy's part in an encoded slash
    ("host/policy/decide/decide.c", "        (selected != NULL && selected->allow_encoded_slash))\n",
     "        selected != NULL)\n", "policy-judge"),
    ("host/policy/decide/decide.c", "    verdict->hard = TRUE;\n    if (verdict->action != OSH_POLICY_ALLOW)",
     "    if (verdict->action != OSH_POLICY_ALLOW)", "policy-judge"),
]
UNNOTICED = {
    (HEAD, "        head->line_high = FALSE;\n"): "a line that is ASCII is checked to be UTF-8 once more",
    (R + "query.c", "        if (high < 0 || low < 0)\n            return FALSE;\n"):
        "what a broken escape is decoded to is never UTF-8, which is refused as well",
}
