/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients and servers of the network's unit tests: real sockets, used while the shard is turned
 * between two calls. Every wait has a limit.
 */
#include "network-fixture.h"

#include "osh-destination.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG  128
#define FILLERS  8
#define PATIENCE (6 * G_TIME_SPAN_SECOND)

struct in6_addr
osh_fixture_address(const char *text)
{
    struct in6_addr address;

    g_assert_true(osh_address_mapped_parse(text, &address));
    return address;
}

static socklen_t
socket_address(const char *text, guint16 port, struct sockaddr_storage *ret_address)
{
    const struct in6_addr address = osh_fixture_address(text);
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret_address;

    memset(ret_address, 0, sizeof *ret_address);
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
        v4->sin_family = AF_INET;
        v4->sin_port = g_htons(port);
        memcpy(&v4->sin_addr, &address.s6_addr[12], 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = g_htons(port);
    v6->sin6_addr = address;
    return sizeof *v6;
}

static int
listening_socket(const char *text, guint16 port, int backlog)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(text, port, &address);
    const int on = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_assert_cmpint(fd, >=, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)(void *)&address, length) != 0)
        g_error("cannot bind %s (does this run in tests/e2e/outer-world?): %s", text,
                g_strerror(errno));
    g_assert_cmpint(listen(fd, backlog), ==, 0);
    return fd;
}

int
osh_fixture_serve_at(const char *address, guint16 port)
{
    return listening_socket(address, port, BACKLOG);
}

int
osh_fixture_serve(const char *text, guint16 *ret_port)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = listening_socket(text, 0, BACKLOG);

    g_assert_cmpint(getsockname(fd, (struct sockaddr *)(void *)&address, &length), ==, 0);
    /* The port stands at the same place in both families. */
    *ret_port = g_ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
    return fd;
}

int *
osh_fixture_fill(const char *text, guint16 port)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(text, port, &address);
    int *fillers = g_new(int, FILLERS + 2);
    guint n = 0;

    /* A queue of length 0 holds one connection; what comes to a full one is dropped. */
    fillers[n++] = listening_socket(text, port, 0);
    while (n < FILLERS) {
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        connect(fd, (struct sockaddr *)(void *)&address, length);
        fillers[n++] = fd;
    }
    fillers[n] = -1;
    return fillers;
}

void
osh_fixture_unfill(int *fillers)
{
    for (int *fd = fillers; *fd >= 0; fd++)
        close(*fd);
    g_free(fillers);
}

gboolean
osh_fixture_pending(int server)
{
    struct pollfd wait = {.fd = server, .events = POLLIN};

    return poll(&wait, 1, 0) > 0;
}

int
osh_fixture_accept(OshFixture *fixture, int server)
{
    OSH_WAIT_FOR(fixture, osh_fixture_pending(server));
    return accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int
osh_fixture_client(OshFixture *fixture)
{
    struct sockaddr_storage address;
    socklen_t length = socket_address(OSH_FIXTURE_ADDRESS, fixture->port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(connect(fd, (struct sockaddr *)(void *)&address, length), ==, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

void
osh_fixture_send(int fd, const char *text)
{
    g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==, strlen(text));
}

int
osh_fixture_connect(OshFixture *fixture, const char *address, guint16 port)
{
    g_autofree char *head =
        g_strdup_printf(strchr(address, ':') != NULL ? "CONNECT [%s]:%u HTTP/1.1\r\n\r\n"
                                                     : "CONNECT %s:%u HTTP/1.1\r\n\r\n",
                        address, port);
    int client = osh_fixture_client(fixture);

    osh_fixture_send(client, head);
    return client;
}

int
osh_fixture_tunnel(OshFixture *fixture, const char *address, guint16 port, int server,
                   int *ret_upstream)
{
    int client = osh_fixture_connect(fixture, address, port);

    *ret_upstream = osh_fixture_accept(fixture, server);
    osh_fixture_expect(fixture, client, "HTTP/1.1 200 Connection Established\r\n\r\n");
    return client;
}

void
osh_fixture_expect(OshFixture *fixture, int fd, const char *text)
{
    gint64 limit = g_get_monotonic_time() + PATIENCE;
    gsize length = strlen(text);
    g_autofree char *got = g_malloc0(length + 1);
    gsize have = 0;

    while (have < length) {
        ssize_t n = recv(fd, got + have, length - have, MSG_DONTWAIT);

        if (n > 0)
            have += (gsize)n;
        else if (n == 0 || errno != EAGAIN || g_get_monotonic_time() > limit)
            break;
        else
            osh_fixture_turn(fixture, 5);
    }
    g_assert_cmpstr(got, ==, text);
}

char *
osh_fixture_read_all(OshFixture *fixture, int fd, int *ret_error)
{
    gint64 limit = g_get_monotonic_time() + PATIENCE;
    g_autoptr(GString) got = g_string_new(NULL);
    char bytes[16384];

    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

        if (n > 0) {
            g_string_append_len(got, bytes, n);
        } else if (n == 0 || errno != EAGAIN) {
            *ret_error = n == 0 ? 0 : errno;
            return g_string_free(g_steal_pointer(&got), FALSE);
        } else if (g_get_monotonic_time() > limit) {
            g_error("the connection does not end; so far there was \"%s\"", got->str);
        } else {
            osh_fixture_turn(fixture, 5);
        }
    }
}

void
osh_fixture_expect_end(OshFixture *fixture, int fd)
{
    int error_number;
    g_autofree char *rest = osh_fixture_read_all(fixture, fd, &error_number);

    g_assert_cmpstr(rest, ==, "");
    g_assert_cmpint(error_number, ==, 0);
}

void
osh_fixture_expect_reset(OshFixture *fixture, int fd)
{
    int error_number;
    g_autofree char *rest = osh_fixture_read_all(fixture, fd, &error_number);

    g_assert_cmpstr(rest, ==, "");
    g_assert_cmpint(error_number, ==, ECONNRESET);
}

void
osh_fixture_expect_status(OshFixture *fixture, int fd, const char *status)
{
    int error_number;
    g_autofree char *answer = osh_fixture_read_all(fixture, fd, &error_number);
    g_autofree char *first = g_strdup_printf("HTTP/1.1 %s ", status);
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: ");

    g_test_message("%s", answer);
    g_assert_true(g_str_has_prefix(answer, first));
    g_assert_nonnull(body);
    g_assert_nonnull(length);
    g_assert_cmpuint(g_ascii_strtoull(length + strlen("Content-Length: "), NULL, 10), ==,
                     strlen(body + 4));
    g_assert_cmpint(error_number, ==, 0);
    close(fd);
}

void
osh_fixture_reset(int fd)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}
