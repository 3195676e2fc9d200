/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The L7 harness: what a test states about a connection, and all runs of it compared.
 *
 * Belongs to the test's thread. What happens in a run is in osh-l7-run.c; nothing here calls a
 * session.
 */
#include <string.h>

#include "osh-l7-run.h"

static void
edit_free(gpointer data)
{
    OshL7HarnessEdit *edit = data;

    g_free(edit->name);
    g_free(edit->value);
    g_free(edit->secret);
    g_free(edit);
}

static void
step_free(gpointer data)
{
    OshL7Step *step = data;

    g_clear_pointer(&step->bytes, g_bytes_unref);
    g_free(step);
}

static void
read_manifest(OshL7Harness *harness, const char *manifest)
{
    harness->declared = osh_l7_declaration_new(manifest, NULL);
    if (harness->declared == NULL)
        g_error("the manifest cannot be read, or declares no protocol");
    harness->connection.protocol = g_intern_string(harness->declared->protocol);
}

OshL7Harness *
osh_l7_harness_new(const OshInterface *protocol, const char *manifest)
{
    OshL7Harness *harness = g_new0(OshL7Harness, 1);

    harness->protocol = protocol;
    harness->connection = (OshL7Connection){.struct_size = sizeof(OshL7Connection),
                                            .protocol = "",
                                            .host = "server.example",
                                            .port = 7000,
                                            .window_cap = {OSH_L7_WINDOW_MIN, OSH_L7_WINDOW_MIN},
                                            .connection = 1};
    harness->policy = osh_scripted_policy_new(OSH_ACTION_ALLOW);
    harness->secrets = g_ptr_array_new_with_free_func(g_free);
    harness->edits = g_ptr_array_new_with_free_func(edit_free);
    harness->steps = g_ptr_array_new_with_free_func(step_free);
    if (manifest != NULL)
        read_manifest(harness, manifest);
    return harness;
}

OshL7Harness *
osh_l7_harness_new_for_plugin(const OshPluginEntry *entry, const char *manifest)
{
    OshFakeHost *host = osh_fake_host_new(manifest);
    OshInterface protocol = {0};
    gpointer plugin = NULL;
    g_autoptr(GError) error = NULL;
    OshL7Harness *harness;

    if (!entry->create(osh_fake_host_table(host), &plugin, &error))
        g_error("the plugin cannot be created: %s", error != NULL ? error->message : "no reason");
    if (entry->get_interface == NULL ||
        !entry->get_interface(plugin, OSH_INTERFACE_L7_PROTOCOL, &protocol))
        g_error("the plugin provides no %s", OSH_INTERFACE_L7_PROTOCOL);
    protocol.provider = "test";
    harness = osh_l7_harness_new(NULL, manifest);
    harness->entry = entry;
    harness->host = host;
    harness->plugin = plugin;
    harness->provided = protocol;
    harness->protocol = &harness->provided;
    return harness;
}

void
osh_l7_harness_free(OshL7Harness *harness)
{
    if (harness == NULL)
        return;
    if (harness->entry != NULL && harness->entry->destroy != NULL)
        harness->entry->destroy(harness->plugin);
    osh_fake_host_free(harness->host);
    osh_scripted_policy_free(harness->policy);
    osh_l7_declaration_free(harness->declared);
    g_ptr_array_unref(harness->secrets);
    g_ptr_array_unref(harness->edits);
    g_ptr_array_unref(harness->steps);
    g_free(harness->replace_from);
    g_free(harness->replace_to);
    g_free(harness);
}

OshL7Connection *
osh_l7_harness_connection(OshL7Harness *harness)
{
    return &harness->connection;
}

OshScriptedPolicy *
osh_l7_harness_policy(OshL7Harness *harness)
{
    return harness->policy;
}

void
osh_l7_harness_add_secret(OshL7Harness *harness, const char *placeholder, const char *secret)
{
    g_ptr_array_add(harness->secrets, g_strdup(placeholder));
    g_ptr_array_add(harness->secrets, g_strdup(secret));
}

static void
add_edit(OshL7Harness *harness, const char *name, const char *value, const char *secret)
{
    OshL7HarnessEdit *edit = g_new0(OshL7HarnessEdit, 1);

    edit->name = g_strdup(name);
    edit->value = g_strdup(value);
    edit->secret = g_strdup(secret);
    g_ptr_array_add(harness->edits, edit);
}

void
osh_l7_harness_add_edit(OshL7Harness *harness, const char *name, const char *value)
{
    add_edit(harness, name, value, NULL);
}

void
osh_l7_harness_add_injection(OshL7Harness *harness, const char *name, const char *secret)
{
    add_edit(harness, name, NULL, secret);
}

void
osh_l7_harness_replace_content(OshL7Harness *harness, const char *from, const char *to)
{
    harness->replace_from = g_strdup(from);
    harness->replace_to = g_strdup(to);
}

void
osh_l7_harness_stream_content(OshL7Harness *harness)
{
    harness->stream = TRUE;
}

void
osh_l7_harness_allow_content_after(OshL7Harness *harness, gsize length)
{
    harness->allow_after = length;
}

void
osh_l7_harness_inspect_responses(OshL7Harness *harness, guint64 limit)
{
    harness->response_limit = limit;
}

void
osh_l7_harness_preflight_responses(OshL7Harness *harness, gboolean pass)
{
    harness->response_preflight = TRUE;
    harness->response_passes = pass;
}

void
osh_l7_harness_set_refusal(OshL7Harness *harness, const OshInspectionRefusal *refusal)
{
    harness->refusal = refusal;
}

void
osh_l7_harness_agree_to_upgrades(OshL7Harness *harness)
{
    harness->upgrades = TRUE;
}

static void
add_step(OshL7Harness *harness, OshL7StepType type, guint direction, GBytes *bytes, gint64 number)
{
    OshL7Step *step = g_new0(OshL7Step, 1);

    step->type = type;
    step->direction = direction;
    step->bytes = bytes;
    step->number = number;
    g_ptr_array_add(harness->steps, step);
}

static void
add_bytes(OshL7Harness *harness, guint direction, const char *bytes, gssize length)
{
    gsize size = length < 0 ? strlen(bytes) : (gsize)length;

    add_step(harness, OSH_L7_STEP_BYTES, direction, g_bytes_new(bytes, size), 0);
}

void
osh_l7_harness_client(OshL7Harness *harness, const char *bytes, gssize length)
{
    add_bytes(harness, OSH_CLIENT_TO_SERVER, bytes, length);
}

void
osh_l7_harness_server(OshL7Harness *harness, const char *bytes, gssize length)
{
    add_bytes(harness, OSH_SERVER_TO_CLIENT, bytes, length);
}

void
osh_l7_harness_end(OshL7Harness *harness, OshDirection direction)
{
    add_step(harness, OSH_L7_STEP_END, direction, NULL, 0);
}

void
osh_l7_harness_reset(OshL7Harness *harness, OshDirection direction)
{
    add_step(harness, OSH_L7_STEP_RESET, direction, NULL, 0);
}

void
osh_l7_harness_advance(OshL7Harness *harness, gint64 microseconds)
{
    add_step(harness, OSH_L7_STEP_ADVANCE, 0, NULL, microseconds);
}

void
osh_l7_harness_terminate(OshL7Harness *harness, OshL7TerminateReason reason)
{
    add_step(harness, OSH_L7_STEP_TERMINATE, 0, NULL, reason);
}

OshL7Outcome *
osh_l7_harness_run_all(OshL7Harness *harness, guint n_random)
{
    OshL7Outcome *first = osh_l7_harness_run(harness, OSH_L7_SPLIT_WHOLE, 1);
    g_autofree char *expected = osh_l7_outcome_describe(first);

    for (guint i = 1; i < OSH_L7_SPLIT_RANDOM + n_random && first->violation == NULL; i++) {
        OshL7Split split = MIN(i, OSH_L7_SPLIT_RANDOM);
        guint32 seed = i < OSH_L7_SPLIT_RANDOM ? 1 : i - OSH_L7_SPLIT_RANDOM + 1;
        g_autoptr(OshL7Outcome) next = osh_l7_harness_run(harness, split, seed);
        g_autofree char *text = osh_l7_outcome_describe(next);

        if (next->violation != NULL) {
            first->violation =
                g_strdup_printf("split %u, seed %u: %s", split, seed, next->violation);
            first->rule = next->rule;
        } else if (!g_str_equal(expected, text)) {
            first->violation =
                g_strdup_printf("split %u, seed %u differs:\n%s\nfrom the bytes as a whole:\n%s",
                                split, seed, text, expected);
        }
    }
    return first;
}
