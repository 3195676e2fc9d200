/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A UNIX socket may hold descriptors of its own in its queue (SCM_RIGHTS). Linux says how many
 * since 5.4, in the last line of fdinfo (fs/proc/fd.c, unix_show_fdinfo()), and says so of every
 * UNIX socket and of no other file. Before that line stand the locks of the file, as many as a
 * program takes: the text is read to its end, or the socket counts as carrying.
 *
 * A socket never becomes one of another family, so that one without the line is asked once. Its
 * number is the kernel's next of 2^32, which is not come round to within the second for which this
 * is remembered.
 */
#include "osh-identity-carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* More than any descriptor without locks says; few programs lock a file more often than fits. */
#define USUAL_SIZE 4096
/* A program that takes more locks on one file has something to hide. */
#define MAX_SIZE     (4 * 1024 * 1024)
#define FORGET_AFTER (1 * G_TIME_SPAN_SECOND)
#define MAX_PLAIN    65536

struct _OshPlainSockets {
    GHashTable *inodes; /* guint64, owned */
    gint64 forget_at;
};

/* Returns: how much there is then, @size when there may be more, or a negative errno. */
static gssize
read_up_to(int fd, char *text, gsize length, gsize size)
{
    while (length < size) {
        ssize_t n = read(fd, text + length, size - length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (gsize)n;
    }
    return (gssize)length;
}

/* Returns: (nullable): what stands behind @key, which begins a line. */
static const char *
value_of(const char *text, const char *key)
{
    gsize length = strlen(key);

    for (const char *at = strstr(text, key); at != NULL; at = strstr(at + 1, key))
        if (at == text || at[-1] == '\n')
            return at + length;
    return NULL;
}

static void
info_fill(OshDescriptorInfo *info, const char *text, gboolean is_whole)
{
    const char *inode = value_of(text, "ino:");
    const char *carried = value_of(text, "scm_fds:");

    info->inode = inode != NULL ? g_ascii_strtoull(inode, NULL, 10) : 0;
    info->is_unix = carried != NULL;
    info->is_carrying = carried != NULL ? g_ascii_strtoull(carried, NULL, 10) > 0 : !is_whole;
}

static int
info_read_from(int fd, OshDescriptorInfo *ret_info)
{
    char usual[USUAL_SIZE];
    g_autofree char *large = NULL;
    gssize n = read_up_to(fd, usual, 0, sizeof usual - 1);

    if (n < 0)
        return (int)n;
    if ((gsize)n < sizeof usual - 1) {
        usual[n] = '\0';
        info_fill(ret_info, usual, TRUE);
        return 0;
    }
    large = g_malloc(MAX_SIZE);
    memcpy(large, usual, (gsize)n);
    n = read_up_to(fd, large, (gsize)n, MAX_SIZE - 1);
    if (n < 0)
        return (int)n;
    large[n] = '\0';
    info_fill(ret_info, large, n < MAX_SIZE - 1);
    return 0;
}

int
osh_descriptor_info_read(const char *path, OshDescriptorInfo *ret_info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result;

    if (fd < 0)
        return -errno;
    result = info_read_from(fd, ret_info);
    close(fd);
    return result;
}

OshPlainSockets *
osh_plain_sockets_new(void)
{
    OshPlainSockets *plain = g_new0(OshPlainSockets, 1);

    plain->inodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return plain;
}

void
osh_plain_sockets_free(OshPlainSockets *plain)
{
    if (plain == NULL)
        return;
    g_hash_table_unref(plain->inodes);
    g_free(plain);
}

void
osh_plain_sockets_expire(OshPlainSockets *plain, gint64 now)
{
    if (now < plain->forget_at)
        return;
    g_hash_table_remove_all(plain->inodes);
    plain->forget_at = now + FORGET_AFTER;
}

gboolean
osh_plain_sockets_is_carrying(OshPlainSockets *plain, guint64 inode, const char *path)
{
    OshDescriptorInfo info;

    if (plain != NULL && g_hash_table_contains(plain->inodes, &inode))
        return FALSE;
    if (osh_descriptor_info_read(path, &info) != 0)
        return FALSE;
    /* The number may be another file's by now. */
    if (plain != NULL && info.inode == inode && !info.is_unix && !info.is_carrying &&
        g_hash_table_size(plain->inodes) < MAX_PLAIN)
        g_hash_table_add(plain->inodes, g_memdup2(&inode, sizeof inode));
    return info.is_carrying;
}
