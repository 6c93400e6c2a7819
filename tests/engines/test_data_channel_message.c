/* DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK, octet by octet (RFC 8832 section 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "engines/data_channel_message.h"

typedef struct sample {
    hp_channel_config config;
    uint8_t head[12];
} sample;

static const sample samples[] = {
    {{.label = (char *)"ab"}, {3, 0x00, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0}},
    {{.label = (char *)"ab", .protocol = (char *)"x"}, {3, 0x00, 1, 0, 0, 0, 0, 0, 0, 2, 0, 1}},
    {{.label = (char *)"ab", .unordered = true}, {3, 0x80, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0}},
    {{.label = (char *)"ab", .limit_retransmits = true}, {3, 0x01, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0}},
    {{.label = (char *)"ab", .unordered = true, .limit_retransmits = true, .max_retransmits = 0x01020304},
     {3, 0x81, 1, 0, 1, 2, 3, 4, 0, 2, 0, 0}},
    {{.label = (char *)"ab", .limit_lifetime = true, .max_lifetime = 300 * HP_MS},
     {3, 0x02, 1, 0, 0, 0, 1, 44, 0, 2, 0, 0}},
    {{.label = (char *)"", .unordered = true, .limit_lifetime = true, .max_lifetime = HP_MS},
     {3, 0x82, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0}},
};

static void test_open_both_ways(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(samples); i++) {
        const hp_channel_config *config = &samples[i].config;
        g_autoptr(GBytes) bytes = hp_dcep_write_open(&(hp_dcep_open){.priority = 256, .channel = *config}, NULL);
        gsize len;
        const uint8_t *data = g_bytes_get_data(bytes, &len);
        const char *protocol = config->protocol ? config->protocol : "";
        g_autofree char *text = g_strconcat(config->label, protocol, NULL);
        assert_int_equal(len, 12 + strlen(text));
        assert_memory_equal(data, samples[i].head, 12);
        assert_memory_equal(data + 12, text, strlen(text));

        hp_dcep_type type;
        hp_dcep_open open;
        const char *fault = NULL;
        assert_true(hp_dcep_read(data, len, &type, &open, &fault));
        assert_int_equal(type, HP_DCEP_OPEN);
        assert_int_equal(open.priority, 256);
        assert_string_equal(open.channel.label, config->label);
        assert_string_equal(open.channel.protocol, protocol);
        assert_int_equal(open.channel.unordered, config->unordered);
        assert_int_equal(open.channel.limit_retransmits, config->limit_retransmits);
        assert_int_equal(open.channel.limit_lifetime, config->limit_lifetime);
        assert_int_equal(open.channel.max_retransmits, config->max_retransmits);
        assert_int_equal(open.channel.max_lifetime, config->max_lifetime);
        hp_dcep_open_clear(&open);
    }
}

static void test_ack(void **state)
{
    g_autoptr(GBytes) bytes = hp_dcep_write_ack();
    hp_dcep_type type;
    hp_dcep_open open;
    const char *fault = NULL;
    assert_int_equal(g_bytes_get_size(bytes), 1);
    assert_true(hp_dcep_read(g_bytes_get_data(bytes, NULL), 1, &type, &open, &fault));
    assert_int_equal(type, HP_DCEP_ACK);
    /* pion's is as long as a header would be */
    static const uint8_t longer[] = {2, 0, 0, 0};
    type = HP_DCEP_OPEN;
    assert_true(hp_dcep_read(longer, sizeof longer, &type, &open, &fault));
    assert_int_equal(type, HP_DCEP_ACK);
}

static void test_malformed(void **state)
{
    static const struct {
        uint8_t data[16];
        size_t len;
        const char *fault;
    } bad[] = {
        {{0}, 0, "type"},
        {{0}, 1, "type"},
        {{1}, 1, "type"},
        {{4}, 1, "type"},
        {{3}, 1, "length"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 11, "length"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 12, "length"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 12, "length"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 'a'}, 13, "length"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a'}, 13, "length"},
        {{3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "channel-type"},
        {{3, 0x83, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "channel-type"},
        {{3, 0x40, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12, "channel-type"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff}, 13, "text"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 13, "text"},
        {{3, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 'a', 0xc3}, 14, "text"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        hp_dcep_type type;
        hp_dcep_open open;
        const char *fault = NULL;
        /* exactly as large as told, so that a read beyond is seen */
        g_autofree uint8_t *data = g_memdup2(bad[i].data, bad[i].len);
        assert_false(hp_dcep_read(data, bad[i].len, &type, &open, &fault));
        assert_string_equal(fault, bad[i].fault);
    }
}

static void test_what_cannot_be_written(void **state)
{
    g_autofree char *longest = g_strnfill(65535, 'a'), *longer = g_strnfill(65536, 'a');
    const hp_channel_config bad[] = {
        {.label = longer},
        {.label = (char *)"a", .protocol = longer},
        {.label = (char *)"\xff"},
        {.label = (char *)"a", .limit_lifetime = true, .limit_retransmits = true},
        {.label = (char *)"a", .limit_lifetime = true, .max_lifetime = (UINT32_MAX + UINT64_C(1)) * HP_MS},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(hp_dcep_write_open(&(hp_dcep_open){.channel = bad[i]}, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    }
    const hp_channel_config good = {.label = longest};
    g_autoptr(GBytes) bytes = hp_dcep_write_open(&(hp_dcep_open){.channel = good}, NULL);
    assert_int_equal(g_bytes_get_size(bytes), 12 + 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_both_ways),
        cmocka_unit_test(test_ack),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_what_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
