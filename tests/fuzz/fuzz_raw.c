/* Fuzzes what comes to a raw agent: datagrams, streams of either framing, TLS and DTLS in the middle of a handshake,
 * ends and ICMP errors in any order, against a script that looks at everything and answers everything.
 *
 * Input: chunks of one byte that says what comes, one of length, and so many bytes. Besides not crashing, the agent
 * must come to rest: whatever came, its deadline lies in the future. */
#include <string.h>

#include "engines/raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool open_socket(void *user, unsigned number, const hp_raw_socket *socket, const hp_addr *remote,
                        hp_addr *ret_local, GError **error)
{
    *ret_local = hp_addr_v4(0xc0000201, (uint16_t)(40000 + number));
    return true;
}

static void close_socket(void *user, unsigned number, bool reset)
{
}

static bool send_datagram(void *user, unsigned number, const hp_addr *to, const uint8_t *data, size_t len, uint8_t ttl,
                          uint8_t tos, bool dont_fragment, uint32_t *ret_packet)
{
    *ret_packet = 1;
    return true;
}

static size_t write_stream(void *user, unsigned number, const uint8_t *data, size_t len, uint32_t *ret_packet)
{
    return len;
}

static bool resolve(void *user, const char *name, hp_raw_transport transport, hp_addr *ret)
{
    *ret = hp_addr_v4(0xcb007101, 3478);
    return true;
}

static bool own_address(void *user, hp_addr *ret)
{
    *ret = hp_addr_v4(0xc0000201, 0);
    return true;
}

static bool signal_out(void *user, hp_time now, const hp_raw_signal *signal, GError **error)
{
    return true;
}

static void event(void *user, hp_time now, const hp_raw_event *e)
{
    g_assert(e->text != NULL && e->why != NULL);
}

static const hp_raw_ops ops = {.open = open_socket,
                               .close = close_socket,
                               .send = send_datagram,
                               .write = write_stream,
                               .resolve = resolve,
                               .own_address = own_address,
                               .signal = signal_out,
                               .event = event};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hp_raw_socket sockets[] = {
        {.name = (char *)"stun", .transport = HP_RAW_OVER_TCP, .to = (char *)"s"},
        {.name = (char *)"length", .transport = HP_RAW_OVER_TCP, .to = (char *)"s", .framing = HP_RAW_FRAMING_LENGTH},
        {.name = (char *)"tls", .transport = HP_RAW_OVER_TLS, .to = (char *)"s"},
        {.name = (char *)"dtls", .transport = HP_RAW_OVER_DTLS, .to = (char *)"s"},
    };
    hp_raw_attribute wanted[] = {
        {.name = (char *)"ERROR-CODE", .type = HP_STUN_ERROR_CODE, .value = (char *)"401"},
        {.name = (char *)"XOR-MAPPED-ADDRESS", .type = HP_STUN_XOR_MAPPED_ADDRESS, .value = (char *)"192.0.2.1"},
        {.name = (char *)"UNKNOWN-ATTRIBUTES", .type = HP_STUN_UNKNOWN_ATTRIBUTES, .value = (char *)"0x7fff"},
        {.name = (char *)"MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .value = (char *)"password"},
    };
    hp_raw_answer answers[] = {{.kind = HP_RAW_ANSWER_CHECKS},
                               {.message = {.content = HP_RAW_STUN, .stun = {.id = (char *)"${last.id}"}}}};
    hp_raw_action script[] = {
        {.kind = HP_RAW_RECEIVE,
         .receive = {.within = HP_S,
                     .count = 1,
                     .filter = {.has_stun = true, .inside = true, .attributes = wanted, .n_attributes = 4}}},
    };
    const hp_raw_config config = {.sockets = sockets,
                                  .n_sockets = 4,
                                  .answers = answers,
                                  .n_answers = 2,
                                  .ufrag = (char *)"u",
                                  .password = (char *)"password",
                                  .script = {.name = (char *)"script", .actions = script, .n_actions = 1}};
    const hp_addr from = hp_addr_v4(0xcb007101, 3478), to = hp_addr_v4(0xc0000201, 40000);
    hp_rng rng;
    hp_rng_init(&rng, 1, "fuzz");
    g_autoptr(hp_raw) raw = hp_raw_new(&config, &rng, &ops, NULL);
    hp_raw_open(raw, 0);
    hp_raw_start(raw, 0);
    for (unsigned i = 0; i < 3; i++) {
        hp_raw_connected(raw, 0, i, &to, &from);
    }
    for (size_t at = 0; at + 2 <= size;) {
        unsigned what = data[at] >> 4, number = data[at] & 15;
        size_t len = MIN(data[at + 1], size - at - 2);
        const uint8_t *bytes = data + at + 2;
        at += 2 + len;
        if (number >= hp_raw_n_sockets(raw)) {
            continue;
        }
        bool stream = number < 3;
        if (what == 15) {
            hp_raw_ended(raw, 0, number, stream ? HP_RAW_CLOSED : HP_RAW_RESET, "", 0);
        } else if (what == 14) {
            hp_raw_icmp(raw, 0, number, HP_ICMP_TTL_EXCEEDED, &from, &to, 0);
        } else if (stream) {
            hp_raw_bytes_input(raw, 0, number, bytes, len, 0);
        } else {
            hp_raw_datagram_input(raw, 0, number,
                                  &(hp_raw_datagram){.from = from, .to = to, .data = bytes, .length = len});
        }
    }
    g_assert(hp_raw_deadline(raw) > 0);
    hp_raw_finish(raw, HP_S);
    return 0;
}
