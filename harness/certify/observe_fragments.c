/* Fragments through the device (RFC 4787 section 11), outwards and inwards.
 *
 * A datagram of two fragments, in order and in the wrong order, and a first fragment alone: if nothing of that one
 * comes out while the whole passes, the device waits for the datagram to be whole. */
#include "certify/observe.h"

#include "world/fragment.h"

enum { PAYLOAD = 1800, MTU = 1200 }; /* NAT64's longer header stays within IPv6's least MTU */

static void keep(void *user, hp_packet *piece)
{
    g_ptr_array_add(user, piece);
}

/* How many packets came out of the other side. */
static unsigned push(hp_bench *b, hp_bench_side side, GPtrArray *pieces, unsigned i)
{
    unsigned n = 0;
    hp_bench_send(b, side, hp_packet_copy(pieces->pdata[i]));
    while (hp_bench_arrived(b, side == HP_BENCH_INSIDE ? HP_BENCH_OUTSIDE : HP_BENCH_INSIDE, n))
        n++;
    return n;
}

static const char *observe(hp_observer *o, hp_bench_side side)
{
    unsigned in_order = 0, reversed = 0, first_alone = 0;

    for (unsigned order = 0; order < 2; order++) {
        g_autoptr(hp_bench) b = hp_observer_bench(o);
        g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func((GDestroyNotify)hp_packet_free);
        hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_UDP, 0);
        hp_addr external;
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
            continue;
        bool out = side == HP_BENCH_INSIDE;
        hp_addr far = hp_bench_far(b, &to);
        uint8_t bytes[PAYLOAD] = {0};
        g_autoptr(hp_packet) whole =
            hp_packet_new(HP_PROTO_UDP, out ? &from : &to, out ? &far : &external, bytes, PAYLOAD);
        whole->ip_id = 77;
        hp_fragment(whole, MTU, keep, pieces);
        if (pieces->len != 2)
            continue;
        if (order == 0) {
            first_alone = push(b, side, pieces, 0);
            in_order = first_alone + push(b, side, pieces, 1);
        } else {
            reversed = push(b, side, pieces, 1);
            reversed += push(b, side, pieces, 0);
        }
    }
    if (in_order == 0)
        return "dropped";
    if (in_order < 2)
        return "only the first passes";
    if (first_alone == 0)
        return "reassembled, in any order";
    return reversed == 2 ? "pass in any order" : "pass in order only";
}

void hp_observe_fragments(hp_observer *o)
{
    hp_certificate_say(o->c, HP_PROP_FRAGMENTS_OUT, observe(o, HP_BENCH_INSIDE));
    hp_certificate_say(o->c, HP_PROP_FRAGMENTS_IN, observe(o, HP_BENCH_OUTSIDE));
}
