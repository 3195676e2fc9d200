/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second check of an identity (security rule 4, identity at connect). A descriptor can be
 * handed to another program, or be inherited by one, after connect(2). So the owners of each
 * connection are looked at once soon after it has arrived, before the first byte goes upstream when
 * the last reading is old by then, and once a second while bytes move. Looks that fall together are
 * one scan.
 *
 * Another program among the owners, which the policy does not allow the same, ends the connection,
 * at the second sight: between two steps of an exec a process is seen with its new executable and
 * with descriptors that it is about to lose. So do two sweeps in succession that see no owner while
 * bytes move. A socket without any descriptor is another thing: no program can use it, only its
 * last bytes are on their way.
 */
#include "owner-check.h"

#include "connection.h"
#include "judge.h"
#include "refusal.h"

/* With the time that a scan takes, within 100 ms of the arrival. */
#define FIRST_LOOK (75 * G_TIME_SPAN_MILLISECOND)
/* At a request the reading may be as old as this. Before it is, the next look is begun. */
#define REQUEST_AGE   (100 * G_TIME_SPAN_MILLISECOND)
#define REQUEST_LOOK  (60 * G_TIME_SPAN_MILLISECOND)
#define REQUEST_SOON  (20 * G_TIME_SPAN_MILLISECOND)
#define REQUEST_DELAY (15 * G_TIME_SPAN_MILLISECOND)
#define MAX_MISSED    2

static void owner_answered(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem,
                           gint64 read_at, gpointer data);

static void
owner_ask(OshConnection *connection)
{
    osh_owner_check_forget(connection);
    if (connection->question == NULL)
        osh_identity_ask(connection, OSH_IDENTITY_CHECK, owner_answered);
}

/* Ends a connection of which @problem is known. May free. */
static void
owner_refuse(OshConnection *connection, const char *problem)
{
    if (connection->step != OSH_STEP_LINGER)
        osh_connection_advance(connection, osh_refuse_identity(connection, problem));
}

static void
owner_differs(OshConnection *connection, const char *problem)
{
    if (connection->owners_differ) {
        owner_refuse(connection, problem);
        return;
    }
    connection->owners_differ = TRUE;
    owner_ask(connection);
}

/* A step that waits for its owners goes on. */
static void
owner_wake(OshConnection *connection)
{
    gboolean waits = connection->step == OSH_STEP_VERIFY || connection->awaits_owners;

    connection->awaits_owners = FALSE;
    if (waits)
        osh_connection_wake(connection);
}

static void
owner_is_same(OshConnection *connection, gint64 read_at)
{
    connection->peer_read_at = read_at;
    connection->owners_seen = TRUE;
    connection->owners_differ = FALSE;
    connection->missed_owners = 0;
    owner_wake(connection);
}

static gboolean
owner_is_known(const OshConnection *connection, const OshPeerIdentity *peer)
{
    if (osh_peer_identity_equal(peer, connection->peer))
        return TRUE;
    for (guint i = 0; connection->co_owners != NULL && i < connection->co_owners->len; i++)
        if (osh_peer_identity_equal(peer, connection->co_owners->pdata[i]))
            return TRUE;
    return FALSE;
}

/*
 * A program may share its connection with a child of another executable, as git does. Where it is
 * known who connected, and the one still owns it, that gains the child nothing that the policy does
 * not allow it anyway; then it is one owner more, and the others are looked for.
 */
static void
owner_judge(OshConnection *connection, OshPeerIdentity *peer)
{
    guint n = connection->co_owners != NULL ? connection->co_owners->len : 0;

    /* Before there is a verdict nothing goes on, and the owners are looked at again. */
    if (connection->by_connect && connection->protocol == NULL)
        return;
    if (!connection->by_connect || n >= OSH_CO_OWNERS_MAX || !osh_judge_owner(connection, peer)) {
        owner_differs(connection, "different programs own the connection");
        return;
    }
    if (connection->co_owners == NULL)
        connection->co_owners =
            g_ptr_array_new_with_free_func((GDestroyNotify)osh_peer_identity_unref);
    g_ptr_array_add(connection->co_owners, osh_peer_identity_ref(peer));
    owner_ask(connection);
}

static void
owner_missed(OshConnection *connection, const char *problem, gboolean by_sweep)
{
    /* Soon after the arrival a descriptor may be on its way to a process that serves it. */
    connection->missed_owners += by_sweep || connection->awaits_owners;
    if (connection->step == OSH_STEP_VERIFY || connection->missed_owners >= MAX_MISSED)
        owner_refuse(connection, problem);
    else if (connection->awaits_owners)
        owner_ask(connection);
}

static void
owner_answered(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem, gint64 read_at,
               gpointer data)
{
    OshConnection *connection = data;
    gboolean by_sweep = connection->by_sweep;

    connection->by_sweep = FALSE;
    switch (answer) {
    case OSH_IDENTITY_FOUND:
        if (owner_is_known(connection, peer))
            owner_is_same(connection, read_at);
        else
            owner_differs(connection, "another program now owns the connection");
        return;
    case OSH_IDENTITY_SHARED:
        if (owner_is_known(connection, peer))
            owner_is_same(connection, read_at);
        else
            owner_judge(connection, peer);
        return;
    case OSH_IDENTITY_UNCERTAIN:
        owner_differs(connection, problem);
        return;
    case OSH_IDENTITY_NOBODY:
        owner_missed(connection, problem, by_sweep);
        return;
    case OSH_IDENTITY_NO_SOCKET:
        break;
    }
    /* Closed by everybody: what was sent before may still arrive, if it is known who connected. */
    if (connection->step != OSH_STEP_VERIFY && !connection->awaits_owners)
        return;
    if (!connection->by_connect || connection->owners_first ||
        osh_connection_client_gone(connection)) {
        osh_connection_advance(connection, osh_connection_gone(connection, "client gone"));
        return;
    }
    connection->peer_read_at = g_get_monotonic_time();
    owner_wake(connection);
}

static void
owner_add_look(OshConnection *connection)
{
    OshNetworkShard *shard = connection->shard;

    if (connection->look_index != OSH_NO_LOOK)
        return;
    connection->look_index = shard->looks->len;
    g_ptr_array_add(shard->looks, connection);
}

/* Whoever carries requests will need a look soon too. One scan costs as much for all of them as for
 * one, and without this each would come at a time of its own. */
static void
owner_add_busy(OshNetworkShard *shard)
{
    gint64 now = osh_shard_now(&shard->network->shard);

    for (OshConnection *at = shard->steps[OSH_STEP_INSPECT].first; at != NULL; at = at->next)
        if (at->peer != NULL && at->question == NULL && at->moved_at > at->peer_read_at &&
            now - at->peer_read_at > REQUEST_SOON)
            owner_add_look(at);
}

/* [shard] */
static void
owner_look(gpointer data)
{
    OshNetworkShard *shard = data;

    shard->look = NULL;
    if (shard->network->config.identity_required)
        owner_add_busy(shard);
    for (guint n = shard->looks->len; n > 0 && shard->looks->len > 0; n--)
        owner_ask(shard->looks->pdata[shard->looks->len - 1]);
}

static void
owner_schedule(OshConnection *connection, gint64 delay)
{
    OshNetworkShard *shard = connection->shard;
    const OshInterface *clock = &shard->network->shard;
    gint64 at = osh_shard_now(clock) + delay;

    owner_add_look(connection);
    if (shard->look != NULL && shard->look_at <= at)
        return;
    if (shard->look != NULL)
        osh_shard_cancel_timer(clock, g_steal_pointer(&shard->look));
    shard->look_at = at;
    shard->look = osh_shard_add_timer(clock, at, owner_look, shard);
}

void
osh_owner_check_schedule(OshConnection *connection)
{
    owner_schedule(connection, FIRST_LOOK);
}

gboolean
osh_owner_check_is_fresh(OshConnection *connection)
{
    gint64 age;

    if (!connection->shard->network->config.identity_required || connection->peer == NULL)
        return TRUE;
    age = osh_shard_now(&connection->shard->network->shard) - connection->peer_read_at;
    if (age <= REQUEST_AGE) {
        if (age > REQUEST_LOOK && connection->question == NULL)
            owner_schedule(connection, REQUEST_DELAY);
        return TRUE;
    }
    connection->awaits_owners = TRUE;
    owner_ask(connection);
    /* The answer may have come inside the call. */
    return !connection->awaits_owners && connection->pending == OSH_FLOW_WAIT;
}

void
osh_owner_check_forget(OshConnection *connection)
{
    GPtrArray *looks = connection->shard->looks;
    guint index = connection->look_index;

    if (index == OSH_NO_LOOK)
        return;
    connection->look_index = OSH_NO_LOOK;
    g_ptr_array_remove_index_fast(looks, index);
    if (index < looks->len)
        ((OshConnection *)looks->pdata[index])->look_index = index;
}

void
osh_owner_check_now(OshConnection *connection)
{
    owner_ask(connection);
}

void
osh_owner_check_sweep(OshConnection *connection)
{
    guint64 moved = connection->up.moved + connection->down.moved;

    if (!connection->shard->network->config.identity_required || moved == connection->swept_bytes ||
        connection->question != NULL)
        return;
    connection->swept_bytes = moved;
    connection->by_sweep = TRUE;
    owner_ask(connection);
}

void
osh_owner_check_end(OshNetworkShard *shard)
{
    if (shard->look != NULL)
        osh_shard_cancel_timer(&shard->network->shard, g_steal_pointer(&shard->look));
}
