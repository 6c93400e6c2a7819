/* Destination address selection (RFC 6724 section 6), as far as a host without a routing table can follow it.
 *
 * For each destination the source is the one that shares the longest prefix among those of its family and, where there
 * is any, of its scope and label (section 5, rules 2, 6 and 8). Then, of two destinations the first is better when
 *
 *   rule 1    it has a source, and the other has none;
 *   rule 2    its scope is its source's, and the other's is not;
 *   rule 5    its label is its source's, and the other's is not;
 *   rule 6    the policy table gives it a higher precedence: this is what puts IPv6 before IPv4;
 *   rule 8    its scope is smaller;
 *   rule 10   it stood first.
 *
 * Rules 3, 4 and 7 speak of deprecated addresses, mobile nodes and tunnels, which do not exist here; rule 9 is left
 * out, as its use for IPv4 is known to break load sharing. The policy table is the default one (section 2.1). */
#include "engines/dns_order.h"

#include <glib.h>

typedef struct policy {
    uint8_t ip[16];
    uint8_t bits, precedence, label;
} policy;

static const policy table[] = {
    {{[15] = 1}, 128, 50, 0}, /* ::1 */
    {{0}, 0, 40, 1}, /* ::/0 */
    {{[10] = 0xff, [11] = 0xff}, 96, 35, 4}, /* ::ffff:0:0/96: IPv4 */
    {{0x20, 0x02}, 16, 30, 2}, /* 6to4 */
    {{0x20, 0x01, 0, 0}, 32, 5, 5}, /* Teredo */
    {{0xfc}, 7, 3, 13}, /* unique local */
    {{0}, 96, 1, 3}, /* IPv4-compatible */
    {{0xfe, 0xc0}, 10, 1, 11}, /* site-local */
    {{0x3f, 0xfe}, 16, 1, 12}, /* 6bone */
};

/* Multicast scopes (RFC 4291 section 2.7), which unicast addresses are given too. */
enum { SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

static void mapped(const hp_addr *a, uint8_t ip[static 16])
{
    if (a->family == HP_AF_IPV6) {
        memcpy(ip, a->ip, 16);
        return;
    }
    memset(ip, 0, 16);
    ip[10] = ip[11] = 0xff;
    memcpy(ip + 12, a->ip, 4);
}

static unsigned common_bits(const uint8_t a[static 16], const uint8_t b[static 16])
{
    unsigned n = 0;
    while (n < 128 && ((a[n / 8] ^ b[n / 8]) & (0x80 >> n % 8)) == 0) {
        n++;
    }
    return n;
}

static const policy *policy_of(const hp_addr *a)
{
    const policy *best = NULL;
    uint8_t ip[16];
    mapped(a, ip);
    for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
        if (common_bits(ip, table[i].ip) >= table[i].bits && (best == NULL || table[i].bits > best->bits)) {
            best = &table[i];
        }
    }
    return best;
}

static unsigned scope_of(const hp_addr *a)
{
    if (hp_addr_is_link_local(a) || hp_addr_is_loopback(a)) {
        return SCOPE_LINK;
    }
    bool site_local = a->family == HP_AF_IPV6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0xc0;
    return site_local ? SCOPE_SITE : SCOPE_GLOBAL;
}

typedef struct choice {
    hp_addr address;
    unsigned position;
    bool usable, same_scope, same_label;
    unsigned precedence, scope;
} choice;

static choice judge(const hp_addr *address, unsigned position, const hp_addr *sources, unsigned n_sources)
{
    const policy *p = policy_of(address);
    choice c = {.address = *address, .position = position, .precedence = p->precedence, .scope = scope_of(address)};
    unsigned best = 0;
    uint8_t ip[16];
    mapped(address, ip);
    for (unsigned i = 0; i < n_sources; i++) {
        uint8_t source[16];
        if (sources[i].family != address->family) {
            continue;
        }
        mapped(&sources[i], source);
        bool same_scope = scope_of(&sources[i]) == c.scope, same_label = policy_of(&sources[i])->label == p->label;
        unsigned rank = 1 + (same_scope ? 1000U : 0) + (same_label ? 200U : 0) + common_bits(ip, source);
        if (rank > best) {
            best = rank;
            c.usable = true;
            c.same_scope = same_scope;
            c.same_label = same_label;
        }
    }
    return c;
}

static int prefer(bool a, bool b)
{
    return (int)b - (int)a;
}

static gint compare(gconstpointer first, gconstpointer second)
{
    const choice *a = first, *b = second;
    int by[] = {
        prefer(a->usable, b->usable),         prefer(a->same_scope, b->same_scope),
        prefer(a->same_label, b->same_label), (int)b->precedence - (int)a->precedence,
        (int)a->scope - (int)b->scope,        (int)a->position - (int)b->position,
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(by); i++) {
        if (by[i] != 0) {
            return by[i];
        }
    }
    return 0;
}

unsigned hp_dns_order(hp_addr *addresses, unsigned n, const hp_addr *sources, unsigned n_sources)
{
    g_autoptr(GArray) choices = g_array_new(FALSE, FALSE, sizeof(choice));
    unsigned usable = 0;
    for (unsigned i = 0; i < n; i++) {
        choice c = judge(&addresses[i], i, sources, n_sources);
        g_array_append_val(choices, c);
        usable += c.usable;
    }
    g_array_sort(choices, compare);
    for (unsigned i = 0; i < n; i++) {
        addresses[i] = g_array_index(choices, choice, i).address;
    }
    return usable;
}
