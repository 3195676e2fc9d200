/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/process-launcher.h: "openshell.process-launcher/1", the box and the programs in it.
 *
 * One provider at most. The host calls box_open() once, before any thread exists; then every
 * plugin starts; then contributions are gathered and seal() closes the box's shape; only then
 * does launch() work, for the entrypoint and for anything that runs beside it with the same
 * protections.
 */
#pragma once

#include <sys/types.h>

#include "openshell/ext/policy.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_PROCESS_LAUNCHER "openshell.process-launcher/1"

/** OshBox: a box; belongs to the launcher, for the life of the run. */
typedef struct _OshBox OshBox;

/**
 * OshBoxRequest:
 * @struct_size: sizeof(OshBoxRequest) of the caller
 * @policy: what the box is made from; borrowed for the call
 * @workdir: absolute path of the working directory; borrowed
 * @network: make the sandbox network with listeners; without it the box reaches nothing
 * @allow_degraded: (array zero-terminated=1): names of protections that may be missing;
 *   "landlock", "capture" and so on; a name that the launcher does not know is an error; borrowed
 * @protected_paths: (array zero-terminated=1): files and folders that steer the host (policy,
 *   configuration, plugins, its executable and libraries), resolved: read-only in the box wherever
 *   a writable grant shows them, by whatever path; borrowed
 * @workdir_required: @workdir was asked for, so that a policy which does not show it is an error;
 *   otherwise programs start in "/" then
 */
typedef struct {
    guint32 struct_size;
    const OshPolicyStatic *policy;
    const char *workdir;
    gboolean network;
    const char *const *allow_degraded;
    const char *const *protected_paths;
    gboolean workdir_required;
} OshBoxRequest;

/**
 * OshBoxInfo:
 * @struct_size: sizeof(OshBoxInfo) of the provider
 * @id: of the box; unique in the run
 * @init_pid: outer pid of the box's PID 1
 * @init_pidfd: of the same; borrowed, never closed by others
 * @uid: what its programs run as, in the host's user namespace
 * @gid: likewise
 * @level: what was achieved, in words for the start line: "strict | landlock 7 | tproxy"
 * @degraded: (array zero-terminated=1): names of what is missing; empty when nothing is
 * @notes: (array zero-terminated=1): lines about what the box is, for who asks
 * @report: (nullable): a{sv} with what holds, for host.started: "landlock-abi" u, "landlock-rules"
 *   a(sass) (path, rights granted, why it was left out or ""), "landlock-scoped" b, "landlock-log"
 *   b, "seccomp-allowed" as, "degraded" as. %NULL before seal(). Read it by
 *   osh_box_info_report()
 * @warnings: (nullable) (array zero-terminated=1): lines that the user must see. Read it by
 *   osh_box_info_warnings()
 * @hostname: (nullable): what the box calls itself. Read it by osh_box_info_hostname()
 *
 * Borrowed from the box. Constant from box_open() on, except that seal() sets @report and may say
 * more in @level, @notes and @warnings.
 */
typedef struct {
    guint32 struct_size;
    guint64 id;
    pid_t init_pid;
    int init_pidfd;
    uid_t uid;
    gid_t gid;
    const char *level;
    const char *const *degraded;
    const char *const *notes;
    GVariant *report;
    const char *const *warnings;
    const char *hostname;
} OshBoxInfo;

/** osh_box_info_warnings: Returns: (transfer none) (nullable): #OshBoxInfo.warnings. */
static inline const char *const *
osh_box_info_warnings(const OshBoxInfo *info)
{
    return info != NULL &&
                   info->struct_size >= G_STRUCT_OFFSET(OshBoxInfo, warnings) + sizeof(void *)
               ? info->warnings
               : NULL;
}

/** osh_box_info_hostname: Returns: (transfer none) (nullable): #OshBoxInfo.hostname. */
static inline const char *
osh_box_info_hostname(const OshBoxInfo *info)
{
    return info != NULL &&
                   info->struct_size >= G_STRUCT_OFFSET(OshBoxInfo, hostname) + sizeof(void *)
               ? info->hostname
               : NULL;
}

/** osh_box_info_report: Returns: (transfer none) (nullable): #OshBoxInfo.report. */
static inline GVariant *
osh_box_info_report(const OshBoxInfo *info)
{
    return info != NULL && info->struct_size >= G_STRUCT_OFFSET(OshBoxInfo, report) + sizeof(void *)
               ? info->report
               : NULL;
}

/**
 * OshContributedVariable:
 * @name: environment name; not LD_*
 * @value: its value
 * @provider: who asks for it, for messages
 */
typedef struct {
    const char *name;
    const char *value;
    const char *provider;
} OshContributedVariable;

/**
 * OshContributedFile:
 * @path: absolute path in the box
 * @content: its bytes
 * @length: how many
 * @mode: permission bits; write bits are dropped
 * @provider: who asks for it, for messages
 */
typedef struct {
    const char *path;
    const char *content;
    gsize length;
    guint32 mode;
    const char *provider;
} OshContributedFile;

/**
 * OshContributions:
 * @variables: (array length=n_variables): environment of every launch in the box
 * @files: (array length=n_files): read-only files
 *
 * Gathered by the host from every launch-contributor; conflicts are already refused.
 */
typedef struct {
    const OshContributedVariable *variables;
    gsize n_variables;
    const OshContributedFile *files;
    gsize n_files;
} OshContributions;

/**
 * OshLaunchTerminal:
 * @OSH_LAUNCH_STDIO: the three descriptors given are the program's; where one is a terminal of
 *   the host's own, the program gets a terminal of the box's instead and the provider relays
 * @OSH_LAUNCH_PTY: a new terminal in any case, relayed over the descriptors given
 */
typedef enum {
    OSH_LAUNCH_STDIO = 0,
    OSH_LAUNCH_PTY = 1,
} OshLaunchTerminal;

/**
 * OshLaunchSpec:
 * @struct_size: sizeof(OshLaunchSpec) of the caller
 * @kind: "entrypoint" or "session"
 * @argv: (array zero-terminated=1): the program, looked up in the box's PATH unless it has a
 *   slash, and its arguments
 * @environment: (array zero-terminated=1) (nullable): NAME=VALUE additions to the allow-list
 *   environment; contributions override them
 * @cwd: (nullable): absolute path in the box; NULL is the working directory
 * @stdin_fd: duplicated by the call
 * @stdout_fd: duplicated by the call
 * @stderr_fd: duplicated by the call
 * @terminal: an #OshLaunchTerminal
 * @rows: for %OSH_LAUNCH_PTY, 0 for 24
 * @columns: for %OSH_LAUNCH_PTY, 0 for 80
 *
 * Borrowed for the call.
 */
typedef struct {
    guint32 struct_size;
    const char *kind;
    const char *const *argv;
    const char *const *environment;
    const char *cwd;
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
    guint32 terminal;
    guint16 rows;
    guint16 columns;
} OshLaunchSpec;

/**
 * OshProcess:
 * @struct_size: sizeof(OshProcess) of the provider
 * @id: unique in the run; the key of process.started
 * @pid: outer pid
 * @pidfd: borrowed; valid until its exit was reported
 * @start_time: /proc/PID/stat field 22, clock ticks since boot
 */
typedef struct {
    guint32 struct_size;
    guint64 id;
    pid_t pid;
    int pidfd;
    guint64 start_time;
} OshProcess;

/**
 * OshLaunchFunc:
 * @process: (nullable): the program after a successful exec; borrowed for the call
 * @error: (nullable): why it could not be started: %OSH_ERROR_NOT_FOUND (127),
 *   %OSH_ERROR_NOT_EXECUTABLE (126), anything else is the host's (125); borrowed
 *
 * [main] Exactly one of the two is set.
 */
typedef void (*OshLaunchFunc)(const OshProcess *process, const GError *error, gpointer data);

/**
 * OshExitFunc:
 * @process_id: #OshProcess.id
 * @exit_code: 0..255, or -1 when a signal ended it
 * @signal: the signal, or 0
 *
 * [main] After all output that went through a terminal of the box has been delivered. Called once
 * for each process that was started.
 */
typedef void (*OshExitFunc)(guint64 process_id, gint exit_code, gint signal, gpointer data);

/** OshBoxLostFunc: [main] the box's PID 1 is gone and everything in it with it; @error says why. */
typedef void (*OshBoxLostFunc)(const GError *error, gpointer data);

/**
 * OshProcessLauncherInterface:
 * @struct_size: sizeof(OshProcessLauncherInterface) of the provider
 *
 * Functions are documented at their inlines.
 */
typedef struct {
    guint32 struct_size;
    OshBox *(*box_open)(gpointer instance, const OshBoxRequest *request, OshBoxLostFunc lost,
                        gpointer data, GError **error);
    OshBox *(*box_get)(gpointer instance);
    const OshBoxInfo *(*box_info)(gpointer instance, OshBox *box);
    gboolean (*seal)(gpointer instance, OshBox *box, const OshContributions *contributions,
                     GError **error);
    void (*launch)(gpointer instance, OshBox *box, const OshLaunchSpec *spec,
                   OshLaunchFunc launched, OshExitFunc exited, gpointer data);
    gboolean (*signal)(gpointer instance, OshBox *box, guint64 process_id, int signal_number);
    gboolean (*resize)(gpointer instance, OshBox *box, guint64 process_id, guint16 rows,
                       guint16 columns);
    void (*box_close)(gpointer instance, OshBox *box, gint64 deadline, OshCallback closed,
                      gpointer data);
    GVariant *(*probe)(gpointer instance);
    GVariant *(*probe_rules)(gpointer instance, const OshBoxRequest *request);
    gboolean (*screen_taken)(gpointer instance, OshBox *box);
    void (*note)(gpointer instance, OshBox *box, const char *line);
} OshProcessLauncherInterface;

/**
 * osh_launcher_box_open:
 * @lost: called once if the box ends by itself
 *
 * [main] Makes the namespaces, the network and the box's PID 1; no program yet. Leaves nothing
 * behind when it fails. A second call is %OSH_ERROR_BUSY.
 *
 * Returns: (transfer none) (nullable): the box, owned by the provider until box_close()
 */
static inline OshBox *
osh_launcher_box_open(const OshInterface *launcher, const OshBoxRequest *request,
                      OshBoxLostFunc lost, gpointer data, GError **error)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    if (!osh_can_call(vtable, OshProcessLauncherInterface, box_open)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot open a box",
                    launcher->provider);
        return NULL;
    }
    return vtable->box_open(launcher->instance, request, lost, data, error);
}

/** osh_launcher_box_get: [main] Returns: (transfer none) (nullable): the box that is open. */
static inline OshBox *
osh_launcher_box_get(const OshInterface *launcher)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return osh_can_call(vtable, OshProcessLauncherInterface, box_get)
               ? vtable->box_get(launcher->instance)
               : NULL;
}

/** osh_launcher_box_info: [any] Returns: (transfer none) (nullable): what the box is. */
static inline const OshBoxInfo *
osh_launcher_box_info(const OshInterface *launcher, OshBox *box)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return box != NULL && osh_can_call(vtable, OshProcessLauncherInterface, box_info)
               ? vtable->box_info(launcher->instance, box)
               : NULL;
}

/**
 * osh_launcher_seal:
 *
 * [main] Finishes mounts, contributed files, Landlock; refuses listeners that nobody claimed.
 * Called once, after every plugin is ready.
 */
static inline gboolean
osh_launcher_seal(const OshInterface *launcher, OshBox *box, const OshContributions *contributions,
                  GError **error)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    if (!osh_can_call(vtable, OshProcessLauncherInterface, seal)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot seal a box",
                    launcher->provider);
        return FALSE;
    }
    return vtable->seal(launcher->instance, box, contributions, error);
}

/**
 * osh_launcher_launch:
 * @launched: called once, from the main loop
 * @exited: (nullable): called once after a successful launch
 *
 * [main] Before seal() it fails.
 */
static inline void
osh_launcher_launch(const OshInterface *launcher, OshBox *box, const OshLaunchSpec *spec,
                    OshLaunchFunc launched, OshExitFunc exited, gpointer data)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    if (osh_can_call(vtable, OshProcessLauncherInterface, launch)) {
        vtable->launch(launcher->instance, box, spec, launched, exited, data);
    } else {
        g_autoptr(GError) error =
            g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot launch", launcher->provider);

        launched(NULL, error, data);
    }
}

/**
 * osh_launcher_signal:
 *
 * [main] Sends a signal to the process group of a launched program. Returns: FALSE when it is
 * gone
 */
static inline gboolean
osh_launcher_signal(const OshInterface *launcher, OshBox *box, guint64 process_id,
                    int signal_number)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return osh_can_call(vtable, OshProcessLauncherInterface, signal) &&
           vtable->signal(launcher->instance, box, process_id, signal_number);
}

/** osh_launcher_resize: [main] Sets the window size of a program's terminal. */
static inline gboolean
osh_launcher_resize(const OshInterface *launcher, OshBox *box, guint64 process_id, guint16 rows,
                    guint16 columns)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return osh_can_call(vtable, OshProcessLauncherInterface, resize) &&
           vtable->resize(launcher->instance, box, process_id, rows, columns);
}

/**
 * osh_launcher_box_close:
 * @deadline: g_get_monotonic_time() microseconds; SIGTERM until then, then everything is killed
 * @closed: called once, from the main loop, when no process of the box is left
 *
 * [main] The box must not be used afterwards.
 */
static inline void
osh_launcher_box_close(const OshInterface *launcher, OshBox *box, gint64 deadline,
                       OshCallback closed, gpointer data)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    if (osh_can_call(vtable, OshProcessLauncherInterface, box_close))
        vtable->box_close(launcher->instance, box, deadline, closed, data);
    else
        closed(data);
}

/**
 * osh_launcher_probe:
 *
 * [main] What this machine offers, for `doctor`: an array of (name, "ok", "weak" or "missing",
 * detail, remedy). Works before box_open() and leaves nothing behind.
 *
 * Returns: (transfer full) (nullable): of type a(ssss)
 */
static inline GVariant *
osh_launcher_probe(const OshInterface *launcher)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return osh_can_call(vtable, OshProcessLauncherInterface, probe)
               ? vtable->probe(launcher->instance)
               : NULL;
}

/**
 * osh_launcher_probe_rules:
 * @request: what a run would ask for
 *
 * [main] Opens and seals that box, tells what became of each rule about files, and takes it down
 * again. Called at most once, instead of box_open().
 *
 * Returns: (transfer full) (nullable): rows as of osh_launcher_probe()
 */
static inline GVariant *
osh_launcher_probe_rules(const OshInterface *launcher, const OshBoxRequest *request)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return osh_can_call(vtable, OshProcessLauncherInterface, probe_rules)
               ? vtable->probe_rules(launcher->instance, request)
               : NULL;
}

/**
 * osh_launcher_screen_taken:
 *
 * [main] Returns: whether a program draws on the terminal that it was given, key by key or on the
 *   alternate screen, so that a line of the host's would spoil what it shows
 */
static inline gboolean
osh_launcher_screen_taken(const OshInterface *launcher, OshBox *box)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    return box != NULL && osh_can_call(vtable, OshProcessLauncherInterface, screen_taken) &&
           vtable->screen_taken(launcher->instance, box);
}

/**
 * osh_launcher_note:
 * @line: what the host says of the box, without a newline; borrowed
 *
 * [main] Shows it to those who are attached to the program, now or later.
 */
static inline void
osh_launcher_note(const OshInterface *launcher, OshBox *box, const char *line)
{
    const OshProcessLauncherInterface *vtable =
        (const OshProcessLauncherInterface *)launcher->vtable;

    if (box != NULL && osh_can_call(vtable, OshProcessLauncherInterface, note))
        vtable->note(launcher->instance, box, line);
}

G_END_DECLS
