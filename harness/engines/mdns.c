/* Multicast DNS: the frame around responder and querier.
 *
 * What is sent goes through an outbox: input and the responder's decisions put messages there, run() sends them, in
 * the order they were made. A message for the groups goes to each group in use.
 *
 * Section 18 asks for id 0, opcode 0 and code 0 in multicast messages; messages with other opcodes or codes are
 * ignored (18.3, 18.11), ids only matter to legacy queriers. Responses are believed only from port 5353 (section 6).
 * Everything else stands in mdns_responder.c and mdns_querier.c. */
#include "engines/mdns.h"

#include <assert.h>

#include "base/error.h"
#include "engines/mdns_private.h"

#define DEFAULT_TTL (120 * HP_S)
#define DEFAULT_TIMEOUT (5 * HP_S)

struct outgoing {
    hp_deadline due;
    hp_mdns *m;
    hp_addr to;
    size_t length;
    uint8_t bytes[HP_MDNS_MAX];
};

static const char *const status_names[] = {
    [HP_MDNS_FOUND] = "found",
    [HP_MDNS_NOTHING] = "nothing",
    [HP_MDNS_TIMED_OUT] = "timed-out",
};
static_assert(G_N_ELEMENTS(status_names) == HP_MDNS_TIMED_OUT + 1, "one name a status");

static const char *const event_names[] = {
    [HP_MDNS_EV_ANNOUNCED] = "announced",
    [HP_MDNS_EV_CONFLICT] = "conflict",
    [HP_MDNS_EV_ANSWERED] = "answered",
    [HP_MDNS_EV_GOODBYE] = "goodbye",
};
static_assert(G_N_ELEMENTS(event_names) == HP_MDNS_EV_GOODBYE + 1, "one name an event");

const char *hp_mdns_status_name(hp_mdns_status status)
{
    return status_names[status];
}

const char *hp_mdns_event_kind_name(hp_mdns_event_kind kind)
{
    return event_names[kind];
}

hp_addr hp_mdns_group(uint8_t family)
{
    static const uint8_t v6[16] = {0xff, 0x02, [15] = 0xfb};
    return family == HP_AF_IPV6 ? hp_addr_v6(v6, HP_MDNS_PORT) : hp_addr_v4(0xe00000fb, HP_MDNS_PORT);
}

static void outgoing_free(void *data)
{
    struct outgoing *o = data;
    hp_deadlines_clear(&o->m->deadlines, &o->due);
    g_free(o);
}

hp_mdns *hp_mdns_new(const hp_mdns_config *config, bool ipv4, bool ipv6, const hp_rng *rng, const hp_mdns_ops *ops,
                     void *user)
{
    hp_mdns *m = g_new0(hp_mdns, 1);
    m->config = *config;
    m->config.timeout = config->timeout != 0 ? config->timeout : DEFAULT_TIMEOUT;
    hp_time ttl = config->ttl != 0 ? config->ttl : DEFAULT_TTL;
    m->ttl = (uint32_t)MAX(MIN(ttl / HP_S, (hp_time)INT32_MAX), 1);
    m->ipv4 = ipv4;
    m->ipv6 = ipv6;
    m->rng = *rng;
    m->ops = *ops;
    m->user = user;
    m->held = g_ptr_array_new_with_free_func(hp_mdns_held_free);
    m->searches = g_ptr_array_new_with_free_func(hp_mdns_search_free);
    m->heard = g_array_new(false, false, sizeof(hp_mdns_heard));
    m->outbox = g_ptr_array_new_with_free_func(outgoing_free);
    m->next_number = 1;
    return m;
}

void hp_mdns_free(hp_mdns *m)
{
    if (m == NULL) {
        return;
    }
    g_ptr_array_unref(m->held);
    g_ptr_array_unref(m->searches);
    g_ptr_array_unref(m->outbox);
    g_array_unref(m->heard);
    hp_deadlines_free(&m->deadlines);
    g_free(m);
}

static void outgoing_due(void *owner, hp_time now)
{
    struct outgoing *o = owner;
    hp_mdns *m = o->m;
    struct outgoing copy = *o;
    g_ptr_array_remove(m->outbox, o);
    m->ops.send(m->user, now, &copy.to, copy.bytes, copy.length);
}

static void post(hp_mdns *m, hp_time now, const hp_addr *to, const hp_dns_writer *w)
{
    struct outgoing *o = g_new0(struct outgoing, 1);
    o->due.fire = outgoing_due;
    o->due.owner = o;
    o->m = m;
    o->to = *to;
    o->length = hp_dns_finish(w);
    memcpy(o->bytes, w->buf, o->length);
    g_ptr_array_add(m->outbox, o);
    hp_deadlines_set(&m->deadlines, &o->due, now);
}

void hp_mdns_send(hp_mdns *m, hp_time now, const hp_addr *to, const hp_dns_writer *w)
{
    if (to != NULL) {
        post(m, now, to, w);
        return;
    }
    hp_addr v4 = hp_mdns_group(HP_AF_IPV4), v6 = hp_mdns_group(HP_AF_IPV6);
    if (m->ipv4) {
        post(m, now, &v4, w);
    }
    if (m->ipv6) {
        post(m, now, &v6, w);
    }
}

void hp_mdns_tell(hp_mdns *m, hp_time now, hp_mdns_event_kind kind, const hp_dns_name *name, const hp_addr *other,
                  bool flag)
{
    hp_mdns_event e = {.kind = kind, .name = *name};
    if (m->ops.event == NULL) {
        return;
    }
    if (other != NULL) {
        e.other = *other;
    }
    e.unicast = kind == HP_MDNS_EV_ANSWERED && flag;
    e.lost = kind == HP_MDNS_EV_CONFLICT && flag;
    m->ops.event(m->user, now, &e);
}

bool hp_mdns_name_parse(const char *text, hp_dns_name *ret, GError **error)
{
    hp_dns_name local;
    hp_dns_name_parse("local", &local);
    if (!hp_dns_name_parse(text, ret) || !hp_dns_name_within(ret, &local) || hp_dns_name_equal(ret, &local)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no name under .local", text);
        return false;
    }
    return true;
}

void hp_mdns_input(hp_mdns *m, hp_time now, const hp_addr *from, const uint8_t *data, size_t len)
{
    hp_dns_msg msg;
    if (m->config.off || !hp_dns_parse(data, len, &msg) || (msg.flags & (HP_DNS_OPCODE | HP_DNS_RCODE)) != 0) {
        return;
    }
    if ((msg.flags & HP_DNS_QR) == 0) {
        hp_mdns_take_query(m, now, from, &msg);
    } else if (from->port == HP_MDNS_PORT) {
        hp_mdns_take_rival(m, now, from, &msg);
        hp_mdns_take_response(m, now, &msg);
    }
}

hp_time hp_mdns_deadline(const hp_mdns *m)
{
    return hp_deadlines_next(&m->deadlines);
}

void hp_mdns_run(hp_mdns *m, hp_time now)
{
    hp_deadlines_run(&m->deadlines, now);
}
