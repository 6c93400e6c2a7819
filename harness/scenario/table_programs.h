/* Private to scenario/: the schema of programs and worlds (table_programs.c). */
#ifndef HP_SCENARIO_TABLE_PROGRAMS_H
#define HP_SCENARIO_TABLE_PROGRAMS_H

#include "scenario/loader.h"

extern const hp_schema hp_schema_peer_program, hp_schema_server_program, hp_schema_agree;
extern const hp_words hp_words_kernel_nat, hp_words_worlds;

/* What `program` and `exec` come to, of `defaults` too; node: the map they stand in. */
void hp_loader_finish_peer_program(hp_loader *l, hp_peer_program_config *config, const hp_tree *node);
/* The same of a peer, and which of its keys go with which program. */
void hp_loader_check_peer_program(hp_loader *l, hp_sc_peer *peer, const hp_tree *node);
void hp_loader_check_server_program(hp_loader *l, hp_sc_server *server, const hp_tree *node);
/* What a kernel's NAT without a preset starts from. */
void hp_loader_start_kernel_nat(hp_sc_nat *nat, const hp_tree *node);
/* What the kind says of its ports, and that a kernel has what the NAT was told. */
void hp_loader_finish_kernel_nat(hp_loader *l, hp_sc_nat *nat, const hp_tree *node);
void hp_loader_check_worlds(hp_loader *l, const hp_scenario *scenario, const hp_tree *node);

#endif
