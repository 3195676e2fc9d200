/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocols.h: which plugins the data plane works with. [main]
 */
#pragma once

#include "network.h"
#include "osh-l7-declaration.h"

G_BEGIN_DECLS

/**
 * OshUpgradeProvider:
 * @upgrade: judges the request
 * @protocol: the same plugin's openshell.draft.l7-protocol/1
 * @declaration: (nullable): what its manifest says of it
 */
typedef struct {
    OshInterface upgrade;
    OshInterface protocol;
    OshL7Declaration *declaration;
} OshUpgradeProvider;

/**
 * OshProviders: immutable once the shards run; any thread.
 * @inspectors: (element-type utf8 OshInterface): by the name that the policy uses
 * @middlewares: (element-type utf8 OshInterface): by the policy's `middleware:`
 * @upgrades: (element-type utf8 OshUpgradeProvider): by Upgrade token
 * @credentials: the credential provider; vtable NULL where there is none
 */
typedef struct _OshProviders {
    GHashTable *inspectors;
    GHashTable *middlewares;
    GHashTable *upgrades;
    OshInterface credentials;
} OshProviders;

/**
 * osh_protocols_find:
 *
 * What HTTP carries begins at the plugin that speaks it: the protocols whose plugin inspects the
 * content of requests, and those whose plugin has requests upgraded.
 *
 * Returns: (transfer full) (element-type utf8 OshNetworkProtocol): value of `protocol:` in the
 *   policy to the plugin with which a connection begins; the first one where several speak it
 */
GHashTable *osh_protocols_find(const OshHost *host);

/** osh_providers_find: Returns: (transfer full): what works together with protocols. */
OshProviders *osh_providers_find(const OshHost *host);

/** osh_providers_free: @providers: (transfer full) (nullable). */
void osh_providers_free(OshProviders *providers);

G_END_DECLS
