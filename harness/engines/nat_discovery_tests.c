/* The tests that take seconds: connectivity, mapping, filtering, ports, hairpinning, fragments.
 *
 * Connectivity (RFC 5780 section 4.2) is one request to the server's primary address. Its answer also gives the round
 * trip, and OTHER-ADDRESS when there is one that is of use: another IP address of the same family, and another port.
 * Without it mapping and filtering stay unknown.
 *
 * Each other test takes fresh sockets and begins by asking the server from each: a socket that gets no mapping at all
 * (a full table) must not be mistaken for one that is filtered.
 *
 *   mapping    (4.3) the mapped address towards the server, towards its other address, and towards its other address
 *              and port. The last question is not asked where the second already has the same answer.
 *   filtering  (4.4) an answer asked for from the other address and port, then from the other port alone. Silence
 *              counts as filtered; an answer that did not come from where it was asked to come tells that the server
 *              cannot.
 *   ports      eight sockets on four pairs of neighbouring ports, even and odd. All even ones are asked first, so that
 *              a NAT that simply counts up keeps neither parity nor contiguity by accident (RFC 4787 section 4.2). What
 *              is seen is one host's view: overloading of ports takes a second host to observe.
 *   hairpin    (3.4) two sockets, a and b: b sends to a's mapped address; if that does not come in, a sends to b's. The
 *              first datagram told the NAT that b talks to a, so where the second one passes and the first did not,
 *              hairpinned datagrams are filtered like others. The source that shows decides between internal and
 *              external (RFC 4787 section 6).
 *   fragments  (3.5) a padded request as long as the MTU, and more with its headers; the answer should be as long. */
#include "engines/nat_discovery_private.h"

/* Steps from one mapped port to the next that still count as counting up: others behind the NAT may take some. */
#define MAX_STEP 8
#define PORT_FIRST 49152 /* RFC 5780 section 4.1 */
#define PORT_DRAWS 64
#define ETHERNET_DATAGRAM 1472 /* UDP payload of 1500 bytes of IPv4 */

/* ---- connectivity ---- */

static bool is_usable_other(const hp_addr *server, const hp_addr *other)
{
    return other->family == server->family && !hp_addr_same_ip(other, server) && other->port != server->port &&
           other->port != 0;
}

static void connected(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    hp_nat_discovery_result *r = &d->result;
    switch (a->outcome) {
    case HP_DISCOVERY_ANSWERED:
        r->local = d->sockets[d->a].local;
        r->mapped = a->mapped;
        r->natted = !hp_addr_equal(&r->local, &r->mapped);
        r->other = is_usable_other(&d->config.server, &a->other) ? a->other : (hp_addr){0};
        hp_discovery_next(d, now);
        break;
    case HP_DISCOVERY_REFUSED:
        r->error_code = a->code;
        hp_discovery_finish(d, now, HP_NAT_DISCOVERY_REFUSED);
        break;
    case HP_DISCOVERY_UNREACHABLE:
    case HP_DISCOVERY_LOOPED:
    case HP_DISCOVERY_SILENCE:
        r->icmp = a->icmp;
        hp_discovery_finish(d, now, HP_NAT_DISCOVERY_BLOCKED);
        break;
    }
}

void hp_discovery_connectivity(hp_nat_discovery *d, hp_time now)
{
    d->a = hp_discovery_open(d, 0);
    if (d->a == HP_DISCOVERY_NO_SOCKET) {
        hp_discovery_finish(d, now, HP_NAT_DISCOVERY_NO_SOCKET);
        return;
    }
    hp_discovery_ask_server(d, now, d->a, connected);
}

/* Begins a test on socket a with a question to the server; ends it where there is no socket. */
static void begin_on_a(hp_nat_discovery *d, hp_time now, hp_discovery_then then)
{
    d->a = hp_discovery_open(d, 0);
    if (d->a == HP_DISCOVERY_NO_SOCKET) {
        hp_discovery_next(d, now);
        return;
    }
    hp_discovery_ask_server(d, now, d->a, then);
}

/* Keeps the mapped address that an answer gives. False, and the test is over, when there was none. */
static bool took_mapped(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_discovery_answer *a)
{
    if (a->outcome != HP_DISCOVERY_ANSWERED) {
        hp_discovery_next(d, now);
        return false;
    }
    d->sockets[socket].mapped = a->mapped;
    return true;
}

/* ---- mapping ---- */

static void mapping_is(hp_nat_discovery *d, hp_time now, hp_nat_behaviour mapping)
{
    d->result.mapping = mapping;
    d->result.known |= HP_NAT_TEST_MAPPING;
    hp_discovery_next(d, now);
}

static void mapping_third(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome != HP_DISCOVERY_ANSWERED) {
        hp_discovery_next(d, now);
        return;
    }
    mapping_is(d, now,
               hp_addr_equal(&a->mapped, &d->second) ? HP_NAT_ADDRESS_DEPENDENT : HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
}

static void mapping_second(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome != HP_DISCOVERY_ANSWERED) {
        hp_discovery_next(d, now);
    } else if (hp_addr_equal(&a->mapped, &d->sockets[d->a].mapped)) {
        mapping_is(d, now, HP_NAT_ENDPOINT_INDEPENDENT);
    } else {
        d->second = a->mapped;
        hp_discovery_ask(d, now, &(hp_discovery_question){.socket = d->a, .to = d->result.other}, mapping_third);
    }
}

static void mapping_first(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (took_mapped(d, now, d->a, a)) {
        hp_addr to = hp_addr_with_port(d->result.other, d->config.server.port);
        hp_discovery_ask(d, now, &(hp_discovery_question){.socket = d->a, .to = to}, mapping_second);
    }
}

void hp_discovery_mapping(hp_nat_discovery *d, hp_time now)
{
    if (d->result.other.family == HP_AF_NONE) {
        hp_discovery_next(d, now);
        return;
    }
    begin_on_a(d, now, mapping_first);
}

/* ---- filtering ---- */

static void filtering_is(hp_nat_discovery *d, hp_time now, hp_nat_behaviour filtering)
{
    d->result.filtering = filtering;
    d->result.known |= HP_NAT_TEST_FILTERING;
    hp_discovery_next(d, now);
}

static void filtering_port(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    hp_addr expected = hp_addr_with_port(d->config.server, d->result.other.port);
    if (a->outcome == HP_DISCOVERY_SILENCE) {
        filtering_is(d, now, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    } else if (a->outcome == HP_DISCOVERY_ANSWERED && hp_addr_equal(&a->from, &expected)) {
        filtering_is(d, now, HP_NAT_ADDRESS_DEPENDENT);
    } else {
        hp_discovery_next(d, now);
    }
}

static void filtering_both(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome == HP_DISCOVERY_SILENCE) {
        hp_discovery_question q = {.socket = d->a, .to = d->config.server, .change = HP_DISCOVERY_CHANGE_PORT};
        hp_discovery_ask(d, now, &q, filtering_port);
    } else if (a->outcome == HP_DISCOVERY_ANSWERED && hp_addr_equal(&a->from, &d->result.other)) {
        filtering_is(d, now, HP_NAT_ENDPOINT_INDEPENDENT);
    } else {
        hp_discovery_next(d, now);
    }
}

static void filtering_first(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (took_mapped(d, now, d->a, a)) {
        hp_discovery_question q = {
            .socket = d->a, .to = d->config.server, .change = HP_DISCOVERY_CHANGE_IP | HP_DISCOVERY_CHANGE_PORT};
        hp_discovery_ask(d, now, &q, filtering_both);
    }
}

void hp_discovery_filtering(hp_nat_discovery *d, hp_time now)
{
    if (d->result.other.family == HP_AF_NONE) {
        hp_discovery_next(d, now);
        return;
    }
    begin_on_a(d, now, filtering_first);
}

/* ---- ports ---- */

/* Whether each mapped port is a little above the one before on the same external address. */
static bool counts_up(const hp_nat_discovery *d)
{
    unsigned n_steps = 0;
    for (unsigned i = 1; i < G_N_ELEMENTS(d->pairs); i++) {
        const hp_addr *mapped = &d->sockets[d->pairs[i]].mapped;
        unsigned before = i;
        while (before > 0 && !hp_addr_same_ip(&d->sockets[d->pairs[before - 1]].mapped, mapped)) {
            before--;
        }
        if (before == 0) {
            continue;
        }
        int step = mapped->port - d->sockets[d->pairs[before - 1]].mapped.port;
        if (step < 1 || step > MAX_STEP) {
            return false;
        }
        n_steps++;
    }
    return n_steps > 2;
}

static void judge_ports(hp_nat_discovery *d)
{
    hp_nat_discovery_result *r = &d->result;
    bool preserves = true, parity = true, contiguity = true, one_address = true;
    for (unsigned i = 0; i < G_N_ELEMENTS(d->pairs); i++) {
        const hp_discovery_socket *s = &d->sockets[d->pairs[i]];
        preserves = preserves && s->local.port == s->mapped.port;
        parity = parity && ((s->local.port ^ s->mapped.port) & 1) == 0;
        one_address = one_address && hp_addr_same_ip(&s->mapped, &d->sockets[d->pairs[0]].mapped);
    }
    for (unsigned i = 0; i < HP_DISCOVERY_PAIRS; i++) {
        const hp_addr *even = &d->sockets[d->pairs[i]].mapped;
        const hp_addr *odd = &d->sockets[d->pairs[HP_DISCOVERY_PAIRS + i]].mapped;
        contiguity = contiguity && hp_addr_same_ip(even, odd) && odd->port == even->port + 1;
    }
    r->ports = preserves ? HP_NAT_PORTS_PRESERVE : counts_up(d) ? HP_NAT_PORTS_SEQUENTIAL : HP_NAT_PORTS_RANDOM;
    r->parity = parity;
    r->contiguity = contiguity;
    r->pooling = one_address ? HP_NAT_PAIRED : HP_NAT_ARBITRARY;
    r->known |= HP_NAT_TEST_PORTS;
}

static void port_known(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (!took_mapped(d, now, d->pairs[d->n_pairs], a)) {
        return;
    }
    if (++d->n_pairs < G_N_ELEMENTS(d->pairs)) {
        hp_discovery_ask_server(d, now, d->pairs[d->n_pairs], port_known);
        return;
    }
    judge_ports(d);
    hp_discovery_next(d, now);
}

static unsigned open_at(hp_nat_discovery *d, unsigned port)
{
    unsigned socket = hp_discovery_open(d, (uint16_t)port);
    if (socket != HP_DISCOVERY_NO_SOCKET && d->sockets[socket].local.port != port) {
        hp_discovery_close(d, socket);
        socket = HP_DISCOVERY_NO_SOCKET;
    }
    return socket;
}

/* An even port drawn at random and the next one, both. */
static bool open_pair(hp_nat_discovery *d, unsigned *ret_even, unsigned *ret_odd)
{
    for (unsigned draw = 0; draw < PORT_DRAWS; draw++) {
        unsigned port = PORT_FIRST + 2 * (unsigned)hp_rng_below(&d->rng, (UINT16_MAX + 1 - PORT_FIRST) / 2);
        unsigned even = open_at(d, port);
        unsigned odd = even != HP_DISCOVERY_NO_SOCKET ? open_at(d, port + 1) : HP_DISCOVERY_NO_SOCKET;
        if (odd != HP_DISCOVERY_NO_SOCKET) {
            *ret_even = even;
            *ret_odd = odd;
            return true;
        }
        hp_discovery_close(d, even);
    }
    return false;
}

void hp_discovery_ports(hp_nat_discovery *d, hp_time now)
{
    for (unsigned i = 0; i < HP_DISCOVERY_PAIRS; i++) {
        if (!open_pair(d, &d->pairs[i], &d->pairs[HP_DISCOVERY_PAIRS + i])) {
            hp_discovery_next(d, now);
            return;
        }
    }
    d->n_pairs = 0;
    hp_discovery_ask_server(d, now, d->pairs[0], port_known);
}

/* ---- hairpinning ---- */

static void hairpin_is(hp_nat_discovery *d, hp_time now, hp_nat_hairpin hairpin, bool filtered)
{
    d->result.hairpin = hairpin;
    d->result.hairpin_filtered = filtered;
    d->result.known |= HP_NAT_TEST_HAIRPIN;
    hp_discovery_next(d, now);
}

static hp_nat_hairpin hairpin_of(const hp_nat_discovery *d, unsigned sender, const hp_addr *from)
{
    return hp_addr_equal(from, &d->sockets[sender].local) ? HP_NAT_HAIRPIN_INTERNAL_SOURCE
                                                          : HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
}

static void hairpin_back(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome != HP_DISCOVERY_LOOPED) {
        hairpin_is(d, now, HP_NAT_HAIRPIN_NONE, false);
    } else if (a->socket == d->b) {
        hairpin_is(d, now, hairpin_of(d, d->a, &a->from), true);
    } else {
        hp_discovery_next(d, now);
    }
}

static void hairpin_there(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome != HP_DISCOVERY_LOOPED) {
        hp_discovery_question q = {.socket = d->a, .to = d->sockets[d->b].mapped, .loops = true};
        hp_discovery_ask(d, now, &q, hairpin_back);
    } else if (a->socket == d->a) {
        hairpin_is(d, now, hairpin_of(d, d->b, &a->from), false);
    } else {
        hp_discovery_next(d, now);
    }
}

static void hairpin_b_known(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (took_mapped(d, now, d->b, a)) {
        hp_discovery_question q = {.socket = d->b, .to = d->sockets[d->a].mapped, .loops = true};
        hp_discovery_ask(d, now, &q, hairpin_there);
    }
}

static void hairpin_a_known(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (took_mapped(d, now, d->a, a)) {
        hp_discovery_ask_server(d, now, d->b, hairpin_b_known);
    }
}

void hp_discovery_hairpin(hp_nat_discovery *d, hp_time now)
{
    d->b = d->result.natted ? hp_discovery_open(d, 0) : HP_DISCOVERY_NO_SOCKET;
    if (d->b == HP_DISCOVERY_NO_SOCKET) {
        hp_discovery_next(d, now);
        return;
    }
    begin_on_a(d, now, hairpin_a_known);
}

/* ---- fragments ---- */

/* Too long for one packet, as far as we can tell: the server pads by its own MTU. */
static bool is_long(const hp_nat_discovery *d, const hp_discovery_answer *a)
{
    return a->length > MIN(d->config.padding, ETHERNET_DATAGRAM);
}

static void fragments_padded(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (a->outcome == HP_DISCOVERY_ANSWERED || a->outcome == HP_DISCOVERY_SILENCE) {
        d->result.fragments = a->outcome == HP_DISCOVERY_SILENCE ? HP_NAT_PASSAGE_NONE
                              : is_long(d, a)                    ? HP_NAT_PASSAGE_BOTH
                                                                 : HP_NAT_PASSAGE_OUTBOUND;
        d->result.known |= HP_NAT_TEST_FRAGMENTS;
    }
    hp_discovery_next(d, now);
}

static void fragments_first(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    if (took_mapped(d, now, d->a, a)) {
        hp_discovery_question q = {.socket = d->a, .to = d->config.server, .padded = true};
        hp_discovery_ask(d, now, &q, fragments_padded);
    }
}

void hp_discovery_fragments(hp_nat_discovery *d, hp_time now)
{
    begin_on_a(d, now, fragments_first);
}
