/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial-line.c: one line on standard error for what was refused, and one, in other words, for what
 * failed.
 *
 * [main] A subscriber of the bus. Everything it prints may come from the box: it is escaped here,
 * at the last moment before a terminal could obey it, and stands in quotes wherever it is more than
 * a plain word, so that no program can choose a name that reads like the rest of a line (security
 * rule 13, text from the box). It must never write itself: a standard error that takes nothing is
 * not its business.
 */
#include "denial-line.h"

#include <string.h>

#include "osh-text.h"

/* Distinct lines remembered; a flood of different ones starts over rather than growing. */
#define DENIAL_LINES_REMEMBERED 1024
#define APPEARED_SHOWN          8
#define NAME_MAX_SHOWN          64
#define HOST_MAX_SHOWN          253
#define PATH_MAX_SHOWN          256

struct _OshDenialLines {
    OshBus *bus;
    OshDenialPrint print;
    gpointer print_data;
    char *policy; /* (nullable) */
    guint64 subscriptions[9];
    GHashTable *shown;
    guint64 count;
};

/* "curl(4121)", or what is known of it. */
static void
append_process(GString *line, const char *binary, const OshEvent *event)
{
    const char *slash = strrchr(binary, '/');
    guint32 pid = (guint32)(event->process_key & G_MAXUINT32);

    if (binary[0] == '\0' || g_str_equal(binary, "-"))
        g_string_append(line, pid != 0 ? "process" : "unknown process");
    else
        osh_text_append_word(line, slash != NULL ? slash + 1 : binary, NAME_MAX_SHOWN);
    if (pid != 0)
        g_string_append_printf(line, "(%u)", pid);
}

static void
append_destination(GString *line, const char *host, guint16 port)
{
    gboolean literal = strchr(host, ':') != NULL;

    g_string_append(line, " -> ");
    if (literal)
        g_string_append_c(line, '[');
    osh_text_append_word(line, host[0] != '\0' ? host : "?", HOST_MAX_SHOWN);
    if (literal)
        g_string_append_c(line, ']');
    if (port != 0)
        g_string_append_printf(line, ":%u", port);
}

/* "openshell: DENIED e7 curl(4121) -> host:443" */
static void
append_head(GString *line, const char *label, const OshEvent *event, const char *binary,
            const char *host, guint16 port)
{
    g_string_append_printf(line, "openshell: %s e%" G_GUINT64_FORMAT " ", label, event->id);
    append_process(line, binary, event);
    append_destination(line, host, port);
}

/* " [kind] text" */
static void
append_kind(GString *line, const char *kind, const char *text)
{
    g_string_append(line, " [");
    osh_text_append_terminal(line, kind);
    g_string_append(line, "] ");
    osh_text_append_terminal(line, text);
}

static gboolean
is_host_text(const char *host)
{
    for (const char *at = host; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr(".-_:", *at) == NULL)
            return FALSE;
    return host[0] != '\0';
}

/* Of a request, where its words are such that a URL and a shell take them as they are. */
static gboolean
is_request_text(const char *method, const char *path)
{
    for (const char *at = method; *at != '\0'; at++)
        if (!g_ascii_isupper(*at))
            return FALSE;
    for (const char *at = path; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("/.-_~%:@+=", *at) == NULL)
            return FALSE;
    return method[0] != '\0' && path[0] == '/' && strlen(path) <= PATH_MAX_SHOWN;
}

/*
 * The command that says why. Its words come from the box, so each is checked, quoted, and the whole
 * parsed again and compared; where that fails no command is offered (security rule 13, text from
 * the box). @scheme: "https://", or "" where the client has not shown it: a port does not tell.
 */
static char *
explain_command(const char *policy, const char *method, const char *scheme, const char *path,
                const char *host, guint16 port, const char *binary)
{
    g_autofree char *url = g_strdup_printf(strchr(host, ':') != NULL ? "%s[%s]:%u%s" : "%s%s:%u%s",
                                           scheme, host, port, scheme[0] != '\0' ? path : "");
    const char *words[] = {"openshell-host",
                           "explain",
                           policy,
                           method != NULL ? method : url,
                           method != NULL ? url : "--binary",
                           method != NULL ? "--binary" : binary,
                           method != NULL ? binary : NULL,
                           NULL};
    g_autoptr(GString) command = g_string_new(NULL);
    g_auto(GStrv) parsed = NULL;

    if (!is_host_text(host) || port == 0 || binary[0] != '/' || strlen(binary) > PATH_MAX_SHOWN)
        return NULL;
    for (gsize i = 0; words[i] != NULL; i++) {
        g_autofree char *word = osh_text_shell_quote(words[i]);

        if (word == NULL)
            return NULL;
        g_string_append_printf(command, "%s%s", i > 0 ? " " : "", word);
    }
    if (!g_shell_parse_argv(command->str, NULL, &parsed, NULL) ||
        !g_strv_equal((const char *const *)parsed, words))
        return NULL;
    return g_string_free(g_steal_pointer(&command), FALSE);
}

static void
append_hint(GString *line, const char *hint)
{
    g_string_append(line, "; next: ");
    osh_text_append_terminal(line, hint);
}

/* What to type next, where the event says nothing about it. */
static void
append_next(GString *line, const char *policy, const char *layer, const char *host, guint16 port,
            const char *binary, gboolean matched)
{
    static const char *const decided_by_policy[] = {"connect", "forward", "transparent", "socks",
                                                    NULL};
    const char *scheme = g_str_equal(layer, "forward") ? "http://" : "";
    g_autofree char *command = NULL;

    if (g_str_equal(layer, "dns"))
        g_string_append(line, "; next: name it as the host of an endpoint in the policy");
    else if (g_str_equal(layer, "destination") && matched)
        g_string_append(line, "; next: list the address in allowed_ips of that endpoint");
    else if (g_str_equal(layer, "destination") && policy == NULL)
        g_string_append(line, "; next: name the host in a policy, with this address in allowed_ips "
                              "of its endpoint");
    else if (g_str_equal(layer, "destination"))
        command = explain_command(policy, NULL, scheme, "/", host, port, binary);
    else if (g_strv_contains(decided_by_policy, layer) && policy == NULL)
        g_string_append(line, "; next: give a policy with --policy FILE");
    else if (g_strv_contains(decided_by_policy, layer))
        command = explain_command(policy, NULL, scheme, "/", host, port, binary);
    if (command != NULL)
        g_string_append_printf(line, "; next: %s", command);
}

static gboolean
append_denial(GString *line, const OshEvent *event, const char *policy)
{
    OshEventNetworkDenied denied;
    gboolean matched;

    if (!osh_event_network_denied_unpack(event->payload, &denied))
        return FALSE;
    append_head(line, "DENIED", event, denied.binary, denied.host, denied.port);
    g_string_append(line, " [");
    osh_text_append_terminal(line, denied.layer);
    matched = denied.policy[0] != '\0' && !g_str_equal(denied.policy, "-");
    if (matched) {
        g_string_append(line, ", policy ");
        osh_text_append_terminal(line, denied.policy);
    }
    g_string_append(line, "] ");
    osh_text_append_terminal(line, denied.reason);
    if (event->count > 1)
        g_string_append_printf(line, " (%u times)", event->count);
    if (g_str_equal(denied.layer, "destination") && strstr(denied.reason, "always-blocked") != NULL)
        g_string_append(line, "; no policy can allow it");
    else if (denied.hint != NULL && denied.hint[0] != '\0')
        append_hint(line, denied.hint);
    else
        append_next(line, policy, denied.layer, denied.host, denied.port, denied.binary, matched);
    return TRUE;
}

/* Forwarded although the policy denies it; of what is simply allowed no line is shown. */
static gboolean
append_audited(GString *line, const OshEvent *event, const char *policy)
{
    OshEventNetworkAllowed allowed;

    if (!osh_event_network_allowed_unpack(event->payload, &allowed) || !allowed.audited)
        return FALSE;
    append_head(line, "AUDIT", event, allowed.binary, allowed.host, allowed.port);
    g_string_append(line, " [");
    osh_text_append_terminal(line, allowed.transport);
    g_string_append(line, "] would be refused: ");
    osh_text_append_terminal(line, allowed.reason != NULL ? allowed.reason : "no rule allows it");
    append_next(line, policy, allowed.transport, allowed.host, allowed.port, allowed.binary, FALSE);
    return TRUE;
}

/* "POST /repos [rest, policy web] ": what was asked, and of which part of a policy. */
static void
append_message(GString *line, const char *action, const char *target, const char *protocol,
               const char *layer, const char *policy)
{
    if (action[0] != '\0') {
        g_string_append_c(line, ' ');
        osh_text_append_word(line, action, NAME_MAX_SHOWN);
    }
    if (target[0] != '\0') {
        g_string_append_c(line, ' ');
        osh_text_append_word(line, target, PATH_MAX_SHOWN);
    }
    g_string_append(line, " [");
    osh_text_append_terminal(line, protocol);
    if (!g_str_equal(layer, "policy")) {
        g_string_append_c(line, ' ');
        osh_text_append_terminal(line, layer);
    }
    if (policy[0] != '\0' && !g_str_equal(policy, "-")) {
        g_string_append(line, ", policy ");
        osh_text_append_terminal(line, policy);
    }
    g_string_append(line, "] ");
}

/* As append_next(), of a message: where its protocol is one that a URL stands for. */
static void
append_next_message(GString *line, const char *policy, const char *protocol, const char *action,
                    const char *target, gboolean tls, const char *host, guint16 port,
                    const char *binary)
{
    const char *scheme = tls ? "https://" : "http://";
    g_autofree char *command = NULL;

    if (policy == NULL || !g_str_equal(protocol, "rest") || !is_request_text(action, target))
        return;
    command = explain_command(policy, action, scheme, target, host, port, binary);
    if (command != NULL)
        g_string_append_printf(line, "; next: %s", command);
}

static gboolean
append_message_denied(GString *line, const OshEvent *event, const char *policy)
{
    OshEventL7Denied denied;

    if (!osh_event_l7_denied_unpack(event->payload, &denied))
        return FALSE;
    append_head(line, "DENIED", event, denied.binary, denied.host, denied.port);
    append_message(line, denied.action, denied.target, denied.protocol, denied.layer,
                   denied.policy);
    osh_text_append_terminal(line, denied.reason);
    if (event->count > 1)
        g_string_append_printf(line, " (%u times)", event->count);
    if (denied.hint != NULL && denied.hint[0] != '\0')
        append_hint(line, denied.hint);
    else if (g_str_equal(denied.layer, "policy"))
        append_next_message(line, policy, denied.protocol, denied.action, denied.target, denied.tls,
                            denied.host, denied.port, denied.binary);
    return TRUE;
}

/* As append_audited(), of a message. */
static gboolean
append_message_audited(GString *line, const OshEvent *event, const char *policy)
{
    OshEventL7Allowed allowed;

    if (!osh_event_l7_allowed_unpack(event->payload, &allowed) || !allowed.audited)
        return FALSE;
    append_head(line, "AUDIT", event, allowed.binary, allowed.host, allowed.port);
    append_message(line, allowed.action, allowed.target, allowed.protocol, "policy",
                   allowed.policy);
    g_string_append(line, "would be refused: ");
    osh_text_append_terminal(line, allowed.reason != NULL ? allowed.reason : "no rule allows it");
    append_next_message(line, policy, allowed.protocol, allowed.action, allowed.target, allowed.tls,
                        allowed.host, allowed.port, allowed.binary);
    return TRUE;
}

static gboolean
append_failure(GString *line, const OshEvent *event, const char *policy)
{
    OshEventNetworkFailed failed;

    (void)policy;
    if (!osh_event_network_failed_unpack(event->payload, &failed))
        return FALSE;
    append_head(line, "FAILED", event, failed.binary != NULL ? failed.binary : "", failed.host,
                failed.port);
    append_kind(line, failed.stage, failed.text);
    g_string_append(line, " (a failure, not a denial)");
    return TRUE;
}

/* Said once by its publisher, for the program and not for the connection. */
static gboolean
append_notice(GString *line, const OshEvent *event, const char *policy)
{
    OshEventNetworkNotice notice;

    (void)policy;
    if (!osh_event_network_notice_unpack(event->payload, &notice))
        return FALSE;
    append_head(line, "NOTICE", event, notice.binary, notice.host, notice.port);
    append_kind(line, notice.kind, notice.text);
    if (notice.hint != NULL && notice.hint[0] != '\0')
        append_hint(line, notice.hint);
    return TRUE;
}

static gboolean
append_violation(GString *line, const OshEvent *event, const char *policy)
{
    OshEventProcessViolation violation;

    (void)policy;
    if (!osh_event_process_violation_unpack(event->payload, &violation))
        return FALSE;
    g_string_append_printf(line, "openshell: DENIED e%" G_GUINT64_FORMAT " process", event->id);
    if (violation.pid != 0)
        g_string_append_printf(line, "(%u)", violation.pid);
    append_kind(line, violation.kind, violation.text);
    return TRUE;
}

static gboolean
append_fault(GString *line, const OshEvent *event, const char *policy)
{
    OshEventPluginFault fault;

    (void)policy;
    if (!osh_event_plugin_fault_unpack(event->payload, &fault))
        return FALSE;
    g_string_append(line, "openshell: plugin ");
    osh_text_append_terminal(line, fault.id);
    g_string_append_printf(
        line, ": %s fault: ", g_str_equal(fault.severity, "fatal") ? "fatal" : "minor");
    osh_text_append_terminal(line, fault.text);
    return TRUE;
}

static void
append_list(GString *line, const char *const *paths, guint32 more)
{
    for (gsize i = 0; paths[i] != NULL; i++) {
        if (i >= APPEARED_SHOWN) {
            more++;
            continue;
        }
        g_string_append(line, i > 0 ? ", " : " ");
        osh_text_append_word(line, paths[i], OSH_TEXT_MAX);
    }
    if (more > 0)
        g_string_append_printf(line, " and %u more", more);
}

/* Of a box in which nothing appeared no line is shown. */
static gboolean
append_appeared(GString *line, const OshEvent *event, const char *policy)
{
    g_auto(OshEventBoxClosed) closed = {0};
    guint32 in_dependencies;

    (void)policy;
    if (!osh_event_box_closed_unpack(event->payload, &closed) ||
        (closed.appeared == NULL && closed.not_searched == NULL))
        return FALSE;
    in_dependencies = closed.appeared_in_dependencies;
    g_string_append(line, "openshell: NOTICE ");
    if (closed.appeared != NULL) {
        g_string_append(line, "auto-executed files made in the box:");
        append_list(line, closed.appeared, closed.appeared_more);
    }
    if (in_dependencies > 0)
        g_string_append_printf(line, "%s%u of their kind in dependency folders",
                               closed.appeared != NULL ? "; "
                                                       : "made in the box, perhaps auto-executed: ",
                               in_dependencies);
    if (closed.not_searched != NULL) {
        g_string_append(line, closed.appeared != NULL || in_dependencies > 0
                                  ? "; not searched: "
                                  : "not searched for auto-executed files: ");
        osh_text_append_terminal(line, closed.not_searched);
    }
    if (closed.appeared != NULL)
        g_string_append(line, "; read them before you use the folder");
    return TRUE;
}

static const struct {
    const char *topic;
    /* Appends nothing and returns FALSE when the event is not worth a line. */
    gboolean (*append)(GString *line, const OshEvent *event, const char *policy);
    gboolean refusal;
} shown_topics[] = {
    {OSH_TOPIC_NETWORK_DENIED, append_denial, TRUE},
    {OSH_TOPIC_L7_DENIED, append_message_denied, TRUE},
    {OSH_TOPIC_NETWORK_FAILED, append_failure, FALSE},
    {OSH_TOPIC_NETWORK_NOTICE, append_notice, FALSE},
    {OSH_TOPIC_PROCESS_VIOLATION, append_violation, TRUE},
    {OSH_TOPIC_PLUGIN_FAULT, append_fault, FALSE},
    {OSH_TOPIC_NETWORK_ALLOWED, append_audited, FALSE},
    {OSH_TOPIC_L7_ALLOWED, append_message_audited, FALSE},
    {OSH_TOPIC_BOX_CLOSED, append_appeared, FALSE},
};

G_STATIC_ASSERT(G_N_ELEMENTS(shown_topics) ==
                G_N_ELEMENTS(((OshDenialLines *)NULL)->subscriptions));

char *
osh_denial_line_format(const OshEvent *event, const char *policy)
{
    for (gsize i = 0; i < G_N_ELEMENTS(shown_topics); i++) {
        g_autoptr(GString) line = NULL;

        if (!g_str_equal(event->topic, shown_topics[i].topic))
            continue;
        line = g_string_new(NULL);
        if (shown_topics[i].append(line, event, policy))
            return g_string_free(g_steal_pointer(&line), FALSE);
    }
    return NULL;
}

/* The line without what differs between repeats: the event's id, the pid and the count. */
static char *
distinct_part(const OshDenialLines *lines, const OshEvent *event)
{
    OshEvent plain = *event;

    plain.id = 0;
    plain.process_key = 0;
    plain.count = 1;
    return osh_denial_line_format(&plain, lines->policy);
}

static void
denial_lines_event(const OshEvent *event, gpointer data)
{
    OshDenialLines *lines = data;
    char *distinct = distinct_part(lines, event);
    g_autofree char *text = NULL;

    if (distinct == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(shown_topics); i++)
        if (shown_topics[i].refusal && g_str_equal(event->topic, shown_topics[i].topic))
            lines->count += event->count;
    if (g_hash_table_size(lines->shown) >= DENIAL_LINES_REMEMBERED)
        g_hash_table_remove_all(lines->shown);
    if (!g_hash_table_add(lines->shown, distinct))
        return;
    text = osh_denial_line_format(event, lines->policy);
    lines->print(text, lines->print_data);
}

OshDenialLines *
osh_denial_lines_new(OshBus *bus, OshDenialPrint print, gpointer data, const char *policy,
                     gboolean audit)
{
    OshDenialLines *lines = g_new0(OshDenialLines, 1);

    lines->bus = bus;
    lines->print = print;
    lines->print_data = data;
    lines->policy = g_strdup(policy);
    lines->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(shown_topics); i++)
        /* Without audit nothing is looked up for what is simply allowed. */
        if (audit || (shown_topics[i].append != append_audited &&
                      shown_topics[i].append != append_message_audited))
            lines->subscriptions[i] =
                osh_bus_subscribe(bus, shown_topics[i].topic, denial_lines_event, lines, NULL);
    return lines;
}

guint64
osh_denial_lines_count(OshDenialLines *lines)
{
    return lines->count;
}

void
osh_denial_lines_free(OshDenialLines *lines)
{
    if (lines == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(lines->subscriptions); i++)
        if (lines->subscriptions[i] != 0)
            osh_bus_unsubscribe(lines->bus, lines->subscriptions[i]);
    g_hash_table_unref(lines->shown);
    g_free(lines->policy);
    g_free(lines);
}
