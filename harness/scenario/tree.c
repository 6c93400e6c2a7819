/* From YAML text to a tree with marks, by libfyaml's event parser.
 *
 * The parser is asked for events, not for its own document, because this tree must do what that one does not: report
 * every duplicate key, keep shared subtrees shared (an alias costs a pointer, not a copy), and bound what a hostile file
 * can ask for. The bounds are the size of the text, the depth of nesting, and the number of nodes with all aliases
 * expanded, which is what a walk over the tree would visit.
 *
 * Kept out on purpose: tags, keys that are not scalars, more than one document, NUL in a scalar. A plain `null`, `~` or
 * nothing at all is a null node; all other scalars stay text, and what they mean is decided by the key they stand at
 * (so a server may be called `on`).
 *
 * libfyaml's errors are collected and become diagnostics; nothing is written to standard error. */
#include "scenario/tree.h"

#include <libfyaml.h>
#include <string.h>

typedef struct reader {
    const hp_source *source;
    hp_arena *arena;
    hp_diags *diags;
    struct fy_parser *parser;
    GHashTable *anchors; /* name to hp_tree; looked up only */
    unsigned depth;
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
}

static void fail(reader *r, const hp_tree *at, const char *hint, const char *message)
{
    report(r, at->line, at->column, hint, message);
    r->failed = true;
}

char *hp_source_line(const hp_source *source, unsigned line)
{
    const char *p = source->text, *end = source->text + source->len;

    for (unsigned i = 1; i < line; i++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        if (newline == NULL) {
            return NULL;
        }
        p = newline + 1;
    }
    if (line == 0 || (p == end && line > 1)) {
        return NULL;
    }
    size_t len = 0;
    while (p + len < end && p[len] != '\n' && p[len] != '\r' && p[len] != '\0') {
        len++;
    }
    return g_utf8_make_valid(p, (gssize)len);
}

hp_tree *hp_tree_new(hp_arena *arena, hp_node_kind kind, const hp_tree *at)
{
    hp_tree *node = hp_arena_alloc(arena, sizeof *node);
    node->kind = kind;
    node->weight = 1;
    node->text = "";
    if (at != NULL) {
        node->line = at->line;
        node->column = at->column;
    }
    return node;
}

const hp_tree *hp_tree_get(const hp_tree *map, const char *key)
{
    for (unsigned i = 0; map != NULL && map->kind == HP_NODE_MAP && i < map->n; i++) {
        if (strcmp(map->pairs[i].key->text, key) == 0) {
            return map->pairs[i].value;
        }
    }
    return NULL;
}

const hp_tree *hp_tree_wrap(hp_arena *arena, const char *key, const hp_tree *value)
{
    hp_tree *map = hp_tree_new(arena, HP_NODE_MAP, value), *name = hp_tree_new(arena, HP_NODE_SCALAR, value);
    hp_tree_pair *pair = hp_arena_alloc(arena, sizeof *pair);

    name->text = key;
    *pair = (hp_tree_pair){name, value};
    map->pairs = pair;
    map->n = 1;
    map->weight = value->weight + 2;
    return map;
}

const hp_tree *hp_tree_with(hp_arena *arena, const hp_tree *map, const char *key, const hp_tree *value)
{
    hp_tree *copy = hp_tree_new(arena, HP_NODE_MAP, map);
    hp_tree_pair *pairs = hp_arena_alloc(arena, (map->n + 1) * sizeof *pairs);
    bool found = false;

    copy->pairs = pairs;
    copy->weight = map->weight + value->weight;
    for (unsigned i = 0; i < map->n; i++) {
        pairs[i] = map->pairs[i];
        if (strcmp(pairs[i].key->text, key) == 0) {
            pairs[i].value = value;
            found = true;
        }
    }
    copy->n = map->n;
    if (!found) {
        hp_tree *name = hp_tree_new(arena, HP_NODE_SCALAR, value);
        name->text = key;
        pairs[copy->n++] = (hp_tree_pair){name, value};
    }
    return copy;
}

/* Whether a scalar can stand without quotes in flow style and still be read back as itself. */
static bool reads_back_plain(const char *text)
{
    if (*text == '\0' || strchr("-?:,[]{}#&*!|>'\"%@`< =", *text) != NULL || strcmp(text, "null") == 0 ||
        strcmp(text, "~") == 0) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || strchr(",[]{}\"", *p) != NULL || (*p == ':' && (p[1] == ' ' || p[1] == '\0')) ||
            (*p == '#' && p[-1] == ' ') || (*p == ' ' && p[1] == '\0')) {
            return false;
        }
    }
    return true;
}

static void render_scalar(const char *text, GString *out)
{
    if (reads_back_plain(text)) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        } else if (*p == '\n') {
            g_string_append(out, "\\n");
        } else if ((unsigned char)*p < ' ') {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

void hp_tree_render(const hp_tree *node, GString *out)
{
    switch (node->kind) {
    case HP_NODE_NULL:
        g_string_append(out, "null");
        break;
    case HP_NODE_SCALAR:
        render_scalar(node->text, out);
        break;
    case HP_NODE_MAP:
        g_string_append_c(out, '{');
        for (unsigned i = 0; i < node->n; i++) {
            g_string_append(out, i > 0 ? ", " : "");
            render_scalar(node->pairs[i].key->text, out);
            g_string_append(out, ": ");
            hp_tree_render(node->pairs[i].value, out);
        }
        g_string_append_c(out, '}');
        break;
    case HP_NODE_LIST:
        g_string_append_c(out, '[');
        for (unsigned i = 0; i < node->n; i++) {
            g_string_append(out, i > 0 ? ", " : "");
            hp_tree_render(node->items[i], out);
        }
        g_string_append_c(out, ']');
        break;
    }
}

bool hp_tree_equal(const hp_tree *a, const hp_tree *b)
{
    if (a->kind != b->kind || a->n != b->n || strcmp(a->text, b->text) != 0) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (a->kind == HP_NODE_LIST ? !hp_tree_equal(a->items[i], b->items[i])
                                    : (strcmp(a->pairs[i].key->text, b->pairs[i].key->text) != 0 ||
                                       !hp_tree_equal(a->pairs[i].value, b->pairs[i].value))) {
            return false;
        }
    }
    return true;
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

static hp_tree *read_scalar(reader *r, struct fy_event *event, const hp_tree *near)
{
    hp_tree *node = hp_tree_new(r->arena, HP_NODE_SCALAR, NULL);
    size_t len = 0;
    const char *text = event->scalar.value == NULL ? NULL : fy_token_get_text(event->scalar.value, &len);
    enum fy_scalar_style style = event->scalar.value == NULL ? FYSS_PLAIN : fy_token_scalar_style(event->scalar.value);

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
        node->text = hp_arena_text_n(r->arena, text, len);
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
