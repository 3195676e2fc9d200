/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust-store.c: writes a PKCS #12 file by hand. Any thread; no state.
 *
 * OpenSSL would do it as well, and parse every certificate of the system on the way, which costs
 * more than the rest of a start. Nothing here looks into a certificate.
 */
#include "trust-store.h"

#include <string.h>

#define TAG_INTEGER  0x02
#define TAG_OCTETS   0x04
#define TAG_OID      0x06
#define TAG_BMP      0x1e
#define TAG_SEQUENCE 0x30
#define TAG_SET      0x31
#define TAG_EXPLICIT 0xa0

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----"
#define END_LINE   "-----END CERTIFICATE-----"

/* 1.2.840.113549.1.7.1, .1.12.10.1.3, .1.9.22.1 and .1.9.20 */
static const guint8 data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const guint8 certificate_bag_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                             0x01, 0x0c, 0x0a, 0x01, 0x03};
static const guint8 x509_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01};
static const guint8 friendly_name_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14};
/* 2.16.840.1.113894.746875.1.1, Oracle's trusted key usage, and 2.5.29.37.0, any usage */
static const guint8 trusted_usage_oid[] = {0x60, 0x86, 0x48, 0x01, 0x86, 0xf9,
                                           0x66, 0xad, 0xca, 0x7b, 0x01, 0x01};
static const guint8 any_usage_oid[] = {0x55, 0x1d, 0x25, 0x00};

static void
append(GByteArray *out, guint8 tag, const guint8 *content, gsize length)
{
    guint8 head[6] = {tag};
    guint n = 1;

    if (length < 0x80) {
        head[n++] = (guint8)length;
    } else {
        guint octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;

        head[n++] = (guint8)(0x80 | octets);
        while (octets-- > 0)
            head[n++] = (guint8)(length >> (8 * octets));
    }
    g_byte_array_append(out, head, n);
    g_byte_array_append(out, content, (guint)length);
}

/* @array becomes the content of @tag. */
static void
wrap(GByteArray *array, guint8 tag)
{
    g_autoptr(GByteArray) out = g_byte_array_sized_new(array->len + 8);

    append(out, tag, array->data, array->len);
    g_byte_array_set_size(array, 0);
    g_byte_array_append(array, out->data, out->len);
}

static void
append_attribute(GByteArray *out, const guint8 *oid, gsize oid_length, guint8 tag,
                 const guint8 *value, gsize length)
{
    g_autoptr(GByteArray) values = g_byte_array_new();
    g_autoptr(GByteArray) attribute = g_byte_array_new();

    append(values, tag, value, length);
    wrap(values, TAG_SET);
    append(attribute, TAG_OID, oid, oid_length);
    g_byte_array_append(attribute, values->data, values->len);
    append(out, TAG_SEQUENCE, attribute->data, attribute->len);
}

static void
append_attributes(GByteArray *out, guint number)
{
    g_autoptr(GByteArray) attributes = g_byte_array_new();
    guint8 name[2 * 12];
    char text[12];
    gsize length = (gsize)g_snprintf(text, sizeof text, "ca-%u", number);

    for (gsize i = 0; i < length; i++) {
        name[2 * i] = 0;
        name[2 * i + 1] = (guint8)text[i];
    }
    append_attribute(attributes, friendly_name_oid, sizeof friendly_name_oid, TAG_BMP, name,
                     2 * length);
    append_attribute(attributes, trusted_usage_oid, sizeof trusted_usage_oid, TAG_OID,
                     any_usage_oid, sizeof any_usage_oid);
    append(out, TAG_SET, attributes->data, attributes->len);
}

/* RFC 7292 §4.2.3: SafeBag of a CertBag. */
static void
append_certificate(GByteArray *out, guint number, const guint8 *der, gsize length)
{
    g_autoptr(GByteArray) value = g_byte_array_sized_new((guint)length + 64);
    g_autoptr(GByteArray) content = g_byte_array_new();
    g_autoptr(GByteArray) bag = g_byte_array_new();

    append(value, TAG_OCTETS, der, length);
    wrap(value, TAG_EXPLICIT);
    append(content, TAG_OID, x509_oid, sizeof x509_oid);
    g_byte_array_append(content, value->data, value->len);
    wrap(content, TAG_SEQUENCE);
    wrap(content, TAG_EXPLICIT);
    append(bag, TAG_OID, certificate_bag_oid, sizeof certificate_bag_oid);
    g_byte_array_append(bag, content->data, content->len);
    append_attributes(bag, number);
    append(out, TAG_SEQUENCE, bag->data, bag->len);
}

/* RFC 7292 §4: ContentInfo of plain data. */
static void
wrap_content_info(GByteArray *array)
{
    g_autoptr(GByteArray) content = g_byte_array_new();

    wrap(array, TAG_OCTETS);
    wrap(array, TAG_EXPLICIT);
    append(content, TAG_OID, data_oid, sizeof data_oid);
    g_byte_array_prepend(array, content->data, content->len);
    wrap(array, TAG_SEQUENCE);
}

GBytes *
osh_trust_store_new(const char *pem)
{
    static const guint8 version[] = {TAG_INTEGER, 1, 3};
    GByteArray *store = g_byte_array_new();
    const char *begin = pem;
    guint number = 0;

    while ((begin = strstr(begin, BEGIN_LINE)) != NULL) {
        const char *text = begin + strlen(BEGIN_LINE);
        const char *end = strstr(text, END_LINE);
        g_autofree char *base64 = end != NULL ? g_strndup(text, (gsize)(end - text)) : NULL;
        g_autofree guchar *der = NULL;
        gsize length;

        if (base64 == NULL)
            break;
        der = g_base64_decode(base64, &length);
        /* What does not even begin like a certificate would spoil the whole store. */
        if (length > 4 && der[0] == TAG_SEQUENCE)
            append_certificate(store, ++number, der, length);
        begin = end;
    }
    wrap(store, TAG_SEQUENCE);
    wrap_content_info(store);
    wrap(store, TAG_SEQUENCE);
    wrap_content_info(store);
    g_byte_array_prepend(store, version, sizeof version);
    wrap(store, TAG_SEQUENCE);
    return g_byte_array_free_to_bytes(store);
}
