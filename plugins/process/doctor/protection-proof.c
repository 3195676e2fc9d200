/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protection-proof.c: tries the acts that Landlock and seccomp must refuse.
 *
 * [main], before the process has a second thread: each act is made in a forked child, first
 * without the protection, then with it, so that an act which fails for another reason proves
 * nothing. A child makes only system calls and reports by its exit code. It must leave nothing
 * after, and never report a protection that has refused nothing.
 */
#include "protection-proof.h"

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
} Files;

/* Returns: 0, or the errno by which the act was refused */
typedef int (*Act)(const Files *files);

static void
files_clear(Files *files)
{
    g_autofree char *moved = g_build_filename(files->outside, "moved", NULL);

    unlink(moved);
    unlink(files->file);
    unlink(files->other);
    rmdir(files->inside);
    rmdir(files->outside);
    rmdir(files->folder);
    g_free(files->folder);
    g_free(files->inside);
    g_free(files->file);
    g_free(files->outside);
    g_free(files->other);
}

static gboolean
files_make(Files *files)
{
    files->folder = g_dir_make_tmp("openshell-doctor-XXXXXX", NULL);
    if (files->folder == NULL)
        return FALSE;
    files->inside = g_build_filename(files->folder, "inside", NULL);
    files->outside = g_build_filename(files->folder, "outside", NULL);
    files->file = g_build_filename(files->inside, "file", NULL);
    files->other = g_build_filename(files->outside, "file", NULL);
    if (g_mkdir(files->inside, 0700) == 0 && g_mkdir(files->outside, 0700) == 0 &&
        g_file_set_contents(files->file, "text", -1, NULL) &&
        g_file_set_contents(files->other, "text", -1, NULL))
        return TRUE;
    files_clear(files);
    return FALSE;
}

/* --- Landlock ----------------------------------------------------------------------------------
 */

typedef struct {
    struct osh_landlock_ruleset handled;
    guint64 inside;  /* rights of the folder that has a rule; 0: no rule */
    guint64 outside; /* of the other one */
    guint64 device;  /* of /dev/null */
    guint32 flags;
} Restriction;

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
restrict_self(const Restriction *restriction, const Files *files)
{
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &restriction->handled,
                               sizeof restriction->handled, 0);

    return ruleset >= 0 && add_rule(ruleset, files->inside, restriction->inside) &&
           add_rule(ruleset, files->outside, restriction->outside) &&
           add_rule(ruleset, "/dev/null", restriction->device) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, ruleset, restriction->flags) == 0;
}

/* Both in one child, so that nothing but the restriction lies between them. */
static OshProofVerdict
try_both(const Restriction *restriction, const Files *files, Act act, int before, int after)
{
    int found;

    if (act(files) != before || !restrict_self(restriction, files))
        return OSH_PROOF_UNKNOWN;
    found = act(files);
    if (found == after)
        return OSH_PROOF_HOLDS;
    return found == before ? OSH_PROOF_OPEN : OSH_PROOF_UNKNOWN;
}

/* @before and @after the restriction: what @act answers, 0 for success. */
static OshProofVerdict
prove(const Restriction *restriction, Act act, int before, int after)
{
    OshProofVerdict verdict = OSH_PROOF_UNKNOWN;
    Files files;
    int status;
    pid_t child;

    if (!files_make(&files))
        return verdict;
    child = fork();
    if (child == 0)
        _exit((int)try_both(restriction, &files, act, before, after));
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
        WEXITSTATUS(status) <= OSH_PROOF_UNKNOWN)
        verdict = (OshProofVerdict)WEXITSTATUS(status);
    files_clear(&files);
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
read_outside(const Files *files)
{
    return close_or_errno(open(files->other, O_RDONLY | O_CLOEXEC));
}

static int
write_inside(const Files *files)
{
    return close_or_errno(open(files->file, O_WRONLY | O_CLOEXEC));
}

/* There and back again, so that it can be done twice. */
static int
move_out(const Files *files)
{
    int inside = open(files->inside, O_PATH | O_CLOEXEC);
    int outside = open(files->outside, O_PATH | O_CLOEXEC);
    int error = renameat(inside, "file", outside, "moved") != 0 ? errno : 0;

    if (error == 0 && renameat(outside, "moved", inside, "file") != 0)
        error = errno;
    close(inside);
    close(outside);
    return error;
}

static int
truncate_inside(const Files *files)
{
    return truncate(files->file, 0) != 0 ? errno : 0;
}

static int
bind_tcp(const Files *files)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    (void)files;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    error = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

/* /dev/null is no terminal: ENOTTY is its own answer, EACCES is Landlock's. */
static int
ask_device(const Files *files)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct winsize size;
    int error;

    (void)files;
    if (fd < 0)
        return errno;
    error = ioctl(fd, TIOCGWINSZ, &size) != 0 ? errno : 0;
    close(fd);
    return error;
}

static int
signal_parent(const Files *files)
{
    (void)files;
    return kill(getppid(), 0) != 0 ? errno : 0;
}

/* Only names the act: that no flag is refused is all that can be seen from here. */
static int
do_nothing(const Files *files)
{
    (void)files;
    return 0;
}

/* The name is the folder's, which no one else has. */
static void
name_socket(const Files *files, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    gsize length = MIN(strlen(files->folder), sizeof ret_address->sun_path - 1);

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path + 1, files->folder, length);
    *ret_length = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + 1 + length);
}

/* The listener is made by the first call, which is made outside the domain. */
static int
connect_abstract(const Files *files)
{
    struct sockaddr_un address;
    socklen_t length;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = 0;

    name_socket(files, &address, &length);
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

static OshProofVerdict
prove_read(void)
{
    Restriction restriction = {.handled.handled_access_fs = READ_RIGHTS, .inside = READ_RIGHTS};

    return prove(&restriction, read_outside, 0, EACCES);
}

static OshProofVerdict
prove_write(void)
{
    Restriction restriction = {.handled.handled_access_fs =
                                   READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE,
                               .inside = READ_RIGHTS};

    return prove(&restriction, write_inside, 0, EACCES);
}

/* ABI 1 forbids all moves; from ABI 2 on they are a right, given to one pair and not to another. */
static OshProofVerdict
prove_move(void)
{
    Restriction without = {.handled.handled_access_fs = MOVE_RIGHTS | LANDLOCK_ACCESS_FS_REFER,
                           .inside = MOVE_RIGHTS,
                           .outside = MOVE_RIGHTS};
    Restriction with = without;
    OshProofVerdict refused = prove(&without, move_out, 0, EXDEV);

    with.inside |= LANDLOCK_ACCESS_FS_REFER;
    with.outside |= LANDLOCK_ACCESS_FS_REFER;
    if (refused == OSH_PROOF_HOLDS && prove(&with, move_out, 0, 0) != OSH_PROOF_HOLDS)
        return OSH_PROOF_UNKNOWN;
    return refused;
}

static OshProofVerdict
prove_truncate(void)
{
    Restriction restriction = {.handled.handled_access_fs =
                                   LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE,
                               .inside = LANDLOCK_ACCESS_FS_WRITE_FILE};

    return prove(&restriction, truncate_inside, 0, EACCES);
}

static OshProofVerdict
prove_tcp(void)
{
    Restriction restriction = {.handled.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP};

    return prove(&restriction, bind_tcp, 0, EACCES);
}

static OshProofVerdict
prove_ioctl(void)
{
    guint64 use = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
    Restriction restriction = {.handled.handled_access_fs = use | LANDLOCK_ACCESS_FS_IOCTL_DEV,
                               .device = use};

    return prove(&restriction, ask_device, ENOTTY, EACCES);
}

static OshProofVerdict
prove_signal(void)
{
    Restriction restriction = {.handled.scoped = LANDLOCK_SCOPE_SIGNAL};

    return prove(&restriction, signal_parent, 0, EPERM);
}

static OshProofVerdict
prove_abstract(void)
{
    Restriction restriction = {.handled.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET};

    return prove(&restriction, connect_abstract, 0, EPERM);
}

static OshProofVerdict
prove_log(void)
{
    Restriction restriction = {.handled.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE,
                               .flags = LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON |
                                        LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF};

    return prove(&restriction, do_nothing, 0, 0);
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

OshProofVerdict
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
        return OSH_PROOF_UNKNOWN;
    child = fork();
    if (child == 0)
        _exit(try_calls(clone3, filter, allowed));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) == NOT_INSTALLED)
        return OSH_PROOF_UNKNOWN;
    for (gsize i = 0; i < count; i++)
        *ret_refused += is_tried(&calls[i], allowed);
    if (WEXITSTATUS(status) == ALL_REFUSED)
        return OSH_PROOF_HOLDS;
    *ret_refused = 0;
    *ret_open = calls[WEXITSTATUS(status)].name;
    return OSH_PROOF_OPEN;
}
