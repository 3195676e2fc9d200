/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A credential provider for e2e/virtual-host-test.py: in a header value the word PLACE becomes a
 * secret, for one host. [shard]; what it gives out are constants.
 */
#include <openshell/ext/draft/credential-provider.h>
#include <openshell/plugin.h>

#include <string.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.credentials\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Has one credential for a test\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_CREDENTIAL_PROVIDER "\n"
                    "[config host]\n"
                    "type=string\n"
                    "default=none\n"
                    "help=which host it is bound to\n");

#define PLACE  "Bearer PLACE"
#define SECRET "Bearer s3cret"

typedef struct {
    char *host;
} Credentials;

static void
credentials_prepare(gpointer instance, const OshCredentialEndpoint *endpoint,
                    OshCredentialFunc done, gpointer data)
{
    const Credentials *credentials = instance;
    g_autoptr(GError) error = NULL;

    if (!endpoint->verified_tls || !g_str_equal(endpoint->host, credentials->host))
        error = g_error_new_literal(OSH_ERROR, OSH_ERROR_DENIED, "nothing is bound there");
    done(error == NULL ? instance : NULL, error, data);
}

static void
credentials_lease(gpointer instance, OshCredentialSet *set, OshSpan text, OshSlotContext context,
                  OshSpan forbidden, OshLeaseAnswer *answer)
{
    (void)set;
    (void)forbidden;
    answer->state = OSH_LEASE_UNTOUCHED;
    if (context != OSH_SLOT_HEADER || text.length != strlen(PLACE) ||
        memcmp(text.data, PLACE, text.length) != 0)
        return;
    answer->state = OSH_LEASE_REPLACED;
    answer->lease = instance;
    answer->length = strlen(SECRET);
}

static gboolean
credentials_read(gpointer instance, OshLease *lease, guint64 offset, guint8 *ret_bytes,
                 gsize length)
{
    (void)instance;
    (void)lease;
    memcpy(ret_bytes, SECRET + offset, length);
    return TRUE;
}

static const OshCredentialProviderInterface credentials_vtable = {
    .struct_size = sizeof(OshCredentialProviderInterface),
    .prepare = credentials_prepare,
    .lease = credentials_lease,
    .read = credentials_read,
};

static gboolean
credentials_create(const OshHost *host, Credentials **ret_self, GError **error)
{
    Credentials *credentials = g_new0(Credentials, 1);

    (void)error;
    credentials->host = osh_host_config_string(host, "host");
    *ret_self = credentials;
    return TRUE;
}

static void
credentials_destroy(Credentials *credentials)
{
    g_free(credentials->host);
    g_free(credentials);
}

static gboolean
credentials_get_interface(Credentials *credentials, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_CREDENTIAL_PROVIDER))
        return FALSE;
    ret_interface->vtable = &credentials_vtable;
    ret_interface->instance = credentials;
    return TRUE;
}

OSH_PLUGIN_DEFINE(Credentials, .create = credentials_create, .destroy = credentials_destroy,
                  .get_interface = credentials_get_interface)
