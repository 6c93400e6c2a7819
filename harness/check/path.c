/* The way that two peers had to each other in the end, and which of their checks never arrived.
 *
 * The last pair that each component selected counts, also where it broke later. What stands at the end may differ from
 * what the oracle was compared with, which is as of the first step that changed the network.
 *
 * Connectivity checks are Binding requests with a PRIORITY (RFC 8445 section 7.1.1) that leave a peer, bare or inside a
 * Send indication or ChannelData (RFC 8656 sections 11 and 12), or that leave a TURN server. A packet keeps its number through links and NATs (hp_packet.uid), so that a drop is ascribed to whoever sent it. Whom a check was for is
 * told by the only peer that its sender had sessions with, else by the remote candidate that it was sent to; of a peer
 * with several others, checks of an address that nobody signalled belong to no path. Checks inside TCP are not looked
 * at: TCP sends again what is lost. */
#include <string.h>

#include "check/checker.h"
#include "wire/match.h"
#include "wire/stun.h"

/* ---- who came to what ---- */

typedef struct path_end {
    unsigned sessions, components;
    bool connected; /* each component had a pair */
    bool relayed, hairpinned;
    hp_time since, failed; /* since when all components were connected; HP_NEVER */
    const char *type, *remote_type; /* of its own and the other's candidate in the first component's pair, or NULL */
    const char *left_in; /* the last state of its last component without a pair, or NULL */
} path_end;

static void look_at(const hp_result *result, unsigned peer, unsigned with, const hp_component_facts *c, path_end *end)
{
    const hp_pair_change *pair = hp_component_pair(c, UINT64_MAX);
    const hp_time connected = hp_component_first(c, HP_CHECK_CONNECTED);
    if (c->states->len == 0) {
        return;
    }
    end->components++;
    end->connected &= pair != NULL;
    end->since = connected == HP_NEVER || end->since == HP_NEVER ? HP_NEVER : MAX(end->since, connected);
    end->failed = MIN(end->failed, hp_component_first(c, HP_CHECK_FAILED));
    if (pair != NULL) {
        const uint8_t types = hp_type_of_name(pair->local) | hp_type_of_name(pair->remote);
        end->relayed |= (types & HP_TYPE_RELAY) != 0;
        end->hairpinned |= hp_oracle_hairpins(result->oracle, peer, with, &pair->remote_address);
        end->remote_type = end->type == NULL ? pair->remote : end->remote_type;
        end->type = end->type == NULL ? pair->local : end->type;
    } else {
        end->left_in = hp_check_state_name(g_array_index(c->states, hp_state_change, c->states->len - 1).state);
    }
}

static path_end look_at_end(const hp_result *result, const hp_facts *facts, unsigned peer, unsigned with)
{
    path_end end = {.connected = true, .failed = HP_NEVER};
    const char *other = facts->plan->peers[with].source->name;
    const hp_peer_facts *p = hp_facts_peer(facts, facts->plan->peers[peer].source->name);
    for (unsigned i = 0; p != NULL && i < p->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(p->sessions, i);
        if (strcmp(s->with, other) != 0 || hp_facts_superseded(facts, s)) {
            continue;
        }
        end.sessions++;
        for (unsigned k = 0; k < s->components->len; k++) {
            look_at(result, peer, with, g_ptr_array_index(s->components, k), &end);
        }
    }
    end.connected &= end.components > 0;
    end.since = end.connected ? end.since : HP_NEVER;
    return end;
}

static bool calls(const hp_step *step, const char *from, const char *to)
{
    if (strcmp(step->call.from, from) != 0) {
        return false;
    }
    bool named = step->call.broadcast;
    for (char **name = step->call.to; name != NULL && *name != NULL; name++) {
        named |= strcmp(*name, to) == 0;
    }
    return named;
}

/* A raw peer's end, as the other one tells it. */
static path_end seen_from(const path_end *agent)
{
    return (path_end){
        .connected = agent->connected, .since = agent->since, .failed = HP_NEVER, .type = agent->remote_type};
}

static const char *left_in(const path_end *end, bool raw)
{
    return raw || end->connected || end->failed != HP_NEVER ? NULL : end->left_in != NULL ? end->left_in : "";
}

/* When the first call between the two was made, else the first call at all. */
static hp_time called(const hp_facts *facts, const char *a, const char *b)
{
    for (unsigned i = 0; i < facts->plan->scenario->n_steps; i++) {
        const hp_step *step = &facts->plan->scenario->steps[i];
        if (step->kind == HP_STEP_CALL && facts->steps[i].reached && (calls(step, a, b) || calls(step, b, a))) {
            return facts->steps[i].at;
        }
    }
    return facts->first_call;
}

static bool make_path(const hp_result *result, const hp_facts *facts, unsigned a, unsigned b, hp_path_result *ret)
{
    path_end one = look_at_end(result, facts, a, b), other = look_at_end(result, facts, b, a);
    const bool raw[] = {facts->plan->peers[a].source->is_raw, facts->plan->peers[b].source->is_raw};
    if (one.sessions + other.sessions == 0) {
        return false;
    }
    one = raw[0] && !raw[1] ? seen_from(&other) : one;
    other = raw[1] && !raw[0] ? seen_from(&one) : other;
    *ret = (hp_path_result){.a = facts->plan->peers[a].source->name,
                            .b = facts->plan->peers[b].source->name,
                            .connected = HP_NEVER,
                            .failed = {one.failed, other.failed},
                            .left_in = {left_in(&one, raw[0]), left_in(&other, raw[1])}};
    const hp_time since = one.since == HP_NEVER || other.since == HP_NEVER ? HP_NEVER : MAX(one.since, other.since);
    const hp_time call = called(facts, ret->a, ret->b);
    if (since != HP_NEVER && call <= since) {
        ret->connected = since - call;
    }
    if (one.connected && other.connected) {
        ret->kind = one.relayed || other.relayed         ? HP_OUTCOME_RELAY
                    : one.hairpinned || other.hairpinned ? HP_OUTCOME_HAIRPIN
                                                         : HP_OUTCOME_DIRECT;
        ret->a_type = g_string_chunk_insert_const(result->strings, one.type);
        ret->b_type = g_string_chunk_insert_const(result->strings, other.type);
    }
    for (unsigned i = 0; i < result->n_predictions; i++) {
        const hp_oracle_result *p = &result->predictions[i];
        if (strcmp(p->a, ret->a) == 0 && strcmp(p->b, ret->b) == 0) {
            ret->prediction = p;
        }
    }
    return true;
}

/* ---- checks that were dropped ---- */

/* A check under way. */
typedef struct check {
    unsigned from, to; /* of the plan */
} check;

typedef struct search {
    hp_result *result;
    const hp_facts *facts;
    const hp_trace *trace;
    GHashTable *senders; /* tap + 1 to peer + 1, or to -1 for a server; others are absent */
    GHashTable *only; /* peer + 1 to the only peer + 1 it had sessions with */
    GHashTable *locals; /* address of a relay candidate to peer + 1 */
    GHashTable *remotes; /* "peer address" to peer + 1 */
    GHashTable *checks; /* uid to check */
    GArray **drops; /* hp_path_drops, by path */
} search;

/* Whether a packet is a check, and the address that it is for: its own, or a Send indication's peer. Where ChannelData
 * goes is not known here. */
static bool is_check(const hp_record *r, hp_addr *ret_for)
{
    const hp_match_subject subject = hp_record_subject(r);
    hp_stun_msg m;
    hp_stun_attr a;
    if (r->packet.payload == NULL || r->packet.fragment || !hp_match_ice_check(&subject)) {
        return false;
    }
    *ret_for = r->packet.dst;
    if (!hp_stun_parse(r->packet.payload, r->packet.payload_length, &m)) {
        *ret_for = (hp_addr){0};
    } else if (m.method == HP_STUN_SEND && hp_stun_find(&m, HP_STUN_XOR_PEER_ADDRESS, &a)) {
        (void)hp_stun_attr_addr(&m, &a, true, ret_for);
    }
    return true;
}

static char *remote_name(int peer, const hp_addr *addr)
{
    char text[HP_ADDR_TEXT];
    return g_strdup_printf("%d %s", peer, hp_addr_format(addr, text));
}

/* Peer + 1, or 0. */
static int find_other(const search *s, int peer, const hp_addr *addr)
{
    const int only = GPOINTER_TO_INT(g_hash_table_lookup(s->only, GINT_TO_POINTER(peer + 1)));
    if (only > 0) {
        return only;
    }
    g_autofree char *name = remote_name(peer, addr);
    return GPOINTER_TO_INT(g_hash_table_lookup(s->remotes, name));
}

static void see_packet(search *s, const hp_record *r)
{
    hp_addr to;
    int peer = GPOINTER_TO_INT(g_hash_table_lookup(s->senders, GUINT_TO_POINTER(r->packet.tap + 1)));
    if (r->packet.dir != HP_DIR_OUT || peer == 0 || !is_check(r, &to)) {
        return;
    }
    if (peer < 0) {
        peer = GPOINTER_TO_INT(g_hash_table_lookup(s->locals, &r->packet.src));
    }
    const int other = peer > 0 ? find_other(s, peer - 1, &to) : 0;
    if (other > 0) {
        check *c = g_new(check, 1);
        *c = (check){(unsigned)peer - 1, (unsigned)other - 1};
        g_hash_table_replace(s->checks, g_memdup2(&r->packet.uid, sizeof r->packet.uid), c);
    }
}

static void see_event(search *s, const hp_record *r)
{
    const int peer = hp_plan_find_peer(s->facts->plan, r->event.subject);
    const hp_addr addr = hp_record_addr(r, "address");
    if (peer < 0) {
        return;
    }
    if (r->event.kind == HP_EV_CANDIDATE && strcmp(hp_record_text(r, "type"), "relay") == 0) {
        g_hash_table_replace(s->locals, g_memdup2(&addr, sizeof addr), GINT_TO_POINTER(peer + 1));
    } else if (r->event.kind == HP_EV_REMOTE_CANDIDATE) {
        const hp_session_facts *session =
            hp_facts_session(s->facts, r->event.subject, (unsigned)hp_record_u64(r, "session"));
        const int with = session != NULL ? hp_plan_find_peer(s->facts->plan, session->with) : -1;
        g_hash_table_replace(s->remotes, remote_name(peer, &addr), GINT_TO_POINTER(with + 1));
    }
}

static void see_drop(search *s, const hp_record *r)
{
    const check *c = g_hash_table_lookup(s->checks, &r->drop.uid);
    if (c == NULL) {
        return;
    }
    const char *from = s->facts->plan->peers[c->from].source->name, *to = s->facts->plan->peers[c->to].source->name;
    for (unsigned i = 0; i < s->result->n_paths; i++) {
        const hp_path_result *path = &s->result->paths[i];
        if ((strcmp(path->a, from) != 0 || strcmp(path->b, to) != 0) &&
            (strcmp(path->a, to) != 0 || strcmp(path->b, from) != 0)) {
            continue;
        }
        const char *place = g_string_chunk_insert_const(s->result->strings, r->drop.place);
        for (unsigned k = 0; k < s->drops[i]->len; k++) {
            hp_path_drops *known = &g_array_index(s->drops[i], hp_path_drops, k);
            if (known->place == place && known->reason == r->drop.reason && strcmp(known->by, from) == 0) {
                known->count++;
                return;
            }
        }
        const hp_path_drops fresh = {.by = from, .place = place, .reason = r->drop.reason, .count = 1};
        g_array_append_val(s->drops[i], fresh);
        return;
    }
}

static void know_senders(search *s)
{
    const hp_plan *plan = s->facts->plan;
    for (unsigned tap = 0; tap < hp_trace_n_taps(s->trace); tap++) {
        const char *name = hp_trace_tap_name(s->trace, tap);
        for (unsigned i = 0; i < plan->n_peers; i++) {
            if (hp_tap_is_of(name, plan->peers[i].source->name)) {
                g_hash_table_insert(s->senders, GUINT_TO_POINTER(tap + 1), GINT_TO_POINTER((int)i + 1));
            }
        }
        for (unsigned i = 0; i < plan->n_servers; i++) {
            if (hp_tap_is_of(name, plan->servers[i].source->name)) {
                g_hash_table_insert(s->senders, GUINT_TO_POINTER(tap + 1), GINT_TO_POINTER(-1));
            }
        }
    }
}

static void know_others(search *s)
{
    for (unsigned i = 0; i < s->result->n_paths; i++) {
        const hp_path_result *path = &s->result->paths[i];
        const int ends[] = {hp_plan_find_peer(s->facts->plan, path->a), hp_plan_find_peer(s->facts->plan, path->b)};
        for (unsigned k = 0; k < 2; k++) {
            gpointer key = GINT_TO_POINTER(ends[k] + 1);
            const bool another = g_hash_table_contains(s->only, key);
            g_hash_table_insert(s->only, key, GINT_TO_POINTER(another ? 0 : ends[1 - k] + 1));
        }
    }
}

static gint by_count(gconstpointer a, gconstpointer b)
{
    const hp_path_drops *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    const int place = strcmp(x->place, y->place), by = strcmp(x->by, y->by);
    return by != 0 ? by : place != 0 ? place : (int)x->reason - (int)y->reason;
}

static guint addr_hash(gconstpointer data)
{
    return (guint)hp_addr_hash(data);
}

static gboolean addr_equal(gconstpointer a, gconstpointer b)
{
    return hp_addr_equal(a, b);
}

static void count_drops(hp_result *result, const hp_facts *facts, const hp_trace *trace)
{
    search s = {.result = result,
                .facts = facts,
                .trace = trace,
                .senders = g_hash_table_new(NULL, NULL),
                .only = g_hash_table_new(NULL, NULL),
                .locals = g_hash_table_new_full(addr_hash, addr_equal, g_free, NULL),
                .remotes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                .checks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
                .drops = g_new(GArray *, result->n_paths)};
    for (unsigned i = 0; i < result->n_paths; i++) {
        s.drops[i] = g_array_new(FALSE, FALSE, sizeof(hp_path_drops));
    }
    know_senders(&s);
    know_others(&s);
    hp_trace_cursor cursor = {0};
    hp_record r;
    const unsigned types = 1 << HP_RECORD_PACKET | 1 << HP_RECORD_DROP | 1 << HP_RECORD_EVENT;
    while (hp_trace_next_of(trace, &cursor, types, &r)) {
        if (r.type == HP_RECORD_PACKET) {
            see_packet(&s, &r);
        } else if (r.type == HP_RECORD_DROP) {
            see_drop(&s, &r);
        } else if (r.event.kind == HP_EV_CANDIDATE || r.event.kind == HP_EV_REMOTE_CANDIDATE) {
            see_event(&s, &r);
        }
    }
    for (unsigned i = 0; i < result->n_paths; i++) {
        hp_path_result *path = &result->paths[i];
        if (path->kind == HP_OUTCOME_DIRECT) {
            g_array_unref(s.drops[i]);
            continue;
        }
        g_array_sort(s.drops[i], by_count);
        path->n_drops = s.drops[i]->len;
        path->drops = (hp_path_drops *)(void *)g_array_free(s.drops[i], FALSE);
    }
    g_free(s.drops);
    g_hash_table_unref(s.senders);
    g_hash_table_unref(s.only);
    g_hash_table_unref(s.locals);
    g_hash_table_unref(s.remotes);
    g_hash_table_unref(s.checks);
}

void hp_result_fill_paths(hp_result *result, const hp_facts *facts, const hp_trace *trace)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(hp_path_result));
    bool all_direct = true;
    for (unsigned a = 0; a < facts->plan->n_peers; a++) {
        for (unsigned b = a + 1; b < facts->plan->n_peers; b++) {
            hp_path_result path;
            if (make_path(result, facts, a, b, &path)) {
                all_direct &= path.kind == HP_OUTCOME_DIRECT;
                g_array_append_val(rows, path);
            }
        }
    }
    result->n_paths = rows->len;
    result->paths = (hp_path_result *)(void *)g_array_free(g_steal_pointer(&rows), FALSE);
    if (!all_direct && facts->drops > 0) {
        count_drops(result, facts, trace);
    }
}
