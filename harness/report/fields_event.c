/* Members of an event as fields. A signalling message's JSON is told member by member, a session description line by
 * line (RFC 8866 section 5), since that is how people read one. */
#include "report/fields.h"

#include "report/evidence.h"

static void add_node(hp_fields *f, const char *name, JsonNode *node);

static void add_text(hp_fields *f, const char *name, const char *text)
{
    if (strchr(text, '\n') == NULL) {
        hp_fields_add(f, name, "%s", text);
        return;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    hp_fields_add(f, name, "%zu bytes", strlen(text));
    f->depth++;
    for (char **line = lines; *line != NULL; line++) {
        const char *equals = strchr(g_strchomp(*line), '=');
        if (equals != NULL) {
            g_autofree char *key = g_strndup(*line, (gsize)(equals - *line));
            hp_fields_add(f, key, "%s", equals + 1);
        } else if ((*line)[0] != '\0') {
            hp_fields_add(f, "", "%s", *line);
        }
    }
    f->depth--;
}

static void add_members(hp_fields *f, JsonObject *object)
{
    g_autoptr(GList) names = json_object_get_members(object);
    for (GList *at = names; at != NULL; at = at->next) {
        add_node(f, at->data, json_object_get_member(object, at->data));
    }
}

static void add_node(hp_fields *f, const char *name, JsonNode *node)
{
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING) {
        add_text(f, name, json_node_get_string(node));
    } else if (JSON_NODE_HOLDS_OBJECT(node) && f->depth < HP_FIELDS_MAX_DEPTH) {
        hp_fields_add(f, name, "%u members", json_object_get_size(json_node_get_object(node)));
        f->depth++;
        add_members(f, json_node_get_object(node));
        f->depth--;
    } else {
        g_autofree char *text = json_to_string(node, FALSE);
        hp_fields_add(f, name, "%s", text);
    }
}

static void add_json(hp_fields *f, const char *text)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root = json_parser_load_from_data(parser, text, -1, NULL) ? json_parser_get_root(parser) : NULL;
    if (root != NULL && JSON_NODE_HOLDS_OBJECT(root)) {
        add_members(f, json_node_get_object(root));
    } else {
        hp_fields_add(f, "message", "%s", text);
    }
}

void hp_fields_event(hp_fields *f, JsonObject *event)
{
    static const char *const passed_over[] = {"at",   "event", "subject", "json",     "size",
                                              "step", "label", "own",     "previous", NULL};
    const char *json = hp_evidence_text(event, "json");
    g_autoptr(GList) names = json_object_get_members(event);
    for (GList *at = names; at != NULL; at = at->next) {
        if (!g_strv_contains(passed_over, at->data)) {
            add_node(f, at->data, json_object_get_member(event, at->data));
        }
    }
    if (json[0] != '\0') {
        f->depth++;
        add_json(f, json);
        f->depth--;
    }
}
