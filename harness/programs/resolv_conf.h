/* Which DNS servers the programs of a peer ask: a resolv.conf of its own. */
#ifndef HP_PROGRAMS_RESOLV_CONF_H
#define HP_PROGRAMS_RESOLV_CONF_H

#include "plan/plan.h"

/* The text of that file for a peer: the addresses of its DNS servers that it can reach; caller frees. NULL: the peer has
 * none. */
char *hp_resolv_conf_text(const hp_plan *plan, unsigned peer);

/* Puts it over /etc/resolv.conf, in a process that has settled in the cage (live/cage.h), for it and what it starts from
 * now on. folder: where a file can be made for a moment. Does nothing for a peer without DNS servers. False and
 * HP_ERROR_ENVIRONMENT when the machine does not let us. */
bool hp_resolv_conf_use(const hp_plan *plan, unsigned peer, const char *folder, GError **error);

#endif
