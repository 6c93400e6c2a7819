/* The schema of a link: what hp_link_config can be told, one direction at a time.
 *
 * A link's keys appear in several places with different defaults (the Internet's delay, a LAN's), which those places
 * state as the default of the whole map. An attachment has a link for each direction: keys that stand beside `up` and
 * `down` set both.
 *
 * Settings build up in layers: a peer's over the defaults, `up` over what both directions have, a `set-link` over the
 * network. Most keys know nothing of each other there. A rate, its steps and a trace of opportunities do: they are
 * three ways to say one thing, so the one that is given in a layer puts the others of the layers below out of force.
 * Likewise a new schedule forgets the cycle of the former.
 *
 * What can be said of one key is in the table; whether all of them go together is hp_link_config_check()'s to say, and
 * is asked of every layer, whose place in the file the message gets. A key that changes nothing for the lack of another
 * is a mistake too, unless the matrix chooses that other one: then it matters in some other case. */
#include <string.h>

#include "scenario/loader.h"

/* ---- what goes together ---- */

typedef struct dependent {
    const char *key; /* changes nothing... */
    bool (*matters)(const hp_link_config *config); /* ...unless this holds */
    const char *ruler; /* the key that decides; a matrix over it excuses */
    const char *wrong;
} dependent;

static bool has_drop(const hp_link_config *c)
{
    return c->n_drop > 0;
}

static bool is_normal(const hp_link_config *c)
{
    return c->jitter_kind == HP_JITTER_NORMAL;
}

static bool is_pareto(const hp_link_config *c)
{
    return c->jitter_kind == HP_JITTER_PARETO;
}

static bool is_unbounded(const hp_link_config *c)
{
    return is_normal(c) || is_pareto(c);
}

static bool is_listed(const hp_link_config *c)
{
    return c->jitter_kind == HP_JITTER_LIST || c->jitter_kind == HP_JITTER_EMPIRICAL;
}

static bool is_codel(const hp_link_config *c)
{
    return c->queue_kind == HP_QUEUE_CODEL;
}

static bool has_times(const hp_link_config *c)
{
    return c->n_rate_steps > 0 || c->n_opportunities > 0 || c->n_outages > 0;
}

#define CODEL_ONLY "is for `queue-kind: codel`"
static const dependent dependents[] = {
    {"drop-match", has_drop, "drop", "says which packets `drop` counts, and there is no `drop`"},
    {"jitter-sigma", is_normal, "jitter-kind", "is for `jitter-kind: normal`"},
    {"jitter-shape", is_pareto, "jitter-kind", "is for `jitter-kind: pareto`"},
    {"jitter-max", is_unbounded, "jitter-kind", "is for `jitter-kind: normal` and `pareto`"},
    {"jitter-list", is_listed, "jitter-kind", "is for `jitter-kind: list` and `empirical`"},
    {"codel-target", is_codel, "queue-kind", CODEL_ONLY},
    {"codel-interval", is_codel, "queue-kind", CODEL_ONLY},
    {"ecn", is_codel, "queue-kind", CODEL_ONLY},
    {"times-from", has_times, "", "is for `rate-steps`, `rate-trace` and `outages`, and there are none"},
};

bool hp_loader_is_mistaken(const hp_loader *l, const hp_tree *node)
{
    const GPtrArray *list = l->load->diags->list;

    for (unsigned i = 0; i < list->len; i++) {
        const hp_diag *diag = g_ptr_array_index(list, i);
        if (diag->mark.line == node->line && diag->mark.column == node->column) {
            return true;
        }
    }
    for (unsigned i = 0; i < node->n; i++) {
        if (node->kind == HP_NODE_MAP
                ? hp_loader_is_mistaken(l, node->pairs[i].value) || hp_loader_is_mistaken(l, node->pairs[i].key)
                : hp_loader_is_mistaken(l, node->items[i])) {
            return true;
        }
    }
    return false;
}

static bool is_in_matrix(const hp_loader *l, const char *key)
{
    for (unsigned i = 0; i < l->n_assignments; i++) {
        const char *dot = strrchr(l->assignments[i].path, '.');
        if (strcmp(dot == NULL ? l->assignments[i].path : dot + 1, key) == 0) {
            return true;
        }
    }
    return false;
}

static void check_config(hp_loader *l, const hp_link_config *config, const hp_tree *node)
{
    g_autoptr(GError) error = NULL;
    if (!hp_link_config_check(config, &error) && !hp_loader_is_mistaken(l, node)) {
        hp_loader_error(l, node, NULL, "%s", error->message);
    }
}

void hp_loader_check_link(hp_loader *l, const hp_link_config *up, const hp_link_config *down, const hp_tree *node)
{
    static const char *const instead[] = {"rate", "rate-steps"};
    const hp_tree *trace = hp_tree_get(node, "rate-trace");

    for (unsigned i = 0; i < G_N_ELEMENTS(instead); i++) {
        if (trace != NULL && hp_tree_get(node, instead[i]) != NULL) {
            hp_loader_error(l, trace, NULL, "`rate-trace` takes the place of `%s`: give one of them", instead[i]);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(dependents); i++) {
        const dependent *d = &dependents[i];
        const hp_tree *value = hp_tree_get(node, d->key), *ruler = hp_tree_get(node, d->ruler);
        if (value != NULL && !(up != NULL && d->matters(up)) && !(down != NULL && d->matters(down)) &&
            !is_in_matrix(l, d->ruler) && !(ruler != NULL && hp_loader_is_mistaken(l, ruler))) {
            hp_loader_error(l, value, NULL, "`%s` %s", d->key, d->wrong);
        }
    }
    /* `up` and `down`, where they are given, have been looked at by themselves. */
    if (up != NULL && hp_tree_get(node, "up") == NULL) {
        check_config(l, up, node);
    }
    if (down != NULL && hp_tree_get(node, "down") == NULL) {
        check_config(l, down, node);
    }
}

/* ---- words ---- */

static const hp_word mtu_modes[] = {
    {"fragment", HP_MTU_FRAGMENT, "IPv4 without DF is fragmented; DF and IPv6 get the ICMP error"},
    {"frag-needed", HP_MTU_FRAG_NEEDED, "never fragments: always the ICMP error"},
    {"black-hole", HP_MTU_BLACK_HOLE, "too large is dropped without a word"},
};
static const hp_words mtu_mode_words = HP_WORDS("an MTU mode", mtu_modes);

static const hp_word jitter_kinds[] = {
    {"uniform", HP_JITTER_UNIFORM, "between 0 and `jitter`, all alike"},
    {"normal", HP_JITTER_NORMAL, "`jitter` on average, with the standard deviation `jitter-sigma`; never below 0"},
    {"pareto", HP_JITTER_PARETO, "at least `jitter`, with a tail that is the heavier the smaller `jitter-shape` is"},
    {"list", HP_JITTER_LIST, "what `jitter-list` says, one after the other, over and over"},
    {"empirical", HP_JITTER_EMPIRICAL, "one of `jitter-list`, each as likely as the other"},
};
static const hp_words jitter_kind_words = HP_WORDS("a kind of jitter", jitter_kinds);
static const hp_word queue_kinds[] = {
    {"drop-tail", HP_QUEUE_DROP_TAIL, "takes what it has room for, and drops what comes then"},
    {"codel", HP_QUEUE_CODEL, "the same, and drops at the head when packets wait too long for too long (RFC 8289)"},
};
static const hp_words queue_kind_words = HP_WORDS("a kind of queue", queue_kinds);
static const hp_word origins[] = {
    {"start", false, "the start of the run"},
    {"change", true, "the last `set-link` that changed any of them, else the start of the run"},
};
static const hp_words origin_words = HP_WORDS("what times count from", origins);

/* ---- the table ---- */

#define F(field) HP_FIELD(hp_link_config, field)
static const hp_key burst_keys[] = {
    {"enter", HP_V_RATIO, F(burst_enter_ppb), .required = true, .doc = "chance, per packet, that a burst begins"},
    {"leave", HP_V_RATIO, F(burst_leave_ppb), .required = true, .doc = "chance, per packet, that it ends"},
    {"loss", HP_V_RATIO, F(burst_loss_ppb), .fallback = "100%", .doc = "loss while it lasts"},
    {"steady", HP_V_BOOL, F(burst_steady), .fallback = "false",
     .doc = "the run may begin in a burst, as if the link were old; false: it begins between two"},
};
#undef F
static const hp_schema burst = {
    .name = "burst",
    .doc = "Loss in bursts: a Gilbert-Elliott chain of a good and a bad state.",
    .size = sizeof(hp_link_config),
    HP_KEYS(burst_keys),
    .whole = true,
};

#define F(field) HP_FIELD(hp_rate_step, field)
static const hp_key rate_step_keys[] = {
    {"at", HP_V_DURATION, F(at), .required = true, .doc = "from when on, as `times-from` counts"},
    {"rate", HP_V_RATE, F(rate_bps), .required = true, .doc = "the rate; 0: nothing is sent"},
};
#undef F
static const hp_schema rate_step = {
    .name = "rate-step",
    .doc = "A rate from some time on.",
    .size = sizeof(hp_rate_step),
    HP_KEYS(rate_step_keys),
};

#define F(field) HP_FIELD(hp_time_window, field)
static const hp_key outage_keys[] = {
    {"from", HP_V_DURATION, F(from), .required = true, .doc = "when it begins, as `times-from` counts"},
    {"to", HP_V_DURATION, F(to), .required = true, .doc = "when it is over"},
};
#undef F
static const hp_schema outage = {
    .name = "outage",
    .doc = "A time in which everything is dropped.",
    .size = sizeof(hp_time_window),
    HP_KEYS(outage_keys),
};

static const char *const forgotten_by_rate[] = {"rate-steps", "rate-cycle", "rate-trace", NULL};
static const char *const forgotten_by_steps[] = {"rate-cycle", "rate-trace", NULL};
static const char *const forgotten_by_trace[] = {"rate", "rate-steps", "rate-cycle", NULL};
static const char *const forgotten_by_outages[] = {"outage-cycle", NULL};

#define F(field) HP_FIELD(hp_link_config, field)
static const hp_key link_keys[] = {
    {"rate", HP_V_RATE, F(rate_bps), .shown = "unlimited", .forgets = forgotten_by_rate,
     .doc = "serialisation rate; with `rate-steps`, the one before the first of them"},
    {"rate-steps", HP_V_LIST, F(rate_steps), HP_COUNT(hp_link_config, n_rate_steps), .sub = &rate_step,
     .max = HP_LOAD_MAX_LIST, .shown = "none", .forgets = forgotten_by_steps, .doc = "a rate that changes, in order"},
    {"rate-cycle", HP_V_DURATION, F(rate_cycle), .shown = "0: once, and the last one stays",
     .doc = "the steps begin anew after this"},
    {"rate-trace", HP_V_OPPORTUNITIES, F(opportunities), HP_COUNT(hp_link_config, n_opportunities),
     .forgets = forgotten_by_trace, .shown = "none",
     .doc = "instead of a rate: a file of opportunities to send, as mahimahi has them (a line for each: whole "
            "milliseconds, each for 1500 bytes; it begins anew after the last), relative to the scenario's folder"},
    {"delay", HP_V_DURATION, F(delay_ns), .shown = "0", .doc = "propagation, one way"},
    {"jitter", HP_V_DURATION, F(jitter_ns), .shown = "0",
     .doc = "extra delay: at most this (uniform), on average (normal), or at least (pareto); packets keep their order"},
    {"jitter-kind", HP_V_ENUM, F(jitter_kind), .words = &jitter_kind_words, .shown = "uniform",
     .doc = "how a packet's extra delay is drawn"},
    {"jitter-sigma", HP_V_DURATION, F(jitter_sigma_ns), .shown = "0", .doc = "standard deviation of normal jitter"},
    {"jitter-shape", HP_V_MILLI, F(jitter_shape_milli), .min = 1, .max = 1000000, .shown = "none; pareto needs one",
     .doc = "shape of Pareto jitter: more than x has the chance (jitter / x) ^ shape; the mean is infinite up to 1"},
    {"jitter-max", HP_V_DURATION, F(jitter_max_ns), .shown = "no limit",
     .doc = "what is longer, of normal or Pareto jitter, is cut to this"},
    {"jitter-list", HP_V_DELAYS, F(jitter_list), HP_COUNT(hp_link_config, n_jitter_list),
     .doc = "the delays of jitter from a list; in a file one a line, a bare number being milliseconds, relative to the "
            "scenario's folder"},
    {"jitter-overtakes", HP_V_BOOL, F(jitter_overtakes), .shown = "false",
     .doc = "a packet with little jitter passes one that met more"},
    {"loss", HP_V_RATIO, F(loss_ppb), .shown = "0",
     .doc = "chance that a packet is lost; with `burst`, the loss between bursts"},
    {"burst", HP_V_MAP, .sub = &burst, .doc = "loss in bursts"},
    {"drop", HP_V_PACKETS_LIST, F(drop), HP_COUNT(hp_link_config, n_drop),
     .doc = "exact losses: packets by number, counted from 1 as the link sees them"},
    {"drop-match", HP_V_MAP, F(drop_match), HP_FLAG(hp_link_config, drop_some), .sub = &hp_schema_match,
     .shown = "every packet", .doc = "which packets the numbers of `drop` count: `{dtls: true, inside: true}`"},
    {"duplicate", HP_V_RATIO, F(duplicate_ppb), .shown = "0", .doc = "chance that a packet arrives twice"},
    {"reorder", HP_V_RATIO, F(reorder_ppb), .shown = "0",
     .doc = "chance that a packet is held back, so that later ones pass it"},
    {"reorder-by", HP_V_DURATION, F(reorder_by_ns), .shown = "one jitter, or 10ms without jitter",
     .doc = "how long it is held back"},
    {"corrupt", HP_V_RATIO, F(corrupt_ppb), .shown = "0",
     .doc = "chance of flipped bits; the receiving host drops the packet for its checksum"},
    {"queue", HP_V_INT, F(queue_packets), .max = 1000000, .shown = "1000", .doc = "packets that may wait for the rate"},
    {"queue-bytes", HP_V_BYTES, F(queue_bytes), .shown = "no limit", .doc = "bytes that may wait for the rate"},
    {"queue-kind", HP_V_ENUM, F(queue_kind), .words = &queue_kind_words, .shown = "drop-tail",
     .doc = "what it does with packets that wait"},
    {"codel-target", HP_V_DURATION, F(codel_target_ns), .shown = "5ms", .doc = "a wait that CoDel takes no offence at"},
    {"codel-interval", HP_V_DURATION, F(codel_interval_ns), .shown = "100ms",
     .doc = "how long packets must have waited longer before CoDel drops the first"},
    {"ecn", HP_V_BOOL, F(codel_ecn), .shown = "false",
     .doc = "CoDel marks ECN-capable packets instead of dropping them (RFC 3168)"},
    {"mtu", HP_V_INT, F(mtu), .min = 68, .max = 65535, .shown = "1500", .doc = "largest IP packet"},
    {"mtu-mode", HP_V_ENUM, F(mtu_mode), .words = &mtu_mode_words, .shown = "fragment",
     .doc = "what becomes of a larger one"},
    {"cut", HP_V_BOOL, F(down), .shown = "false", .doc = "a black hole: everything is dropped"},
    {"outages", HP_V_LIST, F(outages), HP_COUNT(hp_link_config, n_outages), .sub = &outage, .max = HP_LOAD_MAX_LIST,
     .shown = "none", .forgets = forgotten_by_outages, .doc = "times in which it is cut, in order"},
    {"outage-cycle", HP_V_DURATION, F(outage_cycle), .shown = "0: once", .doc = "they begin anew after this"},
    {"times-from", HP_V_ENUM, F(times_from_change), .words = &origin_words, .shown = "start",
     .doc = "what the times of steps, traces and outages count from"},
};
#undef F

static void finish_link(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_check_link(l, base, NULL, node);
}

const hp_schema hp_schema_link = {
    .name = "link",
    .doc = "What a link does to packets, one direction. Without keys it is an ideal wire.",
    .size = sizeof(hp_link_config),
    HP_KEYS(link_keys),
    .finish = finish_link,
};

static const hp_key link_pair_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &hp_schema_link, HP_FIELD(hp_sc_link, up), HP_COUNT(hp_sc_link, down)},
    {"up", HP_V_MAP, HP_FIELD(hp_sc_link, up), .sub = &hp_schema_link, .overlay = true,
     .doc = "away from the host, or out of the NAT, where it differs"},
    {"down", HP_V_MAP, HP_FIELD(hp_sc_link, down), .sub = &hp_schema_link, .overlay = true,
     .doc = "towards the host, where it differs"},
};

static void finish_link_pair(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_sc_link *link = base;
    hp_loader_check_link(l, &link->up, &link->down, node);
}

const hp_schema hp_schema_link_pair = {
    .name = "attachment",
    .doc = "The link of a host or of a NAT's outside to its network. Keys of a link hold for both directions; `up` and "
           "`down` override one.",
    .size = sizeof(hp_sc_link),
    HP_KEYS(link_pair_keys),
    .finish = finish_link_pair,
};
