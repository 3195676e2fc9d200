/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnostics.c: collects errors and warnings about a policy and prints them.
 *
 * One thread at a time. Text from the policy file is escaped before it is printed: a policy may
 * come from a program.
 */
#include "diagnostics.h"

#include <string.h>

#define MAX_KEPT 400

/* Of one text; what is between its two ends is left out. */
#define MAX_TEXT 512

struct _OshPolicyDiagnostics {
    char *file_name;
    GPtrArray *entries;
    guint n_errors;
    guint n_warnings;
    guint stages;
    gboolean sorted;
};

static void
diagnostic_free(gpointer data)
{
    OshPolicyDiagnostic *diagnostic = data;

    g_free(diagnostic->path);
    g_free(diagnostic->message);
    g_free(diagnostic->suggestion);
    g_free(diagnostic);
}

OshPolicyDiagnostics *
osh_policy_diagnostics_new(void)
{
    OshPolicyDiagnostics *diagnostics = g_new0(OshPolicyDiagnostics, 1);

    diagnostics->file_name = g_strdup("policy");
    diagnostics->entries = g_ptr_array_new_with_free_func(diagnostic_free);
    diagnostics->stages = OSH_POLICY_STAGE_PARSE;
    diagnostics->sorted = TRUE;
    return diagnostics;
}

void
osh_policy_diagnostics_free(OshPolicyDiagnostics *diagnostics)
{
    if (diagnostics == NULL)
        return;
    g_free(diagnostics->file_name);
    g_ptr_array_unref(diagnostics->entries);
    g_free(diagnostics);
}

void
osh_policy_diagnostics_set_file(OshPolicyDiagnostics *diagnostics, const char *file_name)
{
    g_free(diagnostics->file_name);
    diagnostics->file_name = g_strdup(file_name);
}

guint
osh_policy_diagnostics_set_stages(OshPolicyDiagnostics *diagnostics, guint stages)
{
    guint before = diagnostics->stages;

    diagnostics->stages = stages;
    return before;
}

/* @text: (nullable) (transfer full): Returns: (transfer full): it, or its beginning and its end. */
static char *
bounded(char *text)
{
    gsize length = text != NULL ? strlen(text) : 0;
    g_autofree char *whole = text;
    const char *head_end;
    const char *tail;

    if (length <= MAX_TEXT)
        return g_steal_pointer(&whole);
    head_end = whole + MAX_TEXT / 2;
    tail = whole + length - (MAX_TEXT / 2 - 5);
    while (head_end > whole && ((guchar)*head_end & 0xc0) == 0x80)
        head_end--;
    while (((guchar)*tail & 0xc0) == 0x80)
        tail++;
    return g_strdup_printf("%.*s [...] %s", (int)(head_end - whole), whole, tail);
}

void
osh_policy_diagnostics_add(OshPolicyDiagnostics *diagnostics, OshPolicySeverity severity,
                           guint line, guint column, char *path, char *message, char *suggestion)
{
    OshPolicyDiagnostic *diagnostic = g_new0(OshPolicyDiagnostic, 1);

    diagnostic->severity = severity;
    diagnostic->line = line;
    diagnostic->column = column;
    diagnostic->path = path;
    diagnostic->message = bounded(message);
    diagnostic->suggestion = bounded(suggestion);
    diagnostic->stages = diagnostics->stages;
    if (severity == OSH_POLICY_DIAGNOSTIC_ERROR)
        diagnostics->n_errors++;
    else
        diagnostics->n_warnings++;
    /* the first error is always kept, however many warnings came before it */
    if (diagnostics->entries->len >= MAX_KEPT &&
        !(severity == OSH_POLICY_DIAGNOSTIC_ERROR && diagnostics->n_errors == 1)) {
        diagnostic_free(diagnostic);
        return;
    }
    g_ptr_array_add(diagnostics->entries, diagnostic);
    diagnostics->sorted = FALSE;
}

guint
osh_policy_diagnostics_n_errors(const OshPolicyDiagnostics *diagnostics)
{
    return diagnostics->n_errors;
}

guint
osh_policy_diagnostics_n_warnings(const OshPolicyDiagnostics *diagnostics)
{
    return diagnostics->n_warnings;
}

guint
osh_policy_diagnostics_length(const OshPolicyDiagnostics *diagnostics)
{
    return diagnostics->entries->len;
}

static gint
compare_position(gconstpointer a, gconstpointer b)
{
    const OshPolicyDiagnostic *left = *(const OshPolicyDiagnostic *const *)a;
    const OshPolicyDiagnostic *right = *(const OshPolicyDiagnostic *const *)b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return g_strcmp0(left->message, right->message);
}

const OshPolicyDiagnostic *
osh_policy_diagnostics_get(OshPolicyDiagnostics *diagnostics, guint index)
{
    if (!diagnostics->sorted) {
        g_ptr_array_sort(diagnostics->entries, compare_position);
        diagnostics->sorted = TRUE;
    }
    return g_ptr_array_index(diagnostics->entries, index);
}

void
osh_policy_append_printable(GString *line, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        GUnicodeType type = g_unichar_type(c);

        /* Line and paragraph separators count as printable and begin a line all the same. */
        if (g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR &&
            type != G_UNICODE_PARAGRAPH_SEPARATOR)
            g_string_append_unichar(line, c);
        else
            g_string_append_printf(line, "\\u{%x}", c);
    }
}

char *
osh_policy_diagnostic_format(const OshPolicyDiagnostics *diagnostics,
                             const OshPolicyDiagnostic *diagnostic)
{
    GString *line = g_string_new(NULL);

    osh_policy_append_printable(line, diagnostics->file_name);
    if (diagnostic->line > 0)
        g_string_append_printf(line, ":%u:%u", diagnostic->line, diagnostic->column);
    g_string_append(line, diagnostic->severity == OSH_POLICY_DIAGNOSTIC_ERROR ? ": error: "
                                                                              : ": warning: ");
    if (diagnostic->path != NULL && diagnostic->path[0] != '\0') {
        osh_policy_append_printable(line, diagnostic->path);
        g_string_append(line, ": ");
    }
    osh_policy_append_printable(line, diagnostic->message);
    if (diagnostic->suggestion != NULL) {
        g_string_append(line, " (");
        osh_policy_append_printable(line, diagnostic->suggestion);
        g_string_append_c(line, ')');
    }
    return g_string_free(line, FALSE);
}

char *
osh_policy_diagnostics_format(OshPolicyDiagnostics *diagnostics)
{
    GString *text = g_string_new(NULL);
    guint total = diagnostics->n_errors + diagnostics->n_warnings;

    for (guint i = 0; i < diagnostics->entries->len; i++) {
        g_autofree char *line =
            osh_policy_diagnostic_format(diagnostics, osh_policy_diagnostics_get(diagnostics, i));

        g_string_append(text, line);
        g_string_append_c(text, '\n');
    }
    if (total > diagnostics->entries->len)
        g_string_append_printf(text, "and %u more\n", total - diagnostics->entries->len);
    return g_string_free(text, FALSE);
}

/* Insertions, deletions, changes and swaps of neighbours that lead from one word to the other. */
static guint
edit_distance(const char *left, const char *right)
{
    gsize width = strlen(right);
    guint rows[3][64];

    if (strlen(left) >= G_N_ELEMENTS(rows[0]) || width >= G_N_ELEMENTS(rows[0]))
        return G_MAXUINT;
    for (gsize j = 0; j <= width; j++)
        rows[0][j] = (guint)j;
    for (gsize i = 1; left[i - 1] != '\0'; i++) {
        guint *row = rows[i % 3];
        const guint *above = rows[(i + 2) % 3];
        const guint *earlier = rows[(i + 1) % 3];

        row[0] = (guint)i;
        for (gsize j = 1; j <= width; j++) {
            gboolean differs = g_ascii_tolower(left[i - 1]) != right[j - 1];

            row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (differs ? 1 : 0));
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                row[j] = MIN(row[j], earlier[j - 2] + 1);
        }
    }
    return rows[strlen(left) % 3][width];
}

const char *
osh_policy_nearest_word(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    guint best = strlen(word) >= 6 ? 3 : 2;

    for (gsize i = 0; candidates[i] != NULL; i++) {
        guint distance = edit_distance(word, candidates[i]);

        if (distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    /* `filesystem` for `filesystem_policy` */
    for (gsize i = 0; nearest == NULL && strlen(word) >= 4 && candidates[i] != NULL; i++)
        if (g_str_has_prefix(candidates[i], word))
            nearest = candidates[i];
    return nearest;
}
