/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings are undone in their limits, however the body is split. */
#include "osh-content-decoder.h"

#include <brotli/encode.h>
#include <string.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16)
#define WINDOW_ZLIB 15
#define WINDOW_RAW  (-15)
#define MEBIBYTE    (1024 * 1024)

/* --- Encoding ----------------------------------------------------------------------------------
 */

static GByteArray *
deflated(const char *text, gsize length, int window)
{
    GByteArray *bytes = g_byte_array_new();
    z_stream stream = {0};

    g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_byte_array_set_size(bytes, (guint)deflateBound(&stream, length) + 32);
    stream.next_in = (Bytef *)text;
    stream.avail_in = (uInt)length;
    stream.next_out = bytes->data;
    stream.avail_out = bytes->len;
    g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(bytes, (guint)stream.total_out);
    deflateEnd(&stream);
    return bytes;
}

static GByteArray *
brotli(const char *text, gsize length, int window)
{
    GByteArray *bytes = g_byte_array_new();
    gsize size = BrotliEncoderMaxCompressedSize(length) + 64;

    g_byte_array_set_size(bytes, (guint)size);
    g_assert_true(BrotliEncoderCompress(5, window, BROTLI_MODE_GENERIC, length,
                                        (const guint8 *)text, &size, bytes->data));
    g_byte_array_set_size(bytes, (guint)size);
    return bytes;
}

static GByteArray *
encoded(OshContentCoding coding, const char *text, gsize length)
{
    return coding == OSH_CONTENT_BR
               ? brotli(text, length, BROTLI_DEFAULT_WINDOW)
               : deflated(text, length, coding == OSH_CONTENT_GZIP ? WINDOW_GZIP : WINDOW_ZLIB);
}

/* Text that does not compress well. */
static char *
noise(gsize length)
{
    char *text = g_malloc(length);
    guint32 state = 1;

    for (gsize i = 0; i < length; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (char)(' ' + (state >> 24) % 64);
    }
    return text;
}

/* --- Decoding ----------------------------------------------------------------------------------
 */

static OshContentProblem
decode_in_steps(OshContentCoding coding, const OshContentLimits *limits, OshSpan bytes, gsize step,
                GByteArray *decoded)
{
    g_autoptr(OshContentDecoder) decoder = osh_content_decoder_new(coding, limits);
    OshContentProblem problem = OSH_CONTENT_FINE;
    gsize at = 0;

    do {
        gsize wanted = step > 0 ? step : (gsize)g_test_rand_int_range(0, 9000);
        gsize length = MIN(wanted, bytes.length - at);
        g_autofree char *copy = g_memdup2(bytes.data + at, length);

        problem = osh_content_decoder_feed(decoder, (OshSpan){copy, length},
                                           at + length == bytes.length, decoded);
        at += length;
    } while (at < bytes.length);
    g_assert_cmpuint(decoded->len, <=, limits->max_bytes);
    return problem;
}

/* Whole, byte by byte and at random places, which must agree. */
static OshContentProblem
decode_with(OshContentCoding coding, const OshContentLimits *limits, const GByteArray *bytes,
            GByteArray **ret_decoded)
{
    OshSpan span = {(const char *)bytes->data, bytes->len};
    const gsize steps[] = {1, 4095, 4096, 4097, 0};
    GByteArray *whole = g_byte_array_new();
    OshContentProblem problem = decode_in_steps(coding, limits, span, MAX(span.length, 1), whole);

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GByteArray) again = g_byte_array_new();

        g_assert_cmpint(decode_in_steps(coding, limits, span, steps[i], again), ==, problem);
        g_assert_cmpmem(again->data, again->len, whole->data, whole->len);
    }
    if (ret_decoded != NULL)
        *ret_decoded = whole;
    else
        g_byte_array_unref(whole);
    return problem;
}

static void
assert_decoded(OshContentCoding coding, const GByteArray *bytes, const char *text, gsize length)
{
    const OshContentLimits limits = {.max_bytes = length};
    g_autoptr(GByteArray) decoded = NULL;

    g_assert_cmpstr(osh_content_problem_name(decode_with(coding, &limits, bytes, &decoded)), ==,
                    "fine");
    g_assert_cmpmem(decoded->data, decoded->len, text, length);
}

static void
assert_problem(OshContentCoding coding, const GByteArray *bytes, guint64 max_bytes,
               const char *problem)
{
    const OshContentLimits limits = {.max_bytes = max_bytes};

    g_assert_cmpstr(osh_content_problem_name(decode_with(coding, &limits, bytes, NULL)), ==,
                    problem);
}

/* --- Tests -------------------------------------------------------------------------------------
 */

static void
test_each_coding_is_undone(gconstpointer data)
{
    OshContentCoding coding = (OshContentCoding)GPOINTER_TO_UINT(data);
    const gsize lengths[] = {0, 1, 5000, 100000};
    g_autofree char *text = noise(100000);

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GByteArray) bytes = encoded(coding, text, lengths[i]);

        assert_decoded(coding, bytes, text, lengths[i]);
    }
}

static void
test_the_limit_counts_decoded_bytes(gconstpointer data)
{
    OshContentCoding coding = (OshContentCoding)GPOINTER_TO_UINT(data);
    g_autofree char *text = noise(50000);
    g_autofree char *zeros = g_malloc0(8 * MEBIBYTE);
    g_autoptr(GByteArray) bytes = encoded(coding, text, 50000);
    g_autoptr(GByteArray) bomb = encoded(coding, zeros, 8 * MEBIBYTE);

    assert_problem(coding, bytes, 50000, "fine");
    assert_problem(coding, bytes, 49999, "too-large");
    assert_problem(coding, bytes, 0, "too-large");
    assert_problem(coding, bomb, 65536, "too-large");
    assert_problem(coding, bomb, 6 * MEBIBYTE, "too-dense");
}

static void
test_a_ratio_is_counted_from_64_kib(void)
{
    g_autofree char *zeros = g_malloc0(OSH_CONTENT_RATIO_FROM + 1);
    g_autoptr(GByteArray) small = encoded(OSH_CONTENT_GZIP, zeros, OSH_CONTENT_RATIO_FROM);
    g_autoptr(GByteArray) more = encoded(OSH_CONTENT_GZIP, zeros, OSH_CONTENT_RATIO_FROM + 1);
    OshContentLimits limits = {.max_bytes = MEBIBYTE};

    assert_problem(OSH_CONTENT_GZIP, small, MEBIBYTE, "fine");
    assert_problem(OSH_CONTENT_GZIP, more, MEBIBYTE, "too-dense");
    limits.max_ratio = (OSH_CONTENT_RATIO_FROM + 1) / more->len + 1;
    g_assert_cmpint(decode_with(OSH_CONTENT_GZIP, &limits, more, NULL), ==, OSH_CONTENT_FINE);
    limits.max_ratio--;
    g_assert_cmpint(decode_with(OSH_CONTENT_GZIP, &limits, more, NULL), ==, OSH_CONTENT_TOO_DENSE);
}

static void
test_what_is_cut_off_or_goes_on_is_refused(gconstpointer data)
{
    OshContentCoding coding = (OshContentCoding)GPOINTER_TO_UINT(data);
    const gsize more[] = {1, 4096};
    g_autoptr(GByteArray) bytes = encoded(coding, "{\"a\": 1}", 8);
    g_autoptr(GByteArray) second = encoded(coding, "b", 1);
    guint whole = bytes->len;

    for (guint cut = 0; cut < whole; cut++) {
        g_autoptr(GByteArray) part = g_byte_array_new();

        g_byte_array_append(part, bytes->data, cut);
        assert_problem(coding, part, 100, "truncated");
    }
    /* Some readers join two members, others stop behind the first. */
    g_byte_array_append(bytes, second->data, second->len);
    assert_problem(coding, bytes, 100, "trailing");
    for (gsize i = 0; i < G_N_ELEMENTS(more); i++) {
        g_byte_array_set_size(bytes, whole + (guint)more[i]);
        memset(bytes->data + whole, 0, more[i]);
        assert_problem(coding, bytes, 100, "trailing");
    }
}

static void
test_what_ends_with_a_block_may_not_go_on(void)
{
    g_autofree char *text = noise(8192);
    g_autoptr(GByteArray) bytes = NULL;
    gsize length = 4096;

    /* Of which size it is encoded depends on the text. */
    do {
        g_clear_pointer(&bytes, g_byte_array_unref);
        bytes = deflated(text, length++, WINDOW_GZIP);
    } while (bytes->len < 4096 && length < 8192);
    if (bytes->len == 4096) {
        assert_problem(OSH_CONTENT_GZIP, bytes, 8192, "fine");
        g_byte_array_append(bytes, (const guint8 *)"", 1);
        assert_problem(OSH_CONTENT_GZIP, bytes, 8192, "trailing");
    }
    g_assert_cmpuint(bytes->len, >=, 4096);
}

static void
test_what_is_of_another_coding_is_refused(void)
{
    g_autoptr(GByteArray) gzip = deflated("{\"a\": 1}", 8, WINDOW_GZIP);
    g_autoptr(GByteArray) zlib = deflated("{\"a\": 1}", 8, WINDOW_ZLIB);
    g_autoptr(GByteArray) plain = g_byte_array_new();
    guint sum = gzip->len - 8;

    g_byte_array_append(plain, (const guint8 *)"{\"a\": 1}", 8);
    assert_problem(OSH_CONTENT_GZIP, plain, 100, "broken");
    assert_problem(OSH_CONTENT_GZIP, zlib, 100, "broken");
    assert_problem(OSH_CONTENT_DEFLATE, gzip, 100, "broken");
    assert_problem(OSH_CONTENT_DEFLATE, plain, 100, "broken");
    assert_problem(OSH_CONTENT_BR, gzip, 100, "broken");
    gzip->data[sum] ^= 1;
    assert_problem(OSH_CONTENT_GZIP, gzip, 100, "broken");
    zlib->data[zlib->len - 1] ^= 1;
    assert_problem(OSH_CONTENT_DEFLATE, zlib, 100, "broken");
}

static void
test_deflate_is_read_with_and_without_its_header(void)
{
    g_autofree char *text = noise(9000);
    g_autoptr(GByteArray) raw = deflated(text, 9000, WINDOW_RAW);
    g_autoptr(GByteArray) dictionary = g_byte_array_new();
    /* Stored, of one byte, which is "x"; the bits that fill up its first byte make it the first of
     * a zlib stream, and the size makes the second. */
    static const guint8 both[] = {0x78, 0x01, 0x00, 0xfe, 0xff, 'x', 0x03, 0x00};
    static const guint8 stored[] = {0x00, 0x01, 0x00, 0xfe, 0xff, 'x', 0x03, 0x00};
    static const guint8 needs_dictionary[] = {0x78, 0xbb, 0x00, 0x00, 0x00, 0x01, 0x03, 0x00};
    g_autoptr(GByteArray) ambiguous = g_byte_array_new();
    g_autoptr(GByteArray) plain = g_byte_array_new();

    assert_decoded(OSH_CONTENT_DEFLATE, raw, text, 9000);
    g_byte_array_append(plain, stored, sizeof stored);
    assert_decoded(OSH_CONTENT_DEFLATE, plain, "x", 1);
    g_byte_array_append(ambiguous, both, sizeof both);
    assert_problem(OSH_CONTENT_DEFLATE, ambiguous, 100, "ambiguous");
    g_byte_array_append(dictionary, needs_dictionary, sizeof needs_dictionary);
    assert_problem(OSH_CONTENT_DEFLATE, dictionary, 100, "broken");
}

/* The stream names a window of 16 MiB, and a first block of that size, which is stored. */
static void
test_brotli_gets_no_more_memory_than_fits_the_limit(void)
{
    static const guint8 promises[] = {0xcf, 0xff, 0xff, 0xff, 'x', 'x', 'x', 'x'};
    g_autofree char *text = noise(3 * MEBIBYTE);
    g_autoptr(GByteArray) large = brotli(text, 3 * MEBIBYTE, BROTLI_MAX_WINDOW_BITS);
    g_autoptr(GByteArray) small = brotli(text, 1000, BROTLI_MAX_WINDOW_BITS);
    g_autoptr(GByteArray) promise = g_byte_array_new();

    assert_decoded(OSH_CONTENT_BR, large, text, 3 * MEBIBYTE);
    assert_decoded(OSH_CONTENT_BR, small, text, 1000);
    g_byte_array_append(promise, promises, sizeof promises);
    assert_problem(OSH_CONTENT_BR, promise, 1000, "too-large");
    assert_problem(OSH_CONTENT_BR, promise, 16 * MEBIBYTE, "truncated");
}

static void
test_a_problem_stays(void)
{
    const OshContentLimits limits = {.max_bytes = 100};
    g_autoptr(OshContentDecoder) decoder = osh_content_decoder_new(OSH_CONTENT_GZIP, &limits);
    g_autoptr(GByteArray) bytes = deflated("a", 1, WINDOW_GZIP);
    g_autoptr(GByteArray) decoded = g_byte_array_new();

    g_assert_cmpint(osh_content_decoder_feed(decoder, osh_span("no gzip"), TRUE, decoded), ==,
                    OSH_CONTENT_BROKEN);
    g_assert_cmpint(osh_content_decoder_feed(
                        decoder, (OshSpan){(const char *)bytes->data, bytes->len}, TRUE, decoded),
                    ==, OSH_CONTENT_BROKEN);
    g_assert_cmpuint(decoded->len, ==, 0);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *sentence;
        GTestDataFunc test;
    } tests[] = {
        {"is undone", test_each_coding_is_undone},
        {"is limited by what was decoded", test_the_limit_counts_decoded_bytes},
        {"that is cut off or goes on is refused", test_what_is_cut_off_or_goes_on_is_refused},
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < OSH_CONTENT_CODINGS; i++)
        for (gsize k = 0; k < G_N_ELEMENTS(tests); k++) {
            OshContentCoding coding = osh_content_coding_at(i);
            g_autofree char *path = g_strdup_printf(
                "/content-decoder/%s %s", osh_content_coding_name(coding), tests[k].sentence);

            g_test_add_data_func(path, GUINT_TO_POINTER(coding), tests[k].test);
        }
    g_test_add_func("/content-decoder/a ratio is counted from 64 KiB",
                    test_a_ratio_is_counted_from_64_kib);
    g_test_add_func("/content-decoder/what ends with a block may not go on",
                    test_what_ends_with_a_block_may_not_go_on);
    g_test_add_func("/content-decoder/what is of another coding is refused",
                    test_what_is_of_another_coding_is_refused);
    g_test_add_func("/content-decoder/deflate is read with and without its header",
                    test_deflate_is_read_with_and_without_its_header);
    g_test_add_func("/content-decoder/brotli gets no more memory than fits the limit",
                    test_brotli_gets_no_more_memory_than_fits_the_limit);
    g_test_add_func("/content-decoder/a problem stays", test_a_problem_stays);
    return g_test_run();
}
