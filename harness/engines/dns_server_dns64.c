/* DNS64 in an authoritative server (RFC 6147 section 5): AAAA records made from A records, and the reverse tree of the
 * prefix.
 *
 * An AAAA query is answered from the zones first. Records inside an excluded prefix are taken out (section 5.1.4);
 * what is left is the answer. With none left, and no NXDOMAIN, the A records of the same name (its CNAMEs followed)
 * are embedded in Pref64::/n, each with the smaller of its TTL and the SOA's (section 5.1.7). Faults that turn the
 * answer into an error come later and see the synthesised one.
 *
 * Private addresses are left out of the Well-Known Prefix (RFC 6052 section 3.1) unless the configuration says
 * otherwise. A PTR query inside the prefix is answered by a CNAME into in-addr.arpa, provided that the PTR is there
 * (section 5.3.1, second option). ipv4only.arpa needs no rule of its own: it has A records alone, so that AAAA is
 * synthesised and tells a client the prefix (RFC 7050 section 3). */
#include "engines/dns_server_private.h"
#include "wire/dns64.h"

static bool excluded(const hp_dns_server *server, const hp_addr *a)
{
    bool hit = hp_addr_is_v4_mapped(a);
    for (unsigned i = 0; i < server->n_exclude; i++) {
        hit |= hp_prefix_contains(&server->exclude[i], a);
    }
    return hit;
}

static bool embeddable(const hp_dns_server *server, const hp_addr *a)
{
    hp_prefix well_known = hp_dns64_well_known();
    if (server->dns64_private || server->pref64.bits != well_known.bits ||
        !hp_addr_equal(&server->pref64.base, &well_known.base)) {
        return true;
    }
    return !hp_addr_is_private(a) && !hp_addr_is_loopback(a) && !hp_addr_is_link_local(a) &&
           !hp_addr_is_unspecified(a) && !hp_addr_is_multicast(a);
}

/* Takes excluded AAAA records out; returns how many are left. */
static unsigned usable(const hp_dns_server *server, hp_dns_answer *answer)
{
    unsigned left = 0;
    for (unsigned i = 0; i < answer->records->len;) {
        const hp_dns_record *r = &g_array_index(answer->records, hp_dns_record, i);
        if (r->type == HP_DNS_AAAA && excluded(server, &r->addr)) {
            g_array_remove_index(answer->records, i);
            continue;
        }
        left += r->type == HP_DNS_AAAA;
        i++;
    }
    return left;
}

static void synthesise(const hp_dns_server *server, const hp_dns_question *q, hp_dns_answer *answer)
{
    hp_dns_question a_query = *q;
    a_query.type = HP_DNS_A;
    hp_dns_answer a = {.records = g_array_new(false, false, sizeof(hp_dns_record))};
    hp_dns_zone_answer(&server->data, &a_query, &a);
    unsigned made = 0;
    for (unsigned i = 0; i < a.records->len;) {
        hp_dns_record *r = &g_array_index(a.records, hp_dns_record, i);
        hp_addr v6;
        if (r->type == HP_DNS_A && embeddable(server, &r->addr) && hp_dns64_embed(&server->pref64, &r->addr, &v6)) {
            r->type = HP_DNS_AAAA;
            r->addr = v6;
            r->ttl = MIN(r->ttl, server->data.negative_ttl);
            made++;
        } else if (r->type == HP_DNS_A) {
            g_array_remove_index(a.records, i);
            continue;
        }
        i++;
    }
    if (made > 0) {
        GArray *old = answer->records;
        answer->records = a.records;
        a.records = old;
        answer->synthesised = true;
        answer->rcode = a.rcode;
    }
    g_array_unref(a.records);
}

static void answer_reverse(const hp_dns_server *server, const hp_dns_question *q, hp_dns_answer *answer)
{
    hp_addr v6, v4;
    hp_dns_name reverse;
    if (!hp_dns_name_reversed(&q->name, &v6) || !hp_dns64_extract(&server->pref64, &v6, &v4) ||
        !hp_dns_name_reverse(&v4, &reverse)) {
        return;
    }
    const hp_dns_entry *e = hp_dns_zone_find(&server->data, &reverse);
    if (e == NULL || e->ptr.length == 0 || hp_dns_zone_find(&server->data, &q->name) != NULL) {
        return;
    }
    g_array_set_size(answer->records, 0);
    answer->rcode = HP_DNS_NOERROR;
    answer->synthesised = true;
    uint32_t ttl = MIN(e->ttl, server->data.negative_ttl);
    hp_dns_record r = {.section = HP_DNS_ANSWER, .name = q->name, .type = HP_DNS_CNAME, .cls = HP_DNS_IN, .ttl = ttl};
    r.target = reverse;
    g_array_append_val(answer->records, r);
    r.name = reverse;
    r.type = HP_DNS_PTR;
    r.ttl = e->ttl;
    r.target = e->ptr;
    g_array_append_val(answer->records, r);
}

void hp_dns64_answer(const hp_dns_server *server, const hp_dns_question *q, bool synthesis, hp_dns_answer *answer)
{
    hp_dns_zone_answer(&server->data, q, answer);
    if (!server->dns64) {
        return;
    }
    if (q->type == HP_DNS_AAAA && synthesis && answer->rcode != HP_DNS_NXDOMAIN && answer->rcode != HP_DNS_REFUSED) {
        unsigned before = answer->records->len;
        if (usable(server, answer) == 0) {
            synthesise(server, q, answer);
        }
        if (answer->records->len == 0 && before > 0) {
            /* All there was is excluded and nothing takes its place: no data, with the SOA that says so. */
            hp_dns_question nothing = *q;
            nothing.type = HP_DNS_TXT;
            hp_dns_zone_answer(&server->data, &nothing, answer);
        }
    } else if (q->type == HP_DNS_PTR && synthesis) {
        answer_reverse(server, q, answer);
    }
}
