/* Where the cases of a page come from: OUT/result.json of a whole run, one case's result.json, or all result.json files
 * below a folder, in the order of the cases' names.
 *
 * A folder may hold what an earlier run left there. Evidence is of the very run that a result speaks of when the result
 * beside it is the same text but for white space. Where that one is cut off or gone, the ladder says so. */
#include <string.h>

#include "base/error.h"
#include "report/evidence.h"
#include "report/page_private.h"
#include "report/run_json.h"

static void free_case(gpointer data)
{
    hp_page_case *c = data;
    g_free(c->name);
    g_free(c->folder);
    g_free(c);
}

void hp_page_source_free(hp_page_source *s)
{
    if (s == NULL) {
        return;
    }
    g_ptr_array_unref(s->cases);
    g_ptr_array_unref(s->maps);
    hp_run_file_free(s->run);
    g_free(s);
}

static void add_case(const hp_page_source *s, const char *name, hp_verdict verdict, const char *text, size_t length,
                     char *folder)
{
    hp_page_case *c = g_new0(hp_page_case, 1);
    *c = (hp_page_case){.name = g_strdup(name), .verdict = verdict, .text = text, .length = length, .folder = folder};
    g_ptr_array_add(s->cases, c);
}

/* A result.json by itself. What is none of a case is passed over. */
static bool add_file(const hp_page_source *s, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    g_autoptr(GError) cause = NULL;
    GMappedFile *map = g_mapped_file_new(path, FALSE, &cause);
    if (map == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s", cause->message);
        return false;
    }
    g_ptr_array_add(s->maps, map);
    g_autoptr(JsonParser) parser = json_parser_new();
    const size_t length = g_mapped_file_get_length(map);
    const char *text = length > 0 ? g_mapped_file_get_contents(map) : "";
    JsonNode *root =
        json_parser_load_from_data(parser, text, (gssize)length, NULL) ? json_parser_get_root(parser) : NULL;
    JsonObject *document = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    hp_verdict verdict;
    if (document == NULL || !hp_report_document_check(document, &verdict, &cause)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s", path,
                    cause != NULL ? cause->message : "no JSON object");
        return false;
    }
    add_case(s, hp_evidence_text(document, "case"), verdict, text, length, g_strdup(folder));
    return true;
}

/* Folders are few levels deep; links are not followed, so that a loop has an end. */
static bool find_files(const hp_page_source *s, const char *folder, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &cause);
    if (dir == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s", cause->message);
        return false;
    }
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (strcmp(name, "result.json") == 0) {
            if (!add_file(s, folder, error)) {
                return false;
            }
        } else if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK) &&
                   !find_files(s, path, error)) {
            return false;
        }
    }
    return true;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const hp_page_case *x = *(hp_page_case *const *)a, *y = *(hp_page_case *const *)b;
    return strcmp(x->name, y->name);
}

/* Which of the two formats OUT/result.json has stands at its beginning. */
static bool is_run(const char *folder)
{
    enum { LOOKED_AT = 256 };
    g_autofree char *path = g_build_filename(folder, HP_RUN_JSON_FILE, NULL);
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, NULL);
    const size_t length = map != NULL ? g_mapped_file_get_length(map) : 0;
    return length > 0 && g_strstr_len(g_mapped_file_get_contents(map), (gssize)MIN(length, LOOKED_AT),
                                      "\"" HP_RUN_JSON_FORMAT "\"") != NULL;
}

static bool read_run(hp_page_source *s, const char *folder, GError **error)
{
    s->run = hp_run_file_read(folder, NULL, NULL, error);
    if (s->run == NULL) {
        return false;
    }
    for (unsigned i = 0; i < s->run->entries->len; i++) {
        const hp_run_entry *e = &g_array_index(s->run->entries, hp_run_entry, i);
        add_case(s, e->name, e->verdict, e->line, e->length, g_build_filename(folder, e->name, NULL));
    }
    return true;
}

static bool read_folder(hp_page_source *s, const char *folder, GError **error)
{
    if (!(is_run(folder) ? read_run(s, folder, error) : find_files(s, folder, error))) {
        return false;
    }
    if (s->cases->len == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID,
                    "%s: no results of a run: `hairpin run ... --out DIR` leaves them in DIR", folder);
        return false;
    }
    g_ptr_array_sort(s->cases, by_name);
    return true;
}

hp_page_source *hp_page_source_open(const char *folder, GError **error)
{
    hp_page_source *s = g_new0(hp_page_source, 1);
    s->cases = g_ptr_array_new_with_free_func(free_case);
    s->maps = g_ptr_array_new_with_free_func((GDestroyNotify)g_mapped_file_unref);
    if (folder != NULL && !read_folder(s, folder, error)) {
        hp_page_source_free(s);
        return NULL;
    }
    return s;
}

/* ---- evidence ---- */

/* A cursor over JSON text that passes over white space outside of strings. */
typedef struct text_cursor {
    const char *at, *end;
    bool in_string, escaped;
} text_cursor;

/* The next character that counts, or -1. */
static int next_char(text_cursor *c)
{
    while (c->at < c->end) {
        const char x = *c->at++;
        if (c->in_string) {
            c->in_string = c->escaped || x != '"';
            c->escaped = !c->escaped && x == '\\';
            return (unsigned char)x;
        }
        c->in_string = x == '"';
        if (!g_ascii_isspace(x)) {
            return (unsigned char)x;
        }
    }
    return -1;
}

static bool same_json(const char *a, size_t a_length, const char *b, size_t b_length)
{
    text_cursor x = {.at = a, .end = a + a_length}, y = {.at = b, .end = b + b_length};
    for (;;) {
        const int one = next_char(&x), other = next_char(&y);
        if (one != other || one < 0) {
            return one == other;
        }
    }
}

static bool is_result(const char *text, size_t length)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root =
        json_parser_load_from_data(parser, text, (gssize)length, NULL) ? json_parser_get_root(parser) : NULL;
    return root != NULL && JSON_NODE_HOLDS_OBJECT(root) &&
           strcmp(hp_evidence_text(json_node_get_object(root), "format"), HP_EVIDENCE_RESULT_FORMAT) == 0;
}

hp_page_evidence hp_page_find_evidence(const hp_page_case *c)
{
    g_autofree char *events = g_build_filename(c->folder, "events.jsonl", NULL);
    g_autofree char *result = g_build_filename(c->folder, "result.json", NULL);
    if (!g_file_test(events, G_FILE_TEST_EXISTS)) {
        return HP_PAGE_NO_EVIDENCE;
    }
    g_autoptr(GMappedFile) map = g_mapped_file_new(result, FALSE, NULL);
    const size_t length = map != NULL ? g_mapped_file_get_length(map) : 0;
    const char *text = length > 0 ? g_mapped_file_get_contents(map) : "";
    return same_json(c->text, c->length, text, length) || !is_result(text, length) ? HP_PAGE_EVIDENCE
                                                                                   : HP_PAGE_OTHER_EVIDENCE;
}
