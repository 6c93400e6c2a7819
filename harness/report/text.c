/* The report for a terminal and for plain logs: a line a case, a block for what went wrong, a summary.
 *
 *   ok         nat/basic  (4 expectations, 60.000s)
 *   FAIL       nat/strict  (1 of 4 expectations failed, 12.500s)
 *              scenarios/nat/strict.yaml:31: connected: {within: 3s}
 *                expected  connected within 3s
 *                got       failed
 *                at        12.500s
 *                packet    17: alice out 192.168.1.2:5000 > 203.0.113.1:3478 Binding request
 *              seed        1
 *              again       hairpin run scenarios/nat/strict.yaml --seed 1
 *              evidence    out/nat/strict
 *
 * Texts may come from the software under test: control characters are shown as escapes, so that a message cannot
 * steer the terminal, and bytes that are no UTF-8 become U+FFFD. The functions return text; the command line prints. */
#include "report/terminal.h"

#include <assert.h>

enum { LABEL_WIDTH = 11, WIDTH = 12 }; /* of a verdict, of the names below it */
enum { MOST_MEDIA = 6 }; /* lines about media below a failure */

typedef struct verdict_style {
    const char *label; /* in the first column */
    const char *colour;
    const char *one, *many; /* in the summary */
} verdict_style;

static const verdict_style styles[] = {
    [HP_VERDICT_PASS] = {"ok", HP_TERM_GREEN, "passed", "passed"},
    [HP_VERDICT_FAIL] = {"FAIL", HP_TERM_RED, "failed", "failed"},
    [HP_VERDICT_EXPECTED_FAILURE] = {"known bug", HP_TERM_YELLOW, "expected failure", "expected failures"},
    [HP_VERDICT_FIXED] = {"FIXED", HP_TERM_RED, "fixed", "fixed"},
    [HP_VERDICT_CRASHED] = {"CRASHED", HP_TERM_RED, "crashed", "crashed"},
    [HP_VERDICT_HUNG] = {"HUNG", HP_TERM_RED, "hung", "hung"},
    [HP_VERDICT_ERROR] = {"ERROR", HP_TERM_RED, "error", "errors"},
    [HP_VERDICT_INVALID] = {"INVALID", HP_TERM_YELLOW, "invalid", "invalid"},
    [HP_VERDICT_SKIPPED] = {"skipped", HP_TERM_DIM, "skipped", "skipped"},
};
static_assert(G_N_ELEMENTS(styles) == HP_VERDICT_N, "one style a verdict");

static void put_failure(hp_output *o, const hp_report_style *style, const hp_report_failure *f)
{
    char at[HP_TIME_TEXT];
    hp_output_printf(o, "%*s", LABEL_WIDTH, "");
    hp_term_clean(o, f->file, LABEL_WIDTH);
    if (f->line > 0) {
        hp_output_printf(o, ":%u", f->line);
    }
    hp_output_literal(o, ": ");
    hp_term_clean(o, f->what, LABEL_WIDTH);
    hp_output_char(o, '\n');
    enum { INDENT = LABEL_WIDTH + 2, INNER_WIDTH = 10 };
    hp_term_row(o, style, INDENT, INNER_WIDTH, "expected", f->expected);
    hp_term_row(o, style, INDENT, INNER_WIDTH, "got", f->got);
    hp_term_row(o, style, INDENT, INNER_WIDTH, "at", hp_time_format(f->at, at));
    if (f->packet > 0) {
        g_autofree char *packet = g_strdup_printf("%u%s%s", f->packet, f->packet_line != NULL ? ": " : "",
                                                  f->packet_line != NULL ? f->packet_line : "");
        hp_term_row(o, style, INDENT, INNER_WIDTH, "packet", packet);
    }
}

/* What media came to, `most` lines of it; all when asked for. */
static void put_media(hp_output *o, const hp_report_style *style, const hp_report_case *c, unsigned most)
{
    const unsigned n = style->verbose ? c->media->len : MIN(c->media->len, most);
    for (unsigned i = 0; i < n; i++) {
        const hp_report_media *m = g_ptr_array_index(c->media, i);
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, m->name, m->text);
    }
    if (n > 0 && n < c->media->len) {
        g_autofree char *more = g_strdup_printf("and %u more in result.json", c->media->len - n);
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "", more);
    }
}

enum { MOST_PREDICTIONS = 3 };

static void put_predictions(hp_output *o, const hp_report_style *style, const hp_report_case *c, unsigned most)
{
    const unsigned n = style->verbose ? c->predictions->len : MIN(c->predictions->len, most);
    for (unsigned i = 0; i < n; i++) {
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "predicted", g_ptr_array_index(c->predictions, i));
    }
}

static void put_counts(hp_output *o, const hp_report_case *c)
{
    char ended[HP_TIME_TEXT];
    const unsigned n_failed = c->n_expects - c->n_held;
    hp_output_literal(o, "  (");
    if (n_failed > 0) {
        hp_output_printf(o, "%u of ", n_failed);
    }
    hp_output_printf(o, "%u expectation%s%s, %s)\n", c->n_expects, c->n_expects == 1 ? "" : "s",
                     n_failed > 0 ? " failed" : "", hp_time_format(c->ended, ended));
}

char *hp_report_text_case(const hp_report_case *c, const hp_report_style *style)
{
    hp_output *o = hp_output_memory();
    const verdict_style *v = &styles[c->verdict];
    hp_term_coloured(o, style, v->colour, LABEL_WIDTH, v->label);
    hp_term_clean(o, c->name, LABEL_WIDTH);
    put_counts(o, c);

    const bool good = !hp_verdict_is_bad(c->verdict);
    if (c->verdict == HP_VERDICT_FIXED) {
        hp_output_printf(o, "%*severything held: the known bug is gone, remove `known-bug` from the scenario\n",
                         LABEL_WIDTH, "");
    }
    if (c->known_bug != NULL) {
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "known bug", c->known_bug);
    }
    if (c->message != NULL) {
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "message", c->message);
    }
    for (unsigned i = 0; i < c->failures->len && (!good || style->verbose); i++) {
        put_failure(o, style, g_ptr_array_index(c->failures, i));
    }
    put_media(o, style, c, good ? 0 : MOST_MEDIA);
    put_predictions(o, style, c, good ? 0 : MOST_PREDICTIONS);
    if (c->live != NULL && (style->verbose || c->verdict == HP_VERDICT_INVALID)) {
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "live", c->live);
    }
    if (!good) {
        g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, c->seed);
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "seed", seed);
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "again", c->again);
        if (c->evidence != NULL) {
            hp_term_row(o, style, LABEL_WIDTH, WIDTH, "evidence", c->evidence);
        }
    }
    return hp_output_take(o, NULL);
}

static void put_bad(hp_output *o, const hp_report_style *style, const hp_report_group *group)
{
    const hp_report_case *bad = group->bad;
    g_autofree char *name = g_strndup(bad->name, (gsize)group->name_length);
    hp_term_coloured(o, style, styles[bad->verdict].colour, LABEL_WIDTH, styles[bad->verdict].label);
    hp_term_clean(o, name, LABEL_WIDTH);
    if (group->repeated) {
        hp_output_printf(o, "  %u of %u good; the first that is not: seed %" G_GUINT64_FORMAT "\n", group->n_good,
                         group->n, bad->seed);
        hp_term_row(o, style, LABEL_WIDTH, WIDTH, "again", bad->again);
    } else {
        hp_output_char(o, '\n');
    }
}

char *hp_report_text_summary(const hp_report *report, const hp_report_style *style)
{
    hp_output *o = hp_output_memory();
    for (unsigned i = 0; i < report->cases->len;) {
        const hp_report_group group = hp_report_group_at(report, i);
        if (group.bad != NULL) {
            put_bad(o, style, &group);
        }
        i += group.n;
    }
    if (report->cases->len == 0) {
        hp_term_coloured(o, style, HP_TERM_RED, 0, "no scenario ran");
        hp_output_char(o, '\n');
        return hp_output_take(o, NULL);
    }
    /* Passed and failed always, the rest where there is any. */
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        const unsigned n = report->by_verdict[v];
        if (n == 0 && v != HP_VERDICT_PASS && v != HP_VERDICT_FAIL) {
            continue;
        }
        g_autofree char *part = g_strdup_printf("%u %s", n, n == 1 ? styles[v].one : styles[v].many);
        if (v > 0) {
            hp_output_literal(o, ", ");
        }
        if (n > 0) {
            hp_term_coloured(o, style, styles[v].colour, 0, part);
        } else {
            hp_output_text(o, part);
        }
    }
    hp_output_char(o, '\n');
    return hp_output_take(o, NULL);
}
