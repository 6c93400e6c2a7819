/* The broker of a live run: actors/signaling behind WebSockets.
 *
 * It listens on a socket of every host's namespace, so that a client is known by the host it comes from. A peer's
 * connection is that peer; a second one takes the first one's place (a page was loaded anew). Copies for a peer that
 * has no connection are lost, and traced.
 *
 * A connection that comes from a server's namespace (a web server that hands on its page's WebSocket) says by the path
 * `/as/NAME` whom it is for; without, it is somebody new, who is called SERVER/1, SERVER/2, ...
 *
 * Sec-WebSocket-Protocol `hairpin.signal`: each text to the client is "FROM OWN NUMBER\n" and the JSON, FROM the
 * sender's name, OWN 0 or 1, NUMBER the message's. Without it a text is the JSON alone. From the client it is JSON, or
 * "NUMBER\n" and the JSON of a message that the client, one of ours, has numbered and traced itself
 * (hp_signaling_share_numbers()). */
#ifndef HP_PROGRAMS_BROKER_H
#define HP_PROGRAMS_BROKER_H

#include "programs/program.h"

extern const hp_program_ops hp_broker_program;

#endif
