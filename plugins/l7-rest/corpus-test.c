/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The corpora of tests/corpora through a session alone: what reaches the server is one of the right
 * outcomes of each smuggling case, and odd input is read alike however it is split.
 *
 * A reader of the test's own, which forgives more, reads back the bytes that went to the server.
 */
#include "rest-fixture.h"

#include <jansson.h>
#include <string.h>

#define HOST     "in.example"
#define ANSWER   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define N_TUNNEL 418
#define N_SEEDS  200

/* Good to the corpus, and refused by us: a value that is not UTF-8 (so does OpenShell), and a Host
 * among the trailers. */
static const char *const refused_instead[] = {"plain-obs-text", "chunk-data-last-then-two-bytes",
                                              NULL};

typedef struct {
    char *method;
    char *target;
    GString *body;
    gboolean complete;
} Request;

static void
request_free(gpointer data)
{
    Request *request = data;

    g_free(request->method);
    g_free(request->target);
    g_string_free(request->body, TRUE);
    g_free(request);
}

/* Returns: (nullable): where the line at @at ends, before CRLF or LF. */
static const char *
end_of_line(const char *at, const char *end, const char **ret_next)
{
    const char *lf = at < end ? memchr(at, '\n', (gsize)(end - at)) : NULL;

    if (lf == NULL)
        return NULL;
    *ret_next = lf + 1;
    return lf > at && lf[-1] == '\r' ? lf - 1 : lf;
}

static gboolean
read_chunks(Request *request, const char **at, const char *end)
{
    const char *next;

    while (end_of_line(*at, end, &next) != NULL) {
        gsize size = (gsize)g_ascii_strtoull(*at, NULL, 16);

        *at = next;
        if (size == 0) {
            /* Trailers, up to an empty line. */
            for (const char *stop; (stop = end_of_line(*at, end, &next)) != NULL; *at = next)
                if (stop == *at) {
                    *at = next;
                    return TRUE;
                }
            return FALSE;
        }
        if ((gsize)(end - *at) < size + 2) {
            g_string_append_len(request->body, *at, MIN((gssize)size, end - *at));
            return FALSE;
        }
        g_string_append_len(request->body, *at, (gssize)size);
        *at += size + 2;
    }
    return FALSE;
}

/* Moves *at past one request. Returns: (transfer full) (nullable) */
static Request *
read_one(const char **at, const char *end)
{
    Request *request = g_new0(Request, 1);
    const char *next = NULL;
    const char *stop = end_of_line(*at, end, &next);
    gboolean chunked = FALSE;
    gsize length = 0;
    g_auto(GStrv) words = NULL;

    request->body = g_string_new(NULL);
    g_assert_nonnull(stop);
    {
        g_autofree char *line = g_strndup(*at, (gsize)(stop - *at));

        words = g_strsplit(line, " ", -1);
        g_assert_cmpuint(g_strv_length(words), ==, 3);
        request->method = g_strdup(words[0]);
        request->target = g_strdup(words[1]);
    }
    for (*at = next; (stop = end_of_line(*at, end, &next)) != NULL && stop > *at; *at = next) {
        g_autofree char *line = g_ascii_strdown(*at, stop - *at);

        chunked |= g_str_has_prefix(line, "transfer-encoding") && strstr(line, "chunked") != NULL;
        if (g_str_has_prefix(line, "content-length:"))
            length = (gsize)g_ascii_strtoull(g_strstrip(line + 15), NULL, 10);
    }
    g_assert_nonnull(stop);
    *at = next;
    if (chunked) {
        request->complete = read_chunks(request, at, end);
        *at = request->complete ? *at : end;
        return request;
    }
    request->complete = (gsize)(end - *at) >= length;
    length = MIN(length, (gsize)(end - *at));
    g_string_append_len(request->body, *at, (gssize)length);
    *at += length;
    return request;
}

static GPtrArray *
read_requests(const GString *sent)
{
    GPtrArray *requests = g_ptr_array_new_with_free_func(request_free);
    const char *at = sent->str;

    while (at < sent->str + sent->len)
        g_ptr_array_add(requests, read_one(&at, sent->str + sent->len));
    return requests;
}

/* Each request that reached the server whole is answered, until there is no further one. Returns:
 * (transfer full) */
static OshL7Outcome *
talk(RestFixture *fixture, const guint8 *raw, gsize size, guint random_runs)
{
    for (guint answers = 0;; answers++) {
        g_autoptr(OshL7Harness) harness = osh_l7_harness_new(&fixture->protocol, NULL);
        g_autoptr(OshL7Outcome) outcome = NULL;
        g_autoptr(GPtrArray) requests = NULL;
        guint complete = 0;

        osh_l7_harness_connection(harness)->host = HOST;
        osh_l7_harness_connection(harness)->port = 80;
        osh_l7_harness_connection(harness)->protocol = "rest";
        osh_l7_harness_client(harness, (const char *)raw, (gssize)size);
        for (guint i = 0; i < answers; i++)
            osh_l7_harness_server(harness, ANSWER, -1);
        outcome = random_runs > 0 ? osh_l7_harness_run_all(harness, random_runs)
                                  : osh_l7_harness_run(harness, OSH_L7_SPLIT_WHOLE, 1);
        if (outcome->violation != NULL)
            g_error("%s", outcome->violation);
        requests = read_requests(outcome->released[OSH_CLIENT_TO_SERVER]);
        for (guint i = 0; i < requests->len; i++)
            complete += ((const Request *)requests->pdata[i])->complete ? 1 : 0;
        if (complete <= answers)
            return g_steal_pointer(&outcome);
    }
}

static const char *
member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static gboolean
is_request(const Request *request, const json_t *wanted)
{
    gsize size = 0;
    g_autofree guchar *body = g_base64_decode(member(wanted, "body"), &size);

    return g_str_equal(request->method, member(wanted, "method")) &&
           g_str_equal(request->target, member(wanted, "target")) && request->complete &&
           request->body->len == size && memcmp(request->body->str, body, size) == 0;
}

static gboolean
ended_as(const OshL7Outcome *outcome, const char *end)
{
    gboolean refused = strstr(outcome->released[OSH_SERVER_TO_CLIENT]->str, "HTTP/1.1 4") != NULL;

    if (g_str_equal(end, "reject"))
        return refused && outcome->ended == OSH_L7_ENDED_END;
    if (g_str_equal(end, "stop"))
        return !refused && outcome->ended == OSH_L7_ENDED_END;
    return !refused && outcome->ended == OSH_L7_ENDED_NOT; /* open, more */
}

static gboolean
has_begun(const Request *request, const json_t *wanted)
{
    return g_str_equal(request->method, member(wanted, "method")) &&
           g_str_equal(request->target, member(wanted, "target"));
}

/* A request whose body was being read when it was refused has begun; it is never finished. Where
 * another outcome forwards it, it may have begun too. */
static gboolean
may_have_begun(const Request *request, const json_t *row, gsize n)
{
    const json_t *expect = json_object_get(row, "expect");

    if (request->complete)
        return FALSE;
    if (has_begun(request, json_object_get(row, "may_begin")))
        return TRUE;
    for (gsize i = 0; i < json_array_size(expect); i++)
        if (has_begun(request,
                      json_array_get(json_object_get(json_array_get(expect, i), "forward"), n)))
            return TRUE;
    return FALSE;
}

static gboolean
is_outcome(const OshL7Outcome *outcome, const GPtrArray *requests, const json_t *row,
           const json_t *wanted)
{
    const json_t *forward = json_object_get(wanted, "forward");
    gsize n = json_array_size(forward);

    for (gsize i = 0; i < n; i++) {
        const json_t *request = json_array_get(forward, i);

        if (i >= requests->len)
            return FALSE;
        if (g_str_equal(member(wanted, "end"), "more") && i + 1 == n && requests->len == n) {
            const Request *begun = requests->pdata[i];

            return !begun->complete && has_begun(begun, request) && ended_as(outcome, "more");
        }
        if (!is_request(requests->pdata[i], request))
            return FALSE;
    }
    if (requests->len > n + 1 || (requests->len > n && !may_have_begun(requests->pdata[n], row, n)))
        return FALSE;
    return ended_as(outcome, member(wanted, "end"));
}

static gboolean
check_case(RestFixture *fixture, const json_t *row)
{
    const json_t *expect = json_object_get(row, "expect");
    gsize size;
    g_autofree guchar *raw = g_base64_decode(member(row, "raw"), &size);
    g_autoptr(OshL7Outcome) outcome = talk(fixture, raw, size, size < 2000 ? 3 : 0);
    g_autoptr(GPtrArray) requests = read_requests(outcome->released[OSH_CLIENT_TO_SERVER]);

    if (g_strv_contains(refused_instead, member(row, "id")))
        return (requests->len == 0 || may_have_begun(requests->pdata[0], row, 0)) &&
               requests->len <= 1 && ended_as(outcome, "reject");
    for (gsize i = 0; i < json_array_size(expect); i++)
        if (is_outcome(outcome, requests, row, json_array_get(expect, i)))
            return TRUE;
    g_printerr("# %s: sent %s\n# answered %.40s\n", member(row, "id"),
               outcome->released[OSH_CLIENT_TO_SERVER]->str,
               outcome->released[OSH_SERVER_TO_CLIENT]->str);
    return FALSE;
}

/* Calls @check with each row. Returns: how many it was not content with. */
static guint
each_row(RestFixture *fixture, const char *name, gboolean (*check)(RestFixture *, const json_t *),
         const char *only_at, guint *ret_rows)
{
    g_autofree char *path = g_build_filename(g_getenv("OSH_TEST_CORPORA"), name, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint failed = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    *ret_rows = 0;
    for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
        json_t *row = json_loads(lines[i], JSON_ALLOW_NUL, NULL);

        g_assert_nonnull(row);
        if (only_at == NULL || g_str_equal(member(row, "at"), only_at)) {
            (*ret_rows)++;
            failed += check(fixture, row) ? 0 : 1;
        }
        json_decref(row);
    }
    return failed;
}

static void
test_smuggling(RestFixture *fixture, gconstpointer data)
{
    guint rows;

    (void)data;
    g_assert_cmpuint(each_row(fixture, "http1-smuggling/cases.jsonl", check_case, "tunnel", &rows),
                     ==, 0);
    g_assert_cmpuint(rows, ==, N_TUNNEL);
}

static gboolean
check_seed(RestFixture *fixture, const json_t *row)
{
    gsize size;
    g_autofree guchar *raw = g_base64_decode(member(row, "data"), &size);
    g_autoptr(OshL7Outcome) outcome = NULL;

    size = MIN(size, 3000);
    outcome = talk(fixture, raw, size, 2);
    return outcome->ended != OSH_L7_ENDED_BROKEN;
}

static void
test_seeds(RestFixture *fixture, gconstpointer data)
{
    guint rows;

    (void)data;
    g_assert_cmpuint(each_row(fixture, "http1-seeds/http1.jsonl", check_seed, NULL, &rows), ==, 0);
    g_assert_cmpuint(rows, ==, N_SEEDS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/l7-rest/corpus/what-reaches-the-server-is-a-right-outcome-of-each-smuggling-case",
               RestFixture, NULL, rest_fixture_set_up, test_smuggling, rest_fixture_tear_down);
    g_test_add("/l7-rest/corpus/odd-input-is-read-alike-however-it-is-split", RestFixture, NULL,
               rest_fixture_set_up, test_seeds, rest_fixture_tear_down);
    return g_test_run();
}
