/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http-upgrade contract, lived through: an upgrade to "chat", which wants a key in the request
 * and its reverse in the 101.
 */
#include "openshell/ext/draft/http-upgrade.h"

typedef struct {
    char *key;
    OshL7Edit edits[1];
} Upgrade;

static OshSpan
field(const OshHttpHead *head, const char *name)
{
    for (gsize i = 0; i < head->n_fields; i++)
        if (head->fields[i].name.length == strlen(name) &&
            g_ascii_strncasecmp(head->fields[i].name.data, name, strlen(name)) == 0)
            return head->fields[i].value;
    return (OshSpan){NULL, 0};
}

static const char *
chat_token(gpointer instance)
{
    (void)instance;
    return "chat";
}

static void
chat_request(gpointer instance, const OshHttpHead *head, GVariant *options,
             OshHttpUpgradeRequestFunc done, gpointer data)
{
    OshSpan key = field(head, "chat-key");
    Upgrade *upgrade;

    (void)instance;
    (void)options;
    if (key.length == 0) {
        g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_INVALID, "no chat-key");

        done(NULL, NULL, 0, error, data);
        return;
    }
    upgrade = g_new0(Upgrade, 1);
    upgrade->key = g_strndup(key.data, key.length);
    upgrade->edits[0] = (OshL7Edit){.name = "chat-extensions", .value = NULL};
    done(upgrade, upgrade->edits, 1, NULL, data);
}

static void
chat_response(gpointer instance, gpointer state, const OshHttpHead *head,
              OshHttpUpgradeResponseFunc done, gpointer data)
{
    Upgrade *upgrade = state;
    OshSpan accept = field(head, "chat-accept");
    g_autofree char *expected = g_strreverse(g_strdup(upgrade->key));
    g_autoptr(GError) error = NULL;

    (void)instance;
    if (accept.length != strlen(expected) || memcmp(accept.data, expected, accept.length) != 0)
        error = g_error_new(OSH_ERROR, OSH_ERROR_INVALID, "the server did not reverse the key");
    done(error, data);
}

static void
chat_state_free(gpointer instance, gpointer state)
{
    Upgrade *upgrade = state;

    (void)instance;
    g_free(upgrade->key);
    g_free(upgrade);
}

static gpointer
chat_open(gpointer instance, gpointer state, const OshL7Connection *connection, GError **error)
{
    (void)connection;
    (void)error;
    chat_state_free(instance, state);
    return g_strdup("a session of the chat protocol");
}

static const OshHttpUpgradeInterface chat_vtable = {
    .struct_size = sizeof(OshHttpUpgradeInterface),
    .token = chat_token,
    .request = chat_request,
    .response = chat_response,
    .open = chat_open,
    .state_free = chat_state_free,
};

typedef struct {
    gpointer state;
    guint n_edits;
    gint refused;
} Driver;

static void
driver_request(gpointer state, const OshL7Edit *edits, gsize n_edits, const GError *error,
               gpointer data)
{
    Driver *driver = data;

    g_assert_true((state == NULL) == (error != NULL));
    driver->state = state;
    driver->n_edits = (guint)n_edits;
    driver->refused += error != NULL;
    if (n_edits > 0)
        g_assert_null(edits[0].value);
}

static void
driver_response(const GError *error, gpointer data)
{
    Driver *driver = data;

    driver->refused += error != NULL;
}

static const OshHttpField request_fields[] = {
    {{"Chat-Key", 8}, {"abc", 3}},
};

static void
test_upgrade_is_judged_at_both_ends(void)
{
    OshInterface upgrade = {"test", &chat_vtable, NULL};
    OshHttpField good = {OSH_SPAN_LITERAL("chat-accept"), OSH_SPAN_LITERAL("cba")};
    OshHttpField bad = {OSH_SPAN_LITERAL("chat-accept"), OSH_SPAN_LITERAL("abc")};
    OshHttpHead request = {.struct_size = sizeof(OshHttpHead),
                           .fields = request_fields,
                           .n_fields = G_N_ELEMENTS(request_fields)};
    OshHttpHead response = {.struct_size = sizeof(OshHttpHead), .status = 101, .n_fields = 1};
    OshL7Connection connection = {.struct_size = sizeof(OshL7Connection)};
    Driver driver = {0};
    g_autofree char *session = NULL;

    g_assert_cmpstr(osh_http_upgrade_token(&upgrade), ==, "chat");
    osh_http_upgrade_request(&upgrade, &request, NULL, driver_request, &driver);
    g_assert_cmpuint(driver.n_edits, ==, 1);
    response.fields = &bad;
    osh_http_upgrade_response(&upgrade, driver.state, &response, driver_response, &driver);
    g_assert_cmpint(driver.refused, ==, 1);
    response.fields = &good;
    osh_http_upgrade_response(&upgrade, driver.state, &response, driver_response, &driver);
    g_assert_cmpint(driver.refused, ==, 1);
    session = osh_http_upgrade_open(&upgrade, driver.state, &connection, NULL);
    g_assert_nonnull(session);
}

static void
test_malformed_request_gets_no_state(void)
{
    OshInterface upgrade = {"test", &chat_vtable, NULL};
    OshHttpHead request = {.struct_size = sizeof(OshHttpHead)};
    Driver driver = {0};

    osh_http_upgrade_request(&upgrade, &request, NULL, driver_request, &driver);
    g_assert_null(driver.state);
    g_assert_cmpint(driver.refused, ==, 1);
    osh_http_upgrade_state_free(&upgrade, NULL);
}

static void
test_missing_functions_refuse(void)
{
    static const OshHttpUpgradeInterface small = {.struct_size = sizeof(guint32)};
    OshInterface upgrade = {"old", &small, NULL};
    OshHttpHead head = {.struct_size = sizeof(OshHttpHead)};
    Driver driver = {0};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_http_upgrade_token(&upgrade));
    osh_http_upgrade_request(&upgrade, &head, NULL, driver_request, &driver);
    osh_http_upgrade_response(&upgrade, NULL, &head, driver_response, &driver);
    g_assert_cmpint(driver.refused, ==, 2);
    g_assert_null(osh_http_upgrade_open(&upgrade, NULL, NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/http-upgrade/upgrade-is-judged-at-both-ends",
                    test_upgrade_is_judged_at_both_ends);
    g_test_add_func("/sdk/http-upgrade/malformed-request-gets-no-state",
                    test_malformed_request_gets_no_state);
    g_test_add_func("/sdk/http-upgrade/missing-functions-refuse", test_missing_functions_refuse);
    return g_test_run();
}
