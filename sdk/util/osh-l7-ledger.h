/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-ledger.h: the open messages of a session, and %OSH_L7_RULES held against each action.
 *
 * The data plane and the harness of the tests drive sessions in different ways and by the same
 * rules: both check an action here before they carry it out. The ledger knows no bytes but the
 * window's, and decides nothing: a driver tells it what it has answered.
 *
 * For one action of a list: osh_l7_ledger_check(), then osh_l7_ledger_take(), then what the driver
 * makes of it; a message that DONE or CANCEL names is ended by osh_l7_ledger_end(). One thread at a
 * time.
 */
#pragma once

#include "osh-l7-declaration.h"

G_BEGIN_DECLS

/** OshL7Judgement: what was answered about a message. */
typedef enum {
    OSH_L7_JUDGEMENT_NONE,
    OSH_L7_JUDGEMENT_INSPECT,
    OSH_L7_JUDGEMENT_ALLOWED,
    OSH_L7_JUDGEMENT_REFUSED,
} OshL7Judgement;

/**
 * OshL7LedgerEntry: a message that is open.
 * @number: the session's
 * @judgement: of the last answer
 * @begins: with %OSH_L7_JUDGEMENT_INSPECT: it may begin to go out
 * @asked: an ASK for the client has been carried out
 * @question: an answer is due
 * @direction: of that question
 * @has_content: @content was marked
 * @content: the session's number for it
 * @responds: content of its response is to be marked
 * @response: the session's number for the last of it
 * @slots: (nullable) (element-type guint64): numbers of its slots
 * @grants: (nullable): leases and handles that it was given
 * @data: (nullable): the driver's own
 */
typedef struct {
    guint64 number;
    OshL7Judgement judgement;
    gboolean begins;
    gboolean asked;
    gboolean question;
    guint direction;
    gboolean has_content;
    guint64 content;
    gboolean responds;
    guint64 response;
    GArray *slots;
    GArray *grants;
    gpointer data;
} OshL7LedgerEntry;

/**
 * OshL7Ledger:
 * @declared: (nullable): by which facts are checked; borrowed
 * @may_start_tls: as in #OshL7Connection
 * @may_be_opaque: likewise
 * @may_retarget: likewise
 * @entries: (element-type OshL7LedgerEntry): in the order of their numbers
 * @last: the largest number so far
 * @direction: of the list
 * @window: that was fed
 * @released: bytes of it that the list has released so far
 * @capacity: what EMIT has left, by #OshDirection
 * @detail: what exactly broke the rule that osh_l7_ledger_check() returned
 */
typedef struct {
    const OshL7Declaration *declared;
    gboolean may_start_tls;
    gboolean may_be_opaque;
    gboolean may_retarget;
    GArray *entries;
    guint64 last;
    guint direction;
    OshSpan window;
    gsize released;
    gsize capacity[2];
    char detail[200];
} OshL7Ledger;

/** osh_l7_ledger_init: no message is open. */
void osh_l7_ledger_init(OshL7Ledger *ledger, const OshL7Declaration *declared);

/** osh_l7_ledger_clear: forgets every message. OshL7LedgerEntry.data is freed before, by whoever
 * set it. */
void osh_l7_ledger_clear(OshL7Ledger *ledger);

/** osh_l7_ledger_begin_list: a list for @direction follows. */
void osh_l7_ledger_begin_list(OshL7Ledger *ledger, guint direction, OshSpan window,
                              const gsize capacity[2]);

/**
 * osh_l7_ledger_check:
 * @actions: a whole list
 * @index: which of them
 * @n: how many there are
 *
 * Changes nothing but @detail.
 *
 * Returns: the rule that the action breaks; %OSH_L7_N_RULES where it keeps all of them
 */
OshL7Rule osh_l7_ledger_check(OshL7Ledger *ledger, const OshL7Action *actions, gsize index,
                              gsize n);

/**
 * osh_l7_ledger_take:
 * @action: one that was checked
 *
 * Begins a message, counts what is released and sent, and opens the question of ASK and CONTENT.
 *
 * Returns: (transfer none) (nullable): the message that is named; until the next is begun or ended
 */
OshL7LedgerEntry *osh_l7_ledger_take(OshL7Ledger *ledger, const OshL7Action *action);

/** osh_l7_ledger_find: Returns: (transfer none) (nullable): an open message; likewise. */
OshL7LedgerEntry *osh_l7_ledger_find(const OshL7Ledger *ledger, guint64 number);

/** osh_l7_ledger_end: @entry is open no more. */
void osh_l7_ledger_end(OshL7Ledger *ledger, OshL7LedgerEntry *entry);

/** osh_l7_ledger_grant: @entry may send @handle, a lease or a content of @length bytes. */
void osh_l7_ledger_grant(OshL7LedgerEntry *entry, gconstpointer handle, guint64 length);

/** osh_l7_ledger_grant_response: @entry may send @handle, a content of its response, to the client.
 */
void osh_l7_ledger_grant_response(OshL7LedgerEntry *entry, gconstpointer handle, guint64 length);

/** osh_l7_ledger_is_response: Returns: whether @handle was granted for the client. */
gboolean osh_l7_ledger_is_response(const OshL7LedgerEntry *entry, gconstpointer handle);

/** osh_l7_ledger_granted: Returns: whether @entry may; its length in @ret_length. */
gboolean osh_l7_ledger_granted(const OshL7LedgerEntry *entry, gconstpointer handle,
                               guint64 *ret_length);

/** osh_l7_rule_name: Returns: (transfer none): its name. */
const char *osh_l7_rule_name(OshL7Rule rule);
/** osh_l7_rule_words: Returns: (transfer none): what it says. */
const char *osh_l7_rule_words(OshL7Rule rule);

G_END_DECLS
