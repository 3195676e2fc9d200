/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image-user.h: the user that a container driver names for a box's programs.
 *
 * A driver speaks through three variables of the host's environment: OPENSHELL_SANDBOX_UID with
 * OPENSHELL_SANDBOX_GID, or OPENSHELL_OCI_IMAGE_USER, the USER of the image ("user[:group]", OCI
 * image specification, config.User). What the policy says explicitly goes before either. [main].
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * OshImageUserRequest:
 * @environment: (array zero-terminated=1): NAME=VALUE: the host's own
 * @run_as_user: (nullable): what the policy says; NULL or "" leaves it open
 * @run_as_group: (nullable): likewise
 * @passwd_file: (nullable): NULL for /etc/passwd
 * @group_file: (nullable): NULL for /etc/group
 */
typedef struct {
    const char *const *environment;
    const char *run_as_user;
    const char *run_as_group;
    const char *passwd_file;
    const char *group_file;
} OshImageUserRequest;

/**
 * OshImageUser:
 * @user: (nullable): decimal id for what the policy leaves open, NULL to keep the policy's
 * @group: (nullable): likewise
 * @groups: (nullable) (array zero-terminated=1): decimal ids of the user's supplementary groups
 */
typedef struct {
    char *user;
    char *group;
    GStrv groups;
} OshImageUser;

/**
 * osh_image_user_resolve:
 * @request: what is said by whom
 * @ret_user: (out caller-allocates): the answer; empty when no driver says anything
 * @error: return location, domain %OSH_IDENTITY_ERROR
 *
 * Reads the account files itself, bounded and without following links, because they belong to an
 * image that is not trusted; NSS is not asked.
 *
 * Returns: %FALSE when what a driver says is contradictory, malformed, or leads to root
 */
gboolean osh_image_user_resolve(const OshImageUserRequest *request, OshImageUser *ret_user,
                                GError **error);

/** osh_image_user_clear: frees what @user owns. */
void osh_image_user_clear(OshImageUser *user);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshImageUser, osh_image_user_clear)

G_END_DECLS
