/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h: from the policy's run_as_user and run_as_group to the ids of a box's programs.
 * [main]; asks NSS, so it is done once, long before anything is forked.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/** OSH_IDENTITY_DEFAULT_ACCOUNT: used when root's policy names no user and the account exists. */
#define OSH_IDENTITY_DEFAULT_ACCOUNT "sandbox"

/**
 * OSH_IDENTITY_SPARE_ID:
 *
 * The user and group of last resort, when root's policy names no user and there is no `sandbox`
 * account. It lies in the range that Debian reserves (65000 to 65533) and above the one from which
 * systemd takes dynamic users (to 65519), so no account, file or process has it; `nobody` is not
 * used because NFS and daemons share it.
 */
#define OSH_IDENTITY_SPARE_ID 65530

/** OSH_IDENTITY_OWN_NAME: in the box, of a user or a group that the host has no name for. */
#define OSH_IDENTITY_OWN_NAME "sandbox"

#define OSH_IDENTITY_ERROR (osh_identity_error_quark())
GQuark osh_identity_error_quark(void);

typedef enum {
    OSH_IDENTITY_ERROR_UNKNOWN,       /* no such user or group */
    OSH_IDENTITY_ERROR_FORBIDDEN,     /* it would be uid or gid 0 */
    OSH_IDENTITY_ERROR_INVALID,       /* not a name and not an id in range */
    OSH_IDENTITY_ERROR_NOT_PERMITTED, /* only root can become another user */
} OshIdentityError;

/**
 * OshIdentityRequest:
 * @run_as_user: (nullable): name or decimal id; NULL or "" leaves it open
 * @run_as_group: (nullable): likewise
 * @groups: (nullable) (array zero-terminated=1): supplementary groups, names or ids; with none the
 *   box has none, whatever memberships its user has elsewhere
 * @default_account: (nullable): NULL for %OSH_IDENTITY_DEFAULT_ACCOUNT
 * @uid: effective user of the host
 * @gid: effective group of the host
 * @keep_own: an ordinary user's box stays that user even if the policy names another
 */
typedef struct {
    const char *run_as_user;
    const char *run_as_group;
    const char *const *groups;
    const char *default_account;
    uid_t uid;
    gid_t gid;
    gboolean keep_own;
} OshIdentityRequest;

/**
 * OshIdentity:
 * @uid: never 0
 * @gid: never 0
 * @groups: (array length=n_groups): supplementary groups
 * @n_groups: how many
 * @user: name for USER; %OSH_IDENTITY_OWN_NAME or, where another user has that name, box and the
 * id, where there is no account
 * @group: name of the group; %OSH_IDENTITY_OWN_NAME where there is no entry
 * @home: HOME; /tmp, which is the box's own, where there is no account
 * @shell: SHELL
 * @has_no_account: @user is the box's own word for it
 * @note: (nullable): what the user must be told about the choice, one line
 */
typedef struct {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    gsize n_groups;
    char *user;
    char *group;
    char *home;
    char *shell;
    gboolean has_no_account;
    char *note;
} OshIdentity;

/**
 * osh_identity_resolve:
 * @request: the user that is asked for, and the user of the host
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the ids, or %NULL with @error set
 */
OshIdentity *osh_identity_resolve(const OshIdentityRequest *request, GError **error);

/**
 * osh_identity_free:
 * @identity: (nullable) (transfer full): an identity
 */
void osh_identity_free(OshIdentity *identity);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshIdentity, osh_identity_free)

G_END_DECLS
