/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink under the fake host: what it counted is what it logs.
 */
#include <openshell/testing/osh-fake-host.h>

#include "sink.c"

static void
note_done(const GError *error, gpointer data)
{
    g_assert_no_error(error);
    *(gboolean *)data = TRUE;
}

static void
test_counts_are_logged_when_it_is_flushed(void)
{
    g_autoptr(OshFakeHost) host = osh_fake_host_new(openshell_manifest_text);
    OshEvent one = {
        .struct_size = sizeof(OshEvent), .topic = OSH_TOPIC_PROCESS_STARTED, .count = 1};
    OshEvent many = {
        .struct_size = sizeof(OshEvent), .topic = OSH_TOPIC_NETWORK_DENIED, .count = 40};
    const OshEvent *events[] = {&one, &many, &one};
    OshInterface sink = {0};
    gboolean done = FALSE;
    gpointer self = NULL;

    g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &self, NULL));
    g_assert_true(openshell_plugin_v1.get_interface(self, OSH_INTERFACE_EVENT_SINK, &sink));
    g_assert_cmpuint(osh_event_sink_consume(&sink, events, 3), ==, 3);
    osh_event_sink_flush(&sink, note_done, &done);
    g_assert_true(done);
    g_assert_cmpuint(osh_fake_host_n_logs(host), ==, 1);
    g_assert_cmpstr(osh_fake_host_log(host, 0), ==, "42 events, 40 denials");
    openshell_plugin_v1.destroy(self);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sink/counts-are-logged-when-it-is-flushed",
                    test_counts_are_logged_when_it_is_flushed);
    return g_test_run();
}
