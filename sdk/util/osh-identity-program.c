/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a pid to the program it runs. The pidfd is opened first and asked last, so that everything
 * read in between belongs to one process; the image is opened once through /proc/PID/exe, and
 * that descriptor is what is measured and hashed. A content is trusted on first use: a path whose
 * content changes during the run is refused from then on.
 *
 * What is known of a process is kept with its pidfd and read again when its image or its parent
 * is another. Known race: a process may exec between this reading and its next byte; security
 * rule 4 bounds that window. Runs on the scanner's thread; may block on the disk.
 */
#include "osh-identity-program.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ANCESTORS 64
/* Each known process costs a descriptor. */
#define MAX_PROCESSES 256
#define MAX_DIGESTS   4096
#define MAX_CMDLINE   4096

typedef struct {
    guint64 device;
    guint64 inode;
    gint64 changed_seconds;
    gint64 changed_nanoseconds;
    gint64 size;
} ImageKey;

/* A process as last read, in @round. @version changes whenever anything of it does. */
typedef struct {
    pid_t pid;
    pid_t parent;
    int pidfd;
    guint64 start_time;
    guint64 version;
    guint64 round;
    ImageKey image;
    char *path;
    char *sha256;
    OshPeerIdentity *identity;
    guint64 identity_versions;
} ProgramProcess;

struct _OshProgramCache {
    pid_t root;
    guint64 last_version;
    guint64 round;
    GHashTable *processes;
    GHashTable *digests;
    GHashTable *first_digests;
};

static guint
image_hash(gconstpointer data)
{
    const ImageKey *key = data;

    return (guint)(key->inode ^ (key->device << 7) ^ (guint64)key->changed_nanoseconds);
}

static gboolean
image_equal(gconstpointer left, gconstpointer right)
{
    return memcmp(left, right, sizeof(ImageKey)) == 0;
}

static void
process_free(gpointer data)
{
    ProgramProcess *process = data;

    if (process->pidfd >= 0)
        close(process->pidfd);
    g_free(process->path);
    g_free(process->sha256);
    osh_peer_identity_unref(process->identity);
    g_free(process);
}

OshProgramCache *
osh_program_cache_new(pid_t root)
{
    OshProgramCache *cache = g_new0(OshProgramCache, 1);

    cache->root = root;
    cache->processes = g_hash_table_new_full(NULL, NULL, NULL, process_free);
    cache->digests = g_hash_table_new_full(image_hash, image_equal, g_free, g_free);
    cache->first_digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return cache;
}

void
osh_program_cache_free(OshProgramCache *cache)
{
    g_hash_table_unref(cache->processes);
    g_hash_table_unref(cache->digests);
    g_hash_table_unref(cache->first_digests);
    g_free(cache);
}

OshPeerIdentity *
osh_peer_identity_ref(OshPeerIdentity *peer)
{
    g_atomic_int_inc(&peer->references);
    return peer;
}

static void
spans_free(OshSpan *spans, guint n)
{
    for (guint i = 0; i < n; i++)
        g_free((char *)spans[i].data);
    g_free(spans);
}

void
osh_peer_identity_unref(OshPeerIdentity *peer)
{
    if (peer == NULL || !g_atomic_int_dec_and_test(&peer->references))
        return;
    g_free(peer->binary);
    g_free(peer->sha256);
    g_free(peer->shown_binary);
    spans_free(peer->ancestors, peer->n_ancestors);
    spans_free(peer->cmdline, peer->n_cmdline);
    g_free(peer);
}

gboolean
osh_peer_identity_equal(const OshPeerIdentity *left, const OshPeerIdentity *right)
{
    if (left == right)
        return TRUE;
    if (!g_str_equal(left->binary, right->binary) || !g_str_equal(left->sha256, right->sha256) ||
        left->n_ancestors != right->n_ancestors)
        return FALSE;
    for (guint i = 0; i < left->n_ancestors; i++)
        if (!g_str_equal(left->ancestors[i].data, right->ancestors[i].data))
            return FALSE;
    return TRUE;
}

static char *
digest_file(int fd)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    g_autofree guint8 *block = g_malloc(1 << 18);
    guint8 digest[EVP_MAX_MD_SIZE];
    guint length = 0;
    GString *hex = NULL;
    ssize_t n = -1;

    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
        while ((n = read(fd, block, 1 << 18)) > 0)
            EVP_DigestUpdate(context, block, (size_t)n);
    if (n == 0 && EVP_DigestFinal_ex(context, digest, &length) == 1) {
        hex = g_string_sized_new(2 * length);
        for (guint i = 0; i < length; i++)
            g_string_append_printf(hex, "%02x", digest[i]);
    }
    EVP_MD_CTX_free(context);
    return hex != NULL ? g_string_free(hex, FALSE) : NULL;
}

/* Returns: (transfer full) (nullable): content hash of the image, read only when it is a new one.
 */
static char *
cache_digest(OshProgramCache *cache, int fd, const ImageKey *key)
{
    const char *known = g_hash_table_lookup(cache->digests, key);
    char *digest;

    if (known != NULL)
        return g_strdup(known);
    digest = digest_file(fd);
    if (digest == NULL)
        return NULL;
    if (g_hash_table_size(cache->digests) >= MAX_DIGESTS)
        g_hash_table_remove_all(cache->digests);
    g_hash_table_insert(cache->digests, g_memdup2(key, sizeof *key), g_strdup(digest));
    return digest;
}

static void
image_key(const struct stat *status, ImageKey *ret_key)
{
    memset(ret_key, 0, sizeof *ret_key);
    ret_key->device = status->st_dev;
    ret_key->inode = status->st_ino;
    ret_key->changed_seconds = status->st_ctim.tv_sec;
    ret_key->changed_nanoseconds = status->st_ctim.tv_nsec;
    ret_key->size = status->st_size;
}

static gboolean
pidfd_alive(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 0;
}

/* The command name may hold blanks and brackets: fields are counted from the last bracket. */
static gboolean
read_stat(pid_t pid, pid_t *ret_parent, guint64 *ret_start_time)
{
    char path[64];
    char text[1024];
    const char *at;
    int fd;
    ssize_t n;

    g_snprintf(path, sizeof path, "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return FALSE;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return FALSE;
    text[n] = '\0';
    at = strrchr(text, ')');
    if (at == NULL)
        return FALSE;
    at++;
    for (guint field = 3; field <= 22; field++) {
        at += strspn(at, " ");
        if (field == 4)
            *ret_parent = (pid_t)strtol(at, NULL, 10);
        if (field == 22)
            *ret_start_time = g_ascii_strtoull(at, NULL, 10);
        at += strcspn(at, " ");
    }
    return TRUE;
}

/* Returns: (transfer full) (nullable): where the open image is, as its process sees it. */
static char *
read_image_path(pid_t pid, const struct stat *status)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", pid);
    char path[4096];
    ssize_t n = readlink(link, path, sizeof path - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    if (status->st_nlink == 0 && g_str_has_suffix(path, " (deleted)"))
        path[(gsize)n - strlen(" (deleted)")] = '\0';
    return g_strdup(path);
}

/* Returns: FALSE when @process cannot be read now. */
static gboolean
process_read_image(OshProgramCache *cache, ProgramProcess *process)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", process->pid);
    int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    gboolean good;

    if (fd < 0)
        return FALSE;
    good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (good) {
        image_key(&status, &process->image);
        process->sha256 = cache_digest(cache, fd, &process->image);
        process->path = read_image_path(process->pid, &status);
    }
    close(fd);
    return good && process->sha256 != NULL && process->path != NULL;
}

static ProgramProcess *
process_new(OshProgramCache *cache, pid_t pid)
{
    ProgramProcess *process = g_new0(ProgramProcess, 1);
    guint64 start_again = 0;
    pid_t parent_again;

    process->pid = pid;
    process->version = ++cache->last_version;
    process->round = cache->round;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process->pidfd < 0 || !read_stat(pid, &process->parent, &process->start_time) ||
        !process_read_image(cache, process) || !read_stat(pid, &parent_again, &start_again) ||
        start_again != process->start_time || !pidfd_alive(process->pidfd)) {
        process_free(process);
        return NULL;
    }
    return process;
}

static gboolean
process_is_current(const ProgramProcess *process)
{
    char path[64];
    struct stat status;
    ImageKey image;

    g_snprintf(path, sizeof path, "/proc/%d/exe", process->pid);
    if (stat(path, &status) != 0 || !pidfd_alive(process->pidfd))
        return FALSE;
    image_key(&status, &image);
    return image_equal(&image, &process->image);
}

/* Returns: (transfer none) (nullable): @pid as it is now. */
static ProgramProcess *
cache_process(OshProgramCache *cache, pid_t pid)
{
    ProgramProcess *process = g_hash_table_lookup(cache->processes, GINT_TO_POINTER(pid));

    if (process != NULL && (process->round == cache->round || process_is_current(process))) {
        process->round = cache->round;
        return process;
    }
    g_hash_table_remove(cache->processes, GINT_TO_POINTER(pid));
    process = process_new(cache, pid);
    if (process != NULL)
        g_hash_table_insert(cache->processes, GINT_TO_POINTER(pid), process);
    return process;
}

static gboolean
cache_trusts(OshProgramCache *cache, const ProgramProcess *process)
{
    const char *first = g_hash_table_lookup(cache->first_digests, process->path);

    if (first != NULL)
        return g_str_equal(first, process->sha256);
    if (g_hash_table_size(cache->first_digests) >= MAX_DIGESTS)
        return FALSE;
    g_hash_table_insert(cache->first_digests, g_strdup(process->path), g_strdup(process->sha256));
    return TRUE;
}

static char *
program_problem(const ProgramProcess *process, pid_t pid, const char *text)
{
    g_autofree char *path = g_utf8_make_valid(process != NULL ? process->path : "", -1);

    return g_strdup_printf("process %d %s%s%s", pid, text, *path != '\0' ? ": " : "", path);
}

/* Collects @pid and its ancestors. Returns: FALSE with a problem. */
static gboolean
cache_chain(OshProgramCache *cache, pid_t pid, ProgramProcess **chain, guint *ret_length,
            char **ret_problem)
{
    guint length = 0;

    for (pid_t at = pid; at > 1 && at != cache->root && length <= MAX_ANCESTORS;) {
        ProgramProcess *process = cache_process(cache, at);

        if (process == NULL && length > 0 && cache->root == 0)
            break;
        if (process == NULL || !cache_trusts(cache, process)) {
            *ret_problem = program_problem(
                process, at,
                process == NULL ? "cannot be read" : "runs a binary whose content has changed");
            return FALSE;
        }
        chain[length++] = process;
        at = process->parent;
    }
    *ret_length = length;
    return length > 0;
}

static void
identity_read_cmdline(OshPeerIdentity *identity)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", identity->pid);
    char text[MAX_CMDLINE + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, MAX_CMDLINE) : -1;
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(OshSpan));

    if (fd >= 0)
        close(fd);
    if (n > 0)
        text[n] = '\0';
    for (ssize_t at = 0; n > 0 && at < n; at += (ssize_t)strlen(text + at) + 1) {
        if (text[at] != '/' || g_str_equal(text + at, identity->binary))
            continue;
        OshSpan span = osh_span(g_strdup(text + at));

        g_array_append_val(spans, span);
    }
    identity->n_cmdline = spans->len;
    identity->cmdline = (OshSpan *)(void *)g_array_free(spans, FALSE);
}

static OshPeerIdentity *
identity_new(ProgramProcess *const *chain, guint length)
{
    OshPeerIdentity *identity = g_new0(OshPeerIdentity, 1);

    identity->references = 1;
    identity->pid = chain[0]->pid;
    identity->start_time = chain[0]->start_time;
    identity->process_key = (guint64)(guint32)identity->pid | (identity->start_time << 32);
    identity->binary = g_strdup(chain[0]->path);
    identity->sha256 = g_strdup(chain[0]->sha256);
    identity->shown_binary = g_utf8_make_valid(chain[0]->path, -1);
    identity->n_ancestors = length - 1;
    identity->ancestors = g_new0(OshSpan, length);
    for (guint i = 1; i < length; i++)
        identity->ancestors[i - 1] = osh_span(g_strdup(chain[i]->path));
    identity_read_cmdline(identity);
    return identity;
}

void
osh_program_cache_begin_round(OshProgramCache *cache)
{
    cache->round++;
    if (g_hash_table_size(cache->processes) > MAX_PROCESSES)
        g_hash_table_remove_all(cache->processes);
}

OshPeerIdentity *
osh_program_identify(OshProgramCache *cache, pid_t pid, char **ret_problem)
{
    ProgramProcess *chain[MAX_ANCESTORS + 1];
    guint length = 0;
    guint64 versions = 0;

    if (!cache_chain(cache, pid, chain, &length, ret_problem)) {
        if (*ret_problem == NULL)
            *ret_problem = program_problem(NULL, pid, "is outside the workload");
        return NULL;
    }
    /* Versions never repeat, so this number is another as soon as one of the chain is. */
    for (guint i = 0; i < length; i++)
        versions = versions * G_GUINT64_CONSTANT(1099511628211) + chain[i]->version;
    if (chain[0]->identity == NULL || chain[0]->identity_versions != versions) {
        osh_peer_identity_unref(chain[0]->identity);
        chain[0]->identity = identity_new(chain, length);
        chain[0]->identity_versions = versions;
    }
    return osh_peer_identity_ref(chain[0]->identity);
}

static char *
name_image(pid_t pid)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", pid);
    struct stat status;

    return stat(link, &status) == 0 ? read_image_path(pid, &status) : NULL;
}

OshPeerIdentity *
osh_program_name(pid_t pid, char **ret_problem)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    OshPeerIdentity *identity = NULL;
    guint64 start_time;
    pid_t parent;
    g_autofree char *path = pidfd >= 0 ? name_image(pid) : NULL;

    if (path != NULL && read_stat(pid, &parent, &start_time) && pidfd_alive(pidfd)) {
        identity = g_new0(OshPeerIdentity, 1);
        identity->references = 1;
        identity->pid = pid;
        identity->start_time = start_time;
        identity->process_key = (guint64)(guint32)pid | (start_time << 32);
        identity->shown_binary = g_utf8_make_valid(path, -1);
        identity->binary = g_steal_pointer(&path);
        identity->sha256 = g_strdup("");
    } else {
        *ret_problem = program_problem(NULL, pid, "cannot be read");
    }
    if (pidfd >= 0)
        close(pidfd);
    return identity;
}
