/* Calls of the kernel that the seam interposes (seam/symbols.h), made past it: what is opened here is meant to be the
 * kernel's, also while code of a library under test is running on top. Private to live/. */
#ifndef HP_LIVE_KERNEL_CALLS_H
#define HP_LIVE_KERNEL_CALLS_H

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

#endif
