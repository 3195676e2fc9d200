/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-policy.c: the policy that a run begins with, and that doctor looks at. [main].
 */
#include "run.h"

#include <string.h>

#include "openshell/host.h"
#include "plugin-protocols.h"
#include "policy-reload.h"

OshPolicySnapshot *
osh_run_load_policy(const OshOptions *options, const OshConfig *config, const OshPluginSet *plugins,
                    char **ret_messages, GError **error)
{
    const char *path = osh_config_host_text(config, "policy", options->policy);
    gboolean from_input = g_strcmp0(path, "-") == 0;
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GString) bytes = NULL;
    OshPolicySnapshot *snapshot = NULL;

    *ret_messages = NULL;
    if (path == NULL)
        return osh_policy_default();
    protocols = osh_plugin_protocols_read(plugins, config, NULL);
    bytes = osh_policy_read_file(from_input ? NULL : path, diagnostics);
    if (bytes != NULL)
        snapshot = osh_policy_load(
            &(OshPolicyLoadRequest){.protocols = protocols,
                                    .text = bytes->str,
                                    .length = bytes->len,
                                    .file_name = from_input ? "(standard input)" : path,
                                    .generation = 1,
                                    .flags = OSH_RUN_POLICY_FLAGS},
            diagnostics);
    *ret_messages = g_strchomp(osh_policy_diagnostics_format(diagnostics));
    if (snapshot == NULL)
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "the policy cannot be used:");
    return snapshot;
}
