/* SPDX-License-Identifier: Apache-2.0 */
/* Another plugin with the id of good. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=good\n"
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

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create)
