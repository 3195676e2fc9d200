/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a library from the descriptor that was opened at the start. The lock is the system's, which
 * ThreadSanitizer sees through a GLib that it did not build. A name is never looked up twice.
 */
#include "osh-lazy-library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openshell/host.h"

#define PAGE 4096

struct _OshLazyLibrary {
    pthread_mutex_t mutex;
    char *name;
    int fd;
    gpointer page; /* (nullable): mapped, so that the file is listed among ours */
    gpointer handle;
    char *problem; /* (nullable): why there is no file */
};

static OshLazyLibrary *
library_new(const char *name)
{
    OshLazyLibrary *library = g_new0(OshLazyLibrary, 1);

    pthread_mutex_init(&library->mutex, NULL);
    library->name = g_strdup(name);
    library->fd = -1;
    return library;
}

/* Returns: FALSE with errno when @path is no file that can be mapped. */
static gboolean
library_open(OshLazyLibrary *library, const char *path, int flags, struct stat *ret_status)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    gpointer page = MAP_FAILED;

    if (fd >= 0 && fstat(fd, ret_status) == 0) {
        errno = ENOEXEC;
        if (S_ISREG(ret_status->st_mode))
            page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (page == MAP_FAILED) {
        int number = errno;

        if (fd >= 0)
            close(fd);
        errno = number;
        return FALSE;
    }
    library->fd = fd;
    library->page = page;
    return TRUE;
}

static void
library_close(OshLazyLibrary *library)
{
    if (library->page != NULL)
        munmap(g_steal_pointer(&library->page), PAGE);
    if (library->fd >= 0)
        close(library->fd);
    library->fd = -1;
}

/* Returns: (transfer full) (nullable): where the linker looks, without what its cache knows. */
static Dl_serinfo *
search_path(void)
{
    gpointer program = dlopen(NULL, RTLD_LAZY);
    Dl_serinfo size = {0};
    Dl_serinfo *info = NULL;

    if (program == NULL)
        return NULL;
    if (dlinfo(program, RTLD_DI_SERINFOSIZE, &size) == 0) {
        info = g_malloc0(size.dls_size);
        info->dls_size = size.dls_size;
        info->dls_cnt = size.dls_cnt;
        if (dlinfo(program, RTLD_DI_SERINFO, info) != 0)
            g_clear_pointer(&info, g_free);
    }
    dlclose(program);
    return info;
}

OshLazyLibrary *
osh_lazy_library_find(const char *soname)
{
    OshLazyLibrary *library = library_new(soname);
    g_autofree Dl_serinfo *folders = NULL;
    struct stat status;

    library->handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_NOLOAD);
    if (library->handle != NULL)
        return library;
    folders = search_path();
    for (guint i = 0; folders != NULL && i < folders->dls_cnt; i++) {
        g_autofree char *path = g_build_filename(folders->dls_serpath[i].dls_name, soname, NULL);

        if (library_open(library, path, 0, &status))
            return library;
    }
    library->handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library->handle == NULL)
        library->problem = g_strdup(dlerror());
    return library;
}

/* Returns: (transfer full) (nullable): the folder of the module that @code lies in. A plugin was
 * loaded from a descriptor, which is what the linker has for its name. */
static char *
folder_of(gconstpointer code, struct stat *ret_status)
{
    g_autofree char *target = NULL;
    Dl_info about;

    if (dladdr(code, &about) == 0 || about.dli_fname == NULL ||
        stat(about.dli_fname, ret_status) != 0)
        return NULL;
    target = g_file_read_link(about.dli_fname, NULL);
    return g_path_get_dirname(target != NULL ? target : about.dli_fname);
}

OshLazyLibrary *
osh_lazy_library_beside(gconstpointer code, const char *name)
{
    OshLazyLibrary *library = library_new(name);
    struct stat own = {.st_uid = 0};
    struct stat status;
    g_autofree char *folder = folder_of(code, &own);
    g_autofree char *path = g_build_filename(folder != NULL ? folder : "/", name, NULL);

    if (!library_open(library, path, O_NOFOLLOW, &status)) {
        library->problem = g_strdup_printf("%s: %s", path, g_strerror(errno));
    } else if ((status.st_uid != 0 && status.st_uid != geteuid() && status.st_uid != own.st_uid) ||
               (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        library->problem = g_strdup_printf("%s can be replaced by another user: it must belong to "
                                           "root or to you, and chmod go-w it",
                                           path);
        library_close(library);
    }
    return library;
}

void
osh_lazy_library_free(OshLazyLibrary *library)
{
    if (library == NULL)
        return;
    /* The linker knows what it loaded by the number of the descriptor, which must not become that
     * of another library. */
    if (library->handle != NULL)
        library->fd = -1;
    library_close(library);
    pthread_mutex_destroy(&library->mutex);
    g_free(library->name);
    g_free(library->problem);
    g_free(library);
}

/* With the lock held. */
static gboolean
library_load(OshLazyLibrary *library, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", library->fd);

    if (library->handle != NULL)
        return TRUE;
    if (library->fd >= 0)
        library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library->handle == NULL)
        g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "cannot load %s: %s", library->name,
                    library->problem != NULL ? library->problem : dlerror());
    return library->handle != NULL;
}

gboolean
osh_lazy_library_load(OshLazyLibrary *library, GError **error)
{
    gboolean loaded;

    pthread_mutex_lock(&library->mutex);
    loaded = library_load(library, error);
    pthread_mutex_unlock(&library->mutex);
    return loaded;
}

gpointer
osh_lazy_library_symbol(OshLazyLibrary *library, const char *name, GError **error)
{
    gpointer symbol = NULL;

    pthread_mutex_lock(&library->mutex);
    if (library_load(library, error)) {
        symbol = dlsym(library->handle, name);
        if (symbol == NULL)
            g_set_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED, "%s has no %s", library->name,
                        name);
    }
    pthread_mutex_unlock(&library->mutex);
    return symbol;
}
