/* Hairpin measured by itself: every figure is there, what is virtual is what it must be, and it repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/engine.h"
#include "bench/fabric.h"
#include "bench/self.h"
#include "seam/seam.h"

static void test_engine(void **state)
{
    g_autoptr(hp_bench_engine) engine = hp_bench_engine_new(7, 1);
    /* Refreshing what is not allocated is refused, and told. */
    assert_true(hp_bench_engine_do(engine, HP_BENCH_OP_CHALLENGE, 1, NULL));
    assert_false(hp_bench_engine_do(engine, HP_BENCH_OP_REFRESH, 1, NULL));
    assert_false(hp_bench_engine_do(engine, HP_BENCH_OP_CHANNEL_OUT, 1, NULL));
    for (unsigned op = 0; op < HP_BENCH_OP_N; op++) {
        assert_true(hp_bench_engine_do(engine, op, 1, NULL));
        if (op == HP_BENCH_OP_SEND || op == HP_BENCH_OP_CHANNEL_OUT)
            assert_int_equal(hp_bench_engine_last_size(engine), HP_BENCH_PAYLOAD);
    }
    assert_int_equal(hp_bench_engine_last_size(engine), HP_BENCH_PAYLOAD + 4); /* ChannelData */
}

#ifdef __SANITIZE_ADDRESS__
#define HEAP_TELLS false
#else
#define HEAP_TELLS true
#endif

static void test_memory(void **state)
{
    double one = hp_bench_engine_memory(1, 1), many = hp_bench_engine_memory(1000, 1);
    assert_int_equal(one > 300 && one < 10000, HEAP_TELLS);
    assert_int_equal(many > 300 && many < 10000, HEAP_TELLS);
}

static void test_fabric(void **state)
{
    static const hp_bench_fabric_row rows[] = {
        {"link", 100, HP_BENCH_FABRIC_PLAIN, false, false},   {"router", 100, HP_BENCH_FABRIC_ROUTER, false, false},
        {"router", 100, HP_BENCH_FABRIC_ROUTER, true, false}, {"nat", 100, HP_BENCH_FABRIC_NAT, true, true},
        {"nat64", 100, HP_BENCH_FABRIC_NAT64, true, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        hp_bench_fabric_cost cost = {0};
        g_autoptr(GError) error = NULL;
        if (!hp_bench_fabric(&rows[i], 1000, 1, &cost, &error))
            fail_msg("%s", error->message);
        assert_int_equal(cost.mapping_bytes > 0,
                         rows[i].kind == HP_BENCH_FABRIC_NAT || rows[i].kind == HP_BENCH_FABRIC_NAT64);
    }
}

static const hp_bench_point *point(const hp_bench_document *d, const char *metric, const char *variant)
{
    const hp_bench_variant *v = hp_bench_metric_find(hp_bench_document_find(d, metric), variant);
    assert_non_null(v);
    return &g_array_index(v->points, hp_bench_point, 0);
}

static void test_document(void **state)
{
    g_autoptr(GError) error = NULL;
    hp_bench_self_options o = {
        .repeats = 2, .clients = 20, .engine_rounds = 1, .packets = 640, .mappings = {100, 200}, .calls = 1};
    g_autoptr(hp_bench_document) a = hp_bench_self(&o, &error), b = hp_bench_self(&o, &error);
    assert_true(a && b);
    assert_int_equal(hp_bench_document_find(a, "server")->variants->len, HP_BENCH_OP_N);
    assert_int_equal(point(a, "framing", "channel-data")->s.mean, 4);
    for (unsigned i = 0; i < 2; i++) {
        const char *variant = i == 0 ? "direct" : "turn-udp";
        hp_bench_summary x = point(a, "call-packets", variant)->s, y = point(b, "call-packets", variant)->s;
        assert_true(x.mean > 100 && x.min == x.max);
        assert_true(x.mean == y.mean && x.min == y.min);
        assert_int_equal(point(a, "calls", variant)->s.n, 2);
        assert_false(hp_bench_document_find(a, "calls")->is_virtual);
    }
    const hp_bench_variant *nat = hp_bench_metric_find(hp_bench_document_find(a, "fabric"), "nat-in");
    assert_non_null(hp_bench_variant_at(nat, 100));
    assert_non_null(hp_bench_variant_at(nat, 200));
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_fabric),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
