/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity-test.c: rows over accounts that every Debian has (root, daemon 1:1, nobody 65534).
 */
#include "identity.h"

#define OWN 54321

typedef struct {
    const char *name;
    uid_t host_uid;
    const char *user;
    const char *group;
    const char *supplementary;
    const char *default_account;
    gboolean keep_own;
    uid_t uid;
    gid_t gid;
    const char *user_name;
    gboolean noted;
    int error; /* -1: none */
} Row;

#define NO_ERROR (-1)

static const Row rows[] = {
    {.name = "root-policy-names-a-user",
     .user = "daemon",
     .uid = 1,
     .gid = 1,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-policy-names-an-id-with-an-account",
     .user = "1",
     .uid = 1,
     .gid = 1,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-policy-names-ids-without-an-account",
     .user = "54321",
     .group = "54322",
     .uid = 54321,
     .gid = 54322,
     .user_name = "sandbox",
     .error = NO_ERROR},
    {.name = "root-policy-names-an-id-without-a-group",
     .user = "54321",
     .error = OSH_IDENTITY_ERROR_INVALID},
    {.name = "root-group-is-taken-over-the-account's",
     .user = "daemon",
     .group = "nogroup",
     .uid = 1,
     .gid = 65534,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-supplementary-groups-are-the-listed-ones",
     .user = "daemon",
     .supplementary = "bin",
     .uid = 1,
     .gid = 1,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-unset-uses-the-default-account",
     .default_account = "daemon",
     .uid = 1,
     .gid = 1,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-empty-is-unset",
     .user = "",
     .group = "",
     .default_account = "daemon",
     .uid = 1,
     .gid = 1,
     .user_name = "daemon",
     .error = NO_ERROR},
    {.name = "root-unset-without-the-account-uses-the-spare-id-and-says-so",
     .default_account = "no-such-account",
     .uid = OSH_IDENTITY_SPARE_ID,
     .gid = OSH_IDENTITY_SPARE_ID,
     .user_name = "sandbox",
     .noted = TRUE,
     .error = NO_ERROR},
    {.name = "root-group-alone-does-not-keep-uid-0",
     .group = "nogroup",
     .default_account = "no-such-account",
     .uid = OSH_IDENTITY_SPARE_ID,
     .gid = 65534,
     .user_name = "sandbox",
     .noted = TRUE,
     .error = NO_ERROR},
    {.name = "root-is-refused-by-name", .user = "root", .error = OSH_IDENTITY_ERROR_FORBIDDEN},
    {.name = "root-is-refused-by-id",
     .user = "0",
     .group = "1",
     .error = OSH_IDENTITY_ERROR_FORBIDDEN},
    {.name = "root's-group-is-refused-by-name",
     .user = "daemon",
     .group = "root",
     .error = OSH_IDENTITY_ERROR_FORBIDDEN},
    {.name = "root's-group-is-refused-by-id",
     .user = "daemon",
     .group = "000",
     .error = OSH_IDENTITY_ERROR_FORBIDDEN},
    {.name = "root's-group-is-refused-as-supplementary",
     .user = "daemon",
     .supplementary = "root",
     .error = OSH_IDENTITY_ERROR_FORBIDDEN},
    {.name = "unknown-user", .user = "no-such-user", .error = OSH_IDENTITY_ERROR_UNKNOWN},
    {.name = "unknown-group",
     .user = "daemon",
     .group = "no-such-group",
     .error = OSH_IDENTITY_ERROR_UNKNOWN},
    {.name = "the-id-that-means-unchanged-is-refused",
     .user = "4294967295",
     .error = OSH_IDENTITY_ERROR_INVALID},
    {.name = "the-id-that-means-unchanged-is-refused-with-a-group-too",
     .user = "4294967295",
     .group = "1",
     .error = OSH_IDENTITY_ERROR_INVALID},
    {.name = "the-group-that-means-unchanged-is-refused",
     .user = "daemon",
     .group = "4294967295",
     .error = OSH_IDENTITY_ERROR_INVALID},
    {.name = "an-id-that-wraps-is-refused",
     .user = "4294967296",
     .error = OSH_IDENTITY_ERROR_INVALID},
    {.name = "a-negative-id-is-an-unknown-name", .user = "-1", .error = OSH_IDENTITY_ERROR_UNKNOWN},
    {.name = "ordinary-user-unset-stays-itself",
     .host_uid = OWN,
     .uid = OWN,
     .gid = OWN,
     .user_name = "sandbox",
     .error = NO_ERROR},
    {.name = "ordinary-user-named-as-itself",
     .host_uid = OWN,
     .user = "54321",
     .group = "54321",
     .uid = OWN,
     .gid = OWN,
     .user_name = "sandbox",
     .error = NO_ERROR},
    {.name = "ordinary-user-cannot-become-another",
     .host_uid = OWN,
     .user = "daemon",
     .error = OSH_IDENTITY_ERROR_NOT_PERMITTED},
    {.name = "ordinary-user-cannot-become-another-id",
     .host_uid = OWN,
     .user = "54322",
     .error = OSH_IDENTITY_ERROR_NOT_PERMITTED},
    {.name = "ordinary-user-cannot-take-another-group",
     .host_uid = OWN,
     .group = "daemon",
     .error = OSH_IDENTITY_ERROR_NOT_PERMITTED},
    {.name = "ordinary-user-may-accept-its-own-user",
     .host_uid = OWN,
     .user = "daemon",
     .keep_own = TRUE,
     .uid = OWN,
     .gid = OWN,
     .user_name = "sandbox",
     .noted = TRUE,
     .error = NO_ERROR},
    {.name = "ordinary-user-cannot-give-groups",
     .host_uid = OWN,
     .supplementary = "daemon",
     .error = OSH_IDENTITY_ERROR_NOT_PERMITTED},
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    const char *groups[] = {row->supplementary, NULL};
    OshIdentityRequest request = {.run_as_user = row->user,
                                  .run_as_group = row->group,
                                  .groups = groups,
                                  .default_account = row->default_account,
                                  .uid = row->host_uid,
                                  .gid = row->host_uid,
                                  .keep_own = row->keep_own};
    g_autoptr(GError) error = NULL;
    g_autoptr(OshIdentity) identity = osh_identity_resolve(&request, &error);

    if (row->error != NO_ERROR) {
        g_assert_error(error, OSH_IDENTITY_ERROR, row->error);
        g_assert_null(identity);
        return;
    }
    g_assert_no_error(error);
    g_assert_cmpuint(identity->uid, ==, row->uid);
    g_assert_cmpuint(identity->gid, ==, row->gid);
    g_assert_cmpuint(identity->n_groups, ==, row->supplementary != NULL ? 1 : 0);
    g_assert_cmpstr(identity->user, ==, row->user_name);
    g_assert_nonnull(identity->home);
    /* Those of daemon and its like refuse to run. */
    g_assert_cmpstr(identity->shell, ==, "/bin/sh");
    g_assert_cmpint(identity->note != NULL, ==, row->noted);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/identity/%s", rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
