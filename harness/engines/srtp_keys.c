/* What SRTP protection profiles consist of, and where master keys come from: a DTLS exporter's block (RFC 5764 section
 * 4.2), security descriptions in an SDP (RFC 4568 section 6.1, with the suites of RFC 7714 section 14.1), a random
 * stream.
 *
 * A set of keys is a value; bytes beyond its profile's lengths are zero, so that equal keys are equal bytes. */
#include <string.h>

#include "base/error.h"
#include "engines/srtp.h"

enum { SRTCP_INDEX = 4 }; /* with the E bit */

/* ---- profiles ---- */

typedef struct profile_traits {
    const char *name, *suite;
    size_t key, salt, tag;
} profile_traits;

static const profile_traits *traits(hp_srtp_profile profile)
{
    static const profile_traits cm = {
        .name = "SRTP_AES128_CM_HMAC_SHA1_80",
        .suite = "AES_CM_128_HMAC_SHA1_80",
        .key = 16,
        .salt = 14,
        .tag = 10,
    };
    static const profile_traits gcm_128 = {
        .name = "SRTP_AEAD_AES_128_GCM",
        .suite = "AEAD_AES_128_GCM",
        .key = 16,
        .salt = 12,
        .tag = 16,
    };
    static const profile_traits gcm_256 = {
        .name = "SRTP_AEAD_AES_256_GCM",
        .suite = "AEAD_AES_256_GCM",
        .key = 32,
        .salt = 12,
        .tag = 16,
    };

    switch (profile) {
    case HP_SRTP_AES128_CM_HMAC_SHA1_80:
        return &cm;
    case HP_SRTP_AEAD_AES_128_GCM:
        return &gcm_128;
    case HP_SRTP_AEAD_AES_256_GCM:
        return &gcm_256;
    }
    g_assert_not_reached();
}

bool hp_srtp_profile_known(unsigned number)
{
    return number == HP_SRTP_AES128_CM_HMAC_SHA1_80 || number == HP_SRTP_AEAD_AES_128_GCM ||
           number == HP_SRTP_AEAD_AES_256_GCM;
}

const char *hp_srtp_profile_name(hp_srtp_profile profile)
{
    return traits(profile)->name;
}

const char *hp_srtp_sdes_suite(hp_srtp_profile profile)
{
    return traits(profile)->suite;
}

size_t hp_srtp_key_length(hp_srtp_profile profile)
{
    return traits(profile)->key;
}

size_t hp_srtp_salt_length(hp_srtp_profile profile)
{
    return traits(profile)->salt;
}

size_t hp_srtp_overhead(hp_srtp_profile profile, bool rtcp)
{
    return traits(profile)->tag + (rtcp ? SRTCP_INDEX : 0);
}

/* ---- keys ---- */

bool hp_srtp_keys_from_exporter(unsigned profile, const uint8_t *block, size_t len, hp_srtp_keys *ret_client,
                                hp_srtp_keys *ret_server, GError **error)
{
    if (!hp_srtp_profile_known(profile)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "SRTP protection profile 0x%04x is not known", profile);
        return false;
    }
    hp_srtp_keys client = {.profile = (hp_srtp_profile)profile}, server = client;
    size_t key = hp_srtp_key_length(client.profile), salt = hp_srtp_salt_length(client.profile);
    if (len != 2 * (key + salt)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s takes %zu bytes of keying material, not %zu",
                    hp_srtp_profile_name(client.profile), 2 * (key + salt), len);
        return false;
    }
    memcpy(client.key, block, key);
    memcpy(server.key, block + key, key);
    memcpy(client.salt, block + 2 * key, salt);
    memcpy(server.salt, block + 2 * key + salt, salt);
    *ret_client = client;
    *ret_server = server;
    return true;
}

static bool profile_from_suite(const char *suite, hp_srtp_profile *ret)
{
    static const hp_srtp_profile all[] = {HP_SRTP_AES128_CM_HMAC_SHA1_80, HP_SRTP_AEAD_AES_128_GCM,
                                          HP_SRTP_AEAD_AES_256_GCM};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (strcmp(suite, hp_srtp_sdes_suite(all[i])) == 0) {
            *ret = all[i];
            return true;
        }
    }
    return false;
}

/* Plain base64 with its padding, nothing else in between: GLib's decoder skips what it does not know. */
static bool is_base64(const char *text)
{
    size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t padding = strspn(text + digits, "=");

    return text[digits + padding] == '\0' && padding <= 2 && (digits + padding) % 4 == 0;
}

bool hp_srtp_keys_from_sdes(const char *suite, const char *parameter, hp_srtp_keys *ret, GError **error)
{
    hp_srtp_keys keys = {0};

    if (!profile_from_suite(suite, &keys.profile)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "crypto-suite \"%s\" is not known", suite);
        return false;
    }
    g_auto(GStrv) fields = g_strsplit(g_str_has_prefix(parameter, "inline:") ? parameter + 7 : parameter, "|", -1);
    for (char **field = fields[0] != NULL ? fields + 1 : fields; *field != NULL; field++) {
        if (strchr(*field, ':') != NULL) {
            g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "a master key identifier (MKI) is not supported");
            return false;
        }
    }
    if (fields[0] == NULL || !is_base64(fields[0])) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "the key parameter is not base64");
        return false;
    }
    size_t len, key = hp_srtp_key_length(keys.profile), salt = hp_srtp_salt_length(keys.profile);
    g_autofree uint8_t *bytes = g_base64_decode(fields[0], &len);
    if (len != key + salt) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s takes a key and salt of %zu bytes, not %zu", suite,
                    key + salt, len);
        return false;
    }
    memcpy(keys.key, bytes, key);
    memcpy(keys.salt, bytes + key, salt);
    *ret = keys;
    return true;
}

char *hp_srtp_keys_to_sdes(const hp_srtp_keys *keys)
{
    uint8_t bytes[HP_SRTP_MAX_KEY + HP_SRTP_MAX_SALT];
    size_t key = hp_srtp_key_length(keys->profile), salt = hp_srtp_salt_length(keys->profile);

    memcpy(bytes, keys->key, key);
    memcpy(bytes + key, keys->salt, salt);
    g_autofree char *base64 = g_base64_encode(bytes, key + salt);
    return g_strconcat("inline:", base64, NULL);
}

void hp_srtp_keys_draw(hp_srtp_profile profile, hp_rng *rng, hp_srtp_keys *ret)
{
    *ret = (hp_srtp_keys){.profile = profile};
    hp_rng_bytes(rng, ret->key, hp_srtp_key_length(profile));
    hp_rng_bytes(rng, ret->salt, hp_srtp_salt_length(profile));
}
