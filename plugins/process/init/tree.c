/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c: the mount tree of a box. The new root becomes "/" first, the host's tree stays reachable
 * by one descriptor while the plan is carried out and is detached at the end: so a target path is
 * always resolved inside the box, whatever symlinks a bound tree holds, and a source path always
 * outside it and without any symlink. A bind never creates a name on a file system of the host.
 */
#include "init.h"
#include "memory.h"
#include "syscalls.h"

#define OSH_OPEN_PATH (O_PATH | O_CLOEXEC)

static int
note_own(struct osh_init *init, int fd, const char *path, uint32_t flags)
{
    struct statx about;
    long error = CALL(statx, fd, path, flags, STATX_TYPE, &about);

    if (error < 0)
        return (int)error;
    if (init->own_device_count == OSH_MAX_OWN_DEVICES)
        return -ENOSPC;
    init->own_devices[init->own_device_count].major = about.stx_dev_major;
    init->own_devices[init->own_device_count].minor = about.stx_dev_minor;
    init->own_device_count++;
    return 0;
}

static int
folder_is_own(struct osh_init *init, const char *folder)
{
    struct statx about;

    if (CALL(statx, AT_FDCWD, folder, 0, STATX_TYPE, &about) < 0)
        return 0;
    for (uint32_t i = 0; i < init->own_device_count; i++) {
        if (init->own_devices[i].major == about.stx_dev_major &&
            init->own_devices[i].minor == about.stx_dev_minor)
            return 1;
    }
    return 0;
}

int
osh_tree_is_own(struct osh_init *init, const char *path)
{
    char folder[OSH_INIT_MAX_PATH];
    size_t length = osh_text_copy(folder, sizeof folder, path);

    while (length > 1 && folder[length - 1] != '/')
        length--;
    folder[length > 1 ? length - 1 : 1] = '\0';
    return folder_is_own(init, folder);
}

static int
exists(const char *path)
{
    struct statx about;

    return CALL(statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &about) == 0;
}

int
osh_tree_make_parents(struct osh_init *init, const char *path)
{
    char folder[OSH_INIT_MAX_PATH];
    size_t length = osh_text_copy(folder, sizeof folder, path);

    for (size_t i = 1; i < length; i++) {
        long error = 0;

        if (folder[i] != '/')
            continue;
        folder[i] = '\0';
        if (!exists(folder)) {
            if (!osh_tree_is_own(init, folder))
                return -EROFS;
            error = CALL(mkdirat, AT_FDCWD, folder, 0755);
        }
        folder[i] = '/';
        if (error < 0)
            return (int)error;
    }
    return 0;
}

static int
set_attributes(int fd, const char *target, uint32_t flags, uint64_t attributes)
{
    struct mount_attr change = {.attr_set = attributes};

    return (int)CALL(mount_setattr, fd, target, flags, &change, sizeof change);
}

int
osh_tree_set_read_only(const char *target)
{
    return set_attributes(AT_FDCWD, target, 0, MOUNT_ATTR_RDONLY);
}

int
osh_tree_attach(int tree, const char *target)
{
    return (int)CALL(move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

/*
 * Exactly at @path. Another box may write into what is mounted here already, and a link that it
 * puts on the way would have a mount made, or an owner changed, elsewhere.
 */
static long
open_exactly(const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return CALL(openat2, AT_FDCWD, path, &how, sizeof how);
}

static int
attach_exactly(int tree, const char *target, uint32_t flags)
{
    long place =
        open_exactly(target, flags & OSH_INIT_MOUNT_IS_LINK ? O_PATH | O_NOFOLLOW : O_PATH);
    long error;

    if (place < 0)
        return (int)place;
    error =
        CALL(move_mount, tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    osh_close((int)place);
    return (int)error;
}

static uint64_t
attributes_of(uint32_t flags)
{
    uint64_t attributes = MOUNT_ATTR_NOSUID;

    if (flags & OSH_INIT_MOUNT_READ_ONLY)
        attributes |= MOUNT_ATTR_RDONLY;
    if (flags & OSH_INIT_MOUNT_NODEV)
        attributes |= MOUNT_ATTR_NODEV;
    if (flags & OSH_INIT_MOUNT_NOEXEC)
        attributes |= MOUNT_ATTR_NOEXEC;
    return attributes;
}

/* A detached copy of the host's @source with all that is mounted below it. */
static int
copy_from_host(struct osh_init *init, const char *source, uint32_t flags, int *ret_is_folder)
{
    struct open_how how = {.flags = OSH_OPEN_PATH | O_NOFOLLOW,
                           .resolve =
                               RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT};
    struct statx about;
    long fd = CALL(openat2, init->host_root, source, &how, sizeof how);
    long tree;
    int error;

    if (fd < 0)
        return (int)fd;
    error = (int)CALL(statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &about);
    if (error < 0) {
        osh_close((int)fd);
        return error;
    }
    if (((about.stx_mode & S_IFMT) == S_IFLNK) != ((flags & OSH_INIT_MOUNT_IS_LINK) != 0)) {
        osh_close((int)fd);
        return -ELOOP;
    }
    *ret_is_folder = (about.stx_mode & S_IFMT) == S_IFDIR;
    tree =
        CALL(open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    osh_close((int)fd);
    if (tree < 0)
        return (int)tree;
    error = set_attributes((int)tree, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes_of(flags));
    if (error < 0) {
        osh_close((int)tree);
        return error;
    }
    return (int)tree;
}

/* Something to mount on: what is there, or a new empty one in a file system of our own. */
static int
make_mount_point(struct osh_init *init, const char *target, int is_folder, uint32_t mode)
{
    long fd;

    if (exists(target))
        return 0;
    if (!osh_tree_is_own(init, target))
        return -ENOENT;
    if (is_folder)
        return (int)CALL(mkdirat, AT_FDCWD, target, mode != 0 ? mode : 0755);
    fd = CALL(openat, AT_FDCWD, target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0)
        return (int)fd;
    osh_close((int)fd);
    return 0;
}

static int
bind(struct osh_init *init, const struct osh_init_mount *mount, const char *source,
     const char *target)
{
    int is_folder = 0;
    int tree = copy_from_host(init, source, mount->flags, &is_folder);
    int error;

    if (tree < 0)
        return tree;
    if (is_folder != ((mount->flags & OSH_INIT_MOUNT_IS_FOLDER) != 0))
        error = is_folder ? -EISDIR : -ENOTDIR;
    else
        error = make_mount_point(init, target, is_folder, 0);
    if (error == 0)
        error = attach_exactly(tree, target, mount->flags);
    osh_close(tree);
    return error;
}

static int
own(const struct osh_init_open_plan *open, const struct osh_init_mount *mount, const char *target)
{
    if ((mount->flags & OSH_INIT_MOUNT_BOX_USER) == 0)
        return 0;
    return (int)CALL(fchownat, AT_FDCWD, target, open->uid, open->gid, AT_SYMLINK_NOFOLLOW);
}

/* What was just mounted at @target: root changes its owner by this descriptor, never by a name. */
static int
settle_tmpfs(struct osh_init *init, const struct osh_init_open_plan *open,
             const struct osh_init_mount *mount, const char *target)
{
    long fd = open_exactly(target, O_RDONLY | O_DIRECTORY);
    struct statx about;
    long error;

    if (fd < 0)
        return (int)fd;
    error = CALL(statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &about);
    if (error == 0 && (about.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
        error = -EBUSY;
    if (error == 0)
        error = CALL(fchmod, fd, mount->mode);
    if (error == 0 && (mount->flags & OSH_INIT_MOUNT_BOX_USER) != 0)
        error = CALL(fchown, fd, open->uid, open->gid);
    if (error == 0)
        error = note_own(init, (int)fd, "", AT_EMPTY_PATH);
    osh_close((int)fd);
    return (int)error;
}

static int
make_tmpfs(struct osh_init *init, const struct osh_init_open_plan *open,
           const struct osh_init_mount *mount, const char *data, const char *target)
{
    unsigned long flags = MS_NOSUID | MS_NODEV;
    int error = make_mount_point(init, target, 1, mount->mode);

    if (error < 0)
        return error;
    if (mount->flags & OSH_INIT_MOUNT_NOEXEC)
        flags |= MS_NOEXEC;
    error = (int)CALL(mount, "tmpfs", target, "tmpfs", flags, data);
    return error < 0 ? error : settle_tmpfs(init, open, mount, target);
}

static int
make_directory(struct osh_init *init, const struct osh_init_open_plan *open,
               const struct osh_init_mount *mount, const char *target)
{
    int error;

    if (exists(target))
        return 0;
    error = make_mount_point(init, target, 1, mount->mode);
    return error < 0 ? error : own(open, mount, target);
}

static int
make_symlink(struct osh_init *init, const char *text, const char *target)
{
    if (exists(target))
        return 0;
    if (!osh_tree_is_own(init, target))
        return -ENOENT;
    return (int)CALL(symlinkat, text, AT_FDCWD, target);
}

/*
 * A fresh /proc is refused to a user namespace that sees only part of one, which is what most
 * containers leave. The host's is then the only other choice: it shows the host's processes, and
 * the namespaces keep the box from reading or signalling them.
 */
static int
make_proc(struct osh_init *init, const char *target, struct osh_init_reply *reply)
{
    struct osh_init_mount fallback = {.flags = OSH_INIT_MOUNT_IS_FOLDER | OSH_INIT_MOUNT_NODEV |
                                               OSH_INIT_MOUNT_NOEXEC};
    int error = make_mount_point(init, target, 1, 0555);

    if (error < 0)
        return error;
    error = (int)CALL(mount, "proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (error != -EPERM && error != -EACCES)
        return error;
    if ((init->open_flags & OSH_INIT_OPEN_HOST_PROC_OK) == 0)
        return error;
    reply->degraded |= OSH_INIT_DEGRADED_HOST_PROC;
    return bind(init, &fallback, "/proc", target);
}

static int
make_devpts(struct osh_init *init, const char *target)
{
    int error = make_mount_point(init, target, 1, 0755);

    if (error < 0)
        return error;
    return (int)CALL(mount, "devpts", target, "devpts", MS_NOSUID | MS_NOEXEC,
                     "newinstance,ptmxmode=0666,mode=0620");
}

static int
do_mount(struct osh_init *init, const struct osh_plan *plan, const struct osh_init_mount *mount,
         const char *target, struct osh_init_reply *reply)
{
    const struct osh_init_open_plan *open = (const struct osh_init_open_plan *)plan->bytes;
    const char *source = osh_plan_string(plan, mount->source);

    switch (mount->kind) {
    case OSH_INIT_MOUNT_DIRECTORY:
        return make_directory(init, open, mount, target);
    case OSH_INIT_MOUNT_SYMLINK:
        return source == NULL ? -EBADMSG : make_symlink(init, source, target);
    case OSH_INIT_MOUNT_BIND:
        return source == NULL ? -EBADMSG : bind(init, mount, source, target);
    case OSH_INIT_MOUNT_TMPFS:
        return make_tmpfs(init, open, mount, source, target);
    case OSH_INIT_MOUNT_PROC:
        return make_proc(init, target, reply);
    case OSH_INIT_MOUNT_DEVPTS:
        return make_devpts(init, target);
    case OSH_INIT_MOUNT_SETTLE:
        return set_attributes(AT_FDCWD, target, 0, attributes_of(mount->flags));
    default:
        return -EBADMSG;
    }
}

static int
do_mounts(struct osh_init *init, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    const struct osh_init_open_plan *open = (const struct osh_init_open_plan *)plan->bytes;
    const struct osh_init_mount *mounts =
        osh_plan_table(plan, open->mounts, sizeof(struct osh_init_mount));

    if (mounts == NULL)
        return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, 0, "mounts");
    for (uint32_t i = 0; i < open->mounts.count; i++) {
        const char *target = osh_plan_string(plan, mounts[i].target);
        int error;

        if (target == NULL || target[0] != '/')
            return osh_fail(reply, OSH_INIT_STAGE_PROTOCOL, EBADMSG, i, "mount target");
        error = do_mount(init, plan, &mounts[i], target, reply);
        if (error < 0 && (mounts[i].flags & OSH_INIT_MOUNT_OPTIONAL)) {
            reply->degraded |= OSH_INIT_DEGRADED_MOUNTS;
            reply->detail++;
            osh_text_copy(reply->path, sizeof reply->path, target);
            continue;
        }
        if (error < 0)
            return osh_fail(reply,
                            mounts[i].kind == OSH_INIT_MOUNT_PROC ? OSH_INIT_STAGE_PROC
                                                                  : OSH_INIT_STAGE_MOUNT,
                            -error, i, target);
    }
    return 0;
}

/* The place of the new root until it is "/"; what it hides there comes back at the change. */
static int
mount_new_root(struct osh_init *init, const char *place)
{
    uint32_t flags = 0;
    int is_folder = 0;
    int tree;
    int error;

    if ((init->open_flags & OSH_INIT_OPEN_ROOT_IS_HOST) == 0)
        return (int)CALL(mount, "tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV,
                         "mode=0755,size=16m");
    if (init->open_flags & OSH_INIT_OPEN_ROOT_READ_ONLY)
        flags |= OSH_INIT_MOUNT_READ_ONLY;
    tree = copy_from_host(init, "/", flags | OSH_INIT_MOUNT_NODEV, &is_folder);
    if (tree < 0)
        return tree;
    error = osh_tree_attach(tree, place);
    osh_close(tree);
    return error;
}

static int
change_root(struct osh_init *init, struct osh_init_reply *reply)
{
    static const char places[][8] = {"/tmp", "/run", "/mnt", "/dev", "/proc"};
    long error = CALL(mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    size_t i;

    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "private mounts");
    init->host_root = (int)CALL(openat, AT_FDCWD, "/", OSH_OPEN_PATH | O_DIRECTORY, 0);
    if (init->host_root < 0)
        return osh_fail(reply, OSH_INIT_STAGE_ROOT, -init->host_root, 0, "/");
    for (i = 0; i < sizeof places / sizeof places[0]; i++) {
        error = mount_new_root(init, places[i]);
        if (error == 0)
            break;
        if (error != -ENOENT && error != -ENOTDIR)
            return osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "new root");
    }
    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "no folder to mount a root on");

    /* The old root ends up on top of the new one at the same place, so that the new root needs
     * no folder for it; paths start below it, at the new root. */
    error = CALL(chdir, places[i]);
    if (error == 0)
        error = CALL(pivot_root, ".", ".");
    if (error < 0)
        return osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "pivot_root");
    CALL(chdir, "/");
    if ((init->open_flags & OSH_INIT_OPEN_ROOT_IS_HOST) == 0)
        error = note_own(init, AT_FDCWD, "/", 0);
    return error < 0 ? osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "/") : 0;
}

static int
leave_host_root(struct osh_init *init, struct osh_init_reply *reply)
{
    long error = CALL(fchdir, init->host_root);

    osh_close(init->host_root);
    init->host_root = -1;
    if (error == 0)
        error = CALL(umount2, ".", OSH_MNT_DETACH);
    if (error == 0)
        error = CALL(chdir, "/");
    return error < 0 ? osh_fail(reply, OSH_INIT_STAGE_ROOT, -error, 0, "the host's root") : 0;
}

int
osh_tree_build(struct osh_init *init, const struct osh_plan *plan, struct osh_init_reply *reply)
{
    int error = change_root(init, reply);

    if (error == 0)
        error = do_mounts(init, plan, reply);
    if (error == 0)
        error = leave_host_root(init, reply);
    return error;
}
