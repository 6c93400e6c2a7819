/* report.html written: the template's head, the index, the chunks, the template's tail.
 *
 * Cases are dealt with in parts of PART, in their order, and each part by itself: its rows and its chunks depend on its
 * cases alone. So threads may take parts as they come, and the file is put together in order afterwards. A chunk ends when
 * it holds enough, or with its part. Only what goes into the file is kept in memory: rows, and chunks that are packed. */
#include "report/page.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "report/agree.h"
#include "report/evidence.h"
#include "report/page_private.h"

enum { PART = 32, CHUNK_BYTES = 256 * 1024 };

typedef struct row {
    char *json; /* an object without its end */
    unsigned chunk, at; /* chunk: of its part */
} row;

typedef struct part {
    GArray *rows; /* row */
    GPtrArray *chunks; /* char*: base64 */
    GPtrArray *axes; /* char*: names in the order they were met */
    unsigned with_evidence, spoilt;
} part;

/* ---- one part ---- */

static void clear_row(gpointer data)
{
    row *r = data;
    g_free(r->json);
}

static void init_part(part *p)
{
    *p = (part){.rows = g_array_new(FALSE, FALSE, sizeof(row)),
                .chunks = g_ptr_array_new_with_free_func(g_free),
                .axes = g_ptr_array_new_with_free_func(g_free)};
    g_array_set_clear_func(p->rows, clear_row);
}

static void clear_part(part *p)
{
    g_array_unref(p->rows);
    g_ptr_array_unref(p->chunks);
    g_ptr_array_unref(p->axes);
}

static void add_axes(GPtrArray *axes, char *const *names)
{
    for (; *names != NULL; names++) {
        if (!g_ptr_array_find_with_equal_func(axes, *names, g_str_equal, NULL)) {
            g_ptr_array_add(axes, g_strdup(*names));
        }
    }
}

static hp_json begin_json(char bracket)
{
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    if (bracket != '\0') {
        hp_output_char(j.o, bracket);
    }
    return j;
}

/* Ends the chunk at hand, if it holds anything. */
static void end_chunk(part *p, hp_json *j, unsigned *n)
{
    if (*n == 0) {
        return;
    }
    size_t length;
    hp_output_char(j->o, ']');
    g_autofree char *text = hp_output_take(j->o, &length);
    g_ptr_array_add(p->chunks, hp_page_pack(text, length, &length));
    *j = begin_json('[');
    *n = 0;
}

/* The document was parsed once when it was found, so that it is one. */
static void add_case(part *p, const hp_page_case *c, hp_json *j, unsigned *n, size_t *bytes)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, c->text, (gssize)c->length, NULL)) {
        return;
    }
    JsonObject *result = json_node_get_object(json_parser_get_root(parser));
    const hp_page_evidence evidence = hp_page_find_evidence(c);
    const bool has_evidence = evidence == HP_PAGE_EVIDENCE;
    g_auto(GStrv) axes = hp_page_axes(result);
    add_axes(p->axes, axes);
    hp_json head = begin_json('\0');
    hp_page_row(&head, result, has_evidence);
    const row r = {.json = hp_output_take(head.o, NULL), .chunk = p->chunks->len, .at = *n};
    g_array_append_val(p->rows, r);

    /* Measured apart, so that a chunk knows how much it holds. */
    hp_json detail = begin_json('\0');
    const bool whole = hp_page_detail(&detail, result, c, evidence);
    size_t length;
    g_autofree char *text = hp_output_take(detail.o, &length);
    if (*n > 0) {
        hp_output_char(j->o, ',');
    }
    hp_output_bytes(j->o, text, length);
    (*n)++;
    *bytes += length;
    p->with_evidence += has_evidence;
    p->spoilt += !whole;
}

static void make_part(part *p, GPtrArray *cases, unsigned from)
{
    hp_json j = begin_json('[');
    unsigned n = 0;
    size_t bytes = 0;
    for (unsigned i = from; i < MIN(from + PART, cases->len); i++) {
        add_case(p, g_ptr_array_index(cases, i), &j, &n, &bytes);
        if (bytes >= CHUNK_BYTES) {
            end_chunk(p, &j, &n);
            bytes = 0;
        }
    }
    end_chunk(p, &j, &n);
    hp_output_abandon(j.o);
}

/* ---- all parts ---- */

typedef struct work {
    GPtrArray *cases;
    part *parts;
    unsigned n_parts;
    gint next; /* the next part that nobody has; atomic */
} work;

static gpointer work_on(gpointer user)
{
    work *w = user;
    for (;;) {
        const unsigned i = (unsigned)g_atomic_int_add(&w->next, 1);
        if (i >= w->n_parts) {
            return NULL;
        }
        make_part(&w->parts[i], w->cases, i * PART);
    }
}

static void make_parts(work *w, unsigned jobs)
{
    const unsigned n = CLAMP(jobs > 0 ? jobs : g_get_num_processors(), 1, MAX(w->n_parts, 1));
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    for (unsigned i = 1; i < n; i++) {
        GThread *thread = g_thread_try_new("page", work_on, w, NULL);
        if (thread != NULL) {
            g_ptr_array_add(threads, thread);
        }
    }
    work_on(w); /* this one works too, and alone where no more can be had */
    for (unsigned i = 0; i < threads->len; i++) {
        g_thread_join(g_ptr_array_index(threads, i));
    }
}

/* ---- the file ---- */

static void put_totals(hp_json *j, const work *w)
{
    unsigned n[HP_VERDICT_N] = {0};
    for (unsigned i = 0; i < w->cases->len; i++) {
        const hp_page_case *c = g_ptr_array_index(w->cases, i);
        n[c->verdict]++;
    }
    hp_json_open(j, "totals", '{');
    hp_json_u64(j, "cases", w->cases->len);
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (n[v] > 0 || !hp_verdict_says_nothing((hp_verdict)v)) {
            hp_json_u64(j, hp_verdict_name((hp_verdict)v), n[v]);
        }
    }
    hp_json_close(j, '}');
}

static void put_rows(hp_json *j, const work *w)
{
    unsigned first_chunk = 0;
    hp_json_open(j, "cases", '[');
    for (unsigned i = 0; i < w->n_parts; i++) {
        const part *p = &w->parts[i];
        for (unsigned k = 0; k < p->rows->len; k++) {
            const row *r = &g_array_index(p->rows, row, k);
            hp_json_member(j, NULL);
            hp_output_text(j->o, r->json);
            hp_output_printf(j->o, ",\"chunk\":%u,\"at\":%u}", first_chunk + r->chunk, r->at);
        }
        first_chunk += p->chunks->len;
    }
    hp_json_close(j, ']');
}

static void put_axes(hp_json *j, const work *w)
{
    g_autoptr(GPtrArray) axes = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < w->n_parts; i++) {
        g_ptr_array_add(w->parts[i].axes, NULL);
        add_axes(axes, (char **)w->parts[i].axes->pdata);
    }
    g_ptr_array_add(axes, NULL);
    hp_json_words(j, "axes", (char **)axes->pdata);
}

static unsigned n_chunks(const work *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < w->n_parts; i++) {
        n += w->parts[i].chunks->len;
    }
    return n;
}

static char *make_index(const work *w, const hp_page_options *options, const char *version, JsonNode *bench,
                        JsonNode *agree)
{
    hp_json j = begin_json('{');
    hp_json_text(&j, "format", HP_PAGE_FORMAT);
    hp_json_text(&j, "hairpin", version);
    hp_json_text(&j, "title", options->title != NULL ? options->title : "Hairpin report");
    hp_json_text(&j, "command", options->command);
    put_totals(&j, w);
    hp_json_u64(&j, "chunks", n_chunks(w));
    put_axes(&j, w);
    put_rows(&j, w);
    if (bench != NULL) {
        hp_page_node(&j, "bench", bench);
    } else {
        hp_json_text(&j, "bench", NULL);
    }
    if (agree != NULL) {
        hp_page_node(&j, "agree", agree);
    }
    hp_output_char(j.o, '}');
    g_autofree char *plain = hp_output_take(j.o, NULL);
    return hp_page_safe_json(plain);
}

/* The file, and how much was written to it. */
typedef struct page_file {
    hp_output *o;
    uint64_t bytes;
} page_file;

static void put(page_file *f, const char *text, size_t length)
{
    hp_output_bytes(f->o, text, length);
    f->bytes += length;
}

static void put_script(page_file *f, const char *type, const char *id, const char *text)
{
    g_autofree char *open = g_strdup_printf("<script type=\"%s\" id=\"%s\">", type, id);
    put(f, open, strlen(open));
    put(f, text, strlen(text));
    put(f, "</script>\n", strlen("</script>\n"));
}

static bool write_file(const char *path, const work *w, const char *index, uint64_t *ret_bytes, GError **error)
{
    const char *head, *tail;
    size_t head_length, tail_length;
    unsigned number = 0;
    page_file f = {.o = hp_output_open(path, error)};
    if (f.o == NULL) {
        return false;
    }
    hp_page_template(&head, &head_length, &tail, &tail_length);
    put(&f, head, head_length);
    put_script(&f, "application/json", "hairpin-index", index);
    for (unsigned i = 0; i < w->n_parts; i++) {
        for (unsigned k = 0; k < w->parts[i].chunks->len; k++) {
            g_autofree char *id = g_strdup_printf("hairpin-chunk-%u", number++);
            put_script(&f, "text/plain", id, g_ptr_array_index(w->parts[i].chunks, k));
        }
    }
    put(&f, tail, tail_length);
    *ret_bytes = f.bytes;
    return hp_output_close(f.o, error);
}

/* A document that stands beside the cases, of that format, as `wrote` (a bench) leaves it. NULL without error: none was
 * asked for. */
static JsonNode *load_document(const char *path, const char *format, const char *wrote, GError **error)
{
    g_autoptr(GError) cause = NULL;
    JsonNode *node = path != NULL ? hp_evidence_load_json(path, &cause) : NULL;
    if (cause != NULL) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    if (node != NULL && strcmp(hp_evidence_text(json_node_get_object(node), "format"), format) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: not what %s wrote (format `%s`)", path, wrote, format);
        g_clear_pointer(&node, json_node_unref);
    }
    return node;
}

bool hp_page_write(const char *folder, const char *path, const hp_page_options *options, hp_page_figures *ret,
                   GError **error)
{
    g_autoptr(JsonNode) bench = load_document(options->bench, "hairpin-bench/1", "a bench", error);
    if (options->bench != NULL && bench == NULL) {
        return false;
    }
    g_autoptr(JsonNode) agree = load_document(options->agree, HP_AGREE_FORMAT, "`hairpin agree`", error);
    if (options->agree != NULL && agree == NULL) {
        return false;
    }
    g_autoptr(hp_page_source) source = hp_page_source_open(folder, error);
    if (source == NULL) {
        return false;
    }
    work w = {.cases = source->cases, .n_parts = (source->cases->len + PART - 1) / PART};
    w.parts = g_new0(part, w.n_parts);
    for (unsigned i = 0; i < w.n_parts; i++) {
        init_part(&w.parts[i]);
    }
    make_parts(&w, options->jobs);
    g_autofree char *index =
        make_index(&w, options, source->run != NULL ? source->run->version : HAIRPIN_VERSION, bench, agree);
    hp_page_figures figures = {.cases = source->cases->len, .chunks = n_chunks(&w)};
    const bool ok = write_file(path, &w, index, &figures.bytes, error);
    for (unsigned i = 0; i < w.n_parts; i++) {
        figures.with_evidence += w.parts[i].with_evidence;
        figures.spoilt += w.parts[i].spoilt;
        clear_part(&w.parts[i]);
    }
    g_free(w.parts);
    if (ok && ret != NULL) {
        *ret = figures;
    }
    return ok;
}
