/* Events to entries, one function for each kind that a ladder shows.
 *
 * What packets say better (requests of servers, allocations, mappings that come and go) is left to them; what only
 * events know (states, signalling, steps, who owns an address) is taken from here. Kinds that stand in no table below
 * are not shown. Events come in the order of the log, and all of them before the first packet, so that the owners of
 * addresses, the tracks and the drops are known when packets are read. */
#include "report/ladder_event.h"
#include "report/pairs.h"

#include <stdarg.h>

hp_ladder_draft *hp_ladder_note(const hp_ladder_event_line *e, hp_ladder_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return hp_ladder_add(e->b, e->at, HP_LADDER_NOTE, kind, e->who, HP_LADDER_NOBODY, text);
}

static hp_ladder_draft *across(const hp_ladder_event_line *e, const char *format, ...) G_GNUC_PRINTF(2, 3);
static hp_ladder_draft *across(const hp_ladder_event_line *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return hp_ladder_add(e->b, e->at, HP_LADDER_ACROSS, HP_LADDER_STEP, HP_LADDER_NOBODY, HP_LADDER_NOBODY, text);
}

int hp_ladder_peer(const hp_ladder_event_line *e, const char *key)
{
    const char *name = hp_ladder_text_of(e, key);
    return name[0] != '\0' ? hp_ladder_participant_of(e->b, name, HP_LADDER_PEER) : HP_LADDER_NOBODY;
}

char *hp_ladder_place(const hp_ladder_event_line *e)
{
    const char *with = hp_ladder_text_of(e, "with");
    const uint64_t stream = hp_ladder_u64_of(e, "stream"), component = hp_ladder_u64_of(e, "component");
    const bool many = hp_ladder_n_peers(e->b) > 2 && with[0] != '\0';
    char number[48] = "";
    if (stream > 1 || component > 1) {
        g_snprintf(number, sizeof number, " %" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT, stream, component);
    }
    return g_strconcat(number, many ? " with " : "", many ? with : "", NULL);
}

static int broker(const hp_ladder_event_line *e)
{
    return hp_ladder_participant_of(e->b, "signaling", HP_LADDER_SIGNALING);
}

/* ---- the scenario ---- */

static void on_step(const hp_ladder_event_line *e)
{
    const char *action = e->subject, *target = hp_ladder_text_of(e, "target"), *label = hp_ladder_text_of(e, "label");
    if (strcmp(action, "wait") == 0) {
        return;
    }
    const bool named = label[0] != '\0' && strcmp(label, action) != 0;
    hp_ladder_draft *draft =
        across(e, "%s%s%s%s%s", named ? label : "", named ? ": " : "", action, target[0] != '\0' ? " " : "", target);
    draft->barrier = strcmp(action, "wait-for") != 0 && strcmp(action, "send") != 0 && strcmp(action, "call") != 0;
    e->b->step = draft;
}

static void on_step_done(const hp_ladder_event_line *e)
{
    if (strcmp(hp_ladder_text_of(e, "outcome"), "done") != 0) {
        across(e, "%s: %s", e->subject, hp_ladder_text_of(e, "outcome"))->entry.bad = true;
    }
}

/* What a step at this instant did is said in its line; what happens by itself has a line of its own. */
static void tell_change(const hp_ladder_event_line *e, const char *what)
{
    hp_ladder_draft *step = e->b->step;
    if (step == NULL || step->entry.at != e->at) {
        across(e, "%s: %s", e->subject, what)->barrier = true;
    } else if (strstr(step->entry.text, what) == NULL) {
        char *text = g_strdup_printf("%s: %s", step->entry.text, what);
        g_free(step->entry.text);
        step->entry.text = text;
    }
}

static void on_changed(const hp_ladder_event_line *e)
{
    tell_change(e, hp_ladder_text_of(e, "what"));
}

/* Where the middlebox stands before a host, it is told there; else it is nobody's. */
static void on_rule_hit(const hp_ladder_event_line *e)
{
    const char *place = hp_ladder_text_of(e, "place");
    const unsigned packet = (unsigned)hp_ladder_u64_of(e, "packet");
    g_autofree char *text = g_strdup_printf("rule %s: %s", e->subject, hp_ladder_text_of(e, "do"));
    g_auto(GStrv) parts = g_strsplit(g_str_has_prefix(place, "rules ") ? place + strlen("rules ") : place, "/", 2);
    const int host = parts[0] == NULL ? 0 : GPOINTER_TO_INT(g_hash_table_lookup(e->b->participants, parts[0]));
    hp_ladder_event_line at = *e;
    at.who = host - 1;
    if (packet > 0) {
        hp_ladder_touch *touch = g_new0(hp_ladder_touch, 1);
        *touch = (hp_ladder_touch){.at = e->at, .text = g_strdup(text)};
        g_hash_table_insert(e->b->touched, GUINT_TO_POINTER(packet), touch);
    }
    if (!e->b->options->packets || packet == 0) {
        hp_ladder_draft *draft = host > 0 ? hp_ladder_note(&at, HP_LADDER_OTHER, "%s", text) : across(e, "%s", text);
        draft->folds = true;
    }
}

/* By its own step, which names it, or with another one. */
static void on_rule_switched(const hp_ladder_event_line *e)
{
    g_autofree char *own = g_strdup_printf("rule %s", e->subject);
    g_autofree char *what = g_strdup_printf("%s %s", own, hp_ladder_text_of(e, "state"));
    const hp_ladder_draft *step = e->b->step;
    bool is_own = step != NULL && step->entry.at == e->at && g_str_has_suffix(step->entry.text, own);
    tell_change(e, is_own ? hp_ladder_text_of(e, "state") : what);
}

static void on_run_end(const hp_ladder_event_line *e)
{
    hp_ladder_draft *draft = across(e, "end: %s", hp_ladder_text_of(e, "reason"));
    draft->rank = 3;
}

static void on_crash(const hp_ladder_event_line *e)
{
    hp_ladder_draft *draft = across(e, "%s%s%s", hp_ladder_text_of(e, "signal"),
                                    hp_ladder_colon(hp_ladder_text_of(e, "signal")), hp_ladder_text_of(e, "message"));
    draft->rank = 3;
    draft->entry.bad = true;
}

/* ---- signalling ---- */

static hp_ladder_draft *signal_arrow(const hp_ladder_event_line *e, int from, int to, const char *sender)
{
    const char *type = hp_ladder_text_of(e, "type");
    const bool many = sender != NULL && hp_ladder_n_peers(e->b) > 2;
    char *text = g_strdup_printf("%s%s%s", type, many ? " of " : "", many ? sender : "");
    hp_ladder_draft *draft = hp_ladder_add(e->b, e->at, HP_LADDER_ARROW, HP_LADDER_SIGNAL, from, to, text);
    draft->folds = strcmp(type, "candidate") == 0;
    return draft;
}

static void on_signal_sent(const hp_ladder_event_line *e)
{
    signal_arrow(e, e->who, broker(e), NULL);
}

static void on_signal_received(const hp_ladder_event_line *e)
{
    if (hp_ladder_u64_of(e, "own") == 0) {
        signal_arrow(e, broker(e), e->who, hp_ladder_text_of(e, "from"));
    }
}

static void on_signal_dropped(const hp_ladder_event_line *e)
{
    hp_ladder_draft *draft = signal_arrow(e, broker(e), hp_ladder_peer(e, "to"), e->subject);
    draft->entry.dropped = g_strdup(hp_ladder_text_of(e, "reason"));
}

static void on_signal_ignored(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_SIGNAL, "%s ignored: %s", hp_ladder_text_of(e, "type"), hp_ladder_text_of(e, "reason"))
        ->folds = true;
}

/* ---- ICE ---- */

static void own_address(const hp_ladder_event_line *e, const char *key)
{
    hp_addr addr;
    if (hp_addr_parse(hp_ladder_text_of(e, key), &addr)) {
        hp_ladder_own(e->b, &addr, e->who);
    }
}

static void on_candidate(const hp_ladder_event_line *e)
{
    own_address(e, "address");
    own_address(e, "base");
}

static void on_ice_state(const hp_ladder_event_line *e)
{
    g_autofree char *where = hp_ladder_place(e);
    const char *state = hp_ladder_text_of(e, "state");
    hp_ladder_note(e, HP_LADDER_ICE, "ICE %s%s", state, where)->entry.bad = strcmp(state, "failed") == 0;
}

static void on_selected_pair(const hp_ladder_event_line *e)
{
    g_autofree char *where = hp_ladder_place(e);
    hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_ICE, "pair %s to %s%s", hp_ladder_text_of(e, "local"),
                                            hp_ladder_text_of(e, "remote"), where);
    draft->entry.note =
        g_strdup_printf("%s to %s", hp_ladder_text_of(e, "local-address"), hp_ladder_text_of(e, "remote-address"));
}

/* The first role of a session is no news. */
static void on_ice_role(const hp_ladder_event_line *e)
{
    g_autofree char *session = g_strdup_printf("%s %" G_GUINT64_FORMAT, e->subject, hp_ladder_u64_of(e, "session"));
    const char *role = hp_ladder_text_of(e, "role"), *before = g_hash_table_lookup(e->b->roles, session);
    if (before != NULL && strcmp(before, role) != 0) {
        hp_ladder_note(e, HP_LADDER_ICE, "now %s", role);
    }
    g_hash_table_replace(e->b->roles, g_steal_pointer(&session), g_strdup(role));
}

static void on_ice_restart(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_ICE, "ICE restart")->barrier = true;
}

static void on_consent(const hp_ladder_event_line *e)
{
    g_autofree char *where = hp_ladder_place(e);
    const char *state = hp_ladder_text_of(e, "state");
    hp_ladder_note(e, HP_LADDER_ICE, "consent %s%s", state, where)->entry.bad = strcmp(state, "lost") == 0;
}

static void on_port_mapping(const hp_ladder_event_line *e)
{
    const char *state = hp_ladder_text_of(e, "state"), *protocol = hp_ladder_text_of(e, "protocol");
    const char *internal = hp_ladder_text_of(e, "internal"), *external = hp_ladder_text_of(e, "external");
    const char *colon = strrchr(internal, ':'), *port = colon ? colon + 1 : "",
               *reason = hp_ladder_text_of(e, "reason");
    const bool granted = strcmp(state, "granted") == 0, about_none = strcmp(state, "rebooted") == 0;
    if (strcmp(state, "requested") == 0 || strcmp(state, "renewed") == 0) {
        return;
    }
    if (granted) {
        hp_ladder_note(e, HP_LADDER_ICE, "port %s mapped to %s by %s", port, external, protocol);
    } else if (about_none) {
        hp_ladder_note(e, HP_LADDER_ICE, "gateway rebooted (%s)", protocol);
    } else {
        hp_ladder_note(e, HP_LADDER_ICE, "port %s: mapping %s%s%s", port, state, reason[0] ? ", " : "", reason)
            ->entry.bad = strcmp(state, "deleted") != 0;
    }
}

static void on_peer_closed(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_ICE, "closed");
}

static void on_message(const hp_ladder_event_line *e)
{
    hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_OTHER, "%s", hp_ladder_text_of(e, "message"));
    draft->entry.bad = true;
    draft->folds = true;
}

/* ---- servers ---- */

static void on_server_stream(const hp_ladder_event_line *e)
{
    const char *state = hp_ladder_text_of(e, "state"), *reason = hp_ladder_text_of(e, "reason");
    if (strcmp(reason, "run-end") != 0) {
        hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_SERVED, "%s %s%s%s", hp_ladder_text_of(e, "transport"),
                                                state, hp_ladder_colon(reason), reason);
        draft->entry.note = g_strdup(hp_ladder_text_of(e, "client"));
        draft->folds = true;
    }
}

static void on_turn_connection(const hp_ladder_event_line *e)
{
    const char *state = hp_ladder_text_of(e, "state"), *reason = hp_ladder_text_of(e, "reason");
    if (strcmp(reason, "run-end") != 0) {
        hp_ladder_draft *draft =
            hp_ladder_note(e, HP_LADDER_SERVED, "relayed connection %" G_GUINT64_FORMAT " %s%s%s",
                           hp_ladder_u64_of(e, "connection"), state, hp_ladder_colon(reason), reason);
        draft->entry.note = g_strdup(hp_ladder_text_of(e, "peer"));
    }
}

static void on_turn_dropped(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_SERVED, "dropped: %s", hp_ladder_text_of(e, "reason"))->folds = true;
}

static void on_allocation_ended(const hp_ladder_event_line *e)
{
    const char *reason = hp_ladder_text_of(e, "reason");
    if (strcmp(reason, "run-end") != 0 && strcmp(reason, "deleted") != 0) {
        hp_ladder_note(e, HP_LADDER_SERVED, "allocation %s", reason)->folds = true;
    }
}

static void on_server_stopped(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_SERVED, "stopped")->entry.bad = true;
}

static void on_server_started(const hp_ladder_event_line *e)
{
    if (e->at > 0) {
        hp_ladder_note(e, HP_LADDER_SERVED, "started");
    }
}

/* ---- the table ---- */

static const hp_ladder_event_fn shown[HP_EV_N] = {
    [HP_EV_RUN_END] = on_run_end,
    [HP_EV_STEP] = on_step,
    [HP_EV_STEP_DONE] = on_step_done,
    [HP_EV_SIGNAL_SENT] = on_signal_sent,
    [HP_EV_SIGNAL_RECEIVED] = on_signal_received,
    [HP_EV_SIGNAL_DROPPED] = on_signal_dropped,
    [HP_EV_SIGNAL_IGNORED] = on_signal_ignored,
    [HP_EV_CANDIDATE] = on_candidate,
    [HP_EV_ICE_STATE] = on_ice_state,
    [HP_EV_SELECTED_PAIR] = on_selected_pair,
    [HP_EV_ICE_ROLE] = on_ice_role,
    [HP_EV_ICE_RESTART] = on_ice_restart,
    [HP_EV_CONSENT] = on_consent,
    [HP_EV_PORT_MAPPING] = on_port_mapping,
    [HP_EV_PEER_CLOSED] = on_peer_closed,
    [HP_EV_PEER_ERROR] = on_message,
    [HP_EV_NAT_CHANGED] = on_changed,
    [HP_EV_LINK_CHANGED] = on_changed,
    [HP_EV_SERVER_STREAM] = on_server_stream,
    [HP_EV_TURN_CONNECTION] = on_turn_connection,
    [HP_EV_FIREWALL_CHANGED] = on_changed,
    [HP_EV_RULE_HIT] = on_rule_hit,
    [HP_EV_RULE_SWITCHED] = on_rule_switched,
    [HP_EV_TURN_ALLOCATION_ENDED] = on_allocation_ended,
    [HP_EV_TURN_DROPPED] = on_turn_dropped,
    [HP_EV_SERVER_STOPPED] = on_server_stopped,
    [HP_EV_SERVER_STARTED] = on_server_started,
    [HP_EV_SUT_LOG] = on_message,
    [HP_EV_SUT_CRASH] = on_crash,
};

/* The table of events says what a subject is: "peer", "sending peer", "server", "nat". */
static int subject_of(hp_ladder_builder *b, const hp_evidence_line *line)
{
    const char *what = hp_event_subject(line->event);
    if (line->subject[0] == '\0') {
        return HP_LADDER_NOBODY;
    }
    if (strcmp(what, "nat") == 0) {
        hp_ladder_add_nat(b, line->subject);
    }
    if (strcmp(what, "server") == 0) {
        return hp_ladder_participant_of(b, line->subject, HP_LADDER_SERVER);
    }
    return g_str_has_suffix(what, "peer") ? hp_ladder_participant_of(b, line->subject, HP_LADDER_PEER)
                                          : HP_LADDER_NOBODY;
}

/* Entries that an event made keep it. */
static void keep_event(const hp_ladder_builder *b, unsigned from, JsonObject *event)
{
    for (unsigned i = from; b->options->detailed && i < b->drafts->len; i++) {
        hp_ladder_draft *draft = g_ptr_array_index(b->drafts, i);
        draft->entry.event = json_object_ref(event);
    }
}

static void note_drop(hp_ladder_builder *b, const hp_evidence_line *line)
{
    char *why =
        g_strdup_printf("%s at %s", hp_evidence_text(line->object, "reason"), hp_evidence_text(line->object, "place"));
    const unsigned packet = (unsigned)hp_evidence_u64(line->object, "packet");
    if (packet > 0) {
        if (!g_hash_table_contains(b->drops, GUINT_TO_POINTER(packet))) {
            g_hash_table_insert(b->drops, GUINT_TO_POINTER(packet), why);
            return;
        }
        g_free(why);
        return;
    }
    hp_ladder_lost *lost = g_new0(hp_ladder_lost, 1);
    *lost = (hp_ladder_lost){.at = line->at, .why = why};
    (void)hp_addr_parse(hp_evidence_text(line->object, "src"), &lost->src);
    (void)hp_addr_parse(hp_evidence_text(line->object, "dst"), &lost->dst);
    g_ptr_array_add(b->lost, lost);
}

void hp_ladder_event(const hp_evidence_line *line, void *builder)
{
    hp_ladder_builder *b = builder;
    b->end = MAX(b->end, line->at);
    switch (line->kind) {
    case HP_EVIDENCE_EVENT: {
        const hp_ladder_event_line e = {b, line->at, line->subject, line->object, subject_of(b, line)};
        const hp_ladder_event_fn media = hp_ladder_media_event(line->event);
        const hp_ladder_event_fn show = shown[line->event] != NULL ? shown[line->event]
                                        : media != NULL            ? media
                                                                   : hp_ladder_raw_event(line->event);
        const unsigned before = b->drafts->len;
        if (show != NULL) {
            show(&e);
            keep_event(b, before, line->object);
        }
        if (b->options->detailed) {
            hp_pairs_event(b->pairs, line);
            hp_ladder_add_mark(b, line);
        }
        break;
    }
    case HP_EVIDENCE_DROP:
        note_drop(b, line);
        break;
    case HP_EVIDENCE_OVERFLOW: {
        const hp_ladder_event_line e = {b, line->at, line->subject, line->object, HP_LADDER_NOBODY};
        hp_ladder_draft *draft = across(&e, "the trace was full: %" G_GUINT64_FORMAT " later records are missing",
                                        hp_evidence_u64(line->object, "lost"));
        draft->rank = 4;
        draft->entry.bad = true;
        break;
    }
    case HP_EVIDENCE_OTHER:
        break;
    }
}
