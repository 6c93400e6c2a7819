/* Private to wire/: what match.c and match_detail.c share. */
#ifndef HP_WIRE_MATCH_PRIVATE_H
#define HP_WIRE_MATCH_PRIVATE_H

#include "wire/match.h"

bool hp_match_presence_holds(hp_presence wanted, bool is);
bool hp_match_end_holds(const hp_match_end *end, const hp_addr *a, uint8_t proto);

/* match_dns.c */
bool hp_match_asks_for_dns(const hp_match_dns *d);
bool hp_match_dns_holds(const hp_match_dns *d, const hp_match_subject *s);

/* What of a detail speaks of the outermost packet: TTL, traffic class, TCP, DNS. */
bool hp_match_detail_headers_hold(const hp_match_detail *d, const hp_match_subject *s);
bool hp_match_detail_asks_for_payload(const hp_match_detail *d);
bool hp_match_detail_layer_holds(const hp_match_detail *d, const hp_match_layer *layer);

#endif
