/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.c: parses executable GraphQL documents. [any]
 *
 * The grammar is the specification's (section 2 and appendix B), with what it says since October
 * 2021 and since September 2025 (descriptions). Definitions of types, which a server has no use for
 * in a request, are refused. Nothing recurses: selections, lists and objects stand on a stack whose
 * height the configuration limits.
 */
#include "graphql-document.h"

/**
 * Parser:
 * @stack: (array length=limits.depth): an opening character for each open list, object, selection
 * @depth: how many are open
 * @error: why it has failed
 */
typedef struct {
    GraphqlLexer lexer;
    GraphqlLimits limits;
    GraphqlDocument *document;
    char *stack;
    guint depth;
    GraphqlError *error;
} Parser;

static gboolean
fail(Parser *parser, GraphqlProblem problem)
{
    const GraphqlLexer *lexer = &parser->lexer;

    if (lexer->token == GRAPHQL_BAD)
        problem = lexer->problem;
    *parser->error = (GraphqlError){problem, (gsize)(lexer->at - lexer->start)};
    if (lexer->token != GRAPHQL_BAD)
        parser->error->offset = (gsize)(lexer->text.data - lexer->start);
    return FALSE;
}

static gboolean
is_at(const Parser *parser, int token)
{
    return parser->lexer.token == token;
}

/* Returns: whether the token was @token, and is passed. */
static gboolean
accept(Parser *parser, int token)
{
    if (!is_at(parser, token))
        return FALSE;
    graphql_lexer_next(&parser->lexer);
    return TRUE;
}

static gboolean
expect(Parser *parser, int token)
{
    return accept(parser, token) || fail(parser, GRAPHQL_SYNTAX);
}

static gboolean
expect_name(Parser *parser, OshSpan *ret_name)
{
    *ret_name = parser->lexer.text;
    return expect(parser, GRAPHQL_NAME);
}

/* Passes an opening token. */
static gboolean
open(Parser *parser)
{
    if (parser->depth == parser->limits.depth)
        return fail(parser, GRAPHQL_DEPTH);
    parser->stack[parser->depth++] = (char)parser->lexer.token;
    graphql_lexer_next(&parser->lexer);
    return TRUE;
}

/* --- Values ------------------------------------------------------------------------------------
 */

/* A value that holds no other, or the beginning of one that does. */
static gboolean
parse_value_start(Parser *parser, gboolean is_constant)
{
    OshSpan name;

    switch (parser->lexer.token) {
    case GRAPHQL_NAME:
    case GRAPHQL_NUMBER:
    case GRAPHQL_STRING:
        graphql_lexer_next(&parser->lexer);
        return TRUE;
    case '[':
    case '{':
        return open(parser);
    case '$':
        if (is_constant)
            return fail(parser, GRAPHQL_SYNTAX);
        graphql_lexer_next(&parser->lexer);
        return expect_name(parser, &name);
    default:
        return fail(parser, GRAPHQL_SYNTAX);
    }
}

/* Behind a value, or behind the opening of one: what ends here is closed, and the name of the next
 * member is read. */
static gboolean
parse_value_end(Parser *parser, guint base)
{
    OshSpan name;

    while (parser->depth > base) {
        gboolean is_list = parser->stack[parser->depth - 1] == '[';

        if (!accept(parser, is_list ? ']' : '}'))
            return is_list || (expect_name(parser, &name) && expect(parser, ':'));
        parser->depth--;
    }
    return TRUE;
}

static gboolean
parse_value(Parser *parser, gboolean is_constant)
{
    guint base = parser->depth;

    do {
        if (!parse_value_start(parser, is_constant) || !parse_value_end(parser, base))
            return FALSE;
    } while (parser->depth > base);
    return TRUE;
}

static gboolean
parse_arguments(Parser *parser, gboolean is_constant)
{
    OshSpan name;

    if (!accept(parser, '('))
        return TRUE;
    do {
        if (!expect_name(parser, &name) || !expect(parser, ':') ||
            !parse_value(parser, is_constant))
            return FALSE;
    } while (!accept(parser, ')'));
    return TRUE;
}

static gboolean
parse_directives(Parser *parser, gboolean is_constant)
{
    OshSpan name;

    while (accept(parser, '@'))
        if (!expect_name(parser, &name) || !parse_arguments(parser, is_constant))
            return FALSE;
    return TRUE;
}

/* --- Variables ---------------------------------------------------------------------------------
 */

static gboolean
parse_type(Parser *parser)
{
    guint base = parser->depth;
    OshSpan name;

    while (is_at(parser, '['))
        if (!open(parser))
            return FALSE;
    if (!expect_name(parser, &name))
        return FALSE;
    (void)accept(parser, '!');
    for (; parser->depth > base; parser->depth--) {
        if (!expect(parser, ']'))
            return FALSE;
        (void)accept(parser, '!');
    }
    return TRUE;
}

static gboolean
parse_variables(Parser *parser)
{
    OshSpan name;

    if (!accept(parser, '('))
        return TRUE;
    do {
        (void)accept(parser, GRAPHQL_STRING);
        if (!expect(parser, '$') || !expect_name(parser, &name) || !expect(parser, ':') ||
            !parse_type(parser))
            return FALSE;
        if (accept(parser, '=') && !parse_value(parser, TRUE))
            return FALSE;
        if (!parse_directives(parser, TRUE))
            return FALSE;
    } while (!accept(parser, ')'));
    return TRUE;
}

/* --- Selections --------------------------------------------------------------------------------
 */

static void
add_selection(Parser *parser, OshSpan name, gboolean is_spread)
{
    GArray *definitions = parser->document->definitions;
    const GraphqlSelection selection = {name, is_spread};

    g_array_append_val(parser->document->selections, selection);
    g_array_index(definitions, GraphqlDefinition, definitions->len - 1).n_selections++;
}

/* At the opening brace; an empty selection is none. */
static gboolean
open_selections(Parser *parser)
{
    if (!is_at(parser, '{'))
        return fail(parser, GRAPHQL_SYNTAX);
    if (!open(parser))
        return FALSE;
    return !is_at(parser, '}') || fail(parser, GRAPHQL_SYNTAX);
}

/* Behind the dots. What an inline fragment selects stands in the same place as itself. */
static gboolean
parse_fragment_selection(Parser *parser, gboolean is_root)
{
    OshSpan name = parser->lexer.text;

    if (is_at(parser, GRAPHQL_NAME) && !graphql_lexer_is(&parser->lexer, "on")) {
        if (is_root)
            add_selection(parser, name, TRUE);
        graphql_lexer_next(&parser->lexer);
        return parse_directives(parser, FALSE);
    }
    if (accept(parser, GRAPHQL_NAME) && !expect_name(parser, &name))
        return FALSE;
    return parse_directives(parser, FALSE) && open_selections(parser);
}

static gboolean
parse_field(Parser *parser, gboolean is_root)
{
    OshSpan name;

    if (!expect_name(parser, &name))
        return FALSE;
    if (accept(parser, ':') && !expect_name(parser, &name))
        return FALSE;
    if (is_root)
        add_selection(parser, name, FALSE);
    return parse_arguments(parser, FALSE) && parse_directives(parser, FALSE) &&
           (!is_at(parser, '{') || open_selections(parser));
}

static gboolean
parse_selections(Parser *parser)
{
    guint base = parser->depth;
    guint below = 0; /* selections that are open inside a field; 0 is the root */

    if (!open_selections(parser))
        return FALSE;
    while (parser->depth > base) {
        guint before = parser->depth;
        gboolean is_fragment = is_at(parser, GRAPHQL_SPREAD);
        gboolean is_read;

        if (accept(parser, '}')) {
            parser->depth--;
            below -= below > 0 ? 1 : 0;
            continue;
        }
        if (accept(parser, GRAPHQL_SPREAD))
            is_read = parse_fragment_selection(parser, below == 0);
        else
            is_read = parse_field(parser, below == 0);
        if (!is_read)
            return FALSE;
        if (parser->depth > before && (below > 0 || !is_fragment))
            below++;
    }
    return TRUE;
}

/* --- Definitions -------------------------------------------------------------------------------
 */

static gboolean
add_definition(Parser *parser, GraphqlKind kind, OshSpan name)
{
    const GraphqlDefinition definition = {
        .kind = kind, .name = name, .first = parser->document->selections->len};

    g_array_append_val(parser->document->definitions, definition);
    return TRUE;
}

/* Behind the word that begins it. */
static gboolean
parse_operation(Parser *parser, GraphqlKind kind)
{
    OshSpan name = {"", 0};

    graphql_lexer_next(&parser->lexer);
    if (is_at(parser, GRAPHQL_NAME) && !expect_name(parser, &name))
        return FALSE;
    return add_definition(parser, kind, name) && parse_variables(parser) &&
           parse_directives(parser, FALSE) && parse_selections(parser);
}

static gboolean
parse_fragment(Parser *parser)
{
    OshSpan name;
    OshSpan type;

    graphql_lexer_next(&parser->lexer);
    if (graphql_lexer_is(&parser->lexer, "on"))
        return fail(parser, GRAPHQL_SYNTAX);
    if (!expect_name(parser, &name))
        return FALSE;
    if (!graphql_lexer_is(&parser->lexer, "on"))
        return fail(parser, GRAPHQL_SYNTAX);
    graphql_lexer_next(&parser->lexer);
    return expect_name(parser, &type) && add_definition(parser, GRAPHQL_FRAGMENT, name) &&
           parse_directives(parser, FALSE) && parse_selections(parser);
}

/* Of a type system, or of its extension. */
static gboolean
is_type_definition(const GraphqlLexer *lexer)
{
    static const char *const words[] = {"schema", "scalar", "type",   "interface", "union",
                                        "enum",   "input",  "extend", "directive"};

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (graphql_lexer_is(lexer, words[i]))
            return TRUE;
    return FALSE;
}

static gboolean
parse_definition(Parser *parser)
{
    static const char *const operations[] = {"query", "mutation", "subscription"};
    gboolean is_described = accept(parser, GRAPHQL_STRING);

    if (is_at(parser, '{') && !is_described)
        return add_definition(parser, GRAPHQL_QUERY, (OshSpan){"", 0}) && parse_selections(parser);
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++)
        if (graphql_lexer_is(&parser->lexer, operations[i]))
            return parse_operation(parser, (GraphqlKind)i);
    if (graphql_lexer_is(&parser->lexer, "fragment"))
        return parse_fragment(parser);
    return fail(parser,
                is_type_definition(&parser->lexer) ? GRAPHQL_NOT_EXECUTABLE : GRAPHQL_SYNTAX);
}

GraphqlDocument *
graphql_document_parse(OshSpan text, const GraphqlLimits *limits, GraphqlError *ret_error)
{
    g_autoptr(GraphqlDocument) document = g_new0(GraphqlDocument, 1);
    g_autofree char *stack = g_malloc(MAX(limits->depth, 1));
    Parser parser = {.limits = *limits, .document = document, .stack = stack, .error = ret_error};
    const char *broken = text.data;

    document->definitions = g_array_new(FALSE, FALSE, sizeof(GraphqlDefinition));
    document->selections = g_array_new(FALSE, FALSE, sizeof(GraphqlSelection));
    if (text.length > 0 && !g_utf8_validate_len(text.data, text.length, &broken)) {
        *ret_error = (GraphqlError){GRAPHQL_SYNTAX, (gsize)(broken - text.data)};
        return NULL;
    }
    graphql_lexer_init(&parser.lexer, text, limits->tokens);
    while (!is_at(&parser, GRAPHQL_END))
        if (!parse_definition(&parser))
            return NULL;
    *ret_error = (GraphqlError){GRAPHQL_OK, 0};
    return g_steal_pointer(&document);
}

void
graphql_document_free(GraphqlDocument *document)
{
    if (document == NULL)
        return;
    g_array_unref(document->definitions);
    g_array_unref(document->selections);
    g_free(document);
}
