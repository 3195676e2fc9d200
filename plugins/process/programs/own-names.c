/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own-names.c: the lines by which a box knows itself. Any thread; no state. A program that asks who
 * or where it is must get an answer: git, ssh, Java and Node fail without one.
 */
#include "own-names.h"

#include <string.h>

/* Whether a line of @text has @id as its third field. */
static gboolean
has_id(const char *text, guint32 id)
{
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        const char *field = memchr(line, ':', (gsize)(end - line));
        char *after = NULL;

        field = field != NULL ? memchr(field + 1, ':', (gsize)(end - field - 1)) : NULL;
        if (field != NULL && g_ascii_isdigit(field[1]) &&
            g_ascii_strtoull(field + 1, &after, 10) == id && *after == ':')
            return TRUE;
        line = *end != '\0' ? end + 1 : end;
    }
    return FALSE;
}

static gboolean
has_name(const char *text, const char *name)
{
    g_autofree char *start = g_strconcat(name, ":", NULL);
    g_autofree char *inside = g_strconcat("\n", start, NULL);

    return g_str_has_prefix(text, start) || strstr(text, inside) != NULL;
}

/* A name that @text gives to another id is not the box's. */
static char *
free_name(const char *text, const char *wanted, guint32 id)
{
    return has_name(text, wanted) ? g_strdup_printf("box%u", id) : g_strdup(wanted);
}

static GString *
begin(const char *text)
{
    GString *more = g_string_new(text);

    if (more->len > 0 && more->str[more->len - 1] != '\n')
        g_string_append_c(more, '\n');
    return more;
}

char *
osh_own_passwd(const char *host, const OshIdentity *identity)
{
    g_autofree char *name = NULL;
    GString *text;

    if (has_id(host, identity->uid))
        return NULL;
    name = free_name(host, identity->user, identity->uid);
    text = begin(host);
    g_string_append_printf(text, "%s:x:%u:%u::%s:%s\n", name, identity->uid, identity->gid,
                           identity->home, identity->shell);
    return g_string_free(text, FALSE);
}

static void
add_group(GString *text, const char *wanted, gid_t gid)
{
    g_autofree char *name = NULL;

    if (has_id(text->str, gid))
        return;
    name = free_name(text->str, wanted, gid);
    g_string_append_printf(text, "%s:x:%u:\n", name, gid);
}

char *
osh_own_group(const char *host, const OshIdentity *identity)
{
    GString *text = begin(host);
    gsize before = text->len;

    add_group(text, identity->group, identity->gid);
    for (gsize i = 0; i < identity->n_groups; i++) {
        g_autofree char *name = g_strdup_printf("group%u", identity->groups[i]);

        add_group(text, name, identity->groups[i]);
    }
    return g_string_free(text, text->len == before);
}

char *
osh_own_hosts(void)
{
    return g_strdup("127.0.0.1 localhost " OSH_BOX_HOSTNAME "\n"
                    "::1 localhost ip6-localhost ip6-loopback\n");
}
