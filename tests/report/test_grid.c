/* Grids of hand-made results: text to the letter, CSV, JSON, totals. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "report/grid.h"

static const hp_report_style plain;

/* The cases of a matrix over NATs `home` and `office`, and what else is given. */
static GPtrArray *cases_of(const char *matrix)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autofree char *text = g_strconcat("network: {nats: {home: full-cone, office: full-cone}}\n"
                                        "peers: {alice: {behind: home}, bob: {behind: office}}\nmatrix: ",
                                        matrix, "\n", NULL);
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(cases);
    return cases;
}

/* What became of a case. */
typedef struct came {
    hp_outcome best, worst, happened;
    hp_oracle_verdict verdict;
    const hp_shortfall *shortfall;
    hp_verdict of_case;
} came;
#define AS(outcome) ((came){outcome, outcome, outcome, HP_ORACLE_AGREES, NULL, HP_VERDICT_PASS})
#define DIRECT AS(HP_OUTCOME_DIRECT)
#define RELAY AS(HP_OUTCOME_RELAY)
#define HAIRPIN AS(HP_OUTCOME_HAIRPIN)
#define NONE AS(HP_OUTCOME_NONE)

static void add(hp_grid *grid, const hp_scenario *scenario, came c)
{
    g_autofree char *name = g_strdup_printf("t[%s]", scenario->label);
    hp_plan plan = {.scenario = scenario, .case_name = name, .seed = scenario->seed};
    const hp_prediction prediction = {.outcome = c.best, .worst = c.worst};
    const bool connected = c.happened != HP_OUTCOME_NONE;
    hp_oracle_result pair = {.a = "alice",
                             .b = "bob",
                             .prediction = &prediction,
                             .verdict = c.verdict,
                             .why = "",
                             .connected = connected,
                             .happened = c.happened,
                             .local = connected ? HP_TYPE_SRFLX : 0,
                             .remote = connected ? HP_TYPE_PRFLX : 0,
                             .took = connected ? 412500 * HP_US : HP_NEVER,
                             .shortfall = c.shortfall};
    const hp_result result = {.plan = &plan, .verdict = c.of_case, .predictions = &pair, .n_predictions = 1};
    hp_grid_add(grid, &result, c.of_case == HP_VERDICT_FAIL ? "out/x" : NULL);
}

/* In another order than the matrix's. */
static hp_grid *fill(const GPtrArray *cases, const came *list)
{
    hp_grid *grid = hp_grid_new(cases);
    for (unsigned i = cases->len; i-- > 0;) {
        add(grid, cases->pdata[i], list[i]);
    }
    hp_grid_sort(grid);
    return grid;
}

#define LEGEND                                                                                                         \
    "D direct, H hairpin, R relay, . no path, ? nothing came about\n"                                                  \
    "! failed, - a known shortfall of libnice, ~ less than there might be, by ill luck\n\n"
#define SLOWEST(name) "slowest to connect: 412.5 ms, in t[" name "]\n"

static void a_grid_for_each_of_the_rest(void **state)
{
    g_autoptr(GPtrArray) cases =
        cases_of("{home: [symmetric, full-cone], office: [full-cone, symmetric], trickle: [yes, no]}");
    const hp_shortfall *known = hp_shortfall_nth(1);
    const came list[] = {
        DIRECT,  {HP_OUTCOME_DIRECT, HP_OUTCOME_DIRECT, HP_OUTCOME_RELAY, HP_ORACLE_SHORTFALL, known, HP_VERDICT_PASS},
        NONE,    {HP_OUTCOME_DIRECT, HP_OUTCOME_NONE, HP_OUTCOME_NONE, HP_ORACLE_AGREES, NULL, HP_VERDICT_PASS},
        HAIRPIN, {HP_OUTCOME_DIRECT, HP_OUTCOME_DIRECT, HP_OUTCOME_NONE, HP_ORACLE_DISAGREES, NULL, HP_VERDICT_FAIL},
        RELAY,   {HP_OUTCOME_DIRECT, HP_OUTCOME_DIRECT, HP_OUTCOME_NONE, HP_ORACLE_SILENT, NULL, HP_VERDICT_FAIL},
    };
    g_autoptr(hp_grid) grid = fill(cases, list);
    g_autofree char *text = hp_grid_text(grid, &plain, 80);
    g_autofree char *expected = g_strconcat(
        "rows: home, columns: office\n\n"
        "trickle=yes\n"
        "           full-cone symmetric\n"
        "symmetric  D         .\n"
        "full-cone  H         R\n\n"
        "trickle=no\n"
        "           full-cone symmetric\n"
        "symmetric  R-        .~\n"
        "full-cone  .!        ?!\n\n" LEGEND
        "8 cells: 1 direct, 1 hairpin, 2 relay, 3 no path, 1 unknown; 2 failed\n" SLOWEST(
            "home=symmetric, office=full-cone, trickle=yes") "Where libnice is known to do less than ICE could:\n"
                                                             "       1  one-address: ",
        known->cause,
        "\n          as in t[home=symmetric, office=full-cone, trickle=no]\n"
        "Where luck decides:\n"
        "       1  ill luck: less came about than with other ports, addresses or another order\n"
        "          as in t[home=symmetric, office=symmetric, trickle=no]\n",
        NULL);
    assert_string_equal(text, expected);

    g_autofree char *csv = hp_grid_csv(grid);
    assert_string_equal(
        csv,
        "home,office,trickle,case,verdict,outcome,types,predicted,at_worst,oracle,shortfall,connected_ms,seed,"
        "evidence\n"
        "symmetric,full-cone,yes,\"t[home=symmetric, office=full-cone, trickle=yes]\",pass,direct,srflx/prflx,direct,"
        "direct,agrees,,412.5,1,\n"
        "symmetric,full-cone,no,\"t[home=symmetric, office=full-cone, trickle=no]\",pass,relay,srflx/prflx,direct,"
        "direct,shortfall,one-address,412.5,1,\n"
        "symmetric,symmetric,yes,\"t[home=symmetric, office=symmetric, trickle=yes]\",pass,no path,,no path,no path,"
        "agrees,,,1,\n"
        "symmetric,symmetric,no,\"t[home=symmetric, office=symmetric, trickle=no]\",pass,no path,,direct,no path,"
        "agrees,,,1,\n"
        "full-cone,full-cone,yes,\"t[home=full-cone, office=full-cone, trickle=yes]\",pass,hairpin,srflx/prflx,hairpin,"
        "hairpin,agrees,,412.5,1,\n"
        "full-cone,full-cone,no,\"t[home=full-cone, office=full-cone, trickle=no]\",fail,no path,,direct,direct,"
        "disagrees,,,1,out/x\n"
        "full-cone,symmetric,yes,\"t[home=full-cone, office=symmetric, trickle=yes]\",pass,relay,srflx/prflx,relay,"
        "relay,agrees,,412.5,1,\n"
        "full-cone,symmetric,no,\"t[home=full-cone, office=symmetric, trickle=no]\",fail,,,direct,direct,silent,,,1,"
        "out/x\n");
}

/* The same values on both sides share one numbering, in columns of two; too many for the width go below. */
static void numbers_where_names_do_not_fit(void **state)
{
    static const char presets[] = "full-cone, symmetric, linux-netfilter, udp-blocking-office, cgn-strict, rfc4787";
    g_autofree char *matrix = g_strdup_printf("{home: [%s], office: [%s]}", presets, presets);
    g_autoptr(GPtrArray) cases = cases_of(matrix);
    g_autoptr(hp_grid) grid = hp_grid_new(cases);
    for (unsigned i = 0; i < 12; i++) {
        add(grid, cases->pdata[i], i == 7 ? RELAY : DIRECT);
    }
    hp_grid_sort(grid);
    g_autofree char *text = hp_grid_text(grid, &plain, 40);
    assert_string_equal(text, "rows: home, columns: office\n\n"
                              "                        1 2 3 4 5 6\n"
                              "  1 full-cone           D D D D D D\n"
                              "  2 symmetric           D R D D D D\n\n" LEGEND
                              "12 cells: 11 direct, 0 hairpin, 1 relay, 0 no path; 0 failed; 24 not run\n" SLOWEST(
                                  "home=full-cone, office=full-cone"));
}

static void columns_go_below_each_other(void **state)
{
    g_autoptr(GPtrArray) cases = cases_of("{trickle: [yes], seed: 1..23}");
    g_autoptr(hp_grid) grid = hp_grid_new(cases);
    for (unsigned i = 0; i < 23; i++) {
        add(grid, cases->pdata[i], i == 22 ? RELAY : DIRECT);
    }
    hp_grid_sort(grid);
    g_autofree char *text = hp_grid_text(grid, &plain, 40);
    assert_string_equal(
        text, "rows: trickle, columns: seed\n"
              "1 1  2 2  3 3  4 4  5 5  6 6  7 7  8 8\n"
              "9 9  10 10  11 11  12 12  13 13  14 14\n"
              "15 15  16 16  17 17  18 18  19 19  20 20\n"
              "21 21  22 22  23 23\n\n"
              "                      1 1 1 1 1 1 1 1 1\n"
              "    1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8\n"
              "yes D D D D D D D D D D D D D D D D D D\n"
              "    1 2 2 2 2\n"
              "    9 0 1 2 3\n"
              "yes D D D D R\n\n" LEGEND
              "23 cells: 22 direct, 0 hairpin, 1 relay, 0 no path; 0 failed\n" SLOWEST("trickle=yes, seed=1"));
}

/* Seeds are folded, and everything is where the grid is thin. */
static void the_worst_of_what_is_folded(void **state)
{
    g_autoptr(GPtrArray) cases = cases_of("{home: [full-cone, symmetric], office: [full-cone], seeds: 1..2}");
    const came list[] = {DIRECT, RELAY, DIRECT, DIRECT};
    g_autoptr(hp_grid) grid = fill(cases, list);
    g_autofree char *text = hp_grid_text(grid, &plain, 80);
    assert_string_equal(text, "rows: home, columns: office; a cell shows the worst over seeds\n\n"
                              "           full-cone\n"
                              "full-cone  R\n"
                              "symmetric  D\n\n" LEGEND
                              "4 cells: 3 direct, 0 hairpin, 1 relay, 0 no path; 0 failed\n" SLOWEST(
                                  "home=full-cone, office=full-cone, seeds=1"));
    g_autoptr(GPtrArray) many = cases_of("{home: [full-cone], office: [full-cone], trickle: all, nomination: all, "
                                         "servers: [none], network.nats.home.mapping: all, families: [ipv4, dual]}\n"
                                         "matrix-reduce: pairwise");
    g_autoptr(hp_grid) thin = hp_grid_new(many);
    add(thin, many->pdata[3], RELAY);
    g_autofree char *one = hp_grid_text(thin, &plain, 80);
    assert_true(g_str_has_prefix(one, "rows: home, columns: office; a cell shows the worst over trickle, nomination, "
                                      "servers, home.mapping, families\n"));
}

/* An exception, and what a shard or a filter left out; a row of which nothing was run is not there. */
static void no_place_is_empty(void **state)
{
    g_autoptr(GPtrArray) cases =
        cases_of("{home: [full-cone, symmetric, linux-netfilter], office: [full-cone, symmetric], trickle: [yes, no]}\n"
                 "matrix-except: [{home: symmetric, office: full-cone}]");
    assert_int_equal(cases->len, 10);
    g_autoptr(hp_grid) grid = hp_grid_new(cases);
    add(grid, cases->pdata[0], NONE);
    add(grid, cases->pdata[5], NONE); /* trickle=no, as are the others of odd numbers */
    add(grid, cases->pdata[1], NONE);
    hp_grid_sort(grid);
    g_autofree char *text = hp_grid_text(grid, &plain, 80);
    assert_string_equal(text, "rows: home, columns: office\n\n"
                              "trickle=yes\n"
                              "                 full-cone symmetric\n"
                              "full-cone        .         _\n\n"
                              "trickle=no\n"
                              "                 full-cone symmetric\n"
                              "full-cone        .         _\n"
                              "symmetric        x         .\n\n"
                              "D direct, H hairpin, R relay, . no path, ? nothing came about\n"
                              "! failed, - a known shortfall of libnice, ~ less than there might be, by ill luck\n"
                              "_ not run (a filter, another shard, --fail-fast), x no case (an exception, pairwise)\n\n"
                              "3 cells: 0 direct, 0 hairpin, 0 relay, 3 no path; 0 failed; 7 not run\n");
    g_autofree char *json = hp_grid_json(grid);
    assert_non_null(strstr(json, "    \"not_run\": 7,\n    \"slowest_ns\": null\n"));
}

static void one_axis_and_colours(void **state)
{
    const hp_report_style colour = {.colour = true};
    g_autoptr(GPtrArray) cases = cases_of("{home: [full-cone, symmetric]}");
    const came list[] = {DIRECT, RELAY};
    g_autoptr(hp_grid) grid = fill(cases, list);
    g_autofree char *text = hp_grid_text(grid, &colour, 80);
    assert_true(g_str_has_prefix(text, "rows: home\n\nfull-cone \x1b[32mD\x1b[0m\nsymmetric \x1b[33mR\x1b[0m\n\n"));
}

static void results_of_another_matrix(void **state)
{
    g_autoptr(GPtrArray) cases = cases_of("{home: [full-cone]}");
    g_autoptr(GPtrArray) others = cases_of("{home: [symmetric]}");
    g_autoptr(GPtrArray) more = cases_of("{home: [full-cone], trickle: [yes]}");
    g_autoptr(hp_grid) grid = hp_grid_new(cases);
    add(grid, others->pdata[0], DIRECT);
    add(grid, more->pdata[0], DIRECT);
    assert_int_equal(grid->cells->len, 0);
    g_autofree char *text = hp_grid_text(grid, &plain, 80);
    assert_string_equal(text, LEGEND "0 cells: 0 direct, 0 hairpin, 0 relay, 0 no path; 0 failed; 1 not run\n");
}

static void as_json(void **state)
{
    g_autoptr(GPtrArray) cases = cases_of("{trickle: [no]}");
    const came list[] = {
        {HP_OUTCOME_DIRECT, HP_OUTCOME_DIRECT, HP_OUTCOME_RELAY, HP_ORACLE_SHORTFALL, hp_shortfall_nth(5), 0}};
    g_autoptr(hp_grid) grid = fill(cases, list);
    g_autofree char *text = hp_grid_json(grid);
    const char *cells = strstr(text, "  \"cells\": [\n");
    assert_non_null(cells);
    assert_string_equal(cells, "  \"cells\": [\n"
                               "    {\n"
                               "      \"case\": \"t[trickle=no]\",\n"
                               "      \"values\": {\n"
                               "        \"trickle\": \"no\"\n"
                               "      },\n"
                               "      \"verdict\": \"pass\",\n"
                               "      \"seed\": 1,\n"
                               "      \"evidence\": null,\n"
                               "      \"pairs\": [\n"
                               "        {\n"
                               "          \"a\": \"alice\",\n"
                               "          \"b\": \"bob\",\n"
                               "          \"oracle\": \"shortfall\",\n"
                               "          \"shortfall\": \"gives-up-early\",\n"
                               "          \"predicted\": \"direct\",\n"
                               "          \"at_worst\": \"direct\",\n"
                               "          \"happened\": \"relay\",\n"
                               "          \"a_type\": \"srflx\",\n"
                               "          \"b_type\": \"prflx\",\n"
                               "          \"connected_ns\": 412500000\n"
                               "        }\n"
                               "      ]\n"
                               "    }\n"
                               "  ]\n"
                               "}\n");
    assert_non_null(strstr(text, "\"totals\": {\n    \"cells\": 1,\n    \"none\": 0,\n    \"relay\": 1,\n"));
    assert_non_null(strstr(text, "\"example\": \"t[trickle=no]\"\n"));
    assert_non_null(strstr(text, "      \"path\": \"defaults.ice.trickle\",\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_for_each_of_the_rest), cmocka_unit_test(numbers_where_names_do_not_fit),
        cmocka_unit_test(columns_go_below_each_other), cmocka_unit_test(the_worst_of_what_is_folded),
        cmocka_unit_test(no_place_is_empty),           cmocka_unit_test(one_axis_and_colours),
        cmocka_unit_test(results_of_another_matrix),   cmocka_unit_test(as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
