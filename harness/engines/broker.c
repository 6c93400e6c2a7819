/* Theory of operation.
 *
 * A post is parsed once, for its type and its addressee, and becomes one copy for every client that is to hear it. A
 * copy waits in a binary heap ordered by (due, number of the copy), so that copies due at one instant leave in the
 * order in which they were made. All copies of a message share its text.
 *
 * Each copy draws, always in this order: jitter, hold-back, duplication, loss. The draws of one copy move the stream of
 * the whole broker: it is one element.
 *
 * Limits: a client that left hears nothing any more, copies on the way to it included. A message larger than 256 KiB is
 * refused. A lost copy waits its time like the others, so that its loss is told when it was missed. */
#include "engines/broker.h"

#include <assert.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_depth.h"

#define MESSAGE_MAX (256u * 1024)
#define DEFAULT_HOLD_BACK (200 * HP_MS)

typedef struct message {
    uint64_t number;
    unsigned from;
    hp_signal_type type;
    char json[];
} message;

typedef struct copy {
    hp_time due;
    uint64_t sequence;
    unsigned to;
    bool lost;
    message *message; /* one reference (g_rc_box) */
} copy;

typedef struct client {
    char *name;
    bool present;
} client;

struct hp_broker {
    hp_signaling_config config;
    hp_rng rng;
    const hp_broker_ops *ops;
    void *user;
    GArray *clients; /* of client */
    GHashTable *by_name; /* a client's name -> its number + 1; of two with one name the first */
    GArray *heap; /* of copy */
    uint64_t n_messages, n_copies;
    uint64_t *last_number; /* of a message: n_messages, or what other processes count with too */
};

static const char *const type_names[] = {
    [HP_SIGNAL_OFFER] = "offer",
    [HP_SIGNAL_ANSWER] = "answer",
    [HP_SIGNAL_CANDIDATE] = "candidate",
};
static_assert(G_N_ELEMENTS(type_names) == HP_SIGNAL_N_TYPES, "a signal type lacks its name");

hp_broker *hp_broker_new(const hp_signaling_config *config, const hp_rng *rng, const hp_broker_ops *ops, void *user)
{
    hp_broker *broker = g_new0(hp_broker, 1);
    broker->config = *config;
    broker->rng = *rng;
    broker->ops = ops;
    broker->user = user;
    broker->clients = g_array_new(FALSE, TRUE, sizeof(client));
    broker->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    broker->heap = g_array_new(FALSE, FALSE, sizeof(copy));
    broker->last_number = &broker->n_messages;
    return broker;
}

void hp_broker_free(hp_broker *broker)
{
    if (!broker)
        return;
    for (unsigned i = 0; i < broker->heap->len; i++)
        g_rc_box_release(g_array_index(broker->heap, copy, i).message);
    for (unsigned i = 0; i < broker->clients->len; i++)
        g_free(g_array_index(broker->clients, client, i).name);
    g_hash_table_unref(broker->by_name);
    g_array_unref(broker->heap);
    g_array_unref(broker->clients);
    g_free(broker);
}

unsigned hp_broker_join(hp_broker *broker, const char *name)
{
    client c = {.name = g_strdup(name), .present = true};
    g_array_append_val(broker->clients, c);
    if (!g_hash_table_contains(broker->by_name, c.name))
        g_hash_table_insert(broker->by_name, c.name, GUINT_TO_POINTER(broker->clients->len));
    return broker->clients->len - 1;
}

void hp_broker_leave(hp_broker *broker, unsigned number)
{
    g_assert(number < broker->clients->len);
    g_array_index(broker->clients, client, number).present = false;
}

void hp_broker_share_numbers(hp_broker *broker, uint64_t *last)
{
    broker->last_number = last ? last : &broker->n_messages;
}

void hp_broker_configure(hp_broker *broker, const hp_signaling_config *config)
{
    broker->config = *config;
}

static bool copy_before(const copy *a, const copy *b)
{
    return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
}

static void heap_push(GArray *heap, const copy *added)
{
    g_array_append_val(heap, *added);
    copy *c = (copy *)(void *)heap->data;
    unsigned i = heap->len - 1;
    while (i > 0 && copy_before(added, &c[(i - 1) / 2])) {
        c[i] = c[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c[i] = *added;
}

static copy heap_pop(GArray *heap)
{
    copy *c = (copy *)(void *)heap->data;
    copy first = c[0], last = c[heap->len - 1];
    g_array_set_size(heap, heap->len - 1);
    unsigned n = heap->len, i = 0;
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && copy_before(&c[child + 1], &c[child]))
            child++;
        if (!copy_before(&c[child], &last))
            break;
        c[i] = c[child];
        i = child;
    }
    if (n > 0)
        c[i] = last;
    return first;
}

static void schedule(hp_broker *broker, hp_time now, unsigned to, message *m)
{
    const hp_signaling_config *config = &broker->config;
    if (!g_array_index(broker->clients, client, to).present || (to == m->from && !config->echo))
        return;
    hp_time due = hp_time_add(now, config->delay + config->type_delay[m->type]);
    if (config->jitter > 0)
        due = hp_time_add(due, hp_rng_below(&broker->rng, config->jitter + 1));
    if (hp_rng_chance(&broker->rng, config->reorder_ppb))
        due = hp_time_add(due, config->reorder_by ? config->reorder_by : DEFAULT_HOLD_BACK);
    unsigned n = hp_rng_chance(&broker->rng, config->duplicate_ppb) ? 2 : 1;
    bool lost = hp_rng_chance(&broker->rng, config->loss_ppb);
    for (unsigned i = 0; i < n; i++) {
        copy c = {.due = due, .sequence = broker->n_copies++, .to = to, .lost = lost, .message = g_rc_box_acquire(m)};
        heap_push(broker->heap, &c);
    }
}

/* One copy for the addressee and one for the sender, in the order of their numbers. */
static void schedule_addressed(hp_broker *broker, hp_time now, const char *addressee, message *m)
{
    unsigned to = GPOINTER_TO_UINT(g_hash_table_lookup(broker->by_name, addressee));
    if (to > 0 && to - 1 < m->from)
        schedule(broker, now, to - 1, m);
    schedule(broker, now, m->from, m);
    if (to > 0 && to - 1 > m->from)
        schedule(broker, now, to - 1, m);
}

/* The type and (not owned: inside root) the addressee of a message. */
static bool read_envelope(JsonNode *root, hp_signal_type *ret_type, const char **ret_to, GError **error)
{
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "a signalling message must be a JSON object");
        return false;
    }
    JsonObject *object = json_node_get_object(root);
    const char *type = json_object_get_string_member_with_default(object, "type", NULL);
    for (unsigned i = 0; type && i < HP_SIGNAL_N_TYPES; i++) {
        if (strcmp(type, type_names[i]) == 0) {
            *ret_type = (hp_signal_type)i;
            *ret_to = json_object_get_string_member_with_default(object, "to", NULL);
            return true;
        }
    }
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID,
                "a signalling message of type %s: it must be offer, answer or candidate", type ? type : "(none)");
    return false;
}

/* Parses a message that is one, and reads its envelope; *ret_to lives as long as the parser. NULL: it is none. */
static JsonParser *parse(const char *json, hp_signal_type *ret_type, const char **ret_to, GError **error)
{
    size_t length = strlen(json);
    if (length > MESSAGE_MAX) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a signalling message of %zu bytes: at most %u are taken",
                    length, MESSAGE_MAX);
        return NULL;
    }
    if (!hp_json_is_shallow(json, length)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a signalling message that nests deeper than %d levels",
                    HP_JSON_MAX_DEPTH);
        return NULL;
    }
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    g_autoptr(GError) parse_error = NULL;
    if (!json_parser_load_from_data(parser, json, (gssize)length, &parse_error)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a signalling message is no JSON: %s", parse_error->message);
        return NULL;
    }
    if (!read_envelope(json_parser_get_root(parser), ret_type, ret_to, error))
        return NULL;
    return g_steal_pointer(&parser);
}

static void post(hp_broker *broker, hp_time now, unsigned from, uint64_t number, hp_signal_type type,
                 const char *addressee, const char *json)
{
    size_t length = strlen(json);
    message *m = g_rc_box_alloc(sizeof *m + length + 1);
    m->number = number;
    m->from = from;
    m->type = type;
    memcpy(m->json, json, length + 1);
    if (broker->config.addressed && addressee)
        schedule_addressed(broker, now, addressee, m);
    else
        for (unsigned to = 0; to < broker->clients->len; to++)
            schedule(broker, now, to, m);
    g_rc_box_release(m);
}

uint64_t hp_broker_post(hp_broker *broker, hp_time now, unsigned from, const char *json, const char **ret_type,
                        GError **error)
{
    hp_signal_type type;
    const char *addressee = NULL;
    g_autoptr(JsonParser) parser = parse(json, &type, &addressee, error);
    if (!parser)
        return 0;
    uint64_t number = __atomic_add_fetch(broker->last_number, 1, __ATOMIC_SEQ_CST);
    post(broker, now, from, number, type, addressee, json);
    *ret_type = type_names[type];
    return number;
}

bool hp_broker_post_numbered(hp_broker *broker, hp_time now, unsigned from, uint64_t number, const char *json,
                             GError **error)
{
    hp_signal_type type;
    const char *addressee = NULL;
    g_autoptr(JsonParser) parser = parse(json, &type, &addressee, error);
    if (parser)
        post(broker, now, from, number, type, addressee, json);
    return parser != NULL;
}

const char *hp_broker_type_of(const char *json, GError **error)
{
    hp_signal_type type;
    const char *addressee;
    g_autoptr(JsonParser) parser = parse(json, &type, &addressee, error);
    return parser ? type_names[type] : NULL;
}

hp_time hp_broker_deadline(const hp_broker *broker)
{
    return broker->heap->len > 0 ? g_array_index(broker->heap, copy, 0).due : HP_NEVER;
}

void hp_broker_run(hp_broker *broker, hp_time now)
{
    while (hp_broker_deadline(broker) <= now) {
        copy c = heap_pop(broker->heap);
        const message *m = c.message;
        if (!g_array_index(broker->clients, client, c.to).present)
            ; /* it left while the copy was on its way */
        else if (c.lost)
            broker->ops->lost(broker->user, now, c.to, m->from, m->number, type_names[m->type]);
        else
            broker->ops->deliver(broker->user, now, c.to, m->from, m->number, type_names[m->type], m->json);
        g_rc_box_release(c.message);
    }
}
