/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event-codec.h: what the typed events of event-NAME.h have in common: from one table of members
 * follow the struct, the GVariant type of the topic, pack and unpack.
 *
 * A publisher and a subscriber need only what the headers event-NAME.h make of it, and
 * osh_event_lookup_detail(). A new event takes three things in such a header, here for a topic
 * that does not exist:
 *
 * |[
 * #define OSH_TOPIC_DOOR_OPENED "openshell.door.opened/1"
 *
 * #define OSH_EVENT_DOOR_OPENED_MEMBERS(MEMBER, DETAIL, FLAGGED) \
 *     MEMBER(UINT64, door)                                       \
 *     MEMBER(STRING, key)                                        \
 *     DETAIL(STRING, owner, "owner")                             \
 *     FLAGGED(UINT32, floor, "floor")
 *
 * OSH_EVENT_DEFINE(DOOR_OPENED, door_opened, DoorOpened)
 * ]|
 *
 * and one row in the table of event.h. The result is `OshEventDoorOpened` with the type
 * "(tsa{sv})", `osh_event_door_opened_pack()`, `osh_event_door_opened_unpack()` and
 * `osh_event_door_opened_clear()`. A plugin may do the same in a header of its own, for a topic
 * that its manifest declares.
 *
 * - MEMBER: always there, with its place in the tuple. MEMBERs are never added, removed, moved or
 *   changed; a changed tuple is a new topic that ends in /2.
 * - DETAIL: optional, in the a{sv} under its key. It is absent when it is NULL, 0 or FALSE; the
 *   empty string and the empty list are present. DETAILs may be added at any time.
 * - FLAGGED: a DETAIL whose 0 has a meaning. It is present when the member `has_` NAME is TRUE.
 *
 * Kinds: UINT16, UINT32, INT32, UINT64, INT64, BOOLEAN (gboolean), STRING (const char *) and
 * STRINGS (const char *const *, ends with NULL; as a DETAIL only).
 *
 * The structs never cross the border between the host and a plugin: each side compiles its own from
 * the headers that it has, and only the payload travels. So they may grow.
 */
#pragma once

#include <glib.h>

#include <string.h>

G_BEGIN_DECLS

/**
 * OSH_EVENT_TEXT_MAX:
 *
 * Length in bytes, without the NUL, up to which a text stands in an event whole: a path of the
 * kernel does. pack cuts a longer one at a character and puts "..." behind, within the same length.
 *
 * Since: 1.0
 */
#define OSH_EVENT_TEXT_MAX 4096

/**
 * OSH_EVENT_STRINGS_MAX:
 *
 * How many strings of a list pack and unpack take; the rest is left out.
 *
 * Since: 1.0
 */
#define OSH_EVENT_STRINGS_MAX 1024

/** OSH_EVENT_MEMBERS_MAX: how many members an event may have. Since: 1.0 */
#define OSH_EVENT_MEMBERS_MAX 24

/**
 * OshEventMember:
 * @type: GVariant type of the value
 * @key: (nullable): key in the a{sv}; NULL for a member with a place in the tuple
 * @offset: of the member in the struct
 * @flag: offset of its `has_` member, or 0: present when it is neither NULL nor 0
 *
 * One row of an event's table of members.
 *
 * Since: 1.0
 */
typedef struct {
    const char *type;
    const char *key;
    gsize offset;
    gsize flag;
} OshEventMember;

/**
 * OshEventLayout:
 * @type: GVariant type of the payload
 * @size: of the struct
 * @more: offset of its member `more`
 * @members: (array length=n_members): in the order of the tuple
 * @n_members: how many
 *
 * What pack and unpack know of an event.
 *
 * Since: 1.0
 */
typedef struct {
    const char *type;
    gsize size;
    gsize more;
    const OshEventMember *members;
    gsize n_members;
} OshEventLayout;

/**
 * osh_event_text:
 * @text: (nullable): any bytes up to a NUL; NULL is the empty string
 *
 * [any] Text on its way into an event: bytes that are not UTF-8 become U+FFFD, and what is longer
 * than %OSH_EVENT_TEXT_MAX is cut. Nothing is escaped: that is for the consumer that shows it.
 *
 * Returns: (transfer floating): a string
 *
 * Since: 1.0
 */
static inline GVariant *
osh_event_text(const char *text)
{
    const char *end;
    char *valid;
    gsize length;
    gsize at = OSH_EVENT_TEXT_MAX - 3;

    if (text == NULL)
        text = "";
    if (g_utf8_validate(text, -1, &end) && end - text <= OSH_EVENT_TEXT_MAX)
        return g_variant_new_string(text);
    length = strlen(text);
    valid = g_utf8_make_valid(text, (gssize)MIN(length, (gsize)OSH_EVENT_TEXT_MAX));
    if (length > OSH_EVENT_TEXT_MAX || strlen(valid) > OSH_EVENT_TEXT_MAX) {
        while (((guchar)valid[at] & 0xc0) == 0x80)
            at--;
        memcpy(valid + at, "...", 4);
    }
    return g_variant_new_take_string(valid);
}

/** osh_event_strings: [any] Returns: (transfer floating): the list @texts, each as with
 * osh_event_text(). Since: 1.0 */
static inline GVariant *
osh_event_strings(const char *const *texts)
{
    GVariantBuilder strings;

    g_variant_builder_init(&strings, G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; texts != NULL && texts[i] != NULL && i < OSH_EVENT_STRINGS_MAX; i++)
        g_variant_builder_add_value(&strings, osh_event_text(texts[i]));
    return g_variant_builder_end(&strings);
}

/** osh_event_member_is_present: [any] Returns: whether pack writes @member of @event. Since: 1.0 */
static inline gboolean
osh_event_member_is_present(const OshEventMember *member, gconstpointer event)
{
    if (member->key == NULL)
        return TRUE;
    if (member->flag != 0)
        return G_STRUCT_MEMBER(gboolean, event, member->flag);
    switch (member->type[0]) {
    case 's':
    case 'a':
        return G_STRUCT_MEMBER(gconstpointer, event, member->offset) != NULL;
    case 'q':
        return G_STRUCT_MEMBER(guint16, event, member->offset) != 0;
    case 't':
    case 'x':
        return G_STRUCT_MEMBER(guint64, event, member->offset) != 0;
    default:
        return G_STRUCT_MEMBER(guint32, event, member->offset) != 0;
    }
}

/** osh_event_member_get: [any] Returns: (transfer floating): value of @member of @event. Since: 1.0
 */
static inline GVariant *
osh_event_member_get(const OshEventMember *member, gconstpointer event)
{
    switch (member->type[0]) {
    case 's':
        return osh_event_text(G_STRUCT_MEMBER(const char *, event, member->offset));
    case 'a':
        return osh_event_strings(G_STRUCT_MEMBER(const char *const *, event, member->offset));
    case 'q':
        return g_variant_new_uint16(G_STRUCT_MEMBER(guint16, event, member->offset));
    case 'u':
        return g_variant_new_uint32(G_STRUCT_MEMBER(guint32, event, member->offset));
    case 'i':
        return g_variant_new_int32(G_STRUCT_MEMBER(gint32, event, member->offset));
    case 't':
        return g_variant_new_uint64(G_STRUCT_MEMBER(guint64, event, member->offset));
    case 'x':
        return g_variant_new_int64(G_STRUCT_MEMBER(gint64, event, member->offset));
    default:
        return g_variant_new_boolean(G_STRUCT_MEMBER(gboolean, event, member->offset));
    }
}

/** osh_event_member_set: [any] writes @value, which is of @member's type, into @event. Since: 1.0
 */
static inline void
osh_event_member_set(const OshEventMember *member, GVariant *value, gpointer event)
{
    const char **strings;
    gsize n;

    if (member->flag != 0)
        G_STRUCT_MEMBER(gboolean, event, member->flag) = TRUE;
    switch (member->type[0]) {
    case 's':
        G_STRUCT_MEMBER(const char *, event, member->offset) = g_variant_get_string(value, NULL);
        break;
    case 'a':
        n = MIN(g_variant_n_children(value), (gsize)OSH_EVENT_STRINGS_MAX);
        strings = g_new0(const char *, n + 1);
        for (gsize i = 0; i < n; i++) {
            GVariant *child = g_variant_get_child_value(value, i);

            strings[i] = g_variant_get_string(child, NULL);
            g_variant_unref(child);
        }
        G_STRUCT_MEMBER(const char **, event, member->offset) = strings;
        break;
    case 'q':
        G_STRUCT_MEMBER(guint16, event, member->offset) = g_variant_get_uint16(value);
        break;
    case 'u':
        G_STRUCT_MEMBER(guint32, event, member->offset) = g_variant_get_uint32(value);
        break;
    case 'i':
        G_STRUCT_MEMBER(gint32, event, member->offset) = g_variant_get_int32(value);
        break;
    case 't':
        G_STRUCT_MEMBER(guint64, event, member->offset) = g_variant_get_uint64(value);
        break;
    case 'x':
        G_STRUCT_MEMBER(gint64, event, member->offset) = g_variant_get_int64(value);
        break;
    default:
        G_STRUCT_MEMBER(gboolean, event, member->offset) = g_variant_get_boolean(value);
        break;
    }
}

/** osh_event_find_key: [any] Returns: index of the member of @layout under the key that @entry of
 * an a{sv} has, or @n_members of @layout. Since: 1.0 */
static inline gsize
osh_event_find_key(const OshEventLayout *layout, GVariant *entry)
{
    GVariant *key = g_variant_get_child_value(entry, 0);
    const char *text = g_variant_get_string(key, NULL);
    gsize i = 0;

    while (i < layout->n_members && g_strcmp0(layout->members[i].key, text) != 0)
        i++;
    g_variant_unref(key);
    return i;
}

/** osh_event_pack_more: [any] Returns: (transfer floating): an a{sv} of @entries and of what @more
 * has beside the members. Since: 1.0 */
static inline GVariant *
osh_event_pack_more(const OshEventLayout *layout, GVariant *const *entries, gsize n_entries,
                    GVariant *more)
{
    GVariantBuilder details;
    GVariantIter iter;
    GVariant *entry;

    g_variant_builder_init(&details, G_VARIANT_TYPE_VARDICT);
    for (gsize i = 0; i < n_entries; i++)
        g_variant_builder_add_value(&details, entries[i]);
    g_variant_ref_sink(more);
    if (g_variant_is_of_type(more, G_VARIANT_TYPE_VARDICT)) {
        g_variant_iter_init(&iter, more);
        while ((entry = g_variant_iter_next_value(&iter)) != NULL) {
            if (osh_event_find_key(layout, entry) == layout->n_members)
                g_variant_builder_add_value(&details, entry);
            g_variant_unref(entry);
        }
    }
    g_variant_unref(more);
    return g_variant_builder_end(&details);
}

/**
 * osh_event_pack_values:
 * @layout: of the event
 * @event: its struct
 *
 * [any] Packs whatever osh_event_pack_bytes() does not. The children of the tuple are made one by
 * one, so that no format is parsed.
 *
 * Returns: (transfer floating): the payload, of the type @layout says
 *
 * Since: 1.0
 */
static inline GVariant *
osh_event_pack_values(const OshEventLayout *layout, gconstpointer event)
{
    GVariant *children[OSH_EVENT_MEMBERS_MAX + 1];
    GVariant *entries[OSH_EVENT_MEMBERS_MAX];
    GVariant *more = G_STRUCT_MEMBER(GVariant *, event, layout->more);
    gsize n_children = 0;
    gsize n_entries = 0;

    for (gsize i = 0; i < layout->n_members; i++) {
        const OshEventMember *member = &layout->members[i];

        if (!osh_event_member_is_present(member, event))
            continue;
        if (member->key == NULL)
            children[n_children++] = osh_event_member_get(member, event);
        else
            entries[n_entries++] = g_variant_new_dict_entry(
                g_variant_new_string(member->key),
                g_variant_new_variant(osh_event_member_get(member, event)));
    }
    children[n_children++] = more != NULL
                                 ? osh_event_pack_more(layout, entries, n_entries, more)
                                 : g_variant_new_array(G_VARIANT_TYPE("{sv}"), entries, n_entries);
    return g_variant_new_tuple(children, n_children);
}

/**
 * OshEventBytes:
 * @data: where the serialised payload is written
 * @at: how much of it is
 *
 * A payload while it is written in GVariant's own format (GVariant Specification 1.0).
 *
 * Since: 1.0
 */
typedef struct {
    guint8 *data;
    gsize at;
} OshEventBytes;

/** osh_event_bytes_align: [any] goes on at a multiple of @size. Since: 1.0 */
static inline void
osh_event_bytes_align(OshEventBytes *bytes, gsize size)
{
    bytes->at = (bytes->at + size - 1) & ~(size - 1);
}

/** osh_event_bytes_put: [any] writes @value, which is a fixed-size one. Since: 1.0 */
static inline void
osh_event_bytes_put(OshEventBytes *bytes, gconstpointer value, gsize size)
{
    osh_event_bytes_align(bytes, size);
    memcpy(bytes->data + bytes->at, value, size);
    bytes->at += size;
}

/** osh_event_bytes_put_text: [any] writes a string with its NUL. Since: 1.0 */
static inline void
osh_event_bytes_put_text(OshEventBytes *bytes, const char *text, gsize length)
{
    memcpy(bytes->data + bytes->at, text, length);
    bytes->at += length + 1;
}

/**
 * osh_event_bytes_put_ends:
 * @from: where the container begins
 * @ends: (array length=n_ends): framing offsets, in the order in which they stand
 *
 * [any] Ends a container. The offsets are as narrow as its whole length allows.
 *
 * Since: 1.0
 */
static inline void
osh_event_bytes_put_ends(OshEventBytes *bytes, gsize from, const gsize *ends, gsize n_ends)
{
    gsize body = bytes->at - from;
    gsize width = body + n_ends <= 0xff ? 1 : body + 2 * n_ends <= 0xffff ? 2 : 4;

    for (gsize i = 0; i < n_ends; i++)
        for (gsize k = 0; k < width; k++)
            bytes->data[bytes->at++] = (guint8)(ends[i] >> (8 * k));
}

/** osh_event_bytes_put_member: [any] writes the value of @member of @event; @length is that of a
 * string. Since: 1.0 */
static inline void
osh_event_bytes_put_member(OshEventBytes *bytes, const OshEventMember *member, gconstpointer event,
                           gsize length)
{
    const char *text;
    guint8 truth;

    switch (member->type[0]) {
    case 's':
        text = G_STRUCT_MEMBER(const char *, event, member->offset);
        osh_event_bytes_put_text(bytes, text != NULL ? text : "", length);
        break;
    case 'q':
        osh_event_bytes_put(bytes, G_STRUCT_MEMBER_P(event, member->offset), 2);
        break;
    case 'u':
    case 'i':
        osh_event_bytes_put(bytes, G_STRUCT_MEMBER_P(event, member->offset), 4);
        break;
    case 't':
    case 'x':
        osh_event_bytes_put(bytes, G_STRUCT_MEMBER_P(event, member->offset), 8);
        break;
    default:
        truth = G_STRUCT_MEMBER(gboolean, event, member->offset) ? 1 : 0;
        osh_event_bytes_put(bytes, &truth, 1);
        break;
    }
}

/** osh_event_bytes_put_detail: [any] writes an entry of the a{sv}. Since: 1.0 */
static inline void
osh_event_bytes_put_detail(OshEventBytes *bytes, const OshEventMember *member, gconstpointer event,
                           gsize length)
{
    gsize from;
    gsize key_end;

    osh_event_bytes_align(bytes, 8);
    from = bytes->at;
    osh_event_bytes_put_text(bytes, member->key, strlen(member->key));
    key_end = bytes->at - from;
    osh_event_bytes_align(bytes, 8);
    osh_event_bytes_put_member(bytes, member, event, length);
    /* The type of the value follows it, after a NUL. */
    bytes->at++;
    bytes->data[bytes->at++] = (guint8)member->type[0];
    osh_event_bytes_put_ends(bytes, from, &key_end, 1);
}

/**
 * osh_event_measure:
 * @lengths: (out caller-allocates): of the strings of @event that are present
 *
 * [any] Returns: a size that the payload does not exceed, or 0 where a value is not written as it
 *   is: a list, a text that is too long or not UTF-8
 *
 * Since: 1.0
 */
static inline gsize
osh_event_measure(const OshEventLayout *layout, gconstpointer event,
                  gsize lengths[OSH_EVENT_MEMBERS_MAX])
{
    gsize size = 16;

    for (gsize i = 0; i < layout->n_members; i++) {
        const OshEventMember *member = &layout->members[i];
        const char *text;
        const char *end;

        lengths[i] = 0;
        if (!osh_event_member_is_present(member, event))
            continue;
        if (member->type[0] == 'a')
            return 0;
        /* The value and its framing offset, aligned; of a detail also key, type and their own. */
        size += 16;
        if (member->key != NULL)
            size += 32 + strlen(member->key);
        if (member->type[0] != 's')
            continue;
        text = G_STRUCT_MEMBER(const char *, event, member->offset);
        if (text == NULL)
            text = "";
        if (!g_utf8_validate(text, -1, &end) || end - text > OSH_EVENT_TEXT_MAX)
            return 0;
        lengths[i] = (gsize)(end - text);
        size += lengths[i];
    }
    return size;
}

/**
 * osh_event_pack_bytes:
 * @layout: of the event
 * @event: its struct
 *
 * [any] Writes the payload as one block of bytes, as GVariant would serialise it: what a tree of
 * values costs is most of what an event costs.
 *
 * Returns: (transfer floating) (nullable): the payload, or NULL where osh_event_pack_values() is
 *   needed
 *
 * Since: 1.0
 */
static inline GVariant *
osh_event_pack_bytes(const OshEventLayout *layout, gconstpointer event)
{
    gsize lengths[OSH_EVENT_MEMBERS_MAX];
    gsize ends[OSH_EVENT_MEMBERS_MAX];
    gsize backwards[OSH_EVENT_MEMBERS_MAX];
    OshEventBytes bytes = {NULL, 0};
    gsize size = G_STRUCT_MEMBER(GVariant *, event, layout->more) == NULL
                     ? osh_event_measure(layout, event, lengths)
                     : 0;
    gsize n_strings = 0;
    gsize n_entries = 0;
    gsize details;

    if (size == 0)
        return NULL;
    bytes.data = (guint8 *)g_malloc0(size);
    for (gsize i = 0; i < layout->n_members; i++) {
        if (layout->members[i].key != NULL)
            continue;
        osh_event_bytes_put_member(&bytes, &layout->members[i], event, lengths[i]);
        if (layout->members[i].type[0] == 's')
            ends[n_strings++] = bytes.at;
    }
    /* In a tuple the offset of the first comes last. */
    for (gsize i = 0; i < n_strings; i++)
        backwards[i] = ends[n_strings - 1 - i];
    osh_event_bytes_align(&bytes, 8);
    details = bytes.at;
    for (gsize i = 0; i < layout->n_members; i++) {
        if (layout->members[i].key == NULL ||
            !osh_event_member_is_present(&layout->members[i], event))
            continue;
        osh_event_bytes_put_detail(&bytes, &layout->members[i], event, lengths[i]);
        ends[n_entries++] = bytes.at - details;
    }
    osh_event_bytes_put_ends(&bytes, details, ends, n_entries);
    osh_event_bytes_put_ends(&bytes, 0, backwards, n_strings);
    g_assert(bytes.at <= size);
    return g_variant_new_from_data((const GVariantType *)layout->type, bytes.data, bytes.at, TRUE,
                                   g_free, bytes.data);
}

/**
 * osh_event_pack:
 * @layout: of the event
 * @event: its struct
 *
 * [any] The one function behind each osh_event_NAME_pack().
 *
 * Returns: (transfer floating): the payload, of the type @layout says
 *
 * Since: 1.0
 */
static inline GVariant *
osh_event_pack(const OshEventLayout *layout, gconstpointer event)
{
    GVariant *payload = osh_event_pack_bytes(layout, event);

    return payload != NULL ? payload : osh_event_pack_values(layout, event);
}

/** osh_event_unpack_details: [any] sets the members of @event that @details, an a{sv}, has; the
 * first of equal keys counts. Since: 1.0 */
static inline void
osh_event_unpack_details(const OshEventLayout *layout, GVariant *details, gpointer event)
{
    guint32 seen = 0;
    GVariantIter iter;
    GVariant *entry;

    g_variant_iter_init(&iter, details);
    while ((entry = g_variant_iter_next_value(&iter)) != NULL) {
        gsize i = osh_event_find_key(layout, entry);

        if (i < layout->n_members && (seen & (1u << i)) == 0) {
            const OshEventMember *member = &layout->members[i];
            GVariant *boxed = g_variant_get_child_value(entry, 1);
            GVariant *value = g_variant_get_variant(boxed);

            if (g_variant_is_of_type(value, (const GVariantType *)member->type))
                osh_event_member_set(member, value, event);
            seen |= 1u << i;
            g_variant_unref(value);
            g_variant_unref(boxed);
        }
        g_variant_unref(entry);
    }
}

/**
 * osh_event_unpack:
 * @layout: of the event
 * @payload: (nullable): any value
 * @ret_event: (out caller-allocates): its struct; untouched when FALSE is returned
 *
 * [any] The one function behind each osh_event_NAME_unpack(). Where the payload is malformed
 * inside, the members have the defaults that GVariant gives; a detail of another type than its
 * member's is absent.
 *
 * Returns: whether @payload has the type of the event
 *
 * Since: 1.0
 */
static inline gboolean
osh_event_unpack(const OshEventLayout *layout, GVariant *payload, gpointer ret_event)
{
    GVariant *value;
    gsize place = 0;

    if (payload == NULL || !g_variant_is_of_type(payload, (const GVariantType *)layout->type))
        return FALSE;
    memset(ret_event, 0, layout->size);
    /* One block of bytes from here on, into which the strings of all children point. */
    g_variant_get_data(payload);
    for (gsize i = 0; i < layout->n_members; i++) {
        if (layout->members[i].key != NULL)
            continue;
        value = g_variant_get_child_value(payload, place++);
        osh_event_member_set(&layout->members[i], value, ret_event);
        g_variant_unref(value);
    }
    value = g_variant_get_child_value(payload, place);
    osh_event_unpack_details(layout, value, ret_event);
    g_variant_unref(value);
    return TRUE;
}

/**
 * osh_event_clear:
 * @layout: of the event
 * @event: its struct, as unpack filled it
 *
 * [any] The one function behind each osh_event_NAME_clear(): frees the lists, not their strings.
 *
 * Since: 1.0
 */
static inline void
osh_event_clear(const OshEventLayout *layout, gpointer event)
{
    for (gsize i = 0; i < layout->n_members; i++)
        if (layout->members[i].type[0] == 'a')
            g_free(G_STRUCT_MEMBER(gpointer, event, layout->members[i].offset));
    memset(event, 0, layout->size);
}

/**
 * osh_event_lookup_detail:
 * @payload: payload of any event
 * @key: key of its a{sv}
 * @type: (nullable): type that is asked for; NULL takes any
 *
 * [any] A detail for which the struct has no member: of a newer publisher, or of a topic of one's
 * own.
 *
 * Returns: (transfer full) (nullable): the value, or NULL when there is none of that type
 *
 * Since: 1.0
 */
static inline GVariant *
osh_event_lookup_detail(GVariant *payload, const char *key, const GVariantType *type)
{
    GVariant *details;
    GVariant *value = NULL;
    gsize n_children;

    if (!g_variant_is_of_type(payload, G_VARIANT_TYPE_TUPLE))
        return NULL;
    n_children = g_variant_n_children(payload);
    if (n_children == 0)
        return NULL;
    details = g_variant_get_child_value(payload, n_children - 1);
    if (g_variant_is_of_type(details, G_VARIANT_TYPE_VARDICT))
        value = g_variant_lookup_value(details, key, type);
    g_variant_unref(details);
    return value;
}

/*
 * The kinds: the C type of a member, and its GVariant type.
 */
#define OSH_EVENT_C_UINT16  guint16
#define OSH_EVENT_C_UINT32  guint32
#define OSH_EVENT_C_INT32   gint32
#define OSH_EVENT_C_UINT64  guint64
#define OSH_EVENT_C_INT64   gint64
#define OSH_EVENT_C_BOOLEAN gboolean
#define OSH_EVENT_C_STRING  const char *
#define OSH_EVENT_C_STRINGS const char *const *

#define OSH_EVENT_TYPE_UINT16  "q"
#define OSH_EVENT_TYPE_UINT32  "u"
#define OSH_EVENT_TYPE_INT32   "i"
#define OSH_EVENT_TYPE_UINT64  "t"
#define OSH_EVENT_TYPE_INT64   "x"
#define OSH_EVENT_TYPE_BOOLEAN "b"
#define OSH_EVENT_TYPE_STRING  "s"
#define OSH_EVENT_TYPE_STRINGS "as"

/* What a row of a table of members becomes: in the struct, in the type of the payload. */
#define OSH_EVENT_DECLARE_MEMBER(kind, name)      OSH_EVENT_C_##kind name;
#define OSH_EVENT_DECLARE_DETAIL(kind, name, key) OSH_EVENT_C_##kind name;
#define OSH_EVENT_DECLARE_FLAGGED(kind, name, key)                                                 \
    gboolean has_##name;                                                                           \
    OSH_EVENT_C_##kind name;
#define OSH_EVENT_TYPE_OF_MEMBER(kind, name) OSH_EVENT_TYPE_##kind
#define OSH_EVENT_TYPE_OF_DETAIL(kind, name, key)

/**
 * OSH_EVENT_TYPE:
 * @SYMBOL: name of an event, for example NETWORK_DENIED
 *
 * A string literal: the GVariant type of its payload.
 *
 * Since: 1.0
 */
#define OSH_EVENT_TYPE(SYMBOL)                                                                     \
    "(" OSH_EVENT_##SYMBOL##_MEMBERS(OSH_EVENT_TYPE_OF_MEMBER, OSH_EVENT_TYPE_OF_DETAIL,           \
                                     OSH_EVENT_TYPE_OF_DETAIL) "a{sv})"

/* What a row becomes in the layout of the struct OshEventRow. */
#define OSH_EVENT_ROW_MEMBER(kind, name)                                                           \
    {OSH_EVENT_TYPE_##kind, NULL, G_STRUCT_OFFSET(OshEventRow, name), 0},
#define OSH_EVENT_ROW_DETAIL(kind, name, key)                                                      \
    {OSH_EVENT_TYPE_##kind, key, G_STRUCT_OFFSET(OshEventRow, name), 0},
#define OSH_EVENT_ROW_FLAGGED(kind, name, key)                                                     \
    {OSH_EVENT_TYPE_##kind, key, G_STRUCT_OFFSET(OshEventRow, name),                               \
     G_STRUCT_OFFSET(OshEventRow, has_##name)},

/**
 * OSH_EVENT_DEFINE:
 * @SYMBOL: name of the event in macros; OSH_EVENT_SYMBOL_MEMBERS is its table of members
 * @symbol: its name in functions
 * @Struct: its name in the type
 *
 * Makes of the table of members the struct OshEventStruct, and
 *
 * `const OshEventLayout *osh_event_symbol_layout(void)`: [any] what the table says.
 *
 * `GVariant *osh_event_symbol_pack(const OshEventStruct *event)`: [any] (transfer floating): the
 * payload. Text is made valid and cut as osh_event_text() does it; NULL in a MEMBER is the empty
 * string. Nothing of @event is kept. Costs no more than g_variant_new() with the same values.
 *
 * `gboolean osh_event_symbol_unpack(GVariant *payload, OshEventStruct *ret_event)`: [any] FALSE,
 * and nothing is written, for NULL or a payload of another type. Strings are borrowed from the
 * payload: they are valid as long as a reference to it is held, within an #OshEventFunc for the
 * length of the callback. The arrays of STRINGS belong to the struct.
 *
 * `void osh_event_symbol_clear(OshEventStruct *event)`: [any] frees these arrays after unpack, and
 * nothing else; g_auto() calls it. A struct that was filled for pack is not cleared, and an event
 * without STRINGS need not be.
 *
 * Each struct ends with `GVariant *more`: (nullable): an a{sv} with further details for pack, which
 * takes a floating one; a key that a member has is left out. unpack sets it to NULL: what it has no
 * member for is read with osh_event_lookup_detail().
 *
 * Since: 1.0
 */
#define OSH_EVENT_DEFINE(SYMBOL, symbol, Struct)                                                   \
    typedef struct {                                                                               \
        OSH_EVENT_##SYMBOL##_MEMBERS(OSH_EVENT_DECLARE_MEMBER, OSH_EVENT_DECLARE_DETAIL,           \
                                     OSH_EVENT_DECLARE_FLAGGED) GVariant *more;                    \
    } OshEvent##Struct;                                                                            \
                                                                                                   \
    static inline const OshEventLayout *osh_event_##symbol##_layout(void)                          \
    {                                                                                              \
        typedef OshEvent##Struct OshEventRow;                                                      \
        static const OshEventMember members[] = {OSH_EVENT_##SYMBOL##_MEMBERS(                     \
            OSH_EVENT_ROW_MEMBER, OSH_EVENT_ROW_DETAIL, OSH_EVENT_ROW_FLAGGED)};                   \
        static const OshEventLayout layout = {OSH_EVENT_TYPE(SYMBOL), sizeof(OshEventRow),         \
                                              G_STRUCT_OFFSET(OshEventRow, more), members,         \
                                              G_N_ELEMENTS(members)};                              \
                                                                                                   \
        G_STATIC_ASSERT(G_N_ELEMENTS(members) <= OSH_EVENT_MEMBERS_MAX);                           \
        return &layout;                                                                            \
    }                                                                                              \
                                                                                                   \
    static inline GVariant *osh_event_##symbol##_pack(const OshEvent##Struct *event)               \
    {                                                                                              \
        return osh_event_pack(osh_event_##symbol##_layout(), event);                               \
    }                                                                                              \
                                                                                                   \
    static inline gboolean osh_event_##symbol##_unpack(GVariant *payload,                          \
                                                       OshEvent##Struct *ret_event)                \
    {                                                                                              \
        return osh_event_unpack(osh_event_##symbol##_layout(), payload, ret_event);                \
    }                                                                                              \
                                                                                                   \
    static inline void osh_event_##symbol##_clear(OshEvent##Struct *event)                         \
    {                                                                                              \
        osh_event_clear(osh_event_##symbol##_layout(), event);                                     \
    }                                                                                              \
                                                                                                   \
    G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OshEvent##Struct, osh_event_##symbol##_clear)

G_END_DECLS
