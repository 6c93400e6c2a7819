/* Theory of operation: a thin shell around engines/broker. One timer stands at the broker's deadline; a copy that is
 * due is traced and handed to its client's handler. Handlers may send again: the broker only queues.
 *
 * A remote one has no broker and no timer: what its one client sends goes to the transport, what the transport brings
 * goes to the client's handler. Numbers of messages come from one counter then, which all processes advance by an atomic
 * addition: whose message is earlier has the smaller number as long as nobody is in between. */
#include "actors/signaling.h"

#include <string.h>

#include "engines/broker.h"

typedef struct member {
    const char *name;
    hp_signal_handler handler;
    void *user;
    bool away;
} member;

struct hp_signaling {
    hp_world *world;
    hp_broker *broker; /* NULL: elsewhere */
    const hp_signaling_remote_ops *remote;
    void *remote_user;
    uint64_t *numbers; /* of a remote one: the last message's, of all processes; NULL: nobody counts here */
    GArray *members; /* of member, by client number */
    hp_timer timer;
};

static const member *member_at(const hp_signaling *signaling, unsigned client)
{
    return &g_array_index(signaling->members, member, client);
}

static void trace_lost(hp_signaling *signaling, hp_time now, unsigned to, unsigned from, uint64_t message,
                       const char *type, const char *reason)
{
    hp_trace_event(hp_world_trace(signaling->world), now, HP_EV_SIGNAL_DROPPED, member_at(signaling, from)->name,
                   HP_FS("to", member_at(signaling, to)->name), HP_FS("type", type), HP_FU("message", message),
                   HP_FS("reason", reason));
}

static void deliver(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type,
                    const char *json)
{
    hp_signaling *signaling = user;
    const member *receiver = member_at(signaling, to);
    const char *sender = member_at(signaling, from)->name;
    if (receiver->away) {
        trace_lost(signaling, now, to, from, message, type, "away");
        return;
    }
    hp_trace_event(hp_world_trace(signaling->world), now, HP_EV_SIGNAL_RECEIVED, receiver->name, HP_FS("from", sender),
                   HP_FS("type", type), HP_FU("message", message), HP_FU("own", to == from));
    receiver->handler(receiver->user, sender, to == from, message, json);
}

static void lost(void *user, hp_time now, unsigned to, unsigned from, uint64_t message, const char *type)
{
    hp_signaling *signaling = user;
    trace_lost(signaling, now, to, from, message, type, "loss");
}

static const hp_broker_ops broker_ops = {.deliver = deliver, .lost = lost};

static void rearm(hp_signaling *signaling)
{
    hp_timer_arm(signaling->world, &signaling->timer, hp_broker_deadline(signaling->broker));
}

static void fire(void *owner, hp_time now)
{
    hp_signaling *signaling = owner;
    hp_broker_run(signaling->broker, now);
    rearm(signaling);
}

static hp_signaling *make(hp_world *world)
{
    hp_signaling *signaling = g_new0(hp_signaling, 1);
    signaling->world = world;
    signaling->members = g_array_new(FALSE, FALSE, sizeof(member));
    hp_timer_init(&signaling->timer, HP_TIMER_ACTOR, hp_world_new_element(world), fire, signaling);
    return signaling;
}

hp_signaling *hp_signaling_new(hp_world *world, const hp_signaling_config *config)
{
    hp_signaling *signaling = make(world);
    hp_rng rng;
    hp_world_rng(world, "signaling", &rng);
    signaling->broker = hp_broker_new(config, &rng, &broker_ops, signaling);
    return signaling;
}

hp_signaling *hp_signaling_new_remote(hp_world *world, const hp_signaling_remote_ops *ops, void *user)
{
    hp_signaling *signaling = make(world);
    signaling->remote = ops;
    signaling->remote_user = user;
    return signaling;
}

void hp_signaling_deliver(hp_signaling *signaling, const char *from, bool own, uint64_t message, const char *json)
{
    g_assert(signaling->remote);
    for (unsigned i = 0; i < signaling->members->len; i++) {
        const member *receiver = member_at(signaling, i);
        receiver->handler(receiver->user, from, own, message, json);
    }
}

void hp_signaling_free(hp_signaling *signaling)
{
    if (!signaling)
        return;
    hp_timer_cancel(signaling->world, &signaling->timer);
    hp_broker_free(signaling->broker);
    g_array_unref(signaling->members);
    g_free(signaling);
}

unsigned hp_signaling_join(hp_signaling *signaling, const char *name, hp_signal_handler handler, void *user)
{
    member m = {.name = name, .handler = handler, .user = user};
    g_array_append_val(signaling->members, m);
    if (signaling->remote) {
        g_assert(signaling->members->len == 1); /* to its broker it is one client */
        return 0;
    }
    return hp_broker_join(signaling->broker, name);
}

static void trace_sent(hp_signaling *signaling, const char *name, const char *type, uint64_t message, const char *json)
{
    hp_trace_event(hp_world_trace(signaling->world), hp_world_now(signaling->world), HP_EV_SIGNAL_SENT, name,
                   HP_FS("type", type), HP_FU("message", message), HP_FU("size", strlen(json)), HP_FS("json", json));
}

static void trace_refused(hp_signaling *signaling, const char *name, const char *type, const char *reason)
{
    hp_trace_event(hp_world_trace(signaling->world), hp_world_now(signaling->world), HP_EV_SIGNAL_DROPPED, name,
                   HP_FS("to", ""), HP_FS("type", type), HP_FU("message", 0), HP_FS("reason", reason));
}

static void send_remote(hp_signaling *signaling, const char *name, const char *json)
{
    const hp_signaling_remote_ops *remote = signaling->remote;
    const bool there = !remote->is_there || remote->is_there(signaling->remote_user);
    /* What is no message is the broker's to refuse. */
    const char *type = there && signaling->numbers ? hp_broker_type_of(json, NULL) : NULL;
    uint64_t message = 0;
    if (type) {
        message = __atomic_add_fetch(signaling->numbers, 1, __ATOMIC_SEQ_CST);
        trace_sent(signaling, name, type, message, json);
    }
    remote->send(signaling->remote_user, message, json);
}

void hp_signaling_send(hp_signaling *signaling, unsigned client, const char *json)
{
    const char *name = member_at(signaling, client)->name, *type = "?";
    if (signaling->remote) {
        send_remote(signaling, name, json);
        return;
    }
    g_autoptr(GError) error = NULL;
    const uint64_t message =
        hp_broker_post(signaling->broker, hp_world_now(signaling->world), client, json, &type, &error);
    trace_sent(signaling, name, type, message, json);
    if (message == 0)
        trace_refused(signaling, name, type, error->message);
    rearm(signaling);
}

void hp_signaling_pass(hp_signaling *signaling, unsigned client, uint64_t message, const char *json)
{
    g_autoptr(GError) error = NULL;
    g_assert(signaling->broker && message != 0);
    if (!hp_broker_post_numbered(signaling->broker, hp_world_now(signaling->world), client, message, json, &error))
        trace_refused(signaling, member_at(signaling, client)->name, "?", error->message);
    rearm(signaling);
}

void hp_signaling_share_numbers(hp_signaling *signaling, uint64_t *last)
{
    signaling->numbers = last;
    if (signaling->broker)
        hp_broker_share_numbers(signaling->broker, last);
}

void hp_signaling_configure(hp_signaling *signaling, const hp_signaling_config *config)
{
    g_assert(signaling->broker);
    hp_broker_configure(signaling->broker, config);
}

void hp_signaling_set_away(hp_signaling *signaling, unsigned client, bool away)
{
    g_array_index(signaling->members, member, client).away = away;
}
