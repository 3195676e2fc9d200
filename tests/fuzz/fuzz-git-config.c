/* SPDX-License-Identifier: Apache-2.0 */
/* A git configuration of an earlier box: any text gives variables with names that git can have. */
#include "git-config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GPtrArray) variables = osh_git_variables_new();

    osh_git_config_parse((const char *)data, size, variables);
    for (guint i = 0; i < variables->len; i++) {
        const OshGitVariable *variable = g_ptr_array_index(variables, i);

        g_assert_true(g_ascii_isalpha(variable->key[0]));
        g_assert_null(strpbrk(variable->key, " \t\n=[]\"#;ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        g_assert_null(strpbrk(variable->section, " \t\n=[]\"#;ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        g_assert_true(variable->value == NULL || strlen(variable->value) <= size);
    }
    return 0;
}
