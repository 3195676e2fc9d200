/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c: the table of the steps of a connection. A transport begins at its own first step; after
 * %OSH_STEP_OPEN the transports differ again. Read it from top to bottom: no byte reaches an
 * upstream before %OSH_STEP_OPEN.
 */
#include "steps.h"

#include "answer-step.h"
#include "dial-step.h"
#include "driver.h"
#include "explicit-request.h"
#include "first-bytes.h"
#include "forward-request.h"
#include "identify.h"
#include "intercept.h"
#include "judge.h"
#include "linger.h"
#include "permit.h"
#include "reach.h"
#include "relay.h"
#include "resolution.h"
#include "reuse.h"
#include "revocation-list.h"
#include "second-hello.h"
#include "transparent.h"

#define SECONDS(n) ((n)*G_TIME_SPAN_SECOND)

static gint64
head_limit(const OshNetworkConfig *config)
{
    return config->head_timeout;
}

static gint64
dial_limit(const OshNetworkConfig *config)
{
    return config->connect_timeout;
}

const OshStep osh_connection_steps[OSH_N_STEPS] = {
    [OSH_STEP_CAPTURED] =
        {
            .name = "captured",
            .next = OSH_STEP_REVOCATION,
            .run = osh_captured_run,
        },
    [OSH_STEP_HEAD] =
        {
            .name = "head",
            .next = OSH_STEP_REVOCATION,
            .configured_limit = head_limit,
            .run = osh_head_run,
            .expire = osh_head_expire,
            .client = osh_head_client,
            .upstream = osh_upstream_unasked,
        },
    [OSH_STEP_REVOCATION] =
        {
            .name = "revocation",
            .next = OSH_STEP_IDENTIFY,
            .limit = SECONDS(10),
            .run = osh_revocation_run,
            .client = osh_revocation_client,
        },
    [OSH_STEP_IDENTIFY] =
        {
            .name = "identify",
            .next = OSH_STEP_DECIDE,
            .limit = SECONDS(5),
            .run = osh_identify_run,
            .expire = osh_identify_expire,
        },
    [OSH_STEP_DECIDE] =
        {
            .name = "decide",
            .next = OSH_STEP_RESOLVE,
            .run = osh_decide_run,
        },
    [OSH_STEP_RESOLVE] =
        {
            .name = "resolve",
            .next = OSH_STEP_PERMIT,
            .limit = SECONDS(10),
            .run = osh_resolve_run,
            .expire = osh_resolve_expire,
            .clear = osh_resolve_clear,
        },
    [OSH_STEP_PERMIT] =
        {
            .name = "permit",
            .next = OSH_STEP_DIAL,
            .limit = SECONDS(5),
            .run = osh_permit_run,
            .expire = osh_permit_expire,
        },
    [OSH_STEP_DIAL] =
        {
            .name = "dial",
            .next = OSH_STEP_VERIFY,
            .configured_limit = dial_limit,
            .run = osh_reach_run,
            .expire = osh_dial_expire,
            .upstream = osh_dial_upstream,
            .reload = osh_judge_again,
            .clear = osh_reach_clear,
        },
    [OSH_STEP_VERIFY] =
        {
            .name = "verify",
            .next = OSH_STEP_OPEN,
            /* Its program is known, and nothing is sent before its owners are: a busy machine may
               take long to read them. */
            .limit = SECONDS(20),
            .run = osh_verify_run,
            .expire = osh_identify_expire,
            .reload = osh_judge_again,
        },
    [OSH_STEP_OPEN] =
        {
            .name = "open",
            .next = OSH_STEP_OF_TRANSPORT,
            .run = osh_open_run,
        },
    [OSH_STEP_FORWARD] =
        {
            .name = "forward",
            .next = OSH_STEP_INSPECT,
            .run = osh_forward_run,
            .client = osh_forward_client,
            .upstream = osh_forward_upstream,
            .reload = osh_judge_again,
            .clear = osh_forward_clear,
            .is_open = TRUE,
        },
    [OSH_STEP_FIRST_BYTES] =
        {
            .name = "first-bytes",
            .next = OSH_STEP_SECOND_HELLO,
            .limit = SECONDS(10),
            .run = osh_first_bytes_run,
            .expire = osh_first_bytes_expire,
            .client = osh_first_bytes_client,
            .upstream = osh_first_bytes_upstream,
            .reload = osh_judge_again,
            .is_open = TRUE,
        },
    [OSH_STEP_SECOND_HELLO] =
        {
            .name = "second-hello",
            .next = OSH_STEP_TLS_UPSTREAM,
            .limit = SECONDS(10),
            .run = osh_second_hello_run,
            .expire = osh_second_hello_expire,
            .client = osh_second_hello_client,
            .upstream = osh_second_hello_upstream,
            .reload = osh_judge_again,
            .clear = osh_second_hello_clear,
            .is_open = TRUE,
        },
    [OSH_STEP_TLS_UPSTREAM] =
        {
            .name = "tls-upstream",
            .next = OSH_STEP_TLS_CLIENT,
            .limit = SECONDS(10),
            .run = osh_intercept_upstream_run,
            .expire = osh_intercept_upstream_expire,
            .upstream = osh_intercept_upstream_event,
            .reload = osh_judge_again,
            .is_open = TRUE,
        },
    [OSH_STEP_TLS_CLIENT] =
        {
            .name = "tls-client",
            .next = OSH_STEP_INSPECT,
            .limit = SECONDS(10),
            .run = osh_intercept_client_run,
            .expire = osh_intercept_client_expire,
            .client = osh_intercept_client_event,
            .reload = osh_judge_again,
            .clear = osh_intercept_clear,
            .is_open = TRUE,
        },
    [OSH_STEP_INSPECT] =
        {
            .name = "inspect",
            .next = OSH_STEP_TUNNEL,
            .run = osh_inspect_run,
            .client = osh_inspect_client,
            .upstream = osh_inspect_upstream,
            .reload = osh_inspect_reload,
            .has_delivered = osh_inspect_has_delivered,
            .clear = osh_inspect_clear,
            .is_open = TRUE,
        },
    [OSH_STEP_TUNNEL] =
        {
            .name = "tunnel",
            .run = osh_tunnel_run,
            .client = osh_tunnel_client,
            .upstream = osh_tunnel_upstream,
            .reload = osh_judge_again,
            .clear = osh_relay_clear,
            .is_open = TRUE,
        },
    [OSH_STEP_ANSWER] =
        {
            .name = "answer",
            .next = OSH_STEP_LINGER,
            .limit = SECONDS(1) / 4,
            .run = osh_answer_run,
            .expire = osh_answer_expire,
            .client = osh_answer_client,
        },
    [OSH_STEP_LINGER] =
        {
            .name = "linger",
            .limit = SECONDS(2),
            .run = osh_linger_run,
            .client = osh_linger_client,
        },
};
