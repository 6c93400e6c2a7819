/* The discovery client's ground: local sockets, one STUN transaction at a time, waiting, and the order of the tests.
 *
 * Tests run one after the other, each on sockets of its own that have sent nothing before, because what a NAT shows
 * depends on the state that earlier traffic left in it (RFC 5780 sections 4.1 and 4.5). One transaction is under way at
 * a time, and a new one begins at least 100 ms after the one before (section 5: ten a second at most).
 *
 * A transaction is retransmitted as RFC 8489 section 6.2.1 says: RTO, doubled after each request, Rc requests, Rm RTOs
 * of patience after the last. It ends by an answer with its id, by a hard ICMP error about it, or in silence. An answer
 * that comes from elsewhere than was asked, where nothing was asked to make it so, is no answer. Nor is one whose
 * FINGERPRINT is wrong; one with a comprehension-required attribute that is unknown here ends the transaction unused
 * (section 6.3.3). ALTERNATE-SERVER is not followed (RFC 5780 section 5), credentials are not offered: both count as
 * the server's refusal.
 *
 * Input only settles the transaction; its consequences are drawn by the next run(), which is due at once. So no socket
 * is closed, and nothing sent, from inside the driver's delivery of a datagram.
 *
 * Limits: loss is told from filtering by retransmission alone, so a path that loses most of what it carries looks like
 * a strict NAT. With several NATs in a row it is their combination that is seen. */
#include "engines/nat_discovery.h"

#include <assert.h>
#include <string.h>

#include "engines/nat_discovery_private.h"
#include "wire/stun.h"

#define PACE (100 * HP_MS)

static const char *const status_names[] = {
    [HP_NAT_DISCOVERY_RUNNING] = "running",     [HP_NAT_DISCOVERY_DONE] = "done",
    [HP_NAT_DISCOVERY_BLOCKED] = "blocked",     [HP_NAT_DISCOVERY_REFUSED] = "refused",
    [HP_NAT_DISCOVERY_NO_SOCKET] = "no-socket",
};
static_assert(G_N_ELEMENTS(status_names) == HP_NAT_DISCOVERY_NO_SOCKET + 1, "one name a status");

const char *hp_nat_discovery_status_name(hp_nat_discovery_status status)
{
    return status_names[status];
}

/* ---- sockets ---- */

unsigned hp_discovery_open(hp_nat_discovery *d, uint16_t port)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(d->sockets); i++) {
        hp_addr local = {0};
        if (d->sockets[i].open) {
            continue;
        }
        if (!d->ops.open(d->user, i, port, &local)) {
            return HP_DISCOVERY_NO_SOCKET;
        }
        d->sockets[i] = (hp_discovery_socket){.open = true, .local = local};
        return i;
    }
    return HP_DISCOVERY_NO_SOCKET;
}

void hp_discovery_close(hp_nat_discovery *d, unsigned socket)
{
    if (socket != HP_DISCOVERY_NO_SOCKET && d->sockets[socket].open) {
        d->sockets[socket] = (hp_discovery_socket){0};
        d->ops.close(d->user, socket);
    }
}

static void close_all(hp_nat_discovery *d)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(d->sockets); i++) {
        hp_discovery_close(d, i);
    }
}

/* ---- transactions ---- */

static void write_request(hp_nat_discovery *d, const hp_discovery_question *q)
{
    hp_discovery_transaction *t = &d->transaction;
    hp_stun_writer w;
    hp_rng_bytes(&d->rng, t->id, sizeof t->id);
    hp_stun_begin(&w, t->bytes, t->capacity, HP_STUN_REQUEST, HP_STUN_BINDING, t->id, NULL);
    if (q->change != 0) {
        hp_stun_add_u32(&w, HP_STUN_CHANGE_REQUEST, q->change);
    }
    if (q->response_port != 0) {
        const uint8_t value[4] = {(uint8_t)(q->response_port >> 8), (uint8_t)q->response_port};
        hp_stun_add(&w, HP_STUN_RESPONSE_PORT, value, sizeof value);
    }
    if (q->padded) {
        g_autofree uint8_t *zeros = g_malloc0(d->config.padding);
        hp_stun_add(&w, HP_STUN_PADDING, zeros, d->config.padding);
    }
    hp_stun_add_fingerprint(&w);
    t->length = hp_stun_finish(&w);
    g_assert(t->length > 0);
}

void hp_discovery_ask(hp_nat_discovery *d, hp_time now, const hp_discovery_question *q, hp_discovery_then then)
{
    hp_discovery_transaction *t = &d->transaction;
    g_assert(t->then == NULL && d->wake == NULL);
    t->then = then;
    t->question = *q;
    t->n_sent = 0;
    t->settled = false;
    t->interval = d->config.rto;
    t->due = MAX(now, d->not_before);
    t->answer = (hp_discovery_answer){0};
    d->not_before = hp_time_add(t->due, PACE);
    d->result.n_transactions++;
    write_request(d, q);
}

void hp_discovery_ask_server(hp_nat_discovery *d, hp_time now, unsigned socket, hp_discovery_then then)
{
    hp_discovery_ask(d, now, &(hp_discovery_question){.socket = socket, .to = d->config.server}, then);
}

void hp_discovery_indicate(hp_nat_discovery *d, hp_time now, unsigned socket)
{
    uint8_t bytes[64], id[12];
    hp_stun_writer w;
    hp_rng_bytes(&d->rng, id, sizeof id);
    hp_stun_begin(&w, bytes, sizeof bytes, HP_STUN_INDICATION, HP_STUN_BINDING, id, NULL);
    hp_stun_add_fingerprint(&w);
    d->result.n_datagrams++;
    d->ops.send(d->user, now, socket, &d->config.server, bytes, hp_stun_finish(&w));
}

void hp_discovery_wait(hp_nat_discovery *d, hp_time until, hp_discovery_wake wake)
{
    g_assert(d->transaction.then == NULL && d->wake == NULL);
    d->wake = wake;
    d->wake_at = until;
}

static void settle(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    hp_discovery_transaction *t = &d->transaction;
    hp_time first = t->answer.first_sent, last = t->answer.last_sent;
    t->answer = *a;
    t->answer.first_sent = first;
    t->answer.last_sent = last;
    t->answer.at = now;
    t->settled = true;
    t->due = now;
}

static void transmit(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_transaction *t = &d->transaction;
    if (t->n_sent == d->config.rc) {
        settle(d, now, &(hp_discovery_answer){.outcome = HP_DISCOVERY_SILENCE});
        return;
    }
    if (t->n_sent++ == 0) {
        t->answer.first_sent = now;
    }
    t->answer.last_sent = now;
    if (t->n_sent == d->config.rc) {
        t->due = hp_time_add(now, d->config.rto * d->config.rm);
    } else {
        t->due = hp_time_add(now, t->interval);
        t->interval = hp_time_add(t->interval, t->interval);
    }
    d->result.n_datagrams++;
    d->ops.send(d->user, now, t->question.socket, &t->question.to, t->bytes, t->length);
}

static void conclude(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_transaction *t = &d->transaction;
    hp_discovery_answer answer = t->answer;
    hp_discovery_then then = t->then;
    bool came = answer.outcome == HP_DISCOVERY_ANSWERED || answer.outcome == HP_DISCOVERY_LOOPED;
    d->lossy = d->lossy || (came && t->n_sent > 1);
    /* Karn's rule: one that was sent twice tells nothing about the round trip. */
    if (d->result.rtt == 0 && t->n_sent == 1 && answer.outcome == HP_DISCOVERY_ANSWERED) {
        d->result.rtt = answer.at - answer.first_sent;
    }
    t->then = NULL;
    then(d, now, &answer);
}

/* ---- what comes in ---- */

static bool is_understood(const hp_stun_msg *m)
{
    size_t cursor = 0;
    hp_stun_attr a;
    while (hp_stun_next(m, &cursor, &a)) {
        if (a.type < 0x8000 && hp_stun_attr_name(a.type) == NULL) {
            return false;
        }
    }
    return true;
}

/* False when the message says nothing of where the request came from. */
static bool read_mapped(hp_nat_discovery *d, const hp_stun_msg *m, hp_addr *ret)
{
    hp_stun_attr a;
    hp_addr plain = {0}, xored = {0};
    if (hp_stun_find_protected(m, HP_STUN_MAPPED_ADDRESS, &a) && !hp_stun_attr_addr(m, &a, false, &plain)) {
        return false;
    }
    if (hp_stun_find_protected(m, HP_STUN_XOR_MAPPED_ADDRESS, &a) && !hp_stun_attr_addr(m, &a, true, &xored)) {
        return false;
    }
    if (plain.family != HP_AF_NONE && xored.family != HP_AF_NONE && !hp_addr_equal(&plain, &xored)) {
        d->result.rewrites_payload = true;
    }
    *ret = xored.family != HP_AF_NONE ? xored : plain;
    return ret->family != HP_AF_NONE;
}

static void success(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_addr *from, const hp_stun_msg *m)
{
    hp_discovery_answer answer = {
        .outcome = HP_DISCOVERY_ANSWERED, .socket = socket, .from = *from, .length = m->length};
    hp_stun_attr a;
    if (!is_understood(m) || !read_mapped(d, m, &answer.mapped)) {
        settle(d, now, &(hp_discovery_answer){.outcome = HP_DISCOVERY_REFUSED});
        return;
    }
    if (hp_stun_find_protected(m, HP_STUN_OTHER_ADDRESS, &a)) {
        hp_addr other;
        answer.other = hp_stun_attr_addr(m, &a, false, &other) ? other : (hp_addr){0};
    }
    settle(d, now, &answer);
}

/* A request whose answer goes to another port may have it there; one with CHANGE-REQUEST, from elsewhere. */
static bool is_from_whom_we_asked(const hp_discovery_question *q, unsigned socket, const hp_addr *from)
{
    return (socket == q->socket || q->response_port != 0) && (hp_addr_equal(from, &q->to) || q->change != 0);
}

void hp_nat_discovery_input(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_addr *from, const uint8_t *data,
                            size_t len)
{
    const hp_discovery_transaction *t = &d->transaction;
    const hp_discovery_question *q = &t->question;
    hp_stun_msg m;
    hp_stun_attr a;
    unsigned code;
    if (t->then == NULL || t->n_sent == 0 || t->settled || socket >= G_N_ELEMENTS(d->sockets) ||
        !d->sockets[socket].open || !hp_stun_parse(data, len, &m) || !m.has_cookie || m.method != HP_STUN_BINDING ||
        memcmp(m.id, t->id, sizeof t->id) != 0 || hp_stun_check_fingerprint(&m) == HP_STUN_BAD) {
        return;
    }
    if (q->loops) {
        if (m.cls == HP_STUN_REQUEST) {
            settle(d, now, &(hp_discovery_answer){.outcome = HP_DISCOVERY_LOOPED, .socket = socket, .from = *from});
        }
        return;
    }
    if (!is_from_whom_we_asked(q, socket, from)) {
        return;
    }
    switch (m.cls) {
    case HP_STUN_REQUEST:
    case HP_STUN_INDICATION:
        break;
    case HP_STUN_SUCCESS:
        success(d, now, socket, from, &m);
        break;
    case HP_STUN_ERROR:
        if (hp_stun_find_protected(&m, HP_STUN_ERROR_CODE, &a) && hp_stun_attr_error(&a, &code, NULL, NULL)) {
            settle(d, now, &(hp_discovery_answer){.outcome = HP_DISCOVERY_REFUSED, .code = code});
        }
        break;
    }
}

void hp_nat_discovery_icmp(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_addr *to, hp_icmp_kind kind)
{
    const hp_discovery_transaction *t = &d->transaction;
    if (t->then == NULL || t->n_sent == 0 || t->settled || socket != t->question.socket ||
        !hp_addr_equal(to, &t->question.to) || (kind != HP_ICMP_PORT_UNREACHABLE && kind != HP_ICMP_ADMIN_PROHIBITED)) {
        return;
    }
    settle(d, now, &(hp_discovery_answer){.outcome = HP_DISCOVERY_UNREACHABLE, .icmp = kind});
}

/* ---- order ---- */

static const struct {
    uint32_t wanted; /* any of them */
    hp_discovery_wake begin;
} tests[] = {
    {HP_NAT_TEST_MAPPING, hp_discovery_mapping},
    {HP_NAT_TEST_FILTERING, hp_discovery_filtering},
    {HP_NAT_TEST_PORTS, hp_discovery_ports},
    {HP_NAT_TEST_HAIRPIN, hp_discovery_hairpin},
    {HP_NAT_TEST_FRAGMENTS, hp_discovery_fragments},
    {HP_NAT_TEST_LIFETIME | HP_NAT_TEST_REFRESH, hp_discovery_lifetime_search},
};

void hp_discovery_next(hp_nat_discovery *d, hp_time now)
{
    close_all(d);
    while (d->next_test < G_N_ELEMENTS(tests) && (tests[d->next_test].wanted & d->config.tests) == 0) {
        d->next_test++;
    }
    if (d->next_test == G_N_ELEMENTS(tests)) {
        hp_discovery_finish(d, now, HP_NAT_DISCOVERY_DONE);
        return;
    }
    /* By way of run(), so that tests that are skipped do not nest. */
    hp_discovery_wait(d, now, tests[d->next_test++].begin);
}

void hp_discovery_finish(hp_nat_discovery *d, hp_time now, hp_nat_discovery_status status)
{
    close_all(d);
    d->result.status = status;
    d->result.finished = now;
}

hp_time hp_nat_discovery_deadline(const hp_nat_discovery *d)
{
    if (d->result.status != HP_NAT_DISCOVERY_RUNNING) {
        return HP_NEVER;
    }
    return d->wake != NULL ? d->wake_at : d->transaction.due;
}

void hp_nat_discovery_run(hp_nat_discovery *d, hp_time now)
{
    while (hp_nat_discovery_deadline(d) <= now) {
        if (d->wake != NULL) {
            hp_discovery_wake wake = d->wake;
            d->wake = NULL;
            wake(d, now);
        } else if (d->transaction.settled) {
            conclude(d, now);
        } else {
            transmit(d, now);
        }
        g_assert(d->result.status != HP_NAT_DISCOVERY_RUNNING || d->wake != NULL || d->transaction.then != NULL);
    }
}

/* ---- life ---- */

hp_nat_discovery *hp_nat_discovery_new(const hp_nat_discovery_config *config, const hp_rng *rng, hp_time now,
                                       const hp_nat_discovery_ops *ops, void *user)
{
    hp_nat_discovery *d = g_new0(hp_nat_discovery, 1);
    hp_nat_discovery_config *c = &d->config;
    *c = *config;
    c->tests = c->tests != 0 ? c->tests : HP_NAT_TEST_ALL;
    c->rto = c->rto != 0 ? c->rto : 500 * HP_MS;
    c->rc = c->rc != 0 ? c->rc : 7;
    c->rm = c->rm != 0 ? c->rm : 16;
    c->padding = c->padding != 0 ? MIN(c->padding, HP_NAT_DISCOVERY_MAX_PADDING) : 1500;
    c->lifetime_step = c->lifetime_step != 0 ? c->lifetime_step : HP_S;
    c->lifetime_first = c->lifetime_first != 0 ? c->lifetime_first : 32 * HP_S;
    c->lifetime_max = c->lifetime_max != 0 ? c->lifetime_max : 1800 * HP_S;
    d->rng = *rng;
    d->ops = *ops;
    d->user = user;
    d->transaction.capacity = c->padding + 128u;
    d->transaction.bytes = g_malloc(d->transaction.capacity);
    hp_discovery_wait(d, now, hp_discovery_connectivity);
    return d;
}

void hp_nat_discovery_free(hp_nat_discovery *d)
{
    if (d == NULL) {
        return;
    }
    close_all(d);
    g_free(d->transaction.bytes);
    g_free(d);
}

const hp_nat_discovery_result *hp_nat_discovery_get_result(const hp_nat_discovery *d)
{
    return &d->result;
}
