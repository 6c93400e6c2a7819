/* The messages of the Data Channel Establishment Protocol (RFC 8832 section 5), as octets. */
#ifndef HP_ENGINES_DATA_CHANNEL_MESSAGE_H
#define HP_ENGINES_DATA_CHANNEL_MESSAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/media.h"

/* SCTP payload protocol identifiers (RFC 8831 section 8, RFC 8832 section 8.1). */
enum {
    HP_PPID_DCEP = 50,
    HP_PPID_STRING = 51,
    HP_PPID_BINARY = 53,
    HP_PPID_STRING_EMPTY = 56, /* one octet, of no meaning: SCTP has no empty messages */
    HP_PPID_BINARY_EMPTY = 57,
};

typedef enum hp_dcep_type { HP_DCEP_ACK = 0x02, HP_DCEP_OPEN = 0x03 } hp_dcep_type;

typedef struct hp_dcep_open {
    uint16_t priority;
    hp_channel_config channel; /* strings owned */
} hp_dcep_open;
void hp_dcep_open_clear(hp_dcep_open *open);

/* NULL and HP_ERROR_INVALID: a label or protocol that is no UTF-8 or longer than 65535 octets, two limits, or a limit
 * too large for its field. */
GBytes *hp_dcep_write_open(const hp_dcep_open *open, GError **error);
GBytes *hp_dcep_write_ack(void);
/* False: no DCEP message; *ret_fault says why ("type", "length", "channel-type", "text"). ret_open is filled for an
 * OPEN only. */
bool hp_dcep_read(const uint8_t *data, size_t len, hp_dcep_type *ret_type, hp_dcep_open *ret_open,
                  const char **ret_fault);

#endif
