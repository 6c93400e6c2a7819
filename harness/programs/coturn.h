/* coturn's turnserver as a server of a scenario, with a configuration made from the scenario's. */
#ifndef HP_PROGRAMS_COTURN_H
#define HP_PROGRAMS_COTURN_H

#include "programs/program.h"

extern const hp_program_ops hp_coturn_program;

/* The text of turnserver.conf for the plan's server at these addresses. folder: where it writes what it must;
 * certificate and key: files, NULL without TLS and DTLS. Caller frees. */
char *hp_coturn_config(const hp_plan_server *server, const hp_addr *addresses, unsigned n_addresses, const char *folder,
                       const char *certificate, const char *key);

#endif
