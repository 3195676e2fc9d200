/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream-request.h: one HTTP/1 request of the data plane's own to one destination. [shard]
 *
 * Looked up, checked, recorded and dialled as a connection of a program is, over a connection that
 * serves this request alone.
 */
#pragma once

#include "connection.h"

#include <openshell/ext/draft/virtual-host.h>

G_BEGIN_DECLS

typedef struct _OshUpstreamRequest OshUpstreamRequest;

/**
 * OshUpstreamTarget:
 * @authority: where to
 * @tls: verified TLS to it
 * @path: request target, for the credential provider
 * @head: the whole request head but what a slot replaces; borrowed, stays
 * @body: (nullable): borrowed, stays
 * @slots: (array length=n_slots): where credentials may stand in @head; borrowed, stay
 * @first_byte_timeout: microseconds until there is a response head
 * @idle_timeout: microseconds between two reads of its body
 */
typedef struct {
    OshAuthority authority;
    gboolean tls;
    const char *path;
    const GString *head;
    GBytes *body;
    const OshVirtualSlot *slots;
    gsize n_slots;
    gboolean is_head;
    gint64 first_byte_timeout;
    gint64 idle_timeout;
} OshUpstreamTarget;

/**
 * OshUpstreamEvents: what the owner is told. In @failed, @aborted and @chunk with @last, which are
 * the last of a request, it may free the request.
 * @failed: there is no response head
 * @head: of the response; without framing
 * @chunk: of its body, decoded
 * @aborted: the body broke off
 * @has_capacity: whether @chunk may be called
 */
typedef struct {
    void (*failed)(gpointer owner, const GError *error);
    void (*head)(gpointer owner, const OshHttpHead *head);
    void (*chunk)(gpointer owner, OshSpan bytes, gboolean last);
    void (*aborted)(gpointer owner, const GError *error);
    gboolean (*has_capacity)(gpointer owner);
} OshUpstreamEvents;

/**
 * osh_upstream_request_new:
 * @connection: whose correlation id and program the events of the request have
 * @target: copied, but for what it points to
 *
 * Begins soon, never inside the call.
 *
 * Returns: (transfer full): a request
 */
OshUpstreamRequest *osh_upstream_request_new(OshConnection *connection,
                                             const OshUpstreamTarget *target,
                                             const OshUpstreamEvents *events, gpointer owner);

/** osh_upstream_request_free: @request: (transfer full) (nullable): the owner is told nothing more.
 */
void osh_upstream_request_free(OshUpstreamRequest *request);

/** osh_upstream_request_resume: there is capacity again. May free, as the events say. */
void osh_upstream_request_resume(OshUpstreamRequest *request);

G_END_DECLS
