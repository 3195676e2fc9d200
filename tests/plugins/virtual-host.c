/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three virtual hosts for e2e/virtual-host-test.py. echo.internal answers by what the path says,
 * also by breaking the contract; relay.internal forwards to the destinations of the configuration;
 * open.internal may be read without an entry in the policy. A request belongs to one [shard].
 */
#include <openshell/ext/draft/virtual-host.h>
#include <openshell/ext/shard.h>
#include <openshell/plugin.h>

#include <string.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.hosts\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Answers and forwards for a test\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_VIRTUAL_HOST "\n"
                    "wants=openshell.shard/1\n"
                    "[config destinations]\n"
                    "type=strings\n"
                    "help=HOST:PORT or tls:HOST:PORT of relay.internal, in the order to try\n"
                    "[config first_byte]\n"
                    "type=integer\n"
                    "default=2000\n"
                    "help=milliseconds that a destination may take to answer\n"
                    "[config slot]\n"
                    "type=boolean\n"
                    "default=false\n"
                    "help=an Authorization field with the placeholder of virtual-credentials\n");

#define PIECE      16384
#define BODY_LIMIT (1024 * 1024)
#define TICK       (50 * G_TIME_SPAN_MILLISECOND)
#define TICKS      5

typedef struct {
    const OshHost *host;
    OshInterface shard;
    OshVirtualDestination *destinations;
    char **hosts;
    gsize n_destinations;
} Hosts;

typedef struct {
    Hosts *hosts;
    const OshVirtualReply *reply;
    OshShardTimer *timer;
    char *path;
    char *method;
    GByteArray *body;
    GString *fields;
    guint64 left;
    guint64 answered;
    guint ticks;
    guint tried;
    gboolean is_relay;
    gboolean is_complete;
} Request;

static const char *const *
hosts_names(gpointer instance)
{
    static const char *const names[] = {"echo.internal", "relay.internal", "open.internal", NULL};

    (void)instance;
    return names;
}

static gboolean
hosts_reads_allowed(gpointer instance, const char *name)
{
    (void)instance;
    return g_str_equal(name, "open.internal");
}

static guint64
hosts_body_limit(gpointer instance, const char *name)
{
    (void)instance;
    (void)name;
    return BODY_LIMIT;
}

static gboolean
say(Request *request, OshSpan bytes, gboolean last)
{
    request->answered += bytes.length;
    request->is_complete = last;
    return osh_virtual_reply_respond_body(request->reply, bytes, last);
}

/* As much as there is capacity for. */
static void
stream(Request *request)
{
    static const char piece[PIECE];

    while (request->left > 0 && osh_virtual_reply_capacity(request->reply) > 0) {
        gsize length = MIN(request->left, sizeof piece);

        request->left -= length;
        if (!say(request, (OshSpan){piece, length}, request->left == 0))
            return;
    }
}

static void
tick(gpointer data)
{
    Request *request = data;
    g_autofree char *text = g_strdup_printf("data: tick %u\n\n", ++request->ticks);

    request->timer = NULL;
    say(request, osh_span(text), request->ticks == TICKS);
    if (request->ticks < TICKS)
        request->timer = osh_shard_add_timer(
            &request->hosts->shard, osh_shard_now(&request->hosts->shard) + TICK, tick, request);
}

static void
break_rule(Request *request, const char *rule)
{
    OshHttpField field = {OSH_SPAN_LITERAL("X-Test"), OSH_SPAN_LITERAL("a\r\nContent-Length: 0")};

    if (g_str_equal(rule, "status"))
        osh_virtual_reply_respond_head(request->reply, 101, NULL, 0);
    else if (g_str_equal(rule, "field"))
        osh_virtual_reply_respond_head(request->reply, 200, &field, 1);
    else if (g_str_equal(rule, "capacity") &&
             osh_virtual_reply_respond_head(request->reply, 200, NULL, 0))
        while (say(request, (OshSpan){(const char *)request->hosts, sizeof(Hosts)}, FALSE))
            continue;
}

/* What needs no body; /echo and the relay do, and /never is none. */
static void
answer(Request *request)
{
    const char *path = request->path;
    OshHttpField events = {OSH_SPAN_LITERAL("Content-Type"), OSH_SPAN_LITERAL("text/event-stream")};

    if (g_str_has_prefix(path, "/stream/")) {
        request->left = g_ascii_strtoull(path + strlen("/stream/"), NULL, 10);
        osh_virtual_reply_respond_head(request->reply, 200, NULL, 0);
        stream(request);
    } else if (g_str_equal(path, "/ticks")) {
        osh_virtual_reply_respond_head(request->reply, 200, &events, 1);
        request->timer = osh_shard_add_timer(
            &request->hosts->shard, osh_shard_now(&request->hosts->shard) + TICK, tick, request);
    } else if (g_str_has_prefix(path, "/break/")) {
        break_rule(request, path + strlen("/break/"));
    }
}

static void
keep_fields(Request *request, const OshHttpHead *head)
{
    for (gsize i = 0; i < head->n_fields; i++)
        g_string_append_printf(request->fields, "%.*s: %.*s\n", (int)head->fields[i].name.length,
                               head->fields[i].name.data, (int)head->fields[i].value.length,
                               head->fields[i].value.data);
}

static gpointer
hosts_request(gpointer instance, const char *name, const OshHttpHead *head, const OshFacts *facts,
              const OshVirtualReply *reply, GError **error)
{
    Request *request;

    (void)facts;
    if (head->path.length == strlen("/error") && memcmp(head->path.data, "/error", 6) == 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "the \"test\" wants it so");
        return NULL;
    }
    if (head->path.length == strlen("/silent") && memcmp(head->path.data, "/silent", 7) == 0)
        return NULL;
    request = g_new0(Request, 1);
    request->hosts = instance;
    request->reply = reply;
    request->path = g_strndup(head->path.data, head->path.length);
    request->method = g_strndup(head->method.data, head->method.length);
    request->body = g_byte_array_new();
    request->fields = g_string_new(NULL);
    request->is_relay = g_str_equal(name, "relay.internal");
    g_string_append_printf(request->fields, "%s %s %s?%.*s\n", name, request->method, request->path,
                           (int)head->query.length, head->query.data);
    keep_fields(request, head);
    if (!request->is_relay)
        answer(request);
    return request;
}

static void
forward(Request *request)
{
    Hosts *hosts = request->hosts;
    const OshHttpField field = {OSH_SPAN_LITERAL("X-Relayed"), OSH_SPAN_LITERAL("yes")};
    g_autoptr(GBytes) body = g_bytes_new(request->body->data, request->body->len);
    const OshVirtualSlot slot = {"Authorization", "Bearer PLACE", OSH_SLOT_HEADER};
    const OshVirtualForward given = {
        .struct_size = sizeof given,
        .destinations = hosts->destinations,
        .n_destinations = hosts->n_destinations,
        .method = request->method,
        .fields = &field,
        .n_fields = 1,
        .slots = &slot,
        .n_slots = osh_host_config_boolean(hosts->host, "slot", FALSE),
        .body = request->body->len > 0 ? body : NULL,
        .first_byte_timeout = osh_host_config_integer(hosts->host, "first_byte", 2000) * 1000,
        .idle_timeout = G_TIME_SPAN_SECOND,
    };

    if (!osh_virtual_reply_forward(request->reply, &given))
        osh_virtual_reply_respond(request->reply, 500, "text/plain",
                                  OSH_SPAN_LITERAL("the forward is malformed\n"));
}

static void
hosts_body(gpointer data, OshSpan bytes, gboolean last)
{
    Request *request = data;

    g_byte_array_append(request->body, (const guint8 *)bytes.data, (guint)bytes.length);
    if (!last)
        return;
    if (request->is_relay) {
        forward(request);
    } else if (g_str_equal(request->path, "/echo")) {
        g_string_append_len(request->fields, (const char *)request->body->data,
                            (gssize)request->body->len);
        request->is_complete = TRUE;
        osh_virtual_reply_respond(request->reply, 200, "text/plain",
                                  (OshSpan){request->fields->str, request->fields->len});
    }
}

static void
hosts_response_head(gpointer data, const OshHttpHead *head)
{
    Request *request = data;
    OshHttpField fields[64];
    g_autofree char *tried = g_strdup_printf("%u", request->tried);
    gsize n = MIN(head->n_fields, G_N_ELEMENTS(fields) - 1);

    for (gsize i = 0; i < n; i++)
        fields[i] = head->fields[i];
    fields[n] = (OshHttpField){OSH_SPAN_LITERAL("X-Tried"), osh_span(tried)};
    osh_virtual_reply_respond_head(request->reply, head->status, fields, n + 1);
}

static void
hosts_response_chunk(gpointer data, OshSpan bytes, gboolean last)
{
    say(data, bytes, last);
}

static gboolean
hosts_failed(gpointer data, gsize tried, const GError *error)
{
    Request *request = data;
    g_autofree char *line =
        g_strdup_printf("relay: destination %" G_GSIZE_FORMAT ": %s", tried, error->message);

    request->tried++;
    osh_host_log(request->hosts->host, G_LOG_LEVEL_MESSAGE, line);
    return TRUE;
}

static void
hosts_aborted(gpointer data, const GError *error)
{
    Request *request = data;

    (void)error;
    if (g_str_has_suffix(request->path, "/words"))
        say(request, OSH_SPAN_LITERAL("event: error\n\n"), TRUE);
}

static void
hosts_drained(gpointer data)
{
    stream(data);
}

static void
request_free(Request *request)
{
    osh_shard_cancel_timer(&request->hosts->shard, request->timer);
    g_byte_array_unref(request->body);
    g_string_free(request->fields, TRUE);
    g_free(request->path);
    g_free(request->method);
    g_free(request);
}

static void
hosts_close(gpointer data)
{
    Request *request = data;
    g_autofree char *line = g_strdup_printf("closed %s %s after %s bytes", request->path,
                                            request->is_complete ? "complete" : "incomplete",
                                            request->answered > BODY_LIMIT ? "many" : "few");

    osh_host_log(request->hosts->host, G_LOG_LEVEL_MESSAGE, line);
    request_free(request);
}

static const OshVirtualHostInterface hosts_vtable = {
    .struct_size = sizeof(OshVirtualHostInterface),
    .names = hosts_names,
    .reads_allowed_without_policy = hosts_reads_allowed,
    .body_limit = hosts_body_limit,
    .request = hosts_request,
    .body = hosts_body,
    .response_head = hosts_response_head,
    .response_chunk = hosts_response_chunk,
    .failed = hosts_failed,
    .aborted = hosts_aborted,
    .drained = hosts_drained,
    .close = hosts_close,
};

static void
read_destination(Hosts *hosts, const char *text)
{
    OshVirtualDestination *destination = &hosts->destinations[hosts->n_destinations];
    const char *host = g_str_has_prefix(text, "tls:") ? text + 4 : text;
    const char *colon = strrchr(host, ':');

    hosts->hosts[hosts->n_destinations] = g_strndup(host, (gsize)(colon - host));
    destination->host = hosts->hosts[hosts->n_destinations++];
    destination->port = (guint32)g_ascii_strtoull(colon + 1, NULL, 10);
    destination->tls = host != text;
}

static gboolean
hosts_create(const OshHost *host, Hosts **ret_self, GError **error)
{
    Hosts *hosts = g_new0(Hosts, 1);
    g_auto(GStrv) destinations = osh_host_config_strings(host, "destinations");
    guint n = destinations != NULL ? g_strv_length(destinations) : 0;

    (void)error;
    hosts->host = host;
    osh_host_get_interface(host, OSH_INTERFACE_SHARD, &hosts->shard);
    hosts->destinations = g_new0(OshVirtualDestination, n + 1);
    hosts->hosts = g_new0(char *, n + 1);
    for (guint i = 0; i < n; i++)
        read_destination(hosts, destinations[i]);
    *ret_self = hosts;
    return TRUE;
}

static void
hosts_destroy(Hosts *hosts)
{
    g_free(hosts->destinations);
    g_strfreev(hosts->hosts);
    g_free(hosts);
}

static gboolean
hosts_get_interface(Hosts *hosts, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_VIRTUAL_HOST))
        return FALSE;
    ret_interface->vtable = &hosts_vtable;
    ret_interface->instance = hosts;
    return TRUE;
}

OSH_PLUGIN_DEFINE(Hosts, .create = hosts_create, .destroy = hosts_destroy,
                  .get_interface = hosts_get_interface)
