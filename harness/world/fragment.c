/* Fragmentation (RFC 791, RFC 8200 section 4.5) and reassembly (RFC 815 in spirit, RFC 5722, RFC 8200).
 *
 * Offsets count bytes of the transport datagram, header included. The header travels in the fields of the first
 * fragment (8 bytes for UDP and ICMP queries, the two ports for TCP), the rest of the bytes in payloads.
 *
 * Reassembly keeps the fragments of a datagram sorted by offset until they fill [0, total). What identifies a datagram
 * is (source, destination, protocol, identification). A fragment that repeats one we hold exactly is dropped and the
 * datagram lives on (links duplicate); one that overlaps in any other way ends the datagram, and later fragments of it
 * are dropped until its time is over. `total` is learnt from the last fragment alone: frag_total is not on the wire.
 * The checksum is the datagram's, so it is looked at when that is whole; where it covers a length that only the whole
 * datagram shows (TCP, ICMPv6), a first fragment that was parsed has the sum for the length it knew (wire/ip_parse.c).
 *
 * Invariants: partials are sorted by age; within one partial slices do not overlap; `held` is the sum of their lengths;
 * the timer is armed for the earliest deadline whenever a partial waits.
 *
 * Limits: HP_REASSEMBLY_MAX datagrams at a time, searched in turn; 65535 bytes a datagram. */
#include "world/fragment.h"

enum { MAX_DATAGRAM = 65535, IPV4_HEADER = 20, IPV6_HEADER = 40, IPV6_FRAGMENT_HEADER = 8 };

/* Transport header bytes that hp_packet keeps in fields; 0 for a later fragment. */
static uint32_t header_in_fields(const hp_packet *p)
{
    uint32_t ip =
        p->src.family == HP_AF_IPV4 ? IPV4_HEADER : IPV6_HEADER + (p->frag_total > 0 ? IPV6_FRAGMENT_HEADER : 0);
    return (uint32_t)hp_packet_wire_length(p) - ip - p->length;
}

/* Bytes of the transport datagram that this fragment (or whole packet) covers. */
static uint32_t slice_length(const hp_packet *p)
{
    return p->length + header_in_fields(p);
}

static hp_packet *make_slice(const hp_packet *p, uint32_t from, uint32_t length, bool last)
{
    uint32_t header = header_in_fields(p);
    bool first = from == 0;
    const uint8_t *bytes = first ? p->payload : p->payload + (from - header);
    uint32_t n_bytes = first ? length - header : length;
    hp_packet *slice = hp_packet_new(p->proto, &p->src, &p->dst, bytes, n_bytes);
    slice->uid = p->uid;
    slice->ttl = p->ttl;
    slice->tos = p->tos;
    slice->dont_fragment = p->dont_fragment;
    slice->corrupt = p->corrupt;
    slice->no_checksum = p->no_checksum;
    slice->last_record = p->last_record;
    slice->ip_id = p->ip_id != 0 ? p->ip_id : (uint32_t)p->uid;
    slice->frag_offset = p->frag_offset + from;
    slice->frag_more = !last || p->frag_more;
    bool was_fragment = hp_packet_is_fragment(p);
    slice->frag_total = was_fragment ? p->frag_total : header + p->length;
    if (slice->frag_offset == 0) {
        slice->icmp_kind = p->icmp_kind;
        slice->icmp_type = p->icmp_type;
        slice->icmp_code = p->icmp_code;
        slice->icmp_mtu = p->icmp_mtu;
        slice->l4_sum = was_fragment ? p->l4_sum : hp_packet_payload_sum(p);
    } else {
        slice->src.port = 0;
        slice->dst.port = 0;
    }
    return slice;
}

bool hp_fragment(const hp_packet *p, uint32_t mtu, hp_fragment_emit emit, void *user)
{
    uint32_t overhead = p->src.family == HP_AF_IPV6 ? IPV6_HEADER + IPV6_FRAGMENT_HEADER : IPV4_HEADER;
    if (p->inner != NULL || mtu < overhead + 8) {
        return false;
    }
    uint32_t chunk = (mtu - overhead) & ~UINT32_C(7);
    uint32_t total = slice_length(p);
    for (uint32_t from = 0; from < total; from += chunk) {
        uint32_t length = MIN(chunk, total - from);
        emit(user, make_slice(p, from, length, from + length == total));
    }
    return true;
}

/* ---- reassembly ---- */

typedef struct partial {
    hp_addr src, dst; /* ports 0 */
    uint32_t ip_id;
    uint8_t proto;
    bool poisoned; /* an overlap was seen: only waits, so that stragglers are known */
    hp_time deadline;
    uint32_t held; /* bytes in slices */
    uint32_t total; /* 0: the last fragment is not here yet */
    GPtrArray *slices; /* of hp_packet*, by offset */
} partial;

struct hp_reassembly {
    hp_node *node;
    hp_timer timer;
    GPtrArray *partials; /* of partial*, oldest first */
    void (*on_timeout)(void *user, const hp_packet *first);
    void *user;
};

static void partial_free(gpointer data)
{
    partial *waiting = data;
    for (unsigned i = 0; i < waiting->slices->len; i++) {
        hp_packet_free(g_ptr_array_index(waiting->slices, i));
    }
    g_ptr_array_free(waiting->slices, TRUE);
    g_free(waiting);
}

static void arm_for_next(hp_reassembly *r)
{
    hp_time next = HP_NEVER;
    for (unsigned i = 0; i < r->partials->len; i++) {
        const partial *waiting = g_ptr_array_index(r->partials, i);
        next = MIN(next, waiting->deadline);
    }
    if (next != r->timer.at) {
        hp_timer_arm(r->node->world, &r->timer, next);
    }
}

/* Traces and frees what a datagram holds; the partial itself stays. */
static void drop_slices(hp_reassembly *r, partial *waiting, const char *detail)
{
    for (unsigned i = 0; i < waiting->slices->len; i++) {
        hp_node_drop(r->node, g_ptr_array_index(waiting->slices, i), HP_DROP_REASSEMBLY, detail);
    }
    g_ptr_array_set_size(waiting->slices, 0);
    waiting->held = 0;
}

static void on_deadline(void *owner, hp_time now)
{
    hp_reassembly *r = owner;
    for (unsigned i = 0; i < r->partials->len;) {
        partial *waiting = g_ptr_array_index(r->partials, i);
        if (waiting->deadline > now) {
            i++;
            continue;
        }
        hp_packet *first = waiting->slices->len > 0 ? g_ptr_array_index(waiting->slices, 0) : NULL;
        if (first != NULL && first->frag_offset == 0 && r->on_timeout != NULL) {
            r->on_timeout(r->user, first);
        }
        drop_slices(r, waiting, "the rest did not come in time");
        g_ptr_array_remove_index(r->partials, i);
    }
    arm_for_next(r);
}

hp_reassembly *hp_reassembly_new(hp_node *node, void (*on_timeout)(void *user, const hp_packet *first), void *user)
{
    hp_reassembly *r = g_new0(hp_reassembly, 1);
    r->node = node;
    r->partials = g_ptr_array_new_with_free_func(partial_free);
    r->on_timeout = on_timeout;
    r->user = user;
    hp_timer_init(&r->timer, HP_TIMER_NODE, node->id, on_deadline, r);
    return r;
}

void hp_reassembly_free(hp_reassembly *r)
{
    if (r == NULL) {
        return;
    }
    hp_timer_cancel(r->node->world, &r->timer);
    g_ptr_array_free(r->partials, TRUE);
    g_free(r);
}

void hp_reassembly_flush(hp_reassembly *r, const char *detail)
{
    for (unsigned i = 0; i < r->partials->len; i++) {
        drop_slices(r, g_ptr_array_index(r->partials, i), detail);
    }
    g_ptr_array_set_size(r->partials, 0);
    arm_for_next(r);
}

unsigned hp_reassembly_pending(const hp_reassembly *r)
{
    return r->partials->len;
}

static partial *find_or_add(hp_reassembly *r, const hp_packet *fragment)
{
    hp_addr src = hp_addr_with_port(fragment->src, 0);
    hp_addr dst = hp_addr_with_port(fragment->dst, 0);
    for (unsigned i = 0; i < r->partials->len; i++) {
        partial *waiting = g_ptr_array_index(r->partials, i);
        if (waiting->ip_id == fragment->ip_id && waiting->proto == fragment->proto &&
            hp_addr_equal(&waiting->src, &src) && hp_addr_equal(&waiting->dst, &dst)) {
            return waiting;
        }
    }
    if (r->partials->len >= HP_REASSEMBLY_MAX) {
        drop_slices(r, g_ptr_array_index(r->partials, 0), "too many datagrams wait for fragments");
        g_ptr_array_remove_index(r->partials, 0);
    }
    partial *fresh = g_new0(partial, 1);
    hp_time timeout = src.family == HP_AF_IPV6 ? HP_REASSEMBLY_TIMEOUT_IPV6 : HP_REASSEMBLY_TIMEOUT_IPV4;
    *fresh = (partial){
        .src = src,
        .dst = dst,
        .ip_id = fragment->ip_id,
        .proto = fragment->proto,
        .deadline = hp_time_add(hp_world_now(r->node->world), timeout),
        .slices = g_ptr_array_new(),
    };
    g_ptr_array_add(r->partials, fresh);
    arm_for_next(r);
    return fresh;
}

/* Whether the payload sums up to what the first fragment's checksum says. Zero has two forms in one's complement. */
static bool checksum_holds(const hp_packet *first, const hp_packet *whole)
{
    if (first->no_checksum || header_in_fields(first) == 0) {
        return true;
    }
    uint32_t wanted = first->l4_sum, found = hp_packet_payload_sum(whole);
    if (first->proto == HP_PROTO_TCP || first->proto == HP_PROTO_ICMPV6) {
        wanted += first->frag_total;
        found += header_in_fields(first) + whole->length;
    }
    return found % UINT16_MAX == wanted % UINT16_MAX;
}

/* The whole packet, from slices that fill [0, total). */
static hp_packet *join(const partial *waiting, uint32_t latest_record)
{
    const hp_packet *first = g_ptr_array_index(waiting->slices, 0);
    hp_packet *whole =
        hp_packet_new(first->proto, &first->src, &first->dst, NULL, waiting->total - header_in_fields(first));
    whole->uid = first->uid;
    whole->ttl = first->ttl;
    whole->tos = first->tos;
    whole->ip_id = first->ip_id;
    whole->icmp_kind = first->icmp_kind;
    whole->icmp_type = first->icmp_type;
    whole->icmp_code = first->icmp_code;
    whole->icmp_mtu = first->icmp_mtu;
    whole->no_checksum = first->no_checksum;
    whole->last_record = latest_record;
    uint32_t filled = 0;
    for (unsigned i = 0; i < waiting->slices->len; i++) {
        const hp_packet *slice = g_ptr_array_index(waiting->slices, i);
        memcpy(whole->payload + filled, slice->payload, slice->length);
        filled += slice->length;
        whole->corrupt |= slice->corrupt;
        if ((slice->tos & 3) == 3) {
            whole->tos |= 3; /* RFC 3168 section 5.3: congestion met by any fragment was met by all */
        }
    }
    g_assert(filled == whole->length);
    whole->corrupt |= !checksum_holds(first, whole);
    return whole;
}

/* Why a fragment cannot be part of any datagram, or NULL. */
static const char *misshapen(const hp_packet *fragment)
{
    if (fragment->src.family != fragment->dst.family) {
        return "addresses of two families";
    }
    uint32_t length = slice_length(fragment);
    if (length == 0) {
        return "an empty fragment";
    }
    if (fragment->frag_offset % 8 != 0 || (fragment->frag_more && length % 8 != 0)) {
        return "not a multiple of eight bytes";
    }
    if (fragment->frag_offset > MAX_DATAGRAM || fragment->frag_offset + length > MAX_DATAGRAM) {
        return "beyond the largest datagram";
    }
    return NULL;
}

hp_packet *hp_reassembly_add(hp_reassembly *r, hp_packet *fragment)
{
    const char *wrong = misshapen(fragment);
    if (wrong != NULL) {
        hp_node_drop(r->node, fragment, HP_DROP_REASSEMBLY, wrong);
        return NULL;
    }
    partial *waiting = find_or_add(r, fragment);
    if (waiting->poisoned) {
        hp_node_drop(r->node, fragment, HP_DROP_REASSEMBLY, "its datagram had overlapping fragments");
        return NULL;
    }
    uint32_t from = fragment->frag_offset;
    uint32_t end = from + slice_length(fragment);
    unsigned at = 0;
    bool overlaps = waiting->total != 0 && (end > waiting->total || (!fragment->frag_more && end != waiting->total));
    for (unsigned i = 0; i < waiting->slices->len; i++) {
        const hp_packet *other = g_ptr_array_index(waiting->slices, i);
        uint32_t other_end = other->frag_offset + slice_length(other);
        if (other->frag_offset == from && other_end == end && other->frag_more == fragment->frag_more &&
            memcmp(other->payload, fragment->payload, other->length) == 0) {
            hp_node_drop(r->node, fragment, HP_DROP_REASSEMBLY, "a copy of a fragment already held");
            return NULL;
        }
        if (other->frag_offset < from) {
            at = i + 1;
        }
        overlaps |= other->frag_offset < end && from < other_end;
        overlaps |= !fragment->frag_more && other_end > end;
    }
    if (overlaps) {
        waiting->poisoned = true;
        hp_node_drop(r->node, fragment, HP_DROP_REASSEMBLY, "overlaps another fragment");
        drop_slices(r, waiting, "its datagram had overlapping fragments");
        return NULL;
    }
    if (!fragment->frag_more) {
        waiting->total = end;
    }
    waiting->held += end - from;
    g_ptr_array_insert(waiting->slices, (int)at, fragment);
    if (waiting->total == 0 || waiting->held != waiting->total) {
        return NULL;
    }
    hp_packet *whole = join(waiting, fragment->last_record);
    g_ptr_array_remove(r->partials, waiting);
    arm_for_next(r);
    return whole;
}
