/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-workload.h: which processes are the workload, and which sockets each holds. Used by
 * the scanner's thread alone.
 */
#pragma once

#include "osh-identity-carrier.h"
#include "osh-identity.h"

G_BEGIN_DECLS

typedef struct _OshWorkloadProcesses OshWorkloadProcesses;

/** osh_workload_processes_new: [main] Returns: (transfer full). */
OshWorkloadProcesses *osh_workload_processes_new(const OshWorkload *workload);
/** osh_workload_processes_free: @processes: (transfer full). */
void osh_workload_processes_free(OshWorkloadProcesses *processes);

/** osh_workload_processes_list: Returns: (transfer none): pids as pid_t, until the next call. */
const GArray *osh_workload_processes_list(OshWorkloadProcesses *processes);

/**
 * osh_workload_processes_since:
 * @ret_any: (out): whether any process or thread was created, be it of the workload or not
 *
 * What was created and has ended again meanwhile is not in the result. What it left was created
 * after it: asked again until nothing was created, and each time everything in the result read,
 * this misses no process that is there in the end.
 *
 * Returns: (transfer none) (nullable): thread groups of the workload that were created, or have a
 *   thread that was, since osh_workload_processes_list() began or this was called last, until the
 *   next call; %NULL when that cannot be told and the list is to be made anew
 */
const GArray *osh_workload_processes_since(OshWorkloadProcesses *processes, gboolean *ret_any);

/** osh_workload_init: Returns: the box's PID 1, at which ancestry ends, or 0 without a box. */
pid_t osh_workload_init(const OshWorkloadProcesses *processes);

/** OshHeldSocketFunc: called for each descriptor of @pid that is a socket. */
typedef void (*OshHeldSocketFunc)(pid_t pid, guint64 inode, gpointer data);

/** OshAllSeenFunc: Returns: whether every socket that is looked for was seen. */
typedef gboolean (*OshAllSeenFunc)(gpointer data);

/**
 * osh_workload_each_socket:
 * @plain: (nullable): what is remembered of sockets
 * @all_seen: (nullable): reads again and again where the process ran meanwhile, until this says
 * that there is nothing left to find
 * @each: called for each descriptor that is a socket, several times for the same one
 * @ret_in_flight: (out) (optional): whether a descriptor was in flight to or from the process, in
 * the queue of a UNIX socket, where no process has it; looked for with @all_seen alone
 *
 * Reads the descriptors of every thread that has a table of its own.
 *
 * Returns: 0, -ESRCH when the process is gone, -EACCES when it, or a part of it, cannot be read
 */
int osh_workload_each_socket(pid_t pid, OshPlainSockets *plain, OshAllSeenFunc all_seen,
                             OshHeldSocketFunc each, gpointer data, gboolean *ret_in_flight);

G_END_DECLS
