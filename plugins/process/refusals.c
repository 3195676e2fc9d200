/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusals.c: what a box's network refused, as denials on the bus, with the program that tried.
 *
 * [main]. The socket behind a packet is looked up at once, while it is likely to exist; the
 * scanner's thread finds its owning process. Where the socket is gone, is owned by several programs
 * or by none, the denial names the uid and no program: none is guessed. What is known of a
 * sender is kept for the counts that follow within its second. Nothing waits for an answer when
 * the box ends: what is open then is published as it is.
 */
#include "process-plugin.h"

#include <arpa/inet.h>
#include <string.h>

/* The reader reports at most 256 kinds a second. */
#define MAX_SENDERS   512
#define LOSS_COUNTED  "refused packets were not recorded one by one: there were too many"
#define LOSS_UNKNOWN  "refused packets were not recorded: the kernel's log overflowed"
#define SENDER_MEMORY (3 * G_TIME_SPAN_SECOND)

struct OshRefusalWatch {
    OshBox *box;
    OshNflogReader *reader;
    OshSocketDiag *diag;
    GHashTable *senders; /* OshRefusedPacket -> Sender */
};

/* The program that sent packets of one kind. */
typedef struct {
    OshRefusalWatch *watch;
    OshRefusedPacket packet;
    gint64 last_seen;
    OshIdentityLookup *lookup; /* while it is not known */
    guint64 held;              /* packets that wait for the answer */
    OshPeerIdentity *peer;     /* (nullable) */
    char *problem;             /* (nullable) why there is no one program */
} Sender;

static void
sender_free(gpointer data)
{
    Sender *sender = data;

    osh_identity_lookup_cancel(sender->lookup);
    osh_peer_identity_unref(sender->peer);
    g_free(sender->problem);
    g_free(sender);
}

static void
publish(OshRefusalWatch *watch, const OshRefusal *refusal, const OshPeerIdentity *peer,
        const char *problem, guint64 count)
{
    OshBox *box = watch->box;
    const OshEventNetworkDenied denied = {
        .layer = "capture",
        .host = refusal->host,
        .port = refusal->port,
        .binary = peer != NULL ? peer->shown_binary : "-",
        .reason = refusal->reason,
        .hint = refusal->hint,
        .packets = count,
        .protocol = refusal->protocol[0] != '\0' ? refusal->protocol : NULL,
        .has_uid = refusal->uid != OSH_NFLOG_NO_UID,
        .uid = refusal->uid,
        .pid = peer != NULL ? (guint32)peer->pid : 0,
        .problem = problem,
    };
    OshPublication publication = {
        .struct_size = sizeof(OshPublication),
        .topic = box->plugin->network_denied,
        .process_key = peer != NULL ? peer->process_key : 0,
        .payload = osh_event_network_denied_pack(&denied),
    };
    g_autofree char *collapse =
        g_strdup_printf("capture|%s|%u|%s", refusal->host, refusal->port, refusal->reason);

    /* What is a count already is not collapsed again: the sum of all events stays exact. */
    publication.collapse_key = count == 1 ? collapse : NULL;
    osh_host_publish(box->plugin->host, &publication);
}

static void
publish_packet(const Sender *sender, guint64 count)
{
    g_auto(OshRefusal) refusal = {0};

    osh_refusal_describe(&sender->packet, sender->watch->box->network_served, &refusal);
    publish(sender->watch, &refusal, sender->peer, sender->problem, count);
}

static void
sender_known(OshIdentityAnswer answer, OshPeerIdentity *peer, const char *problem, gint64 read_at,
             gpointer data)
{
    Sender *sender = data;

    (void)read_at;
    sender->lookup = NULL;
    if (answer == OSH_IDENTITY_FOUND)
        sender->peer = osh_peer_identity_ref(peer);
    else
        sender->problem = g_strdup(problem);
    publish_packet(sender, sender->held);
    sender->held = 0;
}

static gboolean
sender_is_old(gpointer key, gpointer value, gpointer data)
{
    const Sender *sender = value;

    (void)key;
    return sender->lookup == NULL && sender->last_seen < *(const gint64 *)data;
}

static gboolean
has_sockets(guint8 protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

static void
sender_look_up(Sender *sender)
{
    const OshRefusedPacket *packet = &sender->packet;
    OshRefusalWatch *watch = sender->watch;
    OshIdentityScanner *scanner = watch->box->plugin->scanner;
    const OshPeerTuple tuple = {
        .struct_size = sizeof tuple,
        .protocol = packet->protocol,
        .client = packet->source,
        .destination = packet->destination,
        .client_port = packet->source_port,
        .destination_port = packet->destination_port,
    };
    OshSocketFound found;

    if (!has_sockets(packet->protocol) || packet->source_port == 0 || scanner == NULL ||
        watch->diag == NULL)
        return;
    if (osh_socket_diag_find(watch->diag, &tuple, &found) == 0 && found.inode != 0)
        sender->lookup = osh_identity_lookup_name(scanner, OSH_IDENTITY_ON_MAIN, found.inode,
                                                  sender_known, sender);
    else
        sender->problem = g_strdup("its socket was closed already");
}

static Sender *
sender_new(OshRefusalWatch *watch, const OshRefusedPacket *packet, gint64 now)
{
    gint64 oldest = now - SENDER_MEMORY;
    Sender *sender;

    if (g_hash_table_size(watch->senders) >= MAX_SENDERS)
        g_hash_table_foreach_remove(watch->senders, sender_is_old, &oldest);
    sender = g_new0(Sender, 1);
    sender->watch = watch;
    sender->packet = *packet;
    g_hash_table_insert(watch->senders, &sender->packet, sender);
    sender_look_up(sender);
    return sender;
}

static void
packet_refused(const OshRefusedPacket *packet, guint64 count, gpointer data)
{
    OshRefusalWatch *watch = data;
    gint64 now = g_get_monotonic_time();
    Sender *sender = g_hash_table_lookup(watch->senders, packet);

    /* An old sender may have been another program with the same port. */
    if (sender != NULL && sender->lookup == NULL && sender->last_seen < now - SENDER_MEMORY) {
        g_hash_table_remove(watch->senders, packet);
        sender = NULL;
    }
    if (sender == NULL)
        sender = sender_new(watch, packet, now);
    sender->last_seen = now;
    if (sender->lookup != NULL)
        sender->held += count;
    else
        publish_packet(sender, count);
}

static void
packets_lost(guint64 count, gpointer data)
{
    const OshRefusal refusal = {
        .host = (char *)"",
        .protocol = "",
        .reason = (char *)(count > 0 ? LOSS_COUNTED : LOSS_UNKNOWN),
        .hint = "look for a program that floods the network",
        .uid = OSH_NFLOG_NO_UID,
    };

    publish(data, &refusal, NULL, NULL, count);
}

void
osh_process_watch_refusals(OshBox *box)
{
    OshRefusalWatch *watch;
    int diag;

    if (box->refusals != NULL)
        return;
    for (gsize i = 0; i < box->network->n_sockets; i++) {
        int fd;

        if (box->network->roles[i] != OSH_NETWORK_SOCKET_NFLOG)
            continue;
        fd = osh_box_take_socket(box->handle, i);
        if (fd < 0)
            return;
        watch = g_new0(OshRefusalWatch, 1);
        watch->box = box;
        watch->senders = g_hash_table_new_full(osh_refused_packet_hash, osh_refused_packet_equal,
                                               NULL, sender_free);
        diag = osh_process_take_diag_socket(box);
        if (diag >= 0)
            watch->diag = osh_socket_diag_new(diag);
        watch->reader = osh_nflog_reader_new(fd, packet_refused, packets_lost, watch);
        box->refusals = watch;
        return;
    }
}

void
osh_refusal_watch_finish(OshRefusalWatch *watch)
{
    GHashTableIter iter;
    gpointer value;

    if (watch == NULL)
        return;
    osh_nflog_reader_flush(watch->reader);
    g_hash_table_iter_init(&iter, watch->senders);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Sender *sender = value;

        if (sender->lookup == NULL)
            continue;
        osh_identity_lookup_cancel(g_steal_pointer(&sender->lookup));
        sender->problem = g_strdup("the box ended before its sender was known");
        publish_packet(sender, sender->held);
    }
}

void
osh_refusal_watch_free(OshRefusalWatch *watch)
{
    if (watch == NULL)
        return;
    osh_nflog_reader_free(watch->reader);
    g_hash_table_unref(watch->senders);
    osh_socket_diag_free(watch->diag);
    g_free(watch);
}
