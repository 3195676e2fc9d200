/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch-contribution.h: what the network adds to a box: proxy variables and a resolv.conf. [main]
 */
#pragma once

#include "network.h"
#include "run-authority.h"

#include <openshell/ext/launch-contributor.h>

G_BEGIN_DECLS

/**
 * OshLaunchContribution:
 * @authority: of this run
 * @java: a Java of the box is to trust it
 * @proxy_address: of the box's proxy listener
 * @proxy_port: 0 when the box has none
 */
typedef struct {
    OshNetwork *network;
    const OshRunAuthority *authority;
    gboolean java;
    struct in6_addr proxy_address;
    guint16 proxy_port;
} OshLaunchContribution;

/** osh_launch_contribution_vtable: of openshell.launch-contributor/1; the instance is the above. */
extern const OshLaunchContributorInterface osh_launch_contribution_vtable;

G_END_DECLS
