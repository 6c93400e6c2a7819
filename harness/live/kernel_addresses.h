/* The addresses that the kernel has here: for servers that are told where to listen by a person. */
#ifndef HP_LIVE_KERNEL_ADDRESSES_H
#define HP_LIVE_KERNEL_ADDRESSES_H

#include "world/host.h"

/* Of interfaces that are up, without link-local ones; those of loopback only where there is nothing else. An array of
 * hp_addr, perhaps empty. NULL and HP_ERROR_ENVIRONMENT when the kernel does not say. */
GArray *hp_kernel_addresses(GError **error);
/* Gives the host (a kernel host without interfaces) these addresses, with an interface and its MTU for each of the
 * kernel's that has some of them. False and HP_ERROR_ENVIRONMENT naming the first that this machine does not have. */
bool hp_kernel_host_describe(hp_host *host, const hp_addr *addresses, size_t n, GError **error);

/* The IP address in an entry of getifaddrs(); false when it has none. */
struct ifaddrs;
bool hp_kernel_addr_of_listed(const struct ifaddrs *entry, hp_addr *ret);

#endif
