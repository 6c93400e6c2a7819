/* Recordings: from a path in a scenario to the datagrams of a capture file.
 *
 * A path is relative to the folder of the scenario's file, so that a scenario can be moved together with its
 * recordings, and run from anywhere. What has been read is kept with the scenario, where the other cases of its file
 * find it: a matrix of a thousand cases reads its recording once. A file without RTP is refused here and not in the
 * middle of a run; which packets those are is decided as the media source does, so that both agree. */
#include "plan/recordings.h"

#include "base/error.h"
#include "wire/rtp.h"

/* Payload types 64 to 95 are RTCP's (RFC 5761 section 4). */
static bool has_rtp(const hp_capture *capture)
{
    for (size_t i = 0; i < capture->n; i++) {
        hp_rtp_packet packet;
        if (hp_rtp_parse(capture->datagrams[i].data, capture->datagrams[i].len, &packet) &&
            (packet.pt < 64 || packet.pt > 95)) {
            return true;
        }
    }
    return false;
}

hp_capture *hp_recording_get(const hp_plan *plan, const char *path, GError **error)
{
    const hp_scenario *scenario = plan->scenario;
    char *full = hp_plan_path(plan, path);
    hp_capture *known = scenario->captures == NULL ? NULL : g_hash_table_lookup(scenario->captures, full);
    g_autoptr(hp_capture) capture = known != NULL ? hp_capture_ref(known) : hp_capture_read(full, error);

    if (capture == NULL) {
        g_free(full);
        return NULL;
    }
    if (!has_rtp(capture)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: none of its %zu UDP datagrams is RTP", full, capture->n);
        g_free(full);
        return NULL;
    }
    if (known == NULL && scenario->captures != NULL) {
        g_hash_table_insert(scenario->captures, full, hp_capture_ref(capture));
    } else {
        g_free(full);
    }
    return g_steal_pointer(&capture);
}
