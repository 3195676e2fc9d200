/* SPDX-License-Identifier: Apache-2.0 */
/* program-path.h: by which path a process of a program is known on this machine. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshProgramPath:
 * @path: (nullable): the executable that the kernel starts, without links; NULL where there is none
 * @script: (nullable): the script, without links, whose interpreter @path is
 * @is_shell: @path is a shell, which stands for any program at all
 */
typedef struct {
    char *path;
    char *script;
    gboolean is_shell;
} OshProgramPath;

/**
 * osh_program_path_find:
 * @path: as a policy or a person writes it
 * @ret_program: (out): what was found; clear it with osh_program_path_clear()
 *
 * [any] Follows symbolic links and the first line of scripts, `env` by PATH, as execve(2) does.
 *
 * Returns: FALSE when there is no such file, or nothing that could be started
 */
gboolean osh_program_path_find(const char *path, OshProgramPath *ret_program);

/** osh_program_path_clear: frees what it owns. */
void osh_program_path_clear(OshProgramPath *program);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshProgramPath, osh_program_path_clear)

/** osh_program_path_note: [any] Returns: (transfer full) (nullable): a sentence that says by which
 * path @path is known, %NULL where that is @path itself or nothing is known. */
char *osh_program_path_note(const char *path, const OshProgramPath *program);

/**
 * osh_policy_link_target: only the last component is followed, as OpenShell does.
 *
 * Returns: (transfer full) (nullable): where the symbolic links end that @path leads into; %NULL
 *   when it is none
 */
char *osh_policy_link_target(const char *path);

G_END_DECLS
