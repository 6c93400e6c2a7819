/* Counting the packets of a source and estimating their jitter, as RFC 3550 appendices A.1, A.3 and A.8 define it.
 *
 * A sequence number is trusted when it is less than HP_RTP_MAX_DROPOUT ahead of the highest or less than
 * HP_RTP_MAX_MISORDER behind it. Anything else is a jump: it counts only when the very next packet continues it, and
 * then all counts begin anew. The appendix's arithmetic is kept to the letter, since a report must say what any RTP
 * receiver would: duplicates and late packets are received packets, so that loss can be hidden or become negative.
 * Finer figures (late, duplicate, reordered, each for itself) are the media receiver's own.
 *
 * The first packet of a source with probation 0 begins its counts. (As the appendix is written it would be compared
 * with the number before it, which gives the same but for a first number of 0, where it would count a wrap.) */
#include "wire/rtp_sequence.h"

enum { SEQUENCES = 1 << 16, LOST_MAX = 0x7fffff, LOST_MIN = -0x800000 };

static void restart(hp_rtp_receipt *r, uint16_t sequence)
{
    *r = (hp_rtp_receipt){
        .max_sequence = sequence,
        .base_sequence = sequence,
        .bad_sequence = SEQUENCES + 1,
    };
}

void hp_rtp_receipt_init(hp_rtp_receipt *r, uint16_t first_sequence, unsigned probation)
{
    restart(r, first_sequence);
    r->probation = probation;
    if (probation > 0) {
        r->max_sequence = (uint16_t)(first_sequence - 1);
    }
}

static hp_rtp_arrival on_probation(hp_rtp_receipt *r, uint16_t sequence)
{
    if (sequence != (uint16_t)(r->max_sequence + 1)) {
        r->probation = HP_RTP_MIN_SEQUENTIAL - 1;
        r->max_sequence = sequence;
        return HP_RTP_ON_PROBATION;
    }
    r->max_sequence = sequence;
    r->probation--;
    if (r->probation > 0) {
        return HP_RTP_ON_PROBATION;
    }
    restart(r, sequence);
    r->received = 1;
    return HP_RTP_COUNTED;
}

hp_rtp_arrival hp_rtp_receipt_update(hp_rtp_receipt *r, uint16_t sequence)
{
    uint16_t ahead = (uint16_t)(sequence - r->max_sequence);

    if (r->probation > 0) {
        return on_probation(r, sequence);
    }
    if (ahead < HP_RTP_MAX_DROPOUT) {
        if (sequence < r->max_sequence) {
            r->cycles += SEQUENCES;
        }
        r->max_sequence = sequence;
    } else if (ahead <= SEQUENCES - HP_RTP_MAX_MISORDER) {
        if (sequence != r->bad_sequence) {
            r->bad_sequence = (sequence + 1U) & (SEQUENCES - 1);
            return HP_RTP_JUMPED;
        }
        restart(r, sequence);
        r->received = 1;
        return HP_RTP_RESTARTED;
    }
    r->received++;
    return HP_RTP_COUNTED;
}

uint32_t hp_rtp_receipt_expected(const hp_rtp_receipt *r)
{
    return hp_rtp_receipt_highest(r) - r->base_sequence + 1;
}

int32_t hp_rtp_receipt_lost(const hp_rtp_receipt *r)
{
    int32_t lost = (int32_t)(hp_rtp_receipt_expected(r) - r->received);

    if (lost > LOST_MAX) {
        return LOST_MAX;
    }
    return lost < LOST_MIN ? LOST_MIN : lost;
}

uint8_t hp_rtp_receipt_fraction_lost(hp_rtp_receipt *r)
{
    uint32_t expected = hp_rtp_receipt_expected(r);
    uint32_t expected_interval = expected - r->expected_prior;
    int32_t lost_interval = (int32_t)(expected_interval - (r->received - r->received_prior));

    r->expected_prior = expected;
    r->received_prior = r->received;
    if (expected_interval == 0 || lost_interval <= 0) {
        return 0;
    }
    /* Only a source that was initialised and never updated has lost everything, 256 of 256, which the field cannot say:
     * the highest number moves by a packet that came. */
    uint64_t fraction = ((uint64_t)lost_interval << 8) / expected_interval;
    return fraction > UINT8_MAX ? UINT8_MAX : (uint8_t)fraction;
}

void hp_rtp_jitter_update(hp_rtp_jitter *j, uint32_t arrival, uint32_t timestamp)
{
    uint32_t transit = arrival - timestamp, difference = transit - j->transit;

    if (!j->started) {
        *j = (hp_rtp_jitter){.started = true, .transit = transit};
        return;
    }
    j->transit = transit;
    if (difference >= UINT32_C(0x80000000)) {
        difference = -difference;
    }
    j->sixteenths += difference - ((j->sixteenths + 8) >> 4);
}
