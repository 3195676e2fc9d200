/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin whose manifest declares everything that a setting, a protocol and a fact may have. For
 * `plugins inspect` and the policy loader. [main]; its code must never be needed.
 */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.settings\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Declares settings for a test\n"
                    "license=Apache-2.0\n"
                    "[config mode]\n"
                    "type=string\n"
                    "choices=fast;safe\n"
                    "default=safe\n"
                    "help=How\n"
                    "[config steps]\n"
                    "type=integer\n"
                    "min=1\n"
                    "help=How many\n"
                    "[protocol settings]\n"
                    "carrier=tcp\n"
                    "window=65536\n"
                    "action=settings.command\n"
                    "target=settings.names\n"
                    "[fact settings.command]\n"
                    "protocol=settings\n"
                    "type=string\n"
                    "values=GET;SET\n"
                    "[fact settings.names]\n"
                    "protocol=settings\n"
                    "type=strings\n"
                    "[option database]\n"
                    "protocol=settings\n"
                    "type=integer\n"
                    "min=0\n"
                    "max=15\n"
                    "default=0\n"
                    "help=Which one\n");

static gboolean
settings_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = settings_create)
