/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of init share. One thread, one struct, nothing allocated. */
#pragma once

#include "plan.h"
#include "protocol.h"

#define OSH_MAX_OWN_DEVICES 16

enum osh_init_phase {
    OSH_PHASE_STARTED,
    OSH_PHASE_OPEN,
    OSH_PHASE_SEALED,
    OSH_PHASE_BROKEN, /* a step failed half-way: only the end is left */
};

/* A file system that we made ourselves, so that creating a name in it changes nothing on the host.
 */
struct osh_own_device {
    uint32_t major;
    uint32_t minor;
};

struct osh_running {
    uint32_t id; /* 0: a free place */
    int pid;
    int pidfd;    /* until it was handed out, then -1 */
    int terminal; /* the same */
    int failure;  /* reads a reply when the start failed, its end when it worked; then -1 */
    int is_job;
    int slave; /* of a job: the other end of its terminal, which controls our session; or -1 */
};

struct osh_init {
    enum osh_init_phase phase;
    int signals;   /* signalfd of SIGCHLD */
    int host_root; /* during OPEN: "/" of the host */
    int netfilter; /* for batches, from the first on */
    int landlock;  /* ruleset, -1: none */
    uint32_t restrict_flags;
    uint32_t umask; /* of the host, for the programs */
    uint32_t open_flags;
    uint32_t terminate_id; /* of a TERMINATE that waits for the last process */
    int terminating;
    uint32_t own_device_count;
    struct osh_own_device own_devices[OSH_MAX_OWN_DEVICES];
    struct osh_running running[OSH_INIT_MAX_LAUNCHES];
};

/* --- answers (init.c) --- */

/* Notes what failed. Returns: -@error, to be passed on. @error is a positive errno. */
int osh_fail(struct osh_init_reply *reply, enum osh_init_stage stage, long error, uint32_t detail,
             const char *path);
void osh_reply_clear(struct osh_init_reply *reply, uint32_t type, uint32_t request, uint32_t id);
void osh_reply_send(struct osh_init_reply *reply, const int *fds, uint32_t fd_count);

/* --- the tree (tree.c) --- */

int osh_tree_build(struct osh_init *init, const struct osh_plan *plan,
                   struct osh_init_reply *reply);
/* Makes the parents of @path, in file systems of our own only. */
int osh_tree_make_parents(struct osh_init *init, const char *path);
/* Returns: 1 when a name in the folder of @path can be made without touching the host */
int osh_tree_is_own(struct osh_init *init, const char *path);
int osh_tree_attach(int tree, const char *target);
int osh_tree_set_read_only(const char *target);

/* --- the network (network.c) --- */

int osh_network_send(struct osh_init *init, const struct osh_plan *plan,
                     struct osh_init_table netlinks, struct osh_init_reply *reply);
/* @fds holds up to OSH_INIT_MAX_SOCKETS. */
int osh_network_make_sockets(const struct osh_plan *plan, struct osh_init_table sockets, int *fds,
                             struct osh_init_reply *reply);

/* --- the seal (seal.c) --- */

/* @report: a file for osh_init_rule_report, one for each path rule, or -1; @listener: that of the
 * connect filter, or -1 */
int osh_seal(struct osh_init *init, const struct osh_plan *plan, int report, int *listener,
             struct osh_init_reply *reply);

/* --- capabilities (capabilities.c) --- */

int osh_capabilities_narrow(void);
int osh_capabilities_clear(void);

/* --- programs (launch.c, program.c) --- */

void osh_launch(struct osh_init *init, const struct osh_init_request *request, const int *fds,
                uint32_t fd_count);
/* The start of @running has ended, one way or the other. */
void osh_launch_finish(struct osh_init *init, struct osh_running *running);
void osh_launch_signal(struct osh_init *init, const struct osh_init_request *request);
void osh_launch_foreground(struct osh_init *init, const struct osh_init_request *request);
void osh_launch_reap(struct osh_init *init);

/* What a new process needs to become its program. */
struct osh_program {
    struct osh_plan plan;
    const struct osh_init_launch_plan *launch;
    const int *fds; /* those that came with the request */
    uint32_t fd_count;
    int terminal; /* the PTY's master, or -1 */
    int slave;    /* of a job, or -1 */
    int is_job;
    int failure; /* where to write what went wrong */
};

_Noreturn void osh_program_become(const struct osh_init *init, struct osh_program *program);
