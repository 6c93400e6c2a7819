/* The front of a STUN or TURN server: from a datagram to a method's handler, and from its verdict to an answer.
 *
 * The order is that of RFC 8489 section 6.3. Silent checks first (frame, cookie, class and method, FINGERPRINT), then
 * credentials (section 9.2.4), then unknown comprehension-required attributes (420), then the method. Attributes behind
 * the message's integrity are not looked at (sections 14.5 and 14.6).
 *
 * Requests are processed anew when they are retransmitted; every handler is idempotent, or recognises a repetition by
 * state it keeps anyway (RFC 8489 section 6.3.1). So nothing is remembered for a client that did not log in.
 *
 * An answer has FINGERPRINT when its request had it. It is signed when the request's integrity was found right, 438
 * included; a 401 never is (section 9.2.4). Sending is the last thing an input does; see engines/stun_io.h.
 *
 * Scripted faults (config/server.h) are applied here: silence before anything is looked at, FORGET before the method
 * runs, the rest to the answer. A forced error is signed when the request's credentials were good, so that the client
 * believes it. A delayed answer is kept as bytes until its time; what it answers has happened already. */
#include "engines/stun_server.h"

#include <assert.h>

#include "engines/stun_request.h"

#define DEFAULT_PORT 3478
#define DEFAULT_ALTERNATE_PORT 3479
#define SOFTWARE "Hairpin " HAIRPIN_VERSION

/* An answer that waits. Lives in the list server->delayed until it is sent. */
struct hp_stun_delayed {
    hp_deadline due;
    hp_stun_server *server;
    struct hp_stun_delayed *next, *previous;
    hp_stun_path path;
    size_t length;
    uint8_t bytes[];
};

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

static void delayed_free(struct hp_stun_delayed *d)
{
    *(d->previous != NULL ? &d->previous->next : &d->server->delayed) = d->next;
    if (d->next != NULL) {
        d->next->previous = d->previous;
    }
    g_free(d);
}

void hp_stun_server_free(hp_stun_server *server)
{
    if (server == NULL) {
        return;
    }
    hp_deadlines_free(&server->deadlines);
    for (struct hp_stun_delayed *d = server->delayed, *next; d != NULL; d = next) {
        next = d->next;
        g_free(d);
    }
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
        return !hp_stun_other_address(server, &path->server, &other);
    case HP_STUN_RESPONSE_PORT:
    case HP_STUN_PADDING:
        return !server->config.nat_discovery;
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

/* Lists every unknown type once, in the order of appearance (section 14.13). */
static void add_unknown_attributes(const hp_stun_server *server, const hp_stun_request *r)
{
    uint32_t seen[0x8000 / 32] = {0};
    g_autoptr(GByteArray) list = g_byte_array_new();
    size_t cursor = 0;
    hp_stun_attr a;
    while (hp_stun_next_covered(r->msg, &cursor, &a)) {
        if (!hp_stun_server_is_unknown(server, &r->path, a.type) || (seen[a.type / 32] >> a.type % 32 & 1) != 0) {
            continue;
        }
        seen[a.type / 32] |= UINT32_C(1) << a.type % 32;
        const uint8_t type[2] = {(uint8_t)(a.type >> 8), (uint8_t)a.type};
        g_byte_array_append(list, type, 2);
    }
    /* RFC 3489 fills the last word by naming the last type twice. */
    if (!r->msg->has_cookie && list->len % 4 != 0) {
        const uint8_t last[2] = {list->data[list->len - 2], list->data[list->len - 1]};
        g_byte_array_append(list, last, 2);
    }
    hp_stun_add(r->w, HP_STUN_UNKNOWN_ATTRIBUTES, list->len > 0 ? list->data : (const uint8_t *)"", list->len);
}

static void begin_answer(hp_stun_server *server, const hp_stun_request *r, hp_stun_class cls)
{
    uint8_t id[12];
    memcpy(id, r->msg->id, sizeof id);
    if (r->fault.wrong_id) {
        id[11] ^= 0xff;
    }
    hp_stun_begin(r->w, server->out, sizeof server->out, cls, r->msg->method, id,
                  r->msg->has_cookie ? NULL : r->msg->data + 4);
}

static void write_error(hp_stun_server *server, const hp_stun_request *r, unsigned code)
{
    begin_answer(server, r, HP_STUN_ERROR);
    hp_stun_add_error(r->w, code, NULL);
    if (code == 401 || code == 438) {
        hp_stun_auth_challenge(server->auth, r->now, &r->path, r->w);
    } else if (code == 420) {
        add_unknown_attributes(server, r);
    } else if (code == 300 && r->alternate.family != HP_AF_NONE) {
        hp_stun_add_addr(r->w, HP_STUN_ALTERNATE_SERVER, &r->alternate, false);
    }
}

static void delayed_fire(void *owner, hp_time now)
{
    struct hp_stun_delayed *d = owner;
    hp_stun_server *server = d->server;
    hp_stun_path path = d->path;
    size_t length = d->length;
    memcpy(server->out, d->bytes, length);
    delayed_free(d);
    server->ops.send(server->user, now, &path, server->out, length, &(hp_stun_meta){0});
}

/* Of the server's two ports the one that is not here; the next one when both are the same. */
static uint16_t other_port(const hp_stun_server *server, uint16_t here)
{
    if (server->port == server->alternate_port) {
        return here == UINT16_MAX ? here - 1 : here + 1;
    }
    return here == server->port ? server->alternate_port : server->port;
}

static void send_answer(hp_stun_server *server, const hp_stun_request *r, bool sign)
{
    if (server->config.software && r->msg->has_cookie) {
        hp_stun_add_text(r->w, HP_STUN_SOFTWARE, SOFTWARE);
    }
    if (sign) {
        hp_stun_key key = r->credentials.key;
        if (r->fault.bad_integrity) {
            key.bytes[0] ^= 0xff;
        }
        hp_stun_add_integrity(r->w, &key, r->credentials.sha256);
    }
    if (r->fingerprint) {
        hp_stun_add_fingerprint(r->w);
    }
    size_t length = hp_stun_finish(r->w);
    if (length == 0) {
        return;
    }
    hp_stun_path path = r->reply_path;
    hp_addr other;
    if (r->fault.other_address) {
        if (hp_stun_other_address(server, &path.server, &other)) {
            path.server = other;
        } else {
            path.server.port = other_port(server, path.server.port);
        }
    }
    if (r->fault.delay_ns == 0) {
        server->ops.send(server->user, r->now, &path, server->out, length, &(hp_stun_meta){0});
        return;
    }
    struct hp_stun_delayed *d = g_malloc0(sizeof *d + length);
    *d = (struct hp_stun_delayed){.server = server, .path = path, .length = length, .next = server->delayed};
    d->due.fire = delayed_fire;
    d->due.owner = d;
    memcpy(d->bytes, server->out, length);
    if (d->next != NULL) {
        d->next->previous = d;
    }
    server->delayed = d;
    hp_deadlines_set(&server->deadlines, &d->due, hp_time_add(r->now, r->fault.delay_ns));
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
    begin_answer(server, r, HP_STUN_SUCCESS);
    return binding ? hp_stun_binding(server, r) : server->extension.request(server->extension.owner, r);
}

static void handle_request(hp_stun_server *server, hp_stun_request *r)
{
    r->fault = hp_fault_next(&server->counts, server->config.faults, server->config.n_faults, r->now, r->msg->method);
    hp_server_event event = {
        .kind = HP_SERVER_EV_REQUEST,
        .client = r->path.client,
        .method = r->msg->method,
        .answer = HP_ANSWER_FAULT,
        .user = "",
    };
    if (r->fault.forget && server->extension.owner != NULL) {
        server->extension.forget(server->extension.owner, r->now, &r->path);
    }
    if (r->fault.silence) {
        hp_stun_server_event(server, r->now, &event);
        return;
    }
    if (r->fault.wrong_mapped) {
        r->mapped.port = r->mapped.port == UINT16_MAX ? 1 : (uint16_t)(r->mapped.port + 1);
    }
    unsigned code = process(server, r);
    if (code != 0) {
        r->reply_path = r->path;
        write_error(server, r, code);
    }
    event.code = code;
    event.user = r->credentials.user != NULL ? r->credentials.user->name : "";
    if (!r->fault.any) {
        event.answer = code == 0 ? HP_ANSWER_SUCCESS : HP_ANSWER_ERROR;
    }
    hp_stun_server_event(server, r->now, &event);
    send_answer(server, r, r->credentials.trusted && code != 401);
}

/* A request of a known frame that gets no answer is worth a word in the trace. */
static void silence(hp_stun_server *server, hp_time now, const hp_stun_path *path, const hp_stun_msg *m)
{
    hp_stun_server_event(server, now,
                         &(hp_server_event){
                             .kind = HP_SERVER_EV_REQUEST,
                             .client = path->client,
                             .method = m->method,
                             .answer = HP_ANSWER_SILENCE,
                             .user = "",
                         });
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
            silence(server, now, path, &m);
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
