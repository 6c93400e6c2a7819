/* `network`, `servers`, `peers`, `signaling`: exact values in the structs, and the defaults where nothing is said. */
#include "fixture.h"

static void the_shortest_scenario(void **state)
{
    hp_scenario *s = load_one("peers: {alice: , bob: {}}");

    assert_string_equal(s->file, "t.yaml");
    assert_string_equal(s->name, "t");
    assert_string_equal(s->label, "");
    assert_null(s->about);
    assert_null(s->tags[0]);
    assert_null(s->known_bug);
    assert_int_equal(s->seed, 1);
    assert_false(s->has_seed);
    assert_true(s->until == 60 * HP_S);
    assert_true(s->internet.delay_ns == 20 * HP_MS);
    assert_true(s->signaling.delay == 50 * HP_MS);
    assert_true(s->signaling.reorder_by == 200 * HP_MS);
    assert_true(s->signaling.echo);
    assert_int_equal(s->n_nats + s->n_lans + s->n_servers + s->n_steps + s->n_expects, 0);
    assert_int_equal(s->n_peers, 2);
    assert_string_equal(s->peers[1].name, "bob");
    const hp_sc_peer *alice = &s->peers[0];
    assert_string_equal(alice->name, "alice");
    assert_int_equal(alice->n_interfaces, 1);
    assert_null(alice->interfaces[0].name);
    assert_string_equal(alice->interfaces[0].behind, "internet");
    assert_true(alice->interfaces[0].family.ipv4);
    assert_false(alice->interfaces[0].family.ipv6);
    assert_true(alice->interfaces[0].link.up.delay_ns == 0);
    assert_null(alice->ice.stun);
    assert_null(alice->ice.turn);
    assert_int_equal(alice->ice.nomination, HP_ICE_NOMINATION_AGGRESSIVE);
    assert_true(alice->ice.trickle && alice->ice.full_mode && alice->ice.ice_udp);
    assert_false(alice->ice.ice_tcp || alice->ice.upnp || alice->ice.force_relay || alice->ice.consent_freshness);
    assert_int_equal(alice->ice.stun_pacing_timer_ms, -1);
    assert_int_equal(alice->ice.idle_timeout_ms, -1);
    assert_int_equal(alice->ice.port_min, -1);
    assert_int_equal(alice->ice.tos, -1);
    assert_true(alice->client.queue_early_candidates && alice->client.ignores_own && alice->client.answers_any_offer);
    assert_false(alice->client.send_before_set);
    hp_scenario_free(s);
}

static void the_head(void **state)
{
    hp_scenario *s = load_one("name: n\nabout: >\n  two\n  lines\ntags: [a, b-c]\nseed: 77\nuntil: 1.5m\n"
                              "known-bug: https://example.org/1\npeers: {a: }");
    assert_string_equal(s->name, "n");
    assert_string_equal(s->about, "two lines\n");
    assert_string_equal(s->tags[0], "a");
    assert_string_equal(s->tags[1], "b-c");
    assert_null(s->tags[2]);
    assert_int_equal(s->seed, 77);
    assert_true(s->has_seed);
    assert_true(s->until == 90 * HP_S);
    assert_string_equal(s->known_bug, "https://example.org/1");
    hp_scenario_free(s);
}

static void every_key_of_a_link(void **state)
{
    hp_scenario *s =
        load_one("network:\n"
                 "  internet: {rate: 2.5Mbit/s, delay: 1ms, jitter: 2us, loss: 0.1%, duplicate: 0.5,\n"
                 "    burst: {enter: 1%, leave: 25%}, drop: [1, 3..5, 9..], reorder: 100%, reorder-by: 3ms,\n"
                 "    corrupt: 0.000000001, queue: 10, queue-bytes: 64kB, mtu: 1280, mtu-mode: black-hole,\n"
                 "    cut: true}\n"
                 "peers: {a: }");
    const hp_link_config *l = &s->internet;

    assert_true(l->rate_bps == 2500000);
    assert_true(l->delay_ns == HP_MS);
    assert_true(l->jitter_ns == 2 * HP_US);
    assert_int_equal(l->loss_ppb, 1000000);
    assert_int_equal(l->duplicate_ppb, 500000000);
    assert_int_equal(l->burst_enter_ppb, 10000000);
    assert_int_equal(l->burst_leave_ppb, 250000000);
    assert_int_equal(l->burst_loss_ppb, 1000000000);
    assert_int_equal(l->n_drop, 3);
    assert_true(l->drop[0].first == 1 && l->drop[0].last == 1);
    assert_true(l->drop[1].first == 3 && l->drop[1].last == 5);
    assert_true(l->drop[2].first == 9 && l->drop[2].last == 0);
    assert_int_equal(l->reorder_ppb, 1000000000);
    assert_true(l->reorder_by_ns == 3 * HP_MS);
    assert_int_equal(l->corrupt_ppb, 1);
    assert_int_equal(l->queue_packets, 10);
    assert_true(l->queue_bytes == 64000);
    assert_int_equal(l->mtu, 1280);
    assert_int_equal(l->mtu_mode, HP_MTU_BLACK_HOLE);
    assert_true(l->down);
    hp_scenario_free(s);
}

static void directions_override_what_both_have(void **state)
{
    /* `down` stands before what it overrides: the order in the file means nothing. */
    hp_scenario *s =
        load_one("peers:\n"
                 "  a: {link: {down: {delay: 9ms, burst: {enter: 1%, leave: 2%, loss: 50%}}, delay: 5ms, loss: 1%,\n"
                 "             up: {rate: 1Mbit/s}}}\n");
    const hp_sc_link *l = &s->peers[0].interfaces[0].link;

    assert_true(l->up.delay_ns == 5 * HP_MS && l->up.loss_ppb == 10000000 && l->up.rate_bps == 1000000);
    assert_int_equal(l->up.burst_enter_ppb, 0);
    assert_int_equal(l->up.burst_loss_ppb, 0);
    assert_true(l->down.delay_ns == 9 * HP_MS && l->down.loss_ppb == 10000000 && l->down.rate_bps == 0);
    assert_int_equal(l->down.burst_loss_ppb, 500000000);
    hp_scenario_free(s);
}

static void exact_losses_of_some_packets(void **state)
{
    hp_scenario *s =
        load_one("network: {internet: {drop: 2, drop-match: {stun: {method: Binding}, inside: true}}}\n"
                 "defaults: {link: {down: {drop: 7}}}\n"
                 "peers:\n  a: {link: {drop: 3, drop-match: {dtls: true}, down: {drop-match: {rtp: true}}}}\n"
                 "  b: {link: {drop-match: {}}}\n  c:\n");
    const hp_sc_link *a = &s->peers[0].interfaces[0].link, *b = &s->peers[1].interfaces[0].link,
                     *c = &s->peers[2].interfaces[0].link;

    assert_true(s->internet.drop_some && s->internet.n_drop == 1 && s->internet.drop[0].first == 2);
    assert_true(s->internet.drop_match.stun.method == HP_STUN_BINDING && s->internet.drop_match.inside);
    assert_int_equal(s->internet.drop_match.stun.present, HP_PRESENT);
    assert_true(a->up.drop_some && a->up.drop_match.dtls == HP_PRESENT && a->up.drop_match.rtp == HP_EITHER);
    assert_true(a->down.drop_some && a->down.drop_match.dtls == HP_EITHER && a->down.drop_match.rtp == HP_PRESENT);
    assert_true(a->up.drop[0].first == 3 && a->down.drop[0].first == 3);
    assert_true(b->down.drop_some && b->down.drop[0].first == 7 && hp_match_is_empty(&b->down.drop_match));
    assert_true(!c->down.drop_some && c->down.n_drop == 1 && !c->up.drop_some && c->up.n_drop == 0);
    hp_scenario_free(s);

    static const char lacks[] = "`drop-match` says which packets `drop` counts, and there is no `drop`";
    g_autofree char *expected = g_strdup_printf("1:34: %s\n3:26: %s\n4:31: %s\n5:48: %s\n", lacks, lacks, lacks, lacks);
    assert_complains(
        "network: {internet: {drop-match: {dtls: true}}}\npeers:\n  a: {link: {drop-match: {}}}\n"
        "  b: {link: {up: {drop-match: {rtp: true}}}}\n  c: {link: {up: {drop: 1}, down: {drop-match: {}}}}\n",
        expected);
}

static void lans(void **state)
{
    hp_scenario *s =
        load_one("network:\n  lans:\n    office: {link: {loss: 1%}, families: [ipv4, ipv6], prefix4: 10.1.0.0/16,\n"
                 "      prefix6: fd00:1::/64}\n    attic:\npeers: {a: {behind: office}, b: {behind: attic}}");
    assert_int_equal(s->n_lans, 2);
    assert_string_equal(s->lans[0].name, "office");
    assert_true(s->lans[0].link.delay_ns == 500 * HP_US);
    assert_int_equal(s->lans[0].link.loss_ppb, 10000000);
    assert_true(s->lans[0].family.ipv4 && s->lans[0].family.ipv6);
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_prefix_format(&s->lans[0].prefix4, text), "10.1.0.0/16");
    assert_string_equal(hp_prefix_format(&s->lans[0].prefix6, text), "fd00:1::/64");
    assert_true(s->lans[1].link.delay_ns == 500 * HP_US);
    assert_int_equal(s->lans[1].prefix4.base.family, HP_AF_NONE);
    assert_int_equal(s->lans[1].mark.line, 5);
    hp_scenario_free(s);
}

static void nats_start_from_their_preset(void **state)
{
    hp_scenario *s = load_one("network:\n  nats:\n    bare: {}\n    named: symmetric\n"
                              "    tuned: {udp-timeout: 30s, blocked: [53, 100..200], preset: symmetric, pool: 2,\n"
                              "            addresses: [192.0.2.7, 192.0.2.8], port-range: 2000..2999, behind: named,\n"
                              "            link: {delay: 4ms}, lan: {delay: 1ms}, inside4: 10.0.0.0/24}\n"
                              "    moved: {}\n"
                              "  behind: {moved: bare}\n"
                              "peers: {a: {behind: tuned}}");
    const hp_nat_config plain = hp_nat_config_default(), symmetric = hp_nat_preset_find("symmetric")->config;
    const hp_sc_nat *bare = &s->nats[0], *named = &s->nats[1], *tuned = &s->nats[2];

    assert_null(bare->preset);
    assert_memory_equal(&bare->config, &plain, sizeof plain);
    assert_string_equal(bare->behind, "internet");
    assert_true(bare->lan.delay_ns == 500 * HP_US);
    assert_true(bare->link.up.delay_ns == 0);
    assert_string_equal(named->preset, "symmetric");
    assert_memory_equal(&named->config, &symmetric, sizeof symmetric);

    assert_string_equal(tuned->preset, "symmetric");
    assert_int_equal(tuned->config.mapping, symmetric.mapping);
    assert_true(tuned->config.udp_timeout == 30 * HP_S);
    assert_int_equal(tuned->config.pool, 2);
    assert_int_equal(tuned->config.n_blocked, 2);
    assert_int_equal(tuned->config.blocked[0].first, 53);
    assert_int_equal(tuned->config.blocked[0].last, 53);
    assert_int_equal(tuned->config.blocked[1].last, 200);
    assert_int_equal(tuned->config.port_range.first, 2000);
    assert_int_equal(tuned->config.port_range.last, 2999);
    assert_string_equal(tuned->behind, "named");
    assert_int_equal(tuned->n_addresses, 2);
    hp_addr second = hp_addr_v4(0xc0000208, 0);
    assert_true(hp_addr_equal(&tuned->addresses[1], &second));
    assert_true(tuned->link.up.delay_ns == 4 * HP_MS && tuned->link.down.delay_ns == 4 * HP_MS);
    assert_true(tuned->lan.delay_ns == HP_MS);
    assert_int_equal(tuned->inside4.bits, 24);
    assert_string_equal(s->nats[3].behind, "bare");
    hp_scenario_free(s);
}

static void every_knob_of_a_nat(void **state)
{
    hp_scenario *s = load_one(
        "network: {nats: {n: {mapping: address-dependent, filtering: endpoint-independent, ports: sequential,\n"
        "  overload: true, port-parity: true, port-contiguity: true, well-known-apart: true, collision: refuse,\n"
        "  port-block: 64, port-blocks-per-host: 3, pooling: arbitrary, hairpin: internal-source, hairpin-filtered: "
        "true,\n"
        "  hairpin-drops-first: true, udp-unreplied-timeout: 31s, udp-well-known-timeout: 32s, icmp-timeout: 33s,\n"
        "  refresh: both, max-lifetime: 1h, max-mappings: 10, max-mappings-per-host: 5, max-sessions-per-mapping: 6,\n"
        "  eviction: least-recent, inbound-first: true, unsolicited: icmp, icmp-errors: false,\n"
        "  icmp-error-ends-mapping: true, fragments: in-order, block-udp: true, answers-blocked: true,\n"
        "  answers-ping: true}}}\npeers: {a: {behind: n}}");
    const hp_nat_config *c = &s->nats[0].config;

    assert_int_equal(c->mapping, HP_NAT_ADDRESS_DEPENDENT);
    assert_int_equal(c->filtering, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(c->ports, HP_NAT_PORTS_SEQUENTIAL);
    assert_true(c->overload && c->port_parity && c->port_contiguity && c->well_known_apart);
    assert_int_equal(c->collision, HP_NAT_COLLISION_REFUSE);
    assert_int_equal(c->port_block, 64);
    assert_int_equal(c->port_blocks_per_host, 3);
    assert_int_equal(c->pooling, HP_NAT_ARBITRARY);
    assert_int_equal(c->hairpin, HP_NAT_HAIRPIN_INTERNAL_SOURCE);
    assert_true(c->hairpin_filtered && c->hairpin_drops_first);
    assert_true(c->udp_unreplied_timeout == 31 * HP_S && c->udp_well_known_timeout == 32 * HP_S);
    assert_true(c->icmp_timeout == 33 * HP_S && c->max_lifetime == 3600 * HP_S);
    assert_int_equal(c->refresh, HP_NAT_REFRESH_BOTH);
    assert_int_equal(c->max_mappings, 10);
    assert_int_equal(c->max_mappings_per_host, 5);
    assert_int_equal(c->max_sessions_per_mapping, 6);
    assert_int_equal(c->eviction, HP_NAT_EVICT_LEAST_RECENT);
    assert_true(c->inbound_first && !c->icmp_errors && c->icmp_error_ends_mapping);
    assert_int_equal(c->unsolicited, HP_NAT_UNSOLICITED_ICMP);
    assert_int_equal(c->fragments, HP_NAT_FRAGMENTS_IN_ORDER);
    assert_true(c->block_udp && c->answers_blocked && c->answers_ping);
    hp_scenario_free(s);
}

static void servers(void **state)
{
    hp_scenario *s = load_one(
        "servers:\n  s: stun\n  t: turn\n  big:\n    kind: turn\n    users: {alice: secret, bob: {password: p, "
        "expires: 5m}}\n"
        "    nat-discovery: true\n    addresses: [203.0.113.9, 203.0.113.10]\n    relay-ports: 50000..50009\n"
        "    user-quota: 2\n    capacity: 9\n    denied-peers: [10.0.0.0/8, 192.0.2.1]\n    redirect: t\n    stopped: "
        "true\n"
        "    sha256: true\n    lifetime: 30s\n    dont-fragment: false\n    realm: example.org\n"
        "    faults:\n      - silence\n      - silence: {method: allocate, nth: 2..3, from: 1s, until: 2s}\n      - "
        "delay: 200ms\n"
        "      - error: {code: 438, nth: 4..}\n      - error: 486\n      - forget: {method: Refresh}\npeers: {a: }");
    const hp_server_config *c = &s->servers[2].config;

    assert_int_equal(s->servers[0].config.kind, HP_SERVER_STUN);
    assert_int_equal(s->servers[0].config.n_users, 0);
    assert_int_equal(s->servers[0].config.port, 3478);
    assert_int_equal(s->servers[0].config.alternate_port, 3479);
    assert_true(s->servers[0].config.accept_rfc3489 && s->servers[0].config.software);
    assert_int_equal(s->servers[1].config.kind, HP_SERVER_TURN);
    assert_int_equal(s->servers[1].config.n_users, 1);
    assert_string_equal(s->servers[1].config.users[0].name, "hairpin");
    assert_string_equal(s->servers[1].config.users[0].password, "hairpin");
    assert_string_equal(s->servers[1].config.realm, "hairpin");
    assert_true(s->servers[1].config.lifetime == 600 * HP_S && s->servers[1].config.permission_lifetime == 300 * HP_S);
    assert_true(s->servers[1].config.max_lifetime == 3600 * HP_S &&
                s->servers[1].config.channel_lifetime == 600 * HP_S);
    assert_true(s->servers[1].config.dont_fragment && s->servers[1].config.allow_private_peers);
    assert_false(s->servers[1].config.allow_loopback_peers);

    assert_int_equal(c->n_users, 2);
    assert_string_equal(c->users[0].password, "secret");
    assert_true(c->users[0].expires == 0);
    assert_string_equal(c->users[1].name, "bob");
    assert_true(c->users[1].expires == 300 * HP_S);
    assert_true(c->nat_discovery && c->sha256 && !c->dont_fragment && s->servers[2].stopped);
    assert_int_equal(s->servers[2].n_addresses, 2);
    assert_int_equal(c->relay_port_first, 50000);
    assert_int_equal(c->relay_port_last, 50009);
    assert_int_equal(c->user_quota, 2);
    assert_int_equal(c->capacity, 9);
    assert_int_equal(c->n_denied_peers, 2);
    assert_int_equal(c->denied_peers[1].bits, 32);
    assert_string_equal(c->redirect, "t");
    assert_string_equal(c->realm, "example.org");
    assert_int_equal(c->n_faults, 6);
    assert_int_equal(c->faults[0].kind, HP_FAULT_SILENCE);
    assert_true(c->faults[0].nth_first == 0 && c->faults[0].nth_last == 0 && c->faults[0].method == 0);
    assert_int_equal(c->faults[1].method, HP_STUN_ALLOCATE);
    assert_true(c->faults[1].nth_first == 2 && c->faults[1].nth_last == 3);
    assert_true(c->faults[1].from == HP_S && c->faults[1].until == 2 * HP_S);
    assert_int_equal(c->faults[2].kind, HP_FAULT_DELAY);
    assert_true(c->faults[2].delay_ns == 200 * HP_MS);
    assert_int_equal(c->faults[3].kind, HP_FAULT_ERROR);
    assert_int_equal(c->faults[3].code, 438);
    assert_true(c->faults[3].nth_first == 4 && c->faults[3].nth_last == 0);
    assert_int_equal(c->faults[4].code, 486);
    assert_int_equal(c->faults[5].kind, HP_FAULT_FORGET);
    assert_int_equal(c->faults[5].method, HP_STUN_REFRESH);
    hp_scenario_free(s);
}

static void peers_start_from_defaults(void **state)
{
    hp_scenario *s =
        load_one("network: {nats: {home: {}, cgn: {}}}\nservers: {s: stun, t: turn}\n"
                 "defaults: {ice: {stun: s, turn: t, trickle: false}, link: {delay: 7ms}, families: [ipv6]}\n"
                 "peers:\n  a: {}\n  b: {ice: {turn: [], trickle: true}, link: {up: {delay: 1ms}}, families: ipv4}\n"
                 "  c: {mtu: 1400, link: {loss: 1%}, interfaces: {wifi: home, lte: {behind: cgn, mtu: 1300, link: "
                 "{delay: 30ms}}}}\n");
    const hp_sc_peer *a = &s->peers[0], *b = &s->peers[1], *c = &s->peers[2];

    assert_string_equal(a->ice.stun, "s");
    assert_string_equal(a->ice.turn[0], "t");
    assert_null(a->ice.turn[1]);
    assert_false(a->ice.trickle);
    assert_true(a->interfaces[0].link.up.delay_ns == 7 * HP_MS);
    assert_true(a->interfaces[0].family.ipv6 && !a->interfaces[0].family.ipv4);
    assert_string_equal(b->ice.stun, "s");
    assert_null(b->ice.turn[0]);
    assert_true(b->ice.trickle);
    assert_true(b->interfaces[0].link.up.delay_ns == HP_MS && b->interfaces[0].link.down.delay_ns == 7 * HP_MS);
    assert_true(b->interfaces[0].family.ipv4 && !b->interfaces[0].family.ipv6);
    assert_int_equal(c->n_interfaces, 2);
    assert_string_equal(c->interfaces[0].name, "wifi");
    assert_string_equal(c->interfaces[0].behind, "home");
    assert_int_equal(c->interfaces[0].mtu, 1400);
    assert_int_equal(c->interfaces[0].link.down.loss_ppb, 10000000);
    assert_true(c->interfaces[0].link.up.delay_ns == 7 * HP_MS);
    assert_string_equal(c->interfaces[1].name, "lte");
    assert_string_equal(c->interfaces[1].behind, "cgn");
    assert_int_equal(c->interfaces[1].mtu, 1300);
    assert_true(c->interfaces[1].link.up.delay_ns == 30 * HP_MS);
    assert_int_equal(c->interfaces[1].link.up.loss_ppb, 10000000);
    hp_scenario_free(s);
}

static void every_key_of_an_agent(void **state)
{
    hp_scenario *s = load_one(
        "servers: {t: {kind: turn, users: {u: p}}}\npeers:\n  a:\n    ice: {turn: t, turn-user: u, turn-password: "
        "wrong,\n"
        "      compatibility: oc2007r2, nomination: regular, role: controlled, trickle-interval: 5ms, full-mode: "
        "false,\n"
        "      force-relay: true, consent-freshness: true, keepalive-conncheck: true, support-renomination: true,\n"
        "      reliable: true, ice-udp: false, ice-tcp: true, upnp: true, stun-pacing-timer: 30ms,\n"
        "      stun-initial-timeout: 250ms, stun-reliable-timeout: 9s, stun-max-retransmissions: 4,\n"
        "      max-connectivity-checks: 50, idle-timeout: 2s, ports: 40000..40100, ufrag: abcd, password: "
        "'0123456789',\n"
        "      tos: 184, software: test}\n"
        "    client: {queue-early-candidates: false, send-before-set: true, null-id-until: 3s, ignores-own: false,\n"
        "      answers-any-offer: false, answer-delay: 1s}\n");
    const hp_ice_config *i = &s->peers[0].ice;
    const hp_sc_client *c = &s->peers[0].client;

    assert_string_equal(i->turn_user, "u");
    assert_string_equal(i->turn_password, "wrong");
    assert_int_equal(i->compatibility, HP_ICE_OC2007R2);
    assert_int_equal(i->nomination, HP_ICE_NOMINATION_REGULAR);
    assert_int_equal(i->role, HP_ICE_ROLE_CONTROLLED);
    assert_true(i->trickle_interval == 5 * HP_MS);
    assert_false(i->full_mode || i->ice_udp);
    assert_true(i->force_relay && i->consent_freshness && i->keepalive_conncheck && i->support_renomination);
    assert_true(i->reliable && i->ice_tcp && i->upnp);
    assert_int_equal(i->stun_pacing_timer_ms, 30);
    assert_int_equal(i->stun_initial_timeout_ms, 250);
    assert_int_equal(i->stun_reliable_timeout_ms, 9000);
    assert_int_equal(i->stun_max_retransmissions, 4);
    assert_int_equal(i->max_connectivity_checks, 50);
    assert_int_equal(i->idle_timeout_ms, 2000);
    assert_int_equal(i->port_min, 40000);
    assert_int_equal(i->port_max, 40100);
    assert_string_equal(i->ufrag, "abcd");
    assert_string_equal(i->password, "0123456789");
    assert_int_equal(i->tos, 184);
    assert_string_equal(i->software, "test");
    assert_false(c->queue_early_candidates || c->ignores_own || c->answers_any_offer);
    assert_true(c->send_before_set && c->null_id_until == 3 * HP_S && c->answer_delay == HP_S);
    hp_scenario_free(s);
}

static void signalling(void **state)
{
    hp_scenario *s =
        load_one("signaling: {delay: 1ms, jitter: 2ms, loss: 3%, duplicate: 4%, reorder: 5%, reorder-by: 6ms,\n"
                 "  offer-delay: 7ms, answer-delay: 2m, candidate-delay: 9ms, echo: false}\npeers: {a: }");
    const hp_signaling_config *c = &s->signaling;
    assert_true(c->delay == HP_MS && c->jitter == 2 * HP_MS && c->reorder_by == 6 * HP_MS);
    assert_int_equal(c->loss_ppb, 30000000);
    assert_int_equal(c->duplicate_ppb, 40000000);
    assert_int_equal(c->reorder_ppb, 50000000);
    assert_true(c->type_delay[HP_SIGNAL_OFFER] == 7 * HP_MS);
    assert_true(c->type_delay[HP_SIGNAL_ANSWER] == 120 * HP_S);
    assert_true(c->type_delay[HP_SIGNAL_CANDIDATE] == 9 * HP_MS);
    assert_false(c->echo);
    hp_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_scenario),
        cmocka_unit_test(the_head),
        cmocka_unit_test(every_key_of_a_link),
        cmocka_unit_test(directions_override_what_both_have),
        cmocka_unit_test(exact_losses_of_some_packets),
        cmocka_unit_test(lans),
        cmocka_unit_test(nats_start_from_their_preset),
        cmocka_unit_test(every_knob_of_a_nat),
        cmocka_unit_test(servers),
        cmocka_unit_test(peers_start_from_defaults),
        cmocka_unit_test(every_key_of_an_agent),
        cmocka_unit_test(signalling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
