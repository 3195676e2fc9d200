/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.h: a recording, read. The format is that of docs/recording.md.
 *
 * A recording is untrusted: its strings came from a box, its file from anywhere. Everything is
 * bounded and strictly read; the caller escapes a string before printing it.
 */
#pragma once

#include <openshell/ext/policy.h>

G_BEGIN_DECLS

/** Largest recording that is read, in bytes. */
#define OSH_RECORDING_MAX_FILE (256 * 1024 * 1024)
/** How many different decisions one may hold. */
#define OSH_RECORDING_MAX_ROWS 200000

/**
 * OshRecordedDecision:
 * @line: of the first of them
 * @count: how many equal ones there were
 * @outcome: an #OshDecisionOutcome
 * @layer: the transport
 * @facts: what was asked, without what was withheld
 * @withholds_content: a value that only globs are compared with was withheld; it is a NUL byte,
 *   which no glob can judge
 * @withholds_request: something else of the request was withheld, such as a part of its path
 * @withholds_connection: who asked, or where to, was withheld
 * @omits: facts of plugins were left out
 * @protocol: what the endpoint of then spoke, "" for none or when it is not known
 * @addresses: (array length=n_addresses): what the name was resolved to
 * @n_addresses: 0 where nothing was resolved
 */
typedef struct {
    guint line;
    guint64 count;
    OshDecisionOutcome outcome;
    const char *layer;
    OshFacts facts;
    gboolean withholds_content;
    gboolean withholds_request;
    gboolean withholds_connection;
    gboolean omits;
    const char *protocol;
    const struct in6_addr *addresses;
    gsize n_addresses;
} OshRecordedDecision;

/**
 * OshRecording:
 * @rows: (element-type OshRecordedDecision): different decisions, in the order of their first
 * @n_runs: how many runs it holds
 * @n_audit_runs: how many of them only audited
 * @n_unfinished: how many have no end
 * @n_lost: decisions that it lacks and says so
 * @is_cut: its last line is not whole
 */
typedef struct {
    GPtrArray *rows;
    guint n_runs;
    guint n_audit_runs;
    guint n_unfinished;
    guint64 n_lost;
    gboolean is_cut;
    /*< private >*/
    gpointer arena;
    GHashTable *index;
} OshRecording;

/**
 * osh_recording_read: [any]
 * @text: (array length=length): the whole file
 * @name: what to call it in messages
 * @error: return location: `NAME:LINE: what is wrong`
 *
 * Returns: (transfer full) (nullable): the recording
 */
OshRecording *osh_recording_read(const char *text, gsize length, const char *name, GError **error);

/** osh_recording_read_file: [main] the same from a regular file. */
OshRecording *osh_recording_read_file(const char *path, GError **error);

/** osh_recording_free: @recording: (transfer full) (nullable). */
void osh_recording_free(OshRecording *recording);

/** osh_recorded_is_connection_fact: Returns: whether fact @name is of who asks or where to. */
gboolean osh_recorded_is_connection_fact(const char *name);

/** osh_recorded_fact: Returns: (transfer none) (nullable): fact @name of type @type. */
const OshFact *osh_recorded_fact(const OshRecordedDecision *row, const char *name,
                                 OshFactType type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshRecording, osh_recording_free)

G_END_DECLS
