/* The answers of a STUN or TURN server: from a verdict to bytes, at once or later.
 *
 * An answer has FINGERPRINT when its request had it. It is signed when the request's integrity was found right, 438
 * included; a 401 never is (RFC 8489 section 9.2.4). Sending is the last thing an input does; see engines/stun_io.h.
 *
 * Scripted faults shape the answer. A forced error is signed when the request's credentials were good, so that the
 * client believes it. A delayed answer is kept as bytes until its time; what it answers has happened already. That an
 * answer leaves from another address is possible over UDP alone.
 *
 * A method that has to wait for somebody else (Connect of RFC 6062) keeps the request instead, and answers it when it
 * knows: the same answer, made then. That must not happen while another request is being answered, for both would
 * write into server->out. */
#include <string.h>

#include "engines/stun_request.h"

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

static void delayed_free(struct hp_stun_delayed *d)
{
    *(d->previous != NULL ? &d->previous->next : &d->server->delayed) = d->next;
    if (d->next != NULL) {
        d->next->previous = d->previous;
    }
    g_free(d);
}

void hp_stun_server_free_delayed(hp_stun_server *server)
{
    for (struct hp_stun_delayed *d = server->delayed, *next; d != NULL; d = next) {
        next = d->next;
        g_free(d);
    }
    server->delayed = NULL;
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

static void begin(hp_stun_server *server, const hp_stun_request *r, hp_stun_class cls)
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
    begin(server, r, HP_STUN_ERROR);
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
    hp_stun_server_send(server, now, &path, server->out, length, NULL, false);
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
    if (r->fault.other_address && path.transport == HP_STUN_OVER_UDP) {
        if (hp_stun_other_address(server, &path.server, &other)) {
            path.server = other;
        } else {
            path.server.port = other_port(server, path.server.port);
        }
    }
    if (r->fault.delay_ns == 0) {
        hp_stun_server_send(server, r->now, &path, server->out, length, NULL, false);
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

void hp_stun_answer_begin(hp_stun_server *server, hp_stun_request *r, hp_time now)
{
    r->now = now;
    begin(server, r, HP_STUN_SUCCESS);
}

static void tell(hp_stun_server *server, const hp_stun_request *r, hp_server_answer answer, unsigned code)
{
    hp_stun_server_event(server, r->now,
                         &(hp_server_event){
                             .kind = HP_SERVER_EV_REQUEST,
                             .client = r->path.client,
                             .transport = r->path.transport,
                             .method = r->msg->method,
                             .answer = answer,
                             .code = code,
                             .user = r->credentials.user != NULL ? r->credentials.user->name : "",
                         });
}

void hp_stun_answer_finish(hp_stun_server *server, hp_stun_request *r, unsigned code)
{
    if (code != 0) {
        r->reply_path = r->path;
        write_error(server, r, code);
    }
    tell(server, r, r->fault.any ? HP_ANSWER_FAULT : code == 0 ? HP_ANSWER_SUCCESS : HP_ANSWER_ERROR, code);
    send_answer(server, r, r->credentials.trusted && code != 401);
}

/* ---- later ---- */

typedef struct kept {
    hp_stun_request request; /* first: what everybody else sees */
    hp_stun_msg msg;
    hp_stun_writer writer;
    uint8_t header[HP_STUN_HEADER];
} kept;

hp_stun_request *hp_stun_request_keep(const hp_stun_request *r)
{
    kept *k = g_new0(kept, 1);
    k->request = *r;
    k->msg = *r->msg;
    memcpy(k->header, r->msg->data, sizeof k->header);
    k->msg.data = k->header;
    k->msg.length = sizeof k->header;
    k->msg.id = k->header + 8;
    k->request.msg = &k->msg;
    k->request.w = &k->writer;
    return &k->request;
}

void hp_stun_answer(hp_stun_server *server, hp_stun_request *r, hp_time now, unsigned code)
{
    r->now = now;
    hp_stun_answer_finish(server, r, code);
    g_free(r);
}

void hp_stun_answer_never(hp_stun_server *server, hp_stun_request *r, hp_time now)
{
    r->now = now;
    tell(server, r, HP_ANSWER_SILENCE, 0);
    g_free(r);
}
