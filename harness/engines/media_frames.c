/* Theory of operation.
 *
 * Packets of one timestamp are a frame. It is complete when its first and last packet are known and none between is
 * missing. Measured packets say that they are first or last; of others, the marker bit ends a frame, and a neighbour
 * with another timestamp begins or ends one. The first packet of an unmeasured stream is taken for the first of its
 * frame.
 *
 * Frames wait in the order of their timestamps. The oldest is shown as soon as it is complete and nothing before it is
 * missing: there is no playout delay, a picture is shown when it could be. A missing packet is waited for
 * (config.video.wait after it was noticed), then given up, and with it every frame that it belongs to or precedes up
 * to there.
 *
 * A frame that is no key frame refers to the one before. Once one is given up, nothing is shown before the next key
 * frame; complete frames until then count as undecodable. A complete key frame is shown at once, whatever is missing
 * before it. While one is needed and none is on its way, a PLI goes out, and again after pli_interval as long as
 * anything is heard. In an unmeasured stream nobody knows which frames are key frames: every complete one is shown. Nor
 * can the frame behind a loss be known to begin where it seems to, so that it counts as incomplete too.
 *
 * A freeze is a time between two pictures that is too long by config.freeze; all of that time counts. The clock stands
 * while the far end is on hold. The end of the call ends a freeze.
 *
 * Limits: HP_MEDIA_MAX_FRAMES waiting frames. Frames must not share a timestamp (no spatial layers). A frame of which
 * no packet came is seen as lost packets alone. */
#include "engines/media_receiver_private.h"

/* The mean of HP_FREEZE_W3C means nothing before. */
#define FREEZE_LEAST_DURATIONS 5

static bool is_complete(const hp_media_frame *f)
{
    return f->start && f->end && f->n == f->last - f->first + 1;
}

static void remove_frames(hp_media_stream *s, unsigned n)
{
    memmove(s->frames, s->frames + n, (s->n_frames - n) * sizeof *s->frames);
    s->n_frames -= n;
}

void hp_media_frames_reset(hp_media_stream *s, hp_time now)
{
    s->n_frames = 0;
    s->missing.n = 0;
    s->any_done = s->any_frame_done = false;
    s->needs_key = s->stats.measured;
    s->pli_next = now;
}

static void need_key(hp_media_stream *s, hp_time now)
{
    if (!s->stats.measured || s->needs_key)
        return;
    s->needs_key = true;
    s->pli_next = now;
}

bool hp_media_frames_want_key(const hp_media_stream *s)
{
    if (!s->needs_key || !s->heard_since_pli || s->stats.ended)
        return false;
    for (unsigned i = 0; i < s->n_frames; i++) {
        if (s->frames[i].key)
            return false;
    }
    return true;
}

static void done(hp_media_stream *s, const hp_media_frame *f)
{
    s->done_number = s->any_done ? MAX(s->done_number, f->last) : f->last;
    s->done_timestamp = f->timestamp;
    s->any_done = s->any_frame_done = true;
}

static void drop_oldest(hp_media_stream *s, hp_time now)
{
    hp_media_frame f = s->frames[0];
    bool complete = is_complete(&f);
    remove_frames(s, 1);
    done(s, &f);
    if (complete) {
        s->stats.frames_undecodable++;
    } else {
        s->stats.frames_incomplete++;
    }
    need_key(s, now);
    hp_receiver_tell(s, now,
                     &(hp_media_event){.kind = HP_MEDIA_EV_FRAME_LOST,
                                       .frame = f.id,
                                       .reason = complete ? "undecodable" : "incomplete"});
}

/* ---- freezes ---- */

static bool is_freeze(const hp_media_stream *s, hp_time gap)
{
    switch (s->receiver->config.freeze) {
    case HP_FREEZE_FIXED:
        return gap > MAX(3 * HP_S / s->receiver->config.video.fps, 150 * HP_MS);
    case HP_FREEZE_W3C:
        if (s->n_durations < FREEZE_LEAST_DURATIONS)
            return false;
        return gap >= MAX(3 * s->durations_sum / s->n_durations, s->durations_sum / s->n_durations + 150 * HP_MS);
    }
    g_assert_not_reached();
}

/* A picture is shown, or the clock stops: the time since the last one is over. */
static void end_gap(hp_media_stream *s, hp_time now, bool shown)
{
    if (s->shown_before == HP_NEVER)
        return;
    hp_time gap = now - s->shown_before;
    if (shown) {
        if (s->n_durations == HP_MEDIA_FREEZE_MEMORY) {
            s->durations_sum -= s->durations[s->next_duration];
        } else {
            s->n_durations++;
        }
        s->durations[s->next_duration] = gap;
        s->durations_sum += gap;
        s->next_duration = (s->next_duration + 1) % HP_MEDIA_FREEZE_MEMORY;
    }
    if (!is_freeze(s, gap))
        return;
    s->stats.freezes++;
    s->stats.freeze_total += gap;
    s->stats.freeze_longest = MAX(s->stats.freeze_longest, gap);
    hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_FREEZE, .span = gap});
}

void hp_media_frames_pause(hp_media_stream *s, hp_time now)
{
    end_gap(s, now, false);
    s->shown_before = HP_NEVER;
}

/* ---- showing ---- */

static void show_oldest(hp_media_stream *s, hp_time now)
{
    hp_media_frame f = s->frames[0];
    remove_frames(s, 1);
    done(s, &f);
    hp_media_missing_forget(&s->missing, f.last);
    s->needs_key = false;
    end_gap(s, now, true);
    s->shown_before = s->receiver->held ? HP_NEVER : now;
    hp_media_stream_stats *stats = &s->stats;
    hp_time latency = HP_NEVER;
    if (f.measured && f.capture <= now) {
        latency = now - f.capture;
        stats->n_frame_latency++;
        stats->frame_latency_sum += latency;
        stats->frame_latency_min = MIN(stats->frame_latency_min, latency);
        stats->frame_latency_max = MAX(stats->frame_latency_max, latency);
    }
    hp_media_event told = {.kind = HP_MEDIA_EV_FIRST_FRAME, .frame = f.id, .key = f.key, .span = latency};
    if (stats->frames == 0) {
        stats->first_frame = now;
        hp_receiver_tell(s, now, &told);
    }
    stats->last_frame = now;
    stats->frames++;
    stats->key_frames += f.key ? 1 : 0;
    told.kind = HP_MEDIA_EV_FRAME;
    hp_receiver_tell(s, now, &told);
}

/* Nothing of the oldest frame can come any more: what follows it is there, and no packet in between is awaited. */
static bool is_hopeless(const hp_media_stream *s)
{
    return s->n_frames > 1 && !hp_media_missing_until(&s->missing, s->frames[1].first);
}

/* The first frame behind the oldest that is a complete key frame; 0: none. */
static unsigned find_key(const hp_media_stream *s)
{
    for (unsigned i = 1; i < s->n_frames; i++) {
        if (s->frames[i].key && is_complete(&s->frames[i]))
            return i;
    }
    return 0;
}

void hp_media_frames_process(hp_media_stream *s, hp_time now)
{
    while (s->n_frames > 0) {
        const hp_media_frame *oldest = &s->frames[0];
        bool complete = is_complete(oldest);
        bool continues = !s->needs_key && !hp_media_missing_until(&s->missing, oldest->last);
        if (complete && (oldest->key || continues)) {
            show_oldest(s, now);
            continue;
        }
        unsigned key = find_key(s);
        if (key > 0) {
            hp_media_missing_forget(&s->missing, s->frames[key].first - 1);
            for (; key > 0; key--)
                drop_oldest(s, now);
            continue;
        }
        bool useless = s->needs_key && !oldest->key && complete;
        if (!useless && (complete || !is_hopeless(s)))
            break;
        drop_oldest(s, now);
    }
}

void hp_media_frames_give_up(hp_media_stream *s, hp_time now, int64_t number)
{
    while (s->n_frames > 0 && s->frames[0].first <= number)
        drop_oldest(s, now);
    s->done_number = s->any_done ? MAX(s->done_number, number) : number;
    s->any_done = true;
    need_key(s, now);
    hp_media_frames_process(s, now);
}

/* ---- assembly ---- */

/* The frame of that timestamp, made if need be; NULL when it would be older than what is done. */
static hp_media_frame *frame_of(hp_media_stream *s, hp_time now, uint32_t timestamp, int64_t number)
{
    unsigned i = s->n_frames;
    while (i > 0 && hp_rtp_timestamp_after(s->frames[i - 1].timestamp, timestamp))
        i--;
    if (i > 0 && s->frames[i - 1].timestamp == timestamp)
        return &s->frames[i - 1];
    if (s->n_frames == HP_MEDIA_MAX_FRAMES) {
        drop_oldest(s, now);
        if (number <= s->done_number)
            return NULL;
        i = i > 0 ? i - 1 : 0;
    }
    memmove(s->frames + i + 1, s->frames + i, (s->n_frames - i) * sizeof *s->frames);
    s->frames[i] = (hp_media_frame){.timestamp = timestamp, .first = number, .last = number};
    s->n_frames++;
    return &s->frames[i];
}

/* Of an unmeasured stream: what the neighbours tell of where frames begin and end. */
static void learn_from_neighbours(hp_media_stream *s, hp_media_frame *f, int64_t number)
{
    if (number == s->base)
        f->start = true;
    if (number - 1 >= s->settled) {
        const hp_media_slot *before = hp_media_stream_slot(s, number - 1);
        bool there = before->state != HP_SLOT_MISSING && before->state != HP_SLOT_EMPTY;
        if (there && before->timestamp != f->timestamp) {
            f->start = true;
            if (f > s->frames && f[-1].last == number - 1)
                f[-1].end = true;
        }
    }
    if (number + 1 <= s->highest) {
        const hp_media_slot *after = hp_media_stream_slot(s, number + 1);
        bool there = after->state != HP_SLOT_MISSING && after->state != HP_SLOT_EMPTY;
        if (there && after->timestamp != f->timestamp) {
            f->end = true;
            if (f + 1 < s->frames + s->n_frames && f[1].first == number + 1)
                f[1].start = true;
        }
    }
}

bool hp_media_frames_add(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, int64_t number,
                         const hp_media_mark *mark)
{
    if (s->any_done && number <= s->done_number)
        return false;
    if (s->any_frame_done && p->timestamp == s->done_timestamp)
        return false;
    hp_media_frame *f = frame_of(s, now, p->timestamp, number);
    if (!f)
        return false;
    f->first = MIN(f->first, number);
    f->last = MAX(f->last, number);
    f->n++;
    if (mark) {
        f->measured = true;
        f->id = mark->frame;
        f->capture = mark->capture;
        f->key |= (mark->flags & HP_MARK_KEY) != 0;
        f->start |= (mark->flags & HP_MARK_START) != 0;
        f->end |= (mark->flags & HP_MARK_END) != 0;
    } else {
        f->end |= p->marker;
        if (!s->stats.measured)
            learn_from_neighbours(s, f, number);
    }
    return true;
}
