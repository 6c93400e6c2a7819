/* Peers with STUN and TURN servers, on a LAN and behind NATs that leave only the relay. */
#include "lan.h"

#include "actors/server.h"
#include "seam/seam.h"
#include "world/nat.h"

typedef struct relay_lan {
    lan *l;
    hp_turn_user user;
    hp_server_config config;
    hp_server *server;
    hp_peer_turn turn;
    hp_ice_config ice;
} relay_lan;

static relay_lan *relay_lan_new(uint64_t seed)
{
    relay_lan *r = g_new0(relay_lan, 1);
    r->l = lan_new(seed);
    r->ice = lan_ice_default();
    r->user = (hp_turn_user){.name = (char *)"user", .password = (char *)"secret"};
    r->config = (hp_server_config){.kind = HP_SERVER_TURN,
                                   .accept_rfc3489 = true,
                                   .software = true,
                                   .dont_fragment = true,
                                   .allow_private_peers = true,
                                   .users = &r->user,
                                   .n_users = 1};
    r->server = hp_server_new(lan_add_host(r->l, "relay"), "relay", &r->config, NULL);
    assert_non_null(r->server);
    r->turn =
        (hp_peer_turn){.name = "relay", .addr = hp_addr_v4(0xc0a80001, 3478), .user = "user", .password = "secret"};
    return r;
}

static hp_peer *relay_lan_add_on(relay_lan *r, hp_host *host, const char *name, bool stun, bool turn)
{
    hp_peer_config config = {
        .name = name,
        .ice = &r->ice,
        .stun = stun ? r->turn.addr : (hp_addr){0},
        .stun_name = stun ? "relay-as-stun" : NULL,
        .turn = &r->turn,
        .n_turn = turn ? 1 : 0,
        .client = {.queue_early_candidates = true, .ignores_own = true, .answers_any_offer = true}};
    hp_peer *peer = hp_peer_new(host, r->l->signaling, &config);
    r->l->peers[r->l->n_hosts - 1] = peer;
    hp_peer_set_receive(peer, lan_on_data, r->l);
    return peer;
}

static hp_peer *relay_lan_add(relay_lan *r, const char *name, bool stun, bool turn)
{
    return relay_lan_add_on(r, lan_add_host(r->l, name), name, stun, turn);
}

static void relay_lan_free(relay_lan *r)
{
    hp_server_free(r->server);
    lan_free(r->l);
    g_free(r);
}

static void test_relay_only(void **state)
{
    relay_lan *r = relay_lan_new(1);
    r->ice.force_relay = true;
    hp_peer *alice = relay_lan_add(r, "alice", false, true), *bob = relay_lan_add(r, "bob", false, true);
    assert_true(hp_peer_call(alice, "bob", &(hp_call_config){.streams = 1, .components = 1}, NULL));
    lan_run(r->l, 5 * HP_S);
    assert_string_equal(hp_peer_state(alice, NULL), "ready");
    assert_string_equal(hp_peer_state(bob, NULL), "ready");
    hp_record pair;
    assert_true(lan_find(r->l, HP_EV_SELECTED_PAIR, "alice", NULL, NULL, 0, &pair));
    assert_string_equal(hp_record_text(&pair, "local"), "relay");
    assert_string_equal(hp_record_text(&pair, "remote"), "relay");
    hp_record candidate;
    assert_true(lan_find(r->l, HP_EV_CANDIDATE, "alice", NULL, NULL, 0, &candidate));
    assert_string_equal(hp_record_text(&candidate, "type"), "relay");
    assert_string_equal(hp_record_text(&candidate, "server"), "relay");
    hp_addr base = hp_record_addr(&pair, "local-base"), alices = hp_addr_v4(0xc0a80002, base.port);
    assert_true(hp_addr_equal(&base, &alices));
    assert_true(hp_peer_send(alice, "bob", 1, 1, "over there", 10));
    lan_run(r->l, 6 * HP_S);
    assert_int_equal(r->l->received[2].count, 1);
    assert_int_equal(r->l->received[2].at, 5 * HP_S + 2 * HP_MS); /* by way of the relay; two relayed hops inside it */

    /* the roles show inside ChannelData and Send indications, too: no false switch was seen */
    assert_int_equal(lan_count(r->l, HP_EV_ICE_ROLE, NULL, NULL, NULL), 2);

    /* an orderly close gives the allocation back */
    hp_peer_close(alice, NULL);
    lan_run(r->l, 7 * HP_S);
    assert_int_equal(lan_count(r->l, HP_EV_TURN_ALLOCATION_ENDED, "relay", "reason", "deleted"), 1);
    assert_int_equal(lan_count(r->l, HP_EV_PEER_CLOSED, "alice", NULL, NULL), 1);
    assert_int_equal(lan_count(r->l, HP_EV_SUT_LOG, NULL, NULL, NULL), 0);
    hp_server_finish(r->server);
    relay_lan_free(r); /* bob's agent still has its allocation: drained, not leaked */
}

/* alice is 10.0.0.2 behind a NAT that is 192.168.0.9 on the LAN. */
static hp_host *add_host_behind_nat(relay_lan *r)
{
    lan *l = r->l;
    hp_host *host = hp_host_new(l->world, "alice");
    hp_addr inside = hp_addr_v4(0x0a000002, 0), outside = hp_addr_v4(0xc0a80009, 0);
    unsigned interface = hp_host_add_interface(host, NULL, 0);
    hp_host_add_address(host, interface, &inside);
    hp_nat_config config = hp_nat_config_default();
    hp_nat *nat = hp_nat_new(l->world, "home", &config);
    hp_nat_set_external(nat, &outside, 1);
    hp_prefix route = {.base = outside, .bits = 32};
    hp_router_add_route(l->router, &route, LAN_MAX);
    hp_node_connect(hp_host_node(host), interface, hp_nat_node(nat), HP_NAT_INSIDE);
    hp_node_connect(hp_nat_node(nat), HP_NAT_INSIDE, hp_host_node(host), interface);
    hp_link *up = hp_link_new(l->world, "home>lan", &(hp_link_config){.delay_ns = HP_MS / 2});
    hp_link *down = hp_link_new(l->world, "lan>home", &(hp_link_config){.delay_ns = HP_MS / 2});
    hp_node_connect(hp_nat_node(nat), HP_NAT_OUTSIDE, hp_link_node(up), 0);
    hp_node_connect(hp_link_node(up), 0, hp_router_node(l->router), LAN_MAX);
    hp_node_connect(hp_router_node(l->router), LAN_MAX, hp_link_node(down), 0);
    hp_node_connect(hp_link_node(down), 0, hp_nat_node(nat), HP_NAT_OUTSIDE);
    l->hosts[l->n_hosts++] = host;
    return host;
}

static void test_reflexive_candidates_name_their_server(void **state)
{
    relay_lan *r = relay_lan_new(1);
    hp_peer *alice = relay_lan_add_on(r, add_host_behind_nat(r), "alice", true, false);
    relay_lan_add(r, "bob", true, false);
    assert_true(hp_peer_call(alice, "bob", &(hp_call_config){.streams = 1, .components = 1}, NULL));
    lan_run(r->l, 5 * HP_S);
    assert_string_equal(hp_peer_state(alice, NULL), "ready");
    hp_record c;
    assert_true(lan_find(r->l, HP_EV_CANDIDATE, "alice", "type", "srflx", 0, &c));
    assert_string_equal(hp_record_text(&c, "server"), "relay-as-stun");
    char text[HP_ADDR_TEXT];
    hp_addr mapped = hp_record_addr(&c, "address"), base = hp_record_addr(&c, "base");
    assert_string_equal(hp_addr_format_ip(&mapped, text), "192.168.0.9");
    assert_string_equal(hp_addr_format_ip(&base, text), "10.0.0.2");
    /* on the LAN itself a reflexive candidate equals the host's and is dropped as redundant */
    assert_int_equal(lan_count(r->l, HP_EV_CANDIDATE, "bob", "type", "srflx"), 0);
    relay_lan_free(r);
}

/* Nobody answers; the close waits for libnice's retransmissions, and the end of the run does not wait at all. */
static void test_close_without_a_server(void **state)
{
    relay_lan *r = relay_lan_new(1);
    hp_peer *alice = relay_lan_add(r, "alice", true, true);
    hp_peer *bob = relay_lan_add(r, "bob", true, true);
    assert_true(hp_peer_call(alice, "bob", &(hp_call_config){.streams = 1, .components = 1}, NULL));
    lan_run(r->l, 3 * HP_S);
    hp_server_stop(r->server);
    hp_peer_close(alice, NULL);
    hp_peer_close(bob, NULL);
    assert_int_equal(hp_peer_n_sessions(alice), 0);
    lan_run(r->l, 3 * HP_S + 10 * HP_MS);
    assert_int_equal(lan_count(r->l, HP_EV_PEER_CLOSED, NULL, NULL, NULL), 0);
    unsigned n_packets = hp_trace_n_packets(r->l->trace);
    hp_peer_free(r->l->peers[2]);
    r->l->peers[2] = NULL;
    assert_int_equal(hp_trace_n_packets(r->l->trace), n_packets); /* drained in silence */
    lan_run(r->l, 60 * HP_S);
    assert_int_equal(lan_count(r->l, HP_EV_PEER_CLOSED, "alice", NULL, NULL), 1);
    relay_lan_free(r);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_only),
        cmocka_unit_test(test_reflexive_candidates_name_their_server),
        cmocka_unit_test(test_close_without_a_server),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
