/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.c: reads the command line, strictly. Plain functions.
 *
 * What stands behind "--" is the program's own and is not looked at. An option that is not known
 * is an error with a suggestion, never something that is skipped.
 */
#include "options.h"

#include <string.h>

#include "manifest.h"
#include "openshell/host.h"
#include "osh-suggest.h"

typedef enum {
    VALUE_NONE,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_SECONDS,
} ValueKind;

typedef struct {
    const char *name;
    ValueKind kind;
    gsize offset;
} Option;

static const Option known_options[] = {
    {"--policy", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, policy)},
    {"--policy-posture", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, policy_posture)},
    {"--config", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, config)},
    {"--events", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, events)},
    {"--record", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, record)},
    {"--audit", VALUE_NONE, G_STRUCT_OFFSET(OshOptions, audit)},
    {"--workdir", VALUE_TEXT, G_STRUCT_OFFSET(OshOptions, workdir)},
    {"--timeout", VALUE_SECONDS, G_STRUCT_OFFSET(OshOptions, timeout)},
    {"--quiet", VALUE_NONE, G_STRUCT_OFFSET(OshOptions, quiet)},
    {"--verbose", VALUE_NONE, G_STRUCT_OFFSET(OshOptions, verbose)},
    {"--plugin-dir", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, plugin_dirs)},
    {"--set", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, settings)},
    {"--publish", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, publish)},
    {"--enable", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, enable)},
    {"--disable", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, disable)},
    {"--allow-degraded", VALUE_LIST, G_STRUCT_OFFSET(OshOptions, allow_degraded)},
};

static const struct {
    const char *word;
    OshVerb verb;
} verbs[] = {
    {"plugins", OSH_VERB_PLUGINS}, {"doctor", OSH_VERB_DOCTOR}, {"--version", OSH_VERB_VERSION},
    {"--help", OSH_VERB_HELP},     {"-h", OSH_VERB_HELP},
};

/* main.c gives them all that follows them, without a look at it here. */
static const char *const verbs_that_come_first[] = {
    "check", "explain", "policy", "replay", "attach", "init", NULL,
};

const char *
osh_options_help(void)
{
    return "openshell-host: runs a program in a box that reaches what a policy names\n"
           "\n"
           "  openshell-host [OPTION...] -- COMMAND [ARGUMENT...]\n"
           "  openshell-host [OPTION...]            without a command: the proxy alone, until "
           "SIGTERM\n"
           "  openshell-host plugins [VERB]         list plugins and their settings; plugins "
           "--help\n"
           "  openshell-host [--policy FILE] doctor what this machine enforces, and on which "
           "paths\n"
           "  openshell-host init [PROFILE]         write a first policy; without PROFILE list the "
           "profiles\n"
           "  openshell-host attach SOCKET          join the program of a run, see "
           "docs/running.md\n"
           "  openshell-host check FILE...          check policy files\n"
           "  openshell-host explain POLICY ...     what a policy decides, why, and what would "
           "change it\n"
           "  openshell-host policy VERB ...        tools for policy files; policy --help\n"
           "  openshell-host replay RECORDING POLICY  what another policy would have decided\n"
           "\n"
           "  --policy FILE          what the program may do; without it there is no network\n"
           "                         a changed file is read again during the run; SIGHUP reads it "
           "at once\n"
           "  --policy-posture WORD  when the file becomes invalid: retain_last_valid keeps the "
           "policy in force,\n"
           "                         fail_closed denies everything until the file is valid again\n"
           "  --workdir DIR          working directory of the command; default: the current "
           "directory\n"
           "  --timeout SECONDS      end the command after that time, exit code 124; 0 is never\n"
           "  --publish [ADDRESS:]PORT  make a server in the box reachable at that port; "
           "repeatable\n"
           "  --events FILE          append every event as a line of JSON\n"
           "  --record FILE          append the facts of every decision, for replay and policy "
           "learn\n"
           "  --audit                refuse nothing that only the policy denies; record it\n"
           "  --allow-degraded=NAME  start without a protection that is missing here; repeatable\n"
           "  --quiet                no start line and no denial lines\n"
           "  --verbose              at the start also list what the box is made of\n"
           "  --config FILE          settings, see openshell-host.conf(5)\n"
           "  --plugin-dir DIR       folder of plugins; repeatable, the first plugin of an id is "
           "used\n"
           "  --set ID.KEY=VALUE     a setting of a plugin, a list separated by ';'; repeatable\n"
           "  --enable ID, --disable ID\n"
           "  --version, --help      each verb has a --help of its own\n"
           "\n"
           "exit codes: the program's own; 124 timeout, 125 error of the host, 126 not "
           "executable,\n"
           "127 not found, 128+n ended by signal n\n";
}

/* A shell expands ~ at the start of a word alone, so that --policy=~/x arrives as it was typed. */
static gboolean
check_home(const Option *option, const char *value, GError **error)
{
    const char *equals = g_str_equal(option->name, "--set") ? strchr(value, '=') : NULL;
    const char *path = equals != NULL ? equals + 1 : value;

    if (path[0] != '~' || (path[1] != '/' && path[1] != '\0') ||
        g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "%s %s: ~ is not expanded here; write %.*s%s%s", option->name, value,
                (int)(path - value), value, g_get_home_dir(), path + 1);
    return FALSE;
}

static gboolean
store_value(OshOptions *options, const Option *option, const char *value, GError **error)
{
    gpointer field = G_STRUCT_MEMBER_P(options, option->offset);

    if (!check_home(option, value, error))
        return FALSE;

    if (option->kind == VALUE_LIST) {
        g_ptr_array_add(*(GPtrArray **)field, g_strdup(value));
        return TRUE;
    }
    if (option->kind == VALUE_SECONDS) {
        gint64 seconds;

        if (!g_ascii_string_to_signed(value, 10, 0, 31536000, &seconds, NULL)) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                        "%s %s: expected whole seconds, 0 to 31536000", option->name, value);
            return FALSE;
        }
        *(gint64 *)field = seconds;
        return TRUE;
    }
    if (*(char **)field != NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s is given twice", option->name);
        return FALSE;
    }
    *(char **)field = g_strdup(value);
    return TRUE;
}

static const Option *
find_option(const char *word, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known_options); i++)
        if (strlen(known_options[i].name) == length &&
            strncmp(known_options[i].name, word, length) == 0)
            return &known_options[i];
    return NULL;
}

static void
set_unknown(GError **error, const char *word, gsize length)
{
    const char *names[G_N_ELEMENTS(known_options) + 3] = {NULL};
    g_autofree char *name = g_strndup(word, length);
    g_autofree char *suggestion = NULL;
    gsize n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(known_options); i++)
        names[n++] = known_options[i].name;
    names[n++] = "--help";
    names[n] = "--version";
    suggestion = osh_suggest_clause(name, names);
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "unknown option %s%s; openshell-host --help lists them all", name, suggestion);
}

/* Takes one option, with its value; *index moves to the last word that was used. */
static gboolean
parse_option(OshOptions *options, const char *const *argv, gsize *index, GError **error)
{
    const char *word = argv[*index];
    const char *equals = strchr(word, '=');
    gsize length = equals != NULL ? (gsize)(equals - word) : strlen(word);
    const Option *option = find_option(word, length);
    const char *value = equals != NULL ? equals + 1 : NULL;

    if (option == NULL) {
        set_unknown(error, word, length);
        return FALSE;
    }
    if (option->kind == VALUE_NONE) {
        if (value != NULL) {
            g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s takes no value", option->name);
            return FALSE;
        }
        *(gboolean *)G_STRUCT_MEMBER_P(options, option->offset) = TRUE;
        return TRUE;
    }
    if (value == NULL && argv[*index + 1] != NULL && strcmp(argv[*index + 1], "--") != 0)
        value = argv[++*index];
    if (value == NULL || value[0] == '\0') {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "%s needs a value", option->name);
        return FALSE;
    }
    return store_value(options, option, value, error);
}

static gboolean
is_help(const char *word)
{
    return g_str_equal(word, "--help") || g_str_equal(word, "-h");
}

static gboolean
parse_word(OshOptions *options, const char *word, gboolean *verb_seen, GError **error)
{
    if (*verb_seen && is_help(word)) {
        options->help = TRUE;
        return TRUE;
    }
    if (*verb_seen) {
        g_ptr_array_add(options->arguments, g_strdup(word));
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (g_str_equal(verbs[i].word, word)) {
            options->verb = verbs[i].verb;
            *verb_seen = TRUE;
            return TRUE;
        }
    if (g_strv_contains(verbs_that_come_first, word)) {
        g_set_error(
            error, OSH_ERROR, OSH_ERROR_INVALID,
            "the verb %s has options of its own and must come first: openshell-host %s --help "
            "lists them (for a program of that name: openshell-host [OPTION...] -- %s)",
            word, word, word);
        return FALSE;
    }
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "%s is neither an option nor a verb; write a command after --: "
                "openshell-host [OPTION...] -- %s",
                word, word);
    return FALSE;
}

static gboolean
is_flag_verb(const char *word)
{
    return is_help(word) || g_str_equal(word, "--version");
}

/* What is said about a command, where there is none, would never be looked at. */
static gboolean
refuse_without_command(const OshOptions *options, GError **error)
{
    const char *name = options->timeout >= 0              ? "--timeout"
                       : options->allow_degraded->len > 0 ? "--allow-degraded"
                                                          : NULL;

    if (options->verb != OSH_VERB_RUN || options->command != NULL || name == NULL)
        return FALSE;
    g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                "%s needs a command: openshell-host %s=... -- COMMAND", name, name);
    return TRUE;
}

static gboolean
parse_words(OshOptions *options, const char *const *argv, GError **error)
{
    gboolean verb_seen = FALSE;

    for (gsize i = 1; argv[i] != NULL; i++) {
        if (g_str_equal(argv[i], "--")) {
            options->command = g_strdupv((char **)argv + i + 1);
            break;
        }
        if (argv[i][0] == '-' && !is_flag_verb(argv[i])) {
            if (!parse_option(options, argv, &i, error))
                return FALSE;
        } else if (!parse_word(options, argv[i], &verb_seen, error)) {
            return FALSE;
        }
    }
    if (options->command != NULL && options->command[0] == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID, "there is no command after --");
        return FALSE;
    }
    if (options->command != NULL && verb_seen && options->verb != OSH_VERB_HELP) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "a verb and a command cannot be given together");
        return FALSE;
    }
    return !refuse_without_command(options, error);
}

/* The plugin that makes the box publishes; here it is an option since it is typed often. */
static gboolean
take_publish(OshOptions *options, GError **error)
{
    g_autofree char *list = NULL;

    if (options->publish->len == 0)
        return TRUE;
    if (options->command == NULL) {
        g_set_error(error, OSH_ERROR, OSH_ERROR_INVALID,
                    "--publish %s: a server in a box needs a command after --",
                    (const char *)g_ptr_array_index(options->publish, 0));
        return FALSE;
    }
    g_ptr_array_add(options->publish, NULL);
    list = g_strjoinv(";", (char **)options->publish->pdata);
    g_ptr_array_add(options->settings, g_strconcat(OSH_ROLE_PROCESS ".publish=", list, NULL));
    return TRUE;
}

OshOptions *
osh_options_parse(const char *const *argv, GError **error)
{
    g_autoptr(OshOptions) options = g_new0(OshOptions, 1);

    /* Who types nothing but the name wants to know what to type. */
    if (argv[0] == NULL || argv[1] == NULL)
        options->verb = OSH_VERB_HELP;
    options->timeout = -1;
    options->plugin_dirs = g_ptr_array_new_with_free_func(g_free);
    options->settings = g_ptr_array_new_with_free_func(g_free);
    options->publish = g_ptr_array_new_with_free_func(g_free);
    options->enable = g_ptr_array_new_with_free_func(g_free);
    options->disable = g_ptr_array_new_with_free_func(g_free);
    options->allow_degraded = g_ptr_array_new_with_free_func(g_free);
    options->arguments = g_ptr_array_new_with_free_func(g_free);
    if (!parse_words(options, argv, error) || !take_publish(options, error))
        return NULL;
    return g_steal_pointer(&options);
}

void
osh_options_free(OshOptions *options)
{
    if (options == NULL)
        return;
    g_free(options->policy);
    g_free(options->policy_posture);
    g_free(options->config);
    g_free(options->events);
    g_free(options->record);
    g_free(options->workdir);
    g_ptr_array_unref(options->plugin_dirs);
    g_ptr_array_unref(options->settings);
    g_ptr_array_unref(options->publish);
    g_ptr_array_unref(options->enable);
    g_ptr_array_unref(options->disable);
    g_ptr_array_unref(options->allow_degraded);
    g_ptr_array_unref(options->arguments);
    g_strfreev(options->command);
    g_free(options);
}
