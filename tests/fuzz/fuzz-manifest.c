/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both layers of a manifest: bytes that start like an ELF file go through the section finder first,
 * everything else is taken for the text itself.
 */
#include <string.h>

#include "elf-manifest.h"
#include "manifest.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshManifest) manifest = NULL;

    if (size >= 4 && memcmp(data,
                            "\x7f"
                            "ELF",
                            4) == 0) {
        g_autoptr(GBytes) text = osh_elf_manifest_read_bytes(data, size, &error);
        gconstpointer bytes;
        gsize length;

        if (text == NULL) {
            g_assert_nonnull(error);
            return 0;
        }
        bytes = g_bytes_get_data(text, &length);
        manifest = osh_manifest_parse("fuzz", bytes, length, &error);
    } else {
        manifest = osh_manifest_parse("fuzz", (const char *)data, size, &error);
    }
    g_assert_true((manifest == NULL) == (error != NULL));
    return 0;
}
