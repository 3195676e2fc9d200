/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity against real sockets and processes of this test: from a tuple to an inode, from an
 * inode to its holders, from a holder to its program. Needs no privilege.
 */
#include "osh-identity-process.h"
#include "osh-identity-program.h"
#include "osh-identity-workload.h"
#include "osh-identity.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int listener;
    int client;
    int accepted;
    guint16 client_port;
    guint16 port;
} Pair;

static guint16
bound_port(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    g_assert_cmpint(getsockname(fd, (struct sockaddr *)(void *)&address, &length), ==, 0);
    return g_ntohs(address.sin_port);
}

static void
pair_open(Pair *pair)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_addr.s_addr = g_htonl(INADDR_LOOPBACK);
    pair->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(pair->listener, (struct sockaddr *)(void *)&address, sizeof address), ==,
                    0);
    g_assert_cmpint(listen(pair->listener, 4), ==, 0);
    pair->port = bound_port(pair->listener);
    address.sin_port = g_htons(pair->port);
    pair->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(connect(pair->client, (struct sockaddr *)(void *)&address, sizeof address), ==,
                    0);
    pair->accepted = accept(pair->listener, NULL, NULL);
    pair->client_port = bound_port(pair->client);
}

static void
pair_close(Pair *pair)
{
    close(pair->client);
    close(pair->accepted);
    close(pair->listener);
}

static OshPeerTuple
loopback_tuple(guint32 protocol, guint16 client_port, guint16 port)
{
    OshPeerTuple tuple = {
        .struct_size = sizeof tuple,
        .protocol = protocol,
        .client_port = client_port,
        .destination_port = port,
    };

    g_assert_cmpint(inet_pton(AF_INET6, "::ffff:127.0.0.1", &tuple.client), ==, 1);
    tuple.destination = tuple.client;
    return tuple;
}

static OshSocketDiag *
new_diag(void)
{
    return osh_socket_diag_new(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
}

static guint64
inode_of(int fd)
{
    struct stat status;

    g_assert_cmpint(fstat(fd, &status), ==, 0);
    return status.st_ino;
}

static void
test_tuple(void)
{
    OshSocketDiag *diag = new_diag();
    OshPeerTuple tuple;
    Pair pair;
    OshSocketFound found = {0};

    pair_open(&pair);
    tuple = loopback_tuple(IPPROTO_TCP, pair.client_port, pair.port);
    g_assert_cmpint(osh_socket_diag_find(diag, &tuple, &found), ==, 0);
    g_assert_cmpuint(found.inode, ==, inode_of(pair.client));
    /* The kernel would offer the listener for a tuple that no socket has: that is not the socket.
     */
    tuple = loopback_tuple(IPPROTO_TCP, pair.port, 1);
    g_assert_cmpint(osh_socket_diag_find(diag, &tuple, &found), ==, -ENOENT);
    g_assert_cmpuint(found.inode, ==, inode_of(pair.client));
    pair_close(&pair);
    osh_socket_diag_free(diag);
}

/* A connection that no listener answers: to a listener whose queue is full. */
static void
test_syn_sent(void)
{
    OshSocketDiag *diag = new_diag();
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fds[16];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    OshPeerTuple tuple;
    OshSocketFound found = {0};
    gboolean waiting = FALSE;

    address.sin_addr.s_addr = g_htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(listener, (struct sockaddr *)(void *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(listener, 0), ==, 0);
    address.sin_port = g_htons(bound_port(listener));
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        struct tcp_info info;
        socklen_t length = sizeof info;

        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(fds[i], (struct sockaddr *)(void *)&address, sizeof address) != 0)
            g_assert_cmpint(errno, ==, EINPROGRESS);
        g_assert_cmpint(getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &length), ==, 0);
        if (info.tcpi_state != TCP_SYN_SENT)
            continue;
        waiting = TRUE;
        tuple = loopback_tuple(IPPROTO_TCP, bound_port(fds[i]), g_ntohs(address.sin_port));
        g_assert_cmpint(osh_socket_diag_find(diag, &tuple, &found), ==, 0);
        g_assert_cmpuint(found.inode, ==, inode_of(fds[i]));
    }
    g_assert_true(waiting);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
    close(listener);
    osh_socket_diag_free(diag);
}

static void
check_datagrams(OshSocketDiag *diag, const char *text, gboolean connected)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = g_htons(40444)};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int off = 0;
    OshPeerTuple tuple;
    OshSocketFound found = {0};

    setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &off, sizeof off);
    g_assert_cmpint(inet_pton(AF_INET6, text, &address.sin6_addr), ==, 1);
    if (connected)
        g_assert_cmpint(connect(fd, (struct sockaddr *)(void *)&address, sizeof address), ==, 0);
    else
        sendto(fd, "x", 1, 0, (struct sockaddr *)(void *)&address, sizeof address);
    tuple = loopback_tuple(IPPROTO_UDP, bound_port(fd), 40444);
    tuple.client = tuple.destination = address.sin6_addr;
    g_assert_cmpint(osh_socket_diag_find(diag, &tuple, &found), ==, 0);
    g_assert_cmpuint(found.inode, ==, inode_of(fd));
    tuple.client_port ^= 1;
    g_assert_cmpint(osh_socket_diag_find(diag, &tuple, &found), ==, -ENOENT);
    close(fd);
}

static void
test_datagrams(void)
{
    static const char *const addresses[] = {"::1", "::ffff:127.0.0.1"};
    OshSocketDiag *diag = new_diag();

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        check_datagrams(diag, addresses[i], TRUE);
        check_datagrams(diag, addresses[i], FALSE);
    }
    osh_socket_diag_free(diag);
}

typedef struct {
    guint64 wanted;
    guint found;
} Search;

static void
search_found(pid_t pid, guint64 inode, gpointer data)
{
    Search *search = data;

    (void)pid;
    search->found += inode == search->wanted;
}

static void
test_holders(void)
{
    Pair pair;
    struct stat status;
    Search search = {0};

    pair_open(&pair);
    g_assert_cmpint(fstat(pair.client, &status), ==, 0);
    search.wanted = status.st_ino;
    g_assert_cmpint(osh_workload_each_socket(getpid(), NULL, NULL, search_found, &search, NULL), ==,
                    0);
    g_assert_cmpuint(search.found, ==, 1);
    pair_close(&pair);
    g_assert_cmpint(osh_workload_each_socket(getpid(), NULL, NULL, search_found, &search, NULL), ==,
                    0);
    g_assert_cmpuint(search.found, ==, 1);
}

static pid_t
spawn_sleep(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sleep", "sleep", "30", (char *)NULL);
        _exit(127);
    }
    /* The image changes at exec; wait until it has. */
    for (guint i = 0; i < 1000; i++) {
        g_autofree char *link = g_strdup_printf("/proc/%d/exe", pid);
        g_autofree char *path = g_file_read_link(link, NULL);

        if (path != NULL && g_str_has_suffix(path, "/sleep"))
            break;
        g_usleep(1000);
    }
    return pid;
}

static void
test_exists(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    g_assert_true(osh_process_exists(getpid()));
    g_assert_true(osh_process_exists(child));
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_assert_false(osh_process_exists(child));
}

static void
test_tree(void)
{
    const OshWorkload workload = {.root_pid = getpid()};
    OshWorkloadProcesses *processes = osh_workload_processes_new(&workload);
    pid_t child = spawn_sleep();
    const GArray *pids = osh_workload_processes_list(processes);

    g_assert_cmpuint(pids->len, ==, 2);
    g_assert_cmpint(g_array_index(pids, pid_t, 1), ==, child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    g_assert_cmpuint(osh_workload_processes_list(processes)->len, ==, 1);
    osh_workload_processes_free(processes);
}

static void
count_sockets(pid_t pid, guint64 inode, gpointer data)
{
    (void)pid;
    (void)inode;
    ++*(guint *)data;
}

/* Microseconds of this thread's own, so that a busy machine does not show in them. */
static gint64
own_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* Returns: the shortest of some looks over the tree below @root. */
static gint64
shortest_look(pid_t root)
{
    const OshWorkload workload = {.root_pid = root};
    OshWorkloadProcesses *processes = osh_workload_processes_new(&workload);
    gint64 shortest = G_MAXINT64;

    for (guint round = 0; round < 50; round++) {
        gint64 began = own_time();
        const GArray *pids = osh_workload_processes_list(processes);
        guint sockets = 0;

        for (guint i = 0; i < pids->len; i++)
            osh_workload_each_socket(g_array_index(pids, pid_t, i), NULL, NULL, count_sockets,
                                     &sockets, NULL);
        g_assert_cmpuint(pids->len, ==, 1);
        shortest = MIN(shortest, own_time() - began);
    }
    osh_workload_processes_free(processes);
    return shortest;
}

static void
test_cost_follows_the_workload(void)
{
    pid_t root = spawn_sleep();
    pid_t others[200];
    gint64 alone = shortest_look(root);
    gint64 crowded;

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        others[i] = fork();
        g_assert_cmpint(others[i], >=, 0);
        if (others[i] == 0)
            for (;;)
                pause();
    }
    crowded = shortest_look(root);
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        kill(others[i], SIGKILL);
        waitpid(others[i], NULL, 0);
    }
    kill(root, SIGKILL);
    waitpid(root, NULL, 0);
    /* Reading 200 more would cost a millisecond. */
    g_assert_cmpint(crowded, <, 2 * alone + 200);
}

static void
test_namespace_finds_new(void)
{
    const OshWorkload workload = {0};
    OshWorkloadProcesses *processes = osh_workload_processes_new(&workload);
    gboolean found = FALSE;
    const GArray *pids;
    pid_t child;

    osh_workload_processes_list(processes);
    child = spawn_sleep();
    pids = osh_workload_processes_list(processes);
    for (guint i = 0; i < pids->len; i++) {
        g_assert_cmpint(g_array_index(pids, pid_t, i), !=, getpid());
        found |= g_array_index(pids, pid_t, i) == child;
    }
    g_assert_true(found);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    osh_workload_processes_free(processes);
}

static gboolean
has_pid(const GArray *pids, pid_t pid)
{
    for (guint i = 0; i < pids->len; i++)
        if (g_array_index(pids, pid_t, i) == pid)
            return TRUE;
    return FALSE;
}

/* Whatever else is created on the machine meanwhile: what is of the workload is told, once. */
static void
check_created(const OshWorkload *workload)
{
    OshWorkloadProcesses *processes = osh_workload_processes_new(workload);
    pid_t before = spawn_sleep();
    pid_t children[3];
    gboolean any = TRUE;

    g_assert_true(has_pid(osh_workload_processes_list(processes), before));
    for (guint i = 0; i < G_N_ELEMENTS(children); i++)
        children[i] = spawn_sleep();
    for (guint round = 0; any && round < 1000; round++) {
        const GArray *created = osh_workload_processes_since(processes, &any);

        g_assert_nonnull(created);
        g_assert_false(has_pid(created, before));
        for (guint i = 0; i < G_N_ELEMENTS(children); i++)
            g_assert_true(has_pid(created, children[i]) == (round == 0));
    }
    g_assert_false(any);
    for (guint i = 0; i < G_N_ELEMENTS(children); i++) {
        g_assert_true(has_pid(osh_workload_processes_list(processes), children[i]));
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    /* What is not of the workload is not told. */
    if (workload->root_pid != 0) {
        OshWorkloadProcesses *others =
            osh_workload_processes_new(&(OshWorkload){.root_pid = before});

        osh_workload_processes_list(others);
        children[0] = spawn_sleep();
        g_assert_false(has_pid(osh_workload_processes_since(others, &any), children[0]));
        g_assert_true(any);
        kill(children[0], SIGKILL);
        waitpid(children[0], NULL, 0);
        osh_workload_processes_free(others);
    }
    kill(before, SIGKILL);
    waitpid(before, NULL, 0);
    osh_workload_processes_free(processes);
}

static void
test_created_since(void)
{
    check_created(&(OshWorkload){.root_pid = getpid()});
    check_created(&(OshWorkload){0});
}

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    gboolean hashed;
} Wait;

static void
wait_over(gpointer data)
{
    Wait *wait = data;

    pthread_mutex_lock(&wait->mutex);
    wait->hashed = TRUE;
    pthread_cond_signal(&wait->cond);
    pthread_mutex_unlock(&wait->mutex);
}

/* Waits for the hashes of @program. Returns: (transfer full) (nullable): what it is. */
static OshPeerIdentity *
identity_of(OshImageTable *images, OshProgram *program, char **ret_problem)
{
    OshPeerIdentity *identity = NULL;
    OshImage *pending;

    while (osh_program_identity(program, &identity, &pending, ret_problem) == OSH_IMAGE_PENDING) {
        Wait wait = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, FALSE};

        if (!osh_image_table_wait(images, pending, wait_over, &wait))
            continue;
        pthread_mutex_lock(&wait.mutex);
        while (!wait.hashed)
            pthread_cond_wait(&wait.cond, &wait.mutex);
        pthread_mutex_unlock(&wait.mutex);
    }
    return identity;
}

static void
end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void
test_program(void)
{
    g_autoptr(OshImageTable) images = osh_image_table_new();
    OshProgramCache *cache = osh_program_cache_new(0, images);
    pid_t child = spawn_sleep();
    g_autofree char *problem = NULL;
    g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *content = NULL;
    g_autofree char *digest = NULL;
    gsize length;
    OshPeerIdentity *identity, *name;
    OshProgram *first, *second;

    name = osh_program_name(child, &problem);
    g_assert_nonnull(name);
    g_assert_cmpint(name->pid, ==, child);
    first = osh_program_read(cache, child, child, &problem);
    second = osh_program_read(cache, child, child, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_nonnull(first);
    g_assert_true(first == second);
    identity = identity_of(images, first, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_true(g_str_has_suffix(identity->binary, "/sleep"));
    g_assert_cmpstr(identity->binary, ==, name->binary);
    g_assert_cmpuint(identity->process_key, ==, name->process_key);
    g_assert_cmpuint(identity->n_ancestors, >=, 1);
    g_assert_cmpstr(identity->ancestors[0].data, ==, own);
    g_assert_true(g_file_get_contents(identity->binary, &content, &length, NULL));
    digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)content, length);
    g_assert_cmpstr(identity->sha256, ==, digest);
    osh_peer_identity_unref(identity);
    osh_peer_identity_unref(name);
    osh_program_unref(first);
    osh_program_unref(second);
    end(child);
    g_assert_null(osh_program_read(cache, child, child, &problem));
    g_assert_cmpstr(problem, ==, NULL);
    osh_program_cache_free(cache);
    osh_image_table_end(images);
}

/* A child that forks again and waits at each step for a byte. Returns: the grandchild. */
static pid_t
spawn_grandchild(pid_t *ret_child)
{
    int report[2];
    pid_t grandchild = 0;

    g_assert_cmpint(pipe(report), ==, 0);
    *ret_child = fork();
    if (*ret_child == 0) {
        pid_t inner = fork();

        if (inner == 0)
            for (;;)
                pause();
        if (write(report[1], &inner, sizeof inner) != sizeof inner)
            _exit(1);
        for (;;)
            pause();
    }
    g_assert_cmpint(read(report[0], &grandchild, sizeof grandchild), ==, sizeof grandchild);
    close(report[0]);
    close(report[1]);
    return grandchild;
}

/* The same program in a parent and its child: other ancestors, one execution. */
static void
test_fork_and_parent_that_ends(void)
{
    g_autoptr(OshImageTable) images = osh_image_table_new();
    OshProgramCache *cache = osh_program_cache_new(0, images);
    g_autofree char *problem = NULL;
    g_autoptr(OshProgram) parent = NULL;
    g_autoptr(OshProgram) before = NULL;
    g_autoptr(OshProgram) after = NULL;
    g_autoptr(OshPeerIdentity) with_parent = NULL;
    g_autoptr(OshPeerIdentity) without = NULL;
    pid_t child;
    pid_t grandchild = spawn_grandchild(&child);

    parent = osh_program_read(cache, child, child, &problem);
    before = osh_program_read(cache, grandchild, grandchild, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_true(osh_program_same(parent, before));
    with_parent = identity_of(images, before, &problem);
    end(child);
    /* Its parent, which is known from before, is not asked for any more. */
    after = osh_program_read(cache, grandchild, grandchild, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_nonnull(after);
    g_assert_true(osh_program_same(before, after));
    without = identity_of(images, after, &problem);
    g_assert_cmpuint(with_parent->n_ancestors, !=, without->n_ancestors);
    g_assert_true(osh_peer_identity_equal(with_parent, without));
    kill(grandchild, SIGKILL);
    osh_program_cache_free(cache);
    osh_image_table_end(images);
}

static void
wait_for_command(pid_t pid, const char *argument)
{
    for (guint i = 0; i < 2000; i++) {
        g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
        g_autofree char *text = NULL;
        gsize length = 0;

        if (g_file_get_contents(path, &text, &length, NULL) && length > strlen(argument) &&
            strcmp(text + length - strlen(argument) - 1, argument) == 0)
            return;
        g_usleep(1000);
    }
    g_error("%s was not executed", argument);
}

/* A shell that executes itself anew has the same file, path and ancestors, and is another one. */
static void
test_execution(void)
{
    g_autoptr(OshImageTable) images = osh_image_table_new();
    OshProgramCache *cache = osh_program_cache_new(0, images);
    g_autofree char *problem = NULL;
    g_autoptr(OshProgram) first = NULL;
    g_autoptr(OshProgram) second = NULL;
    g_autoptr(OshPeerIdentity) left = NULL;
    g_autoptr(OshPeerIdentity) right = NULL;
    pid_t child = fork();

    if (child == 0) {
        execl("/bin/sh", "sh", "-c",
              "trap 'exec /bin/sh -c \"while :; do sleep 0.1; done\" sh second' USR1; "
              "while :; do sleep 0.02; done",
              "sh", "first", (char *)NULL);
        _exit(127);
    }
    wait_for_command(child, "first");
    g_usleep(50000);
    first = osh_program_read(cache, child, child, &problem);
    kill(child, SIGUSR1);
    wait_for_command(child, "second");
    second = osh_program_read(cache, child, child, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    g_assert_true(first != second);
    left = identity_of(images, first, &problem);
    right = identity_of(images, second, &problem);
    g_assert_cmpstr(left->execution, !=, right->execution);
    /* Which is the same identity all the same: its ancestors did not change. */
    g_assert_true(osh_peer_identity_equal(left, right));
    end(child);
    osh_program_cache_free(cache);
    osh_image_table_end(images);
}

static void
test_equal(void)
{
    OshSpan shell = OSH_SPAN_LITERAL("/bin/sh");
    OshSpan make = OSH_SPAN_LITERAL("/bin/make");
    OshPeerIdentity one = {
        .binary = (char *)"/x", .sha256 = (char *)"1", .n_ancestors = 1, .ancestors = &shell};
    OshPeerIdentity other = one;

    g_assert_true(osh_peer_identity_equal(&one, &other));
    other.ancestors = &make;
    g_assert_false(osh_peer_identity_equal(&one, &other));
    /* Two that are not known are not one. */
    one.execution = (char *)"e";
    g_assert_false(osh_peer_identity_equal(&one, &other));
    other.execution = (char *)"e";
    g_assert_true(osh_peer_identity_equal(&one, &other));
    other.sha256 = (char *)"2";
    g_assert_false(osh_peer_identity_equal(&one, &other));
    other.sha256 = one.sha256;
    other.binary = (char *)"/y";
    g_assert_false(osh_peer_identity_equal(&one, &other));
    other = one;
    other.n_ancestors = 0;
    other.execution = NULL;
    g_assert_false(osh_peer_identity_equal(&one, &other));
}

/* A group whose first thread has ended shows nothing in /proc/PID itself. */
static void *
second_thread(void *data)
{
    char byte = 'x';

    g_usleep(20000);
    if (write(*(int *)data, &byte, 1) != 1)
        _exit(1);
    for (;;)
        pause();
    return NULL;
}

static gboolean
is_listed_in_namespace(pid_t pid)
{
    const OshWorkload workload = {0};
    OshWorkloadProcesses *processes = osh_workload_processes_new(&workload);
    const GArray *pids = osh_workload_processes_list(processes);
    gboolean found = FALSE;

    for (guint i = 0; i < pids->len; i++)
        found = found || g_array_index(pids, pid_t, i) == pid;
    osh_workload_processes_free(processes);
    return found;
}

static void
test_first_thread_ended(void)
{
    g_autoptr(OshImageTable) images = osh_image_table_new();
    OshProgramCache *cache = osh_program_cache_new(0, images);
    g_autofree char *problem = NULL;
    g_autoptr(OshProgram) parent = NULL;
    g_autoptr(OshProgram) program = NULL;
    g_autofree char *namespace = NULL;
    Search search = {0};
    int report[2];
    char byte;
    Pair pair;
    pid_t child;

    pair_open(&pair);
    g_assert_cmpint(pipe(report), ==, 0);
    child = fork();
    if (child == 0) {
        pthread_t thread;

        /* When the test fails, nobody else ends it. */
        alarm(60);
        if (pthread_create(&thread, NULL, second_thread, &report[1]) == 0)
            syscall(SYS_exit, 0);
        _exit(1);
    }
    g_assert_cmpint(read(report[0], &byte, 1), ==, 1);
    namespace = g_strdup_printf("/proc/%d/ns/net", child);
    for (guint i = 0; i < 1000 && readlink(namespace, &byte, 1) == 1; i++)
        g_usleep(1000);
    g_assert_true(is_listed_in_namespace(child));
    search.wanted = inode_of(pair.client);
    g_assert_cmpint(osh_workload_each_socket(child, NULL, NULL, search_found, &search, NULL), ==,
                    0);
    g_assert_cmpuint(search.found, ==, 1);
    program = osh_program_read(cache, child, child, &problem);
    g_assert_cmpstr(problem, ==, NULL);
    parent = osh_program_read(cache, getpid(), getpid(), &problem);
    g_assert_true(osh_program_same(program, parent));
    end(child);
    close(report[0]);
    close(report[1]);
    pair_close(&pair);
    osh_program_cache_free(cache);
    osh_image_table_end(images);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/a-tuple-leads-to-its-own-socket-and-never-to-a-listener",
                    test_tuple);
    g_test_add_func("/identity/a-connection-that-was-not-answered-is-found-too", test_syn_sent);
    g_test_add_func("/identity/a-datagram-socket-is-found-connected-or-not", test_datagrams);
    g_test_add_func("/identity/a-holder-is-found-until-it-closes", test_holders);
    g_test_add_func("/identity/a-pid-is-there-until-its-process-was-waited-for", test_exists);
    g_test_add_func("/identity/the-tree-below-a-pid-is-the-workload", test_tree);
    g_test_add_func("/identity/a-look-costs-what-the-workload-is-and-not-the-machine",
                    test_cost_follows_the_workload);
    g_test_add_func("/identity/a-process-that-is-new-since-the-last-look-is-seen",
                    test_namespace_finds_new);
    g_test_add_func("/identity/what-is-created-while-a-list-is-read-is-told-and-nothing-else",
                    test_created_since);
    g_test_add_func("/identity/a-program-is-its-image-content-and-ancestry", test_program);
    g_test_add_func("/identity/a-fork-is-the-same-program-before-and-after-its-parent-has-ended",
                    test_fork_and_parent_that_ends);
    g_test_add_func("/identity/a-program-that-executes-itself-is-read-anew", test_execution);
    g_test_add_func("/identity/equal-is-image-content-and-either-ancestry-or-execution",
                    test_equal);
    g_test_add_func("/identity/a-process-whose-first-thread-has-ended-is-read-all-the-same",
                    test_first_thread_ended);
    return g_test_run();
}
