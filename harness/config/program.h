/* What runs a peer, a server or a NAT in the live world, where everything is a process on a kernel of its own; which
 * worlds can run a scenario; how near to each other two of them must come. */
#ifndef HP_CONFIG_PROGRAM_H
#define HP_CONFIG_PROGRAM_H

#include <stdbool.h>

#include "base/time.h"

/* What a peer is. Only the first is there in the virtual world too. */
typedef enum hp_peer_program {
    HP_PEER_LIBNICE, /* our own */
    HP_PEER_CHROMIUM,
    HP_PEER_AIORTC,
    HP_PEER_WEBRTCBIN,
    HP_PEER_PION,
    HP_PEER_EXEC, /* the user's, by the protocol of programs/EXEC.md */
    HP_PEER_N_PROGRAMS
} hp_peer_program;

typedef enum hp_server_program {
    HP_SERVER_BUILTIN,
    HP_SERVER_COTURN,
    HP_SERVER_EXEC,
    HP_SERVER_N_PROGRAMS
} hp_server_program;

/* Variables of a program's environment. */
typedef struct hp_environment {
    char **names, **values;
    unsigned n;
} hp_environment;

typedef struct hp_peer_program_config {
    hp_peer_program program;
    char **exec; /* NULL-terminated, of HP_PEER_EXEC; started in the scenario's folder */
    char *page; /* of HP_PEER_CHROMIUM: a file, from the scenario's folder; NULL: Hairpin's own page */
    hp_environment environment; /* beside what Hairpin itself says there */
} hp_peer_program_config;

typedef struct hp_server_program_config {
    hp_server_program program;
    char **exec; /* NULL-terminated, of HP_SERVER_EXEC */
    char *root; /* of kind web: the folder it serves, from the scenario's folder */
    hp_environment environment;
} hp_server_program_config;

/* Who translates: our NAT with its knobs, or a kernel's netfilter with one of its three ways to choose ports. */
typedef enum hp_kernel_nat {
    HP_KERNEL_NAT_NONE,
    HP_KERNEL_NAT_MASQUERADE,
    HP_KERNEL_NAT_RANDOM,
    HP_KERNEL_NAT_FULLY_RANDOM,
} hp_kernel_nat;

/* As a set. */
enum { HP_WORLD_VIRTUAL = 1 << 0, HP_WORLD_LIVE = 1 << 1 };
#define HP_WORLDS_BOTH (HP_WORLD_VIRTUAL | HP_WORLD_LIVE)

/* How far the two worlds may be apart in `hairpin agree`; 0: as far as the command itself says. */
typedef struct hp_agree_config {
    hp_time connect, latency;
    char *why; /* the reason for other bounds than the usual ones; NULL: none */
    char *not_at_all; /* the reason why the two are not compared; NULL: they are */
} hp_agree_config;

/* "libnice", "masquerade-random", ... as scenarios name them. */
const char *hp_peer_program_name(hp_peer_program program);
const char *hp_server_program_name(hp_server_program program);
const char *hp_kernel_nat_name(hp_kernel_nat kernel);

#endif
