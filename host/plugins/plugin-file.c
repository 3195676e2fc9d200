/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security rule 10, plugin loading. [main].
 *
 * Trust model: whoever can write the file, or swap a directory on the way to it, runs code in the
 * host. So the way is walked one component at a time with O_NOFOLLOW, every component is judged by
 * fstat(2) on the descriptor that the next step starts from, and the descriptor that was judged is
 * the one that is parsed and loaded, by way of /proc/self/fd. A name is never looked up twice.
 *
 * Known limit: in a user namespace that does not map uid 0, the files of root and those of every
 * other unmapped user look the same. There the overflow uid is taken for root; what keeps the box
 * out is that it has our uid, which such files do not have, and that group and others may not
 * write.
 */
#include "plugin-file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auto-fd.h"
#include "elf-manifest.h"

/* The struct_size of ABI 1.0: an entry that is smaller was never built against plugin.h. */
#define ENTRY_SIZE_1_0                                                                             \
    (G_STRUCT_OFFSET(OshPluginEntry, get_interface) + sizeof(((OshPluginEntry *)0)->get_interface))

void
osh_plugin_file_free(OshPluginFile *file)
{
    if (file == NULL)
        return;
    close(file->fd);
    g_free(file->path);
    g_free(file);
}

/* Whether @uid of the namespace above has a name in ours. */
static gboolean
uid_is_mapped(uid_t uid)
{
    g_autofree char *map = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents("/proc/self/uid_map", &map, NULL, NULL))
        return TRUE;
    lines = g_strsplit(map, "\n", -1);
    for (gsize i = 0; lines[i] != NULL; i++) {
        guint inside, outside, count;

        if (sscanf(lines[i], "%u %u %u", &inside, &outside, &count) == 3 && uid >= inside &&
            uid - inside < count)
            return TRUE;
    }
    return FALSE;
}

static uid_t
overflow_uid(void)
{
    g_autofree char *text = NULL;
    guint64 value;

    if (g_file_get_contents("/proc/sys/kernel/overflowuid", &text, NULL, NULL) &&
        g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, G_MAXUINT32, &value, NULL))
        return (uid_t)value;
    return 65534;
}

static gboolean
owner_is_trusted(uid_t owner)
{
    if (owner == 0 || owner == geteuid())
        return TRUE;
    return owner == overflow_uid() && !uid_is_mapped(0) && !uid_is_mapped(owner);
}

/* @parent: (nullable): what @status was found in. */
static gboolean
check_component(const char *path, const struct stat *status, const struct stat *parent,
                GError **error)
{
    const char *kind = S_ISDIR(status->st_mode) ? "directory" : "file";

    if (!owner_is_trusted(status->st_uid)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                    "%s belongs to uid %u, which could replace what is loaded: use a %s that "
                    "belongs to root or to you",
                    path, status->st_uid, kind);
        return FALSE;
    }
    if (parent != NULL && (parent->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        (parent->st_mode & S_ISVTX) == 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                    "the directory of %s can be written by its group or by others: chmod go-w it",
                    path);
        return FALSE;
    }
    if (!S_ISDIR(status->st_mode) && (status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_DENIED,
                    "%s can be written by its group or by others: chmod go-w it", path);
        return FALSE;
    }
    return TRUE;
}

/* Opens one component and judges it; *fd moves on to it. */
static gboolean
step(int *fd, struct stat *status, const char *name, const char *path, int flags, GError **error)
{
    struct stat parent = *status;
    osh_autofd int next = openat(*fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

    if (next < 0 || fstat(next, status) != 0) {
        int number = errno;

        g_set_error(error, OSH_ERROR, number == ENOENT ? OSH_ERROR_NOT_FOUND : OSH_ERROR_FAILED,
                    "%s: %s", path,
                    number == ELOOP ? "it is a symbolic link: name the file itself"
                                    : g_strerror(number));
        return FALSE;
    }
    if (!check_component(path, status, &parent, error))
        return FALSE;
    close(*fd);
    *fd = g_steal_fd(&next);
    return TRUE;
}

/* Walks from the root to @directory, which has no symbolic links in it unless somebody is playing
 * tricks, and then O_NOFOLLOW ends the walk. */
static int
open_directory(const char *directory, struct stat *status, GError **error)
{
    g_auto(GStrv) names = g_strsplit(directory, "/", -1);
    g_autoptr(GString) path = g_string_new(NULL);
    osh_autofd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, status) != 0) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "/: %s", g_strerror(errno));
        return -1;
    }
    if (!check_component("/", status, NULL, error))
        return -1;
    for (gsize i = 0; names[i] != NULL; i++) {
        if (names[i][0] == '\0')
            continue;
        g_string_append_printf(path, "/%s", names[i]);
        if (!step(&fd, status, names[i], path->str, O_PATH | O_DIRECTORY, error))
            return -1;
    }
    return g_steal_fd(&fd);
}

OshPluginFile *
osh_plugin_file_open(const char *path, GError **error)
{
    g_autofree char *given = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *resolved = NULL;
    char *directory = realpath(given, NULL);
    osh_autofd int fd = -1;
    struct stat status;
    OshPluginFile *file;

    if (directory == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_NOT_FOUND, "%s: %s", given, g_strerror(errno));
        return NULL;
    }
    resolved = g_build_filename(directory, name, NULL);
    fd = open_directory(directory, &status, error);
    free(directory);
    /* O_NONBLOCK: a FIFO in the way must not stop the start. */
    if (fd < 0 || !step(&fd, &status, name, resolved, O_RDONLY | O_NONBLOCK, error))
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s: it is not a regular file", resolved);
        return NULL;
    }
    file = g_new0(OshPluginFile, 1);
    file->path = g_steal_pointer(&resolved);
    file->fd = g_steal_fd(&fd);
    return file;
}

OshManifest *
osh_plugin_file_read_manifest(const OshPluginFile *file, GError **error)
{
    g_autoptr(GBytes) text = osh_elf_manifest_read_fd(file->fd, error);
    gconstpointer data;
    gsize length;

    if (text == NULL) {
        g_prefix_error(error, "%s is not a plugin: ", file->path);
        return NULL;
    }
    data = g_bytes_get_data(text, &length);
    return osh_manifest_parse(file->path, data, length, error);
}

const OshPluginEntry *
osh_plugin_file_load(const OshPluginFile *file, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file->fd);
    gpointer library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const OshPluginEntry *entry;

    if (library == NULL) {
        const char *reason = dlerror();

        /* The linker speaks of /proc/self/fd/N, which helps nobody. */
        if (g_str_has_prefix(reason, path) && reason[strlen(path)] == ':')
            reason += strlen(path) + 2;
        g_set_error(error, OSH_ERROR, OSH_ERROR_FAILED, "cannot load %s: %s", file->path, reason);
        return NULL;
    }
    entry = dlsym(library, OSH_PLUGIN_ENTRY_SYMBOL);
    if (entry == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "%s exports no %s: define it with OSH_PLUGIN_EXPORT", file->path,
                    OSH_PLUGIN_ENTRY_SYMBOL);
        return NULL;
    }
    if (entry->struct_size < ENTRY_SIZE_1_0 || entry->abi_major != OSH_ABI_MAJOR) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED,
                    "%s was built for plugin ABI %u (entry of %u bytes), this host has %u: rebuild "
                    "it against this SDK",
                    file->path, entry->abi_major, entry->struct_size, OSH_ABI_MAJOR);
        return NULL;
    }
    if (entry->create == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s has an entry without create",
                    file->path);
        return NULL;
    }
    return entry;
}

gboolean
osh_plugin_file_lies_below(const char *path, const char *directory)
{
    gsize length = strlen(directory);

    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (strncmp(path, directory, length) != 0)
        return FALSE;
    return length == 1 || path[length] == '/' || path[length] == '\0';
}
