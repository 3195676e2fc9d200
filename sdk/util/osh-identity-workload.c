/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload's processes: the tree below a box's init or a configured pid, the members of a
 * cgroup, or, with neither, the processes of our own network namespace. That last list is kept
 * and only extended by pids that the kernel has given out since, so that its cost follows what is
 * new and not how many processes the machine has. Runs on the scanner's thread; never signals,
 * traces or changes a process.
 *
 * A tree is not listed in one moment. When a process or a thread ends, its children are given to
 * another one, whose children may have been read before: so it is listed until a listing adds
 * nothing and met nothing that had ended, and what any of the listings had is in the result. What
 * is created after a listing has begun is found by its pid, because the kernel gives them out in
 * order. It does so before the process can be seen, while its parent is still there: a pid without
 * a process is asked for again. Descriptors belong to threads: the
 * first thread of a process may have ended, and outside of a box a thread may have a table of its
 * own. Neither is a table read in one moment: a process that ran meanwhile can have moved a
 * descriptor from a number that was not read yet to one that was, so it is read several times.
 */
#include "osh-identity-workload.h"

#include "osh-identity-process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Beyond this many new pids, reading the whole directory is cheaper than asking for each. */
#define MAX_NEW_PIDS 256
/* How often the kept list of a namespace is made anew. */
#define LIST_ANEW (1 * G_TIME_SPAN_SECOND)
/* A workload that starts processes all the time adds some to each listing. */
#define MAX_LISTINGS 8
/* A descriptor that is moved all the time is missed by one reading in two or three. */
#define CAREFUL_READINGS 16
/* Beyond this many threads one has run for sure. */
#define MAX_WATCHED_THREADS 64
/* How often a process is asked anew for its ancestors when one of them ends meanwhile. */
#define MAX_CLIMBS 16
/* Deeper than any tree of processes that a machine has room for. */
#define MAX_DEPTH 4096

struct _OshWorkloadProcesses {
    pid_t root;
    pid_t init;
    char *cgroup;
    pid_t self;
    char *own_namespace;
    glong last_pid; /* given out when the list was begun, or asked for last */
    GArray *pids;
    GArray *created; /* since then */
    GArray *unseen;  /* pids that were given out since the list was begun, without a process */
    gint64 listed_at;
    GHashTable *kept;    /* of a namespace: the pids */
    GHashTable *threads; /* pids that are threads of others, since it was listed whole */
};

OshWorkloadProcesses *
osh_workload_processes_new(const OshWorkload *workload)
{
    OshWorkloadProcesses *processes = g_new0(OshWorkloadProcesses, 1);

    processes->root = workload->init_pid != 0 ? workload->init_pid : workload->root_pid;
    processes->init = workload->init_pid;
    processes->cgroup = g_strdup(workload->cgroup);
    processes->self = getpid();
    processes->own_namespace = g_file_read_link("/proc/self/ns/net", NULL);
    processes->pids = g_array_new(FALSE, FALSE, sizeof(pid_t));
    processes->created = g_array_new(FALSE, FALSE, sizeof(pid_t));
    processes->unseen = g_array_new(FALSE, FALSE, sizeof(pid_t));
    processes->kept = g_hash_table_new(NULL, NULL);
    processes->threads = g_hash_table_new(NULL, NULL);
    return processes;
}

void
osh_workload_processes_free(OshWorkloadProcesses *processes)
{
    g_free(processes->cgroup);
    g_free(processes->own_namespace);
    g_array_unref(processes->pids);
    g_array_unref(processes->created);
    g_array_unref(processes->unseen);
    g_hash_table_unref(processes->kept);
    g_hash_table_unref(processes->threads);
    g_free(processes);
}

pid_t
osh_workload_init(const OshWorkloadProcesses *processes)
{
    return processes->init;
}

/* Reads a small file whole. Returns: its length, or -1. */
static gssize
workload_read(const char *path, char *text, gsize size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = read(fd, text, size - 1);
    close(fd);
    if (n < 0)
        return -1;
    text[n] = '\0';
    return n;
}

/* The last field of /proc/loadavg is the pid that was given out last in our pid namespace. */
static glong
workload_last_pid(void)
{
    char text[128] = "";
    const char *field;

    workload_read("/proc/loadavg", text, sizeof text);
    field = strrchr(text, ' ');
    return field != NULL ? strtol(field + 1, NULL, 10) : 0;
}

/* Adds those of the file's numbers that @known lacks. Returns: whether it could be read. */
static gboolean
workload_add_numbers(GArray *pids, GHashTable *known, const char *path)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return FALSE;
    for (char *at = text; *at != '\0';) {
        char *end;
        pid_t pid = (pid_t)strtol(at, &end, 10);

        if (end == at)
            break;
        if (g_hash_table_add(known, GINT_TO_POINTER(pid)))
            g_array_append_val(pids, pid);
        at = end + strspn(end, " \n");
    }
    return TRUE;
}

/* Returns: FALSE when a thread ended meanwhile, whose children are another one's now. */
static gboolean
workload_add_children(GArray *pids, GHashTable *known, pid_t pid)
{
    char path[64];
    gboolean whole = TRUE;
    DIR *tasks;

    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return TRUE;
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        char children[96];

        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(children, sizeof children, "/proc/%d/task/%.16s/children", pid, entry->d_name);
        whole = workload_add_numbers(pids, known, children) && whole;
    }
    closedir(tasks);
    return whole;
}

static void
workload_list_tree(OshWorkloadProcesses *processes)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    gboolean whole = FALSE;
    guint before = 0;

    g_array_set_size(processes->pids, 0);
    g_array_append_val(processes->pids, processes->root);
    g_hash_table_add(known, GINT_TO_POINTER(processes->root));
    for (guint listing = 0; (!whole || before < processes->pids->len) && listing < MAX_LISTINGS;
         listing++) {
        before = processes->pids->len;
        whole = TRUE;
        /* A process that has ended stays in the list, and the reader of its descriptors says so. */
        for (guint i = 0; i < processes->pids->len; i++)
            whole = workload_add_children(processes->pids, known,
                                          g_array_index(processes->pids, pid_t, i)) &&
                    whole;
    }
}

static void
workload_list_cgroup_once(OshWorkloadProcesses *processes, GHashTable *known, const char *directory)
{
    g_autofree char *members = g_build_filename(directory, "cgroup.procs", NULL);
    g_autoptr(GDir) below = g_dir_open(directory, 0, NULL);
    const char *name;

    workload_add_numbers(processes->pids, known, members);
    while (below != NULL && (name = g_dir_read_name(below)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            workload_list_cgroup_once(processes, known, path);
    }
}

static void
workload_list_cgroup(OshWorkloadProcesses *processes)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    guint before;

    g_array_set_size(processes->pids, 0);
    for (guint listing = 0; listing < MAX_LISTINGS; listing++) {
        before = processes->pids->len;
        workload_list_cgroup_once(processes, known, processes->cgroup);
        if (listing > 0 && before == processes->pids->len)
            break;
    }
}

/* Returns: FALSE when @process, "PID" or "PID/task/TID", has no network namespace any more. */
static gboolean
workload_read_namespace(const char *process, char link[64])
{
    char path[96];
    ssize_t n;

    g_snprintf(path, sizeof path, "/proc/%s/ns/net", process);
    n = readlink(path, link, 63);
    if (n <= 0)
        return FALSE;
    link[n] = '\0';
    return TRUE;
}

/* The first thread may have ended while others go on: any of these stands for the process. */
static gboolean
workload_read_namespace_of_threads(pid_t pid, char link[64])
{
    char path[64];
    gboolean found = FALSE;
    DIR *tasks;

    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return FALSE;
    for (struct dirent *entry = readdir(tasks); entry != NULL && !found; entry = readdir(tasks)) {
        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(path, sizeof path, "%d/task/%.16s", pid, entry->d_name);
        found = workload_read_namespace(path, link);
    }
    closedir(tasks);
    return found;
}

static gboolean
workload_in_namespace(const OshWorkloadProcesses *processes, pid_t pid)
{
    char process[16];
    char link[64];

    if (pid == processes->self)
        return FALSE;
    g_snprintf(process, sizeof process, "%d", pid);
    return (workload_read_namespace(process, link) ||
            workload_read_namespace_of_threads(pid, link)) &&
           g_strcmp0(link, processes->own_namespace) == 0;
}

static void
workload_keep(OshWorkloadProcesses *processes, pid_t pid)
{
    if (g_hash_table_add(processes->kept, GINT_TO_POINTER(pid)))
        g_array_append_val(processes->pids, pid);
}

static void
workload_list_all(OshWorkloadProcesses *processes)
{
    DIR *proc = opendir("/proc");

    processes->listed_at = g_get_monotonic_time();
    g_array_set_size(processes->pids, 0);
    g_hash_table_remove_all(processes->kept);
    g_hash_table_remove_all(processes->threads);
    if (proc == NULL)
        return;
    for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (pid > 0 && workload_in_namespace(processes, pid))
            workload_keep(processes, pid);
    }
    closedir(proc);
}

static void
workload_forget_dead(OshWorkloadProcesses *processes)
{
    for (guint i = processes->pids->len; i-- > 0;) {
        pid_t pid = g_array_index(processes->pids, pid_t, i);
        char path[64];

        g_snprintf(path, sizeof path, "/proc/%d", pid);
        if (access(path, F_OK) != 0) {
            g_hash_table_remove(processes->kept, GINT_TO_POINTER(pid));
            g_array_remove_index_fast(processes->pids, i);
        }
    }
}

/* A pid is not given out a second time before the list is made anew, and what is a thread of
 * another process does not become a process. Returns: whether @pid is a process that is not kept.
 */
static gboolean
workload_is_unknown(OshWorkloadProcesses *processes, pid_t pid)
{
    pid_t group;

    if (g_hash_table_contains(processes->kept, GINT_TO_POINTER(pid)) ||
        g_hash_table_contains(processes->threads, GINT_TO_POINTER(pid)) || !osh_process_exists(pid))
        return FALSE;
    group = osh_process_thread_group(pid);
    if (group > 0 && group != pid)
        g_hash_table_add(processes->threads, GINT_TO_POINTER(pid));
    return group == pid;
}

static void
workload_list_namespace(OshWorkloadProcesses *processes, glong last)
{
    glong new = last - processes->last_pid;

    if (processes->listed_at == 0 || new < 0 || new > MAX_NEW_PIDS ||
        g_get_monotonic_time() - processes->listed_at > LIST_ANEW) {
        workload_list_all(processes);
        return;
    }
    workload_forget_dead(processes);
    /* Some of those before had no process yet when they were asked for. */
    for (pid_t pid = (pid_t)MAX(last - MAX_NEW_PIDS, 1); pid <= (pid_t)last; pid++)
        if (workload_is_unknown(processes, pid) && workload_in_namespace(processes, pid))
            workload_keep(processes, pid);
}

const GArray *
osh_workload_processes_list(OshWorkloadProcesses *processes)
{
    /* Before the first one is listed: what is created from now on is not missed. */
    glong last = workload_last_pid();

    if (processes->root != 0) {
        workload_list_tree(processes);
    } else if (processes->cgroup != NULL) {
        workload_list_cgroup(processes);
    } else {
        workload_list_namespace(processes, last);
    }
    processes->last_pid = last;
    g_array_set_size(processes->unseen, 0);
    return processes->pids;
}

/*
 * Whether @pid is @root or below it. One whose ancestors end all the time counts as below: it is
 * looked into then, which does no harm.
 */
static gboolean
workload_is_below(pid_t pid, pid_t root)
{
    for (guint climb = 0; climb < MAX_CLIMBS; climb++) {
        pid_t at = pid;
        guint64 start_time;
        guint depth = 0;

        while (at != root && at > 1 && depth++ < MAX_DEPTH) {
            if (osh_process_read_stat(at, &at, &start_time) != 0) {
                if (depth == 1)
                    return FALSE;
                at = -1;
            }
        }
        if (at >= 0)
            return at == root;
    }
    return TRUE;
}

static gboolean
workload_has(const OshWorkloadProcesses *processes, pid_t pid)
{
    if (processes->root != 0)
        return workload_is_below(pid, processes->root);
    if (processes->cgroup == NULL)
        return workload_in_namespace(processes, pid);
    for (guint i = 0; i < processes->pids->len; i++)
        if (g_array_index(processes->pids, pid_t, i) == pid)
            return TRUE;
    return FALSE;
}

/* Adds the thread group of @pid, a process or a thread. Returns: FALSE when there is none. */
static gboolean
workload_add_created(OshWorkloadProcesses *processes, pid_t pid)
{
    /* A thread may have a table of descriptors of its own. */
    pid_t group = osh_process_thread_group(pid);

    if (group <= 0)
        return FALSE;
    if (workload_has(processes, group))
        g_array_append_val(processes->created, group);
    return TRUE;
}

const GArray *
osh_workload_processes_since(OshWorkloadProcesses *processes, gboolean *ret_any)
{
    glong last = workload_last_pid();
    glong new = last - processes->last_pid;
    GArray *unseen = processes->unseen;

    g_array_set_size(processes->created, 0);
    *ret_any = TRUE;
    /* Pids have begun at the lowest ones again, or are too many. */
    if (new < 0 || new + unseen->len > MAX_NEW_PIDS)
        return NULL;
    if (processes->root == 0 && processes->cgroup != NULL && new + unseen->len > 0)
        workload_list_cgroup(processes);
    for (guint i = unseen->len; i-- > 0;)
        if (workload_add_created(processes, g_array_index(unseen, pid_t, i)))
            g_array_remove_index_fast(unseen, i);
    for (pid_t pid = (pid_t)processes->last_pid + 1; pid <= (pid_t)last; pid++)
        if (!workload_add_created(processes, pid))
            g_array_append_val(unseen, pid);
    processes->last_pid = last;
    *ret_any = new > 0 || processes->created->len > 0;
    return processes->created;
}

/* Returns: what a failed opening or reading below /proc/PID means for a scan. */
static int
workload_error(int error)
{
    return error == ENOENT || error == ESRCH ? -ESRCH : -EACCES;
}

/* What one reading of a process's descriptors is for, and found. */
typedef struct {
    pid_t pid;
    OshPlainSockets *plain;
    OshHeldSocketFunc each;
    gpointer data;
    gboolean careful;
    gboolean in_flight;
} TableReading;

/* A process that is not dumpable may hide fd/ but not fdinfo/, which names the inode since 5.14. */
static int
workload_each_info(TableReading *reading, pid_t thread)
{
    char path[64];
    DIR *infos;

    g_snprintf(path, sizeof path, "/proc/%d/task/%d/fdinfo", reading->pid, thread);
    infos = opendir(path);
    if (infos == NULL)
        return workload_error(errno);
    for (struct dirent *entry = readdir(infos); entry != NULL; entry = readdir(infos)) {
        char file[128];
        OshDescriptorInfo info;
        int result;

        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(file, sizeof file, "%s/%.16s", path, entry->d_name);
        result = osh_descriptor_info_read(file, &info);
        if (result == -ENOENT)
            continue;
        if (result != 0) {
            closedir(infos);
            return workload_error(-result);
        }
        if (info.inode != 0)
            reading->each(reading->pid, info.inode, reading->data);
        reading->in_flight = reading->in_flight || info.is_carrying;
    }
    closedir(infos);
    return 0;
}

static int
workload_each_descriptor(TableReading *reading, pid_t thread)
{
    char path[64];
    DIR *fds;

    g_snprintf(path, sizeof path, "/proc/%d/task/%d/fd", reading->pid, thread);
    fds = opendir(path);
    if (fds == NULL)
        return workload_error(errno) == -ESRCH ? -ESRCH : workload_each_info(reading, thread);
    for (struct dirent *entry = readdir(fds); entry != NULL; entry = readdir(fds)) {
        char link[64];
        guint64 inode;
        ssize_t n;

        if (entry->d_name[0] == '.')
            continue;
        n = readlinkat(dirfd(fds), entry->d_name, link, sizeof link - 1);
        if (n < 0 && errno != ENOENT) {
            int error = workload_error(errno);

            closedir(fds);
            return error == -ESRCH ? error : workload_each_info(reading, thread);
        }
        if (n <= 8 || memcmp(link, "socket:[", 8) != 0)
            continue;
        link[n] = '\0';
        inode = g_ascii_strtoull(link + 8, NULL, 10);
        reading->each(reading->pid, inode, reading->data);
        if (reading->careful && !reading->in_flight) {
            char file[96];

            g_snprintf(file, sizeof file, "/proc/%d/task/%d/fdinfo/%.16s", reading->pid, thread,
                       entry->d_name);
            reading->in_flight = osh_plain_sockets_is_carrying(reading->plain, inode, file);
        }
    }
    closedir(fds);
    return 0;
}

/* Threads share their table but for those that the kernel does not say it of. */
static gboolean
workload_same_table(pid_t one, pid_t other)
{
    return syscall(SYS_kcmp, one, other, KCMP_FILES, 0, 0) == 0;
}

/*
 * How often the threads of @pid were given the processor so far. Returns: FALSE when it cannot be
 * told, or one of them has it now.
 */
static gboolean
workload_runs(pid_t pid, guint64 *ret_runs)
{
    char path[96];
    guint threads = 0;
    gboolean known = TRUE;
    DIR *tasks;

    *ret_runs = 0;
    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return FALSE;
    for (struct dirent *entry = readdir(tasks); entry != NULL && known; entry = readdir(tasks)) {
        char text[512];
        const char *at;

        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        /* The number of threads counts too: one may have come and gone. */
        *ret_runs += ++threads;
        g_snprintf(path, sizeof path, "/proc/%d/task/%.16s/schedstat", pid, entry->d_name);
        known = threads <= MAX_WATCHED_THREADS && workload_read(path, text, sizeof text) > 0;
        at = known ? strrchr(text, ' ') : NULL;
        *ret_runs += at != NULL ? g_ascii_strtoull(at + 1, NULL, 10) : 0;
        g_snprintf(path, sizeof path, "/proc/%d/task/%.16s/stat", pid, entry->d_name);
        known = known && workload_read(path, text, sizeof text) > 0;
        at = known ? strrchr(text, ')') : NULL;
        known = at != NULL && at[1] == ' ' && at[2] != 'R';
    }
    closedir(tasks);
    return known;
}

static int
workload_read_tables(TableReading *reading)
{
    char path[64];
    DIR *tasks;
    pid_t read_before = 0;
    int result = -ESRCH;

    g_snprintf(path, sizeof path, "/proc/%d/task", reading->pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return workload_error(errno);
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        int one;

        if (thread <= 0 || (read_before != 0 && workload_same_table(read_before, thread)))
            continue;
        one = workload_each_descriptor(reading, thread);
        /* A thread that has ended takes nothing along that another one does not have as well. */
        if (one == -EACCES) {
            closedir(tasks);
            return one;
        }
        if (one == 0) {
            read_before = thread;
            result = 0;
        }
    }
    closedir(tasks);
    return result;
}

int
osh_workload_each_socket(pid_t pid, OshPlainSockets *plain, OshAllSeenFunc all_seen,
                         OshHeldSocketFunc each, gpointer data, gboolean *ret_in_flight)
{
    TableReading reading = {
        .pid = pid, .plain = plain, .each = each, .data = data, .careful = all_seen != NULL};
    guint64 before = 0;
    gboolean known = all_seen != NULL && workload_runs(pid, &before);
    int result = -ESRCH;

    /* One reading during which the process did not run has missed nothing. */
    for (guint readings = 0; readings < CAREFUL_READINGS; readings++) {
        guint64 after = 0;
        gboolean known_after;

        result = workload_read_tables(&reading);
        if (result != 0 || all_seen == NULL || all_seen(data))
            break;
        known_after = workload_runs(pid, &after);
        if (known && known_after && before == after)
            break;
        known = known_after;
        before = after;
    }
    if (ret_in_flight != NULL)
        *ret_in_flight = reading.in_flight;
    return result;
}
