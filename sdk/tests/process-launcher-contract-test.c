/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process-launcher contract, lived through: a launcher that starts nothing, with the order that
 * the host keeps: open, contributions, seal, launch, exit, close.
 */
#include "openshell/ext/process-launcher.h"

#include "openshell/ext/launch-contributor.h"

struct _OshBox {
    OshBoxInfo info;
    gboolean sealed;
    guint n_variables;
    guint64 running;
    OshExitFunc exited;
    gpointer exited_data;
};

typedef struct {
    OshBox *box;
} Launcher;

static const char *const nothing[] = {NULL};

static OshBox *
mock_box_open(gpointer instance, const OshBoxRequest *request, OshBoxLostFunc lost, gpointer data,
              GError **error)
{
    Launcher *launcher = instance;

    (void)lost;
    (void)data;
    if (launcher->box != NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_BUSY, "there is a box already");
        return NULL;
    }
    launcher->box = g_new0(OshBox, 1);
    launcher->box->info = (OshBoxInfo){.struct_size = sizeof(OshBoxInfo),
                                       .id = 1,
                                       .init_pid = 4711,
                                       .init_pidfd = -1,
                                       .level = request->network ? "mock" : "mock | no network",
                                       .degraded = nothing,
                                       .notes = nothing};
    return launcher->box;
}

static OshBox *
mock_box_get(gpointer instance)
{
    return ((Launcher *)instance)->box;
}

static const OshBoxInfo *
mock_box_info(gpointer instance, OshBox *box)
{
    (void)instance;
    return &box->info;
}

static gboolean
mock_seal(gpointer instance, OshBox *box, const OshContributions *contributions, GError **error)
{
    (void)instance;
    (void)error;
    box->sealed = TRUE;
    box->n_variables = (guint)contributions->n_variables;
    return TRUE;
}

static void
mock_launch(gpointer instance, OshBox *box, const OshLaunchSpec *spec, OshLaunchFunc launched,
            OshExitFunc exited, gpointer data)
{
    OshProcess process = {.struct_size = sizeof(OshProcess), .id = 7, .pid = 4712, .pidfd = -1};
    g_autoptr(GError) error = NULL;

    (void)instance;
    if (!box->sealed)
        error = g_error_new(OSH_ERROR, OSH_ERROR_FAILED, "the box is not sealed");
    else if (!g_str_has_prefix(spec->argv[0], "/bin/"))
        error = g_error_new(OSH_ERROR, OSH_ERROR_NOT_FOUND, "%s: not found", spec->argv[0]);
    if (error != NULL) {
        launched(NULL, error, data);
        return;
    }
    box->running = process.id;
    box->exited = exited;
    box->exited_data = data;
    launched(&process, NULL, data);
}

static gboolean
mock_signal(gpointer instance, OshBox *box, guint64 process_id, int signal_number)
{
    (void)instance;
    if (box->running != process_id)
        return FALSE;
    box->running = 0;
    box->exited(process_id, -1, signal_number, box->exited_data);
    return TRUE;
}

static void
mock_box_close(gpointer instance, OshBox *box, gint64 deadline, OshCallback closed, gpointer data)
{
    Launcher *launcher = instance;

    (void)deadline;
    g_free(box);
    launcher->box = NULL;
    closed(data);
}

static const OshProcessLauncherInterface mock_vtable = {
    .struct_size = sizeof(OshProcessLauncherInterface),
    .box_open = mock_box_open,
    .box_get = mock_box_get,
    .box_info = mock_box_info,
    .seal = mock_seal,
    .launch = mock_launch,
    .signal = mock_signal,
    .box_close = mock_box_close,
};

/* A consumer, and beside it a contributor and the builder that the host would hand it. */
typedef struct {
    guint64 started;
    gint signal;
    gint code;
    gboolean closed;
} Consumer;

static void
consumer_launched(const OshProcess *process, const GError *error, gpointer data)
{
    Consumer *consumer = data;

    g_assert_true((process == NULL) == (error != NULL));
    consumer->started = process != NULL ? process->id : 0;
    consumer->code = error != NULL ? error->code : -1;
}

static void
consumer_exited(guint64 process_id, gint exit_code, gint signal_number, gpointer data)
{
    Consumer *consumer = data;

    g_assert_cmpuint(process_id, ==, consumer->started);
    g_assert_cmpint(exit_code, ==, -1);
    consumer->signal = signal_number;
}

static void
consumer_closed(gpointer data)
{
    ((Consumer *)data)->closed = TRUE;
}

static gboolean
builder_set_variable(gpointer handle, const char *name, const char *value)
{
    GHashTable *variables = handle;

    return !g_str_has_prefix(name, "LD_") &&
           g_hash_table_insert(variables, g_strdup(name), g_strdup(value));
}

static gboolean
proxy_contribute(gpointer instance, const OshBoxInfo *box, const OshContributionBuilder *builder,
                 GError **error)
{
    (void)instance;
    (void)error;
    g_assert_cmpuint(box->id, ==, 1);
    g_assert_true(osh_contribution_set_variable(builder, "HTTP_PROXY", "http://10.200.0.1:3128"));
    g_assert_false(osh_contribution_set_variable(builder, "LD_PRELOAD", "/x.so"));
    g_assert_false(osh_contribution_add_file(builder, "/etc/x", "x", 1, 0444));
    return TRUE;
}

static void
test_box_lives_from_open_to_close(void)
{
    static const OshLaunchContributorInterface contributor_vtable = {
        .struct_size = sizeof(OshLaunchContributorInterface), .contribute = proxy_contribute};
    static const char *const argv_good[] = {"/bin/true", NULL};
    static const char *const argv_bad[] = {"/nowhere", NULL};
    Launcher state = {NULL};
    OshInterface launcher = {"test", &mock_vtable, &state};
    OshInterface contributor = {"proxy", &contributor_vtable, NULL};
    OshBoxRequest request = {.struct_size = sizeof(OshBoxRequest), .workdir = "/"};
    OshLaunchSpec spec = {.struct_size = sizeof(OshLaunchSpec), .argv = argv_good};
    g_autoptr(GHashTable) variables =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    OshContributionBuilder builder = {.struct_size = sizeof(OshContributionBuilder),
                                      .handle = variables,
                                      .set_variable = builder_set_variable};
    OshContributedVariable variable = {"HTTP_PROXY", "http://10.200.0.1:3128", "proxy"};
    OshContributions contributions = {.variables = &variable, .n_variables = 1};
    Consumer consumer = {0};
    g_autoptr(GError) error = NULL;
    OshBox *box = osh_launcher_box_open(&launcher, &request, NULL, NULL, &error);

    g_assert_no_error(error);
    g_assert_true(osh_launcher_box_get(&launcher) == box);
    g_assert_null(osh_launcher_box_open(&launcher, &request, NULL, NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_cmpstr(osh_launcher_box_info(&launcher, box)->level, ==, "mock | no network");

    osh_launcher_launch(&launcher, box, &spec, consumer_launched, consumer_exited, &consumer);
    g_assert_cmpint(consumer.code, ==, OSH_ERROR_FAILED);
    g_assert_true(osh_launch_contributor_contribute(
        &contributor, osh_launcher_box_info(&launcher, box), &builder, &error));
    g_assert_cmpuint(g_hash_table_size(variables), ==, 1);
    g_assert_true(osh_launcher_seal(&launcher, box, &contributions, &error));
    g_assert_cmpuint(box->n_variables, ==, 1);

    spec.argv = argv_bad;
    osh_launcher_launch(&launcher, box, &spec, consumer_launched, consumer_exited, &consumer);
    g_assert_cmpint(consumer.code, ==, OSH_ERROR_NOT_FOUND);
    spec.argv = argv_good;
    osh_launcher_launch(&launcher, box, &spec, consumer_launched, consumer_exited, &consumer);
    g_assert_cmpuint(consumer.started, ==, 7);
    g_assert_true(osh_launcher_signal(&launcher, box, consumer.started, 15));
    g_assert_cmpint(consumer.signal, ==, 15);
    g_assert_false(osh_launcher_signal(&launcher, box, consumer.started, 15));
    osh_launcher_box_close(&launcher, box, 0, consumer_closed, &consumer);
    g_assert_true(consumer.closed);
    g_assert_null(osh_launcher_box_get(&launcher));
}

static void
test_missing_functions_have_their_stated_default(void)
{
    static const OshProcessLauncherInterface small = {.struct_size = sizeof(guint32)};
    static const OshLaunchContributorInterface silent = {.struct_size = sizeof(guint32)};
    OshInterface launcher = {"old", &small, NULL};
    OshInterface contributor = {"old", &silent, NULL};
    Consumer consumer = {0};
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_launcher_box_open(&launcher, NULL, NULL, NULL, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    osh_launcher_launch(&launcher, NULL, NULL, consumer_launched, NULL, &consumer);
    g_assert_cmpint(consumer.code, ==, OSH_ERROR_UNSUPPORTED);
    g_assert_false(osh_launcher_resize(&launcher, NULL, 1, 24, 80));
    g_assert_null(osh_launcher_probe(&launcher));
    osh_launcher_box_close(&launcher, NULL, 0, consumer_closed, &consumer);
    g_assert_true(consumer.closed);
    g_assert_true(osh_launch_contributor_contribute(&contributor, NULL, NULL, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/process-launcher/box-lives-from-open-to-close",
                    test_box_lives_from_open_to_close);
    g_test_add_func("/sdk/process-launcher/missing-functions-have-their-stated-default",
                    test_missing_functions_have_their_stated_default);
    return g_test_run();
}
