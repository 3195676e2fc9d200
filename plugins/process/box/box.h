/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A box: namespaces of its own, our init as its PID 1, and the programs that init starts in it.
 * This is the host's end. [main]: every function and every callback here belongs to the thread of
 * the GMainContext that was the thread default at osh_box_open().
 *
 * The order is open, seal, launch; a step out of order is an error, not a guess.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <termios.h>

#include "init/protocol.h"
#include "mount-plan.h"

G_BEGIN_DECLS

/* Not the OshBox of the public interface: that one is the plugin's, and holds one of these. */
typedef struct OshBoxHandle OshBoxHandle;

#define OSH_BOX_ERROR (osh_box_error_quark())
GQuark osh_box_error_quark(void);

typedef enum {
    OSH_BOX_ERROR_FAILED,
    OSH_BOX_ERROR_INVALID,        /* the caller's plan, or a call out of order */
    OSH_BOX_ERROR_NO_NAMESPACES,  /* this machine refuses (user) namespaces; the message says why */
    OSH_BOX_ERROR_PROC_REFUSED,   /* a fresh /proc was refused, and host_proc_ok was not set */
    OSH_BOX_ERROR_NOT_FOUND,      /* the program: exit code 127 */
    OSH_BOX_ERROR_NOT_EXECUTABLE, /* the program: exit code 126 */
    OSH_BOX_ERROR_WORKING_DIRECTORY,
    OSH_BOX_ERROR_TIMED_OUT,
    OSH_BOX_ERROR_NETWORK, /* the kernel refused part of the network's plan */
    OSH_BOX_ERROR_CHANGED, /* a file of the plan is gone by now: a new plan may work */
    OSH_BOX_ERROR_DEAD,    /* init is gone, and with it all of the box */
} OshBoxError;

/* One send of prebuilt netlink messages. `acks` successes are waited for; any error fails. */
typedef struct {
    int protocol; /* NETLINK_ROUTE, NETLINK_NETFILTER */
    const void *bytes;
    gsize size;
    guint acks;
} OshBoxNetlink;

/* A socket to be made in the box's network and handed out. */
typedef struct {
    enum osh_init_socket_kind kind;
    int family;            /* AF_INET, AF_INET6; unused for netlink */
    guint8 address[16];    /* network byte order; the first four bytes for AF_INET */
    guint16 port;          /* host byte order */
    guint16 backlog;       /* of a listener; 0 is 1024 */
    gboolean transparent;  /* may accept for foreign addresses (TPROXY) */
    gboolean packet_info;  /* a datagram comes with the address it was sent to */
    OshBoxNetlink netlink; /* of a netlink socket; `bytes` may be NULL (sock_diag needs none) */
} OshBoxSocket;

/* All pointers are borrowed for the call. */
typedef struct {
    const OshMountPlan *mounts;
    const OshBoxNetlink *netlinks; /* brought up in order, before the sockets */
    gsize netlink_count;           /* 0: a network namespace in which nothing is up */
    const OshBoxSocket *sockets;
    gsize socket_count;
    const char *hostname; /* (nullable) */
    uid_t uid;            /* the user of the box; without root it must be our own */
    gid_t gid;
    gboolean host_proc_ok; /* accept the host's /proc where a fresh one is refused */
    /* (nullable): called once, on the calling thread, while init works on the plan */
    void (*meanwhile)(gpointer data);
    gpointer meanwhile_data;
} OshBoxPlan;

/* A contributed read-only file: /run/openshell is the place that always works. */
typedef struct {
    const char *path;
    const void *bytes;
    gsize size;
    guint32 mode; /* permission bits, such as 0444 */
} OshBoxFile;

typedef struct {
    const char *path; /* as seen in the box */
    guint64 rights;   /* LANDLOCK_ACCESS_FS_; those that do not fit the inode are left out */
    gboolean optional;
} OshBoxPathRule;

/* What became of a path rule. */
typedef struct {
    guint64 rights; /* those that fit the inode */
    int error;      /* a positive errno: the rule was left out */
    gboolean is_folder;
} OshBoxRuleReport;

typedef struct {
    const OshBoxFile *files;
    gsize file_count;
    const OshBoxNetlink *netlinks; /* such as the refusal of an unclaimed listener */
    gsize netlink_count;
    guint64 handled_fs; /* masks of landlock_create_ruleset(); both 0: no Landlock */
    guint64 scoped;
    guint32 restrict_flags; /* of landlock_restrict_self() */
    const OshBoxPathRule *path_rules;
    gsize path_rule_count;
    OshBoxRuleReport *path_reports; /* (out) (nullable): path_rule_count of them */
    GBytes *connect_filter; /* (nullable): struct sock_filter[] that notifies of connect(2) */
    int *
        connect_listener; /* (out) (nullable): its listener, the caller's; -1 where there is none */
} OshBoxSeal;

typedef struct {
    const void *instructions; /* struct sock_filter[] */
    gsize size;               /* in bytes */
} OshBoxFilter;

typedef struct {
    guint resource; /* RLIMIT_ */
    guint64 soft;
    guint64 hard;
} OshBoxLimit;

#define OSH_BOX_STDIO_NULL     (-1)
#define OSH_BOX_STDIO_TERMINAL (-2)

/**
 * OshBoxStopped:
 * @signal: stopped the program; 0: it was continued
 *
 * Called for a job between its OshBoxLaunched and its OshBoxExited.
 */
typedef void (*OshBoxStopped)(OshBoxHandle *box, guint32 id, int signal, gpointer user_data);

/* One program. All pointers and descriptors are borrowed for the call. */
typedef struct {
    const char *const *argv; /* argv[0] is looked up in search_path, inside the box */
    const char *const *environment;
    const char *search_path; /* (nullable): /usr/local/bin:/usr/bin:/bin */
    const char *cwd;         /* (nullable): "/" */
    int stdio[3];            /* a descriptor of ours, or OSH_BOX_STDIO_ */
    gboolean terminal;       /* a PTY of the box; its master comes with the process */
    guint16 rows;
    guint16 columns;
    const struct termios *modes; /* (nullable): of the PTY, before the program starts */
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary; none unless given, and only with root */
    gsize group_count;
    const OshBoxFilter *filters; /* installed in order: the clone3 filter, then the main one */
    gsize filter_count;
    const OshBoxLimit *limits; /* RLIMIT_CORE is 0 already */
    gsize limit_count;
    OshBoxStopped stopped; /* (nullable): makes it a job, which SIGTSTP, SIGTTIN and SIGTTOU stop;
                            * the user_data is that of the launch */
    gboolean background;   /* of a job: not in the foreground of its terminal */
} OshBoxLaunch;

/* A started program. */
typedef struct {
    guint32 id;   /* names it in osh_box_signal(); never reused in a box */
    int pidfd;    /* (transfer full): -1 once taken, closed after the callback otherwise */
    pid_t pid;    /* as the host sees it */
    int terminal; /* (transfer full): the PTY's master or -1; the same rule */
} OshBoxProcess;

/**
 * OshBoxLaunched:
 * @process: (nullable): the running program; %NULL when it could not be started
 * @error: (nullable): why; borrowed
 */
typedef void (*OshBoxLaunched)(OshBoxHandle *box, OshBoxProcess *process, const GError *error,
                               gpointer user_data);

/**
 * OshBoxExited:
 * @status: as from waitpid(); a program that died with its box has SIGKILL
 *
 * Called once for each program whose OshBoxLaunched had a process, after that.
 */
typedef void (*OshBoxExited)(OshBoxHandle *box, guint32 id, int status, gpointer user_data);

/**
 * OshBoxDied:
 * @reason: what happened, one sentence; borrowed
 *
 * Init is gone without having been asked to go; every program has been reported before.
 */
typedef void (*OshBoxDied)(OshBoxHandle *box, const char *reason, gpointer user_data);

typedef void (*OshBoxClosed)(OshBoxHandle *box, gpointer user_data);

/**
 * osh_box_open:
 * @plan: what the box is made of
 * @died: (nullable): called when init dies unasked
 * @user_data: for @died
 * @error: return location
 *
 * Makes the namespaces, the tree, the network and the sockets. No program runs yet. Blocks for
 * about two milliseconds, ten seconds at most. On an error nothing is left behind.
 *
 * Returns: (transfer full) (nullable): the box
 */
OshBoxHandle *osh_box_open(const OshBoxPlan *plan, OshBoxDied died, gpointer user_data,
                           GError **error);

/**
 * osh_box_take_socket:
 * @index: of OshBoxPlan.sockets
 *
 * Returns: the descriptor, which is the caller's now; -1 when it was taken before
 */
int osh_box_take_socket(OshBoxHandle *box, gsize index);

/**
 * osh_box_new_socket:
 * @family: AF_INET or AF_INET6
 * @type: SOCK_STREAM or SOCK_DGRAM
 *
 * A non-blocking socket in the box's network, such as for a connection to a server in the box.
 * Blocks for one round trip to init (about 50 µs).
 *
 * Returns: the descriptor, or -1 with @error set
 */
int osh_box_new_socket(OshBoxHandle *box, int family, int type, GError **error);

/**
 * osh_box_degraded:
 *
 * Returns: OSH_INIT_DEGRADED_ bits: what the box lacks of what was asked for
 */
guint32 osh_box_degraded(OshBoxHandle *box);

/**
 * osh_box_init_pid:
 *
 * Returns: the pid of the box's init as the host sees it
 */
pid_t osh_box_init_pid(OshBoxHandle *box);

/**
 * osh_box_init_pidfd:
 *
 * Returns: (transfer none): a pidfd of the box's init
 */
int osh_box_init_pidfd(OshBoxHandle *box);

/**
 * osh_box_seal:
 * @seal: contributed files, the last netlink batches, the Landlock rules
 * @error: return location
 *
 * Finishes the box; after it programs can be launched and nothing can be added. A failed seal
 * leaves a box that can only be closed.
 *
 * Returns: %TRUE on success
 */
gboolean osh_box_seal(OshBoxHandle *box, const OshBoxSeal *seal, GError **error);

/**
 * osh_box_launch:
 * @launch: the program
 * @launched: called once, never from within this function
 * @exited: (nullable): called when it has ended
 * @user_data: for both
 * @error: return location
 *
 * Returns: the id of the program; 0 with @error set when it could not even be asked for, in which
 *   case no callback follows
 */
guint32 osh_box_launch(OshBoxHandle *box, const OshBoxLaunch *launch, OshBoxLaunched launched,
                       OshBoxExited exited, gpointer user_data, GError **error);

/**
 * osh_box_signal:
 * @id: of a launch; 0 for everything in the box
 * @signal: the signal
 * @group: to its process group
 * @error: return location
 *
 * Returns: %TRUE when the request went out; a program that has ended already is not an error
 */
gboolean osh_box_signal(OshBoxHandle *box, guint32 id, int signal, gboolean group, GError **error);

/**
 * osh_box_set_foreground:
 * @id: of a launch; nothing is done for one that is no job with a terminal
 * @foreground: whether its process group is that of its terminal's foreground
 *
 * A group that a program of the box has put there itself is left in it when @foreground is %FALSE.
 */
void osh_box_set_foreground(OshBoxHandle *box, guint32 id, gboolean foreground);

/** osh_box_control: Returns: (transfer none): becomes readable when init says something; not to be
 * read. */
int osh_box_control(OshBoxHandle *box);

/**
 * osh_box_close:
 * @grace_ms: how long programs may take after SIGTERM; 0 kills at once
 * @closed: (nullable): called when nothing of the box is left
 *
 * Programs that are still there after the grace are killed. Exits are reported before @closed.
 */
void osh_box_close(OshBoxHandle *box, guint grace_ms, OshBoxClosed closed, gpointer user_data);

/**
 * osh_box_free:
 * @box: (transfer full) (nullable): a box
 *
 * Kills whatever is left, waits for init and closes every descriptor. No callback is called. Not
 * to be called from within a callback of the box other than @closed.
 */
void osh_box_free(OshBoxHandle *box);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OshBoxHandle, osh_box_free)

G_END_DECLS
