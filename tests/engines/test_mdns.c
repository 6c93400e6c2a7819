/* Multicast DNS: a link of a few hosts, what they say on it and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/mdns.h"
#include "wire/hex.h"

#define NAME "0f2a.local"

enum { HOSTS = 3, LOG = 64 };

typedef struct sent {
    hp_time at;
    unsigned host;
    hp_addr to;
    size_t length;
    uint8_t bytes[1500];
} sent;

typedef struct rig rig;
typedef struct host {
    rig *r;
    unsigned number;
    hp_addr address;
    hp_mdns_config config;
    hp_mdns *m;
    hp_mdns_result result;
    unsigned results, events;
    hp_mdns_event event;
} host;

struct rig {
    host hosts[HOSTS];
    hp_time now;
    bool cut; /* nothing is delivered */
    sent log[LOG];
    unsigned n_sent;
};

static hp_addr addr_of(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    host *h = user;
    rig *r = h->r;
    assert_in_range(r->n_sent, 0, LOG - 1);
    sent *s = &r->log[r->n_sent++];
    *s = (sent){.at = now, .host = h->number, .to = *to, .length = len};
    memcpy(s->bytes, data, len);
    hp_addr group = hp_mdns_group(HP_AF_IPV4);
    /* Multicast comes back to the sender, too. */
    for (unsigned i = 0; i < HOSTS && !r->cut; i++) {
        if (r->hosts[i].m != NULL && (hp_addr_equal(to, &group) || hp_addr_equal(to, &r->hosts[i].address))) {
            hp_mdns_input(r->hosts[i].m, now, &h->address, s->bytes, len);
        }
    }
}

static void on_result(void *user, hp_time now, const hp_mdns_result *result)
{
    host *h = user;
    h->results++;
    h->result = *result;
}

static void on_event(void *user, hp_time now, const hp_mdns_event *event)
{
    host *h = user;
    h->events++;
    h->event = *event;
}

static void start(rig *r, unsigned i)
{
    static const hp_mdns_ops ops = {.send = on_send, .result = on_result, .event = on_event};
    hp_rng rng;
    hp_rng_init(&rng, 1, i == 0 ? "a" : i == 1 ? "b" : "c");
    g_clear_pointer(&r->hosts[i].m, hp_mdns_free);
    r->hosts[i].m = hp_mdns_new(&r->hosts[i].config, true, false, &rng, &ops, &r->hosts[i]);
}

static int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    for (unsigned i = 0; i < HOSTS; i++) {
        r->hosts[i].r = r;
        r->hosts[i].number = i;
        r->hosts[i].address = hp_addr_v4(0xc0a80101 + i, HP_MDNS_PORT);
        start(r, i);
    }
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    for (unsigned i = 0; i < HOSTS; i++) {
        hp_mdns_free(r->hosts[i].m);
    }
    g_free(r);
    return 0;
}

static void run_to(rig *r, hp_time until)
{
    for (;;) {
        hp_time next = HP_NEVER;
        for (unsigned i = 0; i < HOSTS; i++) {
            next = MIN(next, hp_mdns_deadline(r->hosts[i].m));
        }
        if (next > until) {
            break;
        }
        r->now = MAX(r->now, next);
        for (unsigned i = 0; i < HOSTS; i++) {
            hp_mdns_run(r->hosts[i].m, r->now);
        }
    }
    r->now = until;
}

static void take_name(rig *r, unsigned i, const char *name, const char *address)
{
    hp_addr a = addr_of(address);
    g_autoptr(GError) error = NULL;
    assert_true(hp_mdns_register(r->hosts[i].m, r->now, name, &a, 1, &error));
}

static void assert_bytes(const sent *s, const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    assert_int_equal(s->length, g_bytes_get_size(bytes));
    assert_memory_equal(s->bytes, g_bytes_get_data(bytes, NULL), s->length);
}

/* Section 8.3: two announcements a second apart; 10.1: goodbye. */
static void test_announce(void **state)
{
    rig *r = *state;
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 10 * HP_S);
    assert_int_equal(r->n_sent, 2);
    assert_int_equal(r->log[0].at, 0);
    assert_int_equal(r->log[1].at, HP_S);
    hp_addr group = addr_of("224.0.0.251:5353");
    assert_true(hp_addr_equal(&r->log[0].to, &group));
    const char *announcement =
        "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a80101";
    assert_bytes(&r->log[0], announcement);
    assert_bytes(&r->log[1], announcement);
    assert_int_equal(r->hosts[0].events, 1);
    assert_int_equal(r->hosts[0].event.kind, HP_MDNS_EV_ANNOUNCED);
    hp_mdns_unregister(r->hosts[0].m, r->now, "0F2A.local");
    hp_mdns_unregister(r->hosts[0].m, r->now, "other.local");
    run_to(r, 11 * HP_S);
    assert_int_equal(r->n_sent, 3);
    assert_bytes(&r->log[2],
                 "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000000 0004 c0a80101");
    assert_int_equal(r->hosts[0].event.kind, HP_MDNS_EV_GOODBYE);
}

/* Section 8.1. */
static void test_probe(void **state)
{
    rig *r = *state;
    r->hosts[0].config.probe = true;
    start(r, 0);
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 10 * HP_S);
    assert_int_equal(r->n_sent, 5);
    hp_time first = r->log[0].at;
    assert_in_range(first, 0, 250 * HP_MS);
    static const hp_time after[] = {0, 250 * HP_MS, 500 * HP_MS, 750 * HP_MS, 1750 * HP_MS};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(r->log[i].at, first + after[i]);
    }
    assert_bytes(&r->log[0], "0000 0000 0001 0000 0001 0000 0430663261 056c6f63616c 00 00ff 8001"
                             "c00c 0001 0001 00000078 0004 c0a80101");
    assert_int_equal(r->log[3].bytes[2], 0x84);
}

static void test_query(void **state)
{
    rig *r = *state;
    r->hosts[0].config.silent = true;
    start(r, 0);
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, HP_S);
    assert_int_equal(r->n_sent, 0);
    assert_int_equal(hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL), 1);
    run_to(r, 2 * HP_S);
    assert_int_equal(r->n_sent, 2);
    /* The first query asks for unicast (5.4); never multicast before, so that the answer goes to all. */
    assert_bytes(&r->log[0], "0000 0000 0001 0000 0000 0000 0430663261 056c6f63616c 00 0001 8001");
    assert_bytes(&r->log[1], "0000 8400 0000 0001 0000 0001 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a80101"
                             "c00c 002f 8001 00000078 0005 c00c 0001 40");
    assert_int_equal(r->hosts[1].results, 1);
    assert_int_equal(r->hosts[1].result.status, HP_MDNS_FOUND);
    assert_int_equal(r->hosts[1].result.n_addresses, 1);
    assert_int_equal(r->hosts[1].result.sent, 1);
    hp_addr found = addr_of("192.168.1.1");
    assert_true(hp_addr_equal(&r->hosts[1].result.addresses[0], &found));
    assert_int_equal(r->hosts[0].event.kind, HP_MDNS_EV_ANSWERED);
    assert_false(r->hosts[0].event.unicast);
    /* The third host heard it as well. */
    hp_mdns_query(r->hosts[2].m, r->now, NAME, HP_DNS_ANY, NULL);
    run_to(r, 3 * HP_S);
    assert_int_equal(r->n_sent, 2);
    assert_int_equal(r->hosts[2].result.status, HP_MDNS_FOUND);
    assert_int_equal(r->hosts[2].result.sent, 0);
    /* After its TTL nobody knows it; the answer now goes to the one who asks, within a quarter of the TTL. */
    r->now = 130 * HP_S;
    hp_mdns_query(r->hosts[2].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 131 * HP_S);
    assert_int_equal(r->n_sent, 4);
    hp_mdns_query(r->hosts[0].m, r->now, NAME, HP_DNS_A, NULL); /* its own name */
    run_to(r, 132 * HP_S);
    assert_int_equal(r->n_sent, 4);
    assert_int_equal(r->hosts[0].result.status, HP_MDNS_FOUND);
}

/* Section 6.1. */
static void test_denied(void **state)
{
    rig *r = *state;
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 2 * HP_S);
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_AAAA, NULL);
    run_to(r, 3 * HP_S);
    assert_int_equal(r->hosts[1].result.status, HP_MDNS_NOTHING);
    /* Multicast a second ago: unicast, as was asked for. */
    assert_true(hp_addr_equal(&r->log[3].to, &r->hosts[1].address));
    assert_bytes(&r->log[3],
                 "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 002f 8001 00000078 0005 c00c 0001 40");
}

static void test_timeout(void **state)
{
    rig *r = *state;
    hp_mdns_query(r->hosts[1].m, 0, "nobody.local", HP_DNS_ANY, NULL);
    uint64_t other = hp_mdns_query(r->hosts[1].m, 0, "nobody.local", HP_DNS_A, NULL);
    hp_mdns_cancel(r->hosts[1].m, other);
    run_to(r, 10 * HP_S);
    assert_int_equal(r->n_sent, 3);
    assert_int_equal(r->log[1].at, HP_S);
    assert_int_equal(r->log[2].at, 3 * HP_S);
    assert_bytes(&r->log[2], "0000 0000 0002 0000 0000 0000 066e6f626f6479 056c6f63616c 00 0001 0001 c00c 001c 0001");
    assert_int_equal(r->hosts[1].results, 1);
    assert_int_equal(r->hosts[1].result.status, HP_MDNS_TIMED_OUT);
    assert_int_equal(r->hosts[1].result.sent, 3);
}

static void input(rig *r, unsigned host_number, const char *from, const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    hp_addr a = addr_of(from);
    hp_mdns_input(r->hosts[host_number].m, r->now, &a, data, len);
    run_to(r, r->now);
}

#define QUESTION "0430663261 056c6f63616c 00 0001 0001"

/* Section 6.7: plain DNS from another port. */
static void test_legacy(void **state)
{
    rig *r = *state;
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 2 * HP_S);
    input(r, 0, "192.168.1.9:40000", "beef 0100 0001 0000 0000 0000" QUESTION);
    assert_int_equal(r->n_sent, 3);
    hp_addr asker = addr_of("192.168.1.9:40000");
    assert_true(hp_addr_equal(&r->log[2].to, &asker));
    assert_bytes(&r->log[2], "beef 8500 0001 0001 0000 0001" QUESTION "c00c 0001 0001 0000000a 0004 c0a80101"
                             "c00c 002f 0001 0000000a 000f 0430663261 056c6f63616c 00 0001 40");
    assert_true(r->hosts[0].event.unicast);
}

/* Section 7.1: known answers; section 6: once a second. */
static void test_suppression(void **state)
{
    rig *r = *state;
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 10 * HP_S);
    input(r, 0, "192.168.1.9:5353", "0000 0000 0001 0001 0000 0000" QUESTION "c00c 0001 0001 0000003c 0004 c0a80101");
    assert_int_equal(r->n_sent, 2);
    input(r, 0, "192.168.1.9:5353", "0000 0000 0001 0001 0000 0000" QUESTION "c00c 0001 0001 0000003b 0004 c0a80101");
    assert_int_equal(r->n_sent, 3);
    input(r, 0, "192.168.1.9:5353", "0000 0000 0001 0000 0000 0000" QUESTION);
    assert_int_equal(r->n_sent, 3);
    r->now = 11 * HP_S;
    input(r, 0, "192.168.1.9:5353", "0000 0000 0001 0000 0000 0000" QUESTION);
    assert_int_equal(r->n_sent, 4);
    /* A probe is answered four times a second. */
    r->now = 11250 * HP_MS;
    input(r, 0, "192.168.1.9:5353", "0000 0000 0001 0000 0001 0000" QUESTION "c00c 0001 0001 00000078 0004 c0a80109");
    assert_int_equal(r->n_sent, 5);
}

/* Section 9, and 8.1: a name that is taken. */
static void test_conflict(void **state)
{
    rig *r = *state;
    take_name(r, 0, NAME, "192.168.1.1");
    run_to(r, 2 * HP_S);
    r->hosts[1].config.probe = true;
    start(r, 1);
    take_name(r, 1, NAME, "192.168.1.2");
    run_to(r, 5 * HP_S);
    assert_int_equal(r->hosts[1].events, 1);
    assert_int_equal(r->hosts[1].event.kind, HP_MDNS_EV_CONFLICT);
    assert_true(r->hosts[1].event.lost);
    assert_int_equal(r->n_sent, 4); /* two announcements, one probe, one defence */
    /* Someone who does not probe: the owner says again what is true, once a second at most. */
    unsigned before = r->n_sent;
    input(r, 0, "192.168.1.9:5353",
          "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a80109");
    assert_int_equal(r->n_sent, before + 1);
    assert_int_equal(r->hosts[0].event.kind, HP_MDNS_EV_CONFLICT);
    assert_false(r->hosts[0].event.lost);
    input(r, 0, "192.168.1.9:5353",
          "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a80109");
    assert_int_equal(r->n_sent, before + 1);
}

/* Section 8.2: both probe at once; the greater address wins, the other hears of it while it waits. */
static void test_tie(void **state)
{
    rig *r = *state;
    for (unsigned i = 0; i < 2; i++) {
        r->hosts[i].config.probe = true;
        start(r, i);
    }
    take_name(r, 0, NAME, "192.168.1.1");
    take_name(r, 1, NAME, "192.168.1.2");
    run_to(r, 10 * HP_S);
    assert_int_equal(r->hosts[1].events, 1);
    assert_int_equal(r->hosts[1].event.kind, HP_MDNS_EV_ANNOUNCED);
    assert_int_equal(r->hosts[0].event.kind, HP_MDNS_EV_CONFLICT);
    assert_true(r->hosts[0].event.lost);
}

/* Section 10.2: a record with the cache-flush bit ends older ones a second later; 10.1: so does a goodbye. */
static void test_cache(void **state)
{
    rig *r = *state;
    const char *old = "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a80109";
    const char *new = "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000078 0004 c0a8010a";
    const char *bye = "0000 8400 0000 0001 0000 0000 0430663261 056c6f63616c 00 0001 8001 00000000 0004 c0a8010a";
    input(r, 1, "192.168.1.9:1234", old); /* not from port 5353: not believed */
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 0);
    assert_int_equal(r->hosts[1].results, 0);
    input(r, 1, "192.168.1.9:5353", old);
    assert_int_equal(r->hosts[1].results, 1);
    r->now = 5 * HP_S;
    input(r, 1, "192.168.1.9:5353", new);
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 5 * HP_S);
    assert_int_equal(r->hosts[1].result.n_addresses, 2);
    r->now = 6 * HP_S;
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 6 * HP_S);
    assert_int_equal(r->hosts[1].result.n_addresses, 1);
    hp_addr left = addr_of("192.168.1.10");
    assert_true(hp_addr_equal(&r->hosts[1].result.addresses[0], &left));
    input(r, 1, "192.168.1.9:5353", bye);
    unsigned before = r->n_sent;
    r->now = 7 * HP_S;
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 7 * HP_S);
    assert_int_equal(r->n_sent, before + 1);
}

static void test_off_and_deaf(void **state)
{
    rig *r = *state;
    r->hosts[0].config.deaf = true;
    r->hosts[2].config.off = true;
    start(r, 0);
    start(r, 2);
    take_name(r, 0, NAME, "192.168.1.1");
    take_name(r, 2, "off.local", "192.168.1.3");
    r->cut = true;
    run_to(r, 5 * HP_S);
    r->cut = false;
    assert_int_equal(r->n_sent, 2);
    hp_mdns_query(r->hosts[1].m, r->now, NAME, HP_DNS_A, NULL);
    hp_mdns_query(r->hosts[1].m, r->now, "off.local", HP_DNS_A, NULL);
    hp_mdns_query(r->hosts[2].m, r->now, NAME, HP_DNS_A, NULL);
    run_to(r, 15 * HP_S);
    assert_int_equal(r->hosts[1].results, 2);
    assert_int_equal(r->hosts[1].result.status, HP_MDNS_TIMED_OUT);
    assert_int_equal(r->hosts[2].result.status, HP_MDNS_TIMED_OUT);
    assert_int_equal(r->hosts[2].result.sent, 0);
    g_autoptr(GError) error = NULL;
    hp_addr a = addr_of("192.168.1.1");
    assert_false(hp_mdns_register(r->hosts[0].m, r->now, "a.example", &a, 1, &error));
    assert_false(hp_mdns_register(r->hosts[0].m, r->now, NAME, &a, 1, NULL));
    assert_false(hp_mdns_register(r->hosts[0].m, r->now, "b.local", &a, 0, NULL));
    assert_int_equal(hp_mdns_query(r->hosts[0].m, r->now, "local", HP_DNS_A, NULL), 0);
    assert_int_equal(hp_mdns_query(r->hosts[0].m, r->now, NAME, HP_DNS_SRV, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_announce, setup, teardown),
        cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_query, setup, teardown),
        cmocka_unit_test_setup_teardown(test_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_legacy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_suppression, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tie, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off_and_deaf, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
