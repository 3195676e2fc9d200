/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wall-proof.c: the forbidden acts, tried.
 *
 * [main], before the process has a second thread: each act is made in a forked child, first
 * without the wall, then behind it, so that an act which fails for another reason proves nothing.
 * A child makes only system calls and reports by its exit code. It must leave nothing behind, and
 * never call a wall good that it has not run into.
 */
#include "wall-proof.h"

#include "init/landlock-constants.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp-calls.h"
#include "seccomp-filter.h"

/* What all acts on files share. Made before the fork, removed after it. */
typedef struct {
    char *folder;
    char *inside;  /* a folder that the rule is about */
    char *file;    /* in it */
    char *outside; /* a folder without a rule */
    char *other;   /* a file in that */
} Yard;

/* Returns: 0, or the errno by which the act was refused */
typedef int (*Act)(const Yard *yard);

static void
yard_clear(Yard *yard)
{
    g_autofree char *moved = g_build_filename(yard->outside, "moved", NULL);

    unlink(moved);
    unlink(yard->file);
    unlink(yard->other);
    rmdir(yard->inside);
    rmdir(yard->outside);
    rmdir(yard->folder);
    g_free(yard->folder);
    g_free(yard->inside);
    g_free(yard->file);
    g_free(yard->outside);
    g_free(yard->other);
}

static gboolean
yard_make(Yard *yard)
{
    yard->folder = g_dir_make_tmp("openshell-doctor-XXXXXX", NULL);
    if (yard->folder == NULL)
        return FALSE;
    yard->inside = g_build_filename(yard->folder, "inside", NULL);
    yard->outside = g_build_filename(yard->folder, "outside", NULL);
    yard->file = g_build_filename(yard->inside, "file", NULL);
    yard->other = g_build_filename(yard->outside, "file", NULL);
    if (g_mkdir(yard->inside, 0700) == 0 && g_mkdir(yard->outside, 0700) == 0 &&
        g_file_set_contents(yard->file, "text", -1, NULL) &&
        g_file_set_contents(yard->other, "text", -1, NULL))
        return TRUE;
    yard_clear(yard);
    return FALSE;
}

/* --- The wall ----------------------------------------------------------------------------------
 */

typedef struct {
    struct osh_landlock_ruleset handled;
    guint64 inside;  /* rights of the folder that has a rule; 0: no rule */
    guint64 outside; /* of the other one */
    guint64 device;  /* of /dev/null */
    guint32 flags;
} Wall;

static gboolean
add_rule(int ruleset, const char *path, guint64 rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    gboolean added;

    if (rights == 0)
        return TRUE;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return FALSE;
    added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(rule.parent_fd);
    return added;
}

static gboolean
raise_wall(const Wall *wall, const Yard *yard)
{
    int ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &wall->handled, sizeof wall->handled, 0);

    return ruleset >= 0 && add_rule(ruleset, yard->inside, wall->inside) &&
           add_rule(ruleset, yard->outside, wall->outside) &&
           add_rule(ruleset, "/dev/null", wall->device) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, ruleset, wall->flags) == 0;
}

/* Both in one child, so that nothing but the wall lies between them. */
static OshWallVerdict
try_both(const Wall *wall, const Yard *yard, Act act, int before, int behind)
{
    int found;

    if (act(yard) != before || !raise_wall(wall, yard))
        return OSH_WALL_UNKNOWN;
    found = act(yard);
    if (found == behind)
        return OSH_WALL_HOLDS;
    return found == before ? OSH_WALL_OPEN : OSH_WALL_UNKNOWN;
}

/* @before and @behind: what @act answers without the wall and behind it, 0 for success. */
static OshWallVerdict
prove(const Wall *wall, Act act, int before, int behind)
{
    OshWallVerdict verdict = OSH_WALL_UNKNOWN;
    Yard yard;
    int status;
    pid_t child;

    if (!yard_make(&yard))
        return verdict;
    child = fork();
    if (child == 0)
        _exit((int)try_both(wall, &yard, act, before, behind));
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
        WEXITSTATUS(status) <= OSH_WALL_UNKNOWN)
        verdict = (OshWallVerdict)WEXITSTATUS(status);
    yard_clear(&yard);
    return verdict;
}

/* --- The acts ----------------------------------------------------------------------------------
 */

static int
close_or_errno(int fd)
{
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int
read_outside(const Yard *yard)
{
    return close_or_errno(open(yard->other, O_RDONLY | O_CLOEXEC));
}

static int
write_inside(const Yard *yard)
{
    return close_or_errno(open(yard->file, O_WRONLY | O_CLOEXEC));
}

/* There and back again, so that it can be done twice. */
static int
move_out(const Yard *yard)
{
    int inside = open(yard->inside, O_PATH | O_CLOEXEC);
    int outside = open(yard->outside, O_PATH | O_CLOEXEC);
    int error = renameat(inside, "file", outside, "moved") != 0 ? errno : 0;

    if (error == 0 && renameat(outside, "moved", inside, "file") != 0)
        error = errno;
    close(inside);
    close(outside);
    return error;
}

static int
truncate_inside(const Yard *yard)
{
    return truncate(yard->file, 0) != 0 ? errno : 0;
}

static int
bind_tcp(const Yard *yard)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    (void)yard;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    error = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

/* /dev/null is no terminal: ENOTTY is its own answer, EACCES is Landlock's. */
static int
ask_device(const Yard *yard)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct winsize size;
    int error;

    (void)yard;
    if (fd < 0)
        return errno;
    error = ioctl(fd, TIOCGWINSZ, &size) != 0 ? errno : 0;
    close(fd);
    return error;
}

static int
signal_parent(const Yard *yard)
{
    (void)yard;
    return kill(getppid(), 0) != 0 ? errno : 0;
}

/* Only names the act: that no flag is refused is all that can be seen from here. */
static int
do_nothing(const Yard *yard)
{
    (void)yard;
    return 0;
}

/* The name is the folder's, which no one else has. */
static void
name_socket(const Yard *yard, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    gsize length = MIN(strlen(yard->folder), sizeof ret_address->sun_path - 1);

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path + 1, yard->folder, length);
    *ret_length = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + 1 + length);
}

/* The listener is made by the first call, which is made outside the domain. */
static int
connect_abstract(const Yard *yard)
{
    struct sockaddr_un address;
    socklen_t length;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = 0;

    name_socket(yard, &address, &length);
    /* Kept open to the end of the child: the second call finds the name taken. */
    if (bind(listener, (struct sockaddr *)&address, length) == 0)
        error = listen(listener, 4) != 0 ? errno : 0;
    if (error == 0)
        error = connect(client, (struct sockaddr *)&address, length) != 0 ? errno : 0;
    close(client);
    return error;
}

/* --- The proofs --------------------------------------------------------------------------------
 */

#define READ_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MOVE_RIGHTS                                                                                \
    (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE)

static OshWallVerdict
prove_read(void)
{
    Wall wall = {.handled.handled_access_fs = READ_RIGHTS, .inside = READ_RIGHTS};

    return prove(&wall, read_outside, 0, EACCES);
}

static OshWallVerdict
prove_write(void)
{
    Wall wall = {.handled.handled_access_fs = READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE,
                 .inside = READ_RIGHTS};

    return prove(&wall, write_inside, 0, EACCES);
}

/* ABI 1 forbids all moves; from ABI 2 on they are a right, given to one pair and not to another. */
static OshWallVerdict
prove_move(void)
{
    Wall without = {.handled.handled_access_fs = MOVE_RIGHTS | LANDLOCK_ACCESS_FS_REFER,
                    .inside = MOVE_RIGHTS,
                    .outside = MOVE_RIGHTS};
    Wall with = without;
    OshWallVerdict refused = prove(&without, move_out, 0, EXDEV);

    with.inside |= LANDLOCK_ACCESS_FS_REFER;
    with.outside |= LANDLOCK_ACCESS_FS_REFER;
    if (refused == OSH_WALL_HOLDS && prove(&with, move_out, 0, 0) != OSH_WALL_HOLDS)
        return OSH_WALL_UNKNOWN;
    return refused;
}

static OshWallVerdict
prove_truncate(void)
{
    Wall wall = {.handled.handled_access_fs =
                     LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE,
                 .inside = LANDLOCK_ACCESS_FS_WRITE_FILE};

    return prove(&wall, truncate_inside, 0, EACCES);
}

static OshWallVerdict
prove_tcp(void)
{
    Wall wall = {.handled.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP};

    return prove(&wall, bind_tcp, 0, EACCES);
}

static OshWallVerdict
prove_ioctl(void)
{
    guint64 use = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    Wall wall = {.handled.handled_access_fs = use | LANDLOCK_ACCESS_FS_IOCTL_DEV, .device = use};

    return prove(&wall, ask_device, ENOTTY, EACCES);
}

static OshWallVerdict
prove_signal(void)
{
    Wall wall = {.handled.scoped = LANDLOCK_SCOPE_SIGNAL};

    return prove(&wall, signal_parent, 0, EPERM);
}

static OshWallVerdict
prove_abstract(void)
{
    Wall wall = {.handled.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET};

    return prove(&wall, connect_abstract, 0, EPERM);
}

static OshWallVerdict
prove_log(void)
{
    Wall wall = {.handled.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE,
                 .flags = LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON |
                          LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF};

    return prove(&wall, do_nothing, 0, 0);
}

#define REFUSED "tried and refused"

static const OshLandlockProof proofs[] = {
    {1, "read", "5.13", REFUSED, "the box's own mounts", prove_read},
    {1, "write", "5.13", REFUSED, "read-only mounts", prove_write},
    {2, "move", "5.19", REFUSED, "every move between folders is refused", prove_move},
    {3, "truncate", "6.2", REFUSED, "read-only mounts", prove_truncate},
    {4, "tcp", "6.7", REFUSED, "the box's own network, at every ABI", prove_tcp},
    {5, "ioctl", "6.10", REFUSED, "a /dev of the box's own", prove_ioctl},
    {6, "signal", "6.12", REFUSED, "a PID namespace", prove_signal},
    {6, "abstract", "6.12", REFUSED, "the box's own network", prove_abstract},
    {7, "log", "6.15", "the kernel takes the flags", "nothing: refusals of Landlock are in no log",
     prove_log},
};

const OshLandlockProof *
osh_landlock_proofs(gsize *ret_count)
{
    *ret_count = G_N_ELEMENTS(proofs);
    return proofs;
}

/* --- seccomp ------------------------------------------------------------------------------------
 */

#define ALL_REFUSED   255
#define NOT_INSTALLED 254

static gboolean
install(GBytes *program)
{
    gsize size;
    struct sock_fprog filter = {
        .filter = (struct sock_filter *)(gpointer)g_bytes_get_data(program, &size)};

    filter.len = (unsigned short)(size / sizeof(struct sock_filter));
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

static gboolean
is_tried(const OshSeccompCall *call, const char *const *allowed)
{
    return (call->scope == OSH_SECCOMP_WHOLE || call->scope == OSH_SECCOMP_WHOLE_FIXED) &&
           call->number >= 0 && !g_strv_contains(allowed, call->name);
}

/* All arguments 0. Returns: the index of the first call that has another answer than the table's */
static int
try_calls(GBytes *clone3, GBytes *main, const char *const *allowed)
{
    gsize count;
    const OshSeccompCall *calls = osh_seccomp_calls(&count);

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !install(clone3) || !install(main))
        return NOT_INSTALLED;
    for (gsize i = 0; i < count; i++) {
        if (is_tried(&calls[i], allowed) &&
            (syscall(calls[i].number, 0, 0, 0, 0, 0, 0) != -1 || errno != calls[i].answer))
            return (int)i;
    }
    return ALL_REFUSED;
}

OshWallVerdict
osh_seccomp_prove(const char *const *allowed, guint *ret_refused, const char **ret_open)
{
    g_autoptr(GBytes) clone3 = osh_seccomp_filter_clone3(NULL);
    g_autoptr(GBytes) filter = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, allowed, NULL);
    gsize count;
    const OshSeccompCall *calls = osh_seccomp_calls(&count);
    int status;
    pid_t child;

    *ret_refused = 0;
    *ret_open = NULL;
    if (clone3 == NULL || filter == NULL)
        return OSH_WALL_UNKNOWN;
    child = fork();
    if (child == 0)
        _exit(try_calls(clone3, filter, allowed));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) == NOT_INSTALLED)
        return OSH_WALL_UNKNOWN;
    for (gsize i = 0; i < count; i++)
        *ret_refused += is_tried(&calls[i], allowed);
    if (WEXITSTATUS(status) == ALL_REFUSED)
        return OSH_WALL_HOLDS;
    *ret_refused = 0;
    *ret_open = calls[WEXITSTATUS(status)].name;
    return OSH_WALL_OPEN;
}
