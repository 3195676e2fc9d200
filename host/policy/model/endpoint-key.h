/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint-key.h: the keys of an endpoint, one row each. Private to host/policy.
 *
 * The loader, the checks, the writer, the merge, `explain` and osh_policy_endpoint_option() walk
 * this table; none of them names a key that behaves like others. docs/how-to-add.md walks through
 * a new key.
 */
#pragma once

#include "policy.h"

/**
 * OshEndpointKeyType: what stands in the file, and how the endpoint holds it.
 * @OSH_ENDPOINT_KEY_SPECIAL: a value that load/read-endpoint.c reads with code of its own; @option
 *   and @text of the row say what it is
 * @OSH_ENDPOINT_KEY_SWITCH: true or false; a gboolean
 * @OSH_ENDPOINT_KEY_TEXT: a string; a const char *, NULL when absent
 * @OSH_ENDPOINT_KEY_BYTES: a whole number; a guint32
 * @OSH_ENDPOINT_KEY_SECTION: a mapping; its members are the rows `SECTION.MEMBER`
 * @OSH_ENDPOINT_KEY_DERIVED: no key: follows from other keys, and is compared like one
 */
typedef enum {
    OSH_ENDPOINT_KEY_SPECIAL,
    OSH_ENDPOINT_KEY_SWITCH,
    OSH_ENDPOINT_KEY_TEXT,
    OSH_ENDPOINT_KEY_BYTES,
    OSH_ENDPOINT_KEY_SECTION,
    OSH_ENDPOINT_KEY_DERIVED,
} OshEndpointKeyType;

/**
 * OshEndpointKeyTrait:
 * @OSH_ENDPOINT_KEY_READ_ALONE: read with code of its own, though it is held like others
 * @OSH_ENDPOINT_KEY_INSPECTION: about requests: an error with `protocol: tcp`
 * @OSH_ENDPOINT_KEY_HTTP: about HTTP: an error where a plugin's protocol is carried by tcp
 * @OSH_ENDPOINT_KEY_NOT_OF_PLUGINS: an error at every protocol of a plugin
 * @OSH_ENDPOINT_KEY_HANDLING: part of osh_policy_endpoint_handling(): a reload that changes it
 *   closes open tunnels
 * @OSH_ENDPOINT_KEY_CREDENTIALS: an endpoint where it is set has credentials
 * @OSH_ENDPOINT_KEY_OF_PLACE: one destination has one value of it: `explain` takes it over from the
 *   endpoint beside the one that it suggests
 * @OSH_ENDPOINT_KEY_DECLARED: an addition has to say it itself, whatever stands there already
 */
typedef enum {
    OSH_ENDPOINT_KEY_READ_ALONE = 1 << 0,
    OSH_ENDPOINT_KEY_INSPECTION = 1 << 1,
    OSH_ENDPOINT_KEY_HTTP = 1 << 2,
    OSH_ENDPOINT_KEY_NOT_OF_PLUGINS = 1 << 3,
    OSH_ENDPOINT_KEY_HANDLING = 1 << 4,
    OSH_ENDPOINT_KEY_CREDENTIALS = 1 << 5,
    OSH_ENDPOINT_KEY_OF_PLACE = 1 << 6,
    OSH_ENDPOINT_KEY_DECLARED = 1 << 7,
} OshEndpointKeyTrait;

/**
 * OshEndpointKeyMerge: what a merge makes of two endpoints of one place.
 * @OSH_ENDPOINT_MERGE_VALUE: a switch turns on; anything else stays, with a warning
 * @OSH_ENDPOINT_MERGE_WORD: a word stays, with a warning; compared with code of its own
 * @OSH_ENDPOINT_MERGE_SPECIAL: merged and compared with code of its own
 */
typedef enum {
    OSH_ENDPOINT_MERGE_VALUE,
    OSH_ENDPOINT_MERGE_WORD,
    OSH_ENDPOINT_MERGE_SPECIAL,
} OshEndpointKeyMerge;

/**
 * OshEndpointKeyAgree: about what two endpoints that overlap must agree.
 * @OSH_ENDPOINT_AGREE_NOT: they may differ
 * @OSH_ENDPOINT_AGREE_CONNECTION: always
 * @OSH_ENDPOINT_AGREE_REQUEST: where both are for the same requests
 */
typedef enum {
    OSH_ENDPOINT_AGREE_NOT,
    OSH_ENDPOINT_AGREE_CONNECTION,
    OSH_ENDPOINT_AGREE_REQUEST,
} OshEndpointKeyAgree;

/** OSH_ENDPOINT_OF: the bit of @protocol in a set of protocols. */
#define OSH_ENDPOINT_OF(protocol) (1u << (protocol))

/**
 * OshEndpointKey:
 * @name: the key, or SECTION.MEMBER; of a derived row what messages call it
 * @type: what stands there
 * @offset: of the field of #OshPolicyEndpoint that holds it
 * @absent: (nullable): what it is when it is not written; NULL is off, none or 0
 * @of: protocols whose endpoints hold it, as OSH_ENDPOINT_OF(); 0 is all
 * @traits: #OshEndpointKeyTrait
 * @needs: %OSH_POLICY_ENFORCES_REST and the like: a run that enforces none of them refuses the key;
 *   0 is nothing
 * @written: its place in a written endpoint; 0 is behind all others, in the order of the draft
 * @merge: what a merge does
 * @agree: what two endpoints must agree about
 * @agree_of: protocols that have it as something to agree about; 0 is all
 * @agree_as: (nullable): what the message calls it, when that is not @name
 * @option: (nullable): (transfer full) its value for a plugin; NULL is by @type
 * @text: (nullable): (transfer full) its value to be compared; NULL is by @type
 */
typedef struct {
    const char *name;
    OshEndpointKeyType type;
    gsize offset;
    const char *absent;
    guint of;
    guint traits;
    guint needs;
    guint written;
    OshEndpointKeyMerge merge;
    OshEndpointKeyAgree agree;
    guint agree_of;
    const char *agree_as;
    GVariant *(*option)(const OshPolicyEndpoint *endpoint);
    char *(*text)(const OshPolicyEndpoint *endpoint);
} OshEndpointKey;

/** osh_endpoint_key_at: Returns: (nullable): row @index of the table, NULL behind the last. */
const OshEndpointKey *osh_endpoint_key_at(guint index);

/** osh_endpoint_key_find: Returns: (nullable): the row of the key @name of a file. */
const OshEndpointKey *osh_endpoint_key_find(const char *name);

/** osh_endpoint_key_is_top: Returns: whether @key stands in the endpoint itself. */
gboolean osh_endpoint_key_is_top(const OshEndpointKey *key);

/**
 * osh_endpoint_key_names:
 * @section: (nullable): a section; NULL for the endpoint itself
 *
 * Returns: (transfer container) (array zero-terminated=1): the keys that may stand there
 */
const char **osh_endpoint_key_names(const OshEndpointKey *section);

/** osh_endpoint_key_member: Returns: (nullable): the name of @key in @section, NULL elsewhere. */
const char *osh_endpoint_key_member(const OshEndpointKey *key, const OshEndpointKey *section);

/** osh_endpoint_key_holds: Returns: whether an endpoint of @protocol holds @key. */
gboolean osh_endpoint_key_holds(const OshEndpointKey *key, OshPolicyProtocol protocol);

/** osh_endpoint_key_text: Returns: (transfer full): its value in @endpoint, to be compared. */
char *osh_endpoint_key_text(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint);

/** osh_endpoint_key_switch: Returns: the value of a switch. */
gboolean osh_endpoint_key_switch(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint);

/** osh_endpoint_key_string: Returns: (nullable): the value of a text. */
const char *osh_endpoint_key_string(const OshEndpointKey *key, const OshPolicyEndpoint *endpoint);

/** osh_endpoint_key_field: Returns: (transfer none): where @endpoint holds @key. */
gpointer osh_endpoint_key_field(const OshEndpointKey *key, OshPolicyEndpoint *endpoint);
