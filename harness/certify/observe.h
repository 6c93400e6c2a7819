/* Private to certify/: what the observing files share. Each looks at one side of the device and writes its findings;
 * what later ones need of earlier ones is in hp_observer. They run in the order in which they stand here. */
#ifndef HP_CERTIFY_OBSERVE_H
#define HP_CERTIFY_OBSERVE_H

#include "certify/bench.h"

enum { HP_OBSERVE_N_PROTOS = HP_BENCH_ICMP + 1, HP_OBSERVE_PORTS = 65536 };

/* What has been learned of a protocol. */
typedef struct hp_observed_proto {
    bool leaves; /* something passes */
    uint16_t to, to_other; /* remote ports that pass, from 1024 up where they can be; other: 0 when there is only one */
    uint16_t to_pair; /* an even one that passes with its successor; 0: none */
    uint16_t to_low; /* one below 1024; 0: none */
    uint16_t base; /* an even internal port (id); where ports are kept this one and the next dozens are */
    bool keeps; /* internal ports are kept where they can be */
    hp_time unanswered; /* how long a mapping lives that was opened and no more */
} hp_observed_proto;

typedef struct hp_observer {
    const hp_certify_subject *subject;
    hp_certificate *c;
    bool with_firewall;
    bool failed;
    hp_observed_proto proto[HP_OBSERVE_N_PROTOS];
    bool blocks; /* hosts have port blocks */
    unsigned block_ports; /* all ports of a host's blocks; 0: not known */
    unsigned range_ports; /* ports of the range; 0: not known */
    unsigned n_external; /* addresses seen */
    hp_time udp_lifetime; /* of a mapping in use; HP_NEVER: no end was seen */
    hp_time tcp_established;
    hp_bench *exhausted; /* owned: the first host has all UDP ports there, and nobody else any; or NULL */
} hp_observer;

hp_bench *hp_observer_bench(hp_observer *o);
/* A remote: address number n, the protocol's ordinary port. */
hp_addr hp_observer_remote(const hp_observer *o, const hp_bench *b, hp_bench_proto proto, unsigned n);
hp_addr hp_observer_inside(const hp_observer *o, const hp_bench *b, hp_bench_proto proto, unsigned host,
                           unsigned offset);
/* Other hosts take that internal port towards a remote, so that no external address has it free where ports are
 * kept. */
void hp_observer_take(const hp_observer *o, hp_bench *b, hp_bench_proto proto, unsigned offset, const hp_addr *to);
/* An internal port that lies far from `base`, outside any block around it. */
uint16_t hp_observer_elsewhere(const hp_observer *o, hp_bench_proto proto, unsigned offset);

/* Whether it is still there after t of silence, on a bench of its own. */
typedef bool hp_alive_func(hp_observer *o, hp_time t, const void *data);
/* The shortest silence, in whole milliseconds, after which it is not; HP_NEVER when that is longer than `longest`. */
hp_time hp_observer_life(hp_observer *o, hp_alive_func *alive, const void *data, hp_time longest);
#define HP_OBSERVE_LONGEST (64 * 86400 * HP_S)

/* How far a search for a limit goes. */
enum { HP_OBSERVE_MAX_MAPPINGS = 5000, HP_OBSERVE_MAX_REMOTES = 2000, HP_OBSERVE_MAX_WAITING = 256 };

/* observe_ipv6.c */
void hp_observe_ipv6(hp_observer *o);
/* observe_reach.c: which ports pass, and the ports to work with. For properties from `udp_leaves` on, four of them. */
void hp_observe_reach(hp_observer *o, hp_property udp_leaves);
/* observe_blocks.c */
void hp_observe_pool(hp_observer *o);
/* observe_mapping.c */
void hp_observe_keeping(hp_observer *o, hp_bench_proto proto);
void hp_observe_mapping(hp_observer *o, hp_bench_proto proto);
void hp_observe_filtering(hp_observer *o, hp_bench_proto proto, hp_property property);
/* observe_udp.c: timers, hairpinning, the unsolicited */
void hp_observe_udp_timers(hp_observer *o);
void hp_observe_udp_timer(hp_observer *o, hp_property timer, hp_property unreplied);
void hp_observe_udp_unsolicited(hp_observer *o);
/* observe_hairpin.c */
void hp_observe_hairpin(hp_observer *o, hp_bench_proto proto);
/* observe_blocks.c */
void hp_observe_blocks(hp_observer *o);
/* observe_limits.c */
void hp_observe_limits(hp_observer *o);
/* observe_ports.c, observe_range.c */
void hp_observe_ports(hp_observer *o, hp_bench_proto proto);
void hp_observe_port_range(hp_observer *o);
void hp_observe_overload(hp_observer *o, hp_bench_proto proto, hp_property property);
/* observe_quarantine.c */
void hp_observe_quarantine(hp_observer *o, hp_bench_proto proto);
/* observe_icmp.c */
void hp_observe_icmp(hp_observer *o);
void hp_observe_icmp_errors(hp_observer *o);
/* observe_fragments.c */
void hp_observe_fragments(hp_observer *o);
/* observe_tcp.c, observe_tcp_timers.c */
void hp_observe_tcp(hp_observer *o);
void hp_observe_tcp_timers(hp_observer *o);
void hp_observe_tcp_established(hp_observer *o, hp_property property);

#endif
