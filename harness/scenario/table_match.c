/* The schema of what is matched: packets (`match`, as wire/match.h knows it) and events (a pattern). What a match asks
 * of the inside of a protocol is in table_match_detail.c. */
#include <string.h>

#include "scenario/table_dns.h"

/* ---- packets ---- */

static const hp_word protos[] = {
    {"udp", HP_MATCH_UDP, "UDP"},
    {"tcp", HP_MATCH_TCP, "TCP"},
    {"icmp", HP_MATCH_ICMP, "ICMP of either family"},
};
static const hp_words proto_words = HP_WORDS("a protocol", protos);
static const hp_word families[] = {
    {"ipv4", HP_AF_IPV4, "IPv4"},
    {"ipv6", HP_AF_IPV6, "IPv6"},
};
static const hp_words family_words = HP_WORDS("an address family", families);
static const hp_word icmp_kinds[] = {
    {"echo-request", HP_ICMP_ECHO_REQUEST, "ping"},
    {"echo-reply", HP_ICMP_ECHO_REPLY, "its answer"},
    {"port-unreachable", HP_ICMP_PORT_UNREACHABLE, "no socket there"},
    {"host-unreachable", HP_ICMP_HOST_UNREACHABLE, "no such host"},
    {"net-unreachable", HP_ICMP_NET_UNREACHABLE, "no way there"},
    {"admin-prohibited", HP_ICMP_ADMIN_PROHIBITED, "forbidden"},
    {"frag-needed", HP_ICMP_FRAG_NEEDED, "fragmentation needed, or packet too big"},
    {"ttl-exceeded", HP_ICMP_TTL_EXCEEDED, "the TTL ran out"},
    {"reassembly-timeout", HP_ICMP_REASSEMBLY_TIMEOUT, "fragments that never became whole"},
    {"other", HP_ICMP_OTHER, "any other kind"},
};
const hp_words hp_words_icmp = HP_WORDS("a kind of ICMP message", icmp_kinds);

static const hp_word ecns[] = {
    {"not-ect", 0, "not ECN-capable"},
    {"ect1", 1, "ECN-capable, codepoint 01"},
    {"ect0", 2, "ECN-capable, codepoint 10"},
    {"ce", 3, "congestion experienced"},
};
static const hp_words ecn_words = HP_WORDS("an ECN codepoint", ecns);

#define F(field) HP_FIELD(hp_match, field)
static const hp_key match_keys[] = {
    {"proto", HP_V_ENUM, F(proto), .words = &proto_words, .shown = "any", .doc = "protocol"},
    {"family", HP_V_ENUM, F(family), .words = &family_words, .shown = "any", .doc = "address family"},
    {"src", HP_V_PREFIX, F(src.prefix), .shown = "any", .doc = "source address or network"},
    {"src-port", HP_V_PORTS, .offset = offsetof(hp_match, src.port_first), .size = 2 * sizeof(uint16_t), .shown = "any",
     .doc = "source port or ports"},
    {"dst", HP_V_PREFIX, F(dst.prefix), .shown = "any", .doc = "destination address or network"},
    {"dst-port", HP_V_PORTS, .offset = offsetof(hp_match, dst.port_first), .size = 2 * sizeof(uint16_t), .shown = "any",
     .doc = "destination port or ports"},
    {"icmp", HP_V_ENUM, F(icmp_kind), .words = &hp_words_icmp, .shown = "any", .doc = "kind of ICMP message"},
    {"fragment", HP_V_PRESENCE, F(fragment), .shown = "either", .doc = "a fragment of a packet, or not"},
    {"corrupt", HP_V_PRESENCE, F(corrupt), .shown = "either", .doc = "with flipped bits, or not"},
    {"size", HP_V_COMPARE, F(size), .unit = HP_UNIT_BYTES, .shown = "any", .doc = "bytes of UDP payload"},
    {"ttl", HP_V_COMPARE, F(detail.ttl), .unit = HP_UNIT_COUNT, .shown = "any", .doc = "TTL, or hop limit"},
    {"dscp", HP_V_INT, F(detail.dscp), HP_FLAG(hp_match, detail.has_dscp), .max = 63, .shown = "any",
     .doc = "differentiated services code point"},
    {"ecn", HP_V_ENUM, F(detail.ecn), HP_FLAG(hp_match, detail.has_ecn), .words = &ecn_words, .shown = "any",
     .doc = "congestion notification (RFC 3168)"},
    {"tcp", HP_V_MAP, .sub = &hp_schema_match_tcp, .shown = "any", .doc = "TCP segments: `{flags: syn, without: ack}`"},
    {"stun", HP_V_MAP, .sub = &hp_schema_match_stun, .shown = "either", .doc = "a STUN message"},
    {"channel-data", HP_V_PRESENCE, F(channel_data), .shown = "either", .doc = "TURN ChannelData, or not"},
    {"channel", HP_V_INT, F(channel), .min = 0x4000, .max = 0x4fff, .shown = "any", .doc = "its channel number"},
    {"dtls", HP_V_MAP, .sub = &hp_schema_match_dtls, .shown = "either", .doc = "DTLS, or not"},
    {"rtp", HP_V_MAP, .sub = &hp_schema_match_rtp, .shown = "either", .doc = "RTP, or not"},
    {"rtcp", HP_V_MAP, .sub = &hp_schema_match_rtcp, .shown = "either", .doc = "RTCP, or not"},
    {"dns", HP_V_MAP, F(detail.dns), .sub = &hp_schema_match_dns, .shown = "either",
     .doc = "a DNS message on port 53 or 5353, over UDP or whole in a TCP segment"},
    {"inside", HP_V_BOOL, F(inside), .fallback = "false", .doc = "also looks into what TURN wraps"},
};
#undef F
const hp_schema hp_schema_match = {
    .name = "match",
    .doc = "Which packets: all that is said must hold; `{}` is every packet.",
    .size = sizeof(hp_match),
    HP_KEYS(match_keys),
    .whole = true,
};

/* ---- events ---- */

static bool event_at(unsigned i, hp_word *ret)
{
    if (i >= HP_EV_N) {
        return false;
    }
    *ret = (hp_word){hp_event_name((hp_event_kind)i), i, hp_event_doc((hp_event_kind)i)};
    return true;
}
const hp_words hp_words_event = {.what = "an event", .at = event_at};

#define F(field) HP_FIELD(hp_event_pattern, field)
static const hp_key pattern_keys[] = {
    {"event", HP_V_ENUM, F(kind), .words = &hp_words_event, .required = true, .doc = "its kind"},
    {"of", HP_V_TEXT, F(subject), .shown = "anyone", .doc = "whom it is about: a peer, NAT, server or link"},
    {"where", HP_V_WHERE, .offset = offsetof(hp_event_pattern, keys), .shown = "anything",
     .doc = "values of its fields: `{state: failed, component: 1}`; a duration may be a range: `{took: 40ms..60ms}`"},
};
#undef F

/* A field's type letter in the event table's text ("seed:u scenario:s"), or 0. */
static char field_type(const char *fields, const char *key)
{
    size_t len = strlen(key);
    for (const char *p = fields; p != NULL && *p != '\0'; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, key, len) == 0 && p[len] == ':') {
            return p[len + 1];
        }
    }
    return 0;
}

static char *nearest_field(const char *fields, const char *key)
{
    g_auto(GStrv) words = g_strsplit(fields, " ", -1);
    guint n = g_strv_length(words);
    for (guint i = 0; i < n; i++) {
        *(strchr(words[i], ':') == NULL ? words[i] : strchr(words[i], ':')) = '\0';
    }
    return hp_loader_nearest(key, (const char *const *)words, n);
}

static bool value_fits(char type, const char *text)
{
    hp_addr address;
    hp_time min, max;
    guint64 number;

    switch (type) {
    case 'u':
        return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL);
    case 'i':
        return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, NULL, NULL);
    case 't':
        return hp_event_span_parse(text, &min, &max);
    case 'a':
        return hp_addr_parse(text, &address);
    default:
        return true;
    }
}

/* Fields whose texts are from a fixed list: a slip of the pen there would match nothing, and with `count: 0` hold for
 * ever. */
static const struct {
    hp_event_kind kind;
    const char *field, *values;
} vocabularies[] = {
    {HP_EV_ICE_STATE, "state", "disconnected gathering connecting connected ready failed"},
    {HP_EV_ICE_STATE, "previous", "disconnected gathering connecting connected ready failed"},
    {HP_EV_CONSENT, "state", "granted lost regained"},
    {HP_EV_ICE_ROLE, "role", "controlling controlled"},
    {HP_EV_CANDIDATE, "type", "host srflx prflx relay"},
    {HP_EV_REMOTE_CANDIDATE, "type", "host srflx prflx relay"},
    {HP_EV_SELECTED_PAIR, "local", "host srflx prflx relay"},
    {HP_EV_SELECTED_PAIR, "remote", "host srflx prflx relay"},
    {HP_EV_SIGNAL_SENT, "type", "offer answer candidate"},
    {HP_EV_SIGNAL_RECEIVED, "type", "offer answer candidate"},
    {HP_EV_SIGNAL_DROPPED, "type", "offer answer candidate"},
    {HP_EV_SIGNAL_IGNORED, "type", "offer answer candidate"},
    {HP_EV_DTLS_STATE, "state", "handshaking unverified connected closed failed"},
    {HP_EV_DTLS_STATE, "role", "active passive"},
    {HP_EV_DTLS_STATE, "reason", "fingerprint profile timeout alert protocol local peer"},
    {HP_EV_DTLS_ALERT, "direction", "in out"},
    {HP_EV_SRTP_KEY, "direction", "in out"},
    {HP_EV_SRTP_REFUSED, "what", "rtp rtcp"},
    {HP_EV_SRTP_REFUSED, "reason", "no-keys auth-failed replay too-old malformed unknown-ssrc expired no-room failed"},
    {HP_EV_MEDIA_TRACK, "media", "audio video"},
    {HP_EV_MEDIA_TRACK, "source", "made-up replay foreign"},
    {HP_EV_MEDIA_STATE, "state", "started held resumed stopped"},
    {HP_EV_MEDIA_FIRST, "media", "audio video"},
    {HP_EV_MEDIA_FIRST, "what", "packet frame"},
    {HP_EV_MEDIA_KEY_FRAME, "reason", "start interval request"},
    {HP_EV_MEDIA_FRAME_LOST, "reason", "incomplete undecodable"},
    {HP_EV_MEDIA_FEEDBACK, "what", "nack pli"},
    {HP_EV_INJECTED, "what", "replay forge truncate junk"},
    {HP_EV_INJECTED, "kind", "rtp rtcp dtls stun"},
    {HP_EV_CHANNEL_STATE, "state", "opening open closed failed"},
    {HP_EV_SCTP_STATE, "state", "connecting connected closed failed"},
    {HP_EV_STEP_DONE, "outcome", "done timeout"},
    {HP_EV_RULE_SWITCHED, "state", "on off"},
    {HP_EV_RAW_DONE, "outcome", "done failed"},
    {HP_EV_SERVER_REQUEST, "answer", "success error silence fault"},
    {HP_EV_CANDIDATE, "transport", "udp tcp-act tcp-pass tcp-so"},
    {HP_EV_REMOTE_CANDIDATE, "transport", "udp tcp-act tcp-pass tcp-so"},
    {HP_EV_SELECTED_PAIR, "transport", "udp tcp-act tcp-pass tcp-so"},
    {HP_EV_SERVER_REQUEST, "transport", "udp tcp tls dtls"},
    {HP_EV_SERVER_STREAM, "transport", "tcp tls dtls"},
    {HP_EV_SERVER_STREAM, "state", "open secure alert-sent alert-received closed"},
    {HP_EV_NAT_MAPPING, "proto", "udp tcp icmp"},
    {HP_EV_NAT_MAPPING_ENDED, "proto", "udp tcp icmp"},
    {HP_EV_NAT_MAPPING_ENDED, "reason", "expired lifetime evicted reboot rebind renumber icmp reset unmapped replaced"},
    {HP_EV_TURN_ALLOCATION_ENDED, "reason", "deleted expired stopped forgotten disconnected run-end"},
    {HP_EV_TURN_CONNECTION, "state", "connecting pending bound closed"},
    {HP_EV_DNS_QUERY, "transport", "udp tcp"},
    {HP_EV_DNS_QUERY, "answer", "answered no-data synthesised error silent fault"},
    {HP_EV_DNS_ANSWER, "outcome", "found nothing no-name failed cut-off timed-out"},
    {HP_EV_DNS_RESOLVED, "outcome", "found failed"},
    {HP_EV_MDNS_NAME, "what", "made announced answered conflict goodbye"},
    {HP_EV_MDNS_FAILED, "reason", "timed-out nothing unsupported family stale"},
};

static void check_value(hp_loader *l, const hp_tree *at, hp_event_kind kind, const char *field, const char *value)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(vocabularies); i++) {
        if (vocabularies[i].kind != kind || strcmp(vocabularies[i].field, field) != 0) {
            continue;
        }
        g_auto(GStrv) words = g_strsplit(vocabularies[i].values, " ", -1);
        if (g_strv_contains((const char *const *)words, value)) {
            continue;
        }
        g_autofree char *near = hp_loader_nearest(value, (const char *const *)words, g_strv_length(words));
        g_autofree char *list = near == NULL ? g_strjoinv("`, `", words) : NULL;
        g_autofree char *all = list != NULL ? g_strdup_printf("one of `%s`", list) : NULL;
        hp_loader_error(l, at, near != NULL ? near : all, "field `%s` of event `%s` is never `%s`", field,
                        hp_event_name(kind), value);
    }
}

static void check_where(hp_loader *l, const hp_event_pattern *pattern, const hp_tree *where)
{
    const char *fields = hp_event_fields(pattern->kind);

    for (unsigned i = 0; i < pattern->n_where; i++) {
        const hp_tree *at = hp_tree_get(where, pattern->keys[i]);
        char type = field_type(fields, pattern->keys[i]);
        if (type == 0) {
            g_autofree char *hint = nearest_field(fields, pattern->keys[i]);
            hp_loader_error(l, at, hint, "event `%s` has no field `%s`", hp_event_name(pattern->kind),
                            pattern->keys[i]);
        } else if (!value_fits(type, pattern->values[i])) {
            hp_loader_error(l, at, NULL, "field `%s` is %s, not `%s`", pattern->keys[i],
                            type == 'a'   ? "an address"
                            : type == 't' ? "a duration"
                                          : "a number",
                            pattern->values[i]);
        } else {
            check_value(l, at, pattern->kind, pattern->keys[i], pattern->values[i]);
        }
    }
}

static hp_ref subject_ref(hp_event_kind kind)
{
    const char *subject = hp_event_subject(kind);
    return g_str_has_suffix(subject, "peer")  ? HP_REF_PEER
           : strcmp(subject, "nat") == 0      ? HP_REF_NAT
           : strcmp(subject, "server") == 0   ? HP_REF_SERVER
           : strcmp(subject, "firewall") == 0 ? HP_REF_FIREWALLED
           : strcmp(subject, "rule") == 0     ? HP_REF_RULE
                                              : HP_REF_NONE;
}

/* A rule without a label goes by its number. */
static bool is_number(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

static void finish_pattern(hp_loader *l, void *base, const hp_tree *node)
{
    hp_event_pattern *pattern = base;
    const hp_tree *of = hp_tree_get(node, "of");

    pattern->mark = hp_loader_mark(l, node);
    if (hp_tree_get(node, "event") == NULL) {
        return;
    }
    check_where(l, pattern, hp_tree_get(node, "where"));
    hp_named_ref ref = {subject_ref(pattern->kind), pattern->subject, of};
    if (ref.name != NULL && ref.kind != HP_REF_NONE && !(ref.kind == HP_REF_RULE && is_number(ref.name))) {
        g_array_append_val(l->refs, ref);
    }
}

const hp_schema hp_schema_pattern = {
    .name = "pattern",
    .doc = "Which events: the kind, and what else is said, must agree. The events and their fields stand at the end of "
           "the reference.",
    .size = sizeof(hp_event_pattern),
    HP_KEYS(pattern_keys),
    .finish = finish_pattern,
};
