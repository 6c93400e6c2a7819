/* Private to plan/: the capture files that peers send in place of made-up media. */
#ifndef HP_PLAN_RECORDINGS_H
#define HP_PLAN_RECORDINGS_H

#include "plan/plan.h"
#include "trace/capture.h"

/* The recording that `replay: path` names. The cases of one file share what was read. NULL and an error that names the
 * file when it cannot be read or holds no RTP. */
hp_capture *hp_recording_get(const hp_plan *plan, const char *path, GError **error);

#endif
