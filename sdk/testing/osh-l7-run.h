/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-run.h: what the parts of the L7 harness share: the state of one run. Not installed.
 */
#pragma once

#include "osh-fact-copy.h"
#include "osh-fake-host.h"
#include "osh-l7-harness.h"
#include "osh-l7-ledger.h"

G_BEGIN_DECLS

struct _OshLease {
    char *text;
    guint64 message;
};

struct _OshContent {
    char *bytes;
    gsize length;
    guint64 message;
};

/** OshL7MessageState: what was decided about a message. */
typedef enum {
    OSH_L7_MESSAGE_NEW,
    OSH_L7_MESSAGE_INSPECT,
    OSH_L7_MESSAGE_ALLOWED,
    OSH_L7_MESSAGE_REFUSED,
    OSH_L7_MESSAGE_FAILED,
    OSH_L7_MESSAGE_CANCELLED,
} OshL7MessageState;

/** OshL7Message: a message of a run, from its first action to the end of the run. */
typedef struct {
    guint64 number;
    OshL7MessageState state;
    OshL7MessageState answer; /* what the answer that is due will make of it */
    gboolean begin;
    gboolean done;
    guint32 status;
    guint64 bytes;
    char *reason;
    OshFactCopy facts;
    OshFactCopy content_facts;
    gboolean inspected; /* all its content was marked */
    const char *error;  /* of a refusal */
    GArray *slots;      /* of OshL7SlotAnswer */
    GPtrArray *leases;  /* of OshLease */
    GPtrArray *handles; /* of OshContent */
    GArray *contents;   /* of OshL7ContentAnswer */
    GArray *edits;      /* of OshL7Edit */
    GString *content;   /* decoded so far */
    GString *responses; /* or NULL */
    OshL7ContentAnswer response;
    gboolean answers_response; /* the answer that is due is about @response */
    gboolean response_passes;  /* it goes on as it comes */
    guint64 limit;
} OshL7Message;

/** OshL7Run: one run. */
typedef struct {
    OshL7Harness *harness;
    OshL7Outcome *outcome;
    OshL7Split split;
    GRand *random;
    gpointer session;
    gint64 now;
    gint64 deadline; /* or 0 */
    GByteArray *window[2];
    GByteArray *pending[2];
    gsize n_new[2];
    gboolean end_pending[2];
    gboolean eof[2];
    gboolean reset[2];
    gboolean wanted[2];
    guint64 paused_by[2];
    gsize capacity[2];
    gboolean woken;
    gboolean ever_woken;
    gboolean terminated;
    gboolean ended;
    GPtrArray *messages;  /* of OshL7Message, owned, in the order of their numbers */
    GArray *due;          /* numbers of messages whose answers are ready, in order */
    OshL7Ledger ledger;   /* those that are open */
    char *last_window[2]; /* of the feed before, overwritten */
} OshL7Run;

/** OshL7HarnessEdit: an edit that every allowed message is answered with. */
typedef struct {
    char *name;
    char *value;
    char *secret;
} OshL7HarnessEdit;

/** OshL7StepType: what happens in a step. */
typedef enum {
    OSH_L7_STEP_BYTES,
    OSH_L7_STEP_END,
    OSH_L7_STEP_RESET,
    OSH_L7_STEP_ADVANCE,
    OSH_L7_STEP_TERMINATE,
} OshL7StepType;

/** OshL7Step: one step of a test. */
typedef struct {
    OshL7StepType type;
    guint direction;
    GBytes *bytes;
    gint64 number; /* microseconds, or an OshL7TerminateReason */
} OshL7Step;

struct _OshL7Harness {
    const OshInterface *protocol;
    OshL7Connection connection;
    OshScriptedPolicy *policy;
    OshL7Declaration *declared; /* or NULL */
    GPtrArray *secrets;         /* placeholder, secret, placeholder, … */
    GPtrArray *edits;           /* of OshL7HarnessEdit */
    char *replace_from;
    char *replace_to;
    gboolean stream;
    const OshInspectionRefusal *refusal; /* or NULL */
    gboolean upgrades;
    gsize allow_after; /* or 0 */
    guint64 response_limit;
    gboolean response_preflight;
    gboolean response_passes; /* behind its head */
    GPtrArray *steps;         /* of OshL7Step */
    /* of a plugin that the harness has created; else NULL */
    const OshPluginEntry *entry;
    OshFakeHost *host;
    gpointer plugin;
    OshInterface provided;
};

/** osh_l7_run_break: ends the run: @rule was broken, as @format says. */
void osh_l7_run_break(OshL7Run *run, OshL7Rule rule, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** osh_l7_run_open: Returns: (transfer none) (nullable): message @number, if it is open. */
OshL7LedgerEntry *osh_l7_run_open(OshL7Run *run, guint64 number);

/** osh_l7_run_end: ends the run; @reason: (nullable): copied. */
void osh_l7_run_end(OshL7Run *run, OshL7Ended ended, const char *reason);

/** osh_l7_run_find: Returns: (transfer none) (nullable): message @number, ended or not. */
OshL7Message *osh_l7_run_find(const OshL7Run *run, guint64 number);

/** osh_l7_run_begin: Returns: (transfer none): a new message. */
OshL7Message *osh_l7_run_begin(OshL7Run *run, guint64 number);

/** osh_l7_run_carry_out: does what an action that was checked says. */
void osh_l7_run_carry_out(OshL7Run *run, const OshL7Action *action);

/** osh_l7_run_answer: gives the session the answer that is due for @message. */
void osh_l7_run_answer(OshL7Run *run, OshL7Message *message);

/** osh_l7_message_free: @message: (transfer full). */
void osh_l7_message_free(gpointer message);

/** osh_l7_run_write_records: fills in the records of the outcome. */
void osh_l7_run_write_records(OshL7Run *run);

/** osh_l7_facts_print: appends NAME=VALUE for each fact. */
void osh_l7_facts_print(GString *text, const OshFact *facts, gsize n_facts);

/** osh_l7_fact_text: Returns: (transfer full) (nullable): the value of a fact of that name. */
char *osh_l7_fact_text(const OshFacts *facts, const char *name);

G_END_DECLS
