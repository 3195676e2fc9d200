/* SPDX-License-Identifier: Apache-2.0 */
/* A process launcher without a box: it runs the command as it is. For tests of the host only.
 * [main]; must never do anything else. */
#include <openshell/ext/process-launcher.h>
#include <openshell/plugin.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=mock-launcher\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Misbehaves for a test\n"
                    "license=Apache-2.0\n"
                    "provides=openshell.process-launcher/1\n");

typedef struct {
    OshBoxInfo info;
    OshExitFunc exited;
    gpointer data;
} Mock;

static const char *const nothing[] = {NULL};

static gboolean
mock_create(const OshHost *host, Mock **ret_self, GError **error)
{
    Mock *mock = g_new0(Mock, 1);

    (void)host;
    (void)error;
    mock->info = (OshBoxInfo){.struct_size = sizeof(OshBoxInfo),
                              .id = 1,
                              .init_pid = getpid(),
                              .init_pidfd = -1,
                              .uid = getuid(),
                              .gid = getgid(),
                              .level = "no box at all",
                              .degraded = nothing,
                              .notes = nothing};
    *ret_self = mock;
    return TRUE;
}

static OshBox *
mock_box_open(gpointer instance, const OshBoxRequest *request, OshBoxLostFunc lost, gpointer data,
              GError **error)
{
    (void)request;
    (void)lost;
    (void)data;
    (void)error;
    return instance;
}

static OshBox *
mock_box_get(gpointer instance)
{
    return instance;
}

static const OshBoxInfo *
mock_box_info(gpointer instance, OshBox *box)
{
    Mock *mock = instance;

    (void)box;
    return &mock->info;
}

static gboolean
mock_seal(gpointer instance, OshBox *box, const OshContributions *contributions, GError **error)
{
    (void)instance;
    (void)box;
    (void)contributions;
    (void)error;
    return TRUE;
}

static void
mock_ended(GPid pid, gint status, gpointer data)
{
    Mock *mock = data;

    (void)pid;
    mock->exited(1, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0, mock->data);
}

static void
mock_launch(gpointer instance, OshBox *box, const OshLaunchSpec *spec, OshLaunchFunc launched,
            OshExitFunc exited, gpointer data)
{
    Mock *mock = instance;
    OshProcess process = {.struct_size = sizeof(OshProcess), .id = 1, .pidfd = -1};
    pid_t pid = 0;

    (void)box;
    mock->exited = exited;
    mock->data = data;
    if (posix_spawnp(&pid, spec->argv[0], NULL, NULL, (char *const *)spec->argv, environ) != 0) {
        g_autoptr(GError) error =
            g_error_new(OSH_ERROR, OSH_ERROR_NOT_FOUND, "cannot run %s", spec->argv[0]);

        launched(NULL, error, data);
        return;
    }
    process.pid = pid;
    launched(&process, NULL, data);
    g_child_watch_add(pid, mock_ended, mock);
}

static const OshProcessLauncherInterface mock_vtable = {
    .struct_size = sizeof(OshProcessLauncherInterface),
    .box_open = mock_box_open,
    .box_get = mock_box_get,
    .box_info = mock_box_info,
    .seal = mock_seal,
    .launch = mock_launch,
};

static gboolean
mock_get_interface(Mock *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_PROCESS_LAUNCHER))
        return FALSE;
    *ret_interface = (OshInterface){"mock-launcher", &mock_vtable, self};
    return TRUE;
}

static void
mock_destroy(Mock *self)
{
    g_free(self);
}

OSH_PLUGIN_DEFINE(Mock, .create = mock_create, .destroy = mock_destroy,
                  .get_interface = mock_get_interface)
