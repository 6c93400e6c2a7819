/* Theory of operation.
 *
 * A foreign program tells of sessions by the other peer's name; the trace numbers them. A session begins with the first
 * word about that name, and ends with `closed`; what is told of the name after that is a new session, so that a second
 * call is not taken for the first. A program that does not say with whom (it answered an offer of somebody without a
 * name) has one such session at a time.
 *
 * The states of RTCIceTransport become libnice's, which expectations speak of: new is nothing yet, checking is
 * connecting, completed is ready. `closed` of an ICE state is the session's end. Everything is of stream 1, component
 * 1: foreign peers bundle and multiplex.
 *
 * A program that has told of MAX_SESSIONS sessions is not believed any more: all its words are logs from then on.
 *
 * What a program does not tell is not made up: fields without a value are left out of the event. A DTLS state `new` and
 * a channel that is closing are no events of the trace. Errors are told as such; whether they fail a run is for the
 * checks. */
#include "programs/exec_trace.h"

#include <string.h>

enum { STREAM = 1, COMPONENT = 1, MAX_FIELDS = 12, MAX_SESSIONS = 4096 };

typedef struct session {
    char *with; /* "" unknown */
    unsigned number;
    bool is_open;
    const char *state; /* of the trace */
    unsigned n_channels;
    GHashTable *channels; /* label -> number + 1 */
} session;

struct hp_exec_trace {
    hp_trace *trace;
    const char *name;
    hp_exec_trace_ops ops;
    void *user;
    GPtrArray *sessions; /* of session, by number */
    bool is_ready;
};

/* ---- sessions ---- */

static void free_session(void *p)
{
    session *s = p;
    g_hash_table_unref(s->channels);
    g_free(s->with);
    g_free(s);
}

static session *session_of(hp_exec_trace *t, const char *with)
{
    for (unsigned i = t->sessions->len; i > 0; i--) {
        session *s = t->sessions->pdata[i - 1];
        if (s->is_open && strcmp(s->with, with ? with : "") == 0)
            return s;
    }
    session *s = g_new0(session, 1);
    s->with = g_strdup(with ? with : "");
    s->is_open = true;
    s->state = "disconnected";
    s->channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(t->sessions, s);
    s->number = t->sessions->len;
    return s;
}

static unsigned rank(const char *state)
{
    static const char *const order[] = {"failed", "disconnected", "gathering", "connecting", "connected", "ready"};
    unsigned i = 0;
    while (i + 1 < G_N_ELEMENTS(order) && strcmp(order[i], state) != 0)
        i++;
    return i;
}

static void tell_state(hp_exec_trace *t)
{
    const char *worst = NULL;
    for (unsigned i = 0; i < t->sessions->len; i++) {
        const session *s = t->sessions->pdata[i];
        if (s->is_open && (!worst || rank(s->state) < rank(worst)))
            worst = s->state;
    }
    if (t->ops.state)
        t->ops.state(t->user, worst);
}

hp_exec_trace *hp_exec_trace_new(hp_trace *trace, const char *name, const hp_exec_trace_ops *ops, void *user)
{
    hp_exec_trace *t = g_new0(hp_exec_trace, 1);
    t->trace = trace;
    t->name = name;
    t->ops = *ops;
    t->user = user;
    t->sessions = g_ptr_array_new_with_free_func(free_session);
    return t;
}

void hp_exec_trace_free(hp_exec_trace *converter)
{
    if (!converter)
        return;
    g_ptr_array_unref(converter->sessions);
    g_free(converter);
}

/* ---- events ---- */

typedef struct fields {
    hp_field list[MAX_FIELDS];
    unsigned n;
} fields;

static void put(fields *f, hp_field field)
{
    g_assert(f->n < MAX_FIELDS);
    f->list[f->n++] = field;
}

static void put_text(fields *f, const char *key, const char *text)
{
    if (text)
        put(f, HP_FS(key, text));
}

static void put_address(fields *f, const char *key, const hp_addr *a)
{
    if (a->family != HP_AF_NONE)
        put(f, HP_FA(key, *a));
}

static fields fields_of(const session *s, bool with, bool component)
{
    fields f = {.n = 0};
    put(&f, HP_FU("session", s->number));
    if (with)
        put(&f, HP_FS("with", s->with));
    if (component) {
        put(&f, HP_FU("stream", STREAM));
        put(&f, HP_FU("component", COMPONENT));
    }
    return f;
}

static void trace(hp_exec_trace *t, hp_time now, hp_event_kind kind, const fields *f)
{
    hp_trace_event_fields(t->trace, now, kind, t->name, f->list, f->n);
}

static void close_session(hp_exec_trace *t, hp_time now, const char *with)
{
    session *s = session_of(t, with);
    const fields f = fields_of(s, false, false);
    s->is_open = false;
    trace(t, now, HP_EV_PEER_CLOSED, &f);
    tell_state(t);
}

/* NULL: it is no state of the trace. */
static const char *ice_state_of(const char *state)
{
    static const char *const states[][2] = {
        {"gathering", "gathering"}, {"checking", "connecting"},       {"connected", "connected"},
        {"completed", "ready"},     {"disconnected", "disconnected"}, {"failed", "failed"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++)
        if (g_strcmp0(state, states[i][0]) == 0)
            return states[i][1];
    return NULL;
}

static void on_ice_state(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    if (g_strcmp0(e->state, "closed") == 0) {
        close_session(t, now, e->with);
        return;
    }
    session *s = session_of(t, e->with);
    const char *state = ice_state_of(e->state);
    if (!state || strcmp(state, s->state) == 0)
        return;
    fields f = fields_of(s, true, true);
    put(&f, HP_FS("state", state));
    put(&f, HP_FS("previous", s->state));
    s->state = state;
    trace(t, now, HP_EV_ICE_STATE, &f);
    tell_state(t);
}

static void on_session(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    if (g_strcmp0(e->state, "closed") == 0) {
        close_session(t, now, e->with);
        return;
    }
    const unsigned known = t->sessions->len;
    const session *s = session_of(t, e->with);
    if (s->number <= known)
        return;
    const fields f = fields_of(s, false, false);
    trace(t, now, HP_EV_GATHERING_STARTED, &f);
    tell_state(t);
}

static void on_gathering_done(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = fields_of(session_of(t, e->with), false, false);
    put(&f, HP_FU("stream", STREAM));
    trace(t, now, HP_EV_GATHERING_DONE, &f);
}

static void on_candidate(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = fields_of(session_of(t, e->with), false, true);
    put_text(&f, "type", e->local.type);
    put_text(&f, "transport", e->local.transport);
    put_address(&f, "address", &e->local.address);
    trace(t, now, HP_EV_CANDIDATE, &f);
}

static void on_selected_pair(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = fields_of(session_of(t, e->with), true, true);
    put_text(&f, "local", e->local.type);
    put_text(&f, "remote", e->remote.type);
    put_address(&f, "local-address", &e->local.address);
    put_address(&f, "remote-address", &e->remote.address);
    put_text(&f, "transport", e->local.transport);
    put_text(&f, "relay-protocol", e->local.relay_protocol);
    trace(t, now, HP_EV_SELECTED_PAIR, &f);
}

static void on_dtls_state(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    const char *state = g_strcmp0(e->state, "connecting") == 0 ? "handshaking" : e->state;
    if (!state || strcmp(state, "new") == 0)
        return;
    fields f = fields_of(session_of(t, e->with), true, true);
    put(&f, HP_FS("state", state));
    put_text(&f, "reason", e->text);
    trace(t, now, HP_EV_DTLS_STATE, &f);
}

static void put_count(fields *f, const char *key, const hp_exec_count *count, bool is_signed)
{
    if (count->told && (is_signed || count->value >= 0))
        put(f, is_signed ? HP_FI(key, count->value) : HP_FU(key, (uint64_t)count->value));
}

static void on_media(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    if (g_strcmp0(e->media, "audio") != 0 && g_strcmp0(e->media, "video") != 0)
        return;
    fields f = fields_of(session_of(t, e->with), true, false);
    put(&f, HP_FS("media", e->media));
    put(&f, HP_FS("direction", e->in ? "in" : "out"));
    put_count(&f, "packets", &e->packets, false);
    put_count(&f, "octets", &e->octets, false);
    put_count(&f, "lost", &e->lost, true);
    if (e->jitter.told && e->jitter.value >= 0)
        put(&f, HP_FT("jitter", (hp_time)e->jitter.value));
    put_count(&f, "frames", &e->frames, false);
    trace(t, now, HP_EV_MEDIA_STATS, &f);
}

static unsigned channel_of(session *s, const char *label)
{
    const unsigned known = GPOINTER_TO_UINT(g_hash_table_lookup(s->channels, label));
    if (known > 0)
        return known - 1;
    g_hash_table_insert(s->channels, g_strdup(label), GUINT_TO_POINTER(++s->n_channels));
    return s->n_channels - 1;
}

static void on_channel(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    const char *state = g_strcmp0(e->state, "connecting") == 0 ? "opening" : e->state;
    if (!e->label || !state || strcmp(state, "closing") == 0)
        return;
    session *s = session_of(t, e->with);
    fields f = fields_of(s, false, false);
    put(&f, HP_FU("channel", channel_of(s, e->label)));
    put(&f, HP_FS("label", e->label));
    put(&f, HP_FS("state", state));
    put_text(&f, "reason", e->text);
    trace(t, now, HP_EV_CHANNEL_STATE, &f);
}

static void on_data(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = fields_of(session_of(t, e->with), true, false);
    put_text(&f, "label", e->label);
    put_count(&f, "size", &e->size, false);
    trace(t, now, HP_EV_CHANNEL_MESSAGE, &f);
}

static void on_error(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = {.n = 0};
    put(&f, HP_FU("session", e->with ? session_of(t, e->with)->number : 0));
    put(&f, HP_FS("message", e->text ? e->text : ""));
    trace(t, now, HP_EV_PEER_ERROR, &f);
}

static void on_log(hp_exec_trace *t, hp_time now, const hp_exec_event *e)
{
    fields f = {.n = 0};
    put(&f, HP_FS("level", "info"));
    put(&f, HP_FS("message", e->text ? e->text : ""));
    trace(t, now, HP_EV_SUT_LOG, &f);
}

void hp_exec_trace_event(hp_exec_trace *t, hp_time now, const hp_exec_event *event)
{
    switch (event->kind) {
    case HP_EXEC_READY:
        if (!t->is_ready && t->ops.ready)
            t->ops.ready(t->user);
        t->is_ready = true;
        break;
    case HP_EXEC_SESSION:
        on_session(t, now, event);
        break;
    case HP_EXEC_ICE_STATE:
        on_ice_state(t, now, event);
        break;
    case HP_EXEC_GATHERING_DONE:
        on_gathering_done(t, now, event);
        break;
    case HP_EXEC_CANDIDATE:
        on_candidate(t, now, event);
        break;
    case HP_EXEC_SELECTED_PAIR:
        on_selected_pair(t, now, event);
        break;
    case HP_EXEC_DTLS_STATE:
        on_dtls_state(t, now, event);
        break;
    case HP_EXEC_MEDIA:
        on_media(t, now, event);
        break;
    case HP_EXEC_CHANNEL:
        on_channel(t, now, event);
        break;
    case HP_EXEC_DATA:
        on_data(t, now, event);
        break;
    case HP_EXEC_LOG:
        on_log(t, now, event);
        break;
    case HP_EXEC_ERROR:
        on_error(t, now, event);
        break;
    case HP_EXEC_N_EVENTS:
        break;
    }
}

void hp_exec_trace_line(hp_exec_trace *converter, hp_time now, const char *line, size_t len)
{
    g_autoptr(hp_exec_event) event = hp_exec_event_parse(line, len);
    if (converter->sessions->len < MAX_SESSIONS) {
        hp_exec_trace_event(converter, now, event);
        return;
    }
    g_autofree char *text = g_utf8_make_valid(line, (gssize)MIN(len, 1000));
    on_log(converter, now, &(hp_exec_event){.kind = HP_EXEC_LOG, .text = text});
}
