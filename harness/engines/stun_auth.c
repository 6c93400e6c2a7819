/* The long-term credential mechanism, server side (RFC 8489 section 9.2.4).
 *
 * Nonces hold all that is needed to check them, so that a flood of first requests from forged sources leaves nothing
 * behind:
 *
 *     "obMatJos2" ffff tttttttttttttttt mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
 *
 * ffff is base64 of the 24 security feature bits (section 18.1), t the time of issue in hex, m the first 16 bytes of
 * HMAC-SHA-256(server key, features, time, 5-tuple) in hex. The tuple inside the MAC makes nonces of two sources
 * different, and one source's nonce stale at another (section 9.2.4); the features inside it stop a bid-down (section
 * 9.2.1). The key comes from the server's random stream: a restarted server finds every older nonce stale.
 *
 * The order of checks is that of section 9.2.4, which tells a client about a wrong password before a stale nonce. A 438
 * may be signed, since the integrity of the request was found right.
 *
 * Limits: user names and realms are compared as bytes; no OpaqueString preparation is done. Without users nobody can
 * log in: every request is answered 401. */
#include "engines/stun_auth.h"

#include <glib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define COOKIE "obMatJos2"
#define COOKIE_LENGTH 13 /* with the four characters of features */
#define FEATURE_ALGORITHMS 0x800000U
#define FEATURE_USERHASH 0x400000U

enum { ALGORITHM_MD5 = 1, ALGORITHM_SHA256 = 2 };

/* PASSWORD-ALGORITHMS as we send it: SHA-256, then MD5, both without parameters. */
static const uint8_t offered_algorithms[8] = {0, ALGORITHM_SHA256, 0, 0, 0, ALGORITHM_MD5, 0, 0};

struct hp_stun_auth {
    hp_stun_user *users;
    unsigned n_users;
    GHashTable *by_name; /* user name (owned by users) -> hp_stun_user */
    char *realm;
    bool offer_algorithms, accept_userhash;
    hp_time nonce_lifetime;
    char cookie[COOKIE_LENGTH + 1];
    EVP_MAC_CTX *mac; /* keyed; started anew for every nonce */
};

/* What the MAC of a nonce covers; no padding. */
typedef struct nonce_text {
    uint8_t issued[8];
    uint8_t features[4];
    hp_stun_path path;
} nonce_text;
G_STATIC_ASSERT(sizeof(nonce_text) == 8 + 4 + 44);

hp_stun_auth *hp_stun_auth_new(const hp_server_config *config, hp_rng *rng)
{
    hp_stun_auth *auth = g_new0(hp_stun_auth, 1);
    auth->realm = g_strdup(config->realm != NULL ? config->realm : "hairpin");
    auth->offer_algorithms = config->sha256;
    auth->accept_userhash = config->userhash;
    auth->nonce_lifetime = config->nonce_lifetime != 0 ? config->nonce_lifetime : 3600 * HP_S;
    uint32_t features = (config->sha256 ? FEATURE_ALGORITHMS : 0) | (config->userhash ? FEATURE_USERHASH : 0);
    uint8_t bits[3] = {(uint8_t)(features >> 16), (uint8_t)(features >> 8), (uint8_t)features};
    g_autofree char *base64 = g_base64_encode(bits, sizeof bits);
    g_snprintf(auth->cookie, sizeof auth->cookie, "%s%s", COOKIE, base64);

    auth->n_users = config->n_users;
    auth->users = g_new0(hp_stun_user, config->n_users);
    auth->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < config->n_users; i++) {
        const hp_turn_user *from = &config->users[i];
        hp_stun_user *user = &auth->users[i];
        user->name = g_strdup(from->name);
        user->md5 = hp_stun_key_long(from->name, auth->realm, from->password, false);
        user->sha256 = hp_stun_key_long(from->name, auth->realm, from->password, true);
        hp_stun_userhash(from->name, auth->realm, user->hash);
        user->expires = from->expires;
        user->index = i;
        if (!g_hash_table_contains(auth->by_name, user->name)) {
            g_hash_table_insert(auth->by_name, user->name, user);
        }
    }

    uint8_t key[32];
    hp_rng_bytes(rng, key, sizeof key);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    auth->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    int keyed = EVP_MAC_init(auth->mac, key, sizeof key, parameters);
    g_assert(keyed == 1);
    return auth;
}

void hp_stun_auth_free(hp_stun_auth *auth)
{
    if (auth == NULL) {
        return;
    }
    for (unsigned i = 0; i < auth->n_users; i++) {
        g_free(auth->users[i].name);
    }
    g_free(auth->users);
    g_hash_table_destroy(auth->by_name);
    g_free(auth->realm);
    EVP_MAC_CTX_free(auth->mac);
    g_free(auth);
}

static void hex(char *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static void make_nonce(hp_stun_auth *auth, hp_time issued, const hp_stun_path *path, char out[HP_STUN_NONCE_LENGTH])
{
    nonce_text text = {.path = *path};
    for (unsigned i = 0; i < 8; i++) {
        text.issued[i] = (uint8_t)(issued >> (56 - 8 * i));
    }
    memcpy(text.features, auth->cookie + strlen(COOKIE), sizeof text.features);
    uint8_t mac[32];
    size_t length = 0;
    int done = EVP_MAC_init(auth->mac, NULL, 0, NULL) == 1 &&
               EVP_MAC_update(auth->mac, (const uint8_t *)&text, sizeof text) == 1 &&
               EVP_MAC_final(auth->mac, mac, &length, sizeof mac) == 1;
    g_assert(done && length == sizeof mac);
    memcpy(out, auth->cookie, COOKIE_LENGTH);
    hex(out + COOKIE_LENGTH, text.issued, sizeof text.issued);
    hex(out + COOKIE_LENGTH + 16, mac, 16);
}

/* Whether a nonce is ours, was given to this very tuple, and is not too old. */
static bool nonce_valid(hp_stun_auth *auth, hp_time now, const hp_stun_path *path, const hp_stun_attr *nonce)
{
    if (nonce->length != HP_STUN_NONCE_LENGTH) {
        return false;
    }
    hp_time issued = 0;
    for (unsigned i = 0; i < 16; i++) {
        int digit = g_ascii_xdigit_value((char)nonce->value[COOKIE_LENGTH + i]);
        if (digit < 0) {
            return false;
        }
        issued = issued << 4 | (unsigned)digit;
    }
    if (issued > now || now - issued >= auth->nonce_lifetime) {
        return false;
    }
    char expected[HP_STUN_NONCE_LENGTH];
    make_nonce(auth, issued, path, expected);
    return CRYPTO_memcmp(expected, nonce->value, sizeof expected) == 0;
}

/* The security features a nonce cookie announces; 0 when the text bears none. */
static uint32_t nonce_features(const hp_stun_attr *nonce)
{
    if (nonce->length < COOKIE_LENGTH || memcmp(nonce->value, COOKIE, strlen(COOKIE)) != 0) {
        return 0;
    }
    char text[5] = {0};
    memcpy(text, nonce->value + strlen(COOKIE), 4);
    for (unsigned i = 0; i < 4; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/') {
            return 0;
        }
    }
    gsize n = 0;
    g_autofree guchar *bits = g_base64_decode(text, &n);
    return n == 3 ? (uint32_t)bits[0] << 16 | (uint32_t)bits[1] << 8 | bits[2] : 0;
}

/* Section 9.2.4, third bullet. Sets *ret_algorithm to what derives the key and *ret_named to whether the request chose
 * it. False: 400. */
static bool check_algorithm(const hp_stun_auth *auth, const hp_stun_msg *m, const hp_stun_attr *nonce,
                            unsigned *ret_algorithm, bool *ret_named)
{
    *ret_algorithm = ALGORITHM_MD5;
    *ret_named = false;
    if ((nonce_features(nonce) & FEATURE_ALGORITHMS) == 0) {
        return true;
    }
    hp_stun_attr list, chosen;
    bool has_list = hp_stun_find_protected(m, HP_STUN_PASSWORD_ALGORITHMS, &list);
    bool has_chosen = hp_stun_find_protected(m, HP_STUN_PASSWORD_ALGORITHM, &chosen);
    if (!has_list && !has_chosen) {
        return true;
    }
    if (!has_list || !has_chosen || !auth->offer_algorithms) {
        return false;
    }
    if (list.length != sizeof offered_algorithms || memcmp(list.value, offered_algorithms, list.length) != 0) {
        return false;
    }
    if (chosen.length != 4 || chosen.value[0] != 0 || chosen.value[2] != 0 || chosen.value[3] != 0 ||
        (chosen.value[1] != ALGORITHM_MD5 && chosen.value[1] != ALGORITHM_SHA256)) {
        return false;
    }
    *ret_algorithm = chosen.value[1];
    *ret_named = true;
    return true;
}

static const hp_stun_user *find_by_name(const hp_stun_auth *auth, const hp_stun_attr *name)
{
    const char *text = (const char *)name->value;
    size_t length = name->length;
    if (length > 763) { /* longer than any user name may be (section 14.3) */
        return NULL;
    }
    /* The key is made of the name without trailing NULs and quotes (section 9.2.2). */
    while (length > 0 && text[length - 1] == '\0') {
        length--;
    }
    char copy[764];
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strlen(copy) != length) {
        return NULL;
    }
    const hp_stun_user *user = g_hash_table_lookup(auth->by_name, copy);
    if (user == NULL && length >= 2 && copy[0] == '"' && copy[length - 1] == '"') {
        copy[length - 1] = '\0';
        user = g_hash_table_lookup(auth->by_name, copy + 1);
    }
    return user;
}

static const hp_stun_user *find_by_hash(const hp_stun_auth *auth, const hp_stun_attr *hash)
{
    if (!auth->accept_userhash || hash->length != 32) {
        return NULL;
    }
    for (unsigned i = 0; i < auth->n_users; i++) {
        if (memcmp(auth->users[i].hash, hash->value, 32) == 0) {
            return &auth->users[i];
        }
    }
    return NULL;
}

unsigned hp_stun_auth_check(hp_stun_auth *auth, hp_time now, const hp_stun_path *path, const hp_stun_msg *m,
                            hp_stun_credentials *ret)
{
    *ret = (hp_stun_credentials){0};
    hp_stun_attr integrity, name, hash, realm, nonce;
    bool has_sha256 = hp_stun_find_protected(m, HP_STUN_MESSAGE_INTEGRITY_SHA256, &integrity);
    if (!has_sha256 && !hp_stun_find_protected(m, HP_STUN_MESSAGE_INTEGRITY, &integrity)) {
        return 401;
    }
    bool has_name = hp_stun_find_protected(m, HP_STUN_USERNAME, &name);
    bool has_hash = hp_stun_find_protected(m, HP_STUN_USERHASH, &hash);
    if ((!has_name && !has_hash) || !hp_stun_find_protected(m, HP_STUN_REALM, &realm) ||
        !hp_stun_find_protected(m, HP_STUN_NONCE, &nonce)) {
        return 400;
    }
    unsigned algorithm;
    bool named;
    if (!check_algorithm(auth, m, &nonce, &algorithm, &named)) {
        return 400;
    }
    const hp_stun_user *user = has_name ? find_by_name(auth, &name) : find_by_hash(auth, &hash);
    ret->user = user;
    if (user == NULL || (user->expires != 0 && now >= user->expires)) {
        return 401;
    }
    const hp_stun_key *key = algorithm == ALGORITHM_SHA256 ? &user->sha256 : &user->md5;
    if (hp_stun_check_integrity(m, key, has_sha256) != HP_STUN_GOOD) {
        return 401;
    }
    ret->trusted = true;
    ret->key = *key;
    ret->sha256 = named;
    return nonce_valid(auth, now, path, &nonce) ? 0 : 438;
}

void hp_stun_auth_challenge(hp_stun_auth *auth, hp_time now, const hp_stun_path *path, hp_stun_writer *w)
{
    char nonce[HP_STUN_NONCE_LENGTH];
    make_nonce(auth, now, path, nonce);
    hp_stun_add_text(w, HP_STUN_REALM, auth->realm);
    hp_stun_add(w, HP_STUN_NONCE, nonce, sizeof nonce);
    if (auth->offer_algorithms) {
        hp_stun_add(w, HP_STUN_PASSWORD_ALGORITHMS, offered_algorithms, sizeof offered_algorithms);
    }
}
