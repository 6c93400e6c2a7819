/* Scripted faults: counting requests and matching them.
 *
 * A fault that names a method counts requests of that method alone; one that names none counts them all. Counting goes
 * on outside a fault's time window: "the third Refresh" is the third of the server's life, whatever the window says.
 * Retransmissions count, since the server cannot know what the client will make of them. Several faults may meet one
 * request; their effects add up. A server that is stopped and started again counts from one. */
#include "engines/fault.h"

static bool applies(const hp_server_fault *f, const hp_fault_counts *counts, hp_time now, uint16_t method)
{
    if (f->method != 0 && f->method != method) {
        return false;
    }
    if (now < f->from || (f->until != 0 && now >= f->until)) {
        return false;
    }
    uint64_t nth = f->method == 0 ? counts->all : counts->by_method[method & 15];
    return nth >= f->nth_first && (f->nth_last == 0 || nth <= f->nth_last);
}

hp_fault_effect hp_fault_next(hp_fault_counts *counts, const hp_server_fault *faults, unsigned n_faults, hp_time now,
                              uint16_t method)
{
    hp_fault_effect effect = {0};
    counts->all++;
    counts->by_method[method & 15]++;
    for (unsigned i = 0; i < n_faults; i++) {
        const hp_server_fault *f = &faults[i];
        if (!applies(f, counts, now, method)) {
            continue;
        }
        effect.any = true;
        switch (f->kind) {
        case HP_FAULT_SILENCE:
            effect.silence = true;
            break;
        case HP_FAULT_DELAY:
            effect.delay_ns = f->delay_ns > effect.delay_ns ? f->delay_ns : effect.delay_ns;
            break;
        case HP_FAULT_ERROR:
            /* Codes that ERROR-CODE cannot carry would make no message at all. */
            if (effect.code == 0) {
                effect.code = f->code >= 300 && f->code <= 699 ? f->code : 500;
            }
            break;
        case HP_FAULT_OTHER_ADDRESS:
            effect.other_address = true;
            break;
        case HP_FAULT_WRONG_ID:
            effect.wrong_id = true;
            break;
        case HP_FAULT_BAD_INTEGRITY:
            effect.bad_integrity = true;
            break;
        case HP_FAULT_WRONG_MAPPED:
            effect.wrong_mapped = true;
            break;
        case HP_FAULT_FORGET:
            effect.forget = true;
            break;
        }
    }
    return effect;
}
