/* What `hairpin serve` is told, as a server's configuration. */
#ifndef HP_CLI_SERVE_OPTIONS_H
#define HP_CLI_SERVE_OPTIONS_H

#include "cli/cli.h"
#include "config/dns.h"
#include "config/server.h"

/* What a server is reached over, by the names that users know. */
typedef struct hp_serve_transport {
    const char *name; /* "udp" */
    uint8_t bit; /* HP_SERVER_* */
    bool secure; /* at the TLS port */
} hp_serve_transport;
enum { HP_SERVE_N_TRANSPORTS = 4 };
extern const hp_serve_transport hp_serve_transports[HP_SERVE_N_TRANSPORTS];

typedef struct hp_serve_options {
    hp_server_config server; /* its strings and arrays are the options' own, or the scenario's */
    bool is_dns;
    hp_dns_config dns; /* then */
    char *name;
    GArray *addresses; /* of hp_addr: where it listens */
    hp_time gathering; /* hp_kernel_host_set_gathering() */
    GPtrArray *keep; /* what the configuration points to */
    hp_cases cases; /* with --config */
} hp_serve_options;

/* HP_EXIT_GOOD, or the exit code; then the message is printed. */
int hp_serve_options_read(hp_serve_options *ret, int argc, char **argv);
void hp_serve_options_clear(hp_serve_options *o);

#endif
