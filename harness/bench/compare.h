/* Figures against a baseline that was kept earlier. */
#ifndef HP_BENCH_COMPARE_H
#define HP_BENCH_COMPARE_H

#include "bench/document.h"

/* What is to be said of a point, and whether it fails the comparison. */
typedef enum hp_bench_judgement {
    HP_BENCH_EQUAL, /* a virtual figure: the same */
    HP_BENCH_WITHIN, /* changed no more than the threshold allows */
    HP_BENCH_UNCLEAR, /* a machine's figure: worse by more than that, but the two intervals overlap */
    HP_BENCH_IMPROVED, /* better by more */
    HP_BENCH_CHANGED, /* by more, of a figure of which neither way is better */
    HP_BENCH_WORSE, /* fails */
    HP_BENCH_MISSING, /* the baseline has it, and it was not measured now: fails */
    HP_BENCH_ADDED, /* measured now, and not in the baseline */
    HP_BENCH_JUDGEMENT_N
} hp_bench_judgement;

const char *hp_bench_judgement_name(hp_bench_judgement judgement); /* "worse" */

typedef struct hp_bench_thresholds {
    double machine, simulated; /* shares: 0.1 is 10 %; of figures that are not virtual, and that are */
} hp_bench_thresholds;

typedef struct hp_bench_change {
    const hp_bench_metric *metric; /* of the new document, or the old one where it is missing */
    const char *variant;
    const hp_bench_point *before, *now; /* NULL: added, missing */
    double share; /* (now - before) / before; infinite when it was 0 */
    hp_bench_judgement judgement;
} hp_bench_change;

/* Every point of either document, in the baseline's order, what was added last (a GArray of hp_bench_change, which point
 * into the documents). NULL and HP_ERROR_SCENARIO when kind, seeds or settings differ, telling the first that does. */
GArray *hp_bench_compare(const hp_bench_document *baseline, const hp_bench_document *now,
                         const hp_bench_thresholds *thresholds, GError **error);
bool hp_bench_changes_are_good(const GArray *changes);
/* A line for every point that is neither equal nor within its threshold, and one that sums up. Caller frees. */
char *hp_bench_changes_text(const GArray *changes);

#endif
