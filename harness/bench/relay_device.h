/* The network card of the relay bench's server: a TUN that offers what a card of a server does. */
#ifndef HP_BENCH_RELAY_DEVICE_H
#define HP_BENCH_RELAY_DEVICE_H

#include <glib.h>
#include <stdbool.h>

#include "base/addr.h"
#include "live/netns.h"

typedef struct hp_relay_device {
    int fd; /* each packet has a struct virtio_net_hdr before it; non-blocking; the caller's to close */
    bool trains; /* several datagrams of a flow may be one packet (VIRTIO_NET_HDR_GSO_UDP_L4), both ways */
    char about[128]; /* what it can: "a TUN with checksum offload, ..." */
} hp_relay_device;

/* eth0 of the namespace, up, with that address. What the kernel does not have is left out, and out of `about`. False:
 * HP_ERROR_ENVIRONMENT. */
bool hp_relay_device_open(hp_netns *netns, const hp_addr *addr, uint8_t bits, hp_relay_device *ret, GError **error);

#endif
