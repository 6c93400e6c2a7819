/* All programs of a live run, as the run process sees them: it forks them, tells them what the director carries out, and
 * learns how each of them ended.
 *
 * Life of a member, in order, never back: STARTING, READY, RUNNING, FINISHING, GONE. Whatever one does that it should not
 * (it says that it failed, or it ends by itself) is kept as the crew's failure, the first one alone. */
#ifndef HP_PROGRAMS_CREW_H
#define HP_PROGRAMS_CREW_H

#include "live/loop.h"
#include "live/netns.h"
#include "programs/program.h"

typedef struct hp_crew hp_crew;

typedef struct hp_crew_config {
    const hp_plan *plan;
    const hp_live_clock *clock;
    const char *folder; /* of the run: programs have folders of their own in it, and logs */
    hp_netns *const *peer_namespaces, *const *server_namespaces; /* by the plan's index */
    hp_media_tracks *tracks; /* or NULL */
    bool metered; /* hp_program.metered */
} hp_crew_config;

/* Memory, traces, listening sockets; nothing is forked yet. NULL and HP_ERROR_ENVIRONMENT. */
hp_crew *hp_crew_new(const hp_crew_config *config, GError **error);
/* Kills who is still there. */
void hp_crew_free(hp_crew *crew);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_crew, hp_crew_free)

/* Forks them all, into the cage that the calling thread has made (live/cage.h). */
bool hp_crew_start(hp_crew *crew, GError **error);
/* Their hosts' devices are there: they set themselves up. */
void hp_crew_set_up(hp_crew *crew);
/* From now on what they say is read by the loop. */
void hp_crew_listen(hp_crew *crew, hp_loop *loop);

/* The run time before which all members have told what they had to tell. Read the present before it. */
hp_time hp_crew_told(const hp_crew *crew);

unsigned hp_crew_size(const hp_crew *crew);
/* The i-th member's trace, which it writes. */
const hp_trace *hp_crew_trace(const hp_crew *crew, unsigned i);

bool hp_crew_all_ready(const hp_crew *crew);
/* Who is not ready: "alice (chromium), coturn". Caller frees. */
char *hp_crew_late_ones(const hp_crew *crew);

typedef struct hp_crew_failure {
    int code; /* hp_error_code, with text from the program; -1: it died */
    char *text; /* "alice (chromium): ..." */
    bool early; /* before run time began */
} hp_crew_failure;
/* NULL: all is well. */
const hp_crew_failure *hp_crew_get_failure(hp_crew *crew);

/* Of that peer or server (the broker: index 0). */
void hp_crew_begin(hp_crew *crew); /* all of them */
void hp_crew_step(hp_crew *crew, hp_program_role role, unsigned index, unsigned step);
void hp_crew_addresses(hp_crew *crew, hp_program_role role, unsigned index, unsigned interface,
                       const hp_addr *addresses, unsigned n);
void hp_crew_interface(hp_crew *crew, hp_program_role role, unsigned index, unsigned interface, bool up);

/* What the members have written down for the director. */
const char *hp_crew_state(const hp_crew *crew, unsigned peer);
bool hp_crew_script_done(const hp_crew *crew, unsigned peer);
/* Everything that was asked of them was carried out, and no flow is running. */
bool hp_crew_flows_done(const hp_crew *crew);

/* Asks all to finish and waits for it, HP_PROGRAM_FINISH_S at most; who has not by then is killed. pulse (may be NULL) is
 * called while it waits. The loop is not turned: nothing of the world happens any more. Names who had to be killed in
 * *ret_killed, NULL when nobody had to. Caller frees. */
void hp_crew_finish(hp_crew *crew, void (*pulse)(void *user), void *user, char **ret_killed);

/* Of a member that is gone: what it and those that it waited for have used. */
typedef struct hp_crew_usage {
    const char *name, *kind;
    hp_program_role role;
    hp_time user, system; /* CPU */
    uint64_t peak_kb; /* resident, the largest process */
    const char *scheduling;
    uint64_t beats; /* 0: it did not come to its end, and how late it was is not known */
    hp_time stall_p99, stall_max; /* how late the machine let it be */
} hp_crew_usage;
hp_crew_usage hp_crew_get_usage(const hp_crew *crew, unsigned i);
/* Copies the logs, those that are not empty, as NAME.log into `to`, which is there. */
bool hp_crew_keep_logs(const hp_crew *crew, const char *to, GError **error);

#endif
