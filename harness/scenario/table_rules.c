/* The schema of `rules`, of the step that switches one, and of the expectation about one.
 *
 * A rule says where, which packets, and what is done to them. Its actions are a list, or one by itself; each is a map
 * with one key, or that word alone. Whether the parts of a rule go together is hp_rule_check()'s to say; it is asked
 * once nothing in the rule was found wrong by itself. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"

/* ---- rewriting ---- */

#define F(field) HP_FIELD(hp_rule_attribute, field)
static const hp_key attribute_keys[] = {
    {"text", HP_V_TEXT, F(value), .doc = "its new value as text"},
    {"hex", HP_V_OCTETS, F(value), HP_COUNT(hp_rule_attribute, length), .doc = "or as bytes"},
    {"number", HP_V_OCTETS32, F(value), HP_COUNT(hp_rule_attribute, length), .doc = "or as a number of four bytes"},
    {"address", HP_V_ENDPOINT, F(address), .doc = "or as an address, XORed where the attribute's is"},
};
static const hp_key attribute_variants[] = {
    {"set", HP_V_ENUM, F(type), .words = &hp_words_attribute, .tag = HP_RULE_ATTRIBUTE_SET,
     .doc = "the first of that type gets the value; where there is none, one is added"},
    {"replace", HP_V_ENUM, F(type), .words = &hp_words_attribute, .tag = HP_RULE_ATTRIBUTE_REPLACE,
     .doc = "the first of that type, if there is one"},
    {"add", HP_V_ENUM, F(type), .words = &hp_words_attribute, .tag = HP_RULE_ATTRIBUTE_ADD,
     .doc = "one more, before what protects the message"},
    {"remove", HP_V_ENUM, F(type), .words = &hp_words_attribute, .tag = HP_RULE_ATTRIBUTE_REMOVE,
     .doc = "every one of that type: `remove: USE-CANDIDATE`"},
};
#undef F

static void finish_attribute(hp_loader *l, void *base, const hp_tree *node)
{
    hp_rule_attribute *attribute = base;
    unsigned n = 0;
    bool xored;

    for (size_t i = 0; i < G_N_ELEMENTS(attribute_keys); i++) {
        n += hp_tree_get(node, attribute_keys[i].name) != NULL;
    }
    if (attribute->what == HP_RULE_ATTRIBUTE_REMOVE ? n > 0 : n > 1) {
        hp_loader_error(l, node, NULL,
                        n > 1 ? "an attribute has one value: `text`, `hex`, `number` or `address`"
                              : "what is removed gets no value");
    }
    if (hp_tree_get(node, "text") != NULL && attribute->value != NULL) {
        size_t len = strlen((const char *)attribute->value);
        attribute->length = (uint16_t)MIN(len, UINT16_MAX);
    }
    if (attribute->address.family != HP_AF_NONE && !hp_match_is_address_attribute(attribute->type, &xored) &&
        !hp_loader_is_mistaken(l, node)) {
        hp_loader_error(l, hp_tree_get(node, "address"), NULL, "this attribute holds no address");
    }
}

static const hp_schema attribute = {
    .name = "attribute-edit",
    .doc = "A change to the attributes of a STUN message. Without a value an attribute is empty.",
    .size = sizeof(hp_rule_attribute),
    HP_KEYS(attribute_keys),
    .variants = attribute_variants,
    .n_variants = G_N_ELEMENTS(attribute_variants),
    .tag = offsetof(hp_rule_attribute, what),
    .finish = finish_attribute,
};

static const hp_word alg_places[] = {
    {"anywhere", 0, "UDP payload and TCP data, wherever the address's bytes stand"},
    {"plain", 1, "STUN attributes that hold a plain address"},
    {"xored", 2, "STUN attributes that hold an XORed one"},
};
const hp_words hp_words_alg = HP_WORDS("a place where a gateway looks for addresses", alg_places);
static_assert(offsetof(hp_nat_alg, anywhere) == 0 && offsetof(hp_nat_alg, plain) == sizeof(bool) &&
                  offsetof(hp_nat_alg, xored) == 2 * sizeof(bool),
              "flags by the value of their words");
static_assert(offsetof(hp_rule_alg, attributes) == offsetof(hp_rule_alg, anywhere) + sizeof(bool) &&
                  offsetof(hp_rule_alg, xored) == offsetof(hp_rule_alg, anywhere) + 2 * sizeof(bool),
              "flags by the value of their words");

#define F(field) HP_FIELD(hp_rule_action, field)
static const hp_key alg_keys[] = {
    {"in", HP_V_FLAGS, .offset = offsetof(hp_rule_action, rewrite.alg.anywhere), .size = 3 * sizeof(bool),
     .words = &hp_words_alg, .required = true, .doc = "where it looks"},
    {"from", HP_V_ADDRESS, F(rewrite.alg.from), .shown = "the packet's source", .doc = "the address that it looks for"},
    {"to", HP_V_ENDPOINT, F(rewrite.alg.to), .required = true,
     .doc = "what it puts in its place; with a port, STUN attributes get that too"},
};
static const hp_schema alg = {
    .name = "gateway",
    .doc = "An application-level gateway: one address in the payload is replaced by another.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(alg_keys),
};

static const hp_key rewrite_keys[] = {
    {"src", HP_V_ADDRESS, F(rewrite.src), .shown = "as it is", .doc = "source address"},
    {"dst", HP_V_ADDRESS, F(rewrite.dst), .shown = "as it is", .doc = "destination address"},
    {"src-port", HP_V_INT, F(rewrite.src_port), .min = 1, .max = 65535, .shown = "as it is", .doc = "source port"},
    {"dst-port", HP_V_INT, F(rewrite.dst_port), .min = 1, .max = 65535, .shown = "as it is", .doc = "destination port"},
    {"ttl", HP_V_INT, F(rewrite.ttl), HP_FLAG(hp_rule_action, rewrite.has_ttl), .max = 255, .shown = "as it is",
     .doc = "TTL, or hop limit"},
    {"dscp", HP_V_INT, F(rewrite.dscp), HP_FLAG(hp_rule_action, rewrite.has_dscp), .max = 63, .shown = "as it is",
     .doc = "differentiated services code point"},
    {"ecn", HP_V_INT, F(rewrite.ecn), HP_FLAG(hp_rule_action, rewrite.has_ecn), .max = 3, .shown = "as it is",
     .doc = "congestion notification"},
    {"attributes", HP_V_LIST, F(rewrite.attributes), HP_COUNT(hp_rule_action, rewrite.n_attributes), .sub = &attribute,
     .max = HP_LOAD_MAX_LIST, .lone = true, .shown = "as they are", .doc = "attributes of a STUN message over UDP"},
    {"alg", HP_V_MAP, HP_FLAG(hp_rule_action, rewrite.alg.on), .sub = &alg, .shown = "none",
     .doc = "addresses in the payload"},
    {"fingerprint", HP_V_BOOL, F(rewrite.fingerprint), .fallback = "false",
     .doc = "FINGERPRINT of a changed STUN message is made right"},
    {"password", HP_V_TEXT, F(rewrite.password), .shown = "none",
     .doc = "MESSAGE-INTEGRITY of a changed STUN message is made right with this"},
    {"user", HP_V_TEXT, F(rewrite.user), .shown = "none: a short-term password", .doc = "user of a long-term password"},
    {"realm", HP_V_TEXT, F(rewrite.realm), .shown = "none", .doc = "its realm"},
};
static const hp_schema rewrite = {
    .name = "rewrite",
    .doc = "Changes fields of the packet. Checksums stay true; what protects a STUN message goes stale unless told "
           "otherwise.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(rewrite_keys),
};

/* ---- answers ---- */

static const hp_key error_keys[] = {
    {"code", HP_V_INT, F(answer.code), .min = 300, .max = 699, .required = true, .doc = "error code"},
    {"realm", HP_V_TEXT, F(answer.realm), .shown = "none", .doc = "REALM"},
    {"nonce", HP_V_TEXT, F(answer.nonce), .shown = "none", .doc = "NONCE"},
    {"alternate", HP_V_ENDPOINT, F(answer.address), .shown = "none", .doc = "ALTERNATE-SERVER"},
};
static const hp_schema stun_error = {
    .name = "answer-stun-error",
    .doc = "A STUN error to a request of any method; the code alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(error_keys),
    .shorthand = "code",
};
static const hp_key success_keys[] = {
    {"mapped", HP_V_ENDPOINT, F(answer.address), .shown = "the packet's source", .doc = "the mapped address"},
};
static const hp_schema stun_success = {
    .name = "answer-stun-success",
    .doc = "A success to a Binding request.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(success_keys),
    .shorthand = "mapped",
};
static const hp_key icmp_keys[] = {
    {"kind", HP_V_ENUM, F(answer.icmp), .words = &hp_words_icmp, .shown = "admin-prohibited", .doc = "which error"},
    {"mtu", HP_V_INT, F(answer.mtu), .min = 68, .max = 65535, .shown = "none", .doc = "of frag-needed"},
    {"from", HP_V_ADDRESS, F(answer.from), .shown = "the network's gateway, else the packet's destination",
     .doc = "whose error it is"},
};
static const hp_schema icmp_error = {
    .name = "answer-icmp",
    .doc = "An ICMP error; its kind alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(icmp_keys),
    .shorthand = "kind",
};
static const hp_schema nothing_more = {
    .name = "nothing-more",
    .doc = "A map without keys: there is nothing more to say.",
    .size = sizeof(hp_rule_action),
};
static const hp_key answer_keys[] = {
    {"pass", HP_V_BOOL, F(answer.pass), .fallback = "false", .doc = "the packet goes on as well"},
};
static const hp_key answer_variants[] = {
    {"stun-error", HP_V_MAP, .sub = &stun_error, .tag = HP_RULE_ANSWER_STUN_ERROR, .doc = "`stun-error: 487`"},
    {"stun-success", HP_V_MAP, .sub = &stun_success, .tag = HP_RULE_ANSWER_STUN_SUCCESS,
     .doc = "`stun-success: 192.0.2.99:4000`"},
    {"icmp", HP_V_MAP, .sub = &icmp_error, .tag = HP_RULE_ANSWER_ICMP, .doc = "`icmp: {kind: frag-needed, mtu: 1200}`"},
    {"reset", HP_V_MAP, .sub = &nothing_more, .tag = HP_RULE_ANSWER_RESET, .doc = "a RST to a TCP segment"},
};
static const hp_schema answer = {
    .name = "rule-answer",
    .doc = "An answer in place of the far end. What asks for none of that kind goes on as it is.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(answer_keys),
    .variants = answer_variants,
    .n_variants = G_N_ELEMENTS(answer_variants),
    .tag = offsetof(hp_rule_action, answer.kind),
};

/* ---- actions ---- */

static const hp_key drop_keys[] = {
    {"answer", HP_V_ENUM, F(refusal), .words = &hp_words_refusal, .fallback = "silence",
     .doc = "what the sender learns"},
};
static const hp_schema drop = {
    .name = "rule-drop",
    .doc = "The packet goes no further.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(drop_keys),
    .shorthand = "answer",
};
static const hp_key delay_keys[] = {
    {"by", HP_V_DURATION, F(delay.fixed), .shown = "0", .doc = "how long"},
    {"jitter", HP_V_DURATION, F(delay.jitter), .shown = "0", .doc = "and up to this, all alike"},
    {"overtake", HP_V_BOOL, F(delay.overtake), .fallback = "false",
     .doc = "packets that are delayed may pass each other"},
};
static const hp_schema delay = {
    .name = "rule-delay",
    .doc = "The packet is held back; the time alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(delay_keys),
    .shorthand = "by",
};
static const hp_key duplicate_keys[] = {
    {"copies", HP_V_INT, F(duplicate.copies), .min = 1, .max = HP_RULE_MAX_COPIES, .fallback = "1",
     .doc = "besides the packet itself"},
    {"spacing", HP_V_DURATION, F(duplicate.spacing), .fallback = "0", .doc = "between one and the next"},
};
static const hp_schema duplicate = {
    .name = "rule-duplicate",
    .doc = "Copies follow the packet; their number alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(duplicate_keys),
    .shorthand = "copies",
};
static const hp_key reorder_keys[] = {
    {"packets", HP_V_INT, F(reorder.packets), .min = 1, .max = UINT32_MAX, .fallback = "1",
     .doc = "until so many later packets of its flow have left"},
    {"at-most", HP_V_DURATION, F(reorder.at_most), .min = 1, .fallback = "10ms", .doc = "and no longer than this"},
};
static const hp_schema reorder = {
    .name = "rule-reorder",
    .doc = "The packet is held until later ones have passed it; their number alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(reorder_keys),
    .shorthand = "packets",
};
static const hp_key corrupt_keys[] = {
    {"bits", HP_V_INT, F(corrupt.bits), .min = 1, .max = UINT32_MAX, .fallback = "1", .doc = "how many are flipped"},
    {"first", HP_V_INT, F(corrupt.first), .max = 65535, .fallback = "0",
     .doc = "in the bytes of the payload from this one on, counted from 0"},
    {"last", HP_V_INT, F(corrupt.last), .max = 65535, .shown = "its end", .doc = "up to this one"},
    {"fix-checksum", HP_V_BOOL, F(corrupt.fix_checksum), .fallback = "false",
     .doc = "the checksum is made right, so that the packet is delivered"},
};
static const hp_schema corrupt = {
    .name = "rule-corrupt",
    .doc = "Bits of the payload are flipped; their number alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(corrupt_keys),
    .shorthand = "bits",
};
static const hp_key rate_keys[] = {
    {"rate", HP_V_RATE, F(rate.rate_bps), .min = 1, .max = HP_RULE_MAX_RATE, .required = true,
     .doc = "what may pass, of whole IP packets"},
    {"burst", HP_V_BYTES, F(rate.burst_bytes), .min = 1, .max = HP_RULE_MAX_BURST, .fallback = "15kB",
     .doc = "the bucket, full at the start"},
    {"answer", HP_V_ENUM, F(rate.refusal), .words = &hp_words_refusal, .fallback = "silence",
     .doc = "what the sender of too much learns"},
};
static const hp_schema rate_limit = {
    .name = "rule-rate-limit",
    .doc = "A token bucket: what finds too few tokens is dropped. The rate alone will do.",
    .size = sizeof(hp_rule_action),
    HP_KEYS(rate_keys),
    .shorthand = "rate",
};

static const hp_key action_variants[] = {
    {"pass", HP_V_MAP, .sub = &nothing_more, .tag = HP_RULE_PASS,
     .doc = "nothing, but the rules behind it do not see it"},
    {"drop", HP_V_MAP, .sub = &drop, .tag = HP_RULE_DROP, .doc = "`drop`, or `drop: icmp`"},
    {"delay", HP_V_MAP, .sub = &delay, .tag = HP_RULE_DELAY, .doc = "`delay: 200ms`"},
    {"duplicate", HP_V_MAP, .sub = &duplicate, .tag = HP_RULE_DUPLICATE, .doc = "`duplicate`, or `duplicate: 2`"},
    {"reorder", HP_V_MAP, .sub = &reorder, .tag = HP_RULE_REORDER, .doc = "`reorder: {packets: 3, at-most: 50ms}`"},
    {"rewrite", HP_V_MAP, .sub = &rewrite, .tag = HP_RULE_REWRITE,
     .doc = "`rewrite: {attributes: {remove: USE-CANDIDATE}}`"},
    {"corrupt", HP_V_MAP, .sub = &corrupt, .tag = HP_RULE_CORRUPT, .doc = "`corrupt: {bits: 3, fix-checksum: true}`"},
    {"truncate", HP_V_INT, F(truncate_to), .max = 65535, .tag = HP_RULE_TRUNCATE,
     .doc = "to so many bytes of UDP payload or TCP data: `truncate: 20`"},
    {"split", HP_V_INT, F(split_to), .min = 1, .max = 65535, .tag = HP_RULE_SPLIT,
     .doc = "TCP: into segments of at most so many bytes of data: `split: 1`"},
    {"answer", HP_V_MAP, .sub = &answer, .tag = HP_RULE_ANSWER, .doc = "`answer: {stun-error: 487}`"},
    {"rate-limit", HP_V_MAP, .sub = &rate_limit, .tag = HP_RULE_RATE_LIMIT, .doc = "`rate-limit: 500kbit/s`"},
};
#undef F
static_assert(G_N_ELEMENTS(action_variants) == HP_RULE_DO_N, "one key an action");

static const hp_schema action = {
    .name = "rule-action",
    .doc = "What is done to a packet. The word alone will do where no key of it is required.",
    .size = sizeof(hp_rule_action),
    .variants = action_variants,
    .n_variants = G_N_ELEMENTS(action_variants),
    .tag = offsetof(hp_rule_action, what),
};

/* ---- a rule ---- */

static const hp_word directions[] = {
    {"both", HP_RULE_BOTH_WAYS, "either way"},
    {"up", HP_RULE_UP, "away from the host, or out of the NAT or firewall"},
    {"down", HP_RULE_DOWN, "towards it"},
};
static const hp_words direction_words = HP_WORDS("a direction", directions);

#define F(field) HP_FIELD(hp_sc_rule, field)
static const hp_key rule_keys[] = {
    {"at", HP_V_NAME, F(at), .ref = HP_REF_PLACE, .required = true,
     .doc = "where: a peer or its interface (`alice`, `alice/wifi`), a server, a NAT or firewall (its outside), "
            "`NAME/inside`, or a LAN or `internet`: every packet that crosses it"},
    {"do", HP_V_LIST, F(rule.actions), HP_COUNT(hp_sc_rule, rule.n_actions), .sub = &action, .min = 1, .max = 16,
     .lone = true, .required = true, .doc = "what is done, in this order"},
    {"match", HP_V_MAP, F(rule.match), .sub = &hp_schema_match, .shown = "every packet", .doc = "which packets"},
    {"filter", HP_V_TEXT, F(filter), .shown = "none", .doc = "a pcap filter, which must hold too: `udp port 3478`"},
    {"direction", HP_V_ENUM, F(rule.direction), .words = &direction_words, .fallback = "both", .doc = "which way"},
    {"nth", HP_V_PACKETS_LIST, F(rule.nth), HP_COUNT(hp_sc_rule, rule.n_nth), .shown = "all",
     .doc = "which of those packets, counted from 1"},
    {"from", HP_V_EDGE, F(rule.from), HP_COUNT(hp_sc_rule, from_step), .ref = HP_REF_STEP, .shown = "the start",
     .doc = "holds from this run time or step on"},
    {"until", HP_V_EDGE, F(rule.to), HP_COUNT(hp_sc_rule, until_step), .ref = HP_REF_STEP, .shown = "the end",
     .doc = "and up to this one"},
    {"chance", HP_V_RATIO, F(rule.chance_ppb), .min = 1, .max = 1000000000, .shown = "100%",
     .doc = "chance for each of those packets"},
    {"limit", HP_V_INT, F(rule.limit), .min = 1, .max = INT64_MAX, .shown = "no limit",
     .doc = "it ends after so many packets"},
    {"label", HP_V_NAME, F(rule.label), .shown = "its number", .doc = "a name for steps and expectations to refer to"},
    {"go-on", HP_V_BOOL, F(rule.go_on), .fallback = "false", .doc = "the rules behind it see the packet too"},
    {"off", HP_V_BOOL, F(rule.off), .fallback = "false", .doc = "until a `rule` step switches it on"},
    {"quiet", HP_V_BOOL, F(rule.quiet), .fallback = "false", .doc = "leaves no `rule-hit` events and no remarks"},
    {"when", HP_V_WHEN, .shown = "always", .doc = "only in the cases of the matrix that have these values"},
};
#undef F

static void finish_rule(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_rule *rule = base;
    const hp_tree *until = hp_tree_get(node, "until");
    g_autoptr(GError) error = NULL;

    if (rule->from_step != NULL && rule->rule.off) {
        hp_loader_error(l, hp_tree_get(node, "off"), NULL, "`from` a step and `off` exclude each other");
    }
    if (hp_loader_is_mistaken(l, node)) {
        return;
    }
    if (until != NULL && rule->until_step == NULL && rule->rule.to == 0) {
        hp_loader_error(l, until, NULL, "the time window ends before it begins");
    } else if (!hp_rule_check(&rule->rule, &error)) {
        hp_loader_error(l, node, NULL, "%s", error->message);
    }
}

const hp_schema hp_schema_rule = {
    .name = "rule",
    .doc = "A rule of a scripted middlebox. Rules of one place see a packet in the order of the list; the first that "
           "applies is carried out, and ends the list unless it says `go-on`.",
    .size = sizeof(hp_sc_rule),
    HP_KEYS(rule_keys),
    .mark = offsetof(hp_sc_rule, mark),
    .finish = finish_rule,
};

/* ---- the step ---- */

static const hp_key switch_keys[] = {
    {"label", HP_V_NAME, HP_FIELD(hp_step, rule.label), .ref = HP_REF_RULE, .required = true, .doc = "which rule"},
    {"on", HP_V_BOOL, HP_FIELD(hp_step, rule.on), .required = true, .doc = "whether it holds from now on"},
};
const hp_schema hp_schema_rule_switch = {
    .name = "rule-switch",
    .doc = "Switches a rule on or off; its counts go on.",
    .size = sizeof(hp_step),
    HP_KEYS(switch_keys),
};

/* ---- the expectation ---- */

static void finish_expect(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    const hp_scenario *s = &l->root->scenario;
    bool windowed = hp_tree_get(node, "after") != NULL || hp_tree_get(node, "before") != NULL;

    if (windowed && hp_tree_get(node, "matched") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "matched"), NULL, "`matched` is counted over the whole run, in no window");
    }
    for (unsigned i = 0; windowed && e->rule.rule != NULL && i < s->n_rules; i++) {
        if (s->rules[i].rule.quiet && g_strcmp0(s->rules[i].rule.label, e->rule.rule) == 0) {
            hp_loader_error(l, node, NULL, "a quiet rule's hits are counted over the whole run, in no window");
        }
    }
}

static const hp_key expect_keys[] = {
    {"rule", HP_V_NAME, HP_FIELD(hp_expect, rule.rule), .ref = HP_REF_RULE, .required = true, .doc = "its label"},
    {"hits", HP_V_COMPARE, HP_FIELD(hp_expect, rule.hits), .unit = HP_UNIT_COUNT, .shown = ">= 1, without `matched`",
     .doc = "packets that it was carried out on"},
    {"matched", HP_V_COMPARE, HP_FIELD(hp_expect, rule.matched), .unit = HP_UNIT_COUNT, .shown = "any number",
     .doc = "packets of which all that it says held, whether or not `nth`, `chance` and `limit` then spared them"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_window},
};
const hp_schema hp_schema_rule_expect = {
    .name = "rule-expectation",
    .doc = "How often a rule is carried out. The label alone will do.",
    .size = sizeof(hp_expect),
    HP_KEYS(expect_keys),
    .shorthand = "rule",
    .finish = finish_expect,
};
