/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box-plan.c: writes a plan into a sealed memory file. [main]; a writer belongs to its caller. It
 * only copies: what is in a plan is decided by its callers.
 */
#include "box-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "box.h"

static void
align(GByteArray *bytes)
{
    static const guint8 zeros[8] = {0};

    if (bytes->len % 8 != 0)
        g_byte_array_append(bytes, zeros, 8 - bytes->len % 8);
}

void
osh_box_plan_begin(OshBoxPlanWriter *writer, gsize head_size, gsize expected)
{
    writer->bytes = g_byte_array_sized_new((guint)(head_size + expected));
    g_byte_array_set_size(writer->bytes, (guint)head_size);
    memset(writer->bytes->data, 0, head_size);
}

void
osh_box_plan_clear(OshBoxPlanWriter *writer)
{
    g_clear_pointer(&writer->bytes, g_byte_array_unref);
}

guint32
osh_box_plan_string(OshBoxPlanWriter *writer, const char *text)
{
    guint32 offset = writer->bytes->len;

    if (text == NULL)
        return 0;
    g_byte_array_append(writer->bytes, (const guint8 *)text, (guint)strlen(text) + 1);
    return offset;
}

struct osh_init_span
osh_box_plan_bytes(OshBoxPlanWriter *writer, const void *bytes, gsize size)
{
    struct osh_init_span span;

    /* Filter programs and netlink messages are read in place. */
    align(writer->bytes);
    span.offset = writer->bytes->len;
    span.size = (guint32)size;
    if (size > 0)
        g_byte_array_append(writer->bytes, bytes, (guint)size);
    return span;
}

struct osh_init_table
osh_box_plan_table(OshBoxPlanWriter *writer, const void *elements, gsize element, gsize count)
{
    struct osh_init_span span = osh_box_plan_bytes(writer, elements, element * count);

    return (struct osh_init_table){.offset = span.offset, .count = (guint32)count};
}

struct osh_init_table
osh_box_plan_strings(OshBoxPlanWriter *writer, const char *const *strings)
{
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(guint64));
    struct osh_init_table table;
    guint64 closing = 0;

    for (gsize i = 0; strings != NULL && strings[i] != NULL; i++) {
        guint64 offset = osh_box_plan_string(writer, strings[i]);

        g_array_append_val(offsets, offset);
    }
    g_array_append_val(offsets, closing);
    table = osh_box_plan_table(writer, offsets->data, sizeof(guint64), offsets->len);
    table.count--; /* the closing 0 is there and not counted */
    return table;
}

int
osh_box_seal_memory(int fd, const void *bytes, gsize size)
{
    gsize written = 0;

    if (fd < 0)
        return -errno;
    while (written < size) {
        gssize done = write(fd, (const guint8 *)bytes + written, size - written);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            int error = done < 0 ? errno : EIO;

            close(fd);
            return -error;
        }
        written += (gsize)done;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        int error = errno;

        close(fd);
        return -error;
    }
    return fd;
}

int
osh_box_plan_finish(OshBoxPlanWriter *writer, struct osh_init_plan *head, gsize head_size,
                    enum osh_init_request_type request, GError **error)
{
    int fd;

    if (writer->bytes->len > OSH_INIT_MAX_PLAN) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "the request to the box is %u bytes long, %u are the limit", writer->bytes->len,
                    OSH_INIT_MAX_PLAN);
        return -1;
    }
    head->magic = OSH_INIT_MAGIC;
    head->version = OSH_INIT_VERSION;
    head->size = writer->bytes->len;
    head->request = request;
    memcpy(writer->bytes->data, head, head_size);
    fd = osh_box_seal_memory(memfd_create("openshell-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                             writer->bytes->data, writer->bytes->len);
    if (fd < 0) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED,
                    "failed to write the request to the box: %s", g_strerror(-fd));
        return -1;
    }
    return fd;
}
