/* Verbs that append what media leaves in a trace. */
#ifndef HP_TESTS_CHECK_MEDIA_H
#define HP_TESTS_CHECK_MEDIA_H

#include "fixture.h"

enum { FIRST_SEQUENCE = 1000 };

/* A call step with those kinds of media, bundled. */
static inline hp_step *add_media_call(fixture *f, bool audio, bool video)
{
    hp_step *step = add_call(f);
    step->call.config = (hp_call_config){.media = {audio, video}, .bundle = true, .rtcp_mux = true};
    return step;
}

/* Clock 48 kHz for audio, 90 kHz for video. */
static inline void ev_track(fixture *f, hp_time at, unsigned track, hp_media_kind kind, const char *from,
                            const char *to)
{
    EVENT(f, at, HP_EV_MEDIA_TRACK, from, HP_FU("track", track), HP_FU("session", 1), HP_FS("to", to),
          HP_FS("media", hp_media_kind_name(kind)), HP_FU("ssrc", 100 + track), HP_FU("rtx-ssrc", 0), HP_FU("pt", 111),
          HP_FU("clock", kind == HP_MEDIA_AUDIO ? 48000 : 90000), HP_FT("ptime", 20 * HP_MS),
          HP_FU("sequence", FIRST_SEQUENCE), HP_FS("source", "made-up"));
}

static inline void ev_track_state(fixture *f, hp_time at, unsigned track, const char *state)
{
    EVENT(f, at, HP_EV_MEDIA_STATE, "alice", HP_FU("track", track), HP_FS("state", state), HP_FU("sent", 0));
}

static inline void ev_media(fixture *f, hp_time at, hp_media_record m)
{
    hp_trace_media(f->trace, at, &m);
    follow(f);
}

/* 80 octets of payload; numbers from FIRST_SEQUENCE on. */
static inline void ev_media_sent(fixture *f, hp_time at, unsigned track, uint32_t number, unsigned flags)
{
    ev_media(f, at,
             (hp_media_record){.kind = HP_MEDIA_SENT,
                               .flags = (uint16_t)flags,
                               .track = track,
                               .sequence = FIRST_SEQUENCE + number,
                               .size = 80});
}

static inline void ev_media_got(fixture *f, hp_time at, unsigned track, uint32_t number, unsigned flags,
                                uint32_t packet)
{
    ev_media(f, at,
             (hp_media_record){.kind = HP_MEDIA_RECEIVED,
                               .flags = (uint16_t)flags,
                               .track = track,
                               .sequence = FIRST_SEQUENCE + number,
                               .size = 80,
                               .packet = packet});
}

/* Received in time, with the running jitter in timestamp units and the time from mouth to ear. */
static inline void ev_media_heard(fixture *f, hp_time at, unsigned track, uint32_t number, uint32_t jitter,
                                  hp_time mouth_to_ear)
{
    ev_media(f, at,
             (hp_media_record){.kind = HP_MEDIA_RECEIVED,
                               .flags = HP_MEDIA_F_TIMED,
                               .track = track,
                               .sequence = FIRST_SEQUENCE + number,
                               .size = 80,
                               .jitter = jitter,
                               .span = mouth_to_ear});
}

/* span HP_NEVER: not known, as of a recording. */
static inline void ev_frame(fixture *f, hp_time at, unsigned track, uint32_t frame, hp_time span, bool key)
{
    ev_media(
        f, at,
        (hp_media_record){.kind = HP_MEDIA_FRAME,
                          .flags = (uint16_t)((key ? HP_MEDIA_F_KEY : 0) | (span != HP_NEVER ? HP_MEDIA_F_TIMED : 0)),
                          .track = track,
                          .sequence = frame,
                          .span = span != HP_NEVER ? span : 0});
}

/* n packets of a track from `at`, 20 ms apart, numbered from `first`, each heard 10 ms later after 90 ms from mouth to
 * ear; every lose_every-th is lost (0: none). */
static inline void talk(fixture *f, hp_time at, unsigned track, uint32_t first, unsigned n, unsigned lose_every)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_time t = at + i * 20 * HP_MS;
        ev_media_sent(f, t, track, first + i, 0);
        if (lose_every == 0 || i % lose_every != lose_every - 1) {
            ev_media_heard(f, t + 10 * HP_MS, track, first + i, 48, 90 * HP_MS);
        }
    }
}

#endif
