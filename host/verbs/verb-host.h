/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb-host.h: enough of a host to create plugins and look at them, without starting anything.
 */
#pragma once

#include "options.h"
#include "services.h"

G_BEGIN_DECLS

typedef struct _OshVerbHost OshVerbHost;

/**
 * osh_verb_host_new:
 * @error: return location
 *
 * [main] Scans, configures and creates. A plugin that fails is in the registry with its reason.
 *
 * Returns: (transfer full) (nullable): the host
 */
OshVerbHost *osh_verb_host_new(const OshOptions *options, GError **error);

/** osh_verb_host_registry: Returns: (transfer none): its plugins. */
OshRegistry *osh_verb_host_registry(OshVerbHost *host);

/** osh_verb_host_config: Returns: (transfer none): what it was configured with. */
const OshConfig *osh_verb_host_config(const OshVerbHost *host);

/** osh_verb_host_free: [main] @host: (transfer full) (nullable). */
void osh_verb_host_free(OshVerbHost *host);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshVerbHost, osh_verb_host_free)

G_END_DECLS
