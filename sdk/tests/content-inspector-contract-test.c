/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content-inspector contract, lived through: an inspector that counts words, and a driver that
 * adds its facts to those of the head. The second test is an inspector that answers from elsewhere.
 */
#include "openshell/ext/draft/content-inspector.h"

typedef struct {
    gboolean elsewhere;
    gboolean computed;
    gboolean finished;
    OshCallback wake;
    gpointer wake_data;
    gint64 words;
    gboolean in_word;
    OshFact facts[1];
} Inspection;

static const char *const names[] = {"words", NULL};

static const char *const *
words_inspectors(gpointer instance)
{
    (void)instance;
    return names;
}

static gpointer
words_open(gpointer instance, const OshInspectionRequest *request, GError **error)
{
    Inspection *inspection;

    if (!g_str_has_prefix(request->media_type, "text/")) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "words are in text only");
        return NULL;
    }
    inspection = g_new0(Inspection, 1);
    inspection->elsewhere = instance != NULL;
    inspection->wake = request->wake;
    inspection->wake_data = request->wake_data;
    return inspection;
}

static OshInspection
words_feed(gpointer data, OshSpan bytes, gboolean last)
{
    Inspection *inspection = data;

    for (gsize i = 0; i < bytes.length; i++) {
        gboolean space = g_ascii_isspace(bytes.data[i]);

        inspection->words += !space && !inspection->in_word;
        inspection->in_word = !space;
    }
    inspection->finished |= last;
    if (!inspection->finished)
        return OSH_INSPECTION_MORE;
    return inspection->elsewhere && !inspection->computed ? OSH_INSPECTION_PENDING
                                                          : OSH_INSPECTION_DONE;
}

static OshFacts
words_facts(gpointer data)
{
    Inspection *inspection = data;

    inspection->facts[0] = (OshFact)OSH_FACT_INTEGER_INIT("words.count", inspection->words);
    return (OshFacts){inspection->facts, 1};
}

static const OshContentInspectorInterface words_vtable = {
    .struct_size = sizeof(OshContentInspectorInterface),
    .inspectors = words_inspectors,
    .open = words_open,
    .feed = words_feed,
    .facts = words_facts,
    .close = g_free,
};

static void
count_wake(gpointer data)
{
    (*(guint *)data)++;
}

static void
test_facts_do_not_depend_on_how_content_was_split(void)
{
    OshInterface inspector = {"test", &words_vtable, NULL};
    OshInspectionRequest request = {.struct_size = sizeof(OshInspectionRequest),
                                    .inspector = "words",
                                    .media_type = "text/plain",
                                    .limit = 64};
    static const char text[] = "two words";

    for (gsize step = 1; step < sizeof(text); step++) {
        g_autoptr(GError) error = NULL;
        gpointer inspection = osh_inspector_open(&inspector, &request, &error);

        for (gsize i = 0; i < sizeof(text) - 1; i += step)
            g_assert_cmpint(osh_inspector_feed(&inspector, inspection,
                                               (OshSpan){text + i, MIN(step, sizeof(text) - 1 - i)},
                                               FALSE),
                            ==, OSH_INSPECTION_MORE);
        g_assert_cmpint(osh_inspector_feed(&inspector, inspection, (OshSpan){NULL, 0}, TRUE), ==,
                        OSH_INSPECTION_DONE);
        g_assert_cmpint(osh_inspector_facts(&inspector, inspection).facts[0].value.integer, ==, 2);
        osh_inspector_close(&inspector, inspection);
    }
}

static void
test_pending_inspection_wakes_the_driver(void)
{
    OshInterface inspector = {"test", &words_vtable, &inspector};
    guint woken = 0;
    OshInspectionRequest request = {.struct_size = sizeof(OshInspectionRequest),
                                    .media_type = "text/plain",
                                    .wake = count_wake,
                                    .wake_data = &woken};
    Inspection *inspection = osh_inspector_open(&inspector, &request, NULL);

    g_assert_cmpint(osh_inspector_feed(&inspector, inspection, OSH_SPAN_LITERAL("one"), TRUE), ==,
                    OSH_INSPECTION_PENDING);
    inspection->computed = TRUE;
    inspection->wake(inspection->wake_data);
    g_assert_cmpuint(woken, ==, 1);
    g_assert_cmpint(osh_inspector_feed(&inspector, inspection, (OshSpan){NULL, 0}, FALSE), ==,
                    OSH_INSPECTION_DONE);
    osh_inspector_close(&inspector, inspection);
}

static void
test_missing_functions_have_no_facts(void)
{
    static const OshContentInspectorInterface small = {.struct_size = sizeof(guint32)};
    OshInterface inspector = {"old", &small, NULL};
    OshInspectionRequest request = {.struct_size = sizeof(OshInspectionRequest)};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_inspector_inspectors(&inspector));
    g_assert_null(osh_inspector_open(&inspector, &request, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    g_assert_cmpint(osh_inspector_feed(&inspector, NULL, (OshSpan){NULL, 0}, TRUE), ==,
                    OSH_INSPECTION_DONE);
    g_assert_cmpuint(osh_inspector_facts(&inspector, NULL).n_facts, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/content-inspector/facts-do-not-depend-on-how-content-was-split",
                    test_facts_do_not_depend_on_how_content_was_split);
    g_test_add_func("/sdk/content-inspector/pending-inspection-wakes-the-driver",
                    test_pending_inspection_wakes_the_driver);
    g_test_add_func("/sdk/content-inspector/missing-functions-have-no-facts",
                    test_missing_functions_have_no_facts);
    return g_test_run();
}
