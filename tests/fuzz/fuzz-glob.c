/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-glob.c: a separator byte, a pattern line and a value, against a regular expression.
 *
 * The expression is written straight from the text of the pattern, in the way that OpenShell's
 * evaluator writes its own, and matched by the backtracking engine of GLib; so the two share
 * nothing but the language. What that engine gives up on is only run for its memory safety.
 */
#include "osh-glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "/./" for a separator that is no slash; \x01 for a slash that is none. */
static char *
translate(const char *text, gsize length, char separator)
{
    GString *translated = g_string_new(NULL);

    for (gsize i = 0; i < length; i++) {
        if (separator == '.' && text[i] == '.')
            g_string_append(translated, "/./");
        else
            g_string_append_c(translated, separator != '/' && text[i] == '/' ? '\x01' : text[i]);
    }
    return g_string_free(translated, FALSE);
}

static void
append_byte(GString *regex, char byte)
{
    g_string_append_printf(regex, "\\x%02x", (guchar)byte);
}

static const char *
append_class(GString *regex, const char *p)
{
    gboolean negated = *p == '!' || *p == '^';

    p += negated;
    g_string_append(regex, negated ? "[^" : "[");
    for (gboolean first = TRUE; first || *p != ']'; first = FALSE) {
        append_byte(regex, *p++);
        if (*p != '-' || p[1] == ']')
            continue;
        /* `a-b-c` ends where its last part ends */
        while (*p == '-' && p[1] != ']')
            p += 2;
        g_string_append_c(regex, '-');
        append_byte(regex, p[-1]);
    }
    g_string_append_c(regex, ']');
    return p + 1;
}

/* A branch of braces at @depth, or all of it; @token is where the last token begins. */
static const char *
append_branch(GString *regex, const char *start, const char *p, guint depth)
{
    gsize begin = regex->len;
    gsize token = begin;
    gboolean deep = FALSE; /* the last token is a deep one that swallows others */

    while (*p != '\0' && !(depth > 0 && (*p == ',' || *p == '}'))) {
        char before = p > start ? p[-1] : '\0';
        gsize here = regex->len;
        gboolean was_deep = deep;

        deep = FALSE;
        if (p[0] == '*' && p[1] == '*') {
            gboolean last = p[2] == '\0' || (depth > 0 && (p[2] == ',' || p[2] == '}'));

            p += 2;
            if (here == begin && (*p == '\0' || *p == '/')) {
                g_string_append(regex, "(?:/?|.*/)");
                deep = TRUE;
                p += *p == '/';
            } else if (here == begin || (!last && *p != '/') ||
                       (before != '/' && !(depth > 0 && (before == ',' || before == '{')))) {
                g_string_append(regex, "[^/]*");
            } else {
                p += !last;
                if (was_deep) {
                    deep = TRUE;
                    continue;
                }
                g_string_truncate(regex, token);
                here = token;
                g_string_append(regex, last ? "/.*" : "(?:/|/.*/)");
                deep = last;
            }
        } else if (*p == '*') {
            g_string_append(regex, "[^/]*");
            p++;
        } else if (*p == '?') {
            g_string_append(regex, "[^/]");
            p++;
        } else if (*p == '[') {
            p = append_class(regex, p + 1);
        } else if (*p == '{') {
            gboolean any = FALSE;

            g_string_append(regex, "(?:");
            do {
                gsize branch = regex->len;

                if (any)
                    g_string_append_c(regex, '|');
                branch = regex->len;
                p = append_branch(regex, start, p + 1, depth + 1);
                if (regex->len == branch && any)
                    g_string_truncate(regex, branch - 1);
                any |= regex->len > branch;
            } while (*p == ',');
            p++;
            g_string_append_c(regex, ')');
            if (!any) {
                /* an empty token is still a token: a group that takes nothing */
                g_string_truncate(regex, here);
                g_string_append(regex, "(?:)");
            }
        } else {
            p += *p == '\\';
            append_byte(regex, *p++);
        }
        token = here;
    }
    return p;
}

static void
compare(const char *pattern, char separator, const char *value, gsize length, OshGlobResult result)
{
    g_autofree char *text = translate(pattern, strlen(pattern), separator);
    g_autofree char *subject = translate(value, length, separator);
    g_autoptr(GString) regex = g_string_new("(*LIMIT_MATCH=20000)\\A");
    g_autoptr(GRegex) compiled = NULL;
    g_autoptr(GError) error = NULL;
    gboolean matches;
    gsize begin = regex->len;

    append_branch(regex, text, text, 0);
    if (strcmp(regex->str + begin, "(?:/?|.*/)") == 0)
        g_string_assign(regex, "\\A.*");
    g_string_append(regex, "\\z");
    compiled = g_regex_new(regex->str, G_REGEX_RAW | G_REGEX_DOTALL, 0, NULL);
    if (compiled == NULL)
        return;
    matches = g_regex_match_full(compiled, subject, -1, 0, 0, NULL, &error);
    if (error == NULL && matches != (result == OSH_GLOB_MATCHED)) {
        g_printerr("'%s' of '%c' against '%.*s': %d, but not %s\n", pattern, separator, (int)length,
                   value, result, regex->str);
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separators[] = {'/', '.', '\0', OSH_GLOB_SELECTOR};
    const char *line_end;
    g_autofree char *pattern = NULL;
    g_autoptr(OshGlob) glob = NULL;
    OshGlobResult result;
    gsize length;
    char separator;

    if (size < 2)
        return 0;
    separator = separators[data[0] % 4];
    line_end = memchr(data + 1, '\n', size - 1);
    if (line_end == NULL)
        return 0;
    pattern = g_strndup((const char *)data + 1, (gsize)(line_end - (const char *)data - 1));
    glob = osh_glob_new(pattern, separator, NULL);
    if (glob == NULL)
        return 0;
    length = size - (gsize)(line_end + 1 - (const char *)data);
    result = osh_glob_match(glob, line_end + 1, length);
    if (result == OSH_GLOB_INVALID && memchr(line_end + 1, '\0', length) == NULL)
        abort();
    if (!osh_glob_may_overlap(glob, glob) && result == OSH_GLOB_MATCHED)
        abort();
    /* bytes beyond ASCII in classes and the stand-in for a slash are left out of the comparison */
    if (separator == OSH_GLOB_SELECTOR || result == OSH_GLOB_INVALID || length > 200 ||
        !g_str_is_ascii(pattern) || strchr(pattern, '\x01') != NULL ||
        memchr(line_end + 1, '\x01', length) != NULL)
        return 0;
    compare(pattern, separator, line_end + 1, length, result);
    return 0;
}
