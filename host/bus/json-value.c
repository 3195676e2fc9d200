/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-value.c: writes numbers and booleans as JSON, whatever the locale.
 */
#include "json-value.h"

#define DECIMALS_MAX 20 /* of 2^64 - 1 */

void
osh_json_append_padded(GString *line, guint64 number, guint width)
{
    char digits[DECIMALS_MAX];
    gsize at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || sizeof digits - at < width);
    g_string_append_len(line, digits + at, (gssize)(sizeof digits - at));
}

void
osh_json_append_unsigned(GString *line, guint64 number)
{
    osh_json_append_padded(line, number, 1);
}

void
osh_json_append_signed(GString *line, gint64 number)
{
    if (number < 0)
        g_string_append_c(line, '-');
    osh_json_append_unsigned(line, number < 0 ? -(guint64)number : (guint64)number);
}

void
osh_json_append_double(GString *line, double number)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    /* JSON has neither infinities nor NaN. */
    if (number - number != 0)
        g_string_append(line, "null");
    else
        g_string_append(line, g_ascii_dtostr(buffer, sizeof(buffer), number));
}

void
osh_json_append_boolean(GString *line, gboolean truth)
{
    g_string_append(line, truth ? "true" : "false");
}
