/* The front of a STUN or TURN server: from a datagram to a method's handler, and from its verdict to an answer.
 *
 * The order is that of RFC 8489 section 6.3. Silent checks first (frame, cookie, class and method, FINGERPRINT), then
 * credentials (section 9.2.4), then unknown comprehension-required attributes (420), then the method. Attributes behind
 * the message's integrity are not looked at (sections 14.5 and 14.6).
 *
 * Requests are processed anew when they are retransmitted; every handler is idempotent, or recognises a repetition by
 * state it keeps anyway (RFC 8489 section 6.3.1). So nothing is remembered for a client that did not log in.
 *
 * Scripted faults (config/server.h): silence before anything is looked at, FORGET before the method runs, the rest is
 * for the answer (stun_server_answer.c).
 *
 * Over TCP, TLS and DTLS all is the same, message by message. What would have an answer leave from, or go to, another
 * address (CHANGE-REQUEST, RESPONSE-PORT) is an unknown attribute there, since a connection has but two ends. */
#include "engines/stun_server.h"

#include <assert.h>

#include "engines/stun_request.h"

#define DEFAULT_PORT 3478
#define DEFAULT_ALTERNATE_PORT 3479

static const char *const answer_names[] = {
    [HP_ANSWER_SUCCESS] = "success",
    [HP_ANSWER_ERROR] = "error",
    [HP_ANSWER_SILENCE] = "silence",
    [HP_ANSWER_FAULT] = "fault",
};
static_assert(G_N_ELEMENTS(answer_names) == HP_ANSWER_FAULT + 1, "one name an answer");

const char *hp_server_answer_name(hp_server_answer answer)
{
    return answer_names[answer];
}

const char *hp_stun_transport_name(uint8_t transport)
{
    switch (transport) {
    case HP_STUN_OVER_TCP:
        return "tcp";
    case HP_STUN_OVER_UDP:
        return "udp";
    case HP_STUN_OVER_TLS:
        return "tls";
    case HP_STUN_OVER_DTLS:
        return "dtls";
    }
    return "none";
}

hp_stun_server *hp_stun_server_new(const hp_server_config *config, const hp_addr *addresses, size_t n_addresses,
                                   const hp_rng *rng, const hp_server_ops *ops, void *user)
{
    hp_stun_server *server = g_new0(hp_stun_server, 1);
    server->config = *config;
    server->ops = *ops;
    server->user = user;
    server->rng = *rng;
    server->auth = hp_stun_auth_new(config, &server->rng);
    for (size_t i = 0; i < n_addresses && i < HP_STUN_MAX_ADDRESSES; i++) {
        server->addresses[server->n_addresses++] = hp_addr_with_port(addresses[i], 0);
    }
    server->port = config->port != 0 ? config->port : DEFAULT_PORT;
    server->alternate_port = config->alternate_port != 0 ? config->alternate_port : DEFAULT_ALTERNATE_PORT;
    return server;
}

void hp_stun_server_free(hp_stun_server *server)
{
    if (server == NULL) {
        return;
    }
    hp_deadlines_free(&server->deadlines);
    hp_stun_server_free_delayed(server);
    hp_stun_auth_free(server->auth);
    g_free(server);
}

size_t hp_stun_server_bindings(const hp_stun_server *server, hp_addr *ret, size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < server->n_addresses; i++) {
        const uint16_t ports[2] = {server->port, server->alternate_port};
        bool both = server->config.nat_discovery && server->alternate_port != server->port;
        for (unsigned p = 0; p < (both ? 2 : 1); p++) {
            if (n < cap) {
                ret[n] = hp_addr_with_port(server->addresses[i], ports[p]);
            }
            n++;
        }
    }
    return n;
}

hp_time hp_stun_server_deadline(const hp_stun_server *server)
{
    return hp_deadlines_next(&server->deadlines);
}

void hp_stun_server_run(hp_stun_server *server, hp_time now)
{
    hp_deadlines_run(&server->deadlines, now);
}

void hp_stun_server_event(hp_stun_server *server, hp_time now, const hp_server_event *event)
{
    if (server->ops.event != NULL) {
        server->ops.event(server->user, now, event);
    }
}

bool hp_stun_server_send(hp_stun_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta, bool may_drop)
{
    static const hp_stun_meta defaults;
    if (hp_stun_is_stream(path->transport)) {
        return server->stream_send != NULL && server->stream_send(server->stream_owner, now, path, data, len, may_drop);
    }
    return server->ops.send(server->user, now, path, data, len, meta != NULL ? meta : &defaults);
}

bool hp_stun_next_covered(const hp_stun_msg *m, size_t *cursor, hp_stun_attr *ret)
{
    hp_stun_attr a;
    if (!hp_stun_next(m, cursor, &a) || a.type == HP_STUN_MESSAGE_INTEGRITY ||
        a.type == HP_STUN_MESSAGE_INTEGRITY_SHA256 || a.type == HP_STUN_FINGERPRINT) {
        return false;
    }
    *ret = a;
    return true;
}

bool hp_stun_server_is_unknown(const hp_stun_server *server, const hp_stun_path *path, uint16_t attribute)
{
    hp_addr other;
    if (attribute >= 0x8000) {
        return false;
    }
    switch (attribute) {
    case HP_STUN_MAPPED_ADDRESS:
    case HP_STUN_USERNAME:
    case HP_STUN_MESSAGE_INTEGRITY:
    case HP_STUN_ERROR_CODE:
    case HP_STUN_UNKNOWN_ATTRIBUTES:
    case HP_STUN_REALM:
    case HP_STUN_NONCE:
    case HP_STUN_MESSAGE_INTEGRITY_SHA256:
    case HP_STUN_PASSWORD_ALGORITHM:
    case HP_STUN_USERHASH:
    case HP_STUN_XOR_MAPPED_ADDRESS:
        return false;
    case HP_STUN_CHANGE_REQUEST:
        return path->transport != HP_STUN_OVER_UDP || !hp_stun_other_address(server, &path->server, &other);
    case HP_STUN_RESPONSE_PORT:
    case HP_STUN_PADDING:
        return path->transport != HP_STUN_OVER_UDP || !server->config.nat_discovery;
    }
    return server->extension.owner == NULL || !server->extension.knows(server->extension.owner, attribute);
}

bool hp_stun_server_has_unknown(const hp_stun_server *server, const hp_stun_path *path, const hp_stun_msg *m)
{
    size_t cursor = 0;
    hp_stun_attr a;
    while (hp_stun_next_covered(m, &cursor, &a)) {
        if (hp_stun_server_is_unknown(server, path, a.type)) {
            return true;
        }
    }
    return false;
}

/* From credentials to the method's verdict: 0 with a success answer written, or an error code. */
static unsigned process(hp_stun_server *server, hp_stun_request *r)
{
    bool binding = r->msg->method == HP_STUN_BINDING;
    unsigned code = 0;
    if (!binding || server->config.binding_auth) {
        code = hp_stun_auth_check(server->auth, r->now, &r->path, r->msg, &r->credentials);
    }
    if (r->fault.code != 0) {
        return r->fault.code;
    }
    if (code != 0) {
        return code;
    }
    if (hp_stun_server_has_unknown(server, &r->path, r->msg)) {
        return 420;
    }
    hp_stun_answer_begin(server, r, r->now);
    return binding ? hp_stun_binding(server, r) : server->extension.request(server->extension.owner, r);
}

/* A request that gets no answer is worth a word in the trace. */
static void tell_unanswered(hp_stun_server *server, hp_time now, const hp_stun_path *path, const hp_stun_msg *m,
                            hp_server_answer why)
{
    hp_stun_server_event(server, now,
                         &(hp_server_event){
                             .kind = HP_SERVER_EV_REQUEST,
                             .client = path->client,
                             .transport = path->transport,
                             .method = m->method,
                             .answer = why,
                             .user = "",
                         });
}

static void handle_request(hp_stun_server *server, hp_stun_request *r)
{
    r->fault = hp_fault_next(&server->counts, server->config.faults, server->config.n_faults, r->now, r->msg->method);
    if (r->fault.forget && server->extension.owner != NULL) {
        server->extension.forget(server->extension.owner, r->now, &r->path);
    }
    if (r->fault.silence) {
        tell_unanswered(server, r->now, &r->path, r->msg, HP_ANSWER_FAULT);
        return;
    }
    if (r->fault.wrong_mapped) {
        r->mapped.port = r->mapped.port == UINT16_MAX ? 1 : (uint16_t)(r->mapped.port + 1);
    }
    unsigned code = process(server, r);
    if (code != HP_STUN_LATER) {
        hp_stun_answer_finish(server, r, code);
    }
}

static bool supports(const hp_stun_server *server, const hp_stun_msg *m)
{
    if (m->method == HP_STUN_BINDING) {
        return m->cls == HP_STUN_REQUEST || m->cls == HP_STUN_INDICATION;
    }
    return server->extension.owner != NULL && server->extension.supports(server->extension.owner, m->method, m->cls);
}

/* What section 6.3 discards without a word to the sender. */
static bool acceptable(const hp_stun_server *server, const hp_stun_msg *m, hp_stun_verdict fingerprint)
{
    if (!supports(server, m)) {
        return false;
    }
    /* Only Binding has a past before the cookie (RFC 8656 section 5). */
    if (!m->has_cookie && (!server->config.accept_rfc3489 || m->method != HP_STUN_BINDING)) {
        return false;
    }
    return fingerprint == HP_STUN_GOOD || (fingerprint == HP_STUN_ABSENT && !server->config.require_fingerprint);
}

void hp_stun_server_input(hp_stun_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta)
{
    static const hp_stun_meta nothing;
    meta = meta != NULL ? meta : &nothing;
    hp_stun_server_run(server, now);
    if (len > 0 && data[0] >> 6 == 1) {
        if (server->extension.owner != NULL) {
            server->extension.channel_data(server->extension.owner, now, path, data, len, meta);
        }
        return;
    }
    hp_stun_msg m;
    if (!hp_stun_parse(data, len, &m)) {
        return;
    }
    hp_stun_verdict fingerprint = m.has_cookie ? hp_stun_check_fingerprint(&m) : HP_STUN_ABSENT;
    if (!acceptable(server, &m, fingerprint)) {
        if (m.cls == HP_STUN_REQUEST) {
            tell_unanswered(server, now, path, &m, HP_ANSWER_SILENCE);
        }
        return;
    }
    if (m.cls == HP_STUN_INDICATION) {
        /* A Binding indication only keeps NAT mappings alive. */
        if (m.method != HP_STUN_BINDING) {
            server->extension.indication(server->extension.owner, now, &m, path, meta);
        }
        return;
    }
    hp_stun_writer writer;
    hp_stun_request request = {
        .now = now,
        .msg = &m,
        .path = *path,
        .reply_path = *path,
        .fingerprint = fingerprint == HP_STUN_GOOD,
        .mapped = path->client,
        .w = &writer,
        .alternate = server->config.redirect_addr,
    };
    handle_request(server, &request);
}
