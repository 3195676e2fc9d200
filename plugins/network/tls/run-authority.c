/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-authority.c: nothing of TLS before a program can need it: libcrypto takes more of a start
 * than everything else of the network. [main].
 *
 * The module lies beside the plugin under a name that no search for plugins takes. It is linked to
 * libssl and libcrypto, and gets those that were chosen at the start, because they are loaded
 * first.
 */
#include "run-authority.h"

#include "certificate-bundle.h"
#include "interceptor.h"

#include <openssl/opensslv.h>

#define LIBCRYPTO "libcrypto.so." G_STRINGIFY(OPENSSL_SHLIB_VERSION)
#define LIBSSL    "libssl.so." G_STRINGIFY(OPENSSL_SHLIB_VERSION)
#define MODULE    "openshell-network-tls.module"

/* An address in the plugin, by which its folder is found. */
static const char here;

static gboolean
policy_inspects(const OshInterface *policy)
{
    OshPolicySnapshot *snapshot = osh_policy_interface_current(policy);
    gboolean inspects =
        osh_policy_static_inspects(osh_policy_interface_static_part(policy, snapshot));

    osh_policy_interface_release(policy, snapshot);
    return inspects;
}

void
osh_run_authority_choose(OshRunAuthority *authority, gboolean always, const OshInterface *policy)
{
    authority->wanted = always || policy_inspects(policy);
    if (!authority->wanted)
        return;
    authority->libcrypto = osh_lazy_library_find(LIBCRYPTO);
    authority->libssl = osh_lazy_library_find(LIBSSL);
    authority->module = osh_lazy_library_beside(&here, MODULE);
}

gboolean
osh_run_authority_make(OshRunAuthority *authority, GError **error)
{
    OshTlsSettings settings = authority->settings;

    if (!authority->wanted)
        return TRUE;
    settings.revocation_list_uri = OSH_REVOCATION_LIST_URI;
    if (settings.upstream_roots == NULL)
        settings.upstream_roots = osh_certificate_roots_of_host();
    if (!osh_lazy_library_load(authority->libcrypto, error) ||
        !osh_lazy_library_load(authority->libssl, error))
        return FALSE;
    authority->functions = osh_lazy_library_symbol(authority->module, OSH_TLS_MODULE_SYMBOL, error);
    if (authority->functions != NULL)
        authority->engine = authority->functions->engine_new(&settings, error);
    return authority->engine != NULL;
}

const char *
osh_run_authority_pem(const OshRunAuthority *authority)
{
    return authority->engine != NULL ? authority->functions->engine_authority_pem(authority->engine)
                                     : NULL;
}

const char *
osh_run_authority_policy_changed(OshRunAuthority *authority, const OshInterface *policy)
{
    gboolean missing = authority->engine == NULL && policy_inspects(policy);
    gboolean said = authority->told;

    authority->told = missing;
    if (!missing || said)
        return NULL;
    return "the policy now inspects connections, and programs of this box do not trust the run's "
           "certificate authority: needs a restart; network.tls=always prepares for it";
}

void
osh_run_authority_clear(OshRunAuthority *authority)
{
    if (authority->engine != NULL)
        authority->functions->engine_free(g_steal_pointer(&authority->engine));
    g_clear_pointer(&authority->libcrypto, osh_lazy_library_free);
    g_clear_pointer(&authority->libssl, osh_lazy_library_free);
    g_clear_pointer(&authority->module, osh_lazy_library_free);
}
