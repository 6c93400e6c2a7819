/* A result made by hand, for the tests of reports. */
#ifndef HP_TESTS_REPORT_FIXTURE_H
#define HP_TESTS_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "report/report.h"

typedef struct fixture {
    hp_scenario scenario;
    hp_plan plan;
    hp_result result;
    hp_expect expects[4];
    hp_expect_result outcomes[4];
    unsigned n_outcomes;
    char *tags[3];
} fixture;

/* A run of scenarios/nat/strict.yaml that ended after 12.5 s with that verdict and no expectation. */
static inline void fixture_init(fixture *f, const char *case_name, hp_verdict verdict)
{
    memset(f, 0, sizeof *f);
    f->scenario.file = (char *)"scenarios/nat/strict.yaml";
    f->scenario.name = (char *)"strict";
    f->scenario.label = (char *)"";
    f->scenario.until = 60 * HP_S;
    f->plan.scenario = &f->scenario;
    f->plan.case_name = (char *)case_name;
    f->plan.seed = 7;
    f->result.plan = &f->plan;
    f->result.verdict = verdict;
    f->result.ended = 12 * HP_S + 500 * HP_MS;
    f->result.end_reason = "decided";
    f->result.first_call = HP_NEVER;
    f->result.expects = g_ptr_array_new();
}

/* Adds an expectation on that line, decided at 3.25 s. expected NULL: it held. */
static inline hp_expect_result *fixture_expect(fixture *f, unsigned line, const char *what, const char *expected,
                                               const char *got)
{
    assert_true(f->n_outcomes < G_N_ELEMENTS(f->outcomes));
    hp_expect_result *e = &f->outcomes[f->n_outcomes];
    e->expect = &f->expects[f->n_outcomes++];
    e->what = (char *)what;
    e->mark = (hp_mark){f->scenario.file, line, 5};
    e->passed = expected == NULL;
    e->expected = (char *)(expected != NULL ? expected : "as written");
    e->got = (char *)got;
    e->at = 3 * HP_S + 250 * HP_MS;
    g_ptr_array_add(f->result.expects, e);
    return e;
}

static inline void fixture_clear(fixture *f)
{
    g_ptr_array_unref(f->result.expects);
}

/* The case of a fixture, which is cleared. */
static inline hp_report_case *fixture_case(fixture *f, const char *evidence)
{
    hp_report_case *c = hp_report_case_new(&f->result, NULL, evidence);
    fixture_clear(f);
    return c;
}

static inline hp_addr fixture_addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

/* A trace of three packets: a Binding request out of alice, the same into home, a ping that is answered. */
static inline hp_trace *fixture_trace(void)
{
    static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    hp_trace *trace = hp_trace_new(NULL);
    assert_non_null(trace);
    const uint32_t alice = hp_trace_tap(trace, "alice"), home = hp_trace_tap(trace, "home/in");
    const hp_addr from = fixture_addr("192.168.1.2:5000"), to = fixture_addr("203.0.113.1:3478");
    hp_trace_name_address(trace, "alice", &from);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, binding, sizeof binding);
    hp_trace_packet(trace, 0, alice, HP_DIR_OUT, p);
    hp_trace_packet(trace, 1 * HP_MS, home, HP_DIR_IN, p);
    hp_trace_drop(trace, 2 * HP_MS, "home", p, HP_DROP_NAT_BLOCKED, NULL);
    g_autoptr(hp_packet) error = hp_packet_icmp_error(HP_ICMP_ADMIN_PROHIBITED, &to, p, 0);
    assert_non_null(error);
    hp_trace_packet(trace, 3 * HP_MS, alice, HP_DIR_IN, error);
    return trace;
}

#endif
