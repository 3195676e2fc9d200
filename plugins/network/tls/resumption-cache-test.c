/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with upstreams: how many are kept, for how long, and which one is taken. */
#include "resumption-cache.h"

#define NOW 1000000

/* Returns: (transfer full): a session that can be resumed, made at @made. */
static SSL_SESSION *
session_new(int version, long made)
{
    SSL_SESSION *session = SSL_SESSION_new();

    g_assert_cmpint(SSL_SESSION_set_protocol_version(session, version), ==, 1);
    g_assert_cmpint(SSL_SESSION_set1_id(session, (const guint8 *)"id", 2), ==, 1);
    SSL_SESSION_set_time(session, made);
    SSL_SESSION_set_timeout(session, 1000000);
    return session;
}

static void
put(OshResumptionCache *cache, const char *key, int version, long made)
{
    osh_resumption_cache_put(cache, key, session_new(version, made));
}

/* Returns: when the session that is taken was made; 0 for none. */
static long
take(OshResumptionCache *cache, const char *key)
{
    SSL_SESSION *session = osh_resumption_cache_take(cache, key, NOW);
    long made = session != NULL ? SSL_SESSION_get_time(session) : 0;

    SSL_SESSION_free(session);
    return made;
}

static void
test_tickets(void)
{
    g_autoptr(OshResumptionCache) cache = osh_resumption_cache_new(8);

    for (long i = 1; i <= OSH_RESUMPTION_TICKETS + 2; i++)
        put(cache, "a", TLS1_3_VERSION, NOW - 100 + i);
    for (long i = OSH_RESUMPTION_TICKETS + 2; i > 2; i--)
        g_assert_cmpint(take(cache, "a"), ==, NOW - 100 + i);
    g_assert_cmpint(take(cache, "a"), ==, 0);
    g_assert_cmpuint(osh_resumption_cache_size(cache), ==, 0);
}

static void
test_sessions_of_1_2(void)
{
    g_autoptr(OshResumptionCache) cache = osh_resumption_cache_new(8);

    put(cache, "a", TLS1_2_VERSION, NOW - 2);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(take(cache, "a"), ==, NOW - 2);
    put(cache, "a", TLS1_2_VERSION, NOW - 1);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(take(cache, "a"), ==, NOW - 1);
    g_assert_cmpint(take(cache, "b"), ==, 0);
}

static void
test_the_least_recently_used_goes(void)
{
    g_autoptr(OshResumptionCache) cache = osh_resumption_cache_new(2);

    put(cache, "a", TLS1_2_VERSION, NOW - 1);
    put(cache, "b", TLS1_2_VERSION, NOW - 1);
    g_assert_cmpint(take(cache, "a"), !=, 0);
    put(cache, "c", TLS1_2_VERSION, NOW - 1);
    g_assert_cmpuint(osh_resumption_cache_size(cache), ==, 2);
    g_assert_cmpint(take(cache, "b"), ==, 0);
    g_assert_cmpint(take(cache, "a"), !=, 0);
    g_assert_cmpint(take(cache, "c"), !=, 0);
}

static void
test_age(void)
{
    g_autoptr(OshResumptionCache) cache = osh_resumption_cache_new(2);
    SSL_SESSION *brief = session_new(TLS1_3_VERSION, NOW - 100);

    put(cache, "a", TLS1_3_VERSION, NOW - OSH_RESUMPTION_SECONDS + 1);
    g_assert_cmpint(take(cache, "a"), !=, 0);
    put(cache, "a", TLS1_3_VERSION, NOW - OSH_RESUMPTION_SECONDS);
    g_assert_cmpint(take(cache, "a"), ==, 0);
    g_assert_cmpuint(osh_resumption_cache_size(cache), ==, 0);
    /* What the upstream says counts when it is less. */
    SSL_SESSION_set_timeout(brief, 60);
    osh_resumption_cache_put(cache, "a", brief);
    g_assert_cmpint(take(cache, "a"), ==, 0);
}

static void
test_what_cannot_be_resumed(void)
{
    g_autoptr(OshResumptionCache) cache = osh_resumption_cache_new(2);

    osh_resumption_cache_put(cache, "a", SSL_SESSION_new());
    g_assert_cmpuint(osh_resumption_cache_size(cache), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/network/resumption/tickets are taken once, the latest first, and few are kept",
        test_tickets);
    g_test_add_func("/network/resumption/a session of TLS 1.2 stays", test_sessions_of_1_2);
    g_test_add_func("/network/resumption/the least recently used upstream is given up",
                    test_the_least_recently_used_goes);
    g_test_add_func("/network/resumption/an old session is not resumed", test_age);
    g_test_add_func("/network/resumption/what cannot be resumed is not kept",
                    test_what_cannot_be_resumed);
    return g_test_run();
}
