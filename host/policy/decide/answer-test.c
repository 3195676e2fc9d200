/* SPDX-License-Identifier: Apache-2.0 */
/* answer-test.c: what several answers are together, for every pair of them and every fold. */
#include "answer.h"

#define NO      OSH_POLICY_NO
#define YES     OSH_POLICY_YES
#define UNKNOWN OSH_POLICY_UNKNOWN

static const struct {
    const char *sentence;
    OshPolicyFold fold;
    OshPolicyAnswer ranks[3]; /* the highest first */
} rows[] = {
    {"conditions hold only together, and one that fails settles it",
     OSH_POLICY_FOLD_CONDITIONS,
     {NO, UNKNOWN, YES}},
    {"an allow rule needs every value, and one that cannot be judged settles it",
     OSH_POLICY_FOLD_EVERY,
     {UNKNOWN, NO, YES}},
    {"a deny rule needs one value, and one that cannot be judged settles it",
     OSH_POLICY_FOLD_ANY,
     {UNKNOWN, YES, NO}},
    {"one deny rule that matches settles it, whatever cannot be judged",
     OSH_POLICY_FOLD_FIRST_YES,
     {YES, UNKNOWN, NO}},
};

static void
test_row(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    OshPolicyFold fold = rows[row].fold;

    g_assert_cmpint(osh_policy_fold_none(fold), ==, rows[row].ranks[2]);
    for (guint i = 0; i < 3; i++)
        for (guint k = 0; k < 3; k++) {
            OshPolicyAnswer answer = rows[row].ranks[i];
            gboolean settled = osh_policy_fold_add(fold, &answer, rows[row].ranks[k]);

            g_assert_cmpint(answer, ==, rows[row].ranks[MIN(i, k)]);
            g_assert_cmpint(settled, ==, MIN(i, k) == 0);
        }
}

static void
test_values(void)
{
    g_assert_cmpint(OSH_POLICY_FOLD_OF_VALUES(TRUE), ==, OSH_POLICY_FOLD_EVERY);
    g_assert_cmpint(OSH_POLICY_FOLD_OF_VALUES(FALSE), ==, OSH_POLICY_FOLD_ANY);
    g_assert_cmpint(osh_policy_unstated(TRUE), ==, NO);
    g_assert_cmpint(osh_policy_unstated(FALSE), ==, YES);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/answer/%s", rows[i].sentence);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_row);
    }
    g_test_add_func("/answer/an absent fact matches no allow rule and every deny rule",
                    test_values);
    return g_test_run();
}
