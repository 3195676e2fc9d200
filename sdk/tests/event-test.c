/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The typed events: each row of OSH_EVENT_TOPICS through pack and unpack, and what unpack makes of
 * payloads that no pack has made.
 */
#include "openshell/event.h"

typedef struct {
    const char *symbol;
    const char *topic;
    const char *type;
    const char *class_name;
    gboolean retained;
    const char *ends;
    const OshEventLayout *(*layout)(void);
    GVariant *(*pack)(gconstpointer event);
    gboolean (*unpack)(GVariant *payload, gpointer ret_event);
    void (*clear)(gpointer event);
} Row;

/* The functions of a row take its own struct: here they all take a pointer. */
#define ADAPT(SYMBOL, symbol, Struct, delivery, retained, ends)                                    \
    static GVariant *pack_##symbol(gconstpointer event)                                            \
    {                                                                                              \
        return osh_event_##symbol##_pack((const OshEvent##Struct *)event);                         \
    }                                                                                              \
    static gboolean unpack_##symbol(GVariant *payload, gpointer ret_event)                         \
    {                                                                                              \
        g_assert_cmpuint(osh_event_##symbol##_layout()->size, ==, sizeof(OshEvent##Struct));       \
        return osh_event_##symbol##_unpack(payload, (OshEvent##Struct *)ret_event);                \
    }                                                                                              \
    static void clear_##symbol(gpointer event)                                                     \
    {                                                                                              \
        osh_event_##symbol##_clear((OshEvent##Struct *)event);                                     \
    }
OSH_EVENT_TOPICS(ADAPT)
#undef ADAPT

static const Row rows[] = {
#define ROW(SYMBOL, symbol, Struct, delivery, retained, ends)                                      \
    {                                                                                              \
        #SYMBOL,                                                                                   \
        OSH_TOPIC_##SYMBOL,                                                                        \
        OSH_EVENT_TYPE(SYMBOL),                                                                    \
        #delivery,                                                                                 \
        retained,                                                                                  \
        ends,                                                                                      \
        osh_event_##symbol##_layout,                                                               \
        pack_##symbol,                                                                             \
        unpack_##symbol,                                                                           \
        clear_##symbol},
    OSH_EVENT_TOPICS(ROW)
#undef ROW
};

/* What ABI 1 has promised to subscribers: a row here never changes, and is never removed. */
static const struct {
    const char *topic;
    const char *type;
    const char *class_name;
    gboolean retained;
    const char *ends;
} promised[] = {
    {"openshell.host.plugin-state/1", "(sssa{sv})", "LOSSLESS", TRUE, NULL},
    {"openshell.host.plugin-fault/1", "(sssa{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.host.started/1", "(ssa{sv})", "LOSSLESS", TRUE, NULL},
    {"openshell.host.stopping/1", "(sa{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.policy.changed/1", "(stssa{sv})", "LOSSLESS", TRUE, NULL},
    {"openshell.policy.rejected/1", "(tssa{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.box.opened/1", "(tsua{sv})", "LOSSLESS", TRUE, NULL},
    {"openshell.box.closed/1", "(tsa{sv})", "LOSSLESS", FALSE, "openshell.box.opened/1"},
    {"openshell.process.started/1", "(tutssa{sv})", "LOSSLESS", TRUE, NULL},
    {"openshell.process.exited/1", "(tuiia{sv})", "LOSSLESS", FALSE, "openshell.process.started/1"},
    {"openshell.process.refused/1", "(ssssa{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.process.violation/1", "(ussa{sv})", "DENIAL", FALSE, NULL},
    {"openshell.network.allowed/1", "(tsqssssta{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.network.denied/1", "(tssqsssta{sv})", "DENIAL", FALSE, NULL},
    {"openshell.network.failed/1", "(tssqsa{sv})", "DENIAL", FALSE, NULL},
    {"openshell.network.notice/1", "(tssqssa{sv})", "DENIAL", FALSE, NULL},
    {"openshell.network.opened/1", "(tsqsa{sv})", "SAMPLED", FALSE, NULL},
    {"openshell.network.closed/1", "(tttxsa{sv})", "SAMPLED", FALSE, NULL},
    {"openshell.l7.allowed/1", "(ttssssqsssta{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.l7.denied/1", "(ttsssssqsssta{sv})", "DENIAL", FALSE, NULL},
    {"openshell.l7.response/1", "(ttuta{sv})", "SAMPLED", FALSE, NULL},
    {"openshell.credential.used/1", "(tsssa{sv})", "LOSSLESS", FALSE, NULL},
    {"openshell.bus.dropped/1", "(stta{sv})", "LOSSLESS", FALSE, NULL},
};

static void
test_table_is_as_promised(void)
{
    _Static_assert(G_N_ELEMENTS(rows) == G_N_ELEMENTS(promised), "a topic has its row of promised");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpstr(rows[i].topic, ==, promised[i].topic);
        g_assert_cmpstr(rows[i].type, ==, promised[i].type);
        g_assert_cmpstr(rows[i].class_name, ==, promised[i].class_name);
        g_assert_cmpint(rows[i].retained, ==, promised[i].retained);
        g_assert_cmpstr(rows[i].ends, ==, promised[i].ends);
        g_assert_cmpstr(rows[i].layout()->type, ==, rows[i].type);
    }
}

static const char *const hostile[] = {
    "",
    "plain",
    "\x1b]0;title\x07\n\r\t",
    "\"quotes\" \\ and %s %n {sv}",
    "\xff\xfe not UTF-8 \xc3",
    "\xed\xa0\x80 a surrogate, \xf4\x90\x80\x80 beyond Unicode, \xc0\xaf too long",
    "\xe2\x80\xae turned around",
};

/* Gives every member a value of its own. @text is in each string. */
static void
fill(const OshEventLayout *layout, gpointer event, gboolean details, const char *text,
     const char *const *list)
{
    memset(event, 0, layout->size);
    for (gsize i = 0; i < layout->n_members; i++) {
        const OshEventMember *member = &layout->members[i];
        gpointer place = G_STRUCT_MEMBER_P(event, member->offset);

        if (member->key != NULL && !details)
            continue;
        if (member->flag != 0)
            G_STRUCT_MEMBER(gboolean, event, member->flag) = TRUE;
        switch (member->type[0]) {
        case 's':
            *(const char **)place = text;
            break;
        case 'a':
            *(const char *const **)place = list;
            break;
        case 'q':
            *(guint16 *)place = (guint16)(G_MAXUINT16 - i);
            break;
        case 'u':
            *(guint32 *)place = (guint32)(G_MAXUINT32 - i);
            break;
        case 'i':
            *(gint32 *)place = (gint32)(G_MININT32 + (gint32)i);
            break;
        case 't':
            *(guint64 *)place = G_MAXUINT64 - i;
            break;
        case 'x':
            *(gint64 *)place = G_MININT64 + (gint64)i;
            break;
        case 'b':
            *(gboolean *)place = TRUE;
            break;
        default:
            g_assert_not_reached();
        }
    }
}

static gsize
size_of(const OshEventMember *member)
{
    switch (member->type[0]) {
    case 'q':
        return sizeof(guint16);
    case 'u':
    case 'i':
    case 'b':
        return sizeof(guint32);
    default:
        return sizeof(guint64);
    }
}

static void
assert_text(const char *got, const char *packed)
{
    g_autofree char *valid = packed != NULL ? g_utf8_make_valid(packed, -1) : NULL;

    g_assert_cmpstr(got, ==, valid);
}

static void
assert_same(const OshEventLayout *layout, gconstpointer packed, gconstpointer unpacked)
{
    for (gsize i = 0; i < layout->n_members; i++) {
        const OshEventMember *member = &layout->members[i];
        gconstpointer a = G_STRUCT_MEMBER_P(packed, member->offset);
        gconstpointer b = G_STRUCT_MEMBER_P(unpacked, member->offset);

        if (member->flag != 0)
            g_assert_cmpint(G_STRUCT_MEMBER(gboolean, packed, member->flag), ==,
                            G_STRUCT_MEMBER(gboolean, unpacked, member->flag));
        if (member->type[0] == 's') {
            const char *text = *(const char *const *)a;

            assert_text(*(const char *const *)b, text == NULL && member->key == NULL ? "" : text);
        } else if (member->type[0] == 'a') {
            const char *const *list = *(const char *const *const *)a;
            const char *const *other = *(const char *const *const *)b;

            g_assert_true((list == NULL) == (other == NULL));
            for (gsize k = 0; list != NULL && (list[k] != NULL || other[k] != NULL); k++)
                assert_text(other[k], list[k]);
        } else {
            g_assert_cmpmem(a, size_of(member), b, size_of(member));
        }
    }
    g_assert_null(G_STRUCT_MEMBER(GVariant *, unpacked, layout->more));
}

/* Every string of @event lies in the bytes of @payload. */
static void
assert_borrowed(const OshEventLayout *layout, gconstpointer event, GVariant *payload)
{
    const char *data = g_variant_get_data(payload);
    gsize size = g_variant_get_size(payload);

    for (gsize i = 0; i < layout->n_members; i++) {
        const char *text;

        if (layout->members[i].type[0] != 's')
            continue;
        text = G_STRUCT_MEMBER(const char *, event, layout->members[i].offset);
        g_assert_true(text == NULL || (text >= data && text < data + size));
    }
}

static void
round_trip(const Row *row, gboolean details, const char *text, const char *const *list)
{
    const OshEventLayout *layout = row->layout();
    g_autofree gpointer packed = g_malloc0(layout->size);
    g_autofree gpointer unpacked = g_malloc(layout->size);
    g_autoptr(GVariant) payload = NULL;
    g_autoptr(GVariant) entries = NULL;
    gsize n_details = 0;

    fill(layout, packed, details, text, list);
    memset(unpacked, 0xaa, layout->size);
    payload = g_variant_ref_sink(row->pack(packed));
    g_assert_cmpstr(g_variant_get_type_string(payload), ==, row->type);
    g_assert_true(g_variant_is_normal_form(payload));
    entries = g_variant_get_child_value(payload, g_variant_n_children(payload) - 1);
    for (gsize i = 0; i < layout->n_members; i++)
        n_details += layout->members[i].key != NULL;
    g_assert_cmpuint(g_variant_n_children(entries), ==, details ? n_details : 0);
    g_assert_true(row->unpack(payload, unpacked));
    assert_same(layout, packed, unpacked);
    assert_borrowed(layout, unpacked, payload);
    row->clear(unpacked);
}

static void
test_all_members(gconstpointer data)
{
    static const char *const list[] = {"one", "two", NULL};
    static const char *const empty[] = {NULL};

    round_trip(data, TRUE, "text", list);
    round_trip(data, TRUE, "text", empty);
}

static void
test_no_details(gconstpointer data)
{
    round_trip(data, FALSE, "text", NULL);
    round_trip(data, FALSE, NULL, NULL);
}

static void
test_hostile_text(gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hostile); i++) {
        const char *const list[] = {hostile[i], "between", hostile[i], NULL};

        round_trip(data, TRUE, hostile[i], list);
    }
}

static void
test_another_type_is_refused(gconstpointer data)
{
    const Row *row = data;
    const OshEventLayout *layout = row->layout();
    g_autofree guint8 *event = g_malloc(layout->size);
    g_autofree guint8 *untouched = g_malloc(layout->size);
    static const char *const others[] = {"()", "(a{sv})", "a{sv}", "s", "v", "(ua{sv})", "(sv)"};

    memset(event, 0xaa, layout->size);
    memset(untouched, 0xaa, layout->size);
    g_assert_false(row->unpack(NULL, event));
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GVariant) payload = g_variant_ref_sink(
            g_variant_new_from_data(G_VARIANT_TYPE(others[i]), NULL, 0, FALSE, NULL, NULL));

        g_assert_false(row->unpack(payload, event));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GVariant) payload = g_variant_ref_sink(
            g_variant_new_from_data(G_VARIANT_TYPE(rows[i].type), NULL, 0, FALSE, NULL, NULL));

        if (strcmp(rows[i].type, row->type) != 0)
            g_assert_false(row->unpack(payload, event));
    }
    g_assert_cmpmem(event, layout->size, untouched, layout->size);
}

/* Bytes that no pack has made, as a process outside the host might send them. */
static void
test_malformed_bytes_are_read_to_the_end(gconstpointer data)
{
    const Row *row = data;
    const OshEventLayout *layout = row->layout();
    g_autofree gpointer event = g_malloc(layout->size);
    g_autofree gpointer packed = g_malloc0(layout->size);
    static const char *const list[] = {"one", "two", NULL};
    g_autoptr(GVariant) good = NULL;
    g_autoptr(GRand) random = g_rand_new_with_seed(10);

    fill(layout, packed, TRUE, "text", list);
    good = g_variant_ref_sink(row->pack(packed));
    for (guint round = 0; round < 2000; round++) {
        gsize size = g_variant_get_size(good);
        guint8 *bytes = g_memdup2(g_variant_get_data(good), size);
        g_autoptr(GVariant) payload = NULL;

        for (guint i = g_rand_int_range(random, 1, 6); i > 0; i--)
            bytes[g_rand_int_range(random, 0, (gint32)size)] = (guint8)g_rand_int(random);
        size = (gsize)g_rand_int_range(random, 0, (gint32)size + 1);
        payload = g_variant_ref_sink(
            g_variant_new_from_data(G_VARIANT_TYPE(row->type), bytes, size, FALSE, g_free, bytes));
        g_assert_true(row->unpack(payload, event));
        for (gsize i = 0; i < layout->n_members; i++)
            if (layout->members[i].type[0] == 's') {
                const char *text = G_STRUCT_MEMBER(const char *, event, layout->members[i].offset);

                g_assert_true(text == NULL || g_utf8_validate(text, -1, NULL));
                g_assert_true(text != NULL || layout->members[i].key != NULL);
            }
        row->clear(event);
    }
}

static void
assert_is(GVariant *payload, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) wanted =
        g_variant_parse(g_variant_get_type(payload), text, NULL, NULL, &error);

    g_assert_no_error(error);
    g_assert_cmpvariant(payload, wanted);
}

static void
test_pack_makes_the_tuple(void)
{
    const OshEventNetworkDenied denied = {.connection = 7,
                                          .layer = "connect",
                                          .host = "a.example",
                                          .port = 443,
                                          .binary = "/usr/bin/curl",
                                          .reason = "no rule",
                                          .generation = 3,
                                          .pid = 42,
                                          .hint = "a hint",
                                          .has_uid = TRUE};
    const OshEventBoxClosed closed = {
        .box = 1, .reason = "closed", .appeared = (const char *const[]){"/a", "/b", NULL}};
    const OshEventProcessExited exited = {.process = 9, .pid = 10, .exit_code = -1};
    g_autoptr(GVariant) one = g_variant_ref_sink(osh_event_network_denied_pack(&denied));
    g_autoptr(GVariant) two = g_variant_ref_sink(osh_event_box_closed_pack(&closed));
    g_autoptr(GVariant) three = g_variant_ref_sink(osh_event_process_exited_pack(&exited));

    assert_is(one, "(7, 'connect', 'a.example', 443, '/usr/bin/curl', '', 'no rule', 3, "
                   "{'pid': <uint32 42>, 'hint': <'a hint'>, 'uid': <uint32 0>})");
    assert_is(two, "(1, 'closed', {'appeared': <['/a', '/b']>})");
    assert_is(three, "(9, 10, -1, 0, {})");
}

static void
test_newer_minor_is_read(void)
{
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new_parsed(
        "(uint64 7, 'connect', 'a.example', uint16 443, '-', '', 'no rule', uint64 3, "
        "{'pid': <'not a number'>, 'hint': <'a hint'>, 'country': <'nl'>, 'uid': <uint32 0>})"));
    g_autoptr(GVariant) country = NULL;
    OshEventNetworkDenied denied = {0};

    g_assert_true(osh_event_network_denied_unpack(payload, &denied));
    g_assert_cmpuint(denied.pid, ==, 0);
    g_assert_cmpstr(denied.hint, ==, "a hint");
    g_assert_true(denied.has_uid);
    g_assert_null(denied.problem);
    country = osh_event_lookup_detail(payload, "country", G_VARIANT_TYPE_STRING);
    g_assert_cmpstr(g_variant_get_string(country, NULL), ==, "nl");
    g_assert_null(osh_event_lookup_detail(payload, "country", G_VARIANT_TYPE_UINT32));
    g_assert_null(osh_event_lookup_detail(payload, "continent", NULL));
}

static void
test_first_of_equal_keys_counts(void)
{
    g_autoptr(GVariant) payload = g_variant_ref_sink(g_variant_new_parsed(
        "(uint64 1, 'closed', {'appeared': <['/a']>, 'appeared': <['/b', '/c']>, "
        "'not-searched': <1>, 'not-searched': <'/d'>})"));
    g_auto(OshEventBoxClosed) closed = {0};

    g_assert_true(osh_event_box_closed_unpack(payload, &closed));
    g_assert_cmpstr(closed.appeared[0], ==, "/a");
    g_assert_null(closed.appeared[1]);
    g_assert_null(closed.not_searched);
}

static void
test_details_of_no_event_are_none(void)
{
    static const char *const texts[] = {"'a'", "()", "('a',)", "@a{sv} {}", "uint32 1"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GVariant) value = g_variant_parse(NULL, texts[i], NULL, NULL, NULL);

        g_assert_nonnull(value);
        g_assert_null(osh_event_lookup_detail(value, "key", NULL));
    }
}

static void
test_further_details_are_packed(void)
{
    OshEventProcessRefused refused = {.kind = "box", .stage = "open", .text = "why"};
    OshEventPluginState state = {.id = "a", .old_state = "created", .state = "failed"};
    g_autoptr(GVariant) one = NULL;
    g_autoptr(GVariant) two = NULL;
    g_autoptr(GVariant) three = NULL;
    g_autoptr(GVariant) kept =
        g_variant_ref_sink(g_variant_new_parsed("{'reason': <'not this one'>, 'errno': <2>}"));

    refused.more = g_variant_new_parsed("{'errno': <2>}");
    one = g_variant_ref_sink(osh_event_process_refused_pack(&refused));
    state.reason = "this one";
    state.more = kept;
    two = g_variant_ref_sink(osh_event_plugin_state_pack(&state));
    state.more = g_variant_new_parsed("'no dictionary'");
    three = g_variant_ref_sink(osh_event_plugin_state_pack(&state));
    assert_is(one, "('box', '', 'open', 'why', {'errno': <2>})");
    assert_is(two, "('a', 'created', 'failed', {'reason': <'this one'>, 'errno': <2>})");
    assert_is(three, "('a', 'created', 'failed', {'reason': <'this one'>})");
}

/* Returns: (transfer full): the reason as it arrives */
static char *
reason_after(const char *reason)
{
    const OshEventHostStopping stopping = {.reason = reason};
    g_autoptr(GVariant) payload = g_variant_ref_sink(osh_event_host_stopping_pack(&stopping));
    OshEventHostStopping arrived = {0};

    g_assert_true(osh_event_host_stopping_unpack(payload, &arrived));
    return g_strdup(arrived.reason);
}

/* Fills @event at random; what it borrows is freed with @texts. Lists are left out. */
static void
fill_at_random(const OshEventLayout *layout, gpointer event, GRand *random, gint32 longest,
               GPtrArray *texts)
{
    memset(event, 0, layout->size);
    for (gsize i = 0; i < layout->n_members; i++) {
        const OshEventMember *member = &layout->members[i];
        guint64 number = (guint64)g_rand_int(random) << 32 | g_rand_int(random);

        if (g_rand_int_range(random, 0, 4) == 0)
            continue;
        if (member->flag != 0)
            G_STRUCT_MEMBER(gboolean, event, member->flag) = TRUE;
        switch (member->type[0]) {
        case 's':
            g_ptr_array_add(texts, g_strnfill(g_rand_int_range(random, 0, longest), 'x'));
            G_STRUCT_MEMBER(const char *, event, member->offset) = texts->pdata[texts->len - 1];
            break;
        case 'a':
            break;
        case 'q':
            G_STRUCT_MEMBER(guint16, event, member->offset) = (guint16)number;
            break;
        case 't':
        case 'x':
            G_STRUCT_MEMBER(guint64, event, member->offset) = number;
            break;
        case 'b':
            G_STRUCT_MEMBER(gboolean, event, member->offset) = (gboolean)(number % 2);
            break;
        default:
            G_STRUCT_MEMBER(guint32, event, member->offset) = (guint32)number;
            break;
        }
    }
}

/* With texts that make offsets of one, two and four bytes. */
static void
test_bytes_are_those_of_gvariant(gconstpointer data)
{
    static const gint32 longest[] = {4, 40, 300, OSH_EVENT_TEXT_MAX + 1};
    const Row *row = data;
    const OshEventLayout *layout = row->layout();
    g_autofree gpointer event = g_malloc0(layout->size);
    g_autoptr(GRand) random = g_rand_new_with_seed(17);

    for (guint i = 0; i < 400; i++) {
        g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GVariant) bytes = NULL;
        g_autoptr(GVariant) values = NULL;

        fill_at_random(layout, event, random, longest[i % G_N_ELEMENTS(longest)], texts);
        bytes = g_variant_ref_sink(osh_event_pack_bytes(layout, event));
        values = g_variant_ref_sink(osh_event_pack_values(layout, event));
        g_assert_cmpmem(g_variant_get_data(bytes), g_variant_get_size(bytes),
                        g_variant_get_data(values), g_variant_get_size(values));
        g_assert_true(g_variant_is_of_type(bytes, G_VARIANT_TYPE(row->type)));
        g_assert_cmpvariant(bytes, values);
    }
}

static void
test_what_is_not_written_as_it_is_is_packed_from_values(void)
{
    g_autofree char *text = g_strnfill(OSH_EVENT_TEXT_MAX + 1, 'x');
    GVariant *more = g_variant_ref_sink(g_variant_new_parsed("{'k': <1>}"));
    OshEventNetworkAllowed allowed = {.host = text};

    g_assert_null(osh_event_pack_bytes(osh_event_network_allowed_layout(), &allowed));
    allowed.host = "\xff";
    g_assert_null(osh_event_pack_bytes(osh_event_network_allowed_layout(), &allowed));
    allowed.host = "\xc3\xa9";
    g_variant_unref(
        g_variant_ref_sink(osh_event_pack_bytes(osh_event_network_allowed_layout(), &allowed)));
    allowed.more = more;
    g_assert_null(osh_event_pack_bytes(osh_event_network_allowed_layout(), &allowed));
    g_variant_unref(more);
}

static void
test_long_text_is_cut_at_a_character(void)
{
    /* How many bytes stand before a long run of letters of two bytes each. */
    for (guint before = 0; before < 4; before++) {
        g_autofree char *letters = g_strnfill(before, 'x');
        g_autoptr(GString) text = g_string_new(letters);
        g_autofree char *cut = NULL;

        while (text->len < 2 * OSH_EVENT_TEXT_MAX)
            g_string_append(text, "\xc3\xa9");
        cut = reason_after(text->str);
        g_assert_true(g_utf8_validate(cut, -1, NULL));
        g_assert_cmpuint(strlen(cut), <=, OSH_EVENT_TEXT_MAX);
        g_assert_cmpuint(strlen(cut), >=, OSH_EVENT_TEXT_MAX - 3);
        g_assert_true(g_str_has_suffix(cut, "\xc3\xa9..."));
        g_assert_true(strncmp(cut, text->str, strlen(cut) - 3) == 0);
    }
}

static void
test_text_of_the_greatest_length_stays_whole(void)
{
    g_autofree char *whole = g_strnfill(OSH_EVENT_TEXT_MAX, 'x');
    g_autofree char *longer = g_strnfill(OSH_EVENT_TEXT_MAX + 1, 'x');
    g_autofree char *invalid = g_strnfill(OSH_EVENT_TEXT_MAX, '\xff');
    g_autofree char *one = reason_after(whole);
    g_autofree char *two = reason_after(longer);
    g_autofree char *three = reason_after(invalid);

    g_assert_cmpstr(one, ==, whole);
    g_assert_cmpuint(strlen(two), ==, OSH_EVENT_TEXT_MAX);
    g_assert_true(g_str_has_suffix(two, "x..."));
    /* Each byte became three. */
    g_assert_cmpuint(strlen(three), <=, OSH_EVENT_TEXT_MAX);
    g_assert_true(g_str_has_suffix(three, "\xef\xbf\xbd..."));
}

static void
test_long_list_is_cut(void)
{
    const char *list[OSH_EVENT_STRINGS_MAX + 6] = {NULL};
    OshEventBoxClosed closed = {.box = 1, .reason = "closed", .appeared = list};
    g_autoptr(GVariant) payload = NULL;
    g_autoptr(GVariant) packed = NULL;
    g_auto(OshEventBoxClosed) arrived = {0};
    GVariantBuilder paths;
    gsize n = 0;

    for (guint i = 0; i < OSH_EVENT_STRINGS_MAX + 5; i++)
        list[i] = "/a";
    payload = g_variant_ref_sink(osh_event_box_closed_pack(&closed));
    packed = osh_event_lookup_detail(payload, "appeared", G_VARIANT_TYPE_STRING_ARRAY);
    g_assert_cmpuint(g_variant_n_children(packed), ==, OSH_EVENT_STRINGS_MAX);
    g_variant_unref(payload);
    /* And one that was not cut before. */
    g_variant_builder_init(&paths, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < OSH_EVENT_STRINGS_MAX + 5; i++)
        g_variant_builder_add(&paths, "s", "/b");
    payload = g_variant_ref_sink(g_variant_new_parsed("(uint64 1, 'closed', {'appeared': <%@as>})",
                                                      g_variant_builder_end(&paths)));
    g_assert_true(osh_event_box_closed_unpack(payload, &arrived));
    while (arrived.appeared[n] != NULL)
        n++;
    g_assert_cmpuint(n, ==, OSH_EVENT_STRINGS_MAX);
}

static void
add_rows(const char *sentence, GTestDataFunc function)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/sdk/event/%s/%s", sentence, rows[i].symbol);

        g_test_add_data_func(path, &rows[i], function);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/event/table-is-what-abi-1-promised", test_table_is_as_promised);
    add_rows("all-members-arrive", test_all_members);
    add_rows("details-that-are-absent-stay-absent", test_no_details);
    add_rows("hostile-text-arrives-as-valid-utf-8", test_hostile_text);
    add_rows("payload-of-another-type-is-refused", test_another_type_is_refused);
    add_rows("bytes-are-those-of-gvariant", test_bytes_are_those_of_gvariant);
    add_rows("malformed-bytes-are-read-to-the-end", test_malformed_bytes_are_read_to_the_end);
    g_test_add_func("/sdk/event/pack-makes-the-tuple-of-the-topic", test_pack_makes_the_tuple);
    g_test_add_func("/sdk/event/payload-of-a-newer-minor-is-read", test_newer_minor_is_read);
    g_test_add_func("/sdk/event/first-of-equal-keys-counts", test_first_of_equal_keys_counts);
    g_test_add_func("/sdk/event/value-that-is-no-event-has-no-details",
                    test_details_of_no_event_are_none);
    g_test_add_func("/sdk/event/further-details-are-packed-and-members-go-first",
                    test_further_details_are_packed);
    g_test_add_func("/sdk/event/what-is-not-written-as-it-is-is-packed-from-values",
                    test_what_is_not_written_as_it_is_is_packed_from_values);
    g_test_add_func("/sdk/event/long-text-is-cut-at-a-character",
                    test_long_text_is_cut_at_a_character);
    g_test_add_func("/sdk/event/text-of-the-greatest-length-stays-whole",
                    test_text_of_the_greatest_length_stays_whole);
    g_test_add_func("/sdk/event/long-list-is-cut", test_long_list_is_cut);
    return g_test_run();
}
