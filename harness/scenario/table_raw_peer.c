/* The schema of a raw peer: its sockets, what it answers by itself, and what is expected of its script. */
#include <assert.h>

#include "scenario/loader.h"

static const hp_word transports[] = {
    {"udp", HP_RAW_OVER_UDP, "datagrams"},
    {"tcp", HP_RAW_OVER_TCP, "a connection"},
    {"tls", HP_RAW_OVER_TLS, "TLS on a connection"},
    {"dtls", HP_RAW_OVER_DTLS, "DTLS on datagrams"},
};
static const hp_words transport_words = HP_WORDS("a transport", transports);
static const hp_word framings[] = {
    {"stun", HP_RAW_FRAMING_STUN, "STUN and ChannelData messages, as TURN has them"},
    {"length", HP_RAW_FRAMING_LENGTH, "two bytes of length before each (RFC 4571), as ICE-TCP has them"},
    {"none", HP_RAW_FRAMING_NONE, "as it comes"},
};
static const hp_words framing_words = HP_WORDS("a framing", framings);

static void finish_socket(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_raw_socket *s = base;
    bool stream = s->transport == HP_RAW_OVER_TCP || s->transport == HP_RAW_OVER_TLS;
    if (stream && (s->to != NULL) == s->listens) {
        hp_loader_error(l, node, NULL, "socket `%s` either connects `to` somebody or `listens`", s->name);
    } else if (!stream && s->listens) {
        hp_loader_error(l, hp_tree_get(node, "listens"), NULL, "only TCP listens");
    } else if (s->transport == HP_RAW_OVER_UDP && s->to != NULL) {
        hp_loader_error(l, hp_tree_get(node, "to"), "say it where it sends", "a UDP socket leads nowhere");
    } else if (s->transport == HP_RAW_OVER_DTLS && s->to == NULL && !s->secure.passive) {
        hp_loader_error(l, node, NULL, "socket `%s` lacks `to`: with whom it shakes hands", s->name);
    }
}

#define F(field) HP_FIELD(hp_raw_socket, field)
static const hp_key socket_keys[] = {
    {"transport", HP_V_ENUM, F(transport), .words = &transport_words, .fallback = "udp", .doc = "its transport"},
    {"port", HP_V_INT, F(port), .min = 1, .max = 65535, .shown = "any", .doc = "its own port"},
    {"interface", HP_V_NAME, F(interface), .shown = "the first", .doc = "of which interface"},
    {"ipv6", HP_V_BOOL, F(ipv6), .fallback = "false", .doc = "at the interface's IPv6 address"},
    {"to", HP_V_TEMPLATE, F(to), .ref = HP_REF_ENDPOINT, .shown = "nobody", .doc = "whom it connects to"},
    {"listens", HP_V_BOOL, F(listens), .fallback = "false", .doc = "TCP: it takes one connection at a time"},
    {"later", HP_V_BOOL, F(later), .fallback = "false", .doc = "it is opened by an action, not before the script"},
    {"framing", HP_V_ENUM, F(framing), .words = &framing_words, .fallback = "stun",
     .doc = "how messages stand in a stream"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_raw_secure, F(secure)},
};
#undef F
static const hp_schema socket_schema = {
    .name = "raw-socket",
    .doc = "A socket of a raw peer. The port alone will do.",
    .size = sizeof(hp_raw_socket),
    HP_KEYS(socket_keys),
    .mark = offsetof(hp_raw_socket, mark),
    .shorthand = "port",
    .finish = finish_socket,
};

static const hp_word answer_kinds[] = {
    {"message", HP_RAW_ANSWER_MESSAGE, "what `with` says"},
    {"checks", HP_RAW_ANSWER_CHECKS, "a success to every connectivity check with the right credentials"},
    {"silence", HP_RAW_ANSWER_SILENCE, "nothing: the message is taken"},
};
static const hp_words answer_words = HP_WORDS("an answer", answer_kinds);

static void finish_answer(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_answer *a = base;
    bool with = hp_tree_get(node, "with") != NULL;
    if (with != (a->kind == HP_RAW_ANSWER_MESSAGE)) {
        hp_loader_error(l, node, NULL,
                        with ? "`with` goes with an answer that is a message" : "this answer lacks `with`");
    }
}

static_assert(offsetof(hp_raw_answer, nth_last) == offsetof(hp_raw_answer, nth_first) + sizeof(uint64_t),
              "a packet range in place");
#define F(field) HP_FIELD(hp_raw_answer, field)
static const hp_key answer_keys[] = {
    {"says", HP_V_ENUM, F(kind), .words = &answer_words, .fallback = "message", .doc = "what is answered"},
    {"match", HP_V_MAP, F(match), HP_FLAG(hp_raw_answer, has_match), .sub = &hp_schema_match, .shown = "everything",
     .doc = "which messages"},
    {"with", HP_V_MAP, F(message), .sub = &hp_schema_raw_message,
     .doc = "the answer; a STUN message is a success with the request's id and method, unless it says otherwise"},
    {"nth", HP_V_PACKETS, .offset = offsetof(hp_raw_answer, nth_first), .size = sizeof(hp_packet_range), .shown = "all",
     .doc = "which of them, counted from 1"},
    {"delay", HP_V_DURATION, F(delay), .fallback = "0", .doc = "how long the answer waits"},
    {"socket", HP_V_NAME, F(socket), .shown = "any", .doc = "only at this socket"},
};
#undef F
static const hp_schema answer = {
    .name = "raw-answer",
    .doc = "What a raw peer answers by itself. `checks` alone will do.",
    .size = sizeof(hp_raw_answer),
    HP_KEYS(answer_keys),
    .mark = offsetof(hp_raw_answer, mark),
    .shorthand = "says",
    .finish = finish_answer,
};

#define F(field) HP_FIELD(hp_raw_config, field)
static const hp_key raw_keys[] = {
    {"script", HP_V_LIST, F(script.actions), HP_COUNT(hp_raw_config, script.n_actions), .sub = &hp_schema_raw_action,
     .max = 2000, .shown = "none", .doc = "raw: what it says and expects, in order"},
    {"scripts", HP_V_BY_NAME, F(scripts), HP_COUNT(hp_raw_config, n_scripts), .sub = &hp_schema_raw_script,
     .shown = "none", .doc = "raw: further scripts, for `do` and `start`"},
    {"sockets", HP_V_BY_NAME, F(sockets), HP_COUNT(hp_raw_config, n_sockets), .sub = &socket_schema,
     .shown = "`main`, UDP", .doc = "raw: its sockets; `main` is there by itself"},
    {"answers", HP_V_LIST, F(answers), HP_COUNT(hp_raw_config, n_answers), .sub = &answer, .max = 1000, .shown = "none",
     .doc = "raw: what it answers by itself; the first that matches"},
    {"start", HP_V_EDGE, F(start), HP_COUNT(hp_raw_config, start_step), .ref = HP_REF_STEP, .shown = "0",
     .doc = "raw: when the script begins: a run time, or with a step"},
    {"ufrag", HP_V_TEXT, F(ufrag), .shown = "random", .doc = "raw: its user name fragment"},
    {"password", HP_V_TEXT, F(password), .shown = "random", .doc = "raw: its ICE password"},
    {"role", HP_V_ENUM, F(role), .words = &hp_words_raw_role, .shown = "controlling", .doc = "raw: its ICE role"},
    {"tie-breaker", HP_V_TEXT, F(tie_breaker), .shown = "random", .doc = "raw: its tie-breaker, a number of 64 bits"},
};
#undef F
const hp_schema hp_schema_raw_peer = {
    .name = "raw-peer",
    .doc = "What a peer of kind raw has.",
    .size = sizeof(hp_raw_config),
    HP_KEYS(raw_keys),
};

/* ---- the expectation ---- */

#define F(field) HP_FIELD(hp_expect, field)
static const hp_key script_expect_keys[] = {
    {"peer", HP_V_NAME, F(script.peer), .ref = HP_REF_PEER, .required = true, .doc = "whose script"},
    {"within", HP_V_DURATION, F(script.within), HP_FLAG(hp_expect, script.has_within), .shown = "until the end",
     .doc = "at this run time at the latest"},
    {"fails", HP_V_BOOL, F(script.fails), .fallback = "false", .doc = "true: it must fail"},
};
#undef F
const hp_schema hp_schema_script_expect = {
    .name = "script",
    .doc = "That a raw peer's script is carried out to its end, everything received as it should be. The peer alone "
           "will do.",
    .size = sizeof(hp_expect),
    HP_KEYS(script_expect_keys),
    .shorthand = "peer",
};
