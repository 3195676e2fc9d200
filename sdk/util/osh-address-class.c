/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-address-class.c: tables of special address ranges and the tests over them.
 *
 * Pure functions over constant tables; any thread. Never resolves a name.
 */
#include "osh-address-class.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_ADDRESS_TEXT INET6_ADDRSTRLEN

typedef struct {
    guint8 family;
    guint8 prefix;
    guint8 address_class;
    guint8 strict_class;
    guint8 bytes[16];
} SpecialRange;

#define BLOCKED  OSH_ADDRESS_ALWAYS_BLOCKED
#define INTERNAL OSH_ADDRESS_INTERNAL
#define PUBLIC   OSH_ADDRESS_PUBLIC

static const SpecialRange special_ranges[] = {
    {4, 32, BLOCKED, BLOCKED, {0, 0, 0, 0}},
    {4, 8, PUBLIC, BLOCKED, {0}},
    {4, 8, INTERNAL, INTERNAL, {10}},
    {4, 10, INTERNAL, INTERNAL, {100, 64}},
    {4, 32, INTERNAL, BLOCKED, {100, 100, 100, 200}}, /* Alibaba metadata */
    {4, 8, BLOCKED, BLOCKED, {127}},
    {4, 32, PUBLIC, BLOCKED, {168, 63, 129, 16}}, /* Azure metadata */
    {4, 16, BLOCKED, BLOCKED, {169, 254}},
    {4, 12, INTERNAL, INTERNAL, {172, 16}},
    {4, 24, INTERNAL, INTERNAL, {192, 0, 0}},
    {4, 32, INTERNAL, BLOCKED, {192, 0, 0, 192}}, /* Oracle metadata */
    {4, 24, INTERNAL, INTERNAL, {192, 0, 2}},
    {4, 24, PUBLIC, INTERNAL, {192, 88, 99}}, /* 6to4 relays */
    {4, 16, INTERNAL, INTERNAL, {192, 168}},
    {4, 15, INTERNAL, INTERNAL, {198, 18}},
    {4, 24, INTERNAL, INTERNAL, {198, 51, 100}},
    {4, 24, INTERNAL, INTERNAL, {203, 0, 113}},
    {4, 4, PUBLIC, BLOCKED, {224}}, /* multicast */
    {4, 4, PUBLIC, BLOCKED, {240}}, /* reserved */
    {4, 32, INTERNAL, BLOCKED, {255, 255, 255, 255}},
    {6, 128, BLOCKED, BLOCKED, {0}},
    {6, 128, BLOCKED, BLOCKED, {[15] = 1}},
    {6, 96, PUBLIC, INTERNAL, {0}},                              /* IPv4-compatible */
    {6, 96, PUBLIC, INTERNAL, {[8] = 0xff, [9] = 0xff}},         /* IPv4-translated */
    {6, 48, INTERNAL, INTERNAL, {0x00, 0x64, 0xff, 0x9b, 0, 1}}, /* local NAT64 */
    {6, 64, PUBLIC, INTERNAL, {0x01}},                           /* discard only */
    {6, 48, PUBLIC, INTERNAL, {0x20, 0x01, 0, 0x02}},            /* benchmarking */
    {6, 32, PUBLIC, INTERNAL, {0x20, 0x01, 0x0d, 0xb8}},         /* documentation */
    {6, 20, PUBLIC, INTERNAL, {0x3f, 0xff}},                     /* documentation */
    {6, 16, PUBLIC, INTERNAL, {0x5f}},                           /* segment routing */
    {6, 7, INTERNAL, INTERNAL, {0xfc}},                          /* unique local */
    {6, 128, INTERNAL, BLOCKED, {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}, /* EC2 */
    {6, 128, INTERNAL, BLOCKED, {0xfd, 0x20, 0, 0xce, [14] = 0x02, [15] = 0x54}}, /* GCE */
    {6, 10, BLOCKED, BLOCKED, {0xfe, 0x80}},                                      /* link-local */
    {6, 10, PUBLIC, INTERNAL, {0xfe, 0xc0}},                                      /* site-local */
    {6, 8, PUBLIC, BLOCKED, {0xff}},                                              /* multicast */
};

/* An IPv4 address inside an IPv6 address: what goes there ends up at it. */
typedef struct {
    guint8 prefix; /* of the IPv6 address */
    guint8 bytes[12];
    guint8 at[4]; /* where the four bytes stand */
    guint8 mask;
} Embedding;

#define AT_THE_END                                                                                 \
    {                                                                                              \
        12, 13, 14, 15                                                                             \
    }

static const Embedding embeddings[] = {
    {96, {0}, AT_THE_END, 0},                        /* IPv4-compatible */
    {96, {[10] = 0xff, [11] = 0xff}, AT_THE_END, 0}, /* IPv4-mapped */
    {96, {[8] = 0xff, [9] = 0xff}, AT_THE_END, 0},   /* IPv4-translated, RFC 7915 */
    {96, {0x00, 0x64, 0xff, 0x9b}, AT_THE_END, 0},   /* NAT64, RFC 6052 */
    {16, {0x20, 0x02}, {2, 3, 4, 5}, 0},             /* 6to4, RFC 3056 */
    {32, {0x20, 0x01}, {4, 5, 6, 7}, 0},             /* Teredo's server, RFC 4380 */
    {32, {0x20, 0x01}, AT_THE_END, 0xff},            /* Teredo's client, inverted */
};

/*
 * 64:ff9b:1::/48 (RFC 8215) is each network's own to use, with prefixes of 48, 56, 64 or 96 bits,
 * and RFC 6052 has another place for the IPv4 address in each; byte 8 is none of it.
 */
static const guint8 local_nat64_places[][4] = {
    {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, AT_THE_END};

static const guint8 nat64_prefix[12] = {0x00, 0x64, 0xff, 0x9b};
static const guint8 mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* Whether the first @bits bits are equal. */
static gboolean
same_bits(const guint8 *left, const guint8 *right, guint bits)
{
    guint whole = bits / 8;
    guint8 mask = (guint8)(0xff00 >> (bits % 8));

    if (memcmp(left, right, whole) != 0)
        return FALSE;
    return bits % 8 == 0 || ((left[whole] ^ right[whole]) & mask) == 0;
}

gboolean
osh_address_parse(const char *text, gssize length, OshAddress *ret_address)
{
    char copy[MAX_ADDRESS_TEXT];
    OshAddress address = {0};
    gsize size = length < 0 ? strlen(text) : (gsize)length;

    if (size == 0 || size >= sizeof(copy) || memchr(text, '\0', size) != NULL)
        return FALSE;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET, copy, address.bytes) == 1)
        address.family = 4;
    else if (inet_pton(AF_INET6, copy, address.bytes) == 1)
        address.family = 6;
    else
        return FALSE;
    *ret_address = address;
    return TRUE;
}

gboolean
osh_address_range_parse(const char *text, OshAddressRange *ret_range)
{
    const char *slash = strchr(text, '/');
    OshAddressRange range = {0};
    guint bits;
    guint64 prefix;

    if (!osh_address_parse(text, slash != NULL ? slash - text : -1, &range.address))
        return FALSE;
    bits = range.address.family == 4 ? 32 : 128;
    prefix = bits;
    if (slash != NULL && (!g_ascii_isdigit(slash[1]) || (slash[1] == '0' && slash[2] != '\0') ||
                          !g_ascii_string_to_unsigned(slash + 1, 10, 0, bits, &prefix, NULL)))
        return FALSE;
    range.prefix = (guint8)prefix;
    for (guint bit = range.prefix; bit < bits; bit++)
        range.address.bytes[bit / 8] &= (guint8) ~(0x80 >> (bit % 8));
    *ret_range = range;
    return TRUE;
}

gboolean
osh_address_range_contains(const OshAddressRange *range, const OshAddress *address)
{
    return range->address.family == address->family &&
           same_bits(range->address.bytes, address->bytes, range->prefix);
}

static OshAddress
ipv4_inside(const OshAddress *address, const guint8 *at, guint8 mask)
{
    OshAddress inner = {.family = 4};

    for (guint i = 0; i < 4; i++)
        inner.bytes[i] = address->bytes[at[i]] ^ mask;
    return inner;
}

static OshAddressClass
table_class(const OshAddress *address, gboolean strict)
{
    OshAddressClass found = OSH_ADDRESS_PUBLIC;

    for (gsize i = 0; i < G_N_ELEMENTS(special_ranges); i++) {
        const SpecialRange *range = &special_ranges[i];

        if (range->family == address->family &&
            same_bits(range->bytes, address->bytes, range->prefix))
            found =
                MAX(found, (OshAddressClass)(strict ? range->strict_class : range->address_class));
    }
    return found;
}

OshAddressClass
osh_address_classify(const OshAddress *address)
{
    static const guint8 at[4] = AT_THE_END;

    if (address->family == 6 && (same_bits(address->bytes, mapped_prefix, 96) ||
                                 same_bits(address->bytes, nat64_prefix, 96))) {
        OshAddress inner = ipv4_inside(address, at, 0);

        return table_class(&inner, FALSE);
    }
    return table_class(address, FALSE);
}

/*
 * Which of the places is the right one cannot be told, so the worst of them counts. A place that
 * holds no unicast address (the zeros round a shorter prefix, most often) is not the right one; if
 * none does, the address leads nowhere.
 */
static OshAddressClass
local_nat64_class(const OshAddress *address)
{
    OshAddressClass found = OSH_ADDRESS_INTERNAL;
    guint n_unicast = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(local_nat64_places); i++) {
        OshAddress inner = ipv4_inside(address, local_nat64_places[i], 0);

        if (inner.bytes[0] == 0 || inner.bytes[0] >= 224)
            continue;
        n_unicast++;
        found = MAX(found, table_class(&inner, TRUE));
    }
    return n_unicast > 0 ? found : OSH_ADDRESS_ALWAYS_BLOCKED;
}

/* ISATAP (RFC 5214): an interface identifier, below any prefix; two bits of it are free. */
static gboolean
is_isatap(const OshAddress *address)
{
    const guint8 *bytes = address->bytes;

    return (bytes[8] & 0xfc) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}

OshAddressClass
osh_address_classify_strict(const OshAddress *address)
{
    static const guint8 at[4] = AT_THE_END;
    OshAddressClass found = table_class(address, TRUE);
    OshAddress inner;

    if (address->family != 6)
        return found;
    for (gsize i = 0; i < G_N_ELEMENTS(embeddings); i++) {
        if (!same_bits(address->bytes, embeddings[i].bytes, embeddings[i].prefix))
            continue;
        inner = ipv4_inside(address, embeddings[i].at, embeddings[i].mask);
        found = MAX(found, table_class(&inner, TRUE));
    }
    /* What 64:ff9b::/32 holds besides the /96 is not assigned yet, or a translator's by mistake. */
    if (same_bits(address->bytes, nat64_prefix, 32) && !same_bits(address->bytes, nat64_prefix, 96))
        found = MAX(found, local_nat64_class(address));
    if (is_isatap(address)) {
        inner = ipv4_inside(address, at, 0);
        found = MAX(found, table_class(&inner, TRUE));
    }
    return found;
}

gboolean
osh_address_nat64_inside(const OshAddress *address, OshAddress *ret_inside)
{
    static const guint8 at[4] = AT_THE_END;

    if (address->family != 6 || !same_bits(address->bytes, nat64_prefix, 96))
        return FALSE;
    *ret_inside = ipv4_inside(address, at, 0);
    return TRUE;
}

/* Whether @range holds an address of @special in the form that begins with @prefix. */
static gboolean
overlaps_embedded(const OshAddressRange *range, const SpecialRange *special, const guint8 *prefix)
{
    guint8 embedded[16];

    memcpy(embedded, prefix, 12);
    memcpy(embedded + 12, special->bytes, 4);
    return same_bits(embedded, range->address.bytes, MIN(special->prefix + 96u, range->prefix));
}

gboolean
osh_address_range_overlaps_class(const OshAddressRange *range, OshAddressClass at_least)
{
    for (gsize i = 0; i < G_N_ELEMENTS(special_ranges); i++) {
        const SpecialRange *special = &special_ranges[i];

        if (special->address_class < at_least)
            continue;
        if (special->family == range->address.family &&
            same_bits(special->bytes, range->address.bytes, MIN(special->prefix, range->prefix)))
            return TRUE;
        if (special->family == 4 && range->address.family == 6 &&
            (overlaps_embedded(range, special, mapped_prefix) ||
             overlaps_embedded(range, special, nat64_prefix)))
            return TRUE;
    }
    return FALSE;
}

gboolean
osh_address_is_metadata_name(const char *host)
{
    static const char name[] = "metadata.google.internal";
    gsize length;

    if (host == NULL)
        return FALSE;
    while (g_ascii_isspace(*host))
        host++;
    length = strlen(host);
    while (length > 0 && g_ascii_isspace(host[length - 1]))
        length--;
    while (length > 0 && host[length - 1] == '.')
        length--;
    return length == sizeof(name) - 1 && g_ascii_strncasecmp(host, name, length) == 0;
}

gboolean
osh_address_port_is_control_plane(guint port)
{
    return port == 2379 || port == 2380 || port == 6443 || port == 10250 || port == 10255;
}
