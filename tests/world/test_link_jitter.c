/* Jitter measured: 100,000 packets against the distribution that was declared. Every bound is four standard deviations
 * of the figure it holds; with these seeds all of them pass, and always will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world/fixed_point.h"
#include "world/link_rig.h"

enum { N = 100000 };

static int compare_times(const void *a, const void *b)
{
    hp_time x = *(const hp_time *)a, y = *(const hp_time *)b;
    return x < y ? -1 : x > y;
}

/* The delays of N packets that enter `gap` apart, shortest first. */
static hp_time *measure(uint64_t seed, hp_link_config config, hp_time gap)
{
    config.jitter_overtakes = true;
    bench b = bench_new(seed, &config);
    for (unsigned i = 0; i < N; i++) {
        run(&b, i * gap);
        put(&b, 0);
    }
    run(&b, HP_NEVER - 1);
    assert_int_equal(b.far->hits->len, N);
    hp_time *delays = g_new(hp_time, N);
    for (unsigned i = 0; i < N; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        delays[i] = hit->at - (hit->p->uid - 1) * gap;
    }
    bench_free(&b);
    qsort(delays, N, sizeof *delays, compare_times);
    return delays;
}

static hp_time mean_of(const hp_time *delays)
{
    unsigned __int128 sum = 0;
    for (unsigned i = 0; i < N; i++) {
        sum += delays[i];
    }
    return (hp_time)(sum / N);
}

static hp_time deviation_of(const hp_time *delays)
{
    __int128 sum = 0, mean = mean_of(delays);
    for (unsigned i = 0; i < N; i++) {
        sum += (delays[i] - mean) * (delays[i] - mean);
    }
    return hp_fixed_sqrt((unsigned __int128)sum / N);
}

/* How many are at most x. */
static unsigned up_to(const hp_time *delays, hp_time x)
{
    unsigned n = 0;
    while (n < N && delays[n] <= x) {
        n++;
    }
    return n;
}

static void assert_near(uint64_t value, uint64_t wanted, uint64_t bound)
{
    assert_in_range(value, wanted - bound, wanted + bound);
}

static void test_uniform(void **state)
{
    g_autofree hp_time *d = measure(1, (hp_link_config){.delay_ns = 5 * HP_MS, .jitter_ns = 20 * HP_MS}, HP_MS);
    assert_near(mean_of(d), 15 * HP_MS, 73030);
    assert_near(deviation_of(d), 5773503, 32660);
    assert_in_range(d[0], 5 * HP_MS, 5 * HP_MS + 2 * HP_US);
    assert_in_range(d[N - 1], 25 * HP_MS - 2 * HP_US, 25 * HP_MS);
    for (unsigned tenth = 1; tenth < 10; tenth++) {
        assert_near(up_to(d, (5 + 2 * tenth) * HP_MS), tenth * 10000, 633);
    }
}

static void test_normal(void **state)
{
    hp_link_config config = {.jitter_kind = HP_JITTER_NORMAL, .jitter_ns = 50 * HP_MS, .jitter_sigma_ns = 10 * HP_MS};
    g_autofree hp_time *d = measure(2, config, HP_MS);
    assert_near(mean_of(d), 50 * HP_MS, 126500);
    assert_near(deviation_of(d), 10 * HP_MS, 89500);
    assert_near(up_to(d, 50000000 - 30902323), 100, 40);
    assert_near(up_to(d, 50000000 - 12815516), 10000, 380);
    assert_near(up_to(d, 50000000 - 6744898), 25000, 548);
    assert_near(up_to(d, 50000000), 50000, 633);
    assert_near(up_to(d, 50000000 + 6744898), 75000, 548);
    assert_near(up_to(d, 50000000 + 16448536), 95000, 276);
    assert_near(up_to(d, 50000000 + 30902323), 99900, 40);
}

static void test_normal_below_nothing(void **state)
{
    /* One standard deviation above 0: the mean of what is left is 12.876 ms, its deviation 7.935 ms. */
    hp_link_config config = {.jitter_kind = HP_JITTER_NORMAL, .jitter_ns = 10 * HP_MS, .jitter_sigma_ns = 10 * HP_MS};
    g_autofree hp_time *d = measure(3, config, HP_MS);
    assert_near(mean_of(d), 12876000, 100400);
    assert_near(up_to(d, 10 * HP_MS), 40572, 622); /* (0.5 - 0.158655) / 0.841345 */
    /* Half a normal distribution. */
    config.jitter_ns = 0;
    g_autofree hp_time *half = measure(3, config, HP_MS);
    assert_near(mean_of(half), 7978846, 76300);
    assert_near(up_to(half, 6744898), 50000, 633);
    assert_near(up_to(half, 25758293), 99000, 126);
    config.jitter_max_ns = 20 * HP_MS; /* 4.55 % would be longer */
    g_autofree hp_time *cut = measure(3, config, HP_MS);
    assert_int_equal(cut[N - 1], 20 * HP_MS);
    assert_near(up_to(cut, 20 * HP_MS - 1), 95450, 264);
}

static void test_normal_without_deviation(void **state)
{
    hp_link_config config = {.jitter_kind = HP_JITTER_NORMAL, .jitter_ns = 7 * HP_MS};
    g_autofree hp_time *d = measure(1, config, HP_MS);
    assert_int_equal(d[0], 7 * HP_MS);
    assert_int_equal(d[N - 1], 7 * HP_MS);
}

static void test_pareto(void **state)
{
    hp_link_config config = {.jitter_kind = HP_JITTER_PARETO, .jitter_ns = 10 * HP_MS, .jitter_shape_milli = 5000};
    g_autofree hp_time *d = measure(4, config, HP_MS);
    assert_near(mean_of(d), 12500000, 40900);
    assert_near(deviation_of(d), 3227486, 174300);
    assert_in_range(d[0], 10 * HP_MS, 10 * HP_MS + HP_US);
    assert_near(N - up_to(d, 10208516), 90193, 377); /* 1.0208516 ^ -5 */
    assert_near(N - up_to(d, 11486984), 50000, 633);
    assert_near(N - up_to(d, 15848932), 10000, 380);
    assert_near(N - up_to(d, 39810717), 100, 40);
}

static void test_pareto_with_a_heavy_tail(void **state)
{
    hp_link_config config = {.jitter_kind = HP_JITTER_PARETO,
                             .jitter_ns = 10 * HP_MS,
                             .jitter_shape_milli = 1500,
                             .jitter_max_ns = 2 * HP_S};
    g_autofree hp_time *d = measure(5, config, HP_MS);
    assert_near(N - up_to(d, 20 * HP_MS), 35355, 605);
    assert_near(N - up_to(d, 100 * HP_MS), 3162, 222);
    assert_near(N - up_to(d, 1000 * HP_MS), 100, 40);
    assert_near(N - up_to(d, 2 * HP_S - 1), 35, 24);
    assert_int_equal(d[N - 1], 2 * HP_S);
}

static void test_from_a_list_by_chance(void **state)
{
    hp_time list[] = {HP_MS, 2 * HP_MS, 3 * HP_MS, 10 * HP_MS};
    hp_link_config config = {.jitter_kind = HP_JITTER_EMPIRICAL, .jitter_list = list, .n_jitter_list = 4};
    g_autofree hp_time *d = measure(6, config, HP_MS);
    for (unsigned i = 0; i < 4; i++) {
        assert_near(up_to(d, list[i]), (i + 1) * 25000, 633);
        assert_near(up_to(d, list[i] - 1), i * 25000, i == 0 ? 0 : 633);
    }
}

static void test_from_a_list_in_turn(void **state)
{
    hp_time list[] = {5 * HP_MS, 0, 3 * HP_MS};
    hp_link_config config = {.delay_ns = HP_MS, .jitter_kind = HP_JITTER_LIST, .jitter_list = list, .n_jitter_list = 3};
    bench b = bench_new(1, &config);
    for (unsigned i = 0; i < 7; i++) {
        run(&b, i * 10 * HP_MS);
        put(&b, 0);
    }
    run(&b, 70 * HP_MS);
    config.n_jitter_list = 1; /* shorter than the place that was reached */
    hp_link_configure(b.link, &config, "one");
    put(&b, 0);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 6 * HP_MS},  {2, 11 * HP_MS}, {3, 24 * HP_MS}, {4, 36 * HP_MS},
                                     {5, 41 * HP_MS}, {6, 54 * HP_MS}, {7, 66 * HP_MS}, {8, 76 * HP_MS}};
    expect_arrivals(&b, wanted, 8);
    bench_free(&b);
}

static void test_order_is_kept_unless_overtaking_is_allowed(void **state)
{
    hp_link_config config = {.jitter_kind = HP_JITTER_NORMAL, .jitter_ns = 20 * HP_MS, .jitter_sigma_ns = 10 * HP_MS};
    for (unsigned allowed = 0; allowed < 2; allowed++) {
        config.jitter_overtakes = allowed;
        bench b = bench_new(1, &config);
        for (unsigned i = 0; i < 1000; i++) {
            run(&b, i * HP_MS);
            put(&b, 0);
        }
        run(&b, 10 * HP_S);
        assert_int_equal(b.far->hits->len, 1000);
        unsigned passed = 0;
        for (unsigned i = 1; i < 1000; i++) {
            passed += probe_at(b.far, i)->p->uid < probe_at(b.far, i - 1)->p->uid;
        }
        if (allowed) {
            assert_in_range(passed, 300, 600); /* neighbours here have drawn nearly independently */
        } else {
            assert_int_equal(passed, 0);
        }
        bench_free(&b);
    }
}

static void test_extremes(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "extremes");
    for (unsigned i = 0; i < 1000; i++) {
        bench b = bench_new(i, &(hp_link_config){.jitter_kind = HP_JITTER_PARETO,
                                                 .jitter_ns = 1 + hp_rng_u64(&rng) % HP_S,
                                                 .jitter_shape_milli = 1 + i % 50});
        put(&b, 0); /* nearly always later than time can say */
        assert_true(hp_world_next_deadline(b.world) <= HP_NEVER - 1);
        bench_free(&b);
    }
    bench b = bench_new(
        1, &(hp_link_config){.jitter_kind = HP_JITTER_NORMAL, .jitter_ns = HP_NEVER - 1, .jitter_sigma_ns = HP_NEVER});
    put_times(&b, 100, 0);
    assert_true(hp_world_next_deadline(b.world) <= HP_NEVER - 1);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_normal_below_nothing),
        cmocka_unit_test(test_normal_without_deviation),
        cmocka_unit_test(test_pareto),
        cmocka_unit_test(test_pareto_with_a_heavy_tail),
        cmocka_unit_test(test_from_a_list_by_chance),
        cmocka_unit_test(test_from_a_list_in_turn),
        cmocka_unit_test(test_order_is_kept_unless_overtaking_is_allowed),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests_name("link jitter", tests, NULL, NULL);
}
