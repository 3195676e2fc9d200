/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message-step.h: what a part of the question about a message leads to. [shard]
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshAsked:
 * @OSH_ASKED_ALLOWED: goes on with what is asked next
 * @OSH_ASKED_REFUSED: the message is refused, with a reason
 * @OSH_ASKED_WAITS: osh_driver_question_is_due() will be called
 * @OSH_ASKED_ANSWERED: the outcome of the message is set
 */
typedef enum {
    OSH_ASKED_ALLOWED,
    OSH_ASKED_REFUSED,
    OSH_ASKED_WAITS,
    OSH_ASKED_ANSWERED,
} OshAsked;

G_END_DECLS
