/* Private to the DNS server: its tables, and an answer while it is put together. */
#ifndef HP_ENGINES_DNS_SERVER_PRIVATE_H
#define HP_ENGINES_DNS_SERVER_PRIVATE_H

#include "engines/dns_server.h"
#include "engines/stun_deadline.h"

/* A chain of CNAMEs longer than this is a loop, or as good as one. */
#define HP_DNS_MAX_CHAIN 8

/* A name with all its records. */
typedef struct hp_dns_entry {
    hp_dns_name name;
    hp_dns_name cname; /* length 0: none */
    hp_dns_name ptr; /* length 0: none; made from the hosts' addresses */
    hp_addr *addresses;
    unsigned n_addresses;
    uint32_t ttl;
} hp_dns_entry;

typedef struct hp_dns_zone_data {
    GPtrArray *entries; /* of hp_dns_entry, as configured */
    hp_dns_name *zones;
    unsigned n_zones;
    uint32_t negative_ttl;
} hp_dns_zone_data;

typedef struct hp_dns_fault_state {
    hp_dns_fault fault; /* its name points nowhere */
    hp_dns_name name; /* length 0: any */
    uint64_t count;
} hp_dns_fault_state;

struct hp_dns_server {
    hp_dns_server_ops ops;
    void *user;
    uint16_t port, max_udp;
    bool no_edns;
    hp_dns_zone_data data;
    bool dns64, dns64_private;
    hp_prefix pref64;
    hp_prefix *exclude;
    unsigned n_exclude;
    hp_dns_fault_state *faults;
    unsigned n_faults;
    hp_deadlines deadlines;
    GPtrArray *delayed; /* of struct delayed; see dns_server.c */
    uint8_t out[HP_DNS_MAX];
};

/* The records of an answer, in the order they are written. */
typedef struct hp_dns_answer {
    unsigned rcode;
    GArray *records; /* of hp_dns_record, answer section, then authority */
    bool synthesised;
} hp_dns_answer;

/* What is to be done to one query (dns_server_fault.c). */
typedef struct hp_dns_fault_effect {
    bool any, silence, truncate, wrong_id, wrong_question, empty, wrong_address;
    hp_time delay_ns; /* the longest */
    unsigned rcode; /* 0: none; of several the first listed */
    hp_addr address; /* family none: a made-up one */
} hp_dns_fault_effect;

/* ---- dns_server_zone.c ---- */

bool hp_dns_zone_load(hp_dns_zone_data *data, const hp_dns_config *config, GError **error);
void hp_dns_zone_clear(hp_dns_zone_data *data);
/* Fills an empty answer, without DNS64. */
void hp_dns_zone_answer(const hp_dns_zone_data *data, const hp_dns_question *q, hp_dns_answer *answer);
/* NULL: no such name, though names below it may exist. */
const hp_dns_entry *hp_dns_zone_find(const hp_dns_zone_data *data, const hp_dns_name *name);

/* ---- dns_server_dns64.c ---- */

/* Answers a query as RFC 6147 asks for. synthesis: false for clients that validate and synthesise themselves. */
void hp_dns64_answer(const hp_dns_server *server, const hp_dns_question *q, bool synthesis, hp_dns_answer *answer);

/* ---- dns_server_fault.c ---- */

hp_dns_fault_effect hp_dns_fault_next(hp_dns_server *server, hp_time now, const hp_dns_question *q);

#endif
