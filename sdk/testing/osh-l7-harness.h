/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-l7-harness.h: a strict driver for a protocol plugin, for its unit tests.
 *
 * A test states what the client and the server say, and what the policy answers; the harness opens
 * a session, feeds it as the contract in l7-protocol.h says, carries out its actions, and holds
 * each of them against %OSH_L7_RULES. It does so for several splits of the same bytes: whole, byte
 * by byte, at random places; with answers at once and as late as possible; with little capacity.
 * What comes out must be the same for all of them.
 *
 * The harness is stricter than a driver has to be, within the contract: it reads only after MORE,
 * frees the window behind each list, gives as little capacity and as little space for actions as
 * may be, and ends the run at the first rule that is broken.
 *
 * The steps of a test happen in their order: the bytes of a step are offered until the session
 * reads no more of them, then the next step begins. What was not read stays on offer.
 *
 * |[<!-- language="C" -->
 * OshInterface protocol = {"test", &memcached_vtable, NULL};
 * g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&protocol, openshell_manifest_text);
 * g_autoptr(OshL7Outcome) outcome = NULL;
 *
 * osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, "memcached.command",
 *                          "flush_all");
 * osh_l7_harness_client(harness, "flush_all\r\nget a\r\n", -1);
 * osh_l7_harness_server(harness, "END\r\n", -1);
 * outcome = osh_l7_harness_run_all(harness, 20);
 * g_assert_cmpstr(outcome->violation, ==, NULL);
 * g_assert_cmpstr(outcome->released[OSH_CLIENT_TO_SERVER]->str, ==, "get a\r\n");
 * ]|
 */
#pragma once

#include "openshell/ext/draft/l7-protocol.h"
#include "openshell/plugin.h"
#include "osh-scripted-policy.h"

G_BEGIN_DECLS

/** OshL7Harness: a driver with the steps of one test. Opaque. */
typedef struct _OshL7Harness OshL7Harness;

/**
 * OshL7Split: how the bytes of a test are offered, and when answers come.
 * @OSH_L7_SPLIT_WHOLE: all bytes of a step at once; an answer before the next call of feed
 * @OSH_L7_SPLIT_WHOLE_LATER: an answer when nothing else is left to do
 * @OSH_L7_SPLIT_BYTES: byte by byte, with a capacity of 1
 * @OSH_L7_SPLIT_BYTES_LATER: likewise, with answers when nothing else is left to do
 * @OSH_L7_SPLIT_RANDOM: everything as a seed says
 */
typedef enum {
    OSH_L7_SPLIT_WHOLE = 0,
    OSH_L7_SPLIT_WHOLE_LATER = 1,
    OSH_L7_SPLIT_BYTES = 2,
    OSH_L7_SPLIT_BYTES_LATER = 3,
    OSH_L7_SPLIT_RANDOM = 4,
} OshL7Split;

/**
 * OshL7Ended: how a run ended.
 * @OSH_L7_ENDED_NOT: the steps were used up and the session was still open
 * @OSH_L7_ENDED_CLOSED: both peers ended, or one has reset the connection
 * @OSH_L7_ENDED_END: by END
 * @OSH_L7_ENDED_DENIED: by DENY of the connection, or as the driver denies
 * @OSH_L7_ENDED_FAILED: by DENY of the connection with FAILURE, or as the driver fails
 * @OSH_L7_ENDED_RETARGET: by RETARGET
 * @OSH_L7_ENDED_UPGRADE: by UPGRADE
 * @OSH_L7_ENDED_OPAQUE: by OPAQUE
 * @OSH_L7_ENDED_BROKEN: a rule was broken
 */
typedef enum {
    OSH_L7_ENDED_NOT = 0,
    OSH_L7_ENDED_CLOSED = 1,
    OSH_L7_ENDED_END = 2,
    OSH_L7_ENDED_DENIED = 3,
    OSH_L7_ENDED_FAILED = 4,
    OSH_L7_ENDED_RETARGET = 5,
    OSH_L7_ENDED_UPGRADE = 6,
    OSH_L7_ENDED_OPAQUE = 7,
    OSH_L7_ENDED_BROKEN = 8,
} OshL7Ended;

/**
 * OshL7Outcome: what a run led to.
 * @violation: (nullable): the rule that was broken: "NAME: words (what happened)"; or how two
 *   splits differ. NULL when all is well
 * @rule: the rule that was broken, or %OSH_L7_N_RULES
 * @ended: how the session ended
 * @reason: (nullable): of a denial or failure; "HOST:PORT" of RETARGET; the protocol of UPGRADE
 * @released: bytes that left, by #OshDirection: a lease as its secret
 * @left: bytes that were not released, read or not, by #OshDirection
 * @half_closed: the end of bytes was passed on, by #OshDirection
 * @tls: START_TLS was carried out
 * @records: a line for each message, in the order of their numbers, see below
 *
 * The event of a refusal has the number of its message.
 *
 * A line of @records: the number; `allowed`, `denied`, `failed`, `cancelled` or `unanswered`;
 * action and target where the manifest names them; the facts as NAME=VALUE, a list in brackets; the
 * facts that came with its content, likewise after `content`; each content of its response that was
 * marked, after `response`; of
 * a refusal the reason in quotes; `done STATUS BYTES` when DONE came. So `1 allowed get a
 * [memcached.command=get memcached.key=[a]] done 0 5`.
 */
typedef struct {
    char *violation;
    OshL7Rule rule;
    OshL7Ended ended;
    char *reason;
    GString *released[2];
    GString *left[2];
    gboolean half_closed[2];
    gboolean tls;
    GString *records;
} OshL7Outcome;

/** osh_l7_outcome_free: @outcome: (transfer full) (nullable). */
void osh_l7_outcome_free(OshL7Outcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshL7Outcome, osh_l7_outcome_free)

/** osh_l7_outcome_describe: Returns: (transfer full): all of it as text; equal texts are equal
 * outcomes. */
char *osh_l7_outcome_describe(const OshL7Outcome *outcome);

/**
 * osh_l7_harness_new:
 * @protocol: the provider; borrowed, outlives the harness
 * @manifest: (nullable): text of the plugin's manifest: facts are checked against it, and its
 *   `action=` and `target=` stand in the records
 *
 * Returns: (transfer full): a harness whose policy allows everything, for osh_l7_harness_free()
 */
OshL7Harness *osh_l7_harness_new(const OshInterface *protocol, const char *manifest);

/**
 * osh_l7_harness_new_for_plugin:
 * @entry: the plugin's `openshell_plugin_v1`; it is created on a fake host of the harness, without
 *   configuration, and never started
 * @manifest: text of its manifest, as for osh_l7_harness_new()
 *
 * What a test of a whole plugin begins with. A test that sets keys of the configuration creates the
 * plugin itself, on a host of its own.
 *
 * Returns: (transfer full): a harness whose policy allows everything, for osh_l7_harness_free(),
 *   which destroys the plugin
 */
OshL7Harness *osh_l7_harness_new_for_plugin(const OshPluginEntry *entry, const char *manifest);

/** osh_l7_harness_free: @harness: (transfer full) (nullable). */
void osh_l7_harness_free(OshL7Harness *harness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshL7Harness, osh_l7_harness_free)

/** osh_l7_harness_connection: Returns: (transfer none): what open is given; change it as needed.
 * Without: "server.example" port 7000, in clear, no START_TLS, no OPAQUE, the smallest windows. */
OshL7Connection *osh_l7_harness_connection(OshL7Harness *harness);

/** osh_l7_harness_policy: Returns: (transfer none): the policy; add rules and a script to it. */
OshScriptedPolicy *osh_l7_harness_policy(OshL7Harness *harness);

/** osh_l7_harness_add_secret: @secret stands for @placeholder: a slot that contains it is answered
 * with a lease, one that contains "openshell:resolve:" and nothing known is refused. */
void osh_l7_harness_add_secret(OshL7Harness *harness, const char *placeholder, const char *secret);

/** osh_l7_harness_add_edit: an edit of every message that is allowed; @value: (nullable). */
void osh_l7_harness_add_edit(OshL7Harness *harness, const char *name, const char *value);

/** osh_l7_harness_add_injection: likewise, with a lease of @secret in place of a value. */
void osh_l7_harness_add_injection(OshL7Harness *harness, const char *name, const char *secret);

/** osh_l7_harness_replace_content: content that was marked gets @to in place of each @from, or in
 * front where @from is empty. */
void osh_l7_harness_replace_content(OshL7Harness *harness, const char *from, const char *to);

/** osh_l7_harness_stream_content: answers INSPECT come with begin, and content is settled as it
 * comes. */
void osh_l7_harness_stream_content(OshL7Harness *harness);

/** osh_l7_harness_allow_content_after: content of which @length bytes were marked is allowed,
 * though more of it is to come, as an inspector allows that needs no more. */
void osh_l7_harness_allow_content_after(OshL7Harness *harness, gsize length);

/** osh_l7_harness_inspect_responses: answers that allow a message have @limit as their
 * response_limit. Content of a response gets what osh_l7_harness_replace_content() says, and the
 * policy is asked about it by %OSH_SCRIPTED_RESPONSE. */
void osh_l7_harness_inspect_responses(OshL7Harness *harness, guint64 limit);

/** osh_l7_harness_preflight_responses: their heads are asked about first. @pass: they go on as they
 * come then. */
void osh_l7_harness_preflight_responses(OshL7Harness *harness, gboolean pass);

/**
 * osh_l7_harness_set_refusal:
 * @refusal: stays as long as the harness
 *
 * A message that is refused once all its content was marked is refused in these words.
 */
void osh_l7_harness_set_refusal(OshL7Harness *harness, const OshInspectionRefusal *refusal);

/** osh_l7_harness_agree_to_upgrades: answers that allow a message which states request.upgrade say
 * that its upgrade was agreed to. */
void osh_l7_harness_agree_to_upgrades(OshL7Harness *harness);

/** osh_l7_harness_client: the client says @bytes; @length: or -1 up to the NUL. */
void osh_l7_harness_client(OshL7Harness *harness, const char *bytes, gssize length);
/** osh_l7_harness_server: the server says @bytes; @length: or -1 up to the NUL. */
void osh_l7_harness_server(OshL7Harness *harness, const char *bytes, gssize length);
/** osh_l7_harness_end: the peer whose bytes go in @direction ends them. */
void osh_l7_harness_end(OshL7Harness *harness, OshDirection direction);
/** osh_l7_harness_reset: it resets the connection; messages with a question open are cancelled. */
void osh_l7_harness_reset(OshL7Harness *harness, OshDirection direction);
/** osh_l7_harness_advance: time passes; a deadline that it reaches expires. */
void osh_l7_harness_advance(OshL7Harness *harness, gint64 microseconds);
/** osh_l7_harness_terminate: the driver asks the session to end; every ASK is denied from then. */
void osh_l7_harness_terminate(OshL7Harness *harness, OshL7TerminateReason reason);

/** osh_l7_harness_run: one run of the steps; @seed: for %OSH_L7_SPLIT_RANDOM. Returns: (transfer
 * full): what it led to. */
OshL7Outcome *osh_l7_harness_run(OshL7Harness *harness, OshL7Split split, guint32 seed);

/**
 * osh_l7_harness_run_all:
 * @n_random: runs with random splits, seeds 1 and up
 *
 * One run with each split, then the random ones.
 *
 * Returns: (transfer full): the outcome of the first; its @violation holds the first rule that any
 *   run broke, or the first difference, with the split and the seed that show it
 */
OshL7Outcome *osh_l7_harness_run_all(OshL7Harness *harness, guint n_random);

G_END_DECLS
