/* SPDX-License-Identifier: Apache-2.0 */
/* What is found in a message: the traps that a request can hold, and what its head decides. */
#include "graphql-fixture.h"

#include <string.h>
#include <zlib.h>

#define JSON "application/json"
#define A64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* @found: all that is found, or how an error begins */
typedef struct {
    const char *sentence;
    const char *method;
    const char *target;
    const char *content_type;
    const char *content_encoding;
    const char *body;
    const char *found;
} Row;

#define POST(words, body, found)                                                                   \
    {                                                                                              \
        words, "POST", NULL, JSON, NULL, body, found                                               \
    }
#define GET(words, query, found)                                                                   \
    {                                                                                              \
        words, "GET", "/g?" query, NULL, NULL, "", found                                           \
    }
#define TEXT(words, text, found)                                                                   \
    {                                                                                              \
        words, "WEBSOCKET_TEXT", NULL, JSON, NULL, text, found                                     \
    }

#define CASE       "error: a member differs from one of GraphQL in letter case alone"
#define NOTHING    "error: it has neither a document nor the hash or id of one"
#define NO_STRING  "error: query or operationName is not a string"
#define NO_HASH    "error: extensions.persistedQuery has no sha256Hash"
#define NO_GRAPHQL "error: the document is not GraphQL, byte "
#define IN_URL     "error: the request has a body, and GraphQL in its URL too"
#define TWICE      "error: a parameter of GraphQL stands twice in the URL"
#define A_LITTLE   "error: a parameter of the URL differs only a little from one of GraphQL"
#define SEMICOLON  "error: the URL's query has a semicolon"

static const Row rows[] = {
    /* The document that counts. */
    POST("an-alias-hides-no-field", "{\"query\":\"{ viewer: deleteAll }\"}", "query {deleteAll}"),
    POST("a-fragment-that-comes-later",
         "{\"query\":\"{ ...F } fragment F on Query { deleteAll }\"}", "query {deleteAll}"),
    POST("a-mutation-behind-a-comment",
         "{\"query\":\"query A { a } # \\r mutation B { b }\","
         "\"operationName\":\"B\"}",
         "mutation B {b}"),
    POST("a-mutation-in-a-comment",
         "{\"query\":\"query A { a } # mutation B { b }\",\"operationName\":\"B\"}",
         "error: the document has no operation of the name in operationName"),
    POST("a-mutation-in-a-block-string",
         "{\"query\":\"{ a(x: \\\"\\\"\\\" } mutation B { b } \\\"\\\"\\\") }\"}", "query {a}"),
    POST("a-directive-hides-no-field", "{\"query\":\"{ a @skip(if: true) b @include(if: $x) }\"}",
         "query {a b}"),
    POST("introspection-is-a-field", "{\"query\":\"{ __typename x: __schema { a } }\"}",
         "query {__schema __typename}"),
    POST("a-name-of-another-alphabet", "{\"query\":\"{ \\u0430dmin }\"}", NO_GRAPHQL "3"),
    POST("fragments-in-a-circle",
         "{\"query\":\"{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }\"}",
         "error: the fragments of the document include each other and no field"),
    POST("an-escape-of-json-is-undone-before", "{\"query\":\"{ a \\u0062 }\"}", "query {a b}"),
    POST("a-type-definition", "{\"query\":\"extend type Q { a: A } { a }\"}",
         "error: the document defines types, which no request does"),

    /* The operation that counts. */
    POST("the-name-null", "{\"query\":\"query A { a }\",\"operationName\":null}", "query A {a}"),
    POST("the-name-empty", "{\"query\":\"query A { a }\",\"operationName\":\"\"}", "query A {a}"),
    POST("the-name-null-and-two-operations",
         "{\"query\":\"query A { a } mutation B { b }\",\"operationName\":null}",
         "error: the document has several operations: name one in operationName"),
    POST("the-name-empty-and-two-operations",
         "{\"query\":\"query A { a } mutation B { b }\",\"operationName\":\"\"}",
         "error: the document has several operations: name one in operationName"),
    POST("the-name-a-number", "{\"query\":\"query A { a }\",\"operationName\":1}", NO_STRING),
    POST("the-second-of-two",
         "{\"query\":\"query A { a } mutation B { b }\","
         "\"operationName\":\"B\",\"variables\":{\"query\":\"{ x }\"}}",
         "mutation B {b}"),

    /* Members. */
    POST("a-member-twice", "{\"query\":\"{ a }\",\"query\":\"mutation { b }\"}",
         "error: the body cannot be read as JSON: "),
    POST("a-member-twice-by-an-escape", "{\"query\":\"{ a }\",\"\\u0071uery\":\"mutation { b }\"}",
         "error: the body cannot be read as JSON: "),
    POST("a-member-twice-in-the-variables", "{\"query\":\"{ a }\",\"variables\":{\"a\":1,\"a\":2}}",
         "error: the body cannot be read as JSON: "),
    POST("a-member-in-another-case", "{\"query\":\"{ a }\",\"Query\":\"mutation { b }\"}", CASE),
    POST("a-member-in-another-case-alone", "{\"Query\":\"{ a }\"}", CASE),
    POST("a-name-in-another-case", "{\"query\":\"query A { a }\",\"operationname\":\"B\"}", CASE),
    POST("an-id-in-another-case", "{\"query\":\"{ a }\",\"documentID\":\"x\"}", CASE),
    POST("a-member-with-a-long-s",
         "{\"query\":\"{ a }\",\"exten\\u017fions\":{\"persistedQuery\":{\"sha256Hash\":\"x\"}}}",
         CASE),
    POST("members-of-no-concern",
         "{\"query\":\"{ a }\",\"queries\":1,\"foo\":{\"Query\":\"mutation { b }\"}}", "query {a}"),
    POST("a-number-beyond-64-bits",
         "{\"query\":\"{ a }\",\"variables\":{\"n\":123456789012345678901234567890}}", "query {a}"),
    POST("a-document-that-is-a-list", "{\"query\":[\"{ a }\"]}", NO_STRING),
    POST("a-document-that-is-null", "{\"query\":null}", NOTHING),
    POST("a-document-that-is-empty", "{\"query\":\"\"}", NOTHING),
    POST("a-document-of-blanks", "{\"query\":\" \\n\"}", "error: the document has no operation"),
    POST("a-document-with-a-nul", "{\"query\":\"{ a }\\u0000mutation { b }\"}",
         "error: the body cannot be read as JSON: "),
    POST("a-body-that-is-a-string", "\"{ a }\"", "error: a request is not a JSON object"),
    POST("a-body-with-something-behind", "{\"query\":\"{ a }\"}{\"query\":\"mutation { b }\"}",
         "error: the body cannot be read as JSON: "),
    POST("no-body", "", "error: the request has no body"),

    /* Batches. */
    POST("a-batch", "[{\"query\":\"{ a }\"},{\"query\":\"mutation B { b }\"}]",
         "query {a}; mutation B {b}"),
    POST("a-batch-of-one", "[{\"query\":\"{ a }\"}]", "query {a}"),
    POST("an-empty-batch", "[]", "error: the batch is empty"),
    POST("a-batch-in-a-batch", "[[{\"query\":\"{ a }\"}]]",
         "error: a request is not a JSON object (request 1 of 1)"),
    POST("a-batch-with-a-wrong-request", "[{\"query\":\"{ a }\"},{\"query\":\"{ a\"}]",
         NO_GRAPHQL "4 (request 2 of 2)"),
    POST("a-batch-with-an-empty-request", "[{\"query\":\"{ a }\"},{}]",
         NOTHING " (request 2 of 2)"),
    POST("a-batch-with-null", "[null]", "error: a request is not a JSON object (request 1 of 1)"),

    /* Queries that the server keeps. */
    POST("a-hash-alone",
         "{\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"" A64 "\"}}}",
         "{} persisted hash=" A64),
    POST("a-hash-and-a-name",
         "{\"operationName\":\"A\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"x\"}}}",
         "A {} persisted hash=x"),
    POST("a-hash-of-another-document-decides-nothing",
         "{\"query\":\"mutation { b }\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"" A64
         "\"}}}",
         "mutation {b} persisted hash=" A64),
    POST("a-hash-and-an-empty-document",
         "{\"query\":\"\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"x\"}}}",
         "{} persisted hash=x"),
    POST("an-empty-hash", "{\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"\"}}}", NO_HASH),
    POST("a-hash-that-is-a-number", "{\"extensions\":{\"persistedQuery\":{\"sha256Hash\":1}}}",
         NO_HASH),
    POST("no-hash", "{\"query\":\"{ a }\",\"extensions\":{\"persistedQuery\":{}}}", NO_HASH),
    POST("a-persisted-query-that-is-a-list", "{\"extensions\":{\"persistedQuery\":[]}}", NO_HASH),
    POST("a-persisted-query-that-is-null",
         "{\"query\":\"{ a }\",\"extensions\":{\"persistedQuery\":null}}", "query {a}"),
    POST("a-hash-in-another-case",
         "{\"query\":\"{ a }\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"x\","
         "\"SHA256Hash\":\"y\"}}}",
         "error: a member of extensions differs from persistedQuery or sha256Hash in letter case"),
    POST("extensions-that-are-text",
         "{\"query\":\"{ a }\",\"extensions\":\"{\\\"persistedQuery\\\":{}}\"}",
         "error: extensions is not an object"),
    POST("extensions-of-another-kind", "{\"query\":\"{ a }\",\"extensions\":{\"x\":1}}",
         "query {a}"),
    POST("an-id", "{\"id\":\"q1\"}", "{} persisted id=q1"),
    POST("a-document-id-and-a-name", "{\"documentId\":\"q1\",\"operationName\":\"A\"}",
         "A {} persisted id=q1"),
    POST("an-id-and-a-hash",
         "{\"queryId\":\"q1\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"x\"}}}",
         "{} persisted hash=x id=q1"),
    POST("two-ids", "{\"id\":\"q1\",\"documentId\":\"q1\"}",
         "error: it has two ids of a query, under different names"),
    POST("an-id-and-null", "{\"id\":\"q1\",\"documentId\":null}", "{} persisted id=q1"),
    POST("an-id-that-is-a-number", "{\"query\":\"{ a }\",\"id\":1}",
         "error: the id of a query is not a string"),
    POST("an-empty-id", "{\"id\":\"\"}", "error: the id of a query is empty"),

    /* Requests in a URL. */
    GET("a-query", "query=%7B%20a%20%7D", "query {a}"),
    GET("blanks-as-plus-signs", "query=%7B+a+b+%7D", "query {a b}"),
    GET("a-mutation", "query=mutation%7Bb%7D", "mutation {b}"),
    GET("a-name-and-variables",
        "query=query+A%7Ba%7Dmutation+B%7Bb%7D&operationName=B&variables=%7B%7D&x=1",
        "mutation B {b}"),
    GET("an-empty-name", "query=query+A%7Ba%7D&operationName=", "query A {a}"),
    GET("a-hash-in-extensions",
        "extensions=%7B%22persistedQuery%22%3A%7B%22sha256Hash%22%3A%22x%22%7D%7D",
        "{} persisted hash=x"),
    GET("empty-extensions", "query=%7Ba%7D&extensions=", "query {a}"),
    GET("extensions-that-are-no-json", "query=%7Ba%7D&extensions=%7B",
        "error: the parameter extensions cannot be read as JSON: "),
    GET("extensions-that-are-a-list", "query=%7Ba%7D&extensions=%5B%5D",
        "error: extensions is not an object"),
    GET("an-id-in-the-url", "id=q1", "{} persisted id=q1"),
    GET("two-ids-in-the-url", "id=q1&queryId=q1",
        "error: it has two ids of a query, under different names"),
    GET("a-query-twice", "query=%7Ba%7D&query=mutation%7Bb%7D", TWICE),
    GET("the-same-query-twice", "query=%7Ba%7D&query=%7Ba%7D", TWICE),
    GET("a-query-twice-by-an-escape", "query=%7Ba%7D&%71uery=mutation%7Bb%7D", TWICE),
    GET("an-empty-query-beside-one", "query=&query=%7Ba%7D", TWICE),
    GET("variables-twice", "query=%7Ba%7D&variables=%7B%7D&variables=%7B%7D", TWICE),
    GET("a-query-in-another-case", "query=%7Ba%7D&Query=mutation%7Bb%7D", A_LITTLE),
    GET("a-query-with-an-index", "query=%7Ba%7D&query%5B%5D=mutation%7Bb%7D", A_LITTLE),
    GET("a-query-with-an-index-in-another-case", "query=%7Ba%7D&QUERY%5B0%5D=b", A_LITTLE),
    GET("extensions-as-a-table", "query=%7Ba%7D&extensions%5BpersistedQuery%5D=b", A_LITTLE),
    GET("a-blank-before-a-query", "query=%7Ba%7D&+query=mutation%7Bb%7D", A_LITTLE),
    GET("a-blank-behind-a-query", "query=%7Ba%7D&query%09=mutation%7Bb%7D", A_LITTLE),
    GET("a-semicolon-in-a-value", "query=%7Ba%7D%23;query=mutation%7Bb%7D", SEMICOLON),
    GET("a-semicolon-in-another-value", "query=%7Ba%7D&x=1;query=mutation%7Bb%7D", SEMICOLON),
    GET("a-semicolon-in-a-name", "query=%7Ba%7D&x;query=mutation%7Bb%7D", SEMICOLON),
    GET("names-that-only-begin-so", "query=%7Ba%7D&queryx=1&q=2&ids=3", "query {a}"),
    GET("nothing-of-graphql", "x=1", NOTHING),
    {"no-query-at-all", "GET", "/g", NULL, NULL, "", NOTHING},
    {"a-get-with-a-body", "GET", "/g?query=%7Ba%7D", JSON, NULL, "{\"query\":\"mutation { b }\"}",
     "error: the request is a GET with a body"},

    /* A body and a URL. */
    {"a-query-in-the-url-too", "POST", "/g?query=%7Ba%7D", JSON, NULL, "{\"query\":\"{ a }\"}",
     IN_URL},
    {"an-empty-query-in-the-url-too", "POST", "/g?query=", JSON, NULL, "{\"query\":\"{ a }\"}",
     IN_URL},
    {"a-name-in-the-url-too", "POST", "/g?operationName=B", JSON, NULL,
     "{\"query\":\"query A { a } query B { b }\",\"operationName\":\"A\"}", IN_URL},
    {"an-id-in-the-url-too", "POST", "/g?documentId=b", JSON, NULL, "{\"query\":\"{ a }\"}",
     IN_URL},
    {"a-query-in-another-case-in-the-url", "POST", "/g?QUERY=x", JSON, NULL,
     "{\"query\":\"{ a }\"}", A_LITTLE},
    {"a-semicolon-in-the-url", "POST", "/g?x=1;query=x", JSON, NULL, "{\"query\":\"{ a }\"}",
     SEMICOLON},
    {"something-else-in-the-url", "POST", "/g?trace=1", JSON, NULL, "{\"query\":\"{ a }\"}",
     "query {a}"},

    /* Heads. */
    {"utf-8-by-name", "POST", NULL, JSON "; charset=UTF-8", NULL, "{\"query\":\"{ a }\"}",
     "query {a}"},
    {"utf-7", "POST", NULL, JSON "; charset=utf-7", NULL, "{\"query\":\"{ a }\"}",
     "error: the charset of the body is not utf-8"},
    {"a-content-type-that-cannot-be-read", "POST", NULL, JSON "; charset", NULL,
     "{\"query\":\"{ a }\"}", "error: the Content-Type of the body is malformed"},
    {"a-form-that-is-json-too", "POST", NULL, "application/x-www-form-urlencoded", NULL,
     "{\"query\":\"{ a }\",\"x\":\"&query=mutation%7Bb%7D&\"}",
     "error: the Content-Type of the body is not application/json"},
    {"a-document-as-the-body", "POST", NULL, "application/graphql", NULL, "{ a }",
     "error: the Content-Type of the body is not application/json"},
    {"no-content-type", "POST", NULL, NULL, NULL, "{\"query\":\"{ a }\"}",
     "error: the Content-Type of the body is not application/json"},
    {"several-parts", "POST", NULL, "multipart/form-data; boundary=b", NULL, "--b--",
     "error: the body has several parts: multipart=read reads them"},
    {"a-compressed-body", "POST", NULL, JSON, "gzip", "\x1f\x8b",
     "error: the body has a Content-Encoding that decode_content of the endpoint does not name"},
    {"a-body-that-is-called-compressed", "POST", NULL, JSON, "br", "{\"query\":\"{ a }\"}",
     "error: the body has a Content-Encoding that decode_content of the endpoint does not name"},
    {"an-encoding-that-is-none", "POST", NULL, JSON, "Identity", "{\"query\":\"{ a }\"}",
     "query {a}"},
    {"another-method", "PUT", NULL, JSON, NULL, "{\"query\":\"{ a }\"}",
     "error: the method is neither GET nor POST"},
    {"head", "HEAD", "/g?query=%7Ba%7D", NULL, NULL, "",
     "error: the method is neither GET nor POST"},
    {"a-method-in-another-case", "post", NULL, JSON, NULL, "{\"query\":\"{ a }\"}",
     "error: the method is neither GET nor POST"},
    {"no-method", NULL, NULL, JSON, NULL, "{\"query\":\"{ a }\"}",
     "error: the method is neither GET nor POST"},

    /* WebSocket. */
    TEXT("subscribe", "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{ a }\"}}",
         "query {a}"),
    TEXT("start",
         "{\"id\":\"1\",\"type\":\"start\",\"payload\":{\"query\":\"subscription S { a }\"}}",
         "subscription S {a}"),
    TEXT("a-hash-in-a-payload",
         "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"extensions\":{\"persistedQuery\":"
         "{\"sha256Hash\":\"x\"}}}}",
         "{} persisted hash=x"),
    TEXT("connection-init", "{\"type\":\"connection_init\",\"payload\":{\"token\":\"x\"}}",
         "control: connection_init"),
    TEXT("connection-terminate", "{\"type\":\"connection_terminate\"}",
         "control: connection_terminate"),
    TEXT("ping", "{\"type\":\"ping\",\"payload\":{\"query\":\"mutation { b }\"}}", "control: ping"),
    TEXT("pong", "{\"type\":\"pong\"}", "control: pong"),
    TEXT("complete", "{\"type\":\"complete\",\"id\":\"1\"}", "control: complete"),
    TEXT("stop", "{\"type\":\"stop\",\"id\":\"1\"}", "control: stop"),
    TEXT("a-type-that-servers-send", "{\"type\":\"next\",\"id\":\"1\",\"payload\":{}}",
         "error: the message is of a type that no client sends"),
    TEXT("a-type-in-another-case", "{\"type\":\"Ping\"}",
         "error: the message is of a type that no client sends"),
    TEXT("two-types", "{\"type\":\"ping\",\"type\":\"start\"}",
         "error: the message cannot be read as JSON: "),
    TEXT("two-types-in-two-cases",
         "{\"type\":\"ping\",\"Type\":\"start\",\"id\":\"1\",\"payload\":{\"query\":\"{ a }\"}}",
         "error: the message is not an object with a type"),
    TEXT("no-type", "{\"id\":\"1\",\"payload\":{\"query\":\"{ a }\"}}",
         "error: the message is not an object with a type"),
    TEXT("a-list-of-messages", "[{\"type\":\"ping\"}]",
         "error: the message is not an object with a type"),
    TEXT("an-empty-message", "", "error: the message cannot be read as JSON: "),
    TEXT("no-id", "{\"type\":\"start\",\"payload\":{\"query\":\"{ a }\"}}",
         "error: the message begins an operation without an id"),
    TEXT("an-id-of-a-message-that-is-a-number",
         "{\"id\":1,\"type\":\"start\",\"payload\":{\"query\":\"{ a }\"}}",
         "error: the message begins an operation without an id"),
    TEXT("an-id-of-a-message-that-is-empty",
         "{\"id\":\"\",\"type\":\"start\",\"payload\":{\"query\":\"{ a }\"}}",
         "error: the message begins an operation without an id"),
    TEXT("no-payload", "{\"id\":\"1\",\"type\":\"start\"}",
         "error: a request is not a JSON object"),
    TEXT("a-payload-that-is-a-batch",
         "{\"id\":\"1\",\"type\":\"start\",\"payload\":[{\"query\":\"{ a }\"}]}",
         "error: a request is not a JSON object"),
    TEXT("a-request-without-an-envelope", "{\"query\":\"{ a }\"}",
         "error: the message is not an object with a type"),
};

static void
assert_found(const char *found, const char *expected)
{
    if (g_str_has_prefix(expected, "error: ") && g_str_has_prefix(found, expected))
        return;
    g_assert_cmpstr(found, ==, expected);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    const GraphqlMessage message = {.method = row->method,
                                    .target = row->target,
                                    .content_type = row->content_type,
                                    .content_encoding = row->content_encoding,
                                    .content = osh_span(row->body)};
    GraphqlFixture fixture;
    g_autofree char *found = NULL;

    graphql_fixture_init(&fixture, NULL, NULL);
    found = graphql_fixture_inspect(&fixture, &message);
    graphql_fixture_clear(&fixture);
    assert_found(found, row->found);
}

/* Inspects with a configuration. */
static void
check(const char *key, GVariant *value, const GraphqlMessage *message, const char *expected)
{
    GraphqlFixture fixture;
    g_autofree char *found = NULL;

    graphql_fixture_init(&fixture, key, value);
    found = graphql_fixture_inspect(&fixture, message);
    graphql_fixture_clear(&fixture);
    assert_found(found, expected);
}

static void
test_limits_come_from_the_configuration(void)
{
    const GraphqlMessage deep = {.method = "POST",
                                 .content_type = JSON,
                                 .content =
                                     osh_span("{\"query\":\"{a{a{a{a{a{a{a{a{a}}}}}}}}}\"}")};
    const GraphqlMessage batch = {.method = "POST",
                                  .content_type = JSON,
                                  .content = osh_span("[{\"query\":\"{a}\"},{\"query\":\"{b}\"}]")};

    check("max_tokens", g_variant_new_int64(26), &deep,
          "error: the document has too many tokens: max_tokens is 26");
    check("max_tokens", g_variant_new_int64(27), &deep, "query {a}");
    check("max_depth", g_variant_new_int64(8), &deep,
          "error: the document is nested too deep: max_depth is 8");
    check("max_depth", g_variant_new_int64(9), &deep, "query {a}");
    check("max_batch", g_variant_new_int64(1), &batch,
          "error: the batch has too many requests: max_batch is 1");
    check("max_batch", g_variant_new_int64(2), &batch, "query {a}; query {b}");
}

static void
test_json_is_bounded_as_well(void)
{
    g_autofree char *open = g_strnfill(200, '[');
    g_autofree char *close = g_strnfill(200, ']');
    g_autofree char *text =
        g_strdup_printf("{\"query\":\"{ a }\",\"variables\":{\"a\":%s%s}}", open, close);
    const GraphqlMessage message = {
        .method = "POST", .content_type = JSON, .content = osh_span(text)};

    check(NULL, NULL, &message, "error: the body cannot be read as JSON: ");
}

/* The driver refuses it as well; an inspection does not rely on that. */
static void
test_a_body_is_no_larger_than_the_limit(void)
{
    GraphqlMessage message = {
        .method = "POST", .content_type = JSON, .content = osh_span("{\"query\":\"{ a }\"}")};

    message.limit = message.content.length;
    check(NULL, NULL, &message, "query {a}");
    message.limit--;
    check(NULL, NULL, &message, "error: the body is larger than graphql_max_body_bytes");
}

static void
test_a_compressed_body_is_decoded_where_the_endpoint_asks(void)
{
    static const char text[] = "{\"query\":\"mutation { b                                      "
                               "                                                          }\"}";
    static const char brotli[] = "\x90\x01\x10{\"query\":\"mutation { b }\"}\x03";
    guint8 bytes[200];
    uLongf length = sizeof bytes;
    GraphqlMessage message = {.method = "POST",
                              .content_type = JSON,
                              .content_encoding = "deflate",
                              .decode_content = "gzip,deflate"};

    g_assert_cmpint(compress(bytes, &length, (const Bytef *)text, sizeof text - 1), ==, Z_OK);
    message.content = (OshSpan){(const char *)bytes, length};
    check(NULL, NULL, &message, "mutation {b}");
    message.limit = sizeof text - 2;
    check(NULL, NULL, &message, "error: the decoded body is larger than graphql_max_body_bytes");
    message.limit = 0;
    message.decode_content = "gzip,br";
    check(NULL, NULL, &message,
          "error: the body has a Content-Encoding that decode_content of the endpoint does not "
          "name");
    message.content_encoding = "br";
    check(NULL, NULL, &message, "error: the ");
    message.content = (OshSpan){brotli, sizeof brotli - 1};
    check(NULL, NULL, &message, "mutation {b}");
    message.content_encoding = "gzip";
    check(NULL, NULL, &message, "error: the body is not encoded as Content-Encoding says");
    message.content_encoding = "identity";
    check(NULL, NULL, &message, "error: the body cannot be read as JSON: ");
    message.content_encoding = "br, gzip";
    check(NULL, NULL, &message, "error: the body has more than one Content-Encoding");
    message.content_encoding = "zstd";
    check(NULL, NULL, &message,
          "error: the Content-Encoding of the body is none that can be decoded: gzip, deflate and "
          "br are");
}

static void
test_several_parts_may_be_read(void)
{
    const GraphqlMessage message = {
        .method = "POST",
        .content_type = "multipart/form-data; boundary=b",
        .content = osh_span("--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n"
                            "[{\"query\":\"mutation { upload }\"}]\r\n--b\r\n"
                            "Content-Disposition: form-data; name=\"map\"\r\n\r\n"
                            "{\"0\":[\"0.variables.file\"]}\r\n--b\r\n"
                            "Content-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\n"
                            "x\r\n--b--\r\n")};
    const GraphqlMessage broken = {.method = "POST",
                                   .content_type = "multipart/form-data; boundary=b",
                                   .content = osh_span("--b--\r\n")};
    const GraphqlMessage mixed = {.method = "POST",
                                  .content_type = "multipart/mixed; boundary=b",
                                  .content = message.content};
    const GraphqlMessage json = {
        .method = "POST", .content_type = JSON, .content = osh_span("{\"query\":\"{ a }\"}")};

    check("multipart", g_variant_new_string("read"), &message, "mutation {upload}");
    check("multipart", g_variant_new_string("read"), &json, "query {a}");
    check("multipart", g_variant_new_string("read"), &broken,
          "error: the body is not operations, ");
    check("multipart", g_variant_new_string("read"), &mixed, "error: the body has several parts: ");
}

/* A reason is shown to people and to the program that asked: it repeats nothing of the request. */
static void
test_no_reason_repeats_the_request(void)
{
    static const char *const bodies[] = {"{\"query\":\"{ hunter2( }\"}",
                                         "{\"query\":\"{ ...hunter2 }\"}",
                                         "{\"hunter2\":1}",
                                         "{\"query\":\"query hunter2 { a } query hunter2 { b }\"}",
                                         "{\"query\":\"{ a }\",\"operationName\":\"hunter2\"}",
                                         "{\"hunter2\":1,\"hunter2\":2}",
                                         "hunter2"};
    GraphqlFixture fixture;

    graphql_fixture_init(&fixture, NULL, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const GraphqlMessage message = {
            .method = "POST", .content_type = JSON, .content = osh_span(bodies[i])};
        g_autofree char *found = graphql_fixture_inspect(&fixture, &message);

        g_assert_true(g_str_has_prefix(found, "error: "));
        g_assert_null(strstr(found, "hunter2"));
    }
    graphql_fixture_clear(&fixture);
}

/* One that is closed before its end frees everything; the sanitizer looks. */
static void
test_an_inspection_may_end_early(void)
{
    const OshInspectionRequest request = {
        .struct_size = sizeof request, .inspector = "graphql", .media_type = JSON, .limit = 100};
    GraphqlFixture fixture;
    gpointer inspection;

    graphql_fixture_init(&fixture, NULL, NULL);
    g_assert_cmpstr(osh_inspector_inspectors(&fixture.inspector)[0], ==, "graphql");
    g_assert_null(osh_inspector_inspectors(&fixture.inspector)[1]);
    inspection = osh_inspector_open(&fixture.inspector, &request, NULL);
    (void)osh_inspector_feed(&fixture.inspector, inspection, osh_span("{\"que"), FALSE);
    osh_inspector_close(&fixture.inspector, inspection);
    graphql_fixture_clear(&fixture);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *sentence;
        GTestFunc test;
    } tests[] = {
        {"limits-come-from-the-configuration", test_limits_come_from_the_configuration},
        {"json-is-bounded-as-well", test_json_is_bounded_as_well},
        {"a-body-is-no-larger-than-the-limit", test_a_body_is_no_larger_than_the_limit},
        {"a-compressed-body-is-decoded-where-the-endpoint-asks",
         test_a_compressed_body_is_decoded_where_the_endpoint_asks},
        {"several-parts-may-be-read", test_several_parts_may_be_read},
        {"no-reason-repeats-the-request", test_no_reason_repeats_the_request},
        {"an-inspection-may-end-early", test_an_inspection_may_end_early},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/inspection/", rows[i].sentence, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/l7-graphql/inspection/", tests[i].sentence, NULL);

        g_test_add_func(path, tests[i].test);
    }
    return g_test_run();
}
