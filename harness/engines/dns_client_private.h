/* Private to the stub resolver: queries under way, and the cache. */
#ifndef HP_ENGINES_DNS_CLIENT_PRIVATE_H
#define HP_ENGINES_DNS_CLIENT_PRIVATE_H

#include "engines/dns_client.h"

/* What is known of one name and type. */
typedef struct hp_dns_cached {
    hp_dns_name name;
    uint16_t type;
    hp_time expires;
    hp_dns_result result; /* without number, server and count */
} hp_dns_cached;

typedef struct hp_dns_cache {
    GArray *entries; /* of hp_dns_cached, in no order that matters */
    unsigned limit;
    uint32_t max_ttl;
} hp_dns_cache;

void hp_dns_cache_init(hp_dns_cache *cache, const hp_resolver_config *config);
void hp_dns_cache_clear(hp_dns_cache *cache);
/* Keeps a result for its TTL, in place of what was known and, when full, of what would go first. */
void hp_dns_cache_put(hp_dns_cache *cache, hp_time now, const hp_dns_result *result);
/* Fills what the cache knows; the rest of *ret is left alone. */
bool hp_dns_cache_get(hp_dns_cache *cache, hp_time now, const hp_dns_name *name, uint16_t type, hp_dns_result *ret);

/* Reads an answer to the question that *ret names: status, addresses, canonical name, TTL. */
void hp_dns_read_answer(const hp_dns_msg *m, hp_dns_result *ret);

#endif
