/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-engine.h: what all TLS connections of one run share: the certificate authority, the leaf
 * certificates, the roots by which servers are verified, and what is needed for resumption.
 *
 * It knows no connection, policy or event. An engine is made on [main]; afterwards [any] may call
 * it. It outlives its sessions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _OshTlsEngine OshTlsEngine;

/** OSH_TLS_LEAF_CAPACITY: leaf certificates that are kept unless the settings say otherwise. */
#define OSH_TLS_LEAF_CAPACITY 1024
/** OSH_TLS_RESUMPTION_CAPACITY: upstreams whose sessions are kept unless the settings say
 * otherwise. */
#define OSH_TLS_RESUMPTION_CAPACITY 1024

/**
 * OshTlsSettings: all zero is an authority of the run's own and the roots of the system.
 * @authority_certificate: (nullable): PEM file: the certificate of the authority, then what leads
 *   from it to a root; together with @authority_key
 * @authority_key: (nullable): PEM file: its key
 * @client_certificate: (nullable): PEM file: what an upstream that asks for it gets, with its
 *   chain; together with @client_key
 * @client_key: (nullable): PEM file: its key
 * @upstream_roots: (nullable): PEM file in place of the system's roots (SSL_CERT_FILE of the host)
 * @upstream_extra_roots: (nullable): PEM file of roots beside those
 * @revocation_list_uri: (nullable): where clients find the list of
 * osh_tls_engine_revocation_list(); stands in each leaf as CRL distribution point (RFC 5280
 * section 4.2.1.13)
 * @leaf_capacity: leaf certificates that are kept; 0 is %OSH_TLS_LEAF_CAPACITY
 * @resumption_capacity: upstreams whose sessions are kept; 0 is %OSH_TLS_RESUMPTION_CAPACITY
 *
 * A key file must be a regular file of root or of ours that others can neither read nor write and
 * its group cannot write, and must not be encrypted.
 */
typedef struct {
    const char *authority_certificate;
    const char *authority_key;
    const char *client_certificate;
    const char *client_key;
    const char *upstream_roots;
    const char *upstream_extra_roots;
    const char *revocation_list_uri;
    guint leaf_capacity;
    guint resumption_capacity;
} OshTlsSettings;

/**
 * osh_tls_engine_new:
 * @settings: (nullable): borrowed for the call
 * @error: return location: one line that names the file and what is wrong with it
 *
 * [main] Makes or reads the authority, makes the key of the leaves, reads the client certificate.
 * The roots are not read yet.
 *
 * Returns: (transfer full) (nullable): the engine
 */
OshTlsEngine *osh_tls_engine_new(const OshTlsSettings *settings, GError **error);

/** osh_tls_engine_free: @engine: (transfer full) (nullable): [main] after its last session. Keys
 * and tickets are wiped. */
void osh_tls_engine_free(OshTlsEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshTlsEngine, osh_tls_engine_free)

/** osh_tls_engine_authority_pem: [any] Returns: (transfer none): the authority's certificates, for
 * programs that are to trust it. */
const char *osh_tls_engine_authority_pem(const OshTlsEngine *engine);

/**
 * osh_tls_engine_revocation_list:
 * @now: g_get_real_time()
 *
 * [any] The authority's certificate revocation list, which is empty (RFC 5280 section 5): valid
 * from a day ago for a week. Signed when it is first asked for, and once a day after that.
 *
 * Returns: (transfer full) (nullable): DER, "application/pkix-crl"
 */
GBytes *osh_tls_engine_revocation_list(OshTlsEngine *engine, gint64 now);

/**
 * osh_tls_engine_prepare_upstream:
 * @error: return location
 *
 * [worker] or [main], never [shard]: reads and parses the roots, which takes milliseconds, unless
 * that was done. Certificates that cannot be parsed are left out; that there is none at all is an
 * error, and so is a file of the settings that has none. A later call tries again what has failed.
 *
 * Returns: whether sessions with upstreams can be made
 */
gboolean osh_tls_engine_prepare_upstream(OshTlsEngine *engine, GError **error);

/** osh_tls_engine_upstream_is_ready: [any] Returns: whether osh_tls_engine_prepare_upstream() has
 * succeeded. */
gboolean osh_tls_engine_upstream_is_ready(const OshTlsEngine *engine);

/** osh_tls_engine_leaves_minted: [any] Returns: leaf certificates that were made so far. */
guint64 osh_tls_engine_leaves_minted(OshTlsEngine *engine);

G_END_DECLS
