/* libFuzzer: data channel messages. The first octet chooses between the codec alone, whose answer must be written again
 * as it was read, and two ends of an association, one of which says what the input says: per message a stream, a
 * payload protocol, a length and octets. usrsctp's clock is the association's, so that an input does the same every
 * time. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "engines/data_channel.h"
#include "engines/data_channel_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hp_time clock_now;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    *tv = (struct timeval){.tv_sec = (time_t)(HP_EPOCH_S + clock_now / HP_S),
                           .tv_usec = (suseconds_t)(clock_now % HP_S / HP_US)};
    return 0;
}

static void fuzz_codec(const uint8_t *data, size_t size)
{
    hp_dcep_type type;
    hp_dcep_open open;
    const char *fault = NULL;
    if (!hp_dcep_read(data, size, &type, &open, &fault)) {
        g_assert(fault);
        return;
    }
    if (type == HP_DCEP_OPEN) {
        g_autoptr(GBytes) again = hp_dcep_write_open(&open, NULL);
        g_assert(again && g_bytes_get_size(again) == size);
        hp_dcep_open reread;
        g_assert(hp_dcep_read(g_bytes_get_data(again, NULL), size, &type, &reread, &fault));
        g_assert(strcmp(reread.channel.label, open.channel.label) == 0 && reread.priority == open.priority &&
                 reread.channel.unordered == open.channel.unordered);
        hp_dcep_open_clear(&reread);
        hp_dcep_open_clear(&open);
    }
}

/* ---- an association without a path: what one end sends is handed to the other ---- */

typedef struct packet {
    bool to_raw;
    GBytes *bytes;
} packet;

typedef struct pair {
    hp_data_channels *channels;
    hp_sctp *raw;
    GQueue packets;
    hp_time now;
} pair;

static void send(pair *p, bool to_raw, const uint8_t *data, size_t len)
{
    packet *sent = g_new(packet, 1);
    *sent = (packet){.to_raw = to_raw, .bytes = g_bytes_new(data, len)};
    g_queue_push_tail(&p->packets, sent);
}

static void from_channels(void *user, hp_time now, const uint8_t *data, size_t len)
{
    send(user, true, data, len);
}

static void from_raw(void *user, hp_time now, const uint8_t *data, size_t len)
{
    send(user, false, data, len);
}

static void on_event(void *user, hp_time now, const hp_channel_event *event)
{
    pair *p = user;
    if (event->kind == HP_CHANNEL_EV_MESSAGE && event->length % 3 == 0) {
        hp_data_channels_close(p->channels, now, event->channel);
    }
}

static void settle(pair *p)
{
    packet *next;
    p->now += 300 * HP_MS;
    clock_now = p->now;
    hp_data_channels_run(p->channels, p->now);
    hp_sctp_run(p->raw, p->now);
    while ((next = g_queue_pop_head(&p->packets))) {
        gsize len;
        const uint8_t *data = g_bytes_get_data(next->bytes, &len);
        if (next->to_raw) {
            hp_sctp_input(p->raw, p->now, data, len);
        } else {
            hp_data_channels_input(p->channels, p->now, data, len);
        }
        g_bytes_unref(next->bytes);
        g_free(next);
    }
}

static void fuzz_channels(const uint8_t *data, size_t size)
{
    static const hp_data_channels_ops ops = {.send = from_channels, .event = on_event};
    static const hp_sctp_ops raw_ops = {.send = from_raw};
    const hp_data_channels_config config = {.sctp = {.mtu = 1200, .streams = 16}, .dtls_client = true};
    const hp_rng one = {.s = {1}}, two = {.s = {2}};
    pair p = {.channels = hp_data_channels_new(&config, &one, &ops, &p, NULL)};
    p.raw = hp_sctp_new(&config.sctp, &two, &raw_ops, &p, NULL);
    g_queue_init(&p.packets);
    clock_now = 0;
    hp_data_channels_start(p.channels, p.now);
    hp_sctp_start(p.raw, p.now);
    settle(&p);
    hp_data_channels_open(p.channels, p.now, &(hp_channel_config){.label = (char *)"ours"}, NULL);
    settle(&p);
    while (size >= 4) {
        size_t len = MIN((size_t)data[2] + 1, size - 3);
        if (data[1] == 255) {
            hp_sctp_reset_stream(p.raw, p.now, data[0] % 16);
        } else {
            hp_sctp_send(p.raw, p.now,
                         &(hp_sctp_message){.stream = data[0] % 16,
                                            .ppid = 50 + data[1] % 8,
                                            .unordered = data[1] >= 128,
                                            .data = data + 3,
                                            .length = len});
        }
        data += 3 + len;
        size -= 3 + len;
        settle(&p);
    }
    settle(&p);
    hp_data_channels_free(p.channels);
    hp_sctp_free(p.raw);
    packet *left;
    while ((left = g_queue_pop_head(&p.packets))) {
        g_bytes_unref(left->bytes);
        g_free(left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 2 == 0) {
        fuzz_codec(data + 1, size - 1);
    } else if (size > 0) {
        fuzz_channels(data + 1, size - 1);
    }
    return 0;
}
