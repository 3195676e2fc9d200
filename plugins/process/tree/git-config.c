/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git-config.c: a parser of git's configuration files. [any]; no state.
 *
 * It follows git's config.c: what git reads as a variable is one here, and it stops where git
 * refuses the file. The text may come from a program of an earlier box.
 */
#include "git-config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* git has no limit; a file with more is no configuration that a person wrote. */
#define MAX_VARIABLES 16384

typedef struct {
    const char *at;
    const char *end;
    GString *section;
    GString *subsection;
    gboolean has_subsection;
} Parser;

static void
variable_free(OshGitVariable *variable)
{
    g_free(variable->section);
    g_free(variable->subsection);
    g_free(variable->key);
    g_free(variable->value);
    g_free(variable);
}

GPtrArray *
osh_git_variables_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)variable_free);
}

/* The end of the text reads as the end of a line; CR LF as LF. */
static char
next(Parser *parser)
{
    if (parser->at >= parser->end)
        return '\n';
    if (*parser->at == '\r' && parser->at + 1 < parser->end && parser->at[1] == '\n')
        parser->at++;
    return *parser->at++;
}

static gboolean
at_end(const Parser *parser)
{
    return parser->at >= parser->end;
}

static gboolean
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static gboolean
is_key_char(char c)
{
    return g_ascii_isalnum(c) || c == '-';
}

/* [section "subsection"]; the opening bracket and the section's name have been read. */
static gboolean
parse_subsection(Parser *parser)
{
    char c = next(parser);

    while (is_space(c)) {
        if (c == '\n')
            return FALSE;
        c = next(parser);
    }
    if (c != '"')
        return FALSE;
    parser->has_subsection = TRUE;
    while ((c = next(parser)) != '"') {
        if (c == '\\')
            c = next(parser);
        if (c == '\n' || c == '\0')
            return FALSE;
        g_string_append_c(parser->subsection, c);
    }
    return next(parser) == ']';
}

static gboolean
parse_section(Parser *parser)
{
    g_string_truncate(parser->section, 0);
    g_string_truncate(parser->subsection, 0);
    parser->has_subsection = FALSE;
    for (;;) {
        char c = next(parser);

        if (c == ']')
            break;
        if (is_space(c)) {
            parser->at--;
            return parse_subsection(parser);
        }
        if (!is_key_char(c) && c != '.')
            return FALSE;
        g_string_append_c(parser->section, g_ascii_tolower(c));
    }
    /* [section.subsection], the old form, whose case does not count */
    if (strchr(parser->section->str, '.') != NULL) {
        const char *dot = strchr(parser->section->str, '.');

        g_string_assign(parser->subsection, dot + 1);
        g_string_truncate(parser->section, (gsize)(dot - parser->section->str));
        parser->has_subsection = TRUE;
    }
    return TRUE;
}

static gboolean
append_escaped(Parser *parser, GString *value)
{
    char c = next(parser);

    switch (c) {
    case '\n':
        return TRUE;
    case 't':
        g_string_append_c(value, '\t');
        return TRUE;
    case 'b':
        g_string_append_c(value, '\b');
        return TRUE;
    case 'n':
        g_string_append_c(value, '\n');
        return TRUE;
    case '\\':
    case '"':
        g_string_append_c(value, c);
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean
parse_value(Parser *parser, GString *value)
{
    gboolean quoted = FALSE;
    gboolean comment = FALSE;
    gsize kept = 0; /* blanks at the end do not count */

    for (;;) {
        char c = next(parser);

        if (c == '\n') {
            g_string_truncate(value, kept);
            return !quoted;
        }
        if (comment)
            continue;
        if (is_space(c) && !quoted) {
            if (value->len > 0)
                g_string_append_c(value, c);
            continue;
        }
        if (!quoted && (c == ';' || c == '#')) {
            comment = TRUE;
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        else if (c == '\0' || (c == '\\' && !append_escaped(parser, value)))
            return FALSE;
        else if (c != '\\')
            g_string_append_c(value, c);
        kept = value->len;
    }
}

static gboolean
parse_variable(Parser *parser, char first, GPtrArray *variables)
{
    g_autoptr(GString) key = g_string_new(NULL);
    g_autoptr(GString) value = NULL;
    OshGitVariable *variable;
    char c = first;

    while (is_key_char(c) && !(at_end(parser) && c == '\n')) {
        g_string_append_c(key, g_ascii_tolower(c));
        c = next(parser);
    }
    while (c == ' ' || c == '\t')
        c = next(parser);
    if (c == '=') {
        value = g_string_new(NULL);
        if (!parse_value(parser, value))
            return FALSE;
    } else if (c != '\n') {
        return FALSE;
    }
    variable = g_new0(OshGitVariable, 1);
    variable->section = g_strdup(parser->section->str);
    variable->subsection = parser->has_subsection ? g_strdup(parser->subsection->str) : NULL;
    variable->key = g_strdup(key->str);
    variable->value = value != NULL ? g_strdup(value->str) : NULL;
    g_ptr_array_add(variables, variable);
    return variables->len < MAX_VARIABLES;
}

static gboolean
parse_all(Parser *parser, GPtrArray *variables)
{
    gboolean comment = FALSE;

    while (!at_end(parser)) {
        char c = next(parser);

        if (c == '\n') {
            comment = FALSE;
            continue;
        }
        if (comment || is_space(c))
            continue;
        if (c == '#' || c == ';') {
            comment = TRUE;
            continue;
        }
        if (c == '[') {
            if (!parse_section(parser))
                return FALSE;
            continue;
        }
        if (!g_ascii_isalpha(c) || !parse_variable(parser, c, variables))
            return FALSE;
    }
    return TRUE;
}

gboolean
osh_git_config_parse(const char *text, gsize length, GPtrArray *variables)
{
    g_autoptr(GString) section = g_string_new(NULL);
    g_autoptr(GString) subsection = g_string_new(NULL);
    Parser parser = {
        .at = text, .end = text + length, .section = section, .subsection = subsection};

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        parser.at += 3;
    return parse_all(&parser, variables);
}

char *
osh_git_read_file(const char *path, gsize max, gsize *ret_length)
{
    struct stat about;
    g_autofree char *text = NULL;
    gsize length = 0;
    gssize n = 1;
    int fd;

    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return NULL;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (guint64)about.st_size > max) {
        close(fd);
        return NULL;
    }
    max = (gsize)about.st_size;
    text = g_malloc(max + 1);
    while (length < max && n != 0) {
        n = read(fd, text + length, max - length);
        if (n < 0 && errno != EINTR)
            break;
        length += n > 0 ? (gsize)n : 0;
    }
    close(fd);
    if (n < 0)
        return NULL;
    text[length] = '\0';
    if (ret_length != NULL)
        *ret_length = length;
    return g_steal_pointer(&text);
}

gboolean
osh_git_config_read(const char *path, GPtrArray *variables)
{
    gsize length = 0;
    g_autofree char *text = osh_git_read_file(path, OSH_GIT_CONFIG_MAX_SIZE, &length);

    return text != NULL && osh_git_config_parse(text, length, variables);
}
