/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob-parse.c: pattern text to position automaton.
 *
 * The text becomes a small tree of concatenations, alternatives and repetitions; the tree becomes
 * the sets "which positions can come first, last, and after this one". Runs on the thread that
 * loads a policy; depth and length are capped, so hostile patterns cost little.
 */
#include "osh-glob-private.h"

#include <string.h>

#define MAX_NESTING 8

typedef enum {
    NODE_POSITION,
    NODE_SEQUENCE,
    NODE_ALTERNATIVES,
    NODE_REPEAT,   /* zero or more of the only child */
    NODE_OPTIONAL, /* zero or one of the only child */
} NodeKind;

/* What a token of the text was, for the rules about neighbouring `**`. */
typedef enum {
    ROLE_PLAIN,
    ROLE_LEADING_DEEP,
    ROLE_MIDDLE_DEEP,
} NodeRole;

typedef struct {
    NodeKind kind;
    NodeRole role;
    guint position;
    GPtrArray *children;
} Node;

typedef struct {
    const char *cursor;
    char separator;
    guint depth;
    GArray *positions;
    GArray *sets;
    GError **error;
} Parser;

typedef struct {
    gboolean nullable;
    guint64 first[OSH_GLOB_MAX_WORDS];
    guint64 last[OSH_GLOB_MAX_WORDS];
} Reach;

static void
node_free(gpointer data)
{
    Node *node = data;

    if (node == NULL)
        return;
    g_clear_pointer(&node->children, g_ptr_array_unref);
    g_free(node);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_free)

static Node *
node_new(NodeKind kind)
{
    Node *node = g_new0(Node, 1);

    node->kind = kind;
    node->children = g_ptr_array_new_with_free_func(node_free);
    return node;
}

static Node *
node_wrap(NodeKind kind, Node *child)
{
    Node *node = node_new(kind);

    g_ptr_array_add(node->children, child);
    return node;
}

static Node *
position_new(Parser *parser, OshGlobPositionKind kind, guchar byte)
{
    OshGlobPosition position = {(guint8)kind, byte, 0};
    Node *node = g_new0(Node, 1);

    node->kind = NODE_POSITION;
    node->position = parser->positions->len;
    g_array_append_val(parser->positions, position);
    return node;
}

static Node *
set_new(Parser *parser, const OshGlobSet *set)
{
    Node *node = position_new(parser, OSH_GLOB_POSITION_SET, 0);

    g_array_index(parser->positions, OshGlobPosition, node->position).set =
        (guint16)parser->sets->len;
    g_array_append_val(parser->sets, *set);
    return node;
}

static Node *
run_new(Parser *parser, OshGlobPositionKind kind)
{
    return node_wrap(NODE_REPEAT, position_new(parser, kind, 0));
}

static void
set_add(OshGlobSet *set, guint from, guint to)
{
    for (guint byte = from; byte <= to; byte++)
        set->bits[byte >> 6] |= G_GUINT64_CONSTANT(1) << (byte & 63);
}

static void
set_remove(OshGlobSet *set, guint byte)
{
    set->bits[byte >> 6] &= ~(G_GUINT64_CONSTANT(1) << (byte & 63));
}

static gboolean
fail(Parser *parser, const char *message)
{
    g_set_error_literal(parser->error, OSH_GLOB_ERROR, 0, message);
    return FALSE;
}

/* One character outside @refused: its leading byte, then any UTF-8 continuation bytes. */
static void
add_character(Parser *parser, Node *sequence, OshGlobSet refused)
{
    OshGlobSet lead = {{0}};
    OshGlobSet rest = {{0}};

    set_add(&lead, 0x01, 0x7f);
    set_add(&lead, 0xc0, 0xff);
    set_add(&rest, 0x80, 0xbf);
    for (guint word = 0; word < 4; word++)
        lead.bits[word] &= ~refused.bits[word];
    if (parser->separator != '\0')
        set_remove(&lead, (guchar)parser->separator);
    g_ptr_array_add(sequence->children, set_new(parser, &lead));
    g_ptr_array_add(sequence->children, node_wrap(NODE_REPEAT, set_new(parser, &rest)));
}

static gboolean
parse_class(Parser *parser, Node *sequence)
{
    OshGlobSet set = {{0}};
    gboolean negated = FALSE;
    gboolean first = TRUE;
    gint low = -1;

    if (*parser->cursor == '!' || *parser->cursor == '^') {
        negated = TRUE;
        parser->cursor++;
    }
    for (;; first = FALSE) {
        guchar byte = (guchar)*parser->cursor;

        if (byte == '\0')
            return fail(parser, "unclosed '['");
        if (byte >= 0x80)
            return fail(parser, "a class may hold ASCII characters only");
        parser->cursor++;
        if (byte == ']' && !first)
            break;
        if (byte == '-' && !first && low >= 0 && *parser->cursor != ']' &&
            *parser->cursor != '\0') {
            guchar high = (guchar)*parser->cursor++;

            if (high >= 0x80)
                return fail(parser, "a class may hold ASCII characters only");
            if (high < low)
                return fail(parser, "a range of a class runs backwards");
            set_add(&set, (guint)low, high);
            low = -1;
            continue;
        }
        set_add(&set, byte, byte);
        low = byte;
    }
    if (negated) {
        add_character(parser, sequence, set);
        return TRUE;
    }
    if (parser->separator != '\0')
        set_remove(&set, (guchar)parser->separator);
    g_ptr_array_add(sequence->children, set_new(parser, &set));
    return TRUE;
}

/* `**` as a whole component where the separator is a slash. */
static void
add_deep_component(Parser *parser, Node *sequence, gboolean at_end)
{
    GPtrArray *children = sequence->children;
    Node *previous = children->len > 0 ? g_ptr_array_index(children, children->len - 1) : NULL;
    Node *node;

    if (previous != NULL && previous->role == ROLE_LEADING_DEEP)
        return;
    if (previous == NULL) {
        /* nothing, a slash, or anything that ends in one */
        Node *below = node_new(NODE_SEQUENCE);

        g_ptr_array_add(below->children, run_new(parser, OSH_GLOB_POSITION_ANY));
        g_ptr_array_add(below->children, position_new(parser, OSH_GLOB_POSITION_BYTE, '/'));
        node =
            node_wrap(NODE_ALTERNATIVES,
                      node_wrap(NODE_OPTIONAL, position_new(parser, OSH_GLOB_POSITION_BYTE, '/')));
        g_ptr_array_add(node->children, below);
        node->role = ROLE_LEADING_DEEP;
        g_ptr_array_add(children, node);
        return;
    }
    if (previous->role == ROLE_PLAIN && at_end) {
        g_ptr_array_add(children, run_new(parser, OSH_GLOB_POSITION_ANY));
        return;
    }
    if (previous->role == ROLE_MIDDLE_DEEP && !at_end)
        return;
    if (previous->role == ROLE_MIDDLE_DEEP) {
        g_ptr_array_remove_index(children, children->len - 1);
        g_ptr_array_add(children, position_new(parser, OSH_GLOB_POSITION_BYTE, '/'));
        g_ptr_array_add(children, run_new(parser, OSH_GLOB_POSITION_ANY));
        return;
    }
    /* the slash before it stands already; what follows is optional and ends in the one after it */
    node = node_new(NODE_SEQUENCE);
    g_ptr_array_add(node->children, run_new(parser, OSH_GLOB_POSITION_ANY));
    g_ptr_array_add(node->children, position_new(parser, OSH_GLOB_POSITION_BYTE, '/'));
    g_ptr_array_remove_index(children, children->len - 1);
    {
        Node *middle = node_new(NODE_SEQUENCE);

        g_ptr_array_add(middle->children, position_new(parser, OSH_GLOB_POSITION_BYTE, '/'));
        g_ptr_array_add(middle->children, node_wrap(NODE_OPTIONAL, node));
        middle->role = ROLE_MIDDLE_DEEP;
        g_ptr_array_add(children, middle);
    }
}

static void
parse_star(Parser *parser, Node *sequence, gboolean component_start, gboolean in_braces)
{
    char after = parser->cursor[0] == '*' ? parser->cursor[1] : '*';
    gboolean empty = sequence->children->len == 0;
    gboolean at_end = after == '\0' || (in_braces && !empty && (after == ',' || after == '}'));

    if (parser->separator == '\0' || !component_start || parser->cursor[0] != '*' ||
        !(at_end || after == parser->separator)) {
        g_ptr_array_add(sequence->children, run_new(parser, OSH_GLOB_POSITION_INSIDE));
        return;
    }
    parser->cursor++;
    if (parser->separator != '/') {
        g_ptr_array_add(sequence->children, run_new(parser, OSH_GLOB_POSITION_ANY));
        return;
    }
    add_deep_component(parser, sequence, at_end);
    if (!at_end)
        parser->cursor++;
}

static Node *parse_sequence(Parser *parser, gboolean in_braces);

static gboolean
parse_braces(Parser *parser, Node *sequence)
{
    g_autoptr(Node) alternatives = node_new(NODE_ALTERNATIVES);

    if (++parser->depth > MAX_NESTING)
        return fail(parser, "braces are nested too deeply");
    for (;;) {
        Node *branch = parse_sequence(parser, TRUE);

        if (branch == NULL)
            return FALSE;
        /* an empty alternative is dropped, not matched */
        if (branch->children->len > 0)
            g_ptr_array_add(alternatives->children, branch);
        else
            node_free(branch);
        if (*parser->cursor == '\0')
            return fail(parser, "unclosed '{'");
        if (*parser->cursor++ == '}')
            break;
    }
    parser->depth--;
    if (alternatives->children->len > 0)
        g_ptr_array_add(sequence->children, g_steal_pointer(&alternatives));
    return TRUE;
}

static Node *
parse_sequence(Parser *parser, gboolean in_braces)
{
    g_autoptr(Node) sequence = node_new(NODE_SEQUENCE);
    gboolean component_start = TRUE;

    while (*parser->cursor != '\0') {
        char c = *parser->cursor;
        gboolean after_separator = component_start;

        if (in_braces && (c == ',' || c == '}'))
            return g_steal_pointer(&sequence);
        parser->cursor++;
        component_start = FALSE;
        switch (c) {
        case '*':
            parse_star(parser, sequence, after_separator, in_braces);
            component_start = parser->cursor[-1] == parser->separator;
            continue;
        case '?':
            add_character(parser, sequence, (OshGlobSet){{0}});
            continue;
        case '[':
            if (!parse_class(parser, sequence))
                return NULL;
            continue;
        case '{':
            if (!parse_braces(parser, sequence))
                return NULL;
            continue;
        case '}':
            fail(parser, "'}' without '{'");
            return NULL;
        case '\\':
            c = *parser->cursor++;
            if (c == '\0') {
                fail(parser, "nothing follows the last '\\'");
                return NULL;
            }
            break;
        default:
            break;
        }
        component_start = parser->separator != '\0' && c == parser->separator;
        g_ptr_array_add(sequence->children,
                        position_new(parser, OSH_GLOB_POSITION_BYTE, (guchar)c));
    }
    return g_steal_pointer(&sequence);
}

static void
add_follow(OshGlob *glob, const guint64 *last, const guint64 *first)
{
    for (guint position = 0; position < glob->n_positions; position++) {
        if (!((last[position >> 6] >> (position & 63)) & 1))
            continue;
        for (guint word = 0; word < glob->words; word++)
            glob->follow[(gsize)(position + 2) * glob->words + word] |= first[word];
    }
}

static void
join(guint64 *into, const guint64 *other, guint words)
{
    for (guint word = 0; word < words; word++)
        into[word] |= other[word];
}

static void
build(OshGlob *glob, const Node *node, Reach *ret_reach)
{
    Reach child;

    memset(ret_reach, 0, sizeof(*ret_reach));
    if (node->kind == NODE_POSITION) {
        ret_reach->first[node->position >> 6] |= G_GUINT64_CONSTANT(1) << (node->position & 63);
        memcpy(ret_reach->last, ret_reach->first, sizeof(ret_reach->last));
        return;
    }
    ret_reach->nullable = node->kind != NODE_ALTERNATIVES;
    for (guint i = 0; i < node->children->len; i++) {
        build(glob, g_ptr_array_index(node->children, i), &child);
        if (node->kind != NODE_SEQUENCE) {
            join(ret_reach->first, child.first, glob->words);
            join(ret_reach->last, child.last, glob->words);
            ret_reach->nullable |= child.nullable;
            continue;
        }
        add_follow(glob, ret_reach->last, child.first);
        if (ret_reach->nullable)
            join(ret_reach->first, child.first, glob->words);
        if (!child.nullable)
            memset(ret_reach->last, 0, sizeof(ret_reach->last));
        join(ret_reach->last, child.last, glob->words);
        ret_reach->nullable &= child.nullable;
    }
    if (node->kind == NODE_REPEAT)
        add_follow(glob, ret_reach->last, ret_reach->first);
}

/* Recognises "no wildcard" and "one wildcard between fixed bytes". */
static void
find_shape(OshGlob *glob, const Node *root)
{
    g_autoptr(GString) text = g_string_new(NULL);
    OshGlobShape shape = OSH_GLOB_SHAPE_LITERAL;
    gsize prefix = 0;

    for (guint i = 0; i < root->children->len; i++) {
        const Node *node = g_ptr_array_index(root->children, i);
        gboolean run = node->kind == NODE_REPEAT;
        const OshGlobPosition *position;

        if (run)
            node = g_ptr_array_index(node->children, 0);
        if (node->kind != NODE_POSITION)
            return;
        position = &glob->positions[node->position];
        if (!run && position->kind == OSH_GLOB_POSITION_BYTE) {
            g_string_append_c(text, (char)position->byte);
            continue;
        }
        if (!run || shape != OSH_GLOB_SHAPE_LITERAL || position->kind == OSH_GLOB_POSITION_SET)
            return;
        shape = position->kind == OSH_GLOB_POSITION_ANY ? OSH_GLOB_SHAPE_DEEP : OSH_GLOB_SHAPE_STAR;
        prefix = text->len;
    }
    glob->shape = shape;
    glob->prefix_length = prefix;
    glob->text_length = text->len;
    g_free(glob->text);
    glob->text = g_string_free(g_steal_pointer(&text), FALSE);
}

/* Two stars alone, however spelt, match everything. */
static gboolean
is_everything(const Node *root)
{
    const Node *only = root->children->len == 1 ? g_ptr_array_index(root->children, 0) : NULL;

    return only != NULL && only->role == ROLE_LEADING_DEEP;
}

OshGlob *
osh_glob_new(const char *pattern, char separator, GError **error)
{
    g_autoptr(GArray) positions = g_array_new(FALSE, FALSE, sizeof(OshGlobPosition));
    g_autoptr(GArray) sets = g_array_new(FALSE, FALSE, sizeof(OshGlobSet));
    Parser parser = {pattern, separator, 0, positions, sets, error};
    g_autoptr(Node) root = NULL;
    g_autofree Reach *reach = NULL;
    OshGlob *glob;

    if (strlen(pattern) > OSH_GLOB_MAX_PATTERN) {
        g_set_error(error, OSH_GLOB_ERROR, 0, "the pattern is longer than %d bytes",
                    OSH_GLOB_MAX_PATTERN);
        return NULL;
    }
    root = parse_sequence(&parser, FALSE);
    if (root == NULL)
        return NULL;
    if (is_everything(root)) {
        g_ptr_array_set_size(root->children, 0);
        g_array_set_size(positions, 0);
        g_ptr_array_add(root->children, run_new(&parser, OSH_GLOB_POSITION_ANY));
    }

    glob = g_new0(OshGlob, 1);
    glob->separator = separator;
    glob->n_positions = positions->len;
    glob->n_sets = sets->len;
    glob->words = MAX(1, (positions->len + 63) / 64);
    glob->positions = (OshGlobPosition *)(gpointer)g_array_steal(positions, NULL);
    glob->sets = (OshGlobSet *)(gpointer)g_array_steal(sets, NULL);
    glob->follow = g_new0(guint64, (gsize)(glob->n_positions + 2) * glob->words);
    reach = g_new0(Reach, 1);
    build(glob, root, reach);
    memcpy(glob->follow, reach->first, glob->words * sizeof(guint64));
    memcpy(glob->follow + glob->words, reach->last, glob->words * sizeof(guint64));
    glob->matches_empty = reach->nullable;
    find_shape(glob, root);
    return glob;
}
