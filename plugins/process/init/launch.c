/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c: starts programs, signals them, and reaps everything that ends in the box. A start never
 * blocks init: the new process reports a failure through a pipe that closes by itself when its
 * exec succeeds, and the answer goes out when the one or the other was read.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#include <asm/ioctls.h>

/* What the macros of wait(2) take apart. */
#define OSH_STATUS_STOPPED   0x7f
#define OSH_STATUS_CONTINUED 0xffff

static struct osh_running *
find_running(struct osh_init *init, uint32_t id)
{
    for (size_t i = 0; i < OSH_INIT_MAX_LAUNCHES; i++) {
        if (init->running[i].id == id)
            return &init->running[i];
    }
    return NULL;
}

static void
forget(struct osh_running *running)
{
    osh_close(running->pidfd);
    osh_close(running->terminal);
    osh_close(running->failure);
    osh_close(running->slave);
    memset(running, 0, sizeof *running);
    running->pidfd = running->terminal = running->failure = running->slave = -1;
}

static int
open_terminal(const struct osh_init_launch_plan *launch)
{
    struct osh_winsize size = {.rows = launch->rows, .columns = launch->columns};
    int unlocked = 0;
    long fd = CALL(openat, AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    long error;

    if (fd < 0)
        return (int)fd;
    error = CALL(ioctl, fd, TIOCSPTLCK, &unlocked);
    if (error == 0)
        error = CALL(ioctl, fd, TIOCSWINSZ, &size);
    /* Now: a program sets its own as soon as it runs. */
    if (error == 0 && (launch->flags & OSH_INIT_LAUNCH_MODES))
        error = CALL(ioctl, fd, TCSETS, &launch->modes);
    if (error < 0) {
        osh_close((int)fd);
        return (int)error;
    }
    return (int)fd;
}

/* Our session gets the terminal of @program. Returns: 0; 1 when it has one already */
static int
take_terminal(struct osh_program *program)
{
    long slave = CALL(ioctl, program->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    long error;

    if (slave < 0)
        return (int)slave;
    error = CALL(ioctl, slave, TIOCSCTTY, 0);
    if (error < 0) {
        osh_close((int)slave);
        return error == -EPERM ? 1 : (int)error;
    }
    program->slave = (int)slave;
    return 0;
}

/* Returns: 0 in init with @running filled in; does not return in the new process */
static int
start(struct osh_init *init, struct osh_program *program, struct osh_running *running)
{
    int failure[2];
    int pidfd = -1;
    long error = CALL(pipe2, failure, O_CLOEXEC);
    long pid;

    if (error < 0)
        return (int)error;
    pid = CALL(clone, OSH_CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
    if (pid == 0) {
        program->failure = failure[1];
        osh_program_become(init, program);
    }
    osh_close(failure[1]);
    if (pid < 0) {
        osh_close(failure[0]);
        return (int)pid;
    }
    /* Whichever of the two comes first: a signal to the group must find it. */
    if (program->is_job)
        CALL(setpgid, pid, pid);
    running->pid = (int)pid;
    running->pidfd = pidfd;
    running->failure = failure[0];
    return 0;
}

static int
launch(struct osh_init *init, struct osh_program *program, uint32_t id,
       struct osh_init_reply *reply)
{
    struct osh_running *running = find_running(init, 0);
    int terminal = -1;
    int error;

    if (init->phase != OSH_PHASE_SEALED || init->terminating)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBUSY, 0, "no sealed box");
    if (id == 0 || find_running(init, id) != NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EEXIST, 0, "launch id");
    if (running == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROCESS, EAGAIN, OSH_INIT_MAX_LAUNCHES, NULL);
    if (program->launch->flags & OSH_INIT_LAUNCH_TERMINAL) {
        terminal = open_terminal(program->launch);
        if (terminal < 0)
            return osh_fail(reply, OSH_INIT_STAGE_TERMINAL, -terminal, 0, NULL);
    }
    program->terminal = terminal;
    program->is_job = (program->launch->flags & OSH_INIT_LAUNCH_JOB) != 0;
    if (program->is_job && terminal >= 0) {
        error = take_terminal(program);
        if (error < 0) {
            osh_close(terminal);
            return osh_fail(reply, OSH_INIT_STAGE_TERMINAL, -error, 0, NULL);
        }
        program->is_job = error == 0;
    }
    error = start(init, program, running);
    if (error < 0) {
        osh_close(terminal);
        osh_close(program->slave);
        return osh_fail(reply, OSH_INIT_STAGE_PROCESS, -error, 0, NULL);
    }
    running->id = id;
    running->terminal = terminal;
    running->is_job = program->is_job;
    running->slave = program->slave;
    return 0;
}

void
osh_launch(struct osh_init *init, const struct osh_init_request *request, const int *fds,
           uint32_t fd_count)
{
    struct osh_program program = {
        .fds = fds + 1, .fd_count = fd_count - 1, .terminal = -1, .slave = -1};
    struct osh_init_reply reply;
    int error;

    osh_reply_clear(&reply, OSH_INIT_FAILED, request->type, request->id);
    error =
        osh_plan_map(&program.plan, fds[0], OSH_INIT_LAUNCH, sizeof(struct osh_init_launch_plan));
    if (error < 0) {
        osh_fail(&reply, OSH_INIT_STAGE_PROTOCOL, -error, 0, "launch plan");
        osh_reply_send(&reply, NULL, 0);
        return;
    }
    program.launch = (const struct osh_init_launch_plan *)program.plan.bytes;
    error = launch(init, &program, request->id, &reply);
    osh_plan_unmap(&program.plan);
    if (error < 0)
        osh_reply_send(&reply, NULL, 0);
}

void
osh_launch_finish(struct osh_init *init, struct osh_running *running)
{
    struct osh_init_reply reply;
    int fds[2];
    uint32_t fd_count = 0;
    long size;

    (void)init;
    do
        size = CALL(read, running->failure, &reply, sizeof reply);
    while (size == -EINTR);
    osh_close(running->failure);
    running->failure = -1;

    if (size == (long)sizeof reply) {
        reply.type = OSH_INIT_FAILED;
        reply.request = OSH_INIT_LAUNCH;
        reply.id = running->id;
        osh_reply_send(&reply, NULL, 0);
        /* Its end is still to be reaped, as an orphan that no launch waits for. */
        forget(running);
        return;
    }
    osh_reply_clear(&reply, OSH_INIT_DONE, OSH_INIT_LAUNCH, running->id);
    fds[fd_count++] = running->pidfd;
    if (running->terminal >= 0)
        fds[fd_count++] = running->terminal;
    osh_reply_send(&reply, fds, fd_count);
    osh_close(running->pidfd);
    osh_close(running->terminal);
    running->pidfd = running->terminal = -1;
}

void
osh_launch_signal(struct osh_init *init, const struct osh_init_request *request)
{
    struct osh_init_reply reply;
    struct osh_running *running = NULL;
    long error;

    osh_reply_clear(&reply, OSH_INIT_DONE, request->type, request->id);
    if (request->id != 0)
        running = find_running(init, request->id);
    if (request->id == 0)
        error = CALL(kill, -1, request->signal);
    else if (running == NULL)
        error = -ESRCH;
    else
        error = CALL(kill, request->group ? -running->pid : running->pid, request->signal);
    /* A job may have left its process group. */
    if (error == -ESRCH && running != NULL && request->group)
        error = CALL(kill, running->pid, request->signal);
    if (error < 0 && error != -ESRCH) {
        reply.type = OSH_INIT_FAILED;
        osh_fail(&reply, OSH_INIT_STAGE_PROCESS, -error, 0, NULL);
    }
    osh_reply_send(&reply, NULL, 0);
}

void
osh_launch_foreground(struct osh_init *init, const struct osh_init_request *request)
{
    struct osh_running *running = request->id != 0 ? find_running(init, request->id) : NULL;
    struct osh_init_reply reply;
    int ours = 1;
    int group = 0;

    osh_reply_clear(&reply, OSH_INIT_DONE, request->type, request->id);
    if (running != NULL && running->slave >= 0) {
        /* A shell of the box has put a job of its own there: that one stays. */
        if (request->foreground)
            CALL(ioctl, running->slave, TIOCSPGRP, &running->pid);
        else if (CALL(ioctl, running->slave, TIOCGPGRP, &group) == 0 && group == running->pid)
            CALL(ioctl, running->slave, TIOCSPGRP, &ours);
    }
    osh_reply_send(&reply, NULL, 0);
}

static int
has_started(const struct osh_running *running)
{
    struct pollfd end = {.fd = running->failure, .events = POLLIN};
    struct timespec none = {0};

    return running->failure < 0 || CALL(ppoll, &end, 1, &none, NULL, sizeof(uint64_t)) > 0;
}

/* @signal: 0 when it goes on */
static void
report_stop(struct osh_init *init, int pid, int signal)
{
    for (size_t i = 0; i < OSH_INIT_MAX_LAUNCHES; i++) {
        struct osh_running *running = &init->running[i];
        struct osh_init_reply reply;

        if (running->id == 0 || running->pid != pid || !running->is_job || !has_started(running))
            continue;
        if (running->failure >= 0)
            osh_launch_finish(init, running);
        if (running->id == 0)
            return;
        osh_reply_clear(&reply, OSH_INIT_STOPPED, OSH_INIT_LAUNCH, running->id);
        reply.status = signal;
        osh_reply_send(&reply, NULL, 0);
        return;
    }
}

static void
report_exit(struct osh_init *init, int pid, int status)
{
    for (size_t i = 0; i < OSH_INIT_MAX_LAUNCHES; i++) {
        struct osh_running *running = &init->running[i];
        struct osh_init_reply reply;

        if (running->id == 0 || running->pid != pid)
            continue;
        if (running->failure >= 0)
            osh_launch_finish(init, running);
        if (running->id == 0)
            return;
        osh_reply_clear(&reply, OSH_INIT_EXITED, OSH_INIT_LAUNCH, running->id);
        reply.status = status;
        forget(running);
        osh_reply_send(&reply, NULL, 0);
        return;
    }
}

void
osh_launch_reap(struct osh_init *init)
{
    struct osh_init_reply reply;
    int status = 0;
    long pid;

    for (;;) {
        pid = CALL(wait4, -1, &status, OSH_WNOHANG | OSH_WUNTRACED | OSH_WCONTINUED, NULL);
        if (pid == -EINTR)
            continue;
        if (pid <= 0)
            break;
        if ((status & 0xff) == OSH_STATUS_STOPPED)
            report_stop(init, (int)pid, status >> 8);
        else if (status == OSH_STATUS_CONTINUED)
            report_stop(init, (int)pid, 0);
        else
            report_exit(init, (int)pid, status);
    }
    if (pid == -ECHILD && init->terminating) {
        osh_reply_clear(&reply, OSH_INIT_DONE, OSH_INIT_TERMINATE, init->terminate_id);
        init->terminating = 0;
        osh_reply_send(&reply, NULL, 0);
    }
}
