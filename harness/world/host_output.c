/* What leaves a host: identification, fragmentation at the source, the way round to the host itself, ICMP errors.
 *
 * A packet for one of the host's own addresses never meets a wire: it is recorded at a tap of its own, "host/lo", once
 * (on its way out; seen twice there, it would look sent twice), waits in a queue, and comes in by a timer at the same
 * instant, so that a callback that answers itself does not nest.
 *
 * Every IPv4 packet that may be fragmented has an identification from a counter that starts at a random place; one with
 * DF has none (RFC 6864 section 4.1). An IPv6 packet gets one when it is fragmented here.
 *
 * Path MTU (RFC 8201 section 4): a packet-too-big error lowers the MTU towards that IPv6 destination for ten minutes;
 * larger datagrams are fragmented to it. One that speaks of less than 1280 bytes is ignored, and none raises the MTU:
 * it may be late, or forged. For IPv4 nothing is remembered: what may not be fragmented keeps
 * failing on the way, as with IP_PMTUDISC_PROBE, which is what an agent that probes for itself wants.
 *
 * Limits: 1,000 path MTUs are remembered, then all are forgotten. ICMP errors are not rate-limited. */
#include "world/host_backend.h"

#include <assert.h>

enum { IPV6_MIN_MTU = 1280, MAX_MTU = 65535, MAX_PATH_MTUS = 1000 };
#define PATH_MTU_LIFETIME (600 * HP_S)

/* An entry of path_mtu in one word: the MTU in 17 bits, above them the second at which it is forgotten. */
enum { MTU_BITS = 17 };
static_assert(sizeof(uintptr_t) >= 8, "an entry of path_mtu needs 64 bits");

/* The MTU that is known for a destination, or none: UINT32_MAX. */
static uint32_t known_mtu(const hp_host *host, const hp_addr *dst)
{
    if (host->path_mtu.n == 0) {
        return UINT32_MAX;
    }
    hp_addr ip = hp_addr_with_port(*dst, 0);
    const uintptr_t *entry = hp_addr_map_find(&host->path_mtu, &ip);
    if (entry == NULL || hp_world_now(host->node.world) / HP_S >= *entry >> MTU_BITS) {
        return UINT32_MAX;
    }
    return (uint32_t)(*entry & ((1U << MTU_BITS) - 1));
}

void hp_host_learn_path_mtu(hp_host *host, const hp_addr *dst, uint32_t mtu)
{
    if (dst->family != HP_AF_IPV6 || mtu < IPV6_MIN_MTU || mtu > MAX_MTU || mtu >= known_mtu(host, dst)) {
        return;
    }
    hp_addr ip = hp_addr_with_port(*dst, 0);
    if (host->path_mtu.n >= MAX_PATH_MTUS && hp_addr_map_find(&host->path_mtu, &ip) == NULL) {
        hp_addr_map_clear(&host->path_mtu);
    }
    uint64_t forgotten_s = hp_time_add(hp_world_now(host->node.world), PATH_MTU_LIFETIME) / HP_S;
    hp_addr_map_set(&host->path_mtu, &ip, (uintptr_t)(forgotten_s << MTU_BITS | mtu));
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
    return MIN(known_mtu(host, dst), hp_host_interface_at(host, interface)->mtu);
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
    uint32_t mtu = hp_host_mtu_to(host, interface, &p->dst);
    if (G_UNLIKELY(length > mtu)) {
        return send_in_pieces(host, interface, p, length, mtu);
    }
    hp_host_record(host, interface, HP_DIR_OUT, p);
    hp_node_emit(&host->node, interface, p);
    return true;
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

void hp_host_send_packet(hp_host *host, unsigned interface, hp_packet *p)
{
    if (p->src.family != p->dst.family || p->src.family == HP_AF_NONE) {
        hp_node_drop(&host->node, p, HP_DROP_BAD_SOURCE, "source and destination are not of one family");
        return;
    }
    if (interface >= host->interfaces->len) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, "no such interface");
        return;
    }
    if (!hp_host_interface_at(host, interface)->up) {
        hp_node_drop(&host->node, p, HP_DROP_HOST_DOWN, NULL);
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
