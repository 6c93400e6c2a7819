/* events.jsonl read back, one line at a time: trace/jsonl.c says what stands in it.
 *
 * A line is whole when it ends in a newline, holds one JSON object with a time and the name of an event. The first that
 * does not is where the file is cut or spoilt, and reading stops there. Names that this version does not know are given
 * out as HP_EVIDENCE_OTHER. */
#include "report/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static hp_evidence_line_kind kind_of(const char *name, hp_event_kind *ret_event)
{
    if (hp_event_from_name(name, ret_event)) {
        return HP_EVIDENCE_EVENT;
    }
    if (strcmp(name, "drop") == 0) {
        return HP_EVIDENCE_DROP;
    }
    return strcmp(name, "overflow") == 0 ? HP_EVIDENCE_OVERFLOW : HP_EVIDENCE_OTHER;
}

/* NULL when the line was given out, else what is wrong with it. */
static const char *read_line(JsonParser *parser, const char *text, size_t length, hp_evidence_line_fn fn, void *user)
{
    if (length == 0 || text[length - 1] != '\n') {
        return "the line is cut off";
    }
    if (!json_parser_load_from_data(parser, text, (gssize)length, NULL)) {
        return "no JSON";
    }
    JsonNode *root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        return "not a JSON object";
    }
    JsonObject *object = json_node_get_object(root);
    const char *name = hp_evidence_text(object, "event");
    hp_evidence_line line = {
        .at = hp_evidence_time(object, "at"), .subject = hp_evidence_text(object, "subject"), .object = object};
    if (name[0] == '\0' || line.at > (hp_time)INT64_MAX) {
        return "no event: `at` or `event` is missing";
    }
    line.kind = kind_of(name, &line.event);
    fn(&line, user);
    return NULL;
}

bool hp_evidence_read_events(const char *path, hp_evidence_line_fn fn, void *user, GError **error)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", path, g_strerror(errno));
        return false;
    }
    g_autoptr(JsonParser) parser = json_parser_new();
    char *text = NULL;
    size_t room = 0;
    unsigned number = 0;
    const char *fault = NULL;
    for (ssize_t n; fault == NULL && (n = getline(&text, &room, file)) > 0; number++) {
        fault = read_line(parser, text, (size_t)n, fn, user);
    }
    free(text); // NOLINT(bugprone-multi-level-implicit-pointer-conversion): getline()'s own
    const bool unread = ferror(file) != 0;
    (void)fclose(file);
    if (fault != NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s:%u: %s; what comes after is not read", path, number, fault);
    } else if (unread) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot be read", path);
    }
    return fault == NULL && !unread;
}
