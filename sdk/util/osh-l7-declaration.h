/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-declaration.h: what a manifest says about one of its protocols, for whoever drives it.
 *
 * The host has checked the manifest by then; what a driver needs of it is read here, by the data
 * plane and by the harness of the tests alike.
 */
#pragma once

#include "openshell/ext/draft/l7-protocol.h"

G_BEGIN_DECLS

/**
 * OshL7DeclaredFact:
 * @type: an #OshFactType
 * @values: (nullable) (array zero-terminated=1): its vocabulary
 * @sensitive: never in an event or a recording
 */
typedef struct {
    guint type;
    char **values;
    gboolean sensitive;
} OshL7DeclaredFact;

/**
 * OshL7Declaration: one protocol of a manifest. Immutable; any thread.
 * @protocol: the policy's value
 * @carrier: what carries its messages: tcp, http or websocket
 * @action: (nullable): the fact that is the action of a message
 * @target: (nullable): the fact that is its target
 * @alpn: (array zero-terminated=1): names of RFC 7301 that it speaks; may be empty
 * @server_speaks_first: the client waits for the server's first words
 * @window: bytes that a window must hold at least; 0 where nothing is said
 * @facts: (element-type utf8 OshL7DeclaredFact): by name
 */
typedef struct {
    char *protocol;
    char *carrier;
    char *action;
    char *target;
    char **alpn;
    gboolean server_speaks_first;
    gsize window;
    GHashTable *facts;
} OshL7Declaration;

/**
 * osh_l7_declaration_new:
 * @manifest: text of a manifest
 * @protocol: (nullable): which one; NULL for the first
 *
 * Returns: (transfer full) (nullable): NULL where the text cannot be read or declares no such
 *   protocol
 */
OshL7Declaration *osh_l7_declaration_new(const char *manifest, const char *protocol);

/** osh_l7_declaration_free: @declaration: (transfer full) (nullable). */
void osh_l7_declaration_free(OshL7Declaration *declaration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshL7Declaration, osh_l7_declaration_free)

/**
 * osh_l7_declaration_fact:
 * @declaration: (nullable): a declaration
 * @name: of a fact
 *
 * Returns: (transfer none) (nullable): what is declared of it
 */
const OshL7DeclaredFact *osh_l7_declaration_fact(const OshL7Declaration *declaration,
                                                 const char *name);

/** osh_l7_declaration_action: Returns: (transfer none): the fact that stands as the action of a
 * message in its events; %OSH_FACT_REQUEST_METHOD where none is declared. */
const char *osh_l7_declaration_action(const OshL7Declaration *declaration);

/** osh_l7_declaration_target: Returns: likewise for its target; %OSH_FACT_REQUEST_PATH. */
const char *osh_l7_declaration_target(const OshL7Declaration *declaration);

G_END_DECLS
