/* SPDX-License-Identifier: Apache-2.0 */
/* control.c: names of controls, and the layers that belong to one. [any] */
#include "control.h"

/* A layer that is not here is a transport, whose denials are the policy's. */
static const struct {
    const char *layer;
    OshControl control;
} layers[] = {
    {"audit", OSH_CONTROL_AUDIT},
    {"credential", OSH_CONTROL_CREDENTIAL},
    {"destination", OSH_CONTROL_DESTINATION},
    {"head", OSH_CONTROL_FRAMING},
    {"identity", OSH_CONTROL_IDENTITY},
    {"limit", OSH_CONTROL_LIMIT},
    {"name", OSH_CONTROL_AUTHORITY},
    {"protocol", OSH_CONTROL_FRAMING},
};

const char *
osh_control_name(OshControl control, const char *layer)
{
    static const char *const names[] = {[OSH_CONTROL_OF_LAYER] = "policy",
#define NAME(symbol, name) [OSH_CONTROL_##symbol] = name,
                                        OSH_CONTROLS(NAME)
#undef NAME
    };

    for (gsize i = 0; i < G_N_ELEMENTS(layers) && control == OSH_CONTROL_OF_LAYER; i++)
        if (g_str_equal(layers[i].layer, layer))
            control = layers[i].control;
    return names[control];
}
