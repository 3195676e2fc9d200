/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told-plugins-test-support.h: what a plugin of testdata/ is told, what it was asked, and a
 * registry with those that a test names.
 */
#pragma once

#include "openshell/ext/draft/event-sink.h"
#include "openshell/ext/launch-contributor.h"
#include "registry.h"
#include "testdata/told-plugin.h"

G_BEGIN_DECLS

typedef struct {
    char *folder;
    OshBus *bus;
    OshRegistry *registry; /* from osh_told_scan() on */
    guint finished;        /* walks */
    GError *error;         /* of the last walk */
    const char *failed;    /* the required plugin that failed while it ran */
} OshToldFixture;

/* What the plugins are told, and what they were asked: "start first, start second". */
typedef struct {
    GString *asked;
    const char *fails;    /* who fails to be created, or to start */
    const char *hangs;    /* who does not answer yet */
    const char *denies;   /* (nullable): the interface that no plugin answers for */
    const char *pretends; /* (nullable): who is said to provide every interface */
    OshReadyFunc ready;
    OshDoneFunc done;
    gpointer data;
    const OshLaunchContributorInterface *contributor;
    const OshEventSinkInterface *sink;
} OshTold;

extern OshTold osh_told;

/** osh_told_set_up: for g_test_add(); so is osh_told_tear_down(). */
void osh_told_set_up(OshToldFixture *fixture, gconstpointer data);
void osh_told_tear_down(OshToldFixture *fixture, gconstpointer data);

/** osh_told_expect_asked: what the plugins were asked since the last look. */
void osh_told_expect_asked(const char *text);

/** osh_told_copy_plugin: @as: (nullable): the name of the file, which decides the order in which
 * plugins are found. Returns: (transfer full): its path. */
char *osh_told_copy_plugin(const char *folder, const char *id, const char *as);

/** osh_told_scan: finds the plugins of @ids, in the order of the letters. */
void osh_told_scan(OshToldFixture *fixture, const char *ids);

/** osh_told_configure: @writable: (nullable): what the box may write. */
void osh_told_configure(OshToldFixture *fixture, const char *text, const char *writable);

/** osh_told_create_scanned: configures and creates; osh_told_create_all() scans before. */
void osh_told_create_scanned(OshToldFixture *fixture);
void osh_told_create_all(OshToldFixture *fixture, const char *ids);

OshPlugin *osh_told_find(OshToldFixture *fixture, const char *id);
/** osh_told_expect_state: @reason: (nullable): a part of why. */
void osh_told_expect_state(OshToldFixture *fixture, const char *id, OshPluginState state,
                           const char *reason);

/** osh_told_start: starts and waits for the end of it, at most @time; so does osh_told_stop(). */
void osh_told_start(OshToldFixture *fixture, gint64 time);
void osh_told_stop(OshToldFixture *fixture, gint64 time);
void osh_told_walk_finished(const GError *error, gpointer data);
void osh_told_wait_for_walk(OshToldFixture *fixture, guint finished);

G_END_DECLS
