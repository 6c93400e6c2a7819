/* Ladders of evidence made by hand: exact drawings. */
#include "report/ladder_evidence.h"

static const hp_ladder_options everything = {.to = HP_NEVER};
static const hp_ladder_style ascii = {.width = 72, .ascii = true}, utf8 = {.width = 72};

static void assert_drawn(const evidence *e, const hp_ladder_options *options, const hp_ladder_style *style,
                         const char *expected)
{
    GError *error = NULL;
    g_autoptr(hp_ladder) ladder = hp_ladder_read(e->folder, options, &error);
    assert_null(error);
    assert_null(ladder->complaint);
    g_autofree char *text = hp_ladder_text(ladder, style);
    if (strcmp(text, expected) != 0) { /* cmocka cuts long text */
        fprintf(stderr, "drawn:\n%s", text);
    }
    assert_string_equal(text, expected);
}

static void a_relayed_call_in_ascii(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    assert_drawn(&e, &everything, &ascii,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice           signaling             turn                 bob\n"
                 "  0.0000 == call alice ===============================================\n"
                 "         *  ICE gathering    |                   |                   |\n"
                 "         |- offer ---------->|                   |                   |\n"
                 "         |- candidate x2 --->|                   |                   |\n"
                 "  0.0050 |<- Allocate: 401 Unauthorized (20ms) ->|                   |\n"
                 "  0.0250 |- Allocate ----x loss at link internet |                   |\n"
                 "  0.0500 |                   |- offer -----------+------------------>|\n"
                 "         |                   |- candidate x2 (until 0.1200) -------->|\n"
                 "         |<- Allocate: ok ---+------------------>|                   |\n"
                 "  0.1300 |                   |<- answer ---------+-------------------|\n"
                 "  0.1400 | filtered at home x+------------- check x3 (until 0.1800) -|\n"
                 "  0.1800 |<- answer ---------|                   |                   |\n"
                 "  0.2000 |- nominating check by turn ------------+------------------>|\n"
                 "  0.2200 |<- check: ok by turn ------------------+-------------------|\n"
                 "  0.2400 *  pair relay to host (203.0.113.10:6000 to 198.51.100.10:7000)\n"
                 "         *  ICE connected    |                   |                   |\n"
                 "  2.0000 == end: until ===============================================\n");
    evidence_clear(&e);
}

static void the_same_in_utf8(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    assert_drawn(&e, &everything, &utf8,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice           signaling             turn                 bob\n"
                 "  0.0000 ══ call alice ═══════════════════════════════════════════════\n"
                 "         ●  ICE gathering    │                   │                   │\n"
                 "         ├─ offer ──────────▶│                   │                   │\n"
                 "         ├─ candidate x2 ───▶│                   │                   │\n"
                 "  0.0050 │◀─ Allocate: 401 Unauthorized (20ms) ─▶│                   │\n"
                 "  0.0250 ├─ Allocate ────✗ loss at link internet │                   │\n"
                 "  0.0500 │                   ├─ offer ───────────┼──────────────────▶│\n"
                 "         │                   ├─ candidate x2 (until 0.1200) ────────▶│\n"
                 "         │◀─ Allocate: ok ───┼──────────────────▶│                   │\n"
                 "  0.1300 │                   │◀─ answer ─────────┼───────────────────┤\n"
                 "  0.1400 │ filtered at home ✗┼───────────── check x3 (until 0.1800) ─┤\n"
                 "  0.1800 │◀─ answer ─────────┤                   │                   │\n"
                 "  0.2000 ├─ nominating check by turn ────────────┼──────────────────▶│\n"
                 "  0.2200 │◀─ check: ok by turn ──────────────────┼───────────────────┤\n"
                 "  0.2400 ●  pair relay to host (203.0.113.10:6000 to 198.51.100.10:7000)\n"
                 "         ●  ICE connected    │                   │                   │\n"
                 "  2.0000 ══ end: until ═══════════════════════════════════════════════\n");
    evidence_clear(&e);
}

static void every_packet(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    const hp_ladder_options options = {.packets = true, .from = 140 * HP_MS, .to = 230 * HP_MS};
    const hp_ladder_style wide = {.width = 100, .ascii = true};
    assert_drawn(
        &e, &options, &wide,
        "nat/made: pass, 2.000s\n"
        "Made by hand.\n"
        "\n"
        "         alice                     signaling                       turn                          bob\n"
        "  0.1400 | filtered at home x----------+-----------------------------+----------- Binding request -|\n"
        "  0.1600 | filtered at home x----------+-----------------------------+----------- Binding request -|\n"
        "  0.1800 |<- answer -------------------|                             |                             |\n"
        "         | filtered at home x----------+-----------------------------+----------- Binding request -|\n"
        "  0.2000 |- Send indication [Binding request] (10ms) --------------->|                             |\n"
        "  0.2100 |                             |                             |- Binding request (10ms) --->|\n"
        "  0.2200 |                             |                             |<- Binding success (10ms) ---|\n"
        "  0.2300 |<- Data indication [Binding success] (10ms) ---------------|                             |\n");
    evidence_clear(&e);
}

static void only_what_a_peer_has_a_part_in(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    char *peers[] = {(char *)"turn", NULL};
    const hp_ladder_options options = {.to = HP_NEVER, .peers = peers};
    assert_drawn(&e, &options, &ascii,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice                                                     turn\n"
                 "  0.0000 == call alice ===============================================\n"
                 "  0.0050 |<- Allocate: 401 Unauthorized (20ms) --------------------->|\n"
                 "  0.0250 |- Allocate ------------------------x loss at link internet |\n"
                 "  0.0500 |<- Allocate: ok (203.0.113.10:6000, 20ms) ---------------->|\n"
                 "  2.0000 == end: until ===============================================\n");
    evidence_clear(&e);
}

static void an_unknown_peer_is_refused(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    char *peers[] = {(char *)"alise", NULL};
    const hp_ladder_options options = {.to = HP_NEVER, .peers = peers};
    g_autoptr(GError) error = NULL;
    assert_null(hp_ladder_read(e.folder, &options, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, "nobody in this run is called `alise`; did you mean `alice`?");
    evidence_clear(&e);
}

/* ---- media ---- */

static void media_event(evidence *e, hp_time at, const char *name, const char *subject, const char *rest)
{
    g_autofree char *members = g_strdup_printf("\"track\":1,%s", rest);
    event(e, at, name, subject, members);
}

/* A DTLS handshake with a lost flight, then audio that a step interrupts. */
static void make_media(evidence *e)
{
    const hp_time ms = HP_MS;
    event(e, 0, "media-track", "alice",
          "\"track\":1,\"to\":\"bob\",\"media\":\"audio\",\"ssrc\":4660,\"rtx-ssrc\":0,\"pt\":111");
    event(
        e, 0, "dtls-state", "alice",
        "\"with\":\"bob\",\"stream\":1,\"component\":1,\"state\":\"handshaking\",\"role\":\"client\",\"profile\":\"\","
        "\"reason\":\"\"");
    bytes hello = {0}, flight = {0}, more = {0}, last = {0};
    add_record(&hello, 22, 1, 0, 1);
    alice_sends(e, 0, BOB, hello.data, hello.len);
    add_record(&flight, 22, 2, 0, 2);
    add_record(&flight, 22, 11, 1, 3);
    add_record(&more, 22, 11, 1, 4);
    add_record(&more, 22, 14, 2, 5);
    bob_in_vain(e, 10 * ms, flight.data, flight.len);
    event(e, 1000 * ms, "dtls-timeout", "alice", "\"stream\":1,\"component\":1,\"number\":1");
    bytes again = {0};
    add_record(&again, 22, 1, 0, 6);
    alice_sends(e, 1000 * ms, BOB, again.data, again.len);
    {
        g_autoptr(hp_packet) first = packet(BOB, HOME, flight.data, flight.len);
        g_autoptr(hp_packet) second = packet(BOB, HOME, more.data, more.len);
        hp_packet *both[] = {first, second};
        for (unsigned i = 0; i < 2; i++) {
            hp_trace_packet(e->trace, 1010 * ms, e->bob, HP_DIR_OUT, both[i]);
        }
        for (unsigned i = 0; i < 2; i++) {
            hp_trace_packet(e->trace, 1020 * ms, e->home_out, HP_DIR_IN, both[i]);
            both[i]->dst = fixture_addr(ALICE);
            hp_trace_packet(e->trace, 1020 * ms, e->home_in, HP_DIR_OUT, both[i]);
            hp_trace_packet(e->trace, 1021 * ms, e->alice, HP_DIR_IN, both[i]);
        }
    }
    add_record(&last, 22, 16, 2, 7);
    add_record(&last, 20, 0xff, 0, 8);
    add_record(&last, 22, 0xff, 0, 9);
    alice_sends(e, 1021 * ms, BOB, last.data, last.len);
    event(e, 1040 * ms, "dtls-state", "alice",
          "\"with\":\"bob\",\"stream\":1,\"component\":1,\"state\":\"connected\",\"role\":\"client\","
          "\"profile\":\"AEAD_AES_128_GCM\",\"reason\":\"\"");
    for (uint16_t i = 0; i < 4; i++) {
        const bytes b = rtp(4660, i);
        if (i == 2) {
            event(e, 1090 * ms, "step", "reboot", "\"target\":\"home\",\"line\":9,\"label\":\"reboot\"");
            event(e, 1090 * ms, "nat-changed", "home", "\"what\":\"reboot\"");
        }
        alice_sends(e, (1050 + 20 * (hp_time)i) * ms, BOB, b.data, b.len);
    }
    const bytes stray = rtp(0xabcd, 1);
    bob_in_vain(e, 1200 * ms, stray.data, stray.len);
    media_event(e, 1060 * ms, "media-first", "bob", "\"media\":\"audio\",\"from\":\"alice\",\"what\":\"packet\"");
    media_event(e, 1300 * ms, "media-freeze", "bob", "\"duration\":250000000");
    event(e, 1400 * ms, "peer-closed", "alice", "\"session\":1");
    event(e, 2 * HP_S, "run-end", "made", "\"reason\":\"decided\"");
    g_string_append(
        e->members,
        ",\"tracks\":[{\"track\":1,\"kind\":\"audio\",\"from\":\"alice\",\"to\":\"bob\",\"sent\":4,\"lost\":0,"
        "\"latency\":{\"mean_ns\":10000000,\"p95_ns\":10500000},\"mos_milli\":4409}]");
}

static void dtls_and_media(void **state)
{
    evidence e;
    evidence_init(&e);
    make_media(&e);
    evidence_write(&e);
    assert_drawn(&e, &everything, &ascii,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice                                                      bob\n"
                 "  0.0000 *  DTLS handshaking (client)                                |\n"
                 "         |- DTLS ClientHello --------------------------------------->|\n"
                 "  0.0100 | filtered at home x-------- DTLS ServerHello, Certificate -|\n"
                 "  1.0000 *  DTLS timeout 1                                           |\n"
                 "         |- DTLS again: ClientHello -------------------------------->|\n"
                 "  1.0100 |<- DTLS again: ServerHello, Certificate, ServerHelloDone --|\n"
                 "  1.0210 |- DTLS ClientKeyExchange, ChangeCipherSpec, Finished ----->|\n"
                 "  1.0400 *  DTLS connected AEAD_AES_128_GCM (client)                 |\n"
                 "  1.0500 |- audio x2 (until 1.0700) -------------------------------->|\n"
                 "  1.0600 |                                       first audio packet  *\n"
                 "  1.0900 == reboot home ==============================================\n"
                 "         |- audio x2 (until 1.1100) -------------------------------->|\n"
                 "  1.2000 | filtered at home x----------------------- RTP 0x0000abcd -|\n"
                 "  1.3000 |                                   audio: froze for 250ms  *\n"
                 "  1.4000 *  closed                                                   |\n"
                 "  2.0000 == end: decided =============================================\n"
                 "         | audio: 4 sent, 0 lost, latency 10ms, p95 10.5ms, MOS 4.41 |\n"
                 "         |---------------------------------------------------------->|\n");
    evidence_clear(&e);
}

/* ---- room ---- */

static void many_steps_and_peers(evidence *e)
{
    static const char *const peers[] = {"bob", "carol", "dave", "einstein-the-long-named"};
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        signalled(e, i * HP_MS, "alice", peers[i], "offer");
    }
    event(e, HP_S, "sut-log", "bob",
          "\"message\":\"a long story of many words that the software under test \\u001b[31mtells\\u0007 of itself\"");
    event(e, HP_S, "sut-log", "alice", "\"message\":\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e caf\xc3\xa9\"");
    event(e, 2 * HP_S, "run-end", "made", "\"reason\":\"decided\"");
}

static void narrow_terminals_leave_lanes_out_and_wrap(void **state)
{
    evidence e;
    evidence_init(&e);
    many_steps_and_peers(&e);
    evidence_write(&e);
    const hp_ladder_style narrow = {.width = HP_LADDER_MIN_WIDTH, .ascii = true};
    assert_drawn(&e, &everything, &narrow,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice      signaling        bob\n"
                 "  0.0000 |- offer ----->|              |\n"
                 "  0.0010 |- offer ----->|              |\n"
                 "  0.0020 |- offer ----->|              |\n"
                 "  0.0030 |- offer ----->|              |\n"
                 "  0.0500 |              |- offer ----->|\n"
                 "  1.0000 | a long story of many words  *\n"
                 "         |    that the software under  |\n"
                 "         | test \?[31mtells? of itself  |\n"
                 "         *  ??? caf?    |              |\n"
                 "  2.0000 == end: decided ===============\n"
                 "\n"
                 "not drawn for want of room: carol, dave,\n"
                 "einstein-the-long-named\n");
    evidence_clear(&e);
}

static unsigned columns_of(const char *line)
{
    unsigned n = 0;
    for (const char *c = line; *c != '\0'; c = g_utf8_next_char(c)) {
        n += g_unichar_iswide(g_utf8_get_char(c)) ? 2 : 1;
    }
    return n;
}

static void no_line_is_longer_than_the_width(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    many_steps_and_peers(&e);
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    for (unsigned width = HP_LADDER_MIN_WIDTH; width < 160; width++) {
        for (unsigned plain = 0; plain < 2; plain++) {
            const hp_ladder_style style = {.width = width, .ascii = plain == 1};
            g_autofree char *text = hp_ladder_text(ladder, &style);
            g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
            for (char **line = lines; *line != NULL; line++) {
                assert_true(columns_of(*line) <= width);
                assert_false(g_str_has_suffix(*line, " "));
                assert_true(plain == 0 || g_str_is_ascii(*line));
            }
        }
    }
    evidence_clear(&e);
}

static void colours_add_nothing_but_colours(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    const hp_ladder_style coloured = {.width = 72, .colour = true};
    g_autofree char *plain = hp_ladder_text(ladder, &utf8);
    g_autofree char *colour = hp_ladder_text(ladder, &coloured);
    assert_non_null(strstr(colour, "\033[36m"));
    g_autoptr(GRegex) codes = g_regex_new("\033\\[[0-9]*m", 0, 0, NULL);
    g_autofree char *stripped = g_regex_replace_literal(codes, colour, -1, 0, "", 0, NULL);
    assert_string_equal(stripped, plain);
    evidence_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relayed_call_in_ascii),
        cmocka_unit_test(the_same_in_utf8),
        cmocka_unit_test(every_packet),
        cmocka_unit_test(only_what_a_peer_has_a_part_in),
        cmocka_unit_test(an_unknown_peer_is_refused),
        cmocka_unit_test(dtls_and_media),
        cmocka_unit_test(narrow_terminals_leave_lanes_out_and_wrap),
        cmocka_unit_test(no_line_is_longer_than_the_width),
        cmocka_unit_test(colours_add_nothing_but_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
