/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity.h: who holds a socket.
 *
 * A connection's exact tuple gives the inode of the program's socket (osh-identity-socket.c). One
 * thread of the plugin scans the descriptors of the workload's processes and answers every
 * lookup then waiting (osh-identity-scanner.c). It has a thread of its own rather than the host's
 * workers, because slow name look-ups that fill those must not keep anybody from being
 * identified, which would deny everything.
 *
 * Used by whoever lives beside the workload: the process plugin for its box, the network plugin
 * where there is no box.
 */
#pragma once

#include <netinet/in.h>
#include <openshell/ext/peer-identity.h>
#include <openshell/ext/shard.h>
#include <openshell/fact.h>
#include <openshell/host.h>
#include <sys/types.h>

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
    OshSpan *ancestors;
    guint n_ancestors;
    OshSpan *cmdline;
    guint n_cmdline;
};

/** osh_peer_identity_ref: [any] Returns: (transfer full). */
OshPeerIdentity *osh_peer_identity_ref(OshPeerIdentity *peer);
/** osh_peer_identity_unref: [any] @peer: (nullable) (transfer full). */
void osh_peer_identity_unref(OshPeerIdentity *peer);
/** osh_peer_identity_equal: [any] whether image, content and ancestry are the same. */
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
 * osh_socket_diag_find: on the thread that owns @diag
 * @tuple: TCP, UDP or UDP-Lite; a UDP socket that is not connected matches by its own end
 * @ret_inode: (out): its inode; untouched on failure
 *
 * Returns: 0, or -ENOENT when no socket has exactly this tuple, or another negative errno
 */
int osh_socket_diag_find(OshSocketDiag *diag, const OshPeerTuple *tuple, guint64 *ret_inode);

/** OshIdentityLookup: one question under way. */
typedef struct _OshIdentityLookup OshIdentityLookup;

/**
 * OshIdentityAnswer:
 * @OSH_IDENTITY_FOUND: one program holds it, in one or several processes
 * @OSH_IDENTITY_NOBODY: no process of the workload holds it at this moment
 * @OSH_IDENTITY_UNCERTAIN: different programs hold it, or one that cannot be read
 * @OSH_IDENTITY_NO_SOCKET: no socket has exactly the tuple
 */
typedef enum {
    OSH_IDENTITY_FOUND,
    OSH_IDENTITY_NOBODY,
    OSH_IDENTITY_UNCERTAIN,
    OSH_IDENTITY_NO_SOCKET,
} OshIdentityAnswer;

/**
 * OshIdentityFunc:
 * @peer: (nullable) (transfer none): who holds the socket, with %OSH_IDENTITY_FOUND only
 * @problem: (nullable): with any other answer, why; borrowed
 * @read_at: g_get_monotonic_time() at which the scan began
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
 * @diag_fd: (transfer full): for lookups by tuple, a NETLINK_SOCK_DIAG socket of the workload's
 *   network namespace; -1 when there are none
 * @error: return location
 *
 * [main] Starts the thread.
 *
 * Returns: (transfer full) (nullable): the scanner
 */
OshIdentityScanner *osh_identity_scanner_new(const OshHost *host, const OshInterface *shard,
                                             const OshWorkload *workload, int diag_fd,
                                             GError **error);

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
 * osh_identity_lookup_tuple: [main, shard]
 * @shard_index: as above
 * @tuple: of a connection or datagram; the thread finds the inode too
 *
 * Returns: as above
 */
OshIdentityLookup *osh_identity_lookup_tuple(OshIdentityScanner *scanner, guint shard_index,
                                             const OshPeerTuple *tuple, OshIdentityFunc done,
                                             gpointer data);

/** osh_identity_lookup_cancel: [main, shard] @lookup: (nullable): @done will not be called. */
void osh_identity_lookup_cancel(OshIdentityLookup *lookup);

G_END_DECLS
