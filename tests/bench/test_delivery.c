/* What became of datagrams, from hand-made traces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/delivery.h"

static hp_trace *begin(unsigned sent)
{
    hp_trace *trace = hp_trace_new_sized(1 << 20, NULL);
    for (unsigned i = 0; i < sent; i++)
        hp_trace_event(trace, i * HP_MS, HP_EV_DATA_SENT, "alice", HP_FU("flow", 1), HP_FU("sequence", i),
                       HP_FU("size", 1000));
    return trace;
}

static void arrives(hp_trace *trace, unsigned sequence, hp_time latency)
{
    hp_trace_event(trace, sequence * HP_MS + latency, HP_EV_DATA_RECEIVED, "bob", HP_FU("flow", 1),
                   HP_FU("sequence", sequence), HP_FU("size", 1000), HP_FT("latency", latency), HP_FU("packet", 0));
}

static void test_all_fates(void **state)
{
    hp_trace *trace = begin(10);
    arrives(trace, 0, 90 * HP_MS);
    arrives(trace, 1, 80 * HP_MS); /* the fastest, and not the first */
    arrives(trace, 2, 480 * HP_MS); /* just in time */
    arrives(trace, 3, 480 * HP_MS + 1); /* too late */
    arrives(trace, 4, 900 * HP_MS);
    for (unsigned i = 5; i < 8; i++)
        hp_trace_event(trace, i * HP_MS, HP_EV_DATA_REFUSED, "alice", HP_FU("flow", 1), HP_FU("sequence", i));
    hp_bench_delivery d = hp_bench_delivery_of(trace);
    assert_int_equal(d.sent, 10);
    assert_int_equal(d.in_time, 3);
    assert_int_equal(d.late, 2);
    assert_int_equal(d.refused, 3);
    assert_int_equal(d.lost, 2);
    assert_int_equal(d.spread, 400 * HP_MS);
    hp_trace_free(trace);
}

static void test_duplicates_count_once(void **state)
{
    hp_trace *trace = begin(3);
    arrives(trace, 0, 20 * HP_MS);
    arrives(trace, 1, 20 * HP_MS);
    arrives(trace, 1, HP_S);
    hp_bench_delivery d = hp_bench_delivery_of(trace);
    assert_int_equal(d.in_time, 2);
    assert_int_equal(d.late, 0);
    assert_int_equal(d.lost, 1);
    assert_int_equal(d.spread, 0);
    hp_trace_free(trace);
}

static void test_nothing(void **state)
{
    hp_trace *trace = begin(0);
    hp_bench_delivery none = hp_bench_delivery_of(trace);
    assert_int_equal(none.sent + none.in_time + none.late + none.refused + none.lost, 0);
    hp_trace_free(trace);
    trace = begin(5);
    assert_int_equal(hp_bench_delivery_of(trace).lost, 5);
    hp_trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fates),
        cmocka_unit_test(test_duplicates_count_once),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
