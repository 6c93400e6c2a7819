/* Interfaces: libnice asks which local addresses there are through two functions that it exports itself and calls
 * through its PLT. While an environment is entered the answer is the addresses of the host's up interfaces, in the
 * order they were added; loopback addresses follow at the end, and only when asked for. Interface indices count from 1,
 * as the kernel's do. */
#include "seam/env.h"
#include "seam/symbols.h"

enum { MAX_ADDRESSES = 64 };

static GList *prepend_addresses(GList *list, const hp_addr *addrs, size_t n, bool loopback)
{
    for (size_t i = 0; i < n; i++) {
        if (hp_addr_is_loopback(&addrs[i]) == loopback) {
            char text[HP_ADDR_TEXT];
            list = g_list_prepend(list, g_strdup(hp_addr_format_ip(&addrs[i], text)));
        }
    }
    return list;
}

GList *nice_interfaces_get_local_ips(gboolean include_loopback)
{
    const hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(nice_interfaces_get_local_ips)(include_loopback);
    }
    hp_addr addrs[MAX_ADDRESSES];
    size_t n = MIN(hp_host_addresses(env->host, addrs, MAX_ADDRESSES), MAX_ADDRESSES);
    GList *list = prepend_addresses(NULL, addrs, n, false);
    if (include_loopback) {
        list = prepend_addresses(list, addrs, n, true);
    }
    return g_list_reverse(list);
}

guint nice_interfaces_get_if_index_by_addr(NiceAddress *addr)
{
    const hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(nice_interfaces_get_if_index_by_addr)(addr);
    }
    struct sockaddr_storage storage = {0};
    hp_addr wanted;
    nice_address_copy_to_sockaddr(addr, (struct sockaddr *)&storage);
    if (!hp_addr_from_sockaddr((const struct sockaddr *)&storage, sizeof storage, &wanted)) {
        return 0;
    }
    wanted.port = 0;
    int interface = hp_host_interface_of(env->host, &wanted);
    return interface < 0 ? 0 : (guint)interface + 1;
}
