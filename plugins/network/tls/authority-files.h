/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority-files.h: where programs of a box find the certificate authority of the run.
 *
 * /etc belongs to the host where the policy grants it; this folder is always the box's own.
 */
#pragma once

/** OSH_AUTHORITY_FILE: PEM: the authority alone. */
#define OSH_AUTHORITY_FILE "/run/openshell/openshell-ca.pem"
/** OSH_BUNDLE_FILE: PEM: the authority, and what the host trusts. */
#define OSH_BUNDLE_FILE "/run/openshell/ca-bundle.pem"
/** OSH_JAVA_FILE: PKCS #12: the same certificates. */
#define OSH_JAVA_FILE "/run/openshell/ca-bundle.p12"
