/* `expect`: every kind as an exact struct. */
#include "fixture.h"

#define NETWORK                                                                                                        \
    "network: {nats: {home: }}\nservers: {turn: turn}\npeers: {alice: {behind: home}, bob: }\n"                        \
    "steps: [{call: {from: alice, to: bob}}, {reboot: home}, {label: back, wait: 1s}]\n"

static hp_scenario *expecting(const char *expectations)
{
    g_autofree char *text = g_strconcat(NETWORK "expect:\n", expectations, NULL);
    return load_one(text);
}

static void windows(void **state)
{
    hp_scenario *s =
        expecting("- connected\n- connected: {after: 1s, before: 2s}\n- connected: {after: reboot, before: back}\n");
    const hp_sc_window *open = &s->expects[0].window, *times = &s->expects[1].window, *steps = &s->expects[2].window;

    assert_true(open->after == 0 && open->before == HP_NEVER);
    assert_null(open->after_step);
    assert_null(open->before_step);
    assert_true(times->after == HP_S && times->before == 2 * HP_S);
    assert_string_equal(steps->after_step, "reboot");
    assert_string_equal(steps->before_step, "back");
    assert_true(steps->after == 0 && steps->before == HP_NEVER);
    hp_scenario_free(s);
}

static void as_written_on_one_line(void **state)
{
    hp_scenario *s = expecting("- connected\n- connected:\n    within: 3s\n    peers: [alice]\n"
                               "- latency: {p95: '< 90ms'}   # fast\n");
    assert_string_equal(s->expects[0].text, "connected");
    assert_string_equal(s->expects[1].text, "connected: {within: 3s, peers: [alice]}");
    assert_string_equal(s->expects[2].text, "latency: {p95: \"< 90ms\"}");
    assert_int_equal(s->expects[1].mark.line, 7);
    assert_int_equal(s->expects[1].mark.column, 3);
    hp_scenario_free(s);
}

static void connected(void **state)
{
    hp_scenario *s = expecting("- connected\n- connected: {peers: [alice, bob], state: ready, within: 3s}\n"
                               "- not-connected: {peers: alice}\n- not-connected\n");
    assert_int_equal(s->expects[0].kind, HP_EXPECT_CONNECTED);
    assert_null(s->expects[0].connected.peers);
    assert_string_equal(s->expects[0].connected.state, "connected");
    assert_false(s->expects[0].connected.has_within);
    assert_string_equal(s->expects[1].connected.peers[1], "bob");
    assert_string_equal(s->expects[1].connected.state, "ready");
    assert_true(s->expects[1].connected.has_within && s->expects[1].connected.within == 3 * HP_S);
    assert_int_equal(s->expects[2].kind, HP_EXPECT_NOT_CONNECTED);
    assert_string_equal(s->expects[2].connected.peers[0], "alice");
    assert_null(s->expects[3].connected.peers);
    hp_scenario_free(s);
}

static void pairs(void **state)
{
    hp_scenario *s = expecting("- pair: {alice: relay, bob: [srflx, prflx]}\n"
                               "- pair: {peers: {alice: srflx | host}, with: bob, after: reboot}\n");
    const hp_expect *a = &s->expects[0], *b = &s->expects[1];
    assert_int_equal(a->kind, HP_EXPECT_PAIR);
    assert_int_equal(a->pair.n, 2);
    assert_string_equal(a->pair.peers[0], "alice");
    assert_string_equal(a->pair.types[0], "relay");
    assert_string_equal(a->pair.peers[1], "bob");
    assert_string_equal(a->pair.types[1], "srflx|prflx");
    assert_null(a->pair.with);
    assert_int_equal(b->pair.n, 1);
    assert_string_equal(b->pair.types[0], "srflx|host");
    assert_string_equal(b->pair.with, "bob");
    assert_string_equal(b->window.after_step, "reboot");
    hp_scenario_free(s);
}

static void states_candidates_consent(void **state)
{
    hp_scenario *s = expecting(
        "- state: {peer: alice, with: bob, state: failed, stream: 1, component: 2, within: 10s}\n"
        "- state: {peer: bob, state: ready, never: true}\n"
        "- candidates: {peer: alice}\n"
        "- candidates: {peer: alice, type: srflx, server: turn, remote: true, address: 192.0.2.1, count: 1..3}\n"
        "- consent: {peer: alice, state: lost}\n"
        "- consent: {peer: alice, state: regained, count: 0, within: 2s}\n");
    const hp_expect *e = s->expects;
    assert_int_equal(e[0].kind, HP_EXPECT_STATE);
    assert_string_equal(e[0].state.peer, "alice");
    assert_string_equal(e[0].state.with, "bob");
    assert_string_equal(e[0].state.state, "failed");
    assert_int_equal(e[0].state.stream, 1);
    assert_int_equal(e[0].state.component, 2);
    assert_true(e[0].state.has_within && e[0].state.within == 10 * HP_S && !e[0].state.never);
    assert_true(e[1].state.never && !e[1].state.has_within && e[1].state.stream == 0);
    assert_int_equal(e[2].kind, HP_EXPECT_CANDIDATES);
    assert_null(e[2].candidates.type);
    assert_null(e[2].candidates.server);
    assert_compare(e[2].candidates.count, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_int_equal(e[2].candidates.address.family, HP_AF_NONE);
    assert_string_equal(e[3].candidates.type, "srflx");
    assert_string_equal(e[3].candidates.server, "turn");
    assert_true(e[3].candidates.remote);
    assert_int_equal(e[3].candidates.address.family, HP_AF_IPV4);
    assert_compare(e[3].candidates.count, HP_UNIT_COUNT, 1, 3);
    assert_int_equal(e[4].kind, HP_EXPECT_CONSENT);
    assert_string_equal(e[4].consent.state, "lost");
    assert_compare(e[4].consent.count, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_false(e[4].consent.has_within);
    assert_compare(e[5].consent.count, HP_UNIT_COUNT, 0, 0);
    assert_true(e[5].consent.has_within && e[5].consent.within == 2 * HP_S);
    hp_scenario_free(s);
}

static void traffic(void **state)
{
    hp_scenario *s =
        expecting("- delivery: {from: alice, to: bob, sent: 250, received: '>= 249', loss: '< 1%', duplicates: 0,\n"
                  "             reordered: '<= 2'}\n"
                  "- delivery: {loss: 0}\n"
                  "- latency: {min: 20ms, median: 20ms..21ms, mean: '> 1us', p95: '< 90ms', max: '<= 1s'}\n"
                  "- recovered: {after: reboot, within: 10s}\n"
                  "- recovered: {after: back, within: 0, from: alice, to: bob}\n");
    const hp_expect *e = s->expects;
    assert_int_equal(e[0].kind, HP_EXPECT_DELIVERY);
    assert_string_equal(e[0].delivery.from, "alice");
    assert_string_equal(e[0].delivery.to, "bob");
    assert_compare(e[0].delivery.sent, HP_UNIT_COUNT, 250, 250);
    assert_compare(e[0].delivery.received, HP_UNIT_COUNT, 249, INT64_MAX);
    assert_compare(e[0].delivery.loss, HP_UNIT_RATIO, INT64_MIN, 9999999);
    assert_compare(e[0].delivery.duplicates, HP_UNIT_COUNT, 0, 0);
    assert_compare(e[0].delivery.reordered, HP_UNIT_COUNT, INT64_MIN, 2);
    assert_null(e[1].delivery.from);
    assert_false(e[1].delivery.sent.set);
    assert_compare(e[1].delivery.loss, HP_UNIT_RATIO, 0, 0);
    assert_int_equal(e[2].kind, HP_EXPECT_LATENCY);
    assert_compare(e[2].latency.min, HP_UNIT_TIME, 20000000, 20000000);
    assert_compare(e[2].latency.median, HP_UNIT_TIME, 20000000, 21000000);
    assert_compare(e[2].latency.mean, HP_UNIT_TIME, 1001, INT64_MAX);
    assert_compare(e[2].latency.p95, HP_UNIT_TIME, INT64_MIN, 89999999);
    assert_compare(e[2].latency.max, HP_UNIT_TIME, INT64_MIN, 1000000000);
    assert_int_equal(e[3].kind, HP_EXPECT_RECOVERED);
    assert_string_equal(e[3].recovered.step, "reboot");
    assert_true(e[3].recovered.within == 10 * HP_S);
    assert_null(e[3].recovered.from);
    assert_string_equal(e[4].recovered.from, "alice");
    hp_scenario_free(s);
}

static void links(void **state)
{
    hp_scenario *s =
        expecting("- link: alice\n"
                  "- link: {of: alice, direction: up, loss: declared, delay: 5ms..9ms, rate: declared, after: 1s}\n"
                  "- link: {of: internet, duplicates: 0%, reordering: '< 1%', corruption: declared}\n");
    const hp_expect *e = s->expects;
    assert_int_equal(e[0].kind, HP_EXPECT_LINK);
    assert_string_equal(e[0].link.of, "alice");
    assert_int_equal(e[0].link.direction, HP_SC_BOTH);
    assert_false(e[0].link.loss.set || e[0].link.delay.set || e[0].link.rate.set);
    assert_int_equal(e[1].link.direction, HP_SC_UP);
    assert_true(e[1].link.loss.set && e[1].link.loss.min > e[1].link.loss.max);
    assert_compare(e[1].link.delay, HP_UNIT_TIME, 5000000, 9000000);
    assert_true(e[1].link.rate.set && e[1].link.rate.min > e[1].link.rate.max);
    assert_true(e[1].window.after == HP_S);
    assert_compare(e[2].link.duplicates, HP_UNIT_RATIO, 0, 0);
    assert_compare(e[2].link.reordering, HP_UNIT_RATIO, INT64_MIN, 9999999);
    assert_true(e[2].link.corruption.min > e[2].link.corruption.max);
    hp_scenario_free(s);
}

static void over_a_data_channel(void **state)
{
    hp_scenario *s =
        expecting("- delivery: {from: alice, channel: chat, loss: 0}\n- latency: {channel: 'a b', max: 1s}\n"
                  "- latency: {max: 1s}\n");
    assert_string_equal(s->expects[0].delivery.channel, "chat");
    assert_string_equal(s->expects[1].latency.channel, "a b");
    assert_null(s->expects[2].latency.channel);
    hp_scenario_free(s);
}

static void media(void **state)
{
    hp_scenario *s = expecting(
        "- media:\n"
        "    from: alice\n"
        "    to: bob\n"
        "    audio: {sent: 500, received: '>= 490', loss: '< 1%', unusable: '<= 0.5%', recovered: 0, late: 1,\n"
        "      duplicates: 2, reordered: 3, discarded: 4, foreign: 0, auth-failures: 5, replays: 6,\n"
        "      bitrate: '> 30kbit/s', jitter: '< 2ms', jitter-max: 5ms, first-packet: '< 1s', mos: '> 4.05',\n"
        "      latency: {min: 20ms, median: 21ms, mean: 22ms, p95: '< 30ms', max: '< 40ms'}}\n"
        "    after: 1s\n"
        "    before: reboot\n"
        "- media: {video: {latency: '< 50ms', first-frame: '< 2s', frames: 300, key-frames: 1, frame-rate: '>= 29.5',\n"
        "    frame-latency: {max: 100ms}, freezes: 0, freeze-time: '< 100ms', freeze-longest: 50ms, nacks: 1, plis: "
        "2,\n"
        "    retransmitted: 3, sent: '> 0'}}\n");
    const hp_expect *e = &s->expects[0];
    const hp_sc_measures *a = &e->media.of[HP_MEDIA_AUDIO], *v = &s->expects[1].media.of[HP_MEDIA_VIDEO];

    assert_int_equal(e->kind, HP_EXPECT_MEDIA);
    assert_string_equal(e->media.from, "alice");
    assert_string_equal(e->media.to, "bob");
    assert_true(e->media.asks[HP_MEDIA_AUDIO] && !e->media.asks[HP_MEDIA_VIDEO]);
    assert_true(e->window.after == HP_S);
    assert_string_equal(e->window.before_step, "reboot");
    assert_compare(a->sent, HP_UNIT_COUNT, 500, 500);
    assert_compare(a->received, HP_UNIT_COUNT, 490, INT64_MAX);
    assert_compare(a->loss, HP_UNIT_RATIO, INT64_MIN, 9999999);
    assert_compare(a->unusable, HP_UNIT_RATIO, INT64_MIN, 5000000);
    assert_compare(a->recovered, HP_UNIT_COUNT, 0, 0);
    assert_compare(a->late, HP_UNIT_COUNT, 1, 1);
    assert_compare(a->duplicates, HP_UNIT_COUNT, 2, 2);
    assert_compare(a->reordered, HP_UNIT_COUNT, 3, 3);
    assert_compare(a->discarded, HP_UNIT_COUNT, 4, 4);
    assert_compare(a->foreign, HP_UNIT_COUNT, 0, 0);
    assert_compare(a->auth_failures, HP_UNIT_COUNT, 5, 5);
    assert_compare(a->replays, HP_UNIT_COUNT, 6, 6);
    assert_compare(a->bitrate, HP_UNIT_RATE, 30001, INT64_MAX);
    assert_compare(a->jitter, HP_UNIT_TIME, INT64_MIN, 1999999);
    assert_compare(a->jitter_max, HP_UNIT_TIME, 5000000, 5000000);
    assert_compare(a->first_packet, HP_UNIT_TIME, INT64_MIN, 999999999);
    assert_compare(a->mos, HP_UNIT_MILLI, 4051, INT64_MAX);
    assert_compare(a->latency.min, HP_UNIT_TIME, 20000000, 20000000);
    assert_compare(a->latency.median, HP_UNIT_TIME, 21000000, 21000000);
    assert_compare(a->latency.mean, HP_UNIT_TIME, 22000000, 22000000);
    assert_compare(a->latency.p95, HP_UNIT_TIME, INT64_MIN, 29999999);
    assert_compare(a->latency.max, HP_UNIT_TIME, INT64_MIN, 39999999);
    assert_false(e->media.of[HP_MEDIA_VIDEO].sent.set);

    assert_true(!s->expects[1].media.asks[HP_MEDIA_AUDIO] && s->expects[1].media.asks[HP_MEDIA_VIDEO]);
    assert_null(s->expects[1].media.from);
    assert_compare(v->sent, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_compare(v->latency.p95, HP_UNIT_TIME, INT64_MIN, 49999999);
    assert_false(v->latency.max.set || v->loss.set || v->mos.set);
    assert_compare(v->first_frame, HP_UNIT_TIME, INT64_MIN, 1999999999);
    assert_compare(v->frames, HP_UNIT_COUNT, 300, 300);
    assert_compare(v->key_frames, HP_UNIT_COUNT, 1, 1);
    assert_compare(v->frame_rate, HP_UNIT_MILLI, 29500, INT64_MAX);
    assert_compare(v->frame_latency.max, HP_UNIT_TIME, 100000000, 100000000);
    assert_compare(v->freezes, HP_UNIT_COUNT, 0, 0);
    assert_compare(v->freeze_time, HP_UNIT_TIME, INT64_MIN, 99999999);
    assert_compare(v->freeze_longest, HP_UNIT_TIME, 50000000, 50000000);
    assert_compare(v->nacks, HP_UNIT_COUNT, 1, 1);
    assert_compare(v->plis, HP_UNIT_COUNT, 2, 2);
    assert_compare(v->retransmitted, HP_UNIT_COUNT, 3, 3);
    hp_scenario_free(s);
}

static void dtls(void **state)
{
    hp_scenario *s = expecting(
        "- dtls\n"
        "- dtls: {peers: [alice, bob], state: failed, reason: fingerprint, role: active, retransmissions: 0}\n"
        "- dtls: {profile: aes-128-gcm, role: passive, within: 3s, duration: '< 100ms', after: reboot}\n"
        "- dtls: {state: closed, profile: aes-cm-128-hmac-sha1-80}\n- dtls: {peers: bob, profile: aes-256-gcm}\n");
    const hp_expect *e = s->expects;

    assert_int_equal(e[0].kind, HP_EXPECT_DTLS);
    assert_null(e[0].dtls.peers);
    assert_string_equal(e[0].dtls.state, "connected");
    assert_null(e[0].dtls.reason);
    assert_null(e[0].dtls.profile);
    assert_null(e[0].dtls.role);
    assert_false(e[0].dtls.has_within || e[0].dtls.duration.set || e[0].dtls.retransmissions.set);
    assert_string_equal(e[1].dtls.peers[1], "bob");
    assert_string_equal(e[1].dtls.state, "failed");
    assert_string_equal(e[1].dtls.reason, "fingerprint");
    assert_string_equal(e[1].dtls.role, "active");
    assert_compare(e[1].dtls.retransmissions, HP_UNIT_COUNT, 0, 0);
    assert_string_equal(e[2].dtls.profile, "aes-128-gcm");
    assert_string_equal(e[2].dtls.role, "passive");
    assert_true(e[2].dtls.has_within && e[2].dtls.within == 3 * HP_S);
    assert_compare(e[2].dtls.duration, HP_UNIT_TIME, INT64_MIN, 99999999);
    assert_string_equal(e[2].window.after_step, "reboot");
    assert_string_equal(e[3].dtls.state, "closed");
    assert_string_equal(e[3].dtls.profile, "aes-cm-128-hmac-sha1-80");
    assert_string_equal(e[4].dtls.profile, "aes-256-gcm");
    hp_scenario_free(s);
}

static void what_cannot_be_expected_of_media(void **state)
{
    assert_complains(NETWORK "expect:\n"
                             "- media\n"
                             "- media: {from: alice, after: 1s}\n"
                             "- media: {audio: {}}\n"
                             "- media: {video: , audio: {latency: {}}}\n"
                             "- media: {video: {mos: 4}}\n"
                             "- media: {audio: {frames: 1, loss: 0}}\n"
                             "- media: {audio: {mos: 4.0505}}\n"
                             "- media: {audio: {mos: '> 4%'}, video: {frame-rate: 30fps}}\n"
                             "- media: {audio: {latency: 30}}\n"
                             "- media: {audio: {latency: {p99: 30ms}}}\n"
                             "- media: {from: eve, to: home, audio: {loss: 0}}\n"
                             "- media: {loss: 0}\n"
                             "- dtls: {state: ready}\n"
                             "- dtls: {reason: timeout}\n"
                             "- dtls: {state: failed, profile: aes-128-gcm, duration: '> 0'}\n"
                             "- dtls: {state: failed, reason: expired}\n"
                             "- dtls: {profile: SRTP_AEAD_AES_128_GCM, role: client}\n"
                             "- delivery: {channel: chat}\n"
                             "- event: {event: dtls-state, where: {state: conected}}\n"
                             "- event: {event: media-feedback, where: {what: fir}}\n"
                             "- event: {event: srtp-refused, where: {reason: auth-fail}, count: 0}\n"
                             "- event: {event: dtls-state, where: {reason: fingerprints}, count: 0}\n"
                             "- event: {event: media-state, where: {state: started}}\n",
                     "6:3: `media` says nothing to compare (`media: {audio: {loss: \"< 1%\"}}`)\n"
                     "7:10: `media` says nothing to compare (`media: {audio: {loss: \"< 1%\"}}`)\n"
                     "8:18: `audio` says nothing to compare\n"
                     "9:11: `video` says nothing to compare\n"
                     "9:27: `audio` says nothing to compare\n"
                     "10:19: unknown key `mos` in expect.4.media.video\n"
                     "11:19: unknown key `frames` in expect.5.media.audio\n"
                     "12:24: `mos` must be a comparison such as \"> 4.05\" or 3.9..4.5, not `4.0505`\n"
                     "13:24: `mos` must be a comparison such as \"> 4.05\" or 3.9..4.5, not `> 4%`\n"
                     "13:53: `frame-rate` must be a comparison such as \"> 4.05\" or 3.9..4.5, not `30fps`\n"
                     "14:28: `p95` must be a comparison such as \"< 90ms\" or 10ms..20ms, not `30`\n"
                     "15:29: unknown key `p99` in expect.9.media.audio.latency (did you mean `p95`?)\n"
                     "16:17: no peer is called `eve`\n"
                     "16:26: no peer is called `home`\n"
                     "17:10: `media` says nothing to compare (`media: {audio: {loss: \"< 1%\"}}`)\n"
                     "17:11: unknown key `loss` in expect.11.media\n"
                     "18:17: `ready` is not a state of DTLS (one of `connected`, `failed`, `closed`)\n"
                     "19:18: `reason` goes with `state: failed`\n"
                     "20:34: a handshake that failed has no `profile`\n"
                     "20:57: a handshake that failed has no `duration`\n"
                     "21:33: `expired` is not a reason of DTLS to fail (one of `fingerprint`, `profile`, `timeout`, "
                     "`alert`, `protocol`)\n"
                     "22:19: `SRTP_AEAD_AES_128_GCM` is not an SRTP protection profile (one of `aes-128-gcm`, "
                     "`aes-256-gcm`, `aes-cm-128-hmac-sha1-80`)\n"
                     "22:48: `client` is not a DTLS role (one of `active`, `passive`)\n"
                     "23:13: `delivery` says nothing to compare\n"
                     "24:45: field `state` of event `dtls-state` is never `conected` (did you mean `connected`?)\n"
                     "25:48: field `what` of event `media-feedback` is never `fir` (one of `nack`, `pli`)\n"
                     "26:48: field `reason` of event `srtp-refused` is never `auth-fail` (did you mean "
                     "`auth-failed`?)\n"
                     "27:46: field `reason` of event `dtls-state` is never `fingerprints` (did you mean "
                     "`fingerprint`?)\n");
}

static void packets_and_matches(void **state)
{
    hp_scenario *s = expecting(
        "- packets: {at: turn, count: '<= 2', match: {stun: {method: Allocate, class: error, code: 438,\n"
        "    attribute: [NONCE, realm], without: SOFTWARE, integrity: false}}}\n"
        "- packets: {direction: out, filter: udp port 3478, bytes: '> 1kB', after: 1s, count: 1}\n"
        "- packets: {match: {proto: udp, family: ipv6, src: 2001:db8::/32, src-port: 1000..2000, dst: 192.0.2.1,\n"
        "    dst-port: 53, size: '< 100', channel-data: true, channel: 16384, dtls: false, rtp: true, rtcp: false,\n"
        "    fragment: true, corrupt: false, inside: true}, count: 1}\n"
        "- packets: {match: {stun: false, icmp: port-unreachable}, count: 1}\n"
        "- packets: {match: {stun: true}, count: 1}\n"
        "- drops\n"
        "- drops: {at: home, reason: filtered, match: {proto: icmp}, count: 4}\n");
    const hp_expect *e = s->expects;
    const hp_match *m = &e[0].packets.match;

    assert_int_equal(e[0].kind, HP_EXPECT_PACKETS);
    assert_string_equal(e[0].packets.at, "turn");
    assert_false(e[0].packets.has_direction);
    assert_compare(e[0].packets.count, HP_UNIT_COUNT, INT64_MIN, 2);
    assert_false(e[0].packets.bytes.set);
    assert_int_equal(m->stun.present, HP_PRESENT);
    assert_int_equal(m->stun.method, HP_STUN_ALLOCATE);
    assert_true(m->stun.has_class);
    assert_int_equal(m->stun.cls, HP_STUN_ERROR);
    assert_int_equal(m->stun.error_code, 438);
    assert_int_equal(m->stun.n_with, 2);
    assert_int_equal(m->stun.with[0], HP_STUN_NONCE);
    assert_int_equal(m->stun.with[1], HP_STUN_REALM);
    assert_int_equal(m->stun.n_without, 1);
    assert_int_equal(m->stun.without[0], HP_STUN_SOFTWARE);
    assert_int_equal(m->stun.integrity, HP_ABSENT);
    assert_true(e[1].packets.has_direction);
    assert_int_equal(e[1].packets.direction, HP_DIR_OUT);
    assert_string_equal(e[1].packets.filter, "udp port 3478");
    assert_compare(e[1].packets.bytes, HP_UNIT_BYTES, 1001, INT64_MAX);
    assert_true(hp_match_is_empty(&e[1].packets.match));
    m = &e[2].packets.match;
    assert_int_equal(m->proto, HP_MATCH_UDP);
    assert_int_equal(m->family, HP_AF_IPV6);
    assert_int_equal(m->src.prefix.bits, 32);
    assert_int_equal(m->src.port_first, 1000);
    assert_int_equal(m->src.port_last, 2000);
    assert_int_equal(m->dst.prefix.bits, 32);
    assert_int_equal(m->dst.port_first, 53);
    assert_int_equal(m->dst.port_last, 53);
    assert_compare(m->size, HP_UNIT_BYTES, INT64_MIN, 99);
    assert_int_equal(m->channel_data, HP_PRESENT);
    assert_int_equal(m->channel, 0x4000);
    assert_int_equal(m->dtls, HP_ABSENT);
    assert_int_equal(m->rtp, HP_PRESENT);
    assert_int_equal(m->rtcp, HP_ABSENT);
    assert_int_equal(m->fragment, HP_PRESENT);
    assert_int_equal(m->corrupt, HP_ABSENT);
    assert_int_equal(m->stun.present, HP_EITHER);
    assert_true(m->inside);
    assert_int_equal(e[3].packets.match.stun.present, HP_ABSENT);
    assert_int_equal(e[3].packets.match.icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    assert_int_equal(e[4].packets.match.stun.present, HP_PRESENT);
    assert_int_equal(e[5].kind, HP_EXPECT_DROPS);
    assert_null(e[5].drops.at);
    assert_false(e[5].drops.has_reason);
    assert_compare(e[5].drops.count, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_true(e[6].drops.has_reason);
    assert_int_equal(e[6].drops.reason, HP_DROP_NAT_FILTERED);
    assert_int_equal(e[6].drops.match.proto, HP_MATCH_ICMP);
    hp_scenario_free(s);
}

static void nats_and_relays(void **state)
{
    hp_scenario *s =
        expecting("- mappings: {nat: home, count: 2, at-end: '>= 1', external-ports: '< 5', ended: expired}\n"
                  "- relayed: {at: turn, packets: '> 10', bytes: '< 1MB', allocations: 1}\n- relayed: {packets: 0}\n");
    const hp_expect *e = s->expects;
    assert_int_equal(e[0].kind, HP_EXPECT_MAPPINGS);
    assert_string_equal(e[0].mappings.nat, "home");
    assert_compare(e[0].mappings.count, HP_UNIT_COUNT, 2, 2);
    assert_compare(e[0].mappings.at_end, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_compare(e[0].mappings.external_ports, HP_UNIT_COUNT, INT64_MIN, 4);
    assert_string_equal(e[0].mappings.ended, "expired");
    assert_int_equal(e[1].kind, HP_EXPECT_RELAYED);
    assert_string_equal(e[1].relayed.at, "turn");
    assert_compare(e[1].relayed.packets, HP_UNIT_COUNT, 11, INT64_MAX);
    assert_compare(e[1].relayed.bytes, HP_UNIT_BYTES, INT64_MIN, 999999);
    assert_compare(e[1].relayed.allocations, HP_UNIT_COUNT, 1, 1);
    assert_null(e[2].relayed.at);
    hp_scenario_free(s);
}

static void events(void **state)
{
    hp_scenario *s =
        expecting("- event: {event: ice-state, of: alice, where: {state: failed, component: 1}, count: 0}\n"
                  "- event: {event: step}\n"
                  "- order: [{event: ice-restart, of: alice}, {event: selected-pair}]\n"
                  "- order: {events: [{event: step}, {event: step-done}], after: 2s}\n");
    const hp_expect *e = s->expects;
    assert_int_equal(e[0].kind, HP_EXPECT_EVENT);
    assert_int_equal(e[0].event.pattern.kind, HP_EV_ICE_STATE);
    assert_string_equal(e[0].event.pattern.subject, "alice");
    assert_int_equal(e[0].event.pattern.n_where, 2);
    assert_string_equal(e[0].event.pattern.keys[1], "component");
    assert_string_equal(e[0].event.pattern.values[1], "1");
    assert_compare(e[0].event.count, HP_UNIT_COUNT, 0, 0);
    assert_null(e[1].event.pattern.subject);
    assert_int_equal(e[1].event.pattern.n_where, 0);
    assert_compare(e[1].event.count, HP_UNIT_COUNT, 1, INT64_MAX);
    assert_int_equal(e[2].kind, HP_EXPECT_ORDER);
    assert_int_equal(e[2].order.n, 2);
    assert_int_equal(e[2].order.patterns[0].kind, HP_EV_ICE_RESTART);
    assert_string_equal(e[2].order.patterns[0].subject, "alice");
    assert_int_equal(e[2].order.patterns[1].kind, HP_EV_SELECTED_PAIR);
    assert_int_equal(e[3].order.n, 2);
    assert_true(e[3].window.after == 2 * HP_S);
    hp_scenario_free(s);
}

static void what_cannot_be_expected(void **state)
{
    assert_complains(NETWORK "expect:\n"
                             "- latency\n"
                             "- latency: {p95: 90}\n"
                             "- delivery: {loss: '< 101%'}\n"
                             "- packets: {at: turn}\n"
                             "- pair: {}\n"
                             "- pair: {with: bob, alice: relay}\n"
                             "- pair: {alice: relay|tcp, eve: host}\n"
                             "- state: {peer: alice}\n"
                             "- mappings: {nat: alice, count: 1}\n"
                             "- relayed: {at: turm, packets: 1}\n"
                             "- recovered: {after: rebot, within: 1s}\n"
                             "- recovered: {after: 5s, within: 1s}\n"
                             "- connected: {after: nowhere}\n"
                             "- event: {of: alice}\n"
                             "- event: {event: ice-stat}\n"
                             "- event: {event: nat-mapping, of: alice, where: {prto: udp, internal: here}}\n"
                             "- order: [{event: step}]\n"
                             "- packets: {match: {stun: {present: false, code: 400}}, count: 1}\n"
                             "- drops: {reason: filterd}\n"
                             "- event: {event: ice-state, where: {state: faild}, count: 0}\n"
                             "- event: {event: consent, where: {state: granted}}\n"
                             "- event: {event: consent, where: {state: ready}, count: 0}\n",
                     "6:3: `latency` says nothing to compare\n"
                     "7:18: `p95` must be a comparison such as \"< 90ms\" or 10ms..20ms, not `90`\n"
                     "8:20: `loss` must be a comparison such as \"< 1%\" or 0%..5%, not `< 101%`\n"
                     "9:12: `packets` says nothing to compare\n"
                     "10:9: `peers` must be a map with at least one key\n"
                     "11:9: expect.5.pair lacks `peers`\n"
                     "11:21: unknown key `alice` in expect.5.pair\n"
                     "12:17: `tcp` is not a candidate type (one of `host`, `srflx`, `prflx`, `relay`)\n"
                     "13:10: expect.7.state lacks `state`\n"
                     "14:19: no NAT is called `alice`\n"
                     "15:17: no TURN server is called `turm` (did you mean `turn`?)\n"
                     "16:22: no step has the label or action `rebot` (did you mean `reboot`?)\n"
                     "17:22: no step has the label or action `5s`\n"
                     "18:22: no step has the label or action `nowhere`\n"
                     "19:10: expect.13.event lacks `event`\n"
                     "20:18: `ice-stat` is not an event (did you mean `ice-state`?)\n"
                     "21:35: no NAT is called `alice`\n"
                     "21:56: event `nat-mapping` has no field `prto` (did you mean `proto`?)\n"
                     "21:71: field `internal` is an address, not `here`\n"
                     "22:10: `events` must have 2 to 1000 items, not 1\n"
                     "23:27: what is not STUN has no other properties of STUN\n"
                     "24:19: `filterd` is not a drop reason (did you mean `filtered`?)\n"
                     "25:44: field `state` of event `ice-state` is never `faild` (did you mean `failed`?)\n"
                     "27:42: field `state` of event `consent` is never `ready` (one of `granted`, `lost`, "
                     "`regained`)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),
        cmocka_unit_test(as_written_on_one_line),
        cmocka_unit_test(connected),
        cmocka_unit_test(pairs),
        cmocka_unit_test(states_candidates_consent),
        cmocka_unit_test(traffic),
        cmocka_unit_test(links),
        cmocka_unit_test(over_a_data_channel),
        cmocka_unit_test(media),
        cmocka_unit_test(dtls),
        cmocka_unit_test(packets_and_matches),
        cmocka_unit_test(nats_and_relays),
        cmocka_unit_test(events),
        cmocka_unit_test(what_cannot_be_expected),
        cmocka_unit_test(what_cannot_be_expected_of_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
