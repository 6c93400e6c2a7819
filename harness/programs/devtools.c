/* Theory of operation: a DevTools connection sans I/O.
 *
 * Input is gathered until a NUL ends a message; a message is parsed and told of at once, and what follows it waits in
 * the same buffer. Output is one buffer of whole messages. Commands are numbered from 1 and never again, and a table
 * holds who waits for which number: an answer to a number that nobody waits for is ignored.
 *
 * A text that is no JSON object is an error for good, since the browser on the other end is no browser then; an object
 * with neither a known number nor a method is ignored, as later versions may say more than we know.
 *
 * Source: the protocol's own description (the domains Target, Page, Runtime, Fetch, Network) and what Chromium does on
 * its pipe. */
#include "programs/devtools.h"

#include <string.h>

#include "base/error.h"

typedef struct waiting {
    hp_devtools_answer answer;
    void *user;
} waiting;

struct hp_devtools {
    hp_devtools_ops ops;
    void *user;
    gint64 number; /* of the last command */
    GHashTable *waiting; /* number -> waiting, owned */
    GByteArray *input, *output;
    guint scanned; /* octets of input without a NUL */
    bool broken;
};

hp_devtools *hp_devtools_new(const hp_devtools_ops *ops, void *user)
{
    hp_devtools *devtools = g_new0(hp_devtools, 1);
    devtools->ops = *ops;
    devtools->user = user;
    devtools->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    devtools->input = g_byte_array_new();
    devtools->output = g_byte_array_new();
    return devtools;
}

void hp_devtools_free(hp_devtools *devtools)
{
    if (!devtools) {
        return;
    }
    g_hash_table_unref(devtools->waiting);
    g_byte_array_unref(devtools->input);
    g_byte_array_unref(devtools->output);
    g_free(devtools);
}

const char *hp_devtools_text(JsonObject *object, const char *key)
{
    JsonNode *node = object ? json_object_get_member(object, key) : NULL;
    if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
        return NULL;
    }
    return json_node_get_string(node);
}

JsonObject *hp_devtools_object(JsonObject *object, const char *key)
{
    JsonNode *node = object ? json_object_get_member(object, key) : NULL;
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* ---- out ---- */

void hp_devtools_command(hp_devtools *devtools, const char *session, const char *method, JsonObject *params,
                         hp_devtools_answer answer, void *user)
{
    devtools->number++;
    g_autoptr(JsonObject) message = json_object_new();
    json_object_set_int_member(message, "id", devtools->number);
    json_object_set_string_member(message, "method", method);
    json_object_set_object_member(message, "params", params ? params : json_object_new());
    if (session) {
        json_object_set_string_member(message, "sessionId", session);
    }
    if (answer) {
        gint64 *number = g_new(gint64, 1);
        *number = devtools->number;
        waiting *entry = g_new(waiting, 1);
        *entry = (waiting){.answer = answer, .user = user};
        g_hash_table_insert(devtools->waiting, number, entry);
    }
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(root, message);
    g_autofree char *text = json_to_string(root, FALSE);
    g_byte_array_append(devtools->output, (const guint8 *)text, (guint)strlen(text) + 1);
    if (devtools->ops.wants_to_write) {
        devtools->ops.wants_to_write(devtools->user);
    }
}

const void *hp_devtools_output(const hp_devtools *devtools, size_t *ret_length)
{
    *ret_length = devtools->output->len;
    return devtools->output->data;
}

void hp_devtools_written(hp_devtools *devtools, size_t length)
{
    g_assert(length <= devtools->output->len);
    if (length > 0) {
        g_byte_array_remove_range(devtools->output, 0, (guint)length);
    }
}

/* ---- in ---- */

static void take_answer(hp_devtools *devtools, gint64 number, JsonObject *message)
{
    const waiting *found = g_hash_table_lookup(devtools->waiting, &number);
    if (!found) {
        return;
    }
    const waiting entry = *found;
    g_hash_table_remove(devtools->waiting, &number);
    JsonObject *error = hp_devtools_object(message, "error");
    if (error) {
        const char *text = hp_devtools_text(error, "message");
        entry.answer(entry.user, NULL, text ? text : "refused");
        return;
    }
    JsonObject *result = hp_devtools_object(message, "result");
    g_autoptr(JsonObject) empty = json_object_new();
    entry.answer(entry.user, result ? result : empty, NULL);
}

static bool take_message(hp_devtools *devtools, const char *text, GError **error)
{
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "what came from the DevTools pipe is no JSON object: %.80s",
                    text);
        return false;
    }
    JsonObject *message = json_node_get_object(root);
    JsonNode *id = json_object_get_member(message, "id");
    const char *method = hp_devtools_text(message, "method");
    if (id && JSON_NODE_HOLDS_VALUE(id) && json_node_get_value_type(id) == G_TYPE_INT64) {
        take_answer(devtools, json_node_get_int(id), message);
    } else if (method) {
        devtools->ops.event(devtools->user, hp_devtools_text(message, "sessionId"), method,
                            hp_devtools_object(message, "params"));
    }
    return true;
}

/* The buffer is left before a message is told of: a callback sends commands, but never feeds input. */
bool hp_devtools_input(hp_devtools *devtools, const void *data, size_t length, GError **error)
{
    if (devtools->broken || length > HP_DEVTOOLS_MAX_MESSAGE) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the DevTools pipe is broken");
        return false;
    }
    g_byte_array_append(devtools->input, data, (guint)length);
    guint begin = 0;
    for (;;) {
        const guint8 *from = devtools->input->data + devtools->scanned;
        const guint8 *end = memchr(from, '\0', devtools->input->len - devtools->scanned);
        if (!end) {
            break;
        }
        const char *text = (const char *)devtools->input->data + begin;
        begin = devtools->scanned = (guint)(end - devtools->input->data) + 1;
        if (!take_message(devtools, text, error)) {
            devtools->broken = true;
            return false;
        }
    }
    if (begin > 0) {
        g_byte_array_remove_range(devtools->input, 0, begin);
    }
    devtools->scanned = devtools->input->len;
    if (devtools->scanned > HP_DEVTOOLS_MAX_MESSAGE) {
        devtools->broken = true;
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a message from the DevTools pipe has no end");
        return false;
    }
    return true;
}
