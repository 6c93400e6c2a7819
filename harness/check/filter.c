/* Pcap filters: libpcap compiles the text, and its interpreter runs the program on the bytes of a whole IP packet. No
 * interface is opened for it. */
#include "check/filter.h"

#include <glib.h>
#include <pcap/pcap.h>

struct hp_filter {
    struct bpf_program program;
};

hp_filter *hp_filter_new(const char *text, char **ret_message)
{
    pcap_t *pcap = pcap_open_dead(DLT_RAW, 65535);
    if (pcap == NULL) {
        *ret_message = g_strdup("libpcap gave no handle to compile a filter with");
        return NULL;
    }
    hp_filter *filter = g_new0(hp_filter, 1);
    if (pcap_compile(pcap, &filter->program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        *ret_message = g_strdup_printf("the filter `%s` does not compile: %s", text, pcap_geterr(pcap));
        g_clear_pointer(&filter, g_free);
    }
    pcap_close(pcap);
    return filter;
}

void hp_filter_free(hp_filter *filter)
{
    if (filter == NULL) {
        return;
    }
    pcap_freecode(&filter->program);
    g_free(filter);
}

bool hp_filter_passes(const hp_filter *filter, const uint8_t *packet, uint32_t length)
{
    return bpf_filter(filter->program.bf_insns, packet, length, length) != 0;
}
