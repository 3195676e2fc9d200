/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-request-path.c: a flags byte and a request target.
 *
 * What comes out must hold no dot segment and no double slash, and must come out unchanged again.
 */
#include "osh-request-path.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(GString) again = g_string_new(NULL);
    const char *query = NULL;
    gboolean rewritten;
    guint flags;

    if (size == 0)
        return 0;
    flags = data[0] & 3;
    if (osh_request_path_canonicalise((const char *)data + 1, size - 1, flags, path, &query,
                                      &rewritten) != OSH_REQUEST_PATH_OK)
        return 0;
    if (path->str[0] != '/' || strstr(path->str, "/../") != NULL ||
        strstr(path->str, "/./") != NULL || strstr(path->str, "//") != NULL ||
        g_str_has_suffix(path->str, "/..") || strlen(path->str) != path->len)
        abort();
    /* encoding may make it longer than what is accepted, but never anything else */
    if (path->len <= OSH_REQUEST_PATH_MAX &&
        (osh_request_path_canonicalise(path->str, path->len, flags, again, &query, &rewritten) !=
             OSH_REQUEST_PATH_OK ||
         rewritten || strcmp(path->str, again->str) != 0))
        abort();
    return 0;
}
