/* SPDX-License-Identifier: Apache-2.0 */
/* Requires what cycle-two provides, and the other way round. [main]; must never do anything else.
 */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=cycle-one\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n"
                    "provides=test.one/1\n"
                    "requires=test.two/1\n");

static gboolean
test_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = test_create)
