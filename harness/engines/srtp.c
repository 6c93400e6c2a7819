/* SRTP and SRTCP contexts over libsrtp2 (RFC 3711; AEAD profiles of RFC 7714). Keys are srtp_keys.c.
 *
 * libsrtp does the cryptography, the packet index, and the replay lists. What is kept here: what a packet must look
 * like before libsrtp sees it, which SSRCs may have a context, and a verdict for every packet. Nothing that libsrtp
 * says is smoothed over, since a receiver that loses a stream for good is what a rig like this is to show.
 *
 * The packet index. A receiver guesses the upper bits (ROC) from the highest index it has accepted. It goes wrong, as
 * the RFC admits, when 2^15 or more packets are missed in a row, and when the first packets of a stream are missed
 * across a wrap: a stream that starts at 65530 and whose first accepted packet would be 4 has ROC 1 at the sender and 0
 * here, and every packet is AUTH_FAILED from then on. Only a late packet from before the wrap, or hp_srtp_set_roc(),
 * helps. A step of more than 2^15 forward, at the sender too, is taken for a packet of the past and is TOO_OLD.
 *
 * Where libsrtp 2.5 differs from the RFCs, as far as this file knows:
 *   - It begins SRTCP with index 1; RFC 3711 section 3.4 has 0. No receiver can tell it from a lost first packet.
 *   - Below index 2^15 it never guesses ROC - 1: a number far ahead is then in the present cycle, where the RFC's
 *     appendix A says "the past". It makes no difference to a packet that exists.
 *   - A counter told with srtp_set_stream_roc() to a stream in progress sticks for ever unless it is far away; hence
 *     hp_srtp_set_roc() takes it for untouched streams only, where it is consumed by the first packet.
 *   - The NSS build (Debian's) holds 2048 bytes of additional data for GCM and, when given more in two parts, keeps the
 *     first part for the next packet, which then fails. Such packets are MALFORMED here before libsrtp sees them.
 *   - SRTCP without the E bit is refused under AES-CM before its tag is looked at: AUTH_FAILED here. Under GCM it is
 *     accepted when its tag fits, as RFC 7714 section 9.3 allows.
 *
 * libsrtp's state is global to the process: srtp_init() runs once (hp_srtp_start()), nothing takes it back. A process
 * that forks afterwards may use it in parent and child. No packet depends on a random number: the self-tests of
 * srtp_init() draw from rand(), and NSS seeds a generator of its own that nothing here asks. Threads may each have
 * contexts of their own.
 *
 * libsrtp wants packets on a 32-bit boundary; others pass through a scratch buffer. */
#include "engines/srtp.h"

#include <assert.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "base/error.h"
#include "engines/srtp_openssl.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

enum {
    SRTCP_HEADER = 8, /* with the sender's SSRC: what stays in the clear */
    SRTCP_TRAILER = 4, /* E bit and index */
    E_BIT = 0x80, /* of the trailer's first byte */
    GCM_MAX_AAD = 2048, /* libsrtp's buffer over NSS */
    GCM_TAG = 16,
    VERSION_SHIFT = 6,
    MAX_PACKET = 65535,
};

/* ---- contexts ---- */

/* An SSRC that was told a rollover counter: libsrtp has a stream for it that is not a copy of the template. */
typedef struct told_roc {
    uint32_t ssrc, roc;
} told_roc;

struct hp_srtp {
    srtp_t session;
    hp_srtp_config config;
    hp_srtp_keys keys;
    GArray *allowed; /* of uint32_t */
    GArray *told; /* of told_roc */
    uint8_t *scratch; /* MAX_PACKET, made when a packet first needs it */
    hp_srtp_counters counters;
};

const char *hp_srtp_result_name(hp_srtp_result result)
{
    static const char *const names[] = {"ok",           "auth-failed", "replay",  "too-old", "malformed",
                                        "unknown-ssrc", "expired",     "no-room", "failed"};
    static_assert(G_N_ELEMENTS(names) == HP_SRTP_N_RESULTS, "a name for each hp_srtp_result");

    return names[result];
}

static void *start_once(void *unused)
{
    srtp_err_status_t status = srtp_init();

    if (status == srtp_err_status_ok && !hp_srtp_use_openssl()) {
        status = srtp_err_status_init_fail;
    }
    return GINT_TO_POINTER(status);
}

bool hp_srtp_start(GError **error)
{
    static GOnce once = G_ONCE_INIT;
    int status = GPOINTER_TO_INT(g_once(&once, start_once, NULL));

    if (status != srtp_err_status_ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "libsrtp does not start (error %d)", status);
    }
    return status == srtp_err_status_ok;
}

static void set_transforms(hp_srtp_profile profile, srtp_crypto_policy_t *ret)
{
    switch (profile) {
    case HP_SRTP_AES128_CM_HMAC_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(ret);
        break;
    case HP_SRTP_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(ret);
        break;
    case HP_SRTP_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(ret);
        break;
    }
}

/* The policy of all streams, or of one SSRC. master: HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT bytes that libsrtp copies
 * from. */
static srtp_policy_t make_policy(const hp_srtp_config *config, const hp_srtp_keys *keys, uint8_t *master)
{
    size_t key = hp_srtp_key_length(keys->profile), salt = hp_srtp_salt_length(keys->profile);
    srtp_policy_t policy = {
        .ssrc.type = config->direction == HP_SRTP_OUTBOUND ? ssrc_any_outbound : ssrc_any_inbound,
        .window_size = config->window,
        .allow_repeat_tx = config->allow_repeat,
        .key = master,
    };
    memcpy(master, keys->key, key);
    memcpy(master + key, keys->salt, salt);
    set_transforms(keys->profile, &policy.rtp);
    set_transforms(keys->profile, &policy.rtcp);
    return policy;
}

static bool check_config(const hp_srtp_config *config, const hp_srtp_keys *keys, GError **error)
{
    if (!hp_srtp_profile_known(keys->profile)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "SRTP protection profile 0x%04x is not known", keys->profile);
        return false;
    }
    if (config->window != 0 && (config->window < HP_SRTP_MIN_WINDOW || config->window > HP_SRTP_MAX_WINDOW)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "an SRTP replay window of %u is not between %d and %d",
                    config->window, HP_SRTP_MIN_WINDOW, HP_SRTP_MAX_WINDOW);
        return false;
    }
    return true;
}

hp_srtp *hp_srtp_new(const hp_srtp_config *config, const hp_srtp_keys *keys, GError **error)
{
    uint8_t master[HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT];

    if (!check_config(config, keys, error) || !hp_srtp_start(error)) {
        return NULL;
    }
    g_autoptr(hp_srtp) s = g_new0(hp_srtp, 1);
    s->config = *config;
    if (s->config.window == 0) {
        s->config.window = HP_SRTP_DEFAULT_WINDOW;
    }
    s->keys = *keys;
    s->allowed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    s->told = g_array_new(FALSE, FALSE, sizeof(told_roc));
    srtp_policy_t policy = make_policy(&s->config, keys, master);
    srtp_err_status_t status = srtp_create(&s->session, &policy);
    if (status != srtp_err_status_ok) {
        s->session = NULL;
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "libsrtp makes no %s context (error %d)",
                    hp_srtp_profile_name(keys->profile), (int)status);
        return NULL;
    }
    return g_steal_pointer(&s);
}

void hp_srtp_free(hp_srtp *srtp)
{
    if (srtp == NULL) {
        return;
    }
    if (srtp->session != NULL) {
        srtp_dealloc(srtp->session);
    }
    g_array_unref(srtp->allowed);
    g_array_unref(srtp->told);
    g_free(srtp->scratch);
    g_free(srtp);
}

const hp_srtp_counters *hp_srtp_get_counters(const hp_srtp *srtp)
{
    return &srtp->counters;
}

hp_srtp_profile hp_srtp_get_profile(const hp_srtp *srtp)
{
    return srtp->keys.profile;
}

static bool is_allowed(const hp_srtp *srtp, uint32_t ssrc)
{
    for (unsigned i = 0; i < srtp->allowed->len; i++) {
        if (g_array_index(srtp->allowed, uint32_t, i) == ssrc) {
            return true;
        }
    }
    return !srtp->config.listed_only;
}

void hp_srtp_allow(hp_srtp *srtp, uint32_t ssrc)
{
    if (srtp->config.listed_only && !is_allowed(srtp, ssrc)) {
        g_array_append_val(srtp->allowed, ssrc);
    }
}

bool hp_srtp_get_roc(const hp_srtp *srtp, uint32_t ssrc, uint32_t *ret)
{
    uint32_t roc;

    if (srtp_get_stream_roc(srtp->session, ssrc, &roc) != srtp_err_status_ok) {
        return false;
    }
    for (unsigned i = 0; i < srtp->told->len; i++) {
        const told_roc *t = &g_array_index(srtp->told, told_roc, i);
        if (t->ssrc == ssrc && roc < t->roc) {
            return false; /* still waiting for its first packet */
        }
    }
    *ret = roc;
    return true;
}

bool hp_srtp_set_roc(hp_srtp *srtp, uint32_t ssrc, uint32_t roc, GError **error)
{
    uint8_t master[HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT];
    uint32_t present;
    told_roc told = {ssrc, roc};

    if (srtp_get_stream_roc(srtp->session, ssrc, &present) == srtp_err_status_ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "SSRC 0x%08x has an SRTP context already", ssrc);
        return false;
    }
    if (roc == 0) {
        return true; /* where every stream begins */
    }
    srtp_policy_t policy = make_policy(&srtp->config, &srtp->keys, master);
    policy.ssrc = (srtp_ssrc_t){.type = ssrc_specific, .value = ssrc};
    srtp_err_status_t status = srtp_add_stream(srtp->session, &policy);
    if (status == srtp_err_status_ok) {
        status = srtp_set_stream_roc(srtp->session, ssrc, roc);
    }
    if (status != srtp_err_status_ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "libsrtp takes no rollover counter (error %d)", (int)status);
        return false;
    }
    g_array_append_val(srtp->told, told);
    return true;
}

/* libsrtp renews the streams it made from the template; those that were told a counter are renewed one by one, and told
 * again when they still wait for their first packet. */
bool hp_srtp_rekey(hp_srtp *srtp, const hp_srtp_keys *keys, GError **error)
{
    uint8_t master[HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT];

    if (!check_config(&srtp->config, keys, error)) {
        return false;
    }
    srtp_policy_t policy = make_policy(&srtp->config, keys, master);
    srtp_err_status_t status = srtp_update(srtp->session, &policy);
    for (unsigned i = 0; status == srtp_err_status_ok && i < srtp->told->len; i++) {
        const told_roc *t = &g_array_index(srtp->told, told_roc, i);
        uint32_t roc;
        bool waiting = !hp_srtp_get_roc(srtp, t->ssrc, &roc);
        policy.ssrc = (srtp_ssrc_t){.type = ssrc_specific, .value = t->ssrc};
        status = srtp_update(srtp->session, &policy);
        if (status == srtp_err_status_ok && waiting) {
            status = srtp_set_stream_roc(srtp->session, t->ssrc, t->roc);
        }
    }
    if (status != srtp_err_status_ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "libsrtp takes no new keys (error %d)", (int)status);
        return false;
    }
    srtp->keys = *keys;
    return true;
}

/* ---- packets ---- */

static hp_srtp_result result_from(srtp_err_status_t status)
{
    switch ((int)status) { /* by number: libsrtp may know more than its header */
    case srtp_err_status_ok:
        return HP_SRTP_OK;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail: /* GCM over NSS, for some wrong tags */
    case srtp_err_status_cant_check: /* AES-CM: SRTCP in the clear */
        return HP_SRTP_AUTH_FAILED;
    case srtp_err_status_replay_fail:
        return HP_SRTP_REPLAY;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return HP_SRTP_TOO_OLD;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
        return HP_SRTP_MALFORMED;
    case srtp_err_status_no_ctx:
        return HP_SRTP_UNKNOWN_SSRC;
    case srtp_err_status_key_expired:
        return HP_SRTP_EXPIRED;
    default:
        return HP_SRTP_FAILED;
    }
}

typedef srtp_err_status_t (*srtp_operation)(srtp_t session, void *packet, int *len);

/* room: what the operation may write to, at least *len. */
static hp_srtp_result apply(hp_srtp *srtp, srtp_operation operation, uint8_t *packet, size_t *len, size_t room)
{
    uint8_t *at = packet;
    int length = (int)*len;

    if ((uintptr_t)packet % sizeof(uint32_t) != 0) {
        if (srtp->scratch == NULL) {
            srtp->scratch = g_malloc(MAX_PACKET + HP_SRTP_MAX_OVERHEAD);
        }
        at = memcpy(srtp->scratch, packet, *len);
    }
    hp_srtp_result result = result_from(operation(srtp->session, at, &length));
    if (result == HP_SRTP_OK) {
        g_assert(length >= 0 && (size_t)length <= room);
        if (at != packet) {
            memcpy(packet, at, (size_t)length);
        }
        *len = (size_t)length;
    }
    return result;
}

static bool is_aead(const hp_srtp *srtp)
{
    return srtp->keys.profile != HP_SRTP_AES128_CM_HMAC_SHA1_80;
}

static hp_srtp_result check_rtp(const hp_srtp *srtp, const hp_rtp_packet *p)
{
    if (is_aead(srtp) && p->header_len > GCM_MAX_AAD) {
        return HP_SRTP_MALFORMED;
    }
    return is_allowed(srtp, p->ssrc) ? HP_SRTP_OK : HP_SRTP_UNKNOWN_SSRC;
}

/* data begins with an RTCP header and the sender's SSRC, in the clear also in SRTCP. */
static uint32_t rtcp_sender(const uint8_t *data)
{
    return (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 | data[7];
}

static hp_srtp_result protect(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap)
{
    hp_rtp_packet p;
    size_t total = *len + hp_srtp_overhead(srtp->keys.profile, false);

    if (*len > MAX_PACKET || !hp_rtp_parse(packet, *len, &p)) {
        return HP_SRTP_MALFORMED;
    }
    hp_srtp_result result = check_rtp(srtp, &p);
    if (result != HP_SRTP_OK) {
        return result;
    }
    return cap < total ? HP_SRTP_NO_ROOM : apply(srtp, srtp_protect, packet, len, cap);
}

static hp_srtp_result protect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap)
{
    hp_rtcp_datagram d;
    size_t total = *len + hp_srtp_overhead(srtp->keys.profile, true);

    if (*len > MAX_PACKET || *len < SRTCP_HEADER || !hp_rtcp_parse(packet, *len, &d)) {
        return HP_SRTP_MALFORMED;
    }
    if (!is_allowed(srtp, rtcp_sender(packet))) {
        return HP_SRTP_UNKNOWN_SSRC;
    }
    return cap < total ? HP_SRTP_NO_ROOM : apply(srtp, srtp_protect_rtcp, packet, len, cap);
}

static hp_srtp_result unprotect(hp_srtp *srtp, uint8_t *packet, size_t *len)
{
    hp_rtp_packet p;

    if (*len > MAX_PACKET + HP_SRTP_MAX_OVERHEAD || !hp_rtp_parse_encrypted(packet, *len, &p) ||
        p.payload_len < hp_srtp_overhead(srtp->keys.profile, false)) {
        return HP_SRTP_MALFORMED;
    }
    hp_srtp_result result = check_rtp(srtp, &p);
    return result == HP_SRTP_OK ? apply(srtp, srtp_unprotect, packet, len, *len) : result;
}

static hp_srtp_result unprotect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len)
{
    size_t overhead = hp_srtp_overhead(srtp->keys.profile, true);

    if (*len > MAX_PACKET + HP_SRTP_MAX_OVERHEAD || *len < SRTCP_HEADER + overhead || packet[0] >> VERSION_SHIFT != 2) {
        return HP_SRTP_MALFORMED;
    }
    bool encrypted = !is_aead(srtp) || (packet[*len - SRTCP_TRAILER] & E_BIT) != 0;
    if (!encrypted && *len - GCM_TAG > GCM_MAX_AAD) {
        return HP_SRTP_MALFORMED;
    }
    if (!is_allowed(srtp, rtcp_sender(packet))) {
        return HP_SRTP_UNKNOWN_SSRC;
    }
    return apply(srtp, srtp_unprotect_rtcp, packet, len, *len);
}

hp_srtp_result hp_srtp_protect(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap)
{
    g_assert(srtp->config.direction == HP_SRTP_OUTBOUND && *len <= cap);
    hp_srtp_result result = protect(srtp, packet, len, cap);
    srtp->counters.rtp[result]++;
    return result;
}

hp_srtp_result hp_srtp_protect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len, size_t cap)
{
    g_assert(srtp->config.direction == HP_SRTP_OUTBOUND && *len <= cap);
    hp_srtp_result result = protect_rtcp(srtp, packet, len, cap);
    srtp->counters.rtcp[result]++;
    return result;
}

hp_srtp_result hp_srtp_unprotect(hp_srtp *srtp, uint8_t *packet, size_t *len)
{
    g_assert(srtp->config.direction == HP_SRTP_INBOUND);
    hp_srtp_result result = unprotect(srtp, packet, len);
    srtp->counters.rtp[result]++;
    return result;
}

hp_srtp_result hp_srtp_unprotect_rtcp(hp_srtp *srtp, uint8_t *packet, size_t *len)
{
    g_assert(srtp->config.direction == HP_SRTP_INBOUND);
    hp_srtp_result result = unprotect_rtcp(srtp, packet, len);
    srtp->counters.rtcp[result]++;
    return result;
}
