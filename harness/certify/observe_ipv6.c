/* What becomes of IPv6: whether it is translated like IPv4, or routed, or gets another prefix (RFC 6296), and whether
 * IPv6 hosts reach IPv4 remotes (RFC 6146). An echo request tells, since none is blocked. */
#include "certify/observe.h"

#include "wire/dns64.h"

enum { ID = 40000 };

static const hp_packet *echo(hp_bench *b)
{
    hp_addr from = hp_bench_inside(b, 0, ID), to = hp_bench_remote(b, 0, 0), far = hp_bench_far(b, &to);
    return hp_bench_send(b, HP_BENCH_INSIDE, hp_bench_echo(false, &from, &far));
}

static const char *fate(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_bench_new(o->subject, HP_BENCH_IPV6, false, &o->failed);
    const hp_packet *p = echo(b);
    hp_addr inside = hp_bench_inside(b, 0, 0), external;

    if (!p)
        return "dropped";
    if (hp_addr_same_ip(&p->src, &inside))
        return "routed as it is";
    for (unsigned i = 0; i < MAX(o->subject->nat->pool, 1); i++) {
        external = hp_bench_external(b, i, 0);
        if (hp_addr_same_ip(&p->src, &external))
            return HP_SAY_TRANSLATED;
    }
    return "its prefix is replaced";
}

void hp_observe_ipv6(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_bench_new(o->subject, HP_BENCH_NAT64, false, &o->failed);
    hp_addr remote = hp_bench_remote(b, 0, 0);
    const hp_packet *p = echo(b);

    hp_certificate_say(o->c, HP_PROP_IPV6, fate(o));
    if (p && hp_addr_same_ip(&p->dst, &remote)) {
        char text[HP_ADDR_TEXT];
        hp_addr far = hp_bench_far(b, &remote);
        g_autofree char *words = g_strdup_printf("yes, as %s", hp_addr_format_ip(&far, text));
        hp_certificate_say(o->c, HP_PROP_NAT64, words);
    } else {
        hp_certificate_say(o->c, HP_PROP_NAT64, HP_SAY_NO);
    }
}
