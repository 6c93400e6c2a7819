/* A datagram out of a recording. */
#ifndef HP_WIRE_CAPTURED_H
#define HP_WIRE_CAPTURED_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

/* The UDP payload and when it was seen, on any clock that does not go back. */
typedef struct hp_captured {
    hp_time at;
    const uint8_t *data;
    size_t len;
} hp_captured;

#endif
