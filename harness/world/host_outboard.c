/* A host whose sockets are elsewhere: in the live world the kernel's, behind a device of a network namespace.
 *
 * The host stays a node of the world with its addresses, interfaces and taps, so that whatever acts on hosts (steps that
 * take an interface down, injection, captures) acts on this one as well; only what comes past the tap goes out to
 * to_kernel(), and what the kernel sends comes in by hp_host_from_outboard().
 *
 * Invariants: a packet is recorded at the tap exactly when it passes between world and kernel, or is dropped right there
 * with a reason. A packet that the kernel sends keeps its bytes: identification, fragments and ttl are the kernel's.
 *
 * A corrupt packet is dropped where the simulated host drops it, so that the trace tells it: the kernel would swallow it
 * without a word. A corrupt fragment goes on, as its datagram is not whole; the kernel sees that the sum is wrong.
 *
 * Limits: what the kernel does with a packet is not in the trace, other than by what it sends (an ICMP error, a reset);
 * a datagram for a port without a socket leaves no drop. */
#include "world/host_private.h"

void hp_host_set_outboard(hp_host *host, unsigned interface, hp_host_to_kernel_func to_kernel, void *user)
{
    g_return_if_fail(interface < host->interfaces->len);
    hp_host_interface *at = hp_host_interface_at(host, interface);
    at->to_kernel = to_kernel;
    at->to_kernel_user = user;
}

void hp_host_input_outboard(hp_host *host, unsigned interface, hp_packet *p)
{
    if (p->corrupt && !hp_packet_is_fragment(p)) {
        hp_node_drop(&host->node, p, HP_DROP_CORRUPT, NULL);
        return;
    }
    const hp_host_interface *at = hp_host_interface_at(host, interface);
    at->to_kernel(at->to_kernel_user, interface, p);
}

void hp_host_from_outboard(hp_host *host, unsigned interface, hp_packet *p)
{
    if (p->uid == 0) {
        p->uid = hp_world_new_uid(host->node.world);
    }
    if (!hp_host_may_leave(host, interface, p)) {
        return;
    }
    hp_host_record(host, interface, HP_DIR_OUT, p);
    hp_node_emit(&host->node, interface, p);
}
