/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c: the look-up tables of a snapshot.
 *
 * Exact hosts are hashed with their port, wildcard hosts hang in a trie of labels read from the
 * right, exact binaries are hashed to small numbers. So the cost of a decision depends on what
 * matches, not on how large the policy is. Built on the loading thread, then only read.
 */
#include "model.h"

#include <string.h>

typedef struct {
    guint64 hash;
    const char *host;
    guint32 length;
    guint32 port; /* 0: every port, for name look-ups */
    guint32 endpoint;
} ExactEntry;

typedef struct {
    guint64 hash;
    guint32 first; /* in @postings */
    guint32 count;
    const char *host;
    guint32 length;
    guint32 port;
} ExactSlot;

typedef struct {
    guint64 hash;
    const char *label;
    guint32 length;
    guint32 parent;
    guint32 node;
} ChildSlot;

typedef enum {
    WILDCARD_GLOB,      /* the pattern decides */
    WILDCARD_ONE_LABEL, /* exactly one label before the fixed ones */
    WILDCARD_LABELS,    /* one or more */
} WildcardKind;

typedef struct {
    guint32 node;
    guint32 endpoint;
    guint32 kind;
} WildcardEntry;

typedef struct {
    guint32 first; /* in @wildcards */
    guint32 count;
} TrieNode;

typedef struct {
    guint64 hash;
    const char *path;
    guint32 length;
    guint32 id; /* 1-based; 0 marks a free slot */
} BinarySlot;

struct _OshPolicyIndex {
    ExactSlot *exact;
    guint64 exact_mask;
    guint32 *postings;
    gsize n_postings;
    ChildSlot *children;
    guint64 child_mask;
    TrieNode *nodes;
    guint32 n_nodes;
    WildcardEntry *wildcards;
    guint32 n_wildcards;
    BinarySlot *binaries;
    guint64 binary_mask;
    gboolean has_hostless;
};

/* Without a secret key: the policy's author gains nothing from collisions. */
static inline guint64
hash_bytes(const char *bytes, gsize length, guint64 seed)
{
    guint64 hash = seed ^ (length * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15));
    guint64 word;

    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * G_GUINT64_CONSTANT(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    word = 0;
    if (length > 0)
        memcpy(&word, bytes, length);
    hash = (hash ^ word) * G_GUINT64_CONSTANT(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 29);
}

static guint64
table_mask(gsize entries)
{
    guint64 size = 8;

    while (size < entries * 2)
        size *= 2;
    return size - 1;
}

static gint
compare_exact(gconstpointer a, gconstpointer b)
{
    const ExactEntry *left = a;
    const ExactEntry *right = b;
    int order;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    if (left->port != right->port)
        return left->port < right->port ? -1 : 1;
    if (left->length != right->length)
        return left->length < right->length ? -1 : 1;
    order = memcmp(left->host, right->host, left->length);
    if (order != 0)
        return order;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

static const ExactSlot *
find_exact(const OshPolicyIndex *index, const char *host, gsize length, guint port)
{
    guint64 hash = hash_bytes(host, length, port);

    for (guint64 i = hash & index->exact_mask;; i = (i + 1) & index->exact_mask) {
        const ExactSlot *slot = &index->exact[i];

        if (slot->count == 0)
            return NULL;
        if (slot->hash == hash && slot->port == port && slot->length == length &&
            memcmp(slot->host, host, length) == 0)
            return slot;
    }
}

static void
add_exact(GArray *entries, const OshPolicyEndpoint *endpoint, guint32 number, guint32 port)
{
    ExactEntry entry = {.host = endpoint->host,
                        .length = (guint32)strlen(endpoint->host),
                        .port = port,
                        .endpoint = number};

    entry.hash = hash_bytes(entry.host, entry.length, port);
    g_array_append_val(entries, entry);
}

static void
build_exact(OshPolicyIndex *index, const OshPolicySnapshot *snapshot)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(ExactEntry));
    ExactSlot *slot = NULL;

    for (guint32 i = 0; i < snapshot->n_endpoints; i++) {
        const OshPolicyEndpoint *endpoint = &snapshot->endpoints[i];

        if (endpoint->host_is_pattern || (*endpoint->host == '\0' && endpoint->n_allowed_ips == 0))
            continue;
        index->has_hostless |= *endpoint->host == '\0';
        add_exact(entries, endpoint, i, 0);
        for (guint k = 0; k < endpoint->n_ports; k++)
            add_exact(entries, endpoint, i, endpoint->ports[k]);
    }
    g_array_sort(entries, compare_exact);
    index->exact_mask = table_mask(entries->len);
    index->exact = g_new0(ExactSlot, index->exact_mask + 1);
    index->postings = g_new0(guint32, entries->len + 1);
    for (guint i = 0; i < entries->len; i++) {
        const ExactEntry *entry = &g_array_index(entries, ExactEntry, i);
        const ExactEntry *before = i > 0 ? entry - 1 : NULL;

        if (before == NULL || before->hash != entry->hash || before->port != entry->port ||
            before->length != entry->length ||
            memcmp(before->host, entry->host, entry->length) != 0) {
            guint64 place = entry->hash & index->exact_mask;

            while (index->exact[place].count != 0)
                place = (place + 1) & index->exact_mask;
            slot = &index->exact[place];
            *slot =
                (ExactSlot){entry->hash, (guint32)index->n_postings, 0, entry->host, entry->length,
                            entry->port};
        }
        if (slot->count > 0 && index->postings[index->n_postings - 1] == entry->endpoint)
            continue; /* a port listed twice */
        index->postings[index->n_postings++] = entry->endpoint;
        slot->count++;
    }
}

static ChildSlot *
find_child(const OshPolicyIndex *index, guint32 parent, const char *label, gsize length)
{
    guint64 hash = hash_bytes(label, length, (guint64)parent + 1);

    for (guint64 i = hash & index->child_mask;; i = (i + 1) & index->child_mask) {
        ChildSlot *slot = &index->children[i];

        if (slot->node == 0 || (slot->hash == hash && slot->parent == parent &&
                                slot->length == length && memcmp(slot->label, label, length) == 0))
            return slot;
    }
}

/* The label that ends at @end; @ret_end gets where the next one to its left ends. */
static const char *
label_before(const char *host, gsize end, gsize *ret_length, gboolean *ret_last)
{
    gsize start = end;

    while (start > 0 && host[start - 1] != '.')
        start--;
    *ret_length = end - start;
    *ret_last = start == 0;
    return host + start;
}

static gboolean
is_fixed_label(const char *label, gsize length)
{
    return strcspn(label, "*?[]{},\\.") >= length;
}

static void
add_wildcard(OshPolicyIndex *index, GArray *wildcards, const char *host, guint32 endpoint)
{
    gsize end = strlen(host);
    guint32 node = 0;
    WildcardEntry entry = {.endpoint = endpoint};

    for (;;) {
        gsize length;
        gboolean last;
        const char *label = label_before(host, end, &length, &last);
        ChildSlot *slot;

        if (last || !is_fixed_label(label, length))
            break;
        slot = find_child(index, node, label, length);
        if (slot->node == 0)
            *slot = (ChildSlot){hash_bytes(label, length, (guint64)node + 1), label,
                                (guint32)length, node, ++index->n_nodes};
        node = slot->node;
        end -= length + 1;
    }
    entry.node = node;
    if (end == 1 && host[0] == '*')
        entry.kind = WILDCARD_ONE_LABEL;
    else if (end == 2 && host[0] == '*' && host[1] == '*')
        entry.kind = WILDCARD_LABELS;
    g_array_append_val(wildcards, entry);
}

static gint
compare_wildcards(gconstpointer a, gconstpointer b)
{
    const WildcardEntry *left = a;
    const WildcardEntry *right = b;

    if (left->node != right->node)
        return left->node < right->node ? -1 : 1;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

static void
build_trie(OshPolicyIndex *index, const OshPolicySnapshot *snapshot)
{
    g_autoptr(GArray) wildcards = g_array_new(FALSE, FALSE, sizeof(WildcardEntry));
    gsize labels = 0;

    for (guint32 i = 0; i < snapshot->n_endpoints; i++) {
        if (!snapshot->endpoints[i].host_is_pattern)
            continue;
        for (const char *p = snapshot->endpoints[i].host; *p != '\0'; p++)
            labels += *p == '.';
        labels++;
    }
    index->child_mask = table_mask(labels);
    index->children = g_new0(ChildSlot, index->child_mask + 1);
    for (guint32 i = 0; i < snapshot->n_endpoints; i++)
        if (snapshot->endpoints[i].host_is_pattern)
            add_wildcard(index, wildcards, snapshot->endpoints[i].host, i);
    g_array_sort(wildcards, compare_wildcards);
    index->n_wildcards = wildcards->len;
    index->nodes = g_new0(TrieNode, index->n_nodes + 1);
    index->wildcards = (WildcardEntry *)(gpointer)g_array_steal(wildcards, NULL);
    for (guint32 i = 0; i < index->n_wildcards; i++) {
        TrieNode *node = &index->nodes[index->wildcards[i].node];

        if (node->count++ == 0)
            node->first = i;
    }
}

static void
build_binaries(OshPolicyIndex *index, const OshPolicySnapshot *snapshot)
{
    GHashTableIter iterator;
    gpointer path;
    gpointer id;

    index->binary_mask = table_mask(g_hash_table_size(snapshot->binary_ids));
    index->binaries = g_new0(BinarySlot, index->binary_mask + 1);
    g_hash_table_iter_init(&iterator, snapshot->binary_ids);
    while (g_hash_table_iter_next(&iterator, &path, &id)) {
        guint32 length = (guint32)strlen(path);
        guint64 hash = hash_bytes(path, length, 0);
        guint64 place = hash & index->binary_mask;

        while (index->binaries[place].id != 0)
            place = (place + 1) & index->binary_mask;
        index->binaries[place] = (BinarySlot){hash, path, length, GPOINTER_TO_UINT(id)};
    }
}

OshPolicyIndex *
osh_policy_index_build(const OshPolicySnapshot *snapshot)
{
    OshPolicyIndex *index = g_new0(OshPolicyIndex, 1);

    build_exact(index, snapshot);
    build_trie(index, snapshot);
    build_binaries(index, snapshot);
    return index;
}

void
osh_policy_index_free(OshPolicyIndex *index)
{
    if (index == NULL)
        return;
    g_free(index->exact);
    g_free(index->postings);
    g_free(index->children);
    g_free(index->nodes);
    g_free(index->wildcards);
    g_free(index->binaries);
    g_free(index);
}

gsize
osh_policy_index_size(const OshPolicyIndex *index)
{
    return sizeof(*index) + (index->exact_mask + 1) * sizeof(ExactSlot) +
           index->n_postings * sizeof(guint32) + (index->child_mask + 1) * sizeof(ChildSlot) +
           (index->n_nodes + 1) * sizeof(TrieNode) + index->n_wildcards * sizeof(WildcardEntry) +
           (index->binary_mask + 1) * sizeof(BinarySlot);
}

gboolean
osh_policy_index_has_wildcards(const OshPolicyIndex *index)
{
    return index->n_wildcards > 0;
}

guint32
osh_policy_index_binary(const OshPolicyIndex *index, const char *path, gsize length)
{
    guint64 hash;

    if (length == 0)
        return G_MAXUINT32;
    hash = hash_bytes(path, length, 0);
    for (guint64 i = hash & index->binary_mask;; i = (i + 1) & index->binary_mask) {
        const BinarySlot *slot = &index->binaries[i];

        if (slot->id == 0)
            return G_MAXUINT32;
        if (slot->hash == hash && slot->length == length && memcmp(slot->path, path, length) == 0)
            return slot->id;
    }
}

static gboolean
visit_group(const OshPolicyIndex *index, const ExactSlot *slot, gboolean exact,
            OshPolicyIndexVisit visit, gpointer data)
{
    for (guint32 i = 0; slot != NULL && i < slot->count; i++)
        if (!visit(index->postings[slot->first + i], exact, data))
            return FALSE;
    return TRUE;
}

static gboolean
has_port(const OshPolicyEndpoint *endpoint, guint port)
{
    for (guint i = 0; i < endpoint->n_ports; i++)
        if (port == 0 || endpoint->ports[i] == port)
            return TRUE;
    return FALSE;
}

/* @rest: how many bytes of the host stand before the labels that led to the node. */
static gboolean
wildcard_matches(const OshPolicySnapshot *snapshot, const WildcardEntry *entry, const char *host,
                 gsize length, gsize rest)
{
    const OshPolicyPattern *pattern = snapshot->endpoints[entry->endpoint].match->host;

    if (entry->kind == WILDCARD_LABELS)
        return rest > 0;
    if (entry->kind == WILDCARD_ONE_LABEL)
        return rest > 0 && memchr(host, '.', rest) == NULL;
    return pattern->glob != NULL && osh_glob_match(pattern->glob, host, length) == OSH_GLOB_MATCHED;
}

static gboolean
has_empty_label(const char *host, gsize length)
{
    if (length == 0 || host[0] == '.' || host[length - 1] == '.')
        return TRUE;
    return memmem(host, length, "..", 2) != NULL;
}

static gboolean
walk_wildcards(const OshPolicySnapshot *snapshot, const char *host, gsize length, guint port,
               OshPolicyIndexVisit visit, gpointer data)
{
    const OshPolicyIndex *index = snapshot->index;
    guint32 node = 0;
    gsize rest = length;

    for (;;) {
        const TrieNode *here = &index->nodes[node];
        gsize size;
        gboolean last;
        const char *label;
        const ChildSlot *child;

        for (guint32 i = here->first; i < here->first + here->count; i++) {
            const WildcardEntry *entry = &index->wildcards[i];

            if (has_port(&snapshot->endpoints[entry->endpoint], port) &&
                wildcard_matches(snapshot, entry, host, length, rest) &&
                !visit(entry->endpoint, FALSE, data))
                return FALSE;
        }
        label = label_before(host, rest, &size, &last);
        if (last)
            return TRUE;
        child = find_child(index, node, label, size);
        if (child->node == 0)
            return TRUE;
        node = child->node;
        rest -= size + 1;
    }
}

gboolean
osh_policy_index_walk(const OshPolicySnapshot *snapshot, const char *host, gsize length, guint port,
                      OshPolicyIndexVisit visit, gpointer data)
{
    const OshPolicyIndex *index = snapshot->index;

    if (length > 0 && !visit_group(index, find_exact(index, host, length, port), TRUE, visit, data))
        return FALSE;
    if (index->has_hostless &&
        !visit_group(index, find_exact(index, "", 0, port), FALSE, visit, data))
        return FALSE;
    if (index->n_wildcards == 0 || has_empty_label(host, length))
        return TRUE;
    return walk_wildcards(snapshot, host, length, port, visit, data);
}
