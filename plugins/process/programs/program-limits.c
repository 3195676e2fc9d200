/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program-limits.c: reads and checks limits. [main]; no state. Sets nothing: init does, in each
 * program. A limit that the host itself may not give is an error at the start, not at a launch.
 */
#include "program-limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
    const char *name;
    guint resource;
} resources[] = {
    {"as", RLIMIT_AS},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

static gboolean
parse_value(const char *text, guint64 *ret_value)
{
    if (g_str_equal(text, "unlimited")) {
        *ret_value = RLIM_INFINITY;
        return TRUE;
    }
    return g_ascii_string_to_unsigned(text, 10, 0, (guint64)RLIM_INFINITY - 1, ret_value, NULL);
}

static gboolean
find_resource(const char *setting, const char *name, guint *ret_resource, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(resources); i++) {
        if (g_str_equal(resources[i].name, name)) {
            *ret_resource = resources[i].resource;
            return TRUE;
        }
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", resources[i].name);
    }
    if (g_str_equal(name, "core"))
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "limits: \"%s\": the limit on core files is always 0, so that no program's "
                    "memory is written out",
                    setting);
    else
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "limits: \"%s\": there is no limit \"%s\"; there are %s", setting, name,
                    known->str);
    return FALSE;
}

/* Only root, and in a box not even root's own users, may go above the host's hard limit. */
static gboolean
check_host(const char *setting, const OshBoxLimit *limit, GError **error)
{
    struct rlimit own;

    if (getrlimit((__rlimit_resource_t)limit->resource, &own) != 0 ||
        limit->hard <= (guint64)own.rlim_max)
        return TRUE;
    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                "limits: \"%s\" is above the host's own hard limit of %" G_GUINT64_FORMAT, setting,
                (guint64)own.rlim_max);
    return FALSE;
}

static gboolean
parse_limit(const char *setting, OshBoxLimit *ret_limit, GError **error)
{
    const char *equals = strchr(setting, '=');
    g_autofree char *name = equals != NULL ? g_strndup(setting, (gsize)(equals - setting)) : NULL;
    g_auto(GStrv) values = equals != NULL ? g_strsplit(equals + 1, ":", -1) : NULL;
    guint n_values = values != NULL ? g_strv_length(values) : 0;

    if (n_values < 1 || n_values > 2 || !parse_value(values[0], &ret_limit->soft) ||
        !parse_value(values[n_values - 1], &ret_limit->hard)) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "limits: \"%s\" is not NAME=SOFT or NAME=SOFT:HARD with numbers or unlimited",
                    setting);
        return FALSE;
    }
    if (!find_resource(setting, name, &ret_limit->resource, error))
        return FALSE;
    if (ret_limit->soft > ret_limit->hard) {
        g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                    "limits: \"%s\": the soft limit is above the hard one", setting);
        return FALSE;
    }
    return check_host(setting, ret_limit, error);
}

GArray *
osh_program_limits_parse(const char *const *settings, GError **error)
{
    g_autoptr(GArray) limits = g_array_new(FALSE, FALSE, sizeof(OshBoxLimit));

    for (gsize i = 0; settings != NULL && settings[i] != NULL; i++) {
        OshBoxLimit limit;

        if (!parse_limit(settings[i], &limit, error))
            return NULL;
        for (guint k = 0; k < limits->len; k++) {
            if (g_array_index(limits, OshBoxLimit, k).resource != limit.resource)
                continue;
            g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                        "limits: \"%s\": this limit is given twice", settings[i]);
            return NULL;
        }
        g_array_append_val(limits, limit);
    }
    return g_steal_pointer(&limits);
}

OshPidLimit
osh_pid_limit_parse(const char *text, guint64 *ret_limit)
{
    g_autofree char *word = g_strstrip(g_strdup(text));
    guint64 limit;

    if (g_ascii_strcasecmp(word, "max") == 0)
        return OSH_PID_LIMIT_UNLIMITED;
    if (!g_ascii_string_to_unsigned(word, 10, 0, G_MAXUINT64, &limit, NULL))
        return OSH_PID_LIMIT_UNAVAILABLE;
    if (ret_limit != NULL)
        *ret_limit = limit;
    return OSH_PID_LIMIT_LIMITED;
}

static OshPidLimit
read_one(const char *folder, guint64 *ret_limit)
{
    g_autofree char *path = g_build_filename("/sys/fs/cgroup", folder, "pids.max", NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? osh_pid_limit_parse(text, ret_limit)
                                                        : OSH_PID_LIMIT_UNAVAILABLE;
}

/* The line "0::/path" of cgroup v2; under v1 there is none and the path is the mount's root. */
static char *
own_cgroup(void)
{
    g_autofree char *text = NULL;
    const char *line;

    if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
        return g_strdup("/");
    line = g_str_has_prefix(text, "0::/") ? text : strstr(text, "\n0::/");
    if (line == NULL)
        return g_strdup("/");
    line = strchr(line, '/');
    return g_strndup(line, strcspn(line, "\n"));
}

OshPidLimit
osh_pid_limit_read(guint64 *ret_limit)
{
    g_autofree char *folder = own_cgroup();
    OshPidLimit best = OSH_PID_LIMIT_UNAVAILABLE;
    guint64 smallest = G_MAXUINT64;

    for (;;) {
        guint64 limit = G_MAXUINT64;
        OshPidLimit found = read_one(folder, &limit);
        char *slash;

        best = MAX(best, found);
        smallest = MIN(smallest, limit);
        slash = strrchr(folder, '/');
        if (slash == NULL || folder[1] == '\0')
            break;
        slash[slash == folder ? 1 : 0] = '\0';
    }
    if (ret_limit != NULL)
        *ret_limit = smallest;
    return best;
}

gboolean
osh_pid_limit_check(OshPidLimit limit, gboolean required, GError **error)
{
    if (limit == OSH_PID_LIMIT_LIMITED || !required)
        return TRUE;
    g_set_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_INVALID,
                "a limit on the number of processes is required and %s: set pids.max of this "
                "cgroup (docker run --pids-limit, a pod's podPidsLimit, systemd's TasksMax)",
                limit == OSH_PID_LIMIT_UNLIMITED ? "this cgroup has none"
                                                 : "no cgroup says whether there is one");
    return FALSE;
}
