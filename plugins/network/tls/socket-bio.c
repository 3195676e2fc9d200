/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket-bio.c: OpenSSL's view of a session's socket. It belongs to the shard of the session. It
 * must never block, and never close the socket.
 */
#include "socket-bio.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Returns: what BIO_read_ex(3) returns, with the error kept in the session. */
static int
outcome(BIO *bio, OshTlsSession *session, gssize n, int retry, size_t *ret_length)
{
    if (n > 0) {
        *ret_length = (size_t)n;
        return 1;
    }
    *ret_length = 0;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    else if (n < 0)
        session->socket_error = errno;
    return 0;
}

static int
socket_read(BIO *bio, char *buffer, size_t size, size_t *ret_length)
{
    OshTlsSession *session = BIO_get_data(bio);
    gssize n;

    BIO_clear_retry_flags(bio);
    if (session->prefix_at < session->prefix_length) {
        *ret_length = MIN(size, session->prefix_length - session->prefix_at);
        memcpy(buffer, session->prefix + session->prefix_at, *ret_length);
        session->prefix_at += *ret_length;
        return 1;
    }
    do
        n = recv(session->fd, buffer, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        session->socket_ended = TRUE;
    return outcome(bio, session, n, BIO_FLAGS_READ, ret_length);
}

static int
socket_write(BIO *bio, const char *bytes, size_t length, size_t *ret_length)
{
    OshTlsSession *session = BIO_get_data(bio);
    gssize n;

    BIO_clear_retry_flags(bio);
    do
        n = send(session->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return outcome(bio, session, n, BIO_FLAGS_WRITE, ret_length);
}

static long
socket_control(BIO *bio, int command, long number, void *pointer)
{
    const OshTlsSession *session = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return session->socket_ended;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
osh_socket_bio_method(void)
{
    int number = BIO_get_new_index();
    BIO_METHOD *method =
        number < 0 ? NULL : BIO_meth_new(number | BIO_TYPE_SOURCE_SINK, "socket of a session");

    if (method != NULL) {
        BIO_meth_set_read_ex(method, socket_read);
        BIO_meth_set_write_ex(method, socket_write);
        BIO_meth_set_ctrl(method, socket_control);
    }
    return method;
}

BIO *
osh_socket_bio_new(const BIO_METHOD *method, OshTlsSession *session)
{
    BIO *bio = BIO_new(method);

    if (bio != NULL) {
        BIO_set_data(bio, session);
        BIO_set_init(bio, 1);
    }
    return bio;
}
