/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn.c: a recording becomes a policy: rows, sites, rules, text, proof.
 *
 * [main]; changes nothing. What it gives out was loaded by the strict loader and asked about every
 * decision that it was learned from. It must never make anything live, and never give out a policy
 * that it could not prove.
 */
#include "learn.h"

#include <string.h>

#include "learn-ceiling.h"
#include "learn-row.h"
#include "learn-site.h"
#include "learn-write.h"
#include "openshell/host.h"
#include "osh-request-path.h"
#include "osh-text.h"
#include "replay.h"
#include "row-words.h"

#define MAX_LISTED 200

typedef struct {
    const OshLearnOptions *options;
    OshLearned *learned;
    GHashTable *by_name; /* "HOST\nPORT" -> OshLearnSite */
    GPtrArray *sites;
    GHashTable *left; /* lines that are there already */
} Learner;

static void
leave(Learner *learner, const OshRecordedDecision *row, const char *reason)
{
    g_autofree char *host = osh_row_host(row);
    g_autofree char *binary = osh_row_binary(row);
    g_autofree char *request = osh_row_request(row);
    g_autoptr(GString) line = g_string_new(NULL);

    osh_text_append_terminal(line, binary[0] != '\0' ? binary : "(any program)");
    g_string_append(line, " -> ");
    osh_text_append_terminal(line, host);
    if (osh_row_port(row) != 0)
        g_string_append_printf(line, ":%u", osh_row_port(row));
    if (request[0] != '\0') {
        g_string_append_c(line, ' ');
        osh_text_append_terminal(line, request);
    }
    g_string_append_printf(line, ": %s", reason);
    if (g_hash_table_add(learner->left, g_strdup(line->str)))
        g_ptr_array_add(learner->learned->left, g_strdup(line->str));
}

/* What the ceiling adds to every endpoint of the host: addresses and TLS. */
static void
take_handling(Learner *learner, OshLearnSite *site, const char *binary)
{
    g_auto(OshLearnCeiling) ceiling = {0};
    const OshPolicyEndpoint *selected;
    g_autoptr(GPtrArray) texts = NULL;

    osh_learn_ceiling_ask(learner->options->ceiling, site->host, site->port, binary, &ceiling);
    selected = ceiling.verdict.selected;
    if (learner->options->ceiling != NULL && !ceiling.verdict.exact_declared_host &&
        (selected == NULL || selected->n_allowed_ips == 0) && site->by_pattern == NULL)
        site->by_pattern = g_strdup(ceiling.verdict.rule);
    if (selected == NULL)
        return;
    site->tls_skip |= selected->tls == OSH_POLICY_TLS_SKIP;
    if (selected->n_allowed_ips == 0 || site->allowed_ips != NULL)
        return;
    texts = g_ptr_array_new();
    for (guint i = 0; i < selected->n_allowed_ips; i++)
        g_ptr_array_add(texts, (gpointer)selected->allowed_ip_texts[i]);
    g_ptr_array_add(texts, NULL);
    site->allowed_ips = g_strdupv((char **)texts->pdata);
}

static OshLearnSite *
site_for(Learner *learner, const char *host, guint port)
{
    g_autofree char *name = g_strdup_printf("%s\n%05u", host, port);
    OshLearnSite *site = g_hash_table_lookup(learner->by_name, name);

    if (site != NULL)
        return site;
    site = osh_learn_site_new(host, port);
    g_hash_table_insert(learner->by_name, g_steal_pointer(&name), site);
    g_ptr_array_add(learner->sites, site);
    return site;
}

static void
note_encoded_slash(OshLearnSite *site, const OshLearnRow *row)
{
    for (guint i = 0; i < row->seen->len; i++) {
        const OshLearnRule *seen = g_ptr_array_index(row->seen, i);

        if (seen->pattern != NULL)
            site->encoded_slash |= osh_request_path_has_encoded_slash(seen->pattern->text,
                                                                      strlen(seen->pattern->text));
    }
}

static void
read_rows(Learner *learner, const OshRecording *recording)
{
    for (guint i = 0; i < recording->rows->len; i++) {
        const OshRecordedDecision *row = g_ptr_array_index(recording->rows, i);
        const char *reason;
        OshLearnRow *learned = osh_learn_row_read(learner->options, row, &reason);
        g_autofree char *host = NULL;
        OshLearnSite *site;

        if (learned == NULL) {
            leave(learner, row, reason);
            continue;
        }
        host = osh_learn_row_host(row);
        site = site_for(learner, host, osh_row_port(row));
        take_handling(learner, site, learned->grant);
        note_encoded_slash(site, learned);
        g_ptr_array_add(site->rows, learned);
        learner->learned->n_learned++;
    }
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
compare_sites(gconstpointer a, gconstpointer b)
{
    const OshLearnSite *left = *(const OshLearnSite *const *)a;
    const OshLearnSite *right = *(const OshLearnSite *const *)b;
    int order = strcmp(left->host, right->host);

    return order != 0 ? order : (int)left->port - (int)right->port;
}

static void
note_sites(Learner *learner)
{
    for (guint i = 0; i < learner->sites->len; i++) {
        const OshLearnSite *site = g_ptr_array_index(learner->sites, i);
        g_autoptr(GString) line = g_string_new(NULL);

        if (site->by_pattern == NULL)
            continue;
        g_string_printf(line, "%s:%u: the ceiling has it by a pattern (", site->host, site->port);
        osh_text_append_terminal(line, site->by_pattern);
        g_string_append(line, "); named exactly, its addresses may also be private: add "
                              "allowed_ips where that matters");
        g_ptr_array_add(learner->learned->notes, g_string_free(g_steal_pointer(&line), FALSE));
    }
}

static void
add_static_part(OshDraft *draft)
{
    static const char *const read_only[] = {"/usr",   "/bin", "/sbin", "/lib",
                                            "/lib64", "/etc", "/opt"};
    static const char *const read_write[] = {"/tmp", "/dev/null"};
    OshValue *filesystem = osh_value_ensure_mapping(osh_draft_root(draft), "filesystem_policy");

    osh_value_set(filesystem, "include_workdir", osh_value_boolean(TRUE));
    for (gsize i = 0; i < G_N_ELEMENTS(read_only); i++)
        osh_value_append(osh_value_ensure_list(filesystem, "read_only"),
                         osh_value_string(read_only[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(read_write); i++)
        osh_value_append(osh_value_ensure_list(filesystem, "read_write"),
                         osh_value_string(read_write[i]));
}

static OshDraft *
make_draft(const Learner *learner)
{
    const OshDraft *base = learner->options->base;
    OshDraft *draft = base != NULL ? osh_draft_copy(base) : osh_draft_new();

    osh_value_remove(osh_draft_root(draft), "network_policies");
    if (base == NULL)
        add_static_part(draft);
    osh_learn_write(draft, learner->sites);
    return draft;
}

static void
append_list(GString *text, const char *title, const GPtrArray *lines)
{
    if (lines->len == 0)
        return;
    g_string_append_printf(text, "#\n# %s\n", title);
    for (guint i = 0; i < MIN(lines->len, MAX_LISTED); i++)
        g_string_append_printf(text, "#   %s\n", (const char *)g_ptr_array_index(lines, i));
    if (lines->len > MAX_LISTED)
        g_string_append_printf(text, "#   and %u more\n", lines->len - MAX_LISTED);
}

/* Only what a terminal obeys none of, and no line end: it was escaped when it was made. */
static char *
with_comment(const Learner *learner, const char *policy)
{
    g_autoptr(GString) text = g_string_new("# Learned from ");

    osh_text_append_terminal(text, learner->options->name);
    g_string_append_printf(text, ": %u different decisions. Read it before you use it.\n",
                           learner->learned->n_learned);
    append_list(text, "Left to a person:", learner->learned->left);
    append_list(text, "Look at:", learner->learned->notes);
    g_string_append(text, policy);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean
fail_row(GError **error, const OshRecordedDecision *row, const char *reason)
{
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED,
                "the learned policy would refuse line %u of the recording: %s", row->line, reason);
    return FALSE;
}

/* The policy allows everything that it was learned from. */
static gboolean
prove(const Learner *learner, const char *text, GError **error)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshPolicySnapshot) policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = "learned", .generation = 1},
        diagnostics);

    if (policy == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "the learned policy does not load:\n%s",
                    g_strchomp(messages));
        return FALSE;
    }
    for (guint i = 0; i < learner->sites->len; i++) {
        const OshLearnSite *site = g_ptr_array_index(learner->sites, i);

        for (guint k = 0; k < site->rows->len; k++) {
            const OshLearnRow *row = g_ptr_array_index(site->rows, k);
            g_auto(OshReplayResult) result = {0};

            osh_replay(policy, row->row, &result);
            if (result.answer == OSH_REPLAY_DENIED)
                return fail_row(error, row->row, result.reason);
        }
    }
    return TRUE;
}

static void
grow(Learner *learner, OshLearnSite *site)
{
    OshLearnRow *alone;
    const char *reason;

    while ((alone = osh_learn_site_grow(site, learner->options->ceiling, &reason)) != NULL) {
        leave(learner, alone->row, reason);
        learner->learned->n_learned--;
        g_ptr_array_remove(site->rows, alone);
    }
    osh_learn_site_prune(site);
}

static gboolean
learn(Learner *learner, const OshRecording *recording, GError **error)
{
    g_autoptr(OshDraft) draft = NULL;
    g_autofree char *policy = NULL;

    read_rows(learner, recording);
    g_ptr_array_sort(learner->sites, compare_sites);
    for (guint i = 0; i < learner->sites->len; i++)
        grow(learner, g_ptr_array_index(learner->sites, i));
    g_ptr_array_sort(learner->learned->left, compare_lines);
    note_sites(learner);
    draft = make_draft(learner);
    policy = osh_draft_write(draft, error);
    if (policy == NULL)
        return FALSE;
    learner->learned->text = with_comment(learner, policy);
    return prove(learner, learner->learned->text, error);
}

OshLearned *
osh_learn(const OshRecording *recording, const OshLearnOptions *options, GError **error)
{
    g_autoptr(OshLearned) learned = g_new0(OshLearned, 1);
    g_autoptr(GHashTable) by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) sites =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_learn_site_free);
    g_autoptr(GHashTable) left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Learner learner = {options, learned, by_name, sites, left};

    learned->left = g_ptr_array_new_with_free_func(g_free);
    learned->notes = g_ptr_array_new_with_free_func(g_free);
    return learn(&learner, recording, error) ? g_steal_pointer(&learned) : NULL;
}

void
osh_learned_free(OshLearned *learned)
{
    if (learned == NULL)
        return;
    g_clear_pointer(&learned->left, g_ptr_array_unref);
    g_clear_pointer(&learned->notes, g_ptr_array_unref);
    g_free(learned->text);
    g_free(learned);
}
