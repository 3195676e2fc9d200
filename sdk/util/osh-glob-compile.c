/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-glob-compile.c: tokens to an automaton.
 *
 * The steps are a list of instructions whose length is proportional to the pattern, however braces
 * are nested. When few of them take a byte, what can follow what is worked out here once, as bits,
 * so that matching is only looking up. Runs on the thread that loads a policy.
 */
#include "osh-glob-private.h"

#include <string.h>

#define MAX_BITS 64

typedef struct {
    GArray *steps;
} Program;

static guint
emit(Program *program, OshGlobStepKind kind, guint8 byte, guint target)
{
    OshGlobStep step = {(guint8)kind, byte, (guint16)target};

    g_array_append_val(program->steps, step);
    return program->steps->len - 1;
}

/* Lets the split or jump @step go to what comes next. */
static void
aim_here(Program *program, guint step)
{
    g_array_index(program->steps, OshGlobStep, step).target = (guint16)program->steps->len;
}

static void
emit_run(Program *program, OshGlobStepKind kind)
{
    guint loop = emit(program, OSH_GLOB_STEP_SPLIT, 0, 0);

    emit(program, kind, 0, 0);
    emit(program, OSH_GLOB_STEP_JUMP, 0, loop);
    aim_here(program, loop);
}

/* An alternative of nothing but empty braces. */
static gboolean
is_empty(const GArray *tokens)
{
    for (guint i = 0; i < tokens->len; i++) {
        const OshGlobToken *token = &g_array_index(tokens, OshGlobToken, i);

        if (token->kind != OSH_GLOB_TOKEN_ALTERNATIVES)
            return FALSE;
        for (guint k = 0; k < token->branches->len; k++)
            if (!is_empty(g_ptr_array_index(token->branches, k)))
                return FALSE;
    }
    return TRUE;
}

static void emit_tokens(Program *program, const GArray *tokens);

static void
emit_alternatives(Program *program, const GPtrArray *branches)
{
    g_autoptr(GArray) ends = g_array_new(FALSE, FALSE, sizeof(guint));
    guint left = 0;

    /* an empty alternative is dropped, not matched */
    for (guint i = 0; i < branches->len; i++)
        left += !is_empty(g_ptr_array_index(branches, i));
    for (guint i = 0; i < branches->len; i++) {
        const GArray *branch = g_ptr_array_index(branches, i);
        guint split;
        guint end;

        if (is_empty(branch))
            continue;
        if (--left == 0) {
            emit_tokens(program, branch);
            break;
        }
        split = emit(program, OSH_GLOB_STEP_SPLIT, 0, 0);
        emit_tokens(program, branch);
        end = emit(program, OSH_GLOB_STEP_JUMP, 0, 0);
        g_array_append_val(ends, end);
        aim_here(program, split);
    }
    for (guint i = 0; i < ends->len; i++)
        aim_here(program, g_array_index(ends, guint, i));
}

/* `X?` where X is anything that ends in a slash. */
static void
emit_optional_deep(Program *program)
{
    guint skip = emit(program, OSH_GLOB_STEP_SPLIT, 0, 0);

    emit_run(program, OSH_GLOB_STEP_ANY);
    emit(program, OSH_GLOB_STEP_BYTE, '/', 0);
    aim_here(program, skip);
}

static void
emit_token(Program *program, const OshGlobToken *token)
{
    switch (token->kind) {
    case OSH_GLOB_TOKEN_BYTE:
        emit(program, OSH_GLOB_STEP_BYTE, token->byte, 0);
        break;
    case OSH_GLOB_TOKEN_ONE:
        emit(program, OSH_GLOB_STEP_INSIDE, 0, 0);
        break;
    case OSH_GLOB_TOKEN_ANY:
        emit(program, OSH_GLOB_STEP_ANY, 0, 0);
        break;
    case OSH_GLOB_TOKEN_SET:
        emit(program, OSH_GLOB_STEP_SET, 0, token->set);
        break;
    case OSH_GLOB_TOKEN_RUN:
        emit_run(program, OSH_GLOB_STEP_INSIDE);
        break;
    case OSH_GLOB_TOKEN_EVERYTHING:
        emit_run(program, OSH_GLOB_STEP_ANY);
        break;
    case OSH_GLOB_TOKEN_DEEP_FIRST: /* anything that ends in a slash includes the slash itself */
    case OSH_GLOB_TOKEN_DEEP_OPTIONAL:
        emit_optional_deep(program);
        break;
    case OSH_GLOB_TOKEN_DEEP_LAST:
        emit(program, OSH_GLOB_STEP_BYTE, '/', 0);
        emit_run(program, OSH_GLOB_STEP_ANY);
        break;
    case OSH_GLOB_TOKEN_DEEP_BETWEEN:
        emit(program, OSH_GLOB_STEP_BYTE, '/', 0);
        emit_optional_deep(program);
        break;
    case OSH_GLOB_TOKEN_ALTERNATIVES:
    default:
        emit_alternatives(program, token->branches);
        break;
    }
}

static void
emit_tokens(Program *program, const GArray *tokens)
{
    for (guint i = 0; i < tokens->len; i++)
        emit_token(program, &g_array_index(tokens, OshGlobToken, i));
}

/* Adds the bits of what can take a byte from @step on; FALSE in @ends when the end is reached. */
static guint64
reach(const OshGlob *glob, const guint8 *bit_of, guint step, gboolean *ends)
{
    guint stack[4 * MAX_BITS + 8];
    guint8 seen[4 * MAX_BITS + 8] = {0};
    guint depth = 0;
    guint64 bits = 0;

    *ends = FALSE;
    stack[depth++] = step;
    while (depth > 0) {
        guint here = stack[--depth];

        if (seen[here])
            continue;
        seen[here] = 1;
        switch (glob->steps[here].kind) {
        case OSH_GLOB_STEP_SPLIT:
            stack[depth++] = here + 1;
            stack[depth++] = glob->steps[here].target;
            break;
        case OSH_GLOB_STEP_JUMP:
            stack[depth++] = glob->steps[here].target;
            break;
        case OSH_GLOB_STEP_ACCEPT:
            *ends = TRUE;
            break;
        default:
            bits |= G_GUINT64_CONSTANT(1) << bit_of[here];
            break;
        }
    }
    return bits;
}

/* Works out what follows what, when there is little of it. */
static void
make_bits(OshGlob *glob)
{
    guint8 bit_of[4 * MAX_BITS + 8] = {0};
    guint n_takers = 0;
    gboolean ends;

    for (guint i = 0; i < glob->n_steps; i++)
        n_takers += glob->steps[i].kind <= OSH_GLOB_STEP_SET;
    glob->n_takers = n_takers;
    if (n_takers > MAX_BITS || glob->n_steps > 2 * MAX_BITS)
        return;
    glob->takers = g_new(guint8, n_takers + 1);
    glob->follow = g_new0(guint64, n_takers + 1);
    n_takers = 0;
    for (guint i = 0; i < glob->n_steps; i++) {
        if (glob->steps[i].kind > OSH_GLOB_STEP_SET)
            continue;
        bit_of[i] = (guint8)n_takers;
        glob->takers[n_takers++] = (guint8)i;
    }
    glob->follow[0] = reach(glob, bit_of, 0, &ends);
    glob->accepts_empty = ends;
    for (guint bit = 0; bit < n_takers; bit++) {
        glob->follow[bit + 1] = reach(glob, bit_of, glob->takers[bit] + 1u, &ends);
        if (ends)
            glob->accepting |= G_GUINT64_CONSTANT(1) << bit;
    }
}

/* Back from the translated text; FALSE when no value can stand for it. */
static gboolean
translate_back(const GString *translated, gsize from, gsize to, char separator, GString *text)
{
    for (gsize i = from; i < to; i++) {
        char c = translated->str[i];

        if (separator == '/' || separator == OSH_GLOB_SELECTOR) {
            g_string_append_c(text, c);
        } else if (c == '/') {
            if (to - i < 3 || translated->str[i + 1] != separator || translated->str[i + 2] != '/')
                return FALSE;
            g_string_append_c(text, separator);
            i += 2;
        } else if (c == separator) {
            return FALSE;
        } else {
            g_string_append_c(text, c == '\0' ? '/' : c);
        }
    }
    return TRUE;
}

/* Recognises "no wildcard" and "one wildcard between fixed bytes". */
static void
find_shape(OshGlob *glob, const GArray *tokens)
{
    g_autoptr(GString) translated = g_string_new(NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    OshGlobShape shape = OSH_GLOB_SHAPE_LITERAL;
    gsize prefix = 0;

    for (guint i = 0; i < tokens->len; i++) {
        const OshGlobToken *token = &g_array_index(tokens, OshGlobToken, i);

        if (token->kind == OSH_GLOB_TOKEN_BYTE) {
            g_string_append_c(translated, (char)token->byte);
            continue;
        }
        if (shape != OSH_GLOB_SHAPE_LITERAL)
            return;
        if (token->kind == OSH_GLOB_TOKEN_RUN) {
            shape = OSH_GLOB_SHAPE_STAR;
        } else if (token->kind == OSH_GLOB_TOKEN_EVERYTHING) {
            shape = OSH_GLOB_SHAPE_DEEP;
        } else if (token->kind == OSH_GLOB_TOKEN_DEEP_LAST) {
            shape = OSH_GLOB_SHAPE_DEEP;
            g_string_append_c(translated, '/');
        } else {
            return;
        }
        prefix = translated->len;
    }
    if (!translate_back(translated, 0, prefix, glob->separator, text))
        return;
    glob->prefix_length = text->len;
    if (!translate_back(translated, prefix, translated->len, glob->separator, text))
        return;
    glob->shape = shape;
    glob->text_length = text->len;
    glob->text = g_string_free(g_steal_pointer(&text), FALSE);
}

OshGlob *
osh_glob_new(const char *pattern, char separator, GError **error)
{
    g_autoptr(GArray) sets = NULL;
    g_autoptr(GArray) steps = NULL;
    Program program;
    GArray *tokens;
    OshGlob *glob;

    if (strlen(pattern) > OSH_GLOB_MAX_PATTERN) {
        g_set_error(error, OSH_GLOB_ERROR, 0, "more than %d bytes", OSH_GLOB_MAX_PATTERN);
        return NULL;
    }
    sets = g_array_new(FALSE, FALSE, sizeof(OshGlobSet));
    tokens = osh_glob_parse(pattern, separator, sets, error);
    if (tokens == NULL)
        return NULL;
    steps = g_array_new(FALSE, FALSE, sizeof(OshGlobStep));
    program.steps = steps;
    emit_tokens(&program, tokens);
    emit(&program, OSH_GLOB_STEP_ACCEPT, 0, 0);
    g_assert(steps->len <= OSH_GLOB_MAX_STEPS);

    glob = g_new0(OshGlob, 1);
    glob->separator = separator;
    glob->n_steps = steps->len;
    glob->n_sets = sets->len;
    glob->steps = g_memdup2(steps->data, steps->len * sizeof(OshGlobStep));
    glob->sets = sets->len > 0 ? g_memdup2(sets->data, sets->len * sizeof(OshGlobSet)) : NULL;
    find_shape(glob, tokens);
    if (glob->shape == OSH_GLOB_SHAPE_AUTOMATON)
        make_bits(glob);
    osh_glob_tokens_free(tokens);
    return glob;
}
