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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse_a_browsers),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
