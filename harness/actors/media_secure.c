/* Theory of operation: the defaults of config/media.h, and what the engines would refuse, in one place, so that a call
 * with bad settings fails when it is made and not when its first datagram comes.
 *
 * The MTU of the configuration is the IP packet's; 52 octets of it go to the largest headers between us and IP on a
 * settled path: IPv6 40, UDP 8, ChannelData 4. A handshake through Send indications (36 more) may be over it. */
#include "actors/media_secure.h"

#include "base/error.h"

enum { HEADERS = 52 };

bool hp_media_secure_check(const hp_secure_config *secure, GError **error)
{
    hp_time initial = secure->retransmit_initial > 0 ? secure->retransmit_initial : HP_S;
    hp_time max = secure->retransmit_max > 0 ? secure->retransmit_max : 60 * HP_S;
    const char *wrong = NULL;
    if (secure->n_profiles > HP_DTLS_N_PROFILES) {
        wrong = "too many SRTP profiles";
    } else if (initial < HP_MS || initial > max || max > 3600 * HP_S) {
        wrong = "retransmission times of DTLS out of bounds";
    } else if (secure->replay_window != 0 &&
               (secure->replay_window < HP_SRTP_MIN_WINDOW || secure->replay_window > HP_SRTP_MAX_WINDOW)) {
        wrong = "replay window out of bounds";
    }
    for (unsigned i = 0; !wrong && i < secure->n_profiles; i++) {
        wrong = hp_srtp_profile_known(secure->profiles[i]) ? NULL : "unknown SRTP profile";
        for (unsigned k = 0; !wrong && k < i; k++) {
            wrong = secure->profiles[k] == secure->profiles[i] ? "an SRTP profile twice" : NULL;
        }
    }
    if (wrong) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "media security: %s", wrong);
    }
    return !wrong;
}

unsigned hp_media_secure_profiles(const hp_secure_config *secure, hp_srtp_profile ret[static HP_DTLS_N_PROFILES])
{
    unsigned n = MIN(secure->n_profiles, HP_DTLS_N_PROFILES);
    for (unsigned i = 0; i < n; i++) {
        ret[i] = (hp_srtp_profile)secure->profiles[i];
    }
    if (n == 0) {
        ret[n++] = HP_SRTP_AES128_CM_HMAC_SHA1_80;
        ret[n++] = HP_SRTP_AEAD_AES_128_GCM;
    }
    return n;
}

static unsigned mtu_of(const hp_secure_config *secure)
{
    return secure->mtu == 0 ? HP_DTLS_DEFAULT_MTU
                            : CLAMP(secure->mtu, HP_DTLS_MIN_MTU + HEADERS, HP_DTLS_MAX_MTU + HEADERS) - HEADERS;
}

hp_dtls_config hp_media_secure_dtls(const hp_secure_config *secure, hp_dtls_role role, bool srtp)
{
    hp_dtls_config config = {.role = role,
                             .mtu = mtu_of(secure),
                             .cookie = secure->cookie,
                             .retransmit_initial = secure->retransmit_initial,
                             .retransmit_max = secure->retransmit_max};
    hp_srtp_profile profiles[HP_DTLS_N_PROFILES];
    config.n_profiles = srtp ? hp_media_secure_profiles(secure, profiles) : 0;
    for (unsigned i = 0; i < config.n_profiles; i++) {
        config.profiles[i] = (hp_dtls_profile)profiles[i];
    }
    return config;
}
