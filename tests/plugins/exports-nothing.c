/* SPDX-License-Identifier: Apache-2.0 */
/* Has a manifest and no entry; must never get one. */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=exports-nothing\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n");
