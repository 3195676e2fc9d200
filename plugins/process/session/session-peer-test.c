/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect to a control socket. The box is a child in namespaces of its own. */
#include "session-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child does before it connects. */
enum {
    CHILD_CONNECT = 1 << 0,
    CHILD_END = 1 << 1,    /* after its connect */
    CHILD_DEEPER = 1 << 2, /* a grandchild does, in namespaces of its own */
    CHILD_OTHER_USER = 1 << 3,
    CHILD_UNREADABLE = 1 << 4, /* its namespaces cannot be read by others */
};

typedef struct {
    int listener;
    struct sockaddr_un address;
    socklen_t size;
    pid_t children[4];
    guint n_children;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    fixture->address.sun_family = AF_UNIX;
    g_assert_cmpint(
        bind(fixture->listener, (struct sockaddr *)&fixture->address, sizeof(sa_family_t)), ==, 0);
    fixture->size = sizeof fixture->address;
    g_assert_cmpint(
        getsockname(fixture->listener, (struct sockaddr *)&fixture->address, &fixture->size), ==,
        0);
    g_assert_cmpint(listen(fixture->listener, 4), ==, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    /* All before the first wait: an init ends after those who are in its namespace. */
    for (guint i = 0; i < fixture->n_children; i++)
        kill(fixture->children[i], SIGKILL);
    for (guint i = 0; i < fixture->n_children; i++)
        waitpid(fixture->children[i], NULL, 0);
    close(fixture->listener);
}

/* In a child: the socket outlives the connect, so that the accept finds a peer. */
static void G_NORETURN
connect_and_stay(const Fixture *fixture, guint what, int fd)
{
    if (what & CHILD_OTHER_USER && (setgroups(0, NULL) != 0 || setresuid(61502, 61502, 61502) != 0))
        _exit(1);
    prctl(PR_SET_DUMPABLE, what & CHILD_UNREADABLE ? 0 : 1);
    if (what & CHILD_CONNECT &&
        connect(fd, (const struct sockaddr *)&fixture->address, fixture->size) != 0)
        _exit(2);
    if (what & CHILD_END)
        _exit(0);
    for (;;)
        pause();
}

/* Returns: the child, in new namespaces where @namespaces says so */
static pid_t
start_child(Fixture *fixture, guint what, int namespaces)
{
    /* Made here, because the abstract address is one of this network. */
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD | namespaces, NULL, NULL, NULL, NULL);

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (what & CHILD_DEEPER &&
            syscall(SYS_clone, SIGCHLD | CLONE_NEWPID | CLONE_NEWNET, NULL, NULL, NULL, NULL) != 0)
            for (;;)
                pause();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        connect_and_stay(fixture, what, fd);
    }
    close(fd);
    fixture->children[fixture->n_children++] = pid;
    return pid;
}

static gboolean
may_attach(const Fixture *fixture, pid_t init_pid, char **ret_why)
{
    int fd = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);
    g_autoptr(GError) error = NULL;
    gboolean good;

    g_assert_cmpint(fd, >=, 0);
    good = osh_session_peer_check(fd, init_pid, &error);
    g_assert_cmpint(good, ==, error == NULL);
    if (error != NULL)
        *ret_why = g_strdup(error->message);
    close(fd);
    return good;
}

static gboolean
has_namespaces(void)
{
    pid_t pid = (pid_t)syscall(
        SYS_clone, SIGCHLD | CLONE_NEWPID | CLONE_NEWNET | (geteuid() != 0 ? CLONE_NEWUSER : 0),
        NULL, NULL, NULL, NULL);

    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return FALSE;
    waitpid(pid, NULL, 0);
    return TRUE;
}

static int
box_namespaces(int kinds)
{
    return kinds | (geteuid() != 0 ? CLONE_NEWUSER : 0);
}

static pid_t
start_box(Fixture *fixture)
{
    return start_child(fixture, 0, box_namespaces(CLONE_NEWPID | CLONE_NEWNET));
}

static void
test_process_of_ours_outside_may(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);

    (void)data;
    start_child(fixture, CHILD_CONNECT, 0);
    if (!may_attach(fixture, init, &why))
        g_error("%s", why);
}

static void
test_without_a_box_the_user_alone_counts(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;

    (void)data;
    start_child(fixture, CHILD_CONNECT, 0);
    g_assert_true(may_attach(fixture, 0, &why));
}

static void
test_another_user_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;

    (void)data;
    if (geteuid() != 0) {
        g_test_skip("only root can be somebody else");
        return;
    }
    start_child(fixture, CHILD_CONNECT | CHILD_OTHER_USER, 0);
    g_assert_false(may_attach(fixture, 0, &why));
    g_assert_nonnull(strstr(why, "neither root nor the user of the run"));
}

static void
join(pid_t pid, const char *kind)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/%s", (int)pid, kind);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, 0) != 0)
        _exit(3);
    close(fd);
}

/* One namespace alone is enough, for a process that does not descend from init. */
static void
test_process_in_a_namespace_of_the_box_may_not(Fixture *fixture, gconstpointer data)
{
    const char *kind = data;
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (geteuid() != 0)
            join(init, "user");
        join(init, kind);
        /* A process joins a PID namespace by its children. */
        if (fork() != 0)
            for (;;)
                pause();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        connect_and_stay(fixture, CHILD_CONNECT, fd);
    }
    close(fd);
    fixture->children[fixture->n_children++] = pid;
    g_assert_false(may_attach(fixture, init, &why));
    g_assert_nonnull(strstr(why, "is in the box"));
}

static void
test_init_itself_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_child(fixture, CHILD_CONNECT, box_namespaces(CLONE_NEWPID | CLONE_NEWNET));

    (void)data;
    g_assert_false(may_attach(fixture, init, &why));
    g_assert_nonnull(strstr(why, "is in the box"));
}

/* In namespaces that are none of the box's, and below init all the same. */
static void
test_descendant_of_init_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_child(fixture, CHILD_CONNECT | CHILD_DEEPER,
                             box_namespaces(CLONE_NEWPID | CLONE_NEWNET));

    (void)data;
    g_assert_false(may_attach(fixture, init, &why));
    g_assert_nonnull(strstr(why, "descends from the box"));
}

static void
test_peer_that_has_ended_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);
    pid_t peer = start_child(fixture, CHILD_CONNECT | CHILD_END, 0);
    siginfo_t info;

    /* A zombie, and then nothing at all. */
    (void)data;
    g_assert_cmpint(waitid(P_PID, (id_t)peer, &info, WEXITED | WNOWAIT), ==, 0);
    g_assert_false(may_attach(fixture, init, &why));
    start_child(fixture, CHILD_CONNECT | CHILD_END, 0);
    g_assert_cmpint(waitpid(fixture->children[2], NULL, 0), >, 0);
    g_clear_pointer(&why, g_free);
    g_assert_false(may_attach(fixture, init, &why));
    fixture->n_children = 2;
}

/* Returns: a child with the number @pid, or -1 where it cannot be had */
static pid_t
take_number(pid_t pid)
{
    struct clone_args arguments = {
        .exit_signal = SIGCHLD, .set_tid = (guint64)(gsize)&pid, .set_tid_size = 1};
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);

    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return child;
}

static void
test_number_that_is_another_process_by_now_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);
    pid_t peer = start_child(fixture, CHILD_CONNECT | CHILD_END, 0);

    (void)data;
    g_assert_cmpint(waitpid(peer, NULL, 0), ==, peer);
    fixture->n_children--;
    peer = take_number(peer);
    if (peer < 0) {
        g_test_skip("only root can choose the number of a process");
        return;
    }
    fixture->children[fixture->n_children++] = peer;
    g_assert_false(may_attach(fixture, init, &why));
}

static void
test_peer_whose_namespaces_cannot_be_read_may_not(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);

    (void)data;
    if (geteuid() == 0) {
        g_test_skip("root reads the namespaces of every process");
        return;
    }
    start_child(fixture, CHILD_CONNECT | CHILD_UNREADABLE, 0);
    g_assert_false(may_attach(fixture, init, &why));
    g_assert_nonnull(strstr(why, "cannot be read"));
}

static void
test_box_that_has_ended_lets_nobody_in(Fixture *fixture, gconstpointer data)
{
    g_autofree char *why = NULL;
    pid_t init = start_box(fixture);

    (void)data;
    kill(init, SIGKILL);
    waitpid(init, NULL, 0);
    fixture->children[0] = start_child(fixture, CHILD_CONNECT, 0);
    fixture->n_children = 1;
    g_assert_false(may_attach(fixture, init, &why));
    g_assert_nonnull(strstr(why, "cannot be read"));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(Fixture *fixture, gconstpointer data);
        const char *data;
    } tests[] = {
        {"process-of-ours-outside-may", test_process_of_ours_outside_may, NULL},
        {"without-a-box-the-user-alone-counts", test_without_a_box_the_user_alone_counts, NULL},
        {"another-user-may-not", test_another_user_may_not, NULL},
        {"init-itself-may-not", test_init_itself_may_not, NULL},
        {"process-in-the-pid-namespace-may-not", test_process_in_a_namespace_of_the_box_may_not,
         "pid"},
        {"process-in-the-network-namespace-may-not", test_process_in_a_namespace_of_the_box_may_not,
         "net"},
        {"descendant-of-init-may-not", test_descendant_of_init_may_not, NULL},
        {"peer-that-has-ended-may-not", test_peer_that_has_ended_may_not, NULL},
        {"number-that-is-another-process-by-now-may-not",
         test_number_that_is_another_process_by_now_may_not, NULL},
        {"peer-whose-namespaces-cannot-be-read-may-not",
         test_peer_whose_namespaces_cannot_be_read_may_not, NULL},
        {"box-that-has-ended-lets-nobody-in", test_box_that_has_ended_lets_nobody_in, NULL},
    };

    g_test_init(&argc, &argv, NULL);
    if (!has_namespaces()) {
        g_print("1..0 # SKIP this machine makes no namespaces for us\n");
        return 0;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/process/session-peer/%s", tests[i].name);

        g_test_add(path, Fixture, tests[i].data, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
