/* A host that finds out what NAT it is behind: the discovery engine (engines/nat_discovery.h) on a virtual host. */
#ifndef HP_ACTORS_PROBE_H
#define HP_ACTORS_PROBE_H

#include "engines/nat_discovery.h"
#include "world/host.h"

typedef struct hp_probe hp_probe;

/* Begins at the present instant, on the host's first address of the server's family; config is copied. NULL and
 * HP_ERROR_INVALID when the host has no such address. */
hp_probe *hp_probe_new(hp_host *host, const char *name, const hp_nat_discovery_config *config, GError **error);
/* Closes its sockets; legal at any time but from inside a step of the world that runs it. */
void hp_probe_free(hp_probe *probe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_probe, hp_probe_free)

bool hp_probe_is_done(const hp_probe *probe);
/* Steps the world until the probe is done. False with error set when the world fails, or (HP_ERROR_LIMIT) when
 * `until` is reached before. */
bool hp_probe_run(hp_probe *probe, hp_time until, GError **error);
const hp_nat_discovery_result *hp_probe_get_result(const hp_probe *probe);

#endif
