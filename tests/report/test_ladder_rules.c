/* What a ladder shows of rules: where one was carried out, what it did to a packet, and packets that it changed. */
#include "report/ladder_evidence.h"

static void assert_drawn(const evidence *e, bool packets, const char *expected)
{
    const hp_ladder_options options = {.packets = packets, .to = HP_NEVER};
    const hp_ladder_style style = {.width = 72, .ascii = true};
    GError *error = NULL;
    g_autoptr(hp_ladder) ladder = hp_ladder_read(e->folder, &options, &error);
    assert_null(error);
    assert_null(ladder->complaint);
    assert_int_equal(ladder->participants->len, 2); /* a middlebox is nobody */
    g_autofree char *text = hp_ladder_text(ladder, &style);
    if (strcmp(text, expected) != 0) { /* cmocka cuts long text */
        fprintf(stderr, "drawn:\n%s", text);
    }
    assert_string_equal(text, expected);
}

static void hit(evidence *e, hp_time at, const char *rule, const char *place, const char *what, unsigned packet)
{
    g_autofree char *members = g_strdup_printf(
        "\"place\":\"rules %s\",\"do\":\"%s\",\"packet\":%u,\"number\":1,\"hits\":1", place, what, packet);
    event(e, at, "rule-hit", rule, members);
}

/* From alice, by a middlebox that makes `changed` of it, to bob. */
static void change(evidence *e, hp_time at, const char *rule, uint8_t first)
{
    const uint32_t tap = hp_trace_tap(e->trace, "rules alice");
    uint8_t data[40] = {0x70, first}, changed[40] = {0x71, first};
    const char *dst = BOB;
    g_autoptr(hp_packet) p = packet("198.51.100.9:5000", dst, data, sizeof data);
    hp_trace_packet(e->trace, at, e->alice, HP_DIR_OUT, p);
    hit(e, at, rule, "alice", "rewrite", p->last_record);
    memcpy(p->payload, changed, sizeof changed);
    hp_trace_packet(e->trace, at, tap, HP_DIR_OUT, p);
    hp_trace_packet(e->trace, at + 20 * HP_MS, e->bob, HP_DIR_IN, p);
}

static void make(evidence *e)
{
    evidence_init(e);
    const hp_addr outside = fixture_addr("198.51.100.9");
    hp_trace_name_address(e->trace, "alice", &outside);
    event(e, 0, "step", "call", "\"target\":\"alice\",\"line\":3,\"label\":\"call\"");
    change(e, 100 * HP_MS, "marker", 1);
    change(e, 200 * HP_MS, "marker", 2);
    const uint8_t data[40] = {0x75};
    g_autoptr(hp_packet) p = packet("198.51.100.9:5000", BOB, data, sizeof data);
    hp_trace_packet(e->trace, 300 * HP_MS, e->alice, HP_DIR_OUT, p);
    hit(e, 310 * HP_MS, "2", "internet", "drop", p->last_record);
    hp_trace_drop(e->trace, 310 * HP_MS, "rules internet", p, HP_DROP_RULE, "rule 2: dropped");
    event(e, 400 * HP_MS, "step", "rule", "\"target\":\"marker\",\"line\":4,\"label\":\"rule\"");
    event(e, 400 * HP_MS, "rule-switched", "marker", "\"state\":\"off\"");
    event(e, 500 * HP_MS, "step", "reboot", "\"target\":\"fw\",\"line\":5,\"label\":\"reboot\"");
    event(e, 500 * HP_MS, "rule-switched", "marker", "\"state\":\"on\"");
    event(e, 600 * HP_MS, "firewall-changed", "fw", "\"what\":\"reboot\"");
    event(e, 2 * HP_S, "run-end", "made", "\"reason\":\"until\"");
    evidence_write(e);
}

static void rules_are_told_where_they_stand(void **state)
{
    evidence e;
    make(&e);
    assert_drawn(&e, false,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice                                                      bob\n"
                 "  0.0000 == call alice ===============================================\n"
                 "  0.1000 *  rule marker: rewrite x2 (until 0.2000)                   |\n"
                 "         |- data x2 (until 0.2000) --------------------------------->|\n"
                 "  0.3000 |- data ---------------------------x rule at rules internet |\n"
                 "  0.3100 == rule 2: drop =============================================\n"
                 "  0.4000 == rule marker: off =========================================\n"
                 "  0.5000 == reboot fw: rule marker on ================================\n"
                 "  0.6000 == fw: reboot ===============================================\n"
                 "  2.0000 == end: until ===============================================\n");
    evidence_clear(&e);
}

static void a_changed_packet_is_followed(void **state)
{
    evidence e;
    make(&e);
    assert_drawn(&e, true,
                 "nat/made: pass, 2.000s\n"
                 "Made by hand.\n"
                 "\n"
                 "         alice                                                      bob\n"
                 "  0.0000 == call alice ===============================================\n"
                 "  0.1000 |- 40 bytes (20ms, rule marker: rewrite) ------------------>|\n"
                 "  0.2000 |- 40 bytes (20ms, rule marker: rewrite) ------------------>|\n"
                 "  0.3000 |- 40 bytes (rule 2: drop) --------x rule at rules internet |\n"
                 "  0.4000 == rule marker: off =========================================\n"
                 "  0.5000 == reboot fw: rule marker on ================================\n"
                 "  0.6000 == fw: reboot ===============================================\n"
                 "  2.0000 == end: until ===============================================\n");
    evidence_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_told_where_they_stand),
        cmocka_unit_test(a_changed_packet_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
