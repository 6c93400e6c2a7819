/* 464XLAT's CLAT, as a phone has it (RFC 6877 sections 6.2 and 6.3): one host, so one IPv4 address and one IPv6 address
 * stand for each other, ports stay, and nothing is kept in mind. The headers are world/translate.c's.
 *
 *   host           CLAT              network                NAT64
 *   192.0.0.2  ->  (is a hop)   ->   source6           ->   its own
 *   203.0.113.10                     Pref64::203.0.113.10   203.0.113.10
 *
 * It is a hop for what it translates and not there for native IPv6. What it translates grows by 20 bytes: a packet
 * with DF that no longer fits meets a Packet Too Big, which is translated back; one without is cut to 1280 bytes.
 *
 * An ICMPv6 error about translated traffic may come from a router that has no IPv4 address: its host sees it from
 * 192.0.0.8, which RFC 7600 set aside for that. Anything else for source6 that does not come from the NAT64's prefix is
 * dropped, as are packets from another IPv4 source than the host's, and IPv4 multicast, link-local and the like. */
#include "world/clat.h"

#include "wire/dns64.h"
#include "world/fragment.h"
#include "world/translate.h"

struct hp_clat {
    hp_node node;
    hp_clat_config config;
    uint32_t taps[2]; /* HP_CLAT_HOST, HP_CLAT_NETWORK */
};

static void record(hp_clat *clat, unsigned side, hp_direction dir, hp_packet *p)
{
    hp_trace *trace = hp_world_trace(clat->node.world);
    if (trace != NULL) {
        hp_trace_packet(trace, hp_world_now(clat->node.world), clat->taps[side], dir, p);
    }
}

/* Answers p where it came from, from the IPv4 side only: an IPv6 sender whose packet ends here hears nothing. */
static void answer(hp_clat *clat, const hp_packet *p, hp_icmp_kind kind)
{
    if (clat->config.own4.family == HP_AF_NONE) {
        return;
    }
    hp_packet *error = hp_packet_icmp_error(kind, &clat->config.own4, p, 0);
    if (error != NULL) {
        error->uid = hp_world_new_uid(clat->node.world);
        record(clat, HP_CLAT_HOST, HP_DIR_OUT, error);
        hp_node_emit(&clat->node, HP_CLAT_HOST, error);
    }
}

static void drop(hp_clat *clat, hp_packet *p, hp_drop_reason reason, const char *detail)
{
    hp_node_drop(&clat->node, p, reason, detail);
}

static void send_piece(void *user, hp_packet *piece)
{
    hp_clat *clat = user;
    record(clat, HP_CLAT_NETWORK, HP_DIR_OUT, piece);
    hp_node_emit(&clat->node, HP_CLAT_NETWORK, piece);
}

/* ---- outwards ---- */

static bool is_reachable(const hp_clat *clat, const hp_addr *a)
{
    bool is_own = hp_addr_same_ip(a, &clat->config.own4) || hp_addr_same_ip(a, &clat->config.host4);
    return !is_own && a->ip[0] != 0 && a->ip[0] != 127 && a->ip[0] < 0xe0 && !hp_addr_is_link_local(a);
}

static hp_addr embed(const hp_clat *clat, const hp_addr *a)
{
    hp_addr v6 = {0};
    hp_dns64_embed(&clat->config.pref64, a, &v6);
    return v6;
}

static void to_network(hp_clat *clat, hp_packet *p)
{
    hp_translate_ends ends = {.src = hp_addr_with_port(clat->config.source6, p->src.port), .dst = embed(clat, &p->dst)};
    if (p->inner != NULL) {
        ends.inner_src = embed(clat, &p->inner->src);
        ends.inner_dst = hp_addr_with_port(clat->config.source6, p->inner->dst.port);
    }
    p->ttl--;
    if (hp_translate(p, HP_AF_IPV4, &ends)) {
        hp_fragment(p, HP_TRANSLATE_MTU, send_piece, clat);
        hp_packet_free(p);
    } else {
        send_piece(clat, p);
    }
}

static void from_host(hp_clat *clat, hp_packet *p)
{
    const char *refusal = hp_translate_refusal(p, HP_AF_IPV4);

    record(clat, HP_CLAT_HOST, HP_DIR_IN, p);
    if (p->dst.family != HP_AF_IPV4 || !is_reachable(clat, &p->dst)) {
        drop(clat, p, HP_DROP_NO_ROUTE, "no address of the NAT64's IPv4 side");
    } else if (!hp_addr_same_ip(&p->src, &clat->config.host4) ||
               (p->inner != NULL && !hp_addr_same_ip(&p->inner->dst, &clat->config.host4))) {
        drop(clat, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (p->ttl <= 1) {
        answer(clat, p, HP_ICMP_TTL_EXCEEDED);
        drop(clat, p, HP_DROP_TTL, NULL);
    } else if (refusal != NULL) {
        drop(clat, p, HP_DROP_NAT_PROTOCOL, refusal);
    } else {
        to_network(clat, p);
    }
}

/* ---- inwards ---- */

/* The IPv4 source that the host sees; false when it may see none. */
static bool source_of(const hp_clat *clat, const hp_packet *p, hp_addr *ret)
{
    static const uint32_t dummy = 0xc0000008;
    if (hp_dns64_extract(&clat->config.pref64, &p->src, ret)) {
        return true;
    }
    *ret = hp_addr_v4(dummy, 0);
    return hp_packet_is_icmp_error(p);
}

static bool quoted_ends(const hp_clat *clat, const hp_packet *p, hp_translate_ends *ends)
{
    if (p->inner == NULL) {
        return true;
    }
    ends->inner_src = hp_addr_with_port(clat->config.host4, p->inner->src.port);
    return hp_addr_same_ip(&p->inner->src, &clat->config.source6) &&
           hp_dns64_extract(&clat->config.pref64, &p->inner->dst, &ends->inner_dst);
}

static void from_network(hp_clat *clat, hp_packet *p)
{
    const char *refusal = hp_translate_refusal(p, HP_AF_IPV6);
    hp_translate_ends ends = {.dst = hp_addr_with_port(clat->config.host4, p->dst.port)};

    record(clat, HP_CLAT_NETWORK, HP_DIR_IN, p);
    if (!source_of(clat, p, &ends.src)) {
        drop(clat, p, HP_DROP_BAD_SOURCE, "not of the NAT64's prefix");
    } else if (!quoted_ends(clat, p, &ends)) {
        drop(clat, p, HP_DROP_NO_ROUTE, "an error about nothing that was translated");
    } else if (p->ttl <= 1) {
        drop(clat, p, HP_DROP_TTL, NULL);
    } else if (refusal != NULL) {
        drop(clat, p, HP_DROP_NAT_PROTOCOL, refusal);
    } else {
        p->ttl--;
        hp_translate(p, HP_AF_IPV6, &ends);
        record(clat, HP_CLAT_HOST, HP_DIR_OUT, p);
        hp_node_emit(&clat->node, HP_CLAT_HOST, p);
    }
}

/* ---- the node ---- */

static void clat_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_clat *clat = (hp_clat *)node;
    if (port == HP_CLAT_HOST && p->src.family == HP_AF_IPV4) {
        from_host(clat, p);
    } else if (port == HP_CLAT_NETWORK && hp_addr_same_ip(&p->dst, &clat->config.source6)) {
        from_network(clat, p);
    } else {
        hp_node_emit(node, port == HP_CLAT_HOST ? HP_CLAT_NETWORK : HP_CLAT_HOST, p);
    }
}

static void clat_free(hp_node *node)
{
    hp_node_clear(node);
    g_free(node);
}

static const hp_node_ops clat_ops = {.kind = "clat", .receive = clat_receive, .free = clat_free};

hp_clat *hp_clat_new(hp_world *world, const char *name, const hp_clat_config *config)
{
    hp_clat *clat = g_new0(hp_clat, 1);
    hp_node_init(&clat->node, &clat_ops, world, name);
    clat->config = *config;
    if (hp_world_trace(world) != NULL) {
        g_autofree char *in = g_strconcat(name, "/in", NULL);
        g_autofree char *out = g_strconcat(name, "/out", NULL);
        clat->taps[HP_CLAT_HOST] = hp_trace_tap(hp_world_trace(world), in);
        clat->taps[HP_CLAT_NETWORK] = hp_trace_tap(hp_world_trace(world), out);
    }
    return clat;
}

hp_node *hp_clat_node(hp_clat *clat)
{
    return &clat->node;
}
