/* Which tracks the calls of a scenario are for, and whether those have begun and ended.
 *
 * A call with a kind of media is for a track each way. That is a promise, not a fact: a session that never comes about
 * starts none, and of two calls in a glare one does; who waits for such a track waits until the run's end. A call that
 * names nobody is for at least one track each way, whoever answers. */
#include "check/traffic.h"

/* got NULL: anybody. */
static bool fits(const char *wanted, const char *got)
{
    return wanted == NULL || got == NULL || strcmp(wanted, got) == 0;
}

static bool direction_fits(const hp_track_choice *choice, const char *from, const char *to)
{
    return fits(choice->from, from) && fits(choice->to, to);
}

bool hp_track_chosen(const hp_track_facts *track, const hp_track_choice *choice)
{
    return choice->kinds[track->kind] && direction_fits(choice, track->from, track->to);
}

/* How many of the chosen tracks one call is for. */
static unsigned promised_by(const hp_step *step, const hp_track_choice *choice)
{
    static char *const anybody[] = {NULL};
    const char *from = step->call.from;
    char *const *to = step->call.to != NULL ? step->call.to : anybody;
    unsigned kinds = 0, directions = 0;
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        kinds += step->call.config.media[kind] && choice->kinds[kind];
    }
    if (*to == NULL && step->call.broadcast) {
        directions = direction_fits(choice, from, NULL) + direction_fits(choice, NULL, from);
    }
    for (; *to != NULL; to++) {
        directions += direction_fits(choice, from, *to) + direction_fits(choice, *to, from);
    }
    return kinds * directions;
}

bool hp_media_pending(const hp_facts *facts, const hp_track_choice *choice)
{
    const hp_scenario *scenario = facts->plan->scenario;
    unsigned promised = 0, begun = 0;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        if (scenario->steps[i].kind != HP_STEP_CALL) {
            continue;
        }
        const unsigned n = promised_by(&scenario->steps[i], choice);
        if (n > 0 && !facts->steps[i].reached) {
            return true;
        }
        promised += n;
    }
    for (unsigned i = 0; i < facts->tracks->len && begun < promised; i++) {
        begun += hp_track_chosen(g_ptr_array_index(facts->tracks, i), choice);
    }
    return begun < promised;
}

bool hp_media_done(const hp_facts *facts, const hp_track_choice *choice)
{
    for (unsigned i = 0; i < facts->tracks->len; i++) {
        const hp_track_facts *track = g_ptr_array_index(facts->tracks, i);
        hp_track_change last;
        if (hp_track_chosen(track, choice) &&
            (!hp_track_state_at(track, UINT64_MAX, &last) || last.state != HP_TRACK_STOPPED ||
             facts->now < hp_time_add(last.at, HP_TRAFFIC_GRACE))) {
            return false;
        }
    }
    return !hp_media_pending(facts, choice);
}

static bool has_track(const hp_facts *facts, hp_media_kind kind, const char *from, const char *to)
{
    for (unsigned i = 0; i < facts->tracks->len; i++) {
        const hp_track_facts *track = g_ptr_array_index(facts->tracks, i);
        if (track->kind == kind && strcmp(track->from, from) == 0 && strcmp(track->to, to) == 0) {
            return true;
        }
    }
    return false;
}

bool hp_media_missing(const hp_facts *facts, const hp_track_choice *choice, uint64_t end, hp_media_kind *ret_kind,
                      const char **ret_from, const char **ret_to)
{
    const hp_scenario *scenario = facts->plan->scenario;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !facts->steps[i].reached || facts->steps[i].index >= end) {
            continue;
        }
        for (char **to = step->call.to; to != NULL && *to != NULL; to++) {
            const char *const ways[][2] = {{step->call.from, *to}, {*to, step->call.from}};
            for (unsigned k = 0; k < HP_MEDIA_N_KINDS * G_N_ELEMENTS(ways); k++) {
                const hp_media_kind kind = (hp_media_kind)(k / G_N_ELEMENTS(ways));
                const char *const *way = ways[k % G_N_ELEMENTS(ways)];
                if (step->call.config.media[kind] && choice->kinds[kind] && direction_fits(choice, way[0], way[1]) &&
                    !has_track(facts, kind, way[0], way[1])) {
                    *ret_kind = kind;
                    *ret_from = way[0];
                    *ret_to = way[1];
                    return true;
                }
            }
        }
    }
    return false;
}

static bool call_is_between(const hp_step *step, const char *a, const char *b)
{
    const char *from = step->call.from;
    if (strcmp(from, a) != 0 && strcmp(from, b) != 0) {
        return false;
    }
    const char *other = strcmp(from, a) == 0 ? b : a;
    const char *const *to = (const char *const *)step->call.to;
    return step->call.broadcast || (to != NULL && g_strv_contains(to, other));
}

hp_time hp_media_call_time(const hp_facts *facts, const hp_track_facts *track)
{
    const hp_scenario *scenario = facts->plan->scenario;
    const hp_step_facts *last = NULL;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step_facts *step = &facts->steps[i];
        if (scenario->steps[i].kind == HP_STEP_CALL && step->reached && step->index < track->began_index &&
            call_is_between(&scenario->steps[i], track->from, track->to) &&
            (last == NULL || step->index > last->index)) {
            last = step;
        }
    }
    return last != NULL ? last->at : facts->first_call;
}
