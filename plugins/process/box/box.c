/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.c: the host's end of a box. [main]. Sends requests to init and turns its answers into
 * callbacks.
 *
 * Trust: init is our own program, and nothing in the box can reach it; its messages are checked
 * for size and type only. The box must never get a descriptor of ours: all are close-on-exec, and
 * only those that a launch names are sent.
 *
 * Two things end a box: init's pidfd becomes readable (whatever the reason), or its owner frees
 * it. The control socket's end alone means nothing, since exits may still be queued in it.
 */
#include "box.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box-clone.h"
#include "box-error.h"
#include "box-request.h"
#include "drop-source.h"

#define OSH_ANSWER_TIMEOUT_MS 10000

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

typedef enum {
    PHASE_OPENING,
    PHASE_OPEN,
    PHASE_SEALED,
    PHASE_BROKEN,
    PHASE_CLOSING,
    PHASE_DEAD,
} Phase;

typedef struct {
    struct osh_init_reply reply;
    int fds[OSH_INIT_MAX_SOCKETS];
    guint fd_count;
} Answer;

typedef struct {
    OshBoxLaunched launched;
    OshBoxExited exited;
    OshBoxStopped stopped;
    gpointer user_data;
    gboolean running;
} Launch;

struct OshBoxHandle {
    guint refs; /* one of the owner, one of each dispatch that is under way */
    Phase phase;
    OshBoxInit init;
    int sockets[OSH_INIT_MAX_SOCKETS];
    gsize socket_count;
    uid_t uid;
    gid_t gid;
    guint32 degraded;
    guint32 last_id;
    GHashTable *launches; /* id → Launch */
    GQueue deferred;      /* Answer: arrived while another one was waited for */
    GMainContext *context;
    GSource *control_source;
    GSource *init_source;
    GSource *deferred_source;
    GSource *grace_source;
    OshBoxDied died;
    gpointer died_data;
    OshBoxClosed closed;
    gpointer closed_data;
};

static void
answer_free(Answer *answer)
{
    for (guint i = 0; i < answer->fd_count; i++) {
        if (answer->fds[i] >= 0)
            close(answer->fds[i]);
    }
    g_free(answer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Answer, answer_free)

static int
steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

static void
drop_fd(int *fd)
{
    if (*fd >= 0)
        close(steal_fd(fd));
}

static OshBoxHandle *
box_ref(OshBoxHandle *box)
{
    box->refs++;
    return box;
}

static void
box_unref(OshBoxHandle *box)
{
    if (--box->refs > 0)
        return;
    g_hash_table_unref(box->launches);
    g_queue_clear_full(&box->deferred, (GDestroyNotify)answer_free);
    g_main_context_unref(box->context);
    g_free(box);
}

/* --- talking to init --- */

static gboolean
send_request(OshBoxHandle *box, const struct osh_init_request *request, const int *fds,
             guint fd_count, GError **error)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * (1 + OSH_INIT_MAX_STDIO_FDS))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = (void *)request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    gssize sent;

    if (fd_count > 0) {
        struct cmsghdr *head;

        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * fd_count);
    }
    /* Never blocks: an init that does not read is broken, and the host must go on. */
    do
        sent = sendmsg(box->init.control, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent == (gssize)sizeof *request)
        return TRUE;
    g_set_error(error, OSH_BOX_ERROR, errno == EPIPE ? OSH_BOX_ERROR_DEAD : OSH_BOX_ERROR_FAILED,
                "failed to reach the init of the box: %s", g_strerror(errno));
    return FALSE;
}

/* Returns: (nullable): the next answer; %NULL when none waits (@ret_ended: or ever will) */
static Answer *
read_answer(OshBoxHandle *box, gboolean *ret_ended)
{
    g_autoptr(Answer) answer = g_new0(Answer, 1);
    union {
        char bytes[CMSG_SPACE(sizeof(int) * OSH_INIT_MAX_SOCKETS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = &answer->reply, .iov_len = sizeof answer->reply};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    gssize size;

    do
        size = recvmsg(box->init.control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        *ret_ended = FALSE;
        return NULL;
    }
    for (struct cmsghdr *head = size > 0 ? CMSG_FIRSTHDR(&message) : NULL; head != NULL;
         head = CMSG_NXTHDR(&message, head)) {
        gsize count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(answer->fds, CMSG_DATA(head), sizeof(int) * count);
        answer->fd_count = (guint)count;
    }
    *ret_ended = size != (gssize)sizeof answer->reply;
    if (*ret_ended || answer->fd_count != answer->reply.fd_count) {
        *ret_ended = TRUE;
        return NULL;
    }
    return g_steal_pointer(&answer);
}

static void
set_dead_error(GError **error)
{
    g_set_error_literal(error, OSH_BOX_ERROR, OSH_BOX_ERROR_DEAD,
                        "the init of the box died, and everything in the box with it");
}

static gboolean dispatch_deferred(gpointer user_data);

static void
defer(OshBoxHandle *box, Answer *answer)
{
    g_queue_push_tail(&box->deferred, answer);
    if (box->deferred_source != NULL)
        return;
    box->deferred_source = g_idle_source_new();
    g_source_set_priority(box->deferred_source, G_PRIORITY_DEFAULT);
    g_source_set_callback(box->deferred_source, dispatch_deferred, box, NULL);
    g_source_attach(box->deferred_source, box->context);
}

/* Waits for the answer to @request with @id, and puts others by for their turn. */
static Answer *
wait_for_answer(OshBoxHandle *box, guint32 request, guint32 id, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + OSH_ANSWER_TIMEOUT_MS * G_TIME_SPAN_MILLISECOND;

    for (;;) {
        struct pollfd watched = {.fd = box->init.control, .events = POLLIN};
        gboolean ended = FALSE;
        g_autoptr(Answer) answer = read_answer(box, &ended);
        gint64 left = (deadline - g_get_monotonic_time()) / G_TIME_SPAN_MILLISECOND;

        if (answer != NULL && answer->reply.request == request && answer->reply.id == id &&
            answer->reply.type != OSH_INIT_EXITED) {
            if (answer->reply.type == OSH_INIT_DONE)
                return g_steal_pointer(&answer);
            osh_box_set_error(&answer->reply, error);
            return NULL;
        }
        if (answer != NULL) {
            defer(box, g_steal_pointer(&answer));
            continue;
        }
        if (ended) {
            set_dead_error(error);
            return NULL;
        }
        if (left <= 0) {
            g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_TIMED_OUT,
                        "the init of the box did not answer within %d s",
                        OSH_ANSWER_TIMEOUT_MS / 1000);
            return NULL;
        }
        (void)poll(&watched, 1, (int)left);
    }
}

static guint32
next_id(OshBoxHandle *box)
{
    box->last_id++;
    return box->last_id;
}

static Answer *
ask_and_wait(OshBoxHandle *box, enum osh_init_request_type type, const int *fds, guint fd_count,
             GError **error)
{
    struct osh_init_request request = {.type = type, .id = next_id(box)};

    if (!send_request(box, &request, fds, fd_count, error))
        return NULL;
    return wait_for_answer(box, request.type, request.id, error);
}

/* --- the end --- */

static void
kill_init(OshBoxHandle *box)
{
    if (box->init.pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, box->init.pidfd, SIGKILL, NULL, 0);
}

/* Init is dead or about to be: collects it, after which no process of the box is left. */
static void
reap_init(OshBoxHandle *box)
{
    siginfo_t information;

    if (box->init.pidfd < 0)
        return;
    while (waitid((idtype_t)P_PIDFD, (id_t)box->init.pidfd, &information, WEXITED) != 0 &&
           errno == EINTR)
        continue;
}

static void
release(OshBoxHandle *box)
{
    osh_drop_source(&box->control_source);
    osh_drop_source(&box->init_source);
    osh_drop_source(&box->deferred_source);
    osh_drop_source(&box->grace_source);
    drop_fd(&box->init.control);
    drop_fd(&box->init.pidfd);
    for (gsize i = 0; i < box->socket_count; i++)
        drop_fd(&box->sockets[i]);
}

void
osh_box_free(OshBoxHandle *box)
{
    if (box == NULL)
        return;
    if (box->phase != PHASE_DEAD) {
        kill_init(box);
        reap_init(box);
        box->phase = PHASE_DEAD;
    }
    release(box);
    g_hash_table_remove_all(box->launches);
    box->died = NULL;
    box->closed = NULL;
    box_unref(box);
}

/* --- launches --- */

/* The pid that we see: the kernel tells it with the pidfd. */
static pid_t
outer_pid(int pidfd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", pidfd);
    g_autofree char *text = NULL;
    const char *line;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return -1;
    line = strstr(text, "\nPid:");
    return line != NULL ? (pid_t)strtol(line + strlen("\nPid:"), NULL, 10) : -1;
}

static void
report_launched(OshBoxHandle *box, Launch *launch, Answer *answer)
{
    OshBoxProcess process = {
        .id = answer->reply.id, .pidfd = steal_fd(&answer->fds[0]), .terminal = -1};

    if (answer->fd_count > 1)
        process.terminal = steal_fd(&answer->fds[1]);
    process.pid = outer_pid(process.pidfd);
    launch->running = TRUE;
    launch->launched(box, &process, NULL, launch->user_data);
    drop_fd(&process.pidfd);
    drop_fd(&process.terminal);
}

static void
report_not_launched(OshBoxHandle *box, guint32 id, const GError *error)
{
    Launch *launch = g_hash_table_lookup(box->launches, GUINT_TO_POINTER(id));
    OshBoxLaunched launched = launch->launched;
    gpointer user_data = launch->user_data;

    g_hash_table_remove(box->launches, GUINT_TO_POINTER(id));
    launched(box, NULL, error, user_data);
}

static void
report_exited(OshBoxHandle *box, guint32 id, int status)
{
    Launch *launch = g_hash_table_lookup(box->launches, GUINT_TO_POINTER(id));
    OshBoxExited exited = launch->exited;
    gpointer user_data = launch->user_data;

    g_hash_table_remove(box->launches, GUINT_TO_POINTER(id));
    if (exited != NULL)
        exited(box, id, status, user_data);
}

static void
handle_answer(OshBoxHandle *box, Answer *answer)
{
    const struct osh_init_reply *reply = &answer->reply;
    Launch *launch = NULL;

    if (reply->request == OSH_INIT_TERMINATE) {
        kill_init(box);
        return;
    }
    if (reply->request != OSH_INIT_LAUNCH)
        return;
    launch = g_hash_table_lookup(box->launches, GUINT_TO_POINTER(reply->id));
    if (launch == NULL)
        return;
    if (reply->type == OSH_INIT_DONE && answer->fd_count > 0 && !launch->running) {
        report_launched(box, launch, answer);
    } else if (reply->type == OSH_INIT_EXITED && launch->running) {
        report_exited(box, reply->id, reply->status);
    } else if (reply->type == OSH_INIT_STOPPED && launch->running && launch->stopped != NULL) {
        launch->stopped(box, reply->id, reply->status, launch->user_data);
    } else if (reply->type == OSH_INIT_FAILED && !launch->running) {
        g_autoptr(GError) error = NULL;

        osh_box_set_error(reply, &error);
        report_not_launched(box, reply->id, error);
    }
}

static void
handle_deferred(OshBoxHandle *box)
{
    osh_drop_source(&box->deferred_source);
    while (box->phase != PHASE_DEAD && !g_queue_is_empty(&box->deferred)) {
        g_autoptr(Answer) answer = g_queue_pop_head(&box->deferred);

        handle_answer(box, answer);
    }
}

/* Returns: TRUE while init may still say something */
static gboolean
handle_waiting_answers(OshBoxHandle *box)
{
    handle_deferred(box);
    while (box->phase != PHASE_DEAD) {
        gboolean ended = FALSE;
        g_autoptr(Answer) answer = read_answer(box, &ended);

        if (answer == NULL)
            return !ended;
        handle_answer(box, answer);
    }
    return FALSE;
}

static gboolean
dispatch_deferred(gpointer user_data)
{
    OshBoxHandle *box = box_ref(user_data);

    handle_deferred(box);
    box_unref(box);
    return G_SOURCE_REMOVE;
}

static gboolean
dispatch_control(gint fd, GIOCondition condition, gpointer user_data)
{
    OshBoxHandle *box = box_ref(user_data);
    gboolean more;

    (void)fd;
    (void)condition;
    more = handle_waiting_answers(box);
    box_unref(box);
    return more ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* What was starting has not started, and what was running was killed with init. */
static void
report_all_lost(OshBoxHandle *box)
{
    g_autoptr(GList) ids = g_hash_table_get_keys(box->launches);
    g_autoptr(GError) error = NULL;

    set_dead_error(&error);
    for (GList *item = ids; item != NULL; item = item->next) {
        Launch *launch = g_hash_table_lookup(box->launches, item->data);

        if (launch == NULL)
            continue;
        if (launch->running)
            report_exited(box, GPOINTER_TO_UINT(item->data), SIGKILL);
        else
            report_not_launched(box, GPOINTER_TO_UINT(item->data), error);
    }
}

static gboolean
dispatch_init(gint fd, GIOCondition condition, gpointer user_data)
{
    OshBoxHandle *box = box_ref(user_data);
    gboolean asked = box->phase == PHASE_CLOSING;

    (void)fd;
    (void)condition;
    handle_waiting_answers(box);
    if (box->phase != PHASE_DEAD) {
        reap_init(box);
        box->phase = PHASE_DEAD;
        release(box);
        report_all_lost(box);
        if (asked && box->closed != NULL)
            box->closed(box, box->closed_data);
        else if (!asked && box->died != NULL)
            box->died(box, "the init of the box died, and everything in the box with it",
                      box->died_data);
    }
    box_unref(box);
    return G_SOURCE_REMOVE;
}

static GSource *
watch(OshBoxHandle *box, int fd, GUnixFDSourceFunc dispatch)
{
    GSource *source = g_unix_fd_source_new(fd, G_IO_IN);

    g_source_set_callback(source, (GSourceFunc)(void (*)(void))dispatch, box, NULL);
    g_source_attach(source, box->context);
    return source;
}

/* --- open and seal --- */

OshBoxHandle *
osh_box_open(const OshBoxPlan *plan, OshBoxDied died, gpointer user_data, GError **error)
{
    g_autoptr(OshBoxHandle) box = NULL;
    g_autoptr(Answer) answer = NULL;
    struct osh_init_request request = {.type = OSH_INIT_OPEN};
    OshBoxInit init;
    int plan_fd;

    plan_fd = osh_box_write_open(plan, error);
    if (plan_fd < 0)
        return NULL;
    if (!osh_box_clone(&init, error)) {
        close(plan_fd);
        return NULL;
    }
    box = g_new0(OshBoxHandle, 1);
    box->refs = 1;
    box->init = init;
    box->context = g_main_context_ref_thread_default();
    box->launches = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    g_queue_init(&box->deferred);
    request.id = next_id(box);
    if (send_request(box, &request, &plan_fd, 1, error)) {
        if (plan->meanwhile != NULL)
            plan->meanwhile(plan->meanwhile_data);
        answer = wait_for_answer(box, request.type, request.id, error);
    }
    close(plan_fd);
    if (answer == NULL)
        return NULL;
    for (guint i = 0; i < answer->fd_count; i++)
        box->sockets[box->socket_count++] = steal_fd(&answer->fds[i]);
    box->degraded = answer->reply.degraded;
    box->uid = plan->uid;
    box->gid = plan->gid;
    box->died = died;
    box->died_data = user_data;
    box->phase = PHASE_OPEN;
    box->control_source = watch(box, box->init.control, dispatch_control);
    box->init_source = watch(box, box->init.pidfd, dispatch_init);
    return g_steal_pointer(&box);
}

int
osh_box_take_socket(OshBoxHandle *box, gsize index)
{
    g_return_val_if_fail(index < box->socket_count, -1);
    return steal_fd(&box->sockets[index]);
}

guint32
osh_box_degraded(OshBoxHandle *box)
{
    return box->degraded;
}

pid_t
osh_box_init_pid(OshBoxHandle *box)
{
    return box->init.pid;
}

int
osh_box_init_pidfd(OshBoxHandle *box)
{
    return box->init.pidfd;
}

static gboolean
check_phase(OshBoxHandle *box, Phase wanted, const char *what, GError **error)
{
    if (box->phase == wanted)
        return TRUE;
    if (box->phase == PHASE_DEAD)
        set_dead_error(error);
    else
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID, "the box cannot %s: it %s", what,
                    box->phase == PHASE_OPEN     ? "is not sealed yet"
                    : box->phase == PHASE_SEALED ? "is sealed already"
                    : box->phase == PHASE_BROKEN ? "could not be sealed"
                                                 : "is being closed");
    return FALSE;
}

int
osh_box_new_socket(OshBoxHandle *box, int family, int type, GError **error)
{
    struct osh_init_request request = {
        .type = OSH_INIT_SOCKET, .id = next_id(box), .family = family, .socket_type = type};
    g_autoptr(Answer) answer = NULL;

    if (box->phase == PHASE_DEAD) {
        set_dead_error(error);
        return -1;
    }
    if (!send_request(box, &request, NULL, 0, error))
        return -1;
    answer = wait_for_answer(box, request.type, request.id, error);
    return answer != NULL && answer->fd_count == 1 ? steal_fd(&answer->fds[0]) : -1;
}

gboolean
osh_box_seal(OshBoxHandle *box, const OshBoxSeal *seal, GError **error)
{
    g_autoptr(Answer) answer = NULL;
    int fds[2] = {-1, -1}; /* the plan, the reports */
    gboolean complete = FALSE;

    if (!check_phase(box, PHASE_OPEN, "be sealed", error))
        return FALSE;
    fds[0] = osh_box_write_seal(seal, box->uid, box->gid, error);
    if (fds[0] < 0)
        return FALSE;
    fds[1] = osh_box_new_reports(error);
    if (fds[1] >= 0)
        answer = ask_and_wait(box, OSH_INIT_SEAL, fds, G_N_ELEMENTS(fds), error);
    if (answer != NULL)
        complete = osh_box_read_reports(fds[1], seal, error);
    close(fds[0]);
    drop_fd(&fds[1]);
    box->phase = complete ? PHASE_SEALED : PHASE_BROKEN;
    if (complete)
        box->degraded |= answer->reply.degraded;
    if (seal->connect_listener != NULL)
        *seal->connect_listener =
            complete && answer->fd_count == 1 ? steal_fd(&answer->fds[0]) : -1;
    return complete;
}

/* --- programs --- */

guint32
osh_box_launch(OshBoxHandle *box, const OshBoxLaunch *launch, OshBoxLaunched launched,
               OshBoxExited exited, gpointer user_data, GError **error)
{
    struct osh_init_request request = {.type = OSH_INIT_LAUNCH};
    int fds[1 + OSH_INIT_MAX_STDIO_FDS];
    guint fd_count = 0;
    gboolean sent;
    Launch *waiting;

    if (!check_phase(box, PHASE_SEALED, "run a program", error))
        return 0;
    fds[0] = osh_box_write_launch(launch, fds + 1, &fd_count, error);
    if (fds[0] < 0)
        return 0;
    request.id = next_id(box);
    sent = send_request(box, &request, fds, 1 + fd_count, error);
    close(fds[0]);
    if (!sent)
        return 0;
    waiting = g_new0(Launch, 1);
    waiting->launched = launched;
    waiting->exited = exited;
    waiting->stopped = launch->stopped;
    waiting->user_data = user_data;
    g_hash_table_insert(box->launches, GUINT_TO_POINTER(request.id), waiting);
    return request.id;
}

gboolean
osh_box_signal(OshBoxHandle *box, guint32 id, int signal, gboolean group, GError **error)
{
    struct osh_init_request request = {
        .type = OSH_INIT_SIGNAL, .id = id, .signal = signal, .group = group != FALSE};

    if (box->phase == PHASE_DEAD ||
        (id != 0 && g_hash_table_lookup(box->launches, GUINT_TO_POINTER(id)) == NULL))
        return TRUE;
    return send_request(box, &request, NULL, 0, error);
}

void
osh_box_set_foreground(OshBoxHandle *box, guint32 id, gboolean foreground)
{
    struct osh_init_request request = {
        .type = OSH_INIT_FOREGROUND, .id = id, .foreground = foreground != FALSE};

    /* Where init is gone, so is the terminal. */
    if (box->phase != PHASE_DEAD)
        send_request(box, &request, NULL, 0, NULL);
}

int
osh_box_control(OshBoxHandle *box)
{
    return box->init.control;
}

static gboolean
end_grace(gpointer user_data)
{
    OshBoxHandle *box = user_data;

    kill_init(box);
    return G_SOURCE_REMOVE;
}

static gboolean
report_closed(gpointer user_data)
{
    OshBoxHandle *box = box_ref(user_data);

    osh_drop_source(&box->grace_source);
    if (box->closed != NULL)
        box->closed(box, box->closed_data);
    box_unref(box);
    return G_SOURCE_REMOVE;
}

void
osh_box_close(OshBoxHandle *box, guint grace_ms, OshBoxClosed closed, gpointer user_data)
{
    struct osh_init_request request = {.type = OSH_INIT_TERMINATE, .id = next_id(box)};
    gboolean is_dead = box->phase == PHASE_DEAD;

    box->closed = closed;
    box->closed_data = user_data;
    osh_drop_source(&box->grace_source);
    if (!is_dead)
        box->phase = PHASE_CLOSING;
    if (!is_dead && (grace_ms == 0 || !send_request(box, &request, NULL, 0, NULL)))
        kill_init(box);
    if (!is_dead && grace_ms == 0)
        return;
    /* The callback never comes from within this call, also for a box that has died before. */
    box->grace_source = g_timeout_source_new(is_dead ? 0 : grace_ms);
    g_source_set_callback(box->grace_source, is_dead ? report_closed : end_grace, box, NULL);
    g_source_attach(box->grace_source, box->context);
}
