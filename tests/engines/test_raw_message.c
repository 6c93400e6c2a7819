/* What a raw agent says, byte for byte: the test vectors of RFC 5769 spelled out, everything that can be said wrong,
 * DTLS fragments, RTP, TURN's wrappings. */
#include "raw_rig.h"

#include "../wire/hex.h"
#include "wire/bytes.h"

static void say(raw_rig *r, hp_raw_message message)
{
    static hp_raw_action action;
    action =
        (hp_raw_action){.kind = HP_RAW_SEND,
                        .send = {.to = (char *)"server", .socket = (char *)"main", .message = message, .times = 1}};
    rig_init(r, &action, 1);
    rig_start(r);
}

static void assert_vector(const char *name, const hp_raw_stun *stun)
{
    raw_rig r = {0};
    g_autofree char *path = g_strdup_printf("%s/fixtures/rfc5769/%s.hex", HAIRPIN_SOURCE_DIR, name);
    g_autoptr(GBytes) bytes = hex_file(path);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree char *hex = hp_hex_format(data, len);
    say(&r, (hp_raw_message){.content = HP_RAW_STUN, .stun = *stun});
    rig_assert_out(&r, 0, hex);
    rig_clear(&r);
}

static void the_vectors_of_rfc_5769(void **state)
{
    hp_raw_attribute request[] = {
        {.name = "SOFTWARE", .type = HP_STUN_SOFTWARE, .value = "STUN test client"},
        {.name = "PRIORITY", .type = HP_STUN_PRIORITY, .value = "0x6e0001ff"},
        {.name = "ICE-CONTROLLED", .type = HP_STUN_ICE_CONTROLLED, .value = "0x932ff9b151263b36"},
        {.name = "USERNAME", .type = HP_STUN_USERNAME, .value = "evtj:h6vY", .has_padding = true, .padding = 0x20},
        {.name = "MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .value = "VOkJxbRl1RmTxUk/WvJxBt"},
        {.name = "FINGERPRINT", .type = HP_STUN_FINGERPRINT},
    };
    hp_raw_attribute response[] = {
        {.name = "SOFTWARE", .type = HP_STUN_SOFTWARE, .value = "test vector", .has_padding = true, .padding = 0x20},
        {.name = "XOR-MAPPED-ADDRESS", .type = HP_STUN_XOR_MAPPED_ADDRESS, .value = "192.0.2.1:32853"},
        {.name = "MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .password = "VOkJxbRl1RmTxUk/WvJxBt"},
        {.name = "FINGERPRINT", .type = HP_STUN_FINGERPRINT, .value = "right"},
    };
    hp_raw_attribute response6[] = {
        response[0],
        {.name = "XOR-MAPPED-ADDRESS",
         .type = HP_STUN_XOR_MAPPED_ADDRESS,
         .value = "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
        response[2],
        response[3],
    };
    hp_raw_attribute long_term[] = {
        {.name = "USERNAME",
         .type = HP_STUN_USERNAME,
         .value = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"},
        {.name = "NONCE", .type = HP_STUN_NONCE, .value = "f//499k954d6OL34oL9FSTvy64sA"},
        {.name = "REALM", .type = HP_STUN_REALM, .value = "example.org"},
        {.name = "MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .value = "TheMatrIX"},
    };
    char *id = "b7e7a701bc34d686fa87dfae", *other = "78ad3433c6ad72c029da412e";
    assert_vector("request", &(hp_raw_stun){.id = id, .attributes = request, .n_attributes = 6});
    assert_vector(
        "response-ipv4",
        &(hp_raw_stun){.has_class = true, .cls = HP_STUN_SUCCESS, .id = id, .attributes = response, .n_attributes = 4});
    assert_vector("response-ipv6",
                  &(hp_raw_stun){
                      .has_class = true, .cls = HP_STUN_SUCCESS, .id = id, .attributes = response6, .n_attributes = 4});
    assert_vector("request-long-term", &(hp_raw_stun){.id = other, .attributes = long_term, .n_attributes = 4});
}

/* Header fields and lengths that lie, padding that is missing or not zero, an attribute twice, digests that are wrong
 * or cut short. */
static void everything_can_be_said_wrong(void **state)
{
    raw_rig r = {0};
    hp_raw_attribute list[] = {
        {.name = "0x8fff", .type = 0x8fff, .value = "01 02 03", .has_padding = true, .padding = 0xee},
        {.name = "SOFTWARE", .type = HP_STUN_SOFTWARE, .text = "ab", .has_length = true, .length = 9},
        {.name = "USE-CANDIDATE", .type = HP_STUN_USE_CANDIDATE},
        {.name = "USE-CANDIDATE", .type = HP_STUN_USE_CANDIDATE},
        {.name = "0x0001", .type = 0x0001, .hex = "ff", .no_padding = true},
    };
    say(&r, (hp_raw_message){.content = HP_RAW_STUN,
                             .stun = {.has_type = true,
                                      .type = 0xffff,
                                      .id = "000102030405060708090a0b",
                                      .cookie = "deadbeef",
                                      .has_length = true,
                                      .length = 7,
                                      .attributes = list,
                                      .n_attributes = 5}});
    rig_assert_out(&r, 0,
                   "ffff0007deadbeef000102030405060708090a0b"
                   "8fff0003010203ee"
                   "8022000961620000"
                   "00250000"
                   "00250000"
                   "00010001ff");
    rig_clear(&r);
}

static void digests_wrong_and_cut(void **state)
{
    raw_rig r = {0};
    hp_raw_attribute list[] = {
        {.name = "MESSAGE-INTEGRITY-SHA256",
         .type = HP_STUN_MESSAGE_INTEGRITY_SHA256,
         .value = "secret",
         .truncate = 16},
        {.name = "FINGERPRINT", .type = HP_STUN_FINGERPRINT, .wrong = true},
    };
    hp_stun_key key = hp_stun_key_short("secret", 6);
    hp_stun_msg m;
    hp_stun_attr attr;
    say(&r, (hp_raw_message){.content = HP_RAW_STUN, .stun = {.attributes = list, .n_attributes = 2}});
    assert_true(hp_stun_parse(rig_out(&r, 0)->bytes->data, rig_out(&r, 0)->bytes->len, &m));
    assert_true(hp_stun_find(&m, HP_STUN_MESSAGE_INTEGRITY_SHA256, &attr));
    assert_int_equal(attr.length, 16);
    assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_BAD);
    rig_out(&r, 0)->bytes->data[m.length - 1] ^= 1;
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    rig_clear(&r);
}

/* An empty password or key is a key of no bytes. */
static void empty_keys(void **state)
{
    hp_raw_attribute list[] = {
        {.name = "MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .key = ""},
        {.name = "FINGERPRINT", .type = HP_STUN_FINGERPRINT},
    };
    hp_stun_msg m;
    hp_stun_key key = hp_stun_key_short("", 0);
    raw_rig r = {0};
    say(&r, (hp_raw_message){.content = HP_RAW_STUN, .stun = {.attributes = list, .n_attributes = 2}});
    assert_true(hp_stun_parse(rig_out(&r, 0)->bytes->data, rig_out(&r, 0)->bytes->len, &m));
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    rig_clear(&r);
}

static void turn_wraps_it(void **state)
{
    raw_rig r = {0}, s = {0}, t = {0};
    say(&r, (hp_raw_message){.content = HP_RAW_TEXT, .text = "hey", .through_channel = "0x4001"});
    rig_assert_out(&r, 0, "40010003686579");
    rig_clear(&r);
    say(&s, (hp_raw_message){.content = HP_RAW_CHANNEL_DATA,
                             .channel_data = {.channel = "16386", .bytes = "aabb", .has_length = true, .length = 9}});
    rig_assert_out(&s, 0, "40020009aabb");
    rig_clear(&s);

    hp_stun_msg m;
    hp_stun_attr attr;
    hp_addr peer;
    say(&t, (hp_raw_message){.content = HP_RAW_BYTES, .bytes = "0102 03", .through_peer = "192.0.2.9:7000"});
    assert_true(hp_stun_parse(rig_out(&t, 0)->bytes->data, rig_out(&t, 0)->bytes->len, &m));
    assert_int_equal(m.method, HP_STUN_SEND);
    assert_int_equal(m.cls, HP_STUN_INDICATION);
    assert_true(hp_stun_find(&m, HP_STUN_XOR_PEER_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, true, &peer));
    assert_true(hp_addr_equal(&peer, &(hp_addr){.ip = {192, 0, 2, 9}, .port = 7000, .family = HP_AF_IPV4}));
    assert_true(hp_stun_find(&m, HP_STUN_DATA_ATTR, &attr));
    assert_int_equal(attr.length, 3);
    assert_memory_equal(attr.value, "\x01\x02\x03", 3);
    rig_clear(&t);
}

/* A handshake message of 10 bytes in fragments of 4: each record tells the whole's length and its own part. */
static void dtls_fragments(void **state)
{
    raw_rig r = {0}, s = {0};
    hp_raw_dtls dtls = {.type = 22,
                        .version = 0xfefd,
                        .has_handshake = true,
                        .handshake = 1,
                        .message = 2,
                        .body = "00010203040506070809",
                        .fragment = 4};
    say(&r, (hp_raw_message){.content = HP_RAW_DTLS, .dtls = dtls});
    assert_int_equal(r.out->len, 3);
    rig_assert_out(&r, 0,
                   "16fefd0000000000000000001001"
                   "00000a"
                   "0002"
                   "000000"
                   "000004"
                   "00010203");
    rig_assert_out(&r, 1,
                   "16fefd0000000000000001001001"
                   "00000a"
                   "0002"
                   "000004"
                   "000004"
                   "04050607");
    rig_assert_out(&r, 2,
                   "16fefd0000000000000002000e01"
                   "00000a"
                   "0002"
                   "000008"
                   "000002"
                   "0809");
    rig_clear(&r);

    dtls.reversed = dtls.together = dtls.has_sequence = true;
    dtls.sequence = 7;
    dtls.epoch = 1;
    dtls.fragment = 8;
    say(&s, (hp_raw_message){.content = HP_RAW_DTLS, .dtls = dtls});
    assert_int_equal(s.out->len, 1);
    rig_assert_out(&s, 0,
                   "16fefd0001000000000008000e0100000a00020000080000020809"
                   "16fefd000100000000000700140100000a00020000000000080001020304050607");
    rig_clear(&s);
}

static void a_client_hello(void **state)
{
    raw_rig r = {0};
    hp_raw_dtls dtls = {.type = 22,
                        .version = 0xfeff,
                        .has_hello = true,
                        .hello = {.version = 0xfefd,
                                  .random = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                                  .cookie = "c0",
                                  .ciphers = "c02b",
                                  .extensions = "00170000"}};
    say(&r, (hp_raw_message){.content = HP_RAW_DTLS, .dtls = dtls});
    rig_assert_out(&r, 0,
                   "16feff0000000000000000003d"
                   "010000310000000000000031"
                   "fefd"
                   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
                   "00"
                   "01c0"
                   "0002c02b"
                   "0100"
                   "000400170000");
    rig_clear(&r);
}

static void rtp_counts_by_itself(void **state)
{
    static hp_raw_action action;
    raw_rig r = {0};
    action = (hp_raw_action){
        .kind = HP_RAW_SEND,
        .send = {
            .to = "server",
            .socket = "main",
            .times = 2,
            .every = 20 * HP_MS,
            .message = {.content = HP_RAW_RTP,
                        .rtp = {.payload_type = 111, .marker = true, .ssrc = 7, .timestamp = 3, .payload = "aa"}}}};
    rig_init(&r, &action, 1);
    rig_start(&r);
    rig_run(&r, HP_S);
    assert_int_equal(r.out->len, 2);
    rig_assert_out(&r, 0, "80ef00000000000300000007aa");
    rig_assert_out(&r, 1, "80ef00010000000300000007aa");
    assert_int_equal(rig_out(&r, 1)->at, 20 * HP_MS);
    rig_clear(&r);
}

/* A check has what RFC 8445 section 7.1 asks for, in that order, with what was signalled. */
static void a_check(void **state)
{
    static hp_raw_action action;
    raw_rig r = {.config = {.ufrag = "mine", .password = "own", .role = HP_RAW_CONTROLLED, .tie_breaker = "77"}};
    const uint16_t order[] = {HP_STUN_USERNAME,      HP_STUN_PRIORITY,          HP_STUN_ICE_CONTROLLED,
                              HP_STUN_USE_CANDIDATE, HP_STUN_MESSAGE_INTEGRITY, HP_STUN_FINGERPRINT};
    action = (hp_raw_action){
        .kind = HP_RAW_SEND,
        .send = {.to = "server",
                 .socket = "main",
                 .times = 1,
                 .message = {.content = HP_RAW_CHECK, .check = {.priority = 0x6e7f1eff, .use_candidate = true}}}};
    rig_init(&r, &action, 1);
    hp_raw_signal_input(r.raw, 0, "alice", HP_RAW_OFFER, "theirs", "word", NULL);
    rig_start(&r);
    hp_stun_msg m;
    hp_stun_attr attr;
    size_t cursor = 0;
    uint64_t breaker;
    assert_true(hp_stun_parse(rig_out(&r, 0)->bytes->data, rig_out(&r, 0)->bytes->len, &m));
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        assert_true(hp_stun_next(&m, &cursor, &attr));
        assert_int_equal(attr.type, order[i]);
    }
    assert_false(hp_stun_next(&m, &cursor, &attr));
    assert_true(hp_stun_find(&m, HP_STUN_USERNAME, &attr));
    assert_int_equal(attr.length, 11);
    assert_memory_equal(attr.value, "theirs:mine", 11);
    assert_true(hp_stun_find(&m, HP_STUN_ICE_CONTROLLED, &attr) && hp_stun_attr_u64(&attr, &breaker));
    assert_int_equal(breaker, 77);
    hp_stun_key key = hp_stun_key_short("word", 4);
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    rig_clear(&r);
}

static void what_cannot_be_said(void **state)
{
    static const struct {
        hp_raw_message message;
        const char *told;
    } cases[] = {
        {{.content = HP_RAW_TEXT, .text = "${nobody}"}, "error 1 `${nobody}` has no value yet\n"},
        {{.content = HP_RAW_BYTES, .bytes = "0"}, "error 1 `0` has other than hexadecimal digits in pairs\n"},
        {{.content = HP_RAW_AGAIN, .again = "x"}, "error 1 `x` was not sent yet\n"},
        {{.content = HP_RAW_STUN, .stun = {.method = "Bind"}}, "error 1 `Bind` is no method of STUN\n"},
        {{.content = HP_RAW_STUN, .stun = {.id = "00"}}, "error 1 a transaction id has 12 bytes, not 1\n"},
        {{.content = HP_RAW_CHANNEL_DATA, .channel_data = {.channel = "x"}}, "error 1 `x` is no number of 16 bits\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        raw_rig r = {0};
        g_autofree char *told = g_strconcat(cases[i].told, "done failed\n", NULL);
        say(&r, cases[i].message);
        assert_int_equal(r.out->len, 0);
        rig_assert_told(&r, told);
        assert_true(hp_raw_is_done(r.raw));
        rig_clear(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_5769),
        cmocka_unit_test(everything_can_be_said_wrong),
        cmocka_unit_test(digests_wrong_and_cut),
        cmocka_unit_test(empty_keys),
        cmocka_unit_test(turn_wraps_it),
        cmocka_unit_test(dtls_fragments),
        cmocka_unit_test(a_client_hello),
        cmocka_unit_test(rtp_counts_by_itself),
        cmocka_unit_test(a_check),
        cmocka_unit_test(what_cannot_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
