/* The form that observing and declaring fill in, and the comparison.
 *
 * A finding is text, because that is what people read and what two independent hands can be held to; times and counts
 * are kept as numbers beside it for the requirements. A property that cannot be seen is a finding too: it says why, and
 * the other side must agree that it cannot (the reasons themselves are not compared). */
#include "certify/certificate.h"

#include <string.h>

static const hp_property_info infos[] = {
    [HP_PROP_UDP_LEAVES] = {"udp-leaves", "UDP destination ports that pass", "RFC 8445 section 2.1",
                            "a datagram to every port"},
    [HP_PROP_TCP_LEAVES] = {"tcp-leaves", "TCP destination ports that pass", "RFC 8445 section 2.1",
                            "a SYN to every port"},
    [HP_PROP_ICMP_LEAVES] = {"icmp-leaves", "echo requests pass", "RFC 5508 REQ-1", "an echo request"},
    [HP_PROP_BLOCKED_ANSWER] = {"blocked-answer", "answer to what is blocked", "RFC 5508 REQ-8",
                                "what comes back for a blocked port"},
    [HP_PROP_IPV6] = {"ipv6", "IPv6", "RFC 6296, RFC 6092", "an echo request between IPv6 addresses"},
    [HP_PROP_NAT64] = {"nat64", "IPv6 hosts reach 203.0.113.1", "RFC 6146", "an echo request to the embedded address"},

    [HP_PROP_UDP_MAPPING] = {"udp-mapping", "UDP mapping", "RFC 4787 section 4.1",
                             "one endpoint to three remotes, its own port taken by another host"},
    [HP_PROP_UDP_DETERMINISM] = {"udp-determinism", "deterministic", "RFC 4787 section 8",
                                 "the same with the port free"},
    [HP_PROP_UDP_FILTERING] = {"udp-filtering", "UDP filtering", "RFC 4787 section 5",
                               "from another port, from another address"},
    [HP_PROP_UDP_PORTS] = {"udp-ports", "UDP port assignment", "RFC 4787 section 4.2.1", "many endpoints"},
    [HP_PROP_UDP_PORT_RANGE] = {"udp-port-range", "external ports", "RFC 4787 section 4.2.1",
                                "internal ports that are kept, or mappings until none is left"},
    [HP_PROP_UDP_WELL_KNOWN_PORTS] = {"udp-well-known-ports", "ports 0-1023 stay below 1024", "RFC 4787 REQ-3a",
                                      "internal ports below 1024, taken ones too"},
    [HP_PROP_UDP_COLLISION] = {"udp-collision", "when the port is taken", "RFC 4787 section 4.2.1",
                               "two hosts with one port"},
    [HP_PROP_UDP_PARITY] = {"udp-parity", "port parity", "RFC 4787 REQ-4", "taken ports, even and odd"},
    [HP_PROP_UDP_CONTIGUITY] = {"udp-contiguity", "port contiguity", "RFC 4787 section 4.2.3",
                                "RTCP's port first, then RTP's, where neighbours are taken"},
    [HP_PROP_UDP_OVERLOAD] = {"udp-overload", "port overloading", "RFC 4787 REQ-3",
                              "one external port for two endpoints at a time"},
    [HP_PROP_PORT_BLOCKS] = {"port-blocks", "port blocks of a host", "RFC 6888 REQ-14, RFC 7422",
                             "all ports that a host gets beside others"},
    [HP_PROP_PORT_BLOCK_CHOICE] = {"port-block-choice", "which block", "RFC 6888 REQ-14, RFC 7422",
                                   "hosts in another order, and more of them than blocks"},
    [HP_PROP_POOL] = {"pool", "external addresses", "RFC 4787 section 4.1", "many hosts"},
    [HP_PROP_POOLING] = {"pooling", "address pooling", "RFC 4787 REQ-2", "many endpoints of one host"},
    [HP_PROP_UDP_QUARANTINE] = {"udp-quarantine", "a UDP port is nobody's after use for", "RFC 6888 REQ-8",
                                "a port asked for again after its mapping's end"},
    [HP_PROP_QUARANTINE_MAX] = {"quarantine-max", "ports that wait so at most", "RFC 6888 REQ-8",
                                "many ports left at once"},
    [HP_PROP_INBOUND_FIRST] = {"inbound-first", "an early packet from outside takes the port",
                               "netfilter's connection tracking", "the remote sends before the host does"},
    [HP_PROP_UDP_UNSOLICITED] = {"udp-unsolicited", "answer to a datagram for no mapping", "RFC 4787 section 5",
                                 "a datagram from outside to a free port"},
    [HP_PROP_UDP_FILTERED] = {"udp-filtered", "answer to a filtered datagram", "RFC 4787 section 5",
                              "a datagram from a remote never sent to"},
    [HP_PROP_UDP_HAIRPIN] = {"udp-hairpin", "UDP hairpinning", "RFC 4787 section 6",
                             "two hosts send to each other's external endpoint"},
    [HP_PROP_HAIRPIN_FILTER] = {"hairpin-filter", "hairpinned datagrams are filtered", "RFC 4787 section 6",
                                "the same, with only one of them sending"},
    [HP_PROP_HAIRPIN_FIRST] = {"hairpin-first", "the first packet hairpins", "RFC 4787 section 6",
                               "from an endpoint that had no mapping"},
    [HP_PROP_UDP_TIMER] = {"udp-timer", "UDP mapping timer", "RFC 4787 REQ-5", "bisection over fresh mappings"},
    [HP_PROP_UDP_TIMER_UNREPLIED] = {"udp-timer-unreplied", "the same, unanswered", "RFC 4787 REQ-5",
                                     "bisection over fresh mappings"},
    [HP_PROP_UDP_TIMER_WELL_KNOWN] = {"udp-timer-well-known", "the same, to ports 0-1023", "RFC 4787 REQ-5a",
                                      "bisection over fresh mappings"},
    [HP_PROP_UDP_REFRESH] = {"udp-refresh", "UDP mapping refresh", "RFC 4787 REQ-6",
                             "packets of one direction within the timer"},
    [HP_PROP_UDP_LIFETIME] = {"udp-lifetime", "end of a mapping in use", "RFC 4787 section 4.3",
                              "packets both ways for a day"},

    [HP_PROP_UDP_LIMIT] = {"udp-limit", "UDP mappings of a host", "RFC 6888 REQ-4", "mappings until one fails"},
    [HP_PROP_TCP_LIMIT] = {"tcp-limit", "TCP mappings of a host", "RFC 6888 REQ-4", "mappings until one fails"},
    [HP_PROP_ICMP_LIMIT] = {"icmp-limit", "ICMP mappings of a host", "RFC 6888 REQ-4", "mappings until one fails"},
    [HP_PROP_HOST_LIMIT] = {"host-limit", "mappings of a host together", "RFC 6888 REQ-4",
                            "mappings of all three in turn until none is made"},
    [HP_PROP_TABLE_LIMIT] = {"table-limit", "mappings of all hosts", "RFC 6888 REQ-5", "one mapping a host"},
    [HP_PROP_REMOTES_LIMIT] = {"remotes-limit", "remotes that a mapping remembers", "RFC 4787 section 5",
                               "one endpoint to many remotes"},
    [HP_PROP_EVICTION] = {"eviction", "when that is reached", "RFC 6888 REQ-5", "who is still there afterwards"},
    [HP_PROP_LIMIT_ANSWER] = {"limit-answer", "answer to the refused", "RFC 6888 REQ-4, RFC 5508 REQ-8",
                              "what comes back beyond the limit"},

    [HP_PROP_ICMP_MAPPING] = {"icmp-mapping", "ICMP query mapping", "RFC 5508 REQ-1", "one id to two remotes"},
    [HP_PROP_ICMP_FILTERING] = {"icmp-filtering", "ICMP query filtering", "RFC 5508 REQ-1",
                                "a reply from another address"},
    [HP_PROP_ICMP_IDS] = {"icmp-ids", "ICMP query ids", "RFC 5508 section 3.1", "many ids"},
    [HP_PROP_ICMP_TIMER] = {"icmp-timer", "ICMP query timer", "RFC 5508 REQ-2", "bisection over fresh mappings"},
    [HP_PROP_PING] = {"ping", "answer to an echo request from outside", "RFC 6888 REQ-1, RFC 1812",
                      "an echo request to the external address"},
    [HP_PROP_ICMP_ERRORS_IN] = {"icmp-errors-in", "ICMP errors from outside pass", "RFC 5508 REQ-4, RFC 4787 REQ-12b",
                                "port unreachable, time exceeded, fragmentation needed"},
    [HP_PROP_ICMP_ERRORS_OUT] = {"icmp-errors-out", "ICMP errors from inside pass", "RFC 5508 REQ-5",
                                 "port unreachable about what came in"},
    [HP_PROP_ICMP_ERRORS_QUOTE] = {"icmp-errors-quote", "the packet they quote is translated",
                                   "RFC 5508 REQ-4a, REQ-5a", "its addresses and ports, both ways"},
    [HP_PROP_ICMP_ERRORS_END] = {"icmp-errors-end", "ICMP errors end the mapping", "RFC 4787 REQ-12, RFC 5382 REQ-10",
                                 "whether it is still there"},
    [HP_PROP_FRAGMENTS_OUT] = {"fragments-out", "fragments from inside", "RFC 4787 REQ-13, REQ-14",
                               "in order, in the wrong order, one alone"},
    [HP_PROP_FRAGMENTS_IN] = {"fragments-in", "fragments from outside", "RFC 4787 REQ-14",
                              "in order, in the wrong order, one alone"},

    [HP_PROP_TCP_MAPPING] = {"tcp-mapping", "TCP mapping", "RFC 5382 REQ-1",
                             "one endpoint to three remotes, its own port taken by another host"},
    [HP_PROP_TCP_FILTERING] = {"tcp-filtering", "TCP filtering", "RFC 5382 REQ-3",
                               "SYNs from outside: another port, another address, after the connection"},
    [HP_PROP_TCP_PORTS] = {"tcp-ports", "TCP port assignment", "RFC 4787 section 4.2.1", "many endpoints"},
    [HP_PROP_TCP_PARITY] = {"tcp-parity", "TCP port parity", "RFC 5382 REQ-7", "taken ports, even and odd"},
    [HP_PROP_TCP_OVERLOAD] = {"tcp-overload", "TCP port overloading", "RFC 5382 REQ-7",
                              "one external port for two endpoints at a time"},
    [HP_PROP_TCP_HAIRPIN] = {"tcp-hairpin", "TCP hairpinning", "RFC 5382 REQ-8",
                             "two hosts open to each other's external endpoint"},
    [HP_PROP_TCP_SYN] = {"tcp-syn", "answer to an unsolicited SYN", "RFC 5382 REQ-4",
                         "a SYN from outside, then one from inside"},
    [HP_PROP_TCP_SIMULTANEOUS] = {"tcp-simultaneous", "simultaneous open", "RFC 5382 REQ-2", "two SYNs that cross"},
    [HP_PROP_TCP_STRAY] = {"tcp-stray", "a segment of no connection", "RFC 5382 section 5", "an ACK from inside"},
    [HP_PROP_TCP_RST] = {"tcp-rst", "a RST ends the connection", "RFC 7857 section 2.2", "a RST, and bisection"},
    [HP_PROP_TCP_RST_CHECK] = {"tcp-rst-check", "a RST counts", "RFC 7857 section 2.2", "a RST outside the window"},
    [HP_PROP_TCP_RST_UNANSWERED] = {"tcp-rst-unanswered", "a RST as the first answer ends it",
                                    "netfilter's connection tracking", "a RST to a SYN, and bisection"},
    [HP_PROP_TCP_REFRESH] = {"tcp-refresh", "what keeps a connection alive", "RFC 5382 REQ-5",
                             "segments of one direction within the timer"},
    [HP_PROP_TCP_TIMER_OPENING] = {"tcp-timer-opening", "TCP timer, SYN sent", "RFC 5382 REQ-5",
                                   "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_HANDSHAKE] = {"tcp-timer-handshake", "TCP timer, SYN answered", "RFC 5382 REQ-5",
                                     "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_PICKED_UP] = {"tcp-timer-picked-up", "TCP timer, picked up", "netfilter's loose tracking",
                                     "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_ESTABLISHED] = {"tcp-timer-established", "TCP timer, established", "RFC 5382 REQ-5",
                                       "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_FIN] = {"tcp-timer-fin", "TCP timer, one FIN", "RFC 6146 section 3.5.2.2",
                               "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_HALF_CLOSED] = {"tcp-timer-half-closed", "TCP timer, one FIN acknowledged",
                                       "RFC 6146 section 3.5.2.2", "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_CLOSING] = {"tcp-timer-closing", "TCP timer, both FINs", "RFC 7857 section 2.1",
                                   "bisection over fresh connections"},
    [HP_PROP_TCP_TIMER_TIME_WAIT] = {"tcp-timer-time-wait", "TCP timer, both acknowledged", "RFC 7857 section 2.1",
                                     "bisection over fresh connections"},
    [HP_PROP_TCP_QUARANTINE] = {"tcp-quarantine", "a TCP port is nobody's after use for", "RFC 6888 REQ-8a",
                                "a port asked for again after its mapping's end"},

    [HP_PROP_SITE_UDP_LEAVES] = {"site-udp-leaves", "UDP ports that pass the firewall too", "RFC 8445 section 2.1",
                                 "a datagram to every port"},
    [HP_PROP_SITE_TCP_LEAVES] = {"site-tcp-leaves", "TCP ports that pass the firewall too", "RFC 8445 section 2.1",
                                 "a SYN to every port"},
    [HP_PROP_SITE_ICMP_LEAVES] = {"site-icmp-leaves", "echo requests pass the firewall too", "RFC 4890",
                                  "an echo request"},
    [HP_PROP_SITE_BLOCKED_ANSWER] = {"site-blocked-answer", "answer to what the firewall blocks", "RFC 6092 REC-48",
                                     "what comes back for a blocked port"},
    [HP_PROP_SITE_UDP_FILTERING] = {"site-udp-filtering", "UDP filtering behind both", "RFC 6092 REC-17",
                                    "from another port, from another address"},
    [HP_PROP_SITE_TCP_FILTERING] = {"site-tcp-filtering", "TCP filtering behind both", "RFC 6092 REC-33",
                                    "SYNs from outside"},
    [HP_PROP_SITE_UDP_TIMER] = {"site-udp-timer", "UDP timer behind both", "RFC 6092 REC-14",
                                "bisection over fresh flows"},
    [HP_PROP_SITE_UDP_TIMER_UNREPLIED] = {"site-udp-timer-unreplied", "the same, unanswered", "RFC 6092 REC-14",
                                          "bisection over fresh flows"},
    [HP_PROP_SITE_TCP_TIMER_ESTABLISHED] = {"site-tcp-timer-established", "TCP timer behind both, established",
                                            "RFC 6092 REC-35", "bisection over fresh connections"},
};
G_STATIC_ASSERT(G_N_ELEMENTS(infos) == HP_PROP_N);

const hp_property_info *hp_property_get(hp_property property)
{
    return &infos[property];
}

hp_certificate *hp_certificate_new(void)
{
    hp_certificate *c = g_new0(hp_certificate, 1);
    for (unsigned i = 0; i < HP_PROP_N; i++)
        hp_certificate_unknown(c, (hp_property)i, hp_property_is_site((hp_property)i) ? "there is no firewall" : "");
    return c;
}

void hp_certificate_free(hp_certificate *c)
{
    for (unsigned i = 0; c && i < HP_PROP_N; i++)
        g_free(c->findings[i].text);
    g_free(c);
}

static void put(hp_certificate *c, hp_property property, bool known, char *text, uint64_t number)
{
    hp_finding *f = &c->findings[property];
    g_free(f->text);
    *f = (hp_finding){.known = known, .text = text, .number = number};
}

void hp_certificate_say(hp_certificate *c, hp_property property, const char *text)
{
    put(c, property, true, g_strdup(text), 0);
}

void hp_certificate_say_count(hp_certificate *c, hp_property property, uint64_t n, const char *none)
{
    put(c, property, true, n == UINT64_MAX ? g_strdup(none) : g_strdup_printf("%" G_GUINT64_FORMAT, n), n);
}

char *hp_certificate_time_text(hp_time t)
{
    uint64_t ms = t / HP_MS + (t % HP_MS != 0);
    if (ms % 1000 == 0)
        return g_strdup_printf("%" G_GUINT64_FORMAT " s", ms / 1000);
    return g_strdup_printf("%" G_GUINT64_FORMAT ".%03u s", ms / 1000, (unsigned)(ms % 1000));
}

void hp_certificate_say_time(hp_certificate *c, hp_property property, hp_time t, const char *none)
{
    put(c, property, true, t == HP_NEVER ? g_strdup(none) : hp_certificate_time_text(t), t);
}

void hp_certificate_unknown(hp_certificate *c, hp_property property, const char *why)
{
    put(c, property, false, g_strdup(why), 0);
}

enum { PORTS = 65536 };

static void append_ranges(GString *s, const bool *ports, bool which)
{
    const char *separator = "";
    for (unsigned first = 1; first < PORTS; first++) {
        if (ports[first] != which)
            continue;
        unsigned last = first;
        while (last + 1 < PORTS && ports[last + 1] == which)
            last++;
        g_string_append_printf(s, last > first ? "%s%u-%u" : "%s%u", separator, first, last);
        separator = ", ";
        first = last;
    }
}

void hp_certificate_say_ports(hp_certificate *c, hp_property property, const bool *ports)
{
    unsigned n = 0;
    for (unsigned port = 1; port < PORTS; port++)
        n += ports[port];

    GString *s = g_string_new(n == 0 ? HP_SAY_NONE : n == PORTS - 1 ? HP_SAY_ALL : "");
    if (n > 0 && n < PORTS / 2) {
        append_ranges(s, ports, true);
    } else if (n >= PORTS / 2 && n < PORTS - 1) {
        g_string_append(s, "all but ");
        append_ranges(s, ports, false);
    }
    put(c, property, true, g_string_free(s, FALSE), n);
}

bool hp_certificate_is(const hp_certificate *c, hp_property property, const char *text)
{
    return c->findings[property].known && strcmp(c->findings[property].text, text) == 0;
}

unsigned hp_certificate_differences(const hp_certificate *a, const hp_certificate *b, hp_property *ret)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HP_PROP_N; i++) {
        const hp_finding *x = &a->findings[i], *y = &b->findings[i];
        if (x->known != y->known || (x->known && strcmp(x->text, y->text) != 0))
            ret[n++] = (hp_property)i;
    }
    return n;
}
