/* SPDX-License-Identifier: Apache-2.0 */
/* A number has one text, however it was written; and reads back from it. */
#include "jsonrpc-fixture.h"

static void
test_a_number_has_one_text(void)
{
    static const char *const rows[][2] = {
        {"1e2", "100"},
        {"100.0", "100"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"0.10", "0.1"},
        {"1.50", "1.5"},
        {"-12", "-12"},
        {"9007199254740991", "9007199254740991"},
        {"-9007199254740992", "-9007199254740992"},
        {"9007199254740993", "9007199254740992"},
        {"1e300", "1e300"},
        {"1e-5", "1e-5"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"18446744073709551616", "1.8446744073709552e19"},
        {"123456.5", "123456.5"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OshJsonLimits limits = {.flags = OSH_JSON_LARGE_INTEGERS};
        json_t *number = osh_json_load(osh_span(rows[i][0]), &limits, NULL);
        char text[JSONRPC_NUMBER_SIZE];

        g_assert_nonnull(number);
        jsonrpc_number_text(number, text);
        g_assert_cmpstr(text, ==, rows[i][1]);
        g_assert_cmpfloat(g_ascii_strtod(text, NULL), ==, json_number_value(number));
        json_decref(number);
    }
}

static void
test_numbers_read_back(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);

    for (guint i = 0; i < 20000; i++) {
        guint64 bits = ((guint64)g_rand_int(random) << 32) | g_rand_int(random);
        union {
            guint64 bits;
            double number;
        } value = {.bits = bits};
        char text[JSONRPC_NUMBER_SIZE];
        json_t *number = json_real(value.number);

        if (number == NULL)
            continue;
        jsonrpc_number_text(number, text);
        g_assert_cmpfloat(g_ascii_strtod(text, NULL), ==, value.number);
        json_decref(number);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/l7-jsonrpc/params/a-number-has-one-text", test_a_number_has_one_text);
    g_test_add_func("/l7-jsonrpc/params/numbers-read-back", test_numbers_read_back);
    return g_test_run();
}
