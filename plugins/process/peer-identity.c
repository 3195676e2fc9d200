/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer-identity.c: openshell.draft.peer-identity/1 of the box: from a tuple to the program behind
 * it.
 *
 * [main, shard]: a question is answered on the thread that asked. Which program made a connection
 * was read at its connect(2) (osh-identity-connect.h) and is answered inside the call, unless an
 * executable is still being hashed; where the kernel cannot notify, and for owners, the scanner's
 * thread is asked. The workload is the tree below the box's init: what it costs follows the box's
 * processes and not the machine's. It must never guess: a socket that is not found exactly, a
 * connection that no known connect(2) made, a process that cannot be read and owners that differ
 * are errors.
 */
#include "process-plugin.h"

#include <errno.h>

typedef struct {
    const OshProcessPlugin *plugin;
    OshPeerFunc done;
    OshPeerOwnersFunc owners_done; /* in place of @done */
    gpointer data;
    gint64 deadline;
    uid_t uid;
    /* Only while an executable is hashed. */
    OshProgram *program;
    gint64 read_at;
    guint shard;
} Question;

static OshError
error_code(OshIdentityAnswer answer)
{
    switch (answer) {
    case OSH_IDENTITY_NOBODY:
    case OSH_IDENTITY_NO_SOCKET:
        return OSH_ERROR_NOT_FOUND;
    case OSH_IDENTITY_UNCERTAIN:
    case OSH_IDENTITY_SHARED:
    case OSH_IDENTITY_FOUND:
        break;
    }
    return OSH_ERROR_DENIED;
}

static OshPeerOwners
owners_word(OshIdentityAnswer answer)
{
    switch (answer) {
    case OSH_IDENTITY_FOUND:
        return OSH_PEER_OWNERS_ONE;
    case OSH_IDENTITY_NOBODY:
        return OSH_PEER_OWNERS_NONE;
    case OSH_IDENTITY_NO_SOCKET:
        return OSH_PEER_OWNERS_CLOSED;
    case OSH_IDENTITY_SHARED:
        return OSH_PEER_OWNERS_SHARED;
    case OSH_IDENTITY_UNCERTAIN:
        break;
    }
    return OSH_PEER_OWNERS_UNCERTAIN;
}

static void
answer_peer(const Question *question, OshPeerOwners owners, const OshPeerIdentity *identity,
            gint64 read_at, OshPeerBasis basis)
{
    const OshPeer peer = {
        .struct_size = sizeof peer,
        .pid = identity->pid,
        .start_time = identity->start_time,
        .uid = question->uid,
        .read_at = read_at,
        .binary = osh_span(identity->binary),
        .binary_sha256 = osh_span(identity->sha256),
        .ancestors = identity->ancestors,
        .n_ancestors = identity->n_ancestors,
        .cmdline = identity->cmdline,
        .n_cmdline = identity->n_cmdline,
        .basis = basis,
        .execution = osh_span(identity->execution),
    };

    if (question->owners_done != NULL)
        question->owners_done(owners, &peer, NULL, question->data);
    else
        question->done(&peer, NULL, question->data);
}

static void
answer_error(const Question *question, OshError code, const char *text)
{
    g_autoptr(GError) error = g_error_new_literal(OSH_ERROR, (gint)code, text);

    if (question->owners_done != NULL)
        question->owners_done(OSH_PEER_OWNERS_UNCERTAIN, NULL, text, question->data);
    else
        question->done(NULL, error, question->data);
}

static void
looked_up(OshIdentityAnswer answer, OshPeerIdentity *identity, const char *problem, gint64 read_at,
          gpointer data)
{
    Question *question = data;

    /* No call waits for the owners of a connection that is open already, and what was read of them
     * late is true. */
    if (question->owners_done == NULL && g_get_monotonic_time() > question->deadline)
        answer_error(question, OSH_ERROR_TIMEOUT, "the program could not be identified in time");
    else if (answer == OSH_IDENTITY_FOUND ||
             (answer == OSH_IDENTITY_SHARED && question->owners_done != NULL))
        answer_peer(question, owners_word(answer), identity, read_at, OSH_PEER_BASIS_OWNERS);
    else if (question->owners_done != NULL)
        question->owners_done(owners_word(answer), NULL, problem, question->data);
    else
        answer_error(question, error_code(answer), problem);
    g_free(question);
}

static guint
current_shard(const OshProcessPlugin *plugin)
{
    gint shard = plugin->scanner_has_shards ? osh_shard_current(&plugin->shard) : -1;

    return shard >= 0 ? (guint)shard : OSH_IDENTITY_ON_MAIN;
}

static void question_hashed(gpointer data);

/* Answers, now or when the program's executables are hashed. */
static void
answer_program(const Question *asked, OshProgram *program, gint64 read_at)
{
    for (;;) {
        g_autoptr(OshPeerIdentity) identity = NULL;
        g_autofree char *problem = NULL;
        OshImage *pending = NULL;
        Question *question;

        switch (osh_program_identity(program, &identity, &pending, &problem)) {
        case OSH_IMAGE_READY:
            if (g_get_monotonic_time() > asked->deadline)
                answer_error(asked, OSH_ERROR_TIMEOUT,
                             "the program could not be identified in time");
            else
                answer_peer(asked, OSH_PEER_OWNERS_ONE, identity, read_at, OSH_PEER_BASIS_CONNECT);
            return;
        case OSH_IMAGE_FAILED:
            answer_error(asked, OSH_ERROR_DENIED, problem);
            return;
        case OSH_IMAGE_PENDING:
            break;
        }
        question = g_memdup2(asked, sizeof *asked);
        question->program = osh_program_ref(program);
        question->read_at = read_at;
        question->shard = current_shard(asked->plugin);
        if (osh_image_table_wait(asked->plugin->images, pending, question_hashed, question))
            return;
        osh_program_unref(question->program);
        g_free(question);
    }
}

/* [main, shard] */
static void
question_go_on(gpointer data)
{
    Question *question = data;

    answer_program(question, question->program, question->read_at);
    osh_program_unref(question->program);
    g_free(question);
}

/* On a thread that hashes. */
static void
question_hashed(gpointer data)
{
    Question *question = data;
    const OshProcessPlugin *plugin = question->plugin;

    if (question->shard == OSH_IDENTITY_ON_MAIN) {
        osh_host_invoke(plugin->host, question_go_on, question, NULL);
        return;
    }
    if (osh_shard_post(&plugin->shard, question->shard, question_go_on, question))
        return;
    /* The shard has ended, and its connections with it. */
    osh_program_unref(question->program);
    g_free(question);
}

static int
find_socket(OshProcessPlugin *plugin, const OshPeerTuple *tuple, OshSocketFound *ret_found)
{
    guint shard = current_shard(plugin);
    OshLockedDiag *diag = &plugin->diags[shard % OSH_PROCESS_N_DIAGS];
    int result = -EOPNOTSUPP;

    g_mutex_lock(&diag->mutex);
    if (diag->diag != NULL)
        result = osh_socket_diag_find(diag->diag, tuple, ret_found);
    g_mutex_unlock(&diag->mutex);
    return result;
}

static void
answer_connector(OshProcessPlugin *plugin, const OshPeerTuple *tuple, Question *question)
{
    g_autoptr(OshProgram) program = NULL;
    g_autofree char *problem = NULL;
    OshSocketFound found;
    gint64 read_at = 0;
    int result = find_socket(plugin, tuple, &found);

    if (g_get_monotonic_time() > question->deadline) {
        answer_error(question, OSH_ERROR_TIMEOUT, "the program could not be identified in time");
        return;
    }
    if (result == -ENOENT) {
        answer_error(question, OSH_ERROR_NOT_FOUND,
                     "the socket at the other end is not known here");
        return;
    }
    if (result != 0) {
        problem = g_strdup_printf("the socket at the other end cannot be looked up: %s",
                                  g_strerror(-result));
        answer_error(question, OSH_ERROR_DENIED, problem);
        return;
    }
    question->uid = found.uid;
    program =
        osh_connect_watch_take(g_atomic_pointer_get(&plugin->connects), &found, &read_at, &problem);
    if (program == NULL)
        answer_error(question, OSH_ERROR_DENIED, problem);
    else
        answer_program(question, program, read_at);
}

static void
ask_scanner(const OshProcessPlugin *plugin, const OshPeerTuple *tuple, OshIdentityPurpose purpose,
            const OshSpan *known, gsize n_known, const Question *asked)
{
    osh_identity_lookup_owners(plugin->scanner, current_shard(plugin), tuple, purpose, known,
                               n_known, looked_up, g_memdup2(asked, sizeof *asked));
}

static gboolean
can_ask(const OshProcessPlugin *plugin, const OshPeerTuple *tuple, const Question *question)
{
    if (plugin->scanner != NULL && tuple->struct_size >= sizeof *tuple)
        return TRUE;
    answer_error(question, OSH_ERROR_UNSUPPORTED, "there is no box whose programs connect");
    return FALSE;
}

static void
peer_lookup(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
            gpointer data)
{
    OshProcessPlugin *plugin = instance;
    Question question = {.plugin = plugin,
                         .done = done,
                         .data = data,
                         .deadline = deadline,
                         .uid = plugin->workload_uid};

    if (!can_ask(plugin, tuple, &question))
        return;
    if (g_atomic_pointer_get(&plugin->connects) != NULL)
        answer_connector(plugin, tuple, &question);
    else
        ask_scanner(plugin, tuple, OSH_IDENTITY_DECIDE, NULL, 0, &question);
}

static void
peer_owners(gpointer instance, const OshPeerTuple *tuple, const OshSpan *known, gsize n_known,
            gint64 deadline, OshPeerOwnersFunc done, gpointer data)
{
    OshProcessPlugin *plugin = instance;
    const Question question = {.plugin = plugin,
                               .owners_done = done,
                               .data = data,
                               .deadline = deadline,
                               .uid = plugin->workload_uid};

    if (can_ask(plugin, tuple, &question))
        ask_scanner(plugin, tuple,
                    g_atomic_pointer_get(&plugin->connects) != NULL ? OSH_IDENTITY_CHECK
                                                                    : OSH_IDENTITY_DECIDE,
                    known, n_known, &question);
}

const OshPeerIdentityInterface osh_peer_identity_vtable = {
    .struct_size = sizeof(OshPeerIdentityInterface),
    .lookup = peer_lookup,
    .owners = peer_owners,
};

const OshPeerIdentityInterface osh_peer_identity_without_box = {
    .struct_size = sizeof(OshPeerIdentityInterface),
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
    plugin->scanner = osh_identity_scanner_new(
        plugin->host, plugin->scanner_has_shards ? &plugin->shard : NULL, &workload, plugin->images,
        osh_process_take_diag_socket(plugin->box), error);
    /* Connections outlive the box by the time that their last bytes take. */
    for (gsize i = 0; i < OSH_PROCESS_N_DIAGS; i++) {
        int fd = osh_process_take_diag_socket(plugin->box);

        if (fd >= 0)
            plugin->diags[i].diag = osh_socket_diag_new(fd);
    }
    return plugin->scanner != NULL;
}

gboolean
osh_process_watch_connects(OshBox *box, int listener, GError **error)
{
    OshProcessPlugin *plugin = box->plugin;

    OshConnectWatch *connects = osh_connect_watch_new(listener, box->info.init_pid, plugin->images,
                                                      osh_process_take_diag_socket(box), error);

    g_atomic_pointer_set(&plugin->connects, connects);
    return connects != NULL;
}

void
osh_process_end_identity(OshProcessPlugin *plugin)
{
    /* What waits for a hash is answered first, while those who asked are still there. */
    osh_image_table_end(plugin->images);
    g_clear_pointer(&plugin->connects, osh_connect_watch_free);
    g_clear_pointer(&plugin->scanner, osh_identity_scanner_free);
    for (gsize i = 0; i < OSH_PROCESS_N_DIAGS; i++) {
        g_clear_pointer(&plugin->diags[i].diag, osh_socket_diag_free);
        g_mutex_clear(&plugin->diags[i].mutex);
    }
    g_clear_pointer(&plugin->images, osh_image_table_unref);
}
