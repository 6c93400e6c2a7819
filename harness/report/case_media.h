/* Private to report/. */
#ifndef HP_REPORT_CASE_MEDIA_H
#define HP_REPORT_CASE_MEDIA_H

#include "report/report.h"

/* Of hp_report_media*, owned; empty without media. */
GPtrArray *hp_report_media_of(const hp_result *result);

#endif
