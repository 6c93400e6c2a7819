/* NTP timestamps in integers (RFC 3550 sections 4 and 6.4.1).
 *
 * The wall clock of a run starts at HP_EPOCH_S; the seconds of the 32.32 format wrap in 2036 and are compared modulo
 * 2^32, so that a run may cross the wrap. One nanosecond is about 4.3 units of the fraction: rounding down on the way
 * there and up on the way back gives the same nanosecond again. */
#include "wire/rtcp.h"

#define NTP_TO_UNIX UINT64_C(2208988800) /* 1900-01-01 to 1970-01-01, in seconds */

enum { SHORT_SECOND = 65536 };

uint64_t hp_ntp_from_time(hp_time t)
{
    uint64_t seconds = NTP_TO_UNIX + HP_EPOCH_S + t / HP_S;

    return seconds << 32 | ((t % HP_S) << 32) / HP_S;
}

bool hp_ntp_to_time(uint64_t ntp, hp_time *ret)
{
    uint32_t seconds = (uint32_t)(ntp >> 32) - (uint32_t)(NTP_TO_UNIX + HP_EPOCH_S);

    if (seconds >= UINT32_C(0x80000000)) {
        return false;
    }
    *ret = seconds * HP_S + (((ntp & UINT32_MAX) * HP_S + UINT32_MAX) >> 32);
    return true;
}

uint32_t hp_ntp_short_from_span(hp_time span)
{
    if (span / HP_S >= SHORT_SECOND) {
        return UINT32_MAX;
    }
    return (uint32_t)(span / HP_S * SHORT_SECOND + span % HP_S * SHORT_SECOND / HP_S);
}

hp_time hp_ntp_short_to_span(uint32_t units)
{
    return units * HP_S / SHORT_SECOND;
}

bool hp_rtcp_round_trip(hp_time arrival, const hp_rtcp_report_block *block, hp_time *ret)
{
    uint32_t elapsed = hp_ntp_middle(hp_ntp_from_time(arrival)) - block->last_sr;

    if (block->last_sr == 0 || elapsed < block->delay_since_last_sr || elapsed >= UINT32_C(0x80000000)) {
        return false;
    }
    *ret = hp_ntp_short_to_span(elapsed - block->delay_since_last_sr);
    return true;
}
