/* TUN devices as descriptors: one packet a read and a write, each with a struct virtio_net_hdr before it. Nothing is
 * offered to the kernel: who wants offloads asks for them (TUNSETOFFLOAD). */
#ifndef HP_LIVE_DEVICE_TUN_H
#define HP_LIVE_DEVICE_TUN_H

#include <linux/virtio_net.h>

#include "live/netns.h"

enum { HP_TUN_HEADER = 10 }; /* bytes of struct virtio_net_hdr */

/* A non-blocking descriptor. -1 and HP_ERROR_ENVIRONMENT. */
int hp_tun_open(hp_netns *ns, const char *name, GError **error);
/* Leaves the device to its namespace. */
void hp_tun_close(int fd);

/* What is written before UDP whose checksum field has the pseudo header's sum alone: the kernel takes it as good. headers:
 * bytes of IP and UDP. segment: 0 for one datagram, else the payload of each of several that one header stands for
 * (from Linux 6.2 on; EINVAL before). */
struct virtio_net_hdr hp_tun_udp(size_t headers, size_t segment);

#endif
