/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward-private.h: what the parts of a plain HTTP exchange share. [shard]
 */
#pragma once

#include "connection.h"
#include "osh-authority.h"
#include "osh-http1-body.h"
#include "osh-http1-head.h"

G_BEGIN_DECLS

/** OSH_FORWARD_ANSWER_HEAD_SIZE: a longer response head is answered with 502. */
#define OSH_FORWARD_ANSWER_HEAD_SIZE OSH_HTTP1_INSPECTED_HEAD_SIZE

/**
 * OshForwardLeg: one message on its way: its head, written anew, and its body out of a window.
 * @head: what is to be sent before the body
 * @head_sent: of it
 * @body: finds the end of the body
 * @releasable: bytes of the window that were found to belong to it
 */
typedef struct {
    GString *head;
    gsize head_sent;
    OshHttp1Body body;
    gsize releasable;
} OshForwardLeg;

/** OshForwardStage: where the server's direction stands. */
typedef enum {
    OSH_FORWARD_ANSWER_HEAD, /* a response head is awaited */
    OSH_FORWARD_ANSWER_BODY, /* its body follows */
    OSH_FORWARD_ANSWER_BULK, /* likewise, spliced */
    OSH_FORWARD_ANSWERED,    /* all of it was read and sent */
} OshForwardStage;

/**
 * OshForward: one exchange; kept for the next one of its connection.
 * @window: (nullable): what the server sent and the client has not got
 * @fields: of @answer_head
 * @bulk_left: bytes of the body that are still to be spliced
 * @bulk: the last read filled the window
 * @minor_version: of the client
 * @client_closes: the client sends no further request
 * @closes: the answer says that the connection ends with it
 * @server_closes: the server said so of its connection
 * @server_spoke: it has sent something
 * @server_ended: the end of the server's bytes was read
 * @server_reset: it was no end in good order
 * @is_unreachable: the server takes nothing more of the request
 * @is_repeatable: RFC 9110 section 9.2.2 lets the request be sent again
 */
struct _OshForward {
    OshForwardLeg request;
    OshForwardLeg answer;
    OshBuffer *window;
    OshHttp1Head answer_head;
    OshHttp1Field fields[OSH_HTTP1_DEFAULT_FIELDS];
    OshForwardStage stage;
    guint64 bulk_left;
    guint8 minor_version;
    guint bulk : 1;
    guint client_closes : 1;
    guint closes : 1;
    guint server_closes : 1;
    guint server_spoke : 1;
    guint server_ended : 1;
    guint server_reset : 1;
    guint is_unreachable : 1;
    guint is_repeatable : 1;
};

/** osh_forward_rewrite_request: the head in origin form, with Host made from @target. */
void osh_forward_rewrite_request(OshForward *forward, const OshHttp1Head *head,
                                 const guint8 *window, const OshAbsoluteTarget *target);

/** osh_forward_rewrite_answer: appends the head of an answer, its hop-by-hop fields removed. */
void osh_forward_rewrite_answer(OshForward *forward, const guint8 *window);

/**
 * osh_forward_gather:
 * @window: (nullable): what was read
 *
 * Finds as much of the body as there is. Returns: what ended that
 */
OshHttp1BodyStatus osh_forward_gather(OshForwardLeg *leg, const OshBuffer *window);

/**
 * osh_forward_send:
 * @window: (nullable): where the body stands
 * @moved: raised by what was sent
 *
 * Sends head and body by one call. Returns: 1 when all is sent, 0 when @fd takes no more, -1 when
 * it is gone
 */
int osh_forward_send(OshForwardLeg *leg, OshBuffer *window, int fd, guint64 *moved);

/** osh_forward_request: the client's direction, as far as it goes. */
OshFlow osh_forward_request(OshConnection *connection);

/** osh_forward_answer: the server's direction, as far as it goes. */
OshFlow osh_forward_answer(OshConnection *connection);

G_END_DECLS
