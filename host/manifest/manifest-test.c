/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest may say, and how each mistake is told. */
#include "manifest.h"

#include <string.h>

#include "openshell/host.h"
#include "openshell/plugin.h"

#define PLUGIN                                                                                     \
    "[plugin]\nid=com.example.redis\nversion=1.2.3\nabi=1.0\nsummary=Redis\nlicense=MIT\n"

static OshManifest *
parse(const char *text, GError **error)
{
    return osh_manifest_parse("redis.so", text, strlen(text), error);
}

static void
test_whole(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(OshManifest) manifest =
        parse(PLUGIN "provides=openshell.draft.l7-protocol/1\n"
                     "requires=openshell.shard/1;openshell.policy/1;\n"
                     "wants=openshell.metrics/1\n"
                     "publishes=openshell.l7.allowed/1\n"
                     "isolation=worker-capable\n"
                     "[topic com.example.redis.command/1]\n"
                     "type=(tsa{sv})\nclass=lossless\nretained=true\n"
                     "[topic com.example.redis.ended/1]\n"
                     "type=(ta{sv})\nclass=sampled\nends=com.example.redis.command/1\n"
                     "[config maximum]\ntype=integer\ndefault=7\nhelp=How many\n"
                     "[config names]\ntype=strings\n"
                     "[protocol redis]\ncarrier=tcp\nalpn=redis;r2\nserver-speaks-first=true\n"
                     "[fact redis.command]\nprotocol=redis\ntype=string\nseparator=:\n"
                     "[fact redis.key]\nprotocol=redis\ntype=strings\nsensitivity=sensitive\n"
                     "[fact redis.calls]\nprotocol=redis\ntype=records\n"
                     "fields=name;args:strings;n:integer\n",
              &error);
    const OshManifestTopic *topic;
    const OshManifestFact *fact;
    const OshManifestProtocol *protocol;

    g_assert_no_error(error);
    g_assert_cmpstr(manifest->id, ==, "com.example.redis");
    g_assert_cmpuint(manifest->abi_major, ==, 1);
    g_assert_true(osh_manifest_provides(manifest, "openshell.draft.l7-protocol/1"));
    g_assert_false(osh_manifest_provides(manifest, "openshell.draft.l7-protocol/2"));
    g_assert_cmpuint(g_strv_length(manifest->requires), ==, 2);
    g_assert_true(manifest->worker_capable);
    topic = g_ptr_array_index(manifest->topics, 0);
    g_assert_true(topic->retained);
    g_assert_cmpint(topic->event_class, ==, OSH_EVENT_LOSSLESS);
    topic = g_ptr_array_index(manifest->topics, 1);
    g_assert_cmpstr(topic->ends, ==, "com.example.redis.command/1");
    g_assert_cmpint(
        g_variant_get_int64(osh_manifest_config_key(manifest, "maximum")->default_value), ==, 7);
    g_assert_null(osh_manifest_config_key(manifest, "names")->default_value);
    protocol = g_ptr_array_index(manifest->protocols, 0);
    g_assert_cmpstr(protocol->alpn[1], ==, "r2");
    g_assert_true(protocol->server_speaks_first);
    fact = g_ptr_array_index(manifest->facts, 0);
    g_assert_cmpstr(fact->separator, ==, ":");
    g_assert_false(fact->sensitive);
    fact = g_ptr_array_index(manifest->facts, 1);
    g_assert_true(fact->sensitive);
    g_assert_null(fact->fields[0]);
    fact = g_ptr_array_index(manifest->facts, 2);
    g_assert_cmpstr(fact->fields[1], ==, "args:strings");
    g_assert_cmpuint(g_strv_length(fact->fields), ==, 3);
}

static void
test_errors(void)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", "redis.so:1: a manifest starts with the group [plugin]"},
        {"[config a]\n", "redis.so:1: a manifest starts with*"},
        {"[plugin]\nid=x\n", "redis.so:1: [plugin] needs version="},
        {"[plugin]\nid=X\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=l\n",
         "redis.so:2: id=X is not a plugin id*"},
        {"[plugin]\nid=host\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=l\n",
         "redis.so:2: id=host is not*"},
        {"[plugin]\nid=a..b\nversion=1.0.0\nabi=1.0\nsummary=s\nlicense=l\n",
         "redis.so:2: id=a..b is not*"},
        {"[plugin]\nid=x\nversion=1.0\nabi=1.0\nsummary=s\nlicense=l\n",
         "redis.so:3: version=1.0 is not 3 numbers*"},
        {"[plugin]\nid=x\nversion=1.0.0\nabi=one\nsummary=s\nlicense=l\n",
         "redis.so:4: abi=one is not 2 numbers*"},
        {PLUGIN "privides=openshell.shard/1\n",
         "redis.so:7: unknown manifest key 'privides' in [plugin]; did you mean provides?"},
        {PLUGIN "provides=openshell.shard\n", "redis.so:7: provides=: 'openshell.shard' is not*"},
        {PLUGIN "provides=openshell.shard/0\n", "redis.so:7: provides=: *"},
        {PLUGIN "provides=a/1;;b/1\n", "redis.so:7: provides= has an empty element"},
        {PLUGIN "provides=a/1;a/1\n", "redis.so:7: provides= names a/1 twice"},
        {PLUGIN "publishes=com.example.redis.x/1\n", "redis.so:7: publishes=: *"},
        {PLUGIN "isolation=full\n", "redis.so:7: isolation=full must be one of: in-process*"},
        {PLUGIN "[other]\n", "redis.so:7: unknown manifest group [other]*"},
        {PLUGIN "[topic other.x/1]\ntype=(a{sv})\nclass=sampled\n", "redis.so:7: topic 'other*"},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(s)\nclass=sampled\n",
         "redis.so:8: type=(s) is not a GVariant tuple*"},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(((((\nclass=sampled\n",
         "redis.so:8: type=((((( is not*"},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(*a{sv})\nclass=sampled\n",
         "redis.so:8: type=(*a{sv}) is not*"},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(a{sv})\nclass=sampled\nretained=true\n",
         "redis.so:8: a retained topic needs*"},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(a{sv})\n", "redis.so:7: * needs class="},
        {PLUGIN "[topic com.example.redis.x/1]\ntype=(a{sv})\nclass=sampled\nends=a/1\n",
         "redis.so:1: topic com.example.redis.x/1 ends a/1*"},
        {PLUGIN "[config enabled]\ntype=boolean\n", "redis.so:7: 'enabled' cannot name*"},
        {PLUGIN "[config a]\ntype=float\n", "redis.so:8: type=float must be one of*"},
        {PLUGIN "[config a]\ntype=integer\ndefault=x\n",
         "redis.so:9: default=: expected an integer, not 'x'"},
        {PLUGIN "[protocol r]\ncarrier=udp\n", "redis.so:8: carrier=udp must be one of*"},
        {PLUGIN "[fact r.x]\nprotocol=r\ntype=string\n",
         "redis.so:8: protocol=r has no [protocol r] group above"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nseparator=ab\n",
         "redis.so:12: separator= must be one ASCII character that globs do not use"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nseparator=?\n",
         "redis.so:12: separator= must be one ASCII*"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nseparator=\xc2\xb7"
                "\n",
         "redis.so:12: separator= must be one ASCII*"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nfields=a\n",
         "redis.so:12: only a fact of type=records has fields="},
        {PLUGIN
         "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=records\nfields=a:records\n",
         "redis.so:12: fields=: 'a:records' is not NAME or NAME:TYPE*"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact network.host]\nprotocol=r\ntype=string\n",
         "redis.so:9: 'network.host' cannot name a fact"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshManifest) manifest = parse(cases[i].text, &error);

        g_assert_null(manifest);
        if (!g_pattern_match_simple(cases[i].expected, error->message))
            g_error("case %zu: '%s' does not match '%s'", i, error->message, cases[i].expected);
    }
}

static void
test_too_long(void)
{
    g_autofree char *text = g_malloc(OSH_PLUGIN_MANIFEST_MAX + 1);
    g_autoptr(GError) error = NULL;

    memset(text, '\n', OSH_PLUGIN_MANIFEST_MAX + 1);
    g_assert_null(osh_manifest_parse("f", text, OSH_PLUGIN_MANIFEST_MAX + 1, &error));
    g_assert_cmpstr(error->message, ==, "f: manifest longer than 65536 bytes");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/every-group-of-the-grammar-is-read", test_whole);
    g_test_add_func("/manifest/every-mistake-is-named-with-its-line", test_errors);
    g_test_add_func("/manifest/an-endless-manifest-is-refused", test_too_long);
    return g_test_run();
}
