/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h: the command line.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OshVerb: what is asked of the program. */
typedef enum {
    OSH_VERB_RUN,
    OSH_VERB_PLUGINS,
    OSH_VERB_DOCTOR,
    OSH_VERB_VERSION,
    OSH_VERB_HELP,
} OshVerb;

/**
 * OshOptions: what was said; NULL or empty where nothing was.
 * @command: (nullable): what stands behind "--", NULL-terminated; NULL without "--"
 * @arguments: words behind a verb
 * @help: the verb is asked what it does
 * @timeout: seconds, -1 where nothing was said
 */
typedef struct {
    OshVerb verb;
    char *policy;
    char *policy_posture;
    char *config;
    char *events;
    char *record;
    char *workdir;
    gint64 timeout;
    gboolean quiet;
    gboolean verbose;
    gboolean audit;
    gboolean help;
    GPtrArray *plugin_dirs;
    GPtrArray *publish;
    GPtrArray *settings;
    GPtrArray *enable;
    GPtrArray *disable;
    GPtrArray *allow_degraded;
    GPtrArray *arguments;
    char **command;
} OshOptions;

/**
 * osh_options_parse:
 * @argv: (array zero-terminated=1): with the program's name first; borrowed
 * @error: return location; one line with what to do
 *
 * Returns: (transfer full) (nullable): the options
 */
OshOptions *osh_options_parse(const char *const *argv, GError **error);

/** osh_options_free: @options: (transfer full) (nullable). */
void osh_options_free(OshOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshOptions, osh_options_free)

/** osh_options_help: Returns: (transfer none): the text of --help. */
const char *osh_options_help(void);

G_END_DECLS
