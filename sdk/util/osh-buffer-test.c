/* SPDX-License-Identifier: Apache-2.0 */
/* osh-buffer-test.c: what a shard may rely on about its buffer pool. */
#include "osh-buffer.h"

#include <string.h>

static void
append(OshBuffer *buffer, const char *text)
{
    gsize room;
    guint8 *tail = osh_buffer_tail(buffer, &room);

    g_assert_cmpuint(room, >=, strlen(text));
    memcpy(tail, text, strlen(text));
    osh_buffer_commit(buffer, strlen(text));
}

static void
assert_window(OshBuffer *buffer, const char *expected)
{
    gsize size;
    const guint8 *window = osh_buffer_window(buffer, &size);

    g_assert_cmpmem(window, size, expected, strlen(expected));
}

static void
test_limit(void)
{
    g_autoptr(OshBufferPool) pool = osh_buffer_pool_new(16, 2, 2);
    OshBuffer *first = osh_buffer_pool_acquire(pool);
    OshBuffer *second = osh_buffer_pool_acquire(pool);

    g_assert_nonnull(first);
    g_assert_nonnull(second);
    g_assert_true(first != second);
    g_assert_null(osh_buffer_pool_acquire(pool));
    osh_buffer_release(first);
    first = osh_buffer_pool_acquire(pool);
    g_assert_nonnull(first);
    osh_buffer_release(first);
    osh_buffer_release(second);
    g_assert_cmpuint(osh_buffer_pool_in_use(pool), ==, 0);
}

static void
test_reuse(void)
{
    g_autoptr(OshBufferPool) pool = osh_buffer_pool_new(16, 8, 1);
    OshBuffer *first = osh_buffer_pool_acquire(pool);
    OshBuffer *second = osh_buffer_pool_acquire(pool);

    append(first, "old bytes");
    osh_buffer_release(first);
    osh_buffer_release(second);
    g_assert_cmpuint(osh_buffer_pool_idle(pool), ==, 1);
    second = osh_buffer_pool_acquire(pool);
    g_assert_true(second == first);
    g_assert_cmpuint(osh_buffer_pool_idle(pool), ==, 0);
    assert_window(second, "");
    osh_buffer_release(second);
    osh_buffer_pool_trim(pool);
    g_assert_cmpuint(osh_buffer_pool_idle(pool), ==, 0);
}

static void
test_window(void)
{
    g_autoptr(OshBufferPool) pool = osh_buffer_pool_new(8, 1, 1);
    OshBuffer *buffer = osh_buffer_pool_acquire(pool);
    gsize room;

    append(buffer, "abcdefgh");
    osh_buffer_tail(buffer, &room);
    g_assert_cmpuint(room, ==, 0);
    osh_buffer_consume(buffer, 5);
    assert_window(buffer, "fgh");
    append(buffer, "ijklm");
    assert_window(buffer, "fghijklm");
    osh_buffer_consume(buffer, 8);
    assert_window(buffer, "");
    osh_buffer_tail(buffer, &room);
    g_assert_cmpuint(room, ==, 8);
    osh_buffer_release(buffer);
}

/* Bytes are moved only where nothing else makes room, since a caller may look at them. */
static void
test_window_stays(void)
{
    g_autoptr(OshBufferPool) pool = osh_buffer_pool_new(8, 1, 1);
    OshBuffer *buffer = osh_buffer_pool_acquire(pool);
    const guint8 *before;
    gsize size;
    gsize room;

    append(buffer, "abcdef");
    osh_buffer_consume(buffer, 2);
    before = osh_buffer_window(buffer, &size);
    osh_buffer_tail(buffer, &room);
    g_assert_cmpuint(room, ==, 2);
    g_assert_true(osh_buffer_window(buffer, &size) == before);
    osh_buffer_consume(buffer, 4);
    osh_buffer_tail(buffer, &room);
    g_assert_cmpuint(room, ==, 8);
    osh_buffer_release(buffer);
}

static void
test_wiped(void)
{
    g_autoptr(OshBufferPool) pool = osh_buffer_pool_new(16, 1, 1);
    OshBuffer *buffer = osh_buffer_pool_acquire(pool);

    append(buffer, "hunter2");
    osh_buffer_consume(buffer, 7);
    osh_buffer_release_wiped(buffer);
    buffer = osh_buffer_pool_acquire(pool);
    for (gsize i = 0; i < buffer->capacity; i++)
        g_assert_cmpuint(buffer->bytes[i], ==, 0);
    osh_buffer_release(buffer);
}

static void
test_leak(void)
{
    if (g_test_subprocess()) {
        OshBufferPool *pool = osh_buffer_pool_new(16, 1, 1);

        osh_buffer_pool_acquire(pool);
        osh_buffer_pool_free(pool);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*1 of its buffers are in use*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/buffer/never more than the limit in use", test_limit);
    g_test_add_func("/buffer/a released buffer is reused and starts empty", test_reuse);
    g_test_add_func("/buffer/the window stays contiguous while it moves", test_window);
    g_test_add_func("/buffer/the window stays while there is room behind it", test_window_stays);
    g_test_add_func("/buffer/a wiped buffer keeps no byte", test_wiped);
    g_test_add_func("/buffer/freeing a pool in use aborts", test_leak);
    return g_test_run();
}
