/* Rewriting: header fields, attributes of STUN messages, and application-level gateways, which put one address in the
 * place of another wherever they find it. That they do so in payloads of protocols they do not know is why STUN hides
 * its addresses (RFC 8489 section 14.2).
 *
 * The order within one rewrite: gateway first (it speaks of the packet's own source, as it came), then attributes, then
 * header fields. An address of the other family than the packet's is not put in; ports only into what has some.
 *
 * Limits: what TURN wraps is payload like any other, and only the search for bytes reaches into it; so is STUN over
 * TCP. Addresses written as text (SIP, SDP) are not looked for. */
#include <string.h>

#include "world/rules_private.h"

/* ---- application-level gateway ---- */

static unsigned replace_bytes(uint8_t *data, size_t length, const uint8_t *from, const uint8_t *to, size_t size)
{
    unsigned n = 0;
    for (size_t i = 0; i + size <= length;) {
        if (memcmp(data + i, from, size) == 0) {
            memcpy(data + i, to, size);
            i += size;
            n++;
        } else {
            i++;
        }
    }
    return n;
}

/* Everywhere, blindly. A fragment's slice is looked through as well, as nobody put the datagram together. */
static unsigned replace_anywhere(hp_packet *p, const hp_addr *from, const hp_addr *to)
{
    uint8_t *data = p->payload;
    size_t length = p->length;
    bool user = p->proto == HP_PROTO_UDP || p->proto == HP_PROTO_TCP;

    if (!user || (p->frag_offset == 0 && !hp_rule_user_data(p, &data, &length))) {
        return 0;
    }
    uint16_t before = hp_rule_sum_before(p);
    unsigned n = replace_bytes(data, length, from->ip, to->ip, from->family == HP_AF_IPV4 ? 4 : 16);
    if (n > 0) {
        hp_rule_sum_after(p, before);
    }
    return n;
}

/* Writes an address over the one that an attribute of the same family holds; port 0: its port stays. */
static void overwrite_address(const hp_stun_msg *m, uint8_t *value, bool xored, hp_addr to)
{
    size_t size = to.family == HP_AF_IPV4 ? 4 : 16;
    const uint8_t *mask = m->data + 4; /* the cookie field, then the transaction id */
    uint8_t port[2] = {(uint8_t)(to.port >> 8), (uint8_t)to.port};

    for (unsigned i = 0; to.port != 0 && i < 2; i++) {
        value[2 + i] = port[i] ^ (xored ? mask[i] : 0);
    }
    for (size_t i = 0; i < size; i++) {
        value[4 + i] = to.ip[i] ^ (xored ? mask[i] : 0);
    }
}

static unsigned replace_in_attributes(hp_packet *p, const hp_rule_alg *alg, const hp_addr *from)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    hp_addr present;
    size_t cursor = 0;
    unsigned n = 0;
    bool xored;

    if (p->proto != HP_PROTO_UDP || p->frag_total > 0 || hp_wire_classify(p->payload, p->length) != HP_WIRE_STUN ||
        !hp_stun_parse(p->payload, p->length, &m)) {
        return 0;
    }
    while (hp_stun_next(&m, &cursor, &attr)) {
        if (hp_match_is_address_attribute(attr.type, &xored) && (xored ? alg->xored : alg->attributes) &&
            hp_stun_attr_addr(&m, &attr, xored, &present) && hp_addr_same_ip(&present, from)) {
            overwrite_address(&m, p->payload + (attr.value - m.data), xored, alg->to);
            n++;
        }
    }
    if (n > 0) {
        p->sum_known = false;
    }
    return n;
}

static bool run_alg(const hp_rule_alg *alg, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    hp_addr from = alg->from.family != HP_AF_NONE ? alg->from : p->src;

    if (!alg->on || from.family != alg->to.family) {
        return false;
    }
    unsigned n = alg->attributes || alg->xored ? replace_in_attributes(p, alg, &from) : 0;
    n += alg->anywhere ? replace_anywhere(p, &from, &alg->to) : 0;
    if (n > 0) {
        hp_rule_remark(passage, "an address replaced %u time%s in the payload", n, n == 1 ? "" : "s");
    }
    return n > 0;
}

/* ---- header fields ---- */

static bool set_address(hp_addr *end, const hp_addr *to)
{
    if (to->family != end->family || hp_addr_same_ip(to, end)) {
        return false;
    }
    *end = hp_addr_with_port(*to, end->port);
    return true;
}

static bool set_port(const hp_packet *p, hp_addr *end, uint16_t port)
{
    bool has_ports = (p->proto == HP_PROTO_UDP || p->proto == HP_PROTO_TCP) && p->frag_offset == 0;
    if (port == 0 || !has_ports || end->port == port) {
        return false;
    }
    end->port = port;
    return true;
}

static bool set_end(hp_packet *p, hp_addr *end, const hp_addr *to, uint16_t port)
{
    bool address = set_address(end, to);
    return set_port(p, end, port != 0 ? port : to->family == end->family ? to->port : 0) || address;
}

static bool set_header(const hp_rule_rewrite *r, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    char text[HP_ADDR_TEXT];
    uint8_t ttl = r->has_ttl ? r->ttl : p->ttl;
    uint8_t dscp = r->has_dscp ? r->dscp : p->tos >> 2, ecn = r->has_ecn ? r->ecn : p->tos & 3;
    uint8_t tos = (uint8_t)(dscp << 2 | ecn);
    bool changed = ttl != p->ttl || tos != p->tos;

    if (set_end(p, &p->src, &r->src, r->src_port)) {
        hp_rule_remark(passage, "source now %s", hp_addr_format(&p->src, text));
        changed = true;
    }
    if (set_end(p, &p->dst, &r->dst, r->dst_port)) {
        hp_rule_remark(passage, "destination now %s", hp_addr_format(&p->dst, text));
        changed = true;
    }
    if (ttl != p->ttl) {
        hp_rule_remark(passage, "TTL now %u", ttl);
    }
    if (tos != p->tos) {
        hp_rule_remark(passage, "DSCP now %u, ECN %u", dscp, ecn);
    }
    p->ttl = ttl;
    p->tos = tos;
    return changed;
}

void hp_rule_rewrite_packet(const hp_rule_rewrite *rewrite, hp_rule_passage *passage)
{
    bool changed = run_alg(&rewrite->alg, passage), edited = false;
    if (rewrite->n_attributes > 0 || changed) {
        passage->p = hp_rule_edit_stun(rewrite, passage->p, changed, &edited);
        if (edited && rewrite->n_attributes > 0) {
            hp_rule_remark(passage, "STUN attributes rewritten");
        }
    }
    bool header = set_header(rewrite, passage);
    passage->changed = passage->changed || changed || edited || header;
}
