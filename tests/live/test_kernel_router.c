/* What a masquerading kernel does, and that the preset linux-netfilter does the same: each story is told of both. */
#include "kernel_net.h"

#define FAMILIES(i) ((i) == 0 ? HP_AF_IPV4 : HP_AF_IPV6)

static const hp_nat_config *preset(const char *name)
{
    return &hp_nat_preset_find(name)->config;
}

static hp_addr bob(unsigned family, uint16_t port)
{
    return hp_addr_with_port(at(family == 0 ? "203.0.113.1" : "2001:db8:2::1"), port);
}

static hp_addr dave(unsigned family, uint16_t port)
{
    return hp_addr_with_port(at(family == 0 ? "203.0.113.2" : "2001:db8:2::2"), port);
}

static hp_addr external(unsigned family, uint16_t port)
{
    return hp_addr_with_port(at(family == 0 ? "198.18.0.1" : "2001:db8:1::1"), port);
}

/* Told of a kernel and of the preset, in both families. */
static void tell(void (*story)(kernel_net *n, unsigned family), hp_kernel_nat kind, const char *of)
{
    if (!kernel_is_possible()) {
        skip();
    }
    for (unsigned family = 0; family < 2; family++) {
        g_autoptr(kernel_net) simulated = kernel_net_new(HP_KERNEL_NAT_NONE, preset(of));
        story(simulated, family);
        g_autoptr(kernel_net) real = kernel_net_new(kind, preset(of));
        story(real, family);
    }
}

/* ---- stories ---- */

/* Out with its own port, and the answer comes back: one packet on both sides, one hop. */
static void there_and_back(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *b = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    say(n, a, &to, "hello");
    const arrival *got = arrived(n, BOB);
    assert_non_null(got);
    assert_string_equal(got->text, "hello");
    assert_true(hp_addr_equal(&got->from, &out));
    assert_int_equal(got->ttl, 62); /* NAT and router */
    say(n, b, &out, "you");
    got = arrived(n, ALICE);
    assert_non_null(got);
    assert_true(hp_addr_equal(&got->from, &to));
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING, "proto", "udp"), 1);

    hp_trace_cursor cursor = {0};
    hp_record r;
    uint64_t uid = 0;
    unsigned seen = 0;
    while (hp_trace_next(n->trace, &cursor, &r) && seen < 4) { /* alice, nat/in, nat/out, bob */
        if (r.type == HP_RECORD_PACKET) {
            uid = seen == 0 ? r.packet.uid : uid;
            assert_true(r.packet.uid == uid);
            seen++;
        }
    }
    assert_int_equal(seen, 4);
}

/* The same port towards all, as long as nobody else has it there. */
static void one_port_for_all(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *c = bind_socket(n, CAROL, FAMILIES(family), 5000);
    bind_socket(n, BOB, FAMILIES(family), 6000);
    bind_socket(n, BOB, FAMILIES(family), 6001);
    bind_socket(n, DAVE, FAMILIES(family), 6000);
    const hp_addr remotes[] = {bob(family, 6000), bob(family, 6001), dave(family, 6000)};
    for (unsigned i = 0; i < G_N_ELEMENTS(remotes); i++) {
        say(n, a, &remotes[i], "a");
        const arrival *got = arrived(n, i == 2 ? DAVE : BOB);
        assert_non_null(got);
        assert_int_equal(got->from.port, 5000);
    }
    /* Carol has the same port inside: taken towards Bob's, and so she gets another one. */
    say(n, c, &remotes[0], "c");
    const arrival *got = arrived(n, BOB);
    assert_non_null(got);
    assert_int_not_equal(got->from.port, 5000);
}

/* Only the very endpoint that was sent to comes in; to others the router says that nobody listens. */
static void filters_by_address_and_port(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000);
    hp_socket *right = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_socket *port = bind_socket(n, BOB, FAMILIES(family), 6001);
    hp_socket *address = bind_socket(n, DAVE, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    say(n, a, &to, "hello");
    assert_non_null(arrived(n, BOB));
    say(n, port, &out, "no");
    say(n, address, &out, "no");
    assert_null(arrived(n, ALICE));
    assert_int_equal(n->errors[BOB], 1);
    assert_int_equal(n->errors[DAVE], 1);
    say(n, right, &out, "yes");
    const arrival *got = arrived(n, ALICE);
    assert_non_null(got);
    assert_string_equal(got->text, "yes");
}

/* An early packet from Bob makes state for the router itself, and Alice's flow towards him loses its port. */
static void an_early_packet_steals_the_port(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *b = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), elsewhere = dave(family, 6000), out = external(family, 5000);
    bind_socket(n, DAVE, FAMILIES(family), 6000);
    say(n, a, &elsewhere, "who am I");
    assert_int_equal(arrived(n, DAVE)->from.port, 5000);
    say(n, b, &out, "early");
    assert_null(arrived(n, ALICE));
    say(n, a, &to, "late");
    assert_int_not_equal(arrived(n, BOB)->from.port, 5000);
    say(n, b, &out, "again");
    assert_null(arrived(n, ALICE));
}

/* Dropped on its way in, the early packet leaves nothing, and is answered by nothing. */
static void a_firewalled_router_keeps_it(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *b = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    say(n, b, &out, "early");
    assert_null(arrived(n, ALICE));
    assert_int_equal(n->errors[BOB], 0);
    say(n, a, &to, "late");
    assert_int_equal(arrived(n, BOB)->from.port, 5000);
    say(n, b, &out, "again");
    assert_non_null(arrived(n, ALICE));
}

/* Of three remotes at least two see other ports than the inside one. */
static void a_random_port_for_each(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000);
    const hp_addr remotes[] = {bob(family, 6000), bob(family, 6001), dave(family, 6000)};
    uint16_t ports[G_N_ELEMENTS(remotes)];
    bind_socket(n, BOB, FAMILIES(family), 6000);
    bind_socket(n, BOB, FAMILIES(family), 6001);
    bind_socket(n, DAVE, FAMILIES(family), 6000);
    for (unsigned i = 0; i < G_N_ELEMENTS(remotes); i++) {
        say(n, a, &remotes[i], "a");
        ports[i] = arrived(n, i == 2 ? DAVE : BOB)->from.port;
        assert_true(ports[i] >= 1024);
    }
    assert_true(ports[0] != 5000 || ports[1] != 5000);
    assert_true(ports[0] != ports[1] || ports[1] != ports[2]);
}

/* What is sent from inside to the outside address does not come back in. */
static void no_hairpin(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *c = bind_socket(n, CAROL, FAMILIES(family), 5001);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    bind_socket(n, BOB, FAMILIES(family), 6000);
    say(n, a, &to, "hello");
    assert_non_null(arrived(n, BOB));
    say(n, c, &out, "neighbour");
    assert_null(arrived(n, ALICE));
}

/* All is forgotten, and told so: Bob is a stranger again. */
static void a_reboot_forgets(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *b = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    say(n, a, &to, "hello");
    assert_non_null(arrived(n, BOB));
    if (n->kernel != NULL) {
        hp_kernel_router_reboot(n->kernel);
    } else {
        hp_nat_reboot(n->nat);
    }
    assert_int_equal(count_events(n, HP_EV_NAT_CHANGED, "what", "reboot"), 1);
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING_ENDED, "reason", "reboot"), 1);
    say(n, b, &out, "anybody there?");
    assert_null(arrived(n, ALICE));
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING_ENDED, NULL, NULL), 1);
}

static void other_addresses(kernel_net *n, unsigned family)
{
    const hp_addr fresh[2] = {at("198.18.0.7"), at("2001:db8:1::7")};
    hp_socket *a = bind_socket(n, ALICE, FAMILIES(family), 5000), *b = bind_socket(n, BOB, FAMILIES(family), 6000);
    hp_addr to = bob(family, 6000), out = external(family, 5000);
    say(n, a, &to, "hello");
    assert_non_null(arrived(n, BOB));
    if (n->kernel != NULL) {
        hp_kernel_router_renumber(n->kernel, fresh, 2);
    } else {
        hp_nat_renumber(n->nat, fresh, 2);
    }
    assert_int_equal(count_events(n, HP_EV_NAT_CHANGED, "what", "renumber"), 1);
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING_ENDED, "reason", "renumber"), 1);
    say(n, a, &to, "it is me");
    const arrival *got = arrived(n, BOB);
    assert_non_null(got);
    assert_true(hp_addr_same_ip(&got->from, &fresh[family]));
    hp_addr back = got->from;
    say(n, b, &back, "welcome");
    assert_non_null(arrived(n, ALICE));
    say(n, b, &out, "the old one");
    assert_null(arrived(n, ALICE));
}

/* Routed: not a word of the address is changed, and who wants to comes in. */
static void ipv6_is_routed(kernel_net *n, unsigned family)
{
    hp_socket *a = bind_socket(n, ALICE, HP_AF_IPV6, 5000), *d = bind_socket(n, DAVE, HP_AF_IPV6, 6000);
    hp_addr to = dave(1, 6000), own = hp_addr_with_port(at("fd00::2"), 5000);
    if (family == 0) {
        return;
    }
    say(n, d, &own, "unasked");
    const arrival *got = arrived(n, ALICE);
    assert_non_null(got);
    say(n, a, &to, "hello");
    got = arrived(n, DAVE);
    assert_non_null(got);
    assert_true(hp_addr_equal(&got->from, &own));
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING, NULL, NULL), 0);
}

static void masquerade(void **state)
{
    tell(there_and_back, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
    tell(one_port_for_all, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
    tell(filters_by_address_and_port, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
    tell(no_hairpin, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
}

static void inbound_first(void **state)
{
    tell(an_early_packet_steals_the_port, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
    tell(a_firewalled_router_keeps_it, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter-firewalled");
}

static void random_ports(void **state)
{
    tell(a_random_port_for_each, HP_KERNEL_NAT_RANDOM, "linux-netfilter-random");
    tell(a_random_port_for_each, HP_KERNEL_NAT_FULLY_RANDOM, "linux-netfilter-random");
}

static void run_time_changes(void **state)
{
    tell(a_reboot_forgets, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
    tell(other_addresses, HP_KERNEL_NAT_MASQUERADE, "linux-netfilter");
}

static void routed_ipv6(void **state)
{
    if (!kernel_is_possible()) {
        skip();
    }
    hp_nat_config knobs = *preset("linux-netfilter");
    knobs.ipv6 = HP_NAT_IPV6_ROUTE;
    g_autoptr(kernel_net) simulated = kernel_net_new(HP_KERNEL_NAT_NONE, &knobs);
    ipv6_is_routed(simulated, 1);
    g_autoptr(kernel_net) real = kernel_net_new(HP_KERNEL_NAT_MASQUERADE, &knobs);
    ipv6_is_routed(real, 1);
}

/* ---- a kernel's alone ---- */

static void times_are_the_knobs(void **state)
{
    if (!kernel_is_possible()) {
        skip();
    }
    hp_nat_config knobs = *preset("linux-netfilter");
    knobs.udp_unreplied_timeout = HP_S;
    g_autoptr(kernel_net) n = kernel_net_new(HP_KERNEL_NAT_MASQUERADE, &knobs);
    hp_socket *a = bind_socket(n, ALICE, HP_AF_IPV4, 5000);
    hp_addr to = bob(0, 6000);
    say(n, a, &to, "hello");
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING, NULL, NULL), 1);
    /* The kernel looks for what has expired now and then, and whenever an entry is touched: a packet of the same flow
     * after its time is a new flow. */
    for (hp_time end = hp_live_clock_now(n->clock) + PATIENCE; hp_live_clock_now(n->clock) < end;) {
        GError *error = NULL;
        hp_loop_turn(n->loop, 1200 * HP_MS, &error);
        no_error(error);
        if (hp_live_clock_now(n->clock) > 1500 * HP_MS) {
            break;
        }
    }
    say(n, a, &to, "again");
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING_ENDED, "reason", "expired"), 1);
    assert_int_equal(count_events(n, HP_EV_NAT_MAPPING, NULL, NULL), 2);
}

static void closed_it_drops(void **state)
{
    if (!kernel_is_possible()) {
        skip();
    }
    g_autoptr(kernel_net) n = kernel_net_new(HP_KERNEL_NAT_MASQUERADE, preset("linux-netfilter"));
    hp_socket *a = bind_socket(n, ALICE, HP_AF_IPV4, 5000);
    hp_addr to = bob(0, 6000);
    hp_kernel_router_close(n->kernel);
    hp_kernel_router_close(n->kernel);
    say(n, a, &to, "hello");
    assert_null(arrived(n, BOB));
    hp_kernel_router_stats stats = hp_kernel_router_get_stats(n->kernel);
    assert_true(stats.to_kernel[HP_NAT_INSIDE] == 0 && stats.from_kernel[HP_NAT_OUTSIDE] == 0);
}

static void rules(void **state)
{
    const hp_nat_config *open = preset("linux-netfilter"), *dropping = preset("linux-netfilter-firewalled");
    g_autofree char *plain = hp_kernel_router_rules(HP_KERNEL_NAT_MASQUERADE, open);
    assert_non_null(strstr(plain, "oifname \"out\" masquerade\n"));
    assert_null(strstr(plain, "drop"));
    g_autofree char *random = hp_kernel_router_rules(HP_KERNEL_NAT_RANDOM, dropping);
    assert_non_null(strstr(random, "masquerade random\n"));
    assert_non_null(strstr(random, "iifname \"out\" drop\n"));
    assert_null(strstr(random, "icmp"));
    g_autofree char *fully = hp_kernel_router_rules(HP_KERNEL_NAT_FULLY_RANDOM, open);
    assert_non_null(strstr(fully, "masquerade fully-random\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules),
        cmocka_unit_test(masquerade),
        cmocka_unit_test(inbound_first),
        cmocka_unit_test(random_ports),
        cmocka_unit_test(run_time_changes),
        cmocka_unit_test(routed_ipv6),
        cmocka_unit_test(times_are_the_knobs),
        cmocka_unit_test(closed_it_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
