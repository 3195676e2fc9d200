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
                     "[config maximum]\ntype=integer\ndefault=7\nmin=1\nmax=9\nhelp=How many\n"
                     "[config mode]\ntype=string\nchoices=fast; safe\n"
                     "[config names]\ntype=strings\n"
                     "[protocol redis]\ncarrier=tcp\nalpn=redis;r2\nserver-speaks-first=true\n"
                     "window=65536\naction=redis.command\ntarget=redis.names\n"
                     "[fact redis.command]\nprotocol=redis\ntype=string\nseparator=:\n"
                     "values=GET;SET\n"
                     "[fact redis.names]\nprotocol=redis\ntype=strings\n"
                     "[option database]\nprotocol=redis\ntype=integer\nmin=0\nmax=15\n"
                     "default=0\nhelp=Which\n"
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
    fact = g_ptr_array_index(manifest->facts, 2);
    g_assert_true(fact->sensitive);
    g_assert_null(fact->fields[0]);
    fact = g_ptr_array_index(manifest->facts, 3);
    g_assert_cmpstr(fact->fields[1], ==, "args:strings");
    g_assert_cmpuint(g_strv_length(fact->fields), ==, 3);
}

/* A manifest with one configuration key, which @lines declare. */
static OshManifest *
parse_key(const char *lines)
{
    g_autofree char *text = g_strconcat(PLUGIN "[config key]\n", lines, NULL);
    g_autoptr(GError) error = NULL;
    OshManifest *manifest = parse(text, &error);

    g_assert_no_error(error);
    return manifest;
}

static void
test_limits(void)
{
    static const struct {
        const char *lines;
        const char *text;
        const char *problem; /* (nullable) */
    } cases[] = {
        {"type=integer\nmin=1\nmax=9\n", "1", NULL},
        {"type=integer\nmin=1\nmax=9\n", "9", NULL},
        {"type=integer\nmin=1\nmax=9\n", "0", "expected an integer 1..9, not 0"},
        {"type=integer\nmin=1\nmax=9\n", "10", "expected an integer 1..9, not 10"},
        {"type=integer\nmin=1\nmax=9\n", "one", "expected an integer, not 'one'"},
        {"type=integer\nmin=-3\n", "-4", "expected an integer from -3, not -4"},
        {"type=integer\nmax=0\n", "1", "expected an integer up to 0, not 1"},
        {"type=integer\nmin=0\n", "9223372036854775807", NULL},
        {"type=string\nchoices=fast;safe\n", "safe", NULL},
        {"type=string\nchoices=fast;safe\n", "save",
         "expected one of: fast, safe; not 'save'; did you mean safe?"},
        {"type=string\nchoices=fast;safe\n", "", "expected one of: fast, safe; not ''*"},
        {"type=strings\nchoices=a;b\n", "b;a", NULL},
        {"type=strings\nchoices=a;b\n", "", NULL},
        {"type=strings\nchoices=a;b\n", "a;c", "expected one of: a, b; not 'c'*"},
        {"type=boolean\n", "true", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(OshManifest) manifest = parse_key(cases[i].lines);
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) value = osh_manifest_config_key_parse(
            osh_manifest_config_key(manifest, "key"), cases[i].text, &error);

        g_assert_true((value != NULL) == (cases[i].problem == NULL));
        if (cases[i].problem != NULL && !g_pattern_match_simple(cases[i].problem, error->message))
            g_error("case %zu: '%s' is not '%s'", i, error->message, cases[i].problem);
    }
}

static void
test_protocol_extras(void)
{
    g_autoptr(OshManifest) manifest =
        parse(PLUGIN "[protocol redis]\ncarrier=tcp\nwindow=65536\naction=redis.command\n"
                     "target=redis.names\n"
                     "[protocol other]\ncarrier=tcp\n"
                     "[fact redis.command]\nprotocol=redis\ntype=string\nvalues=GET;SET\n"
                     "[fact redis.names]\nprotocol=redis\ntype=strings\n"
                     "[option database]\nprotocol=redis\ntype=integer\nmin=0\nmax=15\n"
                     "default=3\nhelp=Which\n",
              NULL);
    const OshManifestProtocol *redis = osh_manifest_protocol(manifest, "redis");
    const OshManifestProtocol *other = osh_manifest_protocol(manifest, "other");
    const OshManifestFact *fact = g_ptr_array_index(manifest->facts, 0);
    const OshManifestConfigKey *option = g_ptr_array_index(redis->options, 0);

    g_assert_cmpuint(redis->window, ==, 65536);
    g_assert_cmpstr(redis->action, ==, "redis.command");
    g_assert_cmpstr(redis->target, ==, "redis.names");
    g_assert_cmpstr(fact->values[1], ==, "SET");
    fact = g_ptr_array_index(manifest->facts, 1);
    g_assert_null(fact->values[0]);
    g_assert_cmpuint(redis->options->len, ==, 1);
    g_assert_cmpstr(option->key, ==, "database");
    g_assert_cmpint(g_variant_get_int64(option->default_value), ==, 3);
    g_assert_cmpint(option->limits.max, ==, 15);
    g_assert_cmpuint(other->window, ==, 0);
    g_assert_null(other->action);
    g_assert_cmpuint(other->options->len, ==, 0);
    g_assert_null(osh_manifest_protocol(manifest, "third"));
}

typedef struct {
    const char *text;
    const char *expected;
} ErrorCase;

static void
check_errors(const ErrorCase *cases, gsize n_cases)
{
    for (gsize i = 0; i < n_cases; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshManifest) manifest = parse(cases[i].text, &error);

        g_assert_null(manifest);
        if (!g_pattern_match_simple(cases[i].expected, error->message))
            g_error("case %zu: '%s' does not match '%s'", i, error->message, cases[i].expected);
    }
}

static void
test_errors(void)
{
    static const ErrorCase cases[] = {
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
        {PLUGIN "role=process\n", "redis.so:7: role=process must be one of: network"},
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

    check_errors(cases, G_N_ELEMENTS(cases));
}

static void
test_errors_of_settings_and_protocols(void)
{
    static const ErrorCase cases[] = {
        {PLUGIN "[config a]\ntype=string\nmin=1\n",
         "redis.so:9: only a setting of type=integer has min="},
        {PLUGIN "[config a]\ntype=boolean\nmax=1\n",
         "redis.so:9: only a setting of type=integer has max="},
        {PLUGIN "[config a]\ntype=integer\nmin=x\n", "redis.so:9: min=x is not an integer"},
        {PLUGIN "[config a]\ntype=integer\nmin=5\nmax=4\n", "redis.so:10: max=4 is below min=5"},
        {PLUGIN "[config a]\ntype=integer\nmin=5\ndefault=4\n",
         "redis.so:10: default=: expected an integer from 5, not 4"},
        {PLUGIN "[config a]\ntype=integer\nchoices=1;2\n",
         "redis.so:9: only a setting of type=string or type=strings has choices="},
        {PLUGIN "[config a]\ntype=string\nchoices=\n",
         "redis.so:9: choices= must name at least one word"},
        {PLUGIN "[config a]\ntype=string\nchoices=b;c;b\n", "redis.so:9: choices= names b twice"},
        {PLUGIN "[config a]\ntype=string\ndefault=x\nchoices=b;c\n",
         "redis.so:9: default=: expected one of: b, c; not 'x'*"},
        {PLUGIN "[config A]\ntype=string\n", "redis.so:7: 'A' cannot name a configuration key"},
        {PLUGIN "[protocol r]\ncarrier=tcp\nwindow=-1\n",
         "redis.so:9: window=-1 is not a number of bytes up to 16777216"},
        {PLUGIN "[protocol r]\ncarrier=tcp\nwindow=16777217\n", "redis.so:9: window=*"},
        {PLUGIN "[protocol r]\ncarrier=tcp\naction=r.x\n",
         "redis.so:9: action=r.x is not a fact of protocol r that is a string or strings and not "
         "sensitive"},
        {PLUGIN "[protocol r]\ncarrier=tcp\ntarget=r.x\n[fact r.x]\nprotocol=r\ntype=integer\n",
         "redis.so:9: target=r.x is not a fact*"},
        {PLUGIN "[protocol r]\ncarrier=tcp\ntarget=r.x\n[fact r.x]\nprotocol=r\ntype=string\n"
                "sensitivity=sensitive\n",
         "redis.so:9: target=r.x is not a fact*"},
        {PLUGIN "[protocol s]\ncarrier=tcp\n[protocol r]\ncarrier=tcp\naction=s.x\n"
                "[fact s.x]\nprotocol=s\ntype=string\n",
         "redis.so:11: action=s.x is not a fact*"},
        {PLUGIN "[option o]\nprotocol=r\ntype=string\n",
         "redis.so:8: protocol=r has no [protocol r] group above"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[option o]\nprotocol=r\ntype=path\n",
         "redis.so:11: type=path must be one of: string, integer, boolean, strings"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[option O]\nprotocol=r\ntype=string\n",
         "redis.so:9: 'O' cannot name a key of endpoints"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=integer\nvalues=1\n",
         "redis.so:12: only a fact of type=string or type=strings has values="},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nvalues=\n",
         "redis.so:12: values= must name at least one word"},
        {PLUGIN "[protocol r]\ncarrier=tcp\n[fact r.x]\nprotocol=r\ntype=string\nvalues=a;a\n",
         "redis.so:12: values= names a twice"},
    };

    check_errors(cases, G_N_ELEMENTS(cases));
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

/* The role of the launcher is played by providing it; the other one is declared. */
static void
test_roles(void)
{
    static const struct {
        const char *text;
        const char *role;
    } rows[] = {
        {PLUGIN, NULL},
        {PLUGIN "provides=openshell.launch-contributor/1\n", NULL},
        {PLUGIN "role=network\n", OSH_ROLE_NETWORK},
        {PLUGIN "provides=openshell.process-launcher/1\n", OSH_ROLE_PROCESS},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(OshManifest) manifest = parse(rows[i].text, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(manifest->role, ==, rows[i].role);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/every-group-of-the-grammar-is-read", test_whole);
    g_test_add_func("/manifest/a-value-stays-within-the-limits-of-its-key", test_limits);
    g_test_add_func("/manifest/a-protocol-names-its-window-its-records-and-its-options",
                    test_protocol_extras);
    g_test_add_func("/manifest/a-plugin-plays-the-role-that-it-declares-or-provides", test_roles);
    g_test_add_func("/manifest/every-mistake-is-named-with-its-line", test_errors);
    g_test_add_func("/manifest/every-mistake-in-a-setting-or-a-protocol-is-named-with-its-line",
                    test_errors_of_settings_and_protocols);
    g_test_add_func("/manifest/an-endless-manifest-is-refused", test_too_long);
    return g_test_run();
}
