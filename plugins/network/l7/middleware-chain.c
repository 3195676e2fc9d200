/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middleware-chain.c: runs the policy's middlewares over the content of a message, in their order.
 * [shard]
 *
 * One is asked at a time, with what the one before it left, and has until its deadline to answer.
 * It never sees a secret: placeholders are replaced after the last one has answered. What one
 * changes is decided again before the next is asked.
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
#define MAX_OPEN 96
#define MAX_CODE 64
/* All entries together. */
#define CHAIN_TIME (30 * G_TIME_SPAN_SECOND)

/**
 * OshMiddlewareChain:
 * @generation: of the policy whose entries are asked
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
    guint64 generation;
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

static const OshPolicyMiddleware *
entry_at(const OshMessage *message, guint index)
{
    const OshConnection *connection = message->driver->connection;

    return osh_policy_interface_middleware(&connection->shard->network->policy,
                                           connection->shard->snapshot, connection->host, index);
}

gboolean
osh_middleware_applies(const OshMessage *message)
{
    return entry_at(message, 0) != NULL;
}

static guint64
fingerprint_add(guint64 fingerprint, const OshPolicyMiddleware *entry)
{
    return (fingerprint ^ entry->fingerprint) * G_GUINT64_CONSTANT(1099511628211);
}

gboolean
osh_middleware_is_current(const OshMessage *message)
{
    const OshPolicyMiddleware *entry;
    guint64 fingerprint = 0;

    for (guint i = 0; (entry = entry_at(message, i)) != NULL; i++)
        fingerprint = fingerprint_add(fingerprint, entry);
    return fingerprint == (message->chain != NULL ? message->chain->fingerprint : 0);
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

    if (chain->is_open)
        answer_take(chain, outcome, reason_code, content);
}

static void
chain_note(OshMiddlewareChain *chain, const char *what)
{
    if (chain->notes == NULL)
        chain->notes = g_string_new(NULL);
    g_string_append_printf(chain->notes, "%s%s %s", chain->notes->len > 0 ? "; " : "", chain->name,
                           what);
    if (chain->code != NULL)
        g_string_append_printf(chain->notes, " (%s)", chain->code);
}

/* Returns: %OSH_ASKED_REFUSED */
static OshAsked
chain_refuse(OshMiddlewareChain *chain, const char *error, guint status, const char *what)
{
    OshMessage *message = chain->message;
    GVariantBuilder members;

    message->error = error;
    message->status_wanted = status;
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
chain_of(OshMessage *message)
{
    if (message->chain == NULL) {
        message->chain = g_new0(OshMiddlewareChain, 1);
        message->chain->message = message;
        message->chain->generation = message->verdict.generation;
    }
    return message->chain;
}

/* Another policy is in force. @ret_content: the content as it was, where it was changed. */
static void
chain_begin_again(OshMiddlewareChain *chain, GBytes **ret_content)
{
    chain_withdraw(chain);
    chain->generation = chain->message->verdict.generation;
    chain->next = 0;
    chain->fingerprint = 0;
    if (chain->notes != NULL)
        g_string_truncate(chain->notes, 0);
    *ret_content = g_steal_pointer(&chain->original);
}

static const char *
operation_of(const OshMessage *message)
{
    const OshDriver *driver = message->driver;
    const OshNetworkProtocol *protocol =
        osh_network_protocol(driver->connection->shard->network, driver->protocol_name);

    if (driver->is_upgraded && g_str_equal(driver->protocol_name, "websocket"))
        return "websocket-message";
    return protocol != NULL && protocol->is_http && !driver->is_upgraded ? "http-request"
                                                                         : "message";
}

static const OshInterface *
provider_of(const OshMessage *message, const char *implementation)
{
    const OshProviders *providers = shard_of(message)->network->providers;

    return providers != NULL ? g_hash_table_lookup(providers->middlewares, implementation) : NULL;
}

static void
chain_ask(OshMiddlewareChain *chain, const OshPolicyMiddleware *entry, OshSpan content,
          const char *media_type)
{
    OshMessage *message = chain->message;
    OshNetworkShard *shard = shard_of(message);
    const gint64 now = osh_shard_now(&shard->network->shard);
    const OshInterface *provider = provider_of(message, entry->implementation);
    const OshMiddlewareRequest request = {
        .struct_size = sizeof request,
        .operation = operation_of(message),
        .facts = message->facts.facts,
        .media_type = media_type,
        .content = content,
        .config = entry->config,
        .deadline = now + shard->network->config.middleware_timeout,
    };

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
    osh_middleware_evaluate(provider, entry->implementation, &request, middleware_done, chain);
}

OshAsked
osh_middleware_ask(OshMessage *message, OshSpan content, const char *media_type,
                   GBytes **ret_content, const char **ret_reason)
{
    OshMiddlewareChain *chain = chain_of(message);
    const OshPolicyMiddleware *entry;
    OshAsked asked = OSH_ASKED_ALLOWED;

    if (chain->generation != message->verdict.generation)
        chain_begin_again(chain, ret_content);
    chain->is_asking = TRUE;
    while (asked == OSH_ASKED_ALLOWED && *ret_content == NULL && !chain->is_open) {
        if (!chain->has_answer) {
            entry = entry_at(message, chain->next);
            if (entry == NULL)
                break;
            chain_ask(chain, entry, content, media_type);
        }
        if (chain->has_answer)
            asked = chain_use_answer(chain, content, ret_content);
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
osh_middleware_pass_over(OshMessage *message, const char *code, guint64 limit,
                         const char **ret_reason)
{
    OshMiddlewareChain *chain = chain_of(message);
    const OshPolicyMiddleware *entry;
    gboolean may = TRUE;

    chain_withdraw(chain);
    chain->fingerprint = 0;
    for (chain->next = 0; may && (entry = entry_at(message, chain->next)) != NULL; chain->next++)
        may = chain_pass_over(chain, entry, code);
    if (!may && g_str_equal(code, "over_limit")) {
        char *limited =
            g_strdup_printf("%s: at most %" G_GUINT64_FORMAT " bytes", chain->reason, limit);

        g_free(chain->reason);
        chain->reason = limited;
    }
    *ret_reason = chain->reason;
    return may;
}

gint64
osh_middleware_deadline(const OshMessage *message)
{
    return message->chain != NULL && message->chain->is_open ? message->chain->deadline : 0;
}

void
osh_middleware_expire(OshMessage *message, gint64 now)
{
    OshMiddlewareChain *chain = message->chain;

    if (chain == NULL || !chain->is_open || chain->deadline > now)
        return;
    osh_middleware_cancel(&chain->provider, chain);
    answer_take(chain, OSH_MIDDLEWARE_FAILED, "timeout", NULL);
}

const char *
osh_middleware_notes(const OshMessage *message)
{
    const OshMiddlewareChain *chain = message->chain;

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
