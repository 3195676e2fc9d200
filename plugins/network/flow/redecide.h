/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redecide.h: a reload, for the connections that an older policy let through. [shard]
 */
#pragma once

#include "network.h"

G_BEGIN_DECLS

/** osh_redecide: decides them again, in this call and in later ones, where it is not done yet. */
void osh_redecide(OshNetworkShard *part);

G_END_DECLS
