/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A protocol plugin in one file: get, set, delete and quit of memcached's text protocol, without
 * noreply. A session belongs to [shard]. It must never release a command that was not allowed, nor
 * a byte behind a line or a data block that the server might take to end elsewhere.
 */
#include <openshell/util/osh-counted.h>
#include <openshell/util/osh-l7-plugin.h>
#include <openshell/util/osh-line-reader.h>
#include <openshell/util/osh-reply-queue.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.memcached\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Inspects the text protocol of memcached\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_L7_PROTOCOL "\n"
                    "[protocol memcached]\n"
                    "carrier=tcp\n"
                    "action=memcached.command\n"
                    "target=memcached.keys\n"
                    "[fact memcached.command]\n"
                    "protocol=memcached\n"
                    "type=string\n"
                    "values=get;set;delete;quit\n"
                    "[fact memcached.keys]\n"
                    "protocol=memcached\n"
                    "type=strings\n"
                    "separator=:\n"
                    "[fact memcached.bytes]\n"
                    "protocol=memcached\n"
                    "type=integer\n");

#define MAX_WORDS 64
#define MAX_ITEM  1048576

typedef struct {
    const char *name;
    gsize min_words, max_words;
    gboolean stores, silent; /* a data block follows; the server does not answer */
} Command;

static const Command commands[] = {
    {"get", 2, MAX_WORDS, FALSE, FALSE},
    {"set", 5, 5, TRUE, FALSE},
    {"delete", 2, 2, FALSE, FALSE},
    {"quit", 1, 1, FALSE, TRUE},
};

typedef struct {
    OshL7List list;
    OshLineReader asked, answered; /* lines of the client, and of the server */
    OshReplyQueue owed;
    OshCounted block, value; /* data of the client, and of the server */
    guint64 message; /* the command whose line is the first of the window, 0 before its ASK */
    guint64 n_messages;
    gboolean allowed;
    const Command *command;
    guint64 n_bytes, n_reply_bytes; /* of its data block, and of the reply that is passed on */
    OshSpan words[MAX_WORDS];
    OshFact facts[3];
} Session;

static void
session_clear(Session *self)
{
    osh_reply_queue_clear(&self->owed);
}

static void
session_answer(Session *self, guint64 message, const OshL7Answer *answer)
{
    (void)message;
    self->allowed = answer->action == OSH_ACTION_ALLOW;
}

/* The server may understand the line otherwise, so nothing behind it is read. */
static gsize
refuse(Session *self, OshL7List *list, const char *reason)
{
    osh_l7_list_deny(list, ++self->n_messages, reason);
    osh_reply_queue_push_words(&self->owed, self->n_messages, 0, osh_span("ERROR\r\n"));
    osh_reply_queue_push_end(&self->owed);
    return list->n;
}

static gsize
ask(Session *self, OshL7List *list, OshSpan line)
{
    gsize n = osh_line_split(line, self->words, MAX_WORDS);

    self->command = NULL;
    self->n_bytes = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (n >= commands[i].min_words && n <= commands[i].max_words &&
            osh_span_equal(self->words[0], commands[i].name))
            self->command = &commands[i];
    if (self->command == NULL ||
        (self->command->stores && !osh_span_number(self->words[4], MAX_ITEM, &self->n_bytes)))
        return refuse(self, list, "a command that is not known");
    /* All of them always: a fact that is absent is denied by every deny rule that names it. */
    self->facts[0] = osh_fact_string("memcached.command", self->words[0]);
    self->facts[1] =
        osh_fact_strings("memcached.keys", self->words + 1, self->command->stores ? 1 : n - 1);
    self->facts[2] = osh_fact_integer("memcached.bytes", (gint64)self->n_bytes);
    self->message = ++self->n_messages;
    return osh_l7_list_ask(list, self->message, self->facts, 3);
}

/* The answer is there: the line and the data block behind it go on, or are dropped. */
static void
release(Session *self, OshL7List *list, gsize length)
{
    osh_l7_list_release(list, self->message, length, self->allowed);
    if (self->command->stores)
        osh_counted_begin(&self->block, self->message, self->n_bytes, "\r\n", self->allowed);
    if (!self->allowed)
        osh_reply_queue_push_words(&self->owed, self->message, 0,
                                   osh_span("SERVER_ERROR denied\r\n"));
    else if (self->command->silent)
        osh_l7_list_done(list, self->message, 0, 0);
    else
        osh_reply_queue_push_server(&self->owed, self->message);
    self->message = 0;
    osh_line_reader_next(&self->asked);
}

static gsize
session_feed_client(Session *self, OshL7List *list)
{
    while (osh_l7_list_has_space(list, 5)) {
        OshCountedStatus block = osh_counted_feed(&self->block, list);
        OshLineStatus status;
        OshSpan line;
        gsize length;

        if (block == OSH_COUNTED_MORE)
            return osh_l7_list_more(list);
        if (block == OSH_COUNTED_BROKEN)
            return osh_l7_list_refuse(list, 0, "a data block that does not end where it says");
        if (osh_reply_queue_is_full(&self->owed))
            return list->n;
        status = osh_line_reader_find(&self->asked, osh_l7_list_window(list), &line, &length);
        if (status == OSH_LINE_MORE)
            return osh_l7_list_more(list);
        if (status != OSH_LINE_FOUND)
            return refuse(self, list, "a line that is malformed or too long");
        if (self->message == 0)
            return ask(self, list, line);
        release(self, list, length);
    }
    return list->n;
}

static gsize
session_feed_server(Session *self, OshL7List *list)
{
    OshReplyNext next;
    guint64 message, n_bytes;
    OshSpan line;
    gsize length;

    while ((next = osh_reply_queue_next(&self->owed, list, &message)) == OSH_REPLY_SERVER) {
        OshCountedStatus value = osh_counted_feed(&self->value, list);
        OshLineStatus status =
            osh_line_reader_find(&self->answered, osh_l7_list_window(list), &line, &length);

        /* A reply that came before the data block is complete waits for it. */
        if (message == self->n_messages && !osh_counted_is_complete(&self->block))
            break;
        if (value == OSH_COUNTED_MORE || (value != OSH_COUNTED_BROKEN && status == OSH_LINE_MORE))
            return osh_l7_list_more(list);
        if (value == OSH_COUNTED_BROKEN || status != OSH_LINE_FOUND)
            return osh_l7_list_fail(list, "a malformed reply");
        if (!osh_l7_list_has_space(list, 3))
            break;
        osh_l7_list_pass(list, message, length);
        osh_line_reader_next(&self->answered);
        self->n_reply_bytes += length;
        if (osh_line_split(line, self->words, MAX_WORDS) >= 4 &&
            osh_span_equal(self->words[0], "VALUE") &&
            osh_span_number(self->words[3], MAX_ITEM, &n_bytes)) {
            osh_counted_begin(&self->value, message, n_bytes, "\r\n", TRUE);
            self->n_reply_bytes += n_bytes + 2;
        } else {
            osh_reply_queue_done(&self->owed, list, 0, self->n_reply_bytes);
            self->n_reply_bytes = 0;
        }
    }
    if (next != OSH_REPLY_NONE)
        return list->n;
    return osh_l7_list_window(list).length == 0 ? osh_l7_list_more(list)
                                                : osh_l7_list_fail(list, "a reply to nothing");
}

OSH_L7_PLUGIN_DEFINE(Session, "memcached", .clear = session_clear,
                     .feed_client = session_feed_client, .feed_server = session_feed_server,
                     .answer = session_answer)
