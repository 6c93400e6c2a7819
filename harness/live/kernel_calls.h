/* Calls of the kernel that the seam interposes (seam/symbols.h), made past it: what is opened here is meant to be the
 * kernel's, also while code of a library under test is running on top. Private to live/. */
#ifndef HP_LIVE_KERNEL_CALLS_H
#define HP_LIVE_KERNEL_CALLS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int hp_kernel_open(int domain, int type, int protocol)
{
    return (int)syscall(SYS_socket, domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static inline bool hp_kernel_set_option(int fd, int level, int name, const void *value, socklen_t length)
{
    return syscall(SYS_setsockopt, fd, level, name, value, length) == 0;
}

static inline bool hp_kernel_set_int(int fd, int level, int name, int value)
{
    return hp_kernel_set_option(fd, level, name, &value, sizeof value);
}

/* An option of IP that each family has under its own name. */
static inline bool hp_kernel_set_ip(int fd, bool v6, int ipv4_name, int ipv6_name, int value)
{
    return hp_kernel_set_int(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? ipv6_name : ipv4_name, value);
}

/* SO_RCVBUF or SO_SNDBUF: beyond the system's limit where that is allowed (`force`), else up to it. */
static inline void hp_kernel_set_room(int fd, int force, int name, int bytes)
{
    if (!hp_kernel_set_int(fd, SOL_SOCKET, force, bytes)) {
        hp_kernel_set_int(fd, SOL_SOCKET, name, bytes);
    }
}

#endif
