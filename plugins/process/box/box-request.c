/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-request.c: from the structs of box.h to the plans that init reads. [main]; no state. It
 * checks what can be checked without the box, so that the message names the caller's mistake rather
 * than init's refusal.
 */
#include "box-request.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "box-plan.h"

#define OSH_DEFAULT_SEARCH_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

static void
fill_netlink(OshBoxPlanWriter *writer, const OshBoxNetlink *from, struct osh_init_netlink *to)
{
    to->protocol = from->protocol;
    to->acks = from->acks;
    to->bytes = osh_box_plan_bytes(writer, from->bytes, from->size);
}

static struct osh_init_table
write_netlinks(OshBoxPlanWriter *writer, const OshBoxNetlink *netlinks, gsize count)
{
    g_autofree struct osh_init_netlink *table = g_new0(struct osh_init_netlink, count);

    for (gsize i = 0; i < count; i++)
        fill_netlink(writer, &netlinks[i], &table[i]);
    return osh_box_plan_table(writer, table, sizeof *table, count);
}

static struct osh_init_table
write_sockets(OshBoxPlanWriter *writer, const OshBoxSocket *sockets, gsize count)
{
    g_autofree struct osh_init_socket *table = g_new0(struct osh_init_socket, count);

    for (gsize i = 0; i < count; i++) {
        table[i].kind = sockets[i].kind;
        table[i].family = sockets[i].family;
        memcpy(table[i].address, sockets[i].address, sizeof table[i].address);
        table[i].port = sockets[i].port;
        table[i].backlog = sockets[i].backlog;
        table[i].transparent = sockets[i].transparent != FALSE;
        table[i].packet_info = sockets[i].packet_info != FALSE;
        fill_netlink(writer, &sockets[i].netlink, &table[i].netlink);
    }
    return osh_box_plan_table(writer, table, sizeof *table, count);
}

static struct osh_init_table
write_mounts(OshBoxPlanWriter *writer, const OshMountPlan *mounts)
{
    g_autofree struct osh_init_mount *table = g_new0(struct osh_init_mount, mounts->steps->len);

    for (guint i = 0; i < mounts->steps->len; i++) {
        const OshMountStep *step = g_ptr_array_index(mounts->steps, i);

        table[i].kind = step->kind;
        table[i].flags = step->flags;
        table[i].mode = step->mode;
        table[i].source = osh_box_plan_string(writer, step->source);
        table[i].target = osh_box_plan_string(writer, step->target);
    }
    return osh_box_plan_table(writer, table, sizeof *table, mounts->steps->len);
}

static gboolean
check_open(const OshBoxPlan *plan, GError **error)
{
    if (plan->socket_count > OSH_INIT_MAX_SOCKETS) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "%zu sockets were asked for in the box, %u are the limit", plan->socket_count,
                    OSH_INIT_MAX_SOCKETS);
        return FALSE;
    }
    if (geteuid() != 0 && (plan->uid != geteuid() || plan->gid != getegid())) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "only root can run a box as another user (%u:%u was asked for)", plan->uid,
                    plan->gid);
        return FALSE;
    }
    if (plan->uid == 0 || plan->gid == 0) {
        g_set_error_literal(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                            "a box cannot run as root or with root's group");
        return FALSE;
    }
    return TRUE;
}

int
osh_box_write_open(const OshBoxPlan *plan, GError **error)
{
    g_auto(OshBoxPlanWriter) writer = {0};
    struct osh_init_open_plan open = {.uid = plan->uid, .gid = plan->gid};

    if (!check_open(plan, error))
        return -1;
    if (plan->mounts->root_is_host)
        open.flags |= OSH_INIT_OPEN_ROOT_IS_HOST;
    if (plan->mounts->root_read_only)
        open.flags |= OSH_INIT_OPEN_ROOT_READ_ONLY;
    if (plan->host_proc_ok)
        open.flags |= OSH_INIT_OPEN_HOST_PROC_OK;
    osh_box_plan_begin(&writer, sizeof open, 65536);
    if (plan->hostname != NULL)
        open.hostname = osh_box_plan_bytes(&writer, plan->hostname, strlen(plan->hostname));
    open.mounts = write_mounts(&writer, plan->mounts);
    open.netlinks = write_netlinks(&writer, plan->netlinks, plan->netlink_count);
    open.sockets = write_sockets(&writer, plan->sockets, plan->socket_count);
    return osh_box_plan_finish(&writer, &open.plan, sizeof open, OSH_INIT_OPEN, error);
}

int
osh_box_write_seal(const OshBoxSeal *seal, uid_t uid, gid_t gid, GError **error)
{
    g_auto(OshBoxPlanWriter) writer = {0};
    g_autofree struct osh_init_file *files = g_new0(struct osh_init_file, seal->file_count);
    g_autofree struct osh_init_path_rule *paths =
        g_new0(struct osh_init_path_rule, seal->path_rule_count);
    struct osh_init_seal_plan plan = {.handled_fs = seal->handled_fs,
                                      .scoped = seal->scoped,
                                      .restrict_flags = seal->restrict_flags,
                                      .uid = uid,
                                      .gid = gid};
    gsize expected = 16384;

    for (gsize i = 0; i < seal->file_count; i++)
        expected += seal->files[i].size;
    osh_box_plan_begin(&writer, sizeof plan, expected);
    for (gsize i = 0; i < seal->file_count; i++) {
        files[i].path = osh_box_plan_string(&writer, seal->files[i].path);
        files[i].mode = seal->files[i].mode;
        files[i].bytes = osh_box_plan_bytes(&writer, seal->files[i].bytes, seal->files[i].size);
    }
    for (gsize i = 0; i < seal->path_rule_count; i++) {
        paths[i].path = osh_box_plan_string(&writer, seal->path_rules[i].path);
        paths[i].rights = seal->path_rules[i].rights;
        paths[i].optional = seal->path_rules[i].optional != FALSE;
    }
    plan.files = osh_box_plan_table(&writer, files, sizeof *files, seal->file_count);
    plan.netlinks = write_netlinks(&writer, seal->netlinks, seal->netlink_count);
    plan.path_rules = osh_box_plan_table(&writer, paths, sizeof *paths, seal->path_rule_count);
    if (seal->connect_filter != NULL)
        plan.connect_filter =
            osh_box_plan_bytes(&writer, g_bytes_get_data(seal->connect_filter, NULL),
                               g_bytes_get_size(seal->connect_filter));
    return osh_box_plan_finish(&writer, &plan.plan, sizeof plan, OSH_INIT_SEAL, error);
}

int
osh_box_new_reports(GError **error)
{
    int fd = memfd_create("openshell-reports", MFD_CLOEXEC);

    if (fd < 0)
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED,
                    "cannot make a memory file for reports: %s", g_strerror(errno));
    return fd;
}

gboolean
osh_box_read_reports(int fd, const OshBoxSeal *seal, GError **error)
{
    gsize size = seal->path_rule_count * sizeof(struct osh_init_rule_report);
    g_autofree struct osh_init_rule_report *reports =
        g_new0(struct osh_init_rule_report, seal->path_rule_count);
    gboolean complete;

    /* Without a ruleset there is nothing to report. */
    if (seal->handled_fs == 0 && seal->scoped == 0)
        return TRUE;
    complete = pread(fd, reports, size, 0) == (gssize)size;
    for (gsize i = 0; complete && i < seal->path_rule_count; i++) {
        complete = reports[i].done == 1;
        if (seal->path_reports != NULL)
            seal->path_reports[i] =
                (OshBoxRuleReport){reports[i].rights, reports[i].error, reports[i].is_folder != 0};
    }
    if (!complete)
        g_set_error_literal(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED,
                            "the init of the box did not account for every Landlock rule");
    return complete;
}

static gboolean
check_launch(const OshBoxLaunch *launch, GError **error)
{
    if (launch->argv == NULL || launch->argv[0] == NULL || launch->argv[0][0] == '\0') {
        g_set_error_literal(error, OSH_BOX_ERROR, OSH_BOX_ERROR_NOT_FOUND,
                            "no program was named to run in the box");
        return FALSE;
    }
    if (launch->filter_count > OSH_INIT_MAX_FILTERS || launch->group_count > OSH_INIT_MAX_GROUPS) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "%zu filters and %zu groups were asked for, %u and %u are the limits",
                    launch->filter_count, launch->group_count, OSH_INIT_MAX_FILTERS,
                    OSH_INIT_MAX_GROUPS);
        return FALSE;
    }
    if (launch->group_count > 0 && geteuid() != 0) {
        g_set_error_literal(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                            "only root can give a program supplementary groups");
        return FALSE;
    }
    return TRUE;
}

static struct osh_init_table
write_limits(OshBoxPlanWriter *writer, const OshBoxLimit *limits, gsize count)
{
    g_autofree struct osh_init_limit *table = g_new0(struct osh_init_limit, count);

    for (gsize i = 0; i < count; i++) {
        table[i].resource = limits[i].resource;
        table[i].soft = limits[i].soft;
        table[i].hard = limits[i].hard;
    }
    return osh_box_plan_table(writer, table, sizeof *table, count);
}

static struct osh_init_table
write_filters(OshBoxPlanWriter *writer, const OshBoxFilter *filters, gsize count)
{
    g_autofree struct osh_init_span *table = g_new0(struct osh_init_span, count);

    for (gsize i = 0; i < count; i++)
        table[i] = osh_box_plan_bytes(writer, filters[i].instructions, filters[i].size);
    return osh_box_plan_table(writer, table, sizeof *table, count);
}

static gboolean
choose_stdio(const OshBoxLaunch *launch, struct osh_init_launch_plan *plan, int *fds,
             guint *ret_fd_count, GError **error)
{
    guint fd_count = 0;

    for (gsize i = 0; i < 3; i++) {
        int wanted = launch->stdio[i];

        if (wanted == OSH_BOX_STDIO_NULL ||
            (wanted == OSH_BOX_STDIO_TERMINAL && launch->terminal)) {
            plan->stdio[i] =
                wanted == OSH_BOX_STDIO_NULL ? OSH_INIT_STDIO_NULL : OSH_INIT_STDIO_TERMINAL;
        } else if (wanted >= 0) {
            plan->stdio[i] = (int)fd_count;
            fds[fd_count++] = wanted;
        } else {
            g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                        "descriptor %zu of the program is %d, which is neither a descriptor nor "
                        "a terminal of the box",
                        i, wanted);
            return FALSE;
        }
    }
    *ret_fd_count = fd_count;
    return TRUE;
}

static void
write_modes(const struct termios *from, struct osh_init_modes *to)
{
    to->input = from->c_iflag;
    to->output = from->c_oflag;
    to->control = from->c_cflag;
    to->local = from->c_lflag;
    to->line = from->c_line;
    memcpy(to->characters, from->c_cc, sizeof to->characters);
}

int
osh_box_write_launch(const OshBoxLaunch *launch, int *fds, guint *ret_fd_count, GError **error)
{
    g_auto(OshBoxPlanWriter) writer = {0};
    struct osh_init_launch_plan plan = {
        .uid = launch->uid, .gid = launch->gid, .rows = launch->rows, .columns = launch->columns};

    if (!check_launch(launch, error) || !choose_stdio(launch, &plan, fds, ret_fd_count, error))
        return -1;
    if (geteuid() == 0)
        plan.flags |= OSH_INIT_LAUNCH_SWITCH_USER;
    if (launch->terminal)
        plan.flags |= OSH_INIT_LAUNCH_TERMINAL;
    if (launch->stopped != NULL)
        plan.flags |= OSH_INIT_LAUNCH_JOB;
    if (launch->background)
        plan.flags |= OSH_INIT_LAUNCH_BACKGROUND;
    if (launch->terminal && launch->modes != NULL) {
        plan.flags |= OSH_INIT_LAUNCH_MODES;
        write_modes(launch->modes, &plan.modes);
    }
    osh_box_plan_begin(&writer, sizeof plan, 16384);
    plan.program = osh_box_plan_string(&writer, launch->argv[0]);
    plan.search_path = osh_box_plan_string(
        &writer, launch->search_path != NULL ? launch->search_path : OSH_DEFAULT_SEARCH_PATH);
    plan.cwd = osh_box_plan_string(&writer, launch->cwd);
    plan.arguments = osh_box_plan_strings(&writer, launch->argv);
    plan.environment = osh_box_plan_strings(&writer, launch->environment);
    plan.groups =
        osh_box_plan_table(&writer, launch->groups, sizeof *launch->groups, launch->group_count);
    plan.limits = write_limits(&writer, launch->limits, launch->limit_count);
    plan.filters = write_filters(&writer, launch->filters, launch->filter_count);
    return osh_box_plan_finish(&writer, &plan.plan, sizeof plan, OSH_INIT_LAUNCH, error);
}
