/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-fake-host.h: the host of a plugin's unit test: what the plugin published, logged and
 * reported is kept, and what the host would do is done by the test.
 *
 * The table is strict where the host is strict. It is made from the plugin's manifest, so that a
 * topic that the manifest does not name, or a payload of another type, fails the test. It belongs
 * to one thread, which stands for [main] and for every other.
 *
 * |[<!-- language="C" -->
 * g_autoptr(OshFakeHost) host = osh_fake_host_new(openshell_manifest_text);
 * gpointer self;
 *
 * osh_fake_host_set_config(host, "greeting", g_variant_new_string("welcome"));
 * g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &self, NULL));
 * openshell_plugin_v1.start(self, on_ready, NULL);
 * osh_fake_host_emit(host, OSH_TOPIC_PROCESS_STARTED, payload);
 * g_assert_cmpstr(osh_fake_host_log(host, 0), ==, "welcome, entrypoint /bin/true");
 * ]|
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

/** OshFakeHost: a host that keeps what a plugin asks of it. Opaque. */
typedef struct _OshFakeHost OshFakeHost;

/**
 * OshFakePublication: one call of publish.
 * @topic: its name
 * @payload: the tuple
 * @reservation: that was spent, or 0
 * @process_key: as published
 * @correlation: as published
 * @collapse_key: (nullable): as published
 *
 * Owned by the host.
 */
typedef struct {
    char *topic;
    GVariant *payload;
    guint64 reservation;
    guint64 process_key;
    guint64 correlation;
    char *collapse_key;
} OshFakePublication;

/**
 * osh_fake_host_new:
 * @manifest: text of the plugin's manifest: id, topics and defaults of its configuration
 *
 * Returns: (transfer full): a host for osh_fake_host_free()
 */
OshFakeHost *osh_fake_host_new(const char *manifest);

/** osh_fake_host_free: @host: (transfer full) (nullable): aborts where a reservation was kept. */
void osh_fake_host_free(OshFakeHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshFakeHost, osh_fake_host_free)

/** osh_fake_host_table: Returns: (transfer none): what create is given. */
const OshHost *osh_fake_host_table(OshFakeHost *host);

/** osh_fake_host_set_config: @value: (transfer full): of the type that the manifest states; a
 * floating reference is taken. Before create. */
void osh_fake_host_set_config(OshFakeHost *host, const char *key, GVariant *value);

/** osh_fake_host_add_interface: an interface that the plugin may find; several of one id may. */
void osh_fake_host_add_interface(OshFakeHost *host, const char *id, OshInterface interface);

/** osh_fake_host_add_manifest: what the plugin reads as the manifest of @plugin_id. */
void osh_fake_host_add_manifest(OshFakeHost *host, const char *plugin_id, const char *manifest);

/** osh_fake_host_emit: an event of another plugin, to each subscription that matches; retained
 * ones come at once as well. @payload: (transfer full): a floating reference is taken. */
void osh_fake_host_emit(OshFakeHost *host, const char *topic, GVariant *payload);

/** osh_fake_host_set_capacity: reservations of each lossless topic that are free; G_MAXUINT unless
 * set. More than before calls what waits for capacity. */
void osh_fake_host_set_capacity(OshFakeHost *host, guint capacity);

/** osh_fake_host_set_unwanted: whether osh_host_topic_wanted() says that nobody listens. */
void osh_fake_host_set_unwanted(OshFakeHost *host, gboolean unwanted);

/** osh_fake_host_run_invoked: runs what was given to osh_host_invoke(). Returns: how many. */
guint osh_fake_host_run_invoked(OshFakeHost *host);

/** osh_fake_host_n_published: Returns: publications so far. */
guint osh_fake_host_n_published(const OshFakeHost *host);
/** osh_fake_host_published: Returns: (transfer none): publication number @index, from 0. */
const OshFakePublication *osh_fake_host_published(const OshFakeHost *host, guint index);

/** osh_fake_host_n_logs: Returns: lines so far. */
guint osh_fake_host_n_logs(const OshFakeHost *host);
/** osh_fake_host_log: Returns: (transfer none): line number @index, from 0. */
const char *osh_fake_host_log(const OshFakeHost *host, guint index);

/** osh_fake_host_n_faults: Returns: faults so far. */
guint osh_fake_host_n_faults(const OshFakeHost *host);
/** osh_fake_host_fault: Returns: (transfer none): message of fault number @index, from 0. */
const char *osh_fake_host_fault(const OshFakeHost *host, guint index);

/** osh_fake_host_n_subscriptions: Returns: subscriptions that are there. */
guint osh_fake_host_n_subscriptions(const OshFakeHost *host);

G_END_DECLS
