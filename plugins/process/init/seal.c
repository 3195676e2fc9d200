/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps of a box before programs run in it: contributed files, the last netlink batches,
 * the Landlock ruleset over the box's own mounts, the root made read-only, and the capabilities
 * of init reduced to what starting programs needs.
 *
 * A contributed file is bound read-only over its path, so that a program of the same user can
 * neither change nor replace it.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#define OSH_MAX_FILES 64

/* In case the kernel headers are older than the kernel. */
#define OSH_LANDLOCK_RULE_PATH_BENEATH 1
#define OSH_LANDLOCK_RULE_NET_PORT     2
#define OSH_FS_EXECUTE                 (1ULL << 0)
#define OSH_FS_WRITE_FILE              (1ULL << 1)
#define OSH_FS_READ_FILE               (1ULL << 2)
#define OSH_FS_TRUNCATE                (1ULL << 14)
#define OSH_FS_IOCTL_DEV               (1ULL << 15)
#define OSH_FS_OF_FILES                                                                            \
    (OSH_FS_EXECUTE | OSH_FS_WRITE_FILE | OSH_FS_READ_FILE | OSH_FS_TRUNCATE | OSH_FS_IOCTL_DEV)

struct osh_landlock_ruleset {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
};

struct osh_landlock_path_beneath {
    uint64_t rights;
    int32_t folder;
} __attribute__((packed));

struct osh_landlock_net_port {
    uint64_t rights;
    uint64_t port;
};

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

static int
add_path_rule(int ruleset, const struct osh_init_seal_plan *seal, const char *path, uint64_t rights)
{
    struct osh_landlock_path_beneath rule = {.rights = rights & seal->handled_fs};
    long fd = CALL(openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
    struct statx about;
    long error;

    if (fd < 0)
        return (int)fd;
    error = CALL(statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &about);
    if (error == 0 && (about.stx_mode & S_IFMT) != S_IFDIR)
        rule.rights &= OSH_FS_OF_FILES;
    rule.folder = (int)fd;
    /* A rule without a right is an error to the kernel and means nothing. */
    if (error == 0 && rule.rights != 0)
        error = CALL(landlock_add_rule, ruleset, OSH_LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    osh_close((int)fd);
    return (int)error;
}

static int
add_path_rules(int ruleset, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    const struct osh_init_path_rule *rules =
        osh_plan_table(plan, seal->path_rules, sizeof(struct osh_init_path_rule));

    if (rules == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "path rules");
    for (uint32_t i = 0; i < seal->path_rules.count; i++) {
        const char *path = osh_plan_string(plan, rules[i].path);
        int error = path == NULL ? -EBADMSG : add_path_rule(ruleset, seal, path, rules[i].rights);

        if (error == 0)
            continue;
        if (!rules[i].optional)
            return osh_fail(reply, OSH_INIT_STAGE_LANDLOCK, -error, i, path);
        reply->degraded |= OSH_INIT_DEGRADED_RULES;
        reply->detail++;
        osh_text_copy(reply->path, sizeof reply->path, path != NULL ? path : "");
    }
    return 0;
}

static int
add_port_rules(int ruleset, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    const struct osh_init_port_rule *rules =
        osh_plan_table(plan, seal->port_rules, sizeof(struct osh_init_port_rule));

    if (rules == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "port rules");
    for (uint32_t i = 0; i < seal->port_rules.count; i++) {
        struct osh_landlock_net_port rule = {.rights = rules[i].rights & seal->handled_net,
                                             .port = rules[i].port};
        long error = 0;

        if (rule.rights != 0)
            error = CALL(landlock_add_rule, ruleset, OSH_LANDLOCK_RULE_NET_PORT, &rule, 0);
        if (error < 0)
            return osh_fail(reply, OSH_INIT_STAGE_LANDLOCK, -error, i, "port rule");
    }
    return 0;
}

static int
build_ruleset(struct osh_init *init, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    const struct osh_init_seal_plan *seal = (const struct osh_init_seal_plan *)plan->bytes;
    struct osh_landlock_ruleset wanted = {
        .handled_fs = seal->handled_fs, .handled_net = seal->handled_net, .scoped = seal->scoped};
    long ruleset;
    int error;

    if (wanted.handled_fs == 0 && wanted.handled_net == 0 && wanted.scoped == 0)
        return 0;
    ruleset = CALL(landlock_create_ruleset, &wanted, sizeof wanted, 0);
    if (ruleset < 0)
        return osh_fail(reply, OSH_INIT_STAGE_LANDLOCK, -ruleset, 0, "ruleset");
    error = add_path_rules((int)ruleset, plan, reply);
    if (error == 0)
        error = add_port_rules((int)ruleset, plan, reply);
    if (error < 0) {
        osh_close((int)ruleset);
        return error;
    }
    init->landlock = (int)ruleset;
    init->restrict_flags = seal->restrict_flags;
    return 0;
}

int
osh_seal(struct osh_init *init, const struct osh_plan *plan, struct osh_init_reply *reply)
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
    error = build_ruleset(init, plan, reply);
    if (error < 0)
        return error;
    error = osh_capabilities_narrow();
    return error < 0 ? osh_fail(reply, OSH_INIT_STAGE_CAPABILITIES, -error, 0, NULL) : 0;
}
