/* One packet of a capture on one line: tap, direction, addresses, and what it holds.
 *
 * From a trace, or from a trace.pcapng of ours: a run's evidence is often all that is left of it when the report is
 * written. What cannot be read there is "no such packet". */
#include "report/report.h"

#include <assert.h>

#include "report/evidence.h"
#include "wire/packet.h"
#include "wire/stun.h"

static const char *const icmp_names[] = {
    [HP_ICMP_NONE] = "",
    [HP_ICMP_ECHO_REQUEST] = " echo request",
    [HP_ICMP_ECHO_REPLY] = " echo reply",
    [HP_ICMP_PORT_UNREACHABLE] = " port unreachable",
    [HP_ICMP_HOST_UNREACHABLE] = " host unreachable",
    [HP_ICMP_NET_UNREACHABLE] = " net unreachable",
    [HP_ICMP_ADMIN_PROHIBITED] = " administratively prohibited",
    [HP_ICMP_FRAG_NEEDED] = " fragmentation needed",
    [HP_ICMP_TTL_EXCEEDED] = " TTL exceeded",
    [HP_ICMP_REASSEMBLY_TIMEOUT] = " reassembly timeout",
    [HP_ICMP_OTHER] = "",
};
static_assert(G_N_ELEMENTS(icmp_names) == HP_ICMP_OTHER + 1, "one name an ICMP meaning");

typedef struct subject {
    const char *tap;
    bool inwards, corrupt, fragment;
    hp_addr src, dst;
    uint8_t proto, icmp_kind;
    uint32_t length; /* of the IP packet */
    const uint8_t *payload; /* of UDP, or NULL */
    uint32_t payload_length;
} subject;

static char *describe(const subject *s)
{
    if (s->payload != NULL) {
        return hp_wire_describe(s->payload, s->payload_length);
    }
    switch (s->proto) {
    case HP_PROTO_ICMP:
    case HP_PROTO_ICMPV6:
        return g_strconcat("ICMP", s->icmp_kind < G_N_ELEMENTS(icmp_names) ? icmp_names[s->icmp_kind] : "", NULL);
    case HP_PROTO_TCP:
        return g_strdup_printf("TCP, %u bytes in all", s->length);
    case HP_PROTO_UDP:
        return g_strdup_printf("UDP, %u bytes in all", s->length);
    default: /* any other IP protocol number */
        return g_strdup_printf("IP protocol %u, %u bytes in all", s->proto, s->length);
    }
}

static char *line_of(const subject *s)
{
    char src[HP_ADDR_TEXT], dst[HP_ADDR_TEXT];
    g_autofree char *what = describe(s);
    return g_strdup_printf("%s %s %s > %s %s%s%s", s->tap, s->inwards ? "in" : "out", hp_addr_format(&s->src, src),
                           hp_addr_format(&s->dst, dst), what, s->fragment ? " (fragment)" : "",
                           s->corrupt ? " (corrupt)" : "");
}

char *hp_report_packet_line(const hp_trace *trace, uint32_t number)
{
    hp_record r;
    if (!hp_trace_find_packet(trace, number, &r)) {
        return NULL;
    }
    const subject s = {
        .tap = hp_trace_tap_name(trace, r.packet.tap),
        .inwards = r.packet.dir == HP_DIR_IN,
        .corrupt = r.packet.corrupt,
        .fragment = r.packet.fragment,
        .src = r.packet.src,
        .dst = r.packet.dst,
        .proto = r.packet.proto,
        .icmp_kind = r.packet.icmp_kind,
        .length = r.packet.length,
        .payload = r.packet.payload,
        .payload_length = r.packet.payload_length,
    };
    return line_of(&s);
}

/* ---- from a file ---- */

/* What is looked for. */
typedef struct search {
    uint32_t number;
    GPtrArray *taps; /* their names */
    char *line; /* NULL: not found */
} search;

static void see_tap(const char *name, void *user)
{
    const search *s = user;
    g_ptr_array_add(s->taps, g_strdup(name));
}

static void see_name(const char *name, const hp_addr *addr, void *user)
{
    /* a line tells addresses as they are */
}

static bool see_packet(const hp_evidence_packet *e, void *user)
{
    search *found = user;
    const hp_packet *p = e->packet;
    if (e->number != found->number || p == NULL) {
        return e->number < found->number;
    }
    const subject s = {
        .tap = g_ptr_array_index(found->taps, e->tap),
        .inwards = e->inwards,
        .corrupt = p->corrupt,
        .fragment = p->frag_total > 0,
        .src = p->src,
        .dst = p->dst,
        .proto = p->proto,
        .icmp_kind = p->icmp_kind,
        .length = e->length,
        .payload = p->proto == HP_PROTO_UDP && p->frag_offset == 0 ? p->payload : NULL,
        .payload_length = p->length,
    };
    found->line = line_of(&s);
    return false;
}

char *hp_report_packet_line_of_file(const char *pcapng_path, uint32_t number)
{
    static const hp_evidence_capture fns = {.tap = see_tap, .name = see_name, .packet = see_packet};
    g_autoptr(GPtrArray) taps = g_ptr_array_new_with_free_func(g_free);
    search s = {.number = number, .taps = taps};
    (void)hp_evidence_read_capture(pcapng_path, &fns, &s, NULL); /* what is found before a fault counts */
    return s.line;
}
