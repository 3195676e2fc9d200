/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer-identity.c: openshell.peer-identity/1 of the box: from a tuple to the program behind it.
 *
 * [main, shard]: a question is answered on the thread that asked, by the scanner's thread. The
 * workload is the tree below the box's init: what it costs follows the box's processes and not the
 * machine's. It must never guess: a socket that is not found exactly, a holder that cannot be read
 * and holders that differ are errors.
 */
#include "process-plugin.h"

typedef struct {
    const OshProcessPlugin *plugin;
    OshPeerFunc done;
    gpointer data;
    gint64 deadline;
} Question;

static OshError
error_code(OshIdentityAnswer answer)
{
    switch (answer) {
    case OSH_IDENTITY_NOBODY:
    case OSH_IDENTITY_NO_SOCKET:
        return OSH_ERROR_NOT_FOUND;
    case OSH_IDENTITY_UNCERTAIN:
    case OSH_IDENTITY_FOUND:
        break;
    }
    return OSH_ERROR_DENIED;
}

static void
answer_peer(const Question *question, const OshPeerIdentity *identity, gint64 read_at)
{
    const OshPeer peer = {
        .struct_size = sizeof peer,
        .pid = identity->pid,
        .start_time = identity->start_time,
        .uid = question->plugin->workload_uid,
        .read_at = read_at,
        .binary = osh_span(identity->binary),
        .binary_sha256 = osh_span(identity->sha256),
        .ancestors = identity->ancestors,
        .n_ancestors = identity->n_ancestors,
        .cmdline = identity->cmdline,
        .n_cmdline = identity->n_cmdline,
    };

    question->done(&peer, NULL, question->data);
}

static void
answer_error(const Question *question, OshError code, const char *text)
{
    g_autoptr(GError) error = g_error_new_literal(OSH_ERROR, (gint)code, text);

    question->done(NULL, error, question->data);
}

static void
looked_up(OshIdentityAnswer answer, OshPeerIdentity *identity, const char *problem, gint64 read_at,
          gpointer data)
{
    Question *question = data;

    if (g_get_monotonic_time() > question->deadline)
        answer_error(question, OSH_ERROR_TIMEOUT, "the program could not be identified in time");
    else if (answer == OSH_IDENTITY_FOUND)
        answer_peer(question, identity, read_at);
    else
        answer_error(question, error_code(answer), problem);
    g_free(question);
}

static void
peer_lookup(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
            gpointer data)
{
    const OshProcessPlugin *plugin = instance;
    Question refused = {plugin, done, data, deadline};
    Question *question;
    gint shard = plugin->scanner_has_shards ? osh_shard_current(&plugin->shard) : -1;

    if (plugin->scanner == NULL || tuple->struct_size < sizeof *tuple) {
        answer_error(&refused, OSH_ERROR_UNSUPPORTED, "there is no box whose programs connect");
        return;
    }
    question = g_memdup2(&refused, sizeof refused);
    osh_identity_lookup_tuple(plugin->scanner, shard >= 0 ? (guint)shard : OSH_IDENTITY_ON_MAIN,
                              tuple, looked_up, question);
}

const OshPeerIdentityInterface osh_peer_identity_vtable = {
    .struct_size = sizeof(OshPeerIdentityInterface),
    .lookup = peer_lookup,
};

gboolean
osh_process_start_scanner(OshProcessPlugin *plugin, GError **error)
{
    OshWorkload workload = {0};

    if (plugin->box == NULL)
        return TRUE;
    workload.init_pid = plugin->box->info.init_pid;
    plugin->workload_uid = plugin->box->info.uid;
    plugin->scanner_has_shards =
        osh_host_get_interface(plugin->host, OSH_INTERFACE_SHARD, &plugin->shard);
    plugin->scanner =
        osh_identity_scanner_new(plugin->host, plugin->scanner_has_shards ? &plugin->shard : NULL,
                                 &workload, osh_process_take_diag_socket(plugin->box), error);
    return plugin->scanner != NULL;
}
