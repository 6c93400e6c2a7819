/* RTCP (RFC 3550 section 6) and the feedback of RFC 4585 and RFC 5104.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---+-+---------+---------------+-------------------------------+
 *   |V=2|P|  count  |  packet type  |  length in 32-bit words - 1   |
 *   +---+-+---------+---------------+-------------------------------+
 *   |  body ...                                                     |
 *
 * A datagram is a sequence of such packets. hp_rtcp_parse() checks the whole frame, hp_rtcp_next() walks packets in
 * place, the typed readers look into one. A reader returns false when the packet is of another type or too short for
 * what it claims to hold, and leaves its output alone. Writing fills a caller's buffer; an overflow sticks and shows in
 * hp_rtcp_finish(). */
#ifndef HP_WIRE_RTCP_H
#define HP_WIRE_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

enum { HP_RTCP_HEADER = 4, HP_RTCP_MAX_COUNT = 31, HP_RTCP_MAX_CNAME = 255 };

typedef enum hp_rtcp_type {
    HP_RTCP_SR = 200,
    HP_RTCP_RR = 201,
    HP_RTCP_SDES = 202,
    HP_RTCP_BYE = 203,
    HP_RTCP_APP = 204,
    HP_RTCP_RTPFB = 205, /* transport layer feedback, RFC 4585 section 6.2 */
    HP_RTCP_PSFB = 206, /* payload-specific feedback, RFC 4585 section 6.3 */
    HP_RTCP_XR = 207,
} hp_rtcp_type;

enum { HP_RTPFB_NACK = 1 }; /* feedback message types: `count` of HP_RTCP_RTPFB */
enum { HP_PSFB_PLI = 1, HP_PSFB_FIR = 4 }; /* and of HP_RTCP_PSFB */
enum { HP_SDES_CNAME = 1 };

typedef struct hp_rtcp_datagram {
    const uint8_t *data;
    size_t length;
    unsigned n_packets; /* at least 1 */
    bool is_compound; /* begins with an SR or RR without padding, as RFC 3550 appendix A.2 asks; otherwise reduced size
                         (RFC 5506), which a receiver takes only where that was agreed */
} hp_rtcp_datagram;

typedef struct hp_rtcp_packet {
    uint8_t type; /* hp_rtcp_type, or an unknown one */
    uint8_t count; /* reports, sources, subtype or feedback message type, by type */
    const uint8_t *body; /* after the 4-byte header */
    size_t body_len; /* without padding */
    size_t padding;
} hp_rtcp_packet;

/* RFC 3550 appendix A.2: version 2 everywhere, lengths that add up to the datagram's, padding on the last packet only
 * and with a count that fits. */
bool hp_rtcp_parse(const uint8_t *data, size_t len, hp_rtcp_datagram *ret);
/* Start with a zeroed *cursor. False at the end. */
bool hp_rtcp_next(const hp_rtcp_datagram *d, size_t *cursor, hp_rtcp_packet *ret);

typedef struct hp_rtcp_sender_info {
    uint32_t ssrc;
    uint64_t ntp; /* 32.32 fixed point, seconds since 1900 */
    uint32_t rtp_timestamp;
    uint32_t packets, octets;
} hp_rtcp_sender_info;

typedef struct hp_rtcp_report_block {
    uint32_t ssrc; /* the source reported on */
    uint8_t fraction_lost; /* of 256, since the last report */
    int32_t cumulative_lost; /* -0x800000..0x7fffff: duplicates make it negative */
    uint32_t extended_highest; /* cycles << 16 | highest sequence number */
    uint32_t jitter; /* timestamp units */
    uint32_t last_sr; /* hp_ntp_middle() of the last SR from that source, 0 = none yet */
    uint32_t delay_since_last_sr; /* 1/65536 s */
} hp_rtcp_report_block;

bool hp_rtcp_read_sr(const hp_rtcp_packet *p, hp_rtcp_sender_info *ret);
bool hp_rtcp_read_rr(const hp_rtcp_packet *p, uint32_t *ret_ssrc);
/* Report block i of an SR or RR; false from p->count on. */
bool hp_rtcp_read_block(const hp_rtcp_packet *p, unsigned i, hp_rtcp_report_block *ret);

typedef struct hp_rtcp_sdes_item {
    uint32_t ssrc;
    uint8_t type; /* HP_SDES_* */
    const char *text; /* not terminated */
    size_t length;
} hp_rtcp_sdes_item;

typedef struct hp_rtcp_sdes_cursor {
    size_t at; /* in the body */
    unsigned chunk; /* chunks that were ended */
    bool inside; /* of a chunk: at is an item's start */
    uint32_t ssrc; /* of that chunk */
} hp_rtcp_sdes_cursor;

/* Walks all items of all chunks: start with a zeroed cursor. False at the end and where a chunk is broken. */
bool hp_rtcp_sdes_next(const hp_rtcp_packet *p, hp_rtcp_sdes_cursor *cursor, hp_rtcp_sdes_item *ret);
/* The CNAME of a source. */
bool hp_rtcp_sdes_cname(const hp_rtcp_packet *p, uint32_t ssrc, const char **ret_text, size_t *ret_len);

/* Source i of a BYE; false from p->count on. */
bool hp_rtcp_read_bye(const hp_rtcp_packet *p, unsigned i, uint32_t *ret_ssrc);
/* A BYE's reason; false when it has none. */
bool hp_rtcp_bye_reason(const hp_rtcp_packet *p, const char **ret_text, size_t *ret_len);

typedef struct hp_rtcp_feedback {
    uint8_t type, format; /* HP_RTCP_RTPFB or HP_RTCP_PSFB, and the feedback message type */
    uint32_t sender_ssrc, media_ssrc; /* FIR names its sources in the FCI: hp_rtcp_fir_next() */
    const uint8_t *fci;
    size_t fci_len;
} hp_rtcp_feedback;

/* Any RTPFB or PSFB packet. */
bool hp_rtcp_read_feedback(const hp_rtcp_packet *p, hp_rtcp_feedback *ret);
static inline bool hp_rtcp_is_nack(const hp_rtcp_feedback *f)
{
    return f->type == HP_RTCP_RTPFB && f->format == HP_RTPFB_NACK;
}
static inline bool hp_rtcp_is_pli(const hp_rtcp_feedback *f)
{
    return f->type == HP_RTCP_PSFB && f->format == HP_PSFB_PLI;
}
static inline bool hp_rtcp_is_fir(const hp_rtcp_feedback *f)
{
    return f->type == HP_RTCP_PSFB && f->format == HP_PSFB_FIR;
}
/* The sequence numbers that a generic NACK asks for, PID and the bits of BLP, in their order. Start with a zeroed
 * *cursor; false at the end and for other feedback. */
bool hp_rtcp_nack_next(const hp_rtcp_feedback *f, size_t *cursor, uint16_t *ret_sequence);
/* The entries of a FIR (RFC 5104 section 4.3.1). */
bool hp_rtcp_fir_next(const hp_rtcp_feedback *f, size_t *cursor, uint32_t *ret_ssrc, uint8_t *ret_command);

/* ---- writing ---- */

typedef struct hp_rtcp_writer {
    uint8_t *buf;
    size_t cap, len;
    bool overflow;
} hp_rtcp_writer;

void hp_rtcp_begin(hp_rtcp_writer *w, uint8_t *buf, size_t cap);
/* More blocks than one packet holds continue in further RRs of the same source (RFC 3550 section 6.1). */
void hp_rtcp_add_sr(hp_rtcp_writer *w, const hp_rtcp_sender_info *sr, const hp_rtcp_report_block *blocks, size_t n);
void hp_rtcp_add_rr(hp_rtcp_writer *w, uint32_t ssrc, const hp_rtcp_report_block *blocks, size_t n);
/* One chunk with a CNAME of at most 255 bytes. */
void hp_rtcp_add_cname(hp_rtcp_writer *w, uint32_t ssrc, const char *cname);
/* reason may be NULL; at most 31 sources. */
void hp_rtcp_add_bye(hp_rtcp_writer *w, const uint32_t *ssrcs, size_t n, const char *reason);
/* n > 0 sequence numbers, read back in the same order; neighbours that rise (across the wrap too) share an entry. */
void hp_rtcp_add_nack(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *sequences,
                      size_t n);
void hp_rtcp_add_pli(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc);
void hp_rtcp_add_fir(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t command);
/* Total length, or 0 after an overflow, which is also what an impossible value leaves behind. */
size_t hp_rtcp_finish(hp_rtcp_writer *w);

/* "SR", "RTPFB"; NULL when unknown. */
const char *hp_rtcp_type_name(uint8_t type);

/* ---- NTP timestamps (RFC 3550 section 4) ---- */

/* The wall clock at run time t as 32.32 fixed point since 1900, rounded down; run time 0 is HP_EPOCH_S. */
uint64_t hp_ntp_from_time(hp_time t);
/* Back to run time, exact for what hp_ntp_from_time() gave; false for times before the run. */
bool hp_ntp_to_time(uint64_t ntp, hp_time *ret);
/* The middle 32 bits: what last_sr holds. */
static inline uint32_t hp_ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}
/* Spans in 1/65536 s, rounded down; what does not fit becomes UINT32_MAX. */
uint32_t hp_ntp_short_from_span(hp_time span);
hp_time hp_ntp_short_to_span(uint32_t units);
/* RFC 3550 section 6.4.1: A - LSR - DLSR, as a span. False when the block has seen no SR, or when the figures make no
 * sense (a negative round trip). */
bool hp_rtcp_round_trip(hp_time arrival, const hp_rtcp_report_block *block, hp_time *ret);

#endif
