/* An attacker on the last hop before a host: it has seen what came to that host, and puts packets of its own before it,
 * from the same addresses. What the host makes of them is the test. */
#ifndef HP_ACTORS_INJECTOR_H
#define HP_ACTORS_INJECTOR_H

#include "config/inject.h"
#include "world/host.h"

typedef struct hp_injector hp_injector; /* all attacks of a run */

typedef struct hp_injector_config {
    hp_host *host; /* of that world; the attack's victim */
    hp_inject_config inject;
} hp_injector_config;

hp_injector *hp_injector_new(hp_world *world);
/* Cancels what still runs; before the world is freed. */
void hp_injector_free(hp_injector *injector);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_injector, hp_injector_free)

/* Begins an attack now: the first packet at once, in a step of its own, the others an interval from each other. Traces
 * `injected`. Returns the attack's number (1, 2, ...). Without a trace, or with nothing of that kind in it, the attack
 * is over as it begins. */
unsigned hp_injector_start(hp_injector *injector, const hp_injector_config *config);
/* Whether the last packet of that attack was sent. */
bool hp_injector_done(const hp_injector *injector, unsigned attack);
bool hp_injector_all_done(const hp_injector *injector);

#endif
