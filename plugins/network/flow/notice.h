/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.h: what is said of a program once, however many connections it makes.
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/** OSH_NOTICED_MAX: kinds and programs that are remembered. Nothing more is said after that many:
 * copies of one program under new names take no memory and fill no log. */
#define OSH_NOTICED_MAX 256

/**
 * OshNotice:
 * @kind: one of OshEventNetworkNotice; constant
 * @text: what was noticed
 * @hint: (nullable): what to do about it
 * @alert: number of a TLS alert, or -1
 */
typedef struct {
    const char *kind;
    const char *text;
    const char *hint;
    gint alert;
} OshNotice;

/** osh_noticed_init: [main] nothing was noticed yet. */
void osh_noticed_init(OshNoticed *noticed);

/** osh_noticed_clear: [main] frees what it holds. */
void osh_noticed_clear(OshNoticed *noticed);

/**
 * osh_notice:
 * @notice: borrowed
 *
 * [shard] Publishes @notice of the program of @connection, unless that was done for its kind and
 * this program: the same path and the same content.
 */
void osh_notice(const OshConnection *connection, const OshNotice *notice);

G_END_DECLS
