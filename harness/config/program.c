/* Names of what runs peers, servers and NATs, as scenarios write them. */
#include "config/program.h"

#include <assert.h>
#include <stddef.h>

const char *hp_peer_program_name(hp_peer_program program)
{
    static const char *const names[] = {"libnice", "chromium", "aiortc", "webrtcbin", "pion", "exec"};
    static_assert(sizeof names / sizeof *names == HP_PEER_N_PROGRAMS, "one name a program");
    return names[program];
}

const char *hp_server_program_name(hp_server_program program)
{
    static const char *const names[] = {"builtin", "coturn", "exec"};
    static_assert(sizeof names / sizeof *names == HP_SERVER_N_PROGRAMS, "one name a program");
    return names[program];
}

const char *hp_kernel_nat_name(hp_kernel_nat kernel)
{
    switch (kernel) {
    case HP_KERNEL_NAT_NONE:
        return "none";
    case HP_KERNEL_NAT_MASQUERADE:
        return "masquerade";
    case HP_KERNEL_NAT_RANDOM:
        return "masquerade-random";
    case HP_KERNEL_NAT_FULLY_RANDOM:
        return "masquerade-fully-random";
    }
    return NULL;
}
