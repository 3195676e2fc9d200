/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host and the init of a box say to each other.
 *
 * The two talk over one SOCK_SEQPACKET socket pair: a request is one small struct, a reply is one
 * small struct, descriptors travel with them by SCM_RIGHTS. What is long (mounts, argument lists,
 * filter programs) stands in a plan: one sealed memfd that begins with the struct of its request
 * and refers to the rest by offsets from its own start. Init maps it privately and checks every
 * offset before use. The host is trusted by init; the checks turn a bug in the host into an error
 * message instead of a box that lacks a protection.
 *
 * Both sides are built from one tree, so there is no version negotiation, only a check.
 * This header is included by a program without a C library: only fixed-width types here.
 */
#pragma once

#include <stdint.h>

#define OSH_INIT_MAGIC      0x4f534849u /* "OSHI" */
#define OSH_INIT_VERSION    1u
#define OSH_INIT_CONTROL_FD 3

/* Bounds that init enforces and that the host checks first, to give the better message. */
#define OSH_INIT_MAX_PLAN      (16u * 1024 * 1024)
#define OSH_INIT_MAX_SOCKETS   32u
#define OSH_INIT_MAX_LAUNCHES  256u
#define OSH_INIT_MAX_FILTERS   4u
#define OSH_INIT_MAX_GROUPS    256u
#define OSH_INIT_MAX_STDIO_FDS 3u
#define OSH_INIT_MAX_PATH      4096u

/* A range of the plan, in bytes from its start; a size of 0 is "none". */
struct osh_init_span {
    uint32_t offset;
    uint32_t size;
};

/* An array in the plan: `count` structs of the type that the member's comment names. */
struct osh_init_table {
    uint32_t offset;
    uint32_t count;
};

/* The first member of every plan. */
struct osh_init_plan {
    uint32_t magic;
    uint32_t version;
    uint32_t size; /* of the whole plan */
    uint32_t request;
};

enum osh_init_request_type {
    OSH_INIT_OPEN = 1, /* plan: osh_init_open_plan; answer carries the sockets in plan order */
    OSH_INIT_SEAL,     /* plan: osh_init_seal_plan, then a file for the osh_init_rule_report; answer
                        * carries the listener of the connect filter where there is one */
    OSH_INIT_LAUNCH,   /* plan: osh_init_launch_plan, then the stdio descriptors; answer carries
                        * the pidfd, then the PTY's master where one was asked for */
    OSH_INIT_SIGNAL,   /* to one launch, or to all with id 0; answered */
    OSH_INIT_SOCKET,   /* a fresh unconnected socket of the box's network; answer carries it */
    OSH_INIT_TERMINATE,  /* SIGTERM and SIGCONT to all; answered when no process is left */
    OSH_INIT_FOREGROUND, /* puts the process group of a job into the foreground of its terminal, or
                          * takes it out; answered */
};

/* One request. The plan, where there is one, is the first descriptor. */
struct osh_init_request {
    uint32_t type;
    uint32_t id; /* chosen by the host, not 0 for a launch; comes back in the answers */
    int32_t signal;
    uint32_t group; /* signal the process group of the launch rather than its first process */
    int32_t family; /* of OSH_INIT_SOCKET */
    int32_t socket_type;
    uint32_t foreground; /* of OSH_INIT_FOREGROUND */
};

enum osh_init_reply_type {
    OSH_INIT_DONE = 1, /* the request `request` with `id` is done */
    OSH_INIT_FAILED,   /* it failed at `stage` with `error`, nothing of it is left */
    OSH_INIT_EXITED,   /* the launch `id` has ended with `status` as waitpid() gives it */
    OSH_INIT_STOPPED,  /* the job `id` was stopped by the signal `status`, 0: it was continued */
};

/* Where a request failed. The order is that of the work, names stand in box-error.c. */
enum osh_init_stage {
    OSH_INIT_STAGE_NONE,
    OSH_INIT_STAGE_PROTOCOL, /* the request itself: size, bounds, order */
    OSH_INIT_STAGE_START,    /* init's own hardening */
    OSH_INIT_STAGE_ROOT,     /* the new root and the change to it */
    OSH_INIT_STAGE_MOUNT,
    OSH_INIT_STAGE_PROC,
    OSH_INIT_STAGE_DEVICES,
    OSH_INIT_STAGE_HOSTNAME,
    OSH_INIT_STAGE_NETLINK, /* `detail` is the index of the batch */
    OSH_INIT_STAGE_SOCKET,  /* `detail` is the index of the socket */
    OSH_INIT_STAGE_FILE,
    OSH_INIT_STAGE_LANDLOCK,
    OSH_INIT_STAGE_CAPABILITIES,
    OSH_INIT_STAGE_TERMINAL,
    OSH_INIT_STAGE_PROCESS, /* the new process itself */
    OSH_INIT_STAGE_SESSION,
    OSH_INIT_STAGE_STDIO,
    OSH_INIT_STAGE_LIMITS,
    OSH_INIT_STAGE_IDENTITY,
    OSH_INIT_STAGE_RESTRICT, /* no_new_privs and Landlock on the process */
    OSH_INIT_STAGE_CWD,
    OSH_INIT_STAGE_SECCOMP,
    OSH_INIT_STAGE_EXEC,
    OSH_INIT_STAGE_COUNT,
};

/* What was asked for, could not be had and was allowed to be missing; bits of `degraded`. */
#define OSH_INIT_DEGRADED_HOST_PROC (1u << 0) /* the host's /proc, a fresh one was refused */
#define OSH_INIT_DEGRADED_MOUNTS    (1u << 1) /* `detail` optional mounts were left out */
#define OSH_INIT_DEGRADED_RULES     (1u << 2) /* `detail` optional Landlock rules were left out */
#define OSH_INIT_DEGRADED_CONNECT   (1u << 3) /* the kernel does not notify of connect(2) */

struct osh_init_reply {
    uint32_t type;
    uint32_t request;
    uint32_t id;
    uint32_t stage;
    int32_t error; /* positive errno */
    uint32_t detail;
    uint32_t degraded;
    int32_t status;
    uint32_t fd_count;
    char path[216]; /* what it was about; cut at the end, always terminated */
};

/* --- OPEN ----------------------------------------------------------------------------------- */

enum osh_init_mount_kind {
    OSH_INIT_MOUNT_DIRECTORY = 1, /* made where missing, with `mode` */
    OSH_INIT_MOUNT_SYMLINK,       /* `source` is its text */
    OSH_INIT_MOUNT_BIND,          /* of the host's `source`, which must hold no symlink, with all
                                   * that is mounted below; the target is made where missing */
    OSH_INIT_MOUNT_TMPFS,         /* `mode`; `source` is more mount data, such as size=64m */
    OSH_INIT_MOUNT_PROC,
    OSH_INIT_MOUNT_DEVPTS,
    OSH_INIT_MOUNT_SETTLE, /* change the attributes of the mount that is there */
};

#define OSH_INIT_MOUNT_READ_ONLY (1u << 0)
#define OSH_INIT_MOUNT_NODEV     (1u << 1)
#define OSH_INIT_MOUNT_NOEXEC    (1u << 2)
#define OSH_INIT_MOUNT_OPTIONAL  (1u << 3) /* a missing source or target is counted, not fatal */
#define OSH_INIT_MOUNT_IS_FOLDER                                                                   \
    (1u << 4)                             /* BIND: the source must be a directory, else must not   \
                                           */
#define OSH_INIT_MOUNT_BOX_USER (1u << 5) /* DIRECTORY, TMPFS: owned by the user of the box */
#define OSH_INIT_MOUNT_IS_LINK  (1u << 6) /* BIND: a symlink itself; none is bound without it */

/* Every mount is nosuid. Done in the order of the table. */
struct osh_init_mount {
    uint32_t kind;
    uint32_t flags;
    uint32_t mode;
    uint32_t source; /* offset of a NUL-terminated string, 0 is "none" */
    uint32_t target; /* the same; absolute, as seen in the box */
};

/* One send on a netlink socket and the acknowledgements to wait for. */
struct osh_init_netlink {
    int32_t protocol; /* NETLINK_ROUTE, NETLINK_NETFILTER */
    uint32_t acks;    /* successes to wait for; an error ends the wait at once */
    struct osh_init_span bytes;
};

enum osh_init_socket_kind {
    OSH_INIT_SOCKET_TCP_LISTENER = 1,
    OSH_INIT_SOCKET_UDP,
    OSH_INIT_SOCKET_NETLINK, /* NFLOG and sock_diag; `netlink` is sent on it before it is handed out
                              */
};

/* Non-blocking, close-on-exec, neither SO_REUSEADDR nor SO_REUSEPORT, IPv6 never dual-stack. */
struct osh_init_socket {
    uint32_t kind;
    int32_t family; /* AF_INET, AF_INET6 */
    uint8_t address[16];
    uint16_t port; /* host byte order */
    uint16_t backlog;
    uint32_t transparent; /* IP_TRANSPARENT, IPV6_TRANSPARENT */
    uint32_t packet_info; /* IP_PKTINFO and the original destination with each datagram */
    struct osh_init_netlink netlink;
};

#define OSH_INIT_OPEN_ROOT_IS_HOST   (1u << 0) /* the policy grants "/": it is bound as the root */
#define OSH_INIT_OPEN_ROOT_READ_ONLY (1u << 1) /* and read-only */
#define OSH_INIT_OPEN_HOST_PROC_OK   (1u << 2) /* the host's /proc where a fresh one is refused */

struct osh_init_open_plan {
    struct osh_init_plan plan;
    uint32_t flags;
    uint32_t uid; /* the user of the box: owner of what is made for it */
    uint32_t gid;
    struct osh_init_span hostname;
    struct osh_init_table mounts;   /* osh_init_mount */
    struct osh_init_table netlinks; /* osh_init_netlink */
    struct osh_init_table sockets;  /* osh_init_socket */
};

/* --- SEAL ----------------------------------------------------------------------------------- */

/* A read-only file in the box. Bound over what is there; made only in the box's own memory. */
struct osh_init_file {
    uint32_t path; /* offset of a NUL-terminated string */
    uint32_t mode;
    struct osh_init_span bytes;
};

/* Rights that make no sense for the inode that the path leads to are left out. */
struct osh_init_path_rule {
    uint64_t rights;
    uint32_t path; /* offset of a NUL-terminated string, as seen in the box */
    uint32_t optional;
};

/* What became of a path rule; one for each, in their order. */
struct osh_init_rule_report {
    uint64_t rights; /* those that fit the inode and were added */
    int32_t error;   /* positive errno: it was left out */
    uint16_t is_folder;
    uint16_t done; /* 1 */
};

/* Both masks 0: no Landlock at all, the host has decided and reported that. */
struct osh_init_seal_plan {
    struct osh_init_plan plan;
    uint64_t handled_fs;
    uint64_t scoped;
    uint32_t restrict_flags; /* of landlock_restrict_self() */
    uint32_t uid;            /* owner of the contributed files */
    uint32_t gid;
    struct osh_init_table files;      /* osh_init_file */
    struct osh_init_table netlinks;   /* osh_init_netlink, sent before anything can run */
    struct osh_init_table path_rules; /* osh_init_path_rule */
    /* struct sock_filter[]: put on init itself, so that all of the box inherits it, and listened to
     * by the host. Init makes no call that it notifies of. */
    struct osh_init_span connect_filter;
};

/* --- LAUNCH --------------------------------------------------------------------------------- */

#define OSH_INIT_STDIO_NULL     (-1)
#define OSH_INIT_STDIO_TERMINAL (-2)

#define OSH_INIT_LAUNCH_SWITCH_USER                                                                \
    (1u << 0)                              /* setgroups, setresgid, setresuid; else only checked */
#define OSH_INIT_LAUNCH_TERMINAL (1u << 1) /* a PTY of the box, controlling the new session */
/* A process group of init's own session, as a shell makes one: a group whose parent is of another
 * session is an orphan, and the kernel drops SIGTSTP, SIGTTIN and SIGTTOU to it. Its stops are
 * reported. Only the first one with a terminal is a job; another gets a session of its own. */
#define OSH_INIT_LAUNCH_JOB        (1u << 2)
#define OSH_INIT_LAUNCH_BACKGROUND (1u << 3) /* of a job: not in the foreground of its terminal */

#define OSH_INIT_LAUNCH_MODES (1u << 4) /* the PTY has `modes` before the program starts */

/* The kernel's struct termios, as TCSETS takes it on the machines that init knows. */
struct osh_init_modes {
    uint32_t input;
    uint32_t output;
    uint32_t control;
    uint32_t local;
    uint8_t line;
    uint8_t characters[19];
};

struct osh_init_limit {
    uint32_t resource;
    uint32_t reserved;
    uint64_t soft;
    uint64_t hard;
};

struct osh_init_launch_plan {
    struct osh_init_plan plan;
    uint32_t flags;
    uint32_t uid;
    uint32_t gid;
    uint32_t program;     /* offset of a string: argv[0], or the file to run */
    uint32_t search_path; /* offset of a string: directories for a program without a slash */
    uint32_t cwd;         /* offset of a string, 0: "/" */
    int32_t stdio[3];     /* index of a passed descriptor, or OSH_INIT_STDIO_ */
    uint16_t rows;
    uint16_t columns;
    struct osh_init_modes modes;
    /* Tables of uint64_t string offsets with a closing 0 that `count` does not include. They are
     * turned into pointers in place, which is why a plan is mapped privately. */
    struct osh_init_table arguments;
    struct osh_init_table environment;
    struct osh_init_table groups;  /* uint32_t */
    struct osh_init_table limits;  /* osh_init_limit */
    struct osh_init_table filters; /* osh_init_span of struct sock_filter[], installed in order */
};
