/* A peer's `media`: defaults, every knob as an exact struct, and what the engines would refuse. */
#include "fixture.h"

#include <assert.h>

#include "engines/dtls.h"
#include "engines/media_event.h"
#include "engines/srtp.h"
#include "scenario/loader.h"

static hp_scenario *with_alice(const char *media)
{
    g_autofree char *text = g_strdup_printf("peers:\n  alice: {media: {%s}}\n  bob:\n", media);
    return load_one(text);
}

static void assert_default(const hp_peer_media_config *m)
{
    const hp_media_config *audio = &m->track[HP_MEDIA_AUDIO], *video = &m->track[HP_MEDIA_VIDEO];
    const hp_media_config a = hp_audio_config_default(), v = hp_video_config_default();
    const hp_secure_config plain = {0};

    assert_int_equal(audio->kind, HP_MEDIA_AUDIO);
    assert_int_equal(video->kind, HP_MEDIA_VIDEO);
    assert_true(audio->rtcp.reduced_size && a.rtcp.reduced_size && video->rtcp.reduced_size && v.rtcp.reduced_size);
    assert_int_equal(video->video.variation_percent, v.video.variation_percent);
    assert_int_equal(video->video.variation_percent, 10);
    assert_true(video->video.rtx && video->video.nack && video->video.pli);
    assert_true(v.video.rtx && v.video.nack && v.video.pli);
    assert_false(audio->video.rtx || audio->video.nack || audio->video.pli);
    assert_int_equal(audio->video.variation_percent, 0);
    /* Everything else is 0: the engines' defaults. */
    assert_memory_equal(&audio->audio, &a.audio, sizeof a.audio);
    assert_memory_equal(&audio->playout, &a.playout, sizeof a.playout);
    assert_memory_equal(&audio->id, &a.id, sizeof a.id);
    assert_memory_equal(&video->id, &v.id, sizeof v.id);
    assert_true(video->video.fps == 0 && video->video.bitrate == 0 && video->video.key_interval == 0);
    assert_true(video->video.wait == 0 && video->video.history == 0 && !video->video.key_on_request_only);
    assert_false(audio->rtcp.off || audio->rtcp.reduced_minimum);
    assert_true(audio->rtcp.interval == 0 && audio->rtcp.bandwidth == 0 && audio->rtcp.cname[0] == '\0');
    assert_int_equal(audio->freeze, HP_FREEZE_FIXED);
    assert_memory_equal(&m->secure, &plain, sizeof plain);
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        assert_null(m->replay[i]);
        assert_true(m->replay_loop[i]);
    }
}

static void defaults_without_a_word(void **state)
{
    hp_scenario *s =
        load_one("peers: {alice: , bob: {media: {audio: , video: {}, rtcp: , playout: {}, security: }}}\n");
    assert_default(&s->peers[0].media);
    assert_default(&s->peers[1].media);
    assert_int_equal(s->peers[0].media_mark.line, 0);
    assert_int_equal(s->peers[1].media_mark.line, 1);
    hp_scenario_free(s);
    s = load_one("defaults: {ice: {trickle: false}}\npeers: {alice: }\n");
    assert_default(&s->peers[0].media);
    hp_scenario_free(s);
}

static void every_knob_of_audio(void **state)
{
    hp_scenario *s = with_alice("audio: {bitrate: 24.5kbit/s, ptime: 60ms, clock: 8000, dtx: true, talk: 2s,\n"
                                "    silence: 500ms, comfort-interval: 200ms, payload-type: 8, ssrc: 0x1234abCD,\n"
                                "    sequence: 65530, timestamp: 4294967295, replay: calls/a.pcap, loop: false}");
    const hp_media_config *m = &s->peers[0].media.track[HP_MEDIA_AUDIO];
    const hp_audio_config *a = &m->audio;

    assert_int_equal(a->bitrate, 24500);
    assert_true(a->ptime == 60 * HP_MS);
    assert_int_equal(a->clock, 8000);
    assert_true(a->dtx);
    assert_true(a->talk == 2 * HP_S && a->silence == 500 * HP_MS && a->comfort_interval == 200 * HP_MS);
    assert_int_equal(a->pt, 8);
    assert_true(m->id.ssrc_set && m->id.sequence_set && m->id.timestamp_set && !m->id.rtx_ssrc_set);
    assert_int_equal(m->id.ssrc, 0x1234abcd);
    assert_int_equal(m->id.sequence, 65530);
    assert_true(m->id.timestamp == UINT32_MAX);
    assert_string_equal(s->peers[0].media.replay[HP_MEDIA_AUDIO], "calls/a.pcap");
    assert_false(s->peers[0].media.replay_loop[HP_MEDIA_AUDIO]);
    assert_true(s->peers[0].media.replay_loop[HP_MEDIA_VIDEO]);
    assert_int_equal(s->peers[0].replay_mark[HP_MEDIA_AUDIO].line, 4);
    assert_int_equal(s->peers[0].replay_mark[HP_MEDIA_AUDIO].column, 53);
    assert_int_equal(s->peers[0].track_mark[HP_MEDIA_AUDIO].line, 2);
    assert_int_equal(s->peers[0].track_mark[HP_MEDIA_VIDEO].line, 0);
    assert_string_equal(s->peers[0].made_up[HP_MEDIA_AUDIO], "`bitrate`, `dtx`, `talk`, `silence`, `comfort-interval`");
    assert_default(&s->peers[1].media);
    hp_scenario_free(s);
    s = with_alice("audio: {payload-size: 160, ssrc: 0}");
    assert_int_equal(s->peers[0].media.track[HP_MEDIA_AUDIO].audio.payload_size, 160);
    assert_true(s->peers[0].media.track[HP_MEDIA_AUDIO].id.ssrc_set);
    hp_scenario_free(s);
}

static void every_knob_of_video(void **state)
{
    hp_scenario *s = with_alice("video: {bitrate: 2Mbit/s, fps: 25, clock: 45000, key-interval: 1, key-ratio: 7,\n"
                                "    variation: 0%, max-packet: 900, pace: 100%, key-spacing: 1s, payload-type: 100,\n"
                                "    rtx-payload-type: 101, rtx: false, nack: false, pli: false, history: 64,\n"
                                "    nack-delay: 10ms, nack-interval: 50ms, nack-tries: 3, wait: 200ms,\n"
                                "    pli-interval: 250ms, ssrc: 7, rtx-ssrc: 8, sequence: 1, timestamp: 2}");
    const hp_media_config *m = &s->peers[0].media.track[HP_MEDIA_VIDEO];
    const hp_video_config *v = &m->video;

    assert_int_equal(v->bitrate, 2000000);
    assert_int_equal(v->fps, 25);
    assert_int_equal(v->clock, 45000);
    assert_int_equal(v->key_interval, 1);
    assert_false(v->key_on_request_only);
    assert_int_equal(v->key_ratio, 7);
    assert_int_equal(v->variation_percent, 0);
    assert_int_equal(v->max_packet, 900);
    assert_int_equal(v->mtu, 0);
    assert_int_equal(v->pace_percent, 100);
    assert_true(v->key_spacing == HP_S);
    assert_int_equal(v->pt, 100);
    assert_int_equal(v->rtx_pt, 101);
    assert_false(v->rtx || v->nack || v->pli);
    assert_int_equal(v->history, 64);
    assert_true(v->nack_delay == 10 * HP_MS && v->nack_interval == 50 * HP_MS);
    assert_int_equal(v->nack_tries, 3);
    assert_true(v->wait == 200 * HP_MS && v->pli_interval == 250 * HP_MS);
    assert_true(m->id.ssrc_set && m->id.rtx_ssrc_set && m->id.sequence_set && m->id.timestamp_set);
    assert_true(m->id.ssrc == 7 && m->id.rtx_ssrc == 8 && m->id.sequence == 1 && m->id.timestamp == 2);
    assert_int_equal(m->kind, HP_MEDIA_VIDEO);
    hp_scenario_free(s);
    s = with_alice("video: {mtu: 1280, key-on-request-only: true, variation: 0.9}");
    v = &s->peers[0].media.track[HP_MEDIA_VIDEO].video;
    assert_true(v->mtu == 1280 && v->key_on_request_only && v->variation_percent == 90);
    hp_scenario_free(s);
}

static void both_tracks_alike(void **state)
{
    hp_scenario *s = with_alice("rtcp: {silent: true, bandwidth: 1kbit/s, interval: 500ms, reduced-size: false,\n"
                                "    cname: alice@example}, playout: {mode: adaptive, delay: 10ms, delay-max: 100ms},\n"
                                "    freeze: w3c");
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        const hp_media_config *m = &s->peers[0].media.track[i];
        assert_int_equal(m->kind, i);
        assert_true(m->rtcp.off && !m->rtcp.reduced_size && !m->rtcp.reduced_minimum);
        assert_int_equal(m->rtcp.bandwidth, 1000);
        assert_true(m->rtcp.interval == 500 * HP_MS);
        assert_string_equal(m->rtcp.cname, "alice@example");
        assert_int_equal(m->playout.mode, HP_PLAYOUT_ADAPTIVE);
        assert_true(m->playout.delay == 10 * HP_MS && m->playout.delay_max == 100 * HP_MS);
        assert_int_equal(m->freeze, HP_FREEZE_W3C);
    }
    hp_scenario_free(s);
}

static void every_knob_of_security(void **state)
{
    hp_scenario *s = with_alice("security: {keying: sdes, profiles: [aes-256-gcm, aes-cm-128-hmac-sha1-80,\n"
                                "    aes-128-gcm], setup: passive, fingerprint: wrong, cookie: true, mtu: 1280,\n"
                                "    retransmit-initial: 50ms, retransmit-max: 2s, replay-window: 64}");
    const hp_secure_config *c = &s->peers[0].media.secure;

    assert_int_equal(c->keying, HP_KEYING_SDES);
    assert_int_equal(c->n_profiles, 3);
    assert_int_equal(c->profiles[0], HP_SRTP_AEAD_AES_256_GCM);
    assert_int_equal(c->profiles[1], HP_SRTP_AES128_CM_HMAC_SHA1_80);
    assert_int_equal(c->profiles[2], HP_SRTP_AEAD_AES_128_GCM);
    assert_int_equal(c->setup, HP_SETUP_PASSIVE);
    assert_int_equal(c->fingerprint, HP_FINGERPRINT_WRONG);
    assert_true(c->cookie);
    assert_int_equal(c->mtu, 1280);
    assert_true(c->retransmit_initial == 50 * HP_MS && c->retransmit_max == 2 * HP_S);
    assert_int_equal(c->replay_window, 64);
    hp_scenario_free(s);
    s = with_alice("security: {profiles: aes-256-gcm, setup: active, fingerprint: absent, keying: dtls}");
    c = &s->peers[0].media.secure;
    assert_int_equal(c->n_profiles, 1);
    assert_int_equal(c->setup, HP_SETUP_ACTIVE);
    assert_int_equal(c->fingerprint, HP_FINGERPRINT_ABSENT);
    assert_int_equal(c->keying, HP_KEYING_DTLS);
    hp_scenario_free(s);
}

/* A peer says only what differs; where two knobs say the same thing, the peer's word counts. */
static void defaults_are_inherited(void **state)
{
    hp_scenario *s = load_one("defaults:\n  media:\n    audio: {payload-size: 100, dtx: true}\n"
                              "    video: {max-packet: 800, nack: false, replay: v.pcap, fps: 10}\n"
                              "    rtcp: {interval: 1s}\n    playout: {mode: adaptive, delay-max: 80ms}\n"
                              "    security: {profiles: aes-256-gcm}\n"
                              "peers:\n  alice:\n  bob:\n    media:\n      audio: {bitrate: 64kbit/s}\n"
                              "      video: {mtu: 1000, bitrate: 1Mbit/s}\n      rtcp: {reduced-minimum: true}\n"
                              "      playout: {mode: fixed, delay: 100ms}\n      security: {cookie: true}\n");
    const hp_peer_media_config *a = &s->peers[0].media, *b = &s->peers[1].media;

    assert_int_equal(a->track[HP_MEDIA_AUDIO].audio.payload_size, 100);
    assert_true(a->track[HP_MEDIA_AUDIO].audio.dtx && b->track[HP_MEDIA_AUDIO].audio.dtx);
    assert_int_equal(b->track[HP_MEDIA_AUDIO].audio.bitrate, 64000);
    assert_int_equal(b->track[HP_MEDIA_AUDIO].audio.payload_size, 0);
    assert_int_equal(a->track[HP_MEDIA_VIDEO].video.max_packet, 800);
    assert_int_equal(b->track[HP_MEDIA_VIDEO].video.max_packet, 0);
    assert_int_equal(b->track[HP_MEDIA_VIDEO].video.mtu, 1000);
    assert_false(b->track[HP_MEDIA_VIDEO].video.nack);
    assert_true(b->track[HP_MEDIA_VIDEO].video.rtx);
    assert_true(a->track[HP_MEDIA_VIDEO].rtcp.interval == HP_S);
    assert_true(b->track[HP_MEDIA_VIDEO].rtcp.interval == 0 && b->track[HP_MEDIA_VIDEO].rtcp.reduced_minimum);
    assert_true(b->track[HP_MEDIA_AUDIO].rtcp.interval == 0 && b->track[HP_MEDIA_AUDIO].rtcp.reduced_minimum);
    assert_true(a->track[HP_MEDIA_AUDIO].playout.delay_max == 80 * HP_MS);
    assert_true(b->track[HP_MEDIA_AUDIO].playout.delay_max == 0);
    assert_true(b->track[HP_MEDIA_AUDIO].playout.delay == 100 * HP_MS);
    assert_int_equal(b->track[HP_MEDIA_AUDIO].playout.mode, HP_PLAYOUT_FIXED);
    assert_int_equal(b->secure.n_profiles, 1);
    assert_true(b->secure.cookie && !a->secure.cookie);
    assert_string_equal(a->replay[HP_MEDIA_VIDEO], "v.pcap");
    assert_int_equal(s->peers[0].media_mark.line, 0);
    assert_int_equal(s->peers[0].track_mark[HP_MEDIA_AUDIO].line, 0);
    assert_int_equal(s->peers[0].replay_mark[HP_MEDIA_VIDEO].line, 4);
    assert_int_equal(s->peers[1].replay_mark[HP_MEDIA_VIDEO].line, 4);
    assert_null(s->peers[0].made_up[HP_MEDIA_AUDIO]); /* that of `defaults` is for those who send no recording */
    assert_string_equal(s->peers[0].made_up[HP_MEDIA_VIDEO], "`fps`, `max-packet`");
    assert_string_equal(s->peers[1].made_up[HP_MEDIA_VIDEO], "`bitrate`, `mtu`");
    hp_scenario_free(s);
}

static void in_a_matrix(void **state)
{
    g_autoptr(GPtrArray) cases = load_all("peers: {alice: {media: {video: {bitrate: 1Mbit/s}}}}\n"
                                          "matrix: {peers.alice.media.video.bitrate: [300kbit/s, 3Mbit/s]}\n");
    assert_int_equal(cases->len, 2);
    const hp_scenario *a = cases->pdata[0], *b = cases->pdata[1];
    assert_int_equal(a->peers[0].media.track[HP_MEDIA_VIDEO].video.bitrate, 300000);
    assert_int_equal(b->peers[0].media.track[HP_MEDIA_VIDEO].video.bitrate, 3000000);
    assert_ptr_equal(a->captures, b->captures);
}

static void what_no_engine_would_take(void **state)
{
    assert_complains(
        "peers:\n"
        "  a: {media: {audio: {ptime: 900us, bitrate: 0, payload-size: 23, payload-type: 128, sequence: 65536}}}\n"
        "  b: {media: {audio: {ptime: 0, talk: 30ms}}}\n"
        "  c: {media: {audio: {ptime: 500ms, talk: 2s, silence: 2s, comfort-interval: 499ms}}}\n"
        "  d: {media: {audio: {ptime: 1s, talk: 3s, silence: 3s}}}\n"
        "  e: {media: {audio: {bitrate: 10Mbit/s, payload-size: 100}}}\n"
        "  f: {media: {audio: {bitrate: 10Mbit/s}}}\n"
        "  g: {media: {video: {fps: 0, variation: 91%, pace: 0%, bitrate: 2Gbit/s, key-ratio: 101, wait: 0}}}\n"
        "  h: {media: {video: {max-packet: 2049, mtu: 1500}}}\n"
        "  i: {media: {video: {payload-type: 97, ssrc: 5, rtx-ssrc: 0x5}}}\n"
        "  j: {media: {video: {key-on-request-only: true, key-interval: 30, variation: 0.5%, history: 40000}}}\n"
        "  k: {media: {rtcp: {bandwidth: 99bit/s, interval: 2h, cname: \"a\\nb\", silent: yes}}}\n"
        "  l: {media: {rtcp: {reduced-minimum: true, interval: 1s, cname: ''}}}\n"
        "  m: {media: {playout: {delay-max: 1s, delay: 2m}}}\n"
        "  n: {media: {playout: {mode: adaptive, delay: 200ms, delay-max: 100ms}}}\n"
        "  o: {media: {security: {profiles: [], retransmit-initial: 2s, retransmit-max: 1s, mtu: 319}}}\n"
        "  p: {media: {security: {profiles: [aes-128-gcm, aes-128-gcm], replay-window: 63, setup: actpass}}}\n"
        "  q: {media: {security: {profiles: aes-128}, audio: {replay: ''}, freeze: never, codec: opus}}\n"
        "  r: {media: {audio: {ssrc: 0x100000000, payload-type: 72}, video: {rtx-payload-type: 95, rtx-ssrc: 0x}}}\n"
        "  s: {media: {rtcp: {cname: 0123456789012345678901234567890123456789012345678901234567890123}}}\n"
        "  t: {media: opus}\n",
        "2:30: `ptime` must be from 1ms to 1s, not 900us\n"
        "2:46: `bitrate` must be from 1kbit/s to 100Mbit/s, not 0\n"
        "2:63: `payload-size` must be from 24 to 2036, not 23\n"
        "2:63: `bitrate` and `payload-size` exclude each other\n"
        "2:81: `payload-type` must be from 0 to 127, not 128\n"
        "2:96: `sequence` must be from 0 to 65535, not 65536\n"
        "3:30: `ptime` must be from 1ms to 1s, not 0\n"
        "3:39: `talk` and `silence` must be at least two packet times\n"
        "4:78: `comfort-interval` must be at least the packet time\n"
        "5:30: audio of that `bitrate` and `ptime` has packets of more than 2036 bytes of payload\n"
        "5:30: `comfort-interval` must be at least the packet time\n"
        "6:56: `bitrate` and `payload-size` exclude each other\n"
        "7:32: audio of that `bitrate` and `ptime` has packets of more than 2036 bytes of payload\n"
        "8:28: `fps` must be from 1 to 1000, not 0\n"
        "8:42: `variation` must be from 0% to 90%, not 91%\n"
        "8:53: `pace` must be from 1% to 100%, not 0%\n"
        "8:66: `bitrate` must be from 1kbit/s to 1Gbit/s, not 2Gbit/s\n"
        "8:86: `key-ratio` must be from 1 to 100, not 101\n"
        "8:97: `wait` must be from 1ms to 3600s, not 0\n"
        "9:35: `max-packet` must be from 128 to 2048, not 2049\n"
        "9:46: `max-packet` and `mtu` exclude each other\n"
        "10:37: retransmissions need a payload type of their own\n"
        "10:60: retransmissions need an SSRC of their own\n"
        "11:64: `key-on-request-only` and `key-interval` exclude each other\n"
        "11:79: `variation` must be a whole percentage such as 10%, not `0.5%`\n"
        "11:94: `history` must be from 1 to 32768, not 40000\n"
        "12:33: `bandwidth` must be from 100bit/s to 4.294967295Gbit/s, not 99bit/s\n"
        "12:52: `interval` must be from 1ms to 3600s, not 2h\n"
        "12:63: `cname` must not have control characters\n"
        "12:79: `silent` must be true or false, not `yes` (did you mean `true`?)\n"
        "13:39: `interval` and `reduced-minimum` exclude each other\n"
        "13:66: `cname` must have 1 to 63 bytes\n"
        "14:36: `delay-max` goes with `mode: adaptive`\n"
        "14:47: `delay` must be from 1ms to 60s, not 2m\n"
        "15:66: `delay-max` must be at least `delay`\n"
        "16:36: `profiles` is empty\n"
        "16:80: `retransmit-max` must be at least `retransmit-initial`\n"
        "16:89: `mtu` must be from 320 to 16384, not 319\n"
        "17:36: `aes-128-gcm` is named twice\n"
        "17:79: `replay-window` must be from 64 to 32736, not 63\n"
        "17:90: `actpass` is not a word for `a=setup` (one of `usual`, `active`, `passive`)\n"
        "18:36: `aes-128` is not an SRTP protection profile (one of `aes-128-gcm`, `aes-256-gcm`, "
        "`aes-cm-128-hmac-sha1-80`)\n"
        "18:62: `replay` must name a file\n"
        "18:75: `never` is not a rule of freezes (one of `fixed`, `w3c`)\n"
        "18:82: unknown key `codec` in peers.q.media\n"
        "19:29: `ssrc` must be from 0 to 4294967295, not 0x100000000\n"
        "19:56: payload types 64 to 95 belong to RTCP (RFC 5761 section 4)\n"
        "19:87: payload types 64 to 95 belong to RTCP (RFC 5761 section 4)\n"
        "19:101: `rtx-ssrc` must be a whole number, not `0x`\n"
        "20:29: `cname` must have 1 to 63 bytes\n"
        "21:14: peers.t.media must be a map of keys and values\n");
}

static const hp_key *key_at(const char *map, const char *name)
{
    size_t offset = 0;
    const hp_key *key = hp_schema_find(&hp_schema_peer_media, map, &offset);
    return hp_schema_find(key->sub, name, &offset);
}

/* The table may not include the engines, whose limits it states. */
static void limits_are_the_engines_own(void **state)
{
    static_assert(HP_MEDIA_PACKET_MAX == 2048, "the table's MAX_PACKET");
    assert_int_equal(key_at("audio", "payload-size")->max, HP_MEDIA_PACKET_MAX - 12);
    assert_int_equal(key_at("video", "max-packet")->max, HP_MEDIA_PACKET_MAX);
    assert_int_equal(hp_media_max_packet((unsigned)key_at("video", "mtu")->min), 128);
    assert_int_equal(hp_media_max_packet((unsigned)key_at("video", "mtu")->max), HP_MEDIA_PACKET_MAX);
    assert_int_equal(key_at("security", "replay-window")->min, HP_SRTP_MIN_WINDOW);
    assert_int_equal(key_at("security", "replay-window")->max, HP_SRTP_MAX_WINDOW);
    assert_true(key_at("security", "mtu")->min - 48 - 4 >= HP_DTLS_MIN_MTU);
    assert_int_equal(key_at("security", "mtu")->max, HP_DTLS_MAX_MTU);
    assert_true((uint64_t)key_at("security", "retransmit-max")->max == 3600 * HP_S);

    assert_string_equal(hp_words_name(&hp_words_profile, HP_SRTP_AEAD_AES_128_GCM), "aes-128-gcm");
    assert_string_equal(hp_words_name(&hp_words_profile, HP_SRTP_AEAD_AES_256_GCM), "aes-256-gcm");
    assert_string_equal(hp_words_name(&hp_words_profile, HP_SRTP_AES128_CM_HMAC_SHA1_80), "aes-cm-128-hmac-sha1-80");
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        assert_string_equal(hp_words_name(&hp_words_media_kind, i), hp_media_kind_name((hp_media_kind)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_without_a_word),
        cmocka_unit_test(every_knob_of_audio),
        cmocka_unit_test(every_knob_of_video),
        cmocka_unit_test(both_tracks_alike),
        cmocka_unit_test(every_knob_of_security),
        cmocka_unit_test(defaults_are_inherited),
        cmocka_unit_test(in_a_matrix),
        cmocka_unit_test(what_no_engine_would_take),
        cmocka_unit_test(limits_are_the_engines_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
