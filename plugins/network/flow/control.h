/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h: what holds on every transport, in clear and in TLS. [any]
 *
 * Each denial names the control that refused it, in the event's detail "control". The end-to-end
 * test of parity reads this list and shows each control on each transport; a control that is added
 * here without a row there fails it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * OSH_CONTROLS:
 * @X: what to expand for each: X(SYMBOL, name)
 *
 * Identity: which program asks. Policy: what it may reach, and ask there. Destination: which
 * addresses a name may lead to. Authority: names that contradict each other. Framing: where a
 * message begins and ends. Credential: what may be written where. Audit: nothing goes on that
 * cannot be recorded. Reload: what a newer policy refuses ends. Limit: how much of anything.
 */
#define OSH_CONTROLS(X)                                                                            \
    X(IDENTITY, "identity")                                                                        \
    X(POLICY, "policy")                                                                            \
    X(DESTINATION, "destination")                                                                  \
    X(AUTHORITY, "authority")                                                                      \
    X(FRAMING, "framing")                                                                          \
    X(CREDENTIAL, "credential")                                                                    \
    X(AUDIT, "audit")                                                                              \
    X(RELOAD, "reload")                                                                            \
    X(LIMIT, "limit")

/** OshControl: one of them; %OSH_CONTROL_OF_LAYER is the one that the layer of a denial stands for.
 */
typedef enum {
    OSH_CONTROL_OF_LAYER,
#define OSH_CONTROL_MEMBER(symbol, name) OSH_CONTROL_##symbol,
    OSH_CONTROLS(OSH_CONTROL_MEMBER)
#undef OSH_CONTROL_MEMBER
} OshControl;

/**
 * osh_control_name:
 * @control: a control
 * @layer: of the denial, for %OSH_CONTROL_OF_LAYER
 *
 * Returns: (transfer none): its name
 */
const char *osh_control_name(OshControl control, const char *layer);

G_END_DECLS
