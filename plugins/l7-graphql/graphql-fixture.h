/* SPDX-License-Identifier: Apache-2.0 */
/* graphql-fixture.h: the plugin in a fake host, and one inspection at a time. */
#pragma once

#include <openshell/ext/draft/content-inspector.h>

#include "osh-fake-host.h"

G_BEGIN_DECLS

/**
 * GraphqlFixture:
 * @host: with the configuration
 * @inspector: of the plugin
 */
typedef struct {
    OshFakeHost *host;
    gpointer plugin;
    OshInterface inspector;
} GraphqlFixture;

/**
 * GraphqlMessage: what is inspected.
 * @method: the fact request.method
 * @target: (nullable): its query is the fact request.query
 * @content_type: (nullable): a header field
 * @content_encoding: (nullable): a header field
 * @decode_content: (nullable): of the endpoint; separated by commas
 * @content: the body
 * @limit: of it; 0 for 65536
 */
typedef struct {
    const char *method;
    const char *target;
    const char *content_type;
    const char *content_encoding;
    const char *decode_content;
    OshSpan content;
    guint64 limit;
} GraphqlMessage;

/** graphql_fixture_init: @key: (nullable): of the configuration, set to @value. */
void graphql_fixture_init(GraphqlFixture *fixture, const char *key, GVariant *value);

/** graphql_fixture_clear: frees what is in it. */
void graphql_fixture_clear(GraphqlFixture *fixture);

/**
 * graphql_fixture_inspect: inspects whole, byte by byte and at random places, which must agree
 *
 * Returns: (transfer full): `error: WORDS`, `control: TYPE`, or for each operation
 *   `TYPE NAME {FIELD FIELD} persisted hash=HASH id=ID`, as far as that is stated, separated by `;
 * `
 */
char *graphql_fixture_inspect(const GraphqlFixture *fixture, const GraphqlMessage *message);

G_END_DECLS
