/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust-hint.c: which variable or option of which program names the certificates that it trusts.
 * Any thread; no state. A program that is not known here mostly follows OpenSSL.
 */
#include "trust-hint.h"

#include "authority-files.h"

#include <string.h>

typedef struct {
    const char *program; /* how the file name begins */
    const char *setting;
    const char *file;
    gboolean is_late;
} Program;

/* A longer name stands before its beginning. */
static const Program programs[] = {
    {"curl", "set CURL_CA_BUNDLE=%s and give no --cacert", OSH_BUNDLE_FILE, FALSE},
    {"git", "set GIT_SSL_CAINFO=%s", OSH_BUNDLE_FILE, FALSE},
    {"node", "set NODE_EXTRA_CA_CERTS=%s", OSH_AUTHORITY_FILE, TRUE},
    {"deno", "set DENO_CERT=%s", OSH_AUTHORITY_FILE, FALSE},
    {"python", "set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to %s", OSH_BUNDLE_FILE, FALSE},
    {"pip", "set PIP_CERT=%s", OSH_BUNDLE_FILE, FALSE},
    {"java",
     "set JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStoreType=PKCS12'",
     OSH_JAVA_FILE, FALSE},
    /* By GnuTLS: it looks at the certificate when the handshake is over. */
    {"wget", "give it --ca-certificate=%s", OSH_BUNDLE_FILE, TRUE},
    {"cargo", "set CARGO_HTTP_CAINFO=%s", OSH_BUNDLE_FILE, FALSE},
    {"perl", "set PERL_LWP_SSL_CA_FILE and SSL_CERT_FILE to %s", OSH_BUNDLE_FILE, FALSE},
    {"aws", "set AWS_CA_BUNDLE=%s", OSH_BUNDLE_FILE, FALSE},
    {"openssl", "set SSL_CERT_FILE=%s and give no -CAfile", OSH_BUNDLE_FILE, FALSE},
};
static const Program any_program = {"", "set SSL_CERT_FILE=%s, or add it to its own trust store",
                                    OSH_BUNDLE_FILE, FALSE};

static const Program *
find(const char *binary)
{
    const char *slash = strrchr(binary, '/');
    const char *name = slash != NULL ? slash + 1 : binary;

    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++)
        if (g_str_has_prefix(name, programs[i].program))
            return &programs[i];
    return &any_program;
}

char *
osh_trust_hint(const char *binary, gboolean of_box)
{
    const Program *program = find(binary);
    const char *place = strstr(program->setting, "%s");
    const char *file = of_box ? program->file
                              : "a file with the proxy's certificate authority "
                                "(network.authority-folder writes one)";

    return g_strdup_printf("%.*s%s%s", (int)(place - program->setting), program->setting, file,
                           place + 2);
}

gboolean
osh_trust_is_judged_late(const char *binary)
{
    return find(binary)->is_late;
}
