/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file under test is this test program itself (a position-independent executable is ET_DYN),
 * which carries a manifest.
 */
#include "elf-manifest.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "openshell/plugin.h"

#define TEXT "[plugin]\nid=self\n"

OSH_PLUGIN_MANIFEST(TEXT);

static guint8 *
read_self(gsize *ret_size)
{
    g_autoptr(GError) error = NULL;
    char *bytes;

    g_file_get_contents("/proc/self/exe", &bytes, ret_size, &error);
    g_assert_no_error(error);
    return (guint8 *)bytes;
}

static void
assert_text(GBytes *text)
{
    gsize length;
    const char *data;

    g_assert_nonnull(text);
    data = g_bytes_get_data(text, &length);
    g_assert_cmpmem(data, length, TEXT, strlen(TEXT));
}

static void
test_both_ways(void)
{
    g_autoptr(GError) error = NULL;
    gsize size;
    g_autofree guint8 *bytes = read_self(&size);
    g_autoptr(GBytes) from_bytes = osh_elf_manifest_read_bytes(bytes, size, &error);
    g_autoptr(GBytes) from_fd = NULL;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    g_assert_no_error(error);
    assert_text(from_bytes);
    from_fd = osh_elf_manifest_read_fd(fd, &error);
    g_assert_no_error(error);
    assert_text(from_fd);
    close(fd);
}

static void
assert_refused(const guint8 *bytes, gsize size, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) text = osh_elf_manifest_read_bytes(bytes, size, &error);

    g_assert_null(text);
    g_assert_nonnull(error);
    if (expected != NULL)
        g_assert_cmpstr(error->message, ==, expected);
}

static void
test_truncated(void)
{
    gsize size;
    g_autofree guint8 *bytes = read_self(&size);
    Elf64_Ehdr header;

    memcpy(&header, bytes, sizeof(header));
    assert_refused(bytes, 0, "it is not an ELF file");
    assert_refused(bytes, sizeof(header) - 1, "it is not an ELF file");
    assert_refused(bytes, sizeof(header), "it is truncated");
    assert_refused(bytes, header.e_shoff + 10, "it is truncated");
    assert_refused((const guint8 *)"#!/bin/sh\n                                              "
                                   "                  ",
                   70, "it is not an ELF file");
}

static void
test_header_lies(void)
{
    gsize size;
    g_autofree guint8 *bytes = read_self(&size);
    Elf64_Ehdr *header = (Elf64_Ehdr *)bytes;
    const Elf64_Ehdr good = *header;

    header->e_machine = EM_S390;
    assert_refused(bytes, size, "it was built for another kind of machine");
    *header = good;
    header->e_type = ET_REL;
    assert_refused(bytes, size, "it is not a shared object");
    *header = good;
    header->e_shnum = 0;
    assert_refused(bytes, size, "it has no section table, so no manifest can be found");
    *header = good;
    header->e_shnum = 65535;
    assert_refused(bytes, size, "its section table is malformed");
    *header = good;
    header->e_shstrndx = header->e_shnum;
    assert_refused(bytes, size, "its section table is malformed");
    *header = good;
    header->e_shentsize = 1;
    assert_refused(bytes, size, "its section table is malformed");
    *header = good;
    header->e_shoff = G_MAXUINT64 - 8;
    assert_refused(bytes, size, "it is truncated");
}

/* Overwrites one member of every section header in turn with huge values: whatever the answer, it
 * must come without reading outside the file. */
static void
test_section_lies(void)
{
    static const guint64 values[] = {1, 0xffff, 0x7fffffff, G_MAXUINT64, G_MAXUINT64 - 4096};
    gsize size;
    g_autofree guint8 *bytes = read_self(&size);
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)bytes;
    Elf64_Shdr *sections = (Elf64_Shdr *)(bytes + header->e_shoff);
    guint refused = 0;

    for (guint i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr good = sections[i];

        for (gsize j = 0; j < G_N_ELEMENTS(values); j++) {
            for (guint member = 0; member < 3; member++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GBytes) text = NULL;

                sections[i] = good;
                if (member == 0)
                    sections[i].sh_offset = values[j];
                else if (member == 1)
                    sections[i].sh_size = values[j];
                else
                    sections[i].sh_name = (Elf64_Word)values[j];
                text = osh_elf_manifest_read_bytes(bytes, size, &error);
                g_assert_true((text == NULL) == (error != NULL));
                refused += text == NULL ? 1 : 0;
            }
        }
        sections[i] = good;
    }
    g_assert_cmpuint(refused, >, 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/elf-manifest/the-text-is-found-in-a-file-and-in-memory", test_both_ways);
    g_test_add_func("/elf-manifest/a-truncated-file-is-refused", test_truncated);
    g_test_add_func("/elf-manifest/a-header-that-lies-is-refused", test_header_lies);
    g_test_add_func("/elf-manifest/no-section-header-leads-outside-the-file", test_section_lies);
    return g_test_run();
}
