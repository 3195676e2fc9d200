/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-identity.c: what it costs to find the holder of a socket: one sock_diag question, and one
 * look over a box of 1, 12, 52 and 202 processes, on a machine with nothing else and with 1,000
 * processes more. Fails when those make a look a half longer: its cost must follow the box alone.
 *
 * Times are of the thread, without what others of the machine take. A box is a child of this
 * program with children of its own; each process holds a few descriptors.
 */
#include "osh-identity-workload.h"
#include "osh-identity.h"

#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS       50
#define OTHERS       1000
#define HELD_SOCKETS 4
#define DIAG_ROUNDS  20000
/* A look of a small box is short enough for the clock to matter. */
#define SLACK_USEC 60

/* Microseconds of this thread's own, so that a busy machine does not show in them. */
static gint64
own_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static pid_t
spawn_waiting(void (*inside)(guint), guint n)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready) != 0)
        g_error("no pipe");
    pid = fork();
    if (pid < 0)
        g_error("too many processes for this benchmark");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        if (inside != NULL)
            inside(n);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        g_error("a process did not start");
    close(ready[0]);
    return pid;
}

static void
hold_sockets(guint n)
{
    (void)n;
    for (guint i = 0; i < HELD_SOCKETS; i++)
        if (socket(AF_INET, SOCK_DGRAM, 0) < 0)
            _exit(1);
}

static void
make_box(guint n)
{
    for (guint i = 1; i < n; i++)
        spawn_waiting(hold_sockets, 0);
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
count(pid_t pid, guint64 inode, gpointer data)
{
    (void)pid;
    (void)inode;
    ++*(guint *)data;
}

static gint
compare(gconstpointer left, gconstpointer right)
{
    gint64 a = *(const gint64 *)left;
    gint64 b = *(const gint64 *)right;

    return a < b ? -1 : a > b;
}

/* Returns: the median of a look, in microseconds. */
static gint64
look(pid_t root, guint n)
{
    const OshWorkload workload = {.root_pid = root};
    OshWorkloadProcesses *processes = osh_workload_processes_new(&workload);
    gint64 took[ROUNDS];

    for (guint round = 0; round < ROUNDS; round++) {
        gint64 began = own_time();
        const GArray *pids = osh_workload_processes_list(processes);
        guint sockets = 0;

        g_assert_cmpuint(pids->len, ==, n);
        for (guint i = 0; i < pids->len; i++)
            osh_workload_each_socket(g_array_index(pids, pid_t, i), NULL, NULL, count, &sockets,
                                     NULL);
        g_assert_cmpuint(sockets, >=, (n - 1) * HELD_SOCKETS);
        took[round] = own_time() - began;
    }
    osh_workload_processes_free(processes);
    qsort(took, ROUNDS, sizeof took[0], compare);
    return took[ROUNDS / 2];
}

static void
measure_diag(void)
{
    OshSocketDiag *diag =
        osh_socket_diag_new(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    OshPeerTuple tuple = {.struct_size = sizeof tuple, .protocol = IPPROTO_TCP, .client_port = 1};
    gint64 began = own_time();
    OshSocketFound found;

    for (guint i = 0; i < DIAG_ROUNDS; i++)
        osh_socket_diag_find(diag, &tuple, &found);
    printf("identity: one question of sock_diag %.2f us\n",
           (double)(own_time() - began) / DIAG_ROUNDS);
    osh_socket_diag_free(diag);
}

int
main(void)
{
    static const guint sizes[] = {1, 12, 52, 202};
    pid_t others[OTHERS];
    pid_t boxes[G_N_ELEMENTS(sizes)];
    gint64 alone[G_N_ELEMENTS(sizes)];
    int status = 0;

    measure_diag();
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        boxes[i] = spawn_waiting(make_box, sizes[i]);
        alone[i] = look(boxes[i], sizes[i]);
    }
    for (guint i = 0; i < OTHERS; i++)
        others[i] = spawn_waiting(NULL, 0);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        gint64 crowded = look(boxes[i], sizes[i]);

        printf("identity: a look over %3u processes %5" G_GINT64_FORMAT
               " us, with %d more on the machine %5" G_GINT64_FORMAT " us\n",
               sizes[i], alone[i], OTHERS, crowded);
        if (crowded > alone[i] + alone[i] / 2 + SLACK_USEC)
            status = 1;
        end(boxes[i]);
    }
    for (guint i = 0; i < OTHERS; i++)
        end(others[i]);
    return status;
}
