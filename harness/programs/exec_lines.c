/* Lines of JSON in both directions, as EXEC.md has them.
 *
 * A line that begins no object, or whose event is unknown, is told as a log: programs print all sorts of things on
 * stdout. What is read of an event is limited by its type alone: whether it makes sense in the state of a session is
 * for exec_trace.c. Numbers may be written with a fraction (browsers do), and count as their whole part; those beyond
 * 2^53 or below -2^53 are no counts.
 *
 * Depth is measured before the parser sees a line (base/json_depth.h), length by the reader of the stream. */
#include "programs/exec_lines.h"

#include <assert.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/json_depth.h"

static const char *const event_names[] = {
    "ready",      "session", "ice-state", "gathering-done", "candidate", "selected-pair",
    "dtls-state", "media",   "channel",   "data",           "log",       "error",
};
static_assert(G_N_ELEMENTS(event_names) == HP_EXEC_N_EVENTS, "one name an event");

enum { MAX_LOG = 4000 }; /* octets of a line that is no event */

const char *hp_exec_event_name(hp_exec_event_kind kind)
{
    return event_names[kind];
}

static void clear_candidate(hp_exec_candidate *c)
{
    g_free(c->type);
    g_free(c->transport);
    g_free(c->relay_protocol);
}

void hp_exec_event_free(hp_exec_event *event)
{
    if (!event)
        return;
    clear_candidate(&event->local);
    clear_candidate(&event->remote);
    g_free(event->with);
    g_free(event->state);
    g_free(event->text);
    g_free(event->label);
    g_free(event->media);
    g_free(event);
}

/* ---- members ---- */

static char *get_text(JsonObject *o, const char *key)
{
    JsonNode *node = json_object_get_member(o, key);
    if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
        return NULL;
    return json_node_dup_string(node);
}

static bool get_number(JsonObject *o, const char *key, double *ret)
{
    JsonNode *node = json_object_get_member(o, key);
    if (!node || !JSON_NODE_HOLDS_VALUE(node))
        return false;
    const GType type = json_node_get_value_type(node);
    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
        return false;
    *ret = json_node_get_double(node);
    return isfinite(*ret) && fabs(*ret) <= 9007199254740992.0;
}

static hp_exec_count get_count(JsonObject *o, const char *key, double scale)
{
    double value;
    if (!get_number(o, key, &value) || fabs(value * scale) > 9e18)
        return (hp_exec_count){0};
    return (hp_exec_count){.told = true, .value = (int64_t)(value * scale)};
}

static hp_addr get_address(JsonObject *o)
{
    g_autofree char *text = get_text(o, "address");
    double port = 0;
    hp_addr a;
    /* A scope (fe80::1%eth0) is the program's own affair. */
    char *scope = text ? strchr(text, '%') : NULL;
    if (scope)
        *scope = '\0';
    if (!text || !hp_addr_parse(text, &a) || a.port != 0)
        return (hp_addr){0};
    if (get_number(o, "port", &port) && port >= 0 && port <= 65535)
        a.port = (uint16_t)port;
    return a;
}

static void get_candidate(JsonObject *o, hp_exec_candidate *ret)
{
    ret->type = get_text(o, "type");
    ret->transport = get_text(o, "transport");
    ret->relay_protocol = get_text(o, "relay-protocol");
    ret->address = get_address(o);
}

static void get_side(JsonObject *o, const char *key, hp_exec_candidate *ret)
{
    JsonNode *node = json_object_get_member(o, key);
    if (node && JSON_NODE_HOLDS_OBJECT(node))
        get_candidate(json_node_get_object(node), ret);
}

/* ---- events ---- */

static hp_exec_event *log_of(const char *line, size_t len)
{
    hp_exec_event *event = g_new0(hp_exec_event, 1);
    event->kind = HP_EXEC_LOG;
    event->text = g_utf8_make_valid(line, (gssize)MIN(len, MAX_LOG));
    return event;
}

static bool kind_of(JsonObject *o, hp_exec_event_kind *ret)
{
    g_autofree char *name = get_text(o, "event");
    for (unsigned i = 0; name && i < G_N_ELEMENTS(event_names); i++) {
        if (strcmp(name, event_names[i]) == 0) {
            *ret = (hp_exec_event_kind)i;
            return true;
        }
    }
    return false;
}

static void get_media(JsonObject *o, hp_exec_event *event)
{
    g_autofree char *direction = get_text(o, "direction");
    event->media = get_text(o, "kind");
    event->in = g_strcmp0(direction, "in") == 0;
    event->packets = get_count(o, "packets", 1);
    event->octets = get_count(o, "octets", 1);
    event->lost = get_count(o, "lost", 1);
    event->frames = get_count(o, "frames", 1);
    event->jitter = get_count(o, "jitter-ms", (double)HP_MS);
}

static hp_exec_event *read_event(JsonObject *o)
{
    hp_exec_event_kind kind;
    if (!kind_of(o, &kind))
        return NULL;
    hp_exec_event *event = g_new0(hp_exec_event, 1);
    event->kind = kind;
    event->with = get_text(o, "with");
    event->state = get_text(o, "state");
    event->text = get_text(o, "text");
    event->label = get_text(o, "label");
    event->size = get_count(o, "size", 1);
    switch (kind) {
    case HP_EXEC_CANDIDATE:
        get_candidate(o, &event->local);
        break;
    case HP_EXEC_SELECTED_PAIR:
        get_side(o, "local", &event->local);
        get_side(o, "remote", &event->remote);
        break;
    case HP_EXEC_MEDIA:
        get_media(o, event);
        break;
    case HP_EXEC_READY:
    case HP_EXEC_SESSION:
    case HP_EXEC_ICE_STATE:
    case HP_EXEC_GATHERING_DONE:
    case HP_EXEC_DTLS_STATE:
    case HP_EXEC_CHANNEL:
    case HP_EXEC_DATA:
    case HP_EXEC_LOG:
    case HP_EXEC_ERROR:
    case HP_EXEC_N_EVENTS:
        break;
    }
    return event;
}

hp_exec_event *hp_exec_event_parse(const char *line, size_t len)
{
    size_t blank = 0;
    while (blank < len && (line[blank] == ' ' || line[blank] == '\t'))
        blank++;
    if (blank == len || line[blank] != '{' || len > HP_EXEC_MAX_LINE || !hp_json_is_shallow(line, len))
        return log_of(line, len);
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    if (!json_parser_load_from_data(parser, line, (gssize)len, NULL))
        return log_of(line, len);
    JsonNode *root = json_parser_get_root(parser);
    hp_exec_event *event = root && JSON_NODE_HOLDS_OBJECT(root) ? read_event(json_node_get_object(root)) : NULL;
    return event ? event : log_of(line, len);
}

/* ---- lines out of a stream ---- */

struct hp_exec_lines {
    void (*line)(void *user, const char *line, size_t len);
    void *user;
    GByteArray *rest; /* of a line whose end has not come */
    size_t total;
    bool refused;
};

hp_exec_lines *hp_exec_lines_new(void (*line)(void *user, const char *line, size_t len), void *user)
{
    hp_exec_lines *lines = g_new0(hp_exec_lines, 1);
    lines->line = line;
    lines->user = user;
    lines->rest = g_byte_array_new();
    return lines;
}

void hp_exec_lines_free(hp_exec_lines *lines)
{
    if (!lines)
        return;
    g_byte_array_unref(lines->rest);
    g_free(lines);
}

static void tell(hp_exec_lines *lines, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len > 0)
        lines->line(lines->user, line, len);
}

/* The rest of a line whose beginning is there already. */
static void complete(hp_exec_lines *lines, const char *data, size_t len)
{
    if (lines->rest->len == 0) {
        tell(lines, data, len);
        return;
    }
    g_byte_array_append(lines->rest, (const guint8 *)data, (guint)len);
    tell(lines, (const char *)lines->rest->data, lines->rest->len);
    g_byte_array_set_size(lines->rest, 0);
}

bool hp_exec_lines_input(hp_exec_lines *lines, const void *data, size_t len, GError **error)
{
    const char *at = data, *end = at + len;
    lines->total += len;
    if (lines->total > HP_EXEC_MAX_TOTAL) {
        lines->refused = true;
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "more than %d MiB in one run", HP_EXEC_MAX_TOTAL >> 20);
        return false;
    }
    while (!lines->refused && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t n = (size_t)((stop ? stop : end) - at);
        lines->refused = lines->rest->len + n > HP_EXEC_MAX_LINE;
        if (lines->refused)
            break;
        if (!stop) {
            g_byte_array_append(lines->rest, (const guint8 *)at, (guint)n);
            return true;
        }
        complete(lines, at, n);
        at = stop + 1;
    }
    if (lines->refused)
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "a line of more than %d octets", HP_EXEC_MAX_LINE);
    return !lines->refused;
}

void hp_exec_lines_end(hp_exec_lines *lines)
{
    if (!lines->refused)
        complete(lines, "", 0);
    g_byte_array_set_size(lines->rest, 0);
}
