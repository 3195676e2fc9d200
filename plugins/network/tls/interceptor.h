/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interceptor.h: what connections of a run are intercepted with. [any], constant after start but
 * for what is atomic.
 */
#pragma once

#include "tls-module.h"

G_BEGIN_DECLS

/** OSH_REVOCATION_HOST: a name that nobody answers but this proxy. */
#define OSH_REVOCATION_HOST "crl.openshell.internal"
/** OSH_REVOCATION_PATH: the one resource there. */
#define OSH_REVOCATION_PATH "/run.crl"
/** OSH_REVOCATION_LIST_URI: CRL distribution point of the authority and of leaves. */
#define OSH_REVOCATION_LIST_URI "http://" OSH_REVOCATION_HOST OSH_REVOCATION_PATH

/**
 * OshInterceptor: of the run.
 * @tls: the module's functions
 * @engine: has the authority
 * @identified_to: (nullable) (array zero-terminated=1): host names whose servers get the client
 *   certificate of the configuration when they ask for one
 * @has_no_roots: atomic; they were read, and no server can be verified by them
 */
typedef struct _OshInterceptor {
    const OshTlsModule *tls;
    OshTlsEngine *engine;
    const char *const *identified_to;
    gint has_no_roots;
} OshInterceptor;

G_END_DECLS
