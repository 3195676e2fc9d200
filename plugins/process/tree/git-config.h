/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git-config.h: the text of a git configuration file as its variables, in the syntax that
 * git-config(1) describes under CONFIGURATION FILE. [any]; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshGitVariable:
 * @section: in lower case
 * @subsection: (nullable): as written
 * @key: in lower case
 * @value: (nullable): %NULL for a key without "="
 */
typedef struct {
    char *section;
    char *subsection;
    char *key;
    char *value;
} OshGitVariable;

/**
 * osh_git_config_parse:
 * @text: the file
 * @length: its bytes
 * @variables: (element-type OshGitVariable): gets the variables, in their order
 *
 * Returns: %FALSE at the first mistake, at which git refuses the whole file; @variables then has
 *   what came before it
 */
gboolean osh_git_config_parse(const char *text, gsize length, GPtrArray *variables);

/**
 * osh_git_config_read:
 * @path: a file; anything else than a regular file of at most %OSH_GIT_CONFIG_MAX_SIZE is refused
 * @variables: (element-type OshGitVariable): gets the variables, in their order
 *
 * Returns: %FALSE when it cannot be read, or not to its end
 */
gboolean osh_git_config_read(const char *path, GPtrArray *variables);

/** osh_git_variables_new: Returns: (transfer full) (element-type OshGitVariable): an empty list */
GPtrArray *osh_git_variables_new(void);

/**
 * osh_git_read_file:
 * @path: a file
 * @max: most bytes
 * @ret_length: (out) (optional): its bytes
 *
 * Opens nothing but a regular file, so that a pipe or a device put in its place stops nothing.
 *
 * Returns: (transfer full) (nullable): the text, %NULL-terminated
 */
char *osh_git_read_file(const char *path, gsize max, gsize *ret_length);

#define OSH_GIT_CONFIG_MAX_SIZE (1024 * 1024)

G_END_DECLS
