/* SPDX-License-Identifier: Apache-2.0 */
/* Its start never answers. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=never-ready\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n");

static gboolean
test_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

static void
test_start(const OshHost *self, OshReadyFunc ready, gpointer data)
{
    (void)self;
    (void)ready;
    (void)data;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create, .start = test_start)
