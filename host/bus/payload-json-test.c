/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads as JSON from their bytes: well-formed ones, other ones, and broken ones. */
#include "payload-json.h"

#include <string.h>

/* Returns: (nullable): what is written of @payload, which is consumed. */
static char *
json_of(GVariant *payload)
{
    g_autoptr(GString) line = g_string_new("before");
    gboolean written = osh_payload_append_json(line, payload);

    g_variant_unref(payload);
    g_assert_true(g_str_has_prefix(line->str, "before"));
    if (!written)
        g_assert_cmpuint(line->len, ==, strlen("before"));
    return written ? g_strdup(line->str + strlen("before")) : NULL;
}

static void
test_payload_is_written_from_its_bytes(void)
{
    static const struct {
        const char *payload;
        const char *json;
    } rows[] = {
        {"(@a{sv} {},)", "[{}]"},
        {"(byte 0xff, int16 -32768, uint16 65535, @a{sv} {})", "[255,-32768,65535,{}]"},
        {"(true, int32 -5, false, uint32 4294967295, @a{sv} {})", "[true,-5,false,4294967295,{}]"},
        {"('a', int64 -7, '', uint64 18446744073709551615, 'b', @a{sv} {})",
         "[\"a\",-7,\"\",18446744073709551615,\"b\",{}]"},
        {"(0.5, 'x\"y', {'k': <byte 7>})", "[0.5,\"x\\\"y\",{\"k\":7}]"},
        {"('a', {'s': <'text'>, 't': <true>, 'u': <uint32 9>, 'x': <int64 -1>, 'd': <2.5>})",
         "[\"a\",{\"s\":\"text\",\"t\":true,\"u\":9,\"x\":-1,\"d\":2.5}]"},
        {"('a', {'list': <['b', '', 'c']>, 'none': <@as []>})",
         "[\"a\",{\"list\":[\"b\",\"\",\"c\"],\"none\":[]}]"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *json = json_of(g_variant_ref_sink(g_variant_new_parsed(rows[i].payload)));

        g_assert_cmpstr(json, ==, rows[i].json);
    }
}

/* With framing offsets of one, two and four bytes. */
static void
test_long_texts_are_whole(void)
{
    static const guint lengths[] = {100, 200, 255, 256, 1000, 65000, 65535, 65536, 200000};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *text = g_strnfill(lengths[i], 'x');
        g_autofree char *expected =
            g_strdup_printf("[\"%s\",1,\"%s\",{\"k\":\"%s\",\"l\":2}]", text, text, text);
        g_autofree char *json = json_of(g_variant_ref_sink(
            g_variant_new_parsed("(%s, 1, %s, {'k': <%s>, 'l': <2>})", text, text, text)));

        g_assert_cmpstr(json, ==, expected);
    }
}

static void
test_other_types_are_left_to_others(void)
{
    static const char *const payloads[] = {
        "('a',)",
        "('a', @a{ss} {})",
        "('a', @a{sv} {}, 'b')",
        "(('a', 'b'), @a{sv} {})",
        "(['a'], @a{sv} {})",
        "'a'",
        "@a{sv} {}",
        "(@ms nothing, @a{sv} {})",
        "('a', {'k': <{'o': <'x'>}>})",
        "('a', {'k': <(1, 2)>})",
        "('a', {'k': <<'x'>>})",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++)
        g_assert_null(json_of(g_variant_ref_sink(g_variant_new_parsed(payloads[i]))));
}

/* Each from memory of its very size, so that a sanitizer sees a byte too much. */
static void
test_broken_bytes_are_refused_or_written(void)
{
    g_autoptr(GVariant) whole = g_variant_ref_sink(g_variant_new_parsed(
        "('a', uint64 1, 'bc', uint16 2, {'k': <'text'>, 'n': <uint32 9>, 'l': <['x', 'y']>})"));
    gsize size = g_variant_get_size(whole);
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    guint written = 0;
    guint normal = 0;

    for (guint i = 0; i < 50000; i++) {
        gsize length = i % 2 == 0 ? size : (gsize)g_rand_int_range(random, 0, (gint32)size + 1);
        guint8 *data = g_memdup2(g_variant_get_data(whole), MAX(length, 1));
        guint changes = (guint)g_rand_int_range(random, 0, 4);
        GVariant *payload;
        g_autofree char *json = NULL;
        gboolean is_normal;

        for (guint k = 0; k < changes && length > 0; k++)
            data[g_rand_int_range(random, 0, (gint32)length)] = (guint8)g_rand_int(random);
        payload = g_variant_ref_sink(
            g_variant_new_from_data(g_variant_get_type(whole), data, length, FALSE, g_free, data));
        is_normal = g_variant_is_normal_form(payload);
        json = json_of(payload);
        written += json != NULL;
        normal += is_normal;
    }
    g_assert_cmpuint(normal, >, 0);
    g_assert_cmpuint(written, >=, normal / 2);
    g_assert_cmpuint(written, <, 50000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/payload-json/a-payload-is-written-from-its-bytes",
                    test_payload_is_written_from_its_bytes);
    g_test_add_func("/host/payload-json/long-texts-are-whole", test_long_texts_are_whole);
    g_test_add_func("/host/payload-json/other-types-are-left-to-others",
                    test_other_types_are_left_to_others);
    g_test_add_func("/host/payload-json/broken-bytes-are-refused-or-written",
                    test_broken_bytes_are_refused_or_written);
    return g_test_run();
}
