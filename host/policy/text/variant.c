/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variant.c: documents as GVariants. One thread at a time; the depth is that of the document, which
 * is limited where it is parsed.
 */
#include "variant.h"

static GVariant *
scalar_to_variant(const OshYamlNode *node)
{
    gint64 number;

    switch (osh_yaml_scalar_type(node)) {
    case OSH_YAML_NULL:
        return NULL;
    case OSH_YAML_BOOLEAN:
        return g_variant_new_boolean(g_ascii_tolower(node->text[0]) == 't');
    case OSH_YAML_INTEGER:
        if (g_ascii_string_to_signed(node->text, 10, G_MININT64, G_MAXINT64, &number, NULL))
            return g_variant_new_int64(number);
        return g_variant_new_string(node->text);
    case OSH_YAML_FLOAT:
        return g_variant_new_double(g_ascii_strtod(node->text, NULL));
    case OSH_YAML_STRING:
    default:
        return g_variant_new_string(node->text);
    }
}

GVariant *
osh_yaml_to_variant(const OshYamlNode *node)
{
    gboolean is_mapping = node->kind == OSH_YAML_MAPPING;
    GVariantBuilder builder;
    GVariant *scalar;

    if (node->kind == OSH_YAML_SCALAR) {
        scalar = scalar_to_variant(node);
        return scalar != NULL ? g_variant_ref_sink(scalar) : NULL;
    }
    g_variant_builder_init(&builder, is_mapping ? G_VARIANT_TYPE_VARDICT : G_VARIANT_TYPE("av"));
    for (const OshYamlNode *child = node->first; child != NULL; child = child->next) {
        g_autoptr(GVariant) value = osh_yaml_to_variant(child);

        if (value == NULL)
            continue;
        if (is_mapping)
            g_variant_builder_add(&builder, "{sv}", child->key, value);
        else
            g_variant_builder_add(&builder, "v", value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&builder));
}
