/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in the head of a request of ours: what the provider answers, and what is sent. */
#include "credential-slots.h"

#include <string.h>

typedef struct {
    OshInterface interface;
    OshCredentialFunc done;
    gpointer data;
    gboolean answers_later;
    gboolean has_nothing;
    guint32 state;
    const char *value;
    gboolean revoked;
    guint n_sets;
    guint n_leases;
    guint n_cancelled;
    guint n_ready;
} Provider;

static void
provider_answer(Provider *provider)
{
    g_autoptr(GError) error = g_error_new_literal(OSH_ERROR, OSH_ERROR_TIMEOUT, "no token came");

    provider->n_sets += !provider->has_nothing;
    provider->done(provider->has_nothing ? NULL : (OshCredentialSet *)(gpointer)provider,
                   provider->has_nothing ? error : NULL, provider->data);
}

static void
provider_prepare(gpointer instance, const OshCredentialEndpoint *endpoint, OshCredentialFunc done,
                 gpointer data)
{
    Provider *provider = instance;

    g_assert_cmpstr(endpoint->host, ==, "api.test");
    g_assert_true(endpoint->verified_tls);
    provider->done = done;
    provider->data = data;
    if (!provider->answers_later)
        provider_answer(provider);
}

static void
provider_cancel(gpointer instance, gpointer data)
{
    Provider *provider = instance;

    g_assert_true(data == provider->data);
    provider->n_cancelled++;
}

static void
provider_set_unref(gpointer instance, OshCredentialSet *set)
{
    Provider *provider = instance;

    g_assert_true((gpointer)set == instance);
    provider->n_sets--;
}

static void
provider_lease(gpointer instance, OshCredentialSet *set, OshSpan text, OshSlotContext context,
               OshSpan forbidden, OshLeaseAnswer *answer)
{
    Provider *provider = instance;

    (void)set;
    (void)forbidden;
    g_assert_cmpint(context, ==, OSH_SLOT_HEADER);
    g_assert_cmpuint(text.length, ==, strlen("Bearer PLACE"));
    answer->state = provider->state;
    answer->reason = "not for this endpoint";
    if (provider->state != OSH_LEASE_REPLACED)
        return;
    provider->n_leases++;
    answer->lease = (OshLease *)(gpointer)provider;
    answer->length = strlen(provider->value);
}

static gboolean
provider_read(gpointer instance, OshLease *lease, guint64 offset, guint8 *ret_bytes, gsize length)
{
    Provider *provider = instance;

    (void)lease;
    if (provider->revoked)
        return FALSE;
    memcpy(ret_bytes, provider->value + offset, length);
    return TRUE;
}

static void
provider_lease_unref(gpointer instance, OshLease *lease)
{
    (void)lease;
    ((Provider *)instance)->n_leases--;
}

static const OshCredentialProviderInterface provider_vtable = {
    .struct_size = sizeof(OshCredentialProviderInterface),
    .prepare = provider_prepare,
    .cancel = provider_cancel,
    .set_unref = provider_set_unref,
    .lease = provider_lease,
    .read = provider_read,
    .lease_unref = provider_lease_unref,
};

static void
ready(gpointer data)
{
    ((Provider *)data)->n_ready++;
}

static OshCredentialSlots *
slots_of(Provider *provider, gboolean verified)
{
    static const OshVirtualSlot slot = {"Authorization", "Bearer PLACE", OSH_SLOT_HEADER};
    const OshCredentialEndpoint endpoint = {
        .struct_size = sizeof endpoint, .host = "api.test", .port = 443, .verified_tls = verified};
    g_autoptr(GString) head = g_string_new("GET / HTTP/1.1\r\n");

    provider->interface = (OshInterface){"provider", &provider_vtable, provider};
    return osh_credential_slots_new(&provider->interface, &endpoint, head, &slot, 1, ready,
                                    provider);
}

static const struct {
    const char *name;
    Provider provider;
    gboolean cleartext;
    const char *head;
    const char *problem;
} rows[] = {
    {"replaced",
     {.state = OSH_LEASE_REPLACED, .value = "Bearer secret"},
     .head = "GET / HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n"},
    {"replaced later",
     {.state = OSH_LEASE_REPLACED, .value = "Bearer secret", .answers_later = TRUE},
     .head = "GET / HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n"},
    {"untouched",
     {.state = OSH_LEASE_UNTOUCHED},
     .head = "GET / HTTP/1.1\r\nAuthorization: Bearer PLACE\r\n\r\n"},
    {"refused", {.state = OSH_LEASE_REFUSED}, .problem = "not for this endpoint"},
    {"revoked",
     {.state = OSH_LEASE_REPLACED, .value = "x", .revoked = TRUE},
     .problem = "the credential was revoked"},
    {"with a line end",
     {.state = OSH_LEASE_REPLACED, .value = "a\r\nX: y"},
     .problem = "the credential cannot stand in a header field"},
    {"without one", {.has_nothing = TRUE}, .problem = "no token came"},
    {"in clear",
     {.state = OSH_LEASE_REPLACED, .value = "x"},
     .cleartext = TRUE,
     .problem = "a credential goes over verified TLS alone"},
};

static void
test_slot(gconstpointer data)
{
    guint row = GPOINTER_TO_UINT(data);
    Provider provider = rows[row].provider;
    OshCredentialSlots *slots = slots_of(&provider, !rows[row].cleartext);
    const char *problem;

    if (provider.answers_later) {
        g_assert_false(osh_credential_slots_are_ready(slots, &problem));
        provider_answer(&provider);
    }
    g_assert_true(osh_credential_slots_are_ready(slots, &problem));
    g_assert_cmpstr(problem, ==, rows[row].problem);
    g_assert_cmpuint(provider.n_ready, ==, provider.answers_later);
    if (rows[row].head != NULL)
        g_assert_cmpstr(osh_credential_slots_head(slots).data, ==, rows[row].head);
    osh_credential_slots_free(slots);
    g_assert_cmpuint(provider.n_sets + provider.n_leases + provider.n_cancelled, ==, 0);
}

static void
test_question_is_withdrawn(void)
{
    Provider provider = {.answers_later = TRUE};
    OshCredentialSlots *slots = slots_of(&provider, TRUE);

    osh_credential_slots_free(slots);
    g_assert_cmpuint(provider.n_cancelled, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/credential-slots/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_slot);
    }
    g_test_add_func("/credential-slots/question-is-withdrawn", test_question_is_withdrawn);
    return g_test_run();
}
