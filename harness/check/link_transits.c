/* Follows packets from tap to tap.
 *
 * A packet that leaves a node is recorded at the node's tap, passes the node's own link (up), the zone's (the
 * crossing), a router that takes no time, and the receiver's link (down), and is recorded at the next tap; a NAT's
 * inside has only the crossing. Links have no taps of their own. So what is known of a packet on one link is: when it
 * entered the first, when it was dropped and by which, and when it left the last.
 *
 * Records belong together by the packet's uid, which duplicates and fragments share; a fragment's offset tells them
 * apart, and a whole packet that arrives in pieces was cut on the way. A drop names the capture record that the packet
 * was last seen in, which is where its transit began.
 *
 * Settings: those of the plan, then those of each set-link step, which a link takes over with its link-changed event.
 *
 * A CLAT stands between a host and its links: what it translates begins anew at its own tap, and what it only passes on
 * goes from the host's.
 *
 * Limits: a packet that a host sends to itself is no transit. A middlebox without a tap between two links is taken for
 * a part of the wire. */
#include "check/link_transits.h"

#include <string.h>

/* ---- what there is ---- */

static int add_lane(hp_transits *t, char *name, const hp_link_config *config)
{
    hp_lane *lane = &t->lanes[t->n_lanes];
    const hp_lane_epoch first = {.config = config};
    lane->name = name;
    lane->epochs = g_array_new(FALSE, FALSE, sizeof(hp_lane_epoch));
    g_array_append_val(lane->epochs, first);
    return (int)t->n_lanes++;
}

static void add_end(hp_transits *t, const hp_plan *plan, const char *tap, const char *who, unsigned zone,
                    const hp_sc_link *link)
{
    const hp_plan_zone *z = &plan->zones[zone];
    hp_path_end *end = &t->ends[t->n_ends++];
    *end = (hp_path_end){.tap = g_strdup(tap), .zone = zone, .up = HP_NO_LANE, .down = HP_NO_LANE};
    if (link != NULL) {
        end->up = add_lane(t, g_strdup_printf("%s/up", who), &link->up);
        end->down = add_lane(t, g_strdup_printf("%s/down", who), &link->down);
    }
    end->crossing = add_lane(t, g_strdup_printf("%s/%s", z->name, who), &z->link);
}

/* An attachment; a CLAT before it has a tap of its own on the same links. */
static void add_attachment(hp_transits *t, const hp_plan *plan, const hp_plan_attachment *at, const char *who)
{
    add_end(t, plan, at->tap, who, at->zone, &at->link);
    if (at->clat != NULL) {
        hp_path_end *end = &t->ends[t->n_ends++];
        *end = t->ends[t->n_ends - 2];
        end->tap = g_strdup_printf("%s/out", at->clat);
    }
}

static void find_ends(hp_transits *t, const hp_plan *plan)
{
    unsigned n = 2 * plan->n_nats + plan->n_servers;
    for (unsigned i = 0; i < plan->n_peers; i++) {
        n += 2 * plan->peers[i].n_interfaces; /* with a CLAT each */
    }
    t->ends = g_new0(hp_path_end, MAX(n, 1));
    t->lanes = g_new0(hp_lane, MAX(n, 1) * HP_PATH_MAX);
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const hp_plan_nat *nat = &plan->nats[i];
        g_autofree char *inside = g_strdup_printf("%s/in", nat->source->name);
        add_attachment(t, plan, &nat->outside, nat->source->name);
        add_end(t, plan, inside, "gateway", nat->inside_zone, NULL);
    }
    for (unsigned i = 0; i < plan->n_servers; i++) {
        add_attachment(t, plan, &plan->servers[i].attachment, plan->servers[i].source->name);
    }
    for (unsigned i = 0; i < plan->n_peers; i++) {
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++) {
            const hp_plan_attachment *at = &plan->peers[i].interfaces[k];
            add_attachment(t, plan, at, at->tap);
        }
    }
}

int hp_lane_find(const hp_transits *t, const char *name)
{
    for (unsigned i = 0; i < t->n_lanes; i++) {
        if (strcmp(t->lanes[i].name, name) == 0) {
            return (int)i;
        }
    }
    return HP_NO_LANE;
}

const hp_lane_epoch *hp_lane_epoch_of(const hp_lane *lane, uint64_t index)
{
    unsigned i = lane->epochs->len - 1;
    while (i > 0 && g_array_index(lane->epochs, hp_lane_epoch, i).index > index) {
        i--;
    }
    return &g_array_index(lane->epochs, hp_lane_epoch, i);
}

bool hp_lane_changes(const hp_lane *lane, uint64_t index, hp_time until)
{
    for (unsigned i = lane->epochs->len; i-- > 1;) {
        const hp_lane_epoch *e = &g_array_index(lane->epochs, hp_lane_epoch, i);
        if (e->index <= index) {
            return false;
        }
        if (e->from <= until) {
            return true;
        }
    }
    return false;
}

unsigned hp_transit_path(const hp_transits *t, const hp_transit *transit, int ret[static HP_PATH_MAX])
{
    const hp_path_end *from = &t->ends[transit->from];
    int to = transit->to;
    unsigned n = 0;
    if (from->up != HP_NO_LANE) {
        ret[n++] = from->up;
    }
    ret[n++] = from->crossing;
    if (to != HP_NO_END && t->ends[to].down != HP_NO_LANE) {
        ret[n++] = t->ends[to].down;
    } else if (transit->end == HP_TRANSIT_LOST && transit->lane != from->up && transit->lane != from->crossing) {
        ret[n++] = transit->lane;
    }
    return n;
}

/* ---- the walk ---- */

typedef struct walk {
    hp_transits *t;
    const hp_plan *plan;
    const hp_trace *trace;
    GHashTable *latest; /* uid -> position of its newest transit + 1; never walked */
    GArray *ends_of_taps; /* int, by tap */
    const hp_step *step; /* the set-link step carried out last */
} walk;

static int end_of_tap(walk *w, uint32_t tap)
{
    if (tap >= hp_trace_n_taps(w->trace)) {
        return HP_NO_END; /* a log damaged by what crashed */
    }
    while (w->ends_of_taps->len <= tap) {
        const char *name = hp_trace_tap_name(w->trace, w->ends_of_taps->len);
        int found = HP_NO_END;
        for (unsigned i = 0; i < w->t->n_ends && found == HP_NO_END; i++) {
            found = strcmp(w->t->ends[i].tap, name) == 0 ? (int)i : HP_NO_END;
        }
        g_array_append_val(w->ends_of_taps, found);
    }
    return g_array_index(w->ends_of_taps, int, tap);
}

static uint32_t fragment_offset(const hp_record *r)
{
    const uint8_t *b = r->packet.bytes;
    if (!r->packet.fragment) {
        return 0;
    }
    if (r->packet.src.family == HP_AF_IPV4) {
        return r->packet.length < 20 ? 0 : (uint32_t)((b[6] & 0x1f) << 8 | b[7]) * 8;
    }
    return r->packet.length < 48 ? 0 : (uint32_t)(b[42] << 8 | b[43]) & 0xfff8; /* the one extension header written */
}

static hp_transit *newest(walk *w, uint64_t uid)
{
    guint at = GPOINTER_TO_UINT(g_hash_table_lookup(w->latest, GSIZE_TO_POINTER(uid)));
    return at == 0 ? NULL : &g_array_index(w->t->list, hp_transit, at - 1);
}

static hp_transit *older(walk *w, const hp_transit *transit)
{
    return transit->next < 0 ? NULL : &g_array_index(w->t->list, hp_transit, (guint)transit->next);
}

static void leave(walk *w, const hp_record *r, int end)
{
    hp_transit transit = {
        .uid = r->packet.uid,
        .index = r->index,
        .packet = r->packet.number,
        .length = r->packet.length,
        .offset = fragment_offset(r),
        .sent = r->at,
        .ended = HP_NEVER,
        .from = end,
        .to = HP_NO_END,
        .lane = HP_NO_LANE,
        .corrupt = r->packet.corrupt,
        .next = -1,
    };
    gpointer key = GSIZE_TO_POINTER(transit.uid);
    for (hp_transit *x = newest(w, transit.uid); x != NULL; x = older(w, x)) {
        if (x->end == HP_TRANSIT_OPEN && x->from != end && w->t->ends[x->from].crossing == w->t->ends[end].crossing) {
            x->end = HP_TRANSIT_ELSEWHERE; /* the host's, now its CLAT's */
            x->ended = r->at;
        }
    }
    transit.next = (int64_t)GPOINTER_TO_UINT(g_hash_table_lookup(w->latest, key)) - 1;
    g_array_append_val(w->t->list, transit);
    g_hash_table_insert(w->latest, key, GUINT_TO_POINTER(w->t->list->len));
}

/* The oldest that is on its way; where all have arrived, one that arrived here, of which this is a copy. */
static hp_transit *find_arrival(walk *w, const hp_record *r, int end, uint32_t offset)
{
    hp_transit *open = NULL, *copy = NULL;
    for (hp_transit *x = newest(w, r->packet.uid); x != NULL; x = older(w, x)) {
        if (x->offset != offset) {
            continue;
        }
        if (x->end == HP_TRANSIT_OPEN) {
            open = x;
        } else if (copy == NULL && x->to == end) {
            copy = x;
        }
    }
    return open != NULL ? open : copy;
}

static void arrive(walk *w, const hp_record *r, int end)
{
    uint32_t offset = fragment_offset(r);
    hp_transit *x = find_arrival(w, r, end, offset);
    bool piece = false;
    if (r->packet.fragment && (x == NULL || r->packet.length < x->length)) {
        x = x != NULL ? x : find_arrival(w, r, end, 0);
        piece = true;
    }
    if (x == NULL) {
        return;
    }
    x->cut |= piece;
    x->copies++;
    x->corrupted |= r->packet.corrupt && !x->corrupt;
    if (x->end == HP_TRANSIT_OPEN) {
        x->end = HP_TRANSIT_ARRIVED;
        x->to = end;
        x->ended = r->at;
    }
}

/* Transits lie in the order of their records' numbers. */
static hp_transit *of_packet(walk *w, uint32_t number)
{
    guint low = 0, high = w->t->list->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (hp_transit_at(w->t, middle)->packet < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == w->t->list->len || hp_transit_at(w->t, low)->packet != number) {
        return NULL;
    }
    return &g_array_index(w->t->list, hp_transit, low);
}

static void drop(walk *w, const hp_record *r)
{
    hp_transit *x = r->drop.packet != 0 ? of_packet(w, r->drop.packet) : NULL;
    if (x == NULL) {
        return; /* it had arrived at a tap, and was dropped behind it */
    }
    x->copies++;
    if (x->end != HP_TRANSIT_OPEN) {
        return;
    }
    x->ended = r->at;
    x->reason = r->drop.reason;
    if (g_str_has_prefix(r->drop.place, "link ")) {
        x->lane = hp_lane_find(w->t, r->drop.place + strlen("link "));
    }
    x->end = x->lane != HP_NO_LANE                                                       ? HP_TRANSIT_LOST
             : strcmp(r->drop.place, w->plan->zones[w->t->ends[x->from].zone].name) == 0 ? HP_TRANSIT_ROUTED
                                                                                         : HP_TRANSIT_ELSEWHERE;
}

static void change_lane(walk *w, const hp_record *r)
{
    int found = hp_lane_find(w->t, r->event.subject);
    if (found == HP_NO_LANE || w->step == NULL) {
        return;
    }
    hp_lane *lane = &w->t->lanes[found];
    const hp_lane_epoch old = g_array_index(lane->epochs, hp_lane_epoch, lane->epochs->len - 1);
    bool down = g_str_has_suffix(lane->name, "/down");
    hp_lane_epoch fresh = {
        .index = r->index,
        .from = r->at,
        .rate_origin = old.rate_origin,
        .outage_origin = old.outage_origin,
        .config = down ? &w->step->link.down_config : &w->step->link.config,
    };
    hp_time origin = fresh.config->times_from_change ? r->at : 0;
    if (!hp_link_config_same_rate(old.config, fresh.config)) {
        fresh.rate_origin = origin;
    }
    if (!hp_link_config_same_outages(old.config, fresh.config)) {
        fresh.outage_origin = origin;
    }
    g_array_append_val(lane->epochs, fresh);
}

static void event(walk *w, const hp_record *r)
{
    const hp_scenario *scenario = w->plan->scenario;
    if (r->event.kind == HP_EV_LINK_CHANGED) {
        change_lane(w, r);
    } else if (r->event.kind == HP_EV_STEP) {
        uint64_t number = hp_record_u64(r, "step");
        bool is_ours =
            number > 0 && number <= scenario->n_steps && scenario->steps[number - 1].kind == HP_STEP_SET_LINK;
        w->step = is_ours ? &scenario->steps[number - 1] : w->step;
    }
}

/* When each change of a link is over for those who passed it before. */
static void find_calm(hp_transits *t)
{
    int path[HP_PATH_MAX];
    for (unsigned i = 0; i < t->list->len; i++) {
        const hp_transit *x = hp_transit_at(t, i);
        unsigned n = x->end == HP_TRANSIT_OPEN ? 0 : hp_transit_path(t, x, path);
        for (unsigned k = 0; k < n; k++) {
            GArray *epochs = t->lanes[path[k]].epochs;
            g_assert(epochs != NULL);
            for (unsigned e = epochs->len; e-- > 1;) {
                hp_lane_epoch *epoch = &g_array_index(epochs, hp_lane_epoch, e);
                if (epoch->index <= x->index) {
                    break;
                }
                epoch->calm = MAX(epoch->calm, x->ended);
            }
        }
    }
}

hp_transits *hp_transits_read(const hp_plan *plan, const hp_trace *trace)
{
    hp_transits *t = g_new0(hp_transits, 1);
    t->list = g_array_new(FALSE, FALSE, sizeof(hp_transit));
    t->end = hp_trace_end(trace);
    find_ends(t, plan);
    walk w = {
        .t = t,
        .plan = plan,
        .trace = trace,
        .latest = g_hash_table_new(NULL, NULL),
        .ends_of_taps = g_array_new(FALSE, FALSE, sizeof(int)),
    };
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(trace, &cursor, &r)) {
        if (r.type == HP_RECORD_PACKET) {
            int end = end_of_tap(&w, r.packet.tap);
            if (end != HP_NO_END && r.packet.dir == HP_DIR_OUT) {
                leave(&w, &r, end);
            } else if (end != HP_NO_END) {
                arrive(&w, &r, end);
            }
        } else if (r.type == HP_RECORD_DROP) {
            drop(&w, &r);
        } else if (r.type == HP_RECORD_EVENT) {
            event(&w, &r);
        }
    }
    g_hash_table_unref(w.latest);
    g_array_unref(w.ends_of_taps);
    find_calm(t);
    return t;
}

void hp_transits_free(hp_transits *t)
{
    if (t == NULL) {
        return;
    }
    for (unsigned i = 0; i < t->n_lanes; i++) {
        g_free(t->lanes[i].name);
        g_array_unref(t->lanes[i].epochs);
    }
    for (unsigned i = 0; i < t->n_ends; i++) {
        g_free(t->ends[i].tap);
    }
    g_free(t->lanes);
    g_free(t->ends);
    g_array_unref(t->list);
    g_free(t);
}
