/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner's thread: one scan of the workload's descriptors answers every lookup that was
 * waiting when it began. Lookups are made and answered on [main] or shards; in between they belong
 * to this thread, or to one that hashes an executable, which touch neither their callback nor its
 * data. Never answers from an older scan.
 *
 * Readings of /proc are not atomic, and what was not seen may be there all the same (security rule
 * 4, identity at connect). An answer that decides about a connection therefore comes from two
 * readings of every process that agree, in neither of which a process ended before it was read:
 * what it owned may have gone to one that was read before. Each reading goes on until no process
 * was created since it looked last, so that none runs away from it by going on in a child; and a
 * descriptor that is in flight between processes, where none has it, may be the one. A scan that
 * sees no owner, or different ones, is made again: a process may have been starting another
 * program, whose descriptors close only after its executable has changed.
 */
#include "osh-identity-program.h"
#include "osh-identity-workload.h"

#include <errno.h>

/* A process that was forked while the list was read may own the socket. */
#define MAX_LOOKS 3
/* Until descriptors stand still. */
#define MAX_READINGS 8
/* Until nothing was created since: a program that goes on in children is met within a few. */
#define MAX_ROUNDS 64
/* Let processes that come and go do so. */
#define READ_AGAIN_USEC 500
/* Between two looks: longer than an exec takes from the new executable to the closed descriptors.
 */
#define LOOK_AGAIN_USEC 1000
/* How long a scan waits for ancestors that are ending, which a busy machine lets do so late. */
#define SETTLES_WITHIN (100 * G_TIME_SPAN_MILLISECOND)

struct _OshIdentityLookup {
    OshIdentityScanner *scanner;
    OshIdentityFunc done;
    gpointer data;
    guint shard;
    guint looks;
    gboolean name_only;
    OshIdentityPurpose purpose;
    OshPeerTuple tuple;
    char **known; /* or NULL */
    OshProgram *known_owner;
    gboolean others_differ;
    guint64 inode;
    OshIdentityAnswer answer;
    OshProgram *program;
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
    OshImageTable *images;
    OshWorkloadProcesses *processes;
    OshPlainSockets *plain;
    OshProgramCache *programs;
    gint64 settles_until; /* of the scan that runs */
    GThread *thread;
    GMutex mutex;
    GCond wake;
    GPtrArray *waiting;
    gboolean ending;
};

/* The owners of one socket, as one reading saw them. */
typedef struct {
    GArray *pids;
    GArray *pids_before; /* by the reading before */
    gboolean settled;
} Owners;

/* One scan. @wanted maps an inode to its Owners, @programs a pid to the OshProgram that it was seen
 * to run since the descriptors were read. */
typedef struct {
    GHashTable *wanted;
    GHashTable *programs;
    pid_t unreadable; /* 0: every process was read */
    gboolean changed; /* in this reading a process may have been missed */
    gboolean changed_before;
    guint seen; /* how many of the wanted the process that is being read owns */
} Scan;

static void
lookup_free(gpointer data)
{
    OshIdentityLookup *lookup = data;

    osh_program_unref(lookup->program);
    osh_peer_identity_unref(lookup->peer);
    g_strfreev(lookup->known);
    osh_program_unref(lookup->known_owner);
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
owners_free(gpointer data)
{
    Owners *owners = data;

    g_array_unref(owners->pids);
    g_array_unref(owners->pids_before);
    g_free(owners);
}

static void
scan_want(Scan *scan, guint64 *inode)
{
    Owners *owners;

    if (g_hash_table_contains(scan->wanted, inode))
        return;
    owners = g_new0(Owners, 1);
    owners->pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    owners->pids_before = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_hash_table_insert(scan->wanted, inode, owners);
}

static void
scan_found(pid_t pid, guint64 inode, gpointer data)
{
    Scan *scan = data;
    Owners *owners = g_hash_table_lookup(scan->wanted, &inode);

    if (owners == NULL)
        return;
    if (owners->pids->len > 0 && g_array_index(owners->pids, pid_t, owners->pids->len - 1) == pid)
        return;
    g_array_append_val(owners->pids, pid);
    scan->seen++;
}

static gboolean
scan_saw_all(gpointer data)
{
    const Scan *scan = data;

    return scan->seen == g_hash_table_size(scan->wanted);
}

/* A process that was read twice, for a thread of it that is new, owns a socket once. */
static void
owners_drop_repeated(GArray *pids)
{
    guint kept = 0;

    for (guint i = 0; i < pids->len; i++)
        if (i == 0 || g_array_index(pids, pid_t, i) != g_array_index(pids, pid_t, kept - 1))
            g_array_index(pids, pid_t, kept++) = g_array_index(pids, pid_t, i);
    g_array_set_size(pids, kept);
}

static gint
compare_pids(gconstpointer left, gconstpointer right)
{
    return *(const pid_t *)left - *(const pid_t *)right;
}

/* Returns: whether every reading since the last one saw the same owners of everything wanted. */
static gboolean
scan_compare(Scan *scan)
{
    gboolean all = TRUE;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, scan->wanted);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Owners *owners = value;

        g_array_sort(owners->pids, compare_pids);
        owners_drop_repeated(owners->pids);
        owners->settled =
            !scan->changed && !scan->changed_before &&
            owners->pids->len == owners->pids_before->len &&
            (owners->pids->len == 0 || memcmp(owners->pids->data, owners->pids_before->data,
                                              owners->pids->len * sizeof(pid_t)) == 0);
        all = all && owners->settled;
    }
    return all;
}

/* Returns: FALSE when the process has ended. */
static gboolean
scan_read_process(const OshIdentityScanner *scanner, Scan *scan, pid_t pid, gboolean careful)
{
    gboolean in_flight = FALSE;

    /* PID 1 of a box is our own init: it owns no connection and none can be passed to it. */
    if (pid == osh_workload_init(scanner->processes))
        return TRUE;
    scan->seen = 0;
    switch (osh_workload_each_socket(pid, scanner->plain, careful ? scan_saw_all : NULL, scan_found,
                                     scan, &in_flight)) {
    case 0:
        scan->changed = scan->changed || in_flight;
        return TRUE;
    case -ESRCH:
        return FALSE;
    default:
        scan->unreadable = pid;
        return TRUE;
    }
}

static void
scan_read(const OshIdentityScanner *scanner, Scan *scan, gboolean careful)
{
    const GArray *pids = osh_workload_processes_list(scanner->processes);
    gboolean any = TRUE;
    GHashTableIter iter;
    gpointer value;

    scan->unreadable = 0;
    scan->changed_before = scan->changed;
    scan->changed = FALSE;
    g_hash_table_iter_init(&iter, scan->wanted);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Owners *owners = value;
        GArray *before = owners->pids_before;

        owners->pids_before = owners->pids;
        owners->pids = before;
        g_array_set_size(before, 0);
    }
    /* The newest first: they are the likeliest to end while others are read. */
    for (guint i = pids->len; i-- > 0;)
        if (!scan_read_process(scanner, scan, g_array_index(pids, pid_t, i), careful))
            scan->changed = TRUE;
    for (guint round = 0; any && pids != NULL && round < MAX_ROUNDS; round++) {
        pids = osh_workload_processes_since(scanner->processes, &any);
        /* What has ended has left nothing but what is created after it, and read next. */
        for (guint i = 0; pids != NULL && i < pids->len; i++)
            scan_read_process(scanner, scan, g_array_index(pids, pid_t, i), careful);
    }
    scan->changed = scan->changed || any;
}

static void
lookup_answer(OshIdentityLookup *lookup, OshIdentityAnswer answer, char *problem)
{
    lookup->answer = answer;
    g_clear_pointer(&lookup->program, osh_program_unref);
    g_clear_pointer(&lookup->peer, osh_peer_identity_unref);
    g_free(lookup->problem);
    lookup->problem = problem;
}

static gboolean
lookup_knows(const OshIdentityLookup *lookup, const OshProgram *program)
{
    for (char **known = lookup->known; *known != NULL; known++)
        if (osh_program_execution_is(program, *known))
            return TRUE;
    return FALSE;
}

/* Returns: whether @lookup has an owner after @program, another process that owns the socket. */
static gboolean
lookup_add_owner(OshIdentityLookup *lookup, OshProgram *program)
{
    if (lookup->known != NULL && lookup_knows(lookup, program)) {
        osh_program_unref(lookup->known_owner);
        lookup->known_owner = osh_program_ref(program);
        return TRUE;
    }
    if (lookup->program != NULL && !osh_program_same(lookup->program, program)) {
        /* Beside one that is known, any of the others stands for them. */
        if (lookup->known != NULL) {
            lookup->others_differ = TRUE;
            return TRUE;
        }
        lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN,
                      g_strdup_printf("different programs own the connection, processes %d and %d",
                                      osh_program_pid(lookup->program), osh_program_pid(program)));
        return FALSE;
    }
    /* Of a program and its forks the oldest stands for all. */
    if (lookup->program == NULL ||
        osh_program_start_time(program) < osh_program_start_time(lookup->program)) {
        osh_program_unref(lookup->program);
        lookup->program = osh_program_ref(program);
    }
    lookup->answer = OSH_IDENTITY_FOUND;
    return TRUE;
}

/* What is known of the owners becomes the answer. */
static void
lookup_conclude(OshIdentityLookup *lookup)
{
    if (lookup->known_owner != NULL && lookup->program != NULL) {
        lookup->answer = OSH_IDENTITY_SHARED;
    } else if (lookup->known_owner != NULL) {
        lookup->program = osh_program_ref(lookup->known_owner);
        lookup->answer = OSH_IDENTITY_FOUND;
    } else if (lookup->others_differ) {
        lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN,
                      g_strdup("different programs own the connection"));
    }
}

/*
 * Read once for all connections of the scan. A failure is not kept: the next one may read a program
 * that stands still.
 *
 * Returns: (transfer full) (nullable): as osh_program_read()
 */
static OshProgram *
scanner_read_program(OshIdentityScanner *scanner, const Scan *scan, pid_t pid, char **ret_problem)
{
    OshProgram *known = g_hash_table_lookup(scan->programs, GINT_TO_POINTER(pid));

    if (known != NULL)
        return osh_program_ref(known);
    for (;;) {
        OshProgram *program = osh_program_read(scanner->programs, pid, pid, ret_problem);

        if (program != NULL)
            g_hash_table_insert(scan->programs, GINT_TO_POINTER(pid), osh_program_ref(program));
        if (program != NULL || *ret_problem == NULL ||
            !osh_program_cache_is_unsettled(scanner->programs) ||
            g_get_monotonic_time() >= scanner->settles_until)
            return program;
        g_clear_pointer(ret_problem, g_free);
        g_usleep(LOOK_AGAIN_USEC);
    }
}

static void
scanner_judge_program(OshIdentityScanner *scanner, const Scan *scan, const GArray *pids,
                      OshIdentityLookup *lookup)
{
    for (guint i = 0; i < pids->len; i++) {
        pid_t pid = g_array_index(pids, pid_t, i);
        g_autoptr(OshProgram) program = NULL;
        char *problem = NULL;

        program = scanner_read_program(scanner, scan, pid, &problem);
        /* It has ended, and may have left the socket to a child that was created since. */
        if (program == NULL && problem == NULL)
            problem = g_strdup_printf("process %d ended while the owners of the connection were "
                                      "read",
                                      pid);
        if (program == NULL) {
            lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN, problem);
            return;
        }
        if (!lookup_add_owner(lookup, program))
            return;
    }
    lookup_conclude(lookup);
}

/* For a record: the first that can be named, unless another one runs another program. */
static void
scanner_judge_name(const GArray *pids, OshIdentityLookup *lookup)
{
    for (guint i = 0; i < pids->len; i++) {
        char *problem = NULL;
        g_autoptr(OshPeerIdentity) owner =
            osh_program_name(g_array_index(pids, pid_t, i), &problem);

        if (owner == NULL) {
            lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN, problem);
            return;
        }
        if (lookup->peer != NULL && !g_str_equal(lookup->peer->binary, owner->binary)) {
            char *text = g_strdup_printf("different programs own the connection, processes %d "
                                         "and %d",
                                         lookup->peer->pid, owner->pid);

            lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN, text);
            return;
        }
        if (lookup->peer == NULL)
            lookup->peer = osh_peer_identity_ref(owner);
        lookup->answer = OSH_IDENTITY_FOUND;
    }
}

static void
scanner_judge(OshIdentityScanner *scanner, const Scan *scan, OshIdentityLookup *lookup)
{
    const Owners *owners = g_hash_table_lookup(scan->wanted, &lookup->inode);

    if (owners == NULL)
        return;
    lookup_answer(lookup, OSH_IDENTITY_NOBODY, NULL);
    g_clear_pointer(&lookup->known_owner, osh_program_unref);
    lookup->others_differ = FALSE;
    if (scan->unreadable != 0) {
        lookup_answer(
            lookup, OSH_IDENTITY_UNCERTAIN,
            g_strdup_printf("process %d of the workload cannot be read", scan->unreadable));
        return;
    }
    if (lookup->name_only) {
        scanner_judge_name(owners->pids, lookup);
    } else if (lookup->purpose == OSH_IDENTITY_DECIDE && !owners->settled) {
        lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN,
                      g_strdup("processes of the workload change while they are read"));
        return;
    } else {
        scanner_judge_program(scanner, scan, owners->pids, lookup);
    }
    if (lookup->answer == OSH_IDENTITY_NOBODY)
        lookup->problem = g_strdup("no process of the workload was seen to own the connection");
}

/* Returns: FALSE when there is nothing to look for, with the answer set. */
static gboolean
scanner_find_socket(OshIdentityScanner *scanner, OshIdentityLookup *lookup)
{
    OshSocketFound found;
    int result;

    if (lookup->name_only)
        return TRUE;
    lookup->inode = 0;
    result = scanner->diag != NULL ? osh_socket_diag_find(scanner->diag, &lookup->tuple, &found)
                                   : -EOPNOTSUPP;
    if (result == 0 && found.inode == 0)
        result = -ENOENT;
    if (result == 0) {
        lookup->inode = found.inode;
        return TRUE;
    }
    if (result == -ENOENT)
        lookup_answer(lookup, OSH_IDENTITY_NO_SOCKET,
                      g_strdup("the socket at the other end is not known here"));
    else
        lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN,
                      g_strdup_printf("the socket at the other end cannot be looked up: %s",
                                      g_strerror(-result)));
    return FALSE;
}

static void
scanner_scan(OshIdentityScanner *scanner, GPtrArray *lookups)
{
    Scan scan = {
        .wanted = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, owners_free),
        .programs = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)osh_program_unref),
    };
    gint64 began = g_get_monotonic_time();
    gboolean decides = FALSE;

    osh_plain_sockets_expire(scanner->plain, began);
    for (guint i = 0; i < lookups->len; i++) {
        OshIdentityLookup *lookup = lookups->pdata[i];

        lookup->read_at = began;
        lookup->looks++;
        if (!scanner_find_socket(scanner, lookup))
            continue;
        decides = decides || (!lookup->name_only && lookup->purpose == OSH_IDENTITY_DECIDE);
        scan_want(&scan, &lookup->inode);
    }
    for (guint reading = 1; g_hash_table_size(scan.wanted) > 0; reading++) {
        gboolean settled;

        scan_read(scanner, &scan, decides);
        settled = scan_compare(&scan);
        if (!decides || reading == MAX_READINGS || (settled && reading > 1))
            break;
        if (!settled && reading > 1)
            g_usleep(READ_AGAIN_USEC);
    }
    scanner->settles_until = g_get_monotonic_time() + SETTLES_WITHIN;
    for (guint i = 0; i < lookups->len; i++)
        scanner_judge(scanner, &scan, lookups->pdata[i]);
    g_hash_table_unref(scan.programs);
    g_hash_table_unref(scan.wanted);
}

static gboolean
lookup_is_answered(const OshIdentityLookup *lookup)
{
    return lookup->answer == OSH_IDENTITY_FOUND || lookup->answer == OSH_IDENTITY_SHARED ||
           lookup->answer == OSH_IDENTITY_NO_SOCKET || lookup->looks >= MAX_LOOKS;
}

/* [any] The lookups are answered by whichever thread, and only there. */
static void
scanner_send(OshIdentityScanner *scanner, guint shard, GPtrArray *lookups)
{
    ScannerBatch *batch = g_new0(ScannerBatch, 1);

    batch->lookups = lookups;
    if (shard == OSH_IDENTITY_ON_MAIN) {
        osh_host_invoke(scanner->host, batch_deliver, batch, NULL);
        return;
    }
    if (osh_shard_post(&scanner->shard, shard, batch_deliver, batch))
        return;
    g_ptr_array_unref(batch->lookups);
    g_free(batch);
}

static gboolean lookup_identify(OshIdentityLookup *lookup);

/* On a thread that hashes. */
static void
lookup_hashed(gpointer data)
{
    OshIdentityLookup *lookup = data;
    GPtrArray *alone;

    if (!lookup_identify(lookup))
        return;
    alone = g_ptr_array_new_with_free_func(lookup_free);
    g_ptr_array_add(alone, lookup);
    scanner_send(lookup->scanner, lookup->shard, alone);
}

/* Returns: FALSE when it waits for an executable to be hashed, and is no longer ours. */
static gboolean
lookup_identify(OshIdentityLookup *lookup)
{
    OshImage *pending;

    while ((lookup->answer == OSH_IDENTITY_FOUND || lookup->answer == OSH_IDENTITY_SHARED) &&
           lookup->program != NULL && lookup->peer == NULL) {
        char *problem = NULL;

        switch (osh_program_identity(lookup->program, &lookup->peer, &pending, &problem)) {
        case OSH_IMAGE_PENDING:
            if (osh_image_table_wait(lookup->scanner->images, pending, lookup_hashed, lookup))
                return FALSE;
            break;
        case OSH_IMAGE_FAILED:
            lookup_answer(lookup, OSH_IDENTITY_UNCERTAIN, problem);
            break;
        case OSH_IMAGE_READY:
            break;
        }
    }
    return TRUE;
}

static void
scanner_deliver_to(OshIdentityScanner *scanner, guint shard, GPtrArray *lookups)
{
    GPtrArray *answered = g_ptr_array_new_with_free_func(lookup_free);

    for (guint i = lookups->len; i-- > 0;) {
        OshIdentityLookup *lookup = lookups->pdata[i];

        if (lookup->shard != shard || !lookup_is_answered(lookup))
            continue;
        g_ptr_array_steal_index_fast(lookups, i);
        if (lookup_identify(lookup))
            g_ptr_array_add(answered, lookup);
    }
    if (answered->len > 0)
        scanner_send(scanner, shard, answered);
    else
        g_ptr_array_unref(answered);
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
        if (lookups->len > 0)
            g_usleep(LOOK_AGAIN_USEC);
        g_mutex_lock(&scanner->mutex);
        /* Those without a clear answer wait for the next look. */
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
                         const OshWorkload *workload, OshImageTable *images, int diag_fd,
                         GError **error)
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
    scanner->plain = osh_plain_sockets_new();
    scanner->images = osh_image_table_ref(images);
    scanner->programs = osh_program_cache_new(osh_workload_init(scanner->processes), images);
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
    osh_plain_sockets_free(scanner->plain);
    osh_program_cache_free(scanner->programs);
    osh_image_table_unref(scanner->images);
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

static OshIdentityLookup *
lookup_new(OshIdentityScanner *scanner, guint shard_index, OshIdentityFunc done, gpointer data)
{
    OshIdentityLookup *lookup = g_new0(OshIdentityLookup, 1);

    lookup->scanner = scanner;
    lookup->done = done;
    lookup->data = data;
    lookup->shard = shard_index;
    return lookup;
}

OshIdentityLookup *
osh_identity_lookup_name(OshIdentityScanner *scanner, guint shard_index, guint64 inode,
                         OshIdentityFunc done, gpointer data)
{
    OshIdentityLookup *lookup = lookup_new(scanner, shard_index, done, data);

    lookup->inode = inode;
    lookup->name_only = TRUE;
    return scanner_ask(scanner, lookup);
}

OshIdentityLookup *
osh_identity_lookup_owners(OshIdentityScanner *scanner, guint shard_index,
                           const OshPeerTuple *tuple, OshIdentityPurpose purpose,
                           const OshSpan *known, gsize n_known, OshIdentityFunc done, gpointer data)
{
    OshIdentityLookup *lookup = lookup_new(scanner, shard_index, done, data);

    lookup->purpose = purpose;
    lookup->tuple = *tuple;
    if (n_known > 0)
        lookup->known = g_new0(char *, n_known + 1);
    for (gsize i = 0; i < n_known; i++)
        lookup->known[i] = g_strndup(known[i].data, known[i].length);
    return scanner_ask(scanner, lookup);
}

void
osh_identity_lookup_cancel(OshIdentityLookup *lookup)
{
    if (lookup != NULL)
        lookup->done = NULL;
}
