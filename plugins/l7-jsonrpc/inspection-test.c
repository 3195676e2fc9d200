/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a request, beyond the corpus: heads, revisions, limits, what others may misread.
 */
#include "jsonrpc-fixture.h"

#include <string.h>

#define CALL(params)                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":" params "}"
#define V2025 "2025-03-26,2025-06-18,2025-11-25"
#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define ASSERT_HAS(text, part) g_assert_nonnull(strstr((text), (part)))

static void
test_bodies_are_read_as_they_are(void)
{
    static const struct {
        const char *body;
        const char *facts;
    } rows[] = {
        {CALL("{\"name\":\"read\",\"arguments\":{\"path\":\"/a\"}}"),
         "tools/call(name=read arguments.path=/a) version=2025-11-25"},
        /* A name that is empty makes no name of the outermost object. */
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x/y\",\"params\":{\"\":{\"name\":\"a\"},"
         "\"name\":\"b\"}}",
         "x/y(.name=a name=b) version=2025-11-25"},
        {CALL("{\"\":{\"name\":\"read\"},\"name\":\"rm\"}"),
         "tools/call(.name=read name=rm) version=2025-11-25"},
        {CALL("{\"name\":\"read\",\"Name\":\"rm\"}"),
         "error=invalid-message: a member of params differs from one of MCP in letter case alone "
         "version=2025-11-25"},
        {CALL("{\"name\":\"read\",\"arguments\":{\"path\":\"/a\",\"Path\":\"/b\"}}"),
         "error=invalid-message: two names in params differ in letter case alone "
         "version=2025-11-25"},
        {CALL("{\"name\":\"read\",\"arguments\":{\"l\":[{\"path\":\"/a\",\"PATH\":\"/b\"}]}}"),
         "error=invalid-message: two names in params differ in letter case alone "
         "version=2025-11-25"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"notifications/initialized\"}",
         "error=invalid-message: a notification with an id version=2025-11-25"},
        {"{\"jsonrpc\":\"2.0\",\"id\":18446744073709551616,\"method\":\"ping\"}",
         "ping() version=2025-11-25"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{\"uri\":\"a\","
         "\"_meta\":5}}",
         "error=invalid-message: the _meta of params is no object version=2025-11-25"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}",
         "error=invalid-message: the params are not what the method needs"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *facts = jsonrpc_fixture_ask(rows[i].body);

        g_assert_cmpstr(facts, ==, rows[i].facts);
    }
}

static char *
ask_with(const char *const *fields, const char *method, const char *body, const char *versions)
{
    g_autoptr(JsonrpcInspection) inspection = jsonrpc_fixture_inspect(&(JsonrpcAsked){
        .fields = fields, .method = method, .versions = versions, .body = osh_span(body)});

    return jsonrpc_fixture_facts(inspection);
}

static void
test_a_receive_stream_is_asked_for_by_its_media_type(void)
{
    static const struct {
        const char *accept;
        gboolean is_stream;
    } rows[] = {
        {"text/event-stream", TRUE},
        {"application/json, TEXT/Event-Stream;q=0.5", TRUE},
        {"text/event-stream ; q=1", TRUE},
        {"text/event-stream;q=0", FALSE},
        {"text/event-stream;q=0.000", FALSE},
        {"text/event-stream;q=0.001", TRUE},
        {"application/json;x=\", text/event-stream\"", FALSE},
        {"*/*", FALSE},
        {"text/*", FALSE},
        {"text/event-streams", FALSE},
        {"", FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *fields[] = {"mcp-protocol-version", "2025-11-25", "accept", rows[i].accept,
                                NULL};
        g_autofree char *facts = ask_with(fields, "GET", "", V2025);

        g_assert_cmpstr(facts, ==,
                        rows[i].is_stream ? "stream version=2025-11-25" : "version=2025-11-25");
    }
}

static void
test_a_field_of_mcp_says_what_the_body_says(void)
{
    static const char list[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\","
                               "\"params\":{" META "}}";
    static const char call[] = CALL("{\"name\":\"read\"," META "}");
    static const struct {
        const char *fields[9];
        const char *body;
        const char *problem; /* NULL: none */
    } rows[] = {
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/list"}, list, NULL},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/list", "mcp-name", "read"},
         list,
         "Mcp-Name stands beside a method without a name"},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call", "mcp-name", "read"},
         call,
         NULL},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call", "mcp-name",
          "=?base64?cmVhZA==?="},
         call,
         NULL},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call", "mcp-name",
          "=?base64?cmVhZB==?="},
         call,
         "Mcp-Name is not the name in the body"},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call", "mcp-name",
          "=?base64?cmVhZA?="},
         call,
         "Mcp-Name is not the name in the body"},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call", "mcp-name", "read",
          "connection", "close, Mcp-Name"},
         call,
         "Mcp-Name stands more than once, or Connection names it"},
        {{"mcp-protocol-version", "2026-07-28", "mcp-method", "tools/call"}, call, "no Mcp-Name"},
        /* Also where a revision does not require the field: a server may route by it. */
        {{"mcp-protocol-version", "2025-11-25", "mcp-method", "tools/list"},
         CALL("{\"name\":\"read\"}"),
         "Mcp-Method is not the method of the body"},
        {{"mcp-protocol-version", "2025-11-25", "mcp-name", "list"},
         CALL("{\"name\":\"read\"}"),
         "Mcp-Name is not the name in the body"},
        {{"mcp-protocol-version", "2025-11-25", "mcp-name", "read"},
         CALL("{\"name\":\"read\"}"),
         NULL},
        {{"mcp-protocol-version", "2025-03-26", "mcp-method", "tools/call"},
         "[" CALL("{\"name\":\"read\"}") "]",
         "Mcp-Method or Mcp-Name beside a body without one method"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *facts =
            ask_with(rows[i].fields, "POST", rows[i].body, V2025 ",2026-07-28");
        g_autofree char *error =
            g_strdup_printf("error=invalid_mcp_request_metadata: %s version=", rows[i].problem);

        g_assert_cmpint(g_str_has_prefix(facts, error), ==, rows[i].problem != NULL);
        g_assert_cmpint(g_str_has_prefix(facts, "error="), ==, rows[i].problem != NULL);
    }
}

static void
test_an_initialize_request_negotiates_its_revision(void)
{
    static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
                               "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                               "\"clientInfo\":{}}}";
    static const char *const none[] = {NULL};
    static const char *const listed[] = {"mcp-protocol-version", "2025-11-25", NULL};
    static const char *const other[] = {"mcp-protocol-version", "2025-06-18", NULL};
    static const char *const newest[] = {"mcp-protocol-version", "2026-07-28", NULL};
    const char *const *const fine[] = {none, listed, other};

    for (gsize i = 0; i < G_N_ELEMENTS(fine); i++) {
        g_autofree char *facts = ask_with(fine[i], "POST", body, NULL);

        ASSERT_HAS(facts, "initialize(protocolVersion=2025-11-25");
        g_assert_null(strstr(facts, "version="));
    }
    {
        g_autofree char *facts = ask_with(newest, "POST", body, NULL);

        ASSERT_HAS(facts, "error=mcp_protocol_version_not_allowed");
    }
    {
        g_autofree char *facts = ask_with(none, "POST", body, "2026-07-28");

        ASSERT_HAS(facts, "error=mcp_protocol_version_not_allowed");
    }
}

static void
test_json_rpc_has_methods_and_no_params(void)
{
    static const struct {
        const char *body;
        const char *facts;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\",\"params\":[1,{\"x\":2}]}", "a"},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"id\":1,"
         "\"result\":1}]",
         "a response"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"METHOD\":\"b\"}",
         "error=invalid-message: a member differs from one of JSON-RPC in letter case alone"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\"}",
         "sampling/createMessage"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(JsonrpcInspection) inspection = jsonrpc_fixture_inspect(
            &(JsonrpcAsked){.protocol = "json-rpc", .body = osh_span(rows[i].body)});
        g_autofree char *facts = jsonrpc_fixture_facts(inspection);

        g_assert_cmpstr(facts, ==, rows[i].facts);
    }
}

/* @n calls of JSON-RPC in one array. */
static char *
batch(guint n)
{
    g_autoptr(GString) text = g_string_new("[");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"a\"}",
                               i > 0 ? "," : "", i);
    return g_strdup_printf("%s]", text->str);
}

static char *
ask_rpc(const char *body, guint64 limit)
{
    g_autoptr(JsonrpcInspection) inspection = jsonrpc_fixture_inspect(
        &(JsonrpcAsked){.protocol = "json-rpc", .body = osh_span(body), .limit = limit});

    return jsonrpc_fixture_facts(inspection);
}

static void
test_sizes_are_bounded(void)
{
    g_autofree char *largest = batch(JSONRPC_MAX_BATCH);
    g_autofree char *larger = batch(JSONRPC_MAX_BATCH + 1);
    g_autofree char *fits = ask_rpc(largest, 0);
    g_autofree char *too_many = ask_rpc(larger, 0);
    g_autofree char *cut = ask_rpc("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}   ", 38);
    g_autofree char *whole = ask_rpc("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", 38);
    g_autofree char *ones = g_strnfill(2 * JSONRPC_MAX_PARAMS, '1');
    g_autoptr(GString) params = NULL;
    g_autofree char *facts = NULL;

    g_assert_true(g_str_has_prefix(fits, "a a a"));
    g_assert_cmpstr(too_many, ==, "error=invalid-message: a batch of more than 256 messages");
    g_assert_cmpstr(cut, ==, "error=invalid-json: JSON of too many bytes");
    g_assert_cmpstr(whole, ==, "a");
    for (gsize i = 1; i < 2 * JSONRPC_MAX_PARAMS; i += 2)
        ones[i] = ',';
    params = g_string_new(NULL);
    g_string_printf(params, CALL("{\"name\":\"x\",\"arguments\":{\"l\":[%s1]}}"), ones);
    facts = jsonrpc_fixture_ask(params->str);
    g_assert_cmpstr(facts, ==,
                    "error=invalid-message: params of too many values version=2025-11-25");
}

static void
test_names_of_values_are_bounded_together(void)
{
    g_autofree char *name = g_strnfill(8000, 'n');
    g_autoptr(GString) body = g_string_new(NULL);
    g_autofree char *facts = NULL;

    g_string_printf(body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x/y\",\"params\":{\"%s\":[",
                    name);
    for (guint i = 0; i < 100; i++)
        g_string_append(body, "{\"a\":1,\"b\":2},");
    g_string_append(body, "1]}}");
    facts = jsonrpc_fixture_ask(body->str);
    g_assert_cmpstr(facts, ==,
                    "error=invalid-message: params of too many values version=2025-11-25");
}

static void
test_a_body_that_is_encoded_is_not_read(void)
{
    static const char *const gzip[] = {"content-encoding", "gzip", NULL};
    static const char *const twice[] = {"content-encoding", "identity", "content-encoding", "br",
                                        NULL};
    static const char *const identity[] = {"content-encoding", "Identity", "mcp-protocol-version",
                                           "2025-11-25", NULL};
    const char *body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    g_autofree char *first = ask_with(gzip, "POST", body, V2025);
    g_autofree char *second = ask_with(twice, "POST", body, V2025);
    g_autofree char *third = ask_with(identity, "POST", body, V2025);

    ASSERT_HAS(first, "error=transport: the body has a Content-Encoding that decode_content of the "
                      "endpoint does not name");
    ASSERT_HAS(second, "error=transport: the body has more than one Content-Encoding");
    g_assert_cmpstr(third, ==, "ping() version=2025-11-25");
}

#define DECODED "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}"

/* Whole and byte by byte, which must agree. */
static void
assert_decoded(const char *coding, OshSpan body, guint64 limit, const char *expected)
{
    const char *const fields[] = {"Content-Encoding", coding, NULL};
    const gsize pieces[] = {0, 1, 3};

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(JsonrpcInspection) inspection =
            jsonrpc_fixture_inspect(&(JsonrpcAsked){.protocol = "json-rpc",
                                                    .fields = fields,
                                                    .decode_content = "deflate,br",
                                                    .limit = limit,
                                                    .body = body,
                                                    .piece = pieces[i]});
        g_autofree char *facts = jsonrpc_fixture_facts(inspection);

        g_assert_cmpstr(facts, ==, expected);
    }
}

static void
test_a_body_is_decoded_where_the_endpoint_asks(void)
{
    /* Stored, without a header, and of brotli. */
    static const char raw[] = "\x01\x25\x00\xda\xff" DECODED;
    static const char brotli[] = "\x40\x02\x10" DECODED "\x03";
    const OshSpan stored = {raw, sizeof raw - 1};

    g_assert_cmpuint(sizeof DECODED - 1, ==, 37);
    assert_decoded("deflate", stored, 0, "a");
    assert_decoded("br", (OshSpan){brotli, sizeof brotli - 1}, 0, "a");
    assert_decoded("deflate", stored, 42, "a");
    assert_decoded(
        "deflate", stored, 41,
        "error=transport: the body or what it decodes to is larger than json_rpc.max_body_bytes");
    assert_decoded(
        "deflate", stored, 36,
        "error=transport: the body or what it decodes to is larger than json_rpc.max_body_bytes");
    assert_decoded("deflate", (OshSpan){raw, sizeof raw}, 0,
                   "error=transport: something follows the encoded body");
    assert_decoded("deflate", (OshSpan){raw, sizeof raw - 2}, 0,
                   "error=transport: the end of the encoded body is missing");
    assert_decoded("gzip", stored, 0,
                   "error=transport: the body has a Content-Encoding that decode_content of the "
                   "endpoint does not name");
}

static void
test_a_charset_other_than_utf_8_is_refused(void)
{
    static const char *const utf8[] = {"content-type", "application/json; charset=\"UTF-8\"",
                                       "mcp-protocol-version", "2025-11-25", NULL};
    static const char *const utf16[] = {"content-type", "application/json; charset=utf-16", NULL};
    static const char *const twice[] = {"content-type", "application/json", "content-type",
                                        "application/json; charset=utf-7", NULL};
    const char *body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    g_autofree char *first = ask_with(utf8, "POST", body, V2025);
    g_autofree char *second = ask_with(utf16, "POST", body, V2025);
    g_autofree char *third = ask_with(twice, "POST", body, V2025);

    g_assert_cmpstr(first, ==, "ping() version=2025-11-25");
    ASSERT_HAS(second, "error=transport: the charset of the body is not utf-8");
    ASSERT_HAS(third, "error=transport: the Content-Type of the body is malformed");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-jsonrpc/inspection/bodies-are-read-as-they-are",
                    test_bodies_are_read_as_they_are);
    g_test_add_func("/l7-jsonrpc/inspection/a-receive-stream-is-asked-for-by-its-media-type",
                    test_a_receive_stream_is_asked_for_by_its_media_type);
    g_test_add_func("/l7-jsonrpc/inspection/a-field-of-mcp-says-what-the-body-says",
                    test_a_field_of_mcp_says_what_the_body_says);
    g_test_add_func("/l7-jsonrpc/inspection/an-initialize-request-negotiates-its-revision",
                    test_an_initialize_request_negotiates_its_revision);
    g_test_add_func("/l7-jsonrpc/inspection/json-rpc-has-methods-and-no-params",
                    test_json_rpc_has_methods_and_no_params);
    g_test_add_func("/l7-jsonrpc/inspection/sizes-are-bounded", test_sizes_are_bounded);
    g_test_add_func("/l7-jsonrpc/inspection/names-of-values-are-bounded-together",
                    test_names_of_values_are_bounded_together);
    g_test_add_func("/l7-jsonrpc/inspection/a-body-that-is-encoded-is-not-read",
                    test_a_body_that_is_encoded_is_not_read);
    g_test_add_func("/l7-jsonrpc/inspection/a-body-is-decoded-where-the-endpoint-asks",
                    test_a_body_is_decoded_where_the_endpoint_asks);
    g_test_add_func("/l7-jsonrpc/inspection/a-charset-other-than-utf-8-is-refused",
                    test_a_charset_other_than_utf_8_is_refused);
    return g_test_run();
}
