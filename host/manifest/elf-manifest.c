/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the manifest section of a shared object. Pure but for pread(2), any thread.
 *
 * Trust: none. The file may be anything at all, and dlopen(3) runs constructors, so this decides
 * what a file is before any of its code runs. Every offset and length is checked against the size
 * of the file before it is used, and every table has a bound of its own. Not parsed on purpose:
 * program headers, symbols, relocations; the dynamic linker judges those.
 */
#include "elf-manifest.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openshell/plugin.h"

#define SECTIONS_MAX 4096
#define NAMES_MAX    (1024 * 1024)

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "plugins are read on x86_64 and aarch64 only"
#endif

/* Where the bytes come from: a descriptor, or memory when @data is set. */
typedef struct {
    int fd;
    const guint8 *data;
    guint64 size;
} Source;

static gboolean
refuse(GError **error, const char *what)
{
    g_set_error_literal(error, OSH_ERROR, OSH_ERROR_INVALID, what);
    return FALSE;
}

static gboolean
in_file(const Source *source, guint64 offset, guint64 length)
{
    return offset <= source->size && length <= source->size - offset;
}

static gboolean
read_at(const Source *source, guint64 offset, gpointer buffer, gsize length, GError **error)
{
    gsize done = 0;

    if (!in_file(source, offset, length))
        return refuse(error, "it is truncated");
    if (source->data != NULL) {
        memcpy(buffer, source->data + offset, length);
        return TRUE;
    }
    while (done < length) {
        ssize_t got =
            pread(source->fd, (guint8 *)buffer + done, length - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return refuse(error, got < 0 ? g_strerror(errno) : "it is truncated");
        done += (gsize)got;
    }
    return TRUE;
}

static gboolean
read_header(const Source *source, Elf64_Ehdr *header, GError **error)
{
    static const guint8 magic[SELFMAG] = {0x7f, 'E', 'L', 'F'};

    if (!in_file(source, 0, sizeof(*header)))
        return refuse(error, "it is not an ELF file");
    if (!read_at(source, 0, header, sizeof(*header), error))
        return FALSE;
    if (memcmp(header->e_ident, magic, SELFMAG) != 0)
        return refuse(error, "it is not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != OUR_MACHINE)
        return refuse(error, "it was built for another kind of machine");
    if (header->e_type != ET_DYN)
        return refuse(error, "it is not a shared object");
    if (header->e_shoff == 0 || header->e_shnum == 0)
        return refuse(error, "it has no section table, so no manifest can be found");
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > SECTIONS_MAX ||
        header->e_shstrndx >= header->e_shnum)
        return refuse(error, "its section table is malformed");
    if (!in_file(source, header->e_shoff, (guint64)header->e_shnum * sizeof(Elf64_Shdr)))
        return refuse(error, "it is truncated");
    return TRUE;
}

/* The names of the sections, with a NUL of ours behind them whatever the file says. */
static char *
read_names(const Source *source, const Elf64_Shdr *section, gsize *ret_length, GError **error)
{
    g_autofree char *names = NULL;

    if (section->sh_type != SHT_STRTAB || section->sh_size > NAMES_MAX) {
        refuse(error, "its section names are malformed");
        return NULL;
    }
    names = g_malloc0(section->sh_size + 1);
    if (!read_at(source, section->sh_offset, names, section->sh_size, error))
        return NULL;
    *ret_length = section->sh_size;
    return g_steal_pointer(&names);
}

static const Elf64_Shdr *
find_section(const Elf64_Shdr *sections, gsize n_sections, const char *names, gsize names_length,
             GError **error)
{
    const Elf64_Shdr *found = NULL;

    for (gsize i = 0; i < n_sections; i++) {
        if (sections[i].sh_name >= names_length ||
            !g_str_equal(names + sections[i].sh_name, OSH_PLUGIN_MANIFEST_SECTION))
            continue;
        if (found != NULL) {
            refuse(error, "it has two manifest sections");
            return NULL;
        }
        found = &sections[i];
    }
    if (found == NULL)
        refuse(error, "it has no plugin manifest (section " OSH_PLUGIN_MANIFEST_SECTION ")");
    return found;
}

static GBytes *
read_text(const Source *source, const Elf64_Shdr *section, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;

    if (section->sh_type != SHT_PROGBITS || (section->sh_flags & SHF_COMPRESSED) != 0) {
        refuse(error, "its manifest section does not hold plain bytes");
        return NULL;
    }
    /* One more than the text may have, for the NUL of the string literal. */
    if (section->sh_size > OSH_PLUGIN_MANIFEST_MAX + 1) {
        refuse(error, "its manifest is too long");
        return NULL;
    }
    length = section->sh_size;
    text = g_malloc(length + 1);
    if (!read_at(source, section->sh_offset, text, length, error))
        return NULL;
    while (length > 0 && text[length - 1] == '\0')
        length--;
    return g_bytes_new_take(g_steal_pointer(&text), length);
}

static GBytes *
read_manifest(const Source *source, GError **error)
{
    g_autofree Elf64_Shdr *sections = NULL;
    g_autofree char *names = NULL;
    gsize names_length = 0;
    const Elf64_Shdr *section;
    Elf64_Ehdr header;

    if (!read_header(source, &header, error))
        return NULL;
    sections = g_new(Elf64_Shdr, header.e_shnum);
    if (!read_at(source, header.e_shoff, sections, header.e_shnum * sizeof(Elf64_Shdr), error))
        return NULL;
    names = read_names(source, &sections[header.e_shstrndx], &names_length, error);
    if (names == NULL)
        return NULL;
    section = find_section(sections, header.e_shnum, names, names_length, error);
    return section != NULL ? read_text(source, section, error) : NULL;
}

GBytes *
osh_elf_manifest_read_bytes(const guint8 *data, gsize size, GError **error)
{
    Source source = {-1, data, size};

    return read_manifest(&source, error);
}

GBytes *
osh_elf_manifest_read_fd(int fd, GError **error)
{
    Source source = {fd, NULL, 0};
    struct stat status;

    if (fstat(fd, &status) != 0) {
        refuse(error, g_strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        refuse(error, "it is not a regular file");
        return NULL;
    }
    source.size = (guint64)status.st_size;
    return read_manifest(&source, error);
}
