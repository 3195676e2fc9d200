/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A launch contributor: puts a note for programs into the box, and a variable that says where it
 * is.
 *
 * Everything here belongs to [main]. It writes nothing itself: init makes the file when the box is
 * sealed, and programs can only read it.
 */
#include <openshell/ext/launch-contributor.h>
#include <openshell/openshell.h>

OSH_PLUGIN_MANIFEST("[plugin]\n"
                    "id=com.example.note\n"
                    "version=1.0.0\n"
                    "abi=1.0\n"
                    "summary=Puts a note into the box\n"
                    "license=Apache-2.0\n"
                    "provides=" OSH_INTERFACE_LAUNCH_CONTRIBUTOR "\n"
                    "[config text]\n"
                    "type=string\n"
                    "default=be kind\n"
                    "help=What the note says\n");

#define NOTE_FILE "/run/openshell/note"

static gboolean
note_contribute(gpointer instance, const OshBoxInfo *box, const OshContributionBuilder *builder,
                GError **error)
{
    const OshHost *host = instance;
    g_autofree char *text = osh_host_config_string(host, "text");
    g_autofree char *line = g_strdup_printf("%s\n", text);

    (void)box;
    (void)error;
    osh_contribution_add_file(builder, NOTE_FILE, line, strlen(line), 0444);
    osh_contribution_set_variable(builder, "NOTE", NOTE_FILE);
    return TRUE;
}

static const OshLaunchContributorInterface note_contributor = {
    .struct_size = sizeof(OshLaunchContributorInterface),
    .contribute = note_contribute,
};

static gboolean
note_create(const OshHost *host, const OshHost **ret_self, GError **error)
{
    (void)error;
    *ret_self = host;
    return TRUE;
}

static gboolean
note_get_interface(const OshHost *self, const char *id, OshInterface *ret_interface)
{
    if (!g_str_equal(id, OSH_INTERFACE_LAUNCH_CONTRIBUTOR))
        return FALSE;
    ret_interface->vtable = &note_contributor;
    ret_interface->instance = (gpointer)self;
    return TRUE;
}

OSH_PLUGIN_DEFINE(const OshHost, .create = note_create, .get_interface = note_get_interface)
