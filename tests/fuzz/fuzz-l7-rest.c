/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-l7-rest.c: a whole session of l7-rest, through the strict driver of the harness.
 *
 * 0xfe begins a piece of the client, 0xff one of the server; what stands before the first is the
 * client's. Requests by POST are refused, the body of one by PUT is inspected, and its limit is
 * small; an upgrade is agreed to; of a third of all inputs responses are looked into. However the
 * bytes are split, the same ones leave, with the same records; the harness sees to it that nothing
 * leaves before it was allowed.
 */
#include <openshell/plugin.h>

#include "openshell/ext/draft/l7-protocol.h"
#include "osh-fake-host.h"
#include "osh-l7-harness.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define MAX_SIZE 1500
#define CLIENT   0xfe
#define SERVER   0xff
/* Of bytes that a server says too early it matters when they come. */
#define TOO_EARLY "the server sent what no request asked for"

static void
say(OshL7Harness *harness, guint8 mark, const guint8 *bytes, gsize length)
{
    if (mark == SERVER)
        osh_l7_harness_server(harness, (const char *)bytes, (gssize)length);
    else
        osh_l7_harness_client(harness, (const char *)bytes, (gssize)length);
}

static void
say_all(OshL7Harness *harness, const guint8 *data, gsize size)
{
    guint8 mark = CLIENT;
    gsize start = 0;

    for (gsize i = 0; i < size; i++) {
        if (data[i] != CLIENT && data[i] != SERVER)
            continue;
        say(harness, mark, data + start, i - start);
        mark = data[i];
        start = i + 1;
    }
    say(harness, mark, data + start, size - start);
    if (size % 2 == 0)
        osh_l7_harness_end(harness, size % 4 == 0 ? OSH_SERVER_TO_CLIENT : OSH_CLIENT_TO_SERVER);
}

static void
check(const OshL7Outcome *whole, const OshL7Outcome *other)
{
    g_autofree char *left = NULL;
    g_autofree char *right = NULL;

    if (other->violation != NULL)
        g_error("%s", other->violation);
    /* One that was allowed is denied or failed later by what is wrong with its body or response. */
    if (strstr(other->records->str, "allowed") == NULL &&
        strstr(other->records->str, "failed") == NULL &&
        strstr(other->records->str, "denied") == NULL)
        g_assert_cmpuint(other->released[OSH_CLIENT_TO_SERVER]->len, ==, 0);
    if (g_strcmp0(whole->reason, TOO_EARLY) == 0 || g_strcmp0(other->reason, TOO_EARLY) == 0)
        return;
    left = osh_l7_outcome_describe(whole);
    right = osh_l7_outcome_describe(other);
    g_assert_cmpstr(left, ==, right);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static OshFakeHost *host;
    static gpointer plugin;
    static const OshInspectionRefusal refusal = {.struct_size = sizeof refusal,
                                                 .status = 200,
                                                 .media_type = "text/plain",
                                                 .body = OSH_SPAN_INIT("no")};
    OshInterface protocol;
    g_autoptr(OshL7Harness) harness = NULL;
    g_autoptr(OshL7Outcome) whole = NULL;

    if (host == NULL) {
        host = osh_fake_host_new("[plugin]\nid=l7-rest\n");
        g_assert_true(openshell_plugin_v1.create(osh_fake_host_table(host), &plugin, NULL));
    }
    g_assert_true(openshell_plugin_v1.get_interface(plugin, OSH_INTERFACE_L7_PROTOCOL, &protocol));
    harness = osh_l7_harness_new(&protocol, NULL);
    osh_l7_harness_connection(harness)->host = "a";
    osh_l7_harness_connection(harness)->port = 80;
    osh_l7_harness_connection(harness)->protocol = "rest";
    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY,
                             OSH_FACT_REQUEST_METHOD, "POST");
    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, OSH_SCRIPTED_CONTENT,
                             "*bad*");
    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_INSPECT,
                             OSH_FACT_REQUEST_METHOD, "PUT");
    osh_scripted_policy_set_limit(osh_l7_harness_policy(harness), 40);
    osh_l7_harness_replace_content(harness, "from", "something else");
    osh_l7_harness_set_refusal(harness, &refusal);
    osh_l7_harness_agree_to_upgrades(harness);
    if (size % 3 == 0)
        osh_l7_harness_inspect_responses(harness, 40);
    osh_scripted_policy_rule(osh_l7_harness_policy(harness), OSH_ACTION_DENY, OSH_SCRIPTED_RESPONSE,
                             "*bad*");
    say_all(harness, data, MIN(size, MAX_SIZE));
    whole = osh_l7_harness_run(harness, OSH_L7_SPLIT_WHOLE, 1);
    check(whole, whole);
    for (OshL7Split split = OSH_L7_SPLIT_WHOLE_LATER; split <= OSH_L7_SPLIT_RANDOM; split++) {
        g_autoptr(OshL7Outcome) other = osh_l7_harness_run(harness, split, (guint32)size);

        check(whole, other);
    }
    return 0;
}
