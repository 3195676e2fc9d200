/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox-net contract, lived through: a provider with a real loopback listener and a data
 * plane that claims it, and beside it peer-identity, which answers who connected.
 */
#include "openshell/ext/draft/sandbox-net.h"

#include <sys/socket.h>
#include <unistd.h>

#include "openshell/ext/draft/peer-identity.h"

typedef struct {
    int listener;
    guint16 port;
} Net;

static void
net_init(Net *net)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);

    net->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(net->listener, (struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(listen(net->listener, 4), ==, 0);
    g_assert_cmpint(getsockname(net->listener, (struct sockaddr *)&address, &length), ==, 0);
    net->port = ntohs(address.sin_port);
}

static gsize
net_claim(gpointer instance, OshSandboxListenerKind kind, OshSandboxListener *ret_listeners,
          gsize capacity)
{
    Net *net = instance;

    if (kind != OSH_SANDBOX_LISTENER_PROXY || capacity < 1 || net->listener < 0)
        return 0;
    ret_listeners[0] = (OshSandboxListener){.struct_size = sizeof(OshSandboxListener),
                                            .kind = kind,
                                            .fd = net->listener,
                                            .port = net->port};
    net->listener = -1;
    return 1;
}

static const char *
net_resolver_address(gpointer instance)
{
    (void)instance;
    return "10.200.0.1";
}

static const OshSandboxNetInterface net_vtable = {
    .struct_size = sizeof(OshSandboxNetInterface),
    .claim = net_claim,
    .resolver_address = net_resolver_address,
};

static void
identity_lookup(gpointer instance, const OshPeerTuple *tuple, gint64 deadline, OshPeerFunc done,
                gpointer data)
{
    OshSpan ancestors[] = {OSH_SPAN_LITERAL("/bin/sh")};
    OshPeer peer = {.struct_size = sizeof(OshPeer),
                    .pid = 42,
                    .binary = OSH_SPAN_LITERAL("/usr/bin/curl"),
                    .ancestors = ancestors,
                    .n_ancestors = 1};
    g_autoptr(GError) error = NULL;

    (void)instance;
    (void)deadline;
    if (tuple->client_port == 0)
        error = g_error_new(OSH_ERROR, OSH_ERROR_NOT_FOUND, "no socket has this tuple");
    done(error == NULL ? &peer : NULL, error, data);
}

static void
identity_owners(gpointer instance, const OshPeerTuple *tuple, const OshSpan *known, gsize n_known,
                gint64 deadline, OshPeerOwnersFunc done, gpointer data)
{
    OshPeer peer = {.struct_size = sizeof(OshPeer),
                    .pid = 42,
                    .binary = OSH_SPAN_LITERAL("/usr/bin/curl"),
                    .basis = OSH_PEER_BASIS_OWNERS};

    (void)instance;
    (void)known;
    (void)n_known;
    (void)deadline;
    if (tuple->client_port != 0)
        done(OSH_PEER_OWNERS_ONE, &peer, NULL, data);
    else
        done(OSH_PEER_OWNERS_CLOSED, NULL, "no socket has this tuple", data);
}

static const OshPeerIdentityInterface identity_vtable = {
    .struct_size = sizeof(OshPeerIdentityInterface),
    .lookup = identity_lookup,
    .owners = identity_owners,
};

static void
keep_owners(OshPeerOwners owners, const OshPeer *peer, const char *problem, gpointer data)
{
    g_assert_true((peer == NULL) == (problem != NULL));
    *(OshPeerOwners *)data = owners;
}

static void
count_peer(const OshPeer *peer, const GError *error, gpointer data)
{
    gint *score = data;

    g_assert_true((peer == NULL) == (error != NULL));
    *score += peer != NULL ? 1 : 100;
}

static void
refuse_connect(int fd, const GError *error, gpointer data)
{
    g_assert_cmpint(fd, ==, -1);
    g_assert_error(error, OSH_ERROR, OSH_ERROR_UNSUPPORTED);
    *(gboolean *)data = TRUE;
}

static void
test_listener_is_claimed_once_and_works(void)
{
    Net state;
    OshInterface net = {"test", &net_vtable, &state};
    OshSandboxListener listeners[2] = {{.fd = -1}};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int client;
    int accepted;

    net_init(&state);
    g_assert_cmpuint(osh_sandbox_net_claim(&net, OSH_SANDBOX_LISTENER_DNS_UDP, listeners, 2), ==,
                     0);
    g_assert_cmpuint(osh_sandbox_net_claim(&net, OSH_SANDBOX_LISTENER_PROXY, listeners, 2), ==, 1);
    g_assert_cmpuint(osh_sandbox_net_claim(&net, OSH_SANDBOX_LISTENER_PROXY, listeners + 1, 1), ==,
                     0);
    address.sin_port = htons(listeners[0].port);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(connect(client, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    accepted = accept(listeners[0].fd, NULL, NULL);
    g_assert_cmpint(accepted, >=, 0);
    g_assert_cmpstr(osh_sandbox_net_resolver_address(&net), ==, "10.200.0.1");
    close(accepted);
    close(client);
    close(listeners[0].fd);
}

static void
test_peer_is_found_by_its_exact_tuple(void)
{
    OshInterface identity = {"test", &identity_vtable, NULL};
    OshPeerTuple tuple = {.struct_size = sizeof(OshPeerTuple),
                          .protocol = IPPROTO_TCP,
                          .client_port = 40000,
                          .destination_port = 443};
    OshPeerOwners owners = OSH_PEER_OWNERS_UNCERTAIN;
    gint score = 0;

    osh_peer_identity_lookup(&identity, &tuple, 0, count_peer, &score);
    g_assert_cmpint(score, ==, 1);
    osh_peer_identity_owners(&identity, &tuple, NULL, 0, 0, keep_owners, &owners);
    g_assert_cmpint(owners, ==, OSH_PEER_OWNERS_ONE);
    tuple.client_port = 0;
    osh_peer_identity_lookup(&identity, &tuple, 0, count_peer, &score);
    g_assert_cmpint(score, ==, 101);
    osh_peer_identity_owners(&identity, &tuple, NULL, 0, 0, keep_owners, &owners);
    g_assert_cmpint(owners, ==, OSH_PEER_OWNERS_CLOSED);
}

static void
test_missing_functions_have_their_stated_default(void)
{
    static const OshSandboxNetInterface small_net = {.struct_size = sizeof(guint32)};
    static const OshPeerIdentityInterface small_identity = {.struct_size = sizeof(guint32)};
    OshInterface net = {"old", &small_net, NULL};
    OshInterface identity = {"old", &small_identity, NULL};
    OshPeerTuple tuple = {.struct_size = sizeof(OshPeerTuple)};
    OshSandboxListener listener;
    gboolean refused = FALSE;
    OshPeerOwners owners = OSH_PEER_OWNERS_ONE;
    gint score = 0;

    g_assert_cmpuint(osh_sandbox_net_claim(&net, OSH_SANDBOX_LISTENER_PROXY, &listener, 1), ==, 0);
    g_assert_cmpint(osh_sandbox_net_diag_socket(&net), ==, -1);
    g_assert_null(osh_sandbox_net_resolver_address(&net));
    osh_sandbox_net_connect_loopback(&net, 80, refuse_connect, &refused);
    g_assert_true(refused);
    osh_peer_identity_lookup(&identity, &tuple, 0, count_peer, &score);
    g_assert_cmpint(score, ==, 100);
    osh_peer_identity_owners(&identity, &tuple, NULL, 0, 0, keep_owners, &owners);
    g_assert_cmpint(owners, ==, OSH_PEER_OWNERS_UNCERTAIN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sdk/sandbox-net/listener-is-claimed-once-and-works",
                    test_listener_is_claimed_once_and_works);
    g_test_add_func("/sdk/peer-identity/peer-is-found-by-its-exact-tuple",
                    test_peer_is_found_by_its_exact_tuple);
    g_test_add_func("/sdk/sandbox-net/missing-functions-have-their-stated-default",
                    test_missing_functions_have_their_stated_default);
    return g_test_run();
}
