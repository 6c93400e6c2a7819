/* Alice, bob and the links between them, for tests of the expectation `link` on hand-made traces.
 *
 * alice - alice/up - internet/alice - router - bob/down - bob, and back. What is sent and what becomes of it is written
 * into the trace packet by packet. */
#ifndef HP_TESTS_CHECK_LINK_NET_H
#define HP_TESTS_CHECK_LINK_NET_H

#include "check/fixture.h"

#include "check/link_measure.h"

typedef struct net {
    fixture *f;
    hp_plan_zone zone;
    hp_plan_attachment at[2];
    hp_sc_interface interfaces[2];
    hp_plan_peer peers[2];
    uint64_t uid;
} net;

#define UP(n) ((n)->at[0].link.up)
#define INTERNET(n) ((n)->zone.link)
enum { PAYLOAD = 72, LENGTH = 100 };

static inline net *net_new(void **state)
{
    static char *taps[] = {"alice", "bob"};
    net *n = g_new0(net, 1);
    n->f = *state;
    n->zone.name = "internet";
    n->zone.nat = -1;
    for (unsigned i = 0; i < 2; i++) {
        n->at[i].tap = taps[i];
        n->f->sc_peers[i].interfaces = &n->interfaces[i];
        n->f->sc_peers[i].n_interfaces = 1;
        n->peers[i] = (hp_plan_peer){.source = &n->f->sc_peers[i], .interfaces = &n->at[i], .n_interfaces = 1};
    }
    n->f->plan.zones = &n->zone;
    n->f->plan.n_zones = 1;
    n->f->plan.peers = n->peers;
    n->f->plan.n_peers = 2;
    n->f->plan.n_nats = n->f->plan.n_servers = 0;
    hp_trace_free(n->f->trace);
    n->f->trace = hp_trace_new_sized(64 << 20, NULL);
    return n;
}

static inline hp_expect *expect_link(net *n)
{
    hp_expect *e = add_expect(n->f, HP_EXPECT_LINK, "link");
    e->link.of = "alice";
    e->link.direction = HP_SC_UP;
    return e;
}

static inline hp_compare declared(void)
{
    return (hp_compare){.set = true, .min = 1, .max = 0};
}

static inline hp_packet *packet_of(net *n, uint64_t uid)
{
    hp_packet *p = make_packet(1000, 2000, NULL, PAYLOAD);
    p->uid = uid != 0 ? uid : ++n->uid;
    return p;
}

static inline void record(net *n, hp_time at, const char *tap, hp_direction dir, hp_packet *p)
{
    hp_trace_packet(n->f->trace, at, hp_trace_tap(n->f->trace, tap), dir, p);
}

/* Alice sends at `sent`; bob gets it at `arrived`. The trace must be written in order, so what is to arrive later
 * waits. */
typedef struct pending {
    hp_time at;
    hp_packet *p;
    const char *place; /* NULL: it arrives */
    hp_drop_reason reason;
} pending;

static GArray *waiting;

static inline void settle(net *n, hp_time until)
{
    for (;;) {
        int first = -1;
        for (unsigned i = 0; i < waiting->len; i++) {
            const pending *w = &g_array_index(waiting, pending, i);
            if (w->at <= until && (first < 0 || w->at < g_array_index(waiting, pending, first).at)) {
                first = (int)i;
            }
        }
        if (first < 0) {
            return;
        }
        pending w = g_array_index(waiting, pending, first);
        g_array_remove_index(waiting, (guint)first);
        if (w.place != NULL) {
            hp_trace_drop(n->f->trace, w.at, w.place, w.p, w.reason, NULL);
        } else {
            record(n, w.at, "bob", HP_DIR_IN, w.p);
        }
        hp_packet_free(w.p);
    }
}

static inline hp_packet *put(net *n, hp_time sent, hp_time ended, const char *place, hp_drop_reason reason)
{
    settle(n, sent);
    hp_packet *p = packet_of(n, 0);
    record(n, sent, "alice", HP_DIR_OUT, p);
    pending w = {.at = ended, .p = p, .place = place, .reason = reason};
    g_array_append_val(waiting, w);
    return p;
}

static inline hp_packet *pass(net *n, hp_time sent, hp_time took)
{
    return put(n, sent, sent + took, NULL, HP_DROP_LINK_LOSS);
}

static inline void lose(net *n, hp_time sent, hp_drop_reason reason)
{
    put(n, sent, sent, "link alice/up", reason);
}

/* Ends the run ten seconds after the last packet, so that the fate of each counts. */
static inline const hp_expect_result *finish(net *n, hp_time last)
{
    settle(n, HP_NEVER);
    hp_trace_event(n->f->trace, last + 10 * HP_S, HP_EV_RUN_END, "test", HP_FS("reason", "until"));
    fixture_finish(n->f, last + 10 * HP_S);
    return nth(n->f, 0);
}

static inline int setup(void **state)
{
    waiting = g_array_new(FALSE, FALSE, sizeof(pending));
    return fixture_setup(state);
}

static inline int teardown(void **state)
{
    g_array_unref(waiting);
    return fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
