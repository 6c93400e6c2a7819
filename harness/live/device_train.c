/* Trains: datagrams of a flow that leave the world together are handed to the kernel as one packet with segments, as a
 * network card does that has put them together (GRO). Most of what a datagram costs the fabric is the kernel's way from
 * the device to the socket, and a train goes it once: the kernel takes it apart in front of the socket, or leaves it whole
 * for one that wants trains (UDP_GRO).
 *
 * A train is made of packets that the kernel can make again from one header: UDP with a right checksum, no fragments,
 * same addresses, ports, TTL and TOS, identifications in a row, same length; a shorter one is the last. Few packets are
 * no train, since a kernel that refuses one (a port that nobody listens on) answers it once. Nothing waits for more to
 * come: what is held back here leaves in the same turn of the loop.
 *
 * Limits: whoever captures inside the namespace sees trains, as on machines with such cards. The world's own taps see
 * single packets. Linux knows these trains from 6.2 on; the first one that an older kernel refuses is the last. */
#include <sys/uio.h>

#include "live/device_private.h"

enum { SHORTEST = 4, MAX_BYTES = 60000, HEADERS = 48 };

static bool can_be_car(const hp_packet *p)
{
    return p->proto == HP_PROTO_UDP && p->frag_total == 0 && !p->corrupt && !p->no_checksum && p->length > 0;
}

/* The kernel counts on from the first one's identification; unfragmented with DF it means nothing (RFC 6864). */
static bool id_follows(const hp_packet *last, const hp_packet *p)
{
    return p->src.family == HP_AF_IPV6 || (p->dont_fragment == last->dont_fragment &&
                                           (p->dont_fragment || (uint16_t)p->ip_id == (uint16_t)(last->ip_id + 1)));
}

static bool follows(const hp_train *train, const hp_packet *p)
{
    const hp_packet *first = train->cars[0], *last = train->cars[train->n - 1];
    return train->n < HP_TRAIN_MAX && train->bytes + p->length <= MAX_BYTES && last->length == first->length &&
           p->length <= first->length && p->ttl == first->ttl && p->tos == first->tos &&
           hp_addr_equal(&p->src, &first->src) && hp_addr_equal(&p->dst, &first->dst) && id_follows(last, p);
}

bool hp_train_add(hp_train *train, hp_packet *p)
{
    if (!can_be_car(p) || (train->n > 0 && !follows(train, p))) {
        return false;
    }
    train->cars[train->n++] = p;
    train->bytes += p->length;
    return true;
}

bool hp_train_is_long_enough(const hp_train *train)
{
    return train->n >= SHORTEST;
}

bool hp_train_write(const hp_train *train, int fd)
{
    uint8_t headers[HEADERS];
    const hp_packet *first = train->cars[0];
    size_t length = hp_packet_write_udp_header(first, train->bytes, headers, sizeof headers);
    struct virtio_net_hdr offload = hp_tun_udp(length, first->length);
    struct iovec parts[2 + HP_TRAIN_MAX] = {{&offload, sizeof offload}, {headers, length}};
    for (unsigned i = 0; i < train->n; i++) {
        parts[2 + i] = (struct iovec){train->cars[i]->payload, train->cars[i]->length};
    }
    return writev(fd, parts, (int)(2 + train->n)) == (ssize_t)(sizeof offload + length + train->bytes);
}
