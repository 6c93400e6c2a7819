/* Theory of operation: one timer a flow, firing at start + n * interval, so that a flow's pace has no drift. A datagram
 * that the agent does not take is traced (data-refused) and counts as sent: the network never saw it, but the user
 * meant it to arrive. Arrivals are recognised by their header; anything else is not a flow's and is left alone.
 *
 * A flow over a data channel opens that channel, or joins it, and waits until it is open: then it begins, and only then
 * is it traced. With no session yet it waits for one. When the session has no such channel to give, or it ends before
 * it was open, the flow begins none the less and each of its messages is refused. A message that SCTP's buffer has no
 * room for is refused as well; there is no second try.
 *
 * A reliable agent hands up a stream of bytes, cut anywhere. There a flow's datagrams are found again by their headers
 * and sizes; what has begun to arrive waits with its stream. Bytes that are no flow's end that: all that had come with
 * them is left alone. A datagram counts when its last byte is there.
 *
 * Where the two ends are in different processes, each has flows of its own: the sender's runs the flow, the receiver's
 * was told its number and size, and both clocks show the same run time. */
#include "actors/flow.h"

#include <string.h>

#include "wire/bytes.h"

static const uint8_t magic[4] = {'H', 'P', 'F', 'L'};

typedef struct flow {
    hp_flows *owner;
    hp_flow_config config;
    char *to;
    bool waits; /* for its channel */
    bool begun;
    uint64_t session; /* in which it waits or has waited, 0: none */
    unsigned number;
    uint64_t sent;
    hp_time start;
    hp_timer timer;
    uint8_t *datagram;
} flow;

/* What a component of a reliable session has received and is no whole datagram yet. */
typedef struct unread {
    const hp_peer *peer;
    uint64_t session;
    unsigned stream, component;
    GByteArray *bytes;
} unread;

struct hp_flows {
    hp_world *world;
    GPtrArray *list; /* of flow */
    GArray *sizes; /* of uint32_t: a datagram's of the flow with the number index + 1; 0: there is none */
    GPtrArray *unread; /* of unread */
};

static void flow_free(gpointer data)
{
    flow *f = data;
    hp_timer_cancel(f->owner->world, &f->timer);
    g_free(f->to);
    g_free(f->datagram);
    g_free(f);
}

static void unread_free(gpointer data)
{
    unread *u = data;
    g_byte_array_unref(u->bytes);
    g_free(u);
}

hp_flows *hp_flows_new(hp_world *world)
{
    hp_flows *flows = g_new0(hp_flows, 1);
    flows->world = world;
    flows->list = g_ptr_array_new_with_free_func(flow_free);
    flows->sizes = g_array_new(FALSE, TRUE, sizeof(uint32_t));
    flows->unread = g_ptr_array_new_with_free_func(unread_free);
    return flows;
}

void hp_flows_free(hp_flows *flows)
{
    if (!flows)
        return;
    g_ptr_array_unref(flows->list);
    g_array_unref(flows->sizes);
    g_ptr_array_unref(flows->unread);
    g_free(flows);
}

/* The size of a flow's datagrams; 0: there is no such flow. */
static uint32_t size_of(const hp_flows *flows, uint32_t number)
{
    return number > 0 && number <= flows->sizes->len ? g_array_index(flows->sizes, uint32_t, number - 1) : 0;
}

void hp_flows_expect(hp_flows *flows, unsigned number, uint32_t size)
{
    g_assert(number > 0 && size >= HP_FLOW_HEADER);
    if (flows->sizes->len < number)
        g_array_set_size(flows->sizes, number);
    g_array_index(flows->sizes, uint32_t, number - 1) = size;
}

/* The number of the flow whose header that is, or 0. */
static unsigned flow_of(const hp_flows *flows, const uint8_t *data, size_t len)
{
    if (len < HP_FLOW_HEADER || memcmp(data, magic, sizeof magic) != 0) {
        return 0;
    }
    uint32_t number = hp_get32(data + 4);
    return size_of(flows, number) > 0 && hp_get64(data + 16) <= hp_world_now(flows->world) ? number : 0;
}

static void take(hp_flows *flows, const hp_peer *peer, unsigned number, const uint8_t *data, size_t len,
                 uint32_t record)
{
    hp_time now = hp_world_now(flows->world);
    hp_trace_event(hp_world_trace(flows->world), now, HP_EV_DATA_RECEIVED, hp_peer_name(peer), HP_FU("flow", number),
                   HP_FU("sequence", hp_get64(data + 8)), HP_FU("size", len),
                   HP_FT("latency", now - hp_get64(data + 16)), HP_FU("packet", record));
}

static GByteArray *unread_of(hp_flows *flows, const hp_peer *peer, uint64_t session, unsigned stream,
                             unsigned component)
{
    for (unsigned i = 0; i < flows->unread->len; i++) {
        const unread *u = flows->unread->pdata[i];
        if (u->peer == peer && u->session == session && u->stream == stream && u->component == component) {
            return u->bytes;
        }
    }
    unread *u = g_new(unread, 1);
    *u = (unread){
        .peer = peer, .session = session, .stream = stream, .component = component, .bytes = g_byte_array_new()};
    g_ptr_array_add(flows->unread, u);
    return u->bytes;
}

/* Takes the whole datagrams at the front. */
static void take_all(hp_flows *flows, const hp_peer *peer, GByteArray *bytes, uint32_t record)
{
    guint at = 0;
    while (bytes->len - at >= HP_FLOW_HEADER) {
        unsigned number = flow_of(flows, bytes->data + at, bytes->len - at);
        uint32_t size = size_of(flows, number);
        if (number == 0) {
            at = bytes->len;
        } else if (bytes->len - at < size) {
            break;
        } else {
            take(flows, peer, number, bytes->data + at, size, record);
            at += size;
        }
    }
    g_byte_array_remove_range(bytes, 0, at);
}

static void receive(void *user, hp_peer *peer, const char *with, unsigned stream, unsigned component,
                    const uint8_t *data, size_t len, uint32_t record)
{
    hp_flows *flows = user;
    if (hp_peer_is_reliable(peer)) {
        uint64_t session = hp_peer_session_number(peer, *with ? with : NULL);
        GByteArray *bytes = unread_of(flows, peer, session, stream, component);
        g_byte_array_append(bytes, data, (guint)len);
        take_all(flows, peer, bytes, record);
        return;
    }
    unsigned number = flow_of(flows, data, len);
    if (number > 0) {
        take(flows, peer, number, data, len, record);
    }
}

/* The first datagram leaves in a step of its own at this instant. */
static void begin(flow *f)
{
    const hp_flow_config *config = &f->config;
    hp_world *world = f->owner->world;
    f->begun = true;
    f->start = hp_world_now(world);
    hp_trace_event(hp_world_trace(world), f->start, HP_EV_FLOW, hp_peer_name(config->from), HP_FU("flow", f->number),
                   HP_FS("to", f->to), HP_FU("size", config->size), HP_FT("interval", config->interval),
                   HP_FU("count", config->count), HP_FU("stream", config->stream),
                   HP_FU("component", config->component),
                   HP_FS("channel", config->channel ? config->channel->label : ""));
    hp_timer_arm(world, &f->timer, f->start);
}

static void receive_channel(void *user, hp_peer *peer, const char *with, const char *label, const uint8_t *data,
                            size_t len, uint32_t record)
{
    hp_flows *flows = user;
    unsigned number = flow_of(flows, data, len);
    if (number > 0) {
        take(flows, peer, number, data, len, record);
    }
}

/* Opens the channel in the session there is, or joins it. True: it is not open yet. */
static bool has_to_wait(const flow *f, uint64_t session)
{
    const hp_flow_config *config = &f->config;
    if (!config->channel) {
        return false;
    }
    if (session == f->session) {
        return session == 0;
    }
    return hp_peer_open_channel(config->from, f->to, config->channel, NULL) &&
           !hp_peer_channel_is_open(config->from, f->to, config->channel->label);
}

/* Waits for the channel, once in a session, or begins. */
static void join(flow *f)
{
    uint64_t session = hp_peer_session_number(f->config.from, f->to);
    f->waits = has_to_wait(f, session);
    f->session = session;
    if (!f->waits)
        begin(f);
}

/* In a step of its own: where a session gives way to another, as in a glare, that one is there by then. */
static void channel_changed(void *user, hp_peer *peer, const char *with, const char *label, bool open)
{
    const hp_flows *flows = user;
    for (unsigned i = 0; i < flows->list->len; i++) {
        flow *f = flows->list->pdata[i];
        if (f->waits && f->config.from == peer && strcmp(f->to, with) == 0 &&
            (label ? strcmp(f->config.channel->label, label) == 0 : f->session == 0)) {
            f->waits = false;
            hp_timer_arm(flows->world, &f->timer, hp_world_now(flows->world));
        }
    }
}

void hp_flows_watch(hp_flows *flows, hp_peer *peer)
{
    hp_peer_set_receive(peer, receive, flows);
    hp_peer_set_channel_receive(peer, receive_channel, flows);
    hp_peer_set_channel_change(peer, channel_changed, flows);
}

static bool hand_over(const flow *f)
{
    const hp_flow_config *config = &f->config;
    return config->channel
               ? hp_peer_send_channel(config->from, f->to, config->channel->label, f->datagram, config->size)
               : hp_peer_send(config->from, f->to, config->stream, config->component, f->datagram, config->size);
}

static void send_next(flow *f, hp_time now)
{
    const hp_flow_config *config = &f->config;
    hp_trace *trace = hp_world_trace(f->owner->world);
    const char *from = hp_peer_name(config->from);
    uint64_t sequence = f->sent++;
    hp_put64(f->datagram + 8, sequence);
    hp_put64(f->datagram + 16, now);
    hp_trace_event(trace, now, HP_EV_DATA_SENT, from, HP_FU("flow", f->number), HP_FU("sequence", sequence),
                   HP_FU("size", config->size));
    if (!hand_over(f))
        hp_trace_event(trace, now, HP_EV_DATA_REFUSED, from, HP_FU("flow", f->number), HP_FU("sequence", sequence));
    if (f->sent < config->count)
        hp_timer_arm(f->owner->world, &f->timer, f->start + f->sent * config->interval);
    else
        hp_trace_event(trace, now, HP_EV_FLOW_DONE, from, HP_FU("flow", f->number), HP_FU("sent", f->sent));
}

static void due(void *owner, hp_time now)
{
    flow *f = owner;
    if (f->begun)
        send_next(f, now);
    else
        join(f);
}

unsigned hp_flows_start(hp_flows *flows, const hp_flow_config *config)
{
    g_assert(config->size >= HP_FLOW_HEADER && config->count > 0);
    flow *f = g_new0(flow, 1);
    f->owner = flows;
    f->config = *config;
    f->to = g_strdup(config->to);
    f->number = config->number > 0 ? config->number : flows->sizes->len + 1;
    hp_flows_expect(flows, f->number, config->size);
    f->datagram = g_malloc(config->size);
    for (uint32_t i = 0; i < config->size; i++)
        f->datagram[i] = (uint8_t)i;
    memcpy(f->datagram, magic, sizeof magic);
    hp_put32(f->datagram + 4, f->number);
    hp_timer_init(&f->timer, HP_TIMER_ACTOR, hp_world_new_element(flows->world), due, f);
    g_ptr_array_add(flows->list, f);
    join(f);
    return f->number;
}

unsigned hp_flows_n_running(const hp_flows *flows)
{
    unsigned n = 0;
    for (unsigned i = 0; i < flows->list->len; i++) {
        const flow *f = flows->list->pdata[i];
        n += f->sent < f->config.count;
    }
    return n;
}

bool hp_flows_all_done(const hp_flows *flows)
{
    return hp_flows_n_running(flows) == 0;
}
