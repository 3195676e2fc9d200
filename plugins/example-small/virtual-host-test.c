/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual host, asked as the driver asks it.
 */
#include "virtual-host.c"

struct _OshVirtualExchange {
    guint32 status;
    GString *body;
    gboolean last;
};

static gboolean
keep_head(OshVirtualExchange *exchange, guint32 status, const OshHttpField *fields, gsize n_fields)
{
    g_assert_cmpuint(n_fields, ==, 1);
    g_assert_cmpint(strncmp(fields[0].value.data, "text/plain", fields[0].value.length), ==, 0);
    exchange->status = status;
    return TRUE;
}

static gboolean
keep_body(OshVirtualExchange *exchange, OshSpan bytes, gboolean last)
{
    g_string_append_len(exchange->body, bytes.data, (gssize)bytes.length);
    exchange->last = last;
    return TRUE;
}

static void
test_get_is_answered_and_nothing_else_is(void)
{
    g_autoptr(GString) body = g_string_new(NULL);
    OshVirtualExchange exchange = {.body = body};
    OshVirtualReply reply = {.struct_size = sizeof(OshVirtualReply),
                             .exchange = &exchange,
                             .respond_head = keep_head,
                             .respond_body = keep_body};
    OshHttpHead head = {.struct_size = sizeof(OshHttpHead), .method = {"GET", 3}};
    OshFacts facts = {NULL, 0};
    OshInterface host = {0};
    gpointer request;

    g_assert_true(openshell_plugin_v1.get_interface(NULL, OSH_INTERFACE_VIRTUAL_HOST, &host));
    g_assert_cmpstr(osh_virtual_host_names(&host)[0], ==, "time.internal");
    request = osh_virtual_host_request(&host, "time.internal", &head, &facts, &reply, NULL);
    g_assert_nonnull(request);
    osh_virtual_host_body(&host, request, osh_span(NULL), TRUE);
    g_assert_cmpuint(exchange.status, ==, 200);
    g_assert_true(exchange.last);
    g_assert_true(
        g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n$", body->str, 0, 0));
    osh_virtual_host_close(&host, request);
    head.method = osh_span("POST");
    g_assert_nonnull(osh_virtual_host_request(&host, "time.internal", &head, &facts, &reply, NULL));
    g_assert_cmpuint(exchange.status, ==, 405);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtual-host/get-is-answered-and-nothing-else-is",
                    test_get_is_answered_and_nothing_else_is);
    return g_test_run();
}
