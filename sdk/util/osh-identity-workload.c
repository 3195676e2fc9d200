/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload's processes: the tree below a box's init or a configured pid, the members of a
 * cgroup, or, with neither, the processes of our own network namespace. That last list is kept
 * and only extended by pids that the kernel has given out since, so that its cost follows what is
 * new and not how many processes the machine has. Runs on the scanner's thread; never signals,
 * traces or changes a process.
 */
#include "osh-identity-workload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beyond this many new pids, reading the whole directory is cheaper than asking for each. */
#define MAX_NEW_PIDS 256

struct _OshWorkloadProcesses {
    pid_t root;
    pid_t init;
    char *cgroup;
    pid_t self;
    char *own_namespace;
    glong last_pid;
    GArray *pids;
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
    return processes;
}

void
osh_workload_processes_free(OshWorkloadProcesses *processes)
{
    g_free(processes->cgroup);
    g_free(processes->own_namespace);
    g_array_unref(processes->pids);
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

static void
workload_add_numbers(GArray *pids, const char *path)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    for (char *at = text; *at != '\0';) {
        char *end;
        pid_t pid = (pid_t)strtol(at, &end, 10);

        if (end == at)
            break;
        g_array_append_val(pids, pid);
        at = end + strspn(end, " \n");
    }
}

static void
workload_add_children(GArray *pids, pid_t pid)
{
    char path[64];
    DIR *tasks;

    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return;
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        char children[96];

        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(children, sizeof children, "/proc/%d/task/%.16s/children", pid, entry->d_name);
        workload_add_numbers(pids, children);
    }
    closedir(tasks);
}

static void
workload_list_tree(OshWorkloadProcesses *processes)
{
    g_array_set_size(processes->pids, 0);
    g_array_append_val(processes->pids, processes->root);
    for (guint i = 0; i < processes->pids->len; i++)
        workload_add_children(processes->pids, g_array_index(processes->pids, pid_t, i));
}

static void
workload_list_cgroup(OshWorkloadProcesses *processes, const char *directory)
{
    g_autofree char *members = g_build_filename(directory, "cgroup.procs", NULL);
    g_autoptr(GDir) below = g_dir_open(directory, 0, NULL);
    const char *name;

    workload_add_numbers(processes->pids, members);
    while (below != NULL && (name = g_dir_read_name(below)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            workload_list_cgroup(processes, path);
    }
}

static gboolean
workload_in_namespace(const OshWorkloadProcesses *processes, pid_t pid)
{
    char path[64];
    char link[64];
    ssize_t n;

    if (pid == processes->self)
        return FALSE;
    g_snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    n = readlink(path, link, sizeof link - 1);
    if (n <= 0)
        return FALSE;
    link[n] = '\0';
    return g_strcmp0(link, processes->own_namespace) == 0;
}

static void
workload_list_all(OshWorkloadProcesses *processes)
{
    DIR *proc = opendir("/proc");

    g_array_set_size(processes->pids, 0);
    if (proc == NULL)
        return;
    for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (pid > 0 && workload_in_namespace(processes, pid))
            g_array_append_val(processes->pids, pid);
    }
    closedir(proc);
}

static void
workload_forget_dead(OshWorkloadProcesses *processes)
{
    for (guint i = processes->pids->len; i-- > 0;) {
        char path[64];

        g_snprintf(path, sizeof path, "/proc/%d", g_array_index(processes->pids, pid_t, i));
        if (access(path, F_OK) != 0)
            g_array_remove_index_fast(processes->pids, i);
    }
}

/* The last field of /proc/loadavg is the pid that was given out last in our pid namespace. */
static void
workload_list_namespace(OshWorkloadProcesses *processes)
{
    char text[128] = "";
    const char *field;
    glong last;

    workload_read("/proc/loadavg", text, sizeof text);
    field = strrchr(text, ' ');
    last = field != NULL ? strtol(field + 1, NULL, 10) : 0;
    if (last > 0 && last == processes->last_pid)
        return;
    if (processes->last_pid > 0 && last > processes->last_pid &&
        last - processes->last_pid <= MAX_NEW_PIDS) {
        workload_forget_dead(processes);
        for (pid_t pid = (pid_t)processes->last_pid + 1; pid <= (pid_t)last; pid++)
            if (workload_in_namespace(processes, pid))
                g_array_append_val(processes->pids, pid);
    } else {
        workload_list_all(processes);
    }
    processes->last_pid = last;
}

const GArray *
osh_workload_processes_list(OshWorkloadProcesses *processes)
{
    if (processes->root != 0) {
        workload_list_tree(processes);
    } else if (processes->cgroup != NULL) {
        g_array_set_size(processes->pids, 0);
        workload_list_cgroup(processes, processes->cgroup);
    } else {
        workload_list_namespace(processes);
    }
    return processes->pids;
}

/* A process that is not dumpable hides fd/ but not fdinfo/, which names the inode since 5.14. */
static int
workload_each_info(pid_t pid, OshHeldSocketFunc each, gpointer data)
{
    char path[64];
    DIR *infos;

    g_snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
    infos = opendir(path);
    if (infos == NULL)
        return errno == ENOENT || errno == ESRCH ? -ESRCH : -EACCES;
    for (struct dirent *entry = readdir(infos); entry != NULL; entry = readdir(infos)) {
        char file[96];
        char text[1024];
        const char *line;

        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(file, sizeof file, "/proc/%d/fdinfo/%.16s", pid, entry->d_name);
        if (workload_read(file, text, sizeof text) < 0) {
            if (errno == ENOENT)
                continue;
            closedir(infos);
            return -EACCES;
        }
        line = strstr(text, "ino:");
        if (line != NULL)
            each(pid, g_ascii_strtoull(line + 4, NULL, 10), data);
    }
    closedir(infos);
    return 0;
}

int
osh_workload_each_socket(pid_t pid, OshHeldSocketFunc each, gpointer data)
{
    char path[64];
    DIR *fds;

    g_snprintf(path, sizeof path, "/proc/%d/fd", pid);
    fds = opendir(path);
    if (fds == NULL)
        return errno == EACCES || errno == EPERM ? workload_each_info(pid, each, data) : -ESRCH;
    for (struct dirent *entry = readdir(fds); entry != NULL; entry = readdir(fds)) {
        char link[64];
        ssize_t n;

        if (entry->d_name[0] == '.')
            continue;
        n = readlinkat(dirfd(fds), entry->d_name, link, sizeof link - 1);
        if (n < 0 && (errno == EACCES || errno == EPERM)) {
            closedir(fds);
            return workload_each_info(pid, each, data);
        }
        if (n <= 8 || memcmp(link, "socket:[", 8) != 0)
            continue;
        link[n] = '\0';
        each(pid, g_ascii_strtoull(link + 8, NULL, 10), data);
    }
    closedir(fds);
    return 0;
}
