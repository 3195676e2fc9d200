# SPDX-License-Identifier: Apache-2.0
"""Mistakes in l7-ws: each rule of frames, of their order, of permessage-deflate, of the handshake and
of the end is disabled once, and a named test fails. And in what the policy says of a server."""

W = "plugins/l7-ws/"
FRAME_C, READER, DEFLATE_C, EXTENSION_C, HANDSHAKE_C = (W + "frame.c", W + "reader.c", W + "deflate.c",
                                                        W + "extension.c", W + "handshake.c")
CLIENT, SERVER, JUDGE_C, ENDING_C, SESSION_C = (W + "client.c", W + "server.c", W + "judge.c",
                                                W + "ending.c", W + "session.c")
FRAME, UTF8, DEFLATE, EXTENSION, HANDSHAKE = ("l7-ws-frame", "l7-ws-utf8", "l7-ws-deflate",
                                              "l7-ws-extension", "l7-ws-handshake")
JUDGE, ENDING, SESSION, CORPUS = "l7-ws-judge", "l7-ws-ending", "l7-ws-session", "l7-ws-corpus"
TESTS = CORPUS
ROWS = [
    # a frame
    (FRAME_C, "if ((first & RSV) != 0)", "if (FALSE)", FRAME),
    (FRAME_C, "frame->opcode > WS_PONG ||", "", FRAME),
    (FRAME_C, "if (ws_frame_is_control(frame) && !frame->fin)", "if (FALSE)", FRAME),
    (FRAME_C, "if (ws_frame_is_control(frame) && frame->rsv1)", "if (FALSE)", FRAME),
    (FRAME_C, "if (frame->masked != masked)", "if (FALSE)", FRAME),
    (FRAME_C, "return n_bytes == 2 ? frame->length > WS_CONTROL_MAX", "return n_bytes == 2 ? TRUE", FRAME),
    (FRAME_C, ": frame->length > G_MAXUINT16 && frame->length <= G_MAXINT64;",
     ": frame->length > G_MAXUINT16;", FRAME),
    (FRAME_C, "key[k] = mask[(phase + k) % 4];", "key[k] = mask[k % 4];", FRAME),
    # text
    (W + "utf8.c", "utf8->low = 0xa0;", "utf8->low = 0x80;", UTF8),
    (W + "utf8.c", "utf8->high = 0x9f;", "utf8->high = 0xbf;", UTF8),
    (W + "utf8.c", "byte > 0xf4", "byte > 0xf7", UTF8),
    # the order of frames, and limits
    (READER, "if (reader->is_closed)\n        return fault", "if (FALSE)\n        return fault", CORPUS),
    (READER, "frame->opcode == WS_CONTINUATION && reader->opcode == 0", "FALSE", CORPUS),
    (READER, "frame->opcode != WS_CONTINUATION && reader->opcode != 0", "FALSE", CORPUS),
    (READER, "frame->length > limit - MIN(reader->wire, limit)", "frame->length > limit", CORPUS),
    (READER, "if (limit != 0 && reader->size > limit)", "if (FALSE)", CORPUS),
    (READER, "reader->limits.frames != 0 && reader->n_frames > reader->limits.frames", "FALSE", CORPUS),
    (READER, "    if (length == 1)\n", "    if (FALSE)\n", CORPUS),
    (READER, "(code < 1004 || code > 1006)", "TRUE", CORPUS),
    # permessage-deflate
    (DEFLATE_C, "if (inflater->ended && !inflate_reopen(inflater))", "if (FALSE)", DEFLATE + " " + CORPUS),
    (DEFLATE_C, "return length == 0 || inflateSetDictionary(", "return TRUE || inflateSetDictionary(",
     DEFLATE),
    (DEFLATE_C, "(inflater->stream.data_type & 128) == 0", "FALSE", DEFLATE),
    (DEFLATE_C, "if (result == WS_INFLATED && agreed->resets) {", "if (FALSE) {", CORPUS),
    (DEFLATE_C, "agreed->resets ? Z_FULL_FLUSH : Z_SYNC_FLUSH", "Z_SYNC_FLUSH", DEFLATE),
    # the offer, and what a server may agree to
    (EXTENSION_C, "gboolean is_right = !*flag && !has_value;", "gboolean is_right = !has_value;", EXTENSION),
    (EXTENSION_C, "(offer->server_resets && !answer.server_resets) ||", "", EXTENSION),
    (EXTENSION_C, "answer.client_window_bits > offer->client_window_bits ||", "", EXTENSION),
    # the handshake
    (HANDSHAKE_C, "find_field(head, \"upgrade\", &value) == 1 &&",
     "find_field(head, \"upgrade\", &value) >= 1 &&", HANDSHAKE),
    (HANDSHAKE_C, "find_field(head, \"sec-websocket-key\", &key) != 1 ||",
     "find_field(head, \"sec-websocket-key\", &key) < 1 ||", HANDSHAKE),
    (HANDSHAKE_C, "return (last - base64) % 16 == 0;", "return TRUE;", HANDSHAKE),
    (HANDSHAKE_C, "find_field(head, \"sec-websocket-accept\", &value) != 1 ||",
     "find_field(head, \"sec-websocket-accept\", &value) < 1 ||", HANDSHAKE),
    (HANDSHAKE_C, "find_field(head, \"transfer-encoding\", NULL) > 0 ||", "", HANDSHAKE),
    # what is held, and what leaves
    (CLIENT, "frame->opcode != WS_CONTINUATION && frame->fin &&", "frame->opcode != WS_CONTINUATION &&",
     SESSION + " " + CORPUS),
    (CLIENT, "if (reader->is_closed && session->stage == WS_READING)", "if (FALSE)", SESSION),
    (CLIENT, "if (session->plugin->limits.binary == WS_BINARY_REFUSED)", "if (FALSE)", JUDGE),
    (SESSION_C, "(gsize)session->client.text->len + session->client.held->len",
     "(gsize)session->client.text->len", SESSION),
    (SESSION_C, "MIN(client->progressed + limits->idle, client->began + limits->total)",
     "client->progressed + limits->idle", SESSION),
    (SESSION_C, "MIN(client->progressed + limits->idle, client->began + limits->total)",
     "client->began + limits->total", SESSION),
    # the answer
    (JUDGE_C, "if (client->compressed && !session->readers[OSH_CLIENT_TO_SERVER].agreed.resets)",
     "if (FALSE)", JUDGE),
    (JUDGE_C, "if (client->compressed && session->diverged) {", "if (FALSE) {", JUDGE),
    (JUDGE_C, "if (session->client.opcode == WS_BINARY || session->answer.inspected)",
     "if (session->answer.inspected)", JUDGE),
    (SERVER, "    if (server->is_allowed)\n        return begin_frame(session);\n",
     "        return begin_frame(session);\n", JUDGE),
    ("host/policy/decide/judge-rest.c",
     "osh_policy_span_equal_fold(method, \"WEBSOCKET_SERVER_TEXT\") ||", "", "policy-judge"),
    ("plugins/network/l7/ask.c", "if (!message->is_recorded && message->direction != OSH_SERVER_TO_CLIENT) {",
     "if (!message->is_recorded) {", "network-driver"),
    ("plugins/network/l7/message.c", "    osh_fact_copy_set(&message->facts, &none);\n", "",
     "network-driver"),
    # the end
    (ENDING_C, "!is_inside && !session->readers[OSH_CLIENT_TO_SERVER].is_closed;",
     "!session->readers[OSH_CLIENT_TO_SERVER].is_closed;", ENDING),
    (ENDING_C, "            (i == OSH_SERVER_TO_CLIENT && ending->rest > 0))", "            FALSE)", ENDING),
    (ENDING_C, "ending->is_answered = ending->is_answering;", "ending->is_answered = FALSE;", ENDING),
    (ENDING_C, "    for (n = size; n > 0 && ((guint8)text[n] & 0xc0) == 0x80;)\n        n--;\n",
     "    n = size;\n", ENDING),
]
