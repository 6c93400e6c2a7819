/* ICMP of both families: what it says (RFC 792, RFC 4443), and the packet that an error quotes. */
#include "report/fields.h"

#include "wire/ip.h"

static const char *kind_text(hp_icmp_kind kind)
{
    switch (kind) {
    case HP_ICMP_ECHO_REQUEST:
        return "echo request";
    case HP_ICMP_ECHO_REPLY:
        return "echo reply";
    case HP_ICMP_PORT_UNREACHABLE:
        return "port unreachable";
    case HP_ICMP_HOST_UNREACHABLE:
        return "host unreachable";
    case HP_ICMP_NET_UNREACHABLE:
        return "network unreachable";
    case HP_ICMP_ADMIN_PROHIBITED:
        return "administratively prohibited";
    case HP_ICMP_FRAG_NEEDED:
        return "packet too big";
    case HP_ICMP_TTL_EXCEEDED:
        return "TTL exceeded";
    case HP_ICMP_REASSEMBLY_TIMEOUT:
        return "reassembly time exceeded";
    case HP_ICMP_NONE:
    case HP_ICMP_OTHER:
        break;
    }
    return "other";
}

void hp_fields_icmp(hp_fields *f, const hp_packet *p)
{
    uint8_t type = p->icmp_type, code = p->icmp_code;
    (void)hp_icmp_to_wire(p->src.family, (hp_icmp_kind)p->icmp_kind, &type, &code);
    hp_fields_add(f, "ICMP", "%s (type %u, code %u)", kind_text((hp_icmp_kind)p->icmp_kind), type, code);
    if (p->icmp_kind == HP_ICMP_FRAG_NEEDED) {
        hp_fields_add(f, "MTU", "%u", p->icmp_mtu);
    }
    if (p->icmp_kind == HP_ICMP_ECHO_REQUEST || p->icmp_kind == HP_ICMP_ECHO_REPLY) {
        hp_fields_add(f, "id", "%u", p->icmp_kind == HP_ICMP_ECHO_REQUEST ? p->src.port : p->dst.port);
        hp_fields_add(f, "sequence number", "%u", p->icmp_mtu);
    }
    if (p->inner != NULL && f->depth < HP_FIELDS_MAX_DEPTH) {
        hp_fields_add(f, "about", "the packet that follows");
        f->depth++;
        hp_fields_packet(f, p->inner);
        f->depth--;
    }
}
