/* Theory of operation.
 *
 *   STOPPED    no child; a step may start it
 *   STARTING   the child runs; every LOOK_MS the kernel's tables are read, until its ports are bound (or it says
 *              `ready`); it becomes RUNNING
 *   RUNNING    the server runs; when the child ends now, the server has failed
 *   STOPPING   SIGTERM was sent, SIGKILL follows a second later; when it has ended it is STOPPED, or starts again when
 *              that was asked for meanwhile
 *
 * The trace is told server-started when it is ready, not when it was asked for, and server-stopped when the process is
 * gone: what happens between is the foreign program's time. The first start is told too, unless run time has not begun:
 * then there is nothing to tell, as in the virtual world.
 *
 * Looking at the tables costs a read of four small files; nothing is looked at once the server runs. */
#include "programs/server_child.h"

#include <string.h>

#include "live/loop.h"
#include "plan/transports.h"
#include "programs/bound_port.h"
#include "programs/child.h"
#include "programs/exec_lines.h"

enum { LOOK_MS = 10 };

typedef enum state { STOPPED, STARTING, RUNNING, STOPPING } state;

struct hp_server_child {
    hp_program *program;
    hp_server_child_config config; /* argv, environment and folder are its own */
    state state;
    hp_child *child;
    hp_exec_lines *lines; /* NULL: stdout is the log */
    guint looker; /* GLib's timer */
    bool starts_again, finishing, failed, told_stopped;
};

static void start(hp_server_child *s);

/* ---- configuration ---- */

static void clear_config(hp_server_child_config *config)
{
    g_free((char *)config->folder);
    g_strfreev((char **)config->argv);
    g_strfreev((char **)config->environment);
}

static void copy_config(hp_server_child_config *to, const hp_server_child_config *from)
{
    *to = *from;
    to->folder = g_strdup(from->folder);
    to->argv = (const char *const *)g_strdupv((char **)from->argv);
    to->environment = (const char *const *)g_strdupv((char **)from->environment);
}

static void add_port(uint16_t ports[HP_SERVER_CHILD_PORTS], uint16_t port)
{
    unsigned n = 0;
    while (n < HP_SERVER_CHILD_PORTS && ports[n] != 0)
        n++;
    g_assert(n < HP_SERVER_CHILD_PORTS);
    ports[n] = port;
}

void hp_server_child_add_udp(hp_server_child_config *config, uint16_t port)
{
    add_port(config->udp_ports, port);
}

void hp_server_child_add_tcp(hp_server_child_config *config, uint16_t port)
{
    add_port(config->tcp_ports, port);
}

void hp_server_child_add_transports(hp_server_child_config *config, const hp_server_config *server)
{
    const uint8_t transports = hp_transports_of_server(server);
    if (transports & HP_SERVER_UDP)
        hp_server_child_add_udp(config, server->port);
    if (transports & HP_SERVER_DTLS)
        hp_server_child_add_udp(config, server->tls_port);
    if (transports & HP_SERVER_TCP)
        hp_server_child_add_tcp(config, server->port);
    if (transports & HP_SERVER_TLS)
        hp_server_child_add_tcp(config, server->tls_port);
}

/* ---- ready ---- */

static bool is_bound(const hp_server_child_config *config)
{
    unsigned n = 0, bound = 0;
    for (unsigned i = 0; i < HP_SERVER_CHILD_PORTS && config->udp_ports[i] != 0; i++, n++)
        bound += hp_bound_port_udp(config->udp_ports[i]);
    for (unsigned i = 0; i < HP_SERVER_CHILD_PORTS && config->tcp_ports[i] != 0; i++, n++)
        bound += hp_bound_port_tcp(config->tcp_ports[i]);
    return config->either ? bound > 0 : n > 0 && bound == n;
}

static void stop_looking(hp_server_child *s)
{
    if (s->looker != 0)
        g_source_remove(s->looker);
    s->looker = 0;
}

static void trace(const hp_server_child *s, hp_event_kind kind)
{
    hp_trace_event_fields(s->program->trace, hp_world_now(s->program->world), kind, s->program->name, NULL, 0);
}

static void became_ready(hp_server_child *s)
{
    if (s->state != STARTING)
        return;
    stop_looking(s);
    s->state = RUNNING;
    if (s->told_stopped)
        trace(s, HP_EV_SERVER_STARTED);
    s->told_stopped = false;
    hp_program_ready(s->program);
}

static gboolean look(gpointer user)
{
    hp_server_child *s = user;
    if (!is_bound(&s->config))
        return G_SOURCE_CONTINUE;
    s->looker = 0;
    hp_loop_advance(s->program->loop);
    became_ready(s);
    return G_SOURCE_REMOVE;
}

/* ---- the child ---- */

static void fail(hp_server_child *s, const char *text)
{
    s->failed = true;
    s->state = STOPPED;
    hp_program_failed(s->program, "%s", text);
}

static void on_line(void *user, const char *line, size_t len)
{
    hp_server_child *s = user;
    g_autoptr(hp_exec_event) event = hp_exec_event_parse(line, len);
    if (event->kind == HP_EXEC_READY)
        became_ready(s);
    else
        g_print("%.*s\n", (int)len, line); /* our stdout is the log */
}

static void on_output(void *user, const void *data, size_t len)
{
    hp_server_child *s = user;
    g_autoptr(GError) error = NULL;
    if (!s->failed && !hp_exec_lines_input(s->lines, data, len, &error)) {
        stop_looking(s);
        fail(s, error->message);
    }
}

static void on_ended(void *user, int status)
{
    hp_server_child *s = user;
    const bool asked = s->state == STOPPING;
    g_autofree char *text = hp_child_status_text(status);
    g_autofree char *what = g_strdup_printf("its program %s", text);
    stop_looking(s);
    g_clear_pointer(&s->child, hp_child_free);
    s->program->worker = -1;
    if (s->lines)
        hp_exec_lines_end(s->lines);
    s->state = STOPPED;
    if (s->finishing) {
        hp_program_finished(s->program);
        return;
    }
    if (asked) {
        trace(s, HP_EV_SERVER_STOPPED);
        s->told_stopped = true;
    } else if (!s->failed) {
        fail(s, what);
    }
    if (s->starts_again && !s->failed)
        start(s);
}

static const hp_child_ops quiet = {.ended = on_ended}, talking = {.output = on_output, .ended = on_ended};

static bool try_start(hp_server_child *s, GError **error)
{
    s->starts_again = false;
    s->child = hp_child_new(s->program, s->config.folder, s->config.argv, s->config.environment,
                            s->config.lines ? &talking : &quiet, s, error);
    if (!s->child)
        return false;
    s->program->worker = hp_child_pid(s->child);
    s->state = STARTING;
    s->looker = g_timeout_add(LOOK_MS, look, s);
    return true;
}

static void start(hp_server_child *s)
{
    g_autoptr(GError) error = NULL;
    if (!try_start(s, &error))
        fail(s, error->message);
}

static void stop(hp_server_child *s)
{
    stop_looking(s);
    s->state = STOPPING;
    hp_child_end(s->child, 0);
}

/* ---- the whole ---- */

hp_server_child *hp_server_child_new(hp_program *program, const hp_server_child_config *config, GError **error)
{
    hp_server_child *s = g_new0(hp_server_child, 1);
    s->program = program;
    program->worker = -1;
    copy_config(&s->config, config);
    s->lines = config->lines ? hp_exec_lines_new(on_line, s) : NULL;
    if (program->plan->servers[program->index].source->stopped) {
        s->told_stopped = true;
        hp_program_ready(program);
        return s;
    }
    if (!try_start(s, error)) {
        hp_server_child_free(s);
        return NULL;
    }
    return s;
}

void hp_server_child_free(hp_server_child *server)
{
    if (!server)
        return;
    stop_looking(server);
    hp_child_free(server->child);
    hp_exec_lines_free(server->lines);
    clear_config(&server->config);
    g_free(server);
}

void hp_server_child_step(hp_server_child *server, const hp_step *step)
{
    const bool runs = server->state == STARTING || server->state == RUNNING;
    if (step->kind == HP_STEP_STOP_SERVER) {
        server->starts_again = false;
        if (runs)
            stop(server);
    } else if (step->kind == HP_STEP_START_SERVER && !runs && !server->failed) {
        server->starts_again = true;
        if (server->state == STOPPED)
            start(server);
    }
}

void hp_server_child_restart(hp_server_child *server)
{
    if (server->state == STARTING || server->state == RUNNING) {
        stop(server);
        server->starts_again = true;
    }
}

void hp_server_child_finish(hp_server_child *server)
{
    server->finishing = true;
    server->starts_again = false;
    if (server->state == STOPPED)
        hp_program_finished(server->program);
    else if (server->state != STOPPING)
        stop(server);
}
