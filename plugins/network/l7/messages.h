/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.h: the messages of one session that are open, and the rules about naming them. [shard]
 */
#pragma once

#include <openshell/ext/draft/l7-protocol.h>

G_BEGIN_DECLS

/** OshBrokenRule: a rule of the contract, by its symbol in %OSH_L7_RULES; 0 is none. */
typedef enum {
    OSH_RULES_KEPT = 0,
#define OSH_L7_RULE_SYMBOL(symbol, name, words) OSH_BROKEN_##symbol,
    OSH_L7_RULES(OSH_L7_RULE_SYMBOL)
#undef OSH_L7_RULE_SYMBOL
} OshBrokenRule;

/** OshMessageState: what was decided about a message. */
typedef enum {
    OSH_MESSAGE_NEW,
    OSH_MESSAGE_ALLOWED,
    OSH_MESSAGE_REFUSED,
} OshMessageState;

/**
 * OshMessage: one that is open.
 * @number: the session's
 * @state: as of the last answer
 * @question: an answer is due
 * @direction: of the question
 * @verdict: of the question; owned
 * @event: what recorded a refusal; 0 for none
 * @outcome: what the answer will make of it
 * @reason: (nullable): instead of the verdict's; constant
 * @options: (nullable): of the endpoint that was chosen; owned
 */
typedef struct {
    guint64 number;
    OshMessageState state;
    gboolean question;
    guint direction;
    OshVerdict verdict;
    guint64 event;
    OshMessageState outcome;
    const char *reason;
    GVariant *options;
} OshMessage;

/**
 * OshMessages:
 * @open: (element-type OshMessage): in the order of their numbers
 * @last: the largest number so far
 */
typedef struct {
    GArray *open;
    guint64 last;
} OshMessages;

/** osh_messages_init: none is open. */
void osh_messages_init(OshMessages *messages);

/** osh_messages_clear: frees what is open. */
void osh_messages_clear(OshMessages *messages);

/** osh_messages_find: Returns: (transfer none) (nullable): the open message; until the next begin
 * or end. */
OshMessage *osh_messages_find(const OshMessages *messages, guint64 number);

/** osh_messages_begin: Returns: (transfer none) (nullable): a new message; NULL where the number is
 * not larger than every one before. */
OshMessage *osh_messages_begin(OshMessages *messages, guint64 number);

/** osh_messages_end: @message is open no more. */
void osh_messages_end(OshMessages *messages, OshMessage *message);

/**
 * osh_messages_check_send:
 * @action: PASS, REPLACE or EMIT
 * @direction: where its bytes go
 *
 * Nothing leaves unjudged. Returns: the rule that is broken
 */
OshBrokenRule osh_messages_check_send(const OshMessages *messages, const OshL7Action *action,
                                      guint direction);

/** osh_broken_rule_text: Returns: (transfer none): name and words of @rule. */
const char *osh_broken_rule_text(OshBrokenRule rule);

G_END_DECLS
