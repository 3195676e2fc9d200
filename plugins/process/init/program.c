/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c: what a new process does between its fork and its exec. The order matters: a step that
 * needs a privilege comes before the identity is given up, Landlock before seccomp (whose filter
 * may refuse what installing Landlock takes), and the filters last because the main one forbids
 * installing any more. Any step that fails ends the process; none is best effort.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#include <asm/ioctls.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

static _Noreturn void
give_up(const struct osh_program *program, enum osh_init_stage stage, long error, uint32_t detail,
        const char *path)
{
    struct osh_init_reply reply;

    osh_reply_clear(&reply, OSH_INIT_FAILED, OSH_INIT_LAUNCH, 0);
    osh_fail(&reply, stage, error < 0 ? -error : error, detail, path);
    CALL(write, program->failure, &reply, sizeof reply);
    osh_exit(127);
}

/* Offsets become pointers, in our private copy of the plan. */
static char **
relocate(const struct osh_program *program, struct osh_init_table table, const char *what)
{
    /* One more than counted: the closing 0, which becomes the closing NULL. */
    struct osh_init_table with_end = {.offset = table.offset, .count = table.count + 1};
    uint64_t *offsets;

    _Static_assert(sizeof(uint64_t) == sizeof(char *), "an offset turns into a pointer in place");
    if (table.count == UINT32_MAX)
        give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, what);
    offsets = osh_plan_table(&program->plan, with_end, sizeof *offsets);
    if (offsets == NULL || offsets[table.count] != 0)
        give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, what);
    for (uint32_t i = 0; i < table.count; i++) {
        const char *text = NULL;

        if (offsets[i] <= UINT32_MAX)
            text = osh_plan_string(&program->plan, (uint32_t)offsets[i]);
        if (text == NULL)
            give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, i, what);
        offsets[i] = (uint64_t)(uintptr_t)text;
    }
    return (char **)offsets;
}

static void
set_up_signals(const struct osh_program *program)
{
    uint64_t none = 0;
    long error = CALL(rt_sigprocmask, OSH_SIG_SETMASK, &none, NULL, sizeof none);

    if (error < 0)
        give_up(program, OSH_INIT_STAGE_SESSION, error, 0, NULL);
}

/* SIGTTOU is blocked here still. */
static int
set_up_job(const struct osh_program *program)
{
    long error = CALL(setpgid, 0, 0);
    int group = (int)CALL(getpid);

    if (error < 0)
        give_up(program, OSH_INIT_STAGE_SESSION, error, 0, NULL);
    if (program->slave < 0)
        return -1;
    error = CALL(fchown, program->slave, program->launch->uid, program->launch->gid);
    if (error == 0 && !(program->launch->flags & OSH_INIT_LAUNCH_BACKGROUND))
        error = CALL(ioctl, program->slave, TIOCSPGRP, &group);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_TERMINAL, error, 0, NULL);
    return program->slave;
}

/* Returns: the box's end of the PTY, or -1 */
static int
set_up_session(const struct osh_program *program)
{
    long error;
    long slave;

    if (program->is_job)
        return set_up_job(program);
    error = CALL(setsid);

    if (error < 0)
        give_up(program, OSH_INIT_STAGE_SESSION, error, 0, NULL);
    if (program->terminal < 0)
        return -1;
    slave = CALL(ioctl, program->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        give_up(program, OSH_INIT_STAGE_TERMINAL, slave, 0, NULL);
    error = CALL(fchown, slave, program->launch->uid, program->launch->gid);
    if (error == 0)
        error = CALL(ioctl, slave, TIOCSCTTY, 0);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_TERMINAL, error, 0, NULL);
    return (int)slave;
}

static void
set_up_stdio(const struct osh_program *program, int slave)
{
    for (int i = 0; i < 3; i++) {
        int wanted = program->launch->stdio[i];
        long error = 0;

        /* 0, 1 and 2 are /dev/null in init, which is what "none" means. */
        if (wanted == OSH_INIT_STDIO_TERMINAL && slave >= 0)
            error = CALL(dup3, slave, i, 0);
        else if (wanted >= 0 && (uint32_t)wanted < program->fd_count)
            error = CALL(dup3, program->fds[wanted], i, 0);
        else if (wanted != OSH_INIT_STDIO_NULL)
            error = -EBADF;
        if (error < 0)
            give_up(program, OSH_INIT_STAGE_STDIO, error, (uint32_t)i, NULL);
    }
}

static void
set_up_limits(const struct osh_program *program)
{
    const struct osh_init_limit *limits =
        osh_plan_table(&program->plan, program->launch->limits, sizeof(struct osh_init_limit));

    if (limits == NULL)
        give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "limits");
    for (uint32_t i = 0; i < program->launch->limits.count; i++) {
        struct osh_limit64 limit = {.soft = limits[i].soft, .hard = limits[i].hard};
        long error = CALL(prlimit64, 0, limits[i].resource, &limit, NULL);

        if (error < 0)
            give_up(program, OSH_INIT_STAGE_LIMITS, error, limits[i].resource, NULL);
    }
}

static void
switch_user(const struct osh_program *program)
{
    const struct osh_init_launch_plan *launch = program->launch;
    const uint32_t *groups = osh_plan_table(&program->plan, launch->groups, sizeof *groups);
    long error;

    if (groups == NULL || launch->groups.count > OSH_INIT_MAX_GROUPS)
        give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "groups");
    if (launch->uid == 0 || launch->gid == 0)
        give_up(program, OSH_INIT_STAGE_IDENTITY, EPERM, 0, "root is no user for a box");
    error = CALL(setgroups, launch->groups.count, groups);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_IDENTITY, error, 0, "setgroups");
    error = CALL(setresgid, launch->gid, launch->gid, launch->gid);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_IDENTITY, error, 0, "setresgid");
    error = CALL(setresuid, launch->uid, launch->uid, launch->uid);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_IDENTITY, error, 0, "setresuid");
}

/* The kernel sorts them: as many as were asked for, and each of them asked for. */
static void
check_groups(const struct osh_program *program)
{
    const struct osh_init_launch_plan *launch = program->launch;
    const uint32_t *asked = osh_plan_table(&program->plan, launch->groups, sizeof *asked);
    uint32_t groups[OSH_INIT_MAX_GROUPS];
    long count = CALL(getgroups, OSH_INIT_MAX_GROUPS, groups);

    if (asked == NULL || count != (long)launch->groups.count)
        give_up(program, OSH_INIT_STAGE_IDENTITY, EPERM, 0, "not the groups that were asked for");
    for (long i = 0; i < count; i++) {
        uint32_t k = 0;

        while (k < launch->groups.count && asked[k] != groups[i])
            k++;
        if (k == launch->groups.count)
            give_up(program, OSH_INIT_STAGE_IDENTITY, EPERM, 0,
                    "not the groups that were asked for");
    }
}

static void
take_identity(const struct osh_program *program)
{
    const struct osh_init_launch_plan *launch = program->launch;
    uint32_t uids[3] = {0};
    uint32_t gids[3] = {0};
    long error;

    if (launch->flags & OSH_INIT_LAUNCH_SWITCH_USER)
        switch_user(program);
    error = osh_capabilities_clear();
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_CAPABILITIES, error, 0, NULL);

    if (launch->flags & OSH_INIT_LAUNCH_SWITCH_USER)
        check_groups(program);
    CALL(getresuid, &uids[0], &uids[1], &uids[2]);
    CALL(getresgid, &gids[0], &gids[1], &gids[2]);
    for (size_t i = 0; i < 3; i++) {
        if (uids[i] != launch->uid || gids[i] != launch->gid)
            give_up(program, OSH_INIT_STAGE_IDENTITY, EPERM, 0, "not the user that was asked for");
    }
    if (launch->uid != 0 && CALL(setuid, 0) == 0)
        give_up(program, OSH_INIT_STAGE_IDENTITY, EPERM, 0, "root can be taken back");
}

static void
restrict_self(const struct osh_init *init, const struct osh_program *program)
{
    long error = 0;

    if (CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        give_up(program, OSH_INIT_STAGE_RESTRICT, EPERM, 0, "no_new_privs");
    if (init->landlock >= 0)
        error = CALL(landlock_restrict_self, init->landlock, init->restrict_flags);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_RESTRICT, error, 0, "Landlock");
}

static void
enter_directory(const struct osh_program *program)
{
    const char *cwd = osh_plan_string(&program->plan, program->launch->cwd);
    long error;

    if (cwd == NULL)
        cwd = "/";
    error = CALL(chdir, cwd);
    if (error < 0)
        give_up(program, OSH_INIT_STAGE_CWD, error, 0, cwd);
}

static void
install_filters(const struct osh_program *program)
{
    const struct osh_init_span *filters =
        osh_plan_table(&program->plan, program->launch->filters, sizeof *filters);

    if (filters == NULL || program->launch->filters.count > OSH_INIT_MAX_FILTERS)
        give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "filters");
    for (uint32_t i = 0; i < program->launch->filters.count; i++) {
        const void *bytes = osh_plan_span(&program->plan, filters[i]);
        struct sock_fprog filter;
        long error;

        if (bytes == NULL || filters[i].size % sizeof(struct sock_filter) != 0 ||
            filters[i].size / sizeof(struct sock_filter) > BPF_MAXINSNS)
            give_up(program, OSH_INIT_STAGE_PROTOCOL, EBADMSG, i, "filter");
        filter.len = (unsigned short)(filters[i].size / sizeof(struct sock_filter));
        filter.filter = (struct sock_filter *)(uintptr_t)bytes;
        error = CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
        if (error < 0)
            give_up(program, OSH_INIT_STAGE_SECCOMP, error, i, NULL);
    }
}

/* As execvp() does it: the first that can be run; a refusal is remembered over an absence. */
static _Noreturn void
search_and_exec(const struct osh_program *program, const char *name, char **arguments,
                char **environment)
{
    const char *folder = osh_plan_string(&program->plan, program->launch->search_path);
    size_t name_length = osh_text_length(name);
    long reason = -ENOENT;
    char path[OSH_INIT_MAX_PATH];

    while (folder != NULL) {
        const char *end = osh_text_find(folder, ':');
        size_t length = end != NULL ? (size_t)(end - folder) : osh_text_length(folder);
        long error;

        /* An empty entry would be the current directory, which the box can write. */
        if (length > 0 && folder[0] == '/' && length + name_length + 2 <= sizeof path) {
            memcpy(path, folder, length);
            path[length] = '/';
            memcpy(path + length + 1, name, name_length + 1);
            error = CALL(execve, path, arguments, environment);
            if (error != -ENOENT && error != -ENOTDIR && error != -EACCES)
                give_up(program, OSH_INIT_STAGE_EXEC, error, 0, path);
            if (error == -EACCES)
                reason = error;
        }
        folder = end != NULL ? end + 1 : NULL;
    }
    give_up(program, OSH_INIT_STAGE_EXEC, reason, 0, name);
}

_Noreturn void
osh_program_become(const struct osh_init *init, struct osh_program *program)
{
    char **arguments = relocate(program, program->launch->arguments, "arguments");
    char **environment = relocate(program, program->launch->environment, "environment");
    const char *name = osh_plan_string(&program->plan, program->launch->program);
    long error;
    int slave;

    if (name == NULL || name[0] == '\0' || arguments[0] == NULL)
        give_up(program, OSH_INIT_STAGE_EXEC, ENOENT, 0, "");
    CALL(umask, init->umask);
    slave = set_up_session(program);
    set_up_signals(program);
    set_up_stdio(program, slave);
    set_up_limits(program);
    take_identity(program);
    restrict_self(init, program);
    enter_directory(program);
    /* Every descriptor of init is close-on-exec already: this is the second lock on that door. */
    error = CALL(close_range, 3, ~0u, OSH_CLOSE_CLOEXEC);
    if (error < 0 && error != -ENOSYS)
        give_up(program, OSH_INIT_STAGE_STDIO, error, 3, NULL);
    install_filters(program);
    if (osh_text_find(name, '/') == NULL)
        search_and_exec(program, name, arguments, environment);
    error = CALL(execve, name, arguments, environment);
    give_up(program, OSH_INIT_STAGE_EXEC, error, 0, name);
}
