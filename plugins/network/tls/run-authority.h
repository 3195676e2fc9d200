/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-authority.h: whether this run has a certificate authority, and loading the TLS engine that
 * has it. [main]
 */
#pragma once

#include <openshell/ext/policy.h>

#include "osh-lazy-library.h"
#include "tls-module.h"

G_BEGIN_DECLS

/**
 * OshRunAuthority:
 * @wanted: programs of the box are to trust it
 * @settings: for the engine; what they point to is the caller's, until osh_run_authority_make()
 * @libcrypto: (nullable): chosen when it is wanted
 * @libssl: (nullable): likewise
 * @module: (nullable): likewise
 * @functions: (nullable): of @module, once loaded
 * @engine: (nullable): has the authority, once made
 * @told: that programs do not trust it was said of the policy in force
 */
typedef struct {
    gboolean wanted;
    OshTlsSettings settings;
    OshLazyLibrary *libcrypto;
    OshLazyLibrary *libssl;
    OshLazyLibrary *module;
    const OshTlsModule *functions;
    OshTlsEngine *engine;
    gboolean told;
} OshRunAuthority;

/**
 * osh_run_authority_choose:
 * @always: whatever the policy says
 * @policy: the policy's interface
 *
 * Before a box exists, so that the files which are loaded later are among those that it protects.
 */
void osh_run_authority_choose(OshRunAuthority *authority, gboolean always,
                              const OshInterface *policy);

/**
 * osh_run_authority_make:
 * @error: return location
 *
 * Loads libcrypto, libssl and the module, and makes the engine, where it is wanted. Unless the
 * settings say otherwise, servers are verified by the roots in the host's SSL_CERT_FILE, if there
 * is one.
 *
 * Returns: FALSE when it is wanted and cannot be had
 */
gboolean osh_run_authority_make(OshRunAuthority *authority, GError **error);

/** osh_run_authority_pem: Returns: (transfer none) (nullable): its certificate, where there is one.
 */
const char *osh_run_authority_pem(const OshRunAuthority *authority);

/**
 * osh_run_authority_policy_changed:
 * @policy: the policy's interface
 *
 * Returns: (transfer none) (nullable): a line to say when the policy now looks into connections and
 *   programs of the box do not trust the authority; once until that changes
 */
const char *osh_run_authority_policy_changed(OshRunAuthority *authority,
                                             const OshInterface *policy);

/** osh_run_authority_clear: after the last session of the engine; its keys are wiped. */
void osh_run_authority_clear(OshRunAuthority *authority);

G_END_DECLS
