/* SPDX-License-Identifier: Apache-2.0 */
/* A box knows its own user and group. */
#include "own-names.h"

#include <string.h>

static OshIdentity
somebody(guint32 id)
{
    return (OshIdentity){.uid = id,
                         .gid = id,
                         .user = (char *)"sandbox",
                         .group = (char *)"sandbox",
                         .home = (char *)"/tmp",
                         .shell = (char *)"/bin/sh"};
}

static void
test_a_user_that_has_a_line_gets_no_other(void)
{
    OshIdentity identity = somebody(65530);

    g_assert_null(
        osh_own_passwd("root:x:0:0:root:/root:/bin/sh\nme:x:65530:1::/:/bin/sh", &identity));
    g_assert_null(osh_own_group("root:x:0:\nus:x:65530:me", &identity));
}

static void
test_a_user_without_a_line_gets_one(void)
{
    static const char *const hosts[] = {
        "", "root:x:0:0:r:/root:/bin/sh\n", "root:x:0:0:r:/:/bin/sh",
        /* another field, a longer number, half a line */
        "a:65530:1:1::/:/bin/sh\n", "a:x:655301:1::/:/bin/sh\n", "a:x\n:\n", "a:x:"};
    OshIdentity identity = somebody(65530);

    for (gsize i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *text = osh_own_passwd(hosts[i], &identity);

        g_assert_nonnull(text);
        g_assert_true(g_str_has_prefix(text, hosts[i]));
        g_assert_true(g_str_has_suffix(text, "sandbox:x:65530:65530::/tmp:/bin/sh\n"));
        g_assert_true(g_str_has_prefix(text, "sandbox:") || strstr(text, "\nsandbox:") != NULL);
    }
}

static void
test_a_name_of_somebody_else_is_not_taken(void)
{
    OshIdentity identity = somebody(7);
    g_autofree char *passwd = osh_own_passwd("sandbox:x:900:900::/:/bin/sh\n", &identity);
    g_autofree char *group = osh_own_group("root:x:0:\nsandbox:x:900:\n", &identity);

    g_assert_nonnull(strstr(passwd, "\nbox7:x:7:7:"));
    g_assert_nonnull(strstr(group, "\nbox7:x:7:\n"));
}

static void
test_each_group_has_a_line(void)
{
    gid_t groups[] = {7, 900, 901, 900};
    OshIdentity identity = somebody(7);
    g_autofree char *text = NULL;

    identity.groups = groups;
    identity.n_groups = G_N_ELEMENTS(groups);
    text = osh_own_group("known:x:901:\n", &identity);
    g_assert_cmpstr(text, ==, "known:x:901:\nsandbox:x:7:\ngroup900:x:900:\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/own-names/a-user-that-has-a-line-gets-no-other",
                    test_a_user_that_has_a_line_gets_no_other);
    g_test_add_func("/own-names/a-user-without-a-line-gets-one",
                    test_a_user_without_a_line_gets_one);
    g_test_add_func("/own-names/a-name-of-somebody-else-is-not-taken",
                    test_a_name_of_somebody_else_is_not_taken);
    g_test_add_func("/own-names/each-group-has-a-line", test_each_group_has_a_line);
    return g_test_run();
}
