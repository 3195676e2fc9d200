/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict key-file parser. Pure, any thread. It knows nothing of what keys mean, and must never
 * accept a text of which two readers could think differently.
 */
#include "key-file.h"

#include <stdarg.h>
#include <string.h>

#include "openshell/host.h"

static void
entry_free(gpointer data)
{
    OshKeyFileEntry *entry = data;

    g_free(entry->key);
    g_free(entry->value);
    g_free(entry);
}

static void
group_free(gpointer data)
{
    OshKeyFileGroup *group = data;

    g_free(group->name);
    g_ptr_array_unref(group->entries);
    g_free(group);
}

void
osh_key_file_free(OshKeyFile *key_file)
{
    if (key_file == NULL)
        return;
    g_free(key_file->name);
    g_ptr_array_unref(key_file->groups);
    g_free(key_file);
}

const OshKeyFileEntry *
osh_key_file_group_get(const OshKeyFileGroup *group, const char *key)
{
    for (guint i = 0; i < group->entries->len; i++) {
        const OshKeyFileEntry *entry = g_ptr_array_index(group->entries, i);

        if (g_str_equal(entry->key, key))
            return entry;
    }
    return NULL;
}

void
osh_key_file_set_error(GError **error, const OshKeyFile *key_file, guint line, const char *format,
                       ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s:%u: %s", key_file->name, line, message);
}

static const OshKeyFileGroup *
find_group(const OshKeyFile *key_file, const char *name)
{
    for (guint i = 0; i < key_file->groups->len; i++) {
        const OshKeyFileGroup *group = g_ptr_array_index(key_file->groups, i);

        if (g_str_equal(group->name, name))
            return group;
    }
    return NULL;
}

static gboolean
parse_group(OshKeyFile *key_file, guint line, const char *text, GError **error)
{
    gsize length = strlen(text);
    const OshKeyFileGroup *other;
    OshKeyFileGroup *group;
    g_autofree char *name = NULL;

    if (text[length - 1] != ']') {
        osh_key_file_set_error(error, key_file, line,
                               "a group must end in ']' with nothing after it: write [NAME]");
        return FALSE;
    }
    name = g_strndup(text + 1, length - 2);
    if (name[0] == '\0' || strpbrk(name, "[]") != NULL || g_ascii_isspace(name[0]) ||
        g_ascii_isspace(name[strlen(name) - 1])) {
        osh_key_file_set_error(error, key_file, line,
                               "a group needs a name without brackets or blanks around it");
        return FALSE;
    }
    other = find_group(key_file, name);
    if (other != NULL) {
        osh_key_file_set_error(error, key_file, line,
                               "group [%s] was given before, on line %u: put its keys together",
                               name, other->line);
        return FALSE;
    }
    group = g_new0(OshKeyFileGroup, 1);
    group->name = g_steal_pointer(&name);
    group->line = line;
    group->entries = g_ptr_array_new_with_free_func(entry_free);
    g_ptr_array_add(key_file->groups, group);
    return TRUE;
}

static gboolean
key_is_well_formed(const char *key)
{
    if (!g_ascii_islower(key[0]))
        return FALSE;
    for (gsize i = 0; key[i] != '\0'; i++)
        if (!g_ascii_islower(key[i]) && !g_ascii_isdigit(key[i]) && strchr("-_.", key[i]) == NULL)
            return FALSE;
    return TRUE;
}

static gboolean
parse_entry(OshKeyFile *key_file, guint line, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *key = NULL;
    const OshKeyFileEntry *other;
    OshKeyFileGroup *group;
    OshKeyFileEntry *entry;

    if (equals == NULL) {
        osh_key_file_set_error(error, key_file, line,
                               "expected key=value, [group] or a comment that starts with #");
        return FALSE;
    }
    if (key_file->groups->len == 0) {
        osh_key_file_set_error(error, key_file, line,
                               "a key before the first group: put [host] or [plugin ID] above it");
        return FALSE;
    }
    key = g_strchomp(g_strndup(text, (gsize)(equals - text)));
    if (!key_is_well_formed(key)) {
        osh_key_file_set_error(error, key_file, line,
                               "'%s' is not a key: use a-z, 0-9, '-', '_' and '.', a letter first",
                               key);
        return FALSE;
    }
    group = g_ptr_array_index(key_file->groups, key_file->groups->len - 1);
    other = osh_key_file_group_get(group, key);
    if (other != NULL) {
        osh_key_file_set_error(error, key_file, line,
                               "%s was given before, on line %u: keep one of them", key,
                               other->line);
        return FALSE;
    }
    entry = g_new0(OshKeyFileEntry, 1);
    entry->key = g_steal_pointer(&key);
    entry->value = g_strstrip(g_strdup(equals + 1));
    entry->line = line;
    g_ptr_array_add(group->entries, entry);
    return TRUE;
}

static gboolean
parse_line(OshKeyFile *key_file, guint line, char *text, GError **error)
{
    for (gsize i = 0; text[i] != '\0'; i++) {
        if (((guchar)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f) {
            osh_key_file_set_error(
                error, key_file, line, "control character 0x%02x%s", (guint)(guchar)text[i],
                text[i] == '\r' ? ": save the file with Unix line ends" : " is not allowed");
            return FALSE;
        }
    }
    g_strstrip(text);
    if (text[0] == '\0' || text[0] == '#')
        return TRUE;
    if (text[0] == '[')
        return parse_group(key_file, line, text, error);
    return parse_entry(key_file, line, text, error);
}

OshKeyFile *
osh_key_file_parse(const char *name, const char *text, gsize length, GError **error)
{
    g_autoptr(OshKeyFile) key_file = g_new0(OshKeyFile, 1);
    const char *end = text + length;
    guint line = 1;

    key_file->name = g_strdup(name);
    key_file->groups = g_ptr_array_new_with_free_func(group_free);
    if (length > OSH_KEY_FILE_MAX) {
        osh_key_file_set_error(error, key_file, 1, "longer than %d bytes", OSH_KEY_FILE_MAX);
        return NULL;
    }
    for (const char *start = text; start < end; line++) {
        const char *newline = memchr(start, '\n', (gsize)(end - start));
        gsize line_length = (gsize)((newline != NULL ? newline : end) - start);
        g_autofree char *copy = NULL;

        /* Fails for a NUL inside the line as well. */
        if (!g_utf8_validate_len(start, line_length, NULL)) {
            osh_key_file_set_error(error, key_file, line, "not UTF-8 text");
            return NULL;
        }
        copy = g_strndup(start, line_length);
        if (!parse_line(key_file, line, copy, error))
            return NULL;
        start += line_length + 1;
    }
    return g_steal_pointer(&key_file);
}
