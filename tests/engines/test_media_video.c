/* Video from sender to receiver over a wire that loses: what is repaired, shown, given up, and when. */
#include "engines/media_rig.h"

#define DELAY (50 * HP_MS)

static hp_media_config video(void)
{
    hp_media_config c = hp_video_config_default();
    c.video.variation_percent = 0;
    c.id = (hp_media_identity){.sequence_set = true, .sequence = 65530};
    c.rtcp.off = true;
    return c;
}

/* Ten small frames a second, a packet each; key frames, of five packets, on request alone. */
static hp_media_config slow(void)
{
    hp_media_config c = video();
    c.video.fps = 10;
    c.video.bitrate = 80000;
    c.video.key_on_request_only = true;
    return c;
}

static hp_media_stream_stats stats(const media_rig *rig)
{
    return hp_media_receiver_stream(rig->receiver, 0);
}

/* Loses the media packets whose numbers are in the list that user points to, 0 at its end. */
static hp_time lose_listed(media_rig *rig, const rig_packet *p, unsigned n)
{
    for (const unsigned *lost = rig->user; *lost != 0; lost++) {
        if (*lost == n)
            return RIG_LOST;
    }
    return 0;
}

static void all_is_shown_when_nothing_is_lost(void **state)
{
    hp_media_config c = video();
    media_rig *rig = rig_new(&c, &c, DELAY);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 10 * HP_S - 1);
    hp_media_sender_hold(rig->sender, 10 * HP_S - 1);
    rig_run(rig, 10 * HP_S + DELAY);
    hp_media_stream_stats s = stats(rig);
    assert_int_equal(s.frames, 300);
    assert_int_equal(s.key_frames, 1);
    assert_int_equal(s.lost, 0);
    assert_int_equal(s.freezes, 0);
    assert_int_equal(s.frames_incomplete + s.frames_undecodable, 0);
    assert_int_equal(s.nacks + s.plis, 0);
    assert_int_equal(s.latency_min, DELAY);
    assert_int_equal(s.latency_max, DELAY);
    assert_int_equal(s.received, hp_media_sender_get_stats(rig->sender)->packets);
    assert_int_equal(s.octets, hp_media_sender_get_stats(rig->sender)->octets);
    /* The key frame: 5 * 4166 octets in 18 packets over half of the interval. */
    assert_int_equal(s.first_packet, DELAY);
    assert_int_equal(s.first_frame, DELAY + (hp_time)16666666 * 17 / 18);
    assert_int_equal(s.frame_latency_max, s.first_frame);
    const rig_event *first = rig_event_at(rig, 0, HP_MEDIA_EV_FIRST_FRAME);
    assert_int_equal(first->at, s.first_frame);
    assert_int_equal(first->event.span, s.first_frame);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_FRAME), 300);
    assert_in_range(hp_media_frame_rate_milli(&s), 29990, 30020);
    assert_in_range(hp_media_bit_rate(&s), 990000, 1020000);
    rig_free(rig);
}

typedef struct arrivals {
    unsigned media, rtx, useless;
    uint32_t rtx_sequence, highest;
} arrivals;

static arrivals counted;

static void count_arrival(void *user, hp_time now, const hp_media_arrival *a)
{
    counted.media += !a->rtx;
    counted.rtx += a->rtx && !a->useless;
    counted.useless += a->useless;
    counted.rtx_sequence = a->rtx ? a->sequence : counted.rtx_sequence;
    counted.highest = MAX(counted.highest, a->sequence);
}

static void a_repair_is_told_under_the_number_it_repeats(void **state)
{
    hp_media_config c = video();
    c.id = (hp_media_identity){.sequence_set = true, .sequence = 65530};
    media_rig *rig = rig_new(&c, &c, DELAY);
    unsigned lost[] = {10, 0};
    rig->fate = lose_listed;
    rig->user = lost;
    counted = (arrivals){0};
    rig->receiver_ops.packet = count_arrival;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, HP_S);
    hp_media_stream_stats s = hp_media_receiver_stream(rig->receiver, 0);
    assert_int_equal(counted.media, s.received);
    assert_int_equal(counted.rtx, 1);
    assert_int_equal(counted.useless, 0);
    assert_int_equal(counted.rtx_sequence, 65530 + 9); /* across the wrap */
    assert_int_equal(counted.highest, 65530 + s.expected - 1);
    rig_free(rig);
}

static void a_lost_packet_is_asked_for_and_comes(void **state)
{
    hp_media_config c = video();
    media_rig *rig = rig_new(&c, &c, DELAY);
    unsigned lost[] = {10, 0};
    rig->fate = lose_listed;
    rig->user = lost;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, HP_S);
    /* Missed when the eleventh of eighteen arrives; back after a round trip. */
    hp_time missed = DELAY + (hp_time)16666666 * 10 / 18;
    const rig_event *nack = rig_event_at(rig, 0, HP_MEDIA_EV_NACK);
    assert_int_equal(nack->at, missed);
    assert_int_equal(nack->event.count, 1);
    const rig_packet *rtx = rig_media(rig, 0, 97);
    assert_int_equal(rtx->at, missed + DELAY);
    uint16_t original;
    assert_true(hp_rtx_read(&rtx->rtp, &original, NULL, NULL));
    assert_int_equal(original, (uint16_t)(65530 + 9));
    hp_media_stream_stats s = stats(rig);
    assert_int_equal(s.first_frame, missed + 2 * DELAY);
    /* The two frames that waited behind it come with it. */
    assert_int_equal(rig_event_at(rig, 1, HP_MEDIA_EV_FRAME)->at, missed + 2 * DELAY);
    assert_int_equal(rig_event_at(rig, 2, HP_MEDIA_EV_FRAME)->at, missed + 2 * DELAY);
    assert_true(rig_event_at(rig, 3, HP_MEDIA_EV_FRAME)->at > missed + 2 * DELAY);
    assert_int_equal(s.lost, 1);
    assert_int_equal(s.recovered, 1);
    assert_int_equal(s.late, 0);
    assert_int_equal(s.nacks, 1);
    assert_int_equal(s.rtx_packets, 1);
    assert_int_equal(s.rtx_useless, 0);
    assert_int_equal(s.plis, 0);
    assert_int_equal(s.frames_incomplete, 0);
    assert_null(rig_media(rig, 1, 97));
    rig_free(rig);
}

static hp_time lose_repairs(media_rig *rig, const rig_packet *p, unsigned n)
{
    return n == 25 || (!p->rtcp && p->rtp.pt == 97) ? RIG_LOST : 0;
}

static void asking_goes_on_until_it_is_given_up(void **state)
{
    hp_media_config c = slow();
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_repairs;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 4 * HP_S);
    /* Packet 25 is frame 20, of 2.0 s; missed at 2.15 s, asked for each 100 ms, given up 400 ms after. */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig_event_at(rig, i, HP_MEDIA_EV_NACK)->at, 2150 * HP_MS + i * 100 * HP_MS);
    assert_null(rig_event_at(rig, 4, HP_MEDIA_EV_NACK));
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 2550 * HP_MS);
    /* Frames 21 to 25 waited behind it, and are of no use. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_FRAME_LOST)->at, 2550 * HP_MS);
    assert_int_equal(stats(rig).frames_undecodable, 5);
    assert_int_equal(stats(rig).frames_incomplete, 0);
    assert_int_equal(stats(rig).plis, 1);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_PLI_HEARD), 1);
    /* The request arrives at 2.6 s, just before the frame of that instant is made. */
    assert_int_equal(rig_event_at(rig, 1, HP_MEDIA_EV_KEY_FRAME)->at, 2600 * HP_MS);
    rig_free(rig);
}

static void a_known_round_trip_paces_the_asking(void **state)
{
    hp_media_config c = slow();
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_repairs;
    hp_media_receiver_set_round_trip(rig->receiver, 40 * HP_MS);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 4 * HP_S);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rig_event_at(rig, i, HP_MEDIA_EV_NACK)->at, 2150 * HP_MS + i * 50 * HP_MS);
    assert_null(rig_event_at(rig, 8, HP_MEDIA_EV_NACK));
    rig_free(rig);
}

static void without_nack_a_key_frame_heals(void **state)
{
    hp_media_config c = slow();
    c.video.nack = false;
    media_rig *rig = rig_new(&c, &c, DELAY);
    unsigned lost[] = {25, 0};
    rig->fate = lose_listed;
    rig->user = lost;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 5 * HP_S);
    /* Frame 20 is missed at 2.15 s and given up 50 ms later; the request is there at 2.25 s, so that frame 23 is a key
     * frame, whose fifth packet leaves 40 ms after it. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 2200 * HP_MS);
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI_HEARD)->at, 2250 * HP_MS);
    assert_int_equal(rig_event_at(rig, 1, HP_MEDIA_EV_KEY_FRAME)->event.frame, 23);
    const rig_event *healed = rig_event_at(rig, 20, HP_MEDIA_EV_FRAME);
    assert_int_equal(healed->event.frame, 23);
    assert_int_equal(healed->at, 2390 * HP_MS);
    assert_int_equal(healed->event.span, 90 * HP_MS);
    hp_media_stream_stats s = stats(rig);
    assert_int_equal(s.frames_undecodable, 2); /* 21 and 22 */
    assert_int_equal(s.frames_incomplete, 0); /* of 20 nothing was seen */
    assert_int_equal(s.nacks, 0);
    assert_int_equal(s.lost, 1);
    /* Frame 19 was shown at 1.95 s. */
    assert_int_equal(s.freezes, 1);
    assert_int_equal(s.freeze_total, 440 * HP_MS);
    assert_int_equal(s.freeze_longest, 440 * HP_MS);
    const rig_event *freeze = rig_event_at(rig, 0, HP_MEDIA_EV_FREEZE);
    assert_int_equal(freeze->at, 2390 * HP_MS);
    assert_int_equal(freeze->event.span, 440 * HP_MS);
    rig_free(rig);
}

static void a_key_frame_whose_beginning_is_lost_is_asked_for_again(void **state)
{
    hp_media_config c = slow();
    c.video.nack = false;
    media_rig *rig = rig_new(&c, &c, DELAY);
    unsigned lost[] = {1, 2, 3, 4, 5, 0}; /* the first key frame whole */
    rig->fate = lose_listed;
    rig->user = lost;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 2 * HP_S);
    /* The first thing heard is frame 1, at 0.15 s: of no use. Asked for at once, heard at 0.2 s; the last key frame is
     * 300 ms old at 0.3 s. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 150 * HP_MS);
    assert_int_equal(rig_event_at(rig, 1, HP_MEDIA_EV_KEY_FRAME)->at, 300 * HP_MS);
    assert_int_equal(stats(rig).first_frame, 390 * HP_MS);
    assert_int_equal(stats(rig).frames_undecodable, 2);
    rig_free(rig);
}

static hp_time lose_first_pli(media_rig *rig, const rig_packet *p, unsigned n)
{
    return n == 25 || (p->to_sender && p->at < 2300 * HP_MS) ? RIG_LOST : 0;
}

static void a_lost_request_is_repeated(void **state)
{
    hp_media_config c = slow();
    c.video.nack = false;
    c.rtcp.reduced_size = false;
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_first_pli;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 5 * HP_S);
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 2200 * HP_MS);
    assert_int_equal(rig_event_at(rig, 1, HP_MEDIA_EV_PLI)->at, 2700 * HP_MS);
    assert_null(rig_event_at(rig, 2, HP_MEDIA_EV_PLI));
    hp_rtcp_datagram d;
    const rig_packet *p = rig_control(rig, 0, true);
    assert_true(hp_rtcp_parse(p->bytes, p->length, &d));
    assert_true(d.is_compound); /* not of reduced size: behind an RR */
    rig_free(rig);
}

static hp_time lose_plis_and_then_all(media_rig *rig, const rig_packet *p, unsigned n)
{
    return n == 25 || p->to_sender || p->at >= 3 * HP_S ? RIG_LOST : 0;
}

static void nobody_is_asked_when_nothing_is_heard(void **state)
{
    hp_media_config c = slow();
    c.video.nack = false;
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_plis_and_then_all;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 60 * HP_S);
    /* 2.2, 2.7 and, for what was heard until 2.95 s, 3.2. */
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_PLI), 3);
    assert_int_equal(rig_event_at(rig, 2, HP_MEDIA_EV_PLI)->at, 3200 * HP_MS);
    assert_int_equal(stats(rig).freezes, 0); /* it has not ended */
    hp_media_receiver_finish(rig->receiver, 60 * HP_S);
    assert_int_equal(stats(rig).freezes, 1);
    assert_int_equal(stats(rig).freeze_total, 60 * HP_S - 1950 * HP_MS);
    rig_free(rig);
}

/* Thirty frames a second of one packet each, key frames too; four frames are left out after 2 s. */
static media_rig *pause_of_five_intervals(hp_freeze_rule rule, bool hold, hp_time extra)
{
    hp_media_config c = video();
    c.video.bitrate = 80000;
    c.video.key_ratio = 1;
    c.freeze = rule;
    media_rig *rig = rig_new(&c, &c, DELAY);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 2 * HP_S);
    hp_media_sender_hold(rig->sender, 2 * HP_S);
    if (hold)
        hp_media_receiver_hold(rig->receiver, 2 * HP_S + DELAY, true);
    rig_run(rig, 2 * HP_S + 140 * HP_MS + extra);
    hp_media_sender_resume(rig->sender, rig->now);
    if (hold)
        hp_media_receiver_hold(rig->receiver, rig->now, false);
    rig_run(rig, 4 * HP_S);
    return rig;
}

static void the_rules_of_freezing_differ(void **state)
{
    media_rig *rig = pause_of_five_intervals(HP_FREEZE_FIXED, false, 0);
    assert_int_equal(stats(rig).freezes, 1);
    assert_int_equal(stats(rig).freeze_total, 166666666);
    rig_free(rig);
    /* W3C: a mean of 38 ms, this one included, and 150 ms on top. */
    rig = pause_of_five_intervals(HP_FREEZE_W3C, false, 0);
    assert_int_equal(stats(rig).freezes, 0);
    rig_free(rig);
    rig = pause_of_five_intervals(HP_FREEZE_W3C, false, 33 * HP_MS);
    assert_int_equal(stats(rig).freezes, 1);
    assert_int_equal(stats(rig).freeze_total, 200 * HP_MS);
    rig_free(rig);
    rig = pause_of_five_intervals(HP_FREEZE_FIXED, true, 10 * HP_S);
    assert_int_equal(stats(rig).freezes, 0);
    rig_free(rig);
}

static void a_key_frame_behind_a_loss_is_shown_at_once(void **state)
{
    hp_media_config c = slow();
    c.video.key_on_request_only = false;
    c.video.key_interval = 21;
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_repairs;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 4 * HP_S);
    /* Frame 20 is lost, 21 a key frame: nobody goes on asking for the other, or gives it up. */
    const rig_event *shown = rig_event_at(rig, 20, HP_MEDIA_EV_FRAME);
    assert_int_equal(shown->event.frame, 21);
    assert_int_equal(shown->at, 2190 * HP_MS);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_NACK), 1);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_PLI), 0);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_FRAME_LOST), 0);
    rig_free(rig);
}

static void asking_has_a_limit(void **state)
{
    hp_media_config c = slow();
    c.video.nack_tries = 2;
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = lose_repairs;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 4 * HP_S);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_NACK), 2);
    assert_int_equal(stats(rig).nacked_packets, 2);
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 2550 * HP_MS);
    rig_free(rig);
}

static void the_rest_of_a_frame_that_was_given_up_is_late(void **state)
{
    hp_media_config c = slow();
    c.video.nack = false;
    c.video.wait = 15 * HP_MS;
    media_rig *rig = rig_new(&c, &c, DELAY);
    unsigned lost[] = {2, 0};
    rig->fate = lose_listed;
    rig->user = lost;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 100 * HP_MS);
    /* Five packets, 10 ms apart: missed at 70 ms, given up at 85 ms, and the last of them comes at 90 ms. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_FRAME_LOST)->at, 85 * HP_MS);
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_PLI)->at, 85 * HP_MS);
    assert_int_equal(stats(rig).late, 1);
    rig_run(rig, 2 * HP_S);
    assert_int_equal(stats(rig).frames_incomplete, 1);
    assert_int_equal(stats(rig).late, 1);
    rig_free(rig);
}

static void a_freeze_is_more_than_three_intervals(void **state)
{
    for (unsigned left_out = 2; left_out < 4; left_out++) {
        hp_media_config c = slow();
        c.video.key_ratio = 1;
        media_rig *rig = rig_new(&c, &c, DELAY);
        hp_media_sender_start(rig->sender, 0);
        rig_run(rig, 2 * HP_S);
        hp_media_sender_hold(rig->sender, 2 * HP_S);
        rig_run(rig, 2 * HP_S + left_out * 100 * HP_MS + HP_MS);
        hp_media_sender_resume(rig->sender, rig->now);
        rig_run(rig, 4 * HP_S);
        assert_int_equal(stats(rig).freezes, left_out == 2 ? 0 : 1);
        assert_int_equal(stats(rig).freeze_total, left_out == 2 ? 0 : 400 * HP_MS);
        rig_free(rig);
    }
}

static hp_time swap_pairs(media_rig *rig, const rig_packet *p, unsigned n)
{
    return n % 2 == 1 ? 8 * HP_MS : 0;
}

static void reordering_need_not_be_asked_about(void **state)
{
    hp_media_config c = video();
    c.video.nack_delay = 10 * HP_MS;
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = swap_pairs;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 10 * HP_S);
    hp_media_stream_stats s = stats(rig);
    assert_true(s.reordered > 300);
    assert_int_equal(s.nacks, 0);
    assert_int_equal(s.frames_incomplete + s.frames_undecodable, 0);
    assert_int_equal(s.lost, 0);
    rig_free(rig);
    /* Without the patience packets are asked for that are underway: the copies are of no use. */
    c.video.nack_delay = 0;
    rig = rig_new(&c, &c, DELAY);
    rig->fate = swap_pairs;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 10 * HP_S + 2 * DELAY);
    s = stats(rig);
    assert_true(s.rtx_packets > 300);
    assert_int_equal(s.rtx_useless, s.rtx_packets);
    assert_int_equal(s.recovered, 0);
    assert_int_equal(s.frames_incomplete + s.frames_undecodable, 0);
    rig_free(rig);
}

typedef struct chance {
    hp_rng rng;
    uint32_t ppb;
    unsigned lost;
} chance;

static hp_time lose_some(media_rig *rig, const rig_packet *p, unsigned n)
{
    chance *ch = rig->user;
    bool lost = hp_rng_chance(&ch->rng, ch->ppb);
    if (lost && !p->rtcp && p->rtp.pt == 96)
        ch->lost++;
    return lost ? RIG_LOST : 0;
}

static media_rig *lossy(const hp_media_config *c, chance *ch, uint32_t percent, uint64_t seed)
{
    *ch = (chance){.ppb = percent * 10000000};
    hp_rng_init(&ch->rng, seed, "loss");
    media_rig *rig = rig_new_seeded(c, c, DELAY, seed);
    rig->fate = lose_some;
    rig->user = ch;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 60 * HP_S);
    hp_media_sender_stop(rig->sender, 60 * HP_S, NULL);
    rig->fate = NULL;
    rig_run(rig, 62 * HP_S);
    return rig;
}

static void ten_percent_of_loss_is_repaired(void **state)
{
    hp_media_config c = video();
    c.rtcp.off = false;
    c.video.variation_percent = 20;
    chance ch;
    media_rig *rig = lossy(&c, &ch, 10, 7);
    hp_media_stream_stats s = stats(rig);
    const hp_media_sender_stats *sent = hp_media_sender_get_stats(rig->sender);
    assert_int_equal(s.expected, s.received + s.lost);
    assert_int_equal(sent->packets, s.received + ch.lost);
    /* What was lost at the very end is missed by nobody. */
    assert_in_range(ch.lost - s.lost, 0, 2);
    assert_in_range(s.lost, sent->packets * 9 / 100, sent->packets * 11 / 100);
    assert_true(s.recovered + 5 >= s.lost);
    assert_int_equal(s.reordered, 0);
    assert_int_equal(s.duplicates, 0);
    assert_true(s.frames + s.frames_incomplete + s.frames_undecodable <= sent->frames);
    assert_in_range(s.frames, sent->frames - 30, sent->frames);
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_FRAME), s.frames);
    assert_true(s.ended);
    assert_true(sent->round_trip >= 2 * DELAY - HP_MS && sent->round_trip <= 2 * DELAY + HP_MS);
    rig_free(rig);
}

static void copies_repair_without_rtx(void **state)
{
    hp_media_config c = video();
    c.video.rtx = false;
    chance ch;
    media_rig *rig = lossy(&c, &ch, 5, 7);
    hp_media_stream_stats s = stats(rig);
    assert_true(ch.lost > 200);
    assert_true(s.lost < 5);
    assert_int_equal(s.reordered, 0);
    assert_int_equal(s.rtx_packets, 0);
    assert_int_equal(s.latency_max, DELAY); /* of originals alone */
    assert_in_range(s.frames, 1790, 1800);
    rig_free(rig);
}

static void heavy_loss_neither_breaks_nor_fakes(void **state)
{
    for (uint32_t percent = 30; percent <= 90; percent += 20) {
        hp_media_config c = video();
        c.video.history = 16;
        chance ch;
        media_rig *rig = lossy(&c, &ch, percent, percent);
        hp_media_stream_stats s = stats(rig);
        const hp_media_sender_stats *sent = hp_media_sender_get_stats(rig->sender);
        assert_int_equal(s.expected, s.received + s.lost);
        assert_true(s.frames + s.frames_incomplete + s.frames_undecodable <= sent->frames);
        assert_true(s.recovered <= s.lost);
        hp_media_receiver_finish(rig->receiver, 62 * HP_S);
        s = stats(rig);
        assert_true(s.freeze_total <= 60 * HP_S);
        assert_true(s.freezes > 0 || s.frames == 0);
        rig_free(rig);
    }
}

static hp_time cut_for_30_s(media_rig *rig, const rig_packet *p, unsigned n)
{
    return p->at >= 10 * HP_S && p->at < 40 * HP_S ? RIG_LOST : 0;
}

static void an_outage_of_thousands_of_packets_heals(void **state)
{
    hp_media_config c = video();
    media_rig *rig = rig_new(&c, &c, DELAY);
    rig->fate = cut_for_30_s;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 50 * HP_S);
    hp_media_stream_stats s = stats(rig);
    assert_true(s.lost > 3000);
    assert_int_equal(s.restarts, 0);
    assert_int_equal(s.discarded, 0);
    assert_int_equal(s.freezes, 1);
    /* The link is back at 40 s, with a periodic key frame: 300 frames. Shown when its last packet is there. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_FREEZE)->at, s.first_frame + 40 * HP_S);
    rig_free(rig);
}

/* Frames of three packets without a measuring header, 3000 units apart. */
static void plain(media_rig *rig, hp_time now, uint16_t sequence)
{
    uint8_t packet[100], payload[50] = {0};
    hp_rtp_header h = {
        .pt = 96, .sequence = sequence, .timestamp = sequence / 3 * 3000, .ssrc = 9, .marker = sequence % 3 == 2};
    hp_media_receiver_rtp(rig->receiver, now, packet, hp_rtp_write(packet, sizeof packet, &h, payload, 50));
}

static void other_peoples_video_is_assembled_too(void **state)
{
    hp_media_config c = video();
    c.video.nack = c.video.pli = false;
    media_rig *rig = rig_new(NULL, &c, 0);
    hp_time now = HP_S;
    /* Frames 0 to 3 whole, the third reordered; of frame 4 the middle, of 5 the first, of 6 the last is lost; 7 is lost
     * whole, 8 to 10 are whole; but that 8 begins with 24 nobody can tell. */
    static const uint16_t order[] = {0,  1,  2,  3,  4,  5,  8,  7,  6,  9,  10, 11, 12, 14,
                                     16, 17, 18, 19, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++)
        plain(rig, now += HP_MS, order[i]);
    assert_int_equal(stats(rig).frames, 4);
    assert_int_equal(rig_event_at(rig, 2, HP_MEDIA_EV_FRAME)->at, HP_S + 9 * HP_MS);
    rig_run(rig, now + HP_S);
    hp_media_stream_stats s = stats(rig);
    assert_false(s.measured);
    assert_int_equal(s.frames, 6);
    assert_int_equal(s.frames_incomplete, 4);
    assert_int_equal(s.frames_undecodable, 0);
    assert_int_equal(s.lost, 6);
    assert_int_equal(s.n_frame_latency, 0);
    /* 13 was missed when 14 came, at 1.014 s; 20 to 23 when 24 came, at 1.019 s; each given up 50 ms later. */
    assert_int_equal(rig_event_at(rig, 0, HP_MEDIA_EV_FRAME_LOST)->at, HP_S + 64 * HP_MS);
    assert_int_equal(rig_event_at(rig, 4, HP_MEDIA_EV_FRAME)->at, HP_S + 69 * HP_MS);
    /* What comes for a frame that is done is late. */
    plain(rig, now + HP_S, 13);
    assert_int_equal(stats(rig).late, 1);
    assert_int_equal(stats(rig).lost, 5);
    rig_free(rig);
}

static void silence_is_not_loss(void **state)
{
    hp_media_config c = hp_audio_config_default();
    c.audio.dtx = true;
    media_rig *rig = rig_new(&c, &c, DELAY);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 60 * HP_S);
    hp_media_stream_stats s = stats(rig);
    assert_in_range(s.received, 1000, 2500);
    assert_int_equal(s.lost + s.late + s.loss_runs, 0);
    assert_int_equal(s.jitter_max, 0);
    assert_int_equal(s.mouth_to_ear_sum, s.n_mouth_to_ear * 130 * HP_MS); /* 20 + 50 + 60 */
    rig_free(rig);
}

static void a_seed_is_a_run(void **state)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        char *hash[3];
        for (unsigned i = 0; i < 3; i++) {
            hp_media_config c = kind == 0 ? hp_audio_config_default() : hp_video_config_default();
            c.audio.dtx = true;
            g_strlcpy(c.rtcp.cname, "a@b", sizeof c.rtcp.cname);
            chance ch;
            media_rig *rig = lossy(&c, &ch, 8, i < 2 ? 3 : 4);
            hash[i] = g_strdup(g_checksum_get_string(rig->hash));
            rig_free(rig);
        }
        assert_string_equal(hash[0], hash[1]);
        assert_string_not_equal(hash[0], hash[2]);
        for (unsigned i = 0; i < 3; i++)
            g_free(hash[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_shown_when_nothing_is_lost),
        cmocka_unit_test(a_repair_is_told_under_the_number_it_repeats),
        cmocka_unit_test(a_lost_packet_is_asked_for_and_comes),
        cmocka_unit_test(asking_goes_on_until_it_is_given_up),
        cmocka_unit_test(a_known_round_trip_paces_the_asking),
        cmocka_unit_test(without_nack_a_key_frame_heals),
        cmocka_unit_test(a_key_frame_whose_beginning_is_lost_is_asked_for_again),
        cmocka_unit_test(a_lost_request_is_repeated),
        cmocka_unit_test(nobody_is_asked_when_nothing_is_heard),
        cmocka_unit_test(the_rules_of_freezing_differ),
        cmocka_unit_test(a_key_frame_behind_a_loss_is_shown_at_once),
        cmocka_unit_test(asking_has_a_limit),
        cmocka_unit_test(the_rest_of_a_frame_that_was_given_up_is_late),
        cmocka_unit_test(a_freeze_is_more_than_three_intervals),
        cmocka_unit_test(reordering_need_not_be_asked_about),
        cmocka_unit_test(ten_percent_of_loss_is_repaired),
        cmocka_unit_test(copies_repair_without_rtx),
        cmocka_unit_test(heavy_loss_neither_breaks_nor_fakes),
        cmocka_unit_test(an_outage_of_thousands_of_packets_heals),
        cmocka_unit_test(other_peoples_video_is_assembled_too),
        cmocka_unit_test(silence_is_not_loss),
        cmocka_unit_test(a_seed_is_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
