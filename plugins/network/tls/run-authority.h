/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-authority.h: whether this run has a certificate authority, and loading what makes it.
 * [main]
 */
#pragma once

#include <openshell/ext/policy.h>

#include "certificate-authority.h"
#include "osh-lazy-library.h"

G_BEGIN_DECLS

/**
 * OshRunAuthority:
 * @wanted: programs of the box are to trust it
 * @libcrypto: (nullable): chosen when it is wanted
 * @module: (nullable): likewise
 * @functions: (nullable): of @module, once loaded
 * @authority: (nullable): once made
 * @told: that programs do not trust it was said of the policy in force
 */
typedef struct {
    gboolean wanted;
    OshLazyLibrary *libcrypto;
    OshLazyLibrary *module;
    const OshAuthorityModule *functions;
    OshCertificateAuthority *authority;
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
 * Loads libcrypto and makes the authority, where it is wanted.
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

/** osh_run_authority_clear: the key is wiped. */
void osh_run_authority_clear(OshRunAuthority *authority);

G_END_DECLS
