/* A pcap filter, compiled once for raw IP: it names addresses, not hosts. */
#ifndef HP_CHECK_FILTER_H
#define HP_CHECK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct hp_filter hp_filter;

/* NULL when it does not compile: then *ret_message says why (caller frees). */
hp_filter *hp_filter_new(const char *text, char **ret_message);
void hp_filter_free(hp_filter *filter);
/* Whether an IP packet passes. */
bool hp_filter_passes(const hp_filter *filter, const uint8_t *packet, uint32_t length);

#endif
