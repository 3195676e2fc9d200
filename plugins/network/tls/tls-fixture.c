/* SPDX-License-Identifier: Apache-2.0 */
/* tls-fixture.c: certificates and plain peers for the tests of the TLS engine. */
#include "tls-fixture.h"

#include "certificate-parts.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY (24 * 3600L)

TlsPair
tls_pair_new(const TlsPair *issuer, const TlsSpec *spec)
{
    TlsPair pair = {EVP_EC_gen("P-256"), X509_new()};
    X509 *certificate = pair.certificate;
    X509 *signer = issuer != NULL ? issuer->certificate : certificate;

    X509_set_version(certificate, X509_VERSION_3);
    g_assert_true(osh_certificate_set_serial(X509_get_serialNumber(certificate)));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const guint8 *)spec->common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(signer));
    X509_gmtime_adj(X509_getm_notBefore(certificate), spec->from != 0 ? spec->from : -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), spec->until != 0 ? spec->until : DAY);
    X509_set_pubkey(certificate, pair.key);
    g_assert_true(osh_certificate_add_part(signer, certificate, NID_basic_constraints,
                                           spec->is_authority ? "critical,CA:TRUE" : "CA:FALSE"));
    g_assert_true(
        osh_certificate_add_part(signer, certificate, NID_subject_key_identifier, "hash"));
    if (spec->names != NULL)
        g_assert_true(
            osh_certificate_add_part(signer, certificate, NID_subject_alt_name, spec->names));
    if (spec->usage != NULL)
        g_assert_true(
            osh_certificate_add_part(signer, certificate, NID_ext_key_usage, spec->usage));
    g_assert_cmpint(X509_sign(certificate, issuer != NULL ? issuer->key : pair.key, EVP_sha256()),
                    >, 0);
    return pair;
}

void
tls_pair_clear(TlsPair *pair)
{
    g_clear_pointer(&pair->key, EVP_PKEY_free);
    g_clear_pointer(&pair->certificate, X509_free);
}

void
tls_folder_open(TlsFolder *folder)
{
    folder->path = g_dir_make_tmp("osh-tls-XXXXXX", NULL);
    g_assert_nonnull(folder->path);
    folder->files = g_ptr_array_new_with_free_func(g_free);
}

void
tls_folder_close(TlsFolder *folder)
{
    for (guint i = 0; i < folder->files->len; i++)
        g_unlink(folder->files->pdata[i]);
    g_rmdir(folder->path);
    g_free(folder->path);
    g_ptr_array_unref(folder->files);
}

const char *
tls_folder_write(TlsFolder *folder, const char *name, const char *text, guint mode)
{
    char *path = g_build_filename(folder->path, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, (int)mode), ==, 0);
    g_ptr_array_add(folder->files, path);
    return path;
}

static char *
take_text(BIO *memory)
{
    char *data;
    long length = BIO_get_mem_data(memory, &data);
    char *text = g_strndup(data, (gsize)length);

    BIO_free(memory);
    return text;
}

char *
tls_certificate_text(X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());

    g_assert_cmpint(PEM_write_bio_X509(memory, certificate), ==, 1);
    return take_text(memory);
}

char *
tls_key_text(EVP_PKEY *key, const char *passphrase)
{
    BIO *memory = BIO_new(BIO_s_mem());

    g_assert_cmpint(PEM_write_bio_PKCS8PrivateKey(
                        memory, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL, passphrase,
                        passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL),
                    ==, 1);
    return take_text(memory);
}

X509 *
tls_read_certificate(const char *pem)
{
    BIO *memory = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL);

    BIO_free(memory);
    g_assert_nonnull(certificate);
    return certificate;
}

void
tls_link_open(TlsLink *link, int buffer)
{
    int ends[2];

    *link = (TlsLink){0};
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ==,
                    0);
    link->ours = ends[0];
    link->theirs = ends[1];
    for (guint i = 0; i < 2 && buffer > 0; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
}

void
tls_link_close(TlsLink *link)
{
    g_clear_pointer(&link->session, osh_tls_session_free);
    g_assert_cmpuint(ERR_peek_error(), ==, 0);
    g_clear_pointer(&link->peer, SSL_free);
    close(link->ours);
    if (link->theirs >= 0)
        close(link->theirs);
}

SSL_CTX *
tls_client_context(const char *pem)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (pem != NULL) {
        X509 *root = tls_read_certificate(pem);

        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root);
        X509_free(root);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

SSL_CTX *
tls_server_context(const TlsPair *pair, const TlsPair *issuer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    g_assert_cmpint(SSL_CTX_use_certificate(context, pair->certificate), ==, 1);
    g_assert_cmpint(SSL_CTX_use_PrivateKey(context, pair->key), ==, 1);
    if (issuer != NULL)
        g_assert_cmpint(SSL_CTX_add1_chain_cert(context, issuer->certificate), ==, 1);
    SSL_CTX_set_session_id_context(context, (const guint8 *)"test", 4);
    return context;
}

void
tls_link_peer(TlsLink *link, SSL_CTX *context, const char *name)
{
    link->peer = SSL_new(context);
    SSL_set_fd(link->peer, link->theirs);
    if (name == NULL) {
        SSL_set_accept_state(link->peer);
        return;
    }
    SSL_set_connect_state(link->peer);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(link->peer), name) == 1)
        return;
    ERR_clear_error();
    SSL_set_tlsext_host_name(link->peer, name);
    SSL_set1_host(link->peer, name);
}

void
tls_link_serve(TlsLink *link, OshTlsEngine *engine, const char *name, const char *protocol)
{
    const OshTlsServerLeg leg = {.name = name, .protocol = protocol};
    OshTlsFailure failure = {.alert = -1};

    link->session = osh_tls_session_new_server(engine, link->ours, &leg, &failure);
    g_assert_cmpstr(failure.text, ==, "");
    g_assert_nonnull(link->session);
}

void
tls_link_ask(TlsLink *link, OshTlsEngine *engine, const OshTlsClientLeg *leg)
{
    OshTlsFailure failure = {.alert = -1};

    link->session = osh_tls_session_new_client(engine, link->ours, leg, &failure);
    g_assert_cmpstr(failure.text, ==, "");
    g_assert_nonnull(link->session);
}

static gboolean
peer_waits(TlsLink *link, int value)
{
    int error = SSL_get_error(link->peer, value);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void
peer_shake(TlsLink *link)
{
    int value;

    if (link->peer == NULL || link->peer_open || link->peer_failed)
        return;
    ERR_clear_error();
    value = SSL_do_handshake(link->peer);
    link->peer_open = value == 1;
    link->peer_failed = value != 1 && !peer_waits(link, value);
    ERR_clear_error();
}

void
tls_link_shake(TlsLink *link)
{
    link->result = OSH_TLS_WANT_READ;
    for (guint i = 0; i < 1000; i++) {
        if (link->result != OSH_TLS_DONE && link->result != OSH_TLS_FAILED)
            link->result = osh_tls_session_handshake(link->session);
        peer_shake(link);
        if (link->result == OSH_TLS_FAILED ||
            (link->result == OSH_TLS_DONE && (link->peer_open || link->peer_failed)))
            break;
    }
    peer_shake(link);
    g_assert_true(link->result == OSH_TLS_DONE || link->result == OSH_TLS_FAILED);
}

OshTlsResult
tls_link_read(TlsLink *link, char *buffer, gsize size, gsize *ret_length)
{
    OshTlsResult result = OSH_TLS_WANT_READ;

    for (guint i = 0; i < 1000 && result == OSH_TLS_WANT_READ; i++)
        result = osh_tls_session_read(link->session, buffer, size, ret_length);
    return result;
}

void
tls_link_echo(TlsLink *link)
{
    const OshSpan message = OSH_SPAN_LITERAL("to you");
    char buffer[64];
    gsize length = 0;

    g_assert_cmpint(osh_tls_session_write(link->session, &message, 1, &length), ==, OSH_TLS_DONE);
    g_assert_cmpuint(length, ==, message.length);
    g_assert_cmpint(SSL_read(link->peer, buffer, sizeof buffer), ==, (int)message.length);
    g_assert_cmpmem(buffer, message.length, message.data, message.length);
    g_assert_cmpint(SSL_write(link->peer, "and you", 7), ==, 7);
    g_assert_cmpint(tls_link_read(link, buffer, sizeof buffer, &length), ==, OSH_TLS_DONE);
    g_assert_cmpmem(buffer, length, "and you", 7);
}
