/* SPDX-License-Identifier: Apache-2.0 */
/* Claims a name that another plugin claims, or one that nobody may. [main]; never answers. */
#include <openshell/ext/draft/virtual-host.h>
#include <openshell/plugin.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.twin\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Claims a name for a test\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_VIRTUAL_HOST "\n"
                    "[config name]\n"
                    "type=string\n"
                    "default=echo.internal\n"
                    "help=the name\n");

typedef struct {
    char *names[2];
} Twin;

static const char *const *
twin_names(gpointer instance)
{
    return (const char *const *)((Twin *)instance)->names;
}

static const OshVirtualHostInterface twin_vtable = {
    .struct_size = sizeof(OshVirtualHostInterface),
    .names = twin_names,
};

static gboolean
twin_create(const OshHost *host, Twin **ret_self, GError **error)
{
    Twin *twin = g_new0(Twin, 1);

    (void)error;
    twin->names[0] = osh_host_config_string(host, "name");
    *ret_self = twin;
    return TRUE;
}

static void
twin_destroy(Twin *twin)
{
    g_free(twin->names[0]);
    g_free(twin);
}

static gboolean
twin_get_interface(Twin *twin, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_VIRTUAL_HOST))
        return FALSE;
    ret_interface->vtable = &twin_vtable;
    ret_interface->instance = twin;
    return TRUE;
}

OSH_PLUGIN_DEFINE(Twin, .create = twin_create, .destroy = twin_destroy,
                  .get_interface = twin_get_interface)
