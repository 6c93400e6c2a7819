/* The mapping of RFC 6296 section 3: the prefix is replaced, and one 16-bit word elsewhere in the address takes up the
 * difference, so that the one's complement sum of the whole address, and with it every transport's checksum, stays.
 *
 *   prefixes of up to 48 bits   the word is bits 48 to 63, the subnet (section 3.4)
 *   longer ones                 the first word from bit 64 on that is not ffff (section 3.5)
 *
 * In one's complement 0000 and ffff are both zero, and a word that becomes ffff is written 0000. Backwards that could
 * not be told from a word that was 0000 before; so an address is refused where the word to change is ffff, which an
 * address that was mapped never has. (In the long form the word is found by not being ffff, and the mapping keeps it
 * so: both ways find the same one.) */
#include "world/npt.h"

#include "wire/bytes.h"

enum { SUBNET_WORD = 3, FIRST_LONG_WORD = 4, N_WORDS = 8, SHORT_BITS = 48, MAX_BITS = 64 };

static uint16_t add(uint16_t a, uint16_t b)
{
    uint32_t sum = (uint32_t)a + b;
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static uint16_t prefix_sum(const hp_prefix *prefix)
{
    uint16_t sum = 0;
    for (unsigned i = 0; i < N_WORDS; i++) {
        sum = add(sum, hp_get16(prefix->base.ip + 2 * (size_t)i));
    }
    return sum;
}

static bool usable(const hp_prefix *p)
{
    return p->base.family == HP_AF_IPV6 && p->bits >= 1 && p->bits <= MAX_BITS;
}

bool hp_npt_init(hp_npt *npt, const hp_prefix *inside, const hp_prefix *outside)
{
    if (!usable(inside) || !usable(outside)) {
        return false;
    }
    *npt = (hp_npt){.inside = *inside, .outside = *outside};
    npt->inside.bits = npt->outside.bits = inside->bits > outside->bits ? inside->bits : outside->bits;
    npt->adjustment = add(prefix_sum(inside), (uint16_t)~prefix_sum(outside));
    return true;
}

static void replace_prefix(hp_addr *a, const hp_prefix *prefix)
{
    unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
    memcpy(a->ip, prefix->base.ip, whole);
    if (rest != 0) {
        uint8_t mask = (uint8_t)(0xff << (8 - rest));
        a->ip[whole] = (uint8_t)((prefix->base.ip[whole] & mask) | (a->ip[whole] & ~mask));
    }
}

bool hp_npt_map(const hp_npt *npt, bool outward, hp_addr *a)
{
    const hp_prefix *from = outward ? &npt->inside : &npt->outside, *to = outward ? &npt->outside : &npt->inside;
    if (from->bits == 0 || !hp_prefix_contains(from, a)) {
        return false;
    }
    bool is_short = from->bits <= SHORT_BITS;
    unsigned word = is_short ? SUBNET_WORD : FIRST_LONG_WORD, end = is_short ? SUBNET_WORD + 1 : N_WORDS;
    while (word < end && hp_get16(a->ip + 2 * (size_t)word) == 0xffff) {
        word++;
    }
    if (word == end) {
        return false;
    }
    uint8_t *at = a->ip + 2 * (size_t)word;
    uint16_t mapped = add(hp_get16(at), outward ? npt->adjustment : (uint16_t)~npt->adjustment);
    hp_put16(at, mapped == 0xffff ? 0 : mapped);
    replace_prefix(a, to);
    return true;
}
