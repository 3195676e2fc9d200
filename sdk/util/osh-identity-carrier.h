/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-identity-carrier.h: whether a socket has descriptors in its queue, where no process has them.
 * Used by the scanner's thread alone.
 */
#pragma once

#include "osh-identity.h"

G_BEGIN_DECLS

/**
 * OshDescriptorInfo: what fdinfo says of a descriptor.
 * @inode: of the file; 0 where the kernel does not name it (before 5.14)
 * @is_unix: it is a UNIX socket (Linux 5.4)
 * @is_carrying: descriptors are in its queue, or it cannot be told
 */
typedef struct {
    guint64 inode;
    gboolean is_unix;
    gboolean is_carrying;
} OshDescriptorInfo;

/**
 * osh_descriptor_info_read:
 * @path: of the file below fdinfo/
 * @ret_info: (out): what it says; untouched on failure
 *
 * Returns: 0, or a negative errno
 */
int osh_descriptor_info_read(const char *path, OshDescriptorInfo *ret_info);

/** OshPlainSockets: which sockets are no UNIX sockets, so that nothing can be in flight in them. */
typedef struct _OshPlainSockets OshPlainSockets;

/** osh_plain_sockets_new: Returns: (transfer full). */
OshPlainSockets *osh_plain_sockets_new(void);
/** osh_plain_sockets_free: @plain: (nullable) (transfer full). */
void osh_plain_sockets_free(OshPlainSockets *plain);

/**
 * osh_plain_sockets_expire:
 * @now: g_get_monotonic_time()
 *
 * Forgets everything when it is a second old: the number of a socket that was closed may become
 * another one's, though not within seconds.
 */
void osh_plain_sockets_expire(OshPlainSockets *plain, gint64 now);

/**
 * osh_plain_sockets_is_carrying:
 * @plain: (nullable): %NULL remembers nothing
 * @inode: of the socket
 * @path: as above, of a descriptor of it
 *
 * Returns: whether descriptors are in its queue, as @path says, which is not read for a socket that
 *   it has said not to be a UNIX socket; FALSE when @path cannot be read
 */
gboolean osh_plain_sockets_is_carrying(OshPlainSockets *plain, guint64 inode, const char *path);

G_END_DECLS
