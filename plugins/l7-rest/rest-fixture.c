/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin in its unit tests, on the thread of the test. Never part of the plugin. */
#include "rest-fixture.h"

#define MANIFEST                                                                                   \
    "[plugin]\nid=l7-rest\n[protocol rest]\naction=request.method\ntarget=request.path\n"

static void
make_plugin(RestFixture *fixture)
{
    g_assert_true(
        openshell_plugin_v1.create(osh_fake_host_table(fixture->host), &fixture->plugin, NULL));
    g_assert_true(openshell_plugin_v1.get_interface(fixture->plugin, OSH_INTERFACE_L7_PROTOCOL,
                                                    &fixture->protocol));
}

void
rest_fixture_set_up(RestFixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->host = osh_fake_host_new(MANIFEST);
    make_plugin(fixture);
    fixture->harness = osh_l7_harness_new(&fixture->protocol, MANIFEST);
    osh_l7_harness_connection(fixture->harness)->host = "api.test";
    osh_l7_harness_connection(fixture->harness)->port = 80;
    osh_l7_harness_connection(fixture->harness)->protocol = "rest";
}

void
rest_fixture_tear_down(RestFixture *fixture, gconstpointer data)
{
    (void)data;
    osh_l7_harness_free(fixture->harness);
    openshell_plugin_v1.destroy(fixture->plugin);
    osh_fake_host_free(fixture->host);
}

void
rest_fixture_configure(RestFixture *fixture, const char *key, gint64 value)
{
    openshell_plugin_v1.destroy(fixture->plugin);
    osh_fake_host_free(fixture->host);
    fixture->host = osh_fake_host_new(MANIFEST);
    osh_fake_host_set_config(fixture->host, key, g_variant_new_int64(value));
    make_plugin(fixture);
}

OshL7Outcome *
rest_fixture_run(RestFixture *fixture)
{
    OshL7Outcome *outcome = osh_l7_harness_run_all(fixture->harness, REST_RANDOM_RUNS);

    if (outcome->violation != NULL)
        g_error("%s", outcome->violation);
    return outcome;
}
