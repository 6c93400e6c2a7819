/* Private to run/: the peers, the servers and the broker of a run, wherever they are: in this process, on simulated hosts
 * (the virtual world, cast_here.c), or in processes of their own (the live world, live_cast.c). The director speaks to
 * them through this alone. */
#ifndef HP_RUN_CAST_H
#define HP_RUN_CAST_H

#include "run/rig.h"

typedef struct hp_cast hp_cast;

typedef struct hp_cast_ops {
    /* Run time 0: raw peers open their sockets. */
    void (*begin)(hp_cast *cast);
    /* The step of that index is one of peers: those that it is about do what it says. */
    void (*ask_peers)(hp_cast *cast, unsigned step);
    void (*start_script)(hp_cast *cast, unsigned peer, unsigned step);
    void (*set_interface)(hp_cast *cast, unsigned peer, unsigned interface, bool up);
    void (*stop_server)(hp_cast *cast, unsigned server, unsigned step);
    void (*start_server)(hp_cast *cast, unsigned server, unsigned step);
    /* New addresses (none given: the plan's spare ones): it starts anew, and DNS servers that know its name by themselves
     * tell them from now on. */
    void (*renumber_server)(hp_cast *cast, unsigned server, unsigned step);
    void (*set_dns)(hp_cast *cast, unsigned step);
    void (*set_signaling)(hp_cast *cast, unsigned step);
    /* The peer's worst ICE state, NULL without a session; of a raw peer it is not asked. */
    const char *(*state)(hp_cast *cast, unsigned peer);
    bool (*script_done)(hp_cast *cast, unsigned peer);
    bool (*flows_done)(hp_cast *cast); /* all that were asked for */
    void (*free)(hp_cast *cast);
} hp_cast_ops;

struct hp_cast { /* first member of each kind */
    const hp_cast_ops *ops;
};

/* Those of the rig. */
hp_cast *hp_cast_here_new(hp_rig *rig);
static inline void hp_cast_free(hp_cast *cast)
{
    if (cast)
        cast->ops->free(cast);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_cast, hp_cast_free)

#endif
