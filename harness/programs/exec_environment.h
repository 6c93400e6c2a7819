/* What a foreign program is told by its environment (EXEC.md), made from the plan alone. */
#ifndef HP_PROGRAMS_EXEC_ENVIRONMENT_H
#define HP_PROGRAMS_EXEC_ENVIRONMENT_H

#include "plan/plan.h"

/* The RTCIceServers of a peer as a JSON array: its STUN server, and each of its TURN servers over each transport, with
 * user name and password. Both families where it has both. Caller frees. */
char *hp_exec_ice_servers(const hp_plan *plan, unsigned peer);
/* "relay" or "all". */
const char *hp_exec_ice_policy(const hp_plan *plan, unsigned peer);

/* "K=V", NULL-terminated, the scenario's own `environment` last. folder: private to the program. Caller frees
 * (g_strfreev). */
char **hp_exec_peer_environment(const hp_plan *plan, unsigned peer, const char *folder);
/* certificate, key: files, NULL where the server has no TLS. */
char **hp_exec_server_environment(const hp_plan *plan, unsigned server, const char *folder, const char *certificate,
                                  const char *key);

/* What the scenario itself says, alone. */
char **hp_exec_own_environment(const hp_environment *own);

#endif
