/* SPDX-License-Identifier: Apache-2.0 */
/* Its manifest has a key that nobody knows. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=unknown-key\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n"
                    "privides=openshell.test/1\n");

static gboolean
test_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create)
