/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that does what the test program tells it: every function of it stands there. Built once
 * for each id, with TOLD_ID and what else stands in meson.build. [main]
 */
#include <openshell/plugin.h>

#include "told-plugin.h"

#ifdef TOLD_PROVIDES
#define PROVIDES "provides=" TOLD_PROVIDES "\n"
#else
#define PROVIDES ""
#endif
#ifdef TOLD_REQUIRES
#define REQUIRES "requires=" TOLD_REQUIRES "\n"
#else
#define REQUIRES ""
#endif
#ifdef TOLD_WANTS
#define WANTS "wants=" TOLD_WANTS "\n"
#else
#define WANTS ""
#endif
#ifndef TOLD_CARRIER
#define TOLD_CARRIER "tcp"
#endif
#ifdef TOLD_PROTOCOL
#define PROTOCOL "[protocol " TOLD_PROTOCOL "]\ncarrier=" TOLD_CARRIER "\n"
#else
#define PROTOCOL ""
#endif
#ifdef TOLD_ROLE
#define ROLE "role=" TOLD_ROLE "\n"
#else
#define ROLE ""
#endif

OSH_PLUGIN_MANIFEST("[plugin]\nid=" TOLD_ID "\nversion=1.0.0\nabi=1.0\nsummary=Does as it is told\n"
                    "license=Apache-2.0\n" PROVIDES REQUIRES WANTS ROLE PROTOCOL);

static gboolean
create(const OshHost *host, gpointer *ret_self, GError **error)
{
    (void)host;
    *ret_self = (gpointer)TOLD_ID;
    return told_create(TOLD_ID, error);
}

static void
start(gpointer self, OshReadyFunc ready, gpointer data)
{
    told_start(self, ready, data);
}

static void
stop(gpointer self, gint64 deadline, OshDoneFunc done, gpointer data)
{
    (void)deadline;
    told_stop(self, done, data);
}

static void
destroy(gpointer self)
{
    told_destroy(self);
}

static gboolean
get_interface(gpointer self, const char *id, OshInterface *ret_interface)
{
    return told_get_interface(self, id, ret_interface);
}

#ifndef TOLD_SIZE
#define TOLD_SIZE sizeof(OshPluginEntry)
#endif

OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
    .struct_size = TOLD_SIZE,
    .abi_major = OSH_ABI_MAJOR,
    .abi_minor = OSH_ABI_MINOR,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .get_interface = get_interface,
};
