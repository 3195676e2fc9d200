/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool-pins.c: remembers the first definition of each tool of a run. One lock for all: lists of
 * tools are rare. It must never forget or replace one, and its memory is bounded: each tool is two
 * digests, however long its words are.
 */
#include <string.h>

#include "server-answer.h"

#define DIGEST 32

struct _JsonrpcPins {
    GMutex lock;
    GHashTable *pins; /* digest of server and name → digest of the definition */
    guint max_pins;
};

static void
digest_end(GChecksum *checksum, guint8 ret_digest[DIGEST])
{
    gsize length = DIGEST;

    g_checksum_get_digest(checksum, ret_digest, &length);
    g_checksum_free(checksum);
}

static void
digest_name(const char *server, OshSpan name, guint8 ret_digest[DIGEST])
{
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);

    /* The NUL between the two is in neither. */
    g_checksum_update(checksum, (const guchar *)server, (gssize)strlen(server) + 1);
    g_checksum_update(checksum, (const guchar *)name.data, (gssize)name.length);
    digest_end(checksum, ret_digest);
}

static int
add_to_digest(const char *bytes, size_t length, void *checksum)
{
    g_checksum_update(checksum, (const guchar *)bytes, (gssize)length);
    return 0;
}

static void
digest_tool(const json_t *tool, guint8 ret_digest[DIGEST])
{
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);

    (void)json_dump_callback(tool, add_to_digest, checksum, JSON_SORT_KEYS | JSON_COMPACT);
    digest_end(checksum, ret_digest);
}

static guint
hash_digest(gconstpointer digest)
{
    guint hash;

    memcpy(&hash, digest, sizeof hash);
    return hash;
}

static gboolean
equal_digests(gconstpointer left, gconstpointer right)
{
    return memcmp(left, right, DIGEST) == 0;
}

JsonrpcPins *
jsonrpc_pins_new(guint max_pins)
{
    JsonrpcPins *pins = g_new0(JsonrpcPins, 1);

    g_mutex_init(&pins->lock);
    pins->pins = g_hash_table_new_full(hash_digest, equal_digests, g_free, g_free);
    pins->max_pins = max_pins;
    return pins;
}

void
jsonrpc_pins_free(JsonrpcPins *pins)
{
    if (pins == NULL)
        return;
    g_hash_table_unref(pins->pins);
    g_mutex_clear(&pins->lock);
    g_free(pins);
}

JsonrpcPin
jsonrpc_pins_check(JsonrpcPins *pins, const char *server, OshSpan name, const json_t *tool)
{
    guint8 key[DIGEST];
    guint8 digest[DIGEST];
    const guint8 *first;
    JsonrpcPin pin;

    digest_name(server, name, key);
    digest_tool(tool, digest);
    g_mutex_lock(&pins->lock);
    first = g_hash_table_lookup(pins->pins, key);
    if (first != NULL) {
        pin = equal_digests(first, digest) ? JSONRPC_PIN_SAME : JSONRPC_PIN_CHANGED;
    } else if (g_hash_table_size(pins->pins) >= pins->max_pins) {
        pin = JSONRPC_PIN_FULL;
    } else {
        g_hash_table_insert(pins->pins, g_memdup2(key, DIGEST), g_memdup2(digest, DIGEST));
        pin = JSONRPC_PIN_NEW;
    }
    g_mutex_unlock(&pins->lock);
    return pin;
}
