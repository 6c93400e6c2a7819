/* Loss, rates and queues measured: 100,000 packets against what was declared. Bounds of figures that chance has a hand
 * in are four standard deviations; with these seeds all of them pass, and always will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/codel.h"
#include "world/link_rig.h"

enum { N = 100000 };

static void assert_near(uint64_t value, uint64_t wanted, uint64_t bound)
{
    assert_in_range(value, wanted - bound, wanted + bound);
}

/* ---- loss ---- */

static void test_independent_effects(void **state)
{
    bench b = bench_new(11, &(hp_link_config){.loss_ppb = HP_PPB / 100,
                                              .duplicate_ppb = HP_PPB / 50,
                                              .corrupt_ppb = HP_PPB / 1000,
                                              .reorder_ppb = HP_PPB / 20});
    put_times(&b, N, 0);
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_near(stats.lost, 1000, 126);
    assert_near(stats.duplicated, 1980, 177); /* of the 99 % that are not lost */
    assert_near(stats.corrupted, 99, 40);
    assert_near(stats.reordered, 4950, 276);
    bench_free(&b);
}

/* A run of lost or of arrived packets. */
typedef struct runs {
    unsigned lost, n_bursts;
} runs;

static runs count_runs(const bench *b)
{
    runs r = {0};
    uint64_t expected = 1;
    for (unsigned i = 0; i < b->far->hits->len; i++) {
        uint64_t uid = probe_at(b->far, i)->p->uid;
        r.n_bursts += uid != expected;
        r.lost += (unsigned)(uid - expected);
        expected = uid + 1;
    }
    return r;
}

static void test_gilbert_elliott_with_loss_in_both_states(void **state)
{
    bench b = bench_new(12, &(hp_link_config){.burst_enter_ppb = HP_PPB / 100,
                                              .burst_leave_ppb = HP_PPB / 5,
                                              .burst_loss_ppb = HP_PPB / 10 * 8,
                                              .loss_ppb = HP_PPB / 200});
    put_times(&b, N, 0);
    /* In the bad state for 1/21 of the time: 4,762 packets, of which 80 % are lost, and 0.5 % of the others. Losses
     * cluster: the standard deviation of their sum is 160, where independent ones had 64. */
    assert_near(hp_link_get_stats(b.link).lost, 4286, 641);
    assert_near(count_drops(b.trace, HP_DROP_LINK_BURST, NULL), 3810, 640);
    assert_near(count_drops(b.trace, HP_DROP_LINK_LOSS, NULL), 476, 88);
    bench_free(&b);
}

static void test_burst_lengths(void **state)
{
    bench b = bench_new(
        13,
        &(hp_link_config){.burst_enter_ppb = HP_PPB / 100, .burst_leave_ppb = HP_PPB / 5, .burst_loss_ppb = HP_PPB});
    put_times(&b, N, 0);
    run(&b, HP_S);
    runs r = count_runs(&b);
    /* 5 packets on average, geometrically distributed, 100 packets between: some 952 bursts. */
    assert_near(r.n_bursts, 952, 112);
    assert_near(r.lost * 100, 500 * r.n_bursts, 58 * r.n_bursts);
    assert_near(N - r.lost, 100 * r.n_bursts, 13 * r.n_bursts);
    bench_free(&b);
}

/* The share of links, of 20,000, whose first packet meets the bad state. */
static unsigned first_in_burst(bool steady)
{
    enum { LINKS = 20000 };
    hp_link_config config = {.burst_enter_ppb = HP_PPB / 5,
                             .burst_leave_ppb = HP_PPB / 5 * 3,
                             .burst_loss_ppb = HP_PPB,
                             .burst_steady = steady};
    g_autoptr(hp_world) world = hp_world_new(14, NULL);
    unsigned lost = 0;
    for (unsigned i = 0; i < LINKS; i++) {
        g_autofree char *name = g_strdup_printf("link %u", i);
        hp_link *link = hp_link_new(world, name, &config);
        give(hp_link_node(link), 0, udp_packet(world, A, B, 0));
        lost += (unsigned)hp_link_get_stats(link).lost;
    }
    return lost;
}

static void test_the_chain_starts_where_it_is_told(void **state)
{
    assert_near(first_in_burst(false), 4000, 227); /* the chance to enter */
    assert_near(first_in_burst(true), 5000, 245); /* 0.2 / (0.2 + 0.6) */
}

static void test_a_chain_is_steady_again_when_turned_on_again(void **state)
{
    hp_link_config config = {
        .burst_enter_ppb = HP_PPB, .burst_leave_ppb = 1, .burst_loss_ppb = HP_PPB, .burst_steady = true};
    bench b = bench_new(1, &(hp_link_config){0});
    hp_link_configure(b.link, &config, "bursts");
    put_times(&b, 100, 0); /* nearly never good */
    assert_int_equal(hp_link_get_stats(b.link).lost, 100);
    hp_link_configure(b.link, &(hp_link_config){0}, "none");
    put(&b, 0);
    assert_int_equal(hp_link_get_stats(b.link).lost, 100);
    bench_free(&b);
}

/* ---- rates ---- */

static void test_a_constant_rate(void **state)
{
    hp_link_config config = {.rate_bps = 7000000, .queue_packets = N};
    bench b = bench_new(1, &config);
    hp_rng rng;
    hp_rng_init(&rng, 1, "sizes");
    for (unsigned i = 0; i < N; i++) {
        put(&b, hp_rng_below(&rng, 1400));
    }
    run(&b, 1000 * HP_S);
    assert_int_equal(b.far->hits->len, N);
    hp_time least = hp_link_get_stats(b.link).bytes * 8 * HP_S / config.rate_bps;
    hp_time last = probe_at(b.far, N - 1)->at;
    assert_in_range(last, least, least + N); /* each is rounded up by less than a nanosecond */
    bench_free(&b);
}

/* Bytes that have arrived by t. */
static uint64_t bytes_by(const bench *b, hp_time t)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < b->far->hits->len && probe_at(b->far, i)->at <= t; i++) {
        bytes += hp_packet_wire_length(probe_at(b->far, i)->p);
    }
    return bytes;
}

static void test_steps_of_a_rate(void **state)
{
    hp_rate_step steps[] = {{0, 1000000}, {300 * HP_MS, 20000000}, {450 * HP_MS, 0}, {500 * HP_MS, 5000000}};
    hp_link_config config = {
        .rate_steps = steps, .n_rate_steps = 4, .rate_cycle = HP_S, .queue_packets = N, .delay_ns = 0};
    bench b = bench_new(1, &config);
    put_times(&b, N, 72); /* 100 bytes */
    run(&b, 1000 * HP_S);
    assert_int_equal(b.far->hits->len, N);
    /* 5,800,000 bits a second, of which packets of 800 bits have gone whole: exactly 7,250 a second. */
    for (unsigned s = 1; s <= 13; s++) {
        assert_int_equal(bytes_by(&b, s * HP_S), s * 725000);
        assert_int_equal(bytes_by(&b, s * HP_S + 300 * HP_MS), s * 725000 + 37500);
        assert_int_equal(bytes_by(&b, s * HP_S + 500 * HP_MS), s * 725000 + 37500 + 375000);
    }
    bench_free(&b);
}

static void test_opportunities(void **state)
{
    enum { OPPORTUNITIES = 1000, SIZE = 1000 };
    hp_rng rng;
    hp_rng_init(&rng, 1, "trace");
    hp_time list[OPPORTUNITIES];
    hp_time at = 0;
    for (unsigned i = 0; i < OPPORTUNITIES; i++) {
        at += hp_rng_below(&rng, 3) * HP_MS;
        list[i] = at;
    }
    hp_link_config config = {.opportunities = list, .n_opportunities = OPPORTUNITIES, .queue_packets = N};
    bench b = bench_new(1, &config);
    put_times(&b, N, PAYLOAD_1000);
    run(&b, 10000 * HP_S);
    assert_int_equal(b.far->hits->len, N);
    unsigned at_zero = 0; /* too early for all of them */
    while (list[at_zero] == 0) {
        at_zero++;
    }
    for (unsigned k = 0; k < N; k++) {
        /* Packet k is complete with the opportunity that makes the sum of all so far reach its end. */
        uint64_t end = (uint64_t)(k + 1) * (SIZE + HP_OPPORTUNITY_HEADER);
        uint64_t number = at_zero + (end + HP_OPPORTUNITY_BYTES - 1) / HP_OPPORTUNITY_BYTES - 1;
        hp_time wanted = number / OPPORTUNITIES * list[OPPORTUNITIES - 1] + list[number % OPPORTUNITIES];
        assert_int_equal(probe_at(b.far, k)->at, wanted);
    }
    bench_free(&b);
}

static void test_outages(void **state)
{
    hp_time_window scan[] = {{5 * HP_S, 5200 * HP_MS}};
    bench b = bench_new(1, &(hp_link_config){.outages = scan, .n_outages = 1, .outage_cycle = 15 * HP_S});
    for (unsigned i = 0; i < N; i++) {
        run(&b, i * 3 * HP_MS);
        put(&b, 0);
    }
    /* 300 s, twenty scans of 200 ms: 66 or 67 packets each, of which the first is sent at a multiple of 3 ms. */
    assert_in_range(hp_link_get_stats(b.link).lost, 20 * 66, 20 * 67);
    assert_int_equal(hp_link_get_stats(b.link).lost, 1340);
    bench_free(&b);
}

/* ---- CoDel ---- */

static bench overload(hp_time gap, unsigned n)
{
    bench b = bench_new(
        1, &(hp_link_config){.rate_bps = 12000000, .queue_kind = HP_QUEUE_CODEL, .queue_packets = N}); /* 1 ms each */
    for (unsigned i = 0; i < n; i++) {
        run(&b, i * gap);
        put(&b, PAYLOAD_1500);
    }
    return b;
}

/* Twice the rate, and nobody slows down: one spell of dropping, each drop at the first packet after it is due. (At 20 s
 * the drops have become as many as the packets too many, and at 40 s the queue is empty again.) */
static void test_codel_drops_by_its_law(void **state)
{
    bench b = overload(500 * HP_US, 78000);
    hp_trace_cursor cursor = {0};
    hp_record r = {0};
    uint32_t n = 0;
    hp_time due = 0;
    while (hp_trace_next(b.trace, &cursor, &r)) {
        if (r.type != HP_RECORD_DROP || r.drop.reason != HP_DROP_LINK_CODEL) {
            continue;
        }
        if (n > 0) {
            assert_in_range(r.at, due, due + HP_MS - 1);
        }
        due = hp_codel_control_law(n == 0 ? r.at : due, 100 * HP_MS, n + 1);
        n++;
    }
    /* After 38.89 s of it: the sum of 1 / sqrt(k) up to n is about 2 sqrt(n) - 1.46, so (388.9 + 1.46) / 2 squared. */
    assert_near(n, 38095, 25);
    bench_free(&b);
}

/* A fifth too much: in the long run a sixth is dropped, the wire never rests, and nobody waits long. */
static void test_codel_in_a_moderate_overload(void **state)
{
    bench b = overload(833333, N);
    assert_in_range(b.far->hits->len, 83332, 83333);
    uint64_t drops = hp_link_get_stats(b.link).codel_drops;
    assert_in_range(N - b.far->hits->len - drops, 1, 170); /* what still waits */
    run(&b, 100 * HP_S);
    hp_time most = 0, least = HP_NEVER, sum = 0;
    unsigned counted = 0;
    for (unsigned i = 10000; i < b.far->hits->len; i++) { /* from 10 s on, in spells of 5 s */
        const probe_hit *hit = probe_at(b.far, i);
        hp_time took = hit->at - (hit->p->uid - 1) * 833333;
        most = MAX(most, took);
        least = MIN(least, took);
        sum += took;
        counted++;
        if (i % 5000 == 4999) {
            assert_in_range(least, HP_MS, 25 * HP_MS); /* near the target, again and again */
            assert_in_range(sum / counted, 90 * HP_MS, 130 * HP_MS);
            least = HP_NEVER;
            sum = 0;
            counted = 0;
        }
    }
    assert_in_range(most, 100 * HP_MS, 200 * HP_MS);
    bench_free(&b);
}

/* Just enough: a queue that comes and goes is left alone. */
static void test_codel_leaves_a_good_queue_alone(void **state)
{
    hp_link_config config = {.rate_bps = 12000000, .queue_kind = HP_QUEUE_CODEL, .queue_packets = N};
    bench b = bench_new(1, &config);
    for (unsigned i = 0; i < N / 50; i++) {
        run(&b, i * 55 * HP_MS);
        put_times(&b, 50, PAYLOAD_1500); /* up to 49 ms of waiting, 5 ms of rest */
    }
    run(&b, 1000 * HP_S);
    assert_int_equal(b.far->hits->len, N);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent_effects),
        cmocka_unit_test(test_gilbert_elliott_with_loss_in_both_states),
        cmocka_unit_test(test_burst_lengths),
        cmocka_unit_test(test_the_chain_starts_where_it_is_told),
        cmocka_unit_test(test_a_chain_is_steady_again_when_turned_on_again),
        cmocka_unit_test(test_a_constant_rate),
        cmocka_unit_test(test_steps_of_a_rate),
        cmocka_unit_test(test_opportunities),
        cmocka_unit_test(test_outages),
        cmocka_unit_test(test_codel_drops_by_its_law),
        cmocka_unit_test(test_codel_in_a_moderate_overload),
        cmocka_unit_test(test_codel_leaves_a_good_queue_alone),
    };
    return cmocka_run_group_tests_name("link statistics", tests, NULL, NULL);
}
