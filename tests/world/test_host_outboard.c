/* A host whose sockets are elsewhere: what passes between it and the world, and what its taps see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "world/host.h"
#include "world/probe.h"

#define OWN "192.0.2.1:5000"
#define FAR "198.51.100.1:6000"

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_host *host;
    probe *wire;
    hp_packet *kept; /* the last that went to the kernel; owned */
    unsigned n, interface;
} rig;

static void to_kernel(void *user, unsigned interface, hp_packet *p)
{
    rig *r = user;
    hp_packet_free(r->kept);
    r->kept = p;
    r->interface = interface;
    r->n++;
}

static rig rig_new(void)
{
    rig r = {.trace = hp_trace_new(NULL)};
    r.world = hp_world_new(1, r.trace);
    r.host = hp_host_new(r.world, "alice");
    hp_addr own = addr(OWN);
    hp_host_add_interface(r.host, "wifi", 0);
    hp_host_add_interface(r.host, "cable", 0);
    hp_host_add_address(r.host, 0, &own);
    r.wire = probe_new(r.world, "wire");
    hp_node_connect(hp_host_node(r.host), 0, &r.wire->node, 0);
    return r;
}

static void rig_free(rig *r)
{
    hp_packet_free(r->kept);
    hp_world_free(r->world);
    hp_trace_free(r->trace);
}

/* The last record: a packet at that tap, in that direction. */
static bool was_seen(const rig *r, const char *tap, hp_direction dir)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    bool seen = false;
    while (hp_trace_next(r->trace, &cursor, &record)) {
        seen = record.type == HP_RECORD_PACKET && record.packet.dir == dir &&
               strcmp(hp_trace_tap_name(r->trace, record.packet.tap), tap) == 0;
    }
    return seen;
}

static bool was_dropped(const rig *r, hp_drop_reason reason)
{
    return count_drops(r->trace, reason, NULL) == 1;
}

static void to_and_fro(void **state)
{
    rig r = rig_new();
    hp_host_set_outboard(r.host, 0, to_kernel, &r);
    give(hp_host_node(r.host), 0, udp_packet(r.world, FAR, OWN, 20));
    assert_int_equal(r.n, 1);
    assert_int_equal(r.interface, 0);
    assert_int_equal(r.kept->length, 20);
    assert_true(was_seen(&r, "alice/wifi", HP_DIR_IN));
    /* Whomever it is for: a kernel may route it on. */
    give(hp_host_node(r.host), 0, udp_packet(r.world, FAR, "192.0.2.77:1", 20));
    assert_int_equal(r.n, 2);

    hp_packet *out = udp_packet(r.world, OWN, FAR, 30);
    out->uid = 0;
    hp_host_from_outboard(r.host, 0, out);
    assert_int_equal(r.wire->hits->len, 1);
    assert_true(probe_at(r.wire, 0)->p->uid != 0);
    assert_int_equal(probe_at(r.wire, 0)->p->ip_id, 0); /* the kernel's, not ours */
    assert_true(was_seen(&r, "alice/wifi", HP_DIR_OUT));
    /* A packet that was injected goes the same way. */
    hp_host_send_packet(r.host, 0, udp_packet(r.world, OWN, FAR, 30));
    assert_int_equal(r.wire->hits->len, 2);
    rig_free(&r);
}

static void what_does_not_pass(void **state)
{
    rig r = rig_new();
    hp_host_set_outboard(r.host, 0, to_kernel, &r);
    hp_packet *bad = udp_packet(r.world, FAR, OWN, 20);
    bad->corrupt = true;
    give(hp_host_node(r.host), 0, bad);
    assert_int_equal(r.n, 0);
    assert_true(was_dropped(&r, HP_DROP_CORRUPT));
    /* A corrupt fragment is the kernel's to judge, when all are there. */
    hp_packet *fragment = udp_packet(r.world, FAR, OWN, 16);
    fragment->corrupt = true;
    fragment->frag_total = 1000;
    fragment->frag_more = true;
    give(hp_host_node(r.host), 0, fragment);
    assert_int_equal(r.n, 1);

    hp_host_set_interface_up(r.host, 0, false);
    give(hp_host_node(r.host), 0, udp_packet(r.world, FAR, OWN, 20));
    assert_int_equal(r.n, 1);
    assert_int_equal(count_drops(r.trace, HP_DROP_HOST_DOWN, NULL), 1);
    hp_host_from_outboard(r.host, 0, udp_packet(r.world, OWN, FAR, 20));
    assert_int_equal(count_drops(r.trace, HP_DROP_HOST_DOWN, NULL), 2);
    assert_int_equal(r.wire->hits->len, 0);
    hp_host_from_outboard(r.host, 7, udp_packet(r.world, OWN, FAR, 20));
    assert_true(was_dropped(&r, HP_DROP_NO_ROUTE));
    rig_free(&r);
}

static void one_interface_alone(void **state)
{
    rig r = rig_new();
    hp_host_set_outboard(r.host, 1, to_kernel, &r);
    give(hp_host_node(r.host), 0, udp_packet(r.world, FAR, OWN, 20));
    assert_int_equal(r.n, 0); /* the host's own stack, which has no such socket */
    assert_true(was_dropped(&r, HP_DROP_NO_SOCKET));
    give(hp_host_node(r.host), 1, udp_packet(r.world, FAR, OWN, 20));
    assert_int_equal(r.n, 1);
    assert_int_equal(r.interface, 1);
    hp_host_set_outboard(r.host, 1, NULL, NULL);
    give(hp_host_node(r.host), 1, udp_packet(r.world, FAR, OWN, 20));
    assert_int_equal(r.n, 1);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_and_fro),
        cmocka_unit_test(what_does_not_pass),
        cmocka_unit_test(one_interface_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
