/* Hairpin's own servers as a program: the actors of the virtual world (actors/server.h, actors/dns_service.h) on the
 * kernel's sockets of the program's host.
 *
 * What the director does to a server in the virtual world happens here when the step comes: stop and start, new DNS
 * records, new addresses. A server whose host was given other addresses is started anew there, as its sockets stand at
 * the old ones; a DNS server that knew the old ones learns the new ones (from the same step, which concerns it too).
 *
 * A server that cannot be started again (somebody else has its port) is a failed program; in the virtual world nobody
 * can have it. */
#include "programs/builtin_server.h"

#include "actors/dns_service.h"
#include "actors/server.h"
#include "programs/renumbered.h"

typedef struct builtin_server {
    hp_program *program;
    const hp_plan_server *plan;
    hp_server *server; /* one of the two */
    hp_dns_service *dns;
} builtin_server;

static bool is_running(const builtin_server *self)
{
    return self->dns != NULL ? hp_dns_service_is_running(self->dns) : hp_server_is_running(self->server);
}

static void stop_server(builtin_server *self)
{
    if (self->dns != NULL) {
        hp_dns_service_stop(self->dns);
    } else {
        hp_server_stop(self->server);
    }
}

static void start_server(builtin_server *self)
{
    g_autoptr(GError) error = NULL;
    bool started = self->dns != NULL ? hp_dns_service_start(self->dns, &error) : hp_server_start(self->server, &error);
    if (!started) {
        hp_program_failed(self->program, "%s", error->message);
    }
}

static void free_server(void *user)
{
    builtin_server *self = user;
    if (self != NULL) {
        hp_dns_service_free(self->dns);
        hp_server_free(self->server);
        g_free(self);
    }
}

static void *start(hp_program *program, GError **error)
{
    const hp_plan_server *plan = &program->plan->servers[program->index];
    builtin_server *self = g_new0(builtin_server, 1);
    *self = (builtin_server){.program = program, .plan = plan};
    if (plan->source->config.kind == HP_SERVER_DNS) {
        self->dns = hp_dns_service_new(program->host, program->name, &plan->dns, error);
    } else {
        hp_server_config config = plan->config;
        config.epoch_s = (uint64_t)(g_get_real_time() / G_USEC_PER_SEC); /* programs that are not ours may look */
        self->server = hp_server_new(program->host, program->name, &config, error);
    }
    if (self->dns == NULL && self->server == NULL) {
        free_server(self);
        return NULL;
    }
    if (plan->source->stopped) {
        stop_server(self);
    }
    hp_program_ready(program);
    return self;
}

/* A server of that name has other addresses now; this one, or one that a DNS server knows. */
static void renumbered(builtin_server *self, const hp_step *step, unsigned index)
{
    int server = hp_plan_find_server(self->program->plan, step->nat.nat);
    if (server < 0) {
        return;
    }
    if ((unsigned)server == self->program->index && is_running(self)) {
        stop_server(self);
        start_server(self);
    }
    const char *name = self->program->plan->servers[server].dns_name;
    if (self->dns != NULL && hp_plan_knows_by_itself(self->plan, name)) {
        unsigned n;
        const hp_addr *addresses = hp_renumbered_server(self->program->plan, (unsigned)server, index, &n);
        const hp_dns_host record = {.name = (char *)name, .addresses = (hp_addr *)addresses, .n_addresses = n};
        hp_dns_service_set_host(self->dns, &record, NULL);
    }
}

static void carry_out(void *user, const hp_step *step, unsigned index)
{
    builtin_server *self = user;
    if (step->kind == HP_STEP_STOP_SERVER) {
        stop_server(self);
    } else if (step->kind == HP_STEP_START_SERVER) {
        start_server(self);
    } else if (step->kind == HP_STEP_RENUMBER) {
        renumbered(self, step, index);
    } else if (step->kind == HP_STEP_SET_DNS && self->dns != NULL) {
        for (unsigned i = 0; i < step->dns.n_hosts; i++) {
            hp_dns_service_set_host(self->dns, &step->dns.hosts[i], NULL);
        }
    }
}

static void finish(void *user)
{
    builtin_server *self = user;
    if (self->server != NULL) {
        hp_server_finish(self->server);
    }
    hp_program_finished(self->program);
}

const hp_program_ops hp_builtin_server_program = {
    .name = "builtin",
    .needs_host = true,
    .start = start,
    .step = carry_out,
    .finish = finish,
    .free = free_server,
};
