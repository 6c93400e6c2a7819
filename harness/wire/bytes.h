/* Numbers in network byte order, at any alignment. */
#ifndef HP_WIRE_BYTES_H
#define HP_WIRE_BYTES_H

#include <stdint.h>

static inline void hp_put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void hp_put32(uint8_t *p, uint32_t value)
{
    hp_put16(p, value >> 16);
    hp_put16(p + 2, value);
}

static inline void hp_put64(uint8_t *p, uint64_t value)
{
    hp_put32(p, (uint32_t)(value >> 32));
    hp_put32(p + 4, (uint32_t)value);
}

static inline uint16_t hp_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t hp_get32(const uint8_t *p)
{
    return (uint32_t)hp_get16(p) << 16 | hp_get16(p + 2);
}

static inline uint64_t hp_get64(const uint8_t *p)
{
    return (uint64_t)hp_get32(p) << 32 | hp_get32(p + 4);
}

#endif
