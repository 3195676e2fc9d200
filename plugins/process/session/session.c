/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c: the attached clients, the one of them that types, and what each has seen.
 *
 * [main]. An attached client cannot hold up the program: each reads from the log at a pace of its
 * own, and one that falls out of it is told how much is missing and disconnected. One client at a
 * time types: the run's own standard input while it can, else the first that asks. A client's end,
 * however it comes, frees that place. All that a client sends is untrusted: bounded, checked, and
 * never an answer to another client. A client must never close the program's input, nor end it.
 */
#include "session.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "detach-keys.h"
#include "drop-source.h"
#include "openshell/session.h"
#include "session-log.h"
#include "session-peer.h"
#include "session-socket.h"

#define LOG_BYTES       (1024 * 1024)
#define MAX_ATTACHMENTS 16
#define MAX_WAITING     64
#define DRAIN_SECONDS   2
/* Lines that wait for the screen; of more the last ones are kept. */
#define NOTES      0 /* as a stream of the log, where 1 and 2 are the program's */
#define MAX_LINES  64
#define LINE_BYTES 4096
#define LOOK_MS    200

typedef struct {
    OshSession *session;
    int fd;
    GSource *source;
    gboolean greeted;
    gboolean read_only;
    gboolean told_read_only; /* because another client types */
    guint64 next;            /* piece of the log */
    OshDetachKeys keys;
} Attachment;

struct _OshSession {
    int listener;
    char *path;
    GSource *accept_source;
    OshSessionLog *log;
    GPtrArray *attachments;
    Attachment *typist; /* (nullable) */
    GQueue waiting;     /* GBytes of the typist that the program cannot take yet */
    gsize waiting_offset;
    GQueue lines; /* char *: what the host has said while the program had the screen */
    GSource *look_source;
    pid_t init_pid;
    gboolean begun;
    OshSessionProgram program;
    gboolean exited;
    OshSessionExit exit;
    GSource *drain_source;
    void (*done)(gpointer data);
    gpointer done_data;
};

static void attachment_arrange(Attachment *attachment);

static GSource *
watch(int fd, GIOCondition condition, GUnixFDSourceFunc function, gpointer data)
{
    GSource *source = g_unix_fd_source_new(fd, condition);

    g_source_set_callback(source, G_SOURCE_FUNC(function), data, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}

/* Returns: %FALSE when the socket takes nothing now; that a client is gone is seen by reading. */
static gboolean
send_message(Attachment *attachment, OshSessionMessage type, const void *head, gsize head_length,
             const void *bytes, gsize length)
{
    char first = (char)type;
    struct iovec parts[] = {{.iov_base = &first, .iov_len = 1},
                            {.iov_base = (void *)head, .iov_len = head_length},
                            {.iov_base = (void *)bytes, .iov_len = length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};

    return sendmsg(attachment->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

static gboolean
send_note(Attachment *attachment, const char *text)
{
    return send_message(attachment, OSH_SESSION_NOTE, NULL, 0, text, strlen(text));
}

static void
stop_typing(Attachment *attachment)
{
    OshSession *session = attachment->session;

    if (session->typist != attachment)
        return;
    session->typist = NULL;
    g_queue_clear_full(&session->waiting, (GDestroyNotify)g_bytes_unref);
    session->waiting_offset = 0;
}

/*
 * Messages that are left unread at the close are a reset to the other end, which it would meet
 * before the last words that it was sent.
 */
static void
close_in_order(int fd)
{
    char byte;

    shutdown(fd, SHUT_RD);
    while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0)
        ;
    close(fd);
}

static void
attachment_free(gpointer data)
{
    Attachment *attachment = data;

    stop_typing(attachment);
    osh_drop_source(&attachment->source);
    close_in_order(attachment->fd);
    g_free(attachment);
}

static void
finish_if_drained(OshSession *session)
{
    void (*done)(gpointer data) = session->done;

    if (done == NULL || session->attachments->len > 0)
        return;
    session->done = NULL;
    osh_drop_source(&session->drain_source);
    done(session->done_data);
}

/* The last use of @attachment. */
static void
let_go(Attachment *attachment)
{
    OshSession *session = attachment->session;

    g_ptr_array_remove_fast(session->attachments, attachment);
    finish_if_drained(session);
}

/* --- What the program wrote --------------------------------------------------------------------
 */

/* Once it has read what it was sent. Returns: %FALSE when the attachment is gone */
static gboolean
tell_what_is_missing(Attachment *attachment, guint64 first)
{
    g_autofree char *text = g_strdup_printf(
        "openshell: %" G_GUINT64_FORMAT " pieces of output came too fast and are skipped; attach "
        "again to go on",
        first - attachment->next);

    if (!send_note(attachment, text))
        return TRUE;
    let_go(attachment);
    return FALSE;
}

/* Sends as much as the socket takes. Returns: %FALSE when the attachment is gone */
static gboolean
send_output(Attachment *attachment)
{
    OshSession *session = attachment->session;
    guint64 first = osh_session_log_first(session->log);

    if (!attachment->greeted)
        return TRUE;
    if (attachment->next < first)
        return tell_what_is_missing(attachment, first);
    while (attachment->next < osh_session_log_next(session->log)) {
        guint stream;
        gsize length;
        const char *bytes = osh_session_log_get(session->log, attachment->next, &stream, &length);
        char head = (char)stream;
        gboolean sent = stream == NOTES
                            ? send_message(attachment, OSH_SESSION_NOTE, NULL, 0, bytes, length)
                            : send_message(attachment, OSH_SESSION_OUTPUT, &head, 1, bytes, length);

        if (!sent)
            return TRUE;
        attachment->next++;
    }
    if (!session->exited)
        return TRUE;
    if (!send_message(attachment, OSH_SESSION_EXITED, &session->exit, sizeof session->exit, NULL,
                      0))
        return TRUE;
    let_go(attachment);
    return FALSE;
}

static void
send_to_all(OshSession *session)
{
    /* Backwards: one that is disconnected is replaced by the last one. */
    for (guint i = session->attachments->len; i-- > 0;) {
        Attachment *attachment = g_ptr_array_index(session->attachments, i);

        if (send_output(attachment))
            attachment_arrange(attachment);
    }
}

void
osh_session_output(OshSession *session, guint stream, const char *bytes, gsize length)
{
    while (length > 0) {
        gsize piece = MIN(length, OSH_SESSION_MAX_MESSAGE - 2);

        osh_session_log_append(session->log, stream, bytes, piece);
        bytes += piece;
        length -= piece;
    }
    send_to_all(session);
}

void
osh_session_note(OshSession *session, const char *text)
{
    for (guint i = 0; i < session->attachments->len; i++) {
        Attachment *attachment = g_ptr_array_index(session->attachments, i);

        if (attachment->greeted)
            send_note(attachment, text);
    }
}

/* --- What the host says -------------------------------------------------------------------------
 */

static void
log_lines(OshSession *session)
{
    char *line;

    osh_drop_source(&session->look_source);
    while ((line = g_queue_pop_head(&session->lines)) != NULL) {
        osh_session_log_append(session->log, NOTES, line, strlen(line));
        g_free(line);
    }
    send_to_all(session);
}

static gboolean
look_at_screen(gpointer data)
{
    OshSession *session = data;

    if (session->begun && !session->exited && session->program.screen_taken != NULL &&
        session->program.screen_taken(session->program.data))
        return G_SOURCE_CONTINUE;
    log_lines(session);
    return G_SOURCE_REMOVE;
}

void
osh_session_line(OshSession *session, const char *line)
{
    /* A copy of bounded size that ends with a whole character. */
    char *copy = g_utf8_make_valid(line, (gssize)MIN(strlen(line), LINE_BYTES));

    g_queue_push_tail(&session->lines, copy);
    if (g_queue_get_length(&session->lines) > MAX_LINES)
        g_free(g_queue_pop_head(&session->lines));
    if (session->look_source != NULL || !look_at_screen(session))
        return;
    session->look_source = g_timeout_source_new(LOOK_MS);
    g_source_set_callback(session->look_source, look_at_screen, session, NULL);
    g_source_attach(session->look_source, g_main_context_get_thread_default());
}

/* --- What a client types ------------------------------------------------------------------------
 */

void
osh_session_input_room(OshSession *session)
{
    GBytes *bytes;

    while ((bytes = g_queue_peek_head(&session->waiting)) != NULL) {
        gsize length;
        const char *data = g_bytes_get_data(bytes, &length);
        gssize taken =
            session->program.input(data + session->waiting_offset, length - session->waiting_offset,
                                   session->program.data);

        if (taken == 0)
            return;
        session->waiting_offset += taken > 0 ? (gsize)taken : length;
        if (session->waiting_offset >= length) {
            g_bytes_unref(g_queue_pop_head(&session->waiting));
            session->waiting_offset = 0;
        }
    }
}

static void
send_hello(Attachment *attachment, guint16 flags)
{
    OshSessionHello hello = {.version = OSH_SESSION_VERSION, .flags = flags};

    if (attachment->session->program.has_terminal)
        hello.flags |= OSH_SESSION_TERMINAL;
    send_message(attachment, OSH_SESSION_HELLO, &hello, sizeof hello, NULL, 0);
}

static gboolean
may_type(Attachment *attachment)
{
    OshSession *session = attachment->session;

    if (attachment->read_only || session->program.local_input || !session->begun || session->exited)
        return FALSE;
    if (session->typist == NULL)
        session->typist = attachment;
    if (session->typist != attachment)
        return FALSE;
    if (attachment->told_read_only)
        send_hello(attachment, 0);
    attachment->told_read_only = FALSE;
    return TRUE;
}

/* Returns: %FALSE when the attachment is gone */
static gboolean
take_input(Attachment *attachment, const char *bytes, gsize length)
{
    OshSession *session = attachment->session;
    char typed[OSH_SESSION_MAX_MESSAGE + 1];
    gsize typed_length;
    gboolean detached;

    /* A client that may not type may still leave. */
    detached = osh_detach_keys_filter(&attachment->keys, bytes, length, typed, &typed_length);
    if (typed_length > 0 && may_type(attachment)) {
        if (g_queue_get_length(&session->waiting) >= MAX_WAITING) {
            send_note(attachment, "openshell: the program does not read its input, and the queue "
                                  "for it is full; detached");
            let_go(attachment);
            return FALSE;
        }
        g_queue_push_tail(&session->waiting, g_bytes_new(typed, typed_length));
        osh_session_input_room(session);
    }
    if (!detached)
        return TRUE;
    for (const GList *line = attachment->session->lines.head; line != NULL; line = line->next)
        send_note(attachment, line->data);
    send_message(attachment, OSH_SESSION_DETACHED, NULL, 0, NULL, 0);
    let_go(attachment);
    return FALSE;
}

static void
take_resize(Attachment *attachment, const char *bytes, gsize length)
{
    guint16 size[2];

    if (length != sizeof size || !may_type(attachment))
        return;
    memcpy(size, bytes, sizeof size);
    attachment->session->program.resize(MAX(size[0], 1), MAX(size[1], 1),
                                        attachment->session->program.data);
}

static void
take_signal(Attachment *attachment, const char *bytes, gsize length)
{
    static const int allowed[] = {SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM};

    for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++)
        if (length == 1 && bytes[0] == allowed[i] && may_type(attachment))
            attachment->session->program.send_signal(allowed[i], attachment->session->program.data);
}

/* --- Attachments --------------------------------------------------------------------------------
 */

/* Returns: %FALSE when the attachment is gone */
static gboolean
greet(Attachment *attachment, const char *bytes, gsize length)
{
    OshSession *session = attachment->session;
    OshSessionHello hello;
    gboolean types;

    if (attachment->greeted || length != sizeof hello) {
        let_go(attachment);
        return FALSE;
    }
    memcpy(&hello, bytes, sizeof hello);
    if (hello.version > OSH_SESSION_VERSION) {
        send_note(attachment,
                  "openshell: the host of this run is older than this openshell-host attach");
        let_go(attachment);
        return FALSE;
    }
    attachment->greeted = TRUE;
    attachment->read_only = (hello.flags & OSH_SESSION_READ_ONLY) != 0;
    types = may_type(attachment);
    send_hello(attachment, types ? 0 : OSH_SESSION_READ_ONLY);
    attachment->told_read_only = !types && !attachment->read_only;
    if (attachment->told_read_only)
        send_note(attachment, "openshell: another client types; this one is to look only");
    else if (hello.rows > 0 && types)
        session->program.resize(hello.rows, MAX(hello.columns, 1), session->program.data);
    return send_output(attachment);
}

/* Returns: %FALSE when the attachment is gone */
static gboolean
take_message(Attachment *attachment, const char *message, gsize length)
{
    const char *content = message + 1;
    gsize content_length = length - 1;

    if (message[0] == OSH_SESSION_HELLO)
        return greet(attachment, content, content_length);
    if (attachment->greeted) {
        switch (message[0]) {
        case OSH_SESSION_INPUT:
            return take_input(attachment, content, content_length);
        case OSH_SESSION_RESIZE:
            take_resize(attachment, content, content_length);
            return TRUE;
        case OSH_SESSION_SIGNAL:
            take_signal(attachment, content, content_length);
            return TRUE;
        case OSH_SESSION_END_INPUT:
            stop_typing(attachment);
            return TRUE;
        default:
            break;
        }
    }
    let_go(attachment);
    return FALSE;
}

static gboolean
attachment_ready(gint fd, GIOCondition condition, gpointer data)
{
    Attachment *attachment = data;
    char message[OSH_SESSION_MAX_MESSAGE + 1];
    gssize n;

    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) {
        n = recv(fd, message, sizeof message, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return G_SOURCE_CONTINUE;
        if (n <= 0 || n > OSH_SESSION_MAX_MESSAGE) {
            let_go(attachment);
            return G_SOURCE_REMOVE;
        }
        if (!take_message(attachment, message, (gsize)n))
            return G_SOURCE_REMOVE;
    }
    if ((condition & G_IO_OUT) && !send_output(attachment))
        return G_SOURCE_REMOVE;
    attachment_arrange(attachment);
    return G_SOURCE_REMOVE;
}

static void
attachment_arrange(Attachment *attachment)
{
    const OshSession *session = attachment->session;
    gboolean more = attachment->greeted &&
                    (attachment->next < osh_session_log_next(session->log) || session->exited);

    osh_drop_source(&attachment->source);
    attachment->source =
        watch(attachment->fd, more ? G_IO_IN | G_IO_OUT : G_IO_IN, attachment_ready, attachment);
}

static void
add_attachment(OshSession *session, int fd)
{
    Attachment *attachment = g_new0(Attachment, 1);

    attachment->session = session;
    attachment->fd = fd;
    attachment->next = osh_session_log_first(session->log);
    g_ptr_array_add(session->attachments, attachment);
    attachment_arrange(attachment);
}

static void
refuse_peer(int fd, const char *why)
{
    g_autofree char *text = g_strdup_printf("openshell: not attached: %s", why);
    char first = OSH_SESSION_NOTE;
    struct iovec parts[] = {{.iov_base = &first, .iov_len = 1},
                            {.iov_base = text, .iov_len = strlen(text)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS(parts)};

    sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    close_in_order(fd);
}

static gboolean
accept_ready(gint listener, GIOCondition condition, gpointer data)
{
    OshSession *session = data;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    g_autoptr(GError) error = NULL;

    (void)condition;
    if (fd < 0)
        return G_SOURCE_CONTINUE;
    if (session->attachments->len >= MAX_ATTACHMENTS)
        refuse_peer(fd, "too many clients are attached already");
    else if (!osh_session_peer_check(fd, session->init_pid, &error))
        refuse_peer(fd, error->message);
    else
        add_attachment(session, fd);
    return G_SOURCE_CONTINUE;
}

OshSession *
osh_session_new(const char *path, const char *const *visible, GError **error)
{
    g_autoptr(OshSession) session = g_new0(OshSession, 1);

    session->log = osh_session_log_new(LOG_BYTES);
    session->attachments = g_ptr_array_new_with_free_func(attachment_free);
    g_queue_init(&session->waiting);
    g_queue_init(&session->lines);
    session->listener = osh_session_socket_listen(path, visible, &session->path, error);
    return session->listener >= 0 ? g_steal_pointer(&session) : NULL;
}

void
osh_session_begin(OshSession *session, const OshSessionProgram *program, pid_t init_pid)
{
    session->program = *program;
    session->init_pid = init_pid;
    session->begun = TRUE;
    session->accept_source = watch(session->listener, G_IO_IN, accept_ready, session);
}

static gboolean
drain_over(gpointer data)
{
    OshSession *session = data;

    g_ptr_array_set_size(session->attachments, 0);
    finish_if_drained(session);
    return G_SOURCE_REMOVE;
}

void
osh_session_exited(OshSession *session, gint code, gint signal_number, void (*done)(gpointer data),
                   gpointer data)
{
    log_lines(session);
    session->exited = TRUE;
    session->exit = (OshSessionExit){.code = MAX(code, 0), .signal = signal_number};
    osh_drop_source(&session->accept_source);
    send_to_all(session);
    session->done = done;
    session->done_data = data;
    /* Never from within this function, hence the source also where nothing is to be waited for. */
    session->drain_source = session->attachments->len == 0
                                ? g_idle_source_new()
                                : g_timeout_source_new_seconds(DRAIN_SECONDS);
    g_source_set_priority(session->drain_source, G_PRIORITY_DEFAULT);
    g_source_set_callback(session->drain_source, drain_over, session, NULL);
    g_source_attach(session->drain_source, g_main_context_get_thread_default());
}

void
osh_session_free(OshSession *session)
{
    if (session == NULL)
        return;
    session->done = NULL;
    osh_drop_source(&session->accept_source);
    osh_drop_source(&session->drain_source);
    osh_drop_source(&session->look_source);
    g_queue_clear_full(&session->lines, g_free);
    g_ptr_array_unref(session->attachments);
    g_queue_clear_full(&session->waiting, (GDestroyNotify)g_bytes_unref);
    osh_session_log_free(session->log);
    if (session->path != NULL) {
        close(session->listener);
        g_unlink(session->path);
    }
    g_free(session->path);
    g_free(session);
}
