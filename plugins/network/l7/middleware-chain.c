/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-chain.c: runs the policy's middlewares over the content of a message, and over that of
 * its response, in their order. [shard]
 *
 * One is asked at a time, with what the one before it left, and has until its deadline to answer.
 * It never sees a secret of ours: placeholders are replaced after the last one has answered. What
 * one changes in a request is decided again before the next is asked.
 *
 * Entries are borrowed from the policy in force only inside a call; what is needed while an answer
 * is due is copied.
 */
#include "middleware-chain.h"

#include "driver-private.h"
#include "judge.h"
#include "protocols.h"

#include <openshell/ext/draft/middleware.h>

#include <string.h>

/* Evaluations that a shard has open at once: a middleware that does not answer must not hold
 * memory without end. */
#define MAX_OPEN  96
#define MAX_CODE  64
#define MAX_NOTES 1024
/* All entries together. */
#define CHAIN_TIME (30 * G_TIME_SPAN_SECOND)

/**
 * OshMiddlewareChain:
 * @side: whose content they are asked about
 * @basis: what tells the entries that are asked from those of another policy
 * @next: number of the entry that is asked next
 * @fingerprint: of those that were asked
 * @original: (nullable): the content before the first change
 * @provider: of what is asked
 * @name: (nullable): its entry
 * @fail_open: it may be passed over
 * @is_open: its answer is due
 * @is_asking: inside the call that asks it
 * @has_answer: @outcome, @code and @content are its answer
 * @deadline: of the answer
 * @ends_by: of all answers together; 0 before the first was asked for
 * @notes: (nullable): for the event
 * @reason: (nullable): of the refusal
 */
struct _OshMiddlewareChain {
    OshMessage *message;
    OshDirection side;
    guint64 basis;
    guint next;
    guint64 fingerprint;
    GBytes *original;
    OshInterface provider;
    char *name;
    gboolean fail_open;
    gboolean is_open;
    gboolean is_asking;
    gboolean has_answer;
    OshMiddlewareOutcome outcome;
    char *code;
    GBytes *content;
    gint64 deadline;
    gint64 ends_by;
    GString *notes;
    char *reason;
};

static OshNetworkShard *
shard_of(const OshMessage *message)
{
    return message->driver->connection->shard;
}

static const OshInterface *
provider_of(const OshMessage *message, const char *implementation)
{
    const OshProviders *providers = shard_of(message)->network->providers;

    return providers != NULL ? g_hash_table_lookup(providers->middlewares, implementation) : NULL;
}

static gboolean
is_http(const OshMessage *message)
{
    const OshDriver *driver = message->driver;
    const OshNetworkProtocol *protocol =
        osh_network_protocol(driver->connection->shard->network, driver->protocol_name);

    return protocol != NULL && protocol->is_http && !driver->is_upgraded;
}

/* Of one that nobody serves the request says that it has failed. */
static gboolean
is_asked_about(const OshMessage *message, const OshPolicyMiddleware *entry, OshDirection side)
{
    const OshInterface *provider = provider_of(message, entry->implementation);
    guint32 operations =
        provider != NULL ? osh_middleware_operations(provider, entry->implementation, entry->config)
                         : (guint32)OSH_MIDDLEWARE_REQUESTS;

    return side == OSH_CLIENT_TO_SERVER ? (operations & OSH_MIDDLEWARE_REQUESTS) != 0
                                        : (operations & OSH_MIDDLEWARE_RESPONSES) != 0;
}

/* Returns: (nullable): the first entry from number @index on that is asked about what comes from
 * @side; @index becomes its number. */
static const OshPolicyMiddleware *
entry_from(const OshMessage *message, OshDirection side, guint *index)
{
    const OshConnection *connection = message->driver->connection;
    const OshPolicyMiddleware *entry;

    if (side == OSH_SERVER_TO_CLIENT && !is_http(message))
        return NULL;
    while ((entry = osh_policy_interface_middleware(&connection->shard->network->policy,
                                                    connection->shard->snapshot, connection->host,
                                                    *index)) != NULL &&
           !is_asked_about(message, entry, side))
        (*index)++;
    return entry;
}

gboolean
osh_middleware_applies(const OshMessage *message, OshDirection side)
{
    guint index = 0;

    return entry_from(message, side, &index) != NULL;
}

static guint64
fingerprint_add(guint64 fingerprint, const OshPolicyMiddleware *entry)
{
    return (fingerprint ^ entry->fingerprint) * G_GUINT64_CONSTANT(1099511628211);
}

guint64
osh_middleware_fingerprint(const OshMessage *message, OshDirection side)
{
    const OshPolicyMiddleware *entry;
    guint64 fingerprint = 0;

    for (guint i = 0; (entry = entry_from(message, side, &i)) != NULL; i++)
        fingerprint = fingerprint_add(fingerprint, entry);
    return fingerprint;
}

gboolean
osh_middleware_is_current(const OshMessage *message)
{
    const OshMiddlewareChain *chain = message->chains[OSH_CLIENT_TO_SERVER];

    return osh_middleware_fingerprint(message, OSH_CLIENT_TO_SERVER) ==
           (chain != NULL ? chain->fingerprint : 0);
}

/* A request is decided by one generation. Of a response no verdict tells. */
static guint64
basis_of(const OshMessage *message, OshDirection side)
{
    return side == OSH_CLIENT_TO_SERVER ? message->verdict.generation
                                        : osh_middleware_fingerprint(message, side);
}

/* --- One answer --------------------------------------------------------------------------------
 */

/* A word that may be shown to the client: what a middleware says is otherwise free text. */
static char *
code_of(const char *code)
{
    gsize length = code != NULL ? strlen(code) : 0;

    return length > 0 && length <= MAX_CODE &&
                   strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == length
               ? g_strdup(code)
               : NULL;
}

static void
answer_clear(OshMiddlewareChain *chain)
{
    if (chain->is_open)
        shard_of(chain->message)->open_middlewares--;
    chain->is_open = FALSE;
    chain->has_answer = FALSE;
    g_clear_pointer(&chain->code, g_free);
    g_clear_pointer(&chain->content, g_bytes_unref);
    g_clear_pointer(&chain->name, g_free);
}

static void
answer_take(OshMiddlewareChain *chain, OshMiddlewareOutcome outcome, const char *code,
            GBytes *content)
{
    if (chain->is_open)
        shard_of(chain->message)->open_middlewares--;
    chain->is_open = FALSE;
    chain->has_answer = TRUE;
    chain->outcome = outcome;
    chain->code = code_of(code);
    if (outcome == OSH_MIDDLEWARE_REPLACE && content == NULL) {
        chain->outcome = OSH_MIDDLEWARE_FAILED;
    } else if (outcome == OSH_MIDDLEWARE_REPLACE &&
               g_bytes_get_size(content) > OSH_MIDDLEWARE_CONTENT_MAX) {
        chain->outcome = OSH_MIDDLEWARE_FAILED;
        g_free(chain->code);
        chain->code = g_strdup("replacement_too_large");
    } else if (outcome == OSH_MIDDLEWARE_REPLACE) {
        chain->content = g_bytes_ref(content);
    }
    if (!chain->is_asking)
        osh_driver_question_is_due(chain->message);
}

/* OshMiddlewareFunc */
static void
middleware_done(OshMiddlewareOutcome outcome, const char *reason_code, GBytes *content,
                gpointer data)
{
    OshMiddlewareChain *chain = data;
    const OshNetworkShard *shard = shard_of(chain->message);

    /* What another thread says could come while the shard reads it. */
    if (osh_shard_current(&shard->network->shard) != (gint)shard->index) {
        osh_host_logf(shard->network->host, G_LOG_LEVEL_WARNING,
                      "the plugin %s broke a rule of its contract: it answered about middleware %s "
                      "on another thread than it was asked on; the answer is not used",
                      chain->provider.provider, chain->name != NULL ? chain->name : "?");
        return;
    }
    if (chain->is_open)
        answer_take(chain, outcome, reason_code, content);
}

/* A stream has many events, and one note of each kind. */
static void
chain_note(OshMiddlewareChain *chain, const char *what)
{
    g_autofree char *note =
        g_strdup_printf("%s %s%s%s%s", chain->name, what, chain->code != NULL ? " (" : "",
                        chain->code != NULL ? chain->code : "", chain->code != NULL ? ")" : "");

    if (chain->notes == NULL)
        chain->notes = g_string_new(NULL);
    if (strstr(chain->notes->str, note) == NULL && chain->notes->len < MAX_NOTES)
        g_string_append_printf(chain->notes, "%s%s", chain->notes->len > 0 ? "; " : "", note);
}

/* @error, @status: of a request. Returns: %OSH_ASKED_REFUSED */
static OshAsked
chain_refuse(OshMiddlewareChain *chain, const char *error, guint status, const char *what)
{
    OshMessage *message = chain->message;
    gboolean is_response = chain->side == OSH_SERVER_TO_CLIENT;
    GVariantBuilder members;

    message->error = is_response ? "response_delivery_failed" : error;
    message->status_wanted = is_response ? 502 : status;
    g_variant_builder_init(&members, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&members, "{sv}", "middleware", g_variant_new_string(chain->name));
    if (chain->code != NULL)
        g_variant_builder_add(&members, "{sv}", "reason_code", g_variant_new_string(chain->code));
    g_clear_pointer(&message->members, g_variant_unref);
    message->members = g_variant_ref_sink(g_variant_builder_end(&members));
    g_free(chain->reason);
    chain->reason = g_strdup_printf(
        "middleware %s %s%s%s%s", chain->name, what, chain->code != NULL ? " (" : "",
        chain->code != NULL ? chain->code : "", chain->code != NULL ? ")" : "");
    return OSH_ASKED_REFUSED;
}

/* What has answered is done with. @ret_content: see osh_middleware_ask(). */
static OshAsked
chain_use_answer(OshMiddlewareChain *chain, OshSpan content, GBytes **ret_content)
{
    OshAsked asked = OSH_ASKED_ALLOWED;

    switch (chain->outcome) {
    case OSH_MIDDLEWARE_ALLOW:
        break;
    case OSH_MIDDLEWARE_REPLACE:
        chain_note(chain, "changed it");
        if (chain->original == NULL)
            chain->original = g_bytes_new(content.data, content.length);
        *ret_content = g_steal_pointer(&chain->content);
        break;
    case OSH_MIDDLEWARE_DENY:
        asked = chain_refuse(chain, "middleware_denied", 403, "denies it");
        break;
    case OSH_MIDDLEWARE_FAILED:
    default:
        if (chain->fail_open)
            chain_note(chain, "failed and was passed over");
        else
            asked = chain_refuse(chain, "middleware_failed",
                                 g_strcmp0(chain->code, "busy") == 0 ? 503 : 403, "failed");
    }
    answer_clear(chain);
    return asked;
}

/* --- The chain ---------------------------------------------------------------------------------
 */

static void
chain_withdraw(OshMiddlewareChain *chain)
{
    if (chain->is_open)
        osh_middleware_cancel(&chain->provider, chain);
    answer_clear(chain);
}

static OshMiddlewareChain *
chain_of(OshMessage *message, OshDirection side)
{
    OshMiddlewareChain *chain = message->chains[side];

    if (chain == NULL) {
        chain = message->chains[side] = g_new0(OshMiddlewareChain, 1);
        chain->message = message;
        chain->side = side;
        chain->basis = basis_of(message, side);
    }
    return chain;
}

/* From the first entry on, with the content as it was. */
static void
chain_reset(OshMiddlewareChain *chain)
{
    chain_withdraw(chain);
    chain->basis = basis_of(chain->message, chain->side);
    chain->next = 0;
    chain->fingerprint = 0;
}

/* Another policy is in force. @ret_content: the content as it was, where it was changed. */
static void
chain_begin_again(OshMiddlewareChain *chain, GBytes **ret_content)
{
    chain_reset(chain);
    if (chain->notes != NULL)
        g_string_truncate(chain->notes, 0);
    *ret_content = g_steal_pointer(&chain->original);
}

void
osh_middleware_begin(OshMessage *message)
{
    OshMiddlewareChain *chain = message->chains[OSH_SERVER_TO_CLIENT];

    if (chain == NULL)
        return;
    chain_reset(chain);
    chain->ends_by = 0;
    g_clear_pointer(&chain->original, g_bytes_unref);
}

static const char *
operation_of(const OshMiddlewareChain *chain)
{
    const OshDriver *driver = chain->message->driver;

    if (chain->side == OSH_SERVER_TO_CLIENT)
        return "http-response";
    if (driver->is_upgraded && g_str_equal(driver->protocol_name, "websocket"))
        return "websocket-message";
    return is_http(chain->message) ? "http-request" : "message";
}

static void
chain_ask(OshMiddlewareChain *chain, const OshPolicyMiddleware *entry,
          const OshMiddlewareContent *content)
{
    OshMessage *message = chain->message;
    OshNetworkShard *shard = shard_of(message);
    const gint64 now = osh_shard_now(&shard->network->shard);
    const OshInterface *provider = provider_of(message, entry->implementation);
    const OshMiddlewareRequest request = {
        .struct_size = sizeof request,
        .operation = operation_of(chain),
        .facts = content->facts,
        .media_type = content->media_type,
        .content = content->bytes,
        .config = entry->config,
        .deadline = now + shard->network->config.middleware_timeout,
    };

    gint64 asked_at;

    if (chain->ends_by == 0)
        chain->ends_by = now + CHAIN_TIME;
    chain->name = g_strdup(entry->name);
    chain->fail_open = entry->fail_open;
    chain->deadline = request.deadline;
    chain->next++;
    chain->fingerprint = fingerprint_add(chain->fingerprint, entry);
    if (provider == NULL || shard->open_middlewares >= MAX_OPEN || now >= chain->ends_by) {
        answer_take(chain, OSH_MIDDLEWARE_FAILED,
                    provider == NULL        ? "unavailable"
                    : now >= chain->ends_by ? "timeout"
                                            : "busy",
                    NULL);
        return;
    }
    /* The question as a whole waits for no less. */
    message->gives_up_at = MAX(message->gives_up_at, request.deadline + G_TIME_SPAN_SECOND);
    chain->provider = *provider;
    chain->is_open = TRUE;
    shard->open_middlewares++;
    asked_at = g_get_monotonic_time();
    osh_middleware_evaluate(provider, entry->implementation, &request, middleware_done, chain);
    /* One that holds up the shard is late, whatever it says in the end. */
    if (chain->has_answer &&
        g_get_monotonic_time() - asked_at > shard->network->config.middleware_timeout) {
        g_clear_pointer(&chain->content, g_bytes_unref);
        g_free(chain->code);
        chain->code = g_strdup("timeout");
        chain->outcome = OSH_MIDDLEWARE_FAILED;
    }
}

OshAsked
osh_middleware_ask(OshMessage *message, const OshMiddlewareContent *content, GBytes **ret_content,
                   const char **ret_reason)
{
    OshMiddlewareChain *chain = chain_of(message, content->side);
    const OshPolicyMiddleware *entry;
    OshAsked asked = OSH_ASKED_ALLOWED;

    if (chain->basis != basis_of(message, content->side))
        chain_begin_again(chain, ret_content);
    chain->is_asking = TRUE;
    while (asked == OSH_ASKED_ALLOWED && *ret_content == NULL && !chain->is_open) {
        if (!chain->has_answer) {
            entry = entry_from(message, chain->side, &chain->next);
            if (entry == NULL)
                break;
            chain_ask(chain, entry, content);
        }
        if (chain->has_answer)
            asked = chain_use_answer(chain, content->bytes, ret_content);
    }
    chain->is_asking = FALSE;
    *ret_reason = chain->reason;
    return asked == OSH_ASKED_ALLOWED && chain->is_open ? OSH_ASKED_WAITS : asked;
}

/* Returns: FALSE where @entry may not be passed over; then the message is refused. */
static gboolean
chain_pass_over(OshMiddlewareChain *chain, const OshPolicyMiddleware *entry, const char *code)
{
    gboolean is_size = g_str_equal(code, "over_limit");
    gboolean may = is_size ? entry->fail_open : entry->allow_uninspectable;

    chain->fingerprint = fingerprint_add(chain->fingerprint, entry);
    chain->name = g_strdup(entry->name);
    chain->code = g_strdup(code);
    if (may)
        chain_note(chain, "was passed over");
    else
        chain_refuse(chain, "middleware_failed", 403,
                     is_size ? "cannot see content of that size" : "cannot read the content");
    answer_clear(chain);
    return may;
}

gboolean
osh_middleware_pass_over(OshMessage *message, OshDirection side, const char *code, guint64 limit,
                         const char **ret_reason)
{
    OshMiddlewareChain *chain = chain_of(message, side);
    const OshPolicyMiddleware *entry;
    gboolean may = TRUE;

    chain_reset(chain);
    while (may && (entry = entry_from(message, side, &chain->next)) != NULL) {
        may = chain_pass_over(chain, entry, code);
        chain->next++;
    }
    if (!may && g_str_equal(code, "over_limit")) {
        char *limited =
            g_strdup_printf("%s: at most %" G_GUINT64_FORMAT " bytes", chain->reason, limit);

        g_free(chain->reason);
        chain->reason = limited;
    }
    *ret_reason = chain->reason;
    return may;
}

/* Returns: (nullable): the chain whose answer is due. */
static OshMiddlewareChain *
open_chain(const OshMessage *message)
{
    for (guint i = 0; i < G_N_ELEMENTS(message->chains); i++)
        if (message->chains[i] != NULL && message->chains[i]->is_open)
            return message->chains[i];
    return NULL;
}

gint64
osh_middleware_deadline(const OshMessage *message)
{
    const OshMiddlewareChain *chain = open_chain(message);

    return chain != NULL ? chain->deadline : 0;
}

void
osh_middleware_expire(OshMessage *message, gint64 now)
{
    OshMiddlewareChain *chain = open_chain(message);

    if (chain == NULL || chain->deadline > now)
        return;
    osh_middleware_cancel(&chain->provider, chain);
    answer_take(chain, OSH_MIDDLEWARE_FAILED, "timeout", NULL);
}

const char *
osh_middleware_notes(const OshMessage *message, OshDirection side)
{
    const OshMiddlewareChain *chain = message->chains[side];

    return chain != NULL && chain->notes != NULL && chain->notes->len > 0 ? chain->notes->str
                                                                          : NULL;
}

void
osh_middleware_free(OshMiddlewareChain *chain)
{
    chain_withdraw(chain);
    g_clear_pointer(&chain->original, g_bytes_unref);
    if (chain->notes != NULL)
        g_string_free(chain->notes, TRUE);
    g_free(chain->reason);
    g_free(chain);
}
