/* Private to scenario/: the schema of names (table_dns.c). */
#ifndef HP_SCENARIO_TABLE_DNS_H
#define HP_SCENARIO_TABLE_DNS_H

#include "scenario/loader.h"

extern const hp_schema hp_schema_dns_server, hp_schema_peer_dns, hp_schema_mdns, hp_schema_set_dns, hp_schema_match_dns;
extern const hp_words hp_words_dns_type, hp_words_dns_rcode;

/* Each key of a server goes with its kind; node is the server's map. */
void hp_loader_check_server_kind(hp_loader *l, hp_sc_server *server, const hp_tree *node);
/* Moves the faults of the file into the configuration that they are for. */
void hp_loader_sort_faults(hp_loader *l, hp_sc_server *server, const hp_tree *node);

#endif
