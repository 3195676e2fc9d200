/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose-verb.c: `policy compose`: policies and fragments of policies as one.
 *
 * Main thread. A fragment is a file with `preset:`, as collections of policies have them. What
 * comes out is printed, and only when it loads; whether it comes into force is for a person.
 * Everything from the files is escaped on its way to standard error.
 */
#include "compose.h"
#include "model.h"
#include "policy-verb.h"

#include <stdio.h>
#include <string.h>

/* Lines about where policies are from. */
#define MAX_ORIGINS 100

#define COMPOSE_USAGE                                                                              \
    "policy compose [--replace] [--plugin-dir DIR]... FILE... [--provider NAME=FILE]..."

/* A provider adds policies; it may change neither the box nor the middlewares. */
static gboolean
check_layer(const OshDraft *layer, const char *path)
{
    const OshValue *root = osh_draft_root(layer);
    const OshValue *policies = osh_draft_policies(layer);

    for (guint i = 0; i < osh_value_length(root); i++) {
        const char *key = osh_value_key(root, i);
        g_autofree char *message = NULL;

        if (strcmp(key, "version") == 0 || strcmp(key, "preset") == 0 ||
            strcmp(key, "network_policies") == 0)
            continue;
        message = g_strdup_printf("%s: a provider adds network_policies only, not %s", path, key);
        osh_policy_verb_say("error", message);
        return FALSE;
    }
    if (policies == NULL || osh_value_length(policies) == 0) {
        g_autofree char *message = g_strdup_printf("%s: there is no policy in it", path);

        osh_policy_verb_say("error", message);
        return FALSE;
    }
    return TRUE;
}

static gboolean
add_provider(OshPolicyProtocolTable *protocols, OshDraft *draft, const char *provider)
{
    const char *equals = strchr(provider, '=');
    g_autofree char *name = NULL;
    g_autofree char *key = NULL;
    g_autoptr(OshDraft) layer = NULL;
    g_autoptr(GArray) policies = NULL;

    if (equals == NULL || equals == provider || equals[1] == '\0') {
        osh_policy_verb_say("error", "write --provider NAME=FILE");
        return FALSE;
    }
    name = g_strndup(provider, (gsize)(equals - provider));
    layer = osh_policy_verb_read(protocols, equals + 1, OSH_POLICY_LOAD_FRAGMENT, FALSE);
    if (layer == NULL || !check_layer(layer, equals + 1))
        return FALSE;
    policies = osh_draft_sorted_policies(layer);
    /* a file may not carry the keys of providers, so there they are ordinary ones */
    key = osh_compose_key(name);
    for (guint i = 0; i < policies->len; i++)
        g_free(osh_compose_add(draft, key + 1, g_array_index(policies, OshDraftPolicy, i).policy));
    return TRUE;
}

static gboolean
add_file(OshPolicyProtocolTable *protocols, OshComposition *composition, const char *path,
         gboolean first)
{
    const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
    g_autoptr(OshDraft) draft =
        osh_policy_verb_read(protocols, path, OSH_POLICY_LOAD_FRAGMENT, first);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    gboolean good;

    if (draft == NULL)
        return FALSE;
    good = osh_composition_add(composition, draft, name, notes, &error);
    for (guint i = 0; i < notes->len; i++)
        osh_policy_verb_say("warning", g_ptr_array_index(notes, i));
    if (!good)
        osh_policy_verb_say("error", error->message);
    return good;
}

/* The result has lines of its own: where its policies are from is what a person can look up. */
static void
tell_origins(OshComposition *composition)
{
    g_auto(GStrv) keys = osh_draft_policy_keys(osh_composition_draft(composition));

    for (guint i = 0; keys[i] != NULL && i < MAX_ORIGINS; i++) {
        const char *origin = osh_composition_origin(composition, keys[i]);
        g_autofree char *message = g_strdup_printf("policy '%s' is from %s", keys[i],
                                                   origin != NULL ? origin : "a provider");

        osh_policy_verb_say("note", message);
    }
}

static int
compose_files(OshPolicyProtocolTable *protocols, char **files, char **providers, gboolean replace)
{
    g_autoptr(OshComposition) composition = osh_composition_new(replace);
    OshDraft *draft = osh_composition_draft(composition);
    int code;

    for (gsize i = 0; files[i] != NULL; i++)
        if (!add_file(protocols, composition, files[i], i == 0))
            return 1;
    for (gsize i = 0; providers != NULL && providers[i] != NULL; i++)
        if (!add_provider(protocols, draft, providers[i]))
            return 1;
    code = osh_policy_verb_print_result(protocols, draft, "composed policy");
    if (code != 0)
        tell_origins(composition);
    return code;
}

int
osh_policy_verb_compose(int argc, char **argv, OshPolicyProtocolsFunc find_protocols)
{
    gboolean replace = FALSE;
    g_auto(GStrv) directories = NULL;
    g_auto(GStrv) files = NULL;
    g_auto(GStrv) providers = NULL;
    const GOptionEntry entries[] = {
        {"replace", 0, 0, G_OPTION_ARG_NONE, &replace,
         "Let a later file replace what an earlier one has under the same name", NULL},
        {"provider", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &providers,
         "A policy file whose network_policies are added under provider_NAME; repeatable",
         "NAME=FILE"},
        {"plugin-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &directories, OSH_POLICY_VERB_PLUGIN_DIR,
         "DIR"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE..."},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(OshPolicyProtocolTable) protocols = NULL;
    g_autoptr(GError) error = NULL;

    if (!osh_verb_parse("policy compose", "- make one policy of several files",
                        "Each FILE is a policy, or a fragment with a preset: header. Exit code 1 "
                        "when two of them say different things under one name or the result would "
                        "not load.",
                        entries, argc, argv))
        return OSH_VERB_ASKED_WRONGLY;
    if (files == NULL)
        return osh_verb_usage("policy compose", "name a policy and what to add to it",
                              COMPOSE_USAGE);
    protocols = find_protocols((const char *const *)directories, &error);
    if (protocols == NULL)
        return osh_verb_usage("policy compose", error->message, NULL);
    return compose_files(protocols, files, providers, replace);
}
