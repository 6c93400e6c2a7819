/* TAP version 14: a test point a case, and a YAML block where something is to be said.
 *
 * An expected failure is "not ok" with a TODO directive, which harnesses take as good. A fixed bug is "not ok" without
 * one: an "ok" with TODO would pass. Every text in a YAML block is a double-quoted JSON string, which YAML reads too,
 * so that no text can end the block. In a description, and in a reason, TAP itself needs `\` and `#` escaped, and a line
 * has no end but its own.
 *
 * When Hairpin itself fails in the middle, the points so far are followed by "Bail out!": a plan of more points alone
 * would tell that something is missing, but not why. There are no subtests: what failed within a case stands in its YAML
 * block, and pragmas are of no use here. */
#include "report/report.h"

#include "trace/output.h"

static void put_description(hp_output *o, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        if (*at == '\\' || *at == '#') {
            hp_output_char(o, '\\');
        }
        if (g_ascii_iscntrl(*at)) {
            hp_output_char(o, ' ');
        } else {
            hp_output_bytes(o, at, (size_t)(g_utf8_next_char(at) - at));
        }
    }
}

static void put_pair(hp_output *o, const char *key, const char *value)
{
    hp_output_printf(o, "%s: ", key);
    hp_output_json(o, value);
    hp_output_char(o, '\n');
}

static void put_diagnostics(hp_output *o, const hp_report_case *c)
{
    hp_output_literal(o, "  ---\n");
    put_pair(o, "  verdict", hp_verdict_name(c->verdict));
    if (c->message != NULL) {
        put_pair(o, "  message", c->message);
    }
    if (c->known_bug != NULL) {
        put_pair(o, "  known_bug", c->known_bug);
    }
    if (c->failures->len > 0) {
        hp_output_literal(o, "  failures:\n");
    }
    for (unsigned i = 0; i < c->failures->len; i++) {
        const hp_report_failure *f = g_ptr_array_index(c->failures, i);
        put_pair(o, "    - what", f->what);
        put_pair(o, "      file", f->file);
        hp_output_printf(o, "      line: %u\n", f->line);
        put_pair(o, "      expected", f->expected);
        put_pair(o, "      got", f->got);
        hp_output_printf(o, "      at_ns: %" G_GUINT64_FORMAT "\n", f->at);
        if (f->packet > 0) {
            hp_output_printf(o, "      packet: %u\n", f->packet);
        }
        if (f->packet_line != NULL) {
            put_pair(o, "      packet_line", f->packet_line);
        }
    }
    hp_output_printf(o, "  ended_ns: %" G_GUINT64_FORMAT "\n  seed: %" G_GUINT64_FORMAT "\n", c->ended, c->seed);
    put_pair(o, "  again", c->again);
    if (c->evidence != NULL) {
        put_pair(o, "  evidence", c->evidence);
    }
    hp_output_literal(o, "  ...\n");
}

static void put_points(hp_output *o, const hp_report *report)
{
    for (unsigned i = 0; i < report->cases->len; i++) {
        const hp_report_case *c = g_ptr_array_index(report->cases, i);
        const bool says_nothing = hp_verdict_says_nothing(c->verdict);
        hp_output_printf(o, "%s %u - ", c->verdict == HP_VERDICT_PASS || says_nothing ? "ok" : "not ok", i + 1);
        put_description(o, c->name);
        if (c->verdict == HP_VERDICT_EXPECTED_FAILURE) {
            hp_output_literal(o, " # TODO known bug: ");
            put_description(o, c->known_bug != NULL ? c->known_bug : "");
        }
        if (says_nothing) {
            hp_output_printf(o, " # SKIP %s: ", hp_verdict_name(c->verdict));
            put_description(o, c->message != NULL ? c->message : "");
        }
        hp_output_char(o, '\n');
        if (c->verdict != HP_VERDICT_PASS && c->verdict != HP_VERDICT_SKIPPED) {
            put_diagnostics(o, c);
        }
    }
}

char *hp_report_tap_bail_out(const hp_report *report, unsigned n_planned, const char *reason)
{
    hp_output *o = hp_output_memory();
    hp_output_printf(o, "TAP version 14\n1..%u\n", n_planned);
    put_points(o, report);
    hp_output_literal(o, "Bail out! ");
    put_description(o, reason);
    hp_output_char(o, '\n');
    return hp_output_take(o, NULL);
}

char *hp_report_tap(const hp_report *report)
{
    hp_output *o = hp_output_memory();
    hp_output_printf(o, "TAP version 14\n1..%u%s\n", report->cases->len,
                     report->cases->len == 0 ? " # no scenario ran" : "");
    put_points(o, report);
    return hp_output_take(o, NULL);
}
