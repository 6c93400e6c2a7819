/* Fuzzes the matcher and the scripted middlebox: rules of the input's choosing on packets of its choosing.
 *
 *   near gate - rules - far gate
 *
 * An input is a list of rules (match, detail, actions), then packets with STUN, ChannelData, DTLS, RTP, TCP or raw
 * bytes.
 *
 * What must hold. Of a match: its copy says the same; through a view that other matches have used it says the same as
 * alone; with a detail it never holds where it does not without; an empty one holds. Of the middlebox: whatever leaves
 * can be written as an IP packet of at most 65,535 bytes and, unless a rule broke it, read again; each packet leaves,
 * or is dropped with a trace; no rule hits more often than it matches; in the end nobody waits. */
#include "net.h"

#include "wire/stun.h"
#include "world/rules.h"

enum { RULES_MAX = 4, ACTIONS_MAX = 3, PAYLOAD_MAX = 600, PACKET_MAX = 65600 };

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_rules *box;
    gate *gates[2]; /* port 0: the fuzzer's side */
    hp_rule rules[RULES_MAX];
    unsigned n;
    GHashTable *given, *left;
    bool v6;
} rig;

static void see(void *user, unsigned port, const hp_packet *p)
{
    static uint8_t bytes[PACKET_MAX];
    rig *f = user;
    CHECK(p->uid != 0);
    if (port == 0) {
        g_hash_table_add(f->given, GSIZE_TO_POINTER(p->uid));
        return;
    }
    g_hash_table_add(f->left, GSIZE_TO_POINTER(p->uid));
    size_t length = hp_packet_write(p, bytes, sizeof bytes);
    CHECK(length > 0 && length == hp_packet_wire_length(p) && length <= HP_IP_MAX);
    g_autoptr(hp_packet) again = hp_packet_parse(bytes, length, NULL);
    CHECK(again != NULL || p->proto != HP_PROTO_UDP || p->frag_total != 0);
}

/* ---- packets ---- */

static size_t write_stun(reader *r, uint8_t *out, size_t cap)
{
    static const uint16_t methods[] = {HP_STUN_BINDING, HP_STUN_ALLOCATE, HP_STUN_SEND, HP_STUN_DATA};
    static const uint16_t types[] = {HP_STUN_XOR_MAPPED_ADDRESS, HP_STUN_MAPPED_ADDRESS, HP_STUN_USERNAME,
                                     HP_STUN_DATA_ATTR,          HP_STUN_ERROR_CODE,     HP_STUN_XOR_PEER_ADDRESS,
                                     HP_STUN_MESSAGE_INTEGRITY,  HP_STUN_FINGERPRINT};
    uint8_t how = take(r);
    const uint8_t id[12] = {how, 1, 2, 3};
    hp_stun_writer w;
    hp_stun_begin(&w, out, cap, (hp_stun_class)(how & 3), methods[how >> 2 & 3], id, NULL);
    for (unsigned n = how >> 4 & 3; n > 0; n--) {
        uint8_t type = take(r);
        size_t length = take(r) & 63;
        const uint8_t *value = take_bytes(r, &length);
        hp_addr a = hp_addr_v4(0x0a000002, 5000);
        if ((type & 0x80) != 0) {
            hp_stun_add_addr(&w, types[type & 7], &a, (type & 0x40) != 0);
        } else {
            hp_stun_add(&w, types[type & 7], value, length);
        }
    }
    return hp_stun_finish(&w);
}

static size_t write_payload(reader *r, uint8_t *out)
{
    uint8_t how = take(r);
    size_t length = take(r), at = 0;
    switch (how & 7) {
    case 0:
    case 1:
    case 2:
        length = write_stun(r, out, 256);
        break;
    case 3: { /* ChannelData around STUN */
        length = write_stun(r, out + 4, 256);
        hp_put16(out, 0x4000 | (how >> 3));
        hp_put16(out + 2, (uint32_t)length);
        return length + 4;
    }
    case 4:
        out[at++] = 20 + (how >> 3) % 44; /* DTLS */
        break;
    case 5:
        out[at++] = 0x80 | how >> 3; /* RTP, RTCP */
        break;
    default:
        break;
    }
    if ((how & 7) >= 3) {
        const uint8_t *bytes = take_bytes(r, &length);
        memcpy(out + at, bytes, length);
        length += at;
    }
    return length;
}

static hp_packet *take_packet(rig *f, reader *r)
{
    uint8_t how = take(r), payload[PAYLOAD_MAX];
    hp_addr src = net_addr(f->v6, NET_INSIDE, how & 1, 0), dst = net_addr(f->v6, NET_OUTSIDE, how >> 1 & 1, 0);
    if ((how & 0x0c) == 0x0c) {
        return net_packet(r, src, dst);
    }
    if ((how & 0x1c) == 0x18) {
        return net_raw(r, src, dst);
    }
    src.port = take_port(r);
    dst.port = take_port(r);
    size_t length = write_payload(r, payload);
    CHECK(length <= sizeof payload);
    return hp_packet_new(HP_PROTO_UDP, &src, &dst, payload, length);
}

/* ---- rules ---- */

static hp_presence take_presence(uint8_t bits)
{
    return (hp_presence)((bits & 7) < 5 ? HP_EITHER : (bits & 7) - 5);
}

static hp_compare take_compare(reader *r, hp_unit unit)
{
    uint8_t how = take(r);
    return (hp_compare){.set = (how & 7) == 0, .unit = unit, .min = how >> 3, .max = (how >> 3) + take(r)};
}

static void take_match(rig *f, reader *r, hp_match *m)
{
    uint8_t a = take(r), b = take(r), c = take(r);
    m->proto = (hp_match_proto)(a & 3);
    m->family = (a & 0x1c) == 4 ? HP_AF_IPV4 : HP_AF_NONE;
    if ((a & 0xe0) == 0x20) {
        m->src.prefix = (hp_prefix){.base = net_addr(f->v6, NET_INSIDE, 0, 0), .bits = take(r) % 33};
    }
    if ((a & 0xe0) == 0x40) {
        m->dst.port_first = m->dst.port_last = take_port(r);
    }
    m->fragment = take_presence(b);
    m->corrupt = take_presence(b >> 3);
    m->size = take_compare(r, HP_UNIT_BYTES);
    m->icmp_kind = (c & 0xf0) == 0xf0 ? HP_ICMP_PORT_UNREACHABLE : HP_ICMP_NONE;
    m->inside = (c & 8) != 0;
    m->stun.present = take_presence(c);
    uint8_t d = take(r), e = take(r);
    m->stun.has_class = (d & 7) == 7;
    m->stun.cls = (hp_stun_class)(d >> 3 & 3);
    m->stun.method = (d & 0xe0) == 0xe0 ? HP_STUN_BINDING : 0;
    m->stun.error_code = (e & 7) == 7 ? 438 : 0;
    m->stun.integrity = take_presence(e >> 3);
    m->stun.n_with = (e & 0xc0) == 0xc0 ? 2 : 0;
    m->stun.with = g_new0(uint16_t, m->stun.n_with);
    for (unsigned i = 0; i < m->stun.n_with; i++) {
        m->stun.with[i] = take16(r);
    }
    uint8_t g = take(r), h = take(r);
    m->channel_data = take_presence(g);
    m->channel = (g & 0xf8) == 0xf8 ? 0x4001 : 0;
    m->dtls = take_presence(g >> 3);
    m->rtp = take_presence(h);
    m->rtcp = take_presence(h >> 3);
}

static void take_detail(reader *r, hp_match_detail *d)
{
    uint8_t a = take(r), b = take(r);
    d->ttl = take_compare(r, HP_UNIT_COUNT);
    d->has_dscp = (a & 7) == 7;
    d->has_ecn = (a & 0x38) == 0x38;
    d->ecn = a >> 6;
    if ((b & 7) == 1) {
        d->tcp.flags = take(r);
        d->tcp.no_flags = take(r);
    } else if ((b & 7) == 2) {
        d->dtls.has_content_type = d->dtls.has_epoch = true;
        d->dtls.content_type = take(r);
        d->dtls.has_handshake_type = (b & 8) != 0;
        d->dtls.handshake_type = take(r);
    } else if ((b & 7) == 3) {
        d->rtp.has_sequence = true;
        d->rtp.sequence_first = take16(r);
        d->rtp.sequence_last = take16(r);
        d->rtp.marker = take_presence(b >> 3);
    } else if ((b & 7) == 4) {
        d->rtcp.packet_type = take(r);
        d->rtcp.has_format = (b & 8) != 0;
    } else if ((b & 7) == 5) {
        d->stun.username = g_strdup((b & 8) != 0 ? "alice" : NULL);
        d->stun.address_in = (b & 16) != 0 ? HP_STUN_XOR_MAPPED_ADDRESS : 0;
        d->stun.address.port_first = 1;
        d->stun.address.port_last = take16(r);
    }
}

static void take_rewrite(rig *f, reader *r, hp_rule_rewrite *w)
{
    uint8_t how = take(r);
    hp_addr other = net_addr(f->v6, NET_EXTERNAL, 0, 0);
    w->src = (how & 1) != 0 ? other : (hp_addr){0};
    w->dst_port = (how & 2) != 0 ? take16(r) : 0;
    w->has_ttl = (how & 4) != 0;
    w->ttl = take(r);
    w->fingerprint = (how & 8) != 0;
    w->password = g_strdup((how & 16) != 0 ? "secret" : NULL);
    w->user = g_strdup((how & 0x30) == 0x30 ? "alice" : NULL);
    w->realm = g_strdup((how & 0x30) == 0x30 ? "hairpin" : NULL);
    w->n_attributes = how >> 6;
    w->attributes = g_new0(hp_rule_attribute, w->n_attributes);
    for (unsigned i = 0; i < w->n_attributes; i++) {
        hp_rule_attribute *a = &w->attributes[i];
        uint8_t what = take(r);
        a->what = (hp_rule_attribute_do)(what & 3);
        a->type = (what & 4) != 0 ? take16(r) : HP_STUN_USERNAME;
        a->length = take16(r) & ((what & 8) != 0 ? 0x1fff : 63);
        a->value = g_malloc0(a->length);
        a->address = (what & 16) != 0 ? other : (hp_addr){0};
    }
    if ((how & 0xc4) == 0) {
        w->alg = (hp_rule_alg){
            .on = true, .from = net_addr(false, NET_INSIDE, 0, 0), .to = net_addr(false, NET_EXTERNAL, 0, 9)};
        w->alg.anywhere = (how & 8) != 0;
        w->alg.attributes = true;
        w->alg.xored = (how & 16) != 0;
    }
}

static void take_action(rig *f, reader *r, hp_rule_action *a)
{
    a->what = (hp_rule_do)(take(r) % HP_RULE_DO_N);
    uint8_t how = take(r);
    a->refusal = (hp_refusal)(how % 3);
    a->delay = (hp_rule_delay){.fixed = how * HP_MS, .jitter = (how & 15) * HP_MS, .overtake = (how & 1) != 0};
    a->duplicate = (hp_rule_duplicate){.copies = how & 7, .spacing = (how >> 3) * HP_MS};
    a->reorder = (hp_rule_reorder){.packets = how & 7};
    a->corrupt = (hp_rule_corrupt){.bits = how, .first = how & 15, .fix_checksum = (how & 128) != 0};
    a->truncate_to = how;
    a->split_to = how;
    a->rate =
        (hp_rule_rate){.rate_bps = how * UINT64_C(1000), .burst_bytes = how * 4, .refusal = (hp_refusal)(how % 3)};
    a->answer = (hp_rule_answer){.kind = (hp_rule_answer_kind)(how & 3),
                                 .code = 300 + how,
                                 .icmp = (hp_icmp_kind)(how >> 2 & 7),
                                 .pass = (how & 0x20) != 0,
                                 .mtu = how,
                                 .realm = g_strdup((how & 0x40) != 0 ? "hairpin" : NULL)};
    if (a->what == HP_RULE_REWRITE) {
        take_rewrite(f, r, &a->rewrite);
    }
}

static void take_rule(rig *f, reader *r, hp_rule *rule)
{
    uint8_t how = take(r);
    rule->direction = (hp_rule_direction)((how & 3) % 3);
    rule->go_on = (how & 4) != 0;
    rule->quiet = (how & 8) != 0;
    rule->chance_ppb = (how & 0x30) == 0x30 ? 500000000 : 0;
    rule->limit = (how & 0xc0) == 0xc0 ? 2 : 0;
    if ((how & 0xc0) == 0x80) {
        rule->nth = g_new0(hp_packet_range, 2);
        rule->n_nth = 2;
        rule->nth[0] = (hp_packet_range){1, 1};
        rule->nth[1] = (hp_packet_range){3 + (take(r) & 3), 0};
    }
    take_match(f, r, &rule->match);
    take_detail(r, &rule->match.detail);
    rule->n_actions = take(r) % (ACTIONS_MAX + 1);
    rule->actions = g_new0(hp_rule_action, rule->n_actions);
    for (unsigned i = 0; i < rule->n_actions; i++) {
        take_action(f, r, &rule->actions[i]);
    }
}

/* ---- the matcher alone ---- */

static void check_matches(rig *f, const hp_packet *p)
{
    hp_match_subject subject = hp_match_subject_of(p);
    hp_match_view shared;
    hp_match_view_init(&shared, &subject);
    for (unsigned i = 0; i < f->n; i++) {
        const hp_match *m = &f->rules[i].match;
        hp_match_view alone;
        hp_match_view_init(&alone, &subject);
        bool holds = hp_match_view_holds(&alone, m, &m->detail);
        CHECK(hp_match_view_holds(&shared, m, &m->detail) == holds && hp_match_packet(m, &subject) == holds);
        hp_match without = *m;
        without.detail = (hp_match_detail){0};
        CHECK(hp_match_packet(&without, &subject) || !holds);
        CHECK(!hp_match_is_empty(m) || holds);
        CHECK(!hp_match_detail_is_empty(&m->detail) || hp_match_packet(&without, &subject) == holds);
        hp_match copy;
        hp_match_copy(m, &copy);
        CHECK(hp_match_equal(m, &copy) && hp_match_packet(&copy, &subject) == holds);
        hp_match_clear(&copy);
    }
}

static void check_end(rig *f)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    while (hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_DROP, &record)) {
        g_hash_table_add(f->left, GSIZE_TO_POINTER(record.drop.uid));
    }
    GHashTableIter iter;
    gpointer uid;
    g_hash_table_iter_init(&iter, f->given);
    while (!hp_trace_overflowed(f->trace) && g_hash_table_iter_next(&iter, &uid, NULL)) {
        CHECK(g_hash_table_contains(f->left, uid));
    }
    for (unsigned i = 0; i < hp_rules_n(f->box); i++) {
        hp_rule_counts counts = hp_rules_counts(f->box, i);
        CHECK(counts.hits <= counts.matched && (f->rules[i].limit == 0 || counts.hits <= f->rules[i].limit));
    }
    CHECK(hp_rules_n_waiting(f->box) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader r = {data, size};
    uint8_t how = take(&r);
    rig f = {.v6 = (how & 3) == 3,
             .trace = net_trace(),
             .given = g_hash_table_new(NULL, NULL),
             .left = g_hash_table_new(NULL, NULL)};
    f.world = hp_world_new(1, f.trace);
    f.box = hp_rules_new(f.world, "box");
    hp_addr own = net_addr(false, NET_GATEWAY, 0, 0), own6 = net_addr(true, NET_GATEWAY, 0, 0);
    hp_rules_set_address(f.box, &own, &own6);
    for (unsigned i = 0; i < 2; i++) {
        f.gates[i] = gate_new(f.world, i == 0 ? "near" : "far", see, &f);
        net_join(&f.gates[i]->node, 1, hp_rules_node(f.box), i);
    }
    for (unsigned wanted = 1 + (how >> 2 & 3); f.n < wanted; f.n++) {
        f.rules[f.n] = (hp_rule){0};
        take_rule(&f, &r, &f.rules[f.n]);
    }
    g_autoptr(GError) error = NULL;
    if (hp_rules_set(f.box, f.rules, f.n, &error)) {
        uint32_t tap = hp_trace_tap(f.trace, "before");
        for (unsigned i = 0; r.left > 0 && i < STEPS_MAX; i++) {
            uint8_t op = take(&r);
            hp_packet *p = (op & 7) == 7 ? NULL : take_packet(&f, &r);
            if (p == NULL) {
                net_pass_time(f.world, take(&r) * HP_MS);
                continue;
            }
            p->uid = hp_world_new_uid(f.world);
            check_matches(&f, p);
            hp_trace_packet(f.trace, hp_world_now(f.world), tap, HP_DIR_OUT, p);
            gate_receive(&f.gates[op >> 7]->node, 0, p);
        }
        net_pass_time(f.world, 3600 * HP_S);
        check_end(&f);
    } else {
        CHECK(error != NULL && hp_rules_n(f.box) == 0);
    }
    for (unsigned i = 0; i < f.n; i++) {
        hp_rule_clear(&f.rules[i]);
    }
    hp_world_free(f.world);
    g_hash_table_unref(f.given);
    g_hash_table_unref(f.left);
    return 0;
}
