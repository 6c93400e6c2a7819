/* Packets followed from host to host.
 *
 * A capture shows a packet once at every tap it passes and does not say which records are of one packet. A leg begins
 * where a packet leaves a host. A later record goes on with the oldest leg that has the same key (ladder_wire.h) and
 * stands where this record could come from: the same addresses as it was seen with last, since links change none, or the
 * same NAT at the same instant, since NATs change addresses but take no time. The leg ends where a packet comes in at a
 * host, or where events.jsonl says that its last record was dropped. A second arrival is counted, not drawn.
 *
 * A NAT's gateway may change the payload as well: what leaves next is then what came in last. A middlebox of rules shows
 * what it changed or made as it leaves. A payload that it changed goes on the leg on which a rule was carried out at that
 * instant; an answer that it made begins one that nobody sent.
 * What is for a NAT itself, which may map ports on request, ends at its inside: only --packets shows it.
 *
 * When a TURN server sends what it was sent before, its leg is `onwards` of the other.
 *
 * Limits: later fragments are legs of their own, and one that is cut into smaller ones is lost from sight; a datagram
 * arrives when its first fragment does. A rule that changes a payload and holds it back, or is quiet, breaks the chain
 * there; the leg then reads "not seen again". So may one of many identical datagrams that are under way at once. */
#include "report/ladder_private.h"

void hp_ladder_leg_free(gpointer data)
{
    hp_ladder_leg *leg = data;
    hp_ladder_wire_clear(&leg->wire);
    g_free(leg->dropped);
    g_free(leg->touched);
    g_free(leg->text);
    g_free(leg);
}

void hp_ladder_touch_free(gpointer data)
{
    hp_ladder_touch *touch = data;
    g_free(touch->text);
    g_free(touch);
}

/* "alice", "alice/wifi": a host; "home/in", "home/out": a NAT. A peer may call its interfaces "in" and "out", so that
 * what else is known of the name decides first. */
static void see_tap(const char *name, void *user)
{
    hp_ladder_builder *b = user;
    const char *slash = strchr(name, '/');
    g_autofree char *base = slash != NULL ? g_strndup(name, (gsize)(slash - name)) : g_strdup(name);
    hp_ladder_tap *tap = g_new0(hp_ladder_tap, 1);
    g_ptr_array_add(b->taps, tap);
    if (g_str_has_prefix(name, "rules ")) {
        *tap = (hp_ladder_tap){.participant = HP_LADDER_NOBODY, .nat = -1, .rules = true};
        return;
    }
    if (!g_hash_table_contains(b->nats, base) && !g_hash_table_contains(b->participants, base) && slash != NULL &&
        (strcmp(slash, "/in") == 0 || strcmp(slash, "/out") == 0)) {
        hp_ladder_add_nat(b, base);
    }
    tap->nat = GPOINTER_TO_INT(g_hash_table_lookup(b->nats, base)) - 1;
    tap->loop = tap->nat < 0 && slash != NULL && strcmp(slash, "/lo") == 0;
    tap->inside = tap->nat >= 0 && slash != NULL && strcmp(slash, "/in") == 0;
    tap->participant = tap->nat >= 0 ? HP_LADDER_NOBODY : hp_ladder_participant_of(b, base, HP_LADDER_PEER);
}

static void see_name(const char *name, const hp_addr *addr, void *user)
{
    hp_ladder_builder *b = user;
    const char *slash = strchr(name, '/');
    g_autofree char *base = slash != NULL ? g_strndup(name, (gsize)(slash - name)) : g_strdup(name);
    const int participant = GPOINTER_TO_INT(g_hash_table_lookup(b->participants, base)) - 1;
    const int nat = GPOINTER_TO_INT(g_hash_table_lookup(b->nats, base));
    if (participant >= 0) {
        hp_ladder_own(b, addr, participant);
    } else if (nat > 0) {
        const hp_addr host = hp_addr_with_port(*addr, 0);
        g_hash_table_insert(b->gateways, g_memdup2(&host, sizeof host), GINT_TO_POINTER(nat));
    }
}

/* ---- legs by what they carry ---- */

/* How many legs of one key are looked at: enough for whatever is under way at one time, and a bound where an application
 * sends the same bytes over and over. */
enum { MAX_SAME = 64 };

static hp_ladder_leg *newest_of_key(const hp_ladder_builder *b, uint64_t key)
{
    return g_hash_table_lookup(b->legs_by_key, &key);
}

static void add_leg(hp_ladder_builder *b, hp_ladder_leg *leg)
{
    g_ptr_array_add(b->legs, leg);
    leg->next_of_key = newest_of_key(b, leg->wire.key);
    g_hash_table_replace(b->legs_by_key, &leg->wire.key, leg);
}

/* The name of a channel of a client, as a key. */
static char *channel_name(const hp_addr *client, int server, unsigned channel)
{
    char text[HP_ADDR_TEXT];
    return g_strdup_printf("%s %d %u", hp_addr_format(client, text), server, channel);
}

/* ChannelBind says what a number stands for; ChannelData is told by it. */
static void note_channel(hp_ladder_builder *b, hp_ladder_leg *leg)
{
    hp_ladder_wire *w = &leg->wire;
    if (w->channel == 0) {
        return;
    }
    g_autofree char *name = channel_name(&leg->src, hp_ladder_owner(b, &leg->dst), w->channel);
    if (!w->wrapped && w->peer.family != HP_AF_NONE) {
        g_hash_table_insert(b->channels, g_steal_pointer(&name), g_memdup2(&w->peer, sizeof w->peer));
    } else if (w->wrapped) {
        const hp_addr *peer = g_hash_table_lookup(b->channels, name);
        w->peer = peer != NULL ? *peer : (hp_addr){0};
    }
}

/* Ties a leg that leaves a server to the one that brought it the same bytes. */
static void tie_onwards(const hp_ladder_builder *b, hp_ladder_leg *leg)
{
    if (leg->from == HP_LADDER_NOBODY || !hp_ladder_is_server(b, leg->from)) {
        return;
    }
    hp_ladder_leg *found = NULL;
    unsigned n = 0;
    for (hp_ladder_leg *in = leg->next_of_key; in != NULL && n < MAX_SAME; in = in->next_of_key, n++) {
        if (in->to == leg->from && in->onwards == NULL) {
            found = in;
        }
    }
    if (found != NULL) {
        found->onwards = leg;
        leg->is_onwards = true;
    }
}

/* ---- records ---- */

/* Whether a record at `tap` can be the next of this leg. */
static bool goes_on(const hp_ladder_leg *leg, const hp_ladder_tap *tap, const hp_evidence_packet *p)
{
    if (tap->nat >= 0 && !p->inwards) {
        return leg->last_nat == tap->nat && leg->last_inwards && leg->last_at == p->at;
    }
    return hp_addr_equal(&leg->last_src, &p->packet->src) && hp_addr_equal(&leg->last_dst, &p->packet->dst);
}

static hp_ladder_leg *leg_of(const hp_ladder_builder *b, const hp_ladder_tap *tap, const hp_evidence_packet *p,
                             uint64_t key)
{
    hp_ladder_leg *open = NULL, *again = NULL;
    unsigned n = 0;
    for (hp_ladder_leg *leg = newest_of_key(b, key); leg != NULL && n < MAX_SAME; leg = leg->next_of_key, n++) {
        const bool is_open = leg->arrived == HP_NEVER && leg->dropped == NULL;
        if (goes_on(leg, tap, p) && (is_open || leg->from != HP_LADDER_NOBODY)) {
            *(is_open ? &open : &again) = leg;
        }
    }
    return open != NULL ? open : again;
}

/* What arrives from this address was sent by that participant: so candidates that only the other side knows get an
 * owner. A server's are its clients' relays, which the events tell. */
static void learn_source(hp_ladder_builder *b, const hp_ladder_leg *leg, const hp_addr *src)
{
    if (leg->from != HP_LADDER_NOBODY && !hp_ladder_is_server(b, leg->from)) {
        hp_ladder_own(b, src, leg->from);
    }
}

/* Whether p can be what this leg became where its payload was changed: it does not go back to where the leg came from, as
 * an answer would, and is no error about it. */
static bool became(const hp_ladder_leg *leg, const hp_evidence_packet *p)
{
    return leg->arrived == HP_NEVER && leg->dropped == NULL && leg->wire.proto == p->packet->proto &&
           !(hp_addr_same_ip(&leg->last_src, &p->packet->dst) && hp_addr_same_ip(&leg->last_dst, &p->packet->src));
}

static void rekey(const hp_ladder_builder *b, hp_ladder_leg *leg, uint64_t key)
{
    hp_ladder_leg *newer = newest_of_key(b, leg->wire.key);
    if (newer == leg) {
        g_hash_table_remove(b->legs_by_key, &leg->wire.key);
        if (leg->next_of_key != NULL) {
            g_hash_table_insert(b->legs_by_key, &leg->next_of_key->wire.key, leg->next_of_key);
        }
    } else {
        while (newer->next_of_key != leg) {
            newer = newer->next_of_key;
        }
        newer->next_of_key = leg->next_of_key;
    }
    leg->wire.key = key;
    leg->next_of_key = newest_of_key(b, key);
    g_hash_table_replace(b->legs_by_key, &leg->wire.key, leg);
}

/* The leg that a NAT's gateway changed into p: the one that came in there last, at the same instant. */
static hp_ladder_leg *translated_leg(const hp_ladder_builder *b, const hp_ladder_tap *tap, const hp_evidence_packet *p,
                                     const hp_ladder_wire *wire)
{
    hp_ladder_leg *leg = b->entered;
    if (tap->nat < 0 || p->inwards || leg == NULL || leg->last_nat != tap->nat || leg->last_at != p->at ||
        !became(leg, p)) {
        return NULL;
    }
    rekey(b, leg, wire->key);
    return leg;
}

/* The leg that a rule changed into p: one that a rule was carried out on at that instant, and best one whose addresses p
 * still has. */
static hp_ladder_leg *changed_leg(const hp_ladder_builder *b, const hp_ladder_tap *tap, const hp_evidence_packet *p,
                                  const hp_ladder_wire *wire)
{
    hp_ladder_leg *found = NULL;
    bool sure = false;
    for (unsigned i = b->touched_legs->len; i > 0 && i + MAX_SAME > b->touched_legs->len && !sure; i--) {
        hp_ladder_leg *leg = g_ptr_array_index(b->touched_legs, i - 1);
        if (leg->touched_at == p->at && became(leg, p)) {
            sure = goes_on(leg, tap, p);
            found = sure || found == NULL ? leg : found;
        }
    }
    if (found != NULL) {
        rekey(b, found, wire->key);
    }
    return found;
}

static hp_ladder_leg *new_leg(hp_ladder_builder *b, const hp_evidence_packet *p, hp_ladder_wire *wire, int from)
{
    hp_ladder_leg *leg = g_new0(hp_ladder_leg, 1);
    leg->at = p->at;
    leg->number = p->number;
    leg->arrived = HP_NEVER;
    leg->from = from;
    leg->to = HP_LADDER_NOBODY;
    leg->src = p->packet->src;
    leg->dst = p->packet->dst;
    leg->last_nat = -1;
    leg->wire = *wire;
    if (b->options->packets) {
        leg->text = hp_ladder_wire_describe(p->packet);
    }
    add_leg(b, leg);
    if (from != HP_LADDER_NOBODY && wire->proto == HP_PROTO_TCP) {
        g_hash_table_add(b->streamers, GINT_TO_POINTER(from));
    }
    if (from != HP_LADDER_NOBODY) {
        note_channel(b, leg);
        tie_onwards(b, leg);
    }
    return leg;
}

/* Whether it came in at a NAT for a service in the NAT's own box. */
static bool is_for_gateway(const hp_ladder_builder *b, const hp_ladder_tap *tap, const hp_evidence_packet *p)
{
    const hp_addr host = hp_addr_with_port(p->packet->dst, 0);
    return tap->inside && p->inwards &&
           (hp_addr_is_multicast(&host) || GPOINTER_TO_INT(g_hash_table_lookup(b->gateways, &host)) == tap->nat + 1);
}

static bool see_packet(const hp_evidence_packet *p, void *user)
{
    hp_ladder_builder *b = user;
    b->end = MAX(b->end, p->at);
    if (p->packet == NULL) {
        return true;
    }
    const hp_ladder_tap *tap = g_ptr_array_index(b->taps, p->tap);
    hp_ladder_wire wire;
    hp_ladder_wire_read(p->packet, &wire);
    const bool leaves = tap->nat < 0 && !tap->rules && !p->inwards;
    hp_ladder_leg *leg = tap->rules ? changed_leg(b, tap, p, &wire) : NULL;
    if (leg == NULL && !leaves) {
        leg = leg_of(b, tap, p, wire.key);
    }
    if (leg == NULL) {
        leg = translated_leg(b, tap, p, &wire);
    }
    if (leg != NULL) {
        hp_ladder_wire_clear(&wire);
    } else {
        /* An error from a router, or a packet that an attacker made: nobody sent it. */
        leg = new_leg(b, p, &wire, leaves ? tap->participant : HP_LADDER_NOBODY);
    }
    b->entered = tap->nat >= 0 && p->inwards ? leg : NULL;
    leg->last_at = p->at;
    leg->last_nat = tap->nat;
    leg->last_inwards = p->inwards;
    leg->at_gateway = is_for_gateway(b, tap, p);
    leg->last_src = p->packet->src;
    leg->last_dst = p->packet->dst;
    if ((tap->nat < 0 && p->inwards) || tap->loop) {
        leg->copies++;
        if (leg->arrived == HP_NEVER) {
            leg->arrived = p->at;
            leg->to = tap->participant;
            b->longest = MAX(b->longest, leg->arrived - leg->at);
            learn_source(b, leg, &p->packet->src);
            g_clear_pointer(&leg->dropped, g_free); /* that was another copy */
        }
    }
    const hp_ladder_touch *touch = g_hash_table_lookup(b->touched, GUINT_TO_POINTER(p->number));
    if (touch != NULL) {
        g_free(leg->touched);
        leg->touched = g_strdup(touch->text);
        leg->touched_at = touch->at;
        g_ptr_array_add(b->touched_legs, leg);
    }
    const char *dropped = g_hash_table_lookup(b->drops, GUINT_TO_POINTER(p->number));
    if (dropped != NULL && leg->dropped == NULL && (leg->arrived == HP_NEVER || leg->copies == 1)) {
        leg->dropped = g_strdup(dropped);
    }
    return true;
}

/* Without a drop a packet is either still on its way when the run ends, or was lost out of sight. */
char *hp_ladder_leg_fate(const hp_ladder_builder *b, const hp_ladder_leg *leg)
{
    if (leg->dropped != NULL) {
        return g_strdup(leg->dropped);
    }
    if (leg->arrived != HP_NEVER) {
        return NULL;
    }
    if (leg->at_gateway) {
        return g_strdup("for the NAT itself");
    }
    if (leg->at + b->longest >= b->end) {
        return g_strdup("under way at the end");
    }
    return g_strdup(leg->wire.fragment ? "not seen again as it was" : "not seen again");
}

const hp_evidence_capture hp_ladder_capture = {.tap = see_tap, .name = see_name, .packet = see_packet};
