/* From YAML text to a tree with marks, by libfyaml's event parser.
 *
 * The parser is asked for events, not for its own document, because this tree must do what that one does not: report
 * every duplicate key, keep shared subtrees shared (an alias costs a pointer, not a copy), and bound what a hostile
 * file can ask for. The bounds are the size of the text, the depth of nesting, and the number of nodes with all
 * aliases expanded, which is what a walk over the tree would visit.
 *
 * Kept out on purpose: tags, keys that are not scalars, more than one document, NUL in a scalar. A plain `null`, `~`
 * or nothing at all is a null node; all other scalars stay text, and what they mean is decided by the key they stand
 * at (so a server may be called `on`).
 *
 * Single-quoted scalars are decoded here: libfyaml 0.7.12 loses memory over one with several doubled quotes.
 *
 * libfyaml's errors are collected and become diagnostics; nothing is written to standard error. */
#include <libfyaml.h>
#include <string.h>

#include "scenario/tree.h"

typedef struct reader {
    const hp_source *source;
    hp_arena *arena;
    hp_diags *diags;
    struct fy_parser *parser;
    GHashTable *anchors; /* name to hp_tree; looked up only */
    unsigned depth, n_errors;
    bool failed; /* stop: the rest makes no sense */
} reader;

static hp_mark mark_at(const reader *r, unsigned line, unsigned column)
{
    return (hp_mark){.file = r->source->path, .line = line, .column = column};
}

static void report(reader *r, unsigned line, unsigned column, const char *hint, const char *message)
{
    g_autofree char *text = line > 0 ? hp_source_line(r->source, line) : NULL;
    hp_diags_add(r->diags, HP_SEVERITY_ERROR, mark_at(r, line, column), text, hint, "%s", message);
    r->failed = r->failed || ++r->n_errors >= HP_TREE_MAX_ERRORS;
}

static void fail(reader *r, const hp_tree *at, const char *hint, const char *message)
{
    report(r, at->line, at->column, hint, message);
    r->failed = true;
}

static const hp_tree *read_node(reader *r, struct fy_event *event, const hp_tree *near);

/* Places a node where its event begins. An empty scalar has no place of its own: it gets that of its key. */
static void place(hp_tree *node, struct fy_event *event, const hp_tree *near)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark != NULL) {
        node->line = (unsigned)mark->line + 1;
        node->column = (unsigned)mark->column + 1;
    } else if (near != NULL) {
        node->line = near->line;
        node->column = near->column;
    }
}

static const char *skip_newline(const char *p, const char *end)
{
    return p + (end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 1);
}

/* What stands between single quotes (YAML 1.2 section 7.3.2): a doubled quote is one, a line break with the blanks
 * around it is a space, and each empty line after it is a line break. */
static void decode_single_quoted(const char *p, const char *end, GString *out)
{
    size_t line_start = 0;

    while (p < end) {
        if (*p != '\n' && *p != '\r') {
            g_string_append_c(out, *p);
            p += *p == '\'' ? 2 : 1;
            continue;
        }
        while (out->len > line_start && (out->str[out->len - 1] == ' ' || out->str[out->len - 1] == '\t')) {
            g_string_truncate(out, out->len - 1);
        }
        unsigned n = 0;
        while (p < end && (*p == '\n' || *p == '\r')) {
            n++;
            p = skip_newline(p, end);
            while (p < end && (*p == ' ' || *p == '\t')) {
                p++;
            }
        }
        g_string_append(out, n == 1 ? " " : "");
        while (--n > 0) {
            g_string_append_c(out, '\n');
        }
        line_start = out->len;
    }
}

/* The text of a scalar's token, copied; NULL when there is none. */
static char *scalar_text(reader *r, struct fy_token *token, enum fy_scalar_style style, size_t *ret_len)
{
    const struct fy_mark *first = fy_token_start_mark(token), *last = fy_token_end_mark(token);

    if (style == FYSS_SINGLE_QUOTED && first != NULL && last != NULL && first->input_pos <= last->input_pos &&
        last->input_pos <= r->source->len) {
        g_autoptr(GString) out = g_string_new(NULL);
        decode_single_quoted(r->source->text + first->input_pos, r->source->text + last->input_pos, out);
        *ret_len = out->len;
        return hp_arena_text_n(r->arena, out->str, out->len);
    }
    const char *text = fy_token_get_text(token, ret_len);
    return text == NULL ? NULL : hp_arena_text_n(r->arena, text, *ret_len);
}

static hp_tree *read_scalar(reader *r, struct fy_event *event, const hp_tree *near)
{
    hp_tree *node = hp_tree_new(r->arena, HP_NODE_SCALAR, NULL);
    size_t len = 0;
    struct fy_token *token = event->scalar.value;
    enum fy_scalar_style style = token == NULL ? FYSS_PLAIN : fy_token_scalar_style(token);
    const char *text = token == NULL ? NULL : scalar_text(r, token, style, &len);

    place(node, event, near);
    node->quoted = style != FYSS_PLAIN && style != FYSS_ANY;
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && node->column > 1) {
        node->column--; /* the mark is behind the quote */
    }
    if (text != NULL && memchr(text, '\0', len) != NULL) {
        fail(r, node, NULL, "a NUL character in text");
        return node;
    }
    if (text != NULL) {
        node->text = text;
    }
    if (!node->quoted && (len == 0 || strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0)) {
        node->kind = HP_NODE_NULL;
        node->text = "";
    }
    return node;
}

static const hp_tree *resolve_alias(reader *r, struct fy_event *event, const hp_tree *near)
{
    hp_tree *at = hp_tree_new(r->arena, HP_NODE_NULL, NULL);
    size_t len = 0;
    const char *text = fy_token_get_text(event->alias.anchor, &len);
    g_autofree char *name = g_strndup(text == NULL ? "" : text, len);
    const hp_tree *target = g_hash_table_lookup(r->anchors, name);

    place(at, event, near);
    if (at->column > 1) {
        at->column--; /* the mark is behind the asterisk */
    }
    if (target == NULL) {
        g_autofree char *message = g_strdup_printf("alias `*%s` has no anchor `&%s` before it", name, name);
        report(r, at->line, at->column, NULL, message);
        return at;
    }
    return target;
}

/* The next event, or NULL when the parser gave up. */
static struct fy_event *next_event(reader *r)
{
    struct fy_event *event = r->failed ? NULL : fy_parser_parse(r->parser);
    if (event == NULL) {
        r->failed = true;
    }
    return event;
}

static void add_weight(reader *r, hp_tree *node, const hp_tree *child)
{
    node->weight += child->weight;
    if (node->weight > HP_TREE_MAX_WEIGHT && !r->failed) {
        fail(r, node, "aliases count as often as they are used", "the file has too many values");
    }
}

static void read_list(reader *r, hp_tree *node)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    struct fy_event *event;

    while ((event = next_event(r)) != NULL && event->type != FYET_SEQUENCE_END) {
        const hp_tree *item = read_node(r, event, node);
        fy_parser_event_free(r->parser, event);
        g_ptr_array_add(items, (void *)item);
        add_weight(r, node, item);
    }
    if (event != NULL) {
        fy_parser_event_free(r->parser, event);
    }
    const hp_tree **copy = hp_arena_alloc(r->arena, items->len * sizeof *copy);
    for (unsigned i = 0; i < items->len; i++) {
        copy[i] = g_ptr_array_index(items, i);
    }
    node->items = copy;
    node->n = items->len;
}

static bool is_new_key(reader *r, GHashTable *seen, const hp_tree *key)
{
    const hp_tree *first = g_hash_table_lookup(seen, key->text);
    if (first != NULL) {
        g_autofree char *message = g_strdup_printf("key `%s` is given twice", key->text);
        g_autofree char *hint = g_strdup_printf("first in line %u", first->line);
        report(r, key->line, key->column, hint, message);
        return false;
    }
    g_hash_table_insert(seen, (void *)key->text, (void *)key);
    return true;
}

static void read_map(reader *r, hp_tree *node)
{
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(hp_tree_pair));
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    struct fy_event *event;

    while ((event = next_event(r)) != NULL && event->type != FYET_MAPPING_END) {
        const hp_tree *key = read_node(r, event, node);
        fy_parser_event_free(r->parser, event);
        if (key->kind != HP_NODE_SCALAR && !r->failed) {
            fail(r, key, NULL, "a key must be a word");
        }
        event = next_event(r);
        if (event == NULL) {
            break;
        }
        hp_tree_pair pair = {key, read_node(r, event, key)};
        fy_parser_event_free(r->parser, event);
        if (is_new_key(r, seen, key)) {
            g_array_append_val(pairs, pair);
        }
        node->weight++;
        add_weight(r, node, pair.value);
    }
    if (event != NULL) {
        fy_parser_event_free(r->parser, event);
    }
    hp_tree_pair *copy = hp_arena_alloc(r->arena, pairs->len * sizeof *copy);
    if (pairs->len > 0) {
        memcpy(copy, pairs->data, pairs->len * sizeof *copy);
    }
    node->pairs = copy;
    node->n = pairs->len;
}

static void check_tag(reader *r, struct fy_event *event, const hp_tree *node)
{
    if (fy_event_get_tag_token(event) != NULL && !r->failed) {
        fail(r, node, NULL, "tags (`!...`) have no meaning here");
    }
}

static void remember_anchor(reader *r, struct fy_event *event, const hp_tree *node)
{
    struct fy_token *token = fy_event_get_anchor_token(event);
    size_t len = 0;
    const char *text = token == NULL ? NULL : fy_token_get_text(token, &len);
    if (text != NULL) {
        g_hash_table_replace(r->anchors, g_strndup(text, len), (void *)node);
    }
}

/* Never NULL: after a failure whatever node is at hand, which nobody will look at. */
static const hp_tree *read_node(reader *r, struct fy_event *event, const hp_tree *near)
{
    hp_tree *node;

    if (event->type == FYET_ALIAS) {
        return resolve_alias(r, event, near);
    }
    if (event->type == FYET_SCALAR) {
        node = read_scalar(r, event, near);
    } else if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START) {
        node = hp_tree_new(r->arena, event->type == FYET_MAPPING_START ? HP_NODE_MAP : HP_NODE_LIST, NULL);
        place(node, event, near);
        if (++r->depth > HP_TREE_MAX_DEPTH) {
            fail(r, node, NULL, "nested too deeply");
        } else if (node->kind == HP_NODE_MAP) {
            read_map(r, node);
        } else {
            read_list(r, node);
        }
        r->depth--;
    } else {
        r->failed = true;
        return near != NULL ? near : hp_tree_new(r->arena, HP_NODE_NULL, NULL);
    }
    check_tag(r, event, node);
    remember_anchor(r, event, node);
    return node;
}

static void report_syntax(reader *r, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error;

    while ((error = fy_diag_errors_iterate(diag, &iterator)) != NULL) {
        unsigned line = error->line > 0 ? (unsigned)error->line : 0;
        unsigned column = line > 0 && error->column > 0 ? (unsigned)error->column : 0;
        g_autofree char *text = g_utf8_make_valid(error->msg, -1);
        report(r, line, column, NULL, g_strstrip(text));
    }
}

static const hp_tree *read_document(reader *r)
{
    const hp_tree *root = NULL;
    unsigned n_documents = 0;
    struct fy_event *event;

    while (!r->failed && (event = fy_parser_parse(r->parser)) != NULL) {
        if (event->type == FYET_DOCUMENT_START && ++n_documents > 1) {
            const struct fy_mark *mark = fy_event_start_mark(event);
            report(r, mark == NULL ? 0 : (unsigned)mark->line + 1, mark == NULL ? 0 : (unsigned)mark->column + 1, NULL,
                   "one file holds one scenario: a second document begins here");
            r->failed = true;
        } else if (event->type == FYET_SCALAR || event->type == FYET_MAPPING_START ||
                   event->type == FYET_SEQUENCE_START || event->type == FYET_ALIAS) {
            root = read_node(r, event, NULL);
        }
        fy_parser_event_free(r->parser, event);
    }
    r->failed = r->failed || fy_parser_get_stream_error(r->parser);
    return root;
}

/* What can be said without a parser. */
static bool check_text(reader *r)
{
    const hp_source *source = r->source;
    const char *end;

    if (source->len > HP_SOURCE_MAX) {
        report(r, 0, 0, NULL, "larger than 1 MiB: that is no scenario");
        return false;
    }
    if (!g_utf8_validate(source->text, (gssize)source->len, &end)) {
        unsigned line = 1, column = 1;
        for (const char *p = source->text; p < end; p = g_utf8_next_char(p)) {
            column = *p == '\n' ? 1 : column + 1;
            line += *p == '\n';
        }
        report(r, line, column, NULL, "not UTF-8 text");
        return false;
    }
    return true;
}

const hp_tree *hp_tree_parse(const hp_source *source, hp_arena *arena, hp_diags *diags)
{
    g_autoptr(GHashTable) anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    reader r = {.source = source, .arena = arena, .diags = diags, .anchors = anchors};
    unsigned n_errors = diags->n_errors;
    struct fy_diag_cfg diag_config;
    const hp_tree *root = NULL;

    if (!check_text(&r)) {
        return NULL;
    }
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    diag_config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
    r.parser = fy_parser_create(&config);
    if (r.parser != NULL && fy_parser_set_string(r.parser, source->text, source->len) == 0) {
        root = read_document(&r);
        report_syntax(&r, diag);
    }
    if (diags->n_errors == n_errors) {
        if (r.parser == NULL || r.failed) {
            report(&r, 0, 0, NULL, "not YAML");
        } else if (root == NULL || root->kind == HP_NODE_NULL) {
            report(&r, 0, 0, NULL, "empty: a scenario needs at least `peers`");
        }
    }
    if (r.parser != NULL) {
        fy_parser_destroy(r.parser);
    }
    fy_diag_destroy(diag); /* not unref, which would leave the collected errors behind */
    /* After a syntax error the tree is only half there, and complaints about it would mislead. */
    return r.failed || root == NULL || root->kind == HP_NODE_NULL ? NULL : root;
}
