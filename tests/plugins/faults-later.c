/* SPDX-License-Identifier: Apache-2.0 */
/* Reports a fatal fault once the main loop turns. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=faults-later\n"
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
test_fault(gpointer data)
{
    g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the wheel came off");

    osh_host_fault(data, OSH_FAULT_FATAL, error);
}

static void
test_start(const OshHost *self, OshReadyFunc ready, gpointer data)
{
    osh_host_invoke(self, test_fault, (gpointer)self, NULL);
    ready(data, NULL);
}

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create, .start = test_start)
