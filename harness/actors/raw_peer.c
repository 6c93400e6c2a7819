/* A raw peer: the engine of engines/raw.h between a host and the broker.
 *
 * One timer follows the engine's deadline, another begins the script. What the engine tells becomes events of the
 * trace; a packet's number in them is that of its capture record at this peer.
 *
 * Its random stream is its own ("raw:NAME"), so that adding a raw peer moves nobody's luck. */
#include "actors/raw_private.h"

#include <string.h>

/* ---- events ---- */

static void on_event(void *user, hp_time now, const hp_raw_event *e)
{
    hp_raw_peer *peer = user;
    hp_trace *trace = hp_world_trace(peer->world);
    switch (e->kind) {
    case HP_RAW_EV_SENT:
        hp_trace_event(trace, now, HP_EV_RAW_SENT, peer->name, HP_FU("line", e->line), HP_FS("action", e->action),
                       HP_FS("socket", e->socket), HP_FA("to", e->address), HP_FS("what", e->text),
                       HP_FU("size", e->size), HP_FU("packet", e->packet));
        break;
    case HP_RAW_EV_RECEIVED:
        hp_trace_event(trace, now, HP_EV_RAW_RECEIVED, peer->name, HP_FS("socket", e->socket),
                       HP_FA("from", e->address), HP_FS("what", e->text), HP_FU("size", e->size),
                       HP_FU("packet", e->packet));
        break;
    case HP_RAW_EV_MATCHED:
        hp_trace_event(trace, now, HP_EV_RAW_MATCHED, peer->name, HP_FU("line", e->line), HP_FS("action", e->action),
                       HP_FT("took", e->span), HP_FU("packet", e->packet));
        break;
    case HP_RAW_EV_MISSED:
        hp_trace_event(trace, now, HP_EV_RAW_MISSED, peer->name, HP_FU("line", e->line), HP_FS("action", e->action),
                       HP_FS("expected", e->text), HP_FT("waited", e->span), HP_FS("nearest", e->nearest),
                       HP_FS("why", e->why), HP_FU("packet", e->packet));
        break;
    case HP_RAW_EV_UNEXPECTED:
        hp_trace_event(trace, now, HP_EV_RAW_UNEXPECTED, peer->name, HP_FS("socket", e->socket),
                       HP_FA("from", e->address), HP_FS("what", e->text), HP_FU("packet", e->packet));
        break;
    case HP_RAW_EV_DONE:
        hp_trace_event(trace, now, HP_EV_RAW_DONE, peer->name, HP_FS("script", e->action), HP_FS("outcome", e->text));
        break;
    case HP_RAW_EV_ERROR:
        hp_trace_event(trace, now, HP_EV_RAW_ERROR, peer->name, HP_FU("line", e->line), HP_FS("action", e->action),
                       HP_FS("message", e->text));
        break;
    case HP_RAW_EV_KEYLOG:
        hp_trace_event(trace, now, HP_EV_DTLS_SECRET, peer->name, HP_FS("line", e->text));
        break;
    }
}

/* ---- the engine's other calls ---- */

static bool resolve(void *user, const char *name, hp_raw_transport transport, hp_addr *ret)
{
    const hp_raw_peer *peer = user;
    return peer->resolve != NULL && peer->resolve(peer->user, peer, name, transport, ret);
}

static bool own_address(void *user, hp_addr *ret)
{
    hp_raw_peer *peer = user;
    return hp_host_addresses(peer->host, ret, 1) > 0;
}

static void enter(void *user)
{
    hp_raw_peer *peer = user;
    if (peer->env == NULL) {
        g_autofree char *name = g_strconcat("raw-clock:", peer->name, NULL);
        peer->env = hp_seam_env_new(peer->host, name);
    }
    hp_seam_enter(peer->env);
}

static void leave(void *user)
{
    hp_seam_leave(((hp_raw_peer *)user)->env);
}

/* ---- time ---- */

void hp_raw_peer_settle(hp_raw_peer *peer)
{
    hp_time deadline = peer->finishing ? HP_NEVER : hp_raw_deadline(peer->engine);
    if (deadline != (hp_timer_is_armed(&peer->timer) ? peer->timer.at : HP_NEVER)) {
        hp_timer_arm(peer->world, &peer->timer, deadline);
    }
}

static void timer_fired(void *owner, hp_time now)
{
    hp_raw_peer *peer = owner;
    hp_raw_run(peer->engine, now);
    hp_raw_peer_settle(peer);
}

static void start_fired(void *owner, hp_time now)
{
    hp_raw_peer_start(owner);
}

/* ---- life ---- */

hp_raw_peer *hp_raw_peer_new(hp_host *host, hp_signaling *signaling, const char *name, const hp_raw_config *config,
                             hp_raw_peer_resolve resolve_name, void *user)
{
    static const hp_raw_ops ops = {.open = hp_raw_socket_open,
                                   .close = hp_raw_socket_close,
                                   .send = hp_raw_socket_send,
                                   .write = hp_raw_socket_write,
                                   .resolve = resolve,
                                   .own_address = own_address,
                                   .signal = hp_raw_signal_send,
                                   .event = on_event,
                                   .enter = enter,
                                   .leave = leave};
    hp_raw_peer *peer = g_new0(hp_raw_peer, 1);
    g_autofree char *stream = g_strconcat("raw:", name, NULL);
    hp_rng rng;
    peer->host = host;
    peer->world = hp_host_world(host);
    peer->signaling = signaling;
    peer->name = name;
    peer->config = config;
    peer->resolve = resolve_name;
    peer->user = user;
    hp_world_rng(peer->world, stream, &rng);
    peer->engine = hp_raw_new(config, &rng, &ops, peer);
    peer->sockets = g_new0(raw_socket, hp_raw_n_sockets(peer->engine));
    for (unsigned i = 0; i < hp_raw_n_sockets(peer->engine); i++) {
        peer->sockets[i] = (raw_socket){.peer = peer, .number = i};
    }
    hp_timer_init(&peer->timer, HP_TIMER_ACTOR, hp_world_new_element(peer->world), timer_fired, peer);
    hp_timer_init(&peer->start, HP_TIMER_ACTOR, hp_world_new_element(peer->world), start_fired, peer);
    if (signaling != NULL) {
        hp_raw_signal_join(peer);
    }
    return peer;
}

void hp_raw_peer_free(hp_raw_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    peer->finishing = true;
    hp_timer_cancel(peer->world, &peer->timer);
    hp_timer_cancel(peer->world, &peer->start);
    for (unsigned i = 0; i < hp_raw_n_sockets(peer->engine); i++) {
        raw_socket *s = &peer->sockets[i];
        g_clear_pointer(&s->udp, hp_socket_close);
        g_clear_pointer(&s->listener, hp_tcp_listener_close);
        if (s->tcp != NULL) {
            hp_tcp_set_ops(s->tcp, NULL, NULL); /* it goes with its host */
        }
    }
    hp_raw_free(peer->engine);
    hp_seam_env_free(peer->env);
    g_free(peer->sockets);
    g_free(peer->offer_ufrag);
    g_free(peer->last_from);
    g_free(peer);
}

void hp_raw_peer_open(hp_raw_peer *peer)
{
    if (peer->opened) {
        return;
    }
    peer->opened = true;
    hp_raw_open(peer->engine, hp_world_now(peer->world));
    if (peer->config->start_step == NULL && peer->config->script.n_actions > 0) {
        hp_timer_arm(peer->world, &peer->start, peer->config->start);
    }
    hp_raw_peer_settle(peer);
}

void hp_raw_peer_start(hp_raw_peer *peer)
{
    if (peer->started || peer->finishing) {
        return;
    }
    peer->started = true;
    hp_raw_start(peer->engine, hp_world_now(peer->world));
    hp_raw_peer_settle(peer);
}

void hp_raw_peer_finish(hp_raw_peer *peer)
{
    hp_raw_finish(peer->engine, hp_world_now(peer->world));
    peer->finishing = true;
    hp_raw_peer_settle(peer);
}

bool hp_raw_peer_is_done(const hp_raw_peer *peer)
{
    return hp_raw_is_done(peer->engine);
}

bool hp_raw_peer_main_address(const hp_raw_peer *peer, hp_addr *ret)
{
    return hp_raw_local(peer->engine, "main", ret);
}
