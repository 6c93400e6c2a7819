/* JUnit XML, as CI systems read it: a suite for each scenario file, a test case for each case of it.
 *
 *   pass                     nothing inside
 *   fail, fixed              <failure>
 *   crashed, hung, error     <error>
 *   expected failure         <skipped>, with the bug's link
 *
 * Times are virtual seconds, so that the file is the same on every machine; there is no date and no host name. Suites
 * stand in the order in which their files first appear. XML 1.0 has no way to write most control characters: they
 * become U+FFFD, as does what is no UTF-8.
 *
 * GitLab tells tests apart by classname and name, takes the first of equal ones only, shows the text of <failure> and
 * <error> but not their message, and makes a link of [[ATTACHMENT|path]] in <system-out>, the path being that of an
 * artifact below the project's folder. So the case's name is the name, which is unique in a run, the message is also said
 * in the text, and the capture is what is attached. */
#include "report/report.h"

#include <string.h>

#include "trace/output.h"

/* ---- XML ---- */

static bool is_xml_char(gunichar c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

static void put_escaped(hp_output *o, const char *text, bool in_attribute)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        const gunichar c = g_utf8_get_char(at);
        if (c == '&') {
            hp_output_literal(o, "&amp;");
        } else if (c == '<') {
            hp_output_literal(o, "&lt;");
        } else if (c == '>') {
            hp_output_literal(o, "&gt;");
        } else if (c == '"') {
            hp_output_literal(o, "&quot;");
        } else if (!is_xml_char(c)) {
            hp_output_literal(o, "\xef\xbf\xbd");
        } else if (c == '\r' || (in_attribute && c < 0x20)) {
            hp_output_printf(o, "&#%u;", c); /* a reader would turn the character itself into a space or line end */
        } else {
            hp_output_bytes(o, at, (size_t)(g_utf8_next_char(at) - at));
        }
    }
}

static void put_attribute(hp_output *o, const char *name, const char *value)
{
    hp_output_char(o, ' ');
    hp_output_text(o, name);
    hp_output_literal(o, "=\"");
    put_escaped(o, value, true);
    hp_output_char(o, '"');
}

static void put_number(hp_output *o, const char *name, unsigned value)
{
    hp_output_printf(o, " %s=\"%u\"", name, value);
}

static void put_seconds(hp_output *o, const char *name, hp_time t)
{
    hp_output_printf(o, " %s=\"%" G_GUINT64_FORMAT ".%06u\"", name, t / HP_S, (unsigned)(t % HP_S / HP_US));
}

/* ---- cases ---- */

typedef struct totals {
    unsigned tests, failures, errors, skipped;
    hp_time time;
} totals;

static void count_case(totals *t, const hp_report_case *c)
{
    t->tests++;
    t->time = hp_time_add(t->time, c->ended);
    switch (c->verdict) {
    case HP_VERDICT_FAIL:
    case HP_VERDICT_FIXED:
        t->failures++;
        break;
    case HP_VERDICT_CRASHED:
    case HP_VERDICT_HUNG:
    case HP_VERDICT_ERROR:
        t->errors++;
        break;
    case HP_VERDICT_EXPECTED_FAILURE:
    case HP_VERDICT_INVALID:
    case HP_VERDICT_SKIPPED:
        t->skipped++;
        break;
    case HP_VERDICT_PASS:
    case HP_VERDICT_N:
        break;
    }
}

static void put_totals(hp_output *o, const totals *t)
{
    put_number(o, "tests", t->tests);
    put_number(o, "failures", t->failures);
    put_number(o, "errors", t->errors);
    put_number(o, "skipped", t->skipped);
    put_seconds(o, "time", t->time);
}

/* What the whole case says about itself, on one line, for the message attribute. */
static char *headline(const hp_report_case *c)
{
    if (c->message != NULL) {
        return g_strdup(c->message);
    }
    if (c->verdict == HP_VERDICT_FIXED) {
        return g_strdup_printf("everything held: the known bug is gone (%s), remove `known-bug` from the scenario",
                               c->known_bug != NULL ? c->known_bug : "");
    }
    if (c->failures->len == 0) {
        return g_strdup(hp_verdict_name(c->verdict));
    }
    const hp_report_failure *f = g_ptr_array_index(c->failures, 0);
    return g_strdup_printf("%s: expected %s, got %s", f->what, f->expected, f->got);
}

static void put_failures(hp_output *o, const hp_report_case *c)
{
    for (unsigned i = 0; i < c->failures->len; i++) {
        const hp_report_failure *f = g_ptr_array_index(c->failures, i);
        char at[HP_TIME_TEXT];
        g_autofree char *place = f->line > 0 ? g_strdup_printf("%s:%u", f->file, f->line) : g_strdup(f->file);
        g_autofree char *text = g_strdup_printf("%s: %s: expected %s, got %s, at %s", place, f->what, f->expected,
                                                f->got, hp_time_format(f->at, at));
        put_escaped(o, text, false);
        hp_output_char(o, '\n');
        if (f->packet > 0) {
            hp_output_printf(o, "  packet %u", f->packet);
            if (f->packet_line != NULL) {
                hp_output_literal(o, ": ");
                put_escaped(o, f->packet_line, false);
            }
            hp_output_char(o, '\n');
        }
    }
}

static void put_problem(hp_output *o, const hp_report_case *c, const char *element)
{
    g_autofree char *message = headline(c);
    hp_output_printf(o, "      <%s", element);
    put_attribute(o, "type", hp_verdict_name(c->verdict));
    put_attribute(o, "message", message);
    hp_output_char(o, '>');
    if (c->message != NULL || c->failures->len == 0) {
        put_escaped(o, message, false);
        hp_output_char(o, '\n');
    }
    put_failures(o, c);
    hp_output_printf(o, "</%s>\n", element);
}

static void put_system_out(hp_output *o, const hp_report_case *c)
{
    hp_output_printf(o, "      <system-out>seed: %" G_GUINT64_FORMAT "\nagain: ", c->seed);
    put_escaped(o, c->again, false);
    hp_output_char(o, '\n');
    if (c->evidence != NULL) {
        hp_output_literal(o, "evidence: ");
        put_escaped(o, c->evidence, false);
        hp_output_char(o, '\n');
        if (strstr(c->evidence, "]]") == NULL) { /* which would end the path */
            hp_output_literal(o, "[[ATTACHMENT|");
            put_escaped(o, c->evidence, false);
            hp_output_literal(o, "/trace.pcapng]]\n");
        }
    }
    hp_output_literal(o, "</system-out>\n");
}

static void put_case(hp_output *o, const hp_report_case *c)
{
    hp_output_literal(o, "    <testcase");
    put_attribute(o, "name", c->name);
    put_attribute(o, "classname", c->file);
    put_attribute(o, "file", c->file);
    put_seconds(o, "time", c->ended);
    hp_output_literal(o, ">\n");
    switch (c->verdict) {
    case HP_VERDICT_FAIL:
    case HP_VERDICT_FIXED:
        put_problem(o, c, "failure");
        break;
    case HP_VERDICT_CRASHED:
    case HP_VERDICT_HUNG:
    case HP_VERDICT_ERROR:
        put_problem(o, c, "error");
        break;
    case HP_VERDICT_EXPECTED_FAILURE: {
        g_autofree char *message = g_strdup_printf("known bug: %s", c->known_bug != NULL ? c->known_bug : "");
        hp_output_literal(o, "      <skipped");
        put_attribute(o, "message", message);
        hp_output_literal(o, "/>\n");
        break;
    }
    case HP_VERDICT_INVALID:
    case HP_VERDICT_SKIPPED: {
        g_autofree char *message = headline(c);
        hp_output_literal(o, "      <skipped");
        put_attribute(o, "type", hp_verdict_name(c->verdict));
        put_attribute(o, "message", message);
        hp_output_literal(o, "/>\n");
        break;
    }
    case HP_VERDICT_PASS:
    case HP_VERDICT_N:
        break;
    }
    put_system_out(o, c);
    hp_output_literal(o, "    </testcase>\n");
}

char *hp_report_junit(const hp_report *report)
{
    /* The cases of each file, files in the order in which they first appear. */
    g_autoptr(GPtrArray) suites = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) by_file = g_hash_table_new(g_str_hash, g_str_equal);
    totals all = {0};
    for (unsigned i = 0; i < report->cases->len; i++) {
        hp_report_case *c = g_ptr_array_index(report->cases, i);
        GPtrArray *suite = g_hash_table_lookup(by_file, c->file);
        if (suite == NULL) {
            suite = g_ptr_array_new();
            g_ptr_array_add(suites, suite);
            g_hash_table_insert(by_file, c->file, suite);
        }
        g_ptr_array_add(suite, c);
        count_case(&all, c);
    }
    hp_output *o = hp_output_memory();
    hp_output_literal(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hairpin\"");
    put_totals(o, &all);
    hp_output_literal(o, ">\n");
    for (unsigned i = 0; i < suites->len; i++) {
        const GPtrArray *suite = g_ptr_array_index(suites, i);
        const hp_report_case *first = g_ptr_array_index(suite, 0);
        totals t = {0};
        for (unsigned k = 0; k < suite->len; k++) {
            count_case(&t, g_ptr_array_index(suite, k));
        }
        hp_output_literal(o, "  <testsuite");
        put_attribute(o, "name", first->file);
        put_totals(o, &t);
        hp_output_literal(o, ">\n");
        for (unsigned k = 0; k < suite->len; k++) {
            put_case(o, g_ptr_array_index(suite, k));
        }
        hp_output_literal(o, "  </testsuite>\n");
    }
    hp_output_literal(o, "</testsuites>\n");
    return hp_output_take(o, NULL);
}
