/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder.c: the queue and the thread behind `--record FILE`.
 *
 * The deciding thread makes the text of its row and pushes it on a lock-free stack: one compare and
 * swap, no waiting. The recording thread takes the whole stack at once, reverses it, counts equal
 * rows of a second into one, and writes. What cannot be written is kept and tried again each
 * second, and the caller is told, so that nothing further is allowed meanwhile. What exceeds
 * QUEUE_BYTES, or the rows that are kept, is counted, and the count is written as a line of its own
 * as soon as there is capacity: what a recording lacks is always said in it. It must never delay a
 * shard.
 */
#include "recorder.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "osh-text.h"
#include "record-row.h"

#define QUEUE_BYTES   (8 * 1024 * 1024)
#define FLUSH_USEC    G_USEC_PER_SEC
#define DISTINCT_ROWS 4096

typedef struct Node Node;

/* One row, or a whole line where @is_line. */
struct Node {
    Node *next;
    gint64 time;
    gsize size;
    gboolean is_line;
    char text[];
};

typedef struct {
    Node *node;
    gint64 last;
    guint64 count;
} Row;

struct _OshRecorder {
    int fd;
    int wake;
    char *path;
    GHashTable *plain_facts;
    GThread *thread;
    Node *stack;        /* atomic */
    gsize queued;       /* atomic; bytes */
    guint64 lost;       /* atomic */
    gboolean finishing; /* atomic */
    /* of the thread alone */
    GPtrArray *rows;   /* Row, in the order of their first */
    GHashTable *index; /* text -> Row */
    gint64 due;
    guint64 written;
    guint64 lost_written;
    int failure; /* errno of the last write that failed */
    gboolean in_trouble;
    OshRecorderTrouble trouble; /* (nullable) */
    gpointer trouble_data;
};

static void
append_time(GString *line, const char *name, gint64 time)
{
    g_autoptr(GDateTime) moment = g_date_time_new_from_unix_utc(time / G_USEC_PER_SEC);
    g_autofree char *text = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");

    g_string_append_printf(line, "\"%s\":\"%s.%03uZ\"", name, text,
                           (guint)(time % G_USEC_PER_SEC / 1000));
}

static void
append_policy(GString *line, const OshPolicySnapshot *policy)
{
    g_string_append(line, "\"policy\":{\"file\":");
    osh_text_append_json(line, osh_policy_file_name(policy));
    g_string_append_printf(line, ",\"sha256\":\"%s\",\"generation\":%" G_GUINT64_FORMAT "}",
                           osh_policy_sha256(policy), osh_policy_generation(policy));
}

/* All of @text or nothing of it: a line is never left in halves. */
static gboolean
write_whole(OshRecorder *recorder, const GString *text)
{
    struct stat status;
    gsize done = 0;

    if (fstat(recorder->fd, &status) != 0) {
        recorder->failure = errno;
        return FALSE;
    }
    while (done < text->len) {
        ssize_t n = write(recorder->fd, text->str + done, text->len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            recorder->failure = n < 0 ? errno : ENOSPC;
            if (done > 0 && ftruncate(recorder->fd, status.st_size) != 0)
                recorder->failure = errno;
            return FALSE;
        }
        done += (gsize)n;
    }
    return TRUE;
}

static void
row_free(gpointer data)
{
    Row *row = data;

    g_free(row->node);
    g_free(row);
}

static void
append_row(GString *text, const Row *row)
{
    if (row->node->is_line) {
        g_string_append(text, row->node->text);
        return;
    }
    g_string_append_c(text, '{');
    append_time(text, "time", row->node->time);
    if (row->count > 1) {
        g_string_append_printf(text, ",\"count\":%" G_GUINT64_FORMAT ",", row->count);
        append_time(text, "last", row->last);
    }
    g_string_append_printf(text, ",%s}\n", row->node->text);
}

static void
recorder_tell(OshRecorder *recorder, gboolean in_trouble)
{
    if (recorder->in_trouble == in_trouble)
        return;
    recorder->in_trouble = in_trouble;
    if (recorder->trouble != NULL)
        recorder->trouble(in_trouble ? g_strerror(recorder->failure) : NULL,
                          recorder->trouble_data);
}

/* @last: what cannot be written now never will be */
static void
recorder_flush(OshRecorder *recorder, gboolean last)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint64 lost = __atomic_load_n(&recorder->lost, __ATOMIC_ACQUIRE);
    guint64 decisions = 0;

    for (guint i = 0; i < recorder->rows->len; i++) {
        const Row *row = g_ptr_array_index(recorder->rows, i);

        append_row(text, row);
        decisions += row->node->is_line ? 0 : row->count;
    }
    if (lost > recorder->lost_written)
        g_string_append_printf(text, "{\"lost\":%" G_GUINT64_FORMAT "}\n",
                               lost - recorder->lost_written);
    if (text->len == 0 || write_whole(recorder, text)) {
        recorder->written += decisions;
        recorder->lost_written = lost;
        recorder_tell(recorder, FALSE);
    } else {
        recorder_tell(recorder, TRUE);
        if (!last && recorder->rows->len < DISTINCT_ROWS) {
            recorder->due = g_get_monotonic_time() + FLUSH_USEC;
            return;
        }
        __atomic_add_fetch(&recorder->lost, decisions, __ATOMIC_RELEASE);
    }
    g_hash_table_remove_all(recorder->index);
    g_ptr_array_set_size(recorder->rows, 0);
    recorder->due = 0;
}

static void
recorder_take_one(OshRecorder *recorder, Node *node)
{
    Row *row = node->is_line ? NULL : g_hash_table_lookup(recorder->index, node->text);

    __atomic_sub_fetch(&recorder->queued, node->size, __ATOMIC_RELEASE);
    if (row != NULL) {
        row->count++;
        row->last = node->time;
        g_free(node);
        return;
    }
    row = g_new0(Row, 1);
    row->node = node;
    row->last = node->time;
    row->count = 1;
    g_ptr_array_add(recorder->rows, row);
    if (!node->is_line)
        g_hash_table_insert(recorder->index, node->text, row);
    if (recorder->due == 0)
        recorder->due = g_get_monotonic_time() + FLUSH_USEC;
    if (recorder->rows->len >= DISTINCT_ROWS)
        recorder_flush(recorder, FALSE);
}

static void
recorder_take(OshRecorder *recorder)
{
    Node *newest = __atomic_exchange_n(&recorder->stack, NULL, __ATOMIC_ACQUIRE);
    Node *oldest = NULL;

    while (newest != NULL) {
        Node *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        Node *next = oldest->next;

        recorder_take_one(recorder, oldest);
        oldest = next;
    }
}

static int
recorder_wait(const OshRecorder *recorder)
{
    gint64 left;

    if (recorder->due == 0)
        return -1;
    left = recorder->due - g_get_monotonic_time();
    return left > 0 ? (int)(left / 1000) + 1 : 0;
}

static gpointer
recorder_run(gpointer data)
{
    OshRecorder *recorder = data;

    while (!__atomic_load_n(&recorder->finishing, __ATOMIC_ACQUIRE)) {
        struct pollfd poll_fd = {.fd = recorder->wake, .events = POLLIN};
        guint64 ignored;

        if (poll(&poll_fd, 1, recorder_wait(recorder)) > 0 &&
            read(recorder->wake, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
            break;
        recorder_take(recorder);
        if (recorder->due != 0 && g_get_monotonic_time() >= recorder->due)
            recorder_flush(recorder, FALSE);
    }
    return NULL;
}

static void
recorder_wake(OshRecorder *recorder)
{
    guint64 one = 1;
    /* An eventfd that is full wakes all the same. */
    ssize_t ignored = write(recorder->wake, &one, sizeof one);

    (void)ignored;
}

static void
recorder_push(OshRecorder *recorder, const GString *text, gboolean is_line)
{
    gsize size = sizeof(Node) + text->len + 1;
    Node *before;
    Node *node;

    if (text->len > OSH_RECORDING_MAX_LINE - 256 ||
        __atomic_add_fetch(&recorder->queued, size, __ATOMIC_ACQ_REL) > QUEUE_BYTES) {
        if (text->len <= OSH_RECORDING_MAX_LINE - 256)
            __atomic_sub_fetch(&recorder->queued, size, __ATOMIC_RELEASE);
        __atomic_add_fetch(&recorder->lost, 1, __ATOMIC_RELEASE);
        return;
    }
    node = g_malloc(size);
    node->time = g_get_real_time();
    node->size = size;
    node->is_line = is_line;
    memcpy(node->text, text->str, text->len + 1);
    before = __atomic_load_n(&recorder->stack, __ATOMIC_RELAXED);
    do {
        node->next = before;
    } while (!__atomic_compare_exchange_n(&recorder->stack, &before, node, TRUE, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    /* The thread may have freed the node by now. Only the first of a batch wakes; the thread takes
     * them all. */
    if (before == NULL)
        recorder_wake(recorder);
}

void
osh_recorder_add(OshRecorder *recorder, const OshDecision *decision)
{
    g_autoptr(GString) text = g_string_sized_new(512);

    osh_record_row_append(text, decision, recorder->plain_facts);
    recorder_push(recorder, text, FALSE);
}

void
osh_recorder_policy(OshRecorder *recorder, const OshPolicySnapshot *policy)
{
    g_autoptr(GString) line = g_string_new("{");

    append_time(line, "time", g_get_real_time());
    g_string_append_c(line, ',');
    append_policy(line, policy);
    g_string_append(line, "}\n");
    recorder_push(recorder, line, TRUE);
}

void
osh_recorder_keep_fact(OshRecorder *recorder, const char *name)
{
    g_hash_table_add(recorder->plain_facts, g_strdup(name));
}

void
osh_recorder_on_trouble(OshRecorder *recorder, OshRecorderTrouble trouble, gpointer data)
{
    recorder->trouble = trouble;
    recorder->trouble_data = data;
}

static void
recorder_free(OshRecorder *recorder)
{
    if (recorder->wake >= 0)
        close(recorder->wake);
    close(recorder->fd);
    g_ptr_array_unref(recorder->rows);
    g_hash_table_unref(recorder->index);
    g_hash_table_unref(recorder->plain_facts);
    g_free(recorder->path);
    g_free(recorder);
}

OshRecorder *
osh_recorder_new(int fd, const char *path, const OshPolicySnapshot *policy, gboolean audit,
                 GError **error)
{
    OshRecorder *recorder = g_new0(OshRecorder, 1);
    g_autoptr(GString) line = g_string_new(NULL);

    recorder->fd = fd;
    recorder->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    recorder->path = g_strdup(path);
    recorder->plain_facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    recorder->rows = g_ptr_array_new_with_free_func(row_free);
    recorder->index = g_hash_table_new(g_str_hash, g_str_equal);
    g_string_printf(line, "{\"openshell-recording\":%d,", OSH_RECORDING_VERSION);
    append_time(line, "time", g_get_real_time());
    g_string_append_printf(line, ",\"host\":\"%s\",\"mode\":\"%s\",", OSH_VERSION,
                           audit ? "audit" : "enforce");
    append_policy(line, policy);
    g_string_append(line, "}\n");
    if (recorder->wake >= 0 && write_whole(recorder, line))
        return recorder;
    g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot write the recording %s: %s", path,
                g_strerror(recorder->wake < 0 ? errno : recorder->failure));
    recorder_free(recorder);
    return NULL;
}

void
osh_recorder_start(OshRecorder *recorder)
{
    recorder->thread = g_thread_new("openshell-record", recorder_run, recorder);
}

char *
osh_recorder_finish(OshRecorder *recorder)
{
    g_autoptr(GString) end = g_string_new("{\"end\":true,");
    char *message = NULL;
    guint64 lost;

    if (recorder == NULL)
        return NULL;
    __atomic_store_n(&recorder->finishing, TRUE, __ATOMIC_RELEASE);
    recorder_wake(recorder);
    if (recorder->thread != NULL)
        g_thread_join(recorder->thread);
    recorder_take(recorder);
    recorder_flush(recorder, TRUE);
    lost = __atomic_load_n(&recorder->lost, __ATOMIC_ACQUIRE);
    append_time(end, "time", g_get_real_time());
    g_string_append_printf(end,
                           ",\"decisions\":%" G_GUINT64_FORMAT ",\"lost\":%" G_GUINT64_FORMAT "}\n",
                           recorder->written, lost);
    if (!write_whole(recorder, end) && lost == 0)
        message = g_strdup_printf("the recording %s has no end: %s", recorder->path,
                                  g_strerror(recorder->failure));
    if (lost > 0)
        message = g_strdup_printf(
            "the recording %s lacks %" G_GUINT64_FORMAT " decisions: %s", recorder->path, lost,
            recorder->failure != 0 ? g_strerror(recorder->failure)
                                   : "decisions came faster than they were written");
    recorder_free(recorder);
    return message;
}
