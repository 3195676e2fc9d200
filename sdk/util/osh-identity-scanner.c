/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner's thread: one look over the workload's descriptors answers every lookup that was
 * waiting when it began. Lookups are made and answered on [main] or shards; in between they belong
 * to this thread, which touches neither their callback nor its data. Never answers from an older
 * look.
 */
#include "osh-identity-program.h"
#include "osh-identity-workload.h"

#include <errno.h>

/* A process that was forked while the list was read may hold the socket; one more look finds it. */
#define MAX_LOOKS 2

struct _OshIdentityLookup {
    OshIdentityFunc done;
    gpointer data;
    guint shard;
    guint looks;
    gboolean by_tuple;
    OshPeerTuple tuple;
    guint64 inode;
    OshIdentityAnswer answer;
    OshPeerIdentity *peer;
    char *problem;
    gint64 read_at;
};

typedef struct {
    GPtrArray *lookups;
} ScannerBatch;

struct _OshIdentityScanner {
    const OshHost *host;
    OshInterface shard;
    guint n_shards;
    OshSocketDiag *diag;
    OshWorkloadProcesses *processes;
    OshProgramCache *programs;
    GThread *thread;
    GMutex mutex;
    GCond wake;
    GPtrArray *waiting;
    gboolean ending;
};

/* One scan. @wanted maps an inode to the array of pids that hold it. */
typedef struct {
    GHashTable *wanted;
    gboolean unreadable;
    pid_t unreadable_pid;
} Scan;

static void
lookup_free(gpointer data)
{
    OshIdentityLookup *lookup = data;

    osh_peer_identity_unref(lookup->peer);
    g_free(lookup->problem);
    g_free(lookup);
}

/* [main, shard] */
static void
batch_deliver(gpointer data)
{
    ScannerBatch *batch = data;

    for (guint i = 0; i < batch->lookups->len; i++) {
        OshIdentityLookup *lookup = batch->lookups->pdata[i];
        OshIdentityFunc done = lookup->done;

        lookup->done = NULL;
        if (done != NULL)
            done(lookup->answer, lookup->peer, lookup->problem, lookup->read_at, lookup->data);
    }
    g_ptr_array_unref(batch->lookups);
    g_free(batch);
}

static void
scan_found(pid_t pid, guint64 inode, gpointer data)
{
    Scan *scan = data;
    GArray *holders = g_hash_table_lookup(scan->wanted, &inode);

    if (holders == NULL)
        return;
    if (holders->len == 0 || g_array_index(holders, pid_t, holders->len - 1) != pid)
        g_array_append_val(holders, pid);
}

static void
lookup_uncertain(OshIdentityLookup *lookup, char *problem)
{
    lookup->answer = OSH_IDENTITY_UNCERTAIN;
    g_clear_pointer(&lookup->peer, osh_peer_identity_unref);
    g_free(lookup->problem);
    lookup->problem = problem;
}

static void
scanner_judge(OshIdentityScanner *scanner, const Scan *scan, OshIdentityLookup *lookup)
{
    const GArray *holders = g_hash_table_lookup(scan->wanted, &lookup->inode);

    if (holders == NULL)
        return;
    if (scan->unreadable) {
        lookup_uncertain(lookup, g_strdup_printf("process %d of the workload cannot be read",
                                                 scan->unreadable_pid));
        return;
    }
    lookup->answer = OSH_IDENTITY_NOBODY;
    for (guint i = 0; i < holders->len; i++) {
        pid_t pid = g_array_index(holders, pid_t, i);
        char *problem = NULL;
        g_autoptr(OshPeerIdentity) holder =
            lookup->by_tuple ? osh_program_identify(scanner->programs, pid, &problem)
                             : osh_program_name(pid, &problem);

        if (holder == NULL) {
            lookup_uncertain(lookup, problem);
            return;
        }
        if (lookup->peer != NULL && !osh_peer_identity_equal(lookup->peer, holder)) {
            lookup_uncertain(lookup,
                             g_strdup_printf("the connection is held by different programs, "
                                             "processes %d and %d",
                                             lookup->peer->pid, pid));
            return;
        }
        if (lookup->peer == NULL || holder->pid < lookup->peer->pid) {
            osh_peer_identity_unref(lookup->peer);
            lookup->peer = osh_peer_identity_ref(holder);
        }
        lookup->answer = OSH_IDENTITY_FOUND;
    }
    if (lookup->answer == OSH_IDENTITY_NOBODY && lookup->problem == NULL)
        lookup->problem = g_strdup("no process of the workload holds the connection");
}

/* Returns: FALSE when there is nothing to look for, with the answer set. */
static gboolean
scanner_find_socket(OshIdentityScanner *scanner, OshIdentityLookup *lookup)
{
    int result;

    if (!lookup->by_tuple)
        return TRUE;
    lookup->inode = 0;
    result = scanner->diag != NULL
                 ? osh_socket_diag_find(scanner->diag, &lookup->tuple, &lookup->inode)
                 : -EOPNOTSUPP;
    if (result == 0)
        return TRUE;
    if (result == -ENOENT) {
        lookup_uncertain(lookup, g_strdup("the socket at the other end is not known here"));
        lookup->answer = OSH_IDENTITY_NO_SOCKET;
    } else {
        lookup_uncertain(lookup, g_strdup_printf("the socket at the other end cannot be looked "
                                                 "up: %s",
                                                 g_strerror(-result)));
    }
    return FALSE;
}

static void
scanner_scan(OshIdentityScanner *scanner, GPtrArray *lookups)
{
    Scan scan = {.wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                                 (GDestroyNotify)g_array_unref)};
    gint64 began = g_get_monotonic_time();
    const GArray *pids = osh_workload_processes_list(scanner->processes);

    for (guint i = 0; i < lookups->len; i++) {
        OshIdentityLookup *lookup = lookups->pdata[i];

        lookup->read_at = began;
        lookup->looks++;
        if (scanner_find_socket(scanner, lookup) &&
            !g_hash_table_contains(scan.wanted, &lookup->inode))
            g_hash_table_insert(scan.wanted, &lookup->inode,
                                g_array_new(FALSE, FALSE, sizeof(pid_t)));
    }
    for (guint i = g_hash_table_size(scan.wanted) > 0 ? pids->len : 0; i-- > 0;) {
        pid_t pid = g_array_index(pids, pid_t, i);

        /* PID 1 of a box is our own init: it holds no connection and nobody can pass it one. */
        if (pid == osh_workload_init(scanner->processes))
            continue;
        if (osh_workload_each_socket(pid, scan_found, &scan) == -EACCES) {
            scan.unreadable = TRUE;
            scan.unreadable_pid = pid;
        }
    }
    osh_program_cache_begin_round(scanner->programs);
    /* Names first: a big program that is read for the first time takes a while. */
    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 0; i < lookups->len; i++) {
            OshIdentityLookup *lookup = lookups->pdata[i];

            if (lookup->by_tuple == (pass == 1))
                scanner_judge(scanner, &scan, lookup);
        }
    g_hash_table_unref(scan.wanted);
}

static gboolean
lookup_is_answered(const OshIdentityLookup *lookup)
{
    return lookup->answer != OSH_IDENTITY_NOBODY || lookup->looks >= MAX_LOOKS;
}

static void
scanner_deliver_to(OshIdentityScanner *scanner, guint shard, GPtrArray *lookups)
{
    ScannerBatch *batch = g_new0(ScannerBatch, 1);

    batch->lookups = g_ptr_array_new_with_free_func(lookup_free);
    for (guint i = lookups->len; i-- > 0;) {
        OshIdentityLookup *lookup = lookups->pdata[i];

        if (lookup->shard == shard && lookup_is_answered(lookup))
            g_ptr_array_add(batch->lookups, g_ptr_array_steal_index_fast(lookups, i));
    }
    if (batch->lookups->len > 0 && shard == OSH_IDENTITY_ON_MAIN) {
        osh_host_invoke(scanner->host, batch_deliver, batch, NULL);
        return;
    }
    if (batch->lookups->len > 0 && osh_shard_post(&scanner->shard, shard, batch_deliver, batch))
        return;
    g_ptr_array_unref(batch->lookups);
    g_free(batch);
}

static void
scanner_deliver(OshIdentityScanner *scanner, GPtrArray *lookups)
{
    scanner_deliver_to(scanner, OSH_IDENTITY_ON_MAIN, lookups);
    for (guint shard = 0; shard < scanner->n_shards; shard++)
        scanner_deliver_to(scanner, shard, lookups);
}

static gpointer
scanner_run(gpointer data)
{
    OshIdentityScanner *scanner = data;

    g_mutex_lock(&scanner->mutex);
    while (!scanner->ending) {
        GPtrArray *lookups;

        if (scanner->waiting->len == 0) {
            g_cond_wait(&scanner->wake, &scanner->mutex);
            continue;
        }
        lookups = scanner->waiting;
        scanner->waiting = g_ptr_array_new_with_free_func(lookup_free);
        g_mutex_unlock(&scanner->mutex);
        scanner_scan(scanner, lookups);
        scanner_deliver(scanner, lookups);
        g_mutex_lock(&scanner->mutex);
        /* Those that found nobody wait for the next look. */
        while (lookups->len > 0)
            g_ptr_array_add(scanner->waiting,
                            g_ptr_array_steal_index_fast(lookups, lookups->len - 1));
        g_ptr_array_unref(lookups);
    }
    g_mutex_unlock(&scanner->mutex);
    return NULL;
}

OshIdentityScanner *
osh_identity_scanner_new(const OshHost *host, const OshInterface *shard,
                         const OshWorkload *workload, int diag_fd, GError **error)
{
    OshIdentityScanner *scanner = g_new0(OshIdentityScanner, 1);

    scanner->host = host;
    if (shard != NULL) {
        scanner->shard = *shard;
        scanner->n_shards = osh_shard_count(shard);
    }
    if (diag_fd >= 0)
        scanner->diag = osh_socket_diag_new(diag_fd);
    scanner->processes = osh_workload_processes_new(workload);
    scanner->programs = osh_program_cache_new(osh_workload_init(scanner->processes));
    scanner->waiting = g_ptr_array_new_with_free_func(lookup_free);
    g_mutex_init(&scanner->mutex);
    g_cond_init(&scanner->wake);
    scanner->thread = g_thread_try_new("identity", scanner_run, scanner, error);
    if (scanner->thread == NULL) {
        osh_identity_scanner_free(scanner);
        return NULL;
    }
    return scanner;
}

void
osh_identity_scanner_free(OshIdentityScanner *scanner)
{
    if (scanner == NULL)
        return;
    g_mutex_lock(&scanner->mutex);
    scanner->ending = TRUE;
    g_cond_signal(&scanner->wake);
    g_mutex_unlock(&scanner->mutex);
    if (scanner->thread != NULL)
        g_thread_join(scanner->thread);
    g_ptr_array_unref(scanner->waiting);
    osh_workload_processes_free(scanner->processes);
    osh_program_cache_free(scanner->programs);
    osh_socket_diag_free(scanner->diag);
    g_mutex_clear(&scanner->mutex);
    g_cond_clear(&scanner->wake);
    g_free(scanner);
}

static OshIdentityLookup *
scanner_ask(OshIdentityScanner *scanner, OshIdentityLookup *lookup)
{
    g_mutex_lock(&scanner->mutex);
    g_ptr_array_add(scanner->waiting, lookup);
    g_cond_signal(&scanner->wake);
    g_mutex_unlock(&scanner->mutex);
    return lookup;
}

OshIdentityLookup *
osh_identity_lookup_name(OshIdentityScanner *scanner, guint shard_index, guint64 inode,
                         OshIdentityFunc done, gpointer data)
{
    OshIdentityLookup *lookup = g_new0(OshIdentityLookup, 1);

    lookup->done = done;
    lookup->data = data;
    lookup->shard = shard_index;
    lookup->inode = inode;
    return scanner_ask(scanner, lookup);
}

OshIdentityLookup *
osh_identity_lookup_tuple(OshIdentityScanner *scanner, guint shard_index, const OshPeerTuple *tuple,
                          OshIdentityFunc done, gpointer data)
{
    OshIdentityLookup *lookup = g_new0(OshIdentityLookup, 1);

    lookup->done = done;
    lookup->data = data;
    lookup->shard = shard_index;
    lookup->by_tuple = TRUE;
    lookup->tuple = *tuple;
    return scanner_ask(scanner, lookup);
}

void
osh_identity_lookup_cancel(OshIdentityLookup *lookup)
{
    if (lookup != NULL)
        lookup->done = NULL;
}
