/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes of a shard: empty when handed out, bounded in size and number, and given back. */
#include "pipe-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LARGE 65537 /* more than a pipe has that nobody enlarged */

static void
test_an_empty_pipe_is_used_again(void)
{
    OshPipePool *pool = osh_pipe_pool_new(1);
    OshPipe *first = osh_pipe_pool_acquire(pool);
    int read_fd = first->read_fd;
    OshPipe *second;

    osh_pipe_release(first);
    second = osh_pipe_pool_acquire(pool);
    g_assert_true(second == first);
    g_assert_cmpint(second->read_fd, ==, read_fd);
    g_assert_cmpuint(second->queued, ==, 0);
    osh_pipe_release(second);
    osh_pipe_pool_free(pool);
}

static void
test_bytes_of_one_connection_never_reach_another(void)
{
    OshPipePool *pool = osh_pipe_pool_new(1);
    OshPipe *first = osh_pipe_pool_acquire(pool);
    int write_fd = first->write_fd;
    char byte;

    g_assert_cmpint(write(first->write_fd, "secret", 6), ==, 6);
    first->queued = 6;
    osh_pipe_release(first);
    g_assert_cmpint(fcntl(write_fd, F_GETFD), ==, -1);
    for (guint i = 0; i < 3; i++) {
        OshPipe *pipe = osh_pipe_pool_acquire(pool);

        g_assert_cmpint(read(pipe->read_fd, &byte, 1), ==, -1);
        g_assert_cmpint(errno, ==, EAGAIN);
        osh_pipe_release(pipe);
    }
    osh_pipe_pool_free(pool);
}

static void
test_large_pipes_are_bounded_and_given_back(void)
{
    OshPipePool *pool = osh_pipe_pool_new(2);
    OshPipe *pipes[4];
    guint n_large = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(pipes); i++) {
        pipes[i] = osh_pipe_pool_acquire(pool);
        g_assert_cmpint(fcntl(pipes[i]->write_fd, F_GETPIPE_SZ), ==, pipes[i]->capacity);
        n_large += pipes[i]->capacity >= LARGE;
    }
    g_assert_cmpuint(n_large, ==, 2);
    g_assert_cmpuint(pipes[0]->capacity, >=, LARGE);
    /* One that is closed makes room for another one. */
    pipes[0]->queued = 1;
    osh_pipe_release(pipes[0]);
    pipes[0] = osh_pipe_pool_acquire(pool);
    g_assert_cmpuint(pipes[0]->capacity, >=, LARGE);
    for (gsize i = 0; i < G_N_ELEMENTS(pipes); i++)
        osh_pipe_release(pipes[i]);
    osh_pipe_pool_free(pool);
}

static guint
count_open(int *fds, guint n)
{
    guint open = 0;

    for (guint i = 0; i < n; i++)
        open += fcntl(fds[i], F_GETFD) >= 0;
    return open;
}

static void
test_few_idle_pipes_are_kept(void)
{
    OshPipePool *pool = osh_pipe_pool_new(0);
    OshPipe *pipes[40];
    int fds[40];

    for (gsize i = 0; i < G_N_ELEMENTS(pipes); i++) {
        pipes[i] = osh_pipe_pool_acquire(pool);
        fds[i] = pipes[i]->read_fd;
        g_assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        g_assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(pipes); i++)
        osh_pipe_release(pipes[i]);
    g_assert_cmpuint(count_open(fds, G_N_ELEMENTS(fds)), ==, 16);
    /* Those are all used before another one is made. */
    for (guint i = 0; i < 16; i++)
        pipes[i] = osh_pipe_pool_acquire(pool);
    g_assert_cmpuint(count_open(fds, G_N_ELEMENTS(fds)), ==, 16);
    for (guint i = 0; i < 16; i++)
        osh_pipe_release(pipes[i]);
    g_assert_cmpuint(count_open(fds, G_N_ELEMENTS(fds)), ==, 16);
    osh_pipe_pool_free(pool);
    g_assert_cmpuint(count_open(fds, G_N_ELEMENTS(fds)), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/pipe-pool/an-empty-pipe-is-used-again",
                    test_an_empty_pipe_is_used_again);
    g_test_add_func("/network/pipe-pool/bytes-of-one-connection-never-reach-another",
                    test_bytes_of_one_connection_never_reach_another);
    g_test_add_func("/network/pipe-pool/large-pipes-are-bounded-and-given-back",
                    test_large_pipes_are_bounded_and_given_back);
    g_test_add_func("/network/pipe-pool/few-idle-pipes-are-kept", test_few_idle_pipes_are_kept);
    return g_test_run();
}
