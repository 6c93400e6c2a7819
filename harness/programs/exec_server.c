/* A foreign program as a server. It need not know our protocol: it is ready when the ports that the scenario gives it
 * are bound, or when it says so. What else it says on stdout goes to its log. */
#include "programs/certificate.h"
#include "programs/exec_environment.h"
#include "programs/exec_private.h"
#include "programs/server_child.h"

typedef struct exec_server {
    hp_program *program;
    hp_server_child *child;
} exec_server;

/* A STUN or TURN server is there with all of its transports; what another server is at its port, nobody knows. */
static void add_ports(const hp_plan_server *server, hp_server_child_config *config)
{
    const hp_server_config *c = &server->config;
    switch (c->kind) {
    case HP_SERVER_STUN:
    case HP_SERVER_TURN:
        hp_server_child_add_transports(config, c);
        return;
    case HP_SERVER_DNS:
        hp_server_child_add_udp(config, server->dns.port != 0 ? server->dns.port : 53);
        return;
    case HP_SERVER_WEB:
    case HP_SERVER_OTHER:
        config->either = true;
        hp_server_child_add_udp(config, c->port);
        hp_server_child_add_tcp(config, c->port);
        return;
    }
}

void *hp_exec_server_start(hp_program *program, const char *folder, GError **error)
{
    const hp_plan_server *server = &program->plan->servers[program->index];
    const bool secure = (server->config.transports & (HP_SERVER_TLS | HP_SERVER_DTLS)) != 0;
    g_autofree char *certificate = NULL, *key = NULL;
    if (secure && !hp_certificate_write(server, program->folder, &certificate, &key, error))
        return NULL;
    g_auto(GStrv) environment =
        hp_exec_server_environment(program->plan, program->index, program->folder, certificate, key);
    hp_server_child_config config = {.folder = folder,
                                     .argv = (const char *const *)server->source->program.exec,
                                     .environment = (const char *const *)environment,
                                     .lines = true};
    add_ports(server, &config);
    exec_server *x = g_new0(exec_server, 1);
    x->program = program;
    x->child = hp_server_child_new(program, &config, error);
    if (!x->child) {
        g_free(x);
        return NULL;
    }
    return x;
}

void hp_exec_server_step(void *self, const hp_step *step)
{
    const exec_server *x = self;
    hp_server_child_step(x->child, step);
}

void hp_exec_server_finish(void *self)
{
    const exec_server *x = self;
    hp_server_child_finish(x->child);
}

void hp_exec_server_free(void *self)
{
    exec_server *x = self;
    hp_server_child_free(x->child);
    g_free(x);
}
