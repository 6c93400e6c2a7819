/* Ports of relayed addresses (RFC 8656 section 7.2).
 *
 * A bit a port and family: set while it is taken or resting. A port is chosen by looking for the first free one from a
 * random place on (RFC 6056 section 3.3.1), a word at a time, once around; so a nearly full range costs at most a
 * thousand words. Even ports and pairs are found in the same words by masks, since a pair never crosses a word.
 *
 * A port that had an owner rests for HP_TURN_PORT_REST: what its peers sent before they knew finds no socket instead of
 * the next owner. All rests are equally long, so the queue of resting ports is in order by itself; it is looked at when
 * a port is wanted, and needs no timer. */
#include "engines/turn_ports.h"

#include "base/addr.h"
#include "engines/turn_server.h"
#include "wire/claimed_ports.h"

struct resting {
    hp_time until;
    uint16_t port;
    uint8_t family;
};

#define EVEN_BITS UINT64_C(0x5555555555555555)

void hp_turn_ports_init(hp_turn_ports *ports, uint16_t first, uint16_t last)
{
    *ports = (hp_turn_ports){.first = first, .last = last};
    ports->resting = g_array_new(FALSE, FALSE, sizeof(struct resting));
}

void hp_turn_ports_clear(hp_turn_ports *ports)
{
    g_clear_pointer(&ports->resting, g_array_unref);
}

static uint64_t *word_of(hp_turn_ports *ports, uint8_t family, unsigned port)
{
    return &ports->taken[family == HP_AF_IPV6 ? 1 : 0][port / 64];
}

static void wake(hp_turn_ports *ports, hp_time now)
{
    while (ports->resting_from < ports->resting->len) {
        struct resting *r = &g_array_index(ports->resting, struct resting, ports->resting_from);
        if (r->until > now) {
            break;
        }
        hp_turn_ports_give_back(ports, r->family, r->port);
        ports->resting_from++;
    }
    if (ports->resting_from > 0 && ports->resting_from >= ports->resting->len / 2) {
        g_array_remove_range(ports->resting, 0, ports->resting_from);
        ports->resting_from = 0;
    }
}

/* The free ports of a word that fit the shape and lie within [from, to]. */
static uint64_t fitting(hp_turn_ports *ports, uint8_t family, unsigned word, hp_port_shape shape, unsigned from,
                        unsigned to)
{
    uint64_t free_bits = ~*word_of(ports, family, word * 64);
    unsigned base = word * 64;
    if (from > base) {
        free_bits &= UINT64_MAX << (from - base);
    }
    if (to < base + 63) {
        free_bits &= UINT64_MAX >> (base + 63 - to);
    }
    switch (shape) {
    case HP_PORT_ANY:
        return free_bits;
    case HP_PORT_EVEN:
        return free_bits & EVEN_BITS;
    case HP_PORT_PAIR:
        return free_bits & free_bits >> 1 & EVEN_BITS;
    }
    return 0;
}

static bool find(hp_turn_ports *ports, uint8_t family, hp_port_shape shape, unsigned from, unsigned to, uint16_t *ret)
{
    for (unsigned word = from / 64; from <= to && word <= to / 64; word++) {
        uint64_t bits = fitting(ports, family, word, shape, from, to);
        if (bits != 0) {
            *ret = (uint16_t)(word * 64 + (unsigned)__builtin_ctzll(bits));
            return true;
        }
    }
    return false;
}

static unsigned draw(const hp_turn_ports *ports, hp_rng *rng)
{
    return ports->first + (unsigned)hp_rng_below(rng, (uint64_t)(ports->last - ports->first) + 1);
}

bool hp_turn_ports_take(hp_turn_ports *ports, hp_rng *rng, hp_time now, uint8_t family, hp_port_shape shape,
                        uint16_t *ret)
{
    if (ports->last < ports->first) {
        return false;
    }
    wake(ports, now);
    unsigned start = draw(ports, rng);
    for (unsigned draws = 1; draws < 16 && hp_port_is_claimed((uint16_t)start); draws++) {
        start = draw(ports, rng);
    }
    if (shape == HP_PORT_PAIR) {
        start &= ~1U; /* a start between the two of a pair would miss it on both ways */
        start = start < ports->first ? ports->first : start;
    }
    uint16_t port;
    if (!find(ports, family, shape, start, ports->last, &port) &&
        !(start > ports->first && find(ports, family, shape, ports->first, start - 1, &port))) {
        return false;
    }
    uint64_t bits = shape == HP_PORT_PAIR ? 3 : 1;
    *word_of(ports, family, port) |= bits << port % 64;
    *ret = port;
    return true;
}

void hp_turn_ports_give_back(hp_turn_ports *ports, uint8_t family, uint16_t port)
{
    *word_of(ports, family, port) &= ~(UINT64_C(1) << port % 64);
}

void hp_turn_ports_retire(hp_turn_ports *ports, hp_time now, uint8_t family, uint16_t port)
{
    struct resting r = {.until = hp_time_add(now, HP_TURN_PORT_REST), .port = port, .family = family};
    g_array_append_val(ports->resting, r);
}
