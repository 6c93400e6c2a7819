/* Fuzzes what reads names and port mapping requests from the network: the DNS codec, the DNS server and client,
 * multicast DNS, NAT-PMP, PCP and UPnP. The first byte of an input chooses one; of the rest, engines get a sequence of
 * messages, each behind two bytes: its length, and how far the clock goes on before it.
 *
 * Besides not crashing, these things must hold. A DNS message written anew from its records parses, and has the same
 * records. What DNS engines send parses. A gateway's mappings are what its NAT was asked to make and not yet to end,
 * never more than the limit; answers of NAT-PMP and PCP have their versions and lengths. No engine wants to run in the
 * past, nor for ever at one instant. */
#include <glib.h>
#include <string.h>

#include "check.h"
#include "engines/dns_client.h"
#include "engines/dns_server.h"
#include "engines/mdns.h"
#include "engines/pcp_client.h"
#include "engines/upnp_igd.h"

enum { LIMIT = 8, STEPS_AT_ONCE = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct feed {
    const uint8_t *data;
    size_t left;
    hp_time now;
} feed;

/* The next message, in memory of its very length. NULL at the end. */
static uint8_t *next_message(feed *f, size_t *ret_len)
{
    if (f->left < 2) {
        return NULL;
    }
    size_t announced = f->data[0] < 192 ? f->data[0] : 192U + (f->data[0] - 192U) * 8;
    size_t len = MIN(announced, f->left - 2);
    f->now += (hp_time)f->data[1] * f->data[1] * 16 * HP_MS;
    uint8_t *copy = g_malloc(len + 1);
    memcpy(copy, f->data + 2, len);
    f->data += 2 + len;
    f->left -= 2 + len;
    *ret_len = len;
    return copy;
}

#define RUN(deadline, run, until)                                                                                      \
    do {                                                                                                               \
        unsigned steps = 0;                                                                                            \
        while ((deadline) <= (until)) {                                                                                \
            run;                                                                                                       \
            CHECK(++steps < STEPS_AT_ONCE);                                                                            \
        }                                                                                                              \
    } while (0)

/* ---- the codec ---- */

static bool write_again(const hp_dns_msg *m, hp_dns_writer *w)
{
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    hp_dns_record r;
    while (hp_dns_next_question(m, &cursor, &q)) {
        if (!hp_dns_add_question(w, &q)) {
            return false;
        }
    }
    while (hp_dns_next_record(m, &cursor, &r)) {
        char text[HP_DNS_NAME_TEXT];
        hp_dns_name again;
        CHECK(hp_dns_name_parse(hp_dns_name_format(&r.name, text), &again) && hp_dns_name_equal(&again, &r.name));
        if (!hp_dns_add_record(w, &r)) {
            return false;
        }
    }
    return true;
}

static void fuzz_codec(const uint8_t *data, size_t size)
{
    static uint8_t buf[HP_DNS_MAX];
    hp_dns_msg m, n;
    hp_dns_writer w;
    hp_dns_cursor c = {0}, d = {0};
    hp_dns_record r, s;
    if (!hp_dns_parse(data, size, &m)) {
        return;
    }
    hp_dns_begin(&w, buf, sizeof buf, m.id, m.flags);
    w.multicast = (m.id & 1) != 0;
    if (!write_again(&m, &w)) {
        return;
    }
    CHECK(hp_dns_parse(buf, hp_dns_finish(&w), &n));
    CHECK(n.n_questions == m.n_questions && n.rcode == m.rcode);
    while (hp_dns_next_record(&m, &c, &r)) {
        CHECK(hp_dns_next_record(&n, &d, &s));
        CHECK(r.section == s.section && r.ttl == s.ttl && hp_dns_record_same(&r, &s));
    }
    CHECK(!hp_dns_next_record(&n, &d, &s));
}

/* ---- DNS server and client ---- */

static void check_dns(const uint8_t *data, size_t len)
{
    hp_dns_msg m;
    CHECK(hp_dns_parse(data, len, &m));
}

static void server_send(void *user, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len)
{
    check_dns(data, len);
    CHECK(path->stream || len <= HP_DNS_EDNS_UDP);
}

/* Half of the messages are made into queries about the names there are, so that not every one is FORMERR. */
static size_t make_query(uint8_t *message, size_t len, uint8_t out[static HP_DNS_MAX_UDP])
{
    static const char *const names[] = {
        "a",
        "b.a",
        "c.a",
        "d.a",
        "1.2.0.192.in-addr.arpa",
        "ipv4only.arpa",
        "1.0.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa",
    };
    static const uint16_t types[] = {HP_DNS_A, HP_DNS_AAAA, HP_DNS_PTR, HP_DNS_ANY, HP_DNS_CNAME, HP_DNS_SOA};
    if (len < 4 || message[0] % 2 == 0) {
        memcpy(out, message, MIN(len, HP_DNS_MAX_UDP));
        return MIN(len, HP_DNS_MAX_UDP);
    }
    hp_dns_writer w;
    hp_dns_question q = {.type = types[message[2] % G_N_ELEMENTS(types)], .cls = HP_DNS_IN};
    CHECK(hp_dns_name_parse(names[message[1] % G_N_ELEMENTS(names)], &q.name));
    hp_dns_begin(&w, out, HP_DNS_MAX_UDP, 1, message[3] % 2 == 0 ? HP_DNS_CD : HP_DNS_RD);
    hp_dns_add_question(&w, &q);
    if (message[3] % 4 < 2) {
        hp_dns_add_opt(&w, (uint16_t)(message[3] << 4), 0, message[3] % 8 == 0);
    }
    return hp_dns_finish(&w);
}

static void fuzz_server(feed *f)
{
    static const hp_dns_server_ops ops = {.send = server_send};
    hp_addr a[] = {hp_addr_v4(0xc0000201, 0), hp_addr_v4(0xc0000202, 0)};
    static const uint8_t v6_bytes[16] = {0x20, 0x01, 0x0d, 0xb8};
    hp_addr b[] = {hp_addr_v4(0x0a000001, 0), hp_addr_v6(v6_bytes, 0)};
    hp_prefix excluded = {.base = b[1], .bits = 64};
    hp_dns_host hosts[] = {
        {.name = "a", .addresses = a, .n_addresses = 2},
        {.name = "b.a", .cname = "a"},
        {.name = "c.a", .addresses = b, .n_addresses = 2},
        {.name = "d.a", .cname = "d.a"},
    };
    hp_dns_fault faults[] = {{.kind = HP_DNS_FAULT_DELAY, .nth_first = 2, .nth_last = 3, .delay_ns = HP_S},
                             {.kind = HP_DNS_FAULT_TRUNCATE, .nth_first = 4, .nth_last = 4}};
    hp_dns_config config = {.hosts = hosts, .n_hosts = 4, .dns64.on = true, .faults = faults, .n_faults = 2};
    config.dns64.exclude = &excluded;
    config.dns64.n_exclude = 1;
    uint8_t query[HP_DNS_MAX_UDP];
    g_autoptr(hp_dns_server) server = hp_dns_server_new(&config, &ops, NULL, NULL);
    hp_dns_path path;
    size_t len;
    memset(&path, 0, sizeof path);
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        len = make_query(message, len, query);
        hp_dns_server_input(server, f->now, &path, query, len);
        CHECK(hp_dns_server_deadline(server) > f->now);
        path.stream = !path.stream;
    }
}

typedef struct client_rig {
    unsigned results;
    uint8_t sent[HP_DNS_MAX_UDP]; /* the last message */
    size_t length;
} client_rig;

static void client_send(void *user, hp_time now, const hp_addr *server, bool stream, const uint8_t *data, size_t len)
{
    client_rig *r = user;
    check_dns(data, len);
    memcpy(r->sent, data, len);
    r->length = len;
}

static void client_result(void *user, hp_time now, const hp_dns_result *result)
{
    client_rig *r = user;
    r->results++;
    CHECK(result->n_addresses <= HP_DNS_CLIENT_MAX_ADDRESSES);
    CHECK(result->status != HP_DNS_FOUND || result->type == HP_DNS_PTR || result->n_addresses > 0);
}

static void fuzz_client(feed *f)
{
    static const hp_dns_client_ops ops = {.send = client_send, .result = client_result};
    hp_addr servers[] = {hp_addr_v4(1, 53), hp_addr_v4(2, 53)};
    hp_resolver_config config = {.servers = servers, .n_servers = 2};
    client_rig r = {0};
    hp_rng rng;
    hp_rng_init(&rng, 1, "fuzz");
    g_autoptr(hp_dns_client) client = hp_dns_client_new(&config, &rng, &ops, &r);
    static const uint16_t types[] = {HP_DNS_A, HP_DNS_AAAA, HP_DNS_PTR};
    size_t len;
    unsigned n = 0;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        hp_dns_client_query(client, f->now, "a", types[n % 3], HP_NEVER, NULL);
        n++;
        RUN(hp_dns_client_deadline(client), hp_dns_client_run(client, f->now), f->now);
        /* The fuzzer need not guess the id and the question "a": 12 bytes of header and 7 of question. */
        if (len >= 19 && r.length >= 19) {
            memcpy(message, r.sent, 2);
            memcpy(message + 12, r.sent + 12, 7);
        }
        hp_dns_client_input(client, f->now, &servers[n % 2], n % 5 == 0, message, len);
    }
    hp_time end = f->now + 100 * HP_S;
    RUN(hp_dns_client_deadline(client), hp_dns_client_run(client, hp_dns_client_deadline(client)), end);
    CHECK(r.results == n);
}

/* ---- multicast DNS ---- */

static void mdns_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    check_dns(data, len);
}

static void mdns_result(void *user, hp_time now, const hp_mdns_result *result)
{
    CHECK((result->status == HP_MDNS_FOUND) == (result->n_addresses > 0));
}

static void fuzz_mdns(feed *f, bool probe)
{
    static const hp_mdns_ops ops = {.send = mdns_send, .result = mdns_result};
    hp_mdns_config config = {.probe = probe};
    hp_addr own = hp_addr_v4(0xc0a80101, 0), from = hp_addr_v4(0xc0a80102, HP_MDNS_PORT);
    hp_rng rng;
    hp_rng_init(&rng, 1, "fuzz");
    g_autoptr(hp_mdns) m = hp_mdns_new(&config, true, true, &rng, &ops, NULL);
    hp_mdns_register(m, 0, "a.local", &own, 1, NULL);
    size_t len;
    unsigned n = 0;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        RUN(hp_mdns_deadline(m), hp_mdns_run(m, f->now), f->now);
        hp_mdns_query(m, f->now, "b.local", n % 2 == 0 ? HP_DNS_ANY : HP_DNS_AAAA, NULL);
        from.port = n++ % 3 == 0 ? 5000 : HP_MDNS_PORT;
        hp_mdns_input(m, f->now, &from, message, len);
    }
    hp_mdns_unregister(m, f->now, "a.local");
    RUN(hp_mdns_deadline(m), hp_mdns_run(m, f->now), f->now);
}

/* ---- a gateway ---- */

typedef struct gateway {
    int mappings; /* made and not ended */
    uint16_t next;
    hp_leases *leases;
} gateway;

static hp_lease_outcome gateway_map(void *user, hp_time now, const hp_lease_want *want, hp_addr *ret)
{
    gateway *g = user;
    CHECK(want->internal.port != 0 && (want->protocol == HP_LEASE_TCP || want->protocol == HP_LEASE_UDP));
    if (want->external.port == 666) {
        return want->exact ? HP_LEASE_TAKEN : HP_LEASE_NO_RESOURCES;
    }
    g->mappings++;
    *ret = hp_addr_v4(0xcb007105, want->external.port != 0 ? want->external.port : ++g->next + 1024);
    return HP_LEASE_GRANTED;
}

static void gateway_unmap(void *user, hp_time now, const hp_lease *lease)
{
    gateway *g = user;
    g->mappings--;
}

static bool gateway_external(void *user, uint8_t family, hp_addr *ret)
{
    *ret = hp_addr_v4(0xcb007105, 0);
    return family == HP_AF_IPV4;
}

static hp_leases *new_gateway(gateway *g, unsigned version)
{
    static const hp_lease_ops ops = {.map = gateway_map, .unmap = gateway_unmap, .external = gateway_external};
    hp_port_mapping_config config = {.max_mappings = LIMIT, .upnp_version = (uint8_t)version};
    g->leases = hp_leases_new(&config, 0, &ops, g);
    return g->leases;
}

static void check_gateway(const gateway *g, hp_time now)
{
    CHECK((unsigned)g->mappings == hp_leases_count(g->leases) && g->mappings <= LIMIT);
    CHECK(hp_leases_deadline(g->leases) > now);
}

static void pmp_answer(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    CHECK(len >= 4 && data[1] >= 128 && len <= 1100);
}

static void pcp_answer(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    CHECK(len >= HP_PCP_HEADER && len <= HP_PCP_MAX && len % 4 == 0);
    CHECK(data[0] == HP_PCP_VERSION && data[1] >= 128 && data[3] <= HP_PCP_EXCESSIVE_REMOTE_PEERS);
}

static void fuzz_port_control(feed *f)
{
    static const hp_nat_pmp_server_ops pmp_ops = {.send = pmp_answer};
    static const hp_pcp_server_ops pcp_ops = {.send = pcp_answer};
    static const uint8_t client_bytes[16] = {[10] = 0xff, 0xff, 192, 168, 1, 1};
    gateway g = {0};
    g_autoptr(hp_leases) leases = new_gateway(&g, 1);
    g_autoptr(hp_nat_pmp_server) pmp = hp_nat_pmp_server_new(leases, &pmp_ops, NULL);
    g_autoptr(hp_pcp_server) pcp = hp_pcp_server_new(leases, true, true, &pcp_ops, NULL);
    size_t len;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        hp_addr from = hp_addr_v4(0xc0a80101, 5000);
        if (len >= HP_PCP_HEADER && message[2] == 0) {
            memcpy(message + 8, client_bytes, sizeof client_bytes);
        }
        hp_port_control_input(pmp, pcp, f->now, &from, message, len);
        check_gateway(&g, f->now);
    }
}

/* ---- clients of gateways ---- */

typedef struct asked {
    uint8_t bytes[HP_PCP_MAX];
    size_t length;
} asked;

static void client_asks(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    asked *a = user;
    memcpy(a->bytes, data, len);
    a->length = len;
}

static void pmp_told(void *user, hp_time now, const hp_nat_pmp_client_event *event)
{
}

static void pcp_told(void *user, hp_time now, const hp_pcp_client_event *event)
{
}

static void fuzz_pmp_client(feed *f)
{
    static const hp_nat_pmp_client_ops ops = {.send = client_asks, .event = pmp_told};
    hp_port_client_config config = {.gateway = hp_addr_v4(0xc0a80101, 0)};
    asked a = {.length = 0};
    g_autoptr(hp_nat_pmp_client) client = hp_nat_pmp_client_new(&config, &ops, &a);
    hp_addr from = hp_addr_v4(0xc0a80101, HP_NAT_PMP_PORT);
    hp_nat_pmp_client_ask_address(client, 0);
    size_t len;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        hp_nat_pmp_client_map(client, f->now, len % 2 == 0 ? HP_LEASE_UDP : HP_LEASE_TCP, 5000, 0, 0);
        RUN(hp_nat_pmp_client_deadline(client), hp_nat_pmp_client_run(client, f->now), f->now);
        hp_nat_pmp_client_input(client, f->now, &from, message, len);
        hp_nat_pmp_client_unmap(client, f->now, len);
    }
    RUN(hp_nat_pmp_client_deadline(client), hp_nat_pmp_client_run(client, f->now), f->now);
}

static void fuzz_pcp_client(feed *f)
{
    static const hp_pcp_client_ops ops = {.send = client_asks, .event = pcp_told};
    hp_port_client_config config = {.gateway = hp_addr_v4(0xc0a80101, 0)};
    hp_addr local = hp_addr_v4(0xc0a80102, 0), from = hp_addr_v4(0xc0a80101, HP_PCP_PORT);
    asked a = {.length = 0};
    hp_rng rng;
    hp_rng_init(&rng, 1, "fuzz");
    g_autoptr(hp_pcp_client) client = hp_pcp_client_new(&config, &local, &rng, &ops, &a);
    size_t len;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        hp_pcp_wish wish = {.protocol = HP_LEASE_UDP, .internal_port = 5000};
        wish.remote = len % 3 == 0 ? hp_addr_v4(1, 1) : (hp_addr){0};
        hp_pcp_client_map(client, f->now, &wish);
        RUN(hp_pcp_client_deadline(client), hp_pcp_client_run(client, f->now), f->now);
        if (len >= HP_PCP_HEADER + 12) {
            /* The fuzzer need not guess the nonce. */
            memcpy(message + HP_PCP_HEADER, a.bytes + HP_PCP_HEADER, 12);
        }
        hp_pcp_client_input(client, f->now, &from, message, len);
        hp_pcp_client_unmap(client, f->now, len);
    }
    RUN(hp_pcp_client_deadline(client), hp_pcp_client_run(client, f->now), f->now);
}

/* ---- UPnP ---- */

static void upnp_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    CHECK(len > 0);
}

static void upnp_stream_send(void *user, hp_time now, void *stream, const uint8_t *data, size_t len)
{
    CHECK(len >= 9 && memcmp(data, "HTTP/1.1 ", 9) == 0);
}

static void upnp_close(void *user, hp_time now, void *stream)
{
    bool *closed = stream;
    CHECK(!*closed);
    *closed = true;
}

static void fuzz_upnp(feed *f, bool streams, unsigned version)
{
    static const hp_upnp_ops ops = {.send = upnp_send, .stream_send = upnp_stream_send, .stream_close = upnp_close};
    hp_addr inside = hp_addr_v4(0xc0a80101, 0), from = hp_addr_v4(0xc0a80102, 5000);
    hp_rng rng;
    hp_rng_init(&rng, 1, "fuzz");
    gateway g = {0};
    g_autoptr(hp_leases) leases = new_gateway(&g, version);
    g_autoptr(hp_upnp_igd) igd = hp_upnp_igd_new(leases, &inside, &rng, &ops, NULL);
    bool closed = false;
    hp_upnp_conn *conn = hp_upnp_igd_accepted(igd, &from, &closed);
    size_t len;
    for (uint8_t *message; (message = next_message(f, &len)) != NULL; g_free(message)) {
        if (streams) {
            hp_upnp_igd_stream(conn, f->now, message, len);
        } else {
            hp_upnp_igd_input(igd, f->now, &from, message, len);
        }
        RUN(hp_upnp_igd_deadline(igd), hp_upnp_igd_run(igd, f->now), f->now);
        check_gateway(&g, f->now);
        if (closed) {
            hp_upnp_igd_closed(conn);
            closed = false;
            conn = hp_upnp_igd_accepted(igd, &from, &closed);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    feed f = {.data = data + 1, .left = size - 1, .now = 0};
    switch (data[0] % 11) {
    case 0:
        fuzz_codec(data + 1, size - 1);
        break;
    case 1:
        fuzz_server(&f);
        break;
    case 2:
        fuzz_client(&f);
        break;
    case 3:
    case 4:
        fuzz_mdns(&f, data[0] % 11 == 4);
        break;
    case 5:
        fuzz_port_control(&f);
        break;
    case 6:
        fuzz_pmp_client(&f);
        break;
    case 7:
        fuzz_pcp_client(&f);
        break;
    case 8:
        fuzz_upnp(&f, false, 1);
        break;
    case 9:
    case 10:
        fuzz_upnp(&f, true, data[0] % 11 == 9 ? 1 : 2);
        break;
    }
    return 0;
}
