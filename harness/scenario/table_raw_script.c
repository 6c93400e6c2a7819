/* The schema of a raw peer's scripts and their actions. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"
#include "wire/stun_value.h"

/* ---- what is received ---- */

static const hp_word arrivals[] = {
    {"message", HP_RAW_MESSAGE, "a datagram, or a message of a stream"},
    {"connected", HP_RAW_CONNECTED, "a TCP connection is there"},
    {"secured", HP_RAW_SECURED, "TLS or DTLS is"},
    {"closed", HP_RAW_CLOSED, "the other side has closed in order"},
    {"reset", HP_RAW_RESET, "or by a reset"},
    {"failed", HP_RAW_FAILED, "a connection or handshake never came about, or broke"},
    {"icmp", HP_RAW_ICMP, "an ICMP error about something that was sent"},
};
static const hp_words arrival_words = HP_WORDS("what can be received", arrivals);

static void finish_expected_stun(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_raw_filter *f = base;
    const hp_tree *method = hp_tree_get(node, "method");
    hp_loader_check_method(l, node);
    if (method != NULL && strstr(method->text, "${") != NULL) {
        hp_loader_error(l, method, NULL, "the method of what is received is known beforehand");
    }
    if (f->code > 0 && f->has_class && f->cls != HP_STUN_ERROR) {
        hp_loader_error(l, hp_tree_get(node, "code"), NULL, "only an error has a code");
    }
}

#define F(field) HP_FIELD(hp_raw_filter, field)
static const hp_key expected_stun_keys[] = {
    {"class", HP_V_ENUM, F(cls), HP_FLAG(hp_raw_filter, has_class), .words = &hp_words_raw_class, .shown = "any",
     .doc = "message class"},
    {"method", HP_V_TEXT, F(method), .shown = "any", .doc = "its name, or a number"},
    {"code", HP_V_INT, F(code), .min = 300, .max = 699, .shown = "any", .doc = "its error code"},
    {"attributes", HP_V_PAIRS, F(attributes), HP_COUNT(hp_raw_filter, n_attributes), .sub = &hp_schema_raw_expected,
     .shown = "any",
     .doc = "what they must be: `{LIFETIME: \">= 600\", XOR-MAPPED-ADDRESS: present, SOFTWARE: absent}`"},
};
static const hp_schema expected_stun = {
    .name = "raw-expected-stun",
    .doc = "A STUN message that is received. The method alone will do.",
    .size = sizeof(hp_raw_filter),
    HP_KEYS(expected_stun_keys),
    .shorthand = "method",
    .finish = finish_expected_stun,
};

static const hp_word icmp_kinds[] = {
    {"port-unreachable", HP_ICMP_PORT_UNREACHABLE, "no socket there"},
    {"host-unreachable", HP_ICMP_HOST_UNREACHABLE, "no such host"},
    {"net-unreachable", HP_ICMP_NET_UNREACHABLE, "no way there"},
    {"admin-prohibited", HP_ICMP_ADMIN_PROHIBITED, "forbidden"},
    {"frag-needed", HP_ICMP_FRAG_NEEDED, "fragmentation needed, or packet too big"},
    {"ttl-exceeded", HP_ICMP_TTL_EXCEEDED, "the TTL ran out"},
};
static const hp_words icmp_words = HP_WORDS("a kind of ICMP error", icmp_kinds);

static const hp_key filter_keys[] = {
    {"is", HP_V_ENUM, F(is), .words = &arrival_words, .fallback = "message", .doc = "what comes"},
    {"socket", HP_V_NAME, F(socket), .shown = "any", .doc = "at this socket"},
    {"from", HP_V_TEMPLATE, F(from), .ref = HP_REF_ENDPOINT, .shown = "anyone",
     .doc = "from this address, server or peer; without a port: from any of its ports"},
    {"stun", HP_V_MAP, .offset = 0, HP_FLAG(hp_raw_filter, has_stun), .sub = &expected_stun, .shown = "anything",
     .doc = "a STUN message: `stun: {class: error, code: 401}`"},
    {"answers", HP_V_NAME, F(answers), .shown = "any",
     .doc = "with the transaction id of the message that was sent `as` this name"},
    {"match", HP_V_MAP, F(match), HP_FLAG(hp_raw_filter, has_match), .sub = &hp_schema_match, .shown = "anything",
     .doc = "what a datagram, or the message of a stream, must be"},
    {"inside", HP_V_BOOL, F(inside), .fallback = "false",
     .doc = "it came through TURN: what is said of it is said of what a Data indication or ChannelData carries"},
    {"bytes", HP_V_TEMPLATE, F(bytes), .shown = "any", .doc = "exactly these, in hexadecimal digits"},
    {"text", HP_V_TEMPLATE, F(text), .shown = "any", .doc = "exactly this"},
    {"size", HP_V_COMPARE, F(size), .unit = HP_UNIT_BYTES, .shown = "any", .doc = "how many bytes"},
    {"dtls-type", HP_V_INT, F(dtls_type), HP_FLAG(hp_raw_filter, has_dtls_type), .max = 255, .shown = "any",
     .doc = "content type of a DTLS record: 21 alert, 22 handshake"},
    {"dtls-handshake", HP_V_INT, F(dtls_handshake), HP_FLAG(hp_raw_filter, has_dtls_handshake), .max = 255,
     .shown = "any", .doc = "type of the handshake message in it: 2 ServerHello, 3 HelloVerifyRequest"},
    {"icmp", HP_V_ENUM, F(icmp), .words = &icmp_words, .shown = "any", .doc = "kind of ICMP error"},
};
#undef F
static_assert(sizeof(((hp_raw_filter *)0)->icmp) == 4, "an enum's field");

static void finish_filter(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_filter *f = base;
    if (f->icmp != HP_ICMP_NONE && hp_tree_get(node, "is") == NULL) {
        f->is = HP_RAW_ICMP;
    }
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if (f->bytes != NULL && strstr(f->bytes, "${") == NULL && !hp_hex_parse(f->bytes, bytes)) {
        hp_loader_error(l, hp_tree_get(node, "bytes"), NULL, "`bytes` must be hexadecimal digits in pairs");
    }
    if (f->is != HP_RAW_MESSAGE && (f->has_stun || f->has_match || f->inside || f->bytes != NULL || f->text != NULL ||
                                    f->size.set || f->answers != NULL || f->has_dtls_type || f->has_dtls_handshake)) {
        hp_loader_error(l, node, NULL, "only a message has contents");
    }
    if (f->icmp != HP_ICMP_NONE && f->is != HP_RAW_ICMP) {
        hp_loader_error(l, hp_tree_get(node, "icmp"), NULL, "`icmp` goes with `is: icmp`");
    }
    if (f->answers != NULL) { /* a transaction id is STUN's */
        f->has_stun = true;
    }
    if (f->bytes != NULL && f->text != NULL) {
        hp_loader_error(l, node, NULL, "it has either `bytes` or `text`");
    }
}
static const hp_schema filter = {
    .name = "raw-filter",
    .doc = "What is received: all that is said must hold.",
    .size = sizeof(hp_raw_filter),
    HP_KEYS(filter_keys),
    .finish = finish_filter,
};

/* ---- actions ---- */

#define F(field) HP_FIELD(hp_raw_action, field)

static void finish_retransmit(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_retransmit *r = base;
    if (hp_tree_get(node, "on") == NULL) {
        r->on = true;
    }
}
static const hp_key retransmit_keys[] = {
    {"on", HP_V_BOOL, HP_FIELD(hp_raw_retransmit, on), .shown = "true", .doc = "whether it is"},
    {"rto", HP_V_DURATION, HP_FIELD(hp_raw_retransmit, rto), .min = HP_US, .fallback = "500ms",
     .doc = "after which it is sent again first; it doubles each time"},
    {"rc", HP_V_INT, HP_FIELD(hp_raw_retransmit, rc), .min = 1, .max = 100, .fallback = "7",
     .doc = "how often it is sent in all"},
};
static const hp_schema retransmit = {
    .name = "raw-retransmit",
    .doc = "A request is sent again until an answer with its transaction id comes (RFC 8489 section 6.2.1), while the "
           "script goes on. `true` alone will do.",
    .size = sizeof(hp_raw_retransmit),
    HP_KEYS(retransmit_keys),
    .shorthand = "on",
    .finish = finish_retransmit,
};

static const hp_key send_keys[] = {
    {"to", HP_V_TEMPLATE, F(send.to), .ref = HP_REF_ENDPOINT,
     .shown = "where the connection leads, or where the last message came from",
     .doc =
         "an address with a port, a server (at the port of the socket's transport), or a peer (where it signalled its "
         "first candidate; a raw one: its socket `main`)"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_raw_message, F(send.message)},
    {"as", HP_V_NAME, F(send.as), .shown = "none",
     .doc = "a name for it: `answers: NAME`, `again: NAME`, `${NAME.id}`"},
    {"socket", HP_V_NAME, F(send.socket), .fallback = "main", .doc = "from this socket; it waits for its connection"},
    {"retransmit", HP_V_MAP, F(send.retransmit), .sub = &retransmit, .shown = "false", .doc = "until it is answered"},
    {"times", HP_V_INT, F(send.times), .min = 1, .max = 1000000, .fallback = "1", .doc = "how often, each built anew"},
    {"every", HP_V_DURATION, F(send.every), .fallback = "20ms", .doc = "pause between two of them"},
    {"ttl", HP_V_INT, F(send.ttl), .min = 1, .max = 255, .shown = "64", .doc = "TTL of the datagram"},
    {"tos", HP_V_INT, F(send.tos), .max = 255, .shown = "0", .doc = "its traffic class"},
    {"dont-fragment", HP_V_BOOL, F(send.dont_fragment), .fallback = "false", .doc = "it may not be fragmented"},
    {"segments", HP_V_INTS, F(send.segments), HP_COUNT(hp_raw_action, send.n_segments), .min = 1, .max = 65535,
     .shown = "as one", .doc = "of TCP: so many bytes a segment; what is left is the last one"},
    {"gap", HP_V_DURATION, F(send.gap), .fallback = "0", .doc = "pause between two segments"},
};

static void finish_send(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_raw_send *send = &((const hp_raw_action *)base)->send;
    const hp_raw_content content = send->message.content;
    bool request =
        content == HP_RAW_CHECK || content == HP_RAW_BYTES || content == HP_RAW_AGAIN ||
        (content == HP_RAW_STUN && (!send->message.stun.has_class || send->message.stun.cls == HP_STUN_REQUEST));
    if (send->retransmit.on && content != HP_RAW_NOTHING && !request) {
        hp_loader_error(l, hp_tree_get(node, "retransmit"), NULL, "only a STUN request is sent until it is answered");
    }
}

static const hp_schema send_schema = {
    .name = "raw-send",
    .doc = "Sends a message.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(send_keys),
    .finish = finish_send,
};

static void finish_receive(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const words[] = {"from", "id", "bytes", "text", "size", "dtls-cookie", NULL};
    const hp_raw_action *action = base;
    const hp_tree *keep = hp_tree_get(node, "keep");
    uint16_t type;
    for (unsigned i = 0; i < action->receive.n_keep; i++) {
        const char *from = action->receive.keep_from[i];
        if (!g_strv_contains(words, from) && !hp_stun_type_parse(from, &type)) {
            hp_loader_error(l, hp_tree_get(keep, action->receive.keep[i]),
                            "an attribute, or `from`, `id`, `bytes`, `text`, `size`, `dtls-cookie`",
                            "`%s` is nothing to be kept", from);
        }
    }
}
static const hp_key receive_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &filter, F(receive.filter)},
    {"within", HP_V_DURATION, F(receive.within), .fallback = "5s", .doc = "how long it is waited for"},
    {"keep", HP_V_WHERE, .offset = offsetof(hp_raw_action, receive.keep), .shown = "nothing",
     .doc = "variables, and the attribute or part that each gets: `{relay: XOR-RELAYED-ADDRESS, who: from}`"},
    {"as", HP_V_NAME, F(receive.as), .shown = "none",
     .doc = "a name for it: `${NAME.from}`, `${NAME.id}`, `${NAME.bytes}`"},
    {"count", HP_V_INT, F(receive.count), .min = 1, .max = 1000000, .fallback = "1", .doc = "so many of them"},
    {"fresh", HP_V_BOOL, F(receive.fresh), .fallback = "false", .doc = "only what comes from now on"},
};
static const hp_schema receive = {
    .name = "raw-receive",
    .doc = "Waits for a message, or for something to happen to a connection. What came before and was not received yet "
           "counts; what does not fit stays for another `receive`.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(receive_keys),
    .finish = finish_receive,
};
static const hp_key nothing_keys[] = {
    {"for", HP_V_DURATION, F(receive.within), .required = true, .doc = "how long"},
    {.type = HP_V_INCLUDE, .sub = &filter, F(receive.filter)},
};
static const hp_schema nothing = {
    .name = "raw-nothing",
    .doc = "Nothing of that kind comes, from now on; without a kind: no message but those that `answers` take.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(nothing_keys),
    .shorthand = "for",
};

#define S(field) HP_FIELD(hp_raw_secure, field)
static const hp_word tls_versions[] = {
    {"1.2", HP_TLS_1_2, "TLS 1.2"},
    {"1.3", HP_TLS_1_3, "TLS 1.3"},
};
static const hp_words raw_tls_words = HP_WORDS("a version of TLS", tls_versions);
static const hp_key secure_keys[] = {
    {"passive", HP_V_BOOL, S(passive), .fallback = "false", .doc = "it is the server of the handshake"},
    {"alpn", HP_V_TEXT, S(alpn), .shown = "none", .doc = "TLS: the protocol it offers, as `stun.turn`"},
    {"server-name", HP_V_TEXT, S(server_name), .shown = "none", .doc = "TLS: the name it says (SNI)"},
    {"min-version", HP_V_ENUM, S(min), .words = &raw_tls_words, .shown = "1.2", .doc = "TLS: the lowest version"},
    {"max-version", HP_V_ENUM, S(max), .words = &raw_tls_words, .shown = "1.3", .doc = "TLS: the highest"},
    {"mtu", HP_V_INT, S(mtu), .min = 256, .max = 16384, .shown = "1200", .doc = "DTLS: bytes of a datagram"},
    {"srtp", HP_V_BOOL, S(srtp), .fallback = "false", .doc = "DTLS: with SRTP's protection profiles (RFC 5764)"},
    {"plain", HP_V_BOOL, S(plain), .fallback = "false",
     .doc = "DTLS: what is sent beside the handshake stays as it is, as with DTLS-SRTP"},
};
#undef S
const hp_schema hp_schema_raw_secure = {
    .name = "raw-handshake",
    .doc = "How a TLS or DTLS handshake goes.",
    .size = sizeof(hp_raw_secure),
    HP_KEYS(secure_keys),
};
static const hp_key start_secure_keys[] = {
    {"socket", HP_V_NAME, F(secure.socket), .fallback = "main", .doc = "which socket: TLS on TCP, DTLS on UDP"},
    {"to", HP_V_TEMPLATE, F(secure.to), .ref = HP_REF_ENDPOINT, .shown = "of a passive side: whoever comes",
     .doc = "DTLS: with whom"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_raw_secure, F(secure.secure)},
};
static const hp_schema start_secure = {
    .name = "raw-secure",
    .doc = "Begins a handshake; `receive: {is: secured}` waits for its end.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(start_secure_keys),
    .shorthand = "socket",
};

/* ---- scripts ---- */

static const hp_key run_keys[] = {
    {"script", HP_V_NAME, F(run.script), .required = true, .doc = "one of `scripts`"},
    {"times", HP_V_INT, F(run.times), .min = 1, .max = 1000000, .fallback = "1", .doc = "how often"},
};
static const hp_schema run = {
    .name = "raw-do",
    .doc = "Carries out another script, and goes on after it.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(run_keys),
    .shorthand = "script",
};
static const hp_key start_keys[] = {
    {"script", HP_V_NAME, F(run.script), .required = true, .doc = "one of `scripts`"},
};
static const hp_schema start_script = {
    .name = "raw-start",
    .doc = "Begins another script beside this one; it ends with the main one.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(start_keys),
    .shorthand = "script",
};
static const hp_key set_keys[] = {
    {"variables", HP_V_WHERE, .offset = offsetof(hp_raw_action, set.keys), .required = true, .doc = "names and texts"},
};
static void finish_set(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_tree *variables = hp_tree_get(node, "variables");
    for (unsigned i = 0; variables != NULL && variables->kind == HP_NODE_MAP && i < variables->n; i++) {
        hp_loader_template(l, variables->pairs[i].value, HP_REF_NONE);
    }
}
static const hp_schema set = {
    .name = "raw-set",
    .doc = "Gives variables their values: `set: {whom: \"${relay}\"}`.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(set_keys),
    .map_shorthand = "variables",
    .finish = finish_set,
};

static const hp_key actions[] = {
    {"send", HP_V_MAP, .sub = &send_schema, .tag = HP_RAW_SEND, .doc = "`send: {to: turn, stun: Binding}`"},
    {"receive", HP_V_MAP, .sub = &receive, .tag = HP_RAW_RECEIVE,
     .doc = "`receive: {stun: {class: success}, within: 1s, keep: {relay: XOR-RELAYED-ADDRESS}}`"},
    {"nothing", HP_V_MAP, .sub = &nothing, .tag = HP_RAW_RECEIVE_NOTHING, .doc = "`nothing: {for: 2s}`"},
    {"wait", HP_V_DURATION, F(wait), .tag = HP_RAW_WAIT, .doc = "a pause: `wait: 500ms`"},
    {"wait-until", HP_V_DURATION, F(wait), .tag = HP_RAW_WAIT_UNTIL, .doc = "until a run time: `wait-until: 10s`"},
    {"open", HP_V_NAME, F(socket), .tag = HP_RAW_OPEN, .doc = "opens a socket that is `later`, or was closed"},
    {"close", HP_V_NAME, F(socket), .tag = HP_RAW_CLOSE, .doc = "closes a socket in order"},
    {"reset", HP_V_NAME, F(socket), .tag = HP_RAW_ABORT, .doc = "or by a reset"},
    {"secure", HP_V_MAP, .sub = &start_secure, .tag = HP_RAW_SECURE, .doc = "`secure: {to: alice, srtp: true}`"},
    {"signal", HP_V_MAP, .sub = &hp_schema_raw_signal, .tag = HP_RAW_SIGNAL,
     .doc = "`signal: {offer: {candidates: [host]}, to: alice}`"},
    {"receive-signal", HP_V_MAP, .sub = &hp_schema_raw_receive_signal, .tag = HP_RAW_RECEIVE_SIGNAL,
     .doc = "`receive-signal: offer`"},
    {"do", HP_V_MAP, .sub = &run, .tag = HP_RAW_DO, .doc = "`do: {script: refresh, times: 3}`"},
    {"start", HP_V_MAP, .sub = &start_script, .tag = HP_RAW_START, .doc = "`start: keepalive`"},
    {"set", HP_V_MAP, .sub = &set, .tag = HP_RAW_SET, .doc = "`set: {channel: \"0x4001\"}`"},
};
#undef F
static_assert(G_N_ELEMENTS(actions) == HP_RAW_ACTION_N, "a key for each action");

static void start_action(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_raw_action *action = base;
    g_autoptr(GString) text = g_string_new(NULL);
    hp_tree_render(node, text);
    action->text = hp_arena_text(l->arena, text->str);
}

static const hp_key action_keys[] = {
    {"when", HP_V_WHEN, .shown = "always", .doc = "only in the cases of the matrix that have these values"},
};
const hp_schema hp_schema_raw_action = {
    .name = "raw-action",
    .doc = "One action of a raw peer's script, carried out when the one before it is done.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(action_keys),
    .variants = actions,
    .n_variants = G_N_ELEMENTS(actions),
    .tag = offsetof(hp_raw_action, kind),
    .mark = offsetof(hp_raw_action, mark),
    .start = start_action,
};

static const hp_key script_keys[] = {
    {"actions", HP_V_LIST, HP_FIELD(hp_raw_script, actions), HP_COUNT(hp_raw_script, n_actions),
     .sub = &hp_schema_raw_action, .max = 2000, .doc = "what is done, in order"},
};
const hp_schema hp_schema_raw_script = {
    .name = "raw-script",
    .doc = "A script. The list of its actions alone will do.",
    .size = sizeof(hp_raw_script),
    HP_KEYS(script_keys),
    .mark = offsetof(hp_raw_script, mark),
    .shorthand = "actions",
};
