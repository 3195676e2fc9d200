/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer-world PROGRAM [ARGUMENT...]: runs a test program in a small world of its own.
 *
 * The world is a network with nothing but lo, on which 10.77.0.1, 10.77.0.2 and fd77::1 are
 * addresses like any other, and the ports from 80 up anybody's; a /etc/hosts of its own; and a PID
 * namespace, so that whatever a test leaves behind dies with it. Nothing outside is changed.
 *
 * As root the program stays root. As an ordinary user the world is a user namespace that maps the
 * user's own ids to themselves: the program is that user and, as after any exec by somebody who is
 * not root, has no capability. It exits as the program does, 128+n for a signal; 125 when the
 * world cannot be made. SIGTERM, SIGINT and SIGHUP are passed on, so that the program can remove
 * what it made; two seconds later the world is killed.
 *
 * Single-threaded. Never run by the product.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <unistd.h>

#define EXIT_NO_WORLD 125
#define GRACE         2 /* seconds */

static const char hosts_text[] =
    "127.0.0.1 localhost\n"
    "::1 localhost\n"
    "10.77.0.1 origin.test api.example.test git.example.test in.example\n"
    "10.77.0.2 other.test\n"
    "10.77.0.1 two.test\n"
    "10.77.0.2 two.test\n"
    "fd77::1 six.test\n"
    "192.31.196.7 public.test www.public.test\n"
    "127.0.0.1 sneaky.test\n"
    "64:ff9b::a4d:1 private.nat64.test\n"
    "64:ff9b::c01f:c407 public.nat64.test\n"
    "64:ff9b::7f00:1 loopback.nat64.test\n"
    "64:ff9b:1:a4d:0:100:: local.nat64.test\n";

/* A request to the kernel and its one address. */
struct address_request {
    struct nlmsghdr header;
    struct ifaddrmsg message;
    struct rtattr attribute;
    unsigned char address[16];
};

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
    int saved = errno;
    va_list arguments;

    fputs("outer-world: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, ": %s\n", strerror(saved));
    exit(EXIT_NO_WORLD);
}

static void
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
        fail("cannot write %s", path);
}

static void
enter_namespaces(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[64];

    if (uid == 0) {
        if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0)
            fail("cannot make namespaces");
        return;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0)
        fail("cannot make a user namespace (is kernel.unprivileged_userns_clone 0?)");
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", map);
}

static void
add_address(int netlink, int family, const char *text)
{
    size_t size = family == AF_INET ? 4 : 16;
    struct address_request request = {
        .header = {.nlmsg_type = RTM_NEWADDR,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
        .message = {.ifa_family = (unsigned char)family,
                    .ifa_prefixlen = (unsigned char)(size * 8),
                    .ifa_flags = IFA_F_NODAD,
                    .ifa_index = 1},
        .attribute = {.rta_type = IFA_LOCAL, .rta_len = (unsigned short)RTA_LENGTH(size)},
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer;

    if (inet_pton(family, text, request.address) != 1)
        fail("cannot read the address %s", text);
    request.header.nlmsg_len =
        (unsigned int)(NLMSG_LENGTH(sizeof request.message) + RTA_LENGTH(size));
    if (send(netlink, &request, request.header.nlmsg_len, 0) < 0 ||
        recv(netlink, &answer, sizeof answer, 0) < (ssize_t)NLMSG_LENGTH(sizeof answer.error))
        fail("cannot ask for the address %s", text);
    errno = -answer.error.error;
    if (answer.header.nlmsg_type != NLMSG_ERROR || errno != 0)
        fail("cannot add the address %s", text);
}

/* The kernel gives an IPv6 address its local route later, from a work queue; the route of its
 * prefix, which leads nowhere on lo, is there at once. So what counts is that the address answers.
 */
static void
wait_for_answer(const char *text)
{
    const struct timeval patience = {.tv_usec = 5000};
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(9)};

    if (inet_pton(AF_INET6, text, &address.sin6_addr) != 1)
        fail("cannot read the address %s", text);
    for (unsigned int i = 0; i < 2000; i++) {
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int answered = fd >= 0 &&
                       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
                       connect(fd, (struct sockaddr *)(void *)&address, sizeof address) != 0 &&
                       errno == ECONNREFUSED;

        close(fd);
        if (answered)
            return;
    }
    fail("nothing answers at %s", text);
}

static void
bring_up_network(void)
{
    /* The last three are as a NAT64 translator has them: 10.77.0.1 and 192.31.196.7, and 10.77.0.1
     * with the prefix that every network may use. */
    static const char *const addresses6[] = {"fd77::1", "64:ff9b::a4d:1", "64:ff9b::c01f:c407",
                                             "64:ff9b:1:a4d:0:100::"};
    size_t n = sizeof addresses6 / sizeof addresses6[0];
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (control < 0 || ioctl(control, SIOCSIFFLAGS, &request) != 0)
        fail("cannot bring lo up");
    if (netlink < 0)
        fail("cannot open a netlink socket");
    add_address(netlink, AF_INET, "10.77.0.1");
    add_address(netlink, AF_INET, "10.77.0.2");
    /* Counts as public, is set aside for nobody's own use (RFC 7535), and stays in this world. */
    add_address(netlink, AF_INET, "192.31.196.7");
    for (size_t i = 0; i < n; i++)
        add_address(netlink, AF_INET6, addresses6[i]);
    for (size_t i = 0; i < n; i++)
        wait_for_answer(addresses6[i]);
    /* Of this network alone: an ordinary user's origin too can have the port that a Host without
     * one means. */
    write_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80");
    close(control);
    close(netlink);
}

static void
mount_files(void)
{
    static const char store[] = "/media";
    static const char path[] = "/media/hosts";
    int fd;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 &&
        mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        fail("cannot make the mounts private");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        fail("cannot mount a fresh /proc");
    /* The file keeps its name in a file system that only its bind keeps alive: over a file without
     * a name the box could not mount its own. */
    if (mount("tmpfs", store, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
        fail("cannot mount over %s", store);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0 || fchmod(fd, 0444) != 0 || write(fd, hosts_text, strlen(hosts_text)) < 0)
        fail("cannot write %s", path);
    close(fd);
    if (mount(path, "/etc/hosts", NULL, MS_BIND, NULL) != 0)
        fail("cannot bind /etc/hosts");
    umount2(store, MNT_DETACH);
}

static volatile pid_t below;

static void
pass_on(int number)
{
    /* PID 1 of a namespace gets no signal that it has no handler for, but always SIGKILL. */
    if (number == SIGALRM)
        kill(below, SIGKILL);
    else if (kill(below, number) == 0)
        alarm(GRACE);
}

/* What ends this process ends @process first. */
static void
pass_signals_on_to(pid_t process)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM};
    struct sigaction action = {.sa_handler = pass_on};

    below = process;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* PID 1 of the world: starts the program, reaps whatever comes, ends as the program ends. */
static int
run_program(char **argv)
{
    pid_t program = fork();
    pid_t reaped;
    int status = 0;
    int result = EXIT_NO_WORLD;

    if (program < 0)
        fail("cannot fork");
    if (program == 0) {
        execvp(argv[0], argv);
        fail("cannot run %s", argv[0]);
    }
    pass_signals_on_to(program);
    do {
        reaped = waitpid(-1, &status, 0);
    } while (reaped != program && (reaped > 0 || errno == EINTR));
    if (reaped == program)
        result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

int
main(int argc, char **argv)
{
    pid_t init;
    int status;

    if (argc < 2) {
        fputs("usage: outer-world PROGRAM [ARGUMENT...]\n", stderr);
        return EXIT_NO_WORLD;
    }
    enter_namespaces();
    init = fork();
    if (init < 0)
        fail("cannot fork");
    if (init == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Seen from the new PID namespace a living parent is 0, a dead one too: nothing to
         * compare. The parent only waits, so the window is harmless. */
        mount_files();
        bring_up_network();
        return run_program(argv + 1);
    }
    pass_signals_on_to(init);
    while (waitpid(init, &status, 0) != init) {
        if (errno != EINTR)
            fail("cannot wait");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
