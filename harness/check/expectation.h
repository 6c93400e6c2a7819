/* One expectation being followed: what checker.c and the files of each kind share. Private to check/.
 *
 * Life of an expectation: init (compile what must be compiled, subscribe), record for each record of a subscribed type
 * in log order, decided at any time in between, judge once at the end, clear. Verdicts depend on the records alone:
 * nothing may be computed in decided() that judge() uses.
 *
 * Windows: [start, end) by position in the log, so that what happens at the very instant of a step falls on the side
 * of the step where it was recorded. A bound given as a time is reached with the first record at or after it. */
#ifndef HP_CHECK_EXPECTATION_H
#define HP_CHECK_EXPECTATION_H

#include <assert.h>

#include "check/check.h"
#include "check/diagnosis.h"
#include "check/facts.h"

typedef struct hp_window {
    bool restricted; /* the scenario gave a bound */
    bool opened, closed; /* as of the record at hand; closed implies that end_* are set */
    hp_time start, end; /* HP_NEVER while not reached */
    uint64_t start_index, end_index; /* UINT64_MAX while not reached */
    int after_step, before_step; /* indices in the scenario, or -1 */
} hp_window;

typedef struct hp_expectation hp_expectation;

/* What judge() gives back; everything else of the result is filled by the checker. */
typedef struct hp_judgement {
    const hp_trace *trace; /* for a second look when something failed */
    hp_time ended; /* the run, or the expectation's window if that ended before */
    bool passed;
    hp_time at; /* preset to `ended` */
    uint32_t packet; /* preset to 0 */
    /* Failed, and only as times were longer than asked, the worst by this much. Preset to 0: whatever else. */
    hp_time too_long;
    GString *expected, *got; /* preset to "" */
    hp_diagnosis *(*diagnose)(struct hp_judgement *j); /* walks the trace at its first call */
    void *checker;
} hp_judgement;

/* A set of event kinds: HP_EVENT_BIT(kind) joined by |. */
typedef unsigned __int128 hp_event_set;
static_assert(HP_EV_N <= 128, "a set of event kinds has 128 bits");
#define HP_EVENT_BIT(kind) ((hp_event_set)1 << (kind))

typedef struct hp_expectation_ops {
    bool (*init)(hp_expectation *e, GError **error); /* may be NULL */
    void (*record)(hp_expectation *e, const hp_trace *trace, const hp_record *r); /* NULL without subscriptions */
    /* Beyond e->fixed: NULL means "not before the end, or the end of the window". */
    bool (*decided)(const hp_expectation *e);
    void (*judge)(const hp_expectation *e, hp_judgement *j);
    void (*clear)(hp_expectation *e); /* may be NULL */
    size_t state_size;
    bool outlasts_window; /* records after the window's end still count: a datagram sent in it arrives later */
    bool packets, drops; /* subscriptions; events below, up to the first zero mask */
    hp_event_set events;
} hp_expectation_ops;

struct hp_expectation {
    const hp_expectation_ops *ops;
    const hp_expect *expect;
    const hp_facts *facts;
    hp_window window;
    hp_event_set events; /* preset from ops; init() may change it */
    bool packets; /* likewise */
    /* Set when no later record can change the verdict. */
    bool fixed, passed;
    hp_time at;
    uint32_t packet;
    void *state; /* ops->state_size zeroed bytes */
};

/* Whether the record at hand lies in the window. */
static inline bool hp_expectation_in_window(const hp_expectation *e)
{
    return e->window.opened && !e->window.closed;
}
static inline void hp_expectation_fix(hp_expectation *e, bool passed, hp_time at, uint32_t packet)
{
    e->fixed = true;
    e->passed = passed;
    e->at = at;
    e->packet = packet;
}
/* Where `within` counts from: the window's start when the scenario gave one, else the first call. HP_NEVER before. */
hp_time hp_expectation_base(const hp_expectation *e);
/* base + within; HP_NEVER without a within, or before the base is known. */
hp_time hp_expectation_deadline(const hp_expectation *e, bool has_within, hp_time within);
/* Whether the record clock is past the deadline. */
bool hp_expectation_is_late(const hp_expectation *e, hp_time deadline);
/* HP_ERROR_SCENARIO with the expectation's file:line: message. */
void hp_expectation_error(const hp_expectation *e, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

extern const hp_expectation_ops hp_expect_connected_ops, hp_expect_not_connected_ops; /* connectivity.c */
extern const hp_expectation_ops hp_expect_pair_ops, hp_expect_state_ops, hp_expect_candidates_ops,
    hp_expect_consent_ops; /* ice.c */
extern const hp_expectation_ops hp_expect_delivery_ops, hp_expect_latency_ops; /* traffic.c */
extern const hp_expectation_ops hp_expect_recovered_ops; /* recovered.c */
extern const hp_expectation_ops hp_expect_media_ops; /* media.c */
extern const hp_expectation_ops hp_expect_dtls_ops; /* dtls.c */
extern const hp_expectation_ops hp_expect_link_ops; /* link.c */
extern const hp_expectation_ops hp_expect_packets_ops, hp_expect_drops_ops; /* packets.c */
extern const hp_expectation_ops hp_expect_mappings_ops, hp_expect_relayed_ops; /* middle.c */
extern const hp_expectation_ops hp_expect_rule_ops; /* rule.c */
extern const hp_expectation_ops hp_expect_event_ops, hp_expect_order_ops; /* events.c */
extern const hp_expectation_ops hp_expect_script_ops; /* script.c */
extern const hp_expectation_ops hp_expect_predicted_ops; /* predicted.c */

/* ---- counts (tally.c) ---- */

/* A count that only grows, against a range. */
typedef struct hp_tally {
    hp_compare range;
    uint64_t value;
    hp_time reached_at, broken_at, first_at, last_at; /* HP_NEVER */
    uint32_t reached_packet, broken_packet, first_packet, last_packet;
} hp_tally;

/* range->set false: at least `least` (0: anything). */
void hp_tally_init(hp_tally *t, const hp_compare *range, uint64_t least);
void hp_tally_add(hp_tally *t, uint64_t amount, hp_time at, uint32_t packet);
bool hp_tally_holds(const hp_tally *t);
/* No growth can change hp_tally_holds(). */
bool hp_tally_is_fixed(const hp_tally *t);
/* Sets passed, at and packet of j from it: the instant and packet that broke it, or reached it, where there is one. */
void hp_tally_judge(const hp_tally *t, hp_judgement *j);

/* ---- text ---- */

/* Appends ", " unless text is empty or ends in a separator. */
void hp_text_separate(GString *text);
/* Appends "count >= 2" after a separator, when the comparison is set. */
void hp_text_compare(GString *text, const char *what, const hp_compare *c);
/* Appends "1.250s". */
void hp_text_time(GString *text, hp_time t);
/* A measured value, as its unit is told to people: "1.250s", "0.6%", "4.05", "31.9kbit/s", "17". */
void hp_text_value(GString *text, hp_unit unit, int64_t value);
/* "1 packet", "2 packets". */
void hp_text_count(GString *text, uint64_t n, const char *singular, const char *plural);
/* " after `reboot`, before 10s" for a restricted window. */
void hp_text_window(GString *text, const hp_expect *expect);
/* "; dtls failed at bob: fingerprint", "; dtls handshaking at bob since 1.000s" for each association that is neither
 * connected nor closed in the end, at most three; nothing when none is (facts_dtls.c). */
void hp_text_dtls_trouble(GString *text, const hp_facts *facts);
/* "from alice to bob", "from alice", "to bob" or "". */
void hp_text_flow(GString *text, const char *from, const char *to);

#endif
