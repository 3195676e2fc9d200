/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that connect in every way they can think of, for tests/long/identity.py, which copies
 * this program twice: the copy named "allowed" may connect, any other may not.
 *
 *   serve ADDRESS PORT               echoes, until it is killed
 *   storm ADDRESS PORT COUNT SEED    50 programs at a time until COUNT connections were tried
 *   work ADDRESS PORT COUNT SEED FD  one of them; a byte for each connection goes to FD
 *   sleep ADDRESS PORT               parks what it inherited for a while
 *
 * The bytes: 'a' an allowed program was served, 'A' it was not; 'o' another one was not, 'O' it
 * was; 'p' an allowed one that shares its socket with another program, which may be served or not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS  50
#define FEWEST    10
#define MOST      60
#define PARK_USEC 30000

static struct sockaddr_in place;
static char *self;
static char **arguments;
static int results = -1;
static unsigned state;

static unsigned
chance(unsigned below)
{
    state = state * 1103515245u + 12345u;
    return (state >> 16) % below;
}

static int
is_allowed(const char *path)
{
    return strcmp(strrchr(path, '/') + 1, "allowed") == 0;
}

/* Returns: whether a byte came back. */
static int
talk(int fd)
{
    const struct timeval limit = {.tv_sec = 10};
    char byte = 'x';

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return send(fd, &byte, 1, MSG_NOSIGNAL) == 1 && recv(fd, &byte, 1, 0) == 1;
}

static void
report(int served, int shared)
{
    char result = is_allowed(self) ? (shared ? 'p' : served ? 'a' : 'A') : served ? 'O' : 'o';

    if (result == 'A')
        fprintf(stderr, "refused: %s\n", strerror(errno));
    if (write(results, &result, 1) != 1)
        _exit(1);
}

static void
connect_and_report(int fd, int shared)
{
    int served = connect(fd, (struct sockaddr *)(void *)&place, sizeof place) == 0 && talk(fd);

    report(served, shared);
}

static int
new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        _exit(3);
    return fd;
}

static void
sibling(char *path)
{
    snprintf(path, 4096, "%s", self);
    strcpy(strrchr(path, '/') + 1, is_allowed(self) ? "other" : "allowed");
}

static void *
connect_in_thread(void *data)
{
    connect_and_report(*(int *)data, 0);
    return NULL;
}

static void
in_a_thread(int fd)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, connect_in_thread, &fd) == 0)
        pthread_join(thread, NULL);
}

static void
in_a_child(int fd, int twice)
{
    pid_t child = fork();

    if (child == 0) {
        if (twice && fork() != 0)
            _exit(0);
        connect_and_report(fd, 0);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

/* Another program holds the socket too, from before the call. */
static void
parked(int fd)
{
    char path[4096];
    pid_t child;

    sibling(path);
    child = fork();
    if (child == 0) {
        char *command[] = {path, (char *)"sleep", arguments[2], arguments[3], NULL};

        fcntl(fd, F_SETFD, 0);
        execv(path, command);
        _exit(4);
    }
    usleep(chance(3000));
    connect_and_report(fd, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* After the first thread has ended the second one connects. */
static void *
connect_alone(void *data)
{
    usleep(1000);
    connect_and_report(*(int *)data, 0);
    _exit(0);
}

static void
without_first_thread(int fd)
{
    pid_t child = fork();

    if (child == 0) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, connect_alone, &fd) == 0)
            syscall(SYS_exit, 0);
        _exit(5);
    }
    waitpid(child, NULL, 0);
}

static volatile int swapping;

static void *
swap(void *data)
{
    const int *fds = data;

    while (swapping) {
        dup2(fds[1], fds[0]);
        dup2(fds[2], fds[0]);
    }
    return NULL;
}

/* What is looked at is not what is connected. Whatever comes of it is this program's own. */
static void
swapped(int fd)
{
    int fds[3] = {dup(fd), fd, new_socket()};
    pthread_t thread;
    int served = 0;

    swapping = 1;
    if (pthread_create(&thread, NULL, swap, fds) != 0)
        _exit(6);
    for (int i = 0; i < 3; i++)
        connect(fds[0], (struct sockaddr *)(void *)&place, sizeof place);
    swapping = 0;
    pthread_join(thread, NULL);
    served = talk(fds[1]) | talk(fds[2]);
    close(fds[0]);
    close(fds[2]);
    report(served, 1);
}

static void
one_connection(void)
{
    int fd = new_socket();

    switch (chance(12)) {
    case 0:
        in_a_thread(fd);
        break;
    case 1:
        in_a_child(fd, 0);
        break;
    case 2:
        in_a_child(fd, 1);
        break;
    case 3:
        parked(fd);
        break;
    case 4:
        without_first_thread(fd);
        break;
    case 5:
        swapped(fd);
        break;
    default:
        connect_and_report(fd, 0);
        break;
    }
    close(fd);
}

/* Becomes the same program anew, or the other one. */
static void
begin_again(int left)
{
    char path[4096];
    char count[16];
    char seed[16];
    char *command[] = {path,  (char *)"work", arguments[2], arguments[3],
                       count, seed,           arguments[6], NULL};

    if (chance(2) == 0)
        snprintf(path, sizeof path, "%s", self);
    else
        sibling(path);
    snprintf(count, sizeof count, "%d", left);
    snprintf(seed, sizeof seed, "%u", chance(1000000));
    execv(path, command);
    _exit(7);
}

static void
work(int count)
{
    signal(SIGPIPE, SIG_IGN);
    for (int left = count; left > 0; left--) {
        if (left < count && chance(20) == 0)
            begin_again(left);
        one_connection();
    }
}

static pid_t
start(const char *folder, int fd)
{
    pid_t child;
    char path[4096];
    char count[16];
    char seed[16];
    char results_fd[16];
    char *command[] = {path,  (char *)"work", arguments[2], arguments[3],
                       count, seed,           results_fd,   NULL};

    snprintf(path, sizeof path, "%s/%s", folder, chance(2) == 0 ? "allowed" : "other");
    snprintf(count, sizeof count, "%u", FEWEST + chance(MOST - FEWEST));
    snprintf(seed, sizeof seed, "%u", chance(1000000));
    snprintf(results_fd, sizeof results_fd, "%d", fd);
    child = fork();
    if (child == 0) {
        execv(path, command);
        _exit(8);
    }
    return child;
}

static int
storm(long count)
{
    char path[4096];
    const char *folder;
    long totals[256] = {0};
    long done = 0;
    int running = 0;
    int broken = 0;
    int pipes[2];

    snprintf(path, sizeof path, "%s", self);
    folder = dirname(path);
    if (pipe(pipes) != 0)
        return 1;
    fcntl(pipes[0], F_SETFD, FD_CLOEXEC);
    fcntl(pipes[0], F_SETFL, O_NONBLOCK);
    while (done < count || running > 0) {
        struct pollfd watched = {.fd = pipes[0], .events = POLLIN};
        unsigned char got[4096];
        ssize_t n;
        int status;

        while (running < PROGRAMS && done < count && start(folder, pipes[1]) > 0)
            running++;
        poll(&watched, 1, 20);
        while ((n = read(pipes[0], got, sizeof got)) > 0) {
            done += n;
            for (ssize_t i = 0; i < n; i++)
                totals[got[i]]++;
        }
        while (running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
            running--;
            broken += status != 0;
        }
    }
    printf("connections %ld allowed-served %ld allowed-refused %ld other-refused %ld "
           "other-served %ld shared %ld broken %d\n",
           done, totals['a'], totals['A'], totals['o'], totals['O'], totals['p'], broken);
    return 0;
}

static int
serve(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    const int on = 1;

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)(void *)&place, sizeof place) != 0 ||
        listen(listener, 4096) != 0)
        return 1;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event ready[256];
        int n = epoll_wait(epoll, ready, 256, -1);

        for (int i = 0; i < n; i++) {
            char bytes[4096];
            int fd = ready[i].data.fd;
            ssize_t size;

            if (fd == listener) {
                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (event.data.fd >= 0)
                    epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            size = recv(fd, bytes, sizeof bytes, 0);
            if (size <= 0 || send(fd, bytes, (size_t)size, MSG_NOSIGNAL) != size)
                close(fd);
        }
    }
}

int
main(int argc, char **argv)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (argc < 4 || n <= 0)
        return 2;
    self = path;
    arguments = argv;
    place.sin_family = AF_INET;
    place.sin_port = htons((unsigned short)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &place.sin_addr) != 1)
        return 2;
    if (argc > 5)
        state = (unsigned)atoi(argv[5]);
    if (strcmp(argv[1], "serve") == 0)
        return serve();
    if (strcmp(argv[1], "sleep") == 0)
        return usleep(PARK_USEC);
    if (strcmp(argv[1], "storm") == 0 && argc > 5)
        return storm(atol(argv[4]));
    if (strcmp(argv[1], "work") != 0 || argc < 7)
        return 2;
    results = atoi(argv[6]);
    work(atoi(argv[4]));
    return 0;
}
