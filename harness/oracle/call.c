/* Theory of operation.
 *
 * Both peers gather, tell each other all candidates, and then check every pair (RFC 8445 section 6.1.2): a check is a
 * packet from a local socket to a remote candidate; whoever gets it learns the address it came from and answers there.
 * A check has succeeded when the answer comes from the address that the check went to (section 7.2.5.2.1). Rounds of
 * all checks are repeated until no NAT, no TURN server and no peer has learned anything new.
 *
 * That is what a patient agent gets to in any order of packets. Two NATs that map and let in without end could teach
 * the peers new addresses for ever, all of them useless; the tables have an end, and so has that. */
#include "oracle/call.h"

#include <string.h>

enum { MAX_ROUNDS = 16, MAX_LEARNED = 8 };

unsigned hp_call_add_socket(hp_call *call, const hp_call_socket *socket)
{
    if (call->n_sockets == HP_CALL_MAX) {
        call->walk.full = true;
        return HP_CALL_MAX - 1;
    }
    call->sockets[call->n_sockets] = *socket;
    return call->n_sockets++;
}

void hp_call_add_candidate(hp_call *call, const hp_call_candidate *candidate)
{
    if (call->n_candidates == HP_CALL_MAX)
        call->walk.full = true;
    else
        call->candidates[call->n_candidates++] = *candidate;
}

void hp_call_note_failure(hp_call_failure *failures, unsigned *n, unsigned side, hp_protocol protocol, const hp_walk *w,
                          uint8_t family)
{
    const hp_call_failure f = {.side = side, .stop = w->stop, .box = w->box, .family = family, .protocol = protocol};
    for (unsigned i = 0; i < *n; i++)
        if (failures[i].side == side && failures[i].stop == f.stop && failures[i].box == f.box &&
            failures[i].family == family && failures[i].protocol == protocol)
            return;
    if (*n < HP_CALL_MAX)
        failures[(*n)++] = f;
}

/* ---- sending ---- */

static hp_protocol protocol_of(const hp_call_socket *s)
{
    return s->kind == HP_SOCKET_TCP_ACTIVE || s->kind == HP_SOCKET_TCP_PASSIVE ? HP_OVER_TCP : HP_OVER_UDP;
}

static bool has_permission(const hp_call *call, unsigned socket, const hp_addr *ip)
{
    for (unsigned i = 0; i < call->n_permissions; i++)
        if (call->permissions[i].socket == socket && hp_walk_same_address(&call->permissions[i].ip, ip))
            return true;
    return false;
}

/* Whether the server gives a permission for that address; it is installed then (RFC 8656 section 9). */
static bool permit(hp_call *call, unsigned socket, const hp_addr *ip)
{
    const hp_server_config *config = &call->plan->servers[call->sockets[socket].server].config;
    if (has_permission(call, socket, ip))
        return true;
    if ((!config->allow_private_peers && hp_addr_is_private(ip)) ||
        (!config->allow_loopback_peers && hp_addr_is_loopback(ip)))
        return false;
    for (unsigned i = 0; i < config->n_denied_peers; i++)
        if (hp_prefix_contains(&config->denied_peers[i], ip))
            return false;
    if (call->n_permissions == HP_CALL_MAX) {
        call->walk.full = true;
        return false;
    }
    call->permissions[call->n_permissions++] = (hp_call_permission){.socket = socket, .ip = *ip};
    call->walk.changes++;
    return true;
}

/* The socket that a packet reached, or -1 with w->stop set. */
static int receiver(const hp_call *call, hp_protocol protocol, hp_walk *w)
{
    for (unsigned i = 0; w->at && i < call->n_sockets; i++) {
        const hp_call_socket *s = &call->sockets[i];
        if (protocol_of(s) != protocol || s->at != w->at->at || !hp_addr_equal(&s->addr, &w->dst))
            continue;
        if (s->kind != HP_SOCKET_RELAY || has_permission(call, i, &w->src))
            return (int)i;
        w->stop = HP_STOP_PERMISSION;
        return -1;
    }
    if (w->at)
        w->stop = HP_STOP_ELSEWHERE;
    return -1;
}

static int send_from(hp_call *call, unsigned socket, const hp_addr *to, hp_walk *ret)
{
    const hp_call_socket *s = &call->sockets[socket];
    if (s->kind == HP_SOCKET_RELAY && !permit(call, socket, to)) {
        *ret = (hp_walk){.stop = HP_STOP_PERMISSION, .box = -1};
        return -1;
    }
    *ret = hp_walk_send(&call->walk, protocol_of(s), s->at, &s->addr, to);
    return receiver(call, protocol_of(s), ret);
}

/* ---- checks ---- */

static const hp_call_candidate *find_candidate(const hp_call *call, unsigned side, hp_protocol protocol,
                                               const hp_addr *addr)
{
    for (unsigned i = 0; i < call->n_candidates; i++) {
        const hp_call_candidate *c = &call->candidates[i];
        if (c->side == side && hp_addr_equal(&c->addr, addr) && protocol_of(&call->sockets[c->socket]) == protocol)
            return c;
    }
    return NULL;
}

static void learn(hp_call *call, unsigned socket, const hp_addr *addr)
{
    unsigned n = 0;
    for (unsigned i = 0; i < call->n_learned; i++) {
        if (call->learned[i].socket == socket && hp_addr_equal(&call->learned[i].addr, addr))
            return;
        n += call->learned[i].socket == socket;
    }
    if (n == MAX_LEARNED || call->n_learned == HP_CALL_MAX) {
        call->endless = true;
        return;
    }
    call->learned[call->n_learned++] = (hp_call_learned){.socket = socket, .addr = *addr};
    call->walk.changes++;
}

/* The type that an address of a socket's side has, for that side itself or for the other: as it was signalled, else
 * peer reflexive. A TCP connection comes from a port that no candidate names (RFC 6544 section 4.5); that of its own
 * interface may pass for the host's. */
static uint8_t type_of(const hp_call *call, unsigned socket, const hp_addr *addr, bool own)
{
    const hp_call_socket *s = &call->sockets[socket];
    const hp_call_candidate *c = find_candidate(call, s->side, protocol_of(s), addr);
    if (c && c->unknown && !own)
        c = NULL;
    if (s->kind == HP_SOCKET_TCP_ACTIVE)
        return c ? HP_TYPE_HOST | HP_TYPE_PRFLX : HP_TYPE_PRFLX;
    if (c && c->foreign && own)
        return HP_TYPE_SRFLX | HP_TYPE_PRFLX;
    return c ? c->type : HP_TYPE_PRFLX;
}

/* A pair works: `near` is seen as `from`, and sees the other as `to`. */
static void note_pair(hp_call *call, unsigned near, const hp_addr *from, unsigned far, const hp_addr *to, bool hairpin)
{
    const hp_call_socket *s = &call->sockets[near], *t = &call->sockets[far];
    bool relayed = s->kind == HP_SOCKET_RELAY || t->kind == HP_SOCKET_RELAY;
    hp_outcome outcome = relayed ? HP_OUTCOME_RELAY : hairpin ? HP_OUTCOME_HAIRPIN : HP_OUTCOME_DIRECT;
    hp_pair_types was = call->types[outcome], *types = &call->types[outcome];
    types->local |= s->side == 0 ? type_of(call, near, from, true) : type_of(call, far, to, true);
    types->remote |= s->side == 0 ? type_of(call, far, to, false) : type_of(call, near, from, false);
    call->walk.changes += was.local != types->local || was.remote != types->remote;
}

static void note_failed_check(hp_call *call, unsigned socket, int far, unsigned side, const hp_walk *w)
{
    const hp_call_socket *s = &call->sockets[socket];
    if (s->kind != HP_SOCKET_RELAY && (far < 0 || call->sockets[far].kind != HP_SOCKET_RELAY))
        hp_call_note_failure(call->failures, &call->n_failures, side, protocol_of(s), w, s->addr.family);
}

static void check(hp_call *call, unsigned socket, const hp_addr *to)
{
    const unsigned side = call->sockets[socket].side;
    hp_walk there, back;
    int far = send_from(call, socket, to, &there);
    if (far >= 0 && call->sockets[far].side == side) {
        there.stop = HP_STOP_ELSEWHERE;
        far = -1;
    }
    if (far < 0) {
        note_failed_check(call, socket, far, side, &there);
        return;
    }
    const hp_call_candidate *known = find_candidate(call, side, protocol_of(&call->sockets[socket]), &there.src);
    if (!known || known->unknown)
        learn(call, (unsigned)far, &there.src);
    int near = send_from(call, (unsigned)far, &there.src, &back);
    if (near != (int)socket || !hp_addr_equal(&back.src, to))
        note_failed_check(call, socket, far, !side, &back);
    else
        note_pair(call, socket, &there.src, (unsigned)far, to, there.hairpinned || back.hairpinned);
}

/* ---- rounds ---- */

static bool may_check(const hp_call *call, unsigned socket)
{
    const hp_call_socket *s = &call->sockets[socket];
    const hp_ice_config *ice = &call->plan->peers[call->peers[s->side]].source->ice;
    return ice->full_mode && s->kind != HP_SOCKET_TCP_PASSIVE && (s->kind == HP_SOCKET_RELAY || !ice->force_relay);
}

static bool is_pair(const hp_call *call, unsigned socket, const hp_call_candidate *remote)
{
    const hp_call_socket *s = &call->sockets[socket], *t = &call->sockets[remote->socket];
    return remote->side != s->side && !remote->unknown && remote->addr.family == s->addr.family &&
           protocol_of(s) == protocol_of(t) && t->kind != HP_SOCKET_TCP_ACTIVE;
}

static void play_side(hp_call *call, unsigned side)
{
    for (unsigned s = 0; s < call->n_sockets; s++) {
        if (call->sockets[s].side != side || !may_check(call, s))
            continue;
        for (unsigned i = 0; i < call->n_candidates; i++)
            if (is_pair(call, s, &call->candidates[i]))
                check(call, s, &call->candidates[i].addr);
        for (unsigned i = 0; i < call->n_learned; i++)
            if (call->learned[i].socket == s) {
                const hp_addr to = call->learned[i].addr;
                check(call, s, &to);
            }
    }
}

void hp_call_play(hp_call *call, const hp_ground *ground, unsigned a, unsigned b, const hp_call_manner *manner)
{
    call->plan = ground->plan;
    call->peers[0] = a;
    call->peers[1] = b;
    call->limits = manner->limits;
    call->endless = false;
    memset(call->gathered, 0, sizeof call->gathered);
    memset(call->types, 0, sizeof call->types);
    call->n_sockets = call->n_candidates = call->n_learned = call->n_permissions = 0;
    call->n_failures = call->n_server_failures = 0;
    hp_walk_reset(&call->walk, ground, manner->gathering);
    hp_call_gather(call, 0);
    hp_call_gather(call, 1);
    call->walk.luck = manner->checking;
    for (unsigned round = 0; round < MAX_ROUNDS; round++) {
        uint64_t before = call->walk.changes;
        call->n_failures = 0; /* those of the last round are the ones that stay */
        play_side(call, manner->first);
        play_side(call, !manner->first);
        if (call->walk.changes == before)
            return;
    }
    call->endless = true;
}

hp_outcome hp_call_outcome(const hp_call *call)
{
    for (hp_outcome outcome = HP_OUTCOME_N - 1; outcome > HP_OUTCOME_NONE; outcome--)
        if (call->types[outcome].local)
            return outcome;
    return HP_OUTCOME_NONE;
}
