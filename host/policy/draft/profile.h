/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h: a policy that is shipped, adapted to this machine.
 *
 * A profile is a policy as any other. In its first comment stand a summary (its second line), and
 * lines "# command: WORDS", "# variable: NAME=VALUE" and "# pass: NAME;NAME". In it /sandbox stands
 * for the user's home folder, as in OpenShell. Each binary, each path of the file system and each
 * of these comments is a line of its own.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_PROFILE_HOME: what stands for the home folder. */
#define OSH_PROFILE_HOME "/sandbox"

/**
 * OshProfile:
 * @text: the policy, comments included
 * @summary: one line
 * @command: (nullable): what to run in the box, as a person types it
 * @variables: (element-type utf8): NAME=VALUE, to be set before
 * @passed: (element-type utf8): names of variables of the host that the program also needs
 * @found: (element-type utf8): one line for each program that was found
 * @missing: (element-type utf8): one line for each that was not, or cannot be named
 */
typedef struct {
    char *text;
    char *summary;
    char *command;
    GPtrArray *variables;
    GPtrArray *passed;
    GPtrArray *found;
    GPtrArray *missing;
} OshProfile;

/**
 * osh_profile_adapt: [any]
 * @text: of the profile
 * @home: the home folder, absolute
 * @search_path: (nullable): where programs are looked for, as PATH
 * @error: return location
 *
 * Puts the programs of this machine in the place of those that the profile names, by the path that
 * their processes are known by, and makes readable what lies elsewhere than the profile grants.
 * What is not there becomes a comment; a policy none of whose programs is there keeps them.
 *
 * Returns: (transfer full) (nullable): the result; NULL when @text is no profile
 */
OshProfile *osh_profile_adapt(const char *text, const char *home, const char *search_path,
                              GError **error);

/** osh_profile_summary: [any] Returns: (transfer full): the summary of the profile @text. */
char *osh_profile_summary(const char *text);

/** osh_profile_free: @profile: (transfer full) (nullable). */
void osh_profile_free(OshProfile *profile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshProfile, osh_profile_free)

G_END_DECLS
