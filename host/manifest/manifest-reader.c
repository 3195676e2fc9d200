/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-reader.c: single keys of a manifest's groups, and what names in it look like. Pure, any
 * thread. It must never accept what it does not know.
 */
#include "manifest-reader.h"

#include <string.h>

#include "config-value.h"
#include "osh-suggest.h"

/* Words of a-z, 0-9 and the characters of @extra, joined by dots; each starts with a letter or a
 * digit, the first with a letter. */
gboolean
osh_manifest_dotted_words(const char *text, gsize length, const char *extra, gsize maximum)
{
    gboolean word_starts = TRUE;

    if (length == 0 || length > maximum || !g_ascii_islower(text[0]))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (text[i] == '.') {
            if (word_starts)
                return FALSE;
            word_starts = TRUE;
        } else if (g_ascii_islower(text[i]) || g_ascii_isdigit(text[i])) {
            word_starts = FALSE;
        } else if (word_starts || strchr(extra, text[i]) == NULL) {
            return FALSE;
        }
    }
    return !word_starts;
}

/* "openshell.shard/1": dotted words and a revision from 1. */
gboolean
osh_manifest_is_revisioned_name(const char *text)
{
    const char *slash = strchr(text, '/');
    guint64 revision;

    return slash != NULL &&
           osh_manifest_dotted_words(text, (gsize)(slash - text), "-_", OSH_MANIFEST_NAME_MAX) &&
           slash[1] != '0' && g_ascii_string_to_unsigned(slash + 1, 10, 1, 9999, &revision, NULL);
}

gboolean
osh_manifest_reject_unknown_keys(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                 const char *const *known)
{
    for (guint i = 0; i < group->entries->len; i++) {
        const OshKeyFileEntry *entry = g_ptr_array_index(group->entries, i);
        g_autofree char *suggestion = NULL;

        if (g_strv_contains(known, entry->key))
            continue;
        suggestion = osh_suggest_clause(entry->key, known);
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "unknown manifest key '%s' in [%s]%s", entry->key, group->name,
                               suggestion);
        return FALSE;
    }
    return TRUE;
}

/* The value of a key that must be there and say something, or %NULL with the error set. */
const OshKeyFileEntry *
osh_manifest_need(const OshManifestReader *reader, const OshKeyFileGroup *group, const char *key)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);

    if (entry != NULL && entry->value[0] != '\0')
        return entry;
    osh_key_file_set_error(reader->error, reader->key_file, group->line,
                           "[%s] needs %s=", group->name, key);
    return NULL;
}

gboolean
osh_manifest_read_list(const OshManifestReader *reader, const OshKeyFileGroup *group,
                       const char *key, gboolean (*is_valid)(const char *), const char *shape,
                       char ***ret_list)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);
    g_auto(GStrv) list = NULL;

    if (entry == NULL)
        return TRUE;
    list = osh_config_split_list(entry->value);
    if (list == NULL) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "%s= has an empty element", key);
        return FALSE;
    }
    for (gsize i = 0; list[i] != NULL; i++) {
        if (!is_valid(list[i])) {
            osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                                   "%s=: '%s' is not %s", key, list[i], shape);
            return FALSE;
        }
        for (gsize j = 0; j < i; j++) {
            if (g_str_equal(list[i], list[j])) {
                osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                                       "%s= names %s twice", key, list[i]);
                return FALSE;
            }
        }
    }
    g_strfreev(*ret_list);
    *ret_list = g_steal_pointer(&list);
    return TRUE;
}

gboolean
osh_manifest_read_boolean(const OshManifestReader *reader, const OshKeyFileGroup *group,
                          const char *key, gboolean *ret_value)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);

    if (entry == NULL)
        return TRUE;
    if (!g_str_equal(entry->value, "true") && !g_str_equal(entry->value, "false")) {
        osh_key_file_set_error(reader->error, reader->key_file, entry->line,
                               "%s= must be true or false", key);
        return FALSE;
    }
    *ret_value = entry->value[0] == 't';
    return TRUE;
}

/* One of the words of @choices; the first is the default where @required is not set. */
const char *
osh_manifest_read_choice(const OshManifestReader *reader, const OshKeyFileGroup *group,
                         const char *key, const char *const *choices, gboolean required)
{
    const OshKeyFileEntry *entry = osh_key_file_group_get(group, key);
    g_autofree char *words = NULL;

    if (entry == NULL && !required)
        return choices[0];
    if (entry == NULL) {
        osh_manifest_need(reader, group, key);
        return NULL;
    }
    for (gsize i = 0; choices[i] != NULL; i++)
        if (g_str_equal(choices[i], entry->value))
            return choices[i];
    words = g_strjoinv(", ", (char **)choices);
    osh_key_file_set_error(reader->error, reader->key_file, entry->line, "%s=%s must be one of: %s",
                           key, entry->value, words);
    return NULL;
}
