/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run-recording.c: begins and ends the recording of a run. [main]. It must never end a recording
 * that lacks something without saying so.
 */
#include "run-recording.h"

#include "record-file.h"

/* Called when the manifests are read: a plugin's fact is written only when they call it plain. */
static void
keep_plain_facts(OshRecorder *recorder, OshRegistry *registry)
{
    const GPtrArray *plugins = osh_registry_plugins(registry);

    for (guint i = 0; i < plugins->len; i++) {
        const OshPlugin *plugin = g_ptr_array_index(plugins, i);

        for (guint k = 0; plugin->manifest != NULL && k < plugin->manifest->facts->len; k++) {
            const OshManifestFact *fact = g_ptr_array_index(plugin->manifest->facts, k);

            if (!fact->sensitive)
                osh_recorder_keep_fact(recorder, fact->name);
        }
    }
}

/* Of the recorder's thread: a decision that cannot be recorded is a denial. */
static void
recording_trouble(const char *problem, gpointer data)
{
    osh_bus_hold(data, problem != NULL);
    if (problem == NULL)
        g_printerr("openshell: the recording is written again\n");
    else
        g_printerr("openshell: the recording cannot be written: %s; until it can be written, what "
                   "the policy allows is denied too (audit-full)\n",
                   problem);
}

OshRecorder *
osh_run_record(const char *path, const char *const *writable, OshRegistry *registry,
               OshPolicyService *policy, OshBus *bus, gboolean audit, GError **error)
{
    g_autoptr(OshPolicySnapshot) snapshot = osh_policy_service_ref_current(policy);
    int fd = osh_record_file_open(path, writable, error);
    OshRecorder *recorder;

    if (fd < 0)
        return NULL;
    recorder = osh_recorder_new(fd, path, snapshot, audit, error);
    if (recorder == NULL)
        return NULL;
    keep_plain_facts(recorder, registry);
    osh_recorder_on_trouble(recorder, recording_trouble, bus);
    osh_policy_service_set_recorder(policy, recorder);
    return recorder;
}

void
osh_run_record_end(OshRecorder *recorder, OshPolicyService *policy)
{
    g_autofree char *problem = NULL;

    if (recorder == NULL)
        return;
    osh_policy_service_set_recorder(policy, NULL);
    problem = osh_recorder_finish(recorder);
    if (problem != NULL)
        g_printerr("openshell: %s\n", problem);
}
