/* SPDX-License-Identifier: Apache-2.0 */
/* protection-proof-test.c: the proofs hold on this kernel, fail where they must, and leave nothing.
 */
#include "protection-proof.h"

#include "landlock-probe.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp-filter.h"

static guint
count_entries(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (entries != NULL && g_dir_read_name(entries) != NULL)
        count++;
    return count;
}

static void
test_landlock(gconstpointer data)
{
    const OshLandlockProof *proof = data;
    guint abi;

    osh_landlock_probe(&abi);
    if (abi < proof->abi) {
        g_test_skip("this kernel's Landlock is older");
        return;
    }
    g_assert_cmpint(proof->attempt(), ==, OSH_PROOF_HOLDS);
    /* main() has made this folder for us alone. */
    g_assert_cmpuint(count_entries(g_get_tmp_dir()), ==, 0);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
}

static void
test_seccomp(void)
{
    static const char *const none[] = {NULL};
    static const char *const some[] = {"kcmp", "keyctl", NULL};
    guint refused;
    guint fewer;
    const char *open;

    g_assert_cmpint(osh_seccomp_prove(none, &refused, &open), ==, OSH_PROOF_HOLDS);
    g_assert_cmpuint(refused, >=, 39);
    g_assert_null(open);
    g_assert_cmpint(osh_seccomp_prove(some, &fewer, &open), ==, OSH_PROOF_HOLDS);
    g_assert_cmpuint(fewer, ==, refused - 2);
}

/* Behind a filter that forbids filters nothing can be proved, and nothing is claimed. */
static void
test_nothing_is_claimed(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        static const char *const none[] = {NULL};
        g_autoptr(GBytes) filter = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, none, NULL);
        guint refused;
        const char *open;
        gsize size;
        struct {
            unsigned short length;
            const void *filter;
        } program = {.filter = g_bytes_get_data(filter, &size)};

        program.length = (unsigned short)(size / 8);
        g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
        g_assert_cmpint(prctl(PR_SET_SECCOMP, 2, &program), ==, 0);
        /* The filter's own memory file is refused here, too. */
        g_assert_cmpint(osh_seccomp_prove(none, &refused, &open), ==, OSH_PROOF_UNKNOWN);
        g_assert_cmpuint(refused, ==, 0);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

int
main(int argc, char **argv)
{
    gsize count;
    const OshLandlockProof *proofs = osh_landlock_proofs(&count);
    const char *outer = g_getenv("TMPDIR");
    g_autofree char *folder =
        g_strdup_printf("%s/openshell-proof-XXXXXX", outer != NULL ? outer : "/tmp");
    int status;

    /* Before GLib looks, which looks once. */
    if (mkdtemp(folder) == NULL)
        return 1;
    g_setenv("TMPDIR", folder, TRUE);
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *path =
            g_strdup_printf("/protection-proof/abi-%u-%s-is-tried", proofs[i].abi, proofs[i].name);

        g_test_add_data_func(path, &proofs[i], test_landlock);
    }
    g_test_add_func("/protection-proof/each-refused-call-is-tried", test_seccomp);
    g_test_add_func("/protection-proof/what-cannot-be-tried-is-not-claimed",
                    test_nothing_is_claimed);
    status = g_test_run();
    g_rmdir(folder);
    return status;
}
