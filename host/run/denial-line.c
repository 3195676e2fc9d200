/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denial-line.c: one line on standard error for what was refused, and one, in other words, for what
 * failed.
 *
 * [main] A subscriber of the bus. Everything it prints may come from the box: it is escaped here,
 * at the last moment before a terminal could obey it, and stands in quotes wherever it is more than
 * a plain word, so that no program can choose a name that reads like the rest of a line (security
 * rule 13). It must never write itself: a standard error that takes nothing is not its business.
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
    guint64 subscriptions[6];
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

static gboolean
is_host_text(const char *host)
{
    for (const char *at = host; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr(".-_:", *at) == NULL)
            return FALSE;
    return host[0] != '\0';
}

/*
 * The command that says why. Its words come from the box, so each is checked, quoted, and the whole
 * parsed again and compared; where that fails no command is offered (security rule 13).
 */
static char *
explain_command(const char *policy, const char *host, guint16 port, const char *binary)
{
    const char *scheme = port == 443 ? "https" : "http";
    g_autofree char *url = g_strdup_printf(
        strchr(host, ':') != NULL ? "%s://[%s]:%u/" : "%s://%s:%u/", scheme, host, port);
    const char *words[] = {"openshell-host", "explain", policy, url, "--binary", binary, NULL};
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

/* What to type next. */
static void
append_next(GString *line, const char *policy, const char *layer, const char *host, guint16 port,
            const char *binary, gboolean matched, GVariant *details)
{
    static const char *const decided_by_policy[] = {"connect", "forward", "transparent", NULL};
    g_autofree char *command = NULL;
    const char *hint;

    if (g_variant_lookup(details, "hint", "&s", &hint) && hint[0] != '\0') {
        g_string_append(line, "; next: ");
        osh_text_append_terminal(line, hint);
        return;
    }
    if (g_str_equal(layer, "dns"))
        g_string_append(line, "; next: name it as the host of an endpoint in the policy");
    else if (g_str_equal(layer, "destination") && matched)
        g_string_append(line, "; next: list the address in allowed_ips of that endpoint");
    else if (g_str_equal(layer, "destination") && policy == NULL)
        g_string_append(line, "; next: name the host in a policy, with this address in allowed_ips "
                              "of its endpoint");
    else if (g_str_equal(layer, "destination"))
        command = explain_command(policy, host, port, binary);
    else if (g_strv_contains(decided_by_policy, layer) && policy == NULL)
        g_string_append(line, "; next: give a policy with --policy FILE");
    else if (g_strv_contains(decided_by_policy, layer))
        command = explain_command(policy, host, port, binary);
    if (command != NULL)
        g_string_append_printf(line, "; next: %s", command);
}

static void
append_denial(GString *line, const OshEvent *event, const char *policy_path)
{
    const char *layer;
    const char *host;
    const char *binary;
    const char *policy;
    const char *reason;
    gboolean matched;
    guint16 port;
    g_autoptr(GVariant) details = NULL;

    g_variant_get(event->payload, "(t&s&sq&s&s&st@a{sv})", NULL, &layer, &host, &port, &binary,
                  &policy, &reason, NULL, &details);
    g_string_append_printf(line, "openshell: DENIED e%" G_GUINT64_FORMAT " ", event->id);
    append_process(line, binary, event);
    append_destination(line, host, port);
    g_string_append(line, " [");
    osh_text_append_terminal(line, layer);
    matched = policy[0] != '\0' && !g_str_equal(policy, "-");
    if (matched) {
        g_string_append(line, ", policy ");
        osh_text_append_terminal(line, policy);
    }
    g_string_append(line, "] ");
    osh_text_append_terminal(line, reason);
    if (event->count > 1)
        g_string_append_printf(line, " (%u times)", event->count);
    if (g_str_equal(layer, "destination") && strstr(reason, "always-blocked") != NULL)
        g_string_append(line, "; no policy can allow it");
    else
        append_next(line, policy_path, layer, host, port, binary, matched, details);
}

/* Forwarded although the policy denies it. */
static void
append_audited(GString *line, const OshEvent *event, const char *policy_path)
{
    const char *host;
    const char *transport;
    const char *binary;
    const char *reason = "no rule allows it";
    guint16 port;
    g_autoptr(GVariant) details = NULL;

    g_variant_get(event->payload, "(t&sq&s&s&s&st@a{sv})", NULL, &host, &port, &transport, &binary,
                  NULL, NULL, NULL, &details);
    g_variant_lookup(details, "reason", "&s", &reason);
    g_string_append_printf(line, "openshell: AUDIT e%" G_GUINT64_FORMAT " ", event->id);
    append_process(line, binary, event);
    append_destination(line, host, port);
    g_string_append(line, " [");
    osh_text_append_terminal(line, transport);
    g_string_append(line, "] would be refused: ");
    osh_text_append_terminal(line, reason);
    append_next(line, policy_path, transport, host, port, binary, FALSE, details);
}

static void
append_failure(GString *line, const OshEvent *event, const char *policy_path)
{
    const char *stage;
    const char *host;
    const char *text;
    const char *binary = "";
    guint16 port;
    g_autoptr(GVariant) details = NULL;

    (void)policy_path;
    g_variant_get(event->payload, "(t&s&sq&s@a{sv})", NULL, &stage, &host, &port, &text, &details);
    g_variant_lookup(details, "binary", "&s", &binary);
    g_string_append_printf(line, "openshell: FAILED e%" G_GUINT64_FORMAT " ", event->id);
    append_process(line, binary, event);
    append_destination(line, host, port);
    g_string_append(line, " [");
    osh_text_append_terminal(line, stage);
    g_string_append(line, "] ");
    osh_text_append_terminal(line, text);
    g_string_append(line, " (a failure, not a denial)");
}

static void
append_violation(GString *line, const OshEvent *event, const char *policy_path)
{
    const char *kind;
    const char *text;
    guint32 pid;

    (void)policy_path;
    g_variant_get(event->payload, "(u&s&s@a{sv})", &pid, &kind, &text, NULL);
    g_string_append_printf(line, "openshell: DENIED e%" G_GUINT64_FORMAT " process", event->id);
    if (pid != 0)
        g_string_append_printf(line, "(%u)", pid);
    g_string_append(line, " [");
    osh_text_append_terminal(line, kind);
    g_string_append(line, "] ");
    osh_text_append_terminal(line, text);
}

static void
append_fault(GString *line, const OshEvent *event, const char *policy_path)
{
    const char *id;
    const char *severity;
    const char *text;

    (void)policy_path;
    g_variant_get(event->payload, "(&s&s&s@a{sv})", &id, &severity, &text, NULL);
    g_string_append(line, "openshell: plugin ");
    osh_text_append_terminal(line, id);
    g_string_append_printf(line,
                           ": %s fault: ", g_str_equal(severity, "fatal") ? "fatal" : "minor");
    osh_text_append_terminal(line, text);
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

static void
append_appeared(GString *line, const OshEvent *event, const char *policy)
{
    g_autoptr(GVariant) details = g_variant_get_child_value(event->payload, 2);
    g_autofree const char **paths = NULL;
    const char *unsearched = NULL;
    guint32 more = 0;
    guint32 in_dependencies = 0;

    (void)policy;
    g_variant_lookup(details, "appeared", "^a&s", &paths);
    g_variant_lookup(details, "appeared-more", "u", &more);
    g_variant_lookup(details, "appeared-in-dependencies", "u", &in_dependencies);
    g_variant_lookup(details, "not-searched", "&s", &unsearched);
    g_string_append(line, "openshell: NOTICE ");
    if (paths != NULL) {
        g_string_append(line, "made in the box, and obeyed by programs outside:");
        append_list(line, (const char *const *)paths, more);
    }
    if (in_dependencies > 0)
        g_string_append_printf(
            line, "%s%u of their kind in dependency folders",
            paths != NULL ? "; " : "made in the box, and perhaps obeyed: ", in_dependencies);
    if (unsearched != NULL) {
        g_string_append(line, paths != NULL || in_dependencies > 0
                                  ? "; not searched: "
                                  : "not searched for files that programs outside obey: ");
        osh_text_append_terminal(line, unsearched);
    }
    if (paths != NULL)
        g_string_append(line, "; look before you use the folder");
}

static const struct {
    const char *topic;
    void (*append)(GString *line, const OshEvent *event, const char *policy_path);
    gboolean refusal;
} shown_topics[] = {
    {OSH_TOPIC_NETWORK_DENIED, append_denial, TRUE},
    {OSH_TOPIC_NETWORK_FAILED, append_failure, FALSE},
    {OSH_TOPIC_PROCESS_VIOLATION, append_violation, TRUE},
    {OSH_TOPIC_PLUGIN_FAULT, append_fault, FALSE},
    {OSH_TOPIC_NETWORK_ALLOWED, append_audited, FALSE},
    {OSH_TOPIC_BOX_CLOSED, append_appeared, FALSE},
};

G_STATIC_ASSERT(G_N_ELEMENTS(shown_topics) ==
                G_N_ELEMENTS(((OshDenialLines *)NULL)->subscriptions));

/* An allow that was not audited; a box in which nothing appeared. */
static gboolean
says_nothing(const OshEvent *event)
{
    g_autoptr(GVariant) details = NULL;
    gboolean audited = FALSE;

    if (g_str_equal(event->topic, OSH_TOPIC_BOX_CLOSED)) {
        details = g_variant_get_child_value(event->payload, 2);
        return !g_variant_lookup(details, "appeared", "as", NULL) &&
               !g_variant_lookup(details, "not-searched", "s", NULL);
    }
    if (!g_str_equal(event->topic, OSH_TOPIC_NETWORK_ALLOWED))
        return FALSE;
    details = g_variant_get_child_value(event->payload, 8);
    g_variant_lookup(details, "audited", "b", &audited);
    return !audited;
}

char *
osh_denial_line_format(const OshEvent *event, const char *policy)
{
    for (gsize i = 0; i < G_N_ELEMENTS(shown_topics); i++) {
        GString *line;

        if (!g_str_equal(event->topic, shown_topics[i].topic) || says_nothing(event))
            continue;
        line = g_string_new(NULL);
        shown_topics[i].append(line, event, policy);
        return g_string_free(line, FALSE);
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
    char *distinct;
    g_autofree char *text = NULL;

    if (says_nothing(event))
        return;
    distinct = distinct_part(lines, event);
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
        if (audit || !g_str_equal(shown_topics[i].topic, OSH_TOPIC_NETWORK_ALLOWED))
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
