/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential-provider contract, lived through: a provider that knows one placeholder, and a
 * driver that frames a message by a lease's length before it reads a byte of it.
 */
#include "openshell/ext/draft/credential-provider.h"

#define PLACEHOLDER "openshell:resolve:env:TOKEN"

struct _OshCredentialSet {
    gint references;
};

struct _OshLease {
    char *value;
};

struct _OshSigning {
    guint chunks;
};

typedef struct {
    gboolean revoked;
    guint sets;
    guint leases;
    OshCredentialFunc pending;
    gpointer pending_data;
} Provider;

static void
provider_prepare(gpointer instance, const OshCredentialEndpoint *endpoint, OshCredentialFunc done,
                 gpointer data)
{
    Provider *provider = instance;

    if (!endpoint->verified_tls) {
        g_autoptr(GError) error =
            g_error_new(OSH_ERROR, OSH_ERROR_DENIED, "credentials go to verified upstreams only");

        done(NULL, error, data);
        return;
    }
    provider->pending = done;
    provider->pending_data = data;
}

static void
provider_finish(Provider *provider)
{
    OshCredentialFunc done = provider->pending;
    OshCredentialSet *set = g_new0(OshCredentialSet, 1);

    provider->pending = NULL;
    provider->sets++;
    done(set, NULL, provider->pending_data);
}

static void
provider_cancel(gpointer instance, gpointer data)
{
    Provider *provider = instance;

    if (provider->pending_data == data)
        provider->pending = NULL;
}

static void
provider_set_unref(gpointer instance, OshCredentialSet *set)
{
    Provider *provider = instance;

    provider->sets--;
    g_free(set);
}

static OshLease *
provider_lease_new(Provider *provider, const char *value)
{
    OshLease *lease = g_new0(OshLease, 1);

    provider->leases++;
    lease->value = g_strdup(value);
    return lease;
}

static void
provider_lease(gpointer instance, OshCredentialSet *set, OshSpan text, OshSlotContext context,
               OshSpan forbidden, OshLeaseAnswer *answer)
{
    (void)set;
    (void)forbidden;
    answer->state = OSH_LEASE_UNTOUCHED;
    answer->reason = NULL;
    if (g_strstr_len(text.data, (gssize)text.length, PLACEHOLDER) == NULL)
        return;
    if (context == OSH_SLOT_PATH) {
        answer->state = OSH_LEASE_REFUSED;
        answer->reason = "this credential may not stand in a path";
        return;
    }
    answer->state = OSH_LEASE_REPLACED;
    answer->lease = provider_lease_new(instance, "Bearer s3cret");
    answer->length = strlen(answer->lease->value);
}

static gsize
provider_injections(gpointer instance, OshCredentialSet *set, OshInjection *ret_injections,
                    gsize capacity)
{
    (void)set;
    if (capacity > 0)
        ret_injections[0] =
            (OshInjection){"x-api-key", provider_lease_new(instance, "injected"), 8};
    return 1;
}

static gboolean
provider_read(gpointer instance, OshLease *lease, guint64 offset, guint8 *ret_bytes, gsize length)
{
    Provider *provider = instance;

    if (provider->revoked)
        return FALSE;
    memcpy(ret_bytes, lease->value + offset, length);
    return TRUE;
}

static void
provider_lease_unref(gpointer instance, OshLease *lease)
{
    Provider *provider = instance;

    provider->leases--;
    g_free(lease->value);
    g_free(lease);
}

static OshSigning *
provider_sign(gpointer instance, OshCredentialSet *set, const OshSignRequest *request,
              OshInjection *ret_headers, gsize capacity, gsize *ret_n, GError **error)
{
    (void)set;
    if (request->region[0] == '\0') {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "no region");
        return NULL;
    }
    g_assert_cmpuint(capacity, >=, 1);
    ret_headers[0] = (OshInjection){"authorization", provider_lease_new(instance, "AWS4 x"), 6};
    *ret_n = 1;
    return g_new0(OshSigning, 1);
}

static gboolean
provider_sign_chunk(gpointer instance, OshSigning *signing, const char *sha256, char *ret_signature)
{
    Provider *provider = instance;

    g_assert_cmpuint(strlen(sha256), ==, 64);
    memset(ret_signature, (int)('a' + signing->chunks++), 64);
    ret_signature[64] = '\0';
    return !provider->revoked;
}

static void
provider_signing_free(gpointer instance, OshSigning *signing)
{
    (void)instance;
    g_free(signing);
}

static const OshCredentialProviderInterface provider_vtable = {
    .struct_size = sizeof(OshCredentialProviderInterface),
    .prepare = provider_prepare,
    .cancel = provider_cancel,
    .set_unref = provider_set_unref,
    .lease = provider_lease,
    .injections = provider_injections,
    .read = provider_read,
    .lease_unref = provider_lease_unref,
    .sign = provider_sign,
    .sign_chunk = provider_sign_chunk,
    .signing_free = provider_signing_free,
};

typedef struct {
    OshCredentialSet *set;
    guint answers;
    guint refusals;
} Driver;

static void
driver_prepared(OshCredentialSet *set, const GError *error, gpointer data)
{
    Driver *driver = data;

    g_assert_true((set == NULL) == (error != NULL));
    driver->set = set;
    driver->answers++;
    driver->refusals += error != NULL;
}

static const OshCredentialEndpoint endpoint = {
    .struct_size = sizeof(OshCredentialEndpoint),
    .host = "api.example.com",
    .port = 443,
    .verified_tls = TRUE,
};

static void
test_message_is_framed_by_length_and_filled_while_writing(void)
{
    Provider state = {0};
    OshInterface provider = {"test", &provider_vtable, &state};
    Driver driver = {0};
    OshLeaseAnswer answer = {.struct_size = sizeof(OshLeaseAnswer)};
    OshInjection injection;
    guint8 bytes[16] = {0};

    osh_credential_prepare(&provider, &endpoint, driver_prepared, &driver);
    g_assert_cmpuint(driver.answers, ==, 0);
    provider_finish(&state);
    g_assert_nonnull(driver.set);
    osh_credential_lease(&provider, driver.set, OSH_SPAN_LITERAL("Bearer " PLACEHOLDER),
                         OSH_SLOT_HEADER, (OshSpan){NULL, 0}, &answer);
    g_assert_cmpuint(answer.state, ==, OSH_LEASE_REPLACED);
    g_assert_cmpuint(answer.length, ==, 13);
    osh_credential_set_unref(&provider, driver.set);
    g_assert_true(osh_credential_read(&provider, answer.lease, 0, bytes, 6));
    g_assert_true(osh_credential_read(&provider, answer.lease, 6, bytes + 6, 7));
    g_assert_cmpstr((char *)bytes, ==, "Bearer s3cret");
    state.revoked = TRUE;
    g_assert_false(osh_credential_read(&provider, answer.lease, 0, bytes, 6));
    osh_credential_lease_unref(&provider, answer.lease);
    state.sets = 1;
    g_assert_cmpuint(
        osh_credential_injections(&provider, (OshCredentialSet *)&state, &injection, 1), ==, 1);
    g_assert_cmpstr(injection.name, ==, "x-api-key");
    osh_credential_lease_unref(&provider, injection.lease);
    g_assert_cmpuint(state.leases, ==, 0);
}

static void
test_context_and_plain_text_are_told_apart(void)
{
    Provider state = {0};
    OshInterface provider = {"test", &provider_vtable, &state};
    OshCredentialSet set = {0};
    OshLeaseAnswer answer = {.struct_size = sizeof(OshLeaseAnswer)};

    osh_credential_lease(&provider, &set, OSH_SPAN_LITERAL("nothing here"), OSH_SLOT_PATH,
                         (OshSpan){NULL, 0}, &answer);
    g_assert_cmpuint(answer.state, ==, OSH_LEASE_UNTOUCHED);
    osh_credential_lease(&provider, &set, OSH_SPAN_LITERAL("/bot" PLACEHOLDER), OSH_SLOT_PATH,
                         (OshSpan){NULL, 0}, &answer);
    g_assert_cmpuint(answer.state, ==, OSH_LEASE_REFUSED);
    g_assert_nonnull(answer.reason);
}

static void
test_cancelled_prepare_is_not_answered(void)
{
    Provider state = {0};
    OshInterface provider = {"test", &provider_vtable, &state};
    Driver driver = {0};

    osh_credential_prepare(&provider, &endpoint, driver_prepared, &driver);
    osh_credential_cancel(&provider, &driver);
    g_assert_null(state.pending);
    g_assert_cmpuint(driver.answers, ==, 0);
}

static void
test_signature_covers_headers_and_each_chunk(void)
{
    Provider state = {0};
    OshInterface provider = {"test", &provider_vtable, &state};
    OshCredentialSet set = {0};
    OshSignRequest request = {.struct_size = sizeof(OshSignRequest),
                              .service = "s3",
                              .region = "eu-west-1",
                              .method = "PUT",
                              .payload = "chunks"};
    OshInjection headers[4];
    gsize n = 0;
    char signature[65];
    char sha256[65];
    g_autoptr(GError) error = NULL;
    OshSigning *signing = osh_credential_sign(&provider, &set, &request, headers, 4, &n, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(n, ==, 1);
    memset(sha256, '0', 64);
    sha256[64] = '\0';
    g_assert_true(osh_credential_sign_chunk(&provider, signing, sha256, signature));
    g_assert_cmpuint(strlen(signature), ==, 64);
    osh_credential_lease_unref(&provider, headers[0].lease);
    osh_credential_signing_free(&provider, signing);
    request.region = "";
    g_assert_null(osh_credential_sign(&provider, &set, &request, headers, 4, &n, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_INVALID);
}

static void
test_missing_functions_refuse(void)
{
    static const OshCredentialProviderInterface small = {.struct_size = sizeof(guint32)};
    OshInterface provider = {"old", &small, NULL};
    OshCredentialSet set = {0};
    OshLeaseAnswer answer = {.struct_size = sizeof(OshLeaseAnswer)};
    Driver driver = {0};
    guint8 byte;
    gsize n;
    g_autoptr(GError) error = NULL;

    osh_credential_prepare(&provider, &endpoint, driver_prepared, &driver);
    g_assert_cmpuint(driver.refusals, ==, 1);
    osh_credential_lease(&provider, &set, OSH_SPAN_LITERAL("x"), OSH_SLOT_TEXT, (OshSpan){NULL, 0},
                         &answer);
    g_assert_cmpuint(answer.state, ==, OSH_LEASE_REFUSED);
    g_assert_false(osh_credential_read(&provider, NULL, 0, &byte, 1));
    g_assert_null(osh_credential_sign(&provider, &set, NULL, NULL, 0, &n, &error));
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/credential-provider/message-is-framed-by-length-and-filled-while-writing",
                    test_message_is_framed_by_length_and_filled_while_writing);
    g_test_add_func("/sdk/credential-provider/context-and-plain-text-are-told-apart",
                    test_context_and_plain_text_are_told_apart);
    g_test_add_func("/sdk/credential-provider/cancelled-prepare-is-not-answered",
                    test_cancelled_prepare_is_not_answered);
    g_test_add_func("/sdk/credential-provider/signature-covers-headers-and-each-chunk",
                    test_signature_covers_headers_and_each_chunk);
    g_test_add_func("/sdk/credential-provider/missing-functions-refuse",
                    test_missing_functions_refuse);
    return g_test_run();
}
