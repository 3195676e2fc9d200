/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-dns-message.c: whatever a program of the box sends to its resolver, the reply is a bounded
 * response to it, with at most one record, and never for a name that the policy does not know.
 */
#include "dns-answerer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static gboolean
is_known(const char *name, gpointer data)
{
    (void)data;
    g_assert_cmpuint(strlen(name), <, OSH_DNS_NAME_SIZE);
    for (const char *at = name; *at != '\0'; at++)
        g_assert_false(g_ascii_isupper(*at));
    return name[0] == 'a';
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(4, 4);
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;
    gsize length = osh_dns_answer(names, is_known, NULL, 1, data, size, reply, &outcome);

    if (length == 0)
        return 0;
    g_assert_cmpuint(length, >=, 12);
    g_assert_cmpuint(length, <=, OSH_DNS_MESSAGE_SIZE);
    g_assert_cmpmem(reply, 2, data, 2);
    g_assert_true((reply[2] & 0x80) != 0);
    g_assert_cmpuint(reply[7], <=, 1);
    if (reply[7] == 1)
        g_assert_true(outcome.name[0] == 'a' && outcome.refused == NULL);
    return 0;
}
