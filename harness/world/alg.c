/* An application-level gateway, as home routers have them: it looks for one address in payloads and puts another in its
 * place. A rule runs one with addresses that the scenario names, a NAT with those that it translates in the header.
 *
 * The search for bytes is blind: whatever looks like the address is one. In STUN attributes the address is known by its
 * type. That gateways do so in payloads of protocols they do not know is why STUN hides its addresses (RFC 8489 section
 * 14.2): an XORed one is found by nobody who does not undo the XOR.
 *
 * Limits: what TURN wraps is payload like any other, and only the search for bytes reaches into it; so is STUN over
 * TCP. Addresses written as text (SIP, SDP) are not looked for. Nothing changes its length. */
#include "world/alg.h"

#include <string.h>

#include "world/rules_private.h"

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

static unsigned replace_in_attributes(hp_packet *p, const hp_nat_alg *where, const hp_addr *from, const hp_addr *to)
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
        if (hp_match_is_address_attribute(attr.type, &xored) && (xored ? where->xored : where->plain) &&
            hp_stun_attr_addr(&m, &attr, xored, &present) && hp_addr_same_ip(&present, from)) {
            bool another = from->port != 0 && present.port != from->port;
            overwrite_address(&m, p->payload + (attr.value - m.data), xored, another ? hp_addr_with_port(*to, 0) : *to);
            n++;
        }
    }
    if (n > 0) {
        p->sum_known = false;
    }
    return n;
}

unsigned hp_alg_run(hp_packet *p, const hp_nat_alg *where, const hp_addr *from, const hp_addr *to)
{
    if (from->family != to->family) {
        return 0;
    }
    unsigned n = where->plain || where->xored ? replace_in_attributes(p, where, from, to) : 0;
    return n + (where->anywhere ? replace_anywhere(p, from, to) : 0);
}
