/* Crossing a NAT symbolically. Private to oracle/. */
#ifndef HP_ORACLE_BOX_H
#define HP_ORACLE_BOX_H

#include "oracle/walk.h"

/* Outwards through NAT `nat`: w's addresses change, and *zone to the outer one, unless it turns round (hairpin). */
hp_stop hp_box_go_out(hp_walk_state *state, hp_protocol protocol, unsigned nat, hp_walk *w, unsigned *zone);
/* Inwards; by_route: IPv6 past the table. */
hp_stop hp_box_go_in(hp_walk_state *state, hp_protocol protocol, unsigned nat, hp_walk *w, bool by_route);

/* The external endpoint that a NAT gives an inside one on request (RFC 6887 section 11). False: it cannot. */
bool hp_box_map(hp_walk_state *state, hp_protocol protocol, unsigned nat, const hp_addr *inside, hp_addr *ret);

/* Room for one more in a table, or false; then nothing is certain any more. */
bool hp_walk_has_room(hp_walk_state *state, unsigned n, unsigned capacity);
/* Settles what behaviour does not decide. */
bool hp_walk_is_lucky(hp_walk_state *state);

#endif
