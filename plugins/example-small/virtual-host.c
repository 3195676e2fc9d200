/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual host: http://time.internal/ answers the time of day, and owns no socket.
 *
 * Its functions belong to [shard]; a request lives on one shard and has no state but its reply. The
 * policy has allowed the request before it gets here.
 */
#include <openshell/ext/draft/virtual-host.h>
#include <openshell/openshell.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.time\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Answers the time of day at time.internal\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_VIRTUAL_HOST "\n");

static const char *const *
time_names(gpointer instance)
{
    static const char *const names[] = {"time.internal", NULL};

    (void)instance;
    return names;
}

static gpointer
time_request(gpointer instance, const char *name, const OshHttpHead *head, const OshFacts *facts,
             const OshVirtualReply *reply, GError **error)
{
    gboolean get = head->method.length == 3 && memcmp(head->method.data, "GET", 3) == 0;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *text = g_date_time_format(now, "%FT%TZ\n");

    (void)instance;
    (void)name;
    (void)facts;
    (void)error;
    osh_virtual_reply_respond(reply, get ? 200 : 405, "text/plain", osh_span(get ? text : ""));
    return (gpointer)reply;
}

static const OshVirtualHostInterface time_host = {
    .struct_size = sizeof(OshVirtualHostInterface),
    .names = time_names,
    .request = time_request,
};

static gboolean
time_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

static gboolean
time_get_interface(const OshHost *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_VIRTUAL_HOST))
        return FALSE;
    ret_interface->vtable = &time_host;
    ret_interface->instance = (gpointer)self;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = time_create, .get_interface = time_get_interface)
