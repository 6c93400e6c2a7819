/* What the fuzz targets of the network share: a reader of the input, packets made of it, and gates that see what passes
 * between two nodes.
 *
 * The world of an input lives as long as the input, its trace as long as the process (a reset keeps its pages). Packets
 * are made in one of two ways: of fields taken from a few addresses and ports, so that they meet each other's state, or
 * of raw bytes of IP, through hp_packet_parse() as they would come from a TUN device. */
#ifndef HP_TESTS_FUZZ_NET_H
#define HP_TESTS_FUZZ_NET_H

#include <glib.h>
#include <string.h>

#include "check.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "world/fragment.h"
#include "world/host.h"
#include "world/tcp.h"

enum { TRACE_BYTES = 16 << 20, STEPS_MAX = 200, WIRE_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input ---- */

typedef struct reader {
    const uint8_t *data;
    size_t left;
} reader;

static inline uint8_t take(reader *r)
{
    if (r->left == 0) {
        return 0;
    }
    r->left--;
    return *r->data++;
}

static inline uint16_t take16(reader *r)
{
    uint8_t high = take(r);
    return (uint16_t)(high << 8 | take(r));
}

static inline uint32_t take32(reader *r)
{
    uint32_t high = take16(r);
    return high << 16 | take16(r);
}

static inline const uint8_t *take_bytes(reader *r, size_t *length)
{
    const uint8_t *bytes = r->data;
    *length = MIN(*length, r->left);
    r->data += *length;
    r->left -= *length;
    return bytes;
}

static inline hp_trace *net_trace(void)
{
    static hp_trace *trace;
    if (trace == NULL) {
        trace = hp_trace_new_sized(TRACE_BYTES, NULL);
        CHECK(trace != NULL);
    }
    hp_trace_reset(trace);
    return trace;
}

static inline void net_pass_time(hp_world *world, hp_time span)
{
    GError *error = NULL;
    bool ran = hp_world_run_until(world, hp_time_add(hp_world_now(world), span), &error);
    CHECK(ran && error == NULL); /* not a million events at one instant */
}

/* A span that is short or reaches over every timer of a NAT. */
static inline hp_time take_span(reader *r)
{
    static const hp_time units[] = {HP_US, HP_MS, HP_S, 60 * HP_S};
    uint8_t how = take(r);
    return (how & 63) * units[how >> 6];
}

/* ---- packets ---- */

/* Inside hosts, outside hosts, the NAT's external address, its inside one; by a number. IPv6 has the same roles. */
enum { NET_INSIDE, NET_OUTSIDE, NET_EXTERNAL, NET_GATEWAY };

static inline hp_addr net_addr(bool v6, unsigned role, unsigned n, uint16_t port)
{
    static const uint32_t bases[] = {0x0a000002, 0xc6336401, 0xcb007101, 0x0a000001};
    if (!v6) {
        return hp_addr_v4(bases[role] + n, port);
    }
    uint8_t ip[16] = {role == NET_INSIDE || role == NET_GATEWAY ? 0xfd : 0x20, 0x01, 0x0d, 0xb8};
    ip[7] = (uint8_t)role;
    ip[15] = (uint8_t)(n + 1);
    return hp_addr_v6(ip, port);
}

/* One of few ports, so that flows meet. */
static inline uint16_t take_port(reader *r)
{
    static const uint16_t ports[] = {80, 3478, 5000, 5001, 1023, 50000, 0, 65535};
    return ports[take(r) & 7];
}

static inline hp_packet *net_udp(reader *r, const hp_addr *src, const hp_addr *dst)
{
    size_t length = take(r);
    const uint8_t *data = take_bytes(r, &length);
    return hp_packet_new(HP_PROTO_UDP, src, dst, data, length);
}

static inline hp_packet *net_tcp(reader *r, const hp_addr *src, const hp_addr *dst)
{
    uint8_t how = take(r);
    hp_tcp_header h = {.flags = take(r) & 0x3f,
                       .seq = (how & 1) != 0 ? take32(r) : 1000 + (how >> 4),
                       .ack = (how & 2) != 0 ? take32(r) : 1000 + (how >> 4),
                       .window = 1000};
    if ((how & 4) != 0) {
        h.mss = take16(r);
        h.has_window_scale = true;
        h.window_scale = take(r) & 15;
    }
    uint8_t segment[HP_TCP_HEADER_ROOM + 16] = {0};
    size_t length = hp_tcp_write(&h, segment, HP_TCP_HEADER_ROOM);
    return hp_packet_new(HP_PROTO_TCP, src, dst, segment, length + ((how & 8) != 0 ? 16 : 0));
}

static inline hp_packet *net_echo(reader *r, const hp_addr *src, const hp_addr *dst)
{
    bool v6 = src->family == HP_AF_IPV6;
    uint8_t how = take(r);
    hp_packet *p = hp_packet_new(v6 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP, src, dst, "ping", 4);
    p->icmp_kind = (how & 1) != 0 ? HP_ICMP_ECHO_REQUEST : HP_ICMP_ECHO_REPLY;
    p->src.port = p->dst.port = 7 + (how >> 1 & 3);
    return p;
}

/* A packet of any protocol between the two, sometimes one that is about to die, or damaged. */
static inline hp_packet *net_packet(reader *r, hp_addr src, hp_addr dst)
{
    uint8_t how = take(r);
    src.port = take_port(r);
    dst.port = take_port(r);
    hp_packet *p;
    switch (how & 3) {
    case 0:
    case 1:
        p = net_udp(r, &src, &dst);
        break;
    case 2:
        p = net_tcp(r, &src, &dst);
        break;
    default:
        p = net_echo(r, &src, &dst);
        break;
    }
    p->ttl = (how & 0x0c) == 0x0c ? how >> 4 & 3 : 64;
    p->dont_fragment = src.family == HP_AF_IPV6 || (how & 0x40) != 0;
    p->corrupt = (how & 0x8c) == 0x84;
    return p;
}

/* Raw bytes of IP with what nobody could guess put right: version, lengths, the IPv4 header's checksum, and addresses,
 * of which the first byte chooses. NULL when they are no packet all the same. */
static inline hp_packet *net_raw(reader *r, hp_addr src, hp_addr dst)
{
    uint8_t bytes[512];
    uint8_t how = take(r);
    size_t length = take(r) * 2;
    const uint8_t *data = take_bytes(r, &length);
    memcpy(bytes, data, length);
    bool v6 = src.family == HP_AF_IPV6;
    if ((how & 1) != 0 && !v6 && length >= HP_IPV4_HEADER) {
        size_t header = (how & 2) != 0 ? MAX((size_t)(bytes[0] & 15) * 4, HP_IPV4_HEADER) : HP_IPV4_HEADER;
        header = MIN(header, length / 4 * 4);
        bytes[0] = (uint8_t)(0x40 | header / 4);
        hp_put16(bytes + 2, (uint16_t)length);
        bytes[8] = 64;
        memcpy(bytes + 12, src.ip, 4);
        memcpy(bytes + 16, dst.ip, 4);
        hp_put16(bytes + 10, 0);
        hp_put16(bytes + 10, (uint16_t)~hp_packet_sum(bytes, header));
    } else if ((how & 1) != 0 && v6 && length >= HP_IPV6_HEADER) {
        bytes[0] = 0x60;
        hp_put16(bytes + 4, (uint16_t)(length - HP_IPV6_HEADER));
        bytes[7] = 64;
        memcpy(bytes + 8, src.ip, 16);
        memcpy(bytes + 24, dst.ip, 16);
    }
    return hp_packet_parse(bytes, length, NULL);
}

/* What is parsed can be written, and then read again to the same. */
static inline void net_check_codec(const hp_packet *p)
{
    uint8_t out[WIRE_MAX], again[WIRE_MAX];
    size_t length = hp_packet_write(p, out, sizeof out);
    CHECK(length > 0 && length == hp_packet_wire_length(p));
    CHECK(hp_packet_write(p, again, length - 1) == 0);
    g_autoptr(hp_packet) q = hp_packet_parse(out, length, NULL);
    CHECK(q != NULL && hp_addr_equal(&q->src, &p->src) && hp_addr_equal(&q->dst, &p->dst));
    CHECK(q->proto == p->proto && q->ttl == p->ttl && q->tos == p->tos && q->length == p->length);
    CHECK(q->icmp_kind == p->icmp_kind && q->frag_offset == p->frag_offset && q->frag_more == p->frag_more);
    CHECK((q->inner != NULL) == (p->inner != NULL));
    CHECK(hp_packet_write(q, again, sizeof again) == length && (p->corrupt || memcmp(out, again, length) == 0));
}

/* An ICMP error about `quoted`, with some bytes of what it quotes replaced by the input's: what a router or a liar may
 * send. NULL where it is none any more. */
static inline hp_packet *net_error_about(reader *r, const hp_addr *from, const hp_packet *quoted)
{
    uint8_t how = take(r), bytes[WIRE_MAX];
    hp_icmp_kind kind = (hp_icmp_kind)(HP_ICMP_PORT_UNREACHABLE + (how & 7));
    g_autoptr(hp_packet) whole = hp_packet_icmp_error(kind, from, quoted, take16(r));
    size_t length = whole != NULL ? hp_packet_write(whole, bytes, sizeof bytes) : 0;
    size_t header = from->family == HP_AF_IPV6 ? HP_IPV6_HEADER : HP_IPV4_HEADER;
    if (length <= header + HP_ICMP_HEADER) {
        return NULL;
    }
    size_t quoted_length = length - header - HP_ICMP_HEADER;
    for (unsigned i = how >> 3 & 3; i > 0; i--) {
        size_t at = take16(r) % quoted_length;
        bytes[header + HP_ICMP_HEADER + at] = take(r);
    }
    hp_packet *p = hp_packet_parse(bytes, length, NULL);
    if (p != NULL && (how & 0xe0) != 0) {
        p->corrupt = false; /* as if whoever bent it had mended the checksum */
    }
    return p;
}

/* ---- gates ---- */

/* Sees what passes from its port 0 to 1 and back. */
typedef struct gate {
    hp_node node;
    void (*see)(void *user, unsigned port, const hp_packet *p);
    void *user;
    hp_packet *latest[2]; /* a copy of what came in at each port last, or NULL */
} gate;

static inline void gate_receive(hp_node *node, unsigned port, hp_packet *p)
{
    gate *g = (gate *)node;
    hp_packet_free(g->latest[port]);
    g->latest[port] = hp_packet_copy(p);
    if (g->see != NULL) {
        g->see(g->user, port, p);
    }
    if (hp_node_is_connected(node, 1 - port)) {
        hp_node_emit(node, 1 - port, p);
    } else {
        hp_packet_free(p);
    }
}

static inline void gate_free(hp_node *node)
{
    gate *g = (gate *)node;
    hp_packet_free(g->latest[0]);
    hp_packet_free(g->latest[1]);
    hp_node_clear(node);
    g_free(g);
}

static inline gate *gate_new(hp_world *world, const char *name, void (*see)(void *, unsigned, const hp_packet *),
                             void *user)
{
    static const hp_node_ops ops = {.kind = "gate", .receive = gate_receive, .free = gate_free};
    gate *g = g_new0(gate, 1);
    hp_node_init(&g->node, &ops, world, name);
    g->see = see;
    g->user = user;
    return g;
}

/* Both ways. */
static inline void net_join(hp_node *a, unsigned a_port, hp_node *b, unsigned b_port)
{
    hp_node_connect(a, a_port, b, b_port);
    hp_node_connect(b, b_port, a, a_port);
}

#endif
