/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver.c: rounds of feed, and what leads to them. [shard]
 *
 *   bytes, an end, capacity, an answer, a wake, the deadline -> rounds -> read what is wanted -> …
 *
 * A session is called from here and from osh_driver_answer() alone, and never while a list of its
 * actions is carried out. It must never let a byte through that no list has released.
 */
#include "audit.h"
#include "driver-private.h"
#include "handover.h"
#include "inspected.h"
#include "intercept.h"
#include "judge.h"
#include "record.h"
#include "refusal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define END_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR)
/* What EMIT may put out where the other side takes nothing. */
#define CAPACITY (64 * 1024)
/* A session that has released nothing by then goes on for ever. */
#define MAX_ROUNDS 10000
/* What may be read, and what may be written, before other connections get their turn. */
#define TURN_BYTES (4 * 1024 * 1024)
/* What was sent before the end has this time to go out. */
#define LINGER (2 * G_TIME_SPAN_SECOND)
/* A session that is asked to end has this time. */
#define TERMINATION (800 * G_TIME_SPAN_MILLISECOND)
/* A session that waits for nothing has this time to wake us for the first time. */
#define STALL (30 * G_TIME_SPAN_SECOND)

static OshRelayDirection *
direction_of(OshConnection *connection, guint direction)
{
    return direction == OSH_CLIENT_TO_SERVER ? &connection->up : &connection->down;
}

void
osh_driver_end(OshDriver *driver, const char *reason)
{
    if (!driver->is_ending)
        driver->end = reason;
    driver->is_ending = TRUE;
}

void
osh_driver_deny(OshDriver *driver, const char *reason)
{
    static const OshFacts none = {NULL, 0};
    const OshRefusal refusal = {
        .layer = "protocol",
        .outcome = OSH_DECISION_DENIED_HARD,
        .status = 403,
        .error = "protocol_refused",
        .reason = reason,
    };

    osh_driver_tell(driver, &refusal,
                    osh_record_denied(driver, 0, OSH_CONTROL_FRAMING, &none, reason, TRUE));
    osh_driver_end(driver, "denied");
}

void
osh_driver_fail(OshDriver *driver, const char *reason)
{
    const OshRefusal refusal = {
        .layer = "relay",
        .status = 502,
        .error = "upstream_response_invalid",
        .reason = reason,
    };

    osh_driver_tell(driver, &refusal, osh_audit_failed(driver->connection, &refusal));
    osh_driver_end(driver, "failed");
}

void
osh_driver_blame(OshDriver *driver, OshL7Rule rule, const char *detail)
{
    const OshNetwork *network = driver->connection->shard->network;
    g_autofree char *reason = g_strdup_printf("the plugin %s broke a rule of its contract (%s: %s)",
                                              driver->protocol->provider, osh_l7_rule_name(rule),
                                              osh_l7_rule_words(rule));

    osh_network_log(network, G_LOG_LEVEL_WARNING, "%s%s%s", reason, detail[0] != '\0' ? ": " : "",
                    detail);
    osh_driver_deny(driver, reason);
}

/* --- Rounds ------------------------------------------------------------------------------------
 */

static gsize
capacity_towards(const OshDriver *driver, guint direction)
{
    gsize left = osh_leg_left(&driver->sides[1 - direction].leg);

    return left < CAPACITY ? CAPACITY - left : 0;
}

/* MORE: reads on, or ends where no more can come or fit. */
static void
carry_more(OshDriver *driver, OshDriverSide *side)
{
    gsize length = side->window->end - side->window->start;

    side->wanted = !side->eof;
    if (side->eof && length > 0) {
        osh_audit_failed(
            driver->connection,
            &(OshRefusal){.layer = "relay", .reason = "the connection ended inside a message"});
        driver->connection->client_aborted = TRUE;
        osh_driver_end(driver, "cut short");
    } else if (length >= driver->window_size) {
        osh_driver_deny(driver, "a message is larger than may be buffered");
    }
}

/* Returns: whether the list held anything but MORE. */
static gboolean
carry_out_list(OshDriver *driver, const OshL7Action *actions, gsize n)
{
    OshL7Ledger *ledger = &driver->ledger;
    OshDriverSide *side = &driver->sides[ledger->direction];
    gboolean more = n > 0 && actions[n - 1].type == OSH_L7_MORE;

    for (gsize i = 0; i < n && !driver->is_ending; i++) {
        OshL7Rule rule = osh_l7_ledger_check(ledger, actions, i, n);

        if (rule == OSH_L7_N_RULES)
            osh_driver_carry_out(driver, &actions[i]);
        else
            osh_driver_blame(driver, rule, ledger->detail);
    }
    for (guint i = 0; i < 2; i++)
        osh_leg_flush(&driver->sides[i].leg);
    osh_buffer_consume(side->window, ledger->released);
    if (ledger->released > 0)
        driver->rounds = 0;
    if (more && !driver->is_ending)
        carry_more(driver, side);
    return n > (more ? 1u : 0u);
}

static void
set_deadline(OshDriver *driver, gint64 deadline, gint64 now)
{
    if (deadline == 0)
        return;
    if (deadline <= now)
        osh_driver_blame(driver, OSH_L7_RULE_DEADLINE, "");
    else
        driver->deadline = deadline == OSH_L7_DEADLINE_NONE ? 0 : deadline;
}

static gboolean
driver_feed(OshDriver *driver, guint direction)
{
    OshDriverSide *side = &driver->sides[direction];
    OshL7Action actions[OSH_DRIVER_ACTIONS];
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);
    gint64 deadline = 0;
    gsize length;
    const guint8 *bytes = osh_buffer_window(side->window, &length);
    const OshL7Input input = {
        .struct_size = sizeof input,
        .direction = direction,
        .now = now,
        .window = {(const char *)bytes, length},
        .n_new = side->n_new,
        .eof = side->eof,
        .reset = side->reset,
        .capacity = {capacity_towards(driver, 0), capacity_towards(driver, 1)},
    };
    gsize n = osh_l7_feed(driver->protocol, driver->session, &input, actions, G_N_ELEMENTS(actions),
                          &deadline);
    gboolean acted;

    side->n_new = 0;
    side->wanted = FALSE;
    if (n > G_N_ELEMENTS(actions)) {
        osh_driver_blame(driver, OSH_L7_RULE_SPACE, "");
        return FALSE;
    }
    set_deadline(driver, deadline, now);
    if (driver->is_ending)
        return FALSE;
    osh_l7_ledger_begin_list(&driver->ledger, direction, input.window, input.capacity);
    acted = carry_out_list(driver, actions, n);
    if (driver->due->len > 0 && !driver->is_ending)
        osh_driver_answer(driver);
    return acted;
}

/* A look at the owners of the connection may have ended it meanwhile. */
static gboolean
driver_goes_on(const OshDriver *driver)
{
    return !driver->is_ending && driver->flow == OSH_FLOW_WAIT &&
           driver->connection->pending == OSH_FLOW_WAIT;
}

static void
driver_rounds(OshDriver *driver)
{
    gboolean acted = TRUE;

    driver->is_woken = FALSE;
    driver->rounds = 0;
    if (driver->due->len > 0)
        osh_driver_answer(driver);
    while (acted && driver_goes_on(driver)) {
        acted = FALSE;
        for (guint i = 0; i < 2 && driver_goes_on(driver); i++)
            if (driver->sides[i].paused_by == 0 && osh_leg_left(&driver->sides[1 - i].leg) == 0 &&
                driver_feed(driver, i))
                acted = TRUE;
        if (++driver->rounds > MAX_ROUNDS)
            osh_driver_blame(driver, OSH_L7_RULE_PROGRESS, "");
    }
}

/* --- Between rounds ----------------------------------------------------------------------------
 */

/* Nobody waits for the answers of a client that is gone. */
static void
driver_cancel_questions(OshDriver *driver, gint64 now)
{
    while (driver->due->len > 0 && !driver->is_ending) {
        guint64 number = g_array_index(driver->due, guint64, 0);

        osh_driver_forget_question(driver, number);
        osh_message_end(driver, osh_l7_ledger_find(&driver->ledger, number));
        if (!osh_l7_cancel(driver->protocol, driver->session, now, number)) {
            driver->connection->client_aborted = TRUE;
            osh_driver_end(driver, "reset");
        }
    }
}

/* What a peer that is gone has sent before is read first, where it is wanted. Returns: whether the
 * session is to hear of it. */
static gboolean
driver_lose(OshDriver *driver, guint direction)
{
    OshDriverSide *side = &driver->sides[direction];

    if (side->reset)
        return FALSE;
    side->eof = TRUE;
    side->reset = TRUE;
    if (direction == OSH_CLIENT_TO_SERVER)
        driver_cancel_questions(driver, osh_shard_now(&driver->connection->shard->network->shard));
    return TRUE;
}

/* Returns: whether bytes or an end have come. */
static gboolean
driver_read(OshDriver *driver, guint direction)
{
    OshDriverSide *side = &driver->sides[direction];
    OshRelayDirection *ready = direction_of(driver->connection, direction);
    gsize space;
    guint8 *tail;
    gssize n;

    if (direction == OSH_CLIENT_TO_SERVER && side->wanted && driver->connection->head != NULL)
        return osh_driver_refill(driver);
    if (side->leg.is_broken && (side->eof || !side->wanted))
        return driver_lose(driver, direction);
    if (!side->wanted || side->eof || !(ready->readable || side->leg.is_broken))
        return FALSE;
    tail = osh_buffer_tail(side->window, &space);
    /* The other side takes nothing for now. To read no bytes would look like the end. */
    if (space == 0)
        return FALSE;
    n = osh_leg_read(&side->leg, tail, space);
    if (n == -EAGAIN) {
        ready->readable = FALSE;
        return side->leg.is_broken ? driver_lose(driver, direction) : FALSE;
    }
    side->eof = n <= 0;
    if (n < 0 || (n == 0 && side->leg.is_broken && side->leg.error != EPIPE))
        return driver_lose(driver, direction);
    if (n > 0) {
        osh_buffer_commit(side->window, (gsize)n);
        side->n_new += (gsize)n;
        driver->n_read += (gsize)n;
        /* No new edge announces what a full window left behind, nor an end that came already. */
        ready->readable =
            (gsize)n == space || ready->hung_up || ready->urgent || side->leg.tls != NULL;
        driver->connection->moved_at = osh_shard_now(&driver->connection->shard->network->shard);
    }
    return TRUE;
}

/* An end is passed on behind the last byte; a reset never as an end. */
static void
driver_pass_ends(OshDriver *driver)
{
    for (guint i = 0; i < 2; i++) {
        OshDriverSide *side = &driver->sides[i];
        OshLeg *far = &driver->sides[1 - i].leg;

        if (side->eof && !side->reset && osh_driver_side_is_empty(side) && osh_leg_left(far) == 0)
            osh_leg_end(far);
    }
}

/* Returns: whether nothing can happen any more that the session could wait for. */
static gboolean
driver_is_stuck(const OshDriver *driver)
{
    gboolean is_empty =
        osh_driver_side_is_empty(&driver->sides[0]) && osh_driver_side_is_empty(&driver->sides[1]);

    if (driver->sides[0].reset || driver->sides[1].reset)
        return TRUE;
    for (guint i = 0; i < 2; i++)
        if (!driver->sides[i].eof || osh_leg_left(&driver->sides[i].leg) > 0 ||
            (is_empty && !driver->sides[i].leg.is_ended))
            return FALSE;
    /* What is computed elsewhere ends by a wake. */
    return driver->deadline == 0 && driver->due->len == 0 && (is_empty || !driver->has_woken);
}

/* It reads neither peer, and neither a question nor its deadline nor capacity is to come. */
static gboolean
driver_waits_for_nothing(const OshDriver *driver)
{
    for (guint i = 0; i < 2; i++)
        if (driver->sides[i].wanted || osh_leg_left(&driver->sides[i].leg) > 0)
            return FALSE;
    return driver->deadline == 0 && driver->due->len == 0 && !driver->is_terminating &&
           !driver->has_woken;
}

static void
driver_look_for_stall(OshDriver *driver)
{
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);

    if (!driver_waits_for_nothing(driver))
        driver->stalls_at = 0;
    else if (driver->stalls_at == 0)
        driver->stalls_at = now + STALL;
    else if (driver->stalls_at <= now)
        osh_driver_blame(driver, OSH_L7_RULE_STALL, "");
}

/* Both ends have been passed on, or something is left that never will be. */
static OshFlow
driver_over(OshDriver *driver)
{
    OshConnection *connection = driver->connection;

    if (driver->sides[0].reset || driver->sides[1].reset)
        return osh_connection_reset(connection, "reset");
    if (driver->sides[0].leg.is_ended && driver->sides[1].leg.is_ended)
        return osh_connection_gone(connection, "end");
    osh_audit_failed(
        connection, &(OshRefusal){.layer = "relay", .reason = "both sides ended inside a message"});
    return osh_connection_reset(connection, "cut short");
}

static void
driver_expired(gpointer data)
{
    OshDriver *driver = data;

    driver->timer = NULL;
    osh_connection_wake(driver->connection);
}

static gint64
earlier(gint64 at, gint64 other)
{
    return other != 0 && (at == 0 || other < at) ? other : at;
}

/* Returns: when something is to be done though nothing has come; 0 for never. */
static gint64
driver_next_look(const OshDriver *driver, gint64 now)
{
    gint64 at = earlier(driver->deadline, driver->stalls_at);

    if (driver->is_ending)
        return driver->ends_by;
    if (driver->is_terminating)
        at = earlier(at, driver->terminates_by);
    return driver->due->len > 0 ? earlier(at, osh_driver_next_question(driver, now)) : at;
}

static void
driver_arm(OshDriver *driver)
{
    const OshInterface *shard = &driver->connection->shard->network->shard;
    gint64 at = driver_next_look(driver, osh_shard_now(shard));

    if (driver->timer != NULL && driver->timer_at == at)
        return;
    osh_shard_cancel_timer(shard, g_steal_pointer(&driver->timer));
    driver->timer_at = at;
    if (at != 0)
        driver->timer = osh_shard_add_timer(shard, at, driver_expired, driver);
}

/* Returns: FALSE when the session cannot be told that its time is over. */
static gboolean
driver_expire(OshDriver *driver)
{
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);

    if (driver->deadline == 0 || now < driver->deadline)
        return TRUE;
    driver->deadline = 0;
    return osh_l7_expire(driver->protocol, driver->session, now);
}

static void
driver_count(OshDriver *driver)
{
    driver->connection->up.moved = driver->sides[1].leg.written;
    driver->connection->down.moved = driver->sides[0].leg.written;
}

/* What was sent goes out first, within a linger; then the client's end is waited for. */
static OshFlow
driver_ending(OshDriver *driver)
{
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);
    gsize left = osh_leg_left(&driver->sides[0].leg) + osh_leg_left(&driver->sides[1].leg);
    gboolean told = TRUE;

    if (driver->ends_by == 0)
        driver->ends_by = now + LINGER;
    driver_arm(driver);
    if (left > 0 && now < driver->ends_by)
        return OSH_FLOW_WAIT;
    if (left > 0 || driver->connection->client_aborted)
        return osh_connection_reset(driver->connection, driver->end);
    for (guint i = 0; i < 2; i++)
        told = osh_leg_end(&driver->sides[i].leg) && told;
    if (!told && now < driver->ends_by)
        return OSH_FLOW_WAIT;
    driver->connection->end = driver->end;
    return OSH_FLOW_REFUSED;
}

/* Another step follows, once what was released before is on its way. */
static OshFlow
driver_leaves(OshDriver *driver)
{
    OshFlow flow;

    if (driver->flow == OSH_FLOW_REQUEST)
        return osh_driver_leave(driver);
    if (osh_leg_left(&driver->sides[0].leg) + osh_leg_left(&driver->sides[1].leg) > 0)
        return OSH_FLOW_WAIT;
    driver->flow = OSH_FLOW_WAIT;
    flow = osh_handover_start_tls(driver);
    return flow == OSH_FLOW_WAIT ? driver_ending(driver) : flow;
}

static OshFlow
driver_go(OshDriver *driver)
{
    guint64 before = driver->sides[0].leg.written + driver->sides[1].leg.written;
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);
    gboolean happened;

    driver->n_read = 0;
    if (driver->is_terminating && driver->terminates_by <= now && !driver->is_ending) {
        /* What was cut must not look finished. */
        driver->connection->client_aborted = osh_driver_is_answering(driver);
        osh_driver_end(driver, driver->end);
    }
    if (driver->due->len > 0 && !driver->is_ending)
        osh_driver_give_up(driver, now);
    if (!driver->is_ending && !driver_expire(driver)) {
        driver->connection->client_aborted = TRUE;
        osh_driver_end(driver, "timeout");
    }
    do {
        for (guint i = 0; i < 2; i++)
            osh_leg_flush(&driver->sides[i].leg);
        if (!driver->is_ending && driver->flow == OSH_FLOW_WAIT)
            driver_rounds(driver);
        driver_count(driver);
        if (driver->is_ending)
            return driver_ending(driver);
        if (driver->flow != OSH_FLOW_WAIT)
            return driver_leaves(driver);
        if (driver->connection->pending != OSH_FLOW_WAIT)
            return OSH_FLOW_WAIT;
        driver_pass_ends(driver);
        if (driver_is_stuck(driver))
            return driver_over(driver);
        if (driver->sides[0].leg.written + driver->sides[1].leg.written - before >= TURN_BYTES ||
            driver->n_read >= TURN_BYTES) {
            osh_connection_again(driver->connection);
            return OSH_FLOW_WAIT;
        }
        happened = driver_read(driver, 0);
        happened = driver_read(driver, 1) || happened;
    } while (happened);
    driver_look_for_stall(driver);
    if (driver->is_ending)
        return driver_ending(driver);
    driver_arm(driver);
    return OSH_FLOW_WAIT;
}

/* --- The step ----------------------------------------------------------------------------------
 */

static void
driver_woken(gpointer data)
{
    OshDriver *driver = data;

    if (driver->is_woken)
        return;
    driver->is_woken = TRUE;
    driver->has_woken = TRUE;
    osh_connection_again(driver->connection);
}

static void
driver_free(OshDriver *driver)
{
    const OshInterface *shard = &driver->connection->shard->network->shard;

    if (driver->session != NULL)
        osh_l7_close(driver->protocol, driver->session);
    osh_shard_cancel_timer(shard, driver->timer);
    for (guint i = 0; i < 2; i++) {
        osh_leg_clear(&driver->sides[i].leg);
        osh_buffer_release(driver->sides[i].window);
    }
    osh_messages_free(driver);
    g_clear_pointer(&driver->options, g_variant_unref);
    g_array_unref(driver->due);
    g_free(driver);
}

/* A head is never as long as a window. */
static void
driver_put(OshDriverSide *side, const guint8 *bytes, gsize length)
{
    gsize space;
    guint8 *tail = osh_buffer_tail(side->window, &space);

    G_STATIC_ASSERT(OSH_DRIVER_WINDOW >= 2 * OSH_NETWORK_HEAD_SIZE);
    memcpy(tail, bytes, MIN(length, space));
    osh_buffer_commit(side->window, MIN(length, space));
    side->n_new += MIN(length, space);
}

static void
driver_take_surplus(OshDriver *driver)
{
    OshConnection *connection = driver->connection;
    OshDriverSide *side = &driver->sides[OSH_CLIENT_TO_SERVER];

    if (connection->new_head != NULL)
        driver_put(side, (const guint8 *)connection->new_head->str, connection->new_head->len);
    if (connection->head != NULL)
        osh_driver_refill(driver);
}

/* A head, and the largest content that may have to be held until it was looked into; a session of
 * HTTP holds a body itself, and most requests have none. */
static gsize
driver_window_size(const OshDriver *driver, const OshNetworkProtocol *protocol)
{
    const OshProviders *providers = driver->connection->shard->network->providers;
    gsize size = OSH_DRIVER_WINDOW;

    if (driver->declared != NULL)
        size = MAX(size, driver->declared->window);
    if (providers != NULL && !protocol->is_http &&
        (providers->credentials.vtable != NULL || g_hash_table_size(providers->inspectors) > 0))
        size = MAX(size, OSH_DRIVER_WINDOW + OSH_CONTENT_REWRITE_MAX);
    return size;
}

static OshDriver *
driver_new(OshConnection *connection, const OshNetworkProtocol *protocol)
{
    OshDriver *driver = g_new0(OshDriver, 1);

    driver->connection = connection;
    driver->protocol = &protocol->interface;
    driver->protocol_name = connection->protocol;
    driver->due = g_array_new(FALSE, FALSE, sizeof(guint64));
    driver->spare = g_ptr_array_new();
    driver->declared = protocol->declaration;
    osh_l7_ledger_init(&driver->ledger, driver->declared);
    driver->ledger.may_retarget = osh_driver_may_retarget(connection);
    driver->ledger.may_be_opaque = connection->may_be_opaque;
    driver->ledger.may_start_tls =
        connection->intercept == NULL && connection->tls != OSH_TLS_SKIP &&
        connection->virtual_host == NULL && connection->shard->network->interceptor != NULL;
    driver->sides[0].leg.fd = connection->client_fd;
    driver->sides[1].leg.fd = connection->upstream_fd;
    for (guint i = 0; i < 2 && connection->intercept != NULL; i++) {
        driver->sides[i].leg.session = connection->intercept->sessions[i];
        if (driver->sides[i].leg.session != NULL)
            driver->sides[i].leg.tls = connection->intercept->of->tls;
    }
    driver->window_size = driver_window_size(driver, protocol);
    for (guint i = 0; i < 2; i++)
        driver->sides[i].window =
            osh_buffer_pool_acquire_larger(connection->shard->windows, driver->window_size);
    return driver;
}

void
osh_driver_fill_connection(OshDriver *driver, OshL7Connection *opened)
{
    const OshConnection *connection = driver->connection;

    *opened = (OshL7Connection){
        .struct_size = sizeof *opened,
        .protocol = connection->protocol,
        .host = connection->host,
        .port = connection->port,
        .secure = connection->intercept != NULL,
        .alpn = connection->intercept != NULL ? connection->intercept->protocol : NULL,
        .may_retarget = driver->ledger.may_retarget,
        .may_start_tls = driver->ledger.may_start_tls,
        .may_be_opaque = driver->ledger.may_be_opaque,
        .window_cap = {driver->window_size, driver->window_size},
        .connection = connection->id,
        .wake = driver_woken,
        .wake_data = driver,
    };
}

static OshFlow
driver_open(OshConnection *connection, const OshNetworkProtocol *protocol)
{
    OshDriver *driver = driver_new(connection, protocol);
    g_autoptr(GError) error = NULL;
    OshL7Connection opened;

    connection->driver = driver;
    if (driver->sides[0].window == NULL || driver->sides[1].window == NULL)
        return osh_refuse_limit(connection, "too many connections are being inspected");
    driver_take_surplus(driver);
    osh_driver_fill_connection(driver, &opened);
    driver->session = osh_l7_open(driver->protocol, &opened, &error);
    if (driver->session == NULL)
        return osh_refuse_failed(connection, "relay",
                                 error != NULL ? error->message : "the protocol cannot be read");
    return OSH_FLOW_WAIT;
}

OshFlow
osh_inspect_run(OshConnection *connection)
{
    const OshNetworkProtocol *protocol;
    OshFlow flow;

    if (connection->driver != NULL && connection->starts_tls)
        osh_handover_take_tls(connection->driver);
    if (connection->driver != NULL)
        return driver_go(connection->driver);
    protocol = osh_network_protocol(connection->shard->network, connection->protocol);
    if (protocol == NULL || connection->is_opaque)
        return OSH_FLOW_NEXT;
    flow = driver_open(connection, protocol);
    return flow == OSH_FLOW_WAIT ? driver_go(connection->driver) : flow;
}

OshFlow
osh_inspect_client(OshConnection *connection, guint32 events)
{
    if (events & (EPOLLIN | END_EVENTS))
        connection->up.readable = TRUE;
    if (events & END_EVENTS)
        connection->up.hung_up = TRUE;
    if (events & EPOLLERR)
        connection->driver->sides[0].leg.is_broken = TRUE;
    return driver_go(connection->driver);
}

OshFlow
osh_inspect_upstream(OshConnection *connection, int fd, guint32 events)
{
    (void)fd;
    if (events & (EPOLLIN | END_EVENTS))
        connection->down.readable = TRUE;
    if (events & END_EVENTS)
        connection->down.hung_up = TRUE;
    if (events & EPOLLERR)
        connection->driver->sides[1].leg.is_broken = TRUE;
    return driver_go(connection->driver);
}

/* Asks the session to end in its protocol's own way. Returns: FALSE where it cannot. */
static gboolean
driver_terminate(OshDriver *driver, OshL7TerminateReason reason, const char *end)
{
    gint64 now = osh_shard_now(&driver->connection->shard->network->shard);

    if (driver->is_terminating || driver->is_ending)
        return TRUE;
    if (!osh_l7_terminate(driver->protocol, driver->session, now, reason))
        return FALSE;
    driver->is_terminating = TRUE;
    driver->terminates_by = now + TERMINATION;
    driver->end = end;
    return TRUE;
}

OshFlow
osh_inspect_reload(OshConnection *connection)
{
    OshDriver *driver = connection->driver;
    OshFlow flow = osh_judge_again(connection);

    /* A client that was told has no upstream any more. */
    if (driver == NULL || driver->is_ending || driver->session == NULL || flow == OSH_FLOW_REFUSED)
        return flow;
    if (flow == OSH_FLOW_WAIT && osh_driver_ask_again(driver))
        return driver_go(driver);
    if (!driver_terminate(driver, OSH_L7_TERMINATE_POLICY_CHANGED, "policy changed"))
        return osh_connection_reset(connection, "policy changed");
    connection->client_aborted = FALSE;
    osh_driver_withdraw(driver, flow != OSH_FLOW_WAIT);
    return driver_go(driver);
}

/* Only a close_notify (RFC 8446 section 6.1) is left of TLS: an alert, or a record that is as long
 * as an alert is when it is encrypted by TLS 1.3. */
static gboolean
is_end_of_tls(const guint8 *bytes, gsize length)
{
    static const guint8 encrypted_alert[] = {0x17, 3, 3, 0, 19};

    return length >= 5 && length == 5u + (gsize)(bytes[3] << 8 | bytes[4]) &&
           (bytes[0] == 0x15 || memcmp(bytes, encrypted_alert, sizeof encrypted_alert) == 0);
}

gboolean
osh_inspect_has_delivered(const OshConnection *connection)
{
    const OshDriver *driver = connection->driver;
    guint8 bytes[64];
    ssize_t n;

    if (driver == NULL || !connection->up.hung_up || !osh_driver_side_is_empty(&driver->sides[0]) ||
        osh_leg_left(&driver->sides[1].leg) > 0)
        return FALSE;
    n = recv(connection->client_fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n > 0 && driver->sides[0].leg.tls != NULL && is_end_of_tls(bytes, (gsize)n));
}

void
osh_inspect_clear(OshConnection *connection)
{
    if (connection->driver != NULL)
        driver_free(g_steal_pointer(&connection->driver));
}
