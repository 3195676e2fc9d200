/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image-user.c: reads the identity that a container driver gives, and the account files of an
 * image.
 *
 * [main]; no state. The files are hostile: bounded in size and line length, regular, not links,
 * UTF-8, and an entry that is wanted must be there exactly once. It must never give uid or gid 0.
 */
#include "image-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"

#define MAX_FILE     (1024 * 1024)
#define MAX_LINE     8192
#define MAX_FIELD    1024
#define HIGHEST_ID   4294967294u
#define NAMED_USER   "sandbox"
#define UID_VARIABLE "OPENSHELL_SANDBOX_UID"
#define GID_VARIABLE "OPENSHELL_SANDBOX_GID"
#define OCI_VARIABLE "OPENSHELL_OCI_IMAGE_USER"

/* One account as its file has it. */
typedef struct {
    guint32 id;
    guint32 group; /* of a user: the primary one */
    char *name;
} Entry;

static void
entry_clear(Entry *entry)
{
    g_free(entry->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entry, entry_clear)

static gboolean G_GNUC_PRINTF(2, 3) fail(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (error != NULL)
        *error =
            g_error_new_valist(OSH_IDENTITY_ERROR, OSH_IDENTITY_ERROR_INVALID, format, arguments);
    va_end(arguments);
    return FALSE;
}

static gboolean
is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

static gboolean
is_decimal(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* An id that a box may have. */
static gboolean
parse_id(const char *what, const char *text, guint32 *ret_id, GError **error)
{
    guint64 id;

    if (!is_decimal(text) || !g_ascii_string_to_unsigned(text, 10, 1, HIGHEST_ID, &id, NULL)) {
        g_autofree char *shown = g_strescape(text, NULL);

        return fail(error, "%s is \"%s\", which is not an id from 1 to %u", what, shown,
                    HIGHEST_ID);
    }
    *ret_id = (guint32)id;
    return TRUE;
}

static char *
read_account_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    g_autofree char *text = NULL;
    struct stat about;
    gsize length = 0;

    if (fd < 0) {
        fail(error, "%s cannot be read: %s", path,
             errno == ELOOP ? "it is a symbolic link" : g_strerror(errno));
        return NULL;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > MAX_FILE) {
        close(fd);
        fail(error, "%s is not a regular file of at most 1 MiB", path);
        return NULL;
    }
    text = g_malloc(MAX_FILE + 2);
    while (length <= MAX_FILE) {
        gssize count = read(fd, text + length, MAX_FILE + 1 - length);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (gsize)count;
    }
    close(fd);
    text[MIN(length, MAX_FILE)] = '\0';
    if (length > MAX_FILE || strlen(text) != length || !g_utf8_validate(text, -1, NULL)) {
        fail(error, "%s is longer than 1 MiB or not UTF-8 text", path);
        return NULL;
    }
    return g_steal_pointer(&text);
}

static GStrv
read_lines(const char *path, GError **error)
{
    g_autofree char *text = read_account_file(path, error);
    g_auto(GStrv) lines = text != NULL ? g_strsplit(text, "\n", -1) : NULL;

    for (gsize i = 0; lines != NULL && lines[i] != NULL; i++) {
        if (strlen(lines[i]) <= MAX_LINE)
            continue;
        fail(error, "%s:%zu: the line is longer than %d bytes", path, i + 1, MAX_LINE);
        return NULL;
    }
    return g_steal_pointer(&lines);
}

/*
 * The one entry named @key, or with the id @key. Returns: %FALSE with @error set when there are
 * several or it is malformed; *ret_found says whether there is one.
 */
static gboolean
find_entry(const char *path, const char *key, guint n_fields, Entry *ret_entry, gboolean *ret_found,
           GError **error)
{
    g_auto(GStrv) lines = read_lines(path, error);
    gboolean by_id = is_decimal(key);

    *ret_found = FALSE;
    if (lines == NULL)
        return FALSE;
    for (gsize i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], ":", -1);
        guint32 group = 0;

        if (g_strv_length(fields) < n_fields || !g_str_equal(fields[by_id ? 2 : 0], key))
            continue;
        if (*ret_found)
            return fail(error, "%s:%zu: a second entry for \"%s\"", path, i + 1, key);
        if (!parse_id(path, fields[2], &ret_entry->id, error) ||
            (n_fields == 7 && !parse_id(path, fields[3], &group, error)))
            return FALSE;
        ret_entry->group = group;
        ret_entry->name = g_strdup(fields[0]);
        *ret_found = TRUE;
    }
    return TRUE;
}

static gboolean
is_member(const char *list, const char *name)
{
    g_auto(GStrv) members = g_strsplit(list, ",", -1);

    return g_strv_contains((const char *const *)members, name);
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
    guint32 left = *(const guint32 *)a;
    guint32 right = *(const guint32 *)b;

    return (left > right) - (left < right);
}

/* The primary group and every membership, ascending, each once. */
static GStrv
supplementary_groups(const char *path, const Entry *user, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = read_lines(path, error);

    if (lines == NULL)
        return NULL;
    g_array_append_val(ids, user->group);
    for (gsize i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], ":", -1);
        guint32 id;

        if (g_strv_length(fields) < 4 || !is_member(fields[3], user->name))
            continue;
        if (!parse_id(path, fields[2], &id, error))
            return NULL;
        g_array_append_val(ids, id);
    }
    g_array_sort(ids, compare_ids);
    for (guint i = 0; i < ids->len; i++)
        if (i == 0 || g_array_index(ids, guint32, i) != g_array_index(ids, guint32, i - 1))
            g_ptr_array_add(texts, g_strdup_printf("%u", g_array_index(ids, guint32, i)));
    g_ptr_array_add(texts, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
}

static gboolean
check_field(const char *what, const char *text, GError **error)
{
    gsize length = strlen(text);

    if (length == 0)
        return fail(error, OCI_VARIABLE ": the %s is empty", what);
    if (length > MAX_FIELD)
        return fail(error, OCI_VARIABLE ": the %s is longer than %d bytes", what, MAX_FIELD);
    if (!g_utf8_validate(text, -1, NULL))
        return fail(error, OCI_VARIABLE ": the %s is not UTF-8 text", what);
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return fail(error, OCI_VARIABLE ": the %s holds a control character", what);
    if (g_unichar_isspace(g_utf8_get_char(text)) ||
        g_unichar_isspace(g_utf8_get_char(g_utf8_prev_char(text + length))))
        return fail(error, OCI_VARIABLE ": the %s begins or ends with a blank", what);
    if (g_str_equal(text, "root") || g_str_equal(text, "0"))
        return fail(error, OCI_VARIABLE ": the %s is \"%s\", which a box never gets", what, text);
    return TRUE;
}

static gboolean
resolve_image_group(const OshImageUserRequest *request, const char *group, char **ret_group,
                    GError **error)
{
    const char *path = request->group_file != NULL ? request->group_file : "/etc/group";
    g_auto(Entry) entry = {0};
    gboolean found;
    guint32 id;

    if (!check_field("group", group, error))
        return FALSE;
    if (is_decimal(group)) {
        if (!parse_id(OCI_VARIABLE, group, &id, error))
            return FALSE;
        *ret_group = g_strdup_printf("%u", id);
        return TRUE;
    }
    if (!find_entry(path, group, 3, &entry, &found, error))
        return FALSE;
    if (!found)
        return fail(error, OCI_VARIABLE ": %s has no group \"%s\"", path, group);
    *ret_group = g_strdup_printf("%u", entry.id);
    return TRUE;
}

/* The user part, and its primary group where @group names none. */
static gboolean
resolve_image_account(const OshImageUserRequest *request, const char *user, gboolean group_is_known,
                      OshImageUser *answer, GError **error)
{
    const char *path = request->passwd_file != NULL ? request->passwd_file : "/etc/passwd";
    g_auto(Entry) entry = {0};
    gboolean found;
    guint32 id = 0;

    if (is_decimal(user) && !parse_id(OCI_VARIABLE, user, &id, error))
        return FALSE;
    /* An image without account files may still name ids. */
    if (id != 0 && group_is_known) {
        answer->user = g_strdup_printf("%u", id);
        return TRUE;
    }
    if (!find_entry(path, user, 7, &entry, &found, error))
        return FALSE;
    if (!found && id != 0)
        return fail(error,
                    OCI_VARIABLE ": the id %u has no entry in %s to take a group from; the image's "
                                 "USER must name one (%u:GROUP)",
                    id, path, id);
    if (!found)
        return fail(error, OCI_VARIABLE ": %s has no user \"%s\"", path, user);
    answer->user = g_strdup_printf("%u", entry.id);
    if (!group_is_known)
        answer->group = g_strdup_printf("%u", entry.group);
    if (id != 0)
        return TRUE;
    answer->groups = supplementary_groups(
        request->group_file != NULL ? request->group_file : "/etc/group", &entry, error);
    return answer->groups != NULL;
}

static gboolean
resolve_image(const OshImageUserRequest *request, const char *text, OshImageUser *answer,
              GError **error)
{
    gboolean needs_user = !is_set(request->run_as_user);
    gboolean needs_group = !is_set(request->run_as_group);
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);

    if (!needs_user && !needs_group)
        return TRUE;
    if (*text == '\0')
        return fail(error, OCI_VARIABLE " is empty: the image names no user; set "
                                        "process.run_as_user and process.run_as_group");
    if (g_strv_length(parts) > 2)
        return fail(error, OCI_VARIABLE " is not of the form user[:group]");
    if (!check_field("user", parts[0], error))
        return FALSE;
    if (parts[1] != NULL && needs_group &&
        !resolve_image_group(request, parts[1], &answer->group, error))
        return FALSE;
    if (needs_user || answer->group == NULL) {
        g_auto(OshImageUser) account = {0};

        if (!resolve_image_account(request, parts[0], !needs_group || answer->group != NULL,
                                   &account, error))
            return FALSE;
        if (answer->group == NULL && needs_group)
            answer->group = g_steal_pointer(&account.group);
        if (needs_user) {
            answer->user = g_steal_pointer(&account.user);
            answer->groups = g_steal_pointer(&account.groups);
        }
    }
    return TRUE;
}

/* A driver's pair also moves the account `sandbox`, so naming that one is leaving it open. */
static gboolean
is_open_to_pair(const char *text)
{
    return !is_set(text) || g_str_equal(text, NAMED_USER);
}

gboolean
osh_image_user_resolve(const OshImageUserRequest *request, OshImageUser *ret_user, GError **error)
{
    GStrv environment = (GStrv)request->environment;
    const char *uid = g_environ_getenv(environment, UID_VARIABLE);
    const char *gid = g_environ_getenv(environment, GID_VARIABLE);
    const char *image = g_environ_getenv(environment, OCI_VARIABLE);
    g_auto(OshImageUser) answer = {0};
    guint32 ids[2];

    if (is_set(uid) != is_set(gid))
        return fail(error, "%s is set without %s; a driver sets both or neither",
                    is_set(uid) ? UID_VARIABLE : GID_VARIABLE,
                    is_set(uid) ? GID_VARIABLE : UID_VARIABLE);
    if (is_set(uid)) {
        if (is_set(image))
            return fail(error, OCI_VARIABLE " and " UID_VARIABLE " exclude each other");
        if (!parse_id(UID_VARIABLE, uid, &ids[0], error) ||
            !parse_id(GID_VARIABLE, gid, &ids[1], error))
            return FALSE;
        if (is_open_to_pair(request->run_as_user))
            answer.user = g_strdup_printf("%u", ids[0]);
        if (is_open_to_pair(request->run_as_group))
            answer.group = g_strdup_printf("%u", ids[1]);
    } else if (image != NULL && !resolve_image(request, image, &answer, error)) {
        return FALSE;
    }
    *ret_user = answer;
    memset(&answer, 0, sizeof answer);
    return TRUE;
}

void
osh_image_user_clear(OshImageUser *user)
{
    g_free(user->user);
    g_free(user->group);
    g_strfreev(user->groups);
    memset(user, 0, sizeof *user);
}
