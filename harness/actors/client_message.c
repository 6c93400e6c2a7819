/* Signalling messages to JSON and back. The keys are the sample's; "to", "ufrag" and "answers" are additions that it
 * ignores. Members are written in one fixed order, so equal messages are equal bytes. A message that lacks what its
 * type needs, or has it in another JSON type, is refused whole. */
#include "actors/client_message.h"

#include <assert.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "base/error.h"

static const char *const type_names[] = {
    [HP_SIGNAL_OFFER] = "offer",
    [HP_SIGNAL_ANSWER] = "answer",
    [HP_SIGNAL_CANDIDATE] = "candidate",
};

static_assert(G_N_ELEMENTS(type_names) == HP_SIGNAL_N_TYPES, "one name a type");

const char *hp_signal_type_name(hp_signal_type type)
{
    return type_names[type];
}

void hp_client_message_free(hp_client_message *message)
{
    if (!message) {
        return;
    }
    g_free(message->id);
    g_free(message->to);
    g_free(message->sdp);
    g_free(message->answers);
    g_free(message->candidate);
    g_free(message->mid);
    g_free(message->ufrag);
    g_free(message);
}

static void set_text(JsonObject *object, const char *key, const char *value)
{
    if (value) {
        json_object_set_string_member(object, key, value);
    }
}

static void set_text_or_null(JsonObject *object, const char *key, const char *value)
{
    if (value) {
        json_object_set_string_member(object, key, value);
    } else {
        json_object_set_null_member(object, key);
    }
}

char *hp_client_message_format(const hp_client_message *message)
{
    g_autoptr(JsonObject) object = json_object_new();
    set_text_or_null(object, "id", message->id);
    json_object_set_string_member(object, "type", type_names[message->type]);
    set_text(object, "to", message->to);
    if (message->type == HP_SIGNAL_CANDIDATE) {
        set_text_or_null(object, "candidate", message->candidate);
        set_text(object, "sdpMid", message->mid);
        if (message->line >= 0) {
            json_object_set_int_member(object, "sdpMLineIndex", message->line);
        }
        set_text(object, "ufrag", message->ufrag);
    } else {
        set_text(object, "sdp", message->sdp);
        set_text(object, "answers", message->answers);
    }
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(root, object);
    return json_to_string(root, FALSE);
}

/* A string member, or NULL where it is absent or null; *ok is cleared when it is something else. */
static char *get_text(JsonObject *object, const char *key, bool *ok)
{
    JsonNode *node = json_object_get_member(object, key);
    if (!node || JSON_NODE_HOLDS_NULL(node)) {
        return NULL;
    }
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
        *ok = false;
        return NULL;
    }
    return json_node_dup_string(node);
}

static int get_line(JsonObject *object, bool *ok)
{
    JsonNode *node = json_object_get_member(object, "sdpMLineIndex");
    if (!node || JSON_NODE_HOLDS_NULL(node)) {
        return -1;
    }
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64) {
        *ok = false;
        return -1;
    }
    gint64 line = json_node_get_int(node);
    if (line < 0 || line > G_MAXINT) {
        *ok = false;
        return -1;
    }
    return (int)line;
}

static bool read_type(JsonObject *object, hp_signal_type *ret)
{
    bool ok = true;
    g_autofree char *name = get_text(object, "type", &ok);
    for (unsigned i = 0; i < HP_SIGNAL_N_TYPES; i++) {
        if (g_strcmp0(name, type_names[i]) == 0) {
            *ret = (hp_signal_type)i;
            return true;
        }
    }
    return false;
}

static bool read_members(JsonObject *object, hp_client_message *message)
{
    bool ok = read_type(object, &message->type);
    message->line = get_line(object, &ok);
    message->id = get_text(object, "id", &ok);
    message->to = get_text(object, "to", &ok);
    message->sdp = get_text(object, "sdp", &ok);
    message->answers = get_text(object, "answers", &ok);
    message->candidate = get_text(object, "candidate", &ok);
    message->mid = get_text(object, "sdpMid", &ok);
    message->ufrag = get_text(object, "ufrag", &ok);
    if (!ok) {
        return false;
    }
    return message->type == HP_SIGNAL_CANDIDATE ? json_object_has_member(object, "candidate") : message->sdp != NULL;
}

hp_client_message *hp_client_message_parse(const char *json, GError **error)
{
    g_autoptr(JsonNode) root = json_from_string(json, NULL);
    hp_client_message *message = g_new0(hp_client_message, 1);
    if (root && JSON_NODE_HOLDS_OBJECT(root) && read_members(json_node_get_object(root), message)) {
        return message;
    }
    hp_client_message_free(message);
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "no offer, answer or candidate in JSON");
    return NULL;
}

/* Quotes inside a JSON string are escaped, so the pattern can only match a key; the messages nest no objects that could
 * have one of that name. */
bool hp_client_message_is_for_another(const char *json, const char *name)
{
    static const char key[] = "\"to\":\"";
    const char *found = strstr(json, key);
    if (!found) {
        return false;
    }
    found += sizeof key - 1;
    size_t length = strcspn(found, "\"\\");
    return found[length] == '"' && (strlen(name) != length || memcmp(found, name, length) != 0);
}
