/* OUT/result.json read back, a line at a time: head, one document a line, tail (see run_json.h).
 *
 * The file is mapped and a document is parsed, looked at and thrown away before the next, so that the results of
 * thousands of cases need no more memory than one. The head says how many documents there are, and the names ascend:
 * a file that was cut off, joined or sorted otherwise by hand is refused, not guessed at. */
#include "report/run_read.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "report/evidence.h"
#include "report/run_json.h"

#define CASES_LINE "\n\"cases\": [\n"

void hp_run_file_free(hp_run_file *file)
{
    if (file == NULL) {
        return;
    }
    g_array_unref(file->entries);
    g_mapped_file_unref(file->map);
    g_free(file->path);
    g_free(file->version);
    g_free(file);
}

static void clear_entry(gpointer data)
{
    hp_run_entry *entry = data;
    g_free(entry->name);
}

typedef struct reader {
    hp_run_file *file;
    const char *at, *end; /* what is still to be read */
    unsigned line; /* of `at`, from 1 */
    uint64_t n_told; /* documents, as the head says */
} reader;

G_GNUC_PRINTF(3, 4) static bool refuse(const reader *r, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s:%u: %s", r->file->path, r->line, message);
    return false;
}

/* Of text that is one whole JSON object; NULL when it is none. */
static JsonObject *parse(JsonParser *parser, const char *text, size_t length)
{
    if (length == 0 || !json_parser_load_from_data(parser, text, (gssize)length, NULL)) {
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    return root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
}

/* The head alone is no JSON: closed, it is. */
static bool read_head(reader *r, GError **error)
{
    const char *cases = g_strstr_len(r->at, r->end - r->at, CASES_LINE);
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autofree char *head = cases != NULL ? g_strndup(r->at, (gsize)(cases - r->at)) : NULL;
    g_autofree char *closed = head != NULL ? g_strconcat(head, "\n\"cases\": []}", NULL) : NULL;
    JsonObject *object = closed != NULL ? parse(parser, closed, strlen(closed)) : NULL;
    const char *format = hp_evidence_text(object, "format");
    if (object == NULL || strcmp(format, HP_RUN_JSON_FORMAT) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: not the result of a run (format `%s`) as Hairpin writes it",
                    r->file->path, HP_RUN_JSON_FORMAT);
        return false;
    }
    r->file->version = g_strdup(hp_evidence_text(object, "hairpin"));
    r->n_told = hp_evidence_u64(hp_evidence_object(object, "totals"), "cases");
    for (const char *documents = cases + strlen(CASES_LINE); r->at < documents; r->at++) {
        r->line += *r->at == '\n';
    }
    return true;
}

static bool add_document(reader *r, JsonParser *parser, const char *line, size_t length, hp_run_document_fn fn,
                         void *user, GError **error)
{
    JsonObject *document = parse(parser, line, length);
    g_autoptr(GError) cause = NULL;
    hp_run_entry entry = {.line = line, .length = length};
    if (document == NULL) {
        return refuse(r, error, "no JSON object");
    }
    if (!hp_report_document_check(document, &entry.verdict, &cause)) {
        return refuse(r, error, "%s", cause->message);
    }
    const GArray *entries = r->file->entries;
    const char *name = hp_evidence_text(document, "case");
    if (entries->len > 0 && strcmp(g_array_index(entries, hp_run_entry, entries->len - 1).name, name) >= 0) {
        return refuse(r, error, "`%s` does not stand in the order of names", name);
    }
    entry.name = g_strdup(name);
    g_array_append_val(r->file->entries, entry);
    return fn == NULL || fn(&entry, document, user, error);
}

/* Lines up to the one that closes the array; every one but the last document's ends in a comma. */
static bool read_documents(reader *r, hp_run_document_fn fn, void *user, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    for (bool more = r->at < r->end && *r->at != ']'; more; r->line++) {
        const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
        if (end == NULL) {
            return refuse(r, error, "the file ends in the middle");
        }
        more = end > r->at && end[-1] == ',';
        if (!add_document(r, parser, r->at, (size_t)(end - r->at) - (more ? 1 : 0), fn, user, error)) {
            return false;
        }
        r->at = end + 1;
    }
    if ((size_t)(r->end - r->at) != strlen("]\n}\n") || memcmp(r->at, "]\n}\n", strlen("]\n}\n")) != 0) {
        return refuse(r, error, "here the file should end");
    }
    if (r->file->entries->len != r->n_told) {
        return refuse(r, error, "there are %u cases, but `totals` says %" G_GUINT64_FORMAT, r->file->entries->len,
                      r->n_told);
    }
    return true;
}

hp_run_file *hp_run_file_read(const char *folder, hp_run_document_fn fn, void *user, GError **error)
{
    g_autofree char *path = g_build_filename(folder, HP_RUN_JSON_FILE, NULL);
    g_autoptr(GError) cause = NULL;
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) { /* a pipe would wait for ever for somebody to write it */
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", path,
                    access(path, F_OK) == 0 ? "not a file" : g_strerror(errno));
        return NULL;
    }
    GMappedFile *map = g_mapped_file_new(path, FALSE, &cause);
    if (map == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s", cause->message);
        return NULL;
    }
    hp_run_file *file = g_new0(hp_run_file, 1);
    file->path = g_steal_pointer(&path);
    file->map = map;
    file->entries = g_array_new(FALSE, FALSE, sizeof(hp_run_entry));
    g_array_set_clear_func(file->entries, clear_entry);
    const size_t length = g_mapped_file_get_length(file->map);
    const char *text = length > 0 ? g_mapped_file_get_contents(file->map) : "";
    reader r = {.file = file, .at = text, .end = text + length, .line = 1};
    if (read_head(&r, error) && read_documents(&r, fn, user, error)) {
        return file;
    }
    hp_run_file_free(file);
    return NULL;
}
