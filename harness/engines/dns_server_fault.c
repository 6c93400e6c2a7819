/* Scripted faults of the DNS server: counting queries, and what they meet.
 *
 * Each fault counts the queries it is about, name and type; retransmissions count, and so do those outside its window
 * of time. Several faults may meet one query: their effects add up, the longest delay and the first code win. */
#include <assert.h>

#include "engines/dns_server_private.h"

static const char *const kind_names[] = {
    [HP_DNS_FAULT_SILENCE] = "silence",   [HP_DNS_FAULT_DELAY] = "delay",
    [HP_DNS_FAULT_SERVFAIL] = "servfail", [HP_DNS_FAULT_REFUSED] = "refused",
    [HP_DNS_FAULT_NXDOMAIN] = "nxdomain", [HP_DNS_FAULT_EMPTY] = "empty",
    [HP_DNS_FAULT_TRUNCATE] = "truncate", [HP_DNS_FAULT_WRONG_ADDRESS] = "wrong-address",
    [HP_DNS_FAULT_WRONG_ID] = "wrong-id", [HP_DNS_FAULT_WRONG_QUESTION] = "wrong-question",
};
static_assert(G_N_ELEMENTS(kind_names) == HP_DNS_FAULT_WRONG_QUESTION + 1, "one name a kind");

const char *hp_dns_fault_kind_name(hp_dns_fault_kind kind)
{
    return kind_names[kind];
}

static bool applies(hp_dns_fault_state *state, hp_time now, const hp_dns_question *q)
{
    const hp_dns_fault *f = &state->fault;
    if ((f->type != 0 && f->type != q->type) ||
        (state->name.length > 0 && !hp_dns_name_equal(&state->name, &q->name))) {
        return false;
    }
    uint64_t nth = ++state->count;
    return now >= f->from && (f->until == 0 || now < f->until) && nth >= f->nth_first &&
           (f->nth_last == 0 || nth <= f->nth_last);
}

static void set_rcode(hp_dns_fault_effect *effect, unsigned rcode)
{
    effect->rcode = effect->rcode == 0 ? rcode : effect->rcode;
}

hp_dns_fault_effect hp_dns_fault_next(hp_dns_server *server, hp_time now, const hp_dns_question *q)
{
    hp_dns_fault_effect effect = {0};
    for (unsigned i = 0; i < server->n_faults; i++) {
        if (!applies(&server->faults[i], now, q)) {
            continue;
        }
        const hp_dns_fault *f = &server->faults[i].fault;
        effect.any = true;
        switch (f->kind) {
        case HP_DNS_FAULT_SILENCE:
            effect.silence = true;
            break;
        case HP_DNS_FAULT_DELAY:
            effect.delay_ns = MAX(effect.delay_ns, f->delay_ns);
            break;
        case HP_DNS_FAULT_SERVFAIL:
            set_rcode(&effect, HP_DNS_SERVFAIL);
            break;
        case HP_DNS_FAULT_REFUSED:
            set_rcode(&effect, HP_DNS_REFUSED);
            break;
        case HP_DNS_FAULT_NXDOMAIN:
            set_rcode(&effect, HP_DNS_NXDOMAIN);
            break;
        case HP_DNS_FAULT_EMPTY:
            effect.empty = true;
            break;
        case HP_DNS_FAULT_TRUNCATE:
            effect.truncate = true;
            break;
        case HP_DNS_FAULT_WRONG_ADDRESS:
            effect.wrong_address = true;
            effect.address = f->address;
            break;
        case HP_DNS_FAULT_WRONG_ID:
            effect.wrong_id = true;
            break;
        case HP_DNS_FAULT_WRONG_QUESTION:
            effect.wrong_question = true;
            break;
        }
    }
    return effect;
}
