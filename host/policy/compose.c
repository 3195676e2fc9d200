/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose.c: layers of providers over a policy.
 *
 * Any thread. It only adds, under names that belong to providers; a policy of a person is never
 * read nor changed.
 */
#include "compose.h"

#include "contract.h"

#include <string.h>

char *
osh_compose_key(const char *name)
{
    g_autoptr(GString) words = g_string_new(NULL);
    const char *first;
    gsize length;

    for (const char *p = name; *p != '\0'; p++)
        if (((guchar)*p & 0xc0) != 0x80) /* a character is one underscore, however many bytes */
            g_string_append_c(words, g_ascii_isalnum(*p) ? g_ascii_tolower(*p) : '_');
    first = words->str + strspn(words->str, "_");
    length = strlen(first);
    while (length > 0 && first[length - 1] == '_')
        length--;
    return length > 0 ? g_strdup_printf(OSH_PROVIDER_PREFIX "%.*s", (int)length, first)
                      : g_strdup(OSH_PROVIDER_PREFIX "unnamed");
}

char *
osh_compose_add(OshDraft *draft, const char *name, const OshValue *layer)
{
    g_autofree char *wanted = osh_compose_key(name);
    char *key = g_strdup(wanted);

    for (guint number = 2; osh_draft_policy(draft, key) != NULL; number++) {
        g_free(key);
        key = g_strdup_printf("%s_%u", wanted, number);
    }
    osh_value_set(osh_value_ensure_mapping(osh_draft_root(draft), "network_policies"), key,
                  osh_value_copy(layer));
    return key;
}

gboolean
osh_compose_strip(OshDraft *draft)
{
    OshValue *policies = osh_draft_policies(draft);
    gboolean found = FALSE;

    for (guint i = policies != NULL ? osh_value_length(policies) : 0; i-- > 0;) {
        if (!osh_contract_is_provider(osh_value_key(policies, i)))
            continue;
        osh_value_remove_at(policies, i);
        found = TRUE;
    }
    return found;
}
