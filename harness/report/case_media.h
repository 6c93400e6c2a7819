/* Private to report/. */
#ifndef HP_REPORT_CASE_MEDIA_H
#define HP_REPORT_CASE_MEDIA_H

#include "report/report.h"

/* Of hp_report_media*, owned; empty. */
GPtrArray *hp_report_media_new(void);
void hp_report_media_add_dtls(GPtrArray *list, const hp_dtls_result *dtls);
void hp_report_media_add_track(GPtrArray *list, const hp_track_result *track); /* its series is not looked at */

#endif
