/* The stub resolver: queries, servers in turn, timeouts.
 *
 * A query keeps one message id for its life; an answer is taken from any server that was asked so far, so that a late
 * one still counts. It must have that id, QR, and exactly the question that was asked (RFC 5452 section 9.1); all else
 * is dropped without a word. NOERROR and NXDOMAIN end the query. FORMERR, where OPT was sent, makes the same server be
 * asked again without it (RFC 6891 section 7); any other code is the next server's turn, at once. TC makes the same
 * server be asked over a stream. When all rounds are over, the last code seen is the result, or the timeout.
 *
 * Life of a query: START (due at once: the cache is looked at, or the first message leaves) -> WAITING (a message is
 * out; due at its timeout) -> gone, with exactly one result unless it is cancelled. Legal in both states: cancel,
 * deadline; input only in WAITING. Queries due at one instant are served in the order they were made. */
#include "engines/dns_client.h"

#include <assert.h>

#include "base/error.h"
#include "engines/dns_client_private.h"
#include "engines/stun_deadline.h"

#define DEFAULT_PORT 53
#define DEFAULT_TIMEOUT (5 * HP_S)
#define DEFAULT_ATTEMPTS 2

typedef struct query {
    hp_deadline due;
    hp_dns_client *client;
    uint64_t number;
    hp_dns_question question;
    hp_time deadline;
    uint16_t id;
    bool waiting;
    unsigned turn; /* attempts made at servers: round * n_servers + server */
    bool stream, no_edns;
    unsigned sent;
    unsigned rcode; /* the last error seen */
    bool refused; /* there was one */
    bool cut_off;
} query;

struct hp_dns_client {
    hp_resolver_config config;
    hp_addr *servers;
    unsigned n_servers;
    hp_dns_client_ops ops;
    void *user;
    hp_rng rng;
    hp_dns_cache cache;
    GPtrArray *queries; /* of query, in the order made */
    hp_deadlines deadlines;
    uint64_t next_number;
};

static const char *const status_names[] = {
    [HP_DNS_FOUND] = "found",   [HP_DNS_NOTHING] = "nothing", [HP_DNS_NO_NAME] = "no-name",
    [HP_DNS_FAILED] = "failed", [HP_DNS_CUT_OFF] = "cut-off", [HP_DNS_TIMED_OUT] = "timed-out",
};
static_assert(G_N_ELEMENTS(status_names) == HP_DNS_TIMED_OUT + 1, "one name a status");

const char *hp_dns_status_name(hp_dns_status status)
{
    return status_names[status];
}

static void query_free(void *data)
{
    query *q = data;
    hp_deadlines_clear(&q->client->deadlines, &q->due);
    g_free(q);
}

hp_dns_client *hp_dns_client_new(const hp_resolver_config *config, const hp_rng *rng, const hp_dns_client_ops *ops,
                                 void *user)
{
    hp_dns_client *client = g_new0(hp_dns_client, 1);
    client->config = *config;
    client->config.timeout = config->timeout != 0 ? config->timeout : DEFAULT_TIMEOUT;
    client->config.attempts = config->attempts != 0 ? config->attempts : DEFAULT_ATTEMPTS;
    client->servers = g_new0(hp_addr, config->n_servers);
    client->n_servers = config->n_servers;
    for (unsigned i = 0; i < config->n_servers; i++) {
        const hp_addr *a = &config->servers[i];
        client->servers[i] = a->port != 0 ? *a : hp_addr_with_port(*a, DEFAULT_PORT);
    }
    client->config.servers = NULL;
    client->ops = *ops;
    client->user = user;
    client->rng = *rng;
    client->queries = g_ptr_array_new_with_free_func(query_free);
    client->next_number = 1;
    hp_dns_cache_init(&client->cache, config);
    return client;
}

void hp_dns_client_free(hp_dns_client *client)
{
    if (client == NULL) {
        return;
    }
    g_ptr_array_unref(client->queries);
    hp_deadlines_free(&client->deadlines);
    g_array_unref(client->cache.entries);
    g_free(client->servers);
    g_free(client);
}

void hp_dns_client_flush_cache(hp_dns_client *client)
{
    hp_dns_cache_clear(&client->cache);
}

/* Ends the query and tells. The query is gone when result() runs. */
static void finish(query *q, hp_time now, hp_dns_result *result)
{
    hp_dns_client *client = q->client;
    result->query = q->number;
    result->sent = q->sent;
    g_ptr_array_remove(client->queries, q);
    client->ops.result(client->user, now, result);
}

static void fail(query *q, hp_time now)
{
    hp_dns_result result = {.name = q->question.name, .type = q->question.type, .status = HP_DNS_TIMED_OUT};
    result.canonical = q->question.name;
    if (q->refused) {
        result.status = q->cut_off ? HP_DNS_CUT_OFF : HP_DNS_FAILED;
        result.rcode = q->rcode;
    }
    finish(q, now, &result);
}

static const hp_addr *server_of(const query *q)
{
    return &q->client->servers[q->turn % q->client->n_servers];
}

/* Asks the server whose turn it is. The message is the last thing done. */
static void ask(query *q, hp_time now)
{
    hp_dns_client *client = q->client;
    uint8_t bytes[HP_DNS_MAX_UDP];
    hp_dns_writer w;
    q->waiting = true;
    q->sent++;
    hp_deadlines_set(&client->deadlines, &q->due, MIN(hp_time_add(now, client->config.timeout), q->deadline));
    hp_dns_begin(&w, bytes, sizeof bytes, q->id, HP_DNS_RD);
    hp_dns_add_question(&w, &q->question);
    if (!client->config.no_edns && !q->no_edns) {
        hp_dns_add_opt(&w, HP_DNS_EDNS_UDP, 0, false);
    }
    client->ops.send(client->user, now, server_of(q), q->stream, bytes, hp_dns_finish(&w));
}

static void next_turn(query *q, hp_time now)
{
    q->turn++;
    q->stream = q->no_edns = false;
    if (q->turn >= q->client->config.attempts * q->client->n_servers || now >= q->deadline) {
        fail(q, now);
        return;
    }
    ask(q, now);
}

static void query_due(void *owner, hp_time now)
{
    query *q = owner;
    hp_dns_result result = {.name = q->question.name, .type = q->question.type};
    if (q->waiting) {
        next_turn(q, now);
    } else if (hp_dns_cache_get(&q->client->cache, now, &q->question.name, q->question.type, &result)) {
        finish(q, now, &result);
    } else if (q->client->n_servers == 0 || now >= q->deadline) {
        fail(q, now);
    } else {
        ask(q, now);
    }
}

uint64_t hp_dns_client_query(hp_dns_client *client, hp_time now, const char *name, uint16_t type, hp_time deadline,
                             GError **error)
{
    hp_dns_question question = {.type = type, .cls = HP_DNS_IN};
    if (type != HP_DNS_A && type != HP_DNS_AAAA && type != HP_DNS_PTR) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a stub resolver asks for A, AAAA and PTR, not for type %u",
                    type);
        return 0;
    }
    if (!hp_dns_name_parse(name, &question.name)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no name that DNS could carry", name);
        return 0;
    }
    query *q = g_new0(query, 1);
    q->due.fire = query_due;
    q->due.owner = q;
    q->client = client;
    q->number = client->next_number++;
    q->question = question;
    q->deadline = deadline;
    q->id = (uint16_t)hp_rng_u64(&client->rng);
    g_ptr_array_add(client->queries, q);
    hp_deadlines_set(&client->deadlines, &q->due, now);
    return q->number;
}

void hp_dns_client_cancel(hp_dns_client *client, uint64_t number)
{
    for (unsigned i = 0; i < client->queries->len; i++) {
        query *q = g_ptr_array_index(client->queries, i);
        if (q->number == number) {
            g_ptr_array_remove_index(client->queries, i);
            return;
        }
    }
}

/* Was that server asked by now? */
static bool was_asked(const query *q, const hp_addr *from)
{
    unsigned n = MIN(q->turn + 1, q->client->n_servers);
    for (unsigned i = 0; i < n; i++) {
        if (hp_addr_equal(&q->client->servers[i], from)) {
            return true;
        }
    }
    return false;
}

static query *find(hp_dns_client *client, const hp_addr *from, const hp_dns_msg *m)
{
    hp_dns_cursor cursor = {0};
    hp_dns_question question;
    if ((m->flags & HP_DNS_QR) == 0 || m->n_questions != 1 || !hp_dns_next_question(m, &cursor, &question)) {
        return NULL;
    }
    for (unsigned i = 0; i < client->queries->len; i++) {
        query *q = g_ptr_array_index(client->queries, i);
        if (q->waiting && q->id == m->id && q->question.type == question.type && q->question.cls == question.cls &&
            hp_dns_name_equal(&q->question.name, &question.name) && was_asked(q, from)) {
            return q;
        }
    }
    return NULL;
}

/* A header with FORMERR and no question is all that some servers give to OPT. */
static query *find_refused(hp_dns_client *client, const hp_addr *from, const hp_dns_msg *m)
{
    for (unsigned i = 0; i < client->queries->len; i++) {
        query *q = g_ptr_array_index(client->queries, i);
        if ((m->flags & HP_DNS_QR) != 0 && m->n_questions == 0 && m->rcode == HP_DNS_FORMERR && q->waiting &&
            q->id == m->id && hp_addr_equal(server_of(q), from)) {
            return q;
        }
    }
    return NULL;
}

static void take_error(query *q, hp_time now, const hp_addr *from, const hp_dns_msg *m)
{
    q->refused = true;
    q->cut_off = false;
    q->rcode = m->rcode;
    if (!hp_addr_equal(server_of(q), from)) {
        return; /* its turn is over; another server is still being waited for */
    }
    if (m->rcode == HP_DNS_FORMERR && !q->client->config.no_edns && !q->no_edns) {
        q->no_edns = true;
        ask(q, now);
        return;
    }
    next_turn(q, now);
}

void hp_dns_client_input(hp_dns_client *client, hp_time now, const hp_addr *from, bool stream, const uint8_t *data,
                         size_t len)
{
    hp_dns_msg m;
    if (!hp_dns_parse(data, len, &m)) {
        return;
    }
    query *q = find(client, from, &m);
    q = q != NULL ? q : find_refused(client, from, &m);
    if (q == NULL) {
        return;
    }
    if ((m.flags & HP_DNS_TC) != 0 && !stream) {
        if (!hp_addr_equal(server_of(q), from) || q->stream) {
            return;
        }
        if (client->config.no_stream) {
            q->refused = q->cut_off = true;
            q->rcode = m.rcode;
            next_turn(q, now);
            return;
        }
        q->stream = true;
        ask(q, now);
        return;
    }
    if (m.rcode != HP_DNS_NOERROR && m.rcode != HP_DNS_NXDOMAIN) {
        take_error(q, now, from, &m);
        return;
    }
    hp_dns_result result = {.name = q->question.name, .type = q->question.type, .server = *from};
    hp_dns_read_answer(&m, &result);
    hp_dns_cache_put(&client->cache, now, &result);
    finish(q, now, &result);
}

void hp_dns_client_unreachable(hp_dns_client *client, hp_time now, const hp_addr *server)
{
    /* next_turn() may end a query, and result() change the list: look again from the start, each query once. */
    uint64_t last = 0;
    for (unsigned i = 0; i < client->queries->len;) {
        query *q = g_ptr_array_index(client->queries, i);
        if (q->number > last && q->waiting && hp_addr_equal(server_of(q), server)) {
            last = q->number;
            next_turn(q, now);
            i = 0;
            continue;
        }
        i++;
    }
}

hp_time hp_dns_client_deadline(const hp_dns_client *client)
{
    return hp_deadlines_next(&client->deadlines);
}

void hp_dns_client_run(hp_dns_client *client, hp_time now)
{
    hp_deadlines_run(&client->deadlines, now);
}
