/* The page of Markdown that GitHub shows for a step.
 *
 * Texts of scenarios and of the software under test stand in code spans and code blocks, whose fences are longer than any
 * row of backticks in them, or are escaped as HTML: none can change the page around it. The page is put together from
 * whole pieces (a failing case, a row of a table), each only if it still fits. */
#include "report/github.h"

#include <string.h>

#include "trace/output.h"

enum { MOST_SLOW = 10, RESERVE = 512 /* for the word about what was left out */ };

typedef struct page {
    GString *text;
    size_t room;
    unsigned n_left_out;
} page;

static unsigned longest_ticks(const char *text)
{
    unsigned longest = 0, run = 0;
    for (; *text != '\0'; text++) {
        run = *text == '`' ? run + 1 : 0;
        longest = MAX(longest, run);
    }
    return longest;
}

static char *clean(const char *text, bool one_line)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_strchomp(valid);
    GString *out = g_string_new(NULL);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (c == '\n' || c == '\t') {
            g_string_append_c(out, one_line || c == '\t' ? ' ' : '\n');
        } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            g_string_append(out, "\xef\xbf\xbd");
        } else {
            g_string_append_unichar(out, c);
        }
    }
    return g_string_free(out, FALSE);
}

/* `text`, on one line; a bar would end a cell of a table even in there. */
static void append_code(GString *out, const char *text, bool in_table)
{
    g_autofree char *plain = clean(text, true);
    g_autofree char *ticks = g_strnfill(longest_ticks(plain) + 1, '`');
    const char *pad = *plain == '\0' || *plain == '`' || g_str_has_suffix(plain, "`") ? " " : "";
    g_auto(GStrv) parts = g_strsplit(plain, "|", -1);
    g_autofree char *escaped = in_table ? g_strjoinv("\\|", parts) : g_strdup(plain);
    g_string_append_printf(out, "%s%s%s%s%s", ticks, pad, escaped, pad, ticks);
}

static void append_block(GString *out, const char *text)
{
    g_autofree char *plain = clean(text, false);
    g_autofree char *fence = g_strnfill(MAX(3, longest_ticks(plain) + 1), '`');
    g_string_append_printf(out, "%ssh\n%s\n%s\n", fence, plain, fence);
}

static void append_html(GString *out, const char *text)
{
    g_autofree char *plain = clean(text, true);
    g_autofree char *escaped = g_markup_escape_text(plain, -1);
    g_string_append(out, escaped);
}

/* Adds a piece if it fits. */
static bool add(page *p, const char *piece)
{
    const size_t length = strlen(piece);
    if (p->text->len + length + RESERVE > p->room) {
        return false;
    }
    g_string_append_len(p->text, piece, (gssize)length);
    return true;
}

/* ---- pieces ---- */

static void append_failure(GString *out, const hp_report_failure *f)
{
    char at[HP_TIME_TEXT];
    g_autofree char *place = f->line > 0 ? g_strdup_printf("%s:%u", f->file, f->line) : g_strdup(f->file);
    g_string_append(out, "- ");
    append_code(out, place, false);
    g_string_append_c(out, ' ');
    append_code(out, f->what, false);
    g_string_append(out, "\n  - expected ");
    append_code(out, f->expected, false);
    g_string_append(out, "\n  - got ");
    append_code(out, f->got, false);
    g_string_append_printf(out, "\n  - at %s", hp_time_format(f->at, at));
    if (f->packet > 0) {
        g_string_append_printf(out, "\n  - packet %u ", f->packet);
        append_code(out, f->packet_line != NULL ? f->packet_line : "of the capture", false);
    }
    g_string_append_c(out, '\n');
}

static char *bad_piece(const hp_report_group *group)
{
    const hp_report_case *c = group->bad;
    GString *out = g_string_new("<details><summary><b>");
    append_html(out, hp_verdict_name(c->verdict));
    g_string_append(out, "</b> <code>");
    g_autofree char *name = g_strndup(c->name, (gsize)group->name_length);
    append_html(out, name);
    g_string_append(out, "</code>");
    if (group->repeated) {
        g_string_append_printf(out, ": %u of %u good", group->n_good, group->n);
    } else if (c->n_expects > c->n_held) {
        g_string_append_printf(out, ": %u of %u expectation%s failed", c->n_expects - c->n_held, c->n_expects,
                               c->n_expects == 1 ? "" : "s");
    }
    g_string_append(out, "</summary>\n\n");
    if (c->verdict == HP_VERDICT_FIXED) {
        g_string_append(out, "Everything held: the known bug is gone, remove `known-bug` from the scenario: ");
        append_code(out, c->known_bug != NULL ? c->known_bug : "", false);
        g_string_append(out, "\n\n");
    }
    if (c->message != NULL) {
        append_code(out, c->message, false);
        g_string_append(out, "\n\n");
    }
    for (unsigned i = 0; i < c->failures->len; i++) {
        append_failure(out, g_ptr_array_index(c->failures, i));
    }
    g_string_append_printf(out, "\nSeed %" G_GUINT64_FORMAT ". Again:\n\n", c->seed);
    append_block(out, c->again);
    if (c->evidence != NULL) {
        g_string_append(out, "\nEvidence: ");
        append_code(out, c->evidence, false);
        g_string_append_c(out, '\n');
    }
    g_string_append(out, "\n</details>\n\n");
    return g_string_free(out, FALSE);
}

static void put_totals(page *p, const hp_report *report, unsigned n_not_run)
{
    unsigned n_good = 0;
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        n_good += hp_verdict_is_good((hp_verdict)v) ? report->by_verdict[v] : 0;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    const unsigned n = report->cases->len;
    if (n == 0) {
        g_string_append(out, "### Hairpin: no scenario ran\n\n");
    } else if (n_good == n) {
        g_string_append_printf(out, "### Hairpin: all %u case%s as expected\n\n", n, n == 1 ? "" : "s");
    } else {
        g_string_append_printf(out, "### Hairpin: %u of %u case%s not as expected\n\n", n - n_good, n,
                               n == 1 ? "" : "s");
    }
    g_string_append(out, "| verdict | cases |\n| --- | ---: |\n");
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (report->by_verdict[v] > 0) {
            g_string_append_printf(out, "| %s | %u |\n", hp_verdict_name((hp_verdict)v), report->by_verdict[v]);
        }
    }
    if (n_not_run > 0) {
        g_string_append_printf(out, "| not run (`--fail-fast`) | %u |\n", n_not_run);
    }
    g_string_append_c(out, '\n');
    add(p, out->str);
}

static void put_bad_cases(page *p, const hp_report *report)
{
    bool first = true, full = false;
    for (unsigned i = 0; i < report->cases->len;) {
        const hp_report_group group = hp_report_group_at(report, i);
        i += group.n;
        if (group.bad == NULL) {
            continue;
        }
        g_autofree char *piece = bad_piece(&group);
        g_autofree char *headed = g_strconcat(first ? "#### Not as expected\n\n" : "", piece, NULL);
        full = full || !add(p, headed); /* nothing after the first that does not fit: an order with holes misleads */
        p->n_left_out += full;
        first = false;
    }
}

/* A heading, then a piece for each case that has one, of a repeated one the first, as far as there is room. */
static void put_list(page *p, const hp_report *report, const char *heading, char *(*piece_of)(const hp_report_case *c))
{
    bool first = true;
    for (unsigned i = 0; i < report->cases->len;) {
        const hp_report_group group = hp_report_group_at(report, i);
        g_autofree char *piece = NULL;
        for (unsigned k = 0; k < group.n && piece == NULL; k++) {
            piece = piece_of(g_ptr_array_index(report->cases, i + k));
        }
        i += group.n;
        g_autofree char *headed = piece != NULL ? g_strconcat(first ? heading : "", piece, NULL) : NULL;
        if (headed != NULL && !add(p, headed)) {
            p->n_left_out++;
            return;
        }
        first = first && headed == NULL;
    }
    if (!first) {
        add(p, "\n");
    }
}

static char *disagreement_piece(const hp_report_case *c)
{
    if (c->n_disagreeing == 0) {
        return NULL;
    }
    GString *out = g_string_new("- ");
    append_code(out, c->name, false);
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < c->predictions->len; i++) {
        g_string_append(out, "  - ");
        append_code(out, g_ptr_array_index(c->predictions, i), false);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static char *known_bug_piece(const hp_report_case *c)
{
    if (c->verdict != HP_VERDICT_EXPECTED_FAILURE) {
        return NULL;
    }
    GString *out = g_string_new("- ");
    append_code(out, c->name, false);
    g_string_append(out, ": ");
    append_html(out, c->known_bug != NULL ? c->known_bug : "");
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

static gint slower_first(gconstpointer a, gconstpointer b)
{
    const hp_report_case *x = *(const hp_report_case *const *)a, *y = *(const hp_report_case *const *)b;
    if (x->connected != y->connected) {
        return x->connected > y->connected ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static void put_slowest(page *p, const hp_report *report)
{
    g_autoptr(GPtrArray) connected = g_ptr_array_new();
    for (unsigned i = 0; i < report->cases->len;) {
        const hp_report_group group = hp_report_group_at(report, i);
        hp_report_case *slowest = NULL;
        for (unsigned k = 0; k < group.n; k++, i++) {
            hp_report_case *c = g_ptr_array_index(report->cases, i);
            if (c->connected != HP_NEVER && (slowest == NULL || c->connected > slowest->connected)) {
                slowest = c;
            }
        }
        if (slowest != NULL) {
            g_ptr_array_add(connected, slowest);
        }
    }
    g_ptr_array_sort(connected, slower_first);
    if (connected->len < 2) {
        return;
    }
    g_autoptr(GString) out =
        g_string_new("#### Slowest to connect\n\n| case | first call to first connection |\n| --- | ---: |\n");
    for (unsigned i = 0; i < MIN(connected->len, MOST_SLOW); i++) {
        const hp_report_case *c = g_ptr_array_index(connected, i);
        char after[HP_TIME_TEXT];
        g_string_append(out, "| ");
        append_code(out, c->name, true);
        g_string_append_printf(out, " | %s |\n", hp_time_format(c->connected, after));
    }
    g_string_append_c(out, '\n');
    p->n_left_out += !add(p, out->str);
}

char *hp_github_summary(const hp_report *report, unsigned n_not_run, size_t room)
{
    page p = {.text = g_string_new(NULL), .room = room};
    put_totals(&p, report, n_not_run);
    if (p.text->len == 0) {
        return g_string_free(p.text, FALSE);
    }
    put_bad_cases(&p, report);
    put_list(&p, report, "#### Not as predicted\n\n", disagreement_piece);
    put_list(&p, report, "#### Known bugs\n\n", known_bug_piece);
    put_slowest(&p, report);
    if (p.n_left_out > 0) {
        g_string_append_printf(
            p.text, "\n**%u more %s left out: a step summary holds 1 MiB.** The log and `result.json` have all.\n",
            p.n_left_out, p.n_left_out == 1 ? "piece was" : "pieces were");
    }
    return g_string_free(p.text, FALSE);
}
