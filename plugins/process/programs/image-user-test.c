/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image-user-test.c: rows over account files of our own.
 */
#include "image-user.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"

typedef struct {
    const char *name;
    const char *image; /* OPENSHELL_OCI_IMAGE_USER */
    const char *uid;
    const char *gid;
    const char *policy_user;
    const char *policy_group;
    const char *passwd; /* NULL: the usual one */
    const char *group;
    const char *expect; /* user:group[groups], or NULL: an error */
    const char *problem;
} Row;

#define PASSWD                                                                                     \
    "root:x:0:0:root:/root:/bin/bash\n"                                                            \
    "app:x:1001:1002:App:/home/app:/bin/sh\n"                                                      \
    "short:x:7\n"                                                                                  \
    "zero:x:0:0::/:/bin/sh\n"                                                                      \
    "wheel:x:1005:0::/:/bin/sh\n"
#define GROUP                                                                                      \
    "root:x:0:\n"                                                                                  \
    "app:x:1002:\n"                                                                                \
    "video:x:44:app,other\n"                                                                       \
    "audio:x:29:other,app\n"                                                                       \
    "again:x:44:app\n"

static const Row rows[] = {
    {.name = "nobody says anything", .expect = "-:-"},
    {.name = "a pair of ids", .uid = "1234", .gid = "4321", .expect = "1234:4321"},
    {.name = "a pair moves the account sandbox",
     .uid = "1234",
     .gid = "4321",
     .policy_user = "sandbox",
     .policy_group = "sandbox",
     .expect = "1234:4321"},
    {.name = "the policy goes before a pair",
     .uid = "1234",
     .gid = "4321",
     .policy_user = "daemon",
     .expect = "-:4321"},
    {.name = "an empty image user beside a pair is ignored",
     .uid = "1",
     .gid = "2",
     .image = "",
     .expect = "1:2"},
    {.name = "an id alone", .uid = "1234", .problem = "sets both or neither"},
    {.name = "a group alone", .gid = "1234", .problem = "sets both or neither"},
    {.name = "a pair and an image", .uid = "1", .gid = "2", .image = "app", .problem = "exclude"},
    {.name = "the id 0", .uid = "0", .gid = "2", .problem = "not an id"},
    {.name = "an id beyond 32 bits", .uid = "4294967295", .gid = "2", .problem = "not an id"},
    {.name = "a word as an id", .uid = "app", .gid = "2", .problem = "not an id"},
    {.name = "a signed id", .uid = "+5", .gid = "2", .problem = "not an id"},
    {.name = "a named user has its groups, sorted and once",
     .image = "app",
     .expect = "1001:1002[29,44,1002]"},
    {.name = "a named user with a named group",
     .image = "app:video",
     .expect = "1001:44[29,44,1002]"},
    {.name = "a named user with a group's id", .image = "app:9", .expect = "1001:9[29,44,1002]"},
    {.name = "an id with an entry has its group and no others",
     .image = "1001",
     .expect = "1001:1002"},
    {.name = "ids need no account files",
     .image = "77:88",
     .passwd = "(missing)",
     .group = "(missing)",
     .expect = "77:88"},
    {.name = "an id without an entry and a group",
     .image = "77",
     .problem = "to take a group from"},
    {.name = "only the group is open", .image = "app", .policy_user = "daemon", .expect = "-:1002"},
    {.name = "only the user is open",
     .image = "app",
     .policy_group = "daemon",
     .expect = "1001:-[29,44,1002]"},
    {.name = "nothing is open",
     .image = "root",
     .policy_user = "a",
     .policy_group = "b",
     .expect = "-:-"},
    {.name = "an image without a user", .image = "", .problem = "the image names no user"},
    {.name = "an empty user", .image = ":app", .problem = "the user is empty"},
    {.name = "an empty group", .image = "app:", .problem = "the group is empty"},
    {.name = "root by name", .image = "root", .problem = "never gets"},
    {.name = "root by id", .image = "0", .problem = "never gets"},
    {.name = "root by long id", .image = "000", .problem = "not an id"},
    {.name = "root's group", .image = "app:root", .problem = "never gets"},
    {.name = "a name that is root", .image = "zero", .problem = "not an id"},
    {.name = "a name whose group is root's", .image = "wheel", .problem = "not an id"},
    {.name = "membership in root's group",
     .image = "app",
     .group = "root:x:0:app\napp:x:1002:\n",
     .problem = "not an id"},
    {.name = "a control character", .image = "ap\x07p", .problem = "control character"},
    {.name = "a blank before", .image = " app", .problem = "blank"},
    {.name = "a blank behind", .image = "app :video", .problem = "blank"},
    {.name = "a second colon", .image = "app:video:x", .problem = "user[:group]"},
    {.name = "bytes that are not UTF-8", .image = "ap\xff", .problem = "not UTF-8"},
    {.name = "an unknown name", .image = "nobody-of-that-name", .problem = "has no user"},
    {.name = "an unknown group", .image = "app:no-such", .problem = "has no group"},
    {.name = "an entry that is too short", .image = "short", .problem = "has no user"},
    {.name = "two entries of one name",
     .image = "app",
     .passwd = "app:x:1:1::/:/\napp:x:2:2::/:/\n",
     .problem = "a second entry"},
    {.name = "account files that are not UTF-8",
     .image = "app",
     .passwd = "app:x:1:1:\xff:/:/\n",
     .problem = "not UTF-8"},
    {.name = "account files that are links",
     .image = "app",
     .passwd = "(link)",
     .problem = "symbolic link"},
    {.name = "account files that are not files",
     .image = "app",
     .passwd = "(fifo)",
     .problem = "not a regular file"},
    {.name = "account files with a long line",
     .image = "app",
     .passwd = "(long line)",
     .problem = "longer than 8192"},
    {.name = "account files that are too large",
     .image = "app",
     .passwd = "(large)",
     .problem = "at most 1 MiB"},
};

static void
make_file(const char *path, const char *content, const char *usual)
{
    g_autofree char *large = NULL;

    if (content == NULL)
        content = usual;
    if (g_str_equal(content, "(missing)"))
        return;
    if (g_str_equal(content, "(link)")) {
        g_assert_cmpint(symlink("/etc/passwd", path), ==, 0);
        return;
    }
    if (g_str_equal(content, "(fifo)")) {
        g_assert_cmpint(mkfifo(path, 0600), ==, 0);
        return;
    }
    if (g_str_equal(content, "(long line)"))
        content = large = g_strnfill(8200, 'x');
    else if (g_str_equal(content, "(large)")) {
        content = large = g_strnfill(1024 * 1024 + 1, '\n');
    }
    g_assert_true(g_file_set_contents(path, content, -1, NULL));
}

/* What stands behind a NUL would be read by some and not by others. */
static void
test_nul_in_a_file(void)
{
    static const char text[] = "app:x:1001:1002::/:/\n\0other:x:1003:1003::/:/\n";
    g_autofree char *folder = g_dir_make_tmp("openshell-image-user-XXXXXX", NULL);
    g_autofree char *passwd = g_build_filename(folder, "passwd", NULL);
    const char *environment[] = {"OPENSHELL_OCI_IMAGE_USER=app", NULL};
    const OshImageUserRequest request = {
        .environment = environment, .passwd_file = passwd, .group_file = passwd};
    g_auto(OshImageUser) user = {0};
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(passwd, text, sizeof text - 1, NULL));
    g_assert_false(osh_image_user_resolve(&request, &user, &error));
    g_assert_nonnull(strstr(error->message, "not UTF-8 text"));
    g_unlink(passwd);
    g_rmdir(folder);
}

static char *
describe(const OshImageUser *user)
{
    g_autofree char *groups = user->groups != NULL ? g_strjoinv(",", user->groups) : NULL;

    return g_strdup_printf("%s:%s%s%s%s", user->user != NULL ? user->user : "-",
                           user->group != NULL ? user->group : "-", groups != NULL ? "[" : "",
                           groups != NULL ? groups : "", groups != NULL ? "]" : "");
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *folder = g_dir_make_tmp("openshell-image-user-XXXXXX", NULL);
    g_autofree char *passwd = g_build_filename(folder, "passwd", NULL);
    g_autofree char *group = g_build_filename(folder, "group", NULL);
    g_auto(GStrv) environment = g_new0(char *, 1);
    g_auto(OshImageUser) user = {0};
    g_autoptr(GError) error = NULL;
    OshImageUserRequest request = {.run_as_user = row->policy_user,
                                   .run_as_group = row->policy_group,
                                   .passwd_file = passwd,
                                   .group_file = group};
    gboolean good;

    make_file(passwd, row->passwd, PASSWD);
    make_file(group, row->group, GROUP);
    if (row->image != NULL)
        environment = g_environ_setenv(environment, "OPENSHELL_OCI_IMAGE_USER", row->image, TRUE);
    if (row->uid != NULL)
        environment = g_environ_setenv(environment, "OPENSHELL_SANDBOX_UID", row->uid, TRUE);
    if (row->gid != NULL)
        environment = g_environ_setenv(environment, "OPENSHELL_SANDBOX_GID", row->gid, TRUE);
    request.environment = (const char *const *)environment;
    good = osh_image_user_resolve(&request, &user, &error);
    g_unlink(passwd);
    g_unlink(group);
    g_rmdir(folder);
    if (row->problem != NULL) {
        g_assert_false(good);
        g_assert_error(error, OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, row->problem));
    } else {
        g_autofree char *answer = describe(&user);

        g_assert_no_error(error);
        g_assert_cmpstr(answer, ==, row->expect);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/image-user/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/image-user/account files with a NUL", test_nul_in_a_file);
    return g_test_run();
}
