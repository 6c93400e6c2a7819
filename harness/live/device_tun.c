/* A TUN device: whole IP packets, one a system call, checksums done by the kernel before we see them.
 *
 * It is opened inside the namespace, which ties it to that. One queue, no packet information. The virtio header is for
 * the trains that we write (device_train.c): what we read has an empty one, as nothing is offered to the kernel.
 *
 * Closing an ordinary TUN device makes the kernel take it apart at once and wait for a grace period, 20 ms each. One that
 * is persistent stays in its namespace, and goes with that, together with all others. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "live/device_tun.h"
#include "live/refused.h"

#define NODE "/dev/net/tun"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* from Linux 6.2 on */
#endif
G_STATIC_ASSERT(sizeof(struct virtio_net_hdr) == HP_TUN_HEADER);

static int open_here(const char *name, GError **error)
{
    int fd = open(NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        hp_refused(error, NODE);
        return -1;
    }
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "making the TUN device %s: %s", name, g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

int hp_tun_open(hp_netns *ns, const char *name, GError **error)
{
    if (!hp_netns_enter(ns, error)) {
        return -1;
    }
    int fd = open_here(name, error);
    hp_netns_leave(ns);
    return fd;
}

void hp_tun_close(int fd)
{
    ioctl(fd, TUNSETPERSIST, 1UL);
    close(fd);
}

struct virtio_net_hdr hp_tun_udp(size_t headers, size_t segment)
{
    enum { UDP_HEADER = 8, CHECKSUM_IN_UDP = 6 };
    struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                    .csum_start = (uint16_t)(headers - UDP_HEADER),
                                    .csum_offset = CHECKSUM_IN_UDP};
    if (segment > 0) {
        header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
        header.gso_size = (uint16_t)segment;
        header.hdr_len = (uint16_t)headers;
    }
    return header;
}
