/* Copies of what the reports over many cases show.
 *
 * A result points into its plan and is judged from a trace that is used again for the next run; a run of thousands of
 * cases must keep neither. So everything that a terminal, JUnit or TAP line needs is copied here once, with the packets
 * that failures point at already decoded. */
#include "report/case_media.h"

static void free_failure(gpointer data)
{
    hp_report_failure *f = data;
    g_free(f->file);
    g_free(f->what);
    g_free(f->expected);
    g_free(f->got);
    g_free(f->packet_line);
    g_free(f);
}

void hp_report_case_free(hp_report_case *c)
{
    if (c == NULL) {
        return;
    }
    g_free(c->file);
    g_free(c->name);
    g_free(c->message);
    g_free(c->known_bug);
    if (c->failures != NULL) {
        g_ptr_array_unref(c->failures);
    }
    if (c->media != NULL) {
        g_ptr_array_unref(c->media);
    }
    if (c->predictions != NULL) {
        g_ptr_array_unref(c->predictions);
    }
    g_free(c->evidence);
    g_free(c->again);
    g_free(c);
}

/* "alice and bob: direct, agrees: direct works because ..." */
static GPtrArray *predictions_of(const hp_result *result)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < result->n_predictions; i++) {
        const hp_oracle_result *r = &result->predictions[i];
        const hp_prediction *p = r->prediction;
        g_autofree char *reasons = g_strjoinv("; ", p->reasons);
        g_autofree char *worst =
            p->worst == p->outcome ? g_strdup("") : g_strdup_printf(" (%s at worst)", hp_outcome_name(p->worst));
        g_ptr_array_add(lines,
                        g_strdup_printf("%s and %s: %s%s, %s%s%s: %s", r->a, r->b, hp_outcome_name(p->outcome), worst,
                                        hp_oracle_verdict_name(r->verdict), r->why[0] ? " as " : "", r->why, reasons));
    }
    return lines;
}

static char *find_packet_line(const hp_trace *trace, const char *evidence, uint32_t packet)
{
    if (packet == 0) {
        return NULL;
    }
    if (trace != NULL) {
        return hp_report_packet_line(trace, packet);
    }
    if (evidence == NULL) {
        return NULL;
    }
    g_autofree char *path = g_build_filename(evidence, "trace.pcapng", NULL);
    return hp_report_packet_line_of_file(path, packet);
}

hp_report_case *hp_report_case_new(const hp_result *result, const hp_trace *trace, const char *evidence)
{
    const hp_plan *plan = result->plan;
    hp_report_case *c = g_new0(hp_report_case, 1);
    c->file = g_strdup(plan->scenario->file);
    c->name = g_strdup(plan->case_name);
    c->verdict = result->verdict;
    c->message = g_strdup(result->message);
    c->known_bug = g_strdup(plan->scenario->known_bug);
    c->ended = result->ended;
    c->seed = plan->seed;
    c->failures = g_ptr_array_new_with_free_func(free_failure);
    c->media = hp_report_media_of(result);
    c->predictions = predictions_of(result);
    c->evidence = g_strdup(evidence);
    c->again = hp_report_again(plan);
    for (unsigned i = 0; i < result->expects->len; i++) {
        const hp_expect_result *e = g_ptr_array_index(result->expects, i);
        c->n_expects += e->expect != NULL;
        c->n_held += e->expect != NULL && e->passed;
        if (e->passed) {
            continue;
        }
        hp_report_failure *f = g_new0(hp_report_failure, 1);
        f->file = g_strdup(e->mark.file != NULL ? e->mark.file : c->file);
        f->line = e->mark.line;
        f->what = g_strdup(e->what != NULL ? e->what : "");
        f->expected = g_strdup(e->expected != NULL ? e->expected : "");
        f->got = g_strdup(e->got != NULL ? e->got : "");
        f->at = e->at;
        f->packet = e->packet;
        f->packet_line = find_packet_line(trace, evidence, e->packet);
        g_ptr_array_add(c->failures, f);
    }
    return c;
}

static void free_case(gpointer data)
{
    hp_report_case_free(data);
}

hp_report *hp_report_new(void)
{
    hp_report *report = g_new0(hp_report, 1);
    report->cases = g_ptr_array_new_with_free_func(free_case);
    return report;
}

void hp_report_free(hp_report *report)
{
    if (report == NULL) {
        return;
    }
    g_ptr_array_unref(report->cases);
    g_free(report);
}

const hp_report_case *hp_report_add(hp_report *report, hp_report_case *c)
{
    report->by_verdict[c->verdict]++;
    g_ptr_array_add(report->cases, c);
    return c;
}

bool hp_report_is_good(const hp_report *report)
{
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (report->by_verdict[v] > 0 && !hp_verdict_is_good((hp_verdict)v)) {
            return false;
        }
    }
    return report->cases->len > 0;
}
