/* libFuzzer: a media sender and a receiver with anything at all between them. The first octet chooses kind and knobs;
 * then every command is an octet and its operands: what the sender makes is delivered, lost, repeated or held back, and
 * RTP and RTCP of the input's own making come in beside it, under the sender's SSRC or others.
 *
 * Besides not crashing, these must hold. A packet is told of once at most. An engine that has run comes to rest at that
 * time. Of each stream no more is received than expected, recovered than lost, or late than came; and pictures are
 * shown or lost, never more than packets came. What either engine says is RTCP that parses. */
#include <glib.h>
#include <string.h>

#include "engines/media_mark.h"
#include "engines/media_receiver.h"
#include "engines/media_sender.h"
#include "wire/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SIZE = 2048, MAX_HELD = 64 };

typedef struct input {
    const uint8_t *data;
    size_t left;
} input;

typedef struct call {
    hp_media_sender *sender;
    hp_media_receiver *receiver;
    hp_time now;
    GQueue path; /* GBytes*: RTP on its way */
    GQueue back; /* GBytes*: RTCP of the receiver */
    unsigned told;
    uint8_t payload_type;
} call;

static unsigned take(input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

static uint16_t take16(input *in)
{
    unsigned high = take(in);
    return (uint16_t)(high << 8 | take(in));
}

static void on_rtp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    call *c = user;
    hp_rtp_packet p;
    g_assert(hp_rtp_parse(data, len, &p) && len <= HP_MEDIA_PACKET_MAX + HP_RTX_OSN);
    if (c->path.length < MAX_HELD) {
        g_queue_push_tail(&c->path, g_bytes_new(data, len));
    }
}

static void check_rtcp(const uint8_t *data, size_t len)
{
    hp_rtcp_datagram datagram;
    g_assert(len <= HP_MEDIA_PACKET_MAX && hp_rtcp_parse(data, len, &datagram));
}

static void on_sender_rtcp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    check_rtcp(data, len);
}

static void on_receiver_rtcp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    call *c = user;
    check_rtcp(data, len);
    if (c->back.length < MAX_HELD) {
        g_queue_push_tail(&c->back, g_bytes_new(data, len));
    }
}

static void on_packet(void *user, hp_time now, const hp_media_arrival *arrival)
{
    call *c = user;
    c->told++;
    g_assert(arrival->mouth_to_ear == HP_NEVER || arrival->mouth_to_ear < HP_NEVER / 2);
    g_assert(!arrival->duplicate || !arrival->discarded);
}

static size_t on_blocks(void *user, hp_time now, hp_rtcp_report_block *ret, size_t cap)
{
    const call *c = user;
    return hp_media_receiver_blocks(c->receiver, now, ret, cap);
}

/* ---- what comes in ---- */

static void receive(call *c, const uint8_t *data, size_t len)
{
    c->told = 0;
    hp_media_receiver_rtp(c->receiver, c->now, data, len);
    g_assert(c->told <= 1);
}

/* A packet off the path: the n-th that waits; kept for another time when `repeat`. */
static void deliver(call *c, unsigned n, bool lost, bool repeat)
{
    if (c->path.length == 0) {
        return;
    }
    n %= c->path.length;
    g_autoptr(GBytes) packet = g_bytes_ref(g_queue_peek_nth(&c->path, n));
    if (!repeat) {
        g_bytes_unref(g_queue_pop_nth(&c->path, n));
    }
    gsize len;
    const uint8_t *data = g_bytes_get_data(packet, &len);
    if (!lost) {
        receive(c, data, len);
    }
}

/* RTP of the input's making: a header that fits, and a measuring header when asked for. */
static void make_rtp(call *c, input *in)
{
    unsigned how = take(in);
    uint16_t sequence = take16(in);
    unsigned timestamp = take(in);
    uint8_t payload[64] = {0};
    size_t len = take(in) % sizeof payload;
    hp_rtp_header h = {
        .pt = how & 1 ? c->payload_type : (uint8_t)(96 + how % 3),
        .marker = (how & 2) != 0,
        .sequence = sequence,
        .timestamp = timestamp << (how >> 6 << 3),
        .ssrc = how & 4 ? 1000 + timestamp : hp_media_sender_ssrc(c->sender),
    };
    if (how & 8) {
        hp_media_mark mark = {.flags = (uint8_t)take(in), .frame = take(in)};
        mark.sequence = (uint32_t)take16(in) << 16 | sequence;
        mark.offset = (uint32_t)take16(in) << 16;
        mark.capture = take16(in);
        mark.capture <<= take(in) % 49;
        hp_media_mark_write(payload, &mark);
        len = MAX(len, HP_MEDIA_MARK);
    }
    uint8_t packet[128];
    size_t total = hp_rtp_write(packet, sizeof packet, &h, payload, len);
    g_assert(total > 0);
    receive(c, packet, total);
}

static void raw(call *c, input *in, bool rtcp)
{
    size_t len = take(in);
    len = MIN(len, in->left);
    if (rtcp) {
        hp_media_sender_rtcp(c->sender, c->now, in->data, len);
        hp_media_receiver_rtcp(c->receiver, c->now, in->data, len);
    } else {
        receive(c, in->data, len);
    }
    in->data += len;
    in->left -= len;
}

/* What the receiver has said reaches the sender, or asks for packets of the input's choice. */
static void feed_back(call *c, input *in)
{
    g_autoptr(GBytes) said = g_queue_pop_head(&c->back);
    if (said) {
        gsize len;
        const uint8_t *data = g_bytes_get_data(said, &len);
        hp_media_sender_rtcp(c->sender, c->now, data, len);
        return;
    }
    uint8_t packet[256];
    uint16_t asked[2];
    asked[0] = take16(in);
    asked[1] = take16(in);
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, packet, sizeof packet);
    hp_rtcp_add_nack(&w, 7, hp_media_sender_ssrc(c->sender), asked, G_N_ELEMENTS(asked));
    hp_rtcp_add_pli(&w, 7, hp_media_sender_ssrc(c->sender));
    hp_media_sender_rtcp(c->sender, c->now, packet, hp_rtcp_finish(&w));
}

static void pass_time(call *c, hp_time span)
{
    c->now += span;
    hp_media_sender_run(c->sender, c->now);
    g_assert(hp_media_sender_deadline(c->sender) > c->now);
    /* A NACK has room for half of what can be missing. */
    for (unsigned turn = 0; hp_media_receiver_deadline(c->receiver) <= c->now; turn++) {
        g_assert(turn < 3);
        hp_media_receiver_run(c->receiver, c->now);
    }
}

static void hold(call *c, unsigned how)
{
    if (how & 1) {
        hp_media_sender_hold(c->sender, c->now);
    } else {
        hp_media_sender_resume(c->sender, c->now);
    }
    hp_media_receiver_hold(c->receiver, c->now, (how & 2) != 0);
    hp_media_receiver_set_round_trip(c->receiver, how & 4 ? how * HP_MS : HP_NEVER);
    if (how & 8) {
        hp_media_sender_set_bitrate(c->sender, c->now, 1000 * how);
    }
}

static void command(call *c, input *in)
{
    unsigned what = take(in);
    switch (what % 8) {
    case 0:
        pass_time(c, (what >> 3) * HP_MS);
        break;
    case 1:
        deliver(c, what >> 4, (what & 8) != 0, false);
        break;
    case 2:
        deliver(c, what >> 3, false, true);
        break;
    case 3:
        make_rtp(c, in);
        break;
    case 4:
        raw(c, in, (what & 8) != 0);
        break;
    case 5:
        feed_back(c, in);
        break;
    case 6:
        hold(c, what >> 3);
        break;
    case 7:
        pass_time(c, (what >> 3) * (what & 8 ? HP_S : 20 * HP_MS) / 4);
        break;
    }
}

static void check_streams(const call *c)
{
    for (unsigned i = 0; i < hp_media_receiver_n_streams(c->receiver); i++) {
        hp_media_stream_stats s = hp_media_receiver_stream(c->receiver, i);
        g_assert(s.received <= s.expected && s.lost == s.expected - s.received);
        g_assert(s.recovered <= s.lost && s.late <= s.received + s.recovered);
        g_assert(s.reordered <= s.received && s.key_frames <= s.frames);
        g_assert(s.frames + s.frames_incomplete + s.frames_undecodable <= s.received + s.recovered);
        g_assert(s.freeze_longest <= s.freeze_total);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hp_media_sender_ops sender_ops = {.rtp = on_rtp, .rtcp = on_sender_rtcp, .blocks = on_blocks};
    static const hp_media_receiver_ops receiver_ops = {.rtcp = on_receiver_rtcp, .packet = on_packet};
    if (size == 0 || size > MAX_SIZE) {
        return 0;
    }
    input in = {data, size};
    unsigned knobs = take(&in);
    hp_rng rng = {.s = {knobs + 1}};
    hp_media_config config = {.kind = knobs & 1 ? HP_MEDIA_VIDEO : HP_MEDIA_AUDIO};
    config.video = (hp_video_config){.nack = (knobs & 2) != 0, .rtx = (knobs & 4) != 0, .pli = (knobs & 8) != 0};
    config.audio.dtx = (knobs & 2) != 0;
    config.playout.mode = knobs & 4 ? HP_PLAYOUT_ADAPTIVE : HP_PLAYOUT_FIXED;
    config.freeze = knobs & 16 ? HP_FREEZE_W3C : HP_FREEZE_FIXED;
    config.rtcp.reduced_size = (knobs & 32) != 0;
    config.id = (hp_media_identity){.sequence_set = true, .sequence = knobs & 64 ? 65530 : 0};
    call c = {.payload_type = config.kind == HP_MEDIA_VIDEO ? 96 : 111};
    g_queue_init(&c.path);
    g_queue_init(&c.back);
    c.sender = hp_media_sender_new(&config, &rng, &sender_ops, &c, NULL);
    c.receiver = hp_media_receiver_new(&config, &rng, 0, &receiver_ops, &c, NULL);
    g_assert(c.sender && c.receiver);
    hp_media_sender_start(c.sender, 0);
    while (in.left > 0) {
        command(&c, &in);
        check_streams(&c);
    }
    hp_media_sender_stop(c.sender, c.now, NULL);
    hp_media_receiver_finish(c.receiver, c.now);
    check_streams(&c);
    hp_media_sender_free(c.sender);
    hp_media_receiver_free(c.receiver);
    g_queue_clear_full(&c.path, (GDestroyNotify)g_bytes_unref);
    g_queue_clear_full(&c.back, (GDestroyNotify)g_bytes_unref);
    return 0;
}
