/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environment.h: the environment of a program of a box. Thread: any; no state.
 */
#pragma once

#include "identity.h"

#include <glib.h>

G_BEGIN_DECLS

#define OSH_ENVIRONMENT_ERROR (osh_environment_error_quark())
GQuark osh_environment_error_quark(void);

typedef enum {
    OSH_ENVIRONMENT_ERROR_INVALID, /* not a variable name, or an entry without "=" */
    OSH_ENVIRONMENT_ERROR_REFUSED, /* LD_*, or a name that is the supervisor's alone */
} OshEnvironmentError;

/**
 * OshEnvironmentVariable:
 * @name: of the variable
 * @value: of the variable
 */
typedef struct {
    const char *name;
    const char *value;
} OshEnvironmentVariable;

/**
 * OshEnvironmentRequest:
 * @host: (array zero-terminated=1): NAME=VALUE: the host's own environment
 * @pass: (nullable) (array zero-terminated=1): names to take from it beside the built-in list; a
 *   trailing "*" stands for the rest of a name
 * @additions: (nullable) (array zero-terminated=1): NAME=VALUE: of this launch
 * @contributions: (nullable) (array length=n_contributions): of the box; nothing overrides them
 * @n_contributions: how many
 * @identity: whose HOME, USER, LOGNAME and SHELL
 *
 * Borrowed for the call.
 */
typedef struct {
    const char *const *host;
    const char *const *pass;
    const char *const *additions;
    const OshEnvironmentVariable *contributions;
    gsize n_contributions;
    const OshIdentity *identity;
} OshEnvironmentRequest;

/**
 * osh_environment_new:
 * @request: where variables come from
 * @error: return location
 *
 * From the host come PATH, TERM, COLORTERM, LANG, LANGUAGE, LC_*, TZ and NO_COLOR, and nothing
 * else unless it is in @pass: a token in the host's environment is not the box's.
 *
 * Returns: (transfer full) (nullable): sorted NAME=VALUE strings, NULL-terminated
 */
GStrv osh_environment_new(const OshEnvironmentRequest *request, GError **error);

G_END_DECLS
