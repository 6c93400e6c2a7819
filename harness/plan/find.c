/* Names to indices: the lists are short and looked through, at the start of a run and by its steps alone. */
#include <string.h>

#include "plan/plan.h"

int hp_plan_find_peer(const hp_plan *plan, const char *name)
{
    for (unsigned i = 0; name && i < plan->n_peers; i++)
        if (strcmp(plan->peers[i].source->name, name) == 0)
            return (int)i;
    return -1;
}

int hp_plan_find_nat(const hp_plan *plan, const char *name)
{
    for (unsigned i = 0; name && i < plan->n_nats; i++)
        if (strcmp(plan->nats[i].source->name, name) == 0)
            return (int)i;
    return -1;
}

int hp_plan_find_server(const hp_plan *plan, const char *name)
{
    for (unsigned i = 0; name && i < plan->n_servers; i++)
        if (strcmp(plan->servers[i].source->name, name) == 0)
            return (int)i;
    return -1;
}

int hp_plan_find_firewall(const hp_plan *plan, const char *name)
{
    for (unsigned i = 0; name && i < plan->n_firewalls; i++)
        if (strcmp(plan->firewalls[i].source->name, name) == 0)
            return (int)i;
    return -1;
}

int hp_plan_find_zone(const hp_plan *plan, const char *name)
{
    for (unsigned i = 0; name && i < plan->n_zones; i++)
        if (strcmp(plan->zones[i].name, name) == 0)
            return (int)i;
    return -1;
}

int hp_plan_find_step(const hp_plan *plan, const char *label)
{
    for (unsigned i = 0; label && i < plan->scenario->n_steps; i++)
        if (strcmp(hp_step_label(&plan->scenario->steps[i]), label) == 0)
            return (int)i;
    return -1;
}

int hp_plan_zone_beyond(const hp_plan *plan, unsigned zone)
{
    const hp_plan_zone *z = &plan->zones[zone];
    return z->nat >= 0        ? (int)plan->nats[z->nat].outside.zone
           : z->firewall >= 0 ? (int)plan->firewalls[z->firewall].outside.zone
                              : -1;
}
