/* What programs that are not ours count of their media, and the tracks between two of them.
 *
 * Each end counts for itself, since its beginning, about once a second. What one sends and the other receives is one
 * track, known by the kind and the two names: several streams of a kind between the same two are one to us. A track with
 * an end of ours was announced by that end, and the foreign end's counts join it; without one, the first counts make it.
 * Counts that come before the announcement, or name nobody, or a peer that is not in the plan, belong to no track.
 *
 * A program may count what it does not tell of all: octets, lost packets. Lost packets may be negative where duplicates
 * came (RFC 3550 section 6.4.1), and are none then. */
#include <string.h>

#include "check/facts.h"

bool hp_facts_is_foreign(const hp_facts *facts, const char *peer)
{
    const int index = hp_plan_find_peer(facts->plan, peer);
    return index >= 0 && hp_plan_is_foreign(&facts->plan->peers[index]);
}

static hp_track_facts *find(const hp_facts *facts, hp_media_kind kind, const char *from, const char *to)
{
    hp_track_facts *last = NULL;
    for (unsigned i = 0; i < facts->tracks->len; i++) {
        hp_track_facts *track = g_ptr_array_index(facts->tracks, i);
        if (track->kind == kind && strcmp(track->from, from) == 0 && strcmp(track->to, to) == 0) {
            last = track;
        }
    }
    return last;
}

static unsigned free_number(const hp_facts *facts)
{
    return MAX(facts->track_index->len, HP_TRACK_FIRST_COUNTED);
}

static hp_media_counts counts_of(const hp_record *r)
{
    static const struct {
        const char *key;
        unsigned told;
    } fields[] = {
        {"packets", HP_COUNTED_PACKETS}, {"octets", HP_COUNTED_OCTETS}, {"lost", HP_COUNTED_LOST},
        {"jitter", HP_COUNTED_JITTER},   {"frames", HP_COUNTED_FRAMES},
    };
    hp_media_counts counts = {.index = r->index, .at = r->at};
    hp_field field;
    for (unsigned i = 0; i < G_N_ELEMENTS(fields); i++) {
        counts.told |= hp_record_find(r, fields[i].key, &field) ? fields[i].told : 0;
    }
    counts.packets = hp_record_u64(r, "packets");
    counts.octets = hp_record_u64(r, "octets");
    counts.frames = hp_record_u64(r, "frames");
    counts.jitter = hp_record_u64(r, "jitter");
    counts.lost = (uint64_t)MAX((int64_t)hp_record_u64(r, "lost"), 0);
    return counts;
}

void hp_facts_counts_event(hp_facts *facts, const hp_record *r)
{
    const char *teller = r->event.subject, *other = hp_record_text(r, "with");
    const bool in = strcmp(hp_record_text(r, "direction"), "in") == 0;
    const char *from = in ? other : teller, *to = in ? teller : other;
    hp_media_kind kind;
    if (!hp_facts_media_kind(r, &kind) || !hp_facts_is_foreign(facts, teller)) {
        return;
    }
    hp_track_facts *track = find(facts, kind, from, to);
    if (track == NULL && hp_facts_is_foreign(facts, other)) {
        track = hp_facts_add_track(facts, free_number(facts), kind, from, to, r);
    }
    if (track != NULL) {
        const hp_media_counts counts = counts_of(r);
        g_array_append_val(in ? track->counted_in : track->counted_out, counts);
        facts->current.track = track;
    }
}
