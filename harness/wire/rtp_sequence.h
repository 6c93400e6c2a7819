/* Sequence number and jitter arithmetic of RFC 3550 appendix A: pure state machines over integers.
 *
 * hp_rtp_receipt is what a receiver keeps for one source. */
#ifndef HP_WIRE_RTP_SEQUENCE_H
#define HP_WIRE_RTP_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HP_RTP_MIN_SEQUENTIAL = 2, /* packets in a row that make a source valid */
    HP_RTP_MAX_DROPOUT = 3000, /* a forward jump of this size or more is suspicious */
    HP_RTP_MAX_MISORDER = 100, /* a step back of this size or more is too */
};

/* The 64-bit number nearest to reference whose low 16 bits are sequence (halfway counts as behind). It may be
 * negative. */
static inline int64_t hp_rtp_extend(int64_t reference, uint16_t sequence)
{
    uint16_t forward = (uint16_t)(sequence - (uint16_t)reference);
    return forward < 0x8000 ? reference + forward : reference + forward - 0x10000;
}
/* Whether a comes after b on the circle of 16-bit numbers. */
static inline bool hp_rtp_sequence_after(uint16_t a, uint16_t b)
{
    return a != b && (uint16_t)(a - b) < 0x8000;
}
/* Whether a comes after b on the circle of 32-bit timestamps. */
static inline bool hp_rtp_timestamp_after(uint32_t a, uint32_t b)
{
    return a != b && a - b < UINT32_C(0x80000000);
}

typedef struct hp_rtp_receipt {
    uint16_t max_sequence; /* the highest seen */
    uint32_t cycles; /* wraps of it, shifted left by 16 */
    uint32_t base_sequence; /* the first one counted */
    uint32_t bad_sequence; /* where a second packet after a jump would be; above 0xffff = none */
    unsigned probation; /* packets in a row still wanted before the source counts */
    uint32_t received; /* packets counted, duplicates and late ones too */
    uint32_t expected_prior, received_prior; /* at the last report */
} hp_rtp_receipt;

typedef enum hp_rtp_arrival {
    HP_RTP_COUNTED, /* in order, after a small gap, late or duplicate */
    HP_RTP_ON_PROBATION, /* the source has not shown enough packets in a row; not counted */
    HP_RTP_JUMPED, /* far from what was expected; not counted unless its successor comes next */
    HP_RTP_RESTARTED, /* the successor of a jump: the source began anew, and the counts with it */
} hp_rtp_arrival;

/* probation: HP_RTP_MIN_SEQUENTIAL as the RFC has it, or 0 to count from the first packet on (WebRTC, where a source is
 * known from signalling). The first packet goes to hp_rtp_receipt_update() too. */
void hp_rtp_receipt_init(hp_rtp_receipt *r, uint16_t first_sequence, unsigned probation);
/* Appendix A.1. */
hp_rtp_arrival hp_rtp_receipt_update(hp_rtp_receipt *r, uint16_t sequence);

/* Appendix A.3. Expected and lost count modulo 2^32 inside; lost is clamped to the 24 signed bits that a report has. */
static inline uint32_t hp_rtp_receipt_highest(const hp_rtp_receipt *r)
{
    return r->cycles + r->max_sequence;
}
uint32_t hp_rtp_receipt_expected(const hp_rtp_receipt *r);
int32_t hp_rtp_receipt_lost(const hp_rtp_receipt *r);
/* The fraction lost since the last call, of 256; starts a new interval. */
uint8_t hp_rtp_receipt_fraction_lost(hp_rtp_receipt *r);

/* Interarrival jitter, appendix A.8, kept in sixteenths as the RFC's integer version does. */
typedef struct hp_rtp_jitter {
    bool started;
    uint32_t transit; /* of the packet before */
    uint64_t sixteenths; /* wide enough for what forged timestamps add up to */
} hp_rtp_jitter;

/* arrival: the receiver's clock in units of the media clock (hp_rtp_units()), any origin. Packets are fed as they
 * arrive, out of order ones too. */
void hp_rtp_jitter_update(hp_rtp_jitter *j, uint32_t arrival, uint32_t timestamp);
/* In timestamp units, as reported. */
static inline uint32_t hp_rtp_jitter_value(const hp_rtp_jitter *j)
{
    return (uint32_t)(j->sixteenths >> 4);
}

#endif
