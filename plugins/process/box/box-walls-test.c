/* SPDX-License-Identifier: Apache-2.0 */
/* The box with everything that is planned for it: network, Landlock and system call filters. */
#include "box-test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "landlock-plan.h"
#include "landlock-probe.h"
#include "network-plan.h"
#include "seccomp-filter.h"

typedef struct {
    TestBox *test;
    OshNetworkPlan *network;
    OshLandlockPlan *landlock;
    GBytes *clone3;
    GBytes *main;
    OshBoxFilter filters[2];
    OshBoxSeal seal;
} Walls;

static Walls *
walls_new(void)
{
    static const char *const own[] = {"/tmp", "/dev", "/proc", NULL};
    Walls *walls = g_new0(Walls, 1);
    OshLandlockGrants grants = {.own_read_write = own};
    g_autoptr(GError) error = NULL;
    gsize size;
    guint abi;

    walls->test = osh_test_box_new();
    osh_test_box_plan(walls->test, NULL, NULL);
    g_ptr_array_add(walls->test->mounts->read_only, NULL);
    g_ptr_array_add(walls->test->mounts->read_write, NULL);
    grants.read_only = (const char *const *)walls->test->mounts->read_only->pdata;
    grants.read_write = (const char *const *)walls->test->mounts->read_write->pdata;
    osh_landlock_probe(&abi);
    walls->landlock = osh_landlock_plan_new(abi, &grants);
    walls->network = osh_network_plan_new(OSH_NETWORK_CAPTURE_TPROXY, TRUE, OSH_NETWORK_CLAIM_ALL);
    walls->clone3 = osh_seccomp_filter_clone3(&error);
    g_assert_no_error(error);
    walls->main = osh_seccomp_filter_main(OSH_SECCOMP_NETWORK_FENCED, NULL, &error);
    g_assert_no_error(error);
    walls->filters[0].instructions = g_bytes_get_data(walls->clone3, &size);
    walls->filters[0].size = size;
    walls->filters[1].instructions = g_bytes_get_data(walls->main, &size);
    walls->filters[1].size = size;
    walls->seal.handled_fs = walls->landlock->handled_fs;
    walls->seal.scoped = walls->landlock->scoped;
    walls->seal.restrict_flags = walls->landlock->restrict_flags;
    walls->seal.path_rules = (const OshBoxPathRule *)(void *)walls->landlock->rules->data;
    walls->seal.path_rule_count = walls->landlock->rules->len;
    walls->test->seal = &walls->seal;
    walls->test->netlinks = walls->network->netlinks;
    walls->test->netlink_count = G_N_ELEMENTS(walls->network->netlinks);
    walls->test->sockets = walls->network->sockets;
    walls->test->socket_count = walls->network->n_sockets;
    walls->test->filters = walls->filters;
    walls->test->filter_count = G_N_ELEMENTS(walls->filters);
    osh_test_box_open(walls->test);
    return walls;
}

static void
walls_free(Walls *walls)
{
    osh_test_box_free(walls->test);
    osh_network_plan_free(walls->network);
    osh_landlock_plan_free(walls->landlock);
    g_bytes_unref(walls->clone3);
    g_bytes_unref(walls->main);
    g_free(walls);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Walls, walls_free)

static int
take(Walls *walls, OshNetworkSocketRole role)
{
    for (gsize i = 0; i < walls->network->n_sockets; i++) {
        if (walls->network->roles[i] == role)
            return osh_box_take_socket(walls->test->box, i);
    }
    return -1;
}

static void
test_every_wall_is_up(void)
{
    g_autoptr(Walls) walls = walls_new();
    g_autofree char *status = osh_test_box_shell(
        walls->test, "grep -E '^Seccomp(_filters)?:' /proc/self/status | tr -s '\\t' ' '");
    g_autofree char *refused = osh_test_box_shell(
        walls->test,
        "unshare -r true 2>/dev/null || echo unshare; "
        "(echo x > /run/x) 2>/dev/null || echo run; ls /root 2>/dev/null || echo root; "
        "python3 -c 'import ctypes,os; l=ctypes.CDLL(None,use_errno=True); "
        "print(l.ptrace(0,0,0,0), l.syscall(279,0,0))' ");

    g_assert_cmpstr(status, ==, "Seccomp: 2\nSeccomp_filters: 2");
    g_assert_true(g_str_has_prefix(refused, "unshare\nrun\nroot\n-1 -1"));
}

static void
test_a_foreign_connection_is_captured_with_its_destination(void)
{
    g_autoptr(Walls) walls = walls_new();
    int listener = take(walls, OSH_NETWORK_SOCKET_TRANSPARENT_V4);
    struct sockaddr_in destination = {0};
    socklen_t length = sizeof destination;
    struct pollfd waiting;
    g_autofree char *output = NULL;
    int connection;

    g_assert_cmpint(listener, >=, 0);
    /* The kernel accepts for us, so that the program ends before anyone has looked. */
    output =
        osh_test_box_shell(walls->test, "python3 -c 'import socket; "
                                        "s=socket.create_connection((\"203.0.113.7\",4711),3); "
                                        "print(s.getpeername())' 2>&1 | tail -1");
    g_assert_cmpstr(output, ==, "('203.0.113.7', 4711)");
    waiting = (struct pollfd){.fd = listener, .events = POLLIN};
    g_assert_cmpint(poll(&waiting, 1, 1000), ==, 1);
    connection = accept(listener, NULL, NULL);
    g_assert_cmpint(connection, >=, 0);
    g_assert_cmpint(getsockname(connection, (struct sockaddr *)&destination, &length), ==, 0);
    g_assert_cmpint(ntohs(destination.sin_port), ==, 4711);
    g_assert_cmpuint(ntohl(destination.sin_addr.s_addr), ==, 0xcb007107);
    close(connection);
    close(listener);
}

static void
test_what_cannot_be_captured_is_refused_at_once(void)
{
    g_autoptr(Walls) walls = walls_new();
    g_autofree char *udp = osh_test_box_shell(
        walls->test,
        "python3 -c 'import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); "
        "s.settimeout(2); s.connect((\"203.0.113.7\",99)); s.send(b\"x\"); s.recv(1)' "
        "2>&1 | tail -1");
    g_autofree char *raw = osh_test_box_shell(
        walls->test, "python3 -c 'import socket; socket.socket(socket.AF_INET,socket.SOCK_RAW,1)' "
                     "2>&1 | tail -1");

    g_assert_nonnull(strstr(udp, "ConnectionRefusedError"));
    g_assert_nonnull(strstr(raw, "PermissionError"));
}

static void
test_a_server_in_the_box_can_be_reached_by_a_socket_of_its_network(void)
{
    g_autoptr(Walls) walls = walls_new();
    g_autoptr(GError) error = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    int fd = osh_box_new_socket(walls->test->box, AF_INET, SOCK_STREAM, &error);

    g_assert_no_error(error);
    g_assert_cmpint(fd, >=, 0);
    /* Nothing listens on port 1 of its loopback: the refusal is that network's. */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, -1);
    g_assert_true(errno == ECONNREFUSED || errno == EINPROGRESS);
    close(fd);
    g_assert_cmpint(osh_box_new_socket(walls->test->box, AF_UNIX, SOCK_STREAM, &error), ==, -1);
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_NETWORK);
}

static void
test_a_rule_keeps_the_rights_that_fit_its_inode(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    guint64 everything = osh_landlock_read_write_rights(1);
    OshBoxPathRule rules[] = {{.path = "/usr", .rights = everything},
                              {.path = "/lib", .rights = everything},
                              {.path = "/dev/null", .rights = everything},
                              {.path = "/etc/passwd", .rights = everything},
                              {.path = "/no/such/path", .rights = everything, .optional = TRUE}};
    OshBoxSeal seal = {
        .handled_fs = everything, .path_rules = rules, .path_rule_count = G_N_ELEMENTS(rules)};
    g_autofree char *output = NULL;

    test->seal = &seal;
    osh_test_box_open(test);
    output = osh_test_box_shell(test, "head -c 4 /etc/passwd; echo; "
                                      "cat /etc/group 2>/dev/null || echo refused");
    g_assert_cmpstr(output, ==, "root\nrefused");
    g_assert_cmpuint(osh_box_degraded(test->box), ==, OSH_INIT_DEGRADED_RULES);
}

static void
test_a_rule_without_its_path_fails_the_seal(void)
{
    g_autoptr(TestBox) test = osh_test_box_new();
    OshBoxPathRule rule = {.path = "/no/such/path", .rights = 1};
    OshBoxSeal seal = {.handled_fs = 1, .path_rules = &rule, .path_rule_count = 1};
    OshBoxPlan plan = {.uid = test->uid, .gid = test->gid};
    g_autoptr(OshBoxHandle) box = NULL;
    g_autoptr(GError) error = NULL;

    osh_test_box_plan(test, NULL, NULL);
    plan.mounts = test->mounts;
    box = osh_box_open(&plan, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_false(osh_box_seal(box, &seal, &error));
    g_assert_error(error, OSH_BOX_ERROR, OSH_BOX_ERROR_FAILED);
    g_assert_nonnull(strstr(error->message, "/no/such/path"));
}

int
main(int argc, char **argv)
{
    osh_test_box_init(&argc, &argv);
    g_test_add_func("/walls/every wall is up", test_every_wall_is_up);
    g_test_add_func("/walls/a foreign connection is captured with its destination",
                    test_a_foreign_connection_is_captured_with_its_destination);
    g_test_add_func("/walls/what cannot be captured is refused at once",
                    test_what_cannot_be_captured_is_refused_at_once);
    g_test_add_func("/walls/a server in the box can be reached by a socket of its network",
                    test_a_server_in_the_box_can_be_reached_by_a_socket_of_its_network);
    g_test_add_func("/walls/a rule keeps the rights that fit its inode",
                    test_a_rule_keeps_the_rights_that_fit_its_inode);
    g_test_add_func("/walls/a rule without its path fails the seal",
                    test_a_rule_without_its_path_fails_the_seal);
    return g_test_run();
}
