/* SPDX-License-Identifier: Apache-2.0 */
/* attempt-main.c: finds the attempt that the first argument names and says how it went. */
#include "attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
failed(long result)
{
    return result < 0 ? errno : 0;
}

static const AttemptEntry *
find(const AttemptEntry *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

int
main(int argc, char **argv)
{
    const AttemptEntry *const tables[] = {attempt_calls, attempt_namespaces, attempt_files,
                                          attempt_sockets};

    for (size_t i = 0; argc > 1 && i < sizeof tables / sizeof *tables; i++) {
        const AttemptEntry *entry = find(tables[i], argv[1]);

        if (entry == NULL)
            continue;
        printf("%d\n", entry->attempt(argv + 2));
        return 0;
    }
    fprintf(stderr, "usage: attempt NAME [ARGUMENT...]\n");
    return 2;
}
