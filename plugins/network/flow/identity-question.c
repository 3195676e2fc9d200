/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity-question.c: one question about the other end of a connection, to whoever can answer.
 *
 * [shard]: a question belongs to the shard of its connection; the table of programs has a lock.
 * What another half tells is copied before it is used, and what it does not tell (no binary, no
 * hash) is a denial like any other uncertain identity. The provider may answer inside the call.
 */
#include "connection.h"

#include <string.h>

#define QUESTION_DEADLINE (4 * G_TIME_SPAN_SECOND)
/* Beyond this many, programs without open connections are forgotten. */
#define TABLE_SWEEP 1024

struct _OshIdentityQuestion {
    OshNetworkShard *shard;
    OshConnection *connection; /* NULL once cancelled */
    OshIdentityFunc done;
    OshIdentityLookup *lookup; /* of our own scanner */
};

void
osh_peer_table_init(OshPeerTable *table)
{
    g_mutex_init(&table->mutex);
    table->peers = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                         (GDestroyNotify)osh_peer_identity_unref);
}

void
osh_peer_table_clear(OshPeerTable *table)
{
    g_hash_table_unref(table->peers);
    g_mutex_clear(&table->mutex);
}

static gboolean
span_is(OshSpan span, const char *text)
{
    /* What was not told has no address. */
    return strlen(text) == span.length &&
           (span.length == 0 || memcmp(span.data, text, span.length) == 0);
}

static gboolean
spans_are(const OshSpan *told, gsize n_told, const OshSpan *kept, gsize n_kept)
{
    if (n_told != n_kept)
        return FALSE;
    for (gsize i = 0; i < n_told; i++)
        if (!span_is(told[i], kept[i].data))
            return FALSE;
    return TRUE;
}

static gboolean
peer_is(const OshPeer *told, const OshPeerIdentity *kept)
{
    return told->pid == kept->pid && told->start_time == kept->start_time &&
           span_is(told->binary, kept->binary) && span_is(told->binary_sha256, kept->sha256) &&
           span_is(told->execution, kept->execution != NULL ? kept->execution : "") &&
           spans_are(told->ancestors, told->n_ancestors, kept->ancestors, kept->n_ancestors) &&
           spans_are(told->cmdline, told->n_cmdline, kept->cmdline, kept->n_cmdline);
}

static OshSpan *
copy_spans(const OshSpan *told, gsize n)
{
    OshSpan *copy = g_new0(OshSpan, n + 1);

    for (gsize i = 0; i < n; i++)
        copy[i] = osh_span(g_strndup(told[i].data, told[i].length));
    return copy;
}

static OshPeerIdentity *
peer_copy(const OshPeer *told)
{
    OshPeerIdentity *peer = g_new0(OshPeerIdentity, 1);

    peer->references = 1;
    peer->pid = told->pid;
    peer->start_time = told->start_time;
    peer->process_key = (guint64)(guint32)told->pid | (told->start_time << 32);
    peer->binary = g_strndup(told->binary.data, told->binary.length);
    peer->sha256 = g_strndup(told->binary_sha256.data, told->binary_sha256.length);
    peer->shown_binary = g_utf8_make_valid(peer->binary, -1);
    if (told->execution.length > 0)
        peer->execution = g_strndup(told->execution.data, told->execution.length);
    peer->ancestors = copy_spans(told->ancestors, told->n_ancestors);
    peer->n_ancestors = (guint)told->n_ancestors;
    peer->cmdline = copy_spans(told->cmdline, told->n_cmdline);
    peer->n_cmdline = (guint)told->n_cmdline;
    return peer;
}

static gboolean
peer_is_idle(gpointer key, gpointer value, gpointer data)
{
    const OshPeerIdentity *peer = value;

    (void)key;
    (void)data;
    return g_atomic_int_get(&peer->references) == 1;
}

OshPeerIdentity *
osh_peer_table_intern(OshPeerTable *table, const OshPeer *told)
{
    gint64 key = (gint64)((guint64)(guint32)told->pid | (told->start_time << 32));
    OshPeerIdentity *peer;

    g_mutex_lock(&table->mutex);
    peer = g_hash_table_lookup(table->peers, &key);
    if (peer == NULL || !peer_is(told, peer)) {
        if (g_hash_table_size(table->peers) >= TABLE_SWEEP)
            g_hash_table_foreach_remove(table->peers, peer_is_idle, NULL);
        peer = peer_copy(told);
        g_hash_table_replace(table->peers, &peer->process_key, peer);
    }
    osh_peer_identity_ref(peer);
    g_mutex_unlock(&table->mutex);
    return peer;
}

/* Ends the question before its answer is used: whoever is told may ask the next. */
static void
question_answer(OshIdentityQuestion *question, OshIdentityAnswer answer, OshPeerIdentity *peer,
                const char *problem, gint64 read_at)
{
    OshConnection *connection = question->connection;
    OshIdentityFunc done = question->done;

    g_free(question);
    if (connection == NULL)
        return;
    connection->question = NULL;
    done(answer, peer, problem, read_at, connection);
}

/* Returns: (transfer full) (nullable): what another half tells, if it is enough. */
static OshPeerIdentity *
question_copy(const OshIdentityQuestion *question, const OshPeer *told)
{
    if (told->struct_size < sizeof *told || told->binary.length == 0 ||
        told->binary_sha256.length == 0)
        return NULL;
    return osh_peer_table_intern(&question->shard->network->peers, told);
}

static void
question_found(OshIdentityQuestion *question, OshIdentityAnswer answer, const OshPeer *told)
{
    g_autoptr(OshPeerIdentity) peer = question_copy(question, told);

    if (peer != NULL && told->basis == OSH_PEER_BASIS_CONNECT)
        question->connection->by_connect = TRUE;
    if (peer != NULL)
        question_answer(question, answer, peer, NULL, told->read_at);
    else
        question_answer(question, OSH_IDENTITY_UNCERTAIN, NULL, "the peer identity has no program",
                        0);
}

/* [shard]: from the process half. */
static void
question_told(const OshPeer *told, const GError *error, gpointer data)
{
    OshIdentityQuestion *question = data;

    /* Whoever cancelled may be gone, and the network with it. */
    if (question->connection == NULL)
        g_free(question);
    else if (told != NULL)
        question_found(question, OSH_IDENTITY_FOUND, told);
    else
        question_answer(question,
                        g_error_matches(error, OSH_ERROR, OSH_ERROR_NOT_FOUND)
                            ? OSH_IDENTITY_NO_SOCKET
                            : OSH_IDENTITY_UNCERTAIN,
                        NULL, error->message, 0);
}

/* [shard]: from the process half. */
static void
question_told_owners(OshPeerOwners owners, const OshPeer *told, const char *problem, gpointer data)
{
    OshIdentityQuestion *question = data;
    OshIdentityAnswer answer = OSH_IDENTITY_UNCERTAIN;

    if (question->connection == NULL) {
        g_free(question);
        return;
    }
    switch (owners) {
    case OSH_PEER_OWNERS_ONE:
    case OSH_PEER_OWNERS_SHARED:
        if (told != NULL) {
            question_found(question,
                           owners == OSH_PEER_OWNERS_ONE ? OSH_IDENTITY_FOUND : OSH_IDENTITY_SHARED,
                           told);
            return;
        }
        break;
    case OSH_PEER_OWNERS_NONE:
        answer = OSH_IDENTITY_NOBODY;
        break;
    case OSH_PEER_OWNERS_CLOSED:
        answer = OSH_IDENTITY_NO_SOCKET;
        break;
    case OSH_PEER_OWNERS_UNCERTAIN:
        break;
    }
    question_answer(question, answer, NULL,
                    problem != NULL ? problem : "the peer identity has no owners", 0);
}

/* [shard]: from our own scanner. */
static void
question_scanned(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem,
                 gint64 read_at, gpointer data)
{
    question_answer(data, answer, peer, problem, read_at);
}

/* The programs whose owning the connection is no surprise. Where it was not read at connect(2),
 * none is known. Returns: how many */
static gsize
known_programs(const OshConnection *connection, OshSpan known[1 + OSH_CO_OWNERS_MAX])
{
    gsize n = 0;

    if (!connection->by_connect || connection->peer->execution == NULL)
        return 0;
    known[n++] = osh_span(connection->peer->execution);
    for (guint i = 0; connection->co_owners != NULL && i < connection->co_owners->len; i++) {
        const OshPeerIdentity *owner = connection->co_owners->pdata[i];

        if (owner->execution != NULL)
            known[n++] = osh_span(owner->execution);
    }
    return n;
}

void
osh_identity_ask(OshConnection *connection, OshIdentityPurpose purpose, OshIdentityFunc done)
{
    OshSpan known[1 + OSH_CO_OWNERS_MAX];
    const OshNetwork *network = connection->shard->network;
    gint64 deadline = g_get_monotonic_time() + QUESTION_DEADLINE;
    const OshPeerTuple tuple = {
        .struct_size = sizeof tuple,
        .protocol = IPPROTO_TCP,
        .client = connection->client_address,
        .destination = connection->local_address,
        .client_port = connection->client_port,
        .destination_port = connection->local_port,
    };
    OshIdentityQuestion *question = g_new0(OshIdentityQuestion, 1);

    question->shard = connection->shard;
    question->connection = connection;
    question->done = done;
    connection->question = question;
    /* Without connect(2) the scan is all there is, at each question. */
    if (network->scanner != NULL)
        question->lookup =
            osh_identity_lookup_owners(network->scanner, connection->shard->index, &tuple,
                                       OSH_IDENTITY_DECIDE, NULL, 0, question_scanned, question);
    else if (purpose == OSH_IDENTITY_DECIDE)
        osh_peer_identity_lookup(&network->peer_identity, &tuple, deadline, question_told,
                                 question);
    else
        osh_peer_identity_owners(&network->peer_identity, &tuple, known,
                                 known_programs(connection, known), deadline, question_told_owners,
                                 question);
}

void
osh_identity_question_cancel(OshIdentityQuestion *question)
{
    if (question == NULL)
        return;
    question->connection = NULL;
    if (question->lookup == NULL)
        return;
    osh_identity_lookup_cancel(question->lookup);
    g_free(question);
}
