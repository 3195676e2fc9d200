/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugin.h, host.h, fact.h and version.h give a plugin beyond the tables themselves, lived
 * through with a host of the test's own: an entry made from typed functions, settings, log lines,
 * publications, facts of static storage.
 */
#include <string.h>

#include "openshell/openshell.h"

OSH_PLUGIN_MANIFEST("[plugin]\nid=self\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=MIT\n");

G_STATIC_ASSERT(OSH_ABI_CHECK(1, 0));
G_STATIC_ASSERT(!OSH_ABI_CHECK(1, OSH_ABI_MINOR + 1));
G_STATIC_ASSERT(!OSH_ABI_CHECK(2, 0));

/* The plugin under test: it notes what it was asked. */
typedef struct {
    const OshHost *host;
    gint64 deadline;
} Counter;

static guint destroyed;

static gboolean
counter_create(const OshHost *host, Counter **ret_self, GError **error)
{
    if (host == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "no host");
        return FALSE;
    }
    *ret_self = g_new0(Counter, 1);
    (*ret_self)->host = host;
    return TRUE;
}

static void
counter_stop(Counter *self, gint64 deadline, OshDoneFunc done, gpointer data)
{
    self->deadline = deadline;
    done(data);
}

static void
counter_destroy(Counter *self)
{
    g_free(self);
    destroyed++;
}

static gboolean
counter_get_interface(Counter *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, "com.example.count/1"))
        return FALSE;
    ret_interface->instance = self;
    return TRUE;
}

/* start is left out. */
OSH_PLUGIN_DEFINE(Counter, .create = counter_create, .stop = counter_stop,
                  .destroy = counter_destroy, .get_interface = counter_get_interface)

/* The host: it keeps what it was given. */
typedef struct {
    GVariant *config;
    char *line;
    GLogLevelFlags level;
    guint64 capacity;
    OshPublication published;
    guint n_published;
} Host;

static GVariant *
host_config(gpointer handle)
{
    return ((Host *)handle)->config;
}

static void
host_log(gpointer handle, GLogLevelFlags level, const char *message)
{
    Host *host = handle;

    g_free(host->line);
    host->line = g_strdup(message);
    host->level = level;
}

static guint64
host_reserve(gpointer handle, OshTopic topic, guint64 process_key)
{
    Host *host = handle;

    g_assert_cmpuint(topic, ==, 7);
    g_assert_cmpuint(process_key, ==, 99);
    return host->capacity > 0 ? host->capacity-- : 0;
}

static guint64
host_publish(gpointer handle, const OshPublication *publication)
{
    Host *host = handle;

    g_assert_cmpuint(publication->struct_size, ==, sizeof(OshPublication));
    host->published = *publication;
    host->n_published++;
    g_variant_unref(g_variant_take_ref(publication->payload));
    return 1000 + host->n_published;
}

static OshHost
table(Host *host)
{
    return (OshHost){.struct_size = sizeof(OshHost),
                     .abi_major = OSH_ABI_MAJOR,
                     .plugin_id = "self",
                     .handle = host,
                     .config = host_config,
                     .log = host_log,
                     .reserve = host_reserve,
                     .publish = host_publish};
}

static void
note_ready(gpointer data, const GError *error)
{
    g_assert_no_error(error);
    (*(guint *)data)++;
}

static void
note_done(gpointer data)
{
    (*(guint *)data)++;
}

static void
test_entry_calls_the_typed_functions(void)
{
    const OshPluginEntry *entry = &openshell_plugin_v1;
    Host host = {0};
    OshHost given = table(&host);
    OshInterface interface = {NULL, NULL, NULL};
    g_autoptr(GError) error = NULL;
    gpointer self = NULL;
    guint called = 0;

    g_assert_cmpuint(entry->struct_size, ==, sizeof(OshPluginEntry));
    g_assert_cmpuint(entry->abi_major, ==, OSH_ABI_MAJOR);
    g_assert_cmpuint(entry->abi_minor, ==, OSH_ABI_MINOR);
    g_assert_false(entry->create(NULL, &self, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
    g_assert_null(self);
    g_assert_true(entry->create(&given, &self, NULL));
    g_assert_true(((Counter *)self)->host == &given);
    entry->start(self, note_ready, &called);
    g_assert_cmpuint(called, ==, 1);
    g_assert_false(entry->get_interface(self, "com.example.other/1", &interface));
    g_assert_true(entry->get_interface(self, "com.example.count/1", &interface));
    g_assert_true(interface.instance == self);
    entry->stop(self, 42, note_done, &called);
    g_assert_cmpuint(called, ==, 2);
    g_assert_cmpint(((Counter *)self)->deadline, ==, 42);
    entry->destroy(self);
    g_assert_cmpuint(destroyed, ==, 1);
}

static void
test_settings_have_their_types(void)
{
    static const char *const words[] = {"a", "b", NULL};
    Host host = {0};
    OshHost given = table(&host);
    OshHost old = {.struct_size = sizeof(guint32)};
    g_autofree char *text = NULL;
    g_auto(GStrv) list = NULL;
    g_auto(GStrv) none = NULL;
    g_auto(GStrv) absent = NULL;

    host.config = g_variant_ref_sink(
        g_variant_new_parsed("{'text': <'hello'>, 'number': <int64 5>, 'flag': <true>, "
                             "'list': <%^as>}",
                             words));
    text = osh_host_config_string(&given, "text");
    g_assert_cmpstr(text, ==, "hello");
    g_assert_null(osh_host_config_string(&given, "number"));
    g_assert_null(osh_host_config_string(&given, "absent"));
    g_assert_cmpint(osh_host_config_integer(&given, "number", 1), ==, 5);
    g_assert_cmpint(osh_host_config_integer(&given, "text", 1), ==, 1);
    g_assert_cmpint(osh_host_config_integer(&given, "absent", -1), ==, -1);
    g_assert_true(osh_host_config_boolean(&given, "flag", FALSE));
    g_assert_true(osh_host_config_boolean(&given, "absent", TRUE));
    list = osh_host_config_strings(&given, "list");
    g_assert_cmpuint(g_strv_length(list), ==, 2);
    absent = osh_host_config_strings(&given, "absent");
    g_assert_cmpuint(g_strv_length(absent), ==, 0);
    g_variant_unref(host.config);
    none = osh_host_config_strings(&old, "list");
    g_assert_cmpuint(g_strv_length(none), ==, 0);
    g_assert_null(osh_host_config_string(&old, "text"));
    g_assert_cmpint(osh_host_config_integer(&old, "number", 3), ==, 3);
    g_assert_false(osh_host_config_boolean(&old, "flag", FALSE));
}

static void
test_log_line_is_cut_between_characters(void)
{
    Host host = {0};
    OshHost given = table(&host);

    osh_host_logf(&given, G_LOG_LEVEL_WARNING, "%s has %d", "it", 3);
    g_assert_cmpstr(host.line, ==, "it has 3");
    g_assert_cmpint(host.level, ==, G_LOG_LEVEL_WARNING);
    for (guint shift = 0; shift < 4; shift++) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < shift; i++)
            g_string_append_c(text, '.');
        while (text->len < 2 * OSH_LOG_LINE_MAX)
            g_string_append(text, "\xe2\x82\xac");
        osh_host_logf(&given, G_LOG_LEVEL_MESSAGE, "%s", text->str);
        g_assert_true(g_utf8_validate(host.line, -1, NULL));
        g_assert_true(g_str_has_suffix(host.line, "\xe2\x82\xac..."));
        g_assert_cmpuint(strlen(host.line), <, OSH_LOG_LINE_MAX);
        g_assert_cmpuint(strlen(host.line), >, OSH_LOG_LINE_MAX - 8);
    }
    /* The longest line that fits is whole. */
    osh_host_logf(&given, G_LOG_LEVEL_MESSAGE, "%*s", OSH_LOG_LINE_MAX - 1, "end");
    g_assert_cmpuint(strlen(host.line), ==, OSH_LOG_LINE_MAX - 1);
    g_assert_true(g_str_has_suffix(host.line, " end"));
    g_free(host.line);
}

static void
test_event_of_its_own_needs_a_topic_and_a_payload(void)
{
    Host host = {0};
    OshHost given = table(&host);

    g_assert_cmpuint(osh_host_publish_own(&given, 7, g_variant_new("(u)", 1)), ==, 1001);
    g_assert_cmpuint(host.published.topic, ==, 7);
    g_assert_cmpuint(host.published.reservation, ==, 0);
    g_assert_cmpuint(host.published.process_key, ==, 0);
    g_assert_null(host.published.collapse_key);
}

static void
test_reserved_publication_is_all_or_nothing(void)
{
    Host host = {.capacity = 1};
    OshHost given = table(&host);
    OshHost old = {.struct_size = sizeof(guint32)};
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new("(u)", 1));
    OshPublication publication = {
        .struct_size = sizeof(OshPublication), .topic = 7, .process_key = 99, .correlation = 5};

    /* Each call consumes one reference; the test keeps its own. */
    publication.payload = g_variant_ref(payload);
    g_assert_cmpuint(osh_host_publish_reserved(&given, &publication), ==, 1001);
    g_assert_cmpuint(host.published.reservation, ==, 1);
    g_assert_cmpuint(host.published.correlation, ==, 5);
    publication.payload = g_variant_ref(payload);
    g_assert_cmpuint(osh_host_publish_reserved(&given, &publication), ==, 0);
    g_assert_cmpuint(host.n_published, ==, 1);
    publication.payload = g_variant_new("(u)", 2);
    g_assert_cmpuint(osh_host_publish_reserved(&old, &publication), ==, 0);
}

static void
test_facts_may_have_static_storage(void)
{
    static const OshSpan keys[] = {OSH_SPAN_INIT("a"), OSH_SPAN_INIT("bc")};
    static const OshFact fields[] = {OSH_FACT_BOOLEAN_INIT("persisted", TRUE)};
    static const OshFactRecord records[] = {{fields, G_N_ELEMENTS(fields)}};
    static const OshFact facts[] = {
        OSH_FACT_STRING_INIT("demo.command", OSH_SPAN_INIT("GET")),
        OSH_FACT_INTEGER_INIT("demo.database", -3),
        OSH_FACT_BOOLEAN_INIT("demo.readonly", TRUE),
        OSH_FACT_STRINGS_INIT("demo.key", keys, G_N_ELEMENTS(keys)),
        OSH_FACT_RECORDS_INIT("demo.calls", records, G_N_ELEMENTS(records)),
    };
    const OshFact made[] = {
        osh_fact_string("demo.command", OSH_SPAN_LITERAL("GET")),
        osh_fact_integer("demo.database", -3),
        osh_fact_boolean("demo.readonly", TRUE),
        osh_fact_strings("demo.key", keys, G_N_ELEMENTS(keys)),
        osh_fact_records("demo.calls", records, G_N_ELEMENTS(records)),
    };

    for (gsize i = 0; i < G_N_ELEMENTS(facts); i++) {
        g_assert_cmpstr(facts[i].name, ==, made[i].name);
        g_assert_cmpuint(facts[i].type, ==, made[i].type);
        g_assert_cmpuint(facts[i].count, ==, made[i].count);
    }
    g_assert_cmpmem(facts[0].value.string.data, facts[0].value.string.length, "GET", 3);
    g_assert_cmpmem(made[0].value.string.data, made[0].value.string.length, "GET", 3);
    g_assert_cmpint(facts[1].value.integer, ==, made[1].value.integer);
    g_assert_true(facts[2].value.boolean && made[2].value.boolean);
    g_assert_true(facts[3].value.strings == made[3].value.strings);
    g_assert_cmpuint(facts[3].count, ==, 2);
    g_assert_true(facts[4].value.records == made[4].value.records);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/plugin/entry-calls-the-typed-functions",
                    test_entry_calls_the_typed_functions);
    g_test_add_func("/sdk/plugin/settings-have-their-types", test_settings_have_their_types);
    g_test_add_func("/sdk/plugin/log-line-is-cut-between-characters",
                    test_log_line_is_cut_between_characters);
    g_test_add_func("/sdk/plugin/event-of-its-own-needs-a-topic-and-a-payload",
                    test_event_of_its_own_needs_a_topic_and_a_payload);
    g_test_add_func("/sdk/plugin/reserved-publication-is-all-or-nothing",
                    test_reserved_publication_is_all_or_nothing);
    g_test_add_func("/sdk/plugin/facts-may-have-static-storage",
                    test_facts_may_have_static_storage);
    return g_test_run();
}
