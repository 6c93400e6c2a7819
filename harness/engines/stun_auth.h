/* The server's side of the long-term credential mechanism (RFC 8489 section 9.2): users, challenges, checks. */
#ifndef HP_ENGINES_STUN_AUTH_H
#define HP_ENGINES_STUN_AUTH_H

#include "base/rng.h"
#include "config/server.h"
#include "engines/stun_io.h"
#include "wire/stun.h"

/* A user as the server keeps it: keys, never the password (RFC 8656 section 6). */
typedef struct hp_stun_user {
    char *name;
    hp_stun_key md5, sha256;
    uint8_t hash[32]; /* USERHASH */
    hp_time expires; /* 0 = never */
    unsigned index; /* in the configuration */
} hp_stun_user;

typedef struct hp_stun_auth hp_stun_auth;

/* Length of a nonce of ours: nonce cookie, issue time, MAC. */
#define HP_STUN_NONCE_LENGTH (13 + 16 + 32)

/* Draws the nonce key from rng. Copies what it needs from config. */
hp_stun_auth *hp_stun_auth_new(const hp_server_config *config, hp_rng *rng);
void hp_stun_auth_free(hp_stun_auth *auth);

typedef struct hp_stun_credentials {
    const hp_stun_user *user; /* whom the request names, NULL when nobody known */
    bool trusted; /* integrity was right: the answer can be signed with the key below */
    hp_stun_key key;
    bool sha256; /* sign answers with MESSAGE-INTEGRITY-SHA256 */
} hp_stun_credentials;

/* Checks a request that came over path. Returns 0, 400, 401 or 438; *ret is always filled. */
unsigned hp_stun_auth_check(hp_stun_auth *auth, hp_time now, const hp_stun_path *path, const hp_stun_msg *m,
                            hp_stun_credentials *ret);
/* Adds REALM, a fresh NONCE and (when offered) PASSWORD-ALGORITHMS, as 401 and 438 carry them. */
void hp_stun_auth_challenge(hp_stun_auth *auth, hp_time now, const hp_stun_path *path, hp_stun_writer *w);

#endif
