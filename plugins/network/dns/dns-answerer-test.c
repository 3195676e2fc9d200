/* SPDX-License-Identifier: Apache-2.0 */
/* What a query of the box gets, byte for byte where it matters, and what names get. */
#include "dns-answerer.h"

#include <string.h>

static gboolean
known_example(const char *name, gpointer data)
{
    (void)data;
    return g_str_has_suffix(name, "example.com");
}

/* A query for @name, labels separated by dots. */
static gsize
build_query(guint8 *message, const char *name, guint16 type, guint16 klass)
{
    static const guint8 header[12] = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    gsize at = sizeof header;

    memcpy(message, header, sizeof header);
    for (char **label = labels; *label != NULL && **label != '\0'; label++) {
        message[at++] = (guint8)strlen(*label);
        memcpy(message + at, *label, strlen(*label));
        at += strlen(*label);
    }
    message[at++] = 0;
    message[at++] = (guint8)(type >> 8);
    message[at++] = (guint8)type;
    message[at++] = (guint8)(klass >> 8);
    message[at++] = (guint8)klass;
    return at;
}

static const struct {
    const char *name;
    guint16 type;
    guint16 klass;
    guint code;
    guint answers;
    gboolean refused;
} rows[] = {
    {"api.example.com", 1, 1, OSH_DNS_NOERROR, 1, FALSE},
    {"API.Example.COM", 28, 1, OSH_DNS_NOERROR, 1, FALSE},
    {"api.example.com", 65, 1, OSH_DNS_NOERROR, 0, FALSE},
    {"api.example.com", 64, 1, OSH_DNS_NOERROR, 0, FALSE},
    {"api.example.com", 16, 1, OSH_DNS_NOTIMP, 0, FALSE},
    {"api.example.com", 255, 1, OSH_DNS_NOTIMP, 0, FALSE},
    {"api.example.com", 1, 3, OSH_DNS_NOTIMP, 0, FALSE},
    {"localhost", 1, 1, OSH_DNS_NOERROR, 1, FALSE},
    {"app.localhost", 28, 1, OSH_DNS_NOERROR, 1, FALSE},
    {"localhost", 16, 1, OSH_DNS_NOERROR, 0, FALSE},
    {"notlocalhost", 1, 1, OSH_DNS_NXDOMAIN, 0, TRUE},
    {"secret-data.attacker.test", 1, 1, OSH_DNS_NXDOMAIN, 0, TRUE},
    {"secret-data.attacker.test", 16, 1, OSH_DNS_NXDOMAIN, 0, TRUE},
    {"", 1, 1, OSH_DNS_NXDOMAIN, 0, TRUE},
    {"bad\x01name.example.com", 1, 1, OSH_DNS_NXDOMAIN, 0, TRUE},
};

static void
test_row(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    guint8 query[OSH_DNS_MESSAGE_SIZE];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;
    gsize size = build_query(query, rows[i].name, rows[i].type, rows[i].klass);
    gsize length = osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome);

    g_assert_cmpuint(length, >=, size);
    g_assert_cmpuint(reply[0], ==, 0x12);
    g_assert_cmpuint(reply[1], ==, 0x34);
    g_assert_cmpuint(reply[2] & 0x80, ==, 0x80);
    g_assert_cmpuint(reply[3] & 0xf, ==, rows[i].code);
    g_assert_cmpuint(reply[7], ==, rows[i].answers);
    g_assert_cmpint(outcome.refused != NULL, ==, rows[i].refused);
    /* The question comes back as it was asked, its case included. */
    g_assert_cmpmem(reply + 12, size - 12, query + 12, size - 12);
}

static void
test_one_name_has_one_address_and_an_address_one_name(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    guint8 first[16];
    guint8 again[16];
    guint8 other[16];
    guint8 v6[16];
    guint8 mapped[16] = {[10] = 0xff, [11] = 0xff};
    static const guint8 never_given[4] = {198, 18, 0, 99};
    static const guint8 elsewhere[4] = {192, 0, 2, 1};

    osh_synthetic_names_assign(names, "a.example.com", OSH_SYNTHETIC_IPV4, 1, first);
    osh_synthetic_names_assign(names, "b.example.com", OSH_SYNTHETIC_IPV4, 1, other);
    osh_synthetic_names_assign(names, "a.example.com", OSH_SYNTHETIC_IPV4, 2, again);
    osh_synthetic_names_assign(names, "a.example.com", OSH_SYNTHETIC_IPV6, 2, v6);
    g_assert_cmpmem(first, 4, again, 4);
    g_assert_cmpint(memcmp(first, other, 4), !=, 0);
    g_assert_cmpuint(first[0], ==, 198);
    g_assert_cmpstr(osh_synthetic_names_lookup(names, first, 4), ==, "a.example.com");
    g_assert_cmpstr(osh_synthetic_names_lookup(names, other, 4), ==, "b.example.com");
    g_assert_cmpstr(osh_synthetic_names_lookup(names, v6, 16), ==, "a.example.com");
    memcpy(mapped + 12, first, 4);
    g_assert_cmpstr(osh_synthetic_names_lookup(names, mapped, 16), ==, "a.example.com");
    g_assert_null(osh_synthetic_names_lookup(names, never_given, 4));
    g_assert_true(osh_synthetic_names_contains(never_given, 4));
    g_assert_null(osh_synthetic_names_lookup(names, elsewhere, 4));
    g_assert_false(osh_synthetic_names_contains(elsewhere, 4));
}

static void
test_a_flooder_of_names_starves_itself(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(100, 3);
    guint8 address[16];

    for (guint i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("n%u.example.com", i);

        g_assert_cmpint(osh_synthetic_names_assign(names, name, OSH_SYNTHETIC_IPV4, 1, address), ==,
                        i < 3 ? OSH_SYNTHETIC_FOUND : OSH_SYNTHETIC_PROCESS_FULL);
    }
    g_assert_cmpint(
        osh_synthetic_names_assign(names, "other.example.com", OSH_SYNTHETIC_IPV4, 2, address), ==,
        OSH_SYNTHETIC_FOUND);
    g_assert_cmpint(
        osh_synthetic_names_assign(names, "n0.example.com", OSH_SYNTHETIC_IPV4, 1, address), ==,
        OSH_SYNTHETIC_FOUND);
}

static void
test_what_is_no_query_gets_no_reply_or_an_error(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    guint8 query[OSH_DNS_MESSAGE_SIZE];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;
    gsize size = build_query(query, "a.example.com", 1, 1);

    g_assert_cmpuint(osh_dns_answer(names, known_example, NULL, 0, query, 11, reply, &outcome), ==,
                     0);
    for (gsize cut = 12; cut < size; cut++) {
        g_assert_cmpuint(osh_dns_answer(names, known_example, NULL, 0, query, cut, reply, &outcome),
                         ==, 12);
        g_assert_cmpuint(reply[3] & 0xf, ==, OSH_DNS_FORMERR);
    }
    query[2] |= 0x80;
    g_assert_cmpuint(osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome),
                     ==, 0);
    query[2] = 0x29;
    g_assert_cmpuint(osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome),
                     ==, 12);
    g_assert_cmpuint(reply[3] & 0xf, ==, OSH_DNS_NOTIMP);
    query[2] = 0x01;
    /* A pointer in the question: there is nothing that it could rightly point at. */
    query[12] = 0xc0;
    osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome);
    g_assert_cmpuint(reply[3] & 0xf, ==, OSH_DNS_FORMERR);
}

static gboolean
known_all(const char *name, gpointer data)
{
    (void)name;
    (void)data;
    return TRUE;
}

/* Where a policy knows every name, what cannot be the name of a host is refused all the same. */
static void
test_what_is_no_name_of_a_host_is_refused(void)
{
    static const char *const refused[] = {"", "bad\x01name.test", "bad name.test", "a\\.test"};
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    guint8 query[OSH_DNS_MESSAGE_SIZE];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        gsize size = build_query(query, refused[i], 1, 1);

        osh_dns_answer(names, known_all, NULL, 0, query, size, reply, &outcome);
        g_assert_cmpuint(reply[3] & 0xf, ==, OSH_DNS_NXDOMAIN);
        g_assert_cmpuint(reply[7], ==, 0);
    }
    g_assert_cmpuint(osh_synthetic_names_count(names, OSH_SYNTHETIC_IPV4), ==, 0);
}

/* RFC 6891: @options bytes behind an OPT record that says it has @length. */
static gsize
add_opt(guint8 *query, gsize size, guint8 version, guint8 length, gsize options)
{
    const guint8 opt[11] = {0, 0, OSH_DNS_TYPE_OPT, 0x10, 0, 0, version, 0, 0, 0, length};

    query[11] = 1;
    memcpy(query + size, opt, sizeof opt);
    memset(query + size + sizeof opt, 0, options);
    return size + sizeof opt + options;
}

static void
test_extended_queries_get_extended_answers(void)
{
    static const struct {
        guint8 version;
        guint8 length;
        gsize options;
        guint code; /* with the upper bits of the record */
        gboolean extended;
    } opts[] = {
        {0, 0, 0, OSH_DNS_NOERROR, TRUE},  {0, 12, 12, OSH_DNS_NOERROR, TRUE},
        {1, 0, 0, OSH_DNS_BADVERS, TRUE},  {0, 4, 5, OSH_DNS_FORMERR, FALSE},
        {0, 5, 4, OSH_DNS_FORMERR, FALSE},
    };
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    guint8 query[OSH_DNS_MESSAGE_SIZE];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;

    for (gsize i = 0; i < G_N_ELEMENTS(opts); i++) {
        gsize size = build_query(query, "api.example.com", 1, 1);
        gsize length;
        guint code;

        size = add_opt(query, size, opts[i].version, opts[i].length, opts[i].options);
        length = osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome);
        code = reply[3] & 0xf;
        g_assert_cmpuint(reply[11], ==, opts[i].extended);
        if (opts[i].extended) {
            const guint8 *opt = reply + length - 11;

            g_assert_cmpuint(opt[0], ==, 0);
            g_assert_cmpuint(opt[2], ==, OSH_DNS_TYPE_OPT);
            code |= (guint)opt[5] << 4;
        }
        g_assert_cmpuint(code, ==, opts[i].code);
        g_assert_cmpuint(reply[7], ==, opts[i].code == OSH_DNS_NOERROR);
    }
}

static void
test_a_refused_name_says_that_it_is_prohibited(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(16, 16);
    static const guint8 prohibited[] = {0, 6, 0, 15, 0, 2, 0, 18};
    guint8 query[OSH_DNS_MESSAGE_SIZE];
    guint8 reply[OSH_DNS_MESSAGE_SIZE];
    OshDnsOutcome outcome;
    gsize size = build_query(query, "other.example.org", 1, 1);
    gsize length;

    size = add_opt(query, size, 0, 0, 0);
    length = osh_dns_answer(names, known_example, NULL, 0, query, size, reply, &outcome);
    g_assert_cmpuint(reply[3] & 0xf, ==, OSH_DNS_NXDOMAIN);
    g_assert_cmpmem(reply + length - sizeof prohibited, sizeof prohibited, prohibited,
                    sizeof prohibited);
}

static gpointer
assign_many(gpointer data)
{
    OshSyntheticNames *names = data;
    guint8 address[16];

    for (guint i = 0; i < 2000; i++) {
        g_autofree char *name = g_strdup_printf("n%u.example.com", i);

        g_assert_cmpint(osh_synthetic_names_assign(names, name, OSH_SYNTHETIC_IPV4, 0, address), ==,
                        OSH_SYNTHETIC_FOUND);
        g_assert_cmpstr(osh_synthetic_names_lookup(names, address, 4), ==, name);
    }
    return NULL;
}

static void
test_threads_agree_on_every_name(void)
{
    g_autoptr(OshSyntheticNames) names = osh_synthetic_names_new(10000, 10000);
    GThread *threads[4];

    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("assign", assign_many, names);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(osh_synthetic_names_count(names, OSH_SYNTHETIC_IPV4), ==, 2000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/network/dns/each-query-gets-its-answer/%zu", i);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/network/dns/one-name-has-one-address-and-an-address-one-name",
                    test_one_name_has_one_address_and_an_address_one_name);
    g_test_add_func("/network/dns/a-flooder-of-names-starves-itself",
                    test_a_flooder_of_names_starves_itself);
    g_test_add_func("/network/dns/what-is-no-query-gets-no-reply-or-an-error",
                    test_what_is_no_query_gets_no_reply_or_an_error);
    g_test_add_func("/network/dns/what-is-no-name-of-a-host-is-refused",
                    test_what_is_no_name_of_a_host_is_refused);
    g_test_add_func("/network/dns/extended-queries-get-extended-answers",
                    test_extended_queries_get_extended_answers);
    g_test_add_func("/network/dns/a-refused-name-says-that-it-is-prohibited",
                    test_a_refused_name_says_that_it_is_prohibited);
    g_test_add_func("/network/dns/threads-agree-on-every-name", test_threads_agree_on_every_name);
    return g_test_run();
}
