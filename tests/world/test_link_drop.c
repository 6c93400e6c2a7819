/* A link's exact losses among the packets that match: counts of their own, kept or begun anew by new settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "world/link.h"
#include "world/probe.h"

#define A "192.0.2.1:1000"
#define B "192.0.2.2:2000"

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_link *link;
    probe *far;
    uint32_t tap;
} bench;

static bench bench_new(const hp_link_config *config)
{
    bench b = {.trace = hp_trace_new(NULL)};
    assert_non_null(b.trace);
    b.tap = hp_trace_tap(b.trace, "a");
    b.world = hp_world_new(1, b.trace);
    b.link = hp_link_new(b.world, "a>b", config);
    b.far = probe_new(b.world, "far");
    hp_node_connect(hp_link_node(b.link), 0, &b.far->node, 0);
    return b;
}

static void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
}

static const uint8_t dtls_record[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0xaa, 0xbb};
static const uint8_t rtp_packet[] = {0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x55};

/* uids count from 1 in the order of the calls. */
static void put(bench *b, const void *payload, size_t length)
{
    hp_packet *p = udp_packet(b->world, A, B, length);
    if (length > 0) {
        memcpy(p->payload, payload, length);
    }
    hp_trace_packet(b->trace, hp_world_now(b->world), b->tap, HP_DIR_OUT, p);
    give(hp_link_node(b->link), 0, p);
}

static void put_dtls(bench *b)
{
    put(b, dtls_record, sizeof dtls_record);
}

static void put_rtp(bench *b)
{
    put(b, rtp_packet, sizeof rtp_packet);
}

static void put_wrapped(bench *b, const void *payload, size_t length)
{
    uint8_t wrapped[64];
    put(b, wrapped, hp_channel_data_write(wrapped, sizeof wrapped, 0x4001, payload, length));
}

/* Runs, then compares the uids of what was dropped by the list with those given, "2 4 5". */
static void assert_dropped(bench *b, const char *uids)
{
    assert_true(hp_world_run_until(b->world, hp_world_now(b->world) + HP_S, NULL));
    g_autoptr(GString) dropped = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r = {0};
    while (hp_trace_next_of(b->trace, &cursor, 1u << HP_RECORD_DROP, &r)) {
        if (r.drop.reason == HP_DROP_LINK_LIST) {
            g_string_append_printf(dropped, "%s%" G_GUINT64_FORMAT, dropped->len > 0 ? " " : "", r.drop.uid);
        }
    }
    assert_string_equal(dropped->str, uids);
}

static void test_second_dtls_packet_only(void **state)
{
    hp_packet_range second[] = {{2, 2}};
    bench b =
        bench_new(&(hp_link_config){.drop = second, .n_drop = 1, .drop_some = true, .drop_match.dtls = HP_PRESENT});
    put_rtp(&b);
    put_rtp(&b);
    put_dtls(&b);
    put_rtp(&b);
    put_dtls(&b); /* uid 5 */
    put_dtls(&b);
    assert_dropped(&b, "5");
    assert_int_equal(b.far->hits->len, 5);
    assert_int_equal(hp_link_get_stats(b.link).lost, 1);
    assert_int_equal(hp_link_get_stats(b.link).packets, 6);

    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LIST, &r), 1);
    assert_string_equal(r.drop.place, "link a>b");
    assert_string_equal(r.drop.detail, "matching packet 2 of this link");
    assert_string_equal(hp_drop_name(r.drop.reason), "drop-list");
    assert_int_equal(r.drop.packet, 5);
    bench_free(&b);
}

static void test_inside_channel_data(void **state)
{
    hp_packet_range some[] = {{2, 3}};
    hp_link_config config = {
        .drop = some, .n_drop = 1, .drop_some = true, .drop_match = {.dtls = HP_PRESENT, .inside = true}};
    bench b = bench_new(&config);
    put_wrapped(&b, rtp_packet, sizeof rtp_packet);
    put_wrapped(&b, dtls_record, sizeof dtls_record); /* the first */
    put_dtls(&b); /* 3 */
    put_wrapped(&b, rtp_packet, sizeof rtp_packet);
    put_wrapped(&b, dtls_record, sizeof dtls_record); /* 5 */
    put_dtls(&b);
    assert_dropped(&b, "3 5");
    bench_free(&b);

    config.drop_match.inside = false;
    b = bench_new(&config);
    put_wrapped(&b, dtls_record, sizeof dtls_record);
    put_dtls(&b); /* the first that counts */
    put_wrapped(&b, dtls_record, sizeof dtls_record);
    put_dtls(&b); /* 4 */
    assert_dropped(&b, "4");
    bench_free(&b);
}

static void test_an_empty_match_counts_all(void **state)
{
    hp_packet_range some[] = {{2, 2}, {4, 0}};
    bench b = bench_new(&(hp_link_config){.drop = some, .n_drop = 2, .drop_some = true});
    for (unsigned i = 0; i < 5; i++) {
        put_rtp(&b);
    }
    assert_dropped(&b, "2 4 5");
    bench_free(&b);
}

static void test_settings_that_keep_the_match_keep_the_count(void **state)
{
    hp_packet_range third[] = {{3, 3}};
    bench b = bench_new(&(hp_link_config){.drop_some = true, .drop_match.dtls = HP_PRESENT});
    put_dtls(&b); /* counted, though no number is listed yet */
    hp_link_config config = *hp_link_get_config(b.link);
    config.drop = third;
    config.n_drop = 1;
    hp_link_configure(b.link, &config, "list");
    put_dtls(&b);
    config = *hp_link_get_config(b.link);
    config.delay_ns = HP_MS;
    hp_link_configure(b.link, &config, "delay");
    hp_link_configure(b.link, hp_link_get_config(b.link), "nothing");
    put_rtp(&b);
    put_dtls(&b); /* 4: the third */
    put_dtls(&b);
    assert_dropped(&b, "4");
    bench_free(&b);
}

static void test_another_match_begins_anew(void **state)
{
    hp_packet_range second[] = {{2, 2}};
    bench b =
        bench_new(&(hp_link_config){.drop = second, .n_drop = 1, .drop_some = true, .drop_match.dtls = HP_PRESENT});
    put_dtls(&b);
    put_rtp(&b);
    hp_link_config config = *hp_link_get_config(b.link);
    config.drop = second; /* not the link's own list, which goes with the next settings */
    config.drop_match = (hp_match){.rtp = HP_PRESENT};
    hp_link_configure(b.link, &config, "match");
    put_rtp(&b);
    put_dtls(&b);
    put_rtp(&b); /* 5: the second since */
    config.drop_match = (hp_match){.dtls = HP_PRESENT};
    hp_link_configure(b.link, &config, "match");
    put_dtls(&b);
    put_dtls(&b); /* 7 */
    config.drop_some = false; /* the link's own numbers: 2 has long passed */
    hp_link_configure(b.link, &config, "drop");
    put_dtls(&b);
    config.drop_some = true;
    hp_link_configure(b.link, &config, "drop");
    put_dtls(&b);
    put_dtls(&b); /* 10 */
    assert_dropped(&b, "5 7 10");
    bench_free(&b);
}

static void test_plain_numbers_go_on(void **state)
{
    hp_packet_range list[] = {{2, 2}, {5, 5}};
    bench b = bench_new(&(hp_link_config){0});
    put_rtp(&b);
    put_rtp(&b);
    hp_link_configure(b.link, &(hp_link_config){.drop = list, .n_drop = 2}, "drop"); /* 2 has passed */
    put_rtp(&b);
    put_rtp(&b);
    put_rtp(&b); /* 5 */
    assert_dropped(&b, "5");
    bench_free(&b);
}

/* Lists of attributes are part of the match, and the link's copy is its own. */
static void test_attribute_lists_are_copied_and_compared(void **state)
{
    static const uint8_t id[12] = {1, 2, 3};
    uint8_t with_use[64], without[64];
    hp_stun_writer w;
    hp_stun_begin(&w, with_use, sizeof with_use, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    const size_t with_length = hp_stun_finish(&w);
    hp_stun_begin(&w, without, sizeof without, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    const size_t without_length = hp_stun_finish(&w);

    hp_packet_range second[] = {{2, 2}};
    uint16_t *attributes = g_new(uint16_t, 1);
    attributes[0] = HP_STUN_USE_CANDIDATE;
    hp_link_config config = {.drop = second,
                             .n_drop = 1,
                             .drop_some = true,
                             .drop_match.stun = {.with = attributes, .n_with = 1, .present = HP_PRESENT}};
    bench b = bench_new(&config);
    hp_match_clear(&config.drop_match);
    put(&b, with_use, with_length);
    put(&b, without, without_length);

    uint16_t same[] = {HP_STUN_USE_CANDIDATE};
    config.drop_match.stun = (hp_match_stun){.with = same, .n_with = 1, .present = HP_PRESENT};
    hp_link_configure(b.link, &config, "the same match from other memory");
    put(&b, with_use, with_length); /* 3: the second */
    uint16_t other[] = {HP_STUN_PRIORITY};
    config.drop_match.stun = (hp_match_stun){.without = other, .n_without = 1, .present = HP_PRESENT};
    hp_link_configure(b.link, &config, "another list");
    put(&b, with_use, with_length);
    put(&b, without, without_length); /* 5 */
    assert_dropped(&b, "3 5");
    bench_free(&b);
}

static void test_counted_while_the_link_is_down(void **state)
{
    hp_packet_range third[] = {{3, 3}};
    bench b = bench_new(
        &(hp_link_config){.drop = third, .n_drop = 1, .drop_some = true, .drop_match.dtls = HP_PRESENT, .down = true});
    put_dtls(&b);
    put_dtls(&b);
    hp_link_config config = *hp_link_get_config(b.link);
    config.down = false;
    hp_link_configure(b.link, &config, "down");
    put_dtls(&b); /* 3 */
    put_dtls(&b);
    assert_dropped(&b, "3");
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_DOWN, NULL), 2);
    bench_free(&b);
}

/* A packet on the list draws no luck, so that the others' is as it would be without it. */
static void test_random_losses_come_after(void **state)
{
    hp_packet_range first[] = {{1, 1}};
    hp_link_config config = {.loss_ppb = HP_PPB / 2, .drop_some = true, .drop_match.dtls = HP_PRESENT};
    bench plain = bench_new(&config);
    config.drop = first;
    config.n_drop = 1;
    bench listed = bench_new(&config);
    put_dtls(&listed);
    for (unsigned i = 0; i < 200; i++) {
        put_rtp(&plain);
        put_rtp(&listed);
    }
    assert_true(hp_world_run_until(plain.world, HP_S, NULL));
    assert_true(hp_world_run_until(listed.world, HP_S, NULL));
    assert_int_equal(plain.far->hits->len, listed.far->hits->len);
    for (unsigned i = 0; i < plain.far->hits->len; i++) {
        assert_int_equal(probe_at(plain.far, i)->p->uid + 1, probe_at(listed.far, i)->p->uid);
    }
    bench_free(&plain);
    bench_free(&listed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_dtls_packet_only),
        cmocka_unit_test(test_inside_channel_data),
        cmocka_unit_test(test_an_empty_match_counts_all),
        cmocka_unit_test(test_settings_that_keep_the_match_keep_the_count),
        cmocka_unit_test(test_another_match_begins_anew),
        cmocka_unit_test(test_plain_numbers_go_on),
        cmocka_unit_test(test_attribute_lists_are_copied_and_compared),
        cmocka_unit_test(test_counted_while_the_link_is_down),
        cmocka_unit_test(test_random_losses_come_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
