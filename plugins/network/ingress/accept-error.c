/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accept-error.c: which failures of accept(2) pass, and how long to pause before the next attempt.
 * Pure; [any].
 */
#include "accept-error.h"

#include <errno.h>

#define PAUSE_SHORTEST (100 * G_TIME_SPAN_MILLISECOND)
#define PAUSE_LONGEST  (5 * G_TIME_SPAN_SECOND)

OshAcceptClass
osh_accept_classify(int error_number)
{
    switch (error_number) {
    case EAGAIN:
        return OSH_ACCEPT_EMPTY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSR:
        return OSH_ACCEPT_RESOURCE;
    case ECONNABORTED:
    case ECONNRESET:
    case EINTR:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ESOCKTNOSUPPORT:
    case EPROTONOSUPPORT:
    case ETIMEDOUT:
    case ENONET:
        return OSH_ACCEPT_TRANSIENT;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
        return OSH_ACCEPT_TERMINAL;
    default:
        return OSH_ACCEPT_UNKNOWN;
    }
}

gint64
osh_accept_backoff(OshAcceptClass class, guint n)
{
    if (class == OSH_ACCEPT_TRANSIENT || n <= 1)
        return PAUSE_SHORTEST;
    return MIN(PAUSE_SHORTEST << MIN(n - 1, 7u), PAUSE_LONGEST);
}
