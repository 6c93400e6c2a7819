/* Legs to entries: what each packet meant in the call, from its first sender to its last receiver.
 *
 *   with a server       a request and its answer are one exchange, told at the time of the request. A request that was
 *                       sent again under the same transaction id (RFC 8489 section 6.2.1) is a try of the same exchange;
 *                       what was dropped on the way is an arrow of its own.
 *   between peers       connectivity checks (RFC 8445 section 7) by what they are: plain or nominating, their answers,
 *                       keepalives
 *   DTLS                datagrams of one flight are one arrow; a flight that was sent before is marked
 *   the rest            by track, or as data
 *
 * An acknowledgement of TCP is no message, nor is what a host sends to itself.
 *
 * A relayed packet is one arrow from peer to peer with the server in `via`. Whoever a lost packet was for is told by its
 * address, if any candidate, host or earlier arrival had it. */
#include "report/ladder_private.h"
#include "report/pairs.h"

typedef struct exchange {
    hp_ladder_draft *draft;
    unsigned tries;
} exchange;

typedef struct messages {
    hp_ladder_builder *b;
    GHashTable *exchanges; /* transaction id in hex to exchange */
    GHashTable *flights; /* DTLS messages seen, as keys */
    GHashTable *associations; /* "from to" to how many ClientHello messages began one */
    hp_ladder_draft *dtls; /* the last DTLS entry, or NULL */
} messages;

/* A packet from end to end. */
typedef struct message {
    const hp_ladder_leg *head;
    const hp_ladder_wire *wire;
    int from, to, via;
    char *dropped; /* owned */
} message;

static const char *name_of(const messages *m, int participant)
{
    const hp_ladder_participant *p = g_ptr_array_index(m->b->ladder->participants, participant);
    return p->name;
}

static bool is_server(const messages *m, int participant)
{
    return participant != HP_LADDER_NOBODY && hp_ladder_is_server(m->b, participant);
}

static message message_of(const messages *m, const hp_ladder_leg *head)
{
    const hp_ladder_leg *tail = head;
    while (tail->onwards != NULL) {
        tail = tail->onwards;
    }
    message x = {.head = head, .wire = &head->wire, .from = head->from, .to = tail->to, .via = HP_LADDER_NOBODY};
    if (head->onwards != NULL) {
        x.via = head->to;
    }
    if (x.to == HP_LADDER_NOBODY) {
        x.to = hp_ladder_owner(m->b, &tail->dst);
    }
    /* What a server was to pass on, to the owner of its relayed address or by a client's word, and did not. */
    bool unrelayed = false;
    if (tail == head && is_server(m, x.to)) {
        const int peer = hp_ladder_owner(m->b, head->wire.wrapped ? &head->wire.peer : &head->dst);
        const bool unseen = g_hash_table_contains(m->b->streamers, GINT_TO_POINTER(peer)); /* ladder_segment.c */
        unrelayed = (head->wire.wrapped && !unseen) || (!unseen && peer != HP_LADDER_NOBODY && !is_server(m, peer));
        if (peer != HP_LADDER_NOBODY && !is_server(m, peer) && peer != x.from && !unseen) {
            x.via = x.to;
            x.to = peer;
        }
    }
    x.dropped = hp_ladder_leg_fate(m->b, tail);
    if (x.dropped == NULL && unrelayed) {
        x.dropped = g_strdup_printf("not relayed by %s", name_of(m, tail->to));
    }
    return x;
}

static const char *served_by(const hp_ladder_wire *w)
{
    return w->dns != NULL ? "dns" : w->method == HP_STUN_BINDING ? "stun" : "turn";
}

static hp_ladder_draft *add(messages *m, message *x, hp_ladder_kind kind, char *text)
{
    hp_ladder_draft *draft = hp_ladder_add(m->b, x->head->at, HP_LADDER_ARROW, kind, x->from, x->to, text);
    draft->entry.via = x->via;
    draft->entry.packet = x->head->number;
    draft->entry.src = x->head->src;
    draft->entry.dst = x->head->dst;
    draft->entry.served = kind == HP_LADDER_SERVED ? served_by(x->wire) : NULL;
    draft->entry.dropped = g_steal_pointer(&x->dropped);
    draft->folds = true;
    return draft;
}

/* ---- with a server ---- */

static char *method_text(const hp_ladder_wire *w)
{
    const char *name = hp_stun_method_name(w->method);
    return name != NULL ? g_strdup(name) : g_strdup_printf("method 0x%03x", w->method);
}

static char *id_text(const hp_ladder_wire *w)
{
    GString *text = g_string_sized_new(2 * sizeof w->id);
    for (unsigned i = 0; i < sizeof w->id; i++) {
        g_string_append_printf(text, "%02x", w->id[i]);
    }
    return g_string_free(text, FALSE);
}

static void add_request(messages *m, message *x)
{
    g_autofree char *id = id_text(x->wire);
    exchange *known = g_hash_table_lookup(m->exchanges, id);
    if (x->dropped == NULL && known != NULL) {
        known->tries++;
        known->draft->entry.last = x->head->at;
        return;
    }
    const bool lost = x->dropped != NULL;
    g_autofree char *method = method_text(x->wire);
    hp_ladder_draft *draft = add(m, x, HP_LADDER_SERVED, g_strdup_printf("%s%s", method, lost ? "" : ": no answer"));
    if (!lost) {
        known = g_new0(exchange, 1);
        *known = (exchange){draft, 1};
        g_hash_table_insert(m->exchanges, g_steal_pointer(&id), known);
    }
}

static char *answer_text(const hp_ladder_wire *w)
{
    g_autofree char *method = method_text(w);
    if (w->cls == HP_STUN_SUCCESS) {
        return g_strdup_printf("%s: ok", method);
    }
    const char *reason = hp_stun_error_reason(w->code);
    return g_strdup_printf("%s: %u%s%s", method, w->code, reason != NULL ? " " : "", reason != NULL ? reason : "");
}

static char *answer_note(const exchange *e, const message *x)
{
    char span[HP_TIME_TEXT], addr[HP_ADDR_TEXT];
    const bool has_addr = x->wire->mapped.family != HP_AF_NONE;
    g_autofree char *tries = e->tries > 1 ? g_strdup_printf(", %u tries", e->tries) : g_strdup("");
    return g_strdup_printf("%s%s%s%s", has_addr ? hp_addr_format(&x->wire->mapped, addr) : "", has_addr ? ", " : "",
                           hp_time_format(x->head->arrived - e->draft->entry.at, span), tries);
}

/* 401 and 438 are how authentication begins and goes on (RFC 8489 section 9.2.4), not failures. */
static bool is_failure(const hp_ladder_wire *w)
{
    return w->cls == HP_STUN_ERROR && w->code != 401 && w->code != 438;
}

static void add_answer(messages *m, message *x)
{
    g_autofree char *id = id_text(x->wire);
    exchange *known = g_hash_table_lookup(m->exchanges, id);
    if (x->dropped != NULL || known == NULL) {
        hp_ladder_draft *draft = add(m, x, HP_LADDER_SERVED, answer_text(x->wire));
        draft->entry.bad = is_failure(x->wire);
        return;
    }
    hp_ladder_entry *entry = &known->draft->entry;
    if (entry->shape == HP_LADDER_EXCHANGE) {
        return; /* the answer to another try */
    }
    entry->shape = HP_LADDER_EXCHANGE;
    g_free(entry->text);
    entry->text = answer_text(x->wire);
    g_free(entry->note);
    entry->note = answer_note(known, x);
    entry->bad = is_failure(x->wire);
}

/* A request or an answer by itself. One that is sent again says the same again. */
static void add_apart(messages *m, message *x)
{
    const hp_ladder_wire *w = x->wire;
    g_autofree char *method = method_text(w);
    const char *reason = w->cls == HP_STUN_ERROR ? hp_stun_error_reason(w->code) : NULL;
    char *text = w->cls != HP_STUN_ERROR ? g_strdup_printf("%s %s", method, hp_stun_class_name(w->cls))
                                         : g_strdup_printf("%s error %u%s%s", method, w->code,
                                                           reason != NULL ? " " : "", reason != NULL ? reason : "");
    hp_ladder_draft *draft = add(m, x, HP_LADDER_SERVED, text);
    draft->folds = false;
    draft->entry.bad = is_failure(w);
}

/* ---- between peers ---- */

/* For the timeline of pairs: who checked what, and what became of it. */
static void tell_pairs(const messages *m, const message *x)
{
    const hp_ladder_leg *head = x->head, *tail = head;
    while (tail->onwards != NULL) {
        tail = tail->onwards;
    }
    const hp_ladder_wire *w = x->wire;
    const bool from_server = is_server(m, x->from);
    const int from = from_server ? hp_ladder_owner(m->b, &head->src) : x->from;
    const int relay = from_server                    ? x->from
                      : !w->wrapped                  ? HP_LADDER_NOBODY
                      : head->to != HP_LADDER_NOBODY ? head->to
                                                     : hp_ladder_owner(m->b, &head->dst);
    if (from == HP_LADDER_NOBODY || is_server(m, from) || (w->wrapped && relay == HP_LADDER_NOBODY)) {
        return;
    }
    hp_pairs_message said = {.at = head->at,
                             .arrived = tail->arrived,
                             .peer = name_of(m, from),
                             .to = tail->to != HP_LADDER_NOBODY ? name_of(m, tail->to) : NULL,
                             .server = relay != HP_LADDER_NOBODY ? name_of(m, relay) : NULL,
                             .tcp = w->proto == HP_PROTO_TCP && !w->wrapped,
                             .cls = w->cls,
                             .code = w->code,
                             .nominates = w->nominates,
                             .user = w->user,
                             .src = head->src,
                             .dst = w->wrapped ? w->peer : head->dst,
                             .relay_side = from_server,
                             .seen_from = tail->wire.wrapped ? tail->wire.peer : tail->last_src,
                             .seen_at = tail->wire.wrapped ? (hp_addr){0} : tail->last_dst,
                             .dropped = x->dropped != NULL,
                             .packet = head->number};
    memcpy(said.id, w->id, sizeof said.id);
    hp_pairs_tell(m->b->pairs, &said);
}

static void add_check(messages *m, message *x)
{
    const hp_ladder_wire *w = x->wire;
    if (m->b->pairs != NULL && w->method == HP_STUN_BINDING) {
        tell_pairs(m, x);
    }
    switch (w->cls) {
    case HP_STUN_REQUEST:
        add(m, x, HP_LADDER_CHECK, g_strdup(w->nominates ? "nominating check" : "check"));
        break;
    case HP_STUN_INDICATION:
        add(m, x, HP_LADDER_CHECK, g_strdup("keepalive"));
        break;
    case HP_STUN_SUCCESS:
        add(m, x, HP_LADDER_CHECK, g_strdup("check: ok"));
        break;
    case HP_STUN_ERROR: {
        g_autofree char *answer = answer_text(w);
        hp_ladder_draft *draft = add(m, x, HP_LADDER_CHECK, g_strdup_printf("check%s", strchr(answer, ':')));
        draft->entry.bad = true;
        break;
    }
    }
}

static void add_stun(messages *m, message *x)
{
    const hp_ladder_wire *w = x->wire;
    const bool direct = !w->wrapped && x->via == HP_LADDER_NOBODY;
    const bool answers = w->cls == HP_STUN_SUCCESS || w->cls == HP_STUN_ERROR;
    if (m->b->options->detailed && direct && (is_server(m, x->to) || is_server(m, x->from)) &&
        (w->cls == HP_STUN_REQUEST || answers)) {
        add_apart(m, x);
    } else if (direct && is_server(m, x->to) && w->cls == HP_STUN_REQUEST) {
        add_request(m, x);
    } else if (direct && is_server(m, x->from) && answers) {
        add_answer(m, x);
    } else if (direct && (is_server(m, x->to) || w->method != HP_STUN_BINDING)) {
        g_autofree char *method = method_text(w);
        add(m, x, HP_LADDER_SERVED,
            w->tells_icmp ? g_strdup("ICMP error, told by Data")
                          : g_strdup_printf("%s %s", method, hp_stun_class_name(w->cls)));
    } else {
        add_check(m, x);
    }
}

/* ---- DTLS ---- */

static char *flight_name(const message *x, unsigned association, unsigned i)
{
    return g_strdup_printf("%d %d %u %" G_GINT64_MODIFIER "x", x->from, x->to, association, x->wire->handshake_keys[i]);
}

/* Whether a message of this datagram was seen before, in this association. One begins with a ClientHello that is new, and
 * counts for both ways, since ChangeCipherSpec has the same bytes in every association. */
static bool is_repeated(messages *m, const message *x)
{
    g_autofree char *pair = g_strdup_printf("%d %d", MIN(x->from, x->to), MAX(x->from, x->to));
    unsigned n = GPOINTER_TO_UINT(g_hash_table_lookup(m->associations, pair));
    bool seen = false;
    for (unsigned i = 0; i < x->wire->n_handshake_keys; i++) {
        g_autofree char *flight = flight_name(x, n, i);
        seen = seen || g_hash_table_contains(m->flights, flight);
    }
    if (!seen && g_str_has_prefix(x->wire->handshake, "ClientHello")) {
        g_hash_table_insert(m->associations, g_steal_pointer(&pair), GUINT_TO_POINTER(++n));
    }
    for (unsigned i = 0; i < x->wire->n_handshake_keys; i++) {
        g_hash_table_add(m->flights, flight_name(x, n, i));
    }
    return seen;
}

/* Whether the last entry is of the same flight, which then has the names of both. */
static bool joins(const messages *m, const message *x)
{
    if (m->dtls == NULL) {
        return false;
    }
    hp_ladder_entry *e = &m->dtls->entry;
    if (e->at != x->head->at || e->from != x->from || e->to != x->to || e->via != x->via ||
        g_strcmp0(e->dropped, x->dropped) != 0) {
        return false;
    }
    /* A message in several fragments has its name in each. */
    const char *had = strrchr(e->text, ' ') + 1;
    const char *names = x->wire->handshake;
    const size_t n = strcspn(names, ",");
    if (strlen(had) == n && strncmp(had, names, n) == 0) {
        names += names[n] == ',' ? n + 2 : n;
    }
    char *text = names[0] != '\0' ? g_strdup_printf("%s, %s", e->text, names) : g_strdup(e->text);
    g_free(e->text);
    e->text = text;
    return true;
}

static void add_dtls(messages *m, message *x)
{
    if (x->wire->handshake == NULL) {
        add(m, x, HP_LADDER_DATA, g_strdup("DTLS data"));
        return;
    }
    const bool again = is_repeated(m, x);
    if (!joins(m, x)) {
        m->dtls = add(m, x, HP_LADDER_DTLS, g_strdup_printf("DTLS%s %s", again ? " again:" : "", x->wire->handshake));
        m->dtls->folds = false;
    }
}

/* ---- the rest ---- */

static char *media_text(const messages *m, const hp_ladder_wire *w)
{
    for (unsigned i = 0; i < m->b->tracks->len; i++) {
        const hp_ladder_track *t = g_ptr_array_index(m->b->tracks, i);
        if (w->ssrc == t->ssrc) {
            return g_strdup(t->name);
        }
        if (w->ssrc == t->rtx_ssrc && t->rtx_ssrc != 0) {
            return g_strdup_printf("%s, repaired", t->name);
        }
    }
    return g_strdup_printf("RTP 0x%08x", w->ssrc);
}

static void add_message(messages *m, message *x)
{
    if (x->wire->proto == HP_PROTO_ICMP || x->wire->proto == HP_PROTO_ICMPV6) {
        return; /* a host's error; what it is about has its own arrow */
    }
    if (x->wire->dns != NULL) {
        add(m, x, HP_LADDER_SERVED, g_strdup(x->wire->dns));
        return;
    }
    switch (x->wire->kind) {
    case HP_WIRE_STUN:
        add_stun(m, x);
        break;
    case HP_WIRE_DTLS:
        add_dtls(m, x);
        break;
    case HP_WIRE_RTP:
        add(m, x, HP_LADDER_MEDIA, media_text(m, x->wire));
        break;
    case HP_WIRE_RTCP:
        add(m, x, HP_LADDER_MEDIA, g_strdup("RTCP"));
        break;
    case HP_WIRE_CHANNEL_DATA: /* inside other framing */
    case HP_WIRE_OTHER:
        add(m, x, HP_LADDER_DATA, g_strdup(x->wire->segment != NULL ? x->wire->segment : "data"));
        break;
    }
}

/* Later fragments belong to a message that is told of by its first one. Only where one was dropped it is worth a word,
 * even if it was made on the way and so comes from nobody. */
static void add_fragment(const messages *m, const hp_ladder_leg *leg)
{
    if (leg->dropped != NULL) {
        hp_ladder_draft *draft =
            hp_ladder_add(m->b, leg->at, HP_LADDER_ARROW, HP_LADDER_OTHER, hp_ladder_owner(m->b, &leg->src),
                          hp_ladder_owner(m->b, &leg->dst), g_strdup("fragment"));
        draft->entry.dropped = g_strdup(leg->dropped);
        draft->folds = true;
    }
}

/* ---- every packet ---- */

static hp_ladder_kind kind_of(const messages *m, const hp_ladder_leg *leg)
{
    if (leg->wire.dns != NULL) {
        return HP_LADDER_SERVED;
    }
    switch (leg->wire.kind) {
    case HP_WIRE_STUN:
        return leg->wire.wrapped || !(is_server(m, leg->from) || is_server(m, leg->to)) ? HP_LADDER_CHECK
                                                                                        : HP_LADDER_SERVED;
    case HP_WIRE_DTLS:
        return HP_LADDER_DTLS;
    case HP_WIRE_RTP:
    case HP_WIRE_RTCP:
        return HP_LADDER_MEDIA;
    case HP_WIRE_CHANNEL_DATA:
    case HP_WIRE_OTHER:
        break;
    }
    return leg->wire.fragment ? HP_LADDER_OTHER : HP_LADDER_DATA;
}

static void add_leg(messages *m, const hp_ladder_leg *leg)
{
    if (leg->from == HP_LADDER_NOBODY && leg->to == HP_LADDER_NOBODY) {
        return; /* a second copy on its way, or an error that reached no host */
    }
    const int to = leg->to != HP_LADDER_NOBODY ? leg->to : hp_ladder_owner(m->b, &leg->dst);
    hp_ladder_draft *draft =
        hp_ladder_add(m->b, leg->at, HP_LADDER_ARROW, kind_of(m, leg), leg->from, to, g_strdup(leg->text));
    draft->entry.dropped = hp_ladder_leg_fate(m->b, leg);
    if (draft->entry.dropped == NULL && leg->from != HP_LADDER_NOBODY) {
        char span[HP_TIME_TEXT];
        draft->entry.note = g_strdup_printf("%s%s%s%s", hp_time_format(leg->arrived - leg->at, span),
                                            leg->copies > 1 ? ", more than once" : "", leg->touched != NULL ? ", " : "",
                                            leg->touched != NULL ? leg->touched : "");
    } else {
        draft->entry.note = g_strdup(leg->touched);
    }
}

static void add_lost(messages *m, const hp_ladder_lost *lost)
{
    const int from = hp_ladder_owner(m->b, &lost->src), to = hp_ladder_owner(m->b, &lost->dst);
    if (from == HP_LADDER_NOBODY && to == HP_LADDER_NOBODY) {
        return;
    }
    hp_ladder_draft *draft =
        hp_ladder_add(m->b, lost->at, HP_LADDER_ARROW, HP_LADDER_OTHER, from, to, g_strdup("packet"));
    draft->entry.dropped = g_strdup(lost->why);
    draft->folds = true;
}

void hp_ladder_add_messages(hp_ladder_builder *b)
{
    messages m = {.b = b,
                  .exchanges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                  .flights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                  .associations = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    for (unsigned i = 0; i < b->legs->len; i++) {
        const hp_ladder_leg *leg = g_ptr_array_index(b->legs, i);
        if (b->options->packets) {
            add_leg(&m, leg);
        } else if (leg->wire.fragment) {
            add_fragment(&m, leg);
        } else if (leg->at_gateway && leg->arrived == HP_NEVER && leg->dropped == NULL) {
            continue; /* its events tell what came of it */
        } else if (leg->from != HP_LADDER_NOBODY && !leg->is_onwards && !leg->wire.acknowledges &&
                   leg->from != leg->to) {
            message x = message_of(&m, leg);
            add_message(&m, &x);
            g_free(x.dropped);
        }
    }
    for (unsigned i = 0; i < b->lost->len; i++) {
        add_lost(&m, g_ptr_array_index(b->lost, i));
    }
    g_hash_table_unref(m.exchanges);
    g_hash_table_unref(m.flights);
    g_hash_table_unref(m.associations);
}
