/* A raw peer as a program.
 *
 * Its sockets open when run time begins, as in the virtual world, and its script begins at its time or after its step.
 * Another raw peer's socket is known by the port that the plan gives it; one whose port the kernel chooses cannot be
 * known here, and its name stands for its host's address alone. */
#include "programs/raw_peer.h"

#include "actors/raw_peer.h"
#include "live/loop.h"
#include "programs/peer_setup.h"
#include "programs/peer_steps.h"
#include "programs/signaling_client.h"

typedef struct raw_peer {
    hp_program *program;
    hp_signaling_client *client;
    hp_raw_peer *peer;
    hp_loop_end *at_end;
    bool told_done, finished;
} raw_peer;

static void tell_done(void *user)
{
    raw_peer *self = user;
    bool done = hp_raw_peer_is_done(self->peer);
    if (done != self->told_done) {
        self->told_done = done;
        hp_program_set_script_done(self->program, done);
    }
}

static void connected(void *user)
{
    raw_peer *self = user;
    hp_program_ready(self->program);
}

static void lost(void *user, const char *why)
{
    raw_peer *self = user;
    if (!self->finished) {
        hp_program_failed(self->program, "%s", why);
    }
}

static bool resolve(void *user, const hp_raw_peer *asking, const char *name, hp_raw_transport transport, hp_addr *ret)
{
    const raw_peer *self = user;
    const hp_plan *plan = self->program->plan;
    return hp_raw_setup_resolve(plan, self->program->index, name, transport, hp_raw_setup_planned_main, (void *)plan,
                                ret);
}

static void *start(hp_program *program, GError **error)
{
    static const hp_signaling_client_ops ops = {.connected = connected, .lost = lost};
    raw_peer *self = g_new0(raw_peer, 1);
    self->program = program;
    self->client = hp_signaling_client_new(program->loop, program->name, HP_PROGRAM_SIGNALING_PORT, &ops, self);
    hp_signaling_share_numbers(hp_signaling_client_signaling(self->client), program->messages);
    self->peer = hp_raw_peer_new(program->host, hp_signaling_client_signaling(self->client), program->name,
                                 &program->plan->peers[program->index].source->raw, resolve, self);
    self->at_end = hp_loop_at_end(program->loop, tell_done, self);
    return self;
}

static void begin(void *user)
{
    raw_peer *self = user;
    hp_raw_peer_open(self->peer);
}

static void step(void *user, const hp_step *step, unsigned index)
{
    raw_peer *self = user;
    if (hp_peer_steps_begins_script(self->program->plan, index, self->program->index)) {
        hp_raw_peer_start(self->peer);
        tell_done(self);
    }
}

static void finish(void *user)
{
    raw_peer *self = user;
    self->finished = true;
    hp_raw_peer_finish(self->peer);
    hp_program_finished(self->program);
}

static void free_peer(void *user)
{
    raw_peer *self = user;
    hp_loop_at_end_remove(self->at_end);
    hp_raw_peer_free(self->peer);
    hp_signaling_client_free(self->client);
    g_free(self);
}

const hp_program_ops hp_raw_peer_program = {.name = "raw",
                                            .needs_host = true,
                                            .start = start,
                                            .begin = begin,
                                            .step = step,
                                            .finish = finish,
                                            .free = free_peer};
