/* SPDX-License-Identifier: Apache-2.0 */
/* Its create fails without an error. [main]; must never do anything else. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=create-silent\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n");

static gboolean
test_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)host;
    (void)ret_self;
    (void)error;
    return FALSE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create)
