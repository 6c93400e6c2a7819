/* Private to programs/: a server that is a child process: started, stopped and started again by steps, ready when its
 * ports are bound. What `exec:` servers and coturn have alike. */
#ifndef HP_PROGRAMS_SERVER_CHILD_H
#define HP_PROGRAMS_SERVER_CHILD_H

#include "programs/program.h"

typedef struct hp_server_child hp_server_child;

enum { HP_SERVER_CHILD_PORTS = 4 };

typedef struct hp_server_child_config {
    const char *folder; /* it is started in; NULL: where we are */
    const char *const *argv, *const *environment; /* all copied */
    /* All of them are bound when it is ready; 0 ends a list. */
    uint16_t udp_ports[HP_SERVER_CHILD_PORTS], tcp_ports[HP_SERVER_CHILD_PORTS];
    bool either; /* one of them is enough */
    bool lines; /* its stdout is EXEC.md's lines: `ready` will do as well */
} hp_server_child_config;

/* One more port that is bound when it is ready. */
void hp_server_child_add_udp(hp_server_child_config *config, uint16_t port);
void hp_server_child_add_tcp(hp_server_child_config *config, uint16_t port);
/* Those of all transports of a STUN or TURN server. */
void hp_server_child_add_transports(hp_server_child_config *config, const hp_server_config *server);

/* Starts it, unless the scenario says that the server is stopped at first. hp_program_ready() is called when it is
 * ready, the first time. NULL and an error when it cannot be started. */
hp_server_child *hp_server_child_new(hp_program *program, const hp_server_child_config *config, GError **error);
void hp_server_child_free(hp_server_child *server);
/* stop-server, start-server; other steps do nothing. */
void hp_server_child_step(hp_server_child *server, const hp_step *step);
/* Ends it and starts it again, when it runs: what it read when it was started has changed. */
void hp_server_child_restart(hp_server_child *server);
/* Ends it, then hp_program_finished(). */
void hp_server_child_finish(hp_server_child *server);

#endif
