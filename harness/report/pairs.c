/* Candidate pairs from what was sent and what was told.
 *
 * A request belongs to the pair of where its sender sent it from (a base, or the relayed address that a TURN server sends
 * it from) and what it was for; an answer to the pair of its request, by transaction id. Which session and component a
 * pair is of, and the types of its ends, the events about candidates tell; a remote address that no event told is peer
 * reflexive (RFC 8445 section 7.3.1.3). What becomes of pairs over time is pairs_spans.c's. */
#include "report/pairs_private.h"

/* ---- life and death ---- */

static void free_pair(gpointer data)
{
    hp_pair *pair = data;
    g_free(pair->peer);
    g_free(pair->with);
    g_free(pair->local_type);
    g_free(pair->remote_type);
    g_free(pair->via);
    g_array_unref(pair->spans);
    g_array_unref(pair->checks);
    g_free(pair);
}

hp_pairs *hp_pairs_new(void)
{
    hp_pairs *p = g_new0(hp_pairs, 1);
    p->strings = g_string_chunk_new(512);
    p->candidates = g_array_new(FALSE, FALSE, sizeof(hp_pairs_candidate));
    p->changes = g_array_new(FALSE, FALSE, sizeof(hp_pairs_change));
    p->selections = g_array_new(FALSE, FALSE, sizeof(hp_pairs_selection));
    p->withs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->pairs = g_ptr_array_new_with_free_func(free_pair);
    p->requests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->nominating = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->nominations = g_array_new(FALSE, FALSE, sizeof(hp_pairs_message));
    return p;
}

void hp_pairs_free(hp_pairs *p)
{
    if (p == NULL) {
        return;
    }
    g_array_unref(p->candidates);
    g_array_unref(p->changes);
    g_array_unref(p->selections);
    g_array_unref(p->nominations);
    g_hash_table_unref(p->withs);
    g_hash_table_unref(p->requests);
    g_hash_table_unref(p->nominating);
    g_clear_pointer(&p->pairs, g_ptr_array_unref);
    g_string_chunk_free(p->strings);
    g_free(p);
}

/* ---- events ---- */

static const char *keep(const hp_pairs *p, const char *text)
{
    return g_string_chunk_insert_const(p->strings, text);
}

static char *session_name(const char *peer, unsigned session)
{
    return g_strdup_printf("%u %s", session, peer);
}

static hp_pairs_place place_of(const hp_pairs *p, const hp_evidence_line *line)
{
    return (hp_pairs_place){.peer = keep(p, line->subject),
                            .session = (unsigned)hp_evidence_u64(line->object, "session"),
                            .stream = (unsigned)hp_evidence_u64(line->object, "stream"),
                            .component = (unsigned)hp_evidence_u64(line->object, "component")};
}

static void note_with(const hp_pairs *p, const hp_evidence_line *line)
{
    const char *with = hp_evidence_text(line->object, "with");
    if (with[0] != '\0') {
        g_hash_table_replace(p->withs, session_name(line->subject, (unsigned)hp_evidence_u64(line->object, "session")),
                             (char *)keep(p, with));
    }
}

static hp_addr addr_of(JsonObject *o, const char *key)
{
    hp_addr addr = {0};
    (void)hp_addr_parse(hp_evidence_text(o, key), &addr);
    return addr;
}

static void on_candidate(const hp_pairs *p, const hp_evidence_line *line, bool remote)
{
    JsonObject *o = line->object;
    const hp_pairs_candidate c = {.of = place_of(p, line),
                                  .at = line->at,
                                  .remote = remote,
                                  .tcp = g_str_has_prefix(hp_evidence_text(o, "transport"), "tcp"),
                                  .type = keep(p, hp_evidence_text(o, "type")),
                                  .server = keep(p, hp_evidence_text(o, "server")),
                                  .addr = addr_of(o, "address"),
                                  .base = addr_of(o, "base")};
    g_array_append_val(p->candidates, c);
}

static void on_state(const hp_pairs *p, const hp_evidence_line *line)
{
    const char *state = hp_evidence_text(line->object, "state");
    const hp_pairs_change c = {.of = place_of(p, line),
                               .at = line->at,
                               .failed = strcmp(state, "failed") == 0,
                               .ready = strcmp(state, "ready") == 0};
    if (c.failed || c.ready) {
        g_array_append_val(p->changes, c);
    }
}

static void on_selected(const hp_pairs *p, const hp_evidence_line *line)
{
    JsonObject *o = line->object;
    const hp_pairs_selection s = {.of = place_of(p, line),
                                  .at = line->at,
                                  .local_type = keep(p, hp_evidence_text(o, "local")),
                                  .remote_type = keep(p, hp_evidence_text(o, "remote")),
                                  .local = addr_of(o, "local-address"),
                                  .base = addr_of(o, "local-base"),
                                  .remote = addr_of(o, "remote-address"),
                                  .tcp = g_str_has_prefix(hp_evidence_text(o, "transport"), "tcp")};
    g_array_append_val(p->selections, s);
}

void hp_pairs_event(hp_pairs *p, const hp_evidence_line *line)
{
    const hp_event_kind kind = line->event;
    if (kind == HP_EV_ICE_STATE || kind == HP_EV_SELECTED_PAIR) {
        note_with(p, line);
    }
    if (kind == HP_EV_CANDIDATE || kind == HP_EV_REMOTE_CANDIDATE) {
        on_candidate(p, line, kind == HP_EV_REMOTE_CANDIDATE);
    } else if (kind == HP_EV_ICE_STATE) {
        on_state(p, line);
    } else if (kind == HP_EV_SELECTED_PAIR) {
        on_selected(p, line);
    } else if (kind == HP_EV_PEER_CLOSED) {
        const hp_pairs_change c = {.of = place_of(p, line), .at = line->at, .closed = true};
        g_array_append_val(p->changes, c);
    }
}

/* ---- which pair ---- */

/* The last candidate of a peer until `at` for which this holds: of its own whose base or relayed address it is, or one of
 * the other side. TCP that is opened has a port that no candidate names. */
static const hp_pairs_candidate *find_candidate(const hp_pairs *p, const char *peer, bool remote, bool tcp,
                                                const hp_addr *addr)
{
    const hp_pairs_candidate *found = NULL;
    for (unsigned i = 0; i < p->candidates->len; i++) {
        const hp_pairs_candidate *c = &g_array_index(p->candidates, hp_pairs_candidate, i);
        const bool relayed = strcmp(c->type, "relay") == 0;
        const hp_addr *own = remote || relayed ? &c->addr : &c->base;
        const bool host = remote || relayed || strcmp(c->type, "host") == 0;
        if (c->remote == remote && c->tcp == tcp && host && strcmp(c->of.peer, peer) == 0 &&
            (hp_addr_equal(own, addr) || (tcp && !remote && own->port == 0 && hp_addr_same_ip(own, addr)))) {
            found = c;
        }
    }
    return found;
}

/* The relay candidate that a peer has at a server; best one with that base, of that family. */
static const hp_pairs_candidate *find_relay(const hp_pairs *p, const hp_pairs_message *m)
{
    const hp_pairs_candidate *found = NULL;
    bool sure = false;
    for (unsigned i = 0; i < p->candidates->len; i++) {
        const hp_pairs_candidate *c = &g_array_index(p->candidates, hp_pairs_candidate, i);
        const bool fits = !c->remote && strcmp(c->type, "relay") == 0 && strcmp(c->of.peer, m->peer) == 0 &&
                          g_strcmp0(c->server, m->server) == 0 &&
                          (m->dst.family == HP_AF_NONE || c->addr.family == m->dst.family);
        const bool based = fits && hp_addr_equal(&c->base, &m->src);
        if (fits && (based || !sure)) {
            found = c;
            sure = sure || based;
        }
    }
    return found;
}

hp_pair *hp_pairs_add(const hp_pairs *p, const char *peer)
{
    hp_pair *pair = g_new0(hp_pair, 1);
    pair->peer = g_strdup(peer);
    pair->spans = g_array_new(FALSE, FALSE, sizeof(hp_pair_span));
    pair->checks = g_array_new(FALSE, FALSE, sizeof(hp_pair_check));
    pair->nominated = pair->selected = pair->known = pair->first = pair->success = pair->refused = pair->asked =
        HP_NEVER;
    g_ptr_array_add(p->pairs, pair);
    return pair;
}

void hp_pairs_put(const hp_pairs *p, hp_pair *pair, const hp_pairs_place *of)
{
    g_autofree char *name = session_name(of->peer, of->session);
    const char *with = g_hash_table_lookup(p->withs, name);
    pair->session = of->session;
    pair->stream = of->stream;
    pair->component = of->component;
    g_free(pair->with);
    pair->with = g_strdup(with != NULL ? with : "");
}

static hp_pair *find_pair(const hp_pairs *p, const hp_pairs_message *m, const hp_addr *from)
{
    for (unsigned i = p->pairs->len; i > 0; i--) {
        hp_pair *pair = g_ptr_array_index(p->pairs, i - 1);
        if (pair->tcp == m->tcp && pair->user == m->user && strcmp(pair->peer, m->peer) == 0 &&
            hp_addr_equal(&pair->sent_from, from) && hp_addr_equal(&pair->remote, &m->dst)) {
            return pair;
        }
    }
    return NULL;
}

/* The pair of a request, made when it is the first. */
static hp_pair *pair_of(const hp_pairs *p, const hp_pairs_message *m)
{
    const hp_pairs_candidate *local =
        m->server != NULL && !m->relay_side ? find_relay(p, m) : find_candidate(p, m->peer, false, m->tcp, &m->src);
    const hp_pairs_candidate *remote = find_candidate(p, m->peer, true, m->tcp, &m->dst);
    const hp_addr from = m->server != NULL && local != NULL ? local->addr : m->src;
    hp_pair *pair = find_pair(p, m, &from);
    if (pair != NULL) {
        return pair;
    }
    pair = hp_pairs_add(p, m->peer);
    pair->tcp = m->tcp;
    pair->user = m->user;
    pair->sent_from = pair->local = from;
    pair->remote = m->dst;
    pair->local_type = g_strdup(m->server != NULL ? "relay" : "host");
    pair->remote_type = g_strdup(remote != NULL ? remote->type : "prflx");
    pair->via = g_strdup(m->server);
    pair->with = g_strdup("");
    if (local != NULL || remote != NULL) {
        hp_pairs_put(p, pair, local != NULL ? &local->of : &remote->of);
    }
    if (local != NULL && remote != NULL) {
        pair->known = MAX(local->at, remote->at);
    }
    return pair;
}

/* ---- messages ---- */

static char *id_name(const hp_pairs_message *m)
{
    GString *name = g_string_sized_new(2 * sizeof m->id + 1);
    for (unsigned i = 0; i < sizeof m->id; i++) {
        g_string_append_printf(name, "%02x", m->id[i]);
    }
    return g_string_free(name, FALSE);
}

static void add_check(const hp_pair *pair, hp_time at, const char *what, uint32_t packet)
{
    const hp_pair_check check = {at, what, packet};
    g_array_append_val(pair->checks, check);
}

static void tell_request(hp_pairs *p, const hp_pairs_message *m)
{
    hp_pair *pair = pair_of(p, m);
    char *id = id_name(m);
    pair->first = MIN(pair->first, m->at);
    pair->last = MAX(pair->last, m->at);
    add_check(pair, m->at, m->dropped ? "dropped" : "request", m->packet);
    if (m->nominates) {
        g_hash_table_add(p->nominating, g_strdup(id));
        g_array_append_val(p->nominations, *m);
    }
    g_hash_table_replace(p->requests, id, pair);
}

static void tell_answer(const hp_pairs *p, const hp_pairs_message *m)
{
    enum { ROLE_CONFLICT = 487 }; /* RFC 8445 section 7.2.5.1: the check is sent again in the other role */
    g_autofree char *id = id_name(m);
    hp_pair *pair = g_hash_table_lookup(p->requests, id);
    if (pair == NULL) {
        return;
    }
    if (m->dropped || m->arrived == HP_NEVER) {
        add_check(pair, m->at, "dropped", m->packet);
    } else if (m->cls == HP_STUN_SUCCESS) {
        add_check(pair, m->arrived, "success", m->packet);
        pair->success = MIN(pair->success, m->arrived);
        if (g_hash_table_contains(p->nominating, id)) {
            pair->nominated = MIN(pair->nominated, m->arrived);
        }
    } else {
        add_check(pair, m->arrived, "error", m->packet);
        if (m->code != ROLE_CONFLICT) {
            pair->refused = MIN(pair->refused, m->arrived);
        }
    }
}

void hp_pairs_tell(hp_pairs *p, const hp_pairs_message *m)
{
    switch (m->cls) {
    case HP_STUN_REQUEST:
        tell_request(p, m);
        break;
    case HP_STUN_SUCCESS:
    case HP_STUN_ERROR:
        tell_answer(p, m);
        break;
    case HP_STUN_INDICATION:
        break;
    }
}
