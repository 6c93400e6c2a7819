/* Private to the middlebox's files (rules.c, rule_*.c). */
#ifndef HP_WORLD_RULES_PRIVATE_H
#define HP_WORLD_RULES_PRIVATE_H

#include "world/rules.h"

/* What an action remembers from packet to packet. */
typedef struct hp_rule_memory {
    uint64_t tokens; /* rate limit: bits times a thousand million, at `filled` */
    hp_time filled;
    hp_time latest[2]; /* delay: the last departure, by the port of entry */
} hp_rule_memory;

typedef struct hp_rule_state {
    hp_rule rule; /* owned; nth is sorted and merged */
    const hp_match_detail *detail; /* the match's, or NULL when it asks for nothing */
    char *name; /* "rule 2", "rule 2 (label)" */
    char *subject; /* of its events: label, or number */
    char *doings; /* "rewrite, delay" */
    unsigned next_nth; /* ranges before this one have passed */
    hp_rule_counts counts;
    hp_rng rng;
    hp_rule_memory *memory; /* one an action */
} hp_rule_state;

/* A packet that waits for its time: in a heap by (at, order). */
typedef struct hp_rule_waiting {
    hp_time at;
    uint64_t order;
    hp_packet *p;
    uint8_t out; /* port */
    bool changed;
} hp_rule_waiting;

/* A packet that is held until later ones have left. */
typedef struct hp_rule_held {
    hp_time until;
    uint32_t remaining;
    hp_packet *p;
    uint8_t out;
    bool changed;
} hp_rule_held;

struct hp_rules {
    hp_node node;
    hp_rule_state *list;
    unsigned n;
    hp_addr address4, address6;
    uint32_t tap;
    GArray *waiting; /* of hp_rule_waiting */
    uint64_t next_order;
    hp_timer waiting_timer;
    GArray *held; /* of hp_rule_held, in order of arrival */
    hp_timer held_timer;
};

/* A packet on its way through the list. */
typedef struct hp_rule_passage {
    hp_packet *p; /* NULL: gone */
    unsigned in, out;
    hp_time delay;
    uint32_t hold_for; /* later packets; 0: it is not held */
    hp_time hold_at_most;
    bool changed;
    GArray *followers; /* of hp_rule_follower, or NULL */
    GString *remark; /* NULL: none is wanted */
} hp_rule_passage;

/* A copy, a piece or an answer: leaves behind the packet that gave rise to it. */
typedef struct hp_rule_follower {
    hp_packet *p;
    hp_time delay;
    unsigned out;
    bool changed;
} hp_rule_follower;

/* ---- rule_action.c ---- */

/* Carries out the rule's actions on the passage. */
void hp_rule_carry_out(hp_rules *rules, hp_rule_state *state, hp_rule_passage *passage);
void hp_rule_follow(hp_rule_passage *passage, hp_packet *p, hp_time delay, unsigned out, bool changed);
/* Adds to the passage's remark, if there is one. */
void hp_rule_remark(hp_rule_passage *passage, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- rule_queue.c ---- */

void hp_rule_queue_init(hp_rules *rules);
/* Frees what waits, without a word. */
void hp_rule_queue_clear(hp_rules *rules);
/* Takes p; it leaves at `at`, after all that was put in for the same instant before. */
void hp_rule_wait(hp_rules *rules, hp_packet *p, unsigned out, hp_time at, bool changed);
/* Takes p. False, and p is still the caller's, when too many are held already. */
bool hp_rule_hold(hp_rules *rules, hp_packet *p, unsigned out, uint32_t packets, hp_time until, bool changed);
/* Takes p and sends it on, and those behind it that waited for it. */
void hp_rule_leave(hp_rules *rules, hp_packet *p, unsigned out, bool changed);

/* ---- rule_payload.c ---- */

/* Takes p and gives the packet with that payload instead (data may lie in p). Not for fragments. */
hp_packet *hp_rule_with_payload(hp_packet *p, const uint8_t *data, size_t length);
/* The part of p's payload that is a user's: of UDP all, of TCP what follows the header. False when there is none to be
 * seen. */
bool hp_rule_user_data(hp_packet *p, uint8_t **ret_data, size_t *ret_length);
/* To be called around a change in place of [data, data + length) within p's payload: keeps checksums true. */
uint16_t hp_rule_sum_before(const hp_packet *p);
void hp_rule_sum_after(hp_packet *p, uint16_t before);
void hp_rule_corrupt_packet(hp_rule_state *state, const hp_rule_corrupt *corrupt, hp_rule_passage *passage);
void hp_rule_truncate_packet(uint32_t length, hp_rule_passage *passage);
void hp_rule_split_packet(uint32_t length, hp_rule_passage *passage);

/* ---- rule_rewrite.c, rule_stun.c ---- */

void hp_rule_rewrite_packet(const hp_rule_rewrite *rewrite, hp_rule_passage *passage);
/* Edits the STUN message that p's payload is, and mends what protects it as far as `rewrite` says. Takes p and gives
 * it, or what it has become. *ret_changed is set when it was; a message that would grow too long is left as it is.
 * `stale`: p's payload was changed already. */
hp_packet *hp_rule_edit_stun(const hp_rule_rewrite *rewrite, hp_packet *p, bool stale, bool *ret_changed);

/* ---- rule_answer.c ---- */

/* The answer to p, or NULL where p asks for none of that kind. */
hp_packet *hp_rule_make_answer(const hp_rules *rules, const hp_rule_answer *answer, const hp_packet *p);

#endif
