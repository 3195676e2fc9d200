/* SPDX-License-Identifier: Apache-2.0 */
/* A policy file is changed in every way that people and tools change files; what is in force
 * follows it, or stays, and is never half of it. */
#include "policy-reload.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remove-tree-test-support.h"

#define PATIENCE (8 * G_TIME_SPAN_SECOND)
/* Longer than any pause after which a file is read. */
#define A_WHILE (250 * G_TIME_SPAN_MILLISECOND)

#define HEAD "version: 1\nfilesystem_policy: {read_only: [/usr]}\nnetwork_policies:\n"
#define WEB(host)                                                                                  \
    "  web:\n    endpoints:\n    - {host: " host ", port: 443}\n    binaries: [{path: /bin/a}]\n"

static const char one[] = HEAD WEB("one.test");
static const char two[] = HEAD WEB("two.test");
static const char bad[] = HEAD "  web:\n    endpoint: []\n";

typedef struct {
    char *folder;
    char *path;
    OshBus *bus;
    OshPolicyService *service;
    OshWorkerPool *workers;
    OshPolicyReload *reload;
    const char *between; /* (nullable): what the file becomes before it is watched */
    guint changed;
    guint rejected;
} Fixture;

static GString *printed;

static void
print(const char *text)
{
    g_string_append(printed, text);
}

static void
count_event(const OshEvent *event, gpointer data)
{
    Fixture *fixture = data;

    if (g_str_equal(event->topic, OSH_TOPIC_POLICY_CHANGED))
        fixture->changed++;
    else
        fixture->rejected++;
}

static char *
below(const Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->folder, name, NULL);
}

static void
write_in_place(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0644);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

static void
rename_over(const Fixture *fixture, const char *text)
{
    g_autofree char *scratch = below(fixture, "scratch");

    write_in_place(scratch, text);
    g_assert_cmpint(rename(scratch, fixture->path), ==, 0);
}

static void
start(Fixture *fixture, OshPolicyPosture posture, const char *const *writable)
{
    static const char *const topics[] = {OSH_TOPIC_POLICY_CHANGED, OSH_TOPIC_POLICY_REJECTED, NULL};
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicyReloadRequest request = {
        .path = fixture->path,
        .posture = posture,
        .writable = writable,
        .workers = fixture->workers,
        .verbose = TRUE,
    };

    fixture->service = osh_policy_service_new(osh_policy_load(
        &(OshPolicyLoadRequest){
            .path = fixture->path, .generation = 1, .flags = OSH_RUN_POLICY_FLAGS},
        diagnostics));
    request.service = fixture->service;
    request.publisher = osh_bus_publisher_new(fixture->bus, "host", topics, NULL);
    if (fixture->between != NULL)
        write_in_place(fixture->path, fixture->between);
    fixture->reload = osh_policy_reload_new(&request);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    printed = g_string_new(NULL);
    g_set_printerr_handler(print);
    fixture->folder = g_dir_make_tmp("osh-reload-XXXXXX", NULL);
    fixture->path = below(fixture, "policy.yaml");
    fixture->bus = osh_bus_new(NULL, NULL, NULL);
    osh_bus_subscribe(fixture->bus, OSH_TOPIC_POLICY_CHANGED, count_event, fixture, NULL);
    osh_bus_subscribe(fixture->bus, OSH_TOPIC_POLICY_REJECTED, count_event, fixture, NULL);
    write_in_place(fixture->path, one);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    if (fixture->workers != NULL)
        osh_worker_pool_stop(fixture->workers, g_get_monotonic_time() + PATIENCE);
    osh_worker_pool_free(fixture->workers);
    osh_policy_reload_free(fixture->reload);
    osh_policy_service_free(fixture->service);
    g_object_unref(fixture->bus);
    osh_test_remove_tree(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->folder);
    g_set_printerr_handler(NULL);
    g_string_free(printed, TRUE);
}

static void
pass(gint64 time)
{
    gint64 limit = g_get_monotonic_time() + time;

    while (g_get_monotonic_time() < limit) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

static guint64
generation(const Fixture *fixture)
{
    g_autoptr(OshPolicySnapshot) current = osh_policy_service_ref_current(fixture->service);

    return osh_policy_generation(current);
}

static void
expect_in_force(const Fixture *fixture, guint64 number, const char *text)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    g_autoptr(OshPolicySnapshot) current = NULL;
    gint64 limit = g_get_monotonic_time() + PATIENCE;

    while (generation(fixture) < number && g_get_monotonic_time() < limit) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    current = osh_policy_service_ref_current(fixture->service);
    g_assert_cmpuint(osh_policy_generation(current), ==, number);
    g_assert_cmpstr(osh_policy_sha256(current), ==, digest);
}

/* However many generations it takes. */
static void
expect_in_force_in_the_end(const Fixture *fixture, const char *text)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    gint64 limit = g_get_monotonic_time() + PATIENCE;

    for (;;) {
        g_autoptr(OshPolicySnapshot) current = osh_policy_service_ref_current(fixture->service);

        if (g_str_equal(osh_policy_sha256(current), digest))
            return;
        g_assert_cmpint(g_get_monotonic_time(), <, limit);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

static void
expect_printed(const char *text)
{
    gint64 limit = g_get_monotonic_time() + PATIENCE;

    while (strstr(printed->str, text) == NULL) {
        if (g_get_monotonic_time() > limit)
            g_error("never said: %s\nbut: %s", text, printed->str);
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

static void
expect_silence(void)
{
    if (printed->len > 0)
        g_error("said: %s", printed->str);
}

static void
forget_printed(void)
{
    g_string_truncate(printed, 0);
}

/* --- Ways to change a file ---------------------------------------------------------------------
 */

static void
test_rename_over(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    rename_over(fixture, two);
    expect_in_force(fixture, 2, two);
    rename_over(fixture, one);
    expect_in_force(fixture, 3, one);
    pass(A_WHILE);
    g_assert_cmpuint(fixture->changed, ==, 2);
    g_assert_cmpuint(fixture->rejected, ==, 0);
    g_assert_null(strstr(printed->str, "error"));
}

static void
test_change_before_the_watch(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->between = two;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    expect_in_force(fixture, 2, two);
}

/* The first half is a valid policy of its own: with one endpoint fewer, and so another one. */
static void
test_slow_writer(Fixture *fixture, gconstpointer data)
{
    static const char half[] = HEAD WEB("half.test");
    static const char rest[] = "  more:\n    endpoints:\n    - {host: more.test, port: 443}\n"
                               "    binaries: [{path: /bin/a}]\n";
    g_autofree char *whole = g_strconcat(half, rest, NULL);
    int fd;

    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    pass(A_WHILE);
    for (guint i = 0; i < 2; i++) {
        fd = open(fixture->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        pass(A_WHILE);
        g_assert_cmpint(write(fd, half, strlen(half)), ==, (gssize)strlen(half));
        pass(2 * A_WHILE);
        g_assert_cmpuint(generation(fixture), ==, 1 + 2 * i);
        g_assert_cmpint(write(fd, rest, strlen(rest)), ==, (gssize)strlen(rest));
        close(fd);
        expect_in_force(fixture, 2 + 2 * i, whole);
        write_in_place(fixture->path, one);
        expect_in_force(fixture, 3 + 2 * i, one);
    }
    g_assert_cmpuint(fixture->rejected, ==, 0);
}

static void
test_delete_and_recreate(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    pass(A_WHILE);
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpint(unlink(fixture->path), ==, 0);
        pass(A_WHILE);
        expect_silence();
        write_in_place(fixture->path, i == 0 ? two : one);
        expect_in_force(fixture, 2 + i, i == 0 ? two : one);
        forget_printed();
    }
}

static void
test_config_map(Fixture *fixture, gconstpointer data)
{
    g_autofree char *link = below(fixture, "..data");
    g_autofree char *scratch = below(fixture, "..data_tmp");
    static const char *const folders[] = {"..1", "..2", "..3"};

    (void)data;
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = below(fixture, folders[i]);
        g_autofree char *file = g_build_filename(folder, "policy.yaml", NULL);

        g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
        write_in_place(file, i % 2 == 0 ? one : two);
    }
    g_assert_cmpint(symlink("..1", link), ==, 0);
    g_assert_cmpint(unlink(fixture->path), ==, 0);
    g_assert_cmpint(symlink("..data/policy.yaml", fixture->path), ==, 0);
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    for (gsize i = 1; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *old = below(fixture, folders[i - 1]);

        g_assert_cmpint(symlink(folders[i], scratch), ==, 0);
        g_assert_cmpint(rename(scratch, link), ==, 0);
        osh_test_remove_tree(old);
        expect_in_force(fixture, 1 + i, i % 2 == 0 ? one : two);
    }
    g_assert_cmpuint(fixture->rejected, ==, 0);
}

static void
test_parent_replaced(Fixture *fixture, gconstpointer data)
{
    g_autofree char *parent = below(fixture, "parent");
    g_autofree char *other = below(fixture, "other");
    g_autofree char *old = below(fixture, "old");

    (void)data;
    g_free(fixture->path);
    fixture->path = g_build_filename(parent, "policy.yaml", NULL);
    g_assert_cmpint(g_mkdir(parent, 0755), ==, 0);
    write_in_place(fixture->path, one);
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *file = g_build_filename(other, "policy.yaml", NULL);
        const char *text = i == 0 ? two : one;

        g_assert_cmpint(g_mkdir(other, 0755), ==, 0);
        write_in_place(file, text);
        g_assert_cmpint(rename(parent, old), ==, 0);
        pass(A_WHILE);
        g_assert_cmpint(rename(other, parent), ==, 0);
        expect_in_force(fixture, 2 + i, text);
        osh_test_remove_tree(old);
    }
}

static void
test_same_text(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    rename_over(fixture, one);
    pass(A_WHILE);
    g_assert_cmpint(utimensat(AT_FDCWD, fixture->path, NULL, 0), ==, 0);
    pass(A_WHILE);
    write_in_place(fixture->path, one);
    pass(A_WHILE);
    g_assert_cmpuint(generation(fixture), ==, 1);
    g_assert_cmpuint(fixture->changed + fixture->rejected, ==, 0);
    expect_silence();
}

static char *
large_policy(void)
{
    GString *text = g_string_new(HEAD);

    g_string_append(text, "  web:\n    endpoints:\n");
    for (guint i = 0; i < 4000; i++)
        g_string_append_printf(text, "    - {host: h%u.test, port: 443}\n", i);
    g_string_append(text, "    binaries: [{path: /bin/a}]\n");
    return g_string_free(text, FALSE);
}

static void
test_large_file_on_a_worker(Fixture *fixture, gconstpointer data)
{
    g_autofree char *large = large_policy();

    (void)data;
    fixture->workers = osh_worker_pool_new(NULL, NULL, 1, 4);
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    rename_over(fixture, large);
    expect_in_force(fixture, 2, large);
    /* What changes while the worker compiles is not lost. */
    large[strlen(large) - 1] = ' ';
    rename_over(fixture, large);
    osh_policy_reload_now(fixture->reload);
    rename_over(fixture, two);
    expect_in_force_in_the_end(fixture, two);
    g_assert_cmpuint(fixture->rejected, ==, 0);
}

/* Whoever changes the file without end does not keep it from being read. */
static void
test_changes_without_end(Fixture *fixture, gconstpointer data)
{
    gint64 limit = g_get_monotonic_time() + 4 * G_TIME_SPAN_SECOND;

    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    pass(A_WHILE);
    for (guint i = 0; generation(fixture) == 1 && g_get_monotonic_time() < limit; i++) {
        rename_over(fixture, two);
        pass(20 * G_TIME_SPAN_MILLISECOND);
    }
    g_assert_cmpuint(generation(fixture), ==, 2);
}

static void
wait_at_gate(gpointer data)
{
    GMutex *gate = data;

    g_mutex_lock(gate);
    g_mutex_unlock(gate);
}

static void
gate_passed(gpointer data)
{
    (void)data;
}

/* The one worker stands still, so that a large file is being read for as long as the test wants. */
static void
test_change_while_a_large_file_is_read(Fixture *fixture, gconstpointer data)
{
    g_autofree char *large = large_policy();
    GMutex gate;

    (void)data;
    g_mutex_init(&gate);
    fixture->workers = osh_worker_pool_new(NULL, NULL, 1, 4);
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    pass(A_WHILE);
    g_mutex_lock(&gate);
    g_assert_true(osh_worker_pool_submit(fixture->workers, wait_at_gate, gate_passed, &gate));
    rename_over(fixture, large);
    pass(2 * A_WHILE);
    /* It is not compiled here: this thread has everything else to do. */
    g_assert_cmpuint(generation(fixture), ==, 1);
    rename_over(fixture, two);
    pass(A_WHILE);
    osh_policy_reload_now(fixture->reload);
    g_assert_cmpuint(generation(fixture), ==, 1);
    g_mutex_unlock(&gate);
    expect_in_force(fixture, 2, two);
    g_assert_cmpuint(fixture->rejected, ==, 0);
    g_mutex_clear(&gate);
}

/* --- What cannot be used -----------------------------------------------------------------------
 */

static void
test_bad_edit(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    rename_over(fixture, bad);
    expect_printed("policy.yaml:5:5: error:");
    expect_printed("generation 1 stays in force");
    forget_printed();
    rename_over(fixture, bad);
    pass(A_WHILE);
    expect_silence();
    osh_policy_reload_now(fixture->reload);
    expect_printed("policy.yaml:5:5: error:");
    g_assert_cmpuint(fixture->rejected, ==, 1);
    forget_printed();
    rename_over(fixture, one);
    expect_printed("it is valid again, generation 1 stays in force");
    rename_over(fixture, bad);
    expect_printed("policy.yaml:5:5: error:");
    rename_over(fixture, two);
    expect_in_force(fixture, 2, two);
    pass(A_WHILE);
    g_assert_cmpuint(fixture->rejected, ==, 2);
    g_assert_cmpuint(fixture->changed, ==, 1);
    /* The same mistake once more, after a good file, is a new one. */
    forget_printed();
    rename_over(fixture, bad);
    expect_printed("policy.yaml:5:5: error:");
    pass(A_WHILE);
    g_assert_cmpuint(fixture->rejected, ==, 3);
}

static void
test_empty_and_missing(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    write_in_place(fixture->path, "");
    expect_printed("error: the file is empty");
    g_assert_cmpint(unlink(fixture->path), ==, 0);
    expect_printed("error: the file is not there");
    g_assert_cmpuint(generation(fixture), ==, 1);
    write_in_place(fixture->path, two);
    expect_in_force(fixture, 2, two);
}

static void
test_not_a_file(Fixture *fixture, gconstpointer data)
{
    g_autofree char *aside = below(fixture, "aside");

    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, NULL);
    g_assert_cmpint(unlink(fixture->path), ==, 0);
    g_assert_cmpint(mkfifo(fixture->path, 0644), ==, 0);
    expect_printed("error: not a regular file");
    g_assert_cmpint(rename(fixture->path, aside), ==, 0);
    g_assert_cmpint(g_mkdir(fixture->path, 0755), ==, 0);
    pass(A_WHILE);
    g_assert_cmpint(rmdir(fixture->path), ==, 0);
    write_in_place(fixture->path, two);
    expect_in_force(fixture, 2, two);
}

static void
expect_quarantine(const Fixture *fixture, guint64 number, const char *reason)
{
    gint64 limit = g_get_monotonic_time() + PATIENCE;
    g_autoptr(OshPolicySnapshot) current = NULL;

    while (generation(fixture) < number && g_get_monotonic_time() < limit) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    current = osh_policy_service_ref_current(fixture->service);
    g_assert_cmpuint(osh_policy_generation(current), ==, number);
    g_assert_cmpstr(osh_policy_quarantine_reason(current), ==, reason);
}

static void
test_quarantine(Fixture *fixture, gconstpointer data)
{
    (void)data;
    start(fixture, OSH_POSTURE_FAIL_CLOSED, NULL);
    rename_over(fixture, "version: [\n");
    expect_quarantine(fixture, 2,
                      "policy validation failed; fail-closed quarantine is active; candidate "
                      "version 2 rejected: policy.yaml:2:1: not valid YAML: did not find expected "
                      "node content");
    rename_over(fixture, "version: [\n");
    pass(A_WHILE);
    g_assert_cmpuint(generation(fixture), ==, 2);
    write_in_place(fixture->path, "");
    expect_quarantine(fixture, 3,
                      "policy validation failed; fail-closed quarantine is active; candidate "
                      "version 3 rejected: policy.yaml: the file is empty");
    rename_over(fixture, one);
    expect_in_force(fixture, 4, one);
    expect_quarantine(fixture, 4, NULL);
    pass(A_WHILE);
    g_assert_cmpuint(fixture->changed, ==, 3);
    g_assert_cmpuint(fixture->rejected, ==, 2);
}

/* --- Whose file it is --------------------------------------------------------------------------
 */

static void
test_writable_is_read_once(Fixture *fixture, gconstpointer data)
{
    const char *writable[] = {fixture->folder, NULL};

    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, writable);
    expect_printed("was read once and is not followed: programs in the box may write");
    rename_over(fixture, two);
    osh_policy_reload_now(fixture->reload);
    pass(A_WHILE);
    g_assert_cmpuint(generation(fixture), ==, 1);
}

static void
test_way_into_writable(Fixture *fixture, gconstpointer data)
{
    g_autofree char *granted = below(fixture, "granted");
    g_autofree char *inside = g_build_filename(granted, "policy.yaml", NULL);
    const char *writable[] = {granted, NULL};

    (void)data;
    g_assert_cmpint(g_mkdir(granted, 0755), ==, 0);
    write_in_place(inside, two);
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, writable);
    g_assert_cmpint(unlink(fixture->path), ==, 0);
    g_assert_cmpint(symlink("granted/policy.yaml", fixture->path), ==, 0);
    expect_printed("the path to it now leads through");
    pass(A_WHILE);
    g_assert_cmpuint(generation(fixture), ==, 1);
    rename_over(fixture, two);
    expect_in_force(fixture, 2, two);
}

static void
test_fixed_part(Fixture *fixture, gconstpointer data)
{
    static const char more[] = "version: 1\nfilesystem_policy: {read_only: [/usr, /opt]}\n"
                               "network_policies:\n" WEB("two.test");
    const char *writable[] = {"/no/such/folder", NULL};

    (void)data;
    start(fixture, OSH_POSTURE_RETAIN_LAST_VALID, writable);
    rename_over(fixture, more);
    expect_in_force(fixture, 2, more);
    expect_printed("filesystem_policy.read_only: /opt was added; needs a restart\n");
    forget_printed();
    rename_over(fixture, two);
    expect_in_force(fixture, 3, two);
    expect_printed("nothing in it needs a restart any more\n");
}

#define ADD(name, function)                                                                        \
    g_test_add("/policy-reload/" name, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("renamed-over", test_rename_over);
    ADD("changed-before-the-watch-began", test_change_before_the_watch);
    ADD("a-slow-writer-is-waited-for", test_slow_writer);
    ADD("deleted-and-made-again", test_delete_and_recreate);
    ADD("a-config-map-is-swapped", test_config_map);
    ADD("the-parent-is-replaced", test_parent_replaced);
    ADD("the-same-text-is-no-change", test_same_text);
    ADD("a-large-file-is-compiled-on-a-worker", test_large_file_on_a_worker);
    ADD("changes-without-end-do-not-keep-it-from-being-read", test_changes_without_end);
    ADD("a-change-while-a-large-file-is-read-is-applied", test_change_while_a_large_file_is_read);
    ADD("a-bad-edit-is-said-once-and-changes-nothing", test_bad_edit);
    ADD("empty-or-missing-is-an-error-after-a-second", test_empty_and_missing);
    ADD("what-is-no-file-is-an-error", test_not_a_file);
    ADD("fail-closed-denies-until-mended", test_quarantine);
    ADD("what-programs-may-write-is-read-once", test_writable_is_read_once);
    ADD("a-way-into-what-programs-may-write-is-refused", test_way_into_writable);
    ADD("what-needs-a-restart-is-said", test_fixed_part);
    return g_test_run();
}
