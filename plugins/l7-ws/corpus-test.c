/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/corpora/websocket through sessions: every stream of frames leads to the events that its row
 * states, and to one of its close codes, however it is split; every handshake is judged as stated.
 *
 * What was released is read back by a reader of the test's own, which shares no code with the
 * plugin but zlib.
 */
#include "ws-fixture.h"

#include "osh-http1-head.h"

#include <jansson.h>
#include <string.h>

#define N_FRAMES     517
#define N_HANDSHAKES 73
/* Beyond it, the bytes are fed whole alone: the harness moves its windows byte by byte. */
#define SPLIT_MAX 20000

/* --- Rows --------------------------------------------------------------------------------------
 */

static guint
each_row(const char *name, void (*run)(WsFixture *fixture, json_t *row), WsFixture *fixture)
{
    g_autofree char *path = g_build_filename(g_getenv("OSH_TEST_CORPORA"), "websocket", name, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint n = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        json_t *row = (*line)[0] != '\0' ? json_loads(*line, 0, NULL) : NULL;

        if (row == NULL)
            continue;
        run(fixture, row);
        json_decref(row);
        n++;
    }
    return n;
}

static const char *
string_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static guint64
integer_of(json_t *object, const char *key)
{
    return (guint64)json_integer_value(json_object_get(object, key));
}

static void
append_hex(GString *to, const char *hex)
{
    for (; hex[0] != '\0'; hex += 2)
        g_string_append_c(to,
                          (char)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1])));
}

/* Hex, or {fill, times}. */
static GString *
payload_of(json_t *value)
{
    GString *payload = g_string_new(NULL);

    if (json_is_string(value))
        append_hex(payload, json_string_value(value));
    for (guint64 i = 0; json_is_object(value) && i < integer_of(value, "times"); i++)
        append_hex(payload, string_of(value, "fill"));
    return payload;
}

static void
append_frame(GString *to, json_t *frame)
{
    g_autoptr(GString) payload = payload_of(json_object_get(frame, "payload"));
    const char *mask = string_of(frame, "mask");
    guint64 form = integer_of(frame, "len");
    guint64 fits = payload->len <= 125 ? 7 : payload->len <= 0xffff ? 16 : 64;

    if (string_of(frame, "raw") != NULL) {
        append_hex(to, string_of(frame, "raw"));
        return;
    }
    form = form != 0 ? form : fits;
    g_string_append_c(to, (char)(integer_of(frame, "fin") << 7 | integer_of(frame, "rsv") << 4 |
                                 integer_of(frame, "op")));
    g_string_append_c(to, (char)((mask != NULL ? 0x80 : 0) | (form == 7    ? payload->len
                                                              : form == 16 ? 126
                                                                           : 127)));
    for (guint64 i = form == 7 ? 0 : form / 8; i > 0; i--)
        g_string_append_c(to, (char)(payload->len >> 8 * (i - 1)));
    if (mask != NULL) {
        g_autoptr(GString) key = g_string_new(NULL);

        append_hex(key, mask);
        g_string_append_len(to, key->str, 4);
        for (gsize i = 0; i < payload->len; i++)
            payload->str[i] = (char)(payload->str[i] ^ key->str[i % 4]);
    }
    g_string_append_len(to, payload->str, (gssize)payload->len);
}

static GString *
stream_of(json_t *row)
{
    GString *stream = g_string_new(NULL);
    json_t *frame;
    size_t i;
    g_autofree char *digest = NULL;

    json_array_foreach(json_object_get(row, "frames"), i, frame) append_frame(stream, frame);
    digest =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)stream->str, stream->len);
    g_assert_cmpstr(digest, ==, string_of(row, "sha256"));
    return stream;
}

/* --- Events ------------------------------------------------------------------------------------
 */

typedef struct {
    z_stream inflater;
    gboolean resets;
    GString *message;
    guint8 opcode;
    gboolean compressed;
    GString *events;
} Reader;

static void
append_event(GString *events, const char *type, const char *code, const char *bytes, gsize length)
{
    g_autofree char *digest =
        length > 64 ? g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, length)
                    : NULL;

    g_string_append_printf(events, "%s %s %zu ", type, code, length);
    for (gsize i = 0; digest == NULL && i < length; i++)
        g_string_append_printf(events, "%02x", (guint8)bytes[i]);
    g_string_append_printf(events, "%s\n", digest != NULL ? digest : "");
}

static GString *
inflated(Reader *reader, const GString *message)
{
    GString *text = g_string_new(NULL);
    guint8 out[4096];
    g_autoptr(GString) whole = g_string_new_len(message->str, (gssize)message->len);

    g_string_append_len(whole, "\0\0\xff\xff", 4);
    reader->inflater.next_in = (const guint8 *)whole->str;
    reader->inflater.avail_in = (uInt)whole->len;
    do {
        gint status;

        reader->inflater.next_out = out;
        reader->inflater.avail_out = sizeof out;
        status = inflate(&reader->inflater, Z_SYNC_FLUSH);
        g_string_append_len(text, (const char *)out,
                            (gssize)(sizeof out - reader->inflater.avail_out));
        if (status == Z_STREAM_END) {
            guint8 window[32768];
            uInt length = 0;

            g_assert_cmpint(inflateGetDictionary(&reader->inflater, window, &length), ==, Z_OK);
            g_assert_cmpint(inflateReset(&reader->inflater), ==, Z_OK);
            if (length > 0)
                g_assert_cmpint(inflateSetDictionary(&reader->inflater, window, length), ==, Z_OK);
        } else if (status != Z_OK) {
            break;
        }
    } while (reader->inflater.avail_in > 0 || reader->inflater.avail_out == 0);
    if (reader->resets)
        inflateReset(&reader->inflater);
    return text;
}

static void
read_data(Reader *reader, guint8 first, const char *payload, gsize length)
{
    if ((first & 0x0f) != 0) {
        reader->opcode = first & 0x0f;
        reader->compressed = (first & 0x40) != 0;
        g_string_truncate(reader->message, 0);
    }
    g_string_append_len(reader->message, payload, (gssize)length);
    if ((first & 0x80) != 0) {
        g_autoptr(GString) text =
            reader->compressed
                ? inflated(reader, reader->message)
                : g_string_new_len(reader->message->str, (gssize)reader->message->len);

        append_event(reader->events, reader->opcode == 1 ? "text" : "binary", "-", text->str,
                     text->len);
        reader->opcode = 0;
    }
}

static void
read_control(Reader *reader, guint8 first, const char *payload, gsize length)
{
    g_autofree char *code = NULL;

    if ((first & 0x0f) != 8) {
        append_event(reader->events, (first & 0x0f) == 9 ? "ping" : "pong", "-", payload, length);
        return;
    }
    code = length >= 2
               ? g_strdup_printf("%u", (guint)((guint8)payload[0] << 8 | (guint8)payload[1]))
               : g_strdup("null");
    append_event(reader->events, "close", code, length >= 2 ? payload + 2 : "",
                 length >= 2 ? length - 2 : 0);
}

/* Returns: (transfer full): a line for each event of @bytes. */
static GString *
events_of(const GString *bytes, gboolean resets)
{
    Reader reader = {.resets = resets, .message = g_string_new(NULL), .events = g_string_new(NULL)};
    gsize at = 0;

    g_assert_cmpint(inflateInit2(&reader.inflater, -15), ==, Z_OK);
    while (at + 2 <= bytes->len) {
        const char *b = bytes->str + at;
        gboolean masked = (b[1] & 0x80) != 0;
        guint64 length = b[1] & 0x7f;
        gsize header = 2;
        g_autofree char *payload = NULL;

        if (length >= 126) {
            guint n = length == 126 ? 2 : 8;

            for (length = 0; header < 2 + n; header++)
                length = length << 8 | (guint8)b[header];
        }
        header += masked ? 4 : 0;
        if (bytes->len - at < header + length)
            break;
        payload = g_memdup2(b + header, length + 1);
        for (gsize i = 0; masked && i < length; i++)
            payload[i] = (char)(payload[i] ^ b[header - 4 + i % 4]);
        if ((b[0] & 8) != 0)
            read_control(&reader, (guint8)b[0], payload, length);
        else
            read_data(&reader, (guint8)b[0], payload, length);
        at += header + length;
    }
    inflateEnd(&reader.inflater);
    g_string_free(reader.message, TRUE);
    return reader.events;
}

static GString *
expected_events(json_t *row)
{
    GString *events = g_string_new(NULL);
    json_t *event;
    size_t i;

    json_array_foreach(json_object_get(json_object_get(row, "expect"), "events"), i, event)
    {
        const char *type = json_string_value(json_array_get(event, 0));
        gboolean is_close = g_str_equal(type, "close");
        json_t *code = json_array_get(event, 1);
        g_autoptr(GString) payload = payload_of(json_array_get(event, is_close ? 2 : 1));
        g_autofree char *number = json_is_integer(code)
                                      ? g_strdup_printf("%d", (int)json_integer_value(code))
                                      : g_strdup(is_close ? "null" : "-");

        append_event(events, type, number, payload->str, payload->len);
    }
    return events;
}

/* --- Streams of frames -------------------------------------------------------------------------
 */

static char *
extensions_of(json_t *agreed)
{
    GString *text = g_string_new("permessage-deflate");

    if (json_is_true(json_object_get(agreed, "client_no_context_takeover")))
        g_string_append(text, "; client_no_context_takeover");
    if (json_is_true(json_object_get(agreed, "server_no_context_takeover")))
        g_string_append(text, "; server_no_context_takeover");
    if (json_object_get(agreed, "client_max_window_bits") != NULL)
        g_string_append_printf(text, "; client_max_window_bits=%d",
                               (int)integer_of(agreed, "client_max_window_bits"));
    if (json_object_get(agreed, "server_max_window_bits") != NULL)
        g_string_append_printf(text, "; server_max_window_bits=%d",
                               (int)integer_of(agreed, "server_max_window_bits"));
    return g_string_free(text, FALSE);
}

static void
set_limits(WsFixture *fixture, json_t *limits)
{
    const WsLimits defaults = {
        .client = {.text = 4 << 20, .binary = 16 << 20, .frames = 4096},
        .server = {.text = 100 << 20, .binary = 100 << 20},
        .held = 128 << 20,
        .idle = 30 * G_TIME_SPAN_SECOND,
        .total = 120 * G_TIME_SPAN_SECOND,
    };
    guint64 message = integer_of(limits, "message");

    fixture->plugin->limits = defaults;
    if (message != 0)
        fixture->plugin->limits.client.text = fixture->plugin->limits.client.binary =
            fixture->plugin->limits.server.text = fixture->plugin->limits.server.binary = message;
    if (json_object_get(limits, "fragments") != NULL)
        fixture->plugin->limits.client.frames = (guint)integer_of(limits, "fragments");
}

/* Returns: whether @code is one of those that may end the stream. */
static gboolean
may_fail_by(json_t *row, guint code)
{
    json_t *fail = json_object_get(json_object_get(row, "expect"), "fail");
    json_t *one;
    size_t i;

    json_array_foreach(fail, i, one) if ((guint)json_integer_value(one) == code) return TRUE;
    return FALSE;
}

/* The code of the Close that only the plugin has sent: the last event, towards the other peer. */
static guint
code_of_failure(const OshL7Outcome *outcome, guint direction)
{
    g_autoptr(GString) back = events_of(outcome->released[1 - direction], FALSE);
    const char *close = strstr(back->str, "close ");

    return close != NULL ? (guint)strtoul(close + 6, NULL, 10) : 0;
}

/* What is cut short stays behind. A control frame overtakes what is held of a text, frame by frame.
 */
static gboolean
is_unchanged(const GString *stream, const OshL7Outcome *outcome, guint direction,
             const GString *events)
{
    const GString *released = outcome->released[direction];
    gboolean has_overtaken =
        direction == OSH_CLIENT_TO_SERVER &&
        (strstr(events->str, "ping") != NULL || strstr(events->str, "pong") != NULL ||
         strstr(events->str, "close") != NULL);

    return released->len <= stream->len &&
           (has_overtaken || memcmp(released->str, stream->str, released->len) == 0);
}

static void
check_outcome(json_t *row, const GString *stream, const OshL7Outcome *outcome, guint direction)
{
    const char *id = string_of(row, "id");
    gboolean resets = json_is_true(
        json_object_get(json_object_get(row, "deflate"), direction == OSH_CLIENT_TO_SERVER
                                                             ? "client_no_context_takeover"
                                                             : "server_no_context_takeover"));
    g_autoptr(GString) expected = expected_events(row);
    g_autoptr(GString) events = events_of(outcome->released[direction], resets);
    gboolean must_fail = json_object_get(json_object_get(row, "expect"), "fail") != NULL;
    guint code = code_of_failure(outcome, direction);

    if (!must_fail && code != 0)
        g_error("%s: failed by %u: %s", id, code, outcome->records->str);
    if (!must_fail && !is_unchanged(stream, outcome, direction, events))
        g_error("%s: what was not changed has not left byte for byte", id);
    if (!must_fail && !g_str_equal(events->str, expected->str))
        g_error("%s: expected\n%s\nfound\n%s", id, expected->str, events->str);
    if (must_fail && !may_fail_by(row, code))
        g_error("%s: ended by %u: %s", id, code, outcome->records->str);
    if (!g_str_has_prefix(events->str, expected->str))
        g_error("%s: expected\n%s\nfound\n%s", id, expected->str, events->str);
    /* Behind them stands nothing but our own Close. */
    if (code != 0 && events->len > expected->len &&
        !g_str_has_prefix(events->str + expected->len, "close "))
        g_error("%s: delivered more than\n%s\nnamely\n%s", id, expected->str, events->str);
}

static void
run_frames(WsFixture *fixture, json_t *row)
{
    gboolean is_client = g_str_equal(string_of(row, "from"), "client");
    json_t *agreed = json_object_get(row, "deflate");
    g_autofree char *extensions = agreed != NULL ? extensions_of(agreed) : NULL;
    g_autoptr(GString) stream = stream_of(row);
    g_autoptr(OshL7Outcome) outcome = NULL;

    ws_fixture_again(fixture);
    set_limits(fixture, json_object_get(row, "limits"));
    fixture->extensions = extensions;
    if (is_client)
        osh_l7_harness_client(fixture->harness, stream->str, (gssize)stream->len);
    else
        osh_l7_harness_server(fixture->harness, stream->str, (gssize)stream->len);
    outcome = stream->len <= SPLIT_MAX
                  ? osh_l7_harness_run_all(fixture->harness, stream->len < 1000 ? 10 : 1)
                  : osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    if (outcome->violation != NULL)
        g_error("%s: %s", string_of(row, "id"), outcome->violation);
    check_outcome(row, stream, outcome, is_client ? OSH_CLIENT_TO_SERVER : OSH_SERVER_TO_CLIENT);
    fixture->extensions = NULL;
}

static void
test_frames(WsFixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(each_row("frames.jsonl", run_frames, fixture), ==, N_FRAMES);
}

/* --- Handshakes --------------------------------------------------------------------------------
 */

typedef struct {
    char *text;
    gsize length;
    OshHttp1Head head;
    OshHttp1Field ranges[OSH_HTTP1_DEFAULT_FIELDS];
    OshHttpField fields[OSH_HTTP1_DEFAULT_FIELDS];
    OshHttpHead http;
} Parsed;

/* As the HTTP session reads it. Returns: whether it would come as far as to ask. */
static gboolean
parse(Parsed *parsed, json_t *row, OshHttp1Kind kind)
{
    parsed->text = (char *)g_base64_decode(string_of(row, "head"), &parsed->length);
    osh_http1_head_init(&parsed->head, kind, 16384, parsed->ranges, OSH_HTTP1_DEFAULT_FIELDS);
    if (osh_http1_head_feed(&parsed->head, (const guint8 *)parsed->text, parsed->length) !=
            OSH_HTTP1_COMPLETE ||
        parsed->head.minor_version != 1 || (kind == OSH_HTTP1_REQUEST && parsed->head.n_hosts != 1))
        return FALSE;
    parsed->http = (OshHttpHead){
        .struct_size = sizeof(OshHttpHead),
        .method = {parsed->text + parsed->head.method.offset, parsed->head.method.length},
        .path = OSH_SPAN_LITERAL("/chat"),
        .status = kind == OSH_HTTP1_RESPONSE ? parsed->head.status : 0,
        .fields = parsed->fields,
        .n_fields = parsed->head.n_fields,
    };
    for (guint i = 0; i < parsed->head.n_fields; i++)
        parsed->fields[i] = (OshHttpField){
            {parsed->text + parsed->ranges[i].name.offset, parsed->ranges[i].name.length},
            {parsed->text + parsed->ranges[i].value.offset, parsed->ranges[i].value.length}};
    return TRUE;
}

static void
check_verdict(json_t *row, gboolean accepted, const GError *error)
{
    const char *expected = string_of(row, "expect");

    if (g_str_equal(expected, "either"))
        return;
    if (accepted != g_str_equal(expected, "accept"))
        g_error("%s: %s, expected %s", string_of(row, "id"),
                accepted        ? "accepted"
                : error != NULL ? error->message
                                : "not parsed",
                expected);
}

static void
run_request(json_t *row)
{
    g_autofree Parsed *parsed = g_new0(Parsed, 1);
    g_autoptr(WsHandshake) handshake = NULL;
    g_autoptr(GError) error = NULL;

    if (parse(parsed, row, OSH_HTTP1_REQUEST))
        handshake = ws_handshake_new(&parsed->http, &error);
    check_verdict(row, handshake != NULL, error);
    g_free(parsed->text);
}

/* The request that the response answers. */
static WsHandshake *
request_for(json_t *row)
{
    OshHttpField fields[6] = {
        {osh_span("Upgrade"), osh_span("websocket")},
        {osh_span("Connection"), osh_span("Upgrade")},
        {osh_span("Sec-WebSocket-Version"), osh_span("13")},
        {osh_span("Sec-WebSocket-Key"), osh_span(string_of(row, "key"))},
    };
    OshHttpHead head = {.struct_size = sizeof head,
                        .method = OSH_SPAN_LITERAL("GET"),
                        .path = OSH_SPAN_LITERAL("/chat"),
                        .fields = fields,
                        .n_fields = 4};
    const char *offer = string_of(row, "offer");
    const char *protocols = string_of(row, "protocols");
    g_autoptr(GError) error = NULL;
    WsHandshake *handshake;

    if (offer != NULL && offer[0] != '\0')
        fields[head.n_fields++] =
            (OshHttpField){osh_span("Sec-WebSocket-Extensions"), osh_span(offer)};
    if (protocols != NULL && protocols[0] != '\0')
        fields[head.n_fields++] =
            (OshHttpField){osh_span("Sec-WebSocket-Protocol"), osh_span(protocols)};
    handshake = ws_handshake_new(&head, &error);
    g_assert_no_error(error);
    return handshake;
}

static void
run_response(json_t *row)
{
    g_autofree Parsed *parsed = g_new0(Parsed, 1);
    g_autoptr(WsHandshake) handshake = request_for(row);
    g_autoptr(GError) error = NULL;
    gboolean accepted = FALSE;

    /* The HTTP session relays an answer that is no 101 without a question. */
    if (parse(parsed, row, OSH_HTTP1_RESPONSE))
        accepted = ws_handshake_agree(handshake, &parsed->http, &error);
    if (g_str_equal(string_of(row, "expect"), "ordinary"))
        g_assert_cmpuint(parsed->head.status, !=, 101);
    else
        check_verdict(row, accepted, error);
    g_free(parsed->text);
}

static void
run_handshake(WsFixture *fixture, json_t *row)
{
    (void)fixture;
    if (g_str_equal(string_of(row, "kind"), "response"))
        run_response(row);
    else if (!g_str_equal(string_of(row, "expect"), "not-an-attempt"))
        run_request(row);
}

static void
test_handshakes(WsFixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpuint(each_row("handshake.jsonl", run_handshake, fixture), ==, N_HANDSHAKES);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/l7-ws/every-stream-of-frames-of-the-corpus-leads-to-its-events-and-codes",
               WsFixture, NULL, ws_fixture_set_up, test_frames, ws_fixture_tear_down);
    g_test_add("/l7-ws/every-handshake-of-the-corpus-is-judged-as-stated", WsFixture, NULL,
               ws_fixture_set_up, test_handshakes, ws_fixture_tear_down);
    return g_test_run();
}
