/* What result.json tells of the network and of the way that peers had, byte for byte, from scenarios. */
#include "report/fixture.h"

#include "report/json_writer.h"

typedef struct planned {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_result result;
    hp_oracle *oracle;
} planned;

static planned plan_of(const char *text)
{
    planned p = {.diags = hp_diags_new()};
    p.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), p.diags);
    p.plan = p.scenarios != NULL ? hp_plan_new(p.scenarios->pdata[0], "test", 7, p.diags) : NULL;
    if (p.plan == NULL) {
        g_autofree char *errors = hp_diags_format(p.diags);
        fail_msg("%s", errors);
    }
    p.oracle = hp_oracle_new(p.plan);
    p.result.plan = p.plan;
    return p;
}

static void clear(planned *p)
{
    hp_oracle_free(p->oracle);
    hp_plan_free(p->plan);
    g_ptr_array_unref(p->scenarios);
    hp_diags_free(p->diags);
}

/* On one line. */
static char *network_of(const char *text)
{
    planned p = plan_of(text);
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    hp_json_network(&j, p.plan);
    clear(&p);
    return hp_output_take(j.o, NULL);
}

#define STEPS "steps: [{call: {from: alice, to: bob}}]\n"

static void a_network(void **state)
{
    g_autofree char *told = network_of(
        "network:\n"
        "  nats: {home: {preset: symmetric, link: {delay: 20ms, loss: 1%}}, office: {mapping: address-dependent}}\n"
        "  lans: {shed: }\n"
        "servers: {turn: {kind: turn, link: {down: {rate: 1Mbit/s}}}, names: {kind: dns}}\n"
        "peers: {alice: {behind: home}, bob: {interfaces: {wifi: {behind: office}, lte: {}}}}\n" STEPS);
    assert_string_equal(
        told, "\"network\":{\"zones\":["
              "{\"name\":\"internet\",\"of\":\"internet\",\"prefix4\":null,\"prefix6\":null},"
              "{\"name\":\"shed\",\"of\":\"lan\",\"prefix4\":\"172.16.0.0/24\",\"prefix6\":null},"
              "{\"name\":\"home\",\"of\":\"nat\",\"prefix4\":\"192.168.1.0/24\",\"prefix6\":null},"
              "{\"name\":\"office\",\"of\":\"nat\",\"prefix4\":\"192.168.2.0/24\",\"prefix6\":null}],"
              "\"nats\":["
              "{\"name\":\"home\",\"about\":\"symmetric\",\"zone\":0,\"inside\":2,\"addresses\":[\"192.0.2.10\"],"
              "\"link\":\"20ms, 1% loss\"},"
              "{\"name\":\"office\",\"about\":\"address-dependent mapping, address-and-port-dependent filtering\","
              "\"zone\":0,\"inside\":3,\"addresses\":[\"192.0.2.12\"],\"link\":null}],"
              "\"firewalls\":[],"
              "\"servers\":["
              "{\"name\":\"turn\",\"kind\":\"turn\",\"zone\":0,\"addresses\":[\"203.0.113.10\"],"
              "\"link\":\"ideal up; 1Mbit/s down\"},"
              "{\"name\":\"names\",\"kind\":\"dns\",\"zone\":0,\"addresses\":[\"203.0.113.11\"],\"link\":null}],"
              "\"peers\":["
              "{\"name\":\"alice\",\"kind\":\"ice\",\"interfaces\":["
              "{\"name\":null,\"zone\":2,\"addresses\":[\"192.168.1.10\"],\"link\":null}]},"
              "{\"name\":\"bob\",\"kind\":\"ice\",\"interfaces\":["
              "{\"name\":\"wifi\",\"zone\":3,\"addresses\":[\"192.168.2.10\"],\"link\":null},"
              "{\"name\":\"lte\",\"zone\":0,\"addresses\":[\"198.51.100.10\"],\"link\":null}]}],"
              "\"middleboxes\":[]}");
}

static void firewalls_and_middleboxes(void **state)
{
    g_autofree char *told = network_of("network: {firewalls: {gate: {preset: strict}}}\n"
                                       "peers: {alice: {behind: gate}, bob: {}}\n"
                                       "rules: [{at: bob, match: {proto: udp}, do: drop}]\n" STEPS);
    assert_non_null(strstr(told, "{\"name\":\"gate\",\"of\":\"firewall\","));
    assert_non_null(strstr(told, "\"firewalls\":[{\"name\":\"gate\",\"about\":\"strict\",\"zone\":0,\"inside\":1,"
                                 "\"link\":null}]"));
    assert_non_null(strstr(told, "\"middleboxes\":[{\"name\":\"rules bob\",\"at\":\"bob\"}]"));
}

/* ---- paths ---- */

static char *path_of(planned *p, hp_path_result *path, hp_oracle_verdict verdict, hp_outcome happened, const char *why)
{
    hp_oracle_result compared = {.a = "alice",
                                 .b = "bob",
                                 .prediction = hp_oracle_pair(p->oracle, 0, 1),
                                 .verdict = verdict,
                                 .why = why,
                                 .connected = happened != HP_OUTCOME_NONE,
                                 .happened = happened};
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    path->a = "alice";
    path->b = "bob";
    path->prediction = &compared;
    p->result.paths = path;
    p->result.n_paths = 1;
    hp_json_path(&j, &p->result);
    return hp_output_take(j.o, NULL);
}

#define TWO_SYMMETRIC                                                                                                  \
    "network: {nats: {home: symmetric, office: symmetric}}\n"                                                          \
    "servers: {turn: {kind: turn, users: {u: p}}}\ndefaults: {ice: {stun: turn, turn: turn}}\n"                        \
    "peers: {alice: {behind: home}, bob: {behind: office}}\n" STEPS

static void a_relayed_path(void **state)
{
    planned p = plan_of(TWO_SYMMETRIC);
    hp_path_drops drops[] = {{"alice", "office", HP_DROP_NAT_FILTERED, 14}, {"bob", "internet", HP_DROP_NO_ROUTE, 1}};
    hp_path_result path = {.kind = HP_OUTCOME_RELAY,
                           .a_type = "relay",
                           .b_type = "prflx",
                           .connected = 373 * HP_MS,
                           .failed = {HP_NEVER, HP_NEVER},
                           .drops = drops,
                           .n_drops = 2};
    g_autofree char *told = path_of(&p, &path, HP_ORACLE_AGREES, HP_OUTCOME_RELAY, "");
    assert_string_equal(
        told, "\"path\":[{\"a\":\"alice\",\"b\":\"bob\",\"kind\":\"relay\",\"a_type\":\"relay\",\"b_type\":\"prflx\","
              "\"connected_ns\":373000000,\"why\":["
              "\"Direct is impossible because home maps per destination address and port, office maps per destination "
              "address and port, office filters by address and port and home filters by address and port.\","
              "\"A relay works because alice reaches turn over UDP and bob reaches turn over UDP.\","
              "\"14 checks of alice were dropped at office (filtered): the NAT's filtering behaviour.\","
              "\"1 check of bob was dropped at internet (no-route): nobody has that address.\"]}]");
    clear(&p);
}

static void a_direct_path(void **state)
{
    planned p = plan_of(TWO_SYMMETRIC);
    hp_path_result path = {.kind = HP_OUTCOME_DIRECT, .a_type = "host", .b_type = "srflx", .connected = 5};
    g_autofree char *told = path_of(&p, &path, HP_ORACLE_AGREES, HP_OUTCOME_DIRECT, "");
    assert_string_equal(told, "\"path\":[{\"a\":\"alice\",\"b\":\"bob\",\"kind\":\"direct\",\"a_type\":\"host\","
                              "\"b_type\":\"srflx\",\"connected_ns\":5,\"why\":[]}]");
    clear(&p);
}

/* Less than was possible: what was possible, why, and what is known of the agent. Then when each end gave up. */
static void no_path_where_a_relay_was_possible(void **state)
{
    planned p = plan_of(TWO_SYMMETRIC);
    hp_path_result path = {.kind = HP_OUTCOME_NONE, .connected = HP_NEVER, .failed = {HP_NEVER, 9 * HP_S}};
    g_autofree char *told = path_of(&p, &path, HP_ORACLE_SHORTFALL, HP_OUTCOME_NONE, "the agent never asks");
    assert_non_null(strstr(told, "\"kind\":\"none\",\"a_type\":null,\"b_type\":null,\"connected_ns\":null,\"why\":["
                                 "\"Relay was possible, and did not come about.\",\"Direct is impossible because "));
    assert_non_null(strstr(told, "\"The agent never asks.\",\"ICE failed at bob at 9.000s\"]}]"));
    path.left_in[0] = "gathering";
    g_autofree char *left = path_of(&p, &path, HP_ORACLE_SHORTFALL, HP_OUTCOME_NONE, "");
    assert_non_null(strstr(left, "\"ICE at alice was left in gathering\",\"ICE failed at bob at 9.000s\"]}]"));
    path.left_in[0] = "";
    g_autofree char *never = path_of(&p, &path, HP_ORACLE_SHORTFALL, HP_OUTCOME_NONE, "");
    assert_non_null(strstr(never, "\"alice never had a session with bob: no call, offer or answer made one\","));
    clear(&p);
}

static void a_plan_that_the_oracle_does_not_cover(void **state)
{
    planned p = plan_of(TWO_SYMMETRIC);
    hp_path_result path = {.kind = HP_OUTCOME_RELAY, .connected = 1};
    g_autofree char *told = path_of(&p, &path, HP_ORACLE_SILENT, HP_OUTCOME_NONE, "rules change packets");
    assert_non_null(strstr(told, "\"why\":[\"The oracle does not say why: rules change packets.\"]}]"));
    clear(&p);
}

/* The prediction was met before a step, which made it worse. */
static void a_path_that_a_step_changed(void **state)
{
    planned p = plan_of("peers: {alice: {}, bob: {}}\n" STEPS);
    hp_path_result path = {.kind = HP_OUTCOME_RELAY, .connected = 1};
    g_autofree char *told = path_of(&p, &path, HP_ORACLE_AGREES, HP_OUTCOME_DIRECT, "");
    assert_non_null(strstr(told, "\"why\":[\"Direct was possible, and did not come about.\","
                                 "\"Direct works because alice and bob reach each other's own addresses.\","
                                 "\"Before a step changed the network the path was another: direct.\"]}]"));
    clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network),
        cmocka_unit_test(firewalls_and_middleboxes),
        cmocka_unit_test(a_relayed_path),
        cmocka_unit_test(a_direct_path),
        cmocka_unit_test(no_path_where_a_relay_was_possible),
        cmocka_unit_test(a_plan_that_the_oracle_does_not_cover),
        cmocka_unit_test(a_path_that_a_step_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
