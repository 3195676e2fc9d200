/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content-fixture.h: a protocol whose messages have content: a line is "HEAD CONTENT", and the
 * content may be empty. Of one test at a time.
 */
#pragma once

#include "l7-fixture.h"

G_BEGIN_DECLS

/**
 * ContentSession: what the session does and has heard.
 * @n_parts: in which the content is marked
 * @marked: of them
 * @content: number of the next that is marked
 * @goes_on: marks content after the final answer
 * @in_ranges: sends the handle in two pieces
 * @masks: masks it
 * @to_client: sends it to the client, which is a breach
 * @action: of the newest answer
 * @status: of it
 * @told: its error, limit and refusal, in words
 * @limit_told: by it
 * @answer: the content's part of it
 * @n_contents: how many it had
 * @resume: of the lines protocol
 */
typedef struct {
    guint n_parts;
    guint marked;
    guint64 content;
    gboolean goes_on;
    gboolean in_ranges;
    gboolean masks;
    gboolean to_client;
    guint32 action;
    guint32 status;
    char *told;
    guint64 limit_told;
    OshL7ContentAnswer answer;
    guint n_contents;
    OshL7Piece pieces[4];
    void (*resume)(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);
} ContentSession;

extern ContentSession content;

/** content_begin: @world, which is not open yet, speaks it. @feed: content_feed(), or another. */
void content_begin(L7World *world, L7Feed feed);

/** content_end: frees what the session has heard. */
void content_end(void);

/** content_feed: the protocol as the head of this file tells it. */
gsize content_feed(L7World *world, const OshL7Input *input, OshL7Action *actions,
                   gint64 *ret_deadline);

/** content_resume: what resume of it does. */
void content_resume(gpointer session, gint64 now, guint64 message, const OshL7Answer *answer);

G_END_DECLS
