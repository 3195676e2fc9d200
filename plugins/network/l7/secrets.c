/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c: asks the credential provider about a message. [shard]. It must never see what a lease
 * stands for, but in osh_secrets_read(), whose caller wipes it.
 */
#include "secrets.h"

#include "driver-private.h"
#include "facts.h"
#include "upgrade.h"

#include <string.h>

#define MAX_INJECTIONS 16

typedef struct {
    guint64 number;
    guint32 context;
    GBytes *text;
    GBytes *forbidden;
} Slot;

/**
 * OshSecrets:
 * @slots: (element-type Slot): as the session named them
 * @answers: (element-type OshL7SlotAnswer): of them
 * @edits: (element-type OshL7Edit): what the head becomes
 * @leases: all that were given
 * @lengths: (element-type guint64): of @leases
 * @n_injected: of @edits, those that the provider asked for
 * @n_granted: of @leases, those that the ledger knows
 * @set: (nullable): what was prepared, by the policy of generation @generation
 * @binding: (nullable): provider that @set was asked for
 * @is_preparing: the provider has not answered
 * @is_leased: slots and injections were asked for
 * @failure: (nullable): why the provider has none
 */
struct _OshSecrets {
    OshMessage *message;
    GArray *slots;
    GArray *answers;
    GArray *edits;
    GPtrArray *leases;
    GArray *lengths;
    guint n_injected;
    guint n_granted;
    OshCredentialSet *set;
    guint64 generation;
    char *binding;
    gboolean is_preparing;
    gboolean is_leased;
    char *failure;
};

static const OshInterface *
provider_of(const OshMessage *message)
{
    const OshProviders *providers = message->driver->connection->shard->network->providers;

    return providers != NULL && providers->credentials.vtable != NULL ? &providers->credentials
                                                                      : NULL;
}

gboolean
osh_secrets_rewrite_content(const OshMessage *message)
{
    gboolean value = FALSE;

    return provider_of(message) != NULL && message->options != NULL &&
           g_variant_lookup(message->options, "request_body_credential_rewrite", "b", &value) &&
           value;
}

static void
slot_clear(gpointer data)
{
    Slot *slot = data;

    g_clear_pointer(&slot->text, g_bytes_unref);
    g_clear_pointer(&slot->forbidden, g_bytes_unref);
}

static OshSecrets *
secrets_of(OshMessage *message)
{
    OshSecrets *secrets = message->secrets;

    if (secrets != NULL)
        return secrets;
    secrets = message->secrets = g_new0(OshSecrets, 1);
    secrets->message = message;
    secrets->slots = g_array_new(FALSE, FALSE, sizeof(Slot));
    g_array_set_clear_func(secrets->slots, slot_clear);
    secrets->answers = g_array_new(FALSE, FALSE, sizeof(OshL7SlotAnswer));
    secrets->edits = g_array_new(FALSE, FALSE, sizeof(OshL7Edit));
    secrets->leases = g_ptr_array_new();
    secrets->lengths = g_array_new(FALSE, FALSE, sizeof(guint64));
    return secrets;
}

void
osh_secrets_add_slot(OshMessage *message, const OshL7Action *action, OshSpan window)
{
    OshSecrets *secrets = secrets_of(message);
    OshSpan text = action->u.slot.bytes.length > 0
                       ? action->u.slot.bytes
                       : (OshSpan){window.data + action->offset, action->length};
    const Slot slot = {
        .number = action->u.slot.slot,
        .context = action->u.slot.context,
        .text = g_bytes_new(text.data, text.length),
        .forbidden = g_bytes_new(action->u.slot.forbidden.data, action->u.slot.forbidden.length),
    };

    g_array_append_val(secrets->slots, slot);
}

static void
secrets_give_back(OshSecrets *secrets)
{
    const OshInterface *provider = provider_of(secrets->message);

    for (guint i = 0; i < secrets->leases->len; i++)
        osh_credential_lease_unref(provider, secrets->leases->pdata[i]);
    g_ptr_array_set_size(secrets->leases, 0);
    g_array_set_size(secrets->lengths, 0);
    g_array_set_size(secrets->answers, 0);
    g_array_set_size(secrets->edits, 0);
    if (secrets->set != NULL)
        osh_credential_set_unref(provider, g_steal_pointer(&secrets->set));
    secrets->is_leased = FALSE;
}

static void
secrets_prepared(OshCredentialSet *set, const GError *error, gpointer data)
{
    OshSecrets *secrets = data;

    secrets->is_preparing = FALSE;
    secrets->set = set;
    if (set == NULL) {
        g_free(secrets->failure);
        secrets->failure = g_strdup(error != NULL ? error->message : "no credential was prepared");
    }
    osh_driver_question_is_due(secrets->message);
}

static char *
path_of(const OshMessage *message)
{
    const OshFact *path =
        osh_facts_find(&message->facts.facts, OSH_FACT_REQUEST_PATH, OSH_FACT_STRING);

    return path != NULL ? g_strndup(path->value.string.data, path->value.string.length) : NULL;
}

/* Returns: (transfer full) (nullable): the provider that the chosen endpoint is bound to. */
static char *
binding_of(const OshMessage *message)
{
    const OshNetworkShard *shard = message->driver->connection->shard;
    g_autoptr(GVariant) binding = osh_policy_interface_endpoint_option(
        &shard->network->policy, shard->snapshot, message->verdict.endpoint,
        "credential_binding.provider");

    return binding != NULL && g_variant_is_of_type(binding, G_VARIANT_TYPE_STRING)
               ? g_variant_dup_string(binding, NULL)
               : NULL;
}

static void
secrets_prepare(OshSecrets *secrets, const OshInterface *provider)
{
    const OshMessage *message = secrets->message;
    const OshConnection *connection = message->driver->connection;
    g_autofree char *path = path_of(message);
    const OshCredentialEndpoint endpoint = {
        .struct_size = sizeof endpoint,
        .host = connection->host,
        .port = connection->port,
        .verified_tls = message->driver->sides[OSH_SERVER_TO_CLIENT].leg.tls != NULL,
        .path = path,
        .binding = binding_of(message),
        .generation = message->verdict.generation,
    };

    secrets_give_back(secrets);
    g_free(secrets->binding);
    secrets->binding = (char *)endpoint.binding;
    secrets->generation = message->verdict.generation;
    secrets->is_preparing = TRUE;
    osh_credential_prepare(provider, &endpoint, secrets_prepared, secrets);
}

static OshLeaseState
secrets_lease(OshSecrets *secrets, OshSpan text, OshSlotContext context, OshSpan forbidden,
              OshLeaseAnswer *answer)
{
    *answer = (OshLeaseAnswer){.struct_size = sizeof *answer};
    osh_credential_lease(provider_of(secrets->message), secrets->set, text, context, forbidden,
                         answer);
    if (answer->state == OSH_LEASE_REPLACED && answer->lease != NULL) {
        g_ptr_array_add(secrets->leases, answer->lease);
        g_array_append_val(secrets->lengths, answer->length);
        return OSH_LEASE_REPLACED;
    }
    return answer->state == OSH_LEASE_UNTOUCHED ? OSH_LEASE_UNTOUCHED : OSH_LEASE_REFUSED;
}

static OshSpan
span_of(GBytes *bytes)
{
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);

    return (OshSpan){data, length};
}

/* Returns: (nullable): why a slot is refused. */
static const char *
secrets_lease_slots(OshSecrets *secrets)
{
    for (guint i = 0; i < secrets->slots->len; i++) {
        const Slot *slot = &g_array_index(secrets->slots, Slot, i);
        OshL7SlotAnswer answer = {.slot = slot->number};
        OshLeaseAnswer lease;

        switch (secrets_lease(secrets, span_of(slot->text), (OshSlotContext)slot->context,
                              span_of(slot->forbidden), &lease)) {
        case OSH_LEASE_UNTOUCHED:
            break;
        case OSH_LEASE_REPLACED:
            answer.disposition = OSH_L7_REPLACED;
            answer.lease = lease.lease;
            answer.length = lease.length;
            break;
        case OSH_LEASE_REFUSED:
        default:
            return lease.reason != NULL ? lease.reason : "a credential may not go there";
        }
        g_array_append_val(secrets->answers, answer);
    }
    return NULL;
}

static const char *
secrets_take_injections(OshSecrets *secrets)
{
    OshInjection injections[MAX_INJECTIONS] = {0};
    gsize n = osh_credential_injections(provider_of(secrets->message), secrets->set, injections,
                                        G_N_ELEMENTS(injections));

    for (gsize i = 0; i < MIN(n, G_N_ELEMENTS(injections)); i++) {
        const OshL7Edit edit = {
            .name = injections[i].name,
            .lease = injections[i].lease,
            .length = injections[i].length,
        };

        g_ptr_array_add(secrets->leases, injections[i].lease);
        g_array_append_val(secrets->lengths, injections[i].length);
        g_array_append_val(secrets->edits, edit);
    }
    secrets->n_injected = secrets->edits->len;
    return n > G_N_ELEMENTS(injections) ? "the endpoint has too many credentials" : NULL;
}

/* Another policy is in force since they were prepared. What the session was given stays as it is
 * until the message ends. Returns: FALSE where that may not be used any more. */
static gboolean
secrets_renew(OshSecrets *secrets, const OshInterface *provider)
{
    g_autofree char *binding = NULL;

    if (secrets->n_granted == 0) {
        secrets_prepare(secrets, provider);
        return TRUE;
    }
    binding = binding_of(secrets->message);
    secrets->generation = secrets->message->verdict.generation;
    return g_strcmp0(binding, secrets->binding) == 0;
}

OshAsked
osh_secrets_ask(OshMessage *message, const char **ret_reason)
{
    const OshInterface *provider = provider_of(message);
    OshSecrets *secrets = message->secrets;

    if (provider == NULL ||
        (secrets == NULL && !message->verdict.credentials && !osh_secrets_rewrite_content(message)))
        return OSH_ASKED_ALLOWED;
    secrets = secrets_of(message);
    if (!secrets->is_preparing && secrets->failure == NULL &&
        (secrets->set == NULL || secrets->generation != message->verdict.generation) &&
        !secrets_renew(secrets, provider))
        secrets->failure = g_strdup("the policy binds another credential to the endpoint now");
    if (secrets->is_preparing)
        return OSH_ASKED_WAITS;
    *ret_reason = secrets->failure;
    if (*ret_reason == NULL && !secrets->is_leased) {
        secrets->is_leased = TRUE;
        *ret_reason = secrets_lease_slots(secrets);
        if (*ret_reason == NULL)
            *ret_reason = secrets_take_injections(secrets);
    }
    return *ret_reason == NULL ? OSH_ASKED_ALLOWED : OSH_ASKED_REFUSED;
}

OshLeaseState
osh_secrets_lease(OshMessage *message, OshSpan text, OshSlotContext context, OshLease **ret_lease,
                  guint64 *ret_length, const char **ret_reason)
{
    static const OshSpan none = {NULL, 0};
    OshLeaseAnswer lease;
    OshLeaseState state;

    if (message->secrets == NULL || message->secrets->set == NULL)
        return OSH_LEASE_UNTOUCHED;
    state = secrets_lease(message->secrets, text, context, none, &lease);
    *ret_lease = lease.lease;
    *ret_length = lease.length;
    *ret_reason = lease.reason != NULL ? lease.reason : "a credential may not go there";
    return state;
}

void
osh_secrets_fill_answer(OshMessage *message, OshL7LedgerEntry *entry, OshL7Answer *answer)
{
    OshSecrets *secrets = message->secrets;

    if (secrets == NULL) {
        if (answer->action != OSH_ACTION_DENY)
            osh_upgrade_fill_answer(message, answer);
        return;
    }
    if (answer->action == OSH_ACTION_DENY) {
        g_array_set_size(secrets->answers, 0);
        g_array_set_size(secrets->edits, 0);
    }
    /* Slots that nobody was asked about are untouched. */
    for (guint i = secrets->answers->len; i < secrets->slots->len; i++) {
        const OshL7SlotAnswer untouched = {
            .slot = g_array_index(secrets->slots, Slot, i).number,
            .disposition = answer->action == OSH_ACTION_DENY ? OSH_L7_REFUSED : OSH_L7_UNTOUCHED,
        };

        g_array_append_val(secrets->answers, untouched);
    }
    for (; answer->action != OSH_ACTION_DENY && secrets->n_granted < secrets->leases->len;
         secrets->n_granted++)
        osh_l7_ledger_grant(entry, secrets->leases->pdata[secrets->n_granted],
                            g_array_index(secrets->lengths, guint64, secrets->n_granted));
    if (answer->action != OSH_ACTION_DENY) {
        /* An answer repeats what the one before it said, once. */
        g_array_set_size(secrets->edits, secrets->n_injected);
        osh_upgrade_add_edits(message, secrets->edits);
    }
    answer->slots = (const OshL7SlotAnswer *)(gpointer)secrets->answers->data;
    answer->n_slots = secrets->answers->len;
    answer->edits = (const OshL7Edit *)(gpointer)secrets->edits->data;
    answer->n_edits = secrets->edits->len;
}

gboolean
osh_secrets_are_valid(const OshMessage *message)
{
    const OshSecrets *secrets = message->secrets;
    gboolean valid = TRUE;
    guint8 byte;

    for (guint i = 0; secrets != NULL && valid && i < secrets->leases->len; i++)
        if (g_array_index(secrets->lengths, guint64, i) > 0)
            valid = osh_secrets_read(message, secrets->leases->pdata[i], 0, &byte, 1);
    explicit_bzero(&byte, sizeof byte);
    return valid;
}

gboolean
osh_secrets_read(const OshMessage *message, OshLease *lease, guint64 offset, guint8 *bytes,
                 gsize length)
{
    const OshInterface *provider = provider_of(message);

    return provider != NULL && osh_credential_read(provider, lease, offset, bytes, length);
}

void
osh_secrets_free(OshSecrets *secrets)
{
    if (secrets->is_preparing)
        osh_credential_cancel(provider_of(secrets->message), secrets);
    if (provider_of(secrets->message) != NULL)
        secrets_give_back(secrets);
    g_array_unref(secrets->slots);
    g_array_unref(secrets->answers);
    g_array_unref(secrets->edits);
    g_ptr_array_unref(secrets->leases);
    g_array_unref(secrets->lengths);
    g_free(secrets->binding);
    g_free(secrets->failure);
    g_free(secrets);
}
