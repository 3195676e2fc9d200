/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-open.c: from a request of the ABI to an open box, and the words for what was achieved.
 *
 * [main], before the process has a second thread. It must never go on with less than was asked for
 * unless the request names what may be missing.
 */
#include "process-plugin.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hidden-folder.h"
#include "image-user.h"
#include "landlock-probe.h"
#include "osh-access.h"
#include "own-names.h"
#include "prepare-paths.h"
#include "program-streams.h"
#include "seccomp-filter.h"
#include "tree-error.h"
#include "writable-note.h"

#define MAX_PLANS 20

gboolean
osh_process_may_lack(const OshBoxRequest *request, const char *name)
{
    return request->allow_degraded != NULL && g_strv_contains(request->allow_degraded, name);
}

void
osh_process_propagate(GError **error, GError *cause)
{
    OshError code = OSH_ERROR_FAILED;

    if (g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_NOT_FOUND))
        code = OSH_ERROR_NOT_FOUND;
    else if (g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_NOT_EXECUTABLE))
        code = OSH_ERROR_NOT_EXECUTABLE;
    else if (g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_NO_NAMESPACES))
        code = OSH_ERROR_UNSUPPORTED;
    else if (g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_TIMED_OUT))
        code = OSH_ERROR_TIMEOUT;
    else if (cause->domain == OSH_ERROR)
        code = (OshError)cause->code;
    g_set_error_literal(error, OSH_ERROR, (gint)code, cause->message);
    g_error_free(cause);
}

static gboolean
resolve_identity(OshBox *box, const OshBoxRequest *request, GError **error)
{
    g_auto(GStrv) environment = g_get_environ();
    OshImageUserRequest image = {
        .environment = (const char *const *)environment,
        .run_as_user = request->policy->run_as_user,
        .run_as_group = request->policy->run_as_group,
    };
    g_auto(OshImageUser) driver = {0};
    OshIdentityRequest wanted = {
        .groups = (const char *const *)box->plugin->groups,
        .default_account = box->plugin->default_user,
        .uid = geteuid(),
        .gid = getegid(),
        .keep_own = osh_process_may_lack(request, "user"),
    };

    if (!osh_image_user_resolve(&image, &driver, error))
        return FALSE;
    wanted.run_as_user = driver.user != NULL ? driver.user : image.run_as_user;
    wanted.run_as_group = driver.group != NULL ? driver.group : image.run_as_group;
    /* Groups of the configuration go before those of an image; only root can give either. */
    if (driver.groups != NULL && wanted.groups[0] == NULL && geteuid() == 0)
        wanted.groups = (const char *const *)driver.groups;
    box->identity = osh_identity_resolve(&wanted, error);
    return box->identity != NULL;
}

static void
note_list(GPtrArray *lines, const char *what, const GPtrArray *paths)
{
    GString *line;

    if (paths->len == 0)
        return;
    line = g_string_new(what);
    for (guint i = 0; i < MIN(paths->len, 8); i++)
        if (g_ptr_array_index(paths, i) != NULL)
            g_string_append_printf(line, "%s%s", i > 0 ? ", " : " ",
                                   (const char *)g_ptr_array_index(paths, i));
    if (paths->len > 8)
        g_string_append_printf(line, " and %u more", paths->len - 8);
    g_ptr_array_add(lines, g_string_free(line, FALSE));
}

static gboolean
plan_mounts(OshBox *box, const OshBoxRequest *request, GError **error)
{
    OshMountRequest wanted = {
        .read_only = request->policy->read_only,
        .read_write = request->policy->read_write,
        .workdir = request->workdir,
        .include_workdir = request->policy->include_workdir,
        .hard_requirement = request->policy->hard_requirement,
        .protect = request->protected_paths,
        .uid = box->identity->uid,
        .auto_executed_writable = (const char *const *)box->plugin->auto_executed_writable,
        .baseline = request->network && box->plugin->baseline,
    };
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *hidden = NULL;

    if (!osh_hidden_folder_parse(g_getenv(OSH_HIDDEN_FOLDER_VARIABLE), &hidden, error) ||
        !osh_prepare_paths(request->policy->read_write, box->identity->uid, box->identity->gid,
                           made, error))
        return FALSE;
    note_list(box->notes, "made, because the policy makes it writable:", made);
    wanted.hidden = hidden;
    g_clear_pointer(&box->mounts, osh_mount_plan_free);
    g_clear_pointer(&box->placeholders, osh_placeholders_free);
    wanted.placeholders = box->placeholders = osh_placeholders_new();
    box->mounts = osh_mount_plan_new(&wanted, error);
    return box->mounts != NULL;
}

static gboolean
has_changed(const GError *cause)
{
    return g_error_matches(cause, OSH_TREE_ERROR, OSH_TREE_ERROR_CHANGED) ||
           g_error_matches(cause, OSH_BOX_ERROR, OSH_BOX_ERROR_CHANGED);
}

/*
 * What the plan protects may be gone when init mounts it, as in a tree that other programs change.
 * To leave it out would be weaker than asked if it comes back, so the tree is looked at again.
 */
static gboolean
open_planned(OshBox *box, const OshBoxRequest *request, GError **error)
{
    for (guint n = 1;; n++) {
        g_autoptr(GError) cause = NULL;

        if (plan_mounts(box, request, &cause) &&
            osh_process_open_with_network(box, request, &cause))
            return TRUE;
        if (n == MAX_PLANS || !has_changed(cause)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return FALSE;
        }
    }
}

/* @reason: (transfer full) */
static void
start_in_root(OshBox *box, char *reason)
{
    g_ptr_array_add(box->warnings, g_strconcat("the program starts in /, since ", reason, NULL));
    g_free(reason);
    g_free(box->workdir);
    box->workdir = g_strdup("/");
}

static gboolean
check_workdir(OshBox *box, const OshBoxRequest *request, GError **error)
{
    const OshAccessUser user = {box->identity->uid, box->identity->gid, box->identity->groups,
                                box->identity->n_groups};
    gboolean required =
        osh_has_member(request, OshBoxRequest, workdir_required) && request->workdir_required;

    if (box->workdir == NULL)
        return TRUE;
    if (osh_mount_plan_is_own(box->workdir)) {
        g_ptr_array_add(box->warnings,
                        g_strdup_printf("the working directory %s is the box's own: it starts "
                                        "empty, and what is written there is gone at the end",
                                        box->workdir));
        return TRUE;
    }
    if (osh_mount_plan_has(box->mounts, box->workdir)) {
        /* One that was asked for and cannot be entered fails the start of the program. */
        if (!required && !osh_access_may_enter(box->workdir, &user))
            start_in_root(box, g_strdup_printf("it runs as uid %u, which may not enter the working "
                                               "directory %s: start in a folder of an ordinary "
                                               "user",
                                               user.uid, box->workdir));
        return TRUE;
    }
    if (required) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND,
                    "the working directory %s exists, but the policy does not show it in the box: "
                    "add it to filesystem_policy.read_write or read_only, or set include_workdir: "
                    "true",
                    box->workdir);
        return FALSE;
    }
    start_in_root(
        box, g_strdup_printf("the policy does not show the working directory %s", box->workdir));
    return TRUE;
}

/* No policy names this folder: it is where the host happened to be started. */
static void
warn_of_workdir(OshBox *box, const OshBoxRequest *request)
{
    const OshPolicyStatic *policy = request->policy;
    const OshAutoExecutedRow *row = NULL;

    if (policy->include_workdir && request->workdir != NULL &&
        (policy->read_write == NULL || !g_strv_contains(policy->read_write, request->workdir)))
        row = osh_auto_executed_around(request->workdir);
    if (row != NULL)
        g_ptr_array_add(box->warnings,
                        g_strdup_printf("the working directory %s is writable, and auto-executed "
                                        "files can be made in it (%s): start in another folder",
                                        request->workdir, row->reason));
}

static gboolean
find_landlock(OshBox *box, const OshBoxRequest *request, GError **error)
{
    OshLandlockState state = osh_landlock_probe(&box->landlock_abi);

    box->landlock_required = request->policy->hard_requirement;
    if (box->landlock_abi > 0)
        return TRUE;
    if (!request->policy->hard_requirement && osh_process_may_lack(request, "landlock")) {
        g_ptr_array_add(box->degraded, g_strdup("landlock"));
        return TRUE;
    }
    g_set_error(error, OSH_ERROR, OSH_ERROR_DEGRADED,
                "Landlock cannot be enforced: %s; enable it, or %s",
                osh_landlock_state_reason(state),
                request->policy->hard_requirement
                    ? "use a policy without landlock.compatibility: hard_requirement"
                    : "accept that with --allow-degraded=landlock");
    return FALSE;
}

static gboolean
build_filters(OshBox *box, GError **error)
{
    if (box->main_filter != NULL)
        return TRUE;
    g_clear_pointer(&box->clone3_filter, g_bytes_unref);
    g_clear_pointer(&box->connect_filter, g_bytes_unref);
    box->clone3_filter = osh_seccomp_filter_clone3(error);
    box->connect_filter = box->clone3_filter != NULL ? osh_seccomp_filter_connect(error) : NULL;
    if (box->connect_filter == NULL)
        return FALSE;
    box->main_filter =
        osh_seccomp_filter_main(box->plugin->refuse_internet_sockets ? OSH_SECCOMP_NETWORK_BLOCKED
                                                                     : OSH_SECCOMP_NETWORK_FENCED,
                                (const char *const *)box->plugin->seccomp_allow, error);
    return box->main_filter != NULL;
}

/* An error is reported when the filters are built again, where the start can be refused. */
void
osh_process_build_filters(gpointer data)
{
    build_filters(data, NULL);
}

/* What configuration has opened is weaker, and said as plainly as what the machine lacks. */
void
osh_process_describe_level(OshBox *box)
{
    const OshProcessPlugin *plugin = box->plugin;
    gboolean eased = plugin->seccomp_allow[0] != NULL;
    gboolean lacks = box->degraded->len > 0 && g_ptr_array_index(box->degraded, 0) != NULL;
    GString *level = g_string_new(lacks || eased ? "degraded" : "strict");

    if (box->landlock_abi > 0)
        g_string_append_printf(level, " | landlock %u", box->landlock_abi);
    if (box->landlock_abi > 0 && box->report != NULL)
        g_string_append_printf(level, ", %u rules", box->n_rules);
    if (box->n_skipped > 0)
        g_string_append_printf(level, ", %u left out", box->n_skipped);
    g_string_append(level, " | seccomp");
    for (gsize i = 0; plugin->seccomp_allow[i] != NULL; i++)
        g_string_append_printf(level, "%s%s", i == 0 ? " allowing " : ", ",
                               plugin->seccomp_allow[i]);
    if (plugin->refuse_internet_sockets)
        g_string_append(level, " | no internet sockets");
    if (box->network_served)
        g_string_append_printf(level, " | %s", osh_process_capture_word(box->network->capture));
    if (box->network_served && box->sealed)
        g_string_append(level, plugin->connects != NULL ? " | identity by connect"
                                                        : " | identity by scan");
    if (plugin->published != NULL)
        g_string_append_printf(level, " | published on %s",
                               osh_published_ports_text(plugin->published));
    if (box->identity->has_no_account)
        g_string_append_printf(level, " | user %u", box->identity->uid);
    else
        g_string_append_printf(level, " | user %s", box->identity->user);
    g_free(box->level);
    box->level = g_string_free(level, FALSE);
    box->info.level = box->level;
}

/* What is near stands first, since the line names a few; the host's own files come before. */
static void
note_protected(OshBox *box)
{
    const OshProtectFindings *found = box->mounts->auto_executed;
    g_autoptr(GHashTable) all = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) paths = g_ptr_array_new();

    for (guint i = 0; i < box->mounts->protected->len; i++) {
        const char *path = g_ptr_array_index(box->mounts->protected, i);

        g_hash_table_add(all, (gpointer)path);
        if (!g_hash_table_contains(found->by_path, path))
            g_ptr_array_add(paths, (gpointer)path);
    }
    for (guint i = 0; i < found->files->len; i++) {
        const OshProtectedFile *file = g_ptr_array_index(found->files, i);

        if (g_hash_table_contains(all, file->path))
            g_ptr_array_add(paths, file->path);
    }
    note_list(box->notes, "read-only inside a writable tree:", paths);
}

static void
note_auto_executed(OshBox *box)
{
    const OshProtectFindings *found = box->mounts->auto_executed;
    g_autofree char *unsearched = osh_protect_findings_unsearched(found);

    for (guint i = 0; i < found->remarks->len; i++)
        g_ptr_array_add(box->warnings, g_strdup(g_ptr_array_index(found->remarks, i)));
    if (found->beyond > 0)
        g_ptr_array_add(
            box->warnings,
            g_strdup_printf(
                "writable, because there are too many to protect: %u more auto-executed files",
                found->beyond));
    /* That packages are not searched through is no news. */
    if (unsearched != NULL)
        g_ptr_array_add(found->unsearched > 0 ? box->warnings : box->notes,
                        g_strdup_printf("not searched for auto-executed files: %s", unsearched));
}

/* Policies name the folders of several distributions; only another name may be a mistake. */
static void
note_missing(OshBox *box)
{
    static const char *const usual[] = {"/app",   "/bin",       "/home",    "/lib",     "/lib32",
                                        "/lib64", "/libx32",    "/opt",     "/sandbox", "/sbin",
                                        "/snap",  "/usr/local", "/var/log", NULL};
    g_autoptr(GPtrArray) expected = g_ptr_array_new();
    g_autoptr(GPtrArray) others = g_ptr_array_new();

    for (guint i = 0; i < box->mounts->missing->len; i++) {
        char *path = g_ptr_array_index(box->mounts->missing, i);

        g_ptr_array_add(g_strv_contains(usual, path) ? expected : others, path);
    }
    note_list(box->notes, "the policy names paths that do not exist:", expected);
    note_list(box->warnings, "the policy names paths that do not exist:", others);
}

static void
describe(OshBox *box)
{
    guint32 lacks = osh_box_degraded(box->handle);

    if (lacks & OSH_INIT_DEGRADED_HOST_PROC)
        g_ptr_array_add(box->degraded, g_strdup("proc"));
    /* An ordinary user's identity has a note only when the policy named another user. */
    if (box->identity->note != NULL && geteuid() != 0)
        g_ptr_array_add(box->degraded, g_strdup("user"));
    if (box->identity->note != NULL)
        g_ptr_array_add(geteuid() != 0 ? box->warnings : box->notes, g_strdup(box->identity->note));
    note_missing(box);
    osh_writable_notes_add(box->mounts, box->outer_workdir, box->identity, box->warnings);
    note_list(box->notes, "readable beside what the policy names:", box->mounts->baseline);
    note_protected(box);
    note_list(box->notes, "cannot be created inside a writable tree:", box->mounts->placeholders);
    note_auto_executed(box);
    osh_process_describe_level(box);
    g_ptr_array_add(box->degraded, NULL);
    g_ptr_array_add(box->notes, NULL);
    g_ptr_array_add(box->warnings, NULL);
}

static void
take_diag_sockets(OshBox *box)
{
    gsize n = 0;

    for (gsize i = 0; i < OSH_NETWORK_N_SOCK_DIAG; i++)
        box->diag_sockets[i] = -1;
    for (gsize i = 0; i < box->network->n_sockets; i++)
        if (box->network->roles[i] >= OSH_NETWORK_SOCKET_SOCK_DIAG && n < OSH_NETWORK_N_SOCK_DIAG)
            box->diag_sockets[n++] = osh_box_take_socket(box->handle, i);
}

/* The host sets no such limit: the configuration decides whether a cgroup must. */
static gboolean
check_pid_limit(OshBox *box, GError **error)
{
    box->pid_limit = osh_pid_limit_read(&box->max_pids);
    return osh_pid_limit_check(box->pid_limit, box->plugin->require_pid_limit, error);
}

static void
add_paths(GPtrArray *all, const GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++)
        if (g_ptr_array_index(paths, i) != NULL)
            g_ptr_array_add(all, g_ptr_array_index(paths, i));
}

/* Made while there is one thread: the umask that protects the new socket is the process's. */
static gboolean
open_session(OshBox *box, GError **error)
{
    g_autoptr(GPtrArray) visible = g_ptr_array_new();

    if (box->plugin->session == NULL || box->plugin->session[0] == '\0')
        return TRUE;
    add_paths(visible, box->mounts->read_only);
    add_paths(visible, box->mounts->read_write);
    g_ptr_array_add(visible, NULL);
    box->session =
        osh_session_new(box->plugin->session, (const char *const *)visible->pdata, error);
    return box->session != NULL;
}

static gboolean
box_make(OshBox *box, const OshBoxRequest *request, GError **error)
{
    if (!check_pid_limit(box, error) || !resolve_identity(box, request, error) ||
        !find_landlock(box, request, error) || !open_planned(box, request, error) ||
        !build_filters(box, error))
        return FALSE;
    if (!check_workdir(box, request, error) || !open_session(box, error))
        return FALSE;
    warn_of_workdir(box, request);
    take_diag_sockets(box);
    /* Init is not dumpable, as a program of the box may be: what can be read of it can of them. */
    box->can_notify = box->network_served && !g_str_equal(box->plugin->connect_identity, "scan") &&
                      osh_connect_watch_can_read(osh_box_init_pidfd(box->handle));
    if (!osh_seccomp_give_up(error))
        return FALSE;
    describe(box);
    box->info = (OshBoxInfo){
        .struct_size = sizeof(OshBoxInfo),
        .id = 1,
        .init_pid = osh_box_init_pid(box->handle),
        .init_pidfd = (int)syscall(SYS_pidfd_open, osh_box_init_pid(box->handle), 0),
        .uid = box->identity->uid,
        .gid = box->identity->gid,
        .level = box->level,
        .degraded = (const char *const *)box->degraded->pdata,
        .notes = (const char *const *)box->notes->pdata,
        .warnings = (const char *const *)box->warnings->pdata,
        .hostname = OSH_BOX_HOSTNAME,
    };
    return TRUE;
}

static void
announce(OshBox *box)
{
    const OshEventBoxOpened opened = {
        .box = box->info.id,
        .level = box->info.level,
        .init_pid = (guint32)box->info.init_pid,
        .degraded = box->info.degraded,
        .seccomp_allowed = (const char *const *)box->plugin->seccomp_allow,
    };

    osh_process_publish(box, box->plugin->box_opened, osh_event_box_opened_pack(&opened));
}

/* Nothing of the policy's text is in it but what the error line says as well. */
static void
announce_refusal(OshBox *box, const GError *cause)
{
    const OshEventProcessRefused refused = {.kind = "box", .stage = "open", .text = cause->message};

    osh_process_publish(box, box->plugin->process_refused,
                        osh_event_process_refused_pack(&refused));
}

OshBox *
osh_process_box_open(OshProcessPlugin *plugin, const OshBoxRequest *request, OshBoxLostFunc lost,
                     gpointer data, GError **error)
{
    OshBox *box;
    GError *cause = NULL;

    if (plugin->box_was_opened) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_BUSY, "this run has its box already");
        return NULL;
    }
    if (!osh_process_check_degraded(request->allow_degraded, error))
        return NULL;
    box = g_new0(OshBox, 1);
    box->plugin = plugin;
    box->degraded = g_ptr_array_new_with_free_func(g_free);
    box->notes = g_ptr_array_new_with_free_func(g_free);
    box->warnings = g_ptr_array_new_with_free_func(g_free);
    box->workdir = g_strdup(request->workdir);
    box->outer_workdir = g_strdup(request->workdir);
    box->network_served = request->network;
    box->programs = osh_process_programs_new();
    box->kept_streams = g_ptr_array_new_with_free_func((GDestroyNotify)osh_program_streams_free);
    box->contributions = g_array_new(FALSE, FALSE, sizeof(OshEnvironmentVariable));
    box->lost = lost;
    box->lost_data = data;
    if (!box_make(box, request, &cause)) {
        announce_refusal(box, cause);
        osh_process_box_free(box);
        osh_process_propagate(error, cause);
        return NULL;
    }
    plugin->box = box;
    plugin->box_was_opened = TRUE;
    announce(box);
    return box;
}

void
osh_process_box_free(OshBox *box)
{
    if (box == NULL)
        return;
    osh_box_free(box->handle);
    if (box->info.struct_size != 0 && box->info.init_pidfd >= 0)
        close(box->info.init_pidfd);
    g_clear_pointer(&box->programs, g_hash_table_unref);
    g_clear_pointer(&box->kept_streams, g_ptr_array_unref);
    osh_refusal_watch_free(box->refusals);
    osh_session_free(box->session);
    for (gsize i = 0; box->network != NULL && i < OSH_NETWORK_N_SOCK_DIAG; i++)
        if (box->diag_sockets[i] >= 0)
            close(box->diag_sockets[i]);
    for (guint i = 0; i < box->contributions->len; i++) {
        OshEnvironmentVariable *variable =
            &g_array_index(box->contributions, OshEnvironmentVariable, i);

        g_free((char *)variable->name);
        g_free((char *)variable->value);
    }
    g_array_unref(box->contributions);
    osh_network_plan_free(box->network);
    osh_mount_plan_free(box->mounts);
    osh_placeholders_free(box->placeholders);
    osh_identity_free(box->identity);
    g_clear_pointer(&box->connect_filter, g_bytes_unref);
    g_clear_pointer(&box->clone3_filter, g_bytes_unref);
    g_clear_pointer(&box->main_filter, g_bytes_unref);
    g_clear_pointer(&box->report, g_variant_unref);
    g_ptr_array_unref(box->degraded);
    g_ptr_array_unref(box->notes);
    g_ptr_array_unref(box->warnings);
    g_free(box->level);
    g_free(box->workdir);
    g_free(box->outer_workdir);
    g_free(box);
}
