/* Private to scenario/: what the readers of single values lend to those of lists and maps. */
#ifndef HP_SCENARIO_VALUE_H
#define HP_SCENARIO_VALUE_H

#include "scenario/loader.h"

/* All of them report and return false when the text will not do, and leave the field alone then. */
bool hp_value_scalar(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);
bool hp_value_name(hp_loader *l, const hp_key *key, const hp_tree *node, char **field);
bool hp_value_address(hp_loader *l, const hp_key *key, const hp_tree *node, hp_addr *ret);
bool hp_value_endpoint(hp_loader *l, const hp_key *key, const hp_tree *node, hp_addr *ret);
bool hp_value_prefix(hp_loader *l, const hp_key *key, const hp_tree *node, hp_prefix *ret);
bool hp_value_ports(hp_loader *l, const hp_key *key, const hp_tree *node, size_t size, void *field);
bool hp_value_duration(hp_loader *l, const hp_key *key, const hp_tree *node, hp_time *ret);
bool hp_value_int(hp_loader *l, const hp_key *key, const hp_tree *node, size_t size, void *field);
bool hp_value_packets(hp_loader *l, const hp_key *key, const hp_tree *node, hp_packet_range *ret);

/* uint8_t * and uint16_t (value_octets.c) */
bool hp_value_octets(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);
bool hp_value_octets32(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);
/* (table_firewall.c) */
bool hp_value_firewall_preset(hp_loader *l, const hp_key *key, const hp_tree *node, hp_sc_firewall *ret);

/* "`delay` must be a duration such as 20ms, not `x`". Always false. */
bool hp_value_mistake(hp_loader *l, const hp_key *key, const hp_tree *node, const char *hint);
/* "`x` is not a NAT preset", with the nearest word or all of a few. Always false. */
bool hp_value_unknown_word(hp_loader *l, const hp_words *words, const hp_tree *node);

#endif
