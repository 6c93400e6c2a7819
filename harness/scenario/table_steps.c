/* The schema of `steps`.
 *
 * A step is a map with one action and, beside it, what any step may have. `set-nat`, `set-link` and `set-signaling`
 * name only what changes; the struct they fill starts as a copy of the target's setting at that point of the list,
 * which is that of the last such step before it, or of the network. */
#include <assert.h>
#include <string.h>

#include "scenario/table_dns.h"

static const hp_word directions[] = {
    {"up", HP_SC_UP, "away from the host, or out of the NAT"},
    {"down", HP_SC_DOWN, "towards it"},
    {"both", HP_SC_BOTH, "both"},
};
static const hp_words direction_words = HP_WORDS("a direction", directions);
static const hp_word ice_states[] = {
    {"disconnected", 0, "nothing has begun"},  {"gathering", 0, "candidates are gathered"},
    {"connecting", 0, "checks are under way"}, {"connected", 0, "a pair works"},
    {"ready", 0, "the pair is final"},         {"failed", 0, "no pair works"},
};
const hp_words hp_words_ice_state = HP_WORDS("an ICE state", ice_states);

/* ---- call, send, wait-for ---- */

#define F(field) HP_FIELD(hp_step, field)
static const hp_key call_keys[] = {
    {"from", HP_V_NAME, F(call.from), .ref = HP_REF_AGENT, .required = true, .doc = "who offers"},
    {"to", HP_V_NAMES, F(call.to), .ref = HP_REF_PEER,
     .doc = "whom it calls: one session each; may be left out with `broadcast`"},
    {"streams", HP_V_INT, F(call.config.streams), .min = 1, .max = 64, .fallback = "1",
     .doc = "ICE streams of a session without media"},
    {"components", HP_V_INT, F(call.config.components), .min = 1, .max = 64, .fallback = "1",
     .doc = "components of a stream, without media"},
    {"media", HP_V_FLAGS, F(call.config.media), .words = &hp_words_media_kind, .shown = "none",
     .doc = "what the offer asks for: an m-line each, over DTLS-SRTP"},
    {"data", HP_V_BOOL, F(call.config.data), .fallback = "false",
     .doc = "and an m-line for data channels, which `send` with `channel` goes over"},
    {"bundle", HP_V_BOOL, F(call.config.bundle), .fallback = "true",
     .doc = "one ICE stream for all m-lines (RFC 8843); false: one each"},
    {"rtcp-mux", HP_V_BOOL, F(call.config.rtcp_mux), .fallback = "true",
     .doc = "RTP and RTCP share a component (RFC 5761); false: two components"},
    {"broadcast", HP_V_BOOL, F(call.broadcast), .fallback = "false",
     .doc = "the offer names nobody: every client that hears it may answer"},
};

/* Reports the first of the keys that is given. */
static void excludes(hp_loader *l, const hp_tree *node, const char *const *keys, const char *why)
{
    for (; *keys != NULL; keys++) {
        if (hp_tree_get(node, *keys) != NULL) {
            hp_loader_error(l, hp_tree_get(node, *keys), NULL, "%s", why);
            return;
        }
    }
}

static void finish_call(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const plain[] = {"streams", "components", NULL}, *const media[] = {"bundle", "rtcp-mux", NULL};
    hp_step *step = base;
    const hp_tree *to = hp_tree_get(node, "to");

    if (!step->call.broadcast && to == NULL) {
        hp_loader_error(l, node, NULL, "`call` lacks `to`");
    } else if (to != NULL && step->call.to != NULL && step->call.to[0] == NULL) {
        hp_loader_error(l, to, NULL, "`to` names nobody");
    }
    if (step->call.to == NULL) {
        step->call.to = hp_arena_alloc(l->arena, sizeof *step->call.to);
    }
    excludes(l, node, hp_call_has_media(&step->call.config) ? plain : media,
             hp_call_has_media(&step->call.config) ? "a call with `media` or `data` has as many as it needs"
                                                   : "`bundle` and `rtcp-mux` go with `media` or `data`");
    for (char **name = step->call.to; *name != NULL; name++) {
        if (g_strcmp0(*name, step->call.from) == 0) {
            hp_loader_error(l, to, NULL, "`%s` calls itself", *name);
        }
    }
}

static const hp_schema call = {
    .name = "call",
    .doc = "One peer offers a session to another.",
    .size = sizeof(hp_step),
    HP_KEYS(call_keys),
    .finish = finish_call,
};

static const hp_key send_keys[] = {
    {"from", HP_V_NAME, F(send.from), .ref = HP_REF_AGENT, .required = true, .doc = "who sends"},
    {"to", HP_V_NAME, F(send.to), .ref = HP_REF_AGENT, .required = true, .doc = "to whom: a peer in a session with it"},
    {"size", HP_V_INT, F(send.size), .min = 32, .max = 65000, .fallback = "200",
     .doc = "bytes of a datagram, or of a data channel's message"},
    {"interval", HP_V_DURATION, F(send.interval), .min = HP_US, .fallback = "20ms",
     .doc = "time between two datagrams"},
    {"count", HP_V_INT, F(send.count), .min = 1, .max = 100000000, .shown = "by `for`", .doc = "how many datagrams"},
    {"for", HP_V_DURATION, F(send.for_ns), .shown = "5s", .doc = "how long"},
    {"both", HP_V_BOOL, F(send.both), .fallback = "true", .doc = "the other peer sends the same: two flows"},
    {"wait", HP_V_BOOL, F(send.wait), .fallback = "false",
     .doc = "the next step waits for the last datagram; with a sender that is no program of ours, for as long as "
            "sending should last from now on"},
    {"stream", HP_V_INT, F(send.stream), .min = 1, .max = 64, .fallback = "1", .doc = "on which ICE stream"},
    {"component", HP_V_INT, F(send.component), .min = 1, .max = 64, .fallback = "1", .doc = "on which component"},
    {"channel", HP_V_MAP, F(send.channel), .sub = &hp_schema_channel, .shown = "none: plain datagrams",
     .doc = "over a data channel of the session; it is opened if it is not there, and sending begins once it is open"},
};

static void finish_send(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const plain[] = {"stream", "component", NULL};
    hp_step *step = base;

    if (hp_tree_get(node, "count") != NULL && hp_tree_get(node, "for") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "for"), NULL, "`count` and `for` exclude each other");
    }
    if (step->send.count == 0 && step->send.for_ns == 0) {
        step->send.for_ns = 5 * HP_S;
    }
    if (hp_tree_get(node, "channel") != NULL) {
        excludes(l, node, plain, "a data channel is on no stream or component of its own");
    }
    if (step->send.from != NULL && g_strcmp0(step->send.from, step->send.to) == 0) {
        hp_loader_error(l, hp_tree_get(node, "to"), NULL, "`%s` sends to itself", step->send.to);
    }
}

static const hp_schema send_schema = {
    .name = "send",
    .doc = "Numbered, time-stamped datagrams at a steady rate: what delivery and latency are measured by.",
    .size = sizeof(hp_step),
    HP_KEYS(send_keys),
    .finish = finish_send,
};

static const hp_key wait_for_keys[] = {
    {"state", HP_V_NAME, F(wait_for.state), .words = &hp_words_ice_state,
     .doc = "every session of the peers is in this ICE state (ready counts as connected)"},
    {"script", HP_V_NAME, F(wait_for.script), .ref = HP_REF_PEER, .doc = "the script of this raw peer has ended"},
    {"peers", HP_V_NAMES, F(wait_for.peers), .ref = HP_REF_AGENT, .shown = "all in a call", .doc = "whose sessions"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_pattern, F(wait_for.event), .loose = true},
    {"timeout", HP_V_DURATION, F(wait_for.timeout), .fallback = "30s", .doc = "then the step fails the run"},
};

static void finish_wait_for(hp_loader *l, void *base, const hp_tree *node)
{
    bool state = hp_tree_get(node, "state") != NULL, event = hp_tree_get(node, "event") != NULL;
    bool script = hp_tree_get(node, "script") != NULL;

    if ((int)state + (int)event + (int)script != 1) {
        hp_loader_error(l, node, NULL, "`wait-for` needs either `state`, `event` or `script`");
    } else if (script && (hp_tree_get(node, "peers") != NULL || hp_tree_get(node, "of") != NULL ||
                          hp_tree_get(node, "where") != NULL)) {
        hp_loader_error(l, node, NULL, "`peers`, `of` and `where` do not go with `script`");
    } else if (event && hp_tree_get(node, "peers") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "peers"), "`of` says whom an event is about", "`peers` goes with `state`");
    } else if (state && (hp_tree_get(node, "of") != NULL || hp_tree_get(node, "where") != NULL)) {
        hp_loader_error(l, node, "`peers` says whose state", "`of` and `where` go with `event`");
    }
}

static const hp_schema wait_for = {
    .name = "wait-for",
    .doc =
        "Waits until the peers are in an ICE state, until an event happens, counted from the step on, or until a raw "
        "peer's script has ended.",
    .size = sizeof(hp_step),
    HP_KEYS(wait_for_keys),
    .shorthand = "state",
    .finish = finish_wait_for,
};

/* ---- NATs ---- */

static const hp_key reboot_keys[] = {
    {"nat", HP_V_NAME, F(nat.nat), .ref = HP_REF_REBOOT, .required = true, .doc = "which NAT or firewall"},
};
static const hp_schema reboot = {
    .name = "reboot",
    .doc = "A NAT loses all its mappings, a firewall all its flows.",
    .size = sizeof(hp_step),
    HP_KEYS(reboot_keys),
    .shorthand = "nat",
};
static const hp_key renumber_keys[] = {
    {"nat", HP_V_NAME, F(nat.nat), .ref = HP_REF_RENUMBERED, .required = true, .doc = "which NAT, or server"},
    {"to", HP_V_ADDRESSES, F(nat.addresses), HP_COUNT(hp_step, nat.n_addresses), .shown = "spare ones",
     .doc = "its new external addresses; a server's new addresses"},
};
static const hp_schema renumber = {
    .name = "renumber",
    .doc = "A NAT gets new external addresses and loses its mappings. A server starts anew at other addresses, and DNS "
           "servers "
           "know at once.",
    .size = sizeof(hp_step),
    HP_KEYS(renumber_keys),
    .shorthand = "nat",
};
static const hp_key rebind_keys[] = {
    {"nat", HP_V_NAME, F(nat.nat), .ref = HP_REF_NAT, .required = true, .doc = "which NAT"},
    {"host", HP_V_NAME, F(nat.host), .ref = HP_REF_PEER, .shown = "all", .doc = "only this peer's mappings"},
};
static const hp_schema rebind = {
    .name = "rebind",
    .doc = "A NAT gives the flows through it new external ports.",
    .size = sizeof(hp_step),
    HP_KEYS(rebind_keys),
    .shorthand = "nat",
};

static void start_set_nat(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_step *step = base;
    const hp_scenario *scenario = &l->root->scenario;
    const char *name = hp_tree_text(node, "nat");

    step->nat.config = hp_nat_config_default();
    for (unsigned i = 0; name != NULL && i < scenario->n_nats; i++) {
        if (strcmp(scenario->nats[i].name, name) == 0) {
            step->nat.config = scenario->nats[i].config;
        }
    }
    for (unsigned i = scenario->n_steps; name != NULL && i-- > 0;) {
        const hp_step *before = &scenario->steps[i];
        if (before->kind == HP_STEP_SET_NAT && g_strcmp0(before->nat.nat, name) == 0) {
            step->nat.config = before->nat.config;
            break;
        }
    }
}

static void finish_set_nat(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const where[] = {"nat", NULL};
    hp_step *step = base;

    step->nat.text = hp_loader_changes_text(l, node, where);
    if (step->nat.text[0] == '\0') {
        hp_loader_error(l, node, NULL, "`set-nat` changes nothing");
    }
    /* How IPv6 goes is the network's, which stays as it was planned: a preset does not change it. */
    for (unsigned i = 0; i < l->root->scenario.n_nats; i++) {
        const hp_sc_nat *nat = &l->root->scenario.nats[i];
        if (g_strcmp0(nat->name, step->nat.nat) == 0) {
            step->nat.config.ipv6 = nat->config.ipv6;
            step->nat.config.nat64 = nat->config.nat64;
            step->nat.config.nat64_prefix = nat->config.nat64_prefix;
        }
    }
}

static const hp_key set_nat_keys[] = {
    {"nat", HP_V_NAME, F(nat.nat), .ref = HP_REF_NAT, .required = true, .doc = "which NAT"},
    {"preset", HP_V_PRESET, HP_COUNT(hp_step, nat.config), .words = &hp_words_preset, .shown = "none",
     .doc = "all knobs of that preset; what happens to IPv6 stays"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_knobs, F(nat.config)},
};
static const hp_schema set_nat = {
    .name = "set-nat",
    .doc = "Changes knobs of a NAT; the others stay as they are.",
    .size = sizeof(hp_step),
    HP_KEYS(set_nat_keys),
    .start = start_set_nat,
    .finish = finish_set_nat,
};

/* ---- links and interfaces ---- */

static void start_set_link(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_step *step = base;
    const hp_scenario *scenario = &l->root->scenario;
    const char *of = hp_tree_text(node, "of"), *interface = hp_tree_text(node, "interface");
    hp_sc_link link = {0};
    bool single = false, up = false, down = false;

    if (of == NULL) {
        return; /* the key is required, and its absence told elsewhere */
    }
    hp_loader_find_link(l, of, interface, &link, &single);
    for (unsigned i = scenario->n_steps; i-- > 0 && !(up && down);) {
        const hp_step *before = &scenario->steps[i];
        if (before->kind != HP_STEP_SET_LINK || g_strcmp0(before->link.of, of) != 0 ||
            g_strcmp0(before->link.interface, interface) != 0) {
            continue;
        }
        if (!up && (before->link.direction & HP_SC_UP) != 0) {
            link.up = before->link.config;
            up = true;
        }
        if (!down && (before->link.direction & HP_SC_DOWN) != 0) {
            link.down = before->link.down_config;
            down = true;
        }
    }
    step->link.config = link.up;
    step->link.down_config = link.down;
}

static void finish_set_link(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const where[] = {"of", "interface", "direction", NULL};
    hp_step *step = base;
    hp_sc_link link;
    bool single;

    hp_loader_check_interface(l, step->link.of, step->link.interface, hp_tree_get(node, "interface"));
    step->link.text = hp_loader_changes_text(l, node, where);
    if (step->link.text[0] == '\0') {
        hp_loader_error(l, node, NULL, "`set-link` changes nothing");
    }
    hp_loader_check_link(l, (step->link.direction & HP_SC_UP) != 0 ? &step->link.config : NULL,
                         (step->link.direction & HP_SC_DOWN) != 0 ? &step->link.down_config : NULL, node);
    if (step->link.direction == HP_SC_DOWN) {
        step->link.config = step->link.down_config;
    } else if (step->link.direction == HP_SC_UP) {
        step->link.down_config = step->link.config;
    }
    if (step->link.of != NULL && hp_loader_find_link(l, step->link.of, step->link.interface, &link, &single) &&
        single && step->link.direction != HP_SC_BOTH) {
        hp_loader_error(l, hp_tree_get(node, "direction"), NULL, "`%s` has no directions", step->link.of);
    }
}

static const hp_key set_link_keys[] = {
    {"of", HP_V_NAME, F(link.of), .ref = HP_REF_LINK, .required = true,
     .doc = "whose link: a peer, server or NAT; or a LAN, or `internet`"},
    {"interface", HP_V_NAME, F(link.interface), .shown = "the first", .doc = "which interface of a peer"},
    {"direction", HP_V_ENUM, F(link.direction), .words = &direction_words, .fallback = "both",
     .doc = "which direction"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_link, F(link.config), HP_COUNT(hp_step, link.down_config)},
};
static const hp_schema set_link = {
    .name = "set-link",
    .doc = "Changes properties of a link; the others stay as they are.",
    .size = sizeof(hp_step),
    HP_KEYS(set_link_keys),
    .start = start_set_link,
    .finish = finish_set_link,
};

static const hp_key interface_keys[] = {
    {"peer", HP_V_NAME, F(interface.peer), .ref = HP_REF_PEER, .required = true, .doc = "whose"},
    {"interface", HP_V_NAME, F(interface.interface), .shown = "the first", .doc = "which of several"},
};

static void finish_interface(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_step *step = base;
    hp_loader_check_interface(l, step->interface.peer, step->interface.interface, hp_tree_get(node, "interface"));
}

static const hp_schema interface_step = {
    .name = "interface-step",
    .doc = "An interface of a peer.",
    .size = sizeof(hp_step),
    HP_KEYS(interface_keys),
    .shorthand = "peer",
    .finish = finish_interface,
};

/* ---- sessions, servers, signalling ---- */

static const hp_key session_keys[] = {
    {"peer", HP_V_NAME, F(session.peer), .ref = HP_REF_AGENT, .required = true, .doc = "who"},
    {"with", HP_V_NAME, F(session.with), .ref = HP_REF_PEER, .shown = "everyone",
     .doc = "only the session with this peer"},
};
static const hp_schema session = {
    .name = "session-step",
    .doc = "A peer's sessions.",
    .size = sizeof(hp_step),
    HP_KEYS(session_keys),
    .shorthand = "peer",
};

static void start_set_signaling(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_step *step = base;
    const hp_scenario *scenario = &l->root->scenario;

    step->signaling = scenario->signaling;
    for (unsigned i = scenario->n_steps; i-- > 0;) {
        if (scenario->steps[i].kind == HP_STEP_SET_SIGNALING) {
            step->signaling = scenario->steps[i].signaling;
            break;
        }
    }
}

static void finish_set_signaling(hp_loader *l, void *base, const hp_tree *node)
{
    if (node->n == 0) {
        hp_loader_error(l, node, NULL, "`set-signaling` changes nothing");
    }
}

static const hp_key set_signaling_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &hp_schema_signaling, F(signaling)},
};
static const hp_schema set_signaling = {
    .name = "set-signaling",
    .doc = "Changes properties of the signalling; the others stay as they are.",
    .size = sizeof(hp_step),
    HP_KEYS(set_signaling_keys),
    .inherits = true,
    .start = start_set_signaling,
    .finish = finish_set_signaling,
};

/* ---- a step ---- */

static const hp_key step_keys[] = {
    {"at", HP_V_DURATION, F(at), HP_FLAG(hp_step, has_at), .shown = "right after the step before",
     .doc = "run time of the step"},
    {"label", HP_V_NAME, F(label), .shown = "the action", .doc = "a name for windows and `recovered` to refer to"},
    {"when", HP_V_WHEN, .shown = "always", .doc = "only in the cases of the matrix that have these values"},
};

static const hp_key actions[] = {
    {"call", HP_V_MAP, .sub = &call, .tag = HP_STEP_CALL, .doc = "`call: {from: alice, to: bob}`"},
    {"send", HP_V_MAP, .sub = &send_schema, .tag = HP_STEP_SEND, .doc = "`send: {from: alice, to: bob, for: 10s}`"},
    {"wait-for", HP_V_MAP, .sub = &wait_for, .tag = HP_STEP_WAIT_FOR, .doc = "`wait-for: ready`"},
    {"wait", HP_V_DURATION, F(wait), .tag = HP_STEP_WAIT, .doc = "a pause: `wait: 5s`"},
    {"reboot", HP_V_MAP, .sub = &reboot, .tag = HP_STEP_REBOOT, .doc = "`reboot: home`"},
    {"renumber", HP_V_MAP, .sub = &renumber, .tag = HP_STEP_RENUMBER, .doc = "`renumber: home`"},
    {"rebind", HP_V_MAP, .sub = &rebind, .tag = HP_STEP_REBIND, .doc = "`rebind: {nat: home, host: alice}`"},
    {"set-nat", HP_V_MAP, .sub = &set_nat, .tag = HP_STEP_SET_NAT, .doc = "`set-nat: {nat: home, udp-timeout: 30s}`"},
    {"set-link", HP_V_MAP, .sub = &set_link, .tag = HP_STEP_SET_LINK, .doc = "`set-link: {of: alice, loss: 10%}`"},
    {"interface-down", HP_V_MAP, .sub = &interface_step, .tag = HP_STEP_INTERFACE,
     .doc = "takes an interface away: `interface-down: {peer: alice, interface: wifi}`"},
    {"interface-up", HP_V_MAP, .sub = &interface_step, HP_FLAG(hp_step, interface.up), .tag = HP_STEP_INTERFACE,
     .doc = "gives it back"},
    {"ice-restart", HP_V_MAP, .sub = &session, .tag = HP_STEP_ICE_RESTART,
     .doc = "new credentials and candidates: `ice-restart: alice`"},
    {"hold", HP_V_MAP, .sub = &hp_schema_hold, .tag = HP_STEP_HOLD, .doc = "stops media, both ways: `hold: alice`"},
    {"resume", HP_V_MAP, .sub = &hp_schema_hold, HP_FLAG(hp_step, hold.resume), .tag = HP_STEP_HOLD,
     .doc = "lets it go on: `resume: {peer: alice, media: audio}`"},
    {"set-media", HP_V_MAP, .sub = &hp_schema_set_media, .tag = HP_STEP_SET_MEDIA,
     .doc = "`set-media: {peer: alice, bitrate: 300kbit/s}`"},
    {"inject", HP_V_MAP, .sub = &hp_schema_inject, .tag = HP_STEP_INJECT,
     .doc = "an attacker's packets: `inject: {to: bob, what: replay}`"},
    {"map-port", HP_V_MAP, .sub = &hp_schema_map_port, .tag = HP_STEP_MAP_PORT,
     .doc = "a port asked of the gateway: `map-port: {peer: alice, internal: 8080, external: 80, transport: tcp}`"},
    {"unmap-port", HP_V_MAP, .sub = &hp_schema_unmap_port, .tag = HP_STEP_UNMAP_PORT, .doc = "and given back"},
    {"close", HP_V_MAP, .sub = &session, .tag = HP_STEP_CLOSE, .doc = "ends sessions in good order: `close: alice`"},
    {"stop-server", HP_V_NAME, F(server), .ref = HP_REF_SERVER, .tag = HP_STEP_STOP_SERVER,
     .doc = "the server dies, with its allocations: `stop-server: turn`"},
    {"start-server", HP_V_NAME, F(server), .ref = HP_REF_SERVER, .tag = HP_STEP_START_SERVER, .doc = "it runs again"},
    {"set-dns", HP_V_MAP, .sub = &hp_schema_set_dns, .tag = HP_STEP_SET_DNS,
     .doc = "`set-dns: {server: dns, hosts: {turn.example: 192.0.2.7}}`"},
    {"set-firewall", HP_V_MAP, .sub = &hp_schema_set_firewall, .tag = HP_STEP_SET_FIREWALL,
     .doc = "`set-firewall: {of: office, preset: udp-blocked}`"},
    {"rule", HP_V_MAP, .sub = &hp_schema_rule_switch, .tag = HP_STEP_RULE,
     .doc = "switches a rule: `rule: {label: no-nomination, on: false}`"},
    {"set-signaling", HP_V_MAP, .sub = &set_signaling, .tag = HP_STEP_SET_SIGNALING,
     .doc = "`set-signaling: {loss: 50%}`"},
};
#undef F
static_assert(G_N_ELEMENTS(actions) == HP_STEP_N + 2, "one action a kind, and two for interfaces and for holding");

const hp_schema hp_schema_step = {
    .name = "step",
    .doc = "One action, carried out when the step before it is done, or at a time of its own.",
    .size = sizeof(hp_step),
    HP_KEYS(step_keys),
    .variants = actions,
    .n_variants = G_N_ELEMENTS(actions),
    .tag = offsetof(hp_step, kind),
    .mark = offsetof(hp_step, mark),
};

const char *hp_step_name(const hp_step *step)
{
    const char *name = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        /* Of the two actions of one kind the later one stands for its flag being set. */
        if (actions[i].tag == (int)step->kind &&
            (actions[i].flag == 0 || *(const bool *)((const char *)step + actions[i].flag))) {
            name = actions[i].name;
        }
    }
    return name;
}
