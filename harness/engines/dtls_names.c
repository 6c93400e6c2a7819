/* Names of the DTLS endpoint's enums, each table tied to its enum, and what SRTP knows of its profiles. */
#include <assert.h>

#include "engines/dtls.h"
#include "engines/srtp.h"

static const char *const state_names[] = {
    [HP_DTLS_NEW] = "new",
    [HP_DTLS_HANDSHAKING] = "handshaking",
    [HP_DTLS_UNVERIFIED] = "unverified",
    [HP_DTLS_CONNECTED] = "connected",
    [HP_DTLS_CLOSED] = "closed",
    [HP_DTLS_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(state_names) == HP_DTLS_FAILED + 1, "a name for each state");

static const char *const failure_names[] = {
    [HP_DTLS_FAIL_NONE] = "none",       [HP_DTLS_FAIL_FINGERPRINT] = "fingerprint",
    [HP_DTLS_FAIL_PROFILE] = "profile", [HP_DTLS_FAIL_TIMEOUT] = "timeout",
    [HP_DTLS_FAIL_ALERT] = "alert",     [HP_DTLS_FAIL_PROTOCOL] = "protocol",
};
static_assert(G_N_ELEMENTS(failure_names) == HP_DTLS_FAIL_PROTOCOL + 1, "a name for each failure");

static const char *const event_names[] = {
    [HP_DTLS_EV_HANDSHAKE] = "handshake",
    [HP_DTLS_EV_CONNECTED] = "connected",
    [HP_DTLS_EV_DATA] = "data",
    [HP_DTLS_EV_TIMEOUT] = "timeout",
    [HP_DTLS_EV_ALERT_SENT] = "alert-sent",
    [HP_DTLS_EV_ALERT_RECEIVED] = "alert-received",
    [HP_DTLS_EV_FAILED] = "failed",
    [HP_DTLS_EV_CLOSED] = "closed",
    [HP_DTLS_EV_DROPPED] = "dropped",
    [HP_DTLS_EV_KEYLOG] = "keylog",
};
static_assert(G_N_ELEMENTS(event_names) == HP_DTLS_EV_KEYLOG + 1, "a name for each event");

const char *hp_dtls_state_name(hp_dtls_state state)
{
    return state_names[state];
}

const char *hp_dtls_failure_name(hp_dtls_failure failure)
{
    return failure_names[failure];
}

const char *hp_dtls_event_name(hp_dtls_event_kind kind)
{
    return event_names[kind];
}

/* The registered numbers are srtp.h's too: what a handshake agrees on goes there as it is. */
static_assert((int)HP_DTLS_PROFILE_AES128_CM_SHA1_80 == (int)HP_SRTP_AES128_CM_HMAC_SHA1_80, "one number");
static_assert((int)HP_DTLS_PROFILE_AEAD_AES_128_GCM == (int)HP_SRTP_AEAD_AES_128_GCM, "one number");
static_assert((int)HP_DTLS_PROFILE_AEAD_AES_256_GCM == (int)HP_SRTP_AEAD_AES_256_GCM, "one number");
static_assert(HP_DTLS_MAX_KEY_BLOCK <= 2 * (HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT), "srtp.c takes every block");

const char *hp_dtls_profile_name(hp_dtls_profile profile)
{
    if (profile == HP_DTLS_PROFILE_NONE) {
        return "none";
    }
    return hp_srtp_profile_known(profile) ? hp_srtp_profile_name((hp_srtp_profile)profile) : "unknown";
}

void hp_dtls_profile_lengths(hp_dtls_profile profile, size_t *ret_key, size_t *ret_salt)
{
    bool known = hp_srtp_profile_known(profile);
    *ret_key = known ? hp_srtp_key_length((hp_srtp_profile)profile) : 0;
    *ret_salt = known ? hp_srtp_salt_length((hp_srtp_profile)profile) : 0;
}
