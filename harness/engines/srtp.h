/* SRTP and SRTCP (RFC 3711, RFC 7714) over libsrtp2, for one direction: packets in, packets and a verdict out. It owns
 * no socket, clock or random source, and works on the caller's buffers in place.
 *
 * A context holds one master key and as many streams as SSRCs show up, each with its own rollover counter (ROC), replay
 * window and SRTCP index. Where RTP and RTCP have components of their own (no rtcp-mux), each has its own context and
 * key. */
#ifndef HP_ENGINES_SRTP_H
#define HP_ENGINES_SRTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

/* By their registered numbers (RFC 5764 section 4.1.2, RFC 7714 section 14.2), as DTLS tells them. */
typedef enum hp_srtp_profile {
    HP_SRTP_AES128_CM_HMAC_SHA1_80 = 0x0001,
    HP_SRTP_AEAD_AES_128_GCM = 0x0007,
    HP_SRTP_AEAD_AES_256_GCM = 0x0008,
} hp_srtp_profile;

enum {
    HP_SRTP_MAX_KEY = 32,
    HP_SRTP_MAX_SALT = 14,
    HP_SRTP_MAX_OVERHEAD = 20, /* what protection adds to any packet */
};

bool hp_srtp_profile_known(unsigned number);
const char *hp_srtp_profile_name(hp_srtp_profile profile); /* "SRTP_AEAD_AES_128_GCM" */
size_t hp_srtp_key_length(hp_srtp_profile profile); /* of the master key */
size_t hp_srtp_salt_length(hp_srtp_profile profile);
/* Bytes that protection adds: the tag, and for RTCP the word with the E bit and the index. */
size_t hp_srtp_overhead(hp_srtp_profile profile, bool rtcp);

/* The master key and salt of one direction. */
typedef struct hp_srtp_keys {
    hp_srtp_profile profile;
    uint8_t key[HP_SRTP_MAX_KEY], salt[HP_SRTP_MAX_SALT];
} hp_srtp_keys;

/* Splits what the DTLS exporter gave: client key, server key, client salt, server salt (RFC 5764 section 4.2). The DTLS
 * client (SDP's active side) protects with the client keys. */
bool hp_srtp_keys_from_exporter(unsigned profile, const uint8_t *block, size_t len, hp_srtp_keys *ret_client,
                                hp_srtp_keys *ret_server, GError **error);
/* Security descriptions (RFC 4568): the crypto-suite ("AEAD_AES_128_GCM") and a key parameter, "inline:BASE64" or the
 * base64 text alone. A lifetime is read and ignored; an MKI and wrong lengths are errors. */
bool hp_srtp_keys_from_sdes(const char *suite, const char *parameter, hp_srtp_keys *ret, GError **error);
const char *hp_srtp_sdes_suite(hp_srtp_profile profile); /* "AES_CM_128_HMAC_SHA1_80" */
/* "inline:BASE64". Caller frees. */
char *hp_srtp_keys_to_sdes(const hp_srtp_keys *keys);
/* Keys for an offer or answer. */
void hp_srtp_keys_draw(hp_srtp_profile profile, hp_rng *rng, hp_srtp_keys *ret);

typedef enum hp_srtp_result {
    HP_SRTP_OK,
    HP_SRTP_AUTH_FAILED, /* the tag does not fit: forged, damaged, another key, or a packet index guessed wrong */
    HP_SRTP_REPLAY, /* inside the window and seen before; outbound: protected before */
    HP_SRTP_TOO_OLD, /* behind the window. Also what a jump of more than 2^15 sequence numbers looks like */
    HP_SRTP_MALFORMED, /* no RTP or RTCP packet, too short, or one that cannot be protected */
    HP_SRTP_UNKNOWN_SSRC, /* not among those that were allowed */
    HP_SRTP_EXPIRED, /* the key has protected as many packets as it may */
    HP_SRTP_NO_ROOM, /* outbound: the buffer cannot take the overhead */
    HP_SRTP_FAILED, /* libsrtp failed in a way that no packet explains */
} hp_srtp_result;
enum { HP_SRTP_N_RESULTS = HP_SRTP_FAILED + 1 };
const char *hp_srtp_result_name(hp_srtp_result result); /* "auth-failed" */

typedef enum hp_srtp_direction { HP_SRTP_OUTBOUND, HP_SRTP_INBOUND } hp_srtp_direction;

enum { HP_SRTP_DEFAULT_WINDOW = 128, HP_SRTP_MIN_WINDOW = 64, HP_SRTP_MAX_WINDOW = 32736 };

typedef struct hp_srtp_config {
    hp_srtp_direction direction;
    unsigned window; /* RTP packets, 64 to 32736, rounded up to a multiple of 32; 0: 128. SRTCP's has always 128 */
    bool listed_only; /* SSRCs other than those of hp_srtp_allow() are refused; false: any may show up */
    bool allow_repeat; /* outbound: a sequence number may be protected again (retransmission without RTX). With the AEAD
                          profiles only the same packet may, or the key stream is given away */
} hp_srtp_config;

typedef struct hp_srtp_counters {
    uint64_t rtp[HP_SRTP_N_RESULTS], rtcp[HP_SRTP_N_RESULTS];
} hp_srtp_counters;

typedef struct hp_srtp hp_srtp;

/* Sets libsrtp up for the process; hp_srtp_new() does it too, once. It takes about 14 ms of CPU with Debian 12's build,
 * whose self-tests start and stop NSS several times: do it before forking, and every child has it. */
bool hp_srtp_start(GError **error);

/* HP_ERROR_INVALID where config or keys make no sense. Both are copied. */
hp_srtp *hp_srtp_new(const hp_srtp_config *config, const hp_srtp_keys *keys, GError **error);
void hp_srtp_free(hp_srtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_srtp, hp_srtp_free)

void hp_srtp_allow(hp_srtp *srtp, uint32_t ssrc);
/* Tells the rollover counter of an SSRC whose beginning was or will be missed (RFC 3711 section 3.3.1), before its
 * first packet; without it a stream begins at 0. HP_ERROR_INVALID once the SSRC has a context. */
bool hp_srtp_set_roc(hp_srtp *srtp, uint32_t ssrc, uint32_t roc, GError **error);
/* False while no packet of that SSRC was accepted. */
bool hp_srtp_get_roc(const hp_srtp *srtp, uint32_t ssrc, uint32_t *ret);
/* New keys from the next packet on, perhaps of another profile. Rollover counters and SRTCP indices go on (RFC 3711
 * sections 3.3.1 and 3.4); packets under the old keys fail from then on. The RTP replay window begins anew, as no
 * packet seen before can pass under the new keys. */
bool hp_srtp_rekey(hp_srtp *srtp, const hp_srtp_keys *keys, GError **error);

/* In place: packet holds *len bytes and has room for cap. *len is written on HP_SRTP_OK only. Otherwise a packet to
 * protect may have been changed, and one to unprotect too: keep a copy where it still matters. */
hp_srtp_result hp_srtp_protect(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap);
hp_srtp_result hp_srtp_protect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap);
hp_srtp_result hp_srtp_unprotect(hp_srtp *srtp, uint8_t *packet, size_t *len);
hp_srtp_result hp_srtp_unprotect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len);

const hp_srtp_counters *hp_srtp_get_counters(const hp_srtp *srtp);
hp_srtp_profile hp_srtp_get_profile(const hp_srtp *srtp);

#endif
