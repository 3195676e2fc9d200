/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getaddrinfo(3) and freeaddrinfo(3) in the place of the C library's, for programs that are linked
 * with this. Single-threaded: the fixture's worker works on the test's own thread.
 */
#include "fixture-resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

static const char *const *answer;
static guint n_lookups;
static char looked_up[256];

void
osh_fixture_resolve_to(const char *const *addresses)
{
    answer = addresses;
}

guint
osh_fixture_n_lookups(void)
{
    guint n = n_lookups;

    n_lookups = 0;
    return n;
}

const char *
osh_fixture_looked_up(void)
{
    return looked_up;
}

static struct addrinfo *
make_info(const char *text)
{
    struct addrinfo *info = g_new0(struct addrinfo, 1);
    struct sockaddr_in6 *v6 = g_new0(struct sockaddr_in6, 1);
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)v6;

    info->ai_socktype = SOCK_STREAM;
    info->ai_addr = (struct sockaddr *)(void *)v6;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        info->ai_family = v4->sin_family = AF_INET;
        info->ai_addrlen = sizeof *v4;
    } else {
        g_assert_cmpint(inet_pton(AF_INET6, text, &v6->sin6_addr), ==, 1);
        info->ai_family = v6->sin6_family = AF_INET6;
        info->ai_addrlen = sizeof *v6;
    }
    return info;
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **ret_info)
{
    struct addrinfo **next = ret_info;

    g_assert_null(service);
    g_assert_cmpint(hints->ai_socktype, ==, SOCK_STREAM);
    g_strlcpy(looked_up, name, sizeof looked_up);
    n_lookups++;
    if (answer == NULL)
        return EAI_NONAME;
    for (const char *const *text = answer; *text != NULL; text++) {
        /* A family that a request does not ask for is not answered. */
        struct addrinfo *info = make_info(*text);

        if (hints->ai_family != AF_UNSPEC && hints->ai_family != info->ai_family) {
            freeaddrinfo(info);
            continue;
        }
        *next = info;
        next = &info->ai_next;
    }
    return next == ret_info ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;

        g_free(info->ai_addr);
        g_free(info);
        info = next;
    }
}
