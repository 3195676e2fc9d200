/* SPDX-License-Identifier: Apache-2.0 */
/* told-plugin.h: what a program that loads told-plugin.c has to have; @id says which of them. */
#pragma once

#include <openshell/plugin.h>

OSH_PLUGIN_EXPORT gboolean told_create(const char *id, GError **error);
OSH_PLUGIN_EXPORT void told_start(const char *id, OshReadyFunc ready, gpointer data);
OSH_PLUGIN_EXPORT void told_stop(const char *id, OshDoneFunc done, gpointer data);
OSH_PLUGIN_EXPORT void told_destroy(const char *id);
OSH_PLUGIN_EXPORT gboolean told_get_interface(const char *id, const char *interface,
                                              OshInterface *ret_interface);
