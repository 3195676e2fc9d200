/* SPDX-License-Identifier: Apache-2.0 */
/* target.c: parses the URL of `explain`. No state, any thread. */
#include "target.h"

#include "osh-request-path.h"

#include <string.h>

void
osh_policy_target_free(OshPolicyTarget *target)
{
    if (target == NULL)
        return;
    g_free(target->host);
    g_free(target->path_as_written);
    g_string_free(target->path, TRUE);
    g_array_unref(target->query);
    g_ptr_array_unref(target->memory);
    g_free(target);
}

static gboolean
fail(GError **error, const char *format, const char *text)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "'%s': %s", text, format);
    return FALSE;
}

static gboolean
read_authority(OshPolicyTarget *target, const char *authority, gsize length, guint default_port,
               const char *text, GError **error)
{
    g_autofree char *copy = g_strndup(authority, length);
    char *host = copy;
    char *port = NULL;
    guint64 number = default_port;

    if (strchr(copy, '@') != NULL)
        return fail(error, "leave user and password out", text);
    if (host[0] == '[') {
        char *end = strchr(host, ']');

        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return fail(error, "an IPv6 address needs its closing bracket", text);
        port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        host++;
    } else {
        port = strrchr(host, ':');
        if (port != NULL)
            *port++ = '\0';
    }
    if (*host == '\0')
        return fail(error, "the host is missing", text);
    if (port != NULL && !g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, &number, NULL))
        return fail(error, "the port is not a number from 1 to 65535", text);
    if (number == 0)
        return fail(error, "write a URL, or HOST:PORT", text);
    target->host = g_strdup(host);
    target->port = (guint)number;
    return TRUE;
}

/* Whether every % begins two hexadecimal digits. */
static gboolean
is_well_escaped(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p == '%' && (!g_ascii_isxdigit(p[1]) || !g_ascii_isxdigit(p[2])))
            return FALSE;
    return TRUE;
}

static char *
decode(const char *text, gsize length)
{
    GString *decoded = g_string_sized_new(length);

    for (gsize i = 0; i < length; i++) {
        gint high = text[i] == '%' && i + 2 < length ? g_ascii_xdigit_value(text[i + 1]) : -1;
        gint low = high >= 0 ? g_ascii_xdigit_value(text[i + 2]) : -1;

        if (low >= 0) {
            g_string_append_c(decoded, (char)(high << 4 | low));
            i += 2;
        } else {
            g_string_append_c(decoded, text[i] == '+' ? ' ' : text[i]);
        }
    }
    return g_string_free(decoded, FALSE);
}

static gint
find_key(const OshPolicyTarget *target, const char *key)
{
    for (guint i = 0; i < target->query->len; i++)
        if (strcmp(g_array_index(target->query, OshFactRecord, i).fields[0].value.string.data,
                   key) == 0)
            return (gint)i;
    return -1;
}

static void
add_value(OshPolicyTarget *target, char *key, char *value)
{
    gint known = find_key(target, key);
    OshFact *fields;
    const OshSpan *before = NULL;
    OshSpan *values;
    guint count = 0;

    g_ptr_array_add(target->memory, key);
    g_ptr_array_add(target->memory, value);
    if (known >= 0) {
        fields = (OshFact *)g_array_index(target->query, OshFactRecord, known).fields;
        before = fields[1].value.strings;
        count = fields[1].count;
    } else {
        OshFactRecord record;

        fields = g_new0(OshFact, 2);
        g_ptr_array_add(target->memory, fields);
        fields[0] = (OshFact)OSH_FACT_STRING_INIT("key", osh_span(key));
        record = (OshFactRecord){fields, 2};
        g_array_append_val(target->query, record);
    }
    values = g_new0(OshSpan, count + 1);
    g_ptr_array_add(target->memory, values);
    if (count > 0)
        memcpy(values, before, count * sizeof(OshSpan));
    values[count] = osh_span(value);
    fields[1] = (OshFact)OSH_FACT_STRINGS_INIT("values", values, count + 1);
}

static void
read_query(OshPolicyTarget *target, const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

    for (guint i = 0; pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        gsize length = equals != NULL ? (gsize)(equals - pairs[i]) : strlen(pairs[i]);

        if (pairs[i][0] != '\0')
            add_value(target, decode(pairs[i], length),
                      equals != NULL ? decode(equals + 1, strlen(equals + 1)) : g_strdup(""));
    }
}

static void
read_path(OshPolicyTarget *target, const char *path)
{
    const char *query = NULL;
    gboolean rewritten;
    OshRequestPathResult result = osh_request_path_canonicalise(
        path, strlen(path), OSH_REQUEST_PATH_ALLOW_ENCODED_SLASH, target->path, &query, &rewritten);

    target->has_path = TRUE;
    if (result != OSH_REQUEST_PATH_OK) {
        target->path_problem = osh_request_path_result_name(result);
        return;
    }
    if (rewritten)
        target->path_as_written =
            g_strndup(path, query != NULL ? (gsize)(query - path - 1) : strlen(path));
    if (query != NULL && !is_well_escaped(query))
        target->path_problem = "bad percent-encoding in the query";
    else if (query != NULL)
        read_query(target, query);
}

OshPolicyTarget *
osh_policy_target_new(const char *text, GError **error)
{
    static const struct {
        const char *scheme;
        guint port;
    } schemes[] = {{"https://", 443}, {"http://", 80}, {"wss://", 443}, {"ws://", 80}};
    g_autoptr(OshPolicyTarget) target = g_new0(OshPolicyTarget, 1);
    const char *authority = text;
    const char *scheme_end;
    const char *path;
    guint port = 0;

    target->path = g_string_new(NULL);
    target->query = g_array_new(FALSE, FALSE, sizeof(OshFactRecord));
    target->memory = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < G_N_ELEMENTS(schemes) && port == 0; i++) {
        if (g_ascii_strncasecmp(text, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
            continue;
        port = schemes[i].port;
        target->is_tls = schemes[i].port == 443;
        authority = text + strlen(schemes[i].scheme);
    }
    path = authority + strcspn(authority, "/?#");
    scheme_end = strstr(text, "://");
    if (port == 0 && scheme_end != NULL && scheme_end + 1 == text + strcspn(text, "/?#")) {
        fail(error, "a URL begins with https://, http://, wss:// or ws://", text);
        return NULL;
    }
    if (!read_authority(target, authority, (gsize)(path - authority), port, text, error))
        return NULL;
    if (*path != '\0')
        read_path(target, path);
    return g_steal_pointer(&target);
}
