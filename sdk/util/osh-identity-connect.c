/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callers of connect(2). The programs of a box run under a filter that stops the call and tells
 * us (seccomp_unotify(2)). While the calling thread stands still, its thread group, executable and
 * ancestors are read and the socket is looked up by its descriptor; then the call goes on. What is
 * kept is "the last call on the socket with this cookie was made by that program"; sock_diag gives
 * the cookie of a connection that arrives.
 *
 * What this depends on, and what not:
 * - Nothing is decided from the call's arguments. A sibling thread may put another socket under the
 *   descriptor's number after it was looked at: then that other socket is connected, which has no
 *   entry, or that of its own last caller. The address is never read.
 * - The notification's id is checked after everything was read, so that what was read is the
 *   caller's: as long as it is valid, the thread lives and has not executed another program.
 * - A connection without an entry was not made by connect(2), as far as is known: denied.
 * - A program is entered as a problem, not left out, when it cannot be read.
 *
 * One thread does this and nothing else, because every connect(2) of the box waits for it; it never
 * hashes, and a caller whose ancestors are just ending waits without keeping others waiting. An
 * entry is taken when its connection arrives; those of sockets that are gone are dropped whenever
 * the table has doubled.
 */
#include "osh-identity-connect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "osh-identity-process.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The kernel's structs may have grown; it tells by ENOMEM that this is too small. */
#define NOTIFICATION_SIZE 512
#define MIN_PRUNE         4096
#define MAX_ENTRIES       131072
/* Between the notification and the call itself a socket is in no list of the kernel's. */
#define UNLISTED_FOR (60 * G_TIME_SPAN_SECOND)
/* A connection arrives within this time; in a full table an older entry is of a connection inside
 * the box, which no caller asks about. */
#define ARRIVES_WITHIN (5 * G_TIME_SPAN_SECOND)
/* How long a caller waits for its ancestors to have ended, and how often they are looked at. */
#define SETTLES_WITHIN (10 * G_TIME_SPAN_SECOND)
#define SETTLES_MSEC   1
#define MAX_UNSETTLED  256
/* setpriority(2); of a thread, on Linux. */
#define AHEAD (-10)

typedef struct {
    guint64 key;
    OshProgram *program; /* (nullable) */
    char *problem;       /* (nullable) why there is no program */
    gint64 read_at;
} Entry;

struct _OshConnectWatch {
    int listener;
    int wake;
    GThread *thread;
    OshProgramCache *programs;
    OshSocketDiag *diag; /* (nullable) */
    gboolean no_thread_handles;
    GMutex mutex;
    GHashTable *by_cookie; /* cookie -> Entry */
    /* A connection of MPTCP has a socket of its own below the program's: they share the inode. */
    GHashTable *by_inode;
    guint prune_at;
    GQueue unsettled; /* Call, oldest first */
};

/* A call that stands still. */
typedef struct {
    guint64 id;
    pid_t thread;
    int descriptor;
    pid_t group;
    guint64 key;
    gboolean by_inode;
    gint64 read_at;
    gint64 deadline;
} Call;

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    osh_program_unref(entry->program);
    g_free(entry->problem);
    g_free(entry);
}

gboolean
osh_connect_watch_can_read(int pidfd)
{
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Returns: a descriptor of the calling thread's, or -1. */
static int
watch_take_descriptor(OshConnectWatch *watch, pid_t thread, int number, pid_t *ret_group)
{
    int known = osh_program_cache_pidfd(watch->programs, thread);
    int fd = known >= 0 ? (int)syscall(SYS_pidfd_getfd, known, number, 0) : -1;
    int pidfd;

    *ret_group = thread;
    if (fd >= 0)
        return fd;
    pidfd = (int)syscall(SYS_pidfd_open, thread, 0);
    if (pidfd < 0) {
        /* Not the first thread of its group, which may have ended: then only a handle of the thread
         * itself leads to the descriptors (Linux 6.9). */
        *ret_group = osh_process_thread_group(thread);
        if (*ret_group <= 0)
            return -1;
        if (!watch->no_thread_handles)
            pidfd = (int)syscall(SYS_pidfd_open, thread, PIDFD_THREAD);
        if (pidfd < 0) {
            watch->no_thread_handles = watch->no_thread_handles || errno == EINVAL;
            pidfd = (int)syscall(SYS_pidfd_open, *ret_group, 0);
        }
    }
    if (pidfd >= 0) {
        fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
        close(pidfd);
    }
    return fd;
}

/* Returns: FALSE for what makes no TCP connection. */
static gboolean
call_find_socket(OshConnectWatch *watch, Call *call)
{
    int fd = watch_take_descriptor(watch, call->thread, call->descriptor, &call->group);
    int protocol = 0;
    socklen_t length = sizeof protocol;
    gboolean found = FALSE;
    struct stat status;

    if (fd < 0)
        return FALSE;
    /* Of the families that a box may use only the internet's have these protocols. */
    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
        protocol == IPPROTO_TCP) {
        length = sizeof call->key;
        found = getsockopt(fd, SOL_SOCKET, SO_COOKIE, &call->key, &length) == 0;
    } else if (protocol == IPPROTO_MPTCP && fstat(fd, &status) == 0) {
        found = TRUE;
        call->by_inode = TRUE;
        call->key = status.st_ino;
    }
    close(fd);
    return found;
}

static gboolean
entry_is_old(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    return ((const Entry *)value)->read_at < *(const gint64 *)data;
}

static void
prune_keep(guint64 cookie, gpointer data)
{
    gint64 key = (gint64)cookie;

    g_hash_table_add(data, g_memdup2(&key, sizeof key));
}

typedef struct {
    GHashTable *live;
    gint64 oldest;
} Prune;

static gboolean
entry_is_gone(gpointer key, gpointer value, gpointer data)
{
    const Prune *prune = data;

    return ((const Entry *)value)->read_at < prune->oldest &&
           !g_hash_table_contains(prune->live, key);
}

/* [the thread] Takes long, compared with a call, and so waits until the table has doubled. */
static void
watch_prune(OshConnectWatch *watch)
{
    Prune prune = {.oldest = g_get_monotonic_time() - UNLISTED_FOR};
    gboolean complete;

    prune.live = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    complete = watch->diag != NULL &&
               osh_socket_diag_each_cookie(watch->diag, prune_keep, prune.live) == 0;
    g_mutex_lock(&watch->mutex);
    if (complete)
        g_hash_table_foreach_remove(watch->by_cookie, entry_is_gone, &prune);
    g_hash_table_foreach_remove(watch->by_inode, entry_is_old, &prune.oldest);
    if (g_hash_table_size(watch->by_cookie) > MAX_ENTRIES / 2) {
        prune.oldest = g_get_monotonic_time() - ARRIVES_WITHIN;
        g_hash_table_foreach_remove(watch->by_cookie, entry_is_old, &prune.oldest);
    }
    watch->prune_at = MAX(MIN_PRUNE, 2 * g_hash_table_size(watch->by_cookie));
    g_mutex_unlock(&watch->mutex);
    g_hash_table_unref(prune.live);
}

static void
watch_keep(OshConnectWatch *watch, const Call *call, Entry *entry)
{
    GHashTable *table = call->by_inode ? watch->by_inode : watch->by_cookie;
    gboolean kept;
    gboolean full;

    entry->key = call->key;
    g_mutex_lock(&watch->mutex);
    kept = g_hash_table_size(table) < MAX_ENTRIES;
    if (kept)
        g_hash_table_replace(table, &entry->key, entry);
    full =
        g_hash_table_size(watch->by_cookie) + g_hash_table_size(watch->by_inode) >= watch->prune_at;
    g_mutex_unlock(&watch->mutex);
    if (!kept)
        entry_free(entry);
    if (full)
        watch_prune(watch);
}

static gboolean
call_is_valid(const OshConnectWatch *watch, const Call *call)
{
    guint64 id = call->id;

    return ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* Returns: FALSE when the caller has to be read again a little later. */
static gboolean
call_read(OshConnectWatch *watch, Call *call)
{
    char *problem = NULL;
    OshProgram *program = osh_program_read(watch->programs, call->group, call->thread, &problem);
    Entry *entry;

    if (program == NULL && osh_program_cache_is_unsettled(watch->programs) &&
        g_get_monotonic_time() < call->deadline && watch->unsettled.length < MAX_UNSETTLED) {
        g_free(problem);
        return FALSE;
    }
    entry = g_new0(Entry, 1);
    entry->read_at = call->read_at;
    entry->program = program;
    entry->problem = problem;
    if (program == NULL && problem == NULL)
        entry->problem = g_strdup_printf("process %d ended while it connected", call->group);
    if (call_is_valid(watch, call))
        watch_keep(watch, call, entry);
    else
        entry_free(entry);
    return TRUE;
}

static void
call_go_on(const OshConnectWatch *watch, const Call *call)
{
    union {
        struct seccomp_notif_resp response;
        guint8 room[NOTIFICATION_SIZE];
    } answer;

    memset(&answer, 0, sizeof answer);
    answer.response.id = call->id;
    answer.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void
watch_receive(OshConnectWatch *watch)
{
    union {
        struct seccomp_notif notification;
        guint8 room[NOTIFICATION_SIZE];
    } received;
    Call call = {.read_at = g_get_monotonic_time()};

    memset(&received, 0, sizeof received);
    /* A caller that was killed meanwhile is no longer there to be answered. */
    if (ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_RECV, &received) != 0)
        return;
    call.id = received.notification.id;
    call.thread = (pid_t)received.notification.pid;
    call.descriptor = (int)received.notification.data.args[0];
    call.deadline = call.read_at + SETTLES_WITHIN;
    if (!call_find_socket(watch, &call) || call_read(watch, &call))
        call_go_on(watch, &call);
    else
        g_queue_push_tail(&watch->unsettled, g_memdup2(&call, sizeof call));
}

/* Those that were killed meanwhile are found out when they are answered. */
static void
watch_read_again(OshConnectWatch *watch)
{
    for (guint n = watch->unsettled.length; n > 0; n--) {
        Call *call = g_queue_pop_head(&watch->unsettled);

        call->read_at = g_get_monotonic_time();
        if (!call_read(watch, call)) {
            g_queue_push_tail(&watch->unsettled, call);
            continue;
        }
        call_go_on(watch, call);
        g_free(call);
    }
}

static gpointer
watch_run(gpointer data)
{
    OshConnectWatch *watch = data;
    struct pollfd watched[] = {{.fd = watch->wake, .events = POLLIN},
                               {.fd = watch->listener, .events = POLLIN}};
    gint64 again_at = 0;

    /* A call that was not picked up yet can be interrupted, so where we may we come first. */
    (void)setpriority(PRIO_PROCESS, 0, AHEAD);
    for (;;) {
        int ready =
            poll(watched, G_N_ELEMENTS(watched), watch->unsettled.length > 0 ? SETTLES_MSEC : -1);

        if (ready < 0)
            continue;
        if (watched[0].revents != 0)
            return NULL;
        if (watched[1].revents & POLLIN)
            watch_receive(watch);
        else if (watched[1].revents != 0)
            watched[1].fd = -1; /* no process is left under the filter */
        if (watch->unsettled.length > 0 && g_get_monotonic_time() >= again_at) {
            watch_read_again(watch);
            again_at = g_get_monotonic_time() + SETTLES_MSEC * G_TIME_SPAN_MILLISECOND;
        }
    }
}

OshConnectWatch *
osh_connect_watch_new(int listener, pid_t root, OshImageTable *images, int diag_fd, GError **error)
{
    OshConnectWatch *watch = g_new0(OshConnectWatch, 1);

    watch->listener = listener;
    watch->wake = eventfd(0, EFD_CLOEXEC);
    watch->programs = osh_program_cache_new(root, images);
    watch->diag = diag_fd >= 0 ? osh_socket_diag_new(diag_fd) : NULL;
    watch->prune_at = MIN_PRUNE;
    g_queue_init(&watch->unsettled);
    watch->by_cookie = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    watch->by_inode = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, entry_free);
    g_mutex_init(&watch->mutex);
    if (watch->wake < 0)
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                    "cannot watch the connections of the box: %s", g_strerror(errno));
    else
        watch->thread = g_thread_try_new("connect", watch_run, watch, error);
    if (watch->thread == NULL) {
        osh_connect_watch_free(watch);
        return NULL;
    }
    return watch;
}

void
osh_connect_watch_free(OshConnectWatch *watch)
{
    if (watch == NULL)
        return;
    if (watch->thread != NULL) {
        const guint64 one = 1;

        /* An eventfd that is not full takes it. */
        (void)!write(watch->wake, &one, sizeof one);
        g_thread_join(watch->thread);
    }
    close(watch->listener);
    if (watch->wake >= 0)
        close(watch->wake);
    osh_program_cache_free(watch->programs);
    osh_socket_diag_free(watch->diag);
    g_queue_clear_full(&watch->unsettled, g_free);
    g_hash_table_unref(watch->by_cookie);
    g_hash_table_unref(watch->by_inode);
    g_mutex_clear(&watch->mutex);
    g_free(watch);
}

OshProgram *
osh_connect_watch_take(OshConnectWatch *watch, const OshSocketFound *socket, gint64 *ret_read_at,
                       char **ret_problem)
{
    const gint64 cookie = (gint64)socket->cookie;
    const gint64 inode = (gint64)socket->inode;
    OshProgram *program = NULL;
    gpointer entry = NULL;

    g_mutex_lock(&watch->mutex);
    if (!g_hash_table_steal_extended(watch->by_cookie, &cookie, NULL, &entry) && inode != 0)
        g_hash_table_steal_extended(watch->by_inode, &inode, NULL, &entry);
    g_mutex_unlock(&watch->mutex);
    if (entry == NULL) {
        *ret_problem = g_strdup("the connection was not made by a connect(2) that is known: by "
                                "io_uring, or by a program that changed its socket meanwhile");
        return NULL;
    }
    *ret_read_at = ((Entry *)entry)->read_at;
    program = g_steal_pointer(&((Entry *)entry)->program);
    if (program == NULL)
        *ret_problem = g_steal_pointer(&((Entry *)entry)->problem);
    entry_free(entry);
    return program;
}

guint
osh_connect_watch_length(OshConnectWatch *watch)
{
    guint length;

    g_mutex_lock(&watch->mutex);
    length = g_hash_table_size(watch->by_cookie) + g_hash_table_size(watch->by_inode);
    g_mutex_unlock(&watch->mutex);
    return length;
}
