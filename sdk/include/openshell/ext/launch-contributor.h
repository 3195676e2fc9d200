/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ext/launch-contributor.h: "openshell.launch-contributor/1", environment and files that a
 * plugin wants in the box: a certificate authority, proxy variables, placeholders, a skill file.
 *
 * Any number of providers. The host calls each once, when every plugin is ready and before the
 * box is sealed. Two that ask for the same variable or file are an error naming both.
 */
#pragma once

#include "openshell/ext/process-launcher.h"
#include "openshell/host.h"

G_BEGIN_DECLS

#define OSH_INTERFACE_LAUNCH_CONTRIBUTOR "openshell.launch-contributor/1"

/**
 * OshContributionBuilder:
 * @struct_size: sizeof(OshContributionBuilder) of the host
 * @handle: first argument of the functions
 * @set_variable: [main] asks for an environment variable; copied. LD_* is refused.
 * @add_file: [main] asks for a read-only file in the box; copied. @path is absolute in the box
 *
 * The host remembers the first refusal and reports it; a contributor may ignore the results.
 */
typedef struct {
    guint32 struct_size;
    gpointer handle;
    gboolean (*set_variable)(gpointer handle, const char *name, const char *value);
    gboolean (*add_file)(gpointer handle, const char *path, const char *content, gsize length,
                         guint32 mode);
} OshContributionBuilder;

/**
 * OshLaunchContributorInterface:
 * @struct_size: sizeof(OshLaunchContributorInterface) of the provider
 * @contribute: [main] fills @builder for @box; FALSE with @error stops the start
 */
typedef struct {
    guint32 struct_size;
    gboolean (*contribute)(gpointer instance, const OshBoxInfo *box,
                           const OshContributionBuilder *builder, GError **error);
} OshLaunchContributorInterface;

/** osh_contribution_set_variable: [main] see #OshContributionBuilder. */
static inline gboolean
osh_contribution_set_variable(const OshContributionBuilder *builder, const char *name,
                              const char *value)
{
    return osh_can_call(builder, OshContributionBuilder, set_variable) &&
           builder->set_variable(builder->handle, name, value);
}

/** osh_contribution_add_file: [main] see #OshContributionBuilder. */
static inline gboolean
osh_contribution_add_file(const OshContributionBuilder *builder, const char *path,
                          const char *content, gsize length, guint32 mode)
{
    return osh_can_call(builder, OshContributionBuilder, add_file) &&
           builder->add_file(builder->handle, path, content, length, mode);
}

/** osh_launch_contributor_contribute: [main] TRUE when the provider has nothing to add. */
static inline gboolean
osh_launch_contributor_contribute(const OshInterface *contributor, const OshBoxInfo *box,
                                  const OshContributionBuilder *builder, GError **error)
{
    const OshLaunchContributorInterface *vtable =
        (const OshLaunchContributorInterface *)contributor->vtable;

    return !osh_can_call(vtable, OshLaunchContributorInterface, contribute) ||
           vtable->contribute(contributor->instance, box, builder, error);
}

G_END_DECLS
