/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.c: from a shipped policy to one for this machine, line by line, so that its comments
 * stay.
 *
 * Only reads files; any thread. It must never name another program than the one that the command
 * starts, nor a shell, whose reach every program that it starts would share.
 */
#include "profile.h"

#include "document.h"
#include "normalise.h"
#include "openshell/host.h"
#include "osh-text.h"
#include "program-path.h"

#include <string.h>
#include <unistd.h>

/* No line of a file holds this byte. */
#define REMOVED "\1"

typedef struct {
    OshProfile *profile;
    const char *home;
    const char *search_path;
    const OshYamlNode *root;
    char **lines;          /* of the profile; REMOVED for what was taken out */
    GPtrArray *read_only;  /* paths that the profile makes readable, home folder filled in */
    GPtrArray *additions;  /* lines for read_only */
    guint additions_after; /* the line that they follow; 0: there is no read_only list */
} Adaptation;

/* --- The comments at the top --------------------------------------------------------------------
 */

static char *
fill_home(const char *home, const char *path)
{
    gsize length = strlen(OSH_PROFILE_HOME);

    if (strncmp(path, OSH_PROFILE_HOME, length) == 0 &&
        (path[length] == '/' || path[length] == '\0'))
        return g_strconcat(home, path + length, NULL);
    return g_strdup(path);
}

char *
osh_profile_summary(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", 3);

    return g_strdup(lines[0] != NULL && lines[1] != NULL && g_str_has_prefix(lines[1], "# ")
                        ? lines[1] + 2
                        : "");
}

static void
read_variable(Adaptation *adaptation, char **line, const char *text)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = NULL;
    g_autofree char *value = NULL;

    if (equals == NULL)
        return;
    name = g_strndup(text, (gsize)(equals - text));
    value = fill_home(adaptation->home, equals + 1);
    g_ptr_array_add(adaptation->profile->variables, g_strconcat(name, "=", value, NULL));
    g_free(*line);
    *line = g_strdup_printf("# variable: %s=%s", name, value);
}

static void
read_head(Adaptation *adaptation)
{
    OshProfile *profile = adaptation->profile;

    for (char **line = adaptation->lines; *line != NULL && (*line)[0] == '#'; line++) {
        if (g_str_has_prefix(*line, "# command: ") && profile->command == NULL) {
            profile->command = g_strdup(*line + strlen("# command: "));
        } else if (g_str_has_prefix(*line, "# variable: ")) {
            g_autofree char *text = g_strdup(*line + strlen("# variable: "));

            read_variable(adaptation, line, text);
        } else if (g_str_has_prefix(*line, "# pass: ")) {
            g_auto(GStrv) names = g_strsplit(*line + strlen("# pass: "), ";", -1);

            for (gsize i = 0; names[i] != NULL; i++)
                g_ptr_array_add(profile->passed, g_strdup(names[i]));
        }
    }
}

/* --- Files --------------------------------------------------------------------------------------
 */

/* As a scalar of YAML that is nothing but a string. */
static char *
yaml_word(const char *path)
{
    GString *quoted;

    for (const char *p = path; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p) && strchr("/._-+@~", *p) == NULL) {
            quoted = g_string_new(NULL);
            osh_text_append_json(quoted, path);
            return g_string_free(quoted, FALSE);
        }
    return g_strdup(path);
}

static char *
indentation_of(const char *line)
{
    return g_strndup(line, strspn(line, " "));
}

static void
fill_list(Adaptation *adaptation, const char *key, gboolean readable)
{
    const OshYamlNode *files = osh_yaml_find(adaptation->root, "filesystem_policy");
    const OshYamlNode *list = osh_yaml_find(files, key);

    if (list == NULL || list->kind != OSH_YAML_SEQUENCE)
        return;
    for (const OshYamlNode *item = list->first; item != NULL; item = item->next) {
        g_autofree char *path =
            item->kind == OSH_YAML_SCALAR ? fill_home(adaptation->home, item->text) : NULL;
        char **line = &adaptation->lines[item->line - 1];
        g_autofree char *indentation = indentation_of(*line);
        g_autofree char *word = path != NULL ? yaml_word(path) : NULL;

        if (path == NULL)
            continue;
        if (readable) {
            g_ptr_array_add(adaptation->read_only, g_strdup(path));
            adaptation->additions_after = item->line;
        }
        if (strcmp(path, item->text) == 0)
            continue;
        g_free(*line);
        *line = g_strdup_printf("%s- %s", indentation, word);
    }
}

static gboolean
is_inside(const char *path, const char *folder)
{
    gsize length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void
make_readable(Adaptation *adaptation, const char *path)
{
    g_autofree char *word = yaml_word(path);

    for (guint i = 0; i < adaptation->read_only->len; i++)
        if (is_inside(path, g_ptr_array_index(adaptation->read_only, i)))
            return;
    g_ptr_array_add(adaptation->read_only, g_strdup(path));
    g_ptr_array_add(adaptation->additions, g_steal_pointer(&word));
}

/*
 * What a program brings along: PREFIX of PREFIX/bin/NAME, the package of a script below
 * node_modules; otherwise nothing but the file. Never the home folder, and never a folder right
 * below it, such as ~/.local, where more than one program lies.
 */
static char *
installation_of(const char *home, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(folder);
    g_autofree char *prefix = g_path_get_dirname(folder);
    g_autofree char *above = g_path_get_dirname(prefix);
    const char *modules = g_strrstr(path, "/node_modules/");

    if (modules != NULL) {
        const char *end = strchr(modules + strlen("/node_modules/"), '/');

        if (end != NULL && modules[strlen("/node_modules/")] == '@')
            end = strchr(end + 1, '/');
        if (end != NULL)
            return g_strndup(path, (gsize)(end - path));
    }
    if (g_str_equal(name, "bin") && !g_str_equal(prefix, "/") && !is_inside(home, above))
        return g_steal_pointer(&prefix);
    return g_strdup(path);
}

/* --- Binaries -----------------------------------------------------------------------------------
 */

/* Returns: (transfer full): where the program of @path may lie, as a shell looks for it */
static GPtrArray *
find_places(const Adaptation *adaptation, const char *path)
{
    GPtrArray *places = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *name = g_path_get_basename(path);
    g_auto(GStrv) folders = g_strsplit(
        adaptation->search_path != NULL ? adaptation->search_path : "/usr/bin:/bin", ":", -1);

    for (gsize i = 0; folders[i] != NULL; i++) {
        g_autofree char *file =
            folders[i][0] == '/' ? g_build_filename(folders[i], name, NULL) : NULL;

        if (file != NULL && g_file_test(file, G_FILE_TEST_IS_REGULAR) && access(file, X_OK) == 0)
            g_ptr_array_add(places, g_steal_pointer(&file));
    }
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_add(places, g_strdup(path));
    return places;
}

/* The interpreter as the first line of the script has it: a virtual environment is known by that.
 */
static void
make_script_readable(Adaptation *adaptation, const char *script)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    g_autofree char *installation = installation_of(adaptation->home, script);

    make_readable(adaptation, installation);
    if (!g_file_get_contents(script, &text, NULL, NULL) || strncmp(text, "#!", 2) != 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    words = g_strsplit_set(g_strstrip(text + 2), " \t", 2);
    if (words[0] != NULL && words[0][0] == '/') {
        g_autofree char *environment = installation_of(adaptation->home, words[0]);

        make_readable(adaptation, environment);
    }
}

static void
add_binary(GString *into, const char *indentation, const char *path, const char *why)
{
    g_autofree char *word = yaml_word(path);

    if (into->len > 0)
        g_string_append_c(into, '\n');
    g_string_append_printf(into, "%s- path: %s%s%s", indentation, word, why != NULL ? "  # " : "",
                           why != NULL ? why : "");
}

static void say(GPtrArray *list, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
say(GPtrArray *list, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(list, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

/* Whether @path is a link that an upgrade turns elsewhere, and a policy may therefore name. */
static gboolean
is_followed_link(const Adaptation *adaptation, const char *path, const char *real)
{
    g_autofree char *target = osh_policy_link_target(path);

    for (guint i = 0; i < adaptation->read_only->len; i++)
        if (is_inside(path, g_ptr_array_index(adaptation->read_only, i)))
            return FALSE;
    return g_strcmp0(target, real) == 0;
}

/* Returns: (transfer full): the lines that stand for the binary at @path, found at @place */
static char *
lines_of_program(Adaptation *adaptation, const char *indentation, const char *path,
                 const char *place, const OshProgramPath *program)
{
    GString *lines = g_string_new(NULL);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *installation = installation_of(adaptation->home, program->path);

    if (program->script != NULL) {
        g_autofree char *why = g_strdup_printf("interpreter of %s", name);

        add_binary(lines, indentation, program->path, why);
    } else {
        if (is_followed_link(adaptation, place, program->path))
            add_binary(lines, indentation, place, "a link: followed at each start");
        add_binary(lines, indentation, program->path, NULL);
    }
    make_readable(adaptation, installation);
    if (program->script != NULL)
        make_script_readable(adaptation, program->script);
    make_readable(adaptation, place);
    say(adaptation->profile->found, "%s is %s%s%s", name, program->path,
        program->script != NULL ? ", which runs the script " : "",
        program->script != NULL ? program->script : "");
    return g_string_free(lines, FALSE);
}

/* Whether @place can be named; it has been said why not. */
static gboolean
find_program(const Adaptation *adaptation, const char *place, OshProgramPath *ret_program)
{
    if (!osh_program_path_find(place, ret_program)) {
        say(adaptation->profile->missing, "%s is a script whose interpreter was not found", place);
        return FALSE;
    }
    if (ret_program->is_shell || strpbrk(ret_program->path, "*?[{\n") != NULL) {
        say(adaptation->profile->missing,
            "%s is a script of the shell %s: name the program that it starts and that connects",
            place, ret_program->path);
        osh_program_path_clear(ret_program);
        return FALSE;
    }
    return TRUE;
}

/* Returns: (transfer full) (nullable): the lines for @path; NULL where nothing can be written */
static char *
adapt_binary(Adaptation *adaptation, const char *indentation, const char *path)
{
    g_autoptr(GPtrArray) places = find_places(adaptation, path);
    g_autofree char *name = g_path_get_basename(path);
    g_auto(OshProgramPath) program = {0};

    for (guint i = 0; i < places->len; i++)
        if (find_program(adaptation, g_ptr_array_index(places, i), &program))
            return lines_of_program(adaptation, indentation, path, g_ptr_array_index(places, i),
                                    &program);
    if (places->len == 0)
        say(adaptation->profile->missing, "%s was not found: not in PATH, and there is no %s", name,
            path);
    return NULL;
}

static gboolean
is_written(const GPtrArray *written, const char *lines)
{
    for (guint i = 0; i < written->len; i++)
        if (strcmp(g_ptr_array_index(written, i), lines) == 0)
            return TRUE;
    return FALSE;
}

/* Each binary's own lines in @ret_lines, NULL for one that is not here. Returns: whether any is */
static gboolean
adapt_list(Adaptation *adaptation, const OshYamlNode *list, GPtrArray *ret_lines)
{
    gboolean any = FALSE;

    for (const OshYamlNode *item = list->first; item != NULL; item = item->next) {
        const OshYamlNode *path = osh_yaml_find(item, "path");
        const char *line = path != NULL ? adaptation->lines[path->line - 1] : "";
        g_autofree char *indentation = indentation_of(line);
        char *lines = NULL;

        /* An "interpreter" stands in for a script, whose own is known here. */
        if (path != NULL && strstr(line, "# interpreter") == NULL)
            lines = adapt_binary(adaptation, indentation, path->text);
        any |= lines != NULL;
        g_ptr_array_add(ret_lines, lines);
    }
    return any;
}

static void
adapt_binaries(Adaptation *adaptation, const OshYamlNode *list)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) written = g_ptr_array_new();
    guint i = 0;

    /* Without a program the policy would match none, which is an error: it stays as it is. */
    if (!adapt_list(adaptation, list, all))
        return;
    for (const OshYamlNode *item = list->first; item != NULL; item = item->next, i++) {
        const OshYamlNode *path = osh_yaml_find(item, "path");
        char *lines = g_ptr_array_index(all, i);
        char **line = path != NULL ? &adaptation->lines[path->line - 1] : NULL;
        g_autofree char *old = NULL;

        if (line == NULL)
            continue;
        old = *line;
        if (lines != NULL && is_written(written, lines)) {
            *line = g_strdup(REMOVED);
        } else if (lines != NULL) {
            g_ptr_array_add(written, lines);
            *line = g_strdup(lines);
        } else if (strstr(old, "# interpreter") != NULL) {
            *line = g_strdup(REMOVED);
        } else {
            g_autofree char *indentation = indentation_of(old);

            *line = g_strdup_printf("%s# not on this machine: %s", indentation, path->text);
        }
    }
}

/* --- The whole ----------------------------------------------------------------------------------
 */

static char *
join(const Adaptation *adaptation)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; adaptation->lines[i] != NULL; i++) {
        const char *line = adaptation->lines[i];

        /* What follows the last line feed is no line. */
        if (adaptation->lines[i + 1] == NULL && line[0] == '\0')
            break;
        if (strcmp(line, REMOVED) != 0)
            g_string_append_printf(text, "%s\n", line);
        for (guint k = 0; i + 1 == adaptation->additions_after && k < adaptation->additions->len;
             k++) {
            g_autofree char *indentation = indentation_of(line);

            g_string_append_printf(text, "%s- %s\n", indentation,
                                   (const char *)g_ptr_array_index(adaptation->additions, k));
        }
    }
    return g_string_free(text, FALSE);
}

static OshProfile *
profile_new(void)
{
    OshProfile *profile = g_new0(OshProfile, 1);

    profile->variables = g_ptr_array_new_with_free_func(g_free);
    profile->passed = g_ptr_array_new_with_free_func(g_free);
    profile->found = g_ptr_array_new_with_free_func(g_free);
    profile->missing = g_ptr_array_new_with_free_func(g_free);
    return profile;
}

OshProfile *
osh_profile_adapt(const char *text, const char *home, const char *search_path, GError **error)
{
    g_autoptr(OshArena) arena = osh_arena_new();
    g_autoptr(OshPolicyDiagnostics) diagnostics = osh_policy_diagnostics_new();
    g_autoptr(OshProfile) profile = profile_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GPtrArray) read_only = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) additions = g_ptr_array_new_with_free_func(g_free);
    Adaptation adaptation = {
        .profile = profile,
        .home = home,
        .search_path = search_path,
        .root = osh_yaml_parse(arena, text, strlen(text), diagnostics),
        .lines = lines,
        .read_only = read_only,
        .additions = additions,
    };
    const OshYamlNode *policies;

    for (const char *p = home; *p != '\0'; p++)
        if (g_ascii_iscntrl(*p)) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                        "the name of the home folder holds a control character");
            return NULL;
        }
    if (adaptation.root == NULL) {
        g_autofree char *messages = osh_policy_diagnostics_format(diagnostics);

        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s", g_strchomp(messages));
        return NULL;
    }
    profile->summary = osh_profile_summary(text);
    read_head(&adaptation);
    fill_list(&adaptation, "read_only", TRUE);
    fill_list(&adaptation, "read_write", FALSE);
    policies = osh_yaml_find(adaptation.root, "network_policies");
    for (const OshYamlNode *policy = policies != NULL ? policies->first : NULL; policy != NULL;
         policy = policy->next) {
        const OshYamlNode *binaries = osh_yaml_find(policy, "binaries");

        if (binaries != NULL && binaries->kind == OSH_YAML_SEQUENCE)
            adapt_binaries(&adaptation, binaries);
    }
    profile->text = join(&adaptation);
    return g_steal_pointer(&profile);
}

void
osh_profile_free(OshProfile *profile)
{
    if (profile == NULL)
        return;
    g_free(profile->text);
    g_free(profile->summary);
    g_free(profile->command);
    g_ptr_array_unref(profile->variables);
    g_ptr_array_unref(profile->passed);
    g_ptr_array_unref(profile->found);
    g_ptr_array_unref(profile->missing);
    g_free(profile);
}
