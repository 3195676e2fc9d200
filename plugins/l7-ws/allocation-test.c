/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that has carried some messages allocates nothing for further ones. Counts calls of the
 * allocator, on the thread of the test; a sanitizer has an allocator of its own, so it is skipped
 * there.
 */
#include "ws-fixture.h"

#include <string.h>

#define WARM_UP  10
#define MESSAGES 1000

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
            if (actions[i].type == OSH_L7_PASS || actions[i].type == OSH_L7_DROP)
                bytes = (OshSpan){bytes.data + actions[i].length, bytes.length - actions[i].length};
            done += actions[i].type == OSH_L7_DONE;
        }
    }
    g_assert_cmpuint(bytes.length, ==, 0);
    return done;
}

/* A text, a compressed one, one in fragments, a binary message and a ping. */
static GString *
exchange(gboolean masked)
{
    static const char text[] = "a text that is not small, so that it is worth a reference or two";
    GString *bytes = g_string_new(NULL);
    g_autoptr(GByteArray) compressed = NULL;
    z_stream stream;

    ws_fixture_deflater(&stream);
    compressed = ws_fixture_deflate(&stream, text, sizeof text - 1);
    deflateEnd(&stream);
    ws_fixture_frame(bytes, TEXT, masked, text, sizeof text - 1);
    ws_fixture_frame(bytes, TEXT | RSV1, masked, (const char *)compressed->data, compressed->len);
    ws_fixture_frame(bytes, WS_TEXT, masked, text, 20);
    ws_fixture_frame(bytes, PING, masked, "p", 1);
    ws_fixture_frame(bytes, FIN | WS_CONTINUATION, masked, text + 20, 20);
    ws_fixture_frame(bytes, BINARY, masked, text, sizeof text - 1);
    ws_fixture_frame(bytes, BINARY | RSV1, masked, (const char *)compressed->data, compressed->len);
    return bytes;
}

static void
test_no_allocation(WsFixture *fixture, gconstpointer data)
{
    g_autoptr(GString) client = exchange(TRUE);
    g_autoptr(GString) server = exchange(FALSE);
    gpointer session;
    guint64 before = 0;
    guint done = 0;

    (void)data;
    fixture->extensions = "permessage-deflate";
    session = osh_l7_open(&fixture->opened, osh_l7_harness_connection(fixture->harness), NULL);
    if (!COUNTS) {
        g_test_skip("a sanitizer has an allocator of its own");
        osh_l7_close(&fixture->opened, session);
        return;
    }
    for (guint i = 0; i < WARM_UP + MESSAGES; i++) {
        if (i == WARM_UP)
            before = allocations;
        done += feed_all(&fixture->opened, session, OSH_CLIENT_TO_SERVER,
                         (OshSpan){client->str, client->len});
        feed_all(&fixture->opened, session, OSH_SERVER_TO_CLIENT,
                 (OshSpan){server->str, server->len});
    }
    g_assert_cmpuint(before, >, 0);
    g_assert_cmpuint(allocations - before, ==, 0);
    g_assert_cmpuint(done, ==, 5 * (WARM_UP + MESSAGES));
    osh_l7_close(&fixture->opened, session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/l7-ws/a-further-message-allocates-nothing", WsFixture, NULL, ws_fixture_set_up,
               test_no_allocation, ws_fixture_tear_down);
    return g_test_run();
}
