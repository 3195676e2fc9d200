/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex.h: patterns of one entry of network_middlewares over content. [any]; nothing is shared.
 */
#pragma once

#include "openshell/host.h"

G_BEGIN_DECLS

/** REGEX_CONTENT_MAX: bytes of content that patterns are matched against. */
#define REGEX_CONTENT_MAX (256 * 1024)

/** RegexRules: what one configuration says. Opaque; immutable, reference-counted. */
typedef struct _RegexRules RegexRules;

/**
 * RegexResult:
 * @REGEX_NOTHING: no pattern matches
 * @REGEX_DENIED: one does, and the configuration says `action: deny`
 * @REGEX_REDACTED: what matched was replaced
 * @REGEX_NOT_TEXT: the content is not UTF-8, or holds a NUL
 * @REGEX_TOO_LARGE: it is larger than %REGEX_CONTENT_MAX, or would become so
 * @REGEX_TOO_SLOW: a pattern needs more steps than it may have
 */
typedef enum {
    REGEX_NOTHING,
    REGEX_DENIED,
    REGEX_REDACTED,
    REGEX_NOT_TEXT,
    REGEX_TOO_LARGE,
    REGEX_TOO_SLOW,
} RegexResult;

/** RegexDirections: what patterns are matched against. */
typedef enum {
    REGEX_REQUESTS = 1 << 0,
    REGEX_RESPONSES = 1 << 1,
} RegexDirections;

/** regex_direction: Returns: #RegexDirections for a value of `direction`; 0 where it is none. */
guint regex_direction(const char *text);

/**
 * regex_rules_new:
 * @config: (nullable): a{sv}: `action` ("redact" or "deny"), `direction` ("request", "response" or
 *   "both"; it changes nothing of the rules), `patterns` (a list of regular
 *   expressions in the syntax of PCRE2), `replacement`
 *
 * Returns: (transfer full) (nullable): the rules; %NULL with @error, which names the key
 */
RegexRules *regex_rules_new(GVariant *config, GError **error);

/** regex_rules_ref: Returns: (transfer full): @rules. */
RegexRules *regex_rules_ref(RegexRules *rules);

/** regex_rules_unref: @rules: (transfer full). */
void regex_rules_unref(RegexRules *rules);

/**
 * regex_rules_apply:
 * @content: (array length=length): any bytes
 * @ret_content: (out) (transfer full): set for %REGEX_REDACTED
 *
 * Returns: what came of it
 */
RegexResult regex_rules_apply(const RegexRules *rules, const char *content, gsize length,
                              GBytes **ret_content);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RegexRules, regex_rules_unref)

G_END_DECLS
