/* SPDX-License-Identifier: Apache-2.0 */
/* Provides by its manifest what it does not answer for. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=false-provider\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n"
                    "provides=test.promised/1\n");

static gboolean
test_create(const OshHost *host, gpointer *ret_self, GError **error)
{
    (void)error;
    *ret_self = (gpointer)host;
    return TRUE;
}

static gboolean
test_get_interface(gpointer self, const char *id, OshInterface *ret_interface)
{
    (void)self;
    (void)id;
    (void)ret_interface;
    return FALSE;
}

OSH_PLUGIN_EXPORT const OshPluginEntry openshell_plugin_v1 = {
    OSH_PLUGIN_ENTRY_INIT,
    .create = test_create,
    .get_interface = test_get_interface,
};
