/* SPDX-License-Identifier: Apache-2.0 */
/* Leaf certificates: what they say, how many are kept, and that threads share the making. */
#include "leaf-cache.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

#define LIST "http://10.77.0.1:3128/openshell.crl"

typedef struct {
    OshCertificateAuthority *authority;
    OshLeafCache *cache;
    gint64 now;
} Fixture;

static void
fixture_open(Fixture *fixture, const char *list, guint capacity)
{
    g_autoptr(GError) error = NULL;
    OshLeafMint *mint;

    fixture->authority = osh_certificate_authority_new(NULL, &error);
    g_assert_no_error(error);
    mint = osh_leaf_mint_new(fixture->authority, list, &error);
    g_assert_no_error(error);
    fixture->cache = osh_leaf_cache_new(mint, capacity);
    fixture->now = g_get_real_time();
}

static void
fixture_close(Fixture *fixture)
{
    osh_leaf_cache_free(fixture->cache);
    osh_certificate_authority_free(fixture->authority);
    g_assert_cmpuint(ERR_peek_error(), ==, 0);
}

static X509 *
get(Fixture *fixture, const char *name)
{
    return osh_leaf_cache_get(fixture->cache, name, fixture->now);
}

/* As `openssl verify -x509_strict -purpose sslserver` does, with the revocation list or without. */
static int
verify(const Fixture *fixture, X509 *leaf, const char *host, const char *ip, X509_CRL *list)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *parameters;
    int result;

    X509_STORE_add_cert(store,
                        sk_X509_value(osh_certificate_authority_chain(fixture->authority), 0));
    if (list != NULL)
        X509_STORE_add_crl(store, list);
    g_assert_cmpint(X509_STORE_CTX_init(context, store, leaf, NULL), ==, 1);
    parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT |
                                                (list != NULL ? X509_V_FLAG_CRL_CHECK : 0));
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (host != NULL)
        X509_VERIFY_PARAM_set1_host(parameters, host, 0);
    if (ip != NULL)
        X509_VERIFY_PARAM_set1_ip_asc(parameters, ip);
    X509_verify_cert(context);
    result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    return result;
}

static void
assert_days(const ASN1_TIME *from, const ASN1_TIME *until, int expected)
{
    int days, seconds;

    g_assert_cmpint(ASN1_TIME_diff(&days, &seconds, from, until), ==, 1);
    g_assert_cmpint(days, ==, expected);
}

static void
test_what_a_leaf_says(void)
{
    Fixture fixture;
    X509 *leaf, *other;

    fixture_open(&fixture, LIST, 8);
    leaf = get(&fixture, "api.example.com");
    other = get(&fixture, "other.example.com");
    g_assert_cmpint(verify(&fixture, leaf, "api.example.com", NULL, NULL), ==, X509_V_OK);
    g_assert_cmpint(verify(&fixture, leaf, "other.example.com", NULL, NULL), ==,
                    X509_V_ERR_HOSTNAME_MISMATCH);
    g_assert_cmpint(X509_check_ca(leaf), ==, 0);
    g_assert_cmpuint(X509_get_key_usage(leaf), ==, KU_DIGITAL_SIGNATURE);
    g_assert_cmpuint(X509_get_extended_key_usage(leaf), ==, XKU_SSL_SERVER);
    g_assert_cmpint(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
                              X509_get0_subject_key_id(sk_X509_value(
                                  osh_certificate_authority_chain(fixture.authority), 0))),
        ==, 0);
    g_assert_nonnull(X509_get0_subject_key_id(leaf));
    assert_days(X509_get0_notBefore(leaf), X509_get0_notAfter(leaf), 8);
    g_assert_cmpint(X509_cmp_current_time(X509_get0_notBefore(leaf)), <, 0);
    g_assert_cmpint(ASN1_INTEGER_cmp(X509_get0_serialNumber(leaf), X509_get0_serialNumber(other)),
                    !=, 0);
    /* One key for all. */
    g_assert_cmpint(EVP_PKEY_eq(X509_get0_pubkey(leaf), X509_get0_pubkey(other)), ==, 1);
    g_assert_cmpint(
        EVP_PKEY_eq(X509_get0_pubkey(leaf), osh_certificate_authority_key(fixture.authority)), ==,
        0);
    X509_free(leaf);
    X509_free(other);
    fixture_close(&fixture);
}

static void
test_addresses(void)
{
    Fixture fixture;
    X509 *v4, *v6;

    fixture_open(&fixture, NULL, 8);
    v4 = get(&fixture, "10.77.0.1");
    v6 = get(&fixture, "2001:db8::1");
    g_assert_cmpint(verify(&fixture, v4, NULL, "10.77.0.1", NULL), ==, X509_V_OK);
    g_assert_cmpint(verify(&fixture, v4, NULL, "10.77.0.2", NULL), ==,
                    X509_V_ERR_IP_ADDRESS_MISMATCH);
    g_assert_cmpint(verify(&fixture, v6, NULL, "2001:db8::1", NULL), ==, X509_V_OK);
    g_assert_cmpint(verify(&fixture, v6, NULL, "10.77.0.1", NULL), ==,
                    X509_V_ERR_IP_ADDRESS_MISMATCH);
    X509_free(v4);
    X509_free(v6);
    fixture_close(&fixture);
}

static void
test_long_names(void)
{
    g_autofree char *label = g_strnfill(63, 'a');
    g_autofree char *fits = g_strdup_printf("%s.%s.%s.%.61s", label, label, label, label);
    g_autofree char *longer = g_strconcat(fits, "a", NULL);
    Fixture fixture;
    X509 *leaf;

    fixture_open(&fixture, NULL, 8);
    g_assert_cmpuint(strlen(fits), ==, 253);
    leaf = get(&fixture, fits);
    g_assert_cmpint(verify(&fixture, leaf, fits, NULL, NULL), ==, X509_V_OK);
    X509_free(leaf);
    g_assert_null(get(&fixture, longer));
    g_assert_null(get(&fixture, longer));
    g_assert_cmpuint(osh_leaf_cache_size(fixture.cache), ==, 1);
    fixture_close(&fixture);
}

static void
test_the_list_is_where_the_leaf_says(void)
{
    for (guint i = 0; i < 2; i++) {
        Fixture fixture;
        CRL_DIST_POINTS *points;
        X509 *leaf;

        fixture_open(&fixture, i == 0 ? NULL : LIST, 8);
        leaf = get(&fixture, "api.example.com");
        points = X509_get_ext_d2i(leaf, NID_crl_distribution_points, NULL, NULL);
        g_assert_cmpint(points != NULL, ==, i == 1);
        if (points != NULL) {
            const DIST_POINT *point = sk_DIST_POINT_value(points, 0);
            const GENERAL_NAME *name = sk_GENERAL_NAME_value(point->distpoint->name.fullname, 0);

            g_assert_cmpint(sk_DIST_POINT_num(points), ==, 1);
            g_assert_cmpint(name->type, ==, GEN_URI);
            g_assert_cmpmem(ASN1_STRING_get0_data(name->d.ia5), ASN1_STRING_length(name->d.ia5),
                            LIST, strlen(LIST));
        }
        CRL_DIST_POINTS_free(points);
        X509_free(leaf);
        fixture_close(&fixture);
    }
}

static void
test_the_list(void)
{
    Fixture fixture;
    g_autoptr(GBytes) der = NULL;
    const guint8 *at;
    X509_CRL *list;
    X509 *leaf;
    gsize length;

    fixture_open(&fixture, LIST, 8);
    der = osh_certificate_authority_revocation_list(fixture.authority);
    at = g_bytes_get_data(der, &length);
    list = d2i_X509_CRL(NULL, &at, (long)length);
    g_assert_nonnull(list);
    g_assert_true(at == (const guint8 *)g_bytes_get_data(der, NULL) + length);
    g_assert_null(X509_CRL_get_REVOKED(list));
    g_assert_cmpint(X509_CRL_get_version(list), ==, X509_CRL_VERSION_2);
    g_assert_cmpint(X509_CRL_verify(list, osh_certificate_authority_key(fixture.authority)), ==, 1);
    assert_days(X509_CRL_get0_lastUpdate(list), X509_CRL_get0_nextUpdate(list), 8);
    g_assert_cmpint(X509_CRL_get_ext_by_NID(list, NID_crl_number, -1), >=, 0);
    g_assert_cmpint(X509_CRL_get_ext_by_NID(list, NID_authority_key_identifier, -1), >=, 0);
    leaf = get(&fixture, "api.example.com");
    g_assert_cmpint(verify(&fixture, leaf, "api.example.com", NULL, list), ==, X509_V_OK);
    X509_free(leaf);
    X509_CRL_free(list);
    fixture_close(&fixture);
}

static void
test_the_least_recently_used_goes(void)
{
    Fixture fixture;

    fixture_open(&fixture, NULL, 2);
    for (guint i = 0; i < 2; i++) {
        X509_free(get(&fixture, "a"));
        X509_free(get(&fixture, "b"));
    }
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 2);
    X509_free(get(&fixture, "a"));
    X509_free(get(&fixture, "c"));
    g_assert_cmpuint(osh_leaf_cache_size(fixture.cache), ==, 2);
    X509_free(get(&fixture, "a"));
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 3);
    X509_free(get(&fixture, "b"));
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 4);
    fixture_close(&fixture);
}

static void
test_one_that_runs_out_is_made_anew(void)
{
    Fixture fixture;

    fixture_open(&fixture, NULL, 2);
    X509_free(get(&fixture, "a"));
    fixture.now += 4 * G_TIME_SPAN_DAY;
    X509_free(get(&fixture, "a"));
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 1);
    fixture.now += 2 * G_TIME_SPAN_DAY;
    X509_free(get(&fixture, "a"));
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 2);
    /* A clock that was set back. */
    fixture.now -= 9 * G_TIME_SPAN_DAY;
    X509_free(get(&fixture, "a"));
    g_assert_cmpuint(osh_leaf_cache_minted(fixture.cache), ==, 3);
    g_assert_cmpuint(osh_leaf_cache_size(fixture.cache), ==, 1);
    fixture_close(&fixture);
}

#define THREADS 4
#define NAMES   200

typedef struct {
    Fixture fixture;
    pthread_barrier_t barrier;
    X509 *leaves[THREADS][NAMES];
} Race;

typedef struct {
    Race *race;
    guint number;
} Runner;

static gpointer
run(gpointer data)
{
    const Runner *runner = data;
    Race *race = runner->race;

    for (guint i = 0; i < NAMES; i++) {
        /* Every tenth is no name. */
        g_autofree char *name =
            g_strdup_printf(i % 10 == 9 ? "no name %u" : "host%u.example.com", i);

        pthread_barrier_wait(&race->barrier);
        race->leaves[runner->number][i] =
            osh_leaf_cache_get(race->fixture.cache, name, race->fixture.now);
    }
    return NULL;
}

static void
test_threads_share_the_making(void)
{
    g_autofree Race *race = g_new0(Race, 1);
    pthread_t threads[THREADS];
    Runner runners[THREADS];

    fixture_open(&race->fixture, NULL, 4 * NAMES);
    pthread_barrier_init(&race->barrier, NULL, THREADS);
    for (guint i = 0; i < THREADS; i++) {
        runners[i] = (Runner){race, i};
        g_assert_cmpint(pthread_create(&threads[i], NULL, run, &runners[i]), ==, 0);
    }
    for (guint i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(osh_leaf_cache_minted(race->fixture.cache), ==, NAMES - NAMES / 10);
    for (guint i = 0; i < NAMES; i++)
        for (guint k = 0; k < THREADS; k++) {
            g_assert_true(race->leaves[k][i] == race->leaves[0][i]);
            g_assert_cmpint(race->leaves[k][i] == NULL, ==, i % 10 == 9);
            X509_free(race->leaves[k][i]);
        }
    pthread_barrier_destroy(&race->barrier);
    fixture_close(&race->fixture);
}

/* With room for one, so that what threads wait for is pushed out meanwhile. */
static void
test_threads_and_a_small_cache(void)
{
    g_autofree Race *race = g_new0(Race, 1);
    pthread_t threads[THREADS];
    Runner runners[THREADS];

    fixture_open(&race->fixture, NULL, 1);
    /* Each waits for itself alone: they drift apart. */
    pthread_barrier_init(&race->barrier, NULL, 1);
    for (guint i = 0; i < THREADS; i++) {
        runners[i] = (Runner){race, i};
        g_assert_cmpint(pthread_create(&threads[i], NULL, run, &runners[i]), ==, 0);
    }
    for (guint i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpuint(osh_leaf_cache_size(race->fixture.cache), <=, THREADS);
    for (guint i = 0; i < NAMES; i++)
        for (guint k = 0; k < THREADS; k++) {
            g_assert_cmpint(race->leaves[k][i] == NULL, ==, i % 10 == 9);
            X509_free(race->leaves[k][i]);
        }
    pthread_barrier_destroy(&race->barrier);
    fixture_close(&race->fixture);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/leaf/a leaf is for one name, for servers, for a week",
                    test_what_a_leaf_says);
    g_test_add_func("/network/leaf/an address is named as one", test_addresses);
    g_test_add_func("/network/leaf/a name as long as names can be", test_long_names);
    g_test_add_func("/network/leaf/a leaf says where the revocation list is",
                    test_the_list_is_where_the_leaf_says);
    g_test_add_func("/network/leaf/the revocation list is empty, signed, and enough for a strict "
                    "client",
                    test_the_list);
    g_test_add_func("/network/leaf/the least recently used leaf is given up",
                    test_the_least_recently_used_goes);
    g_test_add_func("/network/leaf/a leaf is made anew before it runs out",
                    test_one_that_runs_out_is_made_anew);
    g_test_add_func("/network/leaf/threads that want a name at once have it made once",
                    test_threads_share_the_making);
    g_test_add_func("/network/leaf/threads and a cache that is too small",
                    test_threads_and_a_small_cache);
    return g_test_run();
}
