/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest-reader.h: what the readers of a manifest's groups share; private to this folder.
 *
 * Every function that fails has set the reader's error, with the file and the line.
 */
#pragma once

#include "key-file.h"
#include "manifest.h"

G_BEGIN_DECLS

/** OSH_MANIFEST_ID_MAX: a longer id of a plugin, or name of a key or protocol, is refused. */
#define OSH_MANIFEST_ID_MAX 64
/** OSH_MANIFEST_NAME_MAX: a longer name of a fact, or of what carries a revision, is refused. */
#define OSH_MANIFEST_NAME_MAX 128

/** OshManifestReader: a text, the manifest that is made of it, and where errors go. */
typedef struct {
    const OshKeyFile *key_file;
    OshManifest *manifest;
    GError **error;
} OshManifestReader;

/**
 * osh_manifest_dotted_words:
 *
 * Returns: whether @text is words of a-z, 0-9 and the characters of @extra, joined by dots; each
 *   starts with a letter or a digit, the first with a letter
 */
gboolean osh_manifest_dotted_words(const char *text, gsize length, const char *extra,
                                   gsize maximum);

/** osh_manifest_is_revisioned_name: Returns: whether it is like "openshell.shard/1". */
gboolean osh_manifest_is_revisioned_name(const char *text);

/** osh_manifest_reject_unknown_keys: Returns: whether @group has keys of @known only. */
gboolean osh_manifest_reject_unknown_keys(const OshManifestReader *reader,
                                          const OshKeyFileGroup *group, const char *const *known);

/** osh_manifest_need: Returns: (nullable): a key that must be there and say something. */
const OshKeyFileEntry *osh_manifest_need(const OshManifestReader *reader,
                                         const OshKeyFileGroup *group, const char *key);

/**
 * osh_manifest_read_list:
 * @is_valid: what each element must satisfy
 * @shape: what messages call such an element
 * @ret_list: (inout): replaced when the key is there
 *
 * Returns: whether the key is absent, or a list of valid elements of which no two are equal
 */
gboolean osh_manifest_read_list(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                const char *key, gboolean (*is_valid)(const char *),
                                const char *shape, char ***ret_list);

/** osh_manifest_read_boolean: Returns: whether the key is absent, or true or false. */
gboolean osh_manifest_read_boolean(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                   const char *key, gboolean *ret_value);

/**
 * osh_manifest_read_choice:
 * @choices: the words; the first is the default where @required is not set
 *
 * Returns: (nullable): one of @choices
 */
const char *osh_manifest_read_choice(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                     const char *key, const char *const *choices,
                                     gboolean required);

/* The readers of the groups of which a manifest may have several; @name stands behind the kind. */

/** osh_manifest_read_config_key: [config NAME]. */
gboolean osh_manifest_read_config_key(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                      const char *name);

/** osh_manifest_read_protocol: [protocol NAME]. */
gboolean osh_manifest_read_protocol(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                    const char *name);

/**
 * osh_manifest_read_setting:
 * @types: (array zero-terminated=1): what type= may be
 * @what: what messages call such a setting
 *
 * Reads type=, default=, min=, max=, choices= and help=.
 *
 * Returns: (transfer full) (nullable): the setting
 */
OshManifestConfigKey *osh_manifest_read_setting(const OshManifestReader *reader,
                                                const OshKeyFileGroup *group, const char *name,
                                                const char *const *types, const char *what);

/** osh_manifest_read_option: [option NAME]. */
gboolean osh_manifest_read_option(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                  const char *name);

/**
 * osh_manifest_check_protocols:
 *
 * Returns: whether the facts that each protocol names as action and target are its own. They may
 *   stand below it, so this comes last.
 */
gboolean osh_manifest_check_protocols(const OshManifestReader *reader);

/** osh_manifest_read_fact: [fact NAME]. */
gboolean osh_manifest_read_fact(const OshManifestReader *reader, const OshKeyFileGroup *group,
                                const char *name);

G_END_DECLS
