/* Fuzzes the reading of TCP segments. Besides not crashing: the data is the end of the input, and a header that was
 * read can be written, is no longer than it was, and reads the same again. */
#include <glib.h>
#include <string.h>

#include "wire/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hp_tcp_header h = {0}, again = {0};
    const uint8_t *payload = NULL;
    size_t length = 0;
    char flags[HP_TCP_FLAGS_TEXT];
    uint8_t out[HP_TCP_HEADER_ROOM];

    if (!hp_tcp_parse(data, size, &h, &payload, &length)) {
        return 0;
    }
    g_assert(payload >= data && payload + length == data + size);
    g_assert(strlen(hp_tcp_flags_format(h.flags, flags)) < sizeof flags);
    size_t written = hp_tcp_write(&h, out, sizeof out);
    g_assert(written >= HP_TCP_HEADER - 4 && hp_tcp_write(&h, out, written - 1) == 0);
    g_assert(hp_tcp_write(&h, out, written) == written);
    g_assert(hp_tcp_parse(out, written, &again, &payload, &length) && length == 0);
    g_assert(again.seq == h.seq && again.ack == h.ack && again.flags == h.flags && again.window == h.window);
    g_assert(again.urgent == h.urgent && again.mss == h.mss && again.sack_permitted == h.sack_permitted);
    g_assert(again.has_window_scale == h.has_window_scale && again.window_scale == h.window_scale);
    return 0;
}
