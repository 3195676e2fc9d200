/* SPDX-License-Identifier: Apache-2.0 */
/*
 * synthetic-names.c: name to address and back.
 *
 * Addresses are handed out in order, so an address is an index into an array of names. The array is
 * two-level: its pages are allocated when first needed, published with release order and never
 * moved or freed before the table, so that shards read without a lock. Writers hold the lock.
 * It must never take an entry back: an address has meant one name since it was first seen.
 */
#include "synthetic-names.h"

#include <pthread.h>
#include <string.h>

#define PAGE_NAMES 1024
#define N_PAGES    ((OSH_SYNTHETIC_POOL_SIZE + PAGE_NAMES) / PAGE_NAMES + 1)

typedef struct {
    char *names[PAGE_NAMES];
} Page;

typedef struct {
    Page *pages[N_PAGES];
    /* name -> index; indexes start at 1, so that the network address stays unused. */
    GHashTable *indexes;
} Pool;

struct _OshSyntheticNames {
    guint pool_limit;
    guint process_limit;
    pthread_mutex_t lock;
    Pool pools[2];
    /* process key -> how many addresses it has caused */
    GHashTable *shares;
};

static const guint8 ipv6_prefix[6] = {0xfd, 0x23, 0x6f, 0x70, 0x65, 0x6e};
static const guint8 mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

OshSyntheticNames *
osh_synthetic_names_new(guint pool_limit, guint process_limit)
{
    OshSyntheticNames *names = g_new0(OshSyntheticNames, 1);

    names->pool_limit = MIN(pool_limit, OSH_SYNTHETIC_POOL_SIZE);
    names->process_limit = process_limit;
    pthread_mutex_init(&names->lock, NULL);
    names->shares = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    /* The names belong to the pages. */
    for (gsize i = 0; i < G_N_ELEMENTS(names->pools); i++)
        names->pools[i].indexes = g_hash_table_new(g_str_hash, g_str_equal);
    return names;
}

static void
clear_pool(Pool *pool)
{
    g_hash_table_destroy(pool->indexes);
    for (gsize i = 0; i < N_PAGES && pool->pages[i] != NULL; i++) {
        for (gsize j = 0; j < PAGE_NAMES; j++)
            g_free(pool->pages[i]->names[j]);
        g_free(pool->pages[i]);
    }
}

void
osh_synthetic_names_free(OshSyntheticNames *names)
{
    if (names == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(names->pools); i++)
        clear_pool(&names->pools[i]);
    g_hash_table_destroy(names->shares);
    pthread_mutex_destroy(&names->lock);
    g_free(names);
}

static void
format_address(OshSyntheticFamily family, guint32 index, guint8 ret_address[16])
{
    if (family == OSH_SYNTHETIC_IPV4) {
        ret_address[0] = 198;
        ret_address[1] = (guint8)(18 + (index >> 16));
        ret_address[2] = (guint8)(index >> 8);
        ret_address[3] = (guint8)index;
        return;
    }
    memset(ret_address, 0, 16);
    memcpy(ret_address, ipv6_prefix, sizeof ipv6_prefix);
    ret_address[13] = (guint8)(index >> 16);
    ret_address[14] = (guint8)(index >> 8);
    ret_address[15] = (guint8)index;
}

/* FALSE when the address is outside both ranges; otherwise *ret_index may still name nothing. */
static gboolean
locate(const guint8 *address, gsize size, OshSyntheticFamily *ret_family, guint32 *ret_index)
{
    if (size == 16 && memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0) {
        address += 12;
        size = 4;
    }
    if (size == 4 && address[0] == 198 && (address[1] & 0xfe) == 18) {
        *ret_family = OSH_SYNTHETIC_IPV4;
        *ret_index = (guint32)(address[1] & 1) << 16 | (guint32)address[2] << 8 | address[3];
        return TRUE;
    }
    if (size == 16 && memcmp(address, ipv6_prefix, sizeof ipv6_prefix) == 0) {
        guint8 expected[16];

        *ret_family = OSH_SYNTHETIC_IPV6;
        *ret_index = (guint32)address[13] << 16 | (guint32)address[14] << 8 | address[15];
        format_address(OSH_SYNTHETIC_IPV6, *ret_index, expected);
        if (memcmp(expected, address, sizeof expected) != 0)
            *ret_index = 0;
        return TRUE;
    }
    return FALSE;
}

gboolean
osh_synthetic_names_contains(const guint8 *address, gsize size)
{
    OshSyntheticFamily family;
    guint32 index;

    return locate(address, size, &family, &index);
}

const char *
osh_synthetic_names_lookup(const OshSyntheticNames *names, const guint8 *address, gsize size)
{
    OshSyntheticFamily family;
    const Page *page;
    guint32 index;

    if (!locate(address, size, &family, &index) || index / PAGE_NAMES >= N_PAGES)
        return NULL;
    page = __atomic_load_n(&names->pools[family].pages[index / PAGE_NAMES], __ATOMIC_ACQUIRE);
    if (page == NULL)
        return NULL;
    return __atomic_load_n(&page->names[index % PAGE_NAMES], __ATOMIC_ACQUIRE);
}

static guint
share_of(OshSyntheticNames *names, guint64 process_key)
{
    gint64 key = (gint64)process_key;

    return GPOINTER_TO_UINT(g_hash_table_lookup(names->shares, &key));
}

static void
add_name(OshSyntheticNames *names, Pool *pool, const char *name, guint32 index, guint64 process_key)
{
    guint share = share_of(names, process_key);
    Page *page = pool->pages[index / PAGE_NAMES];
    char *copy = g_strdup(name);
    gint64 key = (gint64)process_key;

    if (page == NULL) {
        page = g_new0(Page, 1);
        __atomic_store_n(&pool->pages[index / PAGE_NAMES], page, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&page->names[index % PAGE_NAMES], copy, __ATOMIC_RELEASE);
    g_hash_table_insert(pool->indexes, copy, GUINT_TO_POINTER(index));
    g_hash_table_replace(names->shares, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(share + 1));
}

/* Called under the lock. */
static OshSyntheticResult
assign(OshSyntheticNames *names, const char *name, OshSyntheticFamily family, guint64 process_key,
       guint8 ret_address[16])
{
    Pool *pool = &names->pools[family];
    guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(pool->indexes, name));

    if (index == 0) {
        index = g_hash_table_size(pool->indexes) + 1;
        if (index > names->pool_limit)
            return OSH_SYNTHETIC_POOL_FULL;
        if (share_of(names, process_key) >= names->process_limit)
            return OSH_SYNTHETIC_PROCESS_FULL;
        add_name(names, pool, name, index, process_key);
    }
    format_address(family, index, ret_address);
    return OSH_SYNTHETIC_FOUND;
}

OshSyntheticResult
osh_synthetic_names_assign(OshSyntheticNames *names, const char *name, OshSyntheticFamily family,
                           guint64 process_key, guint8 ret_address[16])
{
    OshSyntheticResult result;

    pthread_mutex_lock(&names->lock);
    result = assign(names, name, family, process_key, ret_address);
    pthread_mutex_unlock(&names->lock);
    return result;
}

guint
osh_synthetic_names_count(OshSyntheticNames *names, OshSyntheticFamily family)
{
    guint count;

    pthread_mutex_lock(&names->lock);
    count = g_hash_table_size(names->pools[family].indexes);
    pthread_mutex_unlock(&names->lock);
    return count;
}
