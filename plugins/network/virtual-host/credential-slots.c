/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential-slots.c: asks the provider about the endpoint that was dialled, and writes what it
 * answers into the head. [shard]
 *
 * Towards verified TLS alone (security rule 9, credential slots). The plugin that named the slot
 * never sees what stands in it; the memory is wiped.
 */
#include "credential-slots.h"

#include <string.h>

struct _OshCredentialSlots {
    const OshInterface *provider;
    GString *head;
    const OshVirtualSlot *slots;
    gsize n_slots;
    OshCallback ready;
    gpointer data;
    char *problem;
    gboolean is_asking; /* inside prepare() */
    gboolean is_ready;
};

/* A GString would leave a copy behind where it grows: space is made first, and the old memory is
 * wiped. */
static char *
slots_extend(OshCredentialSlots *slots, gsize length)
{
    GString *larger = g_string_sized_new(slots->head->len + length + 1);

    g_string_append_len(larger, slots->head->str, (gssize)slots->head->len);
    explicit_bzero(slots->head->str, slots->head->allocated_len);
    g_string_free(slots->head, TRUE);
    slots->head = larger;
    larger->len += length;
    larger->str[larger->len] = '\0';
    return larger->str + larger->len - length;
}

static void
slots_add(OshCredentialSlots *slots, const char *text)
{
    gsize length = strlen(text);

    memcpy(slots_extend(slots, length), text, length);
}

/* Returns: (nullable): why @slot may not be sent; constant. */
static const char *
slots_fill(OshCredentialSlots *slots, const OshVirtualSlot *slot, OshCredentialSet *set)
{
    OshLeaseAnswer answer = {.struct_size = sizeof answer};
    const char *problem = NULL;
    char *value;

    osh_credential_lease(slots->provider, set, osh_span(slot->text), (OshSlotContext)slot->context,
                         (OshSpan){NULL, 0}, &answer);
    if (answer.state == OSH_LEASE_REFUSED)
        return answer.reason != NULL ? answer.reason : "the credential may not go there";
    slots_add(slots, slot->field);
    slots_add(slots, ": ");
    if (answer.state == OSH_LEASE_UNTOUCHED) {
        slots_add(slots, slot->text);
    } else {
        value = slots_extend(slots, answer.length);
        if (!osh_credential_read(slots->provider, answer.lease, 0, (guint8 *)value, answer.length))
            problem = "the credential was revoked";
        else if (memchr(value, '\r', answer.length) != NULL ||
                 memchr(value, '\n', answer.length) != NULL ||
                 memchr(value, '\0', answer.length) != NULL)
            problem = "the credential cannot stand in a header field";
        osh_credential_lease_unref(slots->provider, answer.lease);
    }
    slots_add(slots, "\r\n");
    return problem;
}

static void
slots_prepared(OshCredentialSet *set, const GError *error, gpointer data)
{
    OshCredentialSlots *slots = data;

    if (set == NULL)
        slots->problem = g_strdup(error != NULL ? error->message : "there are no credentials");
    for (gsize i = 0; i < slots->n_slots && slots->problem == NULL; i++)
        slots->problem = g_strdup(slots_fill(slots, &slots->slots[i], set));
    slots_add(slots, "\r\n");
    osh_credential_set_unref(slots->provider, set);
    slots->is_ready = TRUE;
    if (!slots->is_asking)
        slots->ready(slots->data);
}

OshCredentialSlots *
osh_credential_slots_new(const OshInterface *provider, const OshCredentialEndpoint *endpoint,
                         const GString *head, const OshVirtualSlot *given, gsize n_slots,
                         OshCallback ready, gpointer data)
{
    OshCredentialSlots *slots = g_new0(OshCredentialSlots, 1);

    slots->provider = provider;
    slots->head = g_string_new_len(head->str, (gssize)head->len);
    slots->slots = given;
    slots->n_slots = n_slots;
    slots->ready = ready;
    slots->data = data;
    slots->is_ready = TRUE;
    if (n_slots == 0)
        g_string_append(slots->head, "\r\n");
    else if (provider->vtable == NULL)
        slots->problem = g_strdup("there is no credential provider");
    else if (!endpoint->verified_tls)
        slots->problem = g_strdup("a credential goes over verified TLS alone");
    else {
        slots->is_ready = FALSE;
        slots->is_asking = TRUE;
        osh_credential_prepare(provider, endpoint, slots_prepared, slots);
        slots->is_asking = FALSE;
    }
    return slots;
}

gboolean
osh_credential_slots_are_ready(const OshCredentialSlots *slots, const char **ret_problem)
{
    *ret_problem = slots->problem;
    return slots->is_ready;
}

OshSpan
osh_credential_slots_head(const OshCredentialSlots *slots)
{
    return (OshSpan){slots->head->str, slots->head->len};
}

void
osh_credential_slots_free(OshCredentialSlots *slots)
{
    if (!slots->is_ready)
        osh_credential_cancel(slots->provider, slots);
    explicit_bzero(slots->head->str, slots->head->allocated_len);
    g_string_free(slots->head, TRUE);
    g_free(slots->problem);
    g_free(slots);
}
