/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of init, without a C library: init runs before anything is known to work in a
 * box, must be small enough to read in one sitting and must not allocate. Each wrapper returns
 * what the kernel returned, a negative errno on failure.
 */
#pragma once

#include <asm/poll.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
static inline long
osh_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long
osh_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "init knows the system calls of x86_64 and aarch64 only"
#endif

/* Pads a call with zeros: CALL(close, fd), CALL(openat, AT_FDCWD, path, flags, 0). */
#define OSH_CALL_7(n, a, b, c, d, e, f, ...)                                                       \
    osh_syscall(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(...) OSH_CALL_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* What the kernel's own headers leave to the C library. */
#define OSH_SOCK_STREAM   1
#define OSH_SOCK_DGRAM    2
#define OSH_SOCK_RAW      3
#define OSH_SOCK_CLOEXEC  02000000
#define OSH_SOCK_NONBLOCK 00004000
#define OSH_AF_INET       2
#define OSH_AF_INET6      10
#define OSH_AF_NETLINK    16
#define OSH_MSG_CLOEXEC   0x40000000
#define OSH_MSG_NOSIGNAL  0x4000
#define OSH_MSG_CTRUNC    8
#define OSH_MSG_TRUNC     0x20
#define OSH_SCM_RIGHTS    1
#define OSH_SOL_SOCKET    1
#define OSH_SO_RCVTIMEO   20
#define OSH_PROT_READ     1
#define OSH_PROT_WRITE    2
#define OSH_MAP_PRIVATE   2
#define OSH_SEEK_END      2
#define OSH_WNOHANG       1
#define OSH_WUNTRACED     2
#define OSH_WCONTINUED    8
#define OSH_MNT_DETACH    2
#define OSH_RLIMIT_CORE   4
#define OSH_SIG_SETMASK   2
#define OSH_CLOSE_CLOEXEC 4
#define OSH_CLONE_PIDFD   0x00001000
#define OSH_SIGNAL_COUNT  64

struct osh_iovec {
    void *base;
    size_t length;
};

struct osh_message_header {
    void *name;
    int name_length;
    struct osh_iovec *parts;
    size_t part_count;
    void *control;
    size_t control_length;
    unsigned flags;
};

/* One SCM_RIGHTS message; init sends and takes no other kind. */
struct osh_descriptor_message {
    size_t length;
    int level;
    int type;
    int fds[];
};

struct osh_limit64 {
    uint64_t soft;
    uint64_t hard;
};

struct osh_winsize {
    uint16_t rows;
    uint16_t columns;
    uint16_t x_pixels;
    uint16_t y_pixels;
};

static inline void
osh_close(int fd)
{
    if (fd >= 0)
        CALL(close, fd);
}

static inline _Noreturn void
osh_exit(int code)
{
    for (;;)
        CALL(exit_group, code);
}
