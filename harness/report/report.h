/* What people and other programs read of a run. All of it is made from results, which are made from traces: nothing
 * here decides a verdict.
 *
 * result.json is the source of the rest; it and trace.pcapng depend on plan and trace alone. The reports over many
 * cases (terminal, JUnit, TAP) read hp_report_case, a copy of what they show, so that results and traces can be freed
 * or used again as soon as a case is done. */
#ifndef HP_REPORT_REPORT_H
#define HP_REPORT_REPORT_H

#include <glib.h>

#include "check/result.h"

/* ---- evidence of one case ---- */

/* Creates `folder` (out/<case>) with trace.pcapng, events.jsonl and, last, result.json: where that file is, the others
 * are whole. False and HP_ERROR_IO naming the path. */
bool hp_report_write_evidence(const char *folder, const hp_plan *plan, const hp_trace *trace, const hp_result *result,
                              GError **error);
/* Takes away what an earlier run left in `folder`, so that a case whose evidence is not kept this time does not show that
 * of another run. A folder that is not there is fine. False and HP_ERROR_IO naming the path. */
bool hp_report_clear_evidence(const char *folder, GError **error);
/* Makes `to` an evidence folder with what is in `from`, by hard links where that can be and by copies elsewhere. What was
 * in `to` goes. False and HP_ERROR_IO naming the path. */
bool hp_report_adopt_evidence(const char *from, const char *to, GError **error);
/* The text of result.json, version "hairpin-result/1": keys in a fixed order, times in whole nanoseconds, null for what
 * did not happen. Caller frees. */
char *hp_report_json(const hp_result *result);
/* The same document on one line without its end, for files that hold many. Caller frees. */
char *hp_report_json_line(const hp_result *result, size_t *ret_length);
/* The command that runs exactly this case again: "hairpin run FILE --seed 1 --filter '[home.preset=symmetric]'", or the
 * plan's own; in the live world with `--world live`. Caller frees. */
char *hp_report_again(const hp_plan *plan, bool live);
/* Appends a blank and the word, quoted for a POSIX shell where it must be. */
void hp_report_append_word(GString *command, const char *word);
/* A packet of the capture on one line: "alice out 192.168.1.2:5000 > 203.0.113.1:3478 Binding request". NULL when there
 * is no such packet. Caller frees. */
char *hp_report_packet_line(const hp_trace *trace, uint32_t number);
/* The same from a trace.pcapng that hp_trace_write_pcapng() wrote. NULL also when the file cannot be read. */
char *hp_report_packet_line_of_file(const char *pcapng_path, uint32_t number);

/* ---- cases ---- */

/* An expectation that did not hold, or a finding. */
typedef struct hp_report_failure {
    char *file;
    unsigned line; /* 0: the file as a whole */
    char *what, *expected, *got;
    hp_time at;
    uint32_t packet; /* 0 = none */
    char *packet_line; /* NULL when it is not known */
} hp_report_failure;

/* What a track of media, or a DTLS association, came to. */
typedef struct hp_report_media {
    const char *name; /* "audio", "video", "dtls"; a literal */
    char *text; /* "alice to bob: 1500 sent, 3 lost (0.2%), latency p95 20.5ms, mos 4.41" */
} hp_report_media;

typedef struct hp_report_case {
    char *file, *name; /* the scenario's file and the plan's case name */
    hp_verdict verdict;
    char *message; /* what happened to a run that crashed, hung or could not be carried out; or NULL */
    char *known_bug; /* or NULL */
    hp_time ended;
    hp_time connected; /* from the first call until the first session was; HP_NEVER */
    uint64_t seed;
    unsigned n_expects, n_held;
    unsigned n_disagreeing; /* of predictions: those that the run did not bear out */
    GPtrArray *failures; /* hp_report_failure* */
    GPtrArray *media; /* hp_report_media*: DTLS, then tracks */
    GPtrArray *predictions; /* char*: what the oracle said of each two peers, and why */
    char *live; /* what a run of the live world says of itself, or NULL */
    char *evidence; /* folder, or NULL */
    char *again; /* the command that runs exactly this again */
} hp_report_case;

/* trace: decodes the packets that failures name; NULL: they are looked up in the evidence's trace.pcapng, if there is
 * any. evidence: folder, or NULL. */
hp_report_case *hp_report_case_new(const hp_result *result, const hp_trace *trace, const char *evidence);
void hp_report_case_free(hp_report_case *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_report_case, hp_report_case_free)

typedef struct hp_report {
    GPtrArray *cases; /* hp_report_case*, owned, in the order of addition */
    unsigned by_verdict[HP_VERDICT_N];
} hp_report;

hp_report *hp_report_new(void);
void hp_report_free(hp_report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_report, hp_report_free)
/* Takes ownership; returns the case as given, which lives as long as the report. */
const hp_report_case *hp_report_add(hp_report *report, hp_report_case *c);
/* Whether every case that was run is good, and there was one. */
bool hp_report_is_good(const hp_report *report);
/* Whether nothing is known for or against: all were skipped, or some were invalid and none worse. */
bool hp_report_says_nothing(const hp_report *report);

/* The runs of one case with several seeds (`nat/basic#1`, `nat/basic#2`, ...), which stand one after the other; or one
 * case that was run once. */
typedef struct hp_report_group {
    unsigned first, n; /* indices into the report's cases */
    unsigned n_good;
    const hp_report_case *bad; /* the first that is not good, or NULL */
    int name_length; /* of what their names share: `nat/basic` */
    bool repeated;
} hp_report_group;

/* The group that begins at index `first`. */
hp_report_group hp_report_group_at(const hp_report *report, unsigned first);

/* ---- terminal ---- */

typedef struct hp_report_style {
    bool colour; /* ANSI colours */
    bool verbose; /* also what failed in an expected failure, all that media came to, what was predicted */
} hp_report_style;

/* One line, and for a bad verdict an indented block; ends in a newline. Caller frees. */
char *hp_report_text_case(const hp_report_case *c, const hp_report_style *style);
/* The bad cases once more, one line each (of a repeated one how many passed, and the first seed that did not), and the
 * last line: "12 passed, 1 failed, 2 expected failures". Caller frees. */
char *hp_report_text_summary(const hp_report *report, const hp_report_style *style);

/* ---- for other programs ---- */

/* JUnit XML: a suite for each scenario file, times virtual, nothing of the host. Expected failures are skipped tests;
 * crashed, hung and error are errors. Caller frees. */
char *hp_report_junit(const hp_report *report);
bool hp_report_write_junit(const hp_report *report, const char *path, GError **error);
/* TAP 14 with YAML diagnostics. Expected failures are TODO. Caller frees. */
char *hp_report_tap(const hp_report *report);
/* The same of a run that Hairpin could not carry on: what was over by then, of n_planned cases, and why. Caller frees. */
char *hp_report_tap_bail_out(const hp_report *report, unsigned n_planned, const char *reason);
bool hp_report_write_tap(const hp_report *report, const char *path, GError **error);

#endif
