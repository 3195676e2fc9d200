/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and roots from files: what is taken, and in which words the rest is refused.
 */
#include "pem-file.h"

#include "certificate-authority.h"
#include "tls-fixture.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const TlsSpec authority_spec = {.common_name = "Corporate CA", .is_authority = TRUE};
static const TlsSpec server_spec = {.common_name = "x", .names = "DNS:a.example.com"};

static void
expect_refusal(const OshTlsSettings *settings, const char *file, const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(osh_tls_engine_new(settings, &error));
    g_assert_nonnull(error);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, words));
    if (file != NULL)
        g_assert_nonnull(strstr(error->message, file));
    g_assert_null(strstr(error->message, "PRIVATE"));
    g_assert_cmpuint(ERR_peek_error(), ==, 0);
}

static void
test_an_authority_from_files(void)
{
    TlsPair pair = tls_pair_new(NULL, &authority_spec);
    g_autofree char *certificate = tls_certificate_text(pair.certificate);
    g_autofree char *key = tls_key_text(pair.key, NULL);
    g_autoptr(OshTlsEngine) engine = NULL;
    g_autoptr(GError) error = NULL;
    OshTlsSettings settings = {0};
    SSL_CTX *context;
    TlsFolder folder;
    TlsLink link;

    tls_folder_open(&folder);
    settings.authority_certificate = tls_folder_write(&folder, "ca.pem", certificate, 0644);
    settings.authority_key = tls_folder_write(&folder, "ca.key", key, 0640);
    engine = osh_tls_engine_new(&settings, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(osh_tls_engine_authority_pem(engine), ==, certificate);
    context = tls_client_context(certificate);
    tls_link_open(&link, 0);
    tls_link_peer(&link, context, "a.example.com");
    tls_link_serve(&link, engine, "a.example.com", NULL);
    tls_link_shake(&link);
    g_assert_cmpint(SSL_get_verify_result(link.peer), ==, X509_V_OK);
    tls_link_echo(&link);
    tls_link_close(&link);
    SSL_CTX_free(context);
    tls_folder_close(&folder);
    tls_pair_clear(&pair);
}

static void
test_keys_that_are_refused(void)
{
    static const struct {
        guint mode;
        const char *words;
    } rows[] = {{0644, "others can read"},
                {0602, "others can read or write"},
                {0620, "its group can write"}};
    TlsPair pair = tls_pair_new(NULL, &authority_spec);
    TlsPair other = tls_pair_new(NULL, &authority_spec);
    g_autofree char *certificate = tls_certificate_text(pair.certificate);
    g_autofree char *key = tls_key_text(pair.key, NULL);
    g_autofree char *wrong = tls_key_text(other.key, NULL);
    g_autofree char *encrypted = tls_key_text(pair.key, "secret");
    g_autofree char *missing = NULL;
    OshTlsSettings settings = {0};
    TlsFolder folder;

    tls_folder_open(&folder);
    settings.authority_certificate = tls_folder_write(&folder, "ca.pem", certificate, 0644);
    expect_refusal(&settings, NULL, "needs a file of its certificate and a file of its key");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        settings.authority_key = tls_folder_write(&folder, "ca.key", key, rows[i].mode);
        expect_refusal(&settings, "ca.key", rows[i].words);
        unlink(settings.authority_key);
    }
    settings.authority_key = tls_folder_write(&folder, "wrong.key", wrong, 0600);
    expect_refusal(&settings, "wrong.key", "is not the one of the first certificate");
    settings.authority_key = tls_folder_write(&folder, "locked.key", encrypted, 0600);
    expect_refusal(&settings, "locked.key", "encrypted");
    settings.authority_key = tls_folder_write(&folder, "garbage.key", "no key", 0600);
    expect_refusal(&settings, "garbage.key", "no private key");
    settings.authority_key = folder.path;
    expect_refusal(&settings, folder.path, "no regular file");
    missing = g_build_filename(folder.path, "missing", NULL);
    settings.authority_key = missing;
    expect_refusal(&settings, missing, "No such file");
    g_assert_cmpint(mkfifo(missing, 0600), ==, 0);
    expect_refusal(&settings, missing, "no regular file");
    unlink(missing);
    tls_folder_close(&folder);
    tls_pair_clear(&pair);
    tls_pair_clear(&other);
}

static void
test_a_key_of_another_user(void)
{
    TlsPair pair = tls_pair_new(NULL, &authority_spec);
    g_autofree char *text = tls_key_text(pair.key, NULL);
    g_autoptr(GError) error = NULL;
    TlsFolder folder;
    const char *path;

    if (geteuid() != 0) {
        tls_pair_clear(&pair);
        g_test_skip("only root can give a file to another user");
        return;
    }
    tls_folder_open(&folder);
    path = tls_folder_write(&folder, "ca.key", text, 0600);
    if (chown(path, 12345, (gid_t)-1) != 0) {
        g_test_skip("this namespace knows no other user");
    } else {
        g_assert_null(osh_pem_file_key(path, &error));
        g_assert_nonnull(strstr(error->message, "belongs to another user"));
    }
    tls_folder_close(&folder);
    tls_pair_clear(&pair);
}

static void
test_authorities_that_are_refused(void)
{
    static const TlsSpec expired = {
        .common_name = "x", .from = -9000, .until = -60, .is_authority = TRUE};
    static const TlsSpec early = {
        .common_name = "x", .from = 9000, .until = 18000, .is_authority = TRUE};
    static const struct {
        const TlsSpec *spec;
        const char *words;
    } rows[] = {
        {&server_spec, "is no authority"}, {&expired, "has expired"}, {&early, "not valid yet"}};

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        TlsPair pair = tls_pair_new(NULL, rows[i].spec);
        g_autofree char *certificate = tls_certificate_text(pair.certificate);
        g_autofree char *key = tls_key_text(pair.key, NULL);
        OshTlsSettings settings = {0};
        TlsFolder folder;

        tls_folder_open(&folder);
        settings.authority_certificate = tls_folder_write(&folder, "ca.pem", certificate, 0644);
        settings.authority_key = tls_folder_write(&folder, "ca.key", key, 0600);
        expect_refusal(&settings, "ca.pem", rows[i].words);
        tls_folder_close(&folder);
        tls_pair_clear(&pair);
    }
}

static void
test_certificates_that_cannot_be_parsed(void)
{
    static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char noise[] = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    TlsPair one = tls_pair_new(NULL, &authority_spec);
    TlsPair two = tls_pair_new(NULL, &server_spec);
    g_autofree char *first = tls_certificate_text(one.certificate);
    g_autofree char *second = tls_certificate_text(two.certificate);
    g_autofree char *mixed =
        g_strconcat("# roots\n", broken, first, noise, "\n\n", second, "-----BEGIN", NULL);
    STACK_OF(X509) * certificates;
    guint skipped = 0;

    certificates = osh_pem_certificates(mixed, strlen(mixed), &skipped);
    g_assert_cmpint(sk_X509_num(certificates), ==, 2);
    g_assert_cmpuint(skipped, ==, 2);
    g_assert_cmpint(X509_cmp(sk_X509_value(certificates, 0), one.certificate), ==, 0);
    g_assert_cmpint(X509_cmp(sk_X509_value(certificates, 1), two.certificate), ==, 0);
    sk_X509_pop_free(certificates, X509_free);
    g_assert_null(osh_pem_certificates("", 0, &skipped));
    g_assert_cmpuint(skipped, ==, 0);
    g_assert_null(osh_pem_certificates(broken, strlen(broken), &skipped));
    g_assert_cmpuint(skipped, ==, 1);
    tls_pair_clear(&one);
    tls_pair_clear(&two);
}

static void
test_roots(void)
{
    TlsPair pair = tls_pair_new(NULL, &authority_spec);
    g_autofree char *text = tls_certificate_text(pair.certificate);
    OshTlsSettings settings = {0};
    TlsFolder folder;
    const char *good, *empty;

    tls_folder_open(&folder);
    good = tls_folder_write(&folder, "roots.pem", text, 0644);
    empty = tls_folder_write(&folder, "empty.pem", "", 0644);
    for (guint i = 0; i < 4; i++) {
        g_autoptr(OshTlsEngine) engine = NULL;
        g_autoptr(GError) error = NULL;
        gboolean fits = i == 0 || i == 3;

        settings.upstream_roots = i == 1 ? empty : good;
        settings.upstream_extra_roots = i == 0 ? NULL : i == 2 ? empty : good;
        engine = osh_tls_engine_new(&settings, NULL);
        for (guint again = 0; again < 2; again++) {
            g_clear_error(&error);
            g_assert_cmpint(osh_tls_engine_prepare_upstream(engine, &error), ==, fits);
            g_assert_cmpint(osh_tls_engine_upstream_is_ready(engine), ==, fits);
            g_assert_cmpint(error == NULL, ==, fits);
        }
        if (!fits)
            g_assert_nonnull(strstr(error->message, "empty.pem"));
    }
    tls_folder_close(&folder);
    tls_pair_clear(&pair);
}

/* Counts where the bytes stand in memory that this process can write. */
static guint
count_in_memory(const guint8 *masked, gsize length)
{
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    guint found = 0;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++) {
        const char *rest = strchr(lines[i], ' ');
        char *end;
        const guint8 *at = (const guint8 *)(gsize)g_ascii_strtoull(lines[i], &end, 16);
        const guint8 *stop = (const guint8 *)(gsize)g_ascii_strtoull(end + (*end == '-'), NULL, 16);

        if (rest == NULL || strncmp(rest, " rw-p", 5) != 0 || strstr(rest, "[stack") != NULL)
            continue;
        for (; at + length <= stop; at++) {
            gsize k = 0;

            while (k < length && at[k] == (masked[k] ^ 0x5a))
                k++;
            found += k == length;
        }
    }
    return found;
}

/* As OpenSSL keeps a number: the least byte first. */
static void
mask_key(EVP_PKEY *key, guint8 *masked, gsize length)
{
    BIGNUM *number = NULL;
    guint8 bytes[32];

    g_assert_cmpuint(length, ==, sizeof bytes);
    g_assert_cmpint(EVP_PKEY_get_bn_param(key, "priv", &number), ==, 1);
    g_assert_cmpint(BN_bn2lebinpad(number, bytes, sizeof bytes), ==, (int)sizeof bytes);
    BN_clear_free(number);
    for (gsize i = 0; i < length; i++)
        masked[i] = bytes[i] ^ 0x5a;
    OPENSSL_cleanse(bytes, sizeof bytes);
}

static void
test_a_key_is_wiped(void)
{
    TlsPair pair = tls_pair_new(NULL, &authority_spec);
    g_autofree char *certificate = tls_certificate_text(pair.certificate);
    char *key = tls_key_text(pair.key, NULL);
    OshTlsSettings settings = {0};
    OshTlsEngine *engine;
    TlsFolder folder;
    guint8 masked[32];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    g_test_skip("the sanitizer's own memory is not for reading");
    tls_pair_clear(&pair);
    g_free(key);
    return;
#endif
    tls_folder_open(&folder);
    settings.authority_certificate = tls_folder_write(&folder, "ca.pem", certificate, 0644);
    settings.authority_key = tls_folder_write(&folder, "ca.key", key, 0600);
    mask_key(pair.key, masked, sizeof masked);
    OPENSSL_cleanse(key, strlen(key));
    g_free(key);
    tls_pair_clear(&pair);
    g_assert_cmpuint(count_in_memory(masked, sizeof masked), ==, 0);
    engine = osh_tls_engine_new(&settings, NULL);
    g_assert_cmpuint(count_in_memory(masked, sizeof masked), >=, 1);
    osh_tls_engine_free(engine);
    g_assert_cmpuint(count_in_memory(masked, sizeof masked), ==, 0);
    tls_folder_close(&folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/pem/an authority from files signs what its clients trust",
                    test_an_authority_from_files);
    g_test_add_func("/network/pem/a key that others can have, or that is none, is refused by name",
                    test_keys_that_are_refused);
    g_test_add_func("/network/pem/a key of another user is refused", test_a_key_of_another_user);
    g_test_add_func("/network/pem/a certificate that cannot sign is refused as an authority",
                    test_authorities_that_are_refused);
    g_test_add_func("/network/pem/certificates that cannot be parsed are counted and left out",
                    test_certificates_that_cannot_be_parsed);
    g_test_add_func("/network/pem/a file of roots without a root is an error", test_roots);
    g_test_add_func("/network/pem/a key is wiped when the run ends", test_a_key_is_wiped);
    return g_test_run();
}
