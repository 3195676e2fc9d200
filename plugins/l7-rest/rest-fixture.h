/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest-fixture.h: the plugin with the strict driver of the harness, for its unit tests. Never part
 * of the plugin.
 */
#pragma once

#include <openshell/plugin.h>

#include "openshell/ext/draft/l7-protocol.h"
#include "osh-fake-host.h"
#include "osh-l7-harness.h"

G_BEGIN_DECLS

#define REST_RANDOM_RUNS 20

/** RestFixture: a connection to api.test port 80 in clear; the policy allows everything. */
typedef struct {
    OshFakeHost *host;
    gpointer plugin;
    OshInterface protocol;
    OshL7Harness *harness;
} RestFixture;

/** rest_fixture_set_up: for g_test_add(). */
void rest_fixture_set_up(RestFixture *fixture, gconstpointer data);

/** rest_fixture_tear_down: likewise. */
void rest_fixture_tear_down(RestFixture *fixture, gconstpointer data);

/** rest_fixture_configure: the plugin is made anew, with this key of its configuration alone. */
void rest_fixture_configure(RestFixture *fixture, const char *key, gint64 value);

/** rest_fixture_run: runs all splits. Returns: (transfer full): their outcome. */
OshL7Outcome *rest_fixture_run(RestFixture *fixture);

#define TO_SERVER(outcome) ((outcome)->released[OSH_CLIENT_TO_SERVER]->str)
#define TO_CLIENT(outcome) ((outcome)->released[OSH_SERVER_TO_CLIENT]->str)

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: api.test\r\n\r\n"
#define SENT(path) "GET " path " HTTP/1.1\r\nHost: api.test\r\nVia: 1.1 openshell-sandbox\r\n\r\n"
#define OK(text)   "HTTP/1.1 200 OK\r\nContent-Length: " G_STRINGIFY(2) "\r\n\r\n" text

G_END_DECLS
