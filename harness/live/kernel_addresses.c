/* What getifaddrs() says, as interfaces and addresses of a kernel host.
 *
 * All of 127.0.0.0/8 is loopback's, though only 127.0.0.1 is listed. Limits: what changes later is not noticed. */
#include "live/kernel_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "live/kernel_calls.h"
#include "live/refused.h"

static bool list(struct ifaddrs **ret, GError **error)
{
    return getifaddrs(ret) == 0 || hp_refused(error, "this machine's addresses");
}

bool hp_kernel_addr_of_listed(const struct ifaddrs *a, hp_addr *ret)
{
    if (a->ifa_addr == NULL) {
        return false;
    }
    size_t length = a->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    return hp_addr_from_sockaddr(a->ifa_addr, length, ret);
}

static bool read_address(const struct ifaddrs *a, hp_addr *ret)
{
    return (a->ifa_flags & IFF_UP) != 0 && hp_kernel_addr_of_listed(a, ret);
}

static GArray *addresses_of(const struct ifaddrs *all, bool loopback)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(hp_addr));
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        hp_addr addr;
        if (read_address(a, &addr) && hp_addr_is_loopback(&addr) == loopback && !hp_addr_is_link_local(&addr)) {
            g_array_append_val(found, addr);
        }
    }
    return found;
}

GArray *hp_kernel_addresses(GError **error)
{
    struct ifaddrs *all;
    if (!list(&all, error)) {
        return NULL;
    }
    GArray *found = addresses_of(all, false);
    if (found->len == 0) {
        g_array_unref(found);
        found = addresses_of(all, true);
    }
    freeifaddrs(all);
    return found;
}

/* ---- describing a host ---- */

static const char *device_of(const struct ifaddrs *all, const hp_addr *addr)
{
    for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
        hp_addr here;
        if (read_address(a, &here) &&
            (hp_addr_same_ip(&here, addr) ||
             (addr->family == HP_AF_IPV4 && hp_addr_is_loopback(addr) && hp_addr_is_loopback(&here)))) {
            return a->ifa_name;
        }
    }
    return NULL;
}

static uint32_t mtu_of(const char *device)
{
    struct ifreq request = {.ifr_mtu = 0};
    g_strlcpy(request.ifr_name, device, sizeof request.ifr_name);
    int fd = hp_kernel_open(AF_INET, SOCK_DGRAM, 0);
    bool known = fd >= 0 && ioctl(fd, SIOCGIFMTU, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return known && request.ifr_mtu > 0 ? (uint32_t)request.ifr_mtu : 0;
}

static unsigned interface_of(hp_host *host, const char *device)
{
    for (unsigned i = 0; i < hp_host_n_interfaces(host); i++) {
        if (strcmp(hp_host_interface_name(host, i), device) == 0) {
            return i;
        }
    }
    return hp_host_add_interface(host, device, mtu_of(device));
}

bool hp_kernel_host_describe(hp_host *host, const hp_addr *addresses, size_t n, GError **error)
{
    struct ifaddrs *all;
    if (!list(&all, error)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        const char *device = device_of(all, &addresses[i]);
        if (device == NULL) {
            char text[HP_ADDR_TEXT];
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s is no address of this machine",
                        hp_addr_format_ip(&addresses[i], text));
            ok = false;
        } else {
            hp_host_add_address(host, interface_of(host, device), &addresses[i]);
        }
    }
    freeifaddrs(all);
    return ok;
}
