/* SPDX-License-Identifier: Apache-2.0 */
/* diagnostics.h: everything that is wrong, or surprising, in one policy file. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OshPolicySeverity:
 * @OSH_POLICY_DIAGNOSTIC_WARNING: the policy loads, but a person should look
 * @OSH_POLICY_DIAGNOSTIC_ERROR: the policy does not load
 */
typedef enum {
    OSH_POLICY_DIAGNOSTIC_WARNING,
    OSH_POLICY_DIAGNOSTIC_ERROR,
} OshPolicySeverity;

/**
 * OshPolicyStage: the steps of loading, as OpenShell counts them; some facts are seen by two.
 * @OSH_POLICY_STAGE_PARSE: text to document and types
 * @OSH_POLICY_STAGE_SAFETY: what must never be, whatever the rest says
 * @OSH_POLICY_STAGE_INSPECTION: what an endpoint says about requests
 * @OSH_POLICY_STAGE_AMBIGUITY: endpoints against each other
 * @OSH_POLICY_STAGE_EXPAND: presets to rules
 */
typedef enum {
    OSH_POLICY_STAGE_PARSE = 1 << 0,
    OSH_POLICY_STAGE_SAFETY = 1 << 1,
    OSH_POLICY_STAGE_INSPECTION = 1 << 2,
    OSH_POLICY_STAGE_AMBIGUITY = 1 << 3,
    OSH_POLICY_STAGE_EXPAND = 1 << 4,
} OshPolicyStage;

/**
 * OshPolicyDiagnostic:
 * @severity: how bad
 * @line: 1-based line, or 0 when the whole file is meant
 * @column: 1-based column
 * @path: (nullable): where in the document, for example `network_policies.git.endpoints[0].port`
 * @message: what is wrong
 * @suggestion: (nullable): what to do about it
 * @stages: #OshPolicyStage: who saw it
 */
typedef struct {
    OshPolicySeverity severity;
    guint line;
    guint column;
    char *path;
    char *message;
    char *suggestion;
    guint stages;
} OshPolicyDiagnostic;

typedef struct _OshPolicyDiagnostics OshPolicyDiagnostics;

/** osh_policy_diagnostics_new: Returns: (transfer full): an empty list; one thread at a time. */
OshPolicyDiagnostics *osh_policy_diagnostics_new(void);

/** osh_policy_diagnostics_free: @diagnostics: (nullable) (transfer full): frees it. */
void osh_policy_diagnostics_free(OshPolicyDiagnostics *diagnostics);

/** osh_policy_diagnostics_set_file: @file_name: what to print before the line number. */
void osh_policy_diagnostics_set_file(OshPolicyDiagnostics *diagnostics, const char *file_name);

/**
 * osh_policy_diagnostics_set_stages:
 * @stages: #OshPolicyStage of everything that is added from now on
 *
 * Returns: what it was before
 */
guint osh_policy_diagnostics_set_stages(OshPolicyDiagnostics *diagnostics, guint stages);

/**
 * osh_policy_diagnostics_add:
 * @path: (nullable) (transfer full): where in the document
 * @message: (transfer full): what is wrong
 * @suggestion: (nullable) (transfer full): what to do
 *
 * Only the first few hundred are kept; all are counted. Of a text of more than 512 bytes the middle
 * is left out.
 */
void osh_policy_diagnostics_add(OshPolicyDiagnostics *diagnostics, OshPolicySeverity severity,
                                guint line, guint column, char *path, char *message,
                                char *suggestion);

/** osh_policy_diagnostics_n_errors: Returns: errors seen. */
guint osh_policy_diagnostics_n_errors(const OshPolicyDiagnostics *diagnostics);

/** osh_policy_diagnostics_n_warnings: Returns: warnings seen. */
guint osh_policy_diagnostics_n_warnings(const OshPolicyDiagnostics *diagnostics);

/** osh_policy_diagnostics_length: Returns: entries kept. */
guint osh_policy_diagnostics_length(const OshPolicyDiagnostics *diagnostics);

/** osh_policy_diagnostics_get: Returns: (transfer none): entry @index, in order of position. */
const OshPolicyDiagnostic *osh_policy_diagnostics_get(OshPolicyDiagnostics *diagnostics,
                                                      guint index);

/**
 * osh_policy_diagnostic_format:
 *
 * Returns: (transfer full): `FILE:LINE:COLUMN: error: PATH: MESSAGE (SUGGESTION)` on one line,
 *   control characters escaped
 */
char *osh_policy_diagnostic_format(const OshPolicyDiagnostics *diagnostics,
                                   const OshPolicyDiagnostic *diagnostic);

/**
 * osh_policy_diagnostics_format:
 *
 * Returns: (transfer full): every kept entry, one a line, and a last line when some were dropped
 */
char *osh_policy_diagnostics_format(OshPolicyDiagnostics *diagnostics);

/** osh_policy_append_printable: appends @text to @line, control characters escaped. */
void osh_policy_append_printable(GString *line, const char *text);

/**
 * osh_policy_nearest_word:
 * @word: what was written
 * @candidates: (array zero-terminated=1): what could have been meant
 *
 * Returns: (transfer none) (nullable): the nearest candidate within two edits of
 *   @word (one for a short word), or one that begins with it, or NULL
 */
const char *osh_policy_nearest_word(const char *word, const char *const *candidates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshPolicyDiagnostics, osh_policy_diagnostics_free)

G_END_DECLS
