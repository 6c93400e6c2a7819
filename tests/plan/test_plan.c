/* From names to indices and addresses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "plan/plan.h"

typedef struct planned {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
} planned;

static planned make(const char *text)
{
    planned p = {.diags = hp_diags_new()};
    p.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), p.diags);
    if (!p.scenarios) {
        g_autofree char *errors = hp_diags_format(p.diags);
        print_error("%s", errors);
    }
    assert_non_null(p.scenarios);
    p.plan = hp_plan_new(p.scenarios->pdata[0], "folder/test", 7, p.diags);
    return p;
}

static void clear(planned *p)
{
    hp_plan_free(p->plan);
    g_ptr_array_unref(p->scenarios);
    hp_diags_free(p->diags);
}

static const char *text_of(const hp_addr *a)
{
    static char text[HP_ADDR_TEXT];
    return hp_addr_format(a, text);
}

#define HOME                                                                                                           \
    "network:\n  lans: {den: {}}\n  nats:\n    home: full-cone\n    cgn: cgn-rfc6888\n  behind: {home: cgn}\n"         \
    "servers: {stun: stun, turn: {kind: turn, nat-discovery: true}}\n"                                                 \
    "peers:\n  alice: {behind: home, ice: {stun: stun, turn: turn}}\n  bob:\n  carol: {behind: den}\n"                 \
    "  dave: {interfaces: {wifi: home, lte: cgn}}\n"

/* Every place has the link that the scenario says, arrays and all. */
static void links_come_whole(void **state)
{
    planned p = make("network:\n  internet: {rate-steps: [{at: 1s, rate: 2Mbit/s}]}\n"
                     "  nats: {home: {link: {up: {outages: [{from: 1s, to: 2s}], outage-cycle: 3s}}}}\n"
                     "peers:\n  alice: {behind: home, link: {down: {jitter-kind: list, jitter-list: [1ms, 2ms]}}}\n"
                     "  bob: {link: {queue-kind: codel, codel-target: 7ms, rate: 1Mbit/s}}\n");
    const hp_plan *plan = p.plan;
    assert_non_null(plan);
    const hp_link_config *internet = &plan->zones[0].link, *home = &plan->nats[0].outside.link.up,
                         *alice = &plan->peers[0].interfaces[0].link.down, *bob = &plan->peers[1].interfaces[0].link.up;
    assert_int_equal(internet->n_rate_steps, 1);
    assert_true(internet->rate_steps[0].at == HP_S && internet->rate_steps[0].rate_bps == 2000000);
    assert_true(home->n_outages == 1 && home->outages[0].to == 2 * HP_S && home->outage_cycle == 3 * HP_S);
    assert_true(alice->n_jitter_list == 2 && alice->jitter_list[1] == 2 * HP_MS);
    assert_int_equal(plan->peers[0].interfaces[0].link.up.n_jitter_list, 0);
    assert_int_equal(bob->queue_kind, HP_QUEUE_CODEL);
    assert_true(bob->codel_target_ns == 7 * HP_MS);
    clear(&p);
}

static void names_become_indices(void **state)
{
    planned p = make(HOME);
    const hp_plan *plan = p.plan;
    assert_non_null(plan);
    assert_string_equal(plan->case_name, "folder/test");
    assert_int_equal(plan->seed, 7);
    assert_int_equal(plan->n_zones, 4);
    assert_int_equal(hp_plan_find_zone(plan, "internet"), 0);
    assert_int_equal(hp_plan_find_zone(plan, "den"), 1);
    assert_int_equal(hp_plan_find_zone(plan, "home"), 2);
    assert_int_equal(hp_plan_find_zone(plan, "cgn"), 3);
    assert_int_equal(hp_plan_find_zone(plan, "nowhere"), -1);
    int home = hp_plan_find_nat(plan, "home");
    assert_int_equal(plan->nats[home].outside.zone, 3);
    assert_int_equal(plan->nats[home].inside_zone, 2);
    const hp_plan_peer *alice = &plan->peers[hp_plan_find_peer(plan, "alice")];
    assert_int_equal(alice->stun, hp_plan_find_server(plan, "stun"));
    assert_int_equal(alice->n_turn, 1);
    assert_int_equal(alice->turn[0], hp_plan_find_server(plan, "turn"));
    assert_int_equal(alice->interfaces[0].zone, 2);
    const hp_plan_peer *bob = &plan->peers[hp_plan_find_peer(plan, "bob")];
    assert_int_equal(bob->stun, -1);
    assert_int_equal(bob->n_turn, 0);
    const hp_plan_peer *dave = &plan->peers[hp_plan_find_peer(plan, "dave")];
    assert_int_equal(dave->n_interfaces, 2);
    assert_string_equal(dave->interfaces[0].tap, "dave/wifi");
    assert_string_equal(dave->interfaces[1].tap, "dave/lte");
    clear(&p);
}

static void addresses_come_from_networks_that_nobody_owns(void **state)
{
    planned p = make(HOME);
    const hp_plan *plan = p.plan;
    assert_string_equal(text_of(&plan->servers[0].attachment.addresses[0]), "203.0.113.10");
    assert_int_equal(plan->servers[1].attachment.n_addresses, 2); /* nat-discovery */
    assert_string_equal(text_of(&plan->servers[1].attachment.addresses[1]), "203.0.113.12");
    assert_string_equal(text_of(&plan->peers[1].interfaces[0].addresses[0]), "198.51.100.10");
    int home = hp_plan_find_nat(plan, "home"), cgn = hp_plan_find_nat(plan, "cgn");
    /* A NAT with NATs behind it has carrier addresses inside. */
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_prefix_format(&plan->zones[3].prefix4, text), "100.65.0.0/16");
    assert_string_equal(hp_prefix_format(&plan->zones[2].prefix4, text), "192.168.1.0/24");
    assert_string_equal(text_of(&plan->zones[2].router4), "192.168.1.1");
    assert_true(hp_prefix_contains(&plan->zones[3].prefix4, &plan->nats[home].outside.addresses[0]));
    assert_string_equal(text_of(&plan->nats[cgn].outside.addresses[0]), "192.0.2.10");
    /* As many spare ones for a renumbering, all different. */
    assert_non_null(plan->nats[cgn].outside.spare);
    assert_false(hp_addr_equal(&plan->nats[cgn].outside.spare[0], &plan->nats[cgn].outside.addresses[0]));
    assert_string_equal(text_of(&plan->peers[2].interfaces[0].addresses[0]), "172.16.0.10");
    clear(&p);
}

static void an_element_at_the_end_renumbers_nobody(void **state)
{
    planned a = make("peers: {alice: , bob: }\n"), b = make("peers: {alice: , bob: , carol: }\n");
    for (unsigned i = 0; i < 2; i++)
        assert_true(
            hp_addr_equal(&a.plan->peers[i].interfaces[0].addresses[0], &b.plan->peers[i].interfaces[0].addresses[0]));
    clear(&a);
    clear(&b);
}

static void a_crowd_gets_a_larger_network(void **state)
{
    GString *text = g_string_new("network: {nats: {home: full-cone}}\npeers:\n");
    for (unsigned i = 0; i < 600; i++)
        g_string_append_printf(text, "  inside%u: {behind: home}\n  public%u:\n", i, i);
    planned p = make(text->str);
    assert_non_null(p.plan);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < p.plan->n_peers; i++)
        assert_true(g_hash_table_add(seen, g_strdup(text_of(&p.plan->peers[i].interfaces[0].addresses[0]))));
    clear(&p);
    g_string_free(text, TRUE);
}

static void ipv6_where_it_is_asked_for(void **state)
{
    planned p = make("network: {nats: {home: {preset: full-cone, families: [ipv4, ipv6]}}}\n"
                     "servers: {stun: {kind: stun, families: [ipv4, ipv6]}}\n"
                     "peers: {alice: {behind: home, families: [ipv4, ipv6]}, bob: {families: [ipv6]}}\n");
    assert_non_null(p.plan);
    const hp_plan_attachment *alice = &p.plan->peers[0].interfaces[0];
    assert_int_equal(alice->n_addresses, 2);
    assert_string_equal(text_of(&alice->addresses[0]), "192.168.1.10");
    assert_string_equal(text_of(&alice->addresses[1]), "fd00:0:0:1::a");
    assert_int_equal(p.plan->peers[1].interfaces[0].n_addresses, 1);
    assert_string_equal(text_of(&p.plan->peers[1].interfaces[0].addresses[0]), "2001:db8:50::a");
    assert_string_equal(text_of(&p.plan->servers[0].attachment.addresses[1]), "2001:db8:53::a");
    clear(&p);
}

static void given_addresses_are_kept_apart(void **state)
{
    planned p = make("network: {nats: {home: {preset: full-cone, inside4: 10.1.0.0/16}}}\n"
                     "peers: {alice: {behind: home, addresses: 10.1.0.10}, bob: {behind: home}}\n");
    assert_string_equal(text_of(&p.plan->peers[0].interfaces[0].addresses[0]), "10.1.0.10");
    assert_string_equal(text_of(&p.plan->peers[1].interfaces[0].addresses[0]), "10.1.0.11");
    clear(&p);
}

static void places_are_what_at_may_say(void **state)
{
    planned p = make(HOME);
    const char *const *places = hp_plan_places(p.plan);
    static const char *const expected[] = {"internet", "home",     "home/in",        "home/out",  "alice",
                                           "alice/up", "bob/down", "internet/bob",   "dave/wifi", "turn",
                                           "den",      "dave",     "home/dave/wifi", "cgn/home"};
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
        if (!g_strv_contains(places, expected[i]))
            fail_msg("`%s` is no place", expected[i]);
    }
    assert_false(g_strv_contains(places, "nowhere"));
    clear(&p);
}

static void packets_are_captured_at_interfaces(void **state)
{
    planned p = make(HOME "expect:\n- packets: {at: home, count: 0}\n- packets: {at: cgn/out, count: 0}\n"
                          "- packets: {at: dave, count: 0}\n- packets: {at: dave/lte, count: 0}\n"
                          "- packets: {at: turn, count: 0}\n- drops: {at: den/carol}\n");
    assert_non_null(p.plan);
    assert_int_equal(p.diags->n_errors, 0);
    clear(&p);
}

/* Each makes no plan, and says so in these words at that line. */
static void what_cannot_be_planned_is_told(void **state)
{
    static const struct {
        const char *text, *words;
        unsigned line;
    } bad[] = {
        {"network:\n  nats:\n    home: {preset: full-cone, behind: flat}\n    flat: {preset: full-cone, behind: home}\n"
         "peers: {alice: }\n",
         "behind itself", 3},
        {"servers: {a: {kind: stun, addresses: 203.0.113.5}, b: {kind: stun, addresses: 203.0.113.6}}\npeers: {alice: "
         "}\n"
         "steps:\n  - renumber: {nat: a, to: 203.0.113.7}\n  - renumber: {nat: a, to: 203.0.113.5}\n"
         "  - renumber: {nat: a, to: 203.0.113.7}\n  - renumber: {nat: a, to: 203.0.113.6}\n",
         "203.0.113.6 is already somebody else's", 7},
        {"network: {lans: {l: }}\nservers: {a: {kind: stun, behind: l}}\npeers: {alice: {behind: l}}\n"
         "steps:\n  - renumber: {nat: a, to: 8.8.8.8}\n",
         "8.8.8.8 is not in the network of `l`", 5},
        {"peers:\n  alice: {addresses: 192.0.2.1}\n  bob: {addresses: 192.0.2.1}\n", "somebody else's", 3},
        {"network:\n  nats: {home: full-cone}\npeers:\n  alice: {behind: home, addresses: 192.0.2.1}\n",
         "not in the network of `home`", 4},
        {"network:\n  nats: {home: full-cone}\npeers:\n  alice: {behind: home, families: [ipv6]}\n", "has no IPv6", 4},
        {"servers:\n  stun: {kind: stun, nat-discovery: true, addresses: 192.0.2.1}\npeers: {alice: }\n",
         "two addresses", 2},
        {"network:\n  nats: {home: {preset: full-cone, inside4: 10.0.0.0/30}}\npeers:\n"
         "  alice: {behind: home}\n",
         "no address left", 4},
        {"peers: {alice: , bob: }\nexpect:\n- drops: {at: alcie}\n",
         "there is no place `alcie` to look at (did you mean `alice`?)", 3},
        {"peers: {alice: , bob: }\nexpect:\n- packets: {at: nowhere/at-all, count: 0}\n",
         "there is no place `nowhere/at-all` to look at", 3},
        /* A link drops packets, but nothing is captured on it. */
        {"peers: {alice: , bob: }\nexpect:\n- drops: {at: link alice/up}\n- packets: {at: alice/up, count: 0}\n",
         "no packets are captured at `alice/up`", 4},
        {"peers: {alice: , bob: }\nexpect:\n- drops: {at: internet}\n- packets: {at: internet, count: 0}\n",
         "no packets are captured at `internet`", 4},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(hp_diags) diags = hp_diags_new();
        g_autoptr(GPtrArray) scenarios = hp_scenario_parse("test.yaml", bad[i].text, strlen(bad[i].text), diags);
        hp_plan *plan = scenarios ? hp_plan_new(scenarios->pdata[0], "test", 1, diags) : NULL;
        g_autofree char *told = hp_diags_format(diags);
        if (plan || !strstr(told, bad[i].words))
            fail_msg("case %u: expected \"%s\", told: %s", i, bad[i].words, told);
        assert_int_equal(((const hp_diag *)diags->list->pdata[0])->mark.line, bad[i].line);
        /* What was said of one case is not said again of the next. */
        assert_null(hp_plan_new(scenarios->pdata[0], "again", 1, diags));
        assert_int_equal(diags->n_errors, 1);
    }
}

/* One UDP datagram in raw IPv4, in a capture file of one packet: nothing of it is RTP. */
static const uint8_t no_rtp[] = {
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0,  4, 0, 0,   0,   0,   0,   0,   0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0, /* file */
    0,    0,    0,    0,    0, 0,  0, 0, 32,  0,   0,   0,   32,  0, 0, 0, /* packet */
    0x45, 0,    0,    32,   0, 0,  0, 0, 64,  17,  0,   0,   192, 0, 2, 1, 192,  0,    2, 2, /* IPv4 */
    0x10, 0,    0x20, 0,    0, 12, 0, 0, 'a', 'b', 'c', 'd', /* UDP */
};

/* Paths are relative to the scenario; the cases of a file share what was read. */
static void recordings_are_read_once(void **state)
{
    static const char text[] = "peers:\n  a: {media: {audio: {replay: ../media/voice.pcap}, video: {replay: "
                               "../media/voice.pcap}}}\n  b: {media: {audio: {replay: " HAIRPIN_SOURCE_DIR
                               "/fixtures/media/voice.pcapng}}}\nmatrix: {seed: [1, 2]}\n";
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse(HAIRPIN_SOURCE_DIR "/fixtures/rfc5769/t.yaml", text, strlen(text), diags);
    assert_non_null(cases);
    hp_plan *first = hp_plan_new(cases->pdata[0], "t", 1, diags), *second = hp_plan_new(cases->pdata[1], "t", 1, diags);
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "");
    assert_non_null(first->peers[0].replay[HP_MEDIA_AUDIO]);
    assert_int_equal(first->peers[0].replay[HP_MEDIA_AUDIO]->n, first->peers[1].replay[HP_MEDIA_AUDIO]->n);
    assert_ptr_equal(first->peers[0].replay[HP_MEDIA_AUDIO], first->peers[0].replay[HP_MEDIA_VIDEO]);
    assert_ptr_equal(first->peers[0].replay[HP_MEDIA_AUDIO], second->peers[0].replay[HP_MEDIA_AUDIO]);
    assert_ptr_equal(first->peers[1].replay[HP_MEDIA_AUDIO], second->peers[1].replay[HP_MEDIA_AUDIO]);
    assert_ptr_not_equal(first->peers[0].replay[HP_MEDIA_AUDIO], first->peers[1].replay[HP_MEDIA_AUDIO]);
    assert_null(first->peers[1].replay[HP_MEDIA_VIDEO]);
    hp_plan_free(first);
    g_ptr_array_unref(cases); /* a plan's recordings outlive what its file shares */
    assert_true(second->peers[0].replay[HP_MEDIA_AUDIO]->n > 0);
    hp_plan_free(second);
}

static void recordings_that_cannot_be_sent(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("hairpin-plan-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(folder, "t.yaml", NULL);
    g_autofree char *talk = g_build_filename(folder, "talk.pcap", NULL);
    static const char text[] =
        "peers:\n  a: {media: {audio: {replay: talk.pcap}}}\n"
        "  b: {media: {video: {replay: missing.pcap}}}\n  c: {media: {audio: {replay: t.yaml}}}\n"
        "matrix: {seed: [1, 2]}\n";
    assert_true(g_file_set_contents(talk, (const char *)no_rtp, sizeof no_rtp, NULL));
    assert_true(g_file_set_contents(file, text, -1, NULL));
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GPtrArray) cases = hp_scenario_load(file, diags);
    assert_non_null(cases);
    assert_null(hp_plan_new(cases->pdata[0], "t", 1, diags));
    assert_null(hp_plan_new(cases->pdata[1], "t", 1, diags));
    assert_int_equal(diags->n_errors, 3);
    for (unsigned i = 0; i < 3; i++) {
        const hp_diag *d = diags->list->pdata[i];
        assert_int_equal(d->mark.line, i + 2);
        assert_int_equal(d->mark.column, 31);
        assert_non_null(strstr(d->message, folder)); /* whatever is wrong, the file is named in full */
        assert_string_equal(d->hint, "the path is relative to the scenario's folder");
    }
    const hp_diag *silent = diags->list->pdata[0], *missing = diags->list->pdata[1];
    g_autofree char *expected = g_strdup_printf("%s: none of its 1 UDP datagrams is RTP", talk);
    assert_string_equal(silent->message, expected);
    assert_non_null(strstr(missing->message, "missing.pcap"));
    assert_int_equal(remove(talk) | remove(file) | remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recordings_are_read_once),
                                       cmocka_unit_test(recordings_that_cannot_be_sent),
                                       cmocka_unit_test(names_become_indices),
                                       cmocka_unit_test(links_come_whole),
                                       cmocka_unit_test(addresses_come_from_networks_that_nobody_owns),
                                       cmocka_unit_test(an_element_at_the_end_renumbers_nobody),
                                       cmocka_unit_test(a_crowd_gets_a_larger_network),
                                       cmocka_unit_test(ipv6_where_it_is_asked_for),
                                       cmocka_unit_test(given_addresses_are_kept_apart),
                                       cmocka_unit_test(places_are_what_at_may_say),
                                       cmocka_unit_test(packets_are_captured_at_interfaces),
                                       cmocka_unit_test(what_cannot_be_planned_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
