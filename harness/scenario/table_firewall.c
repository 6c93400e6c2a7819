/* The schema of firewalls: `network.firewalls`, the `firewall` of a NAT, a server, a peer or an interface, and the step
 * `set-firewall`.
 *
 * Knobs have no default here: they start from the preset. The policies that the scenario gives stand before those of
 * the preset, so that they can make exceptions; naming another preset leaves them as they are. Being a router (`hop`)
 * is decided by the place, whatever the preset says: a firewall with a network of its own is one, one in front of a
 * host or within a NAT is not. */
#include <string.h>

#include "scenario/loader.h"
#include "scenario/value.h"

#define NO_FIREWALL "none"

/* ---- presets ---- */

static bool preset_at(unsigned i, hp_word *ret)
{
    size_t n;
    const hp_firewall_preset *presets = hp_firewall_presets(&n);
    if (i > n) {
        return false;
    }
    *ret = i == n ? (hp_word){NO_FIREWALL, i, "there is no firewall"} : (hp_word){presets[i].name, i, presets[i].about};
    return true;
}
const hp_words hp_words_firewall_preset = {.what = "a firewall preset", .at = preset_at};

/* The policies of a preset, from its memory to the scenario's. Their matches own nothing. */
static hp_firewall_policy *own_policies(hp_arena *arena, const hp_firewall_policy *list, unsigned n)
{
    hp_firewall_policy *copy = hp_arena_alloc(arena, n * sizeof *copy);
    for (unsigned i = 0; i < n; i++) {
        g_assert(list[i].match.stun.with == NULL && list[i].match.stun.without == NULL &&
                 list[i].match.detail.stun.username == NULL);
        copy[i] = list[i];
        copy[i].label = hp_arena_text(arena, list[i].label);
    }
    return copy;
}

bool hp_loader_firewall_preset(hp_loader *l, const char *name, hp_sc_firewall *firewall)
{
    hp_firewall_config made, *config = &firewall->config;

    if (strcmp(name, NO_FIREWALL) == 0) {
        *config = (hp_firewall_config){0};
    } else if (hp_firewall_preset_config(name, &made)) {
        *config = made;
        config->out = own_policies(l->arena, made.out, made.n_out);
        config->in = own_policies(l->arena, made.in, made.n_in);
        hp_firewall_config_clear(&made);
    } else {
        return false;
    }
    firewall->preset = hp_arena_text(l->arena, name);
    firewall->on = strcmp(name, NO_FIREWALL) != 0;
    return true;
}

bool hp_value_firewall_preset(hp_loader *l, const hp_key *key, const hp_tree *node, hp_sc_firewall *ret)
{
    return hp_loader_firewall_preset(l, node->text, ret) || hp_value_unknown_word(l, key->words, node);
}

/* ---- policies ---- */

static const hp_word refusals[] = {
    {"silence", HP_REFUSE_SILENTLY, "nothing"},
    {"icmp", HP_REFUSE_ICMP, "ICMP administratively prohibited"},
    {"reset", HP_REFUSE_RESET, "a RST for TCP, the ICMP error for everything else"},
};
const hp_words hp_words_refusal = HP_WORDS("an answer to what may not pass", refusals);

#define F(field) HP_FIELD(hp_firewall_policy, field)
static const hp_key policy_keys[] = {
    {"allow", HP_V_MAP, F(match), HP_FLAG(hp_firewall_policy, allow), .sub = &hp_schema_match,
     .doc = "these packets may pass: `allow: {proto: tcp, dst-port: 443}`"},
    {"deny", HP_V_MAP, F(match), .sub = &hp_schema_match, .doc = "or these may not"},
    {"answer", HP_V_ENUM, F(refusal), .words = &hp_words_refusal, .shown = "silence",
     .doc = "what the sender learns of a denial"},
    {"each-packet", HP_V_BOOL, F(each_packet), .fallback = "false",
     .doc = "holds for packets of known flows too; otherwise it decides which flows may begin"},
    {"label", HP_V_TEXT, F(label), .shown = "its number", .doc = "its name in the trace"},
};
#undef F

static void finish_policy(hp_loader *l, void *base, const hp_tree *node)
{
    bool allow = hp_tree_get(node, "allow") != NULL, deny = hp_tree_get(node, "deny") != NULL;

    if (allow == deny) {
        hp_loader_error(l, node, "`allow: {proto: tcp, dst-port: 443}`, `deny: {}`",
                        "a policy needs either `allow` or `deny`");
    } else if (allow && hp_tree_get(node, "answer") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "answer"), NULL, "`answer` goes with `deny`");
    }
}

static const hp_schema policy = {
    .name = "policy",
    .doc = "What may begin a flow; the first policy that matches decides.",
    .size = sizeof(hp_firewall_policy),
    HP_KEYS(policy_keys),
    .finish = finish_policy,
};

/* ---- knobs ---- */

static const hp_word filterings[] = {
    {"endpoint-independent", HP_FIREWALL_ENDPOINT_INDEPENDENT, "anyone"},
    {"address-dependent", HP_FIREWALL_ADDRESS_DEPENDENT, "every port of an address that it sent to"},
    {"address-and-port-dependent", HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT, "only whom it sent to"},
};
static const hp_words filtering_words = HP_WORDS("a filtering behaviour (RFC 6092)", filterings);
static const hp_word fragment_rules[] = {
    {"out-of-order", HP_FIREWALL_FRAGMENTS_OUT_OF_ORDER, "later ones wait for the first and share its fate"},
    {"in-order", HP_FIREWALL_FRAGMENTS_IN_ORDER, "the same, but one that comes before the first is dropped"},
    {"drop", HP_FIREWALL_FRAGMENTS_DROP, "all fragments are dropped"},
    {"pass", HP_FIREWALL_FRAGMENTS_PASS, "every later fragment passes"},
};
static const hp_words fragment_words = HP_WORDS("a fragment rule of a firewall", fragment_rules);

#define F(field) HP_FIELD(hp_firewall_config, field)
static const hp_key knob_keys[] = {
    {"out-denied", HP_V_BOOL, F(out_denied), .shown = "false",
     .doc = "what no policy speaks of does not pass outwards"},
    {"in-allowed", HP_V_BOOL, F(in_allowed), .shown = "false", .doc = "what no policy speaks of passes inwards"},
    {"out-answer", HP_V_ENUM, F(out_refusal), .words = &hp_words_refusal, .shown = "silence",
     .doc = "what the inside learns when no policy lets a packet out"},
    {"in-answer", HP_V_ENUM, F(in_refusal), .words = &hp_words_refusal, .shown = "silence",
     .doc = "what the outside learns when nothing lets a packet in"},
    {"syn-wait", HP_V_DURATION, F(syn_wait), .shown = "0",
     .doc = "an unsolicited TCP SYN is answered so much later, and not if the inside opens the same connection "
            "meanwhile (RFC 6092 REC-34: 6s)"},
    {"filtering", HP_V_ENUM, F(filtering), .words = &filtering_words, .shown = "address-and-port-dependent",
     .doc = "who may send to what the inside has opened: UDP and everything but TCP (RFC 6092 REC-11)"},
    {"tcp-filtering", HP_V_ENUM, F(tcp_filtering), .words = &filtering_words, .shown = "address-and-port-dependent",
     .doc = "the same for TCP (REC-33)"},
    {"udp-timeout", HP_V_DURATION, F(udp_timeout), .shown = "5m", .doc = "life of an idle UDP flow (REC-14)"},
    {"udp-unreplied-timeout", HP_V_DURATION, F(udp_unreplied_timeout), .shown = "as udp-timeout",
     .doc = "the same until the first packet comes back"},
    {"udp-well-known-timeout", HP_V_DURATION, F(udp_well_known_timeout), .shown = "as udp-timeout",
     .doc = "the same with a port below 1024 (REC-15)"},
    {"inbound-keeps-silent", HP_V_BOOL, F(inbound_keeps_silent), .shown = "false",
     .doc = "packets from outside do not keep a flow alive, TCP apart"},
    {"tcp-transitory-timeout", HP_V_DURATION, F(tcp_transitory_timeout), .shown = "4m",
     .doc = "life of an idle TCP flow that is opening, or half closed (REC-35)"},
    {"tcp-established-timeout", HP_V_DURATION, F(tcp_established_timeout), .shown = "2h4m",
     .doc = "life of an idle TCP connection (REC-35)"},
    {"tcp-closed-timeout", HP_V_DURATION, F(tcp_closed_timeout), .shown = "as tcp-transitory-timeout",
     .doc = "what is left of it after both FINs or a RST"},
    {"icmp-timeout", HP_V_DURATION, F(icmp_timeout), .shown = "1m", .doc = "life of an idle ping"},
    {"other-timeout", HP_V_DURATION, F(other_timeout), .shown = "5m",
     .doc = "life of an idle flow of any other protocol (REC-12)"},
    {"tcp-picks-up", HP_V_BOOL, F(tcp_picks_up), .shown = "false",
     .doc = "a segment in the middle of an unknown connection begins a flow, if it may"},
    {"passes-ipsec", HP_V_BOOL, F(passes_ipsec), .shown = "false",
     .doc = "AH, ESP, HIP and UDP port 500 pass inwards too (REC-21 to REC-26)"},
    {"blocks-icmp-errors", HP_V_BOOL, F(blocks_icmp_errors), .shown = "false",
     .doc = "not even ICMP errors about known flows pass, which breaks path MTU discovery"},
    {"blocks-unique-local", HP_V_BOOL, F(blocks_unique_local), .shown = "false",
     .doc = "fc00::/7 does not pass at all (REC-7)"},
    {"fragments", HP_V_ENUM, F(fragments), .words = &fragment_words, .shown = "out-of-order", .doc = "fragments"},
    {"max-flows", HP_V_INT, F(max_flows), .max = UINT32_MAX, .shown = "no limit", .doc = "flows in all"},
    {"max-flows-per-host", HP_V_INT, F(max_flows_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "flows of one inside address"},
    {"evicts", HP_V_BOOL, F(evicts), .shown = "false",
     .doc = "at `max-flows` the flow that would expire first gives way; else the packet is dropped"},
};
#undef F
static const hp_schema knobs = {
    .name = "firewall-knobs",
    .doc = "What a firewall does. The defaults are those of one without a preset; a preset has its own.",
    .size = sizeof(hp_firewall_config),
    HP_KEYS(knob_keys),
};

/* ---- a firewall ---- */

#define F(field) HP_FIELD(hp_sc_firewall, field)
static const hp_key part_keys[] = {
    {"preset", HP_V_FIREWALL_PRESET, .words = &hp_words_firewall_preset, .shown = "none named",
     .doc = "a named set of knobs and policies to start from; `none`: no firewall"},
    {"out", HP_V_LIST, F(out), HP_COUNT(hp_sc_firewall, n_out), .sub = &policy, .max = HP_LOAD_MAX_LIST, .lone = true,
     .shown = "none", .doc = "policies for packets from the inside, before those of the preset"},
    {"in", HP_V_LIST, F(in), HP_COUNT(hp_sc_firewall, n_in), .sub = &policy, .max = HP_LOAD_MAX_LIST, .lone = true,
     .shown = "none", .doc = "the same for packets from outside"},
    {"hop", HP_V_BOOL, F(config.hop), HP_FLAG(hp_sc_firewall, has_hop),
     .shown = "true with a network of its own, else false", .doc = "it is a router: it counts the TTL down"},
    {.type = HP_V_INCLUDE, .sub = &knobs, F(config)},
};
#undef F
static const hp_schema part = {
    .name = "firewall-part",
    .doc = "What all firewalls have alike.",
    .size = sizeof(hp_sc_firewall),
    HP_KEYS(part_keys),
};

static void check_config(hp_loader *l, const hp_sc_firewall *firewall, const hp_tree *node)
{
    g_autoptr(GError) error = NULL;
    if (!hp_firewall_config_check(&firewall->config, &error) && !hp_loader_is_mistaken(l, node)) {
        hp_loader_error(l, node, NULL, "%s", error->message);
    }
}

static const hp_key firewall_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &part},
};

static void finish_firewall(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_firewall *firewall = base;
    const hp_tree *preset = hp_tree_get(node, "preset");
    bool none = preset != NULL && preset->kind == HP_NODE_SCALAR && strcmp(preset->text, NO_FIREWALL) == 0;

    if (none && node->n > 1) {
        hp_loader_error(l, preset, NULL, "`preset: none` is no firewall, and has no knobs");
    }
    firewall->on = !none;
    if (!firewall->has_hop) {
        firewall->config.hop = false;
    }
    check_config(l, firewall, node);
}

const hp_schema hp_schema_firewall = {
    .name = "firewall",
    .doc = "A stateful firewall: what begins inside may be answered from outside. The name of a preset alone will do; "
           "`{}` is a firewall without a preset.",
    .size = sizeof(hp_sc_firewall),
    HP_KEYS(firewall_keys),
    .shorthand = "preset",
    .finish = finish_firewall,
};

/* ---- a firewall with a network ---- */

#define F(field) HP_FIELD(hp_sc_firewall_zone, field)
static const hp_key zone_keys[] = {
    {"behind", HP_V_NAME, F(behind), .ref = HP_REF_ZONE, .fallback = "internet",
     .doc = "the network its outside is in"},
    {"link", HP_V_MAP, F(link), .sub = &hp_schema_link_pair, .doc = "its access link to that network"},
    {"lan", HP_V_MAP, F(lan), .sub = &hp_schema_link, .fallback = "delay: 500us", .doc = "the network inside"},
    {"families", HP_V_FAMILIES, F(family), .fallback = "ipv4", .doc = "address families of the network inside"},
    {"inside4", HP_V_PREFIX, F(inside4), .min = HP_AF_IPV4, .shown = "chosen", .doc = "the IPv4 network inside"},
    {"inside6", HP_V_PREFIX, F(inside6), .min = HP_AF_IPV6, .shown = "chosen", .doc = "the IPv6 network inside"},
    {.type = HP_V_INCLUDE, .sub = &part, F(firewall)},
};
#undef F

static void finish_zone(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_firewall_zone *zone = base;
    const hp_tree *preset = hp_tree_get(node, "preset");

    if (preset != NULL && !zone->firewall.on && zone->firewall.preset != NULL) {
        hp_loader_error(l, preset, "`preset: transparent` lets everything pass",
                        "a firewall of its own cannot be `none`");
    }
    zone->firewall.on = true;
    if (!zone->firewall.has_hop) {
        zone->firewall.config.hop = true;
    }
    check_config(l, &zone->firewall, node);
}

const hp_schema hp_schema_firewall_zone = {
    .name = "firewall-zone",
    .doc = "A firewall with a network inside that bears its name, and no translation: its addresses are known outside. "
           "The name of a preset alone will do.",
    .size = sizeof(hp_sc_firewall_zone),
    HP_KEYS(zone_keys),
    .mark = offsetof(hp_sc_firewall_zone, mark),
    .shorthand = "preset",
    .finish = finish_zone,
};

void hp_sc_firewall_config(const hp_sc_firewall *firewall, hp_firewall_config *ret)
{
    hp_firewall_config whole = firewall->config;
    g_autofree hp_firewall_policy *out = g_new0(hp_firewall_policy, firewall->n_out + whole.n_out);
    g_autofree hp_firewall_policy *in = g_new0(hp_firewall_policy, firewall->n_in + whole.n_in);

    for (unsigned i = 0; i < firewall->n_out + whole.n_out; i++) {
        out[i] = i < firewall->n_out ? firewall->out[i] : whole.out[i - firewall->n_out];
    }
    for (unsigned i = 0; i < firewall->n_in + whole.n_in; i++) {
        in[i] = i < firewall->n_in ? firewall->in[i] : whole.in[i - firewall->n_in];
    }
    whole.out = out;
    whole.in = in;
    whole.n_out += firewall->n_out;
    whole.n_in += firewall->n_in;
    hp_firewall_config_copy(&whole, ret);
}

/* ---- set-firewall ---- */

/* The firewall of that name as the network has it; NULL when there is none. */
static const hp_sc_firewall *find_firewall(const hp_scenario *s, const char *of, const char *interface)
{
    for (unsigned i = 0; i < s->n_firewalls; i++) {
        if (strcmp(s->firewalls[i].name, of) == 0) {
            return &s->firewalls[i].firewall;
        }
    }
    for (unsigned i = 0; i < s->n_nats; i++) {
        if (strcmp(s->nats[i].name, of) == 0) {
            return &s->nats[i].firewall;
        }
    }
    for (unsigned i = 0; i < s->n_servers; i++) {
        if (strcmp(s->servers[i].name, of) == 0) {
            return &s->servers[i].firewall;
        }
    }
    for (unsigned i = 0; i < s->n_peers; i++) {
        for (unsigned k = 0; strcmp(s->peers[i].name, of) == 0 && k < s->peers[i].n_interfaces; k++) {
            const hp_sc_interface *in = &s->peers[i].interfaces[k];
            if (interface == NULL || g_strcmp0(in->name, interface) == 0) {
                return &in->firewall;
            }
        }
    }
    return NULL;
}

static void start_set_firewall(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_step *step = base;
    const hp_scenario *s = &l->root->scenario;
    const char *of = hp_tree_text(node, "of"), *interface = hp_tree_text(node, "interface");
    const hp_sc_firewall *present = of == NULL ? NULL : find_firewall(s, of, interface);

    for (unsigned i = s->n_steps; present != NULL && i-- > 0;) {
        const hp_step *before = &s->steps[i];
        if (before->kind == HP_STEP_SET_FIREWALL && g_strcmp0(before->firewall.of, of) == 0 &&
            (before->firewall.interface == NULL || g_strcmp0(before->firewall.interface, interface) == 0)) {
            present = &before->firewall.firewall;
            break;
        }
    }
    step->firewall.firewall = present != NULL ? *present : (hp_sc_firewall){0};
}

static void finish_set_firewall(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const where[] = {"of", "interface", NULL};
    hp_step *step = base;
    const hp_sc_firewall *present;

    step->firewall.text = hp_loader_changes_text(l, node, where);
    if (step->firewall.text[0] == '\0') {
        hp_loader_error(l, node, NULL, "`set-firewall` changes nothing");
    }
    if (step->firewall.of == NULL) {
        return;
    }
    hp_loader_check_interface(l, step->firewall.of, step->firewall.interface, hp_tree_get(node, "interface"));
    present = find_firewall(&l->root->scenario, step->firewall.of, step->firewall.interface);
    if (present != NULL && !present->on) {
        hp_loader_error(l, hp_tree_get(node, "of"), "`firewall: transparent` lets everything pass until then",
                        "`%s` has no firewall that could be changed", step->firewall.of);
        return;
    }
    if (!step->firewall.firewall.on && hp_tree_get(node, "preset") != NULL && present != NULL) {
        hp_loader_error(l, hp_tree_get(node, "preset"), "`preset: transparent` lets everything pass",
                        "a step cannot take a firewall away");
    }
    if (present != NULL && hp_tree_get(node, "hop") == NULL) {
        step->firewall.firewall.config.hop = present->config.hop;
    }
    check_config(l, &step->firewall.firewall, node);
}

static const hp_key set_firewall_keys[] = {
    {"of", HP_V_NAME, HP_FIELD(hp_step, firewall.of), .ref = HP_REF_FIREWALLED, .required = true,
     .doc = "whose firewall: a firewall's own name, a NAT, a peer or a server"},
    {"interface", HP_V_NAME, HP_FIELD(hp_step, firewall.interface), .shown = "all", .doc = "which interface of a peer"},
    {.type = HP_V_INCLUDE, .sub = &part, HP_FIELD(hp_step, firewall.firewall)},
};

const hp_schema hp_schema_set_firewall = {
    .name = "set-firewall",
    .doc = "Changes knobs or policies of a firewall; the others stay as they are. Flows that it knows go on.",
    .size = sizeof(hp_step),
    HP_KEYS(set_firewall_keys),
    .start = start_set_firewall,
    .finish = finish_set_firewall,
};
