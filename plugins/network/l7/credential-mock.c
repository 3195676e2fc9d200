/* SPDX-License-Identifier: Apache-2.0 */
/* credential-mock.c: leases are strings of the test, and sets are nothing but a number. */
#include "credential-mock.h"

#include <string.h>

typedef struct {
    OshCredentialFunc done;
    gpointer data;
} Waiting;

/* Its address is a set. */
static char set_of_mock;

static void
mock_answer(CredentialMock *mock, OshCredentialFunc done, gpointer data)
{
    g_autoptr(GError) error = NULL;

    if (mock->error != NULL) {
        error = g_error_new_literal(OSH_ERROR, OSH_ERROR_DENIED, mock->error);
        done(NULL, error, data);
        return;
    }
    mock->n_sets++;
    done((OshCredentialSet *)(gpointer)&set_of_mock, NULL, data);
}

static void
mock_prepare(gpointer instance, const OshCredentialEndpoint *endpoint, OshCredentialFunc done,
             gpointer data)
{
    CredentialMock *mock = instance;
    const Waiting waiting = {done, data};

    mock->n_prepared++;
    g_free(mock->host);
    g_free(mock->path);
    g_free(mock->binding);
    mock->last = *endpoint;
    mock->last.host = mock->host = g_strdup(endpoint->host);
    mock->last.path = mock->path = g_strdup(endpoint->path);
    mock->last.binding = mock->binding = g_strdup(endpoint->binding);
    if (mock->defers)
        g_queue_push_tail(&mock->waiting, g_memdup2(&waiting, sizeof waiting));
    else
        mock_answer(mock, done, data);
}

void
credential_mock_answer(CredentialMock *mock)
{
    g_autofree Waiting *waiting = g_queue_pop_head(&mock->waiting);

    g_assert_nonnull(waiting);
    mock_answer(mock, waiting->done, waiting->data);
}

static void
mock_cancel(gpointer instance, gpointer data)
{
    CredentialMock *mock = instance;

    for (GList *at = mock->waiting.head; at != NULL; at = at->next)
        if (((const Waiting *)at->data)->data == data) {
            g_free(at->data);
            g_queue_delete_link(&mock->waiting, at);
            mock->n_cancelled++;
            return;
        }
    g_error("nobody waits for what was cancelled");
}

static void
mock_set_unref(gpointer instance, OshCredentialSet *set)
{
    g_assert_true((gpointer)set == &set_of_mock);
    ((CredentialMock *)instance)->n_sets--;
}

static void
mock_lease(gpointer instance, OshCredentialSet *set, OshSpan text, OshSlotContext context,
           OshSpan forbidden, OshLeaseAnswer *answer)
{
    CredentialMock *mock = instance;
    g_autofree char *copy = g_strndup(text.data, text.length);
    g_auto(GStrv) parts = g_strsplit(copy, MOCK_PLACEHOLDER, -1);

    (void)forbidden;
    g_assert_true((gpointer)set == &set_of_mock);
    mock->contexts |= 1u << context;
    if (strstr(copy, "FORBIDDEN") != NULL) {
        answer->state = OSH_LEASE_REFUSED;
        answer->reason = "the credential is not for this place";
        return;
    }
    answer->state = OSH_LEASE_UNTOUCHED;
    answer->reason = NULL;
    if (g_strv_length(parts) < 2)
        return;
    answer->state = OSH_LEASE_REPLACED;
    answer->lease = (OshLease *)(gpointer)g_strjoinv(mock->secret, parts);
    answer->length = strlen((const char *)(gpointer)answer->lease);
    mock->n_leases++;
}

static gsize
mock_injections(gpointer instance, OshCredentialSet *set, OshInjection *ret_injections,
                gsize capacity)
{
    CredentialMock *mock = instance;

    (void)set;
    for (guint i = 0; i < MIN(mock->injections, capacity); i++) {
        ret_injections[i] = (OshInjection){
            .name = "Authorization",
            .lease = (OshLease *)(gpointer)g_strdup(mock->secret),
            .length = strlen(mock->secret),
        };
        mock->n_leases++;
    }
    return mock->injections;
}

static gboolean
mock_read(gpointer instance, OshLease *lease, guint64 offset, guint8 *ret_bytes, gsize length)
{
    CredentialMock *mock = instance;
    const char *value = (const char *)(gconstpointer)lease;

    g_assert_cmpuint(offset + length, <=, strlen(value));
    if (mock->is_revoked || (mock->revoked_after != 0 && offset + length > mock->revoked_after))
        return FALSE;
    memcpy(ret_bytes, value + offset, length);
    mock->n_read += length;
    return TRUE;
}

static void
mock_lease_unref(gpointer instance, OshLease *lease)
{
    ((CredentialMock *)instance)->n_leases--;
    g_free(lease);
}

static const OshCredentialProviderInterface mock_vtable = {
    .struct_size = sizeof(OshCredentialProviderInterface),
    .prepare = mock_prepare,
    .cancel = mock_cancel,
    .set_unref = mock_set_unref,
    .lease = mock_lease,
    .injections = mock_injections,
    .read = mock_read,
    .lease_unref = mock_lease_unref,
};

void
credential_mock_begin(CredentialMock *mock, L7World *world)
{
    *mock = (CredentialMock){.secret = "s3cret"};
    g_queue_init(&mock->waiting);
    mock->interface = (OshInterface){"mock", &mock_vtable, mock};
    mock->providers.credentials = mock->interface;
    mock->providers.inspectors = g_hash_table_new(g_str_hash, g_str_equal);
    mock->providers.middlewares = g_hash_table_new(g_str_hash, g_str_equal);
    mock->providers.upgrades = g_hash_table_new(g_str_hash, g_str_equal);
    world->fixture->network.providers = &mock->providers;
}

void
credential_mock_end(CredentialMock *mock)
{
    g_assert_cmpint(mock->n_sets, ==, 0);
    g_assert_cmpint(mock->n_leases, ==, 0);
    g_assert_cmpuint(mock->waiting.length, ==, 0);
    g_hash_table_unref(mock->providers.inspectors);
    g_hash_table_unref(mock->providers.middlewares);
    g_hash_table_unref(mock->providers.upgrades);
    g_free(mock->host);
    g_free(mock->path);
    g_free(mock->binding);
}

void
l7_assert_nowhere(const L7World *world, const char *text)
{
    for (guint i = 0; i < world->fixture->events->len; i++) {
        const OshFixtureEvent *event = world->fixture->events->pdata[i];
        g_autofree char *payload = g_variant_print(event->payload, FALSE);

        g_assert_null(strstr(payload, text));
        g_assert_true(event->collapse_key == NULL || strstr(event->collapse_key, text) == NULL);
    }
}
