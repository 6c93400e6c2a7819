/* A veth pair whose other end is read by an AF_PACKET ring (TPACKET_V2): for where /dev/net/tun cannot be opened.
 *
 *   host's namespace: eth0 ==== wire: backstage namespace, AF_PACKET, this process
 *
 * The other end lies in a namespace of its own, where no IP stack looks at the packets: it has no address, IPv6 is off,
 * and what the host sends is addressed to a station that is not there. That is so because eth0 has no ARP (IFF_NOARP):
 * the kernel then uses the device's own address for every next hop, so that neither ARP nor neighbour discovery exists
 * on this wire, and nobody has to answer them. What we send to the host has eth0's address, or it would be somebody
 * else's.
 *
 * Offloads are off at eth0, so that packets have their checksums and no packet is larger than the MTU. Our own packets
 * are not shown to us (PACKET_IGNORE_OUTGOING). The ring has frames of one size, which a packet of the MTU fits; one that
 * was cut is passed over. tp_status says whose a frame is, with the barriers that this takes. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live/device_private.h"
#include "live/netlink.h"
#include "live/refused.h"

#define WIRE "wire" /* the other end */

enum { FRAMES = 1024, HEADROOM = 128, PAGE = 4096 };

static const uint8_t host_mac[ETH_ALEN] = {0x02, 0, 0, 0, 0, 1}, wire_mac[ETH_ALEN] = {0x02, 0, 0, 0, 0, 2};

struct hp_ring {
    hp_netns *backstage;
    int fd;
    uint8_t *frames;
    size_t frame_size, size;
    unsigned next;
    uint64_t dropped;
    struct sockaddr_ll to;
};

/* In the host's namespace. */
static bool switch_offloads_off(hp_netns *ns, const char *name, GError **error)
{
    static const uint32_t offloads[] = {ETHTOOL_STXCSUM, ETHTOOL_SSG, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
    if (!hp_netns_enter(ns, error)) {
        return false;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0;
    for (unsigned i = 0; ok && i < G_N_ELEMENTS(offloads); i++) {
        struct ethtool_value off = {.cmd = offloads[i]};
        struct ifreq request = {.ifr_data = (void *)&off};
        g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
        /* Sums are what matters: the others go with them, or are named differently by this kernel. */
        ok = ioctl(fd, SIOCETHTOOL, &request) == 0 || offloads[i] != ETHTOOL_STXCSUM;
    }
    if (!ok) {
        hp_refused(error, "switching checksum offload off");
    }
    hp_netns_leave(ns);
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* A multiple of the page, or a part of it that fills it: so that no frame crosses a block. */
static size_t frame_size_for(uint32_t mtu)
{
    size_t size = TPACKET_ALIGNMENT;
    while (size < TPACKET2_HDRLEN + HEADROOM + mtu) {
        size *= 2;
    }
    return size;
}

/* In the backstage namespace. */
static bool open_socket(hp_ring *ring, int index, uint32_t mtu, GError **error)
{
    static const int version = TPACKET_V2, on = 1;
    ring->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ring->fd < 0) {
        return hp_refused(error, "no packet socket");
    }
    ring->frame_size = frame_size_for(mtu);
    size_t block = MAX(ring->frame_size, (size_t)PAGE);
    ring->size = ring->frame_size * FRAMES;
    struct tpacket_req request = {.tp_block_size = (unsigned)block,
                                  .tp_block_nr = (unsigned)(ring->size / block),
                                  .tp_frame_size = (unsigned)ring->frame_size,
                                  .tp_frame_nr = FRAMES};
    if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
        setsockopt(ring->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) != 0) {
        return hp_refused(error, "setting up a packet socket");
    }
    void *frames = mmap(NULL, ring->size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (frames == MAP_FAILED) {
        return hp_refused(error, "mapping a packet ring");
    }
    ring->frames = frames;
    /* Without a protocol nothing has come in yet; binding with one begins. */
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    if (bind(ring->fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        return hp_refused(error, "binding a packet socket");
    }
    ring->to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = ETH_ALEN};
    memcpy(ring->to.sll_addr, host_mac, ETH_ALEN);
    return true;
}

static bool open_backstage(hp_ring *ring, uint32_t mtu, GError **error)
{
    hp_netlink *nl = hp_netns_netlink(ring->backstage);
    int index = hp_netlink_index(nl, WIRE);
    hp_netlink_link quiet = {.no_addresses = true, .mtu = mtu};
    hp_netlink_link up = {.set_up = true, .up = true, .no_arp = true};
    if (!hp_netlink_set_link(nl, index, &quiet, error) || !hp_netlink_set_link(nl, index, &up, error) ||
        !hp_netns_enter(ring->backstage, error)) {
        return false;
    }
    bool ok = open_socket(ring, index, mtu, error);
    hp_netns_leave(ring->backstage);
    return ok;
}

hp_ring *hp_ring_open(hp_netns *ns, const char *name, uint32_t mtu, GError **error)
{
    g_autofree char *backstage = g_strconcat(hp_netns_name(ns), ", backstage", NULL);
    hp_ring *ring = g_new0(hp_ring, 1);
    ring->fd = -1;
    ring->backstage = hp_netns_new(backstage, error);
    hp_netlink_end here = {name, host_mac}, there = {WIRE, wire_mac};
    if (ring->backstage == NULL ||
        !hp_netlink_add_veth(hp_netns_netlink(ns), &here, &there, hp_netns_fd(ring->backstage), error) ||
        !hp_netlink_set_link(hp_netns_netlink(ns), hp_netlink_index(hp_netns_netlink(ns), name),
                             &(hp_netlink_link){.no_arp = true}, error) ||
        !switch_offloads_off(ns, name, error) || !open_backstage(ring, mtu, error)) {
        hp_ring_close(ring);
        return NULL;
    }
    return ring;
}

void hp_ring_close(hp_ring *ring)
{
    if (ring == NULL) {
        return;
    }
    if (ring->frames != NULL) {
        munmap(ring->frames, ring->size);
    }
    if (ring->fd >= 0) {
        close(ring->fd);
    }
    hp_netns_free(ring->backstage); /* the pair goes with it */
    g_free(ring);
}

int hp_ring_fd(const hp_ring *ring)
{
    return ring->fd;
}

static struct tpacket2_hdr *frame_at(const hp_ring *ring, unsigned i)
{
    return (struct tpacket2_hdr *)(void *)(ring->frames + i * ring->frame_size);
}

void hp_ring_release(hp_ring *ring)
{
    __atomic_store_n(&frame_at(ring, ring->next)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->next = (ring->next + 1) % FRAMES;
}

const uint8_t *hp_ring_next(hp_ring *ring, size_t *ret_length)
{
    for (;;) {
        const struct tpacket2_hdr *frame = frame_at(ring, ring->next);
        if ((__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) == 0) {
            return NULL;
        }
        if (frame->tp_snaplen == frame->tp_len) {
            *ret_length = frame->tp_len;
            return (const uint8_t *)frame + frame->tp_net;
        }
        hp_ring_release(ring);
    }
}

bool hp_ring_write(hp_ring *ring, const uint8_t *packet, size_t length)
{
    ring->to.sll_protocol = htons(packet[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
    return sendto(ring->fd, packet, length, 0, (const struct sockaddr *)&ring->to, sizeof ring->to) >= 0;
}

bool hp_ring_is_gone(hp_ring *ring)
{
    int number = 0;
    socklen_t length = sizeof number;
    return getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 && number == ENETDOWN &&
           hp_netlink_index(hp_netns_netlink(ring->backstage), WIRE) == 0;
}

uint64_t hp_ring_dropped(hp_ring *ring)
{
    struct tpacket_stats stats; /* since the last time it was asked */
    socklen_t length = sizeof stats;
    if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0) {
        ring->dropped += stats.tp_drops;
    }
    return ring->dropped;
}
