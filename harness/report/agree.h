/* Two worlds side by side: what a virtual and a live run of one case have to say the same of.
 *
 * Compared are the verdicts; which sessions there were, whether they connected, and over what kind of pair; how long
 * that took from the first call on; what flows and tracks of media carried, and with what latency (their medians). A
 * candidate is `srflx` or `prflx` by whether its signalling or its first check was there first, which a millisecond
 * decides: the two are one here, "reflexive". */
#ifndef HP_REPORT_AGREE_H
#define HP_REPORT_AGREE_H

#include <json-glib/json-glib.h>

#include "check/result.h"
#include "report/report.h"

#define HP_AGREE_FORMAT "hairpin-agree/1"
/* Unless a scenario says otherwise (`agree`). */
#define HP_AGREE_CONNECT (300 * HP_MS)
#define HP_AGREE_LATENCY (5 * HP_MS)

typedef struct hp_agree_bounds {
    hp_time connect, latency; /* 0: the above */
    const char *why; /* of bounds of its own; NULL: none */
} hp_agree_bounds;

typedef enum hp_agree_outcome {
    HP_AGREE_AGREES,
    HP_AGREE_DIFFERS,
    HP_AGREE_INVALID, /* the live run says nothing: the machine was too slow */
    HP_AGREE_LEFT_OUT, /* one of the worlds did not run it, or it is not to be compared */
    HP_AGREE_N
} hp_agree_outcome;

/* One thing that was compared. */
typedef struct hp_agree_item {
    char *what; /* "alice with bob: pair", "flow alice to bob: latency" */
    char *values[2]; /* virtual, live */
    hp_time apart, bound; /* of times; HP_NEVER: no times */
    bool differs;
} hp_agree_item;

typedef struct hp_agreement {
    char *name, *file; /* the case's */
    hp_agree_outcome outcome;
    char *why; /* it was left out, or has bounds of its own; NULL */
    char *verdicts[2]; /* "pass"; NULL: it was not run there */
    char *again; /* the command that runs the case in the virtual world; or NULL */
    bool repeated; /* the live run was invalid, and is another one, made alone */
    GPtrArray *items; /* of hp_agree_item* */
} hp_agreement;

/* Two documents of one case, hairpin-result/1. NULL and HP_ERROR_INVALID when one of them is none. */
hp_agreement *hp_agree_compare(JsonObject *virtual_run, JsonObject *live_run, const hp_agree_bounds *bounds,
                               GError **error);
/* One that was not compared. virtual_verdict may be NULL. */
hp_agreement *hp_agree_leave_out(const char *name, const char *file, const char *virtual_verdict, const char *why);
void hp_agreement_free(hp_agreement *a);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_agreement, hp_agreement_free)
/* "agrees", "differs", "invalid", "left-out" */
const char *hp_agree_outcome_name(hp_agree_outcome outcome);

/* all: of hp_agreement*. A line a case, below it what differs (with verbose: all that was compared); then a line of how
 * many. Caller frees. */
char *hp_agree_text(const GPtrArray *all, const hp_report_style *style);
/* agree.json. False and HP_ERROR_IO naming the path. */
bool hp_agree_write(const GPtrArray *all, const char *path, GError **error);
/* The number of each outcome. */
void hp_agree_count(const GPtrArray *all, unsigned ret[static HP_AGREE_N]);

#endif
