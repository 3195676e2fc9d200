/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity.h: which program made a connection, and which processes own its socket.
 *
 * A connection's exact tuple gives the cookie and the inode of the program's socket
 * (osh-identity-socket.c). In a box the program was read while it stood still in connect(2), and
 * the cookie finds what was read (osh-identity-connect.c). The owners of the descriptor are found
 * by a scan: one thread reads the descriptors of the workload's processes and answers every lookup
 * then waiting (osh-identity-scanner.c). Both have threads of their own rather than the host's
 * workers, because slow name look-ups that fill those must not keep a connection from being
 * identified, which would deny everything.
 *
 * Used by the plugin beside the workload: the process plugin for its box, the network plugin
 * where there is no box.
 */
#pragma once

#include <netinet/in.h>
#include <openshell/ext/draft/peer-identity.h>
#include <openshell/ext/shard.h>
#include <openshell/fact.h>
#include <openshell/host.h>
#include <sys/types.h>

#include "osh-identity-image.h"

G_BEGIN_DECLS

typedef struct _OshPeerIdentity OshPeerIdentity;
typedef struct _OshSocketDiag OshSocketDiag;
typedef struct _OshIdentityScanner OshIdentityScanner;

/**
 * OshPeerIdentity: one program image of one process, immutable and shared by its connections.
 * @n_connections: atomic; open connections of this process
 * @process_key: as in #OshPublication
 * @binary: image path, as the workload sees it
 * @sha256: lower-case hex of its content
 * @shown_binary: @binary as valid UTF-8, for events
 * @execution: (nullable): names one execution of the program: fork(2) inherits it, execve(2) makes
 *   another
 * @ancestors: nearest first
 * @cmdline: absolute paths in argv; a hint only
 */
struct _OshPeerIdentity {
    gint references;
    gint n_connections;
    pid_t pid;
    guint64 start_time;
    guint64 process_key;
    char *binary;
    char *sha256;
    char *shown_binary;
    char *execution;
    OshSpan *ancestors;
    guint n_ancestors;
    OshSpan *cmdline;
    guint n_cmdline;
};

/** osh_peer_identity_ref: [any] Returns: (transfer full). */
OshPeerIdentity *osh_peer_identity_ref(OshPeerIdentity *peer);
/** osh_peer_identity_unref: [any] @peer: (nullable) (transfer full). */
void osh_peer_identity_unref(OshPeerIdentity *peer);
/**
 * osh_peer_identity_equal: [any]
 *
 * Returns: whether executable and content are the same, and either the execution (a fork of one
 *   program) or the ancestry
 */
gboolean osh_peer_identity_equal(const OshPeerIdentity *left, const OshPeerIdentity *right);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPeerIdentity, osh_peer_identity_unref)

/**
 * osh_socket_diag_new:
 * @fd: (transfer full): a NETLINK_SOCK_DIAG socket of the workload's network namespace
 */
OshSocketDiag *osh_socket_diag_new(int fd);
/** osh_socket_diag_free: @diag: (nullable) (transfer full). */
void osh_socket_diag_free(OshSocketDiag *diag);

/**
 * OshSocketFound:
 * @inode: of the socket's descriptors; 0 when all of them are closed
 * @cookie: of the socket, never given to another one
 * @uid: its owner
 */
typedef struct {
    guint64 inode;
    guint64 cookie;
    uid_t uid;
} OshSocketFound;

/**
 * osh_socket_diag_find: on the thread that owns @diag
 * @tuple: TCP, UDP or UDP-Lite; a UDP socket that is not connected matches by its own end
 * @ret_found: (out): what it is; untouched on failure
 *
 * Returns: 0, or -ENOENT when no socket has exactly this tuple, or another negative errno
 */
int osh_socket_diag_find(OshSocketDiag *diag, const OshPeerTuple *tuple, OshSocketFound *ret_found);

/** OshSocketCookieFunc: called for each TCP socket. */
typedef void (*OshSocketCookieFunc)(guint64 cookie, gpointer data);

/**
 * osh_socket_diag_each_cookie: on the thread that owns @diag
 *
 * Lists the TCP sockets of the network namespace that have a local port, of both families.
 *
 * Returns: 0, or a negative errno when the list is not complete
 */
int osh_socket_diag_each_cookie(OshSocketDiag *diag, OshSocketCookieFunc each, gpointer data);

/** OshIdentityLookup: one question under way. */
typedef struct _OshIdentityLookup OshIdentityLookup;

/**
 * OshIdentityAnswer:
 * @OSH_IDENTITY_FOUND: one program owns it, in one or several processes
 * @OSH_IDENTITY_NOBODY: no process of the workload was seen to own it, although a descriptor of it
 *   is open somewhere
 * @OSH_IDENTITY_UNCERTAIN: different programs own it, or a process that cannot be read
 * @OSH_IDENTITY_NO_SOCKET: no socket with an open descriptor has exactly the tuple
 * @OSH_IDENTITY_SHARED: a program that was known owns it, and another one
 */
typedef enum {
    OSH_IDENTITY_FOUND,
    OSH_IDENTITY_NOBODY,
    OSH_IDENTITY_UNCERTAIN,
    OSH_IDENTITY_NO_SOCKET,
    OSH_IDENTITY_SHARED,
} OshIdentityAnswer;

/**
 * OshIdentityFunc:
 * @peer: (nullable) (transfer none): the program, with %OSH_IDENTITY_FOUND; the one that was not
 *   known, with %OSH_IDENTITY_SHARED
 * @problem: (nullable): with any other answer, why; borrowed
 * @read_at: g_get_monotonic_time() at which the reading began
 *
 * On the thread on which the lookup was made, never inside it.
 */
typedef void (*OshIdentityFunc)(OshIdentityAnswer answer, OshPeerIdentity *peer,
                                const char *problem, gint64 read_at, gpointer data);

/**
 * OshWorkload: whose processes are looked at.
 * @init_pid: the box's PID 1, or 0: then its children tree is the workload
 * @root_pid: a configured pid whose tree is the workload, or 0
 * @cgroup: (nullable): a configured cgroup directory, absolute
 *
 * With none of them, the workload is the processes of our network namespace.
 */
typedef struct {
    pid_t init_pid;
    pid_t root_pid;
    const char *cgroup;
} OshWorkload;

/** OSH_IDENTITY_ON_MAIN: in place of a shard's index: the main loop. */
#define OSH_IDENTITY_ON_MAIN G_MAXUINT

/**
 * osh_identity_scanner_new:
 * @host: through which [main] is answered
 * @shard: (nullable): through which shards are answered; %NULL when only [main] asks
 * @workload: whose processes
 * @images: where executables are hashed
 * @diag_fd: (transfer full): for lookups by tuple, a NETLINK_SOCK_DIAG socket of the workload's
 *   network namespace; -1 when there are none
 * @error: return location
 *
 * [main] Starts the thread.
 *
 * Returns: (transfer full) (nullable): the scanner
 */
OshIdentityScanner *osh_identity_scanner_new(const OshHost *host, const OshInterface *shard,
                                             const OshWorkload *workload, OshImageTable *images,
                                             int diag_fd, GError **error);

/** osh_identity_scanner_free: [main] ends the thread; lookups under way are dropped. */
void osh_identity_scanner_free(OshIdentityScanner *scanner);

/**
 * osh_identity_lookup_name: [main, shard]
 * @shard_index: the calling shard, or %OSH_IDENTITY_ON_MAIN
 * @inode: of a socket
 *
 * For a record, not for a decision: the identity has neither content hash nor ancestors nor command
 * line, so that a program that ends soon after is named all the same.
 *
 * Returns: (transfer none): the lookup, valid until @done is called or it is cancelled
 */
OshIdentityLookup *osh_identity_lookup_name(OshIdentityScanner *scanner, guint shard_index,
                                            guint64 inode, OshIdentityFunc done, gpointer data);

/**
 * OshIdentityPurpose:
 * @OSH_IDENTITY_DECIDE: the owners are all that is known of a connection: the descriptors of every
 *   process are read until two readings agree
 * @OSH_IDENTITY_CHECK: the program is known, and its owners are compared with it: one reading, and
 *   another one of whatever looks different
 */
typedef enum {
    OSH_IDENTITY_DECIDE,
    OSH_IDENTITY_CHECK,
} OshIdentityPurpose;

/**
 * osh_identity_lookup_owners: [main, shard]
 * @shard_index: as above
 * @tuple: of a connection; the thread finds the socket too
 * @purpose: what the answer is for
 * @known: (nullable) (array length=n_known): executions (OshPeerIdentity.execution) of which each
 * may own it; one of them beside another program is %OSH_IDENTITY_SHARED
 * @n_known: how many
 *
 * Returns: as above
 */
OshIdentityLookup *osh_identity_lookup_owners(OshIdentityScanner *scanner, guint shard_index,
                                              const OshPeerTuple *tuple, OshIdentityPurpose purpose,
                                              const OshSpan *known, gsize n_known,
                                              OshIdentityFunc done, gpointer data);

/** osh_identity_lookup_cancel: [main, shard] @lookup: (nullable): @done will not be called. */
void osh_identity_lookup_cancel(OshIdentityLookup *lookup);

G_END_DECLS
