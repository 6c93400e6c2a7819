/* Private to actors/: what a peer's media security configuration comes to. */
#ifndef HP_ACTORS_MEDIA_SECURE_H
#define HP_ACTORS_MEDIA_SECURE_H

#include "config/media.h"
#include "engines/dtls.h"
#include "engines/srtp.h"

/* False and HP_ERROR_INVALID where it makes no sense to an engine. */
bool hp_media_secure_check(const hp_secure_config *secure, GError **error);
/* The profiles in order of preference; at most HP_DTLS_N_PROFILES. Returns how many. */
unsigned hp_media_secure_profiles(const hp_secure_config *secure, hp_srtp_profile ret[static HP_DTLS_N_PROFILES]);
/* srtp: the association is to give keys. secure has been checked. */
hp_dtls_config hp_media_secure_dtls(const hp_secure_config *secure, hp_dtls_role role, bool srtp);

#endif
