/* Reading a capture file of anybody's: the UDP datagrams in it (capture.c, over libpcap). */
#ifndef HP_TRACE_CAPTURE_H
#define HP_TRACE_CAPTURE_H

#include <glib.h>

#include "wire/captured.h"

typedef struct hp_capture {
    hp_captured *datagrams; /* UDP payloads in the file's order; `at` counts from the first of them, which is at 0 */
    size_t n;
    /* Frames that are no whole UDP datagram: other protocols, fragments, cut by the snapshot length. */
    size_t n_skipped;
    gatomicrefcount refs;
} hp_capture;

/* A pcap or pcapng file; Ethernet (VLAN tags too), raw IP, Linux cooked (both versions) and loopback link types.
 * HP_ERROR_IO when it cannot be read, HP_ERROR_INVALID when it is no capture, has another link type, is cut in the
 * middle or holds no UDP datagram, HP_ERROR_LIMIT when it holds too much (capture.c); the message names the path. */
hp_capture *hp_capture_read(const char *path, GError **error);
hp_capture *hp_capture_ref(hp_capture *capture);
void hp_capture_unref(hp_capture *capture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_capture, hp_capture_unref)

#endif
