/* What a match can ask of DNS messages.
 *
 * It is asked of the outermost packet: TURN wraps no DNS that anybody here sends. A name is compared as DNS compares
 * names (RFC 1035 section 2.3.3: case does not count). A multicast query may hold several questions, and one of them
 * suffices. */
#include "wire/dns_packet.h"
#include "wire/match_private.h"

bool hp_match_asks_for_dns(const hp_match_dns *d)
{
    return d->present != HP_EITHER || d->response != HP_EITHER || d->name != NULL || d->type != 0 || d->has_rcode;
}

static bool is_it(const hp_match_dns *d, const hp_dns_name *wanted, const hp_dns_name *name, uint16_t type)
{
    return (d->name == NULL || hp_dns_name_equal(name, wanted)) && (d->type == 0 || d->type == type);
}

static bool speaks_of(const hp_match_dns *d, const hp_dns_msg *m)
{
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    hp_dns_record r;
    hp_dns_name wanted = {0};
    if (d->name == NULL && d->type == 0) {
        return true;
    }
    if (d->name != NULL && !hp_dns_name_parse(d->name, &wanted)) {
        return false;
    }
    while (hp_dns_next_question(m, &cursor, &q)) {
        if (is_it(d, &wanted, &q.name, q.type)) {
            return true;
        }
    }
    while (m->n_questions == 0 && hp_dns_next_record(m, &cursor, &r)) {
        if (r.section == HP_DNS_ANSWER && is_it(d, &wanted, &r.name, r.type)) {
            return true;
        }
    }
    return false;
}

bool hp_match_dns_holds(const hp_match_dns *d, const hp_match_subject *s)
{
    bool tcp = s->proto == HP_PROTO_TCP;
    hp_dns_msg m;
    bool found = hp_dns_in_packet(s->proto, s->src.port, s->dst.port, tcp ? s->segment : s->payload,
                                  tcp ? s->segment_length : s->payload_length, &m);
    if (!found || d->present == HP_ABSENT) {
        return !found && d->present == HP_ABSENT;
    }
    bool response = (m.flags & HP_DNS_QR) != 0;
    return hp_match_presence_holds(d->response, response) && (!d->has_rcode || (response && m.rcode == d->rcode)) &&
           speaks_of(d, &m);
}
