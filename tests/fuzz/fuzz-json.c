/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of untrusted bytes. What is accepted holds no NUL, keeps within the limits that the first
 * byte chooses, and means the same when it is written and read again.
 */
#include "osh-json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static guint
depth_of(const json_t *value)
{
    guint deepest = 0;
    const char *name;
    json_t *member;
    gsize i;

    if (json_is_array(value))
        json_array_foreach(value, i, member) deepest = MAX(deepest, depth_of(member));
    else if (json_is_object(value))
        json_object_foreach((json_t *)value, name, member) deepest = MAX(deepest, depth_of(member));
    else
        return 0;
    return deepest + 1;
}

static void
check(const json_t *value, OshSpan text, const OshJsonLimits *limits)
{
    static const char *const known[] = {"jsonrpc", "method", "id", NULL};
    g_autofree char *written = NULL;
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *name = osh_json_confusable(value, known);
    json_t *again;

    g_assert(dumped != NULL);
    written = g_strdup(dumped);
    free(dumped);
    g_assert(memchr(text.data, '\0', text.length) == NULL);
    g_assert(depth_of(value) <= limits->max_depth);
    g_assert(name == NULL || g_strv_contains(known, name));
    again = osh_json_load(osh_span(written), limits, NULL);
    g_assert(again != NULL && json_equal(value, again));
    json_decref(again);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    OshSpan text = {size > 1 ? (const char *)data + 1 : NULL, size > 1 ? size - 1 : 0};
    OshJsonLimits limits = {.max_depth = size > 0 ? 1 + data[0] % 70 : 1, .max_bytes = 1024 * 1024};
    OshJsonProblem problem;
    json_t *value = osh_json_load(text, &limits, &problem);

    g_assert((value != NULL) == (problem == OSH_JSON_OK));
    if (value != NULL)
        check(value, text, &limits);
    json_decref(value);
    return 0;
}
