# SPDX-License-Identifier: Apache-2.0
"""Mistakes in how GraphQL is read: each rule of the lexer, the parser and the request is disabled once,
and a named test fails."""

G = "plugins/l7-graphql/"
LEXER, DOCUMENT, INSPECTION, CONTENT = ("l7-graphql-lexer", "l7-graphql-document",
                                        "l7-graphql-inspection", "l7-graphql-content")
ROWS = [
    # tokens
    (G + "lexer.c", "return c == '\\n' || c == '\\r';", "return c == '\\n';", LEXER),
    (G + "lexer.c", "return (guchar)c >= 0x20 || c == '\\t' || is_line_end(c);", "return TRUE;", LEXER),
    (G + "lexer.c", "if (!is_read || g_ascii_isdigit(next) || next == '.' || is_name_start(next))",
     "if (!is_read)", LEXER),
    (G + "lexer.c", "if (peek(lexer) != '0')", "if (TRUE)", LEXER),
    (G + "lexer.c", "if (*ret_value > CHARACTER_LAST)\n            return FALSE;\n", "", LEXER),
    (G + "lexer.c", "(value < SURROGATE_FIRST || value > SURROGATE_LAST);", "TRUE;", LEXER),
    (G + "lexer.c", "if (value >= SURROGATE_LOW || !is_next(lexer, \"\\\\u\"))", "if (!is_next(lexer, \"\\\\u\"))",
     LEXER),
    (G + "lexer.c", "if (is_next(lexer, BLOCK_QUOT))", "if (FALSE)", LEXER),
    (G + "lexer.c", "is_next(lexer, BLOCK) ? read_block_string(lexer) : read_string(lexer);",
     "read_string(lexer);", LEXER),
    (G + "lexer.c", "} else if (is_next(lexer, BOM)) {", "} else if (FALSE) {", LEXER),
    (G + "lexer.c", "if (lexer->n_tokens++ == lexer->max_tokens) {", "if (FALSE) {", LEXER),
    # documents
    (G + "document.c", "if (parser->depth == parser->limits.depth)\n        return fail(parser, GRAPHQL_DEPTH);\n"
     "    parser->stack[parser->depth++]",
     "if (parser->depth == parser->limits.depth)\n        parser->depth--;\n    parser->stack[parser->depth++]",
     DOCUMENT),
    (G + "document.c", "if (accept(parser, ':') && !expect_name(parser, &name))\n        return FALSE;\n"
     "    if (is_root)\n        add_selection(parser, name, FALSE);",
     "if (is_root)\n        add_selection(parser, name, FALSE);\n"
     "    if (accept(parser, ':') && !expect_name(parser, &name))\n        return FALSE;", DOCUMENT),
    (G + "document.c", "if (parser->depth > before && (below > 0 || !is_fragment))", "if (parser->depth > before)",
     DOCUMENT),
    (G + "document.c", "below -= below > 0 ? 1 : 0;", "", DOCUMENT),
    (G + "document.c", "if (is_constant)\n            return fail(parser, GRAPHQL_SYNTAX);\n", "", DOCUMENT),
    (G + "document.c", "return !is_at(parser, '}') || fail(parser, GRAPHQL_SYNTAX);", "return TRUE;", DOCUMENT),
    (G + "document.c", "if (graphql_lexer_is(&parser->lexer, \"on\"))\n        return fail(parser, GRAPHQL_SYNTAX);\n",
     "", DOCUMENT),
    (G + "document.c", "!g_utf8_validate_len(text.data, text.length, &broken)", "FALSE", DOCUMENT),
    # operations
    (G + "operation.c", "return GRAPHQL_UNNAMED;", "(void)0;", DOCUMENT),
    (G + "operation.c", "if (has_duplicate(operations))", "if (FALSE)", DOCUMENT),
    (G + "operation.c", "if (has_duplicate(fragments))", "if (FALSE)", DOCUMENT),
    (G + "operation.c", "return operations->len == 1 ? GRAPHQL_OK : GRAPHQL_AMBIGUOUS;", "return GRAPHQL_OK;",
     DOCUMENT),
    (G + "operation.c", "if (fragment == NULL)\n            return GRAPHQL_NO_FRAGMENT;",
     "if (fragment == NULL)\n            continue;", DOCUMENT),
    (G + "operation.c", "if (problem == GRAPHQL_OK && fields->len == 0)", "if (FALSE)", DOCUMENT),
    # requests
    (G + "request.c", "if (osh_json_confusable(object, graphql_request_names) != NULL)", "if (FALSE)", INSPECTION),
    (G + "request.c", "if (osh_json_confusable(extensions, known) != NULL ||\n"
     "        osh_json_confusable(persisted, hash_known) != NULL)", "if (FALSE)", INSPECTION),
    (G + "request.c", "if (ret_id->data != NULL)", "if (FALSE)", INSPECTION),
    (G + "request.c", "if (n > request->limits.batch) {", "if (FALSE) {", INSPECTION),
    (G + "request.c", "gboolean is_batch = json_is_array(json) && may_batch;", "gboolean is_batch = json_is_array(json);",
     INSPECTION),
    (G + "request.c", "else if (osh_json_text(json_object_get(json, \"id\")).length == 0)", "else if (FALSE)",
     INSPECTION),
    (G + "request.c", "if (type.data == NULL || osh_json_confusable(json, known) != NULL) {",
     "if (type.data == NULL) {", INSPECTION),
    # URLs
    (G + "parameters.c", "else if (values->count != 1)", "else if (FALSE)", INSPECTION),
    (G + "parameters.c", "if (!reads)", "if (FALSE)", INSPECTION),
    (G + "parameters.c", "if (separates)", "if (FALSE)", INSPECTION),
    (G + "parameters.c", "else if (is_confusable(name))", "else if (FALSE)", INSPECTION),
    (G + "parameters.c", "gboolean found = bare.length != name.length && is_known(bare);", "gboolean found = FALSE;",
     INSPECTION),
    # heads and bodies
    (G + "inspection.c", "else if (strcmp(media_type, \"application/json\") != 0)", "else if (FALSE)", INSPECTION),
    (G + "inspection.c", "    if (problem != NULL)\n        refuse", "    if (FALSE)\n        refuse", INSPECTION),
    (G + "inspection.c", "decode(inspection, fits, last && !is_too_large);", "decode(inspection, fits, FALSE);",
     INSPECTION),
    (G + "inspection.c", "if (inspection->content->len > 0)\n            refuse", "if (FALSE)\n            refuse",
     INSPECTION),
    (G + "multipart.c", "return part->is_file && !is_taken(names, n, part->name);", "return part->is_file;", CONTENT),
    (G + "multipart.c", "is_right &= is_variable(osh_json_text(json_array_get(paths, i)));", ";", CONTENT),
    (G + "multipart.c", "(part->is_file || !part->has_type) &&", "", CONTENT),
]
UNNOTICED = {}
