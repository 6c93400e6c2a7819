/* The lint of media: each rule speaks where it should, and says nothing of a scenario that is sound. */
#include "lint_fixture.h"

#define PEERS "peers: {a: , b: , c: }\n"

static void nothing_to_say_of_what_is_sound(void **state)
{
    assert_lint(
        "defaults: {media: {audio: {dtx: true}, video: {replay: " RECORDING "}}}\n"
        "peers:\n  a: {media: {audio: {ssrc: 1}, video: {ssrc: 2}, rtcp: {interval: 1s}}}\n"
        "  b: {media: {security: {profiles: [aes-256-gcm, aes-128-gcm]}}}\n  c:\n"
        "steps:\n- call: {from: a, to: b, media: [audio, video], data: true}\n- call: {from: a, to: c}\n"
        "- send: {from: b, to: a, channel: chat}\n- send: {from: a, to: c}\n- hold: a\n- resume: {peer: a, media: "
        "audio}\n- inject: {to: b, what: replay}\n- inject: {to: c, what: forge, kind: stun}\n"
        "- inject: {to: c, what: junk}\n"
        "expect:\n- media: {from: b, to: a, audio: {loss: 0}, video: {freezes: 0}}\n- media: {audio: {loss: 0}}\n"
        "- dtls: {peers: [a, b], within: 5s}\n- dtls\n- delivery: {channel: chat, loss: 0}\n"
        "- delivery: {from: c, loss: 0}\n- recovered: {after: hold, within: 9s, from: b}\n",
        "");
}

static void settings_that_never_matter(void **state)
{
    assert_lint("peers:\n  a: {media: {rtcp: {interval: 1s}}}\n  b: {media: {audio: {dtx: true}, video: {fps: 10}}}\n"
                "  c: {media: {security: {cookie: true}}}\n  d:\n"
                "steps:\n- call: {from: b, to: d, media: audio}\n- call: {from: a, to: d}\n"
                "- call: {from: c, to: d, data: true}\nexpect: [connected]\n",
                "2:14: peer `a` is in no call with media: its `media` never matters\n"
                "3:42: peer `b` is in no call with video: its `video` never matters\n");
}

static void anyone_may_answer_a_broadcast(void **state)
{
    assert_lint(
        "peers: {a: {media: {video: {fps: 10}}}, b: }\n"
        "steps: [{call: {from: b, broadcast: true, media: video}}]\nexpect: [media: {from: a, video: {freezes: 0}}]\n",
        "");
}

static void recordings(void **state)
{
    assert_lint("peers:\n  a:\n    media:\n      audio:\n        replay: " RECORDING
                "\n        bitrate: 64kbit/s\n        ssrc: 3\n      video:\n        replay: " RECORDING
                "\n  b:\n    media:\n      audio:\n        replay: " RECORDING
                "\n        dtx: true\n        talk: 1s\n        ptime: 40ms\n"
                "steps:\n- call: {from: a, to: b, media: audio}\nexpect: [connected]\n",
                "5:17: the audio of peer `a` is a recording: `bitrate` never matters\n"
                "9:17: peer `a` is in no call with video: its recording is never sent\n"
                "13:17: the audio of peer `b` is a recording: `dtx`, `talk` never matter\n");
    assert_lint("defaults: {media: {video: {replay: " RECORDING "}}}\n" PEERS
                "steps:\n- call: {from: a, to: [b, c], media: audio}\nexpect: [connected]\n",
                "1:36: no call has video: this recording is never sent\n");
    assert_lint("defaults: {media: {video: {replay: " RECORDING
                "}}}\npeers: {a: {media: {video: {fps: 5}}}, b: , c: }\n"
                "steps:\n- call: {from: a, to: b, media: video}\n- call: {from: a, to: c}\nexpect: [connected]\n",
                "1:36: the video of peer `a` is a recording: `fps` never matters\n");
}

static void steps_without_such_a_session(void **state)
{
    assert_lint(
        "peers: {a: {media: {video: {replay: " RECORDING "}}}, b: , c: }\n"
        "steps:\n- hold: a\n- set-media: {peer: b, bitrate: 1Mbit/s}\n- inject: {to: b, what: truncate}\n"
        "- inject: {to: b, what: replay, kind: dtls}\n- call: {from: a, to: b, media: audio}\n"
        "- send: {from: a, to: b}\n- send: {from: a, to: b, channel: chat}\n- send: {from: a, to: c, channel: chat}\n"
        "- resume: a\n- hold: {peer: a, with: c}\n- hold: {peer: b, media: video}\n- hold: {peer: b, media: audio}\n"
        "- resume: {peer: a}\n- resume: b\n- set-media: {peer: a, bitrate: 1Mbit/s}\n"
        "- call: {from: c, to: a, media: video}\n- set-media: {peer: a, bitrate: 1Mbit/s}\n"
        "- set-media: {peer: c, bitrate: 1Mbit/s}\n- call: {from: c, to: b, data: true}\n"
        "- inject: {to: b, what: replay, kind: dtls}\n- inject: {to: c, what: replay, kind: rtcp}\n"
        "- resume: {peer: c, media: video}\n"
        "expect: [connected]\n",
        "3:3: `a` has no session with audio or video at this step\n"
        "4:3: `b` has no session with video at this step\n"
        "5:3: no call brings `b` anything to make these packets of before this step\n"
        "6:3: no call brings `b` anything to make these packets of before this step\n"
        "8:3: a session with media carries no plain datagrams, and `a` and `b` have no other\n"
        "9:3: no call with data channels joins `a` and `b` before this step\n"
        "10:3: no call joins `a` and `c` before this step\n"
        "12:3: `a` has no session with audio or video at this step\n"
        "13:3: `b` has no session with video at this step\n"
        "17:3: `a` has no session with video at this step\n"
        "19:3: the video of `a` is a recording, which has the bit rate it has\n"
        "24:3: `c` has nothing on hold at this step\n");
}

static void expectations_that_no_call_can_satisfy(void **state)
{
    assert_lint("peers: {a: , b: {media: {security: {keying: sdes}}}, c: , d: }\n"
                "steps:\n- call: {from: a, to: c, media: audio}\n- call: {from: a, to: d}\n"
                "expect:\n- media: {video: {freezes: 0}}\n- media: {from: d, audio: {loss: 0}}\n"
                "- media: {from: c, to: a, audio: {loss: 0}, video: {loss: 0}}\n- media: {to: d, audio: {loss: 0}}\n"
                "- dtls: {peers: [a, d]}\n- delivery: {channel: chat, loss: 0}\n- dtls: {within: 2m}\n",
                "1:14: peer `b` is in no call\n"
                "1:25: peer `b` is in no call with media: its `media` never matters\n"
                "6:3: `media`: no call has video\n"
                "7:3: `media`: no call has audio from d\n"
                "8:3: `media`: no call has video from c to a\n"
                "9:3: `media`: no call has audio to d\n"
                "10:3: `dtls`: peer `d` is in no call with media\n"
                "11:3: `delivery`: no step sends anything over data channel chat\n"
                "12:3: `dtls` may take until 120s, but the run ends at 60s\n");
    assert_lint("defaults: {media: {security: {keying: sdes}}}\n" PEERS
                "steps:\n- call: {from: a, to: [b, c], media: audio}\nexpect:\n- dtls\n- dtls: {peers: b}\n",
                "6:3: `dtls`: no peer in a call with media uses DTLS\n"
                "7:3: `dtls`: peer `b` does not use DTLS\n");
    assert_lint(PEERS "steps:\n- call: {from: a, to: [b, c]}\nexpect:\n- dtls\n", "5:3: `dtls`: no call has media\n");
}

#define UNLIKE                                                                                                         \
    "peers:\n  a:\n  b: {media: {security: {keying: sdes}}}\n  c: {media: {security: {profiles: aes-256-gcm}}}\n"      \
    "  d: {media: {security: {keying: sdes, profiles: aes-256-gcm}}}\nsteps:\n"                                        \
    "- call: {from: a, to: [b, c], media: audio}\n- call: {from: a, to: c, data: true}\n"                              \
    "- call: {from: b, to: d, media: video, data: true}\n- call: {from: b, to: d, data: true}\n"                       \
    "- call: {from: c, to: d}\n"

static void security_that_cannot_meet(void **state)
{
    assert_lint(UNLIKE "expect: [media: {audio: {loss: 0}}]\n",
                "7:3: `a` has DTLS and `b` SDES: they cannot agree on keys\n"
                "7:3: `a` and `c` have no SRTP profile in common\n"
                "9:3: `b` and `d` have no SRTP profile in common\n"
                "10:3: `b` and `d` have SDES: the call has no data channels\n");
    /* It may be what the scenario is about. */
    assert_lint(UNLIKE "expect: [dtls: {peers: c, state: failed, reason: profile}]\n", "");
    assert_lint(UNLIKE "expect: [event: {event: media-ignored}]\n", "");
}

static void tracks_that_look_alike(void **state)
{
    assert_lint(
        "peers:\n  a: {media: {audio: {payload-type: 96, ssrc: 9}, video: {rtx-ssrc: 9}}}\n"
        "  b: {media: {audio: {payload-type: 97}, video: {ssrc: 1}}}\n"
        "  c: {media: {audio: {payload-type: 97, ssrc: 1}, video: {ssrc: 1, rtx: false}}}\n"
        "steps:\n- call: {from: a, to: b, media: [audio, video]}\n- call: {from: b, to: c, media: [audio, video]}\n"
        "- call: {from: c, to: b, media: [audio, video]}\n- call: {from: a, to: c, media: audio}\n"
        "- call: {from: a, to: c, media: [audio, video], bundle: false}\nexpect: [connected]\n",
        "6:3: audio and video of `a` share payload type 96 in one bundle\n"
        "6:3: audio and video of `a` share SSRC 0x00000009 in one bundle\n"
        "7:3: audio and video of `b` share payload type 97 in one bundle\n"
        "7:3: audio and video of `c` share SSRC 0x00000001 in one bundle\n"
        "8:3: audio and video of `c` share SSRC 0x00000001 in one bundle\n");
    /* 0 is a payload type as others are. */
    assert_lint("peers:\n  a: {media: {audio: {payload-type: 0}, video: {payload-type: 111}}}\n  b:\n"
                "steps:\n- call: {from: a, to: b, media: [audio, video]}\nexpect: [connected]\n",
                "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_say_of_what_is_sound), cmocka_unit_test(settings_that_never_matter),
        cmocka_unit_test(anyone_may_answer_a_broadcast),   cmocka_unit_test(recordings),
        cmocka_unit_test(steps_without_such_a_session),    cmocka_unit_test(expectations_that_no_call_can_satisfy),
        cmocka_unit_test(security_that_cannot_meet),       cmocka_unit_test(tracks_that_look_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
