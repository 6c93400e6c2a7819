/* Our own peer as a program.
 *
 * The same actors as in the virtual world, on the process's one host: a peer, its flows, its media. It is ready when the
 * broker knows it; what it is asked for by steps is peer_steps.c's. Its tracks have numbers out of the run's table, so
 * that the other end, in another process, finds them; the tracks of foreign programs are made here, when they are heard.
 *
 * What the director waits for (the worst ICE state, flows that run) is looked at once at the end of every turn of the
 * loop: between turns nothing can have changed it but GLib's sources, and the loop's turn ends after those too.
 *
 * The end: what media still has open is told, and the flows end where they are. Sessions are not closed, as they are not
 * in the virtual world either: the run is over, and nothing that they would still say is part of it. */
#include "programs/libnice_peer.h"

#include <string.h>

#include "actors/flow.h"
#include "actors/media_hub.h"
#include "actors/peer.h"
#include "engines/srtp.h"
#include "live/loop.h"
#include "programs/peer_setup.h"
#include "programs/peer_steps.h"
#include "programs/signaling_client.h"

typedef struct libnice_peer {
    hp_program *program;
    hp_signaling_client *client;
    hp_media_hub *hub;
    hp_peer_setup *setup;
    hp_peer *peer;
    hp_flows *flows;
    hp_loop_end *at_end;
    const char *state; /* as last told: NULL, or one of libnice's names, which are constant */
    unsigned n_flows;
    bool finished;
} libnice_peer;

/* ---- what the director reads ---- */

static void tell_state(void *user)
{
    libnice_peer *self = user;
    const char *state = hp_peer_state(self->peer, NULL);
    unsigned n_flows = hp_flows_n_running(self->flows);
    if (g_strcmp0(state, self->state) != 0) {
        self->state = state;
        hp_program_set_state(self->program, state);
    }
    if (n_flows != self->n_flows) {
        self->n_flows = n_flows;
        hp_program_set_flows(self->program, n_flows);
    }
}

/* ---- the broker ---- */

static void connected(void *user)
{
    libnice_peer *self = user;
    hp_program_ready(self->program);
}

static void lost(void *user, const char *why)
{
    libnice_peer *self = user;
    if (!self->finished) {
        hp_program_failed(self->program, "%s", why);
    }
}

/* ---- life ---- */

static bool is_foreign(void *user, const char *name)
{
    const hp_plan *plan = user;
    int peer = hp_plan_find_peer(plan, name);
    return peer >= 0 && strcmp(hp_plan_peer_program(&plan->peers[peer]), hp_libnice_peer_program.name) != 0;
}

static void *start(hp_program *program, GError **error)
{
    static const hp_signaling_client_ops ops = {.connected = connected, .lost = lost};
    if (program->tracks && !hp_srtp_start(error)) {
        return NULL;
    }
    libnice_peer *self = g_new0(libnice_peer, 1);
    self->program = program;
    self->client = hp_signaling_client_new(program->loop, program->name, HP_PROGRAM_SIGNALING_PORT, &ops, self);
    hp_signaling_share_numbers(hp_signaling_client_signaling(self->client), program->messages);
    self->hub =
        program->tracks ? hp_media_hub_new_shared(program->world, program->tracks) : hp_media_hub_new(program->world);
    hp_media_hub_set_foreign(self->hub, is_foreign, (void *)program->plan);
    self->setup = hp_peer_setup_new(program->plan, program->index);
    self->setup->config.hub = self->hub;
    self->peer = hp_peer_new(program->host, hp_signaling_client_signaling(self->client), &self->setup->config);
    self->flows = hp_flows_new(program->world);
    hp_peer_steps_expect_flows(program->plan, program->index, self->flows);
    hp_flows_watch(self->flows, self->peer);
    self->at_end = hp_loop_at_end(program->loop, tell_state, self);
    return self;
}

static void step(void *user, const hp_step *step, unsigned index)
{
    libnice_peer *self = user;
    hp_peer_steps_carry_out(self->program->plan, index, self->peer, self->flows);
    tell_state(self); /* a flow that has begun is seen before the step counts as taken */
}

static void finish(void *user)
{
    libnice_peer *self = user;
    self->finished = true;
    hp_peer_finish(self->peer);
    hp_program_finished(self->program);
}

static void free_peer(void *user)
{
    libnice_peer *self = user;
    hp_loop_at_end_remove(self->at_end);
    hp_flows_free(self->flows);
    hp_peer_free(self->peer);
    hp_peer_setup_free(self->setup);
    hp_media_hub_free(self->hub);
    hp_signaling_client_free(self->client);
    g_free(self);
}

const hp_program_ops hp_libnice_peer_program = {
    .name = "libnice", .needs_host = true, .start = start, .step = step, .finish = finish, .free = free_peer};
