/* DNS messages (RFC 1035 section 4): header, question and every record. */
#include "report/fields.h"

#include "wire/dns_packet.h"
#include "wire/stun_value.h"

static void append_flags(GString *out, uint16_t flags)
{
    static const struct {
        uint16_t bit;
        const char *name;
    } names[] = {{HP_DNS_AA, "AA"}, {HP_DNS_TC, "TC"}, {HP_DNS_RD, "RD"},
                 {HP_DNS_RA, "RA"}, {HP_DNS_AD, "AD"}, {HP_DNS_CD, "CD"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if ((flags & names[i].bit) != 0) {
            g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", names[i].name);
        }
    }
}

static char *data_text(const hp_dns_record *r)
{
    char addr[HP_ADDR_TEXT], name[HP_DNS_NAME_TEXT];
    switch (r->type) {
    case HP_DNS_A:
    case HP_DNS_AAAA:
        return g_strdup(hp_addr_format(&r->addr, addr));
    case HP_DNS_CNAME:
    case HP_DNS_PTR:
    case HP_DNS_NS:
        return g_strdup(hp_dns_name_format(&r->target, name));
    case HP_DNS_SRV:
        return g_strdup_printf("%s port %u, priority %u, weight %u", hp_dns_name_format(&r->srv.target, name),
                               r->srv.port, r->srv.priority, r->srv.weight);
    case HP_DNS_NSEC:
        return g_strdup_printf("next %s", hp_dns_name_format(&r->nsec.next, name));
    case HP_DNS_SOA:
        return g_strdup_printf("%s, serial %u, minimum %u s", hp_dns_name_format(&r->soa.mname, name), r->soa.serial,
                               r->soa.minimum);
    default: /* any number may stand there */
        return hp_hex_format(r->rdata, MIN(r->rdata_length, 64));
    }
}

static void add_record(hp_fields *f, const hp_dns_record *r)
{
    static const char *const sections[] = {"answer", "authority", "additional"};
    char name[HP_DNS_NAME_TEXT], type[12];
    if (r->type == HP_DNS_OPT) {
        hp_fields_add(f, "EDNS", "UDP size %u", r->cls);
        return;
    }
    g_autofree char *data = data_text(r);
    hp_fields_add(f, sections[r->section], "%s %s %s, %u s", hp_dns_name_format(&r->name, name),
                  hp_dns_type_name(r->type, type), data, r->ttl);
}

bool hp_fields_dns(hp_fields *f, const hp_packet *p)
{
    hp_dns_msg m;
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    hp_dns_record r;
    char name[HP_DNS_NAME_TEXT], word[12];
    if (p->frag_total > 0 || !hp_dns_in_packet(p->proto, p->src.port, p->dst.port, p->payload, p->length, &m)) {
        return false;
    }
    g_autoptr(GString) flags = g_string_new(NULL);
    append_flags(flags, m.flags);
    hp_fields_add(f, "DNS", "%s, id 0x%04x%s%s", (m.flags & HP_DNS_QR) != 0 ? "response" : "query", m.id,
                  flags->len > 0 ? ", " : "", flags->str);
    if ((m.flags & HP_DNS_QR) != 0) {
        hp_fields_add(f, "response code", "%s", hp_dns_rcode_name(m.rcode, word));
    }
    while (hp_dns_next_question(&m, &cursor, &q)) {
        hp_fields_add(f, "question", "%s %s", hp_dns_name_format(&q.name, name), hp_dns_type_name(q.type, word));
    }
    while (hp_dns_next_record(&m, &cursor, &r)) {
        add_record(f, &r);
    }
    return true;
}
