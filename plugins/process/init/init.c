/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c: openshell-init, PID 1 of a box. It has one thread, and this is its loop.
 *
 * Trust: init obeys the process at the other end of descriptor 3, which is the host alone: the
 * descriptor is close-on-exec here and there, and init is not dumpable, so that nothing in the box
 * can read it or take a descriptor from it. It reads nothing that a program in the box has
 * written, except through the kernel: exit statuses and its own failure pipes, which close before
 * a program runs.
 *
 * It must never allocate, block on the box, keep anything of the host's memory (it is executed
 * anew from a memfd), or outlive the host: when the other end closes, it exits, and the kernel
 * then kills every process of the box, whatever signals it ignores and whatever session it is in.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#include <linux/prctl.h>

#define OSH_MAX_REQUEST_FDS (1 + OSH_INIT_MAX_STDIO_FDS)

int
osh_fail(struct osh_init_reply *reply, enum osh_init_stage stage, long error, uint32_t detail,
         const char *path)
{
    reply->type = OSH_INIT_FAILED;
    reply->stage = stage;
    reply->error = (int32_t)error;
    reply->detail = detail;
    osh_text_copy(reply->path, sizeof reply->path, path != NULL ? path : "");
    return -(int)error;
}

void
osh_reply_clear(struct osh_init_reply *reply, uint32_t type, uint32_t request, uint32_t id)
{
    memset(reply, 0, sizeof *reply);
    reply->type = type;
    reply->request = request;
    reply->id = id;
}

void
osh_reply_send(struct osh_init_reply *reply, const int *fds, uint32_t fd_count)
{
    struct osh_iovec part = {.base = reply, .length = sizeof *reply};
    uint64_t
        control[(sizeof(struct osh_descriptor_message) + sizeof(int) * OSH_INIT_MAX_SOCKETS + 7) /
                8];
    struct osh_descriptor_message *message = (struct osh_descriptor_message *)control;
    struct osh_message_header header = {.parts = &part, .part_count = 1};
    long sent;

    reply->fd_count = fd_count;
    if (fd_count > 0) {
        message->length = sizeof *message + sizeof(int) * fd_count;
        message->level = OSH_SOL_SOCKET;
        message->type = OSH_SCM_RIGHTS;
        memcpy(message->fds, fds, sizeof(int) * fd_count);
        header.control = control;
        header.control_length = message->length;
    }
    do
        sent = CALL(sendmsg, OSH_INIT_CONTROL_FD, &header, OSH_MSG_NOSIGNAL);
    while (sent == -EINTR);
    /* A host that cannot be told anything is gone. */
    if (sent < 0)
        osh_exit(1);
}

static int
build(struct osh_init *init, const struct osh_plan *plan, int *fds, uint32_t *fd_count,
      struct osh_init_reply *reply)
{
    const struct osh_init_open_plan *open = (const struct osh_init_open_plan *)plan->bytes;
    const void *hostname = osh_plan_span(plan, open->hostname);
    long error;

    init->open_flags = open->flags;
    if (hostname == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "hostname");
    error = osh_tree_build(init, plan, reply);
    if (error < 0)
        return (int)error;
    if (open->hostname.size > 0)
        error = CALL(sethostname, hostname, open->hostname.size);
    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_HOSTNAME, -error, 0, NULL);
    error = osh_network_send(init, plan, open->netlinks, reply);
    if (error == 0)
        error = osh_network_make_sockets(plan, open->sockets, fds, reply);
    if (error == 0)
        *fd_count = open->sockets.count;
    return (int)error;
}

static void
handle_open(struct osh_init *init, const struct osh_init_request *request, int plan_fd)
{
    struct osh_init_reply reply;
    struct osh_plan plan;
    int fds[OSH_INIT_MAX_SOCKETS];
    uint32_t fd_count = 0;
    int error;

    osh_reply_clear(&reply, OSH_INIT_DONE, request->type, request->id);
    error = init->phase != OSH_PHASE_STARTED
                ? -EBUSY
                : osh_plan_map(&plan, plan_fd, OSH_INIT_OPEN, sizeof(struct osh_init_open_plan));
    if (error < 0) {
        osh_fail(&reply, OSH_INIT_STAGE_PROTOCOL, -error, 0, "open plan");
        osh_reply_send(&reply, NULL, 0);
        return;
    }
    error = build(init, &plan, fds, &fd_count, &reply);
    init->phase = error < 0 ? OSH_PHASE_BROKEN : OSH_PHASE_OPEN;
    osh_plan_unmap(&plan);
    osh_reply_send(&reply, fds, fd_count);
    for (uint32_t i = 0; i < fd_count; i++)
        osh_close(fds[i]);
}

static void
handle_seal(struct osh_init *init, const struct osh_init_request *request, int plan_fd, int report)
{
    struct osh_init_reply reply;
    struct osh_plan plan;
    int listener = -1;
    int error;

    osh_reply_clear(&reply, OSH_INIT_DONE, request->type, request->id);
    error = init->phase != OSH_PHASE_OPEN
                ? -EBUSY
                : osh_plan_map(&plan, plan_fd, OSH_INIT_SEAL, sizeof(struct osh_init_seal_plan));
    if (error < 0) {
        osh_fail(&reply, OSH_INIT_STAGE_PROTOCOL, -error, 0, "seal plan");
        osh_reply_send(&reply, NULL, 0);
        return;
    }
    error = osh_seal(init, &plan, report, &listener, &reply);
    init->phase = error < 0 ? OSH_PHASE_BROKEN : OSH_PHASE_SEALED;
    osh_plan_unmap(&plan);
    osh_reply_send(&reply, &listener, listener >= 0);
    osh_close(listener);
}

static void
handle_socket(const struct osh_init_request *request)
{
    struct osh_init_reply reply;
    int type = request->socket_type;
    long fd = -EPROTOTYPE;
    int passed;

    osh_reply_clear(&reply, OSH_INIT_DONE, request->type, request->id);
    if (request->family != OSH_AF_INET && request->family != OSH_AF_INET6)
        fd = -EAFNOSUPPORT;
    else if (type == OSH_SOCK_STREAM || type == OSH_SOCK_DGRAM)
        fd = CALL(socket, request->family, type | OSH_SOCK_CLOEXEC | OSH_SOCK_NONBLOCK, 0);
    if (fd < 0) {
        osh_fail(&reply, OSH_INIT_STAGE_SOCKET, -fd, 0, NULL);
        osh_reply_send(&reply, NULL, 0);
        return;
    }
    passed = (int)fd;
    osh_reply_send(&reply, &passed, 1);
    osh_close(passed);
}

static void
handle_terminate(struct osh_init *init, const struct osh_init_request *request)
{
    init->terminating = 1;
    init->terminate_id = request->id;
    CALL(kill, -1, SIGTERM);
    CALL(kill, -1, SIGCONT);
    osh_launch_reap(init);
}

static void
dispatch(struct osh_init *init, const struct osh_init_request *request, const int *fds,
         uint32_t fd_count)
{
    int has_plan = request->type == OSH_INIT_OPEN || request->type == OSH_INIT_SEAL ||
                   request->type == OSH_INIT_LAUNCH;
    struct osh_init_reply reply;

    if (!has_plan || fd_count > 0) {
        switch (request->type) {
        case OSH_INIT_OPEN:
            handle_open(init, request, fds[0]);
            return;
        case OSH_INIT_SEAL:
            handle_seal(init, request, fds[0], fd_count > 1 ? fds[1] : -1);
            return;
        case OSH_INIT_LAUNCH:
            osh_launch(init, request, fds, fd_count);
            return;
        case OSH_INIT_SIGNAL:
            osh_launch_signal(init, request);
            return;
        case OSH_INIT_FOREGROUND:
            osh_launch_foreground(init, request);
            return;
        case OSH_INIT_SOCKET:
            handle_socket(request);
            return;
        case OSH_INIT_TERMINATE:
            handle_terminate(init, request);
            return;
        default:
            break;
        }
    }
    osh_reply_clear(&reply, OSH_INIT_FAILED, request->type, request->id);
    osh_fail(&reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "request");
    osh_reply_send(&reply, NULL, 0);
}

static void
receive(struct osh_init *init)
{
    struct osh_init_request request;
    struct osh_iovec part = {.base = &request, .length = sizeof request};
    uint64_t
        control[(sizeof(struct osh_descriptor_message) + sizeof(int) * OSH_MAX_REQUEST_FDS + 7) /
                8];
    struct osh_descriptor_message *message = (struct osh_descriptor_message *)control;
    struct osh_message_header header = {
        .parts = &part, .part_count = 1, .control = control, .control_length = sizeof control};
    uint32_t fd_count = 0;
    long size = CALL(recvmsg, OSH_INIT_CONTROL_FD, &header, OSH_MSG_CLOEXEC);

    if (size == -EINTR || size == -EAGAIN)
        return;
    if (size <= 0)
        osh_exit(0);
    if (header.control_length >= sizeof *message && message->level == OSH_SOL_SOCKET &&
        message->type == OSH_SCM_RIGHTS)
        fd_count = (uint32_t)((message->length - sizeof *message) / sizeof(int));
    if (size != (long)sizeof request || (header.flags & (OSH_MSG_TRUNC | OSH_MSG_CTRUNC)))
        osh_exit(1);
    dispatch(init, &request, message->fds, fd_count);
    for (uint32_t i = 0; i < fd_count; i++)
        osh_close(message->fds[i]);
}

static void
drain_signals(const struct osh_init *init)
{
    uint8_t information[128 * 8];

    while (CALL(read, init->signals, information, sizeof information) > 0)
        continue;
}

/* Not dumpable, no new privileges, no core, nothing ignored; dies with the host. */
static int
harden(struct osh_init *init)
{
    struct osh_limit64 no_core = {0};
    uint64_t child = 1ULL << (SIGCHLD - 1);
    /* A process that gives the foreground of a terminal away is in its background. */
    uint64_t blocked = child | 1ULL << (SIGTTOU - 1);
    long error = CALL(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

    if (error == 0)
        error = CALL(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (error == 0)
        error = CALL(prctl, PR_SET_NAME, "openshell-init", 0, 0, 0);
    if (error == 0)
        error = CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (error == 0)
        error = CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (error == 0)
        error = CALL(prlimit64, 0, OSH_RLIMIT_CORE, &no_core, NULL);
    for (int signal = 1; signal <= OSH_SIGNAL_COUNT && error == 0; signal++) {
        /* All zeros, in the kernel's layout: SIG_DFL, no flags, an empty mask. */
        uint64_t by_default[4] = {0};

        if (signal != SIGKILL && signal != SIGSTOP)
            error = CALL(rt_sigaction, signal, by_default, NULL, sizeof(uint64_t));
    }
    if (error == 0)
        error = CALL(rt_sigprocmask, OSH_SIG_SETMASK, &blocked, NULL, sizeof blocked);
    if (error == 0)
        error = CALL(fcntl, OSH_INIT_CONTROL_FD, F_SETFD, FD_CLOEXEC);
    if (error < 0)
        return (int)error;
    init->umask = (uint32_t)CALL(umask, 0);
    init->signals =
        (int)CALL(signalfd4, -1, &child, sizeof child, OSH_SOCK_CLOEXEC | OSH_SOCK_NONBLOCK);
    return init->signals < 0 ? init->signals : 0;
}

static void
serve(struct osh_init *init)
{
    struct pollfd watched[2 + OSH_INIT_MAX_LAUNCHES];
    struct osh_running *starting[OSH_INIT_MAX_LAUNCHES];
    uint32_t count = 0;
    long ready;

    watched[0] = (struct pollfd){.fd = OSH_INIT_CONTROL_FD, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = init->signals, .events = POLLIN};
    for (size_t i = 0; i < OSH_INIT_MAX_LAUNCHES; i++) {
        if (init->running[i].id == 0 || init->running[i].failure < 0)
            continue;
        starting[count] = &init->running[i];
        watched[2 + count] = (struct pollfd){.fd = init->running[i].failure, .events = POLLIN};
        count++;
    }
    ready = CALL(ppoll, watched, 2 + count, NULL, NULL, sizeof(uint64_t));
    if (ready <= 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (watched[2 + i].revents != 0)
            osh_launch_finish(init, starting[i]);
    }
    if (watched[1].revents != 0) {
        drain_signals(init);
        osh_launch_reap(init);
    }
    if (watched[0].revents != 0)
        receive(init);
}

/* Called by the entry point, which is written in assembly because there is no C library. */
_Noreturn void osh_init_main(void);

_Noreturn void
osh_init_main(void)
{
    struct osh_init init;
    struct osh_init_reply reply;
    int error;

    memset(&init, 0, sizeof init);
    init.landlock = -1;
    init.netfilter = -1;
    init.host_root = -1;
    for (size_t i = 0; i < OSH_INIT_MAX_LAUNCHES; i++)
        init.running[i].pidfd = init.running[i].terminal = init.running[i].failure =
            init.running[i].slave = -1;
    error = harden(&init);
    if (error < 0) {
        osh_reply_clear(&reply, OSH_INIT_FAILED, OSH_INIT_OPEN, 0);
        osh_fail(&reply, OSH_INIT_STAGE_START, -error, 0, NULL);
        osh_reply_send(&reply, NULL, 0);
        osh_exit(1);
    }
    for (;;)
        serve(&init);
}
