/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual-host contract, lived through: a name that forwards to the second of two destinations
 * and passes the answer on, and a driver that plays client and upstream.
 */
#include "openshell/ext/draft/virtual-host.h"

struct _OshVirtualExchange {
    GString *to_client;
    guint32 status;
    gboolean complete;
    char *forwarded_to;
    gsize n_destinations;
};

typedef struct {
    const OshVirtualReply *reply;
} Request;

static const char *const names[] = {"echo.internal", NULL};

static const char *const *
echo_names(gpointer instance)
{
    (void)instance;
    return names;
}

static guint64
echo_body_limit(gpointer instance, const char *name)
{
    (void)instance;
    g_assert_cmpstr(name, ==, names[0]);
    return 1024;
}

static gpointer
echo_request(gpointer instance, const char *name, const OshHttpHead *head, const OshFacts *facts,
             const OshVirtualReply *reply, GError **error)
{
    Request *request;

    (void)instance;
    (void)name;
    (void)facts;
    if (head->method.length != 4) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "only POST");
        return NULL;
    }
    g_assert_cmpuint(head->query.length, ==, strlen("last=5"));
    request = g_new0(Request, 1);
    request->reply = reply;
    return request;
}

static void
echo_body(gpointer data, OshSpan bytes, gboolean last)
{
    static const OshVirtualDestination destinations[] = {
        {"one.example", 443, TRUE, NULL},
        {"two.example", 443, TRUE, "/v1/other"},
    };
    Request *request = data;
    OshVirtualForward forward = {.struct_size = sizeof(OshVirtualForward),
                                 .destinations = destinations,
                                 .n_destinations = 2,
                                 .method = "POST"};
    g_autoptr(GBytes) body = g_bytes_new(bytes.data, bytes.length);

    if (!last)
        return;
    forward.body = body;
    g_assert_true(osh_virtual_reply_forward(request->reply, &forward));
}

static gboolean
echo_failed(gpointer data, gsize tried, const GError *error)
{
    (void)data;
    g_assert_nonnull(error);
    return tried == 0;
}

static void
echo_response_head(gpointer data, const OshHttpHead *head)
{
    Request *request = data;

    osh_virtual_reply_respond_head(request->reply, head->status, NULL, 0);
}

static void
echo_response_chunk(gpointer data, OshSpan bytes, gboolean last)
{
    Request *request = data;

    osh_virtual_reply_respond_body(request->reply, bytes, last);
}

static void
echo_aborted(gpointer data, const GError *error)
{
    Request *request = data;

    (void)error;
    osh_virtual_reply_respond_body(request->reply, OSH_SPAN_LITERAL("[cut]"), TRUE);
}

static const OshVirtualHostInterface echo_vtable = {
    .struct_size = sizeof(OshVirtualHostInterface),
    .names = echo_names,
    .body_limit = echo_body_limit,
    .request = echo_request,
    .body = echo_body,
    .response_head = echo_response_head,
    .response_chunk = echo_response_chunk,
    .failed = echo_failed,
    .aborted = echo_aborted,
    .close = g_free,
};

static gboolean
exchange_respond_head(OshVirtualExchange *exchange, guint32 status, const OshHttpField *fields,
                      gsize n_fields)
{
    (void)fields;
    (void)n_fields;
    exchange->status = status;
    return TRUE;
}

static gboolean
exchange_respond_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last)
{
    g_string_append_len(exchange->to_client, bytes.data, (gssize)bytes.length);
    exchange->complete = last;
    return TRUE;
}

static gboolean
exchange_forward(OshVirtualExchange *exchange, const OshVirtualForward *forward)
{
    exchange->n_destinations = forward->n_destinations;
    exchange->forwarded_to = g_strdup(forward->destinations[1].path);
    return TRUE;
}

static void
test_request_fails_over_and_streams_back(gconstpointer cut)
{
    OshInterface host = {"test", &echo_vtable, NULL};
    OshVirtualExchange exchange = {.to_client = g_string_new(NULL)};
    OshVirtualReply reply = {.struct_size = sizeof(OshVirtualReply),
                             .exchange = &exchange,
                             .respond_head = exchange_respond_head,
                             .respond_body = exchange_respond_body,
                             .forward = exchange_forward};
    OshHttpHead head = {.struct_size = sizeof(OshHttpHead),
                        .method = OSH_SPAN_LITERAL("POST"),
                        .query = OSH_SPAN_LITERAL("last=5")};
    OshHttpHead answer = {.struct_size = sizeof(OshHttpHead), .status = 200};
    OshFacts facts = {NULL, 0};
    g_autoptr(GError) refused = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "connection refused");
    gpointer request = osh_virtual_host_request(&host, names[0], &head, &facts, &reply, NULL);

    g_assert_cmpuint(osh_virtual_host_body_limit(&host, names[0]), ==, 1024);
    osh_virtual_host_body(&host, request, OSH_SPAN_LITERAL("{}"), TRUE);
    g_assert_cmpuint(exchange.n_destinations, ==, 2);
    g_assert_true(osh_virtual_host_failed(&host, request, 0, refused));
    osh_virtual_host_response_head(&host, request, &answer);
    osh_virtual_host_response_chunk(&host, request, OSH_SPAN_LITERAL("half "), FALSE);
    if (cut != NULL)
        g_assert_true(osh_virtual_host_aborted(&host, request, refused));
    else
        osh_virtual_host_response_chunk(&host, request, OSH_SPAN_LITERAL("whole"), TRUE);
    g_assert_cmpstr(exchange.to_client->str, ==, cut != NULL ? "half [cut]" : "half whole");
    g_assert_true(exchange.complete);
    g_assert_cmpuint(exchange.status, ==, 200);
    g_assert_cmpstr(exchange.forwarded_to, ==, "/v1/other");
    g_assert_false(osh_virtual_host_failed(&host, request, 1, refused));
    osh_virtual_host_close(&host, request);
    g_free(exchange.forwarded_to);
    g_string_free(exchange.to_client, TRUE);
}

static void
test_missing_functions_give_up(void)
{
    static const OshVirtualHostInterface small = {.struct_size = sizeof(guint32)};
    OshInterface host = {"old", &small, NULL};
    OshHttpHead head = {.struct_size = sizeof(OshHttpHead)};
    OshFacts facts = {NULL, 0};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_virtual_host_names(&host));
    g_assert_cmpuint(osh_virtual_host_body_limit(&host, "x.local"), ==, 0);
    g_assert_false(osh_virtual_host_reads_allowed_without_policy(&host, "x.local"));
    g_assert_null(osh_virtual_host_request(&host, "x.local", &head, &facts, NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    g_assert_false(osh_virtual_host_failed(&host, NULL, 0, error));
    g_assert_false(osh_virtual_host_aborted(&host, NULL, error));
}

static void
test_whole_answer_is_one_call_and_an_old_driver_refuses(void)
{
    static const OshVirtualReply small = {.struct_size = sizeof(guint32)};
    OshVirtualExchange exchange = {.to_client = g_string_new(NULL)};
    OshVirtualReply reply = {.struct_size = sizeof(OshVirtualReply),
                             .exchange = &exchange,
                             .respond_head = exchange_respond_head,
                             .respond_body = exchange_respond_body};
    OshVirtualForward forward = {.struct_size = sizeof(OshVirtualForward)};

    g_assert_true(osh_virtual_reply_respond(&reply, 404, "text/plain", OSH_SPAN_LITERAL("none")));
    g_assert_cmpuint(exchange.status, ==, 404);
    g_assert_cmpstr(exchange.to_client->str, ==, "none");
    g_assert_true(exchange.complete);
    g_assert_cmpuint(osh_virtual_reply_capacity(&reply), ==, G_MAXSIZE);
    g_assert_false(osh_virtual_reply_forward(&reply, &forward));
    g_assert_false(osh_virtual_reply_respond(&small, 200, "text/plain", OSH_SPAN_LITERAL("")));
    g_string_free(exchange.to_client, TRUE);
}

static void
test_missing_functions_of_a_reply_refuse(void)
{
    OshVirtualExchange exchange = {0};
    OshVirtualReply small = {.struct_size = G_STRUCT_OFFSET(OshVirtualReply, respond_head),
                             .exchange = &exchange,
                             .respond_head = exchange_respond_head};
    OshVirtualReply bare = {.struct_size = sizeof(OshVirtualReply), .exchange = &exchange};
    OshVirtualForward forward = {.struct_size = sizeof(OshVirtualForward)};

    /* What lies beyond struct_size is not called, and what is NULL is not. */
    g_assert_false(osh_virtual_reply_respond_head(&small, 200, NULL, 0));
    g_assert_cmpuint(exchange.status, ==, 0);
    g_assert_false(osh_virtual_reply_respond_head(&bare, 200, NULL, 0));
    g_assert_false(osh_virtual_reply_respond_body(&bare, OSH_SPAN_LITERAL("x"), TRUE));
    g_assert_false(osh_virtual_reply_forward(&bare, &forward));
    g_assert_false(osh_virtual_reply_forward(NULL, &forward));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/sdk/virtual-host/request-fails-over-and-streams-back", NULL,
                         test_request_fails_over_and_streams_back);
    g_test_add_data_func("/sdk/virtual-host/answer-that-breaks-off-is-ended-by-the-plugin", "cut",
                         test_request_fails_over_and_streams_back);
    g_test_add_func("/sdk/virtual-host/whole-answer-is-one-call-and-an-old-driver-refuses",
                    test_whole_answer_is_one_call_and_an_old_driver_refuses);
    g_test_add_func("/sdk/virtual-host/missing-functions-give-up", test_missing_functions_give_up);
    g_test_add_func("/sdk/virtual-host/missing-functions-of-a-reply-refuse",
                    test_missing_functions_of_a_reply_refuse);
    return g_test_run();
}
