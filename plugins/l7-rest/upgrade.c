/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade.c: a request for another protocol (RFC 9110 section 7.8), and the 101 to it. [shard]
 *
 * Who speaks the other protocol judges both heads, through the driver; here is looked at what HTTP
 * itself says about them. Nothing of what the client says behind such a request is read before the
 * response is there: it may be of either protocol.
 */
#include "rest.h"

#include <string.h>

gboolean
rest_upgrade_refuse(RestSession *session)
{
    return rest_request_refuse(session, 403, "unsupported_l7_protocol",
                               "the endpoint does not allow to change the protocol (Upgrade)");
}

static gboolean
is_token(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)
            return FALSE;
    return length > 0;
}

/* One field with one protocol, which Connection names, and no body. */
static gboolean
is_plain(const RestSession *session, const char *window, const OshHttp1Field **ret_field)
{
    const OshHttp1Head *head = &session->request;
    const OshHttp1Field *field = osh_http1_head_find(head, (const guint8 *)window, "upgrade", NULL);

    *ret_field = field;
    return head->connection_upgrade && head->minor_version == 1 && field != NULL &&
           osh_http1_head_find(head, (const guint8 *)window, "upgrade", field) == NULL &&
           is_token(window + field->value.offset, field->value.length) && !head->chunked &&
           head->content_length == 0;
}

gboolean
rest_upgrade_read(RestSession *session, const char *window)
{
    const OshHttp1Field *field;

    if (!is_plain(session, window, &field))
        return rest_upgrade_refuse(session);
    session->is_upgrade = TRUE;
    session->may_upgrade = FALSE;
    g_string_truncate(session->upgrade, 0);
    g_string_append_len(session->upgrade, window + field->value.offset, field->value.length);
    g_string_ascii_down(session->upgrade);
    session->facts[session->n_facts++] = (OshFact)OSH_FACT_STRING_INIT(
        OSH_FACT_REQUEST_UPGRADE, ((OshSpan){session->upgrade->str, session->upgrade->len}));
    session->facts[session->n_facts++] =
        rest_headers_fact(session, &session->request, window, OSH_FACT_REQUEST_HEADERS);
    return TRUE;
}

gsize
rest_upgrade_ask(RestSession *session)
{
    OshSpan window = osh_l7_list_window(&session->list);

    session->response_facts[0] =
        (OshFact)OSH_FACT_INTEGER_INIT(OSH_FACT_RESPONSE_STATUS, session->status);
    session->response_facts[1] =
        rest_headers_fact(session, &session->response, window.data, OSH_FACT_RESPONSE_HEADERS);
    session->has_response = REST_RESPONSE_ASKED;
    return osh_l7_list_ask(&session->list, session->message, session->response_facts, 2);
}

gsize
rest_upgrade_go(RestSession *session)
{
    OshL7List *list = &session->list;
    OshL7Action *action;

    osh_l7_list_pass(list, session->message, session->response.size);
    action = osh_l7_list_add(list, OSH_L7_UPGRADE, session->message);
    action->offset = list->released;
    action->u.upgrade.protocol = session->upgrade->str;
    return list->n;
}
