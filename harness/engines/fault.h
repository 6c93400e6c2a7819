/* Scripted faults of a built-in server: which of them a request meets, and what they add up to. */
#ifndef HP_ENGINES_FAULT_H
#define HP_ENGINES_FAULT_H

#include "config/server.h"

/* What is to be done to one request and its answer. */
typedef struct hp_fault_effect {
    bool any; /* at least one fault applies */
    bool silence, other_address, wrong_id, bad_integrity, wrong_mapped, forget;
    hp_time delay_ns; /* the longest of those that apply */
    unsigned code; /* the error to answer with, 0 = none; of several faults, the first listed */
} hp_fault_effect;

/* Requests counted so far. Zero it to start. */
typedef struct hp_fault_counts {
    uint64_t all;
    uint64_t by_method[16]; /* the methods of STUN and TURN over UDP and TCP are 0x001 to 0x00c */
} hp_fault_counts;

/* Counts a request and says what it meets. */
hp_fault_effect hp_fault_next(hp_fault_counts *counts, const hp_server_fault *faults, unsigned n_faults, hp_time now,
                              uint16_t method);

#endif
