/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-lexer.h: a GraphQL document as a row of tokens (GraphQL specification, September 2025,
 * section 2.1). Text that is ignored between tokens is passed over: blanks, line ends, commas,
 * byte order marks, comments.
 */
#pragma once

#include <openshell/fact.h>

G_BEGIN_DECLS

/**
 * GraphqlProblem: why something is not a GraphQL request that can be judged.
 * @GRAPHQL_OK: nothing
 * @GRAPHQL_SYNTAX: not the grammar of executable documents
 * @GRAPHQL_TOKENS: more tokens than the configuration allows
 * @GRAPHQL_DEPTH: nested deeper than the configuration allows
 * @GRAPHQL_NOT_EXECUTABLE: it defines types
 * @GRAPHQL_NO_OPERATION: it has no operation
 * @GRAPHQL_UNNAMED: an operation without a name beside others
 * @GRAPHQL_AMBIGUOUS: several operations, and none was asked for
 * @GRAPHQL_NOT_FOUND: no operation has the name that was asked for
 * @GRAPHQL_DUPLICATE: two operations, or two fragments, of one name
 * @GRAPHQL_NO_FRAGMENT: it spreads a fragment that is not there
 * @GRAPHQL_CYCLE: its fragments spread each other, and there is no field
 */
typedef enum {
    GRAPHQL_OK = 0,
    GRAPHQL_SYNTAX,
    GRAPHQL_TOKENS,
    GRAPHQL_DEPTH,
    GRAPHQL_NOT_EXECUTABLE,
    GRAPHQL_NO_OPERATION,
    GRAPHQL_UNNAMED,
    GRAPHQL_AMBIGUOUS,
    GRAPHQL_NOT_FOUND,
    GRAPHQL_DUPLICATE,
    GRAPHQL_NO_FRAGMENT,
    GRAPHQL_CYCLE,
} GraphqlProblem;

/**
 * GraphqlToken: kind of a token. A punctuator is its own character, the three dots are one dot.
 * @GRAPHQL_END: there is no further token
 * @GRAPHQL_BAD: what follows is no token; the lexer's problem says why
 * @GRAPHQL_NAME: a name
 * @GRAPHQL_NUMBER: an integer or a float
 * @GRAPHQL_STRING: a string, also a block string
 */
typedef enum {
    GRAPHQL_END = 0,
    GRAPHQL_BAD = 1,
    GRAPHQL_NAME = 2,
    GRAPHQL_NUMBER = 3,
    GRAPHQL_STRING = 4,
    GRAPHQL_SPREAD = '.',
} GraphqlToken;

/**
 * GraphqlLexer:
 * @start: of the text
 * @at: behind the present token
 * @end: of the text
 * @token: kind of the present token: a #GraphqlToken or a character
 * @text: bytes of the present token
 * @n_tokens: so far
 * @max_tokens: that there may be
 * @problem: of %GRAPHQL_BAD
 */
typedef struct {
    const char *start;
    const char *at;
    const char *end;
    int token;
    OshSpan text;
    guint n_tokens;
    guint max_tokens;
    GraphqlProblem problem;
} GraphqlLexer;

/** graphql_lexer_init: reads the first token of @text, which is UTF-8 and outlives the lexer. */
void graphql_lexer_init(GraphqlLexer *lexer, OshSpan text, guint max_tokens);

/** graphql_lexer_next: reads the next token. Behind %GRAPHQL_END and %GRAPHQL_BAD it stays. */
void graphql_lexer_next(GraphqlLexer *lexer);

/** graphql_lexer_is: Returns: whether the present token is the name @word. */
gboolean graphql_lexer_is(const GraphqlLexer *lexer, const char *word);

/** graphql_span_equal: Returns: whether both have the same bytes. */
gboolean graphql_span_equal(OshSpan a, OshSpan b);

G_END_DECLS
