/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h: attempts to get out of a box, or to weaken it, each a function with a name. One
 * process, one attempt: it prints 0 when it succeeds and the errno when it does not.
 */
#pragma once

/** Attempt: @arguments: as given behind the name, NULL-terminated. Returns: 0, or an errno. */
typedef int (*Attempt)(char **arguments);

/** AttemptEntry: one row of a table; the last has a NULL name. */
typedef struct {
    const char *name;
    Attempt attempt;
} AttemptEntry;

extern const AttemptEntry attempt_calls[];
extern const AttemptEntry attempt_namespaces[];
extern const AttemptEntry attempt_files[];
extern const AttemptEntry attempt_sockets[];

/** failed: Returns: 0 for a result that is no failure, else errno. */
int failed(long result);
