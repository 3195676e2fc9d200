/* SPDX-License-Identifier: Apache-2.0 */
/* upgrade.c: what the head says is the session's; whether it will do is the provider's. [shard] */
#include "upgrade.h"

#include "driver-private.h"
#include "facts.h"

#include <openshell/ext/draft/http-upgrade.h>

#include <string.h>

#define SWITCHING_PROTOCOLS 101
#define MAX_FIELDS          128

/**
 * OshUpgrade:
 * @message: (nullable): NULL once it has ended while an answer is due
 * @provider: who speaks the protocol
 * @state: (nullable): the provider's
 * @edits: (array length=n_edits): of @state
 * @asked: an answer is due
 * @judged: by #OshDirection of the head: it was judged
 * @failure: (nullable): why it is refused
 */
struct _OshUpgrade {
    OshMessage *message;
    const OshUpgradeProvider *provider;
    gpointer state;
    const OshL7Edit *edits;
    gsize n_edits;
    gboolean asked;
    gboolean judged[2];
    char *failure;
};

/* Returns: how many; more than @capacity where they do not fit. */
static gsize
fill_fields(const OshFacts *facts, const char *name, OshHttpField *fields, gsize capacity)
{
    const OshFact *fact = osh_facts_find(facts, name, OSH_FACT_RECORDS);
    gsize n = fact != NULL ? fact->count : 0;

    for (gsize i = 0; i < MIN(n, capacity); i++) {
        const OshFactRecord *record = &fact->value.records[i];
        const OshFacts of = {record->fields, record->n_fields};

        fields[i] = (OshHttpField){osh_facts_string(&of, "name"), osh_facts_string(&of, "value")};
    }
    return n;
}

static void
upgrade_fail(OshUpgrade *upgrade, const GError *error, const char *otherwise)
{
    g_free(upgrade->failure);
    upgrade->failure = g_strdup(error != NULL ? error->message : otherwise);
}

/* Returns: whether anybody still waits for it. */
static gboolean
upgrade_answered(OshUpgrade *upgrade)
{
    upgrade->asked = FALSE;
    if (upgrade->message != NULL)
        return TRUE;
    osh_upgrade_free(upgrade);
    return FALSE;
}

static void
request_judged(gpointer state, const OshL7Edit *edits, gsize n_edits, const GError *error,
               gpointer data)
{
    OshUpgrade *upgrade = data;

    upgrade->state = state;
    if (!upgrade_answered(upgrade))
        return;
    upgrade->edits = edits;
    upgrade->n_edits = n_edits;
    upgrade->judged[OSH_CLIENT_TO_SERVER] = TRUE;
    if (state == NULL)
        upgrade_fail(upgrade, error, "the request cannot be upgraded");
    osh_driver_question_is_due(upgrade->message);
}

static void
response_judged(const GError *error, gpointer data)
{
    OshUpgrade *upgrade = data;

    if (!upgrade_answered(upgrade))
        return;
    upgrade->judged[OSH_SERVER_TO_CLIENT] = TRUE;
    if (error != NULL)
        upgrade_fail(upgrade, error, NULL);
    osh_driver_question_is_due(upgrade->message);
}

static void
upgrade_judge(OshUpgrade *upgrade)
{
    const OshMessage *message = upgrade->message;
    gboolean is_request = message->direction == OSH_CLIENT_TO_SERVER;
    const OshFacts *facts = is_request ? &message->facts.facts : &message->response.facts;
    const OshFact *status = osh_facts_find(facts, OSH_FACT_RESPONSE_STATUS, OSH_FACT_INTEGER);
    OshHttpField fields[MAX_FIELDS];
    OshHttpHead head = {
        .struct_size = sizeof head,
        .method = osh_facts_string(facts, OSH_FACT_REQUEST_METHOD),
        .path = osh_facts_string(facts, OSH_FACT_REQUEST_PATH),
        .status = is_request || status == NULL ? 0 : (guint32)status->value.integer,
        .fields = fields,
        .facts = facts,
    };

    head.n_fields =
        fill_fields(facts, is_request ? OSH_FACT_REQUEST_HEADERS : OSH_FACT_RESPONSE_HEADERS,
                    fields, G_N_ELEMENTS(fields));
    if (head.n_fields > G_N_ELEMENTS(fields)) {
        upgrade->judged[message->direction] = TRUE;
        upgrade_fail(upgrade, NULL, "too many header fields for an upgrade");
        return;
    }
    upgrade->asked = TRUE;
    if (is_request)
        osh_http_upgrade_request(&upgrade->provider->upgrade, &head, message->options,
                                 request_judged, upgrade);
    else
        osh_http_upgrade_response(&upgrade->provider->upgrade, upgrade->state, &head,
                                  response_judged, upgrade);
}

/* Returns: (nullable): who speaks what the request asks for. */
static const OshUpgradeProvider *
find_provider(const OshMessage *message)
{
    const OshProviders *providers = message->driver->connection->shard->network->providers;
    OshSpan token = osh_facts_string(&message->facts.facts, OSH_FACT_REQUEST_UPGRADE);
    g_autofree char *name = NULL;

    if (providers == NULL || token.length == 0)
        return NULL;
    name = g_strndup(token.data, token.length);
    return g_hash_table_lookup(providers->upgrades, name);
}

static gboolean
provider_speaks(const OshUpgradeProvider *provider, const char *protocol)
{
    const char *const *names = osh_l7_protocols(&provider->protocol);

    return protocol != NULL && names != NULL && g_strv_contains(names, protocol);
}

/* Returns: (nullable): who speaks @protocol, which begins with an upgrade. */
static const OshUpgradeProvider *
find_speaker(const OshMessage *message, const char *protocol)
{
    const OshProviders *providers = message->driver->connection->shard->network->providers;
    GHashTableIter all;
    gpointer provider;

    if (providers == NULL)
        return NULL;
    g_hash_table_iter_init(&all, providers->upgrades);
    while (g_hash_table_iter_next(&all, NULL, &provider))
        if (provider_speaks(provider, protocol))
            return provider;
    return NULL;
}

gboolean
osh_upgrade_is_served(const OshMessage *message, const char **ret_reason)
{
    const OshVerdict *verdict = &message->verdict;
    const OshUpgradeProvider *needed = find_speaker(message, verdict->protocol);
    gboolean asks = osh_facts_string(&message->facts.facts, OSH_FACT_REQUEST_UPGRADE).length > 0;

    /* A message of the protocol itself, or a response whose request was served. */
    if ((needed != NULL && message->driver->protocol == &needed->protocol) ||
        message->direction == OSH_SERVER_TO_CLIENT)
        return TRUE;
    if (needed != NULL && !asks)
        *ret_reason = "the endpoint requires a valid WebSocket upgrade";
    else if (asks && (needed == NULL || needed != find_provider(message)))
        *ret_reason = "the endpoint does not allow to change the protocol (Upgrade)";
    else
        return TRUE;
    /* Where no endpoint was chosen the policy has the better words. */
    return verdict->action == OSH_ACTION_DENY &&
           (verdict->protocol == NULL || verdict->protocol[0] == '\0');
}

gboolean
osh_upgrade_is_agreed(const OshMessage *message)
{
    return message->upgrade != NULL && message->upgrade->state != NULL;
}

OshAsked
osh_upgrade_ask(OshMessage *message, const char **ret_reason)
{
    OshUpgrade *upgrade = message->upgrade;
    const OshUpgradeProvider *provider;

    if (upgrade == NULL) {
        provider = message->direction == OSH_CLIENT_TO_SERVER ? find_provider(message) : NULL;
        if (provider == NULL)
            return OSH_ASKED_ALLOWED;
        upgrade = message->upgrade = g_new0(OshUpgrade, 1);
        upgrade->message = message;
        upgrade->provider = provider;
    }
    if (!upgrade->judged[message->direction] && !upgrade->asked)
        upgrade_judge(upgrade);
    if (upgrade->asked)
        return OSH_ASKED_WAITS;
    *ret_reason = upgrade->failure;
    return upgrade->failure == NULL ? OSH_ASKED_ALLOWED : OSH_ASKED_REFUSED;
}

void
osh_upgrade_add_edits(const OshMessage *message, GArray *edits)
{
    if (message->upgrade != NULL && message->upgrade->n_edits > 0)
        g_array_append_vals(edits, message->upgrade->edits, (guint)message->upgrade->n_edits);
}

void
osh_upgrade_fill_answer(const OshMessage *message, OshL7Answer *answer)
{
    if (message->upgrade == NULL)
        return;
    answer->edits = message->upgrade->edits;
    answer->n_edits = message->upgrade->n_edits;
}

gpointer
osh_upgrade_open(OshMessage *message, const OshL7Connection *connection,
                 const OshInterface **ret_protocol, const OshL7Declaration **ret_declared,
                 GError **error)
{
    OshUpgrade *upgrade = message->upgrade;

    if (upgrade == NULL || upgrade->state == NULL || !upgrade->judged[OSH_SERVER_TO_CLIENT]) {
        g_set_error_literal(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                            "no plugin has agreed to the upgrade");
        return NULL;
    }
    *ret_protocol = &upgrade->provider->protocol;
    *ret_declared = upgrade->provider->declaration;
    return osh_http_upgrade_open(&upgrade->provider->upgrade, g_steal_pointer(&upgrade->state),
                                 connection, error);
}

void
osh_upgrade_free(OshUpgrade *upgrade)
{
    gboolean owns_answer = upgrade->asked && upgrade->state == NULL;

    if (upgrade->state != NULL)
        osh_http_upgrade_state_free(&upgrade->provider->upgrade, g_steal_pointer(&upgrade->state));
    upgrade->message = NULL;
    /* Without a state there is nothing by which the provider could be told; its answer comes. */
    if (owns_answer)
        return;
    g_free(upgrade->failure);
    g_free(upgrade);
}
