/* The guard: nothing of a simulation reaches the kernel's network.
 *
 * socket() is let through but counted when it is called while an environment is entered; tests hold that count to 0.
 * getaddrinfo() may read addresses (libnice does, for every textual one) but never ask a name service.
 * eventfd(): every GMainContext owns one to be woken from other threads, and libnice makes a context for each
 * component. No other thread ever touches a simulated agent and its context's poll never looks at descriptors, so it
 * gets a number that is no descriptor: a world with thousands of agents opens none. GLib ignores the failing write and
 * close on it. */
#include "seam/env.h"
#include "seam/symbols.h"

#include <stdatomic.h>

static atomic_uint n_kernel_sockets;

unsigned hp_seam_kernel_sockets(void)
{
    return atomic_load(&n_kernel_sockets);
}

int socket(int domain, int type, int protocol)
{
    if (hp_seam_current()) {
        atomic_fetch_add(&n_kernel_sockets, 1);
    }
    return HP_NEXT(socket)(domain, type, protocol);
}

int eventfd(unsigned int count, int flags)
{
    return hp_seam_current() ? HP_SEAM_FD_EVENT : HP_NEXT(eventfd)(count, flags);
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict ret)
{
    if (!hp_seam_current()) {
        return HP_NEXT(getaddrinfo)(name, service, hints, ret);
    }
    struct addrinfo numeric = {0};
    if (hints) {
        numeric = *hints;
    }
    numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    numeric.ai_flags &= ~AI_ADDRCONFIG;
    return HP_NEXT(getaddrinfo)(name, service, &numeric, ret);
}
