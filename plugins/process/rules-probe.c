/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules-probe.c: `openshell-host doctor` with a policy: what a run's box would have of it.
 *
 * [main]. It opens the box of that run and seals it, as a run does, and takes it down again before
 * a program has been in it. It must leave nothing.
 */
#include "process-plugin.h"

static void
add_rule_rows(GVariantBuilder *rows, const OshBox *box)
{
    g_autoptr(GVariant) rules = NULL;
    GVariantIter iter;
    const char *path;
    const char *skipped;
    char **rights;

    rules = g_variant_lookup_value(box->report, "landlock-rules", G_VARIANT_TYPE("a(sass)"));
    g_variant_iter_init(&iter, rules);
    while (g_variant_iter_next(&iter, "(&s^as&s)", &path, &rights, &skipped)) {
        g_autofree char *words = g_strjoinv(", ", rights);
        g_autofree char *detail = NULL;

        if (skipped[0] != '\0')
            detail = g_strdup_printf("%s: left out: %s", path, skipped);
        else
            detail = g_strdup_printf("%s: %s", path, words);
        g_variant_builder_add(rows, "(ssss)", "rule", skipped[0] != '\0' ? "weak" : "ok", detail,
                              skipped[0] != '\0'
                                  ? "programs cannot reach it; take it out of the policy or make it"
                                  : "");
        g_strfreev(rights);
    }
}

static void
add_identity_row(GVariantBuilder *rows, const OshBox *box)
{
    if (!box->network_served)
        return;
    if (box->plugin->connects != NULL)
        g_variant_builder_add(rows, "(ssss)", "identity", "ok",
                              "each connect(2) of the box is observed", "");
    else
        g_variant_builder_add(rows, "(ssss)", "identity", "weak",
                              "a program is identified only as the owner of its socket",
                              "Linux 5.6 or later, no other supervisor around this one that "
                              "receives seccomp notifications, and "
                              "process.identity not set to scan");
}

GVariant *
osh_process_probe_rules(OshProcessPlugin *plugin, const OshBoxRequest *request)
{
    const OshContributions nothing = {0};
    GVariantBuilder rows;
    g_autoptr(GError) error = NULL;
    OshBox *box = osh_process_box_open(plugin, request, NULL, NULL, &error);

    g_variant_builder_init(&rows, G_VARIANT_TYPE("a(ssss)"));
    if (box != NULL && osh_process_box_seal(box, &nothing, &error)) {
        add_identity_row(&rows, box);
        add_rule_rows(&rows, box);
        for (gsize i = 0; g_ptr_array_index(box->warnings, i) != NULL; i++)
            g_variant_builder_add(&rows, "(ssss)", "box", "note",
                                  g_ptr_array_index(box->warnings, i), "");
    } else {
        g_variant_builder_add(&rows, "(ssss)", "box", "missing", error->message,
                              "a run would be refused for the same reason");
    }
    plugin->box = NULL;
    osh_process_box_free(box);
    return g_variant_ref_sink(g_variant_builder_end(&rows));
}
