/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-candidate.c: reads a policy file that another program may be writing. [any]: on the main
 * loop for a small file, on a worker for a large one; nothing here is shared.
 *
 * Half a policy may be a valid one, so a file is read only while no process has it open for
 * writing: only then does the kernel grant a read lease. The file must be the same before and after
 * it was read. It must never print, nor change what is in force.
 */
#include "policy-candidate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "auto-fd.h"
#include "file-chain.h"

typedef enum {
    WRITER_NONE,
    WRITER_THERE,
    WRITER_UNKNOWN,
} Writer;

/*
 * Only the owner of the file and root get a lease, and not on every file system. When a process
 * opens the file for writing between the two calls, the kernel sends a signal, which is ignored.
 */
static Writer
find_writer(int fd)
{
    if (fcntl(fd, F_SETSIG, SIGURG) != 0)
        return WRITER_UNKNOWN;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN || errno == EBUSY ? WRITER_THERE : WRITER_UNKNOWN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return WRITER_NONE;
}

static gboolean
is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
           one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec &&
           one->st_ctim.tv_sec == other->st_ctim.tv_sec &&
           one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

static OshPolicyCandidateState
reject(OshPolicyCandidate *candidate, char *message)
{
    osh_policy_diagnostics_add(candidate->diagnostics, OSH_POLICY_DIAGNOSTIC_ERROR, 0, 0, NULL,
                               message, NULL);
    return OSH_CANDIDATE_REJECTED;
}

static OshPolicyCandidateState
reject_errno(OshPolicyCandidate *candidate)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return OSH_CANDIDATE_ABSENT;
    return reject(candidate, g_strdup_printf("cannot be read: %s", g_strerror(errno)));
}

/* Returns: FALSE with errno set. More than a policy may hold is not read. */
static gboolean
read_all(int fd, GByteArray *text)
{
    guint8 buffer[65536];

    while (text->len <= OSH_POLICY_MAX_FILE) {
        ssize_t count = read(fd, buffer, sizeof(buffer));

        if (count == 0)
            return TRUE;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return FALSE;
        g_byte_array_append(text, buffer, (guint)count);
    }
    return TRUE;
}

static OshPolicyCandidateState
compile(OshPolicyCandidate *candidate, const GByteArray *text)
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, text->data, text->len);

    g_strlcpy(candidate->sha256, digest, sizeof(candidate->sha256));
    if (strcmp(digest, candidate->in_force) == 0)
        return OSH_CANDIDATE_UNCHANGED;
    if (strcmp(digest, candidate->rejected) == 0)
        return OSH_CANDIDATE_REJECTED_BEFORE;
    candidate->snapshot =
        osh_policy_load(&(OshPolicyLoadRequest){.protocols = candidate->protocols,
                                                .text = (const char *)text->data,
                                                .length = text->len,
                                                .file_name = candidate->path,
                                                .generation = candidate->generation,
                                                .flags = candidate->flags},
                        candidate->diagnostics);
    if (candidate->snapshot == NULL)
        return OSH_CANDIDATE_REJECTED;
    if (candidate->vet == NULL ||
        candidate->vet(candidate->snapshot, candidate->diagnostics, candidate->vet_data))
        return OSH_CANDIDATE_LOADED;
    g_clear_pointer(&candidate->snapshot, osh_policy_snapshot_unref);
    return OSH_CANDIDATE_REJECTED;
}

static OshPolicyCandidateState
read_open(OshPolicyCandidate *candidate, int fd)
{
    g_autoptr(GByteArray) text = g_byte_array_new();
    struct stat after;
    Writer writer = find_writer(fd);

    if (writer == WRITER_THERE || (writer == WRITER_UNKNOWN && candidate->seen_writer))
        return OSH_CANDIDATE_UNSTABLE;
    if (candidate->about.st_size == 0)
        return OSH_CANDIDATE_ABSENT;
    if (!read_all(fd, text) || fstat(fd, &after) != 0)
        return reject_errno(candidate);
    if (!is_same(&candidate->about, &after) || find_writer(fd) == WRITER_THERE)
        return OSH_CANDIDATE_UNSTABLE;
    return compile(candidate, text);
}

static OshPolicyCandidateState
read_path(OshPolicyCandidate *candidate)
{
    const char *grant = osh_file_chain_writable(candidate->path, candidate->writable);
    osh_autofd int fd = -1;

    if (grant != NULL)
        return reject(
            candidate,
            g_strdup_printf(
                "the path to it now leads through %s, which programs in the box may write", grant));
    fd = open(candidate->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &candidate->about) != 0)
        return reject_errno(candidate);
    if (!S_ISREG(candidate->about.st_mode))
        return reject(candidate, g_strdup("not a regular file"));
    return read_open(candidate, fd);
}

void
osh_policy_candidate_read(OshPolicyCandidate *candidate)
{
    candidate->sha256[0] = '\0';
    candidate->snapshot = NULL;
    candidate->diagnostics = osh_policy_diagnostics_new();
    osh_policy_diagnostics_set_file(candidate->diagnostics, candidate->path);
    memset(&candidate->about, 0, sizeof(candidate->about));
    candidate->state = read_path(candidate);
}

gboolean
osh_policy_candidate_is_current(const OshPolicyCandidate *candidate)
{
    struct stat now;

    if (candidate->sha256[0] == '\0')
        return TRUE; /* nothing was read that could be adopted */
    return stat(candidate->path, &now) == 0 && is_same(&candidate->about, &now);
}

void
osh_policy_candidate_clear(OshPolicyCandidate *candidate)
{
    g_clear_pointer(&candidate->diagnostics, osh_policy_diagnostics_free);
    g_clear_pointer(&candidate->snapshot, osh_policy_snapshot_unref);
}
