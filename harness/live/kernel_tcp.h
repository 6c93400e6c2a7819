/* A connection of a kernel host. Private to kernel_tcp.c, kernel_tcp_data.c and kernel_listener.c. */
#ifndef HP_LIVE_KERNEL_TCP_H
#define HP_LIVE_KERNEL_TCP_H

#include "live/kernel_private.h"

struct hp_kernel_tcp {
    hp_tcp_socket base; /* first; stack, pair, ops, user, held and pins of it are used */
    hp_kernel_host *kernel;
    int fd; /* -1: its user has given it up */
    hp_loop_watch *watch;
    hp_timer timer; /* tells what a call met */
    bool connected, finished, peer_finished; /* finished: the user has sent all */
    bool wants_room; /* the last send took not all */
    GByteArray *early; /* sent before there was a connection; NULL: nothing */
    int failure; /* errno, once there is one */
    hp_tcp_end end;
    hp_kernel_tcp *previous, *next;
};

enum { HP_KERNEL_TCP_EARLY = 8192 }; /* most bytes of that: fits any send buffer */

/* A call met an error of the connection: it will be told. */
void hp_kernel_tcp_failed(hp_kernel_tcp *tcp, int number);
/* Listeners and connections of this host may have one port. */
void hp_kernel_tcp_share_port(int fd);

#endif
