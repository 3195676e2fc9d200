/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial.h: connects to the first address that answers, of those that were checked. [shard]
 */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

/**
 * OshDialTarget:
 * @addresses: at least one, checked; stays until the dial is freed
 * @port: of all of them
 * @event: the #OshShardFdFunc of every socket, also of the one that is taken
 * @delayed: calls osh_dial_next(): the attempt before takes too long
 * @owner: first argument of both
 */
typedef struct {
    const OshAddressList *addresses;
    guint16 port;
    OshShardFdFunc event;
    OshCallback delayed;
    gpointer owner;
} OshDialTarget;

/**
 * OshDialResult:
 * @OSH_DIAL_WAITS: for an event or the delay
 * @OSH_DIAL_WON: one is connected: osh_dial_take()
 * @OSH_DIAL_LOST: none answers: osh_dial_problem()
 */
typedef enum {
    OSH_DIAL_WAITS,
    OSH_DIAL_WON,
    OSH_DIAL_LOST,
} OshDialResult;

/** osh_dial_new: Returns: (transfer full): waits for osh_dial_next(). */
OshDial *osh_dial_new(const OshInterface *shard, const OshDialTarget *target);

/** osh_dial_free: @dial: (transfer full) (nullable): closes every attempt. */
void osh_dial_free(OshDial *dial);

/** osh_dial_next: begins attempts until one is under way. */
OshDialResult osh_dial_next(OshDial *dial);

/** osh_dial_event: @events: epoll(7) events of @fd. */
OshDialResult osh_dial_event(OshDial *dial, int fd, guint32 events);

/**
 * osh_dial_take: after %OSH_DIAL_WON
 * @dial: (transfer full): freed
 * @ret_fd: (out): the connected socket
 * @ret_watch: (out): its watch, which calls #OshDialTarget.event
 * @ret_address: (out): what it is connected to
 */
void osh_dial_take(OshDial *dial, int *ret_fd, OshShardWatch **ret_watch,
                   struct in6_addr *ret_address);

/** osh_dial_problem: Returns: (transfer none): why the last attempt failed. */
const char *osh_dial_problem(const OshDial *dial);

G_END_DECLS
