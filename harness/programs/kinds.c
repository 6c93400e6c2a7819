/* Theory of operation: one table. What a plan's peer or server runs is its `program:`; `exec` where it has `exec:`
 * instead; our own libnice peer, raw peer and server where nothing is said. */
#include "programs/kinds.h"

#include <string.h>

#include "base/error.h"
#include "programs/kind_list.h"

/* NULL: there is none of that name. */
static const hp_program_ops *find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(hp_program_kind_list); i++)
        if (strcmp(hp_program_kind_list[i]->name, name) == 0)
            return hp_program_kind_list[i];
    return NULL;
}

static const char *kind_name(const hp_plan *plan, hp_program_role role, unsigned index)
{
    switch (role) {
    case HP_PROGRAM_PEER:
        return hp_plan_peer_program(&plan->peers[index]);
    case HP_PROGRAM_SERVER:
        return hp_plan_server_program(&plan->servers[index]);
    case HP_PROGRAM_BROKER:
        break;
    }
    return "broker";
}

const hp_program_ops *hp_program_kind_of(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    const char *name = kind_name(plan, role, index);
    const hp_program_ops *ops = find(name);
    if (!ops)
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "this build has no program of the kind \"%s\"", name);
    return ops;
}
