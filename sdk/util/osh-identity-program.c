/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a pid to the program it runs and to those of its ancestors. What is known of a process is
 * kept with a pidfd, and holds as long as the process lives and its executable and the path of it
 * are the same. A parent stays a parent as long as it lives: one that has ended is looked for anew,
 * because the kernel has given its children another. A reading during which anything ended is made
 * again; one that never comes out even is an error, never a shorter ancestry.
 *
 * Known race: a process may exec between this reading and its next system call; who asks has to
 * hold it still or to read again (security rule 4, identity at connect). A cache is used on one
 * thread; hashing is done elsewhere (osh-identity-image.c).
 */
#include "osh-identity-program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "osh-identity-process.h"

#define MAX_ANCESTORS 64
/* Each known process costs a descriptor. */
#define MAX_PROCESSES 256
#define MAX_CMDLINE   4096
/* Parents may end while an ancestry is read. */
#define MAX_READINGS 4

/* A process as last read. @version changes whenever anything of it does. */
typedef struct {
    pid_t pid;
    pid_t parent;
    guint64 parent_start_time; /* when it was last seen to be the parent; 0: not yet */
    int pidfd;
    guint64 start_time;
    guint64 version;
    OshImage *image;
    char *path;
    guint64 start_stack; /* when @program was read */
    OshProgram *program; /* (nullable) of its last reading */
    guint64 program_versions;
} ProgramProcess;

struct _OshProgramCache {
    pid_t root;
    guint64 last_version;
    OshImageTable *images;
    GHashTable *processes;
    gboolean unsettled;
};

typedef struct {
    OshImage *image;
    char *path;
} ProgramLink;

struct _OshProgram {
    gint references;
    pid_t pid;
    guint64 start_time;
    gboolean has_execution;
    guint8 execution[OSH_EXECUTION_SIZE];
    OshImageTable *images;
    OshSpan *cmdline;
    guint n_cmdline;
    OshPeerIdentity *identity; /* atomic, set once */
    guint n_links;
    ProgramLink links[]; /* its own, then its ancestors', nearest first */
};

static void
process_free(gpointer data)
{
    ProgramProcess *process = data;

    if (process->pidfd >= 0)
        close(process->pidfd);
    g_free(process->path);
    osh_image_unref(process->image);
    osh_program_unref(process->program);
    g_free(process);
}

OshProgramCache *
osh_program_cache_new(pid_t root, OshImageTable *images)
{
    OshProgramCache *cache = g_new0(OshProgramCache, 1);

    cache->root = root;
    cache->images = osh_image_table_ref(images);
    cache->processes = g_hash_table_new_full(NULL, NULL, NULL, process_free);
    return cache;
}

void
osh_program_cache_free(OshProgramCache *cache)
{
    g_hash_table_unref(cache->processes);
    osh_image_table_unref(cache->images);
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
    g_free(peer->execution);
    spans_free(peer->ancestors, peer->n_ancestors);
    spans_free(peer->cmdline, peer->n_cmdline);
    g_free(peer);
}

gboolean
osh_peer_identity_equal(const OshPeerIdentity *left, const OshPeerIdentity *right)
{
    if (left == right)
        return TRUE;
    if (!g_str_equal(left->binary, right->binary) || !g_str_equal(left->sha256, right->sha256))
        return FALSE;
    /* A fork: the same program in a second process, whoever its parent is by now. */
    if (left->execution != NULL && g_strcmp0(left->execution, right->execution) == 0)
        return TRUE;
    if (left->n_ancestors != right->n_ancestors)
        return FALSE;
    for (guint i = 0; i < left->n_ancestors; i++)
        if (!g_str_equal(left->ancestors[i].data, right->ancestors[i].data))
            return FALSE;
    return TRUE;
}

static char *
program_problem(pid_t pid, const char *path, const char *text)
{
    g_autofree char *shown = g_utf8_make_valid(path != NULL ? path : "", -1);

    return g_strdup_printf("process %d %s%s%s", pid, text, *shown != '\0' ? ": " : "", shown);
}

/* Returns: 0, -ESRCH when @process is gone, -EACCES when it cannot be read. */
static int
process_read_image(OshProgramCache *cache, ProgramProcess *process, pid_t thread)
{
    struct stat status;
    OshImageKey key;
    char *path = NULL;
    int fd = -1;
    int error = osh_process_read_image(process->pid, thread, &status, &path, NULL);

    if (error != 0)
        return error;
    osh_image_key_init(&key, &status);
    if (process->image != NULL && osh_image_key_equal(osh_image_key(process->image), &key) &&
        g_str_equal(process->path, path)) {
        g_free(path);
        return 0;
    }
    process->version = ++cache->last_version;
    osh_image_unref(process->image);
    process->image = osh_image_table_find(cache->images, &key);
    if (process->image == NULL || osh_image_state(process->image) == OSH_IMAGE_FAILED) {
        g_free(g_steal_pointer(&path));
        g_clear_pointer(&process->image, osh_image_unref);
        error = osh_process_read_image(process->pid, thread, &status, &path, &fd);
        if (error != 0)
            return error;
        osh_image_key_init(&key, &status);
        process->image = osh_image_table_add(cache->images, fd, &key);
        close(fd);
    }
    g_free(process->path);
    process->path = path;
    return 0;
}

static int
process_new(OshProgramCache *cache, pid_t pid, pid_t thread, ProgramProcess **ret_process)
{
    ProgramProcess *process = g_new0(ProgramProcess, 1);
    int error = 0;

    process->pid = pid;
    process->version = ++cache->last_version;
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process->pidfd < 0)
        error = errno == ESRCH ? -ESRCH : -EACCES;
    if (error == 0)
        error = osh_process_read_stat(pid, &process->parent, &process->start_time);
    if (error == 0)
        error = process_read_image(cache, process, thread);
    /* The number may be another process's by now. */
    if (error == 0 && !osh_process_is_alive(process->pidfd))
        error = -ESRCH;
    if (error != 0)
        process_free(process);
    else
        *ret_process = process;
    return error;
}

static gboolean
process_has_ended(gpointer key, gpointer value, gpointer data)
{
    const ProgramProcess *process = value;

    (void)key;
    (void)data;
    return !osh_process_is_alive(process->pidfd);
}

/*
 * Returns: 0 with @ret_process (transfer none), which is as it says if it is alive afterwards, or
 * as osh_process_read_image()
 */
static int
cache_process(OshProgramCache *cache, pid_t pid, pid_t thread, ProgramProcess **ret_process)
{
    ProgramProcess *process = g_hash_table_lookup(cache->processes, GINT_TO_POINTER(pid));
    int error = -ESRCH;

    if (process != NULL) {
        error = process_read_image(cache, process, thread);
        /* While it ends it has no executable any more, and can get no other one. */
        if (error == -ESRCH && process->image != NULL && osh_process_is_alive(process->pidfd))
            error = 0;
    }
    if (error == 0) {
        *ret_process = process;
        return 0;
    }
    g_hash_table_remove(cache->processes, GINT_TO_POINTER(pid));
    error = process_new(cache, pid, thread, ret_process);
    if (error == 0)
        g_hash_table_insert(cache->processes, GINT_TO_POINTER(pid), *ret_process);
    return error;
}

/*
 * Whether @parent, which is alive, is the parent of @child. It was, if it is named as such after it
 * was seen alive: its number cannot have become another's in between.
 */
static gboolean
process_confirm_parent(ProgramProcess *child, const ProgramProcess *parent)
{
    guint64 start_time;

    if (child->parent_start_time == parent->start_time && child->parent == parent->pid)
        return TRUE;
    if (osh_process_read_stat(child->pid, &child->parent, &start_time) != 0 ||
        child->parent != parent->pid || start_time != child->start_time ||
        parent->start_time > start_time || !osh_process_is_alive(parent->pidfd))
        return FALSE;
    child->parent_start_time = parent->start_time;
    return TRUE;
}

/* Returns: 0 with the chain filled, -EAGAIN when something ended meanwhile, or another errno. */
static int
cache_chain_once(OshProgramCache *cache, pid_t pid, pid_t thread, ProgramProcess **chain,
                 guint *ret_length, pid_t *ret_failed)
{
    guint length = 0;
    pid_t at = pid;

    while (at > 1 && at != cache->root) {
        ProgramProcess *process;
        int error;

        *ret_failed = at;
        if (length > MAX_ANCESTORS)
            return -E2BIG;
        error = cache_process(cache, at, length == 0 ? thread : at, &process);
        /* Without a box those above us may be another user's. */
        if (error == -EACCES && length > 0 && cache->root == 0)
            break;
        if (error == -ESRCH && length > 0) {
            chain[length - 1]->parent_start_time = 0;
            if (osh_process_read_stat(chain[length - 1]->pid, &chain[length - 1]->parent,
                                      &(guint64){0}) != 0)
                g_hash_table_remove(cache->processes, GINT_TO_POINTER(chain[length - 1]->pid));
            return -EAGAIN;
        }
        if (error != 0)
            return error;
        if (length > 0 && !process_confirm_parent(chain[length - 1], process))
            return -EAGAIN;
        chain[length++] = process;
        at = process->parent;
    }
    /* The last one of a box has its root for a parent, which ends after everybody. */
    *ret_length = length;
    if (length == 0)
        return -EXDEV;
    return cache->root != 0 && at != cache->root ? -EAGAIN : 0;
}

/* Forgets those of the chain that have ended. Returns: whether none had. */
static gboolean
cache_check_alive(OshProgramCache *cache, ProgramProcess *const *chain, guint length)
{
    struct pollfd watched[MAX_ANCESTORS + 2];

    for (guint i = 0; i < length; i++)
        watched[i] = (struct pollfd){.fd = chain[i]->pidfd, .events = POLLIN};
    if (poll(watched, length, 0) == 0)
        return TRUE;
    for (guint i = 0; i < length; i++)
        if (watched[i].revents != 0)
            g_hash_table_remove(cache->processes, GINT_TO_POINTER(chain[i]->pid));
    return FALSE;
}

/* Returns: the number of the chain's processes, or 0 with a problem (%NULL: @pid has ended). */
static guint
cache_chain(OshProgramCache *cache, pid_t pid, pid_t thread, ProgramProcess **chain,
            char **ret_problem)
{
    pid_t failed = pid;
    guint length = 0;
    int error = -EAGAIN;

    for (guint reading = 0; error == -EAGAIN && reading < MAX_READINGS; reading++) {
        error = cache_chain_once(cache, pid, thread, chain, &length, &failed);
        if (error == 0 && !cache_check_alive(cache, chain, length))
            error = -EAGAIN;
    }
    cache->unsettled = error == -EAGAIN;
    if (error == 0)
        return length;
    if (error == -EXDEV || (error == -EAGAIN && cache->root != 0))
        *ret_problem = program_problem(pid, NULL,
                                       "has ancestors that change while they are read or lie "
                                       "outside the workload");
    else if (error == -EAGAIN)
        *ret_problem = program_problem(pid, NULL, "has ancestors that change while they are read");
    else if (error == -E2BIG)
        *ret_problem = program_problem(pid, NULL, "has more than 64 ancestors");
    else if (error != -ESRCH)
        *ret_problem = program_problem(failed, NULL, "cannot be read");
    return 0;
}

static void
program_read_cmdline(OshProgram *program, pid_t thread)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", thread);
    char text[MAX_CMDLINE + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, MAX_CMDLINE) : -1;
    GArray *spans = g_array_new(FALSE, FALSE, sizeof(OshSpan));

    if (fd >= 0)
        close(fd);
    if (n > 0)
        text[n] = '\0';
    for (ssize_t at = 0; n > 0 && at < n; at += (ssize_t)strlen(text + at) + 1) {
        if (text[at] != '/' || g_str_equal(text + at, program->links[0].path))
            continue;
        OshSpan span = osh_span(g_strdup(text + at));

        g_array_append_val(spans, span);
    }
    program->n_cmdline = spans->len;
    program->cmdline = (OshSpan *)(void *)g_array_free(spans, FALSE);
}

static OshProgram *
program_new(OshProgramCache *cache, ProgramProcess *const *chain, guint length, pid_t thread)
{
    OshProgram *program = g_malloc0(sizeof(OshProgram) + length * sizeof(ProgramLink));

    program->references = 1;
    program->pid = chain[0]->pid;
    program->start_time = chain[0]->start_time;
    program->images = osh_image_table_ref(cache->images);
    program->n_links = length;
    for (guint i = 0; i < length; i++) {
        program->links[i].image = osh_image_ref(chain[i]->image);
        program->links[i].path = g_strdup(chain[i]->path);
    }
    program->has_execution = osh_process_execution(program->pid, thread, program->execution);
    program_read_cmdline(program, thread);
    return program;
}

OshProgram *
osh_program_ref(OshProgram *program)
{
    g_atomic_int_inc(&program->references);
    return program;
}

void
osh_program_unref(OshProgram *program)
{
    if (program == NULL || !g_atomic_int_dec_and_test(&program->references))
        return;
    for (guint i = 0; i < program->n_links; i++) {
        osh_image_unref(program->links[i].image);
        g_free(program->links[i].path);
    }
    spans_free(program->cmdline, program->n_cmdline);
    osh_peer_identity_unref(program->identity);
    osh_image_table_unref(program->images);
    g_free(program);
}

pid_t
osh_program_pid(const OshProgram *program)
{
    return program->pid;
}

guint64
osh_program_start_time(const OshProgram *program)
{
    return program->start_time;
}

static gboolean
link_equal(const ProgramLink *left, const ProgramLink *right)
{
    if (!g_str_equal(left->path, right->path))
        return FALSE;
    return left->image == right->image ||
           (osh_image_state(left->image) == OSH_IMAGE_READY &&
            osh_image_state(right->image) == OSH_IMAGE_READY &&
            g_str_equal(osh_image_sha256(left->image), osh_image_sha256(right->image)));
}

gboolean
osh_program_same(const OshProgram *left, const OshProgram *right)
{
    if (left == right)
        return TRUE;
    if (!link_equal(&left->links[0], &right->links[0]))
        return FALSE;
    if (left->has_execution && right->has_execution &&
        memcmp(left->execution, right->execution, OSH_EXECUTION_SIZE) == 0)
        return TRUE;
    if (left->n_links != right->n_links)
        return FALSE;
    for (guint i = 1; i < left->n_links; i++)
        if (!link_equal(&left->links[i], &right->links[i]))
            return FALSE;
    return TRUE;
}

OshProgram *
osh_program_read(OshProgramCache *cache, pid_t pid, pid_t thread, char **ret_problem)
{
    ProgramProcess *chain[MAX_ANCESTORS + 2];
    guint64 versions = 0;
    guint64 start_stack;
    guint length;

    if (g_hash_table_size(cache->processes) > MAX_PROCESSES)
        g_hash_table_foreach_remove(cache->processes, process_has_ended, NULL);
    if (g_hash_table_size(cache->processes) > MAX_PROCESSES)
        g_hash_table_remove_all(cache->processes);
    *ret_problem = NULL;
    length = cache_chain(cache, pid, thread, chain, ret_problem);
    if (length == 0)
        return NULL;
    /* Versions never repeat, so this number is another as soon as one of the chain is. */
    for (guint i = 0; i < length; i++)
        versions = versions * G_GUINT64_CONSTANT(1099511628211) + chain[i]->version;
    /* A program that executes itself looks as before. */
    start_stack = osh_process_start_stack(pid, thread);
    if (chain[0]->program == NULL || chain[0]->program_versions != versions ||
        chain[0]->start_stack != start_stack) {
        osh_program_unref(chain[0]->program);
        chain[0]->program = program_new(cache, chain, length, thread);
        chain[0]->program_versions = versions;
        chain[0]->start_stack = start_stack;
    }
    return osh_program_ref(chain[0]->program);
}

int
osh_program_cache_pidfd(const OshProgramCache *cache, pid_t pid)
{
    const ProgramProcess *process = g_hash_table_lookup(cache->processes, GINT_TO_POINTER(pid));

    return process != NULL ? process->pidfd : -1;
}

gboolean
osh_program_cache_is_unsettled(const OshProgramCache *cache)
{
    return cache->unsettled;
}

static OshSpan *
copy_spans(const OshSpan *spans, guint n)
{
    OshSpan *copy = g_new0(OshSpan, n + 1);

    for (guint i = 0; i < n; i++)
        copy[i] = osh_span(g_strndup(spans[i].data, spans[i].length));
    return copy;
}

static char *
execution_text(const OshProgram *program)
{
    GString *text = g_string_sized_new(2 * OSH_EXECUTION_SIZE);

    for (guint i = 0; i < OSH_EXECUTION_SIZE; i++)
        g_string_append_printf(text, "%02x", program->execution[i]);
    return g_string_free(text, FALSE);
}

gboolean
osh_program_execution_is(const OshProgram *program, const char *text)
{
    g_autofree char *own = program->has_execution ? execution_text(program) : NULL;

    return own != NULL && g_str_equal(own, text);
}

static OshPeerIdentity *
identity_new(const OshProgram *program)
{
    OshPeerIdentity *identity = g_new0(OshPeerIdentity, 1);

    identity->references = 1;
    identity->pid = program->pid;
    identity->start_time = program->start_time;
    identity->process_key = (guint64)(guint32)identity->pid | (identity->start_time << 32);
    identity->binary = g_strdup(program->links[0].path);
    identity->sha256 = g_strdup(osh_image_sha256(program->links[0].image));
    identity->shown_binary = g_utf8_make_valid(identity->binary, -1);
    identity->execution = program->has_execution ? execution_text(program) : NULL;
    identity->n_ancestors = program->n_links - 1;
    identity->ancestors = g_new0(OshSpan, program->n_links);
    for (guint i = 1; i < program->n_links; i++)
        identity->ancestors[i - 1] = osh_span(g_strdup(program->links[i].path));
    identity->cmdline = copy_spans(program->cmdline, program->n_cmdline);
    identity->n_cmdline = program->n_cmdline;
    return identity;
}

OshImageState
osh_program_identity(OshProgram *program, OshPeerIdentity **ret_identity, OshImage **ret_pending,
                     char **ret_problem)
{
    OshPeerIdentity *identity = g_atomic_pointer_get(&program->identity);

    if (identity == NULL) {
        for (guint i = 0; i < program->n_links; i++) {
            const ProgramLink *link = &program->links[i];
            OshImageState state = osh_image_state(link->image);
            const char *problem =
                state == OSH_IMAGE_FAILED ? osh_image_problem(link->image)
                : state == OSH_IMAGE_READY
                    ? osh_image_table_trusts(program->images, link->path, link->image)
                    : NULL;

            if (state == OSH_IMAGE_PENDING) {
                *ret_pending = link->image;
                return OSH_IMAGE_PENDING;
            }
            if (problem != NULL) {
                g_autofree char *text =
                    g_strdup_printf("%s%s", i > 0 ? "has an ancestor that " : "", problem);

                *ret_problem = program_problem(program->pid, link->path, text);
                return OSH_IMAGE_FAILED;
            }
        }
        identity = identity_new(program);
        if (!g_atomic_pointer_compare_and_exchange(&program->identity, NULL, identity)) {
            osh_peer_identity_unref(identity);
            identity = g_atomic_pointer_get(&program->identity);
        }
    }
    *ret_identity = osh_peer_identity_ref(identity);
    return OSH_IMAGE_READY;
}

OshPeerIdentity *
osh_program_name(pid_t pid, char **ret_problem)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    OshPeerIdentity *identity = NULL;
    guint64 start_time;
    struct stat status;
    pid_t parent;
    char *path = NULL;

    if (pidfd >= 0 && osh_process_read_image(pid, pid, &status, &path, NULL) == 0 &&
        osh_process_read_stat(pid, &parent, &start_time) == 0 && osh_process_is_alive(pidfd)) {
        identity = g_new0(OshPeerIdentity, 1);
        identity->references = 1;
        identity->pid = pid;
        identity->start_time = start_time;
        identity->process_key = (guint64)(guint32)pid | (start_time << 32);
        identity->shown_binary = g_utf8_make_valid(path, -1);
        identity->binary = g_steal_pointer(&path);
        identity->sha256 = g_strdup("");
    } else {
        *ret_problem = program_problem(pid, NULL, "cannot be read");
    }
    g_free(path);
    if (pidfd >= 0)
        close(pidfd);
    return identity;
}
