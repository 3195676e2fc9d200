/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: any text is either refused with its place or read, typed and given back. */
#include <string.h>

#include "config.h"

static const char manifest_text[] =
    "[plugin]\nid=one\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=MIT\n"
    "[config size]\ntype=integer\ndefault=5\n[config names]\ntype=strings\n"
    "[config file]\ntype=path\n[config on]\ntype=boolean\n";

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshConfig) config = osh_config_new();
    g_autoptr(GPtrArray) manifests =
        g_ptr_array_new_with_free_func((GDestroyNotify)osh_manifest_free);
    g_autoptr(GVariant) values = NULL;

    g_ptr_array_add(manifests, osh_manifest_parse("m", manifest_text, strlen(manifest_text), NULL));
    if (osh_config_parse(config, "fuzz", (const char *)data, size, &error) &&
        osh_config_check(config, manifests, &error))
        values = osh_config_for_plugin(config, g_ptr_array_index(manifests, 0), &error);
    g_assert_true((values == NULL) == (error != NULL));
    return 0;
}
