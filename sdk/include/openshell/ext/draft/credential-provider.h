/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/draft/credential-provider.h: "openshell.draft.credential-provider/1", secrets that never
 * enter the box.
 *
 * One provider at most. Programs hold placeholders; a protocol plugin says where in a message a
 * credential may stand (a slot) and the driver, that is the data plane, offers the slot's text to
 * the provider, which alone knows what a placeholder looks like. The answer is a lease: how many
 * bytes the text becomes in that context, so that the message can be framed, without the bytes.
 * Only the driver reads a lease, while it writes to an upstream that it dialled and verified.
 *
 * Three questions:
 *   prepare  which credentials are bound to this endpoint, all of one revision? May take long: a
 *            token is fetched, a person asked. Everything after it answers at once.
 *   lease    what does this slot become, in this context?
 *   sign     what do AWS Signature Version 4 headers and chunk signatures become?
 *
 * prepare is called inside an ASK of l7-protocol.h, so that nothing waits behind the answer; one
 * set serves one message. A lease belongs to that message: the driver refuses it in any other,
 * gives it back when the message ends, and writes it towards the server only, behind the check that
 * the endpoint is the one that it dialled.
 *
 * A revision that is revoked makes read fail; the driver then aborts the message before its first
 * byte went out, or the connection when some did.
 */
#pragma once

#include "openshell/fact.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_CREDENTIAL_PROVIDER "openshell.draft.credential-provider/1"

/** OshCredentialSet: the credentials prepared for one endpoint and generation. */
typedef struct _OshCredentialSet OshCredentialSet;
/** OshLease: a credential with its length, pinned to one revision; never its content. */
typedef struct _OshLease OshLease;
/** OshSigning: a signature that is being made over a message. */
typedef struct _OshSigning OshSigning;

/**
 * OshSlotContext: where the text of a slot stands, which fixes how a value is checked and encoded.
 * @OSH_SLOT_HEADER: a header value; no CR, LF, NUL
 * @OSH_SLOT_BASIC: base64 after "Basic "; decoded, replaced, encoded again
 * @OSH_SLOT_PATH: within path segments; percent-encoded, never a separator
 * @OSH_SLOT_QUERY: a query value; percent-encoded strictly
 * @OSH_SLOT_FORM: a value of application/x-www-form-urlencoded
 * @OSH_SLOT_JSON: inside a JSON string, between its quotes
 * @OSH_SLOT_TEXT: plain UTF-8
 * @OSH_SLOT_RAW: bytes as they are, none of @forbidden
 */
typedef enum {
    OSH_SLOT_HEADER = 1,
    OSH_SLOT_BASIC = 2,
    OSH_SLOT_PATH = 3,
    OSH_SLOT_QUERY = 4,
    OSH_SLOT_FORM = 5,
    OSH_SLOT_JSON = 6,
    OSH_SLOT_TEXT = 7,
    OSH_SLOT_RAW = 8,
} OshSlotContext;

/**
 * OshCredentialEndpoint:
 * @struct_size: sizeof(OshCredentialEndpoint) of the caller
 * @host: the host that was dialled, whatever a protocol plugin claims; lower-case
 * @port: likewise
 * @verified_tls: the upstream proved its name
 * @path: (nullable): canonical request path, with placeholders shown as [CREDENTIAL]
 * @binding: (nullable): provider name that the policy's credential_binding asks for
 * @generation: of the policy that chose the endpoint
 */
typedef struct {
    guint32 struct_size;
    const char *host;
    guint16 port;
    gboolean verified_tls;
    const char *path;
    const char *binding;
    guint64 generation;
} OshCredentialEndpoint;

/**
 * OshCredentialFunc:
 * @set: (transfer full) (nullable): what is bound to the endpoint, pinned to one revision; an
 *   empty set where nothing is
 * @error: (nullable): why not: %OSH_ERROR_DENIED, %OSH_ERROR_TIMEOUT, %OSH_ERROR_UNSUPPORTED…;
 *   never holds a secret; borrowed
 */
typedef void (*OshCredentialFunc)(OshCredentialSet *set, const GError *error, gpointer data);

/**
 * OshLeaseState:
 * @OSH_LEASE_UNTOUCHED: the text holds no placeholder: it goes out as it is
 * @OSH_LEASE_REPLACED: the lease stands for the whole text of the slot
 * @OSH_LEASE_REFUSED: it holds one that may not go there; the message is denied
 */
typedef enum {
    OSH_LEASE_UNTOUCHED = 0,
    OSH_LEASE_REPLACED = 1,
    OSH_LEASE_REFUSED = 2,
} OshLeaseState;

/**
 * OshLeaseAnswer:
 * @struct_size: sizeof(OshLeaseAnswer) of the caller
 * @state: an #OshLeaseState
 * @lease: (transfer full) (nullable): for %OSH_LEASE_REPLACED
 * @length: its encoded length in bytes
 * @reason: (nullable): for %OSH_LEASE_REFUSED; constant text that names no secret
 */
typedef struct {
    guint32 struct_size;
    guint32 state;
    OshLease *lease;
    guint64 length;
    const char *reason;
} OshLeaseAnswer;

/**
 * OshInjection:
 * @name: header field name; replaces every field of that name
 * @lease: (transfer full): its value
 * @length: encoded length in bytes
 */
typedef struct {
    const char *name;
    OshLease *lease;
    guint64 length;
} OshInjection;

/**
 * OshSignRequest:
 * @struct_size: sizeof(OshSignRequest) of the caller
 * @service: AWS service name
 * @region: AWS region
 * @method: request method
 * @path: canonical path, as it goes out
 * @query: query without "?", as it goes out
 * @headers: (array length=n_headers): records of {"name": string, "value": string} to sign
 * @n_headers: how many
 * @payload: "body", "unsigned", or "chunks" for aws-chunked with a signature per chunk
 * @payload_sha256: (nullable): lower-case hex for "body"
 * @real_time: microseconds since the epoch for the date header
 *
 * Source: AWS General Reference, Signature Version 4; Amazon S3 API, sigv4-streaming.
 */
typedef struct {
    guint32 struct_size;
    const char *service;
    const char *region;
    const char *method;
    OshSpan path;
    OshSpan query;
    const OshFactRecord *headers;
    gsize n_headers;
    const char *payload;
    const char *payload_sha256;
    gint64 real_time;
} OshSignRequest;

/**
 * OshCredentialProviderInterface:
 * @struct_size: sizeof(OshCredentialProviderInterface) of the provider
 * @prepare: [shard] answers inside the call or later, on the same shard, once
 * @cancel: [shard] the answer to a prepare with this @data is no longer wanted; it is not called
 * @set_unref: [shard] gives back a set; its leases stay valid
 * @lease: [shard] offers the text of a slot; for %OSH_SLOT_RAW, @forbidden are bytes that the
 *   value may not hold
 * @injections: [shard] headers that the endpoint gets besides its slots; they reach the session as
 *   OshL7Answer.edits, and each replaces every field of its name
 * @read: [shard] copies @length bytes of a lease from @offset to @ret_bytes; FALSE when it was
 *   revoked. Called by the driver only, while writing upstream; the driver wipes the copy.
 * @lease_unref: [any] gives back a lease
 * @sign: [shard] starts a signature; fills @ret_headers with the fields to set, in the order in
 *   which they stand, and @ret_n with how many; NULL with @error when it cannot
 * @sign_chunk: [shard] signature of the next chunk, 64 hex digits and a NUL; @sha256 is the
 *   chunk's digest in lower-case hex. FALSE when revoked.
 * @signing_free: [shard] ends a signature
 */
typedef struct {
    guint32 struct_size;
    void (*prepare)(gpointer instance, const OshCredentialEndpoint *endpoint,
                    OshCredentialFunc done, gpointer data);
    void (*cancel)(gpointer instance, gpointer data);
    void (*set_unref)(gpointer instance, OshCredentialSet *set);
    void (*lease)(gpointer instance, OshCredentialSet *set, OshSpan text, OshSlotContext context,
                  OshSpan forbidden, OshLeaseAnswer *answer);
    gsize (*injections)(gpointer instance, OshCredentialSet *set, OshInjection *ret_injections,
                        gsize capacity);
    gboolean (*read)(gpointer instance, OshLease *lease, guint64 offset, guint8 *ret_bytes,
                     gsize length);
    void (*lease_unref)(gpointer instance, OshLease *lease);
    OshSigning *(*sign)(gpointer instance, OshCredentialSet *set, const OshSignRequest *request,
                        OshInjection *ret_headers, gsize capacity, gsize *ret_n, GError **error);
    gboolean (*sign_chunk)(gpointer instance, OshSigning *signing, const char *sha256,
                           char *ret_signature);
    void (*signing_free)(gpointer instance, OshSigning *signing);
} OshCredentialProviderInterface;

/** osh_credential_prepare: [shard] answers with an error where there is no provider function. */
static inline void
osh_credential_prepare(const OshInterface *provider, const OshCredentialEndpoint *endpoint,
                       OshCredentialFunc done, gpointer data)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (osh_can_call(vtable, OshCredentialProviderInterface, prepare)) {
        vtable->prepare(provider->instance, endpoint, done, data);
    } else {
        g_autoptr(GError) error = g_error_new(OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                                              "%s cannot prepare credentials", provider->provider);

        done(NULL, error, data);
    }
}

/** osh_credential_cancel: [shard] see #OshCredentialProviderInterface. */
static inline void
osh_credential_cancel(const OshInterface *provider, gpointer data)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (osh_can_call(vtable, OshCredentialProviderInterface, cancel))
        vtable->cancel(provider->instance, data);
}

/** osh_credential_set_unref: [shard] @set: (transfer full) (nullable). */
static inline void
osh_credential_set_unref(const OshInterface *provider, OshCredentialSet *set)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (set != NULL && osh_can_call(vtable, OshCredentialProviderInterface, set_unref))
        vtable->set_unref(provider->instance, set);
}

/** osh_credential_lease: [shard] refuses where the provider cannot be asked. */
static inline void
osh_credential_lease(const OshInterface *provider, OshCredentialSet *set, OshSpan text,
                     OshSlotContext context, OshSpan forbidden, OshLeaseAnswer *answer)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    answer->state = OSH_LEASE_REFUSED;
    answer->reason = "the credential provider cannot be asked";
    if (set != NULL && osh_can_call(vtable, OshCredentialProviderInterface, lease))
        vtable->lease(provider->instance, set, text, context, forbidden, answer);
}

/** osh_credential_injections: [shard] Returns: how many there are, which may exceed @capacity. */
static inline gsize
osh_credential_injections(const OshInterface *provider, OshCredentialSet *set,
                          OshInjection *ret_injections, gsize capacity)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    return set != NULL && osh_can_call(vtable, OshCredentialProviderInterface, injections)
               ? vtable->injections(provider->instance, set, ret_injections, capacity)
               : 0;
}

/** osh_credential_read: [shard] Returns: FALSE when revoked; nothing was written then. */
static inline gboolean
osh_credential_read(const OshInterface *provider, OshLease *lease, guint64 offset,
                    guint8 *ret_bytes, gsize length)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    return osh_can_call(vtable, OshCredentialProviderInterface, read) &&
           vtable->read(provider->instance, lease, offset, ret_bytes, length);
}

/** osh_credential_lease_unref: [any] @lease: (transfer full) (nullable). */
static inline void
osh_credential_lease_unref(const OshInterface *provider, OshLease *lease)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (lease != NULL && osh_can_call(vtable, OshCredentialProviderInterface, lease_unref))
        vtable->lease_unref(provider->instance, lease);
}

/** osh_credential_sign: [shard] Returns: (transfer full) (nullable): the signature begun. */
static inline OshSigning *
osh_credential_sign(const OshInterface *provider, OshCredentialSet *set,
                    const OshSignRequest *request, OshInjection *ret_headers, gsize capacity,
                    gsize *ret_n, GError **error)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (set == NULL || !osh_can_call(vtable, OshCredentialProviderInterface, sign)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s cannot sign", provider->provider);
        return NULL;
    }
    return vtable->sign(provider->instance, set, request, ret_headers, capacity, ret_n, error);
}

/** osh_credential_sign_chunk: [shard] @ret_signature: an array of at least 65 bytes. */
static inline gboolean
osh_credential_sign_chunk(const OshInterface *provider, OshSigning *signing, const char *sha256,
                          char *ret_signature)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    return osh_can_call(vtable, OshCredentialProviderInterface, sign_chunk) &&
           vtable->sign_chunk(provider->instance, signing, sha256, ret_signature);
}

/** osh_credential_signing_free: [shard] @signing: (transfer full) (nullable). */
static inline void
osh_credential_signing_free(const OshInterface *provider, OshSigning *signing)
{
    const OshCredentialProviderInterface *vtable =
        (const OshCredentialProviderInterface *)provider->vtable;

    if (signing != NULL && osh_can_call(vtable, OshCredentialProviderInterface, signing_free))
        vtable->signing_free(provider->instance, signing);
}

G_END_DECLS
