/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The middleware contract, lived through: one that redacts a word, at once or later, and a driver
 * that applies the outcome.
 */
#include "openshell/ext/draft/middleware.h"

typedef struct {
    gboolean later;
    OshMiddlewareFunc done;
    gpointer data;
} Redactor;

static const char *const names[] = {"test/redact", NULL};

static const char *const *
redact_implementations(gpointer instance)
{
    (void)instance;
    return names;
}

static gboolean
redact_check(gpointer instance, const char *implementation, GVariant *config, GError **error)
{
    (void)instance;
    g_assert_cmpstr(implementation, ==, names[0]);
    if (config != NULL)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "config.word is missing");
    return FALSE;
}

static void
redact_evaluate(gpointer instance, const char *implementation, const OshMiddlewareRequest *request,
                OshMiddlewareFunc done, gpointer data)
{
    Redactor *redactor = instance;
    const char *word = g_strstr_len(request->content.data, (gssize)request->content.length, "key");

    (void)implementation;
    if (redactor->later) {
        redactor->done = done;
        redactor->data = data;
    } else if (word == NULL) {
        done(OSH_MIDDLEWARE_ALLOW, NULL, NULL, data);
    } else {
        g_autoptr(GBytes) replaced = g_bytes_new_static("***", 3);

        done(OSH_MIDDLEWARE_REPLACE, NULL, replaced, data);
    }
}

static void
redact_cancel(gpointer instance, gpointer data)
{
    Redactor *redactor = instance;

    if (redactor->data == data)
        redactor->done = NULL;
}

static const OshMiddlewareInterface redact_vtable = {
    .struct_size = sizeof(OshMiddlewareInterface),
    .implementations = redact_implementations,
    .check = redact_check,
    .evaluate = redact_evaluate,
    .cancel = redact_cancel,
};

typedef struct {
    guint answers;
    OshMiddlewareOutcome outcome;
    char *content;
} Driver;

static void
driver_done(OshMiddlewareOutcome outcome, const char *reason_code, GBytes *content, gpointer data)
{
    Driver *driver = data;

    (void)reason_code;
    driver->answers++;
    driver->outcome = outcome;
    if (content != NULL)
        driver->content = g_strndup(g_bytes_get_data(content, NULL), g_bytes_get_size(content));
}

static void
test_replacement_outlives_the_callback_only_as_a_copy(void)
{
    Redactor state = {0};
    OshInterface middleware = {"test", &redact_vtable, &state};
    OshMiddlewareRequest request = {.struct_size = sizeof(OshMiddlewareRequest),
                                    .operation = "http-request",
                                    .media_type = "text/plain",
                                    .content = OSH_SPAN_LITERAL("a key")};
    Driver driver = {0};

    osh_middleware_evaluate(&middleware, names[0], &request, driver_done, &driver);
    g_assert_cmpint(driver.outcome, ==, OSH_MIDDLEWARE_REPLACE);
    g_assert_cmpstr(driver.content, ==, "***");
    g_free(driver.content);
    request.content = OSH_SPAN_LITERAL("nothing");
    osh_middleware_evaluate(&middleware, names[0], &request, driver_done, &driver);
    g_assert_cmpint(driver.outcome, ==, OSH_MIDDLEWARE_ALLOW);
    g_assert_cmpuint(driver.answers, ==, 2);
}

static void
test_cancelled_evaluation_is_not_answered(void)
{
    Redactor state = {.later = TRUE};
    OshInterface middleware = {"test", &redact_vtable, &state};
    OshMiddlewareRequest request = {.struct_size = sizeof(OshMiddlewareRequest),
                                    .content = OSH_SPAN_LITERAL("a key")};
    Driver driver = {0};

    osh_middleware_evaluate(&middleware, names[0], &request, driver_done, &driver);
    osh_middleware_cancel(&middleware, &driver);
    g_assert_null(state.done);
    g_assert_cmpuint(driver.answers, ==, 0);
}

static void
test_configuration_is_refused_with_an_error(void)
{
    OshInterface middleware = {"test", &redact_vtable, NULL};
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(osh_middleware_implementations(&middleware)[0], ==, names[0]);
    g_assert_false(osh_middleware_check(&middleware, names[0], NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
}

static void
test_missing_functions_fail(void)
{
    static const OshMiddlewareInterface small = {.struct_size = sizeof(guint32)};
    OshInterface middleware = {"old", &small, NULL};
    OshMiddlewareRequest request = {.struct_size = sizeof(OshMiddlewareRequest)};
    Driver driver = {.outcome = OSH_MIDDLEWARE_ALLOW};

    g_assert_null(osh_middleware_implementations(&middleware));
    osh_middleware_evaluate(&middleware, "x", &request, driver_done, &driver);
    g_assert_cmpuint(driver.answers, ==, 1);
    g_assert_cmpint(driver.outcome, ==, OSH_MIDDLEWARE_FAILED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/middleware/replacement-outlives-the-callback-only-as-a-copy",
                    test_replacement_outlives_the_callback_only_as_a_copy);
    g_test_add_func("/sdk/middleware/cancelled-evaluation-is-not-answered",
                    test_cancelled_evaluation_is_not_answered);
    g_test_add_func("/sdk/middleware/configuration-is-refused-with-an-error",
                    test_configuration_is_refused_with_an_error);
    g_test_add_func("/sdk/middleware/missing-functions-fail", test_missing_functions_fail);
    return g_test_run();
}
