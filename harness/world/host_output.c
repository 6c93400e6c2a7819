/* What leaves a host: identification, fragmentation at the source, the way round to the host itself, ICMP errors.
 *
 * A packet for one of the host's own addresses never meets a wire: it is recorded at a tap of its own, "host/lo", once
 * (on its way out; seen twice there, it would look sent twice), waits in a queue, and comes in by a timer at the same
 * instant, so that a callback that answers itself does not nest.
 *
 * Every IPv4 packet that may be fragmented, and every datagram of a socket that leaves DF to the host, has an
 * identification from a counter that starts at a random place; what is sent with DF on request has none (RFC 6864 section
 * 4.1). An IPv6 packet gets one when it is fragmented here.
 *
 * DF is what Linux makes of it by default (IP_PMTUDISC_WANT; measured, tests/live/test_kernel_df.c): an IPv4 datagram has
 * it as long as it fits the known path MTU, and is cut here, without it, when it does not. So the first datagram that is
 * too large for the path is lost, and the fragments of later ones are no larger than the path. Who asks for DF
 * (IP_PMTUDISC_PROBE, which is what an agent that probes for itself wants) goes by the interface's MTU alone: what is too
 * large for the path keeps failing on the way.
 *
 * Path MTU (RFC 1191 section 6.3, RFC 8201 section 4): a fragmentation-needed or packet-too-big error lowers the MTU
 * towards that destination for ten minutes. None raises it: it may be late, or forged. An IPv6 one that speaks of less than
 * 1280 bytes is ignored. An IPv4 one that speaks of less than 552 (or of nothing: an old router's zero) makes it 552 and
 * *locked*: nothing to that destination has DF then, and the path may cut it further, as Linux does (min_pmtu).
 *
 * Limits: 1,000 path MTUs are remembered, then all are forgotten. ICMP errors are not rate-limited. */
#include "world/host_backend.h"

#include <assert.h>

enum { IPV4_MIN_MTU = 552, IPV6_MIN_MTU = 1280, MAX_MTU = 65535, MAX_PATH_MTUS = 1000 };
#define PATH_MTU_LIFETIME (600 * HP_S)

/* An entry of path_mtu in one word: the MTU in 17 bits, whether it is locked, above that the second at which it is
 * forgotten. */
enum { LOCKED_BIT = 17, SECOND_BIT = 18 };
static_assert(sizeof(uintptr_t) >= 8, "an entry of path_mtu needs 64 bits");

typedef struct path {
    uint32_t mtu; /* UINT32_MAX: not known */
    bool locked;
} path;

static path known_path(const hp_host *host, const hp_addr *dst)
{
    if (host->path_mtu.n == 0) {
        return (path){.mtu = UINT32_MAX};
    }
    hp_addr ip = hp_addr_with_port(*dst, 0);
    const uintptr_t *entry = hp_addr_map_find(&host->path_mtu, &ip);
    if (entry == NULL || hp_world_now(host->node.world) / HP_S >= *entry >> SECOND_BIT) {
        return (path){.mtu = UINT32_MAX};
    }
    return (path){.mtu = (uint32_t)(*entry & ((1U << LOCKED_BIT) - 1)), .locked = (*entry >> LOCKED_BIT & 1) != 0};
}

void hp_host_learn_path_mtu(hp_host *host, const hp_addr *dst, uint32_t mtu)
{
    const path known = known_path(host, dst);
    bool locked = false;
    if (dst->family == HP_AF_IPV6 ? mtu < IPV6_MIN_MTU : known.locked) {
        return;
    }
    if (dst->family == HP_AF_IPV4 && mtu < IPV4_MIN_MTU) {
        mtu = MIN(IPV4_MIN_MTU, known.mtu);
        locked = true;
    }
    if (mtu > MAX_MTU || (mtu >= known.mtu && !locked)) {
        return;
    }
    hp_addr ip = hp_addr_with_port(*dst, 0);
    if (host->path_mtu.n >= MAX_PATH_MTUS && hp_addr_map_find(&host->path_mtu, &ip) == NULL) {
        hp_addr_map_clear(&host->path_mtu);
    }
    uint64_t forgotten_s = hp_time_add(hp_world_now(host->node.world), PATH_MTU_LIFETIME) / HP_S;
    hp_addr_map_set(&host->path_mtu, &ip,
                    (uintptr_t)(forgotten_s << SECOND_BIT | (uint64_t)locked << LOCKED_BIT | mtu));
}

static uint16_t new_ip_id(hp_host *host)
{
    uint16_t id = host->next_ip_id++;
    return id != 0 ? id : host->next_ip_id++;
}

typedef struct way_out {
    hp_host *host;
    unsigned interface;
} way_out;

static void send_piece(void *user, hp_packet *p)
{
    way_out *way = user;
    hp_host_record(way->host, way->interface, HP_DIR_OUT, p);
    hp_node_emit(&way->host->node, way->interface, p);
}

static bool send_in_pieces(hp_host *host, unsigned interface, hp_packet *p, uint32_t length, uint32_t mtu)
{
    way_out way = {.host = host, .interface = interface};
    if (p->ip_id == 0) {
        p->ip_id = new_ip_id(host);
    }
    if (!p->dont_fragment && hp_fragment(p, mtu, send_piece, &way)) {
        hp_packet_free(p);
        return true;
    }
    char detail[64];
    g_snprintf(detail, sizeof detail, "%u bytes, the interface's MTU is %u", length, mtu);
    hp_node_drop(&host->node, p, HP_DROP_LINK_MTU, detail);
    return false;
}

uint32_t hp_host_mtu_to(const hp_host *host, unsigned interface, const hp_addr *dst)
{
    return MIN(known_path(host, dst).mtu, hp_host_interface_at(host, interface)->mtu);
}

bool hp_host_output(hp_host *host, unsigned interface, hp_packet *p)
{
    if (p->uid == 0) {
        p->uid = hp_world_new_uid(host->node.world);
    }
    if (p->ip_id == 0 && p->src.family == HP_AF_IPV4 && !p->dont_fragment) {
        p->ip_id = new_ip_id(host);
    }
    if (G_UNLIKELY(hp_host_reachable_at(host, &p->dst) >= 0)) {
        hp_host_record_loop(host, p);
        g_queue_push_tail(&host->loop, p);
        if (!hp_timer_is_armed(&host->loop_timer)) {
            hp_timer_arm(host->node.world, &host->loop_timer, hp_world_now(host->node.world));
        }
        return true;
    }
    uint32_t length = (uint32_t)hp_packet_wire_length(p);
    uint32_t mtu = p->dont_fragment && p->dst.family == HP_AF_IPV4 ? hp_host_interface_at(host, interface)->mtu
                                                                   : hp_host_mtu_to(host, interface, &p->dst);
    if (G_UNLIKELY(length > mtu)) {
        return send_in_pieces(host, interface, p, length, mtu);
    }
    hp_host_record(host, interface, HP_DIR_OUT, p);
    hp_node_emit(&host->node, interface, p);
    return true;
}

/* Whether the host's own way is to send it with DF. */
static bool wants_df(const hp_host *host, unsigned interface, const hp_packet *p)
{
    const path known = known_path(host, &p->dst);
    const uint32_t mtu = MIN(known.mtu, hp_host_interface_at(host, interface)->mtu);
    return !known.locked && (hp_packet_wire_length(p) <= mtu || hp_host_reachable_at(host, &p->dst) >= 0);
}

bool hp_host_output_datagram(hp_host *host, unsigned interface, hp_packet *p, bool may_fragment)
{
    if (p->src.family == HP_AF_IPV4 && !p->dont_fragment) {
        p->ip_id = new_ip_id(host);
        p->dont_fragment = !may_fragment && wants_df(host, interface, p);
    }
    return hp_host_output(host, interface, p);
}

void hp_host_deliver_loop(void *owner, hp_time now)
{
    hp_host *host = owner;
    hp_packet *p = g_queue_pop_head(&host->loop);
    if (!g_queue_is_empty(&host->loop)) {
        hp_timer_arm(host->node.world, &host->loop_timer, now);
    }
    int interface = hp_host_reachable_at(host, &p->dst);
    if (interface < 0) {
        hp_node_drop(&host->node, p, HP_DROP_HOST_DOWN, "the address went away");
        return;
    }
    hp_host_input(host, (unsigned)interface, p);
}

bool hp_host_may_leave(hp_host *host, unsigned interface, hp_packet *p)
{
    if (interface >= host->interfaces->len) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, "no such interface");
        return false;
    }
    if (!hp_host_interface_at(host, interface)->up) {
        hp_node_drop(&host->node, p, HP_DROP_HOST_DOWN, NULL);
        return false;
    }
    return true;
}

void hp_host_send_packet(hp_host *host, unsigned interface, hp_packet *p)
{
    if (p->src.family != p->dst.family || p->src.family == HP_AF_NONE) {
        hp_node_drop(&host->node, p, HP_DROP_BAD_SOURCE, "source and destination are not of one family");
        return;
    }
    if (!hp_host_may_leave(host, interface, p)) {
        return;
    }
    if (host->backend != NULL) {
        host->backend->send_packet(host, interface, p);
        return;
    }
    hp_host_output(host, interface, p);
}

void hp_host_send_error(hp_host *host, hp_icmp_kind kind, const hp_packet *p)
{
    int interface = hp_host_reachable_at(host, &p->dst);
    if (host->silent || interface < 0) {
        return;
    }
    hp_addr from = hp_addr_with_port(p->dst, 0);
    hp_packet *icmp = hp_packet_icmp_error(kind, &from, p, 0);
    if (icmp != NULL) {
        hp_host_output(host, (unsigned)interface, icmp);
    }
}
