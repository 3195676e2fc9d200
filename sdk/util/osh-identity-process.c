/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single readings of /proc. The first thread of a process may have ended while others go on: then
 * /proc/PID has no executable, no descriptors and no memory, and what one of the other threads says
 * holds for the whole group. Never signals, traces or changes a process.
 */
#include "osh-identity-process.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for the auxiliary vector of any architecture. */
#define MAX_AUXILIARY 128

/* Returns: bytes read, or a negative errno; @text is terminated. */
static gssize
read_small(const char *path, char *text, gsize size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, size - 1);
    if (n < 0)
        n = -errno;
    else
        text[n] = '\0';
    close(fd);
    return n;
}

static int
gone_or(gssize error)
{
    return error == -ENOENT || error == -ESRCH ? -ESRCH : (int)error;
}

/* The command name may hold blanks and brackets: fields are counted from the last bracket. */
int
osh_process_read_stat(pid_t pid, pid_t *ret_parent, guint64 *ret_start_time)
{
    char path[64];
    char text[1024];
    const char *at;
    gssize n;

    g_snprintf(path, sizeof path, "/proc/%d/stat", pid);
    n = read_small(path, text, sizeof text);
    if (n <= 0)
        return n == 0 ? -ESRCH : gone_or(n);
    at = strrchr(text, ')');
    if (at == NULL)
        return -EBADMSG;
    at++;
    for (guint field = 3; field <= 22; field++) {
        at += strspn(at, " ");
        if (field == 4)
            *ret_parent = (pid_t)strtol(at, NULL, 10);
        if (field == 22)
            *ret_start_time = g_ascii_strtoull(at, NULL, 10);
        at += strcspn(at, " ");
    }
    return 0;
}

/* It finds threads too, as /proc does, and needs no permission. */
gboolean
osh_process_exists(pid_t thread)
{
    return getpgid(thread) >= 0 || errno != ESRCH;
}

int
osh_process_thread_group(pid_t thread)
{
    char path[64];
    char text[4096];
    const char *line;
    gssize n;

    g_snprintf(path, sizeof path, "/proc/%d/status", thread);
    n = read_small(path, text, sizeof text);
    if (n <= 0)
        return n == 0 ? -ESRCH : gone_or(n);
    /* The name of a thread stands before it, with its line ends escaped. */
    line = strstr(text, "\nTgid:");
    return line != NULL ? (int)strtol(line + strlen("\nTgid:"), NULL, 10) : -EBADMSG;
}

/* Returns: (transfer full) (nullable): the link's text, without the mark of a removed file. */
static char *
read_image_path(const char *link, const struct stat *status)
{
    char path[4096];
    ssize_t n = readlink(link, path, sizeof path - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    if (status->st_nlink == 0 && g_str_has_suffix(path, " (deleted)"))
        path[(gsize)n - strlen(" (deleted)")] = '\0';
    return g_strdup(path);
}

static int
read_image_at(const char *link, struct stat *ret_status, char **ret_path, int *ret_fd)
{
    int fd = -1;
    int error = 0;

    if (ret_fd != NULL) {
        fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        error = fd < 0 ? -errno : 0;
    }
    if (error == 0 && (fd >= 0 ? fstat(fd, ret_status) : stat(link, ret_status)) != 0)
        error = -errno;
    if (error == 0 && !S_ISREG(ret_status->st_mode))
        error = -EACCES;
    if (error == 0) {
        *ret_path = read_image_path(link, ret_status);
        if (*ret_path == NULL)
            error = -errno;
    }
    if (error != 0 && fd >= 0)
        close(fd);
    if (error == 0 && ret_fd != NULL)
        *ret_fd = fd;
    return error;
}

int
osh_process_read_image(pid_t pid, pid_t thread, struct stat *ret_status, char **ret_path,
                       int *ret_fd)
{
    char path[96];
    int error;
    DIR *tasks;

    g_snprintf(path, sizeof path, "/proc/%d/exe", thread);
    error = read_image_at(path, ret_status, ret_path, ret_fd);
    if (error != -ENOENT && error != -ESRCH)
        return error == 0 ? 0 : -EACCES;
    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return gone_or(-errno);
    error = -ESRCH;
    for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        if (!g_ascii_isdigit(entry->d_name[0]))
            continue;
        g_snprintf(path, sizeof path, "/proc/%d/task/%.16s/exe", pid, entry->d_name);
        error = gone_or(read_image_at(path, ret_status, ret_path, ret_fd));
        if (error != -ESRCH)
            break;
    }
    closedir(tasks);
    return error == 0 || error == -ESRCH ? error : -EACCES;
}

gboolean
osh_process_is_alive(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 0;
}

/* Returns: whether what was asked for was found. */
typedef gboolean (*ThreadFunc)(pid_t pid, pid_t thread, gpointer data);

/* Asks @thread, then the other ones of @pid: the first one may have ended before them. */
static gboolean
process_ask_threads(pid_t pid, pid_t thread, ThreadFunc ask, gpointer data)
{
    char path[64];
    gboolean found = ask(pid, thread, data);
    DIR *tasks;

    if (found)
        return TRUE;
    g_snprintf(path, sizeof path, "/proc/%d/task", pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return FALSE;
    for (struct dirent *entry = readdir(tasks); entry != NULL && !found; entry = readdir(tasks))
        if (g_ascii_isdigit(entry->d_name[0]))
            found = ask(pid, (pid_t)atoi(entry->d_name), data);
    closedir(tasks);
    return found;
}

static gboolean
thread_start_stack(pid_t pid, pid_t thread, gpointer data)
{
    guint64 *ret_stack = data;
    char path[96];
    char text[1024];
    const char *at;

    /* Of the thread alone: that of the process adds up all of its threads. */
    g_snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, thread);
    if (read_small(path, text, sizeof text) <= 0)
        return FALSE;
    at = strrchr(text, ')');
    for (guint field = 2; at != NULL && field < 28; field++)
        at = strchr(at + 1, ' ');
    *ret_stack = at != NULL ? g_ascii_strtoull(at + 1, NULL, 10) : 0;
    return *ret_stack != 0;
}

guint64
osh_process_start_stack(pid_t pid, pid_t thread)
{
    guint64 stack = 0;

    process_ask_threads(pid, thread, thread_start_stack, &stack);
    return stack;
}

/* Adds the random bytes at @address, which stay as they were in a fork. */
static void
execution_add_random(GChecksum *checksum, pid_t pid, pid_t thread, unsigned long address)
{
    guint8 random[16];
    char path[96];
    int fd;

    g_snprintf(path, sizeof path, "/proc/%d/task/%d/mem", pid, thread);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (pread(fd, random, sizeof random, (off_t)address) == sizeof random)
        g_checksum_update(checksum, random, sizeof random);
    close(fd);
}

static gboolean
thread_execution(pid_t pid, pid_t thread, gpointer data)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    unsigned long vector[2 * MAX_AUXILIARY] = {0};
    guint8 digest[32];
    gsize length = sizeof digest;
    char path[96];
    ssize_t n;
    int fd;

    g_snprintf(path, sizeof path, "/proc/%d/task/%d/auxv", pid, thread);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FALSE;
    n = read(fd, vector, sizeof vector - 2 * sizeof vector[0]);
    close(fd);
    if (n <= 0)
        return FALSE;
    g_checksum_update(checksum, (const guchar *)vector, n);
    for (gsize i = 0; vector[i] != AT_NULL && i < 2 * (MAX_AUXILIARY - 1); i += 2)
        if (vector[i] == AT_RANDOM)
            execution_add_random(checksum, pid, thread, vector[i + 1]);
    g_checksum_get_digest(checksum, digest, &length);
    memcpy(data, digest, OSH_EXECUTION_SIZE);
    return TRUE;
}

gboolean
osh_process_execution(pid_t pid, pid_t thread, guint8 ret_execution[OSH_EXECUTION_SIZE])
{
    return process_ask_threads(pid, thread, thread_execution, ret_execution);
}
