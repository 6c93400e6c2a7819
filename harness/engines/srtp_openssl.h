/* Private to engines/srtp*.c: libsrtp's AES counter mode and HMAC-SHA1 on OpenSSL. */
#ifndef HP_ENGINES_SRTP_OPENSSL_H
#define HP_ENGINES_SRTP_OPENSSL_H

#include <stdbool.h>

/* After srtp_init(), before any stream is made. False when libsrtp's self-tests refuse one of the two; it then goes on
 * with what it had. */
bool hp_srtp_use_openssl(void);

#endif
