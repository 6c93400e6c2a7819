/* Private to wire/: bytes of names, compared without case. */
#ifndef HP_WIRE_DNS_NAME_H
#define HP_WIRE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool hp_dns_bytes_equal(const uint8_t *a, const uint8_t *b, size_t n);

#endif
