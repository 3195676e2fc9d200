/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential-mock.h: a credential provider that does what a test has set, and counts what it gave
 * out. Of one test at a time.
 *
 * Its placeholder is "PLACEHOLDER"; "FORBIDDEN" may not go out.
 */
#pragma once

#include "l7-fixture.h"
#include "protocols.h"

#include <openshell/ext/draft/credential-provider.h>

G_BEGIN_DECLS

/** MOCK_PLACEHOLDER: what becomes CredentialMock.secret. */
#define MOCK_PLACEHOLDER "PLACEHOLDER"

/**
 * CredentialMock:
 * @secret: what the placeholder becomes
 * @defers: prepare does not answer before credential_mock_answer()
 * @is_revoked: read fails
 * @revoked_after: bytes that read gives before it fails; 0 where it does not
 * @error: (nullable): what prepare answers
 * @injections: how many header fields the endpoint gets
 * @last: of the newest prepare; its text is copied
 */
typedef struct {
    OshInterface interface;
    OshProviders providers;
    const char *secret;
    gboolean defers;
    gboolean is_revoked;
    gsize revoked_after;
    const char *error;
    guint injections;
    guint n_prepared;
    guint n_cancelled;
    gint n_sets;
    gint n_leases;
    gsize n_read;
    guint contexts;
    GQueue waiting;
    OshCredentialEndpoint last;
    char *host;
    char *path;
    char *binding;
} CredentialMock;

/** credential_mock_begin: @world's network has it as its provider. */
void credential_mock_begin(CredentialMock *mock, L7World *world);

/** credential_mock_answer: answers the oldest prepare that waits. */
void credential_mock_answer(CredentialMock *mock);

/** credential_mock_end: asserts that everything was given back. */
void credential_mock_end(CredentialMock *mock);

/** l7_assert_nowhere: @text is in no event of @world. */
void l7_assert_nowhere(const L7World *world, const char *text);

G_END_DECLS
