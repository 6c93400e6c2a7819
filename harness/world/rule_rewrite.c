/* Rewriting: header fields, attributes of STUN messages, and application-level gateways, which put one address in the
 * place of another wherever they find it. That they do so in payloads of protocols they do not know is why STUN hides
 * its addresses (RFC 8489 section 14.2).
 *
 * The order within one rewrite: gateway first (it speaks of the packet's own source, as it came), then attributes, then
 * header fields. An address of the other family than the packet's is not put in; ports only into what has some.
 *
 * Limits: what TURN wraps is payload like any other, and only the search for bytes reaches into it; so is STUN over
 * TCP. Addresses written as text (SIP, SDP) are not looked for. */
#include "world/alg.h"
#include "world/rules_private.h"

/* ---- application-level gateway ---- */

static bool run_alg(const hp_rule_alg *alg, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    hp_addr from = alg->from.family != HP_AF_NONE ? alg->from : p->src;

    if (!alg->on || from.family != alg->to.family) {
        return false;
    }
    const hp_nat_alg where = {.anywhere = alg->anywhere, .plain = alg->attributes, .xored = alg->xored};
    from.port = 0;
    unsigned n = hp_alg_run(p, &where, &from, &alg->to);
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
