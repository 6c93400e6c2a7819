/* The discovery client against a scripted server: its schedule, its requests, and what it makes of servers that do less
 * than RFC 5780 asks for, of ICMP errors, and of noise. What it sees of real NATs is in tests/actors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/nat_discovery.h"
#include "wire/stun.h"

#define ONE_WAY (10 * HP_MS)

typedef struct sent {
    hp_time at;
    unsigned socket;
    hp_addr to;
    GBytes *bytes;
} sent;

typedef struct delivery {
    hp_time at;
    unsigned socket;
    hp_addr from;
    GBytes *bytes; /* NULL: an ICMP error about what was sent to `from` */
    hp_icmp_kind icmp;
} delivery;

/* What the server leaves out, as bits. */
enum {
    SILENT = 1 << 0,
    NO_OTHER = 1 << 1,
    OTHER_IS_ITSELF = 1 << 2,
    IGNORES_CHANGE = 1 << 3,
    REFUSES_CHANGE = 1 << 4,
    IGNORES_RESPONSE_PORT = 1 << 5,
    REFUSES_RESPONSE_PORT = 1 << 6,
    SHORT_PADDING = 1 << 7,
    REFUSES_PADDING = 1 << 8,
    ALG = 1 << 9, /* on the way: MAPPED-ADDRESS is rewritten */
    ODD_ATTRIBUTE = 1 << 10, /* one that has to be understood, and is not */
    REFUSES_ALL = 1 << 11, /* 401 */
    DROPS_FIRST = 1 << 12, /* each request's first transmission is lost */
};

/* The client's sockets are 10.0.0.2, ports from 50000 up unless asked for; they show as 192.0.2.1 with the same port,
 * unfiltered, until a socket has sent nothing for `lifetime`. */
typedef struct rig {
    hp_nat_discovery_config config;
    hp_nat_discovery *d;
    unsigned server; /* of the bits above */
    hp_time now, lifetime;
    GArray *sent; /* of sent */
    GArray *pending; /* of delivery, in order of time */
    bool open[HP_NAT_DISCOVERY_SOCKETS];
    uint16_t ports[HP_NAT_DISCOVERY_SOCKETS];
    hp_time last_sent[HP_NAT_DISCOVERY_SOCKETS];
    unsigned n_opened, n_open, refuse_from; /* no socket from the refuse_from-th on; 0: never */
    uint16_t next_port;
    uint16_t map_step; /* not 0: external ports are counted up by so much, from 20000, in the order of first requests */
    uint16_t next_mapped, mapped[HP_NAT_DISCOVERY_SOCKETS];
    hp_icmp_kind icmp; /* instead of answers */
    hp_rng noise; /* of `garbled` */
    uint32_t garbled; /* chance that an answer has wrong bytes, parts per billion */
} rig;

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static bool open_socket(void *user, unsigned socket, uint16_t port, hp_addr *ret_local)
{
    rig *r = user;
    assert_true(socket < HP_NAT_DISCOVERY_SOCKETS);
    assert_false(r->open[socket]);
    if (++r->n_opened >= r->refuse_from && r->refuse_from != 0) {
        return false;
    }
    r->open[socket] = true;
    r->n_open++;
    r->ports[socket] = port != 0 ? port : r->next_port++;
    r->last_sent[socket] = 0;
    r->mapped[socket] = 0;
    *ret_local = hp_addr_with_port(addr("10.0.0.2"), r->ports[socket]);
    return true;
}

static void close_socket(void *user, unsigned socket)
{
    rig *r = user;
    assert_true(r->open[socket]);
    r->open[socket] = false;
    r->n_open--;
}

static void deliver(rig *r, hp_time at, unsigned socket, const hp_addr *from, const void *bytes, size_t length)
{
    delivery d = {.at = at, .socket = socket, .from = *from, .bytes = g_bytes_new(bytes, length)};
    g_array_append_val(r->pending, d);
}

static bool has(const hp_stun_msg *m, uint16_t type)
{
    hp_stun_attr a;
    return hp_stun_find(m, type, &a);
}

/* The error code for a request, 0 when it is served. */
static unsigned refusal(const rig *r, const hp_stun_msg *m)
{
    if ((r->server & REFUSES_ALL) != 0) {
        return 401;
    }
    bool unknown = ((r->server & REFUSES_CHANGE) != 0 && has(m, HP_STUN_CHANGE_REQUEST)) ||
                   ((r->server & REFUSES_RESPONSE_PORT) != 0 && has(m, HP_STUN_RESPONSE_PORT)) ||
                   ((r->server & REFUSES_PADDING) != 0 && has(m, HP_STUN_PADDING));
    return unknown ? 420 : 0;
}

static void serve(rig *r, unsigned socket, const hp_addr *to, const hp_stun_msg *m)
{
    hp_addr mapped = hp_addr_with_port(addr("192.0.2.1"), r->ports[socket]), wrong = addr("10.0.0.2:7");
    hp_addr other = addr("203.0.113.2:3479"), from = *to;
    if (r->map_step != 0) {
        if (r->mapped[socket] == 0) {
            r->mapped[socket] = (uint16_t)(20000 + r->map_step * r->next_mapped++);
        }
        mapped.port = r->mapped[socket];
    }
    unsigned at_socket = socket, code = refusal(r, m);
    uint8_t out[2048];
    hp_stun_writer w;
    hp_stun_attr a;
    uint32_t flags;

    hp_stun_begin(&w, out, sizeof out, code != 0 ? HP_STUN_ERROR : HP_STUN_SUCCESS, HP_STUN_BINDING, m->id, NULL);
    if (code != 0) {
        hp_stun_add_error(&w, code, NULL);
    } else {
        hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &mapped, true);
        hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, (r->server & ALG) != 0 ? &wrong : &mapped, false);
        if ((r->server & NO_OTHER) == 0) {
            hp_stun_add_addr(&w, HP_STUN_OTHER_ADDRESS, (r->server & OTHER_IS_ITSELF) != 0 ? to : &other, false);
        }
        if ((r->server & ODD_ATTRIBUTE) != 0) {
            hp_stun_add_u32(&w, 0x7abc, 0);
        }
        if (hp_stun_find(m, HP_STUN_CHANGE_REQUEST, &a) && (r->server & IGNORES_CHANGE) == 0) {
            assert_true(hp_stun_attr_u32(&a, &flags));
            from = hp_addr_with_port((flags & 4) != 0 ? other : from, (flags & 2) != 0 ? other.port : from.port);
        }
        if (hp_stun_find(m, HP_STUN_PADDING, &a) && (r->server & SHORT_PADDING) == 0) {
            hp_stun_add(&w, HP_STUN_PADDING, a.value, a.length);
        }
        if (hp_stun_find(m, HP_STUN_RESPONSE_PORT, &a) && (r->server & IGNORES_RESPONSE_PORT) == 0) {
            assert_int_equal(a.length, 4);
            uint16_t port = (uint16_t)(a.value[0] << 8 | a.value[1]);
            for (at_socket = 0; at_socket < HP_NAT_DISCOVERY_SOCKETS; at_socket++) {
                if (r->open[at_socket] && r->ports[at_socket] == port) {
                    break;
                }
            }
            if (at_socket == HP_NAT_DISCOVERY_SOCKETS || r->now - r->last_sent[at_socket] > r->lifetime) {
                return; /* nobody is there */
            }
        }
    }
    size_t length = hp_stun_finish(&w);
    if (hp_rng_chance(&r->noise, r->garbled)) {
        for (unsigned n = 1 + (unsigned)hp_rng_below(&r->noise, 4); n > 0; n--) {
            out[hp_rng_below(&r->noise, length)] ^= (uint8_t)(1 << hp_rng_below(&r->noise, 8));
        }
    }
    deliver(r, r->now + 2 * ONE_WAY, at_socket, &from, out, length);
}

static bool send_datagram(void *user, hp_time now, unsigned socket, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    assert_true(r->open[socket]);
    assert_int_equal(now, r->now);
    const sent *last = r->sent->len > 0 ? &g_array_index(r->sent, sent, r->sent->len - 1) : NULL;
    bool again = last != NULL && g_bytes_get_size(last->bytes) == len &&
                 memcmp(g_bytes_get_data(last->bytes, NULL), data, len) == 0;
    sent s = {.at = now, .socket = socket, .to = *to, .bytes = g_bytes_new(data, len)};
    g_array_append_val(r->sent, s);
    r->last_sent[socket] = now;
    hp_stun_msg m;
    assert_true(hp_stun_parse(data, len, &m));
    assert_int_equal(m.method, HP_STUN_BINDING);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    if (r->icmp != HP_ICMP_NONE) {
        delivery d = {.at = now + ONE_WAY, .socket = socket, .from = *to, .icmp = r->icmp};
        g_array_append_val(r->pending, d);
    } else if (m.cls == HP_STUN_REQUEST && (r->server & SILENT) == 0 && to->ip[0] == 203 &&
               (again || (r->server & DROPS_FIRST) == 0)) {
        serve(r, socket, to, &m);
    }
    return true;
}

static void begin(rig *r)
{
    static const hp_nat_discovery_ops ops = {.open = open_socket, .close = close_socket, .send = send_datagram};
    hp_rng rng;
    hp_rng_init(&rng, 1, "probe");
    r->d = hp_nat_discovery_new(&r->config, &rng, r->now, &ops, r);
}

/* Next in time: a delivery, else the engine. False when it is over. */
static bool step(rig *r)
{
    hp_time deadline = hp_nat_discovery_deadline(r->d);
    if (r->pending->len > 0 && g_array_index(r->pending, delivery, 0).at <= deadline) {
        delivery d = g_array_index(r->pending, delivery, 0);
        g_array_remove_index(r->pending, 0);
        r->now = d.at;
        if (d.bytes != NULL) {
            gsize length;
            const uint8_t *bytes = g_bytes_get_data(d.bytes, &length);
            hp_nat_discovery_input(r->d, r->now, d.socket, &d.from, bytes, length);
            g_bytes_unref(d.bytes);
        } else {
            hp_nat_discovery_icmp(r->d, r->now, d.socket, &d.from, d.icmp);
        }
        return true;
    }
    if (deadline == HP_NEVER) {
        return false;
    }
    r->now = deadline;
    hp_nat_discovery_run(r->d, r->now);
    return true;
}

static const hp_nat_discovery_result *run(rig *r)
{
    begin(r);
    while (step(r)) {
    }
    const hp_nat_discovery_result *result = hp_nat_discovery_get_result(r->d);
    assert_int_not_equal(result->status, HP_NAT_DISCOVERY_RUNNING);
    assert_int_equal(r->n_open, 0);
    assert_int_equal(result->n_datagrams, r->sent->len);
    return result;
}

static void clear_sent(void *p)
{
    g_bytes_unref(((sent *)p)->bytes);
}

static void clear_delivery(void *p)
{
    g_clear_pointer(&((delivery *)p)->bytes, g_bytes_unref);
}

static int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    r->config.server = addr("203.0.113.1:3478");
    r->lifetime = 45 * HP_S;
    r->next_port = 50000;
    r->sent = g_array_new(FALSE, FALSE, sizeof(sent));
    g_array_set_clear_func(r->sent, clear_sent);
    r->pending = g_array_new(FALSE, FALSE, sizeof(delivery));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    hp_nat_discovery_free(r->d);
    assert_int_equal(r->n_open, 0);
    for (unsigned i = 0; i < r->pending->len; i++) {
        clear_delivery(&g_array_index(r->pending, delivery, i));
    }
    g_array_unref(r->pending);
    g_array_unref(r->sent);
    g_free(r);
    return 0;
}

static const sent *nth(const rig *r, unsigned i)
{
    assert_true(i < r->sent->len);
    return &g_array_index(r->sent, sent, i);
}

static hp_stun_msg message(const sent *s)
{
    hp_stun_msg m;
    gsize length;
    const uint8_t *bytes = g_bytes_get_data(s->bytes, &length);
    assert_true(hp_stun_parse(bytes, length, &m));
    return m;
}

#define assert_status(result, text) assert_string_equal(hp_nat_discovery_status_name((result)->status), text)

/* ---- the schedule ---- */

static void retransmits_as_rfc8489_says(void **state)
{
    static const hp_time times[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    rig *r = *state;
    r->server = SILENT;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "blocked");
    assert_int_equal(result->icmp, HP_ICMP_NONE);
    assert_int_equal(result->finished, 39500 * HP_MS);
    assert_int_equal(result->n_transactions, 1);
    assert_int_equal(r->sent->len, G_N_ELEMENTS(times));
    for (unsigned i = 0; i < G_N_ELEMENTS(times); i++) {
        assert_int_equal(nth(r, i)->at, times[i] * HP_MS);
        assert_true(g_bytes_equal(nth(r, i)->bytes, nth(r, 0)->bytes));
    }
}

static void retransmits_as_told(void **state)
{
    rig *r = *state;
    r->server = SILENT;
    r->config.rto = 100 * HP_MS;
    r->config.rc = 3;
    r->config.rm = 4;
    r->now = 7 * HP_S;
    const hp_nat_discovery_result *result = run(r);
    assert_int_equal(r->sent->len, 3);
    assert_int_equal(nth(r, 0)->at, 7000 * HP_MS);
    assert_int_equal(nth(r, 1)->at, 7100 * HP_MS);
    assert_int_equal(nth(r, 2)->at, 7300 * HP_MS);
    assert_int_equal(result->finished, 7700 * HP_MS);
}

/* RFC 5780 section 5: ten new transactions a second at most. */
static void paces_transactions(void **state)
{
    rig *r = *state;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "done");
    hp_time last = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < r->sent->len; i++) {
        hp_stun_msg m = message(nth(r, i));
        if (m.cls != HP_STUN_REQUEST || (i > 0 && g_bytes_equal(nth(r, i)->bytes, nth(r, i - 1)->bytes))) {
            continue;
        }
        assert_true(n++ == 0 || nth(r, i)->at - last >= 100 * HP_MS);
        last = nth(r, i)->at;
    }
    assert_int_equal(n, result->n_transactions);
}

static void survives_loss(void **state)
{
    rig *r = *state;
    r->server = DROPS_FIRST;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "done");
    assert_int_equal(result->known, HP_NAT_TEST_ALL);
    assert_int_equal(result->rtt, 0); /* nothing was answered that was sent once */
    assert_int_equal(result->mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(result->filtering, HP_NAT_ENDPOINT_INDEPENDENT);
}

/* ---- the requests ---- */

static void requests_are_what_the_rfc_wants(void **state)
{
    rig *r = *state;
    r->config.tests = HP_NAT_TEST_MAPPING | HP_NAT_TEST_FILTERING | HP_NAT_TEST_FRAGMENTS;
    const hp_nat_discovery_result *result = run(r);
    static const struct {
        const char *to;
        uint32_t change;
        unsigned padding;
        bool fresh; /* from another socket (port) than the one before */
    } wanted[] = {
        {"203.0.113.1:3478", 0, 0, true}, /* connectivity */
        {"203.0.113.1:3478", 0, 0, true}, /* mapping I, II */
        {"203.0.113.2:3478", 0, 0, false},    {"203.0.113.1:3478", 0, 0, true}, /* filtering I, II */
        {"203.0.113.1:3478", 6, 0, false},    {"203.0.113.1:3478", 0, 0, true}, /* fragments */
        {"203.0.113.1:3478", 0, 1500, false},
    };
    assert_int_equal(r->sent->len, G_N_ELEMENTS(wanted));
    assert_int_equal(r->n_opened, 4);
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        hp_stun_msg m = message(nth(r, i));
        hp_addr to = addr(wanted[i].to);
        hp_stun_attr a;
        uint32_t flags = 0;
        assert_true(hp_addr_equal(&nth(r, i)->to, &to));
        assert_int_equal(m.cls, HP_STUN_REQUEST);
        if (hp_stun_find(&m, HP_STUN_CHANGE_REQUEST, &a)) {
            assert_true(hp_stun_attr_u32(&a, &flags));
        }
        assert_int_equal(flags, wanted[i].change);
        assert_int_equal(hp_stun_find(&m, HP_STUN_PADDING, &a) ? a.length : 0, wanted[i].padding);
        assert_false(has(&m, HP_STUN_RESPONSE_PORT));
    }
    assert_int_equal(result->known, r->config.tests);
    assert_int_equal(result->mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(result->filtering, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(result->fragments, HP_NAT_PASSAGE_BOTH);
    assert_int_equal(result->rtt, 2 * ONE_WAY);
    hp_addr mapped = addr("192.0.2.1:50000"), local = addr("10.0.0.2:50000"), other = addr("203.0.113.2:3479");
    assert_true(hp_addr_equal(&result->mapped, &mapped));
    assert_true(hp_addr_equal(&result->local, &local));
    assert_true(hp_addr_equal(&result->other, &other));
    assert_true(result->natted);
}

/* Silences tried for 45 s: doubled, then halved; each k and a half seconds less half a round trip. */
static void lifetime_search(void **state)
{
    static const unsigned tried[] = {32, 64, 48, 40, 44, 46, 45};
    rig *r = *state;
    r->config.tests = HP_NAT_TEST_LIFETIME;
    const hp_nat_discovery_result *result = run(r);
    unsigned n = 0;
    hp_time born[32] = {0}; /* by port, from 50000 up */
    for (unsigned i = 0; i < r->sent->len; i++) {
        hp_stun_msg m = message(nth(r, i));
        hp_stun_attr a;
        if (i > 0 && g_bytes_equal(nth(r, i)->bytes, nth(r, i - 1)->bytes)) {
            continue;
        }
        if (!hp_stun_find(&m, HP_STUN_RESPONSE_PORT, &a)) {
            unsigned port = 50001 + n + (n > 0); /* X of this round: the second socket was Y */
            if (born[port - 50000] == 0) {
                born[port - 50000] = nth(r, i)->at;
            }
            continue;
        }
        assert_true(n < G_N_ELEMENTS(tried));
        unsigned port = (unsigned)(a.value[0] << 8 | a.value[1]);
        assert_int_equal(port, 50001 + n + (n > 0));
        assert_int_equal(nth(r, i)->at - born[port - 50000], tried[n] * HP_S + 500 * HP_MS - ONE_WAY);
        n++;
    }
    assert_int_equal(n, G_N_ELEMENTS(tried));
    assert_int_equal(result->lifetime, 45 * HP_S);
    assert_int_equal(result->lifetime_at_least, 44500 * HP_MS - ONE_WAY);
    assert_int_equal(result->lifetime_below, 45500 * HP_MS + ONE_WAY);
    assert_false(result->lifetime_open);
}

static void lifetime_without_end(void **state)
{
    rig *r = *state;
    r->lifetime = HP_NEVER;
    r->config.lifetime_max = 100 * HP_S;
    r->config.lifetime_first = 1000 * HP_S; /* never beyond the longest */
    const hp_nat_discovery_result *result = run(r);
    assert_int_equal(result->known, HP_NAT_TEST_ALL & ~HP_NAT_TEST_REFRESH);
    assert_true(result->lifetime_open);
    assert_int_equal(result->lifetime, 100 * HP_S);
    assert_int_equal(result->lifetime_at_least, 100500 * HP_MS - ONE_WAY);
    assert_true(result->lifetime_below == HP_NEVER);
}

static void mapping_that_dies_at_once(void **state)
{
    rig *r = *state;
    r->lifetime = 100 * HP_MS;
    r->config.tests = HP_NAT_TEST_LIFETIME | HP_NAT_TEST_REFRESH;
    const hp_nat_discovery_result *result = run(r);
    assert_int_equal(result->known, HP_NAT_TEST_LIFETIME);
    assert_int_equal(result->lifetime, 0);
    assert_int_equal(result->lifetime_at_least, 0);
    assert_int_equal(result->lifetime_below, 500 * HP_MS + ONE_WAY);
}

/* Four even ports first, then their odd neighbours. */
static void port_assignment(void **state)
{
    static const struct {
        uint16_t step;
        hp_nat_ports ports;
        bool parity, contiguity;
    } cases[] = {
        {0, HP_NAT_PORTS_PRESERVE, true, true},
        {1, HP_NAT_PORTS_SEQUENTIAL, false, false},
        {2, HP_NAT_PORTS_SEQUENTIAL, false, false},
        {8, HP_NAT_PORTS_SEQUENTIAL, false, false}, /* others take ports too */
        {9, HP_NAT_PORTS_RANDOM, false, false},
    };
    rig *r = *state;
    r->config.tests = HP_NAT_TEST_PORTS;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        r->map_step = cases[i].step;
        const hp_nat_discovery_result *result = run(r);
        assert_int_equal(result->known, HP_NAT_TEST_PORTS);
        assert_int_equal(result->ports, cases[i].ports);
        assert_int_equal(result->parity, cases[i].parity);
        assert_int_equal(result->contiguity, cases[i].contiguity);
        assert_int_equal(result->pooling, HP_NAT_PAIRED);
        g_clear_pointer(&r->d, hp_nat_discovery_free);
        g_array_set_size(r->sent, 0);
    }
}

/* ---- servers that do less ---- */

static void half_a_server(void **state)
{
    static const struct {
        unsigned server;
        uint32_t unknown;
    } cases[] = {
        {0, 0},
        {NO_OTHER, HP_NAT_TEST_MAPPING | HP_NAT_TEST_FILTERING},
        {OTHER_IS_ITSELF, HP_NAT_TEST_MAPPING | HP_NAT_TEST_FILTERING},
        {IGNORES_CHANGE, HP_NAT_TEST_FILTERING},
        {REFUSES_CHANGE, HP_NAT_TEST_FILTERING},
        {IGNORES_RESPONSE_PORT, HP_NAT_TEST_LIFETIME | HP_NAT_TEST_REFRESH},
        {REFUSES_RESPONSE_PORT, HP_NAT_TEST_LIFETIME | HP_NAT_TEST_REFRESH},
        {REFUSES_PADDING, HP_NAT_TEST_FRAGMENTS},
        {SHORT_PADDING, 0},
    };
    rig *r = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        r->server = cases[i].server;
        const hp_nat_discovery_result *result = run(r);
        assert_status(result, "done");
        assert_int_equal(result->known, HP_NAT_TEST_ALL & ~cases[i].unknown);
        assert_false(result->rewrites_payload);
        if ((result->known & HP_NAT_TEST_FRAGMENTS) != 0) {
            assert_int_equal(result->fragments,
                             cases[i].server == SHORT_PADDING ? HP_NAT_PASSAGE_OUTBOUND : HP_NAT_PASSAGE_BOTH);
        }
        g_clear_pointer(&r->d, hp_nat_discovery_free);
        g_array_set_size(r->sent, 0);
    }
}

static void payload_rewritten_on_the_way(void **state)
{
    rig *r = *state;
    r->server = ALG;
    r->config.tests = HP_NAT_TEST_MAPPING;
    const hp_nat_discovery_result *result = run(r);
    assert_true(result->rewrites_payload);
    assert_int_equal(result->mapped.port, 50000); /* the one that was not rewritten */
}

static void refused(void **state)
{
    rig *r = *state;
    r->server = REFUSES_ALL;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "refused");
    assert_int_equal(result->error_code, 401);
    assert_int_equal(result->finished, 2 * ONE_WAY);
}

static void not_understood(void **state)
{
    rig *r = *state;
    r->server = ODD_ATTRIBUTE;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "refused");
    assert_int_equal(result->error_code, 0);
}

/* ---- ICMP ---- */

static void hard_errors_end_it(void **state)
{
    static const hp_icmp_kind hard[] = {HP_ICMP_PORT_UNREACHABLE, HP_ICMP_ADMIN_PROHIBITED};
    rig *r = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(hard); i++) {
        r->now = 0;
        r->icmp = hard[i];
        const hp_nat_discovery_result *result = run(r);
        assert_status(result, "blocked");
        assert_int_equal(result->icmp, hard[i]);
        assert_int_equal(result->finished, ONE_WAY);
        g_clear_pointer(&r->d, hp_nat_discovery_free);
        g_array_set_size(r->sent, 0);
    }
}

static void soft_errors_do_not(void **state)
{
    rig *r = *state;
    r->icmp = HP_ICMP_HOST_UNREACHABLE;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "blocked");
    assert_int_equal(result->icmp, HP_ICMP_NONE);
    assert_int_equal(result->finished, 39500 * HP_MS);
}

static void errors_about_others_do_not(void **state)
{
    rig *r = *state;
    hp_addr other = addr("203.0.113.1:3479");
    begin(r);
    hp_nat_discovery_icmp(r->d, 0, 0, &r->config.server, HP_ICMP_PORT_UNREACHABLE); /* nothing was sent yet */
    assert_true(step(r));
    hp_nat_discovery_icmp(r->d, 0, 0, &other, HP_ICMP_PORT_UNREACHABLE);
    hp_nat_discovery_icmp(r->d, 0, 1, &r->config.server, HP_ICMP_PORT_UNREACHABLE);
    assert_int_equal(hp_nat_discovery_deadline(r->d), 500 * HP_MS);
}

/* ---- noise ---- */

static size_t answer(const sent *s, hp_stun_class cls, uint8_t *out, size_t cap, bool fingerprint)
{
    hp_stun_msg m = message(s);
    hp_addr mapped = addr("192.0.2.1:50000");
    hp_stun_writer w;
    hp_stun_begin(&w, out, cap, cls, HP_STUN_BINDING, m.id, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &mapped, true);
    if (fingerprint) {
        hp_stun_add_fingerprint(&w);
    }
    return hp_stun_finish(&w);
}

static void noise_is_no_answer(void **state)
{
    rig *r = *state;
    uint8_t bytes[256];
    hp_addr other = addr("203.0.113.1:3479");
    const hp_addr *server = &r->config.server;
    r->server = SILENT;
    r->config.tests = HP_NAT_TEST_MAPPING;
    begin(r);
    hp_nat_discovery_input(r->d, 0, 0, server, (const uint8_t *)"early", 5);
    assert_true(step(r));
    const sent *s = nth(r, 0);
    size_t length = answer(s, HP_STUN_SUCCESS, bytes, sizeof bytes, true);

    hp_nat_discovery_input(r->d, 1, 0, server, NULL, 0);
    hp_nat_discovery_input(r->d, 1, 0, server, (const uint8_t *)"hello", 5);
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length - 1);
    hp_nat_discovery_input(r->d, 1, 0, &other, bytes, length); /* nobody asked there */
    hp_nat_discovery_input(r->d, 1, 3, server, bytes, length); /* no such socket */
    hp_nat_discovery_input(r->d, 1, 99, server, bytes, length);
    bytes[length - 1] ^= 1; /* FINGERPRINT */
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    bytes[length - 1] ^= 1;
    bytes[8] ^= 1; /* the id, with a FINGERPRINT that does not fit any more, and without one */
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    length = answer(s, HP_STUN_SUCCESS, bytes, sizeof bytes, false);
    bytes[8] ^= 1;
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    bytes[8] ^= 1;
    bytes[4] ^= 1; /* the cookie */
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    length = answer(s, HP_STUN_REQUEST, bytes, sizeof bytes, true); /* our own, sent back */
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    length = answer(s, HP_STUN_INDICATION, bytes, sizeof bytes, true);
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    length = answer(s, HP_STUN_ERROR, bytes, sizeof bytes, true); /* an error without a code */
    hp_nat_discovery_input(r->d, 1, 0, server, bytes, length);
    assert_int_equal(hp_nat_discovery_deadline(r->d), 500 * HP_MS);

    length = answer(s, HP_STUN_SUCCESS, bytes, sizeof bytes, true);
    hp_nat_discovery_input(r->d, 2, 0, server, bytes, length);
    assert_int_equal(hp_nat_discovery_deadline(r->d), 2);
    hp_nat_discovery_input(r->d, 2, 0, server, bytes, length); /* a duplicate */
    r->now = 2;
    hp_nat_discovery_run(r->d, 2);
    const hp_nat_discovery_result *result = hp_nat_discovery_get_result(r->d);
    assert_status(result, "done"); /* no OTHER-ADDRESS: there is nothing else to ask */
    assert_int_equal(result->known, 0);
    assert_int_equal(result->rtt, 2);
    hp_nat_discovery_input(r->d, 3, 0, server, bytes, length); /* late */
    hp_nat_discovery_icmp(r->d, 3, 0, server, HP_ICMP_PORT_UNREACHABLE);
    hp_nat_discovery_run(r->d, 3);
    assert_true(hp_nat_discovery_deadline(r->d) == HP_NEVER);
}

/* Wrong bytes anywhere in answers: it ends, in an orderly way. */
static void garbled_answers(void **state)
{
    rig *r = *state;
    unsigned n_of[HP_NAT_DISCOVERY_NO_SOCKET + 1] = {0};
    r->garbled = HP_PPB / 10;
    for (uint64_t seed = 0; seed < 300; seed++) {
        hp_rng_init(&r->noise, seed, "noise");
        const hp_nat_discovery_result *result = run(r);
        n_of[result->status]++;
        g_clear_pointer(&r->d, hp_nat_discovery_free);
        g_array_set_size(r->sent, 0);
    }
    assert_true(n_of[HP_NAT_DISCOVERY_DONE] > 200);
    assert_int_equal(n_of[HP_NAT_DISCOVERY_NO_SOCKET], 0);
}

/* A step far shorter than the round trip: the lifetime is as exact as the path lets it be. */
static void step_shorter_than_the_path(void **state)
{
    rig *r = *state;
    r->config.tests = HP_NAT_TEST_LIFETIME;
    r->config.lifetime_step = HP_US;
    r->config.lifetime_max = 60 * HP_S;
    const hp_nat_discovery_result *result = run(r);
    assert_int_equal(result->known, HP_NAT_TEST_LIFETIME);
    /* The rig counts from sending to serving: no delay between. So what was tried is what is told, half a round trip
     * shorter than the step that stands for it. */
    assert_int_equal(result->lifetime, 45 * HP_S + ONE_WAY);
    assert_int_equal(result->lifetime_below - result->lifetime_at_least, HP_US + 2 * ONE_WAY);
}

/* ---- sockets ---- */

static void no_sockets_at_all(void **state)
{
    rig *r = *state;
    r->refuse_from = 1;
    const hp_nat_discovery_result *result = run(r);
    assert_status(result, "no-socket");
    assert_int_equal(r->sent->len, 0);
}

/* Whichever socket is the last to be had, it ends, and says no more than it saw. */
static void sockets_run_out(void **state)
{
    rig *r = *state;
    const hp_nat_discovery_result *result = run(r);
    assert_int_equal(result->known, HP_NAT_TEST_ALL);
    unsigned all = r->n_opened;
    assert_true(all > 20);
    for (unsigned n = 2; n <= all; n++) {
        g_clear_pointer(&r->d, hp_nat_discovery_free);
        g_array_set_size(r->sent, 0);
        r->n_opened = 0;
        r->refuse_from = n;
        result = run(r);
        assert_status(result, "done");
        assert_true((result->known & HP_NAT_TEST_REFRESH) == 0);
        assert_int_equal((result->known & HP_NAT_TEST_MAPPING) != 0, n > 2);
        assert_int_equal((result->known & HP_NAT_TEST_FILTERING) != 0, n > 3);
        assert_int_equal((result->known & HP_NAT_TEST_PORTS) != 0, n > 11);
        assert_int_equal((result->known & HP_NAT_TEST_HAIRPIN) != 0, n > 13);
        assert_int_equal((result->known & HP_NAT_TEST_FRAGMENTS) != 0, n > 14);
    }
}

static void freed_under_way(void **state)
{
    rig *r = *state;
    begin(r);
    for (unsigned i = 0; i < 40; i++) {
        assert_true(step(r));
    }
    assert_true(r->n_open > 0);
    g_clear_pointer(&r->d, hp_nat_discovery_free);
    assert_int_equal(r->n_open, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(retransmits_as_rfc8489_says),
        TEST(retransmits_as_told),
        TEST(paces_transactions),
        TEST(survives_loss),
        TEST(requests_are_what_the_rfc_wants),
        TEST(lifetime_search),
        TEST(lifetime_without_end),
        TEST(mapping_that_dies_at_once),
        TEST(port_assignment),
        TEST(half_a_server),
        TEST(payload_rewritten_on_the_way),
        TEST(refused),
        TEST(not_understood),
        TEST(hard_errors_end_it),
        TEST(soft_errors_do_not),
        TEST(errors_about_others_do_not),
        TEST(noise_is_no_answer),
        TEST(garbled_answers),
        TEST(step_shorter_than_the_path),
        TEST(no_sockets_at_all),
        TEST(sockets_run_out),
        TEST(freed_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
