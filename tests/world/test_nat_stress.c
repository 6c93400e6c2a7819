/* Many mappings: the tables stay consistent, behave like a naive model under random traffic, and stay small. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "world/nat_private.h"
#include "world/nat_rig.h"

/* ---- what nat_table.h promises ---- */

static void check_tables(const hp_nat *nat)
{
    const hp_nat_table *t = &nat->table;
    uint32_t n = 0, heap = 0, tuples = 0, sessions = 0, by_kind[HP_NAT_N_PROTOS][HP_NAT_N_KINDS] = {{0}};
    uint32_t connections = 0, by_age = 0;
    hp_time before = 0;

    for (uint32_t id = t->by_creation.next, previous = 0; id; id = hp_nat_cold(t, id)->by_creation.next) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        const hp_nat_mapping_cold *cold = hp_nat_cold(t, id);
        assert_int_equal(cold->by_creation.previous, previous);
        assert_true(cold->created >= before);
        assert_int_equal(hp_nat_table_find(t, m->kind, m->proto, &m->internal, &m->remote), id);
        assert_int_equal(hp_nat_ports_lookup(nat, m->proto, m->external, m->port, &m->remote), id);
        const hp_nat_heap_entry *entry = &t->heaps[m->timer].entries[cold->heap_index];
        assert_in_range(cold->heap_index, 0, t->heaps[m->timer].n - 1);
        assert_int_equal(entry->id, id);
        assert_true(entry->refreshed <= m->refreshed);
        assert_true(hp_nat_session_has(t, id, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, &m->remote));
        tuples += (m->flags & HP_NAT_TUPLED) != 0;
        sessions += m->n_sessions - 1;
        by_kind[m->proto][m->kind]++;
        assert_int_equal(m->proto == HP_NAT_TCP, cold->n_tcp > 0);
        uint32_t session = cold->tcp;
        for (uint32_t i = 0; i < cold->n_tcp; i++) {
            session = nat->tcp.records[session].by_mapping.next;
            assert_int_equal(nat->tcp.records[session].mapping, id);
            assert_int_equal(hp_nat_tcp_find(&nat->tcp, &m->internal, &nat->tcp.records[session].remote), session);
        }
        assert_int_equal(session, cold->tcp);
        connections += cold->n_tcp;
        before = cold->created;
        previous = id;
        n++;
    }
    for (unsigned timer = 0; timer < HP_NAT_N_TIMERS; timer++) {
        const hp_nat_heap *h = &t->heaps[timer];
        heap += h->n;
        for (uint32_t i = 1; i < h->n; i++) {
            const hp_nat_heap_entry *a = &h->entries[(i - 1) / 4], *b = &h->entries[i];
            assert_true(a->refreshed < b->refreshed || (a->refreshed == b->refreshed && a->id < b->id));
        }
    }
    assert_int_equal(n, t->n);
    assert_int_equal(heap, n);
    assert_int_equal(t->inside.count, n);
    assert_int_equal(t->tuples.count, tuples);
    assert_true(t->sessions.index.count >= sessions);
    assert_memory_equal(by_kind, t->n_of_kind, sizeof by_kind);
    for (unsigned i = 0; i < HP_NAT_TCP_N_STATES; i++) {
        hp_time last = 0;
        for (uint32_t id = nat->tcp.by_age[i].next, previous = 0; id; id = nat->tcp.records[id].by_age.next) {
            const hp_nat_tcp_session *s = &nat->tcp.records[id];
            assert_int_equal(s->by_age.previous, previous);
            assert_int_equal(s->state, i);
            assert_true(s->refreshed >= last);
            last = s->refreshed;
            previous = id;
            by_age++;
        }
    }
    assert_int_equal(connections, nat->tcp.index.count);
    assert_int_equal(connections, by_age);
}

/* ---- a hundred thousand ---- */

static hp_addr inside(uint32_t i)
{
    return hp_addr_v4(0x0a000000 + i / 1000 + 1, (uint16_t)(10000 + i % 1000));
}

static hp_packet *datagram(hp_addr src, hp_addr dst)
{
    return hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 0);
}

static void hundred_thousand_mappings(void **state)
{
    enum { N = 100000 };
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    c.ports = HP_NAT_PORTS_RANDOM;
    g_autoptr(hp_world) world = hp_world_new(3, NULL);
    hp_nat *nat = hp_nat_new(world, "nat", &c);
    probe *in = probe_new(world, "in"), *out = probe_new(world, "out");
    hp_node *node = hp_nat_node(nat);
    hp_node_connect(node, HP_NAT_INSIDE, &in->node, 0);
    hp_node_connect(node, HP_NAT_OUTSIDE, &out->node, 0);
    hp_addr pool[] = {addr("192.0.2.1"), addr("192.0.2.2"), addr("192.0.2.3")}, server = addr("198.51.100.1:3478");
    hp_nat_set_external(nat, pool, 3);

    g_autofree hp_addr *external = g_new(hp_addr, N);
    for (uint32_t i = 0; i < N; i++) {
        node->ops->receive(node, HP_NAT_INSIDE, datagram(inside(i), server));
        external[i] = probe_at(out, i)->p->src;
    }
    assert_int_equal(hp_nat_get_stats(nat).mappings, N);
    check_tables(nat);
    size_t per_mapping = hp_nat_memory(nat) / N;
    assert_in_range(per_mapping, 100, 160);

    /* Every second one is refreshed, the others end, all in the right order. */
    assert_true(hp_world_run_until(world, 10 * HP_S, NULL));
    for (uint32_t i = 0; i < N; i += 2)
        node->ops->receive(node, HP_NAT_INSIDE, datagram(inside(i), server));
    assert_true(hp_world_run_until(world, 30 * HP_S, NULL));
    assert_int_equal(hp_nat_get_stats(nat).mappings, N / 2);
    check_tables(nat);
    for (uint32_t i = 0; i < N; i++) {
        unsigned before = in->hits->len;
        node->ops->receive(node, HP_NAT_OUTSIDE, datagram(server, external[i]));
        assert_int_equal(in->hits->len - before, i % 2 == 0);
        if (i % 2 == 0) {
            hp_addr expected = inside(i);
            assert_true(hp_addr_equal(&probe_at(in, before)->p->dst, &expected));
        }
    }
    assert_true(hp_world_run_until(world, 40 * HP_S - 1, NULL));
    assert_int_equal(hp_nat_get_stats(nat).mappings, N / 2);
    assert_true(hp_world_run_until(world, 40 * HP_S, NULL));
    assert_int_equal(hp_nat_get_stats(nat).mappings, 0);
    check_tables(nat);
}

/* ---- against a model ---- */

enum { HOSTS = 6, PORTS = 4, REMOTES = 5, REMOTE_PORTS = 3, FLOWS = REMOTES * REMOTE_PORTS };

typedef struct model_mapping {
    bool alive, replied;
    hp_addr external;
    hp_time refreshed;
    bool sessions[FLOWS];
} model_mapping;

typedef struct model {
    hp_nat_config config;
    /* One for each inside endpoint and what the mapping behaviour tells apart. */
    model_mapping mappings[HOSTS * PORTS][FLOWS];
} model;

static hp_addr model_inside(unsigned i)
{
    return hp_addr_v4(0xc0a80102 + i / PORTS, (uint16_t)(5000 + i % PORTS));
}

static hp_addr model_remote(unsigned flow)
{
    return hp_addr_v4(0xc6336401 + flow / REMOTE_PORTS, (uint16_t)(3000 + flow % REMOTE_PORTS));
}

static unsigned model_key(const model *m, unsigned flow)
{
    switch (m->config.mapping) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return 0;
    case HP_NAT_ADDRESS_DEPENDENT:
        return flow / REMOTE_PORTS;
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return flow;
    }
    return 0;
}

static hp_time model_timeout(const model *m, const model_mapping *mm)
{
    return mm->replied ? m->config.udp_timeout : m->config.udp_unreplied_timeout;
}

static unsigned model_expire(model *m, hp_time now)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HOSTS * PORTS; i++) {
        for (unsigned k = 0; k < FLOWS; k++) {
            model_mapping *mm = &m->mappings[i][k];
            if (mm->alive && mm->refreshed + model_timeout(m, mm) <= now)
                *mm = (model_mapping){0};
            n += mm->alive;
        }
    }
    return n;
}

static bool model_admits(const model *m, const model_mapping *mm, unsigned flow)
{
    bool admitted = false;
    for (unsigned f = 0; f < FLOWS; f++) {
        if (mm->sessions[f])
            admitted = admitted || m->config.filtering == HP_NAT_ENDPOINT_INDEPENDENT || f == flow ||
                       (m->config.filtering == HP_NAT_ADDRESS_DEPENDENT && f / REMOTE_PORTS == flow / REMOTE_PORTS);
    }
    return admitted;
}

/* Whether a remote's flow would belong to that mapping if mappings share their external port. */
static bool model_claims(const model *m, unsigned key, unsigned flow)
{
    return m->config.mapping == HP_NAT_ENDPOINT_INDEPENDENT || key == model_key(m, flow);
}

static void model_out(model *m, rig *r, unsigned i, unsigned flow)
{
    hp_time now = hp_world_now(r->world);
    unsigned key = model_key(m, flow);
    model_mapping *mm = &m->mappings[i][key];
    rig_give(r, HP_NAT_INSIDE, datagram(model_inside(i), model_remote(flow)));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    assert_non_null(p);
    if (mm->alive) {
        assert_true(hp_addr_equal(&p->src, &mm->external));
    } else {
        for (unsigned j = 0; j < HOSTS * PORTS; j++) {
            for (unsigned k = 0; k < FLOWS; k++) {
                const model_mapping *other = &m->mappings[j][k];
                assert_false(other->alive && hp_addr_equal(&other->external, &p->src) &&
                             (!m->config.overload || k == key));
            }
        }
        *mm = (model_mapping){.alive = true, .external = p->src, .refreshed = now};
    }
    mm->sessions[flow] = true;
    if (m->config.refresh != HP_NAT_REFRESH_INBOUND)
        mm->refreshed = now;
}

static void model_in(model *m, rig *r, unsigned i, unsigned key, unsigned flow)
{
    model_mapping *mm = &m->mappings[i][key];
    if (!mm->alive || (m->config.overload && !model_claims(m, key, flow)))
        return;
    hp_addr to = model_inside(i);
    rig_give(r, HP_NAT_OUTSIDE, datagram(model_remote(flow), mm->external));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(p != NULL, model_admits(m, mm, flow));
    if (!p)
        return;
    assert_true(hp_addr_equal(&p->dst, &to));
    mm->replied = true;
    if (m->config.refresh != HP_NAT_REFRESH_OUTBOUND)
        mm->refreshed = hp_world_now(r->world);
}

static void behaves_like_the_model(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 11, "model");
    for (unsigned round = 0; round < 60; round++) {
        g_autofree model *m = g_new0(model, 1);
        m->config = hp_nat_config_default();
        m->config.mapping = (hp_nat_behaviour)(round % 3);
        m->config.filtering = (hp_nat_behaviour)(round / 3 % 3);
        m->config.ports = (hp_nat_ports)hp_rng_below(&rng, 3);
        m->config.collision = (hp_nat_collision)hp_rng_below(&rng, 2);
        m->config.overload = hp_rng_below(&rng, 2) && round % 3 != 0;
        m->config.port_parity = hp_rng_below(&rng, 2);
        m->config.refresh = (hp_nat_refresh)hp_rng_below(&rng, 3);
        m->config.udp_timeout = 20 * HP_S;
        m->config.udp_unreplied_timeout = (5 + hp_rng_below(&rng, 20)) * HP_S;
        g_autoptr(rig) r = rig_new_seeded(round, &m->config, round % 2 ? "192.0.2.1" : "192.0.2.1 192.0.2.2");

        for (unsigned step = 0; step < 600; step++) {
            if (hp_rng_below(&rng, 3) == 0)
                rig_until(r, hp_world_now(r->world) + hp_rng_below(&rng, 4 * HP_S));
            assert_int_equal(model_expire(m, hp_world_now(r->world)), hp_nat_get_stats(r->nat).mappings);
            unsigned i = (unsigned)hp_rng_below(&rng, HOSTS * PORTS), flow = (unsigned)hp_rng_below(&rng, FLOWS);
            if (hp_rng_below(&rng, 2))
                model_out(m, r, i, flow);
            else
                model_in(m, r, i, model_key(m, (unsigned)hp_rng_below(&rng, FLOWS)), flow);
        }
        check_tables(r->nat);
    }
}

static void the_same_seed_gives_the_same_trace(void **state)
{
    g_autofree char *first = NULL;
    gsize first_length = 0;
    for (unsigned run = 0; run < 2; run++) {
        hp_nat_config c = hp_nat_config_default();
        c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
        c.ports = HP_NAT_PORTS_RANDOM;
        c.overload = true;
        c.inbound_first = true;
        c.max_mappings = 300;
        c.eviction = HP_NAT_EVICT_LEAST_RECENT;
        g_autoptr(rig) r = rig_new_seeded(5, &c, "192.0.2.1 192.0.2.2");
        hp_rng rng;
        hp_rng_init(&rng, 5, "traffic");
        for (unsigned step = 0; step < 3000; step++) {
            unsigned i = (unsigned)hp_rng_below(&rng, 200), flow = (unsigned)hp_rng_below(&rng, 20);
            hp_addr e = hp_addr_v4(0xc0000201, (uint16_t)(1024 + hp_rng_below(&rng, 60000)));
            rig_give(r, HP_NAT_INSIDE, datagram(model_inside(i), model_remote(flow)));
            rig_give(r, HP_NAT_OUTSIDE, datagram(model_remote(flow), e));
            if (step % 7 == 0)
                rig_until(r, hp_world_now(r->world) + HP_S);
            if (step == 2000)
                hp_nat_rebind(r->nat, NULL);
        }
        check_tables(r->nat);
        g_autofree char *path = g_strdup_printf("%s/nat-stress-%d.jsonl", g_get_tmp_dir(), (int)getpid());
        assert_true(hp_trace_write_events(r->trace, path, NULL));
        g_autofree char *text = NULL;
        gsize length;
        assert_true(g_file_get_contents(path, &text, &length, NULL));
        assert_int_equal(g_unlink(path), 0);
        assert_true(length > 100000);
        if (!first) {
            first = g_steal_pointer(&text);
            first_length = length;
        } else {
            assert_int_equal(length, first_length);
            assert_memory_equal(text, first, length);
        }
    }
}

static void random_changes_leave_the_tables_whole(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 21, "changes");
    for (unsigned round = 0; round < 30; round++) {
        hp_nat_config c = hp_nat_config_default();
        g_autoptr(rig) r = rig_new_seeded(round, &c, "192.0.2.1 192.0.2.2");
        hp_addr other[] = {addr("192.0.2.3"), addr("192.0.2.4")}, host = addr("192.168.1.3");
        for (unsigned step = 0; step < 400; step++) {
            hp_addr e =
                hp_addr_v4(0xc0000201 + (uint32_t)hp_rng_below(&rng, 4), (uint16_t)(1024 + hp_rng_below(&rng, 6000)));
            unsigned i = (unsigned)hp_rng_below(&rng, HOSTS * PORTS), flow = (unsigned)hp_rng_below(&rng, FLOWS);
            rig_give(r, HP_NAT_INSIDE, datagram(model_inside(i), hp_rng_below(&rng, 8) ? model_remote(flow) : e));
            rig_give(r, HP_NAT_OUTSIDE, datagram(model_remote(flow), e));
            switch (hp_rng_below(&rng, 12)) {
            case 0:
                rig_until(r, hp_world_now(r->world) + hp_rng_below(&rng, 60 * HP_S));
                break;
            case 1:
                c.mapping = (hp_nat_behaviour)hp_rng_below(&rng, 3);
                c.filtering = (hp_nat_behaviour)hp_rng_below(&rng, 3);
                c.ports = (hp_nat_ports)hp_rng_below(&rng, 3);
                c.overload = hp_rng_below(&rng, 2);
                c.port_contiguity = hp_rng_below(&rng, 2);
                c.port_block = (uint16_t)(hp_rng_below(&rng, 2) * 64);
                c.pooling = (hp_nat_pooling)hp_rng_below(&rng, 2);
                c.hairpin = (hp_nat_hairpin)hp_rng_below(&rng, 3);
                c.inbound_first = hp_rng_below(&rng, 2);
                c.max_mappings = (uint32_t)hp_rng_below(&rng, 2) * 40;
                c.max_mappings_per_host = (uint32_t)hp_rng_below(&rng, 2) * 8;
                c.eviction = (hp_nat_eviction)hp_rng_below(&rng, 3);
                c.max_lifetime = hp_rng_below(&rng, 2) * 50 * HP_S;
                c.max_sessions_per_mapping = (uint32_t)hp_rng_below(&rng, 4);
                hp_nat_configure(r->nat, &c, "random");
                break;
            case 2:
                hp_nat_rebind(r->nat, hp_rng_below(&rng, 2) ? &host : NULL);
                break;
            case 3:
                if (hp_rng_below(&rng, 20) == 0)
                    hp_nat_renumber(r->nat, other, 2);
                break;
            default:
                break;
            }
        }
        check_tables(r->nat);
        rig_until(r, hp_world_now(r->world) + 1000 * HP_S);
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
        assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), rig_count(r, HP_EV_NAT_MAPPING_ENDED));
    }
}

/* ---- TCP ---- */

static hp_packet *any_segment(hp_rng *rng, hp_addr src, hp_addr dst)
{
    static const uint8_t flags[] = {SYN, SYN, SYN, SYN_ACK, SYN_ACK, ACK, ACK, ACK, FIN, FIN, RST, RST_ACK, 0, 0xff};
    hp_tcp_header h = {.seq = (uint32_t)hp_rng_below(rng, 3),
                       .ack = (uint32_t)hp_rng_below(rng, 3),
                       .window = 2,
                       .flags = flags[hp_rng_below(rng, G_N_ELEMENTS(flags))],
                       .has_window_scale = hp_rng_below(rng, 2),
                       .window_scale = 1};
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &src, &dst, bytes, n);
    p->corrupt = hp_rng_below(rng, 20) == 0;
    if (hp_rng_below(rng, 30) == 0) {
        for (unsigned i = 0; i < p->length; i++)
            p->payload[i] = (uint8_t)hp_rng_below(rng, 256);
    }
    return p;
}

static void random_tcp_knobs(hp_rng *rng, hp_nat_config *c)
{
    c->tcp_mapping = (hp_nat_own_behaviour)hp_rng_below(rng, 5);
    c->tcp_filtering = (hp_nat_own_behaviour)hp_rng_below(rng, 5);
    c->tcp_ports = (hp_nat_own_ports)hp_rng_below(rng, 4);
    c->tcp_overload = (hp_nat_own_choice)hp_rng_below(rng, 3);
    c->tcp_port_parity = (hp_nat_own_choice)hp_rng_below(rng, 3);
    c->tcp_hairpin = (hp_nat_own_hairpin)hp_rng_below(rng, 4);
    c->tcp_unsolicited_syn = (hp_nat_syn)hp_rng_below(rng, 5);
    c->tcp_stray = (hp_nat_stray)hp_rng_below(rng, 3);
    c->tcp_rst = (hp_nat_rst)hp_rng_below(rng, 3);
    c->tcp_rst_unchecked = hp_rng_below(rng, 2);
    c->tcp_rst_unanswered_removes = hp_rng_below(rng, 2);
    c->tcp_refresh = (hp_nat_tcp_refresh)hp_rng_below(rng, 3);
    c->tcp_closing_timeout = hp_rng_below(rng, 2) * 10 * HP_S;
    c->max_tcp_per_host = (uint32_t)hp_rng_below(rng, 2) * 3;
    c->max_mappings = (uint32_t)hp_rng_below(rng, 2) * 20;
    c->eviction = (hp_nat_eviction)hp_rng_below(rng, 3);
    c->max_sessions_per_mapping = (uint32_t)hp_rng_below(rng, 4);
    c->max_lifetime = hp_rng_below(rng, 2) * 50 * HP_S;
    c->port_block = (uint16_t)(hp_rng_below(rng, 2) * 64);
    c->port_blocks = (hp_nat_blocks)hp_rng_below(rng, 3);
    c->port_quarantine = hp_rng_below(rng, 2) * 30 * HP_S;
    c->port_quarantine_tcp = hp_rng_below(rng, 2);
    c->port_quarantine_max = (uint32_t)hp_rng_below(rng, 2) * 5;
    c->hairpin_filtered = hp_rng_below(rng, 2);
    c->hairpin_drops_first = hp_rng_below(rng, 2);
    c->icmp_error_ends_mapping = hp_rng_below(rng, 2);
}

/* Every packet that comes is passed, dropped or held, and every mapping has a connection. */
static void random_tcp_leaves_the_tables_whole(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 22, "tcp");
    for (unsigned round = 0; round < 40; round++) {
        hp_nat_config c = hp_nat_config_default();
        g_autoptr(rig) r = rig_new_seeded(round, &c, "192.0.2.1 192.0.2.2");
        unsigned given = 0, errors = 0;
        for (unsigned step = 0; step < 600; step++) {
            unsigned i = (unsigned)hp_rng_below(&rng, HOSTS * PORTS), flow = (unsigned)hp_rng_below(&rng, FLOWS);
            hp_addr e = model_inside((unsigned)hp_rng_below(&rng, HOSTS * PORTS));
            hp_addr external = hp_addr_v4(0xc0000201 + (uint32_t)hp_rng_below(&rng, 2), e.port);
            hp_addr to = hp_rng_below(&rng, 6) ? model_remote(flow) : external;
            unsigned before = r->out->hits->len;
            rig_give(r, HP_NAT_INSIDE, any_segment(&rng, model_inside(i), to));
            rig_give(r, HP_NAT_OUTSIDE, any_segment(&rng, model_remote(flow), external));
            given += 2;
            if (hp_rng_below(&rng, 10) == 0 && r->out->hits->len > before) {
                const hp_packet *p = probe_at(r->out, before)->p;
                hp_addr router = addr("203.0.113.254");
                hp_packet *error = hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, p, 0);
                errors += error != NULL;
                if (error)
                    rig_give(r, HP_NAT_OUTSIDE, error);
            }
            switch (hp_rng_below(&rng, 20)) {
            case 0:
                rig_until(r, hp_world_now(r->world) + hp_rng_below(&rng, 60 * HP_S));
                break;
            case 1:
                random_tcp_knobs(&rng, &c);
                hp_nat_configure(r->nat, &c, "random");
                break;
            case 2:
                hp_nat_rebind(r->nat, NULL);
                break;
            case 3:
                if (hp_rng_below(&rng, 10) == 0)
                    hp_nat_reboot(r->nat);
                break;
            default:
                break;
            }
            if (step % 50 == 0)
                check_tables(r->nat);
        }
        check_tables(r->nat);
        rig_until(r, hp_world_now(r->world) + 8000 * HP_S);
        hp_nat_stats stats = hp_nat_get_stats(r->nat);
        assert_int_equal(stats.mappings, 0);
        assert_int_equal(stats.tcp_sessions, 0);
        assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), rig_count(r, HP_EV_NAT_MAPPING_ENDED));
        assert_int_equal(given + errors, stats.out_packets + stats.in_packets + stats.hairpinned + rig_drops(r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_thousand_mappings),          cmocka_unit_test(behaves_like_the_model),
        cmocka_unit_test(the_same_seed_gives_the_same_trace), cmocka_unit_test(random_changes_leave_the_tables_whole),
        cmocka_unit_test(random_tcp_leaves_the_tables_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
