/* What a middlebox can say in place of the far end: STUN errors and Binding successes (RFC 8489 sections 6.3.1 and
 * 6.3.4), ICMP errors, TCP resets.
 *
 * A STUN answer repeats the request's transaction id and cookie field, as a server's would, and carries a FINGERPRINT
 * when the request did. It never has integrity, as the middlebox has no key: what a client makes of that is the point.
 * To a client without the magic cookie the mapped address is told in MAPPED-ADDRESS. */
#include "world/rule_refusal.h"
#include "world/rules_private.h"

enum { ANSWER_ROOM = 2048 }; /* REALM and NONCE have at most 763 bytes each */

static void add_contents(hp_stun_writer *w, const hp_rule_answer *answer, const hp_stun_msg *request,
                         const hp_addr *source)
{
    const hp_addr *address = &answer->address;

    if (answer->kind == HP_RULE_ANSWER_STUN_SUCCESS) {
        hp_stun_add_addr(w, request->has_cookie ? HP_STUN_XOR_MAPPED_ADDRESS : HP_STUN_MAPPED_ADDRESS,
                         address->family != HP_AF_NONE ? address : source, request->has_cookie);
        return;
    }
    hp_stun_add_error(w, answer->code, NULL);
    if (answer->realm != NULL) {
        hp_stun_add_text(w, HP_STUN_REALM, answer->realm);
    }
    if (answer->nonce != NULL) {
        hp_stun_add_text(w, HP_STUN_NONCE, answer->nonce);
    }
    if (address->family != HP_AF_NONE) {
        hp_stun_add_addr(w, HP_STUN_ALTERNATE_SERVER, address, false);
    }
}

static hp_packet *stun_answer(const hp_rule_answer *answer, const hp_packet *p)
{
    hp_stun_msg request;
    hp_stun_attr attr;
    hp_stun_writer w;
    uint8_t out[ANSWER_ROOM];
    bool success = answer->kind == HP_RULE_ANSWER_STUN_SUCCESS;

    if (p->proto != HP_PROTO_UDP || p->frag_total > 0 || p->corrupt ||
        hp_wire_classify(p->payload, p->length) != HP_WIRE_STUN || !hp_stun_parse(p->payload, p->length, &request) ||
        request.cls != HP_STUN_REQUEST || (success && request.method != HP_STUN_BINDING)) {
        return NULL;
    }
    hp_stun_begin(&w, out, sizeof out, success ? HP_STUN_SUCCESS : HP_STUN_ERROR, request.method, request.id,
                  request.data + 4);
    add_contents(&w, answer, &request, &p->src);
    if (hp_stun_find(&request, HP_STUN_FINGERPRINT, &attr)) {
        hp_stun_add_fingerprint(&w);
    }
    return hp_packet_new(HP_PROTO_UDP, &p->dst, &p->src, out, hp_stun_finish(&w));
}

static hp_packet *icmp_answer(const hp_rules *rules, const hp_rule_answer *answer, const hp_packet *p)
{
    const hp_addr *own = p->src.family == HP_AF_IPV6 ? &rules->address6 : &rules->address4;
    const hp_addr *from = answer->from.family == p->src.family ? &answer->from
                          : own->family == p->src.family       ? own
                                                               : &p->dst;
    hp_icmp_kind kind = answer->icmp != HP_ICMP_NONE ? answer->icmp : HP_ICMP_ADMIN_PROHIBITED;
    return p->corrupt ? NULL : hp_packet_icmp_error(kind, from, p, answer->mtu);
}

hp_packet *hp_rule_make_answer(const hp_rules *rules, const hp_rule_answer *answer, const hp_packet *p)
{
    switch (answer->kind) {
    case HP_RULE_ANSWER_STUN_ERROR:
    case HP_RULE_ANSWER_STUN_SUCCESS:
        return stun_answer(answer, p);
    case HP_RULE_ANSWER_ICMP:
        return icmp_answer(rules, answer, p);
    case HP_RULE_ANSWER_RESET:
        return hp_reset_for(p);
    }
    return NULL;
}
