/* A media sender and a media receiver on a wire with a delay, in virtual time, with all that passes on record.
 *
 * A test may lose, delay or double packets with rig.fate: it is asked once for each RTP packet (and, with to_sender,
 * for each RTCP packet of the receiver) as it leaves. At one instant arrivals come first, then the sender, then the
 * receiver. */
#ifndef HP_TESTS_ENGINES_MEDIA_RIG_H
#define HP_TESTS_ENGINES_MEDIA_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/media_mark.h"
#include "engines/media_receiver.h"
#include "engines/media_sender.h"
#include "wire/rtp.h"

typedef struct rig_packet {
    hp_time at; /* sent; on the wire: arriving */
    bool rtcp, to_sender;
    uint8_t bytes[HP_MEDIA_PACKET_MAX + 16];
    size_t length;
    hp_rtp_packet rtp; /* of RTP */
    hp_media_mark mark; /* of measured media */
} rig_packet;

typedef struct rig_event {
    hp_time at;
    bool of_sender;
    hp_media_event event;
} rig_event;

#define RIG_LOST HP_NEVER

typedef struct media_rig {
    hp_media_sender *sender;
    hp_media_receiver *receiver;
    hp_time now, delay;
    GPtrArray *sent; /* of rig_packet, as they left */
    GPtrArray *wire; /* of rig_packet, in order of arrival */
    GArray *events; /* of rig_event */
    GChecksum *hash; /* of every byte sent and its time */
    unsigned n_media;
    /* Extra delay of a packet, or RIG_LOST. n: number of the media packet, from 1; 0 for others. */
    hp_time (*fate)(struct media_rig *rig, const rig_packet *p, unsigned n);
    void *user;
    hp_media_sender_ops sender_ops;
    hp_media_receiver_ops receiver_ops;
} media_rig;

static inline void rig_pass(media_rig *rig, hp_time now, const uint8_t *data, size_t len, bool rtcp, bool to_sender)
{
    rig_packet *p = g_new0(rig_packet, 1);
    *p = (rig_packet){.at = now, .rtcp = rtcp, .to_sender = to_sender, .length = len};
    assert_true(len <= sizeof p->bytes);
    memcpy(p->bytes, data, len);
    if (!rtcp) {
        assert_true(hp_rtp_parse(p->bytes, len, &p->rtp));
        hp_media_mark_read(p->rtp.payload, p->rtp.payload_len, &p->mark);
    }
    g_ptr_array_add(rig->sent, p);
    g_checksum_update(rig->hash, (const guchar *)&now, sizeof now);
    g_checksum_update(rig->hash, data, (gssize)len);
    unsigned n = rtcp ? 0 : ++rig->n_media;
    hp_time extra = rig->fate ? rig->fate(rig, p, n) : 0;
    if (extra == RIG_LOST || !rig->receiver)
        return;
    rig_packet *copy = g_new(rig_packet, 1);
    *copy = *p;
    copy->at = now + rig->delay + extra;
    guint i = rig->wire->len;
    while (i > 0 && ((rig_packet *)g_ptr_array_index(rig->wire, i - 1))->at > copy->at)
        i--;
    g_ptr_array_insert(rig->wire, (gint)i, copy);
}

static inline void rig_rtp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    rig_pass(user, now, data, len, false, false);
}

static inline void rig_rtcp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    rig_pass(user, now, data, len, true, false);
}

static inline void rig_feedback(void *user, hp_time now, const uint8_t *data, size_t len)
{
    rig_pass(user, now, data, len, true, true);
}

static inline void rig_note(media_rig *rig, hp_time now, const hp_media_event *event, bool of_sender)
{
    rig_event e = {.at = now, .of_sender = of_sender, .event = *event};
    g_array_append_val(rig->events, e);
}

static inline void rig_sender_event(void *user, hp_time now, const hp_media_event *event)
{
    rig_note(user, now, event, true);
}

static inline void rig_receiver_event(void *user, hp_time now, const hp_media_event *event)
{
    rig_note(user, now, event, false);
}

/* receiver_config NULL: no receiver; sender_config NULL: no sender. */
static inline media_rig *rig_new_seeded(const hp_media_config *sender_config, const hp_media_config *receiver_config,
                                        hp_time delay, uint64_t seed)
{
    media_rig *rig = g_new0(media_rig, 1);
    rig->delay = delay;
    rig->sent = g_ptr_array_new_with_free_func(g_free);
    rig->wire = g_ptr_array_new_with_free_func(g_free);
    rig->events = g_array_new(FALSE, FALSE, sizeof(rig_event));
    rig->hash = g_checksum_new(G_CHECKSUM_SHA256);
    rig->sender_ops = (hp_media_sender_ops){.rtp = rig_rtp, .rtcp = rig_rtcp, .event = rig_sender_event};
    rig->receiver_ops = (hp_media_receiver_ops){.rtcp = rig_feedback, .event = rig_receiver_event};
    hp_rng rng;
    if (sender_config) {
        hp_rng_init(&rng, seed, "alice/media");
        rig->sender = hp_media_sender_new(sender_config, &rng, &rig->sender_ops, rig, NULL);
        assert_non_null(rig->sender);
    }
    if (receiver_config) {
        hp_rng_init(&rng, seed, "bob/media");
        rig->receiver = hp_media_receiver_new(receiver_config, &rng, 0, &rig->receiver_ops, rig, NULL);
        assert_non_null(rig->receiver);
    }
    return rig;
}

static inline media_rig *rig_new(const hp_media_config *sender_config, const hp_media_config *receiver_config,
                                 hp_time delay)
{
    return rig_new_seeded(sender_config, receiver_config, delay, 7);
}

static inline void rig_free(media_rig *rig)
{
    hp_media_sender_free(rig->sender);
    hp_media_receiver_free(rig->receiver);
    g_ptr_array_unref(rig->sent);
    g_ptr_array_unref(rig->wire);
    g_array_unref(rig->events);
    g_checksum_free(rig->hash);
    g_free(rig);
}

/* Everything up to and with that time. */
static inline void rig_run(media_rig *rig, hp_time until)
{
    for (;;) {
        rig_packet *first = rig->wire->len > 0 ? g_ptr_array_index(rig->wire, 0) : NULL;
        hp_time arrival = first ? first->at : HP_NEVER;
        hp_time sending = rig->sender ? hp_media_sender_deadline(rig->sender) : HP_NEVER;
        hp_time receiving = rig->receiver ? hp_media_receiver_deadline(rig->receiver) : HP_NEVER;
        hp_time next = MIN(arrival, MIN(sending, receiving));
        if (next > until)
            break;
        rig->now = next;
        if (arrival == next) {
            g_autofree rig_packet *p = g_ptr_array_steal_index(rig->wire, 0);
            if (p->to_sender) {
                hp_media_sender_rtcp(rig->sender, next, p->bytes, p->length);
            } else if (p->rtcp) {
                hp_media_receiver_rtcp(rig->receiver, next, p->bytes, p->length);
            } else {
                hp_media_receiver_rtp(rig->receiver, next, p->bytes, p->length);
            }
        } else if (sending == next) {
            hp_media_sender_run(rig->sender, next);
        } else {
            hp_media_receiver_run(rig->receiver, next);
        }
    }
    rig->now = until;
}

/* The i-th RTP packet that was sent, of the payload type; NULL when there are fewer. */
static inline const rig_packet *rig_media(const media_rig *rig, unsigned i, uint8_t pt)
{
    for (guint k = 0; k < rig->sent->len; k++) {
        const rig_packet *p = g_ptr_array_index(rig->sent, k);
        if (!p->rtcp && p->rtp.pt == pt && i-- == 0)
            return p;
    }
    return NULL;
}

/* The i-th RTCP datagram of that direction. */
static inline const rig_packet *rig_control(const media_rig *rig, unsigned i, bool to_sender)
{
    for (guint k = 0; k < rig->sent->len; k++) {
        const rig_packet *p = g_ptr_array_index(rig->sent, k);
        if (p->rtcp && p->to_sender == to_sender && i-- == 0)
            return p;
    }
    return NULL;
}

static inline const rig_event *rig_event_at(const media_rig *rig, unsigned i, hp_media_event_kind kind)
{
    for (guint k = 0; k < rig->events->len; k++) {
        const rig_event *e = &g_array_index(rig->events, rig_event, k);
        if (e->event.kind == kind && i-- == 0)
            return e;
    }
    return NULL;
}

static inline unsigned rig_count(const media_rig *rig, hp_media_event_kind kind)
{
    unsigned n = 0;
    while (rig_event_at(rig, n, kind))
        n++;
    return n;
}

#endif
