/* Private to engines/tls*.c: the endpoint's insides. */
#ifndef HP_ENGINES_TLS_PRIVATE_H
#define HP_ENGINES_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "engines/dtls_private.h"
#include "engines/tls.h"

struct hp_tls_context {
    SSL_CTX *ssl_context;
    bool client, has_expected;
    hp_dtls_fingerprint expected;
    char *alpn, *server_name;
};

struct hp_tls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    hp_tls_ops ops;
    void *user;
    hp_rng rng;
    hp_rng *outer_rng; /* what the thread drew from before the call under way */
    hp_tls_state state;
    bool client, started, ended;
    bool has_expected, wrong_certificate;
    hp_dtls_fingerprint expected;
    GQueue events; /* waiting for the call's end */
    bool handing_over;
};

/* Takes copies of all that event points to. */
void hp_tls_tell(hp_tls *tls, const hp_tls_event *event);

#endif
