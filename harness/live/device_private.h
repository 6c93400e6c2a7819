/* The two kinds of device, as device.c uses them: something to read IP packets from and to write them to. */
#ifndef HP_LIVE_DEVICE_PRIVATE_H
#define HP_LIVE_DEVICE_PRIVATE_H

#include "live/device.h"
#include "live/device_tun.h"

enum { HP_DEVICE_QUEUE = 8192 }; /* packets that wait in the kernel for the fabric */

/* device_train.c: packets for a TUN device that are handed over as one. */
enum { HP_TRAIN_MAX = 64 };
typedef struct hp_train {
    hp_packet *cars[HP_TRAIN_MAX];
    unsigned n;
    size_t bytes; /* of payload */
} hp_train;
/* False: p does not go with those that are there, or can be in no train. */
bool hp_train_add(hp_train *train, hp_packet *p);
bool hp_train_is_long_enough(const hp_train *train);
/* One system call. False: none of them was taken; errno is EINVAL where the kernel knows no such trains. */
bool hp_train_write(const hp_train *train, int fd);

/* device_ring.c: a veth pair and a ring at its other end. */
typedef struct hp_ring hp_ring;
hp_ring *hp_ring_open(hp_netns *ns, const char *name, uint32_t mtu, GError **error);
void hp_ring_close(hp_ring *ring);
int hp_ring_fd(const hp_ring *ring);
/* The next packet that the kernel sent, or NULL; it is valid until hp_ring_release(), which is due for each. */
const uint8_t *hp_ring_next(hp_ring *ring, size_t *ret_length);
void hp_ring_release(hp_ring *ring);
bool hp_ring_write(hp_ring *ring, const uint8_t *packet, size_t length);
/* Reads the socket's error, without which epoll tells of it again and again: whether the pair is no more. */
bool hp_ring_is_gone(hp_ring *ring);
/* Packets for which there was no room. */
uint64_t hp_ring_dropped(hp_ring *ring);

#endif
