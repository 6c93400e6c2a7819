/* The schema of the expectation `link`: a link against what it was told. What is measured, and the bounds, are in
 * check/link.c; here is only what can be said. */
#include <assert.h>

#include "scenario/loader.h"

static const hp_word declared_word[] = {
    {"declared", 0, "what the link was told, within the bounds that chance allows"},
};
static const hp_words declared_words = HP_WORDS("a comparison or `declared`", declared_word);
static const hp_word directions[] = {
    {"up", HP_SC_UP, "away from it"},
    {"down", HP_SC_DOWN, "towards it"},
    {"both", HP_SC_BOTH, "both"},
};
static const hp_words direction_words = HP_WORDS("a direction of a link", directions);

static void finish_link(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_expect *e = base;
    hp_sc_link link;
    bool single;
    hp_loader_check_interface(l, e->link.of, e->link.interface, hp_tree_get(node, "interface"));
    if (e->link.of != NULL && hp_loader_find_link(l, e->link.of, e->link.interface, &link, &single) && single &&
        hp_tree_get(node, "direction") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "direction"), NULL, "`%s` has no directions", e->link.of);
    }
}

#define F(field) HP_FIELD(hp_expect, field)
static const hp_key link_keys[] = {
    {"of", HP_V_NAME, F(link.of), .ref = HP_REF_LINK, .required = true,
     .doc = "whose link: a peer, server or NAT; or a LAN, or `internet`, whose links are measured together"},
    {"interface", HP_V_NAME, F(link.interface), .shown = "the first", .doc = "which interface of a peer"},
    {"direction", HP_V_ENUM, F(link.direction), .words = &direction_words, .fallback = "both",
     .doc = "which direction; both are measured together"},
    {"loss", HP_V_COMPARE, F(link.loss), .unit = HP_UNIT_RATIO, .words = &declared_words,
     .doc =
         "the share of packets that the link loses; `declared`: by chance, bursts, outages and lists as it was told; a "
         "comparison is about all that it drops"},
    {"delay", HP_V_COMPARE, F(link.delay), .unit = HP_UNIT_TIME, .words = &declared_words,
     .doc =
         "how long packets are on it, waiting included; `declared`: none too early or too late, and jitter distributed "
         "as it was told; a comparison is about every packet"},
    {"rate", HP_V_COMPARE, F(link.rate), .unit = HP_UNIT_RATE, .words = &declared_words,
     .doc = "what it carries while packets wait; `declared`: never more than it was told, and at least 99% of that"},
    {"duplicates", HP_V_COMPARE, F(link.duplicates), .unit = HP_UNIT_RATIO, .words = &declared_words,
     .doc = "the share of packets that arrive twice"},
    {"reordering", HP_V_COMPARE, F(link.reordering), .unit = HP_UNIT_RATIO, .words = &declared_words,
     .doc = "the share of packets that are held back so that later ones pass"},
    {"corruption", HP_V_COMPARE, F(link.corruption), .unit = HP_UNIT_RATIO, .words = &declared_words,
     .doc = "the share of packets that arrive damaged"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_window},
};
#undef F
const hp_schema hp_schema_link_expect = {
    .name = "link-expectation",
    .doc = "Whether a link does to packets what it was told, from the capture alone, within bounds that a working link "
           "leaves once in some million measurements. Without a measure, all that is declared. Set-link steps are "
           "followed. Too few packets to tell is a failure that says how many are needed.",
    .size = sizeof(hp_expect),
    HP_KEYS(link_keys),
    .shorthand = "of",
    .finish = finish_link,
};
