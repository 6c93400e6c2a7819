/* `port-mapping` of NATs and of peers, `map-port` and `unmap-port`: exact structs, defaults, errors. */
#include "fixture.h"

static void shortest_way(void **state)
{
    hp_scenario *s = load_one("network: {nats: {a: {port-mapping: pcp}, b: {port-mapping: [nat-pmp, upnp]}, c: }}\n"
                              "peers: {p: {behind: a}}\n");
    const hp_port_mapping_config *a = &s->nats[0].port_mapping, *b = &s->nats[1].port_mapping,
                                 *c = &s->nats[2].port_mapping;
    assert_true(!a->nat_pmp && a->pcp && !a->upnp);
    assert_true(b->nat_pmp && !b->pcp && b->upnp);
    assert_true(!c->nat_pmp && !c->pcp && !c->upnp);
    assert_int_equal(s->nats[0].port_mapping_mark.line, 1);
    assert_int_equal(s->nats[2].port_mapping_mark.line, 0);
    const hp_ice_config *ice = &s->peers[0].ice;
    assert_int_equal(ice->port_mapping, HP_PORT_MAPPING_NONE);
    assert_int_equal(ice->port_mapping_wait, 2 * HP_S);
    assert_int_equal(ice->port_client.lifetime, 0);
    hp_scenario_free(s);
}

static void every_knob(void **state)
{
    hp_scenario *s = load_one(
        "network: {nats: {a: {port-mapping: {protocols: upnp, refuse: true, min-lifetime: 10s, max-lifetime: 1h,\n"
        "  max-mappings: 9, max-per-host: 3, lowest-port: 1024, announcements: false, keep-epoch: true, pcp-peer: "
        "false,\n"
        "  pcp-max-filters: 2, upnp-version: 2, upnp-permanent-only: true, upnp-same-port: true,\n"
        "  upnp-wildcard-remote-only: true, upnp-any-client: true, upnp-ssdp: false, upnp-port: 49152}}}}\n"
        "peers: {p: {behind: a, ice: {port-mapping: upnp, port-mapping-wait: 1s, port-mapping-lifetime: 90s,\n"
        "  port-mapping-timeout: 100ms, port-mapping-max-timeout: 5s, port-mapping-attempts: 4,\n"
        "  port-mapping-give-up: 7s}}}\n");
    const hp_port_mapping_config *c = &s->nats[0].port_mapping;
    assert_true(c->upnp && c->refuse && c->no_announce && c->keep_epoch && c->pcp_no_peer);
    assert_true(c->min_lifetime == 10 * HP_S && c->max_lifetime == 3600 * HP_S);
    assert_true(c->max_mappings == 9 && c->max_per_host == 3 && c->lowest_port == 1024 && c->pcp_max_filters == 2);
    assert_true(c->upnp_version == 2 && c->upnp_permanent_only && c->upnp_same_port && c->upnp_wildcard_remote_only);
    assert_true(c->upnp_any_client && c->upnp_silent && c->upnp_port == 49152);
    const hp_ice_config *ice = &s->peers[0].ice;
    assert_int_equal(ice->port_mapping, HP_PORT_MAPPING_UPNP);
    assert_true(ice->port_mapping_wait == HP_S && ice->port_client.lifetime == 90 * HP_S);
    assert_true(ice->port_client.first_timeout == 100 * HP_MS && ice->port_client.max_timeout == 5 * HP_S);
    assert_true(ice->port_client.attempts == 4 && ice->port_client.give_up == 7 * HP_S);
    hp_scenario_free(s);
}

#define NETWORK "network: {nats: {a: {port-mapping: pcp}}}\npeers: {p: {behind: a}}\n"

static void steps(void **state)
{
    hp_scenario *s =
        load_one(NETWORK "steps:\n"
                         "- map-port: {peer: p, internal: 5000}\n"
                         "- map-port: {peer: p, internal: 8080, external: 80, exact: true, transport: tcp,\n"
                         "    protocol: upnp, lifetime: 1h, remote: 198.51.100.7}\n"
                         "- map-port: {peer: p, internal: 1, remote: 2001:db8::7, remote-port: 9}\n"
                         "- unmap-port: {peer: p, internal: 8080, transport: tcp}\n");
    const hp_sc_map_port *a = &s->steps[0].map_port, *b = &s->steps[1].map_port, *c = &s->steps[2].map_port,
                         *d = &s->steps[3].map_port;
    char text[HP_ADDR_TEXT];
    assert_int_equal(s->steps[0].kind, HP_STEP_MAP_PORT);
    assert_string_equal(hp_step_name(&s->steps[0]), "map-port");
    assert_string_equal(a->peer, "p");
    assert_true(a->transport == 17 && a->internal == 5000 && a->external == 0 && !a->exact);
    assert_true(a->protocol == HP_PORT_MAPPING_NONE && a->lifetime == 0 && a->remote.family == HP_AF_NONE);
    assert_true(b->transport == 6 && b->internal == 8080 && b->external == 80 && b->exact);
    assert_true(b->protocol == HP_PORT_MAPPING_UPNP && b->lifetime == 3600 * HP_S && b->remote_port == 0);
    assert_string_equal(hp_addr_format_ip(&b->remote, text), "198.51.100.7");
    assert_int_equal(c->remote_port, 9);
    assert_int_equal(s->steps[3].kind, HP_STEP_UNMAP_PORT);
    assert_string_equal(hp_step_name(&s->steps[3]), "unmap-port");
    assert_true(d->transport == 6 && d->internal == 8080);
    hp_scenario_free(s);
}

static void mistakes(void **state)
{
    assert_complains("network: {nats: {a: {port-mapping: {refuse: true}}}}\npeers: {p: }\n",
                     "1:36: network.nats.a.port-mapping lacks `protocols`\n");
    assert_complains("network: {nats: {a: {port-mapping: [pcp, pmp]}}}\npeers: {p: }\n",
                     "1:42: `pmp` is not a port mapping protocol (did you mean `pcp`?)\n");
    assert_complains("network: {nats: {a: {port-mapping: {protocols: pcp, min-lifetime: 2h, max-lifetime: 1h}}}}\n"
                     "peers: {p: }\n",
                     "1:67: `min-lifetime` is longer than `max-lifetime`\n");
    assert_complains("peers: {p: {ice: {port-mapping: stun}}}\n",
                     "1:33: `stun` is not a way to ask for ports (one of `none`, `nat-pmp`, `pcp`, `upnp`)\n");
    assert_complains(NETWORK "steps: [map-port: {peer: p}]\n", "3:19: steps.0.map-port lacks `internal`\n");
    assert_complains(NETWORK "steps: [map-port: {peer: q, internal: 70000}]\n",
                     "3:26: no peer is called `q`\n"
                     "3:39: `internal` must be from 1 to 65535, not 70000\n");
    assert_complains(NETWORK "steps: [map-port: {peer: p, internal: 1, exact: true}]\n",
                     "3:49: `exact` goes with `external`\n");
    assert_complains(NETWORK "steps: [map-port: {peer: p, internal: 1, remote-port: 5}]\n",
                     "3:55: `remote-port` goes with `remote`\n");
    assert_complains(
        NETWORK
        "steps: [map-port: {peer: p, internal: 1, external: 2, exact: true, remote: 192.0.2.1, remote-port: 5}]\n",
        "3:62: PCP's PEER takes any external port\n");
    assert_complains(NETWORK "steps: [unmap-port: {peer: p, internal: 1, external: 2}]\n",
                     "3:44: unknown key `external` in steps.0.unmap-port (did you mean `internal`?)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shortest_way),
        cmocka_unit_test(every_knob),
        cmocka_unit_test(steps),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
