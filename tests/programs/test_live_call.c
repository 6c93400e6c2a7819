/* Our own peers on kernel sockets, settings and steps from a plan, over a broker's WebSocket: what they gather, data,
 * data channels, DTLS-SRTP media. Each has its own hub over one table of tracks and flows of its own, as if it were a
 * process of its own. */
#include "mini_broker.h"
#include "planned.h"

#include "actors/flow.h"
#include "actors/peer.h"
#include "actors/server.h"
#include "engines/srtp.h"
#include "programs/peer_setup.h"
#include "programs/peer_steps.h"

/* What the plan gives alice and bob, and a server. */
static const char *const peer_addresses[] = {"198.51.100.10", "198.51.100.11"};
static const char server_address[] = "203.0.113.10";

typedef struct one {
    hp_host *host;
    hp_signaling_client *client;
    hp_media_hub *hub;
    hp_peer_setup *setup;
    hp_peer *peer;
    hp_flows *flows;
    unsigned n_connected;
} one;

typedef struct call {
    live_net *net;
    mini_broker *broker;
    planned planned;
    const hp_plan *plan; /* its */
    hp_media_tracks *tracks;
    one peers[2];
    hp_server *server; /* the plan's first, if there is one */
} call;

static void on_connected(void *user)
{
    ((one *)user)->n_connected++;
}

static void on_lost(void *user, const char *why)
{
    fail_msg("%s", why);
}

static bool bob_is_foreign(void *user, const char *name)
{
    return strcmp(name, "bob") == 0;
}

static void add_server(call *c)
{
    g_autoptr(GError) error = NULL;
    const hp_plan_server *from = &c->plan->servers[0];
    hp_host *host = hp_kernel_host_new(c->net->world, from->source->name, c->net->loop);
    hp_host_add_address(host, hp_host_add_interface(host, NULL, 0), &from->attachment.addresses[0]);
    c->server = hp_server_new(host, from->source->name, &from->config, &error);
    if (!c->server) {
        fail_msg("%s", error->message);
    }
}

static call *call_new(const char *text)
{
    static const hp_signaling_client_ops ops = {.connected = on_connected, .lost = on_lost};
    call *c = g_new0(call, 1);
    c->net = live_net_new();
    c->broker = mini_broker_new(c->net);
    c->tracks = hp_media_tracks_new(NULL);
    c->planned = planned_of("test.yaml", text);
    c->plan = c->planned.plan;
    if (c->plan->n_servers > 0) {
        add_server(c);
    }
    for (unsigned i = 0; i < 2; i++) {
        one *p = &c->peers[i];
        const hp_plan_peer *from = &c->plan->peers[i];
        const char *name = from->source->name;
        char ip[HP_ADDR_TEXT];
        assert_string_equal(hp_addr_format_ip(&from->interfaces[0].addresses[0], ip), peer_addresses[i]);
        p->host = hp_kernel_host_new(c->net->world, name, c->net->loop);
        hp_host_add_address(p->host, hp_host_add_interface(p->host, NULL, 0), &from->interfaces[0].addresses[0]);
        mini_client *client = mini_broker_add(c->broker, name);
        p->client = hp_signaling_client_new(c->net->loop, name, client->port, &ops, p);
        p->hub = hp_media_hub_new_shared(c->net->world, c->tracks);
        p->setup = hp_peer_setup_new(c->plan, i);
        p->setup->config.hub = p->hub;
        p->peer = hp_peer_new(p->host, hp_signaling_client_signaling(p->client), &p->setup->config);
        p->flows = hp_flows_new(c->net->world);
        hp_peer_steps_expect_flows(c->plan, i, p->flows);
        hp_flows_watch(p->flows, p->peer);
    }
    LIVE_UNTIL(c->net, c->peers[0].n_connected == 1 && c->peers[1].n_connected == 1);
    hp_live_clock_begin(c->net->clock);
    return c;
}

static void call_step(call *c, unsigned step)
{
    unsigned asked[HP_PEER_STEPS_MAX];
    unsigned n = hp_peer_steps_asked(c->plan, step, asked);
    hp_loop_advance(c->net->loop);
    for (unsigned i = 0; i < n; i++) {
        one *p = &c->peers[asked[i]];
        hp_peer_steps_carry_out(c->plan, step, p->peer, p->flows);
    }
}

static void call_free(call *c)
{
    for (unsigned i = 0; i < 2; i++) {
        one *p = &c->peers[i];
        hp_peer_finish(p->peer);
        hp_flows_free(p->flows);
        hp_peer_free(p->peer);
        hp_peer_setup_free(p->setup);
        hp_media_hub_free(p->hub);
        hp_signaling_client_free(p->client);
    }
    hp_server_free(c->server);
    mini_broker_free(c->broker);
    live_net_free(c->net);
    hp_media_tracks_free(c->tracks);
    planned_clear(&c->planned);
    g_free(c);
}

static bool both_in(const call *c, const char *wanted)
{
    for (unsigned i = 0; i < 2; i++) {
        if (g_strcmp0(hp_peer_state(c->peers[i].peer, NULL), wanted) != 0) {
            return false;
        }
    }
    return true;
}

/* How many events of that kind and subject the trace has with that value under a key. */
static unsigned n_events(const call *c, hp_event_kind kind, const char *subject, const char *key, uint64_t value)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(c->net->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_EVENT && r.event.kind == kind && strcmp(r.event.subject, subject) == 0 &&
             (!key || hp_record_u64(&r, key) == value);
    }
    return n;
}

static unsigned n_of_text(const call *c, hp_event_kind kind, const char *subject, const char *key, const char *value)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(c->net->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_EVENT && r.event.kind == kind && strcmp(r.event.subject, subject) == 0 &&
             strcmp(hp_record_text(&r, key), value) == 0;
    }
    return n;
}

static unsigned n_media(const call *c, hp_media_record_kind kind, unsigned track)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next_of(c->net->trace, &cursor, 1U << HP_RECORD_MEDIA, &r)) {
        n += r.media.kind == kind && r.media.track == track;
    }
    return n;
}

static void test_data(void **state)
{
    NEEDS_NET();
    call *c = call_new("peers: {alice: {}, bob: {}}\n"
                       "steps:\n"
                       "  - call: {from: alice, to: bob}\n"
                       "  - send: {from: alice, to: bob, count: 3, interval: 10ms}\n"
                       "  - send: {from: bob, to: alice, count: 4, interval: 10ms, both: false}\n"
                       "  - ice-restart: {peer: bob}\n"
                       "  - close: {peer: alice}\n");
    call_step(c, 0);
    LIVE_UNTIL(c->net, both_in(c, "ready"));
    call_step(c, 1);
    call_step(c, 2);
    LIVE_UNTIL(c->net, n_events(c, HP_EV_DATA_RECEIVED, "bob", "flow", 1) == 3 &&
                           n_events(c, HP_EV_DATA_RECEIVED, "alice", "flow", 2) == 3 &&
                           n_events(c, HP_EV_DATA_RECEIVED, "alice", "flow", 3) == 4);
    assert_int_equal(hp_flows_n_running(c->peers[0].flows), 0);
    assert_int_equal(hp_flows_n_running(c->peers[1].flows), 0);
    assert_int_equal(n_events(c, HP_EV_DATA_SENT, "alice", "flow", 1), 3);
    assert_int_equal(n_events(c, HP_EV_DATA_REFUSED, "alice", NULL, 0), 0);
    call_step(c, 3);
    LIVE_UNTIL(c->net, n_events(c, HP_EV_ICE_RESTART, "alice", NULL, 0) == 1 && both_in(c, "ready"));
    call_step(c, 4);
    LIVE_UNTIL(c->net, n_events(c, HP_EV_PEER_CLOSED, "alice", NULL, 0) == 1);
    assert_int_equal(hp_peer_n_sessions(c->peers[0].peer), 0);
    call_free(c);
}

static void test_media(void **state)
{
    NEEDS_NET();
    call *c = call_new("peers: {alice: {}, bob: {}}\n"
                       "steps:\n"
                       "  - call: {from: alice, to: bob, media: [audio, video], data: true}\n"
                       "  - send: {from: alice, to: bob, count: 5, interval: 10ms, channel: {label: chat}}\n");
    call_step(c, 0);
    call_step(c, 1); /* waits for its channel */
    LIVE_UNTIL(c->net, n_events(c, HP_EV_DATA_RECEIVED, "bob", "flow", 1) == 5);
    LIVE_UNTIL(c->net, hp_media_hub_n_tracks(c->peers[0].hub) == 4);
    /* All four were heard, each by its number, and the numbers are the same at both ends. */
    for (unsigned track = 1; track <= 4; track++) {
        LIVE_UNTIL(c->net, n_media(c, HP_MEDIA_RECEIVED, track) >= 20);
        assert_true(n_media(c, HP_MEDIA_SENT, track) >= n_media(c, HP_MEDIA_RECEIVED, track));
    }
    assert_int_equal(n_media(c, HP_MEDIA_RECEIVED, 0), 0);
    assert_int_equal(n_events(c, HP_EV_SRTP_REFUSED, "bob", NULL, 0), 0);
    call_free(c);
}

static void relay_over(const char *transport)
{
    g_autofree char *text = g_strdup_printf("servers: {turn: {kind: turn, transports: [udp, tcp, tls]}}\n"
                                            "peers:\n"
                                            "  alice: {ice: {turn: turn, turn-transports: %s, force-relay: true}}\n"
                                            "  bob: {}\n"
                                            "steps:\n"
                                            "  - call: {from: alice, to: bob}\n"
                                            "  - send: {from: alice, to: bob, count: 5, interval: 10ms}\n",
                                            transport);
    call *c = call_new(text);
    call_step(c, 0);
    LIVE_UNTIL(c->net, both_in(c, "ready"));
    assert_int_equal(n_of_text(c, HP_EV_SELECTED_PAIR, "alice", "local", "relay"), 1);
    call_step(c, 1);
    LIVE_UNTIL(c->net, n_events(c, HP_EV_DATA_RECEIVED, "bob", "flow", 1) == 5 &&
                           n_events(c, HP_EV_DATA_RECEIVED, "alice", "flow", 2) == 5);
    assert_int_equal(n_events(c, HP_EV_PEER_ERROR, "alice", NULL, 0), 0);
    call_free(c);
}

static void test_relay(void **state)
{
    NEEDS_NET();
    relay_over("udp");
    relay_over("tcp");
    relay_over("tls");
}

/* Nobody says what a foreign program sends: who hears it makes the track, once, in the other's name. */
static void test_foreign_tracks(void **state)
{
    NEEDS_NET();
    call *c = call_new("peers: {alice: {}, bob: {}}\n"
                       "steps: [{call: {from: alice, to: bob, media: [audio]}}]\n");
    hp_media_tracks *own = hp_media_tracks_new(NULL); /* that bob keeps to himself */
    hp_media_hub *hub = hp_media_hub_new_shared(c->net->world, own);
    one *alice = &c->peers[0];
    hp_media_hub_set_foreign(alice->hub, bob_is_foreign, NULL);
    hp_peer_free(c->peers[1].peer);
    c->peers[1].setup->config.hub = hub;
    /* bob anew, with the other hub, at the same place of the broker */
    hp_signaling_client_free(c->peers[1].client);
    mini_client *at = c->broker->clients->pdata[1];
    LIVE_UNTIL(c->net, soup_websocket_connection_get_state(at->connection) == SOUP_WEBSOCKET_STATE_CLOSED);
    mini_broker_hang_up(at);
    static const hp_signaling_client_ops ops = {.connected = on_connected, .lost = on_lost};
    c->peers[1].client = hp_signaling_client_new(c->net->loop, "bob", at->port, &ops, &c->peers[1]);
    c->peers[1].peer =
        hp_peer_new(c->peers[1].host, hp_signaling_client_signaling(c->peers[1].client), &c->peers[1].setup->config);
    LIVE_UNTIL(c->net, c->peers[1].n_connected == 2);
    call_step(c, 0);
    LIVE_UNTIL(c->net, n_of_text(c, HP_EV_MEDIA_TRACK, "bob", "source", "foreign") == 1);
    unsigned n = hp_media_hub_n_tracks(alice->hub);
    assert_int_equal(n, 2); /* alice's own and bob's */
    LIVE_UNTIL(c->net, n_media(c, HP_MEDIA_RECEIVED, 2) >= 20 || n_media(c, HP_MEDIA_RECEIVED, 1) >= 20);
    assert_int_equal(n_of_text(c, HP_EV_MEDIA_TRACK, "bob", "source", "foreign"), 1);
    call_free(c);
    hp_media_hub_free(hub);
    hp_media_tracks_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_foreign_tracks),
    };
    g_autoptr(GError) error = NULL;
    if (!hp_seam_start(NULL, &error) || !hp_srtp_start(&error)) {
        g_error("%s", error->message);
    }
    refusal = live_net_enter();
    if (!refusal && (!live_net_address(peer_addresses[0]) || !live_net_address(peer_addresses[1]) ||
                     !live_net_address(server_address))) {
        refusal = "the interface takes no second address";
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
