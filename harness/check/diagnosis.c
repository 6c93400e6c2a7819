/* Why something failed, as far as packets tell: checks sent and answered by each peer, and drops by place and reason.
 *
 * A connectivity check is a Binding request with a PRIORITY (RFC 8445 section 7.1.1), also when a TURN client wraps it;
 * it counts at the tap of the peer that sends it. What a drop threw away is known from the capture record it refers to;
 * a drop without one counts as data. Data is all that is not a STUN request or answer: a Send or Data indication and
 * ChannelData carry data. What a TURN server throws away never was a packet again; its turn-dropped events count. */
#include "check/diagnosis.h"

#include <string.h>

#include "check/facts.h"
#include "wire/match.h"
#include "wire/stun.h"

typedef struct peer_count {
    const char *name;
    uint64_t checks, answers;
} peer_count;

typedef struct drop_count {
    const char *place, *reason; /* the trace's words */
    uint64_t all, data;
} drop_count;

struct hp_diagnosis {
    const hp_plan *plan;
    peer_count *peers;
    unsigned n_peers;
    GArray *drops; /* drop_count */
};

/* What the walk remembers of packets, by record number, and of taps. */
typedef struct seen {
    GByteArray *is_data;
    GArray *tap_peer; /* int: index of the peer that owns the tap, or -1 */
} seen;

static int peer_of_tap(const hp_diagnosis *d, const char *tap)
{
    for (unsigned i = 0; i < d->n_peers; i++) {
        if (hp_tap_is_of(tap, d->peers[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

static int owner(const hp_diagnosis *d, seen *packets, const hp_trace *trace, uint32_t tap)
{
    if (tap >= hp_trace_n_taps(trace)) {
        return -1; /* a log damaged by what crashed */
    }
    while (packets->tap_peer->len <= tap) {
        const int peer = peer_of_tap(d, hp_trace_tap_name(trace, packets->tap_peer->len));
        g_array_append_val(packets->tap_peer, peer);
    }
    return g_array_index(packets->tap_peer, int, tap);
}

static bool is_server(const hp_plan *plan, const hp_addr *a)
{
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_plan_attachment *at = &plan->servers[i].attachment;
        for (unsigned k = 0; k < at->n_addresses; k++) {
            if (hp_addr_same_ip(&at->addresses[k], a)) {
                return true;
            }
        }
    }
    return false;
}

static bool carries_data(const hp_record *r)
{
    hp_match transaction = {.stun = {.present = HP_PRESENT}};
    const hp_match_subject subject = hp_record_subject(r);
    if (r->packet.payload == NULL) {
        return r->packet.proto == HP_PROTO_UDP;
    }
    if (!hp_match_packet(&transaction, &subject)) {
        return true;
    }
    transaction.stun.has_class = true;
    transaction.stun.cls = HP_STUN_INDICATION;
    return hp_match_packet(&transaction, &subject);
}

static void look_at_packet(hp_diagnosis *d, seen *packets, const hp_trace *trace, const hp_record *r)
{
    const hp_match answer = {
        .stun = {.has_class = true, .cls = HP_STUN_SUCCESS, .method = HP_STUN_BINDING},
        .inside = true,
    };
    const hp_match_subject subject = hp_record_subject(r);
    const guint8 data = carries_data(r);
    const int peer = owner(d, packets, trace, r->packet.tap);
    g_byte_array_append(packets->is_data, &data, 1);
    if (peer >= 0 && r->packet.dir == HP_DIR_OUT) {
        d->peers[peer].checks += hp_match_ice_check(&subject);
    } else if (peer >= 0 && hp_match_packet(&answer, &subject)) {
        /* A server's own answer is not wrapped: it told a reflexive address, it answered no check. */
        d->peers[peer].answers += data != 0 || !is_server(d->plan, &r->packet.src);
    }
}

static void count_drop(hp_diagnosis *d, const char *place, const char *reason, bool data)
{
    for (unsigned i = 0; i < d->drops->len; i++) {
        drop_count *count = &g_array_index(d->drops, drop_count, i);
        if (strcmp(count->reason, reason) == 0 && strcmp(count->place, place) == 0) {
            count->all++;
            count->data += data;
            return;
        }
    }
    const drop_count count = {.place = place, .reason = reason, .all = 1, .data = data};
    g_array_append_val(d->drops, count);
}

static void look_at_drop(hp_diagnosis *d, const seen *packets, const hp_record *r)
{
    const uint32_t number = r->drop.packet;
    const bool known = number > 0 && number <= packets->is_data->len;
    const bool data = known ? packets->is_data->data[number - 1] != 0 : r->drop.proto == HP_PROTO_UDP;
    count_drop(d, r->drop.place, hp_drop_name(r->drop.reason), data);
}

hp_diagnosis *hp_diagnosis_new(const hp_plan *plan, const hp_trace *trace)
{
    hp_diagnosis *d = g_new0(hp_diagnosis, 1);
    seen packets = {
        .is_data = g_byte_array_new(),
        .tap_peer = g_array_new(FALSE, FALSE, sizeof(int)),
    };
    hp_trace_cursor cursor = {0};
    hp_record r;
    d->plan = plan;
    d->n_peers = plan->n_peers;
    d->peers = g_new0(peer_count, plan->n_peers);
    d->drops = g_array_new(FALSE, FALSE, sizeof(drop_count));
    for (unsigned i = 0; i < plan->n_peers; i++) {
        d->peers[i].name = plan->peers[i].source->name;
    }
    while (hp_trace_next(trace, &cursor, &r)) {
        if (r.type == HP_RECORD_PACKET) {
            look_at_packet(d, &packets, trace, &r);
        } else if (r.type == HP_RECORD_DROP) {
            look_at_drop(d, &packets, &r);
        } else if (r.type == HP_RECORD_EVENT && r.event.kind == HP_EV_TURN_DROPPED) {
            count_drop(d, r.event.subject, hp_record_text(&r, "reason"), true);
        }
    }
    g_byte_array_unref(packets.is_data);
    g_array_unref(packets.tap_peer);
    return d;
}

void hp_diagnosis_free(hp_diagnosis *d)
{
    if (d != NULL) {
        g_array_unref(d->drops);
        g_free(d->peers);
        g_free(d);
    }
}

static const peer_count *find(const hp_diagnosis *d, const char *peer)
{
    static const peer_count none;
    for (unsigned i = 0; i < d->n_peers; i++) {
        if (strcmp(d->peers[i].name, peer) == 0) {
            return &d->peers[i];
        }
    }
    return &none;
}

uint64_t hp_diagnosis_checks(const hp_diagnosis *d, const char *peer)
{
    return find(d, peer)->checks;
}

uint64_t hp_diagnosis_answers(const hp_diagnosis *d, const char *peer)
{
    return find(d, peer)->answers;
}

typedef struct ranked {
    uint64_t n;
    unsigned index; /* equal counts stay in order of their first drop */
} ranked;

static int most_first(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->index > y->index) - (x->index < y->index);
}

void hp_diagnosis_append_drops(const hp_diagnosis *d, bool data_only, GString *text)
{
    enum { MOST = 4 };
    g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(ranked));
    uint64_t rest = 0;
    for (unsigned i = 0; i < d->drops->len; i++) {
        const drop_count *c = &g_array_index(d->drops, drop_count, i);
        const ranked r = {.n = data_only ? c->data : c->all, .index = i};
        if (r.n > 0) {
            g_array_append_val(order, r);
        }
    }
    g_array_sort(order, most_first);
    for (unsigned i = 0; i < order->len; i++) {
        const ranked *r = &g_array_index(order, ranked, i);
        const drop_count *c = &g_array_index(d->drops, drop_count, r->index);
        if (i < MOST) {
            g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " dropped at %s: %s", i > 0 ? "; " : "", r->n, c->place,
                                   c->reason);
        } else {
            rest += r->n;
        }
    }
    if (rest > 0) {
        g_string_append_printf(text, "; %" G_GUINT64_FORMAT " elsewhere", rest);
    }
}
