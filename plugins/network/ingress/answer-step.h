/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer-step.h: a refused client that knows of no proxy. [shard]
 */
#pragma once

#include "step.h"

G_BEGIN_DECLS

/**
 * osh_answer_run: #OshStep.run of %OSH_STEP_ANSWER
 *
 * Sends the words of the refusal when the client's first bytes are an HTTP request; any other
 * client sees a reset.
 */
OshFlow osh_answer_run(OshConnection *connection);

/** osh_answer_end: the shard ends. */
void osh_answer_end(OshNetworkShard *shard);

/** osh_answer_expire: #OshStep.expire: a client that says nothing sees a reset. */
OshFlow osh_answer_expire(OshConnection *connection);

/** osh_answer_client: #OshStep.client. */
OshFlow osh_answer_client(OshConnection *connection, guint32 events);

G_END_DECLS
