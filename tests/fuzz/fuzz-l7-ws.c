/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-l7-ws.c: a whole session of l7-ws, through the strict driver of the harness; and both heads
 * of its handshake.
 *
 * The first byte says what follows: HANDSHAKE, lines of fields; else frames, of the SERVER or of
 * the client, with permessage-deflate where DEFLATE, without context takeover where RESETS; texts
 * are inspected, and some of them replaced, where INSPECTS. However the bytes are split, the same
 * ones leave, with the same records.
 */
#include "ws-fixture.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define MAX_SIZE 1500

#define DEFLATE   1
#define RESETS    2
#define INSPECTS  4
#define SERVER    8
#define HANDSHAKE 16

static void
run_frames(WsFixture *fixture, guint8 flags, const guint8 *bytes, gsize size)
{
    g_autoptr(OshL7Outcome) whole = NULL;
    g_autofree char *expected = NULL;

    ws_fixture_again(fixture);
    fixture->extensions = NULL;
    if ((flags & DEFLATE) != 0)
        fixture->extensions = (flags & RESETS) != 0
                                  ? "permessage-deflate; client_no_context_takeover; "
                                    "server_no_context_takeover"
                                  : "permessage-deflate";
    if ((flags & INSPECTS) != 0) {
        osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_DENY,
                                 OSH_SCRIPTED_CONTENT, "*refuse*");
        osh_scripted_policy_rule(osh_l7_harness_policy(fixture->harness), OSH_ACTION_INSPECT,
                                 OSH_FACT_REQUEST_METHOD, "*");
        osh_l7_harness_replace_content(fixture->harness, "e", "replaced");
    }
    if ((flags & SERVER) != 0)
        osh_l7_harness_server(fixture->harness, (const char *)bytes, (gssize)size);
    else
        osh_l7_harness_client(fixture->harness, (const char *)bytes, (gssize)size);
    whole = osh_l7_harness_run(fixture->harness, OSH_L7_SPLIT_WHOLE, 1);
    expected = osh_l7_outcome_describe(whole);
    if (whole->violation != NULL)
        g_error("%s", whole->violation);
    for (OshL7Split split = OSH_L7_SPLIT_WHOLE_LATER; split <= OSH_L7_SPLIT_RANDOM; split++) {
        g_autoptr(OshL7Outcome) other =
            osh_l7_harness_run(fixture->harness, split, (guint32)size + 1);
        g_autofree char *text = osh_l7_outcome_describe(other);

        g_assert_cmpstr(text, ==, expected);
    }
    g_assert_cmpuint(fixture->plugin->held, ==, 0);
}

/* Lines NAME:VALUE. Returns: how many there are. */
static gsize
read_fields(char *text, OshHttpField *fields, gsize capacity)
{
    gsize n = 0;

    for (char *line = strtok(text, "\n"); line != NULL && n < capacity; line = strtok(NULL, "\n")) {
        char *colon = strchr(line, ':');

        if (colon == NULL)
            continue;
        fields[n].name = (OshSpan){line, (gsize)(colon - line)};
        fields[n++].value = osh_span(colon + 1);
    }
    return n;
}

/* What stands before the first empty line is the request's. */
static void
run_handshake(const guint8 *bytes, gsize size)
{
    g_autofree char *request = g_strndup((const char *)bytes, size);
    char *response = strstr(request, "\n\n");
    OshHttpField fields[40];
    OshHttpHead head = {.struct_size = sizeof head,
                        .method = OSH_SPAN_LITERAL("GET"),
                        .path = OSH_SPAN_LITERAL("/"),
                        .fields = fields};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) refusal = NULL;
    g_autoptr(WsHandshake) handshake = NULL;

    if (response != NULL)
        *response = '\0';
    head.n_fields = read_fields(request, fields, G_N_ELEMENTS(fields));
    handshake = ws_handshake_new(&head, &error);
    g_assert_true((handshake == NULL) == (error != NULL));
    if (handshake == NULL || response == NULL)
        return;
    head.status = 101;
    head.n_fields = read_fields(response + 2, fields, G_N_ELEMENTS(fields));
    if (!ws_handshake_agree(handshake, &head, &refusal))
        g_assert_nonnull(refusal);
    else if (handshake->agreed[0].is_on)
        g_assert_cmpuint(handshake->agreed[0].window_bits, >=, 8);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static WsFixture *fixture;

    if (size == 0)
        return 0;
    if (fixture == NULL) {
        fixture = g_new0(WsFixture, 1);
        ws_fixture_set_up(fixture, NULL);
    }
    size = MIN(size, MAX_SIZE);
    if ((data[0] & HANDSHAKE) != 0)
        run_handshake(data + 1, size - 1);
    else
        run_frames(fixture, data[0], data + 1, size - 1);
    return 0;
}
