/* Theory of operation: the plan knows which worlds the scenario is for and can be in (plan/worlds.c). What it does not know
 * is asked here of the machine: whether the programs of its peers and servers are installed, each kind being asked by
 * itself, and whether the kernel lets us have a NAT of its own.
 *
 * Whether the live world can run here at all is no question of a case: live/rights.h. */
#include "run/live_applies.h"

#include "live/rights.h"
#include "programs/kinds.h"

static char *refused_by(const hp_plan *plan, hp_program_role role, unsigned index)
{
    g_autoptr(GError) error = NULL;
    const hp_program_ops *ops = hp_program_kind_of(plan, role, index, &error);
    if (ops && (!ops->available || ops->available(plan, role, index, &error)))
        return NULL;
    return g_strdup(error->message);
}

static bool has_kernel_nat(const hp_plan *plan)
{
    for (unsigned i = 0; i < plan->n_nats; i++)
        if (plan->nats[i].source->kernel != HP_KERNEL_NAT_NONE)
            return true;
    return false;
}

static bool has_nftables(void)
{
    static gsize asked;
    static hp_rights rights; /* one a process: a machine does not change while cases run */
    if (g_once_init_enter(&asked)) {
        hp_rights_find(&rights);
        g_once_init_leave(&asked, 1);
    }
    return rights.nftables;
}

char *hp_world_refuses(const hp_plan *plan, bool live)
{
    char *why = NULL;
    if (!live)
        return (plan->worlds & HP_WORLD_VIRTUAL) == 0 ? g_strdup(plan->no_virtual) : NULL;
    if ((plan->worlds & HP_WORLD_LIVE) == 0)
        return g_strdup(plan->no_live);
    for (unsigned i = 0; i < plan->n_peers && !why; i++)
        why = refused_by(plan, HP_PROGRAM_PEER, i);
    for (unsigned i = 0; i < plan->n_servers && !why; i++)
        why = refused_by(plan, HP_PROGRAM_SERVER, i);
    if (!why && has_kernel_nat(plan) && !has_nftables())
        why = g_strdup("this machine does not let us have a kernel's NAT (nftables)");
    return why;
}
