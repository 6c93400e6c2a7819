/* Theory of operation: one table. A kind is what the scenario's `program:` says of a peer or server, `exec` where it has
 * `exec:` instead, or follows from what the plan's element is: a raw peer, a web server, our own libnice peer and our
 * own server where nothing is said. */
#include "programs/kinds.h"

#include <string.h>

#include "base/error.h"

static const hp_program_ops *const kinds[] = {
    NULL, /* so that a build without any kind compiles */
};

const hp_program_ops *hp_program_kind(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i] && strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

static const char *kind_name(const hp_plan *plan, hp_program_role role, unsigned index)
{
    switch (role) {
    case HP_PROGRAM_PEER:
        return plan->peers[index].source->is_raw ? "raw" : "libnice";
    case HP_PROGRAM_SERVER:
        return "builtin";
    case HP_PROGRAM_BROKER:
        break;
    }
    return "broker";
}

const hp_program_ops *hp_program_kind_of(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    const char *name = kind_name(plan, role, index);
    const hp_program_ops *ops = hp_program_kind(name);
    if (!ops)
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "this build has no program of the kind \"%s\"", name);
    return ops;
}
