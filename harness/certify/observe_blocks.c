/* The pool of external addresses (RFC 4787 REQ-2) and port blocks (RFC 6888 REQ-14, RFC 7422).
 *
 * Blocks. Hosts beside the first one open a mapping each, so that the blocks next to its own are taken. Then it and
 * another host of the same external address open as many as they get, taking turns without a rhythm, from internal
 * ports of which neither host has a run. If the first host is refused in the end and the ports it got are runs of one
 * length, that is the block; ports given one after the other, kept or drawn at random never make such runs here. When a
 * limit strikes before a block is full, only that it keeps to a window of its own can be seen. */
#include "certify/observe.h"

enum { NEIGHBOURS = 16, PARTNERS = 64, MOST_PORTS = 9000, SHORTEST_BLOCK = 8, MOST_HOSTS = 4096, QUIET_HOSTS = 300 };

/* ---- the pool ---- */

static unsigned count_pool(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external, first = hp_bench_external(b, 0, 0);

    for (unsigned host = 0, quiet = 0; quiet < QUIET_HOSTS; host++, quiet++) {
        hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, host, host % 64);
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
            continue;
        unsigned number = 0;
        while (!hp_addr_same_ip(&external, &first) && number < HP_OBSERVE_PORTS)
            first = hp_bench_external(b, ++number, 0);
        first = hp_bench_external(b, 0, 0);
        if (g_hash_table_add(seen, GUINT_TO_POINTER(number + 1)))
            quiet = 0;
    }
    return g_hash_table_size(seen);
}

void hp_observe_pool(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), first = {0}, external;
    bool paired = true;

    o->n_external = MAX(count_pool(o), 1);
    hp_certificate_say_count(o->c, HP_PROP_POOL, o->n_external, "");
    if (o->n_external == 1) {
        hp_certificate_unknown(o->c, HP_PROP_POOLING, "there is one external address");
        return;
    }
    for (unsigned i = 0; i < 16; i++) {
        hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 2 * i);
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
            continue;
        paired = paired && (first.family == HP_AF_NONE || hp_addr_same_ip(&first, &external));
        first = external;
    }
    hp_certificate_say(o->c, HP_PROP_POOLING, paired ? "paired" : "arbitrary");
}

/* ---- blocks ---- */

static int by_address_and_port(const void *a, const void *b)
{
    const hp_addr *x = a, *y = b;
    int order = memcmp(x->ip, y->ip, sizeof x->ip);
    return order ? order : (int)x->port - (int)y->port;
}

/* The length that all runs of ports have, 0 when they have none in common. */
static unsigned common_run(GArray *ports, unsigned *ret_n)
{
    unsigned length = 0;

    *ret_n = 0;
    g_array_sort(ports, by_address_and_port);
    for (unsigned i = 0; i < ports->len;) {
        unsigned first = i;
        do {
            i++;
        } while (i < ports->len &&
                 hp_addr_same_ip(&g_array_index(ports, hp_addr, i), &g_array_index(ports, hp_addr, first)) &&
                 g_array_index(ports, hp_addr, i).port == g_array_index(ports, hp_addr, first).port + (i - first));
        if (length && i - first != length)
            return 0;
        length = i - first;
        ++*ret_n;
    }
    return length;
}

static bool windows_apart(GArray *a, GArray *b)
{
    if (!a->len || !b->len)
        return false;
    g_array_sort(a, by_address_and_port);
    g_array_sort(b, by_address_and_port);
    hp_addr a_first = g_array_index(a, hp_addr, 0), a_last = g_array_index(a, hp_addr, a->len - 1);
    hp_addr b_first = g_array_index(b, hp_addr, 0), b_last = g_array_index(b, hp_addr, b->len - 1);
    return by_address_and_port(&a_last, &b_first) < 0 || by_address_and_port(&b_last, &a_first) < 0;
}

/* Internal ports of which a host never has more than two in a row; `which` host of the two. */
static uint16_t internal_port(uint16_t base, unsigned i, unsigned which)
{
    unsigned offset = i / 2 * 4 + i % 2 + 2 * which;
    return (uint16_t)(1024 + (base - 1024u + offset) % (HP_OBSERVE_PORTS - 1024u));
}

/* Thue-Morse: turns without a rhythm. */
static bool first_host_turn(unsigned i)
{
    return __builtin_popcount(i) % 2 == 0;
}

typedef struct ports_of_two {
    GArray *ports[2]; /* of hp_addr */
    bool refused; /* the first host was, in the end */
} ports_of_two;

static void open_all(hp_observer *o, ports_of_two *ret)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    const hp_observed_proto *p = &o->proto[HP_BENCH_UDP];
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), first = {0}, external;
    unsigned hosts[2] = {0, 0}, used[2] = {0, 0};

    for (unsigned host = 0; host <= NEIGHBOURS + PARTNERS; host++) {
        hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, host, host % 64);
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
            continue;
        if (host == 0) {
            first = external;
            g_array_append_val(ret->ports[0], external);
        } else if (host > NEIGHBOURS && hp_addr_same_ip(&first, &external)) {
            hosts[1] = host;
            g_array_append_val(ret->ports[1], external);
            break;
        }
    }
    for (unsigned i = 0; hosts[1] && !ret->refused && ret->ports[0]->len < MOST_PORTS; i++) {
        unsigned which = !first_host_turn(i);
        hp_addr from = hp_bench_inside(b, hosts[which], internal_port(p->base, 40 + used[which]++, which));
        bool opened = hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external);
        if (opened)
            g_array_append_val(ret->ports[which], external);
        ret->refused = !opened && which == 0;
    }
}

/* ---- which block ---- */

typedef struct block_id {
    hp_addr address;
    unsigned number;
} block_id;

static bool block_of(hp_observer *o, hp_bench *b, unsigned host, unsigned length, unsigned offset, block_id *ret)
{
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, host, host % 64);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external;
    if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
        return false;
    *ret = (block_id){.address = hp_addr_with_port(external, 0), .number = (external.port + length - offset) / length};
    return true;
}

static bool same_block(const block_id *a, const block_id *b)
{
    return a->number == b->number && hp_addr_equal(&a->address, &b->address);
}

/* How many hosts get a mapping before one is refused; 0 when none is. */
static unsigned count_hosts(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0);

    for (unsigned host = 0; host < MOST_HOSTS; host++) {
        hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, host, host % 64);
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, NULL))
            return host;
    }
    return 0;
}

/* First, whether a host's block depends on who came before. If not, there are as many hosts as blocks when one is
 * refused; that one and the first have the same claim, so both are tried alone. */
static void observe_choice(hp_observer *o, unsigned length, unsigned offset)
{
    g_autoptr(hp_bench) forwards = hp_observer_bench(o);
    g_autoptr(hp_bench) backwards = hp_observer_bench(o);
    g_autoptr(hp_bench) rivals = hp_observer_bench(o);
    block_id early, late, other;

    if (!block_of(o, forwards, 0, length, offset, &early) || !block_of(o, backwards, 1, length, offset, &other) ||
        !block_of(o, backwards, 0, length, offset, &late))
        return;
    if (!same_block(&early, &late)) {
        hp_certificate_say(o->c, HP_PROP_PORT_BLOCK_CHOICE, "the lowest free one, first come first served");
        return;
    }
    unsigned n = count_hosts(o);
    if (n == 0) {
        hp_certificate_unknown(o->c, HP_PROP_PORT_BLOCK_CHOICE, "there are more blocks than hosts");
        return;
    }
    bool fixed = block_of(o, rivals, 0, length, offset, &early) && !block_of(o, rivals, n, length, offset, &other);
    hp_certificate_say(o->c, HP_PROP_PORT_BLOCK_CHOICE,
                       fixed ? "by the host's address alone" : "by the host's address, or the next free one");
}

void hp_observe_blocks(hp_observer *o)
{
    ports_of_two two = {
        .ports = {g_array_new(FALSE, FALSE, sizeof(hp_addr)), g_array_new(FALSE, FALSE, sizeof(hp_addr))}};
    unsigned n = 0;

    open_all(o, &two);
    unsigned length = two.refused ? common_run(two.ports[0], &n) : 0;
    hp_certificate_unknown(o->c, HP_PROP_PORT_BLOCK_CHOICE, "no blocks are seen");
    if (length >= SHORTEST_BLOCK) {
        g_autofree char *text = g_strdup_printf("%u of %u ports", n, length);
        o->blocks = true;
        o->block_ports = n * length;
        hp_certificate_say(o->c, HP_PROP_PORT_BLOCKS, text);
        observe_choice(o, length, g_array_index(two.ports[0], hp_addr, 0).port % length);
    } else if (two.refused && windows_apart(two.ports[0], two.ports[1])) {
        o->blocks = true;
        hp_certificate_unknown(o->c, HP_PROP_PORT_BLOCKS, "a limit is reached before a block is full");
    } else {
        hp_certificate_say(o->c, HP_PROP_PORT_BLOCKS, HP_SAY_NONE);
    }
    g_array_unref(two.ports[0]);
    g_array_unref(two.ports[1]);
}
