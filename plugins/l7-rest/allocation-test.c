/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that has served some requests allocates nothing for further ones. Counts calls of the
 * allocator, on the thread of the test; a sanitizer has an allocator of its own, so it is skipped
 * there.
 */
#include "rest-fixture.h"

#include <string.h>

#define WARM_UP  10
#define REQUESTS 1000

static guint64 allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS 1
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
/* Exported, or GLib would go on calling libc's own. */
__attribute__((visibility("default"))) void *malloc(size_t size);
__attribute__((visibility("default"))) void *calloc(size_t count, size_t size);
__attribute__((visibility("default"))) void *realloc(void *old, size_t size);

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#else
#define COUNTS 0
#endif

/* Feeds @bytes until all of them are released. Returns: how many messages were done. */
static guint
feed_all(const OshInterface *protocol, gpointer session, OshDirection direction, OshSpan bytes)
{
    const OshL7Answer allow = {.struct_size = sizeof allow, .action = OSH_ACTION_ALLOW};
    guint done = 0;

    for (gboolean acted = TRUE; acted;) {
        const OshL7Input input = {.struct_size = sizeof input,
                                  .direction = direction,
                                  .now = 1,
                                  .window = bytes,
                                  .capacity = {1 << 16, 1 << 16}};
        OshL7Action actions[16];
        gint64 deadline;
        gsize n = osh_l7_feed(protocol, session, &input, actions, G_N_ELEMENTS(actions), &deadline);

        acted = FALSE;
        for (gsize i = 0; i < n; i++) {
            acted |= actions[i].type != OSH_L7_MORE;
            if (actions[i].type == OSH_L7_ASK)
                osh_l7_resume(protocol, session, 1, actions[i].message, &allow);
            if (actions[i].type == OSH_L7_PASS || actions[i].type == OSH_L7_REPLACE)
                bytes = (OshSpan){bytes.data + actions[i].length, bytes.length - actions[i].length};
            done += actions[i].type == OSH_L7_DONE;
        }
    }
    g_assert_cmpuint(bytes.length, ==, 0);
    return done;
}

static void
test_no_allocation(RestFixture *fixture, gconstpointer data)
{
    static const char request[] = "PUT /a/%7e/../b?one=1&two=%41&one=2 HTTP/1.1\r\n"
                                  "Host: api.test\r\nConnection: keep-alive, x-own\r\nX-Own: 1\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n";
    static const char response[] = "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n"
                                   "Connection: keep-alive, x-own\r\nX-Own: 1\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    gpointer session =
        osh_l7_open(&fixture->protocol, osh_l7_harness_connection(fixture->harness), NULL);
    guint64 before = 0;
    guint done = 0;

    (void)data;
    if (!COUNTS) {
        g_test_skip("a sanitizer has an allocator of its own");
        osh_l7_close(&fixture->protocol, session);
        return;
    }
    for (guint i = 0; i < WARM_UP + REQUESTS; i++) {
        if (i == WARM_UP)
            before = allocations;
        feed_all(&fixture->protocol, session, OSH_CLIENT_TO_SERVER, osh_span(request));
        done += feed_all(&fixture->protocol, session, OSH_SERVER_TO_CLIENT, osh_span(response));
    }
    g_assert_cmpuint(before, >, 0);
    g_assert_cmpuint(allocations - before, ==, 0);
    g_assert_cmpuint(done, ==, WARM_UP + REQUESTS);
    osh_l7_close(&fixture->protocol, session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/l7-rest/a-further-request-allocates-nothing", RestFixture, NULL,
               rest_fixture_set_up, test_no_allocation, rest_fixture_tear_down);
    return g_test_run();
}
