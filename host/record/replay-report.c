/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay-report.c: groups what changes and writes it down.
 *
 * Plain functions over a recording and a snapshot. Nearly every word comes from a box or a file:
 * all of them are escaped here (security rule 13, text from the box). Equal lines are one, with how
 * often they came.
 */
#include "replay-report.h"

#include <string.h>

#include "osh-text.h"
#include "row-words.h"

typedef struct {
    char *host;
    guint port;
    char *binary;
    char *request;
    const char *layer;
    char *reason; /* (nullable) */
    const char *policy;
    const char *rule;
    guint line;
    gboolean address_is_open;
    gboolean is_audited;
    guint first_line; /* in the recording */
    guint64 times;
} Entry;

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_free(entry->host);
    g_free(entry->binary);
    g_free(entry->request);
    g_free(entry->reason);
    g_free(entry);
}

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    const Entry *left = *(const Entry *const *)a;
    const Entry *right = *(const Entry *const *)b;
    int order = strcmp(left->host, right->host);

    if (order == 0)
        order = left->port < right->port ? -1 : left->port > right->port;
    if (order == 0)
        order = strcmp(left->binary, right->binary);
    if (order == 0)
        order = strcmp(left->request, right->request);
    if (order == 0)
        order = g_strcmp0(left->reason, right->reason);
    if (order == 0)
        order = strcmp(left->layer, right->layer);
    return order;
}

static void
add_entry(const OshPolicySnapshot *policy, GPtrArray *entries, const OshRecordedDecision *row,
          OshReplayResult *result)
{
    Entry *entry = g_new0(Entry, 1);

    entry->host = osh_row_host(row);
    entry->port = osh_row_port(row);
    entry->binary = osh_row_binary(row);
    entry->request = osh_row_request(row);
    entry->layer = row->layer;
    entry->reason = g_steal_pointer(&result->reason);
    entry->policy = result->policy;
    entry->rule = result->rule;
    entry->line = osh_policy_rule_line(policy, result->rule, result->selected);
    entry->address_is_open = result->address_is_open;
    entry->is_audited = result->is_audited;
    entry->first_line = row->line;
    entry->times = row->count;
    g_ptr_array_add(entries, entry);
}

static void
sort_and_merge(GPtrArray *entries)
{
    g_ptr_array_sort(entries, compare_entries);
    for (guint i = 1; i < entries->len;) {
        Entry *kept = g_ptr_array_index(entries, i - 1);
        const Entry *next = g_ptr_array_index(entries, i);

        if (compare_entries(&g_ptr_array_index(entries, i - 1), &g_ptr_array_index(entries, i)) !=
            0) {
            i++;
            continue;
        }
        kept->times += next->times;
        kept->address_is_open |= next->address_is_open;
        g_ptr_array_remove_index(entries, i);
    }
}

OshReplayReport *
osh_replay_report_new(const OshPolicySnapshot *policy, const OshRecording *recording)
{
    OshReplayReport *report = g_new0(OshReplayReport, 1);

    report->policy = policy;
    report->recording = recording;
    report->newly_pass = g_ptr_array_new_with_free_func(entry_free);
    report->newly_break = g_ptr_array_new_with_free_func(entry_free);
    report->cannot = g_ptr_array_new_with_free_func(entry_free);
    for (guint i = 0; i < recording->rows->len; i++) {
        const OshRecordedDecision *row = g_ptr_array_index(recording->rows, i);
        gboolean passed = osh_replay_passed(row);
        g_auto(OshReplayResult) result = {0};

        osh_replay(policy, row, &result);
        if (result.answer == OSH_REPLAY_UNKNOWN) {
            add_entry(policy, report->cannot, row, &result);
        } else if (passed == (result.answer == OSH_REPLAY_PASSES)) {
            report->n_unchanged++;
            report->n_times_unchanged += row->count;
        } else {
            add_entry(policy, passed ? report->newly_break : report->newly_pass, row, &result);
        }
    }
    sort_and_merge(report->newly_pass);
    sort_and_merge(report->newly_break);
    sort_and_merge(report->cannot);
    return report;
}

void
osh_replay_report_free(OshReplayReport *report)
{
    if (report == NULL)
        return;
    g_ptr_array_unref(report->newly_pass);
    g_ptr_array_unref(report->newly_break);
    g_ptr_array_unref(report->cannot);
    g_free(report);
}

static guint64
sum_times(const GPtrArray *entries)
{
    guint64 times = 0;

    for (guint i = 0; i < entries->len; i++)
        times += ((const Entry *)g_ptr_array_index(entries, i))->times;
    return times;
}

static void
append_entry(GString *text, const Entry *entry, const char *file)
{
    g_string_append(text, "  ");
    osh_text_append_terminal(text, entry->binary[0] != '\0' ? entry->binary : "(any program)");
    g_string_append(text, strchr(entry->host, ':') != NULL ? " -> [" : " -> ");
    osh_text_append_terminal(text, entry->host);
    if (strchr(entry->host, ':') != NULL)
        g_string_append_c(text, ']');
    if (entry->port != 0)
        g_string_append_printf(text, ":%u", entry->port);
    else
        g_string_append(text, " (name)");
    if (entry->request[0] != '\0') {
        g_string_append_c(text, ' ');
        osh_text_append_terminal(text, entry->request);
    }
    if (entry->times > 1)
        g_string_append_printf(text, "  (%" G_GUINT64_FORMAT " times)", entry->times);
    g_string_append(text, "\n      ");
    if (entry->reason != NULL)
        osh_text_append_terminal(text, entry->reason);
    else if (entry->rule != NULL)
        osh_text_append_terminal(text, entry->rule);
    else
        g_string_append(text, "a name that the policy knows");
    if (entry->line != 0) {
        g_string_append(text, "  ");
        osh_text_append_terminal(text, file);
        g_string_append_printf(text, ":%u", entry->line);
    }
    if (entry->is_audited)
        g_string_append(text, "  (only audited)");
    if (entry->address_is_open && entry->reason == NULL)
        g_string_append(text, "  (its addresses were not looked up then: they are checked on top)");
    g_string_append_c(text, '\n');
}

static void
append_section(GString *text, const char *title, const GPtrArray *entries, const char *file)
{
    if (entries->len == 0)
        return;
    g_string_append_printf(text, "%s: %u (%" G_GUINT64_FORMAT " times)\n", title, entries->len,
                           sum_times(entries));
    for (guint i = 0; i < entries->len; i++)
        append_entry(text, g_ptr_array_index(entries, i), file);
}

static void
append_gaps(GString *text, const OshRecording *recording)
{
    if (recording->n_lost > 0)
        g_string_append_printf(
            text, "the recording lacks %" G_GUINT64_FORMAT " decisions that found no capacity\n",
            recording->n_lost);
    if (recording->n_unfinished > 0 || recording->is_cut)
        g_string_append_printf(text, "%u of %u runs has no end: up to its last second is missing\n",
                               MAX(recording->n_unfinished, 1), recording->n_runs);
}

char *
osh_replay_report_text(const OshReplayReport *report, const char *recording_name)
{
    GString *text = g_string_new(NULL);
    const char *file = osh_policy_file_name(report->policy);

    append_section(text, "newly pass", report->newly_pass, file);
    append_section(text, "newly break", report->newly_break, file);
    append_section(text, "cannot be repeated", report->cannot, file);
    g_string_append_printf(text, "unchanged: %u (%" G_GUINT64_FORMAT " times) of ",
                           report->n_unchanged, report->n_times_unchanged);
    osh_text_append_terminal(text, recording_name);
    g_string_append_printf(text, ", %u run%s", report->recording->n_runs,
                           report->recording->n_runs == 1 ? "" : "s");
    if (report->recording->n_audit_runs > 0)
        g_string_append_printf(text, ", %u in audit", report->recording->n_audit_runs);
    g_string_append_c(text, '\n');
    append_gaps(text, report->recording);
    return g_string_free(text, FALSE);
}

static void
append_member(GString *json, const char *name, const char *value)
{
    g_string_append_printf(json, ",\"%s\":", name);
    if (value != NULL)
        osh_text_append_json(json, value);
    else
        g_string_append(json, "null");
}

static void
append_json_entries(GString *json, const char *name, const GPtrArray *entries)
{
    g_string_append_printf(json, ",\"%s\":[", name);
    for (guint i = 0; i < entries->len; i++) {
        const Entry *entry = g_ptr_array_index(entries, i);

        g_string_append_printf(json, "%s{\"line\":%u,\"times\":%" G_GUINT64_FORMAT ",\"port\":%u",
                               i > 0 ? "," : "", entry->first_line, entry->times, entry->port);
        append_member(json, "host", entry->host);
        append_member(json, "binary", entry->binary);
        append_member(json, "layer", entry->layer);
        append_member(json, "request", entry->request);
        append_member(json, "policy", entry->policy);
        append_member(json, "rule", entry->rule);
        append_member(json, "reason", entry->reason);
        g_string_append_printf(json, ",\"policy_line\":%u,\"audited\":%s,\"addresses_checked\":%s}",
                               entry->line, entry->is_audited ? "true" : "false",
                               entry->address_is_open ? "false" : "true");
    }
    g_string_append_c(json, ']');
}

char *
osh_replay_report_json(const OshReplayReport *report, const char *recording_name)
{
    const OshRecording *recording = report->recording;
    GString *json = g_string_new("{\"version\":1");

    append_member(json, "recording", recording_name);
    append_member(json, "policy", osh_policy_file_name(report->policy));
    append_member(json, "sha256", osh_policy_sha256(report->policy));
    g_string_append_printf(
        json,
        ",\"runs\":%u,\"audit_runs\":%u,\"unfinished\":%u,\"lost\":%" G_GUINT64_FORMAT
        ",\"unchanged\":{\"decisions\":%u,\"times\":%" G_GUINT64_FORMAT "}",
        recording->n_runs, recording->n_audit_runs, recording->n_unfinished, recording->n_lost,
        report->n_unchanged, report->n_times_unchanged);
    append_json_entries(json, "newly_pass", report->newly_pass);
    append_json_entries(json, "newly_break", report->newly_break);
    append_json_entries(json, "cannot_be_repeated", report->cannot);
    g_string_append(json, "}\n");
    return g_string_free(json, FALSE);
}
