/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-error.c: turns {stage, errno, path} of init into a GError. [any]. The path comes from the
 * host's own plan; it is escaped all the same, because a policy may name a file with a newline in
 * it.
 */
#include "box-error.h"

#include <errno.h>
#include <string.h>

G_DEFINE_QUARK(osh - box - error - quark, osh_box_error)

static const char *
describe(guint32 stage)
{
    static const char *const stages[OSH_INIT_STAGE_COUNT] = {
        [OSH_INIT_STAGE_NONE] = "nothing",
        [OSH_INIT_STAGE_PROTOCOL] = "understanding the request",
        [OSH_INIT_STAGE_START] = "starting the box's init",
        [OSH_INIT_STAGE_ROOT] = "changing to the box's root",
        [OSH_INIT_STAGE_MOUNT] = "mounting",
        [OSH_INIT_STAGE_PROC] = "mounting a fresh /proc",
        [OSH_INIT_STAGE_DEVICES] = "making /dev",
        [OSH_INIT_STAGE_HOSTNAME] = "setting the host name",
        [OSH_INIT_STAGE_NETLINK] = "setting up the network, batch",
        [OSH_INIT_STAGE_SOCKET] = "making a socket in the box, number",
        [OSH_INIT_STAGE_FILE] = "adding the file",
        [OSH_INIT_STAGE_LANDLOCK] = "building the Landlock ruleset",
        [OSH_INIT_STAGE_CAPABILITIES] = "giving up capabilities",
        [OSH_INIT_STAGE_TERMINAL] = "making a terminal",
        [OSH_INIT_STAGE_PROCESS] = "starting a process",
        [OSH_INIT_STAGE_SESSION] = "starting a session",
        [OSH_INIT_STAGE_STDIO] = "passing standard input and output",
        [OSH_INIT_STAGE_LIMITS] = "setting a resource limit, number",
        [OSH_INIT_STAGE_IDENTITY] = "switching to the user",
        [OSH_INIT_STAGE_RESTRICT] = "entering Landlock",
        [OSH_INIT_STAGE_CWD] = "changing to the working directory",
        [OSH_INIT_STAGE_SECCOMP] = "installing the seccomp filter, number",
        [OSH_INIT_STAGE_EXEC] = "running",
    };

    return stage < OSH_INIT_STAGE_COUNT ? stages[stage] : "an unknown step";
}

/* Stages in which `detail` says which one, and there is no path that would. */
static gboolean
is_numbered(guint32 stage)
{
    return stage == OSH_INIT_STAGE_NETLINK || stage == OSH_INIT_STAGE_SOCKET ||
           stage == OSH_INIT_STAGE_LIMITS || stage == OSH_INIT_STAGE_SECCOMP;
}

static OshBoxError
classify(const struct osh_init_reply *reply)
{
    gboolean refused = reply->error == EPERM || reply->error == EACCES;

    if (reply->stage == OSH_INIT_STAGE_EXEC)
        return reply->error == ENOENT || reply->error == ENOTDIR ? OSH_BOX_ERROR_NOT_FOUND
                                                                 : OSH_BOX_ERROR_NOT_EXECUTABLE;
    if (reply->stage == OSH_INIT_STAGE_CWD)
        return OSH_BOX_ERROR_WORKING_DIRECTORY;
    if (reply->stage == OSH_INIT_STAGE_PROC && refused)
        return OSH_BOX_ERROR_PROC_REFUSED;
    if ((reply->stage == OSH_INIT_STAGE_START || reply->stage == OSH_INIT_STAGE_ROOT) && refused)
        return OSH_BOX_ERROR_NO_NAMESPACES;
    if (reply->stage == OSH_INIT_STAGE_PROTOCOL)
        return OSH_BOX_ERROR_INVALID;
    if (reply->stage == OSH_INIT_STAGE_MOUNT &&
        (reply->error == ENOENT || reply->error == ENOTDIR || reply->error == EISDIR))
        return OSH_BOX_ERROR_CHANGED;
    if (reply->stage == OSH_INIT_STAGE_NETLINK || reply->stage == OSH_INIT_STAGE_SOCKET)
        return OSH_BOX_ERROR_NETWORK;
    return OSH_BOX_ERROR_FAILED;
}

static const char *
remedy(const struct osh_init_reply *reply)
{
    switch (classify(reply)) {
    case OSH_BOX_ERROR_NO_NAMESPACES:
        return "; the namespaces were made but grant no rights, as AppArmor does where "
               "kernel.apparmor_restrict_unprivileged_userns=1: an administrator can clear that "
               "sysctl or give openshell-host an AppArmor profile with \"userns,\"";
    case OSH_BOX_ERROR_PROC_REFUSED:
        return "; the kernel does so where part of /proc is covered, as in most containers";
    case OSH_BOX_ERROR_FAILED:
    case OSH_BOX_ERROR_NETWORK:
        if (reply->stage == OSH_INIT_STAGE_FILE && reply->error == EROFS)
            return "; a new file can only be made in the box's own folders, such as "
                   "/run/openshell, or over one that exists";
        if (reply->stage == OSH_INIT_STAGE_MOUNT &&
            (reply->error == EPERM || reply->error == EACCES))
            return "; every grant of a box is a mount, and what is read-only inside a writable "
                   "tree is so by its mount alone: something here, such as a container's seccomp "
                   "profile, refuses that";
        if (reply->error == ENOSYS)
            return "; the kernel is too old, 5.12 is the first that can";
        return "";
    case OSH_BOX_ERROR_NOT_EXECUTABLE:
        if (reply->error == ENOEXEC)
            return "; it is neither a program nor a script that names its interpreter";
        return "";
    case OSH_BOX_ERROR_CHANGED:
        return "; it was moved or removed while the box was being made: start again when what "
               "changes it has ended";
    case OSH_BOX_ERROR_INVALID:
    case OSH_BOX_ERROR_NOT_FOUND:
    case OSH_BOX_ERROR_WORKING_DIRECTORY:
    case OSH_BOX_ERROR_TIMED_OUT:
    case OSH_BOX_ERROR_DEAD:
    default:
        return "";
    }
}

void
osh_box_set_error(const struct osh_init_reply *reply, GError **error)
{
    g_autofree char *subject = NULL;
    char path[sizeof reply->path];

    memcpy(path, reply->path, sizeof path);
    path[sizeof path - 1] = '\0';
    if (path[0] != '\0') {
        g_autofree char *escaped = g_strescape(path, NULL);

        subject = g_strconcat(" ", escaped, NULL);
    } else if (is_numbered(reply->stage)) {
        subject = g_strdup_printf(" %u", reply->detail);
    }
    g_set_error(error, OSH_BOX_ERROR, classify(reply), "%s%s failed: %s%s", describe(reply->stage),
                subject != NULL ? subject : "", g_strerror(reply->error), remedy(reply));
}
