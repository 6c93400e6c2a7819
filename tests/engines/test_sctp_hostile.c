/* What nobody in his right mind would send. Nothing of it may crash or hang an association; noise may not even end
 * it. */
#include "sctp_pipe.h"

static void feed(pipe_t *p, const uint8_t *data, size_t len)
{
    hp_sctp_input(p->end[1].sctp, p->now, data, len);
}

/* The checksum where a header has room for it (RFC 9260 section 6.8), so that what follows is looked at. */
static void put_checksum(uint8_t *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    memset(data + 8, 0, 4);
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    crc = GUINT32_TO_LE(~crc);
    memcpy(data + 8, &crc, sizeof crc);
}

static void assert_still_works(pipe_t *p)
{
    unsigned before = pipe_count(p, 1, HP_SCTP_EV_MESSAGE);
    assert_int_equal(pipe_say(p, 0, 0, "still there?", 12), HP_SCTP_OK);
    pipe_run(p, p->now + 5 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), before + 1);
}

static void test_noise(void **state)
{
    pipe_t *p = pipe_connected(1);
    hp_rng rng;
    hp_rng_init(&rng, 1, "noise");
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t data[256];
        size_t len = hp_rng_below(&rng, sizeof data);
        hp_rng_bytes(&rng, data, len);
        feed(p, data, len);
    }
    assert_still_works(p);
    pipe_free(p);
}

/* With the right ports and checksum, but not the tag of the association. */
static void test_noise_with_a_header(void **state)
{
    pipe_t *p = pipe_connected(1);
    hp_rng rng;
    hp_rng_init(&rng, 1, "noise");
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t data[256];
        size_t len = 16 + hp_rng_below(&rng, sizeof data - 16);
        hp_rng_bytes(&rng, data, len);
        data[0] = data[2] = 5000 >> 8;
        data[1] = data[3] = 5000 & 0xff;
        data[12] = (uint8_t)hp_rng_below(&rng, 16);
        put_checksum(data, len);
        feed(p, data, len);
    }
    assert_still_works(p);
    pipe_free(p);
}

/* Every packet of an association's life, cut short anywhere. */
static void test_cut_packets(void **state)
{
    pipe_t *p = pipe_connected(1);
    uint8_t large[3000] = {0};
    pipe_say(p, 0, 0, large, sizeof large);
    hp_sctp_reset_stream(p->end[0].sctp, p->now, 0);
    pipe_run(p, 40 * HP_S);
    unsigned n = p->packets->len;
    for (unsigned i = 0; i < n; i++) {
        const pipe_packet *packet = p->packets->pdata[i];
        gsize len;
        g_autofree uint8_t *copy = g_memdup2(g_bytes_get_data(packet->bytes, NULL), g_bytes_get_size(packet->bytes));
        len = g_bytes_get_size(packet->bytes);
        for (gsize cut = 12; cut < len && packet->from == 0; cut += len > 300 ? 37 : 1) {
            g_autofree uint8_t *shorter = g_memdup2(copy, cut);
            put_checksum(shorter, cut);
            feed(p, shorter, cut);
        }
    }
    pipe_run(p, p->now + 100 * HP_S);
    pipe_free(p);
}

/* Packets of the association itself, tag and checksum right, with anything else altered. It may end, in a way that is
 * told, but not crash. */
static void test_altered_packets(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "altered");
    for (unsigned round = 0; round < 150; round++) {
        pipe_t *p = pipe_connected(1);
        uint8_t large[2000] = {0};
        for (unsigned i = 0; i < 4; i++) {
            pipe_say(p, 0, (uint16_t)i, large, sizeof large);
        }
        hp_sctp_reset_stream(p->end[0].sctp, p->now, 0);
        pipe_run(p, 3 * HP_S);
        unsigned n = p->packets->len;
        for (unsigned i = 0; i < n; i++) {
            const pipe_packet *packet = p->packets->pdata[i];
            gsize len = g_bytes_get_size(packet->bytes);
            g_autofree uint8_t *copy = g_memdup2(g_bytes_get_data(packet->bytes, NULL), len);
            for (unsigned k = 0; k < 3 && packet->from == 0; k++) {
                copy[12 + hp_rng_below(&rng, MIN(len - 12, 40))] = (uint8_t)hp_rng_u64(&rng);
                put_checksum(copy, len);
                feed(p, copy, len);
            }
        }
        pipe_run(p, p->now + 100 * HP_S);
        hp_sctp_state now = hp_sctp_get_state(p->end[1].sctp);
        unsigned ends = pipe_count(p, 1, HP_SCTP_EV_CLOSED) + pipe_count(p, 1, HP_SCTP_EV_FAILED);
        assert_int_equal(ends, now == HP_SCTP_CLOSED || now == HP_SCTP_FAILED ? 1 : 0);
        pipe_free(p);
    }
}

static void test_before_and_after(void **state)
{
    pipe_t *p = pipe_new(1, HP_MS);
    pipe_add(p, 1, NULL);
    hp_sctp *bob = pipe_add(p, 1, NULL);
    uint8_t data[64] = {0};
    feed(p, data, sizeof data);
    hp_sctp_start(bob, 0);
    hp_sctp_abort(bob, 0);
    unsigned sent = p->packets->len;
    feed(p, data, sizeof data);
    hp_sctp_run(bob, 10 * HP_S);
    assert_int_equal(p->packets->len, sent);
    pipe_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_noise_with_a_header),
        cmocka_unit_test(test_cut_packets),
        cmocka_unit_test(test_altered_packets),
        cmocka_unit_test(test_before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
