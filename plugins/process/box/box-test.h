/* SPDX-License-Identifier: Apache-2.0 */
/* A box for tests: opened with the usual system folders, sealed, with programs run to their end. */
#pragma once

#include "box.h"

typedef struct {
    OshBoxHandle *box;
    GMainLoop *loop;
    uid_t uid;
    gid_t gid;
    char *workdir; /* on the host, below /var/tmp, which a box does not have */
    const OshBoxSocket *sockets;
    gsize socket_count;
    const OshBoxNetlink *netlinks;
    gsize netlink_count;
    const OshBoxFilter *filters; /* of every program */
    gsize filter_count;
    const OshBoxSeal *seal; /* (nullable): an empty one */
    OshMountPlan *mounts;
    gboolean died;
} TestBox;

/* How a program ended. */
typedef struct {
    char *output; /* of stdout and stderr together */
    GError *error;
    int status; /* as from waitpid(); -1 without a start */
    pid_t pid;
} TestRun;

/* To be called first in main(): an argument --ordinary-user gives up root. */
void osh_test_box_init(int *argc, char ***argv);

TestBox *osh_test_box_new(void);
/* Plans with @read_only beside the usual folders and @read_write beside the workdir. */
void osh_test_box_plan(TestBox *test, const char *const *read_only, const char *const *read_write);
/* Opens and seals what was planned; osh_test_box_open() expects it to work. */
gboolean osh_test_box_try(TestBox *test, GError **error);
void osh_test_box_open(TestBox *test);
void osh_test_box_free(TestBox *test);

TestRun *osh_test_box_run(TestBox *test, const char *const *argv);
/* By sh -c. Returns: (transfer full): its output, without the last newline */
char *osh_test_box_shell(TestBox *test, const char *script);
void osh_test_run_free(TestRun *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestBox, osh_test_box_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestRun, osh_test_run_free)
