/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of the structs that cross the plugin boundary in arrays or that ABI 1 froze: a change here
 * breaks every plugin that is already built. Numbers are for 64-bit machines, the only ones loaded.
 */
#include "openshell/ext/draft/content-inspector.h"
#include "openshell/ext/draft/credential-provider.h"
#include "openshell/ext/draft/event-sink.h"
#include "openshell/ext/draft/http-upgrade.h"
#include "openshell/ext/draft/l7-protocol.h"
#include "openshell/ext/draft/middleware.h"
#include "openshell/ext/draft/peer-identity.h"
#include "openshell/ext/draft/sandbox-net.h"
#include "openshell/ext/draft/virtual-host.h"
#include "openshell/ext/launch-contributor.h"
#include "openshell/ext/metrics.h"
#include "openshell/ext/policy.h"
#include "openshell/ext/process-launcher.h"
#include "openshell/ext/shard.h"
#include "openshell/ext/worker.h"
#include "openshell/plugin.h"

static void
test_arrays_keep_their_stride(void)
{
    g_assert_cmpuint(sizeof(OshSpan), ==, 16);
    g_assert_cmpuint(sizeof(OshFact), ==, 32);
    g_assert_cmpuint(sizeof(OshFactRecord), ==, 16);
    g_assert_cmpuint(sizeof(OshCidr), ==, 20);
    g_assert_cmpuint(sizeof(OshL7Piece), ==, 64);
    g_assert_cmpuint(sizeof(OshL7Action), ==, 104);
    g_assert_cmpuint(sizeof(OshL7SlotAnswer), ==, 32);
    g_assert_cmpuint(sizeof(OshL7ContentAnswer), ==, 40);
    g_assert_cmpuint(sizeof(OshL7Edit), ==, 32);
    g_assert_cmpuint(sizeof(OshInjection), ==, 24);
    g_assert_cmpuint(sizeof(OshHttpField), ==, 32);
    g_assert_cmpuint(sizeof(OshContributedVariable), ==, 24);
    g_assert_cmpuint(sizeof(OshContributedFile), ==, 40);
    g_assert_cmpuint(sizeof(OshVirtualDestination), ==, 24);
    g_assert_cmpuint(sizeof(OshVirtualSlot), ==, 24);
}

static void
test_sized_structs_only_grow(void)
{
    static const struct {
        const char *name;
        gsize now;
        gsize at_1_0;
    } rows[] = {
        {"OshPluginEntry", sizeof(OshPluginEntry), 48},
        {"OshHost", sizeof(OshHost), 152},
        {"OshPublication", sizeof(OshPublication), 48},
        {"OshEvent", sizeof(OshEvent), 80},
        {"OshVerdict", sizeof(OshVerdict), 128},
        {"OshPolicyStatic", sizeof(OshPolicyStatic), 56},
        {"OshPolicyInterface", sizeof(OshPolicyInterface), 72},
        {"OshShardInterface", sizeof(OshShardInterface), 80},
        {"OshWorkerInterface", sizeof(OshWorkerInterface), 16},
        {"OshMetricsInterface", sizeof(OshMetricsInterface), 32},
        {"OshBoxRequest", sizeof(OshBoxRequest), 48},
        {"OshBoxInfo", sizeof(OshBoxInfo), 56},
        {"OshLaunchSpec", sizeof(OshLaunchSpec), 64},
        {"OshProcess", sizeof(OshProcess), 32},
        {"OshProcessLauncherInterface", sizeof(OshProcessLauncherInterface), 80},
        {"OshLaunchContributorInterface", sizeof(OshLaunchContributorInterface), 16},
        {"OshSandboxListener", sizeof(OshSandboxListener), 36},
        {"OshSandboxNetInterface", sizeof(OshSandboxNetInterface), 40},
        {"OshPeerTuple", sizeof(OshPeerTuple), 44},
        {"OshPeer", sizeof(OshPeer), 120},
        {"OshPeerIdentityInterface", sizeof(OshPeerIdentityInterface), 24},
        {"OshEventSinkInterface", sizeof(OshEventSinkInterface), 32},
        {"OshL7Connection", sizeof(OshL7Connection), 96},
        {"OshL7Input", sizeof(OshL7Input), 64},
        {"OshL7Answer", sizeof(OshL7Answer), 112},
        {"OshL7ProtocolInterface", sizeof(OshL7ProtocolInterface), 80},
        {"OshContentInspectorInterface", sizeof(OshContentInspectorInterface), 48},
        {"OshHttpUpgradeInterface", sizeof(OshHttpUpgradeInterface), 48},
        {"OshInspectedResponse", sizeof(OshInspectedResponse), 56},
        {"OshResponseResult", sizeof(OshResponseResult), 32},
        {"OshInspectionDenial", sizeof(OshInspectionDenial), 40},
        {"OshInspectionRefusal", sizeof(OshInspectionRefusal), 40},
        {"OshMiddlewareInterface", sizeof(OshMiddlewareInterface), 40},
        {"OshCredentialProviderInterface", sizeof(OshCredentialProviderInterface), 88},
        {"OshVirtualHostInterface", sizeof(OshVirtualHostInterface), 96},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].now < rows[i].at_1_0)
            g_error("%s shrank from %zu to %zu bytes", rows[i].name, rows[i].at_1_0, rows[i].now);
}

static void
test_topic_table_and_names_agree(void)
{
    static const struct {
        const char *symbol;
        const char *name;
        const char *type;
        const char *ends;
    } rows[] = {
#define ROW(SYMBOL, symbol, Struct, delivery, retained, ends)                                      \
    {#symbol, OSH_TOPIC_##SYMBOL, OSH_EVENT_TYPE(SYMBOL), ends},
        OSH_EVENT_TOPICS(ROW)
#undef ROW
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize named = 0;

        g_autofree char *words = g_strdelimit(g_strdup(rows[i].name), ".-/", '_');

        /* "openshell.host.plugin-fault/1" is plugin_fault, "openshell.box.opened/1" box_opened. */
        g_assert_true(g_str_has_prefix(words, "openshell_"));
        g_assert_nonnull(strstr(words, rows[i].symbol));
        g_assert_true(g_variant_type_string_is_valid(rows[i].type));
        g_assert_true(g_str_has_suffix(rows[i].type, "a{sv})"));
        for (gsize k = 0; rows[i].ends != NULL && k < G_N_ELEMENTS(rows); k++)
            named += g_str_equal(rows[k].name, rows[i].ends);
        g_assert_cmpuint(named, ==, rows[i].ends != NULL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/layout/arrays-keep-their-stride", test_arrays_keep_their_stride);
    g_test_add_func("/sdk/layout/sized-structs-only-grow", test_sized_structs_only_grow);
    g_test_add_func("/sdk/layout/topic-table-and-names-agree", test_topic_table_and_names_agree);
    return g_test_run();
}
