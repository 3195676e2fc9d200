/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osh-text.h: text that may come from the box, on its way to a terminal, a log or a shell.
 *
 * Plain functions, [any]. Names, paths and reasons of an attacker's choice must not be obeyed by
 * whatever shows them (security rule 13, text from the box): every place that prints uses one of
 * these.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** OSH_TEXT_MAX: a longer text says nothing more to a person; it is cut and marked, in bytes. */
#define OSH_TEXT_MAX 400

/**
 * osh_text_append_terminal:
 * @line: appended to
 * @text: any bytes up to a NUL
 *
 * Printable ASCII stays, every other byte and the backslash become \xNN, and what is longer than
 * %OSH_TEXT_MAX ends in "...".
 */
void osh_text_append_terminal(GString *line, const char *text);

/**
 * osh_text_append_word:
 * @line: appended to
 * @text: any bytes up to a NUL
 * @max: how many bytes of it are shown
 *
 * A name that another program has chosen, in a line of ours. Letters, digits and `._-+@/:` stay as
 * they are. Text that holds anything else stands in double quotes, in which a quote is \x22, so
 * that it cannot read like the words around it; what is longer ends in "..." behind the closing
 * quote.
 */
void osh_text_append_word(GString *line, const char *text, gsize max);

/**
 * osh_text_append_json:
 * @line: appended to
 * @text: any bytes up to a NUL
 *
 * A JSON string with its quotes. All but printable ASCII is a \u escape; bytes that are not UTF-8
 * become U+FFFD.
 */
void osh_text_append_json(GString *line, const char *text);

/**
 * osh_text_shell_quote:
 * @text: any bytes up to a NUL
 *
 * Quotes a word for a POSIX shell and parses it again to be sure.
 *
 * Returns: (transfer full) (nullable): the word; NULL when it would not be printable ASCII or does
 *   not come back as it was, and then no command is to be offered
 */
char *osh_text_shell_quote(const char *text);

G_END_DECLS
