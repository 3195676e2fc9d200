/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process-plugin.h: what the files that adapt this plugin to the ABI share. [main] throughout,
 * except where a function says otherwise.
 */
#pragma once

#include "box.h"
#include "environment.h"
#include "identity.h"
#include "job-control.h"
#include "landlock-plan.h"
#include "network-plan.h"
#include "nflog.h"
#include "program-limits.h"
#include "published-ports.h"
#include "refusal-words.h"
#include "session-streams.h"
#include "terminal.h"

#include "osh-identity-connect.h"
#include "osh-identity.h"

#include "openshell/ext/draft/peer-identity.h"
#include "openshell/ext/draft/sandbox-net.h"
#include "openshell/ext/policy.h"
#include "openshell/ext/process-launcher.h"
#include "openshell/plugin.h"

#include <glib.h>

G_BEGIN_DECLS

/* Shards that share one of these wait for each other for the length of a question. */
#define OSH_PROCESS_N_DIAGS 8

typedef struct {
    GMutex mutex;
    OshSocketDiag *diag; /* (nullable): from the start of the plugin on */
} OshLockedDiag;

typedef struct {
    const OshHost *host;
    OshBox *box; /* (nullable) */
    gboolean box_was_opened;
    GStrv groups;
    GStrv publish;                /* checked */
    OshPublishedPorts *published; /* (nullable): while it runs, with a box */
    GStrv pass_environment;
    char *default_user;
    char *capture;       /* checked */
    GStrv seccomp_allow; /* checked */
    gboolean refuse_internet_sockets;
    gboolean landlock_log;
    GArray *limits; /* OshBoxLimit */
    gboolean baseline;
    gboolean require_pid_limit;
    OshIdentityScanner *scanner; /* (nullable): from start on, when there is a box */
    gboolean scanner_has_shards;
    OshImageTable *images;
    OshConnectWatch *connects; /* (nullable), atomic: from the seal on, where it can be watched */
    OshLockedDiag diags[OSH_PROCESS_N_DIAGS];
    char *connect_identity; /* checked */
    uid_t workload_uid;     /* of every program in the box */
    OshInterface shard;
    char *session; /* (nullable): path of its socket */
    gboolean session_terminal;
    OshTopic box_opened;
    OshTopic box_closed;
    OshTopic process_started;
    OshTopic process_exited;
    OshTopic process_refused;
    OshTopic network_denied;

    GStrv auto_executed_writable; /* checked */
} OshProcessPlugin;

/* What follows the packets that the box's network refuses; see refusals.c. */
typedef struct OshRefusalWatch OshRefusalWatch;

/* The box of the ABI: the handle, and what was decided when it was made. */
struct _OshBox {
    OshProcessPlugin *plugin;
    OshBoxHandle *handle;
    OshBoxInfo info;
    char *level;
    GPtrArray *degraded; /* NULL-terminated */
    GPtrArray *notes;    /* NULL-terminated */
    GPtrArray *warnings; /* NULL-terminated */
    char *workdir;
    char *outer_workdir; /* the same, also where the box does not have it */

    OshIdentity *identity;
    OshMountPlan *mounts;
    OshPlaceholders *placeholders;
    OshNetworkPlan *network;
    OshNetworkClaims claims;
    int diag_sockets[OSH_NETWORK_N_SOCK_DIAG];
    gint next_diag_socket;     /* atomic */
    OshRefusalWatch *refusals; /* (nullable): from the seal on */
    guint landlock_abi;
    OshPidLimit pid_limit;
    guint64 max_pids;           /* with %OSH_PID_LIMIT_LIMITED */
    gboolean landlock_required; /* hard_requirement */
    guint n_rules;              /* after the seal: Landlock rules of the policy that hold */
    guint n_skipped;            /* and those that were left out */
    GVariant *report;           /* a{sv}, after the seal */
    gboolean can_notify; /* connect(2) can be watched, as far as could be tried before the seal */
    GBytes *connect_filter; /* (nullable) */
    GBytes *clone3_filter;
    GBytes *main_filter;

    OshSession *session;     /* (nullable): people may attach to the entrypoint */
    gboolean network_served; /* it has listeners */
    gboolean sealed;
    gboolean closing;
    GArray *contributions;   /* OshEnvironmentVariable, strings owned */
    GPtrArray *kept_streams; /* OshProgramStreams of programs that have ended */
    GHashTable *programs;    /* launch id -> BoxProgram, see launcher.c */

    OshBoxLostFunc lost;
    gpointer lost_data;
    OshCallback closed;
    gpointer closed_data;
};

/* --- launcher.c ------------------------------------------------------------------------------- */

/** osh_process_launcher_vtable: provides openshell.process-launcher/1. */
extern const OshProcessLauncherInterface osh_process_launcher_vtable;

/** osh_process_publish: a lossless event of @box; @payload: (transfer full): may be floating. */
void osh_process_publish(OshBox *box, OshTopic topic, GVariant *payload);

/** osh_process_programs_new: Returns: (transfer full): the table of a box's programs. */
GHashTable *osh_process_programs_new(void);

/* --- rules-probe.c ---------------------------------------------------------------------------- */

/**
 * osh_process_probe_rules:
 * @plugin: the plugin, which has no box
 * @request: what a run would ask for
 *
 * Opens that box, seals it, tells what became of its Landlock rules and takes it down again.
 *
 * Returns: (transfer full): rows as of osh_doctor_probe()
 */
GVariant *osh_process_probe_rules(OshProcessPlugin *plugin, const OshBoxRequest *request);

/* --- box-open.c ------------------------------------------------------------------------------- */

/** osh_process_build_filters: [main] @data: the box, which has none or all of its filters then. */
void osh_process_build_filters(gpointer data);

/** osh_process_box_open: see osh_launcher_box_open(). */
OshBox *osh_process_box_open(OshProcessPlugin *plugin, const OshBoxRequest *request,
                             OshBoxLostFunc lost, gpointer data, GError **error);

/** osh_process_describe_level: words for the start line, anew after the seal. */
void osh_process_describe_level(OshBox *box);

/** osh_process_may_lack: whether --allow-degraded gave up @name. */
gboolean osh_process_may_lack(const OshBoxRequest *request, const char *name);

/**
 * osh_process_box_free:
 * @box: (nullable) (transfer full): a box; whatever lives in it is killed
 */
void osh_process_box_free(OshBox *box);

/**
 * osh_process_propagate:
 * @error: return location
 * @cause: (transfer full): an error of a room
 *
 * Gives @cause the domain and the code that the ABI promises, and keeps its words.
 */
void osh_process_propagate(GError **error, GError *cause);

/* --- box-network.c ---------------------------------------------------------------------------- */

/** osh_process_check_capture: whether @name is a value of the configuration key "capture". */
gboolean osh_process_check_capture(const char *name, GError **error);

/** osh_process_capture_word: Returns: the word for it in the start line. */
const char *osh_process_capture_word(OshNetworkCapture capture);

/** osh_process_open_with_network: makes the handle of @box, with the best network there is. */
gboolean osh_process_open_with_network(OshBox *box, const OshBoxRequest *request, GError **error);

/* --- degraded-names.c ------------------------------------------------------------------------- */

/** osh_process_check_degraded: whether each of @given is a protection that can be given up. */
gboolean osh_process_check_degraded(const char *const *given, GError **error);

/* --- box-seal.c ------------------------------------------------------------------------------- */

/** osh_process_box_seal: see osh_launcher_seal(). */
gboolean osh_process_box_seal(OshBox *box, const OshContributions *contributions, GError **error);

/* --- sandbox-net.c ---------------------------------------------------------------------------- */

/** osh_sandbox_net_vtable: provides openshell.draft.sandbox-net/1. */
extern const OshSandboxNetInterface osh_sandbox_net_vtable;

/** osh_process_take_diag_socket: [any] Returns: (transfer full): one of the box, or -1. */
int osh_process_take_diag_socket(OshBox *box);

/* --- peer-identity.c -------------------------------------------------------------------------- */

/** osh_peer_identity_vtable: provides openshell.draft.peer-identity/1, where there is a box. */
extern const OshPeerIdentityInterface osh_peer_identity_vtable;

/** osh_peer_identity_without_box: the same where there is none: nothing can be asked. */
extern const OshPeerIdentityInterface osh_peer_identity_without_box;

/**
 * osh_process_start_scanner:
 *
 * Starts the thread that finds the owning processes of the box's sockets; nothing without a box.
 */
gboolean osh_process_start_scanner(OshProcessPlugin *plugin, GError **error);

/**
 * osh_process_watch_connects:
 * @listener: (transfer full): of the filter that notifies of connect(2)
 *
 * From now on the programs of @box are read when they connect. Before any of them runs.
 */
gboolean osh_process_watch_connects(OshBox *box, int listener, GError **error);

/** osh_process_end_identity: ends the threads of both; nothing is asked any more. */
void osh_process_end_identity(OshProcessPlugin *plugin);

/* --- refusals.c ------------------------------------------------------------------------------- */

/** osh_process_watch_refusals: starts to publish what the box's network refuses. */
void osh_process_watch_refusals(OshBox *box);

/** osh_refusal_watch_finish: publishes everything that waits. @watch: (nullable). */
void osh_refusal_watch_finish(OshRefusalWatch *watch);

/** osh_refusal_watch_free: @watch: (nullable) (transfer full). */
void osh_refusal_watch_free(OshRefusalWatch *watch);

G_END_DECLS
