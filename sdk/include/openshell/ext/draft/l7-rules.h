/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/l7-rules.h, a part of ext/draft/l7-protocol.h: the rules of
 * openshell.draft.l7-protocol/1 for a list of actions, by name.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OSH_L7_RULES:
 * @X: what to expand for each rule
 *
 * The rules of a list of actions, each with its name. A driver refuses what breaks one by ending
 * the connection as a failure of the plugin, with the name and the words; the harness fails the
 * test with them. OSH_L7_RULES(X) expands X(SYMBOL, name, words) for each.
 */
/* clang-format off */
#define OSH_L7_RULES(X)                                                                            \
    X(SPACE,        "space",        "feed returns at most as many actions as it was given space for") \
    X(SHAPE,        "shape",        "an action has a known type, flags of that type only, and an EMIT a direction") \
    X(LAST,         "last",         "MORE, what pauses, DENY of the connection, RETARGET, START_TLS, UPGRADE, OPAQUE and END end their list") \
    X(ORDER,        "order",        "the offset of PASS, REPLACE, DROP, RETARGET and UPGRADE is what the list has released before") \
    X(RANGE,        "range",        "a range lies wholly in the window that was fed, or in the content") \
    X(EMPTY,        "empty",        "PASS, REPLACE and DROP release a byte at least; REPLACE and EMIT send one at least") \
    X(PIECE,        "piece",        "a piece has a known type, a mask phase of 0 to 3, and the bytes, lease or content of its type") \
    X(BYTES,        "bytes",        "the byte pieces of one action hold at most OSH_L7_BYTES_MAX bytes") \
    X(CAPACITY,     "capacity",     "EMIT needs capacity that is left in its direction") \
    X(NUMBER,       "number",       "the number of a new message is larger than that of each message before") \
    X(OPEN,         "open",         "a message that is named is open: begun by SLOT, ASK or DENY, not ended by DONE or CANCEL") \
    X(JUDGED,       "judged",       "what goes from client to server names a message that was allowed or may begin, or is marked FRAMING") \
    X(FRAMING,      "framing",      "FRAMING names no message and carries no lease and no content") \
    X(QUESTION,     "question",     "a message has one question open at a time") \
    X(ASKED,        "asked",        "a message is asked about once by the side that begins it, and for its response only after it was allowed") \
    X(SLOT,         "slot",         "a SLOT comes before its message's ASK, for the client, with a number of its own, text and a context") \
    X(CONTENT,      "content",      "CONTENT follows INSPECT, one content after the other, up to the one with LAST; of a response it follows a limit, whole") \
    X(LEASE,        "lease",        "a lease goes to the server, for the message whose answer gave it") \
    X(HANDLE,       "handle",       "a content handle goes where its content was to go, for the message whose answer gave it") \
    X(FACTS,        "facts",        "a fact is declared in the manifest with its type and values, and stated once; an ASK states the action") \
    X(DENY,         "deny",         "DENY has a reason, and names no message that was refused already") \
    X(DONE,         "done",         "DONE ends a message that has no question open") \
    X(CANCEL,       "cancel",       "CANCEL withdraws a question that is open") \
    X(BOUNDARY,     "boundary",     "RETARGET, START_TLS, UPGRADE and OPAQUE come when no message is open but the one that is named") \
    X(TLS,          "tls",          "START_TLS needs may_start_tls") \
    X(OPAQUE,       "opaque",       "OPAQUE needs may_be_opaque") \
    X(RETARGET,     "retarget",     "RETARGET needs may_retarget") \
    X(DEADLINE,     "deadline",     "a deadline is later than now") \
    X(STALL,        "stall",        "a session that returns nothing waits for something that can come") \
    X(PROGRESS,     "progress",     "rounds come to an end")
/* clang-format on */

/**
 * OshL7Rule: the rules in their order, %OSH_L7_RULE_SPACE and so on; %OSH_L7_N_RULES is none of
 * them.
 */
typedef enum {
#define OSH_L7_RULE_MEMBER(symbol, name, words) OSH_L7_RULE_##symbol,
    OSH_L7_RULES(OSH_L7_RULE_MEMBER)
#undef OSH_L7_RULE_MEMBER
        OSH_L7_N_RULES
} OshL7Rule;

G_END_DECLS
