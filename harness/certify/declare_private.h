/* Private to certify/: what the declaring files share. */
#ifndef HP_CERTIFY_DECLARE_PRIVATE_H
#define HP_CERTIFY_DECLARE_PRIVATE_H

#include "certify/declare.h"

enum { HP_DECLARE_PORTS = 65536 };

typedef enum hp_declare_proto { HP_DECLARE_UDP, HP_DECLARE_TCP, HP_DECLARE_ICMP, HP_DECLARE_N_PROTOS } hp_declare_proto;

/* The knobs of one protocol, UDP's put in where it has none of its own. */
typedef struct hp_declared_proto {
    hp_nat_behaviour mapping, filtering;
    bool by_connection;
    hp_nat_ports ports;
    bool overload, parity;
    hp_nat_hairpin hairpin;
    uint32_t max_per_host;
    bool leaves;
    unsigned to; /* the remote port that probes would use; low ones only where there is no other */
    bool has_other, has_pair; /* another port passes; an even one with its successor */
    unsigned to_low;
} hp_declared_proto;

typedef struct hp_declaration {
    const hp_nat_config *nat;
    const hp_firewall_config *firewall;
    hp_certificate *c;
    hp_declared_proto proto[HP_DECLARE_N_PROTOS];
    hp_time lifetime; /* HP_NEVER: none */
    unsigned pool;
    unsigned first, last; /* external ports of internal ones from 1024 up */
    bool refuses; /* ports are kept, or nothing is given */
} hp_declaration;

const char *hp_declare_behaviour(hp_nat_behaviour behaviour, bool by_connection);
static inline hp_time hp_declare_time(hp_time knob, hp_time otherwise)
{
    return knob ? knob : otherwise;
}
/* Cut short by the absolute lifetime; in whole milliseconds, upwards. */
hp_time hp_declare_life(const hp_declaration *d, hp_time timer);
static inline bool hp_declare_keeps(const hp_declared_proto *p)
{
    return p->ports == HP_NAT_PORTS_PRESERVE;
}
/* Flows to all remotes show one port until ports collide. */
bool hp_declare_is_masked(const hp_declaration *d, const hp_declared_proto *p);
/* Ports that one host can have at most. */
uint64_t hp_declare_host_ports(const hp_declaration *d, hp_declare_proto proto);
uint64_t hp_declare_block(const hp_declaration *d, uint64_t *ret_per_address);
/* The least of a host's limits for the protocol, ports not counted; UINT64_MAX: none. */
uint64_t hp_declare_host_limit(const hp_declaration *d, hp_declare_proto proto);

void hp_declare_ports(hp_declaration *d);
void hp_declare_tcp_ports(hp_declaration *d);
void hp_declare_limits(hp_declaration *d);
void hp_declare_tcp(hp_declaration *d);
void hp_declare_site(hp_declaration *d, uint8_t family);
/* Which ports pass, and what follows from it for the probes. */
void hp_declare_reach(hp_declaration *d, bool *const ports[2], bool icmp, hp_property udp_leaves);

#endif
