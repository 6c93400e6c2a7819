/* Session descriptions: exact text out, and everything readable in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "actors/sdp.h"
#include "base/error.h"

#define PASSWORD "aPasswordOfTwentyTwoChars"

static void test_format(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    sdp->session = 3;
    sdp->version = 2;
    sdp->trickle = true;
    hp_sdp_stream *one = hp_sdp_add_stream(sdp, "0", "abcd", PASSWORD, 1);
    g_ptr_array_add(one->candidates, g_strdup("candidate:1 1 UDP 5 10.0.0.1 9 typ host"));
    hp_sdp_add_stream(sdp, "1", "efgh", PASSWORD, 2)->end_of_candidates = true;
    hp_sdp_add_stream(sdp, "2", "ijkl", PASSWORD, 3);
    g_autofree char *text = hp_sdp_format(sdp);
    assert_string_equal(text, "v=0\r\n"
                              "o=- 3 2 IN IP4 127.0.0.1\r\n"
                              "s=-\r\n"
                              "t=0 0\r\n"
                              "a=ice-options:trickle\r\n"
                              "m=application 9 udp octet-stream\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=mid:0\r\n"
                              "a=ice-ufrag:abcd\r\n"
                              "a=ice-pwd:" PASSWORD "\r\n"
                              "a=rtcp-mux\r\n"
                              "a=candidate:1 1 UDP 5 10.0.0.1 9 typ host\r\n"
                              "m=application 9 udp octet-stream\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=mid:1\r\n"
                              "a=ice-ufrag:efgh\r\n"
                              "a=ice-pwd:" PASSWORD "\r\n"
                              "a=rtcp:9\r\n"
                              "a=end-of-candidates\r\n"
                              "m=application 9 udp octet-stream\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=mid:2\r\n"
                              "a=ice-ufrag:ijkl\r\n"
                              "a=ice-pwd:" PASSWORD "\r\n"
                              "a=x-hairpin-components:3\r\n");

    g_autoptr(hp_sdp) back = hp_sdp_parse(text, NULL);
    g_autofree char *again = hp_sdp_format(back);
    assert_string_equal(again, text);
}

/* As a browser writes it: much that does not matter, credentials in the session part, bare line feeds. */
static void test_parse_a_browsers(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_sdp) sdp = hp_sdp_parse("v=0\n"
                                         "o=mozilla 4611 7 IN IP4 0.0.0.0\n"
                                         "s=-\n"
                                         "t=0 0\n"
                                         "a=group:BUNDLE audio data\n"
                                         "a=ice-ufrag:frag\n"
                                         "a=ice-pwd:" PASSWORD "\n"
                                         "m=audio 9 UDP/TLS/RTP/SAVPF 111\n"
                                         "c=IN IP4 0.0.0.0\n"
                                         "a=rtcp:9 IN IP4 0.0.0.0\n"
                                         "a=rtcp-mux\n"
                                         "a=ice-options:trickle renomination\n"
                                         "a=mid:audio\n"
                                         "a=fingerprint:sha-256 00:11\n"
                                         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
                                         "a=ice-ufrag:other\n"
                                         "a=candidate:7 2 udp 1 fd00::1 9 typ host\n"
                                         "a=rtcp:9\n",
                                         &error);
    assert_null(error);
    assert_int_equal(sdp->session, 4611);
    assert_int_equal(sdp->version, 7);
    assert_true(sdp->trickle);
    assert_int_equal(sdp->streams->len, 2);
    const hp_sdp_stream *audio = sdp->streams->pdata[0], *data = sdp->streams->pdata[1];
    assert_string_equal(audio->mid, "audio");
    assert_string_equal(audio->ufrag, "frag");
    assert_int_equal(audio->n_components, 1); /* muxed */
    assert_string_equal(data->mid, "1");
    assert_string_equal(data->ufrag, "other");
    assert_string_equal(data->password, PASSWORD);
    assert_int_equal(data->n_components, 2);
    assert_int_equal(data->candidates->len, 1);
    assert_string_equal(data->candidates->pdata[0], "candidate:7 2 udp 1 fd00::1 9 typ host");
}

static void assert_refused(const char *text)
{
    g_autoptr(GError) error = NULL;
    assert_null(hp_sdp_parse(text, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
}

static void test_refused(void **state)
{
    assert_refused("");
    assert_refused("v=0\r\ns=-\r\n");
    assert_refused("m=audio 9 x 0\r\n");
    assert_refused("m=audio 9 x 0\r\na=ice-ufrag:abcd\r\n");
    assert_refused("m=audio 9 x 0\r\na=ice-ufrag:abc\r\na=ice-pwd:" PASSWORD "\r\n");
    assert_refused("m=audio 9 x 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:tooShortByOneCharacte\r\n");
    g_autofree char *long_ufrag = g_strnfill(257, 'u');
    g_autofree char *long_text =
        g_strdup_printf("m=audio 9 x 0\r\na=ice-ufrag:%s\r\na=ice-pwd:" PASSWORD "\r\n", long_ufrag);
    assert_refused(long_text);
    GString *many = g_string_new("a=ice-ufrag:abcd\r\na=ice-pwd:" PASSWORD "\r\n");
    for (unsigned i = 0; i < HP_SDP_MAX_STREAMS; i++) {
        g_string_append(many, "m=audio 9 x 0\r\n");
    }
    g_autoptr(hp_sdp) full = hp_sdp_parse(many->str, NULL);
    assert_int_equal(full->streams->len, HP_SDP_MAX_STREAMS);
    g_string_append(many, "m=audio 9 x 0\r\n");
    assert_refused(many->str);
    g_string_free(many, TRUE);
}

/* ---- media ---- */

static const char fingerprint_line[] = "a=fingerprint:sha-256 "
                                       "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                                       "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n";

static void add_fingerprint(hp_sdp_section *section, uint8_t first)
{
    hp_dtls_fingerprint fingerprint = {.hash = HP_DTLS_SHA256};
    for (unsigned i = 0; i < 32; i++) {
        fingerprint.bytes[i] = (uint8_t)(first + i);
    }
    g_array_append_val(section->fingerprints, fingerprint);
    section->has_setup = true;
}

static void fill_audio(hp_sdp_section *audio)
{
    audio->pt = 111;
    audio->clock = 48000;
    audio->codec = g_strdup("opus");
    audio->channels = 2;
    audio->rtcp_rsize = audio->rtcp_mux = audio->has_ssrc = true;
    audio->ssrc = 1001;
    audio->cname = g_strdup("alice@example");
}

static void fill_video(hp_sdp_section *video)
{
    video->pt = 96;
    video->rtx_pt = 97;
    video->clock = 90000;
    video->codec = g_strdup("VP8");
    video->nack = video->pli = video->rtcp_mux = video->has_ssrc = true;
    video->ssrc = 2001;
    video->rtx_ssrc = 2002;
}

static void assert_round_trip(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_sdp) back = hp_sdp_parse(text, &error);
    assert_null(error);
    g_autofree char *again = hp_sdp_format(back);
    assert_string_equal(again, text);
}

static void test_bundled(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    sdp->session = 1;
    sdp->version = 1;
    hp_sdp_stream *stream = hp_sdp_add_stream(sdp, "0", "abcd", PASSWORD, 1);
    stream->end_of_candidates = true;
    g_ptr_array_add(stream->candidates, g_strdup("candidate:1 1 UDP 5 10.0.0.1 9 typ host"));
    hp_sdp_section *audio = hp_sdp_add_section(stream, HP_SDP_AUDIO, "0");
    assert_false(sdp->bundle);
    fill_audio(audio);
    add_fingerprint(audio, 0);
    hp_sdp_section *video = hp_sdp_add_section(stream, HP_SDP_VIDEO, "1");
    assert_true(sdp->bundle);
    fill_video(video);
    add_fingerprint(video, 0);
    hp_sdp_section *data = hp_sdp_add_section(stream, HP_SDP_DATA, "2");
    data->sctp_port = 5000;
    data->max_message_size = 262144;
    add_fingerprint(data, 0);
    g_autofree char *text = hp_sdp_format(sdp);
    g_autofree char *expected = g_strconcat("v=0\r\n"
                                            "o=- 1 1 IN IP4 127.0.0.1\r\n"
                                            "s=-\r\n"
                                            "t=0 0\r\n"
                                            "a=group:BUNDLE 0 1 2\r\n"
                                            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                                            "c=IN IP4 0.0.0.0\r\n"
                                            "a=mid:0\r\n"
                                            "a=ice-ufrag:abcd\r\n"
                                            "a=ice-pwd:" PASSWORD "\r\n"
                                            "a=rtcp-mux\r\n"
                                            "a=candidate:1 1 UDP 5 10.0.0.1 9 typ host\r\n"
                                            "a=end-of-candidates\r\n",
                                            fingerprint_line,
                                            "a=setup:actpass\r\n"
                                            "a=sendrecv\r\n"
                                            "a=rtcp-rsize\r\n"
                                            "a=rtpmap:111 opus/48000/2\r\n"
                                            "a=ssrc:1001 cname:alice@example\r\n"
                                            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
                                            "c=IN IP4 0.0.0.0\r\n"
                                            "a=mid:1\r\n"
                                            "a=ice-ufrag:abcd\r\n"
                                            "a=ice-pwd:" PASSWORD "\r\n"
                                            "a=rtcp-mux\r\n",
                                            fingerprint_line,
                                            "a=setup:actpass\r\n"
                                            "a=sendrecv\r\n"
                                            "a=rtpmap:96 VP8/90000\r\n"
                                            "a=rtcp-fb:96 nack\r\n"
                                            "a=rtcp-fb:96 nack pli\r\n"
                                            "a=rtpmap:97 rtx/90000\r\n"
                                            "a=fmtp:97 apt=96\r\n"
                                            "a=ssrc-group:FID 2001 2002\r\n"
                                            "a=ssrc:2001 msid:-\r\n"
                                            "a=ssrc:2002 msid:-\r\n"
                                            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                            "c=IN IP4 0.0.0.0\r\n"
                                            "a=mid:2\r\n"
                                            "a=ice-ufrag:abcd\r\n"
                                            "a=ice-pwd:" PASSWORD "\r\n",
                                            fingerprint_line,
                                            "a=setup:actpass\r\n"
                                            "a=sctp-port:5000\r\n"
                                            "a=max-message-size:262144\r\n",
                                            NULL);
    assert_string_equal(text, expected);
    assert_round_trip(text);
}

/* a=ptime in milliseconds with a fraction where there is one, a=framerate rounded up; nonsense is not told. */
static void test_pace(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    hp_sdp_stream *stream = hp_sdp_add_stream(sdp, "0", "abcd", PASSWORD, 1);
    hp_sdp_section *audio = hp_sdp_add_section(stream, HP_SDP_AUDIO, "0");
    audio->pt = 0;
    audio->codec = g_strdup("PCMU");
    audio->clock = 8000;
    audio->ptime = 2500 * HP_US;
    hp_sdp_section *video = hp_sdp_add_section(stream, HP_SDP_VIDEO, "1");
    video->pt = 96;
    video->codec = g_strdup("VP8");
    video->clock = 90000;
    video->framerate = 25;
    g_autofree char *text = hp_sdp_format(sdp);
    assert_non_null(strstr(text, "\r\na=rtpmap:0 PCMU/8000\r\na=ptime:2.500\r\n"));
    assert_non_null(strstr(text, "\r\na=framerate:25\r\n"));
    assert_round_trip(text);

    static const struct {
        const char *told, *read_as;
        hp_time ptime;
    } cases[] = {{"a=ptime:20", "a=ptime:20", 20 * HP_MS},
                 {"a=ptime:2.5", "a=ptime:2.500", 2500 * HP_US},
                 {"a=ptime:0.1259", "a=ptime:0.125", 125 * HP_US},
                 {"a=ptime:", NULL, 0},
                 {"a=ptime:-20", NULL, 0},
                 {"a=ptime:20ms", NULL, 0},
                 {"a=ptime:1.2.3", NULL, 0},
                 {"a=ptime:99999999999", NULL, 0}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) told = g_string_new(text);
        g_string_replace(told, "a=ptime:2.500", cases[i].told, 1);
        g_string_replace(told, "a=framerate:25", "a=framerate:29.97", 1);
        g_autoptr(hp_sdp) read = hp_sdp_parse(told->str, NULL);
        assert_non_null(read);
        assert_int_equal(hp_sdp_section_at(read, 0, NULL)->ptime, cases[i].ptime);
        assert_int_equal(hp_sdp_section_at(read, 1, NULL)->framerate, 30);
        g_autofree char *again = hp_sdp_format(read);
        assert_true(cases[i].read_as ? strstr(again, cases[i].read_as) != NULL : strstr(again, "ptime") == NULL);
    }
}

/* Each line a stream of its own, RTP and RTCP apart, keys in the description; the data line's second component, which
 * no rule gives it, is told. */
static void test_unbundled_with_keys(void **state)
{
    static const char *const direction[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
    for (hp_sdp_direction d = HP_SDP_SENDRECV; d <= HP_SDP_INACTIVE; d++) {
        g_autoptr(hp_sdp) sdp = hp_sdp_new();
        hp_sdp_section *audio = hp_sdp_add_section(hp_sdp_add_stream(sdp, "0", "abcd", PASSWORD, 2), HP_SDP_AUDIO, "0");
        audio->pt = 0;
        audio->codec = g_strdup("PCMU");
        audio->clock = 8000;
        audio->direction = d;
        hp_sdp_add_crypto(audio, 1, "AEAD_AES_128_GCM", "inline:AAAA");
        hp_sdp_add_crypto(audio, 2, "AES_CM_128_HMAC_SHA1_80", "inline:BBBB");
        hp_sdp_add_section(hp_sdp_add_stream(sdp, "1", "efgh", PASSWORD, 2), HP_SDP_DATA, "1");
        g_autofree char *text = hp_sdp_format(sdp);
        g_autofree char *expected = g_strconcat("v=0\r\n"
                                                "o=- 0 0 IN IP4 127.0.0.1\r\n"
                                                "s=-\r\n"
                                                "t=0 0\r\n"
                                                "m=audio 9 RTP/SAVPF 0\r\n"
                                                "c=IN IP4 0.0.0.0\r\n"
                                                "a=mid:0\r\n"
                                                "a=ice-ufrag:abcd\r\n"
                                                "a=ice-pwd:" PASSWORD "\r\n"
                                                "a=rtcp:9 IN IP4 0.0.0.0\r\n"
                                                "a=crypto:1 AEAD_AES_128_GCM inline:AAAA\r\n"
                                                "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:BBBB\r\n"
                                                "a=",
                                                direction[d],
                                                "\r\n"
                                                "a=rtpmap:0 PCMU/8000\r\n"
                                                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                                "c=IN IP4 0.0.0.0\r\n"
                                                "a=mid:1\r\n"
                                                "a=ice-ufrag:efgh\r\n"
                                                "a=ice-pwd:" PASSWORD "\r\n"
                                                "a=x-hairpin-components:2\r\n",
                                                NULL);
        assert_string_equal(text, expected);
        assert_round_trip(text);
        g_autoptr(hp_sdp) back = hp_sdp_parse(text, NULL);
        assert_int_equal(hp_sdp_max_components(back), 2);
    }
}

/* The first section of the group is rejected: the second speaks for the stream, and the group names it alone. */
static void test_rejected(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    hp_sdp_stream *stream = hp_sdp_add_stream(sdp, "0", "abcd", PASSWORD, 1);
    g_ptr_array_add(stream->candidates, g_strdup("candidate:1 1 UDP 5 10.0.0.1 9 typ host"));
    hp_sdp_section *audio = hp_sdp_add_section(stream, HP_SDP_AUDIO, "0");
    audio->pt = 111;
    audio->rejected = true;
    hp_sdp_add_section(stream, HP_SDP_DATA, "1");
    g_autofree char *text = hp_sdp_format(sdp);
    assert_string_equal(text, "v=0\r\n"
                              "o=- 0 0 IN IP4 127.0.0.1\r\n"
                              "s=-\r\n"
                              "t=0 0\r\n"
                              "a=group:BUNDLE 1\r\n"
                              "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=mid:0\r\n"
                              "a=inactive\r\n"
                              "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=mid:1\r\n"
                              "a=ice-ufrag:abcd\r\n"
                              "a=ice-pwd:" PASSWORD "\r\n"
                              "a=candidate:1 1 UDP 5 10.0.0.1 9 typ host\r\n");
    g_autoptr(hp_sdp) back = hp_sdp_parse(text, NULL);
    assert_int_equal(back->streams->len, 1);
    assert_true(back->bundle);
    unsigned stream_index = 7;
    assert_true(hp_sdp_section_at(back, 0, &stream_index)->rejected);
    assert_int_equal(stream_index, 0);
    assert_false(hp_sdp_section_at(back, 1, NULL)->rejected);
    const hp_sdp_stream *read = back->streams->pdata[0];
    assert_string_equal(read->mid, "1");
    assert_string_equal(read->ufrag, "abcd");
    hp_call_config call;
    hp_sdp_call(back, &call);
    assert_false(call.media[HP_MEDIA_AUDIO]);
    assert_true(call.data);

    /* without a group it has a stream of its own, which needs no credentials */
    g_autoptr(hp_sdp) apart = hp_sdp_parse("m=audio 0 RTP/SAVPF 0\r\n"
                                           "m=video 9 RTP/SAVPF 96\r\n"
                                           "a=ice-ufrag:abcd\r\na=ice-pwd:" PASSWORD "\r\n",
                                           NULL);
    assert_int_equal(apart->streams->len, 2);
    assert_null(((const hp_sdp_stream *)apart->streams->pdata[0])->ufrag);
    assert_string_equal(((const hp_sdp_stream *)apart->streams->pdata[1])->ufrag, "abcd");
}

/* ---- other programs' descriptions ---- */

/* In the manner of Chromium: everything in each section, many codecs, several sources. */
static const char chromium[] = "v=0\r\n"
                               "o=- 88112233445566 2 IN IP4 127.0.0.1\r\n"
                               "s=-\r\n"
                               "t=0 0\r\n"
                               "a=group:BUNDLE 0 1 2\r\n"
                               "a=extmap-allow-mixed\r\n"
                               "a=msid-semantic: WMS aStream\r\n"
                               "m=audio 9 UDP/TLS/RTP/SAVPF 13 63 111 9 0 8 110\r\n"
                               "c=IN IP4 0.0.0.0\r\n"
                               "a=rtcp:9 IN IP4 0.0.0.0\r\n"
                               "a=ice-ufrag:cRoM\r\n"
                               "a=ice-pwd:" PASSWORD "\r\n"
                               "a=ice-options:trickle\r\n"
                               "a=fingerprint:sha-256 "
                               "40:41:42:43:44:45:46:47:48:49:4a:4b:4c:4d:4e:4f:"
                               "50:51:52:53:54:55:56:57:58:59:5a:5b:5c:5d:5e:5f\r\n"
                               "a=setup:actpass\r\n"
                               "a=mid:0\r\n"
                               "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                               "a=sendrecv\r\n"
                               "a=msid:aStream anAudioTrack\r\n"
                               "a=rtcp-mux\r\n"
                               "a=rtcp-rsize\r\n"
                               "a=rtpmap:111 opus/48000/2\r\n"
                               "a=rtcp-fb:111 transport-cc\r\n"
                               "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
                               "a=rtpmap:63 red/48000/2\r\n"
                               "a=fmtp:63 111/111\r\n"
                               "a=rtpmap:9 G722/8000\r\n"
                               "a=rtpmap:110 telephone-event/48000\r\n"
                               "a=ssrc:4294967295 cname:aCname\r\n"
                               "a=ssrc:4294967295 msid:aStream anAudioTrack\r\n"
                               "m=video 9 UDP/TLS/RTP/SAVPF 98 96 97 99 125 114\r\n"
                               "c=IN IP4 0.0.0.0\r\n"
                               "a=rtcp:9 IN IP4 0.0.0.0\r\n"
                               "a=ice-ufrag:cRoM\r\n"
                               "a=ice-pwd:" PASSWORD "\r\n"
                               "a=mid:1\r\n"
                               "a=sendonly\r\n"
                               "a=rtcp-mux\r\n"
                               "a=rtpmap:96 VP8/90000\r\n"
                               "a=rtcp-fb:96 goog-remb\r\n"
                               "a=rtcp-fb:96 ccm fir\r\n"
                               "a=rtcp-fb:96 nack\r\n"
                               "a=rtcp-fb:96 nack pli\r\n"
                               "a=rtpmap:97 rtx/90000\r\n"
                               "a=fmtp:97 apt=96\r\n"
                               "a=rtpmap:98 ulpfec/90000\r\n"
                               "a=rtpmap:99 rtx/90000\r\n"
                               "a=fmtp:99 apt=125\r\n"
                               "a=rtpmap:125 H264/90000\r\n"
                               "a=rtpmap:114 red/90000\r\n"
                               "a=ssrc-group:SIM 11 12\r\n"
                               "a=ssrc-group:FID 12 22\r\n"
                               "a=ssrc-group:FID 11 21\r\n"
                               "a=ssrc:11 cname:other\r\n"
                               "a=ssrc:12 cname:aCname\r\n"
                               "a=ssrc:12 msid:aStream aVideoTrack\r\n"
                               "a=ssrc:22 cname:aCname\r\n"
                               "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                               "c=IN IP4 0.0.0.0\r\n"
                               "a=ice-ufrag:cRoM\r\n"
                               "a=ice-pwd:" PASSWORD "\r\n"
                               "a=mid:2\r\n"
                               "a=sctp-port:5000\r\n"
                               "a=max-message-size:0\r\n";

static void test_chromium(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_parse(chromium, NULL);
    assert_non_null(sdp);
    assert_int_equal(sdp->streams->len, 1);
    assert_true(sdp->trickle);
    assert_true(sdp->bundle);
    unsigned stream = 9;
    const hp_sdp_section *audio = hp_sdp_section_at(sdp, 0, &stream);
    assert_int_equal(stream, 0);
    assert_int_equal(audio->kind, HP_SDP_AUDIO);
    assert_int_equal(audio->pt, 111);
    assert_string_equal(audio->codec, "opus");
    assert_int_equal(audio->clock, 48000);
    assert_int_equal(audio->channels, 2);
    assert_int_equal(audio->rtx_pt, 0);
    assert_true(audio->rtcp_mux);
    assert_true(audio->rtcp_rsize);
    assert_false(audio->nack);
    assert_true(audio->has_ssrc);
    assert_int_equal(audio->ssrc, 4294967295);
    assert_int_equal(audio->rtx_ssrc, 0);
    assert_string_equal(audio->cname, "aCname");
    assert_int_equal(audio->fingerprints->len, 1);
    assert_int_equal(g_array_index(audio->fingerprints, hp_dtls_fingerprint, 0).bytes[31], 0x5f);
    assert_true(audio->has_setup);
    assert_int_equal(audio->setup, HP_DTLS_SETUP_ACTPASS);

    const hp_sdp_section *video = hp_sdp_section_at(sdp, 1, NULL);
    assert_int_equal(video->kind, HP_SDP_VIDEO);
    assert_int_equal(video->direction, HP_SDP_SENDONLY);
    assert_int_equal(video->pt, 96);
    assert_int_equal(video->rtx_pt, 97);
    assert_string_equal(video->codec, "VP8");
    assert_true(video->nack);
    assert_true(video->pli);
    assert_false(video->rtcp_rsize);
    assert_int_equal(video->ssrc, 12);
    assert_int_equal(video->rtx_ssrc, 22);
    assert_string_equal(video->cname, "aCname");
    assert_int_equal(video->fingerprints->len, 1); /* told by the group's first alone */
    assert_true(video->has_setup);

    const hp_sdp_section *data = hp_sdp_section_at(sdp, 2, NULL);
    assert_int_equal(data->kind, HP_SDP_DATA);
    assert_int_equal(data->sctp_port, 5000);
    assert_int_equal(data->max_message_size, G_MAXUINT32);
    assert_null(hp_sdp_section_at(sdp, 3, NULL));

    hp_call_config call;
    hp_sdp_call(sdp, &call);
    assert_true(call.media[HP_MEDIA_AUDIO] && call.media[HP_MEDIA_VIDEO] && call.data && call.bundle && call.rtcp_mux);
    assert_int_equal(call.streams, 1);
    assert_int_equal(call.components, 1);
}

/* In the manner of Firefox: security for the whole session, credentials and candidates of the first section,
 * bundle-only sections without a transport, the older form of data channels. */
static void test_firefox(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_parse("v=0\r\n"
                                         "o=mozilla...THIS_IS_SDPARTA 7117 0 IN IP4 0.0.0.0\r\n"
                                         "s=-\r\n"
                                         "t=0 0\r\n"
                                         "a=sendrecv\r\n"
                                         "a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                                         "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\n"
                                         "a=setup:passive\r\n"
                                         "a=group:BUNDLE sound picture chat\r\n"
                                         "a=ice-options:trickle\r\n"
                                         "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"
                                         "a=candidate:0 1 UDP 2122252543 192.168.1.2 50000 typ host\r\n"
                                         "a=ice-pwd:" PASSWORD "\r\n"
                                         "a=ice-ufrag:fire\r\n"
                                         "a=mid:sound\r\n"
                                         "a=rtcp-mux\r\n"
                                         "a=rtpmap:109 opus/48000/2\r\n"
                                         "a=end-of-candidates\r\n"
                                         "a=ssrc:31 cname:{a-b}\r\n"
                                         "m=video 0 UDP/TLS/RTP/SAVPF 124 120\r\n"
                                         "a=bundle-only\r\n"
                                         "a=mid:picture\r\n"
                                         "a=rtcp-mux\r\n"
                                         "a=inactive\r\n"
                                         "a=setup:active\r\n"
                                         "a=fmtp:124 apt=120\r\n"
                                         "a=rtcp-fb:* nack pli\r\n"
                                         "a=rtpmap:120 VP8/90000\r\n"
                                         "a=rtpmap:124 RTX/90000\r\n"
                                         "m=application 0 DTLS/SCTP 5001\r\n"
                                         "a=bundle-only\r\n"
                                         "a=mid:chat\r\n"
                                         "a=sctpmap:5001 webrtc-datachannel 256\r\n"
                                         "a=max-message-size:1073741823\r\n",
                                         NULL);
    assert_non_null(sdp);
    assert_int_equal(sdp->streams->len, 1);
    const hp_sdp_stream *stream = sdp->streams->pdata[0];
    assert_string_equal(stream->mid, "sound");
    assert_int_equal(stream->candidates->len, 1);
    assert_true(stream->end_of_candidates);
    assert_int_equal(stream->n_components, 1);
    const hp_sdp_section *audio = hp_sdp_section_at(sdp, 0, NULL), *video = hp_sdp_section_at(sdp, 1, NULL),
                         *data = hp_sdp_section_at(sdp, 2, NULL);
    assert_int_equal(audio->setup, HP_DTLS_SETUP_PASSIVE);
    assert_int_equal(audio->fingerprints->len, 1);
    assert_int_equal(audio->direction, HP_SDP_SENDRECV);
    assert_false(video->rejected);
    assert_int_equal(video->setup, HP_DTLS_SETUP_ACTIVE);
    assert_int_equal(video->fingerprints->len, 1);
    assert_int_equal(video->direction, HP_SDP_INACTIVE);
    assert_int_equal(video->pt, 120);
    assert_int_equal(video->rtx_pt, 124);
    assert_false(video->nack);
    assert_true(video->pli);
    assert_false(video->has_ssrc);
    assert_int_equal(data->sctp_port, 5001);
    assert_int_equal(data->max_message_size, 1073741823);
}

/* The group's first section speaks for it wherever it stands; a section in no group keeps its stream; a mid that does
 * not exist, or that another group has, is left out. */
static void test_groups(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_parse("v=0\n"
                                         "a=group:BUNDLE c a x\n"
                                         "a=group:BUNDLE a d e\n"
                                         "a=group:LS a b\n"
                                         "m=audio 9 RTP/SAVPF 0\na=mid:a\na=ice-ufrag:aaaa\na=ice-pwd:" PASSWORD "\n"
                                         "a=candidate:1 1 UDP 5 10.0.0.1 9 typ host\n"
                                         "m=audio 9 RTP/SAVPF 0\na=mid:b\na=ice-ufrag:bbbb\na=ice-pwd:" PASSWORD "\n"
                                         "m=video 9 RTP/SAVPF 96\na=mid:c\na=ice-ufrag:cccc\na=ice-pwd:" PASSWORD "\n"
                                         "a=rtcp-mux\n"
                                         "m=video 9 RTP/SAVPF 96\na=mid:d\na=ice-ufrag:dddd\na=ice-pwd:" PASSWORD "\n"
                                         "m=video 0 RTP/SAVPF 96\na=mid:e\n",
                                         NULL);
    static const unsigned streams[] = {0, 1, 0, 2, 0};
    static const char *const ufrags[] = {"cccc", "bbbb", "dddd"};
    assert_int_equal(sdp->streams->len, 3);
    for (unsigned i = 0; i < G_N_ELEMENTS(streams); i++) {
        unsigned stream;
        assert_non_null(hp_sdp_section_at(sdp, i, &stream));
        assert_int_equal(stream, streams[i]);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(ufrags); i++) {
        assert_string_equal(((const hp_sdp_stream *)sdp->streams->pdata[i])->ufrag, ufrags[i]);
    }
    const hp_sdp_stream *first = sdp->streams->pdata[0];
    assert_int_equal(first->candidates->len, 0); /* those of mid a do not count */
    assert_int_equal(first->n_components, 1); /* rtcp-mux of mid c does */
    assert_string_equal(first->mid, "c");
    assert_int_equal(((const hp_sdp_stream *)sdp->streams->pdata[1])->n_components, 2);
    assert_true(sdp->bundle);
    hp_call_config call;
    hp_sdp_call(sdp, &call);
    assert_false(call.bundle);
    assert_false(call.rtcp_mux);
    assert_int_equal(call.streams, 3);
}

/* ---- bad input ---- */

static void assert_refused_because(const char *text, int code, const char *reason)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *message = g_strconcat("session description: ", reason, NULL);
    assert_null(hp_sdp_parse(text, &error));
    assert_true(g_error_matches(error, HP_ERROR, code));
    assert_string_equal(error->message, message);
}

static void test_reasons(void **state)
{
    static const char creds[] = "a=ice-ufrag:abcd\na=ice-pwd:" PASSWORD "\n";
    static const struct {
        const char *lines, *reason;
    } bad[] = {
        {"", "no m= section in use"},
        {"m=audio 9 RTP/SAVPF\n", "a broken m= line"},
        {"m=audio nine RTP/SAVPF 0\n", "a broken m= line"},
        {"m=audio 65536 RTP/SAVPF 0\n", "a broken m= line"},
        {"m=\n", "a broken m= line"},
        {"m=audio 9 RTP/SAVPF 0\na=mid:x\nm=video 9 RTP/SAVPF 96\na=mid:x\n", "two m= sections of one mid"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strconcat(creds, bad[i].lines, NULL);
        assert_refused_because(text, HP_ERROR_INVALID, bad[i].reason);
    }
    assert_refused_because("m=audio 0 RTP/SAVPF 0\nm=video 0 RTP/SAVPF 96\n", HP_ERROR_REFUSED, "no m= section in use");
    assert_refused_because("m=audio 9 RTP/SAVPF 0\n", HP_ERROR_INVALID, "a stream without sound ICE credentials");
}

/* Lines that break their grammar leave nothing behind. */
static void test_bad_lines_are_skipped(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_parse("a=ice-ufrag:abcd\n"
                                         "a=ice-pwd:" PASSWORD "\n"
                                         "a=group:BUNDLE\n"
                                         "a=group:BUNDLE \n"
                                         "a\n"
                                         "=\n"
                                         "m=video 9/2 UDP/TLS/RTP/SAVPF 128 x 96 96 -1 97\n"
                                         "a=rtpmap:96\n"
                                         "a=rtpmap:96 \n"
                                         "a=rtpmap:96 VP8\n"
                                         "a=rtpmap:96 VP8/0\n"
                                         "a=rtpmap:96 VP8/4294967296\n"
                                         "a=rtpmap:96 VP8/90000/\n"
                                         "a=rtpmap:96 VP8/90000/256\n"
                                         "a=rtpmap:96 VP8/90000/1x\n"
                                         "a=rtpmap:96 /90000\n"
                                         "a=rtpmap:128 VP9/90000\n"
                                         "a=rtpmap:-1 VP9/90000\n"
                                         "a=rtpmap:97 H264/90000\n"
                                         "a=fmtp:128 apt=97\n"
                                         "a=fmtp:96 apt=\n"
                                         "a=fmtp:96 apt=97x\n"
                                         "a=rtcp-fb:128 nack\n"
                                         "a=rtcp-fb:97 nacks\n"
                                         "a=rtcp-fb:*nack\n"
                                         "a=ssrc:\n"
                                         "a=ssrc:x cname:y\n"
                                         "a=ssrc:4294967296 cname:y\n"
                                         "a=ssrc:5\n"
                                         "a=ssrc-group:FID 1\n"
                                         "a=ssrc-group:FID 1 1\n"
                                         "a=ssrc-group:FID 1 2 3\n"
                                         "a=ssrc-group:FID 1 4294967296\n"
                                         "a=fingerprint:md5 00\n"
                                         "a=fingerprint:\n"
                                         "a=setup:maybe\n"
                                         "a=crypto:\n"
                                         "a=crypto:x AEAD_AES_128_GCM inline:A\n"
                                         "a=crypto:1 AEAD_AES_128_GCM\n"
                                         "a=crypto:1 AEAD_AES_128_GCM inline:A UNENCRYPTED_SRTP\n"
                                         "a=crypto:1 AEAD_AES_128_GCM inline:A KDR=3\n"
                                         "a=crypto:4 AEAD_AES_128_GCM inline:A|2^20 WSH=64 -odd KDR=0\n"
                                         "a=sctp-port:0\n"
                                         "a=sctp-port:65536\n"
                                         "a=max-message-size:-1\n"
                                         "a=x-hairpin-components:0\n"
                                         "a=x-hairpin-components:257\n"
                                         "a=mid:\n"
                                         "a=inactivity\n",
                                         NULL);
    assert_non_null(sdp);
    assert_int_equal(sdp->streams->len, 1);
    const hp_sdp_section *video = hp_sdp_section_at(sdp, 0, NULL);
    assert_string_equal(video->codec, "H264");
    assert_int_equal(video->pt, 97);
    assert_int_equal(video->rtx_pt, 0);
    assert_false(video->nack);
    assert_false(video->pli);
    assert_false(video->has_ssrc);
    assert_int_equal(video->rtx_ssrc, 0);
    assert_int_equal(video->fingerprints->len, 0);
    assert_false(video->has_setup);
    assert_int_equal(video->crypto->len, 1);
    const hp_sdp_crypto *crypto = video->crypto->pdata[0];
    assert_int_equal(crypto->tag, 4);
    assert_string_equal(crypto->key, "inline:A|2^20");
    assert_int_equal(video->sctp_port, 0);
    assert_int_equal(video->max_message_size, 0);
    assert_string_equal(video->mid, "0");
    assert_int_equal(video->direction, HP_SDP_SENDRECV);
    assert_int_equal(((const hp_sdp_stream *)sdp->streams->pdata[0])->n_components, 2);
}

/* No usable codec is no reason to refuse the description: the section will be. */
static void test_no_codec(void **state)
{
    g_autoptr(hp_sdp) sdp = hp_sdp_parse("a=ice-ufrag:abcd\na=ice-pwd:" PASSWORD "\n"
                                         "m=audio 9 RTP/SAVPF 101 13\n"
                                         "a=rtpmap:101 telephone-event/8000\n",
                                         NULL);
    assert_null(hp_sdp_section_at(sdp, 0, NULL)->codec);
    assert_int_equal(hp_sdp_section_at(sdp, 0, NULL)->pt, 101);
}

/* Whatever is read can be written, and reads the same again. */
static void read_and_write(const char *text, size_t length)
{
    g_autofree char *copy = g_strndup(text, length);
    g_autoptr(hp_sdp) sdp = hp_sdp_parse(copy, NULL);
    if (sdp) {
        g_autofree char *out = hp_sdp_format(sdp);
        assert_round_trip(out);
    }
}

static void test_damage(void **state)
{
    static const char marks[] = {'\n', ' ', ':', '/', '0', '9', 'x', '-'};
    for (size_t i = 0; i < sizeof chromium; i++) {
        read_and_write(chromium, i);
    }
    g_autofree char *copy = g_strdup(chromium);
    for (size_t i = 0; i < sizeof chromium - 1; i++) {
        copy[i] = marks[i % sizeof marks];
        read_and_write(copy, sizeof chromium);
        copy[i] = chromium[i];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),   cmocka_unit_test(test_parse_a_browsers),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_bundled),
        cmocka_unit_test(test_pace),     cmocka_unit_test(test_unbundled_with_keys),
        cmocka_unit_test(test_rejected), cmocka_unit_test(test_chromium),
        cmocka_unit_test(test_firefox),  cmocka_unit_test(test_groups),
        cmocka_unit_test(test_reasons),  cmocka_unit_test(test_bad_lines_are_skipped),
        cmocka_unit_test(test_no_codec), cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
