/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.c: the last steps of a box before programs run in it: contributed files, the last netlink
 * batches, the Landlock ruleset over the box's own mounts, the root made read-only, and the
 * capabilities of init reduced to what starting programs needs.
 *
 * A contributed file is bound read-only over its path, so that a program of the same user can
 * neither change nor replace it.
 *
 * The filter that notifies the host of connect(2) goes on init itself, before its first child:
 * every program inherits it, and none of them may put another listener beside it.
 */
#include "init.h"
#include "landlock-constants.h"
#include "memory.h"
#include "syscalls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, which older headers lack. */
#define OSH_SECCOMP_WAIT_KILLABLE (1UL << 5)

#define OSH_MAX_FILES 64

/* How many reports of rules go to the host at once. */
#define OSH_REPORTS 32

static int
write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        long done = CALL(write, fd, bytes, size);

        if (done == -EINTR)
            continue;
        if (done <= 0)
            return done == 0 ? -EIO : (int)done;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

/* Writes @file into the store, which is the current directory. Returns: a detached mount of it */
static int
store_file(const struct osh_plan *plan, const struct osh_init_seal_plan *seal,
           const struct osh_init_file *file, uint32_t index)
{
    /* '0' and on: all of them are names, and 64 end before anything odd. A file keeps its name,
     * because a mount of a file that has none left cannot be attached. */
    const char name[2] = {(char)('0' + index), '\0'};
    const void *bytes = osh_plan_span(plan, file->bytes);
    struct mount_attr change = {.attr_set =
                                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    long tree = -EIO;
    long error;
    long fd;

    if (bytes == NULL)
        return -EBADMSG;
    fd = CALL(openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return (int)fd;
    error = write_all((int)fd, bytes, file->bytes.size);
    if (error == 0)
        error = CALL(fchown, fd, seal->uid, seal->gid);
    if (error == 0)
        error = CALL(fchmod, fd, file->mode & 0555);
    osh_close((int)fd);
    if (error == 0)
        tree = CALL(open_tree, AT_FDCWD, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (error == 0 && tree >= 0) {
        error = CALL(mount_setattr, tree, "", AT_EMPTY_PATH, &change, sizeof change);
        if (error < 0)
            osh_close((int)tree);
    }
    return error < 0 ? (int)error : (int)tree;
}

static int
place_file(struct osh_init *init, int tree, const char *path)
{
    struct statx about;
    int error = osh_tree_make_parents(init, path);

    if (error < 0)
        return error;
    if (CALL(statx, AT_FDCWD, path, 0, STATX_TYPE, &about) < 0) {
        long fd;

        if (!osh_tree_is_own(init, path))
            return -EROFS;
        fd = CALL(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (fd < 0)
            return (int)fd;
        osh_close((int)fd);
    }
    return osh_tree_attach(tree, path);
}

/*
 * The contents live in a file system that has no place in the tree: it covers /proc, which every
 * box has, for as long as it takes to fill it, and stays alive by the binds.
 */
static int
store_files(const struct osh_plan *plan, const struct osh_init_file *files, int *trees,
            struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    long error = CALL(mount, "tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700");

    if (error == 0)
        error = CALL(chdir, "/proc");
    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_FILE, -error, 0, "store");
    for (uint32_t i = 0; i < seal->files.count; i++) {
        trees[i] = store_file(plan, seal, &files[i], i);
        if (trees[i] < 0)
            return osh_fail(reply, OSH_INIT_STAGE_FILE, -trees[i], i,
                            osh_plan_string(plan, files[i].path));
    }
    error = CALL(chdir, "/");
    if (error == 0)
        error = CALL(umount2, "/proc", OSH_MNT_DETACH);
    return error < 0 ? osh_fail(reply, OSH_INIT_STAGE_FILE, -error, 0, "store") : 0;
}

static int
add_files(struct osh_init *init, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    const struct osh_init_file *files =
        osh_plan_table(plan, seal->files, sizeof(struct osh_init_file));
    int trees[OSH_MAX_FILES];
    int error;

    if (files == NULL || seal->files.count > OSH_MAX_FILES)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "files");
    if (seal->files.count == 0)
        return 0;
    error = store_files(plan, files, trees, reply);
    if (error < 0)
        return error;
    for (uint32_t i = 0; i < seal->files.count; i++) {
        const char *path = osh_plan_string(plan, files[i].path);

        error = path == NULL || path[0] != '/' ? -EBADMSG : place_file(init, trees[i], path);
        osh_close(trees[i]);
        if (error < 0)
            return osh_fail(reply, OSH_INIT_STAGE_FILE, -error, i, path);
    }
    return 0;
}

/* The rights of @rule become those that its inode can have. Returns: 0 or a negative errno */
static int
add_path_rule(int ruleset, const char *path, struct osh_init_rule_report *rule)
{
    struct landlock_path_beneath_attr beneath = {.parent_fd = -1};
    long fd = CALL(openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    struct statx about;
    long error;

    if (fd < 0)
        return (int)fd;
    error = CALL(statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &about);
    if (error == 0) {
        rule->is_folder = (about.stx_mode & S_IFMT) == S_IFDIR;
        if (!rule->is_folder)
            rule->rights &= OSH_LANDLOCK_FILE_RIGHTS;
    }
    beneath.allowed_access = rule->rights;
    beneath.parent_fd = (int)fd;
    /* A rule without a right is an error to the kernel and means nothing. */
    if (error == 0 && rule->rights != 0)
        error = CALL(landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    osh_close((int)fd);
    return (int)error;
}

/* Reports that do not arrive are missed by the host, which then refuses the box. */
static void
send_reports(int to, const struct osh_init_rule_report *reports, uint32_t first, uint32_t count)
{
    if (to >= 0 && count > 0)
        CALL(pwrite64, to, reports, count * sizeof *reports, first * sizeof *reports);
}

static int
add_path_rules(int ruleset, const struct osh_plan *plan, int report, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    const struct osh_init_path_rule *rules =
        osh_plan_table(plan, seal->path_rules, sizeof(struct osh_init_path_rule));
    struct osh_init_rule_report reports[OSH_REPORTS];
    uint32_t sent = 0;

    if (rules == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "path rules");
    for (uint32_t i = 0; i < seal->path_rules.count; i++) {
        const char *path = osh_plan_string(plan, rules[i].path);
        struct osh_init_rule_report *rule = &reports[i - sent];
        int error;

        *rule =
            (struct osh_init_rule_report){.rights = rules[i].rights & seal->handled_fs, .done = 1};
        error = path == NULL ? -EBADMSG : add_path_rule(ruleset, path, rule);
        if (error < 0 && !rules[i].optional)
            return osh_fail(reply, OSH_INIT_STAGE_LANDLOCK, -error, i, path);
        if (error < 0) {
            rule->rights = 0;
            rule->error = -error;
            reply->degraded |= OSH_INIT_DEGRADED_RULES;
            reply->detail++;
            osh_text_copy(reply->path, sizeof reply->path, path != NULL ? path : "");
        }
        if (i - sent + 1 == OSH_REPORTS || i + 1 == seal->path_rules.count) {
            send_reports(report, reports, sent, i - sent + 1);
            sent = i + 1;
        }
    }
    return 0;
}

static int
build_ruleset(struct osh_init *init, const struct osh_plan *plan, int report,
              struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    struct osh_landlock_ruleset wanted = {.handled_access_fs = seal->handled_fs,
                                          .scoped = seal->scoped};
    long ruleset;
    int error;

    if (seal->handled_fs == 0 && seal->scoped == 0)
        return 0;
    ruleset = CALL(landlock_create_ruleset, &wanted, sizeof wanted, 0);
    if (ruleset < 0)
        return osh_fail(reply, OSH_INIT_STAGE_LANDLOCK, -ruleset, 0, "ruleset");
    error = add_path_rules((int)ruleset, plan, report, reply);
    if (error < 0) {
        osh_close((int)ruleset);
        return error;
    }
    init->landlock = (int)ruleset;
    init->restrict_flags = seal->restrict_flags;
    return 0;
}

static int
watch_connect(const struct osh_plan *plan, int *listener, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    const void *bytes = osh_plan_span(plan, seal->connect_filter);
    struct sock_fprog filter;
    long fd;

    if (seal->connect_filter.size == 0)
        return 0;
    if (bytes == NULL || seal->connect_filter.size % sizeof(struct sock_filter) != 0 ||
        seal->connect_filter.size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "connect filter");
    filter.len = (unsigned short)(seal->connect_filter.size / sizeof(struct sock_filter));
    filter.filter = (struct sock_filter *)(uintptr_t)bytes;
    /* Killable: a signal that the program handles must not repeat the call (Linux 5.19). */
    fd = CALL(seccomp, SECCOMP_SET_MODE_FILTER,
              SECCOMP_FILTER_FLAG_NEW_LISTENER | OSH_SECCOMP_WAIT_KILLABLE, &filter);
    if (fd == -EINVAL)
        fd = CALL(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    /* No such kernel, or another supervisor around us listens already: the host does without. */
    if (fd < 0)
        reply->degraded |= OSH_INIT_DEGRADED_CONNECT;
    else
        *listener = (int)fd;
    return 0;
}

int
osh_seal(struct osh_init *init, const struct osh_plan *plan, int report, int *listener,
         struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    int error = add_files(init, plan, reply);

    if (error == 0)
        error = osh_network_send(init, plan, seal->netlinks, reply);
    if (error < 0)
        return error;
    if ((init->open_flags & OSH_INIT_OPEN_ROOT_IS_HOST) == 0) {
        error = osh_tree_set_read_only("/");
        if (error < 0)
            return osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "/");
    }
    error = build_ruleset(init, plan, report, reply);
    if (error < 0)
        return error;
    error = osh_capabilities_narrow();
    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_CAPABILITIES, -error, 0, NULL);
    return watch_connect(plan, listener, reply);
}
