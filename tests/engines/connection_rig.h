/* alice with a TCP allocation, her data connections and her peers: what the tests of RFC 6062 begin with. */
#ifndef HP_TESTS_ENGINES_CONNECTION_RIG_H
#define HP_TESTS_ENGINES_CONNECTION_RIG_H

#include "stream_rig.h"

#define ALICE "192.0.2.10:5000"
#define ALICE_DATA "192.0.2.10:5001"
#define PEER "198.51.100.7:700"

static inline int setup(void **state)
{
    stream_rig *s = g_new0(stream_rig, 1);
    stream_rig_init(s);
    *state = s;
    return 0;
}

static inline int teardown(void **state)
{
    stream_rig *s = *state;
    stream_rig_end(s);
    g_free(s);
    return 0;
}

static inline rig_client alice(void)
{
    return rig_client_new(ALICE, "alice", "secret");
}

/* alice has a TCP allocation, and her control connection is returned. */
static inline wire *allocated(stream_rig *s, rig_client *a, hp_addr *ret_relay)
{
    stream_rig_start(s);
    wire *control = stream_rig_connect(s, ALICE, HP_STUN_OVER_TCP);
    *a = alice();
    *ret_relay = stream_rig_allocate(s, a);
    return control;
}

/* The peer's wire after a Connect that succeeded, and its id. */
static inline wire *connected(stream_rig *s, rig_client *a, const char *peer, uint32_t *ret_id)
{
    wire *w = stream_rig_ask_peer(s, a, peer);
    hp_turn_stream_connected(w->stream, s->r.now);
    assert_int_equal(rig_last(&s->r)->msg.method, HP_STUN_CONNECT);
    assert_int_equal(rig_error(rig_last(&s->r)), 0);
    *ret_id = rig_u32(rig_last(&s->r), HP_STUN_CONNECTION_ID);
    return w;
}

/* A data connection for that id, bound. */
static inline wire *bound(stream_rig *s, const char *addr, uint32_t id)
{
    wire *w = stream_rig_connect(s, addr, HP_STUN_OVER_TCP);
    rig_client c = rig_client_new(addr, "alice", "secret");
    assert_int_equal(stream_rig_bind(s, &c, id), 0);
    wire_turn_raw(w);
    return w;
}

#endif
