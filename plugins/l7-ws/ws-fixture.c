/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin in its unit tests, on the thread of the test. Never part of the plugin. */
#include "ws-fixture.h"

#include <string.h>

#define MANIFEST                                                                                   \
    "[plugin]\nid=l7-ws\n[protocol websocket]\naction=request.method\ntarget=request.path\n"       \
    "[fact " WS_FACT_OPCODE "]\nprotocol=websocket\ntype=string\nvalues=text;binary\n"             \
    "[fact " WS_FACT_SUBPROTOCOL "]\nprotocol=websocket\ntype=string\n"

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static void
fill_mask(guint8 mask[4])
{
    memcpy(mask, WS_FIXTURE_OWN_KEY, 4);
}

/* --- As the driver opens it --------------------------------------------------------------------
 */

static void
take_state(gpointer state, const OshL7Edit *edits, gsize n_edits, const GError *error,
           gpointer data)
{
    gpointer *ret_state = data;

    (void)edits;
    (void)n_edits;
    g_assert_no_error(error);
    *ret_state = state;
}

static void
take_agreement(const GError *error, gpointer data)
{
    (void)data;
    g_assert_no_error(error);
}

static gpointer
ask_to_upgrade(WsFixture *fixture)
{
    static const OshHttpField fields[] = {
        FIELD("Host", "ws.example"),
        FIELD("Upgrade", "websocket"),
        FIELD("Connection", "Upgrade"),
        FIELD("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        FIELD("Sec-WebSocket-Version", "13"),
        FIELD("Sec-WebSocket-Protocol", "chat, graphql-transport-ws, graphql-ws"),
        FIELD("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
    };
    const OshSpan room = OSH_SPAN_LITERAL("1");
    const OshFact query[] = {
        OSH_FACT_STRING_INIT("key", OSH_SPAN_LITERAL("room")),
        OSH_FACT_STRINGS_INIT("values", &room, 1),
    };
    const OshFactRecord record = {query, G_N_ELEMENTS(query)};
    const OshFact facts[] = {
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_METHOD, OSH_SPAN_LITERAL("GET")),
        OSH_FACT_STRING_INIT(OSH_FACT_REQUEST_PATH, OSH_SPAN_LITERAL("/chat")),
        OSH_FACT_RECORDS_INIT(OSH_FACT_REQUEST_QUERY, &record, 1),
    };
    const OshFacts set = {facts, G_N_ELEMENTS(facts)};
    const OshHttpHead head = {
        .struct_size = sizeof head,
        .method = OSH_SPAN_LITERAL("GET"),
        .path = OSH_SPAN_LITERAL("/chat"),
        .fields = fields,
        .n_fields = G_N_ELEMENTS(fields),
        .facts = &set,
    };
    gpointer state = NULL;

    osh_http_upgrade_request(&fixture->upgrade, &head, NULL, take_state, &state);
    g_assert_nonnull(state);
    return state;
}

static gpointer
open_upgraded(gpointer instance, const OshL7Connection *connection, GError **error)
{
    WsFixture *fixture = instance;
    OshHttpField fields[5] = {
        FIELD("Upgrade", "websocket"),
        FIELD("Connection", "Upgrade"),
        FIELD("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    };
    OshHttpHead head = {.struct_size = sizeof head, .status = 101, .fields = fields, .n_fields = 3};
    gpointer state = ask_to_upgrade(fixture);

    if (fixture->extensions != NULL)
        fields[head.n_fields++] =
            (OshHttpField){osh_span("Sec-WebSocket-Extensions"), osh_span(fixture->extensions)};
    if (fixture->subprotocol != NULL)
        fields[head.n_fields++] =
            (OshHttpField){osh_span("Sec-WebSocket-Protocol"), osh_span(fixture->subprotocol)};
    osh_http_upgrade_response(&fixture->upgrade, state, &head, take_agreement, NULL);
    return osh_http_upgrade_open(&fixture->upgrade, state, connection, error);
}

/* --- Life --------------------------------------------------------------------------------------
 */

static void
make_harness(WsFixture *fixture)
{
    fixture->harness = osh_l7_harness_new(&fixture->opened, MANIFEST);
    osh_l7_harness_connection(fixture->harness)->host = "ws.example";
    osh_l7_harness_connection(fixture->harness)->port = 80;
    osh_l7_harness_connection(fixture->harness)->protocol = "websocket";
}

void
ws_fixture_set_up(WsFixture *fixture, gconstpointer data)
{
    gpointer plugin = NULL;

    (void)data;
    fixture->host = osh_fake_host_new(MANIFEST);
    g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(fixture->host), &plugin, NULL));
    fixture->plugin = plugin;
    fixture->plugin->fill_mask = fill_mask;
    g_assert_true(
        openshell_plugin_v1.get_interface(plugin, OSH_INTERFACE_L7_PROTOCOL, &fixture->protocol));
    g_assert_true(
        openshell_plugin_v1.get_interface(plugin, OSH_INTERFACE_HTTP_UPGRADE, &fixture->upgrade));
    fixture->edge = *(const OshL7ProtocolInterface *)fixture->protocol.vtable;
    fixture->edge.open = open_upgraded;
    fixture->opened = (OshInterface){"l7-ws", &fixture->edge, fixture};
    make_harness(fixture);
}

void
ws_fixture_again(WsFixture *fixture)
{
    osh_l7_harness_free(fixture->harness);
    make_harness(fixture);
}

void
ws_fixture_tear_down(WsFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_free(fixture->harness);
    g_assert_cmpuint(fixture->plugin->held, ==, 0);
    openshell_plugin_v1.destroy(fixture->plugin);
    osh_fake_host_free(fixture->host);
}

OshL7Outcome *
ws_fixture_run(WsFixture *fixture)
{
    OshL7Outcome *outcome = osh_l7_harness_run_all(fixture->harness, WS_RANDOM_RUNS);

    if (outcome->violation != NULL)
        g_error("%s", outcome->violation);
    return outcome;
}

/* --- Frames ------------------------------------------------------------------------------------
 */

void
ws_fixture_frame(GString *to, guint first_byte, gboolean masked, const char *payload, gsize length)
{
    guint8 mask_bit = masked ? 0x80 : 0;

    g_string_append_c(to, (char)first_byte);
    if (length <= 125) {
        g_string_append_c(to, (char)(mask_bit | length));
    } else {
        guint n = length <= 0xffff ? 2 : 8;

        g_string_append_c(to, (char)(mask_bit | (n == 2 ? 126 : 127)));
        for (guint i = n; i > 0; i--)
            g_string_append_c(to, (char)(length >> 8 * (i - 1)));
    }
    if (masked)
        g_string_append_len(to, WS_FIXTURE_KEY, 4);
    for (gsize i = 0; i < length; i++)
        g_string_append_c(to, (char)(masked ? payload[i] ^ WS_FIXTURE_KEY[i % 4] : payload[i]));
}

static void
send_frame(WsFixture *fixture, gboolean is_client, guint first_byte, const char *payload,
           gssize length)
{
    g_autoptr(GString) bytes = g_string_new(NULL);

    ws_fixture_frame(bytes, first_byte, is_client, payload,
                     length < 0 ? strlen(payload) : (gsize)length);
    if (is_client)
        osh_l7_harness_client(fixture->harness, bytes->str, (gssize)bytes->len);
    else
        osh_l7_harness_server(fixture->harness, bytes->str, (gssize)bytes->len);
}

void
ws_fixture_client(WsFixture *fixture, guint first_byte, const char *payload, gssize length)
{
    send_frame(fixture, TRUE, first_byte, payload, length);
}

void
ws_fixture_server(WsFixture *fixture, guint first_byte, const char *payload, gssize length)
{
    send_frame(fixture, FALSE, first_byte, payload, length);
}

static const char *
type_of(guint8 opcode)
{
    static const char *const types[] = {"continued", "text", "binary", "3",    "4",   "5",
                                        "6",         "7",    "close",  "ping", "pong"};

    g_assert_cmpuint(opcode, <, G_N_ELEMENTS(types));
    return types[opcode];
}

static void
write_payload(GString *lines, const guint8 *bytes, gsize length)
{
    g_string_append(lines, " \"");
    for (gsize i = 0; i < length; i++)
        if (g_ascii_isprint(bytes[i]))
            g_string_append_c(lines, (char)bytes[i]);
        else
            g_string_append_printf(lines, "\\x%02x", bytes[i]);
    g_string_append_c(lines, '"');
}

char *
ws_fixture_read(const GString *bytes)
{
    GString *lines = g_string_new(NULL);
    gsize at = 0;

    while (at < bytes->len) {
        const guint8 *b = (const guint8 *)bytes->str + at;
        gsize left = bytes->len - at;
        gsize header = 2;
        guint64 length = left > 1 ? b[1] & 0x7f : 0;
        g_autofree guint8 *payload = NULL;
        gsize skip = 0;

        if (length >= 126) {
            guint n = length == 126 ? 2 : 8;

            for (length = 0; header < 2 + n && header < left; header++)
                length = length << 8 | b[header];
        }
        if (left > 1 && (b[1] & 0x80) != 0)
            header += 4;
        if (left < header + length) {
            g_string_append(lines, "cut\n");
            break;
        }
        payload = g_malloc(MAX(length, 1));
        for (gsize i = 0; i < length; i++)
            payload[i] = (b[1] & 0x80) != 0 ? b[header + i] ^ b[header - 4 + i % 4] : b[header + i];
        g_string_append_printf(lines, "%s%s%s", type_of(b[0] & 0x0f), (b[0] & FIN) != 0 ? "" : "*",
                               (b[0] & RSV1) != 0 ? "!" : "");
        if ((b[0] & 0x0f) == WS_CLOSE && length >= 2) {
            g_string_append_printf(lines, " %u", (guint)payload[0] << 8 | payload[1]);
            skip = 2;
        }
        write_payload(lines, payload + skip, length - skip);
        g_string_append_c(lines, '\n');
        at += header + length;
    }
    return g_string_free(lines, FALSE);
}

/* --- Deflate -----------------------------------------------------------------------------------
 */

void
ws_fixture_deflater(z_stream *stream)
{
    *stream = (z_stream){0};
    g_assert_cmpint(deflateInit2(stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
}

GByteArray *
ws_fixture_deflate(z_stream *stream, const char *text, gsize length)
{
    GByteArray *out = g_byte_array_new();

    if (length == 0)
        return g_byte_array_append(out, (const guint8 *)"", 1);
    g_byte_array_set_size(out, (guint)length + 1024);
    stream->next_in = (const guint8 *)text;
    stream->avail_in = (uInt)length;
    stream->next_out = out->data;
    stream->avail_out = out->len;
    g_assert_cmpint(deflate(stream, Z_SYNC_FLUSH), ==, Z_OK);
    g_byte_array_set_size(out, out->len - stream->avail_out - 4);
    return out;
}
