/* Private to programs/: what the broker, its clients and the web server ask of libsoup alike. */
#ifndef HP_PROGRAMS_SOUP_H
#define HP_PROGRAMS_SOUP_H

#include <libsoup/soup.h>
#include <stdbool.h>

/* Whether something can be said over it. NULL: no. */
bool hp_soup_is_open(SoupWebsocketConnection *socket);
/* Candidates are small and follow each other closely: none waits for the last one's acknowledgement any more. */
void hp_soup_no_delay(SoupWebsocketConnection *socket);
/* What somebody posts to the server is thrown away as it comes. */
void hp_soup_drop_bodies(SoupServer *server);
/* Whether it is GET or HEAD; anything else is answered with 405. */
bool hp_soup_only_reads(SoupServerMessage *message);

#endif
