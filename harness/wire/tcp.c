/* The TCP header (RFC 9293 section 3.1) from the sequence number on, as packets carry it:
 *
 *   |                       sequence number                       |
 *   |                   acknowledgement number                    |
 *   |offset| 0 |CWR ECE URG ACK PSH RST SYN FIN|     window       |
 *   |          checksum            |        urgent pointer        |
 *   | options, padded with zeros to a multiple of four ...        |
 *
 * The offset counts 32-bit words from the source port on. Read are the options maximum segment size (kind 2), window
 * scale (3, RFC 7323 section 2.2) and SACK permitted (4, RFC 2018 section 2); others are passed over by their length.
 * An option of illegal length, known or not, makes the segment malformed (RFC 9293 section 3.1, MUST-7 asks that it be
 * coped with). What follows an end of options is not looked at.
 *
 * Limits: SACK blocks and timestamps are neither read nor written. The reserved bits are ignored. */
#include "wire/tcp.h"

#include <assert.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/ip.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3, OPTION_SACK_PERMITTED = 4 };
enum { MSS_LENGTH = 4, SCALE_LENGTH = 3, SACK_PERMITTED_LENGTH = 2 };

static bool read_option(const uint8_t *option, uint8_t length, hp_tcp_header *h)
{
    switch (option[0]) {
    case OPTION_MSS:
        h->mss = length == MSS_LENGTH ? hp_get16(option + 2) : 0;
        return length == MSS_LENGTH;
    case OPTION_SCALE:
        h->has_window_scale = true;
        h->window_scale = length == SCALE_LENGTH ? option[2] : 0;
        if (h->window_scale > HP_TCP_MAX_SCALE) {
            h->window_scale = HP_TCP_MAX_SCALE;
        }
        return length == SCALE_LENGTH;
    case OPTION_SACK_PERMITTED:
        h->sack_permitted = true;
        return length == SACK_PERMITTED_LENGTH;
    default: /* of a number, not of an enum: all the others */
        return true;
    }
}

static bool read_options(const uint8_t *options, size_t length, hp_tcp_header *h)
{
    size_t at = 0;
    while (at < length && options[at] != OPTION_END) {
        if (options[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (at + 1 >= length || options[at + 1] < 2 || options[at + 1] > length - at ||
            !read_option(options + at, options[at + 1], h)) {
            return false;
        }
        at += options[at + 1];
    }
    return true;
}

bool hp_tcp_parse(const uint8_t *segment, size_t length, hp_tcp_header *ret, const uint8_t **ret_data,
                  size_t *ret_data_length)
{
    if (length < HP_TCP_HEADER_REST) {
        return false;
    }
    size_t header = (size_t)(segment[8] >> 4) * 4;
    if (header < HP_TCP_HEADER || header - HP_TCP_PORTS > length) {
        return false;
    }
    header -= HP_TCP_PORTS;
    hp_tcp_header h = {
        .seq = hp_get32(segment),
        .ack = hp_get32(segment + 4),
        .flags = segment[9],
        .window = hp_get16(segment + 10),
        .urgent = hp_get16(segment + 14),
    };
    if (!read_options(segment + HP_TCP_HEADER_REST, header - HP_TCP_HEADER_REST, &h)) {
        return false;
    }
    *ret = h;
    *ret_data = segment + header;
    *ret_data_length = length - header;
    return true;
}

bool hp_tcp_quoted_seq(const uint8_t *segment, size_t length, uint32_t *ret)
{
    if (length < 4) {
        return false;
    }
    *ret = hp_get32(segment);
    return true;
}

size_t hp_tcp_write(const hp_tcp_header *h, uint8_t *out, size_t cap)
{
    size_t mss = h->mss != 0 ? MSS_LENGTH : 0;
    size_t scale = h->has_window_scale ? 1 + SCALE_LENGTH : 0;
    size_t sack = h->sack_permitted ? 2 + SACK_PERMITTED_LENGTH : 0;
    size_t length = HP_TCP_HEADER_REST + mss + scale + sack;
    if (length > cap) {
        return 0;
    }
    hp_put32(out, h->seq);
    hp_put32(out + 4, h->ack);
    out[8] = (uint8_t)((length + HP_TCP_PORTS) / 4 << 4);
    out[9] = h->flags;
    hp_put16(out + 10, h->window);
    hp_put16(out + HP_TCP_CHECKSUM, 0);
    hp_put16(out + 14, h->urgent);

    uint8_t *at = out + HP_TCP_HEADER_REST;
    if (mss != 0) {
        at[0] = OPTION_MSS;
        at[1] = MSS_LENGTH;
        hp_put16(at + 2, h->mss);
        at += mss;
    }
    if (sack != 0) {
        memcpy(at, (const uint8_t[]){OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, SACK_PERMITTED_LENGTH}, sack);
        at += sack;
    }
    if (scale != 0) {
        memcpy(at, (const uint8_t[]){OPTION_NOP, OPTION_SCALE, SCALE_LENGTH, h->window_scale}, scale);
    }
    return length;
}

const char *hp_tcp_flags_format(uint8_t flags, char buf[static HP_TCP_FLAGS_TEXT])
{
    static const struct {
        uint8_t flag;
        char name[4];
    } names[] = {{HP_TCP_SYN, "SYN"}, {HP_TCP_FIN, "FIN"}, {HP_TCP_RST, "RST"}, {HP_TCP_PSH, "PSH"},
                 {HP_TCP_ACK, "ACK"}, {HP_TCP_URG, "URG"}, {HP_TCP_ECE, "ECE"}, {HP_TCP_CWR, "CWR"}};
    static_assert(sizeof names / sizeof *names * 4 <= HP_TCP_FLAGS_TEXT, "every flag, a comma or the end after each");
    char *at = buf;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if ((flags & names[i].flag) != 0) {
            if (at != buf) {
                *at++ = ',';
            }
            memcpy(at, names[i].name, 3);
            at += 3;
        }
    }
    if (at == buf) {
        *at++ = '-';
    }
    *at = '\0';
    return buf;
}
