/* SPDX-License-Identifier: Apache-2.0 */
/* The words that a person reads for a denial, a failure and a fault. */
#include "denial-line.h"

#include <string.h>

static OshEvent
event_of(const char *topic, const char *payload)
{
    return (OshEvent){.struct_size = sizeof(OshEvent),
                      .count = 1,
                      .topic = topic,
                      .source = "network",
                      .id = 7,
                      .process_key = 4121,
                      .payload = g_variant_ref_sink(g_variant_new_parsed(payload))};
}

static void
test_line_says_who_what_where_and_why(gconstpointer data)
{
    const char *const *row = data;
    OshEvent event = event_of(row[0], row[1]);
    g_autofree char *line = osh_denial_line_format(&event, "/p/my policy.yaml");

    g_assert_cmpstr(line, ==, row[2]);
    g_variant_unref(event.payload);
}

static const char *const rows[][3] = {
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'connect', 'api.example.com', uint16 443, '/usr/bin/curl', '', "
     "'endpoint api.example.com:443 is not allowed by any policy', uint64 1, "
     "{'hint': <'openshell-host explain p.yaml https://api.example.com/'>})",
     "openshell: DENIED e7 curl(4121) -> api.example.com:443 [connect] endpoint "
     "api.example.com:443 is not allowed by any policy; next: openshell-host explain p.yaml "
     "https://api.example.com/"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'transparent', '2001:db8::1', uint16 443, '/usr/bin/it\\'s', '', 'no', uint64 1, "
     "@a{sv} {})",
     "openshell: DENIED e7 \"it's\"(4121) -> [2001:db8::1]:443 [transparent] no; next: "
     "openshell-host "
     "explain '/p/my policy.yaml' '[2001:db8::1]:443' --binary '/usr/bin/it'\\''s'"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'connect', 'a.example$(x)', uint16 443, '/bin/x', '', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> \"a.example$(x)\":443 [connect] no"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'destination', 'fd00::1', uint16 80, '-', 'web', 'internal address', uint64 1, "
     "@a{sv} {})",
     "openshell: DENIED e7 process(4121) -> [fd00::1]:80 [destination, policy web] internal "
     "address; next: list the address in allowed_ips of that endpoint"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'destination', 'files.test', uint16 80, '/bin/x', '', 'internal address', uint64 "
     "1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> files.test:80 [destination] internal address; next: "
     "openshell-host explain '/p/my policy.yaml' files.test:80 --binary /bin/x"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'forward', 'files.test', uint16 443, '/bin/x', '', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> files.test:443 [forward] no; next: openshell-host explain "
     "'/p/my policy.yaml' http://files.test:443/ --binary /bin/x"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'connect', 'files.test', uint16 8443, '/bin/x', '', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> files.test:8443 [connect] no; next: openshell-host explain "
     "'/p/my policy.yaml' files.test:8443 --binary /bin/x"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'destination', '127.0.0.1', uint16 80, '-', 'web', 'always-blocked address', "
     "uint64 1, @a{sv} {})",
     "openshell: DENIED e7 process(4121) -> 127.0.0.1:80 [destination, policy web] always-blocked "
     "address; no policy can allow it"},
    {OSH_TOPIC_NETWORK_DENIED,
     "(uint64 1, 'connect', 'a\\u001b[2Jb', uint16 1, '/bin/e\\nvil', '', 'r', uint64 1, "
     "@a{sv} {})",
     "openshell: DENIED e7 \"e\\x0avil\"(4121) -> \"a\\x1b[2Jb\":1 [connect] r"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'rest', 'POST', '/repos/a', 'api.example.com', uint16 443, "
     "'/usr/bin/curl', 'web', 'POST /repos/a not permitted by policy', uint64 1, "
     "{'hint': <'ask an administrator'>})",
     "openshell: DENIED e7 curl(4121) -> api.example.com:443 POST /repos/a [rest, policy web] "
     "POST /repos/a not permitted by policy; next: ask an administrator"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'rest', 'POST', '/repos/a', 'api.example.com', uint16 443, "
     "'/usr/bin/curl', 'web', 'no', uint64 1, {'tls': <true>})",
     "openshell: DENIED e7 curl(4121) -> api.example.com:443 POST /repos/a [rest, policy web] no; "
     "next: openshell-host explain '/p/my policy.yaml' POST https://api.example.com:443/repos/a "
     "--binary /usr/bin/curl"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'rest', 'POST', '/a', 'a.example', uint16 8443, '/bin/x', "
     "'web', 'no', uint64 1, {'tls': <true>})",
     "openshell: DENIED e7 x(4121) -> a.example:8443 POST /a [rest, policy web] no; next: "
     "openshell-host explain '/p/my policy.yaml' POST https://a.example:8443/a --binary /bin/x"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'rest', 'POST', '/a', 'a.example', uint16 443, '/bin/x', "
     "'web', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> a.example:443 POST /a [rest, policy web] no; next: "
     "openshell-host explain '/p/my policy.yaml' POST http://a.example:443/a --binary /bin/x"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'rest', 'POST', '/a$(x)', 'a.example', uint16 80, '/bin/x', "
     "'web', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> a.example:80 POST \"/a$(x)\" [rest, policy web] no"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'policy', 'redis', 'SET', '/k', 'a.example', uint16 80, '/bin/x', "
     "'cache', 'no', uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> a.example:80 SET /k [redis, policy cache] no"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 2, 'protocol', 'rest', 'G\\u001b[2JT', '/\\u001b', 'a.example', uint16 80, "
     "'/bin/x', '', 'malformed\\u001b', uint64 1, {'ends-connection': <true>})",
     "openshell: DENIED e7 x(4121) -> a.example:80 \"G\\x1b[2JT\" \"/\\x1b\" [rest protocol] "
     "malformed\\x1b"},
    {OSH_TOPIC_L7_DENIED,
     "(uint64 1, uint64 0, 'audit', 'rest', '', '', 'a.example', uint16 80, '/bin/x', '', 'full', "
     "uint64 1, @a{sv} {})",
     "openshell: DENIED e7 x(4121) -> a.example:80 [rest audit] full"},
    {OSH_TOPIC_L7_ALLOWED,
     "(uint64 1, uint64 2, 'rest', 'GET', '/', 'a.example', uint16 80, '/bin/x', 'web', 'r', "
     "uint64 1, @a{sv} {})",
     NULL},
    {OSH_TOPIC_L7_ALLOWED,
     "(uint64 1, uint64 2, 'rest', 'PUT', '/a', 'a.example', uint16 80, '/bin/x', 'web', 'r', "
     "uint64 1, {'audited': <true>, 'reason': <'PUT /a not permitted by policy'>})",
     "openshell: AUDIT e7 x(4121) -> a.example:80 PUT /a [rest, policy web] would be refused: PUT "
     "/a not permitted by policy; next: openshell-host explain '/p/my policy.yaml' PUT "
     "http://a.example:80/a --binary /bin/x"},
    {OSH_TOPIC_L7_ALLOWED,
     "(uint64 1, uint64 2, 'rest', 'PUT', '/a', 'a.example', uint16 80, '/bin/x', 'web', 'r', "
     "uint64 1, {'audited': <true>, 'reason': <'no'>, 'tls': <true>})",
     "openshell: AUDIT e7 x(4121) -> a.example:80 PUT /a [rest, policy web] would be refused: no; "
     "next: openshell-host explain '/p/my policy.yaml' PUT https://a.example:80/a --binary "
     "/bin/x"},
    {OSH_TOPIC_NETWORK_FAILED,
     "(uint64 1, 'resolve', 'a.example', uint16 443, 'no such name', {'binary': <'/bin/x'>})",
     "openshell: FAILED e7 x(4121) -> a.example:443 [resolve] no such name (a failure, not a "
     "denial)"},
    {OSH_TOPIC_NETWORK_NOTICE,
     "(uint64 1, 'certificate-refused', 'a.example', uint16 443, '/bin/x', 'it does not trust us', "
     "{'hint': <'set X=/y'>})",
     "openshell: NOTICE e7 x(4121) -> a.example:443 [certificate-refused] it does not trust us; "
     "next: set X=/y"},
    {OSH_TOPIC_BOX_CLOSED, "(uint64 1, 'closed', @a{sv} {})", NULL},
    {OSH_TOPIC_BOX_CLOSED, "(uint64 1, 'closed', {'appeared-in-dependencies': <uint32 4>})", NULL},
    {OSH_TOPIC_BOX_CLOSED,
     "(uint64 1, 'closed', {'appeared': <['/w/.envrc', '/w/a\\n', '3', '4', '5', '6', '7', '8', "
     "'9']>, 'appeared-more': <uint32 2>, 'appeared-in-dependencies': <uint32 4>, "
     "'not-searched': <'7 folders with all below (/w/x\\u001b)'>})",
     "openshell: NOTICE auto-executed files made in the box: /w/.envrc, \"/w/a\\x0a\", "
     "3, "
     "4, "
     "5, 6, 7, 8 and 3 more; 4 of their kind in dependency folders; not searched: 7 folders with "
     "all below (/w/x\\x1b); read them before you use the folder"},
    {OSH_TOPIC_BOX_CLOSED,
     "(uint64 1, 'closed', {'not-searched': <'1 folder with all below (/w)'>})",
     "openshell: NOTICE not searched for auto-executed files: 1 folder with all below "
     "(/w)"},
    {OSH_TOPIC_PROCESS_VIOLATION, "(uint32 12, 'udp', 'UDP to 1.2.3.4:53', @a{sv} {})",
     "openshell: DENIED e7 process(12) [udp] UDP to 1.2.3.4:53"},
    {OSH_TOPIC_PLUGIN_FAULT, "('com.example.x', 'fatal', 'out of luck', @a{sv} {})",
     "openshell: plugin com.example.x: fatal fault: out of luck"},
    {OSH_TOPIC_NETWORK_OPENED, "(uint64 1, 'a', uint16 1, 'b', @a{sv} {})", NULL},
};

static void
publish_denial(OshBusPublisher *publisher, const char *host, guint64 pid)
{
    const OshEventNetworkDenied denied = {
        .connection = 1,
        .layer = "connect",
        .host = host,
        .port = 443,
        .binary = "/bin/x",
        .reason = "no",
        .generation = 1,
    };
    OshPublication publication = {.struct_size = sizeof(OshPublication),
                                  .topic = osh_bus_topic(publisher, OSH_TOPIC_NETWORK_DENIED),
                                  .process_key = pid,
                                  .payload = osh_event_network_denied_pack(&denied)};

    g_assert_cmpuint(osh_bus_publish(publisher, &publication), !=, 0);
}

static void
publish_message_denial(OshBusPublisher *publisher, const char *target, guint64 connection)
{
    const OshEventL7Denied denied = {
        .connection = connection,
        .message = connection,
        .layer = "policy",
        .protocol = "rest",
        .action = "POST",
        .target = target,
        .host = "a.example",
        .port = 443,
        .binary = "/bin/x",
        .policy = "web",
        .reason = "no",
        .generation = 1,
    };
    OshPublication publication = {.struct_size = sizeof(OshPublication),
                                  .topic = osh_bus_topic(publisher, OSH_TOPIC_L7_DENIED),
                                  .process_key = connection,
                                  .payload = osh_event_l7_denied_pack(&denied)};

    g_assert_cmpuint(osh_bus_publish(publisher, &publication), !=, 0);
}

static void
keep_line(const char *line, gpointer data)
{
    g_ptr_array_add(data, g_strdup(line));
}

static void
test_equal_denials_are_shown_once(void)
{
    static const char *const topics[] = {OSH_TOPIC_NETWORK_DENIED, NULL};
    g_autoptr(OshBus) bus = osh_bus_new(NULL, NULL, NULL);
    OshBusPublisher *publisher = osh_bus_publisher_new(bus, "network", topics, NULL);
    g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func(g_free);
    OshDenialLines *lines = osh_denial_lines_new(bus, keep_line, shown, NULL, FALSE);

    publish_denial(publisher, "a.example", 1);
    publish_denial(publisher, "a.example", 2);
    publish_denial(publisher, "b.example", 1);
    while (osh_denial_lines_count(lines) < 3)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(shown->len, ==, 2);
    g_assert_nonnull(strstr(shown->pdata[0], "a.example"));
    g_assert_nonnull(strstr(shown->pdata[1], "b.example"));
    osh_denial_lines_free(lines);
}

static void
test_equal_refused_messages_are_shown_once(void)
{
    static const char *const topics[] = {OSH_TOPIC_L7_DENIED, NULL};
    g_autoptr(OshBus) bus = osh_bus_new(NULL, NULL, NULL);
    OshBusPublisher *publisher = osh_bus_publisher_new(bus, "network", topics, NULL);
    g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func(g_free);
    OshDenialLines *lines = osh_denial_lines_new(bus, keep_line, shown, NULL, FALSE);

    publish_message_denial(publisher, "/one", 1);
    publish_message_denial(publisher, "/one", 2);
    publish_message_denial(publisher, "/two", 3);
    while (osh_denial_lines_count(lines) < 3)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(shown->len, ==, 2);
    g_assert_nonnull(strstr(shown->pdata[0], " POST /one "));
    g_assert_nonnull(strstr(shown->pdata[1], " POST /two "));
    osh_denial_lines_free(lines);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/host/denial-line/says-who-what-where-and-why/%zu", i);

        g_test_add_data_func(path, rows[i], test_line_says_who_what_where_and_why);
    }
    g_test_add_func("/host/denial-line/equal-denials-are-shown-once",
                    test_equal_denials_are_shown_once);
    g_test_add_func("/host/denial-line/equal-refused-messages-are-shown-once",
                    test_equal_refused_messages_are_shown_once);
    return g_test_run();
}
