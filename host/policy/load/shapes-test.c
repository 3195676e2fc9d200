/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shapes-test.c: policies and fragments as people publish them, from testdata/shapes: each policy
 * loads, each fragment composes with a policy, and what comes out says what its parts said.
 */
#include "compose.h"
#include "explain.h"
#include "model.h"

#include <string.h>

#define SHAPES 31 /* at least */

static const char *directory;

static char *
read_shape(const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static gint
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Returns: (transfer full): names of all files, sorted. */
static GPtrArray *
list_shapes(void)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) listing = g_dir_open(directory, 0, NULL);
    const char *name;

    g_assert_nonnull(listing);
    while ((name = g_dir_read_name(listing)) != NULL)
        if (g_str_has_suffix(name, ".yaml"))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_names);
    return names;
}

static gboolean
is_fragment(const char *text)
{
    return strstr(text, "\npreset:") != NULL;
}

static OshPolicySnapshot *
load_text(const char *text, const char *name)
{
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    OshPolicySnapshot *policy = osh_policy_load(
        &(OshPolicyLoadRequest){
            .text = text, .length = strlen(text), .file_name = name, .generation = 1},
        diagnostics);
    g_autofree char *said = osh_policy_diagnostics_format(diagnostics);

    if (policy == NULL)
        g_error("%s\n%s", said, text);
    return policy;
}

static void
add_shape(OshComposition *composition, const char *name)
{
    g_autofree char *text = read_shape(name);
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshDraft) draft = osh_draft_read(
        &(OshPolicyLoadRequest){.text = text,
                                .length = strlen(text),
                                .file_name = name,
                                .flags = OSH_POLICY_LOAD_ANY | OSH_POLICY_LOAD_FRAGMENT},
        diagnostics);
    g_autofree char *said = osh_policy_diagnostics_format(diagnostics);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    if (draft == NULL)
        g_error("%s", said);
    osh_composition_add(composition, draft, name, notes, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(notes->len, ==, 0);
}

static OshPolicySnapshot *
composed(OshComposition *composition, const char *name)
{
    g_autofree char *text = osh_draft_write(osh_composition_draft(composition), NULL);

    return load_text(text, name);
}

static void
test_each(void)
{
    g_autoptr(GPtrArray) names = list_shapes();

    g_assert_cmpuint(names->len, >=, SHAPES);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *text = read_shape(name);
        g_autoptr(OshPolicySnapshot) policy = NULL;
        g_autoptr(OshPolicySnapshot) again = NULL;
        OshComposition *composition = osh_composition_new(FALSE);

        if (!is_fragment(text))
            policy = load_text(text, name);
        else
            add_shape(composition, "base.yaml");
        add_shape(composition, name);
        again = composed(composition, name);
        g_assert_true(policy == NULL || policy->n_endpoints == again->n_endpoints);
        osh_composition_free(composition);
    }
}

static void
test_together(void)
{
    static const struct {
        const char *method;
        const char *target;
        const char *binary;
        gboolean allowed;
    } questions[] = {
        {"POST", "https://api.model.example.com/v1/x", "/usr/bin/node", TRUE},
        {NULL, "telemetry.model.example.com:443", "/usr/bin/curl", FALSE},
        {"GET", "https://files.registry.example.org/a%2fb", "/usr/local/bin/npm-11", TRUE},
        {"PUT", "https://files.registry.example.org/a", "/usr/local/bin/npm-11", FALSE},
        {"GET", "https://files.registry.example.org/a", "/usr/bin/curl", FALSE},
        {"GET", "https://cdn-7.models.example.com/x", "/usr/bin/python3.12", TRUE},
        {"POST", "https://models.example.com/x", "/usr/bin/python3.12", FALSE},
        {NULL, "pinned.example.com:443", "/usr/bin/node", TRUE},
        {NULL, "graph.mail.example.com:443", "/usr/bin/node", FALSE},
        {"WEBSOCKET_TEXT", "wss://gateway.socket.example.com/x", "/usr/bin/node", TRUE},
    };
    g_autoptr(GPtrArray) names = list_shapes();
    OshComposition *composition = osh_composition_new(FALSE);
    g_autoptr(OshPolicySnapshot) policy = NULL;

    add_shape(composition, "base.yaml");
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *text = read_shape(g_ptr_array_index(names, i));

        if (is_fragment(text))
            add_shape(composition, g_ptr_array_index(names, i));
    }
    policy = composed(composition, "all.yaml");
    for (gsize i = 0; i < G_N_ELEMENTS(questions); i++) {
        const OshPolicyAsk ask = {.method = questions[i].method,
                                  .target = questions[i].target,
                                  .binary = questions[i].binary};
        OshPolicyExplanation explanation = {0};
        g_autoptr(GError) error = NULL;

        osh_policy_explain(policy, NULL, &ask, &explanation, &error);
        g_assert_no_error(error);
        if (explanation.allowed != questions[i].allowed)
            g_error("%s %s: %s", questions[i].target, questions[i].binary,
                    explanation.reason != NULL ? explanation.reason : "allowed");
        osh_policy_explanation_clear(&explanation);
    }
    osh_composition_free(composition);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    directory = argc > 1 ? argv[1] : "host/policy/testdata/shapes";
    g_test_add_func("/shapes/each loads or composes", test_each);
    g_test_add_func("/shapes/all fragments compose with one policy", test_together);
    return g_test_run();
}
