/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edits.c: fields that an answer wants the request to have: what a credential provider injects.
 * [shard]. It must never change what frames or addresses a request: that was judged.
 */
#include "rest.h"

#include "osh-line-reader.h"

#include <string.h>

static const char *const fixed[] = {
    "connection", "content-length",    "expect",  "host",    "keep-alive", "proxy-connection",
    "te",         "transfer-encoding", "trailer", "upgrade", "via",
};

static gboolean
is_fixed(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (g_ascii_strcasecmp(fixed[i], name) == 0)
            return TRUE;
    return FALSE;
}

/* A token of RFC 9110 section 5.6.2. */
static gboolean
is_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL)
            return FALSE;
    return *name != '\0';
}

static gboolean
is_value(const char *value)
{
    for (const char *at = value; at != NULL && *at != '\0'; at++)
        if (((guchar)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return FALSE;
    return TRUE;
}

void
rest_edits_clear(RestSession *session)
{
    for (guint i = 0; i < session->n_edits; i++) {
        g_free(session->edits[i].name);
        g_free(session->edits[i].value);
    }
    session->n_edits = 0;
}

gboolean
rest_edits_take(RestSession *session, const OshL7Answer *answer)
{
    rest_edits_clear(session);
    if (answer->n_edits > REST_EDITS)
        return FALSE;
    for (gsize i = 0; i < answer->n_edits; i++) {
        const OshL7Edit *edit = &answer->edits[i];

        if (is_fixed(edit->name) || !is_name(edit->name) || !is_value(edit->value))
            return FALSE;
        session->edits[session->n_edits++] =
            (RestEdit){g_strdup(edit->name), g_strdup(edit->value), edit->lease};
    }
    return TRUE;
}

gboolean
rest_edits_name(const RestSession *session, OshSpan name)
{
    for (guint i = 0; i < session->n_edits; i++)
        if (osh_span_equal_fold(name, session->edits[i].name))
            return TRUE;
    return FALSE;
}
