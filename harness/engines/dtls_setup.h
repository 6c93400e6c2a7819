/* Who opens the DTLS association: the SDP attribute a=setup (RFC 4145 section 4, RFC 5763 section 5, RFC 8842
 * section 5). */
#ifndef HP_ENGINES_DTLS_SETUP_H
#define HP_ENGINES_DTLS_SETUP_H

#include <glib.h>
#include <stdbool.h>

typedef enum hp_dtls_setup {
    HP_DTLS_SETUP_ACTPASS, /* either; only in an offer */
    HP_DTLS_SETUP_ACTIVE, /* sends the ClientHello */
    HP_DTLS_SETUP_PASSIVE, /* waits for it */
    HP_DTLS_SETUP_HOLDCONN, /* no association for now */
} hp_dtls_setup;

typedef enum hp_dtls_role {
    HP_DTLS_ACTIVE, /* the DTLS client */
    HP_DTLS_PASSIVE, /* the DTLS server */
} hp_dtls_role;

const char *hp_dtls_setup_name(hp_dtls_setup setup); /* "actpass" */
const char *hp_dtls_role_name(hp_dtls_role role); /* "active" */
/* The attribute's value alone, letters of either case. False on anything else, *ret then untouched. */
bool hp_dtls_setup_parse(const char *text, hp_dtls_setup *ret);
/* What answers an offer. prefer decides where the offer leaves the choice (RFC 8842 wants it active). Every offer has
 * an answer. */
hp_dtls_setup hp_dtls_setup_answer(hp_dtls_setup offer, hp_dtls_role prefer);
/* The local role, once both descriptions are known; which of them was the offer does not matter. False and
 * HP_ERROR_INVALID when the two cannot meet: both active, both passive, both actpass, or holdconn on a side. */
bool hp_dtls_setup_role(hp_dtls_setup local, hp_dtls_setup remote, hp_dtls_role *ret, GError **error);

#endif
