/* Private to world/: the packets of a link that its list of exact losses takes. */
#ifndef HP_WORLD_EXACT_LOSS_H
#define HP_WORLD_EXACT_LOSS_H

#include "config/link.h"

typedef struct hp_exact_loss {
    uint64_t matched; /* packets that config->drop_match matched since it was set */
    unsigned next; /* the first range of config->drop that does not lie behind */
} hp_exact_loss;

/* The settings change from `old` to `fresh`, which owns its list of losses: the list is merged (packet_ranges.h) in its
 * place. The count of `loss` goes on when the match stays, else it begins anew. */
void hp_exact_loss_configure(hp_exact_loss *loss, const hp_link_config *old, hp_link_config *fresh);

/* Whether hp_exact_loss_takes() has to be asked at all. */
static inline bool hp_exact_loss_counts(const hp_link_config *config)
{
    return config->n_drop != 0 || config->drop_some;
}
/* Counts a packet, number `n` of the link (each asked about once, rising), and tells whether it is on the list; then
 * *ret_number is the number that is listed. */
bool hp_exact_loss_takes(hp_exact_loss *loss, const hp_link_config *config, const hp_packet *p, uint64_t n,
                         uint64_t *ret_number);

#endif
