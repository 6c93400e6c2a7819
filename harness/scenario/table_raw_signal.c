/* The schema of what a raw peer's script signals: descriptions written field by field, candidates, messages as they
 * are. */
#include "scenario/loader.h"

#define F(field) HP_FIELD(hp_raw_action, field)
static const hp_word candidate_types[] = {
    {"host", HP_RAW_HOST, "the socket's own address"},
    {"srflx", HP_RAW_SRFLX, "as a server sees it"},
    {"prflx", HP_RAW_PRFLX, "as the other side sees it"},
    {"relay", HP_RAW_RELAY, "of a relay"},
};
static const hp_words raw_candidate_words = HP_WORDS("a type of candidate", candidate_types);
#define C(field) HP_FIELD(hp_raw_candidate, field)
static const hp_key candidate_keys[] = {
    {"type", HP_V_ENUM, C(type), .words = &raw_candidate_words, .fallback = "host", .doc = "its type"},
    {"address", HP_V_TEMPLATE, C(address), .shown = "the socket's", .doc = "where it is"},
    {"socket", HP_V_NAME, C(socket), .fallback = "main", .doc = "whose address it is, or its base"},
    {"priority", HP_V_INT, C(priority), HP_FLAG(hp_raw_candidate, has_priority), .max = UINT32_MAX,
     .shown = "as RFC 8445 section 5.1.2.1 has it", .doc = "its priority"},
    {"component", HP_V_INT, C(component), .min = 0, .max = 65535, .fallback = "1", .doc = "of which component"},
    {"foundation", HP_V_TEXT, C(foundation), .shown = "1 to 4, by type", .doc = "its foundation"},
    {"transport", HP_V_TEXT, C(transport), .shown = "udp", .doc = "its transport"},
    {"tcptype", HP_V_TEXT, C(tcptype), .shown = "none", .doc = "active, passive or so (RFC 6544)"},
    {"line", HP_V_TEMPLATE, C(line),
     .doc = "all of it instead: `candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host`"},
};
#undef C
static const hp_schema candidate = {
    .name = "raw-candidate",
    .doc = "A candidate. The type alone will do.",
    .size = sizeof(hp_raw_candidate),
    HP_KEYS(candidate_keys),
    .shorthand = "type",
};

#define D(field) HP_FIELD(hp_raw_description, field)
static const hp_key description_keys[] = {
    {"candidates", HP_V_LIST, D(candidates), HP_COUNT(hp_raw_description, n_candidates), .sub = &candidate, .max = 1000,
     .shown = "none", .doc = "its candidates: `[host, {type: srflx, address: \"${mapped}\"}]`"},
    {"ufrag", HP_V_TEMPLATE, D(ufrag), .shown = "the peer's", .doc = "user name fragment"},
    {"password", HP_V_TEMPLATE, D(password), .shown = "the peer's", .doc = "ICE password"},
    {"lite", HP_V_BOOL, D(lite), .fallback = "false", .doc = "a=ice-lite"},
    {"trickle", HP_V_BOOL, D(trickle), .fallback = "false", .doc = "a=ice-options:trickle"},
    {"more", HP_V_BOOL, D(more), .fallback = "false", .doc = "no a=end-of-candidates: others follow"},
    {"setup", HP_V_TEMPLATE, D(setup), .shown = "none", .doc = "a=setup: active, passive or actpass"},
    {"fingerprint", HP_V_TEMPLATE, D(fingerprint), .shown = "none",
     .doc = "a=fingerprint: `sha-256 AB:CD...`, or `${self.fingerprint}`"},
    {"lines", HP_V_TEMPLATES, D(lines), .shown = "none", .doc = "further lines of the media section"},
    {"sdp", HP_V_TEMPLATE, D(sdp), .doc = "the whole text instead"},
};
#undef D
static const hp_schema description = {
    .name = "raw-description",
    .doc = "A session description of one ICE stream without media, as plain calls have.",
    .size = sizeof(hp_raw_description),
    HP_KEYS(description_keys),
};

static const struct {
    const char *key;
    hp_raw_signal_kind kind;
} signals[] = {
    {"offer", HP_RAW_OFFER},    {"answer", HP_RAW_ANSWER}, {"candidate", HP_RAW_SIGNAL_CANDIDATE},
    {"end", HP_RAW_SIGNAL_END}, {"json", HP_RAW_JSON},
};

static void finish_signal(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_action *action = base;
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (hp_tree_get(node, signals[i].key) != NULL) {
            action->signal.kind = signals[i].kind;
            n++;
        }
    }
    if (n != 1) {
        hp_loader_error(l, node, NULL, "a signal is one of `offer`, `answer`, `candidate`, `end` and `json`");
    } else if (action->signal.kind == HP_RAW_SIGNAL_END && !action->signal.description.more &&
               !hp_loader_is_mistaken(l, node)) {
        hp_loader_error(l, hp_tree_get(node, "end"), NULL, "`end` is `true`, or is not there at all");
    }
}
static const hp_key signal_keys[] = {
    {"offer", HP_V_MAP, F(signal.description), .sub = &description, .doc = "an offer: `offer: {candidates: [host]}`"},
    {"answer", HP_V_MAP, F(signal.description), .sub = &description, .doc = "an answer to the last offer"},
    {"candidate", HP_V_MAP, F(signal.candidate), .sub = &candidate, .doc = "a further candidate"},
    {"end", HP_V_BOOL, .offset = offsetof(hp_raw_action, signal.description.more), .size = 1,
     .doc = "true: the end of candidates"},
    {"json", HP_V_TEMPLATE, F(signal.json), .doc = "any message, as it is"},
    {"ufrag", HP_V_TEMPLATE, F(signal.ufrag), .shown = "the peer's", .doc = "whose candidate it is"},
    {"to", HP_V_NAME, F(signal.to), .ref = HP_REF_PEER, .shown = "whoever signalled last", .doc = "to whom"},
};
const hp_schema hp_schema_raw_signal = {
    .name = "raw-signal",
    .doc = "Sends a message by signalling.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(signal_keys),
    .finish = finish_signal,
};

static const hp_word signal_types[] = {
    {"offer", HP_RAW_OFFER, "a description that begins or changes a call"},
    {"answer", HP_RAW_ANSWER, "what answers it"},
    {"candidate", HP_RAW_SIGNAL_CANDIDATE, "one candidate"},
    {"end", HP_RAW_SIGNAL_END, "of candidates"},
};
static const hp_words signal_type_words = HP_WORDS("a kind of signalling message", signal_types);
static const hp_key receive_signal_keys[] = {
    {"type", HP_V_ENUM, F(receive_signal.type), HP_FLAG(hp_raw_action, receive_signal.has_type),
     .words = &signal_type_words, .shown = "any", .doc = "which"},
    {"from", HP_V_NAME, F(receive_signal.from), .ref = HP_REF_PEER, .shown = "anyone", .doc = "from whom"},
    {"within", HP_V_DURATION, F(receive_signal.within), .fallback = "30s", .doc = "how long it is waited for"},
};
const hp_schema hp_schema_raw_receive_signal = {
    .name = "raw-receive-signal",
    .doc = "Waits for a message by signalling. Its ufrag, password and first candidate become `${NAME.ufrag}`, "
           "`${NAME.password}` and `${NAME.candidate}`, and the same of `remote`, as soon as it comes.",
    .size = sizeof(hp_raw_action),
    HP_KEYS(receive_signal_keys),
    .shorthand = "type",
};
#undef F
