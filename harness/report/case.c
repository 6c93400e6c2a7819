/* Copies of what the reports over many cases show.
 *
 * A result points into its plan and is judged from a trace that is used again for the next run; a run of thousands of
 * cases must keep neither. So everything that a terminal, JUnit or TAP line needs is copied here once, with the packets
 * that failures point at already decoded. */
#include <string.h>

#include "report/case_media.h"
#include "report/case_parts.h"

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
    g_ptr_array_unref(c->failures);
    g_ptr_array_unref(c->media);
    g_ptr_array_unref(c->predictions);
    g_free(c->evidence);
    g_free(c->live);
    g_free(c->again);
    g_free(c);
}

static void add_media(hp_report_case *c, const hp_result *result)
{
    for (unsigned i = 0; i < result->n_dtls; i++) {
        hp_report_media_add_dtls(c->media, &result->dtls[i]);
    }
    for (unsigned i = 0; i < result->n_tracks; i++) {
        hp_report_media_add_track(c->media, &result->tracks[i]);
    }
}

char *hp_report_prediction(const hp_report_predicted *p)
{
    g_autofree char *worst =
        strcmp(p->worst, p->outcome) == 0 ? g_strdup("") : g_strdup_printf(" (%s at worst)", p->worst);
    return g_strdup_printf("%s and %s: %s%s, %s%s%s: %s", p->a, p->b, p->outcome, worst, p->verdict,
                           *p->why != '\0' ? " as " : "", p->why, p->reasons);
}

static void add_predictions(hp_report_case *c, const hp_result *result)
{
    for (unsigned i = 0; i < result->n_predictions; i++) {
        const hp_oracle_result *r = &result->predictions[i];
        const hp_prediction *p = r->prediction;
        g_autofree char *reasons = g_strjoinv("; ", p->reasons);
        const hp_report_predicted predicted = {.a = r->a,
                                               .b = r->b,
                                               .outcome = hp_outcome_name(p->outcome),
                                               .worst = hp_outcome_name(p->worst),
                                               .verdict = hp_oracle_verdict_name(r->verdict),
                                               .why = r->why,
                                               .reasons = reasons};
        g_ptr_array_add(c->predictions, hp_report_prediction(&predicted));
        c->n_disagreeing += r->verdict == HP_ORACLE_DISAGREES;
    }
}

/* From the first call until the first side of any pair of peers was connected. */
static hp_time first_connected(const hp_result *result)
{
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < result->n_sessions; i++) {
        first = MIN(first, result->sessions[i].connected);
    }
    return hp_report_span(result->first_call, first);
}

hp_time hp_report_span(hp_time from, hp_time to)
{
    return from == HP_NEVER || to == HP_NEVER || to < from ? HP_NEVER : to - from;
}

char *hp_report_find_packet_line(const hp_trace *trace, const char *evidence, uint32_t packet)
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

hp_report_case *hp_report_case_empty(void)
{
    hp_report_case *c = g_new0(hp_report_case, 1);
    c->connected = HP_NEVER;
    c->failures = g_ptr_array_new_with_free_func(free_failure);
    c->media = hp_report_media_new();
    c->predictions = g_ptr_array_new_with_free_func(g_free);
    return c;
}

hp_report_case *hp_report_case_new(const hp_result *result, const hp_trace *trace, const char *evidence)
{
    const hp_plan *plan = result->plan;
    hp_report_case *c = hp_report_case_empty();
    c->file = g_strdup(plan->scenario->file);
    c->name = g_strdup(plan->case_name);
    c->verdict = result->verdict;
    c->message = g_strdup(result->message);
    c->known_bug = g_strdup(plan->scenario->known_bug);
    c->ended = result->ended;
    c->seed = plan->seed;
    c->connected = first_connected(result);
    add_media(c, result);
    add_predictions(c, result);
    c->live = result->live != NULL ? g_strdup(result->live->summary) : NULL;
    c->evidence = g_strdup(evidence);
    c->again = hp_report_again(plan, result->live != NULL);
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
        f->packet_line = hp_report_find_packet_line(trace, evidence, e->packet);
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
        if (report->by_verdict[v] > 0 && hp_verdict_is_bad((hp_verdict)v)) {
            return false;
        }
    }
    return report->cases->len > report->by_verdict[HP_VERDICT_SKIPPED];
}

bool hp_report_says_nothing(const hp_report *report)
{
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (report->by_verdict[v] > 0 && hp_verdict_is_bad((hp_verdict)v) && !hp_verdict_says_nothing((hp_verdict)v)) {
            return false;
        }
    }
    return report->cases->len > 0 && !hp_report_is_good(report);
}

/* "nat/basic#07" without its number; all of a name without one. */
static int length_without_number(const char *name)
{
    const char *mark = strrchr(name, '#');
    const bool numbered = mark != NULL && mark[1] != '\0' && mark[1 + strspn(mark + 1, "0123456789")] == '\0';
    return (int)(numbered ? (size_t)(mark - name) : strlen(name));
}

hp_report_group hp_report_group_at(const hp_report *report, unsigned first)
{
    const hp_report_case *head = g_ptr_array_index(report->cases, first);
    hp_report_group group = {.first = first, .name_length = length_without_number(head->name)};
    group.repeated = head->name[group.name_length] == '#';
    for (unsigned i = first; i < report->cases->len; i++) {
        const hp_report_case *c = g_ptr_array_index(report->cases, i);
        const bool same = i == first || (group.repeated && length_without_number(c->name) == group.name_length &&
                                         c->name[group.name_length] == '#' &&
                                         strncmp(c->name, head->name, (size_t)group.name_length) == 0);
        if (!same) {
            break;
        }
        group.n++;
        if (hp_verdict_is_good(c->verdict)) {
            group.n_good++;
        } else if (group.bad == NULL && hp_verdict_is_bad(c->verdict)) {
            group.bad = c;
        }
    }
    return group;
}
