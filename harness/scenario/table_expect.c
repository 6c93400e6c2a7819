/* The schema of `expect`.
 *
 * An expectation is a map with one key, its kind; all else stands below it. Most take a window of run time. What is
 * judged is written in check/; here is only what can be said. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"

static const hp_word candidate_types[] = {
    {"host", 0, "an address of the host"},
    {"srflx", 0, "what a server saw: server reflexive"},
    {"prflx", 0, "what the other peer saw: peer reflexive"},
    {"relay", 0, "an address on a TURN server"},
};
const hp_words hp_words_candidate_type = HP_WORDS("a candidate type", candidate_types);
static const hp_word connected_states[] = {
    {"connected", 0, "a pair works"},
    {"ready", 0, "the pair is final"},
};
static const hp_words connected_words = HP_WORDS("connected or ready", connected_states);
static const hp_word consent_states[] = {
    {"granted", 0, "for the first time"},
    {"lost", 0, "no answer for too long"},
    {"regained", 0, "after it was lost"},
};
static const hp_words consent_words = HP_WORDS("a state of consent", consent_states);
static const hp_word packet_directions[] = {
    {"in", HP_DIR_IN, "into the node"},
    {"out", HP_DIR_OUT, "out of it"},
};
static const hp_words packet_direction_words = HP_WORDS("a direction", packet_directions);
static const hp_word endings[] = {
    {"expired", 0, "idle for too long"},
    {"lifetime", 0, "its absolute lifetime ran out"},
    {"evicted", 0, "it made room"},
    {"reboot", 0, "the NAT was restarted"},
    {"rebind", 0, "a step moved it"},
    {"renumber", 0, "the NAT got other addresses"},
    {"icmp", 0, "an ICMP error"},
    {"reset", 0, "a RST ended its last connection"},
    {"unmapped", 0, "it was asked for, and then given back"},
    {"replaced", 0, "its host asked for the port, whose mapping serves the flow from then on"},
};
static const hp_words ending_words = HP_WORDS("a mapping's end", endings);

static bool drop_at(unsigned i, hp_word *ret)
{
    if (i >= HP_DROP_N) {
        return false;
    }
    *ret = (hp_word){hp_drop_name((hp_drop_reason)i), i, hp_drop_doc((hp_drop_reason)i)};
    return true;
}
static const hp_words drop_words = {.what = "a drop reason", .at = drop_at};

#define F(field) HP_FIELD(hp_expect, field)

static const hp_key window_keys[] = {
    {"after", HP_V_EDGE, F(window.after), HP_COUNT(hp_expect, window.after_step), .ref = HP_REF_STEP,
     .shown = "the start", .doc = "looks only at what comes after this run time or step"},
    {"before", HP_V_EDGE, F(window.before), HP_COUNT(hp_expect, window.before_step), .ref = HP_REF_STEP,
     .shown = "the end", .doc = "and before this one"},
};
const hp_schema hp_schema_window = {
    .name = "window",
    .doc = "A window of run time; either edge is a time or a step's label (or its action).",
    .size = sizeof(hp_expect),
    HP_KEYS(window_keys),
};
#define WINDOW                                                                                                         \
    {                                                                                                                  \
        .type = HP_V_INCLUDE, .sub = &hp_schema_window                                                                 \
    }

/* ---- ICE ---- */

static const hp_key connected_keys[] = {
    {"peers", HP_V_NAMES, F(connected.peers), .ref = HP_REF_AGENT, .shown = "all in a call", .doc = "who"},
    {"state", HP_V_NAME, F(connected.state), .words = &connected_words, .fallback = "connected", .doc = "how far"},
    {"within", HP_V_DURATION, F(connected.within), HP_FLAG(hp_expect, connected.has_within), .shown = "the run",
     .doc = "how soon after the first call"},
    WINDOW,
};
static const hp_schema connected = {
    .name = "connected",
    .doc = "Every component of every session of the peers gets connected.",
    .size = sizeof(hp_expect),
    HP_KEYS(connected_keys),
};

static const hp_key not_connected_keys[] = {
    {"peers", HP_V_NAMES, F(connected.peers), .ref = HP_REF_AGENT, .shown = "all in a call", .doc = "who"},
    {"state", HP_V_NAME, F(connected.state), .words = &connected_words, .fallback = "connected",
     .doc = "the state that is not reached"},
    WINDOW,
};
static const hp_schema not_connected = {
    .name = "not-connected",
    .doc = "No component of any session of the peers gets connected.",
    .size = sizeof(hp_expect),
    HP_KEYS(not_connected_keys),
};

static const hp_key pair_keys[] = {
    {"peers", HP_V_PAIR_TYPES, .offset = offsetof(hp_expect, pair.peers), .words = &hp_words_candidate_type,
     .required = true,
     .doc = "the local candidate's type (or types) for each peer named: `{alice: relay, bob: [srflx, prflx]}`"},
    {"with", HP_V_NAME, F(pair.with), .ref = HP_REF_PEER, .shown = "anyone", .doc = "only in sessions with this peer"},
    WINDOW,
};
static const hp_schema pair = {
    .name = "pair",
    .doc = "The kind of path: the local candidate's type in the pair that was selected last.",
    .size = sizeof(hp_expect),
    HP_KEYS(pair_keys),
    .map_shorthand = "peers",
};

static const hp_key state_keys[] = {
    {"peer", HP_V_NAME, F(state.peer), .ref = HP_REF_AGENT, .required = true, .doc = "who"},
    {"with", HP_V_NAME, F(state.with), .ref = HP_REF_PEER, .shown = "anyone", .doc = "only in sessions with this peer"},
    {"state", HP_V_NAME, F(state.state), .words = &hp_words_ice_state, .required = true, .doc = "the ICE state"},
    {"stream", HP_V_INT, F(state.stream), .min = 1, .max = 64, .shown = "any", .doc = "of this stream"},
    {"component", HP_V_INT, F(state.component), .min = 1, .max = 64, .shown = "any", .doc = "of this component"},
    {"within", HP_V_DURATION, F(state.within), HP_FLAG(hp_expect, state.has_within), .shown = "the run",
     .doc = "how soon after the window begins, or after the first call"},
    {"never", HP_V_BOOL, F(state.never), .fallback = "false", .doc = "true: it is never in that state"},
    WINDOW,
};
static const hp_schema state = {
    .name = "state",
    .doc = "A component of the peer gets into an ICE state, or never does.",
    .size = sizeof(hp_expect),
    HP_KEYS(state_keys),
};

static const hp_key candidates_keys[] = {
    {"peer", HP_V_NAME, F(candidates.peer), .ref = HP_REF_AGENT, .required = true, .doc = "whose"},
    {"type", HP_V_NAME, F(candidates.type), .words = &hp_words_candidate_type, .shown = "any", .doc = "candidate type"},
    {"server", HP_V_NAME, F(candidates.server), .ref = HP_REF_SERVER, .shown = "any", .doc = "got from this server"},
    {"remote", HP_V_BOOL, F(candidates.remote), .fallback = "false",
     .doc = "the other side's candidates, as this peer knows them"},
    {"address", HP_V_ADDRESS, F(candidates.address), .shown = "any", .doc = "with this address"},
    {"count", HP_V_COMPARE, F(candidates.count), .unit = HP_UNIT_COUNT, .fallback = ">= 1", .doc = "how many"},
    WINDOW,
};
static const hp_schema candidates = {
    .name = "candidates",
    .doc = "How many candidates of a kind a peer gathers, or learns of.",
    .size = sizeof(hp_expect),
    HP_KEYS(candidates_keys),
};

static const hp_key consent_keys[] = {
    {"peer", HP_V_NAME, F(consent.peer), .ref = HP_REF_AGENT, .required = true, .doc = "whose"},
    {"state", HP_V_NAME, F(consent.state), .words = &consent_words, .required = true, .doc = "what becomes of it"},
    {"count", HP_V_COMPARE, F(consent.count), .unit = HP_UNIT_COUNT, .fallback = ">= 1", .doc = "how often"},
    {"within", HP_V_DURATION, F(consent.within), HP_FLAG(hp_expect, consent.has_within), .shown = "the run",
     .doc = "how soon after the window begins, or after the first call"},
    WINDOW,
};
static const hp_schema consent = {
    .name = "consent",
    .doc = "Consent to send (RFC 7675) is granted, lost or regained.",
    .size = sizeof(hp_expect),
    HP_KEYS(consent_keys),
};

/* ---- traffic ---- */

static const hp_key flow_keys[] = {
    {"from", HP_V_NAME, F(delivery.from), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only flows from this peer"},
    {"to", HP_V_NAME, F(delivery.to), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only flows to this peer"},
    {"channel", HP_V_TEXT, F(delivery.channel), .shown = "any flow",
     .doc = "only flows over the data channel with this label"},
};
static_assert(offsetof(hp_expect, delivery.from) == offsetof(hp_expect, latency.from) &&
                  offsetof(hp_expect, delivery.to) == offsetof(hp_expect, latency.to) &&
                  offsetof(hp_expect, delivery.channel) == offsetof(hp_expect, latency.channel),
              "delivery and latency share these keys");
static const hp_schema flow = {
    .name = "flow",
    .doc = "Which flows of datagrams or messages; without keys all of them.",
    .size = sizeof(hp_expect),
    HP_KEYS(flow_keys),
};

static void needs_a_measure(hp_loader *l, const hp_tree *node, const char *kind, const hp_compare *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i].set) {
            return;
        }
    }
    for (unsigned i = 0; i < node->n; i++) {
        const hp_key *key = hp_schema_find_variant(&hp_schema_expect, kind);
        size_t base = 0;
        key = hp_schema_find(key->sub, node->pairs[i].key->text, &base);
        if (key != NULL && key->type == HP_V_COMPARE) {
            return; /* it is there, but wrong: said already */
        }
    }
    hp_loader_error(l, node, NULL, "`%s` says nothing to compare", kind);
}

static void finish_delivery(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_compare list[] = {e->delivery.sent, e->delivery.received, e->delivery.loss, e->delivery.duplicates,
                               e->delivery.reordered};
    needs_a_measure(l, node, "delivery", list, G_N_ELEMENTS(list));
}

static const hp_key delivery_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &flow},
    {"sent", HP_V_COMPARE, F(delivery.sent), .unit = HP_UNIT_COUNT, .doc = "datagrams sent"},
    {"received", HP_V_COMPARE, F(delivery.received), .unit = HP_UNIT_COUNT, .doc = "distinct datagrams received"},
    {"loss", HP_V_COMPARE, F(delivery.loss), .unit = HP_UNIT_RATIO, .doc = "share of the sent ones that never came"},
    {"duplicates", HP_V_COMPARE, F(delivery.duplicates), .unit = HP_UNIT_COUNT, .doc = "copies beyond the first"},
    {"reordered", HP_V_COMPARE, F(delivery.reordered), .unit = HP_UNIT_COUNT,
     .doc = "datagrams that came after a later one"},
    WINDOW,
};
static const hp_schema delivery = {
    .name = "delivery",
    .doc = "What became of the datagrams that `send` steps sent.",
    .size = sizeof(hp_expect),
    HP_KEYS(delivery_keys),
    .finish = finish_delivery,
};

static void finish_latency(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_compare list[] = {e->latency.min, e->latency.median, e->latency.mean, e->latency.p95, e->latency.max};
    needs_a_measure(l, node, "latency", list, G_N_ELEMENTS(list));
}

static const hp_key latency_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &flow},
    {"min", HP_V_COMPARE, F(latency.min), .unit = HP_UNIT_TIME, .doc = "the fastest datagram"},
    {"median", HP_V_COMPARE, F(latency.median), .unit = HP_UNIT_TIME, .doc = "the middle one"},
    {"mean", HP_V_COMPARE, F(latency.mean), .unit = HP_UNIT_TIME, .doc = "on average"},
    {"p95", HP_V_COMPARE, F(latency.p95), .unit = HP_UNIT_TIME, .doc = "95 of 100 are as fast as this"},
    {"max", HP_V_COMPARE, F(latency.max), .unit = HP_UNIT_TIME, .doc = "the slowest"},
    WINDOW,
};
static const hp_schema latency = {
    .name = "latency",
    .doc = "One-way latency of the datagrams that `send` steps sent, exact: there is one clock.",
    .size = sizeof(hp_expect),
    HP_KEYS(latency_keys),
    .finish = finish_latency,
};

static const hp_key recovered_keys[] = {
    {"after", HP_V_NAME, F(recovered.step), .ref = HP_REF_STEP, .required = true,
     .doc = "the label or action of the step that broke the path"},
    {"within", HP_V_DURATION, F(recovered.within), .required = true, .doc = "how soon datagrams arrive again"},
    {"from", HP_V_NAME, F(recovered.from), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only what this peer sends"},
    {"to", HP_V_NAME, F(recovered.to), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only what this peer receives"},
};
static const hp_schema recovered = {
    .name = "recovered",
    .doc =
        "Every flow of datagrams and every track of audio or video that was running arrives again soon after a step.",
    .size = sizeof(hp_expect),
    HP_KEYS(recovered_keys),
};

/* ---- packets, NATs, servers ---- */

static void finish_packets(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_compare list[] = {e->packets.count, e->packets.bytes};
    needs_a_measure(l, node, "packets", list, G_N_ELEMENTS(list));
}

static const hp_key packets_keys[] = {
    {"at", HP_V_NAME, F(packets.at), .ref = HP_REF_PLACE, .shown = "everywhere",
     .doc = "a node (all its taps) or one tap: `alice`, `alice/wifi`, `home/out`"},
    {"direction", HP_V_ENUM, F(packets.direction), HP_FLAG(hp_expect, packets.has_direction),
     .words = &packet_direction_words, .shown = "both", .doc = "as the node sees it"},
    {"match", HP_V_MAP, F(packets.match), .sub = &hp_schema_match, .shown = "every packet", .doc = "which packets"},
    {"filter", HP_V_TEXT, F(packets.filter), .shown = "none",
     .doc = "a pcap filter, which must hold too: `udp port 3478`"},
    {"count", HP_V_COMPARE, F(packets.count), .unit = HP_UNIT_COUNT, .doc = "how many"},
    {"bytes", HP_V_COMPARE, F(packets.bytes), .unit = HP_UNIT_BYTES, .doc = "how many bytes of IP"},
    WINDOW,
};
static const hp_schema packets = {
    .name = "packets",
    .doc = "How many packets of a kind pass a place.",
    .size = sizeof(hp_expect),
    HP_KEYS(packets_keys),
    .finish = finish_packets,
};

static const hp_key drops_keys[] = {
    {"at", HP_V_NAME, F(drops.at), .ref = HP_REF_PLACE, .shown = "everywhere", .doc = "a node or link"},
    {"reason", HP_V_ENUM, F(drops.reason), HP_FLAG(hp_expect, drops.has_reason), .words = &drop_words, .shown = "any",
     .doc = "why"},
    {"match", HP_V_MAP, F(drops.match), .sub = &hp_schema_match, .shown = "every packet", .doc = "which packets"},
    {"count", HP_V_COMPARE, F(drops.count), .unit = HP_UNIT_COUNT, .fallback = ">= 1", .doc = "how many"},
    WINDOW,
};
static const hp_schema drops = {
    .name = "drops",
    .doc = "How many packets are dropped, where and why.",
    .size = sizeof(hp_expect),
    HP_KEYS(drops_keys),
};

static void finish_mappings(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_compare list[] = {e->mappings.count, e->mappings.at_end, e->mappings.external_ports};
    needs_a_measure(l, node, "mappings", list, G_N_ELEMENTS(list));
}

static const hp_key mappings_keys[] = {
    {"nat", HP_V_NAME, F(mappings.nat), .ref = HP_REF_NAT, .required = true, .doc = "of which NAT"},
    {"count", HP_V_COMPARE, F(mappings.count), .unit = HP_UNIT_COUNT, .doc = "mappings that it made"},
    {"at-end", HP_V_COMPARE, F(mappings.at_end), .unit = HP_UNIT_COUNT, .doc = "mappings alive when the run ends"},
    {"external-ports", HP_V_COMPARE, F(mappings.external_ports), .unit = HP_UNIT_COUNT,
     .doc = "distinct external ports that they used"},
    {"ended", HP_V_NAME, F(mappings.ended), .words = &ending_words, .shown = "any", .doc = "only those that ended so"},
    WINDOW,
};
static const hp_schema mappings = {
    .name = "mappings",
    .doc = "How many mappings a NAT makes and keeps.",
    .size = sizeof(hp_expect),
    HP_KEYS(mappings_keys),
    .finish = finish_mappings,
};

static void finish_relayed(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_compare list[] = {e->relayed.packets, e->relayed.bytes, e->relayed.allocations};
    needs_a_measure(l, node, "relayed", list, G_N_ELEMENTS(list));
}

static const hp_key relayed_keys[] = {
    {"at", HP_V_NAME, F(relayed.at), .ref = HP_REF_TURN, .shown = "any", .doc = "by which TURN server"},
    {"packets", HP_V_COMPARE, F(relayed.packets), .unit = HP_UNIT_COUNT, .doc = "packets relayed, both ways"},
    {"bytes", HP_V_COMPARE, F(relayed.bytes), .unit = HP_UNIT_BYTES, .doc = "payload bytes relayed, both ways"},
    {"allocations", HP_V_COMPARE, F(relayed.allocations), .unit = HP_UNIT_COUNT, .doc = "allocations made"},
    WINDOW,
};
static const hp_schema relayed = {
    .name = "relayed",
    .doc = "What a TURN server has to do.",
    .size = sizeof(hp_expect),
    HP_KEYS(relayed_keys),
    .finish = finish_relayed,
};

/* ---- events ---- */

static const hp_key event_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &hp_schema_pattern, F(event.pattern)},
    {"count", HP_V_COMPARE, F(event.count), .unit = HP_UNIT_COUNT, .fallback = ">= 1", .doc = "how often"},
    WINDOW,
};
static const hp_schema event = {
    .name = "event",
    .doc = "How often an event happens.",
    .size = sizeof(hp_expect),
    HP_KEYS(event_keys),
};

static const hp_key order_keys[] = {
    {"events", HP_V_LIST, F(order.patterns), HP_COUNT(hp_expect, order.n), .sub = &hp_schema_pattern, .required = true,
     .min = 2, .max = 1000, .doc = "the events, first to last"},
    WINDOW,
};
static const hp_schema order = {
    .name = "order",
    .doc = "Events that happen one after the other; others may come between. The list alone will do.",
    .size = sizeof(hp_expect),
    HP_KEYS(order_keys),
    .shorthand = "events",
};

/* ---- the oracle ---- */

static void finish_predicted(hp_loader *l, void *base, const hp_tree *node)
{
    char *const *between = ((const hp_expect *)base)->predicted.between;
    const unsigned n = between != NULL ? g_strv_length((char **)between) : 0;
    if (n > 0 && (n != 2 || strcmp(between[0], between[1]) == 0)) {
        hp_loader_error(l, hp_tree_get(node, "between"), NULL, "`between` names two peers, as `[alice, bob]`");
    }
}

static const hp_key predicted_keys[] = {
    {"between", HP_V_NAMES, F(predicted.between), .ref = HP_REF_AGENT, .shown = "every two that call each other",
     .doc = "only these two peers"},
    {"within", HP_V_DURATION, F(predicted.within), HP_FLAG(hp_expect, predicted.has_within), .shown = "the run",
     .doc = "how soon after the call both are connected, where anything connects"},
    {"strict", HP_V_BOOL, F(predicted.strict), .fallback = "false",
     .doc = "true: a known shortfall of libnice fails too, and is not only told"},
};
static const hp_schema predicted = {
    .name = "predicted",
    .doc =
        "A call comes to what the oracle predicts from the plan: no path, direct, hairpin or relay, and by which types "
        "of candidates. Holds until the first step that changes the network; fails where the oracle has no opinion.",
    .size = sizeof(hp_expect),
    HP_KEYS(predicted_keys),
    .finish = finish_predicted,
};

/* ---- an expectation ---- */

static const hp_key kinds[] = {
    {"connected", HP_V_MAP, .sub = &connected, .tag = HP_EXPECT_CONNECTED, .doc = "`connected: {within: 3s}`"},
    {"not-connected", HP_V_MAP, .sub = &not_connected, .tag = HP_EXPECT_NOT_CONNECTED, .doc = "`not-connected`"},
    {"pair", HP_V_MAP, .sub = &pair, .tag = HP_EXPECT_PAIR, .doc = "`pair: {alice: relay, bob: [srflx, prflx]}`"},
    {"state", HP_V_MAP, .sub = &state, .tag = HP_EXPECT_STATE,
     .doc = "`state: {peer: alice, state: failed, within: 10s}`"},
    {"candidates", HP_V_MAP, .sub = &candidates, .tag = HP_EXPECT_CANDIDATES,
     .doc = "`candidates: {peer: alice, type: srflx, count: 1}`"},
    {"delivery", HP_V_MAP, .sub = &delivery, .tag = HP_EXPECT_DELIVERY, .doc = "`delivery: {loss: \"< 1%\"}`"},
    {"latency", HP_V_MAP, .sub = &latency, .tag = HP_EXPECT_LATENCY, .doc = "`latency: {p95: \"< 90ms\"}`"},
    {"packets", HP_V_MAP, .sub = &packets, .tag = HP_EXPECT_PACKETS,
     .doc = "`packets: {at: turn, match: {stun: {method: Allocate, class: error}}, count: \"<= 2\"}`"},
    {"drops", HP_V_MAP, .sub = &drops, .tag = HP_EXPECT_DROPS, .doc = "`drops: {at: home, reason: filtered}`"},
    {"mappings", HP_V_MAP, .sub = &mappings, .tag = HP_EXPECT_MAPPINGS,
     .doc = "`mappings: {nat: home, count: \"<= 3\"}`"},
    {"relayed", HP_V_MAP, .sub = &relayed, .tag = HP_EXPECT_RELAYED, .doc = "`relayed: {at: turn, allocations: 1}`"},
    {"consent", HP_V_MAP, .sub = &consent, .tag = HP_EXPECT_CONSENT, .doc = "`consent: {peer: alice, state: lost}`"},
    {"recovered", HP_V_MAP, .sub = &recovered, .tag = HP_EXPECT_RECOVERED,
     .doc = "`recovered: {after: reboot, within: 10s}`"},
    {"media", HP_V_MAP, .sub = &hp_schema_media_expect, .tag = HP_EXPECT_MEDIA,
     .doc = "`media: {audio: {loss: \"< 1%\", mos: \"> 4\"}, video: {first-frame: \"< 2s\", freezes: 0}}`"},
    {"dtls", HP_V_MAP, .sub = &hp_schema_dtls_expect, .tag = HP_EXPECT_DTLS,
     .doc = "`dtls: {profile: aes-128-gcm, within: 3s}`"},
    {"link", HP_V_MAP, .sub = &hp_schema_link_expect, .tag = HP_EXPECT_LINK,
     .doc = "`link: {of: alice, direction: up, loss: declared, delay: declared}`"},
    {"event", HP_V_MAP, .sub = &event, .tag = HP_EXPECT_EVENT,
     .doc = "`event: {event: ice-state, of: alice, where: {state: failed}, count: 0}`"},
    {"rule", HP_V_MAP, .sub = &hp_schema_rule_expect, .tag = HP_EXPECT_RULE,
     .doc = "`rule: {rule: no-nomination, hits: \">= 1\"}`"},
    {"order", HP_V_MAP, .sub = &order, .tag = HP_EXPECT_ORDER,
     .doc = "`order: [{event: ice-restart, of: alice}, {event: selected-pair, of: alice}]`"},
    {"script", HP_V_MAP, .sub = &hp_schema_script_expect, .tag = HP_EXPECT_SCRIPT,
     .doc = "`script: mallory`: a raw peer's script is carried out to its end; asked of each that is not named"},
    {"predicted", HP_V_MAP, .sub = &predicted, .tag = HP_EXPECT_PREDICTED,
     .doc = "`predicted: {within: 10s}`: what the oracle makes of the plan comes about"},
};
#undef F
static_assert(G_N_ELEMENTS(kinds) == HP_EXPECT_N, "one key a kind");

static const hp_key expect_keys[] = {
    {"when", HP_V_WHEN, .shown = "always", .doc = "only in the cases of the matrix that have these values"},
};

static void start_expect(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_expect *e = base;
    g_autoptr(GString) text = g_string_new(NULL);

    e->window.before = HP_NEVER;
    hp_tree_render(node, text);
    if (node->kind == HP_NODE_MAP) { /* without the outer braces, as it would stand in a list */
        g_string_truncate(text, text->len - 1);
        g_string_erase(text, 0, 1);
    }
    e->text = hp_arena_text(l->arena, text->str);
}

const hp_schema hp_schema_expect = {
    .name = "expectation",
    .doc = "One thing that must hold. The kind alone will do where no key of it is required.",
    .size = sizeof(hp_expect),
    HP_KEYS(expect_keys),
    .variants = kinds,
    .n_variants = G_N_ELEMENTS(kinds),
    .tag = offsetof(hp_expect, kind),
    .mark = offsetof(hp_expect, mark),
    .start = start_expect,
};

const char *hp_expect_name(hp_expect_kind kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].tag == (int)kind) {
            return kinds[i].name;
        }
    }
    return NULL;
}
