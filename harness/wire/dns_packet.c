/* DNS messages in packets.
 *
 * No byte of a DNS message says that it is one, so it is told by its port: 53, and 5353 for multicast DNS. Servers on
 * other ports are not recognised, nor are messages that TCP cuts in pieces or puts together.
 *
 * A description tells what was asked, or what was answered: the records that answer the question, at most three of
 * them, else the code. Of a multicast announcement, which has no question, the records are told alone. */
#include "wire/dns_packet.h"

#include "wire/bytes.h"
#include "wire/ip.h"
#include "wire/packet.h"
#include "wire/tcp.h"

enum { DNS_PORT = 53, MDNS_PORT = 5353, LENGTH = 2, MOST = 3 };

bool hp_dns_in_packet(uint8_t proto, uint16_t src_port, uint16_t dst_port, const uint8_t *segment, size_t length,
                      hp_dns_msg *ret)
{
    bool dns = src_port == DNS_PORT || dst_port == DNS_PORT, mdns = src_port == MDNS_PORT || dst_port == MDNS_PORT;
    hp_tcp_header header;
    const uint8_t *data;
    size_t n;
    if (segment == NULL) {
        return false;
    }
    if (proto == HP_PROTO_UDP) {
        return (dns || mdns) && hp_dns_parse(segment, length, ret);
    }
    return proto == HP_PROTO_TCP && dns && hp_tcp_parse(segment, length, &header, &data, &n) && n > LENGTH &&
           hp_get16(data) == n - LENGTH && hp_dns_parse(data + LENGTH, n - LENGTH, ret);
}

/* ---- in words ---- */

static void append_data(GString *text, const hp_dns_record *r)
{
    char name[HP_DNS_NAME_TEXT], address[HP_ADDR_TEXT], type[12];
    g_string_append_printf(text, "%s", hp_dns_type_name(r->type, type));
    if (r->type == HP_DNS_A || r->type == HP_DNS_AAAA) {
        g_string_append_printf(text, " %s", hp_addr_format_ip(&r->addr, address));
    } else if (r->type == HP_DNS_CNAME || r->type == HP_DNS_PTR || r->type == HP_DNS_NS) {
        g_string_append_printf(text, " %s", hp_dns_name_format(&r->target, name));
    }
    g_string_append_printf(text, ", %u s", r->ttl);
}

static char *describe_question(const hp_dns_msg *m)
{
    GString *text = g_string_new("DNS");
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    char name[HP_DNS_NAME_TEXT] = "nothing", type[12];
    while (hp_dns_next_question(m, &cursor, &q)) {
        hp_dns_name_format(&q.name, name);
        g_string_append_printf(text, " %s", hp_dns_type_name(q.type, type));
    }
    g_string_append_printf(text, " %s?", name);
    return g_string_free(text, FALSE);
}

char *hp_dns_describe(const hp_dns_msg *m)
{
    g_autoptr(GString) text = g_string_new(NULL);
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    hp_dns_record r;
    char name[HP_DNS_NAME_TEXT] = "", type[12], code[12];
    unsigned n = 0;
    if ((m->flags & HP_DNS_QR) == 0) {
        return describe_question(m);
    }
    bool asked = hp_dns_next_question(m, &cursor, &q);
    if (asked) {
        hp_dns_name_format(&q.name, name);
    }
    while (hp_dns_next_record(m, &cursor, &r)) {
        if (r.section != HP_DNS_ANSWER) {
            continue;
        }
        if (++n > MOST) {
            g_string_append(text, "; ...");
            break;
        }
        g_string_append_printf(text, "%s%s ", n > 1 ? "; " : "", hp_dns_name_format(&r.name, name));
        append_data(text, &r);
    }
    if (n == 0) {
        g_string_append_printf(text, "%s%s%s: %s", asked ? name : "DNS", asked ? " " : "",
                               asked ? hp_dns_type_name(q.type, type) : "",
                               m->rcode != HP_DNS_NOERROR    ? hp_dns_rcode_name(m->rcode, code)
                               : (m->flags & HP_DNS_TC) != 0 ? "truncated"
                                                             : "no data");
    } else if ((m->flags & HP_DNS_TC) != 0) {
        g_string_append(text, ", truncated");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
