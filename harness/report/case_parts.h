/* What the two ways to a hp_report_case share, so that a run and what is read back of it show the same: from a result
 * (case.c) and from its document (case_json.c). Private to report/. */
#ifndef HP_REPORT_CASE_PARTS_H
#define HP_REPORT_CASE_PARTS_H

#include "report/report.h"

/* Without anything in its lists, and not connected. */
hp_report_case *hp_report_case_empty(void);

typedef struct hp_report_predicted {
    const char *a, *b, *outcome, *worst, *verdict;
    const char *why, *reasons; /* "" where there are none */
} hp_report_predicted;

/* "alice and bob: direct, agrees: direct works because ..." Caller frees. */
char *hp_report_prediction(const hp_report_predicted *predicted);
/* HP_NEVER when one of them is, or they are the wrong way round. */
hp_time hp_report_span(hp_time from, hp_time to);
/* From the trace, or without one from the evidence's capture; NULL when neither has it. Caller frees. */
char *hp_report_find_packet_line(const hp_trace *trace, const char *evidence, uint32_t packet);

#endif
