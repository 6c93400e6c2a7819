/* The schema of what a match asks of the inside of STUN, TCP, DTLS, RTP and RTCP.
 *
 * Each of these maps speaks of a whole hp_match, since what it asks lies in two places there. `true` alone asks for the
 * protocol and nothing more, `false` for its absence; then there is nothing else to be said. */
#include "scenario/loader.h"

/* What every protocol's map is finished with: to ask for a property is to ask for the protocol. */
static void finish_presence(hp_loader *l, const hp_tree *node, hp_presence *present, const char *what)
{
    if (*present == HP_EITHER) {
        *present = HP_PRESENT;
    } else if (*present == HP_ABSENT && node->n > 1) {
        hp_loader_error(l, node, NULL, "what is not %s has no other properties of %s", what, what);
    }
}

/* ---- STUN ---- */

static const hp_word classes[] = {
    {"request", HP_STUN_REQUEST, "asks for an answer"},
    {"indication", HP_STUN_INDICATION, "asks for none"},
    {"success", HP_STUN_SUCCESS, "a good answer"},
    {"error", HP_STUN_ERROR, "a refusal"},
};
static const hp_words class_words = HP_WORDS("a STUN class", classes);

static bool attribute_at(unsigned i, hp_word *ret)
{
    const char *name = hp_stun_attr_names()[i];
    uint16_t type;
    if (name == NULL || !hp_stun_attr_from_name(name, &type)) {
        return false;
    }
    *ret = (hp_word){name, type, NULL};
    return true;
}
const hp_words hp_words_attribute = {.what = "a STUN attribute", .at = attribute_at, .fold = true};

#define F(field) HP_FIELD(hp_match, field)
static const hp_key stun_keys[] = {
    {"present", HP_V_PRESENCE, F(stun.present), .shown = "true", .doc = "false: only what is not STUN"},
    {"class", HP_V_ENUM, F(stun.cls), HP_FLAG(hp_match, stun.has_class), .words = &class_words, .shown = "any",
     .doc = "message class"},
    {"method", HP_V_ENUM, F(stun.method), .words = &hp_words_method, .shown = "any", .doc = "message method"},
    {"attribute", HP_V_ENUMS, F(stun.with), HP_COUNT(hp_match, stun.n_with), .words = &hp_words_attribute,
     .shown = "any", .doc = "attributes that must be there"},
    {"without", HP_V_ENUMS, F(stun.without), HP_COUNT(hp_match, stun.n_without), .words = &hp_words_attribute,
     .shown = "none", .doc = "attributes that must not be there"},
    {"code", HP_V_INT, F(stun.error_code), .min = 300, .max = 699, .shown = "any", .doc = "error code"},
    {"integrity", HP_V_PRESENCE, F(stun.integrity), .shown = "either", .doc = "with MESSAGE-INTEGRITY, or without it"},
    {"username", HP_V_TEXT, F(detail.stun.username), .shown = "any", .doc = "exactly this USERNAME"},
    {"address", HP_V_PREFIX, F(detail.stun.address.prefix), .shown = "any",
     .doc = "an address attribute holds an address of this network"},
    {"port", HP_V_PORTS, .offset = offsetof(hp_match, detail.stun.address.port_first), .size = 2 * sizeof(uint16_t),
     .shown = "any", .doc = "and this port"},
    {"address-in", HP_V_ENUM, F(detail.stun.address_in), .words = &hp_words_attribute, .shown = "any that has one",
     .doc = "which attribute holds the address"},
};

static void finish_stun(hp_loader *l, void *base, const hp_tree *node)
{
    hp_match *m = base;
    bool xored;

    finish_presence(l, node, &m->stun.present, "STUN");
    if (m->detail.stun.address_in != 0 && !hp_match_is_address_attribute(m->detail.stun.address_in, &xored)) {
        hp_loader_error(l, hp_tree_get(node, "address-in"), NULL, "`%s` holds no address",
                        hp_tree_get(node, "address-in")->text);
    }
}

const hp_schema hp_schema_match_stun = {
    .name = "stun",
    .doc = "A STUN message. `true` alone means any, `false` none.",
    .size = sizeof(hp_match),
    HP_KEYS(stun_keys),
    .shorthand = "present",
    .finish = finish_stun,
};

/* ---- TCP ---- */

static const hp_word tcp_flags[] = {
    {"fin", 1 << 0, "no more data"},  {"syn", 1 << 1, "a connection begins"}, {"rst", 1 << 2, "it is over"},
    {"psh", 1 << 3, "deliver now"},   {"ack", 1 << 4, "acknowledges"},        {"urg", 1 << 5, "urgent data"},
    {"ece", 1 << 6, "ECN was heard"}, {"cwr", 1 << 7, "ECN was heeded"},
};
static const hp_words tcp_flag_words = HP_WORDS("a TCP flag", tcp_flags);

static const hp_key tcp_keys[] = {
    {"flags", HP_V_SET, F(detail.tcp.flags), .words = &tcp_flag_words, .shown = "any", .doc = "all of these are set"},
    {"without", HP_V_SET, F(detail.tcp.no_flags), .words = &tcp_flag_words, .shown = "none",
     .doc = "none of these is set"},
    {"data", HP_V_PRESENCE, F(detail.tcp.data), .shown = "either", .doc = "with data behind the header, or without"},
};

static void finish_tcp(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_match_tcp *tcp = &((const hp_match *)base)->detail.tcp;
    if (node->n == 0) {
        hp_loader_error(l, node, "`proto: tcp` is any segment", "`tcp` asks for nothing");
    } else if ((tcp->flags & tcp->no_flags) != 0) {
        hp_loader_error(l, node, NULL, "a flag cannot be set and not be set");
    }
}

const hp_schema hp_schema_match_tcp = {
    .name = "match-tcp",
    .doc = "A TCP segment. What its data begins with, `stun`, `channel-data`, `dtls`, `rtp` and `rtcp` say.",
    .size = sizeof(hp_match),
    HP_KEYS(tcp_keys),
    .finish = finish_tcp,
};

/* ---- DTLS ---- */

static const hp_word content_types[] = {
    {"change-cipher-spec", 20, "from now on encrypted"},
    {"alert", 21, "an error, or the end"},
    {"handshake", 22, "handshake messages"},
    {"application-data", 23, "what it is all for"},
};
static const hp_words content_words = HP_WORDS("a type of DTLS record", content_types);
static const hp_word handshakes[] = {
    {"client-hello", 1, "the client begins"},
    {"server-hello", 2, "the server's choice"},
    {"hello-verify-request", 3, "the server's cookie"},
    {"new-session-ticket", 4, "for a resumption"},
    {"certificate", 11, "who it is"},
    {"server-key-exchange", 12, "the server's half of the keys"},
    {"certificate-request", 13, "asks who the client is"},
    {"server-hello-done", 14, "the client's turn"},
    {"certificate-verify", 15, "proof of the certificate"},
    {"client-key-exchange", 16, "the client's half of the keys"},
};
static const hp_words handshake_words = HP_WORDS("a DTLS handshake message in the clear", handshakes);
static const hp_word versions[] = {
    {"dtls-1.0", 0xfeff, "DTLS 1.0, and every ClientHello's record"},
    {"dtls-1.2", 0xfefd, "DTLS 1.2"},
};
static const hp_words version_words = HP_WORDS("a version of DTLS", versions);

static const hp_key dtls_keys[] = {
    {"present", HP_V_PRESENCE, F(dtls), .shown = "true", .doc = "false: only what is not DTLS"},
    {"content-type", HP_V_ENUM, F(detail.dtls.content_type), HP_FLAG(hp_match, detail.dtls.has_content_type),
     .words = &content_words, .shown = "any", .doc = "type of a record"},
    {"handshake", HP_V_ENUM, F(detail.dtls.handshake_type), HP_FLAG(hp_match, detail.dtls.has_handshake_type),
     .words = &handshake_words, .shown = "any", .doc = "a message that the record holds, in the clear"},
    {"epoch", HP_V_INT, F(detail.dtls.epoch), HP_FLAG(hp_match, detail.dtls.has_epoch), .max = 65535, .shown = "any",
     .doc = "epoch of the record: 0 in the clear, then encrypted"},
    {"version", HP_V_ENUM, F(detail.dtls.version), .words = &version_words, .shown = "any",
     .doc = "version that the record says"},
};

static void finish_dtls(hp_loader *l, void *base, const hp_tree *node)
{
    finish_presence(l, node, &((hp_match *)base)->dtls, "DTLS");
}

const hp_schema hp_schema_match_dtls = {
    .name = "match-dtls",
    .doc = "A DTLS datagram; one of its records has all that is said. `true` alone means any, `false` none.",
    .size = sizeof(hp_match),
    HP_KEYS(dtls_keys),
    .shorthand = "present",
    .finish = finish_dtls,
};

/* ---- RTP and RTCP ---- */

static const hp_key rtp_keys[] = {
    {"present", HP_V_PRESENCE, F(rtp), .shown = "true", .doc = "false: only what is not RTP"},
    {"payload-type", HP_V_INT, F(detail.rtp.payload_type), HP_FLAG(hp_match, detail.rtp.has_payload_type), .max = 127,
     .shown = "any", .doc = "payload type"},
    {"ssrc", HP_V_INT, F(detail.rtp.ssrc), HP_FLAG(hp_match, detail.rtp.has_ssrc), .max = UINT32_MAX, .shown = "any",
     .doc = "synchronization source"},
    {"sequence", HP_V_SEQUENCES, .offset = offsetof(hp_match, detail.rtp.sequence_first), .size = 2 * sizeof(uint16_t),
     HP_FLAG(hp_match, detail.rtp.has_sequence), .shown = "any", .doc = "sequence numbers; the range may go round"},
    {"marker", HP_V_PRESENCE, F(detail.rtp.marker), .shown = "either", .doc = "with the marker bit, or without"},
};

static void finish_rtp(hp_loader *l, void *base, const hp_tree *node)
{
    finish_presence(l, node, &((hp_match *)base)->rtp, "RTP");
}

const hp_schema hp_schema_match_rtp = {
    .name = "match-rtp",
    .doc = "An RTP packet, or SRTP: the header is in the clear. `true` alone means any, `false` none.",
    .size = sizeof(hp_match),
    HP_KEYS(rtp_keys),
    .shorthand = "present",
    .finish = finish_rtp,
};

static const hp_word rtcp_types[] = {
    {"sr", 200, "sender report"},
    {"rr", 201, "receiver report"},
    {"sdes", 202, "source description"},
    {"bye", 203, "goodbye"},
    {"app", 204, "application-defined"},
    {"rtpfb", 205, "transport layer feedback: NACK is format 1"},
    {"psfb", 206, "payload-specific feedback: PLI is format 1"},
    {"xr", 207, "extended report"},
};
static const hp_words rtcp_words = HP_WORDS("a type of RTCP packet", rtcp_types);

static const hp_key rtcp_keys[] = {
    {"present", HP_V_PRESENCE, F(rtcp), .shown = "true", .doc = "false: only what is not RTCP"},
    {"type", HP_V_ENUM, F(detail.rtcp.packet_type), .words = &rtcp_words, .shown = "any",
     .doc = "type of a packet of the compound; of SRTCP only the first one's can be seen"},
    {"format", HP_V_INT, F(detail.rtcp.format), HP_FLAG(hp_match, detail.rtcp.has_format), .max = 31, .shown = "any",
     .doc = "feedback message type of rtpfb and psfb"},
};

static void finish_rtcp(hp_loader *l, void *base, const hp_tree *node)
{
    finish_presence(l, node, &((hp_match *)base)->rtcp, "RTCP");
}

const hp_schema hp_schema_match_rtcp = {
    .name = "match-rtcp",
    .doc = "An RTCP compound; one of its packets has all that is said. `true` alone means any, `false` none.",
    .size = sizeof(hp_match),
    HP_KEYS(rtcp_keys),
    .shorthand = "present",
    .finish = finish_rtcp,
};
#undef F
