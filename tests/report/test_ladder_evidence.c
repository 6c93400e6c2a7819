/* Ladders of evidence that is spoilt, and what is made of packets that are hard to follow. */
#include "report/ladder_evidence.h"

static const hp_ladder_options everything = {.to = HP_NEVER};
static const hp_ladder_style ascii = {.width = 72, .ascii = true};

/* ---- spoilt evidence ---- */

static hp_ladder *read_spoilt(const evidence *e, const char *complaint)
{
    hp_ladder *ladder = read_all(e);
    assert_non_null(ladder->complaint);
    if (strstr(ladder->complaint, complaint) == NULL) {
        fail_msg("`%s` is not in `%s`", complaint, ladder->complaint);
    }
    return ladder;
}

static void no_evidence_at_all(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("ladder-XXXXXX", NULL);
    g_autoptr(GError) error = NULL;
    assert_null(hp_ladder_read(folder, &everything, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_non_null(strstr(error->message, "no evidence of a run"));
    (void)g_rmdir(folder);
}

static void events_cut_off_show_what_is_there(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    g_autofree char *path = path_in(&e, "events.jsonl"), *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    char *cut = strstr(text, "\"selected-pair\"");
    put_file(&e, "events.jsonl", text, cut - text);
    g_autoptr(hp_ladder) ladder = read_spoilt(&e, "the line is cut off");
    g_autofree char *drawn = hp_ladder_text(ladder, &ascii);
    assert_non_null(strstr(drawn, "- answer -"));
    assert_non_null(strstr(drawn, "Allocate: ok"));
    assert_null(strstr(drawn, "ICE connected"));
    evidence_clear(&e);
}

static void lines_that_are_no_events(void **state)
{
    static const struct {
        const char *line, *complaint;
    } bad[] = {
        {"{\"at\":1,\"event\":\"ice-state\"", "no JSON"},
        {"[1,2]", "not a JSON object"},
        {"{\"event\":\"ice-state\"}", "`at` or `event` is missing"},
        {"{\"at\":-1,\"event\":\"ice-state\"}", "`at` or `event` is missing"},
        {"{\"at\":\"1\",\"event\":\"ice-state\"}", "`at` or `event` is missing"},
        {"{\"at\":1,\"event\":7}", "`at` or `event` is missing"},
        {"\xff\xfe", "no JSON"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        evidence e;
        evidence_init(&e);
        g_string_append_printf(e.lines, "%s\n", bad[i].line);
        evidence_write(&e);
        g_autoptr(hp_ladder) ladder = read_spoilt(&e, bad[i].complaint);
        assert_non_null(strstr(ladder->complaint, "events.jsonl:1:"));
        evidence_clear(&e);
    }
}

/* Members that are missing or of another type are nothing; events of a later version are passed over. */
static void strange_members_do_no_harm(void **state)
{
    evidence e;
    evidence_init(&e);
    for (unsigned kind = 0; kind < HP_EV_N; kind++) {
        const char *name = hp_event_name((hp_event_kind)kind);
        event(&e, kind, name, "alice", "");
        g_string_append_printf(e.lines, "{\"at\":%u,\"event\":\"%s\"}\n", kind, name);
        g_string_append_printf(e.lines,
                               "{\"at\":%u,\"event\":\"%s\",\"subject\":3,\"type\":[],\"to\":{},\"from\":null,"
                               "\"with\":1.5,\"state\":true,\"stream\":\"x\",\"address\":\"?\",\"track\":-1}\n",
                               kind, name);
    }
    g_string_append(e.lines, "{\"at\":9,\"event\":\"of-a-later-version\"}\n{\"at\":9,\"event\":\"drop\"}\n"
                             "{\"at\":9,\"event\":\"overflow\",\"lost\":3}\n");
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    assert_null(ladder->complaint);
    g_autofree char *drawn = hp_ladder_text(ladder, &ascii);
    assert_non_null(strstr(drawn, "the trace was full: 3 later records are missing"));
    evidence_clear(&e);
}

static void a_result_of_another_version_is_refused(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    put_file(&e, "result.json", "{\"format\":\"hairpin-result/9\"}", -1);
    g_autoptr(GError) error = NULL;
    assert_null(hp_ladder_read(e.folder, &everything, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_non_null(strstr(error->message, "its format is `hairpin-result/9`; this version reads `hairpin-result/1`"));
    evidence_clear(&e);
}

static void a_missing_result_is_a_complaint(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    g_autofree char *path = path_in(&e, "result.json");
    assert_int_equal(g_unlink(path), 0);
    g_autoptr(hp_ladder) ladder = read_spoilt(&e, "result.json");
    g_autofree char *drawn = hp_ladder_text(ladder, &ascii);
    assert_non_null(strstr(drawn, "- Allocate ----x loss at link internet"));
    assert_int_equal(ladder->ended, HP_NEVER);
    evidence_clear(&e);
}

/* Cut at every length, or with every byte of its head spoilt, a capture gives a complaint or a ladder, never a crash. */
static void captures_cut_or_spoilt_anywhere(void **state)
{
    evidence e;
    evidence_init(&e);
    const bytes b = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 1, 0, NULL, false);
    alice_sends(&e, 0, TURN, b.data, b.len);
    evidence_write(&e);
    g_autofree char *path = path_in(&e, "trace.pcapng"), *whole = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &whole, &n, NULL));
    for (gsize cut = 0; cut < n; cut++) {
        put_file(&e, "trace.pcapng", whole, (gssize)cut);
        g_autoptr(hp_ladder) ladder = read_all(&e);
        assert_true(ladder->complaint != NULL || cut > 28);
    }
    for (gsize at = 0; at < n; at++) {
        whole[at] = (char)~whole[at];
        put_file(&e, "trace.pcapng", whole, (gssize)n);
        whole[at] = (char)~whole[at];
        g_autoptr(hp_ladder) ladder = read_all(&e);
        assert_true(ladder->complaint != NULL || at >= 12);
    }
    evidence_clear(&e);
}

static void a_capture_of_another_version_or_program(void **state)
{
    evidence e;
    evidence_init(&e);
    make_call(&e);
    evidence_write(&e);
    g_autofree char *path = path_in(&e, "trace.pcapng"), *whole = NULL;
    gsize n = 0;
    assert_true(g_file_get_contents(path, &whole, &n, NULL));
    whole[12] = 2; /* the major version */
    put_file(&e, "trace.pcapng", whole, (gssize)n);
    hp_ladder_free(read_spoilt(&e, "pcapng of another version"));
    put_file(&e, "trace.pcapng", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16);
    hp_ladder_free(read_spoilt(&e, "not a capture that Hairpin wrote"));
    evidence_clear(&e);
}

/* ---- following packets ---- */

static const hp_ladder_entry *entry_of(const hp_ladder *ladder, const char *text)
{
    for (unsigned i = 0; i < ladder->entries->len; i++) {
        const hp_ladder_entry *entry = g_ptr_array_index(ladder->entries, i);
        if (strcmp(entry->text, text) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void a_request_that_nobody_answers(void **state)
{
    evidence e;
    evidence_init(&e);
    const bytes b = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 1, 0, NULL, false);
    alice_sends(&e, 0, TURN, b.data, b.len);
    alice_sends(&e, 500 * HP_MS, TURN, b.data, b.len);
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    const hp_ladder_entry *request = entry_of(ladder, "Binding: no answer");
    assert_non_null(request);
    assert_int_equal(request->shape, HP_LADDER_ARROW);
    assert_int_equal(request->count, 1);
    assert_int_equal(request->last, 500 * HP_MS);
    evidence_clear(&e);
}

/* A drop of a packet that no tap saw is told by its addresses. */
static void a_drop_that_no_tap_saw(void **state)
{
    evidence e;
    evidence_init(&e);
    g_string_append(e.lines, "{\"at\":5,\"event\":\"drop\",\"place\":\"alice\",\"reason\":\"host-down\",\"packet\":0,"
                             "\"src\":\"" ALICE "\",\"dst\":\"" BOB "\"}\n");
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    const hp_ladder_entry *lost = entry_of(ladder, "packet");
    assert_non_null(lost);
    assert_string_equal(lost->dropped, "host-down at alice");
    assert_int_equal(lost->from, 0);
    assert_int_equal(lost->to, 1);
    evidence_clear(&e);
}

/* A link's second copy is no second message, and its loss is not the loss of the first. */
static void a_duplicate_is_one_message(void **state)
{
    evidence e;
    evidence_init(&e);
    const bytes b = rtp(1, 1);
    g_autoptr(hp_packet) p = packet(BOB, TURN, b.data, b.len);
    hp_trace_packet(e.trace, 0, e.bob, HP_DIR_OUT, p);
    hp_trace_packet(e.trace, 10, e.turn, HP_DIR_IN, p);
    hp_trace_packet(e.trace, 20, e.turn, HP_DIR_IN, p);
    hp_trace_drop(e.trace, 20, "turn", p, HP_DROP_NO_SOCKET, NULL);
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    const hp_ladder_entry *media = entry_of(ladder, "RTP 0x00000001");
    assert_non_null(media);
    assert_int_equal(media->count, 1);
    assert_null(media->dropped);
    evidence_clear(&e);
}

/* Of fragments only a loss is told; the message is where its first one is. */
static void a_fragment_that_is_lost(void **state)
{
    evidence e;
    evidence_init(&e);
    static const uint8_t payload[64] = {7};
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(hp_packet) p = packet(BOB, TURN, payload, sizeof payload);
        p->frag_total = 72 + 64;
        p->frag_offset = i * 72;
        p->frag_more = i == 0;
        hp_trace_packet(e.trace, 0, e.bob, HP_DIR_OUT, p);
        if (i == 0) {
            hp_trace_packet(e.trace, 0, e.turn, HP_DIR_IN, p);
        } else {
            hp_trace_drop(e.trace, 0, "link bob", p, HP_DROP_LINK_LOSS, NULL);
        }
    }
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = read_all(&e);
    assert_int_equal(ladder->entries->len, 2);
    assert_null(entry_of(ladder, "data")->dropped);
    assert_string_equal(entry_of(ladder, "fragment")->dropped, "loss at link bob");
    evidence_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_evidence_at_all),
        cmocka_unit_test(events_cut_off_show_what_is_there),
        cmocka_unit_test(lines_that_are_no_events),
        cmocka_unit_test(strange_members_do_no_harm),
        cmocka_unit_test(a_result_of_another_version_is_refused),
        cmocka_unit_test(a_missing_result_is_a_complaint),
        cmocka_unit_test(captures_cut_or_spoilt_anywhere),
        cmocka_unit_test(a_capture_of_another_version_or_program),
        cmocka_unit_test(a_request_that_nobody_answers),
        cmocka_unit_test(a_drop_that_no_tap_saw),
        cmocka_unit_test(a_duplicate_is_one_message),
        cmocka_unit_test(a_fragment_that_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
