/* A NAT for tests of the port mapping protocols: it gives ports, and keeps what it was asked for on record. */
#ifndef HP_TESTS_ENGINES_PCP_GATEWAY_H
#define HP_TESTS_ENGINES_PCP_GATEWAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/pcp_leases.h"
#include "wire/hex.h"

typedef struct gateway {
    hp_port_mapping_config config;
    hp_leases *leases;
    hp_addr external; /* family none: it has none */
    uint16_t next_port; /* given where there is no wish, then the one above */
    uint16_t taken; /* somebody else has it */
    hp_lease_outcome refusal; /* instead of granting */
    unsigned mapped, unmapped, expired, filtered;
    hp_lease_want want; /* the last one */
    hp_lease last; /* the last one that was ended */
} gateway;

static inline hp_addr gateway_addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline hp_lease_outcome gateway_map(void *user, hp_time now, const hp_lease_want *want, hp_addr *ret)
{
    gateway *g = user;
    g->want = *want;
    if (g->refusal != HP_LEASE_GRANTED) {
        return g->refusal;
    }
    if (g->external.family == HP_AF_NONE) {
        return HP_LEASE_NO_NETWORK;
    }
    uint16_t port = want->external.port;
    bool possible = port != 0 && port != g->taken && hp_addr_same_ip(&want->external, &g->external);
    if (want->exact && port != 0 && !possible) {
        return HP_LEASE_TAKEN;
    }
    *ret = hp_addr_with_port(g->external, possible ? port : g->next_port++);
    g->mapped++;
    return HP_LEASE_GRANTED;
}

static inline void gateway_unmap(void *user, hp_time now, const hp_lease *lease)
{
    gateway *g = user;
    g->unmapped++;
    g->last = *lease;
}

static inline bool gateway_external(void *user, uint8_t family, hp_addr *ret)
{
    gateway *g = user;
    if (g->external.family != family) {
        return false;
    }
    *ret = g->external;
    return true;
}

static inline void gateway_filter(void *user, hp_time now, const hp_lease *lease)
{
    gateway *g = user;
    g->filtered++;
}

static inline void gateway_expired(void *user, hp_time now, const hp_lease *lease)
{
    gateway *g = user;
    g->expired++;
}

static inline void gateway_start(gateway *g, hp_time now)
{
    static const hp_lease_ops ops = {
        .map = gateway_map,
        .unmap = gateway_unmap,
        .external = gateway_external,
        .filter = gateway_filter,
        .expired = gateway_expired,
    };
    g_clear_pointer(&g->leases, hp_leases_free);
    if (g->next_port == 0) {
        g->external = gateway_addr("203.0.113.5");
        g->next_port = 40000;
    }
    g->leases = hp_leases_new(&g->config, now, &ops, g);
}

static inline void gateway_assert_bytes(const uint8_t *data, size_t len, const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    assert_int_equal(len, g_bytes_get_size(bytes));
    assert_memory_equal(data, g_bytes_get_data(bytes, NULL), len);
}

#endif
