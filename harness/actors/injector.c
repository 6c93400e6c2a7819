/* Theory of operation: an attacker that shares the victim's last link sees what arrives there and can put packets of
 * its own before the victim, with any source address. So it takes its models from the trace: packets that were recorded
 * at the host's taps on their way in, each content from one source once, and of those the latest. Packets that an
 * attack of this run put there are nobody's models.
 *
 * A packet of the attack has its model's addresses, TTL, traffic class and interface, and enters the host as one that a
 * link delivers; the tap records it, and a note on that record tells what it is. What is wrapped in ChannelData (RFC
 * 8656 section 12.4) is altered inside, and wrapped again for the same channel, so that it gets as far as the code that
 * it is meant for.
 *
 *   replay     the model's bytes
 *   forge      RTP (RFC 3550): the header with a sequence number 1000 + i higher for packet i of the attack (from 0),
 *              random bytes behind it. RTCP: the first 8 bytes, random ones behind. DTLS (RFC 6347 section 4.1): each
 *              record's header with epoch and sequence number, as one number of 64 bits, 1000 + i higher, random
 *              fragments; of a DTLS 1.3 record, whose header is encrypted in part, the first byte alone. STUN: another
 *              transaction id, so that integrity and fingerprint no longer hold
 *   truncate   the model's first bytes: at least one, at most all but one
 *   junk       12 to 200 random bytes; the first one, with RTP and RTCP the second too, is of the kind (RFC 7983
 *              section 7, RFC 5761 section 4)
 *
 * One timer an attack; packet i leaves at start + i * interval. Each attack has a random stream of its own, by the
 * host's name and how many attacks that host has seen.
 *
 * Limits: fragments and packets with flipped bits are no models, nor is what TURN wraps in a Data indication. A host
 * whose interface is down takes nothing; that is traced as a drop, and the attack goes on. */
#include "actors/injector.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"
#include "wire/bytes.h"
#include "wire/demux.h"
#include "wire/rtp.h"
#include "wire/stun.h"

enum {
    RTCP_KEPT = 8, /* a header and the sender's SSRC */
    DTLS_RECORD = 13,
    DTLS_SEQUENCE = 3, /* offset of epoch and sequence number in a record */
    DTLS_LENGTH = 11,
    DTLS_FIRST_OF_13 = 32, /* first bytes from here on are of DTLS 1.3's own form */
    STUN_ID = 8, /* of what follows the cookie's place */
    STUN_ID_LENGTH = 12,
    FORGE_AHEAD = 1000,
    CHANNEL_DATA_HEADER = 4,
    JUNK_MIN = 12,
    JUNK_MAX = 200,
};

static const char *const what_names[] = {"replay", "forge", "truncate", "junk"};
static const char *const note_words[] = {"replay of", "forged from", "cut from", "junk after"};
static const char *const kind_names[] = {"rtp", "rtcp", "dtls", "stun"};
static const hp_wire_kind wire_kinds[] = {HP_WIRE_RTP, HP_WIRE_RTCP, HP_WIRE_DTLS, HP_WIRE_STUN};
static_assert(G_N_ELEMENTS(what_names) == HP_INJECT_JUNK + 1 && G_N_ELEMENTS(note_words) == HP_INJECT_JUNK + 1, "");
static_assert(G_N_ELEMENTS(kind_names) == HP_INJECT_STUN + 1 && G_N_ELEMENTS(wire_kinds) == HP_INJECT_STUN + 1, "");

/* A packet that came to the host; the pointers lead into the trace. */
typedef struct model {
    uint32_t number; /* of its capture record */
    unsigned interface;
    hp_addr src, dst;
    const uint8_t *packet, *payload, *inner; /* inner: what is of the kind, the payload or in it */
    uint32_t length, payload_length, inner_length;
    bool wrapped; /* in ChannelData, of that channel */
    uint16_t channel;
} model;

/* Running while `sent` is below `count` and there are models; then its timer is armed. Otherwise done, for good. */
typedef struct attack {
    hp_injector *owner;
    hp_host *host;
    hp_inject_config config;
    GPtrArray *models; /* of model, in the order of their records; at most config.count */
    uint64_t sent;
    hp_rng rng;
    hp_timer timer;
} attack;

struct hp_injector {
    hp_world *world;
    GPtrArray *attacks; /* of attack */
    GArray *injected; /* uint32_t: numbers of capture records that attacks made, rising */
};

static void attack_free(gpointer data)
{
    attack *a = data;
    hp_timer_cancel(a->owner->world, &a->timer);
    g_ptr_array_unref(a->models);
    g_free(a);
}

hp_injector *hp_injector_new(hp_world *world)
{
    hp_injector *injector = g_new0(hp_injector, 1);
    injector->world = world;
    injector->attacks = g_ptr_array_new_with_free_func(attack_free);
    injector->injected = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return injector;
}

void hp_injector_free(hp_injector *injector)
{
    if (injector == NULL) {
        return;
    }
    g_ptr_array_unref(injector->attacks);
    g_array_unref(injector->injected);
    g_free(injector);
}

/* ---- models ---- */

static guint model_hash(gconstpointer data)
{
    const model *m = data;
    uint32_t h = 0x811c9dc5;
    for (uint32_t i = 0; i < m->payload_length; i++) {
        h = (h ^ m->payload[i]) * 0x01000193;
    }
    return h ^ (guint)hp_addr_hash(&m->src);
}

static gboolean model_equal(gconstpointer x, gconstpointer y)
{
    const model *a = x, *b = y;
    return a->payload_length == b->payload_length && hp_addr_equal(&a->src, &b->src) &&
           hp_addr_equal(&a->dst, &b->dst) && memcmp(a->payload, b->payload, a->payload_length) == 0;
}

/* Finds the part of the payload that is of that kind, which may be inside ChannelData. */
static bool find_inner(model *m, hp_inject_kind kind)
{
    size_t length = m->payload_length;
    m->inner = m->payload;
    m->wrapped = hp_wire_classify(m->payload, length) == HP_WIRE_CHANNEL_DATA &&
                 hp_channel_data_parse(m->payload, m->payload_length, &m->channel, &m->inner, &length);
    m->inner_length = (uint32_t)length;
    return hp_wire_classify(m->inner, length) == wire_kinds[kind];
}

/* By tap: the interface of the host that is seen there, or -1. */
static GArray *interfaces_by_tap(const hp_host *host, const hp_trace *trace)
{
    const unsigned n_taps = hp_trace_n_taps(trace), n = hp_host_n_interfaces(host);
    GArray *found = g_array_sized_new(FALSE, FALSE, sizeof(int), n_taps);
    for (unsigned tap = 0; tap < n_taps; tap++) {
        const char *name = hp_trace_tap_name(trace, tap);
        int interface = strcmp(name, hp_host_name(host)) == 0 ? 0 : -1;
        for (unsigned i = 0; i < n && interface < 0; i++) {
            const char *own = hp_host_interface_name(host, i);
            g_autofree char *full = own != NULL ? g_strdup_printf("%s/%s", hp_host_name(host), own)
                                                : g_strdup_printf("%s/%u", hp_host_name(host), i);
            interface = strcmp(name, full) == 0 ? (int)i : -1;
        }
        g_array_append_val(found, interface);
    }
    return found;
}

static bool is_candidate(const hp_record *r, const GArray *interfaces, model *ret)
{
    if (r->packet.dir != HP_DIR_IN || r->packet.payload == NULL || r->packet.fragment || r->packet.corrupt ||
        r->packet.tap >= interfaces->len || g_array_index(interfaces, int, r->packet.tap) < 0) {
        return false;
    }
    *ret = (model){.number = r->packet.number,
                   .interface = (unsigned)g_array_index(interfaces, int, r->packet.tap),
                   .src = r->packet.src,
                   .dst = r->packet.dst,
                   .packet = r->packet.bytes,
                   .length = r->packet.length,
                   .payload = r->packet.payload,
                   .payload_length = r->packet.payload_length};
    return true;
}

/* The last config.count of the kind, oldest first. */
static GPtrArray *find_models(const hp_injector *injector, const attack *a)
{
    const hp_trace *trace = hp_world_trace(injector->world);
    g_autoptr(GArray) interfaces = interfaces_by_tap(a->host, trace);
    g_autoptr(GHashTable) known = g_hash_table_new(model_hash, model_equal);
    GPtrArray *models = g_ptr_array_new_with_free_func(g_free);
    unsigned next = 0; /* of injector->injected: those before it lie behind */
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_PACKET, &r)) {
        while (next < injector->injected->len && g_array_index(injector->injected, uint32_t, next) < r.packet.number) {
            next++;
        }
        const bool own =
            next < injector->injected->len && g_array_index(injector->injected, uint32_t, next) == r.packet.number;
        model m;
        if (!own && is_candidate(&r, interfaces, &m) && find_inner(&m, a->config.kind) &&
            !g_hash_table_contains(known, &m)) {
            model *kept = g_memdup2(&m, sizeof m);
            g_hash_table_add(known, kept);
            g_ptr_array_add(models, kept);
        }
    }
    g_hash_table_remove_all(known); /* before the models go */
    if (models->len > a->config.count) {
        g_ptr_array_remove_range(models, 0, models->len - (guint)a->config.count);
    }
    return models;
}

/* ---- what is made of them ---- */

static void forge_rtp(attack *a, uint8_t *data, size_t length)
{
    hp_rtp_packet rtp;
    const size_t header = hp_rtp_parse_encrypted(data, length, &rtp) ? rtp.header_len : HP_RTP_HEADER;
    const uint16_t sequence = (uint16_t)(hp_get16(data + 2) + FORGE_AHEAD + a->sent);
    data[2] = (uint8_t)(sequence >> 8);
    data[3] = (uint8_t)sequence;
    hp_rng_bytes(&a->rng, data + header, length - header);
}

static void forge_dtls(attack *a, uint8_t *data, size_t length)
{
    size_t at = 0;
    while (length - at >= DTLS_RECORD && data[at] < DTLS_FIRST_OF_13) {
        uint64_t number = 0;
        for (unsigned i = 0; i < 8; i++) {
            number = number << 8 | data[at + DTLS_SEQUENCE + i];
        }
        number += FORGE_AHEAD + a->sent;
        for (unsigned i = 0; i < 8; i++) {
            data[at + DTLS_SEQUENCE + i] = (uint8_t)(number >> (56 - 8 * i));
        }
        const size_t fragment = MIN(hp_get16(data + at + DTLS_LENGTH), length - at - DTLS_RECORD);
        hp_rng_bytes(&a->rng, data + at + DTLS_RECORD, fragment);
        at += DTLS_RECORD + fragment;
    }
    at += at == 0; /* DTLS 1.3 */
    hp_rng_bytes(&a->rng, data + at, length - at);
}

static void forge(attack *a, uint8_t *data, size_t length)
{
    switch (a->config.kind) {
    case HP_INJECT_RTP:
        forge_rtp(a, data, length);
        break;
    case HP_INJECT_RTCP:
        hp_rng_bytes(&a->rng, data + RTCP_KEPT, length - RTCP_KEPT);
        break;
    case HP_INJECT_DTLS:
        forge_dtls(a, data, length);
        break;
    case HP_INJECT_STUN:
        hp_rng_bytes(&a->rng, data + STUN_ID, STUN_ID_LENGTH);
        break;
    }
}

static size_t make_junk(attack *a, uint8_t *data)
{
    const size_t length = JUNK_MIN + (size_t)hp_rng_below(&a->rng, JUNK_MAX - JUNK_MIN + 1);
    hp_rng_bytes(&a->rng, data, length);
    switch (a->config.kind) {
    case HP_INJECT_RTP:
        data[0] = (uint8_t)(128 + data[0] % 64);
        data[1] &= data[1] >= 192 && data[1] <= 223 ? 0x7f : 0xff; /* those are RTCP's */
        break;
    case HP_INJECT_RTCP:
        data[0] = (uint8_t)(128 + data[0] % 64);
        data[1] = (uint8_t)(192 + data[1] % 32);
        break;
    case HP_INJECT_DTLS:
        data[0] = (uint8_t)(20 + data[0] % 44);
        break;
    case HP_INJECT_STUN:
        data[0] %= 4;
        break;
    }
    return length;
}

/* Alters `length` bytes at data, which has room for JUNK_MAX; returns how many there are now. */
static size_t alter(attack *a, uint8_t *data, size_t length)
{
    switch (a->config.what) {
    case HP_INJECT_REPLAY:
        return length;
    case HP_INJECT_FORGE:
        forge(a, data, length);
        return length;
    case HP_INJECT_TRUNCATE:
        return 1 + (size_t)hp_rng_below(&a->rng, length - 1);
    case HP_INJECT_JUNK:
        return make_junk(a, data);
    }
    return length;
}

/* ChannelData with `length` bytes that are already in their place. */
static void put_wrapper(uint8_t *data, uint16_t channel, size_t length)
{
    data[0] = (uint8_t)(channel >> 8);
    data[1] = (uint8_t)channel;
    data[2] = (uint8_t)(length >> 8);
    data[3] = (uint8_t)length;
}

static hp_packet *altered_packet(attack *a, const model *m, const hp_packet *original)
{
    const size_t before = m->wrapped ? CHANNEL_DATA_HEADER : 0;
    hp_packet *p =
        hp_packet_new(HP_PROTO_UDP, &original->src, &original->dst, NULL, before + MAX(m->inner_length, JUNK_MAX));
    uint8_t *inner = p->payload + before;
    memcpy(inner, m->inner, m->inner_length);
    const size_t length = alter(a, inner, m->inner_length);
    if (m->wrapped) {
        put_wrapper(p->payload, m->channel, length);
    }
    p->length = (uint32_t)(before + length);
    p->ttl = original->ttl;
    p->tos = original->tos;
    p->dont_fragment = original->dont_fragment;
    p->ip_id = original->ip_id;
    return p;
}

/* The packet that is put before the host; NULL when the model cannot be read any more, as the software under test has
 * written over the trace. */
static hp_packet *make_packet(attack *a, const model *m)
{
    hp_packet *p = hp_packet_parse(m->packet, m->length, NULL);
    if (p != NULL && a->config.what != HP_INJECT_REPLAY) {
        g_autoptr(hp_packet) original = p;
        p = altered_packet(a, m, original);
    }
    if (p != NULL) {
        p->uid = hp_world_new_uid(a->owner->world);
    }
    return p;
}

static void send_next(void *owner, hp_time now)
{
    attack *a = owner;
    hp_world *world = a->owner->world;
    hp_trace *trace = hp_world_trace(world);
    const model *m = g_ptr_array_index(a->models, a->sent % a->models->len);
    hp_packet *p = make_packet(a, m);
    a->sent++;
    if (a->sent < a->config.count) {
        hp_timer_arm(world, &a->timer, hp_time_add(now, a->config.interval));
    }
    if (p == NULL) {
        return;
    }
    /* The host records it before anything else happens; one that is down records nothing. */
    const uint32_t number = hp_trace_n_packets(trace) + 1;
    hp_node *node = hp_host_node(a->host);
    node->ops->receive(node, m->interface, p);
    if (hp_trace_n_packets(trace) >= number) {
        g_autofree char *text = g_strdup_printf("injected: %s packet %u", note_words[a->config.what], m->number);
        g_array_append_val(a->owner->injected, number);
        hp_trace_note(trace, now, number, text);
    }
}

unsigned hp_injector_start(hp_injector *injector, const hp_injector_config *config)
{
    hp_world *world = injector->world;
    unsigned before = 0;
    for (unsigned i = 0; i < injector->attacks->len; i++) {
        before += ((const attack *)g_ptr_array_index(injector->attacks, i))->host == config->host;
    }
    attack *a = g_new0(attack, 1);
    a->owner = injector;
    a->host = config->host;
    a->config = config->inject;
    const hp_time now = hp_world_now(world);
    g_autofree char *stream = g_strdup_printf("injector:%s:%u", hp_host_name(a->host), before + 1);
    hp_world_rng(world, stream, &a->rng);
    hp_timer_init(&a->timer, HP_TIMER_ACTOR, hp_world_new_element(world), send_next, a);
    a->models = hp_world_trace(world) != NULL ? find_models(injector, a) : g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(injector->attacks, a);
    hp_trace_event(hp_world_trace(world), now, HP_EV_INJECTED, hp_host_name(a->host),
                   HP_FS("what", what_names[a->config.what]), HP_FS("kind", kind_names[a->config.kind]),
                   HP_FU("count", a->config.count), HP_FU("found", a->models->len));
    if (a->config.count > 0 && a->models->len > 0) {
        hp_timer_arm(world, &a->timer, now);
    }
    return injector->attacks->len;
}

static bool is_done(const attack *a)
{
    return a->models->len == 0 || a->sent >= a->config.count;
}

bool hp_injector_done(const hp_injector *injector, unsigned number)
{
    g_return_val_if_fail(number > 0 && number <= injector->attacks->len, true);
    return is_done(g_ptr_array_index(injector->attacks, number - 1));
}

bool hp_injector_all_done(const hp_injector *injector)
{
    for (unsigned i = 0; i < injector->attacks->len; i++) {
        if (!is_done(g_ptr_array_index(injector->attacks, i))) {
            return false;
        }
    }
    return true;
}
