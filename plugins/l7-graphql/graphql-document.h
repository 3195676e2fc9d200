/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql-document.h: an executable GraphQL document (GraphQL specification, October 2021 and
 * September 2025, section 2), and the operation of it that a request asks for.
 *
 * Of every definition only the selection at the root is kept: names of fields, and fragments that
 * are spread there. Functions are [any]; a document belongs to one thread.
 */
#pragma once

#include "graphql-lexer.h"

G_BEGIN_DECLS

/** GRAPHQL_MAX_TOKENS: tokens of a document, where the configuration says nothing. */
#define GRAPHQL_MAX_TOKENS 20000
/** GRAPHQL_MAX_DEPTH: levels of selections, lists and objects, likewise. */
#define GRAPHQL_MAX_DEPTH 128
/** GRAPHQL_MAX_BATCH: requests in one body, likewise. */
#define GRAPHQL_MAX_BATCH 100

/**
 * GraphqlLimits: from the configuration.
 * @tokens: of one document
 * @depth: of one document
 * @batch: requests in one body
 */
typedef struct {
    guint32 tokens;
    guint32 depth;
    guint32 batch;
} GraphqlLimits;

/** GraphqlKind: of a definition. */
typedef enum {
    GRAPHQL_QUERY = 0,
    GRAPHQL_MUTATION,
    GRAPHQL_SUBSCRIPTION,
    GRAPHQL_FRAGMENT,
} GraphqlKind;

/**
 * GraphqlSelection: one selection at the root of a definition.
 * @name: of the field, whatever its alias; or of the fragment
 * @is_spread: it is a fragment
 */
typedef struct {
    OshSpan name;
    gboolean is_spread;
} GraphqlSelection;

/**
 * GraphqlDefinition:
 * @kind: what it is
 * @name: of it; empty when it has none
 * @first: its first selection in the document's list
 * @n_selections: how many follow
 * @is_collected: of a fragment: its selections have been taken
 */
typedef struct {
    GraphqlKind kind;
    OshSpan name;
    guint first;
    guint n_selections;
    gboolean is_collected;
} GraphqlDefinition;

/**
 * GraphqlDocument:
 * @definitions: (element-type GraphqlDefinition): in their order
 * @selections: (element-type GraphqlSelection): of all definitions
 */
typedef struct {
    GArray *definitions;
    GArray *selections;
} GraphqlDocument;

/**
 * GraphqlError:
 * @problem: what it is
 * @offset: of %GRAPHQL_SYNTAX, %GRAPHQL_TOKENS and %GRAPHQL_DEPTH: the byte where it was noticed
 */
typedef struct {
    GraphqlProblem problem;
    gsize offset;
} GraphqlError;

/**
 * graphql_document_parse:
 * @text: borrowed for as long as the document is used
 * @limits: on it
 * @ret_error: (out): why there is none
 *
 * Returns: (transfer full) (nullable): the document
 */
GraphqlDocument *graphql_document_parse(OshSpan text, const GraphqlLimits *limits,
                                        GraphqlError *ret_error);

/** graphql_document_free: @document: (transfer full) (nullable). */
void graphql_document_free(GraphqlDocument *document);

/**
 * graphql_document_operation:
 * @name: of the operation that is asked for; empty when none is
 * @ret_fields: (out) (element-type OshSpan) (transfer full): names of its root fields, sorted, each
 *   once
 *
 * What a directive would leave out, or a type condition, counts: only the server knows whether it
 * does.
 *
 * Returns: (transfer none) (nullable): the operation that a server runs; NULL with @ret_error where
 *   servers differ about it, or there is none
 */
const GraphqlDefinition *graphql_document_operation(GraphqlDocument *document, OshSpan name,
                                                    GArray **ret_fields, GraphqlError *ret_error);

/** graphql_error_append: words of it for a person, without a byte of the document. */
void graphql_error_append(GString *text, const GraphqlError *error, const GraphqlLimits *limits);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GraphqlDocument, graphql_document_free)

G_END_DECLS
