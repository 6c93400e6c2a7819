/* A link whose settings change at random, over and over, while packets of all sizes enter: no packet gets lost without
 * a reason, none passes another that it must not pass, and every run is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/link_rig.h"

enum { CHANGES = 300, MAX_ENTRIES = 4 };

typedef struct arrays {
    hp_rate_step steps[MAX_ENTRIES];
    hp_time opportunities[MAX_ENTRIES], jitter[MAX_ENTRIES];
    hp_time_window outages[MAX_ENTRIES];
} arrays;

static bool one_in(hp_rng *rng, unsigned n)
{
    return hp_rng_below(rng, n) == 0;
}

static hp_link_config random_config(hp_rng *rng, arrays *a)
{
    hp_link_config c = {
        .delay_ns = hp_rng_below(rng, 20 * HP_MS),
        .jitter_kind = (hp_jitter_kind)hp_rng_below(rng, HP_JITTER_EMPIRICAL + 1),
        .jitter_ns = one_in(rng, 2) ? hp_rng_below(rng, 10 * HP_MS) : 0,
        .jitter_sigma_ns = hp_rng_below(rng, 5 * HP_MS),
        .jitter_shape_milli = 1500,
        .jitter_list = a->jitter,
        .n_jitter_list = 1 + (unsigned)hp_rng_below(rng, MAX_ENTRIES),
        .loss_ppb = one_in(rng, 4) ? HP_PPB / 50 : 0,
        .burst_enter_ppb = one_in(rng, 4) ? HP_PPB / 50 : 0,
        .burst_leave_ppb = HP_PPB / 3,
        .burst_loss_ppb = HP_PPB / 2,
        .burst_steady = one_in(rng, 2),
        .duplicate_ppb = one_in(rng, 3) ? HP_PPB / 5 : 0,
        .corrupt_ppb = one_in(rng, 3) ? HP_PPB / 5 : 0,
        .queue_packets = one_in(rng, 3) ? 1 + (uint32_t)hp_rng_below(rng, 20) : 0,
        .queue_bytes = one_in(rng, 3) ? 1 + hp_rng_below(rng, 20000) : 0,
        .queue_kind = one_in(rng, 2) ? HP_QUEUE_CODEL : HP_QUEUE_DROP_TAIL,
        .codel_interval_ns = 10 * HP_MS,
        .codel_ecn = one_in(rng, 2),
        .times_from_change = one_in(rng, 2),
    };
    hp_time at = 0, out = 0, ready = 0;
    for (unsigned i = 0; i < MAX_ENTRIES; i++) {
        a->jitter[i] = hp_rng_below(rng, 10 * HP_MS);
        a->steps[i] = (hp_rate_step){at, one_in(rng, 3) ? 0 : 1 + hp_rng_below(rng, 20000000)};
        at += 1 + hp_rng_below(rng, 10 * HP_MS);
        ready += hp_rng_below(rng, 5 * HP_MS);
        a->opportunities[i] = ready + 1;
        a->outages[i].from = out + hp_rng_below(rng, 20 * HP_MS);
        a->outages[i].to = out = a->outages[i].from + 1 + hp_rng_below(rng, 5 * HP_MS);
    }
    unsigned n = 1 + (unsigned)hp_rng_below(rng, MAX_ENTRIES);
    switch (hp_rng_below(rng, 4)) {
    case 0:
        c.rate_bps = 1 + hp_rng_below(rng, 20000000);
        break;
    case 1:
        c.rate_bps = 1000000;
        a->steps[0].at = 1;
        c.rate_steps = a->steps;
        c.n_rate_steps = n;
        c.rate_cycle = one_in(rng, 2) ? a->steps[n - 1].at + 2 : 0;
        break;
    case 2:
        c.opportunities = a->opportunities;
        c.n_opportunities = n;
        break;
    }
    if (one_in(rng, 3)) {
        c.outages = a->outages;
        c.n_outages = n;
        c.outage_cycle = one_in(rng, 2) ? a->outages[n - 1].to : 0;
    }
    assert_true(hp_link_config_check(&c, NULL));
    return c;
}

/* A digest of what arrived and when. */
static uint64_t live_through(uint64_t seed)
{
    bench b = bench_new(seed, &(hp_link_config){0});
    hp_rng rng;
    hp_rng_init(&rng, seed, "stress");
    arrays a;
    unsigned n = 0;
    for (unsigned i = 0; i < CHANGES; i++) {
        hp_link_config config = random_config(&rng, &a);
        hp_link_configure(b.link, &config, "at random");
        for (unsigned burst = 0; burst < 8; burst++) {
            for (unsigned k = (unsigned)hp_rng_below(&rng, 6); k > 0; k--) {
                hp_packet *p = udp_packet(b.world, A, B, hp_rng_below(&rng, PAYLOAD_1500 + 1));
                p->tos = (uint8_t)hp_rng_below(&rng, 4);
                give(hp_link_node(b.link), 0, p);
                n++;
            }
            run(&b, hp_world_now(b.world) + hp_rng_below(&rng, 4 * HP_MS));
        }
    }
    hp_link_configure(b.link, &(hp_link_config){0}, "all out");
    run(&b, hp_world_now(b.world) + 3600 * 24 * HP_S);
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_int_equal(stats.packets, n);
    assert_int_equal(stats.delivered, b.far->hits->len);
    assert_int_equal(stats.packets + stats.duplicated,
                     stats.delivered + stats.lost + stats.queue_drops + stats.codel_drops);
    uint64_t digest = 0, latest = 0;
    for (unsigned i = 0; i < b.far->hits->len; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        assert_true(hit->p->uid >= latest); /* a twin comes with its packet */
        latest = hit->p->uid;
        digest = (digest ^ hit->at ^ hit->p->uid << 40 ^ hit->p->tos) * UINT64_C(0x100000001b3);
    }
    bench_free(&b);
    return digest;
}

static void test_nothing_is_lost_and_nobody_is_passed(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t once = live_through(seed);
        if (seed % 8 == 0) {
            assert_int_equal(live_through(seed), once);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_and_nobody_is_passed),
    };
    return cmocka_run_group_tests_name("link stress", tests, NULL, NULL);
}
