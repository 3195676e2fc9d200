/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that declares a protocol with facts of every shape and drives nothing: what the policy
 * may say about it is known from its manifest alone. [main]; its code must never be needed.
 */
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.demo\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Declares a protocol for a test\n"
                    "license=Apache-2.0\n"
                    "[protocol demo]\n"
                    "carrier=tcp\n"
                    "[fact demo.command]\n"
                    "protocol=demo\n"
                    "type=string\n"
                    "[fact demo.key]\n"
                    "protocol=demo\n"
                    "type=strings\n"
                    "separator=:\n"
                    "[fact demo.database]\n"
                    "protocol=demo\n"
                    "type=integer\n"
                    "[fact demo.readonly]\n"
                    "protocol=demo\n"
                    "type=boolean\n"
                    "[fact demo.user]\n"
                    "protocol=demo\n"
                    "type=string\n"
                    "sensitivity=sensitive\n"
                    "[fact demo.calls]\n"
                    "protocol=demo\n"
                    "type=records\n"
                    "fields=name;args:strings;count:integer\n"
                    "[protocol demo-http]\n"
                    "carrier=http\n"
                    "[fact demo-http.verb]\n"
                    "protocol=demo-http\n"
                    "type=string\n");

static void say_loaded(void) __attribute__((constructor));

static void
say_loaded(void)
{
    g_printerr("protocol-demo was loaded\n");
}

static gboolean
demo_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = demo_create)
