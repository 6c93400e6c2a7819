/* Workflow commands for GitHub Actions:
 *
 *   ::error file=scenarios/nat/strict.yaml,line=31,title=FAIL nat/strict::connected: expected ...
 *
 * In a value `%`, CR and LF are written %25, %0D and %0A, in a property also `:` and `,` (%3A, %2C); a value must be on one
 * line. Other control characters, and what is no UTF-8, become U+FFFD. */
#include "report/github.h"

#include "trace/output.h"

/* What GitHub shows of a kind in one step; of warnings a few are kept for the cases, which come after the files. */
enum { MOST = 10, MOST_ODDITIES = MOST - 2 };

static void put_value(hp_output *o, const char *text, bool in_property)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_strchomp(valid);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (c == '%' || c == '\r' || c == '\n' || (in_property && (c == ':' || c == ','))) {
            hp_output_printf(o, "%%%02X", c);
        } else if (c != '\t' && (c < 0x20 || (c >= 0x7f && c < 0xa0))) {
            hp_output_literal(o, "\xef\xbf\xbd");
        } else {
            hp_output_bytes(o, at, (size_t)(g_utf8_next_char(at) - at));
        }
    }
}

static void put_command(hp_output *o, const char *kind, const char *file, unsigned line, unsigned column,
                        const char *title, const char *message)
{
    const char *before = " ";
    hp_output_printf(o, "::%s", kind);
    if (file != NULL && *file != '\0') {
        hp_output_literal(o, " file=");
        put_value(o, file, true);
        before = ",";
        if (line > 0) {
            hp_output_printf(o, ",line=%u", line);
        }
        if (line > 0 && column > 0) {
            hp_output_printf(o, ",col=%u", column);
        }
    }
    hp_output_printf(o, "%stitle=", before);
    put_value(o, title, true);
    hp_output_literal(o, "::");
    put_value(o, message, false);
    hp_output_char(o, '\n');
}

/* Whether number i (from 0) of n is to be shown where there is room for `most`: the last place is for the rest. */
static bool is_shown(unsigned i, unsigned n, unsigned most)
{
    return n <= most || i + 1 < most;
}

static void put_rest(hp_output *o, const char *kind, unsigned n, unsigned most, const char *what)
{
    if (n > most) {
        g_autofree char *message = g_strdup_printf("and %u more %s: see the log", n - (most - 1), what);
        put_command(o, kind, NULL, 0, 0, "Hairpin", message);
    }
}

/* ---- scenarios ---- */

static void put_diag(hp_output *o, const char *kind, const hp_diag *d)
{
    g_autofree char *message = d->hint != NULL ? g_strdup_printf("%s (%s)", d->message, d->hint) : g_strdup(d->message);
    put_command(o, kind, d->mark.file, d->mark.line, d->mark.column, "Hairpin scenario", message);
}

char *hp_github_diags(const hp_diags *diags)
{
    hp_output *o = hp_output_memory();
    unsigned n_errors = 0, n_warnings = 0;
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        switch (d->severity) {
        case HP_SEVERITY_ERROR:
            if (is_shown(n_errors++, diags->n_errors, MOST)) {
                put_diag(o, "error", d);
            }
            break;
        case HP_SEVERITY_WARNING:
            if (is_shown(n_warnings++, diags->n_warnings, MOST_ODDITIES)) {
                put_diag(o, "warning", d);
            }
            break;
        }
    }
    put_rest(o, "error", diags->n_errors, MOST, "errors in scenarios");
    put_rest(o, "warning", diags->n_warnings, MOST_ODDITIES, "warnings about scenarios");
    return hp_output_take(o, NULL);
}

/* ---- cases ---- */

static void append_failure(GString *text, const hp_report_failure *f, const char *file)
{
    char at[HP_TIME_TEXT];
    if (g_strcmp0(f->file, file) != 0) {
        g_string_append_printf(text, "%s:%u: ", f->file, f->line);
    }
    g_string_append_printf(text, "%s: expected %s, got %s, at %s\n", f->what, f->expected, f->got,
                           hp_time_format(f->at, at));
    if (f->packet > 0) {
        g_string_append_printf(text, "packet %u%s%s\n", f->packet, f->packet_line != NULL ? ": " : "",
                               f->packet_line != NULL ? f->packet_line : "");
    }
}

static void put_bad(hp_output *o, const hp_report_group *group)
{
    const hp_report_case *c = group->bad;
    g_autoptr(GString) text = g_string_new(NULL);
    const hp_report_failure *first = c->failures->len > 0 ? g_ptr_array_index(c->failures, 0) : NULL;
    g_autofree char *title = g_strdup_printf("%s: %s", hp_verdict_name(c->verdict), c->name);
    if (group->repeated) {
        g_string_append_printf(text, "%u of %u good; the first that is not: seed %" G_GUINT64_FORMAT "\n",
                               group->n_good, group->n, c->seed);
    }
    if (c->verdict == HP_VERDICT_FIXED) {
        g_string_append_printf(text, "everything held: the known bug is gone (%s), remove `known-bug`\n", c->known_bug);
    }
    if (c->message != NULL) {
        g_string_append_printf(text, "%s\n", c->message);
    }
    for (unsigned i = 0; i < c->failures->len; i++) {
        append_failure(text, g_ptr_array_index(c->failures, i), c->file);
    }
    g_string_append_printf(text, "again: %s", c->again);
    const bool here = first != NULL && g_strcmp0(first->file, c->file) == 0;
    put_command(o, c->verdict == HP_VERDICT_FIXED ? "warning" : "error", c->file, here ? first->line : 0, 0, title,
                text->str);
}

char *hp_github_report(const hp_report *report)
{
    hp_output *o = hp_output_memory();
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(hp_report_group));
    unsigned n_fixed = 0, n_errors = 0, n = 0, n_gone = 0;
    for (unsigned i = 0; i < report->cases->len;) {
        const hp_report_group group = hp_report_group_at(report, i);
        if (group.bad != NULL) {
            g_array_append_val(groups, group);
            n_fixed += group.bad->verdict == HP_VERDICT_FIXED;
        }
        i += group.n;
    }
    n_errors = groups->len - n_fixed;
    for (unsigned i = 0; i < groups->len; i++) {
        const hp_report_group *group = &g_array_index(groups, hp_report_group, i);
        const bool fixed = group->bad->verdict == HP_VERDICT_FIXED;
        if (fixed ? is_shown(n_gone++, n_fixed, MOST - MOST_ODDITIES) : is_shown(n++, n_errors, MOST)) {
            put_bad(o, group);
        }
    }
    put_rest(o, "error", n_errors, MOST, "failures");
    put_rest(o, "warning", n_fixed, MOST - MOST_ODDITIES, "known bugs that are gone");
    return hp_output_take(o, NULL);
}
