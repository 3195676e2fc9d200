/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume.c: what an answer makes of the present exchange. [shard]. It releases nothing: that is the
 * next feed's.
 */
#include "rest.h"

/* The driver gives the same object for the same endpoint: it is read when it is another one. */
static void
read_options(RestSession *session, GVariant *options)
{
    gboolean value = FALSE;

    if (options == session->options)
        return;
    g_clear_pointer(&session->options, g_variant_unref);
    session->options = options != NULL ? g_variant_ref(options) : NULL;
    session->allows_encoded_slash =
        options != NULL && g_variant_lookup(options, "allow_encoded_slash", "b", &value) && value;
}

/* A body that was read wholly leaves the connection as it is after any other exchange. */
static gboolean
may_stay_open(const RestSession *session)
{
    return session->content.is_active && osh_http1_body_is_complete(&session->request_body) &&
           !session->closes && !session->is_over;
}

static void
resume_refused(RestSession *session, const OshL7Answer *answer)
{
    session->stage = REST_REFUSED;
    if (!osh_has_member(answer, OshL7Answer, refusal) || answer->refusal == NULL) {
        rest_answer_policy(session, answer);
        return;
    }
    session->keeps_open = may_stay_open(session);
    rest_answer_refusal(session, answer->refusal);
}

/* About a 101. */
static void
resume_response(RestSession *session, const OshL7Answer *answer)
{
    if (answer->action == OSH_ACTION_ALLOW) {
        session->has_response = REST_RESPONSE_AGREED;
        return;
    }
    session->stage = REST_REFUSED;
    session->event = answer->event;
    session->refusal =
        (RestRefusal){502, "upstream_response_invalid",
                      "the server's agreement to change the protocol is not valid", NULL};
    rest_answer_problem(session);
}

/* About a content of the response. Of one that is refused the client may have got nothing yet. */
static void
resume_reply(RestSession *session, const OshL7Answer *answer)
{
    rest_reply_resume(session, answer);
    if (session->has_response == REST_RESPONSE_PASSED)
        return;
    if (answer->action != OSH_ACTION_DENY || session->reply.head_sent)
        return;
    session->stage = REST_REFUSED;
    session->keeps_open = FALSE;
    session->event = answer->event;
    if (osh_has_member(answer, OshL7Answer, refusal) && answer->refusal != NULL) {
        rest_answer_refusal(session, answer->refusal);
        return;
    }
    if (osh_has_member(answer, OshL7Answer, error) && answer->error != NULL) {
        rest_answer_policy(session, answer);
        return;
    }
    session->refusal =
        (RestRefusal){502, "response_refused", "the response may not go to the client", NULL};
    rest_answer_problem(session);
}

void
rest_resume(RestSession *session, const OshL7Answer *answer)
{
    if (session->has_response == REST_RESPONSE_MARKED) {
        resume_reply(session, answer);
        return;
    }
    if (session->has_response == REST_RESPONSE_ASKED) {
        resume_response(session, answer);
        return;
    }
    if (answer->action == OSH_ACTION_DENY) {
        resume_refused(session, answer);
        return;
    }
    read_options(session, answer->options);
    if (answer->action == OSH_ACTION_INSPECT) {
        session->stage = REST_CONTENT;
        session->is_beyond = FALSE;
        if (!session->content.is_active)
            rest_content_begin(session, answer);
        return;
    }
    session->may_upgrade = osh_has_member(answer, OshL7Answer, upgrades) && answer->upgrades;
    session->response_limit = osh_has_member(answer, OshL7Answer, response_limit)
                                  ? MIN(answer->response_limit, 1 << 30)
                                  : 0;
    session->response_preflight =
        osh_has_member(answer, OshL7Answer, response_preflight) && answer->response_preflight;
    session->is_beyond = answer->action != OSH_ACTION_ALLOW || !rest_edits_take(session, answer);
    session->stage = REST_ALLOWED;
    if (session->content.is_active) {
        session->stage = REST_CONTENT;
        rest_content_allow(session, answer);
    }
}
