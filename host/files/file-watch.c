/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-watch.c: inotify(7) over the whole way to one file. [main].
 *
 * A directory is watched before its name is looked up, and everything is set up anew after each
 * change of the way, so that what happens meanwhile is either reported or already there for the
 * reader that comes later. The file itself is watched too: behind a bind mount its directory here
 * is not the one that reports. It must never read the file, nor decide when it is complete.
 *
 * Not seen: changes by another machine on a network file system, and a mount over the way.
 */
#include "file-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "openshell/host.h"
#include "osh-path-walk.h"

#define WAY_MASK                                                                                   \
    (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |         \
     IN_ONLYDIR)
#define FILE_MASK (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
/* What befalls a watched inode itself. */
#define OWN_MASK (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)

struct _OshFileWatch {
    char *path;
    int fd;
    GSource *source;
    GHashTable *names; /* watch descriptor of a directory -> set of the names that matter in it */
    int file;          /* watch descriptor, -1 for none */
    gboolean being_written;
    char *problem;
    OshFileWatchFunc changed;
    gpointer data;
};

static int
add_watch(OshFileWatch *watch, const char *path, guint32 mask)
{
    int descriptor = inotify_add_watch(watch->fd, path, mask);

    if (descriptor < 0 && errno != ENOENT && errno != ENOTDIR && watch->problem == NULL)
        watch->problem = g_strdup_printf("%s cannot be watched: %s", path, g_strerror(errno));
    return descriptor;
}

static void
watch_step(const char *directory, const char *name, gpointer data)
{
    OshFileWatch *watch = data;
    int descriptor = add_watch(watch, directory, WAY_MASK);
    GHashTable *names;

    if (descriptor < 0)
        return;
    names = g_hash_table_lookup(watch->names, GINT_TO_POINTER(descriptor));
    if (names == NULL) {
        names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(watch->names, GINT_TO_POINTER(descriptor), names);
    }
    g_hash_table_add(names, g_strdup(name));
}

/* Events of the watches that go are of no use: the reader that is told reads the file after this.
 */
static void
disarm(OshFileWatch *watch)
{
    GHashTableIter iterator;
    gpointer descriptor;

    g_hash_table_iter_init(&iterator, watch->names);
    while (g_hash_table_iter_next(&iterator, &descriptor, NULL))
        inotify_rm_watch(watch->fd, GPOINTER_TO_INT(descriptor));
    g_hash_table_remove_all(watch->names);
    if (watch->file >= 0)
        inotify_rm_watch(watch->fd, watch->file);
    watch->file = -1;
    watch->being_written = FALSE;
    g_clear_pointer(&watch->problem, g_free);
}

static void
arm(OshFileWatch *watch)
{
    OshPathWalk walk = {.look_up = watch_step, .data = watch};
    g_autofree char *end = NULL;

    disarm(watch);
    end = osh_path_walk(watch->path, &walk);
    if (end != NULL)
        watch->file = add_watch(watch, end, FILE_MASK);
}

typedef struct {
    gboolean matters;
    gboolean way; /* what is at the end of the way may be another file */
} Seen;

static void
see_event(OshFileWatch *watch, const struct inotify_event *event, Seen *seen)
{
    GHashTable *names;

    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        seen->matters = seen->way = TRUE;
        return;
    }
    if ((event->mask & IN_IGNORED) != 0)
        return;
    if (event->wd == watch->file) {
        if ((event->mask & IN_MODIFY) != 0)
            watch->being_written = TRUE;
        if ((event->mask & IN_CLOSE_WRITE) != 0)
            watch->being_written = FALSE;
        seen->matters = TRUE;
        seen->way |= (event->mask & OWN_MASK) != 0;
        return;
    }
    names = g_hash_table_lookup(watch->names, GINT_TO_POINTER(event->wd));
    if (names != NULL && ((event->mask & OWN_MASK) != 0 ||
                          (event->len > 0 && g_hash_table_contains(names, event->name))))
        seen->matters = seen->way = TRUE;
}

static gboolean
watch_ready(gint fd, GIOCondition condition, gpointer data)
{
    OshFileWatch *watch = data;
    _Alignas(struct inotify_event) char buffer[16384];
    Seen seen = {FALSE, FALSE};
    ssize_t length;

    (void)condition;
    while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
        const char *at = buffer;

        while (at < buffer + length) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

            see_event(watch, event, &seen);
            at += sizeof(*event) + event->len;
        }
    }
    if (seen.way)
        arm(watch);
    if (seen.matters)
        watch->changed(watch->data);
    return G_SOURCE_CONTINUE;
}

OshFileWatch *
osh_file_watch_new(const char *path, OshFileWatchFunc changed, gpointer data, GError **error)
{
    OshFileWatch *watch;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot create an inotify instance: %s",
                    g_strerror(errno));
        return NULL;
    }
    watch = g_new0(OshFileWatch, 1);
    watch->path = g_strdup(path);
    watch->fd = fd;
    watch->file = -1;
    watch->names = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    watch->changed = changed;
    watch->data = data;
    watch->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(watch_ready), watch, NULL);
    g_source_attach(watch->source, g_main_context_get_thread_default());
    arm(watch);
    return watch;
}

gboolean
osh_file_watch_is_being_written(const OshFileWatch *watch)
{
    return watch->being_written;
}

const char *
osh_file_watch_problem(const OshFileWatch *watch)
{
    return watch->problem;
}

void
osh_file_watch_free(OshFileWatch *watch)
{
    if (watch == NULL)
        return;
    g_source_destroy(watch->source);
    g_source_unref(watch->source);
    close(watch->fd);
    g_hash_table_unref(watch->names);
    g_free(watch->problem);
    g_free(watch->path);
    g_free(watch);
}
