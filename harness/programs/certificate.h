/* Private to programs/: a self-signed certificate for a foreign server, made when it starts. */
#ifndef HP_PROGRAMS_CERTIFICATE_H
#define HP_PROGRAMS_CERTIFICATE_H

#include "plan/plan.h"

/* Writes FOLDER/certificate.pem and FOLDER/key.pem, for the server's name in DNS and its addresses. The paths are the
 * caller's. */
bool hp_certificate_write(const hp_plan_server *server, const char *folder, char **ret_certificate, char **ret_key,
                          GError **error);

#endif
