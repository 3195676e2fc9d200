/* SPDX-License-Identifier: Apache-2.0 */
/* primitives.c: rows about paths, globs, host patterns, addresses and endpoint paths. */
#include "answers.h"

#include "normalise.h"
#include "osh-address-class.h"
#include "osh-glob.h"
#include "osh-host-pattern.h"
#include "osh-request-path.h"
#include "question.h"

#include <string.h>

static const char *
text(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value != NULL ? value : "";
}

static void
expect_boolean(json_t *expect, const char *key, gboolean got, GString *problem)
{
    json_t *value = json_object_get(expect, key);

    if (value != NULL && json_is_true(value) != (got != FALSE))
        osh_vector_expect(problem, key, json_is_true(value) ? "true" : "false",
                          got ? "true" : "false");
}

static const char *
path_error(OshRequestPathResult result)
{
    static const char *const names[] = {
        [OSH_REQUEST_PATH_OK] = "none",
        [OSH_REQUEST_PATH_CONTROL_BYTE] = "NullOrControlByte",
        [OSH_REQUEST_PATH_NON_ASCII] = "NonAscii",
        [OSH_REQUEST_PATH_FRAGMENT] = "FragmentInRequestTarget",
        [OSH_REQUEST_PATH_MALFORMED] = "MalformedTarget",
        [OSH_REQUEST_PATH_TOO_LONG] = "PathTooLong",
        [OSH_REQUEST_PATH_BAD_PERCENT] = "InvalidPercentEncoding",
        [OSH_REQUEST_PATH_ENCODED_SLASH] = "EncodedSlashNotAllowed",
        [OSH_REQUEST_PATH_ABOVE_ROOT] = "TraversalAboveRoot",
        [OSH_REQUEST_PATH_RESIDUAL_DOTS] = "ResidualDotSegment",
    };

    return names[result];
}

static void
check_path(json_t *input, json_t *expect, GString *problem)
{
    json_t *target = json_object_get(input, "target");
    g_autoptr(GString) path = g_string_new(NULL);
    g_autofree char *query = NULL;
    const char *start = NULL;
    gboolean rewritten = FALSE;
    guint flags = 0;
    OshRequestPathResult result;
    json_t *value;

    if (json_is_true(json_object_get(input, "allow_encoded_slash")))
        flags |= OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH;
    if (json_is_false(json_object_get(input, "strip_path_parameters")))
        flags |= OSH_REQUEST_PATH_KEEP_PARAMETERS;
    result = osh_request_path_canonicalise(json_string_value(target), json_string_length(target),
                                           flags, path, &start, &rewritten);
    value = json_object_get(expect, "error");
    if (g_strcmp0(value != NULL ? json_string_value(value) : "none", path_error(result)) != 0) {
        osh_vector_expect(problem, "error", value != NULL ? json_string_value(value) : "none",
                          path_error(result));
        return;
    }
    if (start != NULL)
        query = g_strndup(start,
                          json_string_length(target) - (gsize)(start - json_string_value(target)));
    value = json_object_get(expect, "path");
    if (value != NULL && strcmp(json_string_value(value), path->str) != 0)
        osh_vector_expect(problem, "path", json_string_value(value), path->str);
    value = json_object_get(expect, "query");
    if (value != NULL && g_strcmp0(json_string_value(value), query) != 0)
        osh_vector_expect(problem, "query", json_is_null(value) ? "none" : json_string_value(value),
                          query);
    expect_boolean(expect, "rewritten", rewritten, problem);
}

static GPtrArray *
patterns(json_t *list, gboolean *ret_failed)
{
    GPtrArray *array = g_ptr_array_new_with_free_func((GDestroyNotify)osh_host_pattern_free);

    for (gsize i = 0; i < json_array_size(list); i++) {
        OshHostPattern *pattern =
            osh_host_pattern_new(json_string_value(json_array_get(list, i)), NULL);

        if (pattern == NULL)
            *ret_failed = TRUE;
        else
            g_ptr_array_add(array, pattern);
    }
    return array;
}

static void
check_host_pattern(json_t *input, json_t *expect, GString *problem)
{
    const char *operation = text(input, "op");
    gboolean failed = FALSE;
    gboolean match = FALSE;

    if (strcmp(operation, "match") == 0) {
        g_autoptr(OshHostPattern) pattern = osh_host_pattern_new(text(input, "pattern"), NULL);
        json_t *host = json_object_get(input, "host");

        failed = pattern == NULL;
        match = !failed &&
                osh_host_pattern_match(pattern, json_string_value(host), json_string_length(host));
    } else if (strcmp(operation, "overlap") == 0) {
        g_autoptr(OshHostPattern) left = osh_host_pattern_new(text(input, "left"), NULL);
        g_autoptr(OshHostPattern) right = osh_host_pattern_new(text(input, "right"), NULL);

        failed = left == NULL || right == NULL;
        match = !failed && osh_host_pattern_may_overlap(left, right);
    } else {
        g_autoptr(GPtrArray) include = patterns(json_object_get(input, "include"), &failed);
        g_autoptr(GPtrArray) exclude = patterns(json_object_get(input, "exclude"), &failed);
        g_autoptr(OshHostPattern) candidate = osh_host_pattern_new(text(input, "candidate"), NULL);

        failed |= candidate == NULL;
        match =
            !failed && osh_host_pattern_selector_may_match(
                           (const OshHostPattern *const *)include->pdata, include->len,
                           (const OshHostPattern *const *)exclude->pdata, exclude->len, candidate);
    }
    if (json_is_true(json_object_get(expect, "error")) != (failed != FALSE))
        osh_vector_expect(problem, "error", failed ? "false" : "true", failed ? "true" : "false");
    if (!failed)
        expect_boolean(expect, "match", match, problem);
}

static void
check_address(json_t *input, json_t *expect, GString *problem)
{
    static const char *const names[] = {"public", "internal", "always_blocked"};
    const char *wanted = text(expect, "class");

    if (json_object_get(input, "hostname") != NULL) {
        expect_boolean(expect, "metadata_hostname",
                       osh_address_is_metadata_name(text(input, "hostname")), problem);
    } else if (json_object_get(input, "net") != NULL) {
        OshAddressRange range;

        if (!osh_address_range_parse(text(input, "net"), &range)) {
            osh_vector_expect(problem, "net", "to parse", "a refusal");
            return;
        }
        expect_boolean(expect, "always_blocked",
                       osh_address_range_overlaps_class(&range, OSH_ADDRESS_ALWAYS_BLOCKED),
                       problem);
        expect_boolean(expect, "internal",
                       osh_address_range_overlaps_class(&range, OSH_ADDRESS_INTERNAL), problem);
    } else {
        OshAddress address;

        if (!osh_address_parse(text(input, "ip"), -1, &address))
            osh_vector_expect(problem, "ip", "to parse", "a refusal");
        else if (strcmp(wanted, names[osh_address_classify(&address)]) != 0)
            osh_vector_expect(problem, "class", wanted, names[osh_address_classify(&address)]);
    }
}

static void
check_endpoint_path(json_t *input, json_t *expect, GString *problem)
{
    json_t *path = json_object_get(input, "path");

    expect_boolean(
        expect, "match",
        osh_policy_selector_matches(text(input, "pattern"),
                                    (OshSpan){json_string_value(path), json_string_length(path)}),
        problem);
}

static void
check_glob(json_t *input, json_t *expect, GString *problem)
{
    json_t *delimiters = json_object_get(input, "delimiters");
    json_t *value = json_object_get(input, "value");
    const char *delimiter =
        json_array_size(delimiters) > 0 ? json_string_value(json_array_get(delimiters, 0)) : ".";
    g_autoptr(OshGlob) glob = osh_glob_new(text(input, "pattern"), delimiter[0], NULL);
    OshGlobResult result =
        glob != NULL ? osh_glob_match(glob, json_string_value(value), json_string_length(value))
                     : OSH_GLOB_INVALID;

    if (json_is_true(json_object_get(expect, "error")) != (result == OSH_GLOB_INVALID))
        osh_vector_expect(problem, "error", result == OSH_GLOB_INVALID ? "false" : "true",
                          result == OSH_GLOB_INVALID ? "true" : "false");
    else if (result != OSH_GLOB_INVALID)
        expect_boolean(expect, "match", result == OSH_GLOB_MATCHED, problem);
}

void
osh_vector_check_primitive(const char *kind, json_t *input, json_t *expect, GString *problem)
{
    if (g_strcmp0(kind, "path") == 0) {
        check_path(input, expect, problem);
    } else if (g_strcmp0(kind, "host_pattern") == 0) {
        check_host_pattern(input, expect, problem);
    } else if (g_strcmp0(kind, "ip") == 0) {
        check_address(input, expect, problem);
    } else if (g_strcmp0(kind, "endpoint_path") == 0) {
        check_endpoint_path(input, expect, problem);
    } else if (g_strcmp0(kind, "glob") == 0) {
        check_glob(input, expect, problem);
    } else if (g_strcmp0(kind, "fs_path") == 0) {
        g_autofree char *got = osh_policy_normalise_path(
            text(input, "path"), strcmp(text(input, "mode"), "symlink_join") == 0);

        if (strcmp(got, text(expect, "normalized")) != 0)
            osh_vector_expect(problem, "normalized", text(expect, "normalized"), got);
    } else {
        osh_vector_expect(problem, "kind", "a known one", kind);
    }
}
