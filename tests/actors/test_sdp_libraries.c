/* Descriptions as other libraries write them: what of them our own peer lives by. The texts are theirs, without the lines
 * that we do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "actors/sdp.h"
#include "base/error.h"

#define FINGERPRINT "B1:2F:A3:90:2F:28:F6:95:91:06:50:40:7D:7C:8F:7D:EB:A6:C9:C1:C9:17:15:54:63:17:AD:D5:CB:43:6F:FE"

static const char aiortc_offer[] =
    "v=0\r\n"
    "o=- 4004388882 4004388882 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1 2\r\n"
    "m=audio 47855 UDP/TLS/RTP/SAVPF 96 0 8\r\n"
    "c=IN IP4 198.51.100.10\r\n"
    "a=sendrecv\r\n"
    "a=mid:0\r\n"
    "a=rtcp-mux\r\n"
    "a=ssrc:830143540 cname:c4c976ad-1db6-43e1-90a5-afdb389656af\r\n"
    "a=rtpmap:96 opus/48000/2\r\n"
    "a=candidate:0b279bc3f6e9054f40d01c709b01eab5 1 udp 2130706431 198.51.100.10 47855 typ host\r\n"
    "a=end-of-candidates\r\n"
    "a=ice-ufrag:Y4hv\r\n"
    "a=ice-pwd:vjV9X32FDdZaEaMWfnyZoD\r\n"
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
    "a=setup:actpass\r\n"
    "m=video 47855 UDP/TLS/RTP/SAVPF 97 98 99 100 101 102\r\n"
    "c=IN IP4 198.51.100.10\r\n"
    "a=sendrecv\r\n"
    "a=mid:1\r\n"
    "a=rtcp-mux\r\n"
    "a=ssrc-group:FID 583957855 2082682308\r\n"
    "a=ssrc:583957855 cname:c4c976ad-1db6-43e1-90a5-afdb389656af\r\n"
    "a=ssrc:2082682308 cname:c4c976ad-1db6-43e1-90a5-afdb389656af\r\n"
    "a=rtpmap:97 VP8/90000\r\n"
    "a=rtcp-fb:97 nack\r\n"
    "a=rtcp-fb:97 nack pli\r\n"
    "a=rtcp-fb:97 goog-remb\r\n"
    "a=rtpmap:98 rtx/90000\r\n"
    "a=fmtp:98 apt=97\r\n"
    "a=candidate:0b279bc3f6e9054f40d01c709b01eab5 1 udp 2130706431 198.51.100.10 47855 typ host\r\n"
    "a=end-of-candidates\r\n"
    "a=ice-ufrag:Y4hv\r\n"
    "a=ice-pwd:vjV9X32FDdZaEaMWfnyZoD\r\n"
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
    "a=setup:actpass\r\n"
    "m=application 47855 DTLS/SCTP 5000\r\n"
    "c=IN IP4 198.51.100.10\r\n"
    "a=mid:2\r\n"
    "a=sctpmap:5000 webrtc-datachannel 65535\r\n"
    "a=max-message-size:65536\r\n"
    "a=candidate:0b279bc3f6e9054f40d01c709b01eab5 1 udp 2130706431 198.51.100.10 47855 typ host\r\n"
    "a=end-of-candidates\r\n"
    "a=ice-ufrag:Y4hv\r\n"
    "a=ice-pwd:vjV9X32FDdZaEaMWfnyZoD\r\n"
    "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
    "a=setup:actpass\r\n";

static const char webrtcbin_offer[] = "v=0\r\n"
                                      "o=- 5968153689842689794 0 IN IP4 0.0.0.0\r\n"
                                      "s=-\r\n"
                                      "t=0 0\r\n"
                                      "a=ice-options:trickle\r\n"
                                      "a=group:BUNDLE audio0 video1 application2\r\n"
                                      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                                      "c=IN IP4 0.0.0.0\r\n"
                                      "a=setup:actpass\r\n"
                                      "a=ice-ufrag:aOxISUzIqOz+67sTmVqQPM0wapxloWhZ\r\n"
                                      "a=ice-pwd:LfL4ZXRtF15HoMz9DkhGZ64dqelyFTP6\r\n"
                                      "a=rtcp-mux\r\n"
                                      "a=rtcp-rsize\r\n"
                                      "a=sendrecv\r\n"
                                      "a=rtpmap:111 OPUS/48000/2\r\n"
                                      "a=ssrc:3011616471 cname:user1719281288@host-43473424\r\n"
                                      "a=mid:audio0\r\n"
                                      "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
                                      "a=rtcp-mux-only\r\n"
                                      "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
                                      "c=IN IP4 0.0.0.0\r\n"
                                      "a=setup:actpass\r\n"
                                      "a=ice-ufrag:aOxISUzIqOz+67sTmVqQPM0wapxloWhZ\r\n"
                                      "a=ice-pwd:LfL4ZXRtF15HoMz9DkhGZ64dqelyFTP6\r\n"
                                      "a=bundle-only\r\n"
                                      "a=rtcp-mux\r\n"
                                      "a=rtcp-rsize\r\n"
                                      "a=sendrecv\r\n"
                                      "a=rtpmap:96 VP8/90000\r\n"
                                      "a=rtcp-fb:96 nack pli\r\n"
                                      "a=rtcp-fb:96 ccm fir\r\n"
                                      "a=rtcp-fb:96 transport-cc\r\n"
                                      "a=ssrc:443302577 cname:user1719281288@host-43473424\r\n"
                                      "a=mid:video1\r\n"
                                      "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
                                      "a=rtcp-mux-only\r\n"
                                      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                      "c=IN IP4 0.0.0.0\r\n"
                                      "a=setup:actpass\r\n"
                                      "a=ice-ufrag:aOxISUzIqOz+67sTmVqQPM0wapxloWhZ\r\n"
                                      "a=ice-pwd:LfL4ZXRtF15HoMz9DkhGZ64dqelyFTP6\r\n"
                                      "a=bundle-only\r\n"
                                      "a=mid:application2\r\n"
                                      "a=sctp-port:5000\r\n"
                                      "a=fingerprint:sha-256 " FINGERPRINT "\r\n";

static const char pion_answer[] = "v=0\r\n"
                                  "o=- 921102627923844104 1795400132 IN IP4 0.0.0.0\r\n"
                                  "s=-\r\n"
                                  "t=0 0\r\n"
                                  "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
                                  "a=group:BUNDLE 0 1 2\r\n"
                                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                                  "c=IN IP4 0.0.0.0\r\n"
                                  "a=setup:active\r\n"
                                  "a=mid:0\r\n"
                                  "a=ice-ufrag:MjSmMJjvmOpbOuBW\r\n"
                                  "a=ice-pwd:BIeKRwIMIPPvHibahYBmDUAWcytZVhTr\r\n"
                                  "a=rtcp-mux\r\n"
                                  "a=rtcp-rsize\r\n"
                                  "a=rtpmap:111 opus/48000/2\r\n"
                                  "a=ssrc:2003018931 cname:pion\r\n"
                                  "a=sendrecv\r\n"
                                  "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
                                  "c=IN IP4 0.0.0.0\r\n"
                                  "a=setup:active\r\n"
                                  "a=mid:1\r\n"
                                  "a=ice-ufrag:MjSmMJjvmOpbOuBW\r\n"
                                  "a=ice-pwd:BIeKRwIMIPPvHibahYBmDUAWcytZVhTr\r\n"
                                  "a=rtcp-mux\r\n"
                                  "a=rtcp-rsize\r\n"
                                  "a=rtpmap:96 VP8/90000\r\n"
                                  "a=rtcp-fb:96 nack \r\n"
                                  "a=rtcp-fb:96 nack pli\r\n"
                                  "a=rtpmap:97 rtx/90000\r\n"
                                  "a=fmtp:97 apt=96\r\n"
                                  "a=ssrc:3741016443 cname:pion\r\n"
                                  "a=sendrecv\r\n"
                                  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                  "c=IN IP4 0.0.0.0\r\n"
                                  "a=setup:active\r\n"
                                  "a=mid:2\r\n"
                                  "a=sendrecv\r\n"
                                  "a=sctp-port:5000\r\n"
                                  "a=ice-ufrag:MjSmMJjvmOpbOuBW\r\n"
                                  "a=ice-pwd:BIeKRwIMIPPvHibahYBmDUAWcytZVhTr\r\n";

static const hp_sdp_section *line(const hp_sdp *sdp, unsigned i)
{
    return sdp->lines->pdata[i];
}

static hp_sdp *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    hp_sdp *sdp = hp_sdp_parse(text, &error);
    assert_null(error);
    assert_true(sdp->bundle);
    assert_int_equal(sdp->streams->len, 1);
    assert_int_equal(sdp->lines->len, 3);
    assert_int_equal(line(sdp, 0)->kind, HP_SDP_AUDIO);
    assert_int_equal(line(sdp, 1)->kind, HP_SDP_VIDEO);
    assert_int_equal(line(sdp, 2)->kind, HP_SDP_DATA);
    for (unsigned i = 0; i < 3; i++) {
        assert_false(line(sdp, i)->rejected);
        assert_true(line(sdp, i)->has_setup);
        assert_int_equal(line(sdp, i)->fingerprints->len, 1);
    }
    return sdp;
}

/* All candidates in the text, and the oldest way to say data channels. */
static void test_aiortc(void **state)
{
    g_autoptr(hp_sdp) sdp = parse(aiortc_offer);
    const hp_sdp_stream *stream = sdp->streams->pdata[0];
    assert_false(sdp->trickle);
    assert_int_equal(stream->candidates->len, 1);
    assert_true(stream->end_of_candidates);
    assert_int_equal(line(sdp, 0)->pt, 96);
    assert_string_equal(line(sdp, 0)->codec, "opus");
    assert_int_equal(line(sdp, 1)->pt, 97);
    assert_int_equal(line(sdp, 1)->rtx_pt, 98);
    assert_int_equal(line(sdp, 1)->ssrc, 583957855);
    assert_int_equal(line(sdp, 1)->rtx_ssrc, 2082682308);
}

/* Port 0 of a bundle-only line is no rejection (RFC 8843 section 6), and the codec's name is in capitals. */
static void test_webrtcbin(void **state)
{
    g_autoptr(hp_sdp) sdp = parse(webrtcbin_offer);
    assert_true(sdp->trickle);
    assert_int_equal(g_ascii_strcasecmp(line(sdp, 0)->codec, "opus"), 0);
    assert_string_equal(line(sdp, 1)->mid, "video1");
    assert_int_equal(line(sdp, 1)->pt, 96);
    assert_int_equal(line(sdp, 1)->rtx_pt, 0);
    assert_true(line(sdp, 1)->has_ssrc);
    assert_int_equal(line(sdp, 2)->sctp_port, 5000);
}

/* Trickles and does not say so; the fingerprint is the session's. */
static void test_pion(void **state)
{
    g_autoptr(hp_sdp) sdp = parse(pion_answer);
    const hp_sdp_stream *stream = sdp->streams->pdata[0];
    assert_false(sdp->trickle);
    assert_false(stream->end_of_candidates);
    assert_int_equal(stream->candidates->len, 0);
    assert_int_equal(line(sdp, 0)->setup, HP_DTLS_SETUP_ACTIVE);
    assert_int_equal(line(sdp, 1)->rtx_pt, 97);
    assert_int_equal(line(sdp, 1)->rtx_ssrc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aiortc),
        cmocka_unit_test(test_webrtcbin),
        cmocka_unit_test(test_pion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
