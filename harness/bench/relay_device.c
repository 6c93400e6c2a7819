/* A plain TUN is a poor card: the server's kernel computes every checksum and takes every train of datagrams apart, and
 * what comes in is never put together. The cards of servers do the first two themselves, and of what they receive back
 * to back Linux makes trains (GRO within a driver's batch; a virtual machine's card brings them from its host). So this
 * one has, for whichever server is measured:
 *
 *   checksum offload      both ways (TUN_F_CSUM; incoming packets are marked as good)
 *   segmentation offload  of UDP (TUN_F_USO4, TUN_F_USO6, from Linux 6.2 on)
 *   trains                incoming datagrams of a flow that came back to back, as one packet with segments
 *
 * A socket that asks for trains (UDP_GRO) gets them whole, to others the kernel hands out datagrams.
 *
 * Limits: the kernel's own GRO cannot make the trains here. A TUN's batch is one packet (IFF_NAPI), and holding packets
 * back for the next (gro_flush_timeout) starts anew with each, so that single packets under load wait for milliseconds.
 * Whoever writes the packets makes the trains, out of frames alone. */
#include "bench/relay_device.h"

#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "live/device_tun.h"
#include "live/netlink.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void offer(hp_relay_device *device)
{
    device->trains = ioctl(device->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
    bool sums = device->trains || ioctl(device->fd, TUNSETOFFLOAD, TUN_F_CSUM) == 0;
    g_snprintf(device->about, sizeof device->about, "a TUN %s checksum offload, %s UDP segmentation and trains",
               sums ? "with" : "without", device->trains ? "with" : "without");
}

bool hp_relay_device_open(hp_netns *netns, const hp_addr *addr, uint8_t bits, hp_relay_device *ret, GError **error)
{
    hp_relay_device device = {.fd = hp_tun_open(netns, "eth0", error)};
    if (device.fd < 0) {
        return false;
    }
    offer(&device);
    hp_netlink *nl = hp_netns_netlink(netns);
    int index = hp_netlink_index(nl, "eth0");
    const hp_netlink_link up = {.no_addresses = true, .set_up = true, .up = true, .queue_length = 10000};
    if (!hp_netlink_add_address(nl, index, addr, bits, error) || !hp_netlink_set_link(nl, index, &up, error)) {
        close(device.fd);
        return false;
    }
    *ret = device;
    return true;
}
