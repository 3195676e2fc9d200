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
test_create(const OshHost *host, gpointer *ret_self, GError **error)
{
    (void)error;
    *ret_self = (gpointer)host;
    return TRUE;
}

static void
test_fault(gpointer data)
{
    g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the wheel came off");

    osh_host_fault(data, OSH_FAULT_FATAL, error);
}

static void
test_start(gpointer self, OshReadyFunc ready, gpointer data)
{
    osh_host_invoke(self, test_fault, self, NULL);
    ready(data, NULL);
}

OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
    OSH_PLUGIN_ENTRY_INIT,
    .create = test_create,
    .start = test_start,
};
