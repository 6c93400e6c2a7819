/* When to send RTCP (RFC 3550 sections 6.2 and 6.3), for one participant. Private to the folder.
 *
 * Zero randomness of its own: it draws from the stream it is given. */
#ifndef HP_ENGINES_MEDIA_RTCP_TIMER_H
#define HP_ENGINES_MEDIA_RTCP_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "config/media.h"

/* Other participants that are told apart; further ones are not counted. */
#define HP_RTCP_MEMBERS 32

typedef struct hp_rtcp_member {
    uint32_t ssrc;
    bool is_sender;
    hp_time heard, sent_media;
} hp_rtcp_member;

typedef struct hp_rtcp_timer {
    hp_rng *rng;
    uint64_t bandwidth; /* bit/s */
    hp_time minimum;
    bool off, initial, we_sent;
    hp_time tp, tn; /* the last transmission; the next, or HP_NEVER */
    hp_time last_media; /* when this participant last sent RTP */
    uint32_t average_16ths; /* octets of a compound packet, IP and UDP headers included, in sixteenths */
    unsigned members_before; /* pmembers, this participant included */
    hp_rtcp_member members[HP_RTCP_MEMBERS];
    unsigned n_members;
} hp_rtcp_timer;

/* Joins at `now`. config: resolved; probable_size: octets of the first report. */
void hp_rtcp_timer_init(hp_rtcp_timer *t, const hp_rtcp_config *config, hp_rng *rng, hp_time now, size_t probable_size);
void hp_rtcp_timer_sent_media(hp_rtcp_timer *t, hp_time now);
/* RTP or RTCP came from ssrc. */
void hp_rtcp_timer_heard(hp_rtcp_timer *t, hp_time now, uint32_t ssrc, bool media);
/* A compound packet of that size came. */
void hp_rtcp_timer_heard_size(hp_rtcp_timer *t, size_t octets);
void hp_rtcp_timer_bye(hp_rtcp_timer *t, hp_time now, uint32_t ssrc);
/* At t->tn: whether a report is to be sent now; if not, tn is later. */
bool hp_rtcp_timer_expire(hp_rtcp_timer *t, hp_time now);
/* After a report was sent. */
void hp_rtcp_timer_sent(hp_rtcp_timer *t, hp_time now, size_t octets);

#endif
