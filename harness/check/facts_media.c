/* Tracks of audio and video: what was sent, what came of it, what the receiver did about it.
 *
 * A track is what one sender says of itself once (media-track); its number is unique in a run. Sequence numbers in
 * records have no wraps, and sender and receiver count alike, so that an arrival finds what was sent by its number. The
 * numbers of made-up media have no gaps; those of a recording may, and may even be out of order, so that the packets
 * are kept sorted and found by where they should be, else by halving.
 *
 * What the receiver says of a packet (duplicate, late, reordered) is believed; whether it was ever sent is not a thing
 * it can know, and is looked up: a number that nobody had sent by then makes the packet foreign, also when the sender
 * gets to that number later. A retransmission is foreign only when the receiver used it. A sender's second packet with
 * one number that is not marked as a retransmission is nothing new, and not counted.
 *
 * Records of a track that was never announced, and of numbers beyond MAX_TRACK, belong to no run of ours: ignored.
 * Track 0 stands for packets under an SSRC that nobody sends under; see hp_facts_settle_strays().
 *
 * A foreign sender (a program that is not ours) tells of no packet. What the receiver says came was sent then, and what
 * it says never came in between was sent too; so nothing is known of how long it took, nor of packets lost after the
 * last one that came, and none of its packets is foreign.
 *
 * srtp-refused events speak of the track that the packet's header claims; those of none are not counted here. */
#include <assert.h>
#include <string.h>

#include "check/facts.h"

#define MAX_TRACK (UINT64_C(1) << 16)
enum { MAX_GAP = 1 << 12 }; /* a larger jump is no loss but a new beginning */

static const char *const state_names[] = {
    [HP_TRACK_STARTED] = "started",
    [HP_TRACK_HELD] = "held",
    [HP_TRACK_RESUMED] = "resumed",
    [HP_TRACK_STOPPED] = "stopped",
};
static_assert(G_N_ELEMENTS(state_names) == HP_TRACK_STATE_N, "one name a state");

void hp_track_facts_free(void *p)
{
    hp_track_facts *track = p;
    g_array_unref(track->packets);
    g_array_unref(track->frames);
    g_array_unref(track->incidents);
    g_array_unref(track->freezes);
    g_array_unref(track->states);
    g_array_unref(track->counted_out);
    g_array_unref(track->counted_in);
    g_free(track);
}

static hp_track_facts *find_track(const hp_facts *facts, uint64_t number)
{
    return number < facts->track_index->len ? g_ptr_array_index(facts->track_index, (guint)number) : NULL;
}

bool hp_track_state_at(const hp_track_facts *track, uint64_t index, hp_track_change *ret)
{
    for (unsigned i = track->states->len; i > 0; i--) {
        const hp_track_change *change = &g_array_index(track->states, hp_track_change, i - 1);
        if (change->index < index) {
            *ret = *change;
            return true;
        }
    }
    return false;
}

/* ---- packets ---- */

static hp_media_packet *packets_of(const hp_track_facts *track)
{
    return (hp_media_packet *)(void *)track->packets->data;
}

/* The first packet with at least that number; as many as there are when there is none. */
static unsigned lower_bound(const hp_track_facts *track, uint32_t sequence)
{
    const hp_media_packet *packets = packets_of(track);
    unsigned from = 0, to = track->packets->len;
    while (from < to) {
        const unsigned middle = from + (to - from) / 2;
        if (packets[middle].sequence < sequence) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static hp_media_packet *find_packet(const hp_track_facts *track, uint32_t sequence)
{
    hp_media_packet *packets = packets_of(track);
    const unsigned n = track->packets->len;
    if (n == 0 || sequence < packets[0].sequence) {
        return NULL;
    }
    const uint32_t guess = sequence - packets[0].sequence;
    if (guess < n && packets[guess].sequence == sequence) {
        return &packets[guess];
    }
    const unsigned i = lower_bound(track, sequence);
    return i < n && packets[i].sequence == sequence ? &packets[i] : NULL;
}

static void add_incident(hp_track_facts *track, hp_incident_kind kind, uint64_t index, uint32_t packet)
{
    const hp_media_incident incident = {.kind = kind, .packet = packet, .index = index};
    g_array_append_val(track->incidents, incident);
}

/* One that nothing came of yet. */
static hp_media_packet new_packet(const hp_record *r)
{
    return (hp_media_packet){
        .sent = r->at,
        .received = HP_NEVER,
        .repaired = HP_NEVER,
        .mouth_to_ear = HP_NEVER,
        .index = (uint32_t)r->index,
        .sequence = r->media.sequence,
        .size = r->media.size,
    };
}

static void sent(hp_track_facts *track, const hp_record *r)
{
    const hp_media_record *m = &r->media;
    const unsigned n = track->packets->len;
    if ((m->flags & HP_MEDIA_F_RTX) != 0) {
        add_incident(track, HP_INCIDENT_RETRANSMITTED, r->index, 0);
        return;
    }
    hp_media_packet p = new_packet(r);
    p.flags = m->flags & HP_MEDIA_F_REFUSED;
    if (n == 0 || m->sequence > packets_of(track)[n - 1].sequence) {
        g_array_append_val(track->packets, p);
        return;
    }
    const unsigned i = lower_bound(track, m->sequence);
    if (packets_of(track)[i].sequence != m->sequence) {
        g_array_insert_val(track->packets, i, p);
    }
}

static void insert_concluded(hp_track_facts *track, unsigned at, uint32_t sequence, const hp_record *r)
{
    hp_media_packet p = new_packet(r);
    p.sequence = sequence;
    p.size = sequence == r->media.sequence ? r->media.size : 0;
    g_array_insert_val(track->packets, at, p);
}

/* Of a sender that tells nobody what it sends: each packet that comes was sent, and so was every number between two that
 * came. When is not known; it counts where it was missed. */
static hp_media_packet *conclude_sent(hp_track_facts *track, const hp_record *r)
{
    const uint32_t sequence = r->media.sequence;
    const unsigned n = track->packets->len;
    const uint32_t first = n > 0 ? packets_of(track)[n - 1].sequence + 1 : sequence;
    if (n > 0 && (sequence < first || sequence - first > MAX_GAP)) {
        const unsigned at = lower_bound(track, sequence);
        insert_concluded(track, at, sequence, r);
        return &packets_of(track)[at];
    }
    for (uint32_t s = first; s != sequence + 1; s++) {
        insert_concluded(track, track->packets->len, s, r);
    }
    return &packets_of(track)[track->packets->len - 1];
}

static void received_media(hp_track_facts *track, hp_media_packet *p, const hp_record *r)
{
    const hp_media_record *m = &r->media;
    if (p->received != HP_NEVER) {
        add_incident(track, HP_INCIDENT_DUPLICATE, p->index, m->packet);
        return;
    }
    p->received = r->at;
    p->jitter = m->jitter;
    p->packet = m->packet;
    p->flags |= m->flags & (HP_MEDIA_F_REORDERED | HP_MEDIA_F_LATE);
    if ((m->flags & HP_MEDIA_F_TIMED) != 0) {
        p->mouth_to_ear = m->span;
    }
    track->heard_index = track->heard ? MAX(track->heard_index, p->index) : p->index;
    track->heard = true;
}

static void received(hp_track_facts *track, const hp_record *r)
{
    const hp_media_record *m = &r->media;
    const bool is_repair = (m->flags & HP_MEDIA_F_RTX) != 0;
    if (is_repair && (m->flags & (HP_MEDIA_F_USELESS | HP_MEDIA_F_DUPLICATE | HP_MEDIA_F_DISCARDED)) != 0) {
        return;
    }
    hp_media_packet *p = find_packet(track, m->sequence);
    if (p == NULL && track->foreign_sender) {
        p = conclude_sent(track, r);
    } else if (p != NULL && track->foreign_sender) {
        p->size = m->size;
    }
    if (p == NULL) {
        add_incident(track, HP_INCIDENT_FOREIGN, r->index, m->packet);
    }
    if ((m->flags & HP_MEDIA_F_DISCARDED) != 0) {
        add_incident(track, HP_INCIDENT_DISCARDED, p != NULL ? p->index : r->index, m->packet);
    } else if (p == NULL) {
        return;
    } else if ((m->flags & HP_MEDIA_F_DUPLICATE) != 0) {
        add_incident(track, HP_INCIDENT_DUPLICATE, p->index, m->packet);
    } else if (!is_repair) {
        received_media(track, p, r);
    } else if (hp_media_packet_arrival(p) == HP_NEVER) {
        p->repaired = r->at;
        p->packet = m->packet;
        p->flags |= m->flags & HP_MEDIA_F_LATE;
    }
}

static void frame_shown(hp_track_facts *track, const hp_record *r)
{
    const bool timed = (r->media.flags & HP_MEDIA_F_TIMED) != 0 && r->media.span <= r->at;
    const hp_media_frame_shown frame = {
        .at = r->at,
        .span = timed ? r->media.span : HP_NEVER,
        .key = (r->media.flags & HP_MEDIA_F_KEY) != 0,
    };
    g_array_append_val(track->frames, frame);
}

void hp_facts_media_record(hp_facts *facts, const hp_record *r)
{
    const hp_media_record *m = &r->media;
    hp_track_facts *track = find_track(facts, m->track);
    if (track == NULL) {
        if (m->track == 0 && m->kind == HP_MEDIA_RECEIVED) {
            const hp_media_stray stray = {.index = r->index, .packet = m->packet};
            g_array_append_val(facts->strays, stray);
        }
        return;
    }
    switch ((hp_media_record_kind)m->kind) {
    case HP_MEDIA_SENT:
        sent(track, r);
        break;
    case HP_MEDIA_RECEIVED:
        received(track, r);
        break;
    case HP_MEDIA_FRAME:
        frame_shown(track, r);
        break;
    case HP_MEDIA_RECORD_N:
        break;
    }
}

/* ---- events ---- */

bool hp_facts_media_kind(const hp_record *r, hp_media_kind *ret)
{
    const char *media = hp_record_text(r, "media");
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        if (strcmp(media, hp_media_kind_name(kind)) == 0) {
            *ret = kind;
            return true;
        }
    }
    return false;
}

static void track_begins(hp_facts *facts, uint64_t number, const hp_record *r)
{
    hp_media_kind kind;
    if (number == 0 || number > MAX_TRACK || !hp_facts_media_kind(r, &kind)) {
        return;
    }
    hp_track_facts *track =
        hp_facts_add_track(facts, (unsigned)number, kind, r->event.subject, hp_record_text(r, "to"), r);
    if (track == NULL) {
        return;
    }
    track->ssrc = (uint32_t)hp_record_u64(r, "ssrc");
    track->clock = (uint32_t)CLAMP(hp_record_u64(r, "clock"), 1, UINT32_MAX);
    facts->current.track = track;
}

hp_track_facts *hp_facts_add_track(hp_facts *facts, unsigned number, hp_media_kind kind, const char *from,
                                   const char *to, const hp_record *began)
{
    if (find_track(facts, number) != NULL) {
        return NULL;
    }
    hp_track_facts *track = g_new0(hp_track_facts, 1);
    track->number = number;
    track->kind = kind;
    track->from = hp_facts_string(facts, from);
    track->to = hp_facts_string(facts, to);
    track->foreign_sender = hp_facts_is_foreign(facts, from);
    track->foreign_receiver = hp_facts_is_foreign(facts, to);
    track->clock = 1;
    track->began = began->at;
    track->deaf = HP_NEVER;
    track->began_index = began->index;
    track->packets = g_array_new(FALSE, FALSE, sizeof(hp_media_packet));
    track->frames = g_array_new(FALSE, FALSE, sizeof(hp_media_frame_shown));
    track->incidents = g_array_new(FALSE, FALSE, sizeof(hp_media_incident));
    track->freezes = g_array_new(FALSE, FALSE, sizeof(hp_media_freeze));
    track->states = g_array_new(FALSE, FALSE, sizeof(hp_track_change));
    track->counted_out = g_array_new(FALSE, FALSE, sizeof(hp_media_counts));
    track->counted_in = g_array_new(FALSE, FALSE, sizeof(hp_media_counts));
    g_ptr_array_add(facts->tracks, track);
    if (number >= facts->track_index->len) {
        g_ptr_array_set_size(facts->track_index, (int)number + 1);
    }
    g_ptr_array_index(facts->track_index, (guint)number) = track;
    return track;
}

void hp_facts_media_hung_up(hp_facts *facts, const char *peer, const char *with, hp_time at)
{
    for (unsigned i = 0; i < facts->tracks->len; i++) {
        hp_track_facts *track = g_ptr_array_index(facts->tracks, i);
        if (track->deaf == HP_NEVER && strcmp(track->to, peer) == 0 && strcmp(track->from, with) == 0) {
            track->deaf = at;
        }
    }
}

/* A peer stops its own senders when it hangs up, before its agent is closed. */
static void state_changes(hp_facts *facts, hp_track_facts *track, const hp_record *r)
{
    const char *name = hp_record_text(r, "state");
    for (unsigned i = 0; i < HP_TRACK_STATE_N; i++) {
        if (strcmp(state_names[i], name) == 0) {
            const hp_track_change change = {.index = r->index, .at = r->at, .state = (hp_track_state)i};
            g_array_append_val(track->states, change);
            if (change.state == HP_TRACK_STOPPED) {
                hp_facts_media_hung_up(facts, track->from, track->to, r->at);
            }
            return;
        }
    }
}

/* Reasons that are not in the table are counted by nobody. */
static void refused(hp_track_facts *track, const hp_record *r)
{
    static const struct {
        const char *reason;
        hp_incident_kind kind;
    } reasons[] = {
        {"auth-failed", HP_INCIDENT_AUTH_FAILED}, {"replay", HP_INCIDENT_REPLAYED},
        {"too-old", HP_INCIDENT_REPLAYED},        {"no-keys", HP_INCIDENT_WITHOUT_KEYS},
        {"malformed", HP_INCIDENT_MALFORMED},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(reasons); i++) {
        if (strcmp(reasons[i].reason, hp_record_text(r, "reason")) == 0) {
            add_incident(track, reasons[i].kind, r->index, (uint32_t)hp_record_u64(r, "packet"));
        }
    }
}

static void feedback(hp_track_facts *track, const hp_record *r)
{
    const char *what = hp_record_text(r, "what");
    if (strcmp(what, "nack") == 0) {
        add_incident(track, HP_INCIDENT_NACK, r->index, 0);
    } else if (strcmp(what, "pli") == 0) {
        add_incident(track, HP_INCIDENT_PLI, r->index, 0);
    }
}

/* Told when it is over. */
static void picture_froze(hp_track_facts *track, const hp_record *r)
{
    const hp_media_freeze freeze = {.from = r->at - MIN(hp_record_u64(r, "duration"), r->at), .to = r->at};
    g_array_append_val(track->freezes, freeze);
}

void hp_facts_media_event(hp_facts *facts, const hp_record *r)
{
    const uint64_t number = hp_record_u64(r, "track");
    if (r->event.kind == HP_EV_MEDIA_TRACK) {
        track_begins(facts, number, r);
        return;
    }
    hp_track_facts *track = find_track(facts, number);
    facts->current.track = track;
    if (track == NULL) {
        return;
    }
    if (r->event.kind == HP_EV_MEDIA_STATE) {
        state_changes(facts, track, r);
    } else if (r->event.kind == HP_EV_SRTP_REFUSED) {
        refused(track, r);
    } else if (r->event.kind == HP_EV_MEDIA_FEEDBACK) {
        feedback(track, r);
    } else if (r->event.kind == HP_EV_MEDIA_FREEZE) {
        picture_froze(track, r);
    } else {
        add_incident(track, HP_INCIDENT_FRAME_LOST, r->index, 0);
    }
}

/* ---- strays ---- */

static void settle(hp_facts *facts, const hp_media_stray *stray, const char *tap)
{
    for (unsigned i = 0; i < facts->tracks->len; i++) {
        hp_track_facts *track = g_ptr_array_index(facts->tracks, i);
        if (tap == NULL || hp_tap_is_of(tap, track->to)) {
            add_incident(track, HP_INCIDENT_FOREIGN, stray->index, stray->packet);
        }
    }
}

/* One walk over the packets serves, since strays and the packets they name come in the same order; only a host that
 * lets packets wait could mix it up. */
void hp_facts_settle_strays(hp_facts *facts, const hp_trace *trace)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    uint32_t number = 0; /* of the packet in r */
    for (; facts->n_strays_settled < facts->strays->len; facts->n_strays_settled++) {
        const hp_media_stray *stray = &g_array_index(facts->strays, hp_media_stray, facts->n_strays_settled);
        if (stray->packet < number) {
            cursor = (hp_trace_cursor){0};
            number = 0;
        }
        while (number < stray->packet && hp_trace_next_of(trace, &cursor, 1U << HP_RECORD_PACKET, &r)) {
            number = r.packet.number;
        }
        const bool known = stray->packet != 0 && number == stray->packet && r.packet.tap < hp_trace_n_taps(trace);
        settle(facts, stray, known ? hp_trace_tap_name(trace, r.packet.tap) : NULL);
    }
}
