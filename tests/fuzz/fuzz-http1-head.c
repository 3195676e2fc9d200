/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-http1-head.c: a head means the same however it is split, and names only bytes it was given.
 */
#include "osh-http1-head.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

#define MAX_FIELDS 16
#define MAX_SIZE   4096

typedef struct {
    OshHttp1Head head;
    OshHttp1Field fields[MAX_FIELDS];
    OshHttp1Status status;
} Parse;

/* Each call gets its own copy of the window, so a pointer kept from the last one is found. */
static void
parse(Parse *result, OshHttp1Kind kind, const guint8 *data, gsize size, gsize piece)
{
    gsize fed = 0;

    memset(result, 0, sizeof *result);
    osh_http1_head_init(&result->head, kind, MAX_SIZE, result->fields, MAX_FIELDS);
    result->status = OSH_HTTP1_NEED_MORE;
    while (fed < size && result->status == OSH_HTTP1_NEED_MORE) {
        g_autofree guint8 *window = NULL;

        fed = MIN(fed + piece, size);
        window = g_memdup2(data, fed);
        result->status = osh_http1_head_feed(&result->head, window, fed);
    }
}

static void
check_same(const Parse *left, const Parse *right)
{
    g_assert_cmpint(left->status, ==, right->status);
    g_assert_cmpint(left->head.error, ==, right->head.error);
    g_assert_cmpuint(left->head.error_offset, ==, right->head.error_offset);
    g_assert_cmpuint(left->head.size, ==, right->head.size);
    if (left->status != OSH_HTTP1_COMPLETE)
        return;
    g_assert_cmpuint(left->head.n_fields, ==, right->head.n_fields);
    g_assert_cmpmem(left->fields, left->head.n_fields * sizeof left->fields[0], right->fields,
                    right->head.n_fields * sizeof right->fields[0]);
    g_assert_cmpmem(&left->head.target, sizeof left->head.target, &right->head.target,
                    sizeof right->head.target);
    g_assert_cmpuint(left->head.content_length, ==, right->head.content_length);
    g_assert_cmpint(left->head.chunked, ==, right->head.chunked);
}

static void
check_range(const OshHttp1Head *head, const guint8 *data, OshHttp1Range range)
{
    g_assert_cmpuint(range.offset, <=, head->size);
    g_assert_cmpuint(range.length, <=, head->size - range.offset);
    for (gsize i = 0; i < range.length; i++)
        g_assert_true(data[range.offset + i] == '\t' ||
                      (data[range.offset + i] >= 0x20 && data[range.offset + i] != 0x7f));
}

static void
check_head(const Parse *result, const guint8 *data)
{
    const OshHttp1Head *head = &result->head;

    check_range(head, data, head->start_line);
    check_range(head, data, head->method);
    check_range(head, data, head->target);
    check_range(head, data, head->reason);
    for (gsize i = 0; i < head->n_fields; i++) {
        check_range(head, data, head->fields[i].name);
        check_range(head, data, head->fields[i].value);
    }
    g_assert_false(head->chunked && head->has_content_length);
    g_assert_cmpmem(data + head->size - 4, 4, "\r\n\r\n", 4);
    osh_http1_head_check_host(head, data);
    osh_http1_head_list_has(head, data, "upgrade", "websocket");
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    const gsize pieces[] = {1, 2, 3, 17};

    /* Splitting is quadratic in copies here; the rest of a long input adds nothing. */
    size = MIN(size, 6000);
    for (int kind = OSH_HTTP1_REQUEST; kind <= OSH_HTTP1_RESPONSE; kind++) {
        Parse whole;

        parse(&whole, (OshHttp1Kind)kind, data, size, size > 0 ? size : 1);
        for (gsize i = size > 1500 ? 3 : 0; i < G_N_ELEMENTS(pieces); i++) {
            Parse split;

            parse(&split, (OshHttp1Kind)kind, data, size, pieces[i]);
            check_same(&whole, &split);
        }
        if (whole.status == OSH_HTTP1_COMPLETE)
            check_head(&whole, data);
    }
    return 0;
}
