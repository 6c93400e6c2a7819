/* A DNS server under test, with a zone of a few names, and its last answer on record. */
#ifndef HP_TESTS_ENGINES_DNS_SERVER_RIG_H
#define HP_TESTS_ENGINES_DNS_SERVER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/dns_server.h"
#include "wire/hex.h"

typedef struct rig {
    hp_dns_config config;
    hp_dns_host hosts[16];
    hp_dns_fault faults[4];
    hp_dns_server *server;
    hp_time now;
    /* the last answer */
    unsigned sent;
    hp_time at;
    hp_dns_path path;
    uint8_t bytes[HP_DNS_MAX];
    size_t length;
    hp_dns_msg msg;
    /* the last event */
    hp_dns_server_event event;
    unsigned events;
} rig;

static inline hp_addr addr_of(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline void on_send(void *user, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->sent++;
    r->at = now;
    r->path = *path;
    memcpy(r->bytes, data, len);
    r->length = len;
    assert_true(hp_dns_parse(r->bytes, len, &r->msg));
}

static inline void on_event(void *user, hp_time now, const hp_dns_server_event *event)
{
    rig *r = user;
    r->event = *event;
    r->events++;
}

static inline void add_host(rig *r, const char *name, const char *address, const char *cname)
{
    hp_dns_host *h = &r->hosts[r->config.n_hosts++];
    h->name = (char *)name;
    h->cname = (char *)cname;
    if (address != NULL) {
        h->addresses = g_new(hp_addr, 1);
        h->addresses[0] = addr_of(address);
        h->n_addresses = 1;
    }
}

static inline void start(rig *r)
{
    static const hp_dns_server_ops ops = {.send = on_send, .event = on_event};
    g_autoptr(GError) error = NULL;
    r->config.hosts = r->hosts;
    r->config.faults = r->faults;
    g_clear_pointer(&r->server, hp_dns_server_free);
    r->server = hp_dns_server_new(&r->config, &ops, r, &error);
    assert_null(error);
}

static inline int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    add_host(r, "turn.example", "192.0.2.1", NULL);
    add_host(r, "turn.example", "192.0.2.2", NULL);
    add_host(r, "both.example", "192.0.2.3", NULL);
    add_host(r, "both.example", "2001:db8::3", NULL);
    add_host(r, "alias.example", NULL, "turn.example");
    add_host(r, "far.example", NULL, "www.elsewhere.test");
    add_host(r, "loop.example", NULL, "pool.example");
    add_host(r, "pool.example", NULL, "loop.example");
    add_host(r, "deep.down.example", "192.0.2.9", NULL);
    add_host(r, "home.example", "10.0.0.1", NULL);
    add_host(r, "mapped.example", "::ffff:192.0.2.8", NULL);
    add_host(r, "mapped.example", "192.0.2.8", NULL);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    rig *r = *state;
    hp_dns_server_free(r->server);
    for (unsigned i = 0; i < r->config.n_hosts; i++) {
        g_free(r->hosts[i].addresses);
    }
    g_free(r);
    return 0;
}

static inline hp_dns_path path_of(bool stream)
{
    hp_dns_path p;
    memset(&p, 0, sizeof p);
    p.client = addr_of("192.0.2.100:5353");
    p.server = addr_of("192.0.2.53:53");
    p.stream = stream;
    return p;
}

static inline void ask_with(rig *r, const char *name, uint16_t type, uint16_t flags, uint16_t udp_size, bool dnssec_ok,
                            bool stream)
{
    uint8_t buf[512];
    hp_dns_writer w;
    hp_dns_question q = {.type = type, .cls = HP_DNS_IN};
    hp_dns_path path = path_of(stream);
    assert_true(hp_dns_name_parse(name, &q.name));
    hp_dns_begin(&w, buf, sizeof buf, 0x0102, flags);
    hp_dns_add_question(&w, &q);
    if (udp_size != 0) {
        hp_dns_add_opt(&w, udp_size, 0, dnssec_ok);
    }
    r->length = 0;
    hp_dns_server_input(r->server, r->now, &path, buf, hp_dns_finish(&w));
}

static inline void ask(rig *r, const char *name, uint16_t type)
{
    ask_with(r, name, type, HP_DNS_RD, 0, false, false);
}

/* The n-th record of the answer. */
static inline hp_dns_record record(const rig *r, unsigned n)
{
    hp_dns_cursor cursor = {0};
    hp_dns_record out;
    for (unsigned i = 0; i <= n; i++) {
        assert_true(hp_dns_next_record(&r->msg, &cursor, &out));
    }
    return out;
}

static inline void assert_address(const rig *r, unsigned n, const char *text)
{
    char buf[HP_ADDR_TEXT];
    hp_dns_record out = record(r, n);
    assert_string_equal(hp_addr_format(&out.addr, buf), text);
}

static inline void assert_answer(const rig *r, unsigned rcode, unsigned answers, unsigned authority)
{
    assert_int_not_equal(r->length, 0);
    assert_int_equal(r->msg.rcode, rcode);
    assert_int_equal(r->msg.n_records[HP_DNS_ANSWER], answers);
    assert_int_equal(r->msg.n_records[HP_DNS_AUTHORITY], authority);
    assert_int_equal(r->event.rcode, rcode);
}

#endif
