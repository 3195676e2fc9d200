/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.c: reads a recording, line by line.
 *
 * [any]. Untrusted: every line is bounded, an unknown member or a wrong type is an error with its
 * line, and equal decisions become one, so that memory follows what differs. It must never take
 * half a line for a whole one.
 */
#include "recording.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "auto-fd.h"
#include "openshell/host.h"
#include "osh-destination.h"
#include "osh-json.h"
#include "record-row.h"
#include "recorded-facts.h"

#define MAX_ADDRESSES 64

typedef struct {
    OshRecording *recording;
    const char *name;
    guint line;
    gboolean is_open; /* a run has begun and has not ended */
} Reader;

static const char *const header_members[] = {
    "openshell-recording", "time", "host", "mode", "policy", NULL};
static const char *const row_members[] = {"time",  "last",    "count",   "outcome",   "layer",
                                          "facts", "omitted", "verdict", "addresses", NULL};
static const char *const end_members[] = {"end", "time", "decisions", "lost", NULL};
static const char *const lost_members[] = {"lost", NULL};
static const char *const policy_members[] = {"time", "policy", NULL};

static const char *
check_members(json_t *object, const char *const *known)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        if (!g_strv_contains(known, name))
            return "a member that this version does not know";
        if ((strcmp(name, "time") == 0 || strcmp(name, "last") == 0) && !json_is_string(value))
            return "a time is not a string";
    }
    return NULL;
}

static const char *
read_header(Reader *reader, json_t *object)
{
    json_t *version = json_object_get(object, "openshell-recording");
    const char *mode = json_string_value(json_object_get(object, "mode"));

    if (!json_is_integer(version) || json_integer_value(version) != OSH_RECORDING_VERSION)
        return "a recording of another version: only 1 is read";
    if (mode == NULL || (strcmp(mode, "audit") != 0 && strcmp(mode, "enforce") != 0))
        return "\"mode\" is neither \"enforce\" nor \"audit\"";
    reader->recording->n_runs++;
    reader->recording->n_audit_runs += strcmp(mode, "audit") == 0;
    reader->recording->n_unfinished += reader->is_open;
    reader->is_open = TRUE;
    return check_members(object, header_members);
}

static gboolean
read_outcome(json_t *value, OshDecisionOutcome *ret_outcome)
{
    const char *word = json_string_value(value);

    for (guint i = OSH_DECISION_ALLOWED; word != NULL && i <= OSH_DECISION_DENIED_HARD; i++)
        if (strcmp(osh_record_outcome_name(i), word) == 0) {
            *ret_outcome = i;
            return TRUE;
        }
    return FALSE;
}

static const char *
read_addresses(json_t *value, OshArena *arena, OshRecordedDecision *row)
{
    gsize n = json_array_size(value);
    struct in6_addr *addresses;

    if (value == NULL)
        return NULL;
    if (!json_is_array(value) || n > MAX_ADDRESSES)
        return "\"addresses\" is not a list of at most 64";
    addresses = osh_arena_new_array(arena, struct in6_addr, n);
    for (gsize i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(value, i));

        if (text == NULL || !osh_address_mapped_parse(text, &addresses[i]))
            return "an address is not one";
    }
    row->addresses = addresses;
    row->n_addresses = n;
    return NULL;
}

static const char *
read_verdict(json_t *value, OshArena *arena, OshRecordedDecision *row)
{
    json_t *protocol = json_object_get(value, "protocol");

    row->protocol = "";
    if (value != NULL && !json_is_object(value))
        return "\"verdict\" is not an object";
    if (json_is_string(protocol))
        row->protocol =
            osh_arena_copy(arena, json_string_value(protocol), strlen(json_string_value(protocol)));
    return NULL;
}

/* Everything but when and how often, in one order. */
static char *
row_key(json_t *object)
{
    g_autofree char *key = NULL;
    char *dumped;

    json_object_del(object, "time");
    json_object_del(object, "last");
    json_object_del(object, "count");
    dumped = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    key = g_strdup(dumped);
    free(dumped);
    return g_steal_pointer(&key);
}

static const char *
read_new_row(Reader *reader, json_t *object, guint64 count, OshRecordedDecision **ret_row)
{
    OshArena *arena = reader->recording->arena;
    OshRecordedDecision *row = osh_arena_take(arena, sizeof *row);
    const char *layer = json_string_value(json_object_get(object, "layer"));
    json_t *omitted = json_object_get(object, "omitted");
    const char *problem;

    if (!read_outcome(json_object_get(object, "outcome"), &row->outcome))
        return "an \"outcome\" that this version does not know";
    if (layer == NULL)
        return "no \"layer\"";
    if (omitted != NULL && !json_is_array(omitted))
        return "\"omitted\" is not a list";
    row->line = reader->line;
    row->count = count;
    row->layer = osh_arena_copy(arena, layer, strlen(layer));
    row->omits = json_array_size(omitted) > 0;
    problem = osh_recorded_facts_read(json_object_get(object, "facts"), arena, row);
    if (problem == NULL)
        problem = read_verdict(json_object_get(object, "verdict"), arena, row);
    if (problem == NULL)
        problem = read_addresses(json_object_get(object, "addresses"), arena, row);
    *ret_row = row;
    return problem;
}

static const char *
read_row(Reader *reader, json_t *object)
{
    OshRecording *recording = reader->recording;
    json_t *count_value = json_object_get(object, "count");
    gint64 count = json_is_integer(count_value) ? json_integer_value(count_value) : 1;
    const char *problem = check_members(object, row_members);
    OshRecordedDecision *row;
    g_autofree char *key = NULL;

    if (problem != NULL)
        return problem;
    if ((count_value != NULL && !json_is_integer(count_value)) || count < 1 || count > G_MAXUINT32)
        return "\"count\" is not a number from 1 to 4294967295";
    key = row_key(object);
    row = g_hash_table_lookup(recording->index, key);
    if (row != NULL) {
        row->count += (guint64)count;
        return NULL;
    }
    if (recording->rows->len == OSH_RECORDING_MAX_ROWS)
        return "more than 200000 different decisions";
    problem = read_new_row(reader, object, (guint64)count, &row);
    if (problem != NULL)
        return problem;
    g_ptr_array_add(recording->rows, row);
    g_hash_table_insert(recording->index, g_steal_pointer(&key), row);
    return NULL;
}

static const char *
read_object(Reader *reader, json_t *object)
{
    json_t *lost = json_object_get(object, "lost");

    if (!json_is_object(object))
        return "not an object";
    if (json_object_get(object, "openshell-recording") != NULL)
        return read_header(reader, object);
    if (reader->recording->n_runs == 0)
        return "not a recording: its first line has no \"openshell-recording\"";
    if (json_object_get(object, "outcome") != NULL)
        return read_row(reader, object);
    if (json_object_get(object, "end") != NULL) {
        reader->is_open = FALSE;
        return check_members(object, end_members);
    }
    if (lost != NULL) {
        if (!json_is_integer(lost) || json_integer_value(lost) < 0)
            return "\"lost\" is not a number";
        reader->recording->n_lost += (guint64)json_integer_value(lost);
        return check_members(object, lost_members);
    }
    return check_members(object, policy_members);
}

/* Returns: FALSE with @error set. */
static gboolean
read_line(Reader *reader, const char *text, gsize length, gboolean is_whole, GError **error)
{
    /* Every member of a row may be a fact of its own: the line's length is the limit. */
    const OshJsonLimits limits = {.max_bytes = OSH_RECORDING_MAX_LINE,
                                  .max_values = OSH_RECORDING_MAX_LINE};
    json_t *object;
    const char *problem;

    reader->line++;
    if (length > OSH_RECORDING_MAX_LINE) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s:%u: a line of more than %d bytes",
                    reader->name, reader->line, OSH_RECORDING_MAX_LINE);
        return FALSE;
    }
    object = osh_json_load((OshSpan){text, length}, &limits, NULL);
    if (object == NULL && !is_whole && reader->recording->n_runs > 0) {
        reader->recording->is_cut = TRUE;
        return TRUE;
    }
    if (object != NULL)
        problem = read_object(reader, object);
    else
        problem = reader->recording->n_runs == 0
                      ? "not a recording, which is lines of JSON that --record writes"
                      : "not JSON, or a name twice in it";
    json_decref(object);
    if (problem == NULL)
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s:%u: %s", reader->name, reader->line,
                problem);
    return FALSE;
}

OshRecording *
osh_recording_read(const char *text, gsize length, const char *name, GError **error)
{
    g_autoptr(OshRecording) recording = g_new0(OshRecording, 1);
    Reader reader = {.recording = recording, .name = name};
    const char *end = text + length;

    recording->rows = g_ptr_array_new();
    recording->arena = osh_arena_new();
    recording->index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    while (text < end) {
        const char *stop = memchr(text, '\n', (gsize)(end - text));
        gboolean is_whole = stop != NULL;

        stop = is_whole ? stop : end;
        if (!read_line(&reader, text, (gsize)(stop - text), is_whole, error))
            return NULL;
        text = stop + 1;
    }
    if (recording->n_runs == 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: not a recording: it is empty", name);
        return NULL;
    }
    recording->n_unfinished += reader.is_open;
    return g_steal_pointer(&recording);
}

OshRecording *
osh_recording_read_file(const char *path, GError **error)
{
    osh_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autoptr(GString) text = g_string_new(NULL);
    struct stat status;
    char chunk[65536];
    ssize_t n = -1;

    if (fd < 0 || fstat(fd, &status) != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND, "%s: %s", path, g_strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: not a regular file", path);
        return NULL;
    }
    while (text->len <= OSH_RECORDING_MAX_FILE && (n = read(fd, chunk, sizeof chunk)) > 0)
        g_string_append_len(text, chunk, n);
    if (text->len > OSH_RECORDING_MAX_FILE || n < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: %s", path,
                    n < 0 ? g_strerror(errno) : "larger than 256 MiB");
        return NULL;
    }
    return osh_recording_read(text->str, text->len, path, error);
}

void
osh_recording_free(OshRecording *recording)
{
    if (recording == NULL)
        return;
    g_ptr_array_unref(recording->rows);
    g_hash_table_unref(recording->index);
    osh_arena_free(recording->arena);
    g_free(recording);
}

const OshFact *
osh_recorded_fact(const OshRecordedDecision *row, const char *name, OshFactType type)
{
    for (gsize i = 0; i < row->facts.n_facts; i++)
        if (row->facts.facts[i].type == (guint32)type &&
            strcmp(row->facts.facts[i].name, name) == 0)
            return &row->facts.facts[i];
    return NULL;
}

gboolean
osh_recorded_is_connection_fact(const char *name)
{
    return g_str_has_prefix(name, "network.") || g_str_has_prefix(name, "process.");
}
