/* Raw peers in a ladder: what they say is drawn as any packet is, and what no packet shows of their scripts stands beside. */
#include "report/ladder_evidence.h"

static void scripts_in_a_ladder(void **state)
{
    static const hp_ladder_options everything = {.to = HP_NEVER};
    static const hp_ladder_style ascii = {.width = 72, .ascii = true};
    evidence e;
    GError *error = NULL;
    evidence_init(&e);
    bytes request = stun(HP_STUN_REQUEST, HP_STUN_REFRESH, 1, 0, NULL, false);
    bytes refusal = stun(HP_STUN_ERROR, HP_STUN_REFRESH, 1, 401, NULL, false);
    alice_sends(&e, 0, TURN, request.data, request.len);
    alice_gets(&e, 10 * HP_MS, TURN, refusal.data, refusal.len);
    g_string_append(
        e.lines, "{\"at\":0,\"event\":\"raw-sent\",\"subject\":\"alice\",\"line\":8,\"what\":\"Refresh request\"}\n"
                 "{\"at\":1000000000,\"event\":\"raw-missed\",\"subject\":\"alice\",\"line\":9,\"action\":\"receive\","
                 "\"expected\":\"Refresh success\"}\n"
                 "{\"at\":1000000000,\"event\":\"raw-done\",\"subject\":\"alice\",\"outcome\":\"failed\"}\n"
                 "{\"at\":1000000000,\"event\":\"raw-done\",\"subject\":\"bob\",\"outcome\":\"done\"}\n"
                 "{\"at\":1500000000,\"event\":\"raw-error\",\"subject\":\"bob\",\"line\":12,\"message\":\"no\"}\n"
                 "{\"at\":2000000000,\"event\":\"raw-unexpected\",\"subject\":\"bob\",\"what\":\"7 bytes\"}\n");
    evidence_write(&e);
    g_autoptr(hp_ladder) ladder = hp_ladder_read(e.folder, &everything, &error);
    assert_null(error);
    assert_null(ladder->complaint);
    g_autofree char *text = hp_ladder_text(ladder, &ascii);
    assert_string_equal(text, "nat/made: pass, 2.000s\n"
                              "Made by hand.\n"
                              "\n"
                              "         alice                        turn                           bob\n"
                              "  0.0000 | Refresh: 401 Unauthorized (20ms)                            |\n"
                              "         |<---------------------------->|                              |\n"
                              "  1.0000 *  line 9 missed: receive Refresh success                     |\n"
                              "         *  script failed               |                              |\n"
                              "         |                              |                 script done  *\n"
                              "  1.5000 |                              |                 line 12: no  *\n"
                              "  2.0000 |                              |       not expected: 7 bytes  *\n");
    evidence_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_in_a_ladder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
