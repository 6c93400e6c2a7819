/* The lint of media: settings of tracks that no call has, steps and expectations about media that nobody sends, and
 * peers whose security cannot meet.
 *
 * That two peers cannot agree on keys may be what a scenario is about: nothing is said of it where an expectation
 * speaks of DTLS that fails, or of the events of such a failure. What `defaults` say is not held against a single
 * peer. */
#include <string.h>

#include "plan/lint.h"

/* ---- calls by what they have ---- */

static bool has_audio(const hp_call_config *call)
{
    return call->media[HP_MEDIA_AUDIO];
}

static bool has_video(const hp_call_config *call)
{
    return call->media[HP_MEDIA_VIDEO];
}

bool hp_lint_has_track(const hp_call_config *call)
{
    return has_audio(call) || has_video(call);
}

static bool has_data(const hp_call_config *call)
{
    return call->data;
}

static bool is_plain(const hp_call_config *call)
{
    return !hp_call_has_media(call);
}

static hp_lint_call with_kind(unsigned kind)
{
    return kind == HP_MEDIA_AUDIO ? has_audio : has_video;
}

/* Whether any call of the scenario that fits joins the two. */
static bool is_ever_called(const hp_lint *l, const char *a, const char *b, hp_lint_call fits)
{
    return hp_lint_is_called(l, l->scenario->n_steps, a, b, fits);
}

static const hp_sc_peer *peer_named(const hp_lint *l, const char *name)
{
    int i = hp_plan_find_peer(l->plan, name);
    return i < 0 ? NULL : l->plan->peers[i].source;
}

/* ---- what is set for nothing ---- */

static void track_settings(const hp_lint *l, const hp_sc_peer *peer, unsigned kind)
{
    const char *name = hp_media_kind_name(kind);

    if (is_ever_called(l, peer->name, NULL, with_kind(kind))) {
        return;
    }
    if (peer->track_mark[kind].line == 0) {
        if (peer->media.replay[kind] != NULL && !is_ever_called(l, NULL, NULL, with_kind(kind))) {
            hp_lint_warn(l, peer->replay_mark[kind], NULL, "no call has %s: this recording is never sent", name);
        }
    } else if (peer->media.replay[kind] != NULL) {
        hp_lint_warn(l, peer->replay_mark[kind], NULL, "peer `%s` is in no call with %s: its recording is never sent",
                     peer->name, name);
    } else {
        hp_lint_warn(l, peer->track_mark[kind], NULL, "peer `%s` is in no call with %s: its `%s` never matters",
                     peer->name, name, name);
    }
}

static void settings_without_media(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        if (peer->media_mark.line > 0 && !is_ever_called(l, peer->name, NULL, hp_call_has_media)) {
            hp_lint_warn(l, peer->media_mark, "give a call of its `media` or `data`",
                         "peer `%s` is in no call with media: its `media` never matters", peer->name);
            continue;
        }
        for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
            track_settings(l, peer, kind);
        }
    }
}

static void recording_beside_made_up_media(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
            if (peer->media.replay[kind] != NULL && peer->made_up[kind] != NULL) {
                hp_lint_warn(l, peer->replay_mark[kind], NULL, "the %s of peer `%s` is a recording: %s never matter%s",
                             hp_media_kind_name(kind), peer->name, peer->made_up[kind],
                             strchr(peer->made_up[kind], ',') == NULL ? "s" : "");
            }
        }
    }
}

/* ---- steps ---- */

static void send_over_the_wrong_session(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_SEND || !hp_lint_is_called(l, i, step->send.from, step->send.to, NULL)) {
            continue; /* without any call it is told already */
        }
        if (step->send.channel.label != NULL) {
            if (!hp_lint_is_called(l, i, step->send.from, step->send.to, has_data)) {
                hp_lint_warn(l, step->mark, "give the `call` `data: true`",
                             "no call with data channels joins `%s` and `%s` before this step", step->send.from,
                             step->send.to);
            }
        } else if (!hp_lint_is_called(l, i, step->send.from, step->send.to, is_plain)) {
            hp_lint_warn(l, step->mark, "send over a data channel: `channel`",
                         "a session with media carries no plain datagrams, and `%s` and `%s` have no other",
                         step->send.from, step->send.to);
        }
    }
}

static hp_lint_call with_kinds(const bool kinds[HP_MEDIA_N_KINDS])
{
    return kinds[HP_MEDIA_AUDIO] && kinds[HP_MEDIA_VIDEO] ? hp_lint_has_track
           : kinds[HP_MEDIA_AUDIO]                        ? has_audio
                                                          : has_video;
}

static const char *kinds_text(const bool kinds[HP_MEDIA_N_KINDS])
{
    return kinds[HP_MEDIA_AUDIO] && kinds[HP_MEDIA_VIDEO] ? "audio or video"
           : kinds[HP_MEDIA_AUDIO]                        ? "audio"
                                                          : "video";
}

static bool is_on_hold(const hp_lint *l, unsigned n, const hp_step *resume)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_HOLD || step->hold.resume || strcmp(step->hold.peer, resume->hold.peer) != 0) {
            continue;
        }
        for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
            if (step->hold.kinds[kind] && resume->hold.kinds[kind]) {
                return true;
            }
        }
    }
    return false;
}

static void hold_of_nothing(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_HOLD) {
            continue;
        }
        if (!hp_lint_is_called(l, i, step->hold.peer, step->hold.with, with_kinds(step->hold.kinds))) {
            hp_lint_warn(l, step->mark, "put a `call` with `media` before it",
                         "`%s` has no session with %s at this step", step->hold.peer, kinds_text(step->hold.kinds));
        } else if (step->hold.resume && !is_on_hold(l, i, step)) {
            hp_lint_warn(l, step->mark, "put a `hold` before it", "`%s` has nothing on hold at this step",
                         step->hold.peer);
        }
    }
}

static void bit_rate_of_nothing(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_SET_MEDIA) {
            continue;
        }
        const hp_sc_peer *peer = peer_named(l, step->set_media.peer);
        if (!hp_lint_is_called(l, i, step->set_media.peer, step->set_media.with, has_video)) {
            hp_lint_warn(l, step->mark, "put a `call` with `media: video` before it",
                         "`%s` has no session with video at this step", step->set_media.peer);
        } else if (peer != NULL && peer->media.replay[HP_MEDIA_VIDEO] != NULL) {
            hp_lint_warn(l, step->mark, NULL, "the video of `%s` is a recording, which has the bit rate it has",
                         step->set_media.peer);
        }
    }
}

static void attack_with_nothing(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_INJECT || step->inject.config.kind == HP_INJECT_STUN ||
            step->inject.config.what == HP_INJECT_JUNK) {
            continue;
        }
        bool dtls = step->inject.config.kind == HP_INJECT_DTLS;
        if (!hp_lint_is_called(l, i, step->inject.to, NULL, dtls ? hp_call_has_media : hp_lint_has_track)) {
            hp_lint_warn(l, step->mark, "put a `call` with `media` before it",
                         "no call brings `%s` anything to make these packets of before this step", step->inject.to);
        }
    }
}

/* ---- expectations ---- */

static void media_without_call(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        for (unsigned kind = 0; e->kind == HP_EXPECT_MEDIA && kind < HP_MEDIA_N_KINDS; kind++) {
            const char *from = e->media.from, *to = e->media.to;
            if (e->media.asks[kind] && !is_ever_called(l, from, to, with_kind(kind))) {
                hp_lint_warn(l, e->mark, "give a `call` its `media`", "`media`: no call has %s%s%s%s%s",
                             hp_media_kind_name(kind), from != NULL ? " from " : "", from != NULL ? from : "",
                             to != NULL ? " to " : "", to != NULL ? to : "");
            }
        }
    }
}

static bool has_dtls(const hp_sc_peer *peer)
{
    return peer->media.secure.keying == HP_KEYING_DTLS;
}

static bool anyone_has_dtls(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        if (has_dtls(peer) && is_ever_called(l, peer->name, NULL, hp_call_has_media)) {
            return true;
        }
    }
    return false;
}

static void dtls_without_call(const hp_lint *l)
{
    static const char sdes[] = "its `keying` is sdes";

    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        if (e->kind != HP_EXPECT_DTLS) {
            continue;
        }
        if (!is_ever_called(l, NULL, NULL, hp_call_has_media)) {
            hp_lint_warn(l, e->mark, "give a `call` its `media`", "`dtls`: no call has media");
        } else if (e->dtls.peers == NULL && !anyone_has_dtls(l)) {
            hp_lint_warn(l, e->mark, "their `keying` is sdes", "`dtls`: no peer in a call with media uses DTLS");
        }
        for (char **name = e->dtls.peers; name != NULL && *name != NULL; name++) {
            const hp_sc_peer *peer = peer_named(l, *name);
            if (!is_ever_called(l, *name, NULL, hp_call_has_media)) {
                hp_lint_warn(l, e->mark, NULL, "`dtls`: peer `%s` is in no call with media", *name);
            } else if (peer != NULL && !has_dtls(peer)) {
                hp_lint_warn(l, e->mark, sdes, "`dtls`: peer `%s` does not use DTLS", *name);
            }
        }
    }
}

/* ---- peers that cannot meet ---- */

static bool expects_a_failure(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        if ((e->kind == HP_EXPECT_DTLS && strcmp(e->dtls.state, "failed") == 0) ||
            (e->kind == HP_EXPECT_EVENT &&
             (e->event.pattern.kind == HP_EV_DTLS_STATE || e->event.pattern.kind == HP_EV_MEDIA_IGNORED))) {
            return true;
        }
    }
    return false;
}

/* A peer's SRTP profiles; without any of its own, those of config/media.h. */
static const uint16_t *profiles_of(const hp_secure_config *secure, unsigned *ret_n)
{
    static const uint16_t usual[] = {0x0007, 0x0001};
    *ret_n = secure->n_profiles > 0 ? secure->n_profiles : G_N_ELEMENTS(usual);
    return secure->n_profiles > 0 ? secure->profiles : usual;
}

static bool share_a_profile(const hp_secure_config *a, const hp_secure_config *b)
{
    unsigned n, m;
    const uint16_t *ours = profiles_of(a, &n), *theirs = profiles_of(b, &m);

    for (unsigned i = 0; i < n * m; i++) {
        if (ours[i / m] == theirs[i % m]) {
            return true;
        }
    }
    return false;
}

static void security_of(const hp_lint *l, const hp_step *step, const hp_sc_peer *a, const hp_sc_peer *b)
{
    const hp_call_config *call = &step->call.config;

    if (a->media.secure.keying != b->media.secure.keying) {
        hp_lint_warn(l, step->mark, "`media: {security: {keying}}` of both",
                     "`%s` has %s and `%s` %s: they cannot agree on keys", a->name, has_dtls(a) ? "DTLS" : "SDES",
                     b->name, has_dtls(b) ? "DTLS" : "SDES");
    } else if (hp_lint_has_track(call) && !share_a_profile(&a->media.secure, &b->media.secure)) {
        hp_lint_warn(l, step->mark, "`media: {security: {profiles}}` of both",
                     "`%s` and `%s` have no SRTP profile in common", a->name, b->name);
    } else if (call->data && !has_dtls(a)) {
        hp_lint_warn(l, step->mark, "data channels need DTLS", "`%s` and `%s` have SDES: the call has no data channels",
                     a->name, b->name);
    }
}

static void security_that_cannot_meet(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps && !expects_a_failure(l); i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !hp_call_has_media(&step->call.config)) {
            continue;
        }
        const hp_sc_peer *from = peer_named(l, step->call.from);
        for (char **name = step->call.to; *name != NULL; name++) {
            const hp_sc_peer *to = peer_named(l, *name);
            if (from != NULL && to != NULL) {
                security_of(l, step, from, to);
            }
        }
    }
}

static unsigned usual(unsigned number, unsigned if_none)
{
    return number == 0 ? if_none : number;
}

static void payload_types_of(const hp_lint *l, const hp_step *step, const hp_sc_peer *peer)
{
    const hp_audio_config *audio = &peer->media.track[HP_MEDIA_AUDIO].audio;
    const hp_video_config *video = &peer->media.track[HP_MEDIA_VIDEO].video;
    unsigned pt = audio->pt_set ? audio->pt : 111;

    if (pt == usual(video->pt, 96) || (video->rtx && pt == usual(video->rtx_pt, 97))) {
        hp_lint_warn(l, step->mark, "`bundle: false`, or another `payload-type`",
                     "audio and video of `%s` share payload type %u in one bundle", peer->name, pt);
    }
}

static void ssrcs_of(const hp_lint *l, const hp_step *step, const hp_sc_peer *peer)
{
    const hp_media_identity *audio = &peer->media.track[HP_MEDIA_AUDIO].id;
    const hp_media_identity *video = &peer->media.track[HP_MEDIA_VIDEO].id;

    if (audio->ssrc_set &&
        ((video->ssrc_set && video->ssrc == audio->ssrc) || (video->rtx_ssrc_set && video->rtx_ssrc == audio->ssrc))) {
        hp_lint_warn(l, step->mark, "`bundle: false`, or another `ssrc`",
                     "audio and video of `%s` share SSRC 0x%08x in one bundle", peer->name, audio->ssrc);
    }
}

/* In one bundle a packet is told by its SSRC and its payload type (RFC 8843 section 9.2). Payload types are those of
 * the offer; SSRCs are everyone's own. */
static void tracks_that_look_alike(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !step->call.config.bundle || !has_audio(&step->call.config) ||
            !has_video(&step->call.config)) {
            continue;
        }
        for (unsigned k = 0; k < l->plan->n_peers; k++) {
            const hp_sc_peer *peer = l->plan->peers[k].source;
            const bool offers = strcmp(step->call.from, peer->name) == 0;
            if (offers) {
                payload_types_of(l, step, peer);
            }
            if (offers || step->call.broadcast || hp_lint_is_named(step->call.to, peer->name)) {
                ssrcs_of(l, step, peer);
            }
        }
    }
}

void hp_lint_media(const hp_lint *l)
{
    settings_without_media(l);
    recording_beside_made_up_media(l);
    send_over_the_wrong_session(l);
    hold_of_nothing(l);
    bit_rate_of_nothing(l);
    attack_with_nothing(l);
    media_without_call(l);
    dtls_without_call(l);
    security_that_cannot_meet(l);
    tracks_that_look_alike(l);
}
